//! As much of Python as outlines and mutants need: lines with their indents, statements, and expressions as trees.

mod expression;
mod lines;
mod statement;

pub use expression::{Tree, expression};
pub use lines::{Line, Token, lines};
pub(super) use statement::{
    after, assertion, assigns, colon, functions, goes_on, has_siblings, parameters, within_definition,
};
