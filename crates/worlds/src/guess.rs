//! How far guessing gets: the share of the most frequent answer.

use crate::world::{Split, World};
use std::collections::HashMap;
use tracelift_domain::{Gold, Seed};

/// The best constant guess at one level.
#[derive(Clone, Debug, PartialEq)]
pub struct BestGuess {
    /// The level.
    pub level: u32,
    /// The most frequent answer (for programs: what the first test prints).
    pub answer: String,
    /// The share of instances that have it.
    pub share: f64,
    /// Different answers seen.
    pub distinct: usize,
}

/// Looks at `instances` instances of each level.
#[must_use]
pub fn best_constant_guess(world: &World, split: Split, seed: Seed, instances: u64) -> Vec<BestGuess> {
    world
        .levels()
        .map(|level| {
            let mut counts: HashMap<String, u64> = HashMap::new();
            for index in 0..instances {
                let answer = match &world.instance_at(level, seed, split, index).problem().gold {
                    Gold::Answer(answer) => answer.clone(),
                    // No world asks for functions, and no constant is one.
                    Gold::Function(_) => String::new(),
                    Gold::Tests(tests) => tests.first().map(|test| test.stdout.clone()).unwrap_or_default(),
                };
                *counts.entry(answer).or_default() += 1;
            }
            let distinct = counts.len();
            let best = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
            let (answer, count) = best.unwrap_or_default();
            BestGuess { level, answer, share: count as f64 / instances.max(1) as f64, distinct }
        })
        .collect()
}
