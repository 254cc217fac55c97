//! Samples of an evaluation: a list by what is known of them, and one problem with what every row made of it.

use super::{
    Scene, View,
    frame::{choice, paged, search, way},
    trace::runs,
    words::{self, Foreign, Name, block, mark, meter, number},
};
use crate::palette::Palette;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};
use tracelift_archive::{ArchiveError, Samples};
use tracelift_domain::rubric::dimension_names;
use tracelift_eval::{Metric, SampleRecord};

/// Samples on a page.
const SHOWN: usize = 100;
/// Labels of a rubric go up to this.
const TOP_LABEL: f64 = 4.0;

/// A problem with a seed, and what the rows made of it.
type Case<'s> = ((&'s str, u64), BTreeMap<&'s str, &'s SampleRecord>);

/// The cases in the order in which they first come.
fn cases(samples: &Samples) -> Vec<Case<'_>> {
    let mut places: BTreeMap<(&str, u64), usize> = BTreeMap::new();
    let mut cases: Vec<Case<'_>> = Vec::new();
    for record in samples.records() {
        let key = (record.problem_id.as_str(), record.seed);
        let place = *places.entry(key).or_insert(cases.len());
        if place == cases.len() {
            cases.push((key, BTreeMap::new()));
        }
        cases[place].1.insert(record.row.as_str(), record);
    }
    cases
}

pub(super) fn list(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let samples = scene.archive.samples(place)?;
    let rows = samples.rows();
    let all = cases(&samples);
    let kept = kept(scene, &all);
    let (page, pages, range) = paged(scene.query, kept.len(), SHOWN);
    let body = html! {
        (way(&[(place, scene.address("/evaluation", &[("at", place)])), ("samples", None)]))
        h1 { "Samples " small { (kept.len()) " of " (all.len()) } }
        (form(scene, place, &samples))
        p.note { "A line is a problem with a seed. " span.mark.yes { "✓" } " right answer, " span.mark.no { "✗" } " wrong, ? unscored; behind it whether an exact checker confirms the trace." }
        div.wide { table.list {
            thead { tr { th { "problem" } th { "level" } th { "seed" } @for row in &rows { th { (Name(row)) } } } }
            tbody { @for ((problem, seed), of) in &kept[range] {
                @let level = of.values().find_map(|record| record.level);
                tr data-item {
                    th scope="row" { (scene.link("/sample", &[("at", place), ("problem", problem), ("seed", &seed.to_string())], Name(problem))) }
                    td { @if let Some(level) = level { (level) } } td { (seed) }
                    @for row in &rows { td.left { @if let Some(record) = of.get(row) { (brief(record)) } } }
                }
            } }
        } }
        (scene.pages("/samples", page, pages))
    };
    Ok(View::of("Samples", body))
}

/// What is known of a sample, in two signs.
fn brief(record: &SampleRecord) -> Markup {
    html! {
        (mark(record.correct, ["", "", ""]))
        @if record.completion.is_some() {
            @if record.trace.is_none() { span.mark.no { "no trace" } } @else { (mark(record.verified, ["verified", "flawed", "unchecked"])) }
            @if record.leaked == Some(true) { span.mark.no { " leaked" } }
        }
    }
}

/// Whether a sample is one of those that are asked for.
fn shows(record: &SampleRecord, show: &str) -> bool {
    let right = record.correct == Some(true);
    match show {
        "right" => right,
        "wrong" => record.correct == Some(false),
        "unscored" => record.correct.is_none(),
        "verified" => right && record.verified == Some(true),
        "reasons" => right && record.verified == Some(false),
        "leaked" => record.leaked == Some(true),
        "defect" => record.defect.is_some(),
        "uplift" => matches!(Metric::Uplift.of(record), tracelift_eval::Measurement::Known(u) if u > 0.0),
        "harm" => matches!(Metric::Uplift.of(record), tracelift_eval::Measurement::Known(u) if u < 0.0),
        _ => true,
    }
}

fn kept<'c, 's>(scene: &Scene<'_>, all: &'c [Case<'s>]) -> Vec<&'c Case<'s>> {
    let query = scene.query;
    let (row, show) = (query.get("row"), query.get("show").unwrap_or_default());
    let (right, wrong) = (query.get("right"), query.get("wrong"));
    let (least, most) = (query.number::<u32>("least"), query.number::<u32>("most"));
    let (level, word) = (query.number::<u32>("level"), query.get("q").map(str::to_lowercase));
    let fits = |record: &SampleRecord| {
        shows(record, show)
            && level.is_none_or(|level| record.level == Some(level))
            && query.get("defect").is_none_or(|defect| record.defect.as_deref() == Some(defect))
            && least.is_none_or(|least| record.trace_tokens.is_some_and(|tokens| tokens >= least))
            && most.is_none_or(|most| record.trace_tokens.is_some_and(|tokens| tokens <= most))
            && word.as_ref().is_none_or(|word| {
                [Some(&record.problem_id), Some(&record.question), record.trace.as_ref()]
                    .into_iter()
                    .flatten()
                    .any(|text| text.to_lowercase().contains(word))
            })
    };
    let is = |of: &BTreeMap<&str, &SampleRecord>, row: Option<&str>, correct: bool| {
        row.is_none_or(|row| of.get(row).is_some_and(|record| record.correct == Some(correct)))
    };
    all.iter()
        .filter(|(_, of)| {
            is(of, right, true)
                && is(of, wrong, false)
                && match row {
                    Some(row) => of.get(row).is_some_and(|record| fits(record)),
                    None => of.values().any(|record| fits(record)),
                }
        })
        .collect()
}

fn form(scene: &Scene<'_>, place: &str, samples: &Samples) -> Markup {
    let query = scene.query;
    let rows = samples.rows();
    let some: Vec<(&str, &str)> =
        std::iter::once(("", "any")).chain(rows.iter().map(|row| (*row, *row))).collect();
    let levels: BTreeSet<u32> = samples.records().iter().filter_map(|record| record.level).collect();
    let levels: Vec<String> = levels.into_iter().map(|level| level.to_string()).collect();
    let levels: Vec<(&str, &str)> = std::iter::once(("", "any"))
        .chain(levels.iter().map(|level| (level.as_str(), level.as_str())))
        .collect();
    let defects: BTreeSet<&str> =
        samples.records().iter().filter_map(|record| record.defect.as_deref()).collect();
    let defects: Vec<(&str, &str)> =
        std::iter::once(("", "any")).chain(defects.into_iter().map(|defect| (defect, defect))).collect();
    let shows = [
        ("", "all"),
        ("right", "right"),
        ("wrong", "wrong"),
        ("unscored", "unscored"),
        ("verified", "right, trace verified"),
        ("reasons", "right for wrong reasons"),
        ("leaked", "answer leaked"),
        ("defect", "no usable trace"),
        ("uplift", "the trace helped"),
        ("harm", "the trace did harm"),
    ];
    html! {
        form.filters method="get" action="/samples" {
            input type="hidden" name="at" value=(place);
            (search("search", query))
            (choice("row", "row", query.get("row"), &some))
            (choice("show", "show", query.get("show"), &shows))
            (choice("right with", "right", query.get("right"), &some))
            (choice("wrong with", "wrong", query.get("wrong"), &some))
            @if levels.len() > 1 { (choice("level", "level", query.get("level"), &levels)) }
            @if defects.len() > 1 { (choice("defect", "defect", query.get("defect"), &defects)) }
            label { span { "tokens from" } input type="number" name="least" min="0" value=[query.get("least")]; }
            label { span { "to" } input type="number" name="most" min="0" value=[query.get("most")]; }
            button { "show" }
        }
    }
}

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let samples = scene.archive.samples(place)?;
    let problem = scene.needed("problem")?;
    let seed: u64 = scene.query.number("seed").unwrap_or(0);
    let all = cases(&samples);
    let nowhere = || ArchiveError::Other { place: place.to_owned(), what: "sample of that problem" };
    let at = all.iter().position(|((id, of), _)| *id == problem && *of == seed).ok_or_else(nowhere)?;
    let to = |case: Option<&Case<'_>>| {
        let ((problem, seed), _) = case?;
        scene.address("/sample", &[("at", place), ("problem", problem), ("seed", &seed.to_string())])
    };
    let (before, behind) = (to(at.checked_sub(1).and_then(|at| all.get(at))), to(all.get(at + 1)));
    let body = html! {
        (way(&[
            (place, scene.address("/evaluation", &[("at", place)])),
            ("samples", scene.address("/samples", &[("at", place)])),
            (problem, None),
        ]))
        h1 { (Name(problem)) " " small { "seed " (seed) } }
        nav.pages aria-label="samples" {
            @if let Some(before) = &before { a href=(before) rel="prev" { "← sample before" } }
            @if let Some(behind) = &behind { a href=(behind) rel="next" { "sample behind →" } }
        }
        (case(&samples, &all[at]))
    };
    Ok(View { before, behind, ..View::of(problem, body) })
}

/// A problem and what every row made of it.
fn case(samples: &Samples, (_, of): &Case<'_>) -> Markup {
    let Some(first) = of.values().next() else { return html! {} };
    let rows = samples.rows();
    let palette = Palette::of(rows.iter().copied());
    html! {
        blockquote { (Foreign(&first.question)) }
        p.gold { span { "gold" } " " (Foreign(&first.gold)) }
        div.attempts {
            @for row in rows.iter().filter(|row| of.contains_key(*row)) {
                (attempt(samples, of[row], &palette))
            }
        }
    }
}

fn attempt(samples: &Samples, record: &SampleRecord, palette: &Palette) -> Markup {
    let process = samples.process(record);
    html! {
        section class=(format!("attempt {}", palette.classes(&record.row))) data-item {
            h2 { (Name(&record.row)) }
            p.marks {
                (mark(record.correct, ["answer right", "answer wrong", "answer unscored"]))
                @if record.trace.is_some() { (mark(record.verified, ["trace verified", "trace flawed", "trace not checked"])) }
                @if record.leaked == Some(true) { span.mark.no { "✗ answer leaked" } }
            }
            @match (&record.trace, &record.completion) {
                (Some(trace), _) => (words::lines(trace, process.as_ref())),
                (None, Some(completion)) => { p.none { "no usable trace: " @if let Some(defect) = &record.defect { (Name(defect)) } } (block(completion)) },
                (None, None) => p.none { "no trace: the executor alone" },
            }
            p.numbers {
                @for (name, value) in [("w", record.with_success), ("b", record.baseline_success)] { @if value.is_some() { span { (name) " " b { (number(value)) } } " " } }
                @if let Some(tokens) = record.trace_tokens { span title=(Metric::TraceTokens.explained()) { "tokens " b { (tokens) } } }
            }
            @if let Some(rubric) = &record.rubric {
                @if let Some(score) = rubric.score { (meter("rubric score s", score, 1.0)) }
                @if let Some(labels) = &rubric.dimensions { @for (name, label) in dimension_names(record.domain).iter().zip(labels) { (meter(&name.replace('_', " "), *label, TOP_LABEL)) } }
                @if let Some(cause) = &rubric.unknown_because { p.warning { "no rubric score: " (Name(cause)) } }
            }
            h3 { "what the executor did" }
            (runs(&record.executor_completions, &record.artifacts, &record.verdicts))
            @if !record.unknown_because.is_empty() {
                p.warning { "Unknown: " @for (at, cause) in record.unknown_because.iter().enumerate() { @if at > 0 { ", " } (Name(cause)) } }
            }
        }
    }
}

/// Cases that say most: where rows differ first, then others; so many in all.
pub(super) fn telling(samples: &Samples, most: usize) -> Markup {
    let all = cases(samples);
    let differs = |case: &&Case<'_>| {
        let mut outcomes =
            case.1.values().filter(|record| record.completion.is_some()).map(|r| (r.correct, r.verified));
        let first = outcomes.next();
        outcomes.any(|other| Some(other) != first)
    };
    let chosen: Vec<&Case<'_>> =
        all.iter().filter(differs).chain(all.iter().filter(|case| !differs(case))).take(most).collect();
    html! {
        p.note { "The first " (chosen.len()) " of " (all.len()) " problems and seeds, those on which rows differ before the others." }
        @for case_ in chosen { article.example { h3 { (Name(case_.0.0)) " " small { "seed " (case_.0.1) } } (case(samples, case_)) } }
    }
}
