//! Grade-school word problems over a graph of quantities, in the spirit of iGSM and GSM8K.
//!
//! A statement says, in sentences of any order, who has how many of what and how these numbers hang together; some of
//! it nobody needs. The trace works out the needed quantities one a line, `ben has 5 + 3 = 8 apples .`, and leaves the
//! last operation, that of the quantity asked for, without its result. The artifact is that result.

mod check;
mod graph;
mod growth;
mod line;
mod phrases;
#[cfg(test)]
mod tests;
mod walk;

use crate::flawed::{FlawedTrace, Noise, NoisyTrace};
use crate::report::{Correction, ProcessReport};
use crate::task::Task;
use crate::world::Split;
use check::Truth;
use graph::Graph;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;
use tracelift_domain::{Effect, FlawKind, Gold, Seed, TaskDomain, Trace};
use walk::Walk;

/// How many quantities have to be worked out, the one asked for included.
pub(crate) const LEVELS: RangeInclusive<u32> = 1..=3;

/// Draws a problem. There are names for at most [`growth::MOST_STEPS`] steps, so higher levels are no longer than that.
pub(crate) fn generate(level: u32, split: Split, seed: Seed) -> WordProblem {
    let mut rng = seed.rng();
    let graph = growth::draw(level.clamp(1, growth::MOST_STEPS), &mut rng);
    let statement = phrases::statement(&graph, split, &mut rng);
    WordProblem { truth: Truth::of(&graph), graph, statement }
}

/// Every word of this world's texts.
pub(crate) fn vocabulary() -> Vec<String> {
    phrases::vocabulary()
}

/// A word problem.
#[derive(Debug)]
pub(crate) struct WordProblem {
    graph: Graph,
    truth: Truth,
    statement: String,
}

impl WordProblem {
    fn walk(&self) -> Walk<'_> {
        Walk::new(&self.graph, &self.truth)
    }
}

impl Task for WordProblem {
    fn domain(&self) -> TaskDomain {
        TaskDomain::Math
    }

    fn statement(&self) -> String {
        self.statement.clone()
    }

    fn gold(&self) -> Gold {
        Gold::Answer(self.gold_artifact())
    }

    fn gold_artifact(&self) -> String {
        self.graph.quantities[self.graph.target()].value.to_string()
    }

    fn gold_trace(&self) -> String {
        line::join(&self.truth.lines)
    }

    fn noisy_trace(&self, noise: &Noise, rng: &mut ChaCha8Rng) -> NoisyTrace {
        let mut walk = self.walk();
        while !walk.is_done() {
            let spoiling = rng.random::<f64>() < noise.spoiling;
            let benign = rng.random::<f64>() < noise.benign;
            walk.flawed(spoiling, benign, rng);
        }
        let text = walk.text();
        NoisyTrace { implied: self.implied(&text), trace: written(&text), flaws: walk.flaws }
    }

    fn flaw(&self, kind: FlawKind, rng: &mut ChaCha8Rng) -> Option<FlawedTrace> {
        let mut effects = [Effect::Spoiling, Effect::Benign];
        effects.shuffle(rng);
        let mut steps: Vec<usize> = (0..self.graph.needed.len()).collect();
        steps.shuffle(rng);
        for effect in effects {
            for &step in &steps {
                let mut walk = self.walk();
                (0..step).for_each(|_| walk.plain());
                let changes = match effect {
                    Effect::Spoiling => walk.spoiling(kind),
                    Effect::Benign => walk.benign(kind, rng),
                };
                let Some(change) = changes.choose(rng) else { continue };
                walk.write(kind, effect, change.clone());
                while !walk.is_done() {
                    walk.plain();
                }
                let text = walk.text();
                let flaw = *walk.flaws.first()?;
                return Some(FlawedTrace { implied: self.implied(&text), trace: written(&text), flaw });
            }
        }
        None
    }

    fn check(&self, trace: &str) -> ProcessReport {
        check::report(&self.truth, trace)
    }

    fn correction(&self, trace: &str) -> Option<Correction> {
        check::correct(&self.truth, trace)
    }

    fn implied(&self, trace: &str) -> Option<String> {
        check::implied(trace).map(|value| value.to_string())
    }
}

fn written(text: &str) -> Trace {
    // A walk holds the line about the target, or stops after some other line; no line has a tag.
    Trace::new(text).expect("a walk has at least one line")
}
