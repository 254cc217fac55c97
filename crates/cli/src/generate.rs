//! `tracelift generate`: prompts in, continuations with their log-probabilities out, one JSON object a line.

use crate::model;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use tracelift_domain::Seed;
use tracelift_engine::sampling::GenerateError;
use tracelift_engine::tokenizer::Reply;
use tracelift_engine::{
    ChatOptions, Conversation, Device, Finish, Numbers, Request, Sampled, Sampler, Sampling, Tokenizer, peft,
};
use tracelift_files::Draft;

/// Prompts that are sampled together: enough to keep every thread busy, few enough to show results early.
const BATCH: usize = 256;
/// The longest line of input in bytes.
const LONGEST_LINE: u64 = 1 << 24;

/// Settings of `generate`.
#[derive(Args)]
pub struct Generate {
    /// A checkpoint or adapter: a directory, or `org/name` in the Hugging Face cache.
    model: PathBuf,
    /// The prompts, one a line: plain text, or JSON objects with a `prompt` or with `messages` [default: standard input].
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Where the results go [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
    /// The numbers in which products are computed.
    #[arg(long, default_value = "f32", value_parser = model::numbers())]
    numbers: Numbers,
    /// 0 is greedy.
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Sample from the smallest set of tokens with at least this probability.
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Sample from this many most likely tokens; 0 is all.
    #[arg(long, default_value_t = 0)]
    top_k: usize,
    /// Sample from tokens at least this times as likely as the likeliest; 0 is all.
    #[arg(long, default_value_t = 0.0)]
    min_p: f32,
    /// The most new tokens.
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    /// End before this text. May be given again.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Continuations of each prompt.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    samples: u64,
    /// Of everything random.
    #[arg(long, default_value_t = 18)]
    seed: u64,
    /// Put plain lines and `prompt`s to the model as a user's message, by its chat template.
    #[arg(long)]
    chat: bool,
    /// Switch thinking off in the chat template (`enable_thinking`).
    #[arg(long)]
    no_thinking: bool,
}

/// A line of JSON input.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<Value>,
    prompt: Option<String>,
    messages: Option<tracelift_engine::chat::Value>,
    tools: Option<tracelift_engine::chat::Value>,
}

/// A line of output.
#[derive(Serialize)]
struct Continuation<'a> {
    /// Which prompt, from 0.
    index: u64,
    /// Which of its continuations, from 0.
    sample: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    text: String,
    tokens: &'a [u32],
    log_probs: &'a [f32],
    /// `stop` or `length`.
    finish: &'static str,
    prompt_tokens: usize,
}

struct Prompt {
    index: u64,
    id: Option<Value>,
    tokens: Vec<u32>,
}

/// Runs `generate`.
pub fn run(settings: &Generate) -> Result<()> {
    ensure!(
        !settings.stop.iter().any(String::is_empty),
        "--stop is empty; it would end every text before it begins"
    );
    if model::is_reward_model(&settings.model)? {
        bail!("{} is a reward model, which writes no text", settings.model.display());
    }
    settings.out.as_ref().map(tracelift_files::kind).transpose()?;
    let loaded = peft::open(&settings.model)
        .with_context(|| format!("failed to read the model in {}", settings.model.display()))?;
    let (model, tokenizer) = (loaded.checkpoint.model, loaded.checkpoint.tokenizer);
    let context = model.config.max_positions;
    let sampler = Sampler::on(Device::Cpu, &model, settings.numbers);
    drop(model);
    let sampling = Sampling {
        temperature: settings.temperature,
        top_p: settings.top_p,
        top_k: settings.top_k,
        min_p: settings.min_p,
        ..Sampling::greedy(settings.max_tokens, tokenizer.eos().to_vec())
    };
    sampling.validate()?;
    let mut source = Source::open(settings)?;
    let mut draft = settings.out.as_ref().map(Draft::begin).transpose()?;
    let mut printed = BufWriter::new(io::stdout().lock());
    let out: &mut dyn Write = match &mut draft {
        Some(draft) => draft,
        None => &mut printed,
    };
    loop {
        let mut prompts = Vec::new();
        while prompts.len() < BATCH
            && let Some(prompt) = source.next(&tokenizer)?
        {
            let (place, length) = (source.place(), prompt.tokens.len());
            ensure!(
                length > 0,
                "{place}: the prompt is empty; a model needs at least one token to go on from"
            );
            ensure!(
                length + settings.max_tokens <= context,
                "{place}: the prompt has {length} tokens; with --max-tokens {} it exceeds the model's context of {context}",
                settings.max_tokens
            );
            prompts.push(prompt);
        }
        if prompts.is_empty() {
            break;
        }
        let requests: Vec<Request> = prompts.iter().map(|prompt| request(settings, prompt)).collect();
        let results = sampler.generate(&requests, &sampling)?;
        for (prompt, samples) in prompts.iter().zip(&results) {
            for (sample, sampled) in samples.iter().enumerate() {
                let line = continuation(settings, &tokenizer, prompt, sample as u64, sampled)?;
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
        }
        out.flush()?;
    }
    if let Some(draft) = draft {
        draft.finish()?;
    }
    Ok(())
}

fn request(settings: &Generate, prompt: &Prompt) -> Request {
    let seed = Seed(settings.seed).child("prompt", prompt.index);
    let seeds = (0..settings.samples).map(|sample| seed.child("sample", sample)).collect();
    Request { prompt: prompt.tokens.clone(), seeds }
}

/// The line for a sample: cut before the first stop text, and its tokens with it.
fn continuation<'a>(
    settings: &Generate,
    tokenizer: &Tokenizer,
    prompt: &'a Prompt,
    sample: u64,
    sampled: &'a Sampled,
) -> Result<Continuation<'a>> {
    let Reply { text, tokens: count, stopped } = tokenizer.reply(&sampled.tokens, &settings.stop)?;
    let finish = match sampled.finish {
        Finish::NonFinite => return Err(GenerateError::NonFinite(prompt.index as usize).into()),
        Finish::Length if !stopped => "length",
        Finish::Stop | Finish::Length => "stop",
    };
    Ok(Continuation {
        index: prompt.index,
        sample,
        id: prompt.id.as_ref(),
        text,
        tokens: &sampled.tokens[..count],
        log_probs: &sampled.log_probs[..count],
        finish,
        prompt_tokens: prompt.tokens.len(),
    })
}

/// The lines of the input.
struct Source<'a> {
    settings: &'a Generate,
    reader: Box<dyn BufRead>,
    name: String,
    line: u64,
    prompts: u64,
    /// Whether lines are JSON objects; known once the first has been seen.
    json: Option<bool>,
}

impl<'a> Source<'a> {
    fn open(settings: &'a Generate) -> Result<Source<'a>> {
        let (mut reader, name): (Box<dyn BufRead>, String) = match &settings.prompts {
            None => (Box::new(BufReader::new(io::stdin())), "standard input".to_owned()),
            Some(path) => {
                let file = File::open(path).with_context(|| format!("failed to read {}", path.display()))?;
                (Box::new(BufReader::new(file)), path.display().to_string())
            }
        };
        tracelift_datasets::skip_mark(&mut reader).with_context(|| format!("failed to read {name}"))?;
        Ok(Source { settings, reader, name, line: 0, prompts: 0, json: None })
    }

    /// The last line read.
    fn place(&self) -> String {
        format!("{}:{}", self.name, self.line)
    }

    /// The next prompt; empty lines are passed over.
    fn next(&mut self, tokenizer: &Tokenizer) -> Result<Option<Prompt>> {
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.reader).take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
            if read.with_context(|| format!("failed to read {}", self.name))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            ensure!(
                bytes.len() as u64 <= LONGEST_LINE,
                "{}: the line is longer than {LONGEST_LINE} bytes",
                self.place()
            );
            let text = String::from_utf8(bytes).with_context(|| format!("{}: not UTF-8", self.place()))?;
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            if text.trim().is_empty() {
                continue;
            }
            let json = *self.json.get_or_insert_with(|| text.trim_start().starts_with('{'));
            let prompt = if json { self.object(tokenizer, text) } else { self.plain(tokenizer, text, None) };
            let prompt = prompt.with_context(|| self.place())?;
            self.prompts += 1;
            return Ok(Some(prompt));
        }
    }

    fn object(&self, tokenizer: &Tokenizer, text: &str) -> Result<Prompt> {
        let line: Line =
            serde_json::from_str(text).context("not a JSON object with `prompt` or `messages`")?;
        match (line.prompt, line.messages) {
            (Some(prompt), None) => {
                ensure!(line.tools.is_none(), "`tools` go with `messages`");
                self.plain(tokenizer, &prompt, line.id)
            }
            (None, Some(messages)) => self.chat(tokenizer, &Conversation::new(messages, line.tools), line.id),
            _ => bail!("needs exactly one of `prompt` and `messages`"),
        }
    }

    fn plain(&self, tokenizer: &Tokenizer, text: &str, id: Option<Value>) -> Result<Prompt> {
        if self.settings.chat {
            return self.chat(tokenizer, &Conversation::of_user(text), id);
        }
        Ok(Prompt { index: self.prompts, id, tokens: tokenizer.encode_prompt(text)? })
    }

    fn chat(&self, tokenizer: &Tokenizer, conversation: &Conversation, id: Option<Value>) -> Result<Prompt> {
        let enable_thinking = self.settings.no_thinking.then_some(false);
        let options = ChatOptions { enable_thinking, ..ChatOptions::default() };
        let text = tokenizer.chat(conversation, &options)?;
        Ok(Prompt { index: self.prompts, id, tokens: tokenizer.encode(&text)? })
    }
}
