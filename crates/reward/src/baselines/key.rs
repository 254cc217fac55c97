//! What a run without a trace is known by.

use serde_json::json;
use tracelift_domain::{Fingerprint, Problem, Question, Seed, fingerprint::canonical};

/// A run: of which question, by which executor, from which seed, and which one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// [`question_id`].
    pub question: Fingerprint,
    /// The executor's fingerprint, of which its prompts are a part.
    pub executor: Fingerprint,
    /// The seed of all runs, of which the run's own follows.
    pub seed: Seed,
    /// Its index, from 0.
    pub run: u64,
}

/// By what a completion was judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JudgedBy {
    /// A hash of the gold answer or tests.
    pub gold: Fingerprint,
    /// The verifier's fingerprint.
    pub verifier: Fingerprint,
}

impl JudgedBy {
    /// The gold of a problem, and a verifier.
    #[must_use]
    pub fn of(problem: &Problem, verifier: &Fingerprint) -> JudgedBy {
        // Texts and lists of texts: nothing in them has no form in JSON.
        let gold = serde_json::to_vec(&problem.gold).unwrap_or_default();
        JudgedBy { gold: Fingerprint::of([("gold", gold.as_slice())]), verifier: verifier.clone() }
    }
}

/// A hash of all that a prompt may be made of, so two problems with one question have one baseline, whatever they are called and
/// however they are judged.
#[must_use]
pub fn question_id(question: &Question) -> Fingerprint {
    let Question { source, domain, statement, form, entry, tests_shown } = question;
    let all = json!({
        "source": source, "domain": domain, "statement": statement, "form": form, "entry": entry, "tests_shown": tests_shown,
    });
    Fingerprint::of([("question", canonical(&all).as_bytes())])
}

/// Where the sampling of a run starts. It follows from the seed of all runs, the question, the arm and the index alone, so a run is
/// the same whatever else is asked at the time, and in whichever order.
#[must_use]
pub fn run_seed(seed: Seed, arm: &str, question: &Fingerprint, run: u64) -> Seed {
    seed.child(arm, 0).child(question.as_str(), 0).child("run", run)
}

impl RunKey {
    /// Where the sampling of this run starts.
    #[must_use]
    pub fn seed(&self) -> Seed {
        run_seed(self.seed, "baseline", &self.question, self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{Gold, TaskDomain};

    #[test]
    fn a_question_is_known_by_what_a_prompt_sees_and_a_gold_by_what_judges() {
        let question = Question::new("a", TaskDomain::Math, "1 + 1?");
        let other = Question { entry: Some("f".into()), ..question.clone() };
        assert_eq!(question_id(&question), question_id(&question.clone()));
        assert_ne!(question_id(&question), question_id(&other));
        let problem = |id: &str, gold: &str| Problem {
            id: id.into(),
            question: question.clone(),
            gold: Gold::Answer(gold.into()),
        };
        let verifier = Fingerprint::of_text("v");
        let by = |problem: Problem| JudgedBy::of(&problem, &verifier);
        assert_eq!(by(problem("x", "2")), by(problem("y", "2")));
        assert_ne!(by(problem("x", "2")), by(problem("x", "3")));
    }

    #[test]
    fn a_seed_tells_arms_questions_and_runs_apart() {
        let (a, b) = (Fingerprint::of_text("a"), Fingerprint::of_text("b"));
        let all = [
            run_seed(Seed(1), "with", &a, 0),
            run_seed(Seed(1), "with", &a, 1),
            run_seed(Seed(1), "with", &b, 0),
            run_seed(Seed(1), "baseline", &a, 0),
            run_seed(Seed(2), "with", &a, 0),
        ];
        for (i, one) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|other| other != one), "{i}");
        }
    }
}
