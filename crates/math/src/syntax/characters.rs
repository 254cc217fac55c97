//! What single characters and pairs of them mean, Unicode included.

use super::lexer::Lexer;
use super::token::{Bracket, Command, Token};
use crate::expression::{Constant, NamedSet, Relation, SetOperation};

impl Lexer<'_> {
    pub(super) fn two_characters(&mut self) -> bool {
        let token = match self.rest().as_bytes().get(..2) {
            Some(b"<=") => Token::Relation(Relation::LessEqual),
            Some(b">=") => Token::Relation(Relation::GreaterEqual),
            Some(b"!=") => Token::Relation(Relation::NotEqual),
            Some(b"==") if self.rest().starts_with("==>") => {
                return self.three(Token::Relation(Relation::Other("⇒")));
            }
            Some(b"==") => Token::Relation(Relation::Equal),
            Some(b"**") => Token::Power,
            Some(b":=") => Token::Relation(Relation::Equal),
            Some(b"->") => Token::Relation(Relation::Other("→")),
            Some(b"=>") => Token::Relation(Relation::Other("⇒")),
            Some(b"+/") if self.rest().starts_with("+/-") => return self.three(Token::PlusMinus),
            Some(b"-/") if self.rest().starts_with("-/+") => return self.three(Token::MinusPlus),
            _ => return false,
        };
        self.take(2, token);
        true
    }

    fn three(&mut self, token: Token) -> bool {
        self.take(3, token);
        true
    }

    pub(super) fn character(&mut self, c: char) {
        let token = match c {
            '+' => Token::Plus,
            '-' | '−' | '–' | '—' | '﹣' => Token::Minus,
            '±' => Token::PlusMinus,
            '∓' => Token::MinusPlus,
            '*' | '×' | '·' | '⋅' | '∙' | '•' => Token::Times,
            '/' | '÷' | '⁄' | '∕' => Token::Divide,
            '^' => Token::Power,
            '_' => Token::Subscript,
            '!' => Token::Exclamation,
            '%' => Token::Percent,
            '°' | 'º' => Token::Degree,
            '\'' | '′' | '’' => Token::Prime,
            '(' => Token::Open(Bracket::Round),
            ')' => Token::Close(Bracket::Round),
            '[' => Token::Open(Bracket::Square),
            ']' => Token::Close(Bracket::Square),
            '{' => Token::Open(Bracket::Brace),
            '}' => Token::Close(Bracket::Brace),
            '⟨' | '〈' => Token::Open(Bracket::Angle),
            '⟩' | '〉' => Token::Close(Bracket::Angle),
            '⌊' => Token::Open(Bracket::Floor),
            '⌋' => Token::Close(Bracket::Floor),
            '⌈' => Token::Open(Bracket::Ceil),
            '⌉' => Token::Close(Bracket::Ceil),
            '|' | '∣' => Token::Bar,
            '‖' => Token::DoubleBar,
            ',' => Token::Comma,
            ';' => Token::Semicolon,
            ':' => Token::Colon,
            '=' => Token::Relation(Relation::Equal),
            '<' => Token::Relation(Relation::Less),
            '>' => Token::Relation(Relation::Greater),
            '≤' | '⩽' => Token::Relation(Relation::LessEqual),
            '≥' | '⩾' => Token::Relation(Relation::GreaterEqual),
            '≠' => Token::Relation(Relation::NotEqual),
            '≈' | '≒' | '≃' => Token::Relation(Relation::Approximately),
            '≡' => Token::Relation(Relation::Congruent),
            '∈' => Token::Relation(Relation::Member),
            '∉' => Token::Relation(Relation::NotMember),
            '⊂' | '⊆' => Token::Relation(Relation::Subset),
            '⊃' | '⊇' => Token::Relation(Relation::Superset),
            '→' => Token::Relation(Relation::Other("→")),
            '⇒' => Token::Relation(Relation::Other("⇒")),
            '∪' => Token::SetOperation(SetOperation::Union),
            '∩' => Token::SetOperation(SetOperation::Intersection),
            '∖' => Token::SetOperation(SetOperation::Difference),
            '∅' => Token::NamedSet(NamedSet::Empty),
            'ℕ' => Token::NamedSet(NamedSet::Naturals),
            'ℤ' => Token::NamedSet(NamedSet::Integers),
            'ℚ' => Token::NamedSet(NamedSet::Rationals),
            'ℝ' => Token::NamedSet(NamedSet::Reals),
            'ℂ' => Token::NamedSet(NamedSet::Complexes),
            '∞' => Token::Constant(Constant::Infinity),
            'π' | '𝜋' | '𝛑' | '𝝅' => Token::Constant(Constant::Pi),
            '√' => Token::Command(Command::Root),
            '∠' => Token::Letter("angle".to_owned()),
            '∛' => {
                return self.several(
                    c,
                    [
                        Token::Command(Command::Root),
                        Token::Open(Bracket::Square),
                        Token::Number("3".into()),
                        Token::Close(Bracket::Square),
                    ],
                );
            }
            '∑' => Token::Command(Command::Series(crate::expression::Series::Sum)),
            '∫' => Token::Command(Command::Integral),
            '∀' | '∃' | '¬' => Token::Command(Command::Statement),
            '…' | '⋯' => Token::Ellipsis,
            '&' => Token::Ampersand,
            '€' => Token::Currency("euro"),
            '£' => Token::Currency("£"),
            '¥' => Token::Currency("¥"),
            '₹' => Token::Currency("rupee"),
            // A stray dollar sign is the end of a formula or an amount of money; the parser tells by its place.
            '$' => Token::Currency("dollar"),
            '"' | '`' | '“' | '”' | '‘' | '∴' => {
                self.at += c.len_utf8();
                return;
            }
            '½' => return self.vulgar(c, "1", "2"),
            '⅓' => return self.vulgar(c, "1", "3"),
            '⅔' => return self.vulgar(c, "2", "3"),
            '¼' => return self.vulgar(c, "1", "4"),
            '¾' => return self.vulgar(c, "3", "4"),
            '⅛' => return self.vulgar(c, "1", "8"),
            '⅜' => return self.vulgar(c, "3", "8"),
            '⅝' => return self.vulgar(c, "5", "8"),
            '⅞' => return self.vulgar(c, "7", "8"),
            '⅕' => return self.vulgar(c, "1", "5"),
            '⅖' => return self.vulgar(c, "2", "5"),
            '⅗' => return self.vulgar(c, "3", "5"),
            '⅘' => return self.vulgar(c, "4", "5"),
            '⅙' => return self.vulgar(c, "1", "6"),
            '⅚' => return self.vulgar(c, "5", "6"),
            '∜' => {
                return self.several(
                    c,
                    [
                        Token::Command(Command::Root),
                        Token::Open(Bracket::Square),
                        Token::Number("4".into()),
                        Token::Close(Bracket::Square),
                    ],
                );
            }
            '¢' => Token::Text("cents".to_owned()),
            '∥' => Token::Relation(Relation::Other("∥")),
            '⊥' => Token::Relation(Relation::Other("⊥")),
            _ => match greek_character(c) {
                Some(name) => Token::Letter(name.to_owned()),
                None if c.is_alphabetic() => return self.foreign_word(),
                None => Token::Letter(c.to_string()),
            },
        };
        self.take(c.len_utf8(), token);
    }

    /// A run of letters that are neither ASCII nor Greek: a word, whatever it means.
    fn foreign_word(&mut self) {
        let length = self.rest().find(|c: char| !is_foreign_letter(c)).unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_owned();
        self.take(length, Token::Text(word));
    }

    pub(super) fn several<const N: usize>(&mut self, c: char, tokens: [Token; N]) {
        self.at += c.len_utf8();
        for token in tokens {
            self.push(token);
        }
    }

    pub(super) fn vulgar(&mut self, c: char, numerator: &str, denominator: &str) {
        self.several(
            c,
            [
                Token::Command(Command::Fraction),
                Token::Number(numerator.to_owned()),
                Token::Number(denominator.to_owned()),
            ],
        );
    }
}

/// Whether a letter belongs to no alphabet of formulas.
pub(crate) fn is_foreign_letter(c: char) -> bool {
    !c.is_ascii()
        && c.is_alphabetic()
        && greek_character(c).is_none()
        && !matches!(c, 'π' | 'º')
        && !matches!(c, 'ℕ' | 'ℤ' | 'ℚ' | 'ℝ' | 'ℂ')
}

pub(crate) fn greek_character(c: char) -> Option<&'static str> {
    Some(match c {
        'α' => "alpha",
        'β' => "beta",
        'γ' => "gamma",
        'δ' => "delta",
        'ε' | 'ϵ' => "epsilon",
        'ζ' => "zeta",
        'η' => "eta",
        'θ' => "theta",
        'κ' => "kappa",
        'λ' => "lambda",
        'μ' | 'µ' => "mu",
        'ν' => "nu",
        'ξ' => "xi",
        'ρ' => "rho",
        'σ' => "sigma",
        'τ' => "tau",
        'φ' | 'ϕ' => "phi",
        'χ' => "chi",
        'ψ' => "psi",
        'ω' => "omega",
        'Δ' | '∆' => "Delta",
        'Θ' => "Theta",
        'Λ' => "Lambda",
        'Σ' => "Sigma",
        'Φ' => "Phi",
        'Ψ' => "Psi",
        'Ω' => "Omega",
        _ => return None,
    })
}
