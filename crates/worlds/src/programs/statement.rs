//! Statements: what is wanted, in words that a plan does not use and in an order that is not the order of doing.

use super::op::{Op, Verb};
use super::phrases::phrases;
use super::plan::{InputStyle, Layout, Output, What};
use crate::world::Split;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Ways to say one thing, those that models train on and those that they never see.
struct Ways {
    train: &'static [&'static str],
    test: &'static [&'static str],
}

impl Ways {
    fn of(&self, split: Split) -> &'static [&'static str] {
        match split {
            Split::Train => self.train,
            Split::Test => self.test,
        }
    }

    fn pick(&self, split: Split, rng: &mut ChaCha8Rng) -> &'static str {
        // No table is empty (the tests look at all of them).
        self.of(split).choose(rng).copied().unwrap_or_default()
    }
}

/// `{1}` to `{4}` are the operations in the order of doing, `{o}` is the output; all are verb phrases.
const ORDERS: [Ways; 4] = [
    Ways {
        train: &[
            "{o} , but first {1} .",
            "before you {o} , {1} .",
            "in the end {o} . before that , {1} .",
            "after you {1} , {o} .",
            "the last thing to do is to {o} , and the first is to {1} .",
            "{o} , but only after you {1} .",
            "do not {o} before you {1} .",
        ],
        test: &["first of all {1} . {o} in the end .", "{1} before you {o} ."],
    },
    Ways {
        train: &[
            "in the end {o} . before that , {2} , but first of all {1} .",
            "before you {o} , {2} , but only after you {1} .",
            "{o} after you {2} . {1} before you do any of this .",
            "{2} , but first {1} . in the end {o} .",
            "the last thing to do is to {o} . the second is to {2} , and the first is to {1} .",
            "do not {2} before you {1} . {o} in the end .",
            "after you {1} , but before you {o} , {2} .",
        ],
        test: &[
            "first of all {1} . {o} in the end , but only after you {2} .",
            "before you {2} , {1} . just after that , {o} .",
        ],
    },
    Ways {
        train: &[
            "in the end {o} . just before that , {3} . {2} before both of these , but only after you {1} .",
            "{2} after you {1} . then {3} , and {o} in the end .",
            "after you {2} , {3} . {1} before you do any of this . in the end {o} .",
            "the third thing to do is to {3} , but the first is to {1} and the second is to {2} . in the end {o} .",
            "before you {3} , {2} , but only after you {1} . in the end {o} .",
            "do not {2} before you {1} . after that , {3} , and {o} in the end .",
            "{o} after you {3} . before all of this , {2} , but first of all {1} .",
        ],
        test: &[
            "before you {2} , {1} . {o} in the end , just after you {3} .",
            "first of all {1} . {3} after you {2} , and then {o} .",
        ],
    },
    Ways {
        train: &[
            "in the end {o} . before that , {4} after you {3} . before all of this , {2} , but first of all {1} .",
            "{2} after you {1} . then {4} , but not before you {3} . in the end {o} .",
            "the third thing to do is to {3} and the fourth is to {4} , but the first is to {1} and the second is \
             to {2} . in the end {o} .",
            "before you {3} , {2} , but only after you {1} . then {4} , and {o} in the end .",
            "{4} after you {3} , and then {o} . {1} before you do any of this , and {2} just after that .",
            "do not {2} before you {1} . after that , {4} , but not before you {3} . in the end {o} .",
            "just before you {o} , {4} . before that , {3} . {2} before both of these , but only after you {1} .",
        ],
        test: &[
            "{o} in the end , just after you {4} . before that , {3} , but only after you {1} and then {2} .",
            "first of all {1} . then {3} , but not before you {2} . after all of this , {4} , and then {o} .",
        ],
    },
];

/// More operations than any of [`ORDERS`] has: pairs, the second of each pair first. (Levels beyond the usual ones.)
const PAIR: Ways =
    Ways { train: &["then {2} , but not before you {1} ."], test: &["then {2} , but only after you {1} ."] };
const SINGLE: Ways = Ways { train: &["after that , {1} ."], test: &["just after that , {1} ."] };
const END: Ways = Ways { train: &["in the end {o} ."], test: &["{o} in the end ."] };

const ONE_LINE: Ways = Ways {
    train: &[
        "you get numbers on one line .",
        "one line holds the numbers .",
        "the input is a line of numbers .",
    ],
    test: &["you get a line of numbers .", "the input holds numbers on one line ."],
};
const ONE_PER_LINE: Ways = Ways {
    train: &[
        "you get numbers , one on each line .",
        "each line holds one number .",
        "the input is a number on every line .",
    ],
    test: &["you get one number on every line .", "the input holds numbers , one on each line ."],
};
const WORDS: Ways = Ways {
    train: &[
        "between the numbers there are words , but they do not matter .",
        "ignore everything that is not a number .",
        "there are words too , and you ignore them .",
    ],
    test: &["ignore the words between the numbers .", "there are words too , and they do not matter ."],
};
const OR_ZERO: Ways = Ways {
    train: &[
        "( 0 if nothing is left )",
        "( or 0 when no numbers remain )",
        "( if there are no numbers left , 0 )",
    ],
    test: &["( or 0 if nothing is left )", "( when there are no numbers left , 0 )"],
};

fn output_ways(what: What) -> Ways {
    let (train, test): (&[&str], &[&str]) = match what {
        What::List => (
            &["print the list", "write out all the numbers that remain", "show what is left of the list"],
            &["write out what is left of the list", "show all the numbers that remain"],
        ),
        What::Sum => (
            &[
                "print the sum of the list",
                "write out what the numbers add up to",
                "show the total of the numbers",
            ],
            &["write out the total of the list", "show what the numbers add up to"],
        ),
        What::Count => (
            &[
                "print how many numbers there are",
                "write out the length of the list",
                "show how many numbers remain",
            ],
            &["show the length of the list", "write out how many numbers there are"],
        ),
        What::Largest => (
            &["print the largest number", "write out the biggest number of the list", "show the top number"],
            &["show the biggest number", "write out the largest number of the list"],
        ),
        What::Smallest => (
            &[
                "print the smallest number",
                "write out the lowest number of the list",
                "show the bottom number",
            ],
            &["show the lowest number", "write out the smallest number of the list"],
        ),
    };
    Ways { train, test }
}

fn op_ways(verb: Verb) -> Ways {
    let (train, test) = phrases(verb);
    Ways { train, test }
}

/// Says what is wanted.
pub(super) fn statement(
    reading: InputStyle,
    ops: &[Op],
    output: Output,
    split: Split,
    rng: &mut ChaCha8Rng,
) -> String {
    let mut parts = vec![
        match reading.layout {
            Layout::OneLine => ONE_LINE.pick(split, rng),
            Layout::OnePerLine => ONE_PER_LINE.pick(split, rng),
        }
        .to_owned(),
    ];
    if reading.skips_words {
        parts.push(WORDS.pick(split, rng).to_owned());
    }
    let wanted: Vec<String> = ops
        .iter()
        .map(|op| op_ways(op.verb()).pick(split, rng).replace("{k}", &op.k().to_string()))
        .collect();
    let mut printed = output_ways(output.what).pick(split, rng).to_owned();
    if output.or_zero {
        printed = format!("{printed} {}", OR_ZERO.pick(split, rng));
    }
    match wanted.len().checked_sub(1).and_then(|i| ORDERS.get(i)) {
        Some(order) => parts.push(arrange(order.pick(split, rng), &wanted, &printed)),
        None => {
            for pair in wanted.chunks(2) {
                let ways = if pair.len() == 2 { PAIR } else { SINGLE };
                parts.push(arrange(ways.pick(split, rng), pair, &printed));
            }
            parts.push(arrange(END.pick(split, rng), &[], &printed));
        }
    }
    parts.join(" ")
}

/// Puts operations and output in their places.
fn arrange(template: &str, wanted: &[String], printed: &str) -> String {
    let words: Vec<&str> = template
        .split(' ')
        .map(|word| match word {
            "{o}" => printed,
            "{1}" => wanted.first().map_or(word, String::as_str),
            "{2}" => wanted.get(1).map_or(word, String::as_str),
            "{3}" => wanted.get(2).map_or(word, String::as_str),
            "{4}" => wanted.get(3).map_or(word, String::as_str),
            _ => word,
        })
        .collect();
    words.join(" ")
}

/// Every template and phrase of a split.
pub(super) fn templates(split: Split) -> Vec<&'static str> {
    let whats = [What::List, What::Sum, What::Count, What::Largest, What::Smallest];
    let tables = ORDERS.iter().chain([&PAIR, &SINGLE, &END, &ONE_LINE, &ONE_PER_LINE, &WORDS, &OR_ZERO]);
    let mut all: Vec<&'static str> = tables.flat_map(|ways| ways.of(split)).copied().collect();
    for ways in whats.into_iter().map(output_ways).chain(Verb::ALL.into_iter().map(op_ways)) {
        all.extend(ways.of(split));
    }
    all
}

/// The words of a template, without the places that are filled in.
pub(super) fn words(template: &'static str) -> impl Iterator<Item = &'static str> {
    template.split(' ').filter(|word| !word.starts_with('{'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn test_templates_are_new_sentences_of_old_words() {
        let train: HashSet<&str> = templates(Split::Train).into_iter().collect();
        let known: HashSet<&str> = train.iter().flat_map(|template| words(template)).collect();
        for template in templates(Split::Test) {
            assert!(!train.contains(template), "{template:?} is in both splits");
            for word in words(template) {
                assert!(known.contains(word), "{word:?} of {template:?} is in no training template");
            }
        }
    }

    #[test]
    fn templates_are_unambiguous_lists_of_words() {
        for split in [Split::Train, Split::Test] {
            let all = templates(split);
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "a template is there twice");
            for template in all {
                assert_eq!(template.split_whitespace().collect::<Vec<_>>().join(" "), template);
                assert_eq!(template.to_lowercase(), template);
            }
        }
    }

    #[test]
    fn orders_name_every_operation_once() {
        for (i, order) in ORDERS.iter().enumerate() {
            assert!(order.train.len() >= 6 && order.test.len() >= 2);
            for template in order.train.iter().chain(order.test) {
                for place in 1..=4 {
                    let times = template.matches(&format!("{{{place}}}")).count();
                    assert_eq!(times, usize::from(place <= i + 1), "{place} in {template:?}");
                }
                assert_eq!(template.matches("{o}").count(), 1, "{template:?}");
            }
        }
    }

    #[test]
    fn a_statement_reads_well() {
        let ops = [Op::least(Verb::KeepEven), Op::least(Verb::Add), Op::least(Verb::SortUp)];
        let output = Output { what: What::Largest, or_zero: true };
        let mut rng = tracelift_domain::Seed(3).rng();
        let text = statement(InputStyle::ALL[1], &ops, output, Split::Train, &mut rng);
        insta::assert_snapshot!(text);
        assert!(!text.contains('{'));
    }
}
