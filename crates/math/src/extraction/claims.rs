//! Whether what was found is claimed: not doubted before it, not taken back behind it.

use super::Extract;
use super::vocabulary::{Role, role};

/// A value that is not claimed, as the words that name it.
pub(super) fn in_words(extract: Extract) -> Extract {
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
pub(super) fn doubted(before: &str) -> bool {
    let mut from = before.rfind(['.', '!', '?', '\n', ';', ',', ':', '$', '}']).map_or(0, |at| at + 1);
    // "Es ist falsch, dass die Antwort 12 ist": the comma before "that" ends nothing.
    let that = before[from..].split_whitespace().next().unwrap_or_default();
    if before[..from].ends_with(',') && matches!(that, "что" | "dass" | "daß" | "that" | "que" | "che") {
        from =
            before[..from - 1].rfind(['.', '!', '?', '\n', ';', ',', ':', '$', '}']).map_or(0, |at| at + 1);
    }
    // "Supposedly, the answer is 12".
    let adverb = before[..from].strip_suffix(',').is_some_and(|head| {
        let start = head.rfind(['.', '!', '?', '\n', ';', ',', ':']).map_or(0, |at| at + 1);
        let word = head[start..].trim();
        !word.contains(' ') && role(&word.to_lowercase()) == Role::Hedge
    });
    let mut doubted = adverb;
    let mut words = before[from..]
        .split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’')))
        .filter(|word| !word.is_empty())
        .peekable();
    while let Some(word) = words.next() {
        let lower = word.to_lowercase().replace('’', "'");
        match role(&lower) {
            Role::Negation if affirms(&lower, words.peek().copied()) => {
                words.next();
            }
            _ if is_operation(&lower) => doubted = true,
            Role::Hedge | Role::Negation | Role::Wrong if word.len() > 1 => doubted = true,
            Role::Case if !word.is_ascii() => doubted = true,
            // "My previous answer was 12".
            _ if is_former(&lower) && words.peek().is_none() => doubted = true,
            _ if matches!(lower.as_str(), "my" | "our") && words.peek() == Some(&"first") => doubted = true,
            // "One possible answer is 12", "I am told that the answer is 12".
            _ if lower == "possible" && words.peek().is_none() => doubted = true,
            _ if lower == "one" && matches!(words.peek(), None | Some(&"possible")) => doubted = true,
            _ if lower == "told" => doubted = true,
            // "He says that the answer is 12".
            _ if is_hearsay(&lower) => doubted = true,
            Role::But | Role::Main => doubted = false,
            _ if is_supposing(word) => doubted = true,
            _ if word == "then" => doubted = false,
            // "At first it looks like the answer is 32".
            _ if lower == "at" && words.peek() == Some(&"first") => doubted = true,
            _ if lower == "used" && words.peek() == Some(&"to") => doubted = true,
            _ => {}
        }
    }
    doubted
}

/// Whether a word of denial denies nothing: "not hard to see", "without loss of generality", "no doubt".
pub(super) fn affirms(word: &str, next: Option<&str>) -> bool {
    let Some(next) = next else { return false };
    match word.to_ascii_lowercase().as_str() {
        "not" | "isn't" => matches!(
            next,
            "hard"
                | "difficult"
                | "surprising"
                | "surprisingly"
                | "only"
                | "just"
                | "merely"
                | "coincidentally"
        ),
        "no" => matches!(next, "doubt" | "question" | "wonder" | "surprise"),
        "without" => matches!(next, "loss" | "doubt"),
        _ => false,
    }
}

/// Words that make "the answer" another quantity: "twice the answer is 12", "the answer squared is 144".
fn is_operation(lower: &str) -> bool {
    matches!(
        lower,
        "twice"
            | "thrice"
            | "half"
            | "double"
            | "triple"
            | "doubled"
            | "tripled"
            | "halved"
            | "squared"
            | "cubed"
            | "plus"
            | "minus"
            | "times"
            | "reciprocal"
            | "negation"
    )
}

/// Whether the sentence that ends here supposes what is not so: "if order mattered, the answer".
pub(super) fn supposed(lowered: &str) -> bool {
    let from = lowered.rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
    lowered[from..]
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| matches!(word, "if" | "had" | "were" | "without"))
}

/// Words for an answer that was given up since.
fn is_former(lower: &str) -> bool {
    matches!(
        lower,
        "previous"
            | "former"
            | "earlier"
            | "old"
            | "initial"
            | "original"
            | "preliminary"
            | "tentative"
            | "naive"
    )
}

/// What something may be too much of.
pub(super) fn is_excess(word: &str) -> bool {
    matches!(
        word,
        "small"
            | "large"
            | "big"
            | "high"
            | "low"
            | "many"
            | "few"
            | "much"
            | "little"
            | "great"
            | "short"
            | "long"
    )
}

/// What others say, and what is denied by a verb.
fn is_hearsay(lower: &str) -> bool {
    matches!(
        lower,
        "says"
            | "thinks"
            | "believes"
            | "argues"
            | "insists"
            | "disagree"
            | "disagrees"
            | "deny"
            | "denies"
            | "dispute"
            | "disputes"
            | "refute"
            | "refutes"
            | "disprove"
            | "disproves"
    )
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
            | "naively"
            | "initially"
            | "glance"
            | "tempting"
            | "tempted"
            | "seemingly"
            | "if"
            | "unless"
            | "assume"
            | "assuming"
            | "claims"
            | "claimed"
            | "alleges"
            | "guesses"
            | "guessed"
    )
}

/// Whether the words right behind a statement take it back: "No.", "Wait, that's wrong.", "— just kidding".
pub(super) fn retracted(after: &str) -> bool {
    let after = after.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '\n');
    // The words that begin what takes something back.
    let begins =
        |b: &u8| matches!(b | 0x20, b'a' | b'b' | b'h' | b'i' | b'j' | b'n' | b'o' | b's' | b't' | b'w');
    if !after.as_bytes().first().is_some_and(begins) {
        return false;
    }
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
        words.iter().any(|word| {
            matches!(
                *word,
                "wrong"
                    | "incorrect"
                    | "mistaken"
                    | "false"
                    | "impossible"
                    | "absurd"
                    | "nonsense"
                    | "contradiction"
                    | "ridiculous"
            )
        }) || words.windows(2).any(|pair| {
            matches!(pair, ["not" | "isn't", "right" | "correct" | "true" | "possible" | "allowed" | "valid"])
                || pair[0] == "too" && is_excess(pair[1])
        })
    };
    // "That cannot be (right)".
    let cannot = |words: &[&str]| match words {
        ["be"] | ["be", "right" | "correct" | "true" | "so" | "possible", ..] => true,
        ["not", rest @ ..] => matches!(rest, ["be"] | ["be", "right" | "correct" | "true" | "so", ..]),
        rest => wrong(rest),
    };
    match words.as_slice() {
        ["just" | "i'm" | "only", "kidding" | "joking", ..] | ["scratch" | "strike", "that", ..] => true,
        ["that" | "this" | "it" | "they" | "these" | "those", "can't" | "cannot" | "can", rest @ ..] => {
            cannot(rest)
        }
        ["that" | "this" | "it" | "which", "contradicts" | "violates" | "fails", ..] => true,
        ["impossible" | "absurd" | "nonsense" | "contradiction"] | ["a", "contradiction"] => true,
        [
            "that" | "this" | "it" | "they" | "these" | "those" | "which",
            "is" | "are" | "isn't" | "aren't" | "was" | "were" | "seems" | "looks",
            rest @ ..,
        ] => wrong(rest) || words[1] == "isn't" && matches!(rest, ["right" | "correct" | "true", ..]),
        ["the", _, "is" | "was" | "are" | "were", rest @ ..] => wrong(rest),
        ["that's" | "this's" | "it's" | "which's", rest @ ..] => wrong(rest),
        ["i", "was" | "am", rest @ ..] => wrong(rest) || matches!(rest, ["off", ..]),
        ["he" | "she", "is" | "was", rest @ ..] => wrong(rest),
        ["i", "miscounted" | "misread" | "miscalculated" | "misadded" | "erred", ..] => true,
        ["i", "made", "a" | "an", "mistake" | "error" | "slip"] => true,
        _ => false,
    }
}
