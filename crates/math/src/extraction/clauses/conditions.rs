//! What a word that begins a condition does: "when", "for", "from", "at most".

use super::Reader;
use super::remarks::is_noticing;
use crate::extraction::atoms::Kind;

impl Reader<'_> {
    /// Reads a word that says when or why.
    pub(super) fn condition(&mut self, word: &str, at: usize, next: Option<&str>) {
        let has_value = !self.groups.is_empty();
        match word {
            // "12, which is impossible".
            _ if word == "which" && has_value && self.subordinate.is_none() && self.is_denied_by(at) => {
                self.denied_after();
            }
            // "the answer was 12 before I noticed the mistake".
            _ if matches!(word, "before" | "until" | "till")
                && has_value
                && matches!(next, Some("I" | "we"))
                && self.word_behind(at, 2).is_some_and(is_noticing) =>
            {
                self.hedged = true;
            }
            // "12 at most", "at best 12".
            _ if word == "at" && matches!(next, Some("most" | "least" | "best" | "worst"))
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
            _ if matches!(word, "before" | "after" | "until" | "till" | "since")
                && !has_value
                && self.atoms.get(at + 1).is_some_and(|next| {
                    next.kind == Kind::Plain && self.text[next.start..next.end].contains(':')
                }) =>
            {
                self.begin_subordinate();
                self.change_next = true;
            }
            _ => {
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
        }
    }
}
