//! Whole numbers in words: "twenty-five", 十二; and the words for a minus before a number.

/// Longer than any number in words that is read.
const LENGTH_LIMIT: usize = 120;

const SMALL: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Words for a minus; the last of them are glued to their number.
const MINUS: &[&str] =
    &["minus ", "negative ", "menos ", "moins ", "meno ", "минус ", "マイナス", "마이너스", "负", "負"];

/// A text that is a number in words and nothing else, or a number behind a word for minus, as a plain numeral.
pub(crate) fn numeral(text: &str) -> Option<String> {
    // Most texts begin with a digit, a sign or a command.
    let text = text.trim();
    if text.len() > LENGTH_LIMIT || !text.starts_with(|c: char| c.is_alphabetic()) {
        return None;
    }
    let lower = text.trim_end_matches('.').to_lowercase();
    let rest = MINUS.iter().find_map(|minus| lower.strip_prefix(minus));
    let (sign, number) = rest.map_or(("", lower.as_str()), |rest| ("-", rest.trim()));
    let digits = number.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'/')
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit());
    if digits {
        return (sign == "-").then(|| format!("-{number}"));
    }
    if let Some(value) = english(number).or_else(|| chinese(number)) {
        return Some(format!("{sign}{value}"));
    }
    let (above, below) = fraction(number)?;
    Some(format!("{sign}{above}/{below}"))
}

/// The same, and "fifty percent" as `50%`.
pub(crate) fn amount(text: &str) -> Option<String> {
    match text.trim().trim_end_matches('.').strip_suffix(" percent") {
        Some(number) => numeral(number).map(|number| format!("{number}%")),
        None => numeral(text),
    }
}

/// "three quarters", "one half", "two and a half", as numerator and denominator.
fn fraction(text: &str) -> Option<(u64, u64)> {
    const PARTS: [&str; 9] =
        ["half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    if let Some((whole, part)) = text.rsplit_once(" and ") {
        let (above, below) = fraction(part).filter(|(above, below)| above < below)?;
        return Some((english(whole)? * below + above, below));
    }
    let (count, part) = text.rsplit_once([' ', '-'])?;
    let part = if part == "halves" { "half" } else { part.strip_suffix('s').unwrap_or(part) };
    let part = if part == "fourth" { "quarter" } else { part };
    let below = PARTS.iter().position(|known| *known == part)? as u64 + 2;
    let above = if count == "a" { 1 } else { english(count)? };
    (above > 0 && above < 100).then_some((above, below))
}

fn english(text: &str) -> Option<u64> {
    let (mut total, mut group) = (0u64, 0u64);
    // The lowest place that was said: what follows must be below it.
    let mut place = None;
    let mut seen = false;
    for word in text.split(|c: char| c.is_whitespace() || c == '-').filter(|word| !word.is_empty()) {
        if word == "and" && seen && (group >= 100 || total > 0) {
            continue;
        }
        let value = SMALL
            .iter()
            .position(|known| *known == word)
            .or_else(|| TENS.iter().position(|known| *known == word).map(|at| 20 + 10 * at));
        match (value, word) {
            (Some(value), _) => {
                let value = value as u64;
                // "twenty five" is a number, "five twenty" and "five six" are none.
                if place.is_some_and(|place| value >= place || value == 0) {
                    return None;
                }
                group += value;
                place = Some(if value < 20 { 1 } else { 10 });
            }
            (None, "hundred") if (1..10).contains(&group) => {
                group *= 100;
                place = Some(100);
            }
            (None, "thousand") if group > 0 && total % 1_000_000 == 0 => {
                total += group * 1000;
                (group, place) = (0, Some(1000));
            }
            (None, "million") if group > 0 && total == 0 => {
                total = group * 1_000_000;
                (group, place) = (0, Some(1_000_000));
            }
            _ => return None,
        }
        seen = true;
    }
    seen.then_some(total + group)
}

fn chinese(text: &str) -> Option<u64> {
    if text.is_ascii() {
        return None;
    }
    let (mut total, mut section, mut digit) = (0u64, 0u64, None);
    for c in text.chars() {
        let value = "零一二三四五六七八九".chars().position(|known| known == c).or(match c {
            '〇' => Some(0),
            '两' | '兩' => Some(2),
            _ => None,
        });
        if let Some(value) = value {
            if digit.is_some_and(|before| before != 0) {
                return None;
            }
            digit = Some(value as u64);
            continue;
        }
        match c {
            '十' | '百' | '千' => {
                let scale = match c {
                    '十' => 10,
                    '百' => 100,
                    _ => 1000,
                };
                if section % (scale * 10) != 0 && section % scale != 0 {
                    return None;
                }
                section += digit.take().unwrap_or(1) * scale;
            }
            '万' | '萬' if total == 0 => {
                total = (section + digit.take().unwrap_or(0)) * 10_000;
                section = 0;
            }
            _ => return None,
        }
    }
    let value = total + section + digit.unwrap_or(0);
    (!text.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words_are_read() {
        for (text, value) in [
            ("seven", "7"),
            ("Twenty-five", "25"),
            ("one hundred and five", "105"),
            ("two thousand three hundred twelve", "2312"),
            ("ninety nine thousand", "99000"),
            ("two million five thousand", "2005000"),
            ("one million", "1000000"),
            ("three quarters", "3/4"),
            ("three-fourths", "3/4"),
            ("two and a half", "5/2"),
            ("minus one half", "-1/2"),
            ("zero", "0"),
            ("minus seven", "-7"),
            ("negative 7", "-7"),
            ("minus 7.5", "-7.5"),
            ("七", "7"),
            ("十二", "12"),
            ("二十", "20"),
            ("一百零五", "105"),
            ("三千二百", "3200"),
            ("负七", "-7"),
        ] {
            assert_eq!(numeral(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn other_words_are_not() {
        for text in [
            "",
            "seven or eight",
            "five six",
            "five twenty",
            "twenty eleven",
            "seventh",
            "hundred",
            "7",
            "and",
            "minus",
            "minus -7",
            "not seven",
            "two and three halves",
            "third",
            "two seconds",
            "zero thirds",
            "七八",
            "第七",
            "ten zero",
            "thousand",
        ] {
            assert_eq!(numeral(text), None, "{text}");
        }
    }
}
