//! A real PostgreSQL server, for as long as a test needs it.

use crate::{skipped, until};
use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A server in a folder of its own, which listens at a socket there and nowhere else.
pub struct Postgresql {
    server: Child,
    folder: TempDir,
}

/// A folder with all programs that are needed: one of the path, or of the newest version where Debian puts them.
fn programs() -> Option<PathBuf> {
    let all = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_isready", "psql"].iter().all(|program| folder.join(program).is_file())
    };
    let on_path = env::split_paths(&env::var_os("PATH")?).find(all);
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(all)
        .collect();
    versions.sort();
    on_path.or(versions.pop())
}

/// Whom to run as: PostgreSQL refuses root. The user that its package made, or nobody.
fn user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = users.lines().find(|line| line.starts_with("postgres:")).and_then(|line| {
        let mut columns = line.split(':').skip(2);
        Some((columns.next()?.parse().ok()?, columns.next()?.parse().ok()?))
    });
    Some(ids.unwrap_or((65534, 65534)))
}

impl Postgresql {
    /// Starts one; where PostgreSQL is not installed, the test that asks says so.
    #[must_use]
    pub fn start() -> Option<Postgresql> {
        let Some(programs) = programs() else {
            skipped("PostgreSQL is not installed (Debian's package postgresql)");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let (at, user) = (folder.path().to_owned(), user());
        let data = at.join("data");
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&at).stdin(Stdio::null());
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            command
        };
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(&at, Some(user), Some(group)).unwrap();
        }
        let made = command("initdb")
            .args([
                "--no-sync",
                "--auth=trust",
                "--username=tracelift",
                "--encoding=UTF8",
                "--locale=C",
                "-D",
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let server = command("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&at)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_min_messages=fatal"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Postgresql { server, folder };
        until("PostgreSQL accepts connections", || {
            let ready = command("pg_isready").arg("-h").arg(&at).output();
            ready.is_ok_and(|said| said.status.success())
        });
        Some(started)
    }

    /// The address of its one database.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://tracelift@/postgres?host={}", self.folder.path().display())
    }

    /// Runs a statement, as an administrator would.
    pub fn run(&self, sql: &str) {
        let folder: &Path = self.folder.path();
        let said = Command::new(programs().unwrap().join("psql"))
            .args(["-U", "tracelift", "-d", "postgres", "-c", sql, "-h"])
            .arg(folder)
            .output()
            .unwrap();
        assert!(said.status.success(), "psql: {}", String::from_utf8_lossy(&said.stderr));
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        // An interrupt ends its sessions and it; killed, it would leave its children to find that out.
        let _ = Command::new("kill").arg("-INT").arg(self.server.id().to_string()).status();
        let _ = self.server.wait();
    }
}
