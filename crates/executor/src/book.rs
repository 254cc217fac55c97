//! What was spent, on disk: so that a limit holds for a run and not for the process that goes on with it.
//!
//! A file of lines, each a JSON object of whole numbers that are added up: `calls`, `input` and `output` tokens, and how many of
//! the calls have an estimated cost. A call has a line before it is made, with the most that it may take, and another when it
//! has ended, with what that was too much (or all of it, where nothing was billed). A process that is killed leaves the first
//! line alone: the call may have been billed, and counts. Lines are not synced one by one; what a crash of the machine tears off
//! at the end is lost.

use crate::spending::Spending;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};
use tracelift_files::WriteError;

/// Why what was spent cannot be counted on disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// The file system refused.
    #[error("cannot {action} {}, which counts what was spent: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is none.
    #[error("{}:{line}: not a line of what was spent: {source}; restore the file, or remove it to count from zero", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It cannot be written anew.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// What is added to what was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    calls: i64,
    input: i64,
    output: i64,
    estimated: i64,
}

impl Line {
    /// From one reading to a later one. Counts of tokens are far from the ends of their types.
    fn between(before: &Spending, after: &Spending) -> Line {
        let change = |before: u64, after: u64| after.cast_signed().wrapping_sub(before.cast_signed());
        Line {
            calls: change(before.calls, after.calls),
            input: change(before.input, after.input),
            output: change(before.output, after.output),
            estimated: change(before.estimated, after.estimated),
        }
    }

    fn add_to(self, spent: &mut Spending) {
        spent.calls = spent.calls.saturating_add_signed(self.calls);
        spent.input = spent.input.saturating_add_signed(self.input);
        spent.output = spent.output.saturating_add_signed(self.output);
        spent.estimated = spent.estimated.saturating_add_signed(self.estimated);
    }

    fn text(self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(&self)? + "\n")
    }
}

/// The writing end.
#[derive(Debug)]
pub(crate) struct Book {
    path: PathBuf,
    file: File,
}

impl Book {
    /// Opens a book, new or old, and says what was spent by it. An old one is written anew as one line.
    pub(crate) fn open(path: &Path) -> Result<(Book, Spending), BookError> {
        let failed = |action| move |source| BookError::Io { action, path: path.to_owned(), source };
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(failed("read"))?,
        };
        let mut spent = Spending::default();
        for (index, line) in text.split_inclusive('\n').filter(|line| line.ends_with('\n')).enumerate() {
            let line: Line = serde_json::from_str(line).map_err(|source| BookError::Line {
                path: path.to_owned(),
                line: index + 1,
                source,
            })?;
            line.add_to(&mut spent);
        }
        let encoded = |source: serde_json::Error| failed("write")(source.into());
        let line = Line::between(&Spending::default(), &spent).text().map_err(encoded)?;
        tracelift_files::write(path, line)?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed("open"))?;
        Ok((Book { path: path.to_owned(), file }, spent))
    }

    /// Whether it is the one of this path.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.path == path
    }

    /// Notes what was spent from one reading to a later one.
    pub(crate) fn note(&mut self, before: &Spending, after: &Spending) -> Result<(), BookError> {
        let line = Line::between(before, after);
        if line == Line::default() {
            return Ok(());
        }
        // One write a line: what is written is written whole, also where the process ends with it.
        let written =
            line.text().map_err(io::Error::from).and_then(|text| self.file.write_all(text.as_bytes()));
        written.map_err(|source| BookError::Io { action: "write", path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spending::Cost;

    #[test]
    fn what_was_spent_is_known_to_whoever_opens_the_book_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spending.jsonl");
        let (mut book, mut spent) = Book::open(&path).unwrap();
        assert_eq!(spent, Spending::default());
        let estimate = Spending::of(Cost { input: 100, output: 512 }, true);
        // A call whose cost is known in the end, one that was not billed, and one that a kill ends.
        for known in
            [Some(Spending::of(Cost { input: 90, output: 7 }, false)), Some(Spending::default()), None]
        {
            let mut asked = spent;
            asked += estimate;
            book.note(&spent, &asked).unwrap();
            let mut ended = spent;
            match known {
                Some(known) => {
                    ended += known;
                    book.note(&asked, &ended).unwrap();
                }
                None => ended = asked,
            }
            spent = ended;
        }
        assert_eq!(spent, Spending { calls: 2, input: 190, output: 519, estimated: 1 });
        drop(book);
        for torn in ["", "{\"calls\":1,"] {
            let text = std::fs::read_to_string(&path).unwrap() + torn;
            std::fs::write(&path, text).unwrap();
            assert_eq!(Book::open(&path).unwrap().1, spent);
            assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
        }
        std::fs::write(&path, "{\"calls\":1}\n").unwrap();
        let message = Book::open(&path).unwrap_err().to_string();
        assert!(message.contains("spending.jsonl:1: not a line of what was spent"), "{message}");
    }
}
