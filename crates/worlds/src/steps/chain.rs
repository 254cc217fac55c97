//! The procedure itself: two given quantities and a row of operations on them.

use super::LOOK_BACK;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// What quantities are called, in the order in which they are computed.
pub(super) const NAMES: [&str; 16] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "k", "m", "n", "r", "s", "t", "w", "z"];

/// An operation modulo a prime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Subtract,
    Multiply,
}

impl Op {
    pub(super) const ALL: [Op; 3] = [Op::Add, Op::Subtract, Op::Multiply];

    /// As in traces.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
        }
    }

    /// The exact result, before any reduction.
    pub(super) fn exact(self, left: u32, right: u32) -> i64 {
        let (left, right) = (i64::from(left), i64::from(right));
        match self {
            Op::Add => left + right,
            Op::Subtract => left - right,
            Op::Multiply => left * right,
        }
    }

    /// The result in `0..modulus`. Operands are at most `u16::MAX`, so nothing overflows.
    pub(super) fn apply(self, left: u32, right: u32, modulus: u32) -> u32 {
        self.exact(left, right).rem_euclid(i64::from(modulus)) as u32
    }

    /// Whether its operands may change places.
    pub(super) fn commutes(self) -> bool {
        self != Op::Subtract
    }
}

/// One step: an operation on two earlier values, given by their indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) operands: [usize; 2],
}

/// A procedure with all its values: indices 0 and 1 are given, index `t + 2` is the result of step `t`.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) modulus: u32,
    pub(super) steps: Vec<Step>,
    /// In `1..modulus`.
    pub(super) values: Vec<u32>,
    pub(super) names: Vec<&'static str>,
}

impl Chain {
    /// Draws the answer first, and then procedures until one has it: the answer is exactly uniform.
    pub(super) fn draw(steps: usize, modulus: u32, rng: &mut ChaCha8Rng) -> Chain {
        let names = names_in_order(steps + 2);
        let answer = rng.random_range(1..modulus);
        loop {
            let (steps, values) = draw_procedure(steps, modulus, rng);
            if values.last() == Some(&answer) {
                return Chain { modulus, steps, values, names };
            }
        }
    }

    /// What the value with this index is called.
    pub(super) fn name(&self, index: usize) -> &'static str {
        self.names[index]
    }

    /// What is asked for.
    pub(super) fn target(&self) -> &'static str {
        self.names[self.names.len() - 1]
    }

    /// Its value.
    pub(super) fn answer(&self) -> u32 {
        self.values[self.values.len() - 1]
    }

    /// The names that this problem does not use.
    pub(super) fn spare_names(&self) -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().filter(|name| !self.names.contains(name))
    }
}

/// The indices that the step which computes value `index` may refer to.
pub(super) fn window(index: usize) -> std::ops::Range<usize> {
    index.saturating_sub(LOOK_BACK)..index
}

/// Names in the order of the procedure: S1, S2, S3, … Longer procedures use names again, long after the last step
/// that could refer to the earlier value; the name that is asked for is never used twice.
fn names_in_order(count: usize) -> Vec<&'static str> {
    if count <= NAMES.len() {
        return NAMES[..count].to_vec();
    }
    let [others @ .., target] = NAMES;
    let mut names: Vec<&'static str> = others.iter().copied().cycle().take(count - 1).collect();
    names.push(target);
    names
}

fn draw_procedure(count: usize, modulus: u32, rng: &mut ChaCha8Rng) -> (Vec<Step>, Vec<u32>) {
    let mut steps = Vec::with_capacity(count);
    let mut values = Vec::with_capacity(count + 2);
    values.extend([rng.random_range(1..modulus), rng.random_range(1..modulus)]);
    while steps.len() < count {
        // A product of values other than 0 is not 0 modulo a prime, so a redraw succeeds sooner or later.
        let step = draw_step(values.len(), rng);
        let [left, right] = step.operands.map(|index| values[index]);
        let value = step.op.apply(left, right, modulus);
        if value != 0 {
            steps.push(step);
            values.push(value);
        }
    }
    (steps, values)
}

/// Two different operands from the window. One time in three, at least, one of them is the latest value, which keeps most
/// steps on the path to the answer.
fn draw_step(index: usize, rng: &mut ChaCha8Rng) -> Step {
    let first = if rng.random_ratio(1, 3) { index - 1 } else { rng.random_range(window(index)) };
    let second = loop {
        let second = rng.random_range(window(index));
        if second != first {
            break second;
        }
    };
    let mut operands = [first, second];
    operands.shuffle(rng);
    Step { op: Op::ALL[rng.random_range(0..Op::ALL.len())], operands }
}
