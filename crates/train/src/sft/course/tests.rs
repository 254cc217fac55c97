use super::*;
use crate::pretrain::PretrainConfig;
use std::collections::BTreeMap;
use tracelift_engine::LoraConfig;
use tracelift_worlds::WorldName;

fn model() -> Model {
    let config = PretrainConfig { hidden: 32, layers: 2, ..PretrainConfig::of(WorldName::Steps) };
    Model::random(config.model(40), Seed(1))
}

/// Sequences that count up in steps of seven, from so many starts; the first half is given.
fn examples(starts: std::ops::Range<u32>) -> Vec<Example> {
    let tokens = |start: u32| (0..12).map(|i| (start + 7 * i) % 40).collect();
    starts.map(|start| Example { tokens: tokens(start), supervised_from: 6 }).collect()
}

fn course(config: CourseConfig, model: Model) -> Course {
    Course::new(config, model, examples(0..30), examples(30..40), Seed(5))
}

fn quick() -> CourseConfig {
    CourseConfig { steps: Some(40), batch: 8, learning_rate: 3e-3, every: 10, ..CourseConfig::default() }
}

#[test]
fn every_epoch_holds_every_example_once() {
    let all = examples(0..30);
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    // Fifteen steps of eight are four epochs of thirty.
    for step in 0..15 {
        for example in drawn(&all, 8, Seed(5), step) {
            *seen.entry(example.tokens[0]).or_default() += 1;
        }
    }
    assert_eq!(seen, (0..30).map(|start| (start, 4)).collect());
    let first = |epoch: u64| drawn(&all, 30, Seed(5), epoch).iter().map(|e| e.tokens[0]).collect::<Vec<_>>();
    assert_ne!(first(0), first(1), "epochs come in the same order");
}

#[test]
fn steps_follow_from_epochs_unless_they_are_said() {
    let config = CourseConfig { epochs: 2.5, batch: 8, ..CourseConfig::default() };
    assert_eq!(config.steps(30), 10, "75 examples in steps of 8");
    assert_eq!(CourseConfig { epochs: 1e-9, ..config }.steps(30), 1);
    assert_eq!(CourseConfig { steps: Some(7), ..config }.steps(30), 7);
}

#[test]
fn held_out_examples_are_learned_too_and_the_best_look_is_known() {
    let adapters: LoraConfig = toml::from_str("rank = 8\nalpha = 16").unwrap();
    for lora in [None, Some(adapters)] {
        let model = match lora.clone() {
            Some(lora) => model().with_lora(lora, Seed(2)),
            None => model(),
        };
        let mut course = course(quick(), model);
        let (before, mut looks) =
            (mean_loss(&mut course.learner, &examples(30..40), Course::PART), Vec::new());
        while !course.is_done() {
            let step = course.step().unwrap();
            assert_eq!(step.tokens, 8 * 6);
            if course.looks_now() {
                looks.push(course.look());
            }
        }
        assert_eq!(looks.iter().map(|look| look.step).collect::<Vec<_>>(), [10, 20, 30, 40]);
        let best = looks.iter().copied().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap();
        assert_eq!(course.best(), Some(best));
        assert!(best.loss < 0.8 * before, "{lora:?}: {before} before, {best:?}");
    }
}

#[test]
fn an_example_longer_than_a_part_is_not_divided_and_parts_add_up() {
    let examples = examples(0..9);
    let all: Vec<&Example> = examples.iter().collect();
    for (most, lengths) in [(usize::MAX, vec![9]), (36, vec![3, 3, 3]), (40, vec![3, 3, 3]), (1, vec![1; 9])]
    {
        let found: Vec<usize> = super::super::parts(&all, most).iter().map(|part| part.len()).collect();
        assert_eq!(found, lengths, "{most}");
    }
    let learner =
        || Learner::on(Device::Cpu, model(), Memory::Keep, AdamWConfig::default(), Start::Forgotten);
    let steps = [usize::MAX, 30].map(|part| super::super::update(&mut learner(), &all, part, 1e-3).unwrap());
    assert_eq!(steps[0].tokens, steps[1].tokens);
    assert!((steps[0].loss - steps[1].loss).abs() < 1e-5, "{steps:?}");
    assert!((steps[0].gradient_norm - steps[1].gradient_norm).abs() < 1e-4, "{steps:?}");
}

#[test]
fn a_course_goes_on_exactly() {
    let run = |course: &mut Course, to: u64| {
        let mut found = Vec::new();
        while course.steps_done() < to {
            found.push(course.step().unwrap());
        }
        found
    };
    let (mut whole, mut first) = (course(quick(), model()), course(quick(), model()));
    let expected = run(&mut whole, 9);
    let mut found = run(&mut first, 4);
    let scratch = tempfile::tempdir().unwrap();
    first.save(scratch.path()).unwrap();
    let mut second = course(quick(), model());
    second.restore(scratch.path()).unwrap();
    found.extend(run(&mut second, 9));
    assert_eq!(found, expected);
    assert_eq!(second.into_model().weights, whole.into_model().weights);
}

#[test]
fn training_ends_where_there_is_no_gain() {
    let mut course = course(CourseConfig { patience: 2, ..quick() }, model());
    let look = |step, loss| Look { step, loss };
    assert!(course.see(look(10, 2.0)) && course.see(look(20, 1.0)));
    assert!(!course.see(look(30, 1.0)), "the same is no gain");
    assert!(!course.is_done());
    assert!(!course.see(look(40, f64::NAN)));
    assert!(course.is_done() && course.gives_up());
    assert_eq!(course.best(), Some(look(20, 1.0)));
    let mut endless = self::course(CourseConfig { patience: 0, ..quick() }, model());
    for step in 0..9 {
        endless.see(look(step, 1.0));
    }
    assert!(!endless.is_done());
}

#[test]
fn settings_that_ruin_a_course_are_refused_by_key() {
    for (toml, key) in [
        ("epochs = 0", "sft.epochs"),
        ("epochs = nan", "sft.epochs"),
        ("epochs = inf", "sft.epochs"),
        ("steps = 0", "sft.steps"),
        ("batch = 0", "sft.batch"),
        ("learning_rate = inf", "sft.learning_rate"),
        ("learning_rate = 0.0", "sft.learning_rate"),
        ("every = 0", "sft.every"),
        ("checkpoint_every = 0", "sft.checkpoint_every"),
        ("keep_last = 0", "sft.keep_last"),
        ("optimizer = { beta1 = 1.0 }", "sft.optimizer.beta1"),
    ] {
        let config: CourseConfig = toml::from_str(toml).unwrap();
        let message = config.validate().unwrap_err().to_string();
        assert!(message.contains(&format!("`{key}`")), "{toml}: {message}");
    }
    assert_eq!(CourseConfig::default().validate(), Ok(()));
}
