//! Where results lie: each evaluation in a folder of its own, named by the time, and links that lead to the newest.
//!
//! ```text
//! evaluation/
//!   results/2026-05-17T08-30-00Z/     evaluation.json, evaluation.md, samples.jsonl, sandbox.json
//!   latest                            leads to the newest of those
//!   evaluation.json, …                lead through `latest`, for whoever wants no more than the newest
//! ```
//!
//! Nothing is ever overwritten. Results that an earlier version left in the folder itself are moved to where they belong first.

use crate::EvalError;
use chrono::{DateTime, Utc};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The files of results, of which there are links.
const FILES: [&str; 4] = ["evaluation.json", "evaluation.md", "samples.jsonl", "sandbox.json"];
const RESULTS: &str = "results";
const LATEST: &str = "latest";

/// A moment as it stands in results: `2026-05-17T08:30:00Z`.
#[must_use]
pub fn told(moment: SystemTime) -> String {
    DateTime::<Utc>::from(moment).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Puts the files of an evaluation that was finished at a moment into a new folder under `place`, which appears with all of them, and
/// lets the links lead there. Returns the folder.
///
/// # Errors
/// When the disk refuses.
pub fn publish(place: &Path, moment: SystemTime, files: &[(&str, Vec<u8>)]) -> Result<PathBuf, EvalError> {
    tracelift_files::make_folder(place.join(RESULTS))?;
    take_in(place)?;
    let name = free_name(place, moment);
    let folder = place.join(RESULTS).join(&name);
    let draft = tracelift_files::FolderDraft::begin(&folder)?;
    for (file, bytes) in files {
        tracelift_files::write(draft.path().join(file), bytes)?;
    }
    draft.finish()?;
    tracelift_files::link(Path::new(RESULTS).join(&name), place.join(LATEST))?;
    for file in FILES {
        let (target, path) = (Path::new(LATEST).join(file), place.join(file));
        if files.iter().any(|(own, _)| *own == file) {
            tracelift_files::link(target, path)?;
        } else if path.is_symlink() {
            // It would lead nowhere.
            fs::remove_file(&path).map_err(|source| EvalError::Work { action: "remove", path, source })?;
        }
    }
    Ok(folder)
}

/// Results of an earlier version, which lie in the folder itself, get a folder of their own.
fn take_in(place: &Path) -> Result<(), EvalError> {
    let own = |file: &&&str| {
        let found = fs::symlink_metadata(place.join(file));
        found.is_ok_and(|found| found.is_file())
    };
    let there: Vec<&&str> = FILES.iter().filter(own).collect();
    if there.is_empty() {
        return Ok(());
    }
    let changed = there.iter().filter_map(|file| fs::metadata(place.join(file)).ok()?.modified().ok()).max();
    let folder = place.join(RESULTS).join(free_name(place, changed.unwrap_or(SystemTime::UNIX_EPOCH)));
    tracelift_files::make_folder(&folder)?;
    for file in there {
        tracelift_files::place(&place.join(file), &folder.join(file))?;
    }
    Ok(())
}

/// The moment; with a number where another evaluation was finished in the same second.
fn free_name(place: &Path, moment: SystemTime) -> String {
    let time = DateTime::<Utc>::from(moment).format("%Y-%m-%dT%H-%M-%SZ").to_string();
    let names = std::iter::once(time.clone()).chain((2_u32..).map(|count| format!("{time}-{count}")));
    let mut free = names.filter(|name| !place.join(RESULTS).join(name).exists());
    free.next().unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn moment() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_779_006_600)
    }

    fn files(text: &str) -> [(&'static str, Vec<u8>); 2] {
        ["evaluation.json", "samples.jsonl"].map(|name| (name, text.as_bytes().to_vec()))
    }

    #[test]
    fn results_lie_by_time_and_the_newest_is_found() {
        let desk = tempfile::tempdir().unwrap();
        let place = desk.path().join("evaluation");
        assert_eq!(told(moment()), "2026-05-17T08:30:00Z");
        let first = publish(&place, moment(), &files("first")).unwrap();
        assert!(first.ends_with("results/2026-05-17T08-30-00Z"), "{}", first.display());
        let second = publish(&place, moment(), &files("second")).unwrap();
        assert!(second.ends_with("results/2026-05-17T08-30-00Z-2"), "{}", second.display());
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert_eq!(read(first.join("samples.jsonl")), "first");
        for path in ["latest/samples.jsonl", "samples.jsonl", "evaluation.json"] {
            assert_eq!(read(place.join(path)), "second", "{path}");
        }
        assert!(!place.join("sandbox.json").exists());
    }

    #[test]
    fn what_an_earlier_version_left_is_kept() {
        let desk = tempfile::tempdir().unwrap();
        fs::write(desk.path().join("samples.jsonl"), "old").unwrap();
        fs::write(desk.path().join("evaluation.md"), "old").unwrap();
        let new = publish(desk.path(), moment(), &files("new")).unwrap();
        let of = |name: &str| fs::read_to_string(desk.path().join(name)).unwrap();
        assert_eq!(of("samples.jsonl"), "new");
        let folders: Vec<PathBuf> =
            fs::read_dir(desk.path().join("results")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(folders.len(), 2);
        let old = folders.iter().find(|folder| **folder != new).unwrap();
        assert_eq!(fs::read_to_string(old.join("samples.jsonl")).unwrap(), "old");
        assert_eq!(fs::read_to_string(old.join("evaluation.md")).unwrap(), "old");
        assert!(!desk.path().join("evaluation.md").exists(), "the newest has none");
    }
}
