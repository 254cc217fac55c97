//! The base that a numeral is written in, where words say so: "52 (base 8)", "73 in octal".

use crate::syntax::number_words;

/// Names of systems, in lower case, and their bases. The decimal one needs no name.
const SYSTEMS: &[(&str, u32)] = &[
    ("binary", 2),
    ("binario", 2),
    ("binário", 2),
    ("binaire", 2),
    ("binär", 2),
    ("binärsystem", 2),
    ("dualsystem", 2),
    ("двоичной", 2),
    ("ternary", 3),
    ("trinary", 3),
    ("quaternary", 4),
    ("quinary", 5),
    ("senary", 6),
    ("septenary", 7),
    ("octal", 8),
    ("oktal", 8),
    ("oktalsystem", 8),
    ("ottale", 8),
    ("восьмеричной", 8),
    ("nonary", 9),
    ("duodecimal", 12),
    ("dozenal", 12),
    ("hexadecimal", 16),
    ("hexadécimal", 16),
    ("hexadezimal", 16),
    ("hexadezimalsystem", 16),
    ("esadecimale", 16),
    ("шестнадцатеричной", 16),
    ("hex", 16),
    ("vigesimal", 20),
];

/// How Chinese, Japanese and Korean name them: a numeral, and one of these behind it.
const UNSPACED: &[&str] = &["进制", "進制", "進数", "進法", "진법", "진수"];
const NUMERALS: &[(&str, u32)] = &[
    ("十六", 16),
    ("16", 16),
    ("십육", 16),
    ("十二", 12),
    ("12", 12),
    ("二", 2),
    ("2", 2),
    ("이", 2),
    ("三", 3),
    ("3", 3),
    ("삼", 3),
    ("四", 4),
    ("4", 4),
    ("五", 5),
    ("5", 5),
    ("오", 5),
    ("六", 6),
    ("6", 6),
    ("七", 7),
    ("7", 7),
    ("八", 8),
    ("8", 8),
    ("팔", 8),
    ("九", 9),
    ("9", 9),
];

/// What may stand between a numeral and the name of its system, with the space before it.
const LEADS: &[&str] = &[
    " when written in",
    " when expressed in",
    " written in",
    " expressed in",
    " represented in",
    " given in",
    " in the",
    " as an",
    " as a",
    " to",
    " in",
    " en",
    " em",
    " im",
    " в",
    " as",
    " zur",
    " na",
    " à la",
    " auf",
    " (",
    "(",
];

/// What may stand behind it.
const FORMS: &[&str] = &[
    " number system",
    " number",
    " number",
    " numeral system",
    " notation",
    " representation",
    " system",
    " form",
    " numerals",
    " системе счисления",
    " системе",
];

/// "52 (base 8)", "52 in base eight" and "52 in octal" as `52_{8}`.
pub(super) fn as_subscripts(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let mut places: Vec<(usize, usize, u32)> = Vec::new();
    if ["base", "basis", "radix"].iter().any(|word| lower.contains(word)) {
        for word in ["base ", "base-", "basis ", "radix "] {
            for (at, _) in lower.match_indices(word) {
                let behind = &text[at + word.len()..];
                let length = behind.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(behind.len());
                let base = &behind[..length];
                let named = number_words::numeral(base);
                let value = named
                    .as_deref()
                    .unwrap_or(base)
                    .parse()
                    .ok()
                    .filter(|base| (2..=36).contains::<u32>(base));
                places.extend(value.map(|value| (at, at + word.len() + length, value)));
            }
        }
    }
    // One look for most texts, which name none.
    if ["octal", "binar", "hex", "nary", "cimal", "zenal"].iter().any(|part| lower.contains(part))
        || !text.is_ascii()
        || lower.contains("system")
        || lower.contains("oktal")
        || lower.contains("ottal")
        || lower.contains("binaire")
    {
        for (name, base) in SYSTEMS {
            for (at, _) in lower.match_indices(name) {
                let inside = text[..at].ends_with(char::is_alphabetic);
                let end = at + name.len();
                if !inside && !text[end..].starts_with(char::is_alphabetic) {
                    places.push((at, end, *base));
                }
            }
        }
    }
    if !text.is_ascii() {
        for system in UNSPACED {
            for (at, _) in text.match_indices(system) {
                let numeral = NUMERALS.iter().find(|(numeral, _)| text[..at].ends_with(numeral));
                places.extend(numeral.map(|(numeral, base)| (at - numeral.len(), at + system.len(), *base)));
            }
        }
    }
    if places.is_empty() {
        return None;
    }
    places.sort_unstable();
    let mut out = String::new();
    let mut from = 0;
    for (at, end, base) in places {
        if at < from {
            continue;
        }
        let Some((numeral, closed, end)) = around(text, (from, at, end)) else { continue };
        out.push_str(&format!("{}_{{{base}}}{}", &text[from..numeral], &text[numeral..closed]));
        from = end;
    }
    (from > 0).then(|| out + &text[from..])
}

/// Where the numeral ends that the name at `at..end` belongs to, where what closes its formula or box ends, and what is said of
/// its system.
fn around(text: &str, (from, at, end): (usize, usize, usize)) -> Option<(usize, usize, usize)> {
    let mut end = end;
    let mut head = text[from..at].trim_end_matches(' ');
    // `73\text{ (base 8)}`, "73（八进制）".
    let bracket = head.ends_with(['(', '（']);
    if bracket {
        head = head.trim_end_matches(['(', '（']).trim_end();
    }
    for form in FORMS {
        if text[end..].starts_with(form) && !text[end + form.len()..].starts_with(char::is_alphabetic) {
            end += form.len();
            break;
        }
    }
    if bracket {
        let close = text[end..].chars().next().filter(|c| matches!(c, ')' | '）'))?;
        end += close.len_utf8();
    }
    if let Some(inside) =
        ["\\text{", "\\mathrm{", "\\textrm{"].iter().find_map(|command| head.strip_suffix(command))
        && text[end..].starts_with('}')
    {
        (head, end) = (inside.trim_end(), end + 1);
    } else if let Some(inside) =
        ["\\text{ in", "\\text{in", "\\mathrm{in"].iter().find_map(|command| head.strip_suffix(command))
        && text[end..].starts_with('}')
    {
        (head, end) = (inside.trim_end(), end + 1);
    } else if let Some(lead) = LEADS.iter().find(|lead| head.to_ascii_lowercase().ends_with(**lead)) {
        head = &head[..head.len() - lead.len()];
    }
    // A name right behind a numeral ends what is said: "73 octal", but "73 binary strings".
    let lead = text[from..at].trim_end_matches(' ').len() > head.len();
    if !lead && !bracket && text[end..].trim_start().starts_with(char::is_alphabetic) {
        return None;
    }
    // The closing brace of a box, or a dollar sign, may stand between; the subscript goes before them.
    let head = head.trim_end_matches([' ', ',', '~']);
    let inner = head.strip_suffix('$').unwrap_or(head);
    let inner = inner.strip_suffix('}').filter(|inner| {
        inner
            .rfind('{')
            .is_some_and(|open| inner[..open].ends_with("box") || inner[..open].ends_with("boxed"))
    });
    let inner = inner.unwrap_or_else(|| head.strip_suffix('$').unwrap_or(head));
    let numeral = inner.bytes().rev().take_while(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b)).count();
    let before = &inner[..inner.len() - numeral];
    let alone = !before
        .ends_with(|c: char| c.is_alphanumeric() && c.is_ascii() || matches!(c, '.' | ',' | '_' | '^'));
    let digits = inner[inner.len() - numeral..].contains(|c: char| c.is_ascii_digit());
    (alone && digits).then_some((from + inner.len(), from + head.len(), end))
}

/// The base that words before a statement name: "In octal, the answer", "the octal answer", "the answer in base 8".
pub(super) fn base_before(before: &str) -> bool {
    let lower = before.to_lowercase();
    let segment = lower.trim_start_matches(|c: char| !c.is_alphanumeric());
    let segment = ["so ", "so, ", "thus, ", "thus ", "therefore, ", "hence, ", "hence ", "then "]
        .iter()
        .find_map(|word| segment.strip_prefix(word))
        .unwrap_or(segment);
    let names = |text: &str| {
        let system = SYSTEMS.iter().any(|(name, _)| {
            text.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
        });
        let based = text.strip_prefix("base ").or_else(|| text.strip_prefix("base-")).is_some_and(|base| {
            let length = base.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(base.len());
            let base = number_words::numeral(&base[..length]).unwrap_or_else(|| base[..length].to_owned());
            base.parse::<u32>().is_ok_and(|base| base != 10)
        });
        system || based
    };
    let opens =
        ["in ", "en ", "em ", "im ", "в "].iter().any(|lead| segment.strip_prefix(lead).is_some_and(names));
    // "the octal answer".
    let called = segment.strip_prefix("the ").is_some_and(names) && segment.split_whitespace().count() <= 4;
    let unspaced = UNSPACED.iter().any(|system| lower.contains(system))
        && !lower.contains('十')
        && !lower.contains("10");
    // "Octal: ", "the number in octal is ".
    let labels = names(segment) && segment.trim_end().ends_with([':', '=']);
    let within = segment.match_indices(" in ").any(|(at, lead)| {
        let name = &segment[at + lead.len()..];
        // And nothing behind it: "101 in binary is 5" has said something else by then.
        let last =
            [" is", " equals", ":", " ="].iter().find_map(|copula| name.trim_end().strip_suffix(copula));
        names(name) && last.is_some_and(|name| name.split_whitespace().count() <= 2)
    });
    let turned =
        [" to decimal", " to base 10", "converting", "convert"].iter().any(|word| segment.contains(word));
    (opens || called || labels || within || unspaced) && !turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_behind_numerals_are_subscripts() {
        for (text, expected) in [
            ("It is 52 (base 8).", Some("It is 52_{8}.")),
            ("It is 1A in base sixteen", Some("It is 1A_{16}")),
            ("73 in octal", Some("73_{8}")),
            ("The answer is 73, written in octal notation.", Some("The answer is 73_{8}.")),
            ("73 (hexadecimal)", Some("73_{16}")),
            ("73 in hex.", Some("73_{16}.")),
            ("73 base-8", Some("73_{8}")),
            ("73\\text{ (base 8)}", Some("73_{8}")),
            ("73 en octal", Some("73_{8}")),
            ("73 im Oktalsystem", Some("73_{8}")),
            ("73 zur Basis 8", Some("73_{8}")),
            ("73 в восьмеричной системе", Some("73_{8}")),
            ("73（八进制）", Some("73_{8}")),
            ("a base 8 number", None),
            ("binary trees", None),
            ("73 octals", None),
            ("There are 73 binary strings", None),
            ("\\boxed{73} in octal", Some("\\boxed{73_{8}}")),
            ("$73$ in octal", Some("$73_{8}$")),
            ("$\\boxed{73}$ (base 8)", Some("$\\boxed{73_{8}}$")),
            ("0.75 in hex", None),
        ] {
            assert_eq!(as_subscripts(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_system_before_the_statement_is_its_base() {
        for text in [
            "In octal, ",
            "So in base 8, ",
            "The octal ",
            "Therefore, in hexadecimal, ",
            "Octal: ",
            "The number in octal is ",
        ] {
            assert!(base_before(text), "{text}");
        }
        for text in [
            "In base 10, ",
            "Converting from binary, ",
            "The number 101 in binary is 5, so ",
            "The ",
            "In total, ",
        ] {
            assert!(!base_before(text), "{text}");
        }
    }
}
