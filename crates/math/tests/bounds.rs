//! Long and repetitive texts are read in time that grows with their length: no square of it, no deep stack.

use tracelift_math::{Options, compare};

/// Repeated pieces that once made a reader look at the rest of the text for each of them.
const PIECES: &[&str] = &[
    "answer ",
    "the answer is ",
    "final answer: ",
    "#",
    "#### ",
    "*",
    "*a ",
    "**a",
    "_a_ ",
    "<",
    "<b>",
    "<answer>",
    "</answer>",
    "<answer></sol>",
    "\\(",
    "\\[",
    "$",
    "$a ",
    "$5 ",
    "\\boxed{",
    "\\boxed{1}",
    "(",
    "(a ",
    "(a b) ",
    ". ",
    "1\n",
    "\n",
    "It is 5. ",
    "1,",
    "not ",
    "5 or ",
    "\\text{",
    "答案",
    "答案是",
    "x²",
    "</think>",
    "&lt;",
    "$x$ and ",
    "> ",
    "`",
    "~~a",
    "'",
    "1:",
    "$x$ answer ",
    "The answer is 5 when ",
    "3 and ",
    "5 m and ",
    "ABC",
    "\\frac12",
    "\\lfloor ",
    "{",
    "[",
    "2=",
    "a.m. ",
    "5 ft ",
    "• ",
    "1 base 8 ",
    "<<1=",
    "3 of the 4 ",
    "42的一半是",
    "12...",
];

#[test]
fn long_texts_are_read() {
    // Large enough for a square to take minutes, small enough for a line to take milliseconds.
    for piece in PIECES {
        let text = piece.repeat(60_000 / piece.len());
        let _ = compare("5", &text, &Options::default());
        let boxed = format!("\\boxed{{{}}}", piece.repeat(2_000 / piece.len()));
        let _ = compare("5", &boxed, &Options::default());
        let _ = compare(&text, "5", &Options::default());
    }
}
