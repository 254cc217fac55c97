//! Servers that answer as models do: scripts of their own, so that a client meets bytes of another's making.

use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts `servers/openai.py`, which answers as an executor, with these options.
    #[must_use]
    pub fn start(options: &[&str]) -> Server {
        Server::of("openai.py", options)
    }

    /// Starts `servers/prompted.py`, which answers as a prompted model, with these options.
    #[must_use]
    pub fn prompted(options: &[&str]) -> Server {
        Server::of("prompted.py", options)
    }

    /// Starts a script and waits until it listens.
    fn of(script: &str, options: &[&str]) -> Server {
        let mut child = Command::new("python3")
            .args(["-I", "-S"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("servers").join(script))
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
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What the server counted.
    #[must_use]
    pub fn stats(&self) -> Value {
        self.ask("GET /stats", "")
    }

    /// Lets an executor's server give so many more completions; those after them wait until they are released, and count
    /// as `held`.
    pub fn hold_after(&self, completions: u64) {
        self.ask("POST /hold", &json!({ "after": completions }).to_string());
    }

    /// Holds nothing back any more.
    pub fn release(&self) {
        self.ask("POST /hold", &json!({ "after": null }).to_string());
    }

    fn ask(&self, what: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{what} HTTP/1.1\r\nHost: here\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let answer = io::read_to_string(stream).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str(body).unwrap()
    }

    /// One of the counts.
    #[must_use]
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
