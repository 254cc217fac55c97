//! Tokenizers: `tokenizer.json`, through the `tokenizers` crate.

use crate::checkpoint::{tokenizer_config, write_atomically};
use std::fs;
use std::path::{Path, PathBuf};

/// Text to tokens and back.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    eos: Vec<u32>,
}

/// Why a tokenizer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// The file cannot be read.
    #[error("{path}: {message}")]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A text cannot be encoded, or tokens cannot be decoded.
    #[error("the tokenizer failed: {0}")]
    Code(String),
    /// The tokenizer cannot be written.
    #[error("{0}")]
    Save(String),
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a directory; the end token from `tokenizer_config.json` if it names one.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Tokenizer, TokenizerError> {
        let path = dir.join("tokenizer.json");
        let text = fs::read_to_string(&path)
            .map_err(|error| TokenizerError::Load { path: path.clone(), message: error.to_string() })?;
        let mut tokenizer = Tokenizer::from_json(&text)
            .map_err(|error| TokenizerError::Load { path, message: error.to_string() })?;
        let path = dir.join("tokenizer_config.json");
        if let Ok(text) = fs::read_to_string(&path) {
            let value: serde_json::Value = serde_json::from_str(&text)
                .map_err(|error| TokenizerError::Load { path, message: error.to_string() })?;
            // Either the token itself, or an object that describes it.
            let eos = value.get("eos_token").and_then(|eos| eos.get("content").unwrap_or(eos).as_str());
            tokenizer.eos = eos.and_then(|eos| tokenizer.inner.token_to_id(eos)).into_iter().collect();
        }
        Ok(tokenizer)
    }

    /// From the text of a `tokenizer.json`.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(text: &str) -> Result<Tokenizer, TokenizerError> {
        let mut inner: tokenizers::Tokenizer =
            text.parse().map_err(|error: tokenizers::Error| TokenizerError::Code(error.to_string()))?;
        // Lengths are the caller's business; a file may carry a truncation of its own.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| TokenizerError::Code(error.to_string()))?;
        Ok(Tokenizer { inner, eos: Vec::new() })
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TokenizerError> {
        let text = self.to_json()?;
        let eos = self.eos.first().and_then(|&id| self.inner.id_to_token(id));
        let pad = self.inner.token_to_id("<pad>").map(|_| "<pad>");
        let failed = |error: crate::checkpoint::CheckpointError| TokenizerError::Save(error.to_string());
        write_atomically(&dir.join("tokenizer.json"), text.as_bytes()).map_err(failed)?;
        let config = tokenizer_config(eos.as_deref(), pad);
        write_atomically(&dir.join("tokenizer_config.json"), config.as_bytes()).map_err(failed)
    }

    /// The text of `tokenizer.json`.
    ///
    /// # Errors
    /// When the tokenizer cannot be serialised.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner.to_string(false).map_err(|error| TokenizerError::Save(error.to_string()))
    }

    /// Tokens that end a text.
    #[must_use]
    pub fn eos(&self) -> &[u32] {
        &self.eos
    }

    /// Says which tokens end a text.
    pub fn set_eos(&mut self, eos: Vec<u32>) {
        self.eos = eos;
    }

    /// How many tokens there are, added ones included.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        // Ids need not be dense: what counts for an embedding is the highest.
        self.inner.get_vocab(true).values().max().map_or(0, |&id| id as usize + 1)
    }

    /// The id of a token, if it is one.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Text to tokens; nothing is added.
    ///
    /// # Errors
    /// When the tokenizer cannot encode it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding =
            self.inner.encode_fast(text, false).map_err(|error| TokenizerError::Code(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokens to text, special tokens included; an end token at the end is left out.
    ///
    /// # Errors
    /// When a token is unknown to the decoder.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        let tokens = match tokens.split_last() {
            Some((last, rest)) if self.eos.contains(last) => rest,
            _ => tokens,
        };
        self.inner.decode(tokens, false).map_err(|error| TokenizerError::Code(error.to_string()))
    }
}
