//! What a word does that makes the number beside it another quantity: "plus", "twice", "more than".

use super::Reader;
use super::words::is_made_another;
use crate::extraction::continuations::is_multiplied;
use crate::extraction::vocabulary::OPERATIONS;
use crate::syntax::units;

impl Reader<'_> {
    /// Reads a word that changes a quantity.
    pub(super) fn changer(&mut self, word: &str, at: usize) {
        if word == "minus" && self.current().is_none() && self.next_is_value(at, 0) {
            self.minus_next = Some(self.atoms[at].start);
            return;
        }
        if is_made_another(word) {
            self.words_between += 1;
            return;
        }
        // "73 cm squared".
        if matches!(word, "squared" | "cubed") && self.measured_before() {
            let end = self.atoms[at].end;
            if let Some(part) = self.current().and_then(|group| group.parts.last_mut()) {
                part.unit_end = end;
            }
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
}

/// Where the word for a minus starts in a word that may be glued to others.
pub(super) fn minus_start(word: &str, start: usize) -> usize {
    let glued = ["マイナス", "마이너스", "负", "負"].iter().find(|minus| word.ends_with(**minus));
    glued.map_or(start, |minus| start + word.len() - minus.len())
}
