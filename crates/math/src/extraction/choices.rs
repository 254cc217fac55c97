//! The letter of a choice in a text.

use super::atoms::{Kind, atoms};
use super::vocabulary::Role;

/// Words behind which the letter of a choice is looked for.
const HEADS: &[&str] = &["answer", "option", "choice", "choose", "pick", "select"];
const FOREIGN_HEADS: &[&str] = &[
    "答案",
    "故选",
    "应选",
    "选",
    "選",
    "选项",
    "選項",
    "选择",
    "選擇",
    "선택지",
    "보기",
    "вариант",
    "opção",
    "opción",
    "答え",
    "正解",
    "정답",
    "답",
    "ответ",
    "Ответ",
    "réponse",
    "Réponse",
];
const OTHER_HEADS: &[&str] =
    &["respuesta", "antwort", "resposta", "risposta", "alternativa", "opcion", "letra"];
/// What denies a choice right before its head: 不选C.
const DENIALS: &[&str] =
    &["不", "不能", "不应", "不該", "不该", "别", "勿", "排除", "not", "never", "don't", "Not", "Never"];

/// How far behind a head its clause is read.
const REACH: usize = 160;

/// The letters that the last clause about an answer names, or the one at the very start of the text. Several letters are
/// no choice.
pub(crate) fn anchored(text: &str, letters: &[char]) -> Option<Vec<char>> {
    let lowered = text.to_ascii_lowercase();
    let mut places: Vec<usize> = Vec::new();
    for head in HEADS.iter().chain(OTHER_HEADS) {
        places.extend(lowered.match_indices(head).map(|(at, _)| at + head.len()));
    }
    if !text.is_ascii() {
        for head in FOREIGN_HEADS {
            places.extend(text.match_indices(head).map(|(at, _)| at + head.len()));
        }
    }
    places.sort_unstable();
    for start in places.into_iter().rev().take(64) {
        let mut end = (start + REACH).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if places_denied(text, start) {
            continue;
        }
        let clause = &text[start..end];
        let stop = clause
            .match_indices(['\n', '.', '!', '?'])
            .find(|(at, mark)| {
                let open = clause[..*at].trim_matches([' ', ':', '*']).is_empty();
                let letter =
                    clause[..*at].trim_end().ends_with(|c: char| letters.contains(&c)) && *mark == ".";
                !open
                    && (!letter
                        || clause[at + 1..].starts_with(char::is_whitespace)
                        || at + 1 == clause.len())
            })
            .map_or(clause.len(), |(at, _)| at);
        let found = named(text, start, start + stop, letters);
        if !found.is_empty() {
            return Some(found);
        }
    }
    if let Some(letter) = called_right(text, letters) {
        return Some(vec![letter]);
    }
    let head = text.trim_start().trim_start_matches(['*', '(']);
    let letter = head.chars().next().filter(|c| letters.contains(c))?;
    let after = head[letter.len_utf8()..].trim_start_matches('*');
    let line = head.split('\n').next().unwrap_or(head);
    let only = named(line, 0, line.len(), letters).len() <= 1;
    let alone = after.is_empty() || only && after.starts_with(['.', ':', ')', '\n']);
    // "A, because": a reason may follow, another letter may not.
    let reason = after.starts_with(',') && only;
    (alone || reason).then(|| vec![letter])
}

/// The letter right before words that call it right: "(B) is correct", B选项正确.
fn called_right(text: &str, letters: &[char]) -> Option<char> {
    const RIGHT: &[&str] = &[
        "is correct",
        "is right",
        "is the correct",
        "is the right",
        "is true",
        "选项正确",
        "項正確",
        "项正确",
        "正确",
        "是正确",
        "が正解",
        "が正しい",
        "가 정답",
        "가 맞",
    ];
    // "A, D": one of several.
    let listed = |head: &str| {
        let head = head.trim_end_matches([' ', '(']);
        head.strip_suffix(',')
            .is_some_and(|head| head.trim_end_matches([' ', ')']).ends_with(|c: char| letters.contains(&c)))
    };
    let places = RIGHT.iter().flat_map(|words| text.match_indices(words).map(|(at, _)| at));
    places
        .filter_map(|at| {
            let before = text[..at].trim_end_matches([' ', ')', '*', '.', '$', '}']);
            let letter = before.chars().next_back().filter(|c| letters.contains(c))?;
            let head = &before[..before.len() - letter.len_utf8()];
            let alone = !head.ends_with(|c: char| c.is_ascii_alphanumeric())
                && !head.ends_with(['不', '非'])
                && !listed(head)
                && !["nor", "or", "and", "neither", "not", "和", "或", "、"]
                    .iter()
                    .any(|word| head.trim_end_matches([' ', '(']).ends_with(word));
            alone.then_some((at, letter))
        })
        .max_by_key(|(at, _)| *at)
        .map(|(_, letter)| letter)
}

/// Whether the word that ends at `start` is denied right before it.
fn places_denied(text: &str, start: usize) -> bool {
    let head = text[..start].trim_end_matches(|c: char| c.is_alphabetic() && c.is_ascii());
    // "Most people choose B".
    let others = [
        "people",
        "students",
        "others",
        "many",
        "most",
        "beginners",
        "everyone",
        "they",
        "some",
        "candidates",
    ];
    let verb = text[head.len()..start].to_ascii_lowercase();
    let who = head
        .trim_end()
        .rsplit(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    if matches!(verb.as_str(), "choose" | "pick" | "select" | "answer") && others.contains(&who.as_str()) {
        return true;
    }
    let glued = text[..start].trim_end_matches(['选', '選', '项', '項', '择', '擇']);
    [head.trim_end(), glued].iter().any(|before| DENIALS.iter().any(|denial| before.ends_with(denial)))
}

/// An anchored letter, or the last one that stands alone.
pub(crate) fn anywhere(text: &str, letters: &[char]) -> Option<Vec<char>> {
    anchored(text, letters).or_else(|| lone(text, letters).last().map(|letter| vec![letter]))
}

/// The letters that a clause names and does not deny, up to its conditions and reasons.
fn named(text: &str, start: usize, end: usize, letters: &[char]) -> Vec<char> {
    let mut found = Vec::new();
    let mut denied = false;
    let mut doubted = false;
    let parts = atoms(text, start, end, &[]);
    for (at, atom) in parts.iter().enumerate() {
        let names_another =
            || parts[at + 1..].iter().any(|atom| lone(&text[atom.start..atom.end], letters).next().is_some());
        let foreign = !text[atom.start..atom.end].is_ascii();
        match atom.kind {
            // 正解はBではなくCである: what stands before it is denied.
            Kind::Word(Role::Contrast) if foreign && !found.is_empty() => found.clear(),
            Kind::Word(Role::Negation) if foreign && !found.is_empty() && !names_another() => {
                found.pop();
            }
            // "option C is not correct", "option C is wrong".
            Kind::Word(Role::Negation | Role::Wrong)
                if !found.is_empty()
                    && !denied
                    && (matches!(parts[at - 1].kind, Kind::Word(Role::Copula))
                        || matches!(
                            &text[parts[at - 1].start..parts[at - 1].end],
                            "be" | "been" | "safely" | "immediately" | "a" | "an"
                        ))
                    && !names_another() =>
            {
                found.pop();
            }
            // "Answer B is a trap".
            Kind::Word(_)
                if !found.is_empty()
                    && !names_another()
                    && matches!(&text[atom.start..atom.end], "trap" | "decoy" | "distractor" | "mistake") =>
            {
                found.pop();
            }
            Kind::Word(Role::Negation | Role::Contrast) => denied = true,
            Kind::Word(Role::But) => denied = false,
            // "A through D" names all of them.
            Kind::Word(_)
                if !found.is_empty()
                    && matches!(
                        &text[atom.start..atom.end],
                        "through" | "thru" | "to" | "until" | "bis" | "à" | "到" | "至" | "から"
                    )
                    && parts
                        .get(at + 1)
                        .is_some_and(|atom| lone(&text[atom.start..atom.end], letters).next().is_some()) =>
            {
                doubted = true;
            }
            Kind::Word(Role::Condition | Role::Case) if !found.is_empty() => break,
            Kind::Word(Role::Hedge) => doubted = true,
            Kind::Plain | Kind::Word(_) | Kind::Aside(_) => {
                for letter in lone(&text[atom.start..atom.end], letters) {
                    // "not B, but C" and "C, not B": what is denied is not named.
                    if !denied && !found.contains(&letter) {
                        found.push(letter);
                    }
                }
            }
            _ => {}
        }
    }
    if doubted { Vec::new() } else { found }
}

/// Letters that stand alone: "B", "(B)", "B.", `\text{B}`.
fn lone<'t>(text: &'t str, letters: &'t [char]) -> impl Iterator<Item = char> + 't {
    text.split(|c: char| c.is_whitespace() || "{}$,:;=()".contains(c)).filter_map(move |word| {
        let core = word.trim_matches(|c: char| "*_()[].!?\"`".contains(c));
        let mut chars = core.chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) if letters.contains(&letter) => Some(letter),
            _ => None,
        }
    })
}
