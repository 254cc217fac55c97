//! Comparison of outputs, token by token.

/// Whether two outputs have the same tokens.
///
/// Tokens are what Python's `bytes.split()` finds, with the separators U+001C..U+001F that `str.split()` adds to
/// them. Wider Unicode spaces belong to tokens, so bytes that are not UTF-8 need no special rule.
pub(super) fn equal(actual: &[u8], expected: &[u8]) -> bool {
    tokens(actual).eq(tokens(expected))
}

fn tokens(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|&byte| is_separator(byte)).filter(|token| !token.is_empty())
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' | 0x1c..=0x1f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_count() {
        assert!(equal(b"1 2\n3\n", b"1\t2 3"));
        assert!(equal(b"\x0b1\x0c\x1c2\x1f", b"1 2"));
        assert!(equal(b"", b"\n"));
        assert!(!equal(b"12", b"1 2"));
        assert!(!equal(b"1 2", b"1 2 3"));
        assert!(!equal("1\u{a0}2".as_bytes(), b"1 2"));
        assert!(!equal(b"\xff", b""));
    }
}
