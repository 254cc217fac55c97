//! Completions: the trace in one, or what is wrong with it.

use pyo3::{exceptions::PyValueError, prelude::*};
use tracelift_domain::{Ending, Field, completion};

/// What a planner's completion holds: a trace, or a defect.
#[pyclass(frozen, get_all, eq, hash, module = "tracelift_rl")]
#[derive(PartialEq, Eq, Hash)]
pub struct Trace {
    /// The trace, without its tags; `None` where there is none that can be used.
    text: Option<String>,
    /// Why there is none: `no_tags`, `unclosed`, `empty`, `several`, `text_outside`, `thinking_only`, `truncated`.
    defect: Option<&'static str>,
    /// The same for people.
    message: Option<String>,
}

#[pymethods]
impl Trace {
    fn __bool__(&self) -> bool {
        self.text.is_some()
    }

    fn __repr__(&self) -> String {
        match (&self.text, self.defect) {
            (Some(text), _) => format!("Trace({text:?})"),
            (None, defect) => format!("Trace(defect={:?})", defect.unwrap_or_default()),
        }
    }
}

/// The trace of a completion, read as in training, evaluation and on every route of the servers.
///
/// `finish_reason` is `stop` or `length`, where it is known. With `end="closes"` the end of a reply that the model ended itself
/// stands for a closing tag that is missing. With `tags="optional"` a text without any tag is a trace as a whole.
#[pyfunction]
#[pyo3(signature = (completion, *, finish_reason=None, end="says", tags="required"))]
pub fn parse_trace(completion: &str, finish_reason: Option<&str>, end: &str, tags: &str) -> PyResult<Trace> {
    let closes = one_of("end", end, ["says", "closes"])?;
    let optional = one_of("tags", tags, ["required", "optional"])?;
    let cut = match finish_reason {
        None => 0,
        Some(reason) => one_of("finish_reason", reason, ["stop", "length"])?,
    };
    let ending = match (cut, closes) {
        (1, _) => Ending::TokenLimit,
        (_, 1) => Ending::Closes,
        _ => Ending::Stopped,
    };
    let field = if optional == 1 { Field::Reasoning } else { Field::Completion };
    Ok(match completion::read(completion, field, ending) {
        Ok(trace) => Trace { text: Some(trace.as_str().to_owned()), defect: None, message: None },
        Err(defect) => Trace { text: None, defect: Some(defect.code()), message: Some(defect.to_string()) },
    })
}

/// Which of two words an argument is.
fn one_of(argument: &str, given: &str, words: [&str; 2]) -> PyResult<usize> {
    words.iter().position(|word| *word == given).ok_or_else(|| {
        PyValueError::new_err(format!(
            "`{argument}` is {given:?}; it must be {:?} or {:?}",
            words[0], words[1]
        ))
    })
}
