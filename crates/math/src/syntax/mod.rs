//! From text to a typed tree: lexer, parser, the words that mean something, and the limits of all of them.

mod brackets;
pub(crate) mod characters;
pub(crate) mod commands;
mod constructs;
mod functions;
mod lexer;
pub(crate) mod measures;
pub(crate) mod number_words;
mod numerals;
mod parser;
mod primary;
pub(crate) mod scripts;
mod statements;
mod terms;
pub(crate) mod token;
pub(crate) mod units;
mod wording;
pub(crate) mod words;

pub(crate) use parser::{Fault, parse, whole_number};

/// The longest answer that is read, in bytes.
pub(crate) const LENGTH_LIMIT: usize = 10 * 1024;
/// How deep an answer may nest.
pub(crate) const DEPTH_LIMIT: usize = 64;
/// How many parts an answer may have.
pub(crate) const NODE_LIMIT: usize = 10_000;
