use super::*;
use proptest::prelude::*;

fn completion(text: &str) -> Result<Trace, TraceDefect> {
    read(text, Field::Completion, Ending::Stopped)
}

#[test]
fn reads_what_a_trace_writes() {
    let trace = Trace::new(" a = 1 . ").unwrap();
    assert_eq!(completion(&trace.tagged()), Ok(trace.clone()));
    assert_eq!(read(&trace.tagged(), Field::Reasoning, Ending::Stopped), Ok(trace));
}

#[test]
fn the_limit_of_tokens_cuts_what_was_begun() {
    use TraceDefect::*;
    for (text, stopped, cut) in [
        ("<reasoning> half", Unclosed, Truncated),
        ("<think> half", ThinkingOnly, Truncated),
        ("<think>a</think><reasoning> half", Unclosed, Truncated),
        ("just text", NoTags, NoTags),
        ("<reasoning>a</reasoning> and", TextOutside, TextOutside),
    ] {
        assert_eq!(completion(text), Err(stopped), "{text:?}");
        assert_eq!(read(text, Field::Completion, Ending::TokenLimit), Err(cut), "{text:?}");
    }
    let whole = read("<reasoning>a</reasoning>", Field::Completion, Ending::TokenLimit);
    assert_eq!(whole, Ok(Trace::new("a").unwrap()));
}

#[test]
fn thinking_that_is_never_closed_is_all_there_is() {
    let program = "\n```python\nprint(1)\n```\n";
    for open in [
        "<think>",
        " \n<|im_start|>assistant\n<thinking>",
        "[THINK]",
        "<think>a</think><think>",
        "<reasoning>",
        "◁think▷",
    ] {
        assert!(is_thinking_only(&format!("{open} so{program}")), "{open}");
    }
    for said in [
        "",
        "<think>a</think>",
        "a</think>",
        "Well. <think>",
        "<reasoning>a</reasoning>",
        "<|im_end|>",
        "# <think>",
    ] {
        assert!(!is_thinking_only(&format!("{said}{program}")), "{said}");
    }
}

#[test]
fn what_is_said_stands_behind_the_thinking() {
    for (open, closes) in thinking() {
        for close in *closes {
            for before in ["", "\n", "<|im_start|>assistant\n", "<s>", "<think>a</think>\n"] {
                assert_eq!(said(&format!("{before}{open}74{close}73")), Some("73"), "{before}{open} {close}");
                assert_eq!(
                    said(&format!("{before}{open}73{close}\n<|im_end|>")),
                    None,
                    "{before}{open} {close}"
                );
            }
            assert_eq!(said(&format!("{open}a{close}{open}73")), None, "{open} {close}");
        }
        assert_eq!(said(&format!("{open}The answer is 73")), None, "{open}");
    }
    for (text, expected) in [
        ("73", Some("73")),
        ("", Some("")),
        (" It is 73 <think>", Some(" It is 73 <think>")),
        ("It is 74</think>73", Some("73")),
        ("<reasoning>74</reasoning>73", Some("73")),
        ("<reasoning>73", None),
        ("<think>a</think><reasoning>73", None),
        ("analysis74assistantfinal73", Some("73")),
    ] {
        assert_eq!(said(text), expected, "{text}");
    }
}

#[test]
fn many_markers_take_no_longer_than_long_texts() {
    // Bounded by what it is read from, so that nobody keeps a server busy with a text. A quadratic reading of these would take
    // minutes, not the second that any test takes.
    for part in
        ["a</think>", "<think></think>", "<|channel|>analysis<|message|><|end|>", "<|x", "|>", "<|a|>"]
    {
        let text = part.repeat((1 << 20) / part.len());
        assert!(completion(&text).is_err(), "{part}");
        assert!(completion(&format!("{text}<reasoning>a</reasoning>{text}")).is_err() || part == "<|a|>");
    }
}

fn likely_text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "<reasoning>",
        "</reasoning>",
        "<think>",
        "</think>",
        "[THINK]",
        "<|channel|>",
        "analysis",
        "final",
        "assistantfinal",
        "<|message|>",
        "<|end|>",
        "<|im_start|>",
        "assistant",
        "<|im_end|>",
        "</s>",
        "<｜end▁of▁sentence｜>",
        "<|",
        "|>",
        "\u{200b}",
        "é",
        "İ",
        " ",
        "\n",
        "a",
    ]);
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn never_panics_and_a_trace_is_text_of_the_completion_without_tags(text in prop_oneof![likely_text(), any::<String>()]) {
        for field in [Field::Completion, Field::Reasoning] {
            if let Ok(trace) = read(&text, field, Ending::Stopped) {
                prop_assert!(!trace.as_str().contains(OPEN) && !trace.as_str().contains(CLOSE));
                prop_assert!(!trace.as_str().is_empty() && text.contains(trace.as_str()));
            }
        }
    }

    #[test]
    fn both_fields_read_alike_what_has_tags(text in likely_text()) {
        let as_completion = completion(&text);
        if as_completion != Err(TraceDefect::NoTags) {
            prop_assert_eq!(read(&text, Field::Reasoning, Ending::Stopped), as_completion);
        }
    }

    #[test]
    fn dress_changes_nothing(trace in "[a-z <|>=]{0,20}", before in likely_dress(), after in likely_dress()) {
        let bare = completion(&format!("{OPEN}{trace}{CLOSE}"));
        prop_assert_eq!(completion(&format!("{before}{OPEN}{trace}{CLOSE}{after}")), bare);
    }
}

fn likely_dress() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "<|im_end|>",
        "</s>",
        "<s>",
        "[/INST]",
        "<pad>",
        "<eos>",
        "<end_of_turn>",
        "\n",
        " ",
    ]);
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}
