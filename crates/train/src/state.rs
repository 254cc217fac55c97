//! What a training run must remember to go on bit for bit: parameters, the optimizer's means, the step.
//!
//! There is no random state among it: every draw of a step follows from the run's seed and the step's number.

use serde::{Deserialize, Serialize};
use std::path::Path;
use tracelift_engine::checkpoint::{self, CheckpointError, Outgoing};
use tracelift_engine::optimizer::{NonFinite, norm};
use tracelift_engine::params::Tensor;
use tracelift_engine::{AdamW, AdamWConfig, Precision};

const TENSORS: &str = "state.safetensors";
const NUMBERS: &str = "state.json";

/// Why a state cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A JSON file of the state is damaged.
    #[error("{path}: {source}")]
    Numbers {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The baselines were measured with another executor.
    #[error(transparent)]
    Executor(#[from] tracelift_reward::measure::OtherExecutor),
    /// The state belongs to another shape of model.
    #[error(
        "the checkpoint holds {found} parameters, but the model has {expected}; was the configuration changed?"
    )]
    Size {
        /// In the checkpoint.
        found: usize,
        /// Of the model.
        expected: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    step: u64,
    optimizer_steps: u64,
}

/// Gradients and optimizer of one flat buffer of parameters.
#[derive(Clone, Debug)]
pub struct Learner {
    /// Steps of the run that are done.
    pub step: u64,
    /// Where gradients add up.
    pub gradients: Vec<f32>,
    /// Its state.
    pub optimizer: AdamW,
}

impl Learner {
    /// A fresh one for `len` parameters.
    #[must_use]
    pub fn new(len: usize, config: AdamWConfig) -> Learner {
        Learner { step: 0, gradients: vec![0.0; len], optimizer: AdamW::new(len, config) }
    }

    /// Whether the gradients may be applied: they and the loss that they belong to are finite.
    ///
    /// # Errors
    /// Names the first tensor that is not finite.
    pub fn check(&self, parameters: &[f32], tensors: &[Tensor], loss: f64) -> Result<(), NonFinite> {
        let culprit = |otherwise| Err(NonFinite::first(parameters, &self.gradients, tensors, otherwise));
        if !loss.is_finite() {
            return culprit(NonFinite::Loss { value: loss });
        }
        if !norm(&self.gradients).is_finite() {
            return culprit(NonFinite::Norm);
        }
        Ok(())
    }

    /// Applies the gradients of a loss and clears them; returns their norm before clipping.
    ///
    /// # Errors
    /// Names the first tensor that is not finite; nothing is changed then.
    pub fn apply(
        &mut self,
        parameters: &mut [f32],
        tensors: &[Tensor],
        loss: f64,
        rate: f32,
    ) -> Result<f64, NonFinite> {
        if !loss.is_finite() {
            self.check(parameters, tensors, loss)?;
        }
        let norm = self.optimizer.step(parameters, &mut self.gradients, tensors, rate)?;
        self.gradients.fill(0.0);
        Ok(norm)
    }

    /// Writes the state beside whatever else a checkpoint holds.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, parameters: &[f32], dir: &Path) -> Result<(), StateError> {
        let parts = [
            ("parameters", parameters),
            ("mean", self.optimizer.mean.as_slice()),
            ("square", self.optimizer.square.as_slice()),
        ];
        let tensors = parts.map(|(name, values)| Outgoing {
            name: name.to_owned(),
            shape: vec![values.len()],
            values,
            precision: Precision::F32,
        });
        checkpoint::save_tensors(&dir.join(TENSORS), tensors.into())?;
        save_json(dir, NUMBERS, &Numbers { step: self.step, optimizer_steps: self.optimizer.steps })
    }

    /// Restores what [`Learner::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another model.
    pub fn restore(&mut self, parameters: &mut [f32], dir: &Path) -> Result<(), StateError> {
        let numbers: Numbers = load_json(dir, NUMBERS)?;
        let mut tensors = checkpoint::load_tensors(&dir.join(TENSORS))?;
        for (name, target) in [
            ("parameters", parameters),
            ("mean", &mut self.optimizer.mean),
            ("square", &mut self.optimizer.square),
        ] {
            let (_, values) = tensors
                .remove(name)
                .ok_or_else(|| CheckpointError::Missing { path: dir.to_owned(), name: name.to_owned() })?;
            if values.len() != target.len() {
                return Err(StateError::Size { found: values.len(), expected: target.len() });
            }
            target.copy_from_slice(&values);
        }
        self.step = numbers.step;
        self.optimizer.steps = numbers.optimizer_steps;
        Ok(())
    }
}

/// Makes a folder inside a checkpoint.
pub(crate) fn make_dir(path: &Path) -> Result<(), StateError> {
    std::fs::create_dir_all(path).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
    Ok(())
}

/// Writes a part of a state as JSON.
pub(crate) fn save_json<T: Serialize>(dir: &Path, file: &str, value: &T) -> Result<(), StateError> {
    let path = dir.join(file);
    let text =
        serde_json::to_string(value).map_err(|source| StateError::Numbers { path: path.clone(), source })?;
    tracelift_files::write(&path, text).map_err(CheckpointError::from)?;
    Ok(())
}

/// Reads a part of a state.
pub(crate) fn load_json<T: for<'de> Deserialize<'de>>(dir: &Path, file: &str) -> Result<T, StateError> {
    let path = dir.join(file);
    let text = std::fs::read_to_string(&path)
        .map_err(|source| CheckpointError::Io { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| StateError::Numbers { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_survives_exactly() {
        let tensors = [Tensor { name: "w".into(), shape: vec![2, 2], range: 0..4 }];
        let mut parameters = vec![0.1, 0.2, 0.3, 0.4];
        let mut learner = Learner::new(4, AdamWConfig::default());
        learner.gradients = vec![0.3, -0.1, 0.7, 1e-8];
        learner.apply(&mut parameters, &tensors, 0.0, 0.01).unwrap();
        learner.step = 7;
        let scratch = tempfile::tempdir().unwrap();
        learner.save(&parameters, scratch.path()).unwrap();
        let (mut again, mut restored) = (Learner::new(4, AdamWConfig::default()), vec![0.0; 4]);
        again.restore(&mut restored, scratch.path()).unwrap();
        assert_eq!((restored, again.step, again.optimizer.steps), (parameters, 7, 1));
        assert_eq!(
            (again.optimizer.mean, again.optimizer.square),
            (learner.optimizer.mean, learner.optimizer.square)
        );
        let mut other = Learner::new(5, AdamWConfig::default());
        assert!(matches!(other.restore(&mut [0.0; 5], scratch.path()), Err(StateError::Size { .. })));
    }
}
