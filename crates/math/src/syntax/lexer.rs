//! Text to tokens. Nothing here fails but on size: what is not understood becomes a token that the parser refuses.

use super::commands::{self, Meaning};
use super::numerals;
use super::parser::Fault;
use super::token::{Bracket, Command, Lexeme, Token};
use super::units::is_unit_word;
use super::{LENGTH_LIMIT, NODE_LIMIT};
use crate::expression::{Constant, NamedSet, Relation, SetOperation};

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    lexemes: Vec<Lexeme>,
    /// For each open bracket, whether commas may separate thousands inside it.
    groupings: Vec<bool>,
    /// Inside `\begin … \end`, where `\\` ends a row.
    environments: usize,
    nested: usize,
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme>, Fault> {
    if text.len() > LENGTH_LIMIT {
        return Err(Fault::TooLong);
    }
    let mut lexer =
        Lexer { text, at: 0, lexemes: Vec::new(), groupings: Vec::new(), environments: 0, nested: 0 };
    lexer.run()?;
    Ok(lexer.lexemes)
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn run(&mut self) -> Result<(), Fault> {
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

    fn push(&mut self, token: Token) {
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

    fn take(&mut self, length: usize, token: Token) {
        self.at += length;
        self.push(token);
    }

    fn step(&mut self) -> Result<(), Fault> {
        let Some(c) = self.rest().chars().next() else { return Ok(()) };
        let two = self.rest().as_bytes().get(1).copied().unwrap_or(b' ');
        match c {
            '0'..='9' => self.number(),
            '.' if two.is_ascii_digit() => self.number(),
            '.' if self.rest().starts_with("...") => self.take(3, Token::Ellipsis),
            '.' => self.at += 1,
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

    fn two_characters(&mut self) -> bool {
        let token = match self.rest().as_bytes().get(..2) {
            Some(b"<=") => Token::Relation(Relation::LessEqual),
            Some(b">=") => Token::Relation(Relation::GreaterEqual),
            Some(b"!=") => Token::Relation(Relation::NotEqual),
            Some(b"==") => Token::Relation(Relation::Equal),
            Some(b"**") => Token::Power,
            Some(b"->") => Token::Relation(Relation::Other("→")),
            Some(b"=>") => Token::Relation(Relation::Other("⇒")),

            _ => return false,
        };
        self.take(2, token);
        true
    }

    fn character(&mut self, c: char) {
        let token = match c {
            '+' => Token::Plus,
            '-' | '−' | '–' | '—' => Token::Minus,
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
            ',' | '，' => Token::Comma,
            ';' => Token::Semicolon,
            ':' => Token::Colon,
            '=' => Token::Relation(Relation::Equal),
            '<' => Token::Relation(Relation::Less),
            '>' => Token::Relation(Relation::Greater),
            '≤' | '⩽' => Token::Relation(Relation::LessEqual),
            '≥' | '⩾' => Token::Relation(Relation::GreaterEqual),
            '≠' => Token::Relation(Relation::NotEqual),
            '≈' => Token::Relation(Relation::Approximately),
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
            'π' => Token::Constant(Constant::Pi),
            '√' => Token::Command(Command::Root),
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
            '¥' => Token::Currency("yen"),
            '₹' => Token::Currency("rupee"),
            // A stray dollar sign is the end of a formula or an amount of money; the parser tells by its place.
            '$' => Token::Currency("dollar"),
            '"' | '`' | '“' | '”' | '\u{200b}' | '\u{feff}' => {
                self.at += c.len_utf8();
                return;
            }
            '²' => return self.superscript(c, "2"),
            '³' => return self.superscript(c, "3"),
            '¹' => return self.superscript(c, "1"),
            '⁰' => return self.superscript(c, "0"),
            '⁴' => return self.superscript(c, "4"),
            '⁵' => return self.superscript(c, "5"),
            '⁶' => return self.superscript(c, "6"),
            '⁷' => return self.superscript(c, "7"),
            '⁸' => return self.superscript(c, "8"),
            '⁹' => return self.superscript(c, "9"),
            '½' => return self.vulgar(c, "1", "2"),
            '⅓' => return self.vulgar(c, "1", "3"),
            '⅔' => return self.vulgar(c, "2", "3"),
            '¼' => return self.vulgar(c, "1", "4"),
            '¾' => return self.vulgar(c, "3", "4"),
            '⅛' => return self.vulgar(c, "1", "8"),
            _ => match greek_character(c) {
                Some(name) => Token::Letter(name.to_owned()),
                None => Token::Letter(c.to_string()),
            },
        };
        self.take(c.len_utf8(), token);
    }

    fn several<const N: usize>(&mut self, c: char, tokens: [Token; N]) {
        self.at += c.len_utf8();
        for token in tokens {
            self.push(token);
        }
    }

    fn superscript(&mut self, c: char, digit: &str) {
        self.several(c, [Token::Power, Token::Number(digit.to_owned())]);
    }

    fn vulgar(&mut self, c: char, numerator: &str, denominator: &str) {
        self.several(
            c,
            [
                Token::Command(Command::Fraction),
                Token::Number(numerator.to_owned()),
                Token::Number(denominator.to_owned()),
            ],
        );
    }

    fn number(&mut self) {
        let grouping = self.groupings.last().copied().unwrap_or(true);
        let (length, clean) = numerals::scan(self.rest(), grouping);
        self.take(length, Token::Number(clean));
    }

    /// A run of letters: a word that means something, a word of prose, or single letters.
    fn letters(&mut self) {
        let length = self.rest().bytes().take_while(u8::is_ascii_alphabetic).count();
        let run = self.rest()[..length].to_owned();
        let after_number = matches!(
            self.lexemes.last().map(|lexeme| &lexeme.token),
            Some(Token::Number(_) | Token::Close(_))
        );
        if length >= 2 {
            if let Some(token) = commands::plain_word(&run) {
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
            if is_prose(&run) {
                return self.take(length, Token::Text(run));
            }
        }
        let letter = &self.rest()[..1];
        // `I` is written for the imaginary unit, too, but `I_1` is a name.
        let named = self.rest()[1..].trim_start().starts_with('_');
        let token =
            if letter == "I" && !named { Token::Constant(Constant::I) } else { single_letter(letter) };
        self.take(1, token);
    }

    fn command(&mut self) -> Result<(), Fault> {
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

    fn symbol_command(&mut self, first: char) {
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

    fn meant(&mut self, meaning: Meaning, name: &str) -> Result<(), Fault> {
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

    /// What follows `\left` or `\right`.
    fn delimiter(&mut self, opens: bool) {
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
    fn braced(&mut self) -> Option<String> {
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
    fn words(&mut self, words: &str) -> Result<(), Fault> {
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
    fn inline(&mut self, text: &str) -> Result<(), Fault> {
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
    fn face(&mut self) -> Result<(), Fault> {
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

/// `e` and `i` are numbers; every other letter is a letter.
fn single_letter(letter: &str) -> Token {
    match letter {
        "e" => Token::Constant(Constant::E),
        "i" => Token::Constant(Constant::I),
        _ => Token::Letter(letter.to_owned()),
    }
}

/// Whether a run of letters is a word of prose and not a product: four letters or more with a vowel, not in
/// alphabetical order (as `abcd` would be), or a short answer that everybody writes.
fn is_prose(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "yes" | "no" | "odd" | "none" | "the" | "one" | "two" | "six" | "ten" | "for" | "if" | "is"
    ) {
        return lower != "is" || run == "is";
    }
    let vowels = lower.bytes().any(|b| b"aeiou".contains(&b));
    let alphabetical = lower.as_bytes().windows(2).all(|pair| pair[0] < pair[1]);
    let capitals = run.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    lower.len() >= 4 && vowels && !alphabetical && !capitals
}

fn greek_character(c: char) -> Option<&'static str> {
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
