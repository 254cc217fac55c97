//! What is told of appraisals.

pub(super) use crate::rubric::dialect::value;

use super::appraise::{Appraised, Usage};
use super::executors::Names;
use super::service::House;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{AnswerForm, Fingerprint, Probability, Question, TaskDomain, Trace};
use tracelift_executor::Executor;
use tracelift_reward::appraisal::cause_of;
use tracelift_reward::measure::Run;
use tracelift_reward::{Appraisal, Place, Unknown};

/// What the parts of a reward come from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Fingerprints {
    #[schemars(with = "String")]
    pub executor: Fingerprint,
    #[schemars(with = "Option<String>")]
    pub rubric: Option<Fingerprint>,
    #[schemars(with = "String")]
    pub verifier: Fingerprint,
    #[schemars(with = "String")]
    pub prompts: Fingerprint,
    #[schemars(with = "String")]
    pub reading: Fingerprint,
    /// Of each executor by name, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executors: Option<BTreeMap<String, ExecutorPrints>>,
}

/// What an executor's runs come from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ExecutorPrints {
    #[schemars(with = "String")]
    pub executor: Fingerprint,
    #[schemars(with = "String")]
    pub prompts: Fingerprint,
}

/// Why something is unknown, as it is told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Cause {
    /// The name under which it is counted.
    pub cause: &'static str,
    /// Where it became unknown.
    #[serde(rename = "where")]
    pub place: &'static str,
    /// For people.
    pub message: String,
}

impl From<&Unknown> for Cause {
    fn from(unknown: &Unknown) -> Cause {
        Cause { cause: unknown.cause, place: unknown.place.name(), message: unknown.message.clone() }
    }
}

/// One run of the executor, as it is told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct RunTold {
    /// Whose it is, where several executors were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// What was found in its completion.
    pub artifact: Option<String>,
    /// What the verifier says of that; null where the outcome is unknown.
    pub verdict: Option<&'static str>,
    /// From 0 to 1; null where it is unknown.
    pub score: Option<f64>,
    /// Why it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Cause>,
}

impl RunTold {
    fn of(run: &Run, arm: Place, executor: Option<&str>) -> RunTold {
        let judgement = run.judgement();
        RunTold {
            executor: executor.map(str::to_owned),
            artifact: judgement.and_then(|judgement| Some(judgement.artifact.as_ref()?.as_str().to_owned())),
            verdict: judgement.map(|judgement| judgement.verdict.name()),
            score: run.score().map(Probability::get),
            unknown: cause_of(run, arm).as_ref().map(Cause::from),
        }
    }
}

/// What one executor of several made of an item.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct ReaderTold {
    pub executor: String,
    /// What the rule made of this executor's runs.
    pub reward: Option<f64>,
    pub e: Option<f64>,
    pub w: Option<f64>,
    pub b: Option<f64>,
    pub u: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Cause>,
}

fn number(value: Option<Probability>) -> Option<f64> {
    value.map(Probability::get)
}

/// What became of one item.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct RewardResult {
    /// Its place in the request.
    pub index: usize,
    /// The problem's name, where the problem is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem_id: Option<String>,
    /// What the rule made of the parts; null where it is unknown.
    pub reward: Option<f64>,
    /// Success of the primary run.
    pub e: Option<f64>,
    /// Mean success with the trace.
    pub w: Option<f64>,
    /// Mean success without any trace.
    pub b: Option<f64>,
    /// w − b.
    pub u: Option<f64>,
    /// The reading of the trace against the rubric.
    pub s: Option<f64>,
    /// The expected labels of the reading, 0 to 4, by name.
    pub dimensions: Option<BTreeMap<&'static str, f64>>,
    /// Why there is no usable trace; the reward is then known.
    pub defect: Option<&'static str>,
    /// Whether the trace states the answer.
    pub leaked: Option<bool>,
    /// Whether the completion was cut, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// The format term in the reward, where the configuration has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<f64>,
    /// The executor, where there are several and one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
    /// What each executor made of it, where several were asked: reward, e, w, b and u are their means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executors: Vec<ReaderTold>,
    /// Runs of the executor with the trace, the primary one first.
    pub runs: Vec<RunTold>,
    /// Runs without any trace.
    pub baseline: Vec<RunTold>,
    /// Why the reward is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Cause>,
}

impl RewardResult {
    /// What is told of an item.
    pub fn of(index: usize, appraised: &Appraised, names: &Names) -> RewardResult {
        let found = &appraised.appraisal;
        let several = || appraised.readers.iter().zip(&appraised.each);
        let shown = |place: usize| names.shown(place).unwrap_or_default().to_owned();
        let told = |runs: fn(&Appraisal) -> &[Run], arm| -> Vec<RunTold> {
            if appraised.each.is_empty() {
                return runs(found).iter().map(|run| RunTold::of(run, arm, None)).collect();
            }
            several()
                .flat_map(|(&place, one)| {
                    runs(one).iter().map(move |run| RunTold::of(run, arm, names.shown(place)))
                })
                .collect()
        };
        let reader = |(&place, one): (&usize, &Appraisal)| ReaderTold {
            executor: shown(place),
            reward: one.reward,
            e: number(one.evidence.outcome),
            w: number(one.evidence.with_trace),
            b: number(one.evidence.without),
            u: one.evidence.uplift().map(|uplift| uplift.get()),
            unknown: one.unknown.as_ref().map(Cause::from),
        };
        RewardResult {
            executor: match appraised.readers[..] {
                [place] => names.shown(place).map(str::to_owned),
                _ => None,
            },
            executors: several().map(reader).collect(),
            index,
            problem_id: appraised.problem.as_ref().map(|problem| problem.id.clone()),
            reward: found.reward,
            e: number(found.evidence.outcome),
            w: number(found.evidence.with_trace),
            b: number(found.evidence.without),
            u: found.evidence.uplift().map(|uplift| uplift.get()),
            s: number(found.evidence.rubric),
            dimensions: dimensions(appraised),
            defect: found.defect.map(|defect| defect.code()),
            leaked: found.leaked,
            truncated: appraised.truncated,
            format: found.format,
            runs: told(|one| &one.runs, Place::Executor),
            baseline: told(|one| &one.baseline, Place::Baseline),
            unknown: found.unknown.as_ref().map(Cause::from),
        }
    }
}

/// The expected labels of a reading, 0 to 4, by name.
pub(super) fn dimensions(appraised: &Appraised) -> Option<BTreeMap<&'static str, f64>> {
    let (score, problem) = (appraised.appraisal.rubric.as_ref()?, appraised.problem.as_ref()?);
    let names = dimension_names(problem.question.domain);
    Some(names.iter().copied().zip(score.dimensions).collect())
}

/// What was asked of the executor for a request.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(super) struct UsageTold {
    /// Calls that were made, failed ones and hedges among them.
    pub calls: u64,
    /// Tokens read, as far as they are known.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Both.
    pub tokens: u64,
    /// Runs without a trace that were there already, or that another asked for at the same time.
    pub cached: u64,
}

impl From<Usage> for UsageTold {
    fn from(usage: Usage) -> UsageTold {
        let Usage { calls, prompt_tokens, completion_tokens, cached } = usage;
        UsageTold {
            calls,
            prompt_tokens,
            completion_tokens,
            tokens: prompt_tokens + completion_tokens,
            cached,
        }
    }
}

/// The answer of `POST /v1/reward`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct RewardResponse<'a> {
    /// One an item, in their order; null is unknown.
    pub rewards: Vec<Option<f64>>,
    /// Each with all its parts.
    pub results: Vec<RewardResult>,
    pub usage: UsageTold,
    pub fingerprints: &'a Fingerprints,
}

impl<'a> RewardResponse<'a> {
    pub fn of(appraised: &[Appraised], house: &'a House) -> RewardResponse<'a> {
        let told = |(i, one)| RewardResult::of(i, one, &house.names);
        let mut usage = Usage::default();
        appraised.iter().for_each(|one| usage += one.usage);
        RewardResponse {
            rewards: appraised.iter().map(|one| one.appraisal.reward).collect(),
            results: appraised.iter().enumerate().map(told).collect(),
            usage: usage.into(),
            fingerprints: &house.fingerprints,
        }
    }
}

/// The last line of a stream: it was not broken off.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct StreamEnd<'a> {
    pub usage: UsageTold,
    pub fingerprints: &'a Fingerprints,
}

/// A line of a stream.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it describes what a stream tells")]
pub(super) enum StreamLine<'a> {
    Result(Box<RewardResult>),
    End(StreamEnd<'a>),
}

/// A result, with what its parts come from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Detail<'a> {
    #[serde(flatten)]
    pub result: RewardResult,
    pub fingerprints: &'a Fingerprints,
}

/// A hash of what an executor is told of one question of each kind, in both arms.
pub(super) fn prompts(executor: &dyn Executor) -> Fingerprint {
    let number = Question {
        form: AnswerForm::Number,
        ..Question::new("probe", TaskDomain::Math, "How many are 2 and 3?")
    };
    let expression = Question { form: AnswerForm::Expression, ..number.clone() };
    let program = Question { domain: TaskDomain::Code, ..expression.clone() };
    let function = Question {
        entry: Some("add".into()),
        tests_shown: vec!["assert add(2, 3) == 5".into()],
        ..program.clone()
    };
    let trace = Trace::new("Add them.");
    let mut said = Vec::new();
    for question in [number, expression, program, function] {
        for trace in [None, trace.as_ref()] {
            said.push(match executor.prompt(&question, trace) {
                Ok(prompt) => prompt.fingerprint().as_str().to_owned(),
                Err(failure) => failure.to_string(),
            });
        }
    }
    Fingerprint::of(said.iter().map(|said| ("prompt", said.as_bytes())))
}
