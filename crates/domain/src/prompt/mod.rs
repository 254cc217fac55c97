//! Prompts: how a question is put to a planner and to an executor, and what a reward model reads.
//!
//! Two things decide a prompt, each in a file of its own: what is *said* ([`wording`]: the instructions, the question, the
//! trace) and how that is *laid out* for a model ([`format`]: plain text, ChatML, the model's own chat template, or the
//! embedded worlds' tags, which need no words). Nothing here can see gold: it is no part of a [`Question`](crate::Question).
//!
//! Both arms of the executor go through [`PromptFormat::executor`]; the only difference between them is whether a trace
//! is there.

pub mod format;
pub mod rubric;
pub mod wording;

pub use format::{Prompt, PromptFormat, Thinking};
pub use rubric::reward_model_text;
pub use wording::{Message, Role};
