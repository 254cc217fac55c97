//! Expressions in words.

use super::syntax::Tree;

/// A name as words.
pub(super) fn name(name: &str) -> String {
    match name {
        "None" => "nothing".into(),
        "True" => "true".into(),
        "False" => "false".into(),
        _ => name.trim_matches('_').replace('_', " "),
    }
}

fn number(tree: &Tree) -> Option<&str> {
    match tree {
        Tree::Number(number) => Some(number),
        _ => None,
    }
}

/// An expression in words.
pub(super) fn words(tree: &Tree) -> String {
    match tree {
        Tree::Name(plain) => name(plain),
        Tree::Number(number) => number.clone(),
        Tree::Text(text) if text.is_empty() => "an empty string".into(),
        Tree::Text(text) if text == " " => "a space".into(),
        Tree::Text(text) => format!("\"{}\"", text.replace('\n', " ")),
        Tree::Binary(sign, left, right) => binary(sign, left, right),
        Tree::Unary(sign, of) if sign == "not" => format!("{} does not hold", words(of)),
        Tree::Unary(sign, of) if sign == "-" => match number(of) {
            Some(number) => format!("-{number}"),
            None => format!("the negative of {}", words(of)),
        },
        Tree::Unary(sign, of) if sign == "*" => format!("all of {}", words(of)),
        Tree::Unary(_, of) => words(of),
        Tree::Call(function, arguments) => call(function, arguments),
        Tree::Member(of, member) => match &**of {
            Tree::Name(module) if MODULES.contains(&module.as_str()) => name(member),
            of => format!("the {} of {}", name(member), words(of)),
        },
        Tree::Item(of, index) => item(of, index),
        Tree::Slice(of, parts) => slice(of, parts),
        Tree::Display(open, all) => display(*open, all),
        Tree::Comprehension(open, element, target, source, condition) => {
            let collection = match open {
                '[' => "the list of",
                '{' => "the collection of",
                _ => "the values of",
            };
            let (element, target, source) = (words(element), words(target), words(source));
            let condition = condition.as_ref().map(|condition| format!(" where {}", words(condition)));
            let condition = condition.unwrap_or_default();
            format!("{collection} {element} for each {target} in {source}{condition}")
        }
        Tree::Choice(yes, condition, no) => {
            format!("{} if {} and otherwise {}", words(yes), words(condition), words(no))
        }
        Tree::Lambda(_, body) => words(body),
    }
}

const MODULES: [&str; 12] = [
    "math",
    "re",
    "sys",
    "collections",
    "itertools",
    "functools",
    "heapq",
    "string",
    "datetime",
    "cmath",
    "bisect",
    "hq",
];

fn binary(sign: &str, left: &Tree, right: &Tree) -> String {
    if let Tree::Binary(inner, a, b) = left
        && inner == "%"
        && number(right) == Some("0")
        && matches!(sign, "==" | "!=")
    {
        let not = if sign == "==" { "" } else { "not " };
        return format!("{} is {not}divisible by {}", words(a), words(b));
    }
    let joint = match sign {
        "+" => "plus",
        "-" => "minus",
        "*" => "times",
        "/" => "divided by",
        "//" => "divided and rounded down by",
        "%" => "divided by",
        "**" => "to the power of",
        "<" => "is less than",
        "<=" => "is at most",
        ">" => "is greater than",
        ">=" => "is at least",
        "==" => "equals",
        "!=" => "differs from",
        "in" => "is in",
        "not in" => "is not in",
        "and" => "and",
        "or" => "or",
        "&" => "bitwise and",
        "|" => "bitwise or",
        "^" => "exclusive or",
        "<<" => "shifted left by",
        ">>" => "shifted right by",
        _ => "combined with",
    };
    let remainder = if sign == "%" { "the remainder of " } else { "" };
    format!("{remainder}{} {joint} {}", grouped(left, sign), grouped(right, sign))
}

/// An operand, in brackets where words would leave it open what belongs together.
fn grouped(tree: &Tree, outer: &str) -> String {
    match tree {
        Tree::Binary(sign, _, _) if sign != outer && !matches!(outer, "and" | "or") => {
            format!("({})", words(tree))
        }
        _ => words(tree),
    }
}

fn item(of: &Tree, index: &Tree) -> String {
    let of = words(of);
    let from_the_end = match index {
        Tree::Unary(sign, at) if sign == "-" => number(at),
        _ => None,
    };
    match (number(index), from_the_end) {
        (Some("0"), _) => format!("the first item of {of}"),
        (Some("1"), _) => format!("the second item of {of}"),
        (Some("2"), _) => format!("the third item of {of}"),
        (_, Some("1")) => format!("the last item of {of}"),
        (_, Some("2")) => format!("the second to last item of {of}"),
        _ => format!("the item of {of} at {}", words(index)),
    }
}

fn slice(of: &Tree, [from, to, step]: &[Option<Box<Tree>>; 3]) -> String {
    let of = words(of);
    let backwards =
        matches!(step.as_deref(), Some(Tree::Unary(sign, one)) if sign == "-" && number(one) == Some("1"));
    match (from.as_deref(), to.as_deref(), step.as_deref()) {
        (None, None, None) => of,
        (None, None, Some(_)) if backwards => format!("{of} in reverse order"),
        (None, Some(to), None) => format!("the part of {of} before position {}", words(to)),
        (Some(from), None, None) => format!("the part of {of} from position {}", words(from)),
        (from, to, step) => {
            let part = |before: &str, part: Option<&Tree>| {
                part.map_or_else(String::new, |part| format!(" {before} {}", words(part)))
            };
            let (from, to) = (part("from position", from), part("before position", to));
            format!("the items of {of}{from}{to}{}", part("in steps of", step))
        }
    }
}

fn display(open: char, all: &[Tree]) -> String {
    let what = match open {
        '[' => "list",
        '{' => "collection",
        _ => "tuple",
    };
    if all.is_empty() {
        return format!("an empty {what}");
    }
    let few = &all[..all.len().min(6)];
    let rest = if all.len() > few.len() { " and so on" } else { "" };
    format!("the {what} of {}{rest}", list(few.iter().map(words)))
}

/// Texts joined by commas and a final `and`.
pub(super) fn list(all: impl ExactSizeIterator<Item = String>) -> String {
    let count = all.len();
    let mut text = String::new();
    for (at, one) in all.enumerate() {
        match at {
            0 => {}
            at if at + 1 == count => text.push_str(" and "),
            _ => text.push_str(", "),
        }
        text.push_str(&one);
    }
    text
}

type Arguments = [(Option<String>, Tree)];

fn keyword<'a>(arguments: &'a Arguments, wanted: &str) -> Option<&'a Tree> {
    arguments.iter().find(|(name, _)| name.as_deref() == Some(wanted)).map(|(_, value)| value)
}

fn all(arguments: &Arguments) -> String {
    list(arguments.iter().map(|(_, value)| words(value)))
}

fn call(function: &Tree, arguments: &Arguments) -> String {
    match function {
        Tree::Name(called) => builtin(called, arguments),
        Tree::Member(of, method) => match &**of {
            Tree::Name(module) if MODULES.contains(&module.as_str()) => builtin(method, arguments),
            of => on(of, method, arguments),
        },
        _ => format!("{} applied to {}", words(function), all(arguments)),
    }
}

fn builtin(called: &str, arguments: &Arguments) -> String {
    let plain: Vec<&Tree> =
        arguments.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value).collect();
    let listed = || list(plain.iter().map(|one| words(one)));
    let first = |before: &str| match plain.first() {
        Some(first) => format!("{before} {}", words(first)),
        None => before.to_owned(),
    };
    let extreme = |which: &str| {
        let by = keyword(arguments, "key").map(|key| format!(" by {}", words(key)));
        format!("the {which} of {}{}", listed(), by.unwrap_or_default())
    };
    let converted = |to: &str| match plain.first() {
        Some(first) => format!("{} as {to}", words(first)),
        None => format!("an empty {}", to.split(' ').next_back().unwrap_or(to)),
    };
    match (called, plain.as_slice()) {
        ("len", [_]) => first("the length of"),
        ("sum", _) => first("the sum of"),
        ("abs", _) => first("the absolute value of"),
        ("max", _) => extreme("largest"),
        ("min", _) => extreme("smallest"),
        ("set", [_]) => first("the distinct items of"),
        ("Counter", _) => first("how often each item occurs in"),
        ("enumerate", _) => first("the positions and items of"),
        ("reversed", _) => first("the items from last to first of"),
        ("sqrt", _) => first("the square root of"),
        ("any", _) => first("whether any of"),
        ("all", _) => first("whether all of"),
        ("int", _) => converted("a whole number"),
        ("str", _) => converted("a string"),
        ("float", _) => converted("a decimal number"),
        ("list", _) => converted("a list"),
        ("tuple", _) => converted("a tuple"),
        ("isinstance" | "type", _) => first("the type of"),
        ("print", _) => first("what is printed of"),
        ("range", [end]) => format!("the numbers from 0 up to but not including {}", words(end)),
        ("range", [start, end]) => {
            format!("the numbers from {} up to but not including {}", words(start), words(end))
        }
        ("range", [start, end, step]) => format!(
            "the numbers from {} up to but not including {} in steps of {}",
            words(start),
            words(end),
            words(step)
        ),
        ("zip", _) => format!("the pairs of items of {}", listed()),
        ("map", [by, over]) => format!("the results of {} on each of {}", words(by), words(over)),
        ("filter", [by, over]) => format!("{} kept only where {}", words(over), words(by)),
        ("sorted", [what, ..]) => ordered(&words(what), arguments),
        ("search" | "match" | "findall" | "sub" | "finditer" | "split" | "compile", _) => {
            format!("the {} of the pattern {}", name(called), listed())
        }
        (_, []) => name(called),
        _ => format!("the {} of {}", name(called), listed()),
    }
}

/// What is sorted, and how.
pub(super) fn ordered(what: &str, arguments: &Arguments) -> String {
    let reverse = keyword(arguments, "reverse").is_some_and(|tree| *tree == Tree::Name("True".into()));
    let order = if reverse { "descending" } else { "ascending" };
    let by = keyword(arguments, "key").map(|key| format!(" by {}", words(key)));
    format!("{what} in {order} order{}", by.unwrap_or_default())
}

fn on(of: &Tree, method: &str, arguments: &Arguments) -> String {
    let (of, first) = (words(of), arguments.first().map(|(_, value)| words(value)));
    match (method, first) {
        ("lower", None) => format!("{of} in small letters"),
        ("upper", None) => format!("{of} in capitals"),
        ("items", None) => format!("the keys and values of {of}"),
        ("keys", None) => format!("the keys of {of}"),
        ("values", None) => format!("the values of {of}"),
        ("strip", None) => format!("{of} without space around it"),
        ("split", None) => format!("the words of {of}"),
        ("split", Some(by)) => format!("the parts of {of} between each {by}"),
        ("join", Some(what)) => format!("{what} joined with {of}"),
        ("count", Some(what)) => format!("how often {what} occurs in {of}"),
        ("replace", Some(what)) => {
            let by = arguments.get(1).map_or_else(|| "nothing".to_owned(), |(_, by)| words(by));
            format!("{of} with {what} replaced by {by}")
        }
        ("isdigit" | "isnumeric", None) => format!("{of} consists of digits"),
        ("isalpha", None) => format!("{of} consists of letters"),
        ("isupper", None) => format!("{of} is a capital"),
        ("islower", None) => format!("{of} is a small letter"),
        ("startswith", Some(what)) => format!("{of} starts with {what}"),
        ("endswith", Some(what)) => format!("{of} ends with {what}"),
        ("get", Some(what)) => format!("what {of} holds for {what}"),
        ("index" | "find", Some(what)) => format!("the position of {what} in {of}"),
        ("pop", None) => format!("the last item taken from {of}"),
        (_, None) => format!("the {} of {of}", name(method)),
        (_, Some(_)) => format!("the {} of {of} with {}", name(method), all(arguments)),
    }
}
