//! Which runs of letters are words, and which are letters side by side.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Hashes words: FNV-1a, which is fast on short texts. What is hashed are lists of our own, so that nobody can aim at it.
pub(crate) type Fnv = std::hash::BuildHasherDefault<FnvHasher>;

#[derive(Clone)]
pub(crate) struct FnvHasher(u64);

impl Default for FnvHasher {
    fn default() -> FnvHasher {
        FnvHasher(0xcbf2_9ce4_8422_2325)
    }
}

impl std::hash::Hasher for FnvHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Words of three letters and fewer that are words even though four letters make most words.
const SHORT_WORDS: &[&str] = &[
    "add", "age", "ago", "air", "all", "am", "amy", "an", "and", "ann", "ant", "any", "apr", "are", "arm",
    "art", "as", "ask", "at", "ate", "aug", "bad", "bag", "bat", "be", "bed", "bee", "ben", "big", "bit",
    "bob", "box", "boy", "bus", "but", "buy", "by", "can", "car", "cat", "cm", "cow", "cup", "cut", "dad",
    "dan", "day", "dec", "did", "do", "dog", "due", "eat", "egg", "end", "eve", "even", "eye", "false",
    "far", "feb", "few", "fit", "fly", "for", "fox", "fri", "fun", "get", "go", "got", "gym", "had", "has",
    "hat", "he", "hen", "her", "him", "his", "hot", "hour", "how", "ian", "ice", "if", "in", "is", "it",
    "its", "ivy", "jan", "jar", "jim", "job", "joe", "jul", "jun", "key", "kg", "kid", "kim", "km", "law",
    "lee", "left", "leg", "leo", "let", "lost", "lot", "low", "man", "map", "max", "may", "me", "mia", "mm",
    "mom", "mon", "my", "net", "new", "no", "none", "nor", "not", "nov", "now", "nut", "oct", "odd", "of",
    "off", "oil", "old", "on", "one", "or", "our", "out", "owl", "own", "pat", "pay", "pen", "per", "pie",
    "pig", "put", "ray", "red", "ron", "row", "roy", "run", "sam", "sat", "say", "sea", "see", "sep", "set",
    "she", "six", "sky", "so", "son", "sue", "sum", "sun", "tan", "tax", "tea", "ted", "ten", "than", "that",
    "the", "then", "this", "thu", "tie", "tim", "to", "tom", "too", "top", "toy", "true", "try", "tue",
    "two", "up", "us", "use", "via", "war", "was", "way", "we", "wed", "when", "who", "win", "with", "won",
    "yes", "yet", "you", "zoe",
];

static SHORT: LazyLock<HashSet<&str, Fnv>> = LazyLock::new(|| SHORT_WORDS.iter().copied().collect());

/// Whether a run of letters is a word of prose and not a product.
pub(crate) fn is_word(run: &str) -> bool {
    // The longest of the short words has five letters: most words are not looked for, and none is copied.
    let mut short = [0u8; 5];
    let listed = run.len() <= short.len() && {
        let lower = &mut short[..run.len()];
        lower.copy_from_slice(run.as_bytes());
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).is_ok_and(|lower| SHORT.contains(lower))
    };
    if run.len() <= 3 || listed {
        return run.len() > 2 && listed;
    }
    let letters = || run.bytes().map(|b| b.to_ascii_lowercase());
    // Neighbours in the alphabet, up or down: `abcd`, `aceg`, `dcba`.
    let near = |gap: i16| (1..=2).contains(&gap);
    let gaps = || letters().zip(letters().skip(1)).map(|(a, b)| i16::from(b) - i16::from(a));
    letters().any(|b| matches!(b, b'a' | b'e' | b'i' | b'o' | b'u' | b'y'))
        && !gaps().all(near)
        && !gaps().all(|gap| near(-gap))
        && !letters().all(|b| (b't'..=b'z').contains(&b))
}

/// Whether a run of letters inside of a formula is a word of prose and not a product: a word, and not one that goes on
/// in capitals, or a short answer that everybody writes.
pub(super) fn is_prose(run: &str) -> bool {
    const SHORT_ANSWERS: [&str; 11] =
        ["yes", "no", "odd", "none", "the", "one", "two", "six", "ten", "for", "if"];
    if run.len() <= 4 && SHORT_ANSWERS.iter().any(|word| run.eq_ignore_ascii_case(word)) || run == "is" {
        return true;
    }
    let capitals = run.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    run.len() >= 4 && !capitals && is_word(run)
}
