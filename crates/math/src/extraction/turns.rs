//! Which part of a text was written as its answer: the final channel, behind the thinking, before the next turn.

use crate::options::Options;
use crate::scan;

/// Tokens of chat templates: what follows them was not written as this answer.
const TURN_ENDS: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end|>",
    "<|return|>",
    "<|user|>",
    "<|start|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<start_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "[INST]",
];

/// What a final channel or turn begins with.
const FINAL_CHANNELS: &[&str] =
    &["<|channel|>final<|message|>", "<|start_header_id|>assistant<|end_header_id|>"];

/// Ends of thinking.
const THOUGHT_ENDS: &[&str] = &[
    "</think>",
    "</thinking>",
    "</thought>",
    "</reasoning>",
    "</Thought>",
    "</scratchpad>",
    "</scratch_pad>",
    "</seed:think>",
    "</longcat_think>",
    "<|end_of_thought|>",
    "<|END_THINKING|>",
    "<|inner_suffix|>",
    "[/THINK]",
    "◁/think▷",
];

/// How thinking is opened, and what closes it.
const THOUGHTS: &[(&str, &str)] = &[
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<Thought>", "</Thought>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<scratch_pad>", "</scratch_pad>"),
    ("<seed:think>", "</seed:think>"),
    ("<longcat_think>", "</longcat_think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
];

/// Whether a text is thinking and nothing else: opened at its beginning, again and again, and at last not closed, or nothing said
/// behind it.
fn is_thinking_only(text: &str) -> bool {
    let (mut text, mut thought) = (text.trim_start(), false);
    while text.starts_with(['<', '[', '◁'])
        && let Some((open, close)) = THOUGHTS.iter().find(|(open, _)| text.starts_with(open))
    {
        let Some((_, behind)) = text[open.len()..].split_once(close) else { return true };
        (text, thought) = (behind.trim_start(), true);
    }
    thought && text.is_empty()
}

/// The part of a prediction that is its answer's text: the tail if asked, the final channel, after the thinking, before
/// the next turn.
pub(crate) fn relevant<'t>(text: &'t str, options: &Options) -> &'t str {
    let mut text = text;
    if let Some(limit) = options.tail {
        let skip = text.chars().count().saturating_sub(limit);
        let start = text.char_indices().nth(skip).map_or(text.len(), |(i, _)| i);
        text = &text[start..];
    }
    // What a model only thought it has not said: it was cut, or had nothing to say.
    if is_thinking_only(text) {
        return "";
    }
    if !scan::holds_pair(text.as_bytes(), begins_mark) {
        return text;
    }
    for start in FINAL_CHANNELS {
        if let Some(at) = text.rfind(start) {
            text = &text[at + start.len()..];
        }
    }
    for end in THOUGHT_ENDS {
        if let Some(at) = text.rfind(end) {
            let after = &text[at + end.len()..];
            if !after.trim().is_empty() {
                text = after;
            }
        }
    }
    let bytes = text.as_bytes();
    let end = (0..bytes.len().saturating_sub(1))
        .find(|at| {
            begins_mark(bytes[*at], bytes[*at + 1])
                && TURN_ENDS.iter().any(|token| bytes[*at..].starts_with(token.as_bytes()))
                && !text[..*at].trim().is_empty()
        })
        .unwrap_or(text.len());
    &text[..end]
}

/// Whether two bytes begin one of the marks above: one cheap pass saves a search for each of them.
fn begins_mark(first: u8, second: u8) -> bool {
    let tag = (second == b'|') | (second == b'/') | (second == b'e') | (second == b's') | (second == 0xef);
    let bracket = (second == b'/') | (second == b'I');
    ((first == b'<') & tag) | ((first == b'[') & bracket) | ((first == 0xe2) & (second == 0x97))
}
