//! A prompted judge in the reward model's place.
//!
//! The judge gives each dimension and the whole a number from 0 to 10. `E[label_d] = 4·score_d/10`,
//! `derived = Σ_d w_d·E[label_d]/4`, `total = overall/10`, and as with the model `s = ½·derived + ½·total`. Grades that
//! cannot be used is a [`ScoreFailure`], not a score.

use crate::{
    loss::{DIMENSION_WEIGHT, RubricScore},
    scorer::{ScoreFailure, ScoreItem, TraceScorer},
};
use serde_json::json;
use tracelift_domain::rubric::LABELS;
use tracelift_domain::{Fingerprint, TaskDomain};
use tracelift_oracle::{
    OracleError, Progress,
    rubric::{Grades, JudgeConfig, RubricJudge},
};

/// A prompted judge.
#[derive(Debug)]
pub struct PromptedJudge {
    judge: RubricJudge,
    fingerprint: Fingerprint,
}

impl PromptedJudge {
    /// A judge with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`RubricJudge::new`].
    pub fn new(config: JudgeConfig) -> Result<PromptedJudge, OracleError> {
        let samples = config.samples;
        let judge = RubricJudge::new(config)?;
        let versions =
            [TaskDomain::Math, TaskDomain::Code].map(|domain| judge.template(domain).version().to_owned());
        let settled = json!({
            "oracle": judge.oracle().config().decisive(),
            "samples": samples,
            "templates": versions,
        });
        let settled = tracelift_domain::fingerprint::canonical(&settled);
        let fingerprint = Fingerprint::of([("judge", settled.as_bytes())]);
        Ok(PromptedJudge { judge, fingerprint })
    }

    /// As [`RubricJudge::observed`].
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> PromptedJudge {
        self.judge = self.judge.observed(observer);
        self
    }

    /// The judge behind it, with its counts.
    #[must_use]
    pub fn judge(&self) -> &RubricJudge {
        &self.judge
    }
}

/// Grades on the scale of the reward model.
#[must_use]
pub fn rubric_score(grades: &Grades) -> RubricScore {
    let best = (LABELS - 1) as f64;
    let dimensions = grades.scores.map(|score| best * score / 10.0);
    let derived = dimensions.iter().map(|expected| DIMENSION_WEIGHT * expected / best).sum();
    let total = grades.overall / 10.0;
    RubricScore { dimensions, derived, total, score: 0.5 * derived + 0.5 * total }
}

impl TraceScorer for PromptedJudge {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.clone()
    }

    fn describe(&self) -> String {
        format!("judge {}", self.judge.oracle().describe())
    }

    fn spent(&self) -> Option<String> {
        Some(self.judge.oracle().progress().to_string())
    }

    fn score(&self, items: &[ScoreItem<'_>]) -> Vec<Result<RubricScore, ScoreFailure>> {
        self.judge.oracle().each(items, |_, item| {
            let answer =
                self.judge.judge(item.question.domain, &item.question.statement, item.trace.as_str())?;
            Ok(rubric_score(&answer.value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_the_models() {
        let grades = |score: f64, overall| Grades { scores: [score; 5], overall, evidence: Vec::new() };
        for (grades, expected, score) in
            [(grades(10.0, 10.0), 4.0, 1.0), (grades(0.0, 0.0), 0.0, 0.0), (grades(5.0, 2.0), 2.0, 0.35)]
        {
            let rubric = rubric_score(&grades);
            assert_eq!(rubric.dimensions, [expected; 5]);
            assert!((rubric.score - score).abs() < 1e-12 && rubric.probability().is_some(), "{rubric:?}");
        }
    }
}
