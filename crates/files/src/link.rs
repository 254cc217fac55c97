//! Symbolic links that lead to the newest of several things.

use crate::{TEMPORARY, WriteError};
use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Lets a symbolic link at `path` lead to `target`. One that is there already leads to the new target at once: whoever follows it finds
/// the old one or the new one. Whatever else is there is left alone.
///
/// # Errors
/// When there is something at `path` that is no link, or its folder takes no new names.
pub fn link(target: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<(), WriteError> {
    let (target, path) = (target.as_ref(), path.as_ref());
    let failed = |error: io::Error| WriteError::at(path)(error.into());
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_symlink() => {
            let message = "there is something that is no symbolic link";
            return Err(failed(io::Error::new(io::ErrorKind::AlreadyExists, message)));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let hidden = hidden(path);
    // What a process left here that was killed between the two.
    let _ = fs::remove_file(&hidden);
    symlink(target, &hidden).map_err(failed)?;
    fs::rename(&hidden, path).map_err(|error| {
        let _ = fs::remove_file(&hidden);
        failed(error)
    })
}

/// A name of this process beside the path.
fn hidden(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{TEMPORARY}{name}-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_newest_and_replaces_nothing_else() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        fs::write(at("old"), "old").unwrap();
        fs::write(at("new"), "new").unwrap();
        for target in ["old", "new"] {
            link(target, at("latest")).unwrap();
            assert_eq!(fs::read_to_string(at("latest")).unwrap(), target);
        }
        let message = link("old", at("new")).unwrap_err().to_string();
        assert!(message.contains("no symbolic link"), "{message}");
        assert_eq!(fs::read_to_string(at("new")).unwrap(), "new");
        assert_eq!(fs::read_dir(desk.path()).unwrap().count(), 3);
    }
}
