//! Flawed traces, made by rules.
//!
//! A [`Walk`] writes a trace line by line and keeps what its writer believes each value to be. A flaw changes how
//! one line is written or what is believed afterwards; all later lines follow faithfully from that. Whether it is
//! spoiling or benign is never assumed: the rest of the procedure is carried out, and the answers are compared. (A
//! wrong value on the path can cancel out further on: such a trace is right for the wrong reasons.) A
//! flaw after which any value becomes 0 is not used, since 0 never stands in a gold trace and would give it away.

use super::chain::{Chain, Op, window};
use super::line::{self, Line};
use crate::flawed::{FlawedTrace, Noise, NoisyTrace};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tracelift_domain::{Effect, Flaw, FlawKind, Trace};

/// A way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A wrong result, believed from then on.
    Result,
    /// Reduced by a modulus next to the right one.
    Modulus,
    /// Another operation, carried out.
    Operation,
    /// Another symbol between the names; the numbers and the result are right.
    Symbol,
    /// A line that nothing asks for, on a name of its own.
    Extra,
    /// The line is missing; its value is known all the same, or one of its operands is taken for it.
    Drop,
    /// An operand has another value, with which the step is carried out.
    Misread,
    /// An operand has another value, and the result is right nevertheless.
    Misquote,
    /// Names and numbers change places.
    SwapOperands,
    /// Only the names do.
    SwapNames,
    /// Only the numbers do.
    SwapNumbers,
    /// Another quantity is used instead of an operand.
    OtherEntity,
    /// Another quantity is named instead of an operand; the numbers and the result are right.
    OtherName,
    /// The trace ends before this line.
    Stop,
}

fn forms(kind: FlawKind) -> &'static [Form] {
    use Form::*;
    match kind {
        FlawKind::ArithmeticSlip => &[Result],
        FlawKind::WrongOperation => &[Operation, Symbol, Extra],
        FlawKind::DroppedStep => &[Drop],
        FlawKind::MisreadQuantity => &[Misread, Misquote],
        FlawKind::SwappedEntities => &[SwapOperands, SwapNames, SwapNumbers, OtherEntity, OtherName],
        FlawKind::UnitOrRateError => &[Modulus],
        FlawKind::PrematureConclusion => &[Stop],
        // The kinds of the code domain.
        _ => &[],
    }
}

/// The forms that can still befall a line that another flaw has already changed.
const COMPATIBLE: [Form; 3] = [Form::Symbol, Form::Extra, Form::OtherName];

/// A step as it is about to be written.
#[derive(Clone, Debug)]
struct Planned {
    before: Option<Line>,
    line: Option<Line>,
    /// What is believed of each value, this step's included.
    known: Vec<u32>,
    stops: bool,
}

/// A trace in the making.
struct Walk<'a> {
    chain: &'a Chain,
    lines: Vec<Line>,
    known: Vec<u32>,
    over: bool,
}

/// The gold trace with flaws drawn step by step.
pub(super) fn noisy(chain: &Chain, noise: &Noise, rng: &mut ChaCha8Rng) -> NoisyTrace {
    let mut walk = Walk::new(chain);
    let mut flaws = Vec::new();
    while !walk.over {
        let [spoils, blemishes] = [noise.spoiling, noise.benign].map(|chance| rng.random::<f64>() < chance);
        let mut planned = walk.clean();
        let spoiling = spoils.then(|| walk.any(&planned, Effect::Spoiling, |_| true, rng)).flatten();
        let hit = spoiling.is_some();
        let spoiling = spoiling.map(|(kind, next)| {
            planned = next;
            kind
        });
        let free = |form: Form| !hit || COMPATIBLE.contains(&form);
        let benign = blemishes.then(|| walk.any(&planned, Effect::Benign, free, rng)).flatten();
        let at = walk.lines.len();
        if let Some((kind, next)) = benign {
            flaws.push(Flaw { kind, effect: Effect::Benign, step: at });
            planned = next;
        }
        if let Some(kind) = spoiling {
            flaws.push(Flaw {
                kind,
                effect: Effect::Spoiling,
                step: at + usize::from(planned.before.is_some()),
            });
        }
        walk.write(planned);
    }
    let (trace, implied) = walk.finish();
    NoisyTrace { trace, flaws, implied }
}

/// The gold trace with exactly one flaw.
pub(super) fn single(chain: &Chain, kind: FlawKind, rng: &mut ChaCha8Rng) -> Option<FlawedTrace> {
    let mut effects = [Effect::Spoiling, Effect::Benign];
    effects.shuffle(rng);
    let mut steps: Vec<usize> = (0..chain.steps.len()).collect();
    steps.shuffle(rng);
    for effect in effects {
        for &step in &steps {
            let mut walk = Walk::new(chain);
            while walk.step() < step {
                walk.write(walk.clean());
            }
            if let Some(planned) = walk.one(&walk.clean(), kind, effect, |_| true, rng) {
                walk.write(planned);
                let (trace, implied) = walk.finish();
                return Some(FlawedTrace { trace, flaw: Flaw { kind, effect, step }, implied });
            }
        }
    }
    None
}

impl<'a> Walk<'a> {
    fn new(chain: &'a Chain) -> Walk<'a> {
        Walk { chain, lines: Vec::new(), known: chain.values[..2].to_vec(), over: false }
    }

    /// The step that comes next.
    fn step(&self) -> usize {
        self.known.len() - 2
    }

    fn is_last(&self) -> bool {
        self.step() + 1 == self.chain.steps.len()
    }

    /// The next step, carried out faithfully.
    fn clean(&self) -> Planned {
        let line = line::execute(self.chain, self.step(), &self.known);
        let mut known = self.known.clone();
        known.push(line.value(self.chain.modulus));
        Planned { before: None, line: Some(line), known, stops: false }
    }

    fn write(&mut self, planned: Planned) {
        self.lines.extend(planned.before.into_iter().chain(planned.line));
        self.known = planned.known;
        self.over = planned.stops || self.step() == self.chain.steps.len();
    }

    /// The rest without any flaw.
    fn finish(mut self) -> (Trace, Option<String>) {
        while !self.over {
            self.write(self.clean());
        }
        let text = line::text(&self.lines);
        let implied = super::check::implied(self.chain, &text).map(|answer| answer.to_string());
        // The last line is only ever left out by `Stop`, which needs a line before it, and no line holds a tag.
        (Trace::new(&text).expect("a flawed trace has at least one line"), implied)
    }

    /// What a reader would answer if the rest were flawless; `None` if a 0 turns up.
    fn outcome(&self, planned: &Planned) -> Option<u32> {
        if planned.stops {
            return self.lines.last().map(|line| line.value(self.chain.modulus));
        }
        let mut known = planned.known.clone();
        for step in &self.chain.steps[known.len() - 2..] {
            let [left, right] = step.operands.map(|operand| known[operand]);
            known.push(step.op.apply(left, right, self.chain.modulus));
        }
        known.last().copied().filter(|_| !known.contains(&0))
    }

    /// A flaw of a kind that is drawn first. Ending early is possible almost everywhere, and would be all that ever
    /// happens to steps off the path; so it is never what remains after other kinds turned out not to apply.
    fn any(
        &self,
        planned: &Planned,
        effect: Effect,
        allowed: impl Fn(Form) -> bool,
        rng: &mut ChaCha8Rng,
    ) -> Option<(FlawKind, Planned)> {
        let mut kinds = *FlawKind::of(tracelift_domain::TaskDomain::Steps);
        kinds.shuffle(rng);
        kinds
            .into_iter()
            .enumerate()
            .filter(|&(rank, kind)| rank == 0 || kind != FlawKind::PrematureConclusion)
            .find_map(|(_, kind)| Some((kind, self.one(planned, kind, effect, &allowed, rng)?)))
    }

    /// A flaw of this kind and effect on top of a planned, in a form drawn at random.
    fn one(
        &self,
        planned: &Planned,
        kind: FlawKind,
        effect: Effect,
        allowed: impl Fn(Form) -> bool,
        rng: &mut ChaCha8Rng,
    ) -> Option<Planned> {
        let before = self.outcome(planned);
        let fits = |next: &Planned| {
            let after = self.outcome(next);
            after.is_some()
                && self.shows(next)
                && match effect {
                    Effect::Spoiling => after != before && after != Some(self.chain.answer()),
                    // An end that happens to state the right number is still no end.
                    Effect::Benign => after == before && !next.stops,
                }
        };
        let mut forms: Vec<Form> = forms(kind).iter().copied().filter(|&form| allowed(form)).collect();
        forms.shuffle(rng);
        forms.into_iter().find_map(|form| {
            let mut variants = self.variants(planned, form, rng);
            variants.shuffle(rng);
            variants.into_iter().find(fits)
        })
    }

    /// Whether the step differs from gold. On top of an earlier flaw, a second one can restore a line.
    fn shows(&self, planned: &Planned) -> bool {
        let gold = line::execute(self.chain, self.step(), &self.chain.values);
        planned.before.is_some()
            || planned.line.as_ref().is_none_or(|line| *line != gold && line.commuted() != Some(gold.clone()))
    }

    /// Every way in which a form can befall a planned step.
    fn variants(&self, planned: &Planned, form: Form, rng: &mut ChaCha8Rng) -> Vec<Planned> {
        let Some(line) = planned.line.as_ref() else {
            return if form == Form::Extra {
                self.extra(planned, rng).into_iter().collect()
            } else {
                Vec::new()
            };
        };
        let modulus = self.chain.modulus;
        let step = self.chain.steps[self.step()];
        let ([left, right], [v, w]) = (line.names, line.numbers);
        let value = line.value(modulus);
        let written = |line: Line| self.written(planned, line);
        let concluded = |line: Line| self.concluded(planned, line);
        let others = || {
            let used = |index: &usize| {
                step.operands.contains(index) || line.names.contains(&self.chain.name(*index))
            };
            window(self.step() + 2).filter(move |index| !used(index))
        };
        match form {
            Form::Result if !self.is_last() => (1..modulus)
                .filter(|&other| other != value)
                .map(|other| written(Line { result: Some(other), ..line.clone() }))
                .collect(),
            Form::Modulus if !self.is_last() => [modulus - 1, modulus + 1]
                .map(|near| line.operation.apply(v, w, near))
                .into_iter()
                .filter(|other| *other != value && (1..modulus).contains(other))
                .map(|other| written(Line { result: Some(other), ..line.clone() }))
                .collect(),
            Form::Operation => other_ops(line.symbol, step.op)
                .map(|op| concluded(Line { symbol: op, operation: op, ..line.clone() }))
                .collect(),
            Form::Symbol => other_ops(line.symbol, step.op)
                .map(|op| written(Line { symbol: op, ..line.clone() }))
                .collect(),
            Form::Extra => self.extra(planned, rng).into_iter().collect(),
            Form::Drop if !self.is_last() => [value, v, w].map(|taken| self.dropped(planned, taken)).into(),
            Form::Misread => misread(line, modulus)
                .map(|(place, line)| {
                    let mut next = concluded(line.clone());
                    // A quantity of the problem stays misread; one that was computed is written above.
                    if step.operands[place] < 2 {
                        next.known[step.operands[place]] = line.numbers[place];
                    }
                    next
                })
                .collect(),
            Form::Misquote if !self.is_last() => {
                misread(line, modulus).map(|(_, line)| written(line)).collect()
            }
            Form::SwapOperands if !step.op.commutes() => {
                vec![concluded(Line { names: [right, left], numbers: [w, v], ..line.clone() })]
            }
            Form::SwapNames if !step.op.commutes() => {
                vec![written(Line { names: [right, left], ..line.clone() })]
            }
            Form::SwapNumbers if v != w => vec![concluded(Line { numbers: [w, v], ..line.clone() })],
            Form::OtherEntity => others()
                .flat_map(|index| [(0, index), (1, index)])
                .map(|(place, index)| {
                    let mut line = line.clone();
                    line.names[place] = self.chain.name(index);
                    line.numbers[place] = self.known[index];
                    concluded(line)
                })
                .collect(),
            Form::OtherName => others()
                .flat_map(|index| [(0, index), (1, index)])
                .map(|(place, index)| {
                    let mut line = line.clone();
                    line.names[place] = self.chain.name(index);
                    written(line)
                })
                .collect(),
            Form::Stop if !self.lines.is_empty() => {
                vec![Planned { line: None, stops: true, ..planned.clone() }]
            }
            _ => Vec::new(),
        }
    }

    /// The planned step with this line, whose value is believed from then on.
    fn written(&self, planned: &Planned, line: Line) -> Planned {
        let mut next = planned.clone();
        next.known[self.step() + 2] = line.value(self.chain.modulus);
        next.line = Some(line);
        next
    }

    /// The same, with the result that follows from the numbers.
    fn concluded(&self, planned: &Planned, line: Line) -> Planned {
        let result = Line { result: None, ..line.clone() }.value(self.chain.modulus);
        self.written(planned, Line { result: line.result.map(|_| result), ..line })
    }

    /// The planned step without its line, and its value taken to be this.
    fn dropped(&self, planned: &Planned, taken: u32) -> Planned {
        let mut next = Planned { line: None, ..planned.clone() };
        next.known[self.step() + 2] = taken;
        next
    }

    /// The planned step with a needless line before it, if a name is left for it.
    fn extra(&self, planned: &Planned, rng: &mut ChaCha8Rng) -> Option<Planned> {
        let spare: Vec<&'static str> = self.chain.spare_names().collect();
        if spare.is_empty() || planned.stops {
            return None;
        }
        let target = spare[rng.random_range(0..spare.len())];
        let mut operands: Vec<usize> = window(self.step() + 2).collect();
        operands.shuffle(rng);
        let mut ops = Op::ALL;
        ops.shuffle(rng);
        // The window always holds at least the two given quantities.
        let operands = [operands[0], operands[1]];
        let names = operands.map(|index| self.chain.name(index));
        let numbers = operands.map(|index| self.known[index]);
        ops.into_iter().find_map(|op| {
            let result = op.apply(numbers[0], numbers[1], self.chain.modulus);
            let line = Line { target, names, symbol: op, numbers, operation: op, result: Some(result) };
            (result != 0).then(|| Planned { before: Some(line), ..planned.clone() })
        })
    }
}

/// The operations that neither the line nor the problem has.
fn other_ops(written: Op, right: Op) -> impl Iterator<Item = Op> {
    Op::ALL.into_iter().filter(move |&op| op != written && op != right)
}

/// The line with one operand's number replaced, and which one it is.
fn misread(line: &Line, modulus: u32) -> impl Iterator<Item = (usize, Line)> + '_ {
    (0..2).flat_map(move |place| {
        (1..modulus).filter(move |&other| other != line.numbers[place]).map(move |other| {
            let mut line = line.clone();
            line.numbers[place] = other;
            (place, line)
        })
    })
}
