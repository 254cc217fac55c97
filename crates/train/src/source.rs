//! Where problems come from, by position: the same problem for the same step, in any order of asking.

use rand::seq::SliceRandom;
use tracelift_domain::{Fingerprint, Problem, Seed};
use tracelift_worlds::{Instance, Split, World};

/// A problem, with its exact process checker where the problem is of a world.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// The problem.
    pub problem: Problem,
    /// What is known about it beyond that.
    pub instance: Option<Instance>,
}

/// A source of problems for training.
#[derive(Clone, Debug)]
pub enum Source {
    /// A world's training split, without end.
    World {
        /// Which.
        world: World,
        /// Of the problems.
        seed: Seed,
        /// The index of its first problem: what lies before belongs to somebody else's training.
        first: u64,
        /// How many problems there are before they come again.
        problems: u64,
    },
    /// A list, gone through in a new order every epoch.
    List {
        /// The problems.
        problems: Vec<Problem>,
        /// Of the orders.
        seed: Seed,
    },
}

impl Source {
    /// What tells apart sources that would hand out other problems, or in another order.
    ///
    /// # Errors
    /// When a problem cannot be written as JSON.
    pub fn fingerprint(&self) -> Result<Fingerprint, serde_json::Error> {
        let text = match self {
            Source::World { world, seed, first, problems } => {
                serde_json::to_vec(&(world.name().to_string(), seed, first, problems))?
            }
            Source::List { problems, seed } => serde_json::to_vec(&(seed, problems))?,
        };
        Ok(Fingerprint::of([("problems", text.as_slice())]))
    }

    /// The `position`-th problem of training.
    #[must_use]
    pub fn item(&self, position: u64) -> Exercise {
        match self {
            Source::World { world, seed, first, problems } => {
                let instance = world.instance(*seed, Split::Train, first + position % problems.max(&1));
                Exercise { problem: instance.problem().clone(), instance: Some(instance) }
            }
            Source::List { problems, seed } => {
                let epoch = position / problems.len() as u64;
                let mut order: Vec<usize> = (0..problems.len()).collect();
                order.shuffle(&mut seed.child("epoch", epoch).rng());
                let problem = problems[order[(position % problems.len() as u64) as usize]].clone();
                Exercise { problem, instance: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use tracelift_domain::{Gold, Question, TaskDomain};

    #[test]
    fn every_epoch_of_a_list_holds_every_problem_once() {
        let problem = |i: usize| Problem {
            id: i.to_string(),
            question: Question::new("t", TaskDomain::Math, "?"),
            gold: Gold::Answer("1".into()),
        };
        let source = Source::List { problems: (0..10).map(problem).collect(), seed: Seed(1) };
        let epoch = |first: u64| (first..first + 10).map(|i| source.item(i).problem.id).collect::<Vec<_>>();
        let (one, two) = (epoch(0), epoch(10));
        assert_eq!(one.iter().collect::<HashSet<_>>().len(), 10);
        assert_eq!(two.iter().collect::<HashSet<_>>().len(), 10);
        assert_ne!(one, two, "epochs come in the same order");
    }
}
