//! Writing so that a crash leaves either the old or the new, never half of it.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// What the names of unfinished files and folders begin with.
pub(super) const TEMPORARY: &str = ".tmp-";

/// Writes a file under a temporary name beside its place, waits until it is on disk, and renames it into place.
///
/// # Errors
/// When the disk refuses; the old file, if any, is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path does not name a file"))?;
    // Unlike any other, so that two who write the same file do not write into one another.
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    let mut draft_name = format!("{TEMPORARY}{}-{write}-", process::id());
    draft_name.push_str(&name.to_string_lossy());
    let draft = path.with_file_name(draft_name);
    let written = (|| {
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    if let Err(e) = written {
        // The first error is the one to tell; the draft may not even be there.
        let _ = fs::remove_file(&draft);
        return Err(e);
    }
    sync_folder(path.parent().unwrap_or(Path::new("")))
}

/// Brings the names in a folder to disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Brings a folder with everything in it to disk.
pub(super) fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}

/// Removes a file, or a folder with everything in it, if it is there.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes what a crash left unfinished in a folder.
pub(super) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}
