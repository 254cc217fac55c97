//! The module `tracelift_rl._native`: the verifier, the reading of completions, the sandbox, reward models and the files of the
//! house, called from Python in process.
//!
//! What is said here is thin: arguments are read, the interpreter's lock is let go, the house is asked. `python/tracelift_rl`
//! has the rest, and the types for editors (`_native.pyi`).

mod answers;
mod files;
mod interrupt;
mod programs;
mod rubric;
mod traces;

use pyo3::prelude::*;

/// The Rust side of `tracelift_rl`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::answers::{Verdict, extract_answer, verify_answer, verify_answers};
    #[pymodule_export]
    use crate::files::{Table, read_groups, read_rollouts};
    #[pymodule_export]
    use crate::programs::{Judgement, Run, Sandbox};
    #[pymodule_export]
    use crate::rubric::{RewardModel, Score};
    #[pymodule_export]
    use crate::traces::{Trace, parse_trace};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// A Python object as JSON, by Python's own spelling of it.
fn json(value: &Bound<'_, PyAny>) -> PyResult<serde_json::Value> {
    let dumps = value.py().import("json")?.getattr("dumps")?;
    let text: String = dumps.call1((value,))?.extract()?;
    serde_json::from_str(&text).map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))
}
