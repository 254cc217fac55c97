//! Totals and their parts: "the total is $45: $30 for the shirt" says 45.

use super::Reader;
use crate::extraction::atoms::{Atom, Kind};
use crate::extraction::vocabulary::Role;

/// Whether a word says that a value is the sum of others.
pub(in crate::extraction) fn is_total(word: &str, before: &str) -> bool {
    const TOTALS: [&str; 11] = [
        "total",
        "altogether",
        "sum",
        "combined",
        "overall",
        "together",
        "whole",
        "grand",
        "bill",
        "entire",
        "totals",
    ];
    TOTALS.iter().any(|total| word.eq_ignore_ascii_case(total))
        || word == "all" && before.eq_ignore_ascii_case("in")
}

/// Whether the words right behind a value call it a total.
pub(super) fn follows(behind: &str) -> bool {
    const CALLS: [&str; 6] = ["altogether", "together", "in all", "in total", "total", "overall"];
    let rest = behind.trim_start_matches(' ');
    rest.len() < behind.len()
        && CALLS.iter().any(|call| {
            rest.strip_prefix(call)
                .is_some_and(|next| !next.starts_with(|c: char| c.is_alphanumeric() || c == ' '))
        })
}

/// Whether words say that what follows is part of what stands before.
pub(super) fn includes(word: &str) -> bool {
    matches!(
        word,
        "includes" | "include" | "including" | "included" | "comprises" | "comprising" | "contains"
    )
}

impl Reader<'_> {
    /// Whether what follows the mark at `at` only says what the value before it is made of: that value is the one
    /// statement so far, it is called a total, and behind the mark stand values with words of their own that state
    /// nothing: "$30 of which is for the shirt", "15 red and 30 blue", "including $30 on a shirt".
    pub(super) fn begins_breakdown(&self, at: usize) -> bool {
        // Names beside it say whose it is.
        let mut values = self.groups.iter().filter(|group| !self.is_name(group));
        let (Some(group), None) = (values.next(), values.next()) else { return false };
        if group.parts.len() != 1
            || self.subordinate.is_some()
            || self.turn.is_some()
            || !self.states_total(at)
        {
            return false;
        }
        let colon = self.written(at).starts_with(':');
        let (mut values, mut worded) = (0, 0);
        let mut before = "";
        for atom in &self.atoms[at + 1..] {
            let word = &self.text[atom.start..atom.end];
            match atom.kind {
                // Arithmetic is how the total came about, or goes on to another value.
                Kind::Plain if word.contains('=') => return false,
                Kind::Formula(index) if self.spans[index].text(self.text).contains('=') => return false,
                // A bullet, a dash.
                Kind::Plain if !word.contains(|c: char| c.is_alphanumeric()) => {}
                Kind::Plain | Kind::Formula(_) => values += 1,
                Kind::Word(_) if is_remainder(word) => return false,
                Kind::Word(Role::Main | Role::But) => break,
                Kind::Word(Role::Copula) if !colon && !matches!(word, ":" | "being") => return false,
                Kind::Word(Role::Condition) if before == "of" && matches!(word, "which" | "whom") => {
                    worded += 1;
                    break;
                }
                Kind::Word(Role::And | Role::Or) | Kind::Comma | Kind::Aside(_) => {}
                Kind::Word(_) | Kind::Percent => worded += 1,
            }
            before = word;
        }
        values > 0 && (worded > 0 || colon && values == 1)
    }

    /// Whether the values so far are called a total, and not only what is taken from: "of the total of 45".
    fn states_total(&self, at: usize) -> bool {
        let from_it = self.atoms.first().is_some_and(|first| {
            let word = &self.text[first.start..first.end];
            ["of", "out", "from", "given"].iter().any(|other| word.eq_ignore_ascii_case(other))
        });
        let named = |index: usize, atom: &Atom| {
            matches!(atom.kind, Kind::Word(_))
                && is_total(
                    &self.text[atom.start..atom.end],
                    index.checked_sub(1).map_or("", |before| self.written(before)),
                )
        };
        !from_it && self.atoms[..at].iter().enumerate().any(|(index, atom)| named(index, atom))
    }

    /// Whether an equation stands right behind a colon.
    pub(super) fn is_equation_behind(&self, at: usize) -> bool {
        match self.atoms.get(at + 1).map(|atom| atom.kind) {
            Some(Kind::Plain) => {
                let (start, end) = (self.atoms[at + 1].start, self.atoms[self.run(at + 1)].end);
                self.text[start..end].contains('=')
            }
            Some(Kind::Formula(index)) => self.spans[index].text(self.text).contains('='),
            _ => false,
        }
    }

    /// Whether "a total of" stands behind.
    pub(super) fn is_total_behind(&self, at: usize) -> bool {
        let word =
            |offset: usize| self.atoms.get(at + offset).map_or("", |atom| &self.text[atom.start..atom.end]);
        word(1) == "a" && (word(2) == "total" || word(2) == "grand" && word(3) == "total" || word(2) == "sum")
    }

    fn written(&self, at: usize) -> &str {
        &self.text[self.atoms[at].start..self.atoms[at].end]
    }
}

/// Words for what is left of a total, which may be what was asked for.
fn is_remainder(word: &str) -> bool {
    matches!(
        word,
        "leaves"
            | "leaving"
            | "left"
            | "remain"
            | "remains"
            | "remaining"
            | "rest"
            | "minus"
            | "less"
            | "subtracting"
            | "change"
            | "giving"
            | "making"
            | "yielding"
    )
}

/// Whether a line only lists a part of the total in the line above its list: "- shirt: 30" below "Total: 45".
pub(in crate::extraction) fn is_listed_part(text: &str, start: usize, end: usize) -> bool {
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let Some(part) = part_of(&text[line_start..end]) else { return false };
    // The other parts: above it, up to a line that is no item, and below it.
    let mut sum = part;
    let mut total = None;
    for line in text[..line_start].lines().rev().filter(|line| !line.trim().is_empty()) {
        match part_of(line) {
            Some(other) => sum += other,
            None => {
                total = stated_total(line);
                break;
            }
        }
    }
    let below = text[end..].lines().skip(1).filter(|line| !line.trim().is_empty());
    sum += below.map_while(part_of).sum::<f64>();
    total.is_some_and(|total| (sum - total).abs() < 1e-9)
}

/// The last number of an item of a list that states nothing new.
fn part_of(line: &str) -> Option<f64> {
    // The star that Markdown has for bullets was taken off, and its space stayed.
    let bare = line.strip_prefix(' ').filter(|rest| rest.starts_with(char::is_alphabetic));
    let line = line.trim();
    let bullets = ["- ", "* ", "• ", "– ", "+ "];
    let item =
        bare.or_else(|| bullets.iter().find_map(|bullet| line.strip_prefix(bullet))).or_else(|| {
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            (digits > 0)
                .then(|| line[digits..].strip_prefix(['.', ')']))?
                .filter(|rest| rest.starts_with(' '))
        })?;
    let stated = item.contains('=')
        || item.split(|c: char| !c.is_alphabetic()).any(|word| {
            let lower = word.to_ascii_lowercase();
            is_total(&lower, "")
                || is_remainder(&lower)
                || matches!(lower.as_str(), "answer" | "result" | "so")
        });
    if stated { None } else { last_number(item) }
}

/// The number that a line calls a total.
fn stated_total(line: &str) -> Option<f64> {
    let mut before = "";
    let named = line.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).any(|word| {
        let named = is_total(word, before);
        before = word;
        named
    });
    if named { last_number(line) } else { None }
}

fn last_number(line: &str) -> Option<f64> {
    let numbers = line.split(|c: char| !(c.is_ascii_digit() || matches!(c, ',' | '.')));
    let number = numbers.map(|part| part.trim_matches(['.', ','])).rfind(|part| !part.is_empty())?;
    number.replace(',', "").parse().ok()
}
