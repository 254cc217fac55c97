//! Executors: E, the frozen models that turn (problem, trace) or (problem) into an artifact's text.
//!
//! Whoever scores a trace speaks to [`Executor`] alone. Both arms, with and without a trace, are the same
//! [`Call`] through the same code; a call that failed is a [`CallFailure`], never an empty completion, so that no
//! outage can look like a wrong answer.

mod book;
pub mod call;
pub mod config;
pub mod in_process;
pub mod openai;
pub mod sampling;
pub mod service;
pub mod spending;
pub mod usage;

pub use book::BookError;
pub use call::{Call, CallFailure, Completion, Executor, Intake, Ran};
pub use config::{ExecutorConfig, InProcessConfig, OpenError};
pub use in_process::{InProcess, InProcessError};
pub use openai::{Api, Chat, ChatReply, Omissible, OpenAi, OpenAiConfig, Unanswered};
pub use sampling::Sampling;
pub use service::{Service, ServiceConfig};
pub use usage::{Meter, Usage};
