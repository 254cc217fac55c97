//! Reward models: traces scored against the rubric, as `tracelift rm score` does it.

use crate::{interrupt::interruptible, json};
use pyo3::{
    exceptions::{PyOSError, PyValueError},
    prelude::*,
    types::PyDict,
};
use serde_json::Value;
use std::{num::NonZeroUsize, path::PathBuf, thread};
use tracelift_domain::{DIMENSIONS, rubric::dimension_names};
use tracelift_serve::{Encoded, Item, ItemFault, ModelScorer, Scorer, score_all};

/// What the rubric says of a trace.
#[pyclass(frozen, module = "tracelift_rl")]
pub struct Score {
    /// The rubric score `s`, from 0 to 1; `None` where there is none.
    #[pyo3(get)]
    score: Option<f64>,
    /// The part of it that comes from the dimensions.
    #[pyo3(get)]
    derived: Option<f64>,
    /// The part of it that comes from the scalar head.
    #[pyo3(get)]
    total: Option<f64>,
    /// Why the completion holds no usable trace: its score is known to be 0 then.
    #[pyo3(get)]
    defect: Option<&'static str>,
    /// Why there is no score.
    #[pyo3(get)]
    error: Option<String>,
    /// Tokens that were read.
    #[pyo3(get)]
    tokens: Option<usize>,
    /// Whether something of the problem had to be left out.
    #[pyo3(get)]
    shortened: Option<bool>,
    labels: Option<[(&'static str, f64); DIMENSIONS]>,
}

#[pymethods]
impl Score {
    /// The expected label of each dimension, from 0 to 4.
    #[getter]
    fn dimensions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(labels) = &self.labels else { return Ok(None) };
        let told = PyDict::new(py);
        for (name, label) in labels {
            told.set_item(name, label)?;
        }
        Ok(Some(told))
    }

    fn __repr__(&self) -> String {
        match (self.score, &self.error) {
            (Some(score), _) => format!("Score({score:.4})"),
            (None, error) => format!("Score(error={:?})", error.as_deref().unwrap_or_default()),
        }
    }
}

impl Score {
    const NOTHING: Score = Score {
        score: None,
        derived: None,
        total: None,
        defect: None,
        error: None,
        tokens: None,
        shortened: None,
        labels: None,
    };

    fn failed(fault: &ItemFault) -> Score {
        Score { error: Some(fault.to_string()), ..Score::NOTHING }
    }
}

/// A reward model, read from a directory or from the Hugging Face cache by its name (`org/name`).
#[pyclass(frozen, module = "tracelift_rl")]
pub struct RewardModel {
    scorer: ModelScorer,
    lanes: NonZeroUsize,
}

#[pymethods]
impl RewardModel {
    #[new]
    #[pyo3(signature = (directory, *, task_name=None, lanes=None))]
    fn new(
        py: Python<'_>,
        directory: PathBuf,
        task_name: Option<&str>,
        lanes: Option<usize>,
    ) -> PyResult<RewardModel> {
        let lanes = lanes.map_or_else(|| thread::available_parallelism().ok(), NonZeroUsize::new);
        let lanes = lanes.ok_or_else(|| PyValueError::new_err("`lanes` is 0; at least one must read"))?;
        let name = directory.display().to_string();
        let model = py
            .detach(|| tracelift_reward::RewardModel::load(&directory))
            .map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(RewardModel { scorer: ModelScorer::new(model, &name, task_name), lanes })
    }

    /// A hash of its weights and of how it reads.
    #[getter]
    fn fingerprint(&self) -> String {
        self.scorer.card().fingerprint
    }

    /// The names of its dimensions.
    #[getter]
    fn dimensions(&self) -> Vec<&'static str> {
        self.scorer.card().dimensions.to_vec()
    }

    /// Scores items: `problem`, and `reasoning` (a bare trace) or `completion` (all that a planner wrote); if wanted `task_name`,
    /// `task_type` and `tests`. In their order; one that is wrong fails alone.
    fn score(&self, py: Python<'_>, items: &Bound<'_, PyAny>) -> PyResult<Vec<Score>> {
        let Value::Array(items) = json(items)? else {
            return Err(PyValueError::new_err("`items` is no list"));
        };
        interruptible(py, |_| self.score_values(items))
    }
}

impl RewardModel {
    fn score_values(&self, items: Vec<Value>) -> Vec<Score> {
        let names = dimension_names(self.scorer.card().domain);
        let mut good: Vec<Encoded> = Vec::new();
        // What is known of an item without the model; nothing, where it is to be read.
        let mut known = |value: Value| match Item::from_json(value) {
            Ok(Ok(item)) => match self.scorer.encode(&item) {
                Ok(encoded) => {
                    good.push(encoded);
                    None
                }
                Err(fault) => Some(Score::failed(&fault)),
            },
            Ok(Err(defect)) => {
                Some(Score { score: Some(0.0), defect: Some(defect.code()), ..Score::NOTHING })
            }
            Err(fault) => Some(Score::failed(&fault)),
        };
        let read: Vec<Option<Score>> = items.into_iter().map(&mut known).collect();
        let mut scores = score_all(&self.scorer, &good, self.lanes).into_iter();
        read.into_iter()
            .map(|known| {
                known.unwrap_or_else(|| match scores.next().unwrap_or(Err(ItemFault::NotFinite)) {
                    Err(fault) => Score::failed(&fault),
                    Ok(found) => {
                        let mut labels = names.map(|name| (name, 0.0));
                        for (label, expected) in labels.iter_mut().zip(found.rubric.dimensions) {
                            label.1 = expected;
                        }
                        Score {
                            score: Some(found.rubric.score),
                            derived: Some(found.rubric.derived),
                            total: Some(found.rubric.total),
                            tokens: Some(found.tokens),
                            shortened: Some(found.shortened),
                            labels: Some(labels),
                            ..Score::NOTHING
                        }
                    }
                })
            })
            .collect()
    }
}
