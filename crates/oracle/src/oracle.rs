//! Asking: from an inquiry to a checked answer.

use crate::{
    failure::{Failure, Stop, excerpt},
    json::{Candidate, Repair, candidates},
    ledger::{Key, Ledger, LedgerError, Reply},
    pace::{MINUTE, Pace},
    progress::Progress,
    request::Schema,
    settings::{OracleConfig, Structured, as_written},
    template::Template,
    turnstile::Turnstile,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Instant,
};
use tracelift_domain::{Message, Role, SettingError};
use tracelift_executor::Chat;

/// How much of an unusable reply is shown to its writer, in bytes.
const SHOWN: usize = 8 << 10;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Inquiry<'a> {
    /// The template that the conversation was made from.
    pub template: &'a Template,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The shape of the reply.
    pub schema: &'a Schema,
    /// Which of several independent answers to the same conversation, from 0.
    pub sample: u64,
}

/// A checked answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// How it came about.
    pub provenance: Provenance,
}

/// How an answer came about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The model's name in the settings.
    pub model: String,
    /// As the request said; absent where the server's own was used.
    pub temperature: Option<f64>,
    /// `name@version`.
    pub template: String,
    /// Which of several answers.
    pub sample: u64,
    /// What of the reply's JSON had to be mended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// Whether the first reply could not be used.
    #[serde(default)]
    pub corrected: bool,
}

/// An oracle that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// Its settings.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Its ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Its templates.
    #[error(transparent)]
    Template(#[from] crate::template::TemplateError),
}

type Observer = Box<dyn Fn(&Progress) + Send + Sync>;

/// A prompted model. It may be asked from many threads.
pub struct Oracle {
    pub(crate) config: OracleConfig,
    pub(crate) chat: Chat,
    pub(crate) ledger: Option<Ledger>,
    pub(crate) turnstile: Turnstile,
    /// The endpoint at which the next inquiry starts.
    pub(crate) turn: AtomicUsize,
    /// Until when each endpoint wants to be left alone.
    pub(crate) rests: Mutex<Vec<Option<Instant>>>,
    /// How the schema is put to the server, as far as it has refused: an index into `fetch::WAYS`.
    pub(crate) way: AtomicU8,
    /// Inquiries in a row without any reply.
    pub(crate) misses: AtomicUsize,
    /// Inquiries that are being asked, so that nobody asks the same at the same time.
    pub(crate) pending: Mutex<HashSet<Key>>,
    pub(crate) settled: Condvar,
    counts: Mutex<Progress>,
    observer: Option<Observer>,
    start: Instant,
}

impl fmt::Debug for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oracle({})", self.describe())
    }
}

impl Oracle {
    /// An oracle with these settings. Its ledger is opened; nothing is sent yet.
    ///
    /// # Errors
    /// A setting that makes no sense, an API key that is named and not there, a ledger that cannot be used.
    pub fn new(config: OracleConfig) -> Result<Oracle, OracleError> {
        config.validate()?;
        let chat = Chat::new(config.transport()).map_err(as_written)?;
        let ledger = config.ledger.as_deref().map(Ledger::open).transpose()?;
        let spent = ledger.as_ref().map(|ledger| ledger.earlier).unwrap_or_default();
        let pace = Pace::new(
            config.requests_per_minute.map(Into::into),
            config.tokens_per_minute.map(|limit| limit.get() as u64),
            MINUTE,
        );
        let way = match config.structured {
            Structured::Auto | Structured::JsonSchema => 0,
            Structured::JsonObject => 1,
            Structured::None => 2,
        };
        Ok(Oracle {
            turnstile: Turnstile::new(config.concurrency.get(), pace, config.budget, config.price, spent),
            turn: AtomicUsize::new(0),
            rests: Mutex::new(vec![None; chat.endpoints().len()]),
            way: AtomicU8::new(way),
            misses: AtomicUsize::new(0),
            pending: Mutex::default(),
            settled: Condvar::new(),
            counts: Mutex::default(),
            observer: None,
            start: Instant::now(),
            config,
            chat,
            ledger,
        })
    }

    /// Calls `observer` whenever an inquiry has ended, on the thread that asked it.
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> Oracle {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Its settings.
    #[must_use]
    pub fn config(&self) -> &OracleConfig {
        &self.config
    }

    /// One line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{} at {}", self.config.model, self.chat.endpoints().join(", "))
    }

    /// Ends the work: what is under way is finished and kept, nothing more is asked.
    pub fn stop(&self) {
        self.turnstile.stop(Stop::Requested);
    }

    /// Why nothing more is asked, if that is so.
    #[must_use]
    pub fn stopped(&self) -> Option<Stop> {
        self.turnstile.stopped()
    }

    /// The counts so far.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let (spent, under_way) = self.turnstile.reading();
        Progress {
            spent,
            under_way: under_way as u64,
            lost: self.ledger.as_ref().map_or(0, |ledger| ledger.lost),
            damaged: self.ledger.as_ref().map_or(0, |ledger| ledger.damaged),
            price: self.config.price,
            budget: self.config.budget,
            seconds: self.start.elapsed().as_secs_f64(),
            ..self.counts().clone()
        }
    }

    pub(crate) fn counts(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and reads the reply's JSON object as a `T` that passes `check`. If the reply is no such thing, the model is
    /// told what is wrong and asked once more.
    ///
    /// # Errors
    /// There is no answer; never is a default one made up.
    pub fn ask<T: DeserializeOwned>(
        &self,
        inquiry: &Inquiry<'_>,
        check: impl Fn(&T) -> Result<(), String>,
    ) -> Result<Answer<T>, Failure> {
        let result = self.first_or_second(inquiry, &|value| {
            let value: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
            check(&value).map(|()| value)
        });
        {
            let mut counts = self.counts();
            counts.questions += 1;
            match &result {
                Ok(answer) => {
                    counts.repaired += u64::from(!answer.provenance.repairs.is_empty());
                    counts.corrected += u64::from(answer.provenance.corrected);
                }
                Err(failure) => *counts.failures.entry(failure.cause().to_owned()).or_default() += 1,
            }
        }
        if let Some(observer) = &self.observer {
            observer(&self.progress());
        }
        result
    }

    fn first_or_second<T>(
        &self,
        inquiry: &Inquiry<'_>,
        read: &dyn Fn(Value) -> Result<T, String>,
    ) -> Result<Answer<T>, Failure> {
        let provenance = |repairs: Vec<Repair>, corrected| Provenance {
            model: self.config.model.clone(),
            temperature: (!self.config.omit.contains(&crate::Omissible::Temperature))
                .then(|| self.config.temperature()),
            template: format!("{}@{}", inquiry.template.name(), inquiry.template.version()),
            sample: inquiry.sample,
            repairs,
            corrected,
        };
        let reply = self.reply(inquiry, &inquiry.messages)?;
        let complaint = match self.read(&reply, read) {
            Ok((value, repairs)) => return Ok(Answer { value, provenance: provenance(repairs, false) }),
            Err(failure @ Failure::Refused { .. }) => return Err(failure),
            Err(Failure::Malformed { why, .. }) => format!("Your reply cannot be used: {why}."),
            Err(failure) => format!("Your reply cannot be used: {failure}. Be much shorter."),
        };
        let mut messages = inquiry.messages.clone();
        let said = reply.text.as_deref().unwrap_or_default();
        messages.push(Message { role: Role::Assistant, content: beginning(said).to_owned() });
        messages.push(Message {
            role: Role::User,
            content: format!(
                "{complaint} Reply again with one complete JSON object of the shape that was asked for, and with \
                 nothing before or after it."
            ),
        });
        let reply = self.reply(inquiry, &messages)?;
        self.read(&reply, read)
            .map(|(value, repairs)| Answer { value, provenance: provenance(repairs, true) })
    }

    /// What a reply says.
    fn read<T>(
        &self,
        reply: &Reply,
        read: &dyn Fn(Value) -> Result<T, String>,
    ) -> Result<(T, Vec<Repair>), Failure> {
        if let Some(refusal) = reply.refusal.as_deref().filter(|refusal| !refusal.trim().is_empty()) {
            return Err(Failure::Refused { excerpt: excerpt(refusal) });
        }
        let text = reply.text.as_deref().unwrap_or_default();
        if reply.finish_reason.as_deref() == Some("content_filter") {
            return Err(Failure::Refused { excerpt: excerpt(text) });
        }
        let mut complaint = None;
        for Candidate { value, repairs } in candidates(text) {
            match read(value) {
                Ok(value) => return Ok((value, repairs.into_iter().collect())),
                Err(why) => complaint = complaint.or(Some(why)),
            }
        }
        if reply.finish_reason.as_deref() == Some("length") {
            return Err(Failure::Truncated { limit: self.config.max_tokens });
        }
        match complaint {
            Some(why) => Err(Failure::Malformed { why, excerpt: excerpt(text) }),
            None if is_refusal(text) => Err(Failure::Refused { excerpt: excerpt(text) }),
            None if text.trim().is_empty() => {
                Err(Failure::Malformed { why: "it is empty".into(), excerpt: String::new() })
            }
            None => Err(Failure::Malformed { why: "it holds no JSON object".into(), excerpt: excerpt(text) }),
        }
    }

    /// Works through a list on as many threads as requests may be under way; results stand in the order of the list.
    pub fn each<I: Sync, R: Send>(&self, items: &[I], work: impl Fn(usize, &I) -> R + Sync) -> Vec<R> {
        let next = AtomicUsize::new(0);
        let results: Mutex<BTreeMap<usize, R>> = Mutex::default();
        let run = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { break };
                let result = work(index, item);
                results.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.config.concurrency.get().min(items.len()) {
                // A thread that cannot be had costs time alone: this one works through the list as well.
                if std::thread::Builder::new().spawn_scoped(scope, run).is_err() {
                    break;
                }
            }
            run();
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }
}

/// The beginning of a text, at most [`SHOWN`] bytes. Servers refuse an empty turn, so that one is not empty.
fn beginning(text: &str) -> &str {
    let mut end = text.len().min(SHOWN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text[..end].trim() {
        "" => "(nothing)",
        shown => shown,
    }
}

/// Whether a reply without any JSON says no.
fn is_refusal(text: &str) -> bool {
    let text = text
        .rsplit_once("</think>")
        .map_or(text, |(_, after)| after)
        .trim_start()
        .to_lowercase()
        .replace('’', "'");
    const OPENINGS: [&str; 14] = [
        "i'm sorry",
        "i am sorry",
        "sorry,",
        "i can't",
        "i cannot",
        "i can not",
        "i won't",
        "i will not",
        "i'm unable",
        "i am unable",
        "i'm not able",
        "i must decline",
        "i apologize",
        "as an ai",
    ];
    OPENINGS.iter().any(|opening| text.starts_with(opening))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_known_by_their_openings() {
        for text in [
            "I'm sorry, but I can't help.",
            "I can’t do that",
            " As an AI language model",
            "<think>hm</think>I cannot",
        ] {
            assert!(is_refusal(text), "{text}");
        }
        assert!(!is_refusal("The trace cannot be broken here.") && !is_refusal(""));
    }

    #[test]
    fn what_is_shown_of_a_reply_is_bounded_and_not_empty() {
        assert_eq!(beginning(" \n"), "(nothing)");
        assert!(beginning(&"é".repeat(SHOWN)).len() <= SHOWN);
    }
}
