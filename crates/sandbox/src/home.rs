//! The folder of a sandbox: who it belongs to, and how it goes away, however its owner ends.
//!
//! Three ways, each for where the one before does not reach. The owner removes it when it is dropped. A *janitor*, a
//! small process that waits for the owner to end, removes it when a signal or a crash ends the owner. And a sandbox that
//! starts removes what it finds of owners that are dead: for when both were killed together, or the machine went down.

use crate::{SandboxError, interpreter::Interpreter};
use rustix::{
    fs::{FlockOperation, flock},
    process::geteuid,
};
use std::{
    fs::{self, File},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

const PREFIX: &str = "tracelift-sandbox-";
/// Locked by the owner as long as it lives. A folder without it is not ours to judge.
const OWNER: &str = "owner";
/// Waits until nobody holds the other end of its standard input, then removes the folder: after the workers, which end
/// for the same reason, and with the rights that files need that a program left behind.
const JANITOR: &str = include_str!("zygote/janitor.py");

/// A folder of the owner's, removed with it.
#[derive(Debug)]
pub(crate) struct Home {
    folder: TempDir,
    _owner: File,
    janitor: Child,
}

impl Home {
    /// Makes the folder, and removes those of the dead.
    pub fn new(interpreter: &Interpreter) -> Result<Self, SandboxError> {
        let parent = std::env::temp_dir();
        let failed = |what: &str| {
            let what = format!("{what} in {}", parent.display());
            move |source| SandboxError::Folder { what, source }
        };
        sweep(&parent);
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(&parent)
            .map_err(failed("make a folder for the sandbox"))?;
        // Workers run as other users where the runner is root: they have to get through, not to look around.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))
            .map_err(failed("open the sandbox's folder to its workers"))?;
        let owner = File::create_new(folder.path().join(OWNER)).map_err(failed("make the sandbox's lock"))?;
        flock(&owner, FlockOperation::NonBlockingLockExclusive)
            .map_err(|errno| failed("lock the sandbox's folder")(errno.into()))?;
        let janitor = Command::new(&interpreter.executable)
            .args(["-s", "-S", "-B", "-E", "-c", JANITOR])
            .arg(folder.path())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Not of the group that a terminal's Ctrl-C goes to.
            .process_group(0)
            .spawn()
            .map_err(failed("start the process that cleans up after the sandbox"))?;
        Ok(Self { folder, _owner: owner, janitor })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The owner removes the folder itself, and at once.
        let _ = self.janitor.kill();
        let _ = self.janitor.wait();
    }
}

/// Removes the folders of owners that are dead, as far as they are this user's.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
        if !ours {
            continue;
        }
        let Ok(owner) = File::open(entry.path().join(OWNER)) else { continue };
        if flock(&owner, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // What cannot be removed now is found again.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_swept_and_those_of_the_living_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let made = |name: &str, locked: bool| {
            let folder = parent.path().join(name);
            fs::create_dir_all(folder.join("0-0/run/work")).unwrap();
            locked.then(|| {
                let owner = File::create_new(folder.join(OWNER)).unwrap();
                flock(&owner, FlockOperation::NonBlockingLockExclusive).unwrap();
                owner
            })
        };
        let living = made("tracelift-sandbox-living", true);
        drop(made("tracelift-sandbox-dead", true));
        made("tracelift-sandbox-unknown", false);
        drop(made("another-program", true));
        sweep(parent.path());
        let left = |name: &str| parent.path().join(name).exists();
        assert!(
            left("tracelift-sandbox-living") && left("tracelift-sandbox-unknown") && left("another-program")
        );
        assert!(!left("tracelift-sandbox-dead"));
        drop(living);
        sweep(parent.path());
        assert!(!left("tracelift-sandbox-living"));
    }
}
