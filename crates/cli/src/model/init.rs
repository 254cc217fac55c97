//! `tracelift model init`: a checkpoint with random weights.

use super::Scratch;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tracelift_domain::Seed;
use tracelift_engine::Precision;

/// Settings of `model init`.
#[derive(Args)]
pub struct Init {
    /// The directory to make.
    pub(super) out: PathBuf,
    #[command(flatten)]
    scratch: Scratch,
    /// The type in which weights are written: f32, bf16 or f16.
    #[arg(long, default_value = "f32")]
    dtype: Precision,
    /// Of the weights.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// Makes the checkpoint.
pub(super) fn init(settings: &Init) -> Result<()> {
    refuse_if_taken(&settings.out)?;
    let checkpoint = settings.scratch.checkpoint(Seed(settings.seed))?;
    let out = &settings.out;
    checkpoint.save(out, settings.dtype).with_context(|| format!("failed to save {}", out.display()))
}

/// A new model goes where nothing is yet.
pub fn refuse_if_taken(out: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("failed to look into {}", out.display()))?,
    };
    if let Some(entry) = entries.next() {
        let entry = entry.with_context(|| format!("failed to look into {}", out.display()))?.file_name();
        let (out, entry) = (out.display(), entry.display());
        bail!("{out} already holds `{entry}`; choose a new or empty directory");
    }
    Ok(())
}
