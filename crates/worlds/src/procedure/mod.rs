//! Procedures for models that read prose: `S1 = x`, `S2 = y`, then `S_t = S_{t−1} ∘ S_j`, after "When LLMs Stop Following Steps"
//! (arXiv 2605.00817).
//!
//! What varies is the length, how far back a step may look, which operations there are and what numbers: every combination is a [`Cell`],
//! of which any number of problems is drawn by seed. Whatever text is written about a problem, [`Procedure::execution`] says exactly how far
//! it was carried out and [`Procedure::answers`] what is answered.
//!
//! Each step combines the value before it with one that lies up to `look_back` values before that, in either order; so no step can be left
//! out. Results are drawn again until they are neither 0 nor larger than the cell allows, and until divisions come out even.

mod check;
mod number;

pub use check::{Answers, Execution};
pub use number::{Decimal, NotADecimal};

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use tracelift_domain::{AnswerForm, Gold, Problem, Question, Seed, TaskDomain};

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// +
    #[serde(rename = "+")]
    Add,
    /// −
    #[serde(rename = "-")]
    Subtract,
    /// ×
    #[serde(rename = "*")]
    Multiply,
    /// ÷
    #[serde(rename = "/")]
    Divide,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 4] =
        [Operation::Add, Operation::Subtract, Operation::Multiply, Operation::Divide];

    /// As in statements.
    #[must_use]
    pub fn symbol(self) -> char {
        match self {
            Operation::Add => '+',
            Operation::Subtract => '-',
            Operation::Multiply => '*',
            Operation::Divide => '/',
        }
    }

    /// `None` where the result has more than so many places, or there is none.
    fn apply(self, left: Decimal, right: Decimal, places: u32) -> Option<Decimal> {
        let result = match self {
            Operation::Add => left.plus(right),
            Operation::Subtract => left.minus(right),
            Operation::Multiply => left.times(right),
            Operation::Divide => left.over(right, places),
        };
        result.filter(|result| result.places() <= places)
    }
}

/// Some operations, in their order: `+-`, `*/`, `+-*/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operations(Vec<Operation>);

impl Operations {
    /// All four.
    #[must_use]
    pub fn all() -> Operations {
        Operations(Operation::ALL.to_vec())
    }
}

impl fmt::Display for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|operation| write!(f, "{}", operation.symbol()))
    }
}

impl FromStr for Operations {
    type Err = String;

    fn from_str(text: &str) -> Result<Operations, String> {
        let mut found: Vec<Operation> = Vec::new();
        for c in text.chars().filter(|c| !c.is_whitespace()) {
            let operation = match c {
                '+' => Operation::Add,
                '-' | '−' => Operation::Subtract,
                '*' | '×' => Operation::Multiply,
                '/' | '÷' => Operation::Divide,
                other => return Err(format!("{other:?} is no operation; expected some of + - * /")),
            };
            if found.contains(&operation) {
                return Err(format!("has {c:?} twice"));
            }
            found.push(operation);
        }
        found.sort_unstable();
        if found.is_empty() {
            Err("has no operation; expected some of + - * /".to_owned())
        } else {
            Ok(Operations(found))
        }
    }
}

impl TryFrom<String> for Operations {
    type Error = String;

    fn try_from(text: String) -> Result<Operations, String> {
        text.parse()
    }
}

impl From<Operations> for String {
    fn from(operations: Operations) -> String {
        operations.to_string()
    }
}

/// What numbers a procedure begins with and may come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// Whole numbers.
    #[default]
    Integers,
    /// Numbers with one place behind the point to begin with, and two at most afterwards.
    Decimals,
}

impl Numbers {
    /// As in commands and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Numbers::Integers => "integers",
            Numbers::Decimals => "decimals",
        }
    }

    /// Places behind the point at first, and at most.
    fn places(self) -> (u32, u32) {
        match self {
            Numbers::Integers => (0, 0),
            Numbers::Decimals => (1, 2),
        }
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Numbers, String> {
        [Numbers::Integers, Numbers::Decimals]
            .into_iter()
            .find(|numbers| numbers.name() == text)
            .ok_or_else(|| format!("{text:?} is neither integers nor decimals"))
    }
}

/// What the problems of a cell have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// How many steps there are, from 1 to 1,000.
    pub length: u32,
    /// How many values before the last one a step may reach back to, from 1 to 100.
    pub look_back: u32,
    /// Which operations there are.
    pub operations: Operations,
    /// What numbers.
    pub numbers: Numbers,
    /// No value is larger than this, on either side of 0; from 10 to 1,000,000.
    pub largest: u32,
}

/// One step: an operation on two earlier values, by their places from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    operation: Operation,
    operands: [usize; 2],
}

/// A problem with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Procedure {
    cell: Cell,
    steps: Vec<Step>,
    /// The two that are given, and the result of each step.
    values: Vec<Decimal>,
}

/// The same in a file, where values follow from the first two.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(flatten)]
    cell: KeptCell,
    inputs: [Decimal; 2],
    steps: Vec<(Operation, usize, usize)>,
}

#[derive(Clone, Serialize, Deserialize)]
struct KeptCell {
    length: u32,
    look_back: u32,
    operations: Operations,
    numbers: Numbers,
    largest: u32,
}

impl From<Procedure> for Kept {
    fn from(procedure: Procedure) -> Kept {
        let Procedure { cell: Cell { length, look_back, operations, numbers, largest }, steps, values } =
            procedure;
        Kept {
            cell: KeptCell { length, look_back, operations, numbers, largest },
            inputs: [values[0], values[1]],
            steps: steps
                .iter()
                .map(|step| (step.operation, step.operands[0] + 1, step.operands[1] + 1))
                .collect(),
        }
    }
}

impl TryFrom<Kept> for Procedure {
    type Error = String;

    fn try_from(kept: Kept) -> Result<Procedure, String> {
        let KeptCell { length, look_back, operations, numbers, largest } = kept.cell;
        let cell = Cell { length, look_back, operations, numbers, largest };
        cell.validate()?;
        if kept.steps.len() != cell.length as usize {
            return Err(format!("it has {} steps, and `length` is {}", kept.steps.len(), cell.length));
        }
        let mut values = kept.inputs.to_vec();
        let mut steps = Vec::new();
        for (operation, left, right) in kept.steps {
            let value = |place: usize| place.checked_sub(1).and_then(|at| values.get(at)).copied();
            let number = values.len() + 1;
            let operands =
                value(left).zip(value(right)).ok_or(format!("S{number} uses a value that comes later"))?;
            // A file may come from elsewhere, where results have more places.
            let result = operation.apply(operands.0, operands.1, 12);
            values.push(result.ok_or(format!("S{number} is no decimal number"))?);
            steps.push(Step { operation, operands: [left - 1, right - 1] });
        }
        Ok(Procedure { cell, steps, values })
    }
}

impl Cell {
    /// Whether problems of it can be drawn.
    ///
    /// # Errors
    /// What is out of range.
    pub fn validate(&self) -> Result<(), String> {
        let within = |name: &str, value: u32, least: u32, most: u32| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err(format!("`{name}` is {value}, expected {least} to {most}")),
        };
        within("length", self.length, 1, 1000)?;
        within("look_back", self.look_back, 1, 100)?;
        within("largest", self.largest, 10, 1_000_000)
    }

    /// The `index`-th problem of the cell.
    #[must_use]
    pub fn procedure(&self, seed: Seed, index: u64) -> Procedure {
        let label =
            format!("{}/{}/{}/{}", self.look_back, self.operations, self.numbers.name(), self.largest);
        let mut rng = seed.child(&label, u64::from(self.length)).child("procedure", index).rng();
        loop {
            // A procedure can come to where no step is possible (2 ÷ 7): then another one is drawn.
            if let Some(procedure) = self.draw(&mut rng) {
                return procedure;
            }
        }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Option<Procedure> {
        /// So often a step is drawn until one is possible.
        const TRIES: usize = 200;
        let (first, most) = self.numbers.places();
        let unit = 10_i64.pow(first);
        let beginning = i64::from(self.largest.min(99));
        let mut values: Vec<Decimal> =
            (0..2).map(|_| Decimal::new(rng.random_range(2 * unit..=beginning * unit), first)).collect();
        let mut steps = Vec::new();
        while steps.len() < self.length as usize {
            let last = values.len() - 1;
            let step = (0..TRIES).find_map(|_| {
                let back = rng.random_range(1..=(self.look_back as usize).min(last));
                let mut operands = [last, last - back];
                if rng.random_bool(0.5) {
                    operands.reverse();
                }
                let operation = self.operations.0[rng.random_range(0..self.operations.0.len())];
                let value = operation.apply(values[operands[0]], values[operands[1]], most)?;
                let usable = !value.is_zero() && value.is_within(i64::from(self.largest));
                usable.then_some((Step { operation, operands }, value))
            })?;
            steps.push(step.0);
            values.push(step.1);
        }
        Some(Procedure { cell: self.clone(), steps, values })
    }
}

impl Procedure {
    /// What it has in common with others.
    #[must_use]
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// What is asked for.
    #[must_use]
    pub fn answer(&self) -> Decimal {
        self.values[self.values.len() - 1]
    }

    /// The number of the last value: `N` of `SN`.
    fn last(&self) -> usize {
        self.values.len()
    }

    /// A step as the statement says it.
    fn line(&self, at: usize) -> String {
        let Step { operation, operands: [left, right] } = self.steps[at];
        format!("S{} = S{} {} S{}", at + 3, left + 1, operation.symbol(), right + 1)
    }

    /// The statement in prose.
    #[must_use]
    pub fn statement(&self) -> String {
        let lines: Vec<String> = (0..self.steps.len()).map(|at| self.line(at)).collect();
        format!(
            "Carry out this procedure step by step, in order.\n\nS1 = {}\nS2 = {}\n{}\n\nWhat is the value of S{}?",
            self.values[0],
            self.values[1],
            lines.join("\n"),
            self.last()
        )
    }

    /// The problem of this name.
    #[must_use]
    pub fn problem(&self, id: String) -> Problem {
        let question = Question {
            form: AnswerForm::Number,
            ..Question::new("procedural", TaskDomain::Steps, self.statement())
        };
        Problem { id, question, gold: Gold::Answer(self.answer().to_string()) }
    }

    /// Every step with its numbers and its result.
    #[must_use]
    pub fn gold_trace(&self) -> String {
        let line = |at: usize| {
            let Step { operation, operands: [left, right] } = self.steps[at];
            let (left, right) = (self.values[left], self.values[right]);
            format!("{} = {left} {} {right} = {}", self.line(at), operation.symbol(), self.values[at + 2])
        };
        (0..self.steps.len()).map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What a set of problems is drawn from: every combination is a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcedureConfig {
    /// How many steps. Default: 5, 15, … 95.
    pub lengths: Vec<u32>,
    /// How many values before the last one a step may reach back to. Default: 1, 3, 5, 7.
    pub look_back: Vec<u32>,
    /// Which operations there are. Default: all four together.
    pub operations: Vec<Operations>,
    /// What numbers. Default: integers.
    pub numbers: Vec<Numbers>,
    /// No value is larger than this. Default: 1,000.
    pub largest: u32,
    /// Problems of each cell. Default: 20.
    pub per_cell: u32,
}

impl Default for ProcedureConfig {
    fn default() -> ProcedureConfig {
        ProcedureConfig {
            lengths: (5..=95).step_by(10).collect(),
            look_back: vec![1, 3, 5, 7],
            operations: vec![Operations::all()],
            numbers: vec![Numbers::Integers],
            largest: 1000,
            per_cell: 20,
        }
    }
}

impl ProcedureConfig {
    /// The cells, in the order of their settings.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for &numbers in &self.numbers {
            for operations in &self.operations {
                for &look_back in &self.look_back {
                    cells.extend(self.lengths.iter().map(|&length| Cell {
                        length,
                        look_back,
                        operations: operations.clone(),
                        numbers,
                        largest: self.largest,
                    }));
                }
            }
        }
        cells
    }

    /// Whether problems can be drawn.
    ///
    /// # Errors
    /// What is out of range.
    pub fn validate(&self) -> Result<(), String> {
        let cells = self.cells();
        if cells.is_empty() {
            return Err(
                "`lengths`, `look_back`, `operations` and `numbers` need at least one value each".to_owned()
            );
        }
        if !(1..=100_000).contains(&self.per_cell) {
            return Err(format!("`per_cell` is {}, expected 1 to 100000", self.per_cell));
        }
        cells.iter().try_for_each(Cell::validate)
    }

    /// All problems, each with its procedure.
    #[must_use]
    pub fn problems(&self, seed: Seed) -> Vec<(Problem, Procedure)> {
        let of_cell = |cell: Cell| {
            (0..u64::from(self.per_cell)).map(move |index| {
                let procedure = cell.procedure(seed, index);
                let Cell { length, look_back, operations, numbers, .. } = &cell;
                let operations: String = operations.0.iter().map(|operation| word(*operation)).collect();
                let id =
                    format!("procedural/{length}/{look_back}/{operations}-{}/{index:04}", numbers.name());
                (procedure.problem(id), procedure)
            })
        };
        self.cells().into_iter().flat_map(of_cell).collect()
    }
}

/// A letter for names, in which symbols of operations would be in the way.
fn word(operation: Operation) -> char {
    match operation {
        Operation::Add => 'a',
        Operation::Subtract => 's',
        Operation::Multiply => 'm',
        Operation::Divide => 'd',
    }
}

#[cfg(test)]
mod tests;
