//! What a candidate may send to the process of its tests, as bytes: nothing makes it crash, hang, accept or know nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{sync::OnceLock, time::Duration};
use tracelift_sandbox::{AssertOutcome, FunctionEnding, FunctionTest, Limits, Sandbox, SandboxConfig};

static SANDBOX: OnceLock<Sandbox> = OnceLock::new();

/// Answers the first question with a function, and each further one with a frame around the next bytes.
const SPEAKER: &str = "
import os
def exactly(count):
    data = b''
    while len(data) < count:
        part = os.read(4, count - len(data))
        if not part: os._exit(0)
        data += part
    return data
for text in MESSAGES:
    exactly(int.from_bytes(exactly(4), 'little'))
    data = bytes.fromhex(text)
    data = len(data).to_bytes(4, 'little') + data
    while data: data = data[os.write(4, data):]
os._exit(0)
";

fuzz_target!(|input: Vec<&[u8]>| {
    let sandbox = SANDBOX.get_or_init(|| Sandbox::start(SandboxConfig::default()).expect("a sandbox"));
    let first: &[u8] = br#"["ok",[0],[["h",1,"f","f",null,"c"]],[],null]"#;
    let texts: Vec<String> = std::iter::once(first)
        .chain(input)
        .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let asserts = [
        "assert f([1, 2], {'a': [3]}, lambda x: x) == ['no', 'message', 'says', 'this', 0.8125]".to_owned(),
        "class Mine:\n    a = [1]\nr = f(Mine(), iter([1]))\nassert [x for x in r] == ['nor', 'this']".to_owned(),
    ];
    let test = FunctionTest {
        candidate: &SPEAKER.replace("MESSAGES", &format!("{texts:?}")),
        given: "",
        setup: "",
        entry: Some("f"),
        asserts: &asserts,
        check: None,
    };
    let limits =
        Limits { cpu: Duration::from_secs(5), wall: Duration::from_secs(20), ..Limits::default() };
    let run = sandbox.test_function(&test, &limits).expect("a worker that holds");
    assert_eq!(run.ending, FunctionEnding::Completed, "{run:?}");
    for outcome in &run.tests {
        assert!(matches!(outcome, AssertOutcome::Failed(_) | AssertOutcome::Raised(_)), "{run:?}");
    }
});
