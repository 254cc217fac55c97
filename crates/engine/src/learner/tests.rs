use super::*;
use crate::lora::{LoraConfig, Projection};
use crate::pass::Pass;
use tracelift_domain::Seed;
use tracelift_testing::TinyModel;

fn model(hidden: usize) -> Model {
    let shape = TinyModel {
        vocabulary: 40,
        hidden,
        intermediate: 24,
        head_dim: 8,
        positions: 64,
        end: &[],
        ..TinyModel::BYTES
    };
    let config = Config::from_json(&shape.config()).unwrap();
    Model::random(config, Seed(1))
}

fn adapted() -> Model {
    let config = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets: Projection::ALL.to_vec() };
    model(16).with_lora(config, Seed(2))
}

const OPTIMIZER: AdamWConfig = AdamWConfig {
    beta1: 0.9,
    beta2: 0.98,
    eps: 1e-8,
    weight_decay: 0.1,
    max_norm: 1.0,
    matrices: crate::optimizer::MatrixRule::AdamW,
};

/// Each kind of model in training on each device.
fn each(start: Start, check: impl Fn(&dyn Fn() -> Learner)) {
    for device in Device::ALL {
        for model in [model(16), adapted()] {
            check(&|| Learner::on(device, model.clone(), Memory::Keep, OPTIMIZER, start));
        }
    }
}

fn batch() -> (Batch, Vec<Target>) {
    let batch = Batch::of([[3, 9, 27, 1, 5, 8], [2, 4, 8, 16, 32, 24]]);
    let rows = (0..batch.rows() - 1).filter(|row| row % 6 != 5);
    let targets = rows.map(|row| Target { row: row as u32, token: batch.tokens()[row + 1] }).collect();
    (batch, targets)
}

/// A step of supervised learning.
fn step(learner: &mut Learner) -> f64 {
    let (batch, targets) = batch();
    let mut passage = learner.forward(&batch);
    let scores = passage.learn(&targets, 1.0, |_, _| -0.1);
    passage.backward();
    let loss = -0.1 * scores.iter().map(|score| f64::from(score.log_prob)).sum::<f64>();
    learner.apply(loss, 0.01).unwrap();
    learner.finish_step();
    loss
}

#[test]
fn a_training_goes_on_exactly_from_what_was_saved() {
    each(Start::Forgotten, |fresh| {
        let mut learner = fresh();
        let first = step(&mut learner);
        step(&mut learner);
        let scratch = tempfile::tempdir().unwrap();
        learner.save(scratch.path()).unwrap();
        let mut again = fresh();
        again.restore(scratch.path()).unwrap();
        assert_eq!((again.steps_done(), again.parameters()), (2, learner.parameters()));
        let losses: Vec<f64> = (0..3).map(|_| step(&mut learner)).collect();
        assert_eq!((0..3).map(|_| step(&mut again)).collect::<Vec<f64>>(), losses);
        assert_eq!(again.parameters(), learner.parameters());
        assert!(losses[2] < first, "nothing was learned");
    });
}

/// What runs of earlier versions left behind is what is written and read now.
#[test]
fn the_files_of_a_state_are_those_that_they_always_were() {
    each(Start::Forgotten, |fresh| {
        let mut learner = fresh();
        step(&mut learner);
        let scratch = tempfile::tempdir().unwrap();
        learner.save(scratch.path()).unwrap();
        let json = std::fs::read_to_string(scratch.path().join("state.json")).unwrap();
        assert_eq!(json, r#"{"step":1,"optimizer_steps":1}"#);
        let tensors = checkpoint::load_tensors(&scratch.path().join("state.safetensors")).unwrap();
        let len = learner.parameters().len();
        let shapes: Vec<(&str, &[usize])> =
            tensors.iter().map(|(name, (shape, _))| (name.as_str(), shape.as_slice())).collect();
        assert_eq!(shapes, [("mean", [len].as_slice()), ("parameters", &[len]), ("square", &[len])]);
        assert_eq!(tensors["parameters"].1, learner.parameters().values());
    });
}

#[test]
fn the_state_of_another_model_is_refused_and_changes_nothing() {
    each(Start::Forgotten, |fresh| {
        let mut learner = fresh();
        let before = learner.parameters();
        let mut other = Learner::on(Device::Cpu, model(32), Memory::Keep, OPTIMIZER, Start::Forgotten);
        step(&mut other);
        let scratch = tempfile::tempdir().unwrap();
        other.save(scratch.path()).unwrap();
        let error = learner.restore(scratch.path()).unwrap_err();
        assert!(matches!(error, CheckpointError::Size { .. }), "{error}");
        std::fs::write(scratch.path().join("state.json"), "{\"step\": 3}").unwrap();
        let error = learner.restore(scratch.path()).unwrap_err().to_string();
        assert!(error.contains("state.json") && error.contains("optimizer_steps"), "{error}");
        std::fs::remove_file(scratch.path().join("state.json")).unwrap();
        assert!(learner.restore(scratch.path()).unwrap_err().to_string().contains("state.json"));
        assert_eq!((learner.parameters(), learner.steps_done()), (before, 0));
    });
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    each(Start::Forgotten, |fresh| {
        let mut learner = fresh();
        let (batch, targets) = batch();
        let mut passage = learner.forward(&batch);
        passage.learn(&targets, 1.0, |i, _| if i == 3 { f32::NAN } else { 0.1 });
        passage.backward();
        let before = learner.parameters();
        assert!(learner.check(0.0).is_err() && learner.apply(0.0, 0.1).is_err());
        assert_eq!(learner.parameters(), before);
    });
}

#[test]
fn a_rest_between_steps_changes_nothing() {
    for model in [model(16), adapted()] {
        let fresh =
            || Learner::on(Device::Cpu, model.clone(), Memory::Recompute, OPTIMIZER, Start::Forgotten);
        let (mut restless, mut rested) = (fresh(), fresh());
        for _ in 0..3 {
            step(&mut restless);
            step(&mut rested);
            rested.rest();
        }
        assert_eq!(restless.parameters(), rested.parameters());
    }
    let (batch, targets) = batch();
    for (memory, kept) in [(Memory::Recompute, false), (Memory::Keep, true)] {
        let mut pass = Pass::new(memory);
        pass.forward(&model(32), &batch);
        pass.score(&model(32), &targets, 1.0);
        pass.rest();
        assert_eq!(pass.hidden().is_empty(), !kept, "{memory:?}");
    }
}

#[test]
fn the_start_is_remembered_whatever_is_learned() {
    each(Start::Kept, |fresh| {
        let mut learner = fresh();
        let (batch, targets) = batch();
        let bits = |scores: Vec<TokenScore<f32>>| -> Vec<u32> {
            scores.iter().map(|score| score.log_prob.to_bits()).collect()
        };
        let start = bits(learner.forward(&batch).score(&targets, 0.7));
        assert_eq!(bits(learner.score_start(&batch, &targets, 0.7)), start);
        step(&mut learner);
        step(&mut learner);
        assert_eq!(bits(learner.score_start(&batch, &targets, 0.7)), start);
        let now = bits(learner.forward(&batch).score(&targets, 0.7));
        assert_ne!(now, start);
        // Looking back leaves no trace.
        assert_eq!(bits(learner.forward(&batch).score(&targets, 0.7)), now);
    });
}

#[test]
fn copies_are_exchanged_and_drawn() {
    each(Start::Forgotten, |fresh| {
        let mut learner = fresh();
        let before = learner.parameters();
        step(&mut learner);
        let after = learner.parameters();
        let mut copy = before.clone();
        learner.exchange(&mut copy);
        assert_eq!((&learner.parameters(), &copy), (&before, &after));
        learner.draw(&mut copy, 0.25);
        for ((found, old), new) in copy.values().iter().zip(after.values()).zip(before.values()) {
            assert!((found - (0.75 * old + 0.25 * new)).abs() < 1e-6);
        }
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("copies.safetensors");
        Parameters::save(&[("one", &before), ("two", &after)], &path).unwrap();
        let (mut one, mut two) = (after.clone(), before.clone());
        Parameters::load(&mut [("one", &mut one), ("two", &mut two)], &path).unwrap();
        assert_eq!((one, two), (before, after));
    });
}

/// What a head reads, and what it sends back, are the loss's derivatives: through the head, and through hidden rows that
/// are read twice, to the model.
#[test]
fn a_head_beside_the_model_learns_with_it() {
    let (batch, rows) = (batch().0, [1_usize, 5, 5, 11]);
    let slopes: Vec<f32> = (0..rows.len() * 3).map(|i| (i as f32 * 0.9).sin()).collect();
    let head = |by: f32, along: &[f32]| {
        let moved = |i: usize| along.get(i).map_or(0.0, |along| by * along);
        let values = (0..16 * 3 + 3).map(|i| (i as f32 * 0.7).cos() * 0.3 + moved(i)).collect::<Vec<f32>>();
        let mut head = Readout::zeros(16, 3);
        head.exchange(&mut values.into());
        head
    };
    let loss = |learner: &mut Learner, head: &Readout| -> f64 {
        let hidden = learner.forward(&batch).hidden(&rows);
        let outputs = hidden.chunks(16).flat_map(|hidden| (0..3).map(|i| head.output(i, hidden)));
        outputs.zip(&slopes).map(|(output, slope)| output * f64::from(*slope)).sum()
    };
    each(Start::Forgotten, |fresh| {
        let mut learner = fresh();
        // Adapters begin at zero, where half of their gradients are.
        learner.exchange(&mut moved_values(&learner).into());
        let mut own = ReadoutLearner::new("head", head(0.0, &[]), OPTIMIZER);
        let mut passage = learner.forward(&batch);
        let d_hidden = own.backward(&passage.hidden(&rows), &slopes);
        passage.add_hidden_gradients(&rows, &d_hidden);
        passage.backward();
        let (gradients, d_head) = (learner.gradients().into_owned(), own.gradients().to_vec());
        let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        // So far that rounding does not show, and so near that curvature does not.
        let far = 3e-3;
        for (what, expected, along, along_head) in [
            ("the model", norm(&gradients), gradients.as_slice(), [].as_slice()),
            ("the head", norm(&d_head), &[], &d_head),
        ] {
            let at = |by: f32| {
                let mut learner = fresh();
                let start = moved_by(moved_values(&learner), along, by);
                learner.exchange(&mut start.into());
                loss(&mut learner, &head(by, along_head))
            };
            let step = far / expected.sqrt() as f32;
            let rise = (at(step) - at(-step)) / f64::from(2.0 * step);
            assert!((rise / expected - 1.0).abs() < 0.01, "{what}: {rise} where {expected} was promised");
        }
    });
}

fn moved_values(learner: &Learner) -> Vec<f32> {
    learner.parameters().values().iter().map(|v| v + 0.02).collect()
}

fn moved_by(mut values: Vec<f32>, along: &[f32], by: f32) -> Vec<f32> {
    values.iter_mut().zip(along).for_each(|(value, along)| *value += by * along);
    values
}
