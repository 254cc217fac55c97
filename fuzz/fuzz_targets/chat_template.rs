//! A chat template from outside, on a conversation with everything in it: it is rendered or refused, within bounds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use tracelift_engine::{ChatOptions, ChatTemplate, Conversation};

const MESSAGES: &str = r#"[{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
    {"role": "assistant", "content": "<think>t</think>a", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.5}}}]},
    {"role": "tool", "content": "r"}]"#;

fuzz_target!(|text: &str| {
    let Ok(template) = ChatTemplate::new(text, BTreeMap::new()) else { return };
    let conversation = Conversation::from_json(MESSAGES).expect("the messages above are JSON");
    let _ = template.render(&conversation, &ChatOptions::default());
});
