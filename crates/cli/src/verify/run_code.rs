//! `tracelift verify serve`: programs over HTTP, run in the sandbox.

use crate::serve::{Listen, announce};
use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, thread};
use tracelift_sandbox::{Ending as SandboxEnding, Level, Limits};
use tracelift_serve::{
    CodeRunner, CodeServiceConfig, Ending, RunFault, RunOutcome, RunRequest, code_service,
};
use tracelift_verify::{ProgramConfig, Verifier, VerifierConfig};

/// Settings of `verify serve`.
#[derive(Args)]
pub struct ServeCode {
    /// The port to listen on; 0 for a free one.
    #[arg(long, default_value_t = 8002)]
    port: u16,
    #[command(flatten)]
    listen: Listen,
    /// Programs at the same time [default: one for each core].
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Refuse a sandbox weaker than this: L0, L1, L2 or L3.
    #[arg(long, default_value = "L2")]
    require_sandbox: Level,
    /// Run programs even where nothing but resource limits protects this machine from them.
    #[arg(long)]
    accept_no_sandbox: bool,
    /// The interpreter that runs the programs.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
}

/// Serves until it is told to stop.
pub fn serve(settings: &ServeCode) -> Result<()> {
    let jobs = settings.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let config = ProgramConfig {
        python: settings.python.clone(),
        require_sandbox: settings.require_sandbox,
        accept_no_sandbox: settings.accept_no_sandbox,
        ..ProgramConfig::default()
    };
    let verifier =
        Verifier::new(VerifierConfig { jobs: Some(jobs), programs: config, ..VerifierConfig::default() })?;
    eprintln!("{}", verifier.runner().start()?);
    let listen = settings.listen.open(settings.port)?;
    let config = CodeServiceConfig { jobs: jobs.get(), ..CodeServiceConfig::default() };
    let service = code_service(Arc::new(Programs { verifier: Arc::new(verifier) }), config, &listen)?;
    let drained = tracelift_serve::serve(service, listen, |address| announce("sandbox", address))?;
    if !drained.complete {
        bail!("stopped before every request in progress was answered; raise --grace to give them longer");
    }
    Ok(())
}

/// The sandbox as the server knows it.
pub struct Programs {
    /// Whose runner it is.
    pub verifier: Arc<Verifier>,
}

impl CodeRunner for Programs {
    fn run(&self, request: &RunRequest) -> Result<RunOutcome, RunFault> {
        if request.language != "python" {
            return Err(RunFault::Unsupported(format!(
                "`{}` is not run here; `python` is",
                request.language
            )));
        }
        if !request.files.is_empty() || !request.fetch_files.is_empty() {
            return Err(RunFault::Unsupported(
                "`files` and `fetch_files` are not supported; programs read standard input and print"
                    .to_owned(),
            ));
        }
        // The caller's time is wall time, as it is at SandboxFusion; a program cannot use more CPU time than that on one
        // core, and may on several.
        let mut limits = Limits { wall: request.run_timeout, cpu: request.run_timeout, ..usual_limits() };
        if let Some(bytes) = request.memory_bytes {
            limits.memory_bytes = bytes;
        }
        let sandbox =
            self.verifier.runner().sandbox().map_err(|error| RunFault::Infrastructure(error.to_string()))?;
        let run = sandbox
            .run(&request.code, &request.stdin, &limits)
            .map_err(|fault| RunFault::Infrastructure(fault.to_string()))?;
        Ok(RunOutcome {
            ending: match run.ending {
                SandboxEnding::Exited(status) => Ending::Exited(status),
                SandboxEnding::Signalled(signal) => Ending::Signalled(signal),
                SandboxEnding::CpuLimit | SandboxEnding::WallLimit => Ending::TimeLimit,
                SandboxEnding::MemoryLimit => Ending::MemoryLimit,
                SandboxEnding::OutputLimit => Ending::OutputLimit,
                other => {
                    return Err(RunFault::Infrastructure(format!(
                        "ended in a way without a name: {other:?}"
                    )));
                }
            },
            stdout: run.stdout,
            stderr: run.stderr,
            wall: run.wall,
            cpu: Some(run.cpu),
            files: [].into(),
        })
    }

    fn describe(&self) -> Value {
        json!({ "name": "tracelift sandbox", "sandbox": self.verifier.runner().observed() })
    }
}

/// The limits that a request says nothing of.
fn usual_limits() -> Limits {
    const MIB: u64 = 1 << 20;
    let usual = ProgramConfig::default();
    Limits {
        memory_bytes: usual.memory_limit_mib * MIB,
        file_bytes: usual.file_limit_mib * MIB,
        processes: usual.processes,
        open_files: usual.open_files,
        ..Limits::default()
    }
}
