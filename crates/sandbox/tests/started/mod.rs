//! A sandbox that starts, or a word of why this machine has none.

use tracelift_sandbox::{Sandbox, SandboxConfig, SandboxError};
use tracelift_testing::skipped;

/// A sandbox, or nothing where the machine does not give the level.
pub fn started(config: SandboxConfig) -> Option<Sandbox> {
    let level = config.level.map_or("any level".to_owned(), |level| level.to_string());
    let asked = format!("{level} with {}", config.python.display());
    match Sandbox::start(config) {
        Ok(sandbox) => {
            println!("{}", sandbox.observed());
            Some(sandbox)
        }
        Err(SandboxError::TooWeak { reason, .. }) => {
            skipped(format_args!("{asked}: this machine does not give it ({reason})"));
            None
        }
        Err(error) => panic!("{asked}: {error}"),
    }
}
