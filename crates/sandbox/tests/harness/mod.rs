//! Runs hostile programs and looks at the machine before and after each of them.

#![allow(clippy::unwrap_used, reason = "a harness of tests")]

use serde::Deserialize;
use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::PermissionsExt as _,
            net::{SocketAddr, UnixDatagram, UnixListener},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tracelift_sandbox::{Ending, FunctionEnding, FunctionTest, Limits, Sandbox};

/// What nobody may print who did not get through.
const FORBIDDEN: [&str; 8] = ["LEAK", "CONNECTED", "ATTACHED", "OPENED", "RAISED", "WROTE", "GOT", "POISON"];
const ABSTRACT: [&str; 2] = ["tl_sandbox_abstract", "tl_hostile_abstract"];
const ABSTRACT_DATAGRAM: &str = "tl_sandbox_abstract_datagram";
const NEXT: &str = "import sys, os, math, re, heapq, random, json\nfrom collections import *\nprint(sum(map(int, input().split())), os.listdir('.'), sorted(os.listdir(os.environ['TMPDIR'])))\n";

/// One program and the verdicts that it may get.
#[derive(Debug, Deserialize)]
pub struct Case {
    pub file: String,
    pub mode: String,
    pub expect: Vec<String>,
    #[serde(default)]
    pub stdin: Option<String>,
    #[serde(default)]
    pub stdin_py: Option<String>,
    #[serde(default)]
    pub want: Option<String>,
    #[serde(default)]
    pub entry: Option<String>,
    #[serde(default)]
    pub tests: Vec<String>,
}

/// Reads a manifest.
pub fn cases(folder: &Path) -> Vec<Case> {
    let text = fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The machine around the sandbox: what programs must not reach.
pub struct Surroundings {
    canary: PathBuf,
    tcp: TcpListener,
    udp: UdpSocket,
    abstracts: Vec<UnixListener>,
    datagram: UnixDatagram,
}

impl Surroundings {
    /// Puts up the canary folder and the listeners. Only one of these at a time on a machine: names are fixed.
    pub fn new(canary: &Path) -> Self {
        let _ = fs::remove_dir_all(canary);
        fs::create_dir(canary).unwrap();
        fs::set_permissions(canary, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(canary.join("file"), "canary").unwrap();
        fs::set_permissions(canary.join("file"), fs::Permissions::from_mode(0o666)).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        tcp.set_nonblocking(true).unwrap();
        let udp = UdpSocket::bind(tcp.local_addr().unwrap()).unwrap();
        udp.set_nonblocking(true).unwrap();
        let address = |name: &str| SocketAddr::from_abstract_name(name).unwrap();
        let abstracts = ABSTRACT
            .iter()
            .map(|name| {
                let listener = UnixListener::bind_addr(&address(name)).unwrap();
                listener.set_nonblocking(true).unwrap();
                listener
            })
            .collect();
        let datagram = UnixDatagram::bind_addr(&address(ABSTRACT_DATAGRAM)).unwrap();
        datagram.set_nonblocking(true).unwrap();
        Self { canary: canary.to_owned(), tcp, udp, abstracts, datagram }
    }

    /// A program with the places that it attacks written into it.
    fn aimed(&self, source: &str) -> String {
        let port = self.tcp.local_addr().unwrap().port();
        source
            .replace("CANARY", &format!("{:?}", self.canary.display().to_string()))
            .replace(", PORT)", &format!(", {port})"))
    }

    fn state(&self) -> State {
        let listing = |folder: &Path| {
            let mut found = BTreeSet::new();
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let metadata = entry.metadata().unwrap();
                found.insert(format!(
                    "{:?} {:o} {} {:?}",
                    entry.file_name(),
                    metadata.permissions().mode(),
                    metadata.len(),
                    metadata.modified().unwrap()
                ));
            }
            found
        };
        let mut canary = listing(&self.canary);
        canary.insert(fs::read_to_string(self.canary.join("file")).unwrap_or_default());
        let ours =
            |name: &str| name.starts_with("tl_") || name.starts_with("sem.mp-") || name.starts_with("psm_");
        State {
            canary,
            shared_memory: names(Path::new("/dev/shm")).into_iter().filter(|name| ours(name)).collect(),
            sysv: ["shm", "sem", "msg"]
                .iter()
                .flat_map(|kind| {
                    let text = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
                    text.lines()
                        .map(|line| line.split_whitespace().take(2).collect())
                        .collect::<Vec<String>>()
                })
                .collect(),
            mounts: fs::read_to_string("/proc/self/mountinfo").unwrap_or_default(),
            cores: [".", "/tmp", "/"]
                .iter()
                .flat_map(|folder| names(Path::new(folder)))
                .filter(|name| name == "core" || name.starts_with("core."))
                .collect(),
            descriptors: names(Path::new("/proc/self/fd")).len(),
        }
    }

    fn heard(&self) -> Vec<&'static str> {
        let nothing = |error: std::io::Error| error.kind() == ErrorKind::WouldBlock;
        let mut heard = Vec::new();
        if !self.tcp.accept().is_err_and(nothing) {
            heard.push("the TCP listener was reached");
        }
        if !self.udp.recv(&mut [0; 8]).is_err_and(nothing) {
            heard.push("the UDP socket was reached");
        }
        if !self.datagram.recv(&mut [0; 8]).is_err_and(nothing) {
            heard.push("the datagram socket was reached");
        }
        if !self.abstracts.iter().all(|listener| listener.accept().is_err_and(nothing)) {
            heard.push("an abstract socket was reached");
        }
        heard
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.canary);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct State {
    canary: BTreeSet<String>,
    shared_memory: BTreeSet<String>,
    sysv: BTreeSet<String>,
    mounts: String,
    cores: BTreeSet<String>,
    descriptors: usize,
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Processes below this one, and those of the users that workers become.
pub fn family() -> BTreeSet<u32> {
    let mut parents = Vec::new();
    for name in names(Path::new("/proc")) {
        let Ok(process) = name.parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(format!("/proc/{process}/stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        parents.push((process, fields[1].parse::<u32>().unwrap()));
    }
    let mut found = BTreeSet::from([std::process::id()]);
    loop {
        let before = found.len();
        for &(process, parent) in &parents {
            if found.contains(&parent) {
                found.insert(process);
            }
        }
        if found.len() == before {
            found.remove(&std::process::id());
            return found;
        }
    }
}

/// Runs a case and says everything that is not as it should be.
pub fn run(
    sandbox: &Sandbox,
    surroundings: &Surroundings,
    folder: &Path,
    case: &Case,
    limits: &Limits,
) -> Vec<String> {
    let source = surroundings.aimed(&fs::read_to_string(folder.join(&case.file)).unwrap());
    let (state, workers) = (surroundings.state(), family());
    let mut wrong = Vec::new();
    let started = Instant::now();
    let verdict = match case.mode.as_str() {
        "stdio" => stdio(sandbox, case, &source, limits, &mut wrong),
        _ => function(sandbox, case, &source, limits),
    };
    let took = started.elapsed();
    match verdict {
        Ok(verdict) if case.expect.contains(&verdict) => {}
        Ok(verdict) => wrong.push(format!("verdict {verdict}, allowed are {:?}", case.expect)),
        Err(fault) => wrong.push(format!("fault: {fault}")),
    }
    if took > limits.wall + Duration::from_secs(5) {
        wrong.push(format!("took {took:?}"));
    }
    // Who was orphaned is reaped by the machine, when it comes to it; who stays is found below.
    let patience = Instant::now() + Duration::from_secs(5);
    while family().len() > workers.len() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(5));
    }
    let left: Vec<String> = family()
        .difference(&workers)
        .map(|process| fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default())
        .filter(|stat| !stat.is_empty())
        .collect();
    // A worker that was started anew is a new process, but as many as before.
    if family().len() > workers.len() {
        wrong.push(format!("processes are left: {left:?}"));
    }
    let after = surroundings.state();
    if after != state {
        wrong.push(format!("the machine has changed: {state:?} to {after:?}"));
    }
    wrong.extend(surroundings.heard().into_iter().map(str::to_owned));
    match sandbox.run(NEXT, b"1 2 3\n", limits) {
        Ok(next) if next.ending == Ending::Exited(0) && next.stdout == b"6 [] []\n" => {}
        Ok(next) => wrong.push(format!(
            "the next run is not clean: {:?} {} {}",
            next.ending,
            String::from_utf8_lossy(&next.stdout),
            String::from_utf8_lossy(&next.stderr)
        )),
        Err(fault) => wrong.push(format!("the next run broke: {fault}")),
    }
    wrong
}

fn stdio(
    sandbox: &Sandbox,
    case: &Case,
    source: &str,
    limits: &Limits,
    wrong: &mut Vec<String>,
) -> Result<String, tracelift_sandbox::Fault> {
    let stdin = match (&case.stdin, &case.stdin_py) {
        (Some(stdin), _) => stdin.clone(),
        // The one expression of the shared manifest: the usual input and four million letters.
        (None, Some(_)) => format!("1 2 3\n{}", "x".repeat(4_000_000)),
        (None, None) => "1 2 3\n".into(),
    };
    let run = sandbox.run(source, stdin.as_bytes(), limits)?;
    let said = String::from_utf8_lossy(&run.stdout);
    for marker in FORBIDDEN.iter().filter(|marker| said.contains(**marker)) {
        wrong.push(format!("printed {marker}"));
    }
    let want = case.want.as_deref().unwrap_or("6\n");
    let tokens = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let verdict = match run.ending {
        Ending::Exited(0)
            if std::str::from_utf8(&run.stdout).is_ok_and(|text| tokens(text) == tokens(want)) =>
        {
            "AC"
        }
        Ending::Exited(0) => "WA",
        Ending::Exited(_) | Ending::Signalled(_) => "RE",
        Ending::CpuLimit | Ending::WallLimit => "TLE",
        Ending::MemoryLimit => "MLE",
        Ending::OutputLimit => "OLE",
        other => return Ok(format!("{other:?}")),
    };
    if !case.expect.iter().any(|allowed| allowed == verdict) {
        wrong.push(format!(
            "{:?} stdout {:.200} stderr {:.600}",
            run.ending,
            said,
            String::from_utf8_lossy(&run.stderr)
        ));
    }
    Ok(verdict.into())
}

fn function(
    sandbox: &Sandbox,
    case: &Case,
    source: &str,
    limits: &Limits,
) -> Result<String, tracelift_sandbox::Fault> {
    let usual = [
        "assert add(1, 2) == 3".to_owned(),
        "assert add(-1, 1) == 0".to_owned(),
        "import math\nassert abs(add(10, 20) - 30) < 1 and math.isclose(add(1, 1), 2) and all([isinstance(add(0, 0), int)])".to_owned(),
    ];
    let test = FunctionTest {
        candidate: source,
        given: "",
        setup: "",
        entry: Some(case.entry.as_deref().unwrap_or("add")),
        asserts: if case.tests.is_empty() { &usual } else { &case.tests },
        check: None,
    };
    let run = sandbox.test_function(&test, limits)?;
    Ok(match run.ending {
        _ if run.accepted() => "AC",
        FunctionEnding::CpuLimit | FunctionEnding::WallLimit => "TLE",
        FunctionEnding::MemoryLimit => "MLE",
        _ => "FAIL",
    }
    .into())
}
