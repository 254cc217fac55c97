//! Texts to pre-train a world's planner and executor on.

use crate::world::Instance;
use tracelift_domain::Trace;
use tracelift_domain::prompt::format::{world_executor, world_planner};

/// Ends every text.
pub const EOS: &str = "<eos>";

/// `<problem> X </problem> <reasoning> Z </reasoning> <eos>`
#[must_use]
pub fn planner_text(instance: &Instance, trace: &Trace) -> String {
    format!("{} {} {EOS}", world_planner(&instance.problem().question), trace.tagged())
}

/// `<problem> X </problem> [<reasoning> Z </reasoning>] <answer> Y <eos>`
#[must_use]
pub fn executor_text(instance: &Instance, trace: Option<&Trace>, artifact: &str) -> String {
    format!("{} {artifact} {EOS}", world_executor(&instance.problem().question, trace))
}
