//! Renaming: a group told with other words, so that its story cannot be learned by heart.
//!
//! Problems are few, and a training comes back to each many times; it then knows what their references say without reading.
//! What a trace must be checked against is the problem before it, whatever it is about. So some of the rarer words of a group,
//! names and things mostly, are exchanged for others, the same ones in its problem and in all its traces, and others every
//! time. Frequent words, which carry the meaning, and whatever is not a word, numbers above all, stay.

use super::{EncodedGroup, Labelled};
use rand::Rng;
use rand::seq::IndexedRandom;
use std::collections::{BTreeSet, HashMap, HashSet};
use tracelift_engine::Tokenizer;

/// So many words, the most frequent ones, are never exchanged.
const FREQUENT: usize = 300;

/// How a word is written: words are exchanged for others of the same look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Look {
    /// It begins with a space: it isn't the rest of a word.
    spaced: bool,
    /// It begins with a capital.
    capital: bool,
}

impl Look {
    /// Of a token that is a word, or a part of one.
    fn of(text: &str) -> Option<Look> {
        let word = text.strip_prefix(' ').unwrap_or(text);
        let capital = word.chars().next()?.is_uppercase();
        word.chars().all(char::is_alphabetic).then_some(Look { spaced: word.len() < text.len(), capital })
    }
}

/// The words that may be exchanged.
#[derive(Debug, Default, PartialEq)]
pub struct Renaming {
    looks: HashMap<u32, Look>,
    alike: HashMap<Look, Vec<u32>>,
}

impl Renaming {
    /// Those of groups: all but the most frequent ones.
    #[must_use]
    pub fn of(groups: &[EncodedGroup], tokenizer: &Tokenizer) -> Renaming {
        let mut counts: HashMap<u32, usize> = HashMap::new();
        for token in groups.iter().flat_map(|group| group.positives.first()).flat_map(|trace| &trace.tokens) {
            *counts.entry(*token).or_default() += 1;
        }
        let look = |token: u32| tokenizer.decode(&[token]).ok().and_then(|text| Look::of(&text));
        let words = counts.into_iter().filter_map(|(token, count)| Some((token, count, look(token)?)));
        let mut words: Vec<(u32, usize, Look)> = words.collect();
        words.sort_unstable_by_key(|(token, count, _)| (std::cmp::Reverse(*count), *token));
        let mut renaming = Renaming::default();
        for (token, _, look) in words.into_iter().skip(FREQUENT) {
            renaming.looks.insert(token, look);
            renaming.alike.entry(look).or_default().push(token);
        }
        renaming
    }

    /// Exchanges about this share of the words that may be, in all of a group's traces alike. No two become one.
    pub(super) fn apply(&self, traces: &mut [Labelled], share: f64, rng: &mut impl Rng) {
        let present: BTreeSet<u32> = traces.iter().flat_map(|trace| &trace.tokens).copied().collect();
        let mut taken: HashSet<u32> = present.iter().copied().collect();
        let mut others: HashMap<u32, u32> = HashMap::new();
        for token in present {
            let Some(look) = self.looks.get(&token) else { continue };
            if !rng.random_bool(share) {
                continue;
            }
            let other = self.alike.get(look).and_then(|alike| alike.choose(rng)).copied();
            if let Some(other) = other.filter(|other| taken.insert(*other)) {
                others.insert(token, other);
            }
        }
        for token in traces.iter_mut().flat_map(|trace| &mut trace.tokens) {
            *token = others.get(token).copied().unwrap_or(*token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{DIMENSIONS, Label, Rubric, Seed};
    use tracelift_reward::Shortened;

    fn trace(tokens: Vec<u32>) -> Labelled {
        let rubric = Rubric { labels: [Label::BEST; DIMENSIONS], total: 1.0 };
        Labelled { tokens, trace_from: 0, rubric, kind: None, shortened: Shortened::No }
    }

    #[test]
    fn words_are_told_from_what_is_none() {
        let look = |spaced, capital| Some(Look { spaced, capital });
        for (text, expected) in [
            (" apples", look(true, false)),
            ("ia", look(false, false)),
            (" Mar", look(true, true)),
            ("É", look(false, true)),
            ("7", None),
            (" ", None),
            ("", None),
            ("\n", None),
            (" a1", None),
            ("<eos>", None),
        ] {
            assert_eq!(Look::of(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_group_is_told_with_other_words_everywhere_alike() {
        let look = Look { spaced: false, capital: false };
        let words: Vec<u32> = (100..140).collect();
        let renaming = Renaming {
            looks: words.iter().map(|word| (*word, look)).collect(),
            alike: HashMap::from([(look, words)]),
        };
        let before = [trace(vec![7, 100, 101, 9, 100]), trace(vec![7, 101, 102, 100, 8])];
        let mut seen = HashSet::new();
        for seed in 0..20 {
            let mut after = before.clone();
            renaming.apply(&mut after, 0.7, &mut Seed(seed).rng());
            let mut others: HashMap<u32, u32> = HashMap::new();
            for (old, new) in before.iter().zip(&after).flat_map(|(a, b)| a.tokens.iter().zip(&b.tokens)) {
                assert_eq!(*others.entry(*old).or_insert(*new), *new, "one word became two");
                assert!(*old >= 100 || old == new, "{old} is no word, and became {new}");
            }
            let distinct: HashSet<u32> = others.values().copied().collect();
            assert_eq!(distinct.len(), others.len(), "two words became one: {others:?}");
            seen.insert(after.map(|trace| trace.tokens));
        }
        assert!(seen.len() > 15, "{}", seen.len());
        let mut same = before.clone();
        renaming.apply(&mut same, 0.0, &mut Seed(1).rng());
        assert_eq!(same, before);
    }

    #[test]
    fn frequent_words_stay() {
        let tokenizer = Tokenizer::byte_level().unwrap();
        // Fewer words than are always left alone.
        let tokens = tokenizer.encode("a word or 2").unwrap();
        let groups = [EncodedGroup { positives: vec![trace(tokens)], negatives: Vec::new() }];
        assert_eq!(Renaming::of(&groups, &tokenizer), Renaming::default());
    }
}
