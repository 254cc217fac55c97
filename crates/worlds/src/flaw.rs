//! Flaws: what is wrong with a trace, by construction.

use serde::{Deserialize, Serialize};
use tracelift_domain::{TaskDomain, Trace};

/// The seven kinds of perturbation of each domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlawKind {
    /// A computation with a wrong result.
    ArithmeticSlip,
    /// Another operation than the problem asks for.
    WrongOperation,
    /// A step that is needed is not there.
    DroppedStep,
    /// A quantity of the problem is read wrongly.
    MisreadQuantity,
    /// Two entities have changed places.
    SwappedEntities,
    /// A unit or a rate is taken for another.
    UnitOrRateError,
    /// The trace ends before it has shown what it needs to.
    PrematureConclusion,
    /// Another algorithm than the task needs.
    WrongAlgorithmChoice,
    /// A special case is forgotten.
    MissingEdgeCase,
    /// A bound is off by one.
    OffByOne,
    /// A condition is wrong.
    IncorrectLogic,
    /// A constraint of the task is not met.
    IgnoredConstraint,
    /// Input or output has another format.
    WrongIoFormat,
    /// A value is used without regard to its type.
    MissingTypeGuard,
}

impl FlawKind {
    /// The kinds of a domain.
    #[must_use]
    pub fn of(domain: TaskDomain) -> &'static [FlawKind; 7] {
        use FlawKind::*;
        match domain {
            TaskDomain::Math | TaskDomain::Steps => &[
                ArithmeticSlip,
                WrongOperation,
                DroppedStep,
                MisreadQuantity,
                SwappedEntities,
                UnitOrRateError,
                PrematureConclusion,
            ],
            TaskDomain::Code => &[
                WrongAlgorithmChoice,
                MissingEdgeCase,
                OffByOne,
                IncorrectLogic,
                IgnoredConstraint,
                WrongIoFormat,
                MissingTypeGuard,
            ],
        }
    }

    /// The name used in group files.
    #[must_use]
    pub fn name(self) -> &'static str {
        use FlawKind::*;
        match self {
            ArithmeticSlip => "arithmetic_slip",
            WrongOperation => "wrong_operation",
            DroppedStep => "dropped_step",
            MisreadQuantity => "misread_quantity",
            SwappedEntities => "swapped_entities",
            UnitOrRateError => "unit_or_rate_error",
            PrematureConclusion => "premature_conclusion",
            WrongAlgorithmChoice => "wrong_algorithm_choice",
            MissingEdgeCase => "missing_edge_case",
            OffByOne => "off_by_one",
            IncorrectLogic => "incorrect_logic",
            IgnoredConstraint => "ignored_constraint",
            WrongIoFormat => "wrong_io_format",
            MissingTypeGuard => "missing_type_guard",
        }
    }
}

/// The two sorts of flaws that matter to a reward: outcome rewards see only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// A reader who follows the trace ends with a wrong artifact.
    Spoiling,
    /// A step is wrong, and the artifact that follows from the trace is still right.
    Benign,
}

/// One flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaw {
    /// Its kind.
    pub kind: FlawKind,
    /// Whether it spoils the artifact.
    pub sort: Sort,
    /// The step (from 0) at which it is.
    pub step: usize,
}

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

/// How often each sort of flaw happens, per step and independently of the other.
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
