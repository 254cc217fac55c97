//! The words of TraceLift as types: problems, traces, rubrics, verdicts, groups.
//!
//! Nothing here performs I/O, knows a model or runs a program. Every other crate speaks these words, so a
//! sentence from the design ("the executor's uplift on this trace is unknown") is a type here
//! (`Option<Uplift>`), and an invalid state cannot be built.

pub mod completion;
pub mod fingerprint;
pub mod flaw;
pub mod group;
pub mod problem;
pub mod prompt;
pub mod rubric;
pub mod seed;
pub mod setting;
pub mod spelling;
pub mod trace;
pub mod unit;
pub mod verdict;

pub use completion::{Ending, Field};
pub use fingerprint::Fingerprint;
pub use flaw::{Effect, Flaw, FlawKind};
pub use group::{Group, Negative, Positive, VARIANT_OF};
pub use problem::{AnswerForm, FunctionTests, Gold, IoTest, Problem, Question, TaskDomain};
pub use prompt::{Message, Prompt, Role};
pub use rubric::{DIMENSIONS, Label, Rubric};
pub use seed::Seed;
pub use setting::SettingError;
pub use trace::{CLOSE, OPEN, Trace, TraceDefect};
pub use unit::{Probability, Uplift};
pub use verdict::{FailureKind, Verdict};
