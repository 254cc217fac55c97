//! What stands around an answer and says nothing: thinking, turns of a chat, tags, Markdown, HTML.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::options::Options;
use crate::syntax::scripts;

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
const THOUGHT_ENDS: &[&str] =
    &["</think>", "</thinking>", "</thought>", "</reasoning>", "</scratchpad>", "[/THINK]", "◁/think▷"];

/// The part of a prediction that is its answer's text: the tail if asked, the final channel, after the thinking, before
/// the next turn.
pub(crate) fn relevant<'t>(text: &'t str, options: &Options) -> &'t str {
    let mut text = text;
    if let Some(limit) = options.tail {
        let skip = text.chars().count().saturating_sub(limit);
        let start = text.char_indices().nth(skip).map_or(text.len(), |(i, _)| i);
        text = &text[start..];
    }
    if !text.as_bytes().windows(2).any(begins_mark) {
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
    let end = TURN_ENDS
        .iter()
        .filter_map(|token| text.find(token))
        .filter(|at| !text[..*at].trim().is_empty())
        .min()
        .unwrap_or(text.len());
    &text[..end]
}

/// Whether two bytes begin one of the marks above: one cheap pass saves a search for each of them.
fn begins_mark(pair: &[u8]) -> bool {
    match pair[0] {
        b'<' => matches!(pair[1], b'|' | b'/' | b'e' | b's' | 0xef),
        b'[' => matches!(pair[1], b'/' | b'I'),
        0xe2 => pair[1] == 0x97,
        _ => false,
    }
}

/// The text without its dress.
pub(crate) fn undressed(text: &str) -> Cow<'_, str> {
    let mut text = scripts::plain(text);
    // One pass says which kinds of dress there may be.
    let (mut tags, mut entities, mut emphasis) = (false, false, false);
    for byte in text.bytes() {
        tags |= byte == b'<';
        entities |= byte == b'&';
        emphasis |= matches!(byte, b'*' | b'_' | b'#' | b'`' | b'~' | b'>');
    }
    if tags {
        text = changed(text, without_tags);
    }
    if entities {
        text = changed(text, without_entities);
    }
    if emphasis {
        text = changed(text, without_emphasis);
    }
    text
}

fn changed<'t>(text: Cow<'t, str>, change: impl Fn(&str) -> Option<String>) -> Cow<'t, str> {
    match change(&text) {
        Some(new) => Cow::Owned(new),
        None => text,
    }
}

/// Tags that hold an answer, by name.
const ANSWER_TAGS: &[&str] = &[
    "answer",
    "ans",
    "sol",
    "solution",
    "final",
    "final_answer",
    "finalanswer",
    "final-answer",
    "result",
    "output",
    "response",
];

/// Other brackets that models put around an answer.
const ANSWER_MARKS: &[(&str, &str)] = &[
    ("<|begin_of_box|>", "<|end_of_box|>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|answer_start|>", "<|answer_end|>"),
    ("[ANSWER]", "[/ANSWER]"),
];

/// What the last pair of answer tags holds, and where the pair ends; a closing tag alone closes what is before it.
pub(super) fn tagged(text: &str) -> Option<(usize, &str)> {
    if !text.bytes().any(|b| matches!(b, b'<' | b'[')) {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    let marked = text.contains("<|") || text.contains("[/");
    for (open, close) in ANSWER_MARKS.iter().filter(|_| marked) {
        let Some(end) = text.rfind(close) else { continue };
        let start = text[..end].rfind(open).map_or(0, |at| at + open.len());
        if best.is_none_or(|(other, _)| end + close.len() > other) {
            best = Some((end + close.len(), &text[start..end]));
        }
    }
    let mut before = text.len();
    while let Some(at) = text[..before].rfind("</") {
        before = at;
        let Some(length) = text[at..].find('>') else { continue };
        let name = text[at + 2..at + length].trim();
        if !ANSWER_TAGS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        // Without its opening, a tag closes what stands behind the tag before it.
        let start = opening(&text[..at], name).unwrap_or_else(|| {
            let before = text[..at].rfind("</").and_then(|i| Some(i + text[i..at].find('>')? + 1));
            before.unwrap_or(0)
        });
        let end = at + length + 1;
        if best.is_none_or(|(other, _)| end > other) {
            best = Some((end, &text[start..at]));
        }
        break;
    }
    best.filter(|(_, inside)| !inside.trim().is_empty())
}

/// Past the last opening tag of this name.
fn opening(text: &str, name: &str) -> Option<usize> {
    let mut before = text.len();
    while let Some(at) = text[..before].rfind('<') {
        let inside = &text[at + 1..];
        if inside.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && let Some(end) = inside.find('>')
            && !inside[name.len()..end].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        {
            return Some(at + 1 + end + 1);
        }
        before = at;
    }
    None
}

/// Tags taken away, those that are closed and those that need not be; raised and lowered text as LaTeX has it.
fn without_tags(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    let last_closings = last_closings(text);
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 1..];
        let closing = inside.starts_with('/');
        let name_from = usize::from(closing);
        let length = inside[name_from..]
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
            .count();
        let name = inside[name_from..name_from + length].to_ascii_lowercase();
        // A tag ends soon; what has no name has no end to look for.
        let mut near = (name_from + length + 400).min(inside.len());
        while !inside.is_char_boundary(near) {
            near -= 1;
        }
        let end = if length == 0 {
            None
        } else {
            inside[name_from + length..near].find('>').map(|end| name_from + length + end)
        };
        let behind = &inside[name_from + length..];
        let shaped = length > 0
            && name.as_bytes()[0].is_ascii_alphabetic()
            && behind.starts_with(['>', ' ', '/'])
            && !behind[..end.map_or(0, |end| end - name_from - length)].contains(['<', '\n']);
        let Some(end) = end.filter(|_| shaped) else {
            out.push('<');
            rest = inside;
            continue;
        };
        let alone = matches!(name.as_str(), "br" | "hr" | "p");
        // An opening tag needs its end, or `a<b>c` would lose a letter.
        if ANSWER_TAGS.contains(&name.as_str()) {
            // They say where the answer is, and are read later.
            out.push('<');
            rest = inside;
            continue;
        }
        let at = text.len() - inside.len();
        let known = alone || closing || last_closings.get(&name).is_some_and(|last| *last > at);
        if !known {
            out.push('<');
            rest = inside;
            continue;
        }
        changed = true;
        match (name.as_str(), closing) {
            ("br" | "hr" | "p" | "div" | "li" | "tr", _) => out.push('\n'),
            ("sup", false) => out.push_str("^{"),
            ("sub", false) => out.push_str("_{"),
            ("sup" | "sub", true) => out.push('}'),
            ("del" | "s" | "strike", false) => {
                // What is struck out is not said.
                let close = inside.find(&format!("</{name}")).unwrap_or(inside.len());
                rest = &inside[close..];
                continue;
            }
            _ => {}
        }
        rest = &inside[end + 1..];
    }
    changed.then(|| {
        out.push_str(rest);
        out
    })
}

/// Where each name's last closing tag stands.
fn last_closings(text: &str) -> HashMap<String, usize> {
    let mut last = HashMap::new();
    for (at, _) in text.match_indices("</") {
        let name: String = text[at + 2..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            .take(32)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        last.insert(name, at);
    }
    last
}

fn without_entities(text: &str) -> Option<String> {
    const ENTITIES: &[(&str, &str)] = &[
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&le;", "≤"),
        ("&ge;", "≥"),
        ("&ne;", "≠"),
        ("&minus;", "-"),
        ("&times;", "×"),
        ("&middot;", "·"),
        ("&deg;", "°"),
        ("&pi;", "π"),
        ("&radic;", "√"),
        ("&frac12;", "½"),
        ("&frac14;", "¼"),
        ("&frac34;", "¾"),
        ("&infin;", "∞"),
        ("&plusmn;", "±"),
        ("&amp;", "&"),
    ];
    let mut out = text.to_owned();
    for (entity, plain) in ENTITIES {
        if out.contains(entity) {
            out = out.replace(entity, plain);
        }
    }
    (out != text).then_some(out)
}

/// Emphasis, headings and code marks of Markdown taken away, and what is struck out with them. Only marks that stand
/// at the edge of words count, so that `3*4*5` and `x_1 + x_2` stay.
fn without_emphasis(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    // Where a mark is open: its sign, its length, where it stands in the output.
    let mut open: Vec<(u8, usize, usize)> = Vec::new();
    let mut drop: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' if bytes.get(at + 1) == Some(&b'\n') => {
                open.clear();
                at += 1;
            }
            b'\\' => at += 2,
            b'#' if at == 0 || bytes[at - 1] == b'\n' => {
                let length = bytes[at..].iter().take_while(|b| **b == b'#').count();
                // "#### 5" is an answer; "### Final Answer" is a heading.
                let rest = &text[at + length..];
                let line = rest.split('\n').next().unwrap_or(rest);
                if length != 4 && rest.starts_with(' ') && line.contains(|c: char| c.is_alphabetic()) {
                    drop.push((at, at + length));
                }
                at += length;
            }
            b'`' => {
                let length = bytes[at..].iter().take_while(|b| **b == b'`').count();
                drop.push((at, at + length));
                at += length;
                if length == 3 {
                    let name = bytes[at..].iter().take_while(|b| b.is_ascii_lowercase()).count();
                    if bytes.get(at + name) == Some(&b'\n') {
                        drop.push((at, at + name));
                        at += name;
                    }
                }
            }
            // A quoted line.
            b'>' if (at == 0 || bytes[at - 1] == b'\n') && bytes.get(at + 1) == Some(&b' ') => {
                drop.push((at, at + 2));
                at += 2;
            }
            mark @ (b'*' | b'_' | b'~') => {
                let length = bytes[at..].iter().take_while(|b| **b == mark).count();
                let before = text[..at].chars().next_back();
                let after = text[at + length..].chars().next();
                let bullet = length == 1
                    && mark == b'*'
                    && before.is_none_or(|c| c == '\n')
                    && after.is_some_and(|c| c == ' ' || c == '\t');
                if bullet {
                    drop.push((at, at + 1));
                } else if length <= 3 && (mark != b'~' || length == 2) {
                    let opens = after.is_some_and(|c| !c.is_whitespace()) && may_precede(before, mark);
                    let closes = before.is_some_and(|c| !c.is_whitespace()) && may_follow(after, mark);
                    let matching = open.iter().rposition(|(sign, size, _)| *sign == mark && *size == length);
                    if let Some(index) = matching.filter(|_| closes) {
                        let (_, _, from) = open[index];
                        open.truncate(index);
                        if mark == b'~' {
                            drop.push((from, at + length));
                        } else {
                            // "- **73**" is an item of a list, not a negative number.
                            if text[..from].ends_with("- ")
                                && matches!(bytes.get(from.wrapping_sub(3)), None | Some(b'\n'))
                            {
                                drop.push((from - 2, from));
                            }
                            drop.push((from, from + length));
                            drop.push((at, at + length));
                        }
                    } else if opens && open.len() < 32 {
                        open.push((mark, length, at));
                    }
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if drop.is_empty() {
        return None;
    }
    drop.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in drop {
        if start >= from {
            out.push_str(&text[from..start]);
        }
        from = from.max(end);
    }
    out.push_str(&text[from..]);
    Some(out)
}

fn may_precede(c: Option<char>, mark: u8) -> bool {
    match c {
        None => true,
        Some(c) if c.is_whitespace() => true,
        Some('(' | '[' | '"' | '\'' | '“' | '‘' | ':' | '*' | '_' | '~' | '—' | '–' | '>' | '|') => {
            true
        }
        Some('{' | '-' | '$' | '/' | ',' | ';') => mark == b'*',
        Some(c) => !c.is_ascii() && mark == b'*',
    }
}

fn may_follow(c: Option<char>, mark: u8) -> bool {
    match c {
        None => true,
        Some(c) if c.is_whitespace() => true,
        Some(
            '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '"' | '\'' | '”' | '’' | '*' | '_' | '~' | '—'
            | '–' | '<' | '|',
        ) => true,
        Some('}' | '-' | '%' | '$' | '/') => mark == b'*',
        Some(c) => !c.is_ascii() && mark == b'*',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dress_is_taken_off() {
        for (text, expected) in [
            ("The answer is **73** residents.", "The answer is 73 residents."),
            ("__73__", "73"),
            ("***73***", "73"),
            ("\\boxed{**73**}", "\\boxed{73}"),
            ("The answer is <b>73</b>.", "The answer is 73."),
            ("x<sup>2</sup>", "x^{2}"),
            ("~~74~~ 73", " 73"),
            ("<del>74</del>73", "73"),
            ("`7/8`", "7/8"),
            ("### Final Answer\n\n**73**", " Final Answer\n\n73"),
            ("- **$73**", "$73"),
            ("答案是**12**。", "答案是12. "),
            ("5 &times; 3", "5 × 3"),
        ] {
            assert_eq!(undressed(text), expected, "{text}");
        }
        for text in [
            "3*4*5",
            "2 * 3 * 4",
            "x_1 + x_2",
            "2**3",
            "a<b>c",
            "a__b",
            "{_n}C_{k}",
            "1 < x < 2",
            "#### 5",
            "$a_1$ and $b_1$",
        ] {
            assert_eq!(undressed(text), text);
        }
    }

    #[test]
    fn the_last_pair_of_tags_holds_the_answer() {
        for (text, expected) in [
            ("<answer>73</answer>", Some("73")),
            ("x <answer>1</answer> y <ANSWER>2</ANSWER>", Some("2")),
            ("73</answer>", Some("73")),
            ("<|begin_of_box|>73<|end_of_box|>", Some("73")),
            ("<answer></answer>", None),
            ("1 < 2", None),
        ] {
            assert_eq!(tagged(text).map(|(_, inside)| inside), expected, "{text}");
        }
    }
}
