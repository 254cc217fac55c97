//! Verifiers: (x, y) → verdict. A completion is turned into an artifact and judged against the problem's gold.
//!
//! Gold decides how. [`Gold::Answer`](tracelift_domain::Gold) goes to [`answers`], which only reads text;
//! [`Gold::Tests`](tracelift_domain::Gold) goes to [`programs`], which runs real Python under limits (Linux only;
//! read there what those limits cover and what they do not).
//!
//! A fault of ours (unreadable gold, no interpreter, no disk) is `Unscorable`, never a failure of the model's.

pub mod answers;
pub mod config;
pub mod judgement;
pub mod programs;
pub mod verifier;

pub use config::{AnswerMode, ConfigError, ProgramConfig, VerifierConfig};
pub use judgement::{Artifact, Judgement};
pub use verifier::Verifier;
