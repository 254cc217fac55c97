//! A step: its rollout groups, the traces of each side by side, and what their rewards are the sums of.

use super::{
    Scene, View,
    frame::{paged, way},
    words::{self, Foreign, Name, block, mark, number, stack},
};
use maud::{Markup, html};
use std::ops::Range;
use tracelift_archive::{ArchiveError, Rollout, RolloutNote, Run};
use tracelift_domain::Probability;
use tracelift_reward::Evidence;

/// Groups on a page.
const GROUPS: usize = 8;
/// Rewards that differ by less are one.
const ALIKE: f64 = 1e-9;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("run")?;
    let run = scene.archive.run(place)?;
    let step: u64 = scene.query.number("step").ok_or_else(|| nowhere(place))?;
    let (groups, steps) =
        run.rollouts(|index| (ranges(index.of(step)), index.steps().collect::<Vec<u64>>()))?;
    let at = steps.binary_search(&step).map_err(|_| nowhere(place))?;
    let (page, pages, shown) = paged(scene.query, groups.len(), GROUPS);
    let rows = match (groups.get(shown.start), groups.get(shown.end.wrapping_sub(1))) {
        (Some(first), Some(last)) => first.start..last.end,
        _ => return Err(nowhere(place)),
    };
    let rollouts = run.texts(step, &rows)?;
    let to = |at: Option<&u64>| {
        at.and_then(|step| scene.address("/step", &[("run", place), ("step", &step.to_string())]))
    };
    let (before, behind) = (to(at.checked_sub(1).and_then(|at| steps.get(at))), to(steps.get(at + 1)));
    let body = html! {
        (way(&[(place, scene.address("/run", &[("run", place)])), (&format!("step {step}"), None)]))
        h1 { "Step " (step) " " small { (groups.len()) " rollout groups" } }
        nav.pages aria-label="steps" {
            @if let Some(before) = &before { a href=(before) rel="prev" { "← step before" } }
            @if let Some(behind) = &behind { a href=(behind) rel="next" { "step behind →" } }
        }
        @for range in &groups[shown] {
            @let range = range.start - rows.start..range.end - rows.start;
            (group(scene, &run, &rollouts[range]))
        }
        (scene.pages("/step", page, pages))
    };
    Ok(View { before, behind, live: false, ..View::of(format!("Step {step}"), body) })
}

fn nowhere(place: &str) -> ArchiveError {
    ArchiveError::Other { place: place.to_owned(), what: "rollouts of that step" }
}

/// The rows of each group: rollouts of a group stand together.
fn ranges(notes: &[RolloutNote]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, note) in notes.iter().enumerate() {
        match ranges.last_mut() {
            Some(range) if notes[range.start].group == note.group => range.end = at + 1,
            _ => ranges.push(at..at + 1),
        }
    }
    ranges
}

/// Why a group taught nothing, where it did not.
fn fruitless(group: &[Rollout]) -> Option<String> {
    let totals: Vec<f64> = group.iter().filter_map(|rollout| rollout.note.total()).collect();
    let unknown = group.len() - totals.len();
    if group.first().is_some_and(|rollout| rollout.note.replaced) {
        return Some("Another group was drawn in its place: it was not learned from.".to_owned());
    }
    let Some(first) = totals.first() else {
        return Some("No reward of it is known, so it taught nothing.".to_owned());
    };
    let alike = totals.iter().all(|total| (total - first).abs() <= ALIKE);
    let all = group.len();
    let of = |what: fn(&RolloutNote) -> bool| group.iter().all(|rollout| what(&rollout.note));
    let why = match () {
        () if !alike => {
            return (unknown > 0)
                .then(|| format!("{unknown} of {all} rewards are unknown and count for nothing."));
        }
        () if totals.len() == 1 => "only one reward is known",
        () if of(|note| note.defective) => "no completion holds a usable trace",
        () if of(|note| note.e.is_some_and(|e| e >= 1.0)) => {
            "every answer is right, and what stands beside that is equal too"
        }
        () if of(|note| note.e.is_some_and(|e| e <= 0.0)) => {
            "every answer is wrong, and what stands beside that is equal too"
        }
        () => "the parts come to the same sum",
    };
    Some(format!(
        "No spread: all known rewards are {}; {why}. It taught nothing.",
        crate::axis::readable(*first)
    ))
}

fn group(scene: &Scene<'_>, run: &Run, group: &[Rollout]) -> Markup {
    let Some(first) = group.first() else { return html! {} };
    let problem = [("run", run.place()), ("problem", first.problem_id.as_str())];
    html! {
        article.example data-item {
            h2 { (scene.link("/rollouts", &problem, Name(&first.problem_id))) " " small { "group " (first.note.group) } }
            blockquote { (Foreign(&first.question)) }
            p.gold { span { "gold" } " " (Foreign(&first.gold)) }
            @if let Some(b) = first.note.b { p.gold { span { "without a trace, b" } " " (number(Some(b))) } }
            @if let Some(why) = fruitless(group) { p.warning { (why) } }
            div.attempts { @for rollout in group { (attempt(scene, run, rollout)) } }
        }
    }
}

fn attempt(scene: &Scene<'_>, run: &Run, rollout: &Rollout) -> Markup {
    let note = &rollout.note;
    let process =
        rollout.trace.as_ref().and_then(|trace| run.process(&rollout.problem_id, &rollout.question, trace));
    let (step, group, sample) = (note.step.to_string(), note.group.to_string(), note.sample.to_string());
    let address = [("run", run.place()), ("step", &step), ("group", &group), ("sample", &sample)];
    html! {
        section class=(format!("attempt c{}", note.sample % 7)) {
            h3 { (scene.link("/trace", &address, format!("sample {sample}"))) }
            (marks(rollout))
            (rewards(run, rollout))
            @match &rollout.trace {
                Some(trace) => (words::lines(trace, process.as_ref())),
                None => { p.none { "no usable trace: " @if let Some(defect) = &rollout.defect { (Name(defect)) } } (block(&rollout.completion)) },
            }
        }
    }
}

/// What is known of a rollout, as marks.
pub(super) fn marks(rollout: &Rollout) -> Markup {
    let note = &rollout.note;
    html! {
        p.marks {
            (mark(note.e.map(|e| e >= 1.0), ["answer right", "answer wrong", "answer unscored"]))
            @if rollout.trace.is_some() { (mark(note.verified, ["trace verified", "trace flawed", "trace not checked"])) }
            @if note.leaked == Some(true) { (mark(Some(false), ["", "answer leaked", ""])) }
            @if note.truncated { (mark(Some(false), ["", "cut off", ""])) }
        }
    }
}

/// What a reward is the sum of, and what followed from it.
pub(super) fn rewards(run: &Run, rollout: &Rollout) -> Markup {
    let note = &rollout.note;
    let known = |value: Option<f64>| value.and_then(|value| Probability::new(value).ok());
    let evidence = Evidence {
        outcome: known(note.e),
        with_trace: known(note.w),
        without: known(note.b),
        rubric: known(note.s),
    };
    let rule = run.reward().filter(|_| rollout.trace.is_some());
    let terms = rule.and_then(|reward| reward.rule.terms(reward.lambda, &evidence));
    // A completion without a trace has the reward of a known failure, which no measurement stands behind.
    let terms = terms.or_else(|| note.reward.map(|reward| vec![("reward", reward)]));
    let beside = [("format", note.format), ("length", note.overlong)];
    let terms: Option<Vec<(&str, f64)>> = terms.map(|mut terms| {
        terms.extend(beside.into_iter().filter_map(|(name, value)| Some((name, value?))));
        terms
    });
    html! {
        @match &terms {
            Some(terms) => (stack(terms)),
            None => p.warning { "reward unknown" @for (at, cause) in rollout.unknown_because.iter().enumerate() { @if at == 0 { ": " } @else { ", " } (Name(cause)) } },
        }
        p.numbers {
            @for (name, value) in [("reward", note.total()), ("advantage", note.advantage), ("e", note.e), ("w", note.w), ("u", note.u), ("s", note.s)] {
                @if value.is_some() || name == "advantage" { span { (name) " " b { (number(value)) } } " " }
            }
            span { "tokens " b { (note.tokens) } }
        }
    }
}
