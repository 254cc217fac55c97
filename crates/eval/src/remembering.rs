//! An executor whose answers are kept: what it answered before, to whichever process, is not asked for again.

use crate::kept::{Kept, call_id};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tracelift_domain::prompt::Prompt;
use tracelift_domain::{Fingerprint, Question, Trace};
use tracelift_executor::spending::Bill;
use tracelift_executor::{BookError, Call, CallFailure, Completion, Executor, Intake, Usage};

/// An executor, and what is kept of its answers.
pub struct Remembering<'a> {
    /// Who is asked.
    pub executor: &'a dyn Executor,
    /// Where answers are kept.
    pub kept: &'a Kept,
    /// Told after every call that was made: how many of how many there are together.
    pub watch: &'a (dyn Fn(usize, usize) + Sync),
}

impl Remembering<'_> {
    /// Keeps an answer before anyone sees it.
    fn keep(
        &self,
        id: Option<&Fingerprint>,
        result: Result<Completion, CallFailure>,
    ) -> Result<Completion, CallFailure> {
        let completion = result?;
        if let Some(id) = id {
            let kept = self.kept.add_answer(id.clone(), &completion);
            kept.map_err(|error| CallFailure::Unkept {
                detail: format!("an answer cannot be written to {}: {error}", self.kept.folder().display()),
            })?;
        }
        Ok(completion)
    }
}

impl Executor for Remembering<'_> {
    fn fingerprint(&self) -> &Fingerprint {
        self.executor.fingerprint()
    }

    fn describe(&self) -> String {
        self.executor.describe()
    }

    fn prompt(&self, question: &Question, trace: Option<&Trace>) -> Result<Prompt, CallFailure> {
        self.executor.prompt(question, trace)
    }

    fn room(&self, question: &Question, trace: Option<&Trace>) -> Option<isize> {
        self.executor.room(question, trace)
    }

    fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
        let executor = self.executor.fingerprint();
        let id = |call: &Call<'_>| {
            let prompt = self.executor.prompt(call.question, call.trace).ok()?;
            Some(call_id(executor, &prompt.fingerprint(), call.seed))
        };
        let ids: Vec<Option<Fingerprint>> = calls.iter().map(id).collect();
        let places: Vec<OnceLock<Result<Completion, CallFailure>>> = ids
            .iter()
            .map(|id| {
                let known = id.as_ref().and_then(|id| self.kept.answer(id));
                known.map_or_else(OnceLock::new, |completion| OnceLock::from(Ok(completion)))
            })
            .collect();
        let missing: Vec<usize> = (0..calls.len()).filter(|&at| places[at].get().is_none()).collect();
        let done = AtomicUsize::new(0);
        let tell = |made: usize| {
            let done = done.fetch_add(made, Ordering::Relaxed) + made;
            (self.watch)(done, missing.len());
        };
        match self.executor.intake() {
            Intake::Together => {
                let asked: Vec<Call<'_>> = missing.iter().map(|&at| calls[at]).collect();
                let results = if asked.is_empty() { Vec::new() } else { self.executor.run(&asked) };
                for (&at, result) in missing.iter().zip(results) {
                    let _ = places[at].set(self.keep(ids[at].as_ref(), result));
                }
                tell(missing.len());
            }
            Intake::Apart(most) => {
                let next = AtomicUsize::new(0);
                let work = || {
                    while let Some(&at) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                        for result in self.executor.run(&calls[at..=at]) {
                            let _ = places[at].set(self.keep(ids[at].as_ref(), result));
                        }
                        tell(1);
                    }
                };
                thread::scope(|scope| {
                    for _ in 1..NonZeroUsize::get(most).min(missing.len()) {
                        // A thread that cannot be had costs time, not calls: this one works through the list as well.
                        if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                            break;
                        }
                    }
                    work();
                });
            }
        }
        let lost = || Err(CallFailure::Engine { detail: "the executor lost a call".into() });
        places.into_iter().map(|place| place.into_inner().unwrap_or_else(lost)).collect()
    }

    fn intake(&self) -> Intake {
        self.executor.intake()
    }

    fn reach(&self) -> Result<(), CallFailure> {
        self.executor.reach()
    }

    fn usage(&self) -> Usage {
        self.executor.usage()
    }

    fn bill(&self) -> Option<Bill> {
        self.executor.bill()
    }

    fn keep_book(&self, path: &Path) -> Result<(), BookError> {
        self.executor.keep_book(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Shard;
    use std::sync::Mutex;
    use tracelift_domain::{Seed, TaskDomain};

    /// Says what it was asked; fails once for each statement with a question mark. Without a model behind it.
    struct Echo {
        fingerprint: Fingerprint,
        intake: Intake,
        asked: Mutex<Vec<String>>,
    }

    impl Executor for Echo {
        fn fingerprint(&self) -> &Fingerprint {
            &self.fingerprint
        }
        fn describe(&self) -> String {
            "echo".into()
        }
        fn prompt(&self, question: &Question, _: Option<&Trace>) -> Result<Prompt, CallFailure> {
            Ok(Prompt::Text(question.statement.as_str().into()))
        }
        fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Completion, CallFailure>> {
            let run = |call: &Call<'_>| {
                let mut asked = self.asked.lock().unwrap();
                let text = call.question.statement.clone();
                let fails = text.ends_with('?') && !asked.contains(&text);
                asked.push(text.clone());
                if fails {
                    return Err(CallFailure::Empty { endpoint: "echo".into() });
                }
                Ok(Completion { text, prompt_tokens: None, completion_tokens: None, truncated: false })
            };
            calls.iter().map(run).collect()
        }
        fn intake(&self) -> Intake {
            self.intake
        }
        fn usage(&self) -> Usage {
            Usage::default()
        }
    }

    #[test]
    fn an_answer_is_asked_for_once_and_a_failure_again() {
        for intake in [Intake::Together, Intake::Apart(NonZeroUsize::new(3).unwrap())] {
            let desk = tempfile::tempdir().unwrap();
            let fingerprint = Fingerprint::of_text("echo");
            let executor = Echo { fingerprint: fingerprint.clone(), intake, asked: Mutex::default() };
            let texts = ["one", "two", "three?", "one"];
            let questions = texts.map(|text| Question::new("test", TaskDomain::Math, text));
            // The last is the first with another seed, which is another call.
            let calls: Vec<Call<'_>> = (0..4)
                .map(|at| Call { question: &questions[at], trace: None, seed: Seed(at as u64 / 3) })
                .collect();
            for round in 0..3 {
                let kept = Kept::open(desk.path(), &fingerprint, Shard::WHOLE).unwrap();
                let told = AtomicUsize::new(0);
                let watch = |done: usize, _: usize| {
                    let _ = told.fetch_max(done, Ordering::Relaxed);
                };
                let remembering = Remembering { executor: &executor, kept: &kept, watch: &watch };
                let said: Vec<Option<String>> =
                    remembering.run(&calls).into_iter().map(|result| Some(result.ok()?.text)).collect();
                let third = (round > 0).then(|| "three?".to_owned());
                let [one, two] = ["one", "two"].map(|text| Some(text.to_owned()));
                assert_eq!(said, [one.clone(), two, third, one]);
                let (made, ever) = [(4, 4), (1, 5), (0, 5)][round];
                assert_eq!(told.into_inner(), made, "round {round} made other calls");
                assert_eq!(executor.asked.lock().unwrap().len(), ever, "round {round}");
            }
        }
    }
}
