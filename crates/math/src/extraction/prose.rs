//! What in a text is prose and what an expression.

use crate::syntax::characters::is_foreign_letter;
use crate::syntax::commands::{PlainWord, known};
use crate::syntax::words::is_word;

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
pub(super) fn has_letters(text: &str) -> bool {
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

/// Without the marks around it: Markdown, quotes, a full stop.
pub(super) fn cleaned(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text;
        // Inches have such a mark behind them, and none before.
        if !is_in_inches(text) {
            text = text.trim_matches(|c: char| c == '`' || c == '"' || c == '“' || c == '”').trim();
        }
        if let Some(inside) = text.strip_prefix("**") {
            text = inside.strip_suffix("**").unwrap_or(inside).trim();
        }
        if let Some(inside) = text.strip_suffix("**") {
            text = inside.trim();
        }
        if text.ends_with('.') && !text.ends_with("..") {
            text = text[..text.len() - 1].trim_end();
        }
        // "12...", "...12": what breaks off is the sentence, not a number without decimals.
        let whole = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if let Some(inside) = text.strip_suffix("...").map(str::trim).filter(|inside| whole(inside)) {
            text = inside;
        }
        if let Some(inside) = text.strip_prefix("...").map(str::trim)
            && inside.split(['.', '/']).all(|part| !part.is_empty() && whole(part))
        {
            text = inside;
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

/// Whether a number with one quotation mark behind it is all there is.
fn is_in_inches(text: &str) -> bool {
    text.strip_suffix('"').is_some_and(|number| {
        number.ends_with(|c: char| c.is_ascii_digit()) && !number.contains(['"', '“', '”', '`'])
    })
}

/// Without the label of a line: "Solution:", "Step 3:".
pub(super) fn without_label(text: &str) -> &str {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = text.split_at(length);
    let rest = match word.to_ascii_lowercase().as_str() {
        "solution" | "output" => rest,
        "step" => rest.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()),
        _ => return text,
    };
    rest.trim_start().strip_prefix(':').map_or(text, str::trim_start)
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
        let short_word = spaced
            && matches!(
                word.as_bytes(),
                [a, b] if matches!(
                    &[a.to_ascii_lowercase(), b.to_ascii_lowercase()],
                    b"is" | b"we" | b"so" | b"it" | b"be" | b"to" | b"of" | b"as" | b"by" | b"if" | b"at" | b"on" | b"no" | b"he"
                )
            )
            && !text.contains('\\');
        // Capitals side by side name points and segments, and letters that make no word are a product.
        let named = word.bytes().all(|b| b.is_ascii_uppercase()) && word.len() <= 4;
        short_word
            || (word.len() >= 3 && !named && is_word(word) && known(word).is_none() && !glued(word))
            // "Por lo tanto, 12".
            || (word.len() >= 4
                && word.bytes().skip(1).all(|b| b.is_ascii_lowercase())
                && super::vocabulary::role(&word.to_ascii_lowercase()) == super::vocabulary::Role::Filler
                && known(word).is_none())
    })
}

/// Whether words of other scripts stand before a number, or more of them than a unit has behind it.
fn has_foreign_words(text: &str) -> bool {
    let number = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let letters = |part: &str| part.chars().filter(|c| is_foreign_letter(*c)).count();
    let doubts = || {
        use super::vocabulary::{Role, role};
        text[number..].split(|c: char| !c.is_alphabetic()).any(|word| {
            !word.is_ascii()
                && matches!(role(word), Role::Negation | Role::Hedge | Role::Wrong | Role::Contrast)
        })
    };
    letters(&text[..number]) >= if number < text.len() { 1 } else { 2 }
        || letters(&text[number..]) > 12
        || doubts()
}

/// A function or connector glued to a letter or two ("sinx", "orW").
fn glued(word: &str) -> bool {
    let means = |part: &str| matches!(known(part), Some(PlainWord::Token(_)));
    word.len() <= 6
        && (2..word.len()).any(|at| word.len() - at <= 2 && (means(&word[..at]) || means(&word[at..])))
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
