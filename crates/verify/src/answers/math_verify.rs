//! Mode `math-verify`: the Python library [Math-Verify](https://github.com/huggingface/Math-Verify) in child processes.
//!
//! The library has no bound of its own that holds off the main thread, so each comparison has a deadline here, and the
//! child that misses it is killed. A missed deadline, a crash and an exception in the library are all
//! [`MathVerdict::Undecided`]: known not to be known.

use super::native::{MatchTypes, MathOptions, MathVerdict};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const SCRIPT: &str = include_str!("math_verify_child.py");
/// Importing SymPy takes half a second on an idle machine.
const START: Duration = Duration::from_secs(60);
/// No reply is longer.
const LONGEST_REPLY: usize = 1 << 20;

/// How the library is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MathVerifyConfig {
    /// An interpreter in which `math_verify` can be imported. Default: `python3`.
    pub python: PathBuf,
    /// Wall time of one comparison in seconds, after which its process is killed. Default: 5.
    pub timeout_s: f64,
}

impl Default for MathVerifyConfig {
    fn default() -> Self {
        MathVerifyConfig { python: PathBuf::from("python3"), timeout_s: 5.0 }
    }
}

/// The library cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum MathVerifyError {
    /// No interpreter.
    #[error("cannot start {}: {source}", python.display())]
    Start {
        /// The interpreter.
        python: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The interpreter has no such library.
    #[error(
        "{} cannot import math_verify ({why}); install it there with `pip install 'math-verify[antlr4_13_2]'`, or name \
         an interpreter that has it",
        python.display()
    )]
    Missing {
        /// The interpreter.
        python: PathBuf,
        /// What it says.
        why: String,
    },
    /// It ended, or did not answer in time, before the first comparison.
    #[error("{} did not get ready to compare answers: {why}", python.display())]
    NotReady {
        /// The interpreter.
        python: PathBuf,
        /// What happened.
        why: String,
    },
}

/// What the library said of one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MathVerifyReply {
    /// Its verdict.
    pub verdict: MathVerdict,
    /// What it read from the gold answer.
    pub gold: Option<String>,
    /// What it read from the prediction.
    pub pred: Option<String>,
}

/// The library, in as many processes as there are threads that ask at the same time.
#[derive(Debug)]
pub struct MathVerify {
    config: MathVerifyConfig,
    idle: Mutex<Vec<Worker>>,
}

impl MathVerify {
    /// Nothing is started until the first comparison.
    #[must_use]
    pub fn new(config: MathVerifyConfig) -> MathVerify {
        MathVerify { config, idle: Mutex::default() }
    }

    /// Starts a process, so that a missing library shows before hours of work do.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub fn probe(&self) -> Result<(), MathVerifyError> {
        let worker = self.worker()?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        Ok(())
    }

    /// Compares one pair.
    ///
    /// # Errors
    /// When the library cannot be used at all.
    pub fn compare(
        &self,
        gold: &str,
        pred: &str,
        options: &MathOptions,
    ) -> Result<MathVerifyReply, MathVerifyError> {
        let mut worker = self.worker()?;
        let deadline = Instant::now() + Duration::from_secs_f64(self.config.timeout_s.clamp(0.01, 3600.0));
        let request = Request {
            gold,
            pred,
            match_types: names(options.match_types),
            precision: options.precision,
            strict: options.strict,
            allow_set_relation_comp: options.allow_set_relation_comp,
        };
        let undecided =
            |why: String| MathVerifyReply { verdict: MathVerdict::Undecided(why), gold: None, pred: None };
        let reply = match worker.ask(&request, deadline) {
            Ok(reply) => reply,
            // The process is in an unknown state: it is killed when it goes out of scope.
            Err(Silence::TimeOut) => {
                return Ok(undecided(format!("math-verify took longer than {} s", self.config.timeout_s)));
            }
            Err(Silence::Broken(why)) => return Ok(undecided(format!("math-verify broke: {why}"))),
        };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        let verdict = match reply.verdict {
            Word::Equal => MathVerdict::Equal,
            Word::Different => MathVerdict::Different,
            Word::NoAnswer => MathVerdict::NoAnswer,
            Word::GoldUnparsable => MathVerdict::GoldUnparsable,
            Word::Undecided => MathVerdict::Undecided(reply.why.unwrap_or_default()),
        };
        Ok(MathVerifyReply { verdict, gold: reply.gold, pred: reply.pred })
    }

    fn worker(&self) -> Result<Worker, MathVerifyError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Worker::start(&self.config), Ok)
    }
}

#[derive(Serialize)]
struct Request<'a> {
    gold: &'a str,
    pred: &'a str,
    match_types: Vec<&'static str>,
    precision: u32,
    strict: bool,
    allow_set_relation_comp: bool,
}

fn names(types: MatchTypes) -> Vec<&'static str> {
    let named = [(types.latex, "latex"), (types.expr, "expr"), (types.string, "string")];
    named.into_iter().filter_map(|(wanted, name)| wanted.then_some(name)).collect()
}

#[derive(Deserialize)]
struct Reply {
    verdict: Word,
    gold: Option<String>,
    pred: Option<String>,
    why: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Equal,
    Different,
    NoAnswer,
    GoldUnparsable,
    Undecided,
}

#[derive(Deserialize)]
struct Greeting {
    missing: Option<String>,
}

/// Why there is no reply.
enum Silence {
    TimeOut,
    Broken(String),
}

impl From<io::Error> for Silence {
    fn from(error: io::Error) -> Silence {
        Silence::Broken(error.to_string())
    }
}

/// One process; dead when this is dropped.
#[derive(Debug)]
struct Worker {
    child: Child,
    requests: ChildStdin,
    replies: ChildStdout,
}

impl Worker {
    fn start(config: &MathVerifyConfig) -> Result<Worker, MathVerifyError> {
        let python = config.python.clone();
        let not_ready = |why: &str| MathVerifyError::NotReady { python: python.clone(), why: why.to_owned() };
        let mut child = Command::new(&config.python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| MathVerifyError::Start { python: python.clone(), source })?;
        let (Some(requests), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(not_ready("it has no pipes"));
        };
        let mut worker = Worker { child, requests, replies };
        match worker.read::<Greeting>(Instant::now() + START) {
            Ok(Greeting { missing: None }) => Ok(worker),
            Ok(Greeting { missing: Some(why) }) => {
                Err(MathVerifyError::Missing { python: python.clone(), why })
            }
            Err(Silence::TimeOut) => Err(not_ready("it took too long")),
            Err(Silence::Broken(why)) => Err(not_ready(&why)),
        }
    }

    fn ask(&mut self, request: &Request<'_>, deadline: Instant) -> Result<Reply, Silence> {
        let mut line = serde_json::to_vec(request).map_err(io::Error::from)?;
        line.push(b'\n');
        // A request larger than the pipe waits for the child to read it, which it does as long as it lives: it has
        // answered everything before.
        self.requests.write_all(&line)?;
        self.read(deadline)
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self, deadline: Instant) -> Result<T, Silence> {
        let mut line = Vec::new();
        loop {
            let left = deadline.checked_duration_since(Instant::now()).ok_or(Silence::TimeOut)?;
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            let ready = match poll(&mut [PollFd::new(&self.replies, PollFlags::IN)], Some(&timeout)) {
                Ok(ready) => ready,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(io::Error::from(error).into()),
            };
            if ready == 0 {
                return Err(Silence::TimeOut);
            }
            let mut chunk = [0; 4096];
            let count = self.replies.read(&mut chunk)?;
            if count == 0 {
                return Err(Silence::Broken("its process ended".into()));
            }
            line.extend_from_slice(&chunk[..count]);
            if line.last() == Some(&b'\n') {
                return serde_json::from_slice(&line).map_err(|error| Silence::Broken(error.to_string()));
            }
            if line.len() > LONGEST_REPLY {
                return Err(Silence::Broken("its reply does not end".into()));
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Already dead is fine; waiting for a killed process does not block for long.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
