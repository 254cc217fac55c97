//! A trace: its lines with what is wrong in them, what readers say of it, what the executor did with it, and what else was written about the
//! same problem.

use super::{
    Scene, View,
    frame::way,
    step::{marks, rewards},
    words::{self, Foreign, Name, block, meter, number},
};
use crate::groups::marked;
use maud::{Markup, PreEscaped, html};
use std::sync::Arc;
use tracelift_archive::{ArchiveError, Rollout, RolloutNote, Run};

/// Labels of a rubric go up to this.
const TOP_LABEL: f64 = 4.0;
/// Other traces about the same problem that are shown, of this run and of each other.
const OTHERS: usize = 6;
/// Runs beside this one that are looked into.
const BESIDE: usize = 6;
/// Characters of traces whose differences are marked.
const COMPARED: usize = 4000;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("run")?;
    let run = scene.archive.run(place)?;
    let number = |name: &str| scene.query.number::<u64>(name);
    let nowhere = || ArchiveError::Other { place: place.to_owned(), what: "rollout like that" };
    let (step, group) = (number("step").ok_or_else(nowhere)?, number("group").unwrap_or(0));
    let sample = number("sample").unwrap_or(0);
    let notes = run.rollouts(|index| index.of(step).to_vec())?;
    let at =
        notes.iter().position(|note| (note.group, note.sample) == (group, sample)).ok_or_else(nowhere)?;
    let rollout = one(&run, &notes[at])?;
    let to = |note: Option<&RolloutNote>| note.and_then(|note| address(scene, place, note));
    let (before, behind) = (to(at.checked_sub(1).and_then(|at| notes.get(at))), to(notes.get(at + 1)));
    let text = step.to_string();
    let body = html! {
        (way(&[
            (place, scene.address("/run", &[("run", place)])),
            (&format!("step {step}"), scene.address("/step", &[("run", place), ("step", &text)])),
            (&format!("group {group}, sample {sample}"), None),
        ]))
        h1 { (Name(&rollout.problem_id)) " " small { "sample " (sample) " of step " (step) } }
        nav.pages aria-label="samples" {
            @if let Some(before) = &before { a href=(before) rel="prev" { "← sample before" } }
            @if let Some(behind) = &behind { a href=(behind) rel="next" { "sample behind →" } }
        }
        blockquote { (Foreign(&rollout.question)) }
        p.gold { span { "gold" } " " (Foreign(&rollout.gold)) }
        (shown(&run, &rollout))
        (others(scene, &run, &rollout)?)
    };
    Ok(View { before, behind, ..View::of(format!("{}, step {step}", rollout.problem_id), body) })
}

/// A rollout with its texts.
pub(super) fn one(run: &Run, note: &RolloutNote) -> Result<Rollout, ArchiveError> {
    let found = run.texts(note.step, &(note.row..note.row + 1))?.pop();
    found.ok_or_else(|| ArchiveError::Other { place: run.place().to_owned(), what: "rollout like that" })
}

/// The address of a rollout.
pub(super) fn address(scene: &Scene<'_>, place: &str, note: &RolloutNote) -> Option<String> {
    let [step, group, sample] = [note.step, note.group, note.sample].map(|number| number.to_string());
    scene.address("/trace", &[("run", place), ("step", &step), ("group", &group), ("sample", &sample)])
}

fn shown(run: &Run, rollout: &Rollout) -> Markup {
    let process =
        rollout.trace.as_ref().and_then(|trace| run.process(&rollout.problem_id, &rollout.question, trace));
    html! {
        div.sides {
            section.attempt.c0 {
                h2 { "What was written" }
                (marks(rollout))
                @match &rollout.trace {
                    Some(trace) => (words::lines(trace, process.as_ref())),
                    None => p.none { "no usable trace: " @if let Some(defect) = &rollout.defect { (Name(defect)) } },
                }
                @if process.is_none() && rollout.trace.is_some() {
                    p.note { "No exact checker knows this problem, so no line is marked." }
                }
                @if let Some(process) = &process { @if process.leaks { p.warning { "The trace gives the answer away." } } }
                details { summary { "the whole completion" } (block(&rollout.completion)) }
                h3 { "Reward" }
                (rewards(run, rollout))
                @if !rollout.labels.is_empty() {
                    h3 { "Rubric" }
                    p.note { "Expected labels, from 0 to 4, of the reader of traces; s = " (number(rollout.note.s)) "." }
                    @for (dimension, label) in &rollout.labels { (meter(dimension, *label, TOP_LABEL)) }
                }
            }
            section.attempt.c1 {
                h2 { "What the executor did" }
                h3 { "with the trace " small { "w = " (number(rollout.note.w)) } }
                (runs(&rollout.completions, &rollout.artifacts, &rollout.verdicts))
                h3 { "without any " small { "b = " (number(rollout.note.b)) } }
                p.note { "A training keeps of these runs their mean alone; evaluations keep them whole, as the row without a trace." }
                @if !rollout.unknown_because.is_empty() {
                    p.warning { "Unknown: " @for (at, cause) in rollout.unknown_because.iter().enumerate() { @if at > 0 { ", " } (Name(cause)) } }
                }
            }
        }
    }
}

/// Executor runs one below the other: what was written, what the verifier found in it, and what it says.
pub(super) fn runs(
    completions: &[Option<String>],
    artifacts: &[Option<String>],
    verdicts: &[Option<String>],
) -> Markup {
    html! {
        @if completions.is_empty() { p.none { "the executor was not asked" } }
        ol.runs { @for (at, completion) in completions.iter().enumerate() {
            @let artifact = artifacts.get(at).and_then(Option::as_ref);
            @let verdict = verdicts.get(at).and_then(Option::as_ref);
            li {
                span class=(format!("verdict {}", if verdict.is_some_and(|verdict| verdict == "passed") { "yes" } else { "no" })) {
                    @match verdict { Some(verdict) => (Name(verdict)), None => "unknown" }
                }
                @match completion {
                    Some(text) => (block(text)),
                    None => p.none { "the call failed" },
                }
                @if let Some(artifact) = artifact { @if Some(artifact) != completion.as_ref() {
                    p.label { "found in it" } (block(artifact))
                } }
            }
        } }
    }
}

/// The same problem at other steps, and by runs beside this one.
fn others(scene: &Scene<'_>, run: &Arc<Run>, rollout: &Rollout) -> Result<Markup, ArchiveError> {
    let mut all: Vec<(String, Rollout)> = Vec::new();
    let mut more = Vec::new();
    for other in beside(scene, run) {
        let mut notes: Vec<RolloutNote> =
            other.rollouts(|index| index.about(&rollout.problem_id).cloned().collect())?;
        notes.retain(|note| {
            let own = (note.step, note.group, note.sample)
                == (rollout.note.step, rollout.note.group, rollout.note.sample);
            !(own && other.place() == run.place())
        });
        if notes.len() > OTHERS {
            more.push((other.place().to_owned(), notes.len()));
        }
        for note in thinned(&notes) {
            let found = one(&other, note)?;
            // Problems of one name need not be one.
            if found.question == rollout.question {
                all.push((other.place().to_owned(), found));
            }
        }
    }
    let text = rollout.trace.as_deref().unwrap_or(&rollout.completion);
    Ok(html! {
        @if !all.is_empty() {
            section id="others" { h2 { "The same problem, at other steps and by other runs" }
                p { "What the trace above does not have " ins { "is marked so" } ", and what it has beyond " del { "so" } "." }
                div.attempts { @for (place, other) in &all {
                    @let process = other.trace.as_ref().and_then(|trace| run.process(&other.problem_id, &other.question, trace));
                    section class=(format!("attempt c{}", usize::from(place != run.place()) + 2)) data-item {
                        h3 {
                            @match address(scene, place, &other.note) { Some(to) => a href=(to) { "step " (other.note.step) }, None => { "step " (other.note.step) } }
                            @if place != run.place() { " " small { (Name(place)) } }
                        }
                        (marks(other))
                        @match &other.trace {
                            Some(trace) => { div.diff { (differences(text, trace)) } },
                            None => p.none { "no usable trace" },
                        }
                        @if let Some(process) = &process { @if let Some(flaw) = process.first_flaw {
                            p.note { "first flaw in step " (flaw + 1) @if let Some(expected) = &process.expected { ", which should be " (Foreign(expected)) } }
                        } }
                    }
                } }
                @for (place, count) in &more {
                    p.note { (count) " more in " (scene.link("/rollouts", &[("run", place), ("problem", &rollout.problem_id)], Name(place))) "; first, last and some between are shown." }
                }
            }
        }
    })
}

/// A trace with what it has and lacks against another, where both can be compared.
fn differences(one: &str, other: &str) -> Markup {
    if one.len().max(other.len()) > COMPARED {
        return html! { (Foreign(other)) };
    }
    html! { bdi { (PreEscaped(marked(one, other))) } }
}

/// A few of many, the first and the last among them.
fn thinned(notes: &[RolloutNote]) -> Vec<&RolloutNote> {
    let count = notes.len().min(OTHERS);
    (0..count).map(|at| &notes[at * (notes.len() - 1) / (count - 1).max(1)]).collect()
}

/// This run, and those that lie beside it.
fn beside(scene: &Scene<'_>, run: &Arc<Run>) -> Vec<Arc<Run>> {
    let folder = |place: &str| place.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut runs = vec![Arc::clone(run)];
    for other in scene.archive.contents().runs {
        let is_beside = other.kind == run.description().kind && folder(&other.place) == folder(run.place());
        if is_beside && other.place != run.place() && runs.len() <= BESIDE {
            // One that cannot be read is shown by its own page.
            runs.extend(scene.archive.run(&other.place));
        }
    }
    runs
}
