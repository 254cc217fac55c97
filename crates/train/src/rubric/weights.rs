//! What learns of a reward model, copied: the weights of the best look, and the running mean of all steps.

use crate::state::{StateError, make_dir};
use std::path::Path;
use tracelift_engine::{Learner, Parameters, ReadoutLearner};

/// Of the backbone, or its adapters, and of the heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// What learns of the backbone.
    pub backbone: Parameters,
    /// The heads.
    pub heads: Parameters,
}

impl Weights {
    /// Copies those of a model.
    #[must_use]
    pub fn of(backbone: &Learner, heads: &ReadoutLearner) -> Weights {
        Weights { backbone: backbone.parameters(), heads: heads.parameters() }
    }

    /// Exchanges them with those of a model.
    pub fn exchange(&mut self, backbone: &mut Learner, heads: &mut ReadoutLearner) {
        backbone.exchange(&mut self.backbone);
        heads.exchange(&mut self.heads);
    }

    /// Goes towards those of a model by a share of the way.
    pub fn approach(&mut self, backbone: &Learner, heads: &ReadoutLearner, share: f32) {
        backbone.draw(&mut self.backbone, share);
        heads.draw(&mut self.heads, share);
    }

    /// Writes them to a file in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, dir: &Path, file: &str) -> Result<(), StateError> {
        make_dir(dir)?;
        let named = [("backbone", &self.backbone), ("heads", &self.heads)];
        Ok(Parameters::save(&named, &dir.join(file))?)
    }

    /// Puts what [`Weights::save`] wrote in the place of these.
    ///
    /// # Errors
    /// When the file cannot be read or belongs to another model.
    pub fn restore(&mut self, path: &Path) -> Result<(), StateError> {
        let mut named = [("backbone", &mut self.backbone), ("heads", &mut self.heads)];
        Ok(Parameters::load(&mut named, path)?)
    }
}
