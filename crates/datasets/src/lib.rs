//! Published problem sets, read in the formats in which they are published.

pub mod seeds;
pub mod solutions;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};

/// A file of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// GSM8K: `{"question", "answer"}`, the final answer after `####`.
    Gsm8k,
    /// One `Problem` a line: `{"id", "source", "domain", "statement", "gold": {"answer": …} | {"tests": […]}}`.
    Problems,
}

/// Why problems cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is not what the format promises.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// Nothing in it.
    #[error("{} holds no problems", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Opens a file to be read line by line; gzip is unpacked, whatever the file is called.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    /// No published set is larger unpacked; a bomb must not keep a reader busy for ever.
    const LARGEST: u64 = 64 << 30;
    let mut file = BufReader::new(File::open(path)?);
    let packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if packed {
        Box::new(BufReader::new(MultiGzDecoder::new(file).take(LARGEST)))
    } else {
        Box::new(file)
    })
}

/// What a file is called without its endings: `train` of `train.jsonl.gz`.
pub(crate) fn stem(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("problems");
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Reads the problems of a file, at most `limit` of them.
///
/// # Errors
/// Names the file and the line.
pub fn read(path: &Path, format: Format, limit: Option<usize>) -> Result<Vec<Problem>, DatasetError> {
    let io = |source| DatasetError::Io { path: path.to_owned(), source };
    let mut problems = Vec::new();
    for (index, line) in open(path).map_err(io)?.lines().enumerate() {
        let line = line.map_err(io)?;
        if limit.is_some_and(|limit| problems.len() >= limit) {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let problem = parse(&line, format, path, index);
        problems.push(problem.map_err(|message| DatasetError::Line {
            path: path.to_owned(),
            line: index + 1,
            message,
        })?);
    }
    if problems.is_empty() {
        return Err(DatasetError::Empty { path: path.to_owned() });
    }
    Ok(problems)
}

#[derive(Deserialize)]
struct Gsm8k {
    question: String,
    answer: String,
}

fn parse(line: &str, format: Format, path: &Path, index: usize) -> Result<Problem, String> {
    match format {
        Format::Problems => serde_json::from_str(line).map_err(|error| error.to_string()),
        Format::Gsm8k => {
            let row: Gsm8k = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let (_, answer) =
                row.answer.rsplit_once("####").ok_or("`answer` has no final answer after `####`")?;
            Ok(Problem {
                id: format!("gsm8k/{}/{:05}", stem(path), index + 1),
                question: Question::new("gsm8k", TaskDomain::Math, row.question.trim()),
                gold: Gold::Answer(answer.trim().to_owned()),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn gsm8k_is_read_as_published() {
        let text = concat!(
            r#"{"question": "How many? ", "answer": "48/2 = <<48/2=24>>24\n#### 1,072"}"#,
            "\n\n",
            "{\"question\": \"Q\", \"answer\": \"#### -3\", \"extra\": 1}"
        );
        let file = file(text);
        let problems = read(file.path(), Format::Gsm8k, None).unwrap();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].gold, Gold::Answer("1,072".into()));
        assert_eq!(problems[0].question.statement, "How many?");
        assert_eq!(problems[1].gold, Gold::Answer("-3".into()));
        assert_ne!(problems[0].id, problems[1].id);
        assert_eq!(read(file.path(), Format::Gsm8k, Some(1)).unwrap().len(), 1);
    }

    #[test]
    fn a_bad_line_is_named() {
        let file =
            file("{\"question\": \"Q\", \"answer\": \"#### 1\"}\n{\"question\": \"Q\", \"answer\": \"1\"}\n");
        let message = read(file.path(), Format::Gsm8k, None).unwrap_err().to_string();
        assert!(message.ends_with(":2: `answer` has no final answer after `####`"), "{message}");
    }

    #[test]
    fn problems_survive_their_file_form() {
        let problem = Problem {
            id: "a".into(),
            question: Question::new("mine", TaskDomain::Code, "Print."),
            gold: Gold::Tests(vec![]),
        };
        let file = file(&serde_json::to_string(&problem).unwrap());
        assert_eq!(read(file.path(), Format::Problems, None).unwrap(), [problem]);
    }

    #[test]
    fn the_real_file_is_read_where_it_is_at_hand() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/gsm8k/test.jsonl");
        if path.exists() {
            assert_eq!(read(&path, Format::Gsm8k, None).unwrap().len(), 1319);
        } else {
            eprintln!("skipped: {} is not there", path.display());
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "[^\n]{0,200}") {
            let file = file(&line);
            let _ = read(file.path(), Format::Gsm8k, None);
            let _ = read(file.path(), Format::Problems, None);
        }
    }
}
