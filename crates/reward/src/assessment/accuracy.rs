//! Scores against gold rubrics.

use super::{Contest, Ranking, ScoredGroup, ScoredTrace, Unscored};
use crate::RubricScore;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracelift_domain::rubric::LABELS;
use tracelift_domain::{DIMENSIONS, Label, Rubric};
use tracelift_statistics::{Bin, Saturation, SaturationReport, calibration_error, reliability, spearman};

/// Ranges of a reliability diagram.
const BINS: usize = 10;
/// The name under which references stand among the kinds.
const REFERENCE: &str = "reference";

/// What a scorer is worth on labelled groups.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Assessment {
    /// Groups looked at.
    pub groups: usize,
    /// Traces with a score.
    pub traces: usize,
    /// Traces without one, by cause: they are in no other number.
    pub unscored: Unscored,
    /// `s`, the blend that is the reward, against the gold total; references against flawed traces.
    pub score: Agreement,
    /// The total head alone, `σ(total)`, against the gold total.
    pub total: Agreement,
    /// `E[label]/4` of each dimension against its gold label/4. Pairs and groups are those whose flawed trace has a lower
    /// gold label in the dimension.
    pub dimensions: [Agreement; DIMENSIONS],
    /// Reference traces and each kind of flaw by themselves.
    pub kinds: BTreeMap<String, KindAgreement>,
    /// Of `s`: share of at least 0.99, distinct values, spread within a group.
    pub saturation: Option<SaturationReport>,
}

/// A number that a scorer gives, against its gold value; both in `[0, 1]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Agreement {
    /// Mean absolute error.
    pub mae: Option<f64>,
    /// Root of the mean square error.
    pub rmse: Option<f64>,
    /// Spearman's correlation over all traces; `None` where one side is all the same.
    pub spearman: Option<f64>,
    /// Expected calibration error: over ten ranges of the predicted value, how far the mean prediction is from the mean gold
    /// value, weighted by the traces in the range.
    pub calibration_error: Option<f64>,
    /// The ranges.
    pub reliability: Vec<Bin>,
    /// The share of traces whose nearest label is the gold one; for totals `None`.
    pub label_accuracy: Option<f64>,
    /// Order within groups.
    pub ranking: Ranking,
}

/// Traces of one kind.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct KindAgreement {
    /// How many have a score.
    pub traces: usize,
    /// Mean `s`.
    pub mean_score: f64,
    /// Mean gold total.
    pub mean_gold: f64,
    /// `s` against the gold total, within the kind. Its ranking is empty: pairs by kind stand in the score's ranking.
    pub reading: Agreement,
    /// How `s` is spread.
    pub histogram: Histogram,
}

/// Counts of scores over equal ranges of `[0, 1]`.
pub type Histogram = [usize; 20];

/// Counts scores; what lies outside `[0, 1]` goes to the nearest range.
pub fn histogram(scores: impl IntoIterator<Item = f64>) -> Histogram {
    let mut counts = [0; 20];
    for score in scores {
        counts[((score * counts.len() as f64) as usize).min(counts.len() - 1)] += 1;
    }
    counts
}

/// What a constant would be worth on the same traces: the best that knows no trace.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Constant {
    /// Mean absolute error of the median gold total.
    pub mae: f64,
    /// Root mean square error of the mean gold total.
    pub rmse: f64,
    /// The share of the most frequent label, by dimension.
    pub label_accuracy: [f64; DIMENSIONS],
}

type Known<'a> = (&'a ScoredTrace, RubricScore);

impl Assessment {
    /// Sums up the scores of some groups.
    #[must_use]
    pub fn of(groups: &[ScoredGroup]) -> Assessment {
        let mut unscored = Unscored::new();
        let mut known: Vec<(&str, Vec<Known<'_>>)> = Vec::new();
        for group in groups {
            let mut traces = Vec::new();
            for trace in &group.traces {
                match &trace.score {
                    Ok(score) => traces.push((trace, *score)),
                    Err(failure) => *unscored.entry(failure.cause().to_owned()).or_default() += 1,
                }
            }
            known.push((&group.problem, traces));
        }
        let total = |gold: &Rubric| gold.total;
        Assessment {
            groups: groups.len(),
            traces: known.iter().map(|(_, traces)| traces.len()).sum(),
            unscored,
            score: read(&known, |score| score.score, total, Flawed::All),
            total: read(&known, |score| score.total, total, Flawed::All),
            dimensions: std::array::from_fn(|d| dimension(&known, d)),
            kinds: kinds(&known),
            saturation: saturation(&known),
        }
    }
}

impl Constant {
    /// The best constants for some traces; `None` of nothing.
    #[must_use]
    pub fn of(groups: &[ScoredGroup]) -> Option<Constant> {
        let gold: Vec<&Rubric> =
            groups.iter().flat_map(|g| g.traces.iter().map(|trace| &trace.gold)).collect();
        let mut totals: Vec<f64> = gold.iter().map(|rubric| rubric.total).collect();
        totals.sort_unstable_by(f64::total_cmp);
        let count = totals.len() as f64;
        let median = *totals.get(totals.len() / 2)?;
        let mean = totals.iter().sum::<f64>() / count;
        let most = |d: usize| {
            let mut counts = [0_usize; LABELS];
            gold.iter().for_each(|rubric| counts[usize::from(rubric.labels[d].get())] += 1);
            counts.into_iter().max().unwrap_or(0) as f64 / count
        };
        Some(Constant {
            mae: totals.iter().map(|total| (total - median).abs()).sum::<f64>() / count,
            rmse: (totals.iter().map(|total| (total - mean).powi(2)).sum::<f64>() / count).sqrt(),
            label_accuracy: std::array::from_fn(most),
        })
    }
}

/// Which flawed traces are ranked against the references.
#[derive(Clone, Copy)]
enum Flawed {
    All,
    /// Those whose gold label in the dimension is lower than the references'.
    LowerIn(usize),
}

fn dimension(known: &[(&str, Vec<Known<'_>>)], d: usize) -> Agreement {
    let best = (LABELS - 1) as f64;
    let gold = |gold: &Rubric| f64::from(gold.labels[d].get()) / best;
    let mut reading = read(known, |score| score.dimensions[d] / best, gold, Flawed::LowerIn(d));
    let traces = || known.iter().flat_map(|(_, traces)| traces);
    let right =
        traces().filter(|(trace, score)| nearest(score.dimensions[d]) == trace.gold.labels[d]).count();
    let count = traces().count();
    reading.label_accuracy = (count > 0).then(|| right as f64 / count as f64);
    reading
}

/// The label that an expected label is nearest to.
fn nearest(expected: f64) -> Label {
    Label::new(expected.round().clamp(0.0, (LABELS - 1) as f64) as u8).unwrap_or(Label::BEST)
}

fn read(
    known: &[(&str, Vec<Known<'_>>)],
    number: impl Fn(&RubricScore) -> f64,
    gold: impl Fn(&Rubric) -> f64,
    flawed: Flawed,
) -> Agreement {
    let traces = known.iter().flat_map(|(_, traces)| traces);
    let samples: Vec<(f64, f64)> = traces.map(|(trace, score)| (number(score), gold(&trace.gold))).collect();
    let contests = known.iter().map(|(problem, traces)| contest(problem, traces, &number, flawed));
    Agreement { ranking: Ranking::of(contests), ..errors(&samples) }
}

fn contest<'a>(
    problem: &'a str,
    traces: &'a [Known<'a>],
    number: &impl Fn(&RubricScore) -> f64,
    flawed: Flawed,
) -> Contest<'a> {
    let references = || traces.iter().filter(|(trace, _)| trace.kind.is_none());
    let counts = |trace: &ScoredTrace| match flawed {
        Flawed::All => true,
        Flawed::LowerIn(d) => references().all(|(other, _)| trace.gold.labels[d] < other.gold.labels[d]),
    };
    Contest {
        problem,
        references: references().map(|(_, score)| number(score)).collect(),
        flawed: traces
            .iter()
            .filter(|(trace, _)| counts(trace))
            .filter_map(|(trace, score)| Some((trace.kind.as_deref()?, number(score))))
            .collect(),
    }
}

/// All of a reading but its ranking.
fn errors(samples: &[(f64, f64)]) -> Agreement {
    let mean = |of: fn(f64) -> f64| {
        let sum: f64 = samples.iter().map(|(found, gold)| of(found - gold)).sum();
        (!samples.is_empty()).then(|| sum / samples.len() as f64)
    };
    let (found, gold): (Vec<f64>, Vec<f64>) = samples.iter().copied().unzip();
    let bins = reliability(samples, BINS);
    Agreement {
        mae: mean(f64::abs),
        rmse: mean(|error| error * error).map(f64::sqrt),
        spearman: spearman(&found, &gold),
        calibration_error: calibration_error(&bins),
        reliability: bins,
        label_accuracy: None,
        ranking: Ranking::of([]),
    }
}

fn kinds(known: &[(&str, Vec<Known<'_>>)]) -> BTreeMap<String, KindAgreement> {
    let mut samples: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for (trace, score) in known.iter().flat_map(|(_, traces)| traces) {
        let kind = trace.kind.as_deref().unwrap_or(REFERENCE);
        samples.entry(kind).or_default().push((score.score, trace.gold.total));
    }
    let reading = |samples: &[(f64, f64)]| {
        let count = samples.len() as f64;
        KindAgreement {
            traces: samples.len(),
            mean_score: samples.iter().map(|(found, _)| found).sum::<f64>() / count,
            mean_gold: samples.iter().map(|(_, gold)| gold).sum::<f64>() / count,
            reading: errors(samples),
            histogram: histogram(samples.iter().map(|(found, _)| *found)),
        }
    };
    samples.into_iter().map(|(kind, samples)| (kind.to_owned(), reading(&samples))).collect()
}

fn saturation(known: &[(&str, Vec<Known<'_>>)]) -> Option<SaturationReport> {
    let mut saturation = Saturation::default();
    for (_, traces) in known {
        let as_rubric =
            |score: &RubricScore| Rubric { labels: score.dimensions.map(nearest), total: score.score };
        saturation.add(&traces.iter().map(|(_, score)| as_rubric(score)).collect::<Vec<_>>());
    }
    saturation.report()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScoreFailure;
    use proptest::prelude::*;

    fn rubric(labels: [u8; DIMENSIONS]) -> Rubric {
        Rubric::from_labels(labels.map(|label| Label::new(label).unwrap()))
    }

    /// A scorer's word: the same expected label in every dimension, and a total.
    fn said(label: f64, total: f64) -> Result<RubricScore, ScoreFailure> {
        let derived = label / 4.0;
        Ok(RubricScore { dimensions: [label; DIMENSIONS], derived, total, score: (derived + total) / 2.0 })
    }

    fn trace(
        kind: Option<&str>,
        labels: [u8; DIMENSIONS],
        score: Result<RubricScore, ScoreFailure>,
    ) -> ScoredTrace {
        ScoredTrace { kind: kind.map(str::to_owned), gold: rubric(labels), score }
    }

    fn group(problem: &str, traces: Vec<ScoredTrace>) -> ScoredGroup {
        ScoredGroup { problem: problem.into(), traces }
    }

    #[test]
    fn a_small_case_by_hand() {
        let found = Assessment::of(&[
            group(
                "a",
                vec![
                    trace(None, [4; 5], said(4.0, 1.0)),
                    // Gold total 0.8, found 0.6; lower in the first dimension alone.
                    trace(Some("slip"), [0, 4, 4, 4, 4], said(2.0, 0.6)),
                ],
            ),
            group(
                "b",
                vec![
                    trace(None, [4; 5], said(3.0, 0.7)),
                    trace(Some("slip"), [0, 4, 4, 4, 4], said(3.6, 0.9)),
                    trace(Some("drop"), [4, 4, 4, 4, 2], Err(ScoreFailure::NotAScore)),
                ],
            ),
        ]);
        assert_eq!((found.groups, found.traces), (2, 4));
        assert_eq!(found.unscored, Unscored::from([("not_a_score".to_owned(), 1)]));
        assert_eq!((found.score.ranking.pairs.mean, found.score.ranking.pairs.samples), (Some(0.5), 2));
        // Totals: 1 for 1, 0.6 for 0.8, 0.7 for 1, 0.9 for 0.8.
        assert!((found.total.mae.unwrap() - 0.6 / 4.0).abs() < 1e-12);
        assert!((found.total.rmse.unwrap() - (0.14_f64 / 4.0).sqrt()).abs() < 1e-12);
        let first = &found.dimensions[0];
        assert_eq!((first.ranking.pairs.samples, found.dimensions[1].ranking.pairs.samples), (2, 0));
        // Nearest labels 4, 2, 3, 4 of gold 4, 0, 4, 0.
        assert_eq!((first.label_accuracy, found.total.label_accuracy), (Some(0.25), None));
        assert_eq!(found.kinds.keys().collect::<Vec<_>>(), ["reference", "slip"]);
        assert_eq!(found.kinds["slip"].traces, 2);
        let saturation = found.saturation.unwrap();
        assert_eq!((saturation.traces, saturation.groups, saturation.at_top), (4, 2, 0.25));
    }

    #[test]
    fn a_constant_knows_the_totals_but_no_trace() {
        let groups = [group(
            "a",
            vec![
                trace(None, [4; 5], said(4.0, 1.0)),
                trace(Some("k"), [0, 4, 4, 4, 4], said(1.0, 0.1)),
                trace(Some("k"), [0, 4, 4, 4, 4], said(1.0, 0.1)),
            ],
        )];
        let constant = Constant::of(&groups).unwrap();
        assert!((constant.mae - 0.2 / 3.0).abs() < 1e-12);
        assert_eq!(constant.label_accuracy, [2.0 / 3.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(Constant::of(&[]), None);
    }

    proptest! {
        #[test]
        fn whoever_says_the_gold_is_right_about_everything(
            labels in proptest::collection::vec(proptest::array::uniform5(0..=4u8), 1..12)
        ) {
            let truth = |labels: [u8; 5]| {
                let gold = rubric(labels);
                let dimensions = labels.map(f64::from);
                RubricScore { dimensions, derived: gold.total, total: gold.total, score: gold.total }
            };
            let mut traces = vec![trace(None, [4; 5], Ok(truth([4; 5])))];
            traces.extend(labels.iter().map(|l| trace(Some("k"), *l, Ok(truth(*l)))));
            let found = Assessment::of(&[group("a", traces)]);
            for reading in found.dimensions.iter().chain([&found.score, &found.total]) {
                prop_assert!(reading.mae.unwrap() < 1e-12 && reading.rmse.unwrap() < 1e-12);
                prop_assert!(reading.calibration_error.unwrap() < 1e-12);
                prop_assert!(reading.spearman.is_none_or(|rho| (rho - 1.0).abs() < 1e-9));
            }
            for reading in &found.dimensions {
                prop_assert!(reading.ranking.pairs.mean.is_none_or(|mean| mean == 1.0));
                prop_assert_eq!(reading.label_accuracy, Some(1.0));
            }
        }
    }
}
