//! `tokenizer.json` of a checkpoint: reading it never panics, and what is accepted cuts texts into tokens that it knows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_engine::Tokenizer;

const TEXTS: [&str; 3] = ["", "<reasoning>\nMara has 12 apples.\n</reasoning><eos>", "é 漢字 🙂 \u{0}\r\n\t ﬁ"];

fuzz_target!(|text: &str| {
    let Ok(tokenizer) = Tokenizer::from_json(text) else { return };
    let known = tokenizer.vocabulary();
    for text in TEXTS {
        if let Ok(tokens) = tokenizer.encode_prompt(text) {
            assert!(tokens.iter().all(|token| (*token as usize) < known), "{tokens:?} of {known}");
            let _ = tokenizer.decode(&tokens);
        }
    }
    let _ = tokenizer.decode(&[0, 1, u32::MAX]);
});
