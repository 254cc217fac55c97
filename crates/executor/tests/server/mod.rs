//! Starts a test server's script and ends it with the test.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "helpers of tests are tests, and not each uses all of them"
)]

pub mod raw;

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts `openai_server.py`, which answers as an executor, with these options.
    pub fn start(options: &[&str]) -> Server {
        Server::of("crates/executor/tests/openai_server.py", options)
    }

    /// Starts `model_server.py`, which answers as a prompted model, with these options.
    pub fn prompted(options: &[&str]) -> Server {
        Server::of("crates/oracle/tests/model_server.py", options)
    }

    /// Starts a script of the workspace and waits until it listens.
    fn of(script: &str, options: &[&str]) -> Server {
        let workspace =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|place| place.join(script).exists());
        let mut child = Command::new("python3")
            .args(["-I", "-S"])
            .arg(workspace.unwrap_or_else(|| panic!("{script} is not in the workspace")).join(script))
            .arg("--until-stdin-closes")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the server prints its port");
        Server { child, port }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the server counted.
    pub fn stats(&self) -> Value {
        ureq::get(format!("{}/stats", self.url())).call().unwrap().body_mut().read_json().unwrap()
    }

    /// One of the counts.
    pub fn count(&self, name: &str) -> u64 {
        self.stats()[name].as_u64().unwrap()
    }

    /// Kills it now; its port refuses connections from then on.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended itself already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
