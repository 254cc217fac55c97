//! Benchmarks by name: which files hold them, how those are laid out, and which of their problems are the test.
//!
//! | name | files, in the folder of the data | problems |
//! |---|---|---|
//! | `gsm8k` | `gsm8k/test.jsonl` | all |
//! | `math500` | `math500/test.jsonl` | all |
//! | `svamp` | `svamp/test.jsonl` | all |
//! | `aime24`, `aime25` | `aime24/test.jsonl`, `aime25/test.jsonl` | all |
//! | `humaneval` | `humaneval/HumanEval.jsonl.gz` | all |
//! | `humaneval+` | `humaneval+/HumanEvalPlus.jsonl.gz` | all |
//! | `mbpp` | `mbpp/mbpp.jsonl` | tasks 11 to 510 |
//! | `mbpp+` | `mbpp+/MbppPlus.jsonl.gz` | all |
//! | `livecodebench` | `livecodebench/test.jsonl` | all |
//! | `apps` | `apps/test.jsonl` | all |
//! | `codecontests` | `codecontests/test.jsonl` | all |
//!
//! Each may also be packed by gzip, or not, or be Parquet.

use crate::{Format, Row};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tracelift_domain::Seed;

/// A benchmark that is known by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Benchmark {
    /// Its name.
    pub name: &'static str,
    /// How its file is laid out.
    pub format: Format,
    /// What its file is called, without its endings; one of these.
    files: &'static [&'static str],
    part: Part,
}

/// Which problems of a file are the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    /// Those with these numbers.
    Tasks(u64, u64),
}

const fn all(name: &'static str, format: Format, files: &'static [&'static str]) -> Benchmark {
    Benchmark { name, format, files, part: Part::All }
}

/// What is appended to the name of a file.
const ENDINGS: [&str; 3] = ["jsonl", "jsonl.gz", "parquet"];

impl Benchmark {
    /// All that are known.
    pub const ALL: [Benchmark; 12] = [
        all("gsm8k", Format::Gsm8k, &["test"]),
        all("math500", Format::Math, &["test"]),
        all("svamp", Format::Svamp, &["test"]),
        all("aime24", Format::Aime, &["test"]),
        all("aime25", Format::Aime, &["test"]),
        all("humaneval", Format::HumanEval, &["HumanEval", "test"]),
        all("humaneval+", Format::HumanEval, &["HumanEvalPlus", "test"]),
        // The usual split: the others are for prompts, validation and training.
        Benchmark {
            name: "mbpp",
            format: Format::Mbpp,
            files: &["mbpp", "test"],
            part: Part::Tasks(11, 510),
        },
        all("mbpp+", Format::Mbpp, &["MbppPlus", "test"]),
        all("livecodebench", Format::Stdio, &["test"]),
        all("apps", Format::Stdio, &["test"]),
        all("codecontests", Format::Stdio, &["test"]),
    ];

    /// The one of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Benchmark> {
        Benchmark::ALL.into_iter().find(|benchmark| benchmark.name == name)
    }

    /// The names, for messages.
    #[must_use]
    pub fn names() -> String {
        Benchmark::ALL.map(|benchmark| benchmark.name).join(", ")
    }

    /// Its file in a folder of data.
    ///
    /// # Errors
    /// Where it is looked for, when it is nowhere there.
    pub fn find(&self, folder: &Path) -> Result<PathBuf, Vec<PathBuf>> {
        let places: Vec<PathBuf> = self
            .files
            .iter()
            .flat_map(|file| ENDINGS.map(|ending| folder.join(self.name).join(format!("{file}.{ending}"))))
            .collect();
        places.iter().find(|place| place.is_file()).cloned().ok_or(places)
    }

    /// Whether a row of its file is one of its test.
    #[must_use]
    pub fn holds(&self, row: &Row) -> bool {
        let Part::Tasks(first, last) = self.part else { return true };
        let task = row.origin.get("task_id").and_then(Value::as_u64);
        // Where tasks have no numbers, nobody else's are among them.
        task.is_none_or(|task| (first..=last).contains(&task))
    }
}

/// So many of some things, drawn by their names: which are drawn depends on the seed and the names alone, and fewer are among more.
/// They stay in their order.
#[must_use]
pub fn drawn<T>(all: Vec<T>, name: impl Fn(&T) -> &str, count: usize, seed: Seed) -> Vec<T> {
    if all.len() <= count {
        return all;
    }
    let mut ranks: Vec<(u64, usize)> =
        all.iter().enumerate().map(|(at, item)| (seed.child(name(item), 0).0, at)).collect();
    ranks.sort_unstable();
    let chosen: std::collections::HashSet<usize> = ranks[..count].iter().map(|(_, at)| *at).collect();
    all.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_the_benchmarks_name() {
        let desk = tempfile::tempdir().unwrap();
        let gsm8k = Benchmark::named("gsm8k").unwrap();
        let places = gsm8k.find(desk.path()).unwrap_err();
        assert_eq!(places[0], desk.path().join("gsm8k/test.jsonl"));
        std::fs::create_dir(desk.path().join("gsm8k")).unwrap();
        for name in ["test.parquet", "test.jsonl.gz", "test.jsonl"] {
            let file = desk.path().join("gsm8k").join(name);
            std::fs::write(&file, "").unwrap();
            assert_eq!(gsm8k.find(desk.path()), Ok(file), "what is written plainly comes first");
        }
        assert_eq!(Benchmark::named("gsm9k"), None);
    }

    #[test]
    fn the_documented_benchmarks_are_those_that_there_are() {
        let documented: Vec<&str> = include_str!("benchmark.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `")?.split(" | ").next())
            .flat_map(|names| names.split(", "))
            .map(|name| name.trim_matches('`'))
            .collect();
        assert_eq!(documented, Benchmark::ALL.map(|benchmark| benchmark.name));
    }

    #[test]
    fn fewer_are_among_more_whatever_else_is_there() {
        let names: Vec<String> = (0..50).map(|at| format!("p{at}")).collect();
        let of = |names: &[String], count, seed| drawn(names.to_vec(), String::as_str, count, Seed(seed));
        let (ten, twenty) = (of(&names, 10, 4), of(&names, 20, 4));
        assert_eq!((ten.len(), twenty.len()), (10, 20));
        assert!(ten.iter().all(|name| twenty.contains(name)));
        assert_ne!(ten, of(&names, 10, 5));
        assert_eq!(of(&names, 99, 4), names);
        let mut reversed = names.clone();
        reversed.reverse();
        let mut again = of(&reversed, 10, 4);
        again.reverse();
        assert_eq!(again, ten);
    }
}
