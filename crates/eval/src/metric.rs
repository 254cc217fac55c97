//! Metrics: what an evaluation measures, and what a sample says about each.

use crate::{ExecutionRecord, Measurement, SampleRecord};
use serde::{Deserialize, Serialize};
use tracelift_worlds::Extent;

/// What an evaluation measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Share of samples whose answer is right.
    Accuracy,
    /// Share of samples whose answer *and* trace are right.
    VerifiedAccuracy,
    /// Share of samples that are right for the wrong reasons: the answer is right, the trace is not.
    WrongReasons,
    /// The same as a share of the samples whose answer is right.
    WrongReasonsOfRight,
    /// `u = w − b`.
    Uplift,
    /// What a reader of traces says of them, `s`.
    Rubric,
    /// Length of a trace in tokens.
    TraceTokens,
    /// Share of traces that state the answer or contain a program.
    LeakRate,
    /// Share of completions that hold a usable trace.
    Usable,
    /// Share of completions that the token budget cut off.
    Truncated,
    /// Share of procedures of which the first answer that the executor states is right.
    FirstAnswer,
    /// Share of procedures of which any answer that it states is.
    AnyAnswer,
    /// Share of procedures to which it states no answer.
    NoAnswer,
    /// Share of procedures that are carried out with as many steps as they have.
    ExactlyExecuted,
    /// Share of procedures that are carried out with fewer.
    UnderExecuted,
    /// Share of procedures that are carried out with more.
    OverExecuted,
    /// Tokens that the executor wrote about a sample, in all its runs.
    ExecutorTokens,
    /// Executor calls that a sample took.
    ExecutorCalls,
    /// Wall time of a sample, planner, executor and verifier together: its share of what was worked on with it.
    Seconds,
}

impl Metric {
    /// Every metric, in the order of a table's columns.
    pub const ALL: [Metric; 19] = [
        Metric::Accuracy,
        Metric::VerifiedAccuracy,
        Metric::WrongReasons,
        Metric::WrongReasonsOfRight,
        Metric::Uplift,
        Metric::Rubric,
        Metric::TraceTokens,
        Metric::LeakRate,
        Metric::Usable,
        Metric::Truncated,
        Metric::FirstAnswer,
        Metric::AnyAnswer,
        Metric::NoAnswer,
        Metric::ExactlyExecuted,
        Metric::UnderExecuted,
        Metric::OverExecuted,
        Metric::ExecutorTokens,
        Metric::ExecutorCalls,
        Metric::Seconds,
    ];

    /// Whether it is about procedures alone.
    fn is_of_procedures(self) -> bool {
        use Metric::{AnyAnswer, ExactlyExecuted, FirstAnswer, NoAnswer, OverExecuted, UnderExecuted};
        matches!(self, FirstAnswer | AnyAnswer | NoAnswer | ExactlyExecuted | UnderExecuted | OverExecuted)
    }

    /// What a sample cost, which is no property of the planner's traces.
    #[must_use]
    pub fn is_cost(self) -> bool {
        matches!(self, Metric::ExecutorTokens | Metric::ExecutorCalls | Metric::Seconds)
    }

    /// Whether a column of it is missed where no sample says anything about it: what every evaluation is about.
    pub(crate) fn is_missed(self) -> bool {
        !matches!(self, Metric::Rubric | Metric::Usable | Metric::Truncated)
            && !self.is_cost()
            && !self.is_of_procedures()
    }

    /// Whether a mean of it is what anybody expects, so that a column of nothing else says nothing.
    pub(crate) fn is_expected(self, mean: f64) -> bool {
        match self {
            Metric::Usable => mean == 1.0,
            Metric::Truncated => mean == 0.0,
            _ => false,
        }
    }

    /// Whether its values are lengths, counts or times, and no shares.
    fn is_plain(self) -> bool {
        self == Metric::TraceTokens || self.is_cost()
    }

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::VerifiedAccuracy => "verified_accuracy",
            Metric::WrongReasons => "wrong_reasons",
            Metric::WrongReasonsOfRight => "wrong_reasons_of_right",
            Metric::Uplift => "uplift",
            Metric::Rubric => "rubric",
            Metric::TraceTokens => "trace_tokens",
            Metric::LeakRate => "leak_rate",
            Metric::Usable => "usable",
            Metric::Truncated => "truncated",
            Metric::FirstAnswer => "first_answer",
            Metric::AnyAnswer => "any_answer",
            Metric::NoAnswer => "no_answer",
            Metric::ExactlyExecuted => "exactly_executed",
            Metric::UnderExecuted => "under_executed",
            Metric::OverExecuted => "over_executed",
            Metric::ExecutorTokens => "executor_tokens",
            Metric::ExecutorCalls => "executor_calls",
            Metric::Seconds => "seconds",
        }
    }

    /// What heads its column.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::VerifiedAccuracy => "verified",
            Metric::WrongReasons => "wrong reasons",
            Metric::WrongReasonsOfRight => "wrong if right",
            Metric::Uplift => "uplift",
            Metric::Rubric => "rubric",
            Metric::TraceTokens => "trace tokens",
            Metric::LeakRate => "leaked",
            Metric::Usable => "usable",
            Metric::Truncated => "truncated",
            Metric::FirstAnswer => "first answer",
            Metric::AnyAnswer => "any answer",
            Metric::NoAnswer => "no answer",
            Metric::ExactlyExecuted => "exact",
            Metric::UnderExecuted => "under",
            Metric::OverExecuted => "over",
            Metric::ExecutorTokens => "executor tokens",
            Metric::ExecutorCalls => "calls",
            Metric::Seconds => "seconds",
        }
    }

    /// What its numbers are, for whoever points at one.
    #[must_use]
    pub fn explained(self) -> &'static str {
        match self {
            Metric::Accuracy => {
                "share of samples whose answer is right, in per cent ± its standard error, clustered by problem"
            }
            Metric::VerifiedAccuracy => {
                "share of samples whose answer and trace are right, where an exact checker knows the trace"
            }
            Metric::WrongReasons => {
                "share of samples that are right for the wrong reasons: answer right, trace not"
            }
            Metric::WrongReasonsOfRight => "right for the wrong reasons, as a share of right answers",
            Metric::Uplift => {
                "u = w − b in percentage points: success with the trace less success without any"
            }
            Metric::Rubric => "what a reader of traces says of them, s",
            Metric::TraceTokens => "length of a trace in tokens",
            Metric::LeakRate => "share of traces that state the final answer or contain a program",
            Metric::Usable => "share of completions that hold a usable trace",
            Metric::Truncated => "share of completions that the token budget cut off",
            Metric::FirstAnswer => "share of procedures of which the first answer that is stated is right",
            Metric::AnyAnswer => "share of procedures of which any answer that is stated is right",
            Metric::NoAnswer => "share of procedures to which no answer is stated",
            Metric::ExactlyExecuted => {
                "share of procedures that are carried out with exactly as many steps as they have"
            }
            Metric::UnderExecuted => {
                "share of procedures that are carried out with fewer steps than they have"
            }
            Metric::OverExecuted => "share of procedures that are carried out with more steps than they have",
            Metric::ExecutorTokens => "tokens that the executor wrote about a sample",
            Metric::ExecutorCalls => "executor calls that a sample took",
            Metric::Seconds => "a sample's share of the wall time, in seconds",
        }
    }

    /// A number of this metric for people, without unit: shares in per cent, uplift in percentage points with its
    /// sign, lengths in tokens.
    #[must_use]
    pub fn format(self, value: f64) -> String {
        match self {
            Metric::Uplift => signed(100.0 * value),
            Metric::Seconds => format!("{value:.2}"),
            plain if plain.is_plain() => format!("{value:.1}"),
            _ => format!("{:.1}", 100.0 * value),
        }
    }

    /// A standard error, or a difference when `signed`, in the units of [`Metric::format`].
    #[must_use]
    pub(crate) fn scaled(self, value: f64) -> f64 {
        if self.is_plain() { value } else { 100.0 * value }
    }

    /// What a sample says about it.
    #[must_use]
    pub fn of(self, sample: &SampleRecord) -> Measurement {
        let has_trace = sample.completion.is_some();
        let share = |known: Option<bool>| {
            known.map_or(Measurement::Unknown, |yes| Measurement::Known(f64::from(u8::from(yes))))
        };
        // Both must be known even where one settles it: else the samples with an unknown trace would count when
        // their answer is wrong and drop out when it is right.
        let both = sample.correct.zip(sample.verified);
        let count =
            |known: Option<u32>| known.map_or(Measurement::Outside, |n| Measurement::Known(f64::from(n)));
        let of_procedure = |pick: fn(&ExecutionRecord) -> bool| match &sample.execution {
            Some(execution) => share(Some(pick(execution))),
            None => Measurement::Outside,
        };
        match self {
            Metric::Accuracy => share(sample.correct),
            Metric::FirstAnswer => of_procedure(|execution| execution.first_answer),
            Metric::AnyAnswer => of_procedure(|execution| execution.any_answer),
            Metric::NoAnswer => of_procedure(|execution| execution.empty),
            Metric::ExactlyExecuted => of_procedure(|execution| execution.extent == Extent::Exact),
            Metric::UnderExecuted => of_procedure(|execution| execution.extent == Extent::Under),
            Metric::OverExecuted => of_procedure(|execution| execution.extent == Extent::Over),
            Metric::ExecutorTokens => count(sample.executor_tokens),
            Metric::ExecutorCalls => count(sample.executor_calls),
            Metric::Seconds => sample.seconds.map_or(Measurement::Outside, Measurement::Known),
            _ if !has_trace => Measurement::Outside,
            Metric::VerifiedAccuracy => share(both.map(|(right, verified)| right && verified)),
            Metric::WrongReasons => share(both.map(|(right, verified)| right && !verified)),
            Metric::WrongReasonsOfRight => match sample.correct {
                Some(false) => Measurement::Outside,
                _ => share(both.map(|(_, verified)| !verified)),
            },
            Metric::Uplift => sample
                .with_success
                .zip(sample.baseline_success)
                .map_or(Measurement::Unknown, |(w, b)| Measurement::Known(w - b)),
            Metric::Rubric => sample.rubric.as_ref().map_or(Measurement::Outside, |rubric| {
                rubric.score.map_or(Measurement::Unknown, Measurement::Known)
            }),
            Metric::TraceTokens => {
                sample.trace_tokens.map_or(Measurement::Unknown, |n| Measurement::Known(f64::from(n)))
            }
            // Where there is no trace, nothing can be stated in it.
            Metric::LeakRate if sample.trace.is_none() => Measurement::Outside,
            Metric::LeakRate => share(sample.leaked),
            Metric::Usable => share(Some(sample.defect.is_none())),
            Metric::Truncated => sample.truncated.map_or(Measurement::Outside, |cut| share(Some(cut))),
        }
    }
}

/// A number with one decimal and its sign; a minus is a minus, not a hyphen.
pub(crate) fn signed(value: f64) -> String {
    let digits = format!("{:.1}", value.abs());
    match digits.as_str() {
        "0.0" => digits,
        _ if value < 0.0 => format!("−{digits}"),
        _ => format!("+{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_one_name_in_files() {
        for metric in Metric::ALL {
            assert_eq!(serde_json::to_value(metric).unwrap(), metric.name());
        }
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(Metric::Accuracy.format(0.8125), "81.2");
        assert_eq!(Metric::Uplift.format(-0.25), "−25.0");
        assert_eq!(Metric::Uplift.format(0.1), "+10.0");
        assert_eq!(Metric::Uplift.format(-0.0001), "0.0");
        assert_eq!(Metric::TraceTokens.format(48.25), "48.2");
        assert_eq!(Metric::Seconds.format(0.125), "0.12");
    }
}
