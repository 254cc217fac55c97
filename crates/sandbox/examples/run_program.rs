//! Runs a Python file in the sandbox, as `cargo run --example run_program -- FILE [LEVEL] < INPUT`.

use std::{io::Read as _, num::NonZeroUsize};
use tracelift_sandbox::{Level, Limits, Sandbox, SandboxConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a Python file")?;
    let level = arguments.next().map(|level| level.parse::<Level>()).transpose()?;
    let mut stdin = Vec::new();
    std::io::stdin().read_to_end(&mut stdin)?;
    let sandbox = Sandbox::start(SandboxConfig {
        workers: NonZeroUsize::MIN,
        level,
        require: level.unwrap_or(Level::L2).min(Level::L2),
        accept_no_sandbox: level == Some(Level::L0),
        ..SandboxConfig::default()
    })?;
    eprintln!("{}", sandbox.observed());
    let run = sandbox.run(&std::fs::read_to_string(file)?, &stdin, &Limits::default())?;
    print!("{}", String::from_utf8_lossy(&run.stdout));
    eprint!("{}", String::from_utf8_lossy(&run.stderr));
    eprintln!("{:?} cpu {:?} wall {:?} peak {} KiB", run.ending, run.cpu, run.wall, run.peak_memory >> 10);
    Ok(())
}
