//! `tracelift model …`: make a checkpoint from nothing or from an adapter, look at one, and serve one.

mod init;
mod inspect;
mod merge;
mod scratch;
mod serve;

use anyhow::{Context, Result};
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::Path;
use tracelift_engine::{Numbers, hub};

pub use init::refuse_if_taken;
pub use scratch::Scratch;

/// Reads the numbers in which products are computed, by the names of the configuration.
pub fn numbers() -> impl TypedValueParser<Value = Numbers> {
    PossibleValuesParser::new(["f32", "bf16", "int8"]).map(|name| match name.as_str() {
        "bf16" => Numbers::Bf16,
        "int8" => Numbers::Int8,
        _ => Numbers::F32,
    })
}

/// What to do with a model.
#[derive(Subcommand)]
pub enum ModelCommand {
    /// Make a checkpoint with random weights.
    Init(init::Init),
    /// Print what a checkpoint, a reward model or an adapter is.
    Inspect(inspect::Inspect),
    /// Make one checkpoint of an adapter and its base.
    Merge(merge::Merge),
    /// Serve a model over HTTP, as OpenAI serves models.
    Serve(serve::ServeModel),
}

/// Runs a model command.
pub fn run(command: &ModelCommand) -> Result<()> {
    let dir = match command {
        ModelCommand::Init(settings) => {
            init::init(settings)?;
            &settings.out
        }
        ModelCommand::Merge(settings) => {
            merge::merge(settings)?;
            &settings.out
        }
        ModelCommand::Inspect(settings) => &settings.dir,
        ModelCommand::Serve(settings) => return serve::serve(settings),
    };
    let facts =
        inspect::inspect(dir).with_context(|| format!("failed to read the model in {}", dir.display()))?;
    for (name, value) in facts {
        println!("{name:<12}  {value}");
    }
    Ok(())
}

/// Whether a directory's `config.json` describes a reward model; not if there is none.
pub fn is_reward_model(dir: &Path) -> Result<bool> {
    let dir = hub::resolve(dir)?;
    Ok(read_json(&dir.join("config.json"))?.is_some_and(|config| config.get("rm_dimension_names").is_some()))
}

/// A JSON file, `None` if it is not there.
fn read_json(path: &Path) -> Result<Option<Value>> {
    let text = match fs::read_to_string(path) {
        // What stands there in place of a directory is for whoever reads the model to say.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        other => other.with_context(|| format!("failed to read {}", path.display()))?,
    };
    let value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .with_context(|| format!("{} is not JSON", path.display()))?;
    Ok(Some(value))
}
