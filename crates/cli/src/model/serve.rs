//! `tracelift model serve`: a frozen model over HTTP, in OpenAI's dialect.

use super::numbers;
use crate::serve::models::{self, ModelSettings};
use crate::serve::{Listen, announce};
use anyhow::{Result, bail};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use tracelift_engine::Numbers;
use tracelift_serve::{Frame, Service, model_section};

/// Settings of `model serve`.
#[derive(Args)]
pub struct ServeModel {
    /// A checkpoint or adapter: a directory, or `org/name` in the Hugging Face cache.
    dir: PathBuf,
    /// The name by which requests ask for it [default: the last part of the path].
    #[arg(long)]
    name: Option<String>,
    /// The port to listen on; 0 for a free one.
    #[arg(long, default_value_t = 8003)]
    port: u16,
    #[command(flatten)]
    listen: Listen,
    /// The numbers in which products are computed.
    #[arg(long, default_value = "f32", value_parser = numbers())]
    numbers: Numbers,
    /// Sequences that are sampled at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    sequences: u32,
    /// Sequences at work or waiting; a request that finds no room is refused (429).
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queue: u32,
    /// What keys and values may take in MB.
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    cache_mb: u32,
    /// Threads that compute [default: one per core].
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Serves a model until it is told to stop.
pub fn serve(settings: &ServeModel) -> Result<()> {
    let listen = settings.listen.open(settings.port)?;
    let last = settings.dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = settings.name.clone().or(last).unwrap_or_else(|| "model".into());
    let model = models::open(
        &name,
        &ModelSettings {
            model: &settings.dir,
            numbers: settings.numbers,
            sequences: settings.sequences,
            queue: settings.queue,
            cache_mb: settings.cache_mb,
            threads: settings.threads,
            timeout: listen.timeout,
        },
    )?;
    let frame = Frame::shared(&listen);
    let service = Service::of(&frame, vec![model_section(vec![model], &frame)?]);
    let drained =
        tracelift_serve::serve(service, listen, |address| announce(&format!("model `{name}`"), address))?;
    if !drained.complete {
        bail!("stopped before every request in progress was answered; raise --grace to give them longer");
    }
    Ok(())
}
