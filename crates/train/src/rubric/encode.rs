//! Groups as the reward model reads them.

use std::collections::BTreeMap;
use tracelift_domain::trace::CLOSE;
use tracelift_domain::{Group, Rubric, Trace, prompt};
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_reward::{RewardModel, Shortened};

/// A trace as the reward model reads it, with its labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The input's tokens.
    pub tokens: Vec<u32>,
    /// The first of them that belongs to the trace.
    pub trace_from: usize,
    /// Its labels.
    pub rubric: Rubric,
    /// What was done to it; `None` for a reference.
    pub kind: Option<String>,
    /// What was left out so that it fits.
    pub shortened: Shortened,
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
    // A group's inputs begin alike: where the trace begins in one of them, it does in the next.
    let mut before: Vec<u32> = Vec::new();
    let mut labelled = |reasoning: &str, rubric: &BTreeMap<String, f64>, kind: Option<&str>| {
        let trace = Trace::new(reasoning).ok_or_else(|| invalid("a trace is empty".into()))?;
        let rubric = Rubric::from_map(group.task_type, rubric).map_err(invalid)?;
        let put = |statement: &str| {
            prompt::reward_model_text(&group.source, group.task_type.name(), statement, None, trace.as_str())
        };
        let (tokens, shortened) = model.encode_within(model.max_tokens, &group.problem, put)?;
        if before.is_empty() || !tokens.starts_with(&before) {
            let own = model.tokenizer.encode(&format!("{}\n{}", trace.as_str(), CLOSE))?.len();
            before = tokens[..tokens.len().saturating_sub(own)].to_vec();
        }
        let trace_from = before.len();
        Ok::<_, GroupError>(Labelled { tokens, trace_from, rubric, kind: kind.map(str::to_owned), shortened })
    };
    let positives = group.positive_pool.iter().map(|p| labelled(&p.reasoning, &p.rubric, None));
    let positives = positives.collect::<Result<_, _>>()?;
    let negatives =
        group.negative_bank.iter().map(|n| labelled(&n.reasoning, &n.rubric, Some(&n.negative_kind)));
    Ok(EncodedGroup { positives, negatives: negatives.collect::<Result<_, _>>()? })
}

/// What was left out of groups so that they can be learned from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Traces whose problem was shortened.
    pub shortened: usize,
    /// Traces that do not fit by themselves.
    pub traces: usize,
    /// Groups that have then no reference or no flawed trace.
    pub groups: usize,
}

/// Leaves out what must not be learned from: a trace of which a part is missing is not what its labels are about.
#[must_use]
pub fn fitting(groups: Vec<EncodedGroup>) -> (Vec<EncodedGroup>, LeftOut) {
    let mut out = LeftOut::default();
    let mut kept = Vec::with_capacity(groups.len());
    for mut group in groups {
        for traces in [&mut group.positives, &mut group.negatives] {
            let all = traces.len();
            traces.retain(|trace| trace.shortened != Shortened::Trace);
            out.traces += all - traces.len();
            out.shortened += traces.iter().filter(|trace| trace.shortened == Shortened::Problem).count();
        }
        if group.positives.is_empty() || group.negatives.is_empty() {
            out.groups += 1;
        } else {
            kept.push(group);
        }
    }
    (kept, out)
}
