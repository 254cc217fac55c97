//! The ledger: every call that was made and every reply that came, on disk before it is used.
//!
//! A file of lines, only ever appended to: a checksum (CRC-32C, eight hexadecimal digits), a space, an entry as JSON. A
//! reply is written and synced before anyone sees it, so whatever ends the process, no call that was answered is made
//! again. Before a call is made, a line says so; a call whose line has no successor was under way when the process ended
//! and counts as spent, at its estimate. A line that was half written is cut off when the file is opened next; a line
//! that fails its checksum is skipped and counted.
//!
//! One process at a time: the file is locked.

use crate::json::LONGEST_REPLY;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tracelift_executor::ChatReply;
use tracelift_executor::spending::{Cost, Spending};

/// The first line's entry.
const VERSION: u32 = 1;
/// Longer than any line that is written.
const LONGEST_LINE: u64 = 256 << 20;

/// What an inquiry is known by: 128 bits of a hash of all that decides the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Key(pub(crate) u128);

impl From<Key> for String {
    fn from(key: Key) -> String {
        format!("{:032x}", key.0)
    }
}

impl TryFrom<String> for Key {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Key, Self::Error> {
        u128::from_str_radix(&text, 16).map(Key)
    }
}

/// A reply as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finish_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
}

impl From<ChatReply> for Reply {
    fn from(reply: ChatReply) -> Reply {
        let ChatReply { text, refusal, finish_reason, model, .. } = reply;
        Reply {
            text: text.map(bounded),
            refusal: refusal.map(bounded),
            finish_reason,
            model: model.map(bounded),
        }
    }
}

/// A text that is longer than any that is read is kept only so far that it still is: a server that runs away must not
/// fill the disk.
fn bounded(mut text: String) -> String {
    let end = (LONGEST_REPLY + 1..text.len()).find(|end| text.is_char_boundary(*end));
    if let Some(end) = end {
        text.truncate(end);
    }
    text
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
enum Entry {
    Ledger {
        version: u32,
    },
    Asked {
        key: Key,
        at_most: Cost,
    },
    Answered {
        key: Key,
        cost: Cost,
        estimated: bool,
        reply: Reply,
    },
    /// Without a cost where the call was certainly not billed.
    Unanswered {
        key: Key,
        cost: Option<Cost>,
        cause: String,
    },
}

/// A ledger that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system refuses.
    #[error("{action} the ledger {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("the ledger {} is in use by another process; wait for it, or name another under `ledger`", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is some other file.
    #[error("{} is not a ledger of this version; name another file under `ledger`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// An earlier entry could not be written.
    #[error("the ledger {} takes no more entries after one that could not be written", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}

/// An open ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    state: Mutex<State>,
    /// What was spent before it was opened.
    pub(crate) earlier: Spending,
    /// Calls that were under way when an earlier process ended.
    pub(crate) lost: u64,
    /// Lines that fail their checksum.
    pub(crate) damaged: u64,
}

#[derive(Debug, Default)]
struct State {
    end: u64,
    replies: HashMap<Key, (u64, usize)>,
    broken: bool,
}

impl Ledger {
    /// Opens a ledger, or begins one.
    pub(crate) fn open(path: &Path) -> Result<Ledger, LedgerError> {
        let failed = |action| move |source| LedgerError::Io { action, path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed("make the folder of"))?;
        }
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LedgerError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let mut ledger = Ledger {
            path: path.to_owned(),
            file,
            state: Mutex::default(),
            earlier: Spending::default(),
            lost: 0,
            damaged: 0,
        };
        let (end, length) = ledger.read()?;
        if end < length {
            ledger.file.set_len(end).map_err(failed("cut the half-written end off"))?;
        }
        ledger.state.get_mut().unwrap_or_else(PoisonError::into_inner).end = end;
        if end == 0 {
            ledger.append(&Entry::Ledger { version: VERSION })?;
            ledger.file.sync_all().map_err(failed("write"))?;
        }
        if is_new {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("write the folder of"))?;
        }
        Ok(ledger)
    }

    /// Reads all entries; returns where the last whole line ends, and the file's length.
    fn read(&mut self) -> Result<(u64, u64), LedgerError> {
        let path = self.path.clone();
        let failed = |source| LedgerError::Io { action: "read", path: path.clone(), source };
        let length = self.file.metadata().map_err(failed)?.len();
        let mut input = BufReader::new(self.file.try_clone().map_err(failed)?);
        let mut line = Vec::new();
        let mut end = 0;
        let mut open: HashMap<Key, Vec<Cost>> = HashMap::new();
        loop {
            line.clear();
            let read = (&mut input).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(failed)? as u64;
            if read == 0 || !line.ends_with(b"\n") {
                break;
            }
            let entry = entry(&line);
            if end == 0 && !matches!(entry, Some(Entry::Ledger { version: VERSION })) {
                return Err(LedgerError::Foreign { path });
            }
            match entry {
                Some(Entry::Ledger { .. }) => {}
                Some(Entry::Asked { key, at_most }) => open.entry(key).or_default().push(at_most),
                Some(Entry::Answered { key, cost, estimated, .. }) => {
                    open.entry(key).or_default().pop();
                    self.earlier += Spending::of(cost, estimated);
                    let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
                    state.replies.insert(key, (end, line.len()));
                }
                Some(Entry::Unanswered { key, cost, .. }) => {
                    open.entry(key).or_default().pop();
                    if let Some(cost) = cost {
                        self.earlier += Spending::of(cost, true);
                    }
                }
                None => self.damaged += 1,
            }
            end += read;
        }
        for cost in open.into_values().flatten() {
            self.lost += 1;
            self.earlier += Spending::of(cost, true);
        }
        if end == 0 && length > 0 && !is_beginning(&line) {
            return Err(LedgerError::Foreign { path });
        }
        Ok((end, length))
    }

    /// The reply to an inquiry, if there is one.
    pub(crate) fn reply(&self, key: Key) -> Result<Option<Reply>, LedgerError> {
        let place = self.state.lock().unwrap_or_else(PoisonError::into_inner).replies.get(&key).copied();
        let Some((start, length)) = place else { return Ok(None) };
        let mut line = vec![0; length];
        let failed = |source| LedgerError::Io { action: "read", path: self.path.clone(), source };
        self.file.read_exact_at(&mut line, start).map_err(failed)?;
        match entry(&line) {
            Some(Entry::Answered { reply, .. }) => Ok(Some(reply)),
            _ => Err(failed(io::Error::new(
                io::ErrorKind::InvalidData,
                "an entry changed after it was written",
            ))),
        }
    }

    /// Whether it holds any reply.
    pub(crate) fn answered_before(&self) -> bool {
        !self.state.lock().unwrap_or_else(PoisonError::into_inner).replies.is_empty()
    }

    /// Says that a call is about to be made.
    pub(crate) fn asked(&self, key: Key, at_most: Cost) -> Result<(), LedgerError> {
        self.append(&Entry::Asked { key, at_most }).map(drop)
    }

    /// Keeps a reply; it is on disk when this returns.
    pub(crate) fn answered(
        &self,
        key: Key,
        cost: Cost,
        estimated: bool,
        reply: Reply,
    ) -> Result<(), LedgerError> {
        let place = self.append(&Entry::Answered { key, cost, estimated, reply })?;
        // Outside the lock, so that several replies may be synced at the same time.
        self.file.sync_data().map_err(|source| {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).broken = true;
            LedgerError::Io { action: "write", path: self.path.clone(), source }
        })?;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).replies.insert(key, place);
        Ok(())
    }

    /// Says that a call failed.
    pub(crate) fn unanswered(&self, key: Key, cost: Option<Cost>, cause: &str) -> Result<(), LedgerError> {
        self.append(&Entry::Unanswered { key, cost, cause: cause.to_owned() }).map(drop)
    }

    fn append(&self, entry: &Entry) -> Result<(u64, usize), LedgerError> {
        let failed = |source| LedgerError::Io { action: "write", path: self.path.clone(), source };
        let line = line(entry).map_err(|error| failed(error.into()))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.broken {
            return Err(LedgerError::Closed { path: self.path.clone() });
        }
        if let Err(source) = (&self.file).write_all(&line) {
            state.broken = true;
            return Err(failed(source));
        }
        let place = (state.end, line.len());
        state.end += line.len() as u64;
        Ok(place)
    }
}

fn line(entry: &Entry) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(entry)?;
    Ok(format!("{:08x} {json}\n", crc32c::crc32c(json.as_bytes())).into_bytes())
}

fn entry(line: &[u8]) -> Option<Entry> {
    let (sum, json) = std::str::from_utf8(line).ok()?.strip_suffix('\n')?.split_once(' ')?;
    (u32::from_str_radix(sum, 16) == Ok(crc32c::crc32c(json.as_bytes())))
        .then(|| serde_json::from_str(json).ok())
        .flatten()
}

/// Whether a file without a whole line is a ledger whose first line was not finished.
fn is_beginning(text: &[u8]) -> bool {
    line(&Entry::Ledger { version: VERSION }).is_ok_and(|line| line.starts_with(text))
}

#[cfg(test)]
mod tests;
