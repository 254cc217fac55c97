//! Training and held-out groups, told apart by problem.

use serde::{Deserialize, Serialize};
use tracelift_domain::{Probability, Seed};

/// A part of a group file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Trained on.
    Train,
    /// Held out.
    Dev,
}

/// The part that a problem belongs to. It depends on nothing but the arguments: not on the other problems, their
/// order or number, so a file can grow without a problem changing sides; and a problem held out at one share is held
/// out at every larger one.
#[must_use]
pub fn split(problem_id: &str, dev_share: Probability, seed: Seed) -> Part {
    // The 53 bits that an f64 holds exactly, as a number in [0, 1): share 0 holds nothing out, share 1 everything.
    let place = (seed.child("split", 0).child(problem_id, 0).0 >> 11) as f64 / (1_u64 << 53) as f64;
    if place < dev_share.get() { Part::Dev } else { Part::Train }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(value: f64) -> Probability {
        Probability::new(value).unwrap()
    }

    fn dev(dev_share: f64, seed: u64) -> Vec<usize> {
        (0..10_000)
            .filter(|i| split(&format!("steps/train/3/{i:06}"), share(dev_share), Seed(seed)) == Part::Dev)
            .collect()
    }

    #[test]
    fn the_share_is_met() {
        // Four standard deviations of a binomial draw.
        for p in [0.02, 0.1, 0.5] {
            let tolerance = 4.0 * (10_000.0_f64 * p * (1.0 - p)).sqrt();
            let count = dev(p, 7).len() as f64;
            assert!((count - 10_000.0 * p).abs() < tolerance, "{count} of 10000 held out at {p}");
        }
        assert!(dev(0.0, 7).is_empty());
        assert_eq!(dev(1.0, 7).len(), 10_000);
    }

    #[test]
    fn a_larger_share_holds_out_the_same_problems_and_more() {
        let (small, large) = (dev(0.1, 7), dev(0.3, 7));
        assert!(small.iter().all(|problem| large.contains(problem)));
        assert_ne!(small, dev(0.1, 8), "the seed has no influence");
    }

    #[test]
    fn the_split_is_stable_across_releases() {
        let parts: String = (0..20)
            .map(|i| match split(&format!("gsm8k-{i}"), Probability::HALF, Seed(0)) {
                Part::Train => 't',
                Part::Dev => 'd',
            })
            .collect();
        assert_eq!(parts, "tttdddtddttdtdttdddd");
    }
}
