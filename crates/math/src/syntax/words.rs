//! Which runs of letters are words, and which are letters side by side.

/// Words of three letters and fewer that are words even though four letters make most words.
const SHORT_WORDS: &[&str] = &[
    "yes", "no", "odd", "the", "one", "two", "six", "ten", "for", "if", "is", "and", "are", "but", "not",
    "you", "all", "any", "can", "had", "her", "was", "our", "out", "day", "get", "has", "him", "his", "how",
    "man", "new", "now", "old", "see", "way", "who", "boy", "did", "its", "let", "put", "say", "she", "too",
    "use", "cat", "dog", "car", "red", "box", "bag", "sum", "set", "per", "off", "own", "end", "far", "few",
    "got", "hot", "sun", "mon", "tue", "wed", "thu", "fri", "sat", "jan", "feb", "apr", "may", "jun", "jul",
    "aug", "sep", "oct", "nov", "dec", "tom", "bob", "amy", "ann", "sam", "joe", "jim", "tim", "dan", "ben",
    "max", "eve", "ivy", "mia", "leo", "ian", "kim", "lee", "roy", "ray", "ted", "ron", "pat", "sue", "zoe",
    "pen", "pie", "hat", "map", "bus", "cow", "pig", "hen", "egg", "tea", "tie", "win", "won", "lost", "big",
    "low", "top", "yet", "nor", "due", "via", "try", "ask", "age", "ago", "air", "arm", "art", "bad", "bed",
    "bit", "buy", "cut", "eat", "eye", "fit", "fly", "fun", "job", "key", "kid", "law", "leg", "lot", "net",
    "oil", "pay", "row", "run", "sea", "six", "son", "tax", "war", "add", "ice", "tan", "fox", "cup", "toy",
    "jar", "bee", "ant", "bat", "owl", "nut", "sky", "gym", "mom", "dad", "hour", "even", "left", "none",
    "than", "then", "that", "this", "with", "when", "true", "false", "kg", "km", "cm", "mm", "we", "so",
    "it", "be", "to", "of", "as", "by", "at", "on", "he", "or", "in", "an", "my", "me", "us", "up", "do",
    "go", "am",
];

/// Whether a run of letters is a word of prose and not a product.
pub(crate) fn is_word(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    if lower.len() <= 3 || SHORT_WORDS.contains(&lower.as_str()) {
        return lower.len() > 2 && SHORT_WORDS.contains(&lower.as_str());
    }
    let bytes = lower.as_bytes();
    let vowels = bytes.iter().any(|b| b"aeiouy".contains(b));
    // Neighbours in the alphabet, up or down: `abcd`, `aceg`, `dcba`.
    let near = |pair: &[u8], up: bool| {
        let gap = if up {
            i16::from(pair[1]) - i16::from(pair[0])
        } else {
            i16::from(pair[0]) - i16::from(pair[1])
        };
        (1..=2).contains(&gap)
    };
    let rising = bytes.windows(2).all(|pair| near(pair, true));
    let falling = bytes.windows(2).all(|pair| near(pair, false));
    let end_of_alphabet = bytes.iter().all(|b| (b't'..=b'z').contains(b));
    vowels && !rising && !falling && !end_of_alphabet
}

/// Whether a run of letters inside of a formula is a word of prose and not a product: a word, and not one that goes on
/// in capitals, or a short answer that everybody writes.
pub(super) fn is_prose(run: &str) -> bool {
    let lower = run.to_ascii_lowercase();
    if matches!(
        lower.as_str(),
        "yes" | "no" | "odd" | "none" | "the" | "one" | "two" | "six" | "ten" | "for" | "if" | "is"
    ) {
        return lower != "is" || run == "is";
    }
    let capitals = run.bytes().skip(1).any(|b| b.is_ascii_uppercase());
    is_word(&lower) && lower.len() >= 4 && !capitals
}
