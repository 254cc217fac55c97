//! The filter `tojson` as `transformers` defines it: Python's `json.dumps` with its spaces, in the order of the keys,
//! with nothing escaped for HTML.

use super::show;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use std::fmt::Write as _;

struct Style {
    indent: Option<usize>,
    item: String,
    key: String,
    ascii: bool,
    sorted: bool,
}

/// `value|tojson(indent=…, separators=…, ensure_ascii=…, sort_keys=…)`
pub(super) fn to_json(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    let separators: Option<(String, String)> =
        options.get::<Option<Vec<String>>>("separators")?.map(|pair| {
            let mut pair = pair.into_iter();
            (pair.next().unwrap_or_default(), pair.next().unwrap_or_default())
        });
    // Python writes no space at the end of a line.
    let plain = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    let (item, key) = separators.unwrap_or(plain);
    let style = Style {
        indent,
        item,
        key,
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
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
                    match keys[i].as_str() {
                        Some(key) => style.string(text, key)?,
                        None => style.string(text, &keys[i].to_string())?,
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
        if let Some(indent) = self.indent {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent * depth));
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
