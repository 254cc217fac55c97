//! How Python writes values that are no texts: `str` and `repr`.

use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use std::fmt::Write as _;

/// Values inside of one another that are written.
const DEEPEST: usize = 64;

/// `str(value)`
pub(super) fn text(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Number if !value.is_integer() => Ok(number(value)),
        ValueKind::Seq | ValueKind::Map => {
            let mut text = String::new();
            write(&mut text, value, 0)?;
            Ok(text)
        }
        _ => Ok(value.to_string()),
    }
}

/// `repr(value)`, inside of a list or a dictionary.
fn write(text: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        text.push('…');
        return Ok(());
    }
    match value.kind() {
        ValueKind::String => quoted(text, value.as_str().unwrap_or_default()),
        ValueKind::Undefined => text.push_str("Undefined"),
        ValueKind::Number if !value.is_integer() => text.push_str(&number(value)),
        ValueKind::Seq => {
            let [open, close] = if value.is_tuple() { ['(', ')'] } else { ['[', ']'] };
            text.push(open);
            let mut count = 0;
            for item in value.try_iter()? {
                if count > 0 {
                    text.push_str(", ");
                }
                write(text, &item, depth + 1)?;
                count += 1;
            }
            // A tuple of one says so.
            if count == 1 && value.is_tuple() {
                text.push(',');
            }
            text.push(close);
        }
        ValueKind::Map if value.as_object().is_some() => {
            text.push('{');
            for (i, key) in value.try_iter()?.enumerate() {
                if i > 0 {
                    text.push_str(", ");
                }
                write(text, &key, depth + 1)?;
                text.push_str(": ");
                write(text, &value.get_item(&key)?, depth + 1)?;
            }
            text.push('}');
        }
        _ => text.push_str(&value.to_string()),
    }
    Ok(())
}

fn number(value: &Value) -> String {
    f64::try_from(value.clone()).map_or_else(|_| value.to_string(), float)
}

/// `repr` of a float: the shortest digits that give it again, with an exponent below 1e-4 and from 1e16 on.
pub(super) fn float(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.unsigned_abs());
    }
    let plain = value.to_string();
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

/// A text in the quotes that it holds none of, preferably single ones.
fn quoted(text: &mut String, value: &str) {
    let quote = if value.contains('\'') && !value.contains('"') { '"' } else { '\'' };
    text.push(quote);
    for c in value.chars() {
        // Writing to a string cannot fail.
        let _ = match c {
            '\n' => write!(text, "\\n"),
            '\r' => write!(text, "\\r"),
            '\t' => write!(text, "\\t"),
            '\\' => write!(text, "\\\\"),
            c if c == quote => write!(text, "\\{c}"),
            c if is_printable(c) => write!(text, "{c}"),
            c if (c as u32) < 0x100 => write!(text, "\\x{:02x}", c as u32),
            c if (c as u32) < 0x1_0000 => write!(text, "\\u{:04x}", c as u32),
            c => write!(text, "\\U{:08x}", c as u32),
        };
    }
    text.push(quote);
}

/// `str.isprintable` of a character: neither a control nor a space other than the usual one. Characters that Unicode has not
/// assigned are taken for printable, since this knows no table of them.
pub(super) fn is_printable(c: char) -> bool {
    let unseen = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}');
    c == ' ' || !(c.is_control() || c.is_whitespace() || unseen)
}
