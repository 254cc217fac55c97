//! Rules that take statements out or write them otherwise.

use super::{Bench, Edit};
use crate::code::syntax::{Token, after, assigns, colon, goes_on, has_siblings, within_definition};
use std::ops::Range;
use tracelift_domain::FlawKind::{
    IgnoredConstraint, IncorrectLogic, MissingEdgeCase, MissingTypeGuard, WrongAlgorithmChoice, WrongIoFormat,
};

/// Makes what rules make of the statement at a line.
pub(super) fn mutate(bench: &mut Bench<'_>, at: usize) {
    let lines = bench.lines;
    let line = &lines[at];
    match line.first() {
        "if" => condition(bench, at),
        "elif" | "else" => {
            bench.make(MissingEdgeCase, "left_out_branch", &[(whole(bench, at..after(lines, at)), "")]);
        }
        "try" => attempt(bench, at),
        "return" if line.tokens.len() > 1 => {
            let (word, end) = (line.places[0].clone(), line.places[line.places.len() - 1].end);
            let value = line.places[1].start..line.places[1].start;
            bench.make(
                WrongIoFormat,
                "printed_result",
                &[(word.start..value.end, "print("), (end..end, ")")],
            );
            if line.tokens[1].word() != "str" {
                bench.make(WrongIoFormat, "other_output", &[(value.clone(), "str("), (end..end, ")")]);
            }
            if !line.tokens[1].is("[") && line.tokens[1].word() != "list" {
                bench.make(WrongIoFormat, "other_output", &[(value, "["), (end..end, "]")]);
            }
        }
        "print" if assigns(&line.tokens).is_none() && within_definition(lines, at) => {
            bench.make(WrongIoFormat, "returned_result", &[(line.places[0].clone(), "return ")]);
        }
        _ => call(bench, at),
    }
}

/// Statements that are called for what they do.
fn call(bench: &mut Bench<'_>, at: usize) {
    let line = &bench.lines[at];
    if assigns(&line.tokens).is_some() || colon(&line.tokens).is_some() {
        return;
    }
    for (place, pair) in line.tokens.windows(3).enumerate() {
        let [dot, method, open] = pair else { continue };
        if !dot.is(".") || !open.is("(") {
            continue;
        }
        match method.word() {
            "append" => {
                let range = line.places[place + 1].start..line.places[place + 2].end;
                bench.make(IncorrectLogic, "other_place", &[(range, "insert(0, ")]);
            }
            "sort" if has_siblings(bench.lines, at, at + 1) => {
                bench.make(WrongAlgorithmChoice, "no_sorting", &[(whole(bench, at..at + 1), "")]);
            }
            _ => {}
        }
    }
}

/// An `if` whose branch is left out, or taken whatever holds.
fn condition(bench: &mut Bench<'_>, at: usize) {
    let lines = bench.lines;
    let end = after(lines, at);
    if goes_on(lines, end) {
        return;
    }
    let last = &lines[end - 1];
    // Of `if a: return b` the statement comes after the colon.
    let leaves = match colon(&last.tokens).filter(|_| end == at + 1) {
        Some(colon) => last.tokens.get(colon + 1).map_or("", Token::word),
        None => last.first(),
    };
    let out: Edit<'_> = (whole(bench, at..end), "");
    match leaves {
        "return" | "raise" if has_siblings(lines, at, end) => bench.make(MissingEdgeCase, "left_out", &[out]),
        "continue" | "break" if has_siblings(lines, at, end) => {
            bench.make(IgnoredConstraint, "forgotten_exception", &[out]);
        }
        "return" | "raise" | "continue" | "break" => {}
        _ if end > at + 1 => {
            let mut edits = vec![(whole(bench, at..at + 1), String::new())];
            edits.extend(dedented(bench, at + 1..end, lines[at].indent));
            make(bench, IgnoredConstraint, "condition_not_checked", &edits);
        }
        _ => {}
    }
}

/// What is tried, without what is done where it fails.
fn attempt(bench: &mut Bench<'_>, at: usize) {
    let lines = bench.lines;
    let handler = after(lines, at);
    if lines.get(handler).is_none_or(|line| line.first() != "except") || handler == at + 1 {
        return;
    }
    let end = after(lines, handler);
    if goes_on(lines, end) {
        return;
    }
    let mut edits = vec![(whole(bench, at..at + 1), String::new())];
    edits.extend(dedented(bench, at + 1..handler, lines[at].indent));
    edits.push((whole(bench, handler..end), String::new()));
    make(bench, MissingTypeGuard, "no_fallback", &edits);
}

fn make(
    bench: &mut Bench<'_>,
    kind: tracelift_domain::FlawKind,
    rule: &'static str,
    edits: &[(Range<usize>, String)],
) {
    let edits: Vec<Edit<'_>> = edits.iter().map(|(range, text)| (range.clone(), text.as_str())).collect();
    bench.make(kind, rule, &edits);
}

/// The bytes of whole lines, with their indents and line breaks.
fn whole(bench: &Bench<'_>, lines: Range<usize>) -> Range<usize> {
    let start = bench.lines[lines.start].places[0].start;
    let start = bench.program[..start].rfind('\n').map_or(0, |at| at + 1);
    let last = &bench.lines[lines.end - 1].places;
    let end = last[last.len() - 1].end;
    let end = bench.program[end..].find('\n').map_or(bench.program.len(), |at| end + at + 1);
    start..end
}

/// Lines moved to the left, so that their first stands at `indent`.
fn dedented(bench: &Bench<'_>, lines: Range<usize>, indent: usize) -> Vec<(Range<usize>, String)> {
    let own = bench.lines[lines.start].indent;
    lines
        .map(|at| {
            let first = bench.lines[at].places[0].start;
            let start = bench.program[..first].rfind('\n').map_or(0, |at| at + 1);
            (start..first, " ".repeat(bench.lines[at].indent.saturating_sub(own) + indent))
        })
        .collect()
}
