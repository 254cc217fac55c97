//! What goes into a program and comes out of it, as one of its tests shows.

use super::syntax::{Tree, assertion};

/// What the arguments of a test's call are.
pub fn arguments(test: &str) -> Option<Vec<&'static str>> {
    match assertion(test)?.0 {
        Tree::Call(_, arguments) => arguments.iter().map(|(_, value)| form(value)).collect(),
        _ => None,
    }
}

/// What a test expects.
pub fn expected(test: &str) -> Option<&'static str> {
    let (_, value) = assertion(test)?;
    form(&value?)
}

/// What a value is, in words.
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
pub fn other_form(form: &str) -> &'static str {
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
