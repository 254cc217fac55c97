//! Baselines that outlive a process: what an executor wrote without any trace, and what verifiers said of it, in a SQLite file or in
//! a PostgreSQL server.
//!
//! A run is measured once per question, executor (with its prompts), seed and index, whoever asks: requests of a server,
//! servers that share the file, a command that fills it beforehand. So `K` may grow: what is there stays, what is missing is
//! measured. Completions and verdicts are kept apart, so another gold answer or another verifier judges anew and asks nobody.
//!
//! [`Store`] holds them; whoever wants a run that is not there gets a claim to it ([`Found::Ours`]), which ends with the process
//! that has it, however that ends. [`fill`] measures what is missing for a list of problems. A failed call is kept nowhere: it is
//! unknown, and asked again by whoever needs it next.

mod database;
mod fill;
mod key;
mod memory;
mod owner;
mod place;
mod postgres;
mod sqlite;
mod store;
mod survey;

pub use database::Fault;
pub use fill::{Filled, fill};
pub use key::{JudgedBy, RunKey, question_id, run_seed};
pub use memory::{ANSWERS_KEPT, Answered};
pub use place::Place;
pub use store::{Found, Kept, Store, StoreError};
pub use survey::{Exported, Summary};
