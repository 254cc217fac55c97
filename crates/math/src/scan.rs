//! Bytes looked for in long texts. Most of what is read in a text begins with a mark that most texts do not have: to see
//! that it is not there must cost less than to read it.

/// How many bytes are compared before a look at what came out; the compiler compares many of them at once.
const BLOCK: usize = 64;

/// Whether a byte like this stands in a text. `like` should join its comparisons by `|` and `&`, without branches.
pub(crate) fn holds(bytes: &[u8], like: impl Fn(u8) -> bool) -> bool {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    // A sum of truths is compiled to a branch for each byte, one of bytes to comparisons of many at once.
    let among = |bytes: &[u8]| bytes.iter().fold(0, |found, byte| found | u8::from(like(*byte))) != 0;
    blocks.iter().any(|block| among(block)) || among(rest)
}

/// Whether two bytes like these stand side by side.
pub(crate) fn holds_pair(bytes: &[u8], like: impl Fn(u8, u8) -> bool) -> bool {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let Some(behind) = bytes.get(1..) else { return false };
    let (moved, _) = behind.as_chunks::<BLOCK>();
    let found = blocks
        .iter()
        .zip(moved)
        .any(|(a, b)| a.iter().zip(b).fold(0, |found, (a, b)| found | u8::from(like(*a, *b))) != 0);
    // The last whole block has one pair less where nothing stands behind it.
    let from = bytes.len() - rest.len();
    let from = if rest.is_empty() { from.saturating_sub(BLOCK) } else { from };
    found || bytes[from..].windows(2).any(|pair| like(pair[0], pair[1]))
}

/// Where three bytes like these may begin: stretches of the text, in order, in which they do.
pub(crate) fn blocks_with(
    bytes: &[u8],
    like: impl Fn(u8, u8, u8) -> bool,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let starts = bytes.len().saturating_sub(2);
    (0..starts.div_ceil(BLOCK)).filter_map(move |block| {
        let from = block * BLOCK;
        let to = (from + BLOCK).min(starts);
        let whole = |offset: usize| bytes[from + offset..].first_chunk::<BLOCK>();
        let found = if let (Some(first), Some(second), Some(third)) = (whole(0), whole(1), whole(2)) {
            let mut found = 0;
            for at in 0..BLOCK {
                found |= u8::from(like(first[at], second[at], third[at]));
            }
            found != 0
        } else {
            bytes[from..].windows(3).any(|three| like(three[0], three[1], three[2]))
        };
        found.then_some(from..to)
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
