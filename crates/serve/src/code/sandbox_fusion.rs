//! SandboxFusion's request and response.
//!
//! Python programs have no compile step, so `compile_result` is null. Unknown fields are ignored and missing ones have
//! SandboxFusion's defaults. `status` is `Success` for exit status 0, `Failed` for whatever else the program did, and
//! `SandboxError` when that is not known; a caller must not take the last for a wrong answer. Where SandboxFusion says
//! nothing of a `Failed` run, `message` says which limit was hit.

use super::{Ending, RunFault, RunOutcome, RunRequest};
use crate::fault::Fault;
use crate::rubric::dialect::value;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::time::Duration;

/// The languages that a caller may name.
const LANGUAGES: [&str; 29] = [
    "python",
    "cpp",
    "nodejs",
    "go",
    "go_test",
    "java",
    "php",
    "csharp",
    "bash",
    "typescript",
    "sql",
    "rust",
    "cuda",
    "lua",
    "R",
    "perl",
    "D_ut",
    "ruby",
    "scala",
    "julia",
    "pytest",
    "junit",
    "kotlin_script",
    "jest",
    "verilog",
    "python_gpu",
    "lean",
    "swift",
    "racket",
];

/// A program, and what it is given.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RunCodeRequest")]
pub(super) struct Body {
    code: String,
    language: String,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default = "ten")]
    compile_timeout: f64,
    #[serde(default = "ten")]
    run_timeout: f64,
    #[serde(default = "no_limit", rename = "memory_limit_MB")]
    memory_limit_mb: f64,
    #[serde(default)]
    files: BTreeMap<String, Option<String>>,
    #[serde(default)]
    fetch_files: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
}

fn ten() -> f64 {
    10.0
}

fn no_limit() -> f64 {
    -1.0
}

/// What a request may ask for at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ceilings {
    pub run_timeout: Duration,
    pub memory_bytes: u64,
}

impl Body {
    pub fn into_request(self, ceilings: Ceilings) -> Result<RunRequest, Fault> {
        let invalid = |message: String| Fault::Invalid(message);
        if !LANGUAGES.contains(&self.language.as_str()) {
            let shown: String = self.language.chars().take(40).collect();
            return Err(invalid(format!("`language` is `{shown}`; it is one of {}", LANGUAGES.join(", "))));
        }
        if !self.args.is_empty() {
            return Err(invalid("`args` are for pytest, which is not run here".into()));
        }
        let timeout = |seconds: f64, field: &str| {
            let longest = ceilings.run_timeout;
            Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|timeout| !timeout.is_zero() && *timeout <= longest)
                .ok_or_else(|| {
                    let longest = longest.as_secs_f64();
                    invalid(format!(
                        "`{field}` is {seconds}, not a number of seconds above 0 and at most {longest}"
                    ))
                })
        };
        let memory_bytes = match self.memory_limit_mb {
            megabytes if megabytes <= 0.0 => None,
            megabytes if megabytes * 1e6 <= ceilings.memory_bytes as f64 => {
                Some((megabytes * 1_048_576.0) as u64)
            }
            megabytes => {
                let most = ceilings.memory_bytes / 1_000_000;
                return Err(invalid(format!(
                    "`memory_limit_MB` is {megabytes}; at most {most} are given here"
                )));
            }
        };
        for path in self.files.keys().chain(&self.fetch_files) {
            check_path(path)?;
        }
        let mut files = BTreeMap::new();
        for (path, content) in self.files {
            // SandboxFusion skips files without content.
            let Some(content) = content else { continue };
            let bytes = BASE64_STANDARD.decode(content).map_err(|error| {
                invalid(format!("`files`: the content of `{path}` is not base64: {error}"))
            })?;
            files.insert(path, bytes);
        }
        Ok(RunRequest {
            compile_timeout: timeout(self.compile_timeout, "compile_timeout")?,
            run_timeout: timeout(self.run_timeout, "run_timeout")?,
            language: self.language,
            code: self.code,
            stdin: self.stdin.unwrap_or_default().into_bytes(),
            files,
            fetch_files: self.fetch_files,
            memory_bytes,
        })
    }
}

fn check_path(path: &str) -> Result<(), Fault> {
    let inside =
        Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    match inside && !path.is_empty() && path.len() <= 4096 && !path.contains('\0') {
        true => Ok(()),
        false => {
            let shown: String = path.chars().take(80).collect();
            Err(Fault::Invalid(format!("`{shown}` is not a relative path below the working directory")))
        }
    }
}

/// The word for the metrics.
pub(super) fn word(result: &Result<RunOutcome, RunFault>) -> &'static str {
    match result.as_ref().map(|outcome| outcome.ending) {
        Ok(Ending::Exited(0)) => "exit_0",
        Ok(Ending::Exited(_)) => "exit_other",
        Ok(Ending::Signalled(_)) => "signal",
        Ok(Ending::TimeLimit) => "time_limit",
        Ok(Ending::MemoryLimit) => "memory_limit",
        Ok(Ending::OutputLimit) => "output_limit",
        Err(RunFault::Unsupported(_)) => "unsupported",
        Err(RunFault::Infrastructure(_)) => "infrastructure",
    }
}

/// What became of a program.
#[derive(Serialize, JsonSchema)]
pub(super) struct RunCodeResponse<'a> {
    #[schemars(extend("enum" = ["Success", "Failed", "SandboxError"]))]
    status: &'static str,
    message: String,
    /// Nothing is compiled.
    compile_result: Option<()>,
    run_result: Option<RunResult<'a>>,
    executor_pod_name: Option<()>,
    /// Files that were asked for, in base64.
    files: BTreeMap<&'a str, String>,
}

/// How a program ran.
#[derive(Serialize, JsonSchema)]
struct RunResult<'a> {
    #[schemars(extend("enum" = ["Finished", "TimeLimitExceeded"]))]
    status: &'static str,
    /// Seconds.
    execution_time: f64,
    /// As Python writes it: minus its number for a signal.
    return_code: Option<i32>,
    stdout: Cow<'a, str>,
    stderr: Cow<'a, str>,
}

/// The response.
pub(super) fn response(result: &Result<RunOutcome, RunFault>) -> Value {
    let told = match result {
        Ok(outcome) => of_outcome(outcome),
        Err(fault) => RunCodeResponse {
            status: "SandboxError",
            message: fault.to_string(),
            compile_result: None,
            run_result: None,
            executor_pod_name: None,
            files: BTreeMap::new(),
        },
    };
    value(&told)
}

fn of_outcome(outcome: &RunOutcome) -> RunCodeResponse<'_> {
    // Python's way of writing a death by signal: minus its number. What was killed for its memory or output was killed by 9.
    let (status, message, ran, code) = match outcome.ending {
        Ending::Exited(0) => ("Success", "", "Finished", Some(0)),
        Ending::Exited(code) => ("Failed", "", "Finished", Some(code)),
        Ending::Signalled(signal) => ("Failed", "", "Finished", Some(-signal)),
        Ending::TimeLimit => ("Failed", "time limit exceeded", "TimeLimitExceeded", None),
        Ending::MemoryLimit => ("Failed", "memory limit exceeded", "Finished", Some(-9)),
        Ending::OutputLimit => ("Failed", "output limit exceeded", "Finished", Some(-9)),
    };
    RunCodeResponse {
        status,
        message: message.to_owned(),
        compile_result: None,
        run_result: Some(RunResult {
            status: ran,
            execution_time: outcome.wall.as_secs_f64(),
            return_code: code,
            stdout: String::from_utf8_lossy(&outcome.stdout),
            stderr: String::from_utf8_lossy(&outcome.stderr),
        }),
        executor_pod_name: None,
        files: outcome
            .files
            .iter()
            .map(|(path, bytes)| (path.as_str(), BASE64_STANDARD.encode(bytes)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const CEILINGS: Ceilings = Ceilings { run_timeout: Duration::from_secs(60), memory_bytes: 4 << 30 };

    fn read(body: Value) -> Result<RunRequest, Fault> {
        serde_json::from_value::<Body>(body).unwrap().into_request(CEILINGS)
    }

    #[test]
    fn defaults_are_those_of_sandbox_fusion() {
        let request = read(json!({"code": "1", "language": "python", "something": "else"})).unwrap();
        assert_eq!(request.run_timeout, Duration::from_secs(10));
        assert_eq!((request.stdin.len(), request.memory_bytes), (0, None));
        let limited = json!({"code": "1", "language": "python", "memory_limit_MB": 1024, "stdin": null});
        assert_eq!(read(limited).unwrap().memory_bytes, Some(1 << 30));
    }

    #[test]
    fn refuses_what_cannot_be_done() {
        for (field, value, part) in [
            ("language", json!("cobol"), "`language` is `cobol`"),
            ("run_timeout", json!(0), "`run_timeout` is 0"),
            ("run_timeout", json!(-1), "`run_timeout` is -1"),
            ("run_timeout", json!(61), "at most 60"),
            ("compile_timeout", json!(1e300), "`compile_timeout`"),
            ("memory_limit_MB", json!(100_000), "at most"),
            ("files", json!({"../x": ""}), "`../x`"),
            ("files", json!({"/etc/x": ""}), "`/etc/x`"),
            ("files", json!({"x": "!"}), "base64"),
            ("fetch_files", json!([""]), "``"),
            ("args", json!(["-x"]), "pytest"),
        ] {
            let mut body = json!({"code": "1", "language": "python"});
            body[field] = value;
            let fault = read(body).unwrap_err();
            assert!(
                matches!(fault, Fault::Invalid(_)) && fault.to_string().contains(part),
                "{field}: {fault}"
            );
        }
    }

    #[test]
    fn writes_each_ending() {
        let outcome = |ending| {
            Ok(RunOutcome {
                ending,
                stdout: b"out\xff".to_vec(),
                stderr: Vec::new(),
                wall: Duration::from_millis(250),
                cpu: None,
                files: BTreeMap::from([("a".into(), b"hi".to_vec())]),
            })
        };
        assert_eq!(
            response(&outcome(Ending::Exited(0))),
            json!({
                "status": "Success", "message": "", "compile_result": null,
                "run_result": {
                    "status": "Finished", "execution_time": 0.25, "return_code": 0, "stdout": "out\u{fffd}", "stderr": "",
                },
                "executor_pod_name": null, "files": {"a": "aGk="},
            })
        );
        for (ending, status, ran, code) in [
            (Ending::Exited(3), "Failed", "Finished", json!(3)),
            (Ending::Signalled(11), "Failed", "Finished", json!(-11)),
            (Ending::TimeLimit, "Failed", "TimeLimitExceeded", Value::Null),
            (Ending::MemoryLimit, "Failed", "Finished", json!(-9)),
            (Ending::OutputLimit, "Failed", "Finished", json!(-9)),
        ] {
            let written = response(&outcome(ending));
            let found =
                (&written["status"], &written["run_result"]["status"], &written["run_result"]["return_code"]);
            assert_eq!(found, (&json!(status), &json!(ran), &code), "{ending:?}");
        }
        let fault = response(&Err(RunFault::Infrastructure("no fork".into())));
        assert_eq!((&fault["status"], &fault["run_result"]), (&json!("SandboxError"), &Value::Null));
    }
}
