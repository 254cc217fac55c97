// What of the sources of a judge decides its verdicts, as one number. For the build script, and for the test of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where the sources of all judges lie, seen from this crate: answers, programs and the sandbox's own Python, the reading of completions.
pub const JUDGES: [&str; 4] = ["src", "../math/src", "../sandbox/src", "../domain/src/completion"];

/// A number of all sources in some folders. Comments on lines of their own, blank lines, indentation, and files of tests change
/// nothing; names of files and whatever else stands in them do.
pub fn revision(home: &Path, folders: &[&str]) -> io::Result<u64> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&home.join(folder), folder, &mut files)?;
    }
    files.sort();
    // FNV-1a: who changes a judge is nobody to hide it from.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(b"\n") {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, path) in files {
        add(name.as_bytes());
        let comment = if name.ends_with(".py") { "#" } else { "//" };
        let text = fs::read_to_string(path)?;
        let said = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(comment));
        said.for_each(|line| add(line.as_bytes()));
    }
    Ok(hash)
}

/// Rust and Python, but for tests.
fn collect(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else { continue };
        let (path, inside) = (entry.path(), format!("{name}/{file}"));
        if entry.file_type()?.is_dir() {
            if file != "tests" {
                collect(&path, &inside, files)?;
            }
        } else if file != "tests.rs" && (file.ends_with(".rs") || file.ends_with(".py")) {
            files.push((inside, path));
        }
    }
    Ok(())
}
