//! Filters of jinja2 that minijinja lacks, or has otherwise.

use super::arguments::Arguments;
use super::{show, text};
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

/// Puts them into an environment.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("tojson", super::json::to_json);
    environment.add_filter("string", |value: &Value| -> Result<Value, Error> {
        if value.as_str().is_some() { Ok(value.clone()) } else { show::text(value).map(Value::from) }
    });
    environment.add_filter(
        "center",
        |value: &Value, all: Rest<Value>, names: Kwargs| -> Result<String, Error> {
            let width = Arguments::apart(&all, names).whole("width")?.unwrap_or(80);
            text::centered(&show::text(value)?, width)
        },
    );
    environment.add_filter(
        "trim",
        |value: &Value, all: Rest<Value>, names: Kwargs| -> Result<String, Error> {
            let set = Arguments::apart(&all, names).text("chars")?;
            let inside = |c: char| set.as_ref().map_or_else(|| text::is_space(c), |set| set.contains(c));
            Ok(show::text(value)?.trim_matches(inside).to_owned())
        },
    );
    environment.add_filter("wordcount", |value: &Value| -> Result<usize, Error> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        Ok(show::text(value)?.split(|c| !is_part(c)).filter(|word| !word.is_empty()).count())
    });
    environment.add_filter("int", |value: &Value, all: Rest<Value>, names: Kwargs| {
        whole(value, Arguments::apart(&all, names))
    });
    environment.add_filter("float", |value: &Value, otherwise: Option<f64>| {
        let text = value.as_str().map(|text| text.trim().parse::<f64>().ok());
        text.unwrap_or_else(|| f64::try_from(value.clone()).ok()).or(otherwise).unwrap_or(0.0)
    });
    environment.add_filter("replace", |value: &Value, old: &str, new: &str, count: Option<usize>| {
        let text = show::text(value)?;
        Ok::<String, Error>(
            count.map_or_else(|| text.replace(old, new), |count| text.replacen(old, new, count)),
        )
    });
    environment.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String)
    });
    environment.add_test("callable", |_: &Value| false);
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordwrap", word_wrap);
    environment.add_filter("join", join);
    environment.add_filter("striptags", minijinja_contrib::filters::striptags);
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
    environment.add_filter("forceescape", minijinja::filters::escape);
}

/// `value|int(default=0, base=10)`: what is no number is the default.
fn whole(value: &Value, mut arguments: Arguments<'_>) -> Result<i64, Error> {
    let otherwise = arguments.whole("default")?.unwrap_or(0);
    let base = arguments
        .whole("base")?
        .and_then(|base| u32::try_from(base).ok())
        .filter(|base| (2..=36).contains(base));
    arguments.done()?;
    let Some(text) = value.as_str() else {
        let truncated = || {
            f64::try_from(value.clone()).ok().filter(|number| number.is_finite()).map(|number| number as i64)
        };
        return Ok(value.as_i64().or_else(truncated).unwrap_or(otherwise));
    };
    let text = text.trim();
    let digits = match base {
        Some(16) => text.trim_start_matches("0x"),
        _ => text,
    };
    let number = i64::from_str_radix(digits, base.unwrap_or(10)).ok();
    let truncated =
        || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| number as i64);
    Ok(number.or_else(truncated).unwrap_or(otherwise))
}

/// `value|truncate(length=255, killwords=false, end='...', leeway=5)`
fn truncate(value: &Value, all: Rest<Value>, names: Kwargs) -> Result<String, Error> {
    let mut arguments = Arguments::apart(&all, names);
    let length = size(arguments.whole("length")?, 255);
    let cut_words = arguments.truth("killwords")?.unwrap_or(false);
    let end = arguments.text("end")?.unwrap_or_else(|| "...".to_owned());
    let leeway = size(arguments.whole("leeway")?, 5);
    arguments.done()?;
    let whole = show::text(value)?;
    if whole.chars().count() <= length + leeway {
        return Ok(whole);
    }
    let room = length.saturating_sub(end.chars().count());
    let kept: String = whole.chars().take(room).collect();
    let kept = if cut_words {
        kept.as_str()
    } else {
        kept.rsplit_once(' ').map_or(kept.as_str(), |(before, _)| before)
    };
    Ok(format!("{kept}{end}"))
}

fn size(given: Option<i64>, usual: usize) -> usize {
    given.map_or(usual, |size| usize::try_from(size).unwrap_or(0))
}

/// `value|wordwrap(width=79, break_long_words=true, wrapstring='\n')`: lines of words, of at most so many characters.
fn word_wrap(value: &Value, all: Rest<Value>, names: Kwargs) -> Result<String, Error> {
    let mut arguments = Arguments::apart(&all, names);
    let width = size(arguments.whole("width")?, 79).max(1);
    let break_words = arguments.truth("break_long_words")?.unwrap_or(true);
    let end = arguments.text("wrapstring")?.unwrap_or_else(|| "\n".to_owned());
    let whole = show::text(value)?;
    let mut lines: Vec<String> = Vec::new();
    for line in whole.lines() {
        let mut wrapped = String::new();
        let mut filled = 0;
        for word in line.split(' ') {
            let mut word: Vec<char> = word.chars().collect();
            if filled > 0 && filled + 1 + word.len() > width {
                lines.push(std::mem::take(&mut wrapped));
                filled = 0;
            } else if filled > 0 {
                wrapped.push(' ');
                filled += 1;
            }
            while break_words && word.len() > width {
                let rest = word.split_off(width);
                lines.push(word.into_iter().collect());
                word = rest;
            }
            filled += word.len();
            wrapped.extend(word);
        }
        lines.push(wrapped);
    }
    Ok(lines.join(&end))
}

/// `value|join(d='', attribute=none)`, with what is no text as Python writes it.
fn join(value: &Value, all: Rest<Value>, names: Kwargs) -> Result<String, Error> {
    let mut arguments = Arguments::apart(&all, names);
    let separator =
        arguments.value("d")?.map_or_else(|| Ok(String::new()), |separator| show::text(&separator))?;
    let attribute = arguments.value("attribute")?;
    arguments.done()?;
    let mut joined = String::new();
    for (i, item) in value.try_iter()?.enumerate() {
        if i > 0 {
            joined.push_str(&separator);
        }
        let item = match &attribute {
            None => item,
            Some(path) => attribute_of(&item, path)?,
        };
        joined.push_str(&show::text(&item)?);
    }
    Ok(joined)
}

/// What stands at a path of attributes and positions: `function.name`, `0`.
fn attribute_of(item: &Value, path: &Value) -> Result<Value, Error> {
    let Some(path) = path.as_str() else { return item.get_item(path) };
    path.split('.').try_fold(item.clone(), |item, part| match part.parse::<i64>() {
        Ok(position) => item.get_item(&Value::from(position)),
        Err(_) => item.get_attr(part),
    })
}

/// `left % right`: Python formats a text, and divides numbers so that the rest has the sign of the divisor.
pub(super) fn percent(left: &Value, right: &Value) -> Result<Value, Error> {
    if let Some(format) = left.as_str() {
        let arguments: Vec<Value> =
            if right.is_tuple() { right.try_iter()?.collect() } else { vec![right.clone()] };
        return minijinja::formatting::format(minijinja::formatting::FormatStyle::Printf, format, &arguments)
            .map(Value::from);
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
