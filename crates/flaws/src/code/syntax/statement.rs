//! Statements: what stands where in a line, and which lines hang together.

use super::{
    expression::{Tree, expression},
    lines::{Line, Token, lines},
};

/// The names of the functions that a program defines.
pub fn functions(program: &[Line]) -> Vec<String> {
    program
        .iter()
        .filter_map(|line| match line.tokens.as_slice() {
            [Token::Name(def), Token::Name(name), ..] if def == "def" => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// The parameters of a definition.
pub fn parameters(tokens: &[Token]) -> Vec<String> {
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

/// What a test calls, and what that is to be equal to; of another test the whole expression.
pub fn assertion(test: &str) -> Option<(Tree, Option<Tree>)> {
    let line = lines(test.trim().strip_prefix("assert")?)?.into_iter().next()?;
    match expression(&line.tokens)? {
        Tree::Binary(sign, call, value) if sign == "==" => Some((*call, Some(*value))),
        tree => Some((tree, None)),
    }
}

/// The tokens outside of all brackets, with their places in the line.
fn outside(tokens: &[Token]) -> impl Iterator<Item = (usize, &Token)> {
    let mut open = 0_i32;
    tokens.iter().enumerate().filter(move |(_, token)| {
        match token {
            Token::Sign("(" | "[" | "{") => open += 1,
            Token::Sign(")" | "]" | "}") => {
                open -= 1;
                return false;
            }
            _ => {}
        }
        open == 0
    })
}

/// The colon that ends a compound statement's head.
pub fn colon(tokens: &[Token]) -> Option<usize> {
    let mut lambdas = 0_usize;
    let found = outside(tokens).find(|(_, token)| match token {
        Token::Name(word) if word == "lambda" => {
            lambdas += 1;
            false
        }
        Token::Sign(":") if lambdas > 0 => {
            lambdas -= 1;
            false
        }
        token => token.is(":"),
    });
    found.map(|(at, _)| at)
}

/// Where the sign of an assignment stands.
pub fn assigns(tokens: &[Token]) -> Option<usize> {
    let sign = |token: &Token| matches!(token, Token::Sign(sign) if sign.ends_with('=') && !matches!(*sign, "==" | "!=" | "<=" | ">="));
    outside(tokens).find(|(_, token)| sign(token)).map(|(at, _)| at)
}

/// Whether the statement at a line goes on the branching before it.
pub fn goes_on(program: &[Line], at: usize) -> bool {
    let goes_on = |line: &Line| matches!(line.first(), "else" | "elif" | "except" | "finally");
    program.get(at).is_some_and(goes_on)
}

/// The line after a statement and what is indented below it.
pub fn after(lines: &[Line], at: usize) -> usize {
    let indent = lines[at].indent;
    (at + 1..lines.len()).find(|next| lines[*next].indent <= indent).unwrap_or(lines.len())
}

/// Whether a block still has a statement without those from `from` to before `to`.
pub fn has_siblings(lines: &[Line], from: usize, to: usize) -> bool {
    let indent = lines[from].indent;
    let next = lines.get(to).is_some_and(|line| line.indent == indent);
    // A deeper line before it belongs to a statement of the same block, unless its block begins here.
    next || from > 0 && lines[from - 1].indent >= indent
}

/// Whether a line stands in the body of a function.
pub fn within_definition(lines: &[Line], at: usize) -> bool {
    let mut indent = lines[at].indent;
    for line in lines[..at].iter().rev() {
        if line.indent < indent {
            indent = line.indent;
            if line.first() == "def" {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(line: &str) -> Vec<Token> {
        lines(line).unwrap().remove(0).tokens
    }

    #[test]
    fn a_head_ends_at_its_own_colon() {
        for (line, at) in [
            ("if x[1:2]: y = {1: 2}", Some(7)),
            ("while any(map(lambda x: x, xs)): pass", Some(13)),
            ("if (lambda x: x)(y): pass", Some(10)),
            ("if lambda: 0: pass", Some(4)),
            ("f(lambda x: x)", None),
        ] {
            assert_eq!(colon(&tokens(line)), at, "{line}");
        }
    }

    #[test]
    fn an_assignment_is_no_comparison_and_no_argument() {
        for (line, at) in
            [("x = f(a=1)", Some(1)), ("x[i == j] += 2", Some(6)), ("f(a=1)", None), ("x == y", None)]
        {
            assert_eq!(assigns(&tokens(line)), at, "{line}");
        }
    }

    #[test]
    fn definitions_and_tests_are_taken_apart() {
        let program = lines("def f(self, a, b=(1, 2), *rest):\n  def g(): pass\n  return g").unwrap();
        assert_eq!(functions(&program), ["f", "g"]);
        assert_eq!(parameters(&program[0].tokens), ["a", "b", "rest"]);
        assert!(within_definition(&program, 2) && !within_definition(&program, 0));
        let (call, value) = assertion("assert f(1) == [2]").unwrap();
        assert!(matches!(call, Tree::Call(..)) && matches!(value, Some(Tree::Display('[', _))));
    }
}
