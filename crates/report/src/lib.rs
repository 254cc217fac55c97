//! Reports: one self-contained HTML file that a person can read, keep and send on, and the same as pages of a folder ([`Site`]).
//!
//! No external resource, and in a file no script: everything is text, a style sheet and inline SVG, in light and dark. What was
//! not measured is left out and said to be, never drawn as zero.

mod axis;
mod chart;
mod curves;
mod evaluation;
mod examples;
mod groups;
mod histogram;
mod markup;
mod page;
mod palette;
mod rubric;
mod site;

pub use groups::groups_page;
pub use rubric::RubricReport;
pub use site::{Kind, Page, Site};

use std::path::Path;
use tracelift_eval::Table;
use tracelift_files::WriteError;
use tracelift_train::metrics::StepMetrics;

/// Everything that a report shows. What is empty is left out.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What heads the page.
    pub title: String,
    /// A line below it: when, where, on what.
    pub subtitle: String,
    /// What a reader should know first, a paragraph each.
    pub notes: Vec<String>,
    /// The evaluation.
    pub evaluation: Option<Table>,
    /// Training runs; their learning curves are overlaid.
    pub runs: Vec<Run>,
    /// What the planners wrote for some problems.
    pub examples: Vec<Example>,
    /// Environment and configuration: what, and its value.
    pub facts: Vec<(String, String)>,
}

/// A training run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What the curves of the run are called; a row of the evaluation of this name has the same colour.
    pub name: String,
    /// What it has in common with runs of other seeds, where it is one of several.
    pub arm: Option<String>,
    /// When it began, in seconds since 1970; where nobody says, its time counts from its first step.
    pub started: Option<f64>,
    /// What it measured.
    pub metrics: Vec<StepMetrics>,
}

/// A problem, and what the rows of the evaluation made of it.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// The problem.
    pub problem_id: String,
    /// How difficult it is, where its world says so.
    pub level: Option<u32>,
    /// What it asks.
    pub statement: String,
    /// The gold answer, where there is one.
    pub gold: Option<String>,
    /// What the rows made of it, side by side.
    pub attempts: Vec<Attempt>,
}

/// A trace and what the executor made of it.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// The row of the evaluation.
    pub row: String,
    /// The trace, step by step; empty where there is none.
    pub steps: Vec<String>,
    /// The executor's completion.
    pub completion: Option<String>,
    /// What the verifier found in it.
    pub artifact: Option<String>,
    /// What the verifier says of that.
    pub verdict: Option<String>,
    /// Causes of what is unknown.
    pub unknown_because: Vec<String>,
    /// Whether it is right; `None` is unscored.
    pub correct: Option<bool>,
    /// Whether an exact checker confirms every step; `None` is unchecked.
    pub verified: Option<bool>,
    /// Whether the trace states the answer or contains a program.
    pub leaked: Option<bool>,
    /// The first flawed step, from 0.
    pub first_flaw: Option<usize>,
}

impl Report {
    /// The whole HTML file.
    #[must_use]
    pub fn to_html(&self) -> String {
        page::document(&page::head(self), &page::sections(self))
    }

    /// Writes the HTML file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        tracelift_files::write(path, self.to_html())
    }
}

#[cfg(test)]
mod tests;
