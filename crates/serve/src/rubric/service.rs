//! The routes of the rubric service: read a dialect, score, write the dialect.

use super::desk::{Desk, DeskConfig};
use super::dialect::classify::{Classify, ClassifyRequest, ClassifyResponse};
use super::dialect::items::{Items, ScoreRequest, ScoreResponse};
use super::dialect::openrlhf::{OpenRlhf, OpenRlhfRequest, OpenRlhfResponse};
use super::dialect::slime::{Slime, SlimeRequest, SlimeResponse};
use super::dialect::{Asked, Dialect, Entry, House, Outcome, Tags};
use super::{Score, Scorer};
use crate::body::{self, BodyLimits, Bytes};
use crate::fault::{Fault, ItemFault, answer};
use crate::listener::{Frame, ListenConfig, Section, ServeError, Service};
use crate::metrics::Metrics;
use crate::openapi::Operation;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use serde_json::json;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

/// How the rubric service queues and scores.
#[derive(Clone, Copy, Debug)]
pub struct RubricServiceConfig {
    /// Items that may wait; a request that finds no room is refused with 429.
    pub queue: usize,
    /// Items that are scored at a time, each on a thread of its own.
    pub lanes: NonZeroUsize,
    /// Threads that tokenize.
    pub tokenizing: usize,
    /// Bytes of the texts of one item.
    pub item_bytes: usize,
    /// Whether a planner's completion must have its tags.
    pub tags: Tags,
}

impl Default for RubricServiceConfig {
    fn default() -> RubricServiceConfig {
        RubricServiceConfig {
            queue: 1024,
            lanes: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            tokenizing: 1,
            item_bytes: 256 * 1024,
            tags: Tags::Required,
        }
    }
}

/// The rubric service on a scorer.
///
/// # Errors
/// When its threads cannot be had.
pub fn rubric_service(
    scorer: Arc<dyn Scorer>,
    config: RubricServiceConfig,
    listen: &ListenConfig,
) -> Result<Service, ServeError> {
    let frame = Frame::of_one(listen);
    Ok(Service::of_one(&frame, rubric_section(scorer, config, &frame)?))
}

/// The rubric service as a section of a server.
///
/// # Errors
/// When its threads cannot be had.
pub fn rubric_section(
    scorer: Arc<dyn Scorer>,
    config: RubricServiceConfig,
    frame: &Frame,
) -> Result<Section, ServeError> {
    let card = scorer.card();
    let health = json!({ "kind": "rubric reward model", "model": &card });
    let desk = DeskConfig { queue: config.queue, tokenizing: config.tokenizing, lanes: config.lanes.get() };
    let (desk, threads) = Desk::open(&scorer, desk, frame)?;
    let house = House { card, scorer, tags: config.tags, item_bytes: config.item_bytes, items: config.queue };
    let (limits, metrics) = (frame.limits.clone(), Arc::clone(&frame.metrics));
    let counter = Arc::new(Counter { desk, house, limits, metrics });
    let routes = vec![
        (Items::PATH, route::<Items>(&counter)),
        ("/v1/score", route::<Items>(&counter)),
        (OpenRlhf::PATH, route::<OpenRlhf>(&counter)),
        (Slime::PATH, route::<Slime>(&counter)),
        (Classify::PATH, route::<Classify>(&counter)),
    ];
    let operations = operations();
    Ok(Section { name: "rubric", routes, operations, openapi: None, health, threads, checks: Vec::new() })
}

/// What the routes take and give.
fn operations() -> Vec<Operation> {
    let (problem, trace) = ("What is 2 + 3?", "Add 2 and 3.");
    let said = format!("<reasoning>{trace}</reasoning>");
    let score = Operation::post::<ScoreRequest, ScoreResponse<'_>>(
        Items::PATH,
        "score",
        "Score traces.",
        json!({
            "items": [{ "problem": problem, "reasoning": trace, "task_name": "math", "task_type": "math" }],
            "max_length": 2048, "batch_size": 1,
        }),
    );
    let text = format!("<task>math</task>\n<type>math</type>\n<problem>\n{problem}\n</problem>\n{said}");
    vec![
        score.clone(),
        score.at("/v1/score", "scoreV1"),
        Operation::post::<OpenRlhfRequest, OpenRlhfResponse>(
            OpenRlhf::PATH,
            "getReward",
            "OpenRLHF's remote reward model.",
            json!({
                "query": [format!("{problem}{said}")], "prompts": [problem],
                "labels": [{ "problem": problem, "task_name": "math" }],
            }),
        ),
        Operation::post::<SlimeRequest, SlimeResponse>(
            Slime::PATH,
            "remoteRm",
            "slime's remote reward model.",
            json!({ "prompt": problem, "response": said, "label": "5" }),
        )
        .detailed(),
        Operation::post::<ClassifyRequest, ClassifyResponse<'_>>(
            Classify::PATH,
            "classify",
            "vLLM's shape for discriminative reward models.",
            json!({ "model": "rm", "input": [text], "use_activation": false }),
        ),
    ]
}

/// What the routes share.
struct Counter {
    desk: Desk,
    house: House,
    limits: BodyLimits,
    metrics: Arc<Metrics>,
}

fn route<D: Dialect>(counter: &Arc<Counter>) -> MethodRouter {
    let counter = Arc::clone(counter);
    post(move |request: Request| {
        let counter = Arc::clone(&counter);
        async move { counter.attend::<D>(request).await.unwrap_or_else(IntoResponse::into_response) }
    })
}

impl Counter {
    async fn attend<D: Dialect>(self: &Arc<Self>, request: Request) -> Result<Response, Fault> {
        let deadline = Instant::now() + self.limits.time;
        let query = request.uri().query().unwrap_or_default().to_owned();
        let Bytes { bytes, room: _room } = self.limits.read(request).await?;
        let size = bytes.len();
        let counter = Arc::clone(self);
        let read = move || D::read(body::from_json(&bytes)?, &query, &counter.house);
        let Asked { entries, context } = body::apart(size, read).await?;
        let mut items = Vec::new();
        // What waits is remembered by its number among the items to be scored.
        let waiting: Vec<Result<usize, Outcome>> = entries
            .into_iter()
            .map(|entry| match entry {
                Entry::Score(item) => {
                    items.push(item);
                    Ok(items.len() - 1)
                }
                Entry::Defect(defect) => Err(Outcome::Defect(defect)),
                Entry::Invalid(fault) => Err(Outcome::Failed(fault)),
            })
            .collect();
        let receivers = self.desk.submit(items).inspect_err(|_| self.tally("refused", waiting.len()))?;
        let all = async {
            let mut answers = Vec::with_capacity(receivers.len());
            for receiver in receivers {
                answers.push(receiver.await.map_err(|_| Fault::ShuttingDown)?);
            }
            Ok::<Vec<Result<Score, ItemFault>>, Fault>(answers)
        };
        let answers = tokio::time::timeout_at(deadline.into(), all).await;
        let answers = answers.map_err(|_| {
            self.tally("timed_out", waiting.len());
            Fault::TimedOut { limit: self.limits.time }
        })??;
        let outcomes: Vec<Outcome> = waiting
            .into_iter()
            .map(|place| match place {
                Err(outcome) => outcome,
                Ok(i) => match &answers[i] {
                    Ok(score) => Outcome::Scored(*score),
                    Err(fault) => Outcome::Failed(fault.clone()),
                },
            })
            .collect();
        for outcome in &outcomes {
            self.tally(outcome.word(), 1);
            if let Some(defect) = outcome.defect() {
                let help = "Completions without a usable trace, by what is wrong with them.";
                self.metrics.count("tracelift_defects_total", help, &[("defect", defect)], 1);
            }
        }
        Ok(answer(status(&outcomes), &D::write(&context, &outcomes, &self.house)))
    }

    fn tally(&self, outcome: &str, items: usize) {
        let help = "Items by what became of them.";
        self.metrics.count("tracelift_items_total", help, &[("outcome", outcome)], items as u64);
    }
}

/// A request of which at least one item was judged is a success, and so is one without items. Where none was, the status
/// says whose fault it is.
fn status(outcomes: &[Outcome]) -> StatusCode {
    let faults = || {
        outcomes.iter().map(|outcome| match outcome {
            Outcome::Failed(fault) => Some(fault),
            _ => None,
        })
    };
    if outcomes.is_empty() || faults().any(|fault| fault.is_none()) {
        StatusCode::OK
    } else if faults().flatten().all(ItemFault::is_callers) {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}
