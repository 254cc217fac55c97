//! What the families of models put around what they say: thinking aloud, special tokens, headers of turns.

use crate::trace::{OPEN, TraceDefect, is_blank};

/// How thinking is opened, and what closes it, whichever comes first.
pub(super) const THINKING: [(&str, &[&str]); 19] = [
    ("<think>", &["</think>"]),
    ("<thinking>", &["</thinking>"]),
    ("<thought>", &["</thought>"]),
    ("<Thought>", &["</Thought>"]),
    ("<scratchpad>", &["</scratchpad>"]),
    ("<scratch_pad>", &["</scratch_pad>"]),
    ("<seed:think>", &["</seed:think>"]),
    ("<longcat_think>", &["</longcat_think>"]),
    ("[THINK]", &["[/THINK]"]),
    ("◁think▷", &["◁/think▷"]),
    ("<|begin_of_thought|>", &["<|end_of_thought|>"]),
    ("<|START_THINKING|>", &["<|END_THINKING|>"]),
    ("<|inner_prefix|>", &["<|inner_suffix|>"]),
    ("<|channel>thought", &["<channel|>"]),
    ("<unused94>thought", &["<unused95>"]),
    ("[unused16]", &["[unused17]"]),
    ("<|think|>", &["<|end|>"]),
    ("<|channel|>analysis<|message|>", &["<|end|>", FINAL]),
    ("<|channel|>commentary<|message|>", &["<|end|>", FINAL]),
];

/// The channel of what is meant for the reader.
const FINAL: &str = "<|channel|>final<|message|>";

/// What closes thinking that was opened in the prompt. (`<|end|>` ends turns of other families.)
const CLOSES: [&str; 17] = [
    "</think>",
    "</thinking>",
    "</thought>",
    "</Thought>",
    "</scratchpad>",
    "</scratch_pad>",
    "</seed:think>",
    "</longcat_think>",
    "[/THINK]",
    "◁/think▷",
    "<|end_of_thought|>",
    "<|END_THINKING|>",
    "<|inner_suffix|>",
    "<channel|>",
    "<unused95>",
    "[unused17]",
    FINAL,
];

/// Channels whose special tokens were left out in decoding. A text may begin with the first word by itself, so it is only
/// thinking if the second follows.
const SPOKEN: (&str, &str) = ("analysis", "assistantfinal");

/// Special tokens that do not have the form `<|…|>` or `<｜…｜>`.
const TOKENS: [&str; 50] = [
    "<s>",
    "</s>",
    "<bos>",
    "<eos>",
    "<pad>",
    "<unk>",
    "<mask>",
    "<BOS>",
    "<EOS>",
    "<PAD>",
    "[BOS]",
    "[EOS]",
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[INST]",
    "[/INST]",
    "<end_of_turn>",
    "<start_of_turn>",
    "<end_of_text>",
    "<end_of_utterance>",
    "<|turn>",
    "<turn|>",
    "<eot>",
    "<EOT>",
    "<eod>",
    "<EOD>",
    "<sop>",
    "<eop>",
    "[gMASK]",
    "<seed:bos>",
    "<seed:eos>",
    "<seed:pad>",
    "<longcat_s>",
    "</longcat_s>",
    "<extra_id_1>",
    "]~!b[",
    "]~b]",
    "[e~[",
    "[|assistant|]",
    "[|user|]",
    "[|system|]",
    "[|endofturn|]",
    "[unused10]",
    "<role>ASSISTANT</role>",
    "<role>HUMAN</role>",
    "<role>SYSTEM</role>",
    "<response>",
    "</response>",
];

/// Those of all special tokens behind which the header of a turn goes on with a name.
const HEADERS: [&str; 15] = [
    "<|im_start|>",
    "<|start_header_id|>",
    "<|header_start|>",
    "<|start_of_role|>",
    "<|im_assistant|>",
    "<|im_user|>",
    "<|im_system|>",
    "<|start|>",
    "<|begin|>",
    "<|channel|>",
    "<start_of_turn>",
    "<|turn>",
    "<seed:bos>",
    "<extra_id_1>",
    "]~b]",
];

/// Who may speak in such a header, and the channel of what is said to the reader.
const NAMES: [&str; 8] = ["assistant", "user", "system", "developer", "model", "tool", "final", "ai"];

/// The longest special token, in characters between its bars.
const LONGEST: usize = 48;

/// What is said after white space, special tokens and thinking at the beginning; and whether there was thinking.
///
/// # Errors
/// [`TraceDefect::ThinkingOnly`] where thinking is not closed.
pub(super) fn after_thinking(text: &str) -> Result<(&str, bool), TraceDefect> {
    let (mut text, mut thought, mut opened_elsewhere) = (text, false, false);
    loop {
        text = without_beginning(text);
        if let Some((open, closes)) = THINKING.iter().find(|(open, _)| text.starts_with(open)) {
            text = first(&text[open.len()..], closes).ok_or(TraceDefect::ThinkingOnly)?.rest;
        } else if let Some(rest) = after_opened_elsewhere(text).filter(|_| !opened_elsewhere) {
            // A prompt opens one block.
            (text, opened_elsewhere) = (rest, true);
        } else {
            return Ok((text, thought));
        }
        thought = true;
    }
}

/// What follows thinking that the prompt opened.
fn after_opened_elsewhere(text: &str) -> Option<&str> {
    if text.starts_with(OPEN) {
        return None;
    }
    if let Some(rest) = text.strip_prefix(SPOKEN.0)
        && let Some((_, rest)) = rest.split_once(SPOKEN.1)
    {
        return Some(rest);
    }
    let Marked { before, marker, rest } = first(text, &CLOSES)?;
    // Opened in the middle, it is no beginning: what stands before it was said.
    let opened = THINKING.iter().any(|(open, closes)| closes.contains(&marker) && before.contains(open));
    (!opened).then_some(rest)
}

/// A marker in a text, and what stands around it.
struct Marked<'t, 'm> {
    before: &'t str,
    marker: &'m str,
    rest: &'t str,
}

/// The first of several markers.
fn first<'t, 'm>(text: &'t str, markers: &[&'m str]) -> Option<Marked<'t, 'm>> {
    let mut found: Option<Marked<'t, 'm>> = None;
    for marker in markers {
        // Only what stands before the earliest so far can be earlier.
        let within = found.as_ref().map_or(text, |found| found.before);
        if let Some(at) = within.find(marker) {
            found = Some(Marked { before: &text[..at], marker, rest: &text[at + marker.len()..] });
        }
    }
    found
}

/// A text without the white space and special tokens at its beginning. Markers of thinking stay.
fn without_beginning(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(is_blank);
        if THINKING.iter().any(|(open, _)| text.starts_with(open)) {
            return text;
        }
        let header = HEADERS.iter().find_map(|header| text.strip_prefix(header));
        let named = header.map(|rest| rest.trim_start_matches([' ', '\t']));
        let named = named.and_then(|rest| NAMES.iter().find_map(|name| without_name(rest, name)));
        match named.or_else(|| text.get(leading_token(text)?..)) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

/// A text without the white space, padding and tokens for its beginning that stand before it; headers of turns stay.
pub(super) fn without_padding(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(|c| is_blank(c) || c == '\u{fffd}');
        let turn = HEADERS.iter().any(|header| text.starts_with(header));
        let marker = THINKING.iter().any(|(open, _)| text.starts_with(open));
        match leading_token(text).filter(|_| !turn && !marker).and_then(|length| text.get(length..)) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

/// A text without the name that it begins with; the name ends there.
fn without_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (found, rest) = text.split_at_checked(name.len())?;
    (found.eq_ignore_ascii_case(name) && !rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// A text without the white space and special tokens at its end.
pub(super) fn without_end(mut text: &str) -> &str {
    loop {
        text = text.trim_end_matches(is_blank);
        let begun = NAMES.iter().find_map(|name| {
            let (before, found) = text.split_at_checked(text.len().checked_sub(name.len())?)?;
            let before = before.trim_end_matches([' ', '\t']);
            let header = HEADERS.iter().find_map(|header| before.strip_suffix(header));
            header.filter(|_| found.eq_ignore_ascii_case(name))
        });
        match begun.or_else(|| text.get(..text.len() - trailing_token(text)?)) {
            Some(rest) => text = rest,
            None => return text,
        }
    }
}

/// Whether a text holds nothing but white space and special tokens.
pub(super) fn is_bare(text: &str) -> bool {
    without_end(text).is_empty()
}

/// The length in bytes of the special token that a text begins with.
fn leading_token(text: &str) -> Option<usize> {
    if let Some(token) = TOKENS.iter().find(|token| text.starts_with(**token)) {
        return Some(token.len());
    }
    BARS.iter().find_map(|(open, close)| {
        let inside = text.strip_prefix(open)?;
        let at = inside.find(close)?;
        is_token_name(&inside[..at]).then_some(open.len() + at + close.len())
    })
}

/// The length in bytes of the special token that a text ends with.
fn trailing_token(text: &str) -> Option<usize> {
    if let Some(token) = TOKENS.iter().find(|token| text.ends_with(**token)) {
        return Some(token.len());
    }
    BARS.iter().find_map(|(open, close)| {
        let inside = text.strip_suffix(close)?;
        let at = inside.rfind(open)?;
        is_token_name(&inside[at + open.len()..]).then_some(text.len() - at)
    })
}

/// What special tokens stand between, in most families.
const BARS: [(&str, &str); 2] = [("<|", "|>"), ("<｜", "｜>")];

fn is_token_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '<' | '>' | '|' | '｜');
    !name.is_empty() && name.chars().all(plain) && name.chars().count() <= LONGEST
}
