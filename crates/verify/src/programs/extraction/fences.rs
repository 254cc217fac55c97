//! Fenced blocks, as models write them.
//!
//! A fence opens on a line of its own, or behind words where it says that Python follows. It is closed by the next line
//! that starts or ends with as many marks, except within a string of the program, or at the end of a comment: programs carry
//! fences in their docstrings. A block of Markdown and a quotation (lines behind `>`) are looked into.

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// What its first line says that it is in.
    pub language: Language,
    /// Whether it has an end.
    pub closed: bool,
    /// What is in it.
    pub source: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    Other,
    Markdown,
    /// Of which nothing is said but that it is text.
    Text,
    Unnamed,
    Python,
}

impl Language {
    fn named(label: &str) -> Language {
        let name =
            label.split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | ':')).next().unwrap_or("");
        // `python3.11`, `python-exec`.
        let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '_');
        match name.to_ascii_lowercase().as_str() {
            "" => Language::Unnamed,
            "md" | "markdown" => Language::Markdown,
            "text" | "txt" | "plain" | "plaintext" | "code" | "program" => Language::Text,
            "python" | "py" | "py2" | "py3" | "ipython" | "ipython3" | "cpython" | "pypy" | "pypy3"
            | "sage" => Language::Python,
            name if name.strip_prefix("python").is_some_and(numbered) => Language::Python,
            _ => Language::Other,
        }
    }
}

/// All fenced blocks.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    in_lines(&text.lines().collect::<Vec<_>>())
}

fn in_lines(lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(&line) = lines.get(at) {
        let quoted = lines[at..].iter().take_while(|line| line.starts_with('>')).count();
        if quoted > 0 {
            // Of all its levels at once: what is left quotes nothing.
            let said: Vec<&str> = lines[at..at + quoted].iter().map(|line| without_quotation(line)).collect();
            blocks.extend(in_lines(&said));
            at += quoted;
            continue;
        }
        at += 1;
        let Some(fence) = Fence::opening(line) else { continue };
        // "```print(1)```" on one line is a block as well.
        if let Some(inline) = fence.label.strip_suffix(fence.mark) {
            let inline = inline.trim_end_matches(['`', '~']);
            let (language, source) = match inline.split_once(char::is_whitespace) {
                Some((label, rest)) if Language::named(label) == Language::Python => (Language::Python, rest),
                _ => (Language::Unnamed, inline),
            };
            blocks.push(Block { language, closed: true, source: source.trim().to_owned() });
            continue;
        }
        let language = Language::named(fence.label.trim());
        let end = fence.end(&lines[at..], language);
        let body = &lines[at..at + end.lines];
        let source = fence.source(body, end.last);
        at += end.lines + usize::from(end.closed && !end.last);
        if language == Language::Markdown {
            blocks.extend(self::blocks(&source));
        } else {
            // A session with an interpreter is no program.
            let session = source
                .trim_start()
                .strip_prefix(">>>")
                .is_some_and(|typed| typed.is_empty() || typed.starts_with(char::is_whitespace));
            let language = if session { Language::Other } else { language };
            blocks.push(Block { language, closed: end.closed, source });
        }
    }
    blocks
}

/// A line of a quotation without its marks.
fn without_quotation(mut line: &str) -> &str {
    while let Some(rest) = line.strip_prefix('>') {
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    line
}

/// Whether a text ends outside of all fenced blocks.
pub(super) fn outside_fences(text: &str) -> bool {
    blocks(text).last().is_none_or(|block| block.closed)
}

/// The line that opens a block.
struct Fence<'a> {
    /// Three marks of its kind.
    mark: &'static str,
    /// How many marks it has.
    length: usize,
    /// How far it is indented.
    indent: usize,
    /// What follows the marks.
    label: &'a str,
}

/// Where a block ends.
struct End {
    /// Lines of the block, without one that only closes it.
    lines: usize,
    /// Whether it is closed.
    closed: bool,
    /// Whether the last of the lines ends with the fence.
    last: bool,
}

impl<'a> Fence<'a> {
    fn opening(line: &'a str) -> Option<Fence<'a>> {
        let indent = line.len() - line.trim_start().len();
        let trimmed = line.trim();
        for mark in ["```", "~~~"] {
            let character = mark.chars().next();
            if trimmed.starts_with(mark) {
                let label = trimmed.trim_start_matches(|c| Some(c) == character);
                return Some(Fence { mark, length: trimmed.len() - label.len(), indent, label });
            }
        }
        // Behind words, or a tag, only where it says what it is.
        let (before, label) = trimmed.rsplit_once("```")?;
        let behind_words =
            !before.contains(['`', '\'', '"', '#']) && Language::named(label) == Language::Python;
        (behind_words && label.trim().len() < 12).then_some(Fence {
            mark: "```",
            length: 3,
            indent: 0,
            label,
        })
    }

    /// Looks for the end: with as many marks as the fence has and outside of the program's strings; where there is none
    /// so, with three marks; where there is none so either and a string stays open to the end, which is then no string,
    /// the next line that looks like one.
    fn end(&self, lines: &[&str], language: Language) -> End {
        let python = matches!(language, Language::Python | Language::Unnamed);
        let careful = || self.closing(lines, self.length, python);
        let short = || self.closing(lines, 3, python);
        let unbalanced =
            || matches!(lines.iter().fold(Tail::Code, |tail, line| tail.after(line)), Tail::String(_));
        let next = || if python && !unbalanced() { None } else { self.closing(lines, 3, false) };
        let unclosed = End { lines: lines.len(), closed: false, last: false };
        careful().or_else(short).or_else(next).unwrap_or(unclosed)
    }

    fn closing(&self, lines: &[&str], length: usize, python: bool) -> Option<End> {
        let marks = self.mark[..1].repeat(length);
        let mut tail = Tail::Code;
        for (place, line) in lines.iter().enumerate() {
            let trimmed = line.trim();
            if !matches!(tail, Tail::String(_)) && trimmed.starts_with(&marks) {
                return Some(End { lines: place, closed: true, last: false });
            }
            if python {
                tail = tail.after(line);
            }
            if tail == Tail::Code && trimmed.ends_with(&marks) {
                return Some(End { lines: place + 1, closed: true, last: true });
            }
        }
        None
    }

    /// The lines without the indentation of the opening fence, and without a fence at their end.
    fn source(&self, lines: &[&str], fence_at_end: bool) -> String {
        let mut source = String::new();
        for (place, line) in lines.iter().enumerate() {
            let spaces = line.len() - line.trim_start_matches([' ', '\t']).len();
            let line = line.get(spaces.min(self.indent)..).unwrap_or(line);
            let last = fence_at_end && place + 1 == lines.len();
            source.push_str(if last { line.trim_end().trim_end_matches(['`', '~']) } else { line });
            source.push('\n');
        }
        source
    }
}

/// In what a line of Python ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    Code,
    Comment,
    /// A long string, with these quotes.
    String(&'static str),
}

impl Tail {
    /// In what a line ends, given in what the one before it did.
    pub(super) fn after(self, line: &str) -> Tail {
        let mut open = match self {
            Tail::String(quotes) => Some(quotes),
            Tail::Code | Tail::Comment => None,
        };
        let mut rest = line;
        while !rest.is_empty() {
            if let Some(quotes) = open {
                let Some(end) = unescaped(rest, quotes) else { return Tail::String(quotes) };
                rest = &rest[end + quotes.len()..];
                open = None;
                continue;
            }
            let Some(start) = rest.find(['"', '\'', '#']) else { return Tail::Code };
            rest = &rest[start..];
            if rest.starts_with('#') {
                return Tail::Comment;
            }
            if let Some(quotes) = ["\"\"\"", "'''"].into_iter().find(|quotes| rest.starts_with(quotes)) {
                rest = &rest[3..];
                open = Some(quotes);
                continue;
            }
            let quote = if rest.starts_with('"') { "\"" } else { "'" };
            // A short string that is not closed on its line is no string of Python's: the line says nothing.
            rest = &rest[1..];
            let Some(end) = unescaped(rest, quote) else { return Tail::Code };
            rest = &rest[end + 1..];
        }
        open.map_or(Tail::Code, Tail::String)
    }
}

/// Where these quotes stand, not behind a backslash.
fn unescaped(text: &str, quotes: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(quotes)?;
        let slashes = text[..at].bytes().rev().take_while(|&byte| byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
}
