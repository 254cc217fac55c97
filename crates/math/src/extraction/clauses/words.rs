//! What each word of a clause does to the values beside it.

use super::predicates::{is_excluding, is_object, is_violation};
use super::remarks::is_noticing;
use super::totals::includes;
use super::{Reader, Subordinate};
use crate::extraction::atoms::{Atom, Kind};
use crate::extraction::claims::{self, is_excess};
use crate::extraction::continuations::is_multiplied;
use crate::extraction::vocabulary::{OPERATIONS, Role};
use crate::syntax::units;
use crate::syntax::words::is_word;

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
        match role {
            // "12, but I am not certain".
            Role::Negation
                if has_value && matches!(next, Some("sure" | "certain" | "confident" | "convinced")) =>
            {
                self.hedged = true;
            }
            // "26 students did not take part": what is counted does something, or does not.
            Role::Negation
                if self.counts_things()
                    && self.subordinate.is_none()
                    && (matches!(self.before(at), Some("did" | "do"))
                        || matches!(word, "didn't" | "don't" | "couldn't" | "won't")
                        || matches!(self.before(at), Some("were" | "are" | "will" | "could"))
                            && matches!(next, Some("able" | "be" | "get" | "go")))
                    && !self.values_behind(at)
                    && !matches!(
                        next,
                        Some("work" | "fit" | "hold" | "satisfy" | "suffice" | "make" | "match")
                    ) =>
            {
                self.words_between += 1;
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
            // "57 satisfies neither equation".
            Role::Negation
                if matches!(word, "neither" | "no" | "none")
                    && has_value
                    && self.subordinate.is_none()
                    && !self.values_behind(at)
                    && self.before(at).is_some_and(is_condition_met) =>
            {
                self.denied_after();
            }
            // "not hard to see", "without loss of generality", "no doubt".
            Role::Negation if claims::affirms(word, next) => self.words_between += 1,
            // "12 — but that cannot be right".
            Role::Negation
                if has_value
                    && matches!(word, "cannot" | "can't")
                    && matches!(self.before(at), Some("that" | "this" | "it"))
                    && next == Some("be")
                    && matches!(
                        self.word_behind(at, 2),
                        None | Some("right" | "correct" | "true" | "so")
                    )
                    && !self.values_behind(at) =>
            {
                self.denied = true;
                if let Some(group) = self.groups.last_mut() {
                    group.changed = true;
                }
            }
            // "12 must be discarded".
            Role::Negation
                if has_value
                    && self.subordinate.is_none()
                    && self.before(at) == Some("be")
                    && !self.values_behind(at)
                    && self.only_verbs_before(at) =>
            {
                self.denied_after();
                self.link = false;
            }
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
                    let auxiliary = matches!(self.before(at), Some("does" | "do" | "did"))
                        || matches!(word, "never" | "isn't" | "wasn't") && self.is_subject(at)
                        || matches!(word, "doesn't" | "don't" | "didn't" | "won't" | "can't" | "cannot");
                    let named = self.groups.last().is_some_and(|group| self.is_name(group));
                    if auxiliary && !own_clause && !named && (!self.values_behind(at) || self.is_subject(at))
                    {
                        // "73 does not work", "5 does not divide 12".
                        self.denied_after();
                    } else if (behind_copula
                        || self.is_subject(at) && !is_excluding(word) && !self.values_behind(at))
                        && !own_clause
                        && !named
                        && !self.next_is_value(at, 0)
                    {
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
            // "mais de 12" is more than 12.
            Role::But if word == "mais" && matches!(next, Some("de" | "que" | "do")) => {
                self.change_next = true
            }
            Role::But => {
                self.contrasting = false;
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
            // "12, which is impossible".
            Role::Condition
                if word == "which" && has_value && self.subordinate.is_none() && self.is_denied_by(at) =>
            {
                self.denied_after();
            }
            // "the answer was 12 before I noticed the mistake".
            Role::Condition
                if matches!(word, "before" | "until" | "till")
                    && has_value
                    && matches!(next, Some("I" | "we"))
                    && self.word_behind(at, 2).is_some_and(is_noticing) =>
            {
                self.hedged = true;
            }
            // "12 at most", "at best 12".
            Role::Condition
                if word == "at" && matches!(next, Some("most" | "least" | "best" | "worst"))
                    || word == "at"
                        && next == Some("the")
                        && matches!(self.word_behind(at, 2), Some("very" | "least" | "most")) =>
            {
                match self.current() {
                    Some(group) => group.changed = true,
                    None => self.change_next = true,
                }
            }
            // "before 8:30".
            Role::Condition
                if matches!(word, "before" | "after" | "until" | "till" | "since")
                    && !has_value
                    && self.atoms.get(at + 1).is_some_and(|next| {
                        next.kind == Kind::Plain && self.text[next.start..next.end].contains(':')
                    }) =>
            {
                self.begin_subordinate();
                self.change_next = true;
            }
            Role::Condition => {
                // "from 3 to 5", "with 3 sides" say what a value is about; behind a value they begin a condition.
                if matches!(word, "from") && !has_value && self.next_is_value(at, 0) {
                    self.change_next = true;
                } else if matches!(word, "with")
                    && matches!(self.before(at), Some("up" | "left" | "ends" | "ended"))
                {
                    // "ends up with 5".
                } else if word == "out"
                    && next == Some("of")
                    && self.copula
                    && has_value
                    && !self.next_is_value(at + 1, 0)
                {
                    // "5 is out of range".
                    self.denied_after();
                } else if word == "for" && self.is_total_behind(at) {
                    // "8 and 4, for a total of 12".
                    self.subordinate = None;
                    self.link = false;
                } else if word == "which" && next == Some("leaves") {
                    // "15 are girls, which leaves 30".
                    self.subordinate = None;
                    self.link = false;
                } else if matches!(word, "out")
                    && matches!(self.before(at), Some("comes" | "turns" | "works"))
                {
                    // "comes out to 5".
                } else {
                    let doubt = ["probability", "likelihood", "confidence", "chance"];
                    if has_value && matches!(word, "with") && next.is_some_and(|next| doubt.contains(&next)) {
                        self.hedged = true;
                    }
                    self.relative = matches!(word, "who" | "which") && self.groups.is_empty();
                    self.begin_subordinate();
                }
            }
            Role::Main => {
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
    fn values_behind(&self, at: usize) -> bool {
        self.atoms[at + 1..].iter().any(|atom| matches!(atom.kind, Kind::Plain | Kind::Formula(_)))
    }

    /// Whether "to" begins what something is for: a verb that does not say what comes out.
    fn begins_purpose(&self, at: usize) -> bool {
        let Some(Atom { kind: Kind::Word(role), start, end }) = self.atoms.get(at + 1).copied() else {
            return false;
        };
        let verb = &self.text[start..end];
        let joined = matches!(
            self.before(at),
            Some(
                "equal"
                    | "equals"
                    | "comes"
                    | "come"
                    | "up"
                    | "amounts"
                    | "adds"
                    | "out"
                    | "simplifies"
                    | "reduces"
                    | "corresponds"
                    | "due"
                    | "closest"
                    | "evaluates"
                    | "leads"
                    | "converges"
                    | "tends"
                    | "rounds"
                    | "rounded"
                    | "proportional"
                    | "according"
                    | "similar"
                    | "ratio"
            )
        );
        let result = matches!(
            verb,
            "get" | "be" | "find" | "obtain" | "give" | "yield" | "arrive" | "become" | "equal" | "total" | "reveal"
                | "show" | "see" | "conclude" | "determine" | "form" | "produce" | "reach" if !self.needs()
        ) || matches!(
            verb,
            "get" | "be" | "obtain" | "give" | "yield" | "equal" | "conclude" | "see"
        );
        let is_verb = verb.len() > 1
            && verb.bytes().all(|b| b.is_ascii_lowercase())
            && (role == Role::Other && is_word(verb)
                || matches!(verb, "choose" | "make" | "earn" | "have" | "divide" | "take" | "get"));
        !joined && !result && is_verb
    }

    /// Whether the clause says what is needed or taken for something.
    fn needs(&self) -> bool {
        self.atoms.iter().any(|atom| {
            matches!(
                &self.text[atom.start..atom.end],
                "needs"
                    | "need"
                    | "needed"
                    | "takes"
                    | "took"
                    | "take"
                    | "requires"
                    | "require"
                    | "required"
                    | "more"
                    | "ways"
                    | "costs"
                    | "cost"
            )
        })
    }

    fn words_between_grow(&mut self, word: &str) {
        if !matches!(word, "the" | "a" | "an" | "also" | "both" | "either") {
            self.words_between += 1;
        }
    }

    fn begin_subordinate(&mut self) {
        if self.subordinate.is_none() {
            // "I got 64, but after checking I get 63": it leads the clause behind "but".
            let leads = self.groups.len() == self.turn.unwrap_or(0);
            self.subordinate = Some(if leads { Subordinate::Leading } else { Subordinate::Trailing });
        }
        self.link = false;
        self.change_next = false;
    }

    fn changer(&mut self, word: &str, at: usize) {
        if word == "minus" && self.current().is_none() && self.next_is_value(at, 0) {
            self.minus_next = Some(self.atoms[at].start);
            return;
        }
        // "19 below zero".
        if word == "below"
            && self.atoms.get(at + 1).is_some_and(|next| &self.text[next.start..next.end] == "zero")
            && let Some(group) = self.current()
        {
            group.changed = true;
            return;
        }
        // "54 km/h over 2 hours".
        if word == "over" && self.measured_before() {
            return self.begin_subordinate();
        }
        // "the point (3, 4)" is no decimal point.
        if matches!(word, "point" | "points") && self.current().is_none() {
            self.words_between += 1;
            return;
        }
        // "42的一半是21": what comes out is said behind it.
        if !word.is_ascii()
            && self.current().is_some()
            && ["是", "为", "為", "等于", "は"].iter().any(|copula| word.ends_with(copula))
        {
            self.copula = true;
            self.link = false;
            return;
        }
        let reach = if matches!(word, "power" | "root" | "times" | "divided" | "multiplied") { 3 } else { 0 };
        let directly = self.words_between <= reach;
        let next_value = self.next_is_value(at, 1);
        let always = matches!(
            word.to_lowercase().as_str(),
            "squared"
                | "plus"
                | "divided"
                | "multiplied"
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
        ) || ["以上", "以下", "未満", "이상", "이하", "より", "보다"]
            .iter()
            .chain(OPERATIONS)
            .any(|part| word.contains(part))
            || matches!(word, "minus" | "plus" | "times" | "over" | "less")
                && is_multiplied(&self.text[self.atoms[at].start..]);
        if directly && (next_value || always) && !self.copula {
            if let Some(group) = self.current() {
                group.changed = true;
            }
            self.change_next = next_value;
        } else if next_value
            || matches!(
                word,
                "least" | "most" | "than" | "shy" | "between" | "twice" | "double" | "triple" | "half"
            )
        {
            self.change_next = true;
        } else {
            self.words_between += 1;
        }
    }

    /// Whether the last value ends in a unit of measurement.
    fn measured_before(&self) -> bool {
        let last = self.groups.last().and_then(|group| group.parts.last());
        self.words_between == 0
            && last.is_some_and(|part| {
                let written = &self.text[part.start..part.unit_end];
                written
                    .rsplit_once(' ')
                    .is_some_and(|(_, unit)| unit.len() > 1 && units::unit(unit).is_some())
            })
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
            let near = between.trim().is_empty() && text[part.end..start].split_whitespace().count() < 4;
            let verb =
                matches!(word, "works" | "work" | "holds" | "fits" | "suffices" | "satisfies" | "remains");
            let names_unit = || {
                word.len() >= 4 && is_word(word)
                    || !word.is_ascii()
                    || units::is_unit_word(&word.to_lowercase())
                    || units::unit(word).is_some()
            };
            if near && !verb && names_unit() {
                part.unit_end = end;
                return;
            }
        }
        self.words_between += 1;
    }

    /// The atom before this one, as it is written.
    pub(super) fn before(&self, at: usize) -> Option<&str> {
        let atom = self.atoms.get(at.checked_sub(1)?)?;
        Some(&self.text[atom.start..atom.end])
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

fn role_alone(word: &str) -> bool {
    matches!(word.to_lowercase().as_str(), "unlike" | "versus" | "vs" | "statt" | "anstatt" | "вместо")
}

/// Verbs that say of a value what it meets.
fn is_condition_met(word: &str) -> bool {
    matches!(
        word,
        "satisfies" | "meets" | "fits" | "solves" | "matches" | "fulfils" | "fulfills" | "passes" | "obeys"
    )
}

/// Words that say of a value that it is beside the answer.
fn is_miss(word: &str) -> bool {
    matches!(word, "close" | "closer" | "near" | "nearer" | "off" | "shy" | "short" | "near-miss" | "wide")
}
