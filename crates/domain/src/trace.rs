//! Traces: what a planner writes between `<reasoning>` and `</reasoning>`.

use serde::{Deserialize, Serialize};

/// Opens a trace in a planner's completion.
pub const OPEN: &str = "<reasoning>";
/// Closes it.
pub const CLOSE: &str = "</reasoning>";

/// The text between the tags, trimmed and not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trace(String);

/// Why a planner's completion holds no usable trace. That is the planner's fault, so it is a known outcome
/// (reward 0), never an unknown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TraceDefect {
    /// No `<reasoning>` tag.
    #[error("the completion has no <reasoning> tag")]
    NotOpened,
    /// `<reasoning>` was never closed: the token budget ended first, or the model stopped.
    #[error("the completion never closes its <reasoning> tag")]
    NotClosed,
    /// Nothing between the tags.
    #[error("the trace is empty")]
    Empty,
    /// The planner wrote something outside the tags: an answer or a program, which is not its job.
    #[error("the completion has text outside the <reasoning> tags")]
    TextOutside,
    /// More than one trace, or tags inside the trace.
    #[error("the completion has more than one pair of <reasoning> tags")]
    Nested,
}

impl Trace {
    /// A trace from text that is already without tags; `None` if nothing is left of it.
    #[must_use]
    pub fn new(text: &str) -> Option<Trace> {
        let text = text.trim();
        (!text.is_empty() && !text.contains(OPEN) && !text.contains(CLOSE)).then(|| Trace(text.to_owned()))
    }

    /// Reads a planner's completion, which must be `<reasoning> … </reasoning>` and nothing else.
    ///
    /// # Errors
    /// The first defect found.
    pub fn from_completion(completion: &str) -> Result<Trace, TraceDefect> {
        let (before, rest) = completion.split_once(OPEN).ok_or(TraceDefect::NotOpened)?;
        let (inside, after) = rest.split_once(CLOSE).ok_or(TraceDefect::NotClosed)?;
        if inside.contains(OPEN) || after.contains(OPEN) || after.contains(CLOSE) || before.contains(CLOSE) {
            return Err(TraceDefect::Nested);
        }
        if !before.trim().is_empty() || !after.trim().is_empty() {
            return Err(TraceDefect::TextOutside);
        }
        Trace::new(inside).ok_or(TraceDefect::Empty)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text between its tags, as a planner writes it.
    #[must_use]
    pub fn tagged(&self) -> String {
        format!("{OPEN} {} {CLOSE}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_it_writes() {
        let trace = Trace::new(" a = 1 . ").unwrap();
        assert_eq!(trace.as_str(), "a = 1 .");
        assert_eq!(Trace::from_completion(&trace.tagged()), Ok(trace));
    }

    #[test]
    fn names_each_defect() {
        use TraceDefect::*;
        for (completion, defect) in [
            ("just text", NotOpened),
            ("<reasoning> half", NotClosed),
            ("<reasoning> \n </reasoning>", Empty),
            ("<reasoning>a</reasoning> 42", TextOutside),
            ("42 <reasoning>a</reasoning>", TextOutside),
            ("<reasoning>a<reasoning>b</reasoning>", Nested),
            ("<reasoning>a</reasoning><reasoning>b</reasoning>", Nested),
        ] {
            assert_eq!(Trace::from_completion(completion), Err(defect), "{completion:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_a_trace_holds_no_tag(text in ".{0,40}(<reasoning>)?.{0,40}(</reasoning>)?.{0,40}") {
            if let Ok(trace) = Trace::from_completion(&text) {
                prop_assert!(!trace.as_str().contains(OPEN) && !trace.as_str().contains(CLOSE));
                prop_assert!(!trace.as_str().is_empty());
            }
        }
    }
}
