//! `tracelift model serve` and `[model.NAME]`, as clients of OpenAI's protocol use them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use support::Desk;
use tracelift_domain::{Question, Seed, TaskDomain};
use tracelift_engine::{Checkpoint, Numbers};
use tracelift_executor::{Call, Executor, ExecutorConfig};
use tracelift_testing::{until, words};

/// Turns that end as the model's texts do.
const TEMPLATE: &str = "{% for message in messages %}<{{ message.role }}>{{ message.content }}<eos>{% endfor %}\
                        {% if add_generation_prompt %}<assistant>{% if enable_thinking is defined %}{{ enable_thinking }}{% endif %}{% endif %}";

/// A desk with a model `small` that has a chat template.
fn desk() -> Desk {
    let desk = Desk::new();
    let folder = desk.small_model("small", 1);
    fs::write(folder.join("chat_template.jinja"), TEMPLATE).unwrap();
    desk
}

/// The binary, until it is told to end; killed at the latest when the test ends.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(desk: &Desk, arguments: &str) -> Server {
        let mut child = desk
            .command(&words(arguments))
            .env("MODEL_TEST_KEY", "s3cret")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (_, url) = line.trim().split_once(" at ").unwrap_or_else(|| panic!("{line:?}"));
        Server { child, url: url.to_owned() }
    }

    fn small(desk: &Desk) -> Server {
        Server::start(desk, "model serve small --port 0")
    }

    fn agent() -> ureq::Agent {
        let config = ureq::Agent::config_builder();
        config.http_status_as_error(false).timeout_global(Some(Duration::from_secs(120))).build().into()
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = Server::agent().post(format!("{}{path}", self.url)).send_json(body).unwrap();
        (response.status().as_u16(), response.into_body().read_json().unwrap())
    }

    fn good(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body);
        assert_eq!(status, 200, "{answer}");
        answer
    }

    fn get(&self, path: &str) -> String {
        let response = Server::agent().get(format!("{}{path}", self.url)).call().unwrap();
        response.into_body().read_to_string().unwrap()
    }

    /// The events of a stream, and whether it came to its end.
    fn events(&self, path: &str, body: &Value) -> (Vec<Value>, bool) {
        let response = Server::agent().post(format!("{}{path}", self.url)).send_json(body).unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let text = response.into_body().read_to_string().unwrap();
        let mut events: Vec<&str> = text.split("\n\n").filter(|event| !event.is_empty()).collect();
        let done = events.pop_if(|event| *event == "data: [DONE]").is_some();
        let read = |event: &&str| serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
        (events.iter().map(read).collect(), done)
    }

    /// A value of `/metrics`.
    fn metric(&self, line: &str) -> f64 {
        let text = self.get("/metrics");
        let found = text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok());
        found.unwrap_or(0.0)
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill {signal} {}", self.child.id());
        let killed = std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(killed.success());
    }

    fn wait(mut self) -> ExitStatus {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "the server did not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `tracelift generate` writes to prompts.
fn generated(desk: &Desk, prompts: &[&str], arguments: &str) -> Vec<Value> {
    desk.write("prompts.txt", &(prompts.join("\n") + "\n"));
    let said = desk.good(&words(&format!("generate small --prompts prompts.txt {arguments}")));
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn assert_near(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    assert!(
        found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-6),
        "{found:?} {wanted:?}"
    );
}

#[test]
fn what_is_served_is_what_is_generated_whatever_else_is_asked() {
    let desk = desk();
    let server = Server::small(&desk);
    let prompts = ["One and two.", "One and three, and a few more of them.", "€uro"];
    let settings = [
        ("--max-tokens 24", json!({ "max_tokens": 24, "temperature": 0 })),
        (
            "--max-tokens 24 --temperature 0.9 --top-p 0.9 --samples 3 --seed 7",
            json!({ "max_tokens": 24, "temperature": 0.9, "top_p": 0.9, "n": 3, "seed": 7 }),
        ),
        (
            "--max-tokens 40 --temperature 1.3 --top-k 30 --min-p 0.01 --samples 2 --seed 8 --stop e --stop t",
            json!({ "max_tokens": 40, "temperature": 1.3, "top_k": 30, "min_p": 0.01, "n": 2, "seed": 8, "stop": ["e", "t"] }),
        ),
    ];
    std::thread::scope(|scope| {
        for (arguments, body) in &settings {
            let wanted = generated(&desk, &prompts, arguments);
            for _ in 0..4 {
                let (server, wanted) = (&server, wanted.clone());
                scope.spawn(move || {
                    let mut body = body.clone();
                    (body["model"], body["prompt"]) = (json!("small"), json!(prompts));
                    (body["logprobs"], body["return_token_ids"]) = (json!(0), json!(true));
                    let answer = server.good("/v1/completions", &body);
                    let choices = answer["choices"].as_array().unwrap();
                    assert_eq!(choices.len(), wanted.len());
                    for ((index, choice), wanted) in choices.iter().enumerate().zip(&wanted) {
                        assert_eq!(choice["index"], index);
                        assert_eq!(choice["text"], wanted["text"], "{body}");
                        assert_eq!(choice["token_ids"], wanted["tokens"]);
                        assert_eq!(choice["finish_reason"], wanted["finish"]);
                        assert_near(
                            &numbers(&choice["logprobs"]["token_logprobs"]),
                            &numbers(&wanted["log_probs"]),
                        );
                    }
                    let tokens: usize =
                        wanted.iter().map(|one| one["tokens"].as_array().unwrap().len()).sum();
                    assert_eq!(answer["usage"]["completion_tokens"], tokens);
                });
            }
        }
    });
    // A conversation, and prompts as tokens.
    let wanted =
        generated(&desk, &prompts[..1], "--chat --max-tokens 20 --temperature 0.8 --seed 3 --samples 2");
    let body = json!({
        "model": "small", "messages": [{"role": "user", "content": prompts[0]}], "max_completion_tokens": 20,
        "temperature": 0.8, "seed": 3, "n": 2, "return_token_ids": true,
    });
    let answer = server.good("/v1/chat/completions", &body);
    for (choice, wanted) in answer["choices"].as_array().unwrap().iter().zip(&wanted) {
        assert_eq!(
            (&choice["message"]["content"], &choice["token_ids"]),
            (&wanted["text"], &wanted["tokens"])
        );
        assert_eq!(choice["message"]["role"], "assistant");
    }
    assert_eq!(answer["usage"]["prompt_tokens"], wanted[0]["prompt_tokens"]);
    let tokens = &answer["choices"][0]["prompt_token_ids"];
    let wanted = generated(&desk, &[], "--max-tokens 1");
    assert!(wanted.is_empty());
    let body =
        json!({"model": "small", "prompt": tokens, "max_tokens": 20, "temperature": 0.8, "seed": 3, "n": 2});
    let again = server.good("/v1/completions", &body);
    for (one, other) in again["choices"].as_array().unwrap().iter().zip(answer["choices"].as_array().unwrap())
    {
        assert_eq!(one["text"], other["message"]["content"]);
    }
}

#[test]
fn a_stream_says_the_same_piece_by_piece() {
    let desk = desk();
    let server = Server::small(&desk);
    let messages = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]);
    for more in [
        json!({}),
        json!({"stop": ["e", "quite long, and hardly ever written"]}),
        json!({"logprobs": true, "top_logprobs": 2}),
    ] {
        let mut body = json!({"model": "small", "messages": messages, "max_tokens": 60, "temperature": 1.1, "seed": 5, "n": 2});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let whole = server.good("/v1/chat/completions", &body);
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
        let (events, done) = server.events("/v1/chat/completions", &body);
        assert!(done);
        let (last, chunks) = events.split_last().unwrap();
        assert_eq!(last["choices"], json!([]));
        for tokens in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            assert_eq!(last["usage"][tokens], whole["usage"][tokens]);
        }
        // The prompt was read for the first request, all but its last token.
        let known = whole["usage"]["prompt_tokens"].as_u64().unwrap() - 1;
        assert_eq!(last["usage"]["prompt_tokens_details"]["cached_tokens"], known);
        for (index, choice) in whole["choices"].as_array().unwrap().iter().enumerate() {
            let mine: Vec<&Value> = chunks
                .iter()
                .map(|chunk| &chunk["choices"][0])
                .filter(|choice| choice["index"] == index)
                .collect();
            assert_eq!(mine[0]["delta"], json!({"role": "assistant", "content": ""}));
            let text: String = mine.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
            assert_eq!(text, choice["message"]["content"].as_str().unwrap());
            let finished: Vec<&Value> = mine
                .iter()
                .map(|choice| &choice["finish_reason"])
                .filter(|reason| !reason.is_null())
                .collect();
            assert_eq!(finished, [&choice["finish_reason"]]);
            let entries: Vec<&Value> =
                mine.iter().filter_map(|choice| choice["logprobs"]["content"].as_array()).flatten().collect();
            let wanted: Vec<&Value> =
                choice["logprobs"]["content"].as_array().into_iter().flatten().collect();
            assert_eq!(entries, wanted);
        }
        assert!(
            chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["usage"].is_null())
        );
    }
    let mut body = json!({"model": "small", "prompt": ["Äh, ", "oh"], "max_tokens": 9, "seed": 1, "echo": true, "logprobs": 3});
    let whole = server.good("/v1/completions", &body);
    body["stream"] = json!(true);
    let (events, done) = server.events("/v1/completions", &body);
    assert!(done && events.iter().all(|chunk| chunk.get("usage").is_none()));
    for (index, choice) in whole["choices"].as_array().unwrap().iter().enumerate() {
        let mine: Vec<&Value> = events
            .iter()
            .map(|chunk| &chunk["choices"][0])
            .filter(|choice| choice["index"] == index)
            .collect();
        let text: String = mine.iter().map(|choice| choice["text"].as_str().unwrap()).collect();
        assert_eq!(text, choice["text"].as_str().unwrap());
        let offsets = numbers(&choice["logprobs"]["text_offset"]);
        assert!(offsets.is_sorted() && offsets[0] == 0.0, "{offsets:?}");
        for list in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            let told: Vec<&Value> =
                mine.iter().flat_map(|choice| choice["logprobs"][list].as_array().unwrap()).collect();
            let wanted: Vec<&Value> = choice["logprobs"][list].as_array().unwrap().iter().collect();
            assert_eq!(told, wanted, "{list}");
        }
    }
}

#[test]
fn a_prompt_is_scored_as_the_model_itself_scores_it() {
    let desk = desk();
    let server = Server::small(&desk);
    // As lm-eval asks: tokens, several at a time, one token more than nothing.
    let prompts = json!([[72, 101, 108, 108, 111], [72, 105], [72]]);
    let body = json!({"model": "small", "prompt": prompts, "max_tokens": 1, "temperature": 0, "logprobs": 1, "echo": true, "seed": 1});
    let answer = server.good("/v1/completions", &body);
    let Checkpoint { model, .. } = Checkpoint::load(&desk.path("small")).unwrap();
    for (choice, prompt) in answer["choices"].as_array().unwrap().iter().zip(prompts.as_array().unwrap()) {
        let prompt: Vec<u32> = numbers(prompt).iter().map(|id| *id as u32).collect();
        let found = choice["logprobs"]["token_logprobs"].as_array().unwrap();
        let top = choice["logprobs"]["top_logprobs"].as_array().unwrap();
        assert_eq!((found.len(), &found[0], &top[0]), (prompt.len() + 1, &Value::Null, &Value::Null));
        let sampler = tracelift_engine::Sampler::on(tracelift_engine::Device::Cpu, &model, Numbers::F32);
        for at in 1..prompt.len() {
            // Written greedily from here on: the first token's number, if it is the prompt's.
            let request = tracelift_engine::Request { prompt: prompt[..at].to_vec(), seeds: vec![Seed(0)] };
            let greedy = tracelift_engine::Sampling::greedy(1, vec![]);
            let first = &sampler.generate(&[request], &greedy).unwrap()[0][0];
            let best =
                top[at].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).fold(f64::MIN, f64::max);
            assert!((best - f64::from(first.log_probs[0])).abs() < 1e-5);
            assert_eq!(best == found[at].as_f64().unwrap(), first.tokens[0] == prompt[at]);
        }
    }
    let alone = json!({"model": "small", "prompt": "Hello", "max_tokens": 0, "logprobs": 0, "echo": true, "temperature": 0});
    let alone = server.good("/v1/completions", &alone);
    assert_eq!(alone["choices"][0]["text"], "Hello");
    assert_eq!(alone["choices"][0]["finish_reason"], "length");
    let wanted = &answer["choices"][0]["logprobs"]["token_logprobs"].as_array().unwrap()[..5];
    assert_eq!(alone["choices"][0]["logprobs"]["token_logprobs"], json!(wanted));
    assert_eq!(
        alone["usage"],
        json!({"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 0}})
    );
}

#[test]
fn what_cannot_be_done_is_refused_by_its_name() {
    let desk = desk();
    let server = Server::small(&desk);
    let said = json!([{"role": "user", "content": "Why?"}]);
    for (field, value, param) in [
        ("tools", json!([{"type": "function", "function": {"name": "f"}}]), "tools"),
        ("response_format", json!({"type": "json_object"}), "response_format"),
        ("presence_penalty", json!(0.5), "presence_penalty"),
        ("logit_bias", json!({"5": 100}), "logit_bias"),
        ("temprature", json!(1), "temprature"),
        ("temperature", json!("hot"), "temperature"),
        ("temperature", json!(-1), "temperature"),
        ("top_p", json!(0), "top_p"),
        ("min_p", json!(1.5), "min_p"),
        ("n", json!(0), "n"),
        ("n", json!(129), "n"),
        ("top_k", json!(1.5), "top_k"),
        ("max_tokens", json!(0), "max_tokens"),
        ("max_tokens", json!(100_000), "messages"),
        ("stop", json!([""]), "stop"),
        ("stop", json!(7), "stop"),
        ("seed", json!("a"), "seed"),
        ("top_logprobs", json!(2), "top_logprobs"),
        ("logprobs", json!(2), "logprobs"),
        ("stream_options", json!({"include_usage": true}), "stream_options"),
        ("continue_final_message", json!(true), "continue_final_message"),
        ("chat_template_kwargs", json!({"date": "today"}), "chat_template_kwargs.date"),
        ("messages", json!([]), "messages"),
        ("messages", json!([{"role": "user"}]), "messages[0].content"),
        ("messages", json!([{"role": "tool", "content": "x"}]), "messages[0].role"),
        (
            "messages",
            json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]),
            "messages[0].content[0]",
        ),
        ("messages", json!([{"role": "user", "content": "x", "tool_calls": [1]}]), "messages[0].tool_calls"),
        ("messages", json!([{"role": "user", "content": "long ".repeat(5000)}]), "messages"),
        ("model", Value::Null, "model"),
    ] {
        let mut body = json!({"model": "small", "messages": said, "max_tokens": 4});
        body[field] = value.clone();
        let (status, answer) = server.post("/v1/chat/completions", &body);
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)), "{field}: {value}: {answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(param.split('[').next().unwrap()),
            "{answer}"
        );
    }
    fs::remove_file(desk.path("small/chat_template.jinja")).unwrap();
    let plain = Server::small(&desk);
    let (status, answer) = plain.post("/v1/chat/completions", &json!({"model": "small", "messages": said}));
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("messages")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("/v1/completions"), "{answer}");
    let (status, answer) = server.post("/v1/chat/completions", &json!({"model": "large", "messages": said}));
    assert_eq!((status, &answer["error"]["code"]), (404, &json!("model_not_found")));
    for (body, param) in [
        (json!({"model": "small", "prompt": ""}), "prompt"),
        (json!({"model": "small", "prompt": [1, "a"]}), "prompt"),
        (json!({"model": "small", "prompt": [99_999]}), "prompt"),
        (json!({"model": "small", "prompt": "x", "suffix": "y"}), "suffix"),
        (json!({"model": "small", "prompt": "x", "max_tokens": 0}), "max_tokens"),
        (json!({"model": "small", "prompt": "x", "logprobs": 21}), "logprobs"),
        (json!({"model": "small", "prompt": "x", "best_of": 2}), "best_of"),
        (json!({"model": "small"}), "prompt"),
        (json!([1]), "body"),
    ] {
        let (status, answer) = server.post("/v1/completions", &body);
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)), "{body}: {answer}");
    }
    // What says what is done anyway is taken.
    let body = json!({
        "model": "small", "messages": [{"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]}],
        "max_tokens": 2, "presence_penalty": 0, "frequency_penalty": 0.0, "tools": [], "response_format": {"type": "text"},
        "user": "somebody", "top_k": -1, "stop": null, "logit_bias": null, "store": false,
    });
    server.good("/v1/chat/completions", &body);
    let ready: Value = serde_json::from_str(&server.get("/ready")).unwrap();
    assert_eq!(
        (&ready["status"], &ready["checks"]["models"]["is"][0]["name"]),
        (&json!("ready"), &json!("small"))
    );
    // Models that are there, and those that are not.
    let models: Value = serde_json::from_str(&server.get("/v1/models")).unwrap();
    assert_eq!(models["data"][0]["id"], "small");
    let model: Value = serde_json::from_str(&server.get("/v1/models/small")).unwrap();
    assert_eq!(model, models["data"][0]);
    let none: Value = serde_json::from_str(&server.get("/v1/models/org/none")).unwrap();
    assert_eq!(none["error"]["code"], "model_not_found");
}

#[test]
fn who_hangs_up_is_forgotten_and_who_finds_no_room_is_told_when_to_come_back() {
    let desk = Desk::new();
    // A model that writes for long: nothing ends its texts, and each takes a while.
    desk.good(&words("model init small --hidden 512 --layers 12 --max-positions 8192"));
    let server = Server::start(&desk, "model serve small --port 0 --queue 2 --threads 1");
    let body =
        json!({"model": "small", "prompt": "On", "max_tokens": 8000, "ignore_eos": true, "stream": true});
    let open = |body: &Value| {
        let body = body.to_string();
        let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
        let head =
            format!("POST /v1/completions HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
        stream
    };
    let mut streams = vec![open(&body), open(&body)];
    // Both are told what is written while it is written.
    for stream in &mut streams {
        let mut first = [0; 15];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
    }
    let response = Server::agent().post(format!("{}/v1/completions", server.url));
    let response = response.send_json(json!({"model": "small", "prompt": "On", "max_tokens": 2})).unwrap();
    assert_eq!(response.status().as_u16(), 429);
    let wait: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait));
    let answer: Value = response.into_body().read_json().unwrap();
    assert_eq!(
        (&answer["error"]["code"], &answer["error"]["type"]),
        (&json!("queue_full"), &json!("rate_limit_error"))
    );
    let many = json!({"model": "small", "prompt": "On", "max_tokens": 2, "n": 3});
    assert_eq!(server.post("/v1/completions", &many).0, 400);
    drop(streams);
    let cancelled = r#"tracelift_completions_total{model="small",outcome="cancelled"}"#;
    until("both are forgotten", || server.metric(cancelled) == 2.0);
    until("their places are free", || server.metric(r#"tracelift_model_sequences{section="models"}"#) == 0.0);
    server.good("/v1/completions", &json!({"model": "small", "prompt": "On", "max_tokens": 2}));
    // A stream that has begun is told to its end where the server is to stop.
    let body =
        json!({"model": "small", "prompt": "On", "max_tokens": 300, "ignore_eos": true, "stream": true});
    let mut stream = open(&body);
    stream.read_exact(&mut [0; 15]).unwrap();
    server.signal("-TERM");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("data: [DONE]") && rest.contains(r#""finish_reason":"length""#), "{rest}");
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn models_are_sections_of_a_server_and_answer_the_houses_own_executor() {
    let desk = desk();
    let locked =
        Server::start(&desk, "model serve small --port 0 --api-key-env MODEL_TEST_KEY --name locked");
    let refused = locked.post("/v1/completions", &json!({"model": "locked", "prompt": "x"}));
    assert_eq!(refused.0, 401);
    let agent = Server::agent().post(format!("{}/v1/completions", locked.url));
    let answer =
        agent.header("Authorization", "Bearer s3cret").send_json(json!({"model": "locked", "prompt": "x"}));
    assert_eq!(answer.unwrap().status().as_u16(), 200);
    desk.small_model("other", 2);
    let config = "listen = '127.0.0.1:0'\n[model.small]\nmodel = 'small'\n\
                  [model.'org/other']\nmodel = 'other'\nnumbers = 'int8'\nsequences = 2\n";
    desk.write("serve.toml", config);
    let server = Server::start(&desk, "serve --config serve.toml");
    let question = Question::new("test", TaskDomain::Math, "What is 2 + 3?");
    for (name, dir, numbers) in [("small", "small", "f32"), ("org/other", "other", "int8")] {
        for prompt in ["plain", "chat"] {
            if (prompt, name) == ("chat", "org/other") {
                continue;
            }
            let layout = if prompt == "chat" { "layout = 'chat'" } else { "layout = 'plain'" };
            let sampling = "temperature = 0.0\nmax_tokens = 12\n";
            let api = if prompt == "chat" { "chat" } else { "completions" };
            let open = |section: &str| -> Box<dyn Executor> {
                toml::from_str::<ExecutorConfig>(section).unwrap().open().unwrap()
            };
            let served = open(&format!(
                "[openai]\nbase_urls = ['{}']\nmodel = '{name}'\napi = '{api}'\n\
                 [openai.prompt]\n{layout}\n[openai.sampling]\n{sampling}",
                server.url
            ));
            let here = open(&format!(
                "[in_process]\nmodel = '{}'\nnumbers = '{numbers}'\n[in_process.prompt]\n{layout}\n[in_process.sampling]\n{sampling}",
                desk.path(dir).display()
            ));
            let calls: Vec<Call<'_>> =
                (0..3).map(|i| Call { question: &question, trace: None, seed: Seed(i) }).collect();
            for (one, other) in served.run(&calls).into_iter().zip(here.run(&calls)) {
                let (one, other) = (one.unwrap(), other.unwrap());
                assert_eq!((&one.text, one.truncated), (&other.text, other.truncated), "{name} {prompt}");
                assert_eq!(one.prompt_tokens, other.prompt_tokens);
            }
        }
    }
}
