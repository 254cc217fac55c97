//! What can go wrong with one step of a plan.
//!
//! Every flawed step is one that other plans rightly have: nothing but a comparison with the statement tells.

use super::op::{Op, Verb};
use super::plan::{InputStyle, Layout, Output, Step, What};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use tracelift_domain::FlawKind;

/// A change of a plan at one of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Another step instead of it.
    Replace(Step),
    /// It is not there.
    Remove,
    /// It and the next change places.
    Swap,
    /// Another step comes before it.
    Insert(Step),
}

/// An edit, the gold step (from 0) it is at, and what kind of flaw it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    pub(super) at: usize,
    pub(super) edit: Edit,
    pub(super) kind: FlawKind,
}

/// A plan with slips, and for each slip the step of the text at which it shows.
///
/// Slips are in the order of their steps; at one step an insertion comes before any other edit, and nothing else is at
/// a step that has been swapped forward.
pub(super) fn apply(gold: &[Step], slips: &[Slip]) -> (Vec<Step>, Vec<usize>) {
    let mut steps = Vec::with_capacity(gold.len() + slips.len());
    let mut shown = Vec::with_capacity(slips.len());
    let mut slips = slips.iter().peekable();
    let mut i = 0;
    while let Some(&right) = gold.get(i) {
        let mut written = vec![right];
        while let Some(slip) = slips.next_if(|slip| slip.at == i) {
            shown.push(steps.len());
            match slip.edit {
                Edit::Insert(step) => steps.push(step),
                Edit::Replace(step) => written = vec![both(right, written.first().copied(), step)],
                Edit::Remove => written.clear(),
                Edit::Swap => {
                    written.splice(0..0, gold.get(i + 1).copied());
                    i += 1;
                    break;
                }
            }
        }
        steps.append(&mut written);
        i += 1;
    }
    (steps, shown)
}

/// What is written when two replacements fall on one step. Only the reading step has two sides that can be wrong at once.
fn both(right: Step, written: Option<Step>, next: Step) -> Step {
    match (right, written, next) {
        (Step::Read(right), Some(Step::Read(written)), Step::Read(next)) => Step::Read(InputStyle {
            layout: if next.layout == right.layout { written.layout } else { next.layout },
            skips_words: if next.skips_words == right.skips_words {
                written.skips_words
            } else {
                next.skips_words
            },
        }),
        _ => next,
    }
}

/// Every way in which step `at` can be replaced, left out or swapped with the next.
pub(super) fn changes(gold: &[Step], at: usize) -> Vec<Slip> {
    let mut edits = Vec::new();
    match gold[at] {
        Step::Read(reading) => misread(reading, &mut edits),
        Step::Print(output) => misprinted(output, &mut edits),
        Step::Do(op) => {
            misdone(op, &mut edits);
            edits.push((FlawKind::IgnoredConstraint, Edit::Remove));
            if matches!(gold.get(at + 1), Some(Step::Do(_))) {
                edits.push((FlawKind::IncorrectLogic, Edit::Swap));
            }
        }
    }
    edits.into_iter().map(|(kind, edit)| Slip { at, edit, kind }).collect()
}

fn misread(reading: InputStyle, edits: &mut Vec<(FlawKind, Edit)>) {
    let layout = match reading.layout {
        Layout::OneLine => Layout::OnePerLine,
        Layout::OnePerLine => Layout::OneLine,
    };
    let other_layout = Step::Read(InputStyle { layout, ..reading });
    let other_guard = Step::Read(InputStyle { skips_words: !reading.skips_words, ..reading });
    edits.push((FlawKind::WrongIoFormat, Edit::Replace(other_layout)));
    edits.push((FlawKind::MissingTypeGuard, Edit::Replace(other_guard)));
}

fn misprinted(output: Output, edits: &mut Vec<(FlawKind, Edit)>) {
    use FlawKind::{MissingEdgeCase, WrongAlgorithmChoice, WrongIoFormat};
    let others: &[(FlawKind, What)] = match output.what {
        What::List => &[
            (WrongIoFormat, What::Sum),
            (WrongIoFormat, What::Count),
            (WrongIoFormat, What::Largest),
            (WrongIoFormat, What::Smallest),
        ],
        What::Sum => &[(WrongIoFormat, What::List), (WrongAlgorithmChoice, What::Count)],
        What::Count => &[(WrongIoFormat, What::List), (WrongAlgorithmChoice, What::Sum)],
        What::Largest => &[(WrongIoFormat, What::List), (WrongAlgorithmChoice, What::Smallest)],
        What::Smallest => &[(WrongIoFormat, What::List), (WrongAlgorithmChoice, What::Largest)],
    };
    for &(kind, what) in others {
        let or_zero = output.or_zero && !matches!(what, What::Sum | What::Count);
        edits.push((kind, Edit::Replace(Step::Print(Output { what, or_zero }))));
    }
    if !matches!(output.what, What::Sum | What::Count) {
        let other = Step::Print(Output { or_zero: !output.or_zero, ..output });
        edits.push((MissingEdgeCase, Edit::Replace(other)));
    }
}

fn misdone(op: Op, edits: &mut Vec<(FlawKind, Edit)>) {
    use FlawKind::{IncorrectLogic, OffByOne, WrongAlgorithmChoice};
    use Verb::*;
    let others: &[(FlawKind, Verb)] = match op.verb() {
        KeepEven => &[(IncorrectLogic, KeepOdd)],
        KeepOdd => &[(IncorrectLogic, KeepEven)],
        KeepAbove => &[(IncorrectLogic, KeepBelow), (OffByOne, KeepFrom)],
        KeepFrom => &[(IncorrectLogic, KeepUpTo), (OffByOne, KeepAbove)],
        KeepBelow => &[(IncorrectLogic, KeepAbove), (OffByOne, KeepUpTo)],
        KeepUpTo => &[(IncorrectLogic, KeepFrom), (OffByOne, KeepBelow)],
        KeepMultiples => &[(IncorrectLogic, DropMultiples)],
        DropMultiples => &[(IncorrectLogic, KeepMultiples)],
        DropFirst => &[(IncorrectLogic, TakeFirst), (WrongAlgorithmChoice, DropLast)],
        DropLast => &[(IncorrectLogic, TakeLast), (WrongAlgorithmChoice, DropFirst)],
        TakeFirst => &[(IncorrectLogic, DropFirst), (WrongAlgorithmChoice, TakeLast)],
        TakeLast => &[(IncorrectLogic, DropLast), (WrongAlgorithmChoice, TakeFirst)],
        Add => &[(WrongAlgorithmChoice, Subtract)],
        Subtract => &[(WrongAlgorithmChoice, Add)],
        Multiply => &[(WrongAlgorithmChoice, Add)],
        Square => &[(WrongAlgorithmChoice, Multiply)],
        Negate => &[(WrongAlgorithmChoice, Absolute)],
        Absolute => &[(WrongAlgorithmChoice, Negate)],
        SortUp => &[(WrongAlgorithmChoice, SortDown), (WrongAlgorithmChoice, Reverse)],
        SortDown => &[(WrongAlgorithmChoice, SortUp), (WrongAlgorithmChoice, Reverse)],
        Reverse => &[(WrongAlgorithmChoice, SortDown), (WrongAlgorithmChoice, SortUp)],
        DropRepeats | RunningSums => &[],
    };
    for &(kind, verb) in others {
        let other = Op::new(verb, op.k()).unwrap_or(Op::least(verb));
        edits.push((kind, Edit::Replace(Step::Do(other))));
    }
    for k in [op.k() - 1, op.k() + 1] {
        edits.extend(Op::new(op.verb(), k).map(|other| (OffByOne, Edit::Replace(Step::Do(other)))));
    }
}

/// Steps that may come before step `at` without need: some change nothing there, others do.
pub(super) fn additions(gold: &[Step], at: usize, rng: &mut ChaCha8Rng) -> Vec<Slip> {
    if at == 0 {
        return Vec::new();
    }
    let insert = |kind, op| Slip { at, edit: Edit::Insert(Step::Do(op)), kind };
    let mut slips = Vec::new();
    for verb in Verb::ALL.into_iter().filter(|verb| !verb.is_filter()) {
        slips.extend(
            Op::new(verb, rng.random_range(verb.range()))
                .map(|op| insert(FlawKind::WrongAlgorithmChoice, op)),
        );
    }
    // A filter that lets through all that is left by then: one that was there before, or a wider one.
    for step in &gold[..at] {
        let Step::Do(op) = step else { continue };
        if op.verb().is_filter() {
            let widened = match op.verb() {
                Verb::KeepAbove | Verb::KeepFrom => op.k() - rng.random_range(0..=2),
                Verb::KeepBelow | Verb::KeepUpTo => op.k() + rng.random_range(0..=2),
                _ => op.k(),
            };
            slips.extend(Op::new(op.verb(), widened).map(|op| insert(FlawKind::IncorrectLogic, op)));
        }
    }
    slips
}
