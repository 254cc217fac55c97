//! The scorer of the house: a reward-model checkpoint, one input at a time per lane.
//!
//! What is read of an input depends on its tokens alone, to the last bit, whatever is asked at the same time; and two inputs
//! on two cores do not wait for each other.

use super::{Card, Encoded, Item, Lane, Score, Scorer};
use crate::fault::ItemFault;
use tracelift_domain::prompt;
use tracelift_domain::rubric::dimension_names;
use tracelift_reward::{FrozenRewardModel, RewardModel, RubricLane, Shortened, TraceScorer};

/// A reward model, packed for reading.
pub struct ModelScorer {
    model: FrozenRewardModel,
    name: String,
    task_name: String,
}

impl ModelScorer {
    /// A scorer on a model. `name` is for people; `task_name` stands in `<task>` where an item does not name its task.
    #[must_use]
    pub fn new(model: RewardModel, name: &str, task_name: Option<&str>) -> ModelScorer {
        let task_name = task_name.unwrap_or(model.domain.name()).to_owned();
        ModelScorer { model: FrozenRewardModel::new(model), name: name.to_owned(), task_name }
    }
}

impl Scorer for ModelScorer {
    fn card(&self) -> Card {
        Card {
            name: self.name.clone(),
            fingerprint: self.model.fingerprint().as_str().to_owned(),
            domain: self.model.domain(),
            dimensions: *dimension_names(self.model.domain()),
            max_tokens: self.model.max_tokens(),
        }
    }

    fn encode(&self, item: &Item) -> Result<Encoded, ItemFault> {
        let task = item.task_name.as_deref().unwrap_or(&self.task_name);
        let kind = item.task_type.as_deref().unwrap_or(self.model.domain().name());
        let most = self.model.max_tokens();
        let limit = item.max_tokens.map_or(most, |limit| limit.min(most));
        let tests = item.tests.as_deref().filter(|tests| !tests.trim().is_empty());
        let put = |problem: &str| prompt::reward_model_text(task, kind, problem, tests, item.trace.as_str());
        let (tokens, shortened) = self
            .model
            .encode_within(limit, &item.problem, put)
            .map_err(|e| ItemFault::Internal(e.to_string()))?;
        Ok(Encoded { tokens, shortened: shortened != Shortened::No })
    }

    fn text(&self, tokens: &[u32]) -> Result<String, ItemFault> {
        let known = self.model.vocabulary();
        if let Some(wrong) = tokens.iter().find(|id| **id as usize >= known) {
            return Err(ItemFault::Invalid(format!("token {wrong} is not below {known}")));
        }
        self.model.tokenizer().decode(tokens).map_err(|e| ItemFault::Internal(e.to_string()))
    }

    fn lane(&self) -> Box<dyn Lane + '_> {
        Box::new(self.model.lane())
    }
}

impl Lane for RubricLane<'_> {
    fn score(&mut self, input: &Encoded) -> Result<Score, ItemFault> {
        let rubric = RubricLane::score(self, &input.tokens);
        let numbers = rubric.dimensions.iter().chain([&rubric.derived, &rubric.total, &rubric.score]);
        if numbers.into_iter().any(|number| !number.is_finite()) {
            return Err(ItemFault::NotFinite);
        }
        Ok(Score { rubric, tokens: input.tokens.len(), shortened: input.shortened })
    }
}

#[cfg(test)]
mod tests {
    use super::super::score_all;
    use super::*;
    use std::num::NonZeroUsize;
    use std::path::Path;

    /// The golden checkpoint has no tokenizer of its own; scoring tokens needs none.
    fn model() -> RewardModel {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden/qwen2-rm");
        let ((backbone, heads), domain) = tracelift_reward::model::load_heads(&dir).unwrap();
        let tokenizer = tracelift_engine::Tokenizer::byte_level().unwrap();
        RewardModel { backbone, tokenizer, domain, max_tokens: 128, heads }
    }

    #[test]
    fn an_input_reads_the_same_in_any_company_and_fails_alone() {
        let scorer = ModelScorer::new(model(), "golden", None);
        let vocabulary = scorer.model.vocabulary() as u32;
        let encoded = |tokens| Encoded { tokens, shortened: false };
        let inputs: Vec<Encoded> = (1..60)
            .map(|length| encoded((0..length).map(|at| (at * 7 + length) % vocabulary).collect()))
            .collect();
        let lanes = NonZeroUsize::new(3).unwrap();
        let together = score_all(&scorer, &inputs, lanes);
        for (index, input) in inputs.iter().enumerate() {
            let alone = score_all(&scorer, std::slice::from_ref(input), lanes);
            assert!(alone[0].is_ok() && alone[0] == together[index], "input {index}");
        }
        // A token that the model does not have.
        let broken = [encoded(vec![u32::MAX]), inputs[1].clone()];
        for lanes in [NonZeroUsize::MIN, lanes] {
            let found = score_all(&scorer, &broken, lanes);
            assert!(matches!(found[0], Err(ItemFault::Internal(_))));
            assert_eq!(found[1], together[1]);
        }
    }
}
