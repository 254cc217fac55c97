//! A reward model behind HTTP: `tracelift rm serve`, or any server that speaks its native dialect (`POST /score`).
//!
//! Question and trace go out as they are, under the names that a local model reads them by, and the answer's numbers are
//! taken as they stand; so a remote model's scores are those of the same model read here, to the last bit. What the server
//! does not answer, or answers as another model, is unknown.

use crate::{
    loss::RubricScore,
    scorer::{ScoreFailure, ScoreItem, TraceScorer},
};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tracelift_domain::{DIMENSIONS, Fingerprint, Seed, SettingError, TaskDomain};
use tracelift_executor::{CallFailure, Service, ServiceConfig};

/// Items of one request: what is lost together where a request fails.
const TOGETHER: usize = 8;
/// The best label of a dimension.
const BEST: f64 = 4.0;

/// A reward model behind HTTP.
#[derive(Debug)]
pub struct RemoteScorer {
    service: Service,
    concurrency: usize,
    card: Card,
    fingerprint: Fingerprint,
}

/// What the server says of its model.
#[derive(Clone, Debug, Deserialize)]
struct Card {
    name: String,
    fingerprint: String,
    domain: TaskDomain,
    dimensions: [String; DIMENSIONS],
}

/// Why a server cannot be a scorer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(#[from] SettingError),
    /// It does not say what it is.
    #[error(
        "no reward model answers at {url}: {failure}; start one by `tracelift rm serve DIR`, or mend the address"
    )]
    Silent {
        /// Where.
        url: String,
        /// What came instead.
        failure: CallFailure,
    },
}

#[derive(Deserialize)]
struct Health {
    service: Kind,
}

#[derive(Deserialize)]
struct Kind {
    model: Card,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Found>,
    model: Served,
}

#[derive(Deserialize)]
struct Served {
    fingerprint: String,
}

/// What became of an item.
#[derive(Deserialize)]
struct Found {
    index: usize,
    score: Option<f64>,
    derived: Option<f64>,
    total: Option<f64>,
    dimensions: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    defect: Option<String>,
    #[serde(default)]
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

impl RemoteScorer {
    /// Asks a server what model it has, and whether it scores for us.
    ///
    /// # Errors
    /// A setting that makes no sense, or a server that does not say.
    pub fn open(config: &ServiceConfig) -> Result<RemoteScorer, RemoteError> {
        let written = config.url.trim().trim_end_matches('/');
        if let Some(base) = ["/score", "/health"].iter().find_map(|route| written.strip_suffix(route)) {
            let fault = format!("has {:?}: it ends in a route; leave that out: {base:?}", config.url);
            return Err(SettingError::new("url", fault).into());
        }
        let service = Service::new(config)?;
        let read = |body: &[u8]| {
            let health: Health = serde_json::from_slice(body).map_err(|error| error.to_string())?;
            Ok(health.service.model)
        };
        let silent = |failure| RemoteError::Silent { url: service.url().to_owned(), failure };
        let card = service.get("health", Seed(0), read).map_err(silent)?;
        // Whoever lacks the key, or the route, is to know before anything is sampled.
        service.post("score", &json!({ "items": [] }), Seed(0), |_| Ok(())).map_err(silent)?;
        // That of the model, where the server tells one as this house makes them: the scores are the model's.
        let fingerprint = Fingerprint::parse(&card.fingerprint).unwrap_or_else(|| {
            Fingerprint::of([
                ("rubric server", card.name.as_bytes()),
                ("fingerprint", card.fingerprint.as_bytes()),
            ])
        });
        Ok(RemoteScorer { service, concurrency: config.concurrency.get(), card, fingerprint })
    }

    /// The model's name, as the server tells it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.card.name
    }

    /// The rubric that the model was trained for.
    #[must_use]
    pub fn domain(&self) -> TaskDomain {
        self.card.domain
    }

    /// The scores of one request.
    fn ask(&self, items: &[ScoreItem<'_>], seed: Seed) -> Vec<Result<RubricScore, ScoreFailure>> {
        let asked: Vec<_> = items
            .iter()
            .map(|item| {
                json!({
                    "problem": item.question.statement,
                    "reasoning": item.trace.as_str(),
                    "task_name": item.question.source,
                    "task_type": item.question.domain.name(),
                })
            })
            .collect();
        let read = |body: &[u8]| self.read(body, items.len());
        match self.service.post("score", &json!({ "items": asked }), seed, read) {
            Ok(scores) => scores,
            Err(failure) => vec![Err(ScoreFailure::Server(failure)); items.len()],
        }
    }

    fn read(&self, body: &[u8], count: usize) -> Result<Vec<Result<RubricScore, ScoreFailure>>, String> {
        let answer: Answer = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if answer.model.fingerprint != self.card.fingerprint {
            let (url, served) = (self.service.url().to_owned(), answer.model.fingerprint);
            let failure = ScoreFailure::OtherModel { url, asked: self.card.fingerprint.clone(), served };
            return Ok(vec![Err(failure); count]);
        }
        if answer.results.len() != count
            || answer.results.iter().enumerate().any(|(at, found)| found.index != at)
        {
            return Err(format!("its `results` are not one for each of the {count} items, in their order"));
        }
        Ok(answer.results.into_iter().map(|found| self.score(found)).collect())
    }

    fn score(&self, found: Found) -> Result<RubricScore, ScoreFailure> {
        if let Some(why) = found.error.map(|fault| fault.message).or(found.defect) {
            return Err(ScoreFailure::Unscored(why));
        }
        let known = || {
            let labels = found.dimensions.as_ref()?;
            let mut dimensions = [0.0; DIMENSIONS];
            for (to, name) in dimensions.iter_mut().zip(&self.card.dimensions) {
                *to = *labels.get(name)?;
            }
            let (derived, total, score) = (found.derived?, found.total?, found.score?);
            Some(RubricScore { dimensions, derived, total, score })
        };
        let score = known().ok_or_else(|| {
            let message = "the answer lacks `score`, `derived`, `total` or one of `dimensions`";
            ScoreFailure::Unscored(message.into())
        })?;
        let labels = score.dimensions.iter().all(|label| (0.0..=BEST).contains(label));
        let shares = [score.derived, score.total].iter().all(|share| (0.0..=1.0).contains(share));
        if labels && shares && score.probability().is_some() {
            Ok(score)
        } else {
            Err(ScoreFailure::NotAScore)
        }
    }
}

impl TraceScorer for RemoteScorer {
    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.clone()
    }

    fn describe(&self) -> String {
        format!(
            "reward model {} at {} ({}, {})",
            self.card.name,
            self.service.url(),
            self.fingerprint,
            self.card.domain.name()
        )
    }

    fn score(&self, items: &[ScoreItem<'_>]) -> Vec<Result<RubricScore, ScoreFailure>> {
        let requests: Vec<&[ScoreItem<'_>]> = items.chunks(TOGETHER).collect();
        let places: Vec<OnceLock<_>> = requests.iter().map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(at) else { break };
                places[at].get_or_init(|| self.ask(request, Seed(0).child("request", at as u64)));
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.concurrency.min(requests.len()) {
                // A thread that cannot be had costs time, not scores: this one works through the list as well.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        let lost = |request: &&[ScoreItem<'_>]| vec![Err(ScoreFailure::NotAScore); request.len()];
        places
            .into_iter()
            .zip(&requests)
            .flat_map(|(place, request)| place.into_inner().unwrap_or_else(|| lost(request)))
            .collect()
    }
}
