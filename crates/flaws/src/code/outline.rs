//! Outlines: what a program does, from its structure, in words and without code.
//!
//! Inputs, strategy, steps, result and special cases, a sentence a line. It says what the canonical solution does, no
//! more: what the reader is to know about *why* it does not invent.

use super::{
    forms::{arguments, expected, other_form},
    shape::{STRATEGIES, Shape},
    syntax::{Line, Token, Tree, assigns, colon, expression, functions, goes_on, lines, parameters},
    words::{list, name, ordered, words},
};
use tracelift_domain::FlawKind::{
    self, IgnoredConstraint, MissingTypeGuard, WrongAlgorithmChoice, WrongIoFormat,
};

/// Why a program makes no outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The text is no Python that is read here.
    #[error("the program cannot be read")]
    Syntax,
    /// It uses statements that have no words here (classes, decorators, context managers).
    #[error("the program uses statements that outlines have no words for")]
    Statement,
    /// It is too long or too short for an outline.
    #[error("the program is too long or too short")]
    Size,
}

impl Unreadable {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unreadable::Syntax => "program_syntax",
            Unreadable::Statement => "program_statement",
            Unreadable::Size => "program_size",
        }
    }
}

/// A sentence of an outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What it says.
    pub text: String,
    /// What could wrongly stand in its place and is about no statement of the program.
    pub variants: Vec<Variant>,
}

/// What could wrongly stand in a sentence's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The kind of flaw that it is.
    pub kind: FlawKind,
    /// The form of the kind's rule.
    pub rule: &'static str,
    /// The sentence.
    pub text: String,
}

/// What a program does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// A sentence a line.
    pub sentences: Vec<Sentence>,
}

/// Most sentences.
const MOST: usize = 40;
/// Fewest sentences.
const FEWEST: usize = 4;

impl Outline {
    /// The outline of a program, of which a test may show what goes in and comes out.
    ///
    /// # Errors
    /// Why it makes none.
    pub fn of(program: &str, test: Option<&str>) -> Result<Outline, Unreadable> {
        let program = lines(&program.replace("\r\n", "\n")).ok_or(Unreadable::Syntax)?;
        let mut writer = Writer {
            sentences: Vec::new(),
            own: functions(&program),
            guards: 0,
            empty: None,
            returned: false,
        };
        let shape = Shape::of(&program, &writer.own);
        writer.inputs(&program, test);
        writer.strategy(&shape);
        let (mut at, top) = (0, program.first().map_or(0, |line| line.indent));
        while at < program.len() {
            let after = writer.block(&program, at, top, 0)?;
            if after == at {
                return Err(Unreadable::Syntax);
            }
            at = after;
        }
        writer.output(test);
        writer.special_cases();
        if !(FEWEST..=MOST).contains(&writer.sentences.len()) {
            return Err(Unreadable::Size);
        }
        Ok(Outline { sentences: writer.sentences })
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<&str> = self.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
        lines.join("\n")
    }
}

/// The sentence about what goes in.
fn input(parameters: &[(String, Option<&str>)]) -> String {
    let described = parameters.iter().map(|(name, what)| match what {
        Some(what) => format!("{name}, {what}"),
        None => name.clone(),
    });
    match parameters.len() {
        0 => "The input is what is read.".into(),
        1 => format!("The input is {}.", list(described)),
        _ => format!("The input is {}, and all of it matters.", list(described)),
    }
}

struct Writer {
    sentences: Vec<Sentence>,
    own: Vec<String>,
    guards: usize,
    /// What an accumulator is before a loop, for the empty input.
    empty: Option<(String, String)>,
    /// Whether that accumulator is what is returned.
    returned: bool,
}

impl Writer {
    /// A sentence about a statement, at its place in the nesting of blocks.
    fn write(&mut self, depth: usize, text: &str) {
        let bullet = if depth == 0 { String::new() } else { format!("{}- ", "  ".repeat(depth - 1)) };
        self.sentences.push(Sentence { text: format!("{bullet}{text}"), variants: Vec::new() });
    }

    /// What goes in, as the first test shows it.
    fn inputs(&mut self, program: &[Line], test: Option<&str>) {
        let called = test.and_then(|test| self.own.iter().find(|name| test.contains(name.as_str())));
        let called = called.or(self.own.last()).cloned();
        let header = program.iter().find(|line| {
            matches!(line.tokens.as_slice(), [Token::Name(def), Token::Name(name), ..] if def == "def" && Some(name) == called.as_ref())
        });
        let parameters = header.map(|line| parameters(&line.tokens)).unwrap_or_default();
        let types = test.and_then(arguments).unwrap_or_default();
        let parameters: Vec<(String, Option<&'static str>)> = parameters
            .iter()
            .enumerate()
            .map(|(at, parameter)| (name(parameter), types.get(at).copied()))
            .collect();
        let mut variants = Vec::new();
        for (at, (parameter, what)) in parameters.iter().enumerate() {
            let with = |what| {
                let mut others = parameters.clone();
                others[at].1 = what;
                input(&others)
            };
            if let Some(what) = what {
                let other = with(Some(other_form(what)));
                variants.push(Variant { kind: WrongIoFormat, rule: "other_input", text: other });
                variants.push(Variant { kind: MissingTypeGuard, rule: "any_type", text: with(None) });
            }
            if parameters.len() > 1 {
                let others: Vec<_> =
                    parameters.iter().filter(|(other, _)| other != parameter).cloned().collect();
                let text = input(&others);
                variants.push(Variant { kind: IgnoredConstraint, rule: "ignored_input", text });
            }
        }
        self.sentences.push(Sentence { text: input(&parameters), variants });
    }

    fn strategy(&mut self, shape: &Shape) {
        let at = shape.strategy();
        let plan = |text: &str| format!("The plan is to {text}.");
        let variants = STRATEGIES
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at && !(at >= 5 && *other >= 5))
            .map(|(_, text)| Variant { kind: WrongAlgorithmChoice, rule: "other_strategy", text: plan(text) })
            .collect();
        self.sentences.push(Sentence { text: plan(STRATEGIES[at]), variants });
    }

    fn output(&mut self, test: Option<&str>) {
        let Some(what) = test.and_then(expected) else { return };
        let result = |what: &str| format!("The result is {what}.");
        let other = result(other_form(what));
        let variants = vec![Variant { kind: WrongIoFormat, rule: "other_output", text: other }];
        self.sentences.push(Sentence { text: result(what), variants });
    }

    fn special_cases(&mut self) {
        let text = match (&self.empty, self.guards) {
            (Some((_, empty)), _) if self.returned => {
                format!("With nothing to go through, the result stays {empty}.")
            }
            (_, 0) => "No case needs a branch of its own.".into(),
            _ => "The cases with a branch of their own are the ones named above.".into(),
        };
        self.write(0, &text);
    }

    /// The statements from line `at` that are indented by `indent`; returns the line after them.
    fn block(
        &mut self,
        program: &[Line],
        mut at: usize,
        indent: usize,
        depth: usize,
    ) -> Result<usize, Unreadable> {
        if depth > 12 {
            return Err(Unreadable::Size);
        }
        while let Some(line) = program.get(at) {
            if line.indent != indent {
                break;
            }
            at = self.statement(program, at, depth)?;
        }
        Ok(at)
    }

    fn statement(&mut self, program: &[Line], at: usize, depth: usize) -> Result<usize, Unreadable> {
        let line = &program[at];
        match &line.tokens[0] {
            Token::Text(_) if line.tokens.len() == 1 => return Ok(at + 1),
            Token::Sign("@") => return Err(Unreadable::Statement),
            _ => {}
        }
        let first = line.first();
        if matches!(first, "import" | "from" | "global" | "nonlocal") {
            return Ok(at + 1);
        }
        if matches!(first, "class" | "with" | "async" | "yield" | "del" | "match") {
            return Err(Unreadable::Statement);
        }
        if !matches!(first, "def" | "if" | "elif" | "else" | "for" | "while" | "try" | "except" | "finally") {
            for tokens in line.tokens.split(|token| *token == Token::Sign(";")) {
                if !tokens.is_empty() {
                    self.simple(tokens, depth)?;
                }
            }
            return Ok(at + 1);
        }
        let colon = colon(&line.tokens).ok_or(Unreadable::Syntax)?;
        let (head, rest) = (&line.tokens[1..colon], &line.tokens[colon + 1..]);
        let body = program.get(at + 1).filter(|next| rest.is_empty() && next.indent > line.indent);
        if body.is_none() && rest.is_empty() {
            return Err(Unreadable::Syntax);
        }
        let inner = if first == "def" { 0 } else { depth + 1 };
        self.head(first, head, &line.tokens, depth)?;
        let before = self.sentences.len();
        let after = match body {
            Some(next) => self.block(program, at + 1, next.indent, inner)?,
            None => {
                self.simple(rest, inner)?;
                at + 1
            }
        };
        let returns = self.sentences[before..]
            .last()
            .is_some_and(|last| last.text.trim_start().trim_start_matches("- ").starts_with("Return"));
        if first == "if" && returns && !goes_on(program, after) {
            // A branch that ends the work at once is a special case.
            self.guards += 1;
        }
        Ok(after)
    }

    /// The opening sentence of a compound statement.
    fn head(&mut self, first: &str, head: &[Token], all: &[Token], depth: usize) -> Result<(), Unreadable> {
        let read = |tokens: &[Token]| expression(tokens).map(|tree| words(&tree)).ok_or(Unreadable::Syntax);
        let text = match first {
            "def" => {
                if self.own.len() < 2 {
                    return Ok(());
                }
                let Some(Token::Name(called)) = head.first() else { return Err(Unreadable::Syntax) };
                let parameters = parameters(all);
                let from = if parameters.is_empty() { "" } else { " from " };
                let names = list(parameters.iter().map(|one| name(one)));
                format!("To get {}{from}{names}:", name(called))
            }
            "for" => {
                let at = head
                    .iter()
                    .position(|token| *token == Token::Name("in".into()))
                    .ok_or(Unreadable::Syntax)?;
                format!("Go through each {} of {}:", read(&head[..at])?, read(&head[at + 1..])?)
            }
            "while" => format!("As long as {}:", read(head)?),
            "if" => format!("When {}:", read(head)?),
            "elif" => format!("Otherwise, when {}:", read(head)?),
            "else" => "Otherwise:".into(),
            "try" => "Try this:".into(),
            "except" => "If that fails:".into(),
            _ => "In the end, in any case:".into(),
        };
        self.write(depth, &text);
        Ok(())
    }

    fn simple(&mut self, tokens: &[Token], depth: usize) -> Result<(), Unreadable> {
        let read = |tokens: &[Token]| expression(tokens).ok_or(Unreadable::Syntax);
        let first = tokens[0].word();
        let text = match first {
            "return" if tokens.len() == 1 => "Return nothing.".into(),
            "return" => format!("Return {}.", words(&read(&tokens[1..])?)),
            "break" => "Stop going on.".into(),
            "continue" => "Go on with the next one.".into(),
            "pass" => "Do nothing.".into(),
            "raise" => "Report an error.".into(),
            "assert" => return Ok(()),
            _ => match self.assignment(tokens, depth)? {
                Some(text) => text,
                None => effect(&read(tokens)?),
            },
        };
        if let ("return", [_, Token::Name(result)]) = (first, tokens) {
            self.returned |= self.empty.as_ref().is_some_and(|(target, _)| *target == name(result));
        }
        self.write(depth, &text);
        Ok(())
    }

    fn assignment(&mut self, tokens: &[Token], depth: usize) -> Result<Option<String>, Unreadable> {
        let read = |tokens: &[Token]| expression(tokens).ok_or(Unreadable::Syntax);
        let Some(at) = assigns(tokens) else { return Ok(None) };
        let Token::Sign(sign) = tokens[at] else { return Ok(None) };
        let target = words(&read(&tokens[..at])?);
        let mut rest = &tokens[at + 1..];
        let mut targets = target.clone();
        // Of `a = b = 0` the last value counts.
        while let Some(next) = rest.iter().position(|token| *token == Token::Sign("=")).filter(|next| {
            rest[..*next].iter().all(|token| matches!(token, Token::Name(_) | Token::Sign(",")))
        }) {
            targets.push_str(&format!(" and {}", words(&read(&rest[..next])?)));
            rest = &rest[next + 1..];
        }
        let value = read(rest)?;
        if sign == "=" && depth == 0 && self.empty.is_none() {
            self.empty = start_value(&value).map(|start| (target.clone(), start));
        }
        let value = words(&value);
        Ok(Some(match sign {
            "=" => format!("Let {targets} be {value}."),
            "+=" => format!("Add {value} to {target}."),
            "-=" => format!("Subtract {value} from {target}."),
            "*=" => format!("Multiply {target} by {value}."),
            "/=" | "//=" => format!("Divide {target} by {value}."),
            _ => format!("Update {target} with {value}."),
        }))
    }
}

/// What a value is that an accumulator starts with.
fn start_value(value: &Tree) -> Option<String> {
    match value {
        Tree::Number(number) if number == "0" || number == "1" => Some(number.clone()),
        Tree::Display('[', all) if all.is_empty() => Some("an empty list".into()),
        Tree::Text(text) if text.is_empty() => Some("an empty string".into()),
        _ => None,
    }
}

/// An expression that is evaluated for what it does.
fn effect(tree: &Tree) -> String {
    if let Tree::Call(function, arguments) = tree {
        let first = || arguments.first().map_or_else(String::new, |(_, value)| words(value));
        match &**function {
            Tree::Name(called) if called == "print" => {
                let plain: Vec<String> = arguments
                    .iter()
                    .filter(|(name, _)| name.is_none())
                    .map(|(_, value)| words(value))
                    .collect();
                return format!("Print {}.", list(plain.into_iter()));
            }
            Tree::Member(of, method) => {
                let of = words(of);
                match (method.as_str(), arguments.as_slice()) {
                    ("append" | "add", _) => return format!("Add {} to {of}.", first()),
                    ("insert", [(_, Tree::Number(at)), (_, value)]) if at == "0" => {
                        return format!("Add {} to the front of {of}.", words(value));
                    }
                    ("appendleft", _) => return format!("Add {} to the front of {of}.", first()),
                    ("extend" | "update", _) => return format!("Add all of {} to {of}.", first()),
                    ("remove" | "discard", _) => return format!("Remove {} from {of}.", first()),
                    ("pop", _) => return format!("Remove an item from {of}."),
                    ("sort", _) => return format!("Sort {}.", ordered(&of, arguments)),
                    ("reverse", _) => return format!("Reverse {of}."),
                    _ => return format!("Carry out {}.", words(tree)),
                }
            }
            _ => {}
        }
    }
    format!("Work out {}.", words(tree))
}
