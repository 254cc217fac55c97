//! What a reward model learns while it reads a trace, beside the published loss at the last token.
//!
//! A group says more than its labels do: a reference shows what comes next in a good trace, and a flawed trace *is* the
//! reference up to the token in which it leaves it, and flawed from there on. With `f_t = σ(v·h_t + β)`, a head that is left
//! behind when training ends, and `t*` the first token of a flawed trace that is not its reference's:
//!
//! `problem·mean −log p(x_t | x_<t)  +  language·mean −log p(z⁺_t | z⁺_<t)  +  numbers·mean −log p(z⁺_t | z⁺_<t)
//! +  flawed·mean BCE(f_t, [t ≥ t*])  +  contrast·mean BCE(f_t*, flawed or reference)`
//!
//! over the tokens of problems, of references, of numbers in references, of all traces, and of both traces at each `t*`. Labels of whole traces alone left small
//! models at chance for flaws of one token (`docs/reward-model.md` has the figures).

use super::draw::Drawn;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::AddAssign;
use tracelift_engine::{Batch, Passage, ReadoutLearner, Target};

/// The weights of the terms; zeros leave the published loss alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadingWeights {
    /// Of the problem's next token: something to learn a language from where the backbone knows none.
    pub problem: f64,
    /// Of the reference's next token.
    pub language: f64,
    /// Of the reference's next token where it belongs to a number: words are matters of style, numbers follow from what was
    /// read.
    pub numbers: f64,
    /// Of whether what was read so far is flawed.
    pub flawed: f64,
    /// Of the same where a flawed trace leaves its reference, at either's token.
    pub contrast: f64,
    /// So many blocks below the last one next tokens are predicted: the blocks above can judge the text by the
    /// prediction.
    pub below: usize,
}

impl Default for ReadingWeights {
    fn default() -> ReadingWeights {
        ReadingWeights { problem: 0.0, language: 1.0, numbers: 0.0, flawed: 1.0, contrast: 1.0, below: 0 }
    }
}

/// The terms, not yet weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadingTerms {
    /// The problem's next token.
    pub problem: f64,
    /// The reference's next token.
    pub language: f64,
    /// The reference's next token where it belongs to a number.
    pub numbers: f64,
    /// Whether what was read so far is flawed.
    pub flawed: f64,
    /// The same at the tokens in which traces part.
    pub contrast: f64,
}

impl ReadingTerms {
    /// The weighted sum.
    #[must_use]
    pub fn total(&self, weights: &ReadingWeights) -> f64 {
        weights.problem * self.problem
            + weights.language * self.language
            + weights.numbers * self.numbers
            + weights.flawed * self.flawed
            + weights.contrast * self.contrast
    }
}

impl AddAssign for ReadingTerms {
    fn add_assign(&mut self, other: ReadingTerms) {
        self.problem += other.problem;
        self.language += other.language;
        self.numbers += other.numbers;
        self.flawed += other.flawed;
        self.contrast += other.contrast;
    }
}

/// What the terms are means over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ReadingCounts {
    problem: usize,
    language: usize,
    numbers: usize,
    tokens: usize,
    contrasts: usize,
}

impl AddAssign for ReadingCounts {
    fn add_assign(&mut self, other: ReadingCounts) {
        self.problem += other.problem;
        self.language += other.language;
        self.numbers += other.numbers;
        self.tokens += other.tokens;
        self.contrasts += other.contrasts;
    }
}

/// A token of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TraceToken {
    row: usize,
    /// Whether the trace is flawed here or earlier.
    flawed: bool,
    /// How many pairs of traces part here.
    contrasts: usize,
}

/// What can be learned while reading a batch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// The next tokens of problems.
    problem: Vec<Target>,
    /// The next tokens of references.
    language: Vec<Target>,
    /// Those of them that belong to numbers.
    numbers: Vec<Target>,
    tokens: Vec<TraceToken>,
}

impl Reading {
    /// Of groups that `batch` packs in this order: in each a reference, and flawed traces that branch off from it. Which
    /// tokens belong to numbers is said by `in_numbers`.
    pub fn of(groups: &[Drawn], batch: &Batch, in_numbers: impl Fn(u32) -> bool) -> Reading {
        let mut reading = Reading::default();
        let mut spans = batch.spans().iter();
        for group in groups {
            let Some((reference, flawed)) = group.split_first() else { continue };
            let Some(trunk) = spans.next() else { break };
            // By the row of the reference's token: how many flawed traces have another one there.
            let mut partings: HashMap<usize, usize> = HashMap::new();
            for (trace, span) in flawed.iter().zip(&mut spans) {
                let (theirs, own) =
                    (&reference.tokens[reference.trace_from..], &trace.tokens[trace.trace_from..]);
                let same = theirs.iter().zip(own).take_while(|(a, b)| a == b).count();
                if same < theirs.len() {
                    *partings.entry(trunk.row(reference.trace_from + same)).or_default() += 1;
                }
                let parting = trace.trace_from + same;
                for at in parting..trace.tokens.len() {
                    let contrasts = usize::from(at == parting);
                    reading.tokens.push(TraceToken { row: span.row(at), flawed: true, contrasts });
                }
            }
            for at in reference.trace_from..reference.tokens.len() {
                let row = trunk.row(at);
                let contrasts = partings.get(&row).copied().unwrap_or(0);
                reading.tokens.push(TraceToken { row, flawed: false, contrasts });
            }
            for at in 1..reference.tokens.len() {
                let target = Target { row: trunk.row(at - 1) as u32, token: reference.tokens[at] };
                if at < reference.trace_from {
                    reading.problem.push(target);
                    continue;
                }
                if in_numbers(target.token) {
                    reading.numbers.push(target);
                }
                reading.language.push(target);
            }
        }
        reading
    }

    pub fn counts(&self) -> ReadingCounts {
        ReadingCounts {
            problem: self.problem.len(),
            language: self.language.len(),
            numbers: self.numbers.len(),
            tokens: self.tokens.len(),
            contrasts: self.tokens.iter().map(|token| token.contrasts).sum(),
        }
    }

    /// The terms of this batch as a share of what the `whole` step is a mean over; their gradients go into the passage and
    /// the `head` (`v` and `β`).
    pub fn backward(
        &self,
        weights: &ReadingWeights,
        whole: &ReadingCounts,
        passage: &mut Passage<'_>,
        head: &mut ReadoutLearner,
    ) -> ReadingTerms {
        let share = |count: usize| 1.0 / count.max(1) as f64;
        let mut terms = ReadingTerms::default();
        for (weight, targets, count, term) in [
            (weights.problem, &self.problem, whole.problem, &mut terms.problem),
            (weights.language, &self.language, whole.language, &mut terms.language),
            (weights.numbers, &self.numbers, whole.numbers, &mut terms.numbers),
        ] {
            if weight > 0.0 {
                let slope = -(weight * share(count)) as f32;
                let scores = passage.learn_below(weights.below, targets, |_, _| slope);
                let sum: f64 = scores.iter().map(|score| f64::from(score.log_prob)).sum();
                *term = -sum * share(count);
            }
        }
        if weights.flawed == 0.0 && weights.contrast == 0.0 {
            return terms;
        }
        let rows: Vec<usize> = self.tokens.iter().map(|token| token.row).collect();
        let hidden = passage.hidden(&rows);
        let mut slopes = Vec::with_capacity(rows.len());
        for (token, hidden) in self.tokens.iter().zip(hidden.chunks_exact(head.readout().inputs())) {
            let z = head.readout().output(0, hidden);
            let label = f64::from(u8::from(token.flawed));
            // −log σ(z) for a flawed token, −log σ(−z) otherwise, without overflow.
            let loss = z.max(0.0) - z * label + (-z.abs()).exp().ln_1p();
            let contrast = token.contrasts as f64 * share(whole.contrasts);
            terms.flawed += loss * share(whole.tokens);
            terms.contrast += loss * contrast;
            let probability = 1.0 / (1.0 + (-z).exp());
            let weight = weights.flawed * share(whole.tokens) + weights.contrast * contrast;
            slopes.push((weight * (probability - label)) as f32);
        }
        let d_hidden = head.backward(&hidden, &slopes);
        passage.add_hidden_gradients(&rows, &d_hidden);
        terms
    }
}

#[cfg(test)]
mod tests;
