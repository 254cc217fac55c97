//! Mode `gsm8k-compat`: numeric answers as the published Python code of the paper reads them, quirks included.
//!
//! The same reading is applied to gold and completion:
//!
//! 1. `\boxed{a}` becomes `a` and `\frac{a}{b}` becomes `a/b`.
//! 2. *Extraction*, first rule that applies: what follows the last `####`; what follows the last `answer is`
//!    (up to a full stop or line end, so `answer is 3.5` reads 3); what follows the last `final answer` (likewise);
//!    the last number `[-+]d,ddd.d`, with ` / number` if there is one; everything.
//! 3. *Normalisation*: lower case, no `$`, no `,`, white space collapsed, a leading `answer:` dropped, spaces and
//!    full stops trimmed from the ends.
//! 4. The *first* number of what is left: an integer, a decimal, or a fraction of two integers with an unsigned
//!    denominator.
//!
//! Two numbers are equal if they differ by at most 10⁻⁶; if one side has no number, or does not fit into exact
//! 128-bit arithmetic, the normalised texts must be equal.
//!
//! What follows from that, on purpose: `1,234`, `$1234.00` and `1234` are equal; `50%` is 50; `1e3` is 3 as a last
//! number and 1 after `####`; `2 1/2` is 1/2 and 2 likewise; `10^{6}` is 6. That is fine for grade-school numbers
//! and wrong for general mathematics.
//!
//! Differences from the Python code: only the digits 0–9 are digits; the comparison is exact (no floating point); an
//! empty gold answer is `Unscorable` instead of equal to an empty completion.

use super::rational::Rational;
use crate::judgement::{Artifact, Judgement};
use regex::Regex;
use std::sync::LazyLock;
use tracelift_domain::FailureKind;

/// Numbers are equal if they differ by at most one part in this many.
const PARTS: i128 = 1_000_000;

/// Judges the last number of a completion against that of the gold answer.
#[must_use]
pub fn judge(gold: &str, completion: &str) -> Judgement {
    let gold = Side::of(gold);
    if gold.text.is_empty() {
        return Judgement::unscorable("the gold answer is empty or holds no answer after `####`", None);
    }
    let predicted = Side::of(completion);
    if predicted.text.is_empty() || (predicted.digits.is_none() && gold.digits.is_some()) {
        return Judgement::no_artifact();
    }
    let equal = predicted.equals(&gold);
    let artifact = Artifact::Answer(predicted.text);
    if equal { Judgement::passed(artifact) } else { Judgement::failed(FailureKind::WrongAnswer, artifact) }
}

/// What one side says.
struct Side {
    /// Extracted and normalised.
    text: String,
    /// The first number in it, as written.
    digits: Option<String>,
}

impl Side {
    fn of(raw: &str) -> Side {
        let text = normalise(&extract(raw));
        let digits = PATTERNS.first_number.find(&text).map(|found| found.as_str().replace(' ', ""));
        Side { text, digits }
    }

    fn equals(&self, other: &Side) -> bool {
        let number = |reading: &Side| reading.digits.as_deref().and_then(Rational::parse);
        match (number(self), number(other)) {
            (Some(a), Some(b)) => a.within(b, PARTS).unwrap_or_else(|| self.text == other.text),
            _ => self.text == other.text,
        }
    }
}

struct Patterns {
    boxed: Regex,
    fraction: Regex,
    answer_is: Regex,
    final_answer: Regex,
    last_number: Regex,
    first_number: Regex,
    white_space: Regex,
    answer_prefix: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    // Python's `\s` has the four separators U+001C..U+001F that Unicode's White_Space lacks.
    const S: &str = r"[\s\x1c-\x1f]";
    const GROUPED: &str = r"[-+]?[0-9][0-9,]*(?:\.[0-9]+)?";
    const PLAIN: &str = r"[-+]?[0-9]+(?:\.[0-9]+)?";
    #[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles all of them")]
    let compile = |pattern: String| Regex::new(&pattern).expect("a constant pattern");
    Patterns {
        boxed: compile(format!(r"\\boxed{S}*\{{([^{{}}]+)\}}")),
        fraction: compile(format!(r"\\frac{S}*\{{([^{{}}]+)\}}{S}*\{{([^{{}}]+)\}}")),
        answer_is: compile(format!(r"(?i)(?:the{S}+)?answer{S}+is{S}*[:=]?{S}*([^\n.]+)")),
        final_answer: compile(format!(r"(?i)final{S}+answer{S}*[:=]?{S}*([^\n.]+)")),
        last_number: compile(format!(r"{GROUPED}(?:{S}*/{S}*{GROUPED})?")),
        first_number: compile(format!(r"{PLAIN}(?:{S}*/{S}*{PLAIN})?")),
        white_space: compile(format!("{S}+")),
        answer_prefix: compile(format!(r"^(?:answer|final answer){S}*[:=]{S}*")),
    }
});

fn unwrap_latex(text: &str) -> String {
    let text = PATTERNS.boxed.replace_all(trim(text), "${1}");
    PATTERNS.fraction.replace_all(&text, "${1}/${2}").into_owned()
}

fn extract(raw: &str) -> String {
    let text = unwrap_latex(raw);
    if let Some((_, answer)) = text.rsplit_once("####") {
        return trim(answer).to_owned();
    }
    for pattern in [&PATTERNS.answer_is, &PATTERNS.final_answer] {
        if let Some(group) = pattern.captures_iter(&text).last().and_then(|found| found.get(1)) {
            return trim(group.as_str()).to_owned();
        }
    }
    let last = PATTERNS.last_number.find_iter(&text).last();
    trim(last.map_or(text.as_str(), |found| found.as_str())).to_owned()
}

fn normalise(text: &str) -> String {
    let text = trim(&unwrap_latex(text)).to_lowercase().replace(['$', ','], "");
    let text = PATTERNS.white_space.replace_all(&text, " ");
    let text = PATTERNS.answer_prefix.replace(&text, "");
    text.trim_matches([' ', '.', '。']).to_owned()
}

/// As Python's `str.strip`.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};
    use tracelift_domain::Verdict;

    fn verdict(gold: &str, completion: &str) -> Verdict {
        judge(gold, completion).verdict
    }

    #[test]
    fn equal_numbers() {
        for (gold, completion) in [
            ("He has 3 * 4 = <<3*4=12>>12 apples.\n#### 12", "#### 12"),
            ("#### 1,234", "so 1234"),
            ("1234", "It costs $1,234.00."),
            ("#### 50", "That is 50%"),
            ("0.5", "1/2"),
            ("0.5", "\\boxed{\\frac{1}{2}}"),
            ("0.5", "the answer is \\frac{ 1 }{ 2 }"),
            ("-3", "The answer is: -3"),
            ("-3", "x = -3, as asked"),
            ("3", "5 is wrong. #### 4 #### 3"),
            ("3", "The final answer = 3 apples\nI thank 7 people"),
            ("1/3", "0.3333333"),
            ("18", "Answer: 18"),
            ("18", "#### Answer: $18."),
            ("18", "**18**"),
            ("7", "THE ANSWER IS 7"),
            ("1/0", "#### 1/0"),
            ("Yes", "the answer is yes."),
        ] {
            assert_eq!(verdict(gold, completion), Verdict::Passed, "{gold:?} {completion:?}");
        }
    }

    #[test]
    fn different_numbers() {
        for (gold, completion) in [
            ("12", "#### 13"),
            ("12", "12 apples and 1 pear"),
            ("3.5", "the answer is 3.5"), // reads 3: the pattern stops at a full stop
            ("1000", "1e3"),              // reads 3
            ("1000", "#### 1e3"),         // reads 1
            ("1", "1.00001"),
            ("-3", "3"),
            ("Yes", "the answer is no"),
            ("2", "4/-2"), // a signed denominator is no number; the texts differ
        ] {
            let wrong = Verdict::Failed { kind: FailureKind::WrongAnswer };
            assert_eq!(verdict(gold, completion), wrong, "{gold:?} {completion:?}");
        }
    }

    #[test]
    fn nothing_to_judge() {
        for completion in ["", "  \n", "no idea", "####", "#### none"] {
            let none = Verdict::Failed { kind: FailureKind::NoArtifact };
            assert_eq!(verdict("12", completion), none, "{completion:?}");
            assert_eq!(judge("12", completion).artifact, None);
        }
        for gold in ["", " \n", "steps without a result ####"] {
            assert!(matches!(verdict(gold, "12"), Verdict::Unscorable { .. }), "{gold:?}");
            assert_eq!(judge(gold, "12").score, None);
        }
    }

    #[test]
    fn beyond_128_bits_the_texts_decide() {
        let long = "9".repeat(60);
        assert_eq!(verdict(&long, &format!("#### {long}")), Verdict::Passed);
        let wrong = Verdict::Failed { kind: FailureKind::WrongAnswer };
        assert_eq!(verdict(&long, &format!("#### {long}8")), wrong);
    }

    #[test]
    fn the_artifact_is_the_answer_found() {
        assert_eq!(judge("12", "so $1,300.").artifact, Some(Artifact::Answer("1300".into())));
    }

    #[test]
    fn big_inputs_are_linear() {
        let start = Instant::now();
        for piece in
            ["1 ", "1,", "the answer is ", "\\boxed{", "\\frac{1}", "-", "####", "1/", " ", "answer "]
        {
            let completion = piece.repeat(2_000_000 / piece.len());
            let _ = judge("12", &completion);
        }
        assert!(start.elapsed() < Duration::from_secs(30), "took {:?}", start.elapsed());
    }

    proptest! {
        #[test]
        fn total(gold in "[-+$0-9./,#a-z\\\\{} \n]{0,30}", completion in ".{0,40}") {
            let _ = judge(&gold, &completion);
        }

        #[test]
        fn every_integer_equals_itself(n in any::<i64>()) {
            prop_assert_eq!(verdict(&format!("#### {n}"), &format!("I think it is {n}")), Verdict::Passed);
        }
    }
}
