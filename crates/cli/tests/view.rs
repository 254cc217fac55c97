//! `tracelift view` and `tracelift report` as a browser, and whoever else is on the network, meet them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::Map;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::Desk;
use tracelift_domain::Seed;
use tracelift_testing::words;
use tracelift_train::metrics::{StepMetrics, name};
use tracelift_train::run::{RunDescription, RunEnd, RunFolder, RunLayout};

/// The binary, showing a folder; killed when the test ends.
struct View {
    child: Child,
    address: String,
}

impl Drop for View {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl View {
    fn of(folder: &Path, arguments: &[&str]) -> View {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tracelift"))
            .arg("view")
            .arg(folder)
            .args(["--port", "0"])
            .args(arguments)
            .env("VIEW_TEST_KEY", "s3cret")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split(['/', '\n']).next().unwrap().to_owned();
        View { child, address }
    }

    fn begin(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
        stream
    }

    /// The status and all of an answer.
    fn ask(&self, what: &str, headers: &[&str]) -> (u16, String) {
        let head: String = headers.iter().map(|header| format!("\r\n{header}")).collect();
        let mut stream = self.begin(&format!("{what} HTTP/1.1\r\nConnection: close{head}"));
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (text.split(' ').nth(1).unwrap().parse().unwrap(), text)
    }

    fn get(&self, address: &str) -> (u16, String) {
        self.ask(&format!("GET {address}"), &[&format!("Host: {}", self.address)])
    }
}

fn run(path: &Path) -> RunFolder {
    RunFolder::create(path, &RunDescription::now("grpo", Seed(3), Map::new()), "[grpo]\nsteps = 5\n").unwrap()
}

#[test]
fn pages_are_for_browsers_that_ask_for_this_server_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    drop(run(&dir.path().join("one")));
    let view = View::of(dir.path(), &[]);
    let (status, page) = view.get("/");
    assert!(status == 200 && page.contains("href=\"/run?run=one\""), "{page}");
    let head = page.split("\r\n\r\n").next().unwrap().to_lowercase();
    for told in [
        "content-security-policy: default-src 'none'",
        "frame-ancestors 'none'",
        "nosniff",
        "no-referrer",
        "no-store",
    ] {
        assert!(head.contains(told), "{told}: {head}");
    }
    assert!(!head.contains("unsafe"), "{head}");
    for asset in ["/view.css", "/view.js"] {
        assert_eq!(view.get(asset).0, 200, "{asset}");
    }
    let port = view.address.rsplit(':').next().unwrap();
    for (host, expected) in [
        (format!("Host: localhost:{port}"), 200),
        (format!("Host: [::1]:{port}"), 200),
        (format!("Host: evil.example:{port}"), 421),
        ("Host: localhost.evil.example".to_owned(), 421),
        ("X-Forwarded-Host: localhost".to_owned(), 400),
    ] {
        let (status, text) = view.ask("GET /run?run=one", &[&host]);
        assert!(status == expected || (expected == 400 && status == 421), "{host}: {text}");
        assert_eq!(text.contains("grpo"), expected == 200, "{host}");
    }
    let host = format!("Host: {}", view.address);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let (status, _) = view.ask(&format!("{method} /run?run=one"), &[&host, "Content-Length: 0"]);
        assert_eq!(status, 405, "{method}");
    }
    for outside in
        ["/run?run=..", "/run?run=%2Fetc", "/run?run=one%2F..%2F..", "/../one", "/ledger?at=/etc/passwd"]
    {
        let (status, text) = view.get(outside);
        assert!(status == 404 && !text.contains("root:"), "{outside}: {text}");
    }
}

#[test]
fn a_key_is_brought_once_and_kept_by_the_browser() {
    let dir = tempfile::tempdir().unwrap();
    drop(run(&dir.path().join("one")));
    let view = View::of(dir.path(), &["--api-key-env", "VIEW_TEST_KEY"]);
    let host = format!("Host: {}", view.address);
    for stranger in ["/", "/?key=wrong", "/run?run=one", "/view.css", "/events", "/metrics"] {
        let (status, text) = view.get(stranger);
        assert!(status == 401 && !text.contains("href"), "{stranger}: {text}");
    }
    let (status, text) = view.get("/run?key=s3cret&run=one");
    assert_eq!(status, 303, "{text}");
    let told = |name: &str| {
        let line = text.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        line.unwrap().split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(told("location"), "/run?run=one", "the key stands in no address any more");
    let cookie = told("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: other=1; {}", cookie.split(';').next().unwrap());
    assert_eq!(view.ask("GET /run?run=one", &[&host, &cookie]).0, 200);
    assert_eq!(view.ask("GET /", &[&host, "Authorization: Bearer s3cret"]).0, 200);
    assert_eq!(view.ask("GET /", &[&host, "Cookie: tracelift_key=other"]).0, 401);
    assert_eq!(view.get("//evil.example/?key=s3cret").1.matches("location: /\r\n").count(), 1);
}

#[test]
fn an_open_page_hears_of_a_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = run(&dir.path().join("one"));
    let view = View::of(dir.path(), &[]);
    let stream = view.begin(&format!("GET /events?run=one HTTP/1.1\r\nHost: {}", view.address));
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut revision = || lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let before = revision();
    let mut metrics = StepMetrics::now(1);
    metrics.set(name::REWARD, 0.5);
    running.record_metrics(&metrics).unwrap();
    assert_ne!(revision(), before);
    assert!(view.get("/run?run=one").1.contains("<dd>1 of 5</dd>"));
}

#[test]
fn where_others_could_look_a_key_is_asked_for() {
    let desk = Desk::new();
    let said = desk.bad(&words("view . --host 0.0.0.0 --port 0"));
    assert!(said.contains("--api-key-env"), "{said}");
    let said = desk.bad(&words("view nowhere"));
    assert!(said.contains("cannot open nowhere"), "{said}");
    let said = desk.bad(&words("report . --out report.html"));
    assert!(said.contains("holds no run"), "{said}");
    assert!(!desk.path("report.html").exists());
}

#[test]
fn a_run_says_how_it_ended_and_a_report_shows_it() {
    let desk = Desk::new();
    let lines = (0..12).map(|at| format!("{{\"prompt\": \"{at}, \", \"completion\": \"next\"}}\n"));
    desk.write("texts.jsonl", &lines.collect::<String>());
    desk.small_model("base", 1);
    let course = "out = \"run\"\n[planner]\nmodel = \"base\"\n[[examples]]\npath = \"texts.jsonl\"\n[sft]\nsteps = 2\nwarmup = 0\n\
                  [held_out]\nshare = 0.0\n";
    desk.write("sft.toml", course);
    desk.good(&words("sft --config sft.toml"));
    assert_eq!(RunLayout::of(desk.path("run")).read_end().unwrap(), Some(RunEnd::Finished));
    let out = desk.good(&words("report run --out report.html --title Trained"));
    assert!(out.contains("report.html"), "{out}");
    let html = desk.read("report.html");
    assert!(
        html.contains("<title>Trained</title>") && html.contains("sft/loss") && html.contains(">finished<")
    );
}
