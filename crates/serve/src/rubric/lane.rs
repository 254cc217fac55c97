//! A lane that survives what it reads.

use super::{Encoded, Lane, Score, Scorer};
use crate::fault::ItemFault;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A scorer's lane, made anew after a panic: its buffers may be in any state then.
pub(super) struct SafeLane<'a> {
    scorer: &'a dyn Scorer,
    lane: Option<Box<dyn Lane + 'a>>,
}

impl<'a> SafeLane<'a> {
    /// A lane of a scorer, made when there is something to read.
    pub fn of(scorer: &'a dyn Scorer) -> SafeLane<'a> {
        SafeLane { scorer, lane: None }
    }

    /// The score of an input; a fault where the scorer panics.
    pub fn score(&mut self, input: &Encoded) -> Result<Score, ItemFault> {
        let (scorer, kept) = (self.scorer, self.lane.take());
        let read = AssertUnwindSafe(|| {
            let mut lane = kept.unwrap_or_else(|| scorer.lane());
            let score = lane.score(input);
            (score, lane)
        });
        match catch_unwind(read) {
            Ok((score, lane)) => {
                self.lane = Some(lane);
                score
            }
            Err(_) => Err(broken()),
        }
    }
}

/// What is said of an input on which the scorer panicked.
pub(super) fn broken() -> ItemFault {
    ItemFault::Internal("the model failed on this input".into())
}
