//! What an answer holds under: "for all x", "(k ∈ ℤ)", "x ∈ ℝ". It stands behind the answer and is not it.

/// An answer without its condition, and the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conditioned<'t> {
    pub(crate) answer: &'t str,
    pub(crate) condition: Option<&'t str>,
}

/// What introduces a condition in words that holds for everything.
const INTRODUCTIONS: &[&str] = &[
    "\\text{ for all",
    "\\text{for all",
    "\\text{ for any",
    "\\text{for any",
    "\\text{ for every",
    "\\text{for every",
    "\\text{ for each",
    "\\text{ for some",
    "\\text{for some",
    "\\text{ where",
    "\\text{where",
    "\\text{, where",
    "\\text{ with ",
    "\\forall",
    "∀",
    " for all ",
    " for any ",
    " for every ",
    " for each ",
    " for some ",
    ", where ",
    " where ",
    "\\mbox{ for all",
    "\\mbox{for all",
    "\\textrm{ for all",
    "\\quad\\text{for",
    "\\text{ (for all",
    "\\ \\text{for",
    "\\text{ such that",
    " such that ",
];

/// Splits a condition off the end of an answer.
pub(crate) fn split(piece: &str) -> Conditioned<'_> {
    let whole = Conditioned { answer: piece, condition: None };
    let (introduced, related) = signs(piece);
    if !introduced && !related {
        return whole;
    }
    let commands = piece.contains('\\');
    let cut = INTRODUCTIONS
        .iter()
        .filter(|words| introduced && (commands || !words.starts_with('\\')))
        .filter_map(|words| piece.find(words))
        .min();
    if let Some(at) = cut {
        let answer = trimmed(&piece[..at]);
        // A set has its condition inside of its braces, and a statement that begins with one is all condition.
        return if answer.is_empty() || !balanced(answer) {
            whole
        } else {
            Conditioned { answer, condition: Some(&piece[at..]) }
        };
    }
    if !piece.contains("\\in")
        && !piece.contains('∈')
        && !piece.contains(['<', '>', '≤', '≥', '≠'])
        && !piece.contains("\\l")
        && !piece.contains("\\g")
        && !piece.contains("\\ne")
        && !piece.contains("integer")
    {
        return whole;
    }
    in_brackets(piece).or_else(|| behind_comma(piece)).unwrap_or(whole)
}

/// Whether a piece may hold the words or the signs of a condition, in one pass.
fn signs(piece: &str) -> (bool, bool) {
    let bytes = piece.as_bytes();
    let (mut introduced, mut related) = (false, false);
    for (at, byte) in bytes.iter().enumerate() {
        let rest = &bytes[at..];
        match byte {
            b'f' => introduced |= rest.starts_with(b"for"),
            b'w' => introduced |= rest.starts_with(b"wh") || rest.starts_with(b"wi"),
            b's' => introduced |= rest.starts_with(b"such"),
            b'\\' => {
                related |= matches!(rest.get(1), Some(b'l' | b'g'))
                    || rest.starts_with(b"\\in")
                    || rest.starts_with(b"\\ne");
            }
            b'i' => related |= rest.starts_with(b"integer"),
            b'<' | b'>' => related = true,
            0xe2 => (introduced, related) = (true, true),
            _ => {}
        }
    }
    (introduced, related)
}

fn trimmed(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let before = text;
        for tail in ["\\quad", "\\qquad", "\\,", "\\;", "\\ ", "\\", ",", "(", "\\text{"] {
            text = text.strip_suffix(tail).unwrap_or(text).trim_end();
        }
        if text == before {
            return text;
        }
    }
}

fn balanced(text: &str) -> bool {
    let count = |c: char| text.chars().filter(|other| *other == c).count();
    count('{') == count('}')
}

/// `… (k \in \mathbb{Z})`: brackets at the end that hold a relation about a letter, apart from what is before them.
fn in_brackets(piece: &str) -> Option<Conditioned<'_>> {
    let text = piece.trim_end().trim_end_matches(['.', '$']);
    let (text, close) = match text.strip_suffix("\\right)") {
        Some(before) => (before, "("),
        None => (text.strip_suffix(')')?, "("),
    };
    let mut depth = 0usize;
    let open = text.char_indices().rev().find_map(|(i, c)| match c {
        ')' => {
            depth += 1;
            None
        }
        '(' if depth == 0 => Some(i),
        '(' => {
            depth -= 1;
            None
        }
        _ => None,
    })?;
    let inside = &text[open + close.len()..];
    let before = text[..open].trim_end_matches("\\left");
    let apart = before.ends_with([' ', '~'])
        || before.ends_with("\\quad")
        || before.ends_with("\\,")
        || before.ends_with("\\;");
    let member = inside.contains("\\in ")
        || inside.contains("\\in\\")
        || inside.contains('∈')
        || inside.contains("integer");
    let relation = ["<", ">", "\\ge", "\\le", "\\ne", "≤", "≥", "≠"].iter().any(|sign| inside.contains(sign));
    let letter = inside.trim_start().starts_with(|c: char| c.is_alphabetic());
    let answer = trimmed(before);
    let whole = letter
        && (member || relation && apart)
        && !answer.is_empty()
        && answer.contains(|c: char| c.is_alphanumeric());
    let operator = answer.ends_with(['+', '-', '*', '/', '=', '^', '∪', '∩'])
        || answer.ends_with("\\cup")
        || answer.ends_with("\\cdot");
    (whole && !operator && balanced(answer)).then_some(Conditioned { answer, condition: Some(inside) })
}

/// `…, k \in \mathbb{Z}`: the last part says of letters which numbers they are.
fn behind_comma(piece: &str) -> Option<Conditioned<'_>> {
    let mut depth = 0i32;
    let mut comma = None;
    for (i, c) in piece.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ',' | ';' if depth == 0 => comma = Some(i),
            _ => {}
        }
    }
    let at = comma.or_else(|| piece.rfind("\\quad"))?;
    let behind = piece[at..]
        .trim_start_matches([',', ';'])
        .trim_start_matches("\\quad")
        .trim_start_matches("\\ ")
        .trim();
    let (letters, set) = behind.split_once("\\in").or_else(|| behind.split_once('∈'))?;
    let letters_only =
        !letters.trim().is_empty() && letters.chars().all(|c| c.is_alphabetic() || c == ',' || c == ' ');
    let named = ["\\mathbb", "\\Bbb", "\\mathbf", "\\Z", "\\R", "\\N", "ℤ", "ℝ", "ℕ", "ℚ", "Z", "R", "N"]
        .iter()
        .any(|name| set.trim_start().starts_with(name));
    let answer = trimmed(&piece[..at]);
    (letters_only && named && !answer.is_empty() && balanced(answer))
        .then_some(Conditioned { answer, condition: Some(behind) })
}

impl Conditioned<'_> {
    /// The letter that the condition lets be any whole number.
    pub(crate) fn whole_letter(&self) -> Option<String> {
        let condition = self.condition?;
        let (letter, set) = condition.split_once("\\in").or_else(|| condition.split_once('∈'))?;
        let letter = letter.trim_start_matches("\\forall").trim();
        let letter = letter.rsplit([' ', '{', '}']).next().unwrap_or(letter).trim();
        let whole = set.contains("{Z}")
            || set.contains("mathbb Z")
            || set.trim_start().starts_with(['ℤ', 'Z'])
            || set.contains("\\Z");
        (whole && letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_lowercase()))
            .then(|| letter.to_owned())
    }

    /// The condition, where it is an inequality: answers under different ones differ.
    pub(crate) fn bound(&self) -> Option<&str> {
        let condition = self.condition?;
        let universal = condition.contains("all")
            || condition.contains("any")
            || condition.contains("\\in")
            || condition.contains('∈');
        let relation =
            ["<", ">", "\\ge", "\\le", "\\ne", "≤", "≥", "≠"].iter().any(|sign| condition.contains(sign));
        (relation && !universal && !condition.starts_with('\\') && !condition.starts_with(' '))
            .then_some(condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_split_off() {
        for (piece, answer) in [
            ("f(x)=2x \\text{ for all } x", "f(x)=2x"),
            ("f(x)=2x \\quad \\forall x \\in \\mathbb{R}", "f(x)=2x"),
            ("a_n=2n\\ (n\\in\\mathbb{N}^*)", "a_n=2n"),
            ("x=k\\pi, k \\in \\mathbb{Z}", "x=k\\pi"),
            ("2x^2-x\\ (x\\ge1)", "2x^2-x"),
            ("x>3, x\\in\\mathbb{R}", "x>3"),
        ] {
            assert_eq!(split(piece).answer, answer, "{piece}");
        }
        for piece in [
            "\\{x : x > 3\\}",
            "x \\in (2,3]",
            "7\\ (8)",
            "(1,2)",
            "f(x)",
            "(x>1)",
            "\\forall x, x = x",
            "x(x+1) < 3",
            "\\sin(x)",
        ] {
            assert_eq!(split(piece).condition, None, "{piece}");
        }
        assert_eq!(split("x=n\\pi, n\\in\\mathbb{Z}").whole_letter().as_deref(), Some("n"));
        assert!(split("x\\ (x>0)").bound().is_some());
    }
}
