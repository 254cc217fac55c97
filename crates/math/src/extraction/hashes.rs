//! `#### …`: the answer on a line of its own, as GSM8K writes it.

use super::Extract;
use super::clauses::Lead;
use super::formulas::Span;
use super::phrases::from_clause;
use super::prose::{cleaned, is_prose};
use crate::verdict::Rung;

/// What follows the last `####` that something follows; a placeholder that was copied is read past.
pub(super) fn hashes(text: &str, spans: &[Span]) -> Option<(usize, Extract)> {
    if !text.as_bytes().contains(&b'#') {
        return None;
    }
    let mut before = text.len();
    while let Some(found) = text[..before].rfind("####") {
        let at = found + 4;
        let mut line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        let mut start = at + bracketed(&text[at..line_end]);
        start += placeholder(&text[start..line_end]);
        // A rule of signs is one mark, not many.
        before = text[..found].trim_end_matches('#').len();
        if cleaned(&text[start..line_end]).is_empty() {
            // "#### ANSWER" with the answer below it.
            let below = text[line_end..].len() - text[line_end..].trim_start().len();
            if start == at || below == 0 || line_end + below >= text.len() {
                continue;
            }
            start = line_end + below;
            line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        }
        let piece = cleaned(&text[start..line_end]);
        if piece.is_empty() || piece.bytes().all(|b| b == b'#') {
            continue;
        }
        let extract = if is_prose(piece) {
            from_clause(text, (start, line_end), spans, Rung::Hashes, Lead::Phrase)
        } else {
            Some(Extract::plain(Rung::Hashes, piece.to_owned()))
        };
        return extract.map(|extract| (line_end, extract));
    }
    None
}

/// The length of a copied placeholder of several words in brackets: "[your answer here] ", "<your number> ".
pub(super) fn bracketed(line: &str) -> usize {
    let rest = line.trim_start_matches([' ', '\t']);
    let Some(close) = rest
        .strip_prefix(['<', '[', '{', '('])
        .and_then(|inside| inside.bytes().take(48).position(|b| matches!(b, b'>' | b']' | b'}' | b')')))
    else {
        return 0;
    };
    let inside = &rest[1..1 + close];
    let words = inside.split([' ', '_']).filter(|word| !word.is_empty());
    let copied =
        words.clone().any(|word| matches!(word.to_ascii_lowercase().as_str(), "your" | "insert" | "here"))
            && words.clone().count() > 1
            && inside.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b' ' | b'_' | b'-'));
    let behind = &rest[close + 2..];
    if !copied || behind.trim().is_empty() {
        return 0;
    }
    line.len() - behind.trim_start_matches([':', ' ', '\t']).len()
}

/// The length of a placeholder at the start of a line: "ANSWER", "[ANSWER]", "<answer>:", "Final answer:".
pub(super) fn placeholder(line: &str) -> usize {
    let rest = line.trim_start_matches([' ', '\t', '<', '[', '(', '{', '*', ':']);
    let skipped = line.len() - rest.len();
    let lower = rest.get(..24.min(rest.len())).unwrap_or(rest).to_ascii_lowercase();
    for name in [
        "the final answer",
        "final answer",
        "final_answer",
        "the answer",
        "answer",
        "ans",
        "result",
        "number",
    ] {
        let Some(behind) = lower.strip_prefix(name) else { continue };
        if behind.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let behind = &rest[name.len()..];
        let mut tail = behind.trim_start_matches(['>', ']', ')', '}', '*', ':', '=', ' ', '\t']);
        if let Some(after) = tail.strip_prefix("is ") {
            tail = after;
        }
        return skipped + rest.len() - tail.len();
    }
    0
}
