//! A reader for what is almost JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How deep objects and arrays may nest. Replies are asked for three levels at most.
pub const MAX_DEPTH: usize = 64;

/// Something that had to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// A comma before a closing bracket, or two in a row.
    SpareComma,
    /// No comma between two members.
    MissingComma,
    /// A text in single or typographic quotes.
    Quotes,
    /// A quote inside a text that was not escaped.
    InnerQuote,
    /// A key without quotes.
    BareKey,
    /// `True`, `False`, `None`.
    PythonWord,
    /// A comment.
    Comment,
    /// A line break or another control character inside a text.
    RawControl,
    /// A backslash before something that is no escape, as in `\(`; it is kept.
    Backslash,
    /// A number such as `+1`, `.5`, `1.` or `007`.
    Number,
    /// The end is missing: brackets were closed, and a member that was cut off was dropped.
    CutOff,
}

/// A text that no repair makes JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {what}")]
pub struct Unrepairable {
    /// Where, in bytes.
    pub at: usize,
    /// What stood there.
    pub what: &'static str,
}

/// Reads the JSON value at the beginning of a text, mending what can be mended, and says what was mended. What follows
/// the value is ignored. Valid JSON of at most [`MAX_DEPTH`] levels gives what a strict reader gives, without repairs.
///
/// # Errors
/// Where it is not clear what was meant.
pub fn repair(text: &str) -> Result<(Value, BTreeSet<Repair>), Unrepairable> {
    let mut reader = Reader { text, at: 0, repairs: BTreeSet::new() };
    reader.space();
    match reader.value(0)? {
        Read::Whole(value) | Read::Cut(Some(value)) => Ok((value, reader.repairs)),
        Read::Cut(None) => Err(reader.refuse("the text ends before the value does")),
    }
}

/// A value, or what there is of it where the text ended inside it. A scalar that was cut off is nothing: half a text or
/// number is not what was meant.
enum Read {
    Whole(Value),
    Cut(Option<Value>),
}

/// Where a text stands. Keys hold no quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Key,
    Value,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    repairs: BTreeSet<Repair>,
}

/// Quotes that open a text, and those that close it.
fn closing(quote: char) -> Option<&'static [char]> {
    match quote {
        '"' => Some(&['"']),
        '\'' => Some(&['\'']),
        '“' | '”' | '„' => Some(&['”', '“', '"']),
        '‘' | '’' => Some(&['’', '‘', '\'']),
        _ => None,
    }
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn refuse(&self, what: &'static str) -> Unrepairable {
        Unrepairable { at: self.at, what }
    }

    fn mend(&mut self, repair: Repair) {
        self.repairs.insert(repair);
    }

    /// Skips white space and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let rest = self.rest();
            let comment = if rest.starts_with("//") || rest.starts_with('#') {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else {
                return;
            };
            self.at += comment;
            self.mend(Repair::Comment);
        }
    }

    fn value(&mut self, depth: usize) -> Result<Read, Unrepairable> {
        if depth > MAX_DEPTH {
            return Err(self.refuse("it nests too deeply"));
        }
        match self.peek() {
            None => {
                self.mend(Repair::CutOff);
                Ok(Read::Cut(None))
            }
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            Some(quote) if closing(quote).is_some() => Ok(match self.string(Position::Value)? {
                Some(text) => Read::Whole(Value::String(text)),
                None => Read::Cut(None),
            }),
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(depth),
            Some(c) if c.is_alphabetic() => self.word(),
            Some(_) => Err(self.refuse("no value begins like this")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Read, Unrepairable> {
        self.take();
        let mut members = Map::new();
        let mut separated = true;
        loop {
            self.space();
            match self.peek() {
                None => {
                    self.mend(Repair::CutOff);
                    return Ok(Read::Cut(Some(Value::Object(members))));
                }
                Some('}') => {
                    self.take();
                    if separated && !members.is_empty() {
                        self.mend(Repair::SpareComma);
                    }
                    return Ok(Read::Whole(Value::Object(members)));
                }
                Some(',') => {
                    self.take();
                    if separated {
                        self.mend(Repair::SpareComma);
                    }
                    separated = true;
                    continue;
                }
                Some(_) => {}
            }
            if !separated {
                self.mend(Repair::MissingComma);
            }
            let cut = |members| Ok(Read::Cut(Some(Value::Object(members))));
            let Some(key) = self.key()? else { return cut(members) };
            self.space();
            match self.peek() {
                None => {
                    self.mend(Repair::CutOff);
                    return cut(members);
                }
                Some(':') => self.take(),
                Some(_) => return Err(self.refuse("a colon should follow the key")),
            };
            self.space();
            match self.value(depth + 1)? {
                Read::Whole(value) => members.insert(key, value),
                Read::Cut(part) => {
                    if let Some(value) = part {
                        members.insert(key, value);
                    }
                    return cut(members);
                }
            };
            separated = false;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Read, Unrepairable> {
        self.take();
        let mut items = Vec::new();
        let mut separated = true;
        loop {
            self.space();
            match self.peek() {
                None => {
                    self.mend(Repair::CutOff);
                    return Ok(Read::Cut(Some(Value::Array(items))));
                }
                Some(']') => {
                    self.take();
                    if separated && !items.is_empty() {
                        self.mend(Repair::SpareComma);
                    }
                    return Ok(Read::Whole(Value::Array(items)));
                }
                Some(',') => {
                    self.take();
                    if separated {
                        self.mend(Repair::SpareComma);
                    }
                    separated = true;
                    continue;
                }
                Some(_) => {}
            }
            if !separated {
                self.mend(Repair::MissingComma);
            }
            match self.value(depth + 1)? {
                Read::Whole(value) => items.push(value),
                Read::Cut(part) => {
                    items.extend(part);
                    return Ok(Read::Cut(Some(Value::Array(items))));
                }
            }
            separated = false;
        }
    }

    /// A key; nothing where the text ends inside it.
    fn key(&mut self) -> Result<Option<String>, Unrepairable> {
        if self.peek().is_some_and(|c| closing(c).is_some()) {
            return self.string(Position::Key);
        }
        let rest = self.rest();
        let length =
            rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '$'))).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.refuse("a key should stand here"));
        }
        let key = rest[..length].to_owned();
        self.at += length;
        self.mend(Repair::BareKey);
        if self.rest().is_empty() {
            self.mend(Repair::CutOff);
            return Ok(None);
        }
        Ok(Some(key))
    }

    /// A text in quotes; nothing where the text ends inside it.
    fn string(&mut self, position: Position) -> Result<Option<String>, Unrepairable> {
        let quote = self.take().unwrap_or('"');
        let ends = closing(quote).unwrap_or(&['"']);
        if quote != '"' {
            self.mend(Repair::Quotes);
        }
        let mut text = String::new();
        while let Some(next) = self.take() {
            match next {
                '\\' => {
                    if !self.escape(&mut text) {
                        break;
                    }
                }
                end if ends.contains(&end) => {
                    if position == Position::Key || self.closes_here() {
                        return Ok(Some(text));
                    }
                    self.mend(Repair::InnerQuote);
                    text.push(end);
                }
                control if control < ' ' => {
                    self.mend(Repair::RawControl);
                    text.push(control);
                }
                other => text.push(other),
            }
        }
        self.mend(Repair::CutOff);
        Ok(None)
    }

    /// Whether a quote ends its text: what follows is then the end, a bracket, a comma, a colon or, where a comma was
    /// forgotten, another text on a line of its own.
    fn closes_here(&self) -> bool {
        let rest = self.rest();
        let after = rest.trim_start();
        let broken = rest[..rest.len() - after.len()].contains('\n');
        match after.chars().next() {
            None | Some(',' | ':' | '}' | ']') => true,
            Some('/') => after.starts_with("//") || after.starts_with("/*"),
            Some('#') => true,
            Some(next) => broken && (closing(next).is_some() || next.is_alphabetic()),
        }
    }

    /// What a backslash makes of the next characters; `false` at the end of the text.
    fn escape(&mut self, text: &mut String) -> bool {
        let Some(next) = self.take() else { return false };
        match next {
            '"' | '\\' | '/' => text.push(next),
            '\'' => {
                self.mend(Repair::Backslash);
                text.push('\'');
            }
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'u' => match self.unit() {
                Some(unit) => self.unicode(unit, text),
                None if self.rest().len() < 4 => return false,
                None => {
                    self.mend(Repair::Backslash);
                    text.push_str("\\u");
                }
            },
            other => {
                self.mend(Repair::Backslash);
                text.push('\\');
                text.push(other);
            }
        }
        true
    }

    /// Four hexadecimal digits, taken only if they are there.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let unit = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(unit)
    }

    /// A UTF-16 unit, with its other half where there is one. Half a pair becomes U+FFFD.
    fn unicode(&mut self, unit: u32, text: &mut String) {
        if let Some(c) = char::from_u32(unit) {
            text.push(c);
            return;
        }
        let start = self.at;
        if unit < 0xdc00 && self.rest().starts_with("\\u") {
            self.at += 2;
            if let Some(low @ 0xdc00..=0xdfff) = self.unit()
                && let Some(c) = char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
            {
                text.push(c);
                return;
            }
            self.at = start;
        }
        self.mend(Repair::Backslash);
        text.push(char::REPLACEMENT_CHARACTER);
    }

    fn number(&mut self, depth: usize) -> Result<Read, Unrepairable> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E')))
            .unwrap_or(rest.len());
        let written = &rest[..length];
        let number = serde_json::from_str(written).or_else(|_| {
            // As a person would read it, and nothing stranger: no sign or one, digits, a point.
            let (sign, digits) = match written.strip_prefix('-') {
                Some(digits) => ("-", digits),
                None => ("", written.strip_prefix('+').unwrap_or(written)),
            };
            let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
            let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
            if !(plain(whole) && plain(part)) || whole.len() + part.len() == 0 {
                return Err(self.refuse("no number is written like this"));
            }
            let whole = match whole.trim_start_matches('0') {
                "" => "0",
                whole => whole,
            };
            let mended =
                if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") };
            serde_json::from_str(&mended).map_err(|_| self.refuse("no number is written like this"))
        });
        let number: Value = number?;
        let ends_here = length == rest.len();
        if !ends_here && serde_json::from_str::<Value>(written).is_err() {
            self.mend(Repair::Number);
        }
        self.at += length;
        if ends_here && depth > 0 {
            // The last digits may be missing. A number that is all there is counts as whole.
            self.mend(Repair::CutOff);
            return Ok(Read::Cut(None));
        }
        Ok(Read::Whole(number))
    }

    fn word(&mut self) -> Result<Read, Unrepairable> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let (value, strict) = match &rest[..length] {
            "true" => (Value::Bool(true), true),
            "false" => (Value::Bool(false), true),
            "null" => (Value::Null, true),
            "True" | "TRUE" => (Value::Bool(true), false),
            "False" | "FALSE" => (Value::Bool(false), false),
            "None" | "NULL" => (Value::Null, false),
            _ if length == rest.len() && length < 5 => {
                self.mend(Repair::CutOff);
                return Ok(Read::Cut(None));
            }
            _ => return Err(self.refuse("no value is a word without quotes")),
        };
        if !strict {
            self.mend(Repair::PythonWord);
        }
        self.at += length;
        Ok(Read::Whole(value))
    }
}

#[cfg(test)]
mod tests;
