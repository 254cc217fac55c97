//! How far two sources of labels agree: labels by construction and a judge's.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use tracelift_domain::rubric::{LABELS, dimension_names};
use tracelift_domain::{DIMENSIONS, Rubric, TaskDomain};

/// Totals are compared in these units; memory holds one count for each pair of values that occurs.
const UNITS: f64 = 1e4;

/// Counts over pairs of rubrics of the same trace. Memory does not grow with the number of pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// By dimension, of the pairs with labels (one, other).
    labels: [[[u64; LABELS]; LABELS]; DIMENSIONS],
    /// By the one's total and the other's.
    totals: BTreeMap<i64, BTreeMap<i64, u64>>,
}

/// How far two sources agree on one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DimensionAgreement {
    /// Share of traces with the same label.
    pub exact: f64,
    /// Share of traces whose labels are at most 1 apart.
    pub within_one: f64,
    /// Cohen's κ: agreement beyond chance; `None` where one source has a single label for all.
    pub kappa: Option<f64>,
    /// Cohen's κ with quadratic weights, which forgives small differences; `None` as above.
    pub weighted_kappa: Option<f64>,
}

impl Agreement {
    /// Counts a trace that both have labelled.
    pub fn add(&mut self, one: &Rubric, other: &Rubric) {
        for (d, table) in self.labels.iter_mut().enumerate() {
            table[usize::from(one.labels[d].get())][usize::from(other.labels[d].get())] += 1;
        }
        let unit = |total: f64| (total * UNITS).round() as i64;
        *self.totals.entry(unit(one.total)).or_default().entry(unit(other.total)).or_default() += 1;
    }

    /// Adds the counts of another part.
    pub fn merge(&mut self, other: &Agreement) {
        let cells = self.labels.iter_mut().flatten().flatten();
        for (cell, more) in cells.zip(other.labels.iter().flatten().flatten()) {
            *cell += more;
        }
        for (a, b, count) in other.pairs() {
            *self.totals.entry(a).or_default().entry(b).or_default() += count;
        }
    }

    /// The one's total, the other's, how often.
    fn pairs(&self) -> impl Iterator<Item = (i64, i64, u64)> + '_ {
        self.totals.iter().flat_map(|(a, row)| row.iter().map(|(b, count)| (*a, *b, *count)))
    }

    /// How many traces were counted.
    #[must_use]
    pub fn traces(&self) -> u64 {
        self.pairs().map(|(.., count)| count).sum()
    }

    /// Agreement on a dimension, or `None` where nothing was counted.
    #[must_use]
    pub fn dimension(&self, dimension: usize) -> Option<DimensionAgreement> {
        let table = self.labels.get(dimension)?;
        let count: u64 = table.iter().flatten().sum();
        if count == 0 {
            return None;
        }
        let near = |most: usize| {
            let close: u64 = pairs().filter(|(a, b)| a.abs_diff(*b) <= most).map(|(a, b)| table[a][b]).sum();
            close as f64 / count as f64
        };
        Some(DimensionAgreement {
            exact: near(0),
            within_one: near(1),
            kappa: kappa(table, |a, b| f64::from(u8::from(a != b))),
            weighted_kappa: kappa(table, |a, b| (a.abs_diff(b) as f64).powi(2)),
        })
    }

    /// Spearman's rank correlation of the totals, ties at their mean rank; `None` where one source gives all the same.
    #[must_use]
    pub fn spearman(&self) -> Option<f64> {
        let ranks = |of: fn((i64, i64)) -> i64| {
            let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
            for (a, b, count) in self.pairs() {
                *counts.entry(of((a, b))).or_default() += count;
            }
            let mut before = 0.0;
            counts
                .into_iter()
                .map(|(value, count)| {
                    let rank = before + (count as f64 + 1.0) / 2.0;
                    before += count as f64;
                    (value, rank)
                })
                .collect::<BTreeMap<i64, f64>>()
        };
        let (ranks_one, ranks_other) = (ranks(|pair| pair.0), ranks(|pair| pair.1));
        let mean = (self.traces() as f64 + 1.0) / 2.0;
        let (mut both, mut one, mut other) = (0.0, 0.0, 0.0);
        for (a, b, count) in self.pairs() {
            let (a, b, count) = (ranks_one[&a] - mean, ranks_other[&b] - mean, count as f64);
            both += count * a * b;
            one += count * a * a;
            other += count * b * b;
        }
        (one > 0.0 && other > 0.0).then(|| both / (one * other).sqrt())
    }

    /// A table for people.
    #[must_use]
    pub fn table(&self, domain: TaskDomain) -> String {
        let mut text = format!("{:<26} {:>7} {:>7} {:>7} {:>7}\n", "dimension", "exact", "±1", "κ", "κ²");
        for (d, name) in dimension_names(domain).iter().enumerate() {
            let Some(found) = self.dimension(d) else { continue };
            let DimensionAgreement { exact, within_one, kappa, weighted_kappa } = found;
            let (kappa, weighted) = (Cell(kappa), Cell(weighted_kappa));
            text.push_str(&format!("{name:<26} {exact:>7.3} {within_one:>7.3} {kappa:>7} {weighted:>7}\n"));
        }
        text.push_str(&format!("totals of {} traces: Spearman {}\n", self.traces(), Cell(self.spearman())));
        text
    }
}

/// A number, or a dash where there is none.
struct Cell(Option<f64>);

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.map_or("-".to_owned(), |value| format!("{value:.3}")))
    }
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..LABELS).flat_map(|a| (0..LABELS).map(move |b| (a, b)))
}

/// Cohen's κ with these weights of disagreement: `1 − observed/expected`.
fn kappa(table: &[[u64; LABELS]; LABELS], weight: impl Fn(usize, usize) -> f64) -> Option<f64> {
    let count = table.iter().flatten().sum::<u64>() as f64;
    let row = |a: usize| table[a].iter().sum::<u64>() as f64;
    let column = |b: usize| table.iter().map(|row| row[b]).sum::<u64>() as f64;
    let observed: f64 = pairs().map(|(a, b)| weight(a, b) * table[a][b] as f64).sum();
    let expected: f64 = pairs().map(|(a, b)| weight(a, b) * row(a) * column(b) / count).sum();
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Label;

    fn rubric(label: u8, total: f64) -> Rubric {
        Rubric { labels: [Label::new(label).unwrap(); DIMENSIONS], total }
    }

    fn counted(pairs: &[(u8, f64, u8, f64)]) -> Agreement {
        let mut agreement = Agreement::default();
        for (a, s, b, t) in pairs {
            agreement.add(&rubric(*a, *s), &rubric(*b, *t));
        }
        agreement
    }

    #[test]
    fn full_agreement_and_none() {
        let same = counted(&[(0, 0.1, 0, 0.1), (2, 0.5, 2, 0.5), (4, 0.9, 4, 0.9)]);
        let found = same.dimension(3).unwrap();
        assert_eq!((found.exact, found.kappa, found.weighted_kappa), (1.0, Some(1.0), Some(1.0)));
        assert!((same.spearman().unwrap() - 1.0).abs() < 1e-12);
        let opposite = counted(&[(0, 0.1, 4, 0.9), (4, 0.9, 0, 0.1)]);
        assert_eq!(opposite.dimension(0).unwrap().weighted_kappa, Some(-1.0));
        assert!((opposite.spearman().unwrap() + 1.0).abs() < 1e-12);
    }

    #[test]
    fn values_by_hand() {
        // Of 50 pairs: 20 both 1, 5 (1, 0), 10 (0, 1), 15 both 0. Observed 0.7, by chance 0.5: κ = 0.4.
        let mut pairs = vec![(1, 0.1, 1, 0.1); 20];
        pairs.extend(vec![(1, 0.1, 0, 0.0); 5]);
        pairs.extend(vec![(0, 0.0, 1, 0.1); 10]);
        pairs.extend(vec![(0, 0.0, 0, 0.0); 15]);
        let found = counted(&pairs).dimension(0).unwrap();
        assert!((found.kappa.unwrap() - 0.4).abs() < 1e-12);
        assert!((found.exact - 0.7).abs() < 1e-12 && found.within_one == 1.0);
        // Ranks 1, 2, 3, 4 and 2, 1, 4, 3: 1 − 6·4/(4·15) = 0.6.
        let ranked = counted(&[(0, 0.1, 0, 0.2), (0, 0.2, 0, 0.1), (0, 0.3, 0, 0.4), (0, 0.4, 0, 0.3)]);
        assert!((ranked.spearman().unwrap() - 0.6).abs() < 1e-12);
    }

    #[test]
    fn a_source_without_opinion_has_no_kappa() {
        let saturated = counted(&[(1, 0.1, 4, 1.0), (2, 0.4, 4, 1.0)]);
        assert_eq!(saturated.spearman(), None);
        assert_eq!(saturated.dimension(0).unwrap().kappa, Some(0.0));
        let both = counted(&[(4, 1.0, 4, 1.0)]);
        assert_eq!(both.dimension(0).unwrap().kappa, None);
        assert_eq!(Agreement::default().dimension(0), None);
        assert!(saturated.table(TaskDomain::Math).contains("Spearman -"));
    }

    #[test]
    fn parts_add_up() {
        let (a, b) = (counted(&[(1, 0.1, 2, 0.3)]), counted(&[(1, 0.1, 2, 0.3), (3, 0.5, 3, 0.5)]));
        let mut sum = a.clone();
        sum.merge(&b);
        assert_eq!(sum, counted(&[(1, 0.1, 2, 0.3), (1, 0.1, 2, 0.3), (3, 0.5, 3, 0.5)]));
        assert_eq!(sum.traces(), 3);
        let text = serde_json::to_string(&sum).unwrap();
        assert_eq!(serde_json::from_str::<Agreement>(&text).unwrap(), sum);
    }
}
