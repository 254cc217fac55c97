//! Who has claimed a run, and whether he is still there.
//!
//! Each process that opens a file holds a lock on a file of its own beside it. The system gives the lock back when the process ends,
//! however it ends, so a claim of one that was killed is free at once; a clock would have to be waited for, and would take a
//! process that slept for one that died.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// One opening of a file.
#[derive(Debug)]
pub(super) struct Owner {
    pub id: i64,
    /// Held as long as it is there; none for a store in memory, which nobody shares.
    lock: Option<(File, PathBuf)>,
}

fn path_of(store: &Path, id: i64) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_owned();
    name.push(format!("-owner-{id}"));
    store.with_file_name(name)
}

/// The numbers of those that are there, or were.
fn others(store: &Path) -> io::Result<Vec<i64>> {
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = store.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{name}-owner-");
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix(&prefix)?.parse().ok();
    Ok(fs::read_dir(folder)?.filter_map(Result::ok).filter_map(number).collect())
}

impl Owner {
    /// Of a store in memory.
    pub fn alone(id: i64) -> Owner {
        Owner { id, lock: None }
    }

    /// Of a file, under a number that nobody else has. Locks of those that are gone are cleared away. Whoever calls this holds the
    /// store's own lock, so nobody finds a file that has been made and is not locked yet.
    pub fn beside(store: &Path, id: i64) -> io::Result<Owner> {
        for other in others(store)? {
            Owner::is_there(store, other);
        }
        let path = path_of(store, id);
        let file = OpenOptions::new().create_new(true).write(true).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => io::Error::other("its lock is held by somebody else"),
        })?;
        Ok(Owner { id, lock: Some((file, path)) })
    }

    /// Whether another one is still there. What a dead one left behind is removed.
    pub fn is_there(store: &Path, id: i64) -> bool {
        let path = path_of(store, id);
        match File::open(&path).map(|file| file.try_lock_shared()) {
            Ok(Ok(())) => {
                // Whoever comes first removes it; for the others it is gone already.
                let _ = fs::remove_file(&path);
                false
            }
            Err(error) => error.kind() != io::ErrorKind::NotFound,
            // Held, or nobody can tell: then it is not taken from him.
            Ok(Err(_)) => true,
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.lock {
            // It says nothing to anybody once the lock is gone.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_there_as_long_as_he_holds_his_lock() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("b.sqlite");
        let owner = Owner::beside(&store, 7).unwrap();
        assert!(Owner::is_there(&store, 7) && !Owner::is_there(&store, 8));
        assert!(Owner::beside(&store, 7).is_err(), "one number is one owner");
        drop(owner);
        assert!(!Owner::is_there(&store, 7));
        // As a killed process leaves it.
        fs::write(path_of(&store, 9), "").unwrap();
        let next = Owner::beside(&store, 10).unwrap();
        assert!(!path_of(&store, 9).exists(), "it is cleared away by whoever comes next");
        assert!(!Owner::is_there(&store, 9));
        drop(next);
    }
}
