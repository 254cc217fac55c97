//! What is told of appraisals.

use super::appraise::{Appraised, Usage};
use serde_json::{Map, Value, json};
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{AnswerForm, Fingerprint, Probability, Question, TaskDomain, Trace};
use tracelift_executor::Executor;
use tracelift_reward::appraisal::cause_of;
use tracelift_reward::measure::Run;
use tracelift_reward::{Place, Unknown};

/// What the parts of a reward come from.
#[derive(Clone, Debug)]
pub(super) struct Fingerprints {
    pub executor: Fingerprint,
    pub rubric: Option<Fingerprint>,
    pub verifier: Fingerprint,
    pub prompts: Fingerprint,
    pub reading: Fingerprint,
}

impl Fingerprints {
    pub fn to_json(&self) -> Value {
        json!({
            "executor": self.executor, "rubric": self.rubric, "verifier": self.verifier, "prompts": self.prompts,
            "reading": self.reading,
        })
    }
}

fn number(value: Option<Probability>) -> Value {
    json!(value.map(Probability::get))
}

/// A run: what was found in the completion, the verdict, its score; where they are unknown, the cause.
fn run(run: &Run, arm: Place) -> Value {
    let judgement = run.judgement();
    let artifact = judgement.and_then(|judgement| Some(judgement.artifact.as_ref()?.as_str()));
    let mut told = json!({
        "artifact": artifact,
        "verdict": judgement.map(|judgement| judgement.verdict.name()),
        "score": number(run.score()),
    });
    if let Some(unknown) = cause_of(run, arm) {
        told["unknown"] = cause(&unknown);
    }
    told
}

pub(super) fn cause(unknown: &Unknown) -> Value {
    json!({ "cause": unknown.cause, "where": unknown.place.name(), "message": unknown.message })
}

/// The expected labels of a reading, 0 to 4, by name.
pub(super) fn dimensions(appraised: &Appraised) -> Value {
    let (Some(score), Some(problem)) = (&appraised.appraisal.rubric, &appraised.problem) else {
        return Value::Null;
    };
    let names = dimension_names(problem.question.domain);
    let pairs = names.iter().zip(score.dimensions);
    Value::Object(Map::from_iter(pairs.map(|(name, label)| ((*name).to_owned(), json!(label)))))
}

/// One result with all its parts.
pub(super) fn result(index: usize, appraised: &Appraised) -> Value {
    let found = &appraised.appraisal;
    let mut told = json!({
        "index": index,
        "reward": found.reward,
        "e": number(found.evidence.outcome),
        "w": number(found.evidence.with_trace),
        "b": number(found.evidence.without),
        "u": found.evidence.uplift().map(|uplift| uplift.get()),
        "s": number(found.evidence.rubric),
        "dimensions": dimensions(appraised),
        "defect": found.defect.map(|defect| defect.code()),
        "leaked": found.leaked,
        "runs": found.runs.iter().map(|one| run(one, Place::Executor)).collect::<Vec<_>>(),
        "baseline": found.baseline.iter().map(|one| run(one, Place::Baseline)).collect::<Vec<_>>(),
    });
    let mut set = |key: &str, value: Value| {
        told[key] = value;
    };
    if let Some(problem) = &appraised.problem {
        set("problem_id", json!(problem.id));
    }
    if let Some(truncated) = appraised.truncated {
        set("truncated", json!(truncated));
    }
    if let Some(format) = found.format {
        set("format", json!(format));
    }
    if let Some(unknown) = &found.unknown {
        set("unknown", cause(unknown));
    }
    told
}

/// The answer of `POST /v1/reward`.
pub(super) fn answer(appraised: &[Appraised], fingerprints: &Fingerprints) -> Value {
    let mut usage = Usage::default();
    appraised.iter().for_each(|one| usage += one.usage);
    json!({
        "rewards": appraised.iter().map(|one| one.appraisal.reward).collect::<Vec<_>>(),
        "results": appraised.iter().enumerate().map(|(i, one)| result(i, one)).collect::<Vec<_>>(),
        "usage": {
            "calls": usage.calls,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "tokens": usage.prompt_tokens + usage.completion_tokens,
            "cached": usage.cached,
        },
        "fingerprints": fingerprints.to_json(),
    })
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
