//! Checkpoints: Hugging Face directories, in and out.
//!
//! `config.json`, `model.safetensors` (or its shards), `tokenizer.json`. Weights are read from `f32`, `bf16` or
//! `f16` and kept in `f32`.

use crate::config::{Config, ConfigError};
use crate::model::Model;
use crate::params::{Layout, Tensor};
use crate::tokenizer::{Tokenizer, TokenizerError};
use half::{bf16, f16};
use safetensors::tensor::{SafeTensorError, TensorView, View};
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The model is not one that the engine implements.
    #[error("{path}: {source}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// A safetensors file is damaged.
    #[error("{path}: not a safetensors file: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SafeTensorError,
    },
    /// A JSON file beside the weights is damaged.
    #[error("{path}: {message}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A tensor is not there.
    #[error("{path}: tensor `{name}` is missing")]
    Missing {
        /// The directory.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A tensor has another shape than `config.json` says.
    #[error("{path}: tensor `{name}` has shape {found:?}, but config.json asks for {expected:?}")]
    Shape {
        /// The directory.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// In the file.
        found: Vec<usize>,
        /// By the configuration.
        expected: Vec<usize>,
    },
    /// A tensor of a type that cannot be read.
    #[error("{path}: tensor `{name}` is {dtype:?}; only F32, BF16 and F16 are supported")]
    Dtype {
        /// The directory.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// In the file.
        dtype: Dtype,
    },
    /// A tensor that no part of the model uses.
    #[error("{path}: tensor `{name}` belongs to no part of the model; is config.json the right one?")]
    Unknown {
        /// The directory.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// The tokenizer cannot be used with this model.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer makes tokens that the model has no embedding for.
    #[error("{path}: the tokenizer has {tokens} tokens, but the model's embedding has {vocabulary}")]
    Vocabulary {
        /// The directory.
        path: PathBuf,
        /// Tokens of the tokenizer.
        tokens: usize,
        /// Rows of the embedding.
        vocabulary: usize,
    },
}

/// The type in which weights are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32 bits: exact.
    F32,
    /// 16 bits, rounded to nearest.
    Bf16,
}

impl Precision {
    fn name(self) -> &'static str {
        match self {
            Precision::F32 => "float32",
            Precision::Bf16 => "bfloat16",
        }
    }
}

/// A model with its tokenizer.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The model.
    pub model: Model,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
}

impl Checkpoint {
    /// Reads a Hugging Face directory.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Checkpoint, CheckpointError> {
        let model = load_model(dir)?;
        let mut tokenizer = Tokenizer::load(dir)?;
        if tokenizer.vocabulary() > model.config.vocab_size {
            return Err(CheckpointError::Vocabulary {
                path: dir.to_owned(),
                tokens: tokenizer.vocabulary(),
                vocabulary: model.config.vocab_size,
            });
        }
        if tokenizer.eos().is_empty() {
            tokenizer.set_eos(model.config.eos_tokens.clone());
        }
        Ok(Checkpoint { model, tokenizer })
    }

    /// Writes a Hugging Face directory. Adapters are not written: merge them first, or use `peft::save`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path, precision: Precision) -> Result<(), CheckpointError> {
        fs::create_dir_all(dir).map_err(io_error(dir))?;
        save_model(&self.model, dir, precision, &Map::new(), Vec::new())?;
        self.tokenizer.save(dir)?;
        Ok(())
    }
}

/// Reads `config.json` and the weights of a directory.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn load_model(dir: &Path) -> Result<Model, CheckpointError> {
    load_model_with_extra(dir, |_| false).map(|(model, _)| model)
}

/// Tensors of a checkpoint that belong to a head beside the model: name → (shape, values).
pub type ExtraTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Like [`load_model`]; tensors for which `extra` holds are handed back beside the model.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn load_model_with_extra(
    dir: &Path,
    extra: impl Fn(&str) -> bool,
) -> Result<(Model, ExtraTensors), CheckpointError> {
    let path = dir.join("config.json");
    let text = fs::read_to_string(&path).map_err(io_error(&path))?;
    let mut config =
        Config::from_json(&text).map_err(|source| CheckpointError::Config { path: path.clone(), source })?;
    if config.eos_tokens.is_empty() {
        config.eos_tokens = generation_eos(dir)?;
    }
    let layout = Layout::new(&config);
    let mut weights = vec![0.0; layout.len];
    let mut places: HashMap<&str, &Tensor> = layout.tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut extras = ExtraTensors::new();
    // Reward models keep no head of their own for language; a checkpoint that ties may carry a copy of it.
    let ignored = |name: &str| name == "lm_head.weight" && config.tied;
    for file in weight_files(dir)? {
        let bytes = fs::read(&file).map_err(io_error(&file))?;
        let tensors = SafeTensors::deserialize(&bytes)
            .map_err(|source| CheckpointError::Format { path: file.clone(), source })?;
        for (name, view) in tensors.iter() {
            if let Some(tensor) = places.remove(name) {
                if view.shape() != tensor.shape {
                    return Err(CheckpointError::Shape {
                        path: file,
                        name: name.to_owned(),
                        found: view.shape().to_vec(),
                        expected: tensor.shape.clone(),
                    });
                }
                widen(&file, name, &view, &mut weights[tensor.range.clone()])?;
            } else if extra(name) {
                let mut values = vec![0.0; view.shape().iter().product()];
                widen(&file, name, &view, &mut values)?;
                extras.insert(name.to_owned(), (view.shape().to_vec(), values));
            } else if !ignored(name) {
                return Err(CheckpointError::Unknown { path: file, name: name.to_owned() });
            }
        }
    }
    if let Some(name) = places.keys().min() {
        return Err(CheckpointError::Missing { path: dir.to_owned(), name: (*name).to_owned() });
    }
    drop(places);
    Ok((Model { config, layout, weights, lora: None }, extras))
}

/// `generation_config.json` names end tokens that `config.json` may not.
fn generation_eos(dir: &Path) -> Result<Vec<u32>, CheckpointError> {
    let path = dir.join("generation_config.json");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(&path)(error)),
    };
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| CheckpointError::Json { path: path.clone(), message: error.to_string() })?;
    let id = |v: &Value| v.as_u64().and_then(|id| u32::try_from(id).ok());
    Ok(match value.get("eos_token_id") {
        Some(Value::Array(ids)) => ids.iter().filter_map(id).collect(),
        Some(one) => id(one).into_iter().collect(),
        None => Vec::new(),
    })
}

/// The single file, or the shards that the index names.
fn weight_files(dir: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let index = dir.join("model.safetensors.index.json");
    if !index.exists() {
        return Ok(vec![dir.join("model.safetensors")]);
    }
    let broken = |message: String| CheckpointError::Json { path: index.clone(), message };
    let text = fs::read_to_string(&index).map_err(io_error(&index))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
    let map = value.get("weight_map").and_then(Value::as_object);
    let map = map.ok_or_else(|| broken("`weight_map` is missing".to_owned()))?;
    let mut names = BTreeSet::new();
    for file in map.values() {
        let file =
            file.as_str().ok_or_else(|| broken("`weight_map` holds something that is no name".to_owned()))?;
        if file.contains(['/', '\\']) {
            return Err(broken(format!("`weight_map` names `{file}`, which lies outside the directory")));
        }
        names.insert(file);
    }
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

pub(crate) fn widen(
    path: &Path,
    name: &str,
    view: &TensorView<'_>,
    values: &mut [f32],
) -> Result<(), CheckpointError> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => {
            for (v, b) in values.iter_mut().zip(data.as_chunks::<4>().0) {
                *v = f32::from_le_bytes(*b);
            }
        }
        Dtype::BF16 => {
            for (v, b) in values.iter_mut().zip(data.as_chunks::<2>().0) {
                *v = bf16::from_le_bytes(*b).to_f32();
            }
        }
        Dtype::F16 => {
            for (v, b) in values.iter_mut().zip(data.as_chunks::<2>().0) {
                *v = f16::from_le_bytes(*b).to_f32();
            }
        }
        dtype => return Err(CheckpointError::Dtype { path: path.to_owned(), name: name.to_owned(), dtype }),
    }
    Ok(())
}

/// A tensor on its way to a file.
pub struct Outgoing<'a> {
    /// Its name there.
    pub name: String,
    /// Row-major.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: &'a [f32],
    /// The type to write.
    pub precision: Precision,
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        match self.precision {
            Precision::F32 => Dtype::F32,
            Precision::Bf16 => Dtype::BF16,
        }
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match self.precision {
            Precision::F32 => self.values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Precision::Bf16 => self.values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
        })
    }
    fn data_len(&self) -> usize {
        self.values.len()
            * match self.precision {
                Precision::F32 => 4,
                Precision::Bf16 => 2,
            }
    }
}

/// Writes `config.json` (with `config_extra` in it) and `model.safetensors` (with `extra` tensors in it).
///
/// # Errors
/// When a file cannot be written.
pub fn save_model(
    model: &Model,
    dir: &Path,
    precision: Precision,
    config_extra: &Map<String, Value>,
    extra: Vec<Outgoing<'_>>,
) -> Result<(), CheckpointError> {
    write_atomically(
        &dir.join("config.json"),
        model.config.to_json(precision.name(), config_extra).as_bytes(),
    )?;
    let own = model.layout.tensors.iter().map(|tensor| Outgoing {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        values: &model.weights[tensor.range.clone()],
        precision,
    });
    save_tensors(&dir.join("model.safetensors"), own.chain(extra).collect())
}

/// Writes a safetensors file.
///
/// # Errors
/// When it cannot be written.
pub fn save_tensors(path: &Path, tensors: Vec<Outgoing<'_>>) -> Result<(), CheckpointError> {
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let named: Vec<_> = tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
    let bytes = safetensors::serialize(named, Some(metadata))
        .map_err(|source| CheckpointError::Format { path: path.to_owned(), source })?;
    write_atomically(path, &bytes)
}

/// Writes to a temporary file beside `path`, makes it durable, and renames it.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    let temporary = path.with_extension("partial");
    let write = || -> io::Result<()> {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(io_error(path))
}

pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> CheckpointError + '_ {
    move |source| CheckpointError::Io { path: path.to_owned(), source }
}

/// `tokenizer_config.json`, so that `AutoTokenizer` knows what ends a text.
pub(crate) fn tokenizer_config(eos: Option<&str>, pad: Option<&str>) -> String {
    let value = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": eos,
        "pad_token": pad,
        "clean_up_tokenization_spaces": false,
    });
    format!("{value:#}\n")
}

/// Reads every tensor of a safetensors file: name → (shape, values).
///
/// # Errors
/// When it cannot be read or is none.
pub fn load_tensors(path: &Path) -> Result<ExtraTensors, CheckpointError> {
    let bytes = fs::read(path).map_err(io_error(path))?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|source| CheckpointError::Format { path: path.to_owned(), source })?;
    let mut found = ExtraTensors::new();
    for (name, view) in tensors.iter() {
        let mut values = vec![0.0; view.shape().iter().product()];
        widen(path, name, &view, &mut values)?;
        found.insert(name.to_owned(), (view.shape().to_vec(), values));
    }
    Ok(found)
}
