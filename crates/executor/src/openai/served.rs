//! Whether the model that a reply names is the one that was asked.
//!
//! Servers echo the name that they were sent, or say what it stands for: a dated snapshot (`m` is served by
//! `m-2024-07-18`), the tag `latest`, the path or the owner of the same name (`m`, `owner/m`, `/models/owner/m`). Names
//! that say nothing of the kind are another model's, unless `served_as` lists them.

use crate::call::CallFailure;

/// The names under which a model may answer.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// As requests say it.
    pub(super) asked: String,
    /// What else it may be called.
    pub(super) served_as: Vec<String>,
}

impl Names {
    /// Refuses what another model said. A reply that names none is taken for the model's.
    pub(super) fn check(&self, endpoint: &str, served: Option<&str>) -> Result<(), CallFailure> {
        let is_ours = |served: &str| {
            is_the_same_model(&self.asked, served) || self.served_as.iter().any(|name| name == served)
        };
        match served.filter(|served| !is_ours(served)) {
            None => Ok(()),
            Some(served) => Err(CallFailure::OtherModel {
                endpoint: endpoint.to_owned(),
                asked: self.asked.clone(),
                served: served.to_owned(),
            }),
        }
    }
}

/// Whether two names are one model's, as far as names tell.
fn is_the_same_model(asked: &str, served: &str) -> bool {
    let (asked, served) = (asked.to_ascii_lowercase(), served.to_ascii_lowercase());
    let tagged = |bare: &str, tagged: &str| tagged.strip_suffix(":latest") == Some(bare);
    is_placed_in(&asked, &served)
        || is_placed_in(&served, &asked)
        || tagged(&asked, &served)
        || tagged(&served, &asked)
        || is_snapshot(asked.strip_suffix("-latest").unwrap_or(&asked), &served)
}

/// Whether `longer` is `shorter` behind an owner or a folder.
fn is_placed_in(shorter: &str, longer: &str) -> bool {
    !shorter.is_empty()
        && longer
            .strip_suffix(shorter)
            .is_some_and(|place| place.is_empty() || place.ends_with('/') || shorter.starts_with('/'))
}

/// Whether `served` is `asked` with a date behind it: `2024-07-18`, `20240718`, or four digits that are a month and a day
/// or a year and a month.
fn is_snapshot(asked: &str, served: &str) -> bool {
    let Some(date) = served.strip_prefix(asked).and_then(|rest| rest.strip_prefix(['-', '@'])) else {
        return false;
    };
    let digits: String = date.chars().filter(char::is_ascii_digit).collect();
    let dashed = date.len() == 10 && date.as_bytes()[4] == b'-' && date.as_bytes()[7] == b'-';
    if digits.len() != if dashed { 8 } else { date.len() } {
        return false;
    }
    let number = |range: std::ops::Range<usize>| digits[range].parse().unwrap_or(0);
    let is_month = |month: u32| (1..=12).contains(&month);
    let is_day = |day: u32| (1..=31).contains(&day);
    match digits.len() {
        8 => (2015..2100).contains(&number(0..4)) && is_month(number(4..6)) && is_day(number(6..8)),
        4 => {
            let (first, second) = (number(0..2), number(2..4));
            is_month(first) && is_day(second) || (15..100).contains(&first) && is_month(second)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_the_same_model;

    #[test]
    fn what_servers_call_the_model_that_was_asked() {
        for (asked, served) in [
            ("silly", "silly"),
            ("Qwen2.5-7B", "qwen2.5-7b"),
            ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
            ("gpt-4", "gpt-4-0613"),
            ("mistral-large", "mistral-large-2411"),
            ("claude-3-5-haiku", "claude-3-5-haiku@20241022"),
            ("mistral-large-latest", "mistral-large-2411"),
            ("llama3", "llama3:latest"),
            ("llama3:latest", "llama3"),
            ("Qwen/Qwen2.5-7B", "Qwen2.5-7B"),
            ("Qwen2.5-7B", "/models/Qwen2.5-7B"),
            ("/models/Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-7B"),
        ] {
            assert!(is_the_same_model(asked, served), "{asked} is served as {served}");
        }
    }

    #[test]
    fn what_is_another_model() {
        for (asked, served) in [
            ("silly", ""),
            ("silly", "sillier"),
            ("silly", "silly-2"),
            ("silly", "silly-mini"),
            ("silly", "silly "),
            ("silly", "unsilly"),
            ("gpt-4o", "gpt-4o-mini-2024-07-18"),
            ("gpt-4o", "gpt-4o-2024-13-18"),
            ("gpt-4o", "gpt-4o-20240732"),
            ("gpt-4o", "gpt-4o-99999999"),
            ("gpt-4o", "gpt-4o-"),
            ("gpt-4o", "gpt-4o-é123-é-12"),
            ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06"),
            ("gpt-4o-2024-05-13", "gpt-4o"),
            ("llama3", "llama3:70b"),
            ("Qwen/Qwen2.5-7B", "evil/Qwen2.5-7B"),
            ("Qwen2.5-7B", "Qwen2.5-7B/"),
            ("Qwen2.5-7B", "models/xQwen2.5-7B"),
            ("qwen-7", "qwen-70"),
        ] {
            assert!(!is_the_same_model(asked, served), "{asked} is not {served}");
        }
    }
}
