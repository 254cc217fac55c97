//! Emphasis, headings, quotes and code marks of Markdown.

use crate::scan::{blocks_with, next_like};

/// What a mark may begin with, or ends the marks before it.
fn may_mark(byte: u8) -> bool {
    let signs = (byte == b'#') | (byte == b'`') | (byte == b'>') | (byte == b'*') | (byte == b'_');
    signs | (byte == b'~') | (byte == b'\n') | (byte == b'\\')
}

/// Emphasis, headings and code marks of Markdown taken away, and what is struck out with them. Only marks that stand
/// at the edge of words count, so that `3*4*5` and `x_1 + x_2` stay.
pub(super) fn without_emphasis(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !may_begin(bytes) {
        return None;
    }
    // Where a mark is open: its sign, its length, where it stands in the output.
    let mut open: Vec<(u8, usize, usize)> = Vec::new();
    let mut drop: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' if bytes.get(at + 1) == Some(&b'\n') => {
                open.clear();
                at += 1;
            }
            b'\\' => at += 2,
            b'#' if at == 0 || bytes[at - 1] == b'\n' => {
                let length = bytes[at..].iter().take_while(|b| **b == b'#').count();
                // "#### 5" is an answer; "### Final Answer" is a heading.
                let rest = &text[at + length..];
                let line = rest.split('\n').next().unwrap_or(rest);
                if length != 4 && rest.starts_with(' ') && line.contains(|c: char| c.is_alphabetic()) {
                    drop.push((at, at + length));
                }
                at += length;
            }
            b'`' => {
                let length = bytes[at..].iter().take_while(|b| **b == b'`').count();
                drop.push((at, at + length));
                at += length;
                if length == 3 {
                    let name = bytes[at..].iter().take_while(|b| b.is_ascii_lowercase()).count();
                    if bytes.get(at + name) == Some(&b'\n') {
                        drop.push((at, at + name));
                        at += name;
                    }
                }
            }
            // A quoted line.
            b'>' if (at == 0 || bytes[at - 1] == b'\n') && bytes.get(at + 1) == Some(&b' ') => {
                drop.push((at, at + 2));
                at += 2;
            }
            mark @ (b'*' | b'_' | b'~') => {
                let length = bytes[at..].iter().take_while(|b| **b == mark).count();
                let before = text[..at].chars().next_back();
                let after = text[at + length..].chars().next();
                let bullet = length == 1
                    && mark == b'*'
                    && before.is_none_or(|c| c == '\n')
                    && after.is_some_and(|c| c == ' ' || c == '\t');
                if bullet {
                    drop.push((at, at + 1));
                } else if length <= 3 && (mark != b'~' || length == 2) {
                    let opens = after.is_some_and(|c| !c.is_whitespace()) && may_precede(before, mark);
                    let closes = before.is_some_and(|c| !c.is_whitespace()) && may_follow(after, mark);
                    let matching = open.iter().rposition(|(sign, size, _)| *sign == mark && *size == length);
                    if let Some(index) = matching.filter(|_| closes) {
                        let (_, _, from) = open[index];
                        open.truncate(index);
                        if mark == b'~' {
                            drop.push((from, at + length));
                        } else {
                            // "- **73**" is an item of a list, not a negative number.
                            if text[..from].ends_with("- ")
                                && matches!(bytes.get(from.wrapping_sub(3)), None | Some(b'\n'))
                            {
                                drop.push((from - 2, from));
                            }
                            drop.push((from, from + length));
                            drop.push((at, at + length));
                        }
                    } else if opens && open.len() < 32 {
                        open.push((mark, length, at));
                    }
                }
                at += length;
            }
            _ => at = next_like(bytes, at + 1, may_mark),
        }
    }
    if drop.is_empty() {
        return None;
    }
    drop.sort_unstable();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (start, end) in drop {
        if start >= from {
            out.push_str(&text[from..start]);
        }
        from = from.max(end);
    }
    out.push_str(&text[from..]);
    Some(out)
}

/// Whether a mark may stand before something that it marks: those of formulas, as in `x_1` and `3*4`, stand behind
/// something.
fn may_begin(bytes: &[u8]) -> bool {
    let marks = |byte: Option<&u8>| byte.is_some_and(|byte| b"#`>*_~".contains(byte));
    let begins = |a: u8, b: u8, c: u8| {
        let mark = (b == b'*') | (b == b'_') | (b == b'~');
        let letter = ((a | 0x20) >= b'a') & ((a | 0x20) <= b'z');
        let digit = a.is_ascii_digit();
        let close = (a == b')') | (a == b'}') | (a == b']') | (a == b'\\');
        let space = (c == b' ') | (c == b'\n');
        (b == b'#')
            | (b == b'`')
            | ((a == b'\n') & ((b == b'>') | (b == b'*')))
            | (mark & !letter & !digit & !close & !space)
    };
    marks(bytes.first()) || marks(bytes.last()) || blocks_with(bytes, begins).next().is_some()
}

fn may_precede(c: Option<char>, mark: u8) -> bool {
    match c {
        None => true,
        Some(c) if c.is_whitespace() => true,
        Some('(' | '[' | '"' | '\'' | '“' | '‘' | ':' | '*' | '_' | '~' | '—' | '–' | '>' | '|') => {
            true
        }
        Some('{' | '-' | '$' | '/' | ',' | ';') => mark == b'*',
        Some(c) => !c.is_ascii() && mark == b'*',
    }
}

fn may_follow(c: Option<char>, mark: u8) -> bool {
    match c {
        None => true,
        Some(c) if c.is_whitespace() => true,
        Some(
            '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '"' | '\'' | '”' | '’' | '*' | '_' | '~' | '—'
            | '–' | '<' | '|',
        ) => true,
        Some('}' | '-' | '%' | '$' | '/') => mark == b'*',
        Some(c) => !c.is_ascii() && mark == b'*',
    }
}
