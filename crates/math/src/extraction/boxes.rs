//! `\boxed{…}` and `\fbox{…}`: the last one, with those right before it that belong to the same answer.

use super::formulas::{Span, percent_follows};
use super::{BrokenBox, Extract, Side};
use crate::scan::holds_pair;
use crate::syntax::units;
use crate::verdict::Rung;

/// One box: where the command starts, where it ends, and what it holds.
struct Box_ {
    start: usize,
    end: usize,
    content: (usize, usize),
}

/// The longest text between two boxes of one answer.
const GAP_LIMIT: usize = 64;

/// The last boxes of the text and where they end.
pub(super) fn last_group(
    text: &str,
    spans: &[Span],
    side: Side,
) -> Result<Option<(usize, Extract)>, BrokenBox> {
    let mut boxes = all(text, side)?;
    // "The answer is \boxed{18}, not \boxed{19}": what is denied is not the last word.
    while boxes.len() > 1 && boxes.last().is_some_and(|last| denied_before(&text[..last.start])) {
        boxes.pop();
    }
    // Struck out: `\\sout{\\boxed{73}}`.
    let struck = |found: &Box_| {
        let head = text[..found.start].trim_end_matches([' ', '$', '{']);
        ["\\sout", "\\cancel", "\\bcancel", "\\xcancel", "\\st"].iter().any(|command| head.ends_with(command))
    };
    while boxes.last().is_some_and(struck) {
        boxes.pop();
    }
    let Some(last) = boxes.last() else { return Ok(None) };
    let mut first = boxes.len() - 1;
    while first > 0 && joins(&text[boxes[first - 1].end..boxes[first].start]) {
        first -= 1;
    }
    let pieces: Vec<String> =
        boxes[first..].iter().map(|found| text[found.content.0..found.content.1].trim().to_owned()).collect();
    if pieces.iter().any(String::is_empty) {
        return Err(BrokenBox);
    }
    if denied_before(&text[..boxes[first].start]) || taken_back(&text[last.end..]) {
        let piece = format!("not claimed: {}", pieces.join(", "));
        return Ok(Some((last.end, Extract { words: true, ..Extract::plain(Rung::Boxed, piece) })));
    }
    if let ([piece], Some(other)) = (pieces.as_slice(), alternative(&text[last.end..])) {
        return Ok(Some((last.end, Extract::formula(Rung::Boxed, vec![piece.clone(), other.to_owned()]))));
    }
    let percent = percent_follows(&text[last.end..]);
    let inside = spans.iter().find(|span| span.start < last.start && last.end < span.end);
    if let [piece] = pieces.as_slice() {
        let (before, after) = match inside {
            Some(span) => (&text[span.start..last.start], &text[last.end..span.end]),
            None => (&text[..last.start], &text[last.end..]),
        };
        if inside.is_none() && ["^\\circ", "^{\\circ}", "°"].iter().any(|degree| after.starts_with(degree)) {
            return Ok(Some((last.end, Extract::formula(Rung::Boxed, vec![format!("{piece}^\\circ")]))));
        }
        if is_operand(before, after, inside.is_some()) {
            // A box around a part of a formula: the formula is what is said, and it is read with the box in brackets.
            let whole = match inside {
                Some(span) => {
                    let (from, to) = span.content();
                    format!("{}({piece}){}", &text[from..last.start], &text[last.end..to])
                }
                None => format!("not claimed: {piece} in a formula"),
            };
            let extract = Extract { words: inside.is_none(), ..Extract::formula(Rung::Boxed, vec![whole]) };
            return Ok(Some((last.end, extract)));
        }
        if let Some(unit) = unit_behind(&text[last.end..]).filter(|_| !percent) {
            let amount = format!("{piece}\\text{{ {unit}}}");
            return Ok(Some((last.end, Extract::formula(Rung::Boxed, vec![amount]))));
        }
    }
    Ok(Some((last.end, Extract { percent, ..Extract::formula(Rung::Boxed, pieces) })))
}

/// Another value that is offered right behind a box: `\boxed{18} \text{ or } 19`.
fn alternative(after: &str) -> Option<&str> {
    let edge = |c: char| matches!(c, '$' | ' ' | '~' | ',' | ')' | ']' | '\\');
    let rest = after.trim_start_matches(edge);
    let rest = rest.strip_prefix("text{").map_or(rest, str::trim_start);
    let rest = rest.strip_prefix("or")?;
    let rest = rest.trim_start().strip_prefix('}').unwrap_or(rest);
    let rest = rest.trim_start_matches([' ', '$', '(']).trim_start_matches("\\(");
    let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '$' | ',')).unwrap_or(rest.len());
    let value = rest[..length].trim_end_matches(['.', '!', '?', ')']);
    (value.len() < 60
        && value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '\\'))
        && value.contains(|c: char| c.is_ascii_digit())
        && !value.contains("boxed"))
    .then_some(value)
}

/// Whether a box is only a part of the formula that it stands in: `\boxed{73}^c`, `2\cdot\boxed{73}`,
/// `\frac{\boxed{73}}{2}`.
fn is_operand(before: &str, after: &str, in_formula: bool) -> bool {
    let spaced = after.starts_with(char::is_whitespace);
    let after = after.trim_start_matches([' ', '~']).trim_start_matches("\\,");
    let behind = after.starts_with(['^', '_']) && !spaced
        || in_formula && after.starts_with(['!', '+', '-', '*', '/', '('])
        || !in_formula
            && after.starts_with(['+', '*', '/', '-'])
            && after[1..].trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '\\')
        || ["\\cdot", "\\times", "\\div", "\\pm", "\\over"].iter().any(|operator| {
            after
                .strip_prefix(operator)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        });
    let before = before.trim_end_matches([' ', '~', '{']);
    let opened = before.trim_end_matches(['(', '[']);
    let signed = opened.strip_suffix(['-', '+', '*', '/', '^', '_', '!']).is_some_and(|head| {
        // "- \boxed{5}" at the start of a line, or behind words, is a dash.
        in_formula
            || head.ends_with(|c: char| c.is_ascii_digit() || c == ')')
            || head.is_empty() && opened.len() == before.len()
    });
    let commanded = [
        "\\cdot",
        "\\times",
        "\\div",
        "\\pm",
        "\\frac",
        "\\dfrac",
        "\\tfrac",
        "\\sqrt",
        "\\log",
        "\\ln",
        "\\sin",
        "\\cos",
        "\\tan",
        "\\overline",
    ]
    .iter()
    .any(|command| opened.ends_with(command));
    let rooted = opened.ends_with(']')
        && opened.rfind("\\sqrt[").is_some_and(|at| !opened[at..].contains(['{', '}', '$']));
    behind || signed || commanded || rooted
}

/// The unit of measure right behind a box, inside of its formula or outside.
fn unit_behind(after: &str) -> Option<String> {
    let mut rest = after;
    loop {
        let before = rest;
        rest = rest.trim_start_matches(['$', ' ', '~']);
        for space in ["\\)", "\\]", "\\,", "\\;", "\\ ", "\\!"] {
            rest = rest.strip_prefix(space).unwrap_or(rest);
        }
        if rest == before {
            break;
        }
    }
    for command in ["\\text{", "\\mathrm{", "\\textrm{", "\\mbox{"] {
        if let Some(inside) = rest.strip_prefix(command) {
            let close = inside.find('}')?;
            let words = inside[..close].trim();
            // `\text{ m}^2`.
            let power = inside[close + 1..].strip_prefix('^').map(|power| power.trim_start_matches('{'));
            let digit = power.and_then(|power| power.chars().next()).filter(char::is_ascii_digit);
            let unit = digit.map_or(words.to_owned(), |digit| format!("{words}^{digit}"));
            return units::unit(&unit).map(|_| unit);
        }
    }
    let length =
        rest.find(|c: char| !(c.is_alphabetic() || matches!(c, '/' | '^' | '²' | '³'))).unwrap_or(rest.len());
    let word = &rest[..length];
    (units::is_unit_word(&word.to_lowercase()) || word.contains(['/', '^']))
        .then(|| units::unit(word).map(|_| word.to_owned()))
        .flatten()
}

/// The words of a text, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’')))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
}

/// Whether the words right before a box deny it.
fn denied_before(before: &str) -> bool {
    let before = before.trim_end_matches(['$', ' ', '(', '[', '\\']);
    let from = before.rfind(|c: char| ".!?;,:\n}".contains(c)).map_or(0, |at| at + 1);
    // All words of denial have an n before one of these; or they are Chinese.
    let denial = |a: u8, b: u8| {
        ((a | 0x20 == b'n') & ((b | 0x20 == b'o') | (b | 0x20 == b'e') | (b == b'\'') | (b == 0xe2)))
            | (a == 0xe4)
    };
    if !holds_pair(&before.as_bytes()[from..], denial) {
        return false;
    }
    let ahead: Vec<String> = words(&before[from..]).take(40).collect();
    let denies = ahead.iter().rev().take(3).any(|word| {
        matches!(word.as_str(), "not" | "never" | "cannot" | "neither" | "不是") || word.ends_with("n't")
    });
    let kept = ahead.iter().rev().take(3).any(|word| matches!(word.as_str(), "only" | "just" | "but"));
    denies && !kept
}

/// Whether the words right behind a box take it back.
fn taken_back(after: &str) -> bool {
    let after = after.trim_start_matches(['$', ' ', ')', ']', '\\', ',']);
    let to = after.find(['.', '!', '?', '\n', ';']).unwrap_or(after.len());
    let first: Vec<String> = words(&after[..to]).take(5).collect();
    // "\\boxed{73} is an upper bound", "… is just an estimate".
    let bound = matches!(first.first().map(String::as_str), Some("is" | "was"))
        && first
            .windows(2)
            .any(|pair| super::bounds::is_bound(&pair[1], &pair[0], "") || is_belittled(&pair[1]));
    bound
        || first.windows(2).any(|pair| {
            matches!(
                (pair[0].as_str(), pair[1].as_str()),
                ("not", "sure" | "certain" | "correct" | "right")
                    | ("is", "wrong" | "incorrect")
                    | ("isn't", "right" | "correct")
            )
        })
}

/// Nouns for a value that is not the answer.
fn is_belittled(word: &str) -> bool {
    matches!(
        word,
        "distractor"
            | "trap"
            | "decoy"
            | "placeholder"
            | "typo"
            | "mistake"
            | "error"
            | "overcount"
            | "undercount"
    )
}

/// All outermost boxes, in order.
fn all(text: &str, side: Side) -> Result<Vec<Box_>, BrokenBox> {
    let mut boxes = Vec::new();
    let commands = commands(text);
    let mut at = 0;
    while let Some((offset, length)) = next_command(&text[at..], &commands) {
        let start = at + offset;
        let after = start + length;
        let rest = &text[after..];
        let trimmed = rest.trim_start();
        let open = after + rest.len() - trimmed.len();
        if !trimmed.starts_with('{') {
            // `\boxed 5`: up to white space or the end of the formula.
            let length = trimmed.find(|c: char| c.is_whitespace() || c == '$').unwrap_or(trimmed.len());
            let content = (open, open + length);
            boxes.push(Box_ { start, end: content.1, content });
            at = content.1.max(after);
            continue;
        }
        match closing(text, open) {
            Some(close) => {
                boxes.push(Box_ { start, end: close + 1, content: (open + 1, close) });
                at = close + 1;
            }
            None if side == Side::Gold => {
                boxes.push(Box_ { start, end: text.len(), content: (open + 1, text.len()) });
                break;
            }
            None => return Err(BrokenBox),
        }
    }
    Ok(boxes)
}

/// The commands that make a box, those of them that the text has.
fn commands(text: &str) -> Vec<&'static str> {
    if !text.as_bytes().contains(&b'\\') {
        return Vec::new();
    }
    ["\\boxed", "\\fbox"].into_iter().filter(|command| text.contains(*command)).collect()
}

fn next_command(text: &str, commands: &[&str]) -> Option<(usize, usize)> {
    commands
        .iter()
        .filter_map(|command| {
            let mut from = 0;
            loop {
                let at = from + text[from..].find(command)?;
                let end = at + command.len();
                // `\boxedtext` is another command.
                if !text[end..].starts_with(|c: char| c.is_ascii_alphabetic()) {
                    return Some((at, command.len()));
                }
                from = end;
            }
        })
        .min()
}

/// Where the brace at `open` is closed.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut escapes = 0usize;
    for (i, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'\\' => {
                escapes += 1;
                continue;
            }
            // `\{` does not open; `\\{` of an answer that was escaped twice does not either.
            b'{' if escapes.is_multiple_of(2) => depth += 1,
            b'}' if escapes.is_multiple_of(2) => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
        escapes = 0;
    }
    None
}

/// Whether the text between two boxes makes them one answer: only punctuation, or a short phrase that ends in "and" or
/// "or".
fn joins(gap: &str) -> bool {
    if gap.len() > GAP_LIMIT || gap.contains("\n\n") {
        return false;
    }
    let mut plain = String::with_capacity(gap.len());
    let mut rest = gap;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            let name = rest[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let length =
                if name > 0 { 1 + name } else { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) };
            plain.push(' ');
            rest = &rest[length..];
        } else {
            plain.push(if "$(){}[]~".contains(c) { ' ' } else { c });
            rest = &rest[c.len_utf8()..];
        }
    }
    // "y_2 =" before the box is its name.
    let trimmed = plain.trim_end();
    let named = trimmed.strip_suffix('=').map(|before| {
        let before = before.trim_end();
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        before[..start].trim_end()
    });
    let trimmed = named.unwrap_or(trimmed);
    if trimmed.contains(['.', '!', '?', '=', '≈']) {
        return false;
    }
    let words: Vec<&str> =
        trimmed.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    match words.last() {
        None => !gap.trim().is_empty() || gap.is_empty(),
        Some(&("and" | "or")) => words.len() <= 6,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        last_group(text, &[], Side::Prediction).unwrap().unwrap().1.pieces
    }

    #[test]
    fn boxes_of_one_answer_are_joined() {
        assert_eq!(pieces("\\boxed{1},\\boxed{2},\\boxed{3}").len(), 3);
        assert_eq!(pieces("\\boxed{1} papers and \\boxed{2} bins").len(), 2);
        assert_eq!(pieces("\\(\\boxed{1}\\) and \\(\\boxed{-2}\\)").len(), 2);
        assert_eq!(pieces("\\boxed{1} no no no no no \\boxed{2}"), ["2"]);
        assert_eq!(pieces("\\boxed{004}. But again, so \\boxed{004} is"), ["004"]);
        assert_eq!(pieces("\\boxed{a} \\text{ for part (a) and } \\boxed{b}").len(), 2);
    }

    #[test]
    fn broken_boxes_hold_no_answer() {
        assert!(last_group("\\boxed{1", &[], Side::Prediction).is_err());
        assert!(last_group("\\boxed{}", &[], Side::Prediction).is_err());
        assert!(last_group("\\boxed{1", &[], Side::Gold).unwrap().is_some());
        assert!(last_group("nothing", &[], Side::Prediction).unwrap().is_none());
        assert_eq!(pieces("\\boxed{\\{1, 2\\}}"), ["\\{1, 2\\}"]);
        assert_eq!(pieces("\\boxed 5$ ok"), ["5"]);
    }
}
