//! Gives the judges a revision, for the fingerprint of a verifier: a verdict that was kept is no verdict of a judge that was mended since.
//!
//! It is made of the sources and not a constant to be raised by hand, which is forgotten. That it changes more often than verdicts do
//! costs little: what an executor wrote is kept apart from verdicts, and is judged again without asking anybody.

#[path = "build/revision.rs"]
mod revision;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let home = std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?;
    for folder in revision::JUDGES {
        println!("cargo:rerun-if-changed={folder}");
    }
    println!("cargo:rerun-if-changed=build/revision.rs");
    let revision = revision::revision(Path::new(&home), &revision::JUDGES)?;
    println!("cargo:rustc-env=TRACELIFT_JUDGES={revision:016x}");
    Ok(())
}
