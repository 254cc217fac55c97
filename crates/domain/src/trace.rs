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
/// (reward 0), never an unknown one. [`crate::completion`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TraceDefect {
    /// No `<reasoning>`.
    #[error("the completion has no opening <reasoning> tag")]
    NoTags,
    /// `<reasoning>` was never closed.
    #[error("the completion never closes its <reasoning> tag")]
    Unclosed,
    /// Nothing was said, or nothing between the tags.
    #[error("the trace is empty")]
    Empty,
    /// More than one trace, or tags inside the trace.
    #[error("the completion has more than one pair of <reasoning> tags")]
    Several,
    /// The planner wrote something outside the tags: an answer or a program, which is not its job.
    #[error("the completion has text outside the <reasoning> tags")]
    TextOutside,
    /// The planner thought aloud, and either never ended or said nothing after it.
    #[error("the completion is thinking alone; nothing is said after it")]
    ThinkingOnly,
    /// The token budget ended before the trace, or the thinking before it, was closed.
    #[error("the token limit came before the end of the trace")]
    Truncated,
}

impl TraceDefect {
    /// All of them.
    pub const ALL: [TraceDefect; 7] = [
        TraceDefect::NoTags,
        TraceDefect::Unclosed,
        TraceDefect::Empty,
        TraceDefect::Several,
        TraceDefect::TextOutside,
        TraceDefect::ThinkingOnly,
        TraceDefect::Truncated,
    ];

    /// The name under which it is counted and sent.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            TraceDefect::NoTags => "no_tags",
            TraceDefect::Unclosed => "unclosed",
            TraceDefect::Empty => "empty",
            TraceDefect::Several => "several",
            TraceDefect::TextOutside => "text_outside",
            TraceDefect::ThinkingOnly => "thinking_only",
            TraceDefect::Truncated => "truncated",
        }
    }
}

impl Trace {
    /// A trace from text that is already without tags; `None` if nothing is left of it that can be seen.
    #[must_use]
    pub fn new(text: &str) -> Option<Trace> {
        let text = text.trim();
        let usable = !text.chars().all(is_blank) && !text.contains(OPEN) && !text.contains(CLOSE);
        usable.then(|| Trace(text.to_owned()))
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

/// Whether nobody sees a character: white space, controls, and what has no width or no ink.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_has_text_and_no_tags() {
        assert_eq!(Trace::new(" a = 1 . ").unwrap().as_str(), "a = 1 .");
        for none in ["", " \n", "\u{200b}\u{feff}", "a <reasoning> b", "</reasoning>"] {
            assert_eq!(Trace::new(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_defect_is_sent_under_the_name_it_is_counted_under() {
        for defect in TraceDefect::ALL {
            assert_eq!(serde_json::to_value(defect).unwrap(), defect.code());
        }
    }
}
