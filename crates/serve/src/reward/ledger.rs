//! A log of every item with all its parts and texts: for looking at, and for training reward models later.
//!
//! Lines of JSON, or tables: a file called `….parquet` gets its rows in parts, `….1.parquet`, `….2.parquet`, each of which is whole when it is
//! there. A row is first a line of a journal beside them (`….parquet.open`), with the system before its item is answered; a full
//! journal is set aside (`….1.rows`) and becomes a part, and is removed once that stands in its place. So whatever ends the process,
//! nothing that was answered is lost and no part is half written: journals that were left become parts when the log is next opened.

mod table;

use super::appraise::Appraised;
use super::executors::Names;
use super::told::{Fingerprints, RewardResult};
use serde::Serialize;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};
use tracelift_domain::Problem;
use tracelift_reward::Place;
use tracelift_reward::measure::Run;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the log of rewards {}: {source}", path.display())]
pub struct LedgerError {
    path: PathBuf,
    source: io::Error,
}

/// A log that grows, and is set aside under a number once it is large: 1 is the oldest.
pub struct Ledger {
    path: PathBuf,
    /// Where lines are added.
    journal: PathBuf,
    most: u64,
    open: Mutex<Open>,
    /// Who makes tables of what was set aside, where tables are wanted.
    copyist: Option<Copyist>,
}

struct Open {
    file: File,
    bytes: u64,
}

/// A thread that makes a table of each journal that it is told.
struct Copyist {
    journals: Mutex<Option<mpsc::Sender<PathBuf>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

fn with_added(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn opened(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut open = Open { bytes: file.metadata()?.len(), file };
    // What a crash left of its last line would spoil the next one.
    if open.bytes > 0 && !ends_in_newline(path)? {
        open.file.write_all(b"\n")?;
        open.bytes += 1;
    }
    Ok(open)
}

impl Ledger {
    /// Opens a log, which is gone on with, and set aside once it has so many bytes of lines.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path, most: u64) -> Result<Ledger, LedgerError> {
        let fault = |source| LedgerError { path: path.to_owned(), source };
        let is_table = path.extension().is_some_and(|extension| extension == "parquet");
        let journal = match is_table {
            true => with_added(path, "open"),
            false => path.to_owned(),
        };
        let open = opened(&journal).map_err(fault)?;
        let mut ledger = Ledger {
            path: path.to_owned(),
            journal,
            most: most.max(1),
            open: Mutex::new(open),
            copyist: None,
        };
        if is_table {
            let copyist = Copyist::start().map_err(fault)?;
            // What an earlier process left, in its order.
            let mut left = ledger.left().map_err(fault)?;
            left.sort_unstable();
            left.into_iter().for_each(|(_, journal)| copyist.take(journal));
            ledger.copyist = Some(copyist);
            ledger.set_aside(&mut ledger.lock()).map_err(fault)?;
        }
        Ok(ledger)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        // What is counted there is what was written.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down the items of a request. They are with the system when this returns, so what was answered is in it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, lines: &[u8]) -> Result<(), LedgerError> {
        let fault = |source| LedgerError { path: self.path.clone(), source };
        let mut open = self.lock();
        if open.bytes + lines.len() as u64 > self.most {
            self.set_aside(&mut open).map_err(fault)?;
        }
        open.file.write_all(lines).map_err(fault)?;
        open.bytes += lines.len() as u64;
        Ok(())
    }

    /// Puts what was written away under the next number.
    fn set_aside(&self, open: &mut Open) -> io::Result<()> {
        if open.bytes == 0 {
            return Ok(());
        }
        let aside = self.next_aside();
        std::fs::rename(&self.journal, &aside)?;
        if let Some(copyist) = &self.copyist {
            copyist.take(aside);
        }
        *open = opened(&self.journal)?;
        Ok(())
    }

    /// Makes a table of what was written, where tables are wanted, and waits until all of them are there.
    pub(super) fn finish(&self) {
        let Some(copyist) = &self.copyist else { return };
        if let Err(error) = self.set_aside(&mut self.lock()) {
            tracing::error!(%error, log = %self.path.display(), "the last rewards stay in their journal");
        }
        copyist.finish();
        let open = self.lock();
        if open.bytes == 0 {
            // It is empty, and made again by whoever opens the log next.
            let _ = std::fs::remove_file(&self.journal);
        }
    }

    /// What is set aside under a number: a file of lines as it is, a journal, the part that is made of that.
    fn aside(&self, number: u64) -> PathBuf {
        match self.copyist {
            None => with_added(&self.path, &number.to_string()),
            Some(_) => self.path.with_extension(format!("{number}.rows")),
        }
    }

    fn next_aside(&self) -> PathBuf {
        let is_taken = |number: u64| {
            let aside = self.aside(number);
            aside.exists() || (self.copyist.is_some() && aside.with_extension("parquet").exists())
        };
        // Files are few: they are set aside at hundreds of megabytes.
        self.aside((1..).find(|number| !is_taken(*number)).unwrap_or(0))
    }

    /// Journals that were set aside and are no tables yet, with their numbers.
    fn left(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let number = |path: &Path| -> Option<u64> {
            let name = path.file_name()?.to_str()?;
            name.strip_prefix(&stem)?.strip_prefix('.')?.strip_suffix(".rows")?.parse().ok()
        };
        let all = std::fs::read_dir(folder.unwrap_or(Path::new(".")))?;
        Ok(all
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter_map(|path| Some((number(&path)?, path)))
            .collect())
    }
}

impl Copyist {
    fn start() -> io::Result<Copyist> {
        let (sender, journals) = mpsc::channel::<PathBuf>();
        let work = move || {
            for journal in journals {
                let part = journal.with_extension("parquet");
                match table::copy(&journal, &part) {
                    Ok(copied) => {
                        tracing::info!(rows = copied.rows, unreadable = copied.unreadable, part = %part.display(), "a part of the log");
                        // It is copied once more where this fails, to the same rows.
                        let _ = std::fs::remove_file(&journal);
                    }
                    Err(error) => {
                        tracing::error!(%error, journal = %journal.display(), "no part is made of a journal; it is tried again at the next start");
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("ledger".into()).spawn(work)?;
        Ok(Copyist { journals: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    fn take(&self, journal: PathBuf) {
        let journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(journals) = &*journals {
            // Where the thread is gone, the journal is there for the next start.
            let _ = journals.send(journal);
        }
    }

    fn finish(&self) {
        self.journals.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!(
                "the thread that makes tables panicked; what it left is tried again at the next start"
            );
        }
    }
}

fn ends_in_newline(path: &Path) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The line of an item: its result, and the texts that it came of.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    /// Seconds since 1970.
    pub at: f64,
    #[serde(flatten)]
    pub result: RewardResult,
    /// All that the planner wrote.
    pub completion: &'a str,
    pub trace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'a Problem>,
    pub executor_completions: Vec<Option<&'a str>>,
    pub baseline_completions: Vec<Option<&'a str>>,
    pub fingerprints: &'a Fingerprints,
    pub settings: &'a Value,
}

impl<'a> Line<'a> {
    pub fn of(
        index: usize,
        (appraised, names): (&'a Appraised, &Names),
        fingerprints: &'a Fingerprints,
        settings: &'a Value,
    ) -> Line<'a> {
        let texts = |runs: &'a [Run]| runs.iter().map(Run::completion).collect();
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Line {
            at: since.as_secs_f64(),
            result: RewardResult::of(index, appraised, names),
            completion: &appraised.written,
            trace: appraised.trace.as_ref().map(|trace| trace.as_str()),
            problem: appraised.problem.as_deref(),
            executor_completions: texts(&appraised.appraisal.runs),
            baseline_completions: texts(&appraised.appraisal.baseline),
            fingerprints,
            settings,
        }
    }
}

/// Whether an item is worth a line: one that was no item is not.
pub(super) fn is_kept(appraised: &Appraised) -> bool {
    appraised.appraisal.unknown.as_ref().is_none_or(|unknown| unknown.place != Place::Item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_gone_on_with_and_set_aside_when_it_is_large() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rewards.jsonl");
        std::fs::write(&path, "{\"half").unwrap();
        let ledger = Ledger::open(&path, 20).unwrap();
        ledger.write(b"{\"a\":1}\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"half\n{\"a\":1}\n");
        ledger.write(b"{\"b\":2}\n").unwrap();
        ledger.write(b"{\"c\":3}\n").unwrap();
        ledger.write(b"{\"long\":\"longer than all\"}\n").unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("rewards.jsonl.1"), "{\"half\n{\"a\":1}\n");
        assert_eq!(read("rewards.jsonl.2"), "{\"b\":2}\n{\"c\":3}\n");
        assert_eq!(read("rewards.jsonl"), "{\"long\":\"longer than all\"}\n");
    }

    #[test]
    fn a_table_comes_in_whole_parts_and_loses_nothing_that_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rewards.parquet");
        let names = || {
            let mut names: Vec<String> = std::fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort_unstable();
            names
        };
        let line = |id: &str| format!("{{\"problem_id\":\"{id}\",\"reward\":null}}\n");
        // As a killed process leaves it: a journal that was set aside, and one with half a line.
        std::fs::write(folder.path().join("rewards.1.rows"), line("a")).unwrap();
        std::fs::write(folder.path().join("rewards.parquet.open"), line("b") + "{\"half").unwrap();
        let ledger = Ledger::open(&path, 60).unwrap();
        ledger.write(line("c").as_bytes()).unwrap();
        ledger.write((line("d") + &line("e")).as_bytes()).unwrap();
        assert!(names().contains(&"rewards.parquet.open".to_owned()), "what was answered is written down");
        ledger.finish();
        let parts = ["rewards.1.parquet", "rewards.2.parquet", "rewards.3.parquet", "rewards.4.parquet"];
        assert_eq!(names(), parts);
        let ids = parts.map(|part| table::tests::texts(&folder.path().join(part), "problem_id"));
        let of = |ids: &[&str]| ids.iter().map(|id| Some((*id).to_owned())).collect::<Vec<_>>();
        assert_eq!(ids, [of(&["a"]), of(&["b"]), of(&["c"]), of(&["d", "e"])]);
        // Numbers go on.
        let ledger = Ledger::open(&path, 60).unwrap();
        ledger.write(line("f").as_bytes()).unwrap();
        ledger.finish();
        assert_eq!(table::tests::texts(&folder.path().join("rewards.5.parquet"), "problem_id"), of(&["f"]));
    }
}
