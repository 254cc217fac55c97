//! How a graph grows: backwards, from its answer.
//!
//! Whoever draws numbers first and computes the answer from them gets small answers often and large ones seldom. Here
//! the answer comes first, and every quantity is taken apart into operands that give exactly it, so no draw is ever
//! thrown away and answers have whatever distribution they are asked to have.

use super::graph::{
    CONTAINERS, Computation, Construct, Graph, ITEMS, NAMES, Operand, Quantity, VALUES, number_of,
};
use super::line::{Op, TOTAL};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::ops::RangeInclusive;

/// The answers, each as likely as any other.
pub(super) const ANSWERS: RangeInclusive<i64> = 2..=20;
/// Amounts that are added or taken away, and amounts in a box.
const AMOUNTS: RangeInclusive<i64> = 2..=12;
/// Boxes that someone has.
const BOXES: RangeInclusive<i64> = 2..=9;
/// Sums of two quantities in one problem: each adds an owner, and there are only so many names.
const MOST_SUMS: u32 = 2;
/// Steps of the longest problem that the names suffice for.
pub(super) const MOST_STEPS: u32 = 8;

/// Draws a graph whose target takes `steps` computations (1 to [`MOST_STEPS`]).
pub(super) fn draw(steps: u32, rng: &mut ChaCha8Rng) -> Graph {
    let answer = rng.random_range(ANSWERS);
    let mut names = NAMES;
    names.shuffle(rng);
    let mut items = ITEMS;
    items.shuffle(rng);
    let mut growth =
        Growth { quantities: Vec::with_capacity(12), names, named: 0, items, sums: MOST_SUMS, rng };
    growth.target(answer, steps);
    let needed = growth.computed();
    for _ in 0..[0, 1, 1, 2][growth.rng.random_range(0..4)] {
        growth.distractor();
    }
    let unneeded = growth.computed().split_off(needed.len());
    Graph { quantities: growth.quantities, needed, unneeded }
}

/// The ways to take a quantity apart.
#[derive(Clone, Copy)]
enum Cut {
    More,
    Fewer,
    Gave,
    Got,
    Times(i64),
    Half,
    Boxes,
    /// Two quantities that know nothing of each other.
    Sum,
    /// Two quantities, one of which follows from the other.
    Related,
}

struct Growth<'r> {
    quantities: Vec<Quantity>,
    names: [&'static str; 12],
    named: usize,
    /// The first is the one that the problem is about.
    items: [&'static str; 8],
    sums: u32,
    rng: &'r mut ChaCha8Rng,
}

impl Growth<'_> {
    fn computed(&self) -> Vec<usize> {
        (0..self.quantities.len()).filter(|&index| self.quantities[index].computation.is_some()).collect()
    }

    fn add(&mut self, computation: Option<Computation>, value: i64) -> usize {
        // MOST_SUMS and MOST_STEPS see to it that names do not run out.
        let subject = self.names[self.named];
        self.named += 1;
        self.quantities.push(Quantity { subject, item: self.items[0], computation, value });
        self.quantities.len() - 1
    }

    /// The quantity that is asked for: someone's, or the total of two people's.
    fn target(&mut self, answer: i64, steps: u32) {
        if answer >= 4 && self.rng.random_ratio(1, 3) {
            let related = steps >= 2 && related(answer).next().is_some() && self.rng.random();
            let computation = self.sum(answer, steps, related);
            let item = self.items[0];
            let computation = Some(computation);
            self.quantities.push(Quantity { subject: TOTAL, item, computation, value: answer });
        } else {
            self.grow(answer, steps);
        }
    }

    /// Adds a quantity of this value that takes `steps` computations, after all that it needs.
    fn grow(&mut self, value: i64, steps: u32) -> usize {
        if steps == 0 {
            return self.add(None, value);
        }
        let computation = match self.cut(value, steps) {
            Cut::Sum => self.sum(value, steps, false),
            Cut::Related => self.sum(value, steps, true),
            Cut::Times(factor) => {
                let base = self.grow(value / factor, steps - 1);
                scale(Operand::Of(base), factor)
            }
            Cut::Half => Computation {
                construct: Construct::Scale,
                left: Operand::Of(self.grow(value * 2, steps - 1)),
                op: Op::Divide,
                right: Operand::Number(2),
            },
            Cut::Boxes => {
                // `cut` proposes boxes only where there is a divisor.
                let boxes: Vec<i64> = BOXES.filter(|&boxes| boxed(value, boxes)).collect();
                let boxes = *boxes.choose(self.rng).unwrap_or(&1);
                let right = self.operand(value / boxes, steps);
                let construct = Construct::Boxes(CONTAINERS[self.rng.random_range(0..CONTAINERS.len())]);
                Computation { construct, left: Operand::Number(boxes), op: Op::Multiply, right }
            }
            change @ (Cut::More | Cut::Got) => {
                let amount = self.rng.random_range(2..=(value - 2).min(*AMOUNTS.end()));
                self.change(change, Op::Add, value - amount, amount, steps)
            }
            change @ (Cut::Fewer | Cut::Gave) => {
                let amount = self.rng.random_range(2..=(VALUES.end() - value).min(*AMOUNTS.end()));
                self.change(change, Op::Subtract, value + amount, amount, steps)
            }
        };
        self.add(Some(computation), value)
    }

    fn change(&mut self, cut: Cut, op: Op, base: i64, amount: i64, steps: u32) -> Computation {
        let (construct, left) = match cut {
            Cut::Got => (Construct::Got, self.operand(base, steps)),
            Cut::Gave => (Construct::Gave, self.operand(base, steps)),
            Cut::Fewer => (Construct::Fewer, Operand::Of(self.grow(base, steps - 1))),
            _ => (Construct::More, Operand::Of(self.grow(base, steps - 1))),
        };
        Computation { construct, left, op, right: Operand::Number(amount) }
    }

    /// Another quantity, or a number where no further computation is due.
    fn operand(&mut self, value: i64, steps: u32) -> Operand {
        if steps == 1 && self.rng.random() {
            Operand::Number(value)
        } else {
            Operand::Of(self.grow(value, steps - 1))
        }
    }

    fn sum(&mut self, value: i64, steps: u32, are_related: bool) -> Computation {
        self.sums = self.sums.saturating_sub(1);
        let (mut left, mut right);
        let pairs: Vec<Related> = if are_related { related(value).collect() } else { Vec::new() };
        if let Some(pair) = pairs.choose(self.rng) {
            left = self.grow(pair.base, steps - 2);
            let computation = pair.computation(Operand::Of(left));
            right = self.add(Some(computation), value - pair.base);
        } else {
            let part = self.rng.random_range(2..=value - 2);
            let steps_left = self.rng.random_range(0..steps);
            left = self.grow(part, steps_left);
            right = self.grow(value - part, steps - 1 - steps_left);
        }
        if are_related && self.rng.random() {
            std::mem::swap(&mut left, &mut right);
        }
        let (left, right) = (Operand::Of(left), Operand::Of(right));
        Computation { construct: Construct::Sum, left, op: Op::Add, right }
    }

    /// Draws one of the ways in which this value can be had.
    fn cut(&mut self, value: i64, steps: u32) -> Cut {
        let grows = value + 2 <= *VALUES.end();
        let shrinks = value >= 4;
        let sums = self.sums > 0 && value >= 4;
        let choices = [
            (Cut::More, 3, shrinks),
            (Cut::Got, 2, shrinks),
            (Cut::Fewer, 3, grows),
            (Cut::Gave, 2, grows),
            (Cut::Times(2), 3, value % 2 == 0 && value >= 4),
            (Cut::Times(3), 3, value % 3 == 0 && value >= 6),
            (Cut::Half, 2, value * 2 <= *VALUES.end()),
            (Cut::Boxes, 8, BOXES.into_iter().any(|boxes| boxed(value, boxes))),
            (Cut::Sum, 2, sums),
            (Cut::Related, 2, sums && steps >= 2 && related(value).next().is_some()),
        ];
        let possible = || choices.iter().filter(|(_, _, possible)| *possible);
        let mut ticket = self.rng.random_range(0..possible().map(|(_, weight, _)| weight).sum::<u32>());
        for &(cut, weight, _) in possible() {
            if ticket < weight {
                return cut;
            }
            ticket -= weight;
        }
        unreachable!("a ticket is below the sum of the weights")
    }

    /// Adds a quantity that nobody needs: a given one, the same owner's other item, or a computed one.
    fn distractor(&mut self) {
        if self.named == self.names.len() {
            return;
        }
        match self.rng.random_range(0..4) {
            0 => {
                let value = self.rng.random_range(2..=20);
                self.add(None, value);
            }
            1 => {
                let owner = self.rng.random_range(0..self.named);
                let (subject, item) = (self.names[owner], self.items[1]);
                let value = self.rng.random_range(2..=20);
                if !self.quantities.iter().any(|other| (other.subject, other.item) == (subject, item)) {
                    self.quantities.push(Quantity { subject, item, computation: None, value });
                }
            }
            _ => {
                if let Some((computation, value)) = (0..8).find_map(|_| self.side_computation()) {
                    self.add(Some(computation), value);
                }
            }
        }
    }

    /// Something that could be computed from what is there, short of the target; `None` if its value is too large or
    /// small.
    fn side_computation(&mut self) -> Option<(Computation, i64)> {
        let usable: Vec<usize> = (0..self.quantities.len())
            .filter(|&index| {
                let quantity = &self.quantities[index];
                quantity.item == self.items[0] && self.is_used(index)
            })
            .collect();
        let of = usable.choose(self.rng).map(|&index| Operand::Of(index));
        let amount = self.rng.random_range(AMOUNTS);
        let left = match of {
            Some(of) if self.rng.random_ratio(3, 4) => of,
            _ => Operand::Number(self.rng.random_range(2..=20)),
        };
        let right = Operand::Number(amount);
        let change = |construct, op, left| Computation { construct, left, op, right };
        let computation = match self.rng.random_range(0..6) {
            0 => change(Construct::More, Op::Add, of?),
            1 => change(Construct::Fewer, Op::Subtract, of?),
            2 => scale(of?, self.rng.random_range(2..=3)),
            3 => change(Construct::Got, Op::Add, left),
            4 => change(Construct::Gave, Op::Subtract, left),
            _ => Computation {
                construct: Construct::Boxes(CONTAINERS[self.rng.random_range(0..CONTAINERS.len())]),
                left: Operand::Number(self.rng.random_range(BOXES)),
                op: Op::Multiply,
                right,
            },
        };
        let values: Vec<i64> = self.quantities.iter().map(|quantity| quantity.value).collect();
        let [left, right] = computation.operands().map(|operand| number_of(operand, &values));
        let value = computation.op.apply(left, right).filter(|value| VALUES.contains(value))?;
        Some((computation, value))
    }

    /// Nothing uses the target, and no distractor may: that would lead past the question.
    fn is_used(&self, index: usize) -> bool {
        self.quantities[index + 1..]
            .iter()
            .any(|later| later.computation.is_some_and(|computation| computation.uses(index)))
    }
}

fn scale(base: Operand, factor: i64) -> Computation {
    let construct = Construct::Scale;
    Computation { construct, left: Operand::Number(factor), op: Op::Multiply, right: base }
}

/// Whether a value fills so many boxes.
fn boxed(value: i64, boxes: i64) -> bool {
    value % boxes == 0 && AMOUNTS.contains(&(value / boxes))
}

/// Two parts of a sum of which one follows from the other.
struct Related {
    base: i64,
    op: Op,
    by: i64,
}

impl Related {
    fn computation(&self, base: Operand) -> Computation {
        let Related { op, by, .. } = *self;
        let number = Operand::Number(by);
        match op {
            Op::Add => Computation { construct: Construct::More, left: base, op, right: number },
            Op::Subtract => Computation { construct: Construct::Fewer, left: base, op, right: number },
            Op::Multiply => scale(base, by),
            Op::Divide => Computation { construct: Construct::Scale, left: base, op, right: number },
        }
    }
}

/// The ways to make a sum of two such parts, all at least 2.
fn related(sum: i64) -> impl Iterator<Item = Related> {
    let scaled = [(Op::Multiply, 2, 1, 3), (Op::Divide, 2, 2, 3), (Op::Multiply, 3, 1, 4)]
        .into_iter()
        .filter_map(move |(op, by, share, shares)| {
            (sum % shares == 0 && sum / shares >= 2).then_some(Related { base: sum / shares * share, op, by })
        });
    let apart = AMOUNTS.filter(move |by| (sum - by) % 2 == 0 && sum - by >= 4).flat_map(move |by| {
        [
            Related { base: (sum - by) / 2, op: Op::Add, by },
            Related { base: (sum + by) / 2, op: Op::Subtract, by },
        ]
    });
    scaled.chain(apart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Seed;

    #[test]
    fn every_quantity_has_the_value_that_its_computation_gives() {
        for steps in 1..=MOST_STEPS {
            for index in 0..2_000 {
                let graph = draw(steps, &mut Seed(3).child("graph", index).rng());
                assert_eq!(graph.needed.len(), steps as usize);
                assert!(ANSWERS.contains(&graph.quantities[graph.target()].value));
                let values = graph.values();
                for (index, quantity) in graph.quantities.iter().enumerate() {
                    assert!(VALUES.contains(&quantity.value), "{graph:?}");
                    let Some(computation) = quantity.computation else { continue };
                    let [left, right] = computation.operands().map(|operand| number_of(operand, &values));
                    assert_eq!(computation.op.apply(left, right), Some(quantity.value), "{graph:?}");
                    for operand in computation.operands() {
                        assert!(!matches!(operand, Operand::Of(other) if other >= index), "{graph:?}");
                    }
                }
                let is_used =
                    |index| graph.quantities.iter().any(|q| q.computation.is_some_and(|c| c.uses(index)));
                assert!(
                    graph.needed[..graph.needed.len() - 1].iter().all(|&index| is_used(index)),
                    "{graph:?}"
                );
                assert!(!is_used(graph.target()));
                assert_eq!(graph.outcome(&values, 0), Some(graph.quantities[graph.target()].value));
            }
        }
    }

    #[test]
    fn nobody_is_counted_twice() {
        for index in 0..5_000 {
            let graph = draw(5, &mut Seed(4).child("graph", index).rng());
            let mut keys: Vec<_> = graph.quantities.iter().map(|q| (q.subject, q.item)).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), graph.quantities.len(), "{graph:?}");
        }
    }
}
