//! What models did for a build, counted.

use super::{Agreement, Flaws, Judged, References, Saturation};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write};
use tracelift_domain::TaskDomain;

/// Counts over seeds. They depend on the seeds and on what the models said, not on time, threads or interruptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmCounts {
    /// Flawed traces that passed the gates.
    pub flaws: u64,
    /// Flawed traces that did not, by gate.
    pub gated: BTreeMap<String, u64>,
    /// Kinds for which the model found no place.
    pub inapplicable: BTreeMap<String, u64>,
    /// Reference traces that gold or an executor confirmed.
    pub references: u64,
    /// Reference traces that did not lead to gold.
    pub refuted: u64,
    /// Reference traces of which nobody could say.
    pub unknown: u64,
    /// Traces that the judge graded.
    pub judged: u64,
    /// Flawed traces that the judge does not put below their reference.
    pub not_below: u64,
    /// Seeds that were left out because no reply came.
    pub unanswered: u64,
    /// Questions without a usable answer, by cause.
    pub failures: BTreeMap<String, u64>,
    /// Labels by construction against the judge's.
    pub agreement: BTreeMap<TaskDomain, Agreement>,
    /// Of the judge.
    pub saturation: BTreeMap<TaskDomain, Saturation>,
}

fn add<'a>(to: &mut BTreeMap<String, u64>, more: impl IntoIterator<Item = (&'a str, u64)>) {
    for (name, count) in more {
        *to.entry(name.to_owned()).or_default() += count;
    }
}

impl LlmCounts {
    /// Counts what a writer made of one seed.
    pub fn add_flaws(&mut self, made: &Flaws) {
        self.flaws += made.proposals.len() as u64;
        add(&mut self.gated, made.gated.iter().map(|(gate, count)| (gate.name(), *count)));
        add(&mut self.inapplicable, made.inapplicable.iter().map(|(kind, count)| (kind.name(), *count)));
        add(&mut self.failures, made.failures.iter().map(|(cause, count)| (cause.as_str(), *count)));
    }

    /// Counts what came of asking for a reference.
    pub fn add_references(&mut self, made: &References) {
        self.references += u64::from(made.confirmed.is_some());
        self.refuted += made.refuted;
        self.unknown += made.unknown;
        add(&mut self.gated, made.gated.iter().map(|(gate, count)| (gate.name(), *count)));
        add(&mut self.failures, made.failures.iter().map(|(cause, count)| (cause.as_str(), *count)));
    }

    /// Counts what a judge made of one group.
    pub fn add_judged(&mut self, domain: TaskDomain, judged: &Judged) {
        self.judged += judged.saturation.report().map_or(0, |report| report.traces);
        self.not_below += judged.not_below;
        add(&mut self.failures, judged.failures.iter().map(|(cause, count)| (cause.as_str(), *count)));
        self.agreement.entry(domain).or_default().merge(&judged.agreement);
        self.saturation.entry(domain).or_default().merge(&judged.saturation);
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &LlmCounts) {
        self.flaws += other.flaws;
        self.references += other.references;
        self.refuted += other.refuted;
        self.unknown += other.unknown;
        self.judged += other.judged;
        self.not_below += other.not_below;
        self.unanswered += other.unanswered;
        for (to, more) in [
            (&mut self.gated, &other.gated),
            (&mut self.inapplicable, &other.inapplicable),
            (&mut self.failures, &other.failures),
        ] {
            add(to, more.iter().map(|(name, count)| (name.as_str(), *count)));
        }
        for (domain, agreement) in &other.agreement {
            self.agreement.entry(*domain).or_default().merge(agreement);
        }
        for (domain, saturation) in &other.saturation {
            self.saturation.entry(*domain).or_default().merge(saturation);
        }
    }

    /// Some lines for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let list = |counts: &BTreeMap<String, u64>| {
            let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
        };
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // A String takes whatever is written.
            let _ = writeln!(text, "{name:<22} {value}");
        };
        line("written by the model", format!("{} flawed traces, {} references", self.flaws, self.references));
        line("refused by gates", list(&self.gated));
        line("found no place", list(&self.inapplicable));
        if self.refuted + self.unknown > 0 {
            line(
                "references",
                format!("{} refuted, {} that nobody could confirm", self.refuted, self.unknown),
            );
        }
        line("without an answer", list(&self.failures));
        if self.unanswered > 0 {
            line("seeds left out", format!("{} for want of a reply", self.unanswered));
        }
        if self.judged > 0 {
            let not_below = self.not_below;
            line(
                "judged",
                format!("{} traces, {not_below} flawed ones not below their reference", self.judged),
            );
        }
        for (domain, saturation) in &self.saturation {
            if let Some(report) = saturation.report() {
                line(&format!("judge on {}", domain.name()), report.to_string());
            }
        }
        for (domain, agreement) in &self.agreement {
            if agreement.traces() > 0 {
                let _ = writeln!(text, "\nlabels by construction against the judge's, {}:", domain.name());
                text.push_str(&agreement.table(*domain));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GateReason;
    use tracelift_domain::FlawKind;
    use tracelift_domain::{DIMENSIONS, Label, Rubric};

    fn counts() -> LlmCounts {
        let mut counts = LlmCounts::default();
        counts.add_flaws(&Flaws {
            proposals: Vec::new(),
            gated: BTreeMap::from([(GateReason::TooShort, 2)]),
            inapplicable: BTreeMap::from([(FlawKind::OffByOne, 1)]),
            failures: BTreeMap::from([("refusal".to_owned(), 3)]),
        });
        counts.add_references(&References { refuted: 1, ..References::default() });
        let mut judged = Judged { not_below: 1, ..Judged::default() };
        let rubric = |total| Rubric { labels: [Label::BEST; DIMENSIONS], total };
        judged.agreement.add(&rubric(0.5), &rubric(1.0));
        judged.saturation.add(&[rubric(1.0), rubric(0.5)]);
        counts.add_judged(TaskDomain::Code, &judged);
        counts
    }

    #[test]
    fn parts_add_up_and_survive_their_file_form() {
        let one = counts();
        let mut two = one.clone();
        two.merge(&one);
        assert_eq!((two.gated["too_short"], two.failures["refusal"], two.judged, two.refuted), (4, 6, 4, 2));
        assert_eq!(two.agreement[&TaskDomain::Code].traces(), 2);
        let text = serde_json::to_string(&two).unwrap();
        assert_eq!(serde_json::from_str::<LlmCounts>(&text).unwrap(), two);
        assert_eq!(serde_json::from_str::<LlmCounts>("{}").unwrap(), LlmCounts::default());
    }

    #[test]
    fn the_summary_says_what_was_counted() {
        let text = counts().summary();
        for words in [
            "2 too_short",
            "1 off_by_one",
            "3 refusal",
            "1 refuted",
            "judge on code",
            "50.0 % at the top",
            "plan_quality",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
    }
}
