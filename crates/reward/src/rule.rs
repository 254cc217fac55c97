//! Reward rules: pure functions from evidence to a number.
//!
//! `e` is the outcome of the primary run, `w` and `b` the mean success with the trace and without any, `u = w − b`,
//! `s` the reward model's score, `λ` the weight of the reason. Unknown evidence makes the reward unknown, and only
//! the evidence that a rule uses counts.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use tracelift_domain::{Probability, Uplift};

/// What is known of one trace. `None` is unknown, which is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// `e`: success of the primary run.
    pub outcome: Option<Probability>,
    /// `w`: mean success with the trace.
    pub with_trace: Option<Probability>,
    /// `b`: mean success of the same executor without any trace.
    pub without: Option<Probability>,
    /// `s`: the reward model's score.
    pub rubric: Option<Probability>,
}

impl Evidence {
    /// `u = w − b`, where both are known.
    #[must_use]
    pub fn uplift(&self) -> Option<Uplift> {
        Some(Uplift::between(self.with_trace?, self.without?))
    }
}

/// Which measurements a rule uses; what it does not use is not measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// How many executor runs with the trace, given `K`.
    pub with_runs: usize,
    /// Whether `b` is needed.
    pub baseline: bool,
    /// Whether `s` is needed.
    pub rubric: bool,
}

/// By how much a reward grows with each quantity, near a mean rubric score and uplift: `∂r/∂e`, `∂r/∂w` beyond uplift, `∂r/∂s`, `∂r/∂u`. What
/// they leave of a reward's deviation from its mean is what quantities do together (of a product, their joint deviation) or
/// what is not linear (a sign, a clamp).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slopes {
    /// Of the outcome.
    pub outcome: f64,
    /// Of the success with the trace.
    pub with_trace: f64,
    /// Of the rubric score.
    pub rubric: f64,
    /// Of the uplift.
    pub uplift: f64,
}

/// How evidence becomes a reward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `e`: the baseline of the paper.
    ExecOnly,
    /// The mean over all `K + 1` runs with the trace: as many executor calls as [`Rule::Tracelift`], so that a
    /// better reward can be told from less noise.
    ExecOnlyMatched,
    /// `(1 − λ)·e + λ·s·u`: good and useful.
    Tracelift,
    /// `(1 − λ)·e + λ·s`: what the uplift buys, by leaving it out.
    NoUplift,
    /// `(1 − λ)·e + λ·u`: what the rubric buys, by leaving it out.
    UpliftOnly,
    /// `(1 − λ)·e + λ·(s + u)/2`: what the product buys, by adding instead.
    Additive,
    /// `s·u`: what the outcome of the primary run buys, by leaving it out. `λ` has no part in it.
    RmUpliftOnly,
    /// `clamp(e + λ·s·c, 0, 1)`, with the sign of the uplift for the uplift: the published code's rule for programs, which has `λ = 0.2`.
    /// `c` is 1 where `w > b` and −1 where `w < b`. On a tie it says how often the executor succeeds, which is no uplift: 0 for never,
    /// 1 for always, and `n/(n + 1)` between for `n` successes of three, as published; of another `K`, `n = 3w`.
    TraceliftSign,
}

/// `c` of [`Rule::TraceliftSign`].
fn sign(with: Probability, without: Probability) -> f64 {
    let (w, b) = (with.get(), without.get());
    match w.total_cmp(&b) {
        Ordering::Greater => 1.0,
        Ordering::Less => -1.0,
        Ordering::Equal if w >= 1.0 => 1.0,
        Ordering::Equal => 3.0 * w / (3.0 * w + 1.0),
    }
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 8] = [
        Rule::ExecOnly,
        Rule::ExecOnlyMatched,
        Rule::Tracelift,
        Rule::NoUplift,
        Rule::UpliftOnly,
        Rule::Additive,
        Rule::RmUpliftOnly,
        Rule::TraceliftSign,
    ];

    /// As in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rule::ExecOnly => "exec_only",
            Rule::ExecOnlyMatched => "exec_only_matched",
            Rule::Tracelift => "tracelift",
            Rule::NoUplift => "no_uplift",
            Rule::UpliftOnly => "uplift_only",
            Rule::Additive => "additive",
            Rule::RmUpliftOnly => "rm_uplift_only",
            Rule::TraceliftSign => "tracelift_sign",
        }
    }

    /// As at the head of its row in tables and its curve in reports.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Rule::ExecOnly => "exec-only",
            Rule::ExecOnlyMatched => "exec-only-matched",
            Rule::Tracelift => "TraceLift",
            Rule::NoUplift => "no-uplift",
            Rule::UpliftOnly => "uplift-only",
            Rule::Additive => "additive",
            Rule::RmUpliftOnly => "rubric-times-uplift",
            Rule::TraceliftSign => "TraceLift-sign",
        }
    }

    /// What must be measured, given `K`. The primary run is the first of the runs with the trace.
    #[must_use]
    pub fn needs(self, k: usize) -> Needs {
        let k = k.max(1);
        match self {
            Rule::ExecOnly => Needs { with_runs: 1, baseline: false, rubric: false },
            Rule::ExecOnlyMatched => Needs { with_runs: k + 1, baseline: false, rubric: false },
            Rule::Tracelift | Rule::Additive | Rule::RmUpliftOnly | Rule::TraceliftSign => {
                Needs { with_runs: k, baseline: true, rubric: true }
            }
            Rule::NoUplift => Needs { with_runs: 1, baseline: false, rubric: true },
            Rule::UpliftOnly => Needs { with_runs: k, baseline: true, rubric: false },
        }
    }

    /// The part of the reward that λ weighs (or all of it, where it weighs none): `s·u`, `s`, `u`, `(s + u)/2`, `s·c`, or nothing.
    #[must_use]
    pub fn reason(self, evidence: &Evidence) -> Option<f64> {
        match self {
            Rule::ExecOnly | Rule::ExecOnlyMatched => None,
            Rule::Tracelift | Rule::RmUpliftOnly => Some(evidence.rubric?.get() * evidence.uplift()?.get()),
            Rule::NoUplift => Some(evidence.rubric?.get()),
            Rule::UpliftOnly => Some(evidence.uplift()?.get()),
            Rule::Additive => Some(f64::midpoint(evidence.rubric?.get(), evidence.uplift()?.get())),
            Rule::TraceliftSign => {
                Some(evidence.rubric?.get() * sign(evidence.with_trace?, evidence.without?))
            }
        }
    }

    /// The slopes near a mean rubric score and a mean uplift, of which only products take notice.
    #[must_use]
    pub fn slopes(self, lambda: Probability, rubric: f64, uplift: f64) -> Slopes {
        let lambda = lambda.get();
        let outcome = Slopes { outcome: 1.0 - lambda, ..Slopes::default() };
        match self {
            Rule::ExecOnly | Rule::TraceliftSign => Slopes { outcome: 1.0, ..Slopes::default() },
            Rule::ExecOnlyMatched => Slopes { with_trace: 1.0, ..Slopes::default() },
            Rule::Tracelift => Slopes { rubric: lambda * uplift, uplift: lambda * rubric, ..outcome },
            Rule::NoUplift => Slopes { rubric: lambda, ..outcome },
            Rule::UpliftOnly => Slopes { uplift: lambda, ..outcome },
            Rule::Additive => Slopes { rubric: lambda / 2.0, uplift: lambda / 2.0, ..outcome },
            Rule::RmUpliftOnly => Slopes { rubric: uplift, uplift: rubric, ..Slopes::default() },
        }
    }

    /// What the reward is the sum of: each term of the formula as it is written there, and its value. `None` where a measurement
    /// that the rule uses is unknown.
    #[must_use]
    pub fn terms(self, lambda: Probability, evidence: &Evidence) -> Option<Vec<(&'static str, f64)>> {
        let reward = self.reward(lambda, evidence)?;
        let lambda = lambda.get();
        let reason = || self.reason(evidence).unwrap_or_default();
        let name = match self {
            Rule::ExecOnly => return Some(vec![("e", reward)]),
            Rule::ExecOnlyMatched => return Some(vec![("w", reward)]),
            Rule::RmUpliftOnly => return Some(vec![("s·u", reward)]),
            Rule::TraceliftSign => {
                let (outcome, reason) = (evidence.outcome?.get(), lambda * reason());
                let clamped = reward - outcome - reason;
                return Some(vec![("e", outcome), ("λ·s·c", reason), ("clamp", clamped)]);
            }
            Rule::Tracelift => "λ·s·u",
            Rule::NoUplift => "λ·s",
            Rule::UpliftOnly => "λ·u",
            Rule::Additive => "λ·(s + u)/2",
        };
        Some(vec![("(1 − λ)·e", (1.0 - lambda) * evidence.outcome?.get()), (name, lambda * reason())])
    }

    /// The reward, or `None` where a measurement that the rule uses is unknown.
    #[must_use]
    pub fn reward(self, lambda: Probability, evidence: &Evidence) -> Option<f64> {
        match self {
            Rule::ExecOnly => Some(evidence.outcome?.get()),
            Rule::ExecOnlyMatched => Some(evidence.with_trace?.get()),
            Rule::Tracelift | Rule::NoUplift | Rule::UpliftOnly | Rule::Additive => {
                let (lambda, reason) = (lambda.get(), self.reason(evidence)?);
                Some((1.0 - lambda) * evidence.outcome?.get() + lambda * reason)
            }
            Rule::RmUpliftOnly => self.reason(evidence),
            Rule::TraceliftSign => {
                Some((evidence.outcome?.get() + lambda.get() * self.reason(evidence)?).clamp(0.0, 1.0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn p(value: f64) -> Option<Probability> {
        Probability::new(value).ok()
    }

    const HALF: f64 = 0.5;

    fn reward(rule: Rule, e: f64, w: f64, b: f64, s: f64) -> f64 {
        let evidence = Evidence { outcome: p(e), with_trace: p(w), without: p(b), rubric: p(s) };
        rule.reward(p(HALF).unwrap(), &evidence).unwrap()
    }

    #[test]
    fn rules_compute_their_formulas() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} instead of {b}");
        close(reward(Rule::ExecOnly, 1.0, 0.5, 0.2, 0.9), 1.0);
        close(reward(Rule::ExecOnlyMatched, 1.0, 0.5, 0.2, 0.9), 0.5);
        close(reward(Rule::Tracelift, 1.0, 0.75, 0.25, 0.8), 0.5 + 0.5 * 0.8 * 0.5);
        close(reward(Rule::NoUplift, 1.0, 0.75, 0.25, 0.8), 0.5 + 0.5 * 0.8);
        close(reward(Rule::UpliftOnly, 0.0, 0.25, 0.75, 0.8), -0.25);
        close(reward(Rule::Additive, 1.0, 0.75, 0.25, 0.8), 0.5 + 0.5 * 0.65);
        close(reward(Rule::RmUpliftOnly, 1.0, 0.75, 0.25, 0.8), 0.4);
        close(reward(Rule::TraceliftSign, 0.0, 0.75, 0.25, 0.8), 0.4);
        // Clamped: what is above 1, and what a harmful trace would lose below 0.
        close(reward(Rule::TraceliftSign, 1.0, 0.75, 0.25, 0.8), 1.0);
        close(reward(Rule::TraceliftSign, 0.0, 0.25, 0.75, 0.8), 0.0);
        close(reward(Rule::TraceliftSign, 1.0, 0.25, 0.75, 0.8), 0.6);
    }

    #[test]
    fn slopes_are_those_of_the_rewards() {
        let step = 1e-6;
        let at = |e, w: f64, s| (e, w, s);
        let lambda = p(0.3).unwrap();
        let of = |rule: Rule, (e, w, s): (f64, f64, f64)| {
            rule.reward(lambda, &Evidence { outcome: p(e), with_trace: p(w), without: p(0.25), rubric: p(s) })
        };
        let (e, w, s) = (0.5, 0.75, 0.6);
        // The sign's clamp and its sign are what is not linear.
        for rule in Rule::ALL.into_iter().filter(|rule| *rule != Rule::TraceliftSign) {
            let here = of(rule, at(e, w, s)).unwrap();
            let slope = |moved: Option<f64>| (moved.unwrap() - here) / step;
            let found = rule.slopes(lambda, s, w - 0.25);
            assert!((slope(of(rule, at(e + step, w, s))) - found.outcome).abs() < 1e-6, "{rule:?}");
            let both = found.with_trace + found.uplift;
            assert!((slope(of(rule, at(e, w + step, s))) - both).abs() < 1e-6, "{rule:?}");
            assert!((slope(of(rule, at(e, w, s + step))) - found.rubric).abs() < 1e-6, "{rule:?}");
        }
    }

    #[test]
    fn a_tie_of_three_runs_counts_as_published() {
        for (successes, c) in [(0.0, 0.0), (1.0, 1.0 / 2.0), (2.0, 2.0 / 3.0), (3.0, 1.0)] {
            let rate = successes / 3.0;
            let found = reward(Rule::TraceliftSign, 0.0, rate, rate, 1.0);
            assert!((found - HALF * c).abs() < 1e-12, "{successes} of 3: {found}");
        }
    }

    #[test]
    fn no_uplift_means_no_reason_reward() {
        // What the published code gets wrong: 3/3 with and 3/3 without is no uplift and earns no bonus.
        assert_eq!(reward(Rule::Tracelift, 1.0, 1.0, 1.0, 1.0), HALF);
    }

    #[test]
    fn harm_is_punished_in_proportion_to_the_rubric() {
        assert!(reward(Rule::Tracelift, 0.0, 0.0, 1.0, 1.0) < reward(Rule::Tracelift, 0.0, 0.0, 1.0, 0.5));
    }

    #[test]
    fn names_are_those_of_configurations() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_string(&rule).unwrap(), format!("\"{}\"", rule.name()));
        }
    }

    proptest! {
        #[test]
        fn unknown_evidence_that_a_rule_uses_makes_the_reward_unknown(
            e in prop::option::of(0.0..=1.0), w in prop::option::of(0.0..=1.0),
            b in prop::option::of(0.0..=1.0), s in prop::option::of(0.0..=1.0), k in 1_usize..5,
        ) {
            let evidence = Evidence {
                outcome: e.and_then(p), with_trace: w.and_then(p), without: b.and_then(p), rubric: s.and_then(p),
            };
            for rule in Rule::ALL {
                let needs = rule.needs(k);
                let uses_outcome = !matches!(rule, Rule::ExecOnlyMatched | Rule::RmUpliftOnly);
                let uses_runs = !matches!(rule, Rule::ExecOnly | Rule::NoUplift);
                let known = (!uses_outcome || e.is_some()) && (!uses_runs || w.is_some())
                    && (!needs.baseline || b.is_some()) && (!needs.rubric || s.is_some());
                let reward = rule.reward(p(HALF).unwrap(), &evidence);
                prop_assert_eq!(reward.is_some(), known, "{:?} {:?}", rule, evidence);
                let terms = rule.terms(p(HALF).unwrap(), &evidence);
                let sum = terms.map(|terms| terms.iter().map(|(_, value)| value).sum::<f64>());
                prop_assert_eq!(sum.is_some(), known);
                prop_assert!(sum.zip(reward).is_none_or(|(sum, reward)| (sum - reward).abs() < 1e-12));
                if let Some(reward) = reward {
                    prop_assert!((-1.0..=1.0).contains(&reward));
                }
            }
        }
    }
}
