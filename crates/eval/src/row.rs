//! Rows: a planner's samples summed up, over all problems and per level.

use crate::{Estimate, EvalError, Measurement, SampleRecord};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::Fingerprint;

/// What an evaluation measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of samples whose answer is right.
    Accuracy,
    /// Share of samples whose answer *and* trace are right.
    VerifiedAccuracy,
    /// Share of samples that are right for the wrong reasons: the answer is right, the trace is not.
    WrongReasons,
    /// The same as a share of the samples whose answer is right.
    WrongReasonsOfRight,
    /// `u = w − b`.
    Uplift,
    /// What a reader of traces says of them, `s`.
    Rubric,
    /// Length of a trace in tokens.
    TraceTokens,
    /// Share of traces that state the answer or contain a program.
    LeakRate,
}

impl Metric {
    /// Every metric, in the order of a table's columns.
    pub const ALL: [Metric; 8] = [
        Metric::Accuracy,
        Metric::VerifiedAccuracy,
        Metric::WrongReasons,
        Metric::WrongReasonsOfRight,
        Metric::Uplift,
        Metric::Rubric,
        Metric::TraceTokens,
        Metric::LeakRate,
    ];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::VerifiedAccuracy => "verified_accuracy",
            Metric::WrongReasons => "wrong_reasons",
            Metric::WrongReasonsOfRight => "wrong_reasons_of_right",
            Metric::Uplift => "uplift",
            Metric::Rubric => "rubric",
            Metric::TraceTokens => "trace_tokens",
            Metric::LeakRate => "leak_rate",
        }
    }

    /// What heads its column.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::VerifiedAccuracy => "verified",
            Metric::WrongReasons => "wrong reasons",
            Metric::WrongReasonsOfRight => "wrong if right",
            Metric::Uplift => "uplift",
            Metric::Rubric => "rubric",
            Metric::TraceTokens => "trace tokens",
            Metric::LeakRate => "leaked",
        }
    }

    /// What its numbers are, for whoever points at one.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Metric::Accuracy => {
                "share of samples whose answer is right, in per cent ± its standard error, clustered by problem"
            }
            Metric::VerifiedAccuracy => {
                "share of samples whose answer and trace are right, where an exact checker knows the trace"
            }
            Metric::WrongReasons => {
                "share of samples that are right for the wrong reasons: answer right, trace not"
            }
            Metric::WrongReasonsOfRight => "right for the wrong reasons, as a share of right answers",
            Metric::Uplift => {
                "u = w − b in percentage points: success with the trace less success without any"
            }
            Metric::Rubric => "what a reader of traces says of them, s",
            Metric::TraceTokens => "length of a trace in tokens",
            Metric::LeakRate => "share of traces that state the answer or contain a program",
        }
    }

    /// A number of this metric for people, without unit: shares in per cent, uplift in percentage points with its
    /// sign, lengths in tokens.
    #[must_use]
    pub fn format(self, value: f64) -> String {
        match self {
            Metric::Uplift => signed(100.0 * value),
            Metric::TraceTokens => format!("{value:.1}"),
            _ => format!("{:.1}", 100.0 * value),
        }
    }

    /// A standard error, or a difference when `signed`, in the units of [`Metric::format`].
    #[must_use]
    pub(crate) fn scaled(self, value: f64) -> f64 {
        if self == Metric::TraceTokens { value } else { 100.0 * value }
    }

    /// What a sample says about it.
    #[must_use]
    pub fn of(self, sample: &SampleRecord) -> Measurement {
        let has_trace = sample.completion.is_some();
        let share = |known: Option<bool>| {
            known.map_or(Measurement::Unknown, |yes| Measurement::Known(f64::from(u8::from(yes))))
        };
        // Both must be known even where one settles it: else the samples with an unknown trace would count when
        // their answer is wrong and drop out when it is right.
        let both = sample.correct.zip(sample.verified);
        match self {
            Metric::Accuracy => share(sample.correct),
            _ if !has_trace => Measurement::Outside,
            Metric::VerifiedAccuracy => share(both.map(|(right, verified)| right && verified)),
            Metric::WrongReasons => share(both.map(|(right, verified)| right && !verified)),
            Metric::WrongReasonsOfRight => match sample.correct {
                Some(false) => Measurement::Outside,
                _ => share(both.map(|(_, verified)| !verified)),
            },
            Metric::Uplift => sample
                .with_success
                .zip(sample.baseline_success)
                .map_or(Measurement::Unknown, |(w, b)| Measurement::Known(w - b)),
            Metric::Rubric => sample.rubric.as_ref().map_or(Measurement::Outside, |rubric| {
                rubric.score.map_or(Measurement::Unknown, Measurement::Known)
            }),
            Metric::TraceTokens => {
                sample.trace_tokens.map_or(Measurement::Unknown, |n| Measurement::Known(f64::from(n)))
            }
            Metric::LeakRate => share(sample.leaked),
        }
    }
}

/// A number with one decimal and its sign; a minus is a minus, not a hyphen.
pub(crate) fn signed(value: f64) -> String {
    let digits = format!("{:.1}", value.abs());
    match digits.as_str() {
        "0.0" => digits,
        _ if value < 0.0 => format!("−{digits}"),
        _ => format!("+{digits}"),
    }
}

/// The estimates of a row at one level of difficulty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelSummary {
    /// The level.
    pub level: u32,
    /// How many problems.
    pub problems: usize,
    /// How many samples.
    pub samples: usize,
    /// The estimates.
    pub estimates: BTreeMap<Metric, Estimate>,
}

/// A planner with a frozen executor, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowSummary {
    /// The planner's name.
    pub row: String,
    /// The executor.
    pub executor: Fingerprint,
    /// How many problems, scored or not.
    pub problems: usize,
    /// How many samples, scored or not.
    pub samples: usize,
    /// The estimates.
    pub estimates: BTreeMap<Metric, Estimate>,
    /// The same per level, where problems have levels.
    pub levels: Vec<LevelSummary>,
}

impl RowSummary {
    /// An estimate.
    #[must_use]
    pub fn estimate(&self, metric: Metric) -> Option<&Estimate> {
        self.estimates.get(&metric)
    }
}

/// Sums samples up, one row for each name and executor, in the order in which they first appear.
///
/// # Errors
/// When a sample is there twice.
pub fn summarise(samples: &[SampleRecord]) -> Result<Vec<RowSummary>, EvalError> {
    let mut rows: Vec<Vec<&SampleRecord>> = Vec::new();
    let mut positions: BTreeMap<(&str, &Fingerprint), usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for sample in samples {
        if !seen.insert((&sample.row, &sample.executor, &sample.problem_id, sample.seed)) {
            return Err(EvalError::DuplicateSample {
                row: sample.row.clone(),
                problem_id: sample.problem_id.clone(),
                seed: sample.seed,
            });
        }
        let at = *positions.entry((&sample.row, &sample.executor)).or_insert(rows.len());
        if at == rows.len() {
            rows.push(Vec::new());
        }
        rows[at].push(sample);
    }
    Ok(rows.iter().filter_map(|samples| summarise_row(samples)).collect())
}

/// Sums up samples of one row; `None` of none.
fn summarise_row(samples: &[&SampleRecord]) -> Option<RowSummary> {
    let first = samples.first()?;
    let mut by_level: BTreeMap<u32, Vec<&SampleRecord>> = BTreeMap::new();
    for sample in samples {
        if let Some(level) = sample.level {
            by_level.entry(level).or_default().push(sample);
        }
    }
    let levels = by_level.into_iter().map(|(level, samples)| LevelSummary {
        level,
        problems: count_problems(&samples),
        samples: samples.len(),
        estimates: estimates(&samples),
    });
    Some(RowSummary {
        row: first.row.clone(),
        executor: first.executor.clone(),
        problems: count_problems(samples),
        samples: samples.len(),
        estimates: estimates(samples),
        levels: levels.collect(),
    })
}

fn count_problems(samples: &[&SampleRecord]) -> usize {
    samples.iter().map(|sample| &sample.problem_id).collect::<BTreeSet<_>>().len()
}

fn estimates(samples: &[&SampleRecord]) -> BTreeMap<Metric, Estimate> {
    let estimate = |metric: Metric| {
        Estimate::clustered(samples.iter().map(|sample| (sample.problem_id.as_str(), metric.of(sample))))
    };
    // Nobody misses what was not asked for.
    let read = samples.iter().any(|sample| sample.rubric.is_some());
    let metrics = Metric::ALL.into_iter().filter(|metric| read || *metric != Metric::Rubric);
    metrics.map(|metric| (metric, estimate(metric))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_one_name_in_files() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
        }
    }
    use crate::sample::tests::sample;

    fn judged(problem: usize, correct: Option<bool>, verified: Option<bool>) -> SampleRecord {
        SampleRecord { correct, verified, ..sample("TraceLift", problem, 0) }
    }

    fn means(samples: &[SampleRecord]) -> BTreeMap<Metric, (Option<f64>, usize)> {
        let rows = summarise(samples).unwrap();
        assert_eq!(rows.len(), 1);
        rows[0].estimates.iter().map(|(metric, e)| (*metric, (e.mean, e.unscored))).collect()
    }

    #[test]
    fn right_and_verified_are_told_apart() {
        let means = means(&[
            judged(0, Some(true), Some(true)),
            judged(1, Some(true), Some(false)),
            judged(2, Some(false), Some(true)),
            judged(3, Some(false), Some(false)),
            judged(4, Some(true), Some(true)),
        ]);
        assert_eq!(means[&Metric::Accuracy], (Some(0.6), 0));
        assert_eq!(means[&Metric::VerifiedAccuracy], (Some(0.4), 0));
        assert_eq!(means[&Metric::WrongReasons], (Some(0.2), 0));
        assert_eq!(means[&Metric::WrongReasonsOfRight], (Some(1.0 / 3.0), 0));
        assert_eq!(means[&Metric::Uplift], (None, 5));
    }

    #[test]
    fn an_unknown_trace_drops_out_whatever_the_answer() {
        let means = means(&[
            judged(0, Some(true), Some(true)),
            judged(1, Some(true), None),
            judged(2, Some(false), None),
            judged(3, None, Some(false)),
        ]);
        assert_eq!(means[&Metric::Accuracy], (Some(2.0 / 3.0), 1));
        assert_eq!(means[&Metric::VerifiedAccuracy], (Some(1.0), 3));
        assert_eq!(means[&Metric::WrongReasonsOfRight], (Some(0.0), 2));
    }

    #[test]
    fn a_row_without_traces_has_no_trace_metrics() {
        let mut none = sample("no trace", 0, 0);
        (none.completion, none.trace) = (None, None);
        (none.correct, none.baseline_success) = (Some(true), Some(1.0));
        let means = means(&[none]);
        assert_eq!(means[&Metric::Accuracy], (Some(1.0), 0));
        for metric in &Metric::ALL[1..] {
            // What nobody read has no column.
            let expected = (*metric != Metric::Rubric).then_some((None, 0));
            assert_eq!(means.get(metric).copied(), expected, "{metric:?}");
        }
    }

    #[test]
    fn rows_and_levels_are_separate() {
        let mut samples = Vec::new();
        for (row, problem, level) in [("b", 0, 2), ("a", 0, 2), ("b", 1, 4), ("b", 2, 4)] {
            let correct = Some(problem != 2);
            samples.push(SampleRecord { level: Some(level), correct, ..sample(row, problem, 0) });
        }
        let rows = summarise(&samples).unwrap();
        assert_eq!(
            rows.iter().map(|r| (r.row.as_str(), r.problems)).collect::<Vec<_>>(),
            [("b", 3), ("a", 1)]
        );
        let levels = rows[0].levels.iter().map(|l| (l.level, l.estimates[&Metric::Accuracy].mean));
        assert_eq!(levels.collect::<Vec<_>>(), [(2, Some(1.0)), (4, Some(0.5))]);
    }

    #[test]
    fn a_sample_counts_once() {
        let twice = [sample("a", 1, 0), sample("a", 1, 1), sample("a", 1, 0)];
        assert!(matches!(summarise(&twice), Err(EvalError::DuplicateSample { seed: 0, .. })));
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(Metric::Accuracy.format(0.8125), "81.2");
        assert_eq!(Metric::Uplift.format(-0.25), "−25.0");
        assert_eq!(Metric::Uplift.format(0.1), "+10.0");
        assert_eq!(Metric::Uplift.format(-0.0001), "0.0");
        assert_eq!(Metric::TraceTokens.format(48.25), "48.2");
    }
}
