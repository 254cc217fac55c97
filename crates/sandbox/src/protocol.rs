//! What a runner and a zygote say to each other: frames of a length, a kind and a body.
//!
//! Programs, tests and outputs do not travel in frames: descriptors of files and pipes do.

use crate::{Fault, Limits};
use serde::Deserialize;
use std::time::Duration;

/// The longest frame that a zygote sends: a reply with a message, a greeting.
const LONGEST_FRAME: usize = 64 * 1024;
/// How far the stack of a program may grow. The kernel leaves 128 MiB of room for it.
const STACK: u64 = 112 << 20;

/// A frame from a zygote.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Incoming {
    /// The worker is ready.
    Hello(Greeting),
    /// The worker cannot be had.
    Refused(String),
    /// How a job ended.
    Reply(Reply),
}

/// What a worker has found out while it came up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greeting {
    /// The level as the worker set it up.
    pub level: String,
    /// The version of Landlock, 0 without.
    pub abi: u32,
    /// Whether the filter watches over signals.
    pub kill_guarded: bool,
    /// Whether what watches a run has its turn at once.
    pub at_once: bool,
    /// Capabilities that programs keep, as a mask.
    pub kept: u64,
    /// The version of the interpreter.
    pub python: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The job's number.
    pub number: u64,
    /// Its end.
    pub end: End,
    /// Time on processors.
    pub cpu: Duration,
    /// Time on the clock.
    pub wall: Duration,
    /// The most memory, bytes.
    pub peak_memory: u64,
    /// The wait status of the second process of a function test.
    pub candidate_status: Option<i32>,
}

/// The end of a job as the zygote saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By this signal, which was not the zygote's.
    Signalled(i32),
    /// Too much time on processors.
    Cpu,
    /// Too much time on the clock.
    Wall,
    /// Too much memory.
    Memory,
    /// The runner asked for it.
    Killed,
    /// The zygote could not do its work.
    Fault(String),
}

/// Puts frames together from whatever arrives.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
}

impl Decoder {
    /// Adds bytes as they arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next frame, if it is complete.
    ///
    /// # Errors
    /// Bytes that no zygote sends. Nothing that comes later can be trusted then.
    pub fn next_frame(&mut self) -> Result<Option<Incoming>, Fault> {
        let Some((length, rest)) = self.buffer.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length == 0 || length > LONGEST_FRAME {
            return Err(Fault::Protocol(format!("a frame of {length} bytes")));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let frame = decode(rest[0], &rest[1..length])?;
        self.buffer.drain(..4 + length);
        Ok(Some(frame))
    }
}

fn decode(kind: u8, body: &[u8]) -> Result<Incoming, Fault> {
    let broken = |what: &str| Fault::Protocol(what.to_owned());
    match kind {
        b'H' => serde_json::from_slice(body)
            .map(Incoming::Hello)
            .map_err(|error| Fault::Protocol(format!("a greeting that cannot be read: {error}"))),
        b'X' => {
            #[derive(Deserialize)]
            struct Refusal {
                reason: String,
            }
            serde_json::from_slice(body)
                .map(|Refusal { reason }| Incoming::Refused(reason))
                .map_err(|error| Fault::Protocol(format!("a refusal that cannot be read: {error}")))
        }
        b'R' => reply(body).map(Incoming::Reply).ok_or_else(|| broken("a reply that cannot be read")),
        other => Err(Fault::Protocol(format!("a frame of kind {other}"))),
    }
}

fn reply(body: &[u8]) -> Option<Reply> {
    let mut fields = Fields(body);
    let number = u64::from_le_bytes(fields.take()?);
    let [end] = fields.take()?;
    let detail = i32::from_le_bytes(fields.take()?);
    let cpu = Duration::from_micros(u64::from_le_bytes(fields.take()?));
    let wall = Duration::from_micros(u64::from_le_bytes(fields.take()?));
    let peak_memory = u64::from_le_bytes(fields.take()?);
    let candidate = u32::from_le_bytes(fields.take()?);
    let message = fields.0;
    let end = match end {
        0 => End::Exited(detail),
        1 => End::Signalled(detail),
        2 => End::Cpu,
        3 => End::Wall,
        4 => End::Memory,
        5 => End::Killed,
        6 => End::Fault(String::from_utf8_lossy(message).into_owned()),
        _ => return None,
    };
    if !message.is_empty() && !matches!(end, End::Fault(_)) {
        return None;
    }
    let candidate_status = (candidate != u32::MAX).then_some(candidate as i32);
    Some(Reply { number, end, cpu, wall, peak_memory, candidate_status })
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }
}

/// What a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// A program from standard input to standard output. Descriptors: source, stdin, stdout, stderr.
    Script,
    /// A candidate and its tests. Descriptors: candidate, tests, results, output.
    Function,
}

pub(crate) fn job(kind: JobKind, number: u64, limits: &Limits) -> Vec<u8> {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    // The worker computes with them; a limit of centuries is none.
    let bound = |value: u64| value.min(1 << 50);
    let kind = match kind {
        JobKind::Script => b'S',
        JobKind::Function => b'F',
    };
    let fields = [
        number,
        bound(micros(limits.cpu)),
        bound(micros(limits.wall)),
        bound(limits.memory_bytes),
        bound(limits.file_bytes),
        bound(limits.processes),
        limits.open_files.clamp(16, 4096),
        STACK,
    ];
    let body: Vec<u8> = fields.into_iter().flat_map(u64::to_le_bytes).collect();
    frame(kind, &body)
}

pub(crate) fn kill(number: u64) -> Vec<u8> {
    frame(b'K', &number.to_le_bytes())
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    // The bodies sent are a few words long.
    let length = (body.len() + 1) as u32;
    let mut frame = Vec::with_capacity(body.len() + 5);
    frame.extend(length.to_le_bytes());
    frame.push(kind);
    frame.extend(body);
    frame
}

#[cfg(test)]
mod tests;
