//! An executor that is asked about what a model wrote: whether it succeeds with a trace.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{fmt, num::NonZeroU32};
use tracelift_domain::{Problem, Seed, SettingError, Trace, Verdict};
use tracelift_executor::{Call, Executor, ExecutorConfig, InProcessConfig, OpenAiConfig, OpenError};
use tracelift_verify::{ProgramConfig, Verifier, VerifierConfig};

/// The executor of a build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefereeConfig {
    /// A checkpoint in this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_process: Option<InProcessConfig>,
    /// An OpenAI-compatible server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openai: Option<OpenAiConfig>,
    /// Runs with each trace. A reference is confirmed by one that succeeds. Default: 3.
    #[serde(default = "three")]
    pub runs: NonZeroU32,
    /// Also run with the flawed traces that a model writes for programs, and refuse those with which every run still
    /// succeeds. Default: yes.
    #[serde(default = "yes")]
    pub refuse_harmless: bool,
}

fn three() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(2)
}

fn yes() -> bool {
    true
}

impl RefereeConfig {
    fn executor(&self) -> ExecutorConfig {
        ExecutorConfig { in_process: self.in_process.clone(), openai: self.openai.clone() }
    }

    /// Checks what can be checked without the executor.
    ///
    /// # Errors
    /// The first setting of `[executor]` that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        const MOST_RUNS: u32 = 1000;
        if self.runs.get() > MOST_RUNS {
            return Err(SettingError::value("executor.runs", self.runs, "from 1 to 1000"));
        }
        self.executor().validate()
    }
}

/// Why there is no referee.
#[derive(Debug, thiserror::Error)]
pub enum RefereeError {
    /// The executor cannot be had.
    #[error(transparent)]
    Executor(#[from] OpenError),
    /// A setting of the programs.
    #[error(transparent)]
    Programs(#[from] SettingError),
}

/// Says of a trace whether an executor succeeds with it.
pub struct Referee {
    executor: Box<dyn Executor>,
    verifier: Verifier,
    runs: u32,
    refuse_harmless: bool,
    seed: Seed,
}

impl fmt::Debug for Referee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Referee({}, {} runs)", self.executor.describe(), self.runs)
    }
}

impl Referee {
    /// Opens the executor that the settings name.
    ///
    /// # Errors
    /// What keeps it from being had.
    pub fn open(
        config: &RefereeConfig,
        programs: &ProgramConfig,
        seed: Seed,
    ) -> Result<Referee, RefereeError> {
        let verifier = VerifierConfig { programs: programs.clone(), ..VerifierConfig::default() };
        Ok(Referee {
            refuse_harmless: config.refuse_harmless,
            ..Referee::new(config.executor().open()?, Verifier::new(verifier)?, config.runs, seed)
        })
    }

    /// An executor and a verifier, which refuse harmless flaws.
    #[must_use]
    pub fn new(executor: Box<dyn Executor>, verifier: Verifier, runs: NonZeroU32, seed: Seed) -> Referee {
        Referee { executor, verifier, runs: runs.get(), refuse_harmless: true, seed }
    }

    /// What of it decides which traces pass.
    #[must_use]
    pub fn decisive(&self) -> Value {
        json!({
            "executor": self.executor.fingerprint(),
            "runs": self.runs,
            "refuse_harmless": self.refuse_harmless,
        })
    }

    /// What every run with the trace came to. A call that failed says nothing.
    fn verdicts(&self, problem: &Problem, trace: &Trace) -> Vec<Verdict> {
        let seed = self.seed.child(&problem.id, 0);
        let calls: Vec<Call<'_>> = (0..u64::from(self.runs))
            .map(|run| Call { question: &problem.question, trace: Some(trace), seed: seed.child("run", run) })
            .collect();
        let results = self.executor.run(&calls).into_iter();
        let verdicts = results.map(|result| match result {
            Ok(completion) => self.verifier.judge(problem, &completion.text).verdict,
            Err(failure) => Verdict::Unscorable { why: failure.to_string() },
        });
        verdicts.collect()
    }

    /// Whether the executor gets there with this trace: one run has to. Unknown if no run says anything.
    #[must_use]
    pub fn confirms(&self, problem: &Problem, trace: &Trace) -> Verdict {
        let mut verdicts = self.verdicts(problem, trace);
        let passed = verdicts.iter().position(|verdict| *verdict == Verdict::Passed);
        let failed = || verdicts.iter().position(|verdict| verdict.success() == Some(false));
        match passed.or_else(failed).or_else(|| verdicts.len().checked_sub(1)) {
            Some(at) => verdicts.swap_remove(at),
            None => Verdict::Unscorable { why: "there was no run".into() },
        }
    }

    /// Whether this flawed trace keeps nobody from getting there: all runs succeed with it. Not if one says nothing.
    #[must_use]
    pub fn finds_harmless(&self, problem: &Problem, trace: &Trace) -> bool {
        self.refuse_harmless
            && self.verdicts(problem, trace).iter().all(|verdict| *verdict == Verdict::Passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{Fingerprint, Gold, Prompt, Question, TaskDomain};
    use tracelift_executor::{CallFailure, Completion, Usage};

    /// Replies with what the trace says, run by run; `-` fails.
    struct Scripted(Fingerprint);

    impl Executor for Scripted {
        fn fingerprint(&self) -> &Fingerprint {
            &self.0
        }
        fn describe(&self) -> String {
            "scripted".into()
        }
        fn prompt(&self, question: &Question, _: Option<&Trace>) -> Result<Prompt, CallFailure> {
            Ok(Prompt::Text(question.statement.as_str().into()))
        }
        fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
            let said =
                |index: usize| calls[0].trace.unwrap().as_str().split(' ').nth(index).unwrap().to_owned();
            (0..calls.len())
                .map(|index| match said(index).as_str() {
                    "-" => Err(CallFailure::Empty { endpoint: "e".into() }),
                    text => Ok(Completion {
                        text: format!("\\boxed{{{text}}}"),
                        prompt_tokens: None,
                        completion_tokens: None,
                        truncated: false,
                    }),
                })
                .collect()
        }
        fn usage(&self) -> Usage {
            Usage::default()
        }
    }

    #[test]
    fn one_run_confirms_all_make_harmless_and_failures_say_nothing() {
        let verifier = Verifier::new(VerifierConfig::default()).unwrap();
        let referee = Referee::new(Box::new(Scripted(Fingerprint::of([]))), verifier, three(), Seed(1));
        let problem = Problem {
            id: "1".into(),
            question: Question::new("t", TaskDomain::Math, "?"),
            gold: Gold::Answer("2".into()),
        };
        for (script, success, harmless) in [
            ("- 3 2", Some(true), false),
            ("- 3 -", Some(false), false),
            ("- - 3", Some(false), false),
            ("- - -", None, false),
            ("2 2 2", Some(true), true),
            ("2 - 2", Some(true), false),
        ] {
            let trace = Trace::new(script).unwrap();
            assert_eq!(referee.confirms(&problem, &trace).success(), success, "{script}");
            assert_eq!(referee.finds_harmless(&problem, &trace), harmless, "{script}");
        }
        let lenient = Referee { refuse_harmless: false, ..referee };
        assert!(!lenient.finds_harmless(&problem, &Trace::new("2 2 2").unwrap()));
    }

    #[test]
    fn settings_name_one_executor() {
        let read = |text: &str| toml::from_str::<RefereeConfig>(text);
        let config = read("[in_process]\nmodel = \"m\"").unwrap();
        assert!(config.validate().is_ok() && config.runs.get() == 3 && config.refuse_harmless);
        assert!(read("").unwrap().validate().is_err());
        assert!(read("runs = 0\n[in_process]\nmodel = \"m\"").is_err());
    }
}
