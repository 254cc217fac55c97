//! What was seen of a training on a few problems.

use super::memory::{Machine, gibibytes, peak};
use crate::config::RunConfig;
use std::collections::BTreeMap;
use std::fmt;
use tracelift_executor::usage::Usage;
use tracelift_reward::Measured;
use tracelift_reward::measure::Run;
use tracelift_train::grpo::StepOutcome;
use tracelift_train::metrics::{StepMetrics, name};
use tracelift_train::rollouts::{NO_BASELINE, NO_RUBRIC_SCORE, RUBRIC_CAUSE, RolloutRecord};

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// Problems that were looked at.
    pub problems: usize,
    /// The tokens of the planner's prompts, in rising order.
    pub prompts: Vec<usize>,
    /// The longest sequence that the planner reads.
    pub context: usize,
    /// Completions of the planner.
    pub completions: usize,
    /// How many hold a usable trace.
    pub usable: usize,
    /// How many do not, by the name of what is wrong with them.
    pub defects: BTreeMap<String, usize>,
    /// How many the token budget cut off.
    pub truncated: usize,
    /// Usable traces that state the answer or contain a program, and how many were looked at for that.
    pub leaked: (usize, usize),
    /// The executor without a trace.
    pub without: Arm,
    /// The executor with one.
    pub with: Arm,
    /// Rollout groups whose rewards differ, and how many there are.
    pub uneven: (usize, usize),
    /// Rollouts whose reward is known.
    pub rewarded: usize,
    /// The last call of the executor that failed.
    pub failure: Option<String>,
    /// The mean rubric score, where traces are read against it.
    pub rubric: Option<f64>,
    /// Seconds of each part of a step of as many problems, by its name.
    pub seconds: Vec<(&'static str, f64)>,
    /// Problems of a step of the run, and its steps.
    pub run: (usize, u64),
    /// The most memory that was held at once, in bytes.
    pub peak: Option<u64>,
    /// All the memory that there is, in bytes.
    pub memory: Option<u64>,
}

/// What an executor made of a few problems in one arm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arm {
    /// Its runs.
    pub runs: usize,
    /// Those that were judged, the verifier knowing.
    pub known: usize,
    /// Replies.
    pub replies: usize,
    /// Those in which the verifier found an answer or a program.
    pub found: usize,
    /// Those that the token budget cut off, where that is known.
    pub cut: Option<usize>,
    /// The mean of the known scores.
    pub score: Option<f64>,
    /// Runs of each problem behind it, where they are others than the replies that were looked at.
    pub per_problem: Option<usize>,
    /// The least and the greatest mean score of a problem or trace.
    pub range: Option<(f64, f64)>,
    /// Why runs are unknown.
    pub unknown: BTreeMap<String, usize>,
    /// The mean length of prompts and of replies, in tokens, where that is known.
    pub tokens: Option<(f64, f64)>,
}

/// What [`Seen`] is made of.
pub(super) struct Material<'m> {
    pub prompts: Vec<usize>,
    pub context: usize,
    pub without: &'m [Measured],
    pub without_usage: Usage,
    pub outcome: &'m StepOutcome,
    /// Of the step.
    pub usage: Usage,
    /// Of the run.
    pub steps: u64,
    pub config: &'m RunConfig,
}

impl Seen {
    pub(super) fn of(material: Material<'_>) -> Seen {
        let Material { mut prompts, context, without, without_usage, outcome, usage, steps, config } =
            material;
        let StepOutcome { metrics, rollouts, last_failure } = outcome;
        prompts.sort_unstable();
        let count = |pick: &dyn Fn(&RolloutRecord) -> bool| rollouts.iter().filter(|r| pick(r)).count();
        let usable = count(&|r| r.defect.is_none());
        let mut without_arm = baseline(without, &without_usage);
        if config.reward.needs().baseline {
            // The step has measured it by as many runs as the rule asks for.
            without_arm.range = range(rollouts.iter().filter_map(|r| r.b)).or(without_arm.range);
            without_arm.score = metrics.get(name::WITHOUT_TRACE).or(without_arm.score);
            without_arm.per_problem = Some(config.reward.runs);
        }
        let with = with_traces(rollouts, &usage, config.reward.needs().baseline);
        let failure = last_failure.as_ref().map(ToString::to_string);
        let failure = failure.or_else(|| without_usage.last_failure.as_ref().map(ToString::to_string));
        let groups: Vec<&[RolloutRecord]> = rollouts.chunks(config.grpo.group).collect();
        Seen {
            problems: prompts.len(),
            context,
            completions: rollouts.len(),
            usable,
            defects: defects(metrics, rollouts.len()),
            truncated: count(&|r| r.truncated),
            leaked: (count(&|r| r.leaked == Some(true)), count(&|r| r.leaked.is_some())),
            without: without_arm,
            with,
            uneven: (groups.iter().filter(|group| differ(group)).count(), groups.len()),
            rewarded: count(&|r| r.reward.is_some()),
            failure,
            rubric: metrics.get(name::RUBRIC),
            seconds: ["sample", "execute", "rubric", "update"]
                .into_iter()
                .filter_map(|stage| Some((stage, metrics.get(&format!("{}{stage}", name::SECONDS))?)))
                .collect(),
            run: (config.grpo.problems, steps),
            peak: peak(),
            memory: Machine::observe().map(|machine| machine.total),
            prompts,
        }
    }

    /// Seconds that a step of the run takes, if its problems are as these.
    #[must_use]
    pub fn step_seconds(&self) -> f64 {
        let seconds: f64 = self.seconds.iter().map(|(_, seconds)| seconds).sum();
        seconds * self.run.0 as f64 / self.problems.max(1) as f64
    }

    /// Hours of the whole run.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.step_seconds() * self.run.1 as f64 / 3600.0
    }

    /// The defect that most completions have that hold no usable trace.
    #[must_use]
    pub fn worst_defect(&self) -> Option<(&str, usize)> {
        let worst = self.defects.iter().max_by_key(|(_, count)| **count);
        worst.map(|(name, count)| (name.as_str(), *count))
    }

    /// One line.
    #[must_use]
    pub fn short(&self) -> String {
        format!(
            "preflight: {} problems, usable traces {}, answers found {} without and {} with a trace, b {}, w {}, groups with a \
             gradient {} of {}; about {:.1} s a step, {} in all",
            self.problems,
            percent(self.usable, self.completions),
            percent(self.without.found, self.without.replies),
            percent(self.with.found, self.with.replies),
            number(self.without.score),
            number(self.with.score),
            self.uneven.0,
            self.uneven.1,
            self.step_seconds(),
            duration(self.hours()),
        )
    }
}

/// Whether a rollout group says anything about its traces: known rewards, with the terms beside the rule, that are not all one.
fn differ(group: &[RolloutRecord]) -> bool {
    let mut rewards = group.iter().filter_map(RolloutRecord::total);
    let first = rewards.next();
    rewards.any(|reward| Some(reward) != first)
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| {
        let (least, most) = range.unwrap_or((value, value));
        Some((least.min(value), most.max(value)))
    })
}

fn defects(metrics: &StepMetrics, completions: usize) -> BTreeMap<String, usize> {
    metrics
        .iter()
        .filter_map(|(metric, share)| Some((metric.strip_prefix(name::DEFECTIVE_BY)?, share?)))
        .map(|(kind, share)| (kind.to_owned(), (share * completions as f64).round() as usize))
        .collect()
}

/// The mean tokens of prompt and reply of calls that counted them.
fn tokens(usage: &Usage) -> Option<(f64, f64)> {
    let calls = usage.calls.saturating_sub(usage.failed());
    let mean = |tokens: u64| tokens as f64 / calls as f64;
    (calls > 0 && usage.prompt_tokens > 0).then(|| (mean(usage.prompt_tokens), mean(usage.completion_tokens)))
}

fn baseline(measured: &[Measured], usage: &Usage) -> Arm {
    let runs: Vec<&Run> = measured.iter().flat_map(|measured| &measured.runs).collect();
    let replies = runs.iter().filter(|run| run.completion().is_some()).count();
    let found = |run: &&&Run| run.judgement().is_some_and(|judgement| judgement.artifact.is_some());
    let scores: Vec<f64> = runs.iter().filter_map(|run| Some(run.score()?.get())).collect();
    let mut unknown = BTreeMap::new();
    for cause in measured.iter().flat_map(Measured::unknown_because) {
        *unknown.entry(cause).or_default() += 1;
    }
    let cut = |run: &&&Run| matches!(run, Run::Judged { completion, .. } if completion.truncated);
    Arm {
        runs: runs.len(),
        known: scores.len(),
        replies,
        found: runs.iter().filter(found).count(),
        cut: Some(runs.iter().filter(cut).count()),
        score: mean(&scores),
        per_problem: None,
        range: range(measured.iter().filter_map(|measured| Some(measured.mean()?.get()))),
        unknown,
        tokens: tokens(usage),
    }
}

fn with_traces(rollouts: &[RolloutRecord], usage: &Usage, beside_baselines: bool) -> Arm {
    let asked: Vec<&RolloutRecord> = rollouts.iter().filter(|r| r.defect.is_none()).collect();
    let mut unknown = BTreeMap::new();
    // Causes of what else is unknown are not this arm's.
    let of_runs = |cause: &&String| {
        ![NO_BASELINE, NO_RUBRIC_SCORE].contains(&cause.as_str()) && !cause.starts_with(RUBRIC_CAUSE)
    };
    for cause in asked.iter().flat_map(|r| &r.unknown_because).filter(of_runs) {
        *unknown.entry(cause.clone()).or_default() += 1;
    }
    let scores: Vec<f64> = asked.iter().filter_map(|r| r.w).collect();
    let runs: usize = asked.iter().map(|r| r.verdicts.len()).sum();
    Arm {
        runs,
        known: runs - unknown.values().sum::<usize>().min(runs),
        replies: asked.iter().flat_map(|r| &r.executor_completions).flatten().count(),
        found: asked.iter().flat_map(|r| &r.artifacts).flatten().count(),
        cut: None,
        score: mean(&scores),
        per_problem: None,
        range: range(scores.into_iter()),
        unknown,
        // Calls of both arms are counted together.
        tokens: if beside_baselines { None } else { tokens(usage) },
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn percent(part: usize, whole: usize) -> String {
    match whole {
        0 => "–".to_owned(),
        _ => format!("{:.0} %", 100.0 * part as f64 / whole as f64),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| format!("{value:.2}"))
}

fn duration(hours: f64) -> String {
    if hours < 1.0 { format!("{:.0} min", hours * 60.0) } else { format!("{hours:.1} h") }
}

/// Counts by name, in a line.
pub(super) fn list(counts: &BTreeMap<String, usize>) -> String {
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

impl Arm {
    fn line(&self, symbol: &str) -> String {
        let mut line = format!(
            "answer found in {} of {} replies ({}), {symbol} {}",
            self.found,
            self.replies,
            percent(self.found, self.replies),
            number(self.score)
        );
        if let Some(runs) = self.per_problem.filter(|_| self.score.is_some()) {
            line.push_str(&format!(" ({runs} runs a problem)"));
        }
        if let Some(cut) = self.cut.filter(|cut| *cut > 0) {
            line.push_str(&format!(", cut off {cut}"));
        }
        if !self.unknown.is_empty() {
            line.push_str(&format!(", unknown: {}", list(&self.unknown)));
        }
        if let Some((prompt, reply)) = self.tokens {
            line.push_str(&format!("; tokens of a prompt {prompt:.0}, of a reply {reply:.0}"));
        }
        line
    }
}

/// A table of lines, for people.
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { problems, completions, usable, .. } = self;
        let mut row = |name: &str, text: &str| writeln!(f, "{}", super::row(name, text));
        row("looked at", &format!("{problems} problems, {completions} completions of the planner"))?;
        if let (Some(least), Some(most)) = (self.prompts.first(), self.prompts.last()) {
            let middle = self.prompts[self.prompts.len() / 2];
            row(
                "planner's prompt",
                &format!(
                    "{least} to {most} tokens, in the middle {middle}, of {} that it reads",
                    self.context
                ),
            )?;
        }
        let mut traces = format!("usable {usable} of {completions} ({})", percent(*usable, *completions));
        if !self.defects.is_empty() {
            traces.push_str(&format!("; {}", list(&self.defects)));
        }
        row("traces", &traces)?;
        row("without a trace", &self.without.line("b"))?;
        row("with a trace", &self.with.line("w"))?;
        if let Some(rubric) = self.rubric {
            row("rubric", &format!("s {rubric:.2}"))?;
        }
        row("leaks", &format!("{} of {} usable traces state the answer", self.leaked.0, self.leaked.1))?;
        let (uneven, groups) = self.uneven;
        row("gradient", &format!("in {uneven} of {groups} rollout groups rewards differ"))?;
        let parts: Vec<String> =
            self.seconds.iter().map(|(stage, seconds)| format!("{stage} {seconds:.1}")).collect();
        row("seconds", &format!("{} for these problems", parts.join(", ")))?;
        let (each, steps) = self.run;
        row(
            "run",
            &format!(
                "about {:.1} s a step of {each} problems, {} for {steps} steps",
                self.step_seconds(),
                duration(self.hours())
            ),
        )?;
        if let Some(peak) = self.peak {
            let of = self.memory.map(|memory| format!(" of {}", gibibytes(memory))).unwrap_or_default();
            row("memory", &format!("{} at most{of}", gibibytes(peak)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_beside_the_rule_makes_rewards_differ() {
        let rollout = |reward, format| RolloutRecord { reward, format, ..RolloutRecord::default() };
        let zero = Some(0.0);
        assert!(!differ(&[rollout(zero, None), rollout(zero, None)]));
        assert!(differ(&[rollout(zero, zero), rollout(zero, Some(0.1))]));
        assert!(!differ(&[rollout(zero, zero), rollout(None, Some(0.1))]), "nobody knows the second");
    }

    #[test]
    fn only_what_the_executor_did_not_say_is_unknown_of_it() {
        let rollout = |causes: &[&str]| RolloutRecord {
            verdicts: vec![None, Some("passed".into())],
            unknown_because: causes.iter().map(|cause| (*cause).to_owned()).collect(),
            ..RolloutRecord::default()
        };
        let rollouts = [
            rollout(&["no_content", NO_BASELINE]),
            rollout(&["timeout", NO_RUBRIC_SCORE, "rubric_timeout"]),
            RolloutRecord { defect: Some("empty".into()), ..rollout(&["timeout"]) },
        ];
        let arm = with_traces(&rollouts, &Usage::default(), false);
        assert_eq!((arm.runs, arm.known), (4, 2));
        assert_eq!(arm.unknown, BTreeMap::from([("no_content".into(), 1), ("timeout".into(), 1)]));
    }
}
