//! A comparison for people and programs.

use super::Comparison;
use super::contrast::{ArmResult, Contrast, TestSet};
use super::course::{Cost, Curve, Judged};
use crate::metric::signed;
use crate::{EvalError, Grid, Metric};
use std::collections::BTreeSet;
use tracelift_statistics::{OverSeeds, Problems};
use tracelift_train::diagnosis::{Change, Diagnosis};

/// How a comparison is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// Markdown.
    Markdown,
    /// One table of everything, a number a line, shares from 0 to 1.
    Csv,
    /// Tables of the package `booktabs`.
    Latex,
    /// Everything, with names.
    Json,
}

/// A table with its title and what must be said below it.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it is of.
    pub title: String,
    /// The table.
    pub grid: Grid,
    /// What its numbers are, and what is to be borne in mind.
    pub notes: Vec<String>,
}

impl Comparison {
    /// All of it.
    ///
    /// # Errors
    /// When a number cannot be written as JSON.
    pub fn written(&self, format: Format) -> Result<String, EvalError> {
        Ok(match format {
            Format::Text => self.text(),
            Format::Markdown => self.markdown(),
            Format::Latex => self.latex(),
            Format::Csv => self.csv(),
            Format::Json => {
                let text = serde_json::to_string_pretty(self)
                    .map_err(|source| EvalError::Encode { what: "a comparison", source })?;
                text + "\n"
            }
        })
    }

    fn text(&self) -> String {
        let sections = self.drawn_sections(Drawn::Yes).into_iter().map(|section| {
            let notes: String = section.notes.iter().map(|note| format!("  {note}\n")).collect();
            format!("{}\n{}{notes}", section.title, section.grid.text())
        });
        let notes = self.notes.iter().map(|note| format!("note: {note}\n"));
        sections.chain(notes).collect::<Vec<_>>().join("\n")
    }

    fn markdown(&self) -> String {
        let sections = self.drawn_sections(Drawn::Yes).into_iter().map(|section| {
            let notes: String = section.notes.iter().map(|note| format!("- {note}\n")).collect();
            let gap = if notes.is_empty() { "" } else { "\n" };
            format!("**{}**\n\n{}{gap}{notes}", section.title, section.grid.markdown())
        });
        let notes = self.notes.iter().map(|note| format!("- {note}\n"));
        sections.chain(notes).collect::<Vec<_>>().join("\n")
    }

    fn latex(&self) -> String {
        let comment = |text: &str| format!("% {text}\n");
        let sections = self.drawn_sections(Drawn::No).into_iter().map(|section| {
            let notes: String = section.notes.iter().map(|note| comment(note)).collect();
            format!("{}{}{notes}", comment(&section.title), section.grid.latex())
        });
        let notes = self.notes.iter().map(|note| comment(note));
        sections.chain(notes).collect::<Vec<_>>().join("\n")
    }

    /// The tables, for whoever draws curves by other means.
    #[must_use]
    pub fn sections(&self) -> Vec<Section> {
        self.drawn_sections(Drawn::No)
    }

    fn drawn_sections(&self, drawn: Drawn) -> Vec<Section> {
        let mut sections = Vec::new();
        for test in &self.tests {
            sections.push(means(test));
            sections.extend(differences(test));
        }
        sections.extend(curves(&self.curves, drawn));
        sections.extend(costs(&self.costs));
        sections.extend(diagnoses(&self.diagnoses));
        sections
    }

    fn csv(&self) -> String {
        let mut text = CSV_HEADER.join(",") + "\n";
        let mut add = |cells: [String; 15]| {
            text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
            text.push('\n');
        };
        for test in &self.tests {
            test.arms.iter().for_each(|arm| csv_means(test, arm, &mut add));
            test.contrasts.iter().for_each(|contrast| add(csv_contrast(test, contrast)));
        }
        for curve in &self.curves {
            csv_curve(curve, &mut add);
        }
        for cost in &self.costs {
            csv_cost(cost, &mut add);
        }
        for judged in &self.diagnoses {
            csv_judged(judged, &mut add);
        }
        text
    }
}

/// Whether curves are drawn with block characters, which LaTeX does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawn {
    Yes,
    No,
}

const NOTHING: &str = "–";

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn or_nothing(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| NOTHING.to_owned())
}

fn means(test: &TestSet) -> Section {
    let measured: Vec<Metric> = Metric::ALL
        .into_iter()
        .filter(|metric| !metric.is_cost())
        .filter(|metric| {
            let mut means = test.arms.iter().filter_map(|arm| Some(arm.metrics.get(metric)?.over_seeds.mean));
            means.any(|mean| !metric.is_expected(mean))
        })
        .collect();
    let mut header = names(&["arm", "seeds", "problems"]);
    header.extend(measured.iter().map(|metric| metric.title().to_owned()));
    let cell = |arm: &ArmResult, metric: Metric| {
        let found = arm.metrics.get(&metric)?;
        let error = found.error().map(|error| format!(" ± {:.1}", metric.scaled(error)));
        Some(metric.format(found.over_seeds.mean) + &error.unwrap_or_default())
    };
    let row = |arm: &ArmResult| {
        let mut cells = vec![arm.arm.clone(), arm.seeds.len().to_string(), arm.problems.to_string()];
        cells.extend(measured.iter().map(|metric| or_nothing(cell(arm, *metric))));
        cells
    };
    let mut notes = vec![
        "Means over seeds ± s/√S of the seeds; with one seed, ± its standard error clustered by problem, which says nothing of \
         other seeds. Shares in per cent, uplift in percentage points."
            .to_owned(),
    ];
    let executors: BTreeSet<&_> = test.arms.iter().flat_map(|arm| &arm.executors).collect();
    match executors.len() {
        1 => notes
            .extend(executors.iter().map(|executor| format!("Executor {executor}, the same in every row."))),
        _ => notes.push(format!("{} executors: only rows of one may be compared.", executors.len())),
    }
    let unscored: Vec<String> = test
        .arms
        .iter()
        .filter(|arm| arm.unscored > 0)
        .map(|arm| format!("{} of {}", arm.unscored, arm.arm))
        .collect();
    if !unscored.is_empty() {
        notes.push(format!("Unscored and left out: {}.", unscored.join(", ")));
    }
    Section {
        title: test.name.clone(),
        grid: Grid { header, rows: test.arms.iter().map(row).collect() },
        notes,
    }
}

fn differences(test: &TestSet) -> Option<Section> {
    if test.contrasts.is_empty() && test.refused.is_empty() {
        return None;
    }
    // Of several seeds the interval says enough; of one evaluation it is asked what it could have found.
    let single = test.contrasts.iter().any(|contrast| contrast.seeds.len() == 1);
    let mut header =
        names(&["difference", "metric", "seeds", "mean", "SE", "95 % interval", "p", "p (Holm)"]);
    header.extend(single.then(|| "detectable".to_owned()));
    let row = |contrast: &Contrast| {
        let Contrast { metric, found, .. } = contrast;
        let points = |value: f64| signed(metric.scaled(value));
        let interval = found.interval.map(|(low, high)| format!("{} … {}", points(low), points(high)));
        let mut cells = vec![
            format!("{} − {}", contrast.arm, contrast.against),
            metric.title().to_owned(),
            contrast.seeds.len().to_string(),
            points(found.difference.mean),
            or_nothing(found.standard_error.map(|error| format!("{:.1}", metric.scaled(error)))),
            or_nothing(interval),
            or_nothing(found.p.map(chance)),
            or_nothing(contrast.p_adjusted.map(chance)),
        ];
        let detectable = found.detectable.map(|least| format!("{:.1}", metric.scaled(least)));
        cells.extend(single.then(|| or_nothing(detectable)));
        cells
    };
    let mut notes = Vec::new();
    if let Some(first) = test.contrasts.first() {
        notes.push(
            "Paired by seed and problem; SE by a bootstrap over seeds, then problems; intervals and p by Student's t of the seeds \
             less one. p (Holm) is adjusted over the comparisons of a metric in this table."
                .to_owned(),
        );
        let alone = test.contrasts.iter().filter(|contrast| contrast.seeds.len() == 1);
        for (contrast, found) in alone.filter_map(|one| Some((one, one.discordant?))) {
            notes.push(format!(
                "{} − {}: the first answers differ on {} problems, {} to {} (McNemar, exact: p {}).",
                contrast.arm,
                contrast.against,
                found.ahead + found.behind,
                found.ahead,
                found.behind,
                if found.p < 0.001 { chance(found.p) } else { format!("= {}", chance(found.p)) }
            ));
        }
        if first.seeds.len() > 1 {
            notes.push(match first.problems {
                Problems::Shared => "All seeds have the same problems.".to_owned(),
                Problems::OfEachSeed => "Each seed has problems of its own.".to_owned(),
            });
        }
        if test.contrasts.iter().any(|contrast| contrast.seeds.len() == 1) {
            notes.push(
                "With one seed the error is that of the problems: other seeds may say otherwise. detectable: the true difference that as many \
                 problems find four times out of five."
                    .to_owned(),
            );
        }
    }
    notes.extend(test.refused.iter().cloned());
    let rows = test.contrasts.iter().map(row).collect();
    Some(Section { title: format!("{}: differences", test.name), grid: Grid { header, rows }, notes })
}

/// A chance in two significant digits.
fn chance(p: f64) -> String {
    if p < 0.001 { "<0.001".to_owned() } else { format!("{p:.3}") }
}

/// Columns of a curve at so many places from its beginning to its end.
const PLACES: usize = 5;
/// Characters of a drawn curve.
const WIDTH: usize = 24;

fn curves(curves: &[Curve], drawn: Drawn) -> Option<Section> {
    let longest = curves.iter().map(|curve| curve.points.len()).max()?;
    let places = PLACES.min(longest);
    let mut header = names(&["arm", "metric"]);
    header.extend((1..=places).map(|place| format!("{place}/{places}")));
    if drawn == Drawn::Yes {
        header.push("curve".to_owned());
    }
    let row = |curve: &Curve| {
        let mut cells = vec![curve.arm.clone(), curve.metric.clone()];
        let points = &curve.points;
        cells.extend((1..=places).map(|place| {
            let at = (place * points.len()).div_ceil(places).max(1) - 1;
            let OverSeeds { mean, between, .. } = points[at.min(points.len() - 1)].value;
            let error = between.map(|between| format!(" ± {:.1}", 100.0 * between));
            format!("{:.1}{}", 100.0 * mean, error.unwrap_or_default())
        }));
        if drawn == Drawn::Yes {
            cells.push(sparkline(curve, curves));
        }
        cells
    };
    let steps = curves.iter().filter_map(|curve| curve.points.last()).map(|point| point.step).max()?;
    let notes = vec![format!(
        "In per cent, at fractions of each training (the longest has {steps} steps); ± s/√S of the seeds. Curves of one metric have one scale."
    )];
    Some(Section {
        title: "learning curves".to_owned(),
        grid: Grid { header, rows: curves.iter().map(row).collect() },
        notes,
    })
}

/// A curve in block characters, on the scale of all curves of its metric.
fn sparkline(curve: &Curve, all: &[Curve]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let same = all.iter().filter(|other| other.metric == curve.metric);
    let values = || same.clone().flat_map(|curve| curve.points.iter().map(|point| point.value.mean));
    let low = values().fold(f64::INFINITY, f64::min);
    let span = values().fold(f64::NEG_INFINITY, f64::max) - low;
    let points = &curve.points;
    let width = WIDTH.min(points.len());
    (0..width)
        .map(|at| {
            let (from, to) = (at * points.len() / width, ((at + 1) * points.len()).div_ceil(width));
            let some = &points[from..to.max(from + 1)];
            let mean = some.iter().map(|point| point.value.mean).sum::<f64>() / some.len() as f64;
            let share = if span > 0.0 { (mean - low) / span } else { 0.5 };
            BLOCKS[((share * 8.0) as usize).min(7)]
        })
        .collect()
}

fn costs(costs: &[Cost]) -> Option<Section> {
    let stages: BTreeSet<&String> = costs.iter().flat_map(|cost| cost.seconds.keys()).collect();
    let mut header =
        names(&["arm", "seeds", "steps", "executor calls", "for looks", "executor tokens", "planner tokens"]);
    header.extend(stages.iter().map(|stage| format!("{stage} (s)")));
    let row = |cost: &Cost| {
        let mut cells = vec![cost.arm.clone(), cost.seeds.to_string()];
        let counts = [Some(cost.steps), Some(cost.calls), Some(cost.dev_calls), Some(cost.executor_tokens)];
        let counts = counts.into_iter().chain([cost.planner_tokens]);
        cells.extend(counts.map(|count| or_nothing(count.map(|count| format!("{count:.0}")))));
        cells.extend(
            stages
                .iter()
                .map(|stage| or_nothing(cost.seconds.get(*stage).map(|seconds| format!("{seconds:.1}")))),
        );
        cells
    };
    let notes = vec!["A training each, the mean over seeds; calls of baselines count.".to_owned()];
    let rows: Vec<Vec<String>> = costs.iter().map(row).collect();
    (!rows.is_empty()).then(|| Section { title: "cost".to_owned(), grid: Grid { header, rows }, notes })
}

fn per_cent(share: Option<f64>) -> String {
    or_nothing(share.map(|share| {
        let digits = format!("{:.0}", 100.0 * share.abs());
        if share < 0.0 && digits != "0" { format!("−{digits}") } else { digits }
    }))
}

fn two_digits(value: Option<f64>) -> String {
    or_nothing(value.map(|value| format!("{value:.2}")))
}

fn changed(change: Option<Change>) -> String {
    or_nothing(change.map(|Change { by, error }| {
        let error = error.map(|error| format!(" ± {:.1}", 100.0 * error));
        signed(100.0 * by) + &error.unwrap_or_default()
    }))
}

fn diagnoses(judged: &[Judged]) -> Vec<Section> {
    if judged.is_empty() {
        return Vec::new();
    }
    let credit = Grid {
        header: names(&[
            "run",
            "outcome",
            "rubric",
            "uplift",
            "joint",
            "beside",
            "order: outcome",
            "equals",
            "against",
            "no spread",
        ]),
        rows: judged.iter().map(credit_row).collect(),
    };
    let watch = Grid {
        header: names(&[
            "run",
            "rubric flat",
            "spread",
            "at top",
            "r(s, u)",
            "AUC",
            "AUC if right",
            "Δs",
            "Δverified",
            "Δe",
            "Δu",
        ]),
        rows: judged.iter().map(watch_row).collect(),
    };
    vec![
        Section {
            title: "what moved the planner".to_owned(),
            grid: credit,
            notes: vec![
                "In per cent: shares of the squared advantages that parts of the reward make (beside: format and length), of pairs \
                 whose order is the outcome's, or lies between equal outcomes, or against it; of groups without spread."
                    .to_owned(),
            ],
        },
        Section {
            title: "what the rubric said".to_owned(),
            grid: watch,
            notes: std::iter::once(
                "Groups whose scores spread by less than 0.05, their mean spread, scores from 0.95 on; correlation of score and uplift \
                 within groups; area under the ROC curve against the exact checker, of all traces and of those with a right answer; from \
                 the first quarter of the steps to the last, in points."
                    .to_owned(),
            )
            .chain(judged.iter().flat_map(warnings))
            .collect(),
        },
    ]
}

fn run_name(judged: &Judged) -> String {
    format!("{}, seed {}", judged.arm, judged.seed)
}

fn credit_row(judged: &Judged) -> Vec<String> {
    let Diagnosis { credit, decided, without_spread, .. } = &judged.diagnosis;
    let part = |of: fn(&tracelift_train::diagnosis::Credit) -> f64| per_cent(credit.as_ref().map(of));
    vec![
        run_name(judged),
        part(|credit| credit.outcome),
        part(|credit| credit.rubric),
        part(|credit| credit.uplift),
        part(|credit| credit.joint),
        part(|credit| credit.format + credit.length),
        per_cent(decided.map(|decided| decided.by_outcome)),
        per_cent(decided.map(|decided| decided.between_equals)),
        per_cent(decided.map(|decided| decided.against_outcome)),
        per_cent(*without_spread),
    ]
}

fn watch_row(judged: &Judged) -> Vec<String> {
    let Diagnosis { rubric, correlation, agreement, drift, .. } = &judged.diagnosis;
    vec![
        run_name(judged),
        per_cent(rubric.map(|rubric| rubric.flat)),
        two_digits(rubric.map(|rubric| rubric.spread)),
        per_cent(rubric.map(|rubric| rubric.at_top)),
        two_digits(*correlation),
        two_digits(agreement.and_then(|agreement| agreement.auc)),
        two_digits(agreement.and_then(|agreement| agreement.auc_if_right)),
        changed(drift.rubric),
        changed(drift.verified),
        changed(drift.outcome),
        changed(drift.uplift),
    ]
}

/// From here on most groups are not told apart.
const SATURATED: f64 = 0.5;

fn warnings(judged: &Judged) -> Vec<String> {
    let run = run_name(judged);
    let mut told = Vec::new();
    if let Some(rubric) = judged.diagnosis.rubric.filter(|rubric| rubric.flat > SATURATED) {
        told.push(format!(
            "{run}: the rubric is saturated. In {:.0} % of the groups it does not tell traces apart, and what is left of the reward is \
             the order of the outcome.",
            100.0 * rubric.flat
        ));
    }
    if judged.diagnosis.drift.pleases_the_reader() == Some(true) {
        told.push(format!(
            "{run}: the rubric's score rose while verified traces got fewer. The planner learns to please the reader."
        ));
    }
    told
}

const CSV_HEADER: [&str; 15] = [
    "table",
    "test",
    "arm",
    "against",
    "metric",
    "seed",
    "step",
    "executor_calls",
    "seeds",
    "problems",
    "value",
    "error",
    "low",
    "high",
    "p_holm",
];

/// A cell of CSV (RFC 4180).
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// A number to six digits: more are those of a machine's mathematical library.
fn digits(value: f64) -> String {
    let short = format!("{value:.5e}");
    short.parse::<f64>().map_or(short, |value| value.to_string())
}

/// A line of the table, most cells of which are empty.
#[derive(Default)]
struct Line {
    table: &'static str,
    test: String,
    arm: String,
    against: String,
    metric: String,
    seed: Option<u64>,
    step: Option<u64>,
    calls: Option<f64>,
    seeds: Option<usize>,
    problems: Option<usize>,
    value: Option<f64>,
    error: Option<f64>,
    band: Option<(f64, f64)>,
    p: Option<f64>,
}

impl Line {
    fn cells(self) -> [String; 15] {
        fn text<T: ToString>(value: Option<T>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        let number = |value: Option<f64>| value.map(digits).unwrap_or_default();
        [
            self.table.to_owned(),
            self.test,
            self.arm,
            self.against,
            self.metric,
            text(self.seed),
            text(self.step),
            number(self.calls),
            text(self.seeds),
            text(self.problems),
            number(self.value),
            number(self.error),
            number(self.band.map(|band| band.0)),
            number(self.band.map(|band| band.1)),
            number(self.p),
        ]
    }
}

/// A mean with what seeds differ by on either side.
fn band(value: OverSeeds) -> Option<(f64, f64)> {
    value.between.map(|between| (value.mean - between, value.mean + between))
}

fn csv_means(test: &TestSet, arm: &ArmResult, add: &mut impl FnMut([String; 15])) {
    for (metric, found) in &arm.metrics {
        let line = Line {
            table: "mean",
            test: test.name.clone(),
            arm: arm.arm.clone(),
            metric: metric.name().to_owned(),
            seeds: Some(found.over_seeds.seeds),
            problems: Some(arm.problems),
            value: Some(found.over_seeds.mean),
            error: found.error(),
            band: found.over_seeds.interval(),
            ..Line::default()
        };
        add(line.cells());
    }
}

fn csv_contrast(test: &TestSet, contrast: &Contrast) -> [String; 15] {
    let found = &contrast.found;
    let line = Line {
        table: "difference",
        test: test.name.clone(),
        arm: contrast.arm.clone(),
        against: contrast.against.clone(),
        metric: contrast.metric.name().to_owned(),
        seeds: Some(contrast.seeds.len()),
        problems: Some(found.problems),
        value: Some(found.difference.mean),
        error: found.standard_error,
        band: found.interval,
        p: contrast.p_adjusted,
        ..Line::default()
    };
    line.cells()
}

fn csv_curve(curve: &Curve, add: &mut impl FnMut([String; 15])) {
    for point in &curve.points {
        let line = Line {
            table: "curve",
            arm: curve.arm.clone(),
            metric: curve.metric.clone(),
            step: Some(point.step),
            calls: Some(point.calls),
            seeds: Some(point.value.seeds),
            value: Some(point.value.mean),
            error: point.value.between,
            band: band(point.value),
            ..Line::default()
        };
        add(line.cells());
    }
}

fn csv_cost(cost: &Cost, add: &mut impl FnMut([String; 15])) {
    let counts = [
        ("steps", Some(cost.steps)),
        ("executor_calls", Some(cost.calls)),
        ("dev_executor_calls", Some(cost.dev_calls)),
        ("executor_tokens", Some(cost.executor_tokens)),
        ("planner_tokens", cost.planner_tokens),
    ];
    let counts = counts.map(|(name, count)| (name.to_owned(), count));
    let seconds = cost.seconds.iter().map(|(stage, seconds)| (format!("seconds/{stage}"), Some(*seconds)));
    for (metric, value) in counts.into_iter().chain(seconds) {
        let line = Line {
            table: "cost",
            arm: cost.arm.clone(),
            metric,
            seeds: Some(cost.seeds),
            value,
            ..Line::default()
        };
        add(line.cells());
    }
}

fn csv_judged(judged: &Judged, add: &mut impl FnMut([String; 15])) {
    let Diagnosis { without_spread, credit, decided, rubric, correlation, agreement, drift, .. } =
        &judged.diagnosis;
    let plain = |value: Option<f64>| (value, None);
    let change = |change: Option<Change>| (change.map(|c| c.by), change.and_then(|c| c.error));
    let all = [
        ("groups_without_spread", plain(*without_spread)),
        ("credit_outcome", plain(credit.map(|c| c.outcome))),
        ("credit_rubric", plain(credit.map(|c| c.rubric))),
        ("credit_uplift", plain(credit.map(|c| c.uplift))),
        ("credit_joint", plain(credit.map(|c| c.joint))),
        ("credit_format", plain(credit.map(|c| c.format))),
        ("credit_length", plain(credit.map(|c| c.length))),
        ("order_by_outcome", plain(decided.map(|d| d.by_outcome))),
        ("order_between_equals", plain(decided.map(|d| d.between_equals))),
        ("order_against_outcome", plain(decided.map(|d| d.against_outcome))),
        ("rubric_flat", plain(rubric.map(|r| r.flat))),
        ("rubric_spread", plain(rubric.map(|r| r.spread))),
        ("rubric_at_top", plain(rubric.map(|r| r.at_top))),
        ("correlation_s_u", plain(*correlation)),
        ("auc", plain(agreement.and_then(|a| a.auc))),
        ("auc_if_right", plain(agreement.and_then(|a| a.auc_if_right))),
        ("drift_rubric", change(drift.rubric)),
        ("drift_verified", change(drift.verified)),
        ("drift_outcome", change(drift.outcome)),
        ("drift_uplift", change(drift.uplift)),
    ];
    for (metric, (value, error)) in all.into_iter().filter(|(_, (value, _))| value.is_some()) {
        let line = Line {
            table: "diagnosis",
            arm: judged.arm.clone(),
            seed: Some(judged.seed),
            metric: metric.to_owned(),
            value,
            error,
            ..Line::default()
        };
        add(line.cells());
    }
}
