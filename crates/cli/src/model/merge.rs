//! `tracelift model merge`: an adapter and its base as one checkpoint.

use super::init::refuse_if_taken;
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::path::PathBuf;
use tracelift_engine::{Checkpoint, Precision, hub, peft};

/// Settings of `model merge`.
#[derive(Args)]
pub struct Merge {
    /// A PEFT adapter: a directory, or `org/name` in the Hugging Face cache.
    adapter: PathBuf,
    /// The directory to make.
    pub(super) out: PathBuf,
    /// The checkpoint that it adapts [default: the one that the adapter names].
    #[arg(long)]
    base: Option<PathBuf>,
    /// The type in which weights are written: f32, bf16 or f16 [default: that of the base's weights].
    #[arg(long)]
    dtype: Option<Precision>,
    /// The most bytes of weights in a file.
    #[arg(long, default_value_t = 5_000_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    shard_bytes: u64,
}

/// Adds the adapter to the base's weights in `f32`, and rounds the sum once.
pub(super) fn merge(settings: &Merge) -> Result<()> {
    refuse_if_taken(&settings.out)?;
    let adapter = hub::resolve(&settings.adapter)?;
    let failed = || format!("failed to read the adapter in {}", adapter.display());
    let mut checkpoint = match &settings.base {
        Some(base) => {
            let base = hub::resolve(base)?;
            let checkpoint = Checkpoint::load(&base);
            let mut checkpoint =
                checkpoint.with_context(|| format!("failed to read the base in {}", base.display()))?;
            peft::load(&mut checkpoint.model, &adapter).with_context(failed)?;
            checkpoint
        }
        None => {
            let peft::Opened { checkpoint, base } = peft::open(&adapter).with_context(failed)?;
            base.with_context(|| format!("{} holds no adapter", adapter.display()))?;
            checkpoint
        }
    };
    let precision = settings.dtype.or(checkpoint.model.notes.precision).unwrap_or(Precision::F32);
    checkpoint.model.merge_lora();
    let finite = checkpoint.model.weights.iter().all(|weight| weight.is_finite());
    ensure!(finite, "the merged weights hold a NaN or an infinity; is this the adapter's base?");
    checkpoint
        .save_in_shards(&settings.out, precision, settings.shard_bytes)
        .with_context(|| format!("failed to save {}", settings.out.display()))
}
