//! Phrases with slots: text, and what could wrongly stand in its place.

use tracelift_worlds::FlawKind;

/// What could wrongly stand in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The kind of flaw that it is.
    pub kind: FlawKind,
    /// The form of the kind's rule.
    pub rule: &'static str,
    /// The text.
    pub text: String,
}

/// A piece of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Plain text.
    Text(String),
    /// Text that a rule may replace.
    Slot(String, Vec<Variant>),
}

/// A sequence of pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phrase(pub Vec<Piece>);

impl Phrase {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Phrase {
        Phrase::default()
    }

    /// With this text after it.
    #[must_use]
    pub fn say(mut self, text: &str) -> Phrase {
        if let Some(Piece::Text(last)) = self.0.last_mut() {
            last.push_str(text);
        } else {
            self.0.push(Piece::Text(text.to_owned()));
        }
        self
    }

    /// With this phrase after it.
    #[must_use]
    pub fn then(mut self, phrase: Phrase) -> Phrase {
        self.0.extend(phrase.0);
        self
    }

    /// With a slot after it.
    #[must_use]
    pub fn slot(mut self, text: &str, variants: &[(FlawKind, &'static str, &str)]) -> Phrase {
        let variant = |(kind, rule, text): &(FlawKind, &'static str, &str)| Variant {
            kind: *kind,
            rule,
            text: (*text).to_owned(),
        };
        self.0.push(Piece::Slot(text.to_owned(), variants.iter().map(variant).collect()));
        self
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Slot(text, _) => text.as_str(),
            })
            .collect()
    }

    /// Its texts with one slot replaced each, for a kind.
    pub fn variants(&self, kind: FlawKind) -> impl Iterator<Item = (&'static str, String)> + '_ {
        let slots = self.0.iter().enumerate().filter_map(|(at, piece)| match piece {
            Piece::Slot(_, variants) => Some((at, variants)),
            Piece::Text(_) => None,
        });
        slots.flat_map(move |(at, variants)| {
            variants.iter().filter(move |variant| variant.kind == kind).map(move |variant| {
                let text = self.0.iter().enumerate().map(|(index, piece)| match piece {
                    _ if index == at => variant.text.as_str(),
                    Piece::Text(text) | Piece::Slot(text, _) => text.as_str(),
                });
                (variant.rule, text.collect())
            })
        })
    }
}
