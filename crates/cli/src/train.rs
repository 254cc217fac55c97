//! `tracelift train`: GRPO from a configuration, in a run folder, resumable.

mod dev;
mod filter;

pub use dev::trained_on;

use crate::config::Origin;
use crate::identity::{self, Continuation, Freedom};
use crate::parts::Parts;
use crate::{config, parts, preflight, progress, setup};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use dev::Dev;
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use std::path::Path;
use tracelift_engine::{Checkpoint, Precision, Schedule, peft};
use tracelift_eval::write_samples;
use tracelift_executor::spending::Stopped;
use tracelift_reward::TraceScorer;
use tracelift_train::grpo::{Decay, Grpo, GrpoConfig, GrpoError, Spent, StepOutcome};
use tracelift_train::metrics::{StepMetrics, name, read_metrics};
use tracelift_train::patience::Patience;
use tracelift_train::run::{RunDescription, RunEnd, RunFolder, RunLayout};

/// Settings of `train`.
#[derive(Args)]
pub struct Train {
    #[command(flatten)]
    config: config::ConfigArgs,
    /// Go on with the run in the folder `out`, or give a finished one more steps.
    #[arg(long)]
    resume: bool,
}

/// What may be otherwise where a run is gone on with; more steps prolong it.
const FREEDOM: Freedom = Freedom {
    may_differ: &[
        "data",
        "dev.data",
        "eval",
        "executor",
        "grpo.keep_last",
        "grpo.patience",
        "out",
        "planner.model",
        "preflight",
        "rubric",
    ],
    grows: Some("grpo.steps"),
};

/// Runs it.
pub fn run(args: &Train) -> Result<()> {
    let (mut config, origin) = config::read(&args.config)?;
    let (mut parts, mut planner) = Parts::open(&config, &origin)?;
    require_warm_up(&config.grpo, parts.steps, &origin)?;
    println!("executor: {}", parts.executor.describe());
    // A run that is gone on with has shown what it is, and so has one whose problems are being measured.
    let layout = RunLayout::of(&config.out);
    let begins = !args.resume && !layout.description().exists() && !layout.difficulty().exists();
    if begins && config.preflight.problems > 0 {
        // Not after minutes.
        RunFolder::require_free(&config.out)?;
        // The look uses a planner up. Of frozen weights another handle costs nothing, and the executor goes on sharing them; others
        // are read again, as two of them at a time may be too many.
        let again = planner.model.is_frozen().then(|| planner.clone());
        preflight::check(&config, &parts, planner)?;
        planner = again.map_or_else(|| setup::planner(&config, &origin), Ok)?;
    }
    if let Some(filter) = &config.grpo.filter {
        let presence = if args.resume { Presence::Resume } else { Presence::New };
        filter::apply(filter, presence, &config, &origin, &mut parts, &planner)?;
        // Of fewer problems, epochs are fewer steps.
        require_warm_up(&config.grpo, parts.steps, &origin)?;
    }
    config.grpo.steps = parts.steps;
    let Parts { executor, verifier, dev_items, .. } = &parts;
    let base = config.planner.model.display().to_string();
    let seed = parts::dev_seed(&config);
    let dev = config.dev.as_ref().map(|dev| Dev::new(dev, dev_items, executor.as_ref(), verifier, seed));
    let course = Course {
        out: &config.out,
        config: &toml::to_string(&config)?,
        presence: if args.resume { Presence::Resume } else { Presence::New },
        name: config.reward.rule.title(),
        form: Form { base: &base, precision: config.planner.precision },
        dev,
    };
    train_in(Grpo::new(config.grpo.clone(), planner, parts.cast(&config)), course)?;
    setup::record_sandbox(verifier, &config.out)?;
    if let Some(spent) = parts.rubric.as_ref().and_then(|scorer| scorer.spent()) {
        println!("rubric: {spent}");
    }
    println!("run: {}", config.out.display());
    println!("planner: {}", config.out.join("planner").display());
    Ok(())
}

fn require_warm_up(grpo: &GrpoConfig, steps: u64, origin: &Origin) -> Result<()> {
    origin.require_warm_up("grpo", &Schedule { total: steps, ..grpo.schedule() })
}

/// Whether a run is expected in its folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// There must be none.
    New,
    /// There must be one.
    Resume,
    /// Either; one that is there is gone on with.
    Either,
}

/// What a training is beside its algorithm: where it is kept, and how it is watched.
pub struct Course<'a> {
    /// The run's folder.
    pub out: &'a Path,
    /// The resolved configuration.
    pub config: &'a str,
    /// Whether there is a run already.
    pub presence: Presence,
    /// What people call it.
    pub name: &'a str,
    /// How planners are written.
    pub form: Form<'a>,
    /// Who looks at the planner in between.
    pub dev: Option<Dev<'a>>,
}

/// How trained planners are written.
#[derive(Clone, Copy)]
pub struct Form<'a> {
    /// What an adapter is an adapter of.
    pub base: &'a str,
    /// The type of the weights; that of the base's if nothing is said.
    pub precision: Option<Precision>,
}

impl Form<'_> {
    /// Writes a trained planner: a checkpoint, and its adapter where it is adapters that were trained.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, trained: &Checkpoint, planner: &Path, adapter: &Path) -> Result<()> {
        if trained.model.lora.is_some() {
            peft::save(&trained.model, adapter, self.base)?;
        }
        let precision = self.precision.or(trained.model.notes.precision).unwrap_or(Precision::F32);
        trained.save(planner, precision)?;
        Ok(())
    }
}

/// Trains to the end in a run folder, going on from its newest checkpoint where there is one, and writes the trained planner.
pub fn train_in(grpo: Grpo<'_>, course: Course<'_>) -> Result<Checkpoint> {
    let (out, name) = (course.out, course.name);
    let training = Training::begin(grpo, course)?;
    // From here on the folder is this training's, and what befalls it is the run's end.
    ending(&RunLayout::of(out), || training.through(out, name))
}

/// Does the rest of a run, and writes down in its folder how that ended.
///
/// # Errors
/// Hands on what `work` ended with.
pub fn ending<T>(layout: &RunLayout, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let ended = work();
    let end = match &ended {
        Ok(_) => RunEnd::Finished,
        Err(error) => RunEnd::Failed { cause: crate::one_line(error) },
    };
    match (layout.record_end(&end), ended) {
        (Ok(()), ended) | (Err(_), ended @ Err(_)) => ended,
        (Err(error), Ok(_)) => Err(error.into()),
    }
}

/// A training and its folder.
struct Training<'a> {
    grpo: Grpo<'a>,
    folder: RunFolder,
    dev: Option<Dev<'a>>,
    form: Form<'a>,
    patience: Patience,
}

impl<'a> Training<'a> {
    /// Makes the run, or goes on with it.
    fn begin(mut grpo: Grpo<'a>, course: Course<'a>) -> Result<Training<'a>> {
        let Course { out, config, presence, form, mut dev, .. } = course;
        let description = RunDescription::now("grpo", grpo.seed(), fingerprints(&grpo, dev.as_ref())?);
        let folder = match (presence, out.join("run.json").exists()) {
            (Presence::Resume, false) => {
                bail!("{} holds no run to go on with; leave out --resume", out.display())
            }
            (Presence::New, true) => {
                bail!(
                    "{} already holds a run; go on with it by --resume, or choose another `out`",
                    out.display()
                )
            }
            (Presence::Resume | Presence::Either, true) => {
                let continuation = identity::check(out, &description, config, FREEDOM)?;
                if let (Presence::Either, Continuation::Prolonged { from }) = (presence, continuation) {
                    // Nobody has asked for that.
                    bail!(
                        "{} holds a run of {from} steps; choose another folder, or go on with as many",
                        out.display()
                    );
                }
                let (folder, latest) = RunFolder::resume(out)?;
                grpo.count_spent(&read_metrics(&folder.layout().metrics())?);
                if let Some((_, checkpoint)) = &latest {
                    grpo.restore(checkpoint)
                        .with_context(|| format!("failed to resume from {}", checkpoint.display()))?;
                }
                if let Some(dev) = &mut dev {
                    dev.resume(
                        latest.as_ref().map(|(_, checkpoint)| checkpoint.as_path()),
                        &folder.layout().best(),
                    )?;
                }
                if let Continuation::Prolonged { from } = continuation {
                    tracelift_files::write(folder.layout().config(), config)?;
                    eprintln!("{}", prolonged(&grpo.config, out, from, grpo.steps_done()));
                }
                match (latest, grpo.is_done()) {
                    (Some((step, _)), true) => {
                        eprintln!("{} is finished: all {step} steps are done", out.display());
                    }
                    (Some((step, _)), _) => eprintln!("resumed {} after step {step}", out.display()),
                    (None, _) => {}
                }
                folder
            }
            (Presence::New | Presence::Either, false) => RunFolder::create(out, &description, config)?,
        };
        let folder = folder.keeping(grpo.config.keep_last);
        grpo.cast.executor.keep_book(&folder.layout().spending())?;
        let patience = Patience::new(grpo.config.patience, &read_metrics(&folder.layout().metrics())?);
        Ok(Training { grpo, folder, dev, form, patience })
    }

    /// Trains to the end and writes the trained planner.
    fn through(mut self, out: &Path, name: &str) -> Result<Checkpoint> {
        let form = self.form;
        let bar = progress::steps(name, self.grpo.expected_steps(), self.grpo.steps_done());
        while !self.grpo.is_done() {
            // What was drawn of the bar stays where an error ends it.
            self.step(&bar).inspect_err(|_| bar.abandon())?;
        }
        bar.finish();
        ensure!(
            !self.patience.is_in_vain(),
            "{} taught nothing: in none of its {} steps was there a usable trace with a known reward; {}",
            out.display(),
            self.grpo.steps_done(),
            "look at `defect/…` and `unknown/…` in its metrics.jsonl, and begin anew with another `out`"
        );
        if let Some(best) = self.dev.as_ref().and_then(Dev::best) {
            let place = self.folder.layout().best();
            println!("best: {}, of step {} ({})", place.display(), best.step, Dev::valued(best));
        }
        let trained = self.grpo.into_planner();
        form.write(&trained, &out.join("planner"), &out.join("adapter"))?;
        Ok(trained)
    }

    /// One step, with all that it leaves in the folder.
    fn step(&mut self, bar: &ProgressBar) -> Result<()> {
        let step = self.grpo.steps_done() + 1;
        let mut outcome = match self.grpo.step() {
            Ok(outcome) => outcome,
            Err(error) => {
                let kept = match &error {
                    GrpoError::Stopped(stopped) => {
                        let moved = step - 1 - self.patience.fruitless().dark;
                        let how = how_to_go_on(stopped);
                        bail!("stopped before step {step}: {stopped}{how}{}", self.keep(moved)?)
                    }
                    // The planner was not sampled, so it is what it was after the step before.
                    GrpoError::Planner(_) => self.keep(step - 1)?,
                    GrpoError::NonFinite(_) => String::new(),
                };
                return Err(anyhow::Error::new(error).context(format!("step {step} failed{kept}")));
            }
        };
        let last = self.grpo.is_done();
        bar.set_length(self.grpo.expected_steps());
        let stopped = self.look(step, &mut outcome, bar)?;
        self.folder.record_rollouts(step, &outcome.rollouts)?;
        self.folder.record_metrics(&outcome.metrics)?;
        show(bar, step, &outcome.metrics);
        self.patience.see(&outcome.metrics, outcome.last_failure.map(|failure| failure.to_string()));
        let fruitless = self.patience.fruitless();
        // What would be saved where no reward was known is what was there before.
        let moved = step - fruitless.dark;
        if let Some(stopped) = stopped {
            let how = how_to_go_on(&stopped);
            bail!(
                "stopped after step {step}, before the planner was looked at: {stopped}{how}{}",
                self.keep(moved)?
            );
        }
        if self.patience.is_exhausted() || (last && self.patience.is_in_vain()) {
            let told =
                format!("stopped after step {step}: for {} steps in a row, {fruitless}", fruitless.steps);
            bail!("{told}{}", self.keep(moved)?);
        }
        if last {
            if fruitless.steps > 0 {
                eprintln!("warning: in the last {} steps, {fruitless}", fruitless.steps);
            }
            self.save(step)?;
        } else if step.is_multiple_of(self.grpo.config.checkpoint_every) {
            self.keep(moved)?;
        }
        Ok(())
    }

    /// Looks at the planner on the development problems where that is due, and keeps it where it is the best so far. Hands
    /// back why nothing was found where the executor makes no more calls: a look at some of the problems would be another.
    fn look(&mut self, step: u64, outcome: &mut StepOutcome, bar: &ProgressBar) -> Result<Option<Stopped>> {
        let last = self.grpo.is_done();
        let Some(dev) = self.dev.as_mut().filter(|dev| last || dev.is_due(step)) else { return Ok(None) };
        let look = dev
            .look(&self.grpo, &mut outcome.metrics)
            .with_context(|| format!("the planner cannot be looked at after step {step}"))?;
        let look = match look {
            Ok(look) => look,
            Err(stopped) => return Ok(Some(stopped)),
        };
        let layout = self.folder.layout();
        let samples = layout.dev_samples(step);
        tracelift_files::make_folder(samples.parent().unwrap_or(layout.root()))?;
        write_samples(&samples, &look.samples)?;
        let mut told = format!("{} step {step}: dev {}", bar.prefix(), look.told);
        match look.value {
            Some(value) if dev.is_best(value) => {
                told.push_str(", the best so far");
                let (form, trained) = (self.form, self.grpo.checkpoint());
                self.folder.keep_best(step, |dir| {
                    form.write(&trained, dir, &dir.join("adapter"))?;
                    dev.note_best(step, value, dir)
                })?;
            }
            Some(_) => {}
            None => told.push_str("nothing is known"),
        }
        bar.suspend(|| eprintln!("{told}"));
        Ok(None)
    }

    /// Sees to it that a checkpoint holds the planner as it was after a step, since which it has not moved. Says where that is
    /// and how to go on.
    fn keep(&mut self, step: u64) -> Result<String> {
        if step == 0 {
            return Ok("; nothing was trained yet, and --resume begins anew".to_owned());
        }
        let place = self.folder.layout().checkpoint(step);
        if !place.exists() {
            self.save(step)?;
        }
        Ok(format!(
            "; what was trained in {step} steps is kept in {}, and --resume goes on from there",
            place.display()
        ))
    }

    /// Saves a checkpoint as of a step.
    fn save(&mut self, step: u64) -> Result<()> {
        let (grpo, dev) = (&self.grpo, self.dev.as_ref());
        self.folder.save_checkpoint(step, |dir| -> Result<()> {
            grpo.save_as_of(step, dir)?;
            dev.map_or(Ok(()), |dev| dev.save(dir))
        })?;
        Ok(())
    }
}

/// What to do about an executor that makes no more calls, for the middle of a sentence.
fn how_to_go_on(stopped: &Stopped) -> &'static str {
    match stopped {
        Stopped::Budget(_) => "; raise `executor.openai.budget`",
        Stopped::Book(_) => "",
    }
}

/// What is said of a run that is given more steps.
fn prolonged(config: &GrpoConfig, out: &Path, from: u64, done: u64) -> String {
    let (out, to) = (out.display(), config.steps);
    let told = format!("{out} is prolonged from {from} to {to} steps");
    match (config.schedule, config.budget) {
        (Decay::Constant, _) | (_, Some(_)) => told,
        (Decay::Cosine, None) => {
            let before = GrpoConfig { steps: from, ..config.clone() };
            format!(
                "{told}: the learning rate, {:.2e} in step {done} of {from} as the cosine over {from} steps had it, is {:.2e} in \
                 step {} by the one over {to}. A run of {to} steps from the start would have had that all along; with \
                 `grpo.schedule = \"constant\"` the two are one",
                before.rate(done, Spent::default()),
                config.rate(done + 1, Spent::default()),
                done + 1
            )
        }
    }
}

/// What must not change during a run.
fn fingerprints(grpo: &Grpo<'_>, dev: Option<&Dev<'_>>) -> Result<Map<String, Value>> {
    let mut prints = Map::from_iter([
        ("executor".to_owned(), json!(grpo.cast.executor.fingerprint())),
        ("planner".to_owned(), json!(grpo.model().fingerprint())),
        ("problems".to_owned(), json!(grpo.cast.source.fingerprint()?)),
        ("rubric".to_owned(), json!(grpo.cast.rubric.map(TraceScorer::fingerprint))),
    ]);
    if let Some(dev) = dev {
        prints.insert("development_problems".to_owned(), json!(dev.fingerprint()?));
    }
    Ok(prints)
}

/// The live line of a step, and a plain line now and then where nobody watches.
fn show(bar: &ProgressBar, step: u64, metrics: &StepMetrics) {
    let number = |name: &str| metrics.get(name).map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let mut message = format!("reward {}  e {}", number(name::REWARD), number(name::OUTCOME));
    if let Some(verified) = metrics.get(name::VERIFIED) {
        message.push_str(&format!("  verified {verified:.3}"));
    }
    for (what, metric, kinds) in
        [("unknown", name::UNKNOWN, name::UNKNOWN_BY), ("defective", name::DEFECTIVE, name::DEFECTIVE_BY)]
    {
        if let Some(share) = metrics.get(metric).filter(|share| *share > 0.0) {
            message.push_str(&format!("  {what} {share:.3}"));
            if let Some(most) = most_frequent(metrics, kinds) {
                message.push_str(&format!(" ({most})"));
            }
        }
    }
    if bar.is_hidden() && (step.is_multiple_of(10) || step == 1) {
        eprintln!("{} step {step}: {message}", bar.prefix());
    }
    bar.set_message(message);
    bar.set_position(step);
}

/// The kind with the largest share.
fn most_frequent<'m>(metrics: &'m StepMetrics, prefix: &str) -> Option<&'m str> {
    let kinds = metrics.iter().filter_map(|(name, share)| Some((name.strip_prefix(prefix)?, share?)));
    kinds.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(kind, _)| kind)
}
