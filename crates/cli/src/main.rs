//! The binary `tracelift`.

mod baselines;
mod bench;
mod capacity;
mod compare;
mod config;
mod data;
mod doctor;
mod evaluate;
mod experiment;
mod generate;
mod groups;
mod identity;
mod interrupt;
mod manual;
mod model;
mod parts;
mod preflight;
mod progress;
mod prompt;
mod quickstart;
mod report;
mod rm;
mod room;
mod serve;
mod settings;
mod setup;
mod sft;
mod tokenizer;
mod train;
mod verify;
mod view;
mod world;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train reasoning planners with executor-grounded rewards.
#[derive(Parser)]
#[command(name = "tracelift", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take an embedded world from data to trained planner, with a report at the end.
    Quickstart(quickstart::Quickstart),
    /// Look at this machine, and at a few problems of a run before it is begun.
    Doctor(doctor::Doctor),
    /// Put a planner on its way: supervised training on traces or on conversations.
    Sft(sft::Sft),
    /// Train a planner by GRPO with executor-grounded rewards.
    Train(train::Train),
    /// Evaluate planners by the frozen-executor protocol.
    Eval(evaluate::Evaluate),
    /// Train and evaluate many planners that differ in what is to be compared.
    Experiment(experiment::Experiment),
    /// Put runs, experiments and evaluations beside each other.
    Compare(compare::Compare),
    /// Look at runs, traces, evaluations, experiments and groups in a browser, while they grow.
    View(view::View),
    /// Write runs, evaluations and experiments as one file that needs nothing else.
    Report(report::Report),
    /// Look at what planners and executors are told.
    #[command(subcommand)]
    Prompt(prompt::PromptCommand),
    /// Let a model go on from prompts.
    Generate(generate::Generate),
    /// Measure the engine's speed on this machine.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Make checkpoints from nothing or from adapters, look at them, and serve them.
    #[command(subcommand)]
    Model(model::ModelCommand),
    /// Train, measure and serve reward models.
    #[command(subcommand)]
    Rm(rm::RmCommand),
    /// Train tokenizers.
    #[command(subcommand)]
    Tokenizer(tokenizer::TokenizerCommand),
    /// Serve rewards, scores, verdicts and models to trainings elsewhere, on one port.
    Serve(serve::Serve),
    /// Look after baselines: what executors do without any trace.
    #[command(subcommand)]
    Baselines(baselines::BaselinesCommand),
    /// Say how many executor replicas a training needs, by simulation from measured latencies.
    Capacity(capacity::Capacity),
    /// Verify answers and programs by themselves, from files of cases.
    #[command(subcommand)]
    Verify(verify::VerifyCommand),
    /// Build groups of reference and flawed traces, and look after their files.
    #[command(subcommand)]
    Groups(groups::GroupsCommand),
    /// Look at the embedded worlds, and remake their checkpoints.
    #[command(subcommand)]
    World(world::WorldCommand),
    /// Fetch published problem sets.
    #[command(subcommand)]
    Data(data::DataCommand),
    /// Look at configurations.
    #[command(subcommand)]
    Config(settings::ConfigCommand),
    /// Print what a shell completes commands by.
    Completions(manual::Completions),
    /// Write pages of the manual.
    Man(manual::Man),
}

/// Lets a closed pipe (`tracelift world show | head`) end the program, as it ends others, instead of a panic on the next
/// line that is printed. Only for commands that print and have no child processes to write to.
fn end_with_the_pipe() {
    // SAFETY: sets the disposition of one signal to the system's default, before any other thread exists.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Lets a write beyond the limit of file sizes (`ulimit -f`) fail, so that a message names the file, instead of ending the
/// program without a word. Python does the same, so it makes no difference to programs that are run.
fn fail_beyond_the_file_size_limit() {
    // SAFETY: sets the disposition of one signal, before any other thread exists.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Whoever started this may ignore the end of children, and a program inherits that: then nobody can wait for one.
fn hear_of_children() {
    // SAFETY: sets the disposition of one signal to the system's default, before any other thread exists.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    fail_beyond_the_file_size_limit();
    hear_of_children();
    match &command {
        Command::Groups(groups::GroupsCommand::Build(_)) | Command::Model(model::ModelCommand::Serve(_)) => {}
        Command::World(_)
        | Command::Compare(_)
        | Command::Prompt(_)
        | Command::Groups(_)
        | Command::Model(_)
        | Command::Generate(_)
        | Command::Config(_)
        | Command::Completions(_)
        | Command::Man(_) => {
            end_with_the_pipe();
        }
        Command::Baselines(baselines::BaselinesCommand::List(_) | baselines::BaselinesCommand::Export(_))
        | Command::Rm(rm::RmCommand::Score(_)) => end_with_the_pipe(),
        _ => {}
    }
    let result: Result<()> = match command {
        Command::Quickstart(args) => quickstart::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Sft(args) => sft::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Eval(args) => evaluate::run(&args),
        Command::Experiment(args) => experiment::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::View(args) => view::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Prompt(command) => prompt::run(&command),
        Command::Generate(args) => generate::run(&args),
        Command::Bench(bench) => bench::run(&bench),
        Command::Model(command) => model::run(&command),
        Command::Rm(command) => rm::run(&command),
        Command::Tokenizer(command) => tokenizer::run(&command),
        Command::Serve(args) => serve::run(&args),
        Command::Baselines(command) => baselines::run(&command),
        Command::Capacity(settings) => capacity::run(&settings),
        Command::Verify(command) => verify::run(&command),
        Command::Groups(command) => groups::run(&command),
        Command::World(command) => world::run(&command),
        Command::Data(command) => data::run(&command),
        Command::Config(command) => settings::run(&command),
        Command::Completions(settings) => manual::complete(&settings, Cli::command()),
        Command::Man(settings) => manual::man(&settings, Cli::command()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", one_line(&error));
            error.downcast_ref::<interrupt::Interrupted>().map_or(ExitCode::FAILURE, |by| by.status.into())
        }
    }
}

/// An error with its causes. Messages of the libraries often end with their cause already; it is not said twice.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line
}
