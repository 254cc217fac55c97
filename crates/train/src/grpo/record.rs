//! What is kept of a step's rollouts, and their means.

use super::drawn::{Drawn, Rollout};
use super::{Cast, mean};
use crate::metrics::{StepMetrics, name};
use crate::rollouts::{NO_BASELINE, NO_RUBRIC_SCORE, RUBRIC_CAUSE, RolloutRecord, RubricReading};
use crate::source::Exercise;
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::{Probability, rubric};
use tracelift_planner::Written;

/// Turns rollouts into records and sums them up.
pub(super) fn all(cast: &Cast<'_>, drawn: Drawn, step: u64, metrics: &mut StepMetrics) -> Vec<RolloutRecord> {
    let Drawn { items, rollouts, groups, .. } = drawn;
    let needs = cast.reward.needs();
    let reason = rollouts.iter().map(|rollout| cast.reward.rule.reason(&rollout.evidence));
    metrics.set(name::REASON_REWARD, mean(reason));
    let defects: Vec<&str> =
        rollouts.iter().filter_map(|rollout| Some(rollout.written.trace.as_ref().err()?.code())).collect();
    let records: Vec<RolloutRecord> = rollouts
        .into_iter()
        .map(|rollout| {
            let replaced = groups[rollout.item].replaced;
            RolloutRecord { replaced, ..record(cast, &items[rollout.item], rollout, step) }
        })
        .collect();
    let of = |pick: fn(&RolloutRecord) -> Option<f64>| mean(records.iter().map(pick));
    let count = |pick: fn(&RolloutRecord) -> bool| {
        mean(records.iter().map(|record| Some(f64::from(u8::from(pick(record))))))
    };
    metrics.set(name::REWARD, of(|r| r.reward));
    for (term, values) in [(name::FORMAT, of(|r| r.format)), (name::OVERLONG, of(|r| r.overlong))] {
        if values.is_some() {
            metrics.set(term, values);
        }
    }
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
        records.iter().map(|r| r.unknown_because.iter().map(String::as_str).collect()).collect();
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

fn record(cast: &Cast<'_>, item: &Exercise, rollout: Rollout, step: u64) -> RolloutRecord {
    let Rollout { evidence, measured, written, .. } = rollout;
    let Written { trace, completion, tokens, truncated, prompt, .. } = written;
    let needs = cast.reward.needs();
    let question = &item.problem.question;
    let mut unknown_because =
        measured.as_ref().map(|measured| measured.unknown_because()).unwrap_or_default();
    for (cause, needed, found) in
        [(NO_BASELINE, needs.baseline, evidence.without), (NO_RUBRIC_SCORE, needs.rubric, evidence.rubric)]
    {
        unknown_because.extend((needed && found.is_none()).then(|| cause.to_owned()));
    }
    if let Some(Err(cause)) = rollout.read {
        unknown_because.push(format!("{RUBRIC_CAUSE}{cause}"));
    }
    let shown = measured.as_ref().map(|measured| measured.shown()).unwrap_or_default();
    let asked = measured.as_ref().and(trace.as_ref().ok());
    let report = item
        .instance
        .as_ref()
        .zip(trace.as_ref().ok())
        .map(|(instance, trace)| instance.check(trace.as_str()));
    RolloutRecord {
        step,
        problem_id: item.problem.id.clone(),
        source: question.source.clone(),
        domain: question.domain.name().to_owned(),
        question: question.statement.clone(),
        gold: item.problem.gold.text(),
        group_index: rollout.item as u64,
        sample_index: rollout.sample as u64,
        planner_prompt: prompt.as_str().to_owned(),
        executor_prompt: asked
            .and_then(|trace| cast.executor.prompt(question, Some(trace)).ok())
            .map(|prompt| prompt.fingerprint().as_str().to_owned()),
        completion,
        trace_tokens: tokens.len() as u64,
        truncated,
        defect: trace.as_ref().err().map(ToString::to_string),
        executor_completions: shown.completions,
        artifacts: shown.artifacts,
        verdicts: shown.verdicts,
        e: evidence.outcome.map(Probability::get),
        w: evidence.with_trace.map(Probability::get),
        b: evidence.without.map(Probability::get),
        u: evidence.uplift().map(|u| u.get()),
        s: evidence.rubric.map(Probability::get),
        rubric: rollout
            .read
            .and_then(Result::ok)
            .map(|score| RubricReading { names: rubric::dimension_names(question.domain), score }),
        reward: rollout.reward,
        format: rollout.format,
        overlong: rollout.overlong,
        advantage: rollout.reward.map(|_| rollout.advantage),
        unknown_because,
        leaked: trace.as_ref().ok().map(|trace| item.leaks(trace)),
        verified: item.instance.as_ref().map(|_| report.is_some_and(|report| report.verified())),
        replaced: false,
        trace: trace.ok().map(|trace| trace.as_str().to_owned()),
    }
}
