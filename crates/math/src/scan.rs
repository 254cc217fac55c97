//! Bytes looked for in long texts. Most of what is read in a text begins with a mark that most texts do not have: to see
//! that it is not there must cost less than to read it.

/// How many bytes are compared before a look at what came out; the compiler compares many of them at once.
const BLOCK: usize = 64;
/// The same for what is left of a text behind its last whole block, and for short texts.
const PART: usize = 16;

/// Whether something begins within the first `starts` bytes of a text: `among` looks at one block from a place on.
/// The last part overlaps what was looked at, so that only texts shorter than one are read byte by byte.
fn begins_within(
    starts: usize,
    among_block: impl Fn(usize) -> bool,
    among_part: impl Fn(usize) -> bool,
    at: impl Fn(usize) -> bool,
) -> bool {
    if starts < PART {
        return (0..starts).any(at);
    }
    let blocks = starts / BLOCK;
    let parts = (starts % BLOCK) / PART;
    (0..blocks).any(|block| among_block(block * BLOCK))
        || (0..parts).any(|part| among_part(blocks * BLOCK + part * PART))
        || !starts.is_multiple_of(PART) && among_part(starts - PART)
}

/// Whether a byte like this stands in a text. `like` should join its comparisons by `|` and `&`, without branches.
pub(crate) fn holds(bytes: &[u8], like: impl Fn(u8) -> bool) -> bool {
    // A sum of truths is compiled to a branch for each byte, one of bytes to comparisons of many at once.
    fn among<const N: usize>(bytes: &[u8], like: impl Fn(u8) -> bool) -> bool {
        let block = bytes.first_chunk::<N>();
        block.is_some_and(|block| block.iter().fold(0, |found, byte| found | u8::from(like(*byte))) != 0)
    }
    begins_within(
        bytes.len(),
        |from| among::<BLOCK>(&bytes[from..], &like),
        |from| among::<PART>(&bytes[from..], &like),
        |at| like(bytes[at]),
    )
}

/// Whether two bytes like these stand side by side.
pub(crate) fn holds_pair(bytes: &[u8], like: impl Fn(u8, u8) -> bool) -> bool {
    fn among<const N: usize>(bytes: &[u8], like: impl Fn(u8, u8) -> bool) -> bool {
        let (Some(first), Some(second)) = (bytes.first_chunk::<N>(), bytes[1..].first_chunk::<N>()) else {
            return false;
        };
        first.iter().zip(second).fold(0, |found, (a, b)| found | u8::from(like(*a, *b))) != 0
    }
    begins_within(
        bytes.len().saturating_sub(1),
        |from| among::<BLOCK>(&bytes[from..], &like),
        |from| among::<PART>(&bytes[from..], &like),
        |at| like(bytes[at], bytes[at + 1]),
    )
}

/// Where three bytes like these may begin: stretches of the text, in order, in which they do. The last may overlap the one
/// before it.
pub(crate) fn blocks_with(
    bytes: &[u8],
    like: impl Fn(u8, u8, u8) -> bool,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let starts = bytes.len().saturating_sub(2);
    (0..starts.div_ceil(BLOCK)).filter_map(move |block| {
        let to = ((block + 1) * BLOCK).min(starts);
        let from = to.saturating_sub(BLOCK);
        let whole = |offset: usize| bytes[from + offset..].first_chunk::<BLOCK>();
        let found = if let (BLOCK, Some(first), Some(second), Some(third)) =
            (to - from, whole(0), whole(1), whole(2))
        {
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

/// Where the next byte like this stands at or behind `from`; the length of the text if none does.
pub(crate) fn next_like(bytes: &[u8], from: usize, like: impl Fn(u8) -> bool) -> usize {
    /// Marks stand closer together than those that are only looked for.
    const NEAR: usize = 32;
    let behind = bytes.get(from..).unwrap_or_default();
    let (blocks, _) = behind.as_chunks::<NEAR>();
    let without =
        |block: &&[u8; NEAR]| block.iter().fold(0, |found, byte| found | u8::from(like(*byte))) == 0;
    let passed = blocks.iter().take_while(without).count() * NEAR;
    let found = behind[passed..].iter().position(|byte| like(*byte));
    found.map_or(bytes.len(), |offset| from + passed + offset)
}

/// A set of bytes, for those that are too many or too common for comparisons of many at once.
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

    /// Where its bytes stand in a text.
    pub(crate) fn places(&self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        bytes.iter().enumerate().filter(|(_, byte)| self.0[usize::from(**byte)]).map(|(at, _)| at)
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
                assert_eq!(Set::new(b"$%").places(&text).collect::<Vec<_>>(), [at]);
                assert_eq!(next_like(&text, 0, |b| (b == b'$') | (b == b'%')), at);
                assert_eq!(next_like(&text, at + 1, |b| (b == b'$') | (b == b'%')), length);
                if at + 1 < length {
                    text[at + 1] = b'%';
                    assert!(holds_pair(&text, |a, b| (a == b'$') & (b == b'%')));
                }
                if at + 2 < length {
                    let found: Vec<_> = blocks_with(&text, |a, b, _| (a == b'$') & (b == b'%')).collect();
                    let holding = found.iter().all(|block| block.contains(&at));
                    assert!(!found.is_empty() && holding, "{at} of {length}: {found:?}");
                }
            }
        }
    }
}
