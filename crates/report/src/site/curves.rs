//! Curves of one run or of several over each other.

use super::{
    Scene, View,
    frame::{choice, way},
    words::{Foreign, Name},
};
use crate::{
    Run,
    chart::Scale,
    curves::{self, Along, Reading, Seeds},
    palette::Palette,
};
use maud::{Markup, PreEscaped, html};
use tracelift_archive::ArchiveError;

/// Runs that are drawn over each other.
const MOST: usize = 32;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let mut places: Vec<&str> = scene.query.all("run").collect();
    if places.is_empty() {
        return Ok(View::of(
            "Curves",
            html! { (way(&[("curves", None)])) h1 { "Curves" } p { "No run is chosen. " a href="/" { "Choose some." } } },
        ));
    }
    let chosen = places.len();
    places.truncate(MOST);
    let runs = of(scene, &places)?;
    let body = html! {
        (way(&[("curves", None)]))
        h1 { "Curves of " (places.len()) " runs" }
        @if chosen > MOST { p.note { (chosen) " are chosen, and the first " (MOST) " drawn." } }
        ul.chosen { @for place in &places { li { (scene.link("/run", &[("run", place)], Name(place))) } } }
        (panel(scene, &runs))
    };
    Ok(View { live: true, ..View::of("Curves", body) })
}

/// Runs as they are drawn.
pub(super) fn of(scene: &Scene<'_>, places: &[&str]) -> Result<Vec<Run>, ArchiveError> {
    let arms: Vec<(String, Option<String>)> =
        scene.archive.contents().runs.into_iter().map(|run| (run.place, run.arm)).collect();
    let mut runs = Vec::new();
    for place in places {
        let run = scene.archive.run(place)?;
        let named = arms.iter().find(|(known, _)| known == place).and_then(|(_, arm)| arm.clone());
        // Runs of one rule are seeds of it, unless an experiment says otherwise.
        let by_rule =
            || run.reward().map(|reward| format!("{}, λ {}", reward.rule.title(), reward.lambda.get()));
        let overview = run.overview()?;
        let alone = places.len() == 1;
        runs.push(Run {
            name: if alone {
                overview.rule.unwrap_or_else(|| overview.kind.clone())
            } else {
                (*place).to_owned()
            },
            arm: named.or_else(by_rule),
            started: Some(overview.started as f64),
            metrics: run.metrics(<[_]>::to_vec)?,
        });
    }
    Ok(runs)
}

/// Curves with what they can be read by.
pub(super) fn panel(scene: &Scene<'_>, runs: &[Run]) -> Markup {
    if runs.iter().all(|run| run.metrics.is_empty()) {
        return html! { p.note { "No step is done yet." } };
    }
    let reading = reading(scene);
    let palette = match reading.seeds {
        Seeds::Apart => Palette::of(runs.iter().map(|run| run.name.as_str())),
        Seeds::Banded => Palette::of(runs.iter().map(|run| run.arm.as_deref().unwrap_or(&run.name))),
    };
    let metrics: Vec<&str> = scene.query.all("metric").collect();
    let drawn = match metrics.is_empty() {
        true => curves::read(runs, &palette, reading),
        false => curves::chosen(runs, &metrics, &palette, reading),
    };
    html! {
        (controls(scene, runs))
        (PreEscaped(drawn))
    }
}

pub(super) fn reading(scene: &Scene<'_>) -> Reading {
    let query = scene.query;
    Reading {
        along: match query.get("x") {
            Some("calls") => Along::Calls,
            Some("hours") => Along::Hours,
            _ => Along::Steps,
        },
        window: query.number::<usize>("smooth").map(|window| window.clamp(1, 1000)),
        scale: if query.get("y") == Some("log") { Scale::Logarithmic } else { Scale::Linear },
        seeds: if query.get("seeds") == Some("band") { Seeds::Banded } else { Seeds::Apart },
    }
}

fn controls(scene: &Scene<'_>, runs: &[Run]) -> Markup {
    let query = scene.query;
    let recorded: Vec<&str> = curves::recorded(runs).into_iter().collect();
    let metrics: Vec<(&str, &str)> =
        std::iter::once(("", "the usual ones")).chain(recorded.iter().map(|name| (*name, *name))).collect();
    html! {
        @if scene.links == super::Links::Served {
            form.filters method="get" {
                (scene.kept(&["x", "y", "smooth", "seeds", "metric"]))
                (choice("metric", "metric", query.get("metric"), &metrics))
                (choice("along", "x", query.get("x"), &[("", "steps"), ("calls", "executor calls"), ("hours", "hours")]))
                (choice("scale", "y", query.get("y"), &[("", "linear"), ("log", "logarithmic")]))
                (choice("smoothing", "smooth", query.get("smooth"), &[("", "as fits"), ("1", "none"), ("5", "5 steps"), ("25", "25 steps"), ("100", "100 steps")]))
                (choice("seeds", "seeds", query.get("seeds"), &[("", "apart"), ("band", "mean and band")]))
                button { "draw" }
            }
        }
    }
}

/// That a run could not be drawn.
pub(super) fn fault(error: &ArchiveError) -> Markup {
    html! { p.note { (Foreign(&error.to_string())) } }
}
