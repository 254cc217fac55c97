//! What an upload says beside what is computed, so that a model that is saved again still says it.

use super::files::read_json;
use super::{CheckpointError, Precision};
use serde_json::{Map, Value};
use std::path::Path;

/// Fields of `config.json` that other tools read and a model keeps through training. What was noted about how the upload was
/// made, its name and its tools, would no longer be true.
const KEPT: [&str; 13] = [
    "bos_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "initializer_range",
    "is_llama_config",
    "max_window_layers",
    "pad_token_id",
    "pretraining_tp",
    "sep_token_id",
    "sliding_window",
    "unk_token_id",
    "use_cache",
];

/// Beside the weights: `generation_config.json`, kept as it is.
const GENERATION: &str = "generation_config.json";

/// What a model keeps of its upload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// Fields of `config.json`.
    pub config: Map<String, Value>,
    /// `generation_config.json`.
    pub generation: Option<Map<String, Value>>,
    /// The type that most of the weights were kept in.
    pub precision: Option<Precision>,
}

impl Notes {
    /// Reads the notes of a directory.
    ///
    /// # Errors
    /// When a file is no JSON.
    pub(super) fn read(dir: &Path) -> Result<Notes, CheckpointError> {
        let object = |name: &str| -> Result<Option<Map<String, Value>>, CheckpointError> {
            Ok(match read_json(&dir.join(name))? {
                Some(Value::Object(fields)) => Some(fields),
                _ => None,
            })
        };
        let mut config = object("config.json")?.unwrap_or_default();
        config.retain(|name, value| KEPT.contains(&name.as_str()) && !value.is_null());
        let weights = super::weight_types(dir)?;
        // Norms are sometimes kept wider than the rest.
        let usual = weights.into_iter().max_by_key(|(_, elements)| *elements);
        let precision = usual.and_then(|(name, _)| name.to_lowercase().parse().ok());
        Ok(Notes { config, generation: object(GENERATION)?, precision })
    }

    /// Writes `generation_config.json`, if there was one.
    pub(super) fn write(&self, dir: &Path) -> Result<(), CheckpointError> {
        let Some(generation) = &self.generation else { return Ok(()) };
        let text = format!("{:#}\n", Value::Object(generation.clone()));
        Ok(tracelift_files::write(dir.join(GENERATION), text.as_bytes())?)
    }

    /// The end tokens of `generation_config.json`, which `config.json` may not name.
    ///
    /// # Errors
    /// When what it names is neither a token's id nor a list of them.
    pub(super) fn eos(&self, dir: &Path) -> Result<Vec<u32>, CheckpointError> {
        let named = self.generation.as_ref().and_then(|generation| generation.get("eos_token_id"));
        crate::config::token_ids(named).map_err(|source| CheckpointError::Json {
            path: dir.join(GENERATION),
            message: source.to_string(),
        })
    }
}
