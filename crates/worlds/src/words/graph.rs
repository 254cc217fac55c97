//! The graph of quantities behind a problem, and what follows from it for someone who believes it to be different.

use super::line::{Line, Op};
use std::ops::RangeInclusive;

/// Every quantity of a problem (1 is left out: "1 apples").
pub(super) const VALUES: RangeInclusive<i64> = 2..=29;

pub(super) const NAMES: [&str; 12] =
    ["ben", "cal", "dan", "eve", "fay", "gus", "ida", "joe", "kim", "leo", "mia", "ned"];
pub(super) const ITEMS: [&str; 8] =
    ["apples", "pears", "books", "pens", "coins", "cards", "shells", "stamps"];

/// What things are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) many: &'static str,
    pub(super) one: &'static str,
}

pub(super) const CONTAINERS: [Container; 2] =
    [Container { many: "boxes", one: "box" }, Container { many: "bags", one: "bag" }];

/// One side of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// A number in the same sentence.
    Number(i64),
    /// Another quantity.
    Of(usize),
}

/// What kind of sentence says how a quantity follows from its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Construct {
    /// left + right: so many more than another.
    More,
    /// left − right: so many fewer than another.
    Fewer,
    /// left × right with left 2 or 3, or left / 2.
    Scale,
    /// left + right: as many as two others together; the total of two.
    Sum,
    /// left − right: had some, gave some away.
    Gave,
    /// left + right: had some, got some more.
    Got,
    /// left × right: so many boxes with so many in each.
    Boxes(Container),
}

/// How a quantity follows from others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Computation {
    pub(super) construct: Construct,
    pub(super) left: Operand,
    pub(super) op: Op,
    pub(super) right: Operand,
}

impl Computation {
    pub(super) fn operands(&self) -> [Operand; 2] {
        [self.left, self.right]
    }

    pub(super) fn uses(&self, quantity: usize) -> bool {
        self.operands().contains(&Operand::Of(quantity))
    }
}

/// Something that is counted.
#[derive(Clone, Debug)]
pub(super) struct Quantity {
    /// Who has it, or [`TOTAL`].
    pub(super) subject: &'static str,
    /// What it counts.
    pub(super) item: &'static str,
    /// How it is computed; `None` if the statement gives it.
    pub(super) computation: Option<Computation>,
    /// How many there are.
    pub(super) value: i64,
}

/// The quantities of a problem, each after those it is computed from.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) quantities: Vec<Quantity>,
    /// The computed quantities that the answer needs, in the order in which the gold trace computes them; the last
    /// is asked for.
    pub(super) needed: Vec<usize>,
    /// Computed quantities that it does not need.
    pub(super) unneeded: Vec<usize>,
}

impl Graph {
    pub(super) fn target(&self) -> usize {
        self.needed[self.needed.len() - 1]
    }

    /// The true values of all quantities.
    pub(super) fn values(&self) -> Vec<i64> {
        self.quantities.iter().map(|quantity| quantity.value).collect()
    }

    /// The line about a computed quantity for a writer who believes these values; `None` if its operation has no
    /// result then, or one that this world does not write, and for a quantity that is not computed.
    pub(super) fn line(&self, quantity: usize, values: &[i64]) -> Option<Line<'static>> {
        let Quantity { subject, item, computation, .. } = &self.quantities[quantity];
        let Computation { left, op, right, .. } = computation.as_ref()?;
        let (left, right) = (number_of(*left, values), number_of(*right, values));
        let result = op.apply(left, right).filter(writable)?;
        let result = (quantity != self.target()).then_some(result);
        Some(Line { subject, left, op: *op, right, result, unit: item })
    }

    /// The answer of a writer who believes these values of what the first `done` lines compute, and makes no mistake
    /// after that.
    pub(super) fn outcome(&self, values: &[i64], done: usize) -> Option<i64> {
        let mut values = values.to_vec();
        for &quantity in &self.needed[done.min(self.needed.len())..] {
            values[quantity] = self.line(quantity, &values)?.value()?;
        }
        values.get(self.target()).copied()
    }
}

/// The number that stands for an operand.
pub(super) fn number_of(operand: Operand, values: &[i64]) -> i64 {
    match operand {
        Operand::Number(number) => number,
        Operand::Of(quantity) => values[quantity],
    }
}

/// Whether a value may be written, be it wrong: nobody must see from its size alone that something is amiss.
pub(super) fn writable(value: &i64) -> bool {
    VALUES.contains(value)
}
