//! The tokens of a worked solution: numbers, signs of operation, words.

use super::rational::Rational;

/// A sign of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Addition.
    Plus,
    /// Subtraction.
    Minus,
    /// Multiplication.
    Times,
    /// Division.
    Over,
}

impl Operation {
    /// The result, where there is one.
    #[must_use]
    pub fn apply(self, left: Rational, right: Rational) -> Option<Rational> {
        match self {
            Operation::Plus => left.plus(right),
            Operation::Minus => left.minus(right),
            Operation::Times => left.times(right),
            Operation::Over => left.over(right),
        }
    }

    /// How it is written in annotations.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Operation::Plus => '+',
            Operation::Minus => '-',
            Operation::Times => '*',
            Operation::Over => '/',
        }
    }

    /// Whether it binds like multiplication.
    #[must_use]
    pub fn binds(self) -> bool {
        matches!(self, Operation::Times | Operation::Over)
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A number as displayed: `1,200`, `.5`.
    Number(Rational),
    /// A sign of operation.
    Sign(Operation),
    /// `=`
    Equals,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `%`
    Percent,
    /// A sign of currency.
    Currency,
    /// A word; one with digits in it (`2nd`, `5x`) is no number.
    Word,
    /// Punctuation.
    Other,
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The line it stands on, from 0.
    pub line: usize,
}

impl Token {
    /// Its value, if it is a number.
    #[must_use]
    pub fn number(&self) -> Option<Rational> {
        match self.kind {
            TokenKind::Number(value) => Some(value),
            _ => None,
        }
    }

    /// Its text.
    #[must_use]
    pub fn text<'a>(&self, whole: &'a str) -> &'a str {
        &whole[self.start..self.end]
    }
}

/// The tokens of a text. Spaces are between tokens, lines are counted.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 0);
    while let Some(c) = text[at..].chars().next() {
        if c == '\n' {
            line += 1;
        }
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (kind, length) = token(text, at, c);
        tokens.push(Token { kind, start: at, end: at + length, line });
        at += length;
    }
    tokens
}

fn token(text: &str, at: usize, c: char) -> (TokenKind, usize) {
    let rest = &text[at..];
    let next = rest[c.len_utf8()..].chars().next();
    if c.is_ascii_digit() || c == '.' && next.is_some_and(|c| c.is_ascii_digit()) {
        return number(rest);
    }
    if multiplies(text, at, c) {
        return (TokenKind::Sign(Operation::Times), c.len_utf8());
    }
    if c.is_alphabetic() {
        return (TokenKind::Word, word(rest));
    }
    let before = text[..at].chars().next_back();
    let kind = match c {
        // `120-page` and `twenty-two` are not differences.
        '-' if next.is_some_and(char::is_alphabetic) && before.is_some_and(char::is_alphanumeric) => {
            TokenKind::Other
        }
        '+' => TokenKind::Sign(Operation::Plus),
        '-' | '–' | '−' | '—' => TokenKind::Sign(Operation::Minus),
        '*' | '×' | '∗' | '·' => TokenKind::Sign(Operation::Times),
        '/' | '÷' => TokenKind::Sign(Operation::Over),
        '=' => TokenKind::Equals,
        '(' | '[' => TokenKind::Open,
        ')' | ']' => TokenKind::Close,
        '%' => TokenKind::Percent,
        '$' | '€' | '£' => TokenKind::Currency,
        _ => TokenKind::Other,
    };
    (kind, c.len_utf8())
}

/// An `x` between two operands is a sign: `20 x 5`, `4x5`, `(1+2)x3`.
fn multiplies(text: &str, at: usize, c: char) -> bool {
    matches!(c, 'x' | 'X')
        && text[at + 1..].trim_start_matches([' ', '$', '(', '.']).starts_with(|c: char| c.is_ascii_digit())
        && text[..at].chars().next_back().is_some_and(|c| c.is_ascii_digit() || matches!(c, ' ' | ')' | '%'))
}

/// Digits with grouping commas and a point; with letters after it (`2nd`, `5x`) it is a word.
fn number(rest: &str) -> (TokenKind, usize) {
    let bytes = rest.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while digit(at) {
        at += 1;
    }
    while bytes.get(at) == Some(&b',') && (1..=3).all(|i| digit(at + i)) && !digit(at + 4) {
        at += 4;
    }
    if bytes.get(at) == Some(&b'.') && digit(at + 1) {
        at += 1;
        while digit(at) {
            at += 1;
        }
    }
    let letters = word(&rest[at..]);
    let multiplied = rest[at..].starts_with(['x', 'X']) && multiplies(rest, at, 'x');
    if letters > 0 && !multiplied {
        return (TokenKind::Word, at + letters);
    }
    match Rational::parse(&rest[..at]) {
        Some(value) => (TokenKind::Number(value), at),
        None => (TokenKind::Word, at),
    }
}

/// How long the word is that a text begins with: letters, and what stands between letters in one word.
fn word(rest: &str) -> usize {
    let mut end = 0;
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = matches!(c, '\'' | '’' | '-' | '_')
            && end > 0
            && chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        if c.is_alphabetic() || joins || end > 0 && c.is_ascii_digit() {
            end = at + c.len_utf8();
        } else {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> String {
        tokens(text)
            .iter()
            .map(|token| match token.kind {
                TokenKind::Number(_) => 'n',
                TokenKind::Sign(_) => 's',
                TokenKind::Equals => '=',
                TokenKind::Open => '(',
                TokenKind::Close => ')',
                TokenKind::Percent => '%',
                TokenKind::Currency => '$',
                TokenKind::Word => 'w',
                TokenKind::Other => '.',
            })
            .collect()
    }

    #[test]
    fn signs_are_told_from_words() {
        for (text, expected) in [
            ("20 x 5 = 100", "nsn=n"),
            ("4x5=20.", "nsn=n."),
            ("5x = 10", "w=n"),
            ("a 120-page book", "wn.ww"),
            ("the 2nd of 3", "wwwn"),
            ("$1,250.50 - $.50", "$ns$n"),
            ("20% of 50", "n%wn"),
            ("Jim's twenty-two", "ww"),
            ("1,2,3", "n.n.n"),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn tokens_cover_all_but_spaces(text in "\\PC{0,60}") {
            let tokens = tokens(&text);
            let mut at = 0;
            for token in &tokens {
                prop_assert!(text[at..token.start].chars().all(char::is_whitespace));
                prop_assert!(token.end > token.start);
                at = token.end;
            }
            prop_assert!(text[at..].chars().all(char::is_whitespace));
        }
    }
}
