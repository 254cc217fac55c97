//! "The final answer is …", "answer: …" in several languages.

use super::Extract;
use super::bases;
use super::bounds;
use super::claims::{doubted, in_words, retracted, supposed};
use super::clauses::{Lead, Said, said};
use super::comparatives;
use super::formulas::{Span, group_from};
use super::hearsay;
use super::prose::{cleaned, has_letters, is_prose};
use super::sentences::{sentence_end, sentence_start};
use super::shares;
use crate::scan;
use crate::verdict::Rung;

/// No more phrases about an answer are looked at, from the end.
const PHRASE_LIMIT: usize = 64;
/// How far behind "answer" its formula may start.
const REACH: usize = 60;

/// Words for "answer", by language, in lower and upper case where both are written.
const HEADS: &[&str] =
    &["answer", "respuesta", "antwort", "resposta", "risposta", "ergebnis", "ans", "antwoord"];

/// The same in words that are not ASCII.
const FOREIGN_HEADS: &[&str] = &[
    "答案",
    "答え",
    "答",
    "解答",
    "正解",
    "故选",
    "应选",
    "选择",
    "故選",
    "结果",
    "結果",
    "정답",
    "답",
    "ответ",
    "Ответ",
    "ОТВЕТ",
    "réponse",
    "Réponse",
    "RÉPONSE",
    "lösung",
    "Lösung",
    "solución",
    "Solución",
    "résultat",
    "Résultat",
    "solução",
    "Solução",
];

/// What may introduce the value behind a word for "answer", other than a colon; the last of them are glued to it.
const COPULAS: &[&str] = &[
    "is",
    "are",
    "was",
    "equals",
    "es",
    "son",
    "ist",
    "sind",
    "lautet",
    "beträgt",
    "est",
    "sont",
    "é",
    "è",
    "são",
    "равен",
    "равно",
    "это",
    "составляет",
    "будет",
    "isn't",
    "isn’t",
    "aren't",
    "wasn't",
    "would",
    "should",
    "must",
    "may",
    "might",
    "could",
    "cannot",
    "can't",
    "seems",
    "comes",
    "n'est",
    "не",
    "no",
    "non",
    "não",
    "—",
    "–",
];

const GLUED_COPULAS: &[&str] =
    &["是", "为", "為", "は", "が", "은", "는", "이", "选", "選", "不", "并", "等于", "应", "可能"];

/// What the last phrase says: where it stands, where its statement ends, and what was found.
pub(super) type Phrase = (usize, usize, Extract);

/// What follows the last phrase about a final answer, and the last about any answer.
#[derive(Default)]
pub(super) struct Phrases {
    pub(super) last_final: Option<Phrase>,
    pub(super) last: Option<Phrase>,
}

/// Reads the phrases that give the answer.
pub(super) fn answers(text: &str, spans: &[Span]) -> Phrases {
    let mut places: Vec<(usize, usize)> = Vec::new();
    // One pass for all of them: words begin behind something that is no letter.
    let bytes = text.as_bytes();
    for block in scan::blocks_with(bytes, begins_head) {
        for at in block {
            let inside = at > 0 && bytes[at - 1].is_ascii_alphabetic();
            if inside || !begins_head(bytes[at], bytes[at + 1], bytes[at + 2]) {
                continue;
            }
            let found = HEADS.iter().find(|head| {
                bytes
                    .get(at..at + head.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(head.as_bytes()))
            });
            places.extend(found.map(|head| (at, head.len())));
        }
    }
    if !text.is_ascii() && scan::holds(bytes, is_of_foreign_head) {
        for head in FOREIGN_HEADS {
            places.extend(text.match_indices(head).map(|(at, _)| (at, head.len())));
        }
    }
    let mut phrases = Phrases::default();
    if places.is_empty() {
        return phrases;
    }
    places.sort_unstable();
    places.dedup();
    let lowered = text.to_ascii_lowercase();
    for (at, length) in places.into_iter().rev().take(PHRASE_LIMIT) {
        let is_final = is_final(&lowered[..at]);
        if phrases.last.is_some() && !is_final {
            continue;
        }
        let Some(found) = phrase(text, &lowered, (at, at + length), is_final, spans) else { continue };
        if is_final {
            phrases.last.get_or_insert_with(|| found.clone());
            phrases.last_final = Some(found);
            break;
        }
        phrases.last = Some(found);
    }
    phrases
}

/// Whether three letters begin one of the words for "answer".
fn begins_head(first: u8, second: u8, third: u8) -> bool {
    let (a, b, c) = (first | 0x20, second | 0x20, third | 0x20);
    ((a == b'a') & (b == b'n') & ((c == b's') | (c == b't')))
        | ((a == b'r') & ((b == b'e') | (b == b'i')) & (c == b's'))
        | ((a == b'e') & (b == b'r') & (c == b'g'))
}

/// Whether a byte begins a character that a word for "answer" has which is not ASCII: Latin with accents, Cyrillic,
/// Chinese and Korean.
fn is_of_foreign_head(byte: u8) -> bool {
    (byte == 0xc3) | (byte == 0xd0) | (0xe5..=0xec).contains(&byte)
}

fn phrase(
    text: &str,
    lowered: &str,
    (at, after): (usize, usize),
    is_final: bool,
    spans: &[Span],
) -> Option<Phrase> {
    let rung = if is_final { Rung::FinalAnswer } else { Rung::Answer };
    let plural = lowered[after..].starts_with('s')
        && !lowered[after + 1..].starts_with(|c: char| c.is_ascii_alphabetic());
    let after = after + usize::from(plural);
    // A word that only begins like it: "answered".
    if text[after..].starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    // "Ans. 12".
    if text[..after].ends_with("ns") && text[after..].starts_with(". ") {
        let (end, extract) = statement(text, after + 2, spans, rung)?;
        return Some((at, end, extract));
    }
    if let Some((start, end)) = named_string(text, after) {
        let inside = &text[start..end];
        let extract = if inside.contains('$') || is_prose(inside) {
            from_clause(text, (start, end), spans, rung, Lead::Phrase)?
        } else {
            Extract::plain(rung, inside.trim().replace("\\\\", "\\"))
        };
        return Some((at, end, extract));
    }
    let reach = if is_final { 100 } else { 40 };
    let introduces = introduced(text, lowered, after, reach);
    let found = match introduces {
        Some(start) => statement(text, start, spans, rung),
        None => formula_behind(text, after, spans, rung),
    };
    // "If order mattered, the answer would be 20" is about another problem.
    let conditional =
        |start: usize| lowered[start..].starts_with("would") || lowered[after..start].contains("would");
    if introduces.is_some_and(conditional) && supposed(&lowered[..at]) {
        return None;
    }
    found.map(|(end, extract)| {
        // "One might think the answer is 73, but it is 74": what the turn names is claimed.
        if doubted(&text[..at])
            && let Some(start) = introduces.filter(|start| *start < end)
            && let Some(turn) = ["but ", "however, ", "yet "]
                .iter()
                .filter_map(|but| Some(start + lowered[start..end].find(but)? + but.len()))
                .min()
            && let Some(later) = from_clause(text, (turn, end), spans, rung, Lead::Sentence)
            && !later.words
        {
            return (at, end, later);
        }
        // "Perhaps the answer is 4", "it is not true that the answer is 4".
        // "the answer never is 4", "is the answer 4?", "the answer is 4. No, that is wrong."
        let unclaimed = !extract.words
            && (doubted(&text[..at])
                || bounds::is_of_bound(&text[..at])
                || bounds::is_called_most(&text[at..end])
                || bases::base_before(&text[sentence_start(text, at)..at])
                || introduces.is_some_and(|start| names_base(text, after, start))
                || hearsay::is_told(text, at, end)
                || introduces.is_some_and(|start| doubted(&text[after..start]))
                || text[end..].starts_with('?') && !retracted(&text[end..]));
        let extract = if unclaimed { in_words(extract) } else { extract };
        (at, end, extract)
    })
}

/// "The answer in octal is", "答案是八进制的": between "answer" and the number.
fn names_base(text: &str, after: usize, start: usize) -> bool {
    let digits = text[start..].find(|c: char| c.is_ascii_digit()).map_or(start, |at| start + at);
    let far = digits.min(start + 60);
    bases::base_before(text[after..start].trim_start())
        || text.is_char_boundary(far) && !text[start..far].is_ascii() && bases::base_before(&text[start..far])
}

/// The value of a name in quotes, as programs write it: `"answer": 19`, `'final_answer': '19'`.
fn named_string(text: &str, after: usize) -> Option<(usize, usize)> {
    let rest = text[after..].strip_prefix(['"', '\''])?.trim_start().strip_prefix(':')?.trim_start();
    let start = text.len() - rest.len();
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inside = &rest[1..];
        let mut escaped = false;
        let close = inside.char_indices().find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        })?;
        return Some((start + 1, start + 1 + close.0));
    }
    let mut depth = 0usize;
    let close = rest.char_indices().find(|(_, c)| match c {
        '[' | '{' | '(' => {
            depth += 1;
            false
        }
        ']' | ')' | '}' if depth > 0 => {
            depth -= 1;
            false
        }
        ',' | '}' | ']' | '\n' => depth == 0,
        _ => false,
    });
    let end = close.map_or(rest.len(), |(at, _)| at);
    (!rest[..end].trim().is_empty()).then_some((start, start + end))
}

fn is_final(before: &str) -> bool {
    let before = before.trim_end();
    ["final", "最终", "最終", "최종", "endgültige", "finale", "finale", "final ", "итоговый", "окончательный"]
        .iter()
        .any(|word| before.ends_with(word))
}

/// Where the statement starts that "answer … is" or "answer:" introduces, if it does within `reach` bytes.
fn introduced(text: &str, lowered: &str, after: usize, reach: usize) -> Option<usize> {
    let mut end = (after + reach).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let window = &lowered[after..end];
    // A heading: the answer stands below.
    let line = window.split('\n').next().unwrap_or(window);
    if line.trim().is_empty()
        && line.len() < window.len()
        && text[after..].trim_start().len() < text[after..].len()
    {
        return Some(after + text[after..].len() - text[after..].trim_start().len());
    }
    let sentence = window.find(['.', '\n', '!', '?', '$']).unwrap_or(window.len());
    let window = &window[..sentence];
    let mut best: Option<usize> = None;
    let mut offer = |at: usize| best = Some(best.map_or(at, |other: usize| other.min(at)));
    if let Some(at) = window.find(':') {
        offer(at + 1);
    }
    if let Some(at) = window.find('=').filter(|at| window[..*at].trim().is_empty()) {
        offer(at + 1);
    }
    if let Some(at) =
        window.find(['-', '—', '–']).filter(|at| window[..*at].trim().is_empty() && window[..*at].len() == 1)
    {
        offer(at + window[at..].chars().next().map_or(1, char::len_utf8));
    }
    // 【答案】12
    if window.starts_with(']') && text[..after].trim_end_matches(char::is_alphabetic).ends_with('[') {
        offer(1);
    }
    let mut from = 0;
    for word in window.split_inclusive(char::is_whitespace) {
        let bare = word.trim().trim_end_matches([':', '*', ',']);
        if from > 0 && COPULAS.contains(&bare) {
            // What denies or doubts is part of what is said.
            let plain = matches!(
                bare,
                "—" | "–"
                    | "is"
                    | "are"
                    | "son"
                    | "sind"
                    | "sont"
                    | "são"
                    | "was"
                    | "equals"
                    | "es"
                    | "ist"
                    | "est"
                    | "lautet"
                    | "é"
                    | "è"
            );
            offer(if plain { from + bare.len() } else { from });
            break;
        }
        from += word.len();
    }
    if let Some(copula) = GLUED_COPULAS.iter().find(|copula| text[after..].trim_start().starts_with(**copula))
    {
        let at = text[after..].len() - text[after..].trim_start().len();
        let denies = matches!(*copula, "不" | "并" | "可能");
        offer(if denies { at } else { at + copula.len() });
    }
    // 故选 C: the choice follows at once.
    let before = &text[..after];
    if ["故选", "应选", "故選", "选择"].iter().any(|head| before.ends_with(head)) {
        offer(0);
    }
    let start = after + best?;
    // "is:" and "**Answer:**"; "is... 73", but not "is .5".
    let rest = &text[start..];
    let rest = rest.trim_start_matches([':', ' ', '*', '_', '\n', '\t']);
    let dots = rest.trim_start_matches('.');
    let rest = if rest.len() - dots.len() > 1 { dots.trim_start() } else { rest };
    Some(text.len() - rest.len())
}

fn formula_behind(text: &str, start: usize, spans: &[Span], rung: Rung) -> Option<(usize, Extract)> {
    let index = spans.iter().position(|span| span.start >= start)?;
    let gap = &text[start..spans[index].start];
    let sentence_ends = gap.contains(". ") || gap.contains(".\n") || gap.contains("\n\n");
    let words = gap.split_whitespace().count();
    if gap.len() > REACH || sentence_ends || words > 3 || gap.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (end, pieces, percent) = group_from(text, spans, index)?;
    if pieces.is_empty() {
        return None;
    }
    Some((end, Extract { percent, ..Extract::formula(rung, pieces) }))
}

/// The formula or the clause at `start`.
fn statement(text: &str, start: usize, spans: &[Span], rung: Rung) -> Option<(usize, Extract)> {
    // A formula that starts before the phrase ends holds it: `$\text{answer is } 5$`.
    if spans.iter().any(|span| span.start < start && start < span.end) {
        return None;
    }
    let start = start + super::hashes::bracketed(&text[start..]);
    let end = sentence_end(text, start, spans);
    // "(answer: 12)": the bracket is not the answer's.
    let said = &text[start..end];
    let closes = match said.chars().next_back() {
        Some(')') => !said.contains('('),
        Some(']') => !said.contains('['),
        _ => false,
    };
    let stop = if closes { end - 1 } else { end };
    let extract = from_clause(text, (start, stop), spans, rung, Lead::Phrase)?;
    Some((end, extract))
}

/// What a clause says, as an extract.
pub(super) fn from_clause(
    text: &str,
    (start, end): (usize, usize),
    spans: &[Span],
    rung: Rung,
    lead: Lead,
) -> Option<Extract> {
    let clause = cleaned(&text[start..end]);
    if clause.is_empty() {
        return None;
    }
    let has_formula = spans.iter().any(|span| span.start >= start && span.start < end);
    if !has_formula
        && lead == Lead::Phrase
        && !has_letters(clause)
        && !clause.contains(" y ")
        && !clause.contains(" o ")
    {
        return Some(Extract::plain(rung, clause.to_owned()));
    }
    if let Some(relation) = comparatives::relation(text, (start, end), spans) {
        return Some(Extract { clause: clause.to_owned(), ..Extract::plain(rung, relation) });
    }
    if clause.len() < 200 && crate::set_names::says_empty(clause) {
        return Some(Extract {
            words: true,
            clause: clause.to_owned(),
            ..Extract::plain(rung, clause.to_owned())
        });
    }
    let extract = match said(text, start, end, spans, lead) {
        Said::Value { pieces, percent, plain } => {
            Extract { rung, pieces, percent, plain, words: false, clause: String::new() }
        }
        Said::Words if shares::share(clause).is_some() => Extract::plain(rung, shares::share(clause)?),
        Said::Words if spelled(clause).is_some() => Extract::plain(rung, spelled(clause)?.to_owned()),
        Said::Words => Extract { words: true, ..Extract::plain(rung, clause.to_owned()) },
        Said::Nothing => return None,
    };
    Some(Extract { clause: clause.to_owned(), ..extract })
}

/// "exactly twelve": the number in words behind words that say nothing of it.
fn spelled(clause: &str) -> Option<&str> {
    let mut rest = clause;
    for word in ["exactly ", "just ", "simply ", "precisely ", "therefore ", "equal to ", "only "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    (rest.len() < clause.len() && crate::syntax::number_words::numeral(rest).is_some()
        || crate::syntax::measures::is_time_in_words(rest))
    .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_head_is_passed_over() {
        for head in HEADS {
            let bytes = head.as_bytes();
            assert!(begins_head(bytes[0], bytes[1], bytes[2]), "{head}");
        }
        for head in FOREIGN_HEADS {
            assert!(head.bytes().any(is_of_foreign_head), "{head}");
        }
    }
}
