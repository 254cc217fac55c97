//! The equivalence by which results on MATH were first reported: both answers are normalised as strings, then must be
//! the same string. Kept for comparison with published numbers; it rejects much that is equal, and lists are compared in
//! the order in which they are written.
//!
//! The steps, in order: line breaks and negative spaces go; doubled backslashes become single ones; `tfrac` and `dfrac`
//! become `frac`; `\left` and `\right`, degree signs, dollar signs and percent signs go; what follows `\text{ ` (units)
//! goes; a decimal without a whole part gets a zero; a short name in front of one equals sign goes; `\sqrt3` becomes
//! `\sqrt{3}`; spaces go; `\frac12` becomes `\frac{1}{2}`; the string `0.5` becomes a half; `a/b` of integers becomes a
//! fraction.

/// Whether both answers are the same string after normalisation. An answer that cannot be normalised is compared as it
/// is.
#[must_use]
pub fn is_equiv(gold: &str, pred: &str) -> bool {
    match (normalized(gold), normalized(pred)) {
        (Some(gold), Some(pred)) => gold == pred,
        _ => gold == pred,
    }
}

/// The last `\boxed{…}` or `\fbox{…}` of a completion, without the command: what the reference compares.
#[must_use]
pub fn last_boxed(completion: &str) -> Option<&str> {
    let boxed = completion.rfind("\\boxed");
    let start = boxed.or_else(|| completion.rfind("\\fbox"))?;
    // `\boxed 5$`.
    if boxed.is_some() && completion[start..].starts_with("\\boxed ") {
        let rest = &completion[start + "\\boxed ".len()..];
        return Some(rest.split('$').next().unwrap_or(rest));
    }
    let open = start + completion[start..].find('{')?;
    let mut depth = 0usize;
    for (i, byte) in completion.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(&completion[open + 1..i]);
                }
            }
            _ => {}
        }
    }
    None
}

/// The normal string of an answer; `None` where its units cannot be told from the answer.
#[must_use]
pub fn normalized(answer: &str) -> Option<String> {
    let mut text = answer.replace('\n', "").replace("\\!", "").replace("\\\\", "\\");
    for (from, to) in [
        ("tfrac", "frac"),
        ("dfrac", "frac"),
        ("\\left", ""),
        ("\\right", ""),
        ("^{\\circ}", ""),
        ("^\\circ", ""),
        ("\\$", ""),
    ] {
        text = text.replace(from, to);
    }
    text = without_units(text)?;
    text = text.replace("\\%", "").replace('%', "");
    // Decimals without a whole part.
    text = text.replace(" .", " 0.").replace("{.", "{0.");
    if text.is_empty() {
        return Some(text);
    }
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    // "k = 5": a short name says nothing.
    if let Some((name, value)) = text.split_once('=')
        && !value.contains('=')
        && name.chars().count() <= 2
    {
        text = value.to_owned();
    }
    text = braced_roots(&text);
    text = text.replace(' ', "");
    text = braced_fractions(&text);
    if text == "0.5" {
        text = "\\frac{1}{2}".to_owned();
    }
    Some(slashed_fraction(&text).unwrap_or(text))
}

/// Units stand behind `\text{ `, at most once.
fn without_units(text: String) -> Option<String> {
    let mut parts = text.split("\\text{ ");
    let first = parts.next()?.to_owned();
    match (parts.next(), parts.next()) {
        (None, _) => Some(text),
        (Some(_), None) => Some(first),
        (Some(_), Some(_)) => None,
    }
}

/// `\sqrt3` as `\sqrt{3}`.
fn braced_roots(text: &str) -> String {
    let mut pieces = text.split("\\sqrt");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let mut chars = piece.chars();
        out.push_str("\\sqrt");
        match chars.next() {
            Some('{') | None => out.push_str(piece),
            Some(first) => {
                out.push('{');
                out.push(first);
                out.push('}');
                out.push_str(chars.as_str());
            }
        }
    }
    out
}

/// `\frac12` as `\frac{1}{2}`, `\frac1{72}` as `\frac{1}{72}`. A fraction that stops early leaves all as it was.
fn braced_fractions(text: &str) -> String {
    let mut pieces = text.split("\\frac");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str("\\frac");
        if piece.starts_with('{') {
            out.push_str(piece);
            continue;
        }
        let mut chars = piece.chars();
        let (Some(numerator), Some(next)) = (chars.next(), chars.next()) else { return text.to_owned() };
        let rest = chars.as_str();
        out.push('{');
        out.push(numerator);
        out.push('}');
        if next == '{' {
            out.push('{');
        } else {
            out.push('{');
            out.push(next);
            out.push('}');
        }
        out.push_str(rest);
    }
    out
}

/// `3/4` as `\frac{3}{4}`, for whole numbers written without separators.
fn slashed_fraction(text: &str) -> Option<String> {
    let (a, b) = text.split_once('/')?;
    let plain = |part: &str| {
        let digits = part.strip_prefix('-').unwrap_or(part);
        let canonical = digits == "0" || !digits.starts_with('0');
        !digits.is_empty() && canonical && part != "-0" && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    (plain(a) && plain(b)).then(|| format!("\\frac{{{a}}}{{{b}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_normal_string_makes_equal() {
        for (gold, pred) in [
            ("\\frac{1}{2}", "\\tfrac12"),
            ("\\frac{1}{2}", "0.5"),
            ("\\frac{1}{2}", "1/2"),
            ("\\sqrt{3}", "\\sqrt3"),
            ("90^\\circ", "90"),
            ("5", "x=5"),
            ("5\\text{ cm}", "5"),
            ("50\\%", "50"),
            ("(1,2)", "\\left( 1, 2 \\right)"),
            ("10000", "10\\!000"),
            ("0.75", ".75"),
            ("\\frac{1}{72}", "\\frac1{72}"),
        ] {
            assert!(is_equiv(gold, pred), "{gold} and {pred}: {:?} {:?}", normalized(gold), normalized(pred));
        }
    }

    #[test]
    fn what_it_does_not_see() {
        for (gold, pred) in [("1,2", "2,1"), ("0.25", "1/4"), ("1,000", "1000"), ("abc=5", "5"), ("2^3", "8")]
        {
            assert!(!is_equiv(gold, pred), "{gold} and {pred}");
        }
    }

    #[test]
    fn the_last_box_is_found() {
        assert_eq!(last_boxed("\\boxed{1} \\boxed{\\frac{1}{2}}"), Some("\\frac{1}{2}"));
        assert_eq!(last_boxed("$\\boxed 5$"), Some("5"));
        assert_eq!(last_boxed("\\fbox{7}"), Some("7"));
        assert_eq!(last_boxed("\\boxed{1"), None);
        assert_eq!(last_boxed("none \\boxed"), None);
    }

    #[test]
    fn normalising_never_panics_at_odd_places() {
        for text in
            ["", "\\frac", "\\frac1", "\\sqrt", "\\text{ a}\\text{ b}", "/", "-/1", "=", "é/½", "\\fracé½"]
        {
            let _ = normalized(text);
        }
    }
}
