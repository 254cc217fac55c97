//! Group files: JSONL, one group a line, read as a stream and written whole or not at all.

use crate::error::GroupsError;
use serde::Deserialize;
use serde_json::{Map, Value, error::Category};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};
use tracelift_domain::{Group, Negative, Positive, TaskDomain};
use tracelift_files::Draft;

/// How long a line may be. A group of a dozen traces takes some ten kilobytes; a file that goes on for this long
/// without a line break is something else, and must not fill the memory.
const LONGEST_LINE: u64 = 16 << 20;

/// Reads a group file line by line; memory holds one line, however long the file is.
///
/// Blank lines are skipped, `\r\n` ends a line like `\n`, and the last line need not end in either. After a line that
/// is not a valid group the reader goes on with the next, so that a caller may count or list what is wrong; after a
/// line that could not be read at all it ends.
#[derive(Debug)]
pub struct GroupReader {
    path: PathBuf,
    input: BufReader<File>,
    buffer: Vec<u8>,
    line: u64,
    /// Where the line that was read last begins, and how many bytes were read in all.
    position: u64,
    read: u64,
    ended: bool,
}

impl GroupReader {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<GroupReader, GroupsError> {
        let path = path.as_ref().to_owned();
        let opened = File::open(&path).map(BufReader::new).and_then(|mut input| {
            tracelift_datasets::skip_mark(&mut input)?;
            Ok(input)
        });
        match opened {
            Ok(mut input) => match input.stream_position() {
                Ok(read) => {
                    let buffer = Vec::new();
                    Ok(GroupReader { path, input, buffer, line: 0, position: read, read, ended: false })
                }
                Err(source) => Err(GroupsError::Open { path, source }),
            },
            Err(source) => Err(GroupsError::Open { path, source }),
        }
    }

    /// Opens a file at a [position](GroupReader::position) in it. Its lines are counted from there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_at(path: impl AsRef<Path>, position: u64) -> Result<GroupReader, GroupsError> {
        let mut reader = GroupReader::open(path)?;
        match reader.input.seek(SeekFrom::Start(position)) {
            Ok(read) => Ok(GroupReader { position, read, ..reader }),
            Err(source) => Err(GroupsError::Open { path: reader.path, source }),
        }
    }

    /// Where in the file the line begins that was read last.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The number (from 1) of the line that was read last; 0 before the first.
    #[must_use]
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Fills the buffer with the next line that is not blank; `false` at the end of the file.
    fn advance(&mut self) -> Result<bool, GroupsError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let read = (&mut self.input).take(LONGEST_LINE + 1).read_until(b'\n', &mut self.buffer);
            let length = read.map_err(|source| self.unreadable(source))?;
            self.position = self.read;
            self.read += length as u64;
            if length == 0 {
                return Ok(false);
            }
            if length as u64 > LONGEST_LINE {
                return Err(GroupsError::Long {
                    path: self.path.clone(),
                    line: self.line,
                    limit: LONGEST_LINE,
                });
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn unreadable(&self, source: io::Error) -> GroupsError {
        GroupsError::Read { path: self.path.clone(), line: self.line, source }
    }

    /// The group in the buffer.
    fn group(&self) -> Result<Group, GroupsError> {
        let (path, line) = (|| self.path.clone(), self.line);
        let row: Row = serde_json::from_slice(self.buffer.trim_ascii_end()).map_err(|error| {
            let (what, column) = (without_place(&error), error.column());
            match error.classify() {
                Category::Data => GroupsError::Schema { path: path(), line, column, what },
                Category::Io | Category::Syntax | Category::Eof => {
                    GroupsError::Json { path: path(), line, column, what }
                }
            }
        })?;
        let problem_id = row.problem_id.clone();
        row.into_group()
            .and_then(|group| group.validate().map(|()| group))
            .map_err(|what| GroupsError::Invalid { path: path(), line, problem_id, what })
    }
}

/// What the parser says, less its "at line 1 column 7": it saw one line, and the file's line number is another.
fn without_place(error: &serde_json::Error) -> String {
    let what = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    what.strip_suffix(&place).unwrap_or(&what).to_owned()
}

impl Iterator for GroupReader {
    type Item = Result<Group, GroupsError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.advance() {
            Ok(true) => Some(self.group()),
            Ok(false) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

/// A line as others may have written it: a [`Group`] and fields that it does not know.
#[derive(Deserialize)]
struct Row {
    problem_id: String,
    #[serde(default)]
    source: String,
    task_type: Option<String>,
    problem: String,
    #[serde(default)]
    reference_solution: String,
    positive_pool: Vec<Positive>,
    negative_bank: Vec<Negative>,
    #[serde(default)]
    metadata: Map<String, Value>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl Row {
    /// The domain. Published files call it otherwise (`algorithm`), or name it in the metadata only; then the
    /// dimensions of the first rubric tell, and the name is kept in the metadata.
    fn domain(&mut self) -> Result<TaskDomain, String> {
        let known = [TaskDomain::Math, TaskDomain::Code, TaskDomain::Steps];
        if let Some(domain) =
            known.into_iter().find(|domain| self.task_type.as_deref() == Some(domain.name()))
        {
            return Ok(domain);
        }
        // `maths` or `Code` is a slip of the pen, not another vocabulary.
        if let Some(told) = &self.task_type
            && known.into_iter().any(|domain| told.to_lowercase().starts_with(domain.name()))
        {
            return Err(format!("`task_type` is {told}, expected math, code or steps"));
        }
        let rubric = self.positive_pool.first().map(|positive| &positive.rubric);
        let has = |dimension: &str| rubric.is_some_and(|rubric| rubric.contains_key(dimension));
        let domain = match (has("task_understanding"), has("problem_understanding")) {
            (true, _) => TaskDomain::Code,
            (_, true) => TaskDomain::Math,
            _ => {
                let told = self.task_type.as_deref().unwrap_or("missing");
                return Err(format!(
                    "`task_type` is {told}, expected math, code or steps, and no rubric tells which"
                ));
            }
        };
        if let Some(told) = self.task_type.take()
            && !self.metadata.contains_key("task_type")
        {
            self.metadata.insert("task_type".to_owned(), Value::String(told));
        }
        Ok(domain)
    }

    /// Keeps the unknown fields among the metadata.
    fn into_group(mut self) -> Result<Group, String> {
        let task_type = self.domain()?;
        let Row {
            problem_id,
            source,
            task_type: _,
            problem,
            reference_solution,
            positive_pool,
            negative_bank,
            mut metadata,
            unknown,
        } = self;
        for (key, value) in unknown {
            if metadata.contains_key(&key) {
                return Err(format!(
                    "`{key}` is a field of the group and of its `metadata`; rename one of them"
                ));
            }
            metadata.insert(key, value);
        }
        Ok(Group {
            problem_id,
            source,
            task_type,
            problem,
            reference_solution,
            positive_pool,
            negative_bank,
            metadata,
        })
    }
}

/// Writes a group file and returns how many groups are in it.
///
/// # Errors
/// As [`GroupWriter`].
pub fn write_groups(
    path: impl AsRef<Path>,
    groups: impl IntoIterator<Item = Group>,
) -> Result<u64, GroupsError> {
    let mut writer = GroupWriter::create(path)?;
    for group in groups {
        writer.write(&group)?;
    }
    writer.finish()
}

/// A group file that is being written, whole or not at all: it is there after [`GroupWriter::finish`], and not before.
#[derive(Debug)]
#[must_use = "nothing is in its place before `finish`"]
pub struct GroupWriter {
    draft: Draft,
    count: u64,
}

impl GroupWriter {
    /// Begins a file.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub fn create(path: impl AsRef<Path>) -> Result<GroupWriter, GroupsError> {
        Ok(GroupWriter { draft: Draft::begin(path)?, count: 0 })
    }

    /// Adds a group.
    ///
    /// # Errors
    /// When the group is not valid (a file that cannot be read back is not written), or the system refuses.
    pub fn write(&mut self, group: &Group) -> Result<(), GroupsError> {
        let line = line(group).map_err(|what| GroupsError::Unreadable {
            path: self.draft.path().to_owned(),
            problem_id: group.problem_id.clone(),
            what,
        })?;
        self.draft.write_all(&line).map_err(|error| self.draft.failed(error))?;
        self.count += 1;
        Ok(())
    }

    /// Puts the file in its place; returns how many groups are in it.
    ///
    /// # Errors
    /// When the system refuses; what was there is then as it was.
    pub fn finish(self) -> Result<u64, GroupsError> {
        self.draft.finish()?;
        Ok(self.count)
    }
}

/// JSON with escapes for the characters that are no line breaks in JSONL and are in Python's `splitlines`, by which the
/// published readers split. They occur within JSON's texts only.
pub(crate) fn one_line(json: String) -> String {
    const BREAKS: [(char, &str); 3] =
        [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];
    BREAKS
        .iter()
        .fold(json, |json, (c, escape)| if json.contains(*c) { json.replace(*c, escape) } else { json })
}

/// A valid group as one line, line break included, that reads back as the same group. JSON has no NaN, and free-form
/// fields may bear the names of others, so that is looked at rather than assumed.
///
/// # Errors
/// Why no reader would take it back.
pub fn line(group: &Group) -> Result<Vec<u8>, String> {
    group.validate()?;
    let mut line = one_line(serde_json::to_string(group).map_err(|error| error.to_string())?).into_bytes();
    let again = serde_json::from_slice::<Row>(&line)
        .map_err(|error| format!("would not be read back: {}", without_place(&error)))?
        .into_group()?;
    if again != *group {
        return Err(
            "would be read back as something else; use plain names and finite numbers in free-form fields"
                .into(),
        );
    }
    line.push(b'\n');
    if line.len() as u64 > LONGEST_LINE {
        return Err(format!("takes {} bytes as one line, and {LONGEST_LINE} is the most", line.len()));
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
