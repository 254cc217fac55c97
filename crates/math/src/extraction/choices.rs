//! The letter of a choice in a text.

/// The letter behind the last "answer is", "answer:" or "answer", or at the very start.
pub(crate) fn anchored(text: &str, letters: &[char]) -> Option<char> {
    let lowered = text.to_ascii_lowercase();
    let mut before = lowered.len();
    let phrase = |text: &str| ["answer", "option", "choice"].iter().filter_map(|word| text.rfind(word)).max();
    while let Some(at) = phrase(&lowered[..before]) {
        let start = at + "answer".len();
        let mut end = (start + 60).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if let Some(letter) = lone(&text[start..end], letters).next() {
            return Some(letter);
        }
        before = at;
    }
    let head = text.trim_start().trim_start_matches(['*', '(']);
    let letter = head.chars().next().filter(|c| letters.contains(c))?;
    let after = head[letter.len_utf8()..].trim_start_matches('*');
    (after.is_empty() || after.starts_with(['.', ',', ':', ')', '\n'])).then_some(letter)
}

/// An anchored letter, or the last one that stands alone.
pub(crate) fn anywhere(text: &str, letters: &[char]) -> Option<char> {
    anchored(text, letters).or_else(|| lone(text, letters).last())
}

/// Letters that stand alone: "B", "(B)", "**B**", "B.", `\text{B}`.
fn lone<'t>(text: &'t str, letters: &'t [char]) -> impl Iterator<Item = char> + 't {
    text.split(|c: char| c.is_whitespace() || "{}$,:;=".contains(c)).filter_map(move |word| {
        let core = word.trim_matches(|c: char| "*_()[].!?\"'`".contains(c));
        let mut chars = core.chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) if letters.contains(&letter) => Some(letter),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTERS: &[char] = &['A', 'B', 'C', 'D'];

    #[test]
    fn letters_are_found_where_they_stand_alone() {
        assert_eq!(anywhere("The answer is B.", LETTERS), Some('B'));
        assert_eq!(anywhere("**C** is right", LETTERS), Some('C'));
        assert_eq!(anywhere("Answer: (D)", LETTERS), Some('D'));
        assert_eq!(anchored("The correct option is C", LETTERS), Some('C'));
        assert_eq!(anywhere("I think it is B", LETTERS), Some('B'));
        assert_eq!(anchored("A cat sat there", LETTERS), None);
        assert_eq!(anywhere("ABC", LETTERS), None);
    }
}
