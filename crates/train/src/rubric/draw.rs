//! What a step sees: groups, traces of each, and the parts in which they go through the model.

use super::reading::Reading;
use super::{EncodedGroup, Labelled, Renaming, RubricTraining};
use rand::seq::SliceRandom;
use std::ops::Range;
use tracelift_domain::{Rubric, Seed};
use tracelift_engine::Batch;
use tracelift_reward::loss::Counts;

/// The traces drawn from one group: a reference, then flawed ones.
pub(super) type Drawn = Vec<Labelled>;

/// The step's groups (a new order every epoch) and the traces drawn from each, told with other words where that is wanted.
/// Nothing but the seed and the step's number decides.
pub(super) fn draw(
    config: &RubricTraining,
    seed: Seed,
    step: u64,
    groups: &[EncodedGroup],
    renaming: &Renaming,
) -> Vec<Drawn> {
    let mut all = Vec::with_capacity(config.groups);
    let first = step * config.groups as u64;
    let mut order: Option<(u64, Vec<usize>)> = None;
    for position in first..first + config.groups as u64 {
        let epoch = position / groups.len() as u64;
        if order.as_ref().is_none_or(|(known, _)| *known != epoch) {
            let mut indices: Vec<usize> = (0..groups.len()).collect();
            indices.shuffle(&mut seed.child("epoch", epoch).rng());
            order = Some((epoch, indices));
        }
        let Some((_, indices)) = &order else { continue };
        let group = &groups[indices[(position % groups.len() as u64) as usize]];
        let mut rng = seed.child("draw", position).rng();
        let mut negatives: Vec<&Labelled> = group.negatives.iter().collect();
        negatives.shuffle(&mut rng);
        let mut positives: Vec<&Labelled> = group.positives.iter().collect();
        positives.shuffle(&mut rng);
        let drawn = positives.into_iter().take(1).chain(negatives.into_iter().take(config.negatives));
        let mut drawn: Drawn = drawn.cloned().collect();
        if config.renaming > 0.0 {
            renaming.apply(&mut drawn, config.renaming, &mut seed.child("renaming", position).rng());
        }
        all.push(drawn);
    }
    all
}

/// Groups that go through the model together.
pub(super) struct Part {
    /// The labels of their traces.
    pub gold: Vec<Rubric>,
    /// Their traces, packed: flawed traces branch off from their reference.
    pub batch: Batch,
    /// Which of them belong together.
    pub groups: Vec<Range<usize>>,
    /// What can be learned while reading them.
    pub reading: Reading,
}

impl Part {
    fn of(drawn: &[Drawn], in_numbers: &impl Fn(u32) -> bool) -> Part {
        let batch = pack(drawn);
        let mut start = 0;
        let groups = drawn.iter().map(|group| {
            start += group.len();
            start - group.len()..start
        });
        let gold = drawn.iter().flatten().map(|trace| trace.rubric).collect();
        Part { groups: groups.collect(), reading: Reading::of(drawn, &batch, in_numbers), batch, gold }
    }

    /// What its loss is a mean over.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.gold, &self.groups)
    }
}

/// Groups in one batch: flawed traces branch off from their reference.
pub(super) fn pack(drawn: &[Drawn]) -> Batch {
    let mut batch = Batch::default();
    for group in drawn {
        let Some((reference, flawed)) = group.split_first() else { continue };
        batch.push(&reference.tokens);
        flawed.iter().for_each(|trace| batch.branch(&trace.tokens));
    }
    batch
}

/// Parts of at most `budget` tokens, or of one group where that is longer. Groups of like length go together: attention
/// is then about equally long for all threads that share a part.
pub(super) fn parts(mut drawn: Vec<Drawn>, budget: usize, in_numbers: &impl Fn(u32) -> bool) -> Vec<Part> {
    drawn.sort_by_cached_key(|group| std::cmp::Reverse(pack(std::slice::from_ref(group)).rows()));
    let mut parts = Vec::new();
    let mut rest = drawn.as_slice();
    while !rest.is_empty() {
        let mut sum = 0;
        let fitting = rest.iter().take_while(|group| {
            sum += pack(std::slice::from_ref(*group)).rows();
            sum <= budget
        });
        let (now, later) = rest.split_at(fitting.count().max(1));
        parts.push(Part::of(now, in_numbers));
        rest = later;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{DIMENSIONS, Label};

    fn trace(tokens: usize, kind: Option<&str>) -> Labelled {
        Labelled {
            // Nothing in common, so that every token counts.
            tokens: vec![kind.map_or(0, |kind| kind.as_bytes()[kind.len() - 1].into()); tokens],
            trace_from: 0,
            rubric: Rubric { labels: [Label::BEST; DIMENSIONS], total: 1.0 },
            kind: kind.map(str::to_owned),
            shortened: tracelift_reward::Shortened::No,
        }
    }

    fn groups(count: usize) -> Vec<EncodedGroup> {
        let flawed = |i: usize| (0..6).map(move |k| trace(10 + i, Some(&format!("kind {k}"))));
        (0..count)
            .map(|i| EncodedGroup {
                positives: vec![trace(10 + i, None), trace(10 + i, None)],
                negatives: flawed(i).collect(),
            })
            .collect()
    }

    #[test]
    fn an_epoch_sees_every_group_once_and_steps_draw_anew() {
        let (groups, config) = (groups(10), RubricTraining { groups: 5, negatives: 4, ..Default::default() });
        let at = |step| draw(&config, Seed(3), step, &groups, &Renaming::default());
        let mut lengths: Vec<usize> =
            [at(0), at(1)].concat().iter().map(|drawn| drawn[0].tokens.len()).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, (10..20).collect::<Vec<_>>());
        let kinds = |step| -> Vec<Vec<Option<String>>> {
            at(step).iter().map(|drawn| drawn.iter().map(|trace| trace.kind.clone()).collect()).collect()
        };
        for drawn in kinds(0) {
            assert_eq!((drawn.len(), &drawn[0]), (5, &None));
            let mut flawed: Vec<_> = drawn[1..].iter().flatten().collect();
            flawed.sort();
            flawed.dedup();
            assert_eq!(flawed.len(), 4, "a flawed trace was drawn twice, or a second reference: {drawn:?}");
        }
        assert_eq!(kinds(7), kinds(7));
        assert_ne!(kinds(0), kinds(2), "a second epoch drew what the first one did");
    }

    #[test]
    fn parts_hold_whole_groups_within_the_budget() {
        let groups = groups(10);
        let config = RubricTraining { groups: 10, negatives: 4, ..Default::default() };
        let drawn = draw(&config, Seed(3), 0, &groups, &Renaming::default());
        // Groups have 5 traces of 10 to 19 tokens.
        let parts = super::parts(drawn.clone(), 190, &|_| false);
        let shapes: Vec<(usize, usize)> =
            parts.iter().map(|part| (part.groups.len(), part.batch.rows())).collect();
        assert_eq!(shapes, [(2, 185), (2, 165), (2, 145), (3, 180), (1, 50)]);
        assert!(parts[..3].iter().all(|part| part.groups == [0..5, 5..10]));
        assert_eq!(parts[0].gold.len(), 10);

        let alone = super::parts(drawn.clone(), 1, &|_| false);
        assert_eq!(alone.iter().map(|part| part.groups.len()).sum::<usize>(), 10);
        assert!(alone.iter().all(|part| part.groups.len() == 1));
        assert_eq!(super::parts(drawn, usize::MAX, &|_| false).len(), 1);
    }
}
