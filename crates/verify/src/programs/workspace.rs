//! The temporary directory of one run.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// `program.py` and `stdin` beside an empty directory `work`, in which the program runs.
///
/// What the program must print never lies here.
#[derive(Debug)]
pub(super) struct Workspace {
    root: TempDir,
}

/// How often removal starts over while a dying process still creates files.
const SWEEPS: usize = 5;

impl Workspace {
    pub(super) fn create(source: &str, stdin: &str) -> io::Result<Workspace> {
        let root = tempfile::Builder::new().prefix("tracelift-run-").tempdir()?;
        let workspace = Workspace { root };
        fs::write(workspace.program(), source)?;
        fs::write(workspace.stdin(), stdin)?;
        fs::create_dir(workspace.work())?;
        Ok(workspace)
    }

    pub(super) fn program(&self) -> PathBuf {
        self.root.path().join("program.py")
    }

    pub(super) fn stdin(&self) -> PathBuf {
        self.root.path().join("stdin")
    }

    pub(super) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Removes it all, however deep, locked or still growing; the path if that fails.
    pub(super) fn remove(self) -> Result<(), PathBuf> {
        let root = self.root.keep();
        for _ in 0..SWEEPS {
            match sweep(&root) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !root.exists() => return Ok(()),
                Err(_) => std::thread::yield_now(),
            }
        }
        Err(root)
    }
}

/// Removes a tree without recursion and without paths that grow with its depth: directories of the second level are
/// first moved to the first one. Symbolic links are removed, never followed.
fn sweep(root: &Path) -> io::Result<()> {
    unlock(root)?;
    let mut moved = 0_u64;
    loop {
        let mut empty = true;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            empty = false;
            if !entry.file_type()?.is_dir() {
                fs::remove_file(entry.path())?;
                continue;
            }
            unlock(&entry.path())?;
            for inner in fs::read_dir(entry.path())? {
                let inner = inner?;
                if inner.file_type()?.is_dir() {
                    // Moving a directory rewrites its `..`, so it must be writable itself.
                    unlock(&inner.path())?;
                    let place = loop {
                        moved += 1;
                        let place = root.join(format!("moved-{moved}"));
                        if place.symlink_metadata().is_err() {
                            break place;
                        }
                    };
                    fs::rename(inner.path(), place)?;
                } else {
                    fs::remove_file(inner.path())?;
                }
            }
            fs::remove_dir(entry.path())?;
        }
        if empty {
            return fs::remove_dir(root);
        }
    }
}

fn unlock(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn removes_locked_and_linked_things() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("keep"), "x").unwrap();
        let workspace = Workspace::create("print(1)", "").unwrap();
        let root = workspace.root.path().to_owned();
        let work = workspace.work();
        symlink(outside.path(), work.join("link")).unwrap();
        fs::create_dir_all(work.join("a/b/c")).unwrap();
        fs::write(work.join("a/b/c/file"), "x").unwrap();
        fs::set_permissions(work.join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
        assert_eq!(workspace.remove(), Ok(()));
        assert!(!root.exists() && outside.path().join("keep").exists());
    }
}
