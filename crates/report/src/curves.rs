//! Learning curves: which metrics are drawn, in which order, and what is said of those that are missing.

use crate::{
    Run,
    chart::{Chart, Point, Ruler, Scale, Series, Stroke},
    markup::Escaped,
    palette::Palette,
};
use std::collections::{BTreeMap, BTreeSet};
use tracelift_statistics::OverSeeds;
use tracelift_train::metrics::{StepMetrics, name};

/// Along what curves are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Along {
    /// Training steps.
    #[default]
    Steps,
    /// Executor calls of training, from its beginning.
    Calls,
    /// Time since the run began.
    Hours,
}

/// Whether runs that differ in their seeds alone are one curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Seeds {
    /// Each run is a curve.
    #[default]
    Apart,
    /// The runs of an arm are one: their mean, in a band of ± s/√S.
    Banded,
}

/// How curves are read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    pub(crate) along: Along,
    /// Steps that a line averages; about a fifteenth of the longest run if nothing is said.
    pub(crate) window: Option<usize>,
    pub(crate) scale: Scale,
    pub(crate) seeds: Seeds,
}

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
    read(runs, palette, Reading::default())
}

/// The names of all metrics that any run has.
pub(crate) fn recorded(runs: &[Run]) -> BTreeSet<&str> {
    runs.iter().flat_map(|run| &run.metrics).flat_map(|step| step.iter().map(|(name, _)| name)).collect()
}

/// The learning curves of all runs, read in a way.
pub(crate) fn read(runs: &[Run], palette: &Palette, reading: Reading) -> String {
    let drawing = Drawing::of(runs, palette, reading);
    let recorded = recorded(runs);
    let mut html = format!("<p>{}</p>\n", drawing.told());
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
        html.push_str(&drawing.themed(theme.title, theme.central, &there));
    }
    let others: Vec<(&str, String, Unit)> = recorded
        .iter()
        .filter(|metric| !shown.contains(*metric))
        .map(|metric| (*metric, (*metric).to_owned(), Unit::Plain))
        .collect();
    // Where nothing else was recorded, as by trainings of other kinds, that is what one wants to see.
    html.push_str(&drawing.themed("Further metrics", shown.is_disjoint(&recorded), &others));
    if !missing.is_empty() && !shown.is_disjoint(&recorded) {
        html.push_str(&format!("<p class=\"note\">Not recorded by any run: {}.</p>\n", missing.join("; ")));
    }
    html
}

/// The curves of some metrics alone.
pub(crate) fn chosen(runs: &[Run], metrics: &[&str], palette: &Palette, reading: Reading) -> String {
    let drawing = Drawing::of(runs, palette, reading);
    let known =
        |metric: &str| THEMES.iter().flat_map(|theme| theme.charts).find(|known| known.metric == metric);
    let charts: Vec<(&str, String, Unit)> = metrics
        .iter()
        .map(|metric| match known(metric) {
            Some(known) => (*metric, known.title.to_owned(), known.unit),
            None => (*metric, (*metric).to_owned(), Unit::Plain),
        })
        .collect();
    format!("<p>{}</p>\n{}", drawing.told(), drawing.figures(&charts))
}

/// `seconds/sample` → "Sample".
fn stage_title(metric: &str) -> String {
    let stage = metric.trim_start_matches(name::SECONDS).replace(['_', '/'], " ");
    let mut letters = stage.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Runs, ready to be drawn.
struct Drawing<'a> {
    runs: &'a [Run],
    palette: &'a Palette,
    reading: Reading,
    window: usize,
}

impl<'a> Drawing<'a> {
    fn of(runs: &'a [Run], palette: &'a Palette, reading: Reading) -> Drawing<'a> {
        let longest = runs.iter().map(|run| run.metrics.len()).max().unwrap_or(0);
        let window = reading.window.unwrap_or((longest / 15).clamp(1, 25)).max(1);
        Drawing { runs, palette, reading, window }
    }

    /// What lines, dots and bands are.
    fn told(&self) -> String {
        let (window, steps) = (self.window, if self.window == 1 { "step" } else { "steps" });
        let lines = match (self.reading.seeds, window) {
            (Seeds::Apart, _) => {
                format!(
                    "Dots are single steps; lines and the numbers in the legends are means over the last {window} steps. A \
                     line is broken where a value is unknown."
                )
            }
            (Seeds::Banded, _) => format!(
                "Lines are means over the seeds of an arm and over the last {window} {steps}; bands are ± s/√S of the seeds. \
                 Where an arm has one seed, there is no band."
            ),
        };
        match self.reading.scale {
            Scale::Linear => lines,
            Scale::Logarithmic => lines + " The scale is logarithmic: what is not above zero is not drawn.",
        }
    }

    fn themed(&self, title: &str, central: bool, charts: &[(&str, String, Unit)]) -> String {
        if charts.is_empty() {
            return String::new();
        }
        let (figures, title) = (self.figures(charts), Escaped(title));
        if central {
            format!("<h3>{title}</h3>\n{figures}")
        } else {
            format!("<details><summary><h3>{title}</h3></summary>\n{figures}</details>\n")
        }
    }

    fn figures(&self, charts: &[(&str, String, Unit)]) -> String {
        // A run that has nothing to do with the theme is not blamed for it.
        let concerned: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| charts.iter().any(|(metric, _, _)| is_recorded(run, metric)))
            .collect();
        let figures: String = charts
            .iter()
            .map(|(metric, title, unit)| self.chart(metric, title, *unit, &concerned).figure())
            .collect();
        format!("<div class=\"charts\">\n{figures}</div>\n")
    }

    fn chart(&self, metric: &str, title: &str, unit: Unit, runs: &[&Run]) -> Chart {
        let (factor, unit) = match unit {
            Unit::Plain => (1.0, ""),
            Unit::Share => (100.0, "%"),
            Unit::Tokens => (1.0, "tokens"),
            Unit::Seconds => (1.0, "s"),
            Unit::Nats => (1.0, "nats/token"),
        };
        let (mut series, mut remarks) = (Vec::new(), Vec::new());
        let mut arms: BTreeMap<&str, Vec<Vec<Point>>> = BTreeMap::new();
        for run in runs {
            let points = self.points(run, metric, factor);
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
                match (self.reading.seeds, &run.arm) {
                    (Seeds::Banded, Some(arm)) => arms.entry(arm).or_default().push(points),
                    _ => series.push(self.series(&run.name, points)),
                }
            }
        }
        series.extend(arms.into_iter().map(|(arm, seeds)| self.series(arm, over_seeds(&seeds))));
        let (x_title, ruler) = match self.reading.along {
            Along::Steps => ("step", Ruler::Whole),
            Along::Calls => ("executor calls", Ruler::Round),
            Along::Hours => ("hours", Ruler::Round),
        };
        Chart {
            title: title.to_owned(),
            unit: unit.to_owned(),
            x_title: x_title.to_owned(),
            ruler,
            scale: self.reading.scale,
            stroke: match self.reading.seeds {
                Seeds::Apart => Stroke::MovingAverage(self.window),
                Seeds::Banded => Stroke::Banded(self.window),
            },
            series,
            remarks,
        }
    }

    fn series(&self, name: &str, points: Vec<Point>) -> Series {
        Series { name: name.to_owned(), classes: self.palette.classes(name), points }
    }

    fn points(&self, run: &Run, metric: &str, factor: f64) -> Vec<Point> {
        let begin =
            run.started.or_else(|| run.metrics.first().map(|step| step.wall_time)).unwrap_or_default();
        let mut calls = 0.0;
        let mut at = |step: &StepMetrics| {
            calls += step.get(name::CALLS).unwrap_or(0.0);
            match self.reading.along {
                Along::Steps => step.step as f64,
                Along::Calls => calls,
                Along::Hours => (step.wall_time - begin).max(0.0) / 3600.0,
            }
        };
        run.metrics
            .iter()
            .map(|step| Point { x: at(step), y: step.get(metric).map(|value| factor * value), error: None })
            .collect()
    }
}

/// The curves of several seeds as one, step by step: means, and what seeds differ by.
fn over_seeds(seeds: &[Vec<Point>]) -> Vec<Point> {
    let longest = seeds.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .filter_map(|at| {
            let points: Vec<&Point> = seeds.iter().filter_map(|seed| seed.get(at)).collect();
            let known: Vec<f64> = points.iter().filter_map(|point| point.y).collect();
            let over = OverSeeds::of(&known);
            let x = OverSeeds::of(&points.iter().map(|point| point.x).collect::<Vec<_>>())?.mean;
            Some(Point { x, y: over.map(|over| over.mean), error: over.and_then(|over| over.between) })
        })
        .collect()
}

fn is_recorded(run: &Run, metric: &str) -> bool {
    run.metrics.iter().any(|step| step.iter().any(|(name, _)| name == metric))
}
