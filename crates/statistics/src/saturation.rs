//! Whether a judge still tells traces apart. Judges that are not anchored give nearly everything the top score.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use tracelift_domain::rubric::LABELS;
use tracelift_domain::{DIMENSIONS, Rubric};

/// A total from here on is at the top.
const TOP: f64 = 0.99;
/// Totals are counted in these units.
const UNITS: f64 = 1e4;

/// Counts over groups of rubrics. Memory does not grow with their number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saturation {
    totals: BTreeMap<i64, u64>,
    labels: [[u64; LABELS]; DIMENSIONS],
    groups: u64,
    /// Groups in which all traces have the same total.
    flat: u64,
    /// The sum over groups of the highest total less the lowest, in units.
    spread: i64,
}

/// What the counts say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct SaturationReport {
    /// Traces.
    pub traces: u64,
    /// Groups of at least two traces.
    pub groups: u64,
    /// Share of totals of at least 0.99.
    pub at_top: f64,
    /// How many different totals there are, to four digits.
    pub distinct: usize,
    /// Mean over groups of the highest total less the lowest; `None` without groups.
    pub spread: Option<f64>,
    /// Share of groups in which all traces have the same total; `None` without groups.
    pub flat: Option<f64>,
    /// How often each label was given, by dimension.
    pub labels: [[u64; LABELS]; DIMENSIONS],
}

impl Saturation {
    /// Counts the rubrics of one group.
    pub fn add(&mut self, group: &[Rubric]) {
        for rubric in group {
            *self.totals.entry(units(rubric.total)).or_default() += 1;
            for (counts, label) in self.labels.iter_mut().zip(rubric.labels) {
                counts[usize::from(label.get())] += 1;
            }
        }
        if group.len() < 2 {
            return;
        }
        let totals = || group.iter().map(|rubric| units(rubric.total));
        let (Some(highest), Some(lowest)) = (totals().max(), totals().min()) else { return };
        self.groups += 1;
        self.flat += u64::from(highest == lowest);
        self.spread += highest - lowest;
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &Saturation) {
        for (total, count) in &other.totals {
            *self.totals.entry(*total).or_default() += count;
        }
        for (cell, more) in self.labels.iter_mut().flatten().zip(other.labels.iter().flatten()) {
            *cell += more;
        }
        self.groups += other.groups;
        self.flat += other.flat;
        self.spread += other.spread;
    }

    /// The report, or `None` where nothing was counted.
    #[must_use]
    pub fn report(&self) -> Option<SaturationReport> {
        let traces: u64 = self.totals.values().sum();
        if traces == 0 {
            return None;
        }
        let at_top: u64 = self.totals.range(units(TOP)..).map(|(_, count)| count).sum();
        let of_groups = |sum: f64| (self.groups > 0).then(|| sum / self.groups as f64);
        Some(SaturationReport {
            traces,
            groups: self.groups,
            at_top: at_top as f64 / traces as f64,
            distinct: self.totals.len(),
            spread: of_groups(self.spread as f64 / UNITS),
            flat: of_groups(self.flat as f64),
            labels: self.labels,
        })
    }
}

fn units(total: f64) -> i64 {
    (total * UNITS).round() as i64
}

impl fmt::Display for SaturationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SaturationReport { traces, groups, at_top, distinct, spread, flat, .. } = self;
        write!(f, "{traces} totals: {:.1} % at the top, {distinct} distinct", 100.0 * at_top)?;
        if let (Some(spread), Some(flat)) = (spread, flat) {
            write!(f, "; {groups} groups: mean spread {spread:.3}, {:.1} % without any", 100.0 * flat)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Label;

    fn rubrics(totals: &[f64]) -> Vec<Rubric> {
        totals.iter().map(|&total| Rubric { labels: [Label::BEST; DIMENSIONS], total }).collect()
    }

    #[test]
    fn a_saturated_judge_is_seen() {
        let mut saturation = Saturation::default();
        assert_eq!(saturation.report(), None);
        saturation.add(&rubrics(&[1.0, 1.0, 1.0]));
        saturation.add(&rubrics(&[1.0, 0.5]));
        saturation.add(&rubrics(&[0.99]));
        let report = saturation.report().unwrap();
        assert_eq!((report.traces, report.groups, report.distinct), (6, 2, 3));
        assert!((report.at_top - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!((report.spread, report.flat), (Some(0.25), Some(0.5)));
        assert_eq!(report.labels[0], [0, 0, 0, 0, 6]);
        let text = serde_json::to_string(&saturation).unwrap();
        assert_eq!(serde_json::from_str::<Saturation>(&text).unwrap(), saturation);
        let mut twice = saturation.clone();
        twice.merge(&saturation);
        let doubled = twice.report().unwrap();
        assert_eq!((doubled.traces, doubled.spread, doubled.distinct), (12, report.spread, 3));
        assert_eq!(
            report.to_string(),
            "6 totals: 83.3 % at the top, 3 distinct; 2 groups: mean spread 0.250, 50.0 % without any"
        );
    }
}
