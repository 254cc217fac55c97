//! `tracelift rm serve`, as a person and a framework use it.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tracelift_domain::{Question, Seed, TaskDomain, Trace};
use tracelift_engine::{Config, Model, Precision, Tokenizer};
use tracelift_reward::RewardModel;
use tracelift_testing::TinyModel;

fn reward_model(dir: &Path) -> RewardModel {
    let config = TinyModel { positions: 512, ..TinyModel::BYTES }.config();
    let config = Config::from_json(&config).unwrap();
    let backbone = Model::random(config, Seed(3));
    let model = RewardModel::new(backbone, Tokenizer::byte_level().unwrap(), TaskDomain::Math, Seed(3));
    model.save(dir, Precision::F32).unwrap();
    model
}

/// The binary, until it is told to end; killed at the latest when the test ends.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(dir: &Path, arguments: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tracelift"))
            .args(["rm", "serve"])
            .arg(dir)
            .args(["--port", "0", "--log", "json"])
            .args(arguments)
            .env("SERVE_TEST_KEY", "s3cret")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url =
            line.trim().strip_prefix("reward model at ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Server { child, url }
    }

    fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        let mut request = agent.post(format!("{}{path}", self.url));
        if let Some(key) = key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let response = request.send_json(body).unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().read_json().unwrap())
    }

    /// Sends a signal and waits for the end; returns how it ended and what was logged.
    fn end(mut self, signal: &str) -> (ExitStatus, String) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let until = Instant::now() + Duration::from_secs(60);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "the server did not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        let log = std::io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        (status, log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serves_scores_and_ends_with_zero_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let model = reward_model(folder.path());
    for signal in ["-TERM", "-INT"] {
        let server = Server::start(folder.path(), &["--api-key-env", "SERVE_TEST_KEY"]);
        let item =
            json!({"problem": "What is 2 + 3?", "reasoning": "Add a private thought.", "task_name": "test"});
        let body = json!({"items": [item], "max_length": 512, "batch_size": 1});
        assert_eq!(server.post("/score", None, &body).0, 401);
        let (status, answer) = server.post("/score", Some("s3cret"), &body);
        assert_eq!(status, 200, "{answer}");
        let question = Question::new("test", TaskDomain::Math, "What is 2 + 3?");
        let trace = Trace::new("Add a private thought.").unwrap();
        let wanted = model.score(&[model.encode(&question, &trace).unwrap()])[0].score;
        assert!((answer["scores"][0].as_f64().unwrap() - wanted).abs() < 1e-6, "{answer} is not {wanted}");
        let (status, log) = server.end(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let answered = lines.iter().find(|line| line["status"] == 200).unwrap_or_else(|| panic!("{log}"));
        assert_eq!((&answered["route"], &answered["message"]), (&json!("/score"), &json!("answered")));
        assert!(lines.iter().any(|line| line["message"] == "drained"), "{log}");
        for secret in ["private", "2 + 3", "s3cret", "panicked"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}

#[test]
fn ends_at_once_where_only_half_requests_are_open() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    reward_model(folder.path());
    let server = Server::start(folder.path(), &["--grace", "50"]);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let halves = ["POST /score HT", "POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{"];
    let held = halves.map(|half| {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(half.as_bytes()).unwrap();
        stream
    });
    let (status, log) = server.end("-TERM");
    assert_eq!(status.code(), Some(0), "{log}");
    let mut drained = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let drained = drained.rfind(|line| line["message"] == "drained").unwrap();
    // A tenth of a second over what half a request is given is usual; this says that the grace was not waited for.
    assert!(drained["seconds"].as_f64().unwrap() < 40.0, "{log}");
    drop(held);
}

#[test]
fn the_servers_of_the_house_do_not_ask_for_the_same_port() {
    let port = |command: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tracelift")).args(command).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, rest) = text.split_once("--port <PORT>").unwrap();
        let (_, rest) = rest.split_once("[default: ").unwrap();
        rest.split_once(']').unwrap().0.to_owned()
    };
    assert_ne!(port(&["rm", "serve"]), port(&["verify", "serve"]));
}

#[test]
fn says_why_it_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    reward_model(folder.path());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_tracelift")).args(["rm", "serve"]).args(arguments).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let dir = folder.path().to_str().unwrap();
    for (arguments, status, part) in [
        (vec!["no-such-directory"], 1, "failed to read the reward model in no-such-directory"),
        (vec![dir, "--port", &port], 1, "choose another --host or --port"),
        (vec![dir, "--api-key-env", "NO_SUCH_VARIABLE"], 1, "NO_SUCH_VARIABLE is not set"),
        (vec![dir, "--timeout", "0"], 2, "must be above 0"),
        (vec![dir, "--tags", "some"], 2, "required, optional"),
        (vec![dir, "--log", "xml"], 2, "choose text or json"),
    ] {
        let (found, errors) = said(&arguments);
        assert_eq!(found, Some(status), "{errors}");
        assert!(errors.contains(part) && !errors.contains("panicked"), "{errors}");
    }
}
