//! The rubric reward model: a decoder's last hidden state, five 5-way heads and one scalar head.
//!
//! Checkpoints have the layout of the published reward models: the backbone under `model.*`, heads under
//! `dimension_heads.{i}` and `total_head`, and what the heads mean in `config.json`.

use crate::conversation;
pub use crate::loss::RubricScore;
use crate::loss::{HeadGradients, HeadOutputs, score};
use rand::Rng;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tracelift_domain::rubric::{LABELS, dimension_names};
use tracelift_domain::{DIMENSIONS, Fingerprint, Question, Seed, TaskDomain, Trace, prompt};
use tracelift_engine::chat::ChatError;
use tracelift_engine::checkpoint::{self, CheckpointError, Outgoing};
use tracelift_engine::tokenizer::TokenizerError;
use tracelift_engine::{Batch, Memory, Model, Pass, Precision, Readout, Tokenizer};

/// Rows of the heads' matrix: the labels of each dimension, then the total.
const OUTPUTS: usize = DIMENSIONS * LABELS + 1;
/// Tokens that go through the backbone at a time.
const BUDGET: usize = 8192;
/// The longest input in tokens of a model whose `config.json` does not say; that of the published ones.
const MAX_TOKENS: usize = 3072;
/// Where `config.json` says so. The published class carries keys that it does not know along.
const MAX_TOKENS_KEY: &str = "rm_max_tokens";

/// Why a reward model cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RewardModelError {
    /// The backbone, the tokenizer or a file.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Its chat template.
    #[error(transparent)]
    Template(#[from] ChatError),
    /// A model, but none with rubric heads.
    #[error("{path} {what}, not a reward model with rubric heads; `tracelift rm train` makes one")]
    Ordinary {
        /// The directory.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// `config.json` describes other heads.
    #[error("{path}: `{key}` is {found}; only {supported} is supported")]
    Heads {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What it says.
        found: String,
        /// What it would have to say.
        supported: String,
    },
    /// A head's tensor is missing or has another shape.
    #[error("{path}: tensor `{name}` is missing or does not have shape {shape:?}")]
    Tensor {
        /// The directory.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that it must have.
        shape: Vec<usize>,
    },
}

/// What of an input is left out so that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortened {
    /// Nothing: it fits.
    No,
    /// The end of the problem.
    Problem,
    /// All of the problem, and the beginning of what is left: the trace does not fit by itself.
    Trace,
}

/// A reward model.
#[derive(Clone, Debug)]
pub struct RewardModel {
    /// The decoder.
    pub backbone: Model,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// The rubric that it was trained for.
    pub domain: TaskDomain,
    /// The longest input in tokens; `rm_max_tokens` in `config.json`.
    pub max_tokens: usize,
    /// The labels of each dimension, then the total: 26 outputs.
    pub heads: Readout,
}

/// A reward model as far as scores go, lent: while it is trained, what trains it owns its parts.
#[derive(Clone, Copy, Debug)]
pub struct Scoring<'m> {
    /// The decoder.
    pub backbone: &'m Model,
    /// The heads on it.
    pub heads: &'m Readout,
}

impl RewardModel {
    /// Fresh heads (normal with deviation 0.02, zero biases) on a backbone.
    #[must_use]
    pub fn new(backbone: Model, tokenizer: Tokenizer, domain: TaskDomain, seed: Seed) -> RewardModel {
        let width = backbone.config.hidden_size;
        let mut heads = Readout::zeros(width, OUTPUTS);
        let mut rng = seed.child("heads", 0).rng();
        for weight in heads.weights_mut() {
            // Twelve uniform draws less six are normal enough for a start.
            *weight = 0.02 * ((0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0);
        }
        let max_tokens = backbone.config.max_positions.min(MAX_TOKENS);
        RewardModel { backbone, tokenizer, domain, max_tokens, heads }
    }

    /// Reads a checkpoint directory, or the one of that name (`org/name`) in the Hugging Face cache.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<RewardModel, RewardModelError> {
        let dir = &tracelift_engine::hub::resolve(dir).map_err(CheckpointError::from)?;
        let ((backbone, heads), domain) = load_heads(dir)?;
        let tokenizer = checkpoint::load_tokenizer(dir, &backbone.config)?;
        let max_tokens = HeadsConfig::read(dir)?.max_tokens()?.unwrap_or(MAX_TOKENS);
        let max_tokens = max_tokens.min(backbone.config.max_positions);
        Ok(RewardModel { backbone, tokenizer, domain, max_tokens, heads })
    }

    /// Writes a checkpoint directory; the backbone's adapters must have been merged.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path, precision: Precision) -> Result<(), RewardModelError> {
        let width = self.backbone.config.hidden_size;
        std::fs::create_dir_all(dir)
            .map_err(|source| CheckpointError::Io { path: dir.to_owned(), source })?;
        let config = Map::from_iter([
            (
                "architectures".to_owned(),
                json!([format!("{}ForReasonRewardModel", self.backbone.config.family.title())]),
            ),
            ("rm_dimension_names".to_owned(), json!(dimension_names(self.domain))),
            ("rm_dimension_weights".to_owned(), json!(vec![0.2; DIMENSIONS])),
            ("rm_num_labels".to_owned(), json!(LABELS)),
            ("rm_use_total_head".to_owned(), json!(true)),
            (MAX_TOKENS_KEY.to_owned(), json!(self.max_tokens)),
        ]);
        let (weights, biases) = (self.heads.weights(), self.heads.biases());
        let mut extra = Vec::new();
        for (name, rows) in head_rows() {
            let count = rows.len();
            let (weight, bias) = (&weights[rows.start * width..rows.end * width], &biases[rows]);
            extra.push(Outgoing {
                name: format!("{name}.weight"),
                shape: vec![count, width],
                values: weight.into(),
                precision,
            });
            extra.push(Outgoing {
                name: format!("{name}.bias"),
                shape: vec![count],
                values: bias.into(),
                precision,
            });
        }
        checkpoint::save_model(&self.backbone, dir, precision, &config, extra)?;
        // A trainer elsewhere puts what it asks about into the template of the reward model's tokenizer. That of a backbone
        // would not tell its turns from those that a planner wrote.
        let mut tokenizer = self.tokenizer.clone();
        tokenizer.set_chat_template(conversation::TEMPLATE)?;
        Ok(tokenizer.save_with(dir, self.backbone.config.family)?)
    }

    /// A hash of backbone and heads.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let heads: Vec<u8> = self.heads.values().iter().flat_map(|v| v.to_le_bytes()).collect();
        let backbone = self.backbone.fingerprint();
        Fingerprint::of([("backbone", backbone.as_str().as_bytes()), ("heads", heads.as_slice())])
    }

    /// The tokens of an input. Where it is too long, the problem is shortened at its end, never the trace; a trace
    /// that is too long by itself loses its beginning.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn encode(&self, question: &Question, trace: &Trace) -> Result<Vec<u32>, TokenizerError> {
        let put = |statement: &str| {
            prompt::reward_model_text(
                &question.source,
                question.domain.name(),
                statement,
                None,
                trace.as_str(),
            )
        };
        Ok(self.encode_within(self.max_tokens, &question.statement, put)?.0)
    }

    /// [`RewardModel::encode`] for at most `limit` tokens of whatever `put` makes of a statement; and what had to be left
    /// out.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn encode_within(
        &self,
        limit: usize,
        statement: &str,
        put: impl Fn(&str) -> String,
    ) -> Result<(Vec<u32>, Shortened), TokenizerError> {
        // What problem and trace hold of control tokens is text; a tokenizer may call the format's own tags special.
        let whole = |statement: &str| self.tokenizer.encode_said(&put(statement), &prompt::RUBRIC_TAGS);
        let tokens = whole(statement)?;
        if tokens.len() <= limit {
            return Ok((tokens, Shortened::No));
        }
        let characters: Vec<char> = statement.chars().collect();
        // The longest beginning that fits, by bisection: lengths in tokens grow with lengths in characters.
        let (mut fits, mut exceeds) = (0, characters.len());
        while exceeds - fits > 1 {
            let middle = fits.midpoint(exceeds);
            let shorter: String = characters[..middle].iter().collect();
            if whole(&shorter)?.len() <= limit { fits = middle } else { exceeds = middle }
        }
        let mut tokens = whole(&characters[..fits].iter().collect::<String>())?;
        let excess = tokens.len().saturating_sub(limit);
        tokens.drain(..excess);
        Ok((tokens, if excess > 0 { Shortened::Trace } else { Shortened::Problem }))
    }

    /// Scores inputs. A score does not depend on what else is scored, beyond rounding.
    #[must_use]
    pub fn score(&self, inputs: &[Vec<u32>]) -> Vec<RubricScore> {
        self.scoring().score(inputs)
    }

    /// What the heads say of the hidden state of a last token.
    #[must_use]
    pub fn read(&self, hidden: &[f32]) -> HeadOutputs {
        read(&self.heads, hidden)
    }

    /// What scores of it, lent.
    #[must_use]
    pub fn scoring(&self) -> Scoring<'_> {
        Scoring { backbone: &self.backbone, heads: &self.heads }
    }
}

impl Scoring<'_> {
    /// See [`RewardModel::score`].
    #[must_use]
    pub fn score(self, inputs: &[Vec<u32>]) -> Vec<RubricScore> {
        let mut pass = Pass::new(Memory::Recompute);
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        order.sort_by_key(|&i| inputs[i].len());
        let mut scores = vec![score(&HeadOutputs::ZERO); inputs.len()];
        let width = self.backbone.config.hidden_size;
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let mut tokens = 0;
            let count = rest.iter().take_while(|&&i| {
                tokens += inputs[i].len();
                tokens <= BUDGET
            });
            let (now, later) = rest.split_at(count.count().max(1));
            rest = later;
            let batch = Batch::of(now.iter().map(|&i| &inputs[i]));
            pass.forward(self.backbone, &batch);
            for (&i, row) in now.iter().zip(last_rows(&batch)) {
                scores[i] = score(&read(self.heads, &pass.hidden()[row * width..][..width]));
            }
        }
        scores
    }
}

/// What heads say of the hidden state of a last token.
#[must_use]
pub fn read(heads: &Readout, hidden: &[f32]) -> HeadOutputs {
    HeadOutputs {
        labels: std::array::from_fn(|d| {
            std::array::from_fn(|label| heads.output(d * LABELS + label, hidden))
        }),
        total: heads.output(OUTPUTS - 1, hidden),
    }
}

/// Slopes of a loss by what the heads said, `rows × 26`, for the way back through them.
#[must_use]
pub fn slopes(gradients: &[HeadGradients]) -> Vec<f32> {
    let of_row = |row: &HeadGradients| {
        row.labels.iter().flatten().chain([&row.total]).map(|slope| *slope as f32).collect::<Vec<_>>()
    };
    gradients.iter().flat_map(of_row).collect()
}

/// The row of each sequence's last token.
#[must_use]
pub fn last_rows(batch: &Batch) -> Vec<usize> {
    batch.spans().iter().map(|span| span.own.end - 1).collect()
}

/// Head names and their rows in [`RewardModel::heads`].
fn head_rows() -> impl Iterator<Item = (String, std::ops::Range<usize>)> {
    (0..DIMENSIONS)
        .map(|d| (format!("dimension_heads.{d}"), d * LABELS..(d + 1) * LABELS))
        .chain(std::iter::once(("total_head".to_owned(), OUTPUTS - 1..OUTPUTS)))
}

type Parts = ((Model, Readout), TaskDomain);

/// Backbone, heads and domain of a checkpoint, without its tokenizer.
///
/// # Errors
/// As [`RewardModel::load`].
pub fn load_heads(dir: &Path) -> Result<Parts, RewardModelError> {
    checkpoint::require_model(dir)?;
    let domain = HeadsConfig::read(dir)?.domain()?;
    let is_head = |name: &str| name.starts_with("dimension_heads.") || name.starts_with("total_head.");
    let (backbone, extra) = checkpoint::load_model_with_extra(dir, is_head)?;
    let width = backbone.config.hidden_size;
    let mut heads = Readout::zeros(width, OUTPUTS);
    for (name, rows) in head_rows() {
        for (part, shape) in [("weight", vec![rows.len(), width]), ("bias", vec![rows.len()])] {
            let place = match part {
                "weight" => &mut heads.weights_mut()[rows.start * width..rows.end * width],
                _ => &mut heads.biases_mut()[rows.clone()],
            };
            let name = format!("{name}.{part}");
            match extra.get(&name) {
                Some((found, values)) if *found == shape => place.copy_from_slice(values),
                _ => return Err(RewardModelError::Tensor { path: dir.to_owned(), name, shape }),
            }
        }
    }
    Ok(((backbone, heads), domain))
}

/// `config.json`, for what it says of the heads.
struct HeadsConfig {
    path: PathBuf,
    json: Value,
}

impl HeadsConfig {
    fn read(dir: &Path) -> Result<HeadsConfig, RewardModelError> {
        let path = dir.join("config.json");
        let text = std::fs::read_to_string(&path)
            .map_err(|source| CheckpointError::Io { path: path.clone(), source })?;
        let json = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| CheckpointError::Json { path: path.clone(), message: error.to_string() })?;
        let heads = HeadsConfig { path, json };
        match heads.ordinary() {
            Some(what) => Err(RewardModelError::Ordinary { path: dir.to_owned(), what }),
            None => Ok(heads),
        }
    }

    /// What the model is, if nothing in the file speaks of rubric heads.
    fn ordinary(&self) -> Option<String> {
        let map = self.json.as_object()?;
        if map.keys().any(|key| key.starts_with("rm_") && key != MAX_TOKENS_KEY) {
            return None;
        }
        let architecture = map.get("architectures").and_then(|names| names.get(0)).and_then(Value::as_str);
        Some(match architecture {
            Some(name) if name.contains("Classification") || name.contains("Reward") => {
                format!("is a classifier (`{name}`)")
            }
            Some(name) if name.contains("CausalLM") => format!("is a language model (`{name}`)"),
            _ => "is a model".to_owned(),
        })
    }

    fn refuse<T>(&self, key: &'static str, supported: String) -> Result<T, RewardModelError> {
        let found = self.json.get(key).map_or_else(|| "missing".to_owned(), Value::to_string);
        Err(RewardModelError::Heads { path: self.path.clone(), key, found, supported })
    }

    /// The rubric, if these are heads that the house knows.
    fn domain(&self) -> Result<TaskDomain, RewardModelError> {
        for (key, supported) in [("rm_num_labels", json!(LABELS)), ("rm_use_total_head", json!(true))] {
            if self.json.get(key) != Some(&supported) {
                return self.refuse(key, supported.to_string());
            }
        }
        let weights: Option<Vec<f64>> = self
            .json
            .get("rm_dimension_weights")
            .and_then(Value::as_array)
            .map(|weights| weights.iter().filter_map(Value::as_f64).collect());
        if weights.is_none_or(|w| w.len() != DIMENSIONS || w.iter().any(|w| (w - 0.2).abs() > 1e-9)) {
            return self.refuse("rm_dimension_weights", "five times 0.2".into());
        }
        let names = self.json.get("rm_dimension_names");
        let domains = [TaskDomain::Math, TaskDomain::Code];
        match domains.into_iter().find(|domain| names == Some(&json!(dimension_names(*domain)))) {
            Some(domain) => Ok(domain),
            None => {
                let known = domains.map(|domain| format!("{:?}", dimension_names(domain)));
                self.refuse("rm_dimension_names", known.join(" or "))
            }
        }
    }

    /// The longest input in tokens, if it is named.
    fn max_tokens(&self) -> Result<Option<usize>, RewardModelError> {
        let Some(value) = self.json.get(MAX_TOKENS_KEY) else { return Ok(None) };
        match value.as_u64().filter(|&tokens| tokens > 0) {
            Some(tokens) => Ok(Some(tokens as usize)),
            None => self.refuse(MAX_TOKENS_KEY, "a number above 0".into()),
        }
    }
}
