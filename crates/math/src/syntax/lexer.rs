//! Text to tokens. Nothing here fails but on size: what is not understood becomes a token that the parser refuses.

use super::characters::is_foreign_letter;
use super::commands::{self, Meaning};
use super::numerals;
use super::parser::Fault;
use super::token::{Bracket, Command, Lexeme, Token};
use super::words::is_prose;
use super::{LENGTH_LIMIT, NODE_LIMIT};
use crate::expression::Constant;

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) lexemes: Vec<Lexeme>,
    /// For each open bracket, whether commas may separate thousands inside it.
    pub(super) groupings: Vec<bool>,
    /// Inside `\begin … \end`, where `\\` ends a row.
    pub(super) environments: usize,
    pub(super) nested: usize,
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme>, Fault> {
    if text.len() > LENGTH_LIMIT {
        return Err(Fault::TooLong);
    }
    let mut lexer = Lexer {
        text,
        at: 0,
        lexemes: Vec::with_capacity(text.len().min(64) / 2 + 2),
        groupings: Vec::new(),
        environments: 0,
        nested: 0,
    };
    lexer.run()?;
    Ok(lexer.lexemes)
}

impl Lexer<'_> {
    pub(super) fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub(super) fn run(&mut self) -> Result<(), Fault> {
        while self.at < self.text.len() {
            let before = self.at;
            while self.rest().starts_with(|c: char| c.is_whitespace() || c == '~') {
                self.at += self.rest().chars().next().map_or(1, char::len_utf8);
            }
            let spaced = self.at > before;
            if self.at >= self.text.len() {
                break;
            }
            let start = self.at;
            let count = self.lexemes.len();
            self.step()?;
            if self.lexemes.len() > NODE_LIMIT {
                return Err(Fault::TooLong);
            }
            let end = self.at;
            if let Some(first) = self.lexemes.get_mut(count) {
                first.spaced |= spaced;
            }
            for lexeme in &mut self.lexemes[count..] {
                lexeme.start = start;
                lexeme.end = end;
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, token: Token) {
        match &token {
            Token::Open(Bracket::Brace) => {
                // The braces of a command's argument do not change what a comma means; a group of its own may be a set.
                let argument = matches!(
                    self.lexemes.last().map(|lexeme| &lexeme.token),
                    Some(
                        Token::Command(_)
                            | Token::Power
                            | Token::Subscript
                            | Token::Close(Bracket::Brace)
                            | Token::Function(_)
                    )
                );
                let outer = self.groupings.last().copied().unwrap_or(true);
                self.groupings.push(outer && argument);
            }
            Token::Open(_) => self.groupings.push(false),
            Token::Close(_) => {
                self.groupings.pop();
            }
            _ => {}
        }
        self.lexemes.push(Lexeme { token, start: self.at, end: self.at, spaced: false });
    }

    pub(super) fn take(&mut self, length: usize, token: Token) {
        self.at += length;
        self.push(token);
    }

    pub(super) fn step(&mut self) -> Result<(), Fault> {
        let Some(c) = self.rest().chars().next() else { return Ok(()) };
        let two = self.rest().as_bytes().get(1).copied().unwrap_or(b' ');
        match c {
            '0'..='9' => self.number(),
            '.' if two.is_ascii_digit() => self.number(),
            '.' if self.rest().starts_with("...") => self.take(3, Token::Ellipsis),
            '.' => self.at += 1,
            '{' if self.spaced_operator() => {}
            '^' if self.ordinal_ending() => {}
            'a'..='z' | 'A'..='Z' => self.letters(),
            '\\' => return self.command(),
            _ => {
                if !self.two_characters() {
                    self.character(c);
                }
            }
        }
        Ok(())
    }

    pub(super) fn number(&mut self) {
        let grouping = self.groupings.last().copied().unwrap_or(true);
        let (length, clean) = numerals::scan(self.rest(), grouping);
        self.take(length, Token::Number(clean));
    }

    /// A run of letters: a word that means something, a word of prose, or single letters.
    pub(super) fn letters(&mut self) {
        let length = self.rest().bytes().take_while(u8::is_ascii_alphabetic).count();
        if self.rest()[length..].starts_with(is_foreign_letter) {
            // A word with accents in it.
            let length = self
                .rest()
                .find(|c: char| !c.is_ascii_alphabetic() && !is_foreign_letter(c))
                .unwrap_or(self.rest().len());
            let word = self.rest()[..length].to_owned();
            return self.take(length, Token::Text(word));
        }
        let text = self.text;
        let run = &text[self.at..self.at + length];
        if self.is_times_sign(run) {
            return self.take(length, Token::Times);
        }
        // `(-inf, 1) U (2, inf)`
        let closes = |token: &Token| matches!(token, Token::Close(Bracket::Round | Bracket::Square));
        if run == "U"
            && self.lexemes.last().is_some_and(|lexeme| closes(&lexeme.token))
            && self.rest()[1..].trim_start().starts_with(['(', '['])
        {
            return self.take(length, Token::SetOperation(crate::expression::SetOperation::Union));
        }
        if is_ordinal_ending(run) && self.text[..self.at].ends_with(|c: char| c.is_ascii_digit()) {
            self.at += length;
            return;
        }
        let after_number = matches!(
            self.lexemes.last().map(|lexeme| &lexeme.token),
            Some(Token::Number(_) | Token::Close(_))
        );
        if length >= 2 {
            if let Some(token) = commands::plain_word(run) {
                return self.take(length, token);
            }
            // "1orW": a connector glued to its neighbours.
            if after_number && (run.starts_with("or") || run.starts_with("and")) {
                let connector = if run.starts_with("or") { 2 } else { 3 };
                if length - connector <= 1 {
                    return self.take(connector, Token::Connector);
                }
            }
            // A function glued to its letter: "sinx".
            for prefix in (2..length).rev() {
                if length - prefix <= 2
                    && prefix >= 3
                    && let Some(function) = commands::function(&run[..prefix])
                {
                    return self.take(prefix, Token::Function(function));
                }
            }
            if is_prose(run) {
                return self.take(length, Token::Text(run.to_owned()));
            }
            // Capitals in a row name something: an angle, a triangle, an order. Two may be a product.
            if length >= 3 && run.bytes().all(|b| b.is_ascii_uppercase()) {
                return self.take(length, Token::Letter(run.to_owned()));
            }
        }
        let letter = &self.rest()[..1];
        // `I` is written for the imaginary unit, too, but `I_1` is a name.
        let named = self.rest()[1..].trim_start().starts_with('_');
        let token =
            if letter == "I" && !named { Token::Constant(Constant::I) } else { single_letter(letter) };
        self.take(1, token);
    }

    /// `{+}`, `{=}`, `{:}`: an operator in braces, which only change the space around it.
    fn spaced_operator(&mut self) -> bool {
        let [b'{', operator, b'}', ..] = self.rest().as_bytes() else { return false };
        if !b"+-*/=<>:".contains(operator) {
            return false;
        }
        let operator = char::from(*operator);
        self.at += 1;
        self.character(operator);
        self.at += 1;
        true
    }

    /// Past the raised ending of `10^{th}`.
    fn ordinal_ending(&mut self) -> bool {
        let after_number = matches!(self.lexemes.last().map(|lexeme| &lexeme.token), Some(Token::Number(_)));
        let mut inside = &self.rest()[1..];
        let mut length = 1;
        let mut braces = 0;
        for opening in ["{", "\\text", "\\textrm", "\\mathrm", "\\rm", "{", " "] {
            if let Some(rest) = inside.strip_prefix(opening) {
                inside = rest;
                length += opening.len();
                braces += usize::from(opening == "{");
            }
        }
        let closing = &"}}"[..braces];
        let ends = after_number
            && inside.get(..2).is_some_and(is_ordinal_ending)
            && inside[2..].starts_with(closing);
        if ends {
            self.at += length + 2 + braces;
        }
        ends
    }

    /// `6 x 10^8`: a lone x between two numbers, with spaces around it or before a power of ten.
    fn is_times_sign(&self, run: &str) -> bool {
        if !matches!(run, "x" | "X") {
            return false;
        }
        let after_number = matches!(
            self.lexemes.last().map(|lexeme| &lexeme.token),
            Some(Token::Number(_) | Token::Close(Bracket::Brace))
        );
        let behind = &self.rest()[1..];
        let spaced =
            self.text[..self.at].ends_with(char::is_whitespace) && behind.starts_with(char::is_whitespace);
        let next = behind.trim_start();
        after_number && (next.starts_with("10^") || spaced && next.starts_with(|c: char| c.is_ascii_digit()))
    }

    pub(super) fn command(&mut self) -> Result<(), Fault> {
        let after = &self.rest()[1..];
        let Some(first) = after.chars().next() else {
            self.at += 1;
            return Ok(());
        };
        if !first.is_ascii_alphabetic() {
            self.symbol_command(first);
            return Ok(());
        }
        let length = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = after[..length].to_owned();
        if let Some(meaning) = commands::control_word(&name) {
            self.at += 1 + length;
            return self.meant(meaning, &name);
        }
        // A known command glued to the letters behind it: `\vertx`, `\pir`.
        for prefix in (2..length).rev() {
            if (prefix > 2 || &name[..prefix] == "pi")
                && let Some(meaning @ Meaning::Token(_)) = commands::control_word(&name[..prefix])
            {
                self.at += 1 + prefix;
                return self.meant(meaning, &name[..prefix]);
            }
        }
        self.at += 1 + length;
        // An unknown command is a name: two answers that use it alike can still be compared.
        self.push(Token::Letter(name));
        Ok(())
    }

    pub(super) fn symbol_command(&mut self, first: char) {
        let length = 1 + first.len_utf8();
        match first {
            '{' => self.take(length, Token::Open(Bracket::Set)),
            '}' => self.take(length, Token::Close(Bracket::Set)),
            '%' => self.take(length, Token::Percent),
            '$' => self.take(length, Token::Currency("dollar")),
            '|' => self.take(length, Token::DoubleBar),
            '&' | '#' => self.take(length, Token::Ampersand),
            '_' => self.at += length,
            '\\' => {
                // Outside an environment `\\` before a command is an escape too many; inside it ends the row.
                let follows = self.rest()[length..].chars().next();
                let escaped = self.environments == 0
                    && follows.is_some_and(|c| c.is_ascii_alphabetic() || "{}%$|,!;:".contains(c));
                if escaped {
                    self.at += 1;
                } else {
                    self.take(length, Token::RowBreak);
                }
            }
            // `\,`, `\!`, `\;`, `\:`, `\ `, `\(`, `\)`, `\[`, `\]`: spacing and delimiters of formulas.
            _ => self.at += length,
        }
    }

    pub(super) fn meant(&mut self, meaning: Meaning, name: &str) -> Result<(), Fault> {
        match meaning {
            Meaning::Token(token) => {
                let is_operator = matches!(token, Token::Command(Command::Logarithm)) && name == "lb";
                self.push(if is_operator { Token::Letter("lb".to_owned()) } else { token });
            }
            Meaning::Nothing => {}
            Meaning::LeftDelimiter => self.delimiter(true),
            Meaning::RightDelimiter => self.delimiter(false),
            Meaning::Words => {
                if let Some(words) = self.braced() {
                    self.words(&words)?;
                }
            }
            Meaning::Face => self.face()?,
            Meaning::OperatorName => {
                if self.rest().starts_with('*') {
                    self.at += 1;
                }
                if let Some(name) = self.braced() {
                    let name = name.trim().to_owned();
                    let token = match commands::function(&name) {
                        Some(function) => Token::Function(function),
                        None => commands::plain_word(&name).unwrap_or(Token::Letter(name)),
                    };
                    self.push(token);
                }
            }
            Meaning::Blackboard => {
                let name = self.braced().or_else(|| {
                    let letter = self.rest().trim_start().chars().next().filter(char::is_ascii_alphabetic)?;
                    self.at += self.rest().len() - self.rest().trim_start().len() + 1;
                    Some(letter.to_string())
                });
                if let Some(name) = name {
                    let token = match commands::blackboard(name.trim()) {
                        Some(set) => Token::NamedSet(set),
                        None => Token::Letter(name.trim().to_owned()),
                    };
                    self.push(token);
                }
            }
            Meaning::SkipArgument => {
                self.braced();
            }
            Meaning::Begin => {
                let name = self.braced().unwrap_or_default();
                self.environments += 1;
                if matches!(name.as_str(), "array" | "tabular") {
                    self.braced();
                }
                self.push(Token::Begin(name));
            }
            Meaning::End => {
                let name = self.braced().unwrap_or_default();
                self.environments = self.environments.saturating_sub(1);
                self.push(Token::End(name));
            }
        }
        Ok(())
    }
}

/// `e` and `i` are numbers; every other letter is a letter.
pub(super) fn single_letter(letter: &str) -> Token {
    match letter {
        "e" => Token::Constant(Constant::E),
        "i" => Token::Constant(Constant::I),
        _ => Token::Letter(letter.to_owned()),
    }
}

fn is_ordinal_ending(run: &str) -> bool {
    matches!(run, "st" | "nd" | "rd" | "th")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Function;

    fn kinds(text: &str) -> Vec<Token> {
        tokens(text).unwrap().into_iter().map(|lexeme| lexeme.token).collect()
    }

    #[test]
    fn words_and_letters_are_told_apart() {
        assert_eq!(kinds("ab").len(), 2);
        assert_eq!(kinds("Evelyn"), [Token::Text("Evelyn".into())]);
        assert_eq!(kinds("sinx"), [Token::Function(Function::Sin), Token::Letter("x".into())]);
        assert_eq!(kinds("1orW")[1], Token::Connector);
        assert_eq!(kinds("\\text{ and }"), [Token::Connector]);
        assert_eq!(kinds("\\vertx\\vert"), [Token::Bar, Token::Letter("x".into()), Token::Bar]);
    }

    #[test]
    fn double_escapes_are_commands_outside_environments() {
        assert_eq!(kinds("\\\\frac"), [Token::Command(Command::Fraction)]);
        assert!(kinds("\\begin{matrix}1\\\\x\\end{matrix}").contains(&Token::RowBreak));
    }
}
