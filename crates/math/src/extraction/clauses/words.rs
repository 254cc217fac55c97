//! What each word of a clause does to the values beside it.

use super::changers::minus_start;
use super::predicates::{is_object, is_violation};
use super::totals::includes;
use super::{Reader, Subordinate};
use crate::extraction::atoms::Kind;
use crate::extraction::bounds::is_bound;
use crate::extraction::claims::is_excess;
use crate::extraction::vocabulary::Role;

impl Reader<'_> {
    pub(super) fn word(&mut self, role: Role, at: usize) {
        let word = &self.text[self.atoms[at].start..self.atoms[at].end];
        let next = self.atoms.get(at + 1).map(|atom| &self.text[atom.start..atom.end]);
        let has_value = !self.groups.is_empty();
        if role == Role::Negation {
            self.foreign = matches!(
                word.to_ascii_lowercase().as_str(),
                "no" | "non" | "nunca" | "nem" | "ne" | "nicht" | "niet" | "tampoco" | "nie" | "pas"
            ) || !word.is_ascii();
        }
        // A subject of its own begins a clause, and no further item of a list.
        if matches!(word, "he" | "she" | "they" | "we" | "you" | "I") {
            self.link = false;
        }
        // "Instead of $80 it costs $73".
        if self.contrasting && !has_value && matches!(word, "he" | "she" | "they" | "we" | "it") {
            self.contrasting = false;
        }
        if is_bound(
            &word.to_lowercase(),
            &self.before(at).unwrap_or_default().to_lowercase(),
            next.unwrap_or_default(),
        ) {
            self.bounding = true;
        }
        match role {
            // "73 doubled", "73, squared".
            _ if has_value
                && self.words_between <= 1
                && (is_made_another(word)
                    || matches!(word, "squared" | "cubed")
                        && self
                            .atoms
                            .get(at.wrapping_sub(1))
                            .is_some_and(|atom| atom.kind == Kind::Comma))
                && next.is_none_or(|next| !next.contains(char::is_alphanumeric)) =>
            {
                if let Some(group) = self.current() {
                    group.changed = true;
                }
            }
            // "Some would answer 12".
            Role::Filler if word == "answer" && self.is_hearsay(word, at) => self.hedged = true,
            Role::Negation => {
                if !self.negation(word, at, next) {
                    return;
                }
            }
            // "16 eggs that he cannot place".
            Role::Filler | Role::Other
                if word == "that"
                    && self.words_between == 0
                    && !self.copula
                    && self.counts_things()
                    && (matches!(next, Some("he" | "she" | "they" | "we" | "it" | "I"))
                        || matches!(next, Some("are" | "were" | "is"))
                            && matches!(self.word_behind(at, 2), Some("not" | "neither"))) =>
            {
                self.begin_subordinate();
            }
            // "weder 18 noch 19".
            _ if word == "noch" && self.denied && !has_value => self.deny_next = true,
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
            // "mais de 12" is more than 12.
            Role::But if word == "mais" && matches!(next, Some("de" | "que" | "do")) => {
                self.change_next = true
            }
            Role::But => {
                self.contrasting = false;
                self.bounding = false;
                self.deny_next = false;
                self.subordinate = None;
                self.link = false;
                self.turn = Some(self.groups.len());
            }
            // "5 and two thirds", "5 horas y media".
            Role::And if self.current().is_some() && self.begins_fraction(at + 1) => {
                if let Some(group) = self.current() {
                    group.changed = true;
                }
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
            // "no doubt", "without doubt", "beyond any doubt".
            Role::Hedge
                if word == "doubt"
                    && matches!(
                        self.before(at),
                        Some("no" | "No" | "without" | "Without" | "beyond" | "any" | "a")
                    ) => {}
            Role::Hedge => {
                // "12, though it could also be 13".
                let of_answer = matches!(self.before(at), Some("it" | "that" | "this" | "answer"))
                    && matches!(next, Some("be" | "also" | "well" | "just"));
                if (self.subordinate.is_none() || of_answer && has_value) && !self.contrasting {
                    self.hedged = true;
                }
            }
            // "12, if I am not mistaken": modesty, and no case.
            Role::Case | Role::Condition if has_value && self.is_modest(at) => self.begin_subordinate(),
            Role::Case => {
                self.cases += 1;
                self.begin_subordinate();
            }
            Role::Condition => self.condition(word, at, next),
            Role::Main => {
                self.bounding = false;
                // "but we did not, so it is 56".
                if word == "so" && self.turn.is_some_and(|turn| turn == self.groups.len()) {
                    self.contrasting = false;
                }
                if self.subordinate == Some(Subordinate::Leading)
                    || matches!(word, "so" | "所以" | "因此" | "故")
                {
                    self.subordinate = None;
                    self.link = false;
                    self.change_next = false;
                    self.deny_next = false;
                }
            }
            Role::Changer => self.changer(word, at),
            // "It would be a mistake to answer 12".
            Role::Other | Role::Wrong
                if matches!(next, Some("to" | "that"))
                    && matches!(
                        word,
                        "mistake" | "error" | "wrong" | "incorrect" | "false" | "untrue" | "impossible"
                    ) =>
            {
                self.deny_next = true;
            }
            // "Wrong: 12".
            Role::Wrong if !has_value && next == Some(":") => self.deny_next = true,
            // "Неверно, что это 12".
            Role::Wrong
                if !has_value
                    && (1..=2).any(|by| {
                        matches!(self.word_behind(at, by), Some("что" | "dass" | "daß" | "que" | "che"))
                    }) =>
            {
                self.deny_next = true;
            }
            Role::Wrong => {
                if has_value && self.subordinate.is_none() {
                    self.denied_after();
                } else if matches!(word, "fails" | "fail" | "failed" | "contradicts" | "violates") {
                    // "The answer fails to be 73".
                    self.deny_next = true;
                }
            }
            Role::Minus if self.next_is_value(at, 0) => {
                self.minus_next = Some(minus_start(word, self.atoms[at].start));
            }
            // "menos de 5".
            Role::Minus => self.change_next = self.next_is_value(at, 1),
            // "My friend got 12."
            Role::Copula
                if matches!(word, "got" | "get" | "gets")
                    && self.atoms.len() == at + 2
                    && self.values_behind(at)
                    && matches!(
                        self.before(at),
                        Some("friend" | "friends" | "others" | "Others" | "people" | "someone" | "everyone")
                    ) =>
            {
                self.hedged = true;
            }
            Role::Copula => {
                // "Subtracting 27 from 100 gives 73": what is done to the values before it is the subject.
                if matches!(word, "gives" | "yields" | "makes" | "leaves" | "equals") && self.is_gerund(0) {
                    self.subordinate = None;
                }
                // "The number of students who passed is 12".
                if self.relative && !matches!(self.before(at), Some("who" | "which" | "whose")) {
                    self.relative = false;
                    if self.subordinate == Some(Subordinate::Leading) {
                        self.subordinate = None;
                    }
                }
                self.copula = true;
                self.link = false;
                self.change_next = false;
            }
            // "Of the total of 45, 30 are blue".
            Role::Filler if word == "Of" && at == 0 => self.begin_subordinate(),
            // "40% of the 200 students": what a share is taken of is not what is said.
            Role::Filler if word == "of" && (has_value || self.is_some_of(at)) && self.partitive(at) => {
                self.partitive = true;
                self.words_between += 1;
            }
            Role::Filler => {
                if has_value
                    && (word == "to" && self.begins_purpose(at) || word == "in" && self.next_is_value(at, 0))
                {
                    // "12 minutes to run 3 laps", "40 miles in 2 hours".
                    self.begin_subordinate();
                }
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
            Role::Other if next == Some("out") && matches!(word, "rule" | "ruled" | "rules" | "ruling") => {
                // "12 is ruled out", "we rule out 12".
                if has_value && self.subordinate.is_none() {
                    self.denied_after();
                } else {
                    self.deny_next = true;
                }
                self.link = false;
            }
            // "It lies near 73".
            Role::Other if word == "near" && self.next_is_value(at, 0) => self.change_next = true,
            // "12 is too small".
            _ if word == "too" && has_value && self.subordinate.is_none() && next.is_some_and(is_excess) => {
                self.denied_after();
            }
            Role::Other if word == "I" && self.subordinate == Some(Subordinate::Leading) && has_value => {
                self.subordinate = None;
                self.link = false;
            }
            // "the total bill of $20 includes $12 for food".
            Role::Other if includes(word) && self.begins_breakdown(at) => self.begin_subordinate(),
            // "Some say 19", "19, give or take", "19 and change".
            Role::Other if self.is_hearsay(word, at) || word == "give" && next == Some("or") => {
                self.hedged = true
            }
            Role::Other if word == "change" && self.before(at) == Some("and") && next.is_none() => {
                self.hedged = true
            }
            // "the first 19 terms".
            Role::Other if word == "first" && self.next_is_value(at, 0) => self.change_next = true,
            // "5 breaks the rule".
            Role::Other
                if has_value
                    && self.subordinate.is_none()
                    && is_violation(word)
                    && next.is_some_and(is_object) =>
            {
                self.denied_after();
            }
            // "41 is close to the answer", "41 is off by one".
            _ if self.copula && has_value && self.subordinate.is_none() && is_miss(word) => {
                self.denied_after();
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

    /// Whether a value stands anywhere behind.
    pub(super) fn values_behind(&self, at: usize) -> bool {
        self.atoms[at + 1..].iter().any(|atom| matches!(atom.kind, Kind::Plain | Kind::Formula(_)))
    }

    fn words_between_grow(&mut self, word: &str) {
        if !matches!(word, "the" | "a" | "an" | "also" | "both" | "either") {
            self.words_between += 1;
        }
    }

    pub(super) fn begin_subordinate(&mut self) {
        if self.subordinate.is_none() {
            // "I got 64, but after checking I get 63": it leads the clause behind "but".
            let leads = self.groups.len() == self.turn.unwrap_or(0);
            self.subordinate = Some(if leads { Subordinate::Leading } else { Subordinate::Trailing });
        }
        self.link = false;
        self.change_next = false;
    }

    /// The atom before this one, as it is written.
    pub(super) fn before(&self, at: usize) -> Option<&str> {
        let atom = self.atoms.get(at.checked_sub(1)?)?;
        Some(&self.text[atom.start..atom.end])
    }
}

fn is_everything(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "all" | "anything" | "everything" | "any" | "every" | "anywhere" | "anyone" | "everyone"
    )
}

fn role_alone(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "unlike" | "versus" | "vs" | "statt" | "anstatt" | "вместо")
}

/// Words behind a value that make another of it.
pub(super) fn is_made_another(word: &str) -> bool {
    matches!(word, "doubled" | "tripled" | "trebled" | "quadrupled" | "halved" | "inverted" | "negated")
}

/// Words that say of a value that it is beside the answer.
fn is_miss(word: &str) -> bool {
    matches!(word, "close" | "closer" | "near" | "nearer" | "off" | "shy" | "short" | "near-miss" | "wide")
}
