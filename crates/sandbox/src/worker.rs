//! One worker: a zygote, the connection to it, and what it takes to start and to end it.

use crate::{
    Fault, Level,
    interpreter::Interpreter,
    machine,
    protocol::{Decoder, Greeting, Incoming},
    seccomp::{self, Guards, SocketsInFlight},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
        SocketType, recv, send, sendmsg, socketpair,
    },
};
use serde_json::json;
use std::{
    fs::File,
    io::{IoSlice, Read as _, Seek as _},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a worker may take to come up: a busy machine, a cold disk.
const START: Duration = Duration::from_secs(60);
/// What the interpreter runs first: it reads the zygote from its connection, so that no file of it is needed.
const BOOTSTRAP: &str = "import sys\nsys.path[:]=[p for p in sys.path if p]\nimport os\n\
     def g(n):\n b=b''\n while len(b)<n:\n  c=os.read(0,n-len(b))\n  if not c: os._exit(0)\n  b+=c\n return b\n\
     n=int.from_bytes(g(4),'little')\nexec(compile(g(n),'<sandbox>','exec'),globals())\nlaunch()\n";
const ZYGOTE: &str = concat!(
    include_str!("zygote/launch.py"),
    "\n",
    include_str!("zygote/zygote.py"),
    "\n",
    include_str!("zygote/watch.py"),
    "\n",
    include_str!("zygote/child.py"),
    "\n",
    include_str!("zygote/wire.py"),
    "\n",
    include_str!("zygote/stand_ins.py"),
    "\n",
    include_str!("zygote/sides.py"),
    "\n",
    include_str!("zygote/candidate.py"),
    "\n",
    include_str!("zygote/handed.py"),
    "\n",
    include_str!("zygote/tests_side.py"),
    "\n",
    include_str!("zygote/scope.py"),
    "\n",
    include_str!("zygote/tester.py"),
    "\n",
    include_str!("zygote/rehearsal.py"),
    "\n",
    include_str!("zygote/practice.py"),
);
/// Users for workers of a runner that is root: a range that distributions leave alone.
const USERS: std::ops::Range<u32> = 45_000..58_000;

/// What every worker of a sandbox is started with.
#[derive(Debug)]
pub(crate) struct Plan {
    pub interpreter: Interpreter,
    pub read_only: Vec<PathBuf>,
    /// The folder below which each worker gets its own.
    pub folder: PathBuf,
    /// Whether that folder is in memory.
    pub in_memory: bool,
}

/// A running zygote.
#[derive(Debug)]
pub(crate) struct Worker {
    process: Child,
    connection: OwnedFd,
    decoder: Decoder,
    complaints: File,
    folder: PathBuf,
    pub greeting: Greeting,
    pub runs: u32,
    /// How much the files of a run may take together, where there is a file system of its own for them.
    pub file_bytes: u64,
}

impl Worker {
    /// Starts a zygote at a level and waits until it is ready.
    pub fn start(plan: &Plan, level: Level, index: usize, file_bytes: u64) -> Result<Self, Fault> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let started = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = plan.folder.join(format!("{index}-{started}"));
        std::fs::create_dir(&folder).map_err(Fault::io("make a worker's folder"))?;
        let made = Self::start_in(plan, level, &folder, file_bytes);
        if made.is_err() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        made
    }

    fn start_in(plan: &Plan, level: Level, folder: &Path, file_bytes: u64) -> Result<Self, Fault> {
        let root = rustix::process::geteuid().is_root();
        let user = (root && level > Level::L0).then(free_user).transpose()?;
        if let Some(user) = user.filter(|_| level < Level::L3) {
            std::os::unix::fs::chown(folder, Some(user), Some(user))
                .map_err(Fault::io("give a worker its folder"))?;
        }
        let (here, there) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .map_err(Fault::os("make a worker's connection"))?;
        let complaints = memory_file("complaints", &[])?;
        let said = complaints.try_clone().map_err(Fault::io("share a worker's complaints"))?;
        let process = Command::new(&plan.interpreter.executable)
            .args(["-s", "-S", "-B", "-X", "utf8", "-c", BOOTSTRAP])
            .env_clear()
            .env("PYTHONHASHSEED", "0")
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::from(there))
            .stdout(Stdio::null())
            .stderr(Stdio::from(File::from(said)))
            .spawn()
            .map_err(Fault::io("start a worker's interpreter"))?;
        let mut worker = Self {
            process,
            connection: here,
            decoder: Decoder::default(),
            complaints: File::from(complaints),
            folder: folder.to_owned(),
            greeting: Greeting {
                level: level.to_string(),
                abi: 0,
                kill_guarded: false,
                at_once: false,
                kept: 0,
                python: String::new(),
            },
            runs: 0,
            file_bytes,
        };
        let mut hello = Vec::new();
        for part in [ZYGOTE.as_bytes(), &setup(plan, level, folder, user, file_bytes)] {
            // Both are far shorter than four gigabytes.
            hello.extend((part.len() as u32).to_le_bytes());
            hello.extend(part);
        }
        let deadline = Instant::now() + START;
        worker.send_all(&hello, deadline)?;
        match worker.receive(deadline)? {
            Incoming::Hello(greeting) if greeting.level == level.to_string() => worker.greeting = greeting,
            Incoming::Refused(reason) => return Err(Fault::Refused { level, reason }),
            other => return Err(Fault::Protocol(format!("a greeting was due, not {other:?}"))),
        }
        Ok(worker)
    }

    /// The connection, to be waited for together with other things.
    pub fn connection(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }

    /// Sends a frame and descriptors with it.
    pub fn send(&mut self, frame: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<(), Fault> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Fault::Protocol("too many descriptors for a frame".into()));
        }
        let sent = sendmsg(&self.connection, &[IoSlice::new(frame)], &mut ancillary, SendFlags::NOSIGNAL)
            .map_err(|errno| self.broken(errno, "send to a worker"))?;
        if sent == frame.len() { Ok(()) } else { Err(Fault::Protocol("a frame went out in part".into())) }
    }

    fn send_all(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        while !bytes.is_empty() {
            match send(&self.connection, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, deadline)?,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(self.broken(errno, "send to a worker")),
            }
        }
        Ok(())
    }

    /// The next frame; waits for it until the deadline.
    pub fn receive(&mut self, deadline: Instant) -> Result<Incoming, Fault> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(frame);
            }
            self.wait(PollFlags::IN, deadline)?;
        }
    }

    /// The next frame, if it is there.
    pub fn take_frame(&mut self) -> Result<Option<Incoming>, Fault> {
        if let Some(frame) = self.decoder.next_frame()? {
            return Ok(Some(frame));
        }
        let mut bytes = [0; 4096];
        match recv(&self.connection, &mut bytes, RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(self.ended()),
            Ok((count, _)) => {
                self.decoder.feed(&bytes[..count]);
                self.decoder.next_frame()
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(errno) => Err(self.broken(errno, "hear a worker")),
        }
    }

    fn wait(&self, flags: PollFlags, deadline: Instant) -> Result<(), Fault> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Silent { seconds: START.as_secs() });
        }
        let mut on = [PollFd::new(&self.connection, flags)];
        match poll(&mut on, Some(&timespec(left))) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(Fault::os("wait for a worker")(errno)),
        }
    }

    fn broken(&mut self, errno: Errno, what: &'static str) -> Fault {
        match errno {
            Errno::PIPE | Errno::CONNRESET => self.ended(),
            other => Fault::os(what)(other),
        }
    }

    fn ended(&mut self) -> Fault {
        // Its end of the connection closes a moment before the process itself is gone.
        let deadline = Instant::now() + Duration::from_millis(200);
        let status = loop {
            match self.process.try_wait() {
                Ok(Some(status)) => break status.to_string(),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                _ => break "its status is not known".to_owned(),
            }
        };
        let mut said = String::new();
        if let Ok(mut file) = self.complaints.try_clone() {
            let mut bytes = Vec::new();
            if file.rewind().is_ok() && (&mut file).take(4096).read_to_end(&mut bytes).is_ok() {
                said = String::from_utf8_lossy(&bytes).trim().to_owned();
            }
        }
        Fault::Ended { status, said }
    }

    /// The number of the worker's process, for those who look for survivors.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The zygote ends when its connection does, and takes its processes along; one that hangs is killed.
        let _ = rustix::net::shutdown(&self.connection, rustix::net::Shutdown::Both);
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            match self.process.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                Ok(None) => {
                    let _ = self.process.kill();
                    let _ = self.process.wait();
                    break;
                }
                _ => break,
            }
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A file in memory with this content, positioned at its start, that nobody can change any more.
pub(crate) fn sealed_file(name: &str, content: &[u8]) -> Result<OwnedFd, Fault> {
    let file = memory_file(name, content)?;
    rustix::fs::fcntl_add_seals(
        &file,
        rustix::fs::SealFlags::SEAL
            | rustix::fs::SealFlags::SHRINK
            | rustix::fs::SealFlags::GROW
            | rustix::fs::SealFlags::WRITE,
    )
    .map_err(Fault::os("seal a file in memory"))?;
    Ok(file)
}

fn memory_file(name: &str, content: &[u8]) -> Result<OwnedFd, Fault> {
    use rustix::fs::MemfdFlags;
    let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .map_err(Fault::os("make a file in memory"))?;
    let mut at = 0;
    while at < content.len() {
        at += rustix::io::pwrite(&file, &content[at..], at as u64)
            .map_err(Fault::os("fill a file in memory"))?;
    }
    Ok(file)
}

pub(crate) fn timespec(time: Duration) -> Timespec {
    // Days at most: every caller has a deadline.
    Timespec { tv_sec: time.as_secs() as _, tv_nsec: time.subsec_nanos().into() }
}

/// A user that owns nothing and runs nothing.
fn free_user() -> Result<u32, Fault> {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let span = USERS.end - USERS.start;
    // Runners of the same machine start far from each other.
    let next = NEXT.get_or_init(|| AtomicU32::new(std::process::id().wrapping_mul(97) % span));
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let busy = users_of_processes().map_err(Fault::io("look for a user that is free"))?;
    for _ in 0..span {
        let user = USERS.start + next.fetch_add(1, Ordering::Relaxed) % span;
        let known = passwd.lines().any(|line| line.split(':').nth(2) == Some(user.to_string().as_str()));
        if !known && !busy.contains(&user) {
            return Ok(user);
        }
    }
    Err(Fault::Request("no user number is free for a sandbox worker".into()))
}

fn users_of_processes() -> std::io::Result<Vec<u32>> {
    use std::os::unix::fs::MetadataExt as _;
    let mut users = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            // A process may end while it is looked at.
            if let Ok(metadata) = entry.metadata() {
                users.push(metadata.uid());
            }
        }
    }
    Ok(users)
}

fn setup(plan: &Plan, level: Level, folder: &Path, user: Option<u32>, file_bytes: u64) -> Vec<u8> {
    let hex =
        |filter: &seccomp::Filter| filter.code.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let in_flight = if level == Level::L3 { SocketsInFlight::Counted } else { SocketsInFlight::Denied };
    let base = hex(&seccomp::base(in_flight));
    let filters: Vec<_> = (0_u32..=6)
        .map(|abi| {
            // Landlock keeps signals in from version 6 on, and sees truncation from version 3 on.
            let landlocked = level >= Level::L2;
            let own_processes = level == Level::L3;
            let guard = seccomp::guard(Guards {
                signals: !(own_processes || landlocked && abi >= 6),
                metadata: !own_processes && user.is_none(),
                truncate: landlocked && abi < 3 && !own_processes,
                groups: !own_processes && user.is_none(),
            });
            json!({
                "base": base,
                "guard": hex(&guard),
                "pid_sites": guard.pid_sites,
            })
        })
        .collect();
    let visible: Vec<&PathBuf> = plan.interpreter.visible.iter().chain(&plan.read_only).collect();
    let setup = json!({
        "level": level.to_string(),
        "uid": user,
        "folder": folder,
        "visible": visible,
        "search": plan.interpreter.search,
        "file_bytes": file_bytes,
        "in_memory": plan.in_memory,
        "swap": machine::swaps(),
        "filters": (level > Level::L0).then_some(filters),
        "syscalls": {
            "pivot_root": libc::SYS_pivot_root,
            "mount_setattr": libc::SYS_mount_setattr,
            "close_range": libc::SYS_close_range,
            "sched_setattr": libc::SYS_sched_setattr,
            "capset": libc::SYS_capset,
            "pidfd_open": libc::SYS_pidfd_open,
            "landlock_create_ruleset": libc::SYS_landlock_create_ruleset,
            "landlock_add_rule": libc::SYS_landlock_add_rule,
            "landlock_restrict_self": libc::SYS_landlock_restrict_self,
        },
    });
    setup.to_string().into_bytes()
}
