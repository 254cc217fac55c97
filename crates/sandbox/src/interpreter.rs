//! What an interpreter needs to run, as it says itself.

use crate::SandboxError;
use serde::Deserialize;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// How long the interpreter may take to say where it lives.
const PATIENCE: Duration = Duration::from_secs(60);

const QUESTION: &str = include_str!("zygote/interpreter.py");

/// An interpreter and what has to be readable for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Interpreter {
    /// The interpreter itself, not a script that chooses one.
    pub executable: PathBuf,
    /// Files and folders, without the sandbox's own.
    pub visible: Vec<PathBuf>,
    /// Where modules are found.
    pub search: Vec<String>,
    /// The version, for the minimum.
    pub version: (u32, u32),
}

impl Interpreter {
    /// Asks the interpreter at a path.
    pub fn ask(python: &Path) -> Result<Self, SandboxError> {
        let broken = |message: String| SandboxError::Interpreter { path: python.to_owned(), message };
        let mut child = Command::new(python)
            .args(["-s", "-S", "-B", "-c", QUESTION])
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME")
            .env_remove("PYTHONSTARTUP")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| broken(error.to_string()))?;
        let deadline = Instant::now() + PATIENCE;
        // The answer is shorter than a pipe is deep, so that the interpreter never waits for a reader.
        let status = loop {
            match child.try_wait().map_err(|error| broken(error.to_string()))? {
                Some(status) => break status,
                None if Instant::now() > deadline => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(broken(format!("no answer within {} s", PATIENCE.as_secs())));
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let mut answer = String::new();
        let mut complaint = String::new();
        if let Some(stdout) = child.stdout.take() {
            stdout.take(1 << 16).read_to_string(&mut answer).map_err(|error| broken(error.to_string()))?;
        }
        if let Some(stderr) = child.stderr.take() {
            let mut bytes = Vec::new();
            stderr.take(1 << 12).read_to_end(&mut bytes).map_err(|error| broken(error.to_string()))?;
            complaint = String::from_utf8_lossy(&bytes).trim().to_owned();
        }
        if !status.success() {
            return Err(broken(format!("{status}: {complaint}")));
        }
        let found: Self =
            serde_json::from_str(&answer).map_err(|error| broken(format!("its answer: {error}")))?;
        if found.version < (3, 8) {
            return Err(broken(format!("version {}.{} is older than 3.8", found.version.0, found.version.1)));
        }
        Ok(found)
    }
}
