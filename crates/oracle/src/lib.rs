//! A model that is asked for text or judgement: templates in, checked JSON out.
//!
//! An [`Oracle`] puts each [`Inquiry`], made from a versioned [`Template`], to an OpenAI-compatible endpoint and reads the
//! replies' JSON, [mended](json) where that is safe, as a type that the caller checks. A reply that cannot be used is
//! answered once with what is wrong with it; after that there is a [`Failure`], and never a default.
//!
//! Every call passes one turnstile (concurrency, rate limits, budget), and every reply is in the ledger, on disk, before
//! anyone sees it: whatever ends the process, no call that was answered is made or paid again.

mod failure;
mod fetch;
pub mod json;
mod ledger;
mod oracle;
mod pace;
mod progress;
mod request;
pub mod rubric;
mod settings;
mod template;
mod turnstile;

pub use failure::{Failure, Stop};
pub use ledger::LedgerError;
pub use oracle::{Answer, Inquiry, Oracle, OracleError, Provenance};
pub use progress::Progress;
pub use request::Schema;
pub use settings::{Omissible, OracleConfig, Structured};
pub use template::{BuiltIn, Template, TemplateError, load};
pub use tracelift_executor::spending::{Budget, Cost, Exhausted, Price, Spending};
