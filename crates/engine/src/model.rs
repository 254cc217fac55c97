//! A model: its shape, its weights, and optionally adapters that are trained in their place.

use crate::checkpoint::{Notes, Values};
use crate::config::Config;
use crate::fingerprint;
use crate::lora::{Lora, LoraConfig, Projection, Slot};
use crate::ops::attention::Heads;
use crate::ops::embedding;
use crate::ops::linear::{self, Adapter, Into, LoraScratch};
use crate::params::{Layout, Tensor};
use crate::sampling::Frozen;
use rand::Rng;
use std::ops::Range;
use tracelift_domain::fingerprint::{Parts, canonical};
use tracelift_domain::{Fingerprint, Seed};

/// A decoder-only transformer.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its shape.
    pub config: Config,
    /// Where each tensor is in [`Model::weights`].
    pub layout: Layout,
    /// All weights, which learn unless there are adapters; empty where they are [frozen](Model::freeze).
    pub weights: Vec<f32>,
    /// The weights, where they are frozen.
    pub(crate) frozen: Option<Frozen>,
    /// Adapters, if it is them that learn.
    pub lora: Option<Lora>,
    /// What its upload says beside, and saving says again.
    pub notes: Notes,
}

/// The four places of a block where a matrix product happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// Queries, keys and values.
    Qkv,
    /// The attention's output.
    Output,
    /// Gate and up.
    GateUp,
    /// Down.
    Down,
}

impl Model {
    /// A model with random weights: normal with deviation 1/√hidden (1/√(2·layers) of it for what writes to the
    /// residual stream), norms one, biases zero. At widths of a few thousand that is the usual 0.02; at 128, 0.02
    /// would leave attention all but uniform for a thousand steps.
    #[must_use]
    pub fn random(config: Config, seed: Seed) -> Model {
        let layout = Layout::new(&config);
        let mut weights = vec![0.0; layout.len];
        let deviation = 1.0 / (config.hidden_size as f32).sqrt();
        let residual = deviation / (2.0 * config.layers as f32).sqrt();
        for tensor in &layout.tensors {
            let values = &mut weights[tensor.range.clone()];
            if tensor.name.ends_with("norm.weight") {
                values.fill(1.0);
            } else if tensor.name.ends_with(".weight") {
                let writes =
                    tensor.name.ends_with("o_proj.weight") || tensor.name.ends_with("down_proj.weight");
                let deviation = if writes { residual } else { deviation };
                let mut rng = seed.child(&tensor.name, 0).rng();
                values.fill_with(|| deviation * normal(&mut rng));
            }
        }
        Model { config, layout, weights, frozen: None, lora: None, notes: Notes::default() }
    }

    /// A deeper model that computes the same: `blocks` more on top, which write nothing to the residual stream yet.
    ///
    /// A language model's last block is where its prediction is ready; whoever is to judge that prediction against
    /// what the text goes on to say needs depth beyond it. Adapters are merged.
    #[must_use]
    pub fn deepened(&self, blocks: usize, seed: Seed) -> Model {
        let mut base = self.clone();
        base.thaw();
        base.merge_lora();
        let config = Config { layers: base.config.layers + blocks, ..base.config.clone() };
        let mut deeper = Model::random(config, seed);
        for tensor in &deeper.layout.tensors {
            let values = &mut deeper.weights[tensor.range.clone()];
            match base.layout.tensors.iter().find(|known| known.name == tensor.name) {
                Some(known) => values.copy_from_slice(&base.weights[known.range.clone()]),
                None if tensor.name.ends_with("o_proj.weight")
                    || tensor.name.ends_with("down_proj.weight") =>
                {
                    values.fill(0.0);
                }
                None => {}
            }
        }
        deeper
    }

    /// Freezes the weights and adds fresh adapters.
    #[must_use]
    pub fn with_lora(mut self, config: LoraConfig, seed: Seed) -> Model {
        self.lora = Some(Lora::new(&self.config, config, seed));
        self
    }

    /// Keeps the weights, which are not to learn any more, in the order in which sampling reads them and in 16 bits; whoever
    /// samples the model, or a clone of it, reads them there and takes no memory of its own. Nothing is rounded: a model of
    /// which a matrix is not in bf16 stays as it is, and so does one whose adapters brought matrices along.
    pub fn freeze(&mut self) {
        if self.frozen.is_none() && self.lora.as_ref().is_none_or(|lora| lora.brought.is_empty()) {
            let lora = self.lora.take();
            self.frozen = Frozen::of(self);
            self.lora = lora;
            if self.frozen.is_some() {
                self.weights = Vec::new();
            }
        }
    }

    /// Whether the weights are frozen.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Takes frozen weights back.
    pub fn thaw(&mut self) {
        if let Some(frozen) = self.frozen.take() {
            self.weights = vec![0.0; self.layout.len];
            for tensor in &self.layout.tensors {
                frozen.copy(&tensor.range, &mut self.weights[tensor.range.clone()]);
            }
        }
    }

    /// The same model without adapters. It shares weights that are frozen.
    #[must_use]
    pub fn base(&self) -> Model {
        Model { lora: None, ..self.clone() }
    }

    /// Adds the adapters to the weights (`W ← W + s·B·A`) and drops them.
    pub fn merge_lora(&mut self) {
        let Some(lora) = self.lora.take() else { return };
        self.thaw();
        for layer in 0..self.config.layers {
            for projection in Projection::ALL {
                if let Some(slot) = lora.slot(layer, projection) {
                    let (inputs, _) = projection.shape(&self.config);
                    let range = self.projection_range(layer, projection);
                    adapter(&lora, slot, 0).merge(&mut self.weights[range], inputs);
                }
            }
        }
    }

    /// A tensor as it is written, with its adapter merged.
    pub(crate) fn written(&self, tensor: &Tensor) -> Values<'_> {
        let projections = (0..self.config.layers)
            .flat_map(|layer| Projection::ALL.map(|projection| (layer, projection)))
            .find(|(layer, projection)| self.projection_range(*layer, *projection) == tensor.range);
        let adapted = self.lora.as_ref().zip(projections).and_then(|(lora, (layer, projection))| {
            Some((adapter(lora, lora.slot(layer, projection)?, 0), projection.shape(&self.config).0))
        });
        if self.frozen.is_none() && adapted.is_none() {
            return Values::Lent(&self.weights[tensor.range.clone()]);
        }
        let range = tensor.range.clone();
        let make = move || {
            let mut values = Vec::new();
            self.copy(&range, &mut values);
            if let Some((adapter, inputs)) = &adapted {
                adapter.merge(&mut values, *inputs);
            }
            values
        };
        Values::Made(tensor.range.len(), Box::new(make))
    }

    fn projection_range(&self, layer: usize, projection: Projection) -> Range<usize> {
        let block = &self.layout.blocks[layer];
        let (inputs, outputs) = projection.shape(&self.config);
        let (_, q) = Projection::QProj.shape(&self.config);
        let (_, kv) = Projection::KProj.shape(&self.config);
        let start = match projection {
            Projection::QProj => block.qkv.start,
            Projection::KProj => block.qkv.start + q * inputs,
            Projection::VProj => block.qkv.start + (q + kv) * inputs,
            Projection::OProj => block.output.start,
            Projection::GateProj => block.gate_up.start,
            Projection::UpProj => block.gate_up.start + outputs * inputs,
            Projection::DownProj => block.down.start,
        };
        start..start + outputs * inputs
    }

    /// How a row of the fused projection is divided.
    #[must_use]
    pub fn heads(&self) -> Heads {
        Heads { queries: self.config.heads, keys: self.config.kv_heads, dim: self.config.head_dim() }
    }

    /// The head's table, `vocabulary × hidden`.
    #[must_use]
    pub fn head(&self) -> &[f32] {
        match &self.frozen {
            Some(frozen) => frozen.head(&self.layout.head),
            None => &self.weights[self.layout.head.clone()],
        }
    }

    /// Writes the embeddings of tokens.
    pub(crate) fn embed(&self, y: &mut [f32], tokens: &[u32]) {
        let width = self.config.hidden_size;
        match &self.frozen {
            Some(frozen) => frozen.embed(y, tokens, width),
            None => embedding::forward(y, &self.weights[self.layout.embedding.clone()], tokens, width),
        }
    }

    /// The weights of a norm, or a bias.
    pub(crate) fn vector(&self, range: &Range<usize>) -> &[f32] {
        match &self.frozen {
            Some(frozen) => frozen.vector(range),
            None => &self.weights[range.clone()],
        }
    }

    /// Weights of whole rows or a vector; of a frozen model a copy, in `scratch`.
    fn lent<'m>(&'m self, range: &Range<usize>, scratch: &'m mut Vec<f32>) -> &'m [f32] {
        if self.frozen.is_none() {
            return &self.weights[range.clone()];
        }
        self.copy(range, scratch);
        scratch
    }

    /// Copies weights of whole rows or a vector, wherever they are.
    fn copy(&self, range: &Range<usize>, out: &mut Vec<f32>) {
        match &self.frozen {
            Some(frozen) => {
                out.resize(range.len(), 0.0);
                frozen.copy(range, out);
            }
            None => {
                out.clear();
                out.extend_from_slice(&self.weights[range.clone()]);
            }
        }
    }

    /// What learns: the adapters if there are any, otherwise all weights.
    #[must_use]
    pub fn trainable(&self) -> &[f32] {
        self.lora.as_ref().map_or(&self.weights, |lora| &lora.values)
    }

    /// What learns, to be changed.
    pub fn trainable_mut(&mut self) -> &mut [f32] {
        self.lora.as_mut().map_or(&mut self.weights, |lora| &mut lora.values)
    }

    /// What learns, to be changed, with its tensors.
    pub fn learnable(&mut self) -> (&mut [f32], &[Tensor]) {
        match &mut self.lora {
            Some(lora) => (&mut lora.values, &lora.tensors),
            None => (&mut self.weights, &self.layout.tensors),
        }
    }

    /// The tensors of [`Model::trainable`].
    #[must_use]
    pub fn trainable_tensors(&self) -> &[Tensor] {
        self.lora.as_ref().map_or(&self.layout.tensors, |lora| &lora.tensors)
    }

    /// Parameters in all, without adapters.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layout.len
    }

    /// A hash of shape, weights and adapters.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let config = canonical(&fingerprint::shape(&self.config));
        let adapters = self.lora.as_ref();
        let lora = canonical(&fingerprint::adapters(adapters));
        let mut parts = Parts::default();
        parts.add("config", config.as_bytes());
        let (bytes, mut scratch) = ((self.layout.len * size_of::<f32>()) as u64, Vec::new());
        parts.add_in_pieces("weights", bytes, |add| {
            self.layout
                .tensors
                .iter()
                .for_each(|tensor| add(bytes_of(self.lent(&tensor.range, &mut scratch))));
        });
        parts.add("lora", lora.as_bytes());
        parts.add("adapters", adapters.map_or(&[], |lora| bytes_of(&lora.values)));
        parts.fingerprint()
    }

    fn site(
        &self,
        layer: usize,
        site: Site,
    ) -> (Range<usize>, Option<Range<usize>>, usize, &'static [Projection]) {
        use Projection::{DownProj, GateProj, KProj, OProj, QProj, UpProj, VProj};
        let block = &self.layout.blocks[layer];
        let hidden = self.config.hidden_size;
        match site {
            Site::Qkv => (block.qkv.clone(), block.qkv_bias.clone(), hidden, &[QProj, KProj, VProj]),
            Site::Output => {
                let width = self.config.heads * self.config.head_dim();
                (block.output.clone(), block.output_bias.clone(), width, &[OProj])
            }
            Site::GateUp => (block.gate_up.clone(), block.gate_up_bias.clone(), hidden, &[GateProj, UpProj]),
            Site::Down => {
                (block.down.clone(), block.down_bias.clone(), self.config.intermediate_size, &[DownProj])
            }
        }
    }

    /// The weights of a place with its adapters added (`W + s·B·A`); copied, to `scratch`, only if there are any, or the
    /// weights are frozen.
    pub(crate) fn merged<'m>(&'m self, layer: usize, site: Site, scratch: &'m mut Vec<f32>) -> &'m [f32] {
        let (weight, _, inputs, projections) = self.site(layer, site);
        let mut copied = self.frozen.is_some();
        if copied {
            self.copy(&weight, scratch);
        }
        self.each_adapter(layer, projections, |adapter, _, _| {
            if !copied {
                self.copy(&weight, scratch);
                copied = true;
            }
            adapter.merge(scratch, inputs);
        });
        if copied { scratch } else { &self.weights[weight] }
    }

    /// The adapters of a place, of each projection that has one.
    pub(crate) fn adapters(&self, layer: usize, site: Site) -> Vec<Adapter<'_, f32>> {
        let (_, _, _, projections) = self.site(layer, site);
        let mut found = Vec::new();
        self.each_adapter(layer, projections, |adapter, _, _| found.push(adapter));
        found
    }

    /// Whether so many rows are multiplied faster by merged weights than by weights and adapters apart: merging costs
    /// `inputs·outputs` where each row costs `inputs + outputs`, times the rank.
    fn pays_to_merge(&self, rows: usize, inputs: usize, outputs: usize) -> bool {
        self.lora.is_some() && rows * (inputs + outputs) > inputs * outputs
    }

    /// `y = x·Wᵀ + b`, adapters included.
    pub fn project(&self, y: &mut [f32], x: &[f32], layer: usize, site: Site, scratch: &mut LoraScratch) {
        let (weight, bias, inputs, projections) = self.site(layer, site);
        let bias = bias.map(|bias| self.vector(&bias));
        let width = weight.len() / inputs;
        if self.pays_to_merge(x.len() / inputs, inputs, width) {
            linear::forward(y, x, self.merged(layer, site, &mut scratch.merged), bias, inputs);
            return;
        }
        linear::forward(y, x, self.lent(&weight, &mut scratch.merged), bias, inputs);
        let low = &mut scratch.low;
        self.each_adapter(layer, projections, |adapter, _, _| adapter.forward(y, width, x, inputs, low));
    }

    /// The way back: writes `dx` where somebody wants it, and adds to `gradients` (of [`Model::trainable`]) what learns.
    #[allow(clippy::too_many_arguments)] // two gradients, two inputs, a place and scratch
    pub fn project_backward(
        &self,
        mut dx: Option<&mut [f32]>,
        gradients: &mut [f32],
        dy: &[f32],
        x: &[f32],
        layer: usize,
        site: Site,
        scratch: &mut LoraScratch,
    ) {
        let (weight, bias, inputs, projections) = self.site(layer, site);
        let width = weight.len() / inputs;
        let merge = self.pays_to_merge(x.len() / inputs, inputs, width);
        if let Some(dx) = &mut dx {
            let weight = if merge {
                self.merged(layer, site, &mut scratch.merged)
            } else {
                self.lent(&weight, &mut scratch.merged)
            };
            linear::backward_input(dx, Into::Overwrite, dy, weight, inputs);
        }
        if self.lora.is_none() {
            linear::backward_weight(&mut gradients[weight], dy, x, inputs);
            if let Some(bias) = bias {
                debug_assert_eq!(bias.len(), width);
                linear::backward_bias(&mut gradients[bias], dy);
            }
            return;
        }
        let LoraScratch { low, d_low, .. } = scratch;
        self.each_adapter(layer, projections, |adapter, a, b| {
            // A and B of one projection lie side by side.
            let (da, db) = gradients[a.start..b.end].split_at_mut(a.len());
            // Merged weights have brought the adapter's share of it.
            let dx = dx.as_deref_mut().filter(|_| !merge);
            adapter.backward(da, db, dx, dy, width, x, inputs, low, d_low);
        });
    }

    fn each_adapter<'m>(
        &'m self,
        layer: usize,
        projections: &[Projection],
        mut body: impl FnMut(Adapter<'m, f32>, Range<usize>, Range<usize>),
    ) {
        let Some(lora) = &self.lora else { return };
        let mut first = 0;
        for &projection in projections {
            if let Some(slot) = lora.slot(layer, projection) {
                body(adapter(lora, slot, first), slot.a.clone(), slot.b.clone());
            }
            first += projection.shape(&self.config).1;
        }
    }
}

/// The adapter of a projection whose outputs begin at `first`.
fn adapter<'l>(lora: &'l Lora, slot: &Slot, first: usize) -> Adapter<'l, f32> {
    let (a, b) = (&lora.values[slot.a.clone()], &lora.values[slot.b.clone()]);
    Adapter { a, b, rank: slot.rank, first, scale: slot.scale }
}

/// A draw from the standard normal distribution (Box–Muller).
fn normal(rng: &mut impl Rng) -> f32 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}

fn bytes_of(values: &[f32]) -> &[u8] {
    // SAFETY: any f32 is four initialised bytes, and u8 has no alignment.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), std::mem::size_of_val(values)) }
}
