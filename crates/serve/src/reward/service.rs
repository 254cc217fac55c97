//! The routes of the reward service: read, appraise, write down, tell.

use super::answers::{Answers, KEY, REPLAYED};
use super::appraise::{Appraised, Appraiser};
use super::asked::{self, Delivery, Entry, Terms};
use super::baseline::Baselines;
use super::desk::{Desk, Staff};
use super::dialect::{
    openrlhf::{self, OpenRlhf},
    slime::Slime,
    trl::Trl,
    verl::Verl,
};
use super::executors::{self, Names, Readers};
use super::ledger::{self, Ledger};
use super::problems::{self, Problems};
use super::told::{self, Fingerprints, RewardResponse};
use super::{Executors, Reading, RewardParts, RewardServiceConfig, shapes, stream};
use crate::body::{self, BodyLimits, Bytes};
use crate::fault::{Fault, answer};
use crate::listener::{Frame, Section, ServeError, Threads};
use crate::metrics::{Metrics, Unit};
use crate::openapi::Operation;
use crate::queue::Places;
use crate::ready::Check;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post, put};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tracelift_domain::Fingerprint;
use tracelift_reward::{Place, RewardConfig, Unknown};

/// How long a client is asked to wait before it asks again for what is unknown.
pub(super) const AGAIN: Duration = Duration::from_secs(5);

/// What a dialect knows of the service.
pub(super) struct House {
    pub config: RewardConfig,
    pub reading: Reading,
    /// Of the executors.
    pub names: Names,
    /// Items of one request.
    pub items: usize,
    /// Bytes of one completion.
    pub item_bytes: usize,
    pub fingerprints: Fingerprints,
}

/// A request, read.
pub(super) struct Heard<C> {
    pub entries: Vec<Entry>,
    pub terms: Terms,
    /// What the answer needs of the question.
    pub context: C,
}

/// An answer.
pub(super) struct Said {
    pub status: StatusCode,
    pub body: Value,
}

/// How one kind of client asks and reads.
pub(super) trait Speech: Send + 'static {
    /// The route.
    const PATH: &'static str;
    /// What the answer needs of the question.
    type Context: Send + 'static;

    /// Reads a request. A fault is the whole request's; an item that is wrong is an [`Entry`].
    fn read(body: Value, query: &str, house: &House) -> Result<Heard<Self::Context>, Fault>;

    /// Writes the answer: one appraisal an item, in their order.
    fn write(context: &Self::Context, appraised: &[Appraised], house: &House) -> Said;
}

/// `POST /v1/reward`.
struct Native;

impl Speech for Native {
    const PATH: &'static str = "/v1/reward";
    type Context = ();

    fn read(body: Value, _query: &str, house: &House) -> Result<Heard<()>, Fault> {
        let asked::Asked { entries, terms } = asked::request(body, house)?;
        Ok(Heard { entries, terms, context: () })
    }

    fn write((): &(), appraised: &[Appraised], house: &House) -> Said {
        let callers = |one: &Appraised| {
            one.appraisal.unknown.as_ref().is_some_and(|unknown| unknown.place == Place::Item)
        };
        let status = match !appraised.is_empty() && appraised.iter().all(callers) {
            true => StatusCode::UNPROCESSABLE_ENTITY,
            false => StatusCode::OK,
        };
        Said { status, body: told::value(&told::RewardResponse::of(appraised, house)) }
    }
}

/// The reward service as a section of a server.
///
/// # Errors
/// When its threads cannot be had.
pub fn reward_section(
    parts: RewardParts,
    config: RewardServiceConfig,
    frame: &Frame,
) -> Result<Section, ServeError> {
    let RewardParts { executors, verifier, verifier_identity, rubric, store, problems: given, ledger } =
        parts;
    let names = executors.names();
    let usual = names.usual();
    let prints: Vec<Fingerprint> =
        executors.all().iter().map(|named| named.executor.fingerprint().clone()).collect();
    let prompts: Vec<Fingerprint> =
        executors.all().iter().map(|named| told::prompts(&*named.executor)).collect();
    let each = executors.all().iter().zip(prints.iter().zip(&prompts));
    let each = each.map(|(named, (executor, prompts))| {
        let prints = told::ExecutorPrints { executor: executor.clone(), prompts: prompts.clone() };
        (named.name.to_string(), prints)
    });
    let fingerprints = Fingerprints {
        executor: executors::together(usual.iter().map(|&place| &prints[place])),
        rubric: rubric.as_ref().map(|rubric| rubric.fingerprint()),
        verifier: verifier_identity,
        prompts: executors::together(usual.iter().map(|&place| &prompts[place])),
        reading: config.reading.fingerprint(),
        executors: (prints.len() > 1).then(|| each.collect()),
    };
    let kept = store.name().to_owned();
    let staff = Staff { executors, verifier, rubric };
    let (desk, threads) = Desk::open(&staff, store, &config, frame)?;
    let ledger = ledger.map(Arc::new);
    let threads = match ledger.clone() {
        None => threads,
        Some(ledger) => {
            let Threads { close, handles } = threads;
            let close = Box::new(move || {
                close();
                ledger.finish();
            });
            Threads { close, handles }
        }
    };
    let problems = Arc::new(Problems::new(given, desk.clone()));
    let baselines = Baselines::new(desk.clone(), prints.into(), fingerprints.verifier.clone(), config.seed);
    let appraiser =
        Appraiser { desk: desk.clone(), baselines, problems: Arc::clone(&problems), seed: config.seed };
    let settings = settings(&config);
    let health = json!({
        "kind": "reward",
        "settings": settings,
        "executor": described(&staff.executors),
        "rubric": staff.rubric.as_ref().map(|rubric| rubric.describe()),
        "baselines": kept,
        "fingerprints": fingerprints,
    });
    let places = Places::new(config.queue);
    let counted = places.clone();
    frame.gauge("reward", "tracelift_reward_items", "Items in progress.", move || counted.taken() as f64);
    let house = House {
        config: config.reward.clone(),
        reading: config.reading.clone(),
        names,
        items: config.queue,
        item_bytes: config.item_bytes,
        fingerprints,
    };
    let counter = Arc::new(Counter {
        appraiser,
        house,
        settings,
        limits: frame.limits.clone(),
        metrics: Arc::clone(&frame.metrics),
        places,
        timeout: config.timeout,
        milliseconds: AtomicU64::new(0),
        reads_rubric: staff.rubric.is_some(),
        ledger,
        answers: Answers::default(),
    });
    let registering = Arc::clone(&counter);
    let register = move |request: Request| {
        let counter = Arc::clone(&registering);
        async move { counter.register(request).await.unwrap_or_else(IntoResponse::into_response) }
    };
    let routes = vec![
        (Native::PATH, route::<Native>(&counter)),
        ("/v1/problems", put(register.clone()).post(register)),
        (OpenRlhf::PATH, route::<OpenRlhf>(&counter)),
        (Slime::PATH, route::<Slime>(&counter)),
        (Trl::PATH, route::<Trl>(&counter)),
        (Verl::PATH, route::<Verl>(&counter)),
    ];
    let mut checks: Vec<Check> = Vec::new();
    for (place, named) in staff.executors.all().iter().enumerate() {
        let executor = Arc::clone(&named.executor);
        let look = move || match executor.reach() {
            Ok(()) => Ok(json!(executor.describe())),
            Err(failure) => Err(failure.to_string()),
        };
        let name = match counter.house.names.shown(place) {
            None => "executor".to_owned(),
            Some(name) => format!("executor {name}"),
        };
        checks.push(Check { name, look: Box::new(look) });
    }
    if let Some(observed) = staff.verifier.sandbox() {
        let sandbox = json!(observed);
        checks.push(Check { name: "sandbox".into(), look: Box::new(move || Ok(sandbox.clone())) });
    }
    let operations = operations();
    Ok(Section { name: "reward", routes, operations, openapi: None, health, threads, checks })
}

/// What the routes take and give.
fn operations() -> Vec<Operation> {
    use shapes::{
        RegisterRequest, RegisterResponse, RewardOpenRlhfRequest, RewardRequest, RewardSlimeRequest,
        RewardSlimeResponse, RewardTrlRequest, RewardTrlResponse, RewardVerlRequest, RewardVerlResponse,
    };
    let statement = "cal has 12 pears . he gives 8 to gus . how many has gus ?";
    let said = "<reasoning> gus has 8 . </reasoning>";
    let problem = json!({ "id": "pears", "statement": statement, "gold": { "answer": "8" } });
    let register = Operation::post::<RegisterRequest, RegisterResponse>(
        "/v1/problems",
        "registerProblemsByPost",
        "Register problems, so that items need only name them.",
        json!({ "problems": [problem] }),
    );
    vec![
        Operation::post::<RewardRequest, RewardResponse<'_>>(
            Native::PATH,
            "reward",
            "Rewards of completions.",
            json!({ "items": [{ "problem": problem, "completion": said, "finish_reason": "stop" }] }),
        )
        .or::<told::StreamLine<'_>>(stream::KIND)
        .keyed(),
        register.clone().by("put", "registerProblems"),
        register,
        Operation::post::<RewardOpenRlhfRequest, openrlhf::Told>(
            OpenRlhf::PATH,
            "getWholeReward",
            "OpenRLHF's remote reward model, with the whole reward.",
            json!({ "query": [format!("{statement}{said}")], "prompts": [statement], "labels": ["8"] }),
        )
        .keyed(),
        Operation::post::<RewardSlimeRequest, RewardSlimeResponse<'_>>(
            Slime::PATH,
            "remoteWholeReward",
            "slime's remote reward model, with the whole reward.",
            json!({ "prompt": statement, "response": said, "label": "8" }),
        )
        .keyed()
        .detailed(),
        Operation::post::<RewardTrlRequest, RewardTrlResponse<'_>>(
            Trl::PATH,
            "rewardFunction",
            "What TRL calls a reward function with, and what that returns.",
            json!({ "prompts": [statement], "completions": [said], "answer": ["8"] }),
        )
        .keyed()
        .detailed(),
        Operation::post::<RewardVerlRequest, RewardVerlResponse>(
            Verl::PATH,
            "computeScore",
            "What verl calls a reward function with, and what that returns.",
            json!({ "data_source": "words", "solution_str": said, "ground_truth": "8", "extra_info": { "question": statement } }),
        )
        .keyed(),
    ]
}

/// What there is to say of executors: of one alone its line, of several a line each.
fn described(executors: &Executors) -> Value {
    match executors.all() {
        [one] => json!(one.executor.describe()),
        all => json!(executors::by_name(all, |named| named.executor.describe())),
    }
}

/// What decides rewards beside those who take part.
fn settings(config: &RewardServiceConfig) -> Value {
    json!({
        "rule": config.reward.rule, "lambda": config.reward.lambda, "runs": config.reward.runs,
        "format": config.reward.format, "seed": config.seed.0,
    })
}

/// What the routes share.
pub(super) struct Counter {
    pub appraiser: Appraiser,
    pub house: House,
    settings: Value,
    limits: BodyLimits,
    metrics: Arc<Metrics>,
    places: Places,
    timeout: Duration,
    /// Of an item, smoothed; for telling a refused client when to come back.
    milliseconds: AtomicU64,
    reads_rubric: bool,
    ledger: Option<Arc<Ledger>>,
    answers: Answers,
}

fn route<S: Speech>(counter: &Arc<Counter>) -> MethodRouter {
    let counter = Arc::clone(counter);
    post(move |request: Request| {
        let counter = Arc::clone(&counter);
        async move { counter.attend::<S>(request).await.unwrap_or_else(IntoResponse::into_response) }
    })
}

/// Items under way: each with its place in the request.
pub(super) struct Batch {
    all: JoinSet<(usize, Option<Appraised>, Duration)>,
    /// Those of which nothing has been heard.
    open: BTreeSet<usize>,
}

impl Counter {
    async fn attend<S: Speech>(self: &Arc<Self>, request: Request) -> Result<Response, Fault> {
        let deadline = Instant::now() + self.timeout;
        let query = request.uri().query().unwrap_or_default().to_owned();
        let keyed = request.headers().get(KEY).is_some().then(|| request.headers().clone());
        let Bytes { bytes, room } = self.limits.read(request).await?;
        let keyed = match keyed {
            Some(headers) => self.answers.keyed(&format!("{}?{query}", S::PATH), &headers, &bytes)?,
            None => None,
        };
        let turn = match &keyed {
            None => None,
            Some(keyed) => match keyed.turn(&self.appraiser.desk).await? {
                (_, Some(known)) => return Ok(replayed(known.status, known.body)),
                (turn, None) => Some(turn),
            },
        };
        let size = bytes.len();
        let counter = Arc::clone(self);
        let read = move || S::read(body::from_json(&bytes)?, &query, &counter.house);
        let Heard { entries, terms, context } = body::apart(size, read).await?;
        let Terms { config, readers, delivery } = terms;
        let config = Arc::new(config);
        let mut batch = self.begin(entries, (&config, &readers), deadline)?;
        if delivery == Delivery::Streamed {
            let kept = keyed.zip(turn);
            return Ok(stream::answer(Arc::clone(self), batch, config, kept, room));
        }
        let mut appraised = Vec::new();
        while let Some(one) = self.next(&mut batch).await {
            appraised.push(one);
        }
        appraised.sort_unstable_by_key(|(index, _)| *index);
        let appraised: Arc<[Appraised]> = appraised.into_iter().map(|(_, one)| one).collect();
        self.write_down(0, &appraised, &config).await;
        let Said { status, body } = S::write(&context, &appraised, &self.house);
        if let Some(keyed) = &keyed
            && status != StatusCode::SERVICE_UNAVAILABLE
        {
            keyed.keep(&self.appraiser.desk, status.as_u16(), body.to_string()).await?;
        }
        drop(turn);
        let mut response = answer(status, &body);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN.as_secs()));
        }
        Ok(response)
    }

    /// Begins with all items of a request at once. Dropping the batch drops what of them has not begun.
    fn begin(
        &self,
        entries: Vec<Entry>,
        (config, readers): (&Arc<RewardConfig>, &Readers),
        deadline: Instant,
    ) -> Result<Batch, Fault> {
        if config.needs().rubric && !self.reads_rubric {
            let rule = config.rule.name();
            let message = format!(
                "`rule` is `{rule}`, which needs a reading against the rubric; the server has no `[reward.rubric]`"
            );
            return Err(Fault::Invalid(message));
        }
        let count = entries.len();
        let places = self.places.reserve(count).ok_or_else(|| {
            self.tally("refused", count);
            Fault::QueueFull { retry_after: self.time_for_one() }
        })?;
        let mut all = JoinSet::new();
        for (index, (entry, place)) in entries.into_iter().zip(places).enumerate() {
            let (config, readers) = (Arc::clone(config), Arc::clone(readers));
            let work = self.appraiser.clone().appraise(entry, config, readers, Arc::new(place));
            let started = Instant::now();
            all.spawn(async move {
                let appraised = tokio::time::timeout_at(deadline.into(), work).await.ok();
                (index, appraised, started.elapsed())
            });
        }
        Ok(Batch { all, open: (0..count).collect() })
    }

    /// The next item that is done, whichever it is; nothing once there is none.
    pub async fn next(&self, batch: &mut Batch) -> Option<(usize, Appraised)> {
        while let Some(done) = batch.all.join_next().await {
            // One that panicked is told as lost, after all others; what it says is in the log.
            let Ok((index, appraised, took)) = done else { continue };
            batch.open.remove(&index);
            self.note(took);
            let appraised = appraised.unwrap_or_else(|| {
                let seconds = self.timeout.as_secs_f64();
                let message = format!("it was not appraised within {seconds} s: the executor is overloaded or the request too large");
                Appraised::unknown(Unknown { cause: "timed_out", place: Place::Server, message })
            });
            self.count(&appraised);
            return Some((index, appraised));
        }
        let index = batch.open.pop_first()?;
        let message = "its appraisal came to no end; the server's log says why".to_owned();
        let lost = Appraised::unknown(Unknown { cause: "lost", place: Place::Server, message });
        self.count(&lost);
        Some((index, lost))
    }

    /// Writes items down, the first of which has this place in its request, before they are told. A log that cannot be written costs
    /// nobody a reward.
    pub async fn write_down(&self, first: usize, appraised: &Arc<[Appraised]>, config: &RewardConfig) {
        let Some(ledger) = &self.ledger else { return };
        let (ledger, appraised) = (Arc::clone(ledger), Arc::clone(appraised));
        let (fingerprints, names) = (self.house.fingerprints.clone(), self.house.names.clone());
        let mut settings = self.settings.clone();
        settings["rule"] = json!(config.rule);
        settings["lambda"] = json!(config.lambda);
        settings["runs"] = json!(config.runs);
        let write = move |_: &_| {
            let mut lines = Vec::new();
            for (index, one) in appraised.iter().enumerate().filter(|(_, one)| ledger::is_kept(one)) {
                let line = ledger::Line::of(first + index, (one, &names), &fingerprints, &settings);
                lines.extend_from_slice(told::value(&line).to_string().as_bytes());
                lines.push(b'\n');
            }
            ledger.write(&lines)
        };
        if let Some(Err(error)) = self.appraiser.desk.keep(write).await {
            tracing::error!(%error, "rewards are not written down");
        }
    }

    async fn register(&self, request: Request) -> Result<Response, Fault> {
        let Bytes { bytes, room: _room } = self.limits.read(request).await?;
        let size = bytes.len();
        let problems = body::apart(size, move || problems::registered(body::from_json(&bytes)?)).await?;
        let count = problems.len();
        let new = self.appraiser.problems.register(problems).await?;
        let told = json!({ "registered": count, "new": new, "known": self.appraiser.problems.len() });
        Ok(answer(StatusCode::OK, &told))
    }

    fn note(&self, took: Duration) {
        let (now, before) = (took.as_millis() as u64, self.milliseconds.load(Ordering::Relaxed));
        self.milliseconds.store(if before == 0 { now } else { (before * 19 + now) / 20 }, Ordering::Relaxed);
        let help = "From an item's arrival to its appraisal.";
        self.metrics.observe("tracelift_reward_seconds", help, Unit::Seconds, &[], took.as_secs_f64());
    }

    /// When there may be room: after as long as an item takes.
    fn time_for_one(&self) -> Duration {
        let seconds = self.milliseconds.load(Ordering::Relaxed) as f64 / 1000.0;
        Duration::from_secs_f64(seconds.clamp(1.0, 30.0).ceil())
    }

    fn tally(&self, outcome: &str, items: usize) {
        let help = "Items by what became of them.";
        self.metrics.count("tracelift_rewards_total", help, &[("outcome", outcome)], items as u64);
    }

    fn count(&self, one: &Appraised) {
        let (appraisal, usage) = (&one.appraisal, &one.usage);
        match (&appraisal.unknown, appraisal.defect) {
            (Some(unknown), _) => {
                self.tally(if unknown.place == Place::Item { "invalid" } else { "unknown" }, 1);
                let labels = [("cause", unknown.cause), ("where", unknown.place.name())];
                self.metrics.count("tracelift_unknown_total", "Unknown rewards.", &labels, 1);
            }
            (None, Some(_)) => self.tally("no_trace", 1),
            (None, None) => self.tally("rewarded", 1),
        }
        if let Some(defect) = appraisal.defect {
            let help = "Completions without a usable trace, by what is wrong with them.";
            self.metrics.count("tracelift_defects_total", help, &[("defect", defect.code())], 1);
        }
        if usage.calls > 0 {
            let help = "Executor calls that ended, well or badly.";
            self.metrics.count("tracelift_executor_calls_total", help, &[], usage.calls);
        }
        if usage.cached > 0 {
            let help = "Runs without a trace that nobody had to be asked for.";
            self.metrics.count("tracelift_baselines_cached_total", help, &[], usage.cached);
        }
    }

    /// Counts items of which nobody was there to be told.
    pub fn count_unheard(&self, batch: &Batch) {
        if !batch.open.is_empty() {
            self.tally("hung_up", batch.open.len());
        }
    }
}

/// An answer that was given before. One that came in lines has lines for its body.
fn replayed(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if body.ends_with('\n') { stream::KIND } else { "application/json" };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::HeaderName::from_static(REPLAYED), HeaderValue::from_static("true")),
    ];
    (status, headers, body).into_response()
}
