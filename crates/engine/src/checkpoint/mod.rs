//! Checkpoints: Hugging Face directories, in and out.
//!
//! `config.json`, `model.safetensors` (or its shards), `tokenizer.json`. Weights are read from `f32`, `bf16` or
//! `f16` and kept in `f32`.

mod files;
mod notes;
mod place;
mod tensors;

pub(crate) use files::{FileError, io_error, read_json, read_text};
pub use notes::Notes;
pub use place::{require_model, require_tokenizer};
pub(crate) use tensors::TensorFile;
pub use tensors::{Outgoing, Precision, Values, load_tensors, save_tensors};

use crate::config::{Config, ConfigError};
use crate::model::Model;
use crate::params::{Layout, Tensor};
use crate::tokenizer::{Tokenizer, TokenizerError};
use safetensors::Dtype;
use safetensors::tensor::SafeTensorError;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read, or a folder not made.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] tracelift_files::WriteError),
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
    /// A value that the type asked for cannot hold.
    #[error("{path}: tensor `{name}` holds {value:e}, which {precision} cannot; save it in bf16 or f32")]
    Range {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The value.
        value: f32,
        /// The type.
        precision: &'static str,
    },
    /// A tensor that no part of the model uses.
    #[error("{path}: tensor `{name}` belongs to no part of the model; is config.json the right one?")]
    Unknown {
        /// The directory.
        path: PathBuf,
        /// The tensor.
        name: String,
    },
    /// A weight that is no number, or infinite.
    #[error(
        "{path}: tensor `{name}` holds {value} at position {position}; such a model computes nothing but that"
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Where in it, counted over all elements.
        position: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// Something other than a model stands at the path.
    #[error("{path} {what}; {next}")]
    Place {
        /// The path.
        path: PathBuf,
        /// What is there.
        what: String,
        /// What to do.
        next: String,
    },
    /// The state of a training that belongs to another shape of model.
    #[error("{path}: holds {found} parameters, but the model has {expected}; was the configuration changed?")]
    Size {
        /// The file.
        path: PathBuf,
        /// In the file.
        found: usize,
        /// Of the model.
        expected: usize,
    },
    /// An end token that the model cannot make.
    #[error(
        "{path}: `eos_token_id` of config.json or generation_config.json names token {id}, but the model's embedding has rows up \
         to {}; correct it, or nothing that the model writes ends",
        vocabulary - 1
    )]
    EndToken {
        /// The directory.
        path: PathBuf,
        /// The id.
        id: u32,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// A head that is not the embedding, where `config.json` says that it is.
    #[error(
        "{path}: `lm_head.weight` is not the embedding, but config.json says by `tie_word_embeddings` that it is; set it to \
         false if the head was trained by itself, or leave the tensor out"
    )]
    Untied {
        /// The file.
        path: PathBuf,
    },
    /// A name that leads to no model.
    #[error(transparent)]
    Hub(#[from] crate::hub::HubError),
    /// The tokenizer cannot be used with this model.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The tokenizer makes tokens that the model has no embedding for.
    #[error(
        "{path}: the tokenizer makes tokens up to {highest}, but the model's embedding has rows up to {}; the two are not of \
         one model",
        vocabulary - 1
    )]
    Vocabulary {
        /// The directory.
        path: PathBuf,
        /// The highest id that the tokenizer can make.
        highest: usize,
        /// Rows of the embedding.
        vocabulary: usize,
    },
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
    /// Reads a Hugging Face directory, or the model of that name (`org/name`) in the Hugging Face cache.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn load(dir: &Path) -> Result<Checkpoint, CheckpointError> {
        let dir = &crate::hub::resolve(dir)?;
        let model = load_model(dir)?;
        let tokenizer = load_writers_tokenizer(dir, &model.config)?;
        Ok(Checkpoint { model, tokenizer })
    }

    /// Writes a Hugging Face directory. Adapters are merged into what is written; `peft::save` writes them alone.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save(&self, dir: &Path, precision: Precision) -> Result<(), CheckpointError> {
        self.save_in_shards(dir, precision, SHARD)
    }

    /// Like [`Checkpoint::save`], in files of at most `shard` bytes of weights each (or one tensor, if that is larger).
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn save_in_shards(
        &self,
        dir: &Path,
        precision: Precision,
        shard: u64,
    ) -> Result<(), CheckpointError> {
        fs::create_dir_all(dir).map_err(io_error(dir))?;
        save_model_in_shards(&self.model, dir, precision, &Map::new(), Vec::new(), shard)?;
        self.tokenizer.save_with(dir, self.model.config.family)?;
        Ok(())
    }
}

/// Reads the tokenizer of a model's directory.
///
/// # Errors
/// When there is none, it cannot be used, or it makes tokens for which the model's embedding has no row.
pub fn load_tokenizer(dir: &Path, config: &Config) -> Result<Tokenizer, CheckpointError> {
    require_tokenizer(dir)?;
    let tokenizer = Tokenizer::load(dir)?;
    let (tokens, vocabulary) = (tokenizer.vocabulary(), config.vocab_size);
    if tokens > vocabulary {
        return Err(CheckpointError::Vocabulary { path: dir.to_owned(), highest: tokens - 1, vocabulary });
    }
    Ok(tokenizer)
}

/// Reads the tokenizer of a model that writes: whatever it or the model calls an end token ends what is written, since a chat
/// model ends its turns with one token and texts with another.
///
/// # Errors
/// As [`load_tokenizer`].
pub(crate) fn load_writers_tokenizer(dir: &Path, config: &Config) -> Result<Tokenizer, CheckpointError> {
    let mut tokenizer = load_tokenizer(dir, config)?;
    let mut eos = tokenizer.eos().to_vec();
    eos.extend(&config.eos_tokens);
    let mut known = BTreeSet::new();
    eos.retain(|id| known.insert(*id));
    tokenizer.set_eos(eos);
    Ok(tokenizer)
}

/// Reads `config.json` and the weights of a directory.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn load_model(dir: &Path) -> Result<Model, CheckpointError> {
    let config = read_config(dir)?;
    if read_json(&dir.join("config.json"))?.is_some_and(|config| config.get("rm_dimension_names").is_some()) {
        let what = "is a reward model, whose heads judge and do not write".to_owned();
        let next = "name a language model here, and a reward model where one is asked for".to_owned();
        return Err(CheckpointError::Place { path: dir.to_owned(), what, next });
    }
    load(dir, config, Head::Read, |_| false).map(|(model, _)| model)
}

/// Tensors of a checkpoint that belong to a head beside the model: name → (shape, values).
pub type ExtraTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Like [`load_model`]; tensors for which `extra` holds are handed back beside the model. A model with such heads needs none
/// for language: the one of its file, if any, is left out, and it counts as tied.
///
/// # Errors
/// Names the file and what is wrong with it.
pub fn load_model_with_extra(
    dir: &Path,
    extra: impl Fn(&str) -> bool,
) -> Result<(Model, ExtraTensors), CheckpointError> {
    let config = Config { tied: true, ..read_config(dir)? };
    load(dir, config, Head::LeftOut, extra)
}

/// `config.json`, if a model is there.
fn read_config(dir: &Path) -> Result<Config, CheckpointError> {
    require_model(dir)?;
    let path = dir.join("config.json");
    let absent = || CheckpointError::Io { path: path.clone(), source: io::ErrorKind::NotFound.into() };
    let text = read_text(&path, LARGEST_CONFIG)?.ok_or_else(absent)?;
    Config::from_json(&text).map_err(|source| CheckpointError::Config { path, source })
}

/// What becomes of a head beside an embedding that counts as tied to it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    /// It must be the embedding's copy.
    Read,
    /// Nobody reads it.
    LeftOut,
}

/// The tensors of a model of this shape, and beside it those for which `extra` holds.
fn load(
    dir: &Path,
    mut config: Config,
    head: Head,
    extra: impl Fn(&str) -> bool,
) -> Result<(Model, ExtraTensors), CheckpointError> {
    require_plausible_size(dir, &config)?;
    let notes = Notes::read(dir)?;
    for id in notes.eos(dir)? {
        if !config.eos_tokens.contains(&id) {
            config.eos_tokens.push(id);
        }
    }
    // Nothing would ever end, and nobody would know why.
    if let Some(id) = config.eos_tokens.iter().find(|id| **id as usize >= config.vocab_size) {
        let (path, id, vocabulary) = (dir.to_owned(), *id, config.vocab_size);
        return Err(CheckpointError::EndToken { path, id, vocabulary });
    }
    let layout = Layout::new(&config);
    let mut weights = vec![0.0; layout.len];
    let mut places: HashMap<&str, &Tensor> = layout.tensors.iter().map(|t| (t.name.as_str(), t)).collect();
    let mut extras = ExtraTensors::new();
    // A checkpoint of a reward model may have a head that nobody reads.
    let ignored = |name: &str| (name == HEAD && config.tied) || is_buffer(name);
    let mut copy = None;
    for file in weight_files(dir)? {
        let mut tensors = TensorFile::open(&file)?;
        for name in tensors.names() {
            if name == HEAD && config.tied && head == Head::Read {
                copy = Some(file.clone());
                continue;
            }
            // A model that was saved without its head has no `model.` before its names.
            let place =
                places.remove(name.as_str()).or_else(|| places.remove(format!("model.{name}").as_str()));
            if let Some(tensor) = place {
                tensors.read_into(&name, &tensor.shape, &mut weights[tensor.range.clone()])?;
            } else if extra(&name) {
                let tensor = tensors.read(&name)?;
                extras.insert(name, tensor);
            } else if !ignored(&name) {
                return Err(CheckpointError::Unknown { path: file, name });
            }
        }
    }
    if let Some(name) = places.keys().min() {
        return Err(CheckpointError::Missing { path: dir.to_owned(), name: (*name).to_owned() });
    }
    drop(places);
    // A checkpoint that ties may carry a copy. Where it is none, `transformers` takes head and embedding for two.
    if let Some(path) = copy {
        let (_, values) = TensorFile::open(&path)?.read(HEAD)?;
        if values != weights[layout.embedding.clone()] {
            return Err(CheckpointError::Untied { path });
        }
    }
    Ok((Model { config, layout, weights, frozen: None, lora: None, notes }, extras))
}

/// Whether a tensor is no weight but something that a module of PyTorch computed from its configuration and kept: the
/// frequencies of the rotary embedding, its tables, masks.
fn is_buffer(name: &str) -> bool {
    const BUFFERS: [&str; 9] = [
        "rotary_emb.inv_freq",
        "rotary_emb.original_inv_freq",
        "rotary_emb.cos_cached",
        "rotary_emb.sin_cached",
        "self_attn.masked_bias",
        "self_attn.causal_mask",
        "model.causal_mask",
        "causal_mask",
        "position_ids",
    ];
    BUFFERS
        .iter()
        .any(|end| name.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

/// The types in which the weights of a directory are stored, as safetensors name them, with their elements.
///
/// # Errors
/// When a file cannot be read.
pub fn weight_types(dir: &Path) -> Result<BTreeMap<String, usize>, CheckpointError> {
    let mut types = BTreeMap::new();
    for file in weight_files(dir)? {
        for (dtype, elements) in TensorFile::open(&file)?.types() {
            *types.entry(format!("{dtype:?}")).or_default() += elements;
        }
    }
    Ok(types)
}

/// The single file, or the shards that the index names.
fn weight_files(dir: &Path) -> Result<Vec<PathBuf>, CheckpointError> {
    let index = dir.join(INDEX);
    let Some(value) = read_json(&index)? else { return Ok(vec![dir.join(SINGLE)]) };
    let broken = |message: String| CheckpointError::Json { path: index.clone(), message };
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

/// Refuses a `config.json` that asks for far more memory than the files beside it could fill.
fn require_plausible_size(dir: &Path, config: &Config) -> Result<(), CheckpointError> {
    let files = weight_files(dir)?;
    let sizes = files.iter().map(|file| fs::metadata(file).map(|file| file.len()).map_err(io_error(file)));
    let bytes: u64 = sizes.sum::<Result<u64, CheckpointError>>()?;
    let elements = Layout::elements(config);
    // The smallest type has two bytes an element; what is merely missing is named later.
    if elements > 8 * u128::from(bytes) {
        let message =
            format!("describes {elements} parameters, but the weights beside it have {bytes} bytes");
        return Err(CheckpointError::Json { path: dir.join("config.json"), message });
    }
    Ok(())
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
    save_model_in_shards(model, dir, precision, config_extra, extra, SHARD)
}

/// Like [`save_model`], in files of at most `shard` bytes of weights each (or one tensor, if that is larger).
///
/// # Errors
/// When a file cannot be written.
pub fn save_model_in_shards(
    model: &Model,
    dir: &Path,
    precision: Precision,
    config_extra: &Map<String, Value>,
    extra: Vec<Outgoing<'_>>,
    shard: u64,
) -> Result<(), CheckpointError> {
    let mut fields = model.notes.config.clone();
    fields.extend(config_extra.clone());
    let config = model.config.to_json(precision.name(), &fields);
    tracelift_files::write(dir.join("config.json"), config.as_bytes())?;
    model.notes.write(dir)?;
    let own = model.layout.tensors.iter().map(|tensor| Outgoing {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        values: model.written(tensor),
        precision,
    });
    let bytes = |tensor: &Outgoing<'_>| (tensor.values.len() * tensor.precision.bytes()) as u64;
    let mut shards: Vec<Vec<Outgoing<'_>>> = vec![Vec::new()];
    let (mut filled, mut total) = (0, 0);
    for tensor in own.chain(extra) {
        let size = bytes(&tensor);
        total += size;
        if filled > 0 && filled + size > shard {
            shards.push(Vec::new());
            filled = 0;
        }
        filled += size;
        if let Some(last) = shards.last_mut() {
            last.push(tensor);
        }
    }
    let older = weight_files(dir).unwrap_or_default();
    let count = shards.len();
    if count == 1 {
        save_tensors(&dir.join(SINGLE), shards.remove(0))?;
        files::remove(&dir.join(INDEX))?;
        return remove_others(older, &BTreeSet::from([SINGLE.to_owned()]));
    }
    let mut places = Map::new();
    let mut names = BTreeSet::new();
    for (i, shard) in shards.into_iter().enumerate() {
        let name = format!("model-{:05}-of-{count:05}.safetensors", i + 1);
        places.extend(shard.iter().map(|tensor| (tensor.name.clone(), json!(name))));
        save_tensors(&dir.join(&name), shard)?;
        names.insert(name);
    }
    let index = json!({"metadata": {"total_size": total}, "weight_map": places});
    tracelift_files::write(dir.join(INDEX), format!("{index:#}\n").as_bytes())?;
    remove_others(older, &names)
}

/// Removes the weight files of an older model in the same directory.
fn remove_others(older: Vec<PathBuf>, keep: &BTreeSet<String>) -> Result<(), CheckpointError> {
    let kept = |path: &PathBuf| path.file_name().is_some_and(|name| keep.contains(&*name.to_string_lossy()));
    older.iter().filter(|path| !kept(path)).try_for_each(|path| files::remove(path))
}

/// `model.safetensors`, unless there are shards.
const SINGLE: &str = "model.safetensors";
const HEAD: &str = "lm_head.weight";
const INDEX: &str = "model.safetensors.index.json";
/// Bytes of a weight file, where nothing else is asked for.
const SHARD: u64 = 5_000_000_000;
/// The largest `config.json` in bytes.
const LARGEST_CONFIG: u64 = 1 << 24;
