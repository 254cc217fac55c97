//! `tracelift rm …`: reward models.

mod config;
mod eval;
mod run;
mod score;
mod scorers;
mod train;

use crate::serve;
use anyhow::Result;
use clap::Subcommand;

pub use run::{Training, measure, train_on, untrained};

/// What to do with reward models.
#[derive(Subcommand)]
pub enum RmCommand {
    /// Train a reward model on group files, and measure it on groups that were held out.
    Train(config::Train),
    /// Measure a reward model or a prompted judge, on groups or on solutions with verdicts.
    Eval(eval::Eval),
    /// Score traces from a file of JSON lines.
    Score(score::ScoreLines),
    /// Serve a reward model over HTTP, in the dialects of training frameworks.
    Serve(serve::ServeRm),
}

/// Runs a reward-model command.
pub fn run(command: &RmCommand) -> Result<()> {
    match command {
        RmCommand::Train(settings) => train::train(settings),
        RmCommand::Eval(settings) => eval::run(settings),
        RmCommand::Score(settings) => score::run(settings),
        RmCommand::Serve(settings) => serve::rm(settings),
    }
}
