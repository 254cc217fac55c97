//! A model that is asked to judge traces against the rubric.
//!
//! The judge gives every dimension and the whole a number from 0 to 10, with its evidence before the number. A verdict
//! that lacks a dimension, or has a number outside that range, is a failure of the judge and not a score.

use crate::{
    failure::Failure,
    oracle::{Answer, Inquiry, Oracle, OracleError, Provenance},
    progress::Progress,
    request::Schema,
    settings::OracleConfig,
    template::{BuiltIn, Template, load},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, num::NonZeroU32};
use tracelift_domain::rubric::dimension_names;
use tracelift_domain::{DIMENSIONS, Label, Rubric, SettingError, TaskDomain};

/// The templates: mathematics (and procedures), programs.
pub const TEMPLATES: [BuiltIn; 2] = [
    BuiltIn {
        name: "rubric-math",
        text: include_str!("../templates/rubric-math.txt"),
        slots: &["problem", "trace"],
    },
    BuiltIn {
        name: "rubric-code",
        text: include_str!("../templates/rubric-code.txt"),
        slots: &["problem", "trace"],
    },
];

/// The best number of a verdict.
const BEST: f64 = 10.0;

/// A prompted judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeConfig {
    /// Independent verdicts on each trace, whose mean counts. More than one needs a temperature. Default: 1.
    #[serde(default = "one")]
    pub samples: NonZeroU32,
    /// The model. Its temperature is 0 unless it is set.
    pub oracle: OracleConfig,
}

/// The most independent verdicts on a trace.
const MOST_SAMPLES: u32 = 1000;

impl JudgeConfig {
    /// Checks what can be checked without a server.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the judge.
    pub fn validate(&self) -> Result<(), SettingError> {
        let samples = self.samples.get();
        if samples > MOST_SAMPLES {
            return Err(SettingError::value("samples", samples, "at most 1000"));
        }
        if samples > 1 && self.oracle.temperature.is_none_or(|temperature| temperature == 0.0) {
            let expected = "1, or `oracle.temperature` above 0: without one, all verdicts on a trace are one";
            return Err(SettingError::value("samples", samples, expected));
        }
        self.oracle.validate().map_err(|error| error.under("oracle"))
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// What a judge says of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grades {
    /// 0 to 10 in each dimension, in the order of [`dimension_names`]; with several samples their mean.
    pub scores: [f64; DIMENSIONS],
    /// 0 to 10 for the whole.
    pub overall: f64,
    /// Evidence in each dimension and for the whole, of the first sample.
    pub evidence: Vec<String>,
}

impl Grades {
    /// As a rubric: `label = min(4, ⌊score/2⌋)`, `total = overall/10`.
    #[must_use]
    pub fn rubric(&self) -> Rubric {
        let label =
            |score: &f64| Label::new((score / 2.0).floor().clamp(0.0, 4.0) as u8).unwrap_or(Label::BEST);
        let mut labels = [Label::BEST; DIMENSIONS];
        for (to, score) in labels.iter_mut().zip(&self.scores) {
            *to = label(score);
        }
        Rubric { labels, total: (self.overall / BEST).clamp(0.0, 1.0) }
    }
}

/// A judge that is ready to be asked.
#[derive(Debug)]
pub struct RubricJudge {
    oracle: Oracle,
    samples: u32,
    templates: Vec<Template>,
    schemas: [Schema; 2],
}

impl RubricJudge {
    /// A judge with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`Oracle::new`], or a template with a mistake.
    pub fn new(mut config: JudgeConfig) -> Result<RubricJudge, OracleError> {
        config.oracle.temperature.get_or_insert(0.0);
        let templates = load(&TEMPLATES, config.oracle.templates.as_deref())?;
        Ok(RubricJudge {
            oracle: Oracle::new(config.oracle)?,
            samples: config.samples.get(),
            templates,
            schemas: [schema(TaskDomain::Math), schema(TaskDomain::Code)],
        })
    }

    /// As [`Oracle::observed`].
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> RubricJudge {
        self.oracle = self.oracle.observed(observer);
        self
    }

    /// The model behind it.
    #[must_use]
    pub fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// The template for a domain: its name and version tell verdicts apart that were given under different rubrics.
    #[must_use]
    pub fn template(&self, domain: TaskDomain) -> &Template {
        &self.templates[place(domain)]
    }

    /// Judges a trace.
    ///
    /// # Errors
    /// The judge gave no usable verdict; with several samples, one of them.
    pub fn judge(&self, domain: TaskDomain, statement: &str, trace: &str) -> Result<Answer<Grades>, Failure> {
        let template = self.template(domain);
        let messages = template.fill(&[("problem", statement), ("trace", trace)]);
        let mut grades = Grades { scores: [0.0; DIMENSIONS], overall: 0.0, evidence: Vec::new() };
        let mut provenance: Option<Provenance> = None;
        for sample in 0..u64::from(self.samples) {
            let schema = &self.schemas[place(domain)];
            let inquiry = Inquiry { template, messages: messages.clone(), schema, sample };
            let answer = self.oracle.ask(&inquiry, |reply: &MarkSheet| reply.check(domain))?;
            let marks = answer.value.in_order(domain);
            if grades.evidence.is_empty() {
                grades.evidence = marks.iter().map(|mark| mark.evidence.clone()).collect();
            }
            let share = f64::from(self.samples).recip();
            for (sum, mark) in grades.scores.iter_mut().chain([&mut grades.overall]).zip(&marks) {
                *sum += mark.score * share;
            }
            provenance.get_or_insert(answer.provenance);
        }
        match provenance {
            Some(provenance) => Ok(Answer { value: grades, provenance }),
            // There is at least one sample.
            None => Err(Failure::Malformed { why: "no sample was asked for".into(), excerpt: String::new() }),
        }
    }
}

fn place(domain: TaskDomain) -> usize {
    match domain {
        TaskDomain::Math | TaskDomain::Steps => 0,
        TaskDomain::Code => 1,
    }
}

#[derive(Deserialize)]
struct MarkSheet {
    dimensions: BTreeMap<String, Mark>,
    overall: Mark,
}

#[derive(Deserialize)]
struct Mark {
    #[serde(default)]
    evidence: String,
    score: f64,
}

impl MarkSheet {
    fn check(&self, domain: TaskDomain) -> Result<(), String> {
        for name in dimension_names(domain) {
            if !self.dimensions.contains_key(*name) {
                return Err(format!("it lacks the dimension `{name}`"));
            }
        }
        let whole = [("overall", &self.overall)];
        for (name, mark) in self.dimensions.iter().map(|(name, mark)| (name.as_str(), mark)).chain(whole) {
            if !(0.0..=BEST).contains(&mark.score) {
                return Err(format!("`{name}` has the score {}, expected a number from 0 to 10", mark.score));
            }
        }
        Ok(())
    }

    /// The dimensions in their order, then the whole.
    fn in_order(&self, domain: TaskDomain) -> Vec<&Mark> {
        dimension_names(domain)
            .iter()
            .filter_map(|name| self.dimensions.get(*name))
            .chain([&self.overall])
            .collect()
    }
}

fn schema(domain: TaskDomain) -> Schema {
    let object = |properties: Map<String, Value>| {
        let required: Vec<&String> = properties.keys().collect();
        json!({ "type": "object", "required": required, "additionalProperties": false, "properties": properties })
    };
    let scores: Vec<u8> = (0..=10).collect();
    let mark = object(Map::from_iter([
        ("evidence".to_owned(), json!({ "type": "string" })),
        ("score".to_owned(), json!({ "type": "integer", "enum": scores })),
    ]));
    let dimensions = dimension_names(domain).iter().map(|name| ((*name).to_owned(), mark.clone())).collect();
    let value = object(Map::from_iter([
        ("dimensions".to_owned(), object(dimensions)),
        ("overall".to_owned(), mark.clone()),
    ]));
    Schema { name: "verdict".into(), value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_total_follow_from_the_numbers() {
        let grades = Grades { scores: [0.0, 1.9, 5.0, 9.0, 10.0], overall: 7.5, evidence: Vec::new() };
        let rubric = grades.rubric();
        assert_eq!(rubric.labels.map(Label::get), [0, 0, 2, 4, 4]);
        assert!((rubric.total - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_verdict_is_complete_and_in_range() {
        let reply = |text: &str| serde_json::from_str::<MarkSheet>(text).unwrap().check(TaskDomain::Code);
        let whole = |score: &str, last: &str| {
            let marks: Vec<String> = dimension_names(TaskDomain::Code)[..4]
                .iter()
                .map(|name| format!(r#""{name}":{{"score":{score}}}"#))
                .collect();
            format!(r#"{{"dimensions":{{{}{last}}},"overall":{{"score":3}}}}"#, marks.join(","))
        };
        assert_eq!(reply(&whole("3", r#","non_leakage":{"score":10}"#)), Ok(()));
        assert!(reply(&whole("3", "")).unwrap_err().contains("non_leakage"));
        assert!(reply(&whole("11", r#","non_leakage":{"score":10}"#)).unwrap_err().contains("11"));
        assert!(reply(&whole("-1", r#","non_leakage":{"score":10}"#)).is_err());
    }

    #[test]
    fn the_templates_name_every_dimension() {
        let templates = load(&TEMPLATES, None).unwrap();
        for domain in [TaskDomain::Math, TaskDomain::Steps, TaskDomain::Code] {
            let messages = templates[place(domain)].fill(&[("problem", "P?"), ("trace", "T.")]);
            for name in dimension_names(domain) {
                assert_eq!(messages[0].content.matches(&format!("- {name}: ")).count(), 1, "{name}");
                assert!(messages[0].content.contains(&format!("\"{name}\"")), "{name}");
            }
            assert!(messages[1].content.contains("\nP?\n") && messages[1].content.contains("\nT.\n"));
        }
    }
}
