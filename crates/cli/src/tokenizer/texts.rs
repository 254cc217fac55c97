//! The texts of files, one after the other: lines of text, or fields of JSONL.

use anyhow::{Context, Error, Result, bail, ensure};
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use tracelift_datasets::skip_mark;

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// Texts.
    pub texts: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A stream of texts. It ends at the first thing that cannot be read, of which [`Texts::finish`] tells.
pub(super) struct Texts<'a> {
    files: std::slice::Iter<'a, PathBuf>,
    fields: &'a [String],
    open: Option<Open<'a>>,
    ready: VecDeque<String>,
    read: Read,
    error: Option<Error>,
}

/// The file that is being read.
struct Open<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    line: u64,
    /// Of every field, whether some line had it.
    found: Vec<bool>,
}

impl<'a> Texts<'a> {
    /// The texts of `files`, those of JSONL at `fields`.
    pub fn new(files: &'a [PathBuf], fields: &'a [String]) -> Texts<'a> {
        Texts {
            files: files.iter(),
            fields,
            open: None,
            ready: VecDeque::new(),
            read: Read::default(),
            error: None,
        }
    }

    /// How much was read, or why not everything was.
    pub fn finish(self) -> Result<Read> {
        self.error.map_or(Ok(self.read), Err)
    }

    /// Reads on until there is a text, or no more file.
    fn fill(&mut self) -> Result<()> {
        while self.ready.is_empty() {
            let Some(open) = &mut self.open else {
                let Some(path) = self.files.next() else { return Ok(()) };
                self.open = Some(Open::new(path, self.fields)?);
                continue;
            };
            if !open.next_line(self.fields, &mut self.ready)? {
                open.check(self.fields)?;
                self.open = None;
            }
        }
        Ok(())
    }
}

impl Iterator for Texts<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.error.is_none()
            && let Err(error) = self.fill()
        {
            self.error = Some(error);
            self.ready.clear();
        }
        let text = self.ready.pop_front()?;
        self.read.texts += 1;
        self.read.bytes += text.len() as u64;
        Some(text)
    }
}

impl<'a> Open<'a> {
    fn new(path: &'a Path, fields: &[String]) -> Result<Open<'a>> {
        let file = File::open(path).with_context(|| format!("failed to read {}", path.display()))?;
        ensure!(
            !is_jsonl(path) || !fields.is_empty(),
            "{} is JSONL; say by --field which keys hold texts",
            path.display()
        );
        let mut reader = BufReader::new(file);
        skip_mark(&mut reader).with_context(|| format!("failed to read {}", path.display()))?;
        Ok(Open { path, reader, line: 0, found: vec![false; fields.len()] })
    }

    /// Adds the texts of the next line; `false` at the end of the file.
    fn next_line(&mut self, fields: &[String], ready: &mut VecDeque<String>) -> Result<bool> {
        let mut line = String::new();
        self.line += 1;
        let place = || format!("{}:{}", self.path.display(), self.line);
        if self.reader.read_line(&mut line).with_context(place)? == 0 {
            return Ok(false);
        }
        if !is_jsonl(self.path) {
            ready.push_back(line);
        } else if !line.trim().is_empty() {
            let value: Value =
                serde_json::from_str(&line).with_context(|| format!("{} is not JSON", place()))?;
            for (field, found) in fields.iter().zip(&mut self.found) {
                let before = ready.len();
                texts_at(&value, field, ready);
                *found |= ready.len() > before;
            }
        }
        Ok(true)
    }

    /// A field that no line has is a mistake.
    fn check(&self, fields: &[String]) -> Result<()> {
        if is_jsonl(self.path)
            && let Some((field, _)) = fields.iter().zip(&self.found).find(|(_, found)| !**found)
        {
            bail!("{}: no line has a text at `{field}`", self.path.display());
        }
        Ok(())
    }
}

fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "jsonl")
}

/// The texts at a dotted path; lists on the way and at its end are gone through.
fn texts_at(value: &Value, path: &str, into: &mut VecDeque<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts_at(item, path, into)),
        Value::String(text) if path.is_empty() => into.push_back(text.clone()),
        Value::Object(map) => {
            let (key, rest) = path.split_once('.').unwrap_or((path, ""));
            if let Some(inner) = map.get(key) {
                texts_at(inner, rest, into);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_through_lists() {
        let value = serde_json::json!({
            "problem": "P",
            "pool": [{"reasoning": "A", "n": 1}, {"reasoning": ["B", "C"]}, {"other": "x"}],
        });
        let at = |path: &str| {
            let mut found = VecDeque::new();
            texts_at(&value, path, &mut found);
            Vec::from(found)
        };
        assert_eq!(at("problem"), ["P"]);
        assert_eq!(at("pool.reasoning"), ["A", "B", "C"]);
        assert!(at("pool.n").is_empty() && at("pool").is_empty() && at("problem.x").is_empty());
    }
}
