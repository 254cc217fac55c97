//! Rubrics: five labelled dimensions and a total, per trace.

use crate::problem::TaskDomain;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many dimensions a rubric has in every domain.
pub const DIMENSIONS: usize = 5;
/// How many labels a dimension has: 0 (absent) to 4 (flawless).
pub const LABELS: usize = 5;

const MATH: [&str; DIMENSIONS] = [
    "problem_understanding",
    "solution_strategy",
    "step_coherence",
    "calculation_correctness",
    "answer_support",
];
const CODE: [&str; DIMENSIONS] =
    ["task_understanding", "plan_quality", "step_coherence", "action_support", "non_leakage"];

/// The names of the dimensions of a domain, in the order in which the reward model's heads stand.
#[must_use]
pub fn dimension_names(domain: TaskDomain) -> &'static [&'static str; DIMENSIONS] {
    match domain {
        TaskDomain::Math | TaskDomain::Steps => &MATH,
        TaskDomain::Code => &CODE,
    }
}

/// One label, 0 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Label(u8);

impl Label {
    /// Flawless.
    pub const BEST: Label = Label(4);

    /// A label, if it is one.
    #[must_use]
    pub fn new(value: u8) -> Option<Label> {
        (usize::from(value) < LABELS).then_some(Label(value))
    }

    /// 0 to 4.
    #[must_use]
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Label {
    type Error = String;
    fn try_from(value: u8) -> Result<Label, String> {
        Label::new(value).ok_or_else(|| format!("rubric label {value} is not one of 0, 1, 2, 3, 4"))
    }
}

impl From<Label> for u8 {
    fn from(label: Label) -> u8 {
        label.0
    }
}

/// Five labels (in the order of [`dimension_names`]) and a total in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rubric {
    /// One label a dimension.
    pub labels: [Label; DIMENSIONS],
    /// The overall judgement.
    pub total: f64,
}

impl Rubric {
    /// A rubric whose total is the mean of its labels, `Σ_d 0.2·label_d/4`.
    #[must_use]
    pub fn from_labels(labels: [Label; DIMENSIONS]) -> Rubric {
        let sum: u32 = labels.iter().map(|label| u32::from(label.0)).sum();
        Rubric { labels, total: f64::from(sum) / (DIMENSIONS * (LABELS - 1)) as f64 }
    }

    /// As in files: `{"<dimension>": 0..4, …, "total": 0..1}`.
    #[must_use]
    pub fn to_map(&self, domain: TaskDomain) -> BTreeMap<String, f64> {
        let mut map: BTreeMap<String, f64> = dimension_names(domain)
            .iter()
            .zip(self.labels)
            .map(|(name, label)| ((*name).to_owned(), f64::from(label.0)))
            .collect();
        map.insert("total".to_owned(), self.total);
        map
    }

    /// Reads what [`Rubric::to_map`] wrote.
    ///
    /// # Errors
    /// A sentence that names the missing or wrong field.
    pub fn from_map(domain: TaskDomain, map: &BTreeMap<String, f64>) -> Result<Rubric, String> {
        let mut labels = [Label::BEST; DIMENSIONS];
        for (name, label) in dimension_names(domain).iter().zip(&mut labels) {
            let value = *map.get(*name).ok_or_else(|| format!("rubric lacks the dimension `{name}`"))?;
            let whole = value as u8;
            *label = Label::new(whole)
                .filter(|_| f64::from(whole) == value)
                .ok_or_else(|| format!("rubric label `{name}` is {value}, expected 0, 1, 2, 3 or 4"))?;
        }
        let total = *map.get("total").ok_or("rubric lacks `total`")?;
        if !(0.0..=1.0).contains(&total) {
            return Err(format!("rubric `total` is {total}, expected a number from 0 to 1"));
        }
        Ok(Rubric { labels, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rubric_survives_its_file_form() {
        let labels = [4, 3, 2, 1, 0].map(|v| Label::new(v).unwrap());
        let rubric = Rubric::from_labels(labels);
        assert_eq!(rubric.total, 0.5);
        for domain in [TaskDomain::Math, TaskDomain::Code, TaskDomain::Steps] {
            assert_eq!(Rubric::from_map(domain, &rubric.to_map(domain)), Ok(rubric));
        }
    }

    #[test]
    fn a_bad_rubric_names_the_field() {
        let mut map = Rubric::from_labels([Label::BEST; 5]).to_map(TaskDomain::Math);
        map.insert("step_coherence".into(), 4.5);
        assert_eq!(
            Rubric::from_map(TaskDomain::Math, &map).unwrap_err(),
            "rubric label `step_coherence` is 4.5, expected 0, 1, 2, 3 or 4"
        );
        map.remove("step_coherence");
        assert!(Rubric::from_map(TaskDomain::Math, &map).unwrap_err().contains("step_coherence"));
    }
}
