//! A line of a trace: `c = a + b = 7 + 4 = 11`.

use super::chain::{Chain, Op};
use std::fmt;

/// One step as it is written: first in names, then in numbers, then its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) target: &'static str,
    pub(super) names: [&'static str; 2],
    pub(super) symbol: Op,
    pub(super) numbers: [u32; 2],
    /// The operation between the numbers; other than `symbol` only where a flaw made it so.
    pub(super) operation: Op,
    /// Left out in the last line of a trace.
    pub(super) result: Option<u32>,
}

impl Line {
    /// What a reader takes from it: its result, and where there is none, what its numbers come to.
    pub(super) fn value(&self, modulus: u32) -> u32 {
        let [left, right] = self.numbers;
        self.result.unwrap_or_else(|| self.operation.apply(left, right, modulus))
    }

    /// The same step with its operands the other way round, which is as right if the operation allows it.
    pub(super) fn commuted(&self) -> Option<Line> {
        let ([left, right], [v, w]) = (self.names, self.numbers);
        self.symbol.commutes().then(|| Line { names: [right, left], numbers: [w, v], ..self.clone() })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([left, right], [v, w]) = (self.names, self.numbers);
        write!(f, "{} = {left} {} {right}", self.target, self.symbol.symbol())?;
        write!(f, " = {v} {} {w}", self.operation.symbol())?;
        self.result.map_or(Ok(()), |result| write!(f, " = {result}"))
    }
}

/// The flawless lines of a procedure.
pub(super) fn gold(chain: &Chain) -> Vec<Line> {
    (0..chain.steps.len()).map(|step| execute(chain, step, &chain.values)).collect()
}

/// The line of a step, carried out faithfully on the values that are believed so far.
pub(super) fn execute(chain: &Chain, step: usize, known: &[u32]) -> Line {
    let last = step + 1 == chain.steps.len();
    let (index, step) = (step + 2, chain.steps[step]);
    let [left, right] = step.operands.map(|operand| known[operand]);
    Line {
        target: chain.name(index),
        names: step.operands.map(|operand| chain.name(operand)),
        symbol: step.op,
        numbers: [left, right],
        operation: step.op,
        result: (!last).then(|| step.op.apply(left, right, chain.modulus)),
    }
}

/// Lines as a trace.
pub(super) fn text(lines: &[Line]) -> String {
    let mut text = String::with_capacity(lines.len() * 28);
    for line in lines {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&line.to_string());
        text.push_str(" .");
    }
    text
}
