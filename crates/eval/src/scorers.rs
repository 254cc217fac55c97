//! Scorers side by side: what reward models and judges are worth on the same groups, beside baselines that read no sense.

use crate::Grid;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use tracelift_domain::TaskDomain;
use tracelift_domain::rubric::dimension_names;
use tracelift_reward::assessment::{
    Agreement, Assessment, Constant, FirstErrors, Ranking, SolutionAssessment, Unscored,
};
use tracelift_statistics::{Estimate, SaturationReport};

/// What stands in a cell of which nothing is known.
const NOTHING: &str = "–";

/// Scorers on the same groups.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct ScorerTable {
    /// Whose dimensions are named.
    pub domain: TaskDomain,
    /// Each with its name.
    pub scorers: Vec<(String, Assessment)>,
    /// The best constant.
    pub constant: Option<Constant>,
    /// The linear probe of the surface; `None` where there are too few groups to train it.
    pub probe: Option<Ranking>,
}

impl ScorerTable {
    /// The scorers and baselines by the metrics.
    #[must_use]
    pub fn overview(&self) -> Grid {
        let mut header = vec![String::new()];
        header.extend(self.scorers.iter().map(|(name, _)| name.clone()));
        header.extend(["constant".to_owned(), "surface probe".to_owned()]);
        let mut rows = Rows { table: self, rows: Vec::new() };
        rows.shares("pairs in the right order", Some(0.5), |ranking| Some(&ranking.pairs));
        for kind in self.kinds() {
            rows.shares(&format!("  {kind}"), Some(0.5), |ranking| ranking.kinds.get(&kind));
        }
        rows.shares("groups in the right order", Some(0.0), |ranking| Some(&ranking.groups));
        let constant = self.constant.as_ref();
        rows.numbers("total: mean absolute error", constant.map(|c| c.mae), |a| a.total.mae);
        rows.numbers("total: root mean square error", constant.map(|c| c.rmse), |a| a.total.rmse);
        rows.numbers("total: Spearman", None, |a| a.total.spearman);
        rows.numbers("total: calibration error", constant.map(|_| 0.0), |a| a.total.calibration_error);
        let saturated = |of: fn(&SaturationReport) -> String| {
            move |a: &Assessment| a.saturation.as_ref().map_or(NOTHING.to_owned(), of)
        };
        rows.texts("scores of at least 0.99", saturated(|s| percent(s.at_top)));
        rows.texts("distinct scores", saturated(|s| s.distinct.to_string()));
        let spread =
            |s: &SaturationReport| s.spread.map_or(NOTHING.to_owned(), |spread| format!("{spread:.3}"));
        rows.texts("mean spread in a group", saturated(spread));
        rows.texts("groups without spread", saturated(|s| s.flat.map_or(NOTHING.to_owned(), percent)));
        rows.texts("traces scored", |a| a.traces.to_string());
        if self.scorers.iter().any(|(_, a)| !a.unscored.is_empty()) {
            rows.texts("traces without a score", |a| failures(&a.unscored));
        }
        Grid { header, rows: rows.rows }
    }

    /// The kinds of flaws that any scorer or the probe was asked about.
    #[must_use]
    pub fn kinds(&self) -> BTreeSet<String> {
        let scorers = self.scorers.iter().map(|(_, assessment)| &assessment.score.ranking);
        scorers.chain(&self.probe).flat_map(|ranking| ranking.kinds.keys().cloned()).collect()
    }

    /// What one scorer says by score, total and dimension.
    #[must_use]
    pub fn aspects(&self, assessment: &Assessment) -> Grid {
        let header = ["", "MAE", "RMSE", "Spearman", "ECE", "label", "majority", "pairs", "groups"];
        let names = dimension_names(self.domain);
        let majority = |d: usize| {
            self.constant.as_ref().map_or(NOTHING.to_owned(), |constant| percent(constant.label_accuracy[d]))
        };
        let dimensions = assessment.dimensions.iter().enumerate();
        let rows = [
            ("score", &assessment.score, NOTHING.to_owned()),
            ("total", &assessment.total, NOTHING.to_owned()),
        ]
        .into_iter()
        .chain(dimensions.map(|(d, reading)| (names[d], reading, majority(d))));
        Grid {
            header: header.map(str::to_owned).to_vec(),
            rows: rows.map(|(name, reading, majority)| aspect(name, reading, majority)).collect(),
        }
    }

    /// What one scorer says of references and of each kind of flaw.
    #[must_use]
    pub fn by_kind(&self, assessment: &Assessment) -> Grid {
        let header = ["", "traces", "mean score", "mean gold", "MAE", "RMSE", "Spearman", "ECE", "pairs"];
        let rows = assessment.kinds.iter().map(|(kind, found)| {
            let reading = &found.reading;
            vec![
                kind.clone(),
                found.traces.to_string(),
                format!("{:.3}", found.mean_score),
                format!("{:.3}", found.mean_gold),
                number(reading.mae),
                number(reading.rmse),
                number(reading.spearman),
                number(reading.calibration_error),
                assessment.score.ranking.kinds.get(kind).map_or(NOTHING.to_owned(), share),
            ]
        });
        Grid { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
    }

    /// The reliability of one scorer's total.
    #[must_use]
    pub fn reliability(&self, assessment: &Assessment) -> Grid {
        let header = ["predicted total", "traces", "mean predicted", "mean gold"];
        let rows = assessment.total.reliability.iter().map(|bin| {
            vec![
                format!("{:.1} to {:.1}", bin.from, bin.to),
                bin.count.to_string(),
                format!("{:.3}", bin.predicted),
                format!("{:.3}", bin.observed),
            ]
        });
        Grid { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
    }
}

/// Rows of the overview as they are made.
struct Rows<'a> {
    table: &'a ScorerTable,
    rows: Vec<Vec<String>>,
}

impl Rows<'_> {
    fn shares(&mut self, name: &str, constant: Option<f64>, of: impl Fn(&Ranking) -> Option<&Estimate>) {
        let cell = |ranking: &Ranking| of(ranking).map_or(NOTHING.to_owned(), share);
        let mut row = vec![name.to_owned()];
        row.extend(self.table.scorers.iter().map(|(_, assessment)| cell(&assessment.score.ranking)));
        row.push(constant.map_or(NOTHING.to_owned(), percent));
        row.push(self.table.probe.as_ref().map_or(NOTHING.to_owned(), cell));
        self.rows.push(row);
    }

    fn numbers(&mut self, name: &str, constant: Option<f64>, of: impl Fn(&Assessment) -> Option<f64>) {
        let mut row = vec![name.to_owned()];
        row.extend(self.table.scorers.iter().map(|(_, assessment)| number(of(assessment))));
        row.extend([number(constant), NOTHING.to_owned()]);
        self.rows.push(row);
    }

    fn texts(&mut self, name: &str, of: impl Fn(&Assessment) -> String) {
        let mut row = vec![name.to_owned()];
        row.extend(self.table.scorers.iter().map(|(_, assessment)| of(assessment)));
        row.extend([NOTHING.to_owned(), NOTHING.to_owned()]);
        self.rows.push(row);
    }
}

/// Scorers on the same solutions.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SolutionTable {
    /// Each with its name.
    pub scorers: Vec<(String, SolutionAssessment)>,
    /// Telling where solutions go wrong, each with its name; empty where the file does not say where they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first_errors: Vec<(String, FirstErrors)>,
}

impl SolutionTable {
    /// Telling right from wrong.
    #[must_use]
    pub fn discrimination(&self) -> Grid {
        let header = [
            "",
            "AUC",
            "95 % interval",
            "pairs of a problem",
            "solutions",
            "right",
            "problems",
            "without a score",
        ];
        let rows = self.scorers.iter().map(|(name, found)| {
            let area = found.area.as_ref();
            let interval = area.and_then(|area| area.interval);
            vec![
                name.clone(),
                number(area.map(|area| area.auc)),
                interval.map_or(NOTHING.to_owned(), |(low, high)| format!("{low:.3} to {high:.3}")),
                share(&found.pairs),
                found.solutions.to_string(),
                found.correct.to_string(),
                found.problems.to_string(),
                failures(&found.unscored),
            ]
        });
        Grid { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
    }

    /// Telling where solutions go wrong; `None` where the file does not say.
    #[must_use]
    pub fn locating(&self) -> Option<Grid> {
        let header = [
            "",
            "F1",
            "first errors found",
            "right ones said to be",
            "thresholds",
            "solutions",
            "without a score",
        ];
        let rows: Vec<Vec<String>> = self
            .first_errors
            .iter()
            .map(|(name, found)| {
                let thresholds: Vec<String> =
                    found.thresholds.iter().map(|one| format!("{one:.3}")).collect();
                vec![
                    name.clone(),
                    found.f1.map_or(NOTHING.to_owned(), percent),
                    share(&found.wrong),
                    share(&found.right),
                    thresholds.join(", "),
                    found.solutions.to_string(),
                    failures(&found.unscored),
                ]
            })
            .collect();
        (!rows.is_empty()).then(|| Grid { header: header.map(str::to_owned).to_vec(), rows })
    }

    /// The best of `n` of one scorer.
    #[must_use]
    pub fn best_of(&self, assessment: &SolutionAssessment) -> Grid {
        let header = ["best of", "by score", "at random", "oracle", "score − random", "problems"];
        let known = assessment.best_of.iter().filter(|best| best.chosen.problems > 0);
        let rows = known.map(|best| {
            vec![
                best.n.to_string(),
                share(&best.chosen),
                share(&best.random),
                share(&best.oracle),
                points(&best.gain),
                best.chosen.problems.to_string(),
            ]
        });
        Grid { header: header.map(str::to_owned).to_vec(), rows: rows.collect() }
    }
}

fn aspect(name: &str, reading: &Agreement, majority: String) -> Vec<String> {
    vec![
        name.to_owned(),
        number(reading.mae),
        number(reading.rmse),
        number(reading.spearman),
        number(reading.calibration_error),
        reading.label_accuracy.map_or(NOTHING.to_owned(), percent),
        majority,
        share(&reading.ranking.pairs),
        share(&reading.ranking.groups),
    ]
}

/// `12 (8 unusable, 4 refusal)`
fn failures(unscored: &Unscored) -> String {
    let all: usize = unscored.values().sum();
    let causes: Vec<String> = unscored.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
    if all == 0 { "0".to_owned() } else { format!("{all} ({})", causes.join(", ")) }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn number(value: Option<f64>) -> String {
    value.map_or(NOTHING.to_owned(), |value| format!("{value:.3}").replace('-', "−"))
}

/// A share with its error.
fn share(estimate: &Estimate) -> String {
    match (estimate.mean, estimate.standard_error) {
        (None, _) => NOTHING.to_owned(),
        (Some(mean), None) => percent(mean),
        (Some(mean), Some(error)) => format!("{} ± {:.1}", percent(mean), 100.0 * error),
    }
}

/// A difference of shares with its error, in percentage points.
fn points(estimate: &Estimate) -> String {
    let Some(mean) = estimate.mean else { return NOTHING.to_owned() };
    let mean = format!("{:+.1}", 100.0 * mean).replace('-', "−");
    estimate.standard_error.map_or(mean.clone(), |error| format!("{mean} ± {:.1}", 100.0 * error))
}

#[cfg(test)]
mod tests;
