//! A world's tokenizer: a real Hugging Face `tokenizers` file, one token a word.

use crate::world::World;
use serde_json::{Value, json};

/// Tokens with a meaning of their own; they come first, and are split off even without spaces around them.
pub const MARKS: [&str; 13] = [
    "<pad>",
    "<eos>",
    "<unk>",
    "<problem>",
    "</problem>",
    "<reasoning>",
    "</reasoning>",
    "<answer>",
    "<task>",
    "</task>",
    "<type>",
    "</type>",
    "<tests>",
];

/// How many of [`MARKS`] are *special* in the sense of the `tokenizers` crate: `<pad>`, `<eos>` and `<unk>`. The tags after
/// them are text that a reader needs, and whoever decodes without special tokens, as frameworks do, must find them there.
const SPECIAL: usize = 3;

/// Every token, marks first, in the order of their ids.
#[must_use]
pub fn vocabulary(world: &World) -> Vec<String> {
    let mut tokens: Vec<String> = MARKS.iter().map(|&token| token.to_owned()).collect();
    // The reward model's input names the world and the domain.
    tokens.extend(["steps", "words", "programs", "math", "code"].map(str::to_owned));
    for word in world.words() {
        if !tokens.contains(&word) {
            tokens.push(word);
        }
    }
    tokens
}

/// The contents of `tokenizer.json`: white space separates words, decoding joins them with single spaces.
#[must_use]
pub fn tokenizer_json(world: &World) -> Value {
    let tokens = vocabulary(world);
    let added: Vec<Value> = MARKS
        .iter()
        .enumerate()
        .map(|(id, token)| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": id < SPECIAL})
        })
        .collect();
    let vocab: serde_json::Map<String, Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<unk>"}
    })
}
