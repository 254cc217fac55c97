//! The attacks that a sandbox makes on itself before anybody trusts it.
//!
//! They are small and meant to fail; one that succeeds does no harm: it writes to a file made for it, asks a listener
//! of ours, sends a signal that does nothing.

use crate::{
    Ending, Fault, Limits, Sandbox,
    observed::{Access, MemoryBound, Observed, ProcessBound, TimeBound, Watch},
};
use serde::Deserialize;
use std::{
    fs,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::PermissionsExt as _,
            net::{SocketAddr, UnixListener},
        },
    },
    time::{Duration, Instant},
};

const ATTACKS: &str = include_str!("zygote/attacks.py");
/// A process that stays behind and holds on to standard error.
const STAY: &str = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(120)\n    os._exit(0)\nos.wait()\nprint('left')\n";
/// Several processes that are small enough alone and too much together.
const SWELL: &str = "import os, time\nfor i in range(4):\n    if os.fork() == 0:\n        b = bytearray(60 << 20)\n        for j in range(0, len(b), 4096): b[j] = 1\n        time.sleep(60)\n        os._exit(0)\ntime.sleep(60)\n";
/// More sockets than there is room for, if each of them counts for what it could hold.
const HOARD: &str = "import socket, time\nkept = [socket.socketpair() for _ in range(100)]\ntime.sleep(60)\n";
/// Children whose end nobody hears of, one after the other.
const BURN: &str = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor i in range(16):\n    if os.fork() == 0:\n        t = time.process_time()\n        while time.process_time() - t < 0.02: pass\n        os._exit(0)\n    try: os.wait()\n    except ChildProcessError: pass\n";
/// How many children the attack tries to have; it is allowed eight. Where the user is shared with other processes, the
/// kernel's limit has to leave them room, and more than eight come through.
const CHILDREN: u64 = 400;
const SECRET: &str = "tracelift sandbox canary";

#[derive(Debug, Deserialize)]
struct Outcomes {
    wrote: bool,
    read: bool,
    tcp: bool,
    udp: bool,
    unix: bool,
    signalled: bool,
    traced: bool,
    descriptors: u64,
    children: u64,
    runner_signalled: bool,
    runner_read: bool,
    others: Vec<String>,
    hidden: Vec<String>,
}

/// Makes the attacks and reports what held.
pub(crate) fn observe(sandbox: &Sandbox, mut reason: String) -> Result<Observed, Fault> {
    let canary = tempfile::Builder::new()
        .prefix("canary-")
        .tempdir_in(sandbox.folder())
        .map_err(Fault::io("make a folder for the sandbox to attack"))?;
    fs::set_permissions(canary.path(), fs::Permissions::from_mode(0o777))
        .map_err(Fault::io("open a folder for the sandbox to attack"))?;
    let secret = canary.path().join("secret");
    fs::write(&secret, SECRET).map_err(Fault::io("write a file for the sandbox to attack"))?;
    let tcp = TcpListener::bind("127.0.0.1:0").map_err(Fault::io("listen for the sandbox's attack"))?;
    let udp = UdpSocket::bind("127.0.0.1:0").map_err(Fault::io("listen for the sandbox's attack"))?;
    udp.set_nonblocking(true).map_err(Fault::io("listen for the sandbox's attack"))?;
    let name = format!("tracelift-sandbox-probe-{}-{:p}", std::process::id(), &raw const udp);
    let unix = SocketAddr::from_abstract_name(name.as_bytes())
        .and_then(|address| UnixListener::bind_addr(&address))
        .map_err(Fault::io("listen for the sandbox's attack"))?;
    let port = |address: std::io::Result<std::net::SocketAddr>| {
        address.map(|address| address.port()).map_err(Fault::io("listen for the sandbox's attack"))
    };
    let limits = Limits { processes: 8, memory_bytes: 160 << 20, ..Limits::default() };
    let targets = serde_json::json!({
        "folder": canary.path(),
        "secret": SECRET,
        "tcp": port(tcp.local_addr())?,
        "udp": port(udp.local_addr())?,
        "unix": name,
        "runner": std::process::id(),
        "children": CHILDREN,
    });
    // Where the number of processes is not bounded, each has memory of its own: that is not what is asked here.
    let roomy = Limits { memory_bytes: 4 << 30, ..limits.clone() };
    let run = sandbox.run(ATTACKS, targets.to_string().as_bytes(), &roomy)?;
    let outcomes: Outcomes = match run.ending {
        Ending::Exited(0) => serde_json::from_slice(&run.stdout).ok(),
        _ => None,
    }
    .ok_or_else(|| {
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        Fault::Worker(format!("the sandbox's attack on itself ended with {:?}: {}", run.ending, said.trim()))
    })?;
    drop(unix);
    let heard = udp.recv(&mut [0; 8]).is_ok();
    let written = fs::read_dir(canary.path()).map_err(Fault::io("look at the attacked folder"))?.count() != 1
        || fs::read(&secret).ok().as_deref() != Some(SECRET.as_bytes());

    let access = |open: bool| if open { Access::Open } else { Access::Blocked };
    let greeting = sandbox.greeting();
    let mut observed = Observed::nothing(sandbox.level());
    observed.files = access(outcomes.wrote || outcomes.read || outcomes.runner_read || written);
    observed.net = access(outcomes.tcp || outcomes.udp || outcomes.unix || heard);
    observed.kill = access(outcomes.signalled || outcomes.traced || outcomes.runner_signalled);
    observed.descriptors = access(outcomes.descriptors > 0);
    observed.procs = if outcomes.children < CHILDREN {
        ProcessBound::Limited(outcomes.children)
    } else {
        ProcessBound::Open
    };
    observed.survivors = access(!survivors_are_reaped(sandbox, &limits)?);
    observed.memory = match sandbox.run(SWELL, b"", &limits)?.ending {
        Ending::MemoryLimit => MemoryBound::Watched,
        _ => MemoryBound::PerProcessOnly,
    };
    observed.others = access(!outcomes.others.is_empty());
    let small = Limits { memory_bytes: 40 << 20, ..limits.clone() };
    let hoards = sandbox.run(HOARD, b"", &Limits { wall: Duration::from_secs(1), ..small })?.ending;
    observed.hidden = access(!outcomes.hidden.is_empty() || hoards != Ending::MemoryLimit);
    let short = Limits { cpu: Duration::from_millis(60), ..limits.clone() };
    observed.cpu = match sandbox.run(BURN, b"", &short)?.ending {
        Ending::CpuLimit => TimeBound::Counted,
        _ => TimeBound::Open,
    };
    let mut note = |what: String| {
        if !reason.is_empty() {
            reason.push_str("; ");
        }
        reason.push_str(&what);
    };
    if !outcomes.others.is_empty() {
        note(format!("a program that {} reaches others", outcomes.others.join(", ")));
    }
    if !outcomes.hidden.is_empty() {
        note(format!("memory of a program that {} is not counted", outcomes.hidden.join(", ")));
    }
    if let Some(greeting) = greeting {
        observed.landlock = greeting.abi;
        observed.python = greeting.python;
        observed.watch = if greeting.at_once { Watch::AtOnce } else { Watch::InTurn };
        if greeting.kept != 0 {
            note("programs keep CAP_DAC_READ_SEARCH: only root may enter the interpreter's folder".into());
        }
    }
    observed.reason = reason;
    Ok(observed)
}

/// A process that stays behind would hold the run's pipe open, and its name would be in the list of processes.
fn survivors_are_reaped(sandbox: &Sandbox, limits: &Limits) -> Result<bool, Fault> {
    let marker = format!("tracelift-survivor-{}-{}", std::process::id(), Instant::now().elapsed().as_nanos());
    let source =
        format!("import ctypes\nctypes.CDLL(None).prctl(15, b'tl-survivor', 0, 0, 0)\n{STAY}# {marker}\n");
    let before = named("tl-survivor");
    let run = sandbox.run(&source, b"", limits)?;
    if run.ending != Ending::Exited(0) || run.stdout != b"left\n" {
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        return Err(Fault::Worker(format!(
            "the program that leaves a process ended with {:?}: {said}",
            run.ending
        )));
    }
    // What was killed may be seen for a moment yet; what is alive stays.
    let until = Instant::now() + Duration::from_millis(200);
    while named("tl-survivor").iter().any(|process| !before.contains(process)) {
        if Instant::now() > until {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(true)
}

fn named(name: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| {
            fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|command| command.trim() == name)
        })
        .collect()
}
