//! Surveys: what is in a group file, counted in one pass and constant memory.

use crate::probe::{Probe, ShortcutReport};
use serde::Serialize;
use std::{collections::BTreeMap, fmt};
use tracelift_domain::Group;

/// A histogram of lengths by powers of two.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lengths {
    /// How many.
    pub count: u64,
    /// Their sum, in characters.
    pub sum: u64,
    /// The shortest.
    pub least: u64,
    /// The longest.
    pub most: u64,
}

impl Lengths {
    fn add(&mut self, text: &str) {
        let length = text.chars().count() as u64;
        self.least = if self.count == 0 { length } else { self.least.min(length) };
        self.most = self.most.max(length);
        self.count += 1;
        self.sum += length;
    }

    /// The mean length; none of none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

/// What is in a group file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Survey {
    /// How many groups.
    pub groups: u64,
    /// Groups by source.
    pub sources: BTreeMap<String, u64>,
    /// Groups by domain.
    pub domains: BTreeMap<String, u64>,
    /// Groups by how many flawed traces they hold.
    pub sizes: BTreeMap<usize, u64>,
    /// Reference traces.
    pub positives: Lengths,
    /// Flawed traces by kind.
    pub kinds: BTreeMap<String, Lengths>,
    /// Flawed traces by who made them.
    pub makers: BTreeMap<String, u64>,
    /// Labels of flawed traces: dimension → how often 0, 1, 2, 3, 4.
    pub labels: BTreeMap<String, [u64; 5]>,
    /// Totals of flawed traces, in tenths.
    pub totals: [u64; 10],
    /// Judge saturation: how many distinct totals flawed traces have.
    pub distinct_totals: usize,
    /// Which share of all traces has the top total.
    pub top_share: Option<f64>,
    /// Mean difference of the highest and lowest total within a group.
    pub spread: Option<f64>,
    /// What the surface of the texts tells.
    pub shortcuts: Option<ShortcutReport>,
}

/// A survey under way.
#[derive(Default)]
pub struct Surveyor {
    survey: Survey,
    probe: Probe,
    distinct: BTreeMap<u64, ()>,
    top: u64,
    spread: f64,
}

/// Most distinct totals that are counted.
const DISTINCT: usize = 10_000;

impl Surveyor {
    /// Counts a group.
    pub fn see(&mut self, group: &Group) {
        self.probe.see(group);
        let survey = &mut self.survey;
        survey.groups += 1;
        *survey.sources.entry(group.source.clone()).or_default() += 1;
        *survey.domains.entry(group.task_type.name().to_owned()).or_default() += 1;
        *survey.sizes.entry(group.negative_bank.len()).or_default() += 1;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut judged = |total: Option<&f64>| {
            let Some(total) = total else { return };
            (low, high) = (low.min(*total), high.max(*total));
            self.top += u64::from(*total >= 1.0);
            if self.distinct.len() < DISTINCT {
                self.distinct.insert(total.to_bits(), ());
            }
        };
        for positive in &group.positive_pool {
            survey.positives.add(&positive.reasoning);
            judged(positive.rubric.get("total"));
        }
        for negative in &group.negative_bank {
            survey.kinds.entry(negative.negative_kind.clone()).or_default().add(&negative.reasoning);
            let maker = negative.extra.get("source").and_then(|source| source.as_str()).unwrap_or("unknown");
            *survey.makers.entry(maker.to_owned()).or_default() += 1;
            judged(negative.rubric.get("total"));
            for (dimension, label) in &negative.rubric {
                if dimension == "total" {
                    survey.totals[((label * 10.0) as usize).min(9)] += 1;
                } else if let Some(slot) =
                    survey.labels.entry(dimension.clone()).or_default().get_mut(*label as usize)
                {
                    *slot += 1;
                }
            }
        }
        self.spread += (high - low).max(0.0);
    }

    /// What was counted; the shortcut report is made here.
    #[must_use]
    pub fn finish(self) -> Survey {
        let mut survey = self.survey;
        let traces = survey.positives.count + survey.kinds.values().map(|kind| kind.count).sum::<u64>();
        survey.distinct_totals = self.distinct.len();
        survey.top_share = (traces > 0).then(|| self.top as f64 / traces as f64);
        survey.spread = (survey.groups > 0).then(|| self.spread / survey.groups as f64);
        survey.shortcuts = self.probe.report();
        survey
    }
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = |counts: &BTreeMap<String, u64>| {
            counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        writeln!(f, "groups            {}", self.groups)?;
        writeln!(f, "sources           {}", counts(&self.sources))?;
        writeln!(f, "domains           {}", counts(&self.domains))?;
        let sizes: Vec<String> = self.sizes.iter().map(|(size, count)| format!("{size}: {count}")).collect();
        writeln!(f, "flawed per group  {}", sizes.join(", "))?;
        writeln!(f, "made by           {}", counts(&self.makers))?;
        writeln!(
            f,
            "totals            {} distinct, {} of all at 1, spread within groups {}",
            self.distinct_totals,
            number(self.top_share),
            number(self.spread)
        )?;
        let auc = |kind: &str| self.shortcuts.as_ref().and_then(|report| report.kinds.get(kind)).copied();
        writeln!(
            f,
            "\n{:<24}{:>8}{:>10}{:>8}{:>8}{:>8}",
            "trace", "count", "length", "least", "most", "AUC"
        )?;
        let mut row = |name: &str, lengths: &Lengths, auc: Option<f64>| {
            let mean = lengths.mean().map_or_else(|| "–".to_owned(), |mean| format!("{mean:.1}"));
            let (count, least, most) = (lengths.count, lengths.least, lengths.most);
            writeln!(f, "{name:<24}{count:>8}{mean:>10}{least:>8}{most:>8}{:>8}", number(auc))
        };
        row("reference", &self.positives, None)?;
        for (kind, lengths) in &self.kinds {
            row(kind, lengths, auc(kind))?;
        }
        writeln!(f, "\n{:<24}{:>8}{:>8}{:>8}{:>8}{:>8}", "label of flawed traces", 0, 1, 2, 3, 4)?;
        for (dimension, labels) in &self.labels {
            let cells: String = labels.iter().map(|count| format!("{count:>8}")).collect();
            writeln!(f, "{dimension:<24}{cells}")?;
        }
        let tenths: Vec<String> = self.totals.iter().map(ToString::to_string).collect();
        writeln!(f, "totals by tenth         {}", tenths.join(" "))?;
        match &self.shortcuts {
            Some(report) => writeln!(
                f,
                "\nshortcut report: AUC {:.3} (style alone {:.3}) over {} groups; 0.5 is chance",
                report.auc, report.style_auc, report.groups
            ),
            None => writeln!(f, "\nshortcut report: too few groups to train and test a probe"),
        }
    }
}
