//! The exact judgement of a trace, and what a reader who takes it literally would answer.

use super::graph::{Graph, Operand};
use super::line::{Line, Op, number, split};
use crate::report::{Correction, Extent, ProcessReport};

/// Judges each line of a text.
///
/// A line is right if it says of a needed quantity, for the first time, exactly what the statement says of it: its
/// operation, the true values of its operands (either way round where that makes no difference) and the true result,
/// or none if the quantity is asked for. Lines may come in any order in which each follows those it uses; the line that
/// uses a value before it was worked out marks where a step is missing, though it may be right in itself.
pub(super) fn report(truth: &Truth, trace: &str) -> ProcessReport {
    walk(truth, trace).0
}

/// The line that belongs where the text first goes wrong: the right one of the step that the line there stands in for, the step
/// that is missing before it, or else the first one that is missing from the text.
pub(super) fn correct(truth: &Truth, trace: &str) -> Option<Correction> {
    let (report, wanted) = walk(truth, trace);
    let step = report.first_flaw?;
    Some(Correction { step, expected: wanted.map(|step| truth.lines[step].to_string()) })
}

/// The judgement, and the gold step that belongs at the first flaw.
fn walk(truth: &Truth, trace: &str) -> (ProcessReport, Option<usize>) {
    let expected = truth.lines.len();
    let texts = split(trace);
    let mut confirmed = vec![false; expected];
    // Needed quantities that some line set out to compute, right or wrong.
    let mut attempted = vec![false; expected];
    let (mut first_flaw, mut wanted) = (None, None);
    let mut leaks = false;
    let mut conclusion = None;
    for (index, words) in texts.iter().enumerate() {
        let line = Line::read(words);
        leaks |= truth.is_leak(words)
            || (index + 1 == texts.len() && line.is_some_and(|line| truth.is_misnamed(&line)));
        let about_target = words.first() == Some(&truth.target().subject);
        if conclusion.is_none() && (about_target || line.is_some_and(|line| line.result.is_none())) {
            conclusion = Some(index);
        }
        let right = line.and_then(|line| truth.step_that_says(&line)).filter(|&step| !confirmed[step]);
        if let Some(step) = right {
            confirmed[step] = true;
        }
        let step = right.or_else(|| line.and_then(|line| truth.step_meant(&line, &attempted)));
        let lacking = step.and_then(|step| truth.uses[step].iter().copied().find(|&used| !attempted[used]));
        if (right.is_none() || lacking.is_some()) && first_flaw.is_none() {
            first_flaw = Some(index);
            // Where a line stands for nothing, the next step that nobody has set out to compute.
            wanted = lacking.or(step).or_else(|| attempted.iter().position(|&is| !is));
        }
        if let Some(step) = step {
            attempted[step] = true;
        }
    }
    let missing = confirmed.iter().position(|&is| !is);
    let confirmed = confirmed.into_iter().filter(|&is| is).count();
    if confirmed < expected && first_flaw.is_none() {
        first_flaw = Some(texts.len());
        wanted = missing;
    }
    let extent = match conclusion {
        None => Extent::Under,
        Some(index) if index + 1 == texts.len() => Extent::Exact,
        Some(_) => Extent::Over,
    };
    (ProcessReport { expected, found: texts.len(), confirmed, leaks, extent, first_flaw }, wanted)
}

/// The answer of a reader who believes every word: what the last line says, as far as it says anything.
pub(super) fn implied(trace: &str) -> Option<i64> {
    Line::read(split(trace).last()?)?.value()
}

/// The gold trace, line by line.
#[derive(Debug)]
pub(super) struct Truth {
    /// At least one; the last is about the target.
    pub(super) lines: Vec<Line<'static>>,
    /// The earlier steps that each step uses.
    uses: Vec<Vec<usize>>,
}

impl Truth {
    pub(super) fn of(graph: &Graph) -> Truth {
        let values = graph.values();
        let lines = graph.needed.iter().filter_map(|&quantity| graph.line(quantity, &values)).collect();
        let step_of = |quantity| graph.needed.iter().position(|&needed| needed == quantity);
        let uses = graph.needed.iter().map(|&quantity| {
            let operands = graph.quantities[quantity].computation.iter().flat_map(|it| it.operands());
            let others = operands.filter_map(|operand| match operand {
                Operand::Of(other) => step_of(other),
                Operand::Number(_) => None,
            });
            others.collect()
        });
        Truth { uses: uses.collect(), lines }
    }

    fn target(&self) -> &Line<'static> {
        &self.lines[self.lines.len() - 1]
    }

    /// Whether a line is right in a trace of this problem (unless it was said before).
    pub(super) fn holds(&self, line: &Line) -> bool {
        self.step_that_says(line).is_some()
    }

    fn step_that_says(&self, line: &Line) -> Option<usize> {
        self.lines.iter().position(|gold| gold.says_as(line))
    }

    /// The step that a wrong line stands in for: one with the same computation, or else one about the same quantity.
    fn step_meant(&self, line: &Line, attempted: &[bool]) -> Option<usize> {
        let new = |step: &usize| !attempted[*step];
        let steps = || (0..self.lines.len()).filter(new);
        steps()
            .find(|&step| self.lines[step].computes_as(line))
            .or_else(|| steps().find(|&step| self.lines[step].subject == line.subject))
    }

    /// Whether a line gives the answer away: it has a result or a bare number for the target, or a number that it calls
    /// the answer.
    fn is_leak(&self, words: &[&str]) -> bool {
        let has_number = words.iter().any(|word| number(word).is_some());
        let computes = words.iter().any(|word| Op::read(word).is_some());
        let about_target = words.first() == Some(&self.target().subject);
        let stated = about_target && has_number && (words.contains(&"=") || !computes);
        stated || (words.contains(&"answer") && has_number)
    }

    /// Whether a line computes the target, result and all, under another name. Another step may do the same by chance,
    /// so this gives the answer away only at the end of a trace.
    fn is_misnamed(&self, line: &Line) -> bool {
        let target = self.target();
        let same = Line { result: None, ..*line }.computes_as(target);
        same && line.result.is_some() && line.result == target.value() && !self.holds(line)
    }
}
