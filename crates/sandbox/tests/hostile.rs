//! Hostile programs at every level that is meant for model-written code: each may only get the verdicts that its
//! manifest allows, and after each the machine is as it was.
//!
//! Never run these programs outside the sandbox: some of them take a machine down.

mod harness;
mod started;

use harness::{Surroundings, cases};
use started::started;
use std::{num::NonZeroUsize, path::Path, time::Duration};
use tracelift_sandbox::{Level, Limits, Sandbox, SandboxConfig};
use tracelift_testing::shared;

const CANARY: &str = "/tmp/tl_hostile_canary";

/// A sandbox at exactly this level, or the reason why there is none here.
fn sandbox(level: Level) -> Option<Sandbox> {
    let config = SandboxConfig {
        workers: NonZeroUsize::MIN,
        level: Some(level),
        require: level,
        ..SandboxConfig::default()
    };
    started(config)
}

fn limits() -> Limits {
    Limits {
        cpu: Duration::from_secs(1),
        wall: Duration::from_secs(4),
        memory_bytes: 512 << 20,
        ..Limits::default()
    }
}

fn all_hold(folder: &Path, levels: &[Level]) {
    let only = std::env::var("TRACELIFT_HOSTILE").ok();
    let mut wrong = Vec::new();
    for &level in levels {
        let Some(sandbox) = sandbox(level) else { continue };
        let surroundings = Surroundings::new(Path::new(CANARY));
        let cases = cases(folder);
        let chosen = |file: &str| only.as_deref().is_none_or(|only| file.contains(only));
        for case in cases.iter().filter(|case| chosen(&case.file)) {
            for complaint in harness::run(&sandbox, &surroundings, folder, case, &limits()) {
                println!("{level} {}: {complaint}", case.file);
                wrong.push(format!("{level} {}: {complaint}", case.file));
            }
        }
        println!("{level}: {} programs", cases.len());
    }
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

/// One after the other in one test: the canary and the listeners have fixed names.
#[test]
fn hostile_programs_get_allowed_verdicts_and_leave_nothing() {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    for folder in shared("conformance/hostile").into_iter().chain([ours]) {
        all_hold(&folder, &[Level::L3, Level::L2]);
    }
}
