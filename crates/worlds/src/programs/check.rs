//! The exact process checker: a trace is right if its steps are the gold steps, word by word and in order.

use super::plan::Step;
use crate::report::{Correction, Extent, ProcessReport};

/// Signs that occur in programs and never in a plan.
const SIGNS: &str = "()[]{}<>=:;%*+_\"'`";
/// Names that occur in programs and never in a plan.
const NAMES: [&str; 16] = [
    "abs", "break", "def", "dict", "elif", "input", "int", "isdigit", "lambda", "len", "max", "min", "range",
    "return", "sorted", "split",
];

/// Judges each step of a text against the gold steps.
pub(super) fn check(gold: &[Step], text: &str) -> ProcessReport {
    let words: Vec<&str> = text.split_whitespace().collect();
    let gold_lines: Vec<String> = gold.iter().map(|step| step.line()).collect();
    let gold_lines: Vec<Vec<&str>> = gold_lines.iter().map(|line| line.split(' ').collect()).collect();

    // A step is the words up to a full stop. Words after the last full stop are a step that was never finished: it is
    // found, and it is wrong.
    let mut steps: Vec<Option<&[&str]>> = words.split(|&word| word == ".").map(Some).collect();
    match steps.pop() {
        Some(Some(rest)) if !rest.is_empty() => steps.push(None),
        _ => {}
    }

    let right = |gold: &[&str], step: &Option<&[&str]>| *step == Some(gold);
    let longest = gold_lines.len().max(steps.len());
    let first_flaw = (0..longest).find(|&i| match (gold_lines.get(i), steps.get(i)) {
        (Some(gold), Some(step)) => !right(gold, step),
        _ => true,
    });

    // Confirmed steps are the longest run of gold steps that the text has in their order: what comes after a missing or
    // superfluous step can still be right.
    let mut common = vec![0usize; gold_lines.len() + 1];
    for step in &steps {
        let mut diagonal = 0;
        for (i, gold) in gold_lines.iter().enumerate() {
            let above = common[i + 1];
            common[i + 1] = if right(gold, step) { diagonal + 1 } else { above.max(common[i]) };
            diagonal = above;
        }
    }

    ProcessReport {
        expected: gold.len(),
        found: steps.len(),
        confirmed: common[gold_lines.len()],
        leaks: words.iter().any(|word| is_code(word)),
        extent: match steps.len().cmp(&gold.len()) {
            std::cmp::Ordering::Less => Extent::Under,
            std::cmp::Ordering::Equal => Extent::Exact,
            std::cmp::Ordering::Greater => Extent::Over,
        },
        first_flaw,
    }
}

/// The gold step that belongs where the text first leaves them.
pub(super) fn correct(gold: &[Step], text: &str) -> Option<Correction> {
    let step = check(gold, text).first_flaw?;
    Some(Correction { step, expected: gold.get(step).map(|step| step.line()) })
}

fn is_code(word: &str) -> bool {
    word.contains(|sign| SIGNS.contains(sign)) || NAMES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::super::plan::parse;
    use super::*;

    const GOLD: &str =
        "read the numbers from one line . keep the even ones . add 3 to each . print the sum .";

    fn judged(text: &str) -> ProcessReport {
        check(&parse(GOLD).unwrap(), text)
    }

    #[test]
    fn gold_is_verified() {
        let report = judged(GOLD);
        assert!(report.verified(), "{report:?}");
        assert_eq!(
            (report.expected, report.found, report.confirmed, report.extent),
            (4, 4, 4, Extent::Exact)
        );
    }

    #[test]
    fn each_kind_of_mistake_is_counted_where_it_is() {
        for (text, found, confirmed, first_flaw, extent) in [
            ("", 0, 0, 0, Extent::Under),
            ("read the numbers from one line .", 1, 1, 1, Extent::Under),
            (&GOLD.replace("even", "odd"), 4, 3, 1, Extent::Exact),
            (&GOLD.replace("add 3 to each . ", ""), 3, 3, 2, Extent::Under),
            (&GOLD.replace("add 3", "reverse them . add 3"), 5, 4, 2, Extent::Over),
            (
                &GOLD.replace("keep the even ones . add 3 to each", "add 3 to each . keep the even ones"),
                4,
                3,
                1,
                Extent::Exact,
            ),
            (&format!("{GOLD} print the sum ."), 5, 4, 4, Extent::Over),
            (GOLD.strip_suffix(" .").unwrap(), 4, 3, 3, Extent::Exact),
            (&format!("{GOLD} ."), 5, 4, 4, Extent::Over),
            (&format!("{GOLD} print"), 5, 4, 4, Extent::Over),
        ] {
            let report = judged(text);
            assert_eq!(
                (report.found, report.confirmed, report.first_flaw, report.extent),
                (found, confirmed, Some(first_flaw), extent),
                "{text:?}"
            );
            assert!(!report.leaks && !report.verified());
        }
    }

    #[test]
    fn code_leaks() {
        for code in ["print ( sum ( x ) )", "x = 3", "lambda v", "x[0]", "sorted"] {
            assert!(judged(&GOLD.replace("add 3 to each", code)).leaks, "{code}");
        }
    }
}
