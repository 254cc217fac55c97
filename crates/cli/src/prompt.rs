//! `tracelift prompt`: what planners and executors are told.

use crate::config::{self, ConfigArgs};
use crate::setup;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use tracelift_domain::prompt::{Message, Prompt, Role};
use tracelift_domain::{Question, Trace};
use tracelift_engine::{Tokenizer, hub};
use tracelift_executor::{Api, ExecutorConfig};
use tracelift_prompt::preset::{self, Preset};

/// What to look at.
#[derive(Subcommand)]
pub enum PromptCommand {
    /// Print exactly what the models of a configuration are given for a problem.
    Show(Show),
    /// List the prompts that come with the program, or print one of them, to be changed.
    Presets(Presets),
}

/// Prints prompts.
#[derive(Args)]
pub struct Show {
    #[command(flatten)]
    config: ConfigArgs,
    /// Which problem, from 0: of `[data]`, or of `[eval.data]` where there is no `[data]`.
    #[arg(long, default_value_t = 0)]
    problem: usize,
    /// A trace for the executor to follow.
    #[arg(long, default_value = TRACE)]
    trace: String,
}

const TRACE: &str = "(the planner's trace)";

/// Lists presets.
#[derive(Args)]
pub struct Presets {
    /// Print this one.
    name: Option<String>,
}

/// Runs it.
pub fn run(command: &PromptCommand) -> Result<()> {
    match command {
        PromptCommand::Show(args) => show(args),
        PromptCommand::Presets(Presets { name: None }) => {
            for Preset { name, version, about, .. } in preset::all() {
                println!("{name:<10} {version}  {about}");
            }
            Ok(())
        }
        PromptCommand::Presets(Presets { name: Some(name) }) => {
            let preset = Preset::named(name);
            let preset = preset.with_context(|| {
                format!("there is no preset {name:?}; `tracelift prompt presets` lists them")
            })?;
            print!("{}", preset.text);
            Ok(())
        }
    }
}

fn show(args: &Show) -> Result<()> {
    let (config, _) = config::read(&args.config)?;
    let data = config.data.as_ref().or(config.eval.as_ref().and_then(|eval| eval.data.as_ref()));
    let data =
        data.context("there is neither `data` nor `eval.data`; one of them says where problems come from")?;
    let items = setup::items(data, config.seed.child("problems", 0))?;
    let item = items.get(args.problem).with_context(|| {
        format!(
            "--problem {} is not there: the data hold {} problems, counted from 0",
            args.problem,
            items.len()
        )
    })?;
    let trace = Trace::new(&args.trace).context("--trace is empty, expected a text without tags")?;
    let question = &item.problem.question;
    println!("problem {}", item.problem.id);

    let model = &config.planner.model;
    let tokenizer = tokenizer(model).with_context(|| format!("the planner in {}", model.display()))?;
    let prompt = config.planner.prompt(&tokenizer)?.prompt(question)?;
    print_text("planner", &tokenizer, &prompt)?;
    executor(&config.executor, question, &trace)
}

/// Both arms.
fn executor(config: &ExecutorConfig, question: &Question, trace: &Trace) -> Result<()> {
    let arms = [("executor, without a trace", None), ("executor, with a trace", Some(trace))];
    if let Some(config) = &config.in_process {
        let model = &config.model;
        let tokenizer = tokenizer(model).with_context(|| format!("the executor in {}", model.display()))?;
        let prompt = config.prompt(&tokenizer)?;
        for (whose, trace) in arms {
            print_text(whose, &tokenizer, &prompt.prompt(question, trace)?)?;
        }
    }
    if let Some(config) = &config.openai {
        let prompt = config.prompt()?;
        for (whose, trace) in arms {
            let prompt = match config.api {
                Api::Completions => prompt.prompt(question, trace),
                Api::Chat => prompt.conversation(question, trace),
            }?;
            match prompt {
                Prompt::Text(text) => println!("\n==== {whose}: counted by the server\n{text}"),
                Prompt::Conversation { messages, prefill, .. } => {
                    println!("\n==== {whose}: messages, laid out and counted by the server");
                    for Message { role, content } in messages {
                        println!("[{}]\n{content}", role.name());
                    }
                    println!("[{}]\n{prefill}", Role::Assistant.name());
                }
            }
        }
    }
    Ok(())
}

fn tokenizer(model: &std::path::Path) -> Result<Tokenizer> {
    Ok(Tokenizer::load(&hub::resolve(model)?)?)
}

fn print_text(whose: &str, tokenizer: &Tokenizer, prompt: &Prompt) -> Result<()> {
    let tokens = tokenizer.prompt(prompt)?.len();
    println!("\n==== {whose}: {tokens} tokens\n{}", tokenizer.laid_out(prompt)?);
    Ok(())
}
