//! Rollouts of a run: what can be asked of all of them is kept in memory as numbers, texts are read where they are shown.

use crate::{ArchiveError, parquet_columns::Columns, shelf::Stamp};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    path::Path,
};
use tracelift_train::run::RunLayout;

/// What is known of a rollout without its texts. `None` is unknown, or does not apply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolloutNote {
    /// The training step.
    pub step: u64,
    /// Where it stands in the step's file.
    pub row: usize,
    /// Which of the step's rollout groups.
    pub group: u64,
    /// Which of the group's samples.
    pub sample: u64,
    /// Which problem: its place in [`RolloutIndex::problems`].
    pub problem: usize,
    /// Tokens that were sampled.
    pub tokens: u64,
    /// Whether its group was not learned from.
    pub replaced: bool,
    /// Whether the token budget cut it off.
    pub truncated: bool,
    /// Whether it holds no usable trace.
    pub defective: bool,
    /// Outcome.
    pub e: Option<f64>,
    /// Success with the trace.
    pub w: Option<f64>,
    /// Success without any.
    pub b: Option<f64>,
    /// Uplift.
    pub u: Option<f64>,
    /// Rubric score.
    pub s: Option<f64>,
    /// What the rule made of it.
    pub reward: Option<f64>,
    /// The format term beside it.
    pub format: Option<f64>,
    /// The punishment of length beside it.
    pub overlong: Option<f64>,
    /// The advantage.
    pub advantage: Option<f64>,
    /// Whether the trace gives the answer away.
    pub leaked: Option<bool>,
    /// Whether an exact checker confirms every step.
    pub verified: Option<bool>,
}

impl RolloutNote {
    /// What it is compared with its siblings by.
    #[must_use]
    pub fn total(&self) -> Option<f64> {
        Some(self.reward? + self.format.unwrap_or(0.0) + self.overlong.unwrap_or(0.0))
    }
}

/// A rollout with its texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// What is known of it in numbers. Its problem is no place in an index: see [`Rollout::problem_id`].
    pub note: RolloutNote,
    /// The problem.
    pub problem_id: String,
    /// Its statement.
    pub question: String,
    /// What artifacts are judged against.
    pub gold: String,
    /// `math`, `code` or `steps`.
    pub domain: String,
    /// What was sampled, tags and all.
    pub completion: String,
    /// The trace in it, where it is usable.
    pub trace: Option<String>,
    /// Why there is none.
    pub defect: Option<String>,
    /// What the executor wrote with the trace, the primary run first.
    pub completions: Vec<Option<String>>,
    /// What the verifier found in each.
    pub artifacts: Vec<Option<String>>,
    /// What it says of each.
    pub verdicts: Vec<Option<String>>,
    /// Expected labels, 0 to 4, by dimension of the rubric.
    pub labels: Vec<(String, f64)>,
    /// Causes of what is unknown.
    pub unknown_because: Vec<String>,
}

/// All rollouts of a run, without their texts.
#[derive(Clone, Debug, Default)]
pub struct RolloutIndex {
    /// The problems, each once.
    pub problems: Vec<String>,
    known: HashMap<String, usize>,
    steps: BTreeMap<u64, (Stamp, Vec<RolloutNote>)>,
}

impl RolloutIndex {
    /// Reads what is new, and forgets what is gone: files of rollouts never change, but a run that is rewound writes others.
    pub(crate) fn refresh(&mut self, layout: &RunLayout) -> Result<(), ArchiveError> {
        let mut now = BTreeMap::new();
        for step in layout.rollout_steps()? {
            // A file may go between the list and the look, as a run is rewound.
            if let Ok(stamp) = Stamp::of(&layout.rollouts(step)) {
                now.insert(step, stamp);
            }
        }
        self.steps.retain(|step, (stamp, _)| now.get(step) == Some(stamp));
        let new: Vec<(u64, Stamp)> =
            now.into_iter().filter(|(step, _)| !self.steps.contains_key(step)).collect();
        let read: Vec<Result<_, ArchiveError>> = new
            .par_iter()
            .map(|(step, stamp)| Ok((*step, *stamp, notes(&layout.rollouts(*step), *step)?)))
            .collect();
        for found in read {
            let (step, stamp, (mut notes, problems)) = found?;
            for (note, problem) in notes.iter_mut().zip(problems) {
                note.problem = self.place_of(problem);
            }
            self.steps.insert(step, (stamp, notes));
        }
        Ok(())
    }

    fn place_of(&mut self, problem: String) -> usize {
        if let Some(place) = self.known.get(&problem) {
            return *place;
        }
        let place = self.problems.len();
        self.known.insert(problem.clone(), place);
        self.problems.push(problem);
        place
    }

    /// The steps that have rollouts.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.steps.keys().copied()
    }

    /// The rollouts of a step, in the order of its file; none where the step has none.
    #[must_use]
    pub fn of(&self, step: u64) -> &[RolloutNote] {
        self.steps.get(&step).map(|(_, notes)| notes.as_slice()).unwrap_or_default()
    }

    /// All of them, step by step.
    pub fn all(&self) -> impl Iterator<Item = &RolloutNote> {
        self.steps.values().flat_map(|(_, notes)| notes)
    }

    /// Those of a problem, step by step.
    pub fn about(&self, problem_id: &str) -> impl Iterator<Item = &RolloutNote> {
        let place = self.known.get(problem_id).copied();
        self.all().filter(move |note| Some(note.problem) == place)
    }
}

/// The numbers of a file, and the problem of each row.
fn notes(path: &Path, step: u64) -> Result<(Vec<RolloutNote>, Vec<String>), ArchiveError> {
    let columns = Columns::open(path)?;
    let rows = 0..columns.rows();
    let notes = numbers(&columns, &rows, step)?;
    let problems = columns.texts("problem_id", &rows)?.into_iter().map(Option::unwrap_or_default).collect();
    Ok((notes, problems))
}

fn numbers(columns: &Columns, rows: &Range<usize>, step: u64) -> Result<Vec<RolloutNote>, ArchiveError> {
    let count = |found: Option<i64>| found.and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
    let (groups, samples) = (columns.counts("group_index", rows)?, columns.counts("sample_index", rows)?);
    let tokens = columns.counts("trace_tokens", rows)?;
    let (replaced, truncated) = (columns.flags("replaced", rows)?, columns.flags("truncated", rows)?);
    let defects = columns.present("defect", rows)?;
    let (leaked, verified) = (columns.flags("leaked", rows)?, columns.flags("verified", rows)?);
    let names = ["e", "w", "b", "u", "s", "reward", "reward_format", "reward_overlong", "advantage"];
    let mut numbers = Vec::with_capacity(names.len());
    for name in names {
        numbers.push(columns.numbers(name, rows)?);
    }
    let note = |at: usize| {
        let number = |column: usize| numbers[column].get(at).copied().flatten();
        RolloutNote {
            step,
            row: rows.start + at,
            group: count(groups.get(at).copied().flatten()),
            sample: count(samples.get(at).copied().flatten()),
            problem: 0,
            tokens: count(tokens.get(at).copied().flatten()),
            replaced: replaced.get(at).copied().flatten() == Some(true),
            truncated: truncated.get(at).copied().flatten() == Some(true),
            defective: defects.get(at) == Some(&true),
            e: number(0),
            w: number(1),
            b: number(2),
            u: number(3),
            s: number(4),
            reward: number(5),
            format: number(6),
            overlong: number(7),
            advantage: number(8),
            leaked: leaked.get(at).copied().flatten(),
            verified: verified.get(at).copied().flatten(),
        }
    };
    Ok((0..rows.len()).map(note).collect())
}

/// Some rows of a step's file with their texts.
pub(crate) fn read(path: &Path, step: u64, rows: &Range<usize>) -> Result<Vec<Rollout>, ArchiveError> {
    let columns = Columns::open(path)?;
    let rows = &(rows.start.min(columns.rows())..rows.end.min(columns.rows()));
    let text = |name: &str| -> Result<Vec<String>, ArchiveError> {
        Ok(columns.texts(name, rows)?.into_iter().map(Option::unwrap_or_default).collect())
    };
    let mut ids = text("problem_id")?.into_iter();
    let (mut questions, mut golds) = (text("question")?.into_iter(), text("gold")?.into_iter());
    let (mut domains, mut completions) = (text("domain")?.into_iter(), text("completion")?.into_iter());
    let (mut traces, mut defects) =
        (columns.texts("trace", rows)?.into_iter(), columns.texts("defect", rows)?.into_iter());
    let mut written = columns.lists("executor_completions", rows)?.into_iter();
    let (mut artifacts, mut verdicts) =
        (columns.lists("artifacts", rows)?.into_iter(), columns.lists("verdicts", rows)?.into_iter());
    let mut unknown = columns.lists("unknown_because", rows)?.into_iter();
    let mut labels = Vec::new();
    for name in columns.names().filter(|name| *name != "rubric_total") {
        if let Some(dimension) = name.strip_prefix("rubric_") {
            labels.push((dimension.replace('_', " "), columns.numbers(name, rows)?));
        }
    }
    let notes = numbers(&columns, rows, step)?;
    Ok(notes
        .into_iter()
        .enumerate()
        .map(|(at, note)| Rollout {
            note,
            problem_id: ids.next().unwrap_or_default(),
            question: questions.next().unwrap_or_default(),
            gold: golds.next().unwrap_or_default(),
            domain: domains.next().unwrap_or_default(),
            completion: completions.next().unwrap_or_default(),
            trace: traces.next().flatten(),
            defect: defects.next().flatten(),
            completions: written.next().unwrap_or_default(),
            artifacts: artifacts.next().unwrap_or_default(),
            verdicts: verdicts.next().unwrap_or_default(),
            labels: labels
                .iter()
                .filter_map(|(name, column)| Some((name.clone(), column.get(at).copied().flatten()?)))
                .collect(),
            unknown_because: unknown.next().unwrap_or_default().into_iter().flatten().collect(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_train::rollouts::{RolloutRecord, write_rollouts};

    fn record(step: u64, at: u64) -> RolloutRecord {
        let known = at % 3 != 2;
        RolloutRecord {
            step,
            problem_id: format!("p{}", at / 2),
            question: format!("question {at}"),
            group_index: at / 2,
            sample_index: at % 2,
            trace_tokens: at + 10,
            completion: format!("completion {at}"),
            trace: known.then(|| format!("trace {at}")),
            defect: (!known).then(|| "no tags".to_owned()),
            executor_completions: (0..at % 3).map(|run| (run == 0).then(|| format!("wrote {at}"))).collect(),
            verdicts: vec![None, Some("passed".into())],
            unknown_because: (0..at % 2).map(|_| "timeout".to_owned()).collect(),
            e: known.then_some(at as f64 / 10.0),
            reward: known.then_some(0.25),
            format: Some(0.125),
            leaked: known.then_some(at.is_multiple_of(2)),
            verified: Some(at.is_multiple_of(5)),
            ..RolloutRecord::default()
        }
    }

    fn write(layout: &RunLayout, step: u64, count: u64) {
        std::fs::create_dir_all(layout.root().join("rollouts")).unwrap();
        let records: Vec<RolloutRecord> = (0..count).map(|at| record(step, at)).collect();
        write_rollouts(&layout.rollouts(step), &records).unwrap();
    }

    #[test]
    fn rows_are_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let layout = RunLayout::of(dir.path());
        write(&layout, 3, 20);
        let whole = read(&layout.rollouts(3), 3, &(0..20)).unwrap();
        assert_eq!(whole.len(), 20);
        for (at, found) in whole.iter().enumerate() {
            let written = record(3, at as u64);
            assert_eq!((&found.problem_id, &found.question), (&written.problem_id, &written.question));
            assert_eq!((&found.trace, &found.defect), (&written.trace, &written.defect));
            assert_eq!(found.completions, written.executor_completions);
            assert_eq!(
                (&found.verdicts, &found.unknown_because),
                (&written.verdicts, &written.unknown_because)
            );
            let note = &found.note;
            assert_eq!((note.row, note.group, note.sample), (at, written.group_index, written.sample_index));
            assert_eq!((note.e, note.leaked, note.verified), (written.e, written.leaked, written.verified));
            assert_eq!((note.total(), note.defective), (written.total(), written.defect.is_some()));
        }
        // A part of a file is that part of the whole.
        for rows in [0..1, 5..9, 19..20, 7..7, 15..40] {
            let part = read(&layout.rollouts(3), 3, &rows).unwrap();
            assert_eq!(part, whole[rows.start.min(20)..rows.end.min(20)], "{rows:?}");
        }
    }

    #[test]
    fn an_index_follows_its_run() {
        let dir = tempfile::tempdir().unwrap();
        let layout = RunLayout::of(dir.path());
        write(&layout, 1, 6);
        let mut index = RolloutIndex::default();
        index.refresh(&layout).unwrap();
        assert_eq!((index.all().count(), index.problems.len()), (6, 3));
        write(&layout, 2, 8);
        index.refresh(&layout).unwrap();
        assert_eq!((index.steps().collect::<Vec<_>>(), index.problems.len()), (vec![1, 2], 4));
        let about: Vec<(u64, u64)> = index.about("p1").map(|note| (note.step, note.sample)).collect();
        assert_eq!(about, [(1, 0), (1, 1), (2, 0), (2, 1)]);
        assert_eq!(index.about("nobody").count(), 0);
        std::fs::remove_file(layout.rollouts(2)).unwrap();
        index.refresh(&layout).unwrap();
        assert_eq!(index.steps().collect::<Vec<_>>(), [1]);
        std::fs::write(layout.rollouts(2), "PAR1 of nothing").unwrap();
        let message = index.refresh(&layout).unwrap_err().to_string();
        assert!(message.contains("step_000002.parquet"), "{message}");
    }
}
