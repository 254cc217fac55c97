//! Nouns and purposes behind a value: its unit, and what it is needed for.

use super::Reader;
use crate::extraction::atoms::{Atom, Kind};
use crate::extraction::vocabulary::Role;
use crate::syntax::units;
use crate::syntax::words::is_word;

impl Reader<'_> {
    /// Whether "to" begins what something is for: a verb that does not say what comes out.
    pub(super) fn begins_purpose(&self, at: usize) -> bool {
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

    /// A noun right behind a value is its unit.
    pub(super) fn unit_word(&mut self, at: usize) {
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
}

/// Whether a number is an ordinal in digits: "73rd".
fn is_ordinal(number: &str) -> bool {
    let digits = number.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(&number[digits..], "st" | "nd" | "rd" | "th")
}
