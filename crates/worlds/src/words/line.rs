//! One line of a trace: `ben has 5 + 3 = 8 apples`, or `total is 8 + 16 apples` without a result.

use std::fmt;

/// The subject of the line about two owners' quantities together.
pub(super) const TOTAL: &str = "total";
/// Ends a line.
pub(super) const STOP: &str = ".";

/// The four operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Op {
    pub(super) const ALL: [Op; 4] = [Op::Add, Op::Subtract, Op::Multiply, Op::Divide];

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
        }
    }

    pub(super) fn read(word: &str) -> Option<Op> {
        Op::ALL.into_iter().find(|op| op.symbol() == word)
    }

    pub(super) fn commutes(self) -> bool {
        matches!(self, Op::Add | Op::Multiply)
    }

    /// The result, unless it is negative or a fraction.
    pub(super) fn apply(self, left: i64, right: i64) -> Option<i64> {
        let result = match self {
            Op::Add => left + right,
            Op::Subtract => left - right,
            Op::Multiply => left * right,
            Op::Divide => (right != 0 && left % right == 0).then(|| left / right)?,
        };
        (result >= 0).then_some(result)
    }
}

/// A line. Whether it is true is another matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// An owner, or [`TOTAL`].
    pub(super) subject: &'a str,
    pub(super) left: i64,
    pub(super) op: Op,
    pub(super) right: i64,
    /// Not written for the quantity that is asked for.
    pub(super) result: Option<i64>,
    /// What is counted.
    pub(super) unit: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line, its words already apart and its full stop gone.
    pub(super) fn read(words: &[&'a str]) -> Option<Line<'a>> {
        let (&[subject, verb, left, op, right], rest) = words.split_first_chunk::<5>()?;
        let (result, unit) = match *rest {
            [unit] if unit != "=" => (None, unit),
            ["=", result, unit] => (Some(number(result)?), unit),
            _ => return None,
        };
        (verb == verb_of(subject)).then_some(())?;
        Some(Line { subject, left: number(left)?, op: Op::read(op)?, right: number(right)?, result, unit })
    }

    /// What the line says its quantity is: the result as written, or else as the operation gives it.
    pub(super) fn value(&self) -> Option<i64> {
        self.result.or_else(|| self.op.apply(self.left, self.right))
    }

    /// Whether both compute the same, whosever quantity they say it is.
    pub(super) fn computes_as(&self, other: &Line) -> bool {
        let in_order = self.left == other.left && self.right == other.right;
        let swapped = self.op.commutes() && self.left == other.right && self.right == other.left;
        self.op == other.op && self.result == other.result && (in_order || swapped)
    }

    /// Whether both say the same of the same quantity.
    pub(super) fn says_as(&self, other: &Line) -> bool {
        self.subject == other.subject && self.unit == other.unit && self.computes_as(other)
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { subject, left, op, right, result, unit } = self;
        write!(f, "{subject} {} {left} {} {right}", verb_of(subject), op.symbol())?;
        if let Some(result) = result {
            write!(f, " = {result}")?;
        }
        write!(f, " {unit}")
    }
}

fn verb_of(subject: &str) -> &'static str {
    if subject == TOTAL { "is" } else { "has" }
}

/// Reads a number as this world writes numbers: no sign, no leading zero. More than four digits are not read, so no
/// operation can overflow.
pub(super) fn number(word: &str) -> Option<i64> {
    let digits = !word.is_empty() && word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = word == "0" || !word.starts_with('0');
    (digits && canonical).then(|| word.parse().ok()).flatten()
}

/// The words of each line of a trace; a full stop ends a line, and the last may lack it.
pub(super) fn split(trace: &str) -> Vec<Vec<&str>> {
    let words: Vec<&str> = trace.split_whitespace().collect();
    let mut lines: Vec<Vec<&str>> = words.split(|&word| word == STOP).map(<[&str]>::to_vec).collect();
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

/// Writes lines as a trace.
pub(super) fn join(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{line} {STOP}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["ben has 5 + 3 = 8 apples", "total is 8 * 16 pens", "cal has 8 / 2 = 4 boxes"] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(Line::read(&words).unwrap().to_string(), text);
        }
    }

    #[test]
    fn reads_nothing_else() {
        for text in [
            "",
            "ben",
            "ben is 5 + 3 apples",
            "total has 5 + 3 apples",
            "ben has 05 + 3 apples",
            "ben has +5 + 3 apples",
            "ben has 5 + 3 =",
            "ben has 5 + 3 = 8",
            "ben has 5 + 3 = 8 apples apples",
            "ben has 5 % 3 apples",
            "ben has 99999999999999999999 + 3 apples",
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(Line::read(&words), None, "{text}");
        }
    }

    #[test]
    fn operands_may_change_places_only_where_it_makes_no_difference() {
        let line = |text: &'static str| Line::read(&text.split(' ').collect::<Vec<_>>()).unwrap();
        assert!(line("ben has 5 + 3 = 8 pens").says_as(&line("ben has 3 + 5 = 8 pens")));
        assert!(!line("ben has 5 - 3 = 2 pens").says_as(&line("ben has 3 - 5 = 2 pens")));
        assert!(!line("ben has 5 + 3 pens").says_as(&line("ben has 5 + 3 = 8 pens")));
    }

    #[test]
    fn empty_lines_count_except_the_one_after_the_last_full_stop() {
        assert_eq!(split("a . b ."), [["a"], ["b"]]);
        assert_eq!(split("a . b"), [["a"], ["b"]]);
        assert_eq!(split(". a").len(), 2);
        assert!(split("").is_empty());
    }
}
