//! The code service over real connections, with a runner that starts a real interpreter (and isolates nothing).

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Server, listen, raw, status_of};
use tracelift_serve::{
    CodeRunner, CodeServiceConfig, Ending, ListenConfig, RunFault, RunOutcome, RunRequest, code_service,
};
use tracelift_testing::until;

/// Runs `python3` in a folder of its own. For tests alone.
struct Interpreter;

impl CodeRunner for Interpreter {
    fn run(&self, request: &RunRequest) -> Result<RunOutcome, RunFault> {
        if request.language != "python" {
            return Err(RunFault::Unsupported(format!("`{}` is not run here, python is", request.language)));
        }
        let failed = |error: std::io::Error| RunFault::Infrastructure(error.to_string());
        assert!(request.code != "panic", "as asked");
        let folder = tempfile::tempdir().map_err(failed)?;
        for (path, bytes) in &request.files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).map_err(failed)?;
            std::fs::write(path, bytes).map_err(failed)?;
        }
        let started = Instant::now();
        let mut child = Command::new("python3")
            .args(["-c", &request.code])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (mut stdin, stdout, stderr) =
            (child.stdin.take().unwrap(), child.stdout.take(), child.stderr.take());
        let input = request.stdin.clone();
        // A program that does not read its input closes the pipe, which is no fault.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                pipe.read_to_end(&mut bytes).unwrap();
                bytes
            })
        }
        let (stdout, stderr) = (reader(stdout.unwrap()), reader(stderr.unwrap()));
        let ending = loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                break status
                    .code()
                    .map_or_else(|| Ending::Signalled(status.signal().unwrap()), Ending::Exited);
            }
            if started.elapsed() > request.run_timeout {
                child.kill().map_err(failed)?;
                child.wait().map_err(failed)?;
                break Ending::TimeLimit;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let wall = started.elapsed();
        writer.join().unwrap();
        let found = |path: &String| Some((path.clone(), std::fs::read(folder.path().join(path)).ok()?));
        let files: BTreeMap<_, _> = request.fetch_files.iter().filter_map(found).collect();
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        Ok(RunOutcome { ending, stdout, stderr, wall, cpu: None, files })
    }

    fn describe(&self) -> Value {
        json!({ "name": "python3 without a sandbox, for tests" })
    }
}

fn server(config: CodeServiceConfig, listen: ListenConfig) -> Server {
    Server::of(code_service(Arc::new(Interpreter), config, &listen).unwrap(), listen)
}

fn two_jobs() -> Server {
    server(CodeServiceConfig { jobs: 2, ..CodeServiceConfig::default() }, listen())
}

/// As verl asks.
fn asked(code: &str, stdin: &str, timeout: f64) -> Value {
    json!({
        "compile_timeout": timeout, "run_timeout": timeout, "code": code, "stdin": stdin, "memory_limit_MB": 1024,
        "language": "python", "files": {}, "fetch_files": [],
    })
}

/// What verl makes of an answer: `true`/`false` where the program ran, a negative number where it did not.
fn judged(answer: &Value, expected: &str) -> Value {
    let run = &answer["run_result"];
    match answer["status"].as_str().unwrap() {
        "Success" if run["status"] == "Finished" => {
            json!(run["stdout"].as_str().unwrap().trim_end_matches('\n') == expected.trim_end_matches('\n'))
        }
        "Failed" if run["status"] == "TimeLimitExceeded" => json!(-3),
        "Failed" if run["status"] == "Finished" && run["return_code"] != json!(0) => json!(-2),
        _ => json!(-1),
    }
}

#[test]
fn verl_reads_every_ending() {
    let server = two_jobs();
    let run = |code: &str, timeout: f64| {
        let (status, answer) = server.post("/run_code", &asked(code, "3 4\n", timeout));
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let sum = run("print(sum(map(int, input().split())))", 10.0);
    assert_eq!(judged(&sum, "7"), json!(true));
    assert_eq!(judged(&sum, "8"), json!(false));
    assert_eq!(
        (&sum["message"], &sum["compile_result"], &sum["executor_pod_name"], &sum["files"]),
        (&json!(""), &Value::Null, &Value::Null, &json!({}))
    );
    let result = &sum["run_result"];
    assert_eq!((&result["return_code"], &result["stderr"]), (&json!(0), &json!("")));
    assert!(result["execution_time"].as_f64().unwrap() > 0.0);
    let raised = run("raise ValueError('no')", 10.0);
    assert_eq!((judged(&raised, ""), &raised["run_result"]["return_code"]), (json!(-2), &json!(1)));
    assert!(raised["run_result"]["stderr"].as_str().unwrap().contains("ValueError: no"));
    let killed = run("import os; os.kill(os.getpid(), 9)", 10.0);
    assert_eq!((judged(&killed, ""), &killed["run_result"]["return_code"]), (json!(-2), &json!(-9)));
    let slow = run("print('a', flush=True)\nimport time; time.sleep(60)", 5.0);
    assert_eq!((judged(&slow, ""), &slow["run_result"]["stdout"]), (json!(-3), &json!("a\n")));
    let panicked = run("panic", 10.0);
    assert_eq!((judged(&panicked, ""), &panicked["status"]), (json!(-1), &json!("SandboxError")));
    let mut other = asked("int main() {}", "", 10.0);
    other["language"] = json!("cpp");
    let (status, answer) = server.post("/run_code", &other);
    assert_eq!((status, &answer["status"]), (200, &json!("SandboxError")));
    assert!(answer["message"].as_str().unwrap().contains("`cpp` is not run here"));
    assert_eq!(server.metric("tracelift_runs_total{ending=\"exit_0\"}"), 1.0);
    assert_eq!(server.metric("tracelift_runs_total{ending=\"time_limit\"}"), 1.0);
}

#[test]
fn files_go_in_and_come_out() {
    let server = two_jobs();
    let mut body = asked("open('out.bin', 'wb').write(open('in/a.txt', 'rb').read() * 2)", "", 10.0);
    body["files"] = json!({"in/a.txt": "aGk=", "skipped": null});
    body["fetch_files"] = json!(["out.bin", "absent"]);
    let (status, answer) = server.post("/run_code", &body);
    assert_eq!((status, &answer["files"]), (200, &json!({"out.bin": "aGloaQ=="})), "{answer}");
    body["fetch_files"] = json!(["../../etc/passwd"]);
    let (status, answer) = server.post("/run_code", &body);
    assert_eq!((status, &answer["error"]["code"]), (422, &json!("invalid_request")));
}

#[test]
fn the_least_request_runs_and_a_wrong_one_does_not() {
    let server = two_jobs();
    let (status, answer) =
        server.post("/run_code", &json!({"code": "print('Hello, world!')", "language": "python"}));
    assert_eq!((status, &answer["run_result"]["stdout"]), (200, &json!("Hello, world!\n")));
    for (body, status) in [
        (json!({"language": "python"}), 400),
        (json!({"code": "1"}), 400),
        (json!({"code": 1, "language": "python"}), 400),
        (json!({"code": "1", "language": "cobol"}), 422),
    ] {
        let (found, answer) = server.post("/run_code", &body);
        assert_eq!(found, status, "{answer}");
    }
}

#[test]
fn programs_wait_and_then_are_refused() {
    let config = CodeServiceConfig { jobs: 1, queue: 1, ..CodeServiceConfig::default() };
    let server = server(config, listen());
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let code = format!("import os, time\nwhile not os.path.exists({go:?}): time.sleep(0.01)");
    let slow = asked(&code, "", 60.0).to_string();
    let mut first = raw(server.address, "/run_code", &slow);
    until("the first one runs", || server.metric("tracelift_queue_wait_seconds_count") == 1.0);
    let leaving = raw(server.address, "/run_code", &slow);
    until("one waits", || server.metric("tracelift_queue_items") == 1.0);
    let (status, answer) = server.post("/run_code", &asked("1", "", 10.0));
    assert_eq!((status, &answer["error"]["code"]), (429, &json!("queue_full")));
    drop(leaving);
    std::fs::write(&go, "").unwrap();
    assert_eq!(status_of(&mut first), Some(200));
    until("the second one is dropped", || server.metric("tracelift_items_dropped_total") == 1.0);
    assert_eq!(server.post("/run_code", &asked("1", "", 10.0)).0, 200);
}

#[test]
fn a_time_out_is_one_that_verl_tries_again() {
    let config = CodeServiceConfig { jobs: 1, ..CodeServiceConfig::default() };
    let server = server(config, ListenConfig { timeout: Duration::from_millis(500), ..listen() });
    let (status, answer) = server.post("/run_code", &asked("import time; time.sleep(2)", "", 10.0));
    assert_eq!((status, &answer["error"]["code"]), (504, &json!("timed_out")));
}

#[test]
fn shutdown_lets_programs_end() {
    let server = two_jobs();
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let code = format!("import os, time\nwhile not os.path.exists({go:?}): time.sleep(0.01)");
    let mut running = raw(server.address, "/run_code", &asked(&code, "", 60.0).to_string());
    until("it runs", || server.metric("tracelift_queue_wait_seconds_count") == 1.0);
    server.stop();
    std::fs::write(&go, "").unwrap();
    assert_eq!(status_of(&mut running), Some(200));
    assert!(server.join().complete);
}

#[test]
fn the_document_describes_the_routes() {
    let server = two_jobs();
    let document: Value = serde_json::from_str(&server.get("/openapi.json").1).unwrap();
    let service = code_service(Arc::new(Interpreter), CodeServiceConfig::default(), &listen()).unwrap();
    let mut paths = service.paths();
    paths.sort_unstable();
    let mut described: Vec<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    described.sort_unstable();
    assert_eq!(described, paths);
    let example =
        &document["paths"]["/run_code"]["post"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(server.post("/run_code", example).1["run_result"]["stdout"], "hello\n");
    let health: Value = serde_json::from_str(&server.get("/health").1).unwrap();
    assert_eq!(health["service"]["kind"], "code runner");
}
