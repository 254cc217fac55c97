//! `'%s' % x`: minijinja's `%` knows numbers only, and its operators cannot be taught. So a template in which the operator is
//! used is rewritten to call a function instead; everything else of it stays as it is, every line in its place.

/// The function that `a % b` becomes a call of.
pub(super) const FUNCTION: &str = "_percent";

/// The template with every `a % b` as `_percent(a, b)`.
pub(super) fn as_calls(template: &str) -> String {
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
        let code = Code::of(inner).rewritten();
        rewritten.extend([bounds[0], bounds[1], code.as_str(), bounds[2], bounds[3]]);
        if inner.trim() == "raw"
            && let Some(end) = end_of_raw(rest)
        {
            let (text, after) = rest.split_at(end);
            rewritten.push_str(text);
            rest = after;
        }
    }
    rewritten.push_str(rest);
    rewritten
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

#[derive(Clone, Copy)]
struct Token<'a> {
    space: &'a str,
    text: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text, a number or a name.
    Value,
    /// A word of the language that ends an operand.
    Word,
    Sign,
}

impl<'a> Code<'a> {
    fn of(code: &'a str) -> Code<'a> {
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
        Code { tokens, at: 0 }
    }

    fn rewritten(mut self) -> String {
        if !self.tokens.iter().any(|token| token.text == "%") {
            return self.tokens.iter().flat_map(|token| [token.space, token.text]).collect();
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
        token.map(|token| format!("{}{}", token.space, token.text)).unwrap_or_default()
    }

    /// A product, or a token that belongs to none.
    fn piece(&mut self) -> String {
        if !self.begins_operand() && !self.is_unary() {
            return self.take();
        }
        let mut product = self.operand();
        while let Some(sign) = self.peek().filter(|token| matches!(token.text, "*" | "/" | "//" | "%" | "**"))
        {
            let sign_text = self.take();
            if !self.begins_operand() && !self.is("-") && !self.is("+") {
                return product + &sign_text;
            }
            let right = self.operand();
            product = if sign.text == "%" {
                let (space, left) = product.split_at(product.len() - product.trim_start().len());
                format!("{space}{FUNCTION}({left}, {})", right.trim_start())
            } else {
                product + &sign_text + &right
            };
        }
        product
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
            text.push_str(&self.take());
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
            ("{{ 2 * n % 4 % 3 + 1 }}", "{{ _percent(_percent(2 * n, 4), 3) + 1 }}"),
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
            assert_eq!(as_calls(template), expected, "{template}");
        }
    }

    proptest! {
        #[test]
        fn a_template_without_the_operator_is_left_alone(pieces in proptest::collection::vec(
            prop_oneof![Just("{{"), Just("}}"), Just("{%"), Just("%}"), Just("{#"), Just("#}"), Just("raw"), Just("endraw"),
                Just(" "), Just("'"), Just("\""), Just("a.b"), Just("("), Just(")"), Just("{"), Just("}"), Just("-"), Just("é")], 0..24)) {
            let template = pieces.concat();
            prop_assert_eq!(as_calls(&template).replace(FUNCTION, ""), template);
        }
    }
}
