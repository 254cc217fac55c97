//! One process under limits: start, drain, wait, kill.

use super::RunError;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, OwnedFd},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};
use std::{
    fmt, io,
    io::Read,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStderr, ChildStdout, Command},
    time::{Duration, Instant},
};

/// How much of standard error is kept, from its beginning and from its end.
const STDERR_KEPT: usize = 8 << 10;

/// What one process may use.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) wall: Duration,
    pub(super) memory_bytes: u64,
    pub(super) file_bytes: u64,
    pub(super) output_bytes: u64,
    pub(super) processes: u64,
    pub(super) open_files: u64,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Exited(i32),
    Signalled(i32),
    TimeLimit,
    OutputLimit,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Exited(code) => write!(f, "it ended with status {code}"),
            Ending::Signalled(signal) => write!(f, "it was ended by signal {signal}"),
            Ending::TimeLimit => f.write_str("it ran out of time"),
            Ending::OutputLimit => f.write_str("it printed too much"),
        }
    }
}

/// What is known of a process that has ended.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) ending: Ending,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr_head: Vec<u8>,
    pub(super) stderr_tail: Vec<u8>,
}

/// Runs a command whose output is piped. Whatever happens, its process group is dead when this returns.
pub(super) fn run(mut command: Command, limits: &Limits) -> Result<Report, RunError> {
    let python = command.get_program().to_string_lossy().into_owned();
    confine(&mut command, limits);
    let deadline = Instant::now() + limits.wall;
    let child = command.spawn().map_err(|source| RunError::Start { python, source })?;
    let mut group = Group { child, reaped: false };
    let mut streams = Streams::of(&mut group.child, limits.output_bytes).map_err(RunError::Watch)?;
    let early = streams.watch(&group, deadline).map_err(RunError::Watch)?;
    let status = group.end().map_err(RunError::Watch)?;
    if early.is_none() {
        // What the process wrote before it ended is in the pipes by now; nobody of its group can add to it.
        streams.drain().map_err(RunError::Watch)?;
    }
    let ending = match (early, status.code(), status.signal()) {
        (Some(ending), ..) => ending,
        _ if streams.flooded() => Ending::OutputLimit,
        (None, Some(code), _) => Ending::Exited(code),
        (None, None, signal) => Ending::Signalled(signal.unwrap_or(0)),
    };
    Ok(Report {
        ending,
        stdout: streams.stdout_bytes,
        stderr_head: streams.stderr_head,
        stderr_tail: streams.stderr_tail,
    })
}

/// Makes the command a session of its own under limits, from fork to exec.
fn confine(command: &mut Command, limits: &Limits) {
    let cpu_seconds = limits.wall.as_secs() + u64::from(limits.wall.subsec_nanos() > 0);
    // The second beyond lets a program that handles SIGXCPU be killed all the same, should we not be there to do it.
    let wanted = [
        (libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (libc::RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (libc::RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (libc::RLIMIT_CORE, 0, 0),
        (libc::RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ];
    let processes = tasks_of_user().map(|running| running + limits.processes);
    let parent = std::process::id();
    // SAFETY: between fork and exec the closure makes system calls and compares integers. It does not allocate, lock
    // or touch memory that another thread may hold; `io::Error` from an error number does not allocate either.
    unsafe {
        command.pre_exec(move || {
            if libc::setsid() == -1 {
                return Err(io::Error::last_os_error());
            }
            check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL))?;
            if libc::getppid() as u32 != parent {
                // Our parent died before it could be tied to us.
                libc::_exit(1);
            }
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
            for (resource, soft, hard) in wanted {
                limit(resource, soft, hard)?;
            }
            if let Some(most) = processes {
                limit(libc::RLIMIT_NPROC, most, most)?;
            }
            close_on_exec();
            Ok(())
        });
    }
}

/// Sets a limit, or the limit that is there already if that is lower.
///
/// # Safety
/// None beyond that of the two system calls; async-signal-safe.
unsafe fn limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> io::Result<()> {
    let mut now = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `now` is a valid place for the result.
    check(unsafe { libc::getrlimit(resource, &raw mut now) })?;
    let new = libc::rlimit { rlim_cur: soft.min(now.rlim_max), rlim_max: hard.min(now.rlim_max) };
    // SAFETY: `new` outlives the call.
    check(unsafe { libc::setrlimit(resource, &raw const new) })
}

/// Keeps descriptors from the program that some library opened without `O_CLOEXEC`. Kernels before 5.11 cannot; Rust's
/// own descriptors are closed there as well.
fn close_on_exec() {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: the call marks descriptors of this process, which is about to exec; it touches no memory.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3 as libc::c_uint, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC)
    };
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Processes and threads of the user, which is what `RLIMIT_NPROC` counts; `None` where `/proc` does not say.
fn tasks_of_user() -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::getuid().as_raw();
    let tasks = std::fs::read_dir("/proc")
        .ok()?
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
        // A process may be gone by now; then it does not count.
        .filter_map(|entry| std::fs::metadata(entry.path().join("task")).ok())
        .filter(|tasks| tasks.uid() == user)
        // Two links of a directory are its own; the rest are its directories, one for each thread.
        .map(|tasks| tasks.nlink().saturating_sub(2))
        .sum();
    Some(tasks)
}

/// A child and its process group. Dropping it kills and reaps.
struct Group {
    child: Child,
    reaped: bool,
}

impl Group {
    /// Kills the group, then reaps the child. In that order: until it is reaped its number cannot be given to
    /// another group.
    fn end(&mut self) -> io::Result<std::process::ExitStatus> {
        match kill_process_group(self.pid(), Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
        let status = self.child.wait()?;
        self.reaped = true;
        Ok(status)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            // Reached on an error that is being reported already.
            let _ = self.end();
        }
    }
}

/// The two output streams, read without blocking.
struct Streams {
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    stdout_bytes: Vec<u8>,
    stdout_most: u64,
    stderr_head: Vec<u8>,
    stderr_tail: Vec<u8>,
}

impl Streams {
    fn of(child: &mut Child, stdout_most: u64) -> io::Result<Streams> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        if let Some(stream) = &stdout {
            rustix::io::ioctl_fionbio(stream, true)?;
        }
        if let Some(stream) = &stderr {
            rustix::io::ioctl_fionbio(stream, true)?;
        }
        Ok(Streams {
            stdout,
            stderr,
            stdout_bytes: Vec::new(),
            stdout_most,
            stderr_head: Vec::new(),
            stderr_tail: Vec::new(),
        })
    }

    /// Reads until the process ends (`None`), or until it has to be ended.
    fn watch(&mut self, group: &Group, deadline: Instant) -> io::Result<Option<Ending>> {
        let process: OwnedFd = pidfd_open(group.pid(), PidfdFlags::empty())?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Some(Ending::TimeLimit));
            }
            let (ended, stdout, stderr) = {
                let wait =
                    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
                let mut watched = vec![PollFd::new(&process, PollFlags::IN)];
                let streams = [self.stdout.as_ref().map(AsFd::as_fd), self.stderr.as_ref().map(AsFd::as_fd)];
                watched.extend(streams.iter().flatten().map(|fd| PollFd::new(fd, PollFlags::IN)));
                match poll(&mut watched, Some(&wait)) {
                    Ok(_) => {}
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                }
                let mut ready = watched.iter().map(|fd| !fd.revents().is_empty());
                let mut next = || ready.next().unwrap_or(false);
                (next(), streams[0].is_some() && next(), streams[1].is_some() && next())
            };
            if stdout {
                self.read_stdout()?;
            }
            if stderr {
                self.read_stderr()?;
            }
            if self.flooded() {
                return Ok(Some(Ending::OutputLimit));
            }
            if ended {
                return Ok(None);
            }
        }
    }

    fn flooded(&self) -> bool {
        self.stdout_bytes.len() as u64 > self.stdout_most
    }

    /// Reads what is left in the pipes, without waiting for writers that are not ours to kill.
    fn drain(&mut self) -> io::Result<()> {
        while !self.flooded() && self.read_stdout()? {}
        // A pipe holds at most 1 MiB unless its owner is privileged; a survivor that keeps writing must not hold us.
        for _ in 0..32 {
            if !self.read_stderr()? {
                break;
            }
        }
        Ok(())
    }

    /// Whether something was read.
    fn read_stdout(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 64 << 10];
        let read = read(&mut self.stdout, &mut chunk)?;
        self.stdout_bytes.extend_from_slice(read);
        Ok(!read.is_empty())
    }

    fn read_stderr(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 64 << 10];
        let read = read(&mut self.stderr, &mut chunk)?;
        let room = STDERR_KEPT - self.stderr_head.len();
        self.stderr_head.extend_from_slice(&read[..read.len().min(room)]);
        self.stderr_tail.extend_from_slice(read);
        let surplus = self.stderr_tail.len().saturating_sub(STDERR_KEPT);
        self.stderr_tail.drain(..surplus);
        Ok(!read.is_empty())
    }
}

/// What a stream has now. A stream at its end is closed, so that it is not polled again.
fn read<'a>(stream: &mut Option<impl Read>, chunk: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let Some(open) = stream else { return Ok(&[]) };
    loop {
        match open.read(chunk) {
            Ok(0) => {
                *stream = None;
                return Ok(&[]);
            }
            Ok(count) => return Ok(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(&[]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
