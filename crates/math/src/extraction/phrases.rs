//! "The final answer is …", "answer: …", `#### …`, and what in a text is prose.

use super::formulas::{Span, group_from};
use super::{Extract, numbers};
use crate::syntax::commands::plain_word;
use crate::verdict::Rung;

/// How far behind "answer" its formula may start.
const REACH: usize = 60;

/// What follows the last `####`.
pub(super) fn hashes(text: &str) -> Option<(usize, Extract)> {
    let at = text.rfind("####")? + 4;
    let line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
    let piece = cleaned(&text[at..line_end]);
    if piece.is_empty() {
        return None;
    }
    Some((line_end, Extract::plain(Rung::Hashes, piece.to_owned())))
}

/// ASCII lower case, of the same length.
fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// What follows the last "final answer is" or "final answer:".
pub(super) fn last_final_answer(text: &str, spans: &[Span]) -> Option<(usize, Extract)> {
    let lowered = lower(text);
    let mut before = lowered.len();
    while let Some(at) = lowered[..before].rfind("final answer") {
        let after = at + "final answer".len();
        if let Some(start) = introduced(&lowered, after, 100)
            && let Some(found) = statement(text, start, spans, Rung::FinalAnswer)
        {
            return Some(found);
        }
        before = at;
    }
    None
}

/// What follows the last "answer is", "answer:" or "answer" with a formula right behind it.
pub(super) fn last_answer(text: &str, spans: &[Span]) -> Option<Extract> {
    let lowered = lower(text);
    let mut before = lowered.len();
    while let Some(at) = lowered[..before].rfind("answer") {
        let after = at + "answer".len();
        let start = introduced(&lowered, after, 40);
        if let Some(start) = start
            && let Some((_, extract)) = statement(text, start, spans, Rung::Answer)
        {
            return Some(extract);
        }
        if start.is_none()
            && let Some((_, extract)) = formula_behind(text, after, spans, Rung::Answer)
        {
            return Some(extract);
        }
        before = at;
    }
    None
}

/// Where the statement starts that "answer … is" or "answer:" introduces, if it does within `reach` bytes.
fn introduced(lowered: &str, after: usize, reach: usize) -> Option<usize> {
    let mut end = (after + reach).min(lowered.len());
    while !lowered.is_char_boundary(end) {
        end -= 1;
    }
    let window = &lowered[after..end];
    let sentence = window.find(['.', '\n', '!', '?', '$']).unwrap_or(window.len());
    let colon = window.find(':').filter(|at| *at <= sentence);
    let is = window[..sentence]
        .match_indices("is")
        .find(|(i, _)| {
            let (head, tail) = (&window[..*i], &window[*i + 2..]);
            head.ends_with(char::is_whitespace)
                && tail.starts_with(|c: char| c.is_whitespace() || c == ':' || c == '$' || c == '*')
        })
        .map(|(i, _)| i + 2);
    let equals = window[..sentence].find('=').filter(|at| window[..*at].trim().is_empty()).map(|at| at + 1);
    let start = [is, colon.map(|at| at + 1), equals].into_iter().flatten().min()?;
    let start = after + start;
    // "is:" and "**Answer:**".
    Some(
        start + lowered[start..].len()
            - lowered[start..].trim_start_matches([':', ' ', '*', '_', '\n', '\t']).len(),
    )
}

fn formula_behind(text: &str, start: usize, spans: &[Span], rung: Rung) -> Option<(usize, Extract)> {
    let index = spans.iter().position(|span| span.start >= start)?;
    let gap = &text[start..spans[index].start];
    let sentence_ends = gap.contains(". ") || gap.contains(".\n") || gap.contains("\n\n");
    if gap.len() > REACH || sentence_ends || gap.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (end, pieces, percent) = group_from(text, spans, index)?;
    if pieces.is_empty() {
        return None;
    }
    Some((end, Extract::formula(rung, pieces, percent)))
}

/// The formula or the clause at `start`.
fn statement(text: &str, start: usize, spans: &[Span], rung: Rung) -> Option<(usize, Extract)> {
    if let Some(found) = formula_behind(text, start, spans, rung) {
        return Some(found);
    }
    // A formula that starts before the phrase ends holds it: `$\text{answer is } 5$`.
    if spans.iter().any(|span| span.start < start && start < span.end) {
        return None;
    }
    let rest = &text[start..];
    let end = clause_end(rest);
    let clause = cleaned(&rest[..end]);
    let piece = readable(clause)?;
    Some((start + end, Extract::plain(rung, piece)))
}

/// The end of a sentence: a full stop that is no decimal point, a line break, or "I hope".
fn clause_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => return at,
            b'.' | b'!' | b'?' if bytes.get(at + 1).is_none_or(|next| next.is_ascii_whitespace()) => {
                // "5!" ends no sentence if more of the expression follows.
                let more = bytes.get(at + 2).is_some_and(|next| b"+-*/^=<>)".contains(next));
                if !(bytes[at] == b'!' && more) {
                    return at
                        + usize::from(
                            bytes[at] == b'!' && bytes[..at].last().is_some_and(u8::is_ascii_digit),
                        );
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// The part of a clause that can be read as an answer: all of it, or its start if only words follow.
fn readable(clause: &str) -> Option<String> {
    if clause.is_empty() {
        return None;
    }
    if !is_prose(clause) {
        return Some(clause.to_owned());
    }
    // "(B) because …": the letter of a choice is the answer, what follows explains it.
    let first = clause.split_whitespace().next().unwrap_or_default();
    let letter = first.len() <= 4
        && first.ends_with([')', '.', ',', ':'])
        && crate::comparison::choice(first).is_some();
    if letter {
        return Some(first.trim_end_matches(['.', ',', ':']).to_owned());
    }
    if is_short_text(clause) {
        return Some(clause.to_owned());
    }
    // "12 because …": an expression, then words without numbers.
    let words: Vec<&str> = clause.split_whitespace().collect();
    let first_word = words.iter().position(|word| is_prose(word))?;
    let (head, tail) = words.split_at(first_word);
    let numbers_behind = tail.iter().any(|word| word.contains(|c: char| c.is_ascii_digit()));
    if head.is_empty() || numbers_behind {
        return numbers::last(clause).map(|(piece, _)| piece);
    }
    let joined = head.join(" ");
    let joined = joined.trim_end_matches([',', ';']).trim_end();
    let joined = joined.strip_suffix(" or").or_else(|| joined.strip_suffix(" and")).unwrap_or(joined);
    (!joined.is_empty()).then(|| joined.to_owned())
}

/// Without the marks around it: Markdown, quotes, a full stop.
pub(super) fn cleaned(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text;
        text = text.trim_matches(|c: char| c == '`' || c == '"' || c == '“' || c == '”').trim();
        if let Some(inside) = text.strip_prefix("**") {
            text = inside.strip_suffix("**").unwrap_or(inside).trim();
        }
        if let Some(inside) = text.strip_suffix("**") {
            text = inside.trim();
        }
        if text.ends_with('.') && !text.ends_with("..") {
            text = text[..text.len() - 1].trim_end();
        }
        if text == before {
            return text;
        }
    }
}

/// Runs of letters outside of commands.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find(|c: char| c.is_ascii_alphabetic())?;
            let command = start > 0 && rest.as_bytes()[start - 1] == b'\\';
            let length = rest[start..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let word = &rest[start..start + length];
            let behind = &rest[start + length..];
            // A subscript is a name: `x_{max}`.
            let head = rest[..start].trim_end();
            let subscript = head.ends_with("_{") || head.ends_with('_');
            if subscript {
                rest = behind;
                continue;
            }
            if command
                && matches!(
                    word,
                    "text"
                        | "mbox"
                        | "mathrm"
                        | "textbf"
                        | "textit"
                        | "textrm"
                        | "operatorname"
                        | "begin"
                        | "end"
                )
            {
                // What such a command holds is not prose between formulas.
                rest = behind.find('}').map_or("", |close| &behind[close..]);
                continue;
            }
            rest = behind;
            if !command {
                return Some(word);
            }
        }
    })
}

/// Whether a text has words that no expression would have.
pub(super) fn is_prose(text: &str) -> bool {
    words(text).any(|word| {
        let short_word = matches!(
            word.to_ascii_lowercase().as_str(),
            "is" | "we" | "so" | "it" | "be" | "to" | "of" | "as" | "by" | "if" | "at" | "on" | "no" | "he"
        ) && !text.contains('\\');
        // Capitals side by side name points and segments.
        let named = word.len() <= 4 && word.bytes().all(|b| b.is_ascii_uppercase());
        short_word || (word.len() >= 3 && !named && plain_word(word).is_none() && !glued(word))
    })
}

/// A function or connector glued to a letter or two ("sinx", "orW").
fn glued(word: &str) -> bool {
    let known = |part: &str| plain_word(part).is_some();
    word.len() <= 6
        && (2..word.len()).any(|at| word.len() - at <= 2 && (known(&word[..at]) || known(&word[at..])))
}

/// Whether a text is a few words without numbers: a name, a colour, "yes".
pub(super) fn is_short_text(text: &str) -> bool {
    text.len() <= 60
        && text.split_whitespace().count() <= 5
        && !text.contains(|c: char| c.is_ascii_digit() || "\\$=<>{}".contains(c))
        && text.contains(|c: char| c.is_alphabetic())
}

/// Whether a text is a phrase of words and not an expression with words in it.
pub(crate) fn is_phrase(text: &str) -> bool {
    is_short_text(text)
        && is_prose(text)
        && text.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || "-'’.,".contains(c))
        && !text.contains(',')
        && !text.split_whitespace().any(|word| matches!(word, "and" | "or"))
}

/// Whether LaTeX stands among words: then nothing in it may be taken for a plain number.
pub(super) fn has_formula_outside(text: &str) -> bool {
    text.contains('\\')
}
