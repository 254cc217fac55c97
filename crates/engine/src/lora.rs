//! Low-rank adapters (LoRA) of the linear layers: `W + s·B·A`, with `W` frozen.

use crate::config::Config;
use crate::params::Tensor;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tracelift_domain::{Seed, SettingError};

/// A linear layer that can carry an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// `self_attn.q_proj`
    QProj,
    /// `self_attn.k_proj`
    KProj,
    /// `self_attn.v_proj`
    VProj,
    /// `self_attn.o_proj`
    OProj,
    /// `mlp.gate_proj`
    GateProj,
    /// `mlp.up_proj`
    UpProj,
    /// `mlp.down_proj`
    DownProj,
}

impl Projection {
    /// All of them, in the order of a block.
    pub const ALL: [Projection; 7] = [
        Projection::QProj,
        Projection::KProj,
        Projection::VProj,
        Projection::OProj,
        Projection::GateProj,
        Projection::UpProj,
        Projection::DownProj,
    ];

    /// The module's own name, as PEFT's `target_modules` has it.
    #[must_use]
    pub fn module(self) -> &'static str {
        self.path().rsplit('.').next().unwrap_or_default()
    }

    /// The module's path inside its block.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Projection::QProj => "self_attn.q_proj",
            Projection::KProj => "self_attn.k_proj",
            Projection::VProj => "self_attn.v_proj",
            Projection::OProj => "self_attn.o_proj",
            Projection::GateProj => "mlp.gate_proj",
            Projection::UpProj => "mlp.up_proj",
            Projection::DownProj => "mlp.down_proj",
        }
    }

    /// `(inputs, outputs)` of the layer.
    #[must_use]
    pub fn shape(self, config: &Config) -> (usize, usize) {
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.heads * config.head_dim(), config.kv_heads * config.head_dim());
        match self {
            Projection::QProj => (hidden, q),
            Projection::KProj | Projection::VProj => (hidden, kv),
            Projection::OProj => (q, hidden),
            Projection::GateProj | Projection::UpProj => (hidden, ffn),
            Projection::DownProj => (ffn, hidden),
        }
    }
}

/// Which layers are adapted, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// `r`
    pub rank: usize,
    /// `α`; the adapter's share is scaled by `α/r`, or by `α/√r` with `rslora`.
    pub alpha: f64,
    /// Scale by `α/√r`.
    #[serde(default)]
    pub rslora: bool,
    /// Adapted layers.
    #[serde(default = "all_projections")]
    pub targets: Vec<Projection>,
}

fn all_projections() -> Vec<Projection> {
    Projection::ALL.to_vec()
}

/// The largest α, and the largest of the factors that follow from it: beyond, the first step is noise.
const LARGEST_ALPHA: f64 = 1e6;

impl LoraConfig {
    /// # Errors
    /// Names the first setting with which nothing can be learned, counted from the section of the adapters.
    pub fn validate(&self) -> Result<(), SettingError> {
        let alpha = self.alpha > 0.0 && self.alpha <= LARGEST_ALPHA && self.scale() > 0.0;
        let once = |target: &Projection| self.targets.iter().filter(|other| *other == target).count() == 1;
        SettingError::first([
            ("rank", (1..=4096).contains(&self.rank), self.rank.to_string(), "from 1 to 4096"),
            ("alpha", alpha, self.alpha.to_string(), "a number above 0 and at most a million"),
            ("targets", !self.targets.is_empty(), "empty".to_owned(), "at least one layer"),
            (
                "targets",
                self.targets.iter().all(once),
                "a list with a layer twice".to_owned(),
                "each layer once",
            ),
        ])
    }

    /// [`LoraConfig::validate`] for a model: no layer of it has a rank above its width.
    ///
    /// # Errors
    /// Names the first setting with which nothing can be learned, counted from the section of the adapters.
    pub fn validate_for(&self, model: &Config) -> Result<(), SettingError> {
        self.validate()?;
        if self.rank > model.hidden_size {
            let expected = format!("at most the model's width, {}", model.hidden_size);
            return Err(SettingError::value("rank", self.rank, &expected));
        }
        Ok(())
    }

    /// `s`
    #[must_use]
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        (self.alpha / if self.rslora { rank.sqrt() } else { rank }) as f32
    }
}

/// How strongly one layer is adapted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptation {
    /// Its `r`.
    pub rank: usize,
    /// Its `α`.
    pub alpha: f64,
}

/// The adapter of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Where `A` is.
    pub a: Range<usize>,
    /// Where `B` is.
    pub b: Range<usize>,
    /// Its rank.
    pub rank: usize,
    /// `s`
    pub scale: f32,
    alpha: f64,
}

/// The adapters of a model.
#[derive(Clone, Debug)]
pub struct Lora {
    /// How they were made; single layers of an adapter of PEFT may differ in rank and α.
    pub config: LoraConfig,
    /// Every `lora_A` and `lora_B`, named as PEFT names them.
    pub tensors: Vec<Tensor>,
    /// All values.
    pub values: Vec<f32>,
    /// The modules of the model that the adapter brought along, as PEFT names them; they are frozen.
    pub(crate) saved: Vec<String>,
    /// Their tensors.
    pub(crate) brought: Vec<String>,
    /// Per block and projection.
    slots: Vec<[Option<Slot>; 7]>,
}

impl Lora {
    /// Fresh adapters: `A` uniform as PEFT draws it (Kaiming, a = √5: ±1/√inputs), `B` zero, so that nothing
    /// changes yet.
    #[must_use]
    pub fn new(model: &Config, config: LoraConfig, seed: Seed) -> Lora {
        let adaptation = Adaptation { rank: config.rank, alpha: config.alpha };
        let row =
            Projection::ALL.map(|projection| config.targets.contains(&projection).then_some(adaptation));
        let mut lora = Lora::empty(model, config, &vec![row; model.layers]);
        for (layer, slots) in lora.slots.iter().enumerate() {
            for (slot, projection) in slots.iter().zip(Projection::ALL) {
                if let Some(slot) = slot {
                    let bound = 1.0 / (projection.shape(model).0 as f32).sqrt();
                    let mut rng = seed.child(projection.path(), layer as u64).rng();
                    lora.values[slot.a.clone()].fill_with(|| rng.random_range(-bound..bound));
                }
            }
        }
        lora
    }

    /// Adapters of zeros by a plan: per block and projection, whether it is adapted and how strongly.
    #[must_use]
    pub fn empty(model: &Config, config: LoraConfig, plan: &[[Option<Adaptation>; 7]]) -> Lora {
        let mut lora = Lora {
            config,
            tensors: Vec::new(),
            values: Vec::new(),
            saved: Vec::new(),
            brought: Vec::new(),
            slots: Vec::new(),
        };
        for (layer, row) in plan.iter().enumerate() {
            let mut slots: [Option<Slot>; 7] = Default::default();
            for ((slot, projection), adaptation) in slots.iter_mut().zip(Projection::ALL).zip(row) {
                let Some(Adaptation { rank, alpha }) = *adaptation else { continue };
                let (inputs, outputs) = projection.shape(model);
                let path = format!("base_model.model.model.layers.{layer}.{}", projection.path());
                let a = lora.add(format!("{path}.lora_A.weight"), [rank, inputs]);
                let b = lora.add(format!("{path}.lora_B.weight"), [outputs, rank]);
                let own = LoraConfig { rank, alpha, rslora: lora.config.rslora, targets: Vec::new() };
                *slot = Some(Slot { a, b, rank, scale: own.scale(), alpha });
            }
            lora.slots.push(slots);
        }
        lora
    }

    fn add(&mut self, name: String, shape: [usize; 2]) -> Range<usize> {
        let range = self.values.len()..self.values.len() + shape[0] * shape[1];
        self.values.resize(range.end, 0.0);
        self.tensors.push(Tensor { name, shape: shape.to_vec(), range: range.clone() });
        range
    }

    /// The adapter of a projection, if it has one.
    #[must_use]
    pub fn slot(&self, layer: usize, projection: Projection) -> Option<&Slot> {
        self.slots[layer][projection as usize].as_ref()
    }

    /// The largest rank of all.
    #[must_use]
    pub fn largest_rank(&self) -> usize {
        self.slots.iter().flatten().flatten().map(|slot| slot.rank).max().unwrap_or(0)
    }

    /// Blocks.
    #[must_use]
    pub(crate) fn layers(&self) -> usize {
        self.slots.len()
    }

    /// The blocks in which a projection is adapted, and how strongly.
    pub(crate) fn adapted(&self, projection: Projection) -> impl Iterator<Item = (usize, Adaptation)> + '_ {
        self.slots.iter().enumerate().filter_map(move |(layer, slots)| {
            let slot = slots[projection as usize].as_ref()?;
            Some((layer, Adaptation { rank: slot.rank, alpha: slot.alpha }))
        })
    }

    /// Rank and alpha of every layer's adapters, block by block, where they are not the same throughout; `null` where they
    /// are what the configuration says.
    pub(crate) fn unusual(&self) -> serde_json::Value {
        let common = Adaptation { rank: self.config.rank, alpha: self.config.alpha };
        let row = |slots: &[Option<Slot>; 7]| {
            slots.clone().map(|slot| slot.map(|slot| Adaptation { rank: slot.rank, alpha: slot.alpha }))
        };
        let usual =
            Projection::ALL.map(|projection| self.config.targets.contains(&projection).then_some(common));
        if self.slots.iter().all(|slots| row(slots) == usual) {
            return serde_json::Value::Null;
        }
        let slot = |slot: &Option<Slot>| slot.as_ref().map(|slot| (slot.rank, slot.alpha));
        let rows: Vec<Vec<_>> = self.slots.iter().map(|slots| slots.iter().map(slot).collect()).collect();
        serde_json::json!(rows)
    }
}
