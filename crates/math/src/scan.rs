//! Bytes looked for in long texts. Most of what is read in a text begins with a mark that most texts do not have: to see
//! that it is not there must cost less than to read it.

/// How many bytes are compared before a look at what came out; the compiler compares many of them at once.
const BLOCK: usize = 64;

/// Whether a byte like this stands in a text. `like` should join its comparisons by `|` and `&`, without branches.
pub(crate) fn holds(bytes: &[u8], like: impl Fn(u8) -> bool) -> bool {
    bytes.chunks(BLOCK).any(|block| block.iter().fold(false, |found, byte| found | like(*byte)))
}

/// Whether two bytes like these stand side by side.
pub(crate) fn holds_pair(bytes: &[u8], like: impl Fn(u8, u8) -> bool) -> bool {
    let Some(behind) = bytes.get(1..) else { return false };
    bytes
        .chunks(BLOCK)
        .zip(behind.chunks(BLOCK))
        .any(|(first, second)| first.iter().zip(second).fold(false, |found, (a, b)| found | like(*a, *b)))
}

/// Where three bytes like these may begin: stretches of the text, in order, in which they do.
pub(crate) fn blocks_with(
    bytes: &[u8],
    like: impl Fn(u8, u8, u8) -> bool,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let blocks = bytes.len().saturating_sub(2).div_ceil(BLOCK);
    (0..blocks).filter_map(move |block| {
        let from = block * BLOCK;
        let to = (from + BLOCK).min(bytes.len() - 2);
        let first = &bytes[from..to];
        let (second, third) = (&bytes[from + 1..], &bytes[from + 2..]);
        first
            .iter()
            .zip(second)
            .zip(third)
            .fold(false, |found, ((a, b), c)| found | like(*a, *b, *c))
            .then_some(from..to)
    })
}

/// A set of bytes.
pub(crate) struct Set([bool; 256]);

impl Set {
    pub(crate) const fn new(members: &[u8]) -> Set {
        let mut table = [false; 256];
        let mut at = 0;
        while at < members.len() {
            table[members[at] as usize] = true;
            at += 1;
        }
        Set(table)
    }

    /// Where the next of them stands at or behind `from`; the length of the text if none does.
    pub(crate) fn next(&self, bytes: &[u8], from: usize) -> usize {
        let behind = bytes.get(from..).unwrap_or_default();
        let found = behind.iter().position(|byte| self.0[usize::from(*byte)]);
        found.map_or(bytes.len(), |offset| from + offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_at_every_place() {
        for length in 0..200usize {
            let plain = vec![b'x'; length];
            assert!(!holds(&plain, |b| b == b'$'));
            assert!(!holds_pair(&plain, |a, b| (a == b'$') & (b == b'%')));
            assert_eq!(blocks_with(&plain, |a, _, _| a == b'$').count(), 0);
            for at in 0..length {
                let mut text = plain.clone();
                text[at] = b'$';
                assert!(holds(&text, |b| b == b'$'));
                assert_eq!(Set::new(b"$%").next(&text, 0), at);
                assert_eq!(Set::new(b"$%").next(&text, at + 1), length);
                if at + 1 < length {
                    text[at + 1] = b'%';
                    assert!(holds_pair(&text, |a, b| (a == b'$') & (b == b'%')));
                }
                if at + 2 < length {
                    let found: Vec<_> = blocks_with(&text, |a, b, _| (a == b'$') & (b == b'%')).collect();
                    assert!(matches!(found.as_slice(), [block] if block.contains(&at)), "{at} of {length}");
                }
            }
        }
    }
}
