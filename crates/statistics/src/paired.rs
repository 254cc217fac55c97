//! Differences between two arms on the same problems: of one pair of trainings, and of several, each from a seed of its own.
//!
//! A training is one draw: another seed gives another planner. So what a rule does is a statement over seeds, and its error has
//! two parts, that of the seeds and that of the problems. [`over_seeds`] estimates both by a bootstrap over seeds and, within
//! them, problems.

use crate::estimate::{Cluster, pooled_mean, sandwich};
use crate::student::{quantile as student_quantile, two_sided};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// What both arms have of one problem. Where one of them has nothing, both are empty.
pub type Pair = (Cluster, Cluster);

/// The share of chance that intervals leave out, on both sides together.
const BEYOND: f64 = 0.05;

/// Pooled mean of the first arm less that of the second; `None` where either has no sample.
#[must_use]
pub fn pooled_difference(pairs: &[Pair]) -> Option<f64> {
    let (ours, _) = pooled_mean(pairs.iter().map(|(ours, _)| ours))?;
    let (theirs, _) = pooled_mean(pairs.iter().map(|(_, theirs)| theirs))?;
    Some(ours - theirs)
}

/// What each problem adds to the error of [`pooled_difference`]: `R_i/N − R'_i/N'`. What is hard for both cancels.
fn contributions(pairs: &[Pair]) -> Option<Vec<f64>> {
    let (our_mean, our_count) = pooled_mean(pairs.iter().map(|(ours, _)| ours))?;
    let (their_mean, their_count) = pooled_mean(pairs.iter().map(|(_, theirs)| theirs))?;
    let of = |(ours, theirs): &Pair| {
        ours.residual(our_mean) / our_count as f64 - theirs.residual(their_mean) / their_count as f64
    };
    Some(pairs.iter().map(of).collect())
}

/// `sqrt(n/(n − 1) · Σ_i (R_i/N − R'_i/N')²)`; `None` for fewer than two problems.
#[must_use]
pub fn paired_error(pairs: &[Pair]) -> Option<f64> {
    sandwich(contributions(pairs)?.into_iter())
}

/// The 95 % percentile interval of so many bootstrap samples of as many problems as there are, each with all its samples of both
/// arms; `None` where nothing is known.
pub fn bootstrap_interval(pairs: &[Pair], rng: &mut impl Rng, draws: usize) -> Option<(f64, f64)> {
    let mut drawn = Vec::with_capacity(pairs.len());
    let mut statistics: Vec<f64> = (0..draws)
        .filter_map(|_| {
            drawn.clear();
            drawn.extend((0..pairs.len()).map(|_| pairs[rng.random_range(0..pairs.len())]));
            pooled_difference(&drawn)
        })
        .collect();
    statistics.sort_unstable_by(f64::total_cmp);
    let tail = BEYOND / 2.0;
    Some((quantile(&statistics, tail)?, quantile(&statistics, 1.0 - tail)?))
}

/// A quantile of sorted numbers, interpolated between neighbours; `None` of none.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let position = q * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    Some(below + (above - below) * position.fract())
}

/// McNemar's test, exact: the chance of a split of the discordant pairs at least as uneven as this one, were both kinds as likely.
/// `ahead` pairs are right in the first arm alone, `behind` in the second alone. For pairs that are independent: one a problem.
#[must_use]
pub fn mcnemar(ahead: usize, behind: usize) -> f64 {
    let (all, few) = (ahead + behind, ahead.min(behind));
    // ln C(n, k)·2⁻ⁿ, one after another.
    let mut log = -(all as f64) * std::f64::consts::LN_2;
    let mut sum = log.exp();
    for k in 0..few {
        log += ((all - k) as f64 / (k + 1) as f64).ln();
        sum += log.exp();
    }
    (2.0 * sum).min(1.0)
}

/// The smallest true difference that an experiment with this standard error finds with a chance of 80 %, at the level of 5 % on both
/// sides: `(t_{0.975} + t_{0.8})·SE`.
#[must_use]
pub fn detectable(standard_error: f64, degrees: usize) -> f64 {
    (student_quantile(BEYOND, degrees) + student_quantile(2.0 * MISSED, degrees)) * standard_error
}

/// The chance that a true difference of that size is not found.
const MISSED: f64 = 0.2;

/// How the problems of several seeds belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problems {
    /// Each seed has problems of its own.
    OfEachSeed,
    /// All seeds have the same, in the same order: what is peculiar to a problem is so in every seed.
    Shared,
}

/// A mean over seeds with what the seeds differ by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverSeeds {
    /// Their mean.
    pub mean: f64,
    /// `s/√S` of their values; `None` for fewer than two.
    pub between: Option<f64>,
    /// `S`.
    pub seeds: usize,
}

impl OverSeeds {
    /// `None` of none.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<OverSeeds> {
        let seeds = values.len();
        let mean = (seeds > 0).then(|| values.iter().sum::<f64>() / seeds as f64)?;
        let between = variance(values).map(|variance| (variance / seeds as f64).sqrt());
        Some(OverSeeds { mean, between, seeds })
    }

    /// The 95 % interval that the seeds alone give, by Student's t.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        let half = student_quantile(BEYOND, self.seeds.checked_sub(1)?.max(1)) * self.between?;
        Some((self.mean - half, self.mean + half))
    }
}

/// `Σ (x − x̄)²/(S − 1)`; `None` for fewer than two.
fn variance(values: &[f64]) -> Option<f64> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (count >= 2.0).then(|| values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (count - 1.0))
}

/// A difference over seeds, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedDifference {
    /// The mean over seeds of each seed's pooled difference, and what those differ by.
    pub difference: OverSeeds,
    /// The bootstrap's standard error, of seeds and problems together; `None` where there is neither a second seed nor a second
    /// problem.
    pub standard_error: Option<f64>,
    /// The 95 % interval: the difference ± `t·SE` with Student's t of `S − 1` degrees of freedom, and of the problems less one
    /// where there is one seed, which then says nothing about other seeds.
    pub interval: Option<(f64, f64)>,
    /// The chance of a difference that far from 0 were there none, by the same t.
    pub p: Option<f64>,
    /// The smallest true difference that is found with a chance of 80 %, by the same t.
    #[serde(default)]
    pub detectable: Option<f64>,
    /// Problems that count, in the seed that has the fewest.
    pub problems: usize,
}

/// The difference between two arms over the seeds that both have, each with its pairs by problem.
///
/// With `S` seeds of differences `d_s` and mean `d`, a draw of the bootstrap is
///
/// `d* = d + (1/S)·Σ_k [ c·(d_{s_k} − d) + (d*_{s_k} − d_{s_k}) ]`
///
/// over `S` seeds `s_k` drawn with replacement, where `d*_s` is the difference on as many problems, drawn with replacement: for each seed anew,
/// or once for all where they share them. The `d_s` differ by more than the seeds do, as each is measured on finitely many
/// problems; were both levels drawn as they are, that would count twice. So the first is shrunk by
/// `c² = S/(S − 1)·max(0, 1 − V_p/V)`, with `V` the variance of the `d_s` and `V_p` what problems alone make of it (of shared problems, what
/// is left of that without what they have in common). The variance of the draws is then that of the seeds plus that of the problems
/// (Davison and Hinkley, 1997, section 3.8, on why resampling needs it).
pub fn over_seeds(
    seeds: &[Vec<Pair>],
    problems: Problems,
    rng: &mut impl Rng,
    draws: usize,
) -> Option<SeedDifference> {
    let each: Vec<f64> = seeds.iter().map(|pairs| pooled_difference(pairs)).collect::<Option<_>>()?;
    let difference = OverSeeds::of(&each)?;
    let known = |pairs: &Vec<Pair>| pairs.iter().filter(|(ours, _)| ours.count > 0).count();
    let fewest = seeds.iter().map(known).min()?;
    let count = each.len() as f64;
    let shrunk = match variance(&each) {
        Some(all) if all > 0.0 => {
            let of_problems = of_problems(seeds, problems)?;
            (count / (count - 1.0) * (1.0 - of_problems / all).max(0.0)).sqrt()
        }
        _ => 0.0,
    };
    let mut values = Vec::with_capacity(draws);
    let mut picks: Vec<usize> = Vec::new();
    for _ in 0..draws {
        if problems == Problems::Shared {
            redraw(&mut picks, seeds[0].len(), rng);
        }
        let mut sum = 0.0;
        for _ in 0..seeds.len() {
            let seed = rng.random_range(0..seeds.len());
            if problems == Problems::OfEachSeed {
                redraw(&mut picks, seeds[seed].len(), rng);
            }
            // Of problems that hardly any sample concerns, a draw may hold none at all: then it says nothing of them.
            let moved = difference_of(&seeds[seed], &picks).map_or(0.0, |drawn| drawn - each[seed]);
            sum += shrunk * (each[seed] - difference.mean) + moved;
        }
        values.push(sum / count);
    }
    let degrees = if seeds.len() > 1 { seeds.len() - 1 } else { fewest.saturating_sub(1) };
    let standard_error = variance(&values).map(f64::sqrt).filter(|_| degrees > 0);
    let half = standard_error.map(|error| error * student_quantile(BEYOND, degrees));
    let p = standard_error.map(|error| match error > 0.0 {
        true => two_sided(difference.mean / error, degrees),
        // All seeds and problems agree.
        false if difference.mean == 0.0 => 1.0,
        false => 0.0,
    });
    let interval = half.map(|half| (difference.mean - half, difference.mean + half));
    let detectable = standard_error.map(|error| detectable(error, degrees));
    Some(SeedDifference { difference, standard_error, interval, p, detectable, problems: fewest })
}

fn redraw(picks: &mut Vec<usize>, count: usize, rng: &mut impl Rng) {
    picks.clear();
    picks.extend((0..count).map(|_| rng.random_range(0..count)));
}

/// [`pooled_difference`] of some of the pairs.
fn difference_of(pairs: &[Pair], picks: &[usize]) -> Option<f64> {
    let (ours, _) = pooled_mean(picks.iter().map(|&at| &pairs[at].0))?;
    let (theirs, _) = pooled_mean(picks.iter().map(|&at| &pairs[at].1))?;
    Some(ours - theirs)
}

/// What problems make seeds differ by: the mean over seeds of a difference's variance on other problems. What shared problems do alike
/// in all seeds does not make those differ.
fn of_problems(seeds: &[Vec<Pair>], problems: Problems) -> Option<f64> {
    let each: Vec<Vec<f64>> = seeds.iter().map(|pairs| contributions(pairs)).collect::<Option<_>>()?;
    let count = each.len() as f64;
    let common: Vec<f64> = match problems {
        Problems::OfEachSeed => Vec::new(),
        Problems::Shared => {
            (0..each[0].len()).map(|at| each.iter().map(|seed| seed[at]).sum::<f64>() / count).collect()
        }
    };
    let own = |seed: &Vec<f64>| {
        let left = seed.iter().enumerate().map(|(at, value)| value - common.get(at).copied().unwrap_or(0.0));
        sandwich(left.collect::<Vec<_>>().into_iter()).map_or(0.0, |error| error * error)
    };
    let mean = each.iter().map(own).sum::<f64>() / count;
    Some(match problems {
        Problems::OfEachSeed => mean,
        Problems::Shared => mean * count / (count - 1.0),
    })
}

#[cfg(test)]
mod tests;
