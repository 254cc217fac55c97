//! Watching a training on held-out groups: which step was the best, and whether it is worth going on.

use super::weights::Weights;
use super::{RubricAccuracy, WatchConfig};
use crate::state::{StateError, load_json, make_dir, save_json};
use serde::{Deserialize, Serialize};
use std::path::Path;

const NUMBERS: &str = "watch.json";
const TENSORS: &str = "best.safetensors";

/// What held-out groups said of a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// The step.
    pub step: u64,
    /// Share of pairs in the right order.
    pub pairs: f64,
    /// Mean absolute error of the total.
    pub total_error: f64,
}

impl Look {
    /// Of the measurement at a step.
    #[must_use]
    pub fn new(step: u64, accuracy: &RubricAccuracy) -> Look {
        Look { step, pairs: accuracy.pairs, total_error: accuracy.total_error }
    }

    /// More pairs in the right order, or as many and totals that are closer.
    fn beats(&self, other: &Look) -> bool {
        self.pairs > other.pairs || (self.pairs == other.pairs && self.total_error < other.total_error)
    }
}

/// The best step so far, and what the model was then.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// How good it was.
    pub look: Look,
    /// What the model was.
    pub weights: Weights,
}

/// What has been seen so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    best: Option<Best>,
    without_gain: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    best: Option<Look>,
    without_gain: u64,
}

impl Watch {
    /// Takes a look into account; the weights are asked for if it is the best so far.
    pub fn look(&mut self, look: Look, weights: impl FnOnce() -> Weights) {
        if self.best.as_ref().is_some_and(|best| !look.beats(&best.look)) {
            self.without_gain += 1;
            return;
        }
        self.without_gain = 0;
        self.best = Some(Best { look, weights: weights() });
    }

    /// The best step so far.
    #[must_use]
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// The same, to have.
    #[must_use]
    pub fn into_best(self) -> Option<Best> {
        self.best
    }

    /// Whether there was no gain for as long as one was waited for.
    #[must_use]
    pub fn gives_up(&self, config: &WatchConfig) -> bool {
        config.patience > 0 && self.without_gain >= config.patience
    }

    /// Writes what has been seen.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), StateError> {
        make_dir(dir)?;
        let numbers =
            Numbers { best: self.best.as_ref().map(|best| best.look), without_gain: self.without_gain };
        if let Some(best) = &self.best {
            best.weights.save(dir, TENSORS)?;
        }
        save_json(dir, NUMBERS, &numbers)
    }

    /// Restores what [`Watch::save`] wrote; `shape` gives any weights of the model.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another model.
    pub fn restore(dir: &Path, shape: impl FnOnce() -> Weights) -> Result<Watch, StateError> {
        let numbers: Numbers = load_json(dir, NUMBERS)?;
        let best = match numbers.best {
            None => None,
            Some(look) => {
                let mut weights = shape();
                weights.restore(&dir.join(TENSORS))?;
                Some(Best { look, weights })
            }
        };
        Ok(Watch { best, without_gain: numbers.without_gain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(step: u64, pairs: f64, total_error: f64) -> Look {
        Look { step, pairs, total_error }
    }

    fn weights(backbone: &[f32], heads: &[f32]) -> Weights {
        Weights { backbone: backbone.to_vec().into(), heads: heads.to_vec().into() }
    }

    #[test]
    fn the_best_step_is_kept_and_patience_ends() {
        let config = WatchConfig { every: 1, groups: 0, patience: 2 };
        let mut watch = Watch::default();
        let mut best = Vec::new();
        for (step, pairs, error) in
            [(1, 0.6, 0.3), (2, 0.6, 0.2), (3, 0.6, 0.2), (4, 0.7, 0.4), (5, 0.6, 0.1)]
        {
            assert!(!watch.gives_up(&config));
            watch.look(look(step, pairs, error), || weights(&[step as f32], &[-(step as f32)]));
            best.push(watch.best().unwrap().look.step);
        }
        assert_eq!(best, [1, 2, 2, 4, 4]);
        assert!(!watch.gives_up(&config));
        watch.look(look(6, 0.7, 0.4), || weights(&[6.0], &[-6.0]));
        assert!(watch.gives_up(&config));
        assert!(!watch.gives_up(&WatchConfig { patience: 0, ..config }));
        assert_eq!(watch.best().unwrap().weights, weights(&[4.0], &[-4.0]));
    }

    #[test]
    fn what_was_seen_survives_exactly() {
        let scratch = tempfile::tempdir().unwrap();
        let mut watch = Watch::default();
        watch.save(scratch.path()).unwrap();
        let shape = || weights(&[0.0; 2], &[0.0]);
        assert_eq!(Watch::restore(scratch.path(), shape).unwrap(), watch);
        watch.look(look(3, 2.0 / 3.0, 0.1 + 0.2), || weights(&[0.1, -1e-9], &[0.3]));
        watch.look(look(4, 0.5, 0.0), || weights(&[1.0, 1.0], &[1.0]));
        watch.save(scratch.path()).unwrap();
        assert_eq!(Watch::restore(scratch.path(), shape).unwrap(), watch);
        let error = Watch::restore(scratch.path(), || weights(&[0.0; 3], &[0.0])).unwrap_err().to_string();
        assert!(error.contains("holds 2 parameters, but the model has 3"), "{error}");
    }
}
