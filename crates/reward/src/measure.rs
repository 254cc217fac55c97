//! Measurements with a frozen executor: outcomes with a trace, and the baseline without.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use tracelift_domain::{Fingerprint, Probability, Problem, Seed, Trace, Verdict};
use tracelift_executor::{Call, CallFailure, Completion, Executor};
use tracelift_verify::{Judgement, Verifier};

/// One executor run and its judgement.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// It ran and was judged.
    Judged {
        /// What the executor wrote.
        completion: Completion,
        /// What the verifier says.
        judgement: Judgement,
    },
    /// It failed for good: its outcome is unknown.
    Failed(CallFailure),
}

impl Run {
    /// The outcome, `None` where it is unknown.
    #[must_use]
    pub fn success(&self) -> Option<bool> {
        match self {
            Run::Judged { judgement, .. } => judgement.verdict.success(),
            Run::Failed(_) => None,
        }
    }

    /// The score, `None` where it is unknown.
    #[must_use]
    pub fn score(&self) -> Option<Probability> {
        match self {
            Run::Judged { judgement, .. } => judgement.score,
            Run::Failed(_) => None,
        }
    }

    /// What the executor wrote, where it wrote anything.
    #[must_use]
    pub fn completion(&self) -> Option<&str> {
        match self {
            Run::Judged { completion, .. } => Some(&completion.text),
            Run::Failed(_) => None,
        }
    }

    /// What the verifier says of it, where there was anything to judge.
    #[must_use]
    pub fn judgement(&self) -> Option<&Judgement> {
        match self {
            Run::Judged { judgement, .. } => Some(judgement),
            Run::Failed(_) => None,
        }
    }

    /// Why the outcome is unknown, if it is.
    #[must_use]
    pub fn unknown_because(&self) -> Option<&'static str> {
        match self {
            Run::Failed(failure) => Some(failure.cause()),
            Run::Judged { judgement, .. } => match judgement.verdict {
                Verdict::Unscorable { .. } => Some(judgement.verdict.name()),
                Verdict::Passed | Verdict::Failed { .. } => None,
            },
        }
    }
}

/// All runs of one arm for one problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// In order; the first is the primary run.
    pub runs: Vec<Run>,
}

impl Measured {
    /// `e`: the score of the primary run.
    #[must_use]
    pub fn outcome(&self) -> Option<Probability> {
        self.runs.first().and_then(Run::score)
    }

    /// The mean score over all runs; unknown if any of them is, so that no outage shifts it.
    #[must_use]
    pub fn mean(&self) -> Option<Probability> {
        let scores: Option<Vec<f64>> =
            self.runs.iter().map(|run| run.score().map(Probability::get)).collect();
        let scores = scores.filter(|scores| !scores.is_empty())?;
        Probability::new(scores.iter().sum::<f64>() / scores.len() as f64).ok()
    }
}

/// What tables of runs keep of one arm's executor runs, one element a run, the primary one first; empty where nobody was
/// asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// What the executor wrote, `None` where the call failed.
    pub completions: Vec<Option<String>>,
    /// The answer or program that the verifier found in it, `None` where there is none.
    pub artifacts: Vec<Option<String>>,
    /// What the verifier says of that, `None` where the call failed.
    pub verdicts: Vec<Option<String>>,
}

impl Measured {
    /// The runs as tables show them.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let artifact = |judgement: &Judgement| Some(judgement.artifact.as_ref()?.as_str().to_owned());
        let verdict = |judgement: &Judgement| judgement.verdict.name().to_owned();
        Shown {
            completions: self.runs.iter().map(|run| run.completion().map(str::to_owned)).collect(),
            artifacts: self.runs.iter().map(|run| run.judgement().and_then(artifact)).collect(),
            verdicts: self.runs.iter().map(|run| run.judgement().map(verdict)).collect(),
        }
    }

    /// Why outcomes of it are unknown, one a run that is; the same cause may come several times.
    #[must_use]
    pub fn unknown_because(&self) -> Vec<String> {
        self.runs.iter().filter_map(Run::unknown_because).map(str::to_owned).collect()
    }
}

/// Runs every problem `k` times, with its trace or without, and judges the completions. All calls go out together,
/// and so do all judgements.
#[must_use]
pub fn measure(
    executor: &dyn Executor,
    verifier: &Verifier,
    items: &[(&Problem, Option<&Trace>, Seed)],
    k: usize,
) -> Vec<Measured> {
    let calls: Vec<Call<'_>> = items
        .iter()
        .flat_map(|&(problem, trace, seed)| {
            (0..k).map(move |run| Call {
                question: &problem.question,
                trace,
                seed: seed.child("run", run as u64),
            })
        })
        .collect();
    let results = executor.run(&calls);
    let asked = items.iter().flat_map(|&(problem, ..)| std::iter::repeat_n(problem, k));
    let answered: Vec<(&Problem, &str)> = asked
        .zip(&results)
        .filter_map(|(problem, result)| Some((problem, result.as_ref().ok()?.text.as_str())))
        .collect();
    let mut judgements = verifier.judge_all(&answered).into_iter();
    let mut runs = results.into_iter().map(|result| match result {
        Err(failure) => Run::Failed(failure),
        // One judgement was asked for per completion, in this order.
        Ok(completion) => match judgements.next() {
            Some(judgement) => Run::Judged { completion, judgement },
            None => Run::Failed(CallFailure::Engine { detail: "the verifier lost a completion".into() }),
        },
    });
    items.iter().map(|_| Measured { runs: runs.by_ref().take(k).collect() }).collect()
}

/// `b` per problem: measured once per problem and executor, and shared by everyone who asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baselines {
    executor: Fingerprint,
    k: usize,
    seed: Seed,
    known: BTreeMap<String, Probability>,
}

/// Baselines of another executor.
#[derive(Debug, thiserror::Error)]
#[error("these baselines are of executor {found}, but the executor in use is {expected}; start a new run")]
pub struct OtherExecutor {
    found: Fingerprint,
    expected: Fingerprint,
}

impl Baselines {
    /// None known yet. Each is a mean over `k` runs; the runs' seeds follow from `seed` and the problem alone.
    #[must_use]
    pub fn new(executor: &Fingerprint, k: usize, seed: Seed) -> Baselines {
        Baselines { executor: executor.clone(), k, seed, known: BTreeMap::new() }
    }

    /// # Errors
    /// When they were measured with another executor.
    pub fn check(&self, executor: &Fingerprint) -> Result<(), OtherExecutor> {
        if self.executor == *executor {
            return Ok(());
        }
        Err(OtherExecutor { found: self.executor.clone(), expected: executor.clone() })
    }

    /// How many are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// `b` of each problem, measuring what is not known yet. What fails stays unknown and is tried again when the
    /// problem comes back.
    pub fn of(
        &mut self,
        executor: &dyn Executor,
        verifier: &Verifier,
        problems: &[&Problem],
    ) -> Vec<Option<Probability>> {
        let mut asked = HashSet::new();
        let missing: Vec<(&Problem, Option<&Trace>, Seed)> = problems
            .iter()
            .filter(|problem| !self.known.contains_key(&problem.id) && asked.insert(&problem.id))
            .map(|&problem| (problem, None, self.seed_of(problem)))
            .collect();
        for ((problem, ..), measured) in missing.iter().zip(measure(executor, verifier, &missing, self.k)) {
            if let Some(mean) = measured.mean() {
                self.known.insert(problem.id.clone(), mean);
            }
        }
        problems.iter().map(|problem| self.known.get(&problem.id).copied()).collect()
    }

    fn seed_of(&self, problem: &Problem) -> Seed {
        self.seed.child("baseline", 0).child(&problem.id, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};
    use tracelift_domain::prompt::Prompt;
    use tracelift_domain::{Gold, Question, TaskDomain};
    use tracelift_executor::Usage;
    use tracelift_verify::{AnswerMode, VerifierConfig};

    /// Answers with the trace, or with nothing known; fails where the problem says so. A real `Executor`, only
    /// without a model behind it.
    struct Parrot {
        fingerprint: Fingerprint,
        calls: AtomicU64,
    }

    impl Executor for Parrot {
        fn fingerprint(&self) -> &Fingerprint {
            &self.fingerprint
        }
        fn describe(&self) -> String {
            "parrot".into()
        }
        fn prompt(&self, question: &Question, _: Option<&Trace>) -> Result<Prompt, CallFailure> {
            Ok(Prompt::Text(question.statement.as_str().into()))
        }
        fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
            calls
                .iter()
                .map(|call| {
                    let index = self.calls.fetch_add(1, Ordering::Relaxed);
                    if call.question.statement == "broken" && index.is_multiple_of(2) {
                        return Err(CallFailure::Empty { endpoint: "parrot".into() });
                    }
                    let text = call.trace.map_or("unknown", Trace::as_str).to_owned();
                    Ok(Completion { text, prompt_tokens: None, completion_tokens: None, truncated: false })
                })
                .collect()
        }
        fn usage(&self) -> Usage {
            Usage::default()
        }
    }

    fn parrot() -> Parrot {
        Parrot { fingerprint: Fingerprint::of([("parrot", b"".as_slice())]), calls: AtomicU64::new(0) }
    }

    fn problem(id: &str, statement: &str) -> Problem {
        Problem {
            id: id.into(),
            question: Question::new("test", TaskDomain::Math, statement),
            gold: Gold::Answer("7".into()),
        }
    }

    fn verifier() -> Verifier {
        Verifier::new(VerifierConfig { answers: AnswerMode::Exact, ..VerifierConfig::default() }).unwrap()
    }

    #[test]
    fn a_failed_call_makes_the_mean_unknown_and_never_zero() {
        let (good, broken) = (problem("a", "fine"), problem("b", "broken"));
        let trace = Trace::new("7").unwrap();
        let measured = measure(
            &parrot(),
            &verifier(),
            &[(&broken, Some(&trace), Seed(1)), (&good, Some(&trace), Seed(2))],
            2,
        );
        assert_eq!(measured[0].mean(), None);
        assert_eq!(measured[0].outcome(), None);
        assert_eq!(measured[0].runs[0].unknown_because(), Some("empty"));
        let shown = measured[0].shown();
        assert_eq!(shown.verdicts, [None, Some("passed".to_owned())]);
        assert_eq!(shown.completions, [None, Some("7".to_owned())]);
        assert_eq!(measured[0].unknown_because(), ["empty"]);
        assert_eq!(measured[1].mean(), Some(Probability::ONE));
    }

    #[test]
    fn a_baseline_is_measured_once_and_failures_are_tried_again() {
        let (good, broken) = (problem("a", "fine"), problem("b", "broken"));
        let (executor, verifier) = (parrot(), verifier());
        let mut baselines = Baselines::new(executor.fingerprint(), 3, Seed(5));
        let first = baselines.of(&executor, &verifier, &[&good, &good, &broken]);
        assert_eq!(first, [Some(Probability::ZERO), Some(Probability::ZERO), None]);
        assert_eq!(executor.calls.load(Ordering::Relaxed), 6, "a problem asked for twice is measured once");
        baselines.of(&executor, &verifier, &[&good, &broken]);
        assert_eq!(executor.calls.load(Ordering::Relaxed), 9, "only the failed one is tried again");
    }

    #[test]
    fn baselines_of_another_executor_are_refused() {
        let baselines = Baselines::new(parrot().fingerprint(), 3, Seed(5));
        let other = Fingerprint::of([("other", b"".as_slice())]);
        assert!(baselines.check(parrot().fingerprint()).is_ok());
        assert!(baselines.check(&other).is_err());
    }
}
