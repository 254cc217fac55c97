//! Finding the program in a completion: total, never blank, only ever cutting away, and fences are transparent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_verify::programs::{Wanted, defines, extract};

fuzz_target!(|completion: &str| {
    for wanted in [Wanted::Program, Wanted::Definition("solve")] {
        let Some(source) = extract(completion, wanted) else { continue };
        assert!(!source.trim().is_empty(), "a program is not blank");
        let _ = defines(&source, "solve");
        // Whatever comes out was in there: line by line, up to indentation, fences and white space at the ends.
        for line in source.lines() {
            assert!(completion.contains(line.trim().trim_matches(['`', '~'])), "{line:?} was made up");
        }
    }

    // Whatever has no marks in it comes out of a fence as it went in, but for carriage returns at the ends of lines.
    let marks = ["```", "~~~", "<", "[PYTHON]", "\u{feff}", "\r", ">>>"];
    if marks.iter().all(|mark| !completion.contains(mark)) && !completion.trim().is_empty() {
        let lines: String = completion.lines().map(|line| format!("{line}\n")).collect();
        assert_eq!(extract(&format!("Here:\n```python\n{lines}```\nDone."), Wanted::Program), Some(lines));
    }
});
