//! Verdicts by themselves: answers and programs judged as for rewards, one item apart from the others.

use crate::body::{self, BodyLimits, Bytes};
use crate::fault::{Fault, ItemFault, answer};
use crate::listener::{Frame, Section, ServeError, Threads};
use crate::metrics::Metrics;
use crate::openapi::Operation;
use crate::queue::{Place, Places, Queue};
use crate::reward::shapes::{FunctionTests, Test};
use crate::rubric::dialect::{kind, object, text, unknown, value};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tracelift_domain::{Gold, Problem, Question, TaskDomain, Verdict};
use tracelift_verify::answers::{AnswerJudge, Compared};
use tracelift_verify::{Judgement, Verifier};

/// How verdicts are queued.
#[derive(Clone, Copy, Debug)]
pub struct VerdictServiceConfig {
    /// Items that may wait; a request that finds no room is refused with 429.
    pub queue: usize,
    /// Items judged at a time.
    pub jobs: NonZeroUsize,
}

/// Who judges.
enum Judge {
    Answers(AnswerJudge),
    Programs(Arc<Verifier>),
}

/// A completion, and what it is judged by.
struct Case {
    problem: Problem,
    completion: String,
}

/// A judgement, and how an answer was compared.
struct Judged {
    judgement: Judgement,
    compared: Option<Compared>,
}

struct Job {
    case: Case,
    reply: oneshot::Sender<Judged>,
    place: Place,
}

struct Counter {
    judge: Arc<Judge>,
    queue: Arc<Queue<Job>>,
    places: Places,
    limits: BodyLimits,
    metrics: Arc<Metrics>,
}

/// `POST /v1/verify/answers`, as a section of a server.
///
/// # Errors
/// When its threads cannot be had.
pub fn answers_section(
    judge: AnswerJudge,
    config: VerdictServiceConfig,
    frame: &Frame,
) -> Result<Section, ServeError> {
    let operation = Operation::post::<AnswersRequest, VerdictsResponse>(
        "/v1/verify/answers",
        "verifyAnswers",
        "Judge answers.",
        json!({ "items": [{ "gold": "\\frac{1}{2}", "completion": "So it is \\boxed{0.5}." }] }),
    );
    section("answers", operation, Judge::Answers(judge), config, frame)
}

/// `POST /v1/verify/programs`, as a section of a server.
///
/// # Errors
/// When its threads cannot be had.
pub fn program_verdicts_section(
    verifier: Arc<Verifier>,
    config: VerdictServiceConfig,
    frame: &Frame,
) -> Result<Section, ServeError> {
    let operation = Operation::post::<ProgramsRequest, VerdictsResponse>(
        "/v1/verify/programs",
        "verifyPrograms",
        "Judge programs.",
        json!({ "items": [{ "tests": [{ "stdin": "2 3", "stdout": "5" }], "completion": "print(sum(map(int, input().split())))" }] }),
    );
    section("verdicts", operation, Judge::Programs(verifier), config, frame)
}

fn section(
    name: &'static str,
    operation: Operation,
    judge: Judge,
    config: VerdictServiceConfig,
    frame: &Frame,
) -> Result<Section, ServeError> {
    let counter = Arc::new(Counter {
        judge: Arc::new(judge),
        queue: Arc::new(Queue::new()),
        places: Places::new(config.queue),
        limits: frame.limits.clone(),
        metrics: Arc::clone(&frame.metrics),
    });
    let mut handles = Vec::new();
    for i in 0..config.jobs.get() {
        let (judge, queue) = (Arc::clone(&counter.judge), Arc::clone(&counter.queue));
        let thread = std::thread::Builder::new().name(format!("{name} {i}"));
        handles.push(thread.spawn(move || {
            while let Some(job) = queue.pop() {
                work(&judge, job);
            }
        })?);
    }
    let waiting = counter.places.clone();
    frame.gauge(name, "tracelift_queue_items", "Items that wait.", move || waiting.taken() as f64);
    let queue = Arc::clone(&counter.queue);
    let threads = Threads { close: Box::new(move || queue.close()), handles };
    let handler = move |request: Request| {
        let counter = Arc::clone(&counter);
        async move { counter.attend(request).await.unwrap_or_else(IntoResponse::into_response) }
    };
    let health = json!({ "kind": name, "jobs": config.jobs });
    let routes = vec![(operation.path, post(handler))];
    Ok(Section {
        name,
        routes,
        operations: vec![operation],
        openapi: None,
        health,
        threads,
        checks: Vec::new(),
    })
}

fn work(judge: &Judge, job: Job) {
    let Job { case, reply, place } = job;
    drop(place);
    if reply.is_closed() {
        return;
    }
    let judged = catch_unwind(AssertUnwindSafe(|| judge.judge(&case))).unwrap_or_else(|_| {
        tracing::error!("the verifier panicked");
        let verdict = Verdict::Unscorable { why: "the verifier failed on it".into() };
        Judged { judgement: Judgement { verdict, artifact: None, score: None }, compared: None }
    });
    // Whoever asked may have hung up in the meantime.
    let _ = reply.send(judged);
}

impl Judge {
    fn judge(&self, Case { problem, completion }: &Case) -> Judged {
        match (self, &problem.gold) {
            (Judge::Answers(judge), Gold::Answer(gold)) => {
                let (judgement, compared) = judge.explained(gold, completion);
                Judged { judgement, compared }
            }
            (Judge::Programs(verifier), _) => {
                Judged { judgement: verifier.judge(problem, completion), compared: None }
            }
            (Judge::Answers(_), _) => {
                let verdict = Verdict::Unscorable { why: "it has tests and no answer".into() };
                Judged { judgement: Judgement { verdict, artifact: None, score: None }, compared: None }
            }
        }
    }

    /// Reads an item.
    fn read(&self, value: Value) -> Result<Case, ItemFault> {
        let mut map = match value {
            Value::Object(map) => map,
            other => return Err(ItemFault::Invalid(format!("the item is {}, not an object", kind(&other)))),
        };
        let known: &[&str] = match self {
            Judge::Answers(_) => &["gold", "completion", "id"],
            Judge::Programs(_) => &["tests", "function", "completion", "id"],
        };
        if let Some(message) = unknown(&map, known) {
            return Err(ItemFault::Invalid(message));
        }
        let completion = text(&mut map, "completion")?;
        let completion = completion.ok_or_else(|| ItemFault::Invalid("`completion` is missing".into()))?;
        let gold = match self {
            Judge::Answers(_) => answer_of(map.remove("gold"))?,
            Judge::Programs(_) => tests_of(&mut map)?,
        };
        let domain = match gold {
            Gold::Answer(_) => TaskDomain::Math,
            Gold::Tests(_) | Gold::Function(_) => TaskDomain::Code,
        };
        let mut question = Question::new("", domain, "");
        if let Gold::Function(tests) = &gold {
            question.entry.clone_from(&tests.entry);
        }
        Ok(Case { problem: Problem { id: String::new(), question, gold }, completion })
    }
}

fn answer_of(gold: Option<Value>) -> Result<Gold, ItemFault> {
    let gold = match gold {
        Some(Value::String(answer)) => Some(answer),
        Some(Value::Number(answer)) => Some(answer.to_string()),
        Some(Value::Object(mut gold)) => {
            gold.remove("answer").and_then(|answer| Some(answer.as_str()?.to_owned()))
        }
        _ => None,
    };
    gold.filter(|gold| !gold.trim().is_empty())
        .map(Gold::Answer)
        .ok_or_else(|| ItemFault::Invalid("`gold` is no answer: give a text that is not empty".into()))
}

fn tests_of(map: &mut Map<String, Value>) -> Result<Gold, ItemFault> {
    let gold: Map<String, Value> = ["tests", "function"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), map.remove(key)?)))
        .collect();
    let gold: Gold = serde_json::from_value(Value::Object(gold)).map_err(|error| {
        ItemFault::Invalid(format!("give `tests` or `function`, as in files of problems: {error}"))
    })?;
    let untested = match &gold {
        Gold::Answer(_) => true,
        Gold::Tests(tests) => tests.is_empty(),
        Gold::Function(tests) => tests.asserts.is_empty() && tests.check.is_none(),
    };
    match untested {
        true => Err(ItemFault::Invalid("it has no tests, so no program can be judged by it".into())),
        false => Ok(gold),
    }
}

impl Counter {
    async fn attend(&self, request: Request) -> Result<Response, Fault> {
        let deadline = Instant::now() + self.limits.time;
        let Bytes { bytes, room: _room } = self.limits.read(request).await?;
        let (size, judge, most) = (bytes.len(), Arc::clone(&self.judge), self.places.total());
        let read = move || {
            let items = match object(body::from_json(&bytes)?)?.remove("items") {
                Some(Value::Array(items)) => items,
                Some(other) => {
                    return Err(Fault::Invalid(format!("`items` is {}, not a list", kind(&other))));
                }
                None => return Err(Fault::Invalid("`items` is missing".into())),
            };
            if items.len() > most {
                return Err(Fault::TooManyItems { items: items.len(), limit: most });
            }
            Ok(items.into_iter().map(|item| judge.read(item)).collect::<Vec<_>>())
        };
        let cases = body::apart(size, read).await?;
        let places = self.places.reserve(cases.len());
        let mut places = places.ok_or(Fault::QueueFull { retry_after: Duration::from_secs(1) })?.into_iter();
        let mut jobs = Vec::new();
        let waiting: Vec<Result<oneshot::Receiver<Judged>, ItemFault>> = cases
            .into_iter()
            .zip(places.by_ref())
            .map(|(case, place)| {
                let case = case?;
                let (reply, receiver) = oneshot::channel();
                jobs.push(Job { case, reply, place });
                Ok(receiver)
            })
            .collect();
        self.queue.push(jobs);
        let mut results = Vec::with_capacity(waiting.len());
        for waiting in waiting {
            results.push(match waiting {
                Err(fault) => Err(fault),
                Ok(receiver) => match tokio::time::timeout_at(deadline.into(), receiver).await {
                    Ok(Ok(judged)) => Ok(judged),
                    Ok(Err(_)) => return Err(Fault::ShuttingDown),
                    Err(_) => return Err(Fault::TimedOut { limit: self.limits.time }),
                },
            });
        }
        let callers = !results.is_empty() && results.iter().all(Result::is_err);
        let told: Vec<VerdictTold> =
            results.iter().enumerate().map(|(i, result)| self.told(i, result)).collect();
        let told = VerdictsResponse {
            verdicts: told.iter().map(|told| told.verdict).collect(),
            scores: told.iter().map(|told| told.score).collect(),
            results: told,
        };
        let status = if callers { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(answer(status, &value(&told)))
    }

    fn told(&self, index: usize, result: &Result<Judged, ItemFault>) -> VerdictTold {
        let unknown = |cause, place, message| Some(CauseTold { cause, place, message });
        let nothing = VerdictTold {
            index,
            verdict: None,
            score: None,
            artifact: None,
            rule: None,
            extracted: None,
            unknown: None,
        };
        let (word, told) = match result {
            Err(fault) => {
                let unknown = unknown(fault.code(), "item", fault.to_string());
                ("invalid", VerdictTold { unknown, ..nothing })
            }
            Ok(Judged { judgement: Judgement { verdict, artifact, score }, compared }) => {
                let told = VerdictTold {
                    verdict: verdict.success().map(|_| verdict.name()),
                    score: score.map(|score| score.get()),
                    artifact: artifact.as_ref().map(|artifact| artifact.as_str().to_owned()),
                    rule: compared.as_ref().map(|compared| compared.rule.clone()),
                    extracted: compared.as_ref().map(|compared| {
                        let found = compared.extracted.as_ref()?;
                        Some(ExtractedTold { by: found.by, text: found.text.clone() })
                    }),
                    unknown: match verdict {
                        Verdict::Unscorable { why } => unknown("unscorable", "verifier", why.clone()),
                        Verdict::Passed | Verdict::Failed { .. } => None,
                    },
                    ..nothing
                };
                (verdict.name(), told)
            }
        };
        self.metrics.count("tracelift_verdicts_total", "Verdicts by name.", &[("verdict", word)], 1);
        told
    }
}

/// Verdicts of items.
#[derive(Serialize, JsonSchema)]
struct VerdictsResponse {
    /// Null is unknown.
    verdicts: Vec<Option<&'static str>>,
    scores: Vec<Option<f64>>,
    results: Vec<VerdictTold>,
}

/// What was said of one item.
#[derive(Serialize, JsonSchema)]
struct VerdictTold {
    index: usize,
    verdict: Option<&'static str>,
    /// From 0 to 1.
    score: Option<f64>,
    /// What was judged.
    artifact: Option<String>,
    /// By what an answer was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// What was found in the completion, and by which form.
    #[serde(skip_serializing_if = "Option::is_none")]
    extracted: Option<Option<ExtractedTold>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<CauseTold>,
}

#[derive(Serialize, JsonSchema)]
struct ExtractedTold {
    by: &'static str,
    text: String,
}

/// Why a verdict is unknown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "VerdictCause")]
struct CauseTold {
    cause: &'static str,
    #[serde(rename = "where")]
    place: &'static str,
    message: String,
}

/// Answers to be judged.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what is read item by item")]
struct AnswersRequest {
    items: Vec<AnswerItem>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "as `AnswersRequest`")]
struct AnswerItem {
    /// The right answer: a text or a number, or `{"answer": …}`.
    gold: Value,
    completion: String,
    id: Option<Value>,
}

/// Programs to be judged, by tests or by a function's.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what is read item by item")]
struct ProgramsRequest {
    items: Vec<ProgramItem>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "as `ProgramsRequest`")]
struct ProgramItem {
    tests: Option<Vec<Test>>,
    function: Option<FunctionTests>,
    completion: String,
    id: Option<Value>,
}
