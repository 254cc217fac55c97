//! Reading the files of a checkpoint: what comes from outside is bounded.

use super::CheckpointError;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The largest JSON file in bytes that is read, tokenizers apart. The index of a model with a hundred thousand tensors
/// stays below it.
const LARGEST_JSON: u64 = 1 << 26;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub message: String,
}

impl From<FileError> for CheckpointError {
    fn from(error: FileError) -> CheckpointError {
        CheckpointError::Json { path: error.path, message: error.message }
    }
}

/// A text file of at most `largest` bytes, without the byte order mark that some editors put before it; `None` if it is not
/// there.
pub(crate) fn read_text(path: &Path, largest: u64) -> Result<Option<String>, FileError> {
    let failed = |message: String| FileError { path: path.to_owned(), message };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.to_string())),
    };
    let mut text = String::new();
    file.take(largest + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    if text.len() as u64 > largest {
        return Err(failed(format!("larger than {largest} bytes, which no such file should be")));
    }
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(Some(text))
}

/// A JSON file; `None` if it is not there.
pub(crate) fn read_json(path: &Path) -> Result<Option<Value>, FileError> {
    let Some(text) = read_text(path, LARGEST_JSON)? else { return Ok(None) };
    let failed = |error: serde_json::Error| FileError { path: path.to_owned(), message: error.to_string() };
    serde_json::from_str(&text).map(Some).map_err(failed)
}

/// Removes a file if it is there.
pub(super) fn remove(path: &Path) -> Result<(), CheckpointError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(path)(error)),
        _ => Ok(()),
    }
}

pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> CheckpointError + '_ {
    move |source| CheckpointError::Io { path: path.to_owned(), source }
}
