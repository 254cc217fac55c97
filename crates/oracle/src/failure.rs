//! How an inquiry can stay without an answer. None of these is ever turned into an answer.

use tracelift_executor::CallFailure;
use tracelift_executor::spending::Exhausted;

/// The longest piece of a reply that a message quotes, in characters.
const QUOTED: usize = 160;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The work has been stopped; nothing was asked.
    #[error(transparent)]
    Stopped(#[from] Stop),
    /// No reply, after all attempts.
    #[error(transparent)]
    Unanswered(CallFailure),
    /// The server, which answers other inquiries, does not take this one: too long, for instance.
    #[error("{0}; other questions are answered, so it is this one that the server does not take")]
    Rejected(CallFailure),
    /// The model or its guard said no.
    #[error("the model refused: {excerpt:?}")]
    Refused {
        /// What it said.
        excerpt: String,
    },
    /// The reply was cut off before it was complete, twice.
    #[error("the reply was cut off at the limit of {limit} tokens; raise `max_tokens`")]
    Truncated {
        /// The limit.
        limit: u32,
    },
    /// The reply is not what was asked for, nor is the second one after this was pointed out.
    #[error("the reply cannot be used: {why}; it begins {excerpt:?}")]
    Malformed {
        /// What is wrong with it.
        why: String,
        /// How it begins.
        excerpt: String,
    },
}

/// Why nothing more is asked. Inquiries whose replies are in the ledger are still answered.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Stop {
    /// The budget is used up.
    #[error("{0}; raise it under `budget` to go on, what is done is kept")]
    Budget(#[from] Exhausted),
    /// The endpoint will have none of it, whatever is asked: a wrong key, an unknown model, no credit.
    #[error("{0}; check `base_urls`, `model` and `api_key_env`")]
    Denied(CallFailure),
    /// The endpoint is gone.
    #[error(
        "{questions} questions in a row stayed without a reply, the last because {last}; what is done is kept"
    )]
    Unreachable {
        /// How many.
        questions: usize,
        /// What the last one met.
        last: CallFailure,
    },
    /// A reply could not be kept, so it must not be used.
    #[error("{0}")]
    Ledger(String),
    /// The caller wanted it so.
    #[error("stopped on request; what is done is kept")]
    Requested,
}

impl Failure {
    /// The name under which it is counted.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Failure::Stopped(_) => "stopped",
            Failure::Unanswered(failure) | Failure::Rejected(failure) => failure.cause(),
            Failure::Refused { .. } => "refusal",
            Failure::Truncated { .. } => "truncated",
            Failure::Malformed { .. } => "unusable",
        }
    }

    /// Whether asking the same again gives the same: the model has spoken, and its words are in the ledger, or its server
    /// takes other inquiries and not this one. Otherwise the answer is still to be had, and whoever asked should come
    /// back for it.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Failure::Stopped(_) | Failure::Unanswered(_) => false,
            Failure::Rejected(_)
            | Failure::Refused { .. }
            | Failure::Truncated { .. }
            | Failure::Malformed { .. } => true,
        }
    }
}

/// The beginning of a text on one line.
pub(crate) fn excerpt(text: &str) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.chars().count() > QUOTED {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().filter(|c| !c.is_control()).take(QUOTED));
    }
    if words.chars().count() > QUOTED {
        words = words.chars().take(QUOTED).collect();
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_model_said_is_final() {
        let timeout = CallFailure::Timeout { endpoint: "e".into(), seconds: 1.0 };
        let bad = CallFailure::Status { endpoint: "e".into(), code: 400, excerpt: "x".into() };
        assert!(!Failure::Unanswered(timeout.clone()).is_final() && Failure::Rejected(bad).is_final());
        assert!(!Failure::Stopped(Stop::Denied(timeout)).is_final());
        assert!(Failure::Refused { excerpt: "no".into() }.is_final());
    }

    #[test]
    fn excerpts_are_short_single_lines() {
        assert_eq!(excerpt(" a\n b\u{7}\t"), "a b");
        assert_eq!(excerpt(&"x".repeat(1 << 16)).chars().count(), QUOTED);
        assert_eq!(excerpt(&"xy ".repeat(1 << 16)).chars().count(), QUOTED + 1);
    }
}
