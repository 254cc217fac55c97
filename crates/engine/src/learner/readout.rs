//! Heads beside a model: linear maps of hidden states, a few rows wide.

use super::Parameters;
use super::mover::Mover;
use crate::checkpoint::CheckpointError;
use crate::optimizer::{AdamWConfig, NonFinite};
use crate::params::Tensor;
use std::path::Path;

/// A linear map of hidden states: `W·h + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    inputs: usize,
    outputs: usize,
    /// `outputs × inputs` weights, then `outputs` biases.
    values: Vec<f32>,
}

impl Readout {
    /// A head of zeros.
    #[must_use]
    pub fn zeros(inputs: usize, outputs: usize) -> Readout {
        Readout { inputs, outputs, values: vec![0.0; outputs * inputs + outputs] }
    }

    /// The width of the hidden states that it reads.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// `W`, `outputs × inputs`.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.values[..self.outputs * self.inputs]
    }

    /// `W`, to be set.
    pub fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.outputs * self.inputs]
    }

    /// `b`
    #[must_use]
    pub fn biases(&self) -> &[f32] {
        &self.values[self.outputs * self.inputs..]
    }

    /// `b`, to be set.
    pub fn biases_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.outputs * self.inputs..]
    }

    /// All of them: weights, then biases.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Output `i` of a hidden state, added up in `f64`.
    #[must_use]
    pub fn output(&self, i: usize, hidden: &[f32]) -> f64 {
        let weights = self.weights()[i * self.inputs..][..self.inputs].iter();
        let dot: f64 = weights.zip(hidden).map(|(w, h)| f64::from(*w) * f64::from(*h)).sum();
        dot + f64::from(self.biases()[i])
    }

    /// Exchanges its numbers with a copy of them.
    ///
    /// # Panics
    /// If the copy is one of another shape.
    pub fn exchange(&mut self, parameters: &mut Parameters) {
        parameters.0.swap_with_slice(&mut self.values);
    }
}

/// A head in training.
pub struct ReadoutLearner {
    readout: Readout,
    mover: Mover,
    /// One dimension: a head does not decay, as it is far smaller than what it reads.
    tensors: [Tensor; 1],
}

impl ReadoutLearner {
    /// A fresh one; `name` is what errors call the head.
    #[must_use]
    pub fn new(name: &str, readout: Readout, optimizer: AdamWConfig) -> ReadoutLearner {
        let len = readout.values.len();
        ReadoutLearner {
            readout,
            mover: Mover::new(len, optimizer),
            tensors: [Tensor { name: name.to_owned(), shape: vec![len], range: 0..len }],
        }
    }

    /// The head as it is.
    #[must_use]
    pub fn readout(&self) -> &Readout {
        &self.readout
    }

    /// The head, to have.
    #[must_use]
    pub fn into_readout(self) -> Readout {
        self.readout
    }

    /// The way back through the head: of `rows × inputs` hidden states and `rows × outputs` slopes of the loss, adds to the
    /// head's gradients and returns those of the hidden states, `rows × inputs`.
    #[must_use]
    pub fn backward(&mut self, hidden: &[f32], slopes: &[f32]) -> Vec<f32> {
        let Readout { inputs, outputs, .. } = self.readout;
        let (d_weights, d_biases) = self.mover.gradients.split_at_mut(outputs * inputs);
        let mut d_hidden = vec![0.0; hidden.len()];
        let rows = hidden.chunks_exact(inputs).zip(d_hidden.chunks_exact_mut(inputs));
        for ((hidden, d_hidden), slopes) in rows.zip(slopes.chunks_exact(outputs)) {
            for (i, &slope) in slopes.iter().enumerate() {
                d_biases[i] += slope;
                let weights = &self.readout.values[i * inputs..][..inputs];
                let d_weights = &mut d_weights[i * inputs..][..inputs];
                for (((d_w, d_h), w), h) in d_weights.iter_mut().zip(&mut *d_hidden).zip(weights).zip(hidden)
                {
                    *d_w += slope * h;
                    *d_h += slope * w;
                }
            }
        }
        d_hidden
    }

    /// The gradients that have been added up since they were last applied, weights first.
    #[must_use]
    pub fn gradients(&self) -> &[f32] {
        &self.mover.gradients
    }

    /// Counts a step of the run; see [`super::Learner::finish_step`].
    pub fn finish_step(&mut self) {
        self.mover.step += 1;
    }

    /// Whether the gradients may be applied: they and the loss that they belong to are finite.
    ///
    /// # Errors
    /// Names the head if it is not finite.
    pub fn check(&self, loss: f64) -> Result<(), NonFinite> {
        self.mover.check(&self.readout.values, &self.tensors, loss)
    }

    /// Applies the gradients of a loss and clears them; returns their norm before clipping.
    ///
    /// # Errors
    /// Names the head if it is not finite; nothing is changed then.
    pub fn apply(&mut self, loss: f64, rate: f32) -> Result<f64, NonFinite> {
        self.mover.apply(&mut self.readout.values, &self.tensors, loss, rate)
    }

    /// A copy of the head's numbers.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        Parameters(self.readout.values.clone())
    }

    /// Exchanges the head's numbers with a copy of them.
    ///
    /// # Panics
    /// If the copy is one of another shape.
    pub fn exchange(&mut self, parameters: &mut Parameters) {
        self.readout.exchange(parameters);
    }

    /// Moves a copy towards the head by a share of the way.
    pub fn draw(&self, parameters: &mut Parameters, share: f32) {
        parameters.approach(&self.readout.values, share);
    }

    /// Writes what is needed to go on, as [`super::Learner::save`] does, into a folder of its own.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), CheckpointError> {
        self.mover.save(self.mover.step, &self.readout.values, dir)
    }

    /// Restores what [`ReadoutLearner::save`] wrote.
    ///
    /// # Errors
    /// When a file cannot be read or belongs to another head.
    pub fn restore(&mut self, dir: &Path) -> Result<(), CheckpointError> {
        self.mover.restore(&mut self.readout.values, dir)
    }
}
