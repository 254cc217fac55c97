//! `tracelift tokenizer …`: train a tokenizer.

mod texts;

use crate::model::refuse_if_taken;
use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use texts::Texts;
use tracelift_engine::tokenizer::BpeTraining;

/// What to do with tokenizers.
#[derive(Subcommand)]
pub enum TokenizerCommand {
    /// Train a byte-level BPE tokenizer on text or JSONL files.
    Train(Train),
}

/// Settings of `tokenizer train`.
#[derive(Args)]
pub struct Train {
    /// Files: JSONL where the name ends in .jsonl, otherwise text.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The directory to make, with tokenizer.json and tokenizer_config.json.
    #[arg(long)]
    out: PathBuf,
    /// Tokens in all: 256 bytes, the special tokens, and what is learned.
    #[arg(long)]
    vocab_size: usize,
    /// Where the texts are in a line of JSONL: a key, or keys joined by dots; lists are gone through. May be given again.
    #[arg(long = "field", value_name = "KEY")]
    fields: Vec<String>,
    /// A special token beside <pad>, <eos>, <reasoning> and </reasoning>. May be given again.
    #[arg(long, value_name = "TOKEN")]
    special: Vec<String>,
    /// Let tokens hold several digits; otherwise every digit is one.
    #[arg(long)]
    join_digits: bool,
}

/// Runs a tokenizer command.
pub fn run(command: &TokenizerCommand) -> Result<()> {
    match command {
        TokenizerCommand::Train(settings) => train(settings),
    }
}

fn train(settings: &Train) -> Result<()> {
    let out = &settings.out;
    refuse_if_taken(out)?;
    let training = BpeTraining {
        vocabulary: settings.vocab_size,
        split_digits: !settings.join_digits,
        special: settings.special.clone(),
    };
    let mut texts = Texts::new(&settings.files, &settings.fields);
    let trained = training.train(texts.by_ref());
    // A file that cannot be read ended the texts early, so that is what there is to say.
    let read = texts.finish()?;
    let tokenizer = trained?;
    ensure!(read.texts > 0, "there is no text in these files to learn from");
    tracelift_files::make_folder(out)?;
    tokenizer.save(out).with_context(|| format!("failed to save {}", out.display()))?;
    println!("texts      {} with {} bytes", read.texts, read.bytes);
    println!("tokens     {}", tokenizer.vocabulary());
    println!("tokenizer  {}", out.display());
    Ok(())
}
