//! Groups with what a scorer says of their traces.

use crate::{RubricScore, ScoreFailure, ScoreItem, TraceScorer};
use std::collections::BTreeMap;
use tracelift_domain::{Group, Question, Rubric, Trace};

/// How many traces were left without a score, by [`ScoreFailure::cause`].
pub type Unscored = BTreeMap<String, usize>;

/// A trace with its gold rubric and what a scorer says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredTrace {
    /// What was done to it; `None` for a reference.
    pub kind: Option<String>,
    /// Its labels.
    pub gold: Rubric,
    /// What the scorer says. A failure is unknown, never a number.
    pub score: Result<RubricScore, ScoreFailure>,
}

/// The traces of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredGroup {
    /// The problem.
    pub problem: String,
    /// References and flawed traces, in the order of the group.
    pub traces: Vec<ScoredTrace>,
}

/// Asks a scorer about every trace of some groups, all at once.
///
/// # Errors
/// A sentence that names the group and what is wrong with it.
pub fn score_groups(scorer: &dyn TraceScorer, groups: &[Group]) -> Result<Vec<ScoredGroup>, String> {
    let questions: Vec<Question> = groups.iter().map(Group::question).collect();
    let mut read = Vec::new();
    for (group, question) in groups.iter().zip(&questions) {
        let wrong = |message: String| format!("group `{}`: {message}", group.problem_id);
        group.validate().map_err(wrong)?;
        let positives = group.positive_pool.iter().map(|p| (&p.reasoning, &p.rubric, None));
        let negatives =
            group.negative_bank.iter().map(|n| (&n.reasoning, &n.rubric, Some(n.negative_kind.as_str())));
        for (reasoning, rubric, kind) in positives.chain(negatives) {
            let trace = Trace::new(reasoning).ok_or_else(|| wrong("a trace is empty".into()))?;
            let gold = Rubric::from_map(group.task_type, rubric).map_err(wrong)?;
            read.push((question, kind, gold, trace));
        }
    }
    let items: Vec<ScoreItem<'_>> =
        read.iter().map(|(question, _, _, trace)| ScoreItem { question, trace }).collect();
    let mut scores = scorer.score(&items).into_iter();
    let mut scored: Vec<ScoredGroup> = groups
        .iter()
        .map(|group| ScoredGroup { problem: group.problem_id.clone(), traces: Vec::new() })
        .collect();
    let counts = groups.iter().map(|group| group.positive_pool.len() + group.negative_bank.len());
    let mut read = read.into_iter();
    for (group, count) in scored.iter_mut().zip(counts) {
        for (_, kind, gold, _) in read.by_ref().take(count) {
            let score = scores.next().unwrap_or(Err(ScoreFailure::NotAScore));
            group.traces.push(ScoredTrace { kind: kind.map(str::to_owned), gold, score });
        }
    }
    Ok(scored)
}
