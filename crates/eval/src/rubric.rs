//! What a reader of traces says of a row's samples.

use crate::{SampleRecord, plan::Plan};
use serde::{Deserialize, Serialize};
use tracelift_domain::{DIMENSIONS, Problem};
use tracelift_reward::{ScoreItem, TraceScorer};

/// What a reader of traces says of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubricRecord {
    /// `s`, from 0 to 1; 0 of a completion without a usable trace, as in training. `None` is unknown.
    pub score: Option<f64>,
    /// The expected label of each dimension, 0 to 4, in the order of the domain's rubric.
    pub dimensions: Option<[f64; DIMENSIONS]>,
    /// Why it is unknown.
    pub unknown_because: Option<String>,
}

/// Lets the traces of a row be read, and records what is said of each: `written` holds what was written on each problem,
/// `records` the same in one line.
pub(crate) fn read(
    scorer: &dyn TraceScorer,
    problems: &[&Problem],
    written: &[Vec<Plan>],
    records: &mut [SampleRecord],
) {
    let plans = || {
        let of_problems = problems.iter().zip(written);
        of_problems.flat_map(|(problem, plans)| plans.iter().map(move |plan| (problem, plan)))
    };
    let usable: Vec<ScoreItem<'_>> = plans()
        .filter_map(|(problem, plan)| {
            let trace = plan.trace.as_ref().ok()?;
            Some(ScoreItem { question: &problem.question, trace })
        })
        .collect();
    let mut scores = scorer.score(&usable).into_iter();
    for (record, (_, plan)) in records.iter_mut().zip(plans()) {
        record.rubric = if plan.trace.is_err() {
            Some(RubricRecord { score: Some(0.0), dimensions: None, unknown_because: None })
        } else {
            scores.next().map(|score| match score {
                Ok(score) => RubricRecord {
                    score: Some(score.score),
                    dimensions: Some(score.dimensions),
                    unknown_because: None,
                },
                Err(failure) => RubricRecord {
                    score: None,
                    dimensions: None,
                    unknown_because: Some(failure.cause().to_owned()),
                },
            })
        };
    }
}
