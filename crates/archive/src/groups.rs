//! Group files: what can be asked of all groups is kept in memory, a group is read where it is shown.

use crate::ArchiveError;
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};
use tracelift_domain::Group;
use tracelift_groups::{
    GroupReader,
    survey::{Survey, Surveyor},
};

/// Characters of a statement that are kept for searching.
const KEPT: usize = 400;

/// What is kept of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// Its problem.
    pub problem_id: String,
    /// Where that comes from.
    pub source: String,
    /// The beginning of its statement.
    pub statement: String,
    /// Which kinds of flawed traces it has, each with how many.
    pub kinds: Vec<(String, usize)>,
    position: u64,
}

/// A group file.
pub struct GroupFile {
    place: String,
    path: PathBuf,
    entries: Vec<GroupEntry>,
    faults: Vec<String>,
    survey: OnceLock<Survey>,
}

/// Lines that are no groups are counted beyond so many, and not shown.
const FAULTS: usize = 5;

impl GroupFile {
    pub(crate) fn open(place: &str, path: &Path) -> Result<GroupFile, ArchiveError> {
        let mut reader = GroupReader::open(path)?;
        let (mut entries, mut faults) = (Vec::new(), Vec::new());
        while let Some(group) = reader.next() {
            let position = reader.position();
            match group {
                Ok(group) => entries.push(entry(&group, position)),
                Err(error) if faults.len() < FAULTS => faults.push(error.to_string()),
                Err(_) => {}
            }
        }
        if entries.is_empty() {
            return Err(ArchiveError::Other { place: place.to_owned(), what: "group" });
        }
        Ok(GroupFile {
            place: place.to_owned(),
            path: path.to_owned(),
            entries,
            faults,
            survey: OnceLock::new(),
        })
    }

    /// Where it lies.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The groups in their order.
    #[must_use]
    pub fn entries(&self) -> &[GroupEntry] {
        &self.entries
    }

    /// What was wrong with the first lines that are no groups.
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// A group, read whole.
    ///
    /// # Errors
    /// When the file has changed in the meantime.
    pub fn group(&self, entry: &GroupEntry) -> Result<Group, ArchiveError> {
        let found = GroupReader::open_at(&self.path, entry.position)?.next();
        let group = found.ok_or_else(|| ArchiveError::damaged(&self.path, "it has become shorter"))??;
        if group.problem_id == entry.problem_id {
            Ok(group)
        } else {
            Err(ArchiveError::damaged(&self.path, "it has changed; look again"))
        }
    }

    /// What is in the file, counted, with the report on shortcuts. The first time it takes a pass over the file, and the training of a
    /// probe.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn survey(&self) -> Result<&Survey, ArchiveError> {
        if let Some(survey) = self.survey.get() {
            return Ok(survey);
        }
        let mut surveyor = Surveyor::default();
        for group in GroupReader::open(&self.path)?.flatten() {
            surveyor.see(&group);
        }
        Ok(self.survey.get_or_init(|| surveyor.finish()))
    }
}

fn entry(group: &Group, position: u64) -> GroupEntry {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for negative in &group.negative_bank {
        match kinds.iter_mut().find(|(kind, _)| *kind == negative.negative_kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((negative.negative_kind.clone(), 1)),
        }
    }
    GroupEntry {
        problem_id: group.problem_id.clone(),
        source: group.source.clone(),
        statement: group.problem.chars().take(KEPT).collect(),
        kinds,
        position,
    }
}
