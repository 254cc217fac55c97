//! Python's numbers: what texts say of them, and operators that minijinja has otherwise.

use super::arguments::Arguments;
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value, formatting};

/// The longest text that a product makes, in bytes.
const LONGEST: usize = super::LONGEST_TEXT;

/// `value|int(default=0, base=10)`: what is no number is the default.
pub(super) fn whole(value: &Value, mut arguments: Arguments<'_>) -> Result<Value, Error> {
    let otherwise = arguments.value("default")?.unwrap_or_else(|| Value::from(0));
    let base = arguments.whole("base")?;
    arguments.done()?;
    let base = base.and_then(|base| u32::try_from(base).ok()).filter(|base| (2..=36).contains(base));
    let Some(text) = value.as_str() else {
        let truncated = f64::try_from(value.clone()).ok().filter(|number| number.is_finite());
        let whole = value.as_i64().map(Value::from);
        return Ok(whole.or_else(|| Some(Value::from(truncated? as i64))).unwrap_or(otherwise));
    };
    let whole = plain(text).and_then(|text| {
        let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
        let prefix = match base {
            Some(2) => ["0b", "0B"],
            Some(8) => ["0o", "0O"],
            Some(16) => ["0x", "0X"],
            _ => ["", ""],
        };
        let digits = prefix.iter().find_map(|prefix| digits.strip_prefix(prefix)).unwrap_or(digits);
        i64::from_str_radix(&format!("{sign}{digits}"), base.unwrap_or(10)).ok()
    });
    let truncated = || {
        let number = plain(text)?.parse::<f64>().ok().filter(|number| number.is_finite())?;
        Some(number as i64)
    };
    Ok(whole.or_else(truncated).map_or(otherwise, Value::from))
}

/// `value|float(default=0.0)`
pub(super) fn float(value: &Value, mut arguments: Arguments<'_>) -> Result<Value, Error> {
    let otherwise = arguments.value("default")?.unwrap_or_else(|| Value::from(0.0));
    arguments.done()?;
    let number = match value.as_str() {
        Some(text) => plain(text).and_then(|text| text.parse().ok()),
        None if value.kind() == ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        None => f64::try_from(value.clone()).ok(),
    };
    Ok(number.map_or(otherwise, Value::from))
}

/// A number in a text as Rust reads it: no white space around it, no line between two digits, digits of ASCII.
fn plain(text: &str) -> Option<String> {
    let text = text.trim_matches(super::text::is_space);
    let mut plain = String::new();
    let mut before = None;
    for (i, c) in text.char_indices() {
        let digit = super::text::decimal(c);
        if c == '_' {
            let after = text[i + 1..].chars().next();
            let between = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric());
            if !between(before) || !between(after) {
                return None;
            }
        } else {
            plain.push(digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c));
        }
        before = Some(c);
    }
    Some(plain)
}

/// `format % arguments`
pub(super) fn formatted(format: &str, arguments: &[Value]) -> Result<Value, Error> {
    let mut arguments = arguments.to_vec();
    // `%d` cuts what stands behind the point off.
    for (conversion, argument) in conversions(format).zip(&mut arguments) {
        if matches!(conversion, 'd' | 'i' | 'u')
            && !argument.is_integer()
            && let Ok(number) = f64::try_from(argument.clone())
            && number.is_finite()
        {
            *argument = Value::from(number as i64);
        }
    }
    formatting::format(formatting::FormatStyle::Printf, format, &arguments).map(Value::from)
}

/// The letters of a format's conversions, of those that take their arguments in turn.
fn conversions(format: &str) -> impl Iterator<Item = char> {
    let mut rest = format;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('%')?;
            let spec = after.trim_start_matches(|c: char| c.is_ascii_digit() || "-+ #.".contains(c));
            let letter = spec.chars().next()?;
            rest = &spec[letter.len_utf8()..];
            if letter != '%' {
                return Some(letter);
            }
        }
    })
}

/// `left * right`, where texts and lists are repeated: less than once is not at all.
pub(super) fn times(left: &Value, right: &Value) -> Result<Value, Error> {
    let refused = || {
        let message = format!("cannot multiply a {} by a {}", left.kind(), right.kind());
        Error::new(ErrorKind::InvalidOperation, message)
    };
    let is_count = |value: &Value| value.is_integer() || value.kind() == ValueKind::Bool;
    let is_number = |value: &Value| value.is_number() || value.kind() == ValueKind::Bool;
    if is_number(left) && is_number(right) {
        if is_count(left) && is_count(right) {
            let (a, b) = (i128::try_from(left.clone())?, i128::try_from(right.clone())?);
            return a.checked_mul(b).map(Value::from).ok_or_else(refused);
        }
        return Ok(Value::from(f64::try_from(left.clone())? * f64::try_from(right.clone())?));
    }
    let (repeated, count) = match (is_count(left), is_count(right)) {
        (false, true) => (left, right),
        (true, false) => (right, left),
        _ => return Err(refused()),
    };
    let count = usize::try_from(i128::try_from(count.clone())?.max(0)).map_err(|_| refused())?;
    let fits = |length: usize| length.checked_mul(count).is_some_and(|length| length <= LONGEST);
    match (repeated.as_str(), repeated.kind()) {
        (Some(text), _) if fits(text.len()) => Ok(Value::from(text.repeat(count))),
        (None, ValueKind::Seq) => {
            let items: Vec<Value> = repeated.try_iter()?.collect();
            // A value of a list takes more room than a letter.
            if !fits(items.len() * 64) {
                return Err(refused());
            }
            let length = items.len() * count;
            Ok(items.into_iter().cycle().take(length).collect())
        }
        _ => Err(refused()),
    }
}

/// `left % right`: Python formats a text, and divides numbers so that the rest has the sign of the divisor.
pub(super) fn percent(left: &Value, right: &Value) -> Result<Value, Error> {
    if let Some(format) = left.as_str() {
        let arguments: Vec<Value> =
            if right.is_tuple() { right.try_iter()?.collect() } else { vec![right.clone()] };
        return formatted(format, &arguments);
    }
    let refused = || {
        let message = format!("cannot take a {} modulo a {}", left.kind(), right.kind());
        Error::new(ErrorKind::InvalidOperation, message)
    };
    if let (Some(a), Some(b)) = (left.as_i64(), right.as_i64())
        && (left.is_integer() || !left.is_number())
        && (right.is_integer() || !right.is_number())
    {
        let rest = a.checked_rem(b).ok_or_else(refused)?;
        return Ok(Value::from(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }));
    }
    let (a, b) = (f64::try_from(left.clone())?, f64::try_from(right.clone())?);
    if b == 0.0 {
        return Err(refused());
    }
    let rest = a % b;
    Ok(Value::from(if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }))
}
