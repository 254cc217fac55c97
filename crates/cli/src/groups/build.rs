//! `tracelift groups build`: progress while it goes on, an end that was asked for, and the counts.

use crate::{config::read_as, interrupt::Interrupt, progress};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use tracelift_curation::{BuildConfig, BuildReport, build_with, count, help};
use tracelift_oracle::Progress;

/// Settings of `groups build`.
#[derive(Args)]
pub struct Build {
    /// The TOML file that says what is built from what.
    #[arg(long)]
    config: PathBuf,
    /// Threads; by default as many as there are cores. The groups do not depend on it.
    #[arg(long)]
    threads: Option<usize>,
}

/// Builds groups.
pub fn run(settings: &Build) -> Result<()> {
    let config = read(settings)?;
    if let Some(threads) = settings.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .context("failed to start threads")?;
    }
    let started = Instant::now();
    let bar = progress::noted("groups", count(&config)?);
    let asked = Arc::new(Mutex::new(Asked::default()));
    let help = help(&config)?.map(|help| {
        let bar = bar.clone();
        Arc::new(help.observed(move |whom, progress| {
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.hear(whom, progress);
            bar.set_message(asked.to_string());
        }))
    });
    let interrupt = {
        let (bar, help) = (bar.clone(), help.clone());
        Interrupt::listen(move |by| {
            bar.suspend(|| eprintln!("{by}: finishing what is under way; once more ends it at once"));
            if let Some(help) = help {
                help.stop();
            }
        })?
    };
    let mut tell = |report: &BuildReport| bar.set_position(report.seeds);
    let built = build_with(&config, help.as_deref(), interrupt.asked(), &mut tell);
    bar.finish_and_clear();
    let report = match built {
        Err(error) if error.was_asked_for() => return Err(interrupt.error(error.to_string()).into()),
        built => built?,
    };
    let variants = match report.variants {
        0 => String::new(),
        variants => format!(", {variants} of them of variants,"),
    };
    let mut told = format!(
        "{} groups{variants} with {} flawed traces from {} seeds in {:.1} s: {}\n{}",
        report.groups,
        report.negatives,
        report.seeds,
        started.elapsed().as_secs_f64(),
        config.out.display(),
        counts(&report)
    );
    for (whom, progress) in help.iter().flat_map(|help| help.progress()) {
        told.push_str(&format!("{whom}: {progress}\n"));
    }
    // The groups are written; whoever has stopped reading misses nothing but this.
    let _ = std::io::stdout().write_all(told.as_bytes());
    for message in &report.messages {
        eprintln!("warning: {message}");
    }
    if report.groups == 0 {
        bail!("no seed made a group; the counts above say why");
    }
    Ok(())
}

fn read(settings: &Build) -> Result<BuildConfig> {
    let path = &settings.config;
    let (config, origin): (BuildConfig, _) = read_as(Some(path), &[], &[])?;
    config.validate().map_err(|error| origin.refuse(&error))?;
    tracelift_files::kind(&config.out).with_context(|| origin.blame("out"))?;
    Ok(config)
}

/// What a build counted, for people.
fn counts(report: &BuildReport) -> String {
    let mut text = String::new();
    for (title, counts) in [
        ("flawed traces", &report.kinds),
        ("seeds without group", &report.skipped),
        ("proposals refused", &report.refused),
        ("rule not applicable", &report.inapplicable),
        ("programs tried", &report.trials),
        ("overlaps with benchmarks", &report.overlaps),
    ] {
        if !counts.is_empty() {
            text.push_str(&format!("\n{title}\n"));
        }
        for (name, count) in counts {
            text.push_str(&format!("  {name:<42}{count:>9}\n"));
        }
    }
    for overlap in &report.overlapping {
        text.push_str(&format!("  {overlap}\n"));
    }
    if let Some(llm) = &report.llm {
        text.push_str(&format!("\n{}", llm.summary()));
    }
    text
}

/// What was asked of the models so far: the second line of the progress.
#[derive(Default)]
struct Asked(std::collections::BTreeMap<&'static str, String>);

impl Asked {
    fn hear(&mut self, whom: &'static str, progress: &Progress) {
        self.0.insert(whom, progress.to_string());
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (whom, progress)) in self.0.iter().rev().enumerate() {
            let joint = if at == 0 { "" } else { "  |  " };
            write!(f, "{joint}{whom}: {progress}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_of_every_model() {
        let mut asked = Asked::default();
        asked.hear("judge", &Progress { questions: 7, ..Progress::default() });
        asked.hear("llm", &Progress { questions: 2, ..Progress::default() });
        asked.hear("llm", &Progress { questions: 3, under_way: 4, ..Progress::default() });
        assert_eq!(
            asked.to_string(),
            "llm: 3 asked, 4 under way · 0 calls · 0 in + 0 out tokens  |  judge: 7 asked · 0 calls · 0 in + 0 out tokens"
        );
    }
}
