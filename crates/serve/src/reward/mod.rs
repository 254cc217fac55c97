//! The reward service: completions in, executor-grounded rewards out, with all their parts.
//!
//! A request is read into items ([`asked`]); each is appraised by itself ([`appraise`]): its executor calls, the readings of
//! its trace and the baseline of its question go to the [`desk`] at once, and what comes back is judged there too. A baseline is measured
//! once, whoever asks ([`baseline`]). What is unknown is told as unknown, with its cause and its place ([`told`]); an item that fails
//! fails alone.

mod answers;
mod appraise;
mod asked;
mod baseline;
mod desk;
mod dialect;
mod executors;
mod ledger;
mod problems;
mod service;
pub(crate) mod shapes;
mod stream;
mod told;

pub use asked::Reading;
pub use executors::{DEFAULT as DEFAULT_EXECUTOR, Executors, ExecutorsError};
pub use ledger::{Ledger, LedgerError};
pub use service::reward_section;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tracelift_domain::{Fingerprint, Problem, Seed};
use tracelift_reward::baselines::Store;
use tracelift_reward::{RewardConfig, TraceScorer};
use tracelift_verify::Verifier;

/// Who takes part in rewards.
pub struct RewardParts {
    /// The frozen executors.
    pub executors: Executors,
    /// Who judges what it writes.
    pub verifier: Arc<Verifier>,
    /// A hash of what decides verdicts.
    pub verifier_identity: Fingerprint,
    /// Who reads traces against the rubric, where there is somebody.
    pub rubric: Option<Arc<dyn TraceScorer>>,
    /// Where baselines are kept.
    pub store: Store,
    /// Problems that items may name.
    pub problems: Vec<Problem>,
    /// Where every item is written down, if anywhere.
    pub ledger: Option<Ledger>,
}

/// How rewards are made and queued.
#[derive(Clone, Debug)]
pub struct RewardServiceConfig {
    /// Rule, λ, `K`, format term, where a request says nothing else.
    pub reward: RewardConfig,
    /// Of all executor runs.
    pub seed: Seed,
    /// How completions are read.
    pub reading: Reading,
    /// Items in progress; a request that finds no room is refused with 429.
    pub queue: usize,
    /// How long a request may take. Items that are not appraised then are unknown.
    pub timeout: Duration,
    /// Bytes of the statement and the completion of one item.
    pub item_bytes: usize,
    /// Judgements at a time.
    pub judges: NonZeroUsize,
    /// Requests to whoever reads traces, at a time.
    pub readers: NonZeroUsize,
}

impl Default for RewardServiceConfig {
    fn default() -> RewardServiceConfig {
        RewardServiceConfig {
            reward: RewardConfig::default(),
            seed: Seed(18),
            reading: Reading::default(),
            queue: 8192,
            timeout: Duration::from_secs(600),
            item_bytes: 256 * 1024,
            judges: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            readers: NonZeroUsize::MIN,
        }
    }
}
