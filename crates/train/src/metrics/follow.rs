//! A `metrics.jsonl` that is read while it grows.

use super::{MetricsError, StepMetrics, read_lines};
use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Bytes at the end of a file in which a step is looked for first.
const TAIL: u64 = 16 << 10;

/// Reads a log that others write: each time only what was added.
#[derive(Clone, Debug)]
pub struct MetricsFollower {
    path: PathBuf,
    /// Which file was read, and how far: a run that is rewound writes another one.
    file: Option<u64>,
    read: u64,
    lines: usize,
    steps: Vec<StepMetrics>,
}

impl MetricsFollower {
    /// Of a file, which need not be there yet.
    #[must_use]
    pub fn of(path: impl Into<PathBuf>) -> MetricsFollower {
        MetricsFollower { path: path.into(), file: None, read: 0, lines: 0, steps: Vec::new() }
    }

    /// The steps that are on disk now; none where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is not a metrics line. What was read before it stays.
    pub fn refresh(&mut self) -> Result<&[StepMetrics], MetricsError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| MetricsError::Io { action: "read", path, source }
        };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *self = MetricsFollower::of(std::mem::take(&mut self.path));
                return Ok(&self.steps);
            }
            Err(error) => return Err(failed(&self.path)(error)),
        };
        let about = file.metadata().map_err(failed(&self.path))?;
        if self.file != Some(about.ino()) || about.len() < self.read {
            *self = MetricsFollower::of(std::mem::take(&mut self.path));
            self.file = Some(about.ino());
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(self.read)).map_err(failed(&self.path))?;
        file.read_to_end(&mut text).map_err(failed(&self.path))?;
        // What stands behind the last newline is still being written.
        text.truncate(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        let before = self.steps.len();
        read_lines(&self.path, &text, self.lines, &mut self.steps)?;
        self.read += text.len() as u64;
        self.lines += self.steps.len() - before;
        Ok(&self.steps)
    }

    /// What was read last.
    #[must_use]
    pub fn steps(&self) -> &[StepMetrics] {
        &self.steps
    }
}

/// The last step of a `metrics.jsonl`, without reading what comes before it; `None` where there is none.
///
/// # Errors
/// When the file is there and cannot be read, or its last line is not a metrics line.
pub fn last_step(path: &Path) -> Result<Option<StepMetrics>, MetricsError> {
    let failed = |source| MetricsError::Io { action: "read", path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let length = file.metadata().map_err(failed)?.len();
    let mut tail = TAIL;
    loop {
        let from = length.saturating_sub(tail);
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(from)).map_err(failed)?;
        (&mut file).take(length - from).read_to_end(&mut text).map_err(failed)?;
        let Some(end) = text.iter().rposition(|byte| *byte == b'\n') else {
            if from == 0 {
                return Ok(None);
            }
            tail = tail.saturating_mul(4);
            continue;
        };
        let begin = text[..end].iter().rposition(|byte| *byte == b'\n').map(|before| before + 1);
        match begin.or((from == 0).then_some(0)) {
            Some(begin) => {
                let mut steps = Vec::new();
                read_lines(path, &text[begin..=end], 0, &mut steps)?;
                return Ok(steps.pop());
            }
            None => tail = tail.saturating_mul(4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MetricsLog, name};
    use super::*;

    fn step(step: u64) -> StepMetrics {
        let mut metrics = StepMetrics::at(step, step as f64);
        metrics.set(name::REWARD, step as f64 / 10.0);
        metrics
    }

    #[test]
    fn what_is_added_is_read_and_a_line_that_is_being_written_waits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut follower = MetricsFollower::of(&path);
        assert_eq!(follower.refresh().unwrap(), []);
        let mut log = MetricsLog::open(&path).unwrap();
        for at in 1..=3 {
            log.append(&step(at)).unwrap();
            assert_eq!(follower.refresh().unwrap().len() as u64, at);
        }
        let whole = std::fs::read(&path).unwrap();
        let line = step(4).to_line().unwrap();
        std::fs::write(&path, [&whole, &line.as_bytes()[..9]].concat()).unwrap();
        assert_eq!(follower.refresh().unwrap().len(), 3);
        std::fs::write(&path, [whole.as_slice(), line.as_bytes(), b"\n"].concat()).unwrap();
        assert_eq!(follower.refresh().unwrap(), [step(1), step(2), step(3), step(4)]);
        std::fs::write(&path, [whole.as_slice(), line.as_bytes(), b"\nnonsense\n"].concat()).unwrap();
        let message = follower.refresh().unwrap_err().to_string();
        assert!(message.contains("metrics.jsonl:5: "), "{message}");
    }

    #[test]
    fn a_run_that_is_rewound_is_read_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let lines = |steps: &[u64]| -> String {
            steps.iter().map(|at| step(*at).to_line().unwrap() + "\n").collect()
        };
        tracelift_files::write(&path, lines(&[1, 2, 3])).unwrap();
        let mut follower = MetricsFollower::of(&path);
        assert_eq!(follower.refresh().unwrap().len(), 3);
        // As a rewind does it: another file in its place.
        tracelift_files::write(&path, lines(&[1, 2])).unwrap();
        assert_eq!(follower.refresh().unwrap(), [step(1), step(2)]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(follower.refresh().unwrap(), []);
    }

    #[test]
    fn the_last_step_is_found_behind_whatever_is_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        assert_eq!(last_step(&path).unwrap(), None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(last_step(&path).unwrap(), None);
        let mut wide = step(2);
        for at in 0..3000 {
            wide.set(format!("custom/{at:06}"), 0.5);
        }
        for steps in [vec![step(1)], vec![step(1), wide.clone()], vec![wide.clone(), step(3)]] {
            let text: String = steps.iter().map(|step| step.to_line().unwrap() + "\n").collect();
            std::fs::write(&path, text.clone() + "{\"step\":9,\"wal").unwrap();
            assert_eq!(last_step(&path).unwrap().as_ref(), steps.last(), "{}", text.len());
        }
        std::fs::write(&path, "{\"step\":9,\"wal").unwrap();
        assert_eq!(last_step(&path).unwrap(), None);
    }
}
