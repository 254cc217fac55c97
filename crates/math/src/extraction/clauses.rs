//! What a clause says the answer is: its value, without conditions, reasons and what is denied; or only words, where it
//! denies, doubts or offers a choice.

use super::atoms::{Atom, Kind, atoms, is_unspaced};
use super::formulas::{Span, percent_follows};
use super::vocabulary::Role;
use crate::syntax::units;
use crate::syntax::words::is_word;

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
    /// Values up to the next turn are what the answer is not.
    contrasting: bool,
    subordinate: Option<Subordinate>,
    /// The next value joins the last group.
    link: bool,
    change_next: bool,
    /// Where the word for a minus starts that belongs to the next value.
    minus_next: Option<usize>,
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
        contrasting: false,
        subordinate: None,
        link: false,
        change_next: false,
        minus_next: None,
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
                Kind::Comma => self.comma(),
                Kind::Aside(role) => match role {
                    Role::Or | Role::Hedge | Role::Case if self.current().is_some() => self.hedged = true,
                    Role::Wrong if self.current().is_some() => self.denied_after(),
                    _ => {}
                },
                Kind::Word(role) => self.word(role, at),
            }
            at += 1;
        }
    }

    /// The last atom of the arithmetic that begins at `at`: plain parts with nothing between them, and "3 to 4".
    fn run(&self, at: usize) -> usize {
        let mut last = at;
        let dash = |atom: &Atom| {
            matches!(&self.text[atom.start..atom.end], "-" | "–" | "—" | "→" | "⇒" | "=>" | "->")
        };
        loop {
            let next = self.atoms.get(last + 1);
            match next.map(|atom| atom.kind) {
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
        if self.contrasting {
            return;
        }
        if self.deny_next {
            self.deny_next = false;
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
        let percent = formula.is_some() && percent_follows(&self.text[end..]);
        let changed = std::mem::take(&mut self.change_next);
        let loose = self.words_between > 0;
        let link = std::mem::take(&mut self.link);
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
        }
        if self.groups.is_empty() {
            self.contrasting = false;
        }
        self.change_next = false;
        self.link = !self.groups.is_empty() && self.words_between <= 3 && !self.copula;
        self.words_between += 1;
    }

    /// Behind a value: "… is wrong", "… is not the answer".
    fn denied_after(&mut self) {
        self.denied = true;
        if let Some(group) = self.current() {
            group.changed = true;
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

    fn word(&mut self, role: Role, at: usize) {
        let word = &self.text[self.atoms[at].start..self.atoms[at].end];
        let next = self.atoms.get(at + 1).map(|atom| &self.text[atom.start..atom.end]);
        let has_value = !self.groups.is_empty();
        match role {
            Role::Negation => {
                let behind_copula = self.copula;
                // Japanese and Korean deny behind the value.
                if !word.is_ascii()
                    && self.current().is_some()
                    && !self.next_is_value(at, 0)
                    && !self.contrasting
                {
                    self.denied_after();
                    return;
                }
                if has_value && self.subordinate.is_none() && !self.contrasting {
                    let own_clause = self.turn.is_some() && self.groups.len() == self.turn.unwrap_or(0);
                    if behind_copula && !own_clause && !self.next_is_value(at, 0) {
                        self.denied_after();
                    } else if behind_copula && self.groups.last().is_some_and(|group| self.is_name(group)) {
                        self.deny_next = true;
                    } else {
                        self.contrasting = true;
                    }
                } else {
                    self.deny_next = true;
                }
                self.link = false;
            }
            Role::Contrast => {
                if ["ではなく", "じゃなく", "아니라"].iter().any(|word_part| word.contains(word_part))
                {
                    // What stands before it is denied, what follows is said.
                    self.groups.clear();
                    self.denied = true;
                    self.link = false;
                    return;
                }
                // "rather than", "instead of"; alone they say nothing.
                if word.len() < 4 && word.is_ascii()
                    || !word.is_ascii()
                    || next.is_some_and(|next| {
                        matches!(next, "than" | "of" | "to" | "que" | "a" | "von" | "de" | "di")
                    })
                    || role_alone(word)
                {
                    self.contrasting = true;
                    self.link = false;
                }
            }
            Role::But if self.before(at).is_some_and(is_everything) => {
                // "all but 3", "anything but 3".
                self.contrasting = true;
                self.denied = true;
                self.link = false;
            }
            Role::But => {
                self.contrasting = false;
                self.deny_next = false;
                self.subordinate = None;
                self.link = false;
                self.turn = Some(self.groups.len());
            }
            Role::And | Role::Or => {
                self.link = self.current().is_some() && self.words_between <= 4 && !self.copula;
                if role == Role::Or && self.current().is_some() && !self.contrasting {
                    // "3 or so", "3 or more": not a list.
                    let goes_on = self.next_is_value(at, 3)
                        || next.is_some_and(|next| next.len() > 2 && !next.is_ascii());
                    let more = next.is_some_and(|next| {
                        matches!(next, "so" | "more" | "less" | "fewer" | "maybe" | "possibly" | "perhaps")
                    });
                    if more || !goes_on && self.words_between <= 1 && self.subordinate.is_none() {
                        self.hedged = true;
                    }
                }
            }
            Role::Hedge => {
                if self.subordinate.is_none() && !self.contrasting {
                    self.hedged = true;
                }
            }
            Role::Case => {
                self.cases += 1;
                self.begin_subordinate();
            }
            Role::Condition => {
                // "from 3 to 5", "with 3 sides" say what a value is about; behind a value they begin a condition.
                if matches!(word, "from") && !has_value && self.next_is_value(at, 0) {
                    self.change_next = true;
                } else if matches!(word, "with")
                    && matches!(self.before(at), Some("up" | "left" | "ends" | "ended"))
                {
                    // "ends up with 5".
                } else if matches!(word, "out")
                    && matches!(self.before(at), Some("comes" | "turns" | "works"))
                {
                    // "comes out to 5".
                } else {
                    let doubt = ["probability", "likelihood", "confidence", "chance"];
                    if has_value && matches!(word, "with") && next.is_some_and(|next| doubt.contains(&next)) {
                        self.hedged = true;
                    }
                    self.begin_subordinate();
                }
            }
            Role::Main => {
                if self.subordinate == Some(Subordinate::Leading)
                    || matches!(word, "so" | "所以" | "因此" | "故")
                {
                    self.subordinate = None;
                    self.link = false;
                }
            }
            Role::Changer => self.changer(word, at),
            Role::Wrong => {
                if has_value && self.subordinate.is_none() {
                    self.denied_after();
                }
            }
            Role::Minus if self.next_is_value(at, 0) => {
                self.minus_next = Some(minus_start(word, self.atoms[at].start));
            }
            // "menos de 5".
            Role::Minus => self.change_next = self.next_is_value(at, 1),
            Role::Copula => {
                self.copula = true;
                self.link = false;
                self.change_next = false;
            }
            Role::Filler => {
                if word == "then" {
                    // "3, then 9" are steps and no list.
                    self.link = false;
                    if self.subordinate == Some(Subordinate::Leading) {
                        self.subordinate = None;
                    }
                }
                if word == "as" && has_value {
                    self.begin_subordinate();
                }
                return self.words_between_grow(word);
            }
            Role::Other => {
                self.unit_word(at);
                self.copula = false;
                return;
            }
        }
        if !matches!(role, Role::And | Role::Or | Role::Copula | Role::Changer) {
            self.words_between += 1;
        }
    }

    fn words_between_grow(&mut self, word: &str) {
        if !matches!(word, "the" | "a" | "an" | "also" | "both" | "either") {
            self.words_between += 1;
        }
    }

    fn begin_subordinate(&mut self) {
        if self.subordinate.is_none() {
            self.subordinate =
                Some(if self.groups.is_empty() { Subordinate::Leading } else { Subordinate::Trailing });
        }
        self.link = false;
        self.change_next = false;
    }

    fn changer(&mut self, word: &str, at: usize) {
        if word == "minus" && self.current().is_none() && self.next_is_value(at, 0) {
            self.minus_next = Some(self.atoms[at].start);
            return;
        }
        let reach = if matches!(word, "power" | "root" | "times" | "divided" | "multiplied") { 3 } else { 0 };
        let directly = self.words_between <= reach;
        let next_value = self.next_is_value(at, 1);
        let always = matches!(
            word.to_lowercase().as_str(),
            "squared"
                | "cubed"
                | "half"
                | "halves"
                | "third"
                | "thirds"
                | "quarter"
                | "quarters"
                | "tenths"
                | "hundredths"
                | "thousandths"
                | "factorial"
                | "fewer"
                | "less"
                | "半"
                | "以上"
                | "以下"
                | "score"
                | "gross"
        ) || ["以上", "以下", "未満", "이상", "이하"].iter().any(|part| word.contains(part));
        if directly && (next_value || always) && !self.copula {
            if let Some(group) = self.current() {
                group.changed = true;
            }
            self.change_next = next_value;
        } else if next_value
            || matches!(word, "least" | "most" | "than" | "between" | "twice" | "double" | "triple" | "half")
        {
            self.change_next = true;
        } else {
            self.words_between += 1;
        }
    }

    /// A noun right behind a value is its unit.
    fn unit_word(&mut self, at: usize) {
        let Atom { start, end, .. } = self.atoms[at];
        let word = &self.text[start..end];
        let text = self.text;
        let few = self.words_between == 0 && !self.copula;
        if let Some(part) = self.current().and_then(|group| group.parts.last_mut())
            && few
        {
            let between = &text[part.unit_end..start];
            // "the 73rd prime" is not 73.
            if between.trim().is_empty() && is_ordinal(&text[part.start..part.end]) {
                part.ordinal = true;
            }
            let words = text[part.end..start].split_whitespace().count();
            let known =
                units::is_unit_word(&word.to_lowercase()) || units::unit(word).is_some() || !word.is_ascii();
            if between.trim().is_empty() && words < 4 && (known || is_word(word) && word.len() >= 4) {
                part.unit_end = end;
                return;
            }
        }
        self.words_between += 1;
    }

    /// Whether a group only names something: `k`, `PQRS`, `f(x)`.
    fn is_name(&self, group: &Group) -> bool {
        group.parts.iter().all(|part| {
            let content = match part.formula {
                Some(index) => self.spans[index].text(self.text),
                None => &self.text[part.start..part.end],
            };
            is_bare_name(content)
        })
    }

    fn conclude(self, lead: Lead) -> Said {
        let groups: &[Group] = match self.turn {
            Some(turn) if self.groups.len() > turn => &self.groups[turn..],
            _ => &self.groups,
        };
        let chosen = match lead {
            Lead::Box if !self.first_is_value() && !self.has_copula() => return Said::Words,
            Lead::Phrase | Lead::Box => {
                let first_is_value = self.first_is_value();
                if first_is_value {
                    groups.iter().find(|group| !self.is_name(group)).or_else(|| groups.first())
                } else {
                    groups.iter().rev().find(|group| !self.is_name(group)).or_else(|| groups.last())
                }
            }
            Lead::Sentence => {
                groups.iter().rev().find(|group| !self.is_name(group)).or_else(|| groups.last())
            }
        };
        let Some(group) = chosen else {
            if self.denied || self.deny_next || self.hedged || self.contrasting {
                return Said::Words;
            }
            let minor = self.minor.last().filter(|_| lead == Lead::Sentence && self.cases == 0);
            return match minor {
                Some(group) if !group.changed => self.value_of(group),
                _ => Said::Words,
            };
        };
        let several_cases = self.cases > 0 && self.turn.is_none();
        let ordinal = group.parts.iter().any(|part| part.ordinal);
        // Words that are not known, between "the answer is" and a value, may make it another value.
        let led =
            lead == Lead::Phrase && !self.first_is_value() && !self.has_copula() && self.has_unknown_lead();
        if group.changed || self.hedged || several_cases || ordinal || led {
            return Said::Words;
        }
        self.value_of(group)
    }

    fn first_is_value(&self) -> bool {
        self.atoms
            .iter()
            .find(|atom| {
                !matches!(
                    atom.kind,
                    Kind::Word(Role::Filler | Role::Copula | Role::Minus | Role::Changer) | Kind::Comma
                )
            })
            .is_some_and(|atom| matches!(atom.kind, Kind::Plain | Kind::Formula(_)))
    }

    fn has_unknown_lead(&self) -> bool {
        self.atoms.iter().take_while(|atom| !matches!(atom.kind, Kind::Plain | Kind::Formula(_))).any(
            |atom| {
                matches!(atom.kind, Kind::Word(Role::Other))
                    && !self.text[atom.start..].starts_with(is_unspaced)
            },
        )
    }

    /// The atom before this one, as it is written.
    fn before(&self, at: usize) -> Option<&str> {
        let atom = self.atoms.get(at.checked_sub(1)?)?;
        Some(&self.text[atom.start..atom.end])
    }

    fn has_copula(&self) -> bool {
        self.atoms
            .iter()
            .take_while(|atom| !matches!(atom.kind, Kind::Plain | Kind::Formula(_)))
            .any(|atom| matches!(atom.kind, Kind::Word(Role::Copula)))
    }

    fn value_of(&self, group: &Group) -> Said {
        let plain = group.parts.iter().all(|part| part.formula.is_none());
        let (Some(first), Some(last)) = (group.parts.first(), group.parts.last()) else {
            return Said::Nothing;
        };
        let listed = group.parts.windows(2).all(|pair| {
            let between = self.text[pair[0].unit_end..pair[1].start].trim();
            matches!(between, "" | "," | ";" | "and" | "or" | ", and" | ", or" | "&")
        });
        let pieces = if plain && !group.loose && listed {
            vec![self.text[first.start..last.unit_end].trim().to_owned()]
        } else {
            group.parts.iter().map(|part| self.piece(part)).collect()
        };
        Said::Value { pieces, percent: group.percent, plain }
    }

    fn piece(&self, part: &Part) -> String {
        let Some(index) = part.formula else { return self.text[part.start..part.unit_end].trim().to_owned() };
        let content = self.spans[index].text(self.text);
        let words = self.text[part.end..part.unit_end].trim();
        let first = words.split_whitespace().next().unwrap_or_default().to_lowercase();
        if units::multiplier(&first).is_some() || units::unit(words).is_some() {
            format!("{content}\\text{{ {words}}}")
        } else {
            content.to_owned()
        }
    }
}

/// Where the word for a minus starts in a word that may be glued to others.
fn minus_start(word: &str, start: usize) -> usize {
    let glued = ["マイナス", "마이너스", "负", "負"].iter().find(|minus| word.ends_with(**minus));
    glued.map_or(start, |minus| start + word.len() - minus.len())
}

fn is_everything(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "all" | "anything" | "everything" | "any" | "every" | "anywhere" | "anyone" | "everyone"
    )
}

/// Whether a number is an ordinal in digits: "73rd".
fn is_ordinal(number: &str) -> bool {
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(&number[digits..], "st" | "nd" | "rd" | "th")
}

/// Whether a text ends in a word whose number is a place in the text: "step", "equation".
fn is_reference(before: &str) -> bool {
    let word = before.trim_end().rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    matches!(
        word.to_ascii_lowercase().as_str(),
        "step" | "equation" | "eq" | "lemma" | "theorem" | "figure" | "page" | "exercise" | "footnote"
    )
}

fn role_alone(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "unlike" | "versus" | "vs" | "statt" | "anstatt" | "вместо")
}

/// Whether a formula is only the name of something: letters, perhaps with a subscript, and brackets with letters.
pub(super) fn is_bare_name(content: &str) -> bool {
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
