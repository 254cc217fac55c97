//! Words inside of formulas: `\text{…}`, `\mathrm{…}` and other braces whose text means something.

use super::commands;
use super::lexer::{Lexer, single_letter};
use super::parser::Fault;
use super::token::{Bracket, Token};
use super::units::is_unit_word;
use super::words::is_prose;

impl Lexer<'_> {
    /// What follows `\left` or `\right`.
    pub(super) fn delimiter(&mut self, opens: bool) {
        let trimmed = self.rest().trim_start();
        self.at += self.rest().len() - trimmed.len();
        let rest = self.rest();
        let side = |bracket| if opens { Token::Open(bracket) } else { Token::Close(bracket) };
        if rest.starts_with('.') {
            self.at += 1;
        } else if rest.starts_with('|') {
            self.take(1, side(Bracket::Bar));
        } else if rest.starts_with("\\|") {
            self.take(2, side(Bracket::Bar));
        } else if rest.starts_with('{') || rest.starts_with('}') {
            self.take(1, side(Bracket::Set));
        } else if rest.starts_with('<') || rest.starts_with('>') {
            self.take(1, side(Bracket::Angle));
        } else {
            for (word, bracket) in [
                ("\\vert", Bracket::Bar),
                ("\\Vert", Bracket::Bar),
                ("\\lvert", Bracket::Bar),
                ("\\rvert", Bracket::Bar),
            ] {
                if self.rest().starts_with(word) {
                    return self.take(word.len(), side(bracket));
                }
            }
        }
        // Everything else opens and closes by itself.
    }

    /// The text of the braces that follow, and past them.
    pub(super) fn braced(&mut self) -> Option<String> {
        let trimmed = self.rest().trim_start();
        let offset = self.rest().len() - trimmed.len();
        if !trimmed.starts_with('{') {
            return None;
        }
        let mut depth = 0usize;
        let mut escaped = false;
        for (i, c) in trimmed.char_indices() {
            match c {
                '{' if !escaped => depth += 1,
                '}' if !escaped => {
                    depth -= 1;
                    if depth == 0 {
                        let inside = trimmed[1..i].to_owned();
                        self.at += offset + i + 1;
                        return Some(inside);
                    }
                }
                _ => {}
            }
            escaped = c == '\\' && !escaped;
        }
        let inside = trimmed[1..].to_owned();
        self.at = self.text.len();
        Some(inside)
    }

    /// Words in `\text{…}`: connectors, numbers and formulas are read, everything else is prose.
    pub(super) fn words(&mut self, words: &str) -> Result<(), Fault> {
        let trimmed = words.trim().trim_matches(|c| c == ',' || c == ';' || c == '.').trim();
        let lower = trimmed.to_ascii_lowercase();
        match lower.as_str() {
            "" => {
                if words.contains(',') {
                    self.push(Token::Comma);
                } else if words.contains(';') {
                    self.push(Token::Semicolon);
                }
                return Ok(());
            }
            "and" | "or" | "and/or" | "&" => {
                self.push(Token::Connector);
                return Ok(());
            }
            "%" | "\\%" | "percent" | "percentage" | "pct" => {
                self.push(Token::Percent);
                return Ok(());
            }
            _ => {}
        }
        let has_words = trimmed.split(|c: char| !c.is_ascii_alphabetic()).any(|run| run.len() > 1);
        let has_digits = trimmed.contains(|c: char| c.is_ascii_digit());
        if has_digits && (!has_words || trimmed.contains('\\')) {
            return self.inline(trimmed);
        }
        // ", and y" and such: the connector counts, the words around it do not.
        if lower
            .split(|c: char| !c.is_ascii_alphabetic())
            .next_back()
            .is_some_and(|word| word == "and" || word == "or")
        {
            self.push(Token::Connector);
            return Ok(());
        }
        self.push(Token::Text(trimmed.replace('$', "")));
        Ok(())
    }

    /// Reads a piece of text as formula, in place.
    pub(super) fn inline(&mut self, text: &str) -> Result<(), Fault> {
        if self.nested >= 8 {
            return Err(Fault::TooDeep);
        }
        let text = text.replace('$', "");
        let mut inner = Lexer {
            text: &text,
            at: 0,
            lexemes: Vec::new(),
            groupings: Vec::new(),
            environments: 0,
            nested: self.nested + 1,
        };
        inner.run()?;
        for lexeme in inner.lexemes {
            self.push(lexeme.token);
        }
        Ok(())
    }

    /// `\mathrm{…}`: one letter is that letter, several are a function, a unit or a name; anything else is formula.
    pub(super) fn face(&mut self) -> Result<(), Fault> {
        let Some(inside) = self.braced() else { return Ok(()) };
        let trimmed = inside.trim();
        let only_letters = !trimmed.is_empty() && trimmed.bytes().all(|b| b.is_ascii_alphabetic());
        if only_letters && trimmed.len() > 1 {
            let token = match commands::function(trimmed) {
                Some(function) => Token::Function(function),
                None if is_unit_word(&trimmed.to_ascii_lowercase()) => Token::Text(trimmed.to_owned()),
                None => match commands::plain_word(trimmed) {
                    Some(token) => token,
                    None if trimmed.len() >= 4 && is_prose(trimmed) => Token::Text(trimmed.to_owned()),
                    None => Token::Letter(trimmed.to_owned()),
                },
            };
            self.push(token);
            return Ok(());
        }
        let after_number = matches!(
            self.lexemes.last().map(|lexeme| &lexeme.token),
            Some(Token::Number(_) | Token::Close(_))
        );
        // An upright letter behind a number is a unit: `5\mathrm{m}`.
        let unit_letter =
            after_number && matches!(trimmed, "m" | "g" | "s" | "h" | "L" | "N" | "J" | "W" | "V");
        if unit_letter || (!only_letters && super::units::unit(trimmed).is_some()) {
            self.push(Token::Text(trimmed.to_owned()));
            return Ok(());
        }
        if only_letters {
            self.push(single_letter(trimmed));
            return Ok(());
        }
        let has_words = trimmed.contains(char::is_whitespace)
            && trimmed.bytes().all(|b| b.is_ascii_alphabetic() || b.is_ascii_whitespace());
        if has_words {
            return self.words(trimmed);
        }
        self.inline(trimmed)
    }
}
