use super::*;
use crate::openai::OpenAiConfig;

fn settings(toml: &str) -> Settings {
    let base = "base_urls = ['http://e']\nmodel = 'm'\n";
    let config: OpenAiConfig = toml::from_str(&format!("{base}{toml}")).unwrap();
    Settings::of(config).unwrap()
}

fn completion(api: Api, body: &str) -> Result<Completion, CallFailure> {
    whole(&settings(""), "e", read(api, "e", body.as_bytes())?)
}

fn cause(api: Api, body: &str) -> &'static str {
    completion(api, body).unwrap_err().cause()
}

#[test]
fn both_apis() {
    let body = r#"{"id":"x","model":"m","choices":[{"text":"so 7","finish_reason":"length","index":0}],
                   "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
    let found = completion(Api::Completions, body).unwrap();
    assert_eq!((found.text.as_str(), found.truncated), ("so 7", true));
    assert_eq!((found.prompt_tokens, found.completion_tokens), (Some(3), Some(2)));
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"7"},"finish_reason":"stop"}]}"#;
    let found = completion(Api::Chat, body).unwrap();
    assert_eq!((found.text.as_str(), found.truncated, found.prompt_tokens), ("7", false, None));
    // What servers send along.
    let body = r#"{"error":null,"usage":null,"choices":[{"index":0,"logprobs":null,"stop_reason":128009,
                   "message":{"role":"assistant","content":"","refusal":null,"tool_calls":[],"function_call":null,
                   "reasoning_content":"hm"},"finish_reason":"length"}]}"#;
    assert_eq!(completion(Api::Chat, body).unwrap().text, "", "a text that is empty is a text");
}

#[test]
fn what_a_filter_took_from_the_prompt_is_filtered_too() {
    let body = |filtered: bool| {
        format!(
            r#"{{"prompt_filter_results":[{{"prompt_index":0,"content_filter_results":{{"hate":{{"filtered":{filtered}}}}}}}],
               "choices":[{{"message":{{"content":"7"}},"finish_reason":"stop"}}]}}"#
        )
    };
    assert_eq!(cause(Api::Chat, &body(true)), "filtered");
    assert_eq!(completion(Api::Chat, &body(false)).unwrap().text, "7");
}

#[test]
fn a_second_word_for_the_end_counts_where_it_tells_of_trouble() {
    let body = |beside: &str| {
        format!(r#"{{"choices":[{{"message":{{"content":"7"}},"finish_reason":"stop",{beside}}}]}}"#)
    };
    for beside in [
        r#""native_finish_reason":"SAFETY""#,
        r#""native_finish_reason":"error""#,
        r#""finish_details":{"type":"aborted"}"#,
    ] {
        assert_eq!(cause(Api::Chat, &body(beside)), "unfinished", "{beside}");
    }
    assert_eq!(cause(Api::Chat, &body(r#""stop_reason":"content_filter""#)), "filtered");
    for beside in [
        r#""native_finish_reason":"STOP""#,
        r#""native_finish_reason":null"#,
        r#""stop_reason":151645"#,
        r#""stop_reason":"Question:""#,
        r#""finish_details":{"type":"stop"}"#,
    ] {
        assert_eq!(completion(Api::Chat, &body(beside)).unwrap().text, "7", "{beside}");
    }
    let whole = |reply: &str, message: &str| {
        format!(r#"{{{reply}"choices":[{{"message":{{"content":"7"{message}}},"finish_reason":"stop"}}]}}"#)
    };
    assert_eq!(cause(Api::Chat, &whole(r#""status":"failed","#, "")), "unfinished");
    assert_eq!(cause(Api::Chat, &whole("", r#","error":"overloaded""#)), "error");
    assert_eq!(cause(Api::Chat, &whole(r#""object":"chat.completion.chunk","#, "")), "malformed");
    assert_eq!(
        completion(Api::Chat, &whole(r#""status":"completed","#, r#","error":null"#)).unwrap().text,
        "7"
    );
}

#[test]
fn a_completion_of_the_other_api_is_none() {
    assert_eq!(cause(Api::Chat, r#"{"choices":[{"text":"7","finish_reason":"stop"}]}"#), "malformed");
    let chat = r#"{"choices":[{"message":{"content":"7"},"finish_reason":"stop"}]}"#;
    assert_eq!(cause(Api::Completions, chat), "no_content");
}

#[test]
fn lists_are_no_objects() {
    for body in [
        r#"[[{"message":{"content":"7"},"finish_reason":"stop"}]]"#,
        r#"[[{"message":{"content":"7"},"finish_reason":"stop"}],"m",null,null]"#,
        r#"{"choices":[[0,"7",{"content":"7"},"stop"]]}"#,
        r#"{"choices":[{"message":["assistant","7",null,null,null],"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"7"},"finish_reason":"stop"}],"usage":[1,2]}"#,
    ] {
        assert_eq!(cause(Api::Chat, body), "malformed", "{body}");
    }
}

#[test]
fn the_list_of_ends_can_be_another_one() {
    let said = |reason: &str| {
        let body = format!(r#"{{"choices":[{{"text":"7","finish_reason":"{reason}"}}]}}"#);
        read(Api::Completions, "e", body.as_bytes()).unwrap()
    };
    let settings = settings("finished = ['eos_token', 'stop']");
    assert!(whole(&settings, "e", said("eos_token")).is_ok());
    let message = whole(&settings, "e", said("length")).unwrap_err().to_string();
    assert_eq!(
        message,
        "e ended a completion with `finish_reason` \"length\"; it counts with \"eos_token\" or \"stop\" \
         (`executor.openai.finished`)"
    );
}

#[test]
fn another_name_can_be_this_model_s() {
    let said = |model: &str| {
        let body = format!(r#"{{"model":"{model}","choices":[{{"text":"7","finish_reason":"stop"}}]}}"#);
        read(Api::Completions, "e", body.as_bytes()).unwrap()
    };
    let listed = settings("served_as = ['/srv/ggml.gguf']");
    for name in ["m", "m-2024-05-06", "/srv/ggml.gguf"] {
        assert!(whole(&listed, "e", said(name)).is_ok(), "{name}");
    }
    let message = whole(&listed, "e", said("other")).unwrap_err().to_string();
    assert!(message.contains("served_as = [\"other\"]"), "{message}");
}

#[test]
fn excerpts_are_short_single_lines() {
    assert_eq!(excerpt(b" a\n\tb \x1b[0m"), "a b [0m…");
    assert_eq!(excerpt("é".repeat(1000).as_bytes()).chars().count(), 201);
}
