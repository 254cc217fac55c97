use super::super::{Labelled, WatchConfig};
use super::*;
use rand::Rng;
use tracelift_domain::{DIMENSIONS, Label, Rubric, TaskDomain};
use tracelift_engine::{Config, LoraConfig, Model, Projection, Tokenizer};
use tracelift_reward::Shortened;
use tracelift_testing::TinyModel;

fn model() -> RewardModel {
    let tokenizer = Tokenizer::byte_level().unwrap();
    let shape = TinyModel { hidden: 16, intermediate: 32, layers: 1, head_dim: 8, ..TinyModel::BYTES };
    let config = Config::from_json(&shape.config()).unwrap();
    RewardModel::new(Model::random(config, Seed(1)), tokenizer, TaskDomain::Math, Seed(2))
}

fn adapted() -> RewardModel {
    let mut model = model();
    let targets = Projection::ALL.to_vec();
    let lora = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets };
    model.backbone = model.backbone.with_lora(lora, Seed(3));
    model
}

/// Groups of a reference and three flawed traces: random bytes, of which the last tells the two apart.
fn groups(count: u64) -> Vec<EncodedGroup> {
    let trace = |i: u64, k: u64| {
        let mut rng = Seed(7).child("group", i).child("trace", k).rng();
        let mut tokens: Vec<u32> = (0..rng.random_range(6..30)).map(|_| rng.random_range(97..123)).collect();
        tokens.push(if k == 0 { 49 } else { 48 });
        let label = Label::new(if k == 0 { 4 } else { (k % 3) as u8 }).unwrap();
        Labelled {
            tokens,
            trace_from: 0,
            rubric: Rubric::from_labels([label; DIMENSIONS]),
            kind: (k > 0).then(|| format!("kind {k}")),
            shortened: Shortened::No,
        }
    };
    let group =
        |i| EncodedGroup { positives: vec![trace(i, 0)], negatives: (1..4).map(|k| trace(i, k)).collect() };
    (0..count).map(group).collect()
}

fn config() -> RubricTraining {
    let evaluation = WatchConfig { every: 2, groups: 3, patience: 0 };
    RubricTraining { steps: 8, groups: 4, negatives: 2, warmup: 1, evaluation, ..RubricTraining::default() }
}

/// Every gradient of a step that goes through in parts of at most `budget` tokens.
fn gradients(model: RewardModel, budget: usize) -> (usize, LossTerms, Vec<f32>) {
    let weights = tracelift_reward::loss::LossWeights { margin_ranking: 0.4, ..Default::default() };
    let config = RubricTraining { token_budget: budget, loss: weights, ..config() };
    let mut trainer = RubricTrainer::new(config, model, Seed(5));
    let groups = groups(6);
    let parts = parts(draw(&config, Seed(5), 0, &groups, &Renaming::default()), budget, &|_| false);
    let (mut counts, mut reading_counts) = (Counts::default(), ReadingCounts::default());
    for part in &parts {
        counts += part.counts();
        reading_counts += part.reading.counts();
    }
    let mut terms = LossTerms::default();
    for part in &parts {
        terms += trainer.add_gradients(part, &counts, &reading_counts).0;
    }
    let RubricTrainer { backbone, heads, reader, .. } = trainer;
    (parts.len(), terms, [&*backbone.gradients(), heads.gradients(), reader.gradients()].concat())
}

#[test]
fn gradients_of_parts_add_up_to_those_of_one_batch() {
    for model in [model(), adapted()] {
        let (one, whole, expected) = gradients(model.clone(), usize::MAX);
        let (many, sum, found) = gradients(model, 100);
        assert!(one == 1 && many > 1, "{one} and {many} parts");
        for (a, b) in [
            (sum.cross_entropy, whole.cross_entropy),
            (sum.huber, whole.huber),
            (sum.ranking, whole.ranking),
            (sum.margin_ranking, whole.margin_ranking),
        ] {
            assert!((a - b).abs() < 1e-6 && b > 0.0, "{a} instead of {b}");
        }
        let scale = expected.iter().fold(0.0_f32, |top, g| top.max(g.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5 * scale, "{found} instead of {expected}");
        }
    }
}

/// Trains to the end; goes on from a saved state after `stop` steps if told to.
fn trained(model: RewardModel, config: RubricTraining, stop: Option<u64>) -> (RewardModel, Option<Look>) {
    let (groups, held_out) = (groups(6), groups(12).split_off(6));
    let mut trainer = RubricTrainer::new(config, model.clone(), Seed(5));
    while !trainer.is_done() {
        trainer.step(&groups).unwrap();
        if trainer.looks_now() {
            trainer.look(&held_out);
        }
        if stop == Some(trainer.steps_done()) {
            let scratch = tempfile::tempdir().unwrap();
            trainer.save(scratch.path()).unwrap();
            trainer = RubricTrainer::new(config, model.clone(), Seed(5));
            trainer.restore(scratch.path()).unwrap();
        }
    }
    let best = trainer.best();
    (trainer.finish(), best)
}

#[test]
fn a_training_goes_on_exactly() {
    use tracelift_engine::MatrixRule::{AdamW, Muon};
    for (model, matrices, ema) in
        [(model(), AdamW, 0.0), (model(), Muon, 0.0), (adapted(), AdamW, 0.0), (model(), AdamW, 0.8)]
    {
        let optimizer = tracelift_engine::AdamWConfig { matrices, ..config().optimizer };
        let config = RubricTraining { token_budget: 100, optimizer, ema, ..config() };
        let (whole, best) = trained(model.clone(), config, None);
        for stop in [3, 4] {
            let (again, best_again) = trained(model.clone(), config, Some(stop));
            assert_eq!((again.fingerprint(), best_again), (whole.fingerprint(), best));
        }
        assert_ne!(whole.backbone.fingerprint(), model.backbone.fingerprint());
    }
}

#[test]
fn adapters_learn_while_the_backbone_stays() {
    let mut trainer = RubricTrainer::new(config(), adapted(), Seed(5));
    let (weights, adapters) = (trainer.backbone.model().weights.clone(), trainer.backbone.parameters());
    trainer.step(&groups(6)).unwrap();
    assert!(trainer.backbone.model().weights == weights);
    assert!(trainer.backbone.parameters() != adapters);
    let inputs = [trainer.tokenizer.encode("ab1").unwrap()];
    let before = Scoring { backbone: &trainer.backbone.model(), heads: trainer.heads.readout() }
        .score(&inputs)[0]
        .score;
    let merged = trainer.finish();
    assert!(merged.backbone.lora.is_none() && merged.backbone.weights != weights);
    assert!((merged.score(&inputs)[0].score - before).abs() < 1e-6);
}

#[test]
fn what_is_kept_is_the_best_step_and_training_ends_without_a_gain() {
    // So fast that it soon gets worse.
    let evaluation = WatchConfig { every: 1, groups: 0, patience: 3 };
    let config = RubricTraining { steps: 60, learning_rate: 0.03, evaluation, ..config() };
    let (model, best) = trained(model(), config, None);
    let best = best.unwrap();
    assert!(best.step + 3 < 60, "it never stopped: {best:?}");
    let accuracy = evaluate(model.scoring(), &groups(12).split_off(6));
    assert_eq!(Look::new(best.step, &accuracy), best);
    // The same again with only so many steps ends at the best one.
    let short = RubricTraining { steps: 60, ..config };
    let mut trainer = RubricTrainer::new(short, super::tests::model(), Seed(5));
    while trainer.steps_done() < best.step {
        trainer.step(&groups(6)).unwrap();
    }
    assert_eq!(trainer.finish().fingerprint(), model.fingerprint());
}

#[test]
fn what_is_looked_at_and_kept_is_the_mean_of_the_weights() {
    let config = RubricTraining {
        ema: 0.5,
        evaluation: WatchConfig { every: 4, ..config().evaluation },
        steps: 4,
        ..config()
    };
    let held_out = groups(12).split_off(6);
    let mut trainer = RubricTrainer::new(config, model(), Seed(5));
    let mut mean = trainer.backbone.model().weights.clone();
    for share in [2.0 / 11.0, 3.0 / 12.0, 4.0 / 13.0, 5.0 / 14.0] {
        trainer.step(&groups(6)).unwrap();
        for (mean, weight) in mean.iter_mut().zip(&trainer.backbone.model().weights) {
            *mean += (1.0 - share) * (weight - *mean);
        }
    }
    let (last, accuracy) = (trainer.backbone.model().weights.clone(), trainer.look(&held_out));
    assert_eq!(trainer.backbone.model().weights, last, "looking at the mean changed what learns");
    let kept = trainer.finish();
    let off = kept.backbone.weights.iter().zip(&mean).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6 && kept.backbone.weights != last, "{off}");
    assert_eq!(evaluate(kept.scoring(), &held_out[..3]), accuracy);
}
