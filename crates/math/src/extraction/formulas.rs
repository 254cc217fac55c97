//! Formulas in text: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`.

use std::cell::LazyCell;

use crate::scan::next_like;

/// What a formula may begin with.
fn may_open(byte: u8) -> bool {
    (byte == b'$') | (byte == b'\\')
}

/// A formula: from the first byte of its delimiter to past the last, and its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    content: (usize, usize),
}

/// All formulas of the text, in order.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut spans = Vec::new();
    let mut at = 0;
    // Where the last of each closing mark stands: an opening behind it has no end to look for.
    let last_square = LazyCell::new(|| text.rfind("\\]"));
    let last_round = LazyCell::new(|| text.rfind("\\)"));
    while at < bytes.len() {
        match bytes[at] {
            b'$' if bytes.get(at + 1) == Some(&b'$') => match find(text, at + 2, "$$", false) {
                Some(close) if close > at + 2 => {
                    spans.push(Span { start: at, end: close + 2, content: (at + 2, close) });
                    at = close + 2;
                }
                _ => at += 2,
            },
            b'$' => match inline_dollar(text, at) {
                Some(close) => {
                    spans.push(Span { start: at, end: close + 1, content: (at + 1, close) });
                    at = close + 1;
                }
                None => at += 1,
            },
            b'\\' => {
                let (closer, multiline) = match bytes.get(at + 1) {
                    Some(b'[') => ("\\]", true),
                    Some(b'(') => ("\\)", true),
                    _ => {
                        // An escaped dollar sign, or a command: past its first character.
                        at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
                        continue;
                    }
                };
                let last = if closer == "\\]" { *last_square } else { *last_round };
                let close = if last.is_some_and(|last| last > at) {
                    find(text, at + 2, closer, !multiline)
                } else {
                    None
                };
                match close {
                    Some(close) => {
                        spans.push(Span { start: at, end: close + 2, content: (at + 2, close) });
                        at = close + 2;
                    }
                    None => at += 2,
                }
            }
            _ => at = next_like(bytes, at + 1, may_open),
        }
    }
    spans
}

/// Where `closer` stands at or after `from`, not escaped.
fn find(text: &str, from: usize, closer: &str, one_line: bool) -> Option<usize> {
    let (bytes, closer) = (text.as_bytes(), closer.as_bytes());
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        if *byte == b'\n' && one_line {
            return None;
        }
        if *byte == closer[0] && bytes[at..].starts_with(closer) {
            let escaped = closer[0] == b'$' && bytes[at - 1] == b'\\';
            if !escaped {
                return Some(at);
            }
        }
    }
    None
}

/// How many amounts of money are passed over in search of the sign that closes a formula.
const MONEY_LIMIT: usize = 16;

/// The dollar sign that closes the one at `open`, on the same line. Two amounts of money are not a formula: there the
/// second sign stands behind a space and before a digit.
fn inline_dollar(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if open > 0 && bytes[open - 1].is_ascii_digit() {
        return None;
    }
    let mut at = open + 1;
    // A line of many amounts is no formula.
    for _ in 0..MONEY_LIMIT {
        let found = find(text, at, "$", true)?;
        if found == open + 1 {
            return None;
        }
        // "$45 ($30 for the shirt)": what ends in an opening bracket is no formula either.
        let money = (bytes[found - 1].is_ascii_whitespace() || matches!(bytes[found - 1], b'(' | b'['))
            && bytes.get(found + 1).is_some_and(u8::is_ascii_digit)
            && bytes[open + 1].is_ascii_digit();
        if money {
            at = found + 1;
            continue;
        }
        return Some(found);
    }
    None
}

impl Span {
    /// Where its content stands.
    pub(super) fn content(&self) -> (usize, usize) {
        self.content
    }

    pub(super) fn text<'t>(&self, text: &'t str) -> &'t str {
        text[self.content.0..self.content.1].trim()
    }
}

/// The last formulas of the text that belong together, and whether a percent sign follows them.
pub(super) fn last_group(text: &str, spans: &[Span]) -> Option<(Vec<String>, bool)> {
    let last = spans.iter().rposition(|span| !span.text(text).is_empty())?;
    let mut first = last;
    while first > 0 && connects(&text[spans[first - 1].end..spans[first].start]) {
        first -= 1;
    }
    Some(group(text, &spans[first..=last]))
}

/// The formulas from `index` on that belong together.
pub(super) fn group_from(text: &str, spans: &[Span], index: usize) -> Option<(usize, Vec<String>, bool)> {
    let mut last = index;
    while last + 1 < spans.len() && connects(&text[spans[last].end..spans[last + 1].start]) {
        last += 1;
    }
    let (pieces, percent) = group(text, spans.get(index..=last)?);
    Some((spans[last].end, pieces, percent))
}

fn group(text: &str, spans: &[Span]) -> (Vec<String>, bool) {
    let pieces =
        spans.iter().map(|span| span.text(text).to_owned()).filter(|piece| !piece.is_empty()).collect();
    let percent = spans.last().is_some_and(|span| percent_follows(&text[span.end..]));
    (pieces, percent)
}

/// Whether a gap between two formulas makes them one answer: a comma, "and", "or".
fn connects(gap: &str) -> bool {
    matches!(gap.trim(), "," | ";" | "and" | "or" | ", and" | ", or" | ",and" | ",or")
}

/// Whether a percent sign or word comes next, past the end of a formula.
pub(super) fn percent_follows(rest: &str) -> bool {
    let mut rest = rest;
    loop {
        let trimmed = rest.trim_start_matches([' ', '$', '}', '*']);
        let trimmed = trimmed.strip_prefix("\\)").or_else(|| trimmed.strip_prefix("\\]")).unwrap_or(trimmed);
        if trimmed.len() == rest.len() {
            break;
        }
        rest = trimmed;
    }
    let lower: String = rest.chars().take(12).collect::<String>().to_ascii_lowercase();
    let word = |name: &str| {
        lower.strip_prefix(name).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    lower.starts_with('%') || lower.starts_with("\\%") || word("percent") || word("percentage") || word("pct")
}

/// The formulas of a text that holds nothing else but what joins them.
pub(super) fn only_group(text: &str, spans: &[Span]) -> Option<(Vec<String>, bool)> {
    let (first, last) = (spans.first()?, spans.last()?);
    let edge = |part: &str| part.chars().all(|c| c.is_whitespace() || ".,;:\"'`*!".contains(c));
    let joined = spans.windows(2).all(|pair| connects(&text[pair[0].end..pair[1].start]));
    if !joined
        || !edge(&text[..first.start])
        || !(edge(&text[last.end..]) || percent_follows(&text[last.end..]))
    {
        return None;
    }
    let (pieces, percent) = group(text, spans);
    (!pieces.is_empty()).then_some((pieces, percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> Option<Vec<String>> {
        last_group(text, &spans(text)).map(|(pieces, _)| pieces)
    }

    #[test]
    fn delimiters() {
        assert_eq!(last("Answer $ 9 $"), Some(vec!["9".into()]));
        assert_eq!(last("\\[ \n 9 \n \\]"), Some(vec!["9".into()]));
        assert_eq!(last("$1$ and $2$, or $3$"), Some(vec!["1".into(), "2".into(), "3".into()]));
        assert_eq!(last("$ \\frac{1}{2} \\$ = 5 $"), Some(vec!["\\frac{1}{2} \\$ = 5".into()]));
        assert_eq!(last("it costs $5 and $10 more"), None);
        assert_eq!(last("$$1$$ then $2"), Some(vec!["1".into()]));
    }
}
