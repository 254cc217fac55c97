//! `tracelift compare`: runs, experiments and evaluations beside each other.

use anyhow::Result;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use tracelift_domain::Seed;
use tracelift_eval::{Comparison, Format, Request};

/// Settings of `compare`.
#[derive(Args)]
pub struct Compare {
    /// Folders of experiments, runs or evaluations, or folders of runs.
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// The arm that the others are compared with, as the table calls it; may be given again. Default: the first one that was trained.
    #[arg(long, value_name = "ARM")]
    against: Vec<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    format: Written,
    /// Where it goes, instead of standard output.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Of the bootstrap.
    #[arg(long, default_value_t = 18)]
    seed: u64,
}

/// [`Format`] as an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Written {
    /// Aligned columns.
    #[default]
    Text,
    /// Markdown tables.
    Markdown,
    /// One table with a number a line, curves and their bands among them.
    Csv,
    /// Tables of the package booktabs.
    Latex,
    /// Everything, with names.
    Json,
}

impl From<Written> for Format {
    fn from(written: Written) -> Format {
        match written {
            Written::Text => Format::Text,
            Written::Markdown => Format::Markdown,
            Written::Csv => Format::Csv,
            Written::Latex => Format::Latex,
            Written::Json => Format::Json,
        }
    }
}

/// Runs it.
pub fn run(args: &Compare) -> Result<()> {
    let request =
        Request { folders: args.folders.clone(), against: args.against.clone(), seed: Seed(args.seed) };
    let text = Comparison::of(&request)?.written(args.format.into())?;
    match &args.out {
        Some(path) => Ok(tracelift_files::write(path, text)?),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}
