//! `difficulty.jsonl`: what was measured of problems, on disk before it decides anything.
//!
//! The first line says by whom (`measured_by`, a fingerprint of all that decides what comes out); each line after it is a
//! [`Difficulty`]. Of several lines about one problem the last counts. A line counts once its newline is on disk.

use super::Difficulty;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tracelift_domain::Fingerprint;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else measures.
    #[error("another process is measuring problems for {}; wait for it or stop it", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A line is none of a log.
    #[error("{}:{line}: {source}; remove the line or restore the file", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It was measured otherwise.
    #[error(
        "{} was measured with another planner, executor, verifier, seed or number of traces; remove it to measure anew, or choose \
         another `out`",
        path.display()
    )]
    Other {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    measured_by: Fingerprint,
}

/// The log, held by this process.
#[derive(Debug)]
pub struct DifficultyLog {
    path: PathBuf,
    file: File,
    known: HashMap<Fingerprint, Difficulty>,
}

impl DifficultyLog {
    /// Opens the log of a run folder, or begins it. What a crash left behind its last newline is removed.
    ///
    /// # Errors
    /// When it is damaged, of another measurement or held by another process, or the disk refuses.
    pub fn open(path: &Path, measured_by: &Fingerprint) -> Result<DifficultyLog, LogError> {
        let failed = |action| move |source| LogError::Io { action, path: path.to_owned(), source };
        let mut file =
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let bytes = std::fs::read(path).map_err(failed("read"))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(failed("mend"))?;
        }
        let bad =
            |line: usize| move |source| LogError::BadLine { path: path.to_owned(), line: line + 1, source };
        let mut lines =
            bytes[..whole].split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).enumerate();
        match lines.next() {
            Some((at, line)) => {
                let head: Head = serde_json::from_slice(line).map_err(bad(at))?;
                if head.measured_by != *measured_by {
                    return Err(LogError::Other { path: path.to_owned() });
                }
            }
            None => {
                let head = Head { measured_by: measured_by.clone() };
                write(&mut file, &head).map_err(failed("write"))?;
            }
        }
        let mut known = HashMap::new();
        for (at, line) in lines {
            let difficulty: Difficulty = serde_json::from_slice(line).map_err(bad(at))?;
            known.insert(difficulty.problem.clone(), difficulty);
        }
        Ok(DifficultyLog { path: path.to_owned(), file, known })
    }

    /// What is known of a problem, by its hash.
    #[must_use]
    pub fn of(&self, problem: &Fingerprint) -> Option<&Difficulty> {
        self.known.get(problem)
    }

    /// Writes down what was measured, and waits until it is on disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, found: Vec<Difficulty>) -> Result<(), LogError> {
        let failed = |source| LogError::Io { action: "write", path: self.path.clone(), source };
        for difficulty in &found {
            write(&mut self.file, difficulty).map_err(failed)?;
        }
        self.file.sync_data().map_err(failed)?;
        self.known.extend(found.into_iter().map(|difficulty| (difficulty.problem.clone(), difficulty)));
        Ok(())
    }
}

fn write(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Probability;

    fn by(name: &str) -> Fingerprint {
        Fingerprint::of_text(name)
    }

    fn difficulty(id: &str, b: Option<f64>) -> Difficulty {
        let b = b.map(|b| Probability::new(b).unwrap());
        Difficulty { problem_id: id.into(), problem: by(id), b, w: Probability::new(0.5).ok(), usable: 3 }
    }

    #[test]
    fn what_is_on_disk_is_known_and_a_torn_line_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("difficulty.jsonl");
        let mut log = DifficultyLog::open(&path, &by("us")).unwrap();
        log.append(vec![difficulty("a", Some(1.0 / 3.0)), difficulty("b", None)]).unwrap();
        assert!(matches!(DifficultyLog::open(&path, &by("us")), Err(LogError::Locked { .. })));
        drop(log);
        let whole = std::fs::read(&path).unwrap();
        for torn in ["", "{\"problem_id\":\"c\",", "{}"] {
            std::fs::write(&path, [&whole, torn.as_bytes()].concat()).unwrap();
            let log = DifficultyLog::open(&path, &by("us")).unwrap();
            assert_eq!(log.of(&by("a")), Some(&difficulty("a", Some(1.0 / 3.0))));
            assert_eq!(log.of(&by("b")), Some(&difficulty("b", None)));
            assert_eq!(log.of(&by("c")), None);
            drop(log);
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
        // What was unknown is measured again, and then counts.
        let mut log = DifficultyLog::open(&path, &by("us")).unwrap();
        log.append(vec![difficulty("b", Some(0.0))]).unwrap();
        drop(log);
        let log = DifficultyLog::open(&path, &by("us")).unwrap();
        assert_eq!(log.of(&by("b")), Some(&difficulty("b", Some(0.0))));
    }

    #[test]
    fn the_log_of_others_and_a_bad_line_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("difficulty.jsonl");
        drop(DifficultyLog::open(&path, &by("us")).unwrap());
        let message = DifficultyLog::open(&path, &by("them")).unwrap_err().to_string();
        assert!(message.contains("was measured with another planner"), "{message}");
        let head = std::fs::read_to_string(&path).unwrap();
        for bad in ["nonsense\n", "{\"problem_id\":\"a\"}\n"] {
            std::fs::write(&path, format!("{head}{bad}")).unwrap();
            let message = DifficultyLog::open(&path, &by("us")).unwrap_err().to_string();
            assert!(message.contains("difficulty.jsonl:2: "), "{message}");
        }
    }
}
