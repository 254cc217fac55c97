//! Python's methods of strings, lists and numbers, as templates call them. Positions and lengths count characters.

use super::arguments::{Arguments, text_of};
use super::show;
use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

/// What a template calls on a value, where the engine has no method of that name.
pub(super) fn method(state: &mut State, value: &Value, name: &str, all: &[Value]) -> Result<Value, Error> {
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) if name != "format" => of_text(text, name, Arguments::new(all)?),
        (ValueKind::Seq, _) if name != "count" => of_list(value, name, Arguments::new(all)?),
        (ValueKind::Map, _) if name == "copy" => Ok(value.clone()),
        (ValueKind::Number, _) => of_number(value, name, Arguments::new(all)?),
        _ => pycompat::unknown_method_callback(state, value, name, all),
    }
}

fn of_text(text: &str, name: &str, mut arguments: Arguments<'_>) -> Result<Value, Error> {
    let chars = || text.chars();
    let all = |holds: fn(char) -> bool| Value::from(!text.is_empty() && text.chars().all(holds));
    let result = match name {
        "upper" => Value::from(text.to_uppercase()),
        "lower" => Value::from(text.to_lowercase()),
        // Python folds a little more than this: ß to ss.
        "casefold" => Value::from(text.to_lowercase().replace('ß', "ss").replace('ς', "σ")),
        "capitalize" => Value::from(capitalized(text)),
        "title" => Value::from(titled(text)),
        "swapcase" => Value::from(chars().map(swapped).collect::<String>()),
        "strip" | "lstrip" | "rstrip" => {
            let set = arguments.text("chars")?;
            let inside = |c: char| set.as_ref().map_or_else(|| is_space(c), |set| set.contains(c));
            Value::from(match name {
                "lstrip" => text.trim_start_matches(inside),
                "rstrip" => text.trim_end_matches(inside),
                _ => text.trim_matches(inside),
            })
        }
        "split" | "rsplit" => {
            let separator = arguments.text("sep")?;
            let most = arguments.whole("maxsplit")?.and_then(|most| usize::try_from(most).ok());
            let parts = match separator.as_deref() {
                Some("") => return Err(refused("an empty separator")),
                Some(separator) if name == "split" => at(text, separator, most),
                Some(separator) => at_from_the_end(text, separator, most),
                None if name == "split" => at_spaces(text, most),
                None => at_spaces_from_the_end(text, most),
            };
            parts.into_iter().map(Value::from).collect()
        }
        "partition" | "rpartition" => {
            let separator = arguments.needed_text("sep")?;
            if separator.is_empty() {
                return Err(refused("an empty separator"));
            }
            let parts = if name == "partition" {
                let found = text.split_once(&separator);
                found.map_or([text, "", ""], |(before, after)| [before, &separator, after])
            } else {
                let found = text.rsplit_once(&separator);
                found.map_or(["", "", text], |(before, after)| [before, &separator, after])
            };
            Value::from(Tuple::new(parts.into_iter().map(Value::from).collect()))
        }
        "splitlines" => {
            let keep = arguments.truth("keepends")?.unwrap_or(false);
            lines(text, keep).into_iter().map(Value::from).collect()
        }
        "removeprefix" => {
            let prefix = arguments.needed_text("prefix")?;
            Value::from(text.strip_prefix(&*prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let suffix = arguments.needed_text("suffix")?;
            Value::from(text.strip_suffix(&*suffix).unwrap_or(text))
        }
        "replace" => {
            let (old, new) = (arguments.needed_text("old")?, arguments.needed_text("new")?);
            let count = arguments.whole("count")?.and_then(|count| usize::try_from(count).ok());
            Value::from(match count {
                Some(count) => text.replacen(&*old, &new, count),
                None => text.replace(&*old, &new),
            })
        }
        "startswith" | "endswith" => {
            let wanted = arguments.value("prefix")?.ok_or_else(|| refused("no text to look for"))?;
            let part = slice(text, arguments.whole("start")?, arguments.whole("end")?);
            let holds = |wanted: &Value| -> Result<bool, Error> {
                let wanted = text_of(name, wanted)?;
                Ok(part.as_ref().is_some_and(|(_, part)| match name {
                    "startswith" => part.starts_with(&*wanted),
                    _ => part.ends_with(&*wanted),
                }))
            };
            let mut found = false;
            match wanted.kind() {
                ValueKind::Seq => {
                    for one in wanted.try_iter()? {
                        found |= holds(&one)?;
                    }
                }
                _ => found = holds(&wanted)?,
            }
            Value::from(found)
        }
        "find" | "rfind" | "index" | "rindex" | "count" => {
            let wanted = arguments.needed_text("sub")?;
            let part = slice(text, arguments.whole("start")?, arguments.whole("end")?);
            if name == "count" {
                return arguments
                    .done()
                    .map(|()| Value::from(part.map_or(0, |(_, part)| part.matches(&*wanted).count())));
            }
            let place = part.and_then(|(first, part)| {
                let byte = if name.starts_with('r') { part.rfind(&*wanted) } else { part.find(&*wanted) };
                Some(first + part[..byte?].chars().count())
            });
            match place {
                Some(place) => Value::from(place),
                None if name.ends_with("index") => return Err(refused("the text is not in it")),
                None => Value::from(-1),
            }
        }
        "join" => {
            let items = arguments.value("iterable")?.ok_or_else(|| refused("nothing to join"))?;
            let mut joined = String::new();
            for (i, item) in items.try_iter()?.enumerate() {
                if i > 0 {
                    joined.push_str(text);
                }
                joined.push_str(&text_of("item", &item)?);
            }
            Value::from(joined)
        }
        "center" | "ljust" | "rjust" => {
            let width = width(arguments.whole("width")?)?;
            let fill = arguments.text("fillchar")?.unwrap_or_else(|| " ".to_owned());
            let missing = width.saturating_sub(chars().count());
            let before = match name {
                "ljust" => 0,
                "rjust" => missing,
                _ => before_center(missing, width),
            };
            Value::from(format!("{}{text}{}", fill.repeat(before), fill.repeat(missing - before)))
        }
        "zfill" => {
            let missing = width(arguments.whole("width")?)?.saturating_sub(chars().count());
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
            Value::from(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        "expandtabs" => {
            let size = arguments.whole("tabsize")?.unwrap_or(8);
            Value::from(without_tabs(text, usize::try_from(size).unwrap_or(0).min(WIDEST)))
        }
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(|c| c.is_alphabetic() || is_numeric(c)),
        "isnumeric" => all(is_numeric),
        "isdigit" => {
            all(|c| is_decimal(c) || matches!(c, '²' | '³' | '¹' | '⁰'..='⁹' | '₀'..='₉' | '①'..='⑨'))
        }
        "isdecimal" => all(is_decimal),
        "isspace" => all(is_space),
        "isascii" => Value::from(text.is_ascii()),
        "isprintable" => Value::from(chars().all(show::is_printable)),
        "isidentifier" => {
            let first = |c: char| c.is_alphabetic() || c == '_';
            Value::from(chars().next().is_some_and(first) && chars().all(|c| first(c) || c.is_numeric()))
        }
        "islower" => Value::from(chars().any(char::is_lowercase) && !chars().any(char::is_uppercase)),
        "isupper" => Value::from(chars().any(char::is_uppercase) && !chars().any(char::is_lowercase)),
        "istitle" => Value::from(chars().any(char::is_alphabetic) && titled(text) == text),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    arguments.done()?;
    Ok(result)
}

fn of_list(list: &Value, name: &str, mut arguments: Arguments<'_>) -> Result<Value, Error> {
    let result = match name {
        "copy" => list.try_iter()?.collect(),
        "index" => {
            let wanted = arguments.value("value")?.unwrap_or_default();
            let place = list.try_iter()?.position(|item| item == wanted);
            Value::from(place.ok_or_else(|| refused("the value is not in it"))?)
        }
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    arguments.done()?;
    Ok(result)
}

fn of_number(number: &Value, name: &str, arguments: Arguments<'_>) -> Result<Value, Error> {
    let result = match (name, number.as_i64().filter(|_| number.is_integer())) {
        ("is_integer", Some(_)) => Value::from(true),
        ("is_integer", None) => Value::from(f64::try_from(number.clone())?.fract() == 0.0),
        ("bit_length", Some(whole)) => Value::from(64 - whole.unsigned_abs().leading_zeros()),
        _ => return Err(Error::from(ErrorKind::UnknownMethod)),
    };
    arguments.done()?;
    Ok(result)
}

/// Characters to which a text may be widened.
pub(super) const WIDEST: usize = 100_000;

/// Where it cannot be even, Python puts one more before a text in an odd width.
fn before_center(missing: usize, width: usize) -> usize {
    missing / 2 + (missing & width & 1)
}

/// `str.center`
pub(super) fn centered(text: &str, wide: i64) -> Result<String, Error> {
    let wide = width(Some(wide))?;
    let missing = wide.saturating_sub(text.chars().count());
    let before = before_center(missing, wide);
    Ok(format!("{}{text}{}", " ".repeat(before), " ".repeat(missing - before)))
}

fn width(given: Option<i64>) -> Result<usize, Error> {
    let width = given.ok_or_else(|| refused("no width"))?;
    match usize::try_from(width).unwrap_or(0) {
        width if width <= WIDEST => Ok(width),
        width => Err(refused(&format!("a width of {width}"))),
    }
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("Python refuses this: {what}"))
}

/// What Python takes for space: that of Unicode, and four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// What stands for a number: Unicode's numbers, and the usual ones among the Han characters, which are letters.
fn is_numeric(c: char) -> bool {
    c.is_numeric() || "〇零一二三四五六七八九十百千万萬億亿兆两兩壹贰貳叁參肆伍陆陸柒捌玖拾佰仟".contains(c)
}

/// Digits that make decimal numbers, of the scripts that have ten in a row.
fn is_decimal(c: char) -> bool {
    decimal(c).is_some()
}

/// What such a digit stands for.
pub(super) fn decimal(c: char) -> Option<u32> {
    const ZEROS: [u32; 26] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
        0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1b50, 0xff10,
    ];
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&(c as u32))).map(|zero| c as u32 - zero)
}

fn swapped(c: char) -> String {
    if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(upper_first).unwrap_or_default();
    first + &chars.as_str().to_lowercase()
}

/// A letter as it begins a word; ß begins as Ss.
fn upper_first(c: char) -> String {
    let upper: String = c.to_uppercase().collect();
    let mut letters = upper.chars();
    letters.next().into_iter().chain(letters.flat_map(char::to_lowercase)).collect()
}

/// Every letter after none is large, every other small.
fn titled(text: &str) -> String {
    let mut inside = false;
    let mut titled = String::new();
    for c in text.chars() {
        if inside {
            titled.extend(c.to_lowercase());
        } else {
            titled.push_str(&upper_first(c));
        }
        inside = c.is_alphabetic();
    }
    titled
}

/// `text[start:end]` with the number of characters before it; nothing if it begins behind the end.
fn slice(text: &str, start: Option<i64>, end: Option<i64>) -> Option<(usize, &str)> {
    let count = text.chars().count();
    let place = |place: i64| {
        let from_the_end = if place < 0 { place.saturating_add_unsigned(count as u64) } else { place };
        usize::try_from(from_the_end).unwrap_or(0)
    };
    let (first, end) = (start.map_or(0, place), end.map_or(count, place).min(count));
    if first > end {
        return None;
    }
    let byte = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte);
    Some((first, &text[byte(first)..byte(end)]))
}

fn at<'a>(text: &'a str, separator: &str, most: Option<usize>) -> Vec<&'a str> {
    match most {
        Some(most) => text.splitn(most.saturating_add(1), separator).collect(),
        None => text.split(separator).collect(),
    }
}

fn at_from_the_end<'a>(text: &'a str, separator: &str, most: Option<usize>) -> Vec<&'a str> {
    let mut parts: Vec<&str> = match most {
        Some(most) => text.rsplitn(most.saturating_add(1), separator).collect(),
        None => text.rsplit(separator).collect(),
    };
    parts.reverse();
    parts
}

/// Cut at spaces of any length, of which those at the ends count for nothing.
fn at_spaces(text: &str, most: Option<usize>) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if most.is_some_and(|most| parts.len() >= most) {
            // The last part keeps the spaces behind it.
            parts.push(rest);
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(is_space);
    }
    parts
}

fn at_spaces_from_the_end(text: &str, most: Option<usize>) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end_matches(is_space);
    while !rest.is_empty() {
        if most.is_some_and(|most| parts.len() >= most) {
            parts.push(rest);
            break;
        }
        let last = rest.char_indices().rev().find(|(_, c)| is_space(*c));
        let start = last.map_or(0, |(byte, c)| byte + c.len_utf8());
        parts.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(is_space);
    }
    parts.reverse();
    parts
}

/// Cut behind every end of a line that Python knows.
pub(super) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(end) = rest.find(ends) else {
            found.push(rest);
            break;
        };
        let mark = if rest[end..].starts_with("\r\n") {
            2
        } else {
            rest[end..].chars().next().map_or(1, char::len_utf8)
        };
        found.push(&rest[..if keep { end + mark } else { end }]);
        rest = &rest[end + mark..];
    }
    found
}

fn without_tabs(text: &str, size: usize) -> String {
    let (mut wide, mut column) = (String::new(), 0);
    for c in text.chars() {
        match c {
            '\t' => {
                let spaces = if size == 0 { 0 } else { size - column % size };
                wide.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
            }
            c => {
                wide.push(c);
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    wide
}
