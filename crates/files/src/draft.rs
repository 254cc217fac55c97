//! A file on its way to its place.

use crate::{
    TEMPORARY,
    error::{WriteError, WriteFault},
    folder::sync_folder,
    target::{Target, Was, find},
};
#[cfg(target_os = "linux")]
use rustix::fs::{AtFlags, CWD};
use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Bytes that are kept back before the system hears of them.
const BUFFER: usize = 1 << 16;
/// The mode of a new file, of which the system takes the umask.
const NEW: u32 = 0o666;
/// The mode of a file that is to get another's, until it has it.
const PRIVATE: u32 = 0o600;

/// A file that is being written. It is in its place after [`Draft::finish`] and not before; dropped, it leaves what was there
/// as it was. What goes to a device or FIFO goes there at once. Writing is buffered; errors of it name the file.
#[derive(Debug)]
#[must_use = "nothing is in its place before `finish`"]
pub struct Draft {
    path: PathBuf,
    output: BufWriter<Output>,
}

#[derive(Debug)]
enum Output {
    File(Unfinished),
    Stream(File),
}

/// What is written beside its place.
#[derive(Debug)]
struct Unfinished {
    file: Holder,
    folder: PathBuf,
    place: PathBuf,
}

#[derive(Debug)]
enum Holder {
    /// Gone with its process, unless it gets a name.
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Named(NamedTempFile<File>),
}

impl Draft {
    /// Begins to write to where a path leads. Opening a FIFO waits for whoever reads it.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub fn begin(path: impl AsRef<Path>) -> Result<Draft, WriteError> {
        Draft::begin_with(path.as_ref(), Holder::best)
    }

    /// As on a system whose files all have names.
    #[cfg(test)]
    pub(crate) fn begin_with_a_name(path: &Path) -> Result<Draft, WriteError> {
        Draft::begin_with(path, Holder::named)
    }

    fn begin_with(path: &Path, hold: impl Fn(&Path, u32) -> io::Result<Holder>) -> Result<Draft, WriteError> {
        let failed = WriteError::at(path);
        let output = match find(path).map_err(&failed)? {
            Target::Stream(stream) => Output::Stream(stream.open().map_err(|e| failed(e.into()))?),
            Target::File { folder, path: place, was } => {
                let refused = |source| failed(WriteFault::Folder { folder: folder.clone(), source });
                let file = hold(&folder, if was.is_some() { PRIVATE } else { NEW }).map_err(refused)?;
                if let Some(was) = was {
                    hand_on(was, file.file()).map_err(|e| failed(e.into()))?;
                }
                Output::File(Unfinished { file, folder, place })
            }
        };
        Ok(Draft { path: path.to_owned(), output: BufWriter::with_capacity(BUFFER, output) })
    }

    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The error for what writing to the draft gave.
    #[must_use]
    pub fn failed(&self, error: io::Error) -> WriteError {
        error.downcast().unwrap_or_else(|error| WriteError::at(&self.path)(error.into()))
    }

    /// Puts the file in its place, on disk.
    ///
    /// # Errors
    /// When the system refuses; a file that was there is then as it was.
    pub fn finish(self) -> Result<(), WriteError> {
        let Draft { path, output } = self;
        let failed = |error: io::Error| WriteError::at(&path)(error.into());
        match output.into_inner().map_err(|error| failed(error.into_error()))? {
            Output::Stream(_) => Ok(()),
            Output::File(unfinished) => unfinished.finish().map_err(failed),
        }
    }

    /// An error that names the file, for interfaces that pass on what writing gave.
    fn named(&self, error: io::Error) -> io::Error {
        self.failed(error).into()
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes).map_err(|error| self.named(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush().map_err(|error| self.named(error))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::File(unfinished) => unfinished.file.file().write(bytes),
            Output::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Holder {
    /// Without a name where the system can.
    fn best(folder: &Path, mode: u32) -> io::Result<Holder> {
        #[cfg(target_os = "linux")]
        if let Some(file) = unnamed(folder, mode) {
            return Ok(Holder::Unnamed(file));
        }
        Holder::named(folder, mode)
    }

    fn named(folder: &Path, mode: u32) -> io::Result<Holder> {
        let make = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        beside().make_in(folder, make).map(Holder::Named)
    }

    fn file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Holder::Unnamed(file) => file,
            Holder::Named(file) => file.as_file(),
        }
    }
}

impl Unfinished {
    fn finish(self) -> io::Result<()> {
        self.file.file().sync_all()?;
        let named = match self.file {
            #[cfg(target_os = "linux")]
            Holder::Unnamed(file) => beside()
                .make_in(&self.folder, |path| {
                    let unnamed = open_file(&file);
                    Ok(rustix::fs::linkat(CWD, &unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
                })?
                .into_temp_path(),
            Holder::Named(file) => file.into_temp_path(),
        };
        unless_special(&self.place)?;
        named.persist(&self.place).map_err(|error| error.error)?;
        sync_folder(&self.folder)
    }
}

/// Names for what is not finished.
fn beside() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    builder
}

/// A file in a folder that has no name; `None` where the system knows no such thing, or could not name it later.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{OFlags, open};
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = File::from(open(folder, flags, Mode::from_raw_mode(mode)).ok()?);
    // Whatever is wrong with the folder itself, the way with a name finds and says.
    open_file(&file).exists().then_some(file)
}

/// The path under which an open file of this process can be named.
#[cfg(target_os = "linux")]
fn open_file(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Gives a file what the one that it is to replace had. Only the system's administrator can give a file away, and a group
/// is kept where the writer belongs to it; where that is not so the new file is the writer's, as its folder allows.
fn hand_on(was: Was, file: &File) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) != (was.owner, was.group) {
        let (owner, group) = (Uid::from_raw(was.owner), Gid::from_raw(was.group));
        let _ = fchown(file, Some(owner), Some(group)).or_else(|_| fchown(file, None, Some(group)));
    }
    Ok(fchmod(file, Mode::from_raw_mode(was.mode))?)
}

/// Refuses a place where something has appeared meanwhile that is no regular file.
fn unless_special(place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(metadata) if !metadata.is_file() => {
            let message = "something that is not a regular file has appeared there meanwhile";
            Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
        }
        _ => Ok(()),
    }
}

/// Moves a finished file to where a path leads, as if it were written there: renamed where that is possible, streamed into
/// a device or FIFO. It is gone from where it was.
///
/// # Errors
/// When the place cannot be written, or the file cannot be read; it is then still there.
pub fn place(finished: &Path, path: &Path) -> Result<(), WriteError> {
    let failed = |error: io::Error| WriteError::at(path)(error.into());
    if let Target::File { folder, path: place, was } = find(path).map_err(WriteError::at(path))? {
        let moved = (|| {
            let file = File::open(finished)?;
            if let Some(was) = was {
                hand_on(was, &file)?;
            }
            file.sync_all()?;
            fs::rename(finished, &place)?;
            sync_folder(&folder)
        })();
        match moved {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {}
            moved => return moved.map_err(failed),
        }
    }
    let mut from = File::open(finished).map_err(failed)?;
    let mut draft = Draft::begin(path)?;
    io::copy(&mut from, &mut draft).map_err(|error| draft.failed(error))?;
    draft.finish()?;
    fs::remove_file(finished).map_err(failed)
}
