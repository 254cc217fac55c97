//! What learns of a reward model, copied: the weights of the best look, and the running mean of all steps.

use crate::state::{StateError, make_dir};
use std::path::Path;
use tracelift_engine::Precision;
use tracelift_engine::checkpoint::{self, CheckpointError, Outgoing};
use tracelift_reward::RewardModel;

/// Of the backbone, or its adapters, and of the heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// What learns of the backbone.
    pub backbone: Vec<f32>,
    /// The heads.
    pub heads: Vec<f32>,
}

/// How many numbers there are to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of the backbone, or its adapters.
    pub backbone: usize,
    /// Of the heads.
    pub heads: usize,
}

impl Sizes {
    /// Those of a model.
    #[must_use]
    pub fn of(model: &RewardModel) -> Sizes {
        Sizes { backbone: model.backbone.trainable().len(), heads: model.heads.len() }
    }
}

impl Weights {
    /// Copies those of a model.
    #[must_use]
    pub fn of(model: &RewardModel) -> Weights {
        Weights { backbone: model.backbone.trainable().to_vec(), heads: model.heads.clone() }
    }

    /// Exchanges them with those of a model.
    pub fn swap(&mut self, model: &mut RewardModel) {
        self.backbone.swap_with_slice(model.backbone.trainable_mut());
        self.heads.swap_with_slice(&mut model.heads);
    }

    /// Goes towards those of a model by a share of the way.
    pub fn approach(&mut self, model: &RewardModel, share: f32) {
        let toward = |own: &mut [f32], theirs: &[f32]| {
            own.iter_mut().zip(theirs).for_each(|(own, theirs)| *own += share * (theirs - *own));
        };
        toward(&mut self.backbone, model.backbone.trainable());
        toward(&mut self.heads, &model.heads);
    }

    /// Writes them to a file in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, dir: &Path, file: &str) -> Result<(), StateError> {
        make_dir(dir)?;
        let parts = [("backbone", self.backbone.as_slice()), ("heads", self.heads.as_slice())];
        let tensors = parts.map(|(name, values)| Outgoing {
            name: name.to_owned(),
            shape: vec![values.len()],
            values,
            precision: Precision::F32,
        });
        Ok(checkpoint::save_tensors(&dir.join(file), tensors.into())?)
    }

    /// Reads what [`Weights::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or belongs to another model.
    pub fn load(path: &Path, sizes: Sizes) -> Result<Weights, StateError> {
        let mut tensors = checkpoint::load_tensors(path)?;
        let mut take = |name: &str, expected: usize| {
            let (_, values) = tensors
                .remove(name)
                .ok_or_else(|| CheckpointError::Missing { path: path.to_owned(), name: name.to_owned() })?;
            if values.len() == expected {
                Ok(values)
            } else {
                Err(StateError::Size { found: values.len(), expected })
            }
        };
        Ok(Weights { backbone: take("backbone", sizes.backbone)?, heads: take("heads", sizes.heads)? })
    }
}
