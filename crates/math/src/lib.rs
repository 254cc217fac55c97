#![doc = include_str!("../README.md")]

mod answer;
mod canonical;
mod comparison;
mod conditions;
mod expression;
mod extraction;
pub mod hendrycks;
mod options;
mod quick;
mod rule;
mod scan;
mod set_names;
mod syntax;
mod value;
mod verdict;

use std::borrow::Cow;

use answer::Readings;
use comparison::Judge;
use expression::Node;
use extraction::{Extract, Side};
use syntax::Fault;

pub use options::{MatchTypes, Options};
pub use rule::Rule;
pub use verdict::{Comparison, Reason, Rung, Verdict};

/// The letters that a choice may have.
const CHOICES: &[char] = &['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'];

/// A gold answer, read once and compared with many predictions.
#[derive(Clone, Debug)]
pub struct Gold {
    source: String,
    /// The answer's own text, inside of the gold text.
    answer: String,
    readings: Result<Readings, Fault>,
    /// The normal form of the first reading.
    form: Option<String>,
    /// Whether the answer was found outside of formulas, and whether a percent sign stood behind it.
    shape: (bool, bool),
    choice: Option<char>,
    options: Options,
}

impl Gold {
    /// Reads a gold answer. What cannot be read is kept as text: it still equals itself.
    #[must_use]
    pub fn parse(gold: &str, options: &Options) -> Gold {
        // A whole number is read as what it is, whatever else may be looked for.
        if let Some(number) = syntax::whole_number(gold.trim()) {
            return Gold {
                source: gold.to_owned(),
                answer: gold.trim().to_owned(),
                form: Some(canonical::form(&number)),
                readings: Ok(Readings::only(number)),
                shape: (true, false),
                choice: None,
                options: options.clone(),
            };
        }
        let text = extraction::undressed(gold);
        let extract = extraction::extract(&text, options, Side::Gold).ok().flatten();
        let (answer, readings) = match &extract {
            Some(extract) => (extract.text(), answer::readings(extract, Side::Gold)),
            None => (text.trim().to_owned(), Err(Fault::Empty)),
        };
        let stripped = stripped_text(&answer);
        let choice = comparison::choice(&stripped).filter(|_| answer::label(&answer).is_none());
        let form = readings.as_ref().ok().and_then(|readings| readings.nodes.first()).map(canonical::form);
        let shape = extract.as_ref().map_or((true, false), |extract| (extract.plain, extract.percent));
        Gold { source: gold.to_owned(), answer, readings, form, shape, choice, options: options.clone() }
    }

    /// The normal form of what was read.
    #[must_use]
    pub fn normal_form(&self) -> Option<String> {
        self.form.clone()
    }

    /// Whether `pred` is this answer.
    #[must_use]
    pub fn compare(&self, pred: &str) -> Comparison {
        if let Some(equal) = quick::numbers(&self.source, pred, self.options.precision) {
            return Comparison {
                verdict: if equal { Verdict::Equal } else { Verdict::Different },
                gold: Some(self.source.trim().to_owned()),
                pred: Some(pred.trim().to_owned()),
                extracted: Some((Rung::Whole, pred.trim().to_owned())),
                rule: Rule::PlainNumbers,
            };
        }
        self.compare_texts(pred)
    }

    fn compare_texts(&self, pred: &str) -> Comparison {
        let text = extraction::undressed(extraction::relevant(pred, &self.options));
        if self.options.match_types.string
            && let Some(letter) = self.choice
        {
            return self.with_choice(extraction::any_choice(&text, CHOICES), letter);
        }
        let extract = match extraction::extract(&text, &self.options, Side::Prediction) {
            Ok(extract) => extract,
            Err(extraction::BrokenBox) => return self.without_answer(Rule::BrokenBox),
        };
        if let Some(letter) = self.choice {
            // "B) 12" and "D. 12" are letters with what they stand for; in prose, the letter behind "answer" counts.
            let direct = extract.as_ref().and_then(|extract| {
                let answer = extract.text();
                comparison::choice(&stripped_text(&answer))
                    .or_else(|| answer::label(&answer).map(|(letter, _)| letter))
                    .map(|letter| vec![letter])
            });
            let in_prose = extract.as_ref().is_none_or(|extract| extract.plain);
            let found =
                direct.or_else(|| in_prose.then(|| extraction::anchored_choice(&text, CHOICES)).flatten());
            if found.is_some() {
                return self.with_choice(found, letter);
            }
        }
        match extract {
            Some(extract) => self.compare_extract(&extract),
            None => self.without_answer(Rule::NothingFound),
        }
    }

    fn without_answer(&self, rule: Rule) -> Comparison {
        let unreadable = self.answer.is_empty();
        Comparison {
            verdict: if unreadable { Verdict::GoldUnparsable } else { Verdict::NoAnswer },
            gold: self.normal_form(),
            pred: None,
            extracted: None,
            rule: if unreadable { Rule::EmptyGold } else { rule },
        }
    }

    fn with_choice(&self, found: Option<Vec<char>>, letter: char) -> Comparison {
        let Some(found) = found else { return self.without_answer(Rule::NoChoiceFound) };
        let listed = found.iter().map(char::to_string).collect::<Vec<_>>().join(", ");
        Comparison {
            verdict: if found == [letter] { Verdict::Equal } else { Verdict::Different },
            gold: Some(letter.to_string()),
            pred: Some(listed.clone()),
            extracted: Some((Rung::Choice, listed)),
            rule: Rule::Choice,
        }
    }

    fn compare_extract(&self, extract: &Extract) -> Comparison {
        let text = extract.text();
        // Written as gold is: read as gold was.
        if text == self.answer
            && !text.is_empty()
            && self.form.is_some()
            && self.shape == (extract.plain, extract.percent)
        {
            return Comparison {
                verdict: Verdict::Equal,
                gold: self.normal_form(),
                pred: self.normal_form(),
                extracted: Some((extract.rung, text)),
                rule: Rule::SameText,
            };
        }
        let readings = answer::readings(extract, Side::Prediction);
        let pred = readings.as_ref().ok().and_then(|readings| readings.nodes.first()).map(canonical::form);
        let (verdict, rule) = self.judged(extract, &readings);
        Comparison { verdict, gold: self.normal_form(), pred, extracted: Some((extract.rung, text)), rule }
    }

    fn judged(&self, extract: &Extract, pred: &Result<Readings, Fault>) -> (Verdict, Rule) {
        if self.answer.is_empty() {
            return (Verdict::GoldUnparsable, Rule::EmptyGold);
        }
        if same_squeezed(&extract.text(), &self.answer) {
            return (Verdict::Equal, Rule::SameText);
        }
        let golds = match &self.readings {
            Ok(readings) => readings,
            Err(Fault::TooDeep | Fault::TooLong) => {
                return (Verdict::Undecided(Reason::TooLong), Rule::GoldTooLong);
            }
            Err(_) => return (Verdict::GoldUnparsable, Rule::GoldCannotBeRead),
        };
        // Gold in words may be said by the whole clause, whatever number was found in it.
        if let [Node::Text(words) | Node::Symbol(words)] = golds.nodes.as_slice()
            && words.chars().count() > 1
            && !extract.clause.is_empty()
            && comparison::says(&extract.clause, words)
        {
            return (Verdict::Equal, Rule::Text);
        }
        let preds = match pred {
            Ok(readings) => readings,
            Err(Fault::TooDeep | Fault::TooLong) => {
                return (Verdict::Undecided(Reason::TooLong), Rule::PredictionTooLong);
            }
            Err(Fault::Empty) => return (Verdict::NoAnswer, Rule::NothingFound),
            // What cannot be read is not the gold answer, which can.
            Err(Fault::Malformed(_)) => return (Verdict::Different, Rule::MalformedPrediction),
        };
        if let (Some(a), Some(b)) = (&golds.bound, &preds.bound)
            && !same_squeezed(a, b)
            && !self.same_bound(a, b)
        {
            return (Verdict::Different, Rule::Condition);
        }
        // Letters may be a unit only where the other side has a unit.
        let gold_letters = golds.letters.as_ref().filter(|_| preds.has_unit());
        let pred_letters = preds.letters.as_ref().filter(|_| golds.has_unit());
        let bare = preds.bare.as_ref().filter(|_| !golds.has_unit());
        let mut outcome = (Verdict::Different, Rule::Different);
        for gold in golds.nodes.iter().chain(gold_letters) {
            for pred in preds.nodes.iter().chain(pred_letters).chain(bare) {
                match Judge::new(&self.options).compare(gold, pred) {
                    Ok(finding) if finding.equal => return (Verdict::Equal, finding.rule),
                    Ok(finding) => {
                        if matches!(outcome.0, Verdict::Different) {
                            outcome.1 = finding.rule;
                        }
                    }
                    Err(reason) => outcome = (Verdict::Undecided(reason), Rule::Undecided),
                }
            }
        }
        if extract.words && outcome.0 == Verdict::Different {
            outcome.1 = Rule::DeniedOrHedged;
        }
        outcome
    }

    fn same_bound(&self, a: &str, b: &str) -> bool {
        match (syntax::parse(a), syntax::parse(b)) {
            (Ok(a), Ok(b)) => Judge::new(&self.options).compare(&a, &b).is_ok_and(|finding| finding.equal),
            _ => false,
        }
    }
}

/// Whether `pred` is the answer `gold`.
#[must_use]
pub fn compare(gold: &str, pred: &str, options: &Options) -> Comparison {
    if let Some(equal) = quick::numbers(gold, pred, options.precision) {
        return Comparison {
            verdict: if equal { Verdict::Equal } else { Verdict::Different },
            gold: Some(gold.trim().to_owned()),
            pred: Some(pred.trim().to_owned()),
            extracted: Some((Rung::Whole, pred.trim().to_owned())),
            rule: Rule::PlainNumbers,
        };
    }
    Gold::parse(gold, options).compare_texts(pred)
}

/// A gold answer that is not equal to itself, and what the comparison said.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldFault {
    /// Its position in the list.
    pub index: usize,
    /// Its text.
    pub gold: String,
    /// What comparing it with itself gave.
    pub verdict: Verdict,
}

/// The gold answers that cannot be trusted: those that cannot be read, or are not equal to themselves.
pub fn gold_faults<'a>(golds: impl IntoIterator<Item = &'a str>, options: &Options) -> Vec<GoldFault> {
    golds
        .into_iter()
        .enumerate()
        .filter_map(|(index, text)| {
            let gold = Gold::parse(text, options);
            let comparison = gold.compare(text);
            let faulty = comparison.verdict != Verdict::Equal || gold.readings.is_err();
            faulty.then(|| GoldFault {
                index,
                gold: text.to_owned(),
                verdict: if gold.readings.is_err() { Verdict::GoldUnparsable } else { comparison.verdict },
            })
        })
        .collect()
}

/// Whether two texts are the same without sizing commands and the white space that says nothing. Between digits, letters
/// and after a comma a space says something: `32, 349` are two numbers.
fn same_squeezed(a: &str, b: &str) -> bool {
    squeezed(&unsized_text(a)).eq(squeezed(&unsized_text(b)))
}

fn unsized_text(text: &str) -> Cow<'_, str> {
    let sizes = |a: u8, b: u8| (a == b'\\') & ((b == b'l') | (b == b'r'));
    if scan::holds_pair(text.as_bytes(), sizes) {
        Cow::Owned(text.replace("\\left", "").replace("\\right", ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn squeezed(text: &str) -> impl Iterator<Item = char> {
    let mut rest = text.chars().filter(|c| *c != '$');
    let mut before = None;
    // What follows a space that stays.
    let mut held = None;
    std::iter::from_fn(move || {
        if let Some(c) = held.take() {
            return Some(c);
        }
        let mut spaced = false;
        let c = loop {
            match rest.next()? {
                c if c.is_whitespace() => spaced = true,
                c => break c,
            }
        };
        let parts = spaced
            && c.is_alphanumeric()
            && before.is_some_and(|before: char| before.is_alphanumeric() || before == ',');
        before = Some(c);
        if parts {
            held = Some(c);
            return Some(' ');
        }
        Some(c)
    })
}

/// What a text command around the whole answer holds.
fn stripped_text(answer: &str) -> String {
    let trimmed = answer.trim().trim_matches('$').trim();
    for command in ["\\text{", "\\mbox{", "\\textbf{", "\\mathrm{", "\\mathbf{"] {
        if let Some(inside) = trimmed.strip_prefix(command).and_then(|rest| rest.strip_suffix('}')) {
            return inside.trim().to_owned();
        }
    }
    trimmed.to_owned()
}

#[doc(hidden)]
pub mod fuzzing {
    //! What the fuzz targets call beside the public functions.

    /// Parses a text and spells what came out; whether it was read.
    pub fn parse(text: &str) -> bool {
        crate::syntax::parse(&crate::syntax::scripts::plain(text))
            .map(|node| crate::canonical::form(&node))
            .is_ok()
    }
}
