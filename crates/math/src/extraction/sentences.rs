//! The sentences of a text, and the last of them that names a value.

use super::Extract;
use super::bases;
use super::bounds;
use super::claims::{in_words, retracted, supposed};
use super::clauses::{Lead, is_listed_part, is_total};
use super::continuations::goes_on;
use super::corrections::begins_turn;
use super::formulas::Span;
use super::hearsay;
use super::phrases::from_clause;
use super::prose::cleaned;
use super::vocabulary::{Role, is_closing, role};
use crate::scan::{holds_pair, next_like};
use crate::syntax::words::is_word;
use crate::verdict::Rung;

/// What a sentence may end with.
fn may_end(byte: u8) -> bool {
    (byte == b'\n') | (byte == b'.') | (byte == b'!') | (byte == b'?')
}

/// The last sentence that names a value, and what it says.
pub(super) fn last_sentence(text: &str, spans: &[Span], rung: impl Fn(bool) -> Rung) -> Option<Extract> {
    last_sentence_from(text, 0, spans, rung)
}

/// The same for the sentences from `from` on.
pub(super) fn last_sentence_from(
    text: &str,
    from: usize,
    spans: &[Span],
    rung: impl Fn(bool) -> Rung,
) -> Option<Extract> {
    let sentences = sentences(text, from, spans);
    let mut passed = 0;
    for (start, end) in sentences.into_iter().rev() {
        let sentence = &text[start..end];
        let has_formula = spans.iter().any(|span| span.start >= start && span.start < end);
        let valued =
            has_formula || sentence.contains(|c: char| c.is_ascii_digit()) || sentence.contains('\\');
        // A question claims nothing.
        let asked = text[end..].starts_with('?');
        if !valued
            || asked
            || (is_closing(sentence) && passed < 3)
            || is_supposition(sentence)
            || is_listed_part(text, start, end)
            || is_inclusion(text, start, end)
        {
            passed += 1;
            continue;
        }
        // "6? No: 8."
        let start = start + opener(text, start, end);
        let mut extract = from_clause(text, (start, end), spans, rung(has_formula), Lead::Sentence)?;
        if !extract.words
            && (evades(sentence)
                || is_beside(sentence)
                || retracted(&text[end..])
                || goes_on(text, end)
                || qualifies(text, start, end))
        {
            extract = in_words(extract);
        }
        let plain = extract.plain;
        return Some(Extract { rung: rung(!plain), ..extract });
    }
    None
}

/// Whether a sentence says its value of something else than the answer, or as others say it: in another base, as the most that
/// it can be, "according to Bob".
fn qualifies(text: &str, start: usize, end: usize) -> bool {
    let sentence = &text[start..end];
    let value = sentence.find(|c: char| c.is_ascii_digit() || matches!(c, '$' | '\\')).unwrap_or(0);
    let before = &sentence[..value];
    let numbers = sentence.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count();
    hearsay::is_told(text, start + value, end)
        || bounds::is_most(before)
        || numbers == 1 && bases::base_before(before)
}

/// Whether a sentence about the answer says something else of it than what it is: "the answer fails to be 73".
fn evades(sentence: &str) -> bool {
    let mut words = sentence.split_whitespace();
    let subject = words
        .find(|word| !matches!(word.to_ascii_lowercase().as_str(), "the" | "my" | "your" | "so" | "our"));
    // "the answer has to be 12", "the answer works out to be 12".
    let plain = ["has to be ", "needs to be ", "works out to ", "comes down to ", "ends up "];
    if plain.iter().any(|plain| sentence.contains(plain)) {
        return false;
    }
    subject.is_some_and(|word| word.eq_ignore_ascii_case("answer"))
        && words.next().is_some_and(|verb| {
            verb.bytes().all(|b| b.is_ascii_lowercase())
                && is_word(verb)
                && (role(verb) == Role::Other || matches!(verb, "has" | "have" | "had" | "needs" | "takes"))
        })
}

/// Whether a sentence sets its first value beside the answer: "64 overshoots the answer", "64 is a bound on the answer".
fn is_beside(sentence: &str) -> bool {
    let sentence = sentence.trim_end_matches(|c: char| !c.is_alphanumeric());
    let Some(head) = sentence.strip_suffix("answer") else { return false };
    if !sentence.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '\\' | '-')) {
        return false;
    }
    let verb = head.split_whitespace().rev().find(|word| {
        !matches!(
            *word,
            "the" | "our" | "my" | "your" | "final" | "correct" | "right" | "required" | "desired" | "true"
        )
    });
    verb.is_some_and(|verb| {
        matches!(
            verb,
            "on" | "to"
                | "of"
                | "than"
                | "from"
                | "for"
                | "below"
                | "above"
                | "near"
                | "beyond"
                | "under"
                | "over"
        ) || role(verb) == Role::Other
            && verb.ends_with('s')
            && !matches!(verb, "makes" | "becomes" | "provides")
    })
}

/// The length of a word that turns away from the sentence before, which is no part of what this one says.
fn opener(text: &str, start: usize, end: usize) -> usize {
    let sentence = &text[start..end];
    let word = sentence.bytes().take_while(u8::is_ascii_alphabetic).count();
    let turned = sentence[word..].starts_with([',', ':', ';']);
    if !turned || text[..start].trim_end().is_empty() {
        return 0;
    }
    let turns = matches!(
        sentence[..word].to_ascii_lowercase().as_str(),
        "no" | "nope" | "actually" | "wait" | "oops" | "sorry" | "correction" | "hmm" | "oh"
    );
    let rest = sentence[word..].trim_start_matches([',', ':', ';', ' ']);
    let next = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    // "No, it is not": the denial goes on.
    let plain = rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '\\' | '-'))
        || matches!(
            rest[..next].to_ascii_lowercase().as_str(),
            "it's" | "it" | "the" | "no" | "that's" | "so"
        );
    if turns && plain { sentence.len() - rest.len() } else { 0 }
}

/// "If order mattered, there would be 20 ways": about another problem.
fn is_supposition(sentence: &str) -> bool {
    if !holds_pair(sentence.as_bytes(), |a, b| (a == b' ') & (b | 0x20 == b'w')) {
        return false;
    }
    let lower = sentence.to_ascii_lowercase();
    lower.contains(" would ") && supposed(&lower) && !lower.contains(" but ")
}

/// "That includes $30 for the shirt", "Of these, 30 are red", behind a sentence that states a total.
fn is_inclusion(text: &str, start: usize, end: usize) -> bool {
    let sentence = &text[start..end];
    let mut words = sentence.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    let includes = matches!(first, "That" | "This" | "It" | "They" | "These")
        && matches!(
            second,
            "includes" | "include" | "covers" | "contains" | "consists" | "comprises" | "counts"
        );
    if !includes {
        return false;
    }
    let before = text[..start].trim_end();
    let from = before.trim_end_matches(['.', '!']).rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
    let mut last = "";
    before[from..].contains(|c: char| c.is_ascii_digit())
        && before[from..].split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).any(|word| {
            let total = is_total(word, last);
            last = word;
            total
        })
}

/// The name that a sentence says the answer is: "x is the answer", "so it is x".
pub(super) fn named_answer(sentence: &str) -> Option<&str> {
    let mut words: Vec<&str> = sentence.split_whitespace().collect();
    while let [first, rest @ ..] = words.as_slice()
        && matches!(
            first.trim_end_matches(','),
            "So" | "Thus" | "Hence" | "Therefore" | "so" | "thus" | "hence" | "therefore"
        )
    {
        words = rest.to_vec();
    }
    let name = match words.as_slice() {
        ["It" | "it", "is" | "equals", name] | ["It's" | "it's", name] => name,
        [name, "is", "the", "answer" | "solution" | "result"]
        | [
            name,
            "is",
            "the",
            "final" | "correct" | "right",
            "answer" | "solution" | "result" | "choice" | "option",
        ] => name,
        _ => return None,
    };
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    (letters <= 2 && !is_word(name) && !matches!(*name, "it" | "It" | "He" | "No" | "no")).then_some(*name)
}

/// The last sentence of a text that says more than a remark, whatever it says.
pub(super) fn last_said<'t>(text: &'t str, spans: &[Span]) -> Option<&'t str> {
    sentences(text, 0, spans)
        .into_iter()
        .rev()
        .map(|(start, end)| (&text[start..end], &text[end..]))
        .find(|(sentence, behind)| !is_closing(sentence) && !behind.starts_with('?'))
        .map(|(sentence, _)| cleaned(sentence))
}

/// Where the sentences of a text stand; formulas are not cut.
fn sentences(text: &str, from: usize, spans: &[Span]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = from;
    while start < text.len() {
        start += text[start..].len() - text[start..].trim_start().len();
        if start >= text.len() {
            break;
        }
        let end = sentence_end(text, start, spans);
        if !text[start..end].trim().is_empty() {
            out.push((start, end));
        }
        let step = text[end..].chars().next().map_or(1, char::len_utf8);
        // Past the mark that ended it; an end inside of the text is at least one character further on.
        start = (end + step).min(text.len());
    }
    out
}

/// The end of a sentence: a full stop that is no decimal point and no abbreviation, a line break; not inside a formula.
pub(super) fn sentence_end(text: &str, start: usize, spans: &[Span]) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    let mut next = spans.partition_point(|span| span.start < start);
    while at < bytes.len() {
        if let Some(span) = spans.get(next) {
            if span.start == at {
                at = span.end;
                next += 1;
                continue;
            }
            if span.start < at {
                next += 1;
                continue;
            }
        }
        match bytes[at] {
            b'\n' => {
                // A formula set off from its sentence belongs to it.
                let rest = text[at..].trim_start();
                let line = text.len() - rest.len();
                let display = rest.starts_with("$$") || rest.starts_with("\\[");
                let paragraph = text[at..].starts_with("\n\n");
                let before = text[start..at].trim_end();
                let open = before.ends_with(':')
                    || before.ends_with("is")
                    || before.ends_with("are")
                    || before.is_empty();
                let belongs = display && (!paragraph || open);
                if !belongs && !open && !before.is_empty() {
                    return at;
                }
                // Past all the space at once: pages of empty lines are read once.
                at = line.max(at + 1);
            }
            b'.' | b'!' | b'?'
                if bytes.get(at + 1).is_none_or(|next| {
                    next.is_ascii_whitespace() || matches!(next, b'"' | b'\'' | b')' | b'*')
                }) =>
            {
                // "5!" ends no sentence if more of the expression follows; "p.m." does not either.
                let more = bytes.get(at + 2).is_some_and(|next| b"+-*/^=<>)".contains(next));
                let factorial = bytes[at] == b'!' && more;
                let abbreviation = bytes[at] == b'.'
                    && is_abbreviation(&text[start..at])
                    && !text[at + 1..].trim().is_empty();
                let broken_off =
                    bytes[at] == b'.' && at > start && bytes[at - 1] == b'.' && resumes(&text[at + 1..]);
                if !factorial && !abbreviation && !broken_off {
                    return at;
                }
                at += 1;
            }
            _ => {
                let formula = spans.get(next).map_or(bytes.len(), |span| span.start);
                at = next_like(&bytes[..formula], at + 1, may_end).max(at + 1);
            }
        }
    }
    text.len()
}

/// Where the sentence begins that goes on at `at`. No further back than any sentence is long.
pub(super) fn sentence_start(text: &str, at: usize) -> usize {
    const FAR: usize = 400;
    let mut floor = at.saturating_sub(FAR);
    while !text.is_char_boundary(floor) {
        floor += 1;
    }
    let mut end = at;
    while let Some(mark) = text[floor..end].rfind(['.', '!', '?', '\n']).map(|mark| floor + mark) {
        let ends = match text.as_bytes()[mark] {
            b'\n' => true,
            b'.' => text[mark + 1..].starts_with(char::is_whitespace) && !is_abbreviation(&text[floor..mark]),
            _ => text[mark + 1..].starts_with(char::is_whitespace),
        };
        if ends {
            return mark + 1;
        }
        end = mark;
    }
    floor
}

/// Whether a sentence goes on behind an ellipsis, on its line: "73... of 100 million".
fn resumes(rest: &str) -> bool {
    let behind = rest.trim_start_matches([' ', '"', '\'', ')', '*']);
    // "6... no, 8" turns, and "10... 11... 12" counts.
    let remark = behind.starts_with("i ") || begins_turn(behind);
    !remark && behind.starts_with(|c: char| c.is_lowercase() || "%+-*/^×÷=$\\".contains(c))
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    matches!(
        word,
        "a.m"
            | "p.m"
            | "i.e"
            | "e.g"
            | "approx"
            | "Mr"
            | "Mrs"
            | "Ms"
            | "Dr"
            | "St"
            | "vs"
            | "sq"
            | "ft"
            | "No"
            | "ca"
            | "resp"
            | "Jan"
            | "Feb"
            | "Mar"
            | "Apr"
            | "Jun"
            | "Jul"
            | "Aug"
            | "Sep"
            | "Sept"
            | "Oct"
            | "Nov"
            | "Dec"
            | "cf"
    )
}
