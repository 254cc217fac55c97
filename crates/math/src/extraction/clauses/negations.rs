//! What a word that denies takes away: what follows it, what stands before it, or nothing.

use super::Reader;
use super::predicates::is_excluding;
use crate::extraction::claims;

impl Reader<'_> {
    /// Reads a word that denies. Whether it stands between values like any other word.
    pub(super) fn negation(&mut self, word: &str, at: usize, next: Option<&str>) -> bool {
        let has_value = !self.groups.is_empty();
        match word {
            // "12, but I am not certain".
            _ if has_value && matches!(next, Some("sure" | "certain" | "confident" | "convinced")) => {
                self.hedged = true;
            }
            // "26 students did not take part": what is counted does something, or does not.
            _ if self.counts_things()
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
            // "57 satisfies neither equation".
            _ if matches!(word, "neither" | "no" | "none")
                && has_value
                && self.subordinate.is_none()
                && !self.values_behind(at)
                && self.before(at).is_some_and(is_condition_met) =>
            {
                self.denied_after();
            }
            // "not hard to see", "without loss of generality", "no doubt".
            _ if claims::affirms(word, next) => self.words_between += 1,
            // "12 — but that cannot be right".
            _ if has_value
                && matches!(word, "cannot" | "can't")
                && matches!(self.before(at), Some("that" | "this" | "it"))
                && next == Some("be")
                && matches!(self.word_behind(at, 2), None | Some("right" | "correct" | "true" | "so"))
                && !self.values_behind(at) =>
            {
                self.denied = true;
                if let Some(group) = self.groups.last_mut() {
                    group.changed = true;
                }
            }
            // "12 must be discarded".
            _ if has_value
                && self.subordinate.is_none()
                && self.before(at) == Some("be")
                && !self.values_behind(at)
                && self.only_verbs_before(at) =>
            {
                self.denied_after();
                self.link = false;
            }
            _ => {
                let behind_copula = self.copula;
                // Japanese and Korean deny behind the value.
                if !word.is_ascii()
                    && self.current().is_some()
                    && !self.next_is_value(at, 0)
                    && !self.contrasting
                {
                    self.denied_after();
                    return false;
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
        }
        true
    }
}

/// Verbs that say of a value what it meets.
fn is_condition_met(word: &str) -> bool {
    matches!(
        word,
        "satisfies" | "meets" | "fits" | "solves" | "matches" | "fulfils" | "fulfills" | "passes" | "obeys"
    )
}
