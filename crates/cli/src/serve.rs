//! Servers: how they listen, and `tracelift rm serve`, a reward model over HTTP.

pub mod config;
pub mod models;
mod run;

pub use run::{Cast, Serve, problems, run};

use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracelift_reward::RewardModel;
use tracelift_serve::{
    ApiKey, ListenConfig, LogFormat, LogLevel, ModelScorer, RubricServiceConfig, Tags, rubric_service, serve,
    start_log,
};

/// Where and how any server of the house listens.
#[derive(Args)]
pub struct Listen {
    /// The address to listen on; 0.0.0.0 for all of the machine's.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Seconds after which a request is given up (504), and an answer that its client does not read.
    #[arg(long, default_value = "60", value_parser = seconds)]
    timeout: Duration,
    /// Seconds that requests in progress may take after SIGTERM or Ctrl-C.
    #[arg(long, default_value = "30", value_parser = seconds)]
    grace: Duration,
    /// The largest body of a request in MB (413).
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_body_mb: u32,
    /// Connections at a time.
    #[arg(long, default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_connections: u32,
    /// The environment variable with the key that callers must send as `Authorization: Bearer KEY`.
    #[arg(long, value_name = "NAME")]
    api_key_env: Option<String>,
    /// What the log on standard error looks like: text or json.
    #[arg(long, default_value = "text")]
    log: LogFormat,
    /// What is logged: off, error, warn, info (every request) or debug.
    #[arg(long, default_value = "info")]
    log_level: LogLevel,
}

/// Settings of `rm serve`.
#[derive(Args)]
pub struct ServeRm {
    /// The reward model's directory.
    dir: PathBuf,
    /// The port to listen on; 0 for a free one.
    #[arg(long, default_value_t = 8001)]
    port: u16,
    #[command(flatten)]
    listen: Listen,
    /// Items that may wait; a request that finds no room is refused (429).
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queue: u32,
    /// Inputs computed at a time, each on one thread [default: one per core].
    #[arg(long)]
    lanes: Option<NonZeroUsize>,
    /// What stands in `<task>` for items that do not name their task [default: the model's domain].
    #[arg(long)]
    task_name: Option<String>,
    /// Whether completions must have `<reasoning>` tags: required (without them they are worth 0) or optional.
    #[arg(long, default_value = "required")]
    tags: Tags,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero() && seconds <= 86_400.0)
        .ok_or_else(|| "must be above 0 and at most 86400 (a day)".to_owned())
}

impl Listen {
    /// What was typed, as the servers take it. Starts the log.
    pub fn open(&self, port: u16) -> Result<ListenConfig> {
        let api_key = self.api_key_env.as_deref().map(|name| key_of("--api-key-env", name)).transpose()?;
        start_log(self.log, self.log_level);
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        Ok(ListenConfig {
            address: format!("{host}:{port}"),
            api_key,
            body_bytes: self.max_body_mb as usize * 1_000_000,
            timeout: self.timeout,
            grace: self.grace,
            connections: self.max_connections as usize,
            ..ListenConfig::default()
        })
    }
}

/// The key in an environment variable.
pub fn key_of(setting: &str, name: &str) -> Result<ApiKey> {
    let key = std::env::var(name)
        .ok()
        .with_context(|| format!("{setting}: the environment variable {name} is not set"))?;
    ApiKey::new(&key).with_context(|| format!("{setting}: {name} holds no key"))
}

/// A reward model, ready to score.
fn model_scorer(dir: &Path, task_name: Option<&str>) -> Result<ModelScorer> {
    let model = RewardModel::load(dir)
        .with_context(|| format!("failed to read the reward model in {}", dir.display()))?;
    let name = dir.file_name().map_or_else(|| "reward model".into(), |name| name.to_string_lossy());
    Ok(ModelScorer::new(model, &name, task_name))
}

/// Tells where a server listens, once it does.
pub fn announce(what: &str, address: SocketAddr) {
    let text = format!(
        "{what} at http://{address}\nGET /openapi.json describes the routes; Ctrl-C or SIGTERM drains and stops\n"
    );
    // A server goes on where nobody reads what it says.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Serves a reward model until it is told to stop.
pub fn rm(settings: &ServeRm) -> Result<()> {
    let dir = &settings.dir;
    let listen = settings.listen.open(settings.port)?;
    let scorer = model_scorer(dir, settings.task_name.as_deref())?;
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let config = RubricServiceConfig {
        queue: settings.queue as usize,
        lanes: settings.lanes.unwrap_or(cores),
        tags: settings.tags,
        ..RubricServiceConfig::default()
    };
    let service = rubric_service(Arc::new(scorer), config, &listen)?;
    let drained = serve(service, listen, |address| announce("reward model", address))?;
    if !drained.complete {
        bail!("stopped before every request in progress was answered; raise --grace to give them longer");
    }
    Ok(())
}
