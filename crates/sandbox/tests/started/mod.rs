//! A sandbox that starts, or a word of why this machine has none.

use tracelift_sandbox::{Sandbox, SandboxConfig, SandboxError};
use tracelift_testing::skipped;

/// A sandbox, or nothing where the machine does not give the level.
pub fn started(config: SandboxConfig) -> Option<Sandbox> {
    let asked = format!("{:?} with {}", config.level, config.python.display());
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
