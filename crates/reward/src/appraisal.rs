//! An appraisal: the whole reward of one completion, with all its parts, and for what is unknown the cause and the place.

use crate::{Evidence, Measured, RewardConfig, RubricScore, ScoreFailure, leak::leaks, measure::Run};
use tracelift_domain::{Probability, Problem, Trace, TraceDefect, Verdict};

/// Where something became unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// What was asked is no item.
    Item,
    /// The completion was not brought to its end by the planner.
    Completion,
    /// A run of the executor with the trace.
    Executor,
    /// A run of the executor without any trace.
    Baseline,
    /// The verifier's judgement of a run.
    Verifier,
    /// The reading of the trace against the rubric.
    Rubric,
    /// The server: out of time, or broken.
    Server,
}

impl Place {
    /// The name under which it is counted and sent.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Place::Item => "item",
            Place::Completion => "completion",
            Place::Executor => "executor",
            Place::Baseline => "baseline",
            Place::Verifier => "verifier",
            Place::Rubric => "rubric",
            Place::Server => "server",
        }
    }
}

/// Why a reward is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The name under which it is counted.
    pub cause: &'static str,
    /// Where.
    pub place: Place,
    /// For people.
    pub message: String,
}

/// What is known of one completion.
#[derive(Clone, Debug, Default)]
pub struct Appraisal {
    /// What the rule made of the evidence, and the format term; `None` where it is unknown.
    pub reward: Option<f64>,
    /// The format term, where the configuration has one.
    pub format: Option<f64>,
    /// `e`, `w`, `b`, `s`.
    pub evidence: Evidence,
    /// The reading against the rubric, where there is one.
    pub rubric: Option<RubricScore>,
    /// Runs with the trace, the primary one first; none where there is no trace.
    pub runs: Vec<Run>,
    /// Runs without any trace; none where the rule has no use for them.
    pub baseline: Vec<Run>,
    /// Why there is no usable trace.
    pub defect: Option<TraceDefect>,
    /// Whether the trace states the answer; `None` where there is no trace.
    pub leaked: Option<bool>,
    /// Why the reward is unknown, if it is: the first cause.
    pub unknown: Option<Unknown>,
}

/// What was measured of one completion.
#[derive(Clone, Debug)]
pub struct Measurements<'a> {
    /// The problem that it is for.
    pub problem: &'a Problem,
    /// Its trace, or why there is none.
    pub trace: Result<&'a Trace, TraceDefect>,
    /// Runs with the trace.
    pub runs: Vec<Run>,
    /// Runs without.
    pub baseline: Vec<Run>,
    /// The reading against the rubric, where one was asked for.
    pub rubric: Option<Result<RubricScore, ScoreFailure>>,
}

impl Appraisal {
    /// What follows from measurements under a configuration. A completion without a usable trace is the planner's failure, as in
    /// training: `e`, `w` and `s` are known to be 0.
    #[must_use]
    pub fn of(measured: Measurements<'_>, config: &RewardConfig) -> Appraisal {
        let Measurements { problem, trace, runs, baseline, rubric } = measured;
        let (with, without) = (Measured { runs }, Measured { runs: baseline });
        let zero = trace.is_err().then_some(Probability::ZERO);
        let read = rubric.as_ref().and_then(|read| read.as_ref().ok());
        let evidence = Evidence {
            outcome: zero.or_else(|| with.outcome()),
            with_trace: zero.or_else(|| with.mean()),
            without: without.mean(),
            rubric: match config.needs().rubric {
                true => zero.or_else(|| read.and_then(RubricScore::probability)),
                false => None,
            },
        };
        let format = config.format_term(trace.is_ok());
        let reward = config.reward(&evidence).map(|reward| reward + format.unwrap_or(0.0));
        let unknown = match reward {
            Some(_) => None,
            None => Some(first_cause(&with.runs, &without.runs, rubric.as_ref())),
        };
        Appraisal {
            reward,
            format,
            evidence,
            rubric: read.copied(),
            runs: with.runs,
            baseline: without.runs,
            defect: trace.err(),
            leaked: trace.ok().map(|trace| leaks(problem, trace)),
            unknown,
        }
    }

    /// Of several executors, which read the same trace: the means of what was known of each. Where one of them leaves a quantity unknown, so
    /// is the mean of it: who happens to answer must not decide a reward. Their runs stand one after another.
    #[must_use]
    pub fn mean(each: &[Appraisal]) -> Appraisal {
        let mean = |of: &dyn Fn(&Appraisal) -> Option<f64>| {
            let values: Option<Vec<f64>> = each.iter().map(of).collect();
            let values = values.filter(|values| !values.is_empty())?;
            Some(values.iter().sum::<f64>() / values.len() as f64)
        };
        let share = |of: fn(&Evidence) -> Option<Probability>| {
            let mean = mean(&|one| of(&one.evidence).map(Probability::get))?;
            Probability::new(mean).ok()
        };
        let Some(first) = each.first() else { return Appraisal::default() };
        Appraisal {
            reward: mean(&|one| one.reward),
            format: first.format,
            evidence: Evidence {
                outcome: share(|evidence| evidence.outcome),
                with_trace: share(|evidence| evidence.with_trace),
                without: share(|evidence| evidence.without),
                rubric: first.evidence.rubric,
            },
            rubric: first.rubric,
            runs: each.iter().flat_map(|one| one.runs.clone()).collect(),
            baseline: each.iter().flat_map(|one| one.baseline.clone()).collect(),
            defect: first.defect,
            leaked: first.leaked,
            unknown: each.iter().find_map(|one| one.unknown.clone()),
        }
    }

    /// One of which nothing is known.
    #[must_use]
    pub fn unknown(cause: &'static str, place: Place, message: impl Into<String>) -> Appraisal {
        let unknown = Some(Unknown { cause, place, message: message.into() });
        Appraisal { unknown, ..Appraisal::default() }
    }
}

/// Why a run's outcome is unknown, if it is. A verdict that is missing is the verifier's, whichever arm it belongs to.
#[must_use]
pub fn cause_of(run: &Run, arm: Place) -> Option<Unknown> {
    match run {
        Run::Failed(failure) => {
            Some(Unknown { cause: failure.cause(), place: arm, message: failure.to_string() })
        }
        Run::Judged { judgement, .. } => match &judgement.verdict {
            Verdict::Unscorable { why } => {
                Some(Unknown { cause: "unscorable", place: Place::Verifier, message: why.clone() })
            }
            Verdict::Passed | Verdict::Failed { .. } => None,
        },
    }
}

fn first_cause(with: &[Run], without: &[Run], rubric: Option<&Result<RubricScore, ScoreFailure>>) -> Unknown {
    let runs = with.iter().find_map(|run| cause_of(run, Place::Executor));
    let baseline = || without.iter().find_map(|run| cause_of(run, Place::Baseline));
    let read = || match rubric {
        Some(Err(failure)) => {
            Some(Unknown { cause: failure.cause(), place: Place::Rubric, message: failure.to_string() })
        }
        Some(Ok(score)) if score.probability().is_none() => Some(Unknown {
            cause: "not_a_score",
            place: Place::Rubric,
            message: ScoreFailure::NotAScore.to_string(),
        }),
        _ => None,
    };
    let lost = || Unknown {
        cause: "lost",
        place: Place::Server,
        message: "a measurement that the rule uses was not taken".into(),
    };
    runs.or_else(baseline).or_else(read).unwrap_or_else(lost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rule;
    use tracelift_domain::{FailureKind, Gold, Question, TaskDomain};
    use tracelift_executor::{CallFailure, Completion};
    use tracelift_verify::Judgement;

    fn problem() -> Problem {
        let question = Question::new("test", TaskDomain::Math, "3 + 4?");
        Problem { id: "p".into(), question, gold: Gold::Answer("7".into()) }
    }

    fn judged(verdict: Verdict) -> Run {
        let score = verdict.success().map(|right| if right { Probability::ONE } else { Probability::ZERO });
        let completion =
            Completion { text: "7".into(), prompt_tokens: None, completion_tokens: None, truncated: false };
        Run::Judged { completion, judgement: Judgement { verdict, artifact: None, score } }
    }

    fn right() -> Run {
        judged(Verdict::Passed)
    }

    fn wrong() -> Run {
        judged(Verdict::Failed { kind: FailureKind::WrongAnswer })
    }

    fn read(score: f64) -> Option<Result<RubricScore, ScoreFailure>> {
        Some(Ok(RubricScore { dimensions: [2.0; 5], derived: score, total: score, score }))
    }

    fn config(rule: Rule) -> RewardConfig {
        RewardConfig { rule, ..RewardConfig::default() }
    }

    #[test]
    fn a_reward_has_all_its_parts() {
        let (problem, trace) = (problem(), Trace::new("3 + 4 = 7").unwrap());
        let measured = Measurements {
            problem: &problem,
            trace: Ok(&trace),
            runs: vec![right(), right(), wrong()],
            baseline: vec![wrong(), wrong(), right()],
            rubric: read(0.6),
        };
        let found = Appraisal::of(measured.clone(), &config(Rule::Tracelift));
        assert!((found.reward.unwrap() - (0.5 + 0.5 * 0.6 / 3.0)).abs() < 1e-12);
        assert_eq!((found.leaked, found.unknown, found.defect), (Some(true), None, None));
        let term = RewardConfig { format: Probability::HALF, ..config(Rule::ExecOnly) };
        let found = Appraisal::of(measured, &term);
        assert_eq!((found.reward, found.format, found.evidence.rubric), (Some(1.5), Some(0.5), None));
    }

    #[test]
    fn a_completion_without_a_trace_is_a_known_failure() {
        let problem = problem();
        let measured = Measurements {
            problem: &problem,
            trace: Err(TraceDefect::NoTags),
            runs: Vec::new(),
            baseline: vec![right()],
            rubric: None,
        };
        let found = Appraisal::of(measured.clone(), &config(Rule::Tracelift));
        assert_eq!((found.reward, found.defect), (Some(0.0), Some(TraceDefect::NoTags)));
        // As the trainer has it: what the executor can do without any trace is lost.
        assert_eq!(Appraisal::of(measured, &config(Rule::UpliftOnly)).reward, Some(-0.5));
    }

    #[test]
    fn of_several_executors_the_mean_counts_and_none_is_left_out() {
        let (problem, trace) = (problem(), Trace::new("add").unwrap());
        let of = |runs: Vec<Run>| {
            let baseline = vec![wrong()];
            let measured =
                Measurements { problem: &problem, trace: Ok(&trace), runs, baseline, rubric: read(0.5) };
            Appraisal::of(measured, &config(Rule::Tracelift))
        };
        let each = [of(vec![right(), right()]), of(vec![wrong(), right()])];
        let mean = Appraisal::mean(&each);
        let wanted = (each[0].reward.unwrap() + each[1].reward.unwrap()) / 2.0;
        assert!((mean.reward.unwrap() - wanted).abs() < 1e-12);
        assert_eq!(mean.evidence.outcome, Some(Probability::HALF));
        assert_eq!((mean.evidence.with_trace.map(Probability::get), mean.runs.len()), (Some(0.75), 4));
        let failed = of(vec![Run::Failed(CallFailure::Empty { endpoint: "e".into() }), right()]);
        let mean = Appraisal::mean(&[each[0].clone(), failed]);
        assert_eq!((mean.reward, mean.evidence.outcome, mean.unknown.unwrap().cause), (None, None, "empty"));
        assert_eq!(mean.evidence.without, Some(Probability::ZERO));
    }

    #[test]
    fn whatever_is_missing_is_named_with_its_place_and_never_a_number() {
        let (problem, trace) = (problem(), Trace::new("add").unwrap());
        let fine = Measurements {
            problem: &problem,
            trace: Ok(&trace),
            runs: vec![right()],
            baseline: vec![wrong()],
            rubric: read(0.5),
        };
        let timeout = Run::Failed(CallFailure::Timeout { endpoint: "e".into(), seconds: 1.0 });
        let unscorable = judged(Verdict::Unscorable { why: "no sandbox".into() });
        for (measured, cause, place) in [
            (
                Measurements { runs: vec![right(), timeout.clone()], ..fine.clone() },
                "timeout",
                Place::Executor,
            ),
            (Measurements { baseline: vec![timeout], ..fine.clone() }, "timeout", Place::Baseline),
            (Measurements { runs: vec![unscorable], ..fine.clone() }, "unscorable", Place::Verifier),
            (
                Measurements { rubric: Some(Err(ScoreFailure::NotAScore)), ..fine.clone() },
                "not_a_score",
                Place::Rubric,
            ),
            (Measurements { rubric: None, ..fine.clone() }, "lost", Place::Server),
        ] {
            let found = Appraisal::of(measured, &config(Rule::Tracelift));
            let unknown = found.unknown.unwrap();
            assert_eq!((found.reward, unknown.cause, unknown.place), (None, cause, place));
        }
    }
}
