//! The files of a tokenizer: `tokenizer.json`, `tokenizer_config.json`, chat templates.

use super::look::look_over;
use super::{Tokenizer, TokenizerError};
use crate::chat::ChatTemplate;
use crate::checkpoint::{FileError, read_json, read_text};
use crate::config::Family;
use serde_json::{Map, Value, json};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The largest file of a tokenizer in bytes; those of vocabularies of 256k tokens have some 35 million.
const LARGEST: u64 = 1 << 28;
const FILE: &str = "tokenizer.json";
const SETTINGS: &str = "tokenizer_config.json";
const CHAT_TEMPLATE: &str = "chat_template.jinja";
/// Templates beside the usual one, `tool_use.jinja` and whatever else.
const MORE_TEMPLATES: &str = "additional_chat_templates";
/// Older forms of what `tokenizer.json` says, which some tools still look for. They are kept as they were.
const KEPT: [&str; 4] = ["special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"];

/// The classes that read a `tokenizer.json` as it is.
const GENERIC_CLASSES: [&str; 2] = ["PreTrainedTokenizerFast", "TokenizersBackend"];
/// `AutoTokenizer` of transformers 5 makes a `Qwen2Tokenizer` of whatever lies beside a `config.json` of `qwen2`, unless
/// `tokenizer_config.json` names a class of its own: then it takes the generic one, or this one where it may run code.
const OWN_CLASS: &str = "tokenizer_as_written.TokenizerAsWritten";
const OWN_CLASS_FILE: &str = "tokenizer_as_written.py";
const OWN_CLASS_TEXT: &str = include_str!("tokenizer_as_written.py");

impl Tokenizer {
    /// Reads `tokenizer.json` of a directory; the end token from `tokenizer_config.json` if it names one.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::read(&dir.join(FILE))
    }

    /// Reads a tokenizer file; the end token from the `tokenizer_config.json` beside it if that names one, or from the older
    /// `special_tokens_map.json`.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Tokenizer, TokenizerError> {
        let text = read_text(path, LARGEST).map_err(unreadable)?;
        let text = text.ok_or_else(|| failed(path, "no such file".to_owned()))?;
        let mut tokenizer = Tokenizer::from_json(&text).map_err(|error| match error {
            // The file's name says what failed.
            TokenizerError::Code(message) => failed(path, message),
            other => failed(path, other.to_string()),
        })?;
        tokenizer.settings = object(&path.with_file_name(SETTINGS))?;
        let mut originals = vec![(FILE.to_owned(), text)];
        for name in KEPT {
            if let Some(text) = read_text(&path.with_file_name(name), LARGEST).map_err(unreadable)? {
                originals.push((name.to_owned(), text));
            }
        }
        for (name, token) in object(&path.with_file_name(KEPT[0]))? {
            tokenizer.settings.entry(name).or_insert(token);
        }
        tokenizer.originals = Arc::new(originals);
        let eos = tokenizer.special("eos_token");
        tokenizer.eos = eos.and_then(|eos| tokenizer.inner.token_to_id(&eos)).into_iter().collect();
        tokenizer.read_templates(path)?;
        Ok(tokenizer)
    }

    /// The chat templates, in the places where `transformers` looks for them: files of their own come before the settings.
    fn read_templates(&mut self, path: &Path) -> Result<(), TokenizerError> {
        let settings = path.with_file_name(SETTINGS);
        let inline = self.settings.remove("chat_template");
        let mut found: Vec<(String, String, PathBuf)> = Vec::new();
        let file = path.with_file_name(CHAT_TEMPLATE);
        if let Some(text) = read_text(&file, LARGEST).map_err(unreadable)? {
            found.push((DEFAULT.to_owned(), text, file));
        }
        for (name, file) in more_templates(&path.with_file_name(MORE_TEMPLATES))? {
            if let Some(text) = read_text(&file, LARGEST).map_err(unreadable)? {
                found.push((name, text, file));
            }
        }
        if found.is_empty() {
            let named = inline_templates(inline.as_ref());
            found.extend(named.into_iter().map(|(name, text)| (name, text, settings.clone())));
        }
        // Without a usual one, the only one is meant.
        if let [(name, _, _)] = found.as_mut_slice() {
            DEFAULT.clone_into(name);
        }
        for (name, text, file) in found {
            let template = ChatTemplate::kept(&file, &text, self.special_tokens())
                .map_err(|error| failed(&file, error.to_string()))?;
            match name.as_str() {
                DEFAULT => self.chat = Some(template),
                _ => self.add_template(name, template),
            }
        }
        Ok(())
    }

    /// From the text of a `tokenizer.json`.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_json(text: &str) -> Result<Tokenizer, TokenizerError> {
        let text = text.trim_start_matches('\u{feff}');
        let highest_added = look_over(text).map_err(TokenizerError::Code)?;
        let mut inner: tokenizers::Tokenizer =
            text.parse().map_err(|error: tokenizers::Error| TokenizerError::Code(error.to_string()))?;
        // Lengths are the caller's business; a file may carry a truncation of its own.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|error| TokenizerError::Code(error.to_string()))?;
        Ok(Tokenizer { highest_added, ..Tokenizer::of(inner) })
    }

    /// Without settings and end tokens.
    pub(super) fn of(inner: tokenizers::Tokenizer) -> Tokenizer {
        Tokenizer {
            inner,
            eos: Vec::new(),
            settings: Map::new(),
            chat: None,
            more: Vec::new(),
            highest_added: None,
            originals: Arc::default(),
            controls: OnceLock::new(),
        }
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json` and the chat templates, for models of any family.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TokenizerError> {
        self.save_beside(dir, None)
    }

    /// Writes `tokenizer.json`, `tokenizer_config.json` and the chat templates beside a model of a family.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save_with(&self, dir: &Path, family: Family) -> Result<(), TokenizerError> {
        self.save_beside(dir, Some(family))
    }

    fn save_beside(&self, dir: &Path, family: Option<Family>) -> Result<(), TokenizerError> {
        let write = |name: &str, text: &str| tracelift_files::write(dir.join(name), text.as_bytes());
        let original =
            |name: &str| self.originals.iter().find(|(file, _)| file == name).map(|(_, text)| text);
        match original(FILE) {
            Some(text) => write(FILE, text)?,
            None => write(FILE, &self.to_json()?)?,
        }
        for name in KEPT {
            if let Some(text) = original(name) {
                write(name, text)?;
            }
        }
        let mut settings = self.settings();
        let class = settings.get("tokenizer_class").and_then(Value::as_str);
        let generic = class.is_some_and(|class| GENERIC_CLASSES.contains(&class));
        if generic && !matches!(family, Some(Family::Qwen3 | Family::Llama)) {
            settings.entry("auto_map").or_insert(json!({"AutoTokenizer": [null, OWN_CLASS]}));
        }
        if settings.get("auto_map").is_some_and(|map| map.to_string().contains(OWN_CLASS)) {
            write(OWN_CLASS_FILE, OWN_CLASS_TEXT)?;
        }
        write(SETTINGS, &format!("{:#}\n", Value::Object(settings)))?;
        if let Some(chat) = &self.chat {
            write(CHAT_TEMPLATE, chat.text())?;
        }
        if !self.more.is_empty() {
            let folder = dir.join(MORE_TEMPLATES);
            fs::create_dir_all(&folder)
                .map_err(|error| TokenizerError::Save(format!("{}: {error}", folder.display())))?;
        }
        let mut more = self.more.iter();
        Ok(more.try_for_each(|(name, chat)| write(&format!("{MORE_TEMPLATES}/{name}.jinja"), chat.text()))?)
    }

    /// `tokenizer_config.json`, so that `AutoTokenizer` knows what ends a text.
    fn settings(&self) -> Map<String, Value> {
        let mut settings = self.settings.clone();
        let plain = |value: Option<String>| value.map_or(Value::Null, Value::String);
        let eos = self.eos.first().and_then(|&id| self.inner.id_to_token(id));
        if self.special("eos_token") != eos {
            settings.insert("eos_token".to_owned(), plain(eos));
        }
        let pad = self.inner.token_to_id("<pad>").map(|_| "<pad>".to_owned());
        settings.entry("pad_token").or_insert(plain(pad));
        settings.entry("tokenizer_class").or_insert(json!(GENERIC_CLASSES[0]));
        settings.entry("clean_up_tokenization_spaces").or_insert(json!(false));
        settings
    }
}

/// The name under which `transformers` keeps the usual template.
const DEFAULT: &str = "default";

fn failed(path: &Path, message: String) -> TokenizerError {
    TokenizerError::Load { path: path.to_owned(), message }
}

fn unreadable(error: FileError) -> TokenizerError {
    TokenizerError::Load { path: error.path, message: error.message }
}

/// A JSON object; empty if the file is not there.
fn object(path: &Path) -> Result<Map<String, Value>, TokenizerError> {
    match read_json(path).map_err(unreadable)? {
        None => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(failed(path, "not a JSON object".to_owned())),
    }
}

/// `chat_template` of `tokenizer_config.json` by name: one template, a list of named ones, or an object of them.
fn inline_templates(value: Option<&Value>) -> Vec<(String, String)> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match value {
        Some(Value::String(text)) => vec![(DEFAULT.to_owned(), text.clone())],
        Some(Value::Array(named)) => named
            .iter()
            .filter_map(|entry| Some((text(entry.get("name"))?, text(entry.get("template"))?)))
            .collect(),
        Some(Value::Object(named)) => {
            named.iter().filter_map(|(name, template)| Some((name.clone(), text(Some(template))?))).collect()
        }
        _ => Vec::new(),
    }
}

/// The templates in a folder, by name, in order.
fn more_templates(folder: &Path) -> Result<Vec<(String, PathBuf)>, TokenizerError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder, error.to_string())),
    };
    let name = |path: &Path| path.file_name()?.to_str()?.strip_suffix(".jinja").map(str::to_owned);
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<(String, PathBuf)> = files.filter_map(|path| Some((name(&path)?, path))).collect();
    found.sort_unstable();
    Ok(found)
}
