//! Low-rank adapters (LoRA) of the linear layers: `W + s·B·A`, with `W` frozen.

use crate::config::Config;
use crate::params::Tensor;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use tracelift_domain::Seed;

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

impl LoraConfig {
    /// `s`
    #[must_use]
    pub fn scale(&self) -> f32 {
        let rank = self.rank as f64;
        (self.alpha / if self.rslora { rank.sqrt() } else { rank }) as f32
    }
}

/// Where `A` and `B` of a projection are, if it is adapted.
pub type Slot = Option<(Range<usize>, Range<usize>)>;

/// The adapters of a model.
#[derive(Clone, Debug)]
pub struct Lora {
    /// How they were made.
    pub config: LoraConfig,
    /// Every `lora_A` and `lora_B`, named as PEFT names them.
    pub tensors: Vec<Tensor>,
    /// All values.
    pub values: Vec<f32>,
    /// Per block and projection: where `A` and `B` are.
    slots: Vec<[Slot; 7]>,
}

impl Lora {
    /// Fresh adapters: `A` uniform as PEFT draws it (Kaiming, a = √5: ±1/√inputs), `B` zero, so that nothing
    /// changes yet.
    #[must_use]
    pub fn new(model: &Config, config: LoraConfig, seed: Seed) -> Lora {
        let mut lora = Lora { config, tensors: Vec::new(), values: Vec::new(), slots: Vec::new() };
        let rank = lora.config.rank;
        for layer in 0..model.layers {
            let mut slots: [Slot; 7] = Default::default();
            for (slot, projection) in slots.iter_mut().zip(Projection::ALL) {
                if lora.config.targets.contains(&projection) {
                    let (inputs, outputs) = projection.shape(model);
                    let path = format!("base_model.model.model.layers.{layer}.{}", projection.path());
                    let a = lora.add(format!("{path}.lora_A.weight"), [rank, inputs]);
                    let b = lora.add(format!("{path}.lora_B.weight"), [outputs, rank]);
                    let bound = 1.0 / (inputs as f32).sqrt();
                    let mut rng = seed.child(projection.path(), layer as u64).rng();
                    lora.values[a.clone()].fill_with(|| rng.random_range(-bound..bound));
                    *slot = Some((a, b));
                }
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

    /// Where `A` and `B` of a projection are, if it is adapted.
    #[must_use]
    pub fn slot(&self, layer: usize, projection: Projection) -> Slot {
        self.slots[layer][projection as usize].clone()
    }
}
