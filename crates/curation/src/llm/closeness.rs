//! How much of one text is left in another.

/// More words than this are not compared.
pub(super) const MOST_WORDS: usize = 4000;

/// The share of `text`'s words that stand in `other` in the same order, and the share of `other`'s that stand in
/// `text`: the length of the longest common subsequence over that of each. `None` where a text has no words or too many.
pub(super) fn shared(text: &str, other: &str) -> Option<(f64, f64)> {
    let words = |text: &'_ str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let (a, b) = (words(text), words(other));
    if a.is_empty() || b.is_empty() || a.len() > MOST_WORDS || b.len() > MOST_WORDS {
        return None;
    }
    let mut row = vec![0_u32; b.len() + 1];
    for word in &a {
        let mut diagonal = 0;
        for (j, candidate) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if word == candidate { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    let common = f64::from(row[b.len()]);
    Some((common / a.len() as f64, common / b.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_words_in_order() {
        assert_eq!(shared("a b c d", "a b x d"), Some((0.75, 0.75)));
        assert_eq!(shared("a b c d", "a d"), Some((0.5, 1.0)));
        assert_eq!(shared("a b", "b a"), Some((0.5, 0.5)));
        assert_eq!(shared("a", "x"), Some((0.0, 0.0)));
        assert_eq!(shared("", "x"), None);
        assert_eq!(shared(&"x ".repeat(MOST_WORDS + 1), "x"), None);
    }
}
