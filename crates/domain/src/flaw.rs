//! Flaws: what can be wrong with a trace, and what that does to whoever follows it.

use crate::problem::TaskDomain;
use serde::{Deserialize, Serialize};

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

/// What a flaw does to the artifact. Outcome rewards see only the flaws that spoil it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
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
    /// Whether it spoils the artifact. Files call it `sort`.
    #[serde(rename = "sort")]
    pub effect: Effect,
    /// The step (from 0) at which it is.
    pub step: usize,
}
