//! What a world must know of one problem.

use crate::flawed::{FlawedTrace, Noise, NoisyTrace};
use crate::report::{Correction, ProcessReport};
use rand_chacha::ChaCha8Rng;
use tracelift_domain::{FlawKind, Gold, TaskDomain};

/// One generated problem and all that is known of it. Texts are words with single spaces between them.
pub(crate) trait Task: Send + Sync + std::fmt::Debug {
    /// Which rubric and artifact it calls for.
    fn domain(&self) -> TaskDomain;
    /// What planner and executor read.
    fn statement(&self) -> String;
    /// What an artifact is judged against.
    fn gold(&self) -> Gold;
    /// The artifact that a flawless executor writes.
    fn gold_artifact(&self) -> String;
    /// A flawless trace. It never states the final answer and holds no code.
    fn gold_trace(&self) -> String;
    /// The gold trace with flaws drawn step by step, independently for each effect.
    fn noisy_trace(&self, noise: &Noise, rng: &mut ChaCha8Rng) -> NoisyTrace;
    /// The gold trace with exactly one localised flaw, or `None` where this kind does not apply.
    fn flaw(&self, kind: FlawKind, rng: &mut ChaCha8Rng) -> Option<FlawedTrace>;
    /// Judges each step of a text.
    fn check(&self, trace: &str) -> ProcessReport;
    /// What belongs where the text first goes wrong; `None` where it does not.
    fn correction(&self, trace: &str) -> Option<Correction>;
    /// What a reader who follows the trace to the letter would hand in, where that can be determined.
    fn implied(&self, trace: &str) -> Option<String>;
}
