//! Expressions as trees.

use super::lines::Token;

/// How deep they may nest.
const DEPTH: usize = 40;

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A name.
    Name(String),
    /// A number.
    Number(String),
    /// A text.
    Text(String),
    /// `left sign right`: arithmetic, comparison, `and`, `or`, `in`, `not in`, `is`.
    Binary(String, Box<Tree>, Box<Tree>),
    /// `not x`, `-x`.
    Unary(String, Box<Tree>),
    /// `f(a, b, name=c)`; keyword arguments keep their name.
    Call(Box<Tree>, Vec<(Option<String>, Tree)>),
    /// `x.name`.
    Member(Box<Tree>, String),
    /// `x[i]`.
    Item(Box<Tree>, Box<Tree>),
    /// `x[from:to:step]`.
    Slice(Box<Tree>, [Option<Box<Tree>>; 3]),
    /// `[…]`, `(…)`, `{…}`: its opening bracket and elements; of a dictionary keys and values in turn.
    Display(char, Vec<Tree>),
    /// `element for target in source if condition`, with its opening bracket (`(` in a call); of several `for` the
    /// first.
    Comprehension(char, Box<Tree>, Box<Tree>, Box<Tree>, Option<Box<Tree>>),
    /// `yes if condition else no`.
    Choice(Box<Tree>, Box<Tree>, Box<Tree>),
    /// `lambda …: body`.
    Lambda(Vec<String>, Box<Tree>),
}

/// Reads tokens as one expression (a bare tuple is one).
#[must_use]
pub fn expression(tokens: &[Token]) -> Option<Tree> {
    let mut parser = Parser { tokens, at: 0 };
    let tree = parser.tuple(0)?;
    (parser.at == tokens.len()).then_some(tree)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

/// Binary signs by how tightly they bind, loosest first.
const LEVELS: [&[&str]; 7] = [
    &["<", ">", "==", "!=", "<=", ">="],
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "//", "%", "@"],
];

impl Parser<'_> {
    fn sign(&self, sign: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if *s == sign)
    }

    fn word(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Name(w)) if w == word)
    }

    fn take(&mut self, sign: &str) -> Option<()> {
        self.sign(sign).then(|| self.at += 1)
    }

    fn take_word(&mut self, word: &str) -> Option<()> {
        self.word(word).then(|| self.at += 1)
    }

    fn tuple(&mut self, depth: usize) -> Option<Tree> {
        let first = self.choice(depth)?;
        if !self.sign(",") {
            return Some(first);
        }
        let mut all = vec![first];
        while self.take(",").is_some() {
            if self.at == self.tokens.len() || self.sign(")") || self.sign("]") || self.sign("=") {
                break;
            }
            all.push(self.choice(depth)?);
        }
        Some(Tree::Display('(', all))
    }

    fn choice(&mut self, depth: usize) -> Option<Tree> {
        if depth > DEPTH {
            return None;
        }
        if self.take_word("lambda").is_some() {
            let mut names = Vec::new();
            while self.take(":").is_none() {
                match self.tokens.get(self.at)? {
                    Token::Name(name) => names.push(name.clone()),
                    Token::Sign(",") => {}
                    _ => return None,
                }
                self.at += 1;
            }
            return Some(Tree::Lambda(names, Box::new(self.choice(depth + 1)?)));
        }
        let yes = self.either(depth)?;
        if self.take_word("if").is_none() {
            return Some(yes);
        }
        let condition = self.either(depth + 1)?;
        self.take_word("else")?;
        let no = self.choice(depth + 1)?;
        Some(Tree::Choice(Box::new(yes), Box::new(condition), Box::new(no)))
    }

    fn either(&mut self, depth: usize) -> Option<Tree> {
        let mut left = self.both(depth)?;
        while self.take_word("or").is_some() {
            left = Tree::Binary("or".into(), Box::new(left), Box::new(self.both(depth)?));
        }
        Some(left)
    }

    fn both(&mut self, depth: usize) -> Option<Tree> {
        let mut left = self.negation(depth)?;
        while self.take_word("and").is_some() {
            left = Tree::Binary("and".into(), Box::new(left), Box::new(self.negation(depth)?));
        }
        Some(left)
    }

    fn negation(&mut self, depth: usize) -> Option<Tree> {
        if depth > DEPTH {
            return None;
        }
        if self.take_word("not").is_some() {
            return Some(Tree::Unary("not".into(), Box::new(self.negation(depth + 1)?)));
        }
        self.level(0, depth)
    }

    fn level(&mut self, level: usize, depth: usize) -> Option<Tree> {
        let Some(signs) = LEVELS.get(level) else { return self.unary(depth) };
        let mut left = self.level(level + 1, depth)?;
        loop {
            let sign = match self.tokens.get(self.at) {
                Some(Token::Sign(sign)) if signs.contains(sign) => (*sign).to_owned(),
                Some(Token::Name(word)) if level == 0 && word == "in" => "in".into(),
                Some(Token::Name(word)) if level == 0 && word == "is" => {
                    self.at += 1;
                    if !self.word("not") {
                        self.at -= 1;
                    }
                    if self.word("not") { "!=".into() } else { "==".into() }
                }
                Some(Token::Name(word)) if level == 0 && word == "not" => {
                    self.at += 1;
                    if !self.word("in") {
                        return None;
                    }
                    "not in".into()
                }
                _ => return Some(left),
            };
            self.at += 1;
            let right = self.level(level + 1, depth)?;
            // `a < b < c` is two comparisons of which both hold.
            left = match left {
                Tree::Binary(before, a, b) if level == 0 && LEVELS[0].contains(&before.as_str()) => {
                    let second = Tree::Binary(sign, b.clone(), Box::new(right));
                    Tree::Binary("and".into(), Box::new(Tree::Binary(before, a, b)), Box::new(second))
                }
                left => Tree::Binary(sign, Box::new(left), Box::new(right)),
            };
        }
    }

    fn unary(&mut self, depth: usize) -> Option<Tree> {
        if depth > DEPTH {
            return None;
        }
        for sign in ["-", "+", "*", "**"] {
            if self.take(sign).is_some() {
                return Some(Tree::Unary(sign.to_owned(), Box::new(self.unary(depth + 1)?)));
            }
        }
        let base = self.postfix(depth)?;
        if self.take("**").is_some() {
            let power = self.unary(depth + 1)?;
            return Some(Tree::Binary("**".into(), Box::new(base), Box::new(power)));
        }
        Some(base)
    }

    fn postfix(&mut self, depth: usize) -> Option<Tree> {
        let mut tree = self.atom(depth)?;
        loop {
            if self.take(".").is_some() {
                let Some(Token::Name(name)) = self.tokens.get(self.at) else { return None };
                tree = Tree::Member(Box::new(tree), name.clone());
                self.at += 1;
            } else if self.take("(").is_some() {
                tree = Tree::Call(Box::new(tree), self.arguments(depth)?);
            } else if self.take("[").is_some() {
                tree = self.subscript(tree, depth)?;
            } else {
                return Some(tree);
            }
        }
    }

    fn arguments(&mut self, depth: usize) -> Option<Vec<(Option<String>, Tree)>> {
        let mut arguments = Vec::new();
        while self.take(")").is_none() {
            let name = match (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
                (Some(Token::Name(name)), Some(Token::Sign("="))) => {
                    self.at += 2;
                    Some(name.clone())
                }
                _ => None,
            };
            let value = self.choice(depth + 1)?;
            let value = if self.word("for") { self.comprehension('(', value, depth)? } else { value };
            arguments.push((name, value));
            if self.take(",").is_none() && !self.sign(")") {
                return None;
            }
        }
        Some(arguments)
    }

    fn subscript(&mut self, of: Tree, depth: usize) -> Option<Tree> {
        let mut parts: [Option<Box<Tree>>; 3] = [None, None, None];
        let (mut part, mut sliced) = (0, false);
        loop {
            if self.take("]").is_some() {
                break;
            }
            if self.take(":").is_some() {
                part += 1;
                sliced = true;
                if part > 2 {
                    return None;
                }
                continue;
            }
            if parts[part].is_some() {
                return None;
            }
            parts[part] = Some(Box::new(self.tuple(depth + 1)?));
        }
        if sliced {
            return Some(Tree::Slice(Box::new(of), parts));
        }
        let [index, _, _] = parts;
        Some(Tree::Item(Box::new(of), index?))
    }

    fn comprehension(&mut self, open: char, element: Tree, depth: usize) -> Option<Tree> {
        self.take_word("for")?;
        let target = self.target(depth)?;
        self.take_word("in")?;
        let source = self.either(depth + 1)?;
        let mut condition = None;
        loop {
            if self.take_word("if").is_some() {
                let next = self.either(depth + 1)?;
                condition = Some(match condition {
                    None => next,
                    Some(before) => Tree::Binary("and".into(), Box::new(before), Box::new(next)),
                });
            } else if self.take_word("for").is_some() {
                self.target(depth)?;
                self.take_word("in")?;
                self.either(depth + 1)?;
            } else {
                break;
            }
        }
        Some(Tree::Comprehension(
            open,
            Box::new(element),
            Box::new(target),
            Box::new(source),
            condition.map(Box::new),
        ))
    }

    /// What stands between `for` and `in`.
    fn target(&mut self, depth: usize) -> Option<Tree> {
        let mut all = vec![self.postfix(depth + 1)?];
        while self.take(",").is_some() {
            all.push(self.postfix(depth + 1)?);
        }
        if all.len() == 1 { all.pop() } else { Some(Tree::Display('(', all)) }
    }

    fn atom(&mut self, depth: usize) -> Option<Tree> {
        if depth > DEPTH {
            return None;
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Name(name) => Some(Tree::Name(name)),
            Token::Number(number) => Some(Tree::Number(number)),
            Token::Text(mut text) => {
                while let Some(Token::Text(more)) = self.tokens.get(self.at) {
                    text.push_str(more);
                    self.at += 1;
                }
                Some(Tree::Text(text))
            }
            Token::Sign("(") => self.display('(', ")", depth),
            Token::Sign("[") => self.display('[', "]", depth),
            Token::Sign("{") => self.display('{', "}", depth),
            Token::Sign(_) => None,
        }
    }

    fn display(&mut self, open: char, close: &str, depth: usize) -> Option<Tree> {
        let mut all = Vec::new();
        let mut commas = 0;
        while self.take(close).is_none() {
            let element = self.choice(depth + 1)?;
            all.push(element);
            if self.take(":").is_some() {
                all.push(self.choice(depth + 1)?);
            }
            if self.word("for") && !all.is_empty() {
                let element =
                    if all.len() == 1 { all.pop()? } else { Tree::Display('{', std::mem::take(&mut all)) };
                let tree = self.comprehension(open, element, depth)?;
                self.take(close)?;
                return Some(tree);
            }
            if self.take(",").is_some() {
                commas += 1;
            } else if !self.sign(close) {
                return None;
            }
        }
        if open == '(' && all.len() == 1 && commas == 0 { all.pop() } else { Some(Tree::Display(open, all)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;
    use proptest::prelude::*;

    fn tree(text: &str) -> Option<Tree> {
        expression(&lines(text)?.first()?.tokens)
    }

    #[test]
    fn expressions_are_read() {
        for text in [
            "a + b * c ** 2 // 3",
            "not a in b and c not in d or e is not None",
            "f(x, key=lambda t: t[1], *rest)[0].sort()",
            "[x for x in xs if x % 2 == 0]",
            "{k: v for k, v in d.items()}",
            "sum(1 for c in s if c.isupper())",
            "x[1:-1:2]",
            "a if b else c",
            "0 < x <= 10",
            "a, b",
            "()",
            "{1: 'a', 2: 'b'}",
        ] {
            assert!(tree(text).is_some(), "{text}");
        }
        for text in ["a +", "f(", "x[1", "a b", "= 3"] {
            assert_eq!(tree(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-c0-9 ()\\[\\]{}.,:+*'\"#=\n-]{0,60}|\\PC{0,40}|[(\\[]{0,300}") {
            if let Some(lines) = lines(&text) {
                for line in lines {
                    let _ = expression(&line.tokens);
                }
            }
        }
    }
}
