//! `tracelift config …`: what a configuration comes to.

use crate::config::{self, ConfigArgs, Origin};
use crate::sft;
use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use std::fmt::Write;
use toml::{Table, Value};

/// What to do with a configuration.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print every setting with its value, and where it comes from: a line of the file, an argument, or nobody, by default.
    Show(Show),
}

/// Settings of `config show`.
#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    config: ConfigArgs,
    /// Of what the file is.
    #[arg(long, value_enum, default_value = "run")]
    of: Kind,
}

/// Whose configuration a file is.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// `train`, `eval` and `doctor`.
    Run,
    /// `sft`.
    Sft,
}

/// Runs a command.
pub fn run(command: &ConfigCommand) -> Result<()> {
    let ConfigCommand::Show(Show { config, of }) = command;
    let shown = match of {
        Kind::Run => {
            let (config, origin) = config::read(config)?;
            shown(&config, &origin)?
        }
        Kind::Sft => {
            let (config, origin) = sft::read(config)?;
            shown(&config, &origin)?
        }
    };
    print!("{shown}");
    Ok(())
}

/// The widest column of settings behind which comments are put in a row; what is longer has its comment at its end.
const WIDEST: usize = 56;

/// TOML that is read as the same configuration again. What has no value is not there.
fn shown(config: &impl Serialize, origin: &Origin) -> Result<String> {
    let mut text = String::new();
    section(&mut text, "", &Table::try_from(config)?, origin);
    Ok(text.trim_start().to_owned())
}

fn section(text: &mut String, name: &str, table: &Table, origin: &Origin) {
    let key_of = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    let lines: Vec<(String, String)> = table
        .iter()
        .filter(|(_, value)| !value.is_table())
        .map(|(key, value)| {
            let whole = key_of(key);
            let from = if origin.says(&whole) { origin.of(&whole) } else { "default".to_owned() };
            (format!("{} = {}", spelled(key), told(value)), from)
        })
        .collect();
    if !lines.is_empty() {
        if !name.is_empty() {
            // Formatting into a string does not fail, here and below.
            let _ = write!(text, "\n[{name}]\n");
        }
        let width = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= WIDEST).max();
        for (line, from) in lines {
            let _ = writeln!(text, "{line:<width$}  # {from}", width = width.unwrap_or(0));
        }
    }
    for (key, value) in table {
        if let Value::Table(inner) = value {
            section(text, &key_of(&spelled(key)), inner, origin);
        }
    }
}

/// A value as TOML has it. Settings in 32 bits are told as they were meant: 0.2, not the nearest such number in 64.
fn told(value: &Value) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "that is what is asked")]
    match value {
        Value::Float(number) if f64::from(*number as f32).to_bits() == number.to_bits() => {
            format!("{:?}", *number as f32)
        }
        other => other.to_string(),
    }
}

/// A key as TOML has it: bare where it can be.
fn spelled(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{assignment, read_with};

    #[test]
    fn every_setting_is_shown_with_where_it_comes_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        let text = "out = \"run\"\n[data]\nworld = \"steps\"\n[planner]\nmodel = \"p\"\n[executor.in_process]\nmodel = \"e\"\n\
                    [reward]\nrule = \"exec_only\"\n[grpo]\nsteps = 3\n[eval]\ndata = { world = \"steps\" }\n\
                    [eval.rows]\n\"a planner # of mine\" = \"q\"\n";
        std::fs::write(&path, text).unwrap();
        let (config, origin) =
            read_with(Some(&path), &[assignment("grpo.learning_rate=1e-4").unwrap()]).unwrap();
        let shown = shown(&config, &origin).unwrap();
        let line = |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_default();
        assert!(line("out = ").ends_with("run.toml:1"), "{shown}");
        assert!(line("seed = 18").ends_with("# default"), "{shown}");
        assert!(line("steps = 3").ends_with("run.toml:11"), "{shown}");
        assert!(line("learning_rate = 0.0001 ").ends_with("# --set grpo.learning_rate=1e-4"), "{shown}");
        // What is shown is the same configuration.
        let again = folder.path().join("again.toml");
        std::fs::write(&again, &shown).unwrap();
        let (reread, _) = read_with(Some(&again), &[]).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        assert_eq!(reread, config, "{shown}");
    }
}
