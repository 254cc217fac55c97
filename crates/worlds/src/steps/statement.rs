//! What planner and executor read: a rule, the given quantities, one clause a step, and a question.
//!
//! Each construct has its own templates for training and for test. In a template, `T` stands for the quantity that
//! it is about, `L` and `R` for the operands, `V` for a number and `P` for the modulus.

use super::chain::{Chain, Op};
use crate::world::Split;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The templates of one construct.
pub(super) struct Templates {
    pub(super) train: &'static [&'static str],
    pub(super) test: &'static [&'static str],
}

const RULE: Templates = Templates {
    train: &[
        "all sums are mod P .",
        "work mod P .",
        "all numbers are mod P .",
        "every number is mod P .",
        "use mod P for all sums .",
        "count mod P .",
    ],
    test: &["work with numbers mod P .", "every sum is mod P ."],
};

const GIVEN: Templates = Templates {
    train: &[
        "let T be V .",
        "set T to V .",
        "T is V .",
        "T equals V .",
        "start with T as V .",
        "put V in T .",
    ],
    test: &["start with V in T .", "take T to be V ."],
};

const ADD: Templates = Templates {
    train: &[
        "add L and R to get T .",
        "T is L plus R .",
        "set T to L plus R .",
        "let T be the sum of L and R .",
        "the sum of L and R is T .",
        "L plus R gives T .",
        "T equals L plus R .",
    ],
    test: &["let T be L plus R .", "add L and R and call it T ."],
};

const SUBTRACT: Templates = Templates {
    train: &[
        "subtract R from L to get T .",
        "T is L minus R .",
        "set T to L minus R .",
        "take R from L and call it T .",
        "let T be L less R .",
        "L minus R gives T .",
        "T equals L minus R .",
    ],
    test: &["let T be L minus R .", "take R from L to get T ."],
};

const MULTIPLY: Templates = Templates {
    train: &[
        "multiply L and R to get T .",
        "T is L times R .",
        "set T to L times R .",
        "let T be the product of L and R .",
        "the product of L and R is T .",
        "L times R gives T .",
        "T equals L times R .",
    ],
    test: &["let T be L times R .", "multiply L and R and call it T ."],
};

const QUESTION: Templates = Templates {
    train: &[
        "what is T ?",
        "find T .",
        "give T .",
        "what number is T ?",
        "what do you get for T ?",
        "say what T is .",
        "what does T equal ?",
    ],
    test: &["what number do you get for T ?", "find what T is ."],
};

/// Every construct.
pub(super) const ALL: [&Templates; 6] = [&RULE, &GIVEN, &ADD, &SUBTRACT, &MULTIPLY, &QUESTION];

impl Templates {
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> &'static str {
        let templates = match split {
            Split::Train => self.train,
            Split::Test => self.test,
        };
        templates[rng.random_range(0..templates.len())]
    }
}

fn clause(op: Op) -> &'static Templates {
    match op {
        Op::Add => &ADD,
        Op::Subtract => &SUBTRACT,
        Op::Multiply => &MULTIPLY,
    }
}

/// A procedure in words.
pub(super) fn write(chain: &Chain, split: Split, rng: &mut ChaCha8Rng) -> String {
    let mut text = Text(String::with_capacity(40 * (chain.steps.len() + 3)));
    text.add(RULE.draw(split, rng), &[("P", &chain.modulus.to_string())]);
    for index in 0..2 {
        let value = chain.values[index].to_string();
        text.add(GIVEN.draw(split, rng), &[("T", chain.name(index)), ("V", &value)]);
    }
    for (step, index) in chain.steps.iter().zip(2..) {
        let [left, right] = step.operands.map(|operand| chain.name(operand));
        text.add(clause(step.op).draw(split, rng), &[("T", chain.name(index)), ("L", left), ("R", right)]);
    }
    text.add(QUESTION.draw(split, rng), &[("T", chain.target())]);
    text.0
}

/// Every word of the templates, each once.
pub(super) fn words() -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for template in ALL.iter().flat_map(|templates| templates.train.iter().chain(templates.test)) {
        for word in template.split(' ').filter(|word| !is_place(word)) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
    }
    words
}

/// Whether a word of a template stands for something else.
pub(super) fn is_place(word: &str) -> bool {
    matches!(word, "T" | "L" | "R" | "V" | "P")
}

struct Text(String);

impl Text {
    fn add(&mut self, template: &str, places: &[(&str, &str)]) {
        for word in template.split(' ') {
            if !self.0.is_empty() {
                self.0.push(' ');
            }
            let place = places.iter().find(|(place, _)| *place == word);
            self.0.push_str(place.map_or(word, |(_, filling)| filling));
        }
    }
}
