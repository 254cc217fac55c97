//! A trace being written, line by line, with or without flaws.
//!
//! The writer believes some value of every quantity. A spoiling flaw changes what it believes, and whatever it writes
//! after that is consistent with the belief; a benign one changes only what it writes. Both are drawn from all the
//! forms that fit the step, and only from those that keep the promise in their name.

use super::check::{Truth, implied};
use super::graph::{Computation, Construct, Graph, ITEMS, Operand, Quantity, writable};
use super::line::{Line, Op, TOTAL, join};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use tracelift_domain::{Effect, Flaw, FlawKind};

/// What a flaw makes of a step.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// The line reads like this, and the writer then believes this value of its quantity.
    Line(Line<'static>, i64),
    /// A line that nobody needs comes before it.
    Before(usize, Line<'static>),
    /// The line is left out, and the writer then believes this value.
    Omit(i64),
    /// The trace ends here.
    Stop,
}

impl Change {
    fn keeps_the_line(&self) -> bool {
        matches!(self, Change::Line(..) | Change::Before(..))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Walk<'g> {
    graph: &'g Graph,
    truth: &'g Truth,
    believed: Vec<i64>,
    lines: Vec<Line<'static>>,
    pub(super) flaws: Vec<Flaw>,
    /// The next of the needed steps.
    step: usize,
    /// Unneeded quantities that it already wrote of.
    side: Vec<usize>,
    stopped: bool,
}

impl<'g> Walk<'g> {
    pub(super) fn new(graph: &'g Graph, truth: &'g Truth) -> Walk<'g> {
        Walk {
            graph,
            truth,
            believed: graph.values(),
            lines: Vec::with_capacity(graph.needed.len() + 2),
            flaws: Vec::new(),
            step: 0,
            side: Vec::new(),
            stopped: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stopped || self.step == self.graph.needed.len()
    }

    pub(super) fn text(&self) -> String {
        join(&self.lines)
    }

    /// Writes the next line as the writer believes it to be.
    pub(super) fn plain(&mut self) {
        match self.next_line() {
            Some((line, value)) => self.apply(Change::Line(line, value)),
            // Only beliefs with which one can go on are taken up, so this never ends a trace early.
            None => self.stopped = true,
        }
    }

    /// Writes the next line with the flaws that are due, as far as there are any that fit.
    pub(super) fn flawed(&mut self, spoiling: bool, benign: bool, rng: &mut ChaCha8Rng) {
        let mut kinds = *FlawKind::of(tracelift_domain::TaskDomain::Math);
        let mut spoilt = None;
        if spoiling {
            kinds.shuffle(rng);
            spoilt = kinds.iter().find_map(|&kind| {
                let mut changes = self.spoiling(kind);
                changes.retain(|change| !benign || change.keeps_the_line());
                Some((kind, changes.choose(rng)?.clone()))
            });
        }
        let mut harmless = None;
        if benign {
            kinds.shuffle(rng);
            let base = match &spoilt {
                Some((_, Change::Line(line, value))) => Some((*line, *value)),
                _ => self.next_line(),
            };
            harmless = base.and_then(|base| {
                kinds.iter().find_map(|&kind| {
                    let changes = self.benign_to(kind, base, spoilt.is_some(), rng);
                    Some((kind, changes.choose(rng)?.clone()))
                })
            });
        }
        match (spoilt, harmless) {
            (None, None) => self.plain(),
            (Some((kind, change)), None) => self.write(kind, Effect::Spoiling, change),
            (None, Some((kind, change))) => self.write(kind, Effect::Benign, change),
            (Some((spoiling, spoilt)), Some((benign, Change::Before(side, line)))) => {
                self.note(benign, Effect::Benign);
                self.apply(Change::Before(side, line));
                self.write(spoiling, Effect::Spoiling, spoilt);
            }
            (Some((spoiling, _)), Some((benign, change))) => {
                self.note(spoiling, Effect::Spoiling);
                self.write(benign, Effect::Benign, change);
            }
        }
    }

    /// Writes the next line with a flaw.
    pub(super) fn write(&mut self, kind: FlawKind, effect: Effect, change: Change) {
        self.note(kind, effect);
        let before = matches!(change, Change::Before(..));
        self.apply(change);
        if before {
            self.plain();
        }
    }

    fn note(&mut self, kind: FlawKind, effect: Effect) {
        self.flaws.push(Flaw { kind, effect, step: self.lines.len() });
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Line(line, value) => {
                self.lines.push(line);
                self.believe(value);
            }
            Change::Before(side, line) => {
                self.lines.push(line);
                self.side.push(side);
            }
            Change::Omit(value) => self.believe(value),
            Change::Stop => self.stopped = true,
        }
    }

    fn believe(&mut self, value: i64) {
        self.believed[self.graph.needed[self.step]] = value;
        self.step += 1;
    }

    fn quantity(&self) -> &'g Quantity {
        &self.graph.quantities[self.graph.needed[self.step]]
    }

    fn at_target(&self) -> bool {
        self.step + 1 == self.graph.needed.len()
    }

    fn next_line(&self) -> Option<(Line<'static>, i64)> {
        let line = self.graph.line(*self.graph.needed.get(self.step)?, &self.believed)?;
        Some((line, line.value()?))
    }

    /// Whether the line after this one uses what this one computes, so that one sees at once that it is missing.
    fn is_used_next(&self) -> bool {
        let needed = &self.graph.needed;
        needed.get(self.step + 1).is_some_and(|&next| {
            let computation = self.graph.quantities[next].computation;
            computation.is_some_and(|computation| computation.uses(needed[self.step]))
        })
    }

    /// Whether someone who believes this value of the next quantity can go on and ends with a wrong answer.
    fn spoils(&self, value: i64) -> bool {
        let mut believed = self.believed.clone();
        believed[self.graph.needed[self.step]] = value;
        let truth = self.graph.quantities[self.graph.target()].value;
        self.graph.outcome(&believed, self.step + 1).is_some_and(|answer| answer != truth)
    }

    /// The forms of a spoiling flaw of this kind at the next step.
    pub(super) fn spoiling(&self, kind: FlawKind) -> Vec<Change> {
        let (Some((line, value)), Some(computation)) = (self.next_line(), self.quantity().computation) else {
            return Vec::new();
        };
        let lines = match kind {
            FlawKind::ArithmeticSlip if self.at_target() => Vec::new(),
            FlawKind::ArithmeticSlip => {
                slips(value).map(|slip| (Line { result: Some(slip), ..line }, slip)).collect()
            }
            FlawKind::WrongOperation => wrong_operations(line).collect(),
            FlawKind::MisreadQuantity => self.misreadings(line, &computation),
            FlawKind::SwappedEntities => self.strangers(line, &computation),
            FlawKind::UnitOrRateError => wrong_rates(line, &computation),
            FlawKind::DroppedStep => return self.shortcuts(&computation),
            FlawKind::PrematureConclusion => return self.conclusions(),
            _ => Vec::new(),
        };
        let lines = lines
            .into_iter()
            .filter(|(line, value)| writable(value) && self.spoils(*value) && !self.truth.holds(line))
            .map(|(line, value)| Change::Line(line, value));
        let omissions = match kind {
            FlawKind::UnitOrRateError => self.unopened(&computation),
            _ => Vec::new(),
        };
        lines.chain(omissions).collect()
    }

    /// A step is left out, and one of its operands is taken for its result.
    fn shortcuts(&self, computation: &Computation) -> Vec<Change> {
        if !self.is_used_next() {
            return Vec::new();
        }
        let operands = computation.operands().into_iter().filter_map(|operand| match operand {
            Operand::Of(other) => Some(self.believed[other]),
            Operand::Number(_) => None,
        });
        operands.filter(|&value| self.spoils(value)).map(Change::Omit).collect()
    }

    /// The boxes are not unpacked: the number of them goes on as the number of things.
    fn unopened(&self, computation: &Computation) -> Vec<Change> {
        match (computation.construct, computation.left) {
            (Construct::Boxes(_), Operand::Number(boxes)) if self.is_used_next() && self.spoils(boxes) => {
                vec![Change::Omit(boxes)]
            }
            _ => Vec::new(),
        }
    }

    /// The trace stops, and its last result is not the answer.
    fn conclusions(&self) -> Vec<Change> {
        let truth = self.graph.quantities[self.graph.target()].value;
        let said = implied(&self.text());
        if said.is_some_and(|said| said != truth) { vec![Change::Stop] } else { Vec::new() }
    }

    /// A number of the sentence, or a given quantity, is read as another number of the statement or one close by.
    fn misreadings(&self, line: Line<'static>, computation: &Computation) -> Vec<(Line<'static>, i64)> {
        let read = |operand| match operand {
            Operand::Number(_) => true,
            Operand::Of(other) => self.graph.quantities[other].computation.is_none(),
        };
        let scale = computation.construct == Construct::Scale;
        let mut candidates = Vec::new();
        for (left, operand) in [(true, computation.left), (false, computation.right)] {
            let number = if left { line.left } else { line.right };
            if !read(operand) || (scale && operand == Operand::Number(2) && line.op == Op::Divide) {
                continue;
            }
            let others: Vec<i64> = match operand {
                Operand::Number(_) if scale => vec![5 - number],
                _ => self.numbers_said().into_iter().chain([number - 1, number + 1]).collect(),
            };
            for other in others.into_iter().filter(|&other| other != number && writable(&other)) {
                candidates.extend(computed(if left {
                    Line { left: other, ..line }
                } else {
                    Line { right: other, ..line }
                }));
            }
        }
        candidates
    }

    /// The numbers that the statement has in digits, apart from those of scales.
    fn numbers_said(&self) -> Vec<i64> {
        let mut numbers = Vec::new();
        for quantity in &self.graph.quantities {
            match quantity.computation {
                None => numbers.push(quantity.value),
                Some(Computation { construct: Construct::Scale, .. }) => {}
                Some(computation) => {
                    numbers.extend(computation.operands().into_iter().filter_map(|operand| match operand {
                        Operand::Number(number) => Some(number),
                        Operand::Of(_) => None,
                    }));
                }
            }
        }
        numbers
    }

    /// The value of another person is used: of one that is given, or already worked out.
    fn strangers(&self, line: Line<'static>, computation: &Computation) -> Vec<(Line<'static>, i64)> {
        let done = &self.graph.needed[..self.step];
        let known = (0..self.graph.quantities.len()).filter(|other| {
            self.graph.quantities[*other].computation.is_none()
                || done.contains(other)
                || self.side.contains(other)
        });
        let values: Vec<i64> = known.map(|other| self.believed[other]).collect();
        let mut candidates = Vec::new();
        for &value in &values {
            if matches!(computation.left, Operand::Of(_)) && value != line.left {
                candidates.extend(computed(Line { left: value, ..line }));
            }
            if matches!(computation.right, Operand::Of(_)) && value != line.right {
                candidates.extend(computed(Line { right: value, ..line }));
            }
        }
        candidates
    }

    /// The forms of a benign flaw of this kind at the next step.
    pub(super) fn benign(&self, kind: FlawKind, rng: &mut ChaCha8Rng) -> Vec<Change> {
        self.next_line().map(|base| self.benign_to(kind, base, false, rng)).unwrap_or_default()
    }

    /// The forms that can be given to this line; `occupied` if a spoiling flaw already changed its numbers.
    fn benign_to(
        &self,
        kind: FlawKind,
        (line, value): (Line<'static>, i64),
        occupied: bool,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Change> {
        let free = !occupied && !self.at_target();
        let mut lines: Vec<Line<'static>> = Vec::new();
        let mut sides: Vec<(usize, Line<'static>)> = Vec::new();
        match kind {
            FlawKind::ArithmeticSlip => {
                if free {
                    lines.extend(slips(value).map(|slip| Line { result: Some(slip), ..line }));
                }
                sides.extend(self.side_lines().flat_map(|(side, line, value)| {
                    slips(value).map(move |slip| (side, Line { result: Some(slip), ..line }))
                }));
            }
            FlawKind::WrongOperation => {
                if free {
                    lines.extend(Op::ALL.into_iter().map(|op| Line { op, ..line }));
                }
                sides.extend(
                    self.side_lines().flat_map(|(side, line, _)| {
                        wrong_operations(line).map(move |(line, _)| (side, line))
                    }),
                );
            }
            FlawKind::MisreadQuantity => {
                let computation = self.quantity().computation;
                if let (true, Some(computation)) = (free, computation) {
                    let misread = self.misreadings(line, &computation).into_iter();
                    lines.extend(misread.map(|(misread, _)| Line { result: line.result, ..misread }));
                }
                sides.extend(self.side_lines().map(|(side, line, _)| (side, line)));
            }
            FlawKind::SwappedEntities => {
                // Not whoever is asked for: that would state an answer.
                let target = self.graph.quantities[self.graph.target()].subject;
                let named = self.graph.quantities.iter().map(|quantity| quantity.subject).chain([TOTAL]);
                lines.extend(named.filter(|&name| name != target).map(|subject| Line { subject, ..line }));
            }
            FlawKind::UnitOrRateError => {
                if let Some(Computation { construct: Construct::Boxes(container), .. }) =
                    self.quantity().computation
                {
                    lines.push(Line { unit: container.many, ..line });
                }
                let others: Vec<&str> = ITEMS.into_iter().filter(|&unit| unit != line.unit).collect();
                lines.extend(others.choose(rng).map(|&unit| Line { unit, ..line }));
            }
            FlawKind::DroppedStep if free && self.is_used_next() => return vec![Change::Omit(value)],
            _ => {}
        }
        let right = self.next_line().map(|(line, _)| line);
        let mut changes: Vec<Change> = lines
            .into_iter()
            .filter(|written| *written != line && Some(*written) != right && !self.truth.holds(written))
            .map(|line| Change::Line(line, value))
            .collect();
        let sides = sides.into_iter().filter(|(_, line)| line.result.is_some_and(|value| writable(&value)));
        changes.extend(sides.map(|(side, line)| Change::Before(side, line)));
        // Each way of being wrong is as likely as any other, however many numbers it could be wrong with.
        let is_side = rng.random::<bool>();
        let preferred = |change: &Change| matches!(change, Change::Before(..)) == is_side;
        if changes.iter().any(preferred) {
            changes.retain(preferred);
        }
        changes
    }

    /// Lines about unneeded quantities that could be worked out by now, as the writer believes them to be.
    fn side_lines(&self) -> impl Iterator<Item = (usize, Line<'static>, i64)> + '_ {
        let waiting = &self.graph.needed[self.step..];
        self.graph.unneeded.iter().filter_map(move |&side| {
            let computation = self.graph.quantities[side].computation?;
            let early = waiting.iter().any(|&quantity| computation.uses(quantity));
            let line = self.graph.line(side, &self.believed)?;
            (!early && !self.side.contains(&side)).then_some((side, line, line.result?))
        })
    }
}

/// A line with the result that its operation gives, if the line before had one.
fn computed(line: Line<'static>) -> Option<(Line<'static>, i64)> {
    let value = line.op.apply(line.left, line.right).filter(writable)?;
    Some((Line { result: line.result.map(|_| value), ..line }, value))
}

/// Results that are wrong by a little.
fn slips(value: i64) -> impl Iterator<Item = i64> {
    [-10, -2, -1, 1, 2, 10].into_iter().map(move |off| value + off).filter(writable)
}

/// The same line with an operation that a hasty reader might take for the right one.
fn wrong_operations(line: Line<'static>) -> impl Iterator<Item = (Line<'static>, i64)> {
    let Line { left, right, .. } = line;
    let mistaken: [Option<(i64, Op, i64)>; 2] = match line.op {
        Op::Add => [Some((left, Op::Subtract, right)), None],
        Op::Subtract => [Some((left, Op::Add, right)), None],
        // Twice as many, half as many; otherwise boxes are counted like things.
        Op::Multiply => [Some((right, Op::Divide, left)), Some((left, Op::Add, right))],
        Op::Divide => [Some((right, Op::Multiply, left)), Some((left, Op::Subtract, right))],
    };
    mistaken
        .into_iter()
        .flatten()
        .filter_map(move |(left, op, right)| computed(Line { left, op, right, ..line }))
}

/// Boxes in the place of what is in each, or the other way round.
fn wrong_rates(line: Line<'static>, computation: &Computation) -> Vec<(Line<'static>, i64)> {
    if !matches!(computation.construct, Construct::Boxes(_)) {
        return Vec::new();
    }
    let Line { left, right, .. } = line;
    [(left, left), (right, right)]
        .into_iter()
        .filter_map(|(left, right)| computed(Line { left, right, ..line }))
        .collect()
}
