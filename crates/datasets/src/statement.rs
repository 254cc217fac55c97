//! Examples in a statement: the input and output blocks that problems for programs print.
//!
//! Formats that are read, headings in any case, with or without `:` and numbers, alone on a line or before the text:
//!
//! ```text
//! Examples            Sample Input 1:      Input: 3 4         -----Sample Input-----
//! Input               3 4                  Output: 7          3 4
//! 3 4                 Sample Output 1:                        -----Sample Output-----
//! Output              7                                       7
//! 7
//! ```

use tracelift_domain::IoTest;

/// Most examples that are taken.
const MOST: usize = 8;
/// Longest statement that is read.
const LONGEST: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    Input,
    Output,
    /// `Examples`, after which bare `Input` and `Output` headings are examples.
    Examples,
    /// A specification (`Input format`), a note, an explanation: what follows is no example.
    Else,
}

/// The examples of a statement, in its order. Every text ends with a line break.
#[must_use]
pub fn examples(statement: &str) -> Vec<IoTest> {
    if statement.len() > LONGEST {
        return Vec::new();
    }
    let lines: Vec<&str> = statement.lines().collect();
    // A bare `Input` heads the specification of the input until examples have been announced.
    let announced = lines.iter().position(|line| {
        heading(line).is_some_and(|(heading, sample, _)| heading == Heading::Examples || sample)
    });
    let start = announced.unwrap_or(0);
    let mut examples = Vec::new();
    let mut input: Option<Vec<&str>> = None;
    let mut output: Option<Vec<&str>> = None;
    for line in &lines[start..] {
        match heading(line) {
            Some((Heading::Input, sample, rest))
                if announced.is_none() || sample || start > 0 || announced == Some(0) =>
            {
                close(&mut examples, &mut input, &mut output);
                input = Some(rest.into_iter().collect());
            }
            Some((Heading::Output, _, rest)) if input.is_some() && output.is_none() => {
                output = Some(rest.into_iter().collect());
            }
            Some(_) => close(&mut examples, &mut input, &mut output),
            None => match (&mut input, &mut output) {
                (_, Some(output)) => output.push(line),
                (Some(input), None) => input.push(line),
                (None, None) => {}
            },
        }
        if examples.len() == MOST {
            return examples;
        }
    }
    close(&mut examples, &mut input, &mut output);
    examples.truncate(MOST);
    examples
}

/// Takes an example if both its blocks hold something.
fn close(examples: &mut Vec<IoTest>, input: &mut Option<Vec<&str>>, output: &mut Option<Vec<&str>>) {
    let block = |lines: Vec<&str>| {
        let text = lines.join("\n");
        let text = text.trim_matches('\n').trim_end();
        let text = text.strip_prefix("```").unwrap_or(text);
        let text = text.strip_suffix("```").unwrap_or(text).trim_matches('\n').trim_end();
        (!text.trim().is_empty()).then(|| format!("{text}\n"))
    };
    if let (Some(input), Some(output)) = (input.take(), output.take())
        && let (Some(stdin), Some(stdout)) = (block(input), block(output))
    {
        examples.push(IoTest { stdin, stdout });
    }
}

/// Whether a line is a heading: which, whether it says that a sample follows, and the text after its colon.
fn heading(line: &str) -> Option<(Heading, bool, Option<&str>)> {
    let bare = line.trim().trim_matches(|c| matches!(c, '-' | '#' | '*' | '=' | '<' | '>')).trim();
    let (head, rest) = match bare.split_once(':') {
        Some((head, rest)) => {
            (head, Some(rest.trim().trim_matches('*').trim()).filter(|rest| !rest.is_empty()))
        }
        None => (bare, None),
    };
    // What the statement says about its examples, in a sentence that begins so, is none of their lines.
    if let Some("Note" | "Explanation") = head.split(|c: char| !c.is_alphanumeric()).next() {
        return Some((Heading::Else, false, rest));
    }
    if head.len() > 40 {
        return None;
    }
    let words: Vec<String> = head
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.bytes().all(|b| b.is_ascii_digit()))
        .map(str::to_lowercase)
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let alone = rest.is_none();
    Some(match words.as_slice() {
        ["sample" | "example" | "examples", "input" | "inputs"] => (Heading::Input, true, rest),
        ["sample" | "example" | "examples", "output" | "outputs"] => (Heading::Output, true, rest),
        ["input"] | ["inputs"] => (Heading::Input, false, rest),
        ["output"] | ["outputs"] => (Heading::Output, false, rest),
        ["example" | "examples"] | ["sample" | "samples"] | ["sample", "test" | "tests"] if alone => {
            (Heading::Examples, false, None)
        }
        ["note" | "notes" | "explanation" | "constraints" | "hint" | "scoring" | "limits"]
        | ["sample" | "example", "explanation"]
        | ["input" | "output", "format" | "specification"] => (Heading::Else, false, rest),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(statement: &str) -> Vec<(String, String)> {
        examples(statement).into_iter().map(|test| (test.stdin, test.stdout)).collect()
    }

    #[test]
    fn every_documented_format_is_read() {
        for statement in [
            "Add.\nInput\nTwo numbers.\nOutput\nTheir sum.\nExamples\nInput\n3 4\nOutput\n7\nNote\nEasy.",
            "Add.\nSample Input 1:\n3 4\n\nSample Output 1:\n7\n\nExplanation: 3+4.",
            "Add.\nInput: 3 4\nOutput: 7",
            "Add.\nSample Tests\nInput\n3 4\nOutput\n7\nNote that three and four, which are the numbers here, are added.",
            "Add.\n-----Sample Input-----\n3 4\n-----Sample Output-----\n7\n-----Explanation-----\nx",
            "Add.\n**Example**\n\nInput:\n```\n3 4\n```\nOutput:\n```\n7\n```",
        ] {
            assert_eq!(pairs(statement), [("3 4\n".to_owned(), "7\n".to_owned())], "{statement}");
        }
    }

    #[test]
    fn several_examples_keep_their_order_and_lines() {
        let statement = "Examples\nInput\n1\n2\nOutput\na\n\nb\nInput\n3\nOutput\nc";
        assert_eq!(
            pairs(statement),
            [("1\n2\n".to_owned(), "a\n\nb\n".to_owned()), ("3\n".to_owned(), "c\n".to_owned())]
        );
    }

    #[test]
    fn a_specification_is_no_example() {
        assert!(pairs("Input format: two numbers\nOutput format: their sum").is_empty());
        assert!(pairs("Say hello.").is_empty());
        assert!(pairs("Examples\nInput\n\nOutput\n\n").is_empty());
    }

    proptest! {
        #[test]
        fn no_statement_makes_it_panic(lines in prop::collection::vec("(Sample |)(Input|Output|Note|Example)( 1|)(:|)|[ a-z0-9`]{0,9}", 0..30)) {
            let statement = lines.join("\n");
            for test in examples(&statement) {
                prop_assert!(test.stdin.ends_with('\n') && test.stdout.ends_with('\n'));
                prop_assert!(!test.stdin.trim().is_empty() && !test.stdout.trim().is_empty());
            }
        }
    }
}
