//! `tracelift sft`: a planner learns from examples, in a run folder, resumable.

mod config;
mod lines;
mod traces;

use crate::config::{ConfigArgs, Origin};
use crate::identity::{self, Freedom};
use crate::train::{Form, ending};
use crate::{progress, setup};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use config::{From, SftConfig};
use serde::Serialize;
use serde_json::{Map, json};
use std::collections::{BTreeMap, HashMap};
use tracelift_datasets::{HeldOutFamilies, held_out_statement};
use tracelift_domain::{Fingerprint, Problem, Question};
use tracelift_engine::{Checkpoint, Tokenizer};
use tracelift_groups::{Part, split};
use tracelift_prompt::PlannerPrompt;
use tracelift_train::metrics::{StepMetrics, name, read_metrics};
use tracelift_train::run::{RunDescription, RunFolder, RunLayout};
use tracelift_train::sft::{Course, Example, Look, SftStep};
use tracelift_train::source::Stock;
use traces::Worked;

/// Settings of `sft`.
#[derive(Args)]
pub struct Sft {
    #[command(flatten)]
    config: ConfigArgs,
    /// Go on with the run in the folder `out`.
    #[arg(long)]
    resume: bool,
}

/// Its configuration, to be looked at.
///
/// # Errors
/// As of the command itself.
pub fn read(args: &ConfigArgs) -> Result<(impl Serialize, Origin)> {
    SftConfig::read(args)
}

/// What may be otherwise where a run is gone on with.
const FREEDOM: Freedom = Freedom {
    may_differ: &[
        "data",
        "examples",
        "force_test_sets",
        "out",
        "planner.model",
        "planner.sampling",
        "sft.keep_last",
    ],
    grows: None,
};

/// Where the mean loss over held-out examples stands in the metrics.
const HELD_OUT_LOSS: &str = "held_out/loss";

/// Runs it.
pub fn run(args: &Sft) -> Result<()> {
    let (config, origin) = SftConfig::read(&args.config)?;
    let layout = RunLayout::of(&config.out);
    match (args.resume, layout.description().exists()) {
        (true, false) => bail!("{} holds no run to go on with; leave out --resume", config.out.display()),
        (false, true) => bail!(
            "{} already holds a run; go on with it by --resume, or choose another `out`",
            config.out.display()
        ),
        _ => {}
    }
    let Checkpoint { model, tokenizer } = config
        .planner
        .open(config.seed)
        .map_err(|error| setup::of_planner(&origin, "planner.model", error))?;
    let (examples, held_out) = examples(&config, &tokenizer, model.config.max_positions)?;
    let supervised = |examples: &[Example]| -> usize {
        examples.iter().map(|example| example.tokens.len() - example.supervised_from).sum()
    };
    println!(
        "examples: {} with {} tokens to learn, {} held out",
        examples.len(),
        supervised(&examples),
        held_out.len()
    );
    let prints = Map::from_iter([
        ("planner".to_owned(), json!(model.fingerprint())),
        ("examples".to_owned(), json!(fingerprint(&examples))),
        ("held_out".to_owned(), json!(fingerprint(&held_out))),
    ]);
    let description = RunDescription::now("sft", config.seed, prints);
    let seed = config.seed.child("sft", 0);
    let mut course = Course::new(config.sft, model, examples, held_out, seed);
    origin.require_warm_up("sft", &course.schedule())?;
    let mut folder = open_run(&config, &description, &mut course)?.keeping(config.sft.keep_last);
    let base = config.planner.model.display().to_string();
    let form = Form { base: &base, precision: config.planner.precision };
    ending(&layout, || learn(&mut course, &mut folder, form, &tokenizer, &config))?;
    if let Some(best) = course.best() {
        println!("best: {}, of step {} (held-out loss {:.4})", layout.best().display(), best.step, best.loss);
    }
    let out = &config.out;
    let trained = Checkpoint { model: course.into_model(), tokenizer };
    form.write(&trained, &out.join("planner"), &out.join("adapter"))?;
    println!("run: {}", out.display());
    println!("planner: {}", out.join("planner").display());
    Ok(())
}

/// Goes through the course to its end.
fn learn(
    course: &mut Course,
    folder: &mut RunFolder,
    form: Form<'_>,
    tokenizer: &Tokenizer,
    config: &SftConfig,
) -> Result<()> {
    let bar = progress::steps("sft", course.steps(), course.steps_done());
    while !course.is_done() {
        let step = course.steps_done() + 1;
        let found = course.step().with_context(|| format!("step {step} failed"))?;
        let before = course.best();
        let look = course.looks_now().then(|| course.look());
        if let Some(look) = look.filter(|_| course.best() != before) {
            folder.keep_best(step, |dir| -> Result<()> {
                let trained = Checkpoint { model: course.model().into_owned(), tokenizer: tokenizer.clone() };
                form.write(&trained, dir, &dir.join("adapter"))?;
                let text =
                    serde_json::to_vec_pretty(&json!({ "step": look.step, HELD_OUT_LOSS: look.loss }))?;
                Ok(tracelift_files::write(dir.join("best.json"), text)?)
            })?;
        }
        folder.record_metrics(&metrics(step, &found, look))?;
        let mut message = format!("loss {:.4}", found.loss);
        if let Some(look) = look {
            message.push_str(&format!("  held out {:.4}", look.loss));
        }
        if bar.is_hidden() && (step == 1 || step.is_multiple_of(10) || look.is_some()) {
            eprintln!("sft step {step} of {}: {message}", course.steps());
        }
        bar.set_message(message);
        bar.set_position(step);
        if step.is_multiple_of(config.sft.checkpoint_every) || course.is_done() {
            folder.save_checkpoint(step, |dir| course.save(dir))?;
        }
    }
    bar.finish();
    if course.steps_done() < course.steps() {
        let looks = config.sft.patience;
        eprintln!("sft: no gain in {looks} looks (`sft.patience`); ended after step {}", course.steps_done());
    }
    Ok(())
}

fn metrics(step: u64, found: &SftStep, look: Option<Look>) -> StepMetrics {
    let mut metrics = StepMetrics::now(step);
    metrics
        .set("sft/loss", found.loss)
        .set("sft/tokens", found.tokens as f64)
        .set(name::LEARNING_RATE, f64::from(found.rate))
        .set(name::GRADIENT_NORM, found.gradient_norm);
    if let Some(look) = look {
        metrics.set(HELD_OUT_LOSS, look.loss);
    }
    metrics
}

/// Makes the run, or brings the course to where an earlier attempt at it stopped.
fn open_run(config: &SftConfig, description: &RunDescription, course: &mut Course) -> Result<RunFolder> {
    let (out, text) = (&config.out, toml::to_string(config)?);
    if !RunLayout::of(out).description().exists() {
        return Ok(RunFolder::create(out, description, &text)?);
    }
    identity::check(out, description, &text, FREEDOM)?;
    let (folder, latest) = RunFolder::resume(out)?;
    if let Some((step, checkpoint)) = latest {
        course
            .restore(&checkpoint)
            .with_context(|| format!("failed to resume from {}", checkpoint.display()))?;
        for metrics in read_metrics(&folder.layout().metrics())? {
            if let Some(loss) = metrics.get(HELD_OUT_LOSS) {
                course.see(Look { step: metrics.step, loss });
            }
        }
        let done = if course.is_done() { " and is finished" } else { "" };
        eprintln!("resumed {} after step {step}{done}", out.display());
    }
    Ok(folder)
}

/// The examples to learn, and those that are held out.
fn examples(
    config: &SftConfig,
    tokenizer: &Tokenizer,
    context: usize,
) -> Result<(Vec<Example>, Vec<Example>)> {
    let prompt = config.planner.prompt(tokenizer)?;
    let problems = config.data.as_ref().map(|data| known(data, config)).transpose()?;
    let (mut learned, mut held_out) = (Vec::new(), Vec::new());
    let (mut long, mut test_sets): (usize, BTreeMap<&str, usize>) = (0, BTreeMap::new());
    let mut add = |family: &str, example: Example| {
        if example.tokens.len() > context {
            long += 1;
            return;
        }
        match split(family, config.held_out.share, config.seed) {
            Part::Train => learned.push(example),
            Part::Dev => held_out.push(example),
        }
    };
    for part in &config.examples {
        if let From::Lines(file) = part.from()? {
            for said in lines::read(file, part.limit)? {
                let test_set = said.asked().find_map(held_out_statement);
                if let Some(name) = test_set.filter(|_| !config.force_test_sets) {
                    *test_sets.entry(name).or_default() += 1;
                    continue;
                }
                let tokens = tokenizer.prompt(&said.prompt)?;
                let family = format!("{}", said.prompt.fingerprint());
                add(&family, taught(tokenizer, tokens, &said.completion)?);
            }
        }
        let found = traces::read(part)?;
        let mut tested = HeldOutFamilies::default();
        for worked in &found {
            tested.see(&worked.family, &worked.problem, &worked.question.statement);
        }
        for worked in found {
            if let Some(name) = tested.of(&worked.family).filter(|_| !config.force_test_sets) {
                *test_sets.entry(name).or_default() += 1;
                continue;
            }
            let question = match &problems {
                Some(problems) => problems.get(&worked.problem).with_context(|| {
                    format!("`data` holds no problem `{}`, of which `examples` holds a trace", worked.problem)
                })?,
                None => &worked.question,
            };
            add(&worked.family, trace(tokenizer, &prompt, question, &worked)?);
        }
    }
    if long > 0 {
        eprintln!(
            "left out: {long} examples that are longer than the {context} tokens that the planner reads"
        );
    }
    let told: Vec<String> = test_sets.iter().map(|(name, count)| format!("{count} of {name}")).collect();
    if !told.is_empty() {
        eprintln!(
            "warning: left out examples of problems on which models are evaluated: {}",
            told.join(", ")
        );
    }
    ensure!(
        !learned.is_empty(),
        "no example is left to train on (held out {}, too long {long}, of test sets {}); set `held_out.share`, or \
         `force_test_sets = true` for a measurement of just that",
        held_out.len(),
        test_sets.values().sum::<usize>()
    );
    Ok((learned, held_out))
}

/// The questions of a problem set by the ids of their problems.
fn known(data: &crate::config::DataConfig, config: &SftConfig) -> Result<HashMap<String, Question>> {
    // What belongs to a test set is left out by its statement, with everything else that comes from there.
    let all = crate::config::DataConfig { force_test_sets: true, ..data.clone() };
    match setup::source(&all, config.seed.child("problems", 0))?.stock {
        Stock::List(problems) => {
            Ok(problems.into_iter().map(|Problem { id, question, .. }| (id, question)).collect())
        }
        Stock::World { .. } => {
            bail!("`data.world`: a world's problems say no more than their statements; leave `data` out")
        }
    }
}

/// A trace as the planner is to write it when it is asked as the configuration says.
fn trace(
    tokenizer: &Tokenizer,
    prompt: &PlannerPrompt,
    question: &Question,
    worked: &Worked,
) -> Result<Example> {
    let reply = prompt.reply(question, &worked.trace).with_context(|| {
        format!(
            "`planner.prompt.prefill` is {:?}: a trace that is to be learned begins with its tag alone",
            prompt.prefill(question)
        )
    })?;
    taught(tokenizer, tokenizer.prompt(&prompt.prompt(question)?)?, &reply)
}

/// A prompt, and a completion that is learned with the token that ends it.
fn taught(tokenizer: &Tokenizer, mut tokens: Vec<u32>, completion: &str) -> Result<Example> {
    let supervised_from = tokens.len();
    tokens.extend(tokenizer.encode(completion)?);
    // Of several, the first is the one that the model's makers name for the end of a turn.
    tokens.extend(tokenizer.eos().first());
    Ok(Example { tokens, supervised_from })
}

fn fingerprint(examples: &[Example]) -> Fingerprint {
    let mut bytes = Vec::new();
    for Example { tokens, supervised_from } in examples {
        for number in [tokens.len() as u64, *supervised_from as u64] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
    }
    Fingerprint::of([("examples", bytes.as_slice())])
}
