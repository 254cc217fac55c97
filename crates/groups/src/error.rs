//! What can be wrong with groups and their files.

use std::{io, path::PathBuf};

/// Why groups could not be read, written or made.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// The file could not be opened.
    #[error("open the group file {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file could not be read to its end.
    #[error("{}:{line}: read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What the system said.
        source: io::Error,
    },
    /// A line is too long to be a group.
    #[error("{}:{line}: the line is longer than {limit} bytes; a group file has one JSON object a line", path.display())]
    Long {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// How long a line may be.
        limit: u64,
    },
    /// A line is not JSON.
    #[error("{}:{line}:{column}: not JSON: {what}; a group file has one JSON object a line", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column in bytes, from 1; 0 where the parser names none.
        column: usize,
        /// What the parser said.
        what: String,
    },
    /// A line is JSON, but not a group.
    #[error("{}:{line}:{column}: not a group: {what}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column in bytes, from 1; 0 where the parser names none.
        column: usize,
        /// The field that is missing or has a wrong type.
        what: String,
    },
    /// A line is a group that breaks a rule which the schema cannot express.
    #[error("{}:{line}: group `{problem_id}`: {what}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The group.
        problem_id: String,
        /// The first offending field.
        what: String,
    },
    /// The file could not be written; what stood there before still does.
    #[error(transparent)]
    Write(#[from] tracelift_files::WriteError),
    /// A group that no reader would take back.
    #[error("write the group file {}: group `{problem_id}`: {what}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The group.
        problem_id: String,
        /// What is wrong with it.
        what: String,
    },
}
