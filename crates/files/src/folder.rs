//! Folders: made, filled out of sight, cleared.

use crate::{
    TEMPORARY,
    error::{WriteError, WriteFault},
    target::folder_of,
};
use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder that appears with all that is in it, or not at all. Dropped unfinished, it is removed.
#[derive(Debug)]
#[must_use = "nothing is in its place before `finish`"]
pub struct FolderDraft {
    path: PathBuf,
    parent: PathBuf,
    draft: TempDir,
    place: Place,
}

/// What may be where a folder is to appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing.
    Vacant,
    /// Nothing, or a folder that goes.
    Taken,
}

impl FolderDraft {
    /// An empty folder out of sight, beside its place.
    ///
    /// # Errors
    /// When there is something in its place, or the folder above takes no new ones.
    pub fn begin(path: impl AsRef<Path>) -> Result<FolderDraft, WriteError> {
        FolderDraft::begin_at(path.as_ref(), Place::Vacant)
    }

    /// The same for a place where there may be a folder already: it is there until the new one is, and then gone.
    ///
    /// Where the system cannot exchange two names (Linux can, on most file systems), a process that is killed between two
    /// renames leaves neither; everywhere else there is one of the two at any moment.
    ///
    /// # Errors
    /// When there is something else in its place, or the folder above takes no new ones.
    pub fn replacing(path: impl AsRef<Path>) -> Result<FolderDraft, WriteError> {
        FolderDraft::begin_at(path.as_ref(), Place::Taken)
    }

    fn begin_at(path: &Path, place: Place) -> Result<FolderDraft, WriteError> {
        let failed = WriteError::at(path);
        let parent = folder_of(path).map_err(&failed)?;
        place.admits(path).map_err(&failed)?;
        let mut hidden = tempfile::Builder::new();
        let hidden = hidden.prefix(TEMPORARY).permissions(Permissions::from_mode(0o777));
        let refused = |source| failed(WriteFault::Folder { folder: parent.clone(), source });
        let draft = hidden.tempdir_in(&parent).map_err(refused)?;
        Ok(FolderDraft { path: path.to_owned(), parent, draft, place })
    }

    /// Where it is to be filled.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.draft.path()
    }

    /// Brings the folder to disk and lets it appear.
    ///
    /// # Errors
    /// When the system refuses, or something has appeared in its place meanwhile; it is then removed.
    pub fn finish(self) -> Result<(), WriteError> {
        let FolderDraft { path, parent, draft, place } = self;
        let failed = WriteError::at(&path);
        let taken = place.admits(&path).map_err(&failed)?;
        let finished = (|| {
            sync_tree(draft.path())?;
            if taken {
                exchange(draft.path(), &path)?;
                sync_folder(&parent)?;
                // What it replaces has its name now.
                return draft.close();
            }
            fs::rename(draft.path(), &path)?;
            // It has no such name any more.
            let _ = draft.keep();
            sync_folder(&parent)
        })();
        finished.map_err(|error| failed(error.into()))
    }
}

impl Place {
    /// Whether there is a folder that is to go; refuses a place where there is anything else, even a link that leads nowhere.
    fn admits(self, path: &Path) -> Result<bool, WriteFault> {
        match fs::symlink_metadata(path) {
            Ok(found) if self == Place::Taken && found.is_dir() => Ok(true),
            Ok(_) => Err(WriteFault::Exists),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Lets two folders have each other's name.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
            // Not on this file system, or not by this kernel.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            exchanged => return Ok(exchanged?),
        }
    }
    exchange_by_turns(new, old)
}

/// The same in three steps.
pub(crate) fn exchange_by_turns(new: &Path, old: &Path) -> io::Result<()> {
    let mut aside = new.as_os_str().to_owned();
    aside.push("-old");
    fs::rename(old, &aside)?;
    fs::rename(new, old)?;
    fs::rename(&aside, new)
}

/// Whether a path can be a folder's: one is there, or nothing is and those above it are folders. To be asked before long work
/// whose results go there.
///
/// # Errors
/// When the path is empty, or there is something else of one of its names.
pub fn check_folder(path: impl AsRef<Path>) -> Result<(), WriteError> {
    let path = path.as_ref();
    let failed = WriteError::at(path);
    if path.as_os_str().is_empty() {
        return Err(failed(WriteFault::NotAFolder(path.to_owned())));
    }
    match path.ancestors().find(|above| above.symlink_metadata().is_ok()) {
        Some(above) if !above.is_dir() => Err(failed(WriteFault::NotAFolder(above.to_owned()))),
        _ => Ok(()),
    }
}

/// Makes a folder and those above it, where they are missing.
///
/// # Errors
/// When there is something else of one of their names, or the system refuses.
pub fn make_folder(path: impl AsRef<Path>) -> Result<(), WriteError> {
    let path = path.as_ref();
    fs::create_dir_all(path).map_err(|error| {
        let fault = match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                let is_none = |above: &&Path| above.exists() && !above.is_dir();
                let none = path.ancestors().find(is_none).unwrap_or(path);
                WriteFault::NotAFolder(none.to_owned())
            }
            _ => WriteFault::Io(error),
        };
        WriteError { path: path.to_owned(), fault }
    })
}

/// Removes a file, or a folder with everything in it, if it is there. A link is removed, not what it leads to.
///
/// # Errors
/// When the system refuses.
pub fn remove_tree(path: &Path) -> io::Result<()> {
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

/// Removes what a crash left unfinished in a folder, in which nobody else may be writing.
///
/// # Errors
/// When the system refuses.
pub fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// Brings the names in a folder to disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // One may write into a folder that one may not read, and some file systems sync files alone.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Brings a folder with everything in it to disk.
fn sync_tree(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_folder(folder)
}
