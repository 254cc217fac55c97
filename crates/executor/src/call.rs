//! One executor run: what is asked, what comes back, how it can fail.

use crate::{book::BookError, spending::Bill, usage::Usage};
use serde::{Deserialize, Serialize};
use std::{num::NonZeroUsize, path::Path};
use tracelift_domain::prompt::Prompt;
use tracelift_domain::{Fingerprint, Question, Seed, Trace};
use tracelift_prompt::PromptError;

/// One run of the executor. The arms differ by `trace` alone.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// What is to be solved.
    pub question: &'a Question,
    /// The trace to follow; `None` in the arm without.
    pub trace: Option<&'a Trace>,
    /// Where the run's sampling (and the jitter of its retries) starts.
    pub seed: Seed,
}

/// What an executor wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The text, without prompt and end-of-text token; with what the prompt began of it. It may be empty: then the model had nothing to say.
    pub text: String,
    /// Length of the prompt in tokens, if it is known.
    pub prompt_tokens: Option<u32>,
    /// Length of the text in tokens, if it is known.
    pub completion_tokens: Option<u32>,
    /// Whether the token budget ended it.
    pub truncated: bool,
}

/// A run that says nothing about the model: its outcome is unknown, not zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "cause")]
pub enum CallFailure {
    /// No complete reply in time.
    #[error("{endpoint} did not reply within {seconds} s")]
    Timeout {
        /// Who was asked.
        endpoint: String,
        /// For how long.
        seconds: f64,
    },
    /// No connection.
    #[error("cannot connect to {endpoint}: {detail}")]
    Refused {
        /// Who was asked.
        endpoint: String,
        /// What the system says.
        detail: String,
    },
    /// The connection ended before the reply did.
    #[error("{endpoint} broke off the connection: {detail}")]
    Broken {
        /// Who was asked.
        endpoint: String,
        /// What the system says.
        detail: String,
    },
    /// A reply that says no.
    #[error("{endpoint} replied with status {code}: {excerpt}")]
    Status {
        /// Who was asked.
        endpoint: String,
        /// The HTTP status.
        code: u16,
        /// The beginning of the body.
        excerpt: String,
    },
    /// A reply that is not what the protocol promises.
    #[error("{endpoint} sent a malformed reply: {detail}")]
    Malformed {
        /// Who was asked.
        endpoint: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A reply with an error in it, whatever its status says.
    #[error("{endpoint} replied with an error: {excerpt}")]
    Errored {
        /// Who was asked.
        endpoint: String,
        /// The beginning of the body.
        excerpt: String,
    },
    /// The completion was not brought to an end.
    #[error(
        "{endpoint} ended a completion {}; it counts with {} (`executor.openai.finished`)",
        reason.as_ref().map_or_else(|| "without a `finish_reason`".to_owned(), |reason| format!("with `finish_reason` {reason:?}")),
        whole.iter().map(|reason| format!("{reason:?}")).collect::<Vec<_>>().join(" or ")
    )]
    Unfinished {
        /// Who was asked.
        endpoint: String,
        /// Its `finish_reason`, if it gave one.
        reason: Option<String>,
        /// Those with which a completion counts.
        whole: Vec<String>,
    },
    /// The server refused to let the model answer, or the model did in a field made for that.
    #[error("{endpoint} sent a refusal: {excerpt}")]
    Refusal {
        /// Who was asked.
        endpoint: String,
        /// The beginning of what it said.
        excerpt: String,
    },
    /// The model called a tool instead of answering.
    #[error("{endpoint} sent a call of a tool; no tools were offered, so switch them off at the server")]
    ToolCall {
        /// Who was asked.
        endpoint: String,
    },
    /// An ended completion without any text.
    #[error(
        "{endpoint} ended with `finish_reason` {reason:?} and sent no text; where a model reasons in a field of its own, \
         raise `sampling.max_tokens` or switch its reasoning off"
    )]
    NoContent {
        /// Who was asked.
        endpoint: String,
        /// How it ended.
        reason: String,
    },
    /// Another model answered.
    #[error(
        "{endpoint} answered as model {served:?}, asked was {asked:?}; if that is one model, set \
         `served_as = [{served:?}]` beside `model`"
    )]
    OtherModel {
        /// Who was asked.
        endpoint: String,
        /// The model that was asked.
        asked: String,
        /// The model that answered.
        served: String,
    },
    /// It was not made: what may be spent is spent.
    #[error("not asked: {detail}")]
    Unpaid {
        /// What is spent.
        detail: String,
    },
    /// It was not made: whether it was made before cannot be found out.
    #[error("not asked: {detail}")]
    Unkept {
        /// Why.
        detail: String,
    },
    /// The in-process model's logits are not finite: nothing can be drawn from them.
    #[error("the in-process executor's logits are not finite: its weights, or their dtype, overflow")]
    NonFinite,
    /// A prompt that leaves the in-process model no room to answer.
    #[error(
        "the prompt has {prompt} tokens and `executor.in_process.sampling.max_tokens` is {max_tokens}, but the executor reads \
         {context}"
    )]
    TooLong {
        /// Its length.
        prompt: usize,
        /// The budget.
        max_tokens: usize,
        /// The model's longest sequence.
        context: usize,
    },
    /// A text of the prompt fails on this question.
    #[error("the prompt cannot be made: {detail}")]
    Prompt {
        /// Which, and why.
        detail: String,
    },
    /// The in-process engine could not run it.
    #[error("the in-process executor failed: {detail}")]
    Engine {
        /// Why.
        detail: String,
    },
    /// A well-formed reply without a completion.
    #[error("{endpoint} sent a reply without choices")]
    Empty {
        /// Who was asked.
        endpoint: String,
    },
}

impl CallFailure {
    /// The name under which it is counted.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            CallFailure::Timeout { .. } => "timeout",
            CallFailure::Refused { .. } => "refused",
            CallFailure::Broken { .. } => "broken",
            CallFailure::Status { code: 429, .. } => "status_429",
            CallFailure::Status { code: 400..=499, .. } => "status_4xx",
            CallFailure::Status { code: 500..=599, .. } => "status_5xx",
            CallFailure::Status { .. } => "status_other",
            CallFailure::Malformed { .. } => "malformed",
            CallFailure::Empty { .. } => "empty",
            CallFailure::Errored { .. } => "error",
            CallFailure::Unfinished { reason: Some(reason), .. } if reason == "content_filter" => "filtered",
            CallFailure::Unfinished { .. } => "unfinished",
            CallFailure::Refusal { .. } => "refusal",
            CallFailure::ToolCall { .. } => "tool_call",
            CallFailure::NoContent { .. } => "no_content",
            CallFailure::OtherModel { .. } => "other_model",
            CallFailure::Unpaid { .. } => "budget",
            CallFailure::Unkept { .. } => "store",
            CallFailure::NonFinite => "non_finite",
            CallFailure::TooLong { .. } => "too_long",
            CallFailure::Prompt { .. } => "prompt",
            CallFailure::Engine { .. } => "engine",
        }
    }

    /// Whether the same call may succeed if it is made again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            CallFailure::Timeout { .. }
            | CallFailure::Refused { .. }
            | CallFailure::Broken { .. }
            | CallFailure::Malformed { .. }
            | CallFailure::Errored { .. } => true,
            // A filter says the same again; an abort was the server's affair.
            CallFailure::Unfinished { .. } => self.cause() != "filtered",
            CallFailure::Status { code, .. } => matches!(code, 408 | 409 | 425 | 429 | 500..=599),
            CallFailure::Empty { .. }
            | CallFailure::Refusal { .. }
            | CallFailure::ToolCall { .. }
            | CallFailure::NoContent { .. }
            | CallFailure::OtherModel { .. }
            | CallFailure::Unpaid { .. }
            | CallFailure::Unkept { .. }
            | CallFailure::NonFinite
            | CallFailure::TooLong { .. }
            | CallFailure::Prompt { .. }
            | CallFailure::Engine { .. } => false,
        }
    }

    /// Whether a call that failed like this may be on the bill: the model may have worked.
    #[must_use]
    pub fn may_be_billed(&self) -> bool {
        match self {
            CallFailure::Timeout { .. }
            | CallFailure::Broken { .. }
            | CallFailure::Malformed { .. }
            | CallFailure::Errored { .. }
            | CallFailure::Unfinished { .. }
            | CallFailure::Refusal { .. }
            | CallFailure::ToolCall { .. }
            | CallFailure::NoContent { .. }
            | CallFailure::OtherModel { .. }
            | CallFailure::Empty { .. } => true,
            CallFailure::Refused { .. }
            | CallFailure::Status { .. }
            | CallFailure::Unpaid { .. }
            | CallFailure::Unkept { .. }
            | CallFailure::NonFinite
            | CallFailure::TooLong { .. }
            | CallFailure::Prompt { .. }
            | CallFailure::Engine { .. } => false,
        }
    }
}

impl From<PromptError> for CallFailure {
    fn from(error: PromptError) -> CallFailure {
        CallFailure::Prompt { detail: error.to_string() }
    }
}

/// How the calls of several askers are handed to an executor that they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intake {
    /// All that wait go into one [`Executor::run`]: they share the passes of a model in this process.
    Together,
    /// One by one, at most so many at a time: whoever is behind it batches by itself.
    Apart(NonZeroUsize),
}

/// A call that was made, and what it took beside.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    /// What came of it.
    pub result: Result<Completion, CallFailure>,
    /// Requests that were sent a second time while the first was under way. They are paid as well.
    pub hedges: u32,
}

/// A frozen model that solves problems.
pub trait Executor: Send + Sync {
    /// What decides how it behaves. Results of two fingerprints never go into one table.
    fn fingerprint(&self) -> &Fingerprint;

    /// One line for people.
    fn describe(&self) -> String;

    /// What a call asks it with, as far as that can be written down without its model.
    ///
    /// # Errors
    /// [`CallFailure::Prompt`], as the call would fail.
    fn prompt(&self, question: &Question, trace: Option<&Trace>) -> Result<Prompt, CallFailure>;

    /// How many tokens of its model's context are left where such a call has its prompt and its longest completion; what is
    /// missing is negative. `None` where that cannot be known here.
    fn room(&self, question: &Question, trace: Option<&Trace>) -> Option<isize> {
        let _ = (question, trace);
        None
    }

    /// Makes the calls, several at a time where it can; the results stand in the order of the calls.
    fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>>;

    /// [`Executor::run`], with what the calls took beside.
    fn run_counted(&self, calls: &[Call<'_>]) -> Vec<Ran> {
        self.run(calls).into_iter().map(|result| Ran { result, hedges: 0 }).collect()
    }

    /// How the calls of several askers are best handed to it.
    fn intake(&self) -> Intake {
        Intake::Together
    }

    /// Whether it can be asked now, found out without a call of it.
    ///
    /// # Errors
    /// Why it cannot.
    fn reach(&self) -> Result<(), CallFailure> {
        Ok(())
    }

    /// What it has done since it was made.
    fn usage(&self) -> Usage;

    /// What it has spent, where that is counted.
    fn bill(&self) -> Option<Bill> {
        None
    }

    /// Counts what it spends on in a file, from what was spent by that: so that a limit holds for a run, whatever ends the
    /// process. Where nothing is counted, nothing is written.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    fn keep_book(&self, path: &Path) -> Result<(), BookError> {
        let _ = path;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_survive_their_file_form() {
        let endpoint = String::from("http://a");
        for failure in [
            CallFailure::Timeout { endpoint: endpoint.clone(), seconds: 1.5 },
            CallFailure::Status { endpoint: endpoint.clone(), code: 503, excerpt: "busy".into() },
            CallFailure::Empty { endpoint },
        ] {
            let text = serde_json::to_string(&failure).unwrap();
            assert_eq!(serde_json::from_str::<CallFailure>(&text).unwrap(), failure);
        }
    }

    #[test]
    fn only_some_statuses_are_tried_again() {
        let transient =
            |code| CallFailure::Status { endpoint: "e".into(), code, excerpt: "x".into() }.is_transient();
        assert!([408, 409, 425, 429, 500, 502, 503, 504, 529].into_iter().all(transient));
        assert!(![301, 400, 401, 403, 404, 413, 422].into_iter().any(transient));
    }
}
