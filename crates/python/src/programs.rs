//! Programs: run and judged in the sandbox.

use crate::{interrupt::interruptible, json};
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    types::PyBytes,
};
use serde_json::Value;
use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    thread,
};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};
use tracelift_sandbox::{Ending, Level, Limits};
use tracelift_verify::{Judgement as Judged, ProgramConfig, Verifier, VerifierConfig};

/// How a program's run ended and what came out of it.
#[pyclass(frozen, get_all, module = "tracelift_rl")]
pub struct Run {
    /// `exited`, `signalled`, `cpu_limit`, `wall_limit`, `memory_limit` or `output_limit`.
    ending: &'static str,
    /// The status, or the signal's number below zero; `None` where a limit ended it.
    returncode: Option<i32>,
    stdout: Py<PyBytes>,
    /// The end of standard error.
    stderr: Py<PyBytes>,
    /// Seconds on processors.
    cpu_s: f64,
    /// Seconds on the clock.
    wall_s: f64,
    /// The most memory, in bytes.
    peak_memory: u64,
}

#[pymethods]
impl Run {
    fn __repr__(&self) -> String {
        let status = self.returncode.map_or(String::new(), |status| format!(", returncode={status}"));
        format!("Run({}{status}, cpu_s={:.3})", self.ending, self.cpu_s)
    }
}

/// What the tests say of a completion.
#[pyclass(frozen, get_all, module = "tracelift_rl")]
pub struct Judgement {
    /// Whether the program passed; `None` where that is not known.
    passed: Option<bool>,
    /// 1, 0, or with `all_tests` the share of tests that passed; `None` where it is not known.
    score: Option<f64>,
    /// `passed`, `wrong_answer`, `no_artifact`, `runtime_error`, `time_limit`, `memory_limit`, `output_limit`, `unscorable`.
    verdict: &'static str,
    /// Why it is unscorable, where it is.
    why: Option<String>,
    /// The program that was found in the completion.
    program: Option<String>,
}

#[pymethods]
impl Judgement {
    /// Whether it passed. Unknown is neither: it raises, so that no `if` takes it for failed.
    fn __bool__(&self) -> PyResult<bool> {
        self.passed.ok_or_else(|| {
            let why = self.why.as_deref().unwrap_or_default();
            pyo3::exceptions::PyTypeError::new_err(format!(
                "the judgement is unscorable ({why}): neither passed nor failed; ask for `.passed`, which is None"
            ))
        })
    }

    fn __repr__(&self) -> String {
        format!("Judgement({})", self.verdict)
    }
}

impl From<Judged> for Judgement {
    fn from(judged: Judged) -> Judgement {
        let why = match &judged.verdict {
            tracelift_domain::Verdict::Unscorable { why } => Some(why.clone()),
            _ => None,
        };
        Judgement {
            passed: judged.verdict.success(),
            score: judged.score.map(|score| score.get()),
            verdict: judged.verdict.name(),
            why,
            program: judged.artifact.map(|artifact| artifact.as_str().to_owned()),
        }
    }
}

/// A sandbox for Python programs that models wrote: each runs in a process of its own, apart from this machine.
///
/// It starts with the first program, at the strongest level that the machine gives, and attacks itself to see what holds
/// (`observed`). `require` refuses a weaker one; `jobs` programs run at a time. May be used by many threads.
#[pyclass(frozen, module = "tracelift_rl")]
pub struct Sandbox {
    verifier: Verifier,
    limits: Limits,
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (*, level=None, require="L2", jobs=None, python="python3", time_limit_s=10.0, wall_limit_s=None, memory_limit_mib=1024, all_tests=false, accept_no_sandbox=false))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        level: Option<&str>,
        require: &str,
        jobs: Option<usize>,
        python: &str,
        time_limit_s: f64,
        wall_limit_s: Option<f64>,
        memory_limit_mib: u64,
        all_tests: bool,
        accept_no_sandbox: bool,
    ) -> PyResult<Sandbox> {
        let read =
            |name: &str| name.parse::<Level>().map_err(|error| PyValueError::new_err(error.to_string()));
        let jobs = match jobs {
            None => thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            Some(jobs) => NonZeroUsize::new(jobs)
                .ok_or_else(|| PyValueError::new_err("`jobs` is 0; at least one program must run"))?,
        };
        let programs = ProgramConfig {
            python: PathBuf::from(python),
            time_limit_s,
            wall_limit_s,
            memory_limit_mib,
            all_tests,
            sandbox_level: level.map(read).transpose()?,
            require_sandbox: read(require)?,
            accept_no_sandbox,
            ..ProgramConfig::default()
        };
        programs.validate().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let limits = programs.limits(0);
        let config = VerifierConfig { jobs: Some(jobs), programs, ..VerifierConfig::default() };
        let verifier = Verifier::new(config).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Sandbox { verifier, limits })
    }

    /// Starts it, and says what was observed of it, in lines for people.
    ///
    /// Raises `RuntimeError` with the reason where programs cannot be run here, or only in a weaker sandbox than required.
    fn observed(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.verifier.runner().start().map(ToString::to_string)).map_err(broken)
    }

    /// Runs a program with this standard input.
    ///
    /// Raises `RuntimeError` where the sandbox broke: nothing is known of the program then.
    #[pyo3(signature = (program, stdin=None))]
    fn run(&self, py: Python<'_>, program: &str, stdin: Option<&Bound<'_, PyAny>>) -> PyResult<Run> {
        let stdin: Vec<u8> = match stdin {
            None => Vec::new(),
            Some(given) => match given.extract::<String>() {
                Ok(text) => text.into_bytes(),
                Err(_) => given.extract()?,
            },
        };
        let run = interruptible(py, |_| {
            let sandbox = self.verifier.runner().sandbox().map_err(|error| error.to_string())?;
            sandbox.run(program, &stdin, &self.limits).map_err(|fault| fault.to_string())
        })?
        .map_err(PyRuntimeError::new_err)?;
        let (ending, returncode) = match run.ending {
            Ending::Exited(status) => ("exited", Some(status)),
            Ending::Signalled(signal) => ("signalled", Some(-signal)),
            Ending::CpuLimit => ("cpu_limit", None),
            Ending::WallLimit => ("wall_limit", None),
            Ending::MemoryLimit => ("memory_limit", None),
            Ending::OutputLimit => ("output_limit", None),
            other => return Err(PyRuntimeError::new_err(format!("an ending without a name: {other:?}"))),
        };
        Ok(Run {
            ending,
            returncode,
            stdout: PyBytes::new(py, &run.stdout).unbind(),
            stderr: PyBytes::new(py, &run.stderr).unbind(),
            cpu_s: run.cpu.as_secs_f64(),
            wall_s: run.wall.as_secs_f64(),
            peak_memory: run.peak_memory,
        })
    }

    /// Judges the program in a completion by a gold as in files of problems: `{"tests": [{"stdin", "stdout"}]}` or
    /// `{"function": {"entry", "asserts", "check", "given", "setup"}}`.
    fn judge(&self, py: Python<'_>, completion: String, gold: &Bound<'_, PyAny>) -> PyResult<Judgement> {
        let problem = problem(json(gold)?, 0)?;
        interruptible(py, |_| self.verifier.judge(&problem, &completion)).map(Judgement::from)
    }

    /// As `judge`, of many, `jobs` of them at a time.
    fn judge_all(
        &self,
        py: Python<'_>,
        completions: Vec<String>,
        golds: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Judgement>> {
        let Value::Array(golds) = json(golds)? else {
            return Err(PyValueError::new_err("`golds` is no list"));
        };
        if golds.len() != completions.len() {
            return Err(PyValueError::new_err(format!(
                "there are {} completions and {} golds; each needs the other",
                completions.len(),
                golds.len()
            )));
        }
        let problems: Vec<Problem> = golds
            .into_iter()
            .enumerate()
            .map(|(index, gold)| problem(gold, index))
            .collect::<PyResult<_>>()?;
        let items: Vec<(&Problem, &str)> =
            problems.iter().zip(completions.iter().map(String::as_str)).collect();
        let judged = interruptible(py, |unwanted| {
            self.verifier.judge_while(&items, || !unwanted.load(Ordering::Relaxed))
        })?;
        judged
            .into_iter()
            .map(|judged| judged.ok_or_else(|| PyRuntimeError::new_err("a completion was never judged")))
            .map(|judged| judged.map(Judgement::from))
            .collect()
    }
}

fn broken(error: Arc<tracelift_sandbox::SandboxError>) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

fn problem(gold: Value, index: usize) -> PyResult<Problem> {
    let wrong = |what: String| PyValueError::new_err(format!("gold {index}: {what}"));
    let gold: Gold = serde_json::from_value(gold).map_err(|error| wrong(error.to_string()))?;
    if matches!(gold, Gold::Answer(_)) {
        return Err(wrong("an answer is judged by `verify_answer`; give `tests` or `function`".to_owned()));
    }
    let question = Question::new("python", TaskDomain::Code, "-");
    Ok(Problem { id: index.to_string(), question, gold })
}
