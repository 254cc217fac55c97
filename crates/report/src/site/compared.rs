//! Experiments, and any trainings and evaluations side by side: cells, curves with bands, what quality costs, tables to keep.

use super::{
    Links, Scene, View,
    frame::way,
    words::{Foreign, Name},
};
use crate::{
    chart::{Chart, Point, Ruler, Scale, Series, Stroke},
    evaluation::grid,
    palette::Palette,
};
use maud::{Markup, PreEscaped, html};
use std::path::PathBuf;
use tracelift_archive::{ArchiveError, ExperimentEntry};
use tracelift_domain::Seed;
use tracelift_eval::{Comparison, CostAndQuality, CurveOverSeeds, Format, Metric, Request};

/// The seed of the bootstrap, that of `tracelift compare`: so its tables are these.
const SEED: Seed = Seed(18);

/// What is compared: the places that are asked for.
fn request(scene: &Scene<'_>) -> Result<Request, ArchiveError> {
    let places: Vec<&str> = scene.query.all("at").collect();
    let folders: Result<Vec<PathBuf>, _> = places.iter().map(|place| scene.archive.resolve(place)).collect();
    let against = scene.query.all("against").map(str::to_owned).collect();
    Ok(Request { folders: folders?, against, seed: SEED })
}

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("at")?;
    let contents = scene.archive.contents();
    let experiment = contents.experiments.iter().find(|experiment| experiment.place == place);
    let body = html! {
        (way(&[(place, None)]))
        h1 { @if experiment.is_some() { "Experiment " } @else { "Side by side " } small { (Name(place)) } }
        @if let Some(experiment) = experiment { (cells(scene, experiment)) }
        (content(scene)?)
    };
    Ok(View { live: experiment.is_some(), ..View::of("Side by side", body) })
}

/// A comparison, or why there is none yet.
pub(super) fn content(scene: &Scene<'_>) -> Result<Markup, ArchiveError> {
    Ok(match Comparison::of(&request(scene)?) {
        Ok(comparison) => html! {
            (exports(scene))
            (drawn(&comparison))
            (tables(&comparison))
        },
        Err(error) => html! { p.note { "There is nothing to compare yet: " (Foreign(&error.to_string())) } },
    })
}

/// The comparison as a file to keep: its name, and what it says.
pub(super) fn export(scene: &Scene<'_>) -> Result<(String, String), ArchiveError> {
    let (format, ending) = match scene.query.get("format") {
        Some("csv") => (Format::Csv, "csv"),
        Some("latex") => (Format::Latex, "tex"),
        Some("json") => (Format::Json, "json"),
        Some("markdown") => (Format::Markdown, "md"),
        _ => (Format::Text, "txt"),
    };
    scene.needed("at")?;
    let text = Comparison::of(&request(scene)?)?.written(format)?;
    Ok((format!("comparison.{ending}"), text))
}

fn exports(scene: &Scene<'_>) -> Markup {
    let formats =
        [("csv", "CSV"), ("latex", "LaTeX"), ("markdown", "Markdown"), ("json", "JSON"), ("text", "text")];
    html! {
        @if scene.links == Links::Served {
            p { "Keep it as " @for (at, (format, name)) in formats.iter().enumerate() { @if at > 0 { ", " } a href=(scene.query.with("format", format).at("/export")) download { (name) } } "." }
        }
    }
}

fn cells(scene: &Scene<'_>, experiment: &ExperimentEntry) -> Markup {
    let mut keys: Vec<&String> = experiment.cells.iter().flat_map(|cell| cell.settings.keys()).collect();
    keys.sort();
    keys.dedup();
    let at = |name: &str| {
        if experiment.place == "." {
            format!("cells/{name}")
        } else {
            format!("{}/cells/{name}", experiment.place)
        }
    };
    let all: Vec<String> = experiment.cells.iter().map(|cell| at(&cell.name)).collect();
    let mut pairs: Vec<(&str, &str)> = all.iter().map(|place| ("run", place.as_str())).collect();
    pairs.push(("seeds", "band"));
    html! {
        section id="cells" { h2 { "Cells " small { (experiment.cells.len()) } }
            div.wide { table.list {
                thead { tr { th { "cell" } th { "arm" } th { "seed" } @for key in &keys { th { (Name(key)) } } th { "state" } } }
                tbody { @for cell in &experiment.cells {
                    tr data-item {
                        th scope="row" { (scene.link("/run", &[("run", &at(&cell.name))], Name(&cell.name))) }
                        td.left { (Name(&cell.arm)) } td { (cell.seed) }
                        @for key in &keys { td { @if let Some(value) = cell.settings.get(*key) { (Name(value)) } } }
                        td.left { span class=(format!("state {}", cell.state)) { (Name(&cell.state)) }
                            @if let Some(cause) = &cell.cause { details.why { summary { "why" } (Foreign(cause)) } } }
                    }
                } }
            } }
            p { (scene.link("/curves", &pairs, "Curves of all cells, seeds as bands")) }
        }
    }
}

/// Curves of arms with the bands of their seeds, and what quality costs.
fn drawn(comparison: &Comparison) -> Markup {
    let curves: Vec<CurveOverSeeds<'_>> = comparison.curves_over_seeds().collect();
    let costs: Vec<CostAndQuality<'_>> = comparison.cost_and_quality(Metric::Accuracy).collect();
    let palette = Palette::of(curves.iter().map(|curve| curve.arm).chain(costs.iter().map(|cost| cost.arm)));
    let mut metrics: Vec<&str> = Vec::new();
    for curve in &curves {
        if !metrics.contains(&curve.metric) {
            metrics.push(curve.metric);
        }
    }
    let charts = metrics.iter().map(|metric| Chart {
        title: (*metric).to_owned(),
        unit: String::new(),
        x_title: "step".to_owned(),
        ruler: Ruler::Whole,
        scale: Scale::Linear,
        stroke: Stroke::Banded(1),
        series: curves
            .iter()
            .filter(|curve| curve.metric == *metric)
            .map(|curve| Series {
                name: curve.arm.to_owned(),
                classes: palette.classes(curve.arm),
                points: curve
                    .points
                    .iter()
                    .map(|(step, value)| Point { x: *step as f64, y: Some(value.mean), error: value.between })
                    .collect(),
            })
            .collect(),
        remarks: Vec::new(),
    });
    let cost = (!costs.is_empty()).then(|| Chart {
        title: "What quality costs".to_owned(),
        unit: "accuracy, %".to_owned(),
        x_title: "executor calls of a training".to_owned(),
        ruler: Ruler::Round,
        scale: Scale::Linear,
        stroke: Stroke::Joined,
        series: costs
            .iter()
            .map(|cost| Series {
                name: cost.arm.to_owned(),
                classes: palette.classes(cost.arm),
                points: vec![Point {
                    x: cost.calls,
                    y: Some(100.0 * cost.mean),
                    error: cost.error.map(|error| 100.0 * error),
                }],
            })
            .collect(),
        remarks: Vec::new(),
    });
    let figures: String = charts.chain(cost).map(|chart| chart.figure()).collect();
    html! {
        @if !figures.is_empty() {
            section id="curves" { h2 { "Curves" }
                p { "Lines are means over seeds, bands and whiskers ± s/√S of the seeds; with one seed there is no band, and a whisker is the error of its problems." }
                div.charts { (PreEscaped(figures)) }
            }
        }
    }
}

fn tables(comparison: &Comparison) -> Markup {
    html! {
        @for section in comparison.sections() {
            section { h2 { (Name(&section.title)) }
                (PreEscaped(grid(&section.grid)))
                ul.footnotes { @for note in &section.notes { li { (Foreign(note)) } } }
            }
        }
        @if !comparison.notes().is_empty() {
            section { h2 { "Left out" } ul { @for note in comparison.notes() { li { (Foreign(note)) } } } }
        }
    }
}
