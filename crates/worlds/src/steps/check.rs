//! The exact process checker: it judges any text against the procedure.
//!
//! A step is right if its line is the gold line, where the operands of `+` and `*` may come in either order. Values
//! that follow correctly from an earlier wrong one are wrong all the same: they are not values of this problem.

use super::chain::{Chain, Op};
use super::line::{self, Line};
use crate::report::{Correction, Extent, ProcessReport};

/// Judges each line of a text.
pub(super) fn judge(chain: &Chain, trace: &str) -> ProcessReport {
    let words: Vec<&str> = trace.split_whitespace().collect();
    let lines = lines(&words);
    let gold: Vec<GoldLine> = line::gold(chain).iter().map(GoldLine::new).collect();
    let agreed = lines.iter().zip(&gold).take_while(|(line, gold)| gold.is(line)).count();
    ProcessReport {
        expected: gold.len(),
        found: lines.len(),
        confirmed: agreed + in_order(&lines[agreed..], &gold[agreed..]),
        leaks: leaks(chain, &lines),
        extent: extent(chain, &lines),
        first_flaw: (agreed < gold.len().max(lines.len())).then_some(agreed),
    }
}

/// The gold line that belongs where the text first leaves them.
pub(super) fn correct(chain: &Chain, trace: &str) -> Option<Correction> {
    let step = judge(chain, trace).first_flaw?;
    Some(Correction { step, expected: line::gold(chain).get(step).map(ToString::to_string) })
}

/// What a literal reader answers: the value that the trace gives the target, or what the numbers of its line come
/// to; if the target is not there, the last value that is stated.
pub(super) fn implied(chain: &Chain, trace: &str) -> Option<u32> {
    let words: Vec<&str> = trace.split_whitespace().collect();
    let lines = lines(&words);
    let of_target = lines.iter().rev().find(|line| line.first() == Some(&chain.target()));
    of_target.or(lines.last()).and_then(|line| stated(line, chain.modulus))
}

/// A gold line in each order of its operands that is right.
struct GoldLine {
    forms: Vec<String>,
}

impl GoldLine {
    fn new(line: &Line) -> GoldLine {
        let commuted = line.commuted().map(|line| line.to_string());
        GoldLine { forms: std::iter::once(line.to_string()).chain(commuted).collect() }
    }

    fn is(&self, line: &[&str]) -> bool {
        self.forms.iter().any(|form| line.iter().copied().eq(form.split(' ')))
    }
}

/// The words of each line. The stop after the last line may be missing; an empty line elsewhere is a line.
fn lines<'a>(words: &'a [&'a str]) -> Vec<&'a [&'a str]> {
    let mut lines: Vec<_> = words.split(|&word| word == ".").collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

/// How many gold lines are found in their order, whatever stands between them (longest common subsequence).
fn in_order(lines: &[&[&str]], gold: &[GoldLine]) -> usize {
    let mut best = vec![0; gold.len() + 1];
    for line in lines {
        let mut diagonal = 0;
        for (index, gold) in gold.iter().enumerate() {
            let above = best[index + 1];
            best[index + 1] = if gold.is(line) { diagonal + 1 } else { above.max(best[index]) };
            diagonal = above;
        }
    }
    best[gold.len()]
}

/// Whether a line gives the target a value. A line may say what the target is computed from, in names and in
/// numbers; it gives it away by a number that is no operand, by computing *with* it, or by going on afterwards in
/// anything but the line of another quantity.
fn leaks(chain: &Chain, lines: &[&[&str]]) -> bool {
    let target = chain.target();
    let mut reached = false;
    lines.iter().any(|line| {
        let holds = line.contains(&target);
        let continues = reached && line.get(1) != Some(&"=");
        reached |= holds;
        let computed_with = (0..line.len()).any(|at| line[at] == target && is_operand(line, at));
        let numbers = || (0..line.len()).filter(|&at| number(line[at]).is_some());
        computed_with && numbers().next().is_some()
            || (holds || continues) && numbers().any(|at| !is_operand(line, at))
    })
}

/// Whether an operator stands beside this word.
fn is_operand(line: &[&str], at: usize) -> bool {
    [at.checked_sub(1), Some(at + 1)]
        .into_iter()
        .flatten()
        .filter_map(|at| line.get(at))
        .any(|word| op(word).is_some())
}

/// Past the target is over, a text without it is judged by its number of lines.
fn extent(chain: &Chain, lines: &[&[&str]]) -> Extent {
    let beyond = match lines.iter().rposition(|line| line.first() == Some(&chain.target())) {
        Some(target) => lines.len().cmp(&(target + 1)),
        None => lines.len().cmp(&chain.steps.len()),
    };
    match beyond {
        std::cmp::Ordering::Less => Extent::Under,
        std::cmp::Ordering::Equal => Extent::Exact,
        std::cmp::Ordering::Greater => Extent::Over,
    }
}

/// The value that ends a line, whatever comes before its last `=`.
fn stated(line: &[&str], modulus: u32) -> Option<u32> {
    let equals = line.iter().rposition(|&word| word == "=")?;
    match line[equals + 1..] {
        [value] => number(value),
        [left, symbol, right] => Some(op(symbol)?.apply(number(left)?, number(right)?, modulus)),
        _ => None,
    }
}

fn op(word: &str) -> Option<Op> {
    Op::ALL.into_iter().find(|op| op.symbol() == word)
}

/// A number without sign or leading zeros.
fn number(word: &str) -> Option<u32> {
    let canonical = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse::<u16>().ok().filter(|_| canonical).map(u32::from)
}
