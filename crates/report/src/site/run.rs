//! A run: what it is, its curves, its steps, its rollouts.

use super::{
    Scene, View, curves,
    frame::{paged, way},
    home::state,
    words::{Name, block, hours, number, percent, time},
};
use maud::{Markup, html};
use tracelift_archive::{ArchiveError, Run, RunOverview};
use tracelift_train::metrics::{StepMetrics, name};

/// Steps on a page.
const STEPS: usize = 50;

pub(super) fn view(scene: &Scene<'_>) -> Result<View, ArchiveError> {
    let place = scene.needed("run")?;
    let run = scene.archive.run(place)?;
    let overview = run.overview()?;
    let body = html! {
        (way(&[(place, None)]))
        (head(scene, &run, &overview))
        (evaluations(scene, place))
        section id="curves" { h2 { "Curves" } (curves::panel(scene, &curves::of(scene, &[place])?)) }
        (steps(scene, &run)?)
        section id="configuration" { h2 { "Configuration" }
            details { summary { "as it was resolved" } (block(run.config())) }
        }
    };
    Ok(View { live: true, ..View::of(overview.name().to_owned(), body) })
}

/// What a run is, in a few lines.
pub(super) fn head(scene: &Scene<'_>, run: &Run, overview: &RunOverview) -> Markup {
    let description = run.description();
    html! {
        h1 { (Name(overview.name())) " " (state(&overview.state)) }
        dl.facts {
            dt { "kind" } dd { (Name(&overview.kind)) }
            @if let Some(rule) = &overview.rule { dt { "rule" } dd { (Name(rule)) @if let Some(lambda) = overview.lambda { ", λ " (lambda) } } }
            @if let Some(arm) = &overview.arm { dt { "arm" } dd { (Name(arm)) } }
            @if let Some(model) = &overview.model { dt { "model" } dd { (Name(model)) } }
            dt { "seed" } dd { (overview.seed) }
            dt { "steps" } dd { (overview.done()) @if let Some(steps) = overview.steps { " of " (steps) } }
            @if let Some(best) = &overview.best { dt { "best" } dd { (Name(&best.metric)) " " (number(Some(best.value))) ", of step " (best.step) } }
            dt { "began" } dd { (time(overview.started)) ", " (hours(overview.hours())) " to its last step" }
            @for (what, print) in &description.fingerprints {
                @if let Some(print) = print.as_str() { dt { (Name(what)) } dd { code { (Name(print.get(..12).unwrap_or(print))) } } }
            }
        }
        @if scene.links == super::Links::Served {
            p { (scene.link("/rollouts", &[("run", run.place())], "All rollouts, with filters")) }
        }
    }
}

fn evaluations(scene: &Scene<'_>, place: &str) -> Markup {
    let below = if place == "." { String::new() } else { format!("{place}/") };
    let contents = scene.archive.contents();
    let mine: Vec<_> = contents.evaluations.iter().filter(|found| found.place.starts_with(&below)).collect();
    html! {
        @if !mine.is_empty() {
            p { "Evaluations: " @for (at, found) in mine.iter().enumerate() { @if at > 0 { ", " } (scene.link("/evaluation", &[("at", &found.place)], Name(&found.place))) } }
        }
    }
}

fn steps(scene: &Scene<'_>, run: &Run) -> Result<Markup, ArchiveError> {
    let rollouts: Vec<u64> = match run.description().kind.as_str() {
        "grpo" => run.rollouts(|index| index.steps().collect())?,
        _ => Vec::new(),
    };
    let (count, mut shown, pages) = run.metrics(|steps| {
        let (page, pages, range) = paged(scene.query, steps.len(), STEPS);
        // The newest ones are on the first page.
        let range = steps.len() - range.end..steps.len() - range.start;
        (steps.len(), steps[range].to_vec(), (page, pages))
    })?;
    shown.reverse();
    let columns = [
        ("reward", name::REWARD),
        ("spread", name::REWARD_SPREAD),
        ("e", name::OUTCOME),
        ("w", name::WITH_TRACE),
        ("b", name::WITHOUT_TRACE),
        ("u", name::UPLIFT),
        ("s", name::RUBRIC),
    ];
    let shares = [
        ("verified %", name::VERIFIED),
        ("no spread %", name::ZERO_SPREAD),
        ("no trace %", name::DEFECTIVE),
        ("unknown %", name::UNKNOWN),
        ("leaked %", name::LEAKED),
    ];
    let has = |metric: &str| shown.iter().any(|step| step.iter().any(|(name, _)| name == metric));
    let columns: Vec<_> = columns.into_iter().filter(|(_, metric)| has(metric)).collect();
    let shares: Vec<_> = shares.into_iter().filter(|(_, metric)| has(metric)).collect();
    if columns.is_empty() && shares.is_empty() {
        return Ok(html! {});
    }
    let step = |step: &StepMetrics| {
        let text = step.step.to_string();
        let pairs = [("run", run.place()), ("step", text.as_str())];
        match rollouts.binary_search(&step.step) {
            Ok(_) => scene.link("/step", &pairs, step.step),
            Err(_) => html! { (step.step) },
        }
    };
    Ok(html! {
        section id="steps" { h2 { "Steps " small { (count) } }
            div.wide { table.list {
                thead { tr { th { "step" } @for (title, _) in columns.iter().chain(&shares) { th { (title) } } } }
                tbody { @for found in &shown {
                    tr data-item {
                        th scope="row" { (step(found)) }
                        @for (_, metric) in &columns { td { (number(found.get(metric))) } }
                        @for (_, metric) in &shares { td { (percent(found.get(metric))) } }
                    }
                } }
            } }
            @if scene.links == super::Links::Served { (scene.pages("/run", pages.0, pages.1)) }
        }
    })
}
