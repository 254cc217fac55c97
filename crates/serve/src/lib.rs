//! Servers: rewards, rubric scores and program runs over HTTP, in the dialects of the frameworks that train with them.
//!
//! [`mod@reward`] makes whole rewards (`/v1/reward`, `/get_reward`, `/remote_rm`), [`rubric`] scores traces (`/score`, `/get_reward`, `/remote_rm`, `/classify`), [`code`] runs programs (`/run_code`).
//! [`mod@model`] serves frozen models as OpenAI serves them (`/v1/chat/completions`, `/v1/completions`, `/v1/models`), [`view`] pages to look at.
//! All stand on one frame, alone or as sections of one server: [`listener`] accepts, checks the key and drains; bodies are bounded; queues are bounded and
//! refuse with 429 what they cannot hold; work happens on threads of its own, never on those that read and write sockets;
//! whoever hangs up is forgotten before anything is computed for him.
//!
//! A service knows what it serves by a small trait, [`Scorer`] or [`CodeRunner`], so this crate knows no sandbox:
//!
//! ```no_run
//! use std::sync::Arc;
//! use tracelift_serve::{CodeRunner, CodeServiceConfig, ListenConfig, RunFault, RunOutcome, RunRequest};
//! use tracelift_serve::{ServeError, code_service, serve};
//!
//! struct Nobody;
//!
//! impl CodeRunner for Nobody {
//!     fn run(&self, request: &RunRequest) -> Result<RunOutcome, RunFault> {
//!         Err(RunFault::Unsupported(format!("`{}` is not run here", request.language)))
//!     }
//!
//!     fn describe(&self) -> serde_json::Value {
//!         serde_json::json!({ "name": "nobody" })
//!     }
//! }
//!
//! fn main() -> Result<(), ServeError> {
//!     let listen = ListenConfig { address: "127.0.0.1:8080".into(), ..ListenConfig::default() };
//!     let service = code_service(Arc::new(Nobody), CodeServiceConfig::default(), &listen)?;
//!     // Until SIGTERM or Ctrl-C.
//!     let drained = serve(service, listen, |address| println!("at http://{address}"))?;
//!     assert!(drained.complete);
//!     Ok(())
//! }
//! ```

pub(crate) mod access;
pub(crate) mod body;
pub mod capacity;
pub mod code;
pub(crate) mod connection;
pub mod fault;
pub mod listener;
pub mod log;
pub mod metrics;
pub mod model;
pub(crate) mod observe;
pub(crate) mod openapi;
pub(crate) mod queue;
pub(crate) mod ready;
pub mod reward;
pub mod rubric;
pub mod verdicts;
pub mod view;

pub use access::{ApiKey, NoKey};
pub use code::{
    CodeRunner, CodeServiceConfig, Ending, RunFault, RunOutcome, RunRequest, code_section, code_service,
};
pub use fault::{Fault, ItemFault};
pub use listener::{Drained, Frame, ListenConfig, Running, Section, ServeError, Service, serve, start};
pub use log::{LogFormat, LogLevel, start_log};
pub use model::{ModelServiceConfig, ServedModel, model_section};
pub use reward::{
    DEFAULT_EXECUTOR, Executors, ExecutorsError, Ledger, LedgerError, Reading, RewardParts,
    RewardServiceConfig, reward_section,
};
pub use rubric::dialect::Tags;
pub use rubric::{
    Encoded, Item, Lane, ModelScorer, RubricServiceConfig, Score, Scorer, rubric_section, rubric_service,
    score_all,
};
pub use verdicts::{VerdictServiceConfig, answers_section, program_verdicts_section};
pub use view::{Shown, ShownKind, Viewer, view_service};
