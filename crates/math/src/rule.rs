//! Which rule decided a comparison.

use std::fmt;

/// The rule by which a comparison was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// Written in different bases.
    AnotherBase,
    /// Lists of letters with their values.
    Assignments,
    /// Gold says more than the end of a chain of equalities.
    ChainInGold,
    /// The letter of a choice and what it stands for.
    ChoiceAndItsValue,
    /// The letters of choices.
    Choice,
    /// A printed decimal and what it rounds.
    Decimals,
    /// Sets without others, side by side.
    DifferenceOfSets,
    /// One is a number, the other a set, an interval or a tuple.
    DifferentKinds,
    /// Exact rational numbers.
    ExactNumbers,
    /// The same values at all points that were tried.
    IdentityAtPoints,
    /// The same whatever number stands for a part that has none here.
    IdentityOfForms,
    /// Inequalities about different letters.
    InequalitiesOfDifferentLetters,
    /// Closed where the other is open.
    IntervalEnds,
    /// Intervals, end by end.
    Interval,
    /// Matrices of different shapes.
    MatrixShape,
    /// Matrices, element by element.
    Matrix,
    /// Memberships of different letters.
    MemberOfASet,
    /// Sets that have a name.
    NamedSet,
    /// One of them has no value.
    NoValue,
    /// Numbers that were computed to 36 digits or more.
    NumbersToManyDigits,
    /// A pair in brackets beside a list of two.
    PairWrittenAsASet,
    /// Gold is a relation, the prediction is none.
    RelationInGoldOnly,
    /// The prediction is a relation, gold is none.
    RelationInThePredictionOnly,
    /// Relations, side by side.
    RelationSideBySide,
    /// Relations of different kinds.
    Relation,
    /// Several relations, where gold has none.
    RelationsInThePredictionOnly,
    /// Remainders and their moduli.
    Residue,
    /// Equations that differ by a factor.
    SameEquationUpToAFactor,
    /// Written alike.
    SameForm,
    /// Inequalities that differ by a factor.
    SameInequalityUpToAFactor,
    /// A set beside a tuple.
    SetAndTuple,
    /// Sets given by a condition.
    SetByCondition,
    /// Sets and lists, in any order.
    Set,
    /// Intervals and unions, put into one form.
    SetsOfReals,
    /// Unions and intersections.
    Sets,
    /// An inequality and the set of its solutions.
    SolutionsOfAnInequality,
    /// Two inequalities and their solutions.
    SolutionsOfInequalities,
    /// A statement in other words.
    Statement,
    /// Words, with their numbers and signs.
    Text,
    /// A tuple beside a set.
    TupleAndSet,
    /// Tuples, in order.
    Tuple,
    /// The exact value before its rounding.
    ValueBeforeApproximation,
    /// The same values at whole numbers.
    ValuesAtIntegers,
    /// Different values at a point.
    ValuesAtPoints,
    /// Values of several letters, in order.
    ValuesOfLetters,
    /// Values of one letter beside a tuple.
    ValuesOfOneLetterAndATuple,
    /// Values of one letter, in any order.
    ValuesOfOneLetter,
    /// A column or row beside a tuple.
    Vector,
    /// Two plain numerals.
    PlainNumbers,
    /// A box that is empty or not closed.
    BrokenBox,
    /// Nothing in the prediction is an answer.
    NothingFound,
    /// Gold is empty.
    EmptyGold,
    /// No letter of a choice was found.
    NoChoiceFound,
    /// The same text.
    SameText,
    /// Gold is longer or deeper than what is read.
    GoldTooLong,
    /// Gold cannot be read.
    GoldCannotBeRead,
    /// The prediction is longer or deeper than what is read.
    PredictionTooLong,
    /// The prediction cannot be read, and gold can.
    MalformedPrediction,
    /// No reading of one is a reading of the other.
    Different,
    /// The comparison ended without a decision.
    Undecided,
    /// Units of different dimensions, or of different things.
    Unit,
    /// Ratios, by proportion.
    Ratio,
    /// Percentages.
    Percent,
    /// A percentage whose sign the other side leaves out.
    PercentSignLeftOut,
    /// A percentage and its hundredth.
    PercentAsFraction,
    /// Times, part by part.
    Time,
    /// The prediction says that two different numbers are equal.
    FalseStatement,
    /// The prediction denies, doubts or offers several answers.
    DeniedOrHedged,
    /// Names of points, in their order.
    NameOfPoints,
    /// The answers hold under different conditions.
    Condition,
    /// Different numbers.
    Numbers,
}

impl Rule {
    /// The rule in a few words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::AnotherBase => "another base",
            Rule::Assignments => "assignments",
            Rule::ChainInGold => "chain in gold",
            Rule::ChoiceAndItsValue => "choice and its value",
            Rule::Choice => "choice",
            Rule::Decimals => "decimals",
            Rule::DifferenceOfSets => "difference of sets",
            Rule::DifferentKinds => "different kinds",
            Rule::ExactNumbers => "exact numbers",
            Rule::IdentityAtPoints => "identity at points",
            Rule::IdentityOfForms => "identity of forms",
            Rule::InequalitiesOfDifferentLetters => "inequalities of different letters",
            Rule::IntervalEnds => "interval ends",
            Rule::Interval => "interval",
            Rule::MatrixShape => "matrix shape",
            Rule::Matrix => "matrix",
            Rule::MemberOfASet => "member of a set",
            Rule::NamedSet => "named set",
            Rule::NoValue => "no value",
            Rule::NumbersToManyDigits => "numbers to 36 digits",
            Rule::PairWrittenAsASet => "pair written as a set",
            Rule::RelationInGoldOnly => "relation in gold only",
            Rule::RelationInThePredictionOnly => "relation in the prediction only",
            Rule::RelationSideBySide => "relation side by side",
            Rule::Relation => "relation",
            Rule::RelationsInThePredictionOnly => "relations in the prediction only",
            Rule::Residue => "residue",
            Rule::SameEquationUpToAFactor => "same equation up to a factor",
            Rule::SameForm => "same form",
            Rule::SameInequalityUpToAFactor => "same inequality up to a factor",
            Rule::SetAndTuple => "set and tuple",
            Rule::SetByCondition => "set by condition",
            Rule::Set => "set",
            Rule::SetsOfReals => "sets of reals",
            Rule::Sets => "sets",
            Rule::SolutionsOfAnInequality => "solutions of an inequality",
            Rule::SolutionsOfInequalities => "solutions of inequalities",
            Rule::Statement => "statement",
            Rule::Text => "text",
            Rule::TupleAndSet => "tuple and set",
            Rule::Tuple => "tuple",
            Rule::ValueBeforeApproximation => "value before ≈",
            Rule::ValuesAtIntegers => "values at integers",
            Rule::ValuesAtPoints => "values at points",
            Rule::ValuesOfLetters => "values of letters",
            Rule::ValuesOfOneLetterAndATuple => "values of one letter and a tuple",
            Rule::ValuesOfOneLetter => "values of one letter",
            Rule::Vector => "vector",
            Rule::PlainNumbers => "plain numbers",
            Rule::BrokenBox => "broken box",
            Rule::NothingFound => "nothing found",
            Rule::EmptyGold => "empty gold",
            Rule::NoChoiceFound => "no choice found",
            Rule::SameText => "same text",
            Rule::GoldTooLong => "gold too long",
            Rule::GoldCannotBeRead => "gold cannot be read",
            Rule::PredictionTooLong => "prediction too long",
            Rule::MalformedPrediction => "malformed prediction",
            Rule::Different => "different",
            Rule::Undecided => "undecided",
            Rule::Unit => "unit",
            Rule::Ratio => "ratio",
            Rule::Percent => "percent",
            Rule::PercentSignLeftOut => "percent sign left out",
            Rule::PercentAsFraction => "percent as a fraction",
            Rule::Time => "time",
            Rule::FalseStatement => "false statement",
            Rule::DeniedOrHedged => "denied or hedged",
            Rule::NameOfPoints => "name of points",
            Rule::Condition => "condition",
            Rule::Numbers => "numbers",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
