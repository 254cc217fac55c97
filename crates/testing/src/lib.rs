//! What the tests of several crates share: a folder to run the binary in, servers that answer as models, the
//! configuration of a model that is made on the spot, what lies beside the project, and waiting for what is to come about.
//!
//! It depends on no crate of the house, so that each of them may use it, in its unit tests as well: a type of the crate
//! under test, met through a dependency, would be another type there. What needs such types stands beside the tests that
//! use it. For the same reason it asks for no feature of a dependency that they do not ask for anyway.
//!
//! Whatever goes wrong here is a panic: that is how a test fails.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

pub mod desk;
pub mod model;
pub mod postgresql;
pub mod raw;
pub mod schema;
pub mod server;

use std::{
    fmt::Display,
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub use desk::{Desk, Said, files_of, words};
pub use model::TinyModel;
pub use postgresql::Postgresql;
pub use server::Server;

/// Says that a test, or a part of it, did not run, and why. It is shown even of tests that pass, whose own output is not.
pub fn skipped(why: impl Display) {
    // A test whose standard error is closed has nobody to tell.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// What lies beside the project, by its path in `../shared`; where it is not there, the test that asks says so.
#[must_use]
pub fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !path.exists() {
        skipped(format_args!("{} is not here", path.display()));
        return None;
    }
    Some(path)
}

/// How long a test waits for what must come about, on a machine as busy as can be.
const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until something holds, however long that takes within reason; what it is for is said where it never does.
pub fn until(what: impl Display, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for {PATIENCE:?} in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
