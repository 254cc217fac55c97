use super::*;
use crate::advantage::{Normalize, advantages};
use crate::grpo::Divergence;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::PathBuf;
use tracelift_domain::Seed;
use tracelift_engine::{
    LoraConfig, Numbers, Pass, Projection, Request, Sampled as Completion, Sampler, Sampling, checkpoint,
    peft,
};

fn golden(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../engine/tests/golden", name].iter().collect()
}

fn whole() -> Model {
    checkpoint::load_model(&golden("qwen2-gqa-tied")).unwrap()
}

fn with_fresh_adapters() -> Model {
    let config = LoraConfig { rank: 4, alpha: 8.0, rslora: false, targets: Projection::ALL.to_vec() };
    whole().with_lora(config, Seed(3))
}

fn with_adapters() -> Model {
    let mut model = whole();
    peft::load(&mut model, &golden("qwen2-peft")).unwrap();
    model
}

const TERMS: Terms = Terms {
    objective: Objective {
        clip: Clip { low: 0.2, high: 0.28, dual: None },
        kl: 0.0,
        divergence: Divergence::K3,
    },
    ratio: Ratio::Token,
    aggregate: Aggregate::Token,
    budget: 30,
    temperature: 1.3,
    epochs: 1,
    importance_cap: None,
};

/// [`TERMS`] with a weight of the divergence.
fn held(kl: f32) -> Terms {
    Terms { objective: Objective { kl, ..TERMS.objective }, ..TERMS }
}

/// All of the loss that is a matter of choice, each value at least once.
fn variants() -> Vec<Terms> {
    let of = |dual, kl, divergence, ratio, aggregate| Terms {
        // A sequence's ratio stays nearer 1.
        objective: match ratio {
            Ratio::Token => Objective { clip: Clip { dual, ..TERMS.objective.clip }, kl, divergence },
            Ratio::Sequence => Objective { clip: Clip { low: 0.01, high: 0.02, dual }, kl, divergence },
        },
        ratio,
        aggregate,
        ..TERMS
    };
    vec![
        TERMS,
        held(0.2),
        of(Some(1.3), 0.0, Divergence::K3, Ratio::Token, Aggregate::Sequence),
        of(None, 0.2, Divergence::K2, Ratio::Sequence, Aggregate::Sequence),
        of(None, 0.2, Divergence::K1, Ratio::Token, Aggregate::Budget),
        of(Some(1.3), 0.2, Divergence::K3, Ratio::Sequence, Aggregate::Token),
    ]
}

/// No clipping of the norm, so that the optimizer's mean is a tenth of the gradient after its first step.
const OPTIMIZER: AdamWConfig = AdamWConfig {
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weight_decay: 0.0,
    max_norm: 1e9,
    matrices: tracelift_engine::MatrixRule::AdamW,
};

/// The rollouts of a step: of each prompt some, with advantages.
struct Step {
    prompts: Vec<Vec<u32>>,
    groups: Vec<Vec<Completion>>,
    advantages: Vec<f64>,
}

impl Step {
    /// Draws them from a model; rewards come from `reward(group, sample)`.
    fn of(model: &Model, reward: impl Fn(usize, usize) -> f64) -> Step {
        let prompts = vec![vec![5, 9, 33, 2], vec![60, 7, 11]];
        let requests: Vec<Request> = (0..)
            .zip(&prompts)
            .map(|(i, prompt)| Request {
                prompt: prompt.clone(),
                seeds: (0..4).map(|sample| Seed(21 + i).child("sample", sample)).collect(),
            })
            .collect();
        let sampling = Sampling {
            temperature: TERMS.temperature,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            max_tokens: 12,
            stop: vec![],
        };
        let groups = Sampler::on(Device::Cpu, model, Numbers::F32).generate(&requests, &sampling).unwrap();
        let advantages = groups
            .iter()
            .enumerate()
            .flat_map(|(i, group)| {
                let rewards: Vec<_> = (0..group.len()).map(|sample| Some(reward(i, sample))).collect();
                advantages(&rewards, Normalize::GroupStd).values
            })
            .collect();
        Step { prompts, groups, advantages }
    }

    fn lessons(&self) -> Vec<Lesson<'_>> {
        let rollouts = self.prompts.iter().zip(&self.groups).flat_map(|(prompt, group)| {
            group.iter().map(move |sampled| (prompt, &sampled.tokens, &sampled.log_probs))
        });
        rollouts
            .zip(&self.advantages)
            .map(|((prompt, tokens, log_probs), &advantage)| Lesson {
                prompt,
                tokens,
                log_probs,
                advantage: advantage as f32,
            })
            .collect()
    }

    /// Log-probabilities of the sampler moved by up to ±0.45, so that tokens are beyond each clip to begin with, and none
    /// is so near to one that a small step takes it there.
    fn aged(mut self) -> Step {
        let all = self.groups.iter_mut().flatten().flat_map(|sampled| &mut sampled.log_probs);
        all.enumerate().for_each(|(i, old)| *old += ((i * 5 % 7) as f32 - 3.0) * 0.15);
        self
    }
}

/// What a model says of each lesson's completion, in sum.
fn log_probs(model: &Model, lessons: &[Lesson<'_>]) -> Vec<f64> {
    let mut pass = Pass::new(Memory::Recompute);
    let of = |lesson: &Lesson<'_>| {
        let (batch, targets, _) = pack(&[*lesson]);
        pass.forward(model, &batch);
        pass.score(model, &targets, TERMS.temperature).iter().map(|score| f64::from(score.log_prob)).sum()
    };
    lessons.iter().map(of).collect()
}

#[test]
fn one_step_makes_the_better_rollout_likelier_and_the_worse_one_less_likely() {
    for model in [whole(), with_fresh_adapters()] {
        // In each group one rollout is better than the others, and one worse.
        let step =
            Step::of(&model, |group, sample| [[0.5, 1.0, 0.5, 0.0], [0.0, 0.5, 0.5, 1.0]][group][sample]);
        let lessons = step.lessons();
        let before = log_probs(&model, &lessons);
        let rate = if model.lora.is_some() { 1e-2 } else { 1e-4 };
        let mut policy = Policy::new(model.clone(), TERMS, OPTIMIZER);
        let found = policy.update(&lessons, rate).unwrap();
        let after = log_probs(&policy.learner.model(), &lessons);
        let mut moved = (0, 0);
        for ((lesson, before), after) in lessons.iter().zip(before).zip(after) {
            if lesson.advantage > 0.0 {
                assert!(after > before, "advantage {}: from {before} to {after}", lesson.advantage);
                moved.0 += 1;
            } else if lesson.advantage < 0.0 {
                assert!(after < before, "advantage {}: from {before} to {after}", lesson.advantage);
                moved.1 += 1;
            }
        }
        assert_eq!(moved, (2, 2));
        // At the weights that sampled, every ratio is 1: nothing is clipped, and the sampler said the same.
        assert_eq!(found.clipped, Some(0.0));
        assert!(found.gap.unwrap() < 1e-4, "{found:?}");
    }
}

/// The gradient that an update takes at a model that was another at its start, from the optimizer's mean after its first
/// step.
fn gradient(model: &Model, terms: Terms, micro_batch: usize, lessons: &[Lesson<'_>]) -> (Update, Vec<f32>) {
    let start = if model.lora.is_some() { model.clone() } else { whole() };
    let mut policy = Policy::new(start, terms, OPTIMIZER);
    policy.micro_batch = micro_batch;
    policy.learner.exchange(&mut model.trainable().to_vec().into());
    let found = policy.update(lessons, 0.0).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    policy.learner.save(scratch.path()).unwrap();
    let mut state = checkpoint::load_tensors(&scratch.path().join("state.safetensors")).unwrap();
    let (_, mean) = state.remove("mean").unwrap();
    (found, mean.iter().map(|mean| mean * 10.0).collect())
}

/// The reported loss, taken apart by central differences along some directions, has the gradient that is taken: with
/// tokens beyond both clips, with and without a start policy that is another, in one pass and in several.
#[test]
fn the_reported_loss_is_the_one_whose_gradient_is_taken() {
    // A policy that has moved away from its start.
    let mut moved = whole();
    let values = moved.trainable_mut().iter_mut().enumerate();
    values.for_each(|(i, value)| *value += ((i * 7 % 11) as f32 - 5.0) * 2e-3);
    for (name, model) in [("whole", moved), ("adapters", with_adapters())] {
        let step = Step::of(&model, |group, sample| (group + sample * sample) as f64).aged();
        let lessons = step.lessons();
        for terms in variants() {
            for micro_batch in [MICRO_BATCH, 40] {
                let name = format!("{name}, {terms:?}, passes of {micro_batch}");
                assert_eq!(micro_batches(&lessons, micro_batch).len() > 1, micro_batch == 40);
                let (found, gradient) = gradient(&model, terms, micro_batch, &lessons);
                assert!(found.clipped.unwrap() > 0.1, "{name}: {found:?}");
                let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
                assert!((found.gradient_norm.unwrap() / norm - 1.0).abs() < 1e-4, "{name}");
                // Along the gradient, along a part of it, and along the parameter that has the largest.
                let (most, _) =
                    gradient.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap();
                for direction in ["all", "every third", "one"] {
                    let along: Vec<f32> = gradient
                        .iter()
                        .enumerate()
                        .map(|(i, g)| match direction {
                            "all" => *g,
                            "every third" if i % 3 == 0 => *g,
                            "one" if i == most => 1.0,
                            _ => 0.0,
                        })
                        .collect();
                    let length = along.iter().map(|a| f64::from(*a).powi(2)).sum::<f64>().sqrt();
                    let slope: f64 =
                        along.iter().zip(&gradient).map(|(a, g)| f64::from(*a) * f64::from(*g)).sum();
                    let step = 5e-4;
                    let loss = |side: f64| {
                        let mut model = model.clone();
                        let values = model.trainable_mut().iter_mut().zip(&along);
                        values.for_each(|(value, along)| {
                            *value += (side * step / length * f64::from(*along)) as f32;
                        });
                        self::gradient(&model, terms, micro_batch, &lessons).0.loss
                    };
                    let central = (loss(1.0) - loss(-1.0)) / (2.0 * step);
                    let error = (central * length / slope - 1.0).abs();
                    assert!(error < 0.01, "{name}, {direction}: {} is reported as {central}", slope / length);
                }
            }
        }
    }
}

/// With several epochs the mean of their losses is reported, each at the weights before its step.
#[test]
fn the_loss_of_several_epochs_is_their_mean() {
    for (start, kl) in [(whole(), 0.0), (whole(), 0.2), (with_adapters(), 0.2)] {
        let step = Step::of(&start, |group, sample| (group + sample * sample) as f64).aged();
        let lessons = step.lessons();
        let run = |epochs: usize, updates: usize| {
            let mut policy = Policy::new(start.clone(), Terms { epochs, ..held(kl) }, OPTIMIZER);
            let found: Vec<Update> = (0..updates).map(|_| policy.update(&lessons, 1e-3).unwrap()).collect();
            (policy.learner.parameters(), found)
        };
        let ((together, found), (apart, each)) = (run(3, 1), run(1, 3));
        assert!(together == apart, "three epochs are not three updates");
        let mean = |of: fn(&Update) -> f64| each.iter().map(of).sum::<f64>() / 3.0;
        let close = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{found}, not {expected}");
        };
        close(found[0].loss, mean(|update| update.loss));
        close(found[0].clipped.unwrap(), mean(|update| update.clipped.unwrap()));
        close(found[0].divergence.unwrap(), mean(|update| update.divergence.unwrap()));
        assert_eq!(found[0].gradient_norm, each[2].gradient_norm);
        assert!(each[0].loss > each[2].loss, "three epochs lower the loss: {each:?}");
    }
}

/// The divisor counts the tokens of all rollouts with known rewards, those of advantage 0 too.
#[test]
fn rollouts_that_teach_nothing_are_counted() {
    let model = whole();
    let step = Step::of(&model, |group, sample| if group == 0 { sample as f64 } else { 0.5 });
    let lessons = step.lessons();
    let taught = &lessons[..4];
    assert!(lessons[4..].iter().all(|lesson| lesson.advantage == 0.0));
    let ((all, all_gradient), (some, some_gradient)) =
        (gradient(&model, TERMS, MICRO_BATCH, &lessons), gradient(&model, TERMS, MICRO_BATCH, taught));
    let tokens =
        |lessons: &[Lesson<'_>]| lessons.iter().map(|lesson| lesson.tokens.len()).sum::<usize>() as f64;
    let share = tokens(taught) / tokens(&lessons);
    assert!((all.loss / some.loss / share - 1.0).abs() < 1e-6);
    let close = all_gradient
        .iter()
        .zip(&some_gradient)
        .all(|(a, s)| (f64::from(*a) - f64::from(*s) * share).abs() < 1e-6);
    assert!(close, "the gradient is not that of the mean over all tokens");
    // Nothing taught, nothing moved.
    let mut policy = Policy::new(model.clone(), TERMS, OPTIMIZER);
    let none = policy.update(&lessons[4..], 1.0).unwrap();
    assert_eq!(policy.learner.parameters().values(), model.trainable());
    assert_eq!((none.loss, none.clipped, none.gradient_norm), (0.0, None, None));
}

/// With the correction the first pass is at the weights that sampled, whatever the sampler said of its tokens: no ratio leaves 1, each
/// token's term is its weighed advantage, and without a cap in the way the sampler's draws are the trainer's.
#[test]
fn the_correction_weighs_tokens_and_leaves_the_ratio_to_the_trainer() {
    let model = whole();
    let step = Step::of(&model, |group, sample| (group + sample * sample) as f64);
    let exact = step.lessons();
    let terms = |cap| Terms { importance_cap: Some(cap), ..TERMS };
    // A sampler with the trainer's numbers: nothing is corrected, up to the rounding between the two.
    let (plain, plain_gradient) = gradient(&model, TERMS, MICRO_BATCH, &exact);
    let (same, same_gradient) = gradient(&model, terms(2.0), MICRO_BATCH, &exact);
    assert!((same.importance.unwrap() - 1.0).abs() < 1e-4 && same.capped == Some(0.0), "{same:?}");
    assert!((same.loss - plain.loss).abs() < 1e-4, "{same:?} and {plain:?}");
    assert!(same_gradient.iter().zip(&plain_gradient).all(|(s, p)| (s - p).abs() < 1e-4));
    assert_eq!((plain.importance, plain.capped), (None, None));

    // One that is off: weights by the formula, in one pass and in several.
    let step = step.aged();
    let lessons = step.lessons();
    let mut pass = Pass::new(Memory::Recompute);
    for (cap, micro_batch) in [(1.2, MICRO_BATCH), (1.2, 40), (0.5, MICRO_BATCH)] {
        let (mut weights, mut capped, mut loss, mut tokens) = (0.0, 0, 0.0, 0);
        for lesson in lessons.iter().filter(|lesson| lesson.advantage != 0.0) {
            let (batch, targets, _) = pack(&[*lesson]);
            pass.forward(&model, &batch);
            for (score, sampler) in
                pass.score(&model, &targets, TERMS.temperature).iter().zip(lesson.log_probs)
            {
                let ratio = f64::from(score.log_prob - sampler).exp();
                let weight = ratio.min(f64::from(cap));
                weights += weight;
                capped += usize::from(ratio > f64::from(cap));
                loss -= weight * f64::from(lesson.advantage);
                tokens += 1;
            }
        }
        let all: usize = lessons.iter().map(|lesson| lesson.tokens.len()).sum();
        let (found, _) = gradient(&model, terms(cap), micro_batch, &lessons);
        assert!((found.loss - loss / all as f64).abs() < 1e-5, "{found:?}, not {}", loss / all as f64);
        assert!((found.importance.unwrap() - weights / tokens as f64).abs() < 1e-5, "{found:?}");
        assert!((found.capped.unwrap() - capped as f64 / tokens as f64).abs() < 1e-9, "{found:?}");
        assert!(capped > 0 && found.clipped == Some(0.0), "{found:?}");
    }
}

/// After the first pass the reported loss is the one whose gradient is taken: by central differences, at other weights than those
/// that sampled, with tokens beyond both clips and at the cap.
#[test]
fn the_corrected_loss_is_the_one_whose_gradient_is_taken() {
    let sampled_by = whole();
    let step = Step::of(&sampled_by, |group, sample| (group + sample * sample) as f64).aged();
    let lessons = step.lessons();
    let tokens: usize = lessons.iter().map(|lesson| lesson.tokens.len()).sum();
    let terms = Terms { importance_cap: Some(1.2), ..held(0.2) };
    let weighing =
        Weighing { aggregate: Aggregate::Token, tokens, rollouts: lessons.len(), budget: TERMS.budget };
    let mut moved = whole();
    let values = moved.trainable_mut().iter_mut().enumerate();
    values.for_each(|(i, value)| *value += ((i * 7 % 11) as f32 - 5.0) * 6e-3);
    for micro_batch in [MICRO_BATCH, 40] {
        let mut first = Vec::new();
        let mut policy = Policy::new(sampled_by.clone(), terms, OPTIMIZER);
        policy.micro_batch = micro_batch;
        policy.pass(&lessons, weighing, &mut first, &mut Sums::default());
        assert_eq!(first.len(), tokens);
        // The second pass of a policy that has gone from there to a model: the loss, and the gradient by the optimizer's mean.
        let mut second = |model: &Model| {
            let mut policy = Policy::new(sampled_by.clone(), terms, OPTIMIZER);
            policy.micro_batch = micro_batch;
            policy.learner.exchange(&mut model.trainable().to_vec().into());
            let mut sums = Sums::default();
            policy.pass(&lessons, weighing, &mut first, &mut sums);
            policy.learner.apply(sums.loss, 0.0).unwrap();
            let scratch = tempfile::tempdir().unwrap();
            policy.learner.save(scratch.path()).unwrap();
            let mut state = checkpoint::load_tensors(&scratch.path().join("state.safetensors")).unwrap();
            let (_, mean) = state.remove("mean").unwrap();
            (sums, mean.iter().map(|mean| mean * 10.0).collect::<Vec<f32>>())
        };
        let (sums, gradient) = second(&moved);
        assert!(sums.clipped > 0 && sums.capped > 0 && sums.capped < tokens);
        let length = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let step = 5e-4;
        let mut loss = |side: f64| {
            let mut model = moved.clone();
            let values = model.trainable_mut().iter_mut().zip(&gradient);
            values.for_each(|(value, along)| *value += (side * step / length * f64::from(*along)) as f32);
            second(&model).0.loss
        };
        let central = (loss(1.0) - loss(-1.0)) / (2.0 * step);
        assert!((central / length - 1.0).abs() < 0.01, "{length} is reported as {central}");
    }
}

#[derive(Deserialize)]
struct Golden {
    settings: HashMap<String, f64>,
    #[serde(default)]
    variant: Variant,
    lessons: Vec<GoldenLesson>,
    expected: Expected,
}

/// What a file does not say is as in [`Terms`] by default.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Variant {
    ratio: Ratio,
    aggregate: Aggregate,
    divergence: Divergence,
}

#[derive(Deserialize)]
struct GoldenLesson {
    prompt: Vec<u32>,
    tokens: Vec<u32>,
    log_probs: Vec<f32>,
    advantage: f32,
}

#[derive(Deserialize)]
struct Expected {
    loss: f64,
    clipped: f64,
    entropy: f64,
    gap: f64,
    divergence: f64,
    importance: Option<f64>,
    capped: Option<f64>,
    gradient_norm: f64,
    tensors: HashMap<String, Sketches>,
}

/// The norm of a tensor, and its product with cos(0), cos(1), …
type Sketch = [f64; 2];

#[derive(Deserialize)]
struct Sketches {
    change: Sketch,
    mean: Sketch,
    square: Sketch,
}

fn sketch(values: impl Iterator<Item = f64> + Clone) -> Sketch {
    let norm = values.clone().map(|value| value * value).sum::<f64>().sqrt();
    [norm, values.enumerate().map(|(i, value)| value * (i as f64).cos()).sum()]
}

/// One whole update as PyTorch makes it (`tools/make_grpo_goldens.py`): three epochs, both clips, a start policy, a
/// clipped norm, decay; in the third file also importance ratios, some of them at their cap; in the last ones other losses.
#[test]
fn a_whole_update_matches_pytorch() {
    for (file, start) in [
        ("grpo_whole.json", whole()),
        ("grpo_adapters.json", with_adapters()),
        ("grpo_corrected.json", whole()),
        ("grpo_sequence.json", whole()),
        ("grpo_budget.json", with_adapters()),
    ] {
        let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/golden", file].iter().collect();
        let Golden { settings, variant, lessons, expected } =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let setting = |name: &str| settings[name] as f32;
        let terms = Terms {
            objective: Objective {
                clip: Clip {
                    low: setting("clip_low"),
                    high: setting("clip_high"),
                    dual: settings.get("dual_clip").map(|dual| *dual as f32),
                },
                kl: setting("kl"),
                divergence: variant.divergence,
            },
            ratio: variant.ratio,
            aggregate: variant.aggregate,
            budget: settings.get("budget").map_or(0, |budget| *budget as usize),
            temperature: setting("temperature"),
            epochs: settings["epochs"] as usize,
            importance_cap: settings.get("importance_cap").map(|cap| *cap as f32),
        };
        let optimizer = AdamWConfig {
            beta1: setting("beta1"),
            beta2: setting("beta2"),
            eps: setting("eps"),
            weight_decay: setting("weight_decay"),
            max_norm: setting("max_norm"),
            ..OPTIMIZER
        };
        let lessons: Vec<Lesson<'_>> = lessons
            .iter()
            .map(|GoldenLesson { prompt, tokens, log_probs, advantage }| Lesson {
                prompt,
                tokens,
                log_probs,
                advantage: *advantage,
            })
            .collect();
        // In one pass, and in several.
        for micro_batch in [MICRO_BATCH, 12] {
            let mut policy = Policy::new(start.clone(), terms, optimizer);
            policy.micro_batch = micro_batch;
            let found = policy.update(&lessons, setting("learning_rate")).unwrap();
            for (name, found, expected) in [
                ("loss", found.loss, expected.loss),
                ("clipped", found.clipped.unwrap(), expected.clipped),
                ("entropy", found.entropy.unwrap(), expected.entropy),
                ("gap", found.gap.unwrap(), expected.gap),
                ("divergence", found.divergence.unwrap(), expected.divergence),
                ("gradient_norm", found.gradient_norm.unwrap(), expected.gradient_norm),
            ] {
                let error = (found - expected).abs() / expected.abs();
                assert!(error < 1e-4, "{file}: {name} is {found}, not {expected}");
            }
            for (name, found, expected) in [
                ("importance", found.importance, expected.importance),
                ("capped", found.capped, expected.capped),
            ] {
                let error = found.zip(expected).map(|(found, expected)| (found - expected).abs());
                assert_eq!(found.is_some(), terms.importance_cap.is_some(), "{file}: {name}");
                assert!(
                    error.is_none_or(|error| error < 1e-5),
                    "{file}: {name} is {found:?}, not {expected:?}"
                );
            }
            let scratch = tempfile::tempdir().unwrap();
            policy.learner.save(scratch.path()).unwrap();
            let state = checkpoint::load_tensors(&scratch.path().join("state.safetensors")).unwrap();
            let tensors = policy.learner.tensors();
            assert_eq!(tensors.len(), expected.tensors.len(), "{file}");
            for tensor in tensors {
                let expected = &expected.tensors[&tensor.name];
                let part = |values: &'static str| {
                    state[values].1[tensor.range.clone()].iter().map(|&v| f64::from(v))
                };
                let before = start.trainable()[tensor.range.clone()].iter().map(|&v| f64::from(v));
                for (what, found, expected) in [
                    ("change", sketch(part("parameters").zip(before).map(|(a, b)| a - b)), expected.change),
                    ("mean", sketch(part("mean")), expected.mean),
                    ("square", sketch(part("square")), expected.square),
                ] {
                    let error = found.iter().zip(&expected).map(|(f, e)| (f - e).abs()).fold(0.0, f64::max);
                    let bound = 2e-3 * expected[0];
                    assert!(error <= bound, "{file}: {what} of {}: {found:?}, not {expected:?}", tensor.name);
                }
            }
        }
    }
}
