//! Why something cannot be written.

use std::{
    io,
    path::{Path, PathBuf},
};

/// A file, folder or stream that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {fault}", path.display())]
pub struct WriteError {
    /// As the caller named it.
    pub path: PathBuf,
    /// What is wrong.
    #[source]
    pub fault: WriteFault,
}

/// What is wrong with a place that was to be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteFault {
    /// The path names a folder where a file was to be.
    #[error("it is a folder; name a file")]
    IsFolder,
    /// There is something where a folder was to appear.
    #[error("there is something of that name already")]
    Exists,
    /// The folder of the file is not there.
    #[error("the folder {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// What should be the folder of the file is none.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The links that lead there do not end.
    #[error("its symbolic links lead in a circle or through too many others")]
    Links,
    /// The folder takes no new files, so that none can be written beside the place.
    #[error("the folder {} takes no new file: {source}", folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever read the stream has left.
    #[error("whoever read it has left ({0})")]
    ReaderLeft(io::Error),
    /// Anything else that the system said.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for WriteFault {
    fn from(error: io::Error) -> WriteFault {
        match error.kind() {
            io::ErrorKind::BrokenPipe => WriteFault::ReaderLeft(error),
            _ => WriteFault::Io(error),
        }
    }
}

impl WriteError {
    pub(crate) fn at(path: &Path) -> impl Fn(WriteFault) -> WriteError + '_ {
        |fault| WriteError { path: path.to_owned(), fault }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match &self.fault {
            WriteFault::IsFolder => io::ErrorKind::IsADirectory,
            WriteFault::Exists => io::ErrorKind::AlreadyExists,
            WriteFault::NoFolder(_) => io::ErrorKind::NotFound,
            WriteFault::NotAFolder(_) => io::ErrorKind::NotADirectory,
            // The kind of the system's own error has no stable name.
            WriteFault::Links => io::ErrorKind::InvalidInput,
            WriteFault::Folder { source, .. } | WriteFault::ReaderLeft(source) | WriteFault::Io(source) => {
                source.kind()
            }
        }
    }
}

/// For the many interfaces that know `io::Error` alone; the message still names the file.
impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}
