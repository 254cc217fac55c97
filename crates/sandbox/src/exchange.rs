//! One job at a worker: sends it, drains its pipes, hears how it ended.

use crate::{
    Fault, Limits,
    protocol::{self, End, Incoming, JobKind, Reply},
    worker::{Worker, timespec},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

/// How long beyond a run's own limit the zygote may take to end everything.
const GRACE: Duration = Duration::from_secs(15);

/// What comes out of one pipe of a run.
#[derive(Debug)]
pub(crate) struct Drain {
    pipe: Option<OwnedFd>,
    /// What was kept.
    pub bytes: Vec<u8>,
    keep: Keep,
    /// Whether more came than may.
    pub over: bool,
}

/// What of a pipe is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Everything up to so many bytes; one more ends the run.
    All(usize),
    /// The last so many bytes, however many come.
    Tail(usize),
}

impl Drain {
    /// A pipe: its end to read, and the end for the program.
    pub fn new(keep: Keep) -> Result<(Self, OwnedFd), Fault> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC).map_err(Fault::os("make a pipe"))?;
        // Only this end: programs expect pipes that wait.
        rustix::io::ioctl_fionbio(&read, true).map_err(Fault::os("set up a pipe"))?;
        Ok((Self { pipe: Some(read), bytes: Vec::new(), keep, over: false }, write))
    }

    /// Reads what is there.
    fn read(&mut self) -> Result<(), Fault> {
        let mut buffer = [0; 65536];
        while let Some(pipe) = self.pipe.as_ref().filter(|_| !self.over) {
            match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => self.take(&buffer[..count]),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Fault::os("read what a program prints")(errno)),
            }
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) {
        match self.keep {
            Keep::All(most) => {
                let room = most - self.bytes.len().min(most);
                self.over = bytes.len() > room;
                self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Keep::Tail(most) => {
                self.bytes.extend_from_slice(bytes);
                if self.bytes.len() > 2 * most.max(bytes.len()) {
                    self.trim(most);
                }
            }
        }
    }

    fn trim(&mut self, most: usize) {
        let surplus = self.bytes.len().saturating_sub(most);
        self.bytes.drain(..surplus);
    }

    /// What was kept, when everything has come.
    pub fn finish(mut self) -> Vec<u8> {
        if let Keep::Tail(most) = self.keep {
            self.trim(most);
        }
        self.bytes
    }
}

/// Runs one job to its end. Whatever it prints is in the drains afterwards.
pub(crate) fn exchange(
    worker: &mut Worker,
    kind: JobKind,
    number: u64,
    limits: &Limits,
    descriptors: Vec<OwnedFd>,
    drains: &mut [&mut Drain; 2],
) -> Result<Reply, Fault> {
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    worker.send(&protocol::job(kind, number, limits), &borrowed)?;
    // The worker has its own copies; with these open, the pipes would never end.
    drop(borrowed);
    drop(descriptors);
    let patience = limits.wall.min(Duration::from_secs(1 << 24)) + GRACE;
    let deadline = Instant::now() + patience;
    let mut asked_to_end = false;
    let reply = loop {
        if let Some(frame) = worker.take_frame()? {
            match frame {
                Incoming::Reply(reply) if reply.number == number => break reply,
                other => return Err(Fault::Protocol(format!("not the reply to job {number}: {other:?}"))),
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Silent { seconds: patience.as_secs() });
        }
        let connection = worker.connection();
        let mut on = Vec::with_capacity(3);
        on.push(PollFd::new(&connection, PollFlags::IN));
        for drain in drains.iter() {
            if let Some(pipe) = drain.pipe.as_ref().filter(|_| !drain.over) {
                on.push(PollFd::new(pipe, PollFlags::IN));
            }
        }
        match poll(&mut on, Some(&timespec(left))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Fault::os("wait for a program")(errno)),
        }
        drop(on);
        for drain in drains.iter_mut() {
            drain.read()?;
        }
        if !asked_to_end && drains.iter().any(|drain| drain.over) {
            worker.send(&protocol::kill(number), &[])?;
            asked_to_end = true;
        }
    };
    // Everything that could write has ended: what is in the pipes is all there is.
    for drain in drains.iter_mut() {
        drain.read()?;
    }
    if let End::Fault(message) = reply.end {
        // What a process says that cannot be confined, it says where the program's errors would be.
        let said = String::from_utf8_lossy(&drains[1].bytes).into_owned();
        return Err(Fault::Worker(if said.is_empty() {
            message
        } else {
            format!("{message}: {}", said.trim())
        }));
    }
    Ok(reply)
}
