//! What stands around an answer and says nothing: tags, HTML, Markdown.

use std::borrow::Cow;

use super::emphasis::without_emphasis;
use super::tags::{without_entities, without_tags};
use crate::syntax::scripts;

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
    if entities && let Some(named) = without_entities(&text) {
        text = Cow::Owned(scripts::plain(&named).into_owned());
    }
    if text.contains('$') {
        text = changed(text, without_country);
    }
    if emphasis {
        text = changed(text, without_emphasis);
    }
    text
}

/// `US$12` and `HK$ 12` as `$12`: whose dollars they are is not told apart.
fn without_country(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let before = &rest[..at];
        let amount = rest[at + 1..].trim_start_matches(' ').starts_with(|c: char| c.is_ascii_digit());
        let country =
            ["USD", "US", "HK", "NZ", "CA", "AU", "SG", "NT", "A", "C", "S"].iter().find(|country| {
                before.strip_suffix(**country).is_some_and(|head| {
                    head.chars()
                        .next_back()
                        .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '{' | ':' | '*'))
                })
            });
        match country.filter(|_| amount && !rest[at + 1..].contains('$')) {
            Some(country) => out.push_str(&before[..at - country.len()]),
            None => out.push_str(before),
        }
        out.push('$');
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    (out.len() != text.len()).then_some(out)
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
