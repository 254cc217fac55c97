//! Characters of other scripts in the spelling that everything else reads: digits, full-width signs, mathematical
//! letters, raised and lowered characters.

use std::borrow::Cow;

use super::characters::is_foreign_letter;

/// Where the ten digits of a script begin.
const ZEROS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810, 0xFF10, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
];

/// The text with characters of other scripts written as ASCII where they mean the same. Letters of other scripts stay.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii() {
            out.push(c);
            rest = &rest[1..];
            continue;
        }
        if let Some((_, script)) = moved(c) {
            let (run, length) = moved_run(rest, script);
            let mark = if script == Script::Raised { '^' } else { '_' };
            let digit_follows = rest[length..].starts_with(|c: char| c.is_ascii_alphanumeric());
            out.push(mark);
            if run.len() == 1 && !digit_follows {
                out.push_str(&run);
            } else {
                out.push('{');
                out.push_str(&run);
                out.push('}');
            }
            rest = &rest[length..];
            continue;
        }
        let after = &rest[c.len_utf8()..];
        replaced(c, &mut out, after);
        rest = after;
    }
    Cow::Owned(out)
}

/// The digit that a character of another script is.
fn digit(c: char) -> Option<char> {
    let code = c as u32;
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// The letter that a mathematical letter (italic, bold, script, …) is.
fn mathematical_letter(c: char) -> Option<char> {
    let code = c as u32;
    if c == 'ℎ' {
        return Some('h');
    }
    if !(0x1D400..0x1D6A4).contains(&code) {
        return None;
    }
    let place = ((code - 0x1D400) % 52) as u8;
    Some(char::from(if place < 26 { b'A' + place } else { b'a' + place - 26 }))
}

fn replaced(c: char, out: &mut String, after: &str) {
    if let Some(digit) = digit(c) {
        out.push(digit);
        return;
    }
    let full_width_digit = |c: char| ('０'..='９').contains(&c);
    match c {
        // A comma between full-width digits separates thousands or decimals as its ASCII sister would; elsewhere it
        // separates answers, and a space keeps it from being taken for one of these.
        '，' if out.ends_with(|c: char| c.is_ascii_digit()) && after.starts_with(full_width_digit) => {
            out.push(',')
        }
        '，' | '、' | '،' | '﹐' => out.push_str(", "),
        '…' | '⋯' => out.push_str("..."),
        '。' | '｡' | '۔' | '।' => out.push_str(". "),
        '；' => out.push_str("; "),
        '！' => out.push_str("! "),
        '？' | '؟' => out.push_str("? "),
        '٫' => out.push('.'),
        '٬' => out.push(','),
        '٪' => out.push('%'),
        // A heading.
        '【' if after.starts_with(is_foreign_letter) && !out.is_empty() => out.push_str("\n["),
        '【' | '「' | '『' | '〔' => out.push('['),
        '】' | '」' | '』' | '〕' => out.push(']'),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => out.push(' '),
        '\u{200b}'..='\u{200f}'
        | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{2060}'..='\u{2064}'
        | '\u{ad}' => {}
        '∘' | '˚' => out.push('°'),
        '∶' | '﹕' => out.push(':'),
        '‘' | '‛' => out.push('\''),
        '«' | '»' | '„' | '‟' => out.push('"'),
        '•' if after.starts_with(' ') && begins_line(out) => {}
        c if is_ornament(c) => out.push(' '),
        '＄' => out.push('$'),
        '￥' => out.push('¥'),
        '￡' => out.push('£'),
        '\u{ff01}'..='\u{ff5e}' => {
            // The block repeats ASCII in its order.
            out.push(char::from_u32(c as u32 - 0xff01 + 0x21).unwrap_or(c));
        }
        _ => out.push(mathematical_letter(c).unwrap_or(c)),
    }
}

/// Whether nothing but a little space stands on the line so far. (More is not looked at: texts may be bullets alone.)
fn begins_line(out: &str) -> bool {
    let blank = out.bytes().rev().take(8).take_while(|byte| *byte == b' ').count();
    out.len() == blank || out.as_bytes()[out.len() - blank - 1] == b'\n'
}

/// Signs that decorate what is said: marks of what is right or done, and pictures, except those that deny.
fn is_ornament(c: char) -> bool {
    match c {
        '✓' | '✔' | '☑' | '✅' | '∎' | '■' | '◼' | '▪' | '★' | '☆' | '⭐' | '➡' | '➔' => {
            true
        }
        '🚫' | '👎' | '🙅' | '🤔' | '🤷' => false,
        '\u{1f300}'..='\u{1faff}' => true,
        _ => false,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Raised,
    Lowered,
}

/// The plain form of a raised or lowered character.
fn moved(c: char) -> Option<(char, Script)> {
    Some(match c {
        '⁰' => ('0', Script::Raised),
        '¹' => ('1', Script::Raised),
        '²' => ('2', Script::Raised),
        '³' => ('3', Script::Raised),
        '⁴'..='⁹' => (char::from_digit(c as u32 - 0x2070, 10)?, Script::Raised),
        '⁺' => ('+', Script::Raised),
        '⁻' => ('-', Script::Raised),
        '⁽' => ('(', Script::Raised),
        '⁾' => (')', Script::Raised),
        'ⁿ' => ('n', Script::Raised),
        'ⁱ' => ('i', Script::Raised),
        'ᵃ' => ('a', Script::Raised),
        'ᵇ' => ('b', Script::Raised),
        'ᵏ' => ('k', Script::Raised),
        'ᵐ' => ('m', Script::Raised),
        'ᵗ' => ('t', Script::Raised),
        'ˣ' => ('x', Script::Raised),
        'ʸ' => ('y', Script::Raised),
        '₀'..='₉' => (char::from_digit(c as u32 - 0x2080, 10)?, Script::Lowered),
        '₊' => ('+', Script::Lowered),
        '₋' => ('-', Script::Lowered),
        'ₐ' => ('a', Script::Lowered),
        'ₑ' => ('e', Script::Lowered),
        'ᵢ' => ('i', Script::Lowered),
        'ⱼ' => ('j', Script::Lowered),
        'ₖ' => ('k', Script::Lowered),
        'ₘ' => ('m', Script::Lowered),
        'ₙ' => ('n', Script::Lowered),
        'ₚ' => ('p', Script::Lowered),
        'ₜ' => ('t', Script::Lowered),
        'ₓ' => ('x', Script::Lowered),
        _ => return None,
    })
}

/// The characters of one script at the start of `text`, plain, and their length there.
fn moved_run(text: &str, script: Script) -> (String, usize) {
    let mut run = String::new();
    let mut length = 0;
    for c in text.chars() {
        match moved(c) {
            Some((plain, same)) if same == script => run.push(plain),
            _ => break,
        }
        length += c.len_utf8();
    }
    (run, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_other_scripts_become_ascii() {
        for (text, expected) in [
            ("12", "12"),
            ("１２．５", "12.5"),
            ("（1，2）", "(1, 2)"),
            ("٣٫٥", "3.5"),
            ("१२", "12"),
            ("𝟏𝟐", "12"),
            ("𝑥 + 𝒚", "x + y"),
            ("10²³", "10^{23}"),
            ("x²y", "x^{2}y"),
            ("x² + 1", "x^2 + 1"),
            ("10⁻³", "10^{-3}"),
            ("a₁ + a₁₂", "a_1 + a_{12}"),
            ("１，２３４", "1,234"),
            ("1、234", "1, 234"),
            ("12。5", "12. 5"),
            ("90∘", "90°"),
            ("5\u{a0}000", "5 000"),
            ("答案：12", "答案:12"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
