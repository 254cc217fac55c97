//! Whether a JSON value is as a schema of an OpenAPI document says, for the schemas that the house's documents have.
//!
//! It knows the words that are used there; one that it does not know is a panic, so nothing passes unread.

use serde_json::Value;

/// What of a value does not fit a schema, and where; nothing where all does.
#[must_use]
pub fn misfit(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    fits(document, schema, value, "").err()
}

/// The schema of an answer: of a path, method and status, and the content type.
///
/// # Panics
/// Where the document has none.
#[must_use]
pub fn of_answer<'d>(document: &'d Value, path: &str, method: &str, status: u16, kind: &str) -> &'d Value {
    let responses = &document["paths"][path][method]["responses"];
    let schema = &responses[status.to_string()]["content"][kind]["schema"];
    assert!(!schema.is_null(), "{method} {path} has no schema for {status} {kind}: {responses}");
    schema
}

fn fits(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let words = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(words) => words,
        other => panic!("{other} is no schema"),
    };
    for (word, said) in words {
        let wrong = |what: String| Err(format!("{at:?} is {value}: {what}"));
        match word.as_str() {
            "title" | "description" | "default" | "format" | "$defs" | "examples" => {}
            "$ref" => {
                let pointer = said.as_str().unwrap().strip_prefix('#').unwrap();
                let found = document.pointer(pointer).unwrap_or_else(|| panic!("{said} leads nowhere"));
                fits(document, found, value, at)?;
            }
            "type" => {
                let names: Vec<&str> = match said {
                    Value::String(name) => vec![name],
                    names => names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect(),
                };
                if !names.iter().any(|name| is_a(value, name)) {
                    return wrong(format!("no {names:?}"));
                }
            }
            "enum" if !said.as_array().unwrap().contains(value) => return wrong(format!("none of {said}")),
            "const" if said != value => return wrong(format!("not {said}")),
            "enum" | "const" => {}
            "minimum" if value.as_f64().is_some_and(|number| number < said.as_f64().unwrap()) => {
                return wrong(format!("below {said}"));
            }
            "maximum" if value.as_f64().is_some_and(|number| number > said.as_f64().unwrap()) => {
                return wrong(format!("above {said}"));
            }
            "minLength"
                if value.as_str().is_some_and(|text| (text.len() as u64) < said.as_u64().unwrap()) =>
            {
                return wrong(format!("shorter than {said}"));
            }
            "minimum" | "maximum" | "minLength" => {}
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(document, said, item, &format!("{at}/{index}"))?;
                }
            }
            "required" => {
                let Some(fields) = value.as_object() else { continue };
                for name in said.as_array().unwrap() {
                    if !fields.contains_key(name.as_str().unwrap()) {
                        return wrong(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in said.as_object().unwrap() {
                    if let Some(field) = value.get(name) {
                        fits(document, schema, field, &format!("{at}/{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                let known = words.get("properties").and_then(Value::as_object);
                let is_known = |name: &String| known.is_some_and(|known| known.contains_key(name));
                for (name, field) in
                    value.as_object().into_iter().flatten().filter(|(name, _)| !is_known(name))
                {
                    match said {
                        Value::Bool(false) => return wrong(format!("{name:?} is no field of it")),
                        schema => fits(document, schema, field, &format!("{at}/{name}"))?,
                    }
                }
            }
            "anyOf" | "oneOf" => {
                let all = said.as_array().unwrap();
                let faults: Vec<String> =
                    all.iter().filter_map(|one| fits(document, one, value, at).err()).collect();
                if faults.len() == all.len() {
                    return wrong(format!("none of {} fits: {}", all.len(), faults.join("; ")));
                }
            }
            "allOf" => {
                for one in said.as_array().unwrap() {
                    fits(document, one, value, at)?;
                }
            }
            other => {
                panic!("the word {other:?} of a schema is not known here; teach it to `testing::schema`")
            }
        }
    }
    Ok(())
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other:?} is no type of JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_fits_or_is_told_where_it_does_not() {
        let document = json!({ "components": { "schemas": { "P": {
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": { "a": { "type": ["number", "null"], "minimum": 0 }, "b": { "enum": ["x"] },
                "c": { "type": "array", "items": { "$ref": "#/components/schemas/P" } } } } } } });
        let schema = json!({ "anyOf": [{ "$ref": "#/components/schemas/P" }, { "type": "string" }] });
        for right in [json!({"a": 1}), json!({"a": null, "b": "x", "c": [{"a": 2.5}]}), json!("text")] {
            assert_eq!(misfit(&document, &schema, &right), None);
        }
        for (wrong, word) in [
            (json!({}), "missing"),
            (json!({"a": -1}), "below"),
            (json!({"a": "1"}), "no"),
            (json!({"a": 1, "b": "y"}), "none of"),
            (json!({"a": 1, "d": 1}), "no field"),
            (json!({"a": 1, "c": [{}]}), "/c/0"),
            (json!(3), "none of 2 fits"),
        ] {
            let said = misfit(&document, &schema, &wrong).unwrap_or_default();
            assert!(said.contains(word), "{wrong}: {said}");
        }
    }
}
