//! Whether references come out above flawed traces: of any numbers, a model's scores or a probe's.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tracelift_statistics::{Estimate, Measurement};

/// The numbers of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contest<'a> {
    /// The problem: errors are clustered by it.
    pub problem: &'a str,
    /// Of the reference traces.
    pub references: Vec<f64>,
    /// Of the flawed traces, each with its kind.
    pub flawed: Vec<(&'a str, f64)>,
}

/// How often references come out on top.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Ranking {
    /// Pairs of a reference and a flawed trace of its group in the right order; a tie is half right.
    pub pairs: Estimate,
    /// The share of pairs that are ties; `None` without pairs.
    pub ties: Option<f64>,
    /// Groups in which every reference is above every flawed trace; a tie is not above.
    pub groups: Estimate,
    /// [`Ranking::pairs`] by kind of flaw.
    pub kinds: BTreeMap<String, Estimate>,
}

impl Ranking {
    /// Ranks the traces of each group. Groups without references or without flawed traces tell nothing.
    pub fn of<'a>(contests: impl IntoIterator<Item = Contest<'a>>) -> Ranking {
        let (mut pairs, mut groups) = (Vec::new(), Vec::new());
        let mut kinds: BTreeMap<&str, Vec<(&str, Measurement)>> = BTreeMap::new();
        let mut ties = 0;
        for Contest { problem, references, flawed } in contests {
            let mut clean = true;
            for (kind, flawed) in &flawed {
                for reference in &references {
                    let won = order(*reference, *flawed);
                    ties += usize::from(won == 0.5);
                    clean &= won == 1.0;
                    pairs.push((problem, Measurement::Known(won)));
                    kinds.entry(kind).or_default().push((problem, Measurement::Known(won)));
                }
            }
            if !references.is_empty() && !flawed.is_empty() {
                groups.push((problem, Measurement::Known(f64::from(u8::from(clean)))));
            }
        }
        let count = pairs.len();
        Ranking {
            pairs: Estimate::clustered(pairs),
            ties: (count > 0).then(|| ties as f64 / count as f64),
            groups: Estimate::clustered(groups),
            kinds: kinds
                .into_iter()
                .map(|(kind, pairs)| (kind.to_owned(), Estimate::clustered(pairs)))
                .collect(),
        }
    }
}

/// 1 where the first is above, ½ where they are equal, else 0.
fn order(above: f64, below: f64) -> f64 {
    if above > below {
        1.0
    } else if above == below {
        0.5
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_case_by_hand() {
        let contest = |problem, references: &[f64], flawed: &[(&'static str, f64)]| Contest {
            problem,
            references: references.to_vec(),
            flawed: flawed.to_vec(),
        };
        let ranking = Ranking::of([
            contest("a", &[0.9], &[("slip", 0.1), ("drop", 0.2)]),
            contest("b", &[0.5], &[("slip", 0.5), ("drop", 0.7)]),
            contest("c", &[], &[("slip", 0.0)]),
            contest("d", &[0.1], &[]),
        ]);
        assert_eq!((ranking.pairs.mean, ranking.pairs.samples), (Some(2.5 / 4.0), 4));
        assert_eq!((ranking.ties, ranking.groups.mean, ranking.groups.samples), (Some(0.25), Some(0.5), 2));
        assert_eq!(ranking.kinds["slip"].mean, Some(0.75));
        assert_eq!(ranking.kinds["drop"].mean, Some(0.5));
        // R = (2 − 2m, ½ − 2m) with m = 2.5/4: SE = sqrt(2/1 · 2 · 0.75²)/4.
        assert!((ranking.pairs.standard_error.unwrap() - 1.5 / 4.0).abs() < 1e-12);
    }

    #[test]
    fn a_constant_is_at_chance_and_right_of_no_group() {
        let ranking = Ranking::of(["a", "b"].map(|problem| Contest {
            problem,
            references: vec![1.0],
            flawed: vec![("k", 1.0); 3],
        }));
        assert_eq!(
            (ranking.pairs.mean, ranking.ties, ranking.groups.mean),
            (Some(0.5), Some(1.0), Some(0.0))
        );
    }
}
