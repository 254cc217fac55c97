//! The last number of a text, if it stands for itself: `5`, `-3.2`, `$1,000`, `10/9`, `x = 5`; not the 2 of `AZYUK2A`.

use crate::syntax::commands::plain_word;

const OPERATORS: &[char] = &['+', '-', '*', '/', '^', '×', '÷', '(', ')', '−'];

/// The last number or arithmetic expression, and whether a percent sign or word follows it.
pub(super) fn last(text: &str) -> Option<(String, bool)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    for index in (0..words.len()).rev() {
        let word = words[index];
        if !word.contains(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let (core, percent) = core(word)?;
        if core.is_empty() {
            continue;
        }
        let Some(piece) = expression(core) else {
            // Formulas are not searched for numbers; words with digits in them are passed over.
            if core.contains(['\\', '{', '}', '_', '<', '>', '[', ']']) {
                return None;
            }
            continue;
        };
        let next =
            words.get(index + 1).map(|next| next.trim_matches(|c: char| !c.is_alphanumeric() && c != '%'));
        let percent = percent
            || next.is_some_and(|next| {
                next == "%" || matches!(plain_word(next), Some(crate::syntax::token::Token::Percent))
            });
        let piece = match words.get(index + 1).map(|next| next.trim_matches(|c: char| !c.is_alphabetic())) {
            Some(next) if crate::syntax::units::multiplier(next).is_some() => format!("{piece} {next}"),
            _ => piece,
        };
        return Some((with_context(&words[..index], piece)?, percent));
    }
    None
}

/// A word without the punctuation around it, and whether it ended in a percent sign. Never fails on prose.
fn core(word: &str) -> Option<(&str, bool)> {
    let trimmed = word
        .trim_matches(|c: char| "*_\"'`,;:!?“”".contains(c))
        .trim_end_matches(['.', ',', ';', ':', '*'])
        .trim_matches(|c: char| "*\"'`".contains(c));
    let (trimmed, percent) = match trimmed.strip_suffix("\\%").or_else(|| trimmed.strip_suffix('%')) {
        Some(before) => (before, true),
        None => (trimmed, false),
    };
    // "(5)" is 5; "f(5)" is not.
    let trimmed = match trimmed.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')) {
        Some(inside) if !inside.contains(['(', ')']) => inside,
        _ => trimmed,
    };
    Some((trimmed, percent))
}

/// The number or arithmetic in a word; the right side of an equation.
fn expression(core: &str) -> Option<String> {
    let core = core.rsplit('=').next().unwrap_or(core);
    let unsigned = core.trim_start_matches(['+', '-', '−']);
    let negative = core.len() > unsigned.len() && core.starts_with(['-', '−']);
    let amount = unsigned.trim_start_matches(['$', '€', '£', '¥', '₹']).trim_start_matches("\\$");
    let amount_negative = amount.starts_with('-');
    let amount = amount.trim_end_matches(['$', '€', '£']).trim_end_matches("\\$");
    let digits_end = amount
        .char_indices()
        .find(|(_, c)| !(c.is_ascii_digit() || ".,".contains(*c) || OPERATORS.contains(c)))
        .map_or(amount.len(), |(i, _)| i);
    let (number, rest) = amount.split_at(digits_end);
    // 100m2, 5km: a unit may be glued to the number, a word that starts with a digit may not be anything else.
    let scientific = rest.starts_with(['e', 'E'])
        && rest[1..].bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'+')
        && rest.len() > 1;
    let unit = rest.chars().take_while(|c| c.is_alphabetic()).count() > 0
        && rest.chars().all(|c| c.is_alphanumeric() || "/²³^°".contains(c))
        && rest.len() <= 8;
    let clean = rest.is_empty() || scientific || (unit && !rest.eq_ignore_ascii_case("th"));
    if !clean || !number.starts_with(|c: char| c.is_ascii_digit() || ".(-".contains(c)) {
        return None;
    }
    let number = number.trim_end_matches(['.', ',']);
    let balanced = number.matches('(').count() == number.matches(')').count();
    if number.is_empty() || !balanced || number.ends_with(OPERATORS) && !number.ends_with(')') {
        return None;
    }
    let sign = if negative && !amount_negative { "-" } else { "" };
    let tail = if scientific { rest } else { "" };
    Some(format!("{sign}{}{tail}", plain(number)?))
}

/// A numeral with its separators made plain: thousands removed, a decimal comma turned into a point. `None` where the
/// commas fit neither.
fn plain(number: &str) -> Option<String> {
    if !number.contains(',') {
        return Some(number.to_owned());
    }
    if number.contains(|c: char| OPERATORS.contains(&c)) {
        return None;
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let groups: Vec<&str> = whole.split(',').collect();
    let thousands =
        groups[0].len() <= 3 && !groups[0].is_empty() && groups[1..].iter().all(|group| group.len() == 3);
    if thousands && groups[0] != "0" {
        let joined = groups.concat();
        return Some(if fraction.is_empty() { joined } else { format!("{joined}.{fraction}") });
    }
    let decimal = groups.len() == 2 && fraction.is_empty() && !number.contains('.') && !groups[0].is_empty();
    decimal.then(|| format!("{}.{}", groups[0], groups[1]))
}

/// Arithmetic that was spaced out: `3 + 4`, `2 1/2`. A number behind an operator that does not belong to arithmetic is
/// part of something else.
fn with_context(before: &[&str], piece: String) -> Option<String> {
    let mut parts = vec![piece];
    let mut index = before.len();
    while index > 0 {
        let word = before[index - 1];
        let is_operator = word.chars().all(|c| OPERATORS.contains(&c)) && !matches!(word, "-" | "−" | "–")
            || matches!(word, "-" | "−");
        let digits = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if is_operator && index >= 2 && digits(before[index - 2]) {
            parts.push(word.to_owned());
            parts.push(before[index - 2].to_owned());
            index -= 2;
        } else if is_operator && parts.len() == 1 {
            // "= - 5" keeps its sign; "a + 5" is not 5.
            let sign_only =
                matches!(word, "-" | "−") && (index < 2 || before[index - 2].ends_with(['=', ':']));
            return sign_only.then(|| format!("-{}", parts[0]));
        } else if parts.len() == 1
            && digits(word)
            && parts[0].split_once('/').is_some_and(|(a, b)| digits(a) && digits(b))
        {
            parts.push(word.to_owned());
            index -= 1;
        } else {
            break;
        }
    }
    parts.reverse();
    Some(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<String> {
        last(text).map(|(piece, _)| piece)
    }

    #[test]
    fn numbers_that_stand_for_themselves() {
        assert_eq!(number("Soucis : 2,75 $ a.."), Some("2.75".into()));
        assert_eq!(number("it is 7,425,000."), Some("7425000".into()));
        assert_eq!(number("so x = -5"), Some("-5".into()));
        assert_eq!(number("we get 10/9"), Some("10/9".into()));
        assert_eq!(number("we get 3 + 4"), Some("3 + 4".into()));
        assert_eq!(number("it is 2 1/2"), Some("2 1/2".into()));
        assert_eq!(number("costs $100 in all"), Some("100".into()));
        assert_eq!(last("up by 101%."), Some(("101".into(), true)));
        assert_eq!(last("28 percent"), Some(("28".into(), true)));
    }

    #[test]
    fn numbers_inside_something_else_are_not_answers() {
        for text in ["AZYUK2A", "x + 5", "\\frac{1}{2}", "1,1.99$", "no numbers"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
