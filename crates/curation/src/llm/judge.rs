//! A model that labels groups.

use super::{Agreement, Saturation};
use crate::gate::{GateLimits, GateReason};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};
use tracelift_domain::{Group, Rubric, SettingError, TaskDomain};
use tracelift_oracle::{
    Answer, Failure, OracleConfig, OracleError, Progress,
    rubric::{Grades, JudgeConfig, RubricJudge},
};

/// Whose labels stand in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// Labels by construction; the judge's stand beside them as `judge_rubric`, and their agreement is reported.
    #[default]
    Both,
    /// The judge's. Labels by construction stand beside them as `construction_rubric`.
    Judge,
}

/// The section `[judge]`: a model that labels. Without this section all labels are by construction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeSection {
    /// Whose labels stand in the file. Default: both.
    #[serde(default)]
    pub labels: LabelSource,
    /// Independent verdicts on each trace, whose mean counts. Default: 1.
    #[serde(default = "one")]
    pub samples: NonZeroU32,
    /// The model. Its temperature is 0 unless it is set.
    pub oracle: OracleConfig,
}

impl JudgeSection {
    /// Checks what can be checked without a server.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the judge.
    pub fn validate(&self) -> Result<(), SettingError> {
        JudgeConfig { samples: self.samples, oracle: self.oracle.clone() }.validate()
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// A judge of groups.
#[derive(Debug)]
pub struct GroupJudge {
    judge: RubricJudge,
    labels: LabelSource,
    samples: NonZeroU32,
}

/// What a judge made of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The group with the judge's labels; nothing where too little of it is left.
    pub group: Option<Group>,
    /// What was taken out, and why the group is not there if it is not.
    pub gated: BTreeMap<GateReason, u64>,
    /// Flawed traces that the judge does not put below the reference, taken out or (with labels by construction) not.
    pub not_below: u64,
    /// Traces without a verdict, by [`Failure::cause`].
    pub failures: BTreeMap<String, u64>,
    /// Construction against judge.
    pub agreement: Agreement,
    /// Of the judge.
    pub saturation: Saturation,
}

impl GroupJudge {
    /// A judge with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`RubricJudge::new`].
    pub fn new(section: JudgeSection) -> Result<GroupJudge, OracleError> {
        let JudgeSection { labels, samples, oracle } = section;
        Ok(GroupJudge { judge: RubricJudge::new(JudgeConfig { samples, oracle })?, labels, samples })
    }

    /// As [`tracelift_oracle::Oracle::observed`].
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> GroupJudge {
        self.judge = self.judge.observed(observer);
        self
    }

    /// What decides its labels, as JSON.
    #[must_use]
    pub fn decisive(&self) -> Value {
        let domains = [TaskDomain::Math, TaskDomain::Code];
        json!({
            "labels": self.labels,
            "samples": self.samples,
            "oracle": self.judge.oracle().config().decisive(),
            "templates": domains.map(|domain| self.judge.template(domain).version().to_owned()),
        })
    }

    /// The judge behind it.
    #[must_use]
    pub fn judge(&self) -> &RubricJudge {
        &self.judge
    }

    /// Labels every trace of a group whose labels by construction stand in it.
    ///
    /// A trace without a verdict keeps its label by construction where those stand in the file, and is taken out where
    /// the judge's do: there is no default label.
    ///
    /// # Errors
    /// A failure that may pass: the group is to be made later. Verdicts given by then are in the ledger.
    pub fn label(&self, mut group: Group, limits: &GateLimits) -> Result<Judged, Failure> {
        let mut judged = Judged::default();
        let domain = group.task_type;
        let mut rubrics = Vec::new();
        let problem = group.problem.clone();
        let mut verdict_on =
            |trace: &str, map: &mut BTreeMap<String, f64>, extra: &mut serde_json::Map<String, Value>| {
                let answer = match self.judge.judge(domain, &problem, trace) {
                    Ok(answer) => answer,
                    Err(failure) if failure.is_final() => {
                        *judged.failures.entry(failure.cause().to_owned()).or_default() += 1;
                        return Ok(None);
                    }
                    Err(failure) => return Err(failure),
                };
                let rubric = answer.value.rubric();
                // A label of another making, in a file that was read, need not fit; then there is nothing to compare.
                if let Ok(constructed) = Rubric::from_map(domain, map) {
                    judged.agreement.add(&constructed, &rubric);
                }
                extra.insert("judge".to_owned(), provenance(&answer));
                match self.labels {
                    LabelSource::Both => {
                        extra.insert("judge_rubric".to_owned(), json!(rubric.to_map(domain)));
                    }
                    LabelSource::Judge => {
                        let constructed = std::mem::replace(map, rubric.to_map(domain));
                        extra.insert("construction_rubric".to_owned(), json!(constructed));
                    }
                }
                rubrics.push(rubric);
                Ok(Some(rubric))
            };
        let mut least_reference: Option<f64> = None;
        let mut positives = Vec::new();
        for mut positive in std::mem::take(&mut group.positive_pool) {
            let rubric = verdict_on(&positive.reasoning, &mut positive.rubric, &mut positive.extra)?;
            if let Some(rubric) = rubric {
                least_reference =
                    Some(least_reference.map_or(rubric.total, |least: f64| least.min(rubric.total)));
            }
            if rubric.is_some() || self.labels == LabelSource::Both {
                positives.push(positive);
            }
        }
        let mut negatives = Vec::new();
        for mut negative in std::mem::take(&mut group.negative_bank) {
            let rubric = verdict_on(&negative.reasoning, &mut negative.rubric, &mut negative.extra)?;
            let below =
                matches!((rubric, least_reference), (Some(rubric), Some(least)) if rubric.total < least);
            if rubric.is_some() && least_reference.is_some() && !below {
                judged.not_below += 1;
            }
            match (self.labels, rubric) {
                (LabelSource::Both, _) => negatives.push(negative),
                (LabelSource::Judge, Some(_)) if below => negatives.push(negative),
                (LabelSource::Judge, Some(_)) => {
                    *judged.gated.entry(GateReason::NotBelowReference).or_default() += 1;
                }
                (LabelSource::Judge, None) => {}
            }
        }
        judged.saturation.add(&rubrics);
        let kinds: BTreeSet<&str> =
            negatives.iter().map(|negative| negative.negative_kind.as_str()).collect();
        if positives.is_empty() || negatives.len() < limits.negatives || kinds.len() < limits.kinds {
            judged.gated.insert(GateReason::TooFewNegatives, 1);
            return Ok(judged);
        }
        judged.group = Some(Group { positive_pool: positives, negative_bank: negatives, ..group });
        Ok(judged)
    }
}

/// What a file says of a verdict.
fn provenance(answer: &Answer<Grades>) -> Value {
    let Grades { scores, overall, evidence } = &answer.value;
    json!({
        "model": answer.provenance.model,
        "temperature": answer.provenance.temperature,
        "template": answer.provenance.template,
        "scores": scores,
        "overall": overall,
        "evidence": evidence,
    })
}
