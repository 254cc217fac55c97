//! Which of the values of a clause is what it says.

use super::{Group, Lead, Part, Reader, Said, is_bare_name};
use crate::extraction::atoms::{Kind, is_unspaced};
use crate::extraction::continuations::{is_multiplied, is_of_amount, is_remote_multiplier, is_share};
use crate::extraction::vocabulary::Role;
use crate::syntax::units;

impl Reader<'_> {
    /// Whether a group only names something: `k`, `PQRS`, `f(x)`.
    pub(super) fn is_name(&self, group: &Group) -> bool {
        group.parts.iter().all(|part| {
            let content = match part.formula {
                Some(index) => self.spans[index].text(self.text),
                None => &self.text[part.start..part.end],
            };
            is_bare_name(content)
        })
    }

    pub(super) fn conclude(self, lead: Lead) -> Said {
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
                Some(group) if !group.changed && !self.only_names_value() => self.value_of(group),
                _ => Said::Words,
            };
        };
        let several_cases = self.cases > 0 && self.turn.is_none();
        let ordinal = group.parts.iter().any(|part| part.ordinal);
        // Words that are not known, between "the answer is" and a value, may make it another value.
        let led =
            lead == Lead::Phrase && !self.first_is_value() && !self.has_copula() && self.has_unknown_lead();
        if group.changed
            && let Some(others) = self.others(group)
            && !self.hedged
            && !several_cases
        {
            return self.value_of(&others);
        }
        if group.changed
            && let Some(kept) = self.kept(group)
            && !self.hedged
            && !several_cases
        {
            return self.value_of(kept);
        }
        if group.changed
            || self.hedged
            || several_cases
            || ordinal
            || led
            || self.only_speaks_of_value()
            || lead == Lead::Sentence && self.only_names_value()
        {
            return Said::Words;
        }
        self.value_of(group)
    }

    /// "x = 1 and x = 5, but x = 1 is extraneous": what is left of the values before "but".
    fn others(&self, denied: &Group) -> Option<Group> {
        let turn = self.turn.filter(|turn| *turn > 0 && self.denied)?;
        let before = self.groups.get(turn - 1).filter(|group| !group.changed && group.parts.len() > 1)?;
        let [gone] = denied.parts.as_slice() else { return None };
        let text = |part: &Part| match part.formula {
            Some(index) => self.spans[index].text(self.text),
            None => self.text[part.start..part.end].trim(),
        };
        let mut left = before.clone();
        left.parts.retain(|part| text(part) != text(gone));
        (left.parts.len() + 1 == before.parts.len()).then_some(left)
    }

    /// "n = 4 works but n = 3 fails": the one value before "but", where another is all that is denied behind it.
    fn kept(&self, denied: &Group) -> Option<&Group> {
        let turn = self.turn.filter(|turn| *turn == 1 && self.denied && self.groups.len() == 2)?;
        let before = &self.groups[turn - 1];
        let ([one], [other]) = (before.parts.as_slice(), denied.parts.as_slice()) else { return None };
        let text = |part: &Part| match part.formula {
            Some(index) => self.spans[index].text(self.text),
            None => self.text[part.start..part.end].trim(),
        };
        let works = ["works", "holds", "fits", "satisfies", "is right", "is correct", "is valid"];
        let said = self.text[one.end..other.start].trim_start();
        (!before.changed && text(one) != text(other) && works.iter().any(|word| said.starts_with(word)))
            .then_some(before)
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

    fn has_copula(&self) -> bool {
        self.atoms
            .iter()
            .take_while(|atom| !matches!(atom.kind, Kind::Plain | Kind::Formula(_)))
            .any(|atom| matches!(atom.kind, Kind::Word(Role::Copula)))
    }

    fn value_of(&self, group: &Group) -> Said {
        if group.parts.last().is_some_and(|part| self.is_cut(part)) {
            return Said::Words;
        }
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

    /// "73% of 100 million", "7 (million)": the value is only a part of the amount that is named.
    fn is_cut(&self, part: &Part) -> bool {
        let value = self.text[part.start..part.end].trim_end_matches([' ', '.', '$', ')', '\\']);
        let rest = &self.text[part.end..];
        let broken_off = rest.starts_with("..");
        let behind = rest.trim_start_matches(['.', ' ']);
        let operation = ["to ", "raised ", "take ", "point "].iter().any(|word| behind.starts_with(word));
        (broken_off || operation) && is_multiplied(behind)
            || is_remote_multiplier(&self.text[part.unit_end..])
            || if value.ends_with('%') || broken_off { is_of_amount(rest) } else { is_share(rest) }
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
