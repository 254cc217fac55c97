//! Traces of a world with something wrong in them, and how often that is.

use serde::{Deserialize, Serialize};
use tracelift_domain::{Flaw, Trace};

/// A gold trace with exactly one flaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlawedTrace {
    /// The text.
    pub trace: Trace,
    /// What is wrong with it.
    pub flaw: Flaw,
    /// What a reader who follows it to the letter would hand in, if that can be determined.
    pub implied: Option<String>,
}

/// How often flaws of each effect happen, per step and independently of the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Chance of a spoiling flaw at a step.
    pub spoiling: f64,
    /// Chance of a benign flaw at a step.
    pub benign: f64,
}

impl Noise {
    /// No flaws.
    pub const NONE: Noise = Noise { spoiling: 0.0, benign: 0.0 };
}

/// A trace with any number of flaws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoisyTrace {
    /// The text.
    pub trace: Trace,
    /// What is wrong with it.
    pub flaws: Vec<Flaw>,
    /// What a reader who follows it to the letter would hand in, if that can be determined.
    pub implied: Option<String>,
}
