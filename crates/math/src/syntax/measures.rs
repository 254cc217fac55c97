//! Whole answers that are a time of day or an amount of something: `5:30 p.m.`, `5 ft 4 in`, `12 m^2`, `3 and 1/4`.
//!
//! In a formula a lone letter is a letter, so what is read here stands beside the reading as a formula, and says whether
//! only letters made the unit.

use std::borrow::Cow;

use dashu_ratio::RBig;

use super::parser::parse;
use super::units::{self, Unit};
use crate::expression::{Half, Node};
use crate::scan::{holds, holds_pair};

/// Longer texts are no amounts.
const LENGTH_LIMIT: usize = 120;

/// An amount, and how sure it is that it is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) node: Node,
    pub(crate) certainty: Certainty,
}

/// Whether a reading as an amount leaves room for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// Nothing else can be meant.
    Sure,
    /// Single letters make the unit: `5 m` may be a product.
    Letters,
}

fn sure(node: Node) -> Option<Measured> {
    Some(Measured { node, certainty: Certainty::Sure })
}

/// Whether words name a time of day or an amount with a fraction in it: "half past four", "half an hour".
pub(crate) fn is_time_in_words(words: &str) -> bool {
    let begins = |a: u8, b: u8| {
        ((a == b' ') & ((b == b'p') | (b == b't')))
            | ((a == b'h') & (b == b'i'))
            | ((a | 0x20 == b'h') & (b == b'a'))
            | ((a == b'a') & (b == b'r'))
    };
    if words.len() > 60 || !words.contains(' ') || !holds_pair(words.as_bytes(), begins) {
        return false;
    }
    (words.contains(" past ") || words.contains(" to "))
        && clock_in_words(&words.to_ascii_lowercase()).is_some()
        || (words.contains("hal")
            || words.contains("Hal")
            || words.contains("uarter")
            || words.contains("third"))
            && fraction_in_words(&words.to_ascii_lowercase()).is_some()
}

/// "half an hour", "a quarter of a mile", "an hour and a half", "two and a half hours".
fn fraction_in_words(lower: &str) -> Option<Node> {
    let lower = lower.trim().trim_end_matches('.');
    let share = |words: &str| -> Option<(i32, u32)> {
        match words {
            "half" | "a half" | "one half" | "one-half" | "half a" | "half an" | "half of a"
            | "half of an" => Some((1, 2)),
            "third" | "a third" | "one third" | "one-third" => Some((1, 3)),
            "two thirds" | "two-thirds" => Some((2, 3)),
            "quarter" | "a quarter" | "one quarter" | "one-quarter" => Some((1, 4)),
            "three quarters" | "three-quarters" => Some((3, 4)),
            _ => None,
        }
    };
    let whole = |words: &str| -> Option<u64> {
        if matches!(words, "a" | "an" | "one") {
            return Some(1);
        }
        let numeral = super::number_words::numeral(words);
        numeral.as_deref().unwrap_or(words).parse().ok().filter(|n: &u64| *n < 1_000_000)
    };
    let (whole, (above, below), unit) = if let Some((before, after)) = lower.split_once(" and ") {
        match share(after) {
            // "an hour and a half"
            Some(share) => {
                let (number, unit) = before.split_once(' ')?;
                (whole(number)?, share, unit)
            }
            // "two and a half hours"
            None => {
                let (part, unit) = after.rsplit_once(' ')?;
                (whole(before)?, share(part)?, unit)
            }
        }
    } else {
        let (part, unit) = lower.rsplit_once(' ')?;
        let part = part.strip_suffix(" of an").or_else(|| part.strip_suffix(" of a")).unwrap_or(part);
        (0, share(part)?, unit)
    };
    // "half a circle" is no amount.
    if units::unit(unit)?.dimension.is_empty() || unit.len() < 3 {
        return None;
    }
    let amount = RBig::from(whole) + RBig::from_parts(above.into(), below.into());
    Some(Node::Unit(Box::new(Node::exact(amount)), unit.to_owned()))
}

/// The text as a time or an amount, if all of it is one.
pub(crate) fn measured(piece: &str) -> Option<Measured> {
    if piece.len() > LENGTH_LIMIT
        || !piece.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'n' | b'p')) && !is_time_in_words(piece)
    {
        return None;
    }
    // Nothing but commands and signs: no letters that could be a unit, no marks.
    if !piece.as_bytes().contains(&b':') && !may_hold_unit(piece) {
        return None;
    }
    let marks = |b: u8| (b == b'\\') | (b == b'~') | (b == b'$') | (b == b'{') | (b == 0xe2);
    let pairs = |a: u8, b: u8| ((a == b'\'') & (b == b'\'')) | ((a == b' ') & (b == b'^'));
    let text = if holds(piece.as_bytes(), marks) || holds_pair(piece.as_bytes(), pairs) {
        Cow::Owned(unwrapped(piece))
    } else {
        Cow::Borrowed(piece)
    };
    let text = text.trim().trim_end_matches(',').trim();
    if let Some(clock) = clock(text) {
        return sure(clock);
    }
    if is_time_in_words(text)
        && let Some(amount) = fraction_in_words(&text.to_ascii_lowercase())
    {
        return sure(amount);
    }
    if let Some(mixed) = mixed_in_words(text).or_else(|| ratio_in_words(text)) {
        return sure(mixed);
    }
    amounts(text)
}

/// Without the commands that only set words upright, and spaces as spaces.
fn unwrapped(piece: &str) -> String {
    let mut text = piece.to_owned();
    if piece.contains("frac{\\") {
        while let Some((at, end, quotient)) = fraction_of_units(&text) {
            text.replace_range(at..end, &quotient);
        }
    }
    // Which commands and signs there may be, in one pass: a search for each of them costs more than all of them do.
    let (mut bytes, mut commands) = ([false; 256], [false; 256]);
    for pair in piece.as_bytes().windows(2) {
        bytes[usize::from(pair[0])] = true;
        commands[usize::from(pair[1])] |= pair[0] == b'\\';
    }
    bytes[usize::from(piece.bytes().next_back().unwrap_or_default())] = true;
    let may_hold = |mark: &str| match mark.as_bytes() {
        [b'\\', letter, ..] => commands[usize::from(*letter)],
        [first, ..] => bytes[usize::from(*first)],
        [] => false,
    };
    for command in
        ["\\text", "\\mathrm", "\\mbox", "\\textrm", "\\rm", "\\operatorname", "\\textnormal", "\\hbox"]
    {
        if !may_hold(command) {
            continue;
        }
        let mut from = 0;
        while let Some(at) = text[from..].find(command).map(|at| from + at) {
            if !text[at + command.len()..].starts_with('{') {
                from = at + command.len();
                continue;
            }
            let open = at + command.len();
            let Some(close) = text[open..].find('}') else { break };
            text.replace_range(open + close..=open + close, " ");
            text.replace_range(at..=open, " ");
        }
    }
    for (from, to) in [
        ("\\,", " "),
        ("\\;", " "),
        ("\\:", " "),
        ("\\ ", " "),
        ("\\!", ""),
        ("~", " "),
        ("$", ""),
        ("\\quad", " "),
        ("\\cdot", "·"),
        ("\\Omega", "Ω"),
        ("\\mu ", "µ"),
        ("^{\\circ}", "°"),
        ("^\\circ", "°"),
        ("\\circ", "°"),
        ("\\degree", "°"),
        ("{:}", ":"),
        ("''", "\""),
        ("″", "\""),
        ("′", "'"),
        ("’", "'"),
        ("”", "\""),
    ] {
        if may_hold(from) && text.contains(from) {
            if from == "$" && !text.trim_start().starts_with("\\$") && text.matches('$').count() % 2 == 1 {
                continue;
            }
            text = text.replace(from, to);
        }
    }
    // "12 cm ^2": what stood in braces of its own.
    while let Some(at) = text.find(" ^") {
        text.remove(at);
    }
    text
}

/// `\frac{\text{m}}{\text{s}}` as where it stands and ` m/s`.
fn fraction_of_units(text: &str) -> Option<(usize, usize, String)> {
    let at =
        text.find("\\frac{\\").or_else(|| text.find("\\dfrac{\\")).or_else(|| text.find("\\tfrac{\\"))?;
    let open = at + text[at..].find('{')?;
    let middle = open + closing(&text[open..])?;
    let below = middle + 1;
    let end = below + text[below..].starts_with('{').then(|| closing(&text[below..])).flatten()?;
    let upright = |part: &str| {
        let mut plain = part.to_owned();
        for command in ["\\text{", "\\mathrm{", "\\textrm{", "\\mbox{"] {
            plain = plain.replace(command, "{");
        }
        plain.chars().filter(|c| !matches!(c, '{' | '}')).collect::<String>().trim().to_owned()
    };
    let (above, below) = (upright(&text[open + 1..middle]), upright(&text[below + 1..end]));
    let known = units::unit(&above).is_some() && units::unit(&below).is_some() && !below.contains(['/', ' ']);
    known.then(|| (at, end + 1, format!(" {above}/{below}")))
}

/// Where the brace at the start is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// "half past four", "a quarter to nine", "ten past 8".
fn clock_in_words(lower: &str) -> Option<Node> {
    let (lower, half) = [
        (" pm", Half::Afternoon),
        (" p.m", Half::Afternoon),
        (" am", Half::Morning),
        (" a.m", Half::Morning),
    ]
    .iter()
    .find_map(|(end, half)| Some((lower.strip_suffix(end)?, Some(*half))))
    .unwrap_or((lower, None));
    let (part, hour, before) = match lower.split_once(" past ") {
        Some((part, hour)) => (part, hour, false),
        None => lower.split_once(" to ").map(|(part, hour)| (part, hour, true))?,
    };
    let number = |words: &str| -> Option<u32> {
        let words = words.trim();
        let numeral = super::number_words::numeral(words);
        numeral.as_deref().unwrap_or(words).parse().ok()
    };
    let part = part.trim();
    let part = part.strip_prefix("a ").unwrap_or(part);
    let minutes = match part.strip_suffix(" minutes").unwrap_or(part) {
        "half" if !before => 30,
        "quarter" => 15,
        // "3 to 4" is a ratio.
        words if !before || part.ends_with("minutes") => number(words)?,
        words => {
            super::number_words::numeral(words)?;
            number(words)?
        }
    };
    let hour = number(hour.trim_end_matches(" o'clock"))?;
    if !(1..=12).contains(&hour) || !(1..60).contains(&minutes) {
        return None;
    }
    let parts =
        if before { [if hour == 1 { 12 } else { hour - 1 }, 60 - minutes, 0] } else { [hour, minutes, 0] };
    Some(time(parts, 2, half))
}

/// `5:30`, `05:30:10`, `5:30 p.m.`, `3 PM`, `noon`.
fn clock(text: &str) -> Option<Node> {
    // What may stand behind the digits, and the words without any.
    let behind =
        text.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || matches!(c, ':' | '.'));
    let begins = |b: &u8| matches!(b | 0x20, b'a' | b'p' | b'i' | b'o' | b'h' | b'm' | b'n');
    let worded = |a: u8, b: u8| (a == b' ') & ((b | 0x20 == b'p') | (b | 0x20 == b't'));
    if !behind.as_bytes().first().is_none_or(begins) && !holds_pair(text.as_bytes(), worded) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let lower = lower.trim_end_matches('.');
    match lower {
        "noon" | "12 noon" | "12:00 noon" => return Some(time([12, 0, 0], 2, Some(Half::Afternoon))),
        "midnight" | "12 midnight" | "12:00 midnight" => {
            return Some(time([12, 0, 0], 2, Some(Half::Morning)));
        }
        _ => {}
    }
    if (lower.contains(" past ") || lower.contains(" to "))
        && let Some(clock) = clock_in_words(lower)
    {
        return Some(clock);
    }
    // "5h30".
    if let Some((hour, minutes)) = lower.split_once('h')
        && minutes.len() == 2
        && (1..=2).contains(&hour.len())
        && let (Ok(hour @ 0..24), Ok(minutes @ 0..60)) = (hour.parse(), minutes.parse())
    {
        return Some(time([hour, minutes, 0], 2, None));
    }
    let digits = lower.find(|c: char| !(c.is_ascii_digit() || c == ':')).unwrap_or(lower.len());
    let (numbers, behind) = lower.split_at(digits);
    let behind: String = behind.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
    let half = match behind.as_str() {
        "" => None,
        "am" | "inthemorning" => Some(Half::Morning),
        "pm" | "intheafternoon" | "intheevening" | "atnight" => Some(Half::Afternoon),
        "o'clock" | "oclock" | "h" | "hrs" | "hours" if numbers.contains(':') || behind.starts_with('o') => {
            None
        }
        _ => return None,
    };
    let fields: Vec<&str> = numbers.split(':').collect();
    let plain = half.is_none() && !behind.starts_with('o');
    let shaped = match fields.as_slice() {
        [hour] => !plain && !hour.is_empty(),
        [hour, rest @ ..] => {
            (1..=2).contains(&hour.len()) && rest.len() <= 2 && rest.iter().all(|field| field.len() == 2)
        }
        [] => false,
    };
    if !shaped || fields[0].len() > 2 {
        return None;
    }
    let mut parts = [0u32; 3];
    for (part, field) in parts.iter_mut().zip(&fields) {
        *part = field.parse().ok()?;
    }
    let hours = if half.is_some() { 12 } else { 24 };
    (parts[0] <= hours && parts[1] < 60 && parts[2] < 60).then(|| time(parts, fields.len().max(2), half))
}

fn time(parts: [u32; 3], shown: usize, half: Option<Half>) -> Node {
    Node::Clock { parts, shown, half }
}

/// `3 and 1/4`, `7 and a half`.
fn mixed_in_words(text: &str) -> Option<Node> {
    text.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace()).strip_prefix("and ")?;
    let (whole, part) = text.split_once(" and ")?;
    let whole = integer(whole)?;
    let part = part.trim();
    let fraction = match part {
        "a half" | "one half" | "one-half" | "a 1/2" => (1, 2),
        "a third" | "one third" | "one-third" => (1, 3),
        "two thirds" | "two-thirds" => (2, 3),
        "a quarter" | "one quarter" | "one fourth" | "a fourth" => (1, 4),
        "three quarters" | "three-quarters" | "three fourths" => (3, 4),
        _ => {
            let (a, b) = part.split_once('/')?;
            (integer(a)?, integer(b)?)
        }
    };
    if fraction.0 <= 0 || fraction.0 >= fraction.1 {
        return None;
    }
    let part = RBig::from_parts(fraction.0.into(), (fraction.1 as u64).into());
    Some(Node::exact(RBig::from(whole) + part))
}

/// `3 to 4`.
fn ratio_in_words(text: &str) -> Option<Node> {
    text.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace()).strip_prefix("to ")?;
    let parts: Vec<&str> = text.split(" to ").collect();
    if parts.len() < 2 {
        return None;
    }
    let items: Option<Vec<Node>> = parts.iter().map(|part| integer(part).map(Node::integer)).collect();
    items.map(Node::Ratio)
}

fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

/// One amount, or several of one kind that together are one: `1 hour and 30 minutes`.
fn amounts(text: &str) -> Option<Measured> {
    let parts = split(text)?;
    if let [(number, unit)] = parts.as_slice() {
        // Most words behind a number are no units, and to see that is cheaper than to read the number.
        if !matches!(unit.as_str(), "'" | "\"") {
            units::unit(unit)?;
        }
        let amount = parse(number).ok()?;
        let (node, certainty) = amount_of(amount, unit)?;
        return Some(Measured { node, certainty });
    }
    let mut total = RBig::from(0);
    let mut last: Option<Unit> = None;
    for (number, unit) in &parts {
        let Ok(Node::Number { value, .. }) = parse(number) else { return None };
        let unit = named(unit, last.as_ref())?;
        if let Some(before) = &last
            && (before.dimension != unit.dimension || before.scale <= unit.scale)
        {
            return None;
        }
        if unit.dimension.len() != 1 || unit.zero != RBig::from(0) {
            return None;
        }
        total += value * &unit.scale;
        last = Some(unit);
    }
    let unit = last?;
    let name = parts.last().map(|(_, name)| name.as_str())?;
    let name = if name == "'" || name == "\"" { "inches" } else { name };
    sure(Node::Unit(Box::new(Node::exact(total / unit.scale)), name.to_owned()))
}

/// The unit of a part: feet and inches have marks.
fn named(unit: &str, before: Option<&Unit>) -> Option<Unit> {
    match unit {
        "'" => units::unit("feet"),
        "\"" => units::unit("inches"),
        // "5 feet 4".
        "" if before == units::unit("feet").as_ref() => units::unit("inches"),
        _ => units::unit(unit),
    }
}

fn amount_of(amount: Node, unit: &str) -> Option<(Node, Certainty)> {
    if amount.has_symbols() || !amount.is_scalar() {
        return None;
    }
    let boxed = Box::new(amount);
    match unit {
        "'" => return Some((Node::Unit(boxed, "feet".to_owned()), Certainty::Sure)),
        "\"" => return Some((Node::Unit(boxed, "inches".to_owned()), Certainty::Sure)),
        _ => {}
    }
    let words = unit.split(|c: char| !c.is_alphabetic() && c != '°').filter(|word| !word.is_empty());
    let letters = words.clone().all(|word| word.chars().count() == 1);
    let certainty = if letters && unit.is_ascii() { Certainty::Letters } else { Certainty::Sure };
    Some((Node::Unit(boxed, unit.to_owned()), certainty))
}

/// Numbers and the units behind them, in order; `None` where the text is anything else.
fn split(text: &str) -> Option<Vec<(String, String)>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = unit_start(rest)?;
        let (number, behind) = rest.split_at(number_end);
        let number = number.trim();
        // "5/day".
        let per = number.strip_suffix('/').filter(|_| parts.is_empty());
        let number = per.unwrap_or(number);
        if number.is_empty() || number.ends_with(['+', '-', '*', '/', '=', '^', '_', '(', '{']) {
            return None;
        }
        let unit_end = unit_end(behind);
        let (unit, after) = behind.split_at(unit_end);
        let unit = unit.trim().trim_end_matches(',').trim();
        let unit = unit.strip_suffix(" and").unwrap_or(unit).trim_end_matches(',').trim();
        let slash = if per.is_some() { "/" } else { "" };
        parts.push((number.to_owned(), format!("{slash}{unit}")));
        rest = after.trim_start();
        if parts.len() > 4 {
            return None;
        }
        // "5 feet 4": the last unit may go without saying.
        if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) && parts.len() == 1 {
            parts.push((rest.to_owned(), String::new()));
            break;
        }
    }
    (!parts.is_empty()).then_some(parts)
}

/// Whether letters stand outside of commands, or in those that set words.
fn may_hold_unit(piece: &str) -> bool {
    let bytes = piece.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                let length = bytes[at + 1..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
                let name = &bytes[at + 1..at + 1 + length];
                if matches!(
                    name,
                    b"text" | b"mathrm" | b"mbox" | b"textrm" | b"rm" | b"operatorname" | b"Omega" | b"circ"
                ) {
                    return true;
                }
                at += 1 + length.max(1);
            }
            b if b.is_ascii_alphabetic() || b >= 0x80 || matches!(b, b'\'' | b'"') => return true,
            _ => at += 1,
        }
    }
    false
}

/// Where the first letter stands that is no part of a command, a numeral's exponent or a constant.
fn unit_start(text: &str) -> Option<usize> {
    let mut before = ' ';
    let mut in_command = false;
    for (i, c) in text.char_indices() {
        if in_command {
            in_command = c.is_ascii_alphabetic();
            before = c;
            if in_command {
                continue;
            }
        }
        if c == '\\' {
            in_command = true;
        } else if c.is_alphabetic() || matches!(c, '\'' | '"' | '°' | '¢') {
            let exponent = matches!(c, 'e' | 'E')
                && before.is_ascii_digit()
                && text[i + 1..].trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
            // 3 x 10^8 m/s.
            let times = c == 'x'
                && text[..i].trim_end().ends_with(|c: char| c.is_ascii_digit())
                && text[i + 1..].trim_start().starts_with(|c: char| c.is_ascii_digit());
            if !exponent && !times && !matches!(c, 'π' | '√') {
                return Some(i);
            }
        }
        before = c;
    }
    None
}

/// Where a unit ends: before the next number that is no exponent.
fn unit_end(text: &str) -> usize {
    let mut before = ' ';
    let mut braces = 0usize;
    for (i, c) in text.char_indices() {
        match c {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        let exponent =
            braces > 0 || matches!(before, '^' | '{') || before == '-' && text[..i].ends_with("^-");
        if c.is_ascii_digit() && !exponent {
            return i;
        }
        before = c;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::form;

    fn read(text: &str) -> Option<String> {
        measured(text).map(|measured| form(&measured.node))
    }

    #[test]
    fn amounts_are_read() {
        for (text, expected) in [
            ("5 m", "5 m"),
            ("12 m^2", "12 m^2"),
            ("3 m/s^2", "3 m/s^2"),
            ("1 hour and 30 minutes", "90 minutes"),
            ("1 hour 30 minutes", "90 minutes"),
            ("1h30min", "90 min"),
            ("5 ft 4 in", "64 in"),
            ("5'4\"", "64 inches"),
            ("5 feet, 4 inches", "64 inches"),
            ("5\"", "5 inches"),
            ("\\frac{1}{2}\\text{ cm}", "1/2 cm"),
            ("5 \\Omega", "5 Ω"),
            ("3 and 1/4", "13/4"),
            ("7 and a half", "15/2"),
            ("3 to 4", "3 : 4"),
            ("5:30 p.m.", "5:30 pm"),
            ("17:30", "17:30"),
            ("3 PM", "3:00 pm"),
            ("1e3 m", "1000 m"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_amounts() {
        for text in [
            "5x",
            "x^2",
            "3 cm, 4 cm",
            "8:4",
            "25:10",
            "5 apples",
            "12",
            "3 and 4",
            "f(x)=3",
            "\\sin 30",
            "2m+1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
