//! Models so small that they are made where a test needs one.

use serde_json::json;

/// The sizes of a model, to be read by the engine's own reader as those of any other: `Config::from_json` of
/// [`TinyModel::config`]. The defaults suit a byte-level tokenizer, whose end token is 257.
#[derive(Clone, Copy, Debug)]
pub struct TinyModel {
    /// `qwen2`, `qwen3` or `llama`.
    pub family: &'static str,
    /// Tokens.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width between the two products of an MLP.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads that ask.
    pub heads: usize,
    /// Heads that are asked.
    pub kv_heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// Whether one matrix embeds tokens and scores them.
    pub tied: bool,
    /// The most tokens of a sequence.
    pub positions: usize,
    /// Tokens that end a text.
    pub end: &'static [u32],
}

impl TinyModel {
    /// Two blocks over bytes.
    pub const BYTES: TinyModel = TinyModel {
        family: "qwen2",
        vocabulary: 260,
        hidden: 32,
        intermediate: 64,
        layers: 2,
        heads: 2,
        kv_heads: 1,
        head_dim: 16,
        tied: true,
        positions: 1024,
        end: &[257],
    };

    /// Its `config.json`.
    #[must_use]
    pub fn config(&self) -> String {
        json!({
            "model_type": self.family,
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "rope_theta": 10_000.0,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": self.tied,
            "max_position_embeddings": self.positions,
            "eos_token_id": self.end,
        })
        .to_string()
    }
}
