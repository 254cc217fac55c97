//! What was read once and is asked for again: kept while its file is the same, the latest few of it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// By what a file is known to be the one that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    pub fn of(path: &Path) -> std::io::Result<Stamp> {
        let about = fs::metadata(path)?;
        Ok(Stamp { length: about.len(), modified: about.modified().ok() })
    }
}

/// A file that was read, as it was then, and what was read.
type Read<T> = (PathBuf, Option<Stamp>, Arc<T>);

/// The latest few things that were read, by path.
pub(crate) struct Shelf<T> {
    most: usize,
    kept: Mutex<Vec<Read<T>>>,
}

impl<T> Shelf<T> {
    /// For so many.
    pub fn new(most: usize) -> Shelf<T> {
        Shelf { most, kept: Mutex::new(Vec::new()) }
    }

    /// What was read of a path, if it is still the same; else what `read` makes of it.
    pub fn get<E>(
        &self,
        path: &Path,
        stamp: Option<Stamp>,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut kept = lock();
            if let Some(at) = kept.iter().position(|(known, of, _)| known == path && *of == stamp) {
                // The latest stands last.
                let found = kept.remove(at);
                let thing = Arc::clone(&found.2);
                kept.push(found);
                return Ok(thing);
            }
        }
        // Not under the lock: one large file must not hold up the others.
        let thing = Arc::new(read()?);
        let mut kept = lock();
        kept.retain(|(known, ..)| known != path);
        kept.push((path.to_owned(), stamp, Arc::clone(&thing)));
        let surplus = kept.len().saturating_sub(self.most);
        kept.drain(..surplus);
        Ok(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn what_changed_is_read_anew_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = ["a", "b", "c"].map(|name| dir.path().join(name)).to_vec();
        let (shelf, mut reads) = (Shelf::new(2), 0);
        let mut get = |at: usize| {
            let stamp = Stamp::of(&paths[at]).ok();
            let text = shelf.get(&paths[at], stamp, || {
                reads += 1;
                Ok::<_, Infallible>(fs::read_to_string(&paths[at]).unwrap())
            });
            (text.unwrap().as_str().to_owned(), reads)
        };
        for path in &paths {
            fs::write(path, "one").unwrap();
        }
        assert_eq!((get(0), get(0)), (("one".into(), 1), ("one".into(), 1)));
        fs::write(&paths[0], "other").unwrap();
        assert_eq!(get(0), ("other".into(), 2));
        assert_eq!((get(1).1, get(2).1, get(1).1), (3, 4, 4));
        assert_eq!(get(0).1, 5, "the oldest of three was put away");
    }
}
