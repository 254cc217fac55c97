//! `tracelift world procedures`: a file of procedures, with all that their exact checker needs.

use anyhow::{Result, anyhow};
use clap::Args;
use std::path::PathBuf;
use tracelift_domain::Seed;
use tracelift_worlds::procedure::{Numbers, Operations, ProcedureConfig};

/// Settings of `world procedures`.
#[derive(Args)]
pub struct Procedures {
    /// The file to write (JSONL).
    #[arg(long)]
    out: PathBuf,
    /// How many steps a problem has.
    #[arg(long, value_delimiter = ',', default_value = "5,15,25,35,45,55,65,75,85,95")]
    lengths: Vec<u32>,
    /// How many values before the last one a step may reach back to.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3,4,5,6,7")]
    look_back: Vec<u32>,
    /// Which operations there are: sets of + - * /.
    #[arg(long, value_delimiter = ',', default_value = "+-*/", allow_hyphen_values = true)]
    operations: Vec<Operations>,
    /// integers, decimals, or both.
    #[arg(long, value_delimiter = ',', default_value = "integers")]
    numbers: Vec<Numbers>,
    /// No value is larger than this, on either side of 0.
    #[arg(long, default_value_t = 1000)]
    largest: u32,
    /// Problems of each combination.
    #[arg(long, default_value_t = 20)]
    per_cell: u32,
    /// Of the problems.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// Writes them.
pub fn run(settings: &Procedures) -> Result<()> {
    let Procedures { lengths, look_back, operations, numbers, largest, per_cell, .. } = settings;
    let config = ProcedureConfig {
        lengths: lengths.clone(),
        look_back: look_back.clone(),
        operations: operations.clone(),
        numbers: numbers.clone(),
        largest: *largest,
        per_cell: *per_cell,
    };
    config.validate().map_err(|fault| anyhow!("{fault}"))?;
    let problems = config.problems(Seed(settings.seed));
    let mut lines = String::new();
    for (problem, procedure) in &problems {
        let mut line = serde_json::to_value(problem)?;
        line["procedure"] = serde_json::to_value(procedure)?;
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    if let Some(folder) = settings.out.parent() {
        tracelift_files::make_folder(folder)?;
    }
    tracelift_files::write(&settings.out, lines)?;
    println!(
        "{} problems, {per_cell} of each of {} kinds: {}",
        problems.len(),
        config.cells().len(),
        settings.out.display()
    );
    Ok(())
}
