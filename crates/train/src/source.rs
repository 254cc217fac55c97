//! Where problems come from, by position: the same problem for the same step, in any order of asking.
//!
//! A source has so many problems; going through all of them once is an *epoch*. A position counts on through the epochs, and which
//! problem stands there follows from the source's seed and the position alone, so nothing is carried along and a run that goes on
//! knows where it was from the number of its step.

use rand::Rng;
use rand::seq::SliceRandom;
use std::collections::HashSet;
use tracelift_domain::{Fingerprint, Problem, Seed, TaskDomain, Trace};
use tracelift_reward::leak;
use tracelift_worlds::{Instance, Split, World};

/// A problem, with its exact process checker where the problem is of a world.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// The problem.
    pub problem: Problem,
    /// What is known about it beyond that.
    pub instance: Option<Instance>,
}

impl Exercise {
    /// Whether a trace leaks: whether it states the final answer, or holds a program where one is wanted, so that the executor need only
    /// copy. The one definition, for training and evaluation.
    ///
    /// Where there is an exact checker, a trace states the answer if it gives the quantity that is asked for its right value; a wrong value,
    /// or the same number as that of another quantity, states nothing. Elsewhere it does if the gold answer stands in it as a number or word
    /// of its own ([`tracelift_reward::leak::leaks`]), which a step's result that happens to be the same number does as well.
    #[must_use]
    pub fn leaks(&self, trace: &Trace) -> bool {
        let Some(instance) = &self.instance else { return leak::leaks(&self.problem, trace) };
        let given = instance.check(trace.as_str()).leaks;
        let right = || instance.implied(trace.as_str()).as_deref() == Some(instance.gold_artifact().as_str());
        given && (self.problem.question.domain == TaskDomain::Code || right())
    }
}

/// A source of problems for training.
#[derive(Clone, Debug)]
pub struct Source {
    /// The problems.
    pub stock: Stock,
    /// In which order an epoch goes through them.
    pub order: Order,
    /// Of the problems of a world, and of orders.
    pub seed: Seed,
    /// Those of the stock that are trained on, by their places in it, where that is not all of them.
    kept: Option<Vec<u64>>,
}

/// Problems, each with a place.
#[derive(Clone, Debug)]
pub enum Stock {
    /// Of a world's training split.
    World {
        /// Which.
        world: World,
        /// The index of its first problem: what lies before belongs to somebody else's training.
        first: u64,
        /// How many.
        problems: u64,
    },
    /// A list.
    List(Vec<Problem>),
}

/// How an epoch goes through the problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By a permutation of its own.
    Shuffled,
    /// As they stand.
    AsTheyStand,
}

impl Source {
    /// All problems of a world's training split from `first` on, so many of them, as they stand: they are drawn independently.
    #[must_use]
    pub fn world(world: World, first: u64, problems: u64, seed: Seed) -> Source {
        let stock = Stock::World { world, first, problems };
        Source { stock, order: Order::AsTheyStand, seed, kept: None }
    }

    /// A list, gone through in a new order every epoch.
    #[must_use]
    pub fn list(problems: Vec<Problem>, seed: Seed) -> Source {
        Source { stock: Stock::List(problems), order: Order::Shuffled, seed, kept: None }
    }

    /// What tells apart sources that would hand out other problems, or in another order.
    ///
    /// # Errors
    /// When a problem cannot be written as JSON.
    pub fn fingerprint(&self) -> Result<Fingerprint, serde_json::Error> {
        let Source { stock, order, seed, kept } = self;
        let (text, usual) = match stock {
            Stock::World { world, first, problems } => {
                (serde_json::to_vec(&(world.name().to_string(), seed, first, problems))?, Order::AsTheyStand)
            }
            Stock::List(problems) => (serde_json::to_vec(&(seed, problems))?, Order::Shuffled),
        };
        // What is as it always was adds nothing, so that a run that is older than the choice is the same run.
        let choice = serde_json::to_vec(&(order == &usual, kept))?;
        let mut parts = vec![("problems", text.as_slice())];
        if *order != usual || kept.is_some() {
            parts.push(("choice", choice.as_slice()));
        }
        Ok(Fingerprint::of(parts))
    }

    /// How many problems an epoch has.
    #[must_use]
    pub fn len(&self) -> u64 {
        match (&self.kept, &self.stock) {
            (Some(kept), _) => kept.len() as u64,
            (None, Stock::World { problems, .. }) => (*problems).max(1),
            (None, Stock::List(problems)) => problems.len() as u64,
        }
    }

    /// Whether there is nothing to train on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Goes through them in another order.
    #[must_use]
    pub fn in_order(self, order: Order) -> Source {
        Source { order, ..self }
    }

    /// Trains on those problems alone that stand at these places of the stock.
    #[must_use]
    pub fn keeping(self, places: Vec<u64>) -> Source {
        Source { kept: Some(places), ..self }
    }

    /// The places in the stock of `count` problems from the `position`-th of training on.
    ///
    /// # Panics
    /// If there is nothing to train on.
    #[must_use]
    pub fn places(&self, position: u64, count: usize) -> Vec<u64> {
        let len = self.len();
        let mut order: Option<(u64, Vec<u64>)> = None;
        (position..position + count as u64)
            .map(|position| {
                let (epoch, within) = (position / len, position % len);
                let at = match self.order {
                    Order::AsTheyStand => within,
                    Order::Shuffled => {
                        let (_, order) = match order.take() {
                            Some(known) if known.0 == epoch => order.insert(known),
                            _ => order.insert((epoch, self.permutation(epoch))),
                        };
                        order[within as usize]
                    }
                };
                self.kept.as_ref().map_or(at, |kept| kept[at as usize])
            })
            .collect()
    }

    fn permutation(&self, epoch: u64) -> Vec<u64> {
        let mut order: Vec<u64> = (0..self.len()).collect();
        order.shuffle(&mut self.seed.child("epoch", epoch).rng());
        order
    }

    /// Up to `count` places of problems beside the order, drawn from all that are not `taken`; fewer where there are no more.
    #[must_use]
    pub fn further(&self, count: usize, taken: &[u64], seed: Seed) -> Vec<u64> {
        let mut taken: HashSet<u64> = taken.iter().copied().collect();
        let (len, mut rng, mut drawn) = (self.len(), seed.rng(), Vec::new());
        // A step takes few of many; where it takes most of them, the draws that hit nothing new are cheap.
        while drawn.len() < count && (taken.len() as u64) < len {
            let at = rng.random_range(0..len);
            let place = self.kept.as_ref().map_or(at, |kept| kept[at as usize]);
            if taken.insert(place) {
                drawn.push(place);
            }
        }
        drawn
    }

    /// The problem at a place of the stock.
    #[must_use]
    pub fn at(&self, place: u64) -> Exercise {
        match &self.stock {
            Stock::World { world, first, .. } => {
                let instance = world.instance(self.seed, Split::Train, first + place);
                Exercise { problem: instance.problem().clone(), instance: Some(instance) }
            }
            Stock::List(problems) => Exercise { problem: problems[place as usize].clone(), instance: None },
        }
    }

    /// `count` problems from the `position`-th of training on.
    #[must_use]
    pub fn items(&self, position: u64, count: usize) -> Vec<Exercise> {
        self.places(position, count).into_iter().map(|place| self.at(place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{Gold, Question, TaskDomain};
    use tracelift_worlds::WorldName;

    fn list(count: usize) -> Source {
        let problem = |i: usize| Problem {
            id: i.to_string(),
            question: Question::new("t", TaskDomain::Math, "?"),
            gold: Gold::Answer("1".into()),
        };
        Source::list((0..count).map(problem).collect(), Seed(1))
    }

    #[test]
    fn every_epoch_holds_every_problem_once() {
        let world = Source::world(World::new(WorldName::Steps), 100, 10, Seed(1));
        let shuffled = Source { order: Order::Shuffled, ..world.clone() };
        for (source, renewed) in [(list(10), true), (shuffled, true), (world, false)] {
            let (one, two) = (source.places(0, 10), source.places(10, 10));
            for epoch in [&one, &two] {
                assert_eq!(
                    epoch.iter().collect::<HashSet<_>>(),
                    (0..10).collect::<Vec<u64>>().iter().collect()
                );
            }
            assert_eq!(one != two, renewed);
            // In any order of asking, also across the end of an epoch.
            let whole = [one, two].concat();
            for from in 0..15 {
                assert_eq!(source.places(from, 5), whole[from as usize..from as usize + 5]);
            }
            assert_eq!(source.items(3, 1)[0].problem, source.at(whole[3]).problem);
        }
    }

    #[test]
    fn what_is_kept_is_all_there_is() {
        let source = list(10).keeping(vec![7, 2, 5]);
        assert_eq!(source.len(), 3);
        let found: HashSet<u64> = source.places(0, 3).into_iter().collect();
        assert_eq!(found, HashSet::from([2, 5, 7]));
        assert_eq!(source.further(9, &[5], Seed(2)).len(), 2);
        assert_ne!(source.fingerprint().unwrap(), list(10).fingerprint().unwrap());
        assert_ne!(source.fingerprint().unwrap(), list(10).keeping(vec![7, 2, 4]).fingerprint().unwrap());
    }

    #[test]
    fn further_problems_are_new_and_follow_from_the_seed() {
        let source = list(20);
        let taken = [1, 2, 3];
        let drawn = source.further(5, &taken, Seed(4));
        assert_eq!(drawn, source.further(5, &taken, Seed(4)));
        assert_ne!(drawn, source.further(5, &taken, Seed(5)));
        let all: HashSet<u64> = drawn.iter().chain(&taken).copied().collect();
        assert_eq!(all.len(), 8, "{drawn:?}");
        assert_eq!(source.further(100, &taken, Seed(4)).len(), 17, "there are no more");
    }

    /// What was there before the order could be chosen is told by the same hash.
    #[test]
    fn a_fingerprint_says_the_order_where_it_is_unusual() {
        let usual = list(3);
        let problems = match &usual.stock {
            Stock::List(problems) => serde_json::to_vec(&(Seed(1), problems)).unwrap(),
            Stock::World { .. } => Vec::new(),
        };
        assert_eq!(usual.fingerprint().unwrap(), Fingerprint::of([("problems", problems.as_slice())]));
        let other = Source { order: Order::AsTheyStand, ..usual.clone() };
        assert_ne!(other.fingerprint().unwrap(), usual.fingerprint().unwrap());
    }
}
