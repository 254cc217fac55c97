//! `tracelift rm score`: traces in, scores out, one JSON object a line, in order.

use super::scorers;
use crate::progress;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{Question, TaskDomain, TraceDefect};
use tracelift_files::Draft;
use tracelift_reward::{PromptedJudge, RubricScore, ScoreItem, TraceScorer};
use tracelift_serve::{Encoded, Item, ItemFault, ModelScorer, Scorer, score_all};

/// Lines that are scored together at most; fewer where no more are there yet.
const TOGETHER: usize = 256;
/// The longest line in bytes.
const LONGEST: u64 = 1 << 24;

/// Settings of `rm score`.
#[derive(Args)]
pub struct ScoreLines {
    /// A reward model's directory (not with --judge), then a file of JSON lines with `problem`, `reasoning` (a bare trace) or
    /// `completion` (all that a planner wrote), and if wanted `task_name`, `task_type` and `tests`; `-` is standard input.
    #[arg(value_name = "DIR FILE", num_args = 1..=2, required = true)]
    paths: Vec<PathBuf>,
    /// A judge's settings (TOML), in place of a reward model.
    #[arg(long, value_name = "TOML")]
    judge: Option<PathBuf>,
    /// Where the scores go [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
    /// What stands in `<task>` for lines that do not name their task [default: the model's domain].
    #[arg(long)]
    task_name: Option<String>,
    /// Inputs computed at a time, each on one thread [default: one per core].
    #[arg(long)]
    lanes: Option<NonZeroUsize>,
}

/// Scores a file.
pub fn run(settings: &ScoreLines) -> Result<()> {
    let (scorer, file) = match (settings.paths.as_slice(), &settings.judge) {
        ([file], Some(judge)) => (judging(judge, settings.task_name.as_deref())?, file),
        ([dir, file], None) => (reading(dir, settings)?, file),
        ([_], None) => bail!("give a reward model's directory and a file, or a file and --judge"),
        _ => bail!("a reward model and a judge are given; one of them scores"),
    };
    let lines = lines(file)?;
    let (count, failed) = match &settings.out {
        None => score(&lines, &*scorer, &mut io::stdout().lock())?,
        Some(out) => {
            let mut draft = Draft::begin(out)?;
            let counts = score(&lines, &*scorer, &mut draft)?;
            draft.finish()?;
            println!("{} of {} lines scored: {}", counts.0 - counts.1, counts.0, out.display());
            counts
        }
    };
    ensure!(failed == 0, "{failed} of {count} lines have no score; their output says why");
    Ok(())
}

/// Scores lines until there are no more; how many there were, and how many have no score.
fn score(lines: &Receiver<Line>, scorer: &dyn LineScorer, out: &mut dyn Write) -> Result<(u64, u64)> {
    let mut out = BufWriter::new(out);
    let (mut count, mut failed) = (0, 0);
    while let Ok(first) = lines.recv() {
        let together: Vec<Line> = std::iter::once(first).chain(lines.try_iter().take(TOGETHER - 1)).collect();
        let mut numbers = Vec::with_capacity(together.len());
        let mut items = Vec::with_capacity(together.len());
        for (number, text) in together {
            numbers.push(number);
            items.push(text.map_err(anyhow::Error::from).and_then(item));
        }
        let good: Vec<&Item> = items.iter().filter_map(|item| item.as_ref().ok()?.as_ref().ok()).collect();
        let mut found = scorer.score(&good).into_iter();
        for (number, item) in numbers.into_iter().zip(&items) {
            let found = match item {
                Ok(Ok(_)) => found.next().unwrap_or_else(|| Err(("internal", "it was lost".into()))),
                Ok(Err(defect)) => Ok(worth_nothing(*defect)),
                Err(error) => Err(("invalid_item", format!("{error:#}"))),
            };
            count += 1;
            failed += u64::from(found.is_err());
            serde_json::to_writer(&mut out, &line(number, found))?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
    }
    Ok((count, failed))
}

/// What is said of a line: its score in parts, or a word and a sentence on why there is none.
type Found = Result<Map<String, Value>, (&'static str, String)>;

fn line(number: u64, found: Found) -> Value {
    let mut line = Map::from_iter([("line".to_owned(), json!(number))]);
    match found {
        Ok(parts) => line.extend(parts),
        Err((code, message)) => {
            line.insert("score".to_owned(), Value::Null);
            line.insert("error".to_owned(), json!({ "code": code, "message": message }));
        }
    }
    Value::Object(line)
}

fn parts(score: &RubricScore, domain: TaskDomain) -> Map<String, Value> {
    let dimensions: Map<String, Value> = dimension_names(domain)
        .iter()
        .zip(score.dimensions)
        .map(|(name, expected)| ((*name).to_owned(), json!(expected)))
        .collect();
    Map::from_iter([
        ("score".to_owned(), json!(score.score)),
        ("derived".to_owned(), json!(score.derived)),
        ("total".to_owned(), json!(score.total)),
        ("dimensions".to_owned(), Value::Object(dimensions)),
    ])
}

/// What is known of a completion without a usable trace.
fn worth_nothing(defect: TraceDefect) -> Map<String, Value> {
    Map::from_iter([
        ("score".to_owned(), json!(0.0)),
        ("defect".to_owned(), json!(defect.code())),
        ("message".to_owned(), json!(defect.to_string())),
    ])
}

fn item(text: String) -> Result<Result<Item, TraceDefect>> {
    let value = serde_json::from_str(&text).context("not JSON")?;
    Ok(Item::from_json(value)?)
}

/// Whoever scores lines.
trait LineScorer {
    fn score(&self, items: &[&Item]) -> Vec<Found>;
}

fn reading(dir: &Path, settings: &ScoreLines) -> Result<Box<dyn LineScorer>> {
    let (name, model) = scorers::model(dir)?;
    let domain = model.domain;
    let lanes = settings.lanes.or(std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let scorer = ModelScorer::new(model, &name, settings.task_name.as_deref());
    Ok(Box::new(Reader { scorer, domain, lanes }))
}

/// A reward model, by the very code that serves it: a score does not depend on how it is asked for.
struct Reader {
    scorer: ModelScorer,
    domain: TaskDomain,
    lanes: NonZeroUsize,
}

impl LineScorer for Reader {
    fn score(&self, items: &[&Item]) -> Vec<Found> {
        let encoded: Vec<Result<Encoded, ItemFault>> =
            items.iter().map(|item| self.scorer.encode(item)).collect();
        let good: Vec<Encoded> =
            encoded.iter().filter_map(|encoded| encoded.as_ref().ok().cloned()).collect();
        let mut found = score_all(&self.scorer, &good, self.lanes).into_iter();
        encoded
            .into_iter()
            .map(|encoded| {
                let score = encoded.and_then(|_| found.next().unwrap_or(Err(ItemFault::NotFinite)));
                let score = score.map_err(|fault| (fault.code(), fault.to_string()))?;
                let mut parts = parts(&score.rubric, self.domain);
                parts.insert("tokens".to_owned(), json!(score.tokens));
                parts.insert("shortened".to_owned(), json!(score.shortened));
                Ok(parts)
            })
            .collect()
    }
}

fn judging(path: &Path, task: Option<&str>) -> Result<Box<dyn LineScorer>> {
    let bar = progress::noted("judged", 0);
    let judge = scorers::judge(path, &bar)?;
    Ok(Box::new(Judge { judge, task: task.unwrap_or_default().to_owned() }))
}

struct Judge {
    judge: PromptedJudge,
    task: String,
}

impl LineScorer for Judge {
    fn score(&self, items: &[&Item]) -> Vec<Found> {
        let read: Vec<Result<Question, ItemFault>> = items
            .iter()
            .map(|item| {
                let kind = item.task_type.as_deref().unwrap_or(TaskDomain::Math.name());
                let domains = [TaskDomain::Math, TaskDomain::Code, TaskDomain::Steps];
                let domain = domains.into_iter().find(|domain| domain.name() == kind);
                let domain = domain.ok_or_else(|| {
                    ItemFault::Invalid(format!("`task_type` is `{kind}`, expected math, code or steps"))
                })?;
                let task = item.task_name.as_deref().unwrap_or(&self.task);
                Ok(Question::new(task, domain, &item.problem))
            })
            .collect();
        let asked: Vec<ScoreItem<'_>> = items
            .iter()
            .zip(&read)
            .filter_map(|(item, read)| Some(ScoreItem { question: read.as_ref().ok()?, trace: &item.trace }))
            .collect();
        let mut found = self.judge.score(&asked).into_iter();
        read.iter()
            .map(|read| match (read, read.is_ok().then(|| found.next()).flatten()) {
                (Ok(question), Some(Ok(score))) => Ok(parts(&score, question.domain)),
                (_, Some(Err(failure))) => Err((failure.cause(), failure.to_string())),
                (Err(fault), _) => Err((fault.code(), fault.to_string())),
                (Ok(_), None) => Err(("internal", "it was lost".into())),
            })
            .collect()
    }
}

/// A line's number, from 1, and its text.
type Line = (u64, io::Result<String>);

/// The lines that are not blank, as they arrive: they are read beside the scoring.
fn lines(file: &Path) -> Result<Receiver<Line>> {
    let mut input: Box<dyn BufRead + Send> = match file.to_str() {
        Some("-") => Box::new(BufReader::new(io::stdin())),
        _ => {
            let opened = File::open(file).with_context(|| format!("failed to read {}", file.display()))?;
            Box::new(BufReader::new(opened))
        }
    };
    tracelift_datasets::skip_mark(&mut input)
        .with_context(|| format!("failed to read {}", file.display()))?;
    let (sender, receiver) = sync_channel(TOGETHER);
    std::thread::spawn(move || {
        for number in 1.. {
            match next_line(&mut *input) {
                Ok(None) => return,
                Ok(Some(text)) if text.trim().is_empty() => {}
                Ok(Some(text)) => {
                    if sender.send((number, Ok(text))).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // After a line that is none, the next may be one; after a device that failed, nothing is.
                    let goes_on = error.kind() == io::ErrorKind::InvalidData;
                    if sender.send((number, Err(error))).is_err() || !goes_on {
                        return;
                    }
                }
            }
        }
    });
    Ok(receiver)
}

fn next_line(input: &mut dyn BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if (&mut *input).take(LONGEST + 1).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 > LONGEST {
        skip_line(input)?;
        let message = format!("the line is longer than {LONGEST} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

/// Reads to the end of the line without keeping it.
fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if ended {
            return Ok(());
        }
    }
}
