//! Proposals: flawed traces on their way into a group, whoever made them.
//!
//! A rule or a language model *proposes* a flawed trace; gates refuse it or let it pass, and whoever builds the
//! group labels and records what passed. Both sources meet in these types, so that everything after them is the same.

use crate::label::label;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tracelift_domain::{Effect, Flaw, FlawKind, Negative, Problem, Rubric, TaskDomain};

/// A problem from which a group can grow: the problem itself, and what its data set publishes as its solution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedProblem {
    /// The problem with its gold.
    pub problem: Problem,
    /// The solution as published: worked steps, or a program. It never reaches a model that writes traces for training.
    pub reference_solution: String,
    /// A reference trace that somebody wrote already (group files, embedded worlds); otherwise it is made from the
    /// solution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Where it comes from: file, line, split, licence.
    #[serde(default)]
    pub origin: Map<String, Value>,
}

impl SeedProblem {
    /// The kinds of flaws of its domain.
    #[must_use]
    pub fn kinds(&self) -> &'static [FlawKind; 7] {
        FlawKind::of(self.problem.question.domain)
    }
}

/// Who broke a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum FlawSource {
    /// A rule, which knows exactly what it did.
    Rule {
        /// Which form of the kind's rule.
        rule: String,
    },
    /// A language model.
    Llm {
        /// Its name, as the endpoint knows it.
        model: String,
        /// How it was sampled; absent where the endpoint's own setting was used.
        temperature: Option<f64>,
        /// The prompt template with its version.
        template: String,
        /// What is wrong with the trace, in the model's words.
        why: String,
    },
}

/// What was changed in the text. Offsets are bytes of UTF-8, `start` the same in both traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Where the change begins, in the reference and in the flawed trace.
    pub start: usize,
    /// Where it ends in the flawed trace.
    pub end: usize,
    /// What the reference says there.
    pub before: String,
    /// What the flawed trace says there.
    pub after: String,
}

impl Span {
    /// The smallest span, in whole words, by which two texts differ; `None` where they are equal.
    #[must_use]
    pub fn between(reference: &str, flawed: &str) -> Option<Span> {
        if reference == flawed {
            return None;
        }
        let inside = |text: &str, at: usize| {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '\'' | '$' | '%');
            text[..at].chars().next_back().is_some_and(word) && text[at..].chars().next().is_some_and(word)
        };
        let mut start = reference
            .char_indices()
            .zip(flawed.chars())
            .find(|((_, a), b)| a != b)
            .map_or(reference.len().min(flawed.len()), |((at, _), _)| at);
        while start > 0
            && (!reference.is_char_boundary(start)
                || !flawed.is_char_boundary(start)
                || inside(reference, start)
                || inside(flawed, start))
        {
            start -= 1;
        }
        let same: usize = reference[start..]
            .chars()
            .rev()
            .zip(flawed[start..].chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(a, _)| a.len_utf8())
            .sum();
        let mut same = same;
        let ends = |same: usize| (reference.len() - same, flawed.len() - same);
        while same > 0 {
            let (a, b) = ends(same);
            if reference.is_char_boundary(a)
                && flawed.is_char_boundary(b)
                && !inside(reference, a)
                && !inside(flawed, b)
            {
                break;
            }
            same -= 1;
        }
        let (reference_end, end) = ends(same);
        Some(Span {
            start,
            end,
            before: reference[start..reference_end].to_owned(),
            after: flawed[start..end].to_owned(),
        })
    }
}

/// A value that follows from the flaw and would be another without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequence {
    /// The step (from 0) that shows it.
    pub step: usize,
    /// What the reference has there.
    pub before: String,
    /// What the flawed trace has there.
    pub after: String,
}

/// What is wrong with a proposed trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Erratum {
    /// Its kind.
    pub kind: FlawKind,
    /// Who made it.
    pub source: FlawSource,
    /// Whether it spoils the artifact, where that is known.
    pub effect: Option<Effect>,
    /// The text that was changed: of several changes, the one at the origin.
    pub span: Option<Span>,
    /// The step (from 0) at which the trace breaks.
    pub step: Option<usize>,
    /// How many steps the reference has.
    pub steps: usize,
    /// What follows from it, in the order of the steps.
    pub downstream: Vec<Consequence>,
    /// What a reader who follows the trace would hand in, where that can be determined.
    pub implied: Option<String>,
}

/// A flawed trace that somebody proposes for a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The trace, without tags.
    pub reasoning: String,
    /// What is wrong with it.
    pub flaw: Erratum,
    /// A judge's rubric; `None` is labelled by construction.
    pub rubric: Option<Rubric>,
    /// The program that it tells, where there is one that can be tried out.
    pub program: Option<String>,
}

/// Where in a trace a flaw sits: its first third, the middle, or the last third.
#[must_use]
pub fn position(step: usize, steps: usize) -> &'static str {
    match step.saturating_mul(3) {
        early if early < steps => "early",
        middle if middle < steps.saturating_mul(2) => "middle",
        _ => "late",
    }
}

impl Proposal {
    /// The rubric: the judge's where there is one, otherwise [by construction](mod@crate::label). A flaw of which nobody
    /// knows whether it spoils the artifact is labelled as one that does.
    #[must_use]
    pub fn rubric(&self) -> Rubric {
        self.rubric.unwrap_or_else(|| {
            let flaw = Flaw {
                kind: self.flaw.kind,
                effect: self.flaw.effect.unwrap_or(Effect::Spoiling),
                step: self.flaw.step.unwrap_or(self.flaw.steps),
            };
            label(&flaw, self.flaw.steps)
        })
    }

    /// As it stands in a group file, with everything that is known of the flaw.
    #[must_use]
    pub fn into_negative(self, domain: TaskDomain) -> Negative {
        let rubric = self.rubric().to_map(domain);
        let Erratum { kind, source, effect, span, step, steps, downstream, implied } = self.flaw;
        let mut extra = match json!(source) {
            Value::Object(source) => source,
            _ => Map::new(),
        };
        let mut tell = |key: &str, value: Value| extra.insert(key.to_owned(), value);
        tell("flaw_sort", json!(effect));
        tell("flaw_step", json!(step));
        tell("flaw_position", json!(step.map(|step| position(step, steps))));
        tell("span", json!(span));
        tell("downstream", json!(downstream));
        tell("implied", json!(implied));
        Negative { reasoning: self.reasoning, negative_kind: kind.name().to_owned(), rubric, extra }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_span_is_made_of_whole_words() {
        let span = Span::between("sold 48/2 = 24 clips.", "sold 48/2 = 26 clips.").unwrap();
        assert_eq!((span.start, span.before.as_str(), span.after.as_str()), (12, "24", "26"));
        let span = Span::between("a b c", "a c").unwrap();
        assert_eq!((span.before.as_str(), span.after.as_str()), ("b ", ""));
        assert_eq!(Span::between("same", "same"), None);
    }

    #[test]
    fn a_position_is_a_third() {
        let places: Vec<_> = (0..6).map(|step| position(step, 6)).collect();
        assert_eq!(places, ["early", "early", "middle", "middle", "late", "late"]);
        assert_eq!(position(0, 0), "late");
    }

    proptest! {
        #[test]
        fn a_span_says_how_to_make_one_from_the_other(a in "[aé 1.,]{0,12}", b in "[aé 1.,]{0,12}") {
            if let Some(span) = Span::between(&a, &b) {
                let end = span.start + span.before.len();
                prop_assert_eq!(&a[span.start..end], &span.before);
                prop_assert_eq!(&b[span.start..span.end], &span.after);
                prop_assert_eq!(format!("{}{}{}", &a[..span.start], span.after, &a[end..]), b);
            } else {
                prop_assert_eq!(a, b);
            }
        }
    }
}
