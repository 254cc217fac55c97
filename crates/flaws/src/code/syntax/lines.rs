//! Tokens, and the logical lines that they stand in.

use std::ops::Range;

/// Longest program that is read.
const LONGEST: usize = 32 << 10;

/// A token of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A name or keyword.
    Name(String),
    /// A number as written.
    Number(String),
    /// What stands between quotes.
    Text(String),
    /// Anything else, longest first: `//`, `==`, `(`.
    Sign(&'static str),
}

impl Token {
    /// The name or keyword, or nothing.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Token::Name(name) => name,
            _ => "",
        }
    }

    /// Whether it is this sign.
    #[must_use]
    pub fn is(&self, sign: &str) -> bool {
        matches!(self, Token::Sign(own) if *own == sign)
    }
}

const SIGNS: [&str; 45] = [
    "**=", "//=", ">>=", "<<=", "...", "->", ":=", "**", "//", "==", "!=", "<=", ">=", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "<<", ">>", "+", "-", "*", "/", "%", "<", ">", "=", "(", ")", "[", "]",
    "{", "}", ",", ":", ".", ";", "@", "&", "|", "^",
];

/// A logical line: its indent and tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Columns of white space before it, a tab to the next multiple of 8.
    pub indent: usize,
    /// Its tokens, without comments; at least one.
    pub tokens: Vec<Token>,
    /// Where each of them stands in the program, in bytes.
    pub places: Vec<Range<usize>>,
}

impl Line {
    /// Its first word, or nothing if it begins otherwise.
    #[must_use]
    pub fn first(&self) -> &str {
        self.tokens.first().map_or("", Token::word)
    }
}

/// The logical lines of a program; `None` if it is too long or a text or bracket does not end.
#[must_use]
pub fn lines(program: &str) -> Option<Vec<Line>> {
    if program.len() > LONGEST {
        return None;
    }
    let mut lines = Vec::new();
    let mut rest = program;
    while !rest.is_empty() {
        let mut indent = 0;
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        for c in rest[..blank].chars() {
            indent = if c == '\t' { (indent / 8 + 1) * 8 } else { indent + 1 };
        }
        let (tokens, after) = line(&rest[blank..])?;
        if !tokens.is_empty() {
            // Tokens are told by how much of the program follows their start and their end.
            let place = |[start, end]: [usize; 2]| program.len() - start..program.len() - end;
            let (tokens, left): (Vec<Token>, Vec<_>) = tokens.into_iter().unzip();
            lines.push(Line { indent, tokens, places: left.into_iter().map(place).collect() });
        }
        rest = after;
    }
    Some(lines)
}

/// A token with the lengths of what follows its start and its end.
type Ending = (Token, [usize; 2]);

/// The tokens up to the end of a logical line, each with the lengths of what follows its start and its end, and what comes
/// after the line.
fn line(mut rest: &str) -> Option<(Vec<Ending>, &str)> {
    let mut tokens = Vec::new();
    let mut open = 0_usize;
    loop {
        let Some(c) = rest.chars().next() else { return (open == 0).then_some((tokens, rest)) };
        if c == '\n' && open == 0 {
            return Some((tokens, &rest[1..]));
        }
        if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
        } else if c.is_whitespace() {
            rest = &rest[c.len_utf8()..];
        } else if c == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if c.is_ascii_digit() || c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
                .unwrap_or(rest.len());
            tokens.push((Token::Number(rest[..end].to_owned()), [rest.len(), rest.len() - end]));
            rest = &rest[end..];
        } else if let Some((content, after)) = text(rest) {
            tokens.push((Token::Text(content?), [rest.len(), after.len()]));
            rest = after;
        } else if c.is_alphabetic() || c == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push((Token::Name(rest[..end].to_owned()), [rest.len(), rest.len() - end]));
            rest = &rest[end..];
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
            match *sign {
                "(" | "[" | "{" => open += 1,
                ")" | "]" | "}" => open = open.checked_sub(1)?,
                _ => {}
            }
            tokens.push((Token::Sign(sign), [rest.len(), rest.len() - sign.len()]));
            rest = &rest[sign.len()..];
        }
    }
}

/// A text with its prefix, if one begins here: its content (`None` if it does not end) and what follows.
fn text(rest: &str) -> Option<(Option<String>, &str)> {
    let prefix = rest.find(|c: char| !c.is_ascii_alphabetic())?;
    if prefix > 2 || !rest[..prefix].chars().all(|c| "rbfuRBFU".contains(c)) {
        return None;
    }
    let body = &rest[prefix..];
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote))?;
    let body = &body[quote.len()..];
    let mut at = 0;
    loop {
        let Some(c) = body[at..].chars().next() else { return Some((None, "")) };
        if body[at..].starts_with(quote) {
            return Some((Some(body[..at].to_owned()), &body[at + quote.len()..]));
        }
        if c == '\n' && quote.len() == 1 {
            return Some((None, ""));
        }
        at += c.len_utf8();
        if c == '\\' {
            at += body[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_join_in_brackets_and_lose_comments() {
        let lines = lines("def f(a,\n      b):  # why\n\n    return 'x#y' \\\n  + a\n").unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].indent, lines[1].indent), (0, 4));
        assert_eq!(lines[1].tokens[1], Token::Text("x#y".into()));
        assert_eq!(super::lines("x = (1"), None);
        assert_eq!(super::lines("x = 'a"), None);
    }
}
