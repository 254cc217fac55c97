//! Rules that edit the tokens of a line.

use super::Bench;
use crate::code::syntax::{Line, Token, colon};
use tracelift_domain::FlawKind::{
    self, IgnoredConstraint, IncorrectLogic, MissingTypeGuard, OffByOne, WrongAlgorithmChoice,
};

/// Signs, what could wrongly stand in their place, and what kind of flaw that is.
const SIGNS: [(&str, &str, FlawKind, &str); 28] = [
    ("<", "<=", OffByOne, "bound"),
    ("<", ">", IncorrectLogic, "opposite_condition"),
    ("<=", "<", OffByOne, "bound"),
    ("<=", ">=", IncorrectLogic, "opposite_condition"),
    (">", ">=", OffByOne, "bound"),
    (">", "<", IncorrectLogic, "opposite_condition"),
    (">=", ">", OffByOne, "bound"),
    (">=", "<=", IncorrectLogic, "opposite_condition"),
    ("==", "!=", IncorrectLogic, "opposite_condition"),
    ("!=", "==", IncorrectLogic, "opposite_condition"),
    ("+", "-", IncorrectLogic, "other_operation"),
    ("-", "+", IncorrectLogic, "other_operation"),
    ("*", "+", IncorrectLogic, "other_operation"),
    ("/", "*", IncorrectLogic, "other_operation"),
    ("//", "*", IncorrectLogic, "other_operation"),
    ("%", "//", IncorrectLogic, "other_operation"),
    ("**", "*", IncorrectLogic, "other_operation"),
    ("&", "|", IncorrectLogic, "other_operation"),
    ("|", "&", IncorrectLogic, "other_operation"),
    ("^", "|", IncorrectLogic, "other_operation"),
    ("<<", ">>", IncorrectLogic, "other_operation"),
    (">>", "<<", IncorrectLogic, "other_operation"),
    ("+=", "-=", IncorrectLogic, "other_update"),
    ("-=", "+=", IncorrectLogic, "other_update"),
    ("*=", "+=", IncorrectLogic, "other_update"),
    ("/=", "*=", IncorrectLogic, "other_update"),
    ("//=", "*=", IncorrectLogic, "other_update"),
    ("%=", "//=", IncorrectLogic, "other_update"),
];

/// As [`SIGNS`], of words.
const WORDS: [(&str, &str, &str); 10] = [
    ("and", "or", "other_connective"),
    ("or", "and", "other_connective"),
    ("True", "False", "opposite_value"),
    ("False", "True", "opposite_value"),
    ("max", "min", "other_extreme"),
    ("min", "max", "other_extreme"),
    ("any", "all", "other_quantifier"),
    ("all", "any", "other_quantifier"),
    ("isupper", "islower", "opposite_condition"),
    ("islower", "isupper", "opposite_condition"),
];

/// Functions of one argument for which the argument itself could wrongly stand.
const CALLS: [(&str, FlawKind, &str); 9] = [
    ("int", MissingTypeGuard, "no_conversion"),
    ("str", MissingTypeGuard, "no_conversion"),
    ("float", MissingTypeGuard, "no_conversion"),
    ("list", MissingTypeGuard, "no_conversion"),
    ("tuple", MissingTypeGuard, "no_conversion"),
    ("set", IgnoredConstraint, "forgotten_distinctness"),
    ("abs", IgnoredConstraint, "forgotten_sign"),
    ("sorted", WrongAlgorithmChoice, "no_sorting"),
    ("reversed", IncorrectLogic, "forgotten_reversal"),
];

/// Makes what rules make of a line.
pub(super) fn mutate(bench: &mut Bench<'_>, line: &Line) {
    let cursor = Cursor { line };
    let mut loops = false;
    for at in 0..line.tokens.len() {
        match &line.tokens[at] {
            Token::Sign(sign) => cursor.sign(bench, at, sign),
            Token::Number(number) => cursor.number(bench, at, number),
            Token::Text(_) => {}
            Token::Name(name) => match name.as_str() {
                "for" => loops = true,
                "in" if loops => loops = false,
                "in" | "is" | "not" => cursor.negate(bench, at, name),
                "if" if at > 0 => cursor.comprehension(bench, at),
                _ => cursor.name(bench, at, name),
            },
        }
    }
    if matches!(line.first(), "if" | "elif" | "while")
        && let Some(colon) = colon(&line.tokens)
    {
        cursor.conjunction(bench, 1, colon);
    }
}

struct Cursor<'l> {
    line: &'l Line,
}

impl Cursor<'_> {
    fn is(&self, at: usize, sign: &str) -> bool {
        self.line.tokens.get(at).is_some_and(|token| token.is(sign))
    }

    fn word(&self, at: usize) -> &str {
        self.line.tokens.get(at).map_or("", Token::word)
    }

    fn number_is(&self, at: usize, wanted: &str) -> bool {
        matches!(self.line.tokens.get(at), Some(Token::Number(number)) if number == wanted)
    }

    fn start(&self, at: usize) -> usize {
        self.line.places[at].start
    }

    fn end(&self, at: usize) -> usize {
        self.line.places[at].end
    }

    /// Whether an operand ends before a token, so that a sign there stands between two.
    fn follows_operand(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        match &self.line.tokens[before] {
            Token::Number(_) | Token::Text(_) => true,
            Token::Name(name) => !matches!(
                name.as_str(),
                "and"
                    | "or"
                    | "not"
                    | "in"
                    | "is"
                    | "if"
                    | "elif"
                    | "else"
                    | "return"
                    | "for"
                    | "while"
                    | "lambda"
            ),
            Token::Sign(sign) => matches!(*sign, ")" | "]" | "}"),
        }
    }

    /// The bracket that closes the one at `open`.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        (open..self.line.tokens.len()).find(|at| {
            match &self.line.tokens[*at] {
                Token::Sign("(" | "[" | "{") => depth += 1,
                Token::Sign(")" | "]" | "}") => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    }

    /// The tokens from `from` to before `to` that stand in no bracket between.
    fn outside(&self, from: usize, to: usize) -> Vec<usize> {
        let (mut at, mut found) = (from, Vec::new());
        while at < to {
            found.push(at);
            at = match &self.line.tokens[at] {
                Token::Sign("(" | "[" | "{") => self.closing(at).map_or(to, |close| close + 1),
                _ => at + 1,
            };
        }
        found
    }

    /// The parts between `from` and `to` that a sign outside of inner brackets separates.
    fn parts(&self, from: usize, to: usize, sign: &str) -> Vec<(usize, usize)> {
        let mut parts = Vec::new();
        let mut start = from;
        for at in self.outside(from, to) {
            if self.is(at, sign) {
                parts.push((start, at));
                start = at + 1;
            }
        }
        parts.push((start, to));
        parts
    }

    fn sign(&self, bench: &mut Bench<'_>, at: usize, sign: &str) {
        if sign == "[" {
            return self.slice(bench, at);
        }
        if !self.follows_operand(at) {
            return;
        }
        let binds = ["*", "/", "//", "%", "**", ".", "(", "["].iter().any(|sign| self.is(at + 2, sign));
        if matches!(sign, "+" | "-") && self.number_is(at + 1, "1") && !binds {
            bench.make(OffByOne, "missing_one", &[(self.end(at - 1)..self.end(at + 1), "")]);
        }
        for (right, wrong, kind, rule) in SIGNS {
            if right == sign {
                bench.make(kind, rule, &[(self.line.places[at].clone(), wrong)]);
            }
        }
    }

    fn number(&self, bench: &mut Bench<'_>, at: usize, number: &str) {
        let place = self.line.places[at].clone();
        let before = at.checked_sub(1);
        let after = |sign: &str| before.is_some_and(|before| self.is(before, sign));
        let next = match number {
            "0" => "1",
            "1" => "2",
            _ => return,
        };
        let open = if after("-") { at.checked_sub(2) } else { before };
        let indexes = open.is_some_and(|open| self.is(open, "[") && self.follows_operand(open));
        if indexes && self.is(at + 1, "]") {
            bench.make(OffByOne, "next_item", &[(place, next)]);
        } else if after("=") && at + 1 == self.line.tokens.len() {
            bench.make(OffByOne, "other_start", &[(place, if number == "0" { "1" } else { "0" })]);
        }
    }

    /// `in`, `not in`, `is`, `is not` and `not`, turned into their opposites.
    fn negate(&self, bench: &mut Bench<'_>, at: usize, word: &str) {
        let place = self.line.places[at].clone();
        let before = at.checked_sub(1).map_or("", |before| self.word(before));
        match (word, before, self.word(at + 1)) {
            ("in", "not", _) => {
                let not = self.start(at - 1)..place.start;
                bench.make(IncorrectLogic, "opposite_condition", &[(not, "")]);
            }
            ("in", ..) => bench.make(IncorrectLogic, "opposite_condition", &[(place, "not in")]),
            ("is", _, "not") => {
                bench.make(IncorrectLogic, "opposite_condition", &[(place.end..self.end(at + 1), "")]);
            }
            ("is", ..) => bench.make(IncorrectLogic, "opposite_condition", &[(place, "is not")]),
            ("not", "is", _) | ("not", _, "in") => {}
            _ if at + 1 < self.line.tokens.len() => {
                bench.make(IncorrectLogic, "negation", &[(place.start..self.start(at + 1), "")]);
            }
            _ => {}
        }
    }

    fn name(&self, bench: &mut Bench<'_>, at: usize, name: &str) {
        let place = self.line.places[at].clone();
        let member = at > 0 && self.is(at - 1, ".");
        let named = at > 1 && self.is(at - 1, "=") && self.word(at - 2) == "reverse";
        for (right, wrong, rule) in WORDS {
            if right == name && named {
                bench.make(IgnoredConstraint, "other_order", &[(place.clone(), wrong)]);
            } else if right == name {
                bench.make(IncorrectLogic, rule, &[(place.clone(), wrong)]);
            }
        }
        if !self.is(at + 1, "(") {
            return;
        }
        let Some(close) = self.closing(at + 1) else { return };
        if member && close == at + 2 && matches!(name, "lower" | "upper" | "strip") {
            bench.make(IgnoredConstraint, "forgotten_form", &[(self.start(at - 1)..self.end(close), "")]);
        }
        let arguments: Vec<_> =
            self.parts(at + 2, close, ",").into_iter().filter(|(from, to)| from < to).collect();
        for (called, kind, rule) in CALLS {
            if called == name && !member && arguments.len() == 1 {
                bench.make(kind, rule, &[(place.clone(), "")]);
            }
        }
        match name {
            "range" if !member => self.range(bench, &arguments),
            "sorted" | "sort" | "min" | "max" => self.ordering(bench, name, close, &arguments),
            _ => {}
        }
    }

    /// The order of a call that sorts, and its key.
    fn ordering(&self, bench: &mut Bench<'_>, name: &str, close: usize, arguments: &[(usize, usize)]) {
        let keyword = |wanted: &str| {
            arguments.iter().position(|(from, _)| self.word(*from) == wanted && self.is(*from + 1, "="))
        };
        if let Some(key) = keyword("key") {
            // With the comma before it, or after it where it comes first.
            let range = match (key.checked_sub(1), arguments.get(key + 1)) {
                (Some(before), _) => self.end(arguments[before].1 - 1)..self.end(arguments[key].1 - 1),
                (None, Some(next)) => self.start(arguments[key].0)..self.start(next.0),
                (None, None) => self.start(arguments[key].0)..self.start(close),
            };
            bench.make(IgnoredConstraint, "forgotten_key", &[(range, "")]);
        }
        if matches!(name, "sorted" | "sort") && keyword("reverse").is_none() {
            let end = self.start(close);
            let text = if arguments.is_empty() { "reverse=True" } else { ", reverse=True" };
            bench.make(IgnoredConstraint, "other_order", &[(end..end, text)]);
        }
    }

    fn range(&self, bench: &mut Bench<'_>, arguments: &[(usize, usize)]) {
        let Some(first) = arguments.first() else { return };
        let start = self.start(first.0);
        match arguments {
            [end] => {
                bench.make(OffByOne, "range_start", &[(start..start, "1, ")]);
                self.bound(bench, "range_end", *end);
            }
            [from, end, ..] => {
                self.bound(bench, "range_end", *end);
                if self.number_is(from.0, "0") && from.1 == from.0 + 1 {
                    bench.make(OffByOne, "range_start", &[(self.line.places[from.0].clone(), "1")]);
                } else if self.number_is(from.0, "1") && from.1 == from.0 + 1 {
                    bench.make(OffByOne, "range_start", &[(self.line.places[from.0].clone(), "0")]);
                } else {
                    self.bound(bench, "range_start", *from);
                }
            }
            [] => {}
        }
        if let [_, end, step] = arguments {
            let range = self.end(end.1 - 1)..self.end(step.1 - 1);
            bench.make(IgnoredConstraint, "forgotten_step", &[(range, "")]);
        }
    }

    /// One more and one less than an expression that bounds something; where 1 is added or taken away already, its absence
    /// is the flaw, and another rule's.
    fn bound(&self, bench: &mut Bench<'_>, rule: &'static str, (from, to): (usize, usize)) {
        let loose = |at: &usize| matches!(self.word(*at), "if" | "lambda" | "and" | "or" | "not" | "for");
        let shifted =
            to >= from + 2 && self.number_is(to - 1, "1") && (self.is(to - 2, "+") || self.is(to - 2, "-"));
        if from >= to || shifted || self.outside(from, to).iter().any(loose) {
            return;
        }
        let end = self.end(to - 1);
        for text in [" + 1", " - 1"] {
            bench.make(OffByOne, rule, &[(end..end, text)]);
        }
    }

    fn slice(&self, bench: &mut Bench<'_>, open: usize) {
        let Some(close) = self.closing(open).filter(|_| self.follows_operand(open)) else { return };
        let parts = self.parts(open + 1, close, ":");
        let empty = |(from, to): &(usize, usize)| from == to;
        let &[from, to, ref step @ ..] = parts.as_slice() else { return };
        if let [step] = step
            && empty(&from)
            && empty(&to)
        {
            if step.1 == step.0 + 2 && self.is(step.0, "-") && self.number_is(step.0 + 1, "1") {
                let all = self.start(open)..self.end(close);
                bench.make(IncorrectLogic, "forgotten_reversal", &[(all, "")]);
            }
            return;
        }
        self.bound(bench, "slice_start", from);
        self.bound(bench, "slice_end", to);
    }

    /// The condition of a comprehension.
    fn comprehension(&self, bench: &mut Bench<'_>, at: usize) {
        let mut depth = 0_i32;
        let mut inside = false;
        // Backwards to the bracket that it stands in, looking for its `for`.
        for before in (0..at).rev() {
            match &self.line.tokens[before] {
                Token::Sign(")" | "]" | "}") => depth += 1,
                Token::Sign("(" | "[" | "{") if depth == 0 => break,
                Token::Sign("(" | "[" | "{") => depth -= 1,
                Token::Name(word) if depth == 0 && word == "for" => inside = true,
                _ => {}
            }
        }
        let mut end = at + 1;
        while end < self.line.tokens.len() && !matches!(self.line.tokens[end], Token::Sign(")" | "]" | "}")) {
            if matches!(self.word(end), "for" | "if") {
                break;
            }
            if self.word(end) == "else" {
                return;
            }
            end = match &self.line.tokens[end] {
                Token::Sign("(" | "[" | "{") => self.closing(end).unwrap_or(end) + 1,
                _ => end + 1,
            };
        }
        if inside && end < self.line.tokens.len() {
            let range = self.end(at - 1)..self.end(end - 1);
            bench.make(IgnoredConstraint, "forgotten_condition", &[(range, "")]);
            self.conjunction(bench, at + 1, end);
        }
    }

    /// A condition of several parts, of which one is forgotten.
    fn conjunction(&self, bench: &mut Bench<'_>, from: usize, to: usize) {
        let outside = self.outside(from, to);
        if outside.iter().any(|at| matches!(self.word(*at), "or" | "if" | "lambda")) {
            return;
        }
        let joints: Vec<usize> = outside.into_iter().filter(|at| self.word(*at) == "and").collect();
        let (Some(first), Some(last)) = (joints.first(), joints.last()) else { return };
        if *first == from || last + 1 >= to {
            return;
        }
        let head = self.start(from)..self.start(first + 1);
        bench.make(IgnoredConstraint, "forgotten_part", &[(head, "")]);
        let tail = self.end(last - 1)..self.end(to - 1);
        bench.make(IgnoredConstraint, "forgotten_part", &[(tail, "")]);
    }
}
