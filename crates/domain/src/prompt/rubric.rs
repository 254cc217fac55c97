//! What a reward model reads.

use crate::{problem::Question, trace::CLOSE, trace::OPEN, trace::Trace};

/// `<task>T</task>\n<type>Y</type>\n<problem>\nX\n</problem>\n<reasoning>\nZ\n</reasoning>`.
#[must_use]
pub fn reward_model_input(question: &Question, trace: &Trace) -> String {
    let Question { source, domain, statement, .. } = question;
    reward_model_text(source, domain.name(), statement, None, trace.as_str())
}

/// [`reward_model_input`] from its pieces: for as much of a statement as fits, and for callers with names of their own for
/// the type of a task, or with tests, which then stand in `<tests>` after the problem.
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
    use crate::problem::TaskDomain;

    #[test]
    fn reward_model_input_is_the_reference_format() {
        assert_eq!(
            reward_model_input(&Question::new("gsm8k", TaskDomain::Math, "X"), &Trace::new("Z").unwrap()),
            "<task>gsm8k</task>\n<type>math</type>\n<problem>\nX\n</problem>\n<reasoning>\nZ\n</reasoning>"
        );
        assert_eq!(
            reward_model_text("code", "taco", "X", Some("S"), "Z"),
            "<task>code</task>\n<type>taco</type>\n<problem>\nX\n</problem>\n<tests>\nS\n</tests>\n<reasoning>\nZ\n</reasoning>"
        );
    }
}
