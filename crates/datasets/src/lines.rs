//! The lines of a file, packed or not, one at a time and none without end.

use crate::DatasetError;
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Longest line. Problems with a hundred large tests take some ten megabytes.
const LONGEST: u64 = 64 << 20;

/// Lines that are not blank, with their numbers from 1.
pub(crate) struct Lines {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    line: usize,
    ended: bool,
}

impl Lines {
    pub(crate) fn open(path: &Path) -> Result<Lines, DatasetError> {
        match open(path) {
            Ok(input) => Ok(Lines { path: path.to_owned(), input, line: 0, ended: false }),
            Err(source) => Err(DatasetError::Io { path: path.to_owned(), source }),
        }
    }

    fn advance(&mut self) -> io::Result<Option<Result<String, &'static str>>> {
        let mut buffer = Vec::new();
        self.line += 1;
        let read = (&mut self.input).take(LONGEST + 1).read_until(b'\n', &mut buffer)?;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 > LONGEST {
            self.ended = true;
            return Ok(Some(Err("the line is longer than 64 MiB; the format has one JSON object a line")));
        }
        Ok(Some(String::from_utf8(buffer).map_err(|_| "the line is not UTF-8")))
    }
}

impl Iterator for Lines {
    type Item = Result<(usize, String), DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.advance() {
                Err(source) => {
                    self.ended = true;
                    return Some(Err(DatasetError::Io { path: self.path.clone(), source }));
                }
                Ok(None) => self.ended = true,
                Ok(Some(Ok(line))) if line.trim().is_empty() => {}
                Ok(Some(Ok(line))) => return Some(Ok((self.line, line))),
                Ok(Some(Err(message))) => {
                    let message = message.to_owned();
                    return Some(Err(DatasetError::Line {
                        path: self.path.clone(),
                        line: self.line,
                        message,
                    }));
                }
            }
        }
        None
    }
}

/// Opens a file to be read line by line; gzip is unpacked, whatever the file is called.
fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    /// No published set is larger unpacked; a bomb must not keep a reader busy for ever.
    const LARGEST: u64 = 64 << 30;
    let mut file = BufReader::new(File::open(path)?);
    let packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    if packed {
        let mut unpacked = BufReader::new(MultiGzDecoder::new(file).take(LARGEST));
        skip_mark(&mut unpacked)?;
        return Ok(Box::new(unpacked));
    }
    skip_mark(&mut file)?;
    Ok(Box::new(file))
}

/// Skips the byte order mark that some editors put before a text.
///
/// # Errors
/// When nothing can be read.
pub fn skip_mark(text: &mut impl BufRead) -> io::Result<()> {
    if text.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        text.consume("\u{feff}".len());
    }
    Ok(())
}
