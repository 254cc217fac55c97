//! Verifiers: (x, y) → verdict. A completion is turned into an artifact and judged against the problem's gold.
//!
//! Gold decides how. [`Gold::Answer`](tracelift_domain::Gold) goes to [`answers`], which compare mathematics or text;
//! [`Gold::Tests`](tracelift_domain::Gold) and [`Gold::Function`](tracelift_domain::Gold) go to [`programs`], which runs
//! real Python in the [sandbox](tracelift_sandbox). [`cases`] are files of either, for judging by themselves.
//!
//! A fault of ours (unreadable gold, a broken sandbox) is `Unscorable`, never a failure of the model's.

pub mod answers;
pub mod cases;
pub mod config;
pub mod judgement;
pub mod programs;
pub mod verifier;

pub use config::{AnswerMode, ProgramConfig, VerifierConfig};
pub use judgement::{Artifact, Judgement};
pub use verifier::Verifier;
