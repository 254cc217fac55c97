//! What arms and cells are called: by what they differ in.

use std::collections::BTreeSet;
use toml::{Table, Value};

/// What a key is called among others: its last part, unless another key ends in the same.
fn short<'k>(key: &'k str, keys: &BTreeSet<&str>) -> &'k str {
    let last = key.rsplit('.').next().unwrap_or(key);
    let same = keys.iter().filter(|other| other.rsplit('.').next() == Some(last)).count();
    if same > 1 { key } else { last }
}

/// What a value is called: the last part of a path, a text without quotes.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.rsplit('/').next().unwrap_or(text).to_owned(),
        value => value.to_string(),
    }
}

/// The values of a table by their dotted keys. A quoted key with dots (`"reward.rule"`) is the same as one without quotes.
#[must_use]
pub fn settings(table: &Table) -> Vec<(String, Value)> {
    fn below(table: &Table, before: &str, found: &mut Vec<(String, Value)>) {
        for (key, value) in table {
            let key = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
            match value {
                Value::Table(inner) if !inner.is_empty() => below(inner, &key, found),
                value => found.push((key, value.clone())),
            }
        }
    }
    let mut found = Vec::new();
    below(table, "", &mut found);
    found
}

/// What an arm is called that sets this, among arms that set all those keys: `tracelift, lambda 0.5`.
#[must_use]
pub fn arm_name(settings: &[(String, Value)], keys: &BTreeSet<&str>) -> String {
    let part = |(key, value): &(String, Value)| match (short(key, keys), told(value)) {
        ("rule", rule) => rule,
        (key, value) if value == "unset" => format!("no {key}"),
        (key, value) => format!("{key} {value}"),
    };
    settings.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// A name as that of a folder: `tracelift_lambda-0.5`.
#[must_use]
pub fn folder_name(name: &str) -> String {
    let joined = name.replace(", ", "_");
    let mut folder = String::new();
    for c in joined.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => folder.push(c),
            _ if folder.ends_with('-') => {}
            _ => folder.push('-'),
        }
    }
    folder.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_by_people_and_file_systems() {
        let lora: Value = "value = { rank = 4 }".parse::<Table>().unwrap().remove("value").unwrap();
        let settings = [
            ("reward.rule".to_owned(), Value::from("tracelift")),
            ("reward.lambda".to_owned(), Value::from(0.5)),
            ("planner.model".to_owned(), Value::from("runs/base/planner")),
            ("planner.lora".to_owned(), lora),
            ("rubric.model".to_owned(), Value::from("unset")),
        ];
        let keys = settings.iter().map(|(key, _)| key.as_str()).collect();
        let name = arm_name(&settings, &keys);
        assert_eq!(name, "tracelift, lambda 0.5, planner.model planner, lora { rank = 4 }, no rubric.model");
        assert_eq!(
            folder_name(&name),
            "tracelift_lambda-0.5_planner.model-planner_lora-rank-4-_no-rubric.model"
        );
        assert_eq!(folder_name("../λ"), "");
    }
}
