//! What a clause says the answer is: its value, without conditions, reasons and what is denied; or only words, where it
//! denies, doubts or offers a choice.

mod changers;
mod conclusion;
mod conditions;
mod negations;
mod nouns;
mod predicates;
mod remarks;
mod totals;
mod words;

pub(crate) use predicates::begins_predicate;
pub(super) use totals::{is_listed_part, is_total};

use super::atoms::{Atom, Kind, atoms};
use super::formulas::{Span, percent_follows};
use super::vocabulary::Role;

/// What was said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// These pieces of text together.
    Value {
        pieces: Vec<String>,
        percent: bool,
        plain: bool,
    },
    /// No value: words, a denial, a guess.
    Words,
    Nothing,
}

/// How a clause begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Right behind "the answer is": what comes first counts.
    Phrase,
    /// In a box or on a line of its own: a value, or a sentence that says "is".
    Box,
    /// A sentence of its own: what it comes to at its end counts.
    Sentence,
}

/// One value of a group.
#[derive(Clone, Debug)]
struct Part {
    start: usize,
    end: usize,
    /// The end with the words of its unit.
    unit_end: usize,
    formula: Option<usize>,
    /// It counts a place in a row: "the 73rd prime".
    ordinal: bool,
}

/// Values that are named together: "3 and 4".
#[derive(Clone, Debug, Default)]
struct Group {
    parts: Vec<Part>,
    /// Whether a word made it another quantity: "more than 7", "7 squared".
    changed: bool,
    percent: bool,
    /// Whether words stood between its parts that a list does not have.
    loose: bool,
}

struct Reader<'t> {
    text: &'t str,
    spans: &'t [Span],
    atoms: Vec<Atom>,
    groups: Vec<Group>,
    /// Values of subordinate clauses: they count only where nothing else does.
    minor: Vec<Group>,
    denied: bool,
    hedged: bool,
    cases: usize,
    /// The next value is denied.
    deny_next: bool,
    /// Whether the last denial was in a language whose words are not known.
    foreign: bool,
    /// Values up to the next turn are what the answer is not.
    contrasting: bool,
    subordinate: Option<Subordinate>,
    /// A relative clause of the subject: its verb ends it.
    relative: bool,
    /// The next value joins the last group.
    link: bool,
    change_next: bool,
    /// What is said next is a bound or an estimate.
    bounding: bool,
    /// Where the word for a minus starts that belongs to the next value.
    minus_next: Option<usize>,
    /// The next value is what a share is taken of.
    partitive: bool,
    words_between: usize,
    copula: bool,
    /// Behind "but": how many groups there were.
    turn: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subordinate {
    /// Before the main clause: a comma ends it.
    Leading,
    /// Behind a value: it goes to the end, or to "so".
    Trailing,
}

/// What `text[start..end]` says.
pub(super) fn said(text: &str, start: usize, end: usize, spans: &[Span], lead: Lead) -> Said {
    let mut reader = Reader {
        text,
        spans,
        atoms: atoms(text, start, end, spans),
        groups: Vec::new(),
        minor: Vec::new(),
        denied: false,
        hedged: false,
        cases: 0,
        deny_next: false,
        foreign: false,
        contrasting: false,
        subordinate: None,
        relative: false,
        link: false,
        change_next: false,
        bounding: false,
        minus_next: None,
        partitive: false,
        words_between: 0,
        copula: false,
        turn: None,
    };
    if reader.atoms.is_empty() {
        return Said::Nothing;
    }
    reader.read();
    reader.conclude(lead)
}

impl Reader<'_> {
    fn read(&mut self) {
        let mut at = 0;
        while at < self.atoms.len() {
            let atom = self.atoms[at];
            match atom.kind {
                Kind::Plain => {
                    let last = self.run(at);
                    // "45 marbles altogether — 15 red and 30 blue".
                    if last == at && is_dash(&self.text[atom.start..atom.end]) && self.begins_breakdown(at) {
                        self.subordinate = Some(Subordinate::Trailing);
                    }
                    self.value(atom.start, self.atoms[last].end, None);
                    at = last + 1;
                    continue;
                }
                Kind::Formula(index) => self.value(atom.start, atom.end, Some(index)),
                Kind::Percent => {
                    if self.words_between == 0
                        && let Some(part) = self.current().and_then(|group| group.parts.last_mut())
                    {
                        part.unit_end = atom.end;
                    }
                }
                Kind::Comma if self.begins_remark(at) => self.subordinate = Some(Subordinate::Trailing),
                Kind::Comma if self.begins_breakdown(at) => self.subordinate = Some(Subordinate::Trailing),
                Kind::Comma => self.comma(),
                Kind::Aside(role) => match role {
                    Role::Or | Role::Hedge | Role::Case if self.current().is_some() => self.hedged = true,
                    Role::Wrong if self.current().is_some() => self.denied_after(),
                    _ => {}
                },
                Kind::Word(Role::Copula)
                    if self.text[atom.start..].starts_with(':')
                        && self.subordinate.is_none()
                        && (self.begins_breakdown(at)
                            || self.groups.last().is_some_and(|group| {
                                let [part] = group.parts.as_slice() else { return false };
                                adds_up(self.text, &self.atoms[at + 1..], &self.text[part.start..part.end])
                            })) =>
                {
                    self.subordinate = Some(Subordinate::Trailing);
                }
                // "We subtract 15 from the total: 45 - 15 = 30".
                Kind::Word(Role::Copula)
                    if self.subordinate == Some(Subordinate::Trailing)
                        && self.text[atom.start..].starts_with(':')
                        && self.is_equation_behind(at) =>
                {
                    self.subordinate = None;
                    self.link = false;
                    self.words_between += 1;
                }
                Kind::Word(role) => self.word(role, at),
            }
            at += 1;
        }
    }

    /// The last atom of the arithmetic that begins at `at`: plain parts with nothing between them, and "3 to 4".
    fn run(&self, at: usize) -> usize {
        let mut last = at;
        let dash = |atom: &Atom| {
            let written = &self.text[atom.start..atom.end];
            is_dash(written) || matches!(written, "→" | "⇒" | "=>" | "->")
        };
        // An em dash is never a minus.
        if &self.text[self.atoms[at].start..self.atoms[at].end] == "—" {
            return last;
        }
        loop {
            let next = self.atoms.get(last + 1);
            match next.map(|atom| atom.kind) {
                Some(Kind::Plain) if next.is_some_and(|atom| &self.text[atom.start..atom.end] == "—") => {
                    return last;
                }
                Some(Kind::Plain) if next.is_some_and(|atom| self.broken_off(last, atom.start)) => {
                    return last;
                }
                Some(Kind::Plain) => {
                    // A dash before words is punctuation, not a minus.
                    let is_dash = next.is_some_and(dash);
                    let goes_on = matches!(self.atoms.get(last + 2).map(|atom| atom.kind), Some(Kind::Plain));
                    if is_dash && !goes_on {
                        return last;
                    }
                    last += 1;
                }
                Some(Kind::Word(_))
                    if next.is_some_and(|atom| &self.text[atom.start..atom.end] == "to")
                        && matches!(self.atoms.get(last + 2).map(|atom| atom.kind), Some(Kind::Plain)) =>
                {
                    last += 2;
                }
                _ => return last,
            }
        }
    }

    /// Whether words stand behind an ellipsis: "73 %... von 100".
    fn broken_off(&self, last: usize, next: usize) -> bool {
        self.text[self.atoms[last].end..next].starts_with("..")
            && self.text[next..].starts_with(char::is_alphabetic)
    }

    fn current(&mut self) -> Option<&mut Group> {
        if self.subordinate.is_some() { self.minor.last_mut() } else { self.groups.last_mut() }
    }

    fn value(&mut self, start: usize, end: usize, formula: Option<usize>) {
        let slice = &self.text[start..end];
        if formula.is_none() {
            // Signs alone are dress: a dash, a bullet, an arrow.
            if !slice.contains(|c: char| c.is_alphanumeric() || c == '\\' || "∞∅½⅓¼√".contains(c)) {
                if self.words_between == 0 {
                    self.comma();
                }
                return;
            }
        }
        if self.contrasting || std::mem::take(&mut self.partitive) {
            return;
        }
        if self.deny_next {
            // Words of other languages look like names: "no creo que sea 12".
            let word = formula.is_none() && slice.len() >= 3 && slice.bytes().all(|b| b.is_ascii_lowercase());
            self.deny_next = self.foreign && word;
            self.denied = true;
            return;
        }
        // "in step 3", "from equation 2".
        if formula.is_none()
            && self.text[..start].trim_end().len() < start
            && is_reference(&self.text[..start])
        {
            self.words_between += 1;
            return;
        }
        let mut part = Part { start, end, unit_end: end, formula, ordinal: false };
        if let Some(minus) = self.minus_next.take() {
            // "negative 5".
            part.start = minus;
        }
        // "9:05 in the evening".
        if formula.is_none() && slice.contains(':') {
            part.unit_end = end + part_of_day(&self.text[end..]);
        }
        let percent = formula.is_some() && percent_follows(&self.text[end..]);
        let mut changed = std::mem::take(&mut self.change_next);
        // "An upper bound for n is 73": the name is passed over.
        let name = is_bare_name(formula.map_or(slice, |index| self.spans[index].text(self.text)));
        changed |= !name && std::mem::take(&mut self.bounding);
        let loose = self.words_between > 0;
        // "5 in May and 7 in June, 12 altogether": a total is no item of the list before it.
        let link = std::mem::take(&mut self.link) && !totals::follows(&self.text[end..]);
        let groups = if self.subordinate.is_some() { &mut self.minor } else { &mut self.groups };
        match groups.last_mut() {
            Some(group) if link => {
                group.parts.push(part);
                group.changed |= changed;
                group.percent = percent;
                group.loose |= loose;
            }
            // "$x$ = 5" and "12 $\text{cm}$" are one value each; two formulas side by side are two.
            _ => groups.push(Group { parts: vec![part], changed, percent, loose: false }),
        }
        self.words_between = 0;
        self.copula = false;
    }

    fn comma(&mut self) {
        if self.subordinate == Some(Subordinate::Leading) {
            self.subordinate = None;
            self.deny_next = false;
        }
        if self.groups.is_empty() {
            self.contrasting = false;
        }
        self.change_next = false;
        self.bounding = false;
        self.link = !self.groups.is_empty() && self.words_between <= 3 && !self.copula;
        self.words_between += 1;
    }

    /// Behind a value: "… is wrong", "… is not the answer".
    fn denied_after(&mut self) {
        self.denied = true;
        if let Some(group) = self.current() {
            // "n = 6 works and n = 5 does not".
            if group.loose && group.parts.len() > 1 {
                group.parts.pop();
            } else {
                group.changed = true;
            }
        }
    }

    fn next_is_value(&self, at: usize, reach: usize) -> bool {
        self.atoms[at + 1..]
            .iter()
            .take(reach + 1)
            .take_while(|atom| {
                matches!(
                    atom.kind,
                    Kind::Word(Role::Filler | Role::Or | Role::Hedge | Role::Copula)
                        | Kind::Plain
                        | Kind::Formula(_)
                )
            })
            .any(|atom| matches!(atom.kind, Kind::Plain | Kind::Formula(_)))
    }
}

fn is_dash(written: &str) -> bool {
    matches!(written, "-" | "–" | "—")
}

/// The length of the words for a part of the day at the start of a text.
fn part_of_day(text: &str) -> usize {
    let rest = text.trim_start_matches(' ');
    let words = ["in the morning", "in the afternoon", "in the evening", "at night"];
    let found = words.iter().find(|words| rest.starts_with(**words));
    found.map_or(0, |words| text.len() - rest.len() + words.len())
}

/// Whether the values behind a colon, each with its own words, add up to the one before it: "18 tiles: 14 inside and 4
/// at the border".
fn adds_up(text: &str, atoms: &[Atom], before: &str) -> bool {
    let number = |text: &str| -> Option<f64> {
        let plain = text.trim().trim_start_matches('$').replace(',', "");
        plain.starts_with(|c: char| c.is_ascii_digit()).then(|| plain.parse().ok())?
    };
    let Some(total) = number(before) else { return false };
    let mut sum = 0.0;
    let mut parts = 0;
    let mut worded = false;
    for atom in atoms {
        match atom.kind {
            Kind::Plain => match number(&text[atom.start..atom.end]) {
                Some(part) => {
                    parts += 1;
                    sum += part;
                }
                None => return false,
            },
            Kind::Formula(_) => return false,
            Kind::Word(Role::Other | Role::Condition) => worded |= parts == 1,
            _ => {}
        }
    }
    parts >= 2 && worded && (sum - total).abs() < 1e-9
}

/// Whether a text ends in a word whose number is a place in the text: "step", "equation".
fn is_reference(before: &str) -> bool {
    let word = before.trim_end().rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    matches!(
        word.to_ascii_lowercase().as_str(),
        "problem"
            | "question"
            | "chapter"
            | "section"
            | "step"
            | "equation"
            | "eq"
            | "lemma"
            | "theorem"
            | "figure"
            | "page"
            | "exercise"
            | "footnote"
            | "case"
            | "line"
            | "corollary"
            | "proposition"
            | "remark"
            | "example"
            | "appendix"
    )
}

/// Whether a formula is only the name of something: letters, perhaps with a subscript, and brackets with letters.
fn is_bare_name(content: &str) -> bool {
    let content = content
        .trim()
        .trim_start_matches("\\angle")
        .trim_start_matches('∠')
        .trim_start_matches("\\triangle")
        .trim();
    if content.is_empty() || content.len() > 24 {
        return false;
    }
    let mut depth = 0usize;
    let mut subscript = false;
    for (i, c) in content.char_indices() {
        match c {
            '(' | '{' | '[' if i > 0 => depth += 1,
            ')' | '}' | ']' => depth = depth.saturating_sub(1),
            '_' => subscript = true,
            '\\' | ' ' | ',' | '\'' => {}
            c if c.is_ascii_digit() && (subscript || depth > 0) => {}
            c if c.is_alphabetic() => {}
            _ => return false,
        }
    }
    !content.contains("frac")
        && !content.contains("sqrt")
        && !content.contains("pi")
        && !content.contains("infty")
        && !content.contains("emptyset")
        && !content.contains("text")
        && !content.contains("mathbb")
}
