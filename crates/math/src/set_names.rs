//! Sets in words: "no solution", "all real numbers except 3", "there is no such x", 无解.

use crate::expression::{NamedSet, Node, SetOperation};
use crate::syntax::parse;

/// Longer texts name no set.
const LENGTH_LIMIT: usize = 200;

/// The set that words name, if they name one.
pub(crate) fn named_set(words: &str) -> Option<Node> {
    if words.len() > LENGTH_LIMIT || !may_name(words) {
        return None;
    }
    let plain = plain_words(words);
    if is_empty_set(&plain) {
        return Some(Node::NamedSet(NamedSet::Empty));
    }
    let words: Vec<&str> = plain
        .split_whitespace()
        .filter(|word| !matches!(*word, "the" | "a" | "there" | "is" | "are" | "x"))
        .collect();
    let joined = words.join(" ");
    let set = match joined.as_str() {
        "empty set" | "null set" | "none" | "空集" => NamedSet::Empty,
        "all real numbers"
        | "all reals"
        | "any real number"
        | "every real number"
        | "set of real numbers"
        | "real numbers"
        | "set of all real numbers"
        | "all real"
        | "all real values"
        | "any real"
        | "全体实数"
        | "所有实数"
        | "一切实数"
        | "任意实数" => NamedSet::Reals,
        "all integers"
        | "set of integers"
        | "set of all integers"
        | "any integer"
        | "integers"
        | "every integer"
        | "全体整数"
        | "所有整数" => NamedSet::Integers,
        "all positive integers"
        | "positive integers"
        | "natural numbers"
        | "all natural numbers"
        | "any positive integer"
        | "set of natural numbers"
        | "set of positive integers" => NamedSet::Naturals,
        "all rational numbers" | "rational numbers" | "set of rational numbers" | "all rationals" => {
            NamedSet::Rationals
        }
        "all complex numbers" | "complex numbers" | "set of complex numbers" => NamedSet::Complexes,
        _ => return all_but(&joined),
    };
    Some(Node::NamedSet(set))
}

/// Whether a word stands in a text without which none in ASCII names a set.
fn may_name(words: &str) -> bool {
    const KEYS: &[&str] = &[
        "no", "keine", "sin", "aucune", "pas", "empty", "null", "none", "all", "any", "every", "set", "real",
        "integers", "positive", "natural", "rational", "complex",
    ];
    !words.is_ascii()
        || words.contains('\\')
        || words
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
            .any(|word| KEYS.iter().any(|key| key.eq_ignore_ascii_case(word)))
}

/// Whether words say that there is no solution.
pub(crate) fn says_empty(words: &str) -> bool {
    if words.len() > LENGTH_LIMIT {
        return false;
    }
    let begins = |a: u8, b: u8| {
        ((a | 0x20 == b'n') & (b == b'o')) | ((a == b's') & (b == b'i')) | ((a == b'p') & (b == b'a'))
    };
    if words.is_ascii() && !crate::scan::holds_pair(words.as_bytes(), begins) {
        return false;
    }
    let likely = !words.is_ascii()
        || words.split(|c: char| !c.is_alphabetic()).any(|word| matches!(word, "no" | "No" | "sin" | "pas"));
    likely && is_empty_set(&plain_words(words))
}

/// Words in lower case without punctuation and commands.
fn plain_words(words: &str) -> String {
    words
        .to_lowercase()
        .replace("\\text", " ")
        .replace("\\mbox", " ")
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '-' { c } else { ' ' })
        .collect()
}

/// "All real numbers except 3".
fn all_but(joined: &str) -> Option<Node> {
    let rest = ["all real numbers", "all reals", "any real number", "all real", "every real number"]
        .iter()
        .find_map(|start| joined.strip_prefix(start))?;
    let number = ["except for", "except", "other than", "but", "excluding", "not equal to"]
        .iter()
        .find_map(|word| rest.trim_start().strip_prefix(word))?;
    let Ok(point) = parse(number.trim()) else { return None };
    if !point.is_scalar() || point.has_symbols() {
        return None;
    }
    Some(Node::Sets(SetOperation::Difference, vec![Node::NamedSet(NamedSet::Reals), Node::Set(vec![point])]))
}

/// Whether words say that nothing solves or satisfies what was asked: "the equation has no real solutions", "no such x
/// exists", "no real number satisfies the equation", 方程无解. The words are in lower case, without punctuation.
fn is_empty_set(words: &str) -> bool {
    if !words.is_ascii() {
        let squeezed: String = words.split_whitespace().collect();
        let denied =
            ["不是", "并非", "除非", "如果", "可能", "或"].iter().any(|part| squeezed.contains(part));
        let said = [
            "无解",
            "無解",
            "没有解",
            "没有实数解",
            "没有实根",
            "无实数解",
            "无实根",
            "无实数根",
            "没有整数解",
            "解なし",
            "解はない",
            "解は存在しない",
            "해가없다",
            "해가없습니다",
            "нетрешений",
            "неимеетрешений",
            "sinsolución",
            "notienesolución",
            "nohaysolución",
            "keinelösung",
            "nãotemsolução",
            "nãohásolução",
            "semsolução",
        ]
        .iter()
        .any(|part| squeezed.ends_with(part));
        if said && !denied && !squeezed.contains(|c: char| c.is_ascii_digit()) {
            return true;
        }
    }
    let words: Vec<&str> = words.split_whitespace().collect();
    let Some(at) = words.iter().position(|word| matches!(*word, "no" | "keine" | "sin" | "aucune" | "pas"))
    else {
        return false;
    };
    // Before it only what has no solution; a doubt, a case or another denial says something else.
    let before = &words[..at];
    let plain = before.len() <= 16
        && before.iter().all(|word| {
            !crate::extraction::doubts(word) && !matches!(*word, "or" | "if" | "unless" | "not" | "that" | "with")
                || matches!(*word, "that" if before.ends_with(&["that", "there", "is"]) || before.ends_with(&["that", "there", "are"]))
        });
    if !plain {
        return false;
    }
    let mut rest = words[at + 1..].iter().copied().peekable();
    while rest
        .next_if(|word| {
            matches!(
                *word,
                "such"
                    | "real"
                    | "valid"
                    | "possible"
                    | "integer"
                    | "integral"
                    | "rational"
                    | "positive"
                    | "negative"
                    | "common"
                    | "other"
                    | "more"
                    | "de"
                    | "whole"
                    | "natural"
                    | "complex"
                    | "x"
                    | "value"
                    | "values"
                    | "of"
            ) && *word != "other"
                && *word != "more"
        })
        .is_some()
    {}
    let noun = |word: &str| {
        matches!(
            word,
            "solution"
                | "solutions"
                | "root"
                | "roots"
                | "number"
                | "numbers"
                | "integer"
                | "integers"
                | "pair"
                | "pairs"
                | "triple"
                | "triples"
                | "answer"
                | "answers"
                | "lösung"
                | "solución"
                | "soluciones"
                | "polynomial"
                | "polynomials"
                | "function"
                | "functions"
                | "set"
                | "sets"
                | "values"
                | "value"
        )
    };
    // "no such x exists" ended in its letter above.
    let behind: Vec<&str> = rest.collect();
    let (named, tail) = match behind.split_first() {
        Some((first, tail)) if noun(first) => (true, tail),
        _ => (
            words[at + 1..].iter().any(|word| noun(word) || *word == "such" || *word == "x"),
            behind.as_slice(),
        ),
    };
    let ends = tail.is_empty()
        || tail.len() <= 8
            && matches!(
                tail[0],
                "exist"
                    | "exists"
                    | "satisfy"
                    | "satisfies"
                    | "work"
                    | "works"
                    | "possible"
                    | "for"
                    | "to"
                    | "that"
                    | "in"
                    | "over"
                    | "among"
                    | "x"
                    | "k"
                    | "n"
                    | "y"
                    | "can"
                    | "solve"
                    | "solves"
            )
            && tail.iter().all(|word| {
                !word.bytes().any(|b| b.is_ascii_digit())
                    && !matches!(
                        *word,
                        "if" | "unless"
                            | "when"
                            | "but"
                            | "except"
                            | "other"
                            | "or"
                            | "greater"
                            | "less"
                            | "than"
                    )
            });
    // "no real number x such that x² = -1".
    let tail = if tail.first().is_some_and(|word| word.len() == 1) { &tail[1..] } else { tail };
    let described =
        matches!(tail, ["such", "that", ..] | ["for", "which", ..] | ["that", "satisfies" | "satisfy", ..])
            && !tail.iter().any(|word| {
                matches!(
                    *word,
                    "so" | "but"
                        | "answer"
                        | "except"
                        | "other"
                        | "hence"
                        | "therefore"
                        | "unless"
                        | "if"
                        | "thus"
                )
            });
    named && (ends || described)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_in_many_ways() {
        for text in [
            "no solution",
            "There are no real solutions.",
            "The equation has no real solutions",
            "no such x exists",
            "No real number satisfies the equation",
            "The system is inconsistent, so there is no solution.",
            "there are no such values of x",
            "方程无解",
            "该方程没有实数解",
            "нет решений",
            "keine Lösung",
        ] {
            assert_eq!(named_set(text), Some(Node::NamedSet(NamedSet::Empty)), "{text}");
        }
        for text in [
            "There is a solution",
            "There are no more than 3 solutions",
            "no solution if k = 3",
            "It is not true that there is no solution",
            "no other solution",
            "There is no solution other than 5",
            "No",
            "no 3",
            "maybe there is no solution",
        ] {
            assert_ne!(named_set(text), Some(Node::NamedSet(NamedSet::Empty)), "{text}");
        }
    }
}
