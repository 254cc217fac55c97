//! A folder in which commands run, and what they said.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// A folder for runs of a binary; it goes with the value.
pub struct Desk {
    binary: &'static str,
    folder: TempDir,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// The status that it ended with; nothing where a signal ended it.
    pub status: Option<i32>,
    /// On standard output.
    pub out: String,
    /// On standard error, without the last end of a line.
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        let said = Said {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap().trim_end().to_owned(),
        };
        assert!(!said.err.contains("panicked"), "{}", said.err);
        said
    }
}

impl Desk {
    /// A new folder to run this binary in: `env!("CARGO_BIN_EXE_…")` of the crate that is tested.
    #[must_use]
    pub fn of(binary: &'static str) -> Desk {
        Desk { binary, folder: tempfile::tempdir().unwrap() }
    }

    /// A path in the folder.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes a file.
    pub fn write(&self, relative: impl AsRef<Path>, text: &str) {
        fs::write(self.path(relative), text).unwrap();
    }

    /// Reads a file.
    pub fn read(&self, relative: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    /// The binary with these arguments, in the folder, without standard input.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Runs it, however it ends.
    pub fn says(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// Runs what must succeed; returns what it said.
    pub fn well(&self, arguments: &[&str]) -> Said {
        let said = self.says(arguments);
        assert_eq!(said.status, Some(0), "{arguments:?}:\n{}", said.err);
        said
    }

    /// Runs what must succeed; returns what it printed.
    pub fn good(&self, arguments: &[&str]) -> String {
        self.well(arguments).out
    }

    /// Runs what must end with status 1; returns what it said on standard error, notes before the error among it.
    pub fn failing(&self, arguments: &[&str]) -> String {
        let said = self.says(arguments);
        assert_eq!(said.status, Some(1), "{arguments:?}:\n{}", said.err);
        said.err
    }

    /// Runs what must be refused with status 1; returns the message, which is all that is said on standard error.
    pub fn bad(&self, arguments: &[&str]) -> String {
        let message = self.failing(arguments);
        let errors = message.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(message.starts_with("error: ") && errors == 1, "{message}");
        message
    }

    /// [`Desk::bad`], where nothing but one line will do.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let message = self.bad(arguments);
        assert_eq!(message.lines().count(), 1, "{message}");
        message
    }
}

/// The words of a command line.
#[must_use]
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Every file below a folder with its content.
#[must_use]
pub fn files_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
