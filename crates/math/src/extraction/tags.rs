//! Tags: those that hold an answer, those that only dress it, and characters written by their names.

use std::collections::HashMap;

use crate::scan::holds_pair;

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
    // What closes an answer begins in one of three ways.
    let closes = |a: u8, b: u8| ((a == b'<') & ((b == b'/') | (b == b'|'))) | ((a == b'[') & (b == b'/'));
    if !holds_pair(text.as_bytes(), closes) {
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
pub(super) fn without_tags(text: &str) -> Option<String> {
    // `<<48/2=24>>` and `x < 3` have no names.
    let names = |a: u8, b: u8| (a == b'<') & (b.is_ascii_alphabetic() | (b == b'/'));
    if !holds_pair(text.as_bytes(), names) {
        return None;
    }
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

pub(super) fn without_entities(text: &str) -> Option<String> {
    if !has_entity(text) {
        return None;
    }
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
        ("&empty;", "∅"),
        ("&sup2;", "²"),
        ("&sup3;", "³"),
        ("&sup1;", "¹"),
        ("&isin;", "∈"),
        ("&cup;", "∪"),
        ("&cap;", "∩"),
        ("&divide;", "÷"),
        ("&sdot;", "·"),
        ("&asymp;", "≈"),
        ("&equiv;", "≡"),
        ("&alpha;", "α"),
        ("&beta;", "β"),
        ("&gamma;", "γ"),
        ("&delta;", "δ"),
        ("&theta;", "θ"),
        ("&lambda;", "λ"),
        ("&mu;", "μ"),
        ("&sigma;", "σ"),
        ("&phi;", "φ"),
        ("&omega;", "ω"),
        ("&ndash;", "-"),
        ("&mdash;", "—"),
        ("&thinsp;", " "),
        ("&ensp;", " "),
        ("&emsp;", " "),
        ("&frasl;", "/"),
        ("&percnt;", "%"),
        ("&dollar;", "$"),
        ("&euro;", "€"),
        ("&pound;", "£"),
        ("&yen;", "¥"),
        ("&cent;", "¢"),
        ("&prime;", "'"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&lpar;", "("),
        ("&rpar;", ")"),
        ("&plusmn;", "±"),
        ("&amp;", "&"),
    ];
    let mut out = text.to_owned();
    for (entity, plain) in ENTITIES {
        if out.contains(entity) {
            out = out.replace(entity, plain);
        }
    }
    out = numbered(&out).unwrap_or(out);
    (out != text).then_some(out)
}

/// Whether a character may be written by its name or number: the signs between the columns of a matrix are none.
fn has_entity(text: &str) -> bool {
    text.split('&').skip(1).any(|behind| {
        let name = behind.bytes().take_while(u8::is_ascii_alphanumeric).count();
        behind.starts_with('#') || behind[name..].starts_with(';')
    })
}

/// `&#8730;` and `&#x2264;` as the characters with these numbers.
fn numbered(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while let Some(at) = rest.find("&#") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let (digits, radix) = match inside.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (inside, 10),
        };
        let length = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).take(7).count();
        let character = u32::from_str_radix(&digits[..length], radix).ok().and_then(char::from_u32);
        match character.filter(|c| !c.is_control()) {
            Some(c) => {
                out.push(c);
                let behind = &digits[length..];
                rest = behind.strip_prefix(';').unwrap_or(behind);
            }
            None => {
                out.push_str("&#");
                rest = inside;
            }
        }
    }
    (!out.is_empty() || rest.len() != text.len()).then(|| {
        out.push_str(rest);
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
