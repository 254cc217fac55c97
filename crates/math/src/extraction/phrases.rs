//! "The final answer is …", "answer: …", `#### …` in several languages, and what in a text is prose.

use super::Extract;
use super::clauses::{Lead, Said, said};
use super::formulas::{Span, group_from};
use super::vocabulary::{Role, is_closing, role};
use crate::syntax::characters::is_foreign_letter;
use crate::syntax::commands::plain_word;
use crate::syntax::token::Token;
use crate::syntax::words::is_word;
use crate::verdict::Rung;

/// No more phrases about an answer are looked at, from the end.
const PHRASE_LIMIT: usize = 64;
/// How far behind "answer" its formula may start.
const REACH: usize = 60;

/// What follows the last `####` that something follows; a placeholder that was copied is read past.
pub(super) fn hashes(text: &str, spans: &[Span]) -> Option<(usize, Extract)> {
    if !text.as_bytes().contains(&b'#') {
        return None;
    }
    let mut before = text.len();
    while let Some(found) = text[..before].rfind("####") {
        let at = found + 4;
        let mut line_end = text[at..].find('\n').map_or(text.len(), |i| at + i);
        let mut start = at + placeholder(&text[at..line_end]);
        // A rule of signs is one mark, not many.
        before = text[..found].trim_end_matches('#').len();
        if cleaned(&text[start..line_end]).is_empty() {
            // "#### ANSWER" with the answer below it.
            let below = text[line_end..].len() - text[line_end..].trim_start().len();
            if start == at || below == 0 || line_end + below >= text.len() {
                continue;
            }
            start = line_end + below;
            line_end = text[start..].find('\n').map_or(text.len(), |i| start + i);
        }
        let piece = cleaned(&text[start..line_end]);
        if piece.is_empty() || piece.bytes().all(|b| b == b'#') {
            continue;
        }
        let extract = if is_prose(piece) {
            from_clause(text, (start, line_end), spans, Rung::Hashes, Lead::Phrase)
        } else {
            Some(Extract::plain(Rung::Hashes, piece.to_owned()))
        };
        return extract.map(|extract| (line_end, extract));
    }
    None
}

/// The length of a placeholder at the start of a line: "ANSWER", "[ANSWER]", "<answer>:", "Final answer:".
pub(super) fn placeholder(line: &str) -> usize {
    let rest = line.trim_start_matches([' ', '\t', '<', '[', '(', '{', '*', ':']);
    let skipped = line.len() - rest.len();
    let lower = rest.get(..24.min(rest.len())).unwrap_or(rest).to_ascii_lowercase();
    for name in [
        "the final answer",
        "final answer",
        "final_answer",
        "the answer",
        "answer",
        "ans",
        "result",
        "number",
    ] {
        let Some(behind) = lower.strip_prefix(name) else { continue };
        if behind.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let behind = &rest[name.len()..];
        let mut tail = behind.trim_start_matches(['>', ']', ')', '}', '*', ':', '=', ' ', '\t']);
        if let Some(after) = tail.strip_prefix("is ") {
            tail = after;
        }
        return skipped + rest.len() - tail.len();
    }
    0
}

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
    let mut before = b' ';
    for (at, byte) in bytes.iter().enumerate() {
        if !before.is_ascii_alphabetic() && matches!(byte | 0x20, b'a' | b'e' | b'r') {
            let found = HEADS.iter().find(|head| {
                bytes
                    .get(at..at + head.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(head.as_bytes()))
            });
            places.extend(found.map(|head| (at, head.len())));
        }
        before = *byte;
    }
    if !text.is_ascii() {
        for head in FOREIGN_HEADS {
            places.extend(text.match_indices(head).map(|(at, _)| (at, head.len())));
        }
    }
    let mut phrases = Phrases::default();
    if places.is_empty() {
        return phrases;
    }
    places.sort_unstable();
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
    let reach = if is_final { 100 } else { 40 };
    let introduces = introduced(text, lowered, after, reach);
    let found = match introduces {
        Some(start) => statement(text, start, spans, rung),
        None => formula_behind(text, after, spans, rung),
    };
    found.map(|(end, extract)| {
        // "Perhaps the answer is 4", "it is not true that the answer is 4".
        // "the answer never is 4", "is the answer 4?", "the answer is 4. No, that is wrong."
        let unclaimed = !extract.words
            && (doubted(&text[..at])
                || introduces.is_some_and(|start| doubted(&text[after..start]))
                || text[end..].starts_with('?')
                || retracted(&text[end..]));
        let extract = if unclaimed { in_words(extract) } else { extract };
        (at, end, extract)
    })
}

/// A value that is not claimed, as the words that name it.
fn in_words(extract: Extract) -> Extract {
    let text = extract.text();
    Extract {
        words: true,
        pieces: vec![format!("not claimed: {text}")],
        plain: true,
        clause: String::new(),
        ..extract
    }
}

/// Whether the clause before a phrase denies or doubts what the phrase will say.
fn doubted(before: &str) -> bool {
    let from = before.rfind(['.', '!', '?', '\n', ';', ',', ':', '$', '}']).map_or(0, |at| at + 1);
    let mut doubted = false;
    for word in before[from..].split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’'))) {
        match role(&word.to_lowercase().replace('’', "'")) {
            Role::Hedge | Role::Negation | Role::Wrong if word.len() > 1 => doubted = true,
            Role::But | Role::Main => doubted = false,
            _ if is_supposing(word) => doubted = true,
            _ if word == "then" => doubted = false,
            _ => {}
        }
    }
    doubted
}

/// Words that only try out what follows them.
fn is_supposing(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "suppose"
            | "supposing"
            | "imagine"
            | "pretend"
            | "doubt"
            | "doubts"
            | "wonder"
            | "whether"
            | "if"
            | "unless"
            | "assume"
            | "assuming"
    )
}

/// Whether the words right behind a statement take it back: "No.", "Wait, that's wrong.", "— just kidding".
pub(super) fn retracted(after: &str) -> bool {
    let after = after.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '\n');
    let first: String = after.chars().take(100).collect::<String>().to_lowercase().replace('’', "'");
    let sentence = first.split('\n').next().unwrap_or_default();
    let mut words = sentence.split(|c: char| !(c.is_alphanumeric() || c == '\''));
    if matches!(words.next(), Some("no" | "nope"))
        && sentence.trim_start_matches(char::is_alphabetic).chars().next().is_none_or(|c| ".,!".contains(c))
    {
        return true;
    }
    let words: Vec<&str> = sentence
        .split(['.', '!', '?'])
        .next()
        .unwrap_or_default()
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .skip_while(|word| {
            matches!(*word, "wait" | "hmm" | "hm" | "oh" | "oops" | "sorry" | "actually" | "no" | "but")
        })
        .take(5)
        .collect();
    let wrong = |words: &[&str]| {
        words.iter().any(|word| matches!(*word, "wrong" | "incorrect" | "mistaken" | "false"))
            || words.windows(2).any(|pair| matches!(pair, ["not" | "isn't", "right" | "correct" | "true"]))
    };
    match words.as_slice() {
        ["just" | "i'm" | "only", "kidding" | "joking", ..] | ["scratch" | "strike", "that", ..] => true,
        ["that" | "this" | "it", "is" | "isn't" | "was" | "can't" | "cannot", rest @ ..] => {
            wrong(rest) || words[1] == "isn't" && matches!(rest, ["right" | "correct" | "true", ..])
        }
        ["that's" | "this's" | "it's" | "which's", rest @ ..] => wrong(rest),
        ["i", "was" | "am", rest @ ..] => wrong(rest),
        _ => false,
    }
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
    // "is:" and "**Answer:**".
    let rest = &text[start..];
    Some(start + rest.len() - rest.trim_start_matches([':', ' ', '*', '_', '\n', '\t']).len())
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
    let end = sentence_end(text, start, spans);
    let extract = from_clause(text, (start, end), spans, rung, Lead::Phrase)?;
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
    let extract = match said(text, start, end, spans, lead) {
        Said::Value { pieces, percent, plain } => {
            Extract { rung, pieces, percent, plain, words: false, clause: String::new() }
        }
        Said::Words => Extract { words: true, ..Extract::plain(rung, clause.to_owned()) },
        Said::Nothing => return None,
    };
    Some(Extract { clause: clause.to_owned(), ..extract })
}

/// The text of a box with its `\text{…}` taken off, if words in it say more than a unit would.
pub(super) fn spoken_words(piece: &str) -> Option<String> {
    let mut plain = piece.to_owned();
    for command in ["\\text", "\\mbox", "\\textrm", "\\textbf", "\\mathrm", "\\textit"] {
        let opening = format!("{command}{{");
        let mut from = 0;
        while let Some(at) = plain[from..].find(&opening).map(|at| from + at) {
            let open = at + command.len();
            let Some(close) = plain[open..].find('}').map(|close| open + close) else { break };
            let words = plain[open + 1..close].contains(|c: char| c.is_whitespace())
                || is_word(plain[open + 1..close].trim());
            if !words {
                from = close;
                continue;
            }
            plain.replace_range(close..=close, " ");
            plain.replace_range(at..=open, " ");
        }
    }
    for space in ["\\,", "\\ ", "\\;", "\\quad", "~"] {
        plain = plain.replace(space, " ");
    }
    let says = plain
        .split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’')))
        .filter(|word| !word.is_empty())
        .any(|word| {
            let role = super::vocabulary::role(&word.to_lowercase());
            word.chars().count() > 1
                && role != super::vocabulary::Role::Other
                && role != super::vocabulary::Role::And
        });
    says.then(|| plain.trim().to_owned())
}

/// Whether letters stand side by side in a text, outside of commands: a word, or a name.
fn has_letters(text: &str) -> bool {
    let mut run = 0;
    let mut command = false;
    for c in text.chars() {
        if c.is_alphabetic() {
            run += 1;
            if !command && (run >= 2 || !c.is_ascii()) {
                return true;
            }
        } else {
            run = 0;
            command = c == '\\';
        }
    }
    false
}

/// The last sentence that names a value, and what it says.
pub(super) fn last_sentence(text: &str, spans: &[Span], rung: impl Fn(bool) -> Rung) -> Option<Extract> {
    let sentences = sentences(text, spans);
    let mut passed = 0;
    for (start, end) in sentences.into_iter().rev() {
        let sentence = &text[start..end];
        let has_formula = spans.iter().any(|span| span.start >= start && span.start < end);
        let valued =
            has_formula || sentence.contains(|c: char| c.is_ascii_digit()) || sentence.contains('\\');
        // A question claims nothing.
        let asked = text[end..].starts_with('?');
        if !valued || asked || (is_closing(sentence) && passed < 3) {
            passed += 1;
            continue;
        }
        let mut extract = from_clause(text, (start, end), spans, rung(has_formula), Lead::Sentence)?;
        if !extract.words && (evades(sentence) || retracted(&text[end..])) {
            extract = in_words(extract);
        }
        let plain = extract.plain;
        return Some(Extract { rung: rung(!plain), ..extract });
    }
    None
}

/// Whether a sentence about the answer says something else of it than what it is: "the answer fails to be 73".
fn evades(sentence: &str) -> bool {
    let mut words = sentence.split_whitespace();
    let subject = words
        .find(|word| !matches!(word.to_ascii_lowercase().as_str(), "the" | "my" | "your" | "so" | "our"));
    subject.is_some_and(|word| word.eq_ignore_ascii_case("answer"))
        && words.next().is_some_and(|verb| {
            verb.bytes().all(|b| b.is_ascii_lowercase()) && is_word(verb) && role(verb) == Role::Other
        })
}

/// Where the sentences of a text stand; formulas are not cut.
fn sentences(text: &str, spans: &[Span]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut start = 0;
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
fn sentence_end(text: &str, start: usize, spans: &[Span]) -> usize {
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
                if !factorial && !abbreviation {
                    return at;
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    text.len()
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
            | "cf"
    )
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
        // Quotes, not the marks of feet or minutes.
        if let Some(inside) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            text = inside.trim();
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
pub(crate) fn is_prose(text: &str) -> bool {
    let spaced = text.contains(char::is_whitespace);
    if !text.is_ascii() && has_foreign_words(text) {
        return true;
    }
    words(text).any(|word| {
        let short_word = matches!(
            word.to_ascii_lowercase().as_str(),
            "is" | "we" | "so" | "it" | "be" | "to" | "of" | "as" | "by" | "if" | "at" | "on" | "no" | "he"
        ) && !text.contains('\\')
            && spaced;
        // Capitals side by side name points and segments, and letters that make no word are a product.
        let named = word.bytes().all(|b| b.is_ascii_uppercase()) && word.len() <= 4;
        short_word
            || (word.len() >= 3 && !named && is_word(word) && plain_word(word).is_none() && !glued(word))
    })
}

/// Whether words of other scripts stand before a number, or more of them than a unit has behind it.
fn has_foreign_words(text: &str) -> bool {
    let number = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let letters = |part: &str| part.chars().filter(|c| is_foreign_letter(*c)).count();
    letters(&text[..number]) >= 2 || letters(&text[number..]) > 12
}

/// A function or connector glued to a letter or two ("sinx", "orW").
fn glued(word: &str) -> bool {
    let known = |part: &str| !matches!(plain_word(part), None | Some(Token::Text(_)));
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
