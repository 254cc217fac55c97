//! Digits: thousands separators, decimals, exponents, repeating decimals.

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use crate::expression::Node;
use crate::value::integers::BIT_LIMIT;

/// More groups of thousands than this are a list.
const GROUP_LIMIT: usize = 1000;

/// How many bytes of `text` (which starts with a digit or a point) are one numeral, and the numeral without separators.
///
/// Commas separate thousands only where `grouping` allows it (not inside brackets, where they separate elements) and
/// only if every group fits.
pub(crate) fn scan(text: &str, grouping: bool) -> (usize, String) {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = digits(0);
    let mut clean = text[..at].to_owned();
    // `,\!`, `{,}`, `\,` between digits are always separators of thousands; a bare comma where the groups fit.
    let mut groups = Vec::new();
    let mut end = at;
    let mut forced = false;
    while let Some(separator) = separator_length(&text[end..]) {
        let count = digits(end + separator);
        if count == 0 {
            break;
        }
        // One group that does not fit decides; there is no need to look at the rest of a long list.
        if count != 3 || groups.len() >= GROUP_LIMIT {
            groups.clear();
            break;
        }
        forced |= separator > 1;
        groups.push(&text[end + separator..end + separator + count]);
        end += separator + count;
    }
    let fits = !groups.is_empty() && (1..=3).contains(&at) && groups.iter().all(|group| group.len() == 3);
    if fits && (grouping || forced) && !(at > 1 && text.starts_with('0')) && !text.starts_with("0,") {
        for group in groups {
            clean.push_str(group);
        }
        at = end;
    }
    // A decimal point needs a digit on one side.
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        let count = digits(at + 1);
        clean.push('.');
        clean.push_str(&text[at + 1..at + 1 + count]);
        at += 1 + count;
    } else if bytes.get(at) == Some(&b'.')
        && at > 0
        && !matches!(bytes.get(at + 1), Some(b'.'))
        && !at_end(text, at + 1)
    {
        // "5." before an operator; at the end it is a full stop and left to the caller.
        at += 1;
    }
    // 2.5E2, 1e-3.
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let count = if at + 1 + sign < bytes.len() { digits(at + 1 + sign) } else { 0 };
        if count > 0 && count <= 6 {
            clean.push('e');
            clean.push_str(&text[at + 1..at + 1 + sign + count]);
            at += 1 + sign + count;
        }
    }
    (at, clean)
}

fn at_end(text: &str, at: usize) -> bool {
    text[at..].trim_start().is_empty()
}

/// The length of a separator of thousands at the start of `rest`.
fn separator_length(rest: &str) -> Option<usize> {
    if !rest.starts_with(['{', '\\', ',']) {
        return None;
    }
    for separator in ["{,}\\!", "{,}", "\\,", "\\ ", "\\;", "\\:", ","] {
        if let Some(after) = rest.strip_prefix(separator) {
            let mut length = separator.len();
            let mut after = after;
            while let Some(more) = after.strip_prefix("\\!") {
                length += 2;
                after = more;
            }
            // White space may follow `\!`, never a bare comma: "32, 349" is two numbers.
            if length > 1 && rest.starts_with(',') {
                let trimmed = after.trim_start_matches(' ');
                length += after.len() - trimmed.len();
            }
            return Some(length);
        }
    }
    None
}

/// The number that a clean numeral stands for; `None` if it is too long.
pub(crate) fn value(clean: &str) -> Option<Node> {
    let (digits, exponent) = match clean.split_once('e') {
        Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
        None => (clean, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let has_point = digits.contains('.');
    if whole.len() + fraction.len() <= 18 && exponent == 0 {
        let mut n: i64 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            n = n * 10 + i64::from(digit - b'0');
        }
        let value = if fraction.is_empty() {
            RBig::from(n)
        } else {
            RBig::from_parts(IBig::from(n), UBig::from(10u64.pow(fraction.len() as u32)))
        };
        return Some(Node::Number { value, decimals: has_point.then_some(fraction.len() as u32) });
    }
    let joined: String = whole.chars().chain(fraction.chars()).collect();
    let n = IBig::from_str_radix(&joined, 10).ok()?;
    let shift = exponent - fraction.len() as i64;
    if shift.unsigned_abs() as usize * 4 > BIT_LIMIT * 2 {
        return None;
    }
    let scale = IBig::from(10).pow(shift.unsigned_abs() as usize);
    let value = if shift >= 0 { RBig::from(n * scale) } else { RBig::from_parts_signed(n, scale) };
    // 1500E-1 is as exact as 1500/10: only a printed point makes a decimal.
    let decimals = has_point.then_some((-shift).max(0) as u32);
    Some(Node::Number { value, decimals })
}

/// `0.1\overline{6}`: the numeral before the bar, with the digits under the bar repeating.
pub(crate) fn repeating(before: &str, period: &str) -> Option<Node> {
    let (whole, fraction) = before.split_once('.').unwrap_or((before, ""));
    if period.is_empty() || period.len() + fraction.len() + whole.len() > 1000 {
        return None;
    }
    let parse = |text: &str| IBig::from_str_radix(if text.is_empty() { "0" } else { text }, 10).ok();
    let ten = IBig::from(10);
    let fixed = parse(&format!("{whole}{fraction}"))?;
    let repeated = parse(period)?;
    let nines = ten.pow(period.len()) - IBig::from(1);
    let scale = ten.pow(fraction.len());
    // fixed/scale + repeated/(scale · nines).
    Some(Node::exact(RBig::from_parts_signed(fixed * &nines + repeated, scale * nines)))
}

/// The integer with these digits in this base, if they are digits of it.
pub(crate) fn in_base(digits: &str, base: u32) -> Option<RBig> {
    if !(2..=36).contains(&base) || digits.len() > 2000 {
        return None;
    }
    IBig::from_str_radix(&digits.to_ascii_lowercase(), base).ok().map(RBig::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> (usize, String) {
        scan(text, true)
    }

    #[test]
    fn thousands_are_joined_where_the_groups_fit() {
        assert_eq!(number("7,425,000").1, "7425000");
        assert_eq!(number("11,\\! 111,\\! 111").1, "11111111");
        assert_eq!(number("14{,}916").1, "14916");
        assert_eq!(number("10\\,080").1, "10080");
        assert_eq!(number("32, 349"), (2, "32".to_owned()));
        assert_eq!(number("1,23").1, "1");
        assert_eq!(number("1000,100").1, "1000");
        assert_eq!(scan("1,234", false).1, "1");
        assert_eq!(number("1,000.50").1, "1000.50");
    }

    #[test]
    fn points_and_exponents() {
        assert_eq!(number(".5").1, ".5");
        assert_eq!(number("5."), (1, "5".to_owned()));
        assert_eq!(number("2.5E2x"), (5, "2.5e2".to_owned()));
        assert_eq!(number("2em"), (1, "2".to_owned()));
        assert_eq!(value("1e3"), Some(Node::integer(1000)));
        assert_eq!(value("0.50").map(|n| n.has_decimals()), Some(true));
        assert_eq!(value("1e999999"), None);
    }

    #[test]
    fn repeating_decimals_are_fractions() {
        assert_eq!(repeating("0.", "3"), Some(Node::exact(RBig::from(1) / RBig::from(3))));
        assert_eq!(repeating("0.1", "6"), Some(Node::exact(RBig::from(1) / RBig::from(6))));
    }
}
