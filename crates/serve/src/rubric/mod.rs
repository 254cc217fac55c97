//! The rubric service: traces in, scores out, in the dialects that training frameworks speak.

pub(crate) mod desk;
pub mod dialect;
mod lane;
pub mod model;
mod service;

pub use model::ModelScorer;
pub use service::{RubricServiceConfig, rubric_section, rubric_service};

use crate::fault::ItemFault;
use lane::SafeLane;
use serde::Serialize;
use serde_json::Value;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracelift_domain::{DIMENSIONS, TaskDomain, Trace, TraceDefect};
use tracelift_reward::RubricScore;

/// A problem and a trace for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The problem's statement.
    pub problem: String,
    /// The trace.
    pub trace: Trace,
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
    /// Reads an item as `POST /score` takes it: `problem`, and `reasoning` (a bare trace) or `completion` (what a planner wrote);
    /// if wanted `task_name`, `task_type` and `tests`. Where what was written holds no trace, its defect: that is known
    /// to be worth 0.
    ///
    /// # Errors
    /// Names the field that is missing, of another type, or not known.
    pub fn from_json(value: Value) -> Result<Result<Item, TraceDefect>, ItemFault> {
        dialect::items::item_of(value)
    }
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

/// Something that scores traces. The score of an input must not depend on what else is asked at the time.
pub trait Scorer: Send + Sync + 'static {
    /// What it is.
    fn card(&self) -> Card;

    /// Turns an item into tokens.
    ///
    /// # Errors
    /// When the item cannot be put into tokens.
    fn encode(&self, item: &Item) -> Result<Encoded, ItemFault>;

    /// Turns a caller's tokens into text.
    ///
    /// # Errors
    /// When they are not the scorer's.
    fn text(&self, tokens: &[u32]) -> Result<String, ItemFault>;

    /// A reader with buffers of its own, for one thread. As many are made as inputs are to be read at a time.
    fn lane(&self) -> Box<dyn Lane + '_>;
}

/// Reads one input after the other, each from beginning to end.
pub trait Lane {
    /// The score of an input.
    ///
    /// # Errors
    /// When there is none.
    fn score(&mut self, input: &Encoded) -> Result<Score, ItemFault>;
}

/// Scores inputs on `lanes` threads; in the order of the inputs. Those that begin alike, as the traces of a problem do, are read
/// one after another, so that a lane need not read again what they have in common. An input on which the scorer panics fails alone.
#[must_use]
pub fn score_all(
    scorer: &dyn Scorer,
    inputs: &[Encoded],
    lanes: NonZeroUsize,
) -> Vec<Result<Score, ItemFault>> {
    let mut order: Vec<usize> = (0..inputs.len()).collect();
    order.sort_by_key(|&i| &inputs[i].tokens);
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut lane, mut found) = (SafeLane::of(scorer), Vec::new());
        while let Some(&i) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push((i, lane.score(&inputs[i])));
        }
        found
    };
    let mut scores: Vec<Option<Result<Score, ItemFault>>> = vec![None; inputs.len()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..lanes.get().min(inputs.len())).map(|_| scope.spawn(work)).collect();
        for (i, score) in threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()) {
            scores[i] = Some(score);
        }
    });
    scores.into_iter().map(|score| score.unwrap_or_else(|| Err(lane::broken()))).collect()
}
