//! Reference traces that a model writes. A model's word is not enough: gold or an executor must confirm each.

use super::writer::{Writer, check_text, same_answer};
use crate::gate::{GateLimits, GateReason, gate_trace};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, sync::LazyLock};
use tracelift_domain::{FailureKind, Gold, Problem, TaskDomain, Trace, Verdict};
use tracelift_flaws::SeedProblem;
use tracelift_oracle::{Answer, Failure, Inquiry, Provenance, Schema};

/// A reference trace that has been confirmed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The trace.
    pub trace: Trace,
    /// How it came about.
    pub provenance: Provenance,
}

/// What came of asking for a reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References {
    /// The first that was confirmed.
    pub confirmed: Option<Reference>,
    /// Traces that did not lead to gold.
    pub refuted: u64,
    /// Traces of which nobody could say: the executor or the verifier failed.
    pub unknown: u64,
    /// Traces that a gate kept out.
    pub gated: BTreeMap<GateReason, u64>,
    /// Questions without a usable answer, by [`Failure::cause`].
    pub failures: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct WrittenTrace {
    reasoning: String,
    #[serde(default)]
    implied_answer: String,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema {
    name: "reference_trace".into(),
    value: json!({
        "type": "object",
        "required": ["reasoning", "implied_answer"],
        "additionalProperties": false,
        "properties": { "reasoning": { "type": "string" }, "implied_answer": { "type": "string" } },
    }),
});

impl Writer {
    /// A reference trace that `check` confirms. `check` gets the problem, the trace, and the answer to which the writer
    /// says it leads (empty where it names none). The writer sees the problem's statement alone, neither gold nor the
    /// published solution.
    ///
    /// # Errors
    /// A failure that may pass: the group is to be made later.
    pub fn reference(
        &self,
        seed: &SeedProblem,
        limits: &GateLimits,
        check: &dyn Fn(&Problem, &Trace, &str) -> Verdict,
    ) -> Result<References, Failure> {
        let template = match seed.problem.question.domain {
            TaskDomain::Math | TaskDomain::Steps => &self.templates[2],
            TaskDomain::Code => &self.templates[3],
        };
        let messages = template.fill(&[("problem", &seed.problem.question.statement)]);
        let mut references = References::default();
        for sample in 0..u64::from(self.attempts) {
            let inquiry = Inquiry { template, messages: messages.clone(), schema: &SCHEMA, sample };
            let answer =
                self.oracle.ask(&inquiry, |reply: &WrittenTrace| check_text("reasoning", &reply.reasoning));
            let Answer { value, provenance } = match answer {
                Ok(answer) => answer,
                Err(failure) if failure.is_final() => {
                    *references.failures.entry(failure.cause().to_owned()).or_default() += 1;
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            let gated = gate_trace(seed, &value.reasoning, limits).err();
            let Some(trace) = Trace::new(&value.reasoning).filter(|_| gated.is_none()) else {
                *references.gated.entry(gated.unwrap_or(GateReason::NotATrace)).or_default() += 1;
                continue;
            };
            match check(&seed.problem, &trace, value.implied_answer.trim()) {
                Verdict::Passed => {
                    references.confirmed = Some(Reference { trace, provenance });
                    break;
                }
                Verdict::Failed { .. } => references.refuted += 1,
                Verdict::Unscorable { .. } => references.unknown += 1,
            }
        }
        Ok(references)
    }
}

/// Confirms a trace by the answer to which its writer says it leads. Only for problems whose gold is an answer.
#[must_use]
pub fn gold_check(problem: &Problem, _trace: &Trace, implied: &str) -> Verdict {
    match &problem.gold {
        Gold::Answer(gold) if same_answer(gold, implied) => Verdict::Passed,
        Gold::Answer(_) => Verdict::Failed { kind: FailureKind::WrongAnswer },
        Gold::Tests(_) | Gold::Function(_) => {
            Verdict::Unscorable { why: "its gold is tests; an executor must confirm it".into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(gold: Gold) -> Problem {
        Problem {
            id: "1".into(),
            question: tracelift_domain::Question::new("t", TaskDomain::Math, "?"),
            gold,
        }
    }

    #[test]
    fn gold_confirms_answers_alone() {
        let trace = Trace::new("1 + 1 = 2").unwrap();
        let check = |gold, implied| gold_check(&problem(gold), &trace, implied).success();
        assert_eq!(check(Gold::Answer("2".into()), "2.0"), Some(true));
        assert_eq!(check(Gold::Answer("2".into()), ""), Some(false));
        assert_eq!(check(Gold::Tests(Vec::new()), "2"), None);
    }
}
