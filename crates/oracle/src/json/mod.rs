//! JSON as models write it.
//!
//! A reply that is JSON is read as it stands. Otherwise every place in it that may be the object is tried: the reply
//! without its `<think>` block, fenced blocks, and whatever starts with a brace; each first as strict JSON, then with
//! [repairs](Repair). What a repair cannot know it does not invent: a member whose value was cut off is dropped, so that
//! a check for required fields sees that it is missing.

mod repair;

pub use repair::{MAX_DEPTH, Repair, Unrepairable, repair};

use serde_json::Value;
use std::collections::BTreeSet;

/// The longest reply that is read.
pub const LONGEST_REPLY: usize = 1 << 20;
/// How many places in a reply are tried.
const MOST_CANDIDATES: usize = 16;

/// A JSON object found in a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The object.
    pub value: Value,
    /// What had to be mended; empty for strict JSON.
    pub repairs: BTreeSet<Repair>,
}

/// The objects in a reply, the likeliest first: strict before repaired ones, and in the order of where they may lie.
/// Empty where nothing in it can be read as an object.
#[must_use]
pub fn candidates(reply: &str) -> Vec<Candidate> {
    if reply.len() > LONGEST_REPLY {
        return Vec::new();
    }
    let whole = reply.trim_start_matches('\u{feff}').trim();
    if let Ok(value @ Value::Object(_)) = serde_json::from_str(whole) {
        return vec![Candidate { value, repairs: BTreeSet::new() }];
    }
    let (mut strict, mut repaired) = (Vec::new(), Vec::new());
    for place in places(whole) {
        let mut values = serde_json::Deserializer::from_str(place).into_iter::<Value>();
        match values.next() {
            Some(Ok(value @ Value::Object(_))) => strict.push(Candidate { value, repairs: BTreeSet::new() }),
            _ => {
                if let Ok((value @ Value::Object(_), repairs)) = repair(place) {
                    repaired.push(Candidate { value, repairs });
                }
            }
        }
    }
    strict.append(&mut repaired);
    let mut seen: Vec<Candidate> = Vec::new();
    for candidate in strict {
        if !seen.iter().any(|other| other.value == candidate.value) {
            seen.push(candidate);
        }
    }
    seen
}

/// Texts that begin where an object may begin.
fn places(whole: &str) -> Vec<&str> {
    let spoken = whole.rsplit_once("</think>").map_or(whole, |(_, after)| after);
    let mut places = Vec::new();
    let mut add = |text: &'_ str| {
        if let Some(brace) = text.find('{') {
            // Positions in the reply, so that one place is tried once.
            let start = text.as_ptr() as usize - whole.as_ptr() as usize + brace;
            if places.len() < MOST_CANDIDATES && !places.contains(&start) {
                places.push(start);
            }
        }
    };
    for fence in ["```json", "```JSON", "```"] {
        for block in spoken.split(fence).skip(1) {
            add(block);
        }
    }
    add(spoken);
    let mut rest = spoken;
    while let Some(brace) = rest.find('{') {
        add(&rest[brace..]);
        rest = &rest[brace + 1..];
    }
    places.into_iter().map(|start| &whole[start..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn first(reply: &str) -> Value {
        candidates(reply).into_iter().next().unwrap_or_else(|| panic!("nothing in {reply:?}")).value
    }

    #[test]
    fn the_object_is_found_wherever_it_lies() {
        for reply in [
            r#"{"a": 1}"#,
            "\u{feff} {\"a\": 1}\n",
            "```json\n{\"a\": 1}\n```",
            "```\n{\"a\": 1}\n```\nDone.",
            "Here you are:\n\n{\"a\": 1}\n\nI hope this helps {really}.",
            "<think>perhaps {\"a\": 2}?</think>\n{\"a\": 1}",
            "The set {x, y} gives ```json\n{\"a\": 1}```",
            "{'a': 1}",
            "{\"a\": 1,}",
            "Sure! {a: 1} // as asked",
        ] {
            assert_eq!(first(reply), json!({"a": 1}), "{reply}");
        }
    }

    #[test]
    fn strict_objects_come_before_repaired_ones() {
        let found = candidates("{'draft': 1}\nBetter: {\"final\": 2}");
        assert_eq!(found[0].value, json!({"final": 2}));
        assert!(found[0].repairs.is_empty() && found.iter().any(|c| c.value == json!({"draft": 1})));
    }

    #[test]
    fn no_object_is_no_candidate() {
        for reply in
            ["", "I cannot help with that.", "[1, 2]", "42", "null", "\"text\"", "```json\n```", "}{"]
        {
            let found = candidates(reply);
            assert!(found.iter().all(|c| c.value == json!({})), "{reply:?}: {found:?}");
        }
        assert!(candidates(&"{".repeat(LONGEST_REPLY + 1)).is_empty());
    }

    #[test]
    fn many_braces_take_bounded_work() {
        assert!(candidates(&"{".repeat(LONGEST_REPLY)).len() <= MOST_CANDIDATES);
        assert!(candidates(&"{\"a\":".repeat(LONGEST_REPLY / 5)).len() <= MOST_CANDIDATES);
    }
}
