//! Finding the program in a completion.

/// The source of the program, or `None` if there is no text at all.
///
/// The last complete fenced block that says it is Python; or else the last complete fenced block that says nothing;
/// or else the whole completion. A fence opens on a line of its own (```` ``` ```` or ```` ```python ````) and is
/// closed by the next line that starts or ends with ```` ``` ````. Blocks in other languages are passed over.
pub(super) fn program(completion: &str) -> Option<String> {
    let mut labelled = None;
    let mut bare = None;
    let mut lines = completion.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        let Some(label) = line.trim().strip_prefix("```") else { continue };
        let label = label.trim().to_ascii_lowercase();
        // A block that is never closed is not complete, and nothing can follow it.
        let Some(block) = block(&mut lines, indent) else { break };
        match label.as_str() {
            "python" | "py" | "python3" => labelled = Some(block),
            "" => bare = Some(block),
            _ => {}
        }
    }
    let source = labelled.or(bare).unwrap_or_else(|| completion.to_owned());
    (!source.trim().is_empty()).then_some(source)
}

/// The lines up to the closing fence, without the indentation of the opening one.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>, indent: usize) -> Option<String> {
    let mut source = String::new();
    for line in lines {
        let trimmed = line.trim();
        if trimmed.starts_with("```") {
            return Some(source);
        }
        let last = trimmed.ends_with("```");
        let spaces = line.len() - line.trim_start_matches([' ', '\t']).len();
        let line = line.get(spaces.min(indent)..).unwrap_or(line);
        source.push_str(if last { line.trim_end().trim_end_matches('`') } else { line });
        source.push('\n');
        if last {
            return Some(source);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            ("print(1)\n", "print(1)\n"),
            ("```python\nprint(1)\n", "```python\nprint(1)\n"),
            ("```bash\nls\n```", "```bash\nls\n```"),
            ("s = '```'\nprint(s)", "s = '```'\nprint(s)"),
        ] {
            assert_eq!(program(completion).as_deref(), Some(source), "{completion:?}");
        }
    }

    #[test]
    fn nothing_is_no_program() {
        for completion in ["", " \n\t", "```python\n```", "```python\n \n```\n"] {
            assert_eq!(program(completion), None, "{completion:?}");
        }
    }

    proptest! {
        #[test]
        fn total(completion in "(```|python|[ \t]|\n|[a-zé]){0,60}") {
            let _ = program(&completion);
        }
    }
}
