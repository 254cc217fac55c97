//! The Python interpreter: where it is, how it is started, what its standard error says.

use super::workspace::Workspace;
use std::{
    fs::File,
    path::PathBuf,
    process::{Command, Stdio},
    sync::OnceLock,
};

const BOOTSTRAP: &str = include_str!("bootstrap.py");
/// Written to standard error by the bootstrap before any line of the program runs.
const STARTED: &str = "\x02tracelift\x03\n";

/// An interpreter that is looked up when it is first needed, so that a verifier of answers needs none.
#[derive(Debug)]
pub(super) struct Interpreter {
    named: PathBuf,
    found: OnceLock<Result<PathBuf, InterpreterError>>,
}

/// Why there is no interpreter.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum InterpreterError {
    #[error("cannot run the Python interpreter `{named}`: {why}; install Python 3 or set `programs.python`")]
    Missing { named: String, why: String },
    #[error("cannot open a program's standard input: {0}")]
    Stdin(String),
}

impl Interpreter {
    pub(super) fn named(named: PathBuf) -> Interpreter {
        Interpreter { named, found: OnceLock::new() }
    }

    /// Starts `program.py` of a workspace, in the state in which every program starts: nothing of our environment,
    /// no site packages, UTF-8 everywhere, fixed string hashes.
    ///
    /// Not `-I`: that would ignore `PYTHONHASHSEED`. With an environment that holds nothing else for Python, `-s`
    /// and the bootstrap's cleaning of `sys.path` isolate as well.
    pub(super) fn command(&self, workspace: &Workspace) -> Result<Command, InterpreterError> {
        let python = self.found.get_or_init(|| self.find()).clone()?;
        let stdin = File::open(workspace.stdin()).map_err(|e| InterpreterError::Stdin(e.to_string()))?;
        let mut command = Command::new(python);
        command
            .args(["-s", "-S", "-X", "utf8", "-c", BOOTSTRAP, STARTED])
            .arg(workspace.program())
            .current_dir(workspace.work())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", workspace.work())
            .env("TMPDIR", workspace.work())
            .env("PYTHONHASHSEED", "0")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    /// Asks the named interpreter for its real path: version managers put scripts in `PATH` that need our
    /// environment, which programs do not get.
    fn find(&self) -> Result<PathBuf, InterpreterError> {
        let missing =
            |why: String| InterpreterError::Missing { named: self.named.display().to_string(), why };
        let output = Command::new(&self.named)
            .args(["-I", "-S", "-c", "import sys; assert sys.version_info[0] == 3; print(sys.executable)"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| missing(error.to_string()))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(missing(format!("it ended with {} and said {words:?}", output.status)));
        }
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if path.is_absolute() {
            Ok(path)
        } else {
            Err(missing(format!("it says that it lies at {:?}, which is no absolute path", path.display())))
        }
    }
}

/// The program's own standard error (its end, if it is long), or `None` if the interpreter never got that far.
pub(super) fn after_start<'a>(head: &[u8], tail: &'a [u8]) -> Option<&'a [u8]> {
    head.starts_with(STARTED.as_bytes()).then(|| tail.strip_prefix(STARTED.as_bytes()).unwrap_or(tail))
}

/// Whether a failed program's last words are an uncaught `MemoryError`.
pub(super) fn ran_out_of_memory(stderr: &[u8]) -> bool {
    let last = stderr.split(|&byte| byte == b'\n').rev().find(|line| !line.trim_ascii().is_empty());
    last.is_some_and(|line| line == b"MemoryError" || line.starts_with(b"MemoryError:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words() {
        assert!(ran_out_of_memory(b"Traceback ...\nMemoryError\n"));
        assert!(ran_out_of_memory(b"MemoryError: no\n\n"));
        assert!(!ran_out_of_memory(b"MemoryError\nValueError: x\n"));
        assert!(!ran_out_of_memory(b""));
    }

    #[test]
    fn start_is_told_from_the_program() {
        let stderr = format!("{STARTED}boom");
        assert_eq!(after_start(stderr.as_bytes(), stderr.as_bytes()), Some(b"boom".as_slice()));
        assert_eq!(after_start(b"Fatal Python error", b"Fatal Python error"), None);
    }

    #[test]
    fn a_missing_interpreter_is_named() {
        let error = Interpreter::named("/nonexistent/python".into()).find().unwrap_err().to_string();
        assert!(error.contains("/nonexistent/python") && error.contains("programs.python"), "{error}");
        let error = Interpreter::named("false".into()).find().unwrap_err().to_string();
        assert!(error.contains("`false`"), "{error}");
    }
}
