//! Answer leaks: a trace that states the answer does the executor's work and earns uplift for it.

use tracelift_domain::{Gold, Problem, Trace};

/// Whether a trace states the gold answer as a number or word of its own; for programs, whether it holds code.
/// A step whose result happens to be the answer counts: the executor need only copy it.
#[must_use]
pub fn leaks(problem: &Problem, trace: &Trace) -> bool {
    match &problem.gold {
        Gold::Answer(answer) => {
            let answer = plain(answer);
            !answer.is_empty() && words(trace.as_str()).any(|word| plain(word) == answer)
        }
        Gold::Tests(_) | Gold::Function(_) => {
            let text = trace.as_str();
            text.contains("```")
                || ["def ", "import ", "print(", "print (", "input(", "input ("]
                    .iter()
                    .any(|c| text.contains(c))
        }
    }
}

/// Numbers and words, also where an equation has no spaces: `3*4=12` is `3`, `4`, `12`, and `5-2` is `5`, `2`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    text.split(move |c: char| {
        // After a digit or a letter a hyphen joins or subtracts; elsewhere it is a sign.
        let sign = c == '-' && !before.is_alphanumeric();
        before = c;
        !(c.is_alphanumeric() || matches!(c, '.' | ',') || sign)
    })
}

/// A word without what surrounds a number in prose.
fn plain(word: &str) -> String {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-');
    let word = word.replace(',', "");
    match word.split_once('.') {
        Some((whole, zeros)) if !whole.is_empty() && zeros.chars().all(|c| c == '0') => whole.to_owned(),
        _ => word.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{IoTest, Question, TaskDomain};

    fn problem(gold: Gold) -> Problem {
        Problem { id: "1".into(), question: Question::new("t", TaskDomain::Math, "?"), gold }
    }

    #[test]
    fn a_stated_answer_is_a_leak() {
        let problem = problem(Gold::Answer("1,072".into()));
        for (text, leak) in [
            ("So she has 1072 clips.", true),
            ("It costs $1,072.00 in all", true),
            ("That makes 10720 clips.", false),
            ("Add 1000 and 72.", false),
            ("1000+72=1072", true),
            ("2072-1000=1072.", true),
            ("It falls to -1072", false),
        ] {
            assert_eq!(leaks(&problem, &Trace::new(text).unwrap()), leak, "{text}");
        }
    }

    #[test]
    fn code_is_a_leak_where_a_program_is_wanted() {
        let problem = problem(Gold::Tests(vec![IoTest { stdin: String::new(), stdout: String::new() }]));
        assert!(leaks(&problem, &Trace::new("then print(sum(x))").unwrap()));
        assert!(!leaks(&problem, &Trace::new("then print the sum").unwrap()));
    }
}
