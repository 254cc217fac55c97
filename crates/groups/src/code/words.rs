//! Expressions in words.

use super::{
    phrase::{Phrase, Piece, Variant},
    syntax::Tree,
};
use tracelift_worlds::FlawKind::{
    IgnoredConstraint, IncorrectLogic, MissingTypeGuard, OffByOne, WrongAlgorithmChoice,
};

/// A name as words.
pub(super) fn name(name: &str) -> String {
    match name {
        "None" => "nothing".into(),
        "True" => "true".into(),
        "False" => "false".into(),
        _ => name.trim_matches('_').replace('_', " "),
    }
}

fn say(text: &str) -> Phrase {
    Phrase::new().say(text)
}

fn number(tree: &Tree) -> Option<&str> {
    match tree {
        Tree::Number(number) => Some(number),
        _ => None,
    }
}

/// An expression in words, with slots where it can go wrong.
pub(super) fn words(tree: &Tree) -> Phrase {
    match tree {
        Tree::Name(plain) if plain == "True" => {
            say("").slot("true", &[(IncorrectLogic, "opposite_value", "false")])
        }
        Tree::Name(plain) if plain == "False" => {
            say("").slot("false", &[(IncorrectLogic, "opposite_value", "true")])
        }
        Tree::Name(plain) => say(&name(plain)),
        Tree::Number(number) => say(number),
        Tree::Text(text) if text.is_empty() => say("an empty string"),
        Tree::Text(text) if text == " " => say("a space"),
        Tree::Text(text) => say(&format!("\"{}\"", text.replace('\n', " "))),
        Tree::Binary(sign, left, right) => binary(sign, left, right),
        Tree::Unary(sign, of) if sign == "not" => {
            words(of).slot(" does not hold", &[(IncorrectLogic, "negation", " holds")])
        }
        Tree::Unary(sign, of) if sign == "-" => match number(of) {
            Some(number) => say(&format!("-{number}")),
            None => say("the negative of ").then(words(of)),
        },
        Tree::Unary(sign, of) if sign == "*" => say("all of ").then(words(of)),
        Tree::Unary(_, of) => words(of),
        Tree::Call(function, arguments) => call(function, arguments),
        Tree::Member(of, member) => match &**of {
            Tree::Name(module) if MODULES.contains(&module.as_str()) => say(&name(member)),
            of => say(&format!("the {} of ", name(member))).then(words(of)),
        },
        Tree::Item(of, index) => item(of, index),
        Tree::Slice(of, parts) => slice(of, parts),
        Tree::Display(open, all) => display(*open, all),
        Tree::Comprehension(open, element, target, source, condition) => {
            let collection = match open {
                '[' => "the list of ",
                '{' => "the collection of ",
                _ => "the values of ",
            };
            let phrase = say(collection)
                .then(words(element))
                .say(" for each ")
                .then(words(target))
                .say(" in ")
                .then(words(source));
            match condition {
                None => phrase,
                Some(condition) => with_condition(phrase, " where ", words(condition)),
            }
        }
        Tree::Choice(yes, condition, no) => {
            words(yes).say(" if ").then(words(condition)).say(" and otherwise ").then(words(no))
        }
        Tree::Lambda(_, body) => words(body),
    }
}

/// A condition that can be forgotten as a whole, and whose own slots stay.
fn with_condition(phrase: Phrase, joint: &str, condition: Phrase) -> Phrase {
    let whole = format!("{joint}{}", condition.text());
    let mut variants =
        vec![Variant { kind: IgnoredConstraint, rule: "forgotten_condition", text: String::new() }];
    for kind in [IncorrectLogic, OffByOne] {
        variants.extend(
            condition
                .variants(kind)
                .map(|(rule, text)| Variant { kind, rule, text: format!("{joint}{text}") })
                .collect::<Vec<_>>(),
        );
    }
    let mut phrase = phrase;
    phrase.0.push(Piece::Slot(whole, variants));
    phrase
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

fn binary(sign: &str, left: &Tree, right: &Tree) -> Phrase {
    let is_zero = number(right) == Some("0");
    if let Tree::Binary(inner, a, b) = left
        && inner == "%"
        && is_zero
        && matches!(sign, "==" | "!=")
    {
        let (right, wrong) = (" is divisible by ", " is not divisible by ");
        let (right, wrong) = if sign == "==" { (right, wrong) } else { (wrong, right) };
        return words(a).slot(right, &[(IncorrectLogic, "opposite_condition", wrong)]).then(words(b));
    }
    // The 1 in `n + 1` is where bounds go wrong.
    if number(right) == Some("1") && matches!(sign, "+" | "-") {
        let (right, other) = if sign == "+" { (" plus 1", " minus 1") } else { (" minus 1", " plus 1") };
        return words(left)
            .slot(right, &[(OffByOne, "missing_one", ""), (IncorrectLogic, "opposite_sign", other)]);
    }
    let joined = |text: &str, variants: &[(_, &'static str, &str)]| {
        grouped(left, sign).slot(text, variants).then(grouped(right, sign))
    };
    match sign {
        "+" => joined(" plus ", &[(IncorrectLogic, "other_operation", " minus ")]),
        "-" => joined(" minus ", &[(IncorrectLogic, "other_operation", " plus ")]),
        "*" => joined(" times ", &[(IncorrectLogic, "other_operation", " plus ")]),
        "/" => joined(" divided by ", &[(IncorrectLogic, "other_operation", " times ")]),
        "//" => joined(
            " divided and rounded down by ",
            &[(IncorrectLogic, "other_rounding", " divided and rounded up by ")],
        ),
        "%" => say("the remainder of ").then(joined(" divided by ", &[])),
        "**" => joined(" to the power of ", &[(IncorrectLogic, "other_operation", " times ")]),
        "<" => joined(
            " is less than ",
            &[
                (OffByOne, "bound", " is at most "),
                (IncorrectLogic, "opposite_condition", " is greater than "),
            ],
        ),
        "<=" => joined(
            " is at most ",
            &[(OffByOne, "bound", " is less than "), (IncorrectLogic, "opposite_condition", " is at least ")],
        ),
        ">" => joined(
            " is greater than ",
            &[(OffByOne, "bound", " is at least "), (IncorrectLogic, "opposite_condition", " is less than ")],
        ),
        ">=" => joined(
            " is at least ",
            &[
                (OffByOne, "bound", " is greater than "),
                (IncorrectLogic, "opposite_condition", " is at most "),
            ],
        ),
        "==" => joined(" equals ", &[(IncorrectLogic, "opposite_condition", " differs from ")]),
        "!=" => joined(" differs from ", &[(IncorrectLogic, "opposite_condition", " equals ")]),
        "in" => joined(" is in ", &[(IncorrectLogic, "opposite_condition", " is not in ")]),
        "not in" => joined(" is not in ", &[(IncorrectLogic, "opposite_condition", " is in ")]),
        "and" => joined(" and ", &[(IncorrectLogic, "other_connective", " or ")]),
        "or" => joined(" or ", &[(IncorrectLogic, "other_connective", " and ")]),
        "&" => joined(" bitwise and ", &[(IncorrectLogic, "other_operation", " bitwise or ")]),
        "|" => joined(" bitwise or ", &[(IncorrectLogic, "other_operation", " bitwise and ")]),
        "^" => joined(" exclusive or ", &[(IncorrectLogic, "other_operation", " bitwise or ")]),
        "<<" => joined(" shifted left by ", &[(IncorrectLogic, "other_operation", " shifted right by ")]),
        ">>" => joined(" shifted right by ", &[(IncorrectLogic, "other_operation", " shifted left by ")]),
        _ => joined(" combined with ", &[]),
    }
}

/// An operand, in brackets where words would leave it open what belongs together.
fn grouped(tree: &Tree, outer: &str) -> Phrase {
    match tree {
        Tree::Binary(sign, _, _) if sign != outer && !matches!(outer, "and" | "or") => {
            say("(").then(words(tree)).say(")")
        }
        _ => words(tree),
    }
}

fn item(of: &Tree, index: &Tree) -> Phrase {
    match index {
        Tree::Number(at) if at == "0" => {
            say("the ").slot("first", &[(OffByOne, "next_item", "second")]).say(" item of ").then(words(of))
        }
        Tree::Number(at) if at == "1" => {
            say("the ").slot("second", &[(OffByOne, "next_item", "third")]).say(" item of ").then(words(of))
        }
        Tree::Unary(sign, at) if sign == "-" && number(at) == Some("1") => say("the ")
            .slot("last", &[(OffByOne, "next_item", "second to last")])
            .say(" item of ")
            .then(words(of)),
        index => say("the item of ").then(words(of)).say(" at ").then(words(index)),
    }
}

fn slice(of: &Tree, [from, to, step]: &[Option<Box<Tree>>; 3]) -> Phrase {
    let backwards =
        matches!(step.as_deref(), Some(Tree::Unary(sign, one)) if sign == "-" && number(one) == Some("1"));
    match (from.as_deref(), to.as_deref(), step.as_deref()) {
        (None, None, Some(_)) if backwards => words(of)
            .slot(" in reverse order", &[(IncorrectLogic, "forgotten_reversal", " in the given order")]),
        (None, Some(to), None) => say("the part of ").then(words(of)).then(
            with_condition(say(""), "", say("before position ").then(words(to)))
                .slot("", &[(OffByOne, "slice_end", " (and that position too)")]),
        ),
        (Some(from), None, None) => say("the part of ").then(words(of)).then(
            with_condition(say(""), "", say("from position ").then(words(from)))
                .slot("", &[(OffByOne, "slice_start", " (but without that position)")]),
        ),
        (from, to, step) => {
            let mut phrase = say("the items of ").then(words(of));
            if let Some(from) = from {
                phrase = phrase.say(" from position ").then(words(from));
            }
            if let Some(to) = to {
                phrase = phrase
                    .slot(" before position ", &[(OffByOne, "slice_end", " up to and including position ")])
                    .then(words(to));
            }
            if let Some(step) = step {
                phrase = phrase.say(" in steps of ").then(words(step));
            }
            phrase
        }
    }
}

fn display(open: char, all: &[Tree]) -> Phrase {
    let what = match open {
        '[' => "list",
        '{' => "collection",
        _ => "tuple",
    };
    if all.is_empty() {
        return say(&format!("an empty {what}"));
    }
    let few = &all[..all.len().min(6)];
    let phrase = list(say(&format!("the {what} of ")), few.iter().map(words));
    if all.len() > few.len() { phrase.say(" and so on") } else { phrase }
}

/// Phrases joined by commas and a final `and`.
pub(super) fn list(mut phrase: Phrase, all: impl ExactSizeIterator<Item = Phrase>) -> Phrase {
    let count = all.len();
    for (at, one) in all.enumerate() {
        phrase = match at {
            0 => phrase,
            at if at + 1 == count => phrase.say(" and "),
            _ => phrase.say(", "),
        };
        phrase = phrase.then(one);
    }
    phrase
}

type Arguments = [(Option<String>, Tree)];

fn keyword<'a>(arguments: &'a Arguments, wanted: &str) -> Option<&'a Tree> {
    arguments.iter().find(|(name, _)| name.as_deref() == Some(wanted)).map(|(_, value)| value)
}

fn call(function: &Tree, arguments: &Arguments) -> Phrase {
    match function {
        Tree::Name(called) => builtin(called, arguments),
        Tree::Member(of, method) => match &**of {
            Tree::Name(module) if MODULES.contains(&module.as_str()) => builtin(method, arguments),
            of => on(of, method, arguments),
        },
        _ => list(words(function).say(" applied to "), arguments.iter().map(|(_, value)| words(value))),
    }
}

fn builtin(called: &str, arguments: &Arguments) -> Phrase {
    let plain: Vec<&Tree> =
        arguments.iter().filter(|(name, _)| name.is_none()).map(|(_, value)| value).collect();
    let first = |before: &str| match plain.first() {
        Some(first) => say(before).then(words(first)),
        None => say(before.trim_end()),
    };
    let extreme = |right: &str, wrong: &str| {
        let phrase = say("the ").slot(right, &[(IncorrectLogic, "other_extreme", wrong)]).say(" of ");
        let phrase = list(phrase, plain.iter().map(|one| words(one)));
        match keyword(arguments, "key") {
            Some(key) => phrase.say(" by ").then(words(key)),
            None => phrase,
        }
    };
    let converted = |to: &str| match plain.first() {
        Some(first) => {
            words(first).slot(&format!(" as {to}"), &[(MissingTypeGuard, "no_conversion", " as it is")])
        }
        None => say(&format!("an empty {}", to.split(' ').next_back().unwrap_or(to))),
    };
    match (called, plain.as_slice()) {
        ("len", [_]) => first("the length of "),
        ("sum", _) => first("the sum of "),
        ("abs", _) => first("the absolute value of "),
        ("max", _) => extreme("largest", "smallest"),
        ("min", _) => extreme("smallest", "largest"),
        ("set", [_]) => first("the distinct items of "),
        ("Counter", _) => first("how often each item occurs in "),
        ("enumerate", _) => first("the positions and items of "),
        ("reversed", _) => first("the items from last to first of "),
        ("sqrt", _) => first("the square root of "),
        ("any", _) => {
            say("whether ").slot("any", &[(IncorrectLogic, "other_quantifier", "all")]).then(first(" of "))
        }
        ("all", _) => {
            say("whether ").slot("all", &[(IncorrectLogic, "other_quantifier", "any")]).then(first(" of "))
        }
        ("int", _) => converted("a whole number"),
        ("str", _) => converted("a string"),
        ("float", _) => converted("a decimal number"),
        ("list", _) => converted("a list"),
        ("tuple", _) => converted("a tuple"),
        ("isinstance" | "type", _) => first("the type of "),
        ("print", _) => first("what is printed of "),
        ("range", [end]) => numbers(say("0"), words(end)),
        ("range", [start, end]) => numbers(words(start), words(end)),
        ("range", [start, end, step]) => {
            numbers(words(start), words(end)).say(" in steps of ").then(words(step))
        }
        ("zip", _) => list(say("the pairs of items of "), plain.iter().map(|one| words(one))),
        ("map", [by, over]) => say("the results of ").then(words(by)).say(" on each of ").then(words(over)),
        ("filter", [by, over]) => with_condition(words(over), " kept only where ", words(by)),
        ("sorted", _) => ordered(first(""), arguments),
        ("search" | "match" | "findall" | "sub" | "finditer" | "split" | "compile", _) => {
            list(say(&format!("the {} of the pattern ", name(called))), plain.iter().map(|one| words(one)))
        }
        _ => {
            let phrase = say(&format!("the {} of ", name(called)));
            if plain.is_empty() {
                say(&name(called))
            } else {
                list(phrase, plain.iter().map(|one| words(one)))
            }
        }
    }
}

fn numbers(start: Phrase, end: Phrase) -> Phrase {
    say("the numbers from ")
        .then(start)
        .slot(" up to but not including ", &[(OffByOne, "range_end", " up to and including ")])
        .then(end)
}

pub(super) fn ordered(phrase: Phrase, arguments: &Arguments) -> Phrase {
    let reverse = keyword(arguments, "reverse").is_some_and(|tree| *tree == Tree::Name("True".into()));
    let (right, wrong) = (" in ascending order", " in descending order");
    let (right, wrong) = if reverse { (wrong, right) } else { (right, wrong) };
    let phrase = phrase.slot(
        right,
        &[
            (IgnoredConstraint, "other_order", wrong),
            (WrongAlgorithmChoice, "no_sorting", " in the given order"),
        ],
    );
    match keyword(arguments, "key") {
        Some(key) => with_condition(phrase, " by ", words(key)),
        None => phrase,
    }
}

fn on(of: &Tree, method: &str, arguments: &Arguments) -> Phrase {
    let first = arguments.first().map(|(_, value)| words(value));
    match (method, first) {
        ("lower", None) => words(of).say(" in small letters"),
        ("upper", None) => words(of).say(" in capitals"),
        ("items", None) => say("the keys and values of ").then(words(of)),
        ("keys", None) => say("the keys of ").then(words(of)),
        ("values", None) => say("the values of ").then(words(of)),
        ("strip", None) => words(of).say(" without space around it"),
        ("split", None) => say("the words of ").then(words(of)),
        ("split", Some(by)) => say("the parts of ").then(words(of)).say(" between each ").then(by),
        ("join", Some(what)) => what.say(" joined with ").then(words(of)),
        ("count", Some(what)) => say("how often ").then(what).say(" occurs in ").then(words(of)),
        ("replace", Some(what)) => {
            let phrase = words(of).say(" with ").then(what).say(" replaced by ");
            arguments
                .get(1)
                .map_or_else(|| phrase.clone().say("nothing"), |(_, by)| phrase.clone().then(words(by)))
        }
        ("isdigit" | "isnumeric", None) => words(of).say(" consists of digits"),
        ("isalpha", None) => words(of).say(" consists of letters"),
        ("isupper", None) => {
            words(of).slot(" is a capital", &[(IncorrectLogic, "opposite_condition", " is a small letter")])
        }
        ("islower", None) => {
            words(of).slot(" is a small letter", &[(IncorrectLogic, "opposite_condition", " is a capital")])
        }
        ("startswith", Some(what)) => words(of).say(" starts with ").then(what),
        ("endswith", Some(what)) => words(of).say(" ends with ").then(what),
        ("get", Some(what)) => say("what ").then(words(of)).say(" holds for ").then(what),
        ("index" | "find", Some(what)) => say("the position of ").then(what).say(" in ").then(words(of)),
        ("pop", None) => say("the last item taken from ").then(words(of)),
        (_, None) => say(&format!("the {} of ", name(method))).then(words(of)),
        (_, Some(_)) => list(
            say(&format!("the {} of ", name(method))).then(words(of)).say(" with "),
            arguments.iter().map(|(_, value)| words(value)),
        ),
    }
}
