//! Tokenizers: `tokenizer.json`, through the `tokenizers` crate.

use crate::checkpoint::{tokenizer_config, write_atomically};
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The special tokens of [`Tokenizer::byte_level`], in the order of their ids; they come after the 256 bytes.
pub const BYTE_LEVEL_SPECIAL: [&str; 4] = ["<pad>", "<eos>", "<reasoning>", "</reasoning>"];

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
        Tokenizer::read(&dir.join("tokenizer.json"))
    }

    /// Reads a tokenizer file; the end token from the `tokenizer_config.json` beside it if that names one.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Tokenizer, TokenizerError> {
        let failed = |path: &Path, message: String| TokenizerError::Load { path: path.to_owned(), message };
        let text = fs::read_to_string(path).map_err(|error| failed(path, error.to_string()))?;
        let mut tokenizer = Tokenizer::from_json(&text).map_err(|error| failed(path, error.to_string()))?;
        let path = path.with_file_name("tokenizer_config.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(tokenizer),
            Err(error) => return Err(failed(&path, error.to_string())),
        };
        let value: Value = serde_json::from_str(&text).map_err(|error| failed(&path, error.to_string()))?;
        // Either the token itself, or an object that describes it.
        let eos = value.get("eos_token").and_then(|eos| eos.get("content").unwrap_or(eos).as_str());
        tokenizer.eos = eos.and_then(|eos| tokenizer.inner.token_to_id(eos)).into_iter().collect();
        Ok(tokenizer)
    }

    /// A tokenizer for any UTF-8 text that was trained on none: one token a byte, whose id is the byte's value, then
    /// [`BYTE_LEVEL_SPECIAL`]. `<eos>` ends a text.
    ///
    /// # Errors
    /// When the `tokenizers` crate refuses it.
    pub fn byte_level() -> Result<Tokenizer, TokenizerError> {
        let mut vocabulary: Map<String, Value> = byte_symbols()
            .into_iter()
            .enumerate()
            .map(|(byte, symbol)| (symbol.to_string(), json!(byte)))
            .collect();
        let mut added = Vec::new();
        for (id, token) in (256..).zip(BYTE_LEVEL_SPECIAL) {
            vocabulary.insert(token.to_owned(), json!(id));
            added.push(
                json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                              "normalized": false, "special": true}),
            );
        }
        // Without merges there is nothing to gain from splitting a text at words.
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
        let file = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": null,
            "pre_tokenizer": bytes,
            "post_processor": null,
            "decoder": bytes,
            "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "vocab": vocabulary,
                "merges": [],
            },
        });
        let mut tokenizer = Tokenizer::from_json(&file.to_string())?;
        tokenizer.eos = tokenizer.id("<eos>").into_iter().collect();
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

    /// The token of an id, as the vocabulary spells it.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
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

/// The character that stands for each byte in a byte-level vocabulary: bytes that are visible characters of Latin-1
/// stand for themselves, the others, in order, for the characters from U+0100 on.
fn byte_symbols() -> [char; 256] {
    let mut hidden = '\u{100}'..;
    std::array::from_fn(|byte| match byte as u8 {
        visible @ (b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) => char::from(visible),
        // There are 68 of them, and far more characters.
        _ => hidden.next().unwrap_or(char::REPLACEMENT_CHARACTER),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn byte_symbols_are_those_of_the_tokenizers_crate() {
        let ours: BTreeSet<char> = byte_symbols().into();
        let theirs: BTreeSet<char> =
            tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect();
        assert_eq!(ours.len(), 256);
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_byte_is_its_own_token_and_special_tokens_are_whole() {
        let tokenizer = Tokenizer::byte_level().unwrap();
        assert_eq!(tokenizer.vocabulary(), 260);
        assert_eq!(tokenizer.eos(), [257]);
        assert_eq!(tokenizer.token(258).as_deref(), Some("<reasoning>"));
        assert_eq!(
            tokenizer.encode("a <reasoning>é\n</reasoning>").unwrap(),
            [97, 32, 258, 0xC3, 0xA9, 10, 259]
        );
        assert_eq!(tokenizer.encode("\0\u{7f}").unwrap(), [0, 127]);
        // An end token that a model wrote is not part of its text.
        assert_eq!(tokenizer.decode(&[104, 105, 257]).unwrap(), "hi");
    }

    #[test]
    fn a_byte_level_tokenizer_survives_its_files() {
        let scratch = tempfile::tempdir().unwrap();
        let tokenizer = Tokenizer::byte_level().unwrap();
        tokenizer.save(scratch.path()).unwrap();
        let again = Tokenizer::load(scratch.path()).unwrap();
        assert_eq!(again.eos(), tokenizer.eos());
        assert_eq!(again.to_json().unwrap(), tokenizer.to_json().unwrap());
        // The file may have any name; what ends a text stands beside it.
        let renamed = scratch.path().join("bytes.json");
        fs::rename(scratch.path().join("tokenizer.json"), &renamed).unwrap();
        assert_eq!(Tokenizer::read(&renamed).unwrap().eos(), [257]);
        fs::remove_file(scratch.path().join("tokenizer_config.json")).unwrap();
        assert!(Tokenizer::read(&renamed).unwrap().eos().is_empty());
    }

    /// Any text, and texts in which special tokens, tag by tag, are likely.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => any::<String>(),
            1 => any::<char>().prop_map(String::from),
            1 => proptest::sample::select(vec!["<pad>", "<eos>", "<reasoning>", "</reasoning>", "<", " ", "\u{10FFFF}"])
                .prop_map(str::to_owned),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_survives_byte_level_tokens(text in text()) {
            let tokenizer = Tokenizer::byte_level().unwrap();
            let tokens = tokenizer.encode(&text).unwrap();
            prop_assert!(tokens.iter().all(|&token| (token as usize) < tokenizer.vocabulary()));
            // Decoding leaves out an end token at the end, and that alone.
            prop_assert_eq!(tokenizer.decode(&tokens).unwrap(), text.strip_suffix("<eos>").unwrap_or(&text));
            let special = tokens.iter().filter(|&&token| token >= 256);
            let special: usize = special.map(|&token| tokenizer.token(token).unwrap().len()).sum();
            let bytes = tokens.iter().filter(|&&token| token < 256).count();
            prop_assert_eq!(bytes + special, text.len());
        }
    }
}
