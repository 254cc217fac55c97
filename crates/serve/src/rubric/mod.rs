//! The rubric service: traces in, scores out, in the dialects that training frameworks speak.

pub(crate) mod desk;
pub mod dialect;
mod lanes;
pub mod model;
mod service;

pub use model::ModelScorer;
pub use service::{RubricServiceConfig, rubric_service};

use crate::fault::ItemFault;
use serde::Serialize;
use serde_json::Value;
use tracelift_domain::{DIMENSIONS, Ending, Field, TaskDomain, Trace, completion};
use tracelift_reward::RubricScore;

/// A problem and a trace for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The problem's statement.
    pub problem: String,
    /// The trace, with or without its tags.
    pub reasoning: String,
    /// What stands in `<task>`; `None` for the service's default.
    pub task_name: Option<String>,
    /// What stands in `<type>`; `None` for the model's domain.
    pub task_type: Option<String>,
    /// What stands in `<tests>`, if anything does.
    pub tests: Option<String>,
    /// How many tokens are read of it, where that is less than the model reads.
    pub max_tokens: Option<usize>,
}

impl Item {
    /// Reads an item as `POST /score` takes it: `problem` and `reasoning`, and if wanted `task_name`, `task_type` and `tests`.
    ///
    /// # Errors
    /// Names the field that is missing, of another type, or not known.
    pub fn from_json(value: Value) -> Result<Item, ItemFault> {
        dialect::items::item_of(value)
    }

    /// The trace. It may come in its tags, but then in one pair and alone.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn trace(&self) -> Result<Trace, ItemFault> {
        completion::read(&self.reasoning, Field::Reasoning, Ending::Stopped)
            .map_err(|defect| ItemFault::Invalid(format!("`reasoning`: {defect}")))
    }
}

/// What a scorer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A problem and a trace, to be put as the model was trained.
    Item(Item),
    /// A text that is put already.
    Text {
        /// The text.
        text: String,
        /// Keep so many tokens of its end; without this, a text that is too long is refused.
        keep_end: Option<usize>,
    },
    /// Tokens.
    Tokens {
        /// Their ids.
        ids: Vec<u32>,
        /// As for texts.
        keep_end: Option<usize>,
    },
}

/// An input, ready for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Whether something had to be left out.
    pub shortened: bool,
}

/// What a scorer says of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The score and its parts.
    pub rubric: RubricScore,
    /// Tokens that were read.
    pub tokens: usize,
    /// Whether something had to be left out.
    pub shortened: bool,
}

/// What a scorer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Card {
    /// A name for people.
    pub name: String,
    /// A hash of its weights.
    pub fingerprint: String,
    /// `math` or `code`.
    pub domain: TaskDomain,
    /// The names of its dimensions.
    pub dimensions: [&'static str; DIMENSIONS],
    /// The longest input in tokens.
    pub max_tokens: usize,
}

/// Something that scores traces. The score of an input must not depend on what else is in its batch.
pub trait Scorer: Send + Sync + 'static {
    /// What it is.
    fn card(&self) -> Card;

    /// Turns an input into tokens.
    ///
    /// # Errors
    /// When the input is not one, or longer than may be read.
    fn encode(&self, input: &Input) -> Result<Encoded, ItemFault>;

    /// Scores a batch. `done` takes the answer to each input by its index, as soon as it is known, from any thread.
    fn score(&self, batch: &[Encoded], done: &(dyn Fn(usize, Result<Score, ItemFault>) + Sync));
}
