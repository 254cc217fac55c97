//! Embedded worlds: procedural problems in which the whole system runs on a laptop, with exact process checkers.
//!
//! A [`World`] is a seeded generator with random access: the `index`-th instance of a split is the same on every
//! machine and in any order of asking. An [`Instance`] is a problem with everything known about it: a gold trace, a
//! gold artifact, flawed traces made by rules, and a checker that says of *any* text whether each of its steps is
//! right. Real benchmarks lack the last.
//!
//! Statement templates are split between training and test, so that no test template was ever trained on; the words
//! are shared. Texts are lower-case words with single spaces between them, and a word-level [`tokenizer`] covers
//! exactly them.

pub mod corpus;
pub mod flawed;
pub mod guess;
pub mod procedure;
mod programs;
pub mod report;
mod steps;
mod task;
pub mod tokenizer;
mod words;
mod world;

pub use flawed::{FlawedTrace, Noise, NoisyTrace};
pub use report::{Correction, Extent, ProcessReport, steps};
pub use world::{Instance, Split, UnknownWorld, World, WorldName};
