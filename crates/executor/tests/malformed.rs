//! Replies that are none, from a server that sends whatever it is told to: each leaves the outcome unknown and says why.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::time::{Duration, Instant};
use tracelift_domain::{Question, Seed, TaskDomain};
use tracelift_executor::{Api, Call, CallFailure, Completion, Executor, OpenAi, OpenAiConfig};
use tracelift_testing::raw::{Answer, serve};

const TIMEOUT_S: f64 = 2.0;

fn ask(api: Api, answer: Answer) -> Result<Completion, CallFailure> {
    let mut config: OpenAiConfig =
        toml::from_str("base_urls = ['http://a']\nmodel = 'silly'\nretries = 0").unwrap();
    config.base_urls = vec![serve(answer)];
    config.api = api;
    config.timeout_s = TIMEOUT_S;
    let executor = OpenAi::new(config).unwrap();
    let question = Question::new("test", TaskDomain::Math, "What is 7?");
    let start = Instant::now();
    let result = executor.run(&[Call { question: &question, trace: None, seed: Seed(1) }]).remove(0);
    assert!(start.elapsed() < Duration::from_secs(60), "it hung: {result:?}");
    let failed = u64::from(result.is_err());
    assert_eq!((executor.usage().calls, executor.usage().failed()), (1, failed));
    result
}

/// Every reply of the list is unknown, with its cause and a message that names the server.
fn assert_unknown(api: Api, replies: Vec<(&str, Answer)>) {
    std::thread::scope(|scope| {
        for (cause, answer) in replies {
            scope.spawn(move || {
                let shown = match &answer {
                    Answer::Bytes(bytes) => {
                        String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
                    }
                    _ => "bytes in pieces".to_owned(),
                };
                let result = ask(api, answer);
                let Err(failure) = result else { panic!("{shown}\nis a known value: {result:?}") };
                assert_eq!(failure.cause(), cause, "{shown}\n{failure}");
                assert!(failure.to_string().contains("http://127.0.0.1:"), "{failure}");
            });
        }
    });
}

fn choice(choice: &str) -> String {
    format!(r#"{{"model":"silly","choices":[{choice}]}}"#)
}

fn message(message: &str) -> String {
    choice(&format!(r#"{{"index":0,"message":{message},"finish_reason":"stop"}}"#))
}

const GOOD: &str = r#"{"index":0,"message":{"role":"assistant","content":"7"},"finish_reason":"stop"}"#;

#[test]
fn the_servers_whole_reply_is_known() {
    for body in [choice(GOOD), format!(r#"{{"choices":[{GOOD}]}}"#), format!(" \n{} \n", choice(GOOD))] {
        assert_eq!(ask(Api::Chat, Answer::json(&body)).unwrap().text, "7", "{body}");
    }
    let typed = Answer::of("200 OK", "Content-Type: application/json; charset=utf-8\r\n", choice(GOOD));
    assert_eq!(ask(Api::Chat, typed).unwrap().text, "7");
    assert_eq!(
        ask(Api::Chat, Answer::of("200 OK", "", choice(GOOD))).unwrap().text,
        "7",
        "no type is no other type"
    );
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"nobody reads this":{open}1{close},"choices":[{GOOD}]}}"#);
    assert_eq!(ask(Api::Chat, Answer::json(deep)).unwrap().text, "7");
    let parts = choice(GOOD);
    let (first, rest) = parts.split_at(20);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
        first.len(),
        rest.len()
    );
    assert_eq!(ask(Api::Chat, Answer::Bytes(chunked.into())).unwrap().text, "7");
}

#[test]
fn a_completion_that_nobody_ended_is_unknown() {
    let mut replies = Vec::new();
    for reason in [
        "abort",
        "error",
        "cancelled",
        "tool_calls",
        "function_call",
        "max_tokens",
        "Stop",
        "stop ",
        "",
        "null",
    ] {
        let body = choice(&format!(r#"{{"message":{{"content":"7"}},"finish_reason":"{reason}"}}"#));
        replies.push(("unfinished", Answer::json(body)));
    }
    replies.push((
        "filtered",
        Answer::json(choice(r#"{"message":{"content":"7"},"finish_reason":"content_filter"}"#)),
    ));
    for reason in ["null", r#"null,"stop_reason":"stop""#] {
        let body = choice(&format!(r#"{{"message":{{"content":"7"}},"finish_reason":{reason}}}"#));
        replies.push(("unfinished", Answer::json(body)));
    }
    replies.push(("unfinished", Answer::json(choice(r#"{"message":{"content":"7"}}"#))));
    for reason in ["0", "true", "[\"stop\"]", "{\"type\":\"stop\"}"] {
        let body = choice(&format!(r#"{{"message":{{"content":"7"}},"finish_reason":{reason}}}"#));
        replies.push(("malformed", Answer::json(body)));
    }
    assert_unknown(Api::Chat, replies);
}

#[test]
fn what_is_no_text_is_unknown() {
    let cut = choice(r#"{"message":{"content":null},"finish_reason":"length"}"#);
    assert_unknown(
        Api::Chat,
        [
            ("no_content", r#"{"role":"assistant","content":null}"#),
            ("no_content", r#"{"role":"assistant"}"#),
            ("no_content", "{}"),
            ("no_content", r#"{"content":null,"reasoning_content":"7"}"#),
            ("refusal", r#"{"content":null,"refusal":"I cannot."}"#),
            ("refusal", r#"{"content":"7","refusal":"I cannot."}"#),
            ("tool_call", r#"{"content":null,"tool_calls":[{"type":"function","function":{"name":"f"}}]}"#),
            ("tool_call", r#"{"content":"7","tool_calls":[null]}"#),
            ("tool_call", r#"{"content":"","function_call":{"name":"f","arguments":"{}"}}"#),
            ("malformed", r#"{"content":7}"#),
            ("malformed", r#"{"content":true}"#),
            ("malformed", r#"{"content":["7"]}"#),
            ("malformed", r#"{"content":[{"type":"text","text":"7"}]}"#),
            ("malformed", r#"{"content":{"text":"7"}}"#),
            ("malformed", r#"{"content":"\ud83d"}"#),
            ("malformed", r#"{"content":"\udc00\ud800"}"#),
            ("malformed", r#"{"content":"7","content":"8"}"#),
            ("malformed", r#"{"content":"7","content":null}"#),
            ("malformed", r#"{"content":"7","refusal":1}"#),
            ("malformed", r#"{"content":"7","tool_calls":{}}"#),
            ("malformed", r#"{"role":"user","content":"7"}"#),
            ("malformed", r#"{"role":7,"content":"7"}"#),
            ("malformed", "null"),
            ("malformed", "\"7\""),
            ("malformed", "[]"),
            ("malformed", "[\"assistant\",\"7\"]"),
        ]
        .map(|(cause, body)| (cause, Answer::json(message(body))))
        .into_iter()
        .chain([("no_content", Answer::json(cut))])
        .collect(),
    );
    assert_unknown(
        Api::Completions,
        [
            ("no_content", r#"{"text":null,"finish_reason":"length"}"#),
            ("no_content", r#"{"finish_reason":"stop"}"#),
            ("malformed", r#"{"text":7,"finish_reason":"stop"}"#),
            ("malformed", r#"{"text":["7"],"finish_reason":"stop"}"#),
            ("malformed", r#"[null,"7",null,"stop"]"#),
            ("unfinished", r#"{"text":"7","finish_reason":"abort"}"#),
        ]
        .map(|(cause, body)| (cause, Answer::json(choice(body))))
        .into_iter()
        .collect(),
    );
}

#[test]
fn a_body_that_is_not_the_protocol_s_is_unknown() {
    let two = format!("{GOOD},{GOOD}");
    let deep = message(&format!(r#"{{"content":{}"7"{}}}"#, "[".repeat(100_000), "]".repeat(100_000)));
    let with = |field: &str| format!(r#"{{{field},"choices":[{GOOD}]}}"#);
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("malformed", "".into()),
        ("malformed", " ".into()),
        ("malformed", "null".into()),
        ("malformed", "7".into()),
        ("malformed", "\"7\"".into()),
        ("malformed", "{".into()),
        ("malformed", "{}".into()),
        ("malformed", "[]".into()),
        ("malformed", choice(GOOD)[..60].into()),
        ("malformed", (choice(GOOD) + "}").into()),
        ("malformed", (choice(GOOD) + &choice(GOOD)).into()),
        ("malformed", format!("\u{feff}{}", choice(GOOD)).into()),
        ("malformed", choice(GOOD).encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("malformed", choice(GOOD).replace('7', "\u{7}").into()),
        ("malformed", choice(GOOD).replace('"', "'").into()),
        (
            "malformed",
            [br#"{"id":""#, &b"\xff\xfe"[..], format!(r#"","choices":[{GOOD}]}}"#).as_bytes()].concat(),
        ),
        ("malformed", "<html><body>502 Bad Gateway</body></html>".into()),
        ("malformed", format!("data: {}\n\ndata: [DONE]\n\n", choice(GOOD)).into()),
        ("malformed", r#"{"choices":null}"#.into()),
        ("malformed", format!(r#"{{"choices":{GOOD}}}"#).into()),
        ("malformed", format!(r#"{{"choices":{{"0":{GOOD}}}}}"#).into()),
        ("malformed", r#"{"choices":"7"}"#.into()),
        ("malformed", r#"{"choices":[null]}"#.into()),
        ("malformed", r#"{"choices":["7"]}"#.into()),
        ("malformed", r#"{"choices":[7]}"#.into()),
        ("malformed", r#"{"choices":[{}]}"#.into()),
        ("malformed", choice(&two).into()),
        ("malformed", choice(&GOOD.replace("\"index\":0", "\"index\":1")).into()),
        ("malformed", choice(&GOOD.replace("\"index\":0", "\"index\":-1")).into()),
        ("malformed", choice(&GOOD.replace("\"message\"", "\"delta\"")).into()),
        ("malformed", format!(r#"{{"choices":[{GOOD}],"choices":[{GOOD}]}}"#).into()),
        ("malformed", with(r#""model":7"#).into()),
        ("malformed", with(r#""model":["silly"]"#).into()),
        ("other_model", with(r#""model":"other""#).into()),
        ("other_model", with(r#""model":"silly-mini""#).into()),
        ("other_model", with(r#""model":"""#).into()),
        ("malformed", with(r#""usage":{"prompt_tokens":-1}"#).into()),
        ("malformed", with(r#""usage":{"completion_tokens":1.5}"#).into()),
        ("malformed", with(r#""usage":{"completion_tokens":99999999999}"#).into()),
        ("malformed", with(r#""usage":{"completion_tokens":"2"}"#).into()),
        ("malformed", with(r#""usage":{"completion_tokens":NaN}"#).into()),
        ("malformed", with(r#""usage":[1,2]"#).into()),
        ("malformed", with(r#""logprobs":[NaN]"#).into()),
        ("malformed", with(r#""logprobs":[Infinity]"#).into()),
        ("malformed", with(r#""x":01"#).into()),
        ("malformed", deep.into()),
        ("error", r#"{"error":{"message":"CUDA out of memory","code":500}}"#.into()),
        ("error", r#"{"error":"busy"}"#.into()),
        ("error", with(r#""error":{"message":"half of it"}"#).into()),
        ("error", with(r#""error":false"#).into()),
        ("error", r#"{"object":"error","message":"no such model","code":404}"#.into()),
        ("error", with(r#""object":"error","message":"half of it""#).into()),
        // Of routers, which say with the choice what went wrong behind them.
        ("error", choice(&GOOD.replace("{\"index\"", "{\"error\":{\"code\":502},\"index\"")).into()),
        // Of filters that say so beside the end.
        (
            "filtered",
            choice(&GOOD.replace(
                "{\"index\"",
                r#"{"content_filter_results":{"hate":{"filtered":false},"violence":{"filtered":true,"severity":"high"}},"index""#,
            ))
            .into(),
        ),
        ("malformed", r#"{"detail":"Not Found"}"#.into()),
        ("empty", r#"{"choices":[]}"#.into()),
    ];
    assert_unknown(Api::Chat, bodies.into_iter().map(|(cause, body)| (cause, Answer::json(body))).collect());
}

#[test]
fn what_filters_found_harmless_is_known() {
    let checked =
        r#"{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"error":null,"index""#;
    let body = choice(&GOOD.replace("{\"index\"", checked));
    assert_eq!(ask(Api::Chat, Answer::json(body)).unwrap().text, "7");
}

#[test]
fn what_a_server_says_too_late_answers_nobody() {
    let reply = |text: &str| {
        let body = choice(&GOOD.replace("\"7\"", text));
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    let question = Question::new("test", TaskDomain::Math, "What is 7?");
    for pause in [0, 1, 20] {
        let late = Answer::Late(reply("\"7\""), Duration::from_millis(pause), reply("\"999\""));
        let mut config: OpenAiConfig =
            toml::from_str("base_urls = ['http://a']\nmodel = 'silly'\nretries = 0\nconcurrency = 1")
                .unwrap();
        config.base_urls = vec![serve(late)];
        let calls: Vec<Call> =
            (0..20).map(|i| Call { question: &question, trace: None, seed: Seed(i) }).collect();
        for result in OpenAi::new(config).unwrap().run(&calls) {
            assert_eq!(result.unwrap().text, "7", "a pause of {pause} ms");
        }
    }
}

#[test]
fn what_http_says_otherwise_is_unknown() {
    let good = choice(GOOD);
    let of = |status: &str, headers: &str| Answer::of(status, headers, &good);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let bytes = |text: String| Answer::Bytes(text.into_bytes());
    let zeros = vec![b' '; 1 << 20];
    assert_unknown(
        Api::Chat,
        vec![
            ("status_other", of("204 No Content", "")),
            ("status_other", of("202 Accepted", "Content-Type: application/json\r\n")),
            ("status_other", of("206 Partial Content", "Content-Type: application/json\r\n")),
            ("status_other", of("301 Moved Permanently", "Location: http://127.0.0.1:1/\r\n")),
            ("status_other", of("302 Found", "Location: /v1/chat/completions\r\n")),
            ("status_other", of("307 Temporary Redirect", "Location: /v1/chat/completions\r\n")),
            ("status_4xx", of("400 Bad Request", "")),
            ("status_4xx", of("418 I'm a teapot", "")),
            ("status_429", of("429 Too Many Requests", "Retry-After: soon\r\n")),
            ("status_5xx", of("503 Service Unavailable", "")),
            ("status_other", of("999 What", "")),
            ("malformed", of("200 OK", "Content-Type: text/html\r\n")),
            ("malformed", of("200 OK", "Content-Type: text/event-stream\r\n")),
            ("malformed", of("200 OK", "Content-Type: application/octet-stream\r\n")),
            ("malformed", of("200 OK", "Content-Type: jsonish\r\n")),
            // Said to be compressed, and not.
            ("malformed", of("200 OK", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n")),
            ("broken", bytes(format!("{head}Content-Length: 9999\r\n\r\n{good}"))),
            ("malformed", bytes(format!("{head}Content-Length: 20\r\n\r\n{good}"))),
            ("malformed", bytes(format!("{head}Content-Length: -1\r\n\r\n{good}"))),
            ("broken", bytes(format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{good}", good.len()))),
            (
                "malformed",
                bytes(format!("{head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{good}\r\n0\r\n\r\n")),
            ),
            ("malformed", bytes(format!("{good}\r\n"))),
            ("malformed", bytes("HTTP/7.3 two hundred\r\n\r\n".into())),
            ("broken", bytes("HTTP/1.1 200 OK\r\nContent-Ty".into())),
            ("broken", bytes(String::new())),
            ("malformed", Answer::Repeat(format!("{head}\r\n").into_bytes(), zeros.clone(), 20)),
            ("timeout", Answer::AndSilence(Vec::new())),
            ("timeout", Answer::AndSilence(format!("{head}Content-Length: 999\r\n\r\n{{").into_bytes())),
            ("timeout", Answer::Drip(format!("{head}\r\n{good}").into_bytes(), Duration::from_millis(40))),
        ],
    );
}
