//! The shortcut report: can a linear model on the surface of texts tell reference traces from flawed ones?
//!
//! A trace is turned into surface features that know nothing of the problem: its length, how often digits, capitals and
//! each mark of punctuation occur, how long its numbers are and what they end in, and which words it uses (hashed
//! unigrams and bigrams; numbers count as words). A logistic regression is trained on the traces of four fifths of the
//! problems and ranks those of the rest, five times, so that no problem is on both sides. The area under the ROC curve
//! (AUC) of the pooled ranks is ½ where the surface tells nothing; a group's reference and flawed traces share their
//! topic, so what is left is what perturbing does to style.

use serde::Serialize;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};
use tracelift_domain::{Group, Seed};
use tracelift_statistics::auc;

/// Features of style.
const STYLE: usize = 40;
/// Buckets of hashed words and pairs of words.
const BUCKETS: usize = 1 << 13;
/// Parts into which problems are divided.
const FOLDS: usize = 5;
/// Rounds over the training part.
const ROUNDS: usize = 6;
/// Most groups that are looked at.
const MOST: usize = 12_000;

/// A trace as the probe sees it.
struct Surface {
    style: [f32; STYLE],
    words: Vec<u32>,
}

/// What the probe found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShortcutReport {
    /// AUC over all reference and flawed traces.
    pub auc: f64,
    /// AUC of the features of style alone, without words.
    pub style_auc: f64,
    /// AUC of each kind's flawed traces against all reference traces.
    pub kinds: BTreeMap<String, f64>,
    /// How many groups were looked at.
    pub groups: usize,
}

/// A stream of groups is fed into it; it keeps surfaces only, and a fixed number of them.
#[derive(Default)]
pub struct Probe {
    traces: Vec<(usize, usize, Option<u16>, Surface)>,
    kinds: Vec<String>,
    groups: usize,
}

impl Probe {
    /// Looks at a group. Beyond a fixed number of groups nothing more is kept.
    pub fn see(&mut self, group: &Group) {
        if self.groups == MOST {
            return;
        }
        let index = self.groups;
        self.groups += 1;
        let fold = (Seed(0).child(&group.problem_id, 0).0 % FOLDS as u64) as usize;
        for positive in &group.positive_pool {
            self.traces.push((index, fold, None, surface(&positive.reasoning)));
        }
        for negative in &group.negative_bank {
            let kind = match self.kinds.iter().position(|kind| *kind == negative.negative_kind) {
                Some(kind) => kind,
                None => {
                    self.kinds.push(negative.negative_kind.clone());
                    self.kinds.len() - 1
                }
            };
            let kind = u16::try_from(kind).unwrap_or(u16::MAX);
            self.traces.push((index, fold, Some(kind), surface(&negative.reasoning)));
        }
    }

    /// Trains and tests the probe; `None` of too few groups to do either.
    #[must_use]
    pub fn report(&self) -> Option<ShortcutReport> {
        if self.groups < 2 * FOLDS {
            return None;
        }
        let scores = self.scores(Features::StyleAndWords);
        let style = self.scores(Features::Style);
        let positive = |scores: &[f64]| -> Vec<f64> {
            self.traces.iter().zip(scores).filter(|(t, _)| t.2.is_none()).map(|(_, s)| *s).collect()
        };
        let negative = |scores: &[f64], kind: Option<usize>| -> Vec<f64> {
            let wanted = |k: Option<u16>| k.is_some_and(|k| kind.is_none_or(|kind| kind == usize::from(k)));
            self.traces.iter().zip(scores).filter(|(t, _)| wanted(t.2)).map(|(_, s)| *s).collect()
        };
        let kinds = self
            .kinds
            .iter()
            .enumerate()
            .map(|(kind, name)| {
                Some((name.clone(), auc(&positive(&scores), &negative(&scores, Some(kind)))?))
            })
            .collect::<Option<_>>()?;
        Some(ShortcutReport {
            auc: auc(&positive(&scores), &negative(&scores, None))?,
            style_auc: auc(&positive(&style), &negative(&style, None))?,
            kinds,
            groups: self.groups,
        })
    }

    /// The probe's score of each trace (higher: a reference), from the fold that has not seen its problem. In the order in
    /// which groups were seen, of each its reference traces and then its flawed ones; `None` of too few groups.
    #[must_use]
    pub fn cross_validated(&self) -> Option<Vec<f64>> {
        (self.groups >= 2 * FOLDS).then(|| self.scores(Features::StyleAndWords))
    }

    /// The probe, trained on everything seen; `None` of nothing.
    #[must_use]
    pub fn trained(&self) -> Option<TrainedProbe> {
        (!self.traces.is_empty()).then(|| self.train(Features::StyleAndWords, &self.scale(), |_| true))
    }

    fn scores(&self, features: Features) -> Vec<f64> {
        let scale = self.scale();
        let mut scores = vec![0.0; self.traces.len()];
        for fold in 0..FOLDS {
            let probe = self.train(features, &scale, |other| other != fold);
            for (score, trace) in scores.iter_mut().zip(&self.traces).filter(|(_, trace)| trace.1 == fold) {
                *score = probe.score_of(&trace.3);
            }
        }
        scores
    }

    /// A logistic regression on the traces of the folds that are wanted.
    fn train(&self, features: Features, scale: &Scale, wanted: impl Fn(usize) -> bool) -> TrainedProbe {
        let positives = self.traces.iter().filter(|trace| trace.2.is_none()).count();
        // Classes weigh the same, or the probe would learn that most traces are flawed.
        let weight = (self.traces.len() - positives) as f32 / positives.max(1) as f32;
        let mut model = Model::new(features);
        let training: Vec<usize> = (0..self.traces.len()).filter(|&i| wanted(self.traces[i].1)).collect();
        for round in 0..ROUNDS {
            // A fixed permutation: steps of a prime that does not divide the count.
            let stride = [7919, 104_729, 15_485_863][round % 3];
            let count = training.len();
            let stride = if count.is_multiple_of(stride) { 1 } else { stride };
            for step in 0..count {
                let (_, _, kind, surface) = &self.traces[training[step * stride % count]];
                let style = scale.of(&surface.style);
                let (target, weight) = if kind.is_none() { (1.0, weight) } else { (0.0, 1.0) };
                model.learn(&style, &surface.words, target, weight);
            }
        }
        TrainedProbe { model, scale: scale.clone() }
    }

    fn scale(&self) -> Scale {
        let count = self.traces.len() as f64;
        let mut scale = Scale { mean: [0.0; STYLE], deviation: [1.0; STYLE] };
        for feature in 0..STYLE {
            let values = self.traces.iter().map(|trace| f64::from(trace.3.style[feature]));
            let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), v| (sum + v, squares + v * v));
            let average = sum / count;
            scale.mean[feature] = average as f32;
            let deviation = (squares / count - average * average).max(0.0).sqrt() as f32;
            scale.deviation[feature] = deviation.max(1e-3);
        }
        scale
    }
}

/// What the probe looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Features {
    Style,
    StyleAndWords,
}

/// A probe that is ready to score.
pub struct TrainedProbe {
    model: Model,
    scale: Scale,
}

impl TrainedProbe {
    /// Higher: more like a reference trace.
    #[must_use]
    pub fn score(&self, trace: &str) -> f64 {
        self.score_of(&surface(trace))
    }

    fn score_of(&self, surface: &Surface) -> f64 {
        f64::from(self.model.score(&self.scale.of(&surface.style), &surface.words))
    }
}

/// Mean and deviation of the features of style.
#[derive(Clone)]
struct Scale {
    mean: [f32; STYLE],
    deviation: [f32; STYLE],
}

impl Scale {
    fn of(&self, style: &[f32; STYLE]) -> [f32; STYLE] {
        std::array::from_fn(|at| ((style[at] - self.mean[at]) / self.deviation[at]).clamp(-6.0, 6.0))
    }
}

/// A logistic regression, trained by AdaGrad with a little shrinkage.
struct Model {
    features: Features,
    weights: Vec<f32>,
    squares: Vec<f32>,
    bias: f32,
}

impl Model {
    fn new(features: Features) -> Model {
        let size = STYLE + if features == Features::StyleAndWords { BUCKETS } else { 0 };
        Model { features, weights: vec![0.0; size], squares: vec![1.0; size], bias: 0.0 }
    }

    fn score(&self, style: &[f32; STYLE], words: &[u32]) -> f32 {
        let mut score = self.bias;
        for (weight, value) in self.weights.iter().zip(style) {
            score += weight * value;
        }
        if self.features == Features::StyleAndWords {
            let each = 1.0 / (words.len().max(1) as f32).sqrt();
            score += words.iter().map(|word| self.weights[STYLE + *word as usize] * each).sum::<f32>();
        }
        score
    }

    fn learn(&mut self, style: &[f32; STYLE], words: &[u32], target: f32, weight: f32) {
        const RATE: f32 = 0.05;
        const SHRINK: f32 = 1e-4;
        let error = weight * (1.0 / (1.0 + (-self.score(style, words)).exp()) - target);
        let mut step = |at: usize, value: f32| {
            let gradient = error * value + SHRINK * self.weights[at];
            self.squares[at] += gradient * gradient;
            self.weights[at] -= RATE * gradient / self.squares[at].sqrt();
        };
        for (at, value) in style.iter().enumerate() {
            step(at, *value);
        }
        if self.features == Features::StyleAndWords {
            let each = 1.0 / (words.len().max(1) as f32).sqrt();
            for word in words {
                step(STYLE + *word as usize, each);
            }
        }
        self.bias -= RATE * 0.1 * error;
    }
}

fn surface(text: &str) -> Surface {
    const MARKS: [char; 16] =
        ['.', ',', '=', '+', '-', '*', '/', '$', '%', '(', ')', ':', ';', '?', '\'', '"'];
    let mut style = [0.0_f32; STYLE];
    let characters = text.chars().count().max(1) as f32;
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = |of: &dyn Fn(char) -> bool| text.chars().filter(|c| of(*c)).count() as f32;
    let digits = count(&|c| c.is_ascii_digit());
    let mut features = vec![
        characters,
        characters.ln(),
        words.len() as f32,
        text.lines().count() as f32,
        text.lines().count() as f32 / words.len().max(1) as f32,
        digits,
        digits / characters,
        count(&char::is_uppercase),
        count(&char::is_uppercase) / characters,
        characters / words.len().max(1) as f32,
    ];
    features.extend(MARKS.iter().map(|mark| count(&|c| c == *mark)));
    let numbers: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    let many = numbers.len().max(1) as f32;
    let share = |of: &dyn Fn(&str) -> bool| numbers.iter().filter(|n| of(n)).count() as f32 / many;
    features.extend([
        numbers.len() as f32,
        share(&|n| n.len() > 2),
        share(&|n| n.ends_with('0')),
        share(&|n| n.ends_with('5')),
        share(&|n| n.ends_with(['1', '3', '7', '9'])),
        share(&|n| n.len() == 1),
        numbers.last().map_or(0.0, |n| n.len() as f32),
        text.lines().last().map_or(0.0, |line| line.chars().count() as f32),
        text.lines().map(|line| line.chars().count()).max().unwrap_or(0) as f32,
        f32::from(u8::from(text.ends_with('.'))),
    ]);
    for (slot, value) in style.iter_mut().zip(features) {
        *slot = value;
    }
    let mut hashed = Vec::with_capacity(2 * words.len());
    let mut before: Option<String> = None;
    for word in words {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !"+-*/=$%".contains(c)).to_lowercase();
        hashed.push(bucket(&word));
        if let Some(before) = &before {
            hashed.push(bucket(&(before, &word)));
        }
        before = Some(word);
    }
    hashed.sort_unstable();
    hashed.dedup();
    Surface { style, words: hashed }
}

fn bucket(of: &impl Hash) -> u32 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    (hasher.finish() % BUCKETS as u64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};
    use tracelift_domain::{Negative, Positive, TaskDomain};

    fn group(id: usize, positive: &str, negative: &str) -> Group {
        Group {
            problem_id: format!("p{id}"),
            source: "test".into(),
            task_type: TaskDomain::Math,
            problem: String::new(),
            reference_solution: String::new(),
            positive_pool: vec![Positive {
                reasoning: positive.into(),
                rubric: BTreeMap::new(),
                extra: Map::new(),
            }],
            negative_bank: vec![Negative {
                reasoning: negative.into(),
                negative_kind: "kind".into(),
                rubric: BTreeMap::new(),
                extra: [("x".to_owned(), json!(1))].into_iter().collect(),
            }],
            metadata: Map::new(),
        }
    }

    #[test]
    fn a_fingerprint_is_found_and_noise_is_not() {
        let mut marked = Probe::default();
        let mut clean = Probe::default();
        for id in 0..200 {
            let word = |salt: u64| format!("word{}", Seed(salt).child("w", id as u64).0 % 50);
            let (a, b) = (format!("{} and {}", word(1), word(2)), format!("{} and {}", word(3), word(4)));
            marked.see(&group(id, &a, &format!("{b} certainly")));
            clean.see(&group(id, &a, &b));
        }
        let (marked, clean) = (marked.report().unwrap(), clean.report().unwrap());
        assert!(marked.auc > 0.95 && marked.kinds["kind"] > 0.95, "{marked:?}");
        assert!((0.35..0.65).contains(&clean.auc), "{clean:?}");
        assert!(Probe::default().report().is_none());
    }
}
