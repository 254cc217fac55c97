//! Filters of jinja2 that minijinja lacks, or has otherwise.

use super::arguments::{Arguments, text_of};
use super::{numbers, show, text};
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters as native};

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
    environment.add_filter("indent", indent);
    for name in ["default", "d"] {
        environment.add_filter(
            name,
            |value: Value, all: Rest<Value>, names: Kwargs| -> Result<Value, Error> {
                let mut arguments = Arguments::apart(&all, names);
                let instead = arguments.any("default_value")?.unwrap_or_else(|| Value::from(""));
                let also_untrue = arguments.truth("boolean")?.unwrap_or(false);
                arguments.done()?;
                Ok(if value.is_undefined() || (also_untrue && !value.is_true()) { instead } else { value })
            },
        );
    }
    environment.add_filter("wordcount", |value: &Value| -> Result<usize, Error> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        Ok(show::text(value)?.split(|c| !is_part(c)).filter(|word| !word.is_empty()).count())
    });
    environment.add_filter("int", |value: &Value, all: Rest<Value>, names: Kwargs| {
        numbers::whole(value, Arguments::apart(&all, names))
    });
    environment.add_filter("float", |value: &Value, all: Rest<Value>, names: Kwargs| {
        numbers::float(value, Arguments::apart(&all, names))
    });
    environment.add_filter("replace", |value: &Value, old: &str, new: &str, count: Option<usize>| {
        let text = show::text(value)?;
        Ok::<String, Error>(
            count.map_or_else(|| text.replace(old, new), |count| text.replacen(old, new, count)),
        )
    });
    // What is undefined has a length of 0 and nothing to go through; `none` has neither.
    environment.add_test("sequence", |value: &Value| {
        let is_range = || value.kind() == ValueKind::Iterable && value.len().is_some();
        matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined)
            || is_range()
    });
    environment.add_test("iterable", |value: &Value| {
        !value.is_none() && (value.is_undefined() || value.try_iter().is_ok())
    });
    // Macros and functions; what has attributes or items is none here.
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    environment.add_filter("first", |value: &Value| match value.kind() {
        ValueKind::Undefined => Ok(Value::UNDEFINED),
        _ => native::first(value),
    });
    for name in ["length", "count"] {
        environment.add_filter(name, |value: &Value| match value.kind() {
            ValueKind::Undefined => Ok(0),
            _ => native::length(value),
        });
    }
    environment.add_filter("last", |value: Value| match value.kind() {
        ValueKind::Undefined => Ok(Value::UNDEFINED),
        ValueKind::Map => Ok(value.try_iter()?.last().unwrap_or_default()),
        _ => native::last(value),
    });
    // These take by name alone what Python takes by place as well.
    environment.add_filter("sort", |state: &State, value: Value, all: Rest<Value>, names: Kwargs| {
        native::sort(state, value, named(&all, names, &["reverse", "case_sensitive", "attribute"])?)
    });
    environment.add_filter("unique", |state: &State, value: Value, all: Rest<Value>, names: Kwargs| {
        native::unique(state, value, named(&all, names, &["case_sensitive", "attribute"])?)
    });
    environment.add_filter("min", |state: &State, value: Value, all: Rest<Value>, names: Kwargs| {
        native::min(state, value, named(&all, names, &["case_sensitive", "attribute"])?)
    });
    environment.add_filter("max", |state: &State, value: Value, all: Rest<Value>, names: Kwargs| {
        native::max(state, value, named(&all, names, &["case_sensitive", "attribute"])?)
    });
    environment.add_filter("dictsort", |value: &Value, all: Rest<Value>, names: Kwargs| {
        native::dictsort(value, named(&all, names, &["case_sensitive", "by", "reverse"])?)
    });
    // And these by place alone.
    environment.add_filter("batch", |state: &State, value: Value, all: Rest<Value>, names: Kwargs| {
        let (count, fill) = portions(&all, names, "linecount")?;
        native::batch(state, value, count, fill)
    });
    environment.add_filter("slice", |state: &State, value: Value, all: Rest<Value>, names: Kwargs| {
        let (count, fill) = portions(&all, names, "slices")?;
        native::slice(state, value, count, fill)
    });
    environment.add_filter(
        "format",
        |format: &Value, all: Rest<Value>, names: Kwargs| -> Result<Value, Error> {
            let given: Vec<(String, Value)> = names
                .args()
                .map(|name| Ok((name.to_owned(), names.get(name)?)))
                .collect::<Result<_, Error>>()?;
            let format = text_of("format", format)?;
            match given.is_empty() {
                true => numbers::formatted(&format, &all),
                false => numbers::formatted(&format, &[Value::from_pairs(given)]),
            }
        },
    );
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordwrap", word_wrap);
    environment.add_filter("join", join);
    environment.add_filter("striptags", minijinja_contrib::filters::striptags);
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
    environment.add_filter("forceescape", minijinja::filters::escape);
}

/// The arguments of a filter, all of them by name.
fn named(places: &[Value], names: Kwargs, order: &[&str]) -> Result<Kwargs, Error> {
    if places.len() > order.len() {
        return Err(Error::from(ErrorKind::TooManyArguments));
    }
    let by_place = order.iter().zip(places).map(|(name, value)| ((*name).to_owned(), value.clone()));
    let by_name = names.args().map(|name| Ok((name.to_owned(), names.get::<Value>(name)?)));
    by_place.map(Ok).chain(by_name).collect::<Result<Vec<(String, Value)>, Error>>().map(Kwargs::from_iter)
}

/// How many items stand together, and what fills up the last of them.
fn portions(places: &[Value], names: Kwargs, count: &str) -> Result<(usize, Option<Value>), Error> {
    let mut arguments = Arguments::apart(places, names);
    let given = arguments.whole(count)?.and_then(|count| usize::try_from(count).ok());
    let count =
        given.ok_or_else(|| Error::new(ErrorKind::MissingArgument, format!("`{count}` is missing")))?;
    let fill = arguments.value("fill_with")?;
    arguments.done()?;
    Ok((count, fill))
}

/// `value|indent(width=4, first=false, blank=false)`, in which a line feed at the end begins a line of its own and every end of a
/// line comes out as a line feed.
fn indent(value: &Value, all: Rest<Value>, names: Kwargs) -> Result<String, Error> {
    let mut arguments = Arguments::apart(&all, names);
    let by = match arguments.value("width")? {
        None => " ".repeat(4),
        Some(width) => match (width.as_str(), width.as_usize()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(width)) if width <= WIDEST => " ".repeat(width),
            _ => {
                let why = format!("`width` is {width}, expected a text or a number of spaces up to {WIDEST}");
                return Err(Error::new(ErrorKind::InvalidOperation, why));
            }
        },
    };
    let first = arguments.truth("first")?.unwrap_or(false);
    let blank = arguments.truth("blank")?.unwrap_or(false);
    arguments.done()?;
    let whole = show::text(value)? + "\n";
    let mut lines = text::lines(&whole, false).into_iter();
    let mut indented = if first { by.clone() } else { String::new() };
    indented.push_str(lines.next().unwrap_or_default());
    for line in lines {
        indented.push('\n');
        if blank || !line.is_empty() {
            indented.push_str(&by);
        }
        indented.push_str(line);
    }
    Ok(indented)
}

/// The deepest indent in spaces.
const WIDEST: usize = 10_000;

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
