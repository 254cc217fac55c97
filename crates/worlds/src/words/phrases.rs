//! Sentences: how a graph of quantities becomes a statement.
//!
//! `{a}` has what the sentence says; `{p}` and `{q}` are the others it refers to; `{i}` is what is counted; `{n}` is a
//! number, `{k}` a factor; `{s}` is an amount (`12 apples`, or `as many apples as cal has`); `{c}` and `{b}` are
//! containers, many and one. Test templates are other sentences made of words of the training templates.

use super::graph::{CONTAINERS, Computation, Construct, Graph, ITEMS, NAMES, Operand, Quantity};
use super::line::{Op, STOP, TOTAL};
use crate::world::Split;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// The templates of one construct.
pub(super) struct Templates {
    pub(super) train: &'static [&'static str],
    pub(super) test: &'static [&'static str],
}

impl Templates {
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> &'static str {
        let templates = match split {
            Split::Train => self.train,
            Split::Test => self.test,
        };
        templates.choose(rng).copied().unwrap_or_default()
    }
}

const GIVEN: Templates = Templates {
    train: &[
        "{a} has {n} {i} .",
        "{a} owns {n} {i} .",
        "{n} {i} belong to {a} .",
        "{a} keeps {n} {i} at home .",
        "in all , {a} has {n} {i} .",
        "{a} counts {n} {i} on the table .",
    ],
    test: &["at home {a} has {n} {i} .", "{a} owns {n} {i} in all .", "on the table {a} keeps {n} {i} ."],
};

const MORE: Templates = Templates {
    train: &[
        "{a} has {n} more {i} than {p} .",
        "{a} owns {n} more {i} than {p} does .",
        "compared with {p} , {a} has {n} more {i} .",
        "{a} has as many {i} as {p} and {n} more .",
        "{a} holds {n} {i} more than {p} holds .",
        "the number of {i} {a} holds is {n} more than that of {p} .",
    ],
    test: &[
        "compared with {p} , {a} owns {n} {i} more .",
        "the number of {i} {a} has is {n} more than {p} has .",
    ],
};

const FEWER: Templates = Templates {
    train: &[
        "{a} has {n} fewer {i} than {p} .",
        "{a} owns {n} fewer {i} than {p} does .",
        "compared with {p} , {a} has {n} fewer {i} .",
        "{a} needs {n} more {i} to have as many as {p} .",
        "{a} is {n} {i} short of what {p} has .",
        "the number of {i} {a} holds is {n} fewer than that of {p} .",
    ],
    test: &["compared with {p} , {a} is {n} {i} short .", "{a} needs {n} more {i} to have what {p} has ."],
};

const SCALE: Templates = Templates {
    train: &[
        "{a} has {k} as many {i} as {p} .",
        "{a} owns {k} as many {i} as {p} does .",
        "compared with {p} , {a} has {k} as many {i} .",
        "{a} has {k} the {i} of {p} .",
        "{a} holds {k} the number of {i} that {p} holds .",
        "the number of {i} {a} holds is {k} that of {p} .",
    ],
    test: &[
        "compared with {p} , {a} owns {k} the number of {i} .",
        "the number of {i} {a} has is {k} what {p} has .",
    ],
};

const SUM: Templates = Templates {
    train: &[
        "{a} has as many {i} as {p} and {q} together .",
        "together , {p} and {q} have as many {i} as {a} .",
        "{a} owns as many {i} as {p} and {q} do in all .",
        "the number of {i} {a} holds is that of {p} plus that of {q} .",
        "{a} holds the same number of {i} as {p} and {q} combined .",
        "add the {i} of {p} to those of {q} to get the number {a} has .",
    ],
    test: &[
        "{a} owns the same number of {i} as {p} and {q} together .",
        "the number of {i} {a} has is that of {p} and {q} combined .",
    ],
};

const GAVE: Templates = Templates {
    train: &[
        "{a} had {s} , then gave {n} away .",
        "{a} had {s} and gave away {n} of them .",
        "{a} started with {s} and lost {n} .",
        "{a} started with {s} but then gave {n} to a friend .",
        "{a} found {s} but lost {n} of them .",
        "at first {a} had {s} , but {n} got lost .",
    ],
    test: &[
        "{a} found {s} , then gave away {n} .",
        "at first {a} had {s} , but gave {n} of them to a friend .",
    ],
};

const GOT: Templates = Templates {
    train: &[
        "{a} had {s} , then got {n} more .",
        "{a} had {s} and found {n} more .",
        "{a} started with {s} and was given {n} more .",
        "{a} started with {s} but then got {n} from a friend .",
        "{a} found {s} and bought {n} more .",
        "at first {a} had {s} , then {n} more came .",
    ],
    test: &["{a} found {s} , then bought {n} more .", "at first {a} had {s} and was given {n} more ."],
};

const BOXES: Templates = Templates {
    train: &[
        "{a} has {n} {c} with {s} in each .",
        "{a} owns {n} {c} , each with {s} .",
        "each of the {n} {c} of {a} holds {s} .",
        "there are {s} in each of the {n} {c} {a} has .",
        "{a} fills {n} {c} with {s} each .",
        "{a} keeps {n} {c} at home , and every {b} holds {s} .",
    ],
    test: &[
        "{a} fills {n} {c} , and each {b} holds {s} .",
        "in every {b} there are {s} , and {a} has {n} {c} .",
    ],
};

const QUESTION: Templates = Templates {
    train: &[
        "how many {i} does {a} have ?",
        "how many {i} does {a} own ?",
        "what is the number of {i} {a} has ?",
        "find the number of {i} of {a} .",
        "work out how many {i} {a} has .",
        "tell how many {i} belong to {a} .",
    ],
    test: &["find how many {i} {a} has .", "what is the number of {i} that belong to {a} ?"],
};

const TOTAL_QUESTION: Templates = Templates {
    train: &[
        "how many {i} do {p} and {q} have together ?",
        "how many {i} do {p} and {q} own in all ?",
        "what is the number of {i} {p} and {q} have in all ?",
        "find the total number of {i} of {p} and {q} .",
        "work out how many {i} {p} and {q} have combined .",
        "tell how many {i} belong to {p} and {q} together .",
    ],
    test: &[
        "find how many {i} {p} and {q} have together .",
        "what is the total number of {i} that belong to {p} and {q} ?",
    ],
};

pub(super) const ALL: [&Templates; 10] =
    [&GIVEN, &MORE, &FEWER, &SCALE, &SUM, &GAVE, &GOT, &BOXES, &QUESTION, &TOTAL_QUESTION];

/// The words that fill `{k}` and `{s}`, beside numbers, names and items.
const FILLERS: &str = "twice three times half as many has";

/// The statement of a problem: two times in three, its sentences are in no helpful order.
pub(super) fn statement(graph: &Graph, split: Split, rng: &mut ChaCha8Rng) -> String {
    let target = graph.target();
    let mut order: Vec<usize> =
        (0..graph.quantities.len()).filter(|&index| graph.quantities[index].subject != TOTAL).collect();
    if rng.random_ratio(2, 3) {
        order.shuffle(rng);
    }
    let mut text = String::with_capacity(400);
    for index in order {
        let quantity = &graph.quantities[index];
        let templates = match quantity.computation {
            None => &GIVEN,
            Some(Computation { construct, .. }) => templates(construct),
        };
        say(templates.draw(split, rng), graph, quantity, &mut text);
    }
    let asked = &graph.quantities[target];
    let question = if asked.subject == TOTAL { &TOTAL_QUESTION } else { &QUESTION };
    say(question.draw(split, rng), graph, asked, &mut text);
    text
}

fn templates(construct: Construct) -> &'static Templates {
    match construct {
        Construct::More => &MORE,
        Construct::Fewer => &FEWER,
        Construct::Scale => &SCALE,
        Construct::Sum => &SUM,
        Construct::Gave => &GAVE,
        Construct::Got => &GOT,
        Construct::Boxes(_) => &BOXES,
    }
}

fn say(template: &str, graph: &Graph, quantity: &Quantity, text: &mut String) {
    for word in template.split(' ') {
        if !text.is_empty() {
            text.push(' ');
        }
        match word {
            "{a}" => text.push_str(quantity.subject),
            "{i}" => text.push_str(quantity.item),
            _ if word.starts_with('{') => fill(word, graph, quantity, text),
            _ => text.push_str(word),
        }
    }
}

/// Fills the slots that depend on how the quantity is computed.
fn fill(slot: &str, graph: &Graph, quantity: &Quantity, text: &mut String) {
    let Some(Computation { construct, left, op, right }) = quantity.computation else {
        text.push_str(&quantity.value.to_string());
        return;
    };
    let amount = |operand| match operand {
        Operand::Number(number) => format!("{number} {}", quantity.item),
        Operand::Of(other) => format!("as many {} as {} has", quantity.item, graph.quantities[other].subject),
    };
    let bare = |operand| match operand {
        Operand::Number(number) => number.to_string(),
        Operand::Of(other) => graph.quantities[other].subject.to_owned(),
    };
    let filler = match (construct, slot) {
        (Construct::Scale, "{p}") if op == Op::Multiply => bare(right),
        (Construct::Scale, "{k}") => match (op, left) {
            (Op::Divide, _) => "half".to_owned(),
            (_, Operand::Number(2)) => "twice".to_owned(),
            _ => "three times".to_owned(),
        },
        (Construct::Boxes(_), "{n}") | (_, "{p}") => bare(left),
        (_, "{n}" | "{q}") => bare(right),
        (Construct::Boxes(_), "{s}") => amount(right),
        (_, "{s}") => amount(left),
        (Construct::Boxes(container), "{c}") => container.many.to_owned(),
        (Construct::Boxes(container), "{b}") => container.one.to_owned(),
        // Every slot of every template has an arm above, which a test that looks for braces sees to.
        _ => slot.to_owned(),
    };
    text.push_str(&filler);
}

/// Every word of statements and traces.
pub(super) fn vocabulary() -> Vec<String> {
    let mut words: Vec<String> = Vec::with_capacity(256);
    let mut add = |word: &str| {
        if !word.starts_with('{') && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    };
    (0..=99).for_each(|number: u32| add(&number.to_string()));
    for op in Op::ALL {
        add(op.symbol());
    }
    for word in ["=", STOP, TOTAL, "has", "is"].into_iter().chain(NAMES).chain(ITEMS) {
        add(word);
    }
    for container in CONTAINERS {
        add(container.many);
        add(container.one);
    }
    for templates in ALL {
        for template in templates.train.iter().chain(templates.test) {
            template.split(' ').for_each(&mut add);
        }
    }
    FILLERS.split(' ').for_each(&mut add);
    words
}

#[cfg(test)]
mod tests {
    use super::super::growth;
    use super::*;
    use std::collections::HashSet;
    use tracelift_domain::Seed;

    #[test]
    fn test_templates_are_other_sentences_of_the_same_words() {
        let words = |templates: &[&'static str]| -> HashSet<&'static str> {
            templates.iter().flat_map(|template| template.split(' ')).collect()
        };
        let all_train: HashSet<&str> = ALL.iter().flat_map(|templates| words(templates.train)).collect();
        let sentences: HashSet<&str> = ALL.iter().flat_map(|templates| templates.train).copied().collect();
        for templates in ALL {
            assert!(templates.train.len() >= 6 && templates.test.len() >= 2);
            for test in templates.test {
                assert!(!sentences.contains(test), "{test}");
            }
            let new: Vec<_> = words(templates.test).difference(&all_train).copied().collect();
            assert!(new.is_empty(), "{new:?}");
        }
    }

    #[test]
    fn every_slot_is_filled_and_every_needed_number_is_said() {
        for index in 0..3_000 {
            let mut rng = Seed(1).child("statement", index).rng();
            let graph = growth::draw(2 + (index % 4) as u32, &mut rng);
            for split in [Split::Train, Split::Test] {
                let text = statement(&graph, split, &mut rng);
                assert!(!text.contains('{') && !text.contains("  "), "{text}");
                let words: Vec<&str> = text.split(' ').collect();
                for quantity in &graph.quantities {
                    assert!(quantity.subject == TOTAL || words.contains(&quantity.subject), "{text}");
                    let said = |number: i64| words.contains(&number.to_string().as_str());
                    match quantity.computation {
                        None => assert!(said(quantity.value), "{text}"),
                        Some(Computation { construct: Construct::Scale, .. }) => {}
                        Some(computation) => {
                            for operand in computation.operands() {
                                assert!(
                                    !matches!(operand, Operand::Number(number) if !said(number)),
                                    "{text}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_vocabulary_is_small() {
        let words = vocabulary();
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        assert!(words.len() <= 250, "{}", words.len());
    }
}
