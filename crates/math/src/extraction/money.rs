//! Whose money an amount is, before it: `US$12`, "USD 12", "Rs. 12".

/// `US$12` and `HK$ 12` as `$12`: whose dollars they are is not told apart. A sign with another behind it may open a
/// formula, so that only the last counts.
pub(super) fn without_country(text: &str) -> Option<String> {
    let at = text.rfind('$')?;
    if !text[at + 1..].trim_start_matches(' ').starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let before = &text[text[..at].rfind('$').map_or(0, |sign| sign + 1)..at];
    let country =
        ["USD", "US", "HK", "NZ", "CA", "AU", "SG", "NT", "A", "C", "S"].iter().find(|country| {
            before.strip_suffix(**country).is_some_and(|head| {
                head.chars()
                    .next_back()
                    .is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '{' | ':' | '*'))
            })
        })?;
    Some(format!("{}{}", &text[..at - country.len()], &text[at..]))
}

/// Codes of ISO 4217, and what else stands before an amount for its currency, and the same as it is written behind.
const CODES: &[(&str, &str)] = &[
    ("USD", "USD"),
    ("EUR", "EUR"),
    ("GBP", "GBP"),
    ("JPY", "JPY"),
    ("CNY", "CNY"),
    ("RMB", "RMB"),
    ("INR", "INR"),
    ("KRW", "KRW"),
    ("RUB", "RUB"),
    ("CAD", "CAD"),
    ("AUD", "AUD"),
    ("NZD", "NZD"),
    ("HKD", "HKD"),
    ("SGD", "SGD"),
    ("TWD", "TWD"),
    ("CHF", "CHF"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("PLN", "PLN"),
    ("CZK", "CZK"),
    ("HUF", "HUF"),
    ("BRL", "BRL"),
    ("MXN", "MXN"),
    ("ARS", "ARS"),
    ("CLP", "CLP"),
    ("COP", "COP"),
    ("PEN", "PEN"),
    ("ZAR", "ZAR"),
    ("NGN", "NGN"),
    ("KES", "KES"),
    ("GHS", "GHS"),
    ("EGP", "EGP"),
    ("TRY", "TRY"),
    ("ILS", "ILS"),
    ("AED", "AED"),
    ("SAR", "SAR"),
    ("QAR", "QAR"),
    ("PKR", "PKR"),
    ("BDT", "BDT"),
    ("LKR", "LKR"),
    ("NPR", "NPR"),
    ("IDR", "IDR"),
    ("MYR", "MYR"),
    ("THB", "THB"),
    ("PHP", "PHP"),
    ("VND", "VND"),
    ("UAH", "UAH"),
    ("RON", "RON"),
    ("Rs.", "INR"),
    ("Rs", "INR"),
    ("R$", "BRL"),
    ("RM", "MYR"),
    ("Fr.", "CHF"),
];

/// Words for large numbers that belong to the amount.
const LARGE: &[&str] = &[" hundred", " thousand", " million", " billion", " trillion", " lakh", " crore"];

/// "USD 73" as "73 USD", which is how a unit stands: the last one of a text.
pub(super) fn with_codes_behind(text: &str) -> Option<String> {
    let (at, code, name) = last_code(text)?;
    let rest = &text[at + code.len()..];
    let number = rest.trim_start_matches([' ', '\u{a0}', '~']);
    let digits =
        number.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))).unwrap_or(number.len());
    let written = number[..digits].trim_end_matches(['.', ',', '-']);
    let sign = written.strip_prefix('-').unwrap_or(written);
    if !sign.starts_with(|c: char| c.is_ascii_digit()) || sign.contains('-') {
        return None;
    }
    let behind = &number[written.len()..];
    let large = LARGE
        .iter()
        .find(|word| behind.strip_prefix(**word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)));
    let (large, behind) = large.map_or(("", behind), |word| (*word, &behind[word.len()..]));
    // "USD 73 USD" says it twice.
    let twice = behind.trim_start().starts_with(name);
    // What goes on is no amount: "CAD 3D", "RM 2/5".
    if behind.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '/' | '^' | '*' | '_' | '+' | '=')) {
        return None;
    }
    Some(format!(
        "{}{written}{large}{}{behind}",
        &text[..at],
        if twice { String::new() } else { format!(" {name}") }
    ))
}

/// The last code that stands before a number.
fn last_code(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let bytes = text.as_bytes();
    // Where numbers begin; what a code ends with stands before few of them.
    for at in
        (1..bytes.len()).rev().filter(|at| bytes[*at].is_ascii_digit() && !bytes[at - 1].is_ascii_digit())
    {
        let head = text[..at].trim_end_matches(['-', ' ', '\u{a0}', '~']);
        if !head.ends_with(|c: char| c.is_ascii_uppercase() || matches!(c, 's' | '.' | '$')) {
            continue;
        }
        let found = CODES.iter().find(|(code, _)| {
            head.strip_suffix(*code).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
        });
        if let Some((code, name)) = found {
            return Some((head.len() - code.len(), code, name));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_behind_their_amounts() {
        for (text, expected) in [
            ("USD 73", Some("73 USD")),
            ("The answer is EUR 1,073.50.", Some("The answer is 1,073.50 EUR.")),
            ("USD 3 million in all", Some("3 million USD in all")),
            ("Rs. 73", Some("73 INR")),
            ("Rs 73", Some("73 INR")),
            ("R$ 73", Some("73 BRL")),
            ("JPY -5", Some("-5 JPY")),
            ("USD 73 USD", Some("73 USD")),
            ("73 USD", None),
            ("PEN", None),
            ("OPEN 5", None),
            ("CAD 3D", None),
            ("TRY 5/6", None),
            ("RM/2", None),
        ] {
            assert_eq!(with_codes_behind(text).as_deref(), expected, "{text}");
        }
    }
}
