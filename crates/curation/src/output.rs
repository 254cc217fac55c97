//! Where the groups of a build go, with a record from which it goes on.
//!
//! Beside `groups.jsonl` a build keeps `groups.jsonl.partial` (what is written so far) and `groups.jsonl.progress`
//! (how many items that took, and the counts). Both go when the build is finished; the counts stay as
//! `groups.jsonl.report.json`. Where the path leads to a device or a FIFO, groups go there as they are made, nothing lies
//! beside it, and an interrupted build begins anew.

use crate::{error::BuildError, report::BuildReport};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};
use tracelift_files::{Draft, Kind, kind, make_folder, place, write};
use tracelift_oracle::Failure;

/// How far a build has come.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    settings: String,
    /// Items that are done.
    pub items: u64,
    /// Bytes that they take.
    bytes: u64,
    /// What was counted.
    pub report: BuildReport,
}

/// Where the groups go.
pub(crate) enum Output {
    /// Beside their place, with a record of how far they are.
    File { partial: File, place: BuildFiles },
    /// Out at once.
    Stream(Draft),
}

/// The files of a build.
pub(crate) struct BuildFiles {
    pub out: PathBuf,
    pub partial: PathBuf,
    pub progress: PathBuf,
    report: PathBuf,
}

impl BuildFiles {
    pub(crate) fn of(out: &Path) -> BuildFiles {
        let beside = |end: &str| {
            let mut name = out.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        BuildFiles {
            out: out.to_owned(),
            partial: beside(".partial"),
            progress: beside(".progress"),
            report: beside(".report.json"),
        }
    }
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::File { action, path: path.clone(), source }
}

impl Output {
    /// Goes on with what an interrupted build of the same settings left, or begins.
    pub fn open(out: &Path, settings: String) -> Result<(Output, Progress), BuildError> {
        let fresh = |settings| Progress { settings, items: 0, bytes: 0, report: BuildReport::default() };
        if let Some(folder) = out.parent() {
            make_folder(folder)?;
        }
        if kind(out)? == Kind::Stream {
            return Ok((Output::Stream(Draft::begin(out)?), fresh(settings)));
        }
        let place = BuildFiles::of(out);
        let progress = match fs::read(&place.progress) {
            Ok(text) => resumed(&text, &place, &settings)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => fresh(settings),
            Err(error) => return Err(failed("read", &place.progress)(error)),
        };
        let mut partial = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&place.partial)
            .map_err(failed("open", &place.partial))?;
        partial.set_len(progress.bytes).map_err(failed("shorten", &place.partial))?;
        io::Seek::seek(&mut partial, io::SeekFrom::End(0)).map_err(failed("seek", &place.partial))?;
        Ok((Output::File { partial, place }, progress))
    }

    /// Writes the line of a group.
    pub fn write(&mut self, line: &[u8], progress: &mut Progress) -> Result<(), BuildError> {
        match self {
            Output::File { partial, place } => {
                partial.write_all(line).map_err(failed("write", &place.partial))?;
            }
            Output::Stream(draft) => draft.write_all(line).map_err(|error| draft.failed(error))?,
        }
        progress.bytes += line.len() as u64;
        Ok(())
    }

    /// Makes what is written so far durable, then the record of it.
    pub fn record(&mut self, progress: &Progress) -> Result<(), BuildError> {
        match self {
            Output::File { partial, place } => {
                partial.sync_data().map_err(failed("sync", &place.partial))?;
                let text = serde_json::to_vec(progress).map_err(io::Error::other);
                Ok(write(&place.progress, text.map_err(failed("write", &place.progress))?)?)
            }
            Output::Stream(draft) => Ok(draft.flush().map_err(|error| draft.failed(error))?),
        }
    }

    /// Puts the groups in their place, and the counts beside them.
    pub fn finish(mut self, progress: &Progress) -> Result<(), BuildError> {
        self.record(progress)?;
        match self {
            Output::File { place: BuildFiles { out, partial, progress: record, report }, .. } => {
                let text = serde_json::to_vec_pretty(&progress.report).map_err(io::Error::other);
                write(&report, text.map_err(failed("write", &report))?)?;
                place(&partial, &out)?;
                fs::remove_file(&record).map_err(failed("remove", &record))
            }
            Output::Stream(draft) => Ok(draft.finish()?),
        }
    }

    /// Records how far it came, for the next attempt; the error that says so.
    pub fn unfinished(mut self, progress: &Progress, why: Failure) -> BuildError {
        let groups = progress.report.groups;
        // Boxed, so that every result of a build is not as large as the longest account of a failed call.
        let why = Box::new(why);
        match (self.record(progress), self) {
            (Err(error), _) => error,
            (Ok(()), Output::File { place, .. }) => {
                BuildError::Unfinished { groups, partial: place.partial, why }
            }
            (Ok(()), Output::Stream(_)) => BuildError::CutShort { groups, why },
        }
    }
}

/// What an interrupted build left, if its settings were these.
fn resumed(text: &[u8], place: &BuildFiles, settings: &str) -> Result<Progress, BuildError> {
    let other =
        || BuildError::OtherSettings { progress: place.progress.clone(), partial: place.partial.clone() };
    let progress: Progress = serde_json::from_slice(text).map_err(|_| other())?;
    let written = fs::metadata(&place.partial).map_or(0, |data| data.len());
    if progress.settings != settings || written < progress.bytes {
        return Err(other());
    }
    Ok(progress)
}
