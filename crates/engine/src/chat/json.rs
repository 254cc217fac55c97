//! The filter `tojson` as `transformers` defines it: Python's `json.dumps` with its spaces, in the order of the keys,
//! with nothing escaped for HTML.

use super::arguments::{Arguments, text_of};
use super::show;
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use std::fmt::Write as _;

struct Style {
    /// What a line begins with, once for each level.
    indent: Option<String>,
    item: String,
    key: String,
    ascii: bool,
    sorted: bool,
}

/// `value|tojson(ensure_ascii=False, indent=None, separators=None, sort_keys=False)`
pub(super) fn to_json(value: &Value, all: Rest<Value>, names: Kwargs) -> Result<String, Error> {
    let mut options = Arguments::apart(&all, names);
    let ascii = options.truth("ensure_ascii")?.unwrap_or(false);
    let indent = options.value("indent")?.map(|given| match given.as_str() {
        Some(text) => text.to_owned(),
        None => " ".repeat(usize::try_from(given).map_or(0, |indent| indent.min(super::text::WIDEST))),
    });
    let separators: Option<(String, String)> = match options.value("separators")? {
        None => None,
        Some(pair) => {
            let mut pair = pair.try_iter()?.map(|part| text_of("separators", &part));
            let mut next = || pair.next().unwrap_or_else(|| Ok(String::new()));
            Some((next()?, next()?))
        }
    };
    let sorted = options.truth("sort_keys")?.unwrap_or(false);
    options.done()?;
    // Python writes no space at the end of a line.
    let plain = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    let (item, key) = separators.unwrap_or(plain);
    let style = Style { indent, item, key, ascii, sorted };
    let mut text = String::new();
    style.write(&mut text, value, 0)?;
    Ok(text)
}

/// A float as Python's `json` writes it.
fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(number) if number.is_nan() => "NaN".to_owned(),
        Ok(number) if number.is_infinite() => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Ok(number) => show::float(number),
        Err(_) => value.to_string(),
    }
}

impl Style {
    fn write(&self, text: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => text.push_str("null"),
            ValueKind::Bool => text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number if value.is_integer() => text.push_str(&value.to_string()),
            ValueKind::Number => text.push_str(&number(value)),
            ValueKind::String => self.string(text, value.as_str().unwrap_or_default())?,
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.list(text, ['[', ']'], items.len(), depth, |style, text, i| {
                    style.write(text, &items[i], depth + 1)
                })?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.list(text, ['{', '}'], keys.len(), depth, |style, text, i| {
                    match (keys[i].as_str(), keys[i].kind()) {
                        (Some(key), _) => style.string(text, key)?,
                        // As a value is written that stands alone.
                        (None, ValueKind::None | ValueKind::Bool | ValueKind::Number) => {
                            text.push('"');
                            style.write(text, &keys[i], depth)?;
                            text.push('"');
                        }
                        (None, kind) => {
                            let message = format!("tojson: a {kind} cannot be the key of an object");
                            return Err(Error::new(ErrorKind::InvalidOperation, message));
                        }
                    }
                    text.push_str(&style.key);
                    style.write(text, &value.get_item(&keys[i])?, depth + 1)
                })?;
            }
            kind => {
                let message = format!("tojson: a value of type {kind} cannot be written as JSON");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        Ok(())
    }

    fn list(
        &self,
        text: &mut String,
        [open, close]: [char; 2],
        len: usize,
        depth: usize,
        each: impl Fn(&Style, &mut String, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        text.push(open);
        for i in 0..len {
            if i > 0 {
                text.push_str(&self.item);
            }
            self.line(text, depth + 1);
            each(self, text, i)?;
        }
        if len > 0 {
            self.line(text, depth);
        }
        text.push(close);
        Ok(())
    }

    fn line(&self, text: &mut String, depth: usize) {
        if let Some(indent) = &self.indent {
            text.push('\n');
            text.push_str(&indent.repeat(depth));
        }
    }

    fn string(&self, text: &mut String, value: &str) -> Result<(), Error> {
        let failed = |error: serde_json::Error| Error::new(ErrorKind::InvalidOperation, error.to_string());
        let quoted = serde_json::to_string(value).map_err(failed)?;
        if !self.ascii {
            text.push_str(&quoted);
            return Ok(());
        }
        for c in quoted.chars() {
            if c.is_ascii() {
                text.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
        Ok(())
    }
}
