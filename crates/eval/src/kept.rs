//! What an evaluation under way knows: kept on disk as it becomes known, so that whatever ends the process, nothing that was answered is
//! asked for again, and so that several processes may each do a part of the work.
//!
//! ```text
//! work/0123456789abcdef/       one evaluation, by all that decides what comes out of it
//!   2-of-8/                    what the second of eight shards knows; 1-of-1 where there is one
//!     plans.jsonl              what planners wrote, a problem of a row each
//!     calls.jsonl              what executors answered, a call each: on disk before anybody sees it
//!     samples.jsonl            what came of it, as in results
//!     lock                     held by the process that does the work
//! ```
//!
//! Every file is only appended to. A line that was half written when a process ended is cut off when its shard is opened next.
//! A shard reads what all others of the same evaluation know; so the evaluation without shards puts them together, and asks for what is
//! still missing.

use crate::{EvalError, SampleRecord, plan::Plan};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tracelift_domain::{Fingerprint, Seed};
use tracelift_executor::Completion;

/// A part of an evaluation: every `of`-th problem, from the `index`-th on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    index: usize,
    /// How many parts there are.
    of: usize,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Shard = Shard { index: 1, of: 1 };

    /// `None` unless there is such a part.
    #[must_use]
    pub fn new(index: usize, of: usize) -> Option<Shard> {
        (1..=of).contains(&index).then_some(Shard { index, of })
    }

    /// Whether the problem at a place, from 0, is of this part.
    #[must_use]
    pub fn holds(self, place: usize) -> bool {
        place % self.of == self.index - 1
    }

    /// Whether it is all.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    fn folder(self) -> String {
        format!("{}-of-{}", self.index, self.of)
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts =
            text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        parts
            .and_then(|(index, of)| Shard::new(index, of))
            .ok_or_else(|| "expected a part and how many there are, such as 2/8".to_owned())
    }
}

/// What the planner of a row wrote about a problem.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    row: String,
    problem_id: String,
    /// The wall time of it.
    seconds: f64,
    plans: Vec<Plan>,
}

/// What an executor answered.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answered {
    call: Fingerprint,
    completion: Completion,
}

/// Plans with the time that they took.
#[derive(Clone, Debug, PartialEq)]
pub struct Plans {
    /// One a seed.
    pub plans: Vec<Plan>,
    /// The wall time of all of them, in seconds.
    pub seconds: f64,
}

/// A problem in a row, under an executor.
type Place = (Fingerprint, String, String);

/// What is known of an evaluation, and where more of it is written.
#[derive(Debug)]
pub struct Kept {
    root: PathBuf,
    plans: HashMap<(String, String), Plans>,
    samples: HashMap<Place, Vec<SampleRecord>>,
    calls: Mutex<HashMap<Fingerprint, Completion>>,
    plans_file: File,
    samples_file: File,
    calls_file: Mutex<File>,
    own: PathBuf,
    _lock: File,
}

const PLANS: &str = "plans.jsonl";
const SAMPLES: &str = "samples.jsonl";
const CALLS: &str = "calls.jsonl";

impl Kept {
    /// Opens what is known of an evaluation in `folder`, to go on with a part of it.
    ///
    /// # Errors
    /// When another process does that part, a file is damaged, or the disk refuses.
    pub fn open(folder: &Path, evaluation: &Fingerprint, shard: Shard) -> Result<Kept, EvalError> {
        let root = folder.join("work").join(&evaluation.as_str()[..16]);
        let own = root.join(shard.folder());
        tracelift_files::make_folder(&own)?;
        let lock = locked(&own)?;
        let [plans_file, samples_file, calls_file] =
            [PLANS, SAMPLES, CALLS].map(|name| appended(&own.join(name)));
        let mut kept = Kept {
            plans: HashMap::new(),
            samples: HashMap::new(),
            calls: Mutex::default(),
            plans_file: plans_file?,
            samples_file: samples_file?,
            calls_file: Mutex::new(calls_file?),
            own,
            _lock: lock,
            root: root.clone(),
        };
        for shard in folders(&root)? {
            kept.read(&shard)?;
        }
        Ok(kept)
    }

    fn read(&mut self, shard: &Path) -> Result<(), EvalError> {
        for Written { row, problem_id, seconds, plans } in lines(&shard.join(PLANS))? {
            self.plans.insert((row, problem_id), Plans { plans, seconds });
        }
        let calls = self.calls.get_mut().unwrap_or_else(PoisonError::into_inner);
        for Answered { call, completion } in lines(&shard.join(CALLS))? {
            calls.insert(call, completion);
        }
        let mut read: HashMap<Place, Vec<SampleRecord>> = HashMap::new();
        for sample in lines::<SampleRecord>(&shard.join(SAMPLES))? {
            let place = (sample.executor.clone(), sample.row.clone(), sample.problem_id.clone());
            let samples = read.entry(place).or_default();
            // What was asked for again comes later, and is better.
            samples.retain(|earlier| earlier.seed != sample.seed);
            samples.push(sample);
        }
        for (place, samples) in read {
            let known = self.samples.get(&place).is_some_and(|known| known.iter().all(is_settled));
            if !known {
                self.samples.insert(place, samples);
            }
        }
        Ok(())
    }

    /// Where it is kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// What the planner of a row wrote about a problem.
    #[must_use]
    pub fn plans(&self, row: &str, problem_id: &str) -> Option<&Plans> {
        self.plans.get(&(row.to_owned(), problem_id.to_owned()))
    }

    /// Keeps what it wrote.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add_plans(&mut self, row: &str, problem_id: &str, plans: Plans) -> Result<(), EvalError> {
        let Plans { plans, seconds } = plans.clone();
        let line = Written { row: row.to_owned(), problem_id: problem_id.to_owned(), seconds, plans };
        append(&mut self.plans_file, &line).map_err(failed("write", &self.own.join(PLANS)))?;
        let Written { row, problem_id, seconds, plans } = line;
        self.plans.insert((row, problem_id), Plans { plans, seconds });
        Ok(())
    }

    /// The samples of a problem in a row, where so many are known for good: what is unknown for want of an answer is asked for again.
    #[must_use]
    pub fn samples(
        &self,
        executor: &Fingerprint,
        row: &str,
        problem_id: &str,
        seeds: u64,
    ) -> Option<&[SampleRecord]> {
        let place = (executor.clone(), row.to_owned(), problem_id.to_owned());
        let samples = self.samples.get(&place)?;
        let whole = samples.len() as u64 == seeds && samples.iter().all(is_settled);
        whole.then_some(samples.as_slice())
    }

    /// Keeps samples.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add_samples(&mut self, samples: &[SampleRecord]) -> Result<(), EvalError> {
        for sample in samples {
            append(&mut self.samples_file, sample).map_err(failed("write", &self.own.join(SAMPLES)))?;
        }
        self.samples_file.sync_data().map_err(failed("write", &self.own.join(SAMPLES)))
    }

    /// What an executor answered to a call.
    pub(crate) fn answer(&self, call: &Fingerprint) -> Option<Completion> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).get(call).cloned()
    }

    /// Keeps what it answered: in the system's hands when this comes back.
    pub(crate) fn add_answer(&self, call: Fingerprint, completion: &Completion) -> io::Result<()> {
        let line = Answered { call: call.clone(), completion: completion.clone() };
        append(&mut self.calls_file.lock().unwrap_or_else(PoisonError::into_inner), &line)?;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.insert(call, line.completion);
        Ok(())
    }

    /// Forgets everything: the evaluation has results.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(self) -> Result<(), EvalError> {
        let Kept { root, .. } = self;
        tracelift_files::remove_tree(&root).map_err(failed("remove", &root))?;
        // Of other evaluations there may be something left.
        let _ = root.parent().map(fs::remove_dir);
        Ok(())
    }
}

/// Causes for which asking again finds the same.
const FOR_GOOD: [&str; 4] = ["unscorable", "too_long", "prompt", "non_finite"];

/// Whether all that can be known of a sample is: nothing of it is unknown for want of an answer.
#[must_use]
pub fn is_settled(sample: &SampleRecord) -> bool {
    let rubric = sample.rubric.as_ref().is_none_or(|rubric| rubric.score.is_some());
    rubric && sample.unknown_because.iter().all(|cause| FOR_GOOD.contains(&cause.as_str()))
}

/// What a call is known by: who is asked what, and from which seed.
pub(crate) fn call_id(executor: &Fingerprint, prompt: &Fingerprint, seed: Seed) -> Fingerprint {
    Fingerprint::of([
        ("executor", executor.as_str().as_bytes()),
        ("prompt", prompt.as_str().as_bytes()),
        ("seed", &seed.0.to_le_bytes()),
    ])
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EvalError + use<> {
    let path = path.to_owned();
    move |source| EvalError::Work { action, path, source }
}

/// Held until the process ends.
fn locked(folder: &Path) -> Result<File, EvalError> {
    let path = folder.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EvalError::UnderWay { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
    }
}

/// A file to append to, without a line that was half written.
fn appended(path: &Path) -> Result<File, EvalError> {
    let file =
        OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed("open", path))?;
    let text = fs::read(path).map_err(failed("read", path))?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        file.set_len(whole as u64).map_err(failed("cut", path))?;
    }
    Ok(file)
}

fn append(file: &mut File, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// The whole lines of a file; none where there is none. Another process may be writing the last one.
fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, EvalError> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(failed("read", path))?,
    };
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let read = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| EvalError::Damaged {
            path: path.to_owned(),
            reason: format!(
                "line {}: {error}; remove that line, and what it holds is found out again",
                at + 1
            ),
        })
    };
    whole.enumerate().map(read).collect()
}

fn folders(root: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).map_err(failed("read", root))? {
        let path = entry.map_err(failed("read", root))?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::plan;
    use crate::sample::tests::sample;

    fn evaluation() -> Fingerprint {
        Fingerprint::of_text("an evaluation")
    }

    fn said(text: &str) -> Completion {
        Completion { text: text.into(), prompt_tokens: Some(3), completion_tokens: Some(1), truncated: false }
    }

    #[test]
    fn what_was_kept_is_known_to_whoever_goes_on() {
        let desk = tempfile::tempdir().unwrap();
        let call = call_id(&evaluation(), &Fingerprint::of_text("asked"), Seed(4));
        let plans = Plans { plans: vec![plan(Ok("2 + 3 = 5 ."))], seconds: 0.5 };
        let record = SampleRecord { correct: Some(true), ..sample("TraceLift", 1, 0) };
        let unknown = SampleRecord { unknown_because: vec!["timeout".into()], ..sample("TraceLift", 2, 0) };
        {
            let mut kept = Kept::open(desk.path(), &evaluation(), Shard::WHOLE).unwrap();
            kept.add_plans("TraceLift", "p1", plans.clone()).unwrap();
            kept.add_answer(call.clone(), &said("5")).unwrap();
            kept.add_samples(&[record.clone(), unknown.clone()]).unwrap();
            let twice = Kept::open(desk.path(), &evaluation(), Shard::WHOLE).unwrap_err();
            assert!(twice.to_string().contains("1-of-1"), "{twice}");
        }
        // A process that was killed in the midst of a line.
        let file = desk.path().join("work").join(&evaluation().as_str()[..16]).join("1-of-1/calls.jsonl");
        let mut text = fs::read_to_string(&file).unwrap();
        text.push_str("{\"call\": \"0123");
        fs::write(&file, text).unwrap();
        let kept = Kept::open(desk.path(), &evaluation(), Shard::WHOLE).unwrap();
        assert_eq!(kept.plans("TraceLift", "p1"), Some(&plans));
        assert_eq!((kept.answer(&call), kept.answer(&evaluation())), (Some(said("5")), None));
        let samples = |problem: &str, seeds| kept.samples(&record.executor, "TraceLift", problem, seeds);
        assert_eq!(samples("p1", 1), Some([record.clone()].as_slice()));
        assert_eq!(samples("p1", 2), None, "a seed is missing");
        assert_eq!(samples("p2", 1), None, "what is unknown for want of an answer is asked for again");
        kept.add_answer(evaluation(), &said("6")).unwrap();
        let folder = kept.folder().to_owned();
        kept.forget().unwrap();
        assert!(!folder.exists() && !desk.path().join("work").exists());
    }

    #[test]
    fn shards_know_of_each_other() {
        let desk = tempfile::tempdir().unwrap();
        let [one, two] = ["1/2", "2/2"].map(|text| text.parse::<Shard>().unwrap());
        let mut first = Kept::open(desk.path(), &evaluation(), one).unwrap();
        let mut second = Kept::open(desk.path(), &evaluation(), two).unwrap();
        first.add_samples(&[sample("a", 0, 0)]).unwrap();
        second.add_samples(&[sample("a", 1, 0)]).unwrap();
        let executor = sample("a", 0, 0).executor;
        let whole = Kept::open(desk.path(), &evaluation(), Shard::WHOLE).unwrap();
        assert!(["p0", "p1"].iter().all(|problem| whole.samples(&executor, "a", problem, 1).is_some()));
        let other = Kept::open(desk.path(), &Fingerprint::of_text("another"), Shard::WHOLE).unwrap();
        assert!(other.samples(&executor, "a", "p0", 1).is_none());
    }

    #[test]
    fn shards_part_problems() {
        for of in 1..5 {
            for place in 0..20 {
                let holders = (1..=of).filter(|&index| Shard::new(index, of).unwrap().holds(place));
                assert_eq!(holders.count(), 1);
            }
        }
        for text in ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
