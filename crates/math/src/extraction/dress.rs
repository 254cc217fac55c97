//! What stands around an answer and says nothing: tags, HTML, Markdown.

use std::borrow::Cow;

use super::emphasis::without_emphasis;
use super::tags::{without_entities, without_tags};
use super::{bases, money};
use crate::syntax::scripts;

const TAGS: u8 = 1;
const ENTITIES: u8 = 2;
const DOLLARS: u8 = 4;
const EMPHASIS: u8 = 8;

/// Which kind of dress a byte may begin: one look at each byte of a text tells them all.
const DRESS: [u8; 256] = {
    let mut kinds = [0; 256];
    kinds[b'<' as usize] = TAGS;
    kinds[b'&' as usize] = ENTITIES;
    kinds[b'$' as usize] = DOLLARS;
    let emphasis = b"*_#`~>";
    let mut at = 0;
    while at < emphasis.len() {
        kinds[emphasis[at] as usize] = EMPHASIS;
        at += 1;
    }
    kinds
};

/// The text without its dress.
pub(crate) fn undressed(text: &str) -> Cow<'_, str> {
    let mut text = scripts::plain(text);
    // Which kinds of dress there may be.
    let kinds = text.bytes().fold(0, |kinds, byte| kinds | DRESS[usize::from(byte)]);
    let [tags, entities, dollars, emphasis] =
        [TAGS, ENTITIES, DOLLARS, EMPHASIS].map(|kind| kinds & kind != 0);
    if tags {
        text = changed(text, without_calculations);
        text = changed(text, without_tags);
    }
    text = changed(text, bases::as_subscripts);
    if entities && let Some(named) = without_entities(&text) {
        text = Cow::Owned(scripts::plain(&named).into_owned());
    }
    if dollars || entities {
        text = changed(text, money::without_country);
    }
    if emphasis {
        text = changed(text, without_emphasis);
    }
    text = changed(text, |text| text.contains("per cent").then(|| text.replace("per cent", "percent")));
    changed(text, money::with_codes_behind)
}

/// The sums that GSM8K writes for a calculator, `48/2 = <<48/2=24>>24`, taken off.
fn without_calculations(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("<<") {
        let inside = &rest[at + 2..];
        let end = inside.find(['<', '>', '\n']).filter(|end| inside[*end..].starts_with(">>"));
        let behind = end.map_or(inside, |end| &inside[end + 2..]);
        let kept = if end.is_some_and(|end| inside[..end].contains('=')) { at } else { at + 2 };
        out.push_str(&rest[..kept]);
        if kept > at && end.is_some() {
            out.push_str(&inside[..inside.len() - behind.len()]);
        }
        rest = behind;
    }
    (!out.is_empty() || rest.len() < text.len()).then(|| out + rest)
}

fn changed<'t>(text: Cow<'t, str>, change: impl Fn(&str) -> Option<String>) -> Cow<'t, str> {
    match change(&text) {
        Some(new) => Cow::Owned(new),
        None => text,
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
            ("5 + 3 = <<5+3=8>>8 <<", "5 + 3 = 8 <<"),
            ("It is 52 (base 8).", "It is 52_{8}."),
            ("It is 1A in base sixteen", "It is 1A_{16}"),
            ("a base 8 number", "a base 8 number"),
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
}
