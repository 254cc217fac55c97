//! What the words around a value are about: modesty, a denial behind "which", a share of known things, a fraction in words.

use super::Reader;
use crate::extraction::atoms::{Atom, Kind};
use crate::extraction::claims::is_excess;
use crate::extraction::vocabulary::Role;
use crate::syntax::number_words::numeral;

impl Reader<'_> {
    /// Whether "of" is followed by a known number of things: "of the 200 students".
    pub(super) fn partitive(&self, at: usize) -> bool {
        let determined = matches!(
            self.word_behind(at, 1),
            Some("the" | "these" | "those" | "his" | "her" | "their" | "its" | "our" | "my")
        );
        let number = self.atoms.get(at + 2).filter(|atom| atom.kind == Kind::Plain);
        let counted = self.atoms.get(at + 3).map(|atom| atom.kind);
        determined
            && number.is_some_and(|atom| {
                let number = &self.text[atom.start..atom.end];
                number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'$'))
            })
            && matches!(counted, None | Some(Kind::Word(_)))
    }

    /// "One of the 12", "none of the 12": the words before "of" count some of them.
    pub(super) fn is_some_of(&self, at: usize) -> bool {
        self.before(at).is_some_and(|word| {
            let word = word.to_lowercase();
            matches!(word.as_str(), "none" | "some" | "most" | "each" | "few" | "many" | "any" | "half")
                || numeral(&word).is_some()
        })
    }

    /// Whether a noun stands right behind the last value: "26 students".
    pub(super) fn counts_things(&self) -> bool {
        let part = self.groups.last().and_then(|group| group.parts.last());
        part.is_some_and(|part| part.formula.is_none() && part.unit_end > part.end)
    }

    /// The word so many atoms behind, as it is written.
    pub(super) fn word_behind(&self, at: usize, by: usize) -> Option<&str> {
        let atom = self.atoms.get(at + by).filter(|atom| matches!(atom.kind, Kind::Word(_)))?;
        Some(&self.text[atom.start..atom.end])
    }

    /// Whether the rest of the clause only says that its author may err: "if I am right", "unless I made a mistake".
    pub(super) fn is_modest(&self, at: usize) -> bool {
        let word = &self.text[self.atoms[at].start..self.atoms[at].end];
        let rest = &self.atoms[at + 1..];
        let other_case = |atom: &Atom| matches!(atom.kind, Kind::Word(Role::Case | Role::Or));
        if !matches!(word, "if" | "unless" | "assuming" | "provided")
            || rest.len() > 10
            || rest.iter().any(other_case)
            || self.numbers_behind(at)
        {
            return false;
        }
        let words = || rest.iter().map(|atom| &self.text[atom.start..atom.end]);
        let any = |known: &[&str]| words().any(|word| known.contains(&word));
        let own = [
            "math",
            "arithmetic",
            "calculation",
            "calculations",
            "work",
            "count",
            "counting",
            "reasoning",
            "memory",
        ];
        let mine = words().take(2).any(|word| matches!(word, "I" | "I'm" | "I've" | "I’m" | "I’ve"))
            || words().next() == Some("my") && any(&own);
        let wrong = any(&[
            "mistaken",
            "mistake",
            "mistakes",
            "error",
            "errors",
            "err",
            "wrong",
            "miscounted",
            "misread",
        ]);
        let right = any(&["right", "correct", "correctly", "properly", "accurate", "accurately"]);
        let denied = word == "unless" || any(&["not", "no", "haven't", "didn't", "don't"]);
        mine && if denied { wrong } else { right && !wrong }
    }

    /// Whether "which" behind a value goes on to deny it: "which is impossible", "which contradicts", "which cannot be".
    pub(super) fn is_denied_by(&self, at: usize) -> bool {
        let behind = |by: usize| self.word_behind(at, by);
        match behind(1) {
            Some("contradicts" | "violates" | "fails") => true,
            Some("cannot" | "can't") => {
                behind(2) == Some("be")
                    && matches!(behind(3), None | Some("right" | "correct" | "true" | "so"))
            }
            Some("is" | "was" | "would") => {
                let by = if behind(1) == Some("would") { 3 } else { 2 };
                let by = if matches!(behind(by), Some("clearly" | "obviously" | "a" | "an" | "also")) {
                    by + 1
                } else {
                    by
                };
                match behind(by) {
                    Some(
                        "impossible" | "absurd" | "wrong" | "incorrect" | "false" | "invalid" | "extraneous"
                        | "contradiction" | "nonsense" | "inadmissible",
                    ) => true,
                    Some("not") => matches!(
                        behind(by + 1),
                        Some(
                            "possible"
                                | "allowed"
                                | "valid"
                                | "right"
                                | "correct"
                                | "true"
                                | "acceptable"
                                | "permitted"
                                | "admissible"
                        )
                    ),
                    Some("too") => behind(by + 1).is_some_and(is_excess),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// Whether a word is a verb in its form with "-ing".
    pub(super) fn is_gerund(&self, at: usize) -> bool {
        self.word_behind(at, 0).is_some_and(|word| word.len() > 5 && word.ends_with("ing"))
    }

    /// Whether the comma at `at` begins a remark on the value before it: "3 more than Tom", "saving $7".
    pub(super) fn begins_remark(&self, at: usize) -> bool {
        let compared = self.atoms.get(at + 1).is_some_and(|next| next.kind == Kind::Plain)
            && matches!(self.word_behind(at, 2), Some("more" | "fewer" | "less"))
            && self.word_behind(at, 3) == Some("than");
        let saving = self.word_behind(at, 1) == Some("saving");
        self.groups.len() == 1 && self.subordinate.is_none() && (compared || saving)
    }

    /// Whether nothing but verbs stands between the value that the clause begins with and here.
    pub(super) fn only_verbs_before(&self, at: usize) -> bool {
        matches!(self.atoms.first().map(|atom| atom.kind), Some(Kind::Plain | Kind::Formula(_)))
            && self.atoms[1..at]
                .iter()
                .all(|atom| matches!(atom.kind, Kind::Word(Role::Filler | Role::Copula | Role::Hedge)))
    }

    /// Whether a fraction in words begins here: "two thirds", "a half", "media".
    pub(super) fn begins_fraction(&self, at: usize) -> bool {
        let word = |by: usize| self.word_behind(at, by).map(str::to_lowercase);
        let Some(first) = word(0) else { return false };
        if matches!(
            first.as_str(),
            "half" | "media" | "medio" | "demi" | "demie" | "meia" | "meio" | "mezzo" | "mezza"
        ) {
            return true;
        }
        let parts =
            ["half", "third", "quarter", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
        let part = |word: &str| parts.contains(&word) || parts.contains(&word.trim_end_matches('s'));
        let counts = first == "a" || numeral(&first).is_some();
        counts && word(1).is_some_and(|word| part(&word))
            || first.split_once('-').is_some_and(|(count, of)| numeral(count).is_some() && part(of))
    }

    /// Whether a number or a formula stands anywhere behind.
    pub(super) fn numbers_behind(&self, at: usize) -> bool {
        self.atoms[at + 1..].iter().any(|atom| match atom.kind {
            Kind::Formula(_) => true,
            Kind::Plain => self.text[atom.start..atom.end].contains(|c: char| c.is_ascii_digit()),
            _ => false,
        })
    }
}

/// Verbs for finding out that something was wrong.
pub(super) fn is_noticing(word: &str) -> bool {
    matches!(
        word,
        "noticed" | "realized" | "realised" | "saw" | "checked" | "found" | "corrected" | "fixed" | "spotted"
    )
}
