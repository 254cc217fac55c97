//! What of Python's syntax minijinja has otherwise, and cannot be taught: its `%` knows numbers only, its `*` repeats nothing
//! less than no time, it has no sign `+`, and texts are escaped by other rules. So a template in which that is used is
//! rewritten: operators to calls of functions, texts to those that say the same. Everything else of it stays as it is, every
//! line in its place.

use super::scopes::Scopes;
use std::borrow::Cow;

/// The function that `a % b` becomes a call of.
pub(super) const PERCENT: &str = "_percent";
/// The function that `a * b` becomes a call of.
pub(super) const TIMES: &str = "_times";

/// The template with every `a % b` as `_percent(a, b)`, every `a * b` as `_times(a, b)`, texts as minijinja writes them, and
/// statements whose names mean something else there as [`Scopes`] has them.
///
/// # Errors
/// What cannot be rewritten, with its line.
pub(super) fn as_calls(template: &str) -> Result<String, String> {
    let mut scopes = Scopes::default();
    let mut rewritten = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        let (before, block) = rest.split_at(start);
        rewritten.push_str(before);
        let end = match &block[..2] {
            "{#" => block.find("#}").map(|end| end + 2),
            open => end_of_code(block, if open == "{{" { "}}" } else { "%}" }),
        };
        let Some(end) = end else {
            // What does not end is the parser's to complain about.
            rest = block;
            break;
        };
        let (block, after) = block.split_at(end);
        rest = after;
        if block.starts_with("{#") {
            rewritten.push_str(block);
            continue;
        }
        let inner = &block[2..block.len() - 2];
        // The sign of a block that takes white space away belongs to its bounds.
        let opening = inner.len() - inner.trim_start_matches(['-', '+']).len().min(inner.len());
        let (opening, inner) = inner.split_at(opening.min(1));
        let closing = usize::from(inner.ends_with(['-', '+']));
        let (inner, closing) = inner.split_at(inner.len() - closing);
        let bounds = [&block[..2], opening, closing, &block[block.len() - 2..]];
        let code = |code: &str| Code::of(code).rewritten();
        if !block.starts_with("{%") {
            rewritten.extend([bounds[0], bounds[1], code(inner).as_str(), bounds[2], bounds[3]]);
            continue;
        }
        let line = || template[..template.len() - rest.len()].matches('\n').count() + 1;
        let statement = scopes.statement(inner).map_err(|why| format!("{why} (line {})", line()))?;
        let own = statement.code.as_deref().unwrap_or(inner);
        let all: Vec<&str> = statement
            .before
            .iter()
            .map(String::as_str)
            .chain([own])
            .chain(statement.behind.iter().map(String::as_str))
            .collect();
        for (at, part) in all.iter().enumerate() {
            // White space before the first and behind the last is the statement's own.
            let opening = if at == 0 { opening } else { "" };
            let closing = if at + 1 == all.len() { closing } else { "" };
            let space = if all.len() > 1 { " " } else { "" };
            rewritten.extend(["{%", opening, space, code(part).as_str(), space, closing, "%}"]);
        }
        if inner.trim() == "raw"
            && let Some(end) = end_of_raw(rest)
        {
            let (text, after) = rest.split_at(end);
            // The end of a line that `trim_blocks` takes away behind other blocks stays behind this one.
            if closing.is_empty() && text.starts_with('\n') {
                rewritten.push('\n');
            }
            rewritten.push_str(text);
            rest = after;
        }
    }
    rewritten.push_str(rest);
    Ok(rewritten)
}

/// Where a block of code ends, quotes and brackets heeded.
fn end_of_code(block: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0_usize;
    for (i, c) in block.char_indices().skip(2) {
        match quote {
            Some(open) => {
                if c == open && !escaped {
                    quote = None;
                }
                escaped = c == '\\' && !escaped;
            }
            // A dictionary may end where the block does.
            None if (depth == 0 || close == "%}") && block[i..].starts_with(close) => return Some(i + 2),
            None => match c {
                '\'' | '"' => (quote, escaped) = (Some(c), false),
                '{' => depth += 1,
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
    }
    None
}

fn end_of_raw(text: &str) -> Option<usize> {
    text.match_indices("{%").find_map(|(i, _)| {
        let name = text[i + 2..].trim_start_matches(['-', '+']).trim_start();
        name.starts_with("endraw").then_some(i)
    })
}

/// The code of one block, as tokens with the space before each.
struct Code<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

/// A word, a sign, a number or a text, and the space before it.
#[derive(Clone, Copy)]
pub(super) struct Token<'a> {
    pub space: &'a str,
    pub text: &'a str,
    pub kind: Kind,
}

impl Token<'_> {
    /// Space and text, as minijinja reads them.
    fn written(&self) -> String {
        let text = if self.text.starts_with(['\'', '"']) { plain(self.text) } else { self.text.into() };
        format!("{}{text}", self.space)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text, a number or a name.
    Value,
    /// A word of the language that ends an operand.
    Word,
    Sign,
}

/// The tokens of some code.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    const WORDS: [&str; 8] = ["and", "else", "if", "in", "is", "not", "or", "recursive"];
    let mut tokens = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (space, after) = rest.split_at(rest.len() - rest.trim_start().len());
        let length = token(after);
        let (text, after) = after.split_at(length);
        let kind = match text.chars().next() {
            Some(c) if c.is_alphabetic() || c == '_' => {
                if WORDS.contains(&text) {
                    Kind::Word
                } else {
                    Kind::Value
                }
            }
            Some('0'..='9' | '\'' | '"') => Kind::Value,
            _ => Kind::Sign,
        };
        tokens.push(Token { space, text, kind });
        rest = after;
    }
    tokens
}

impl<'a> Code<'a> {
    fn of(code: &'a str) -> Code<'a> {
        Code { tokens: tokens(code), at: 0 }
    }

    fn rewritten(mut self) -> String {
        if !self.tokens.iter().any(|token| matches!(token.text, "%" | "*" | "+")) {
            return self.tokens.iter().map(Token::written).collect();
        }
        let mut text = String::new();
        while self.at < self.tokens.len() {
            text.push_str(&self.piece());
        }
        text
    }
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Sign && token.text == text)
    }

    /// The next token as it is.
    fn take(&mut self) -> String {
        let token = self.peek();
        self.at += 1;
        token.map(|token| token.written()).unwrap_or_default()
    }

    /// A product, or a token that belongs to none.
    fn piece(&mut self) -> String {
        if !self.begins_operand() && !self.is_unary() {
            return self.take();
        }
        let mut product = self.power();
        while let Some(sign) = self.peek().filter(|token| matches!(token.text, "*" | "/" | "//" | "%")) {
            let sign_text = self.take();
            if !self.begins_operand() && !self.is("-") && !self.is("+") {
                return product + &sign_text;
            }
            let right = self.power();
            let function = match sign.text {
                "%" => Some(PERCENT),
                "*" => Some(TIMES),
                _ => None,
            };
            product = match function {
                Some(function) => {
                    let (space, left) = product.split_at(product.len() - product.trim_start().len());
                    format!("{space}{function}({left}, {})", right.trim_start())
                }
                None => product + &sign_text + &right,
            };
        }
        product
    }

    /// A value, or powers of one; they come before products.
    fn power(&mut self) -> String {
        let mut power = self.operand();
        while self.is("**") {
            power.push_str(&self.take());
            power.push_str(&self.operand());
        }
        power
    }

    /// Whether a sign belongs to the value behind it, and does not part two.
    fn is_unary(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let ends = |token: &Token<'_>| token.kind == Kind::Value || matches!(token.text, ")" | "]" | "}");
        (self.is("-") || self.is("+")) && !before.is_some_and(ends)
    }

    fn begins_operand(&self) -> bool {
        self.peek().is_some_and(|token| match token.kind {
            Kind::Value => true,
            Kind::Word => false,
            Kind::Sign => matches!(token.text, "(" | "[" | "{"),
        })
    }

    /// A value with its attributes, calls, items and filters, and the signs before it.
    fn operand(&mut self) -> String {
        let mut text = String::new();
        while self.is("-") || self.is("+") {
            // The sign `+` says nothing.
            match self.is("+") {
                true => {
                    text.push_str(self.peek().map_or("", |token| token.space));
                    self.at += 1;
                }
                false => text.push_str(&self.take()),
            }
        }
        text.push_str(&self.primary());
        loop {
            if self.is("(") || self.is("[") {
                text.push_str(&self.group());
            } else if self.is(".") || self.is("|") {
                text.push_str(&self.take());
                text.push_str(&self.take());
            } else if self.peek().is_some_and(|token| token.text.starts_with(['\'', '"']))
                && text.ends_with(['\'', '"'])
            {
                // Texts beside one another are one text.
                text.push_str(&self.take());
            } else {
                return text;
            }
        }
    }

    fn primary(&mut self) -> String {
        if self.is("(") || self.is("[") || self.is("{") { self.group() } else { self.take() }
    }

    /// What stands in brackets, with them.
    fn group(&mut self) -> String {
        let mut text = self.take();
        while self.at < self.tokens.len() {
            if self.is(")") || self.is("]") || self.is("}") {
                return text + &self.take();
            }
            text.push_str(&self.piece());
        }
        text
    }
}

/// A text between its quotes, with what Python's escapes stand for. What minijinja reads alike stays as it is.
fn plain(quoted: &str) -> Cow<'_, str> {
    // Half a character, written by its code, needs the other half.
    let is_known = |after: &str| {
        after.starts_with(['n', 'r', 't', '\\', '\'', '"'])
            || after.starts_with('u') && code(&after[1..], 4, 16).is_some()
    };
    let mut rest = quoted;
    let known = loop {
        let Some((_, after)) = rest.split_once('\\') else { break true };
        if !is_known(after) {
            break false;
        }
        let mut chars = after.chars();
        chars.next();
        rest = chars.as_str();
    };
    if known {
        return quoted.into();
    }
    let mut text = String::new();
    let mut rest = quoted;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = after.chars();
        let Some(escaped) = chars.next() else {
            rest = after;
            text.push('\\');
            break;
        };
        rest = chars.as_str();
        let mut coded = |length: usize, base: u32, rest: &mut &str| match code(rest, length, base) {
            Some(value) if char::from_u32(value).is_some() => {
                *rest = &rest[length..];
                push(&mut text, char::from_u32(value).unwrap_or_default());
                true
            }
            _ => false,
        };
        let done = match escaped {
            '\n' => true,
            'a' | 'b' | 'f' | 'v' => {
                let control = match escaped {
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    _ => '\u{b}',
                };
                text.push(control);
                true
            }
            'x' => coded(2, 16, &mut rest),
            'U' => coded(8, 16, &mut rest),
            '0'..='7' => {
                let digits = after.chars().take(3).take_while(|c| c.is_digit(8)).count();
                rest = after;
                coded(digits, 8, &mut rest)
            }
            _ if is_known(after) => {
                text.extend(['\\', escaped]);
                true
            }
            _ => false,
        };
        if !done {
            // Python leaves what it does not know as it is.
            text.push_str("\\\\");
            rest = after;
        }
    }
    text.push_str(rest);
    text.into()
}

/// The number that the first so many digits of a text write.
fn code(text: &str, length: usize, base: u32) -> Option<u32> {
    let digits = text.get(..length).filter(|digits| digits.chars().all(|c| c.is_digit(base)))?;
    u32::from_str_radix(digits, base).ok()
}

/// A character inside of quotes.
fn push(text: &mut String, c: char) {
    if matches!(c, '\\' | '\'' | '"') {
        text.push('\\');
    }
    text.push(c);
}

/// The length of the token that a text begins with.
fn token(text: &str) -> usize {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return 0 };
    let word = |c: char| c.is_alphanumeric() || c == '_';
    match first {
        '\'' | '"' => {
            let mut escaped = false;
            for (i, c) in text.char_indices().skip(1) {
                if c == first && !escaped {
                    return i + 1;
                }
                escaped = c == '\\' && !escaped;
            }
            text.len()
        }
        c if word(c) => text.find(|c| !word(c)).unwrap_or(text.len()),
        _ if text.starts_with("//") || text.starts_with("**") => 2,
        c => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_operator_becomes_a_call_and_nothing_else_changes() {
        for (template, expected) in [
            ("100 % {{ a }} %}", "100 % {{ a }} %}"),
            ("{% if x %}a % b{% endif %}{# a % b #}", "{% if x %}a % b{% endif %}{# a % b #}"),
            ("{{ '50 % of' }}", "{{ '50 % of' }}"),
            ("{{ a % b }}", "{{ _percent(a, b) }}"),
            ("{%- if loop.index0 % 2 == 0 -%}", "{%- if _percent(loop.index0, 2) == 0 -%}"),
            ("{{ 'a %s' % (x, y) | upper ~ z }}", "{{ _percent('a %s', (x, y) | upper) ~ z }}"),
            ("{{ 2 * n % 4 % 3 + 1 }}", "{{ _percent(_percent(_times(2, n), 4), 3) + 1 }}"),
            ("{{ a / b * c // d }}", "{{ _times(a / b, c) // d }}"),
            ("{{ a % b ** 2 * -c }}", "{{ _times(_percent(a, b ** 2), -c) }}"),
            ("{{ +a - +b + (+c) }}", "{{ a - b + (c) }}"),
            ("{{ f(*xs, **d) }}", "{{ f(*xs, **d) }}"),
            (r"{{ 'a\n\'\u00e9\\' }}", r"{{ 'a\n\'\u00e9\\' }}"),
            (r"{{ '\x41\101\q\U0001F600\/\n' }}", r"{{ 'AA\\q😀\\/\n' }}"),
            (r"{{ '\x27\x5c\ud83d\ude00' }}", r"{{ '\'\\\ud83d\ude00' }}"),
            ("{{ 'a\\\nb' }}", "{{ 'ab' }}"),
            ("{% raw %}\na{% endraw %}", "{% raw %}\n\na{% endraw %}"),
            ("{{ f(a % b)[c % d].e }}", "{{ f(_percent(a, b))[_percent(c, d)].e }}"),
            ("{{ {'a': n % -2} }}", "{{ {'a': _percent(n, -2)} }}"),
            (
                "{% raw %}{{ a % b }}{% endraw %}{{ a%b }}",
                "{% raw %}{{ a % b }}{% endraw %}{{ _percent(a, b) }}",
            ),
            ("{{ -7 % 3 - -n % 2 }}", "{{ _percent(-7, 3) - _percent(-n, 2) }}"),
            ("{{ not a % 2 and b % 2 }}", "{{ not _percent(a, 2) and _percent(b, 2) }}"),
            ("{{ 'a' 'b%s' % c }}", "{{ _percent('a' 'b%s', c) }}"),
            ("{{ a % b", "{{ a % b"),
        ] {
            assert_eq!(as_calls(template).unwrap(), expected, "{template}");
        }
    }

    proptest! {
        #[test]
        fn a_template_without_the_operator_is_left_alone(pieces in proptest::collection::vec(
            prop_oneof![Just("{{"), Just("}}"), Just("{%"), Just("%}"), Just("{#"), Just("#}"), Just("raw"), Just("endraw"),
                Just(" "), Just("'"), Just("\""), Just("a.b"), Just("("), Just(")"), Just("{"), Just("}"), Just("-"), Just("é")], 0..24)) {
            let template = pieces.concat();
            prop_assert_eq!(as_calls(&template).unwrap(), template);
        }
    }
}
