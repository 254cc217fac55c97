//! What a reward model reads.

use crate::{trace::CLOSE, trace::OPEN};

/// The tags of the format.
pub const RUBRIC_TAGS: [&str; 10] =
    ["<task>", "</task>", "<type>", "</type>", "<problem>", "</problem>", "<tests>", "</tests>", OPEN, CLOSE];

/// `<task>T</task>\n<type>Y</type>\n<problem>\nX\n</problem>[\n<tests>\nS\n</tests>]\n<reasoning>\nZ\n</reasoning>`, of
/// as much of a statement as fits.
#[must_use]
pub fn reward_model_text(
    task: &str,
    kind: &str,
    statement: &str,
    tests: Option<&str>,
    trace: &str,
) -> String {
    let tests = tests.map(|tests| format!("\n<tests>\n{tests}\n</tests>")).unwrap_or_default();
    format!(
        "<task>{task}</task>\n<type>{kind}</type>\n<problem>\n{statement}\n</problem>{tests}\n{OPEN}\n{trace}\n{CLOSE}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_is_the_reference_format() {
        assert_eq!(
            reward_model_text("gsm8k", "math", "X", None, "Z"),
            "<task>gsm8k</task>\n<type>math</type>\n<problem>\nX\n</problem>\n<reasoning>\nZ\n</reasoning>"
        );
        assert_eq!(
            reward_model_text("code", "taco", "X", Some("S"), "Z"),
            "<task>code</task>\n<type>taco</type>\n<problem>\nX\n</problem>\n<tests>\nS\n</tests>\n<reasoning>\nZ\n</reasoning>"
        );
    }
}
