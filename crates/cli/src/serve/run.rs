//! `tracelift serve`: rewards, scores, verdicts and models over HTTP, on one port.

use super::config::{self, RewardSection, ServeArgs, ServeConfig, in_executor};
use super::{announce, key_of, model_scorer, models};
use crate::config::Origin;
use crate::verify::Programs;
use anyhow::{Context, Error, Result, bail};
use clap::Args;
use std::{num::NonZeroUsize, path::Path, sync::Arc, thread, time::Duration};
use tracelift_datasets::DataSet;
use tracelift_domain::Problem;
use tracelift_executor::{Executor, InProcessError, OpenError};
use tracelift_reward::baselines::{Place, Store};
use tracelift_reward::{RubricError, TraceScorer};
use tracelift_serve::{
    CodeServiceConfig, DEFAULT_EXECUTOR, Executors, Frame, Ledger, ListenConfig, Reading, RewardParts,
    RewardServiceConfig, RubricServiceConfig, Section, Service, VerdictServiceConfig, answers_section,
    code_section, model_section, program_verdicts_section, reward_section, rubric_section, serve, start_log,
};
use tracelift_verify::{Verifier, VerifierConfig, answers::AnswerJudge};

/// Settings of `serve`.
#[derive(Args)]
pub struct Serve {
    #[command(flatten)]
    config: ServeArgs,
}

/// Serves until it is told to stop.
pub fn run(settings: &Serve) -> Result<()> {
    let (config, origin) = config::read(&settings.config)?;
    let listen = listen(&config)?;
    start_log(config.log, config.log_level);
    let frame = Frame::shared(&listen);
    let mut sections: Vec<Section> = Vec::new();
    if let Some(section) = &config.reward {
        sections.push(reward(section, &origin, &frame)?);
    }
    if let Some(section) = &config.rubric {
        let scorer = model_scorer(&section.model, section.task_name.as_deref())?;
        let service = RubricServiceConfig {
            queue: section.queue as usize,
            lanes: section.lanes.unwrap_or_else(cores),
            tags: section.tags,
            ..RubricServiceConfig::default()
        };
        sections.push(rubric_section(Arc::new(scorer), service, &frame)?);
    }
    if let Some(section) = &config.programs {
        let jobs = section.jobs.unwrap_or_else(cores);
        let programs = section.config();
        let verifier =
            Verifier::new(VerifierConfig { jobs: Some(jobs), programs, ..VerifierConfig::default() })?;
        eprintln!("{}", verifier.runner().start()?);
        let verifier = Arc::new(verifier);
        let service = CodeServiceConfig { jobs: jobs.get(), ..CodeServiceConfig::default() };
        sections.push(code_section(Arc::new(Programs { verifier: Arc::clone(&verifier) }), service, &frame)?);
        let queue = service.queue;
        sections.push(program_verdicts_section(verifier, VerdictServiceConfig { queue, jobs }, &frame)?);
    }
    if let Some(section) = &config.answers {
        let judge = AnswerJudge::new(section);
        judge.probe()?;
        let jobs = section.jobs.unwrap_or_else(cores);
        sections.push(answers_section(judge, VerdictServiceConfig { queue: ANSWERS, jobs }, &frame)?);
    }
    if !config.model.is_empty() {
        let mut models = Vec::new();
        for (name, section) in &config.model {
            models.push(
                models::open(name, &section.settings())
                    .with_context(|| origin.blame(&format!("model.{name}.model")))?,
            );
        }
        sections.push(model_section(models, &frame)?);
    }
    let service = Service::of(&frame, sections);
    let drained = serve(service, listen, |address| announce("tracelift", address))?;
    if !drained.complete {
        bail!("stopped before every request in progress was answered; raise `grace_s` to give them longer");
    }
    Ok(())
}

/// Answers that may wait: each takes about a millisecond.
const ANSWERS: usize = 16_384;

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn listen(config: &ServeConfig) -> Result<ListenConfig> {
    Ok(ListenConfig {
        address: config.listen.clone(),
        api_key: config.api_key_env.as_deref().map(|name| key_of("`api_key_env`", name)).transpose()?,
        body_bytes: config.max_body_mb as usize * 1_000_000,
        timeout: Duration::from_secs_f64(config.timeout_s),
        grace: Duration::from_secs_f64(config.grace_s),
        connections: config.max_connections as usize,
        ..ListenConfig::default()
    })
}

/// Who takes part in rewards, opened.
pub struct Cast {
    /// By name.
    pub executors: Vec<(String, Arc<dyn Executor>)>,
    pub verifier: Verifier,
    pub problems: Vec<Problem>,
    pub store: Store,
}

impl Cast {
    /// Opens what baselines need.
    pub fn open(section: &RewardSection, origin: &Origin) -> Result<Cast> {
        let problems = section.problems.as_deref().map(problems).transpose()?.unwrap_or_default();
        let mut executors: Vec<(String, Arc<dyn Executor>)> = Vec::new();
        for (key, name, executor) in section.executors() {
            let executor = executor.open().map_err(|error| match error {
                OpenError::Setting(error) | OpenError::InProcess(InProcessError::Setting(error)) => {
                    origin.refuse(&in_executor(error, &key))
                }
                error => Error::new(error).context(origin.blame(&format!("{key}.in_process.model"))),
            })?;
            match name {
                DEFAULT_EXECUTOR => eprintln!("executor: {}", executor.describe()),
                name => eprintln!("executor {name}: {}", executor.describe()),
            }
            executors.push((name.to_owned(), executor.into()));
        }
        let verifier = Verifier::new(section.verifier.clone())?;
        if let Some(observed) = verifier.probe(&problems)? {
            eprintln!("{observed}");
        }
        let store = match &section.baselines {
            Some(place) => Store::open(place).with_context(|| origin.blame("reward.baselines"))?,
            None => Store::in_memory()?,
        };
        Ok(Cast { executors, verifier, problems, store })
    }
}

/// The problems of a file.
pub fn problems(path: &Path) -> Result<Vec<Problem>> {
    Ok(DataSet::open(path, None, None)?.problems(None)?)
}

fn reward(section: &RewardSection, origin: &Origin, frame: &Frame) -> Result<Section> {
    let Cast { executors, verifier, problems, store } = Cast::open(section, origin)?;
    let usual = section.usual_executors().map_err(|error| origin.refuse(&error))?;
    let rubric = rubric(section, origin)?;
    let ledger = section.log.as_ref().map(|path| Ledger::open(path, section.log_mb * 1_000_000)).transpose();
    let parts = RewardParts {
        executors: Executors::several(executors, &usual)?,
        verifier: Arc::new(verifier),
        verifier_identity: section.verifier.fingerprint(),
        rubric: rubric.map(Arc::from),
        store,
        problems,
        ledger: ledger.with_context(|| origin.blame("reward.log"))?,
    };
    // A model in this process is read on all cores by one request; a server takes several.
    let readers = match section.rubric.as_ref().is_some_and(|rubric| rubric.model.is_none()) {
        true => NonZeroUsize::MIN.saturating_add(3),
        false => NonZeroUsize::MIN,
    };
    let config = RewardServiceConfig {
        reward: section.reward(),
        seed: section.seed,
        reading: Reading { end: section.end, prefill: section.prefill.clone(), tags: section.tags },
        queue: section.queue as usize,
        timeout: section.timeout(),
        judges: section.verifier.jobs.unwrap_or_else(cores),
        readers,
        ..RewardServiceConfig::default()
    };
    Ok(reward_section(parts, config, frame)?)
}

/// Whom `[reward.rubric]` names, made ready. A judge's replies are kept beside the baselines.
fn rubric(section: &RewardSection, origin: &Origin) -> Result<Option<Box<dyn TraceScorer>>> {
    let Some(rubric) = &section.rubric else { return Ok(None) };
    let beside = section.baselines.as_ref().and_then(Place::file).unwrap_or(Path::new("rewards"));
    let scorer = rubric.open(&beside.with_extension("judge.jsonl")).map_err(|error| match error {
        RubricError::Setting(error) => origin.refuse(&error.under("reward")),
        RubricError::Model { .. } => Error::new(error).context(origin.blame("reward.rubric.model")),
        RubricError::Server(_) => Error::new(error).context(origin.of("reward.rubric.url")),
        RubricError::Judge(_) => Error::new(error).context(origin.of("reward.rubric.judge")),
    })?;
    eprintln!("rubric: {}", scorer.describe());
    Ok(Some(scorer))
}
