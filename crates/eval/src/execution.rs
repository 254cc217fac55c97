//! How far a procedure was carried out, where an exact checker tells.

use crate::SampleRecord;
use serde::{Deserialize, Serialize};
use tracelift_worlds::Extent;
use tracelift_worlds::procedure::{Numbers, Operations, Procedure};

/// What the exact checker of a procedure says of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionRecord {
    /// How many values before the last one a step may reach back to.
    pub look_back: u32,
    /// Which operations there are.
    pub operations: Operations,
    /// What numbers.
    pub numbers: Numbers,
    /// Whether fewer steps are carried out than there are, all of them, or more: in the trace, where there is one to read; in a row
    /// without, in what the executor wrote.
    pub extent: Extent,
    /// Steps that there are.
    pub expected: u32,
    /// Steps that are carried out.
    pub executed: u32,
    /// Those of them whose result is right.
    pub confirmed: u32,
    /// The first step, from 0, that is wrong or left out.
    pub first_flaw: Option<u32>,
    /// Whether the first answer that the executor states is right.
    pub first_answer: bool,
    /// Whether any is.
    pub any_answer: bool,
    /// Whether it states none.
    pub empty: bool,
}

/// Lets the checker of a problem read a sample. What is unknown, as the executor did not answer, stays so.
pub fn follow(procedure: &Procedure, sample: &mut SampleRecord) {
    sample.level = Some(procedure.cell().length);
    // A completion without a usable trace carries nothing out.
    let planned = sample.completion.is_some();
    let trace = planned.then(|| sample.trace.clone().unwrap_or_default());
    if let Some(trace) = &trace {
        sample.verified = Some(procedure.execution(trace).verified());
        sample.leaked = sample.trace.as_ref().map(|trace| procedure.states_answer(trace));
    }
    let answer = match sample.executor_completions.first() {
        Some(Some(completion)) => completion.clone(),
        Some(None) => return,
        None => String::new(),
    };
    let execution = procedure.execution(trace.as_deref().unwrap_or(&answer));
    let answers = procedure.answers(&answer);
    sample.execution = Some(ExecutionRecord {
        look_back: procedure.cell().look_back,
        operations: procedure.cell().operations.clone(),
        numbers: procedure.cell().numbers,
        extent: execution.extent,
        expected: execution.expected,
        executed: execution.executed,
        confirmed: execution.confirmed,
        first_flaw: execution.first_flaw,
        first_answer: answers.first,
        any_answer: answers.any,
        empty: answers.empty,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::tests::sample;
    use tracelift_domain::Seed;
    use tracelift_worlds::procedure::Cell;

    fn procedure() -> Procedure {
        let operations = "+-".parse().unwrap();
        Cell { length: 6, look_back: 2, operations, numbers: Numbers::Integers, largest: 1000 }
            .procedure(Seed(1), 0)
    }

    fn followed(trace: Option<&str>, said: Option<Option<&str>>) -> SampleRecord {
        let mut sample = sample("TraceLift", 0, 0);
        sample.completion = trace.map(str::to_owned);
        sample.trace = trace.filter(|trace| !trace.is_empty()).map(str::to_owned);
        sample.executor_completions = said.into_iter().map(|said| said.map(str::to_owned)).collect();
        follow(&procedure(), &mut sample);
        sample
    }

    #[test]
    fn the_trace_is_read_where_there_is_one_and_else_the_executor() {
        let (gold, answer) = (procedure().gold_trace(), format!("#### {}", procedure().answer()));
        let planned = followed(Some(&gold), Some(Some(&answer)));
        let execution = planned.execution.unwrap();
        assert_eq!((planned.level, planned.verified, planned.leaked), (Some(6), Some(true), Some(true)));
        assert_eq!((execution.extent, execution.executed, execution.first_answer), (Extent::Exact, 6, true));

        let alone = followed(None, Some(Some(&gold)));
        let execution = alone.execution.unwrap();
        assert_eq!((alone.verified, execution.extent, execution.first_answer), (None, Extent::Exact, true));

        let useless = followed(Some(""), None);
        let execution = useless.execution.unwrap();
        assert_eq!((useless.verified, execution.extent, execution.empty), (Some(false), Extent::Under, true));

        let lost = followed(Some(&gold), Some(None));
        assert_eq!((lost.execution, lost.verified), (None, Some(true)), "nobody answered");
    }
}
