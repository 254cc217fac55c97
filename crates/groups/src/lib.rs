//! Files of TraceLift groups: one problem, a reference trace and flawed ones, each with rubric labels.
//!
//! A group file is JSONL, one [`Group`](tracelift_domain::Group) a line. It is [read](GroupReader) as a stream and
//! [written](write_groups) whole or not at all. The training and the held-out part of a file are told apart by
//! [`split()`]. [`survey`] counts what is in one, [`probe`] says how much the surface of its texts gives away,
//! and [`mod@export`] turns it into the shapes of other systems. How groups are made is no matter of this crate.

mod error;
pub mod export;
mod file;
pub mod probe;
mod split;
pub mod survey;

pub use error::GroupsError;
pub use file::{GroupReader, GroupWriter, line, write_groups};
pub use split::{Part, split};
