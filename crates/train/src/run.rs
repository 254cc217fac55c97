//! Run folders: everything that a run leaves behind, laid out so that a killed run resumes exactly.
//!
//! ```text
//! run/
//!   run.json                      what kind of run, when it began, its seed and fingerprints
//!   config.toml                   the resolved configuration
//!   metrics.jsonl                 one line per step
//!   events/                       the same for TensorBoard
//!   rollouts/step_000001.parquet  every trace of the step
//!   checkpoints/step_000020/      model, optimizer and whatever else the run needs to go on
//!   dev/step_000020.jsonl         what the planner made of the development problems, where there are some
//!   best/                         the best planner by them, and of which step it is
//!   difficulty.jsonl              how difficult problems are, where they are chosen by that
//!   spending.jsonl                what its executor has spent, where that is counted
//!   run.lock                      held by the process that writes the run
//!   end.json                      how it ended, where its process could say so
//! ```
//!
//! What exists under its final name is complete: files and checkpoints come to their places whole or not at all
//! ([`tracelift_files`]). A step's rollouts and metrics may be there although the checkpoint that
//! follows is not; [`RunFolder::rewind`] removes what lies after the checkpoint that a run resumes from.

mod end;
mod layout;
#[cfg(test)]
mod tests;

use crate::{
    events::EventLog,
    metrics::{MetricsError, MetricsLog, StepMetrics, read_metrics},
    rollouts::{RolloutRecord, RolloutsError, write_rollouts},
};
use layout::step_name;
use std::{
    error::Error,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

pub use end::RunEnd;
pub use layout::{RunDescription, RunLayout, SCHEME};
use tracelift_files::{FolderDraft, TEMPORARY, WriteError, remove_leftovers, remove_tree};

/// How many checkpoints a run keeps unless told otherwise, the newest ones: one to resume from, and one before it.
pub const KEPT_CHECKPOINTS: usize = 2;

/// Why a run folder could not be made, opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A file or checkpoint cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A new run was to be made where one is.
    #[error("{} already holds a run; resume it, or choose another folder", path.display())]
    HoldsRun {
        /// The folder.
        path: PathBuf,
    },
    /// A new run was to be made among other files.
    #[error("{} already holds `{entry}`, which is not part of a run; choose a new or empty folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// What lies there.
        entry: String,
    },
    /// There is no run.
    #[error("{} holds no run: it has no run.json; check the path, or start a new run there", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// `run.json` is damaged.
    #[error("{} does not describe a run: {source}; restore it", path.display())]
    BadDescription {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It cannot be told whether the run is the same.
    #[error(
        "{} holds a run of another version of tracelift, whose fingerprints cannot be compared with those of this one; go \
         on with it by that version, or choose another folder",
        path.display()
    )]
    OtherVersion {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else writes the run.
    #[error("another process is writing the run in {}; wait for it or stop it", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// A checkpoint is written once.
    #[error("{} is already there; a checkpoint is saved once per step", path.display())]
    CheckpointExists {
        /// The checkpoint.
        path: PathBuf,
    },
    /// Whoever fills the checkpoint failed.
    #[error("cannot save the checkpoint of step {step}: {source}")]
    CheckpointContent {
        /// The step.
        step: u64,
        /// What went wrong.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Metrics could not be read or written.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Rollouts could not be written.
    #[error(transparent)]
    Rollouts(#[from] RolloutsError),
}

/// An I/O error with the action and the path that it befell.
fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError + use<> {
    let path = path.to_owned();
    move |source| RunError::Io { action, path, source }
}

/// A run folder that this process writes. The lock on it ends with this value, or with the process.
#[derive(Debug)]
pub struct RunFolder {
    layout: RunLayout,
    description: RunDescription,
    keep: usize,
    metrics: MetricsLog,
    events: EventLog,
    _lock: File,
}

impl RunFolder {
    /// Whether a new run can be made in a folder: it does not exist, or is empty.
    ///
    /// # Errors
    /// When it holds a run or anything else, or cannot be read.
    pub fn require_free(path: &Path) -> Result<(), RunError> {
        if path.exists() { refuse_if_taken(&RunLayout::of(path)) } else { Ok(()) }
    }

    /// Makes a new run in a folder that does not exist or is empty.
    ///
    /// # Errors
    /// When the folder holds a run or anything else, another process writes it, or the disk refuses.
    pub fn create(
        path: &Path,
        description: &RunDescription,
        config_toml: &str,
    ) -> Result<RunFolder, RunError> {
        let layout = RunLayout::of(path);
        fs::create_dir_all(path).map_err(failed("make", path))?;
        refuse_if_taken(&layout)?;
        let lock = acquire_lock(&layout)?;
        // Another process may have made the run between the first look and the lock.
        refuse_if_taken(&layout)?;
        for folder in ["events", "rollouts", "checkpoints"] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
        }
        tracelift_files::write(layout.config(), config_toml)?;
        // This file makes the folder a run, so it comes last.
        let text = serde_json::to_string_pretty(description)
            .map_err(|source| RunError::BadDescription { path: layout.description(), source })?;
        tracelift_files::write(layout.description(), text + "\n")?;
        RunFolder::with_lock(layout, lock)
    }

    /// Opens the run in a folder for writing. What a crash left half-written is removed.
    ///
    /// # Errors
    /// When there is no run, its files are damaged, another process writes it, or the disk refuses.
    pub fn open(path: &Path) -> Result<RunFolder, RunError> {
        let layout = RunLayout::of(path);
        layout.read_description()?;
        let lock = acquire_lock(&layout)?;
        for folder in ["", "events", "rollouts", "checkpoints", "dev"] {
            let folder = path.join(folder);
            if !folder.exists() {
                continue;
            }
            remove_leftovers(&folder).map_err(failed("clean up", &folder))?;
        }
        RunFolder::with_lock(layout, lock)
    }

    /// Opens the run in a folder to go on from its newest checkpoint, which is returned: everything after it is
    /// removed. Without a checkpoint the run begins anew.
    ///
    /// # Errors
    /// As [`RunFolder::open`] and [`RunFolder::rewind`].
    pub fn resume(path: &Path) -> Result<(RunFolder, Option<(u64, PathBuf)>), RunError> {
        let mut run = RunFolder::open(path)?;
        let latest = run.layout.latest_checkpoint()?;
        run.rewind(latest.as_ref().map_or(0, |(step, _)| *step))?;
        Ok((run, latest))
    }

    fn with_lock(layout: RunLayout, lock: File) -> Result<RunFolder, RunError> {
        let description = layout.read_description()?;
        layout.forget_end()?;
        let metrics = MetricsLog::open(&layout.metrics())?;
        let steps = read_metrics(&layout.metrics())?;
        let events =
            EventLog::rebuild(&layout.events(), &steps).map_err(failed("rebuild", &layout.events()))?;
        Ok(RunFolder { layout, description, keep: KEPT_CHECKPOINTS, metrics, events, _lock: lock })
    }

    /// Keeps another number of checkpoints, at least one.
    #[must_use]
    pub fn keeping(mut self, checkpoints: usize) -> RunFolder {
        self.keep = checkpoints.max(1);
        self
    }

    /// Where things lie.
    #[must_use]
    pub fn layout(&self) -> &RunLayout {
        &self.layout
    }

    /// What `run.json` says.
    #[must_use]
    pub fn description(&self) -> &RunDescription {
        &self.description
    }

    /// Writes the metrics of a step, for `metrics.jsonl` and for TensorBoard.
    ///
    /// # Errors
    /// When the step does not come after the last one, or the disk refuses.
    pub fn record_metrics(&mut self, metrics: &StepMetrics) -> Result<(), RunError> {
        self.metrics.append(metrics)?;
        self.events.append(metrics).map_err(failed("write", &self.layout.events()))
    }

    /// Writes the rollouts of a step.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn record_rollouts(&mut self, step: u64, rollouts: &[RolloutRecord]) -> Result<(), RunError> {
        Ok(write_rollouts(&self.layout.rollouts(step), rollouts)?)
    }

    /// Saves the checkpoint of a step: `fill` writes its content into an empty folder, which becomes the checkpoint
    /// once all of it is on disk. Then the oldest checkpoints are removed.
    ///
    /// # Errors
    /// When the step has a checkpoint already, `fill` fails, or the disk refuses.
    pub fn save_checkpoint<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        step: u64,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, RunError> {
        let place = self.layout.checkpoint(step);
        if place.exists() {
            return Err(RunError::CheckpointExists { path: place });
        }
        let draft = FolderDraft::begin(&place)?;
        fill(draft.path()).map_err(|e| RunError::CheckpointContent { step, source: e.into() })?;
        draft.finish()?;

        let steps = self.layout.checkpoint_steps()?;
        for old in &steps[..steps.len().saturating_sub(self.keep)] {
            self.remove_checkpoint(*old)?;
        }
        Ok(place)
    }

    /// Puts the best planner so far in the place of the one before: `fill` writes it into an empty folder.
    ///
    /// It is not undone by [`RunFolder::rewind`]: a planner that was found good is good, and a run that does the steps again
    /// finds it again.
    ///
    /// # Errors
    /// When `fill` fails, or the disk refuses; the one before is then still there.
    pub fn keep_best<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        step: u64,
        fill: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, RunError> {
        let place = self.layout.best();
        let draft = FolderDraft::replacing(&place)?;
        fill(draft.path()).map_err(|e| RunError::CheckpointContent { step, source: e.into() })?;
        draft.finish()?;
        Ok(place)
    }

    /// Takes a checkpoint out of sight before it is removed, so that a crash cannot leave half of one.
    fn remove_checkpoint(&self, step: u64) -> Result<(), RunError> {
        let place = self.layout.checkpoint(step);
        let doomed = self.layout.checkpoints().join(format!("{TEMPORARY}old_{}", step_name(step)));
        remove_tree(&doomed).map_err(failed("remove", &doomed))?;
        fs::rename(&place, &doomed).map_err(failed("rename", &place))?;
        remove_tree(&doomed).map_err(failed("remove", &doomed))
    }

    /// The newest complete checkpoint.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn latest_checkpoint(&self) -> Result<Option<(u64, PathBuf)>, RunError> {
        self.layout.latest_checkpoint()
    }

    /// Removes everything that came after a step, so that the folder is what it was when the step ended.
    ///
    /// # Errors
    /// When the metrics are damaged, or the disk refuses.
    pub fn rewind(&mut self, step: u64) -> Result<(), RunError> {
        for later in self.layout.checkpoint_steps()?.into_iter().filter(|s| *s > step) {
            self.remove_checkpoint(later)?;
        }
        for later in self.layout.rollout_steps()?.into_iter().filter(|s| *s > step) {
            let path = self.layout.rollouts(later);
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        for later in self.layout.dev_steps()?.into_iter().filter(|s| *s > step) {
            let path = self.layout.dev_samples(later);
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        let mut steps = read_metrics(&self.layout.metrics())?;
        steps.retain(|metrics| metrics.step <= step);
        let mut text = String::new();
        for metrics in &steps {
            text.push_str(&metrics.to_line()?);
            text.push('\n');
        }
        tracelift_files::write(self.layout.metrics(), text)?;
        self.metrics = MetricsLog::open(&self.layout.metrics())?;
        self.events = EventLog::rebuild(&self.layout.events(), &steps)
            .map_err(failed("rebuild", &self.layout.events()))?;
        Ok(())
    }
}

/// Refuses a folder that holds anything but what an earlier, unfinished [`RunFolder::create`] left.
fn refuse_if_taken(layout: &RunLayout) -> Result<(), RunError> {
    let root = layout.root();
    if layout.description().exists() {
        return Err(RunError::HoldsRun { path: root.to_owned() });
    }
    for entry in fs::read_dir(root).map_err(failed("list", root))? {
        let entry = entry.map_err(failed("list", root))?.file_name().to_string_lossy().into_owned();
        let ours = ["run.lock", "config.toml", "events", "rollouts", "checkpoints"];
        let ours = [&ours[..], &RunLayout::BEFORE_THE_RUN].concat();
        if !ours.contains(&entry.as_str()) && !entry.starts_with(TEMPORARY) {
            return Err(RunError::NotEmpty { path: root.to_owned(), entry });
        }
    }
    Ok(())
}

/// How often a lock is tried for, and how long is waited in between: whoever looks whether a run goes on
/// ([`RunLayout::is_written`]) has it for a moment.
const TRIES: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(10);

fn acquire_lock(layout: &RunLayout) -> Result<File, RunError> {
    let path = layout.lock();
    let file = File::create(&path).map_err(failed("open", &path))?;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
            Err(TryLockError::Error(e)) => return Err(failed("lock", &path)(e)),
        }
    }
    Err(RunError::Locked { path: layout.root().to_owned() })
}
