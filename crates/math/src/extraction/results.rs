//! What comes out of a computation that Chinese, Japanese or Korean words state, and nothing else: "146的一半是73".

use super::atoms::is_unspaced;
use super::vocabulary::{Role, role};

/// What introduces the result.
const COPULAS: &[&str] = &[
    "等于",
    "等於",
    "得到",
    "得出",
    "得",
    "是",
    "为",
    "為",
    "就是",
    "结果是",
    "は",
    "が",
    "と",
    "すると",
    "なら",
    "ば",
    "은",
    "는",
    "이",
    "가",
    "면",
    "니",
];

/// How the statement may end behind its number, other than with its unit.
const ENDINGS: &[&str] = &[
    "です",
    "だ",
    "である",
    "になる",
    "になります",
    "となる",
    "となります",
    "입니다",
    "이다",
    "다",
    "이에요",
    "예요",
    "이 됩니다",
    "가 됩니다",
    "이 된다",
    "가 된다",
    "이 나옵니다",
    "가 나옵니다",
    "이 나온다",
    "가 나온다",
    "。",
    ".",
    "",
];

/// The number at the end of a text that computes it: there are numbers and words before it, and what introduces it.
pub(super) fn result(text: &str) -> Option<&str> {
    let text = text.trim();
    if text.is_ascii() || text.len() > 200 {
        return None;
    }
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    if !ENDINGS.contains(&text[end..].trim_end_matches(['.', '。', ' '])) {
        return None;
    }
    let start = text[..end].rfind(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '/')));
    let start = start.map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    let minus = ["-", "−", "负", "負", "マイナス"].iter().find(|minus| text[..start].ends_with(**minus));
    let head = &text[..start];
    let before = minus.map_or(head, |minus| &head[..head.len() - minus.len()]).trim_end();
    let number = text[start..end].trim_start_matches(['.', ',']);
    let computes = before.contains(|c: char| c.is_ascii_digit())
        && before.contains(is_unspaced)
        && COPULAS.iter().any(|copula| before.ends_with(copula));
    // What denies, doubts or compares states nothing; nor does what puts a case.
    let stated = before.split(|c: char| !is_unspaced(c)).filter(|word| !word.is_empty()).all(|word| {
        !matches!(
            role(word),
            Role::Negation | Role::Hedge | Role::Wrong | Role::Contrast | Role::Or | Role::Case | Role::But
        ) && ![
            "大于", "小于", "大於", "小於", "超过", "不到", "至少", "最多", "至多", "约", "より", "보다",
            "ない", "上界", "下界", "说", "說",
        ]
        .iter()
        .any(|word_part| word.contains(word_part))
    });
    // A sentence of its own.
    let single = !before.contains(['。', '!', '?', '\n', ';']);
    if !computes || !stated || !single || number.is_empty() {
        return None;
    }
    match minus {
        Some(minus) => (*minus == "-").then(|| &text[start - 1..end]),
        None => Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::result;

    #[test]
    fn what_comes_out_is_the_last_number() {
        for (text, value) in [
            ("146的一半是73", "73"),
            ("7的平方是49", "49"),
            ("100减27等于73", "73"),
            ("146の半分は73です", "73"),
            ("100から27を引くと73になります", "73"),
            ("146의 절반은 73입니다", "73"),
            ("100에서 27을 빼면 73이 됩니다", "73"),
            ("3减5是-2", "-2"),
        ] {
            assert_eq!(result(text), Some(value), "{text}");
        }
        for text in [
            "146的一半",
            "73比72大",
            "146的一半不是73",
            "146的一半可能是73",
            "如果146的一半是73",
            "12个",
            "73大于72",
            "73",
        ] {
            assert_eq!(result(text), None, "{text}");
        }
    }
}
