//! The folder, and what of it may be looked at.

use crate::{
    ArchiveError, Contents, GroupFile, Run, Samples, ScorerReport, contents,
    shelf::{Shelf, Stamp},
};
use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// How many of each kind are kept in memory.
const RUNS: usize = 64;
const EVALUATIONS: usize = 4;
const GROUP_FILES: usize = 2;
const REPORTS: usize = 8;

/// A folder that is looked at.
pub struct Archive {
    root: PathBuf,
    runs: Shelf<Run>,
    samples: Shelf<Samples>,
    groups: Shelf<GroupFile>,
    scorers: Shelf<ScorerReport>,
}

impl Archive {
    /// Opens a folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(root: &Path) -> Result<Archive, ArchiveError> {
        let failed = |source| ArchiveError::Root { path: root.to_owned(), source };
        let canonical = fs::canonicalize(root).map_err(failed)?;
        fs::read_dir(&canonical).map_err(failed)?;
        Ok(Archive {
            root: canonical,
            runs: Shelf::new(RUNS),
            samples: Shelf::new(EVALUATIONS),
            groups: Shelf::new(GROUP_FILES),
            scorers: Shelf::new(REPORTS),
        })
    }

    /// The folder, without links.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a place: names below the folder, with `/` between them; `.` is the folder itself.
    ///
    /// # Errors
    /// When there is nothing, or it lies outside, by its name or by a link.
    pub fn resolve(&self, place: &str) -> Result<PathBuf, ArchiveError> {
        let nowhere = || ArchiveError::Nowhere { place: place.chars().take(200).collect() };
        let below = Path::new(place);
        let plain = below.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !plain || place.contains('\0') {
            return Err(nowhere());
        }
        let found = fs::canonicalize(self.root.join(below)).map_err(|_| nowhere())?;
        if found.starts_with(&self.root) { Ok(found) } else { Err(nowhere()) }
    }

    /// The place of a path below the folder; `None` where it lies elsewhere, or has no name in UTF-8.
    #[must_use]
    pub fn place_of(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.root).ok()?;
        let parts: Option<Vec<&str>> = below.components().map(|part| part.as_os_str().to_str()).collect();
        let place = parts?.join("/");
        Some(if place.is_empty() { ".".to_owned() } else { place })
    }

    /// Everything that there is, read now.
    #[must_use]
    pub fn contents(&self) -> Contents {
        contents::list(self)
    }

    /// A run.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn run(&self, place: &str) -> Result<Arc<Run>, ArchiveError> {
        let path = self.resolve(place)?;
        let stamp = Stamp::of(&path.join("run.json")).ok();
        self.runs.get(&path, stamp, || Run::open(place, &path))
    }

    /// The samples of an evaluation's folder.
    ///
    /// # Errors
    /// When there are none, or they are damaged.
    pub fn samples(&self, place: &str) -> Result<Arc<Samples>, ArchiveError> {
        let path = self.resolve(&below(place, "samples.jsonl"))?;
        let stamp = Stamp::of(&path).map_err(ArchiveError::read(&path))?;
        self.samples.get(&path, Some(stamp), || Samples::read(place, &path))
    }

    /// A group file.
    ///
    /// # Errors
    /// When it cannot be read, or holds no group at all.
    pub fn groups(&self, place: &str) -> Result<Arc<GroupFile>, ArchiveError> {
        let path = self.resolve(place)?;
        let stamp = Stamp::of(&path).map_err(ArchiveError::read(&path))?;
        self.groups.get(&path, Some(stamp), || GroupFile::open(place, &path))
    }

    /// A report on reward models.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn scorers(&self, place: &str) -> Result<Arc<ScorerReport>, ArchiveError> {
        let path = self.resolve(place)?;
        let stamp = Stamp::of(&path).map_err(ArchiveError::read(&path))?;
        self.scorers.get(&path, Some(stamp), || ScorerReport::read(&path))
    }
}

/// A place below another.
pub(crate) fn below(place: &str, name: &str) -> String {
    if place == "." { name.to_owned() } else { format!("{place}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (root, secret) = (dir.path().join("runs"), dir.path().join("secret"));
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(&secret, "x").unwrap();
        fs::write(root.join("a/file"), "x").unwrap();
        std::os::unix::fs::symlink(&secret, root.join("a/link")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
        std::os::unix::fs::symlink(root.join("a"), root.join("inner")).unwrap();
        let archive = Archive::open(&root).unwrap();
        for inside in ["a/b", "a/file", ".", "./a/b", "inner/file"] {
            let path = archive.resolve(inside).unwrap();
            assert!(path.starts_with(archive.root()), "{inside}");
        }
        let absolute = secret.display().to_string();
        for outside in
            ["..", "../secret", "a/../../secret", "a/link", "up", "up/secret", &absolute, "/", "a/\0", "none"]
        {
            let error = archive.resolve(outside).unwrap_err();
            assert!(matches!(error, ArchiveError::Nowhere { .. }), "{outside:?}: {error}");
        }
        assert_eq!(archive.place_of(&archive.root().join("a/b")).as_deref(), Some("a/b"));
        assert_eq!(archive.place_of(archive.root()).as_deref(), Some("."));
        assert_eq!(archive.place_of(&secret), None);
        assert!(Archive::open(&dir.path().join("none")).is_err());
    }
}
