//! Two plain numbers, without reading them as anything else.

/// A plain numeral: its digits as an integer and how many of them stand behind the point.
struct Plain {
    digits: i64,
    decimals: u32,
}

fn plain(text: &str) -> Option<Plain> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    let mut digits: i64 = 0;
    let mut decimals = None;
    let mut any = false;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + i64::from(byte - b'0');
                any = true;
                decimals = decimals.map(|n: u32| n + 1);
            }
            b'.' if decimals.is_none() && any => decimals = Some(0),
            _ => return None,
        }
    }
    // "5." is left to the reader of sentences.
    if !any || decimals == Some(0) {
        return None;
    }
    Some(Plain { digits: if negative { -digits } else { digits }, decimals: decimals.unwrap_or(0) })
}

/// Whether two plain numerals are the same number; `None` where one is not plain, or where rounding could matter.
pub(crate) fn numbers(gold: &str, pred: &str, precision: u32) -> Option<bool> {
    let (a, b) = (plain(gold)?, plain(pred)?);
    let decimals = a.decimals.max(b.decimals);
    let scaled = |n: &Plain| i128::from(n.digits) * 10i128.pow(decimals - n.decimals);
    let (x, y) = (scaled(&a), scaled(&b));
    if x == y {
        return Some(true);
    }
    // Within the precision, different numerals are never a rounding of each other.
    (decimals <= precision).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_numbers() {
        assert_eq!(numbers("12", " 12 ", 6), Some(true));
        assert_eq!(numbers("12", "12.0", 6), Some(true));
        assert_eq!(numbers("-12", "12", 6), Some(false));
        assert_eq!(numbers("0.5", "0.50", 6), Some(true));
        assert_eq!(numbers("1/2", "0.5", 6), None);
        assert_eq!(numbers("0.3333333", "0.3333334", 6), None);
        assert_eq!(numbers("1,000", "1000", 6), None);
        assert_eq!(numbers("0.333", "0.33", 2), None);
    }
}
