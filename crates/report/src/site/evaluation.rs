//! An evaluation: its table, from each cell of which one comes to the samples behind it, and how rows differ.

use super::{
    Links, Scene, View,
    frame::{choice, way},
    words::{Foreign, Name, escaped, time},
};
use crate::{evaluation, palette::Palette};
use maud::{Markup, PreEscaped, html};
use std::fs;
use tracelift_archive::{ArchiveError, Samples};
use tracelift_eval::{EvalError, Metric, RowSummary, Table};

/// What rows are told apart by, where both are known.
const DIFFERENCES: [Metric; 4] =
    [Metric::Accuracy, Metric::VerifiedAccuracy, Metric::WrongReasons, Metric::Uplift];
/// The row that others are compared with, unless another is chosen.
const BASE: &str = "base planner";

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let samples = scene.archive.samples(place)?;
    let body = html! {
        (way(&[(place, None)]))
        h1 { "Evaluation " small { (Name(place)) } }
        (content(scene, &samples)?)
    };
    Ok(View { live: true, ..View::of("Evaluation", body) })
}

/// The table and all that goes with it.
pub(super) fn content(scene: &Scene<'_>, samples: &Samples) -> Result<Markup, ArchiveError> {
    let table = samples.table()?;
    let palette = Palette::of(table.rows().iter().map(|row| row.row.as_str()));
    let written = scene.archive.resolve(&format!("{}/samples.jsonl", samples.place())).ok();
    let written = written.and_then(|path| fs::metadata(path).ok()?.modified().ok());
    let written =
        written.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map(|since| since.as_secs());
    Ok(html! {
        @if let Some(written) = written { p.note { "Written " (time(written)) "." } }
        (rows(scene, samples, &table))
        ul.footnotes { @for note in table.footnotes() { li { (escaped(&note)) } } }
        (differences(scene, samples)?)
        (PreEscaped(evaluation::by_level(&table, &palette)))
        @if scene.links == Links::Served {
            p { (scene.link("/samples", &[("at", samples.place())], "All samples, with filters")) }
        }
    })
}

fn rows(scene: &Scene<'_>, samples: &Samples, table: &Table) -> Markup {
    let metrics: Vec<Metric> = table.measured().collect();
    html! {
        div.wide { table.list {
            thead { tr { th { "planner" } @for metric in &metrics { th title=(metric.explained()) { (metric.title()) } } th { "samples" } } }
            tbody { @for row in table.rows() {
                tr data-item {
                    th scope="row" { (scene.link("/samples", &[("at", samples.place()), ("row", &row.row)], Name(&row.row))) }
                    @for metric in &metrics { td { (cell(scene, samples, row, *metric)) } }
                    td { (row.samples) }
                }
            } }
        } }
    }
}

/// A mean with its error, as a link to what it is the mean of.
fn cell(scene: &Scene<'_>, samples: &Samples, row: &RowSummary, metric: Metric) -> Markup {
    let Some(estimate) = row.estimate(metric) else { return html! { "–" } };
    let Some(mean) = estimate.mean else { return html! { span.unknown title="unknown" { "–" } } };
    let show = match metric {
        Metric::Accuracy => "right",
        Metric::VerifiedAccuracy => "verified",
        Metric::WrongReasons | Metric::WrongReasonsOfRight => "reasons",
        Metric::LeakRate => "leaked",
        Metric::Uplift => "uplift",
        _ => "",
    };
    let error = estimate.standard_error.map(|error| metric.format(error).trim_start_matches('+').to_owned());
    html! {
        (scene.link("/samples", &[("at", samples.place()), ("row", &row.row), ("show", show)], html! { (metric.format(mean)) }))
        @if let Some(error) = error { " " small { "± " (error) } }
    }
}

fn differences(scene: &Scene<'_>, samples: &Samples) -> Result<Markup, ArchiveError> {
    let rows = samples.rows();
    if rows.len() < 2 {
        return Ok(html! {});
    }
    let asked = scene.query.get("against").filter(|row| rows.contains(row));
    let against = asked.or_else(|| rows.iter().copied().find(|row| *row == BASE)).unwrap_or(rows[0]);
    let mut found = Vec::new();
    for row in rows.iter().filter(|row| **row != against) {
        for metric in DIFFERENCES {
            match samples.difference(metric, row, against) {
                Ok(difference) => found.push(Ok(difference)),
                // A row without traces has no trace metrics.
                Err(EvalError::NothingInCommon { .. }) => {}
                Err(error @ EvalError::MixedExecutors { .. }) => found.push(Err(error.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
    }
    let points = |metric: Metric, value: f64| match metric {
        Metric::Uplift => metric.format(value),
        _ if value >= 0.0 => format!("+{}", metric.format(value)),
        _ => metric.format(value).replace('-', "−"),
    };
    let choices: Vec<(&str, &str)> = rows.iter().map(|row| (*row, *row)).collect();
    Ok(html! {
        section id="differences" { h2 { "Paired differences" }
            @if scene.links == Links::Served {
                form.filters method="get" { (scene.kept(&["against"])) (choice("against", "against", Some(against), &choices)) button { "compare" } }
            }
            p.note { "Row less " (Name(against)) ", problem by problem, in percentage points; ± the paired standard error, with the 95 % interval of a bootstrap over problems. The last column leads to where they differ." }
            div.wide { table.list {
                thead { tr { th { "row" } th.left { "metric" } th { "difference" } th { "95 % interval" } th { "problems" } th { "samples" } } }
                tbody { @for difference in &found { @match difference {
                    Ok(found) => {
                        @let (low, high) = found.interval;
                        tr data-item {
                            th scope="row" { (Name(&found.row)) } td.left title=(found.metric.explained()) { (found.metric.title()) }
                            td { (points(found.metric, found.difference)) @if let Some(error) = found.standard_error { " " small { "± " (found.metric.format(error).trim_start_matches('+')) } } }
                            td { (points(found.metric, low)) " … " (points(found.metric, high)) }
                            td { (found.problems) @if found.unpaired > 0 { small { " (" (found.unpaired) " unpaired)" } } }
                            td { @if found.metric == Metric::Accuracy {
                                (scene.link("/samples", &[("at", samples.place()), ("right", &found.row), ("wrong", &found.against)], "gained"))
                                " · "
                                (scene.link("/samples", &[("at", samples.place()), ("right", &found.against), ("wrong", &found.row)], "lost"))
                            } }
                        }
                    }
                    Err(why) => { tr { td.left colspan="6" { (Foreign(why)) } } }
                } } }
            } }
        }
    })
}
