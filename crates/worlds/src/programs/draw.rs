//! Drawing a pipeline, and inputs that tell it from its rivals.

use super::flaws::{self, Edit};
use super::op::{Op, Verb};
use super::plan::{Entry, Input, InputStyle, Layout, Outcome, Output, Step, What, run, steps};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Tests with ordinary inputs; one more has an unusual input.
const ORDINARY: usize = 3;
/// No gold program prints a number beyond this.
const LARGEST: i64 = 9_999;
/// Inputs tried for a pipeline's tests.
const TRIES: usize = 16;
const WORDS: [&str; 5] = ["x", "cat", "tree", "no", "dog"];

/// A pipeline and its tests.
#[derive(Clone, Debug)]
pub(super) struct Tested {
    pub(super) reading: InputStyle,
    pub(super) ops: Vec<Op>,
    pub(super) output: Output,
    /// Inputs with what is printed on them.
    pub(super) tests: Vec<(Input, Vec<i64>)>,
}

/// A pipeline of so many operations, each of which matters (but for one, now and then).
pub(super) fn drawn(operations: usize, rng: &mut ChaCha8Rng) -> Tested {
    for _ in 0..100 {
        let idle = usize::from(rng.random_bool(0.15));
        let reading = InputStyle {
            layout: if rng.random_bool(0.3) { Layout::OnePerLine } else { Layout::OneLine },
            skips_words: rng.random_bool(0.25),
        };
        let ops = draw_ops(operations, rng);
        let output = draw_output(&ops, rng);
        let pipeline = Pipeline { reading, steps: steps(reading, &ops, output), idle };
        if !pipeline.is_promising(rng) {
            continue;
        }
        if let Some(tests) = pipeline.tests(rng) {
            return Tested { reading, ops, output, tests };
        }
    }
    // Very long pipelines rarely keep anything. This one keeps all there is, at any length.
    let (reading, output) = (InputStyle::ALL[0], Output::ALL[0]);
    let ops: Vec<Op> =
        [Verb::Add, Verb::Reverse].map(Op::least).into_iter().cycle().take(operations).collect();
    let steps = steps(reading, &ops, output);
    let tests = (0..=ORDINARY).filter_map(|_| tested(&steps, ordinary(reading, rng))).collect();
    Tested { reading, ops, output, tests }
}

fn draw_ops(operations: usize, rng: &mut ChaCha8Rng) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::with_capacity(operations);
    while ops.len() < operations {
        let verb = Verb::ALL[rng.random_range(0..Verb::ALL.len())];
        if ops.last().is_none_or(|last| last.verb() != verb) {
            ops.extend(Op::new(verb, rng.random_range(verb.range())));
        }
    }
    ops
}

fn draw_output(ops: &[Op], rng: &mut ChaCha8Rng) -> Output {
    // Fewer pipelines pass whose every operation matters to a count or an extreme, so more are tried.
    let what = match rng.random_range(0..100) {
        0..22 => What::List,
        22..40 => What::Sum,
        40..62 => What::Count,
        62..81 => What::Largest,
        _ => What::Smallest,
    };
    let can_empty = ops.iter().any(|op| op.verb().can_empty());
    let or_zero = match what {
        What::Sum | What::Count => false,
        What::List => rng.random_bool(if can_empty { 0.4 } else { 0.05 }),
        What::Largest | What::Smallest => rng.random_bool(if can_empty { 0.7 } else { 0.1 }),
    };
    Output { what, or_zero }
}

/// A pipeline that may be drawn.
struct Pipeline {
    reading: InputStyle,
    steps: Vec<Step>,
    /// Operations that may as well be missing.
    idle: usize,
}

impl Pipeline {
    /// A quick look: numbers stay small, something is usually left, and few operations are idle.
    fn is_promising(&self, rng: &mut ChaCha8Rng) -> bool {
        let probes: Vec<Input> = (0..3).map(|_| ordinary(self.reading, rng)).collect();
        let mut outcomes = Vec::with_capacity(probes.len());
        for probe in &probes {
            let outcome = run(&self.steps, probe);
            let small = |printed: &[i64]| printed.iter().all(|number| number.abs() <= LARGEST);
            if !matches!(&outcome, Outcome::Prints(printed) if small(printed)) || self.leaves_nothing(probe) {
                return false;
            }
            outcomes.push(outcome);
        }
        let same = |rival: &[Step]| probes.iter().zip(&outcomes).all(|(probe, o)| run(rival, probe) == *o);
        let mut idle = 0;
        for at in 1..self.steps.len() - 1 {
            let mut without = self.steps.clone();
            without.remove(at);
            idle += usize::from(same(&without));
            if idle > self.idle {
                return false;
            }
        }
        true
    }

    fn leaves_nothing(&self, input: &Input) -> bool {
        let mut counting = self.steps.clone();
        counting.pop();
        counting.push(Step::Print(Output { what: What::Count, or_zero: false }));
        run(&counting, input) == Outcome::Prints(vec![0])
    }

    /// Plans with one step changed, and whether that step is missing.
    fn rivals(&self) -> impl Iterator<Item = (bool, Vec<Step>)> {
        let slips = (0..self.steps.len()).flat_map(|at| flaws::changes(&self.steps, at));
        slips.map(|slip| (slip.edit == Edit::Remove, flaws::apply(&self.steps, &[slip]).0))
    }

    /// Inputs that, between them, tell the pipeline from as many rivals as they can, and an unusual one at the end.
    fn tests(&self, rng: &mut ChaCha8Rng) -> Option<Vec<(Input, Vec<i64>)>> {
        let mut alive: Vec<(bool, Vec<Step>)> = self.rivals().collect();
        let mut tests: Vec<(Input, Vec<i64>)> = Vec::with_capacity(ORDINARY + 1);
        for attempt in 0..TRIES {
            let Some((input, printed)) = tested(&self.steps, ordinary(self.reading, rng)) else { continue };
            if self.leaves_nothing(&input) {
                continue;
            }
            let outcome = Outcome::Prints(printed.clone());
            let agree: Vec<bool> = alive.iter().map(|(_, rival)| run(rival, &input) == outcome).collect();
            let tells_nothing = !alive.is_empty() && agree.iter().all(|&agrees| agrees);
            // A program that prints the same whatever it reads must not pass.
            let constant = tests.len() + 1 == ORDINARY && tests.iter().all(|(_, other)| *other == printed);
            if constant || (tells_nothing && attempt < TRIES / 2) {
                continue;
            }
            let mut agree = agree.into_iter();
            alive.retain(|_| agree.next().unwrap_or(true));
            tests.push((input, printed));
            if tests.len() == ORDINARY {
                break;
            }
        }
        if tests.len() < ORDINARY || alive.iter().filter(|(missing, _)| *missing).count() > self.idle {
            return None;
        }
        tests.push(self.unusual(rng)?);
        Some(tests)
    }

    /// An input of which nothing is left at the end, where there is one and the pipeline says what to print; else a
    /// short one.
    fn unusual(&self, rng: &mut ChaCha8Rng) -> Option<(Input, Vec<i64>)> {
        let can_empty = self.steps.iter().any(|step| matches!(step, Step::Do(op) if op.verb().can_empty()));
        let mut short = None;
        for _ in 0..TRIES {
            let Some(test) = tested(&self.steps, extreme(self.reading, rng)) else { continue };
            if !can_empty || self.leaves_nothing(&test.0) {
                return Some(test);
            }
            short = Some(test);
        }
        short
    }
}

/// An input on which the pipeline prints something that we can follow.
fn tested(steps: &[Step], input: Input) -> Option<(Input, Vec<i64>)> {
    match run(steps, &input) {
        Outcome::Prints(printed) => Some((input, printed)),
        Outcome::Crashes | Outcome::TooLarge => None,
    }
}

/// Further inputs of every kind, on which a program is compared with gold.
pub(super) fn further(reading: InputStyle, count: usize, rng: &mut ChaCha8Rng) -> Vec<Input> {
    let draw = |i| match i % 3 {
        0 => ordinary(reading, rng),
        1 => dense(reading, rng),
        _ => extreme(reading, rng),
    };
    (0..count).map(draw).collect()
}

/// Numbers close to 0, so that there are zeros, repeats and opposites.
fn dense(reading: InputStyle, rng: &mut ChaCha8Rng) -> Input {
    let numbers = (0..rng.random_range(5..=9)).map(|_| rng.random_range(-4..=4)).collect();
    with_words(numbers, reading, rng)
}

/// Five to nine numbers between -9 and 20, some of them more than once.
fn ordinary(reading: InputStyle, rng: &mut ChaCha8Rng) -> Input {
    let mut numbers: Vec<i64> = Vec::with_capacity(12);
    for _ in 0..rng.random_range(5..=9) {
        let earlier = if rng.random_bool(0.2) { numbers.choose(rng).copied() } else { None };
        numbers.push(earlier.unwrap_or_else(|| rng.random_range(-9..=20)));
    }
    with_words(numbers, reading, rng)
}

/// One to three numbers that are alike: both ends of the range, all even, all odd.
fn extreme(reading: InputStyle, rng: &mut ChaCha8Rng) -> Input {
    let kind = rng.random_range(0..4);
    let numbers = (0..rng.random_range(1..=3))
        .map(|_| match kind {
            0 => rng.random_range(-9..=-1),
            1 => rng.random_range(12..=20),
            2 => 2 * rng.random_range(-4..=10),
            _ => 2 * rng.random_range(-4..=9) + 1,
        })
        .collect();
    with_words(numbers, reading, rng)
}

fn with_words(numbers: Vec<i64>, reading: InputStyle, rng: &mut ChaCha8Rng) -> Input {
    let mut items: Vec<Entry> = numbers.into_iter().map(Entry::Number).collect();
    if reading.skips_words {
        for _ in 0..rng.random_range(1..=2) {
            let word = WORDS[rng.random_range(0..WORDS.len())];
            items.insert(rng.random_range(0..=items.len()), Entry::Word(word));
        }
    }
    Input { items, layout: reading.layout }
}
