//! Learning curves: which metrics are drawn, in which order, and what is said of those that are missing.

use crate::{
    Run,
    chart::{Chart, Point, Ruler, Series, Stroke},
    markup::Escaped,
    palette::Palette,
};
use std::collections::BTreeSet;
use tracelift_train::metrics::name;

/// In what a metric is told.
#[derive(Clone, Copy)]
enum Unit {
    Plain,
    /// A share, told in per cent.
    Share,
    Tokens,
    Seconds,
    Nats,
}

struct Known {
    metric: &'static str,
    title: &'static str,
    unit: Unit,
}

const fn known(metric: &'static str, title: &'static str, unit: Unit) -> Known {
    Known { metric, title, unit }
}

/// Charts that belong together.
struct Theme {
    title: &'static str,
    /// Whether a reader wants it at once; the others unfold.
    central: bool,
    charts: &'static [Known],
}

const THEMES: &[Theme] = &[
    Theme {
        title: "Reward",
        central: true,
        charts: &[
            known(name::REWARD, "Mean reward", Unit::Plain),
            known(name::REWARD_SPREAD, "Reward spread within groups", Unit::Plain),
            known(name::ZERO_SPREAD, "Groups without spread", Unit::Share),
            known(name::UNKNOWN, "Unknown rewards", Unit::Share),
        ],
    },
    Theme {
        title: "Executor",
        central: true,
        charts: &[
            known(name::OUTCOME, "Outcome e", Unit::Plain),
            known(name::WITH_TRACE, "Success with the trace, w", Unit::Plain),
            known(name::WITHOUT_TRACE, "Success without a trace, b", Unit::Plain),
            known(name::UPLIFT, "Uplift u = w − b", Unit::Plain),
        ],
    },
    Theme {
        title: "Reasons",
        central: true,
        charts: &[
            known(name::VERIFIED, "Verified traces", Unit::Share),
            known(name::RUBRIC, "Rubric score s", Unit::Plain),
            known(name::REASON_REWARD, "Reason reward s·u", Unit::Plain),
        ],
    },
    Theme {
        title: "Traces",
        central: true,
        charts: &[
            known(name::TRACE_TOKENS, "Trace length", Unit::Tokens),
            known(name::LEAKED, "Leaked answers", Unit::Share),
            known(name::DEFECTIVE, "Completions without a trace", Unit::Share),
            known(name::TRUNCATED, "Completions cut off", Unit::Share),
        ],
    },
    Theme {
        title: "Optimisation",
        central: false,
        charts: &[
            known(name::LOSS, "Policy loss", Unit::Plain),
            known(name::KL, "KL to the start policy", Unit::Nats),
            known(name::ENTROPY, "Entropy", Unit::Nats),
            known(name::CLIPPED, "Clipped tokens", Unit::Share),
            known(name::GRADIENT_NORM, "Gradient norm", Unit::Plain),
            known(name::LEARNING_RATE, "Learning rate", Unit::Plain),
            known(name::LOGPROB_GAP, "Sampler against trainer", Unit::Nats),
        ],
    },
    Theme {
        title: "Cost",
        central: false,
        charts: &[
            known(name::CALLS, "Executor calls", Unit::Plain),
            known(name::FAILED_CALLS, "Failed executor calls", Unit::Plain),
            known(name::EXECUTOR_TOKENS, "Executor tokens", Unit::Plain),
        ],
    },
];

/// The learning curves of all runs.
pub(crate) fn section(runs: &[Run], palette: &Palette) -> String {
    let window = window(runs);
    let mut html = format!(
        "<p>Dots are single steps; lines and the numbers in the legends are means over the last {window} steps. A line \
         is broken where a value is unknown.</p>\n"
    );
    let recorded: BTreeSet<&str> =
        runs.iter().flat_map(|run| &run.metrics).flat_map(|step| step.iter().map(|(name, _)| name)).collect();
    let mut shown = BTreeSet::new();
    let mut missing = Vec::new();
    for theme in THEMES {
        let mut charts: Vec<(&str, String, Unit)> =
            theme.charts.iter().map(|known| (known.metric, known.title.to_owned(), known.unit)).collect();
        if theme.title == "Cost" {
            let stages = recorded.iter().filter(|metric| metric.starts_with(name::SECONDS));
            charts.extend(stages.map(|metric| (*metric, stage_title(metric), Unit::Seconds)));
        }
        shown.extend(charts.iter().map(|(metric, _, _)| *metric));
        let (there, not_there): (Vec<_>, Vec<_>) =
            charts.into_iter().partition(|(metric, _, _)| recorded.contains(metric));
        missing.extend(not_there.into_iter().map(|(_, title, _)| title));
        html.push_str(&themed(theme.title, theme.central, &there, runs, palette, window));
    }
    let others: Vec<(&str, String, Unit)> = recorded
        .iter()
        .filter(|metric| !shown.contains(*metric))
        .map(|metric| (*metric, (*metric).to_owned(), Unit::Plain))
        .collect();
    html.push_str(&themed("Further metrics", false, &others, runs, palette, window));
    if !missing.is_empty() {
        html.push_str(&format!("<p class=\"note\">Not recorded by any run: {}.</p>\n", missing.join("; ")));
    }
    html
}

/// `seconds/sample` → "Sample".
fn stage_title(metric: &str) -> String {
    let stage = metric.trim_start_matches(name::SECONDS).replace(['_', '/'], " ");
    let mut letters = stage.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// How many steps the lines average: about a fifteenth of the longest run.
fn window(runs: &[Run]) -> usize {
    let longest = runs.iter().map(|run| run.metrics.len()).max().unwrap_or(0);
    (longest / 15).clamp(1, 25)
}

fn themed(
    title: &str,
    central: bool,
    charts: &[(&str, String, Unit)],
    runs: &[Run],
    palette: &Palette,
    window: usize,
) -> String {
    if charts.is_empty() {
        return String::new();
    }
    // A run that has nothing to do with the theme is not blamed for it.
    let concerned: Vec<&Run> =
        runs.iter().filter(|run| charts.iter().any(|(metric, _, _)| is_recorded(run, metric))).collect();
    let figures: String = charts
        .iter()
        .map(|(metric, title, unit)| chart(metric, title, *unit, &concerned, palette, window).figure())
        .collect();
    let figures = format!("<div class=\"charts\">\n{figures}</div>\n");
    let title = Escaped(title);
    if central {
        format!("<h3>{title}</h3>\n{figures}")
    } else {
        format!("<details><summary><h3>{title}</h3></summary>\n{figures}</details>\n")
    }
}

fn is_recorded(run: &Run, metric: &str) -> bool {
    run.metrics.iter().any(|step| step.iter().any(|(name, _)| name == metric))
}

fn chart(metric: &str, title: &str, unit: Unit, runs: &[&Run], palette: &Palette, window: usize) -> Chart {
    let (factor, unit) = match unit {
        Unit::Plain => (1.0, ""),
        Unit::Share => (100.0, "%"),
        Unit::Tokens => (1.0, "tokens"),
        Unit::Seconds => (1.0, "s"),
        Unit::Nats => (1.0, "nats/token"),
    };
    let (mut series, mut remarks) = (Vec::new(), Vec::new());
    for run in runs {
        let points: Vec<Point> = run
            .metrics
            .iter()
            .map(|step| Point {
                x: step.step as f64,
                y: step.get(metric).map(|value| factor * value),
                error: None,
            })
            .collect();
        let unknown = points.iter().filter(|point| point.y.is_none()).count();
        if !is_recorded(run, metric) {
            remarks.push((run.name.clone(), "not recorded".to_owned()));
        } else if unknown == points.len() {
            remarks.push((run.name.clone(), "unknown at every step".to_owned()));
        } else {
            if unknown > 0 {
                let steps = if unknown == 1 { "step" } else { "steps" };
                remarks.push((run.name.clone(), format!("unknown at {unknown} {steps}")));
            }
            let classes = palette.classes(&run.name);
            series.push(Series { name: run.name.clone(), classes, points });
        }
    }
    let stroke = Stroke::MovingAverage(window);
    Chart {
        title: title.to_owned(),
        unit: unit.to_owned(),
        x_title: "step".to_owned(),
        ruler: Ruler::Whole,
        stroke,
        series,
        remarks,
    }
}
