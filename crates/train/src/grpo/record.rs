//! What is kept of a step's rollouts, and their means.

use super::{Rollout, mean};
use crate::metrics::{StepMetrics, name};
use crate::rollouts::RolloutRecord;
use crate::source::Exercise;
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::Probability;
use tracelift_planner::Written;
use tracelift_reward::{Needs, RewardConfig, leak};

/// Turns rollouts into records and sums them up.
pub(super) fn all(
    reward: &RewardConfig,
    items: &[Exercise],
    rollouts: Vec<Rollout>,
    step: u64,
    metrics: &mut StepMetrics,
) -> Vec<RolloutRecord> {
    let needs = reward.needs();
    let reason = rollouts.iter().map(|rollout| reward.rule.reason(&rollout.evidence));
    metrics.set(name::REASON_REWARD, mean(reason));
    let defects: Vec<&str> =
        rollouts.iter().filter_map(|rollout| Some(rollout.written.trace.as_ref().err()?.code())).collect();
    let records: Vec<RolloutRecord> =
        rollouts.into_iter().map(|rollout| record(&items[rollout.item], rollout, step, needs)).collect();
    let of = |pick: fn(&RolloutRecord) -> Option<f64>| mean(records.iter().map(pick));
    let count = |pick: fn(&RolloutRecord) -> bool| {
        mean(records.iter().map(|record| Some(f64::from(u8::from(pick(record))))))
    };
    metrics.set(name::REWARD, of(|r| r.reward));
    metrics.set(name::OUTCOME, of(|r| r.e));
    metrics.set(name::WITH_TRACE, of(|r| r.w));
    if needs.baseline {
        metrics.set(name::WITHOUT_TRACE, of(|r| r.b));
        metrics.set(name::UPLIFT, of(|r| r.u));
    }
    if needs.rubric {
        metrics.set(name::RUBRIC, of(|r| r.s));
    }
    metrics.set(name::VERIFIED, of(|r| r.verified.map(|yes| f64::from(u8::from(yes)))));
    metrics.set(name::LEAKED, of(|r| r.leaked.map(|yes| f64::from(u8::from(yes)))));
    metrics.set(name::TRACE_TOKENS, of(|r| Some(r.trace_tokens as f64)));
    metrics.set(name::UNKNOWN, count(|r| r.reward.is_none()));
    metrics.set(name::DEFECTIVE, count(|r| r.defect.is_some()));
    metrics.set(name::TEACHING, count(|r| r.reward.is_some() && r.defect.is_none()));
    for (kind, share) in shares(&defects, records.len()) {
        metrics.set(format!("{}{kind}", name::DEFECTIVE_BY), share);
    }
    // The same cause may keep several things of a rollout unknown.
    let causes: Vec<BTreeSet<&str>> =
        records.iter().map(|r| r.failure.iter().flat_map(|causes| causes.split(',')).collect()).collect();
    let causes: Vec<&str> = causes.into_iter().flatten().collect();
    for (cause, share) in shares(&causes, records.len()) {
        metrics.set(format!("{}{cause}", name::UNKNOWN_BY), share);
    }
    metrics.set(name::TRUNCATED, count(|r| r.truncated));
    records
}

/// Each name with its count as a share of a whole.
fn shares(names: &[&str], whole: usize) -> BTreeMap<String, f64> {
    let mut shares = BTreeMap::new();
    for name in names {
        *shares.entry((*name).to_owned()).or_default() += 1.0 / whole as f64;
    }
    shares
}

fn record(item: &Exercise, rollout: Rollout, step: u64, needs: Needs) -> RolloutRecord {
    let Rollout { evidence, measured, written: Written { trace, .. }, .. } = &rollout;
    let primary = measured.as_ref().and_then(|measured| measured.runs.first());
    let mut causes: Vec<String> =
        measured.iter().flat_map(|measured| &measured.runs).filter_map(|run| run.unknown_because()).collect();
    for (cause, needed, found) in [
        ("no_baseline", needs.baseline, evidence.without),
        ("no_rubric_score", needs.rubric, evidence.rubric),
    ] {
        causes.extend((needed && found.is_none()).then(|| cause.to_owned()));
    }
    causes.extend(rollout.unread.map(|cause| format!("rubric_{cause}")));
    let (verdict, artifact) = match primary {
        Some(tracelift_reward::measure::Run::Judged { completion, judgement }) => {
            (Some(verdict_name(&judgement.verdict)), Some(completion.text.clone()))
        }
        _ => (None, None),
    };
    let report = item
        .instance
        .as_ref()
        .zip(trace.as_ref().ok())
        .map(|(instance, trace)| instance.check(trace.as_str()));
    RolloutRecord {
        step,
        problem_id: item.problem.id.clone(),
        group_index: rollout.item as u64,
        sample_index: rollout.sample as u64,
        trace_tokens: rollout.written.tokens.len() as u64,
        defect: trace.as_ref().err().map(ToString::to_string),
        e: evidence.outcome.map(Probability::get),
        w: evidence.with_trace.map(Probability::get),
        b: evidence.without.map(Probability::get),
        u: evidence.uplift().map(|u| u.get()),
        s: evidence.rubric.map(Probability::get),
        reward: rollout.reward,
        advantage: rollout.reward.map(|_| rollout.advantage),
        failure: (!causes.is_empty()).then(|| causes.join(",")),
        verdict,
        artifact,
        leaked: trace
            .as_ref()
            .ok()
            .map(|trace| report.map_or_else(|| leak::leaks(&item.problem, trace), |r| r.leaks)),
        verified: match (&item.instance, report) {
            (None, _) => None,
            (Some(_), report) => Some(report.is_some_and(|report| report.verified())),
        },
        truncated: rollout.written.truncated,
        trace: rollout.written.completion,
    }
}

fn verdict_name(verdict: &tracelift_domain::Verdict) -> String {
    use tracelift_domain::{FailureKind, Verdict};
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Unscorable { .. } => "unscorable",
        Verdict::Failed { kind } => match kind {
            FailureKind::WrongAnswer => "wrong_answer",
            FailureKind::NoArtifact => "no_artifact",
            FailureKind::RuntimeError => "runtime_error",
            FailureKind::TimeLimit => "time_limit",
            FailureKind::MemoryLimit => "memory_limit",
            FailureKind::OutputLimit => "output_limit",
        },
    }
    .to_owned()
}
