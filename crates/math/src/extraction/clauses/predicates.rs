//! What a sentence says of the number that it begins with: "7 is the answer" claims it, "7 is a common mistake" and "7 leads
//! nowhere" only speak of it.

use super::Reader;
use crate::extraction::atoms::{Atom, Kind};
use crate::extraction::vocabulary::Role;

impl Reader<'_> {
    /// Whether the only value is the bare number or letter at the beginning, and what is said of it does not claim it. With a
    /// noun behind it, or several of them ("7 are red"), a number is a count and its predicate what is counted.
    pub(super) fn only_speaks_of_value(&self) -> bool {
        // "The 19 is a red herring", "So 19 is prime".
        let opens = |atom: &Atom| {
            matches!(atom.kind, Kind::Word(Role::Main) | Kind::Comma)
                || matches!(atom.kind, Kind::Word(Role::Filler))
                    && !self.text[atom.start..].starts_with(['o', 'O'])
        };
        let start = self.atoms.iter().take_while(|atom| opens(atom)).count();
        let behind = match self.atoms.get(start).map(|atom| atom.kind) {
            Some(Kind::Plain) => self.run(start) + 1,
            Some(Kind::Formula(_)) => start + 1,
            _ => return false,
        };
        let [group] = self.groups.as_slice() else { return false };
        if group.parts.len() != 1 {
            return false;
        }
        let Some(verb) = self.atoms.get(behind).filter(|atom| matches!(atom.kind, Kind::Word(_))) else {
            return false;
        };
        let verb = self.text[verb.start..verb.end].to_ascii_lowercase();
        let rest = &self.atoms[behind + 1..];
        match verb.as_str() {
            "is" | "was" => !self.is_claim(rest),
            // "73 would count some of them twice".
            "would" | "could" => rest.first().is_some_and(|next| is_word(next) && self.word_at(next) != "be"),
            "makes" | "gives" | "yields" | "produces" | "turns" | "gets" => {
                !rest.iter().any(|atom| affirms(&self.word_at(atom))) && rest.iter().any(is_word)
            }
            verb => is_verb(verb) && rest.iter().any(is_word) || verb == "occurs" || verb == "happens",
        }
    }

    /// Whether the clause is a noun with its "of" and says nothing: "the digits of 12", "the number of divisors of 12".
    /// So is one that only tries a value: "suppose 12", "try 12", "Hint: 12", "for example 12".
    pub(super) fn only_names_value(&self) -> bool {
        let words = self.atoms.iter().take_while(|atom| matches!(atom.kind, Kind::Word(_))).count();
        let says = |atom: &Atom| matches!(atom.kind, Kind::Word(Role::Copula | Role::Main | Role::Condition));
        let word = |at: usize| self.atoms.get(at).map_or("", |atom| &self.text[atom.start..atom.end]);
        const TRYING: [&str; 15] = [
            "suppose",
            "supposing",
            "assume",
            "assuming",
            "try",
            "trying",
            "test",
            "testing",
            "say",
            "consider",
            "imagine",
            "guess",
            "hint",
            "example",
            "like",
        ];
        let tries = TRYING.contains(&word(0).to_ascii_lowercase().as_str())
            || matches!(
                (word(0), word(1)),
                ("for" | "For", "example" | "instance") | ("such" | "Such", "as")
            )
            || matches!((word(0), word(1), word(2)), ("let" | "Let", "us", "say"));
        if tries && words <= 3 && self.atoms.len() == words + 1 {
            return true;
        }
        words >= 3
            && self.atoms.len() == words + 1
            && matches!(word(0), "the" | "The")
            && word(words - 1) == "of"
            && !self.atoms[..words].iter().any(says)
            && !matches!(
                word(words - 2).to_ascii_lowercase().as_str(),
                "total"
                    | "sum"
                    | "answer"
                    | "value"
                    | "result"
                    | "solution"
                    | "cost"
                    | "price"
                    | "amount"
                    | "score"
            )
    }

    /// Whether the first value is what the verb at `at` says something of: nothing stands before it, and little between.
    pub(super) fn is_subject(&self, at: usize) -> bool {
        self.groups.len() == 1
            && at <= 2
            && matches!(self.atoms.first().map(|atom| atom.kind), Some(Kind::Plain | Kind::Formula(_)))
    }

    /// Whether a verb gives what others say: "some say", "a student claims".
    pub(super) fn is_hearsay(&self, word: &str, at: usize) -> bool {
        const SAYING: [&str; 17] = [
            "answer", "guess", "pick", "say", "says", "said", "claim", "claims", "claimed", "think",
            "thinks", "thought", "believe", "believes", "argue", "argues", "guesses",
        ];
        const OTHERS: [&str; 19] = [
            "some",
            "people",
            "many",
            "others",
            "most",
            "they",
            "student",
            "students",
            "friend",
            "friends",
            "someone",
            "somebody",
            "everyone",
            "beginners",
            "book",
            "textbook",
            "key",
            "calculator",
            "rumour",
        ];
        let others = |before: usize| {
            let who = &self.text[self.atoms[before].start..self.atoms[before].end];
            let named =
                matches!(word, "says" | "said" | "claims" | "claimed" | "thinks" | "believes" | "guesses")
                    && self
                        .atoms
                        .get(at + 1)
                        .is_some_and(|next| matches!(next.kind, Kind::Plain | Kind::Formula(_)))
                    && (who.starts_with(char::is_uppercase) && who.len() > 2
                        || matches!(who, "he" | "she" | "He" | "She"));
            named || OTHERS.iter().any(|other| who.eq_ignore_ascii_case(other))
        };
        // "I was told 12", "I heard 12".
        let value_next =
            self.atoms.get(at + 1).is_some_and(|next| matches!(next.kind, Kind::Plain | Kind::Formula(_)));
        if matches!(word, "told" | "heard") && value_next {
            return true;
        }
        // "ChatGPT answered 73", and nothing more; "Bob answered 73 questions" counts.
        if matches!(word, "answered" | "answers" | "replied" | "replies")
            && value_next
            && self.atoms.len() == at + 2
        {
            return true;
        }
        // "Some would answer 12", "most people wrongly say 12".
        let aside = |before: &usize| {
            matches!(
                &self.text[self.atoms[*before].start..self.atoms[*before].end],
                "would"
                    | "will"
                    | "often"
                    | "usually"
                    | "wrongly"
                    | "mistakenly"
                    | "naively"
                    | "always"
                    | "also"
            )
        };
        // "Students answer 73 questions" counts.
        if matches!(word, "answer" | "guess" | "pick") && !(value_next && self.atoms.len() == at + 2) {
            return false;
        }
        SAYING.contains(&word) && (0..at).rev().find(|before| !aside(before)).is_some_and(others)
    }

    fn word_at(&self, atom: &Atom) -> String {
        match atom.kind {
            Kind::Word(_) => self.text[atom.start..atom.end].to_ascii_lowercase(),
            _ => String::new(),
        }
    }

    /// Whether what stands behind "is" says that the value is what was asked for.
    fn is_claim(&self, rest: &[Atom]) -> bool {
        const ADVERBS: [&str; 14] = [
            "indeed",
            "thus",
            "therefore",
            "so",
            "clearly",
            "also",
            "exactly",
            "precisely",
            "then",
            "certainly",
            "definitely",
            "now",
            "obviously",
            "hence",
        ];
        let mut words = rest.iter().skip_while(|atom| ADVERBS.contains(&self.word_at(atom).as_str()));
        let Some(next) = words.next().filter(|atom| is_word(atom)) else { return true };
        let word = self.word_at(next);
        let behind = words.next().map(|atom| self.word_at(atom)).unwrap_or_default();
        match word.as_str() {
            "the" | "our" | "my" | "your" | "his" | "her" | "their" | "its" => !belittles(&behind),
            "a" | "an" | "one" => affirms(&behind),
            "just" | "only" | "merely" | "simply" | "but" | "still" => behind.is_empty(),
            _ => {
                affirms(&word)
                    || matches!(
                        next.kind,
                        Kind::Word(Role::Condition | Role::Main | Role::And | Role::Copula)
                    )
            }
        }
    }
}

fn is_word(atom: &Atom) -> bool {
    matches!(atom.kind, Kind::Word(_))
}

/// Words that say of a number that it is what was asked for.
fn affirms(word: &str) -> bool {
    const AFFIRMING: &[&str] = &[
        "answer",
        "solution",
        "result",
        "value",
        "correct",
        "right",
        "valid",
        "total",
        "sum",
        "number",
        "smallest",
        "largest",
        "least",
        "greatest",
        "minimum",
        "maximum",
        "minimal",
        "maximal",
        "lowest",
        "highest",
        "biggest",
        "final",
        "what",
        "left",
        "remaining",
        "enough",
        "sufficient",
        "required",
        "desired",
        "sought",
        "needed",
        "true",
        "possible",
        "best",
        "optimal",
        "unique",
        "root",
        "given",
        "obtained",
        "found",
        "reached",
        "achieved",
        "attained",
        "equal",
        "equality",
        "equivalent",
        "satisfied",
        "hold",
        "holds",
        "work",
        "works",
        "choice",
        "option",
        "how",
        "where",
        "attainable",
        "achievable",
        "good",
        "fine",
        "it",
        "this",
        "that",
        "made",
        "counted",
        "earned",
        "paid",
        "spent",
        "sold",
        "always",
        "divisible",
    ];
    AFFIRMING.contains(&word)
}

/// Words that make "the …" something other than the answer.
fn belittles(word: &str) -> bool {
    matches!(
        word,
        "wrong"
            | "incorrect"
            | "first"
            | "naive"
            | "usual"
            | "initial"
            | "common"
            | "obvious"
            | "tempting"
            | "typical"
            | "mistake"
            | "error"
            | "trap"
            | "distractor"
            | "guess"
            | "estimate"
            | "bound"
            | "limit"
            | "upper"
            | "lower"
            | "other"
            | "opposite"
            | "negative"
            | "false"
            | "mistaken"
            | "previous"
            | "old"
            | "next"
            | "original"
    )
}

/// Verbs in the third person that nobody takes for something counted.
fn is_verb(word: &str) -> bool {
    matches!(
        word,
        "leads"
            | "lies"
            | "falls"
            | "goes"
            | "appears"
            | "seems"
            | "looks"
            | "sounds"
            | "exceeds"
            | "ignores"
            | "misses"
            | "forgets"
            | "skips"
            | "counts"
            | "breaks"
            | "lacks"
            | "depends"
            | "becomes"
            | "belongs"
            | "causes"
            | "creates"
            | "implies"
            | "assumes"
            | "supposes"
            | "neglects"
            | "omits"
            | "overlooks"
            | "contains"
            | "includes"
            | "excludes"
            | "leaves"
            | "keeps"
            | "stays"
            | "ruins"
            | "spoils"
            | "loses"
            | "double"
            | "bounds"
            | "overcounts"
            | "undercounts"
            | "conflicts"
            | "clashes"
            | "disagrees"
            | "differs"
            | "deviates"
            | "wouldn't"
            | "shouldn't"
            | "couldn't"
    )
}

/// Verbs that say of a value what it must not do.
pub(in crate::extraction) fn is_violation(word: &str) -> bool {
    matches!(
        word,
        "breaks"
            | "ignores"
            | "misses"
            | "lacks"
            | "ruins"
            | "conflicts"
            | "clashes"
            | "disagrees"
            | "defies"
            | "disobeys"
            | "contradicts"
            | "violates"
    )
}

/// Words that begin what a verb is about, and no unit.
pub(super) fn is_object(word: &str) -> bool {
    matches!(
        word,
        "the" | "a" | "an" | "this" | "that" | "our" | "its" | "both" | "every" | "all" | "one" | "with"
    )
}

/// Whether words behind a number say something of it, and name nothing that is counted: "is useless", "breaks the rule".
pub(crate) fn begins_predicate(words: &str) -> bool {
    let Some((verb, _)) = words.trim().split_once(' ') else { return false };
    matches!(
        verb,
        "is" | "was" | "are" | "were" | "has" | "have" | "makes" | "gives" | "yields" | "becomes" | "equals"
    ) || is_violation(verb)
        || is_verb(verb)
}

/// Denials that only leave something away: "19 without remainder".
pub(super) fn is_excluding(word: &str) -> bool {
    matches!(
        word,
        "without"
            | "except"
            | "excluding"
            | "excludes"
            | "excluded"
            | "nor"
            | "neither"
            | "barely"
            | "hardly"
    )
}
