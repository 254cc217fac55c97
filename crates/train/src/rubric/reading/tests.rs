use super::*;
use crate::pretrain::PretrainConfig;
use crate::rubric::Labelled;
use crate::rubric::draw::pack;
use tracelift_domain::{DIMENSIONS, Label, Rubric, Seed};
use tracelift_engine::{AdamWConfig, Device, Learner, Memory, Model, Parameters, Readout, Start};
use tracelift_reward::Shortened;
use tracelift_worlds::WorldName;

fn trace(tokens: &[u32], trace_from: usize) -> Labelled {
    Labelled {
        tokens: tokens.to_vec(),
        trace_from,
        rubric: Rubric { labels: [Label::BEST; DIMENSIONS], total: 1.0 },
        kind: None,
        shortened: Shortened::No,
    }
}

fn in_numbers(token: u32) -> bool {
    (20..30).contains(&token)
}

/// Two groups. Problems are two tokens long, and shortened to one in the last trace.
fn traces() -> [Labelled; 5] {
    [
        trace(&[1, 2, 10, 11, 12, 3], 2),
        trace(&[1, 2, 10, 40, 12, 3], 2),
        trace(&[1, 2, 10, 11, 3], 2),
        trace(&[5, 6, 20, 21, 3], 2),
        trace(&[5, 20, 50, 3], 1),
    ]
}

#[test]
fn a_flawed_trace_is_its_reference_until_it_leaves_it() {
    let traces = traces();
    let groups: [Drawn; 2] = [traces[..3].to_vec(), traces[3..].to_vec()];
    let batch = pack(&groups);
    let reading = Reading::of(&groups, &batch, in_numbers);

    // Rows: the reference's six; `40 12 3`; `3`; five of the second reference; `20 50 3` after its first token.
    let place = |row, flawed, contrasts| TraceToken { row, flawed, contrasts };
    let expected = [
        place(6, true, 1),
        place(7, true, 0),
        place(8, true, 0),
        place(9, true, 1),
        place(2, false, 0),
        place(3, false, 1),
        place(4, false, 1),
        place(5, false, 0),
        place(16, true, 1),
        place(17, true, 0),
        place(12, false, 0),
        place(13, false, 1),
        place(14, false, 0),
    ];
    assert_eq!(reading.tokens, expected);
    let target = |row, token| Target { row, token };
    let next = [(1, 10), (2, 11), (3, 12), (4, 3), (11, 20), (12, 21), (13, 3)];
    assert_eq!(reading.language, next.map(|(row, token)| target(row, token)));
    assert_eq!(reading.numbers, [(11, 20), (12, 21)].map(|(row, token)| target(row, token)));
    assert_eq!(reading.problem, [(0, 2), (10, 6)].map(|(row, token)| target(row, token)));
    assert_eq!(
        reading.counts(),
        ReadingCounts { problem: 2, language: 7, numbers: 2, tokens: 13, contrasts: 6 }
    );
}

fn learner(model: &Model) -> Learner {
    Learner::on(Device::Cpu, model.clone(), Memory::Keep, AdamWConfig::default(), Start::Forgotten)
}

/// The head `v`, `β` of these numbers.
fn reader(values: &[f32]) -> ReadoutLearner {
    let mut head = Readout::zeros(values.len() - 1, 1);
    head.exchange(&mut Parameters::from(values.to_vec()));
    ReadoutLearner::new("reader", head, AdamWConfig::default())
}

#[test]
fn gradients_match_central_differences() {
    (0..=2).for_each(gradients_match);
}

/// Where next tokens are predicted so many blocks below the last of two.
fn gradients_match(below: usize) {
    let traces = traces();
    let groups: [Drawn; 2] = [traces[..3].to_vec(), traces[3..].to_vec()];
    let batch = pack(&groups);
    let reading = Reading::of(&groups, &batch, in_numbers);
    let weights =
        ReadingWeights { problem: 0.6, language: 0.7, numbers: 0.9, flawed: 1.3, contrast: 0.4, below };
    let config = PretrainConfig { hidden: 32, layers: 2, ..PretrainConfig::of(WorldName::Steps) };
    let model = Model::random(config.model(64), Seed(1));
    let head: Vec<f32> = (0..33).map(|i| (i as f32 * 0.7).sin() * 0.3).collect();
    let run = |model: &Model, values: &[f32]| {
        let (mut learner, mut head) = (learner(model), reader(values));
        let mut passage = learner.forward(&batch);
        let terms = reading.backward(&weights, &reading.counts(), &mut passage, &mut head);
        passage.backward();
        (terms.total(&weights), learner.gradients().into_owned(), head.gradients().to_vec())
    };
    let (_, gradients, d_head) = run(&model, &head);
    // Along the gradient the loss must rise by its squared norm.
    let step = 1e-3;
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let moved = |values: &[f32], gradients: &[f32], by: f32| {
        values.iter().zip(gradients).map(|(v, g)| v + by * g).collect::<Vec<f32>>()
    };
    let at = |by: f32| {
        let mut other = model.clone();
        other.weights = moved(&model.weights, &gradients, by);
        run(&other, &moved(&head, &d_head, by)).0
    };
    let rise = (at(step) - at(-step)) / f64::from(2.0 * step);
    let expected = norm(&gradients) + norm(&d_head);
    assert!(
        (rise / expected - 1.0).abs() < 0.01,
        "{below}: the loss rises by {rise} where {expected} was promised"
    );
}

#[test]
fn parts_add_up_to_the_whole() {
    let traces = traces();
    let groups: [Drawn; 2] = [traces[..3].to_vec(), traces[3..].to_vec()];
    let weights = ReadingWeights { problem: 0.5, numbers: 0.8, ..ReadingWeights::default() };
    let config = PretrainConfig { hidden: 32, layers: 1, ..PretrainConfig::of(WorldName::Steps) };
    let model = Model::random(config.model(64), Seed(1));
    let sum = |parts: &[&[Drawn]]| {
        let (mut learner, mut head) = (learner(&model), reader(&[0.1; 33]));
        let readings: Vec<(Batch, Reading)> = parts
            .iter()
            .map(|groups| (pack(groups), Reading::of(groups, &pack(groups), in_numbers)))
            .collect();
        let mut counts = ReadingCounts::default();
        readings.iter().for_each(|(_, reading)| counts += reading.counts());
        let mut terms = ReadingTerms::default();
        for (batch, reading) in &readings {
            let mut passage = learner.forward(batch);
            terms += reading.backward(&weights, &counts, &mut passage, &mut head);
            passage.backward();
        }
        (terms, learner.gradients().into_owned())
    };
    let (whole, together) = sum(&[&groups]);
    let (parts, apart) = sum(&[&groups[..1], &groups[1..]]);
    assert!((whole.total(&weights) - parts.total(&weights)).abs() < 1e-6, "{whole:?} and {parts:?}");
    let worst = together.iter().zip(&apart).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "gradients differ by {worst}");
}
