//! List-processing programs: read numbers, do so many operations on the list, print something of it.
//!
//! The statement asks for the operations out of order; a plan names them in order, in fixed words, from reading to
//! printing; the artifact is a Python program, judged by running it on four tests. A plan that departs from gold is
//! *spoiled* if its program fails a test, and *benign* if it prints the same there and on further inputs.

mod check;
mod draw;
mod flaws;
mod op;
mod phrases;
mod plan;
mod statement;
#[cfg(test)]
mod tests;

use crate::flawed::{FlawedTrace, Noise, NoisyTrace};
use crate::report::{Correction, ProcessReport};
use crate::task::Task;
use crate::world::Split;
use flaws::{Edit, Slip};
use op::{Op, Verb};
use plan::{Input, InputStyle, Outcome, Output, Step};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::OnceLock;
use tracelift_domain::{Effect, Flaw, FlawKind, Gold, IoTest, Seed, TaskDomain, Trace};

/// Operations between reading and printing.
pub(crate) const LEVELS: RangeInclusive<u32> = 1..=4;

/// Inputs beside the tests on which a benign flaw must change nothing.
const FURTHER: usize = 48;
/// How often a spoiling flaw may be a step too many; the others are wrong, missing or swapped steps.
const SPOILED_BY_ADDITION: f64 = 0.15;
/// How often flaws are drawn anew that cancel each other before only one of them is kept.
const REDRAWS: usize = 8;

/// One program to write.
#[derive(Debug)]
pub(crate) struct ListTask {
    statement: String,
    /// Reading, operations, output.
    steps: Vec<Step>,
    /// Inputs with what is printed on them.
    tests: Vec<(Input, Vec<i64>)>,
    seed: Seed,
    further: OnceLock<Vec<(Input, Vec<i64>)>>,
}

/// Draws a task.
pub(crate) fn generate(level: u32, split: Split, seed: Seed) -> ListTask {
    let operations = usize::try_from(level.max(1)).unwrap_or(usize::MAX);
    let draw::Tested { reading, ops, output, tests } =
        draw::drawn(operations, &mut seed.child("draft", 0).rng());
    let statement = statement::statement(reading, &ops, output, split, &mut seed.child("statement", 0).rng());
    let steps = plan::steps(reading, &ops, output);
    ListTask { statement, steps, tests, seed, further: OnceLock::new() }
}

/// Every word of every text of this world.
pub(crate) fn vocabulary() -> Vec<String> {
    let mut words = BTreeSet::new();
    for split in [Split::Train, Split::Test] {
        for template in statement::templates(split) {
            words.extend(statement::words(template).map(str::to_owned));
        }
    }
    let operations =
        Verb::ALL.into_iter().flat_map(|verb| verb.range().filter_map(move |k| Op::new(verb, k)));
    let steps = (InputStyle::ALL.into_iter().map(Step::Read))
        .chain(operations.map(Step::Do))
        .chain(Output::ALL.into_iter().map(Step::Print));
    for step in steps {
        for text in [plan::text(&[step, step]), plan::program(&[step, step])] {
            words.extend(text.split(' ').map(str::to_owned));
        }
    }
    words.into_iter().collect()
}

impl ListTask {
    /// Further inputs on which gold says what to print.
    fn further(&self) -> &[(Input, Vec<i64>)] {
        self.further.get_or_init(|| {
            let Some(Step::Read(reading)) = self.steps.first().copied() else { return Vec::new() };
            draw::further(reading, FURTHER, &mut self.seed.child("further", 0).rng())
                .into_iter()
                .filter_map(|input| match plan::run(&self.steps, &input) {
                    Outcome::Prints(printed) => Some((input, printed)),
                    Outcome::Crashes | Outcome::TooLarge => None,
                })
                .collect()
        })
    }

    /// What a plan's program is worth; `None` where the tests do not tell, but further inputs do.
    fn effect_of(&self, steps: &[Step]) -> Option<Effect> {
        for (input, printed) in &self.tests {
            match plan::run(steps, input) {
                Outcome::Prints(other) if other == *printed => {}
                Outcome::TooLarge => return None,
                Outcome::Prints(_) | Outcome::Crashes => return Some(Effect::Spoiling),
            }
        }
        let same = |(input, printed): &(Input, Vec<i64>)| match plan::run(steps, input) {
            Outcome::Prints(other) => other == *printed,
            Outcome::Crashes | Outcome::TooLarge => false,
        };
        self.further().iter().all(same).then_some(Effect::Benign)
    }

    /// The plan with these slips and where they show, if it is of this effect and the first flaw a reader meets is one of
    /// them.
    fn slipped(&self, slips: &[Slip], effect: Effect) -> Option<(Vec<Step>, Vec<usize>)> {
        let (steps, shown) = flaws::apply(&self.steps, slips);
        let first = (0..steps.len().max(self.steps.len())).find(|&i| steps.get(i) != self.steps.get(i));
        (first.is_some() && first == shown.iter().copied().min() && self.effect_of(&steps) == Some(effect))
            .then_some((steps, shown))
    }

    /// What may go wrong at a step so that the flaw is of this effect; to be tried out.
    fn candidates(&self, at: usize, effect: Effect, rng: &mut ChaCha8Rng) -> Vec<Slip> {
        let mut slips = flaws::changes(&self.steps, at);
        if effect == Effect::Benign || rng.random_bool(SPOILED_BY_ADDITION) {
            slips.extend(flaws::additions(&self.steps, at, rng));
        }
        slips
    }

    /// One of the candidates that is of this effect by itself.
    fn choose(&self, mut candidates: Vec<Slip>, effect: Effect, rng: &mut ChaCha8Rng) -> Option<Slip> {
        candidates.shuffle(rng);
        candidates.into_iter().find(|&slip| self.slipped(&[slip], effect).is_some())
    }

    /// Slips for the effects drawn at each step, as far as they apply there.
    fn slips(&self, drawn: &[(bool, bool)], rng: &mut ChaCha8Rng) -> Vec<(Slip, Effect)> {
        let mut slips = Vec::new();
        for (at, &(spoiling, benign)) in drawn.iter().enumerate() {
            let next_is_free = drawn.get(at + 1).is_none_or(|next| *next == (false, false));
            let allowed = |slip: &Slip| slip.edit != Edit::Swap || next_is_free;
            let mut here = Vec::new();
            if spoiling {
                let candidates =
                    self.candidates(at, Effect::Spoiling, rng).into_iter().filter(allowed).collect();
                here.extend(
                    self.choose(candidates, Effect::Spoiling, rng).map(|slip| (slip, Effect::Spoiling)),
                );
            }
            if benign {
                // A second flaw at a step is a needless step before it, or the other side of how the input is read.
                let apart = here.is_empty() || at == 0;
                let fits = |slip: &Slip| allowed(slip) && (apart || matches!(slip.edit, Edit::Insert(_)));
                let candidates = self.candidates(at, Effect::Benign, rng).into_iter().filter(fits).collect();
                let chosen = self.choose(candidates, Effect::Benign, rng).map(|slip| (slip, Effect::Benign));
                here.splice(0..0, chosen);
            }
            slips.extend(here);
        }
        slips
    }

    /// A trace with these flaws, unless they cancel each other.
    fn noisy(&self, slips: &[(Slip, Effect)]) -> Option<NoisyTrace> {
        if slips.is_empty() {
            let trace = as_trace(&self.steps)?;
            return Some(NoisyTrace { trace, flaws: Vec::new(), implied: Some(self.gold_artifact()) });
        }
        let spoiled = slips.iter().any(|&(_, effect)| effect == Effect::Spoiling);
        let effect = if spoiled { Effect::Spoiling } else { Effect::Benign };
        let edits: Vec<Slip> = slips.iter().map(|&(slip, _)| slip).collect();
        let (steps, shown) = self.slipped(&edits, effect)?;
        let flaws = slips
            .iter()
            .zip(shown)
            .map(|(&(slip, effect), step)| Flaw { kind: slip.kind, effect, step })
            .collect();
        Some(NoisyTrace { trace: as_trace(&steps)?, flaws, implied: Some(plan::program(&steps)) })
    }
}

fn as_trace(steps: &[Step]) -> Option<Trace> {
    Trace::new(&plan::text(steps))
}

impl Task for ListTask {
    fn domain(&self) -> TaskDomain {
        TaskDomain::Code
    }

    fn statement(&self) -> String {
        self.statement.clone()
    }

    fn gold(&self) -> Gold {
        let tests = self.tests.iter().map(|(input, printed)| {
            let stdout = printed.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
            IoTest { stdin: input.stdin(), stdout }
        });
        Gold::Tests(tests.collect())
    }

    fn gold_artifact(&self) -> String {
        plan::program(&self.steps)
    }

    fn gold_trace(&self) -> String {
        plan::text(&self.steps)
    }

    fn noisy_trace(&self, noise: &Noise, rng: &mut ChaCha8Rng) -> NoisyTrace {
        let drawn: Vec<(bool, bool)> = (self.steps.iter())
            .map(|_| (rng.random::<f64>() < noise.spoiling, rng.random::<f64>() < noise.benign))
            .collect();
        for _ in 0..REDRAWS {
            if let Some(noisy) = self.noisy(&self.slips(&drawn, rng)) {
                return noisy;
            }
        }
        // They cancel each other every time. One alone cannot: `choose` tried each slip by itself.
        let mut slips = self.slips(&drawn, rng);
        slips.truncate(1);
        self.noisy(&slips).expect("every slip was chosen because it is of its effect by itself")
    }

    fn flaw(&self, kind: FlawKind, rng: &mut ChaCha8Rng) -> Option<FlawedTrace> {
        let mut effects = [Effect::Spoiling, Effect::Benign];
        effects.shuffle(rng);
        for effect in effects {
            let mut candidates = Vec::new();
            for at in 0..self.steps.len() {
                candidates
                    .extend(self.candidates(at, effect, rng).into_iter().filter(|slip| slip.kind == kind));
            }
            let Some(slip) = self.choose(candidates, effect, rng) else { continue };
            let (steps, shown) = self.slipped(&[slip], effect)?;
            let flaw = Flaw { kind, effect, step: *shown.first()? };
            return Some(FlawedTrace {
                trace: as_trace(&steps)?,
                flaw,
                implied: Some(plan::program(&steps)),
            });
        }
        None
    }

    fn check(&self, trace: &str) -> ProcessReport {
        check::check(&self.steps, trace)
    }

    fn correction(&self, trace: &str) -> Option<Correction> {
        check::correct(&self.steps, trace)
    }

    fn implied(&self, trace: &str) -> Option<String> {
        plan::parse(trace).map(|steps| plan::program(&steps))
    }
}
