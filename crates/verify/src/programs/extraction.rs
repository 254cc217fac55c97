//! Finding the program in what a model wrote.
//!
//! Models wrap programs in fences, in tags, in prose and in the control tokens of their chat templates. The rules below
//! are tried in order; each only ever cuts text away, so that what runs is what the model wrote.
//!
//! 1. Reasoning that is marked as such (`<think>…</think>`) and control tokens (`<|im_end|>`, …) are not program text. Where
//!    a completion begins with it and never closes it, nothing was said, whatever stands there.
//! 2. Of a text with an `<answer>` outside of fences, the last of them is the text.
//! 3. Fenced blocks ([`fences`]): the last complete one that says it is Python, or else the last complete one that says
//!    nothing, or else one that is called text, or else an unfinished one at the end: generation often stops *at* the closing
//!    fence. Blocks of nothing but asserts come after all others. Where the name of a function is known, blocks that define it
//!    come before those that do not, and blocks of nothing but definitions that it asks for go with it.
//! 4. A block between `[PYTHON]` and `[/PYTHON]`, `<code>` and `</code>`, and the like.
//! 5. No marks at all: the text, without prose before its first and after its last line of code; or, below prose, a block that
//!    is indented.

mod fences;

use tracelift_domain::completion::is_thinking_only;

use fences::{Block, Language, Tail, blocks, outside_fences};

/// What the completion is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// A whole program.
    Program,
    /// A program that defines this function or class.
    Definition(&'a str),
}

/// The source of the program, or `None` if there is no text at all.
#[must_use]
pub fn program(completion: &str, wanted: Wanted<'_>) -> Option<String> {
    if is_thinking_only(completion) {
        return None;
    }
    let text = answer(without_control_tokens(after_reasoning(completion)));
    let blocks = blocks(text);
    let source = match best(&blocks, wanted) {
        Some(block) => with_helpers(block, &blocks, wanted),
        None if blocks.is_empty() => match tagged(text) {
            Some(source) => source.to_owned(),
            None => without_prose(text),
        },
        // Only blocks in other languages: nothing here is a program, and the interpreter will say so.
        None => text.to_owned(),
    };
    (!source.trim().is_empty()).then(|| indented_by_spaces(source))
}

/// Whether a source defines a name at its top level.
#[must_use]
pub fn defines(source: &str, name: &str) -> bool {
    source.lines().any(|line| {
        let rest = ["def ", "class ", "async def "].iter().find_map(|keyword| line.strip_prefix(keyword));
        let (head, follows): (&str, &[char]) = match rest {
            Some(rest) => (rest, &['(', ':', ' ', '[']),
            None => (line, &['=', ':', ' ']),
        };
        let after = head.trim_start().strip_prefix(name);
        match (after, rest) {
            (Some(after), Some(_)) => after.starts_with(follows),
            (Some(after), None) => {
                let after = after.trim_start();
                (after.starts_with('=') && !after.starts_with("=="))
                    || (after.starts_with(':') && after.contains('='))
            }
            (None, _) => false,
        }
    })
}

/// What follows the last marked reasoning; all of the text where there is none.
fn after_reasoning(text: &str) -> &str {
    const ENDS: [&str; 8] = [
        "</think>",
        "</thinking>",
        "</reasoning>",
        "</thought>",
        "[/THINK]",
        "\u{25c1}/think\u{25b7}",
        "<|end_of_thought|>",
        "<|channel|>final<|message|>",
    ];
    ENDS.iter()
        .filter_map(|end| text.rfind(end).map(|at| at + end.len()))
        .max()
        .map_or(text, |at| &text[at..])
}

/// Control tokens end a turn: whatever follows the first of them is not the program.
fn without_control_tokens(text: &str) -> &str {
    const TOKENS: [&str; 10] = [
        "<|im_end|>",
        "<|endoftext|>",
        "<|eot_id|>",
        "<|end_of_text|>",
        "<|eom_id|>",
        "<|end|>",
        "<|return|>",
        "<end_of_turn>",
        "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
        "</s>",
    ];
    const BEGINNINGS: [&str; 5] = [
        "\u{feff}",
        "<s>",
        "<bos>",
        "<|begin_of_text|>",
        "<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}>",
    ];
    let mut text = text;
    while let Some(rest) = BEGINNINGS.iter().find_map(|token| text.trim_start().strip_prefix(token)) {
        text = rest;
    }
    let end = TOKENS
        .iter()
        // `</s>` may be part of a string; as a control token it stands at the very end.
        .filter_map(|token| match *token {
            "</s>" => text.trim_end().strip_suffix("</s>").map(str::len),
            token => text.find(token),
        })
        .min();
    end.map_or(text, |end| &text[..end])
}

/// What is inside of the last answer tag that is no part of a program; all of the text where there is none.
fn answer(text: &str) -> &str {
    const OPEN: &str = "<answer>";
    let Some(at) = text.rmatch_indices(OPEN).map(|(at, _)| at).find(|&at| outside_fences(&text[..at])) else {
        return text;
    };
    let inside = &text[at + OPEN.len()..];
    let inside = inside.find("</answer>").map_or(inside, |end| &inside[..end]);
    // `<answer>42</answer>` below a program is what the program prints.
    let beside_program = !blocks(text).is_empty() && blocks(inside).is_empty();
    let holds_program = !beside_program || inside.lines().any(starts_code);
    if !inside.trim().is_empty() && holds_program { inside } else { text }
}

fn best<'b>(blocks: &'b [Block], wanted: Wanted<'_>) -> Option<&'b Block> {
    blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.language != Language::Other && !block.source.trim().is_empty())
        .max_by_key(|(place, block)| {
            let defined = match wanted {
                Wanted::Program => false,
                Wanted::Definition(name) => defines(&block.source, name),
            };
            (defined, !only_tests(&block.source), block.closed, block.language, *place)
        })
        .map(|(_, block)| block)
        .or_else(|| blocks.iter().rev().find(|block| block.language != Language::Other))
}

/// Whether a block asks for nothing but whether what another block defines is right.
fn only_tests(source: &str) -> bool {
    let mut lines = top_level(source).filter(|line| !line.starts_with('#')).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("assert ") || line.starts_with("assert("))
}

/// The lines at the left margin that begin a statement: not within a long string, and not the end of brackets.
fn top_level(source: &str) -> impl Iterator<Item = &str> {
    let mut tail = Tail::Code;
    source.lines().filter(move |line| {
        let inside = matches!(tail, Tail::String(_));
        tail = tail.after(line);
        !inside && !line.trim().is_empty() && !line.starts_with([' ', '\t', ')', ']', '}'])
    })
}

/// A block with those beside it that hold what it asks for by name, and nothing but definitions: models tell a function in
/// parts.
fn with_helpers(block: &Block, blocks: &[Block], wanted: Wanted<'_>) -> String {
    let mut source = block.source.clone();
    let Wanted::Definition(name) = wanted else { return source };
    let mut known: Vec<String> = defined_in(&source).unwrap_or_default();
    let mut waiting: Vec<(&Block, Vec<String>)> = blocks
        .iter()
        .filter(|other| !std::ptr::eq(*other, block) && other.closed && other.language == block.language)
        .filter_map(|other| Some((other, defined_in(&other.source)?)))
        .filter(|(_, names)| !names.iter().any(|defined| defined == name))
        .collect();
    loop {
        let asked =
            |names: &[String]| names.iter().any(|name| !known.contains(name) && mentions(&source, name));
        // The last that defines a name is the one that is meant.
        let Some(at) = waiting.iter().rposition(|(_, names)| asked(names)) else { return source };
        let (helper, names) = waiting.remove(at);
        source = format!("{}\n{source}", helper.source.trim_end());
        known.extend(names);
    }
}

/// The names that a source of nothing but imports, definitions and constants gives a meaning; `None` where it does more.
fn defined_in(source: &str) -> Option<Vec<String>> {
    let imported = |list: &str| -> Vec<String> {
        let names = list.split(',').filter_map(|part| part.split_whitespace().last());
        let first = |name: &str| name.split('.').next().unwrap_or(name).trim_matches(['(', ')']).to_owned();
        names.map(first).collect()
    };
    let mut names = Vec::new();
    for line in top_level(source).filter(|line| !line.starts_with(['#', '@', '"', '\''])) {
        let keyword = ["def ", "class ", "async def "].iter().find_map(|keyword| line.strip_prefix(keyword));
        if let Some(list) = line.strip_prefix("import ") {
            names.extend(imported(list));
        } else if let Some((_, list)) =
            line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
        {
            names.extend(imported(list));
        } else if let Some(rest) = keyword {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        } else {
            let (left, right) = line.split_once('=').filter(|(_, right)| !right.starts_with('='))?;
            let left = left.split(':').next().unwrap_or(left).trim();
            if !is_name(left) || left.contains('.') || right.contains("input(") {
                return None;
            }
            names.push(left.to_owned());
        }
    }
    Some(names)
}

/// Whether a name stands in a source as a word.
fn mentions(source: &str, name: &str) -> bool {
    source.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name)
}

/// Lines that are indented by spaces that do not break, as pages show programs, by ordinary ones: Python takes no others.
fn indented_by_spaces(source: String) -> String {
    const HARD: char = '\u{a0}';
    if !source.contains(HARD) {
        return source;
    }
    let mut tail = Tail::Code;
    let lines = source.split_inclusive('\n').map(|line| {
        let inside = matches!(tail, Tail::String(_));
        tail = tail.after(line);
        let indent = line.len() - line.trim_start_matches([' ', '\t', HARD]).len();
        match inside {
            true => line.to_owned(),
            false => line[..indent].replace(HARD, " ") + &line[indent..],
        }
    });
    lines.collect()
}

fn tagged(text: &str) -> Option<&str> {
    const TAGS: [(&str, &str); 6] = [
        ("[PYTHON]", "[/PYTHON]"),
        ("<code>", "</code>"),
        ("<python>", "</python>"),
        ("<solution>", "</solution>"),
        ("<program>", "</program>"),
        ("[BEGIN]", "[DONE]"),
    ];
    let within = TAGS.into_iter().find_map(|(open, close)| {
        let start = text.rfind(open)? + open.len();
        let inside = &text[start..];
        let inside = inside.find(close).map_or(inside, |end| &inside[..end]);
        (!inside.trim().is_empty()).then(|| inside.trim_matches(['\n', '\r']))
    });
    // A program of one line between single marks.
    let marked = || {
        let inside = text.trim().strip_prefix('`')?.strip_suffix('`')?;
        (!inside.is_empty() && !inside.contains(['`', '\n'])).then_some(inside)
    };
    within.or_else(marked)
}

/// The text without sentences before the first and after the last line of code.
///
/// Nothing is cut unless the first line that is not blank reads like a sentence (a program never starts with one), and
/// then only lines at the left margin, which cannot be inside a block of code.
fn without_prose(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| !line.trim().is_empty());
    let starts_with_prose = first.is_some_and(|at| is_prose(lines[at]));
    let start = if starts_with_prose { lines.iter().position(|line| starts_code(line)) } else { Some(0) };
    let Some(start) = start else { return indented(&lines).unwrap_or_else(|| text.to_owned()) };
    if let Some(whole) = first.and_then(|at| without_margin(&lines[at..])) {
        return whole;
    }
    let end = lines
        .iter()
        .rposition(|line| !line.trim().is_empty() && !is_prose(line))
        .map_or(lines.len(), |at| at + 1);
    if start == 0 && end == lines.len() {
        return text.to_owned();
    }
    lines[start..end.max(start)].join("\n") + "\n"
}

/// The last block below prose that is indented, behind a blank line, as Markdown marks code without fences.
fn indented(lines: &[&str]) -> Option<String> {
    let is_code = |line: &str| line.starts_with("    ") || line.starts_with('\t');
    let mut last = None;
    let mut at = 1;
    while at < lines.len() {
        if !is_code(lines[at]) || !lines[at - 1].trim().is_empty() {
            at += 1;
            continue;
        }
        let length = lines[at..].iter().take_while(|line| is_code(line) || line.trim().is_empty()).count();
        last = Some(&lines[at..at + length]);
        at += length;
    }
    last.map(|block| dedented(block, margin(block)))
}

/// A program all of which is indented, without that: it begins with what begins programs, and not with what goes on from a
/// prompt.
fn without_margin(lines: &[&str]) -> Option<String> {
    let margin = margin(lines);
    let first = lines.first()?.trim_start();
    let begins =
        ["def ", "class ", "import ", "from ", "async def ", "@"].iter().any(|word| first.starts_with(word));
    (margin > 0 && begins).then(|| dedented(lines, margin))
}

/// How far all lines are indented.
fn margin(lines: &[&str]) -> usize {
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0)
}

fn dedented(lines: &[&str], margin: usize) -> String {
    lines.iter().map(|line| line.get(margin..).unwrap_or("").to_owned() + "\n").collect()
}

/// Lines with which a program starts, or goes on after its definitions.
fn starts_code(line: &str) -> bool {
    const STARTS: [&str; 14] = [
        "import ",
        "from ",
        "def ",
        "class ",
        "async def ",
        "@",
        "#",
        "if ",
        "for ",
        "while ",
        "try:",
        "with ",
        "print(",
        "\"\"\"",
    ];
    let assignment = || {
        line.split_once('=').is_some_and(|(left, right)| {
            let left = left.trim_end_matches(['+', '-', '*', '/', '%', '|', '&', '^', ' ']);
            !right.starts_with('=')
                && !left.is_empty()
                && left.chars().all(|c| c.is_alphanumeric() || "_,.[]()* :'\"".contains(c))
                && !left.split(',').any(|name| name.trim().contains(' '))
        })
    };
    let call = || line.split_once('(').is_some_and(|(name, _)| is_name(name));
    !is_prose(line) && (STARTS.iter().any(|start| line.starts_with(start)) || assignment() || call())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

/// A line at the left margin that reads like a sentence and not like Python.
fn is_prose(line: &str) -> bool {
    if line.starts_with([' ', '\t', '#', '@', '"', '\'', ')', ']', '}']) || line.trim().is_empty() {
        return false;
    }
    let trimmed = line.trim();
    if trimmed.starts_with("**") || trimmed.starts_with("- ") || trimmed.starts_with("* ") {
        return true;
    }
    let words: Vec<&str> = trimmed.split_whitespace().collect();
    let first = words.first().copied().unwrap_or("");
    let capital = first.starts_with(|c: char| c.is_uppercase()) && !first.contains(['(', '=', '.', '_', '[']);
    // "For each …", "If the …": Python's keywords are lower-case.
    let plain = words.iter().take(3).all(|word| {
        word.trim_end_matches([',', ':', '.', '!', '\''])
            .chars()
            .all(|c| c.is_alphabetic() || c == '\'' || c == '-')
    });
    let python_like = trimmed.contains(" = ") || trimmed.ends_with("):") || trimmed.contains("==");
    (capital && plain && words.len() >= 2 && !python_like && !matches!(first, "True" | "False" | "None"))
        || (trimmed.ends_with(':') && capital && !python_like)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(completion: &str) -> Option<String> {
        program(completion, Wanted::Program)
    }

    #[test]
    fn the_last_complete_python_block_wins() {
        for (completion, source) in [
            ("```python\nprint(1)\n```", "print(1)\n"),
            ("First:\n```py\na\n```\nBetter:\n```Python3\nb\n```\nDone.", "b\n"),
            ("```python\na\n```\n```\nsample output\n```", "a\n"),
            ("```\na\n```\n```bash\nrm\n```", "a\n"),
            ("```python\na\n```\n```python\nb", "a\n"),
            ("- so:\n  ```python\n  if x:\n    y\n  ```", "if x:\n  y\n"),
            ("```python\nprint(1)```", "print(1)\n"),
            ("```python print(1)```", "print(1)"),
            ("```print(1)```", "print(1)"),
            ("~~~python\nprint(1)\n~~~", "print(1)\n"),
            ("```python title=\"a.py\"\nprint(1)\n```", "print(1)\n"),
            ("```{.python}\nprint(1)\n```", "print(1)\n"),
            ("print(1)\n", "print(1)\n"),
            ("```bash\nls\n```", "```bash\nls\n```"),
            ("s = '```'\nprint(s)", "s = '```'\nprint(s)"),
            ("````python\na\n```\nb\n````", "a\n```\nb\n"),
            ("````python\na\n```\n", "a\n"),
            ("````markdown\n# Title\n```python\na\n```\n````", "a\n"),
            ("```md\nSo:\n```", "```md\nSo:\n```"),
            ("Here: ```python\na\n```", "a\n"),
            ("x = 1  # ```python\nprint(x)", "x = 1  # ```python\nprint(x)"),
            ("> Sure:\n> ```python\n> if x:\n>     y\n> ```\nDone.", "if x:\n    y\n"),
            (">> ```py\n>> a\n>> ```\n\n```text\nb\n```", "a\n"),
            ("> quoted\n\n```python\na\n```", "a\n"),
        ] {
            assert_eq!(whole(completion).as_deref(), Some(source), "{completion:?}");
        }
    }

    #[test]
    fn a_fence_within_a_string_closes_nothing() {
        for program in [
            "def f(x):\n    \"\"\"\n    ```python\n    f(1)\n    ```\n    \"\"\"\n    return x\n",
            "def f(x):\n    '''\n```\nf(1)\n```\n    '''\n    return x\n",
            "def f():\n    return '```'\n",
            "def f():\n    return \"\"\"a ```\n```\n\"\"\"\n",
            "def f():\n    r'\\\\'  # it's \"\"\"\n    return 1\n",
            "s = \"\"\"\\\"\"\"\n```\n\"\"\"\n",
            "class A:\n    \"\"\"One line with ``` in it.\"\"\"\n    x = 1\n",
            "# ```\ndef f():\n    return 1  # as in ```\n",
        ] {
            let completion = format!("Sure:\n```python\n{program}```\nDone.");
            assert_eq!(whole(&completion).as_deref(), Some(program), "{completion}");
            assert_eq!(whole(&format!("```\n{program}```")).as_deref(), Some(program));
            assert_eq!(whole(&format!("```python\n{program}")).as_deref(), Some(program));
        }
        // A string that is never closed is no string: the first fence closes.
        assert_eq!(whole("```python\ns = '''\n```\nThat was it.").as_deref(), Some("s = '''\n"));
    }

    #[test]
    fn an_answer_tag_holds_the_program() {
        for (completion, source) in [
            ("<answer>\ndef f(n):\n    return n\n</answer>", "\ndef f(n):\n    return n\n"),
            ("<answer>```python\nprint(1)\n```</answer>", "print(1)\n"),
            ("Words. <answer>\nWords.\n```python\nprint(1)\n```\n</answer> More.", "print(1)\n"),
            ("<reasoning>\nreturn x\n</reasoning>\n<answer>print(1)</answer>", "print(1)"),
            ("<think>\n<answer>0</answer></think><answer>print(input())", "print(input())"),
            ("<answer>draft</answer>\n<answer>print(2)</answer>", "print(2)"),
            ("```python\nprint('<answer>1</answer>')\n```", "print('<answer>1</answer>')\n"),
            ("```python\nprint(42)\n```\n<answer>42</answer>", "print(42)\n"),
            ("```python\nprint(42)\n```\n<answer></answer>", "print(42)\n"),
        ] {
            assert_eq!(whole(completion).as_deref(), Some(source), "{completion:?}");
        }
    }

    #[test]
    fn generation_may_stop_at_the_closing_fence() {
        assert_eq!(whole("Sure:\n```python\nprint(1)\n").as_deref(), Some("print(1)\n"));
        assert_eq!(whole("```\nprint(1)").as_deref(), Some("print(1)\n"));
    }

    #[test]
    fn a_block_that_defines_the_function_comes_first() {
        let completion =
            "```python\ndef add(a, b):\n    return a + b\n```\nUsage:\n```python\nprint(add(1, 2))\n```";
        assert!(program(completion, Wanted::Definition("add")).unwrap().starts_with("def add"));
        assert!(whole(completion).unwrap().starts_with("print"));
    }

    #[test]
    fn a_function_told_in_parts_is_put_together() {
        let definition = |completion: &str| program(completion, Wanted::Definition("add")).unwrap();
        let add = "def add(a, b):\n    return plus(a, b)\n";
        let plus = "def plus(a, b):\n    return a + b\n";
        let fenced = |source: &str| format!("```python\n{source}```\n");
        for completion in [
            fenced(plus) + "Then:\n" + &fenced(add),
            fenced(add) + "where\n" + &fenced(plus),
            fenced(plus) + &fenced(add) + &fenced("print(add(1, 2))\n"),
        ] {
            assert_eq!(definition(&completion), format!("{plus}{add}"), "{completion}");
        }
        let import = "from operator import add as plus\n";
        assert_eq!(definition(&(fenced(import) + &fenced(add))), format!("{import}{add}"));
        // What does more than define, what nobody asks for, and what the block has itself stays out.
        let own = format!("{plus}{add}");
        for (other, block) in [
            ("plus = int(input())\n", add),
            ("def minus(a, b):\n    return a - b\n", add),
            ("def plus(a, b):\n    return 0\nprint(plus(1, 2))\n", add),
            ("def plus(a, b):\n    return 0\n", own.as_str()),
            ("def add(a, b):\n    return plus(a, b)\n\n\ndef plus(a, b):\n    return 0\n", own.as_str()),
        ] {
            assert_eq!(definition(&(fenced(other) + &fenced(block))), block, "{other}");
        }
        // A first try is not mixed with the second.
        let first = fenced("def plus(a, b):\n    return 0\n");
        assert_eq!(definition(&(first + &fenced(plus) + &fenced(add))), own);
    }

    #[test]
    fn tests_and_sessions_are_no_programs() {
        for (completion, source) in [
            (
                "```python\nprint(1)\n```\nTests:\n```python\nassert f(1) == 2\n# more\nassert f(\n    2) == 3\n```",
                "print(1)\n",
            ),
            ("```python\nprint(1)\n```\n```python\n>>> 1 + 1\n2\n```", "print(1)\n"),
            ("```python\n>>>>>>> main\nprint(1)\n```", ">>>>>>> main\nprint(1)\n"),
            ("```\nprint(1)\n```\n```text\n1\n```", "print(1)\n"),
            ("```text\nprint(1)\n```", "print(1)\n"),
            ("```python\nassert True\n```", "assert True\n"),
            ("```python3.11\nprint(1)\n```", "print(1)\n"),
            ("```python-exec\nprint(1)\n```", "print(1)\n"),
            ("```python\n# ```\nprint(1)\n```", "# ```\nprint(1)\n"),
            ("> So:\n> ```python\n> if x:\n>     y\n> ```\nDone.", "if x:\n    y\n"),
            (">not quoted\n```python\n> a\n```", "> a\n"),
        ] {
            assert_eq!(whole(completion).as_deref(), Some(source), "{completion:?}");
        }
    }

    #[test]
    fn code_without_fences_is_found_by_its_indent_or_its_tags() {
        for (completion, source) in [
            ("The program:\n\n    if x:\n        y\n\n    z\n\nThat is it.", "if x:\n    y\n\nz\n\n"),
            ("Use this:\n\n\tprint(1)\n", "print(1)\n"),
            ("    def f():\n        return 1\n", "def f():\n    return 1\n"),
            ("    return a + b\n", "    return a + b\n"),
            ("<s>print(1)</s>", "print(1)"),
            ("<solution>\nprint(1)\n</solution>", "print(1)"),
            ("[BEGIN]\nprint(1)\n[DONE]", "print(1)"),
            ("`print(1)`", "print(1)"),
            ("if x:\n\u{a0}\u{a0}y = '\u{a0}'\n", "if x:\n  y = '\u{a0}'\n"),
            ("s = '''\n\u{a0}a'''\n", "s = '''\n\u{a0}a'''\n"),
        ] {
            assert_eq!(whole(completion).as_deref(), Some(source), "{completion:?}");
        }
    }

    #[test]
    fn definitions_are_found_at_the_top_level() {
        for (source, defined) in [
            ("def add(a):", true),
            ("async def add(a):", true),
            ("class add:", true),
            ("add = lambda a: a", true),
            ("add: object = 1", true),
            ("    def add(a):", false),
            ("def adder(a):", false),
            ("add == 1", false),
            ("add(1)", false),
        ] {
            assert_eq!(defines(source, "add"), defined, "{source}");
        }
    }

    #[test]
    fn artefacts_of_chats_are_no_program_text() {
        for (completion, source) in [
            ("<think>\n```python\nwrong\n```\n</think>\n```python\nright\n```<|im_end|>", "right\n"),
            ("print(1)<|im_end|>\n<|im_start|>user\nprint(2)", "print(1)"),
            ("print(1)</s>", "print(1)"),
            ("print('</s>')", "print('</s>')"),
            ("[PYTHON]\nprint(1)\n[/PYTHON]\nThat is all.", "print(1)"),
            ("<code>print(1)</code>", "print(1)"),
            ("\u{feff}print(1)", "print(1)"),
        ] {
            assert_eq!(whole(completion).as_deref(), Some(source), "{completion:?}");
        }
    }

    #[test]
    fn what_was_only_thought_is_no_program() {
        for open in [
            "<think>",
            "<|im_start|>assistant\n<think>\n",
            "[THINK]",
            "<thinking>",
            "<reasoning>",
            "<think>a</think>\n<think>",
        ] {
            let thought = format!("{open} Let me see.\n```python\nprint(1)\n```\nThat would be it.");
            assert_eq!(whole(&thought), None, "{open}");
            assert_eq!(
                program(&thought.replace("print(1)", "def f(): pass"), Wanted::Definition("f")),
                None,
                "{open}"
            );
        }
        let opened_by_the_prompt = "Let me see.\n```python\nwrong\n```\n</think>\n```python\nright\n```";
        assert_eq!(whole(opened_by_the_prompt).as_deref(), Some("right\n"));
    }

    #[test]
    fn prose_around_bare_code_is_cut() {
        let code = "import sys\n\ndef f(x):\n    return x\n\nprint(f(1))\n";
        for (before, after) in [
            ("Here is the solution:\n\n", ""),
            ("Sure! This reads the numbers.\n", "\nThis program runs in linear time.\n"),
            ("", "Explanation: the function returns its argument.\n"),
        ] {
            assert_eq!(
                whole(&format!("{before}{code}{after}")).unwrap().trim_end(),
                code.trim_end(),
                "{before}"
            );
        }
    }

    #[test]
    fn programs_without_marks_stay_as_they_are() {
        for source in [
            "n = int(input())\nfor i in range(n):\n    print(i)\n",
            "A, B = map(int, input().split())\nprint(A + B)\n",
            "#!/usr/bin/env python3\nprint('Hello there, this is text')\n",
            "class Node:\n    pass\n\nNode()\nX = 1\nprint(X)",
            "\"\"\"Doc.\n\nThis is Prose inside of it.\n\"\"\"\nprint(1)",
            "s = '''\nSome long text here\n'''\nprint(s)",
            "True and print(1)",
            "Counter([1])\n",
        ] {
            assert_eq!(whole(source).as_deref(), Some(source), "{source:?}");
        }
    }

    #[test]
    fn nothing_is_no_program() {
        for completion in
            ["", " \n\t", "```python\n```", "```python\n \n```\n", "<|im_end|>", "<think>x</think>"]
        {
            assert_eq!(whole(completion), None, "{completion:?}");
        }
    }

    proptest! {
        #[test]
        fn total(completion in "(```|~~~|python|<think>|</think>|<\\|im_end\\|>|[ \t]|\n|[a-zé=(:]){0,60}") {
            let _ = whole(&completion);
            let _ = program(&completion, Wanted::Definition("a"));
        }

        /// Fencing a program and taking it out again changes nothing.
        #[test]
        fn fences_are_transparent(lines in proptest::collection::vec("[a-z0-9 =(),]{1,20}", 1..6)) {
            let source = lines.join("\n") + "\n";
            prop_assume!(!source.trim().is_empty());
            prop_assert_eq!(whole(&format!("Here:\n```python\n{source}```\nDone.")), Some(source));
        }
    }
}
