//! What the lexer makes of LaTeX and plain text.

use crate::expression::{Constant, Function, NamedSet, Relation, Series, SetOperation};

/// Kinds of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bracket {
    Round,
    Square,
    /// `{ }` of LaTeX: grouping, or a set where it holds a list.
    Brace,
    /// `\{ \}`.
    Set,
    Angle,
    Floor,
    Ceil,
    /// `| |` and `\| \|` where the side is known.
    Bar,
}

/// Commands with arguments of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Fraction,
    Root,
    Binomial,
    /// `{n \choose k}`.
    Choose,
    /// `{a \over b}`.
    Over,
    Logarithm,
    Series(Series),
    Integral,
    Limit,
    /// A mark over letters: bar, hat, vector.
    Accent(&'static str),
    /// A repeating or negated bar: `\overline`.
    Overline,
    Mod,
    /// `\pmod{m}`, `\bmod`.
    ParenMod,
    Boxed,
    /// A statement that is read as a whole: quantifiers and arrows.
    Statement,
    Transpose,
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// Digits without separators, perhaps with a point and an exponent.
    Number(String),
    /// A letter or the name of one.
    Letter(String),
    Function(Function),
    Constant(Constant),
    NamedSet(NamedSet),
    Command(Command),
    Begin(String),
    End(String),
    Text(String),
    Currency(&'static str),
    Plus,
    Minus,
    PlusMinus,
    MinusPlus,
    Times,
    Divide,
    Power,
    Subscript,
    Exclamation,
    Percent,
    Degree,
    Prime,
    Open(Bracket),
    Close(Bracket),
    /// A `|` whose side is not known.
    Bar,
    DoubleBar,
    Comma,
    Semicolon,
    Colon,
    /// "and", "or" between answers.
    Connector,
    Relation(Relation),
    SetOperation(SetOperation),
    Ampersand,
    RowBreak,
    Ellipsis,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Whether white space stood before it.
    pub(crate) spaced: bool,
}
