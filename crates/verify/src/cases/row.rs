//! A line of a case file as a row. What a general reader lets pass is an error here, since half of a case that was not read
//! judges another case: a key that stands twice, a list where an object is meant. Messages name the key.

use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;
use std::fmt;
use tracelift_domain::spelling;

/// The row that a line holds.
///
/// # Errors
/// What is wrong with it, for behind the file and the line: the key, or the column where it is no JSON.
pub(super) fn parse<Row: DeserializeOwned>(line: &[u8]) -> Result<Row, String> {
    let Once(value) = serde_json::from_slice(line).map_err(|error| {
        let what = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        format!("column {}: {}", error.column(), what.strip_suffix(&place).unwrap_or(&what))
    })?;
    if !value.is_object() {
        return Err(format!("it is {}, expected an object", kind(&value)));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let key = dotted(error.path());
        let what = error.into_inner().to_string();
        match key.is_empty() || what.starts_with("`") || what.starts_with("unknown field") {
            true => with_nearest(what),
            false => format!("`{key}`: {}", with_nearest(what)),
        }
    })
}

/// An object within a row, and never a list of its values in some order.
///
/// # Errors
/// When it is something else, or its fields are not in order.
pub(super) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    if !value.is_object() {
        return Err(D::Error::custom(format!("is {}, expected an object", kind(&value))));
    }
    // A path within is lost on the way through this error, so it is said here.
    serde_path_to_error::deserialize(value).map_err(|error| {
        let key = dotted(error.path());
        let what = with_nearest(error.into_inner().to_string());
        D::Error::custom(if key.is_empty() { what } else { format!("`{key}`: {what}") })
    })
}

/// What a value is, for people.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    }
}

fn dotted(path: &serde_path_to_error::Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } if text.is_empty() => text.push_str(key),
            Segment::Map { key } => text.extend([".", key]),
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Enum { .. } | Segment::Unknown => break,
        }
    }
    text
}

/// The message about a field that there is none of, with the one that was probably meant.
fn with_nearest(what: String) -> String {
    let mut quoted = what.split('`').skip(1).step_by(2);
    let near = what.starts_with("unknown field").then(|| quoted.next()).flatten();
    match near.and_then(|unknown| spelling::nearest(unknown, quoted)) {
        Some(near) => format!("{what}; the nearest known one is `{near}`"),
        None => what,
    }
}

/// A JSON value in which no key stands twice.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Once, D::Error> {
        deserializer.deserialize_any(OnceVisitor)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Once, E> {
        Ok(Once(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        let mut all = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Once(Value::Array(all)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Once, A::Error> {
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if all.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` stands twice")));
            }
            let Once(value) = fields.next_value()?;
            all.insert(key, value);
        }
        Ok(Once(Value::Object(all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        id: u8,
        #[serde(default, deserialize_with = "object")]
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        count: u8,
    }

    #[test]
    fn mistakes_are_named_by_key() {
        for (line, says) in [
            (r#"{"id": 1, "id": 2}"#, "the key `id` stands twice"),
            (r#"{"id": 1, "inner": {"count": 1, "count": 1}}"#, "the key `count` stands twice"),
            (r#"{"id": "a"}"#, "`id`: invalid type: string \"a\", expected u8"),
            (r#"{"id": 300}"#, "`id`: invalid value: integer `300`, expected u8"),
            (
                r#"{"id": 1, "iner": {}}"#,
                "unknown field `iner`, expected `id` or `inner`; the nearest known one is `inner`",
            ),
            (r#"{"id": 1, "inner": [5]}"#, "`inner`: is a list, expected an object"),
            (r#"{"id": 1, "inner": null}"#, "`inner`: is null, expected an object"),
            (r#"{"id": 1, "inner": {"count": -1}}"#, "`count`: invalid value"),
            (r#"{"inner": {}}"#, "missing field `id`"),
            ("[1, {}]", "it is a list, expected an object"),
            ("7", "it is 7, expected an object"),
            (r#"{"id": NaN}"#, "column 8: "),
            (r#"{"id": 1} x"#, "column 11: trailing characters"),
        ] {
            let message = parse::<Shape>(line.as_bytes()).unwrap_err();
            assert!(message.contains(says), "{line}: {message}");
        }
        let shape = parse::<Shape>(br#"{"id": 1, "inner": {"count": 2}}"#).unwrap();
        assert_eq!(shape, Shape { id: 1, inner: Inner { count: 2 } });
    }
}
