//! Writing so that a crash leaves either the old file or the new one.

use crate::EvalError;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process,
};

/// Writes a file under a temporary name beside its place, waits until it is on disk, and renames it into place.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    let written = || -> io::Result<()> {
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path does not name a file"))?;
        let draft = path.with_file_name(format!(".tmp-{}-{}", process::id(), name.to_string_lossy()));
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|source| EvalError::Io { action: "write", path: path.to_owned(), source })
}
