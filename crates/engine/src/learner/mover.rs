//! What moves one flat buffer of parameters: gradients, the optimizer's means, and how far both have come.
//!
//! There is no random state to keep: every draw of a step follows from the run's seed and the step's number.

use crate::checkpoint::{self, CheckpointError, Outgoing, Precision, io_error, read_text};
use crate::optimizer::{AdamW, AdamWConfig, NonFinite, norm};
use crate::params::Tensor;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

const TENSORS: &str = "state.safetensors";
const NUMBERS: &str = "state.json";
/// The largest `state.json` in bytes.
const LARGEST: u64 = 1 << 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    step: u64,
    optimizer_steps: u64,
}

pub(super) struct Mover {
    /// Steps of the run that are done.
    pub step: u64,
    /// Where gradients add up.
    pub gradients: Vec<f32>,
    optimizer: AdamW,
}

impl Mover {
    /// A fresh one for `len` parameters.
    pub fn new(len: usize, config: AdamWConfig) -> Mover {
        Mover { step: 0, gradients: vec![0.0; len], optimizer: AdamW::new(len, config) }
    }

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

    /// Writes the state as of a step: of the last one, or of an earlier one since which nothing was applied.
    pub fn save(&self, step: u64, parameters: &[f32], dir: &Path) -> Result<(), CheckpointError> {
        let AdamW { mean, square, steps, .. } = &self.optimizer;
        let tensors = [("parameters", parameters), ("mean", mean.as_slice()), ("square", square.as_slice())];
        let outgoing = tensors.map(|(name, values)| Outgoing {
            name: name.to_owned(),
            shape: vec![values.len()],
            values: values.into(),
            precision: Precision::F32,
        });
        checkpoint::save_tensors(&dir.join(TENSORS), outgoing.into())?;
        let path = dir.join(NUMBERS);
        let numbers = Numbers { step, optimizer_steps: *steps };
        let text = serde_json::to_string(&numbers)
            .map_err(|error| CheckpointError::Json { path: path.clone(), message: error.to_string() })?;
        Ok(tracelift_files::write(&path, text)?)
    }

    pub fn restore(&mut self, parameters: &mut [f32], dir: &Path) -> Result<(), CheckpointError> {
        let path = dir.join(NUMBERS);
        let absent = || io_error(&path)(io::ErrorKind::NotFound.into());
        let text = read_text(&path, LARGEST)?.ok_or_else(absent)?;
        let numbers: Numbers = serde_json::from_str(&text)
            .map_err(|error| CheckpointError::Json { path: path.clone(), message: error.to_string() })?;
        let AdamW { mean, square, steps, .. } = &mut self.optimizer;
        load(
            &dir.join(TENSORS),
            [("parameters", parameters), ("mean", mean.as_mut_slice()), ("square", square.as_mut_slice())],
        )?;
        self.step = numbers.step;
        *steps = numbers.optimizer_steps;
        Ok(())
    }
}

/// Fills buffers from the tensors of these names; all of them, or none.
pub(super) fn load<'b>(
    path: &Path,
    named: impl IntoIterator<Item = (&'b str, &'b mut [f32])>,
) -> Result<(), CheckpointError> {
    let mut tensors = checkpoint::load_tensors(path)?;
    let mut found = Vec::new();
    for (name, target) in named {
        let (_, values) = tensors
            .remove(name)
            .ok_or_else(|| CheckpointError::Missing { path: path.to_owned(), name: name.to_owned() })?;
        if values.len() != target.len() {
            let (found, expected) = (values.len(), target.len());
            return Err(CheckpointError::Size { path: path.to_owned(), found, expected });
        }
        found.push((target, values));
    }
    found.into_iter().for_each(|(target, values)| target.copy_from_slice(&values));
    Ok(())
}
