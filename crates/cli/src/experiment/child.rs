//! This program once more, for a part of the work.

use anyhow::{Context, Result};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// Where this program is, and how many threads a child has.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    threads: usize,
}

/// By this the thread pool is told how many threads it has.
const THREADS: &str = "RAYON_NUM_THREADS";

impl Program {
    /// This one.
    ///
    /// # Errors
    /// When the system does not say where it is.
    pub fn this(threads: usize) -> Result<Program> {
        let path = std::env::current_exe().context("failed to find this program again")?;
        Ok(Program { path, threads })
    }

    /// Runs a command to its end, with all that it says behind what is in a log. `Err` inside is why it failed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: &[String], log: &Path) -> Result<Result<(), String>> {
        let open = || OpenOptions::new().create(true).append(true).open(log);
        let (out, err) = (open(), open());
        let logs = || format!("failed to open {}", log.display());
        let (out, err) = (out.with_context(logs)?, err.with_context(logs)?);
        let begin = out.metadata().with_context(logs)?.len();
        let mut command = Command::new(&self.path);
        command.args(arguments).stdin(Stdio::null()).stdout(out).stderr(err);
        // A person's own choice stands.
        if std::env::var_os(THREADS).is_none() {
            command.env(THREADS, self.threads.to_string());
        }
        end_with_us(&mut command);
        let status = command.status().with_context(|| format!("failed to start {}", self.path.display()))?;
        if status.success() {
            return Ok(Ok(()));
        }
        Ok(Err(cause(status, &said_since(log, begin).with_context(logs)?)))
    }
}

/// A child that outlived this process would hold its run, and whoever goes on with the experiment could not.
fn end_with_us(command: &mut Command) {
    // The signal comes when the thread ends that started the child; it waits for it, so that is when the process ends.
    let parent = std::process::id();
    let ask = move || {
        // SAFETY: `prctl` and `getppid` take and give plain numbers and may be called between fork and exec.
        let asked = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        if asked != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        let now = unsafe { libc::getppid() };
        // It may have ended before it was asked.
        if u32::try_from(now) == Ok(parent) { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
    };
    // SAFETY: what runs between fork and exec allocates nothing and takes no lock.
    unsafe { command.pre_exec(ask) };
}

fn said_since(log: &Path, begin: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Why a child failed, as it said itself.
fn cause(status: ExitStatus, said: &str) -> String {
    if let Some(signal) = status.signal() {
        return format!("ended by signal {signal}");
    }
    let error = said.lines().rev().find_map(|line| line.strip_prefix("error: "));
    let last = || said.lines().rev().find(|line| !line.trim().is_empty());
    error.or_else(last).map_or_else(|| status.to_string(), |line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_what_was_said_last() {
        let status = ExitStatus::from_raw(256);
        assert_eq!(cause(status, "step 1\nerror: no room\n"), "no room");
        assert_eq!(cause(status, "something odd\n\n"), "something odd");
        assert_eq!(cause(status, ""), "exit status: 1");
        assert_eq!(cause(ExitStatus::from_raw(9), "error: earlier\n"), "ended by signal 9");
    }

    #[test]
    fn only_what_is_said_now_counts() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        std::fs::write(&log, "error: of yesterday\n").unwrap();
        let shell = Program { path: "/bin/sh".into(), threads: 3 };
        let run = |script: &str| shell.run(&["-c".to_owned(), script.to_owned()], &log).unwrap();
        assert_eq!(run("echo error: of today >&2; exit 2"), Err("of today".to_owned()));
        assert_eq!(run("exit 0"), Ok(()));
        assert_eq!(run("kill -9 $$"), Err("ended by signal 9".to_owned()));
        assert!(std::fs::read_to_string(&log).unwrap().starts_with("error: of yesterday\nerror: of today"));
    }

    /// The signal that ends a child with its parent is there after `exec`: bit 9 of what the kernel was asked.
    #[test]
    fn a_child_is_told_to_end_with_us() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 100"]);
        end_with_us(&mut command);
        let parent = std::thread::spawn(move || command.spawn().unwrap());
        // The thread that started it is gone, and with it the child.
        let status = parent.join().unwrap().wait().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL));
    }
}
