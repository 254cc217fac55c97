//! Files of cases: what the commands `verify math` and `verify code` read, and what they sum up.

pub mod code;
pub mod math;
mod pass;
mod row;

pub use pass::{PassAtK, pass_at_k};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a line may be: a file that goes on for this long without a line break is something else.
const LONGEST_LINE: u64 = 64 << 20;

/// A file of cases that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is not a case.
    #[error("{}:{line}: {what}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// Nothing in it.
    #[error("{} holds no cases", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The name of a case: text, or a number as in MBPP.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CaseId(String);

impl CaseId {
    /// A name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> CaseId {
        CaseId(name.into())
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CaseId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<CaseId, D::Error> {
        use serde::de::Error;
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(name) if name.trim().is_empty() => {
                Err(D::Error::custom("an id is empty, expected text or a number"))
            }
            serde_json::Value::String(name) => Ok(CaseId(name)),
            serde_json::Value::Number(number) => Ok(CaseId(number.to_string())),
            other => Err(D::Error::custom(format!("an id is {other}, expected text or a number"))),
        }
    }
}

/// Reads cases that have names: one that stands twice would say of two cases that they are one.
fn named<Row: DeserializeOwned, Case>(
    path: &Path,
    mut case: impl FnMut(Row) -> Result<Case, String>,
    id: impl Fn(&Case) -> &CaseId,
) -> Result<Vec<Case>, CaseError> {
    let mut places = HashMap::new();
    lines(path, |line, row| {
        let case = case(row)?;
        match places.insert(id(&case).clone(), line) {
            Some(before) => Err(format!("the id `{}` stands on line {before} already", id(&case))),
            None => Ok(case),
        }
    })
}

/// Reads a JSONL file (or gzip of one), turning each line that is not blank, with its number, into a case.
fn lines<Row: DeserializeOwned, Case>(
    path: &Path,
    mut case: impl FnMut(usize, Row) -> Result<Case, String>,
) -> Result<Vec<Case>, CaseError> {
    let failed = |source| CaseError::Read { path: path.to_owned(), source };
    let mut input = open(path).map_err(failed)?;
    tracelift_datasets::skip_mark(&mut input).map_err(failed)?;
    let mut cases = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = (&mut input).take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(failed)?;
        let wrong = |what: String| CaseError::Line { path: path.to_owned(), line: number, what };
        if length == 0 {
            break;
        }
        if length as u64 > LONGEST_LINE {
            return Err(wrong(format!("it is longer than {LONGEST_LINE} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let row = row::parse(&line).map_err(wrong)?;
        cases.push(case(number, row).map_err(wrong)?);
    }
    if cases.is_empty() {
        return Err(CaseError::Empty { path: path.to_owned() });
    }
    Ok(cases)
}

/// A line-by-line reader that unpacks gzip where it finds it.
fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path)?);
    let packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    // No published set is larger; a bomb must not fill the memory.
    const LARGEST: u64 = 8 << 30;
    Ok(if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(file).take(LARGEST)))
    } else {
        Box::new(file)
    })
}

/// Median, 95th percentile and largest of some durations, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Times {
    /// Half of them are not above it.
    pub median_ms: f64,
    /// 95 % of them are not above it.
    pub p95_ms: f64,
    /// None is above it.
    pub max_ms: f64,
}

impl Times {
    /// Of these durations; all zero if there are none.
    #[must_use]
    pub fn of(mut durations: Vec<Duration>) -> Times {
        durations.sort_unstable();
        // The nearest rank: the smallest that is not below the share asked for.
        let at = |share: f64| {
            let rank = (share * durations.len() as f64).ceil() as usize;
            durations.get(rank.max(1) - 1).map_or(0.0, |duration| duration.as_secs_f64() * 1e3)
        };
        Times { median_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times = Times::of((1..=20).rev().map(Duration::from_millis).collect());
        assert_eq!(times, Times { median_ms: 10.0, p95_ms: 19.0, max_ms: 20.0 });
        assert_eq!(Times::of(vec![]), Times::default());
        assert_eq!(Times::of(vec![Duration::from_millis(3)]).median_ms, 3.0);
    }
}
