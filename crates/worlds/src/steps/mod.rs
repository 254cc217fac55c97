//! `steps`: chains of modular operations, after "When LLMs Stop Following Steps" (arXiv 2605.00817).
//!
//! Two quantities are given; each step then combines two of the last [`LOOK_BACK`] values by `+`, `-` or `*` modulo
//! [`MODULUS`], and the value of the last step is asked for. A level is a number of steps. No value is ever 0, which
//! would absorb all that follows, and the answer is uniform over `1..MODULUS` at every level.
//!
//! The gold trace executes the procedure in order, one line a step. Its last line stops before the result, which is
//! left to the executor. Some steps are not on the path from the given quantities to the answer: they belong to the
//! procedure, and a wrong value there is a flaw that spoils nothing.

mod chain;
mod check;
mod flaws;
mod line;
mod statement;
#[cfg(test)]
mod tests;

use crate::flawed::{FlawedTrace, Noise, NoisyTrace};
use crate::report::{Correction, ProcessReport};
use crate::task::Task;
use crate::world::Split;
use chain::{Chain, NAMES, Op};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;
use tracelift_domain::{FlawKind, Gold, Seed, TaskDomain};

/// A prime: every value but 0 can be multiplied away again, so no product loses information.
const MODULUS: u32 = 7;
/// How many of the latest values a step chooses its two operands from.
const LOOK_BACK: usize = 4;

/// How many steps a problem has.
pub(crate) const LEVELS: RangeInclusive<u32> = 2..=6;

/// One problem of this world.
#[derive(Clone, Debug)]
pub(crate) struct StepsTask {
    chain: Chain,
    statement: String,
}

/// The problem that follows from a seed.
pub(crate) fn generate(level: u32, split: Split, seed: Seed) -> StepsTask {
    let chain = Chain::draw(level.max(1) as usize, MODULUS, &mut seed.child("chain", 0).rng());
    let statement = statement::write(&chain, split, &mut seed.child("wording", 0).rng());
    StepsTask { chain, statement }
}

/// Every word of every text of this world.
pub(crate) fn vocabulary() -> Vec<String> {
    let mut words: Vec<String> = (0..=MODULUS).map(|number| number.to_string()).collect();
    words.extend(NAMES.map(str::to_owned));
    words.extend(Op::ALL.map(|op| op.symbol().to_owned()));
    words.extend(["=", "."].map(str::to_owned));
    words.extend(statement::words());
    words
}

impl Task for StepsTask {
    fn domain(&self) -> TaskDomain {
        TaskDomain::Steps
    }

    fn statement(&self) -> String {
        self.statement.clone()
    }

    fn gold(&self) -> Gold {
        Gold::Answer(self.gold_artifact())
    }

    fn gold_artifact(&self) -> String {
        self.chain.answer().to_string()
    }

    fn gold_trace(&self) -> String {
        line::text(&line::gold(&self.chain))
    }

    fn noisy_trace(&self, noise: &Noise, rng: &mut ChaCha8Rng) -> NoisyTrace {
        flaws::noisy(&self.chain, noise, rng)
    }

    fn flaw(&self, kind: FlawKind, rng: &mut ChaCha8Rng) -> Option<FlawedTrace> {
        flaws::single(&self.chain, kind, rng)
    }

    fn check(&self, trace: &str) -> ProcessReport {
        check::judge(&self.chain, trace)
    }

    fn correction(&self, trace: &str) -> Option<Correction> {
        check::correct(&self.chain, trace)
    }

    fn implied(&self, trace: &str) -> Option<String> {
        check::implied(&self.chain, trace).map(|answer| answer.to_string())
    }
}
