//! `tracelift capacity`: how many executor replicas a training needs, by simulation from measured latencies.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracelift_domain::Seed;
use tracelift_serve::capacity::{Demand, Forecast, Supply, Times, forecast};

/// Settings of `capacity`.
#[derive(Args)]
pub struct Capacity {
    /// Completions a second that are to be rewarded, on average.
    #[arg(long, value_parser = above_zero)]
    rollouts_per_s: f64,
    /// Completions of a group.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    group: u32,
    /// Groups that are asked for at once: those of a step, where a trainer sends a step's together.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    together: u32,
    /// Executor runs, K.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// The share of questions whose baseline is known, from 0 (a first epoch) to 1.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    known: f64,
    /// Requests of one replica at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    slots: u32,
    /// A file with the seconds that calls took at a replica that served so many at a time: one a line.
    #[arg(long, required_unless_present = "latency_ms")]
    latencies: Option<PathBuf>,
    /// One latency for all calls, in place of measured ones.
    #[arg(long, conflicts_with = "latencies", value_parser = above_zero)]
    latency_ms: Option<f64>,
    /// The most replicas that are tried.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    most: u32,
    /// Seconds within which 95 of 100 rewards are to be there [default: twice the latency that 95 of 100 calls keep].
    #[arg(long, value_parser = above_zero)]
    within_s: Option<f64>,
    /// Seconds that are simulated.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u32).range(10..=86_400))]
    seconds: u32,
    /// Of the simulation.
    #[arg(long, default_value_t = 18)]
    seed: u64,
    /// Print JSON, one object a number of replicas.
    #[arg(long)]
    json: bool,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    (number > 0.0 && number <= 1e6)
        .then_some(number)
        .ok_or_else(|| "must be above 0 and at most 1000000".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    (0.0..=1.0).contains(&number).then_some(number).ok_or_else(|| "must be from 0 to 1".to_owned())
}

/// Latencies of a file: the first number of each line.
fn latencies(path: &Path) -> Result<Vec<f64>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = line.split([',', '\t', ' ']).next().and_then(|number| number.trim().parse::<f64>().ok());
        match number.filter(|seconds| *seconds > 0.0 && seconds.is_finite()) {
            Some(seconds) => all.push(seconds),
            None => {
                bail!("{}:{}: no seconds above 0 at the beginning of the line", path.display(), index + 1)
            }
        }
    }
    ensure!(!all.is_empty(), "{} holds no latency; write the seconds of a call on each line", path.display());
    Ok(all)
}

/// Simulates more and more replicas until there are enough.
pub fn run(settings: &Capacity) -> Result<()> {
    let latencies = match (&settings.latencies, settings.latency_ms) {
        (Some(path), _) => latencies(path)?,
        (None, Some(milliseconds)) => vec![milliseconds / 1000.0],
        (None, None) => bail!("give --latencies FILE, or --latency-ms"),
    };
    let measured = Times::of(latencies.clone());
    let within = settings.within_s.unwrap_or(2.0 * measured.p95);
    let demand = Demand {
        groups_per_s: settings.rollouts_per_s / f64::from(settings.group),
        together: settings.together as usize,
        group: settings.group as usize,
        runs: settings.runs as usize,
        known: settings.known,
    };
    let mut out = std::io::stdout().lock();
    if !settings.json {
        let calls = demand.runs as f64 * (demand.group as f64 + 1.0 - demand.known);
        writeln!(
            out,
            "{:.2} groups of {} a second, {calls:.1} calls each; a call takes {:.3} s (95 of 100: {:.3} s)\n",
            demand.groups_per_s, demand.group, measured.mean, measured.p95
        )?;
        writeln!(
            out,
            "{:>8}{:>7}{:>7}{:>11}{:>11}{:>11}{:>11}{:>11}",
            "replicas", "load", "busy", "wait p50", "wait p95", "reward p50", "reward p95", "group p95"
        )?;
    }
    // Before the load fits there is nothing to see but that it does not.
    let alone =
        demand.groups_per_s * demand.runs as f64 * (demand.group as f64 + 1.0 - demand.known) * measured.mean
            / f64::from(settings.slots);
    let first = (alone.floor() as u32).clamp(1, settings.most);
    for replicas in first..=settings.most {
        let supply =
            Supply { replicas: replicas as usize, slots: settings.slots as usize, latencies: &latencies };
        let lasting = Duration::from_secs(u64::from(settings.seconds));
        let found = forecast(&demand, &supply, lasting, Seed(settings.seed));
        write_row(&mut out, settings.json, replicas, &found)?;
        if found.load < 1.0 && found.reward.p95 <= within {
            if !settings.json {
                writeln!(
                    out,
                    "\n{replicas} replicas are enough: 95 of 100 rewards are there within {within:.3} s"
                )?;
            }
            return Ok(());
        }
    }
    bail!(
        "{} replicas do not bring 95 of 100 rewards within {within:.3} s; allow more by --most, or more time by --within-s",
        settings.most
    )
}

fn write_row(out: &mut impl Write, as_json: bool, replicas: u32, found: &Forecast) -> Result<()> {
    let Forecast { utilisation, load, waiting, reward, group, calls_per_s } = found;
    if as_json {
        let times = |times: &Times| json!({ "mean": times.mean, "p50": times.p50, "p95": times.p95, "p99": times.p99 });
        let row = json!({
            "replicas": replicas, "load": load, "utilisation": utilisation, "calls_per_s": calls_per_s,
            "waiting": times(waiting), "reward": times(reward), "group": times(group),
        });
        writeln!(out, "{row}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{replicas:>8}{load:>7.2}{:>6.0}%{:>9.3} s{:>9.3} s{:>9.3} s{:>9.3} s{:>9.3} s",
        100.0 * utilisation,
        waiting.p50,
        waiting.p95,
        reward.p50,
        reward.p95,
        group.p95
    )?;
    Ok(())
}
