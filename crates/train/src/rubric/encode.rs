//! Groups as the reward model reads them.

use std::collections::BTreeMap;
use tracelift_domain::{Gold, Group, Problem, Rubric, Trace};
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_reward::RewardModel;

/// A trace as the reward model reads it, with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The input's tokens.
    pub tokens: Vec<u32>,
    /// Its labels.
    pub rubric: Rubric,
    /// What was done to it; `None` for a reference.
    pub kind: Option<String>,
}

/// A group, encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedGroup {
    /// Reference traces.
    pub positives: Vec<Labelled>,
    /// Flawed traces.
    pub negatives: Vec<Labelled>,
}

/// A group that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// Its contents are wrong.
    #[error("group `{id}`: {message}")]
    Invalid {
        /// Which group.
        id: String,
        /// What is wrong with it.
        message: String,
    },
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// Encodes a group for a model.
///
/// # Errors
/// When the group is not valid.
pub fn encode(model: &RewardModel, group: &Group) -> Result<EncodedGroup, GroupError> {
    let invalid = |message: String| GroupError::Invalid { id: group.problem_id.clone(), message };
    group.validate().map_err(invalid)?;
    let problem = Problem {
        id: group.problem_id.clone(),
        source: group.source.clone(),
        domain: group.task_type,
        statement: group.problem.clone(),
        gold: Gold::Answer(String::new()),
    };
    let labelled = |reasoning: &str, rubric: &BTreeMap<String, f64>, kind: Option<&str>| {
        let trace = Trace::new(reasoning).ok_or_else(|| invalid("a trace is empty".into()))?;
        let rubric = Rubric::from_map(group.task_type, rubric).map_err(invalid)?;
        let tokens = model.encode(&problem, &trace)?;
        Ok::<_, GroupError>(Labelled { tokens, rubric, kind: kind.map(str::to_owned) })
    };
    let positives = group.positive_pool.iter().map(|p| labelled(&p.reasoning, &p.rubric, None));
    let negatives =
        group.negative_bank.iter().map(|n| labelled(&n.reasoning, &n.rubric, Some(&n.negative_kind)));
    Ok(EncodedGroup {
        positives: positives.collect::<Result<_, _>>()?,
        negatives: negatives.collect::<Result<_, _>>()?,
    })
}
