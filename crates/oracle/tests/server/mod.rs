//! Starts `model_server.py` and ends it with the test.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "helpers of tests are tests, and not each uses all of them"
)]

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
    /// Starts a server with these options and waits until it listens.
    pub fn start(options: &[&str]) -> Server {
        let script = "crates/oracle/tests/model_server.py";
        let workspace =
            Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().find(|place| place.join(script).exists());
        let mut child = Command::new("python3")
            .args(["-I", "-S"])
            .arg(workspace.expect("model_server.py lies beside the tests of the oracle").join(script))
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
