//! The memory plan of a model's parameters: one flat buffer, every tensor a range of it.
//!
//! Query, key and value projections stand next to each other, and so do gate and up, so that each pair or triple
//! is one matrix product. The names are those of the Hugging Face checkpoints.

use crate::config::Config;
use std::ops::Range;

/// A named tensor in a flat buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// As in the checkpoint.
    pub name: String,
    /// Row-major.
    pub shape: Vec<usize>,
    /// Where it is.
    pub range: Range<usize>,
}

/// Where the tensors of one block are.
#[derive(Clone, Debug)]
pub struct Block {
    /// `input_layernorm.weight`
    pub input_norm: Range<usize>,
    /// `self_attn.{q,k,v}_proj.weight`, `(heads + 2·kv_heads)·head_dim × hidden`
    pub qkv: Range<usize>,
    /// `self_attn.{q,k,v}_proj.bias`
    pub qkv_bias: Option<Range<usize>>,
    /// `self_attn.q_norm.weight` and `self_attn.k_norm.weight`, `head_dim` each
    pub head_norms: Option<(Range<usize>, Range<usize>)>,
    /// `self_attn.o_proj.weight`, `hidden × heads·head_dim`
    pub output: Range<usize>,
    /// `self_attn.o_proj.bias`
    pub output_bias: Option<Range<usize>>,
    /// `post_attention_layernorm.weight`
    pub post_norm: Range<usize>,
    /// `mlp.{gate,up}_proj.weight`, `2·intermediate × hidden`
    pub gate_up: Range<usize>,
    /// `mlp.{gate,up}_proj.bias`
    pub gate_up_bias: Option<Range<usize>>,
    /// `mlp.down_proj.weight`, `hidden × intermediate`
    pub down: Range<usize>,
    /// `mlp.down_proj.bias`
    pub down_bias: Option<Range<usize>>,
}

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Layout {
    /// All tensors, in the order of the buffer.
    pub tensors: Vec<Tensor>,
    /// `model.embed_tokens.weight`
    pub embedding: Range<usize>,
    /// One a block.
    pub blocks: Vec<Block>,
    /// `model.norm.weight`
    pub norm: Range<usize>,
    /// `lm_head.weight`, or the embedding where it is tied.
    pub head: Range<usize>,
    /// Elements of the buffer.
    pub len: usize,
}

#[derive(Default)]
struct Plan {
    tensors: Vec<Tensor>,
    len: usize,
}

impl Plan {
    fn add(&mut self, name: String, shape: &[usize]) -> Range<usize> {
        let range = self.len..self.len + shape.iter().product::<usize>();
        self.len = range.end;
        self.tensors.push(Tensor { name, shape: shape.to_vec(), range: range.clone() });
        range
    }
}

impl Layout {
    /// Elements of the buffer that a model needs; a `u128`, as no file bounds what a configuration says.
    #[must_use]
    pub fn elements(config: &Config) -> u128 {
        let wide = |size: usize| size as u128;
        let (hidden, ffn) = (wide(config.hidden_size), wide(config.intermediate_size));
        let dim = wide(config.head_dim);
        let (q, kv) = (wide(config.heads) * dim, wide(config.kv_heads) * dim);
        let when = |present: bool, size: u128| if present { size } else { 0 };
        let block = 2 * hidden
            + (q + 2 * kv) * hidden
            + when(config.qkv_bias(), q + 2 * kv)
            + when(config.head_norms(), 2 * dim)
            + q * hidden
            + when(config.attention_bias, hidden)
            + 3 * ffn * hidden
            + when(config.mlp_bias, 2 * ffn + hidden);
        let tables = if config.tied { 1 } else { 2 };
        tables * wide(config.vocab_size) * hidden + wide(config.layers) * block + hidden
    }

    /// Plans the parameters of a model.
    #[must_use]
    pub fn new(config: &Config) -> Layout {
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        let (q, kv) = (config.heads * config.head_dim(), config.kv_heads * config.head_dim());
        let mut plan = Plan::default();
        let embedding = plan.add("model.embed_tokens.weight".into(), &[config.vocab_size, hidden]);
        let blocks = (0..config.layers)
            .map(|layer| {
                let mut add =
                    |name: &str, shape: &[usize]| plan.add(format!("model.layers.{layer}.{name}"), shape);
                let input_norm = add("input_layernorm.weight", &[hidden]);
                let first = add("self_attn.q_proj.weight", &[q, hidden]).start;
                add("self_attn.k_proj.weight", &[kv, hidden]);
                let qkv = first..add("self_attn.v_proj.weight", &[kv, hidden]).end;
                let qkv_bias = config.qkv_bias().then(|| {
                    let first = add("self_attn.q_proj.bias", &[q]).start;
                    add("self_attn.k_proj.bias", &[kv]);
                    first..add("self_attn.v_proj.bias", &[kv]).end
                });
                let head_norms = config.head_norms().then(|| {
                    let dim = &[config.head_dim];
                    (add("self_attn.q_norm.weight", dim), add("self_attn.k_norm.weight", dim))
                });
                let output = add("self_attn.o_proj.weight", &[hidden, q]);
                let output_bias = config.attention_bias.then(|| add("self_attn.o_proj.bias", &[hidden]));
                let post_norm = add("post_attention_layernorm.weight", &[hidden]);
                let first = add("mlp.gate_proj.weight", &[ffn, hidden]).start;
                let gate_up = first..add("mlp.up_proj.weight", &[ffn, hidden]).end;
                let gate_up_bias = config.mlp_bias.then(|| {
                    let first = add("mlp.gate_proj.bias", &[ffn]).start;
                    first..add("mlp.up_proj.bias", &[ffn]).end
                });
                let down = add("mlp.down_proj.weight", &[hidden, ffn]);
                let down_bias = config.mlp_bias.then(|| add("mlp.down_proj.bias", &[hidden]));
                Block {
                    input_norm,
                    qkv,
                    qkv_bias,
                    head_norms,
                    output,
                    output_bias,
                    post_norm,
                    gate_up,
                    gate_up_bias,
                    down,
                    down_bias,
                }
            })
            .collect();
        let norm = plan.add("model.norm.weight".into(), &[hidden]);
        let head = if config.tied {
            embedding.clone()
        } else {
            plan.add("lm_head.weight".into(), &[config.vocab_size, hidden])
        };
        Layout { tensors: plan.tensors, embedding, blocks, norm, head, len: plan.len }
    }
}
