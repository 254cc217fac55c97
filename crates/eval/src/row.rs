//! Rows: a planner's samples summed up: over all problems, per benchmark, per domain and per level.

use crate::votes::{Several, several};
use crate::{Estimate, EvalError, Measurement, Metric, SampleRecord};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::{Fingerprint, TaskDomain, TraceDefect};

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

/// A row on one benchmark of a suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkSummary {
    /// Its name.
    pub benchmark: String,
    /// What its problems call for.
    pub domain: TaskDomain,
    /// How many problems, scored or not.
    pub problems: usize,
    /// How many samples, scored or not.
    pub samples: usize,
    /// The estimates.
    pub estimates: BTreeMap<Metric, Estimate>,
    /// What several samples of a problem come to, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several: Option<Several>,
    /// The completions without a usable trace, by what is wrong with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defects: BTreeMap<String, usize>,
}

/// What the benchmarks of a row come to together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Average {
    /// Over the benchmarks of a domain; over all where it is none.
    pub domain: Option<TaskDomain>,
    /// How many benchmarks.
    pub benchmarks: usize,
    /// The micro average: every sample counts alike, so that large benchmarks count for more.
    pub micro: BTreeMap<Metric, Estimate>,
    /// The macro average: every benchmark counts alike. Of what all of them know.
    pub r#macro: BTreeMap<Metric, Mean>,
}

/// The mean over benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mean {
    /// `Σ m_b/B` over the means of `B` benchmarks.
    pub mean: f64,
    /// `sqrt(Σ SE_b²)/B`: the benchmarks are what they are, and only their problems were drawn. `None` where one has no error.
    pub standard_error: Option<f64>,
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
    /// The same by how far steps of procedures reach back, where there are some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub look_backs: Vec<LevelSummary>,
    /// The completions without a usable trace, by what is wrong with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defects: BTreeMap<String, usize>,
    /// What several samples of a problem come to, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several: Option<Several>,
    /// The benchmarks of a suite, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benchmarks: Vec<BenchmarkSummary>,
    /// What they come to together: over all, and where there are several domains over each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averages: Vec<Average>,
}

impl RowSummary {
    /// An estimate.
    #[must_use]
    pub fn estimate(&self, metric: Metric) -> Option<&Estimate> {
        self.estimates.get(&metric)
    }

    /// A benchmark of the suite.
    #[must_use]
    pub fn benchmark(&self, name: &str) -> Option<&BenchmarkSummary> {
        self.benchmarks.iter().find(|summary| summary.benchmark == name)
    }

    /// The average over a domain, or over all.
    #[must_use]
    pub fn average(&self, domain: Option<TaskDomain>) -> Option<&Average> {
        self.averages.iter().find(|average| average.domain == domain)
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
    let benchmarks = by_benchmark(samples);
    Some(RowSummary {
        row: first.row.clone(),
        executor: first.executor.clone(),
        problems: count_problems(samples),
        samples: samples.len(),
        estimates: estimates(samples),
        levels: by(samples, |sample| sample.level),
        look_backs: by(samples, |sample| Some(sample.execution.as_ref()?.look_back)),
        defects: defects(samples),
        several: several(samples),
        averages: averages(&benchmarks, samples),
        benchmarks,
    })
}

/// Samples summed up by a number that some of them have.
fn by(samples: &[&SampleRecord], number: impl Fn(&SampleRecord) -> Option<u32>) -> Vec<LevelSummary> {
    let mut parts: BTreeMap<u32, Vec<&SampleRecord>> = BTreeMap::new();
    for sample in samples {
        if let Some(number) = number(sample) {
            parts.entry(number).or_default().push(sample);
        }
    }
    let summary = |(level, samples): (u32, Vec<&SampleRecord>)| LevelSummary {
        level,
        problems: count_problems(&samples),
        samples: samples.len(),
        estimates: estimates(&samples),
    };
    parts.into_iter().map(summary).collect()
}

/// The benchmarks among samples, in the order in which they first appear; none where no suite was evaluated.
fn by_benchmark(samples: &[&SampleRecord]) -> Vec<BenchmarkSummary> {
    let mut names: Vec<&str> = Vec::new();
    let mut parts: BTreeMap<&str, Vec<&SampleRecord>> = BTreeMap::new();
    for sample in samples {
        let Some(name) = sample.benchmark.as_deref() else { continue };
        if !parts.contains_key(name) {
            names.push(name);
        }
        parts.entry(name).or_default().push(sample);
    }
    let summary = |name: &str| {
        let samples = parts.get(name)?;
        Some(BenchmarkSummary {
            benchmark: name.to_owned(),
            domain: samples.first()?.domain,
            problems: count_problems(samples),
            samples: samples.len(),
            estimates: estimates(samples),
            several: several(samples),
            defects: defects(samples),
        })
    };
    names.into_iter().filter_map(summary).collect()
}

/// Over all benchmarks, and over each domain that has several of them where there are several domains.
fn averages(benchmarks: &[BenchmarkSummary], samples: &[&SampleRecord]) -> Vec<Average> {
    let domains: BTreeSet<TaskDomain> = benchmarks.iter().map(|benchmark| benchmark.domain).collect();
    let of_domains = domains.iter().copied().map(Some).filter(|_| domains.len() > 1);
    let average = |domain: Option<TaskDomain>| {
        let members: Vec<&BenchmarkSummary> = benchmarks
            .iter()
            .filter(|benchmark| domain.is_none_or(|domain| benchmark.domain == domain))
            .collect();
        let part: Vec<&SampleRecord> = samples
            .iter()
            .copied()
            .filter(|sample| {
                members.iter().any(|member| sample.benchmark.as_ref() == Some(&member.benchmark))
            })
            .collect();
        let mean = |metric: Metric| Some((metric, macro_mean(&members, metric)?));
        Average {
            domain,
            benchmarks: members.len(),
            micro: estimates(&part),
            r#macro: Metric::ALL.into_iter().filter_map(mean).collect(),
        }
    };
    let all = (!benchmarks.is_empty()).then_some(None);
    of_domains.chain(all).map(average).collect()
}

/// `None` unless every benchmark knows the metric.
fn macro_mean(benchmarks: &[&BenchmarkSummary], metric: Metric) -> Option<Mean> {
    let known: Option<Vec<(f64, Option<f64>)>> = benchmarks
        .iter()
        .map(|benchmark| {
            let estimate = benchmark.estimates.get(&metric)?;
            Some((estimate.mean?, estimate.standard_error))
        })
        .collect();
    let known = known.filter(|known| !known.is_empty())?;
    let count = known.len() as f64;
    let errors: Option<f64> = known.iter().map(|(_, error)| error.map(|error| error * error)).sum();
    Some(Mean {
        mean: known.iter().map(|(mean, _)| mean).sum::<f64>() / count,
        standard_error: errors.map(|sum| sum.sqrt() / count),
    })
}

fn defects(samples: &[&SampleRecord]) -> BTreeMap<String, usize> {
    let mut defects = BTreeMap::new();
    for defect in samples.iter().filter_map(|sample| sample.defect.as_deref()) {
        // Samples say it in a sentence; it is counted by its name.
        let known = TraceDefect::ALL.into_iter().find(|known| known.to_string() == defect);
        let name = known.map_or_else(|| defect.to_owned(), |known| known.code().to_owned());
        *defects.entry(name).or_default() += 1;
    }
    defects
}

fn count_problems(samples: &[&SampleRecord]) -> usize {
    samples.iter().map(|sample| &sample.problem_id).collect::<BTreeSet<_>>().len()
}

fn estimates(samples: &[&SampleRecord]) -> BTreeMap<Metric, Estimate> {
    let estimate = |metric: Metric| {
        Estimate::clustered(samples.iter().map(|sample| (sample.problem_id.as_str(), metric.of(sample))))
    };
    // Nobody misses what was not asked for.
    let concerns = |metric: Metric| samples.iter().any(|sample| metric.of(sample) != Measurement::Outside);
    let metrics = Metric::ALL.into_iter().filter(|metric| metric.is_missed() || concerns(*metric));
    metrics.map(|metric| (metric, estimate(metric))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
            // What nobody asked for has no column.
            let expected = metric.is_missed().then_some((None, 0));
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

    /// A suite of a large easy benchmark and a small hard one.
    fn suite() -> Vec<SampleRecord> {
        let of = |benchmark: &str, domain, problem: usize, seed, correct| SampleRecord {
            benchmark: Some(benchmark.into()),
            problem_id: format!("{benchmark}/{problem}"),
            domain,
            correct: Some(correct),
            ..sample("TraceLift", problem, seed)
        };
        let large = (0..8).flat_map(|p| (0..2).map(move |s| (p, s)));
        let mut samples: Vec<SampleRecord> =
            large.map(|(p, s)| of("large", TaskDomain::Math, p, s, p != 0)).collect();
        samples.extend((0..2).map(|p| of("small", TaskDomain::Math, p, 0, p == 0)));
        samples.push(of("programs", TaskDomain::Code, 0, 0, false));
        samples
    }

    #[test]
    fn a_suite_has_micro_and_macro_averages() {
        let rows = summarise(&suite()).unwrap();
        let row = &rows[0];
        let names: Vec<&str> = row.benchmarks.iter().map(|summary| summary.benchmark.as_str()).collect();
        assert_eq!(names, ["large", "small", "programs"], "in the order of the suite");
        let math = row.average(Some(TaskDomain::Math)).unwrap();
        assert_eq!((math.benchmarks, math.micro[&Metric::Accuracy].mean), (2, Some(15.0 / 18.0)));
        let mean = math.r#macro[&Metric::Accuracy];
        assert!((mean.mean - (0.875 + 0.5) / 2.0).abs() < 1e-12);
        // SE: 1/8 of eight problems, 1/2 of two.
        assert!((mean.standard_error.unwrap() - (0.125_f64.powi(2) + 0.25).sqrt() / 2.0).abs() < 1e-12);
        let all = row.average(None).unwrap();
        assert_eq!(all.micro[&Metric::Accuracy], row.estimates[&Metric::Accuracy]);
        assert!((all.r#macro[&Metric::Accuracy].mean - 1.375 / 3.0).abs() < 1e-12);
        assert_eq!(all.r#macro[&Metric::Accuracy].standard_error, None, "one problem has no error");
        assert!(!all.r#macro.contains_key(&Metric::Uplift), "what one of them does not know has no mean");
    }

    #[test]
    fn defects_are_counted_by_name_and_leaks_of_traces_alone() {
        let mut samples = [sample("a", 0, 0), sample("a", 1, 0), sample("a", 2, 0)];
        samples[0].leaked = Some(true);
        for sample in &mut samples[1..] {
            (sample.trace, sample.defect) = (None, Some(TraceDefect::Unclosed.to_string()));
        }
        let rows = summarise(&samples).unwrap();
        assert_eq!(rows[0].defects, BTreeMap::from([("unclosed".to_owned(), 2)]));
        let leaks = rows[0].estimates[&Metric::LeakRate];
        assert_eq!((leaks.mean, leaks.unscored), (Some(1.0), 0));
        assert_eq!(rows[0].estimates[&Metric::Usable].mean, Some(1.0 / 3.0));
    }

    #[test]
    fn a_sample_counts_once() {
        let twice = [sample("a", 1, 0), sample("a", 1, 1), sample("a", 1, 0)];
        assert!(matches!(summarise(&twice), Err(EvalError::DuplicateSample { seed: 0, .. })));
    }
}
