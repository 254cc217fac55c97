//! Comparison of what a program printed with what was expected.

use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;

/// When two outputs are the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Comparison {
    /// Token by token: white space separates and does not count otherwise.
    #[default]
    Tokens,
    /// Line by line, without white space at the ends of lines and empty lines at the end.
    Lines,
    /// Byte by byte.
    Exact,
    /// Token by token, where two numbers are the same if they differ by no more than `absolute`, or by no more than
    /// `relative` times the expected one.
    Float {
        /// Largest absolute difference.
        absolute: f64,
        /// Largest difference relative to the expected number.
        relative: f64,
    },
}

impl Comparison {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// A difference that is none, counted from where the comparison stands.
    pub fn validate(&self) -> Result<(), SettingError> {
        let Comparison::Float { absolute, relative } = *self else { return Ok(()) };
        // Within as much as a number itself is every number, 0 among them.
        SettingError::first([
            (
                "float.absolute",
                (0.0..=1e6).contains(&absolute),
                absolute.to_string(),
                "a number that is not negative, at most a million",
            ),
            (
                "float.relative",
                (0.0..0.5).contains(&relative),
                relative.to_string(),
                "a share that is not negative, below 0.5",
            ),
        ])
    }

    /// Whether the outputs are the same.
    #[must_use]
    pub fn equal(&self, actual: &[u8], expected: &[u8]) -> bool {
        match *self {
            Comparison::Tokens => tokens(actual).eq(tokens(expected)),
            Comparison::Lines => lines(actual) == lines(expected),
            Comparison::Exact => actual == expected,
            Comparison::Float { absolute, relative } => {
                let mut actual = tokens(actual);
                let mut expected = tokens(expected);
                loop {
                    match (actual.next(), expected.next()) {
                        (None, None) => return true,
                        (Some(a), Some(e)) if a == e || close(a, e, absolute, relative) => {}
                        _ => return false,
                    }
                }
            }
        }
    }
}

/// What Python's `bytes.split()` finds, with the separators U+001C..U+001F that `str.split()` adds to them. Wider
/// Unicode spaces belong to tokens, so bytes that are not UTF-8 need no special rule.
fn tokens(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|&byte| is_separator(byte)).filter(|token| !token.is_empty())
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0x1c..=0x1f)
}

fn lines(output: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = output
        .split(|&byte| byte == b'\n')
        .map(|line| {
            let end = line.iter().rposition(|&byte| !is_separator(byte)).map_or(0, |at| at + 1);
            &line[..end]
        })
        .collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

fn close(actual: &[u8], expected: &[u8], absolute: f64, relative: f64) -> bool {
    let number =
        |token: &[u8]| std::str::from_utf8(token).ok()?.parse::<f64>().ok().filter(|n| n.is_finite());
    let (Some(actual), Some(expected)) = (number(actual), number(expected)) else { return false };
    let difference = (actual - expected).abs();
    difference <= absolute || difference <= relative * expected.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_ignore_white_space_only() {
        let equal = |a: &[u8], b: &[u8]| Comparison::Tokens.equal(a, b);
        assert!(equal(b"1 2\n3\n", b"1\t2 3"));
        assert!(equal(b"\x0b1\x0c\x1c2\x1f", b"1 2"));
        assert!(equal(b"", b"\n"));
        assert!(!equal(b"12", b"1 2"));
        assert!(!equal(b"1 2", b"1 2 3"));
        assert!(!equal("1\u{a0}2".as_bytes(), b"1 2"));
        assert!(!equal(b"\xff", b""));
    }

    #[test]
    fn lines_ignore_their_ends_only() {
        let equal = |a: &[u8], b: &[u8]| Comparison::Lines.equal(a, b);
        assert!(equal(b"1 2 \r\n3\n\n", b"1 2\n3"));
        assert!(!equal(b"1  2", b"1 2"));
        assert!(!equal(b"1 2\n3", b"1\n2 3"));
        assert!(!equal(b"1\n\n2", b"1\n2"));
    }

    #[test]
    fn bytes_are_bytes() {
        assert!(Comparison::Exact.equal(b"1\n", b"1\n"));
        assert!(!Comparison::Exact.equal(b"1", b"1\n"));
    }

    #[test]
    fn floats_may_differ_by_the_tolerance() {
        let float = Comparison::Float { absolute: 1e-6, relative: 1e-3 };
        assert!(float.equal(b"0.0000001 x", b"0 x"));
        assert!(float.equal(b"1000.9", b"1000"));
        assert!(!float.equal(b"1001.1", b"1000"));
        assert!(!float.equal(b"y", b"x"));
        assert!(!float.equal(b"1 2", b"1"));
        assert!(!float.equal(b"nan", b"1"));
        assert!(!float.equal(b"inf", b"1e308"));
    }

    #[test]
    fn settings_are_read_by_name() {
        #[derive(Deserialize)]
        struct Settings {
            compare: Comparison,
        }
        let read = |text: &str| toml::from_str::<Settings>(text).map(|settings| settings.compare);
        assert_eq!(read("compare = \"lines\"").unwrap(), Comparison::Lines);
        assert_eq!(
            read("compare = { float = { absolute = 1e-6, relative = 0.0 } }").unwrap(),
            Comparison::Float { absolute: 1e-6, relative: 0.0 }
        );
        assert!(read("compare = \"fuzzy\"").is_err());
    }
}
