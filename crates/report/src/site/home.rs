//! Everything in the folder: runs with their state, evaluations, experiments, files.

use super::{
    Scene, View,
    frame::{choice, paged, search},
    query::Query,
    words::{Foreign, Name, escaped, hours, number, percent, time},
};
use maud::{Markup, html};
use tracelift_archive::{ArchiveError, Contents, RunOverview, RunState, What};
use tracelift_train::metrics::name;

/// Runs on a page.
const RUNS: usize = 100;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let contents = scene.archive.contents();
    let body = html! {
        h1 { "What there is" }
        @if contents.runs.is_empty() && contents.evaluations.is_empty() && contents.files.is_empty() {
            p.lead { "Nothing yet: no run, evaluation, experiment or group file lies in this folder or below it. Runs appear here as they begin." }
        }
        (runs(scene, &contents))
        (experiments(scene, &contents))
        (evaluations(scene, &contents))
        (files(scene, &contents))
        @if !contents.faults.is_empty() {
            section { h2 { "Not readable" }
                ul { @for (place, why) in &contents.faults { li { code { (Name(place)) } ": " (Foreign(why)) } } }
            }
        }
        @if contents.cut { p.note { "The folder holds more folders than are looked into." } }
    };
    Ok(View { live: true, ..View::of("What there is", body) })
}

/// A state, with why where it is said.
pub(super) fn state(state: &RunState) -> Markup {
    html! {
        span class=(format!("state {}", state.word())) { (state.word()) }
        @if let RunState::Failed { cause } = state { details.why { summary { "why" } (Foreign(cause)) } }
    }
}

fn runs(scene: &Scene<'_>, contents: &Contents) -> Markup {
    if contents.runs.is_empty() {
        return html! {};
    }
    let query = scene.query;
    let (wanted, word) = (query.get("state"), query.get("q").map(str::to_lowercase));
    let matches = |run: &&RunOverview| {
        let texts =
            [Some(&run.place), run.rule.as_ref(), run.model.as_ref(), run.arm.as_ref(), Some(&run.kind)];
        let found = |word: &String| texts.iter().flatten().any(|text| text.to_lowercase().contains(word));
        wanted.is_none_or(|wanted| wanted == run.state.word()) && word.as_ref().is_none_or(found)
    };
    let mut shown: Vec<&RunOverview> = contents.runs.iter().filter(matches).collect();
    // What goes on comes first, then what is new.
    shown.sort_by_key(|run| (run.state != RunState::Running, std::cmp::Reverse(run.started)));
    let (page, count, range) = paged(query, shown.len(), RUNS);
    let states: Vec<(&str, &str)> = [
        ("", "any"),
        ("running", "running"),
        ("finished", "finished"),
        ("failed", "failed"),
        ("stopped", "stopped"),
    ]
    .to_vec();
    html! {
        section id="runs" {
            h2 { "Runs " small { (shown.len()) @if shown.len() < contents.runs.len() { " of " (contents.runs.len()) } } }
            form.filters method="get" action="/" {
                (search("search", query))
                (choice("state", "state", wanted, &states))
                button { "show" }
            }
            form method="get" action="/curves" {
                div.wide { table.list {
                    thead { tr {
                        th { "" } th.left { "run" } th.left { "state" } th.left { "rule" } th.left { "model" } th { "seed" } th { "steps" }
                        th title="the mean reward of the last step" { "reward" }
                        th title="the mean outcome of the last step" { "e" }
                        th title="the share of traces of the last step that an exact checker confirms" { "verified %" }
                        th title="the best look at development problems" { "best" }
                        th title="from its beginning to its last step" { "time" }
                        th { "began" }
                    } }
                    tbody { @for run in &shown[range] { (row(scene, run)) } }
                } }
                button { "curves of the chosen runs" }
            }
            (scene.pages("/", page, count))
        }
    }
}

/// The last two names of a path, which tell a model from others.
fn end_of(model: &str) -> &str {
    let mut slashes = model.trim_end_matches('/').rmatch_indices('/');
    slashes.nth(1).map_or(model, |(at, _)| &model[at + 1..])
}

fn row(scene: &Scene<'_>, run: &RunOverview) -> Markup {
    let last = |metric: &str| run.last.as_ref().and_then(|step| step.get(metric));
    let label = format!("choose {}", run.place);
    html! {
        tr data-item {
            td { input type="checkbox" name="run" value=(run.place) aria-label=(label); }
            th scope="row" { (scene.link("/run", &[("run", &run.place)], Name(&run.place))) @if let Some(arm) = &run.arm { small { " " (Name(arm)) } } }
            td.left { (state(&run.state)) }
            td.left { @match &run.rule { Some(rule) => (Name(rule)), None => (run.kind) } @if let Some(lambda) = run.lambda { small { " λ " (lambda) } } }
            td.left { @if let Some(model) = &run.model { span title=(escaped(model)) { (Name(end_of(model))) } } }
            td { (run.seed) }
            td { (run.done()) @if let Some(steps) = run.steps { small { " / " (steps) } } }
            td { (number(last(name::REWARD))) }
            td { (number(last(name::OUTCOME))) }
            td { (percent(last(name::VERIFIED))) }
            td { @if let Some(best) = &run.best { span title=(format!("{} of step {}", best.metric, best.step)) { (number(Some(best.value))) } } }
            td { (hours(run.hours())) }
            td { (time(run.started)) }
        }
    }
}

fn experiments(scene: &Scene<'_>, contents: &Contents) -> Markup {
    html! {
        @if !contents.experiments.is_empty() {
            section id="experiments" { h2 { "Experiments" }
                div.wide { table.list {
                    thead { tr { th { "experiment" } th { "cells" } th { "finished" } th { "failed" } } }
                    tbody { @for experiment in &contents.experiments {
                        @let count = |state: &str| experiment.cells.iter().filter(|cell| cell.state == state).count();
                        tr data-item {
                            th scope="row" { (scene.link("/compare", &[("at", &experiment.place)], Name(&experiment.place))) }
                            td { (experiment.cells.len()) } td { (count("finished")) } td { (count("failed")) }
                        }
                    } }
                } }
            }
        }
    }
}

fn evaluations(scene: &Scene<'_>, contents: &Contents) -> Markup {
    html! {
        @if !contents.evaluations.is_empty() {
            section id="evaluations" { h2 { "Evaluations" }
                div.wide { table.list {
                    thead { tr { th { "evaluation" } th.left { "row" } th { "accuracy %" } th { "verified %" } th { "written" } } }
                    tbody { @for evaluation in &contents.evaluations {
                        @let mean = |at: usize, metric: &str| evaluation.rows.get(at).and_then(|row| row.means.get(metric)).copied();
                        @for at in 0..evaluation.rows.len().max(1) {
                            tr data-item[at == 0] {
                                th scope="row" { @if at == 0 { (scene.link("/evaluation", &[("at", &evaluation.place)], Name(&evaluation.place))) } }
                                td.left { @if let Some(row) = evaluation.rows.get(at) { (Name(&row.row)) } }
                                @for metric in ["accuracy", "verified_accuracy"] {
                                    td { @if let Some((mean, error)) = mean(at, metric) {
                                        (percent(Some(mean))) @if let Some(error) = error { small { " ± " (percent(Some(error))) } }
                                    } }
                                }
                                td { @if at == 0 { (time(evaluation.modified)) } }
                            }
                        }
                    } }
                } }
            }
        }
    }
}

fn files(scene: &Scene<'_>, contents: &Contents) -> Markup {
    let kinds = [
        (What::Groups, "Groups", "/groups"),
        (What::Scorers, "Reward models", "/scorers"),
        (What::Ledger, "Reward ledgers", "/ledger"),
    ];
    html! {
        @for (what, title, path) in kinds {
            @if contents.of(what).next().is_some() {
                section { h2 { (title) }
                    div.wide { table.list {
                        thead { tr { th { "file" } th { "size" } th { "written" } } }
                        tbody { @for file in contents.of(what) {
                            tr data-item {
                                th scope="row" { (scene.link(path, &[("at", &file.place)], Name(&file.place))) }
                                td { (format!("{:.1} MB", file.bytes as f64 / 1e6)) } td { (time(file.modified)) }
                            }
                        } }
                    } }
                }
            }
        }
        @if contents.experiments.is_empty() && contents.runs.len() > 1 {
            p { "All trainings and evaluations here, with differences: " a href=(Query::of(&[("at", ".")]).at("/compare")) { "side by side" } "." }
        }
    }
}
