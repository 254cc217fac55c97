//! Where a path leads.

use crate::error::WriteFault;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

/// As many as the system itself follows.
const LONGEST_CHAIN: usize = 40;

/// What a path leads to, for who must know before anything is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, or a place for one: it will be there whole or not at all.
    File,
    /// A device, a FIFO or an open descriptor: what is written is out, and nothing can lie beside it.
    Stream,
}

/// Where bytes for a path go.
pub(crate) enum Target {
    /// A regular file, there or not.
    File { folder: PathBuf, path: PathBuf, was: Option<Was> },
    /// Something that is written into.
    Stream(Stream),
}

/// A way to something that is written into; opening a FIFO waits for a reader.
pub(crate) enum Stream {
    #[cfg(target_os = "linux")]
    Descriptor(i32),
    Path(PathBuf),
}

/// What a file that is replaced hands on.
#[derive(Clone, Copy)]
pub(crate) struct Was {
    pub mode: u32,
    pub owner: u32,
    pub group: u32,
}

impl Was {
    fn of(metadata: &Metadata) -> Was {
        // Not the bits that run a program as its owner: a write takes them from a file as well.
        Was { mode: metadata.mode() & 0o777, owner: metadata.uid(), group: metadata.gid() }
    }
}

/// What a path leads to, without opening it; to be asked before long work whose result goes there.
///
/// # Errors
/// When it cannot be written: a folder, in a folder that is not there or takes no files, a file that is write-protected.
pub fn kind(path: impl AsRef<Path>) -> Result<Kind, crate::WriteError> {
    let path = path.as_ref();
    match find(path).map_err(crate::WriteError::at(path))? {
        Target::File { .. } => Ok(Kind::File),
        Target::Stream(_) => Ok(Kind::Stream),
    }
}

/// Follows a path to its end.
pub(crate) fn find(path: &Path) -> Result<Target, WriteFault> {
    let mut here = path.to_owned();
    for _ in 0..=LONGEST_CHAIN {
        let Some(name) = file_name(&here) else { return Err(WriteFault::IsFolder) };
        let folder = folder_of(&here)?;
        let at = folder.join(name);
        if let Some(stream) = open_already(&folder, name) {
            return Ok(Target::Stream(stream));
        }
        let metadata = match fs::symlink_metadata(&at) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                takes_files(&folder)?;
                return Ok(Target::File { folder, path: at, was: None });
            }
            Err(error) => return Err(error.into()),
        };
        let kind = metadata.file_type();
        if kind.is_symlink() {
            here = folder.join(fs::read_link(&at)?);
        } else if kind.is_dir() {
            return Err(WriteFault::IsFolder);
        } else if kind.is_file() {
            // Renaming asks the folder alone; a file that may not be written is not replaced either.
            accessat(CWD, &at, Access::WRITE_OK, AtFlags::EACCESS).map_err(io::Error::from)?;
            takes_files(&folder)?;
            return Ok(Target::File { folder, path: at, was: Some(Was::of(&metadata)) });
        } else if kind.is_socket() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a socket").into());
        } else {
            return Ok(Target::Stream(Stream::Path(at)));
        }
    }
    Err(WriteFault::Links)
}

/// Asks before any work whether a file can be written beside the place.
fn takes_files(folder: &Path) -> Result<(), WriteFault> {
    let allowed = accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
    allowed.map_err(|error| WriteFault::Folder { folder: folder.to_owned(), source: error.into() })
}

/// The last part of a path that can name a file.
fn file_name(path: &Path) -> Option<&OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let folder = bytes.ends_with(b"/") || bytes.ends_with(b"/.");
    if folder { None } else { path.file_name() }
}

/// The folder that a path lies in, without links on the way.
pub(crate) fn folder_of(path: &Path) -> Result<PathBuf, WriteFault> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = folder.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => WriteFault::NoFolder(folder.to_owned()),
        io::ErrorKind::NotADirectory => WriteFault::NotAFolder(folder.to_owned()),
        _ => WriteFault::Folder { folder: folder.to_owned(), source: error },
    })?;
    if found.is_dir() { Ok(found) } else { Err(WriteFault::NotAFolder(folder.to_owned())) }
}

/// A file that is open in this process (`/dev/stdout`, `/dev/fd/N`) or another. These look like links, but what stands in
/// them is a description, not a path: `pipe:[4711]`, or a file under the name that it once had.
#[cfg(target_os = "linux")]
fn open_already(folder: &Path, name: &OsStr) -> Option<Stream> {
    let mut parts = folder.components().rev();
    let is_descriptors = parts.next().is_some_and(|part| part.as_os_str() == "fd");
    if !is_descriptors || !folder.starts_with("/proc") {
        return None;
    }
    let number = name.to_str()?.parse().ok()?;
    let own = ["/proc/self/fd", "/proc/thread-self/fd"];
    let is_own = own.iter().any(|own| Path::new(own).canonicalize().is_ok_and(|own| own == folder));
    // Every thread of a process has the same ones, but only its own name for them is asked for above.
    let of_thread = Path::new("/proc/self/task").canonicalize().is_ok_and(|tasks| folder.starts_with(tasks));
    Some(if is_own || of_thread { Stream::Descriptor(number) } else { Stream::Path(folder.join(name)) })
}

#[cfg(not(target_os = "linux"))]
fn open_already(_: &Path, _: &OsStr) -> Option<Stream> {
    None
}

impl Stream {
    pub(crate) fn open(&self) -> io::Result<File> {
        match self {
            // A second descriptor of the same open file: who wrote before and who writes after share the place in it.
            #[cfg(target_os = "linux")]
            Stream::Descriptor(number) => duplicate(*number),
            // Neither made nor shortened, and a terminal does not become ours.
            Stream::Path(path) => {
                let no_terminal = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
                OpenOptions::new().write(true).custom_flags(no_terminal).open(path)
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn duplicate(number: i32) -> io::Result<File> {
    use std::os::fd::FromRawFd;
    // SAFETY: takes two numbers and touches no memory; a number that is not an open file is answered with an error.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 0) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above has just made this descriptor, and nobody else knows of it.
    Ok(unsafe { File::from_raw_fd(copy) })
}
