//! How files are written, by everything in the house.
//!
//! [`write()`] puts bytes where a path leads, [`Draft`] takes them as a stream, [`FolderDraft`] lets a folder with all that
//! is in it appear at once, [`place()`] moves a finished file to where it belongs,
//! [`link()`] lets a name lead elsewhere. Where a path leads decides what that means:
//!
//! | there is | what happens |
//! |---|---|
//! | nothing | a new file, whole or not at all, with the mode that `open` would give it (0666 less the umask) |
//! | a regular file | it is replaced, whole or not at all, and keeps its mode and, as far as the system allows, its owner and group; one that may not be written is left alone |
//! | a symbolic link | it is followed and stays; what it leads to, through up to forty others, is replaced, or made where it dangles |
//! | a device, a FIFO, `/dev/stdout`, `/dev/fd/N`, `>(…)` of a shell | the bytes are streamed into it as they come; it is never replaced |
//! | a folder, a socket | an error |
//!
//! *Whole or not at all*: the bytes go to a file beside the place, which is brought to disk and then renamed, and the
//! folder is brought to disk too; whatever ends the process or fills the disk, there is the old file or the new one.
//! Where the system can, the file that is being written has no name until it is whole, so that a killed process
//! leaves nothing behind; elsewhere its name begins with [`TEMPORARY`], and an error removes it. Hard links, access lists
//! and extended attributes of a replaced file are not carried over.
//!
//! A stream has no such promise: what was written is out. A reader that leaves is an error that says so, of kind
//! [`io::ErrorKind::BrokenPipe`] (a process that keeps the default action of `SIGPIPE` is ended by it, like any other in
//! a pipe).
//!
//! # What is written another way, and why
//!
//! Logs that grow while others read them: `metrics.jsonl`, TensorBoard's events, the ledgers of prompted models, and the
//! groups of a build under way. They are appended to, and what must not be lost is synced line by line; a draft that appears
//! at the end would be worthless there. What a crash leaves after their last whole line is cut off when they are
//! opened next. Once finished they come to their place through [`place()`].

mod draft;
mod error;
mod folder;
mod link;
mod target;

pub use draft::{Draft, place};
pub use error::{WriteError, WriteFault};
pub use folder::{FolderDraft, check_folder, make_folder, remove_leftovers, remove_tree};
pub use link::link;
pub use target::{Kind, kind};

use std::{io::Write, path::Path};

/// What the names of unfinished files and folders begin with.
pub const TEMPORARY: &str = ".tmp-";

/// Writes to where a path leads: a file whole or not at all, a device or FIFO as a stream.
///
/// # Errors
/// When the place cannot be written; a file that was there is then as it was.
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
    let mut draft = Draft::begin(path)?;
    let written = draft.write_all(bytes.as_ref());
    written.map_err(|error| draft.failed(error))?;
    draft.finish()
}

#[cfg(doc)]
use std::io;

#[cfg(test)]
mod tests;
