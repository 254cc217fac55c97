//! What of a planner's completion is its trace: the one reading that training, evaluation, scoring and every dialect
//! of the servers share.
//!
//! A planner is asked for `<reasoning> … </reasoning>` and nothing else. What a model's family adds of its own accord is not
//! held against it: thinking aloud before the trace, and special tokens (end tokens, turn headers, padding) before
//! and after it, which some frameworks decode and others do not. Whatever else stands there is a [`TraceDefect`]. A
//! completion is read as follows:
//!
//! 1. At the beginning, white space, special tokens and blocks of thinking are left out, in any order and number. A
//!    block that is never closed leaves nothing ([`TraceDefect::ThinkingOnly`]). Where a template puts the opening marker into
//!    the prompt, the completion has the closing one alone: then all up to it is thinking, unless the completion begins with
//!    `<reasoning>`.
//! 2. At the end, white space and special tokens are left out.
//! 3. What is left must be one pair of tags with text between them. Where a configuration says so (`end = "closes"`), the
//!    end of a reply that the model ended itself stands for a closing tag that is missing.
//!
//! Tags inside of thinking do not count; special tokens and markers of thinking inside of a trace are its text.

mod dress;

use crate::trace::{CLOSE, OPEN, Trace, TraceDefect};

/// What a text was handed over as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// A planner's completion: without tags it holds no trace.
    Completion,
    /// A trace without its tags, as planners write it that are not asked for any. It is read as a completion is, except
    /// that what has no tag at all is a trace as a whole.
    Reasoning,
}

/// How a completion ended, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The model stopped, or nobody knows.
    Stopped,
    /// The model stopped, and that closes a trace which it left open: instruct models end their turn in place of the tag.
    Closes,
    /// At the limit of tokens: a trace, or thinking, that is not closed was cut.
    TokenLimit,
}

/// The trace of a text.
///
/// # Errors
/// The first defect, in this order: empty or thinking alone, no tags, unclosed, several, text outside, empty between the tags.
pub fn read(text: &str, field: Field, ending: Ending) -> Result<Trace, TraceDefect> {
    trace(text, field, ending).map_err(|defect| match (defect, ending) {
        (TraceDefect::Unclosed | TraceDefect::ThinkingOnly, Ending::TokenLimit) => TraceDefect::Truncated,
        (defect, _) => defect,
    })
}

/// Whether of an executor's completion all is thinking: a block at its beginning that is never closed. The reasoning that an
/// executor was given and repeats in its tags is thinking as well.
#[must_use]
pub fn is_thinking_only(text: &str) -> bool {
    match dress::after_thinking(text) {
        Ok((said, _)) => said.starts_with(OPEN) && !said.contains(CLOSE),
        Err(_) => true,
    }
}

/// A text that a framework decoded, prompt and completion, without the padding before it: white space, special tokens that
/// begin no turn, and what is left of a character that was cut.
#[must_use]
pub fn without_padding(text: &str) -> &str {
    dress::without_padding(text)
}

/// What an executor's completion says behind its thinking, from which an answer may be taken; `None` where it is thinking alone.
/// Without thinking it is the text as it is.
#[must_use]
pub fn said(text: &str) -> Option<&str> {
    let (said, thought) = dress::after_thinking(text).ok()?;
    match said.strip_prefix(OPEN) {
        Some(reasoning) => {
            let (_, said) = reasoning.split_once(CLOSE)?;
            (!dress::is_bare(said)).then_some(said)
        }
        None if !thought => Some(text),
        None => (!dress::is_bare(said)).then_some(said),
    }
}

/// How the known families open their thinking, and what may close it.
#[must_use]
pub fn thinking() -> &'static [(&'static str, &'static [&'static str])] {
    &dress::THINKING
}

fn trace(text: &str, field: Field, ending: Ending) -> Result<Trace, TraceDefect> {
    let (said, thought) = dress::after_thinking(text)?;
    let said = dress::without_end(said);
    if said.is_empty() {
        return Err(if thought { TraceDefect::ThinkingOnly } else { TraceDefect::Empty });
    }
    let Some((before, rest)) = said.split_once(OPEN) else {
        return match field {
            Field::Reasoning if !said.contains(CLOSE) => Trace::new(said).ok_or(TraceDefect::Empty),
            _ => Err(TraceDefect::NoTags),
        };
    };
    let (inside, after) = match (rest.split_once(CLOSE), ending) {
        (Some(parts), _) => parts,
        (None, Ending::Closes) => (rest, ""),
        (None, Ending::Stopped | Ending::TokenLimit) => return Err(TraceDefect::Unclosed),
    };
    if inside.contains(OPEN) || after.contains(OPEN) || after.contains(CLOSE) || before.contains(CLOSE) {
        return Err(TraceDefect::Several);
    }
    if !before.is_empty() || !after.is_empty() {
        return Err(TraceDefect::TextOutside);
    }
    // Of special tokens alone, too, nothing can be followed.
    match dress::is_bare(inside) {
        true => Err(TraceDefect::Empty),
        false => Trace::new(inside).ok_or(TraceDefect::Empty),
    }
}

#[cfg(test)]
mod tests;
