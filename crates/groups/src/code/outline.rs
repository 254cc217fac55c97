//! Outlines: what a program does, from its structure, in words and without code.
//!
//! Inputs, strategy, steps, result and special cases, a sentence a line. It says what the canonical solution does, no
//! more: what the reader is to know about *why* it does not invent.

use super::{
    phrase::{Phrase, Piece},
    syntax::{Line, Token, Tree, expression, lines},
    words::{list, name, ordered, words},
};
use crate::proposal::SeedProblem;
use tracelift_worlds::FlawKind::{
    self, IgnoredConstraint, IncorrectLogic, MissingEdgeCase, MissingTypeGuard, OffByOne,
    WrongAlgorithmChoice, WrongIoFormat,
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
    pub phrase: Phrase,
    /// The kind of flaw that leaving it out is, if it can be left out.
    pub omission: Option<FlawKind>,
    /// The last line of what hangs on it (a guard's body goes with the guard).
    pub until: usize,
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
    /// The outline of a seed's program.
    ///
    /// # Errors
    /// Why it makes none.
    pub fn read(seed: &SeedProblem) -> Result<Outline, Unreadable> {
        let program = lines(&seed.reference_solution.replace("\r\n", "\n")).ok_or(Unreadable::Syntax)?;
        let tests = seed.origin.get("test_list").and_then(|tests| tests.as_array());
        let test = tests.and_then(|tests| tests.first()).and_then(|test| test.as_str());
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
        let lines: Vec<String> = self.sentences.iter().map(|sentence| sentence.phrase.text()).collect();
        lines.join("\n")
    }
}

/// The names of the functions that a program defines.
fn functions(program: &[Line]) -> Vec<String> {
    program
        .iter()
        .filter_map(|line| match line.tokens.as_slice() {
            [Token::Name(def), Token::Name(name), ..] if def == "def" => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// What kind of program it is.
#[derive(Debug, Default)]
struct Shape {
    recursive: bool,
    nested: bool,
    loops: bool,
    sorts: bool,
    pattern: bool,
    counts: bool,
    comprehension: bool,
}

impl Shape {
    fn of(program: &[Line], own: &[String]) -> Shape {
        let mut shape = Shape::default();
        let mut open: Vec<usize> = Vec::new();
        let mut within = String::new();
        for line in program {
            let words: Vec<&str> = line
                .tokens
                .iter()
                .map(|token| match token {
                    Token::Name(name) => name.as_str(),
                    _ => "",
                })
                .collect();
            if words.first() == Some(&"def") {
                within = words.get(1).map_or_else(String::new, |name| (*name).to_owned());
                open.clear();
                continue;
            }
            open.retain(|indent| *indent < line.indent);
            let repeats = matches!(words.first(), Some(&("for" | "while")));
            shape.nested |= repeats && !open.is_empty();
            shape.loops |= repeats;
            if repeats {
                open.push(line.indent);
            }
            shape.comprehension |= !repeats && words.contains(&"for");
            shape.recursive |= own.contains(&within) && words.contains(&within.as_str());
            shape.sorts |= words.iter().any(|word| matches!(*word, "sorted" | "sort"));
            shape.pattern |= words.contains(&"re") && words.first() != Some(&"import");
            shape.counts |= words.iter().any(|word| matches!(*word, "Counter" | "defaultdict" | "dict"));
        }
        shape
    }

    fn strategy(&self) -> usize {
        let order = [
            self.recursive,
            self.nested,
            self.sorts,
            self.pattern,
            self.counts,
            self.loops,
            self.comprehension,
            true,
        ];
        order.iter().position(|holds| *holds).unwrap_or(STRATEGIES.len() - 1)
    }
}

const STRATEGIES: [&str; 8] = [
    "reduce the problem to a smaller one of the same form and solve that first",
    "compare every item with the others in nested passes",
    "bring the items into order first and read the result off",
    "match the text against a pattern",
    "keep a table with an entry for each distinct item",
    "make one pass over the input and update the result on the way",
    "build the result directly from the items of the input",
    "calculate the result directly from the input",
];

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
    fn write(&mut self, phrase: Phrase, omission: Option<FlawKind>) {
        let until = self.sentences.len();
        self.sentences.push(Sentence { phrase, omission, until });
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
        let mut phrase = Phrase::new().say("The input is ");
        if parameters.is_empty() {
            phrase = phrase
                .slot("what is read", &[(WrongIoFormat, "other_input", "a fixed value that is not read")]);
        }
        let count = parameters.len();
        let described = parameters.iter().enumerate().map(|(at, parameter)| {
            let one = Phrase::new().say(&name(parameter));
            match types.get(at) {
                Some(what) => one.say(", ").slot(
                    what,
                    &[
                        (WrongIoFormat, "other_input", other_form(what)),
                        (MissingTypeGuard, "any_type", "a value of any type"),
                    ],
                ),
                None => one,
            }
        });
        phrase = list(phrase, described.collect::<Vec<_>>().into_iter());
        if count > 1 {
            let last = &parameters[count - 1];
            phrase = phrase.slot(
                ", and all of it matters",
                &[(IgnoredConstraint, "ignored_input", &format!(", and {} can be left aside", name(last)))],
            );
        }
        self.write(phrase.say("."), None);
    }

    fn strategy(&mut self, shape: &Shape) {
        let at = shape.strategy();
        let others: Vec<_> = STRATEGIES
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at && !(at >= 5 && *other >= 5))
            .map(|(_, text)| (WrongAlgorithmChoice, "other_strategy", *text))
            .collect();
        let phrase = Phrase::new().say("The plan is to ").slot(STRATEGIES[at], &others).say(".");
        self.write(phrase, None);
    }

    fn output(&mut self, test: Option<&str>) {
        let Some(what) = test.and_then(expected) else { return };
        let phrase = Phrase::new()
            .say("The result is ")
            .slot(
                what,
                &[
                    (WrongIoFormat, "other_output", other_form(what)),
                    (WrongIoFormat, "wrapped_output", "a sentence that states the value"),
                ],
            )
            .say(".");
        self.write(phrase, None);
    }

    fn special_cases(&mut self) {
        let phrase = match (&self.empty, self.guards) {
            (Some((_, empty)), _) if self.returned => {
                Phrase::new().say("With nothing to go through, the result stays ").slot(
                    empty,
                    &[(MissingEdgeCase, "undefined_start", "undefined, which does not need to be looked at")],
                )
            }
            (_, 0) => Phrase::new().say("No case needs a branch of its own"),
            _ => Phrase::new().say("The cases with a branch of their own are the ones named above"),
        };
        self.write(phrase.say("."), None);
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
        let first = match &line.tokens[0] {
            Token::Name(name) => name.as_str(),
            Token::Text(_) if line.tokens.len() == 1 => return Ok(at + 1),
            Token::Sign("@") => return Err(Unreadable::Statement),
            _ => "",
        };
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
        let opened = self.head(first, head, &line.tokens, depth)?;
        let before = self.sentences.len();
        let after = match body {
            Some(next) => self.block(program, at + 1, next.indent, inner)?,
            None => {
                self.simple(rest, inner)?;
                at + 1
            }
        };
        if let Some(opener) = opened {
            let ends = self.sentences[before..].last().is_some_and(|last| {
                last.phrase.text().trim_start().trim_start_matches("- ").starts_with("Return")
            });
            let last = self.sentences.len() - 1;
            let follows = program.get(after).is_some_and(
                |next| matches!(&next.tokens[0], Token::Name(word) if word == "else" || word == "elif"),
            );
            if first == "if" && ends && !follows {
                // A branch that ends the work at once is a special case; without it the rest still reads.
                self.guards += 1;
                self.sentences[opener].omission = Some(MissingEdgeCase);
                self.sentences[opener].until = last;
            }
        }
        Ok(after)
    }

    /// The opening sentence of a compound statement; its index.
    fn head(
        &mut self,
        first: &str,
        head: &[Token],
        all: &[Token],
        depth: usize,
    ) -> Result<Option<usize>, Unreadable> {
        let read = |tokens: &[Token]| expression(tokens).ok_or(Unreadable::Syntax);
        let start = self.start(depth);
        let phrase = match first {
            "def" => {
                if self.own.len() < 2 {
                    return Ok(None);
                }
                let Some(Token::Name(called)) = head.first() else { return Err(Unreadable::Syntax) };
                let parameters = parameters(all);
                let phrase = start.say(&format!("To get {}", name(called)));
                if parameters.is_empty() {
                    phrase.say(":")
                } else {
                    let names = parameters.iter().map(|one| Phrase::new().say(&name(one)));
                    list(phrase.say(" from "), names.collect::<Vec<_>>().into_iter()).say(":")
                }
            }
            "for" => {
                let at = head
                    .iter()
                    .position(|token| *token == Token::Name("in".into()))
                    .ok_or(Unreadable::Syntax)?;
                let (target, source) = (read(&head[..at])?, read(&head[at + 1..])?);
                start.say("Go through each ").then(words(&target)).say(" of ").then(words(&source)).say(":")
            }
            "while" => start.say("As long as ").then(words(&read(head)?)).say(":"),
            "if" | "elif" => {
                let condition = words(&read(head)?);
                let phrase = if first == "if" { start.say("When ") } else { start.say("Otherwise, when ") };
                let whole = condition.text();
                let mut phrase = phrase.then(condition).say(":");
                if depth > 0 && first == "if" {
                    // The whole condition can be forgotten, too; the slot is empty where it is not.
                    phrase.0.push(Piece::Slot(
                        String::new(),
                        vec![super::phrase::Variant {
                            kind: IgnoredConstraint,
                            rule: "condition_not_checked",
                            text: format!(" (that {whole} is not checked)"),
                        }],
                    ));
                }
                phrase
            }
            "else" => start.say("Otherwise:"),
            "try" => start.say("Try this:"),
            "except" => start.say("If that fails:"),
            _ => start.say("In the end, in any case:"),
        };
        let omission = (first == "except").then_some(MissingTypeGuard);
        self.write(phrase, omission);
        Ok(Some(self.sentences.len() - 1))
    }

    fn start(&self, depth: usize) -> Phrase {
        Phrase::new().say(&if depth == 0 { String::new() } else { format!("{}- ", "  ".repeat(depth - 1)) })
    }

    fn simple(&mut self, tokens: &[Token], depth: usize) -> Result<(), Unreadable> {
        let read = |tokens: &[Token]| expression(tokens).ok_or(Unreadable::Syntax);
        let start = self.start(depth);
        let first = match &tokens[0] {
            Token::Name(name) => name.as_str(),
            _ => "",
        };
        let phrase = match first {
            "return" if tokens.len() == 1 => start.say("Return nothing."),
            "return" => start
                .slot("Return ", &[(WrongIoFormat, "printed_result", "Print ")])
                .then(words(&read(&tokens[1..])?))
                .say("."),
            "break" => start.say("Stop going on."),
            "continue" => start.say("Go on with the next one."),
            "pass" => start.say("Do nothing."),
            "raise" => start.say("Report an error."),
            "assert" => return Ok(()),
            _ => {
                if let Some(phrase) = self.assignment(tokens, depth, start.clone())? {
                    phrase
                } else {
                    effect(start, &read(tokens)?)
                }
            }
        };
        if let ("return", [_, Token::Name(result)]) = (first, tokens) {
            self.returned |= self.empty.as_ref().is_some_and(|(target, _)| *target == name(result));
        }
        self.write(phrase, None);
        Ok(())
    }

    fn assignment(
        &mut self,
        tokens: &[Token],
        depth: usize,
        start: Phrase,
    ) -> Result<Option<Phrase>, Unreadable> {
        let read = |tokens: &[Token]| expression(tokens).ok_or(Unreadable::Syntax);
        let mut open = 0_i32;
        let found = tokens.iter().position(|token| match token {
            Token::Sign("(" | "[" | "{") => {
                open += 1;
                false
            }
            Token::Sign(")" | "]" | "}") => {
                open -= 1;
                false
            }
            Token::Sign(sign) => {
                open == 0 && sign.ends_with('=') && !matches!(*sign, "==" | "!=" | "<=" | ">=")
            }
            _ => false,
        });
        let Some(at) = found else { return Ok(None) };
        let Token::Sign(sign) = tokens[at] else { return Ok(None) };
        let target = words(&read(&tokens[..at])?);
        let mut rest = &tokens[at + 1..];
        // Of `a = b = 0` the last value counts.
        let mut also = Vec::new();
        while let Some(next) = rest.iter().position(|token| *token == Token::Sign("=")).filter(|next| {
            rest[..*next].iter().all(|token| matches!(token, Token::Name(_) | Token::Sign(",")))
        }) {
            also.push(words(&read(&rest[..next])?));
            rest = &rest[next + 1..];
        }
        let value = read(rest)?;
        let phrase = words(&value);
        Ok(Some(match sign {
            "=" => {
                if depth == 0 && self.empty.is_none() {
                    self.empty = start_value(&value).map(|start| (target.text(), start));
                }
                let target = also.into_iter().fold(target, |all, one| all.say(" and ").then(one));
                let phrase = match &value {
                    Tree::Number(number) if number == "0" => {
                        Phrase::new().slot("0", &[(OffByOne, "other_start", "1")])
                    }
                    Tree::Number(number) if number == "1" => {
                        Phrase::new().slot("1", &[(OffByOne, "other_start", "0")])
                    }
                    _ => phrase,
                };
                start.say("Let ").then(target).say(" be ").then(phrase).say(".")
            }
            "+=" => start
                .slot("Add ", &[(IncorrectLogic, "other_update", "Subtract ")])
                .then(phrase)
                .slot(" to ", &[])
                .then(target)
                .say("."),
            "-=" => start
                .say("Lower ")
                .then(target)
                .slot(" by ", &[(OffByOne, "one_more", " by one more than ")])
                .then(phrase)
                .say("."),
            "*=" => start.say("Multiply ").then(target).say(" by ").then(phrase).say("."),
            "/=" | "//=" => start.say("Divide ").then(target).say(" by ").then(phrase).say("."),
            _ => start.say("Update ").then(target).say(" with ").then(phrase).say("."),
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
fn effect(start: Phrase, tree: &Tree) -> Phrase {
    if let Tree::Call(function, arguments) = tree {
        let first = || arguments.first().map_or_else(Phrase::new, |(_, value)| words(value));
        match &**function {
            Tree::Name(called) if called == "print" => {
                let values =
                    arguments.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| words(value));
                let start = start.slot("Print ", &[(WrongIoFormat, "returned_result", "Return ")]);
                return list(start, values.collect::<Vec<_>>().into_iter()).say(".");
            }
            Tree::Member(of, method) => {
                let of = words(of);
                return match method.as_str() {
                    "append" | "add" | "appendleft" => start
                        .say("Add ")
                        .then(first())
                        .slot(" to ", &[(IncorrectLogic, "other_place", " to the front of ")])
                        .then(of)
                        .say("."),
                    "extend" | "update" => {
                        start.say("Add all of ").then(first()).say(" to ").then(of).say(".")
                    }
                    "remove" | "discard" => {
                        start.say("Remove ").then(first()).say(" from ").then(of).say(".")
                    }
                    "pop" => start.say("Remove an item from ").then(of).say("."),
                    "sort" => ordered(start.say("Sort ").then(of), arguments).say("."),
                    "reverse" => start.say("Reverse ").then(of).say("."),
                    _ => start.say("Carry out ").then(words(tree)).say("."),
                };
            }
            _ => {}
        }
    }
    start.say("Work out ").then(words(tree)).say(".")
}

/// The colon that ends a compound statement's head.
fn colon(tokens: &[Token]) -> Option<usize> {
    let (mut open, mut lambdas) = (0_i32, 0_i32);
    tokens.iter().position(|token| match token {
        Token::Sign("(" | "[" | "{") => {
            open += 1;
            false
        }
        Token::Sign(")" | "]" | "}") => {
            open -= 1;
            false
        }
        Token::Name(word) if word == "lambda" => {
            lambdas += 1;
            false
        }
        Token::Sign(":") if open == 0 && lambdas > 0 => {
            lambdas -= 1;
            false
        }
        Token::Sign(":") => open == 0,
        _ => false,
    })
}

/// The parameters of a definition.
fn parameters(tokens: &[Token]) -> Vec<String> {
    let mut names = Vec::new();
    let (mut open, mut fresh) = (0, true);
    for token in tokens.iter().skip(2) {
        match token {
            Token::Sign("(" | "[" | "{") => open += 1,
            Token::Sign(")" | "]" | "}") => {
                open -= 1;
                if open == 0 {
                    break;
                }
            }
            Token::Sign(",") if open == 1 => fresh = true,
            Token::Sign("*" | "**") => {}
            Token::Name(name) if open == 1 && fresh => {
                names.push(name.clone());
                fresh = false;
            }
            _ => fresh = false,
        }
    }
    names.retain(|name| name != "self");
    names
}

fn of_test(test: &str) -> Option<(Tree, Option<Tree>)> {
    let line = lines(test.trim().strip_prefix("assert")?)?.into_iter().next()?;
    match expression(&line.tokens)? {
        Tree::Binary(sign, call, value) if sign == "==" => Some((*call, Some(*value))),
        tree => Some((tree, None)),
    }
}

/// What the arguments of a test's call are.
fn arguments(test: &str) -> Option<Vec<&'static str>> {
    match of_test(test)?.0 {
        Tree::Call(_, arguments) => arguments.iter().map(|(_, value)| form(value)).collect(),
        _ => None,
    }
}

/// What a test expects.
fn expected(test: &str) -> Option<&'static str> {
    let (_, value) = of_test(test)?;
    form(&value?)
}

fn form(tree: &Tree) -> Option<&'static str> {
    Some(match tree {
        Tree::Number(number) if number.contains('.') => "a decimal number",
        Tree::Number(_) => "a whole number",
        Tree::Unary(_, of) => return form(of),
        Tree::Text(_) => "a string",
        Tree::Display('[', all) => match all.first() {
            Some(Tree::Display(..)) => "a list of lists",
            Some(Tree::Text(_)) => "a list of strings",
            Some(Tree::Number(_) | Tree::Unary(..)) => "a list of numbers",
            _ => "a list",
        },
        Tree::Display('(', _) => "a tuple",
        Tree::Display(..) => "a dictionary or set",
        Tree::Name(name) if name == "True" || name == "False" => "true or false",
        Tree::Name(name) if name == "None" => "nothing",
        _ => return None,
    })
}

/// A form for which another may be taken.
fn other_form(form: &str) -> &'static str {
    match form {
        "a decimal number" => "a whole number",
        "a whole number" => "a string",
        "a string" => "a list of strings",
        "a list of lists" => "a list of numbers",
        "a list of strings" => "a string",
        "a list of numbers" => "a string",
        "a list" => "a tuple",
        "a tuple" => "a list",
        "true or false" => "a whole number",
        "nothing" => "an empty string",
        _ => "a list",
    }
}
