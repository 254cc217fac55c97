//! Choosing the next token from a row of logits.

use crate::real::{max, vectorized};
use rand::Rng;
use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;

/// How tokens are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    /// Only the `k` most probable tokens; 0 is all.
    #[serde(default)]
    pub top_k: usize,
    /// Only the most probable tokens that together reach this mass; 1 is all.
    #[serde(default = "one")]
    pub top_p: f32,
    /// Only tokens at least this times as probable as the most probable one; 0 is all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub min_p: f32,
    /// The budget of new tokens.
    pub max_tokens: usize,
    /// Tokens that end a sequence.
    #[serde(default)]
    pub stop: Vec<u32>,
}

fn one() -> f32 {
    1.0
}

/// What is older than the setting stays the same.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

impl Sampling {
    /// The most probable token at every step.
    #[must_use]
    pub fn greedy(max_tokens: usize, stop: Vec<u32>) -> Sampling {
        Sampling { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, max_tokens, stop }
    }

    /// # Errors
    /// Names the setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        Sampling::check(f64::from(self.temperature), f64::from(self.top_p), self.max_tokens as u64)?;
        if !(0.0..=1.0).contains(&self.min_p) {
            let value = shown(f64::from(self.min_p));
            return Err(SettingError::value("min_p", value, "a number from 0 to 1"));
        }
        Ok(())
    }

    /// What everyone who samples may be told, here or behind a server, in this type or another: a temperature of 0 or so
    /// large that logits divided by it are numbers, a mass in (0, 1], room for a token.
    ///
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn check(temperature: f64, top_p: f64, max_tokens: u64) -> Result<(), SettingError> {
        let refuse = |key: &str, value: String, expected| Err(SettingError::value(key, value, expected));
        if temperature != 0.0 && !(f64::from(0.0001_f32)..=100.0).contains(&temperature) {
            return refuse("temperature", shown(temperature), "0 (greedy), or a number from 0.0001 to 100");
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return refuse("top_p", shown(top_p), "a number above 0 and at most 1");
        }
        if max_tokens == 0 {
            return refuse("max_tokens", "0".to_owned(), "at least 1");
        }
        Ok(())
    }
}

/// A number as it was written, also where it came through an `f32`.
fn shown(value: f64) -> String {
    let short = value as f32;
    if f64::from(short) == value { short.to_string() } else { value.to_string() }
}

/// Tokens whose weights are summed together, so that a draw need not walk the whole vocabulary.
const CHUNK: usize = 256;

/// One thread's scratch for drawing.
pub struct Drawer {
    sums: Vec<f64>,
    ranked: Vec<u32>,
}

/// What is told of a token: its log-probability, and the most probable tokens in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scored {
    /// `log p` of the token.
    pub log_prob: f32,
    /// The most probable tokens and their `log p`, the first first; as many as were asked for. `−∞` where nothing is left of a
    /// probability.
    pub alternatives: Vec<(u32, f32)>,
}

/// The most probable tokens of a row (logits, or weights that grow with them), the first first; ties by id.
fn likeliest(row: &[f32], count: usize) -> Vec<u32> {
    let mut best: Vec<u32> = Vec::with_capacity(count + 1);
    if count == 0 {
        return best;
    }
    for (i, value) in row.iter().enumerate() {
        if best.len() == count && best.last().is_some_and(|&last| *value <= row[last as usize]) {
            continue;
        }
        let place = best.partition_point(|&other| row[other as usize] >= *value);
        best.insert(place, i as u32);
        best.truncate(count);
    }
    best
}

/// What can be drawn after one row of logits.
pub struct Distribution<'a> {
    greedy: bool,
    /// `exp((z − max)/τ)` of every token.
    weights: &'a [f32],
    total: f64,
    /// Of each [`CHUNK`] of tokens.
    sums: &'a [f64],
    likeliest: u32,
    /// What top-k and top-p leave, the most probable first, and its weight in all.
    kept: Option<(&'a [u32], f64)>,
}

impl Drawer {
    /// Scratch for each of `members` threads.
    pub fn team(vocabulary: usize, members: usize) -> Vec<Drawer> {
        let drawer = || Drawer { sums: vec![0.0; vocabulary.div_ceil(CHUNK)], ranked: Vec::new() };
        (0..members).map(|_| drawer()).collect()
    }

    /// Takes the memory that drawing by these settings needs, before anything is drawn.
    pub fn prepare(&mut self, sampling: &Sampling, vocabulary: usize) {
        if !sampling.draws_from_all() {
            self.ranked.clear();
            self.ranked.reserve(vocabulary);
        }
    }

    /// How probable a token of a text is after the text before it (at temperature 1), and the `count` most probable tokens there.
    /// The logits are overwritten; `None` as in [`Drawer::read`].
    pub fn score(&mut self, logits: &mut [f32], token: u32, count: usize) -> Option<Scored> {
        let top = max(logits);
        let likeliest = likeliest(logits, count);
        let raw: Vec<f32> = likeliest.iter().map(|&i| logits[i as usize]).collect();
        let own = *logits.get(token as usize)?;
        let total = self.read(&Sampling::greedy(1, Vec::new()), logits)?.total;
        // Of logits, not of weights: what is as good as impossible still has a number.
        let log_prob = |z: f32| (f64::from(z) - f64::from(top) - total.ln()) as f32;
        let alternatives = likeliest.into_iter().zip(raw).map(|(token, z)| (token, log_prob(z))).collect();
        Some(Scored { log_prob: log_prob(own), alternatives })
    }

    /// Turns a row of logits into what can be drawn; the logits are overwritten. `None` where one of them is infinite or
    /// not a number: then the row says nothing, and whatever were drawn would look like a choice of the model.
    pub fn read<'a>(&'a mut self, sampling: &Sampling, logits: &'a mut [f32]) -> Option<Distribution<'a>> {
        let finite = vectorized(
            #[inline(always)]
            || logits.iter().fold(true, |finite, z| finite & z.is_finite()),
        );
        if !finite {
            return None;
        }
        let greedy = sampling.temperature == 0.0;
        let inverse = if greedy { 1.0 } else { 1.0 / sampling.temperature };
        let sums = &mut self.sums[..logits.len().div_ceil(CHUNK)];
        let total = vectorized(
            #[inline(always)]
            || {
                let top = max(logits);
                let mut total = 0.0;
                for (chunk, sum) in logits.chunks_mut(CHUNK).zip(sums.iter_mut()) {
                    for z in chunk.iter_mut() {
                        *z = crate::real::Real::exp((*z - top) * inverse);
                    }
                    *sum = mass_above(chunk, 0.0).0;
                    total += *sum;
                }
                total
            },
        );
        let weights = &*logits;
        // The largest logit alone has weight 1, unless others come within rounding of it; the first of them counts.
        let likeliest = weights.iter().position(|&weight| weight >= 1.0).unwrap_or(0) as u32;
        let kept = (!greedy && !sampling.draws_from_all()).then(|| {
            let kept = sampling.nucleus(weights, total, &mut self.ranked);
            let kept = &self.ranked[..kept];
            (kept, kept.iter().map(|&i| f64::from(weights[i as usize])).sum())
        });
        Some(Distribution { greedy, weights, total, sums, likeliest, kept })
    }
}

impl Distribution<'_> {
    /// Draws a token; returns it and its log-probability under the whole distribution.
    pub fn draw(&mut self, rng: &mut impl Rng) -> (u32, f32) {
        let token = if self.greedy {
            self.likeliest
        } else {
            let drawn: f64 = rng.random();
            let token = match self.kept {
                Some((kept, mass)) => walk(kept.iter().map(|&i| (i, self.weights[i as usize])), drawn * mass),
                None => self.walk_all(drawn * self.total),
            };
            token.unwrap_or(self.likeliest)
        };
        (token, (f64::from(self.weights[token as usize]) / self.total).ln() as f32)
    }

    /// The `count` most probable tokens and their log-probabilities under the whole distribution.
    pub fn alternatives(&self, count: usize) -> Vec<(u32, f32)> {
        let log_prob = |i: u32| (f64::from(self.weights[i as usize]) / self.total).ln() as f32;
        likeliest(self.weights, count).into_iter().map(|i| (i, log_prob(i))).collect()
    }

    /// Finds the chunk at which the running sum passes `goal`, then the token in it.
    fn walk_all(&self, goal: f64) -> Option<u32> {
        let (mut before, mut chunk) = (0.0, 0);
        while chunk + 1 < self.sums.len() && before + self.sums[chunk] <= goal {
            before += self.sums[chunk];
            chunk += 1;
        }
        let first = chunk * CHUNK;
        let end = self.weights.len().min(first + CHUNK);
        walk((first..end).map(|i| (i as u32, self.weights[i])), goal - before)
    }
}

/// How much weight tokens of at least `least` have together, and how many they are.
#[inline(always)]
fn mass_above(weights: &[f32], least: f32) -> (f64, usize) {
    const LANES: usize = 8;
    let (mut masses, mut counts) = ([0.0_f64; LANES], [0_u32; LANES]);
    let (chunks, rest) = weights.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            let counts_in = chunk[lane] >= least;
            masses[lane] += if counts_in { f64::from(chunk[lane]) } else { 0.0 };
            counts[lane] += u32::from(counts_in);
        }
    }
    let (mut mass, mut count) = (masses.iter().sum(), counts.iter().sum::<u32>() as usize);
    for &weight in rest.iter().filter(|weight| **weight >= least) {
        mass += f64::from(weight);
        count += 1;
    }
    (mass, count)
}

impl Sampling {
    fn draws_from_all(&self) -> bool {
        self.top_k == 0 && self.top_p >= 1.0 && self.min_p <= 0.0
    }

    /// Ranks tokens, the most probable first (ties by id), and says how many top-k, top-p and then min-p leave.
    fn nucleus(&self, weights: &[f32], total: f64, ranked: &mut Vec<u32>) -> usize {
        let kept = self.cut(weights, total, ranked);
        // The largest weight is 1.
        let probable = ranked[..kept].partition_point(|&token| weights[token as usize] >= self.min_p);
        if self.min_p > 0.0 { probable.max(1) } else { kept }
    }

    /// Ranks tokens, and says how many top-k and top-p leave.
    fn cut(&self, weights: &[f32], total: f64, ranked: &mut Vec<u32>) -> usize {
        let limit = if self.top_k == 0 { weights.len() } else { self.top_k.min(weights.len()) };
        let wanted = f64::from(self.top_p) * total;
        // Sort no more of a large vocabulary than is needed: lower the bar until enough tokens pass it. The largest
        // weight is 1.
        let mut least = 1.0 / 16.0;
        loop {
            let (mass, count) = vectorized(
                #[inline(always)]
                || mass_above(weights, least),
            );
            if mass >= wanted || count >= limit || least == 0.0 {
                break;
            }
            least = if least > 1e-12 { least / 16.0 } else { 0.0 };
        }
        ranked.clear();
        ranked.extend((0..weights.len() as u32).filter(|&i| weights[i as usize] >= least));
        ranked.sort_unstable_by(|a, b| weights[*b as usize].total_cmp(&weights[*a as usize]).then(a.cmp(b)));
        let mut mass = 0.0;
        for (i, &token) in ranked.iter().take(limit).enumerate() {
            mass += f64::from(weights[token as usize]);
            if mass >= wanted {
                return i + 1;
            }
        }
        limit.min(ranked.len())
    }
}

/// The first token at which the running sum passes `goal`; the last one with weight if rounding misses it.
fn walk(weights: impl Iterator<Item = (u32, f32)>, goal: f64) -> Option<u32> {
    let (mut sum, mut last) = (0.0, None);
    for (token, weight) in weights {
        if weight > 0.0 {
            sum += f64::from(weight);
            last = Some(token);
            if sum > goal {
                return last;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::Seed;

    const LOGITS: [f32; 5] = [0.0, 2.0, 1.0, -1.0, 0.5];

    fn choose(sampling: &Sampling, rng: &mut impl Rng) -> (u32, f32) {
        Drawer::team(5, 1)[0].read(sampling, &mut LOGITS.clone()).unwrap().draw(rng)
    }

    fn frequencies(sampling: &Sampling) -> [f64; 5] {
        let mut rng = Seed(3).rng();
        let mut counts = [0.0; 5];
        let draws = 40_000;
        for _ in 0..draws {
            let (token, log_prob) = choose(sampling, &mut rng);
            counts[token as usize] += 1.0 / f64::from(draws);
            assert!(log_prob < 0.0);
        }
        counts
    }

    fn expected(temperature: f64, kept: &[usize]) -> [f64; 5] {
        let weight = |i: usize| (f64::from(LOGITS[i]) / temperature).exp();
        let total: f64 = kept.iter().map(|&i| weight(i)).sum();
        std::array::from_fn(|i| if kept.contains(&i) { weight(i) / total } else { 0.0 })
    }

    #[test]
    fn draws_follow_the_distribution() {
        let plain =
            Sampling { temperature: 0.7, top_k: 0, top_p: 1.0, min_p: 0.0, max_tokens: 1, stop: vec![] };
        for (sampling, kept) in [
            (plain.clone(), vec![0, 1, 2, 3, 4]),
            (Sampling { top_k: 2, ..plain.clone() }, vec![1, 2]),
            // At T = 0.7 the masses are 0.70, 0.17, 0.08, 0.04, 0.01 in order of rank.
            (Sampling { top_p: 0.8, ..plain.clone() }, vec![1, 2]),
            (Sampling { top_p: 0.97, ..plain.clone() }, vec![1, 2, 4, 0]),
            (Sampling { top_k: 1, ..plain.clone() }, vec![1]),
            // Weights are 1, 0.24, 0.12, 0.057, 0.014 in order of rank.
            (Sampling { min_p: 0.1, ..plain.clone() }, vec![1, 2, 4]),
            (Sampling { min_p: 0.1, top_k: 2, ..plain.clone() }, vec![1, 2]),
            (Sampling { min_p: 1.0, ..plain }, vec![1]),
        ] {
            let (found, wanted) = (frequencies(&sampling), expected(0.7, &kept));
            for i in 0..5 {
                assert!((found[i] - wanted[i]).abs() < 0.01, "{sampling:?}: {found:?} instead of {wanted:?}");
            }
        }
    }

    #[test]
    fn the_log_probability_is_of_the_whole_distribution() {
        let sampling =
            Sampling { temperature: 0.7, top_k: 1, top_p: 1.0, min_p: 0.0, max_tokens: 1, stop: vec![] };
        let (token, log_prob) = choose(&sampling, &mut Seed(0).rng());
        let all = expected(0.7, &[0, 1, 2, 3, 4]);
        assert_eq!(token, 1);
        assert!((f64::from(log_prob) - all[1].ln()).abs() < 1e-5);
    }

    #[test]
    fn a_token_of_a_text_is_scored_beside_the_likeliest() {
        let mut far = LOGITS;
        far[3] = -200.0;
        for logits in [LOGITS, far] {
            let total: f64 = logits.iter().map(|z| f64::from(*z).exp()).sum();
            for (token, z) in (0..).zip(logits) {
                let scored = Drawer::team(5, 1)[0].score(&mut logits.clone(), token, 3).unwrap();
                assert!((f64::from(scored.log_prob) - (f64::from(z) - total.ln())).abs() < 1e-5);
                let tokens: Vec<u32> = scored.alternatives.iter().map(|(token, _)| *token).collect();
                assert_eq!(tokens, [1, 2, 4]);
                // The very number, by which one sees that the token is the likeliest.
                let found = scored.alternatives.iter().find(|(other, _)| *other == token);
                assert!(found.is_none_or(|(_, log_prob)| *log_prob == scored.log_prob));
            }
        }
        let ties = likeliest(&[1.0, 3.0, 3.0, 2.0, 3.0], 2);
        assert_eq!((ties, likeliest(&[0.0], 5), likeliest(&[0.0], 0)), (vec![1, 2], vec![0], vec![]));
        let drawn = Sampling { temperature: 0.7, ..Sampling::greedy(1, vec![]) };
        let mut drawers = Drawer::team(5, 1);
        let mut logits = LOGITS;
        let mut distribution = drawers[0].read(&drawn, &mut logits).unwrap();
        let (token, log_prob) = distribution.draw(&mut Seed(1).rng());
        let all = distribution.alternatives(5);
        assert!(all.contains(&(token, log_prob)) && all.len() == 5);
    }

    #[test]
    fn a_large_vocabulary_is_drawn_from_like_a_small_one() {
        // Two likely tokens far apart, and a flat tail of a thousandth of the mass.
        let mut logits = vec![-20.0_f32; 3000];
        (logits[700], logits[2990]) = (1.0_f32.ln(), 3.0_f32.ln());
        let plain =
            Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, max_tokens: 1, stop: vec![] };
        for sampling in
            [plain.clone(), Sampling { top_p: 0.99, ..plain.clone() }, Sampling { top_k: 2, ..plain }]
        {
            let mut drawer = Drawer::team(logits.len(), 1);
            let (mut rng, mut counts) = (Seed(5).rng(), [0; 2]);
            let mut logits = logits.clone();
            let mut distribution = drawer[0].read(&sampling, &mut logits).unwrap();
            for _ in 0..20_000 {
                match distribution.draw(&mut rng).0 {
                    700 => counts[0] += 1,
                    2990 => counts[1] += 1,
                    _ => {}
                }
            }
            let share = f64::from(counts[1]) / f64::from(counts[0] + counts[1]);
            assert!(
                counts[0] + counts[1] > 19_900 && (share - 0.75).abs() < 0.02,
                "{sampling:?}: {counts:?}"
            );
        }
    }

    #[test]
    fn nothing_is_drawn_from_logits_that_are_not_finite() {
        for sampling in
            [Sampling::greedy(1, vec![]), Sampling { temperature: 0.7, ..Sampling::greedy(1, vec![]) }]
        {
            let mut drawers = Drawer::team(300, 1);
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for place in [0, 7, 255, 256, 299] {
                    let mut logits = vec![0.5; 300];
                    logits[place] = bad;
                    assert!(drawers[0].read(&sampling, &mut logits).is_none(), "{bad} at {place}");
                }
            }
            // As far apart as numbers can be.
            let mut logits = vec![f32::MIN; 300];
            logits[3] = f32::MAX;
            let drawn = drawers[0].read(&sampling, &mut logits).unwrap().draw(&mut Seed(1).rng());
            assert_eq!(drawn, (3, 0.0));
        }
    }

    #[test]
    fn senseless_settings_are_refused() {
        let good = Sampling::greedy(1, vec![]);
        assert!(good.validate().is_ok());
        assert!(Sampling { temperature: 1e-30, ..good.clone() }.validate().is_err());
        assert!(Sampling { temperature: f32::INFINITY, ..good.clone() }.validate().is_err());
        assert!(Sampling { temperature: f32::NAN, ..good.clone() }.validate().is_err());
        assert!(Sampling { top_p: 0.0, ..good.clone() }.validate().is_err());
        assert!(Sampling { min_p: -0.1, ..good.clone() }.validate().is_err());
        assert!(Sampling { min_p: f32::NAN, ..good.clone() }.validate().is_err());
        assert!(Sampling { max_tokens: 0, ..good }.validate().is_err());
    }
}
