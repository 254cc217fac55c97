//! Tokenizers: `tokenizer.json`, through the `tokenizers` crate.

use crate::chat::{ChatError, ChatOptions, ChatTemplate, Conversation};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tracelift_domain::prompt::{Message, Prompt, Thinking};

/// The marks of [`Tokenizer::byte_level`], in the order of their ids; they come after the 256 bytes.
pub const BYTE_LEVEL_MARKS: [&str; 4] = ["<pad>", "<eos>", "<reasoning>", "</reasoning>"];
/// Those of them that are *special* in the sense of the `tokenizers` crate, and left out by whoever decodes without special
/// tokens. Frameworks of training do, and must still find a trace between its tags.
const BYTE_LEVEL_SPECIAL: [&str; 2] = ["<pad>", "<eos>"];

/// Text to tokens and back.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    eos: Vec<u32>,
    /// `tokenizer_config.json` as it was read, without the chat template.
    settings: Map<String, Value>,
    chat: Option<ChatTemplate>,
    /// Templates beside it, by name.
    more: Vec<(String, ChatTemplate)>,
    /// The highest id that the tokenizer puts around a text without having a token for it.
    highest_added: Option<u32>,
    /// The files that it was read from, to be written as they were.
    originals: Arc<Vec<(String, String)>>,
    /// What stands for something else than its letters; made when it is first looked for.
    controls: OnceLock<Arc<Controls>>,
}

/// The fields of `tokenizer_config.json` that name a special token.
const SPECIAL: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

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
    /// The tokenizer cannot be put as JSON.
    #[error("{0}")]
    Save(String),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] tracelift_files::WriteError),
    /// The chat template cannot be used.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// A special token to be trained with is no such thing.
    #[error("the special token `{0}` is empty or there already")]
    Special(String),
    /// A vocabulary to be trained is too small.
    #[error(
        "a vocabulary of {asked} has no room for 256 bytes and the special tokens; it takes at least {least}"
    )]
    Vocabulary {
        /// Asked for.
        asked: usize,
        /// What it takes.
        least: usize,
    },
}

impl Tokenizer {
    /// A special token by its field in `tokenizer_config.json`: either the token itself, or an object that describes it.
    fn special(&self, field: &str) -> Option<String> {
        let value = self.settings.get(field)?;
        value.get("content").unwrap_or(value).as_str().map(str::to_owned)
    }

    /// Gives the tokenizer a chat template.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn set_chat_template(&mut self, text: &str) -> Result<(), ChatError> {
        self.chat = Some(ChatTemplate::new(text, self.special_tokens())?);
        Ok(())
    }

    /// Gives the tokenizer a chat template beside the usual one; `tool_use` is taken for conversations with tools.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn add_chat_template(&mut self, name: &str, text: &str) -> Result<(), ChatError> {
        let template = ChatTemplate::new(text, self.special_tokens())?;
        self.add_template(name.to_owned(), template);
        Ok(())
    }

    fn add_template(&mut self, name: String, template: ChatTemplate) {
        self.more.retain(|(other, _)| *other != name);
        self.more.push((name, template));
    }

    /// What templates may name.
    fn special_tokens(&self) -> BTreeMap<String, String> {
        let mut tokens: BTreeMap<String, String> =
            SPECIAL.iter().filter_map(|field| Some(((*field).to_owned(), self.special(field)?))).collect();
        if let Some(eos) = self.eos.first().and_then(|&id| self.inner.id_to_token(id)) {
            tokens.entry("eos_token".to_owned()).or_insert(eos);
        }
        tokens
    }

    /// The checkpoint's chat template, if it has one.
    #[must_use]
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.chat.as_ref()
    }

    /// The checkpoint's chat template, for whoever cannot do without.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn usable_chat_template(&self) -> Result<&ChatTemplate, ChatError> {
        let template = self.chat.as_ref().ok_or(ChatError::Absent)?;
        template.check().map(|()| template)
    }

    /// A conversation as the chat template writes it.
    ///
    /// # Errors
    /// When there is no template, or it refuses the conversation.
    pub fn chat(&self, conversation: &Conversation, options: &ChatOptions) -> Result<String, ChatError> {
        let tool_use = self.more.iter().find(|(name, _)| name == "tool_use" && conversation.has_tools());
        let template = tool_use.map(|(_, template)| template).or(self.chat.as_ref());
        template.ok_or(ChatError::Absent)?.render(conversation, options)
    }

    /// A prompt to tokens, for a model to go on from.
    ///
    /// # Errors
    /// When it is a conversation and there is no chat template, or the text cannot be encoded.
    pub fn prompt(&self, prompt: &Prompt) -> Result<Vec<u32>, TokenizerError> {
        if let Some(tokens) = self.prompt_with_controls(prompt)? {
            return Ok(tokens);
        }
        let text = self.laid_out(prompt)?;
        match prompt {
            Prompt::Text(_) => self.encode_prompt(&text),
            // A template writes the token that begins a text itself.
            Prompt::Conversation { .. } => self.encode(&text),
        }
    }

    /// The text of a prompt, as the model is given it.
    ///
    /// # Errors
    /// When it is a conversation and there is no chat template, or the template refuses it.
    pub fn laid_out<'p>(&self, prompt: &'p Prompt) -> Result<Cow<'p, str>, ChatError> {
        match prompt {
            Prompt::Text(text) => Ok(text.as_str().into()),
            Prompt::Conversation { messages, thinking, prefill } => {
                Ok(self.conversation(messages, *thinking, prefill)?.into())
            }
        }
    }

    fn conversation(
        &self,
        messages: &[Message],
        thinking: Thinking,
        prefill: &str,
    ) -> Result<String, ChatError> {
        let enable_thinking = match thinking {
            Thinking::Default => None,
            Thinking::Off => Some(false),
            Thinking::On => Some(true),
        };
        let options = ChatOptions { enable_thinking, ..ChatOptions::default() };
        Ok(self.chat(&Conversation::from(messages), &options)? + prefill)
    }

    /// Whether a reply of these tokens has just come to one of some texts: asked anew with every token, it looks at the end
    /// alone.
    #[must_use]
    pub fn stops(&self, tokens: &[u32], at: &[impl AsRef<str>]) -> bool {
        /// More tokens than one character is spread over.
        const SPREAD: usize = 8;
        let Some(longest) = at.iter().map(|text| text.as_ref().len()).max() else { return false };
        // A token is at least a byte of what is looked for, and the last one may hold more than its end.
        let end = &tokens[tokens.len().saturating_sub(longest + SPREAD)..];
        // Tokens that make no text yet come to nothing.
        self.decode(end).is_ok_and(|text| at.iter().any(|stop| text.contains(stop.as_ref())))
    }

    /// Text to tokens for a model to go on from: with the token that begins a text, if the tokenizer puts one there, and
    /// without one that ends it.
    ///
    /// # Errors
    /// When the tokenizer cannot encode it.
    pub fn encode_prompt(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let bare = guarded(|| self.inner.encode_fast(text, false))?;
        let mut tokens = guarded(|| self.inner.encode_fast(text, true))?.get_ids().to_vec();
        let ends = |tokens: &[u32]| tokens.iter().rev().take_while(|token| self.eos.contains(token)).count();
        let added = ends(&tokens).saturating_sub(ends(bare.get_ids()));
        tokens.truncate(tokens.len() - added);
        Ok(tokens)
    }

    /// A tokenizer for any UTF-8 text that was trained on none: one token a byte, whose id is the byte's value, then
    /// [`BYTE_LEVEL_MARKS`]. `<eos>` ends a text.
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
        for (id, token) in (256..).zip(BYTE_LEVEL_MARKS) {
            let special = BYTE_LEVEL_SPECIAL.contains(&token);
            vocabulary.insert(token.to_owned(), json!(id));
            added.push(
                json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                              "normalized": false, "special": special}),
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
        self.controls = OnceLock::new();
    }

    /// How many tokens there are, added ones included.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        // Ids need not be dense: what counts for an embedding is the highest.
        let highest = self.inner.get_vocab(true).values().max().copied().max(self.highest_added);
        highest.map_or(0, |id| id as usize + 1)
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
        guarded(|| self.inner.encode_fast(text, false)).map(|encoding| encoding.get_ids().to_vec())
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
        guarded(|| self.inner.decode(tokens, false))
    }
}

/// What the `tokenizers` crate does with a text or tokens. It panics at settings that it read without complaint; those that
/// are known are refused when a file is read ([`look`]), and any other is an error as well.
fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, TokenizerError> {
    // The tokenizer is only read, and what it writes to, a cache of words, is a cache.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| TokenizerError::Code(error.to_string())),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(TokenizerError::Code(format!("its settings cannot be used with this text: {said}")))
        }
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

mod controls;
mod files;
mod look;
mod reply;
mod training;

use controls::Controls;
pub use reply::{Growing, Reply, Speller, held_back};
pub use training::BpeTraining;

#[cfg(test)]
mod tests;
