use super::*;

const STEP: f32 = 1.0 / 4096.0;
/// Log-probabilities lie in one binade, so that a step to either side is exact.
const OLD: f32 = -1.5;

/// The loss `steps` steps away from a log-probability.
fn loss_at(log_prob: f32, steps: f32, case: &Case) -> f64 {
    let moved = log_prob + steps * STEP;
    assert_eq!(f64::from(moved), f64::from(log_prob) + f64::from(steps * STEP), "a step is rounded");
    case.at(moved).loss
}

/// [`policy_term`] of a token whose own log-probability moved, with the divergence of GRPO.
fn policy_term(
    log_prob: f32,
    old: f32,
    start: Option<f32>,
    advantage: f32,
    clip: Clip,
    kl: f32,
) -> PolicyTerm {
    let objective = Objective { clip, kl, divergence: Divergence::K3 };
    super::policy_term(log_prob, f64::from(log_prob) - f64::from(old), start, advantage, &objective)
}

#[derive(Clone, Copy, Debug)]
struct Case {
    advantage: f32,
    clip: Clip,
    start: Option<f32>,
    kl: f32,
}

impl Case {
    fn at(&self, log_prob: f32) -> PolicyTerm {
        policy_term(log_prob, OLD, self.start, self.advantage, self.clip, self.kl)
    }
}

/// Both signs of the advantage and none, wide and narrow clips, with and without a start policy on either side.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for advantage in [1.7, 0.3, 0.0, -0.4, -1.3] {
        for clip in [Clip { low: 0.2, high: 0.2, dual: None }, Clip { low: 0.1, high: 0.28, dual: None }] {
            for (start, kl) in [(None, 0.0), (Some(-1.25), 0.04), (Some(-1.75), 0.5), (Some(-1.25), 0.0)] {
                cases.push(Case { advantage, clip, start, kl });
            }
        }
    }
    cases
}

#[test]
fn the_slope_is_the_derivative_of_the_loss_on_both_sides_of_both_clips() {
    let mut clipped = 0;
    for case in cases() {
        let (low, high) = ((1.0 - case.clip.low).ln(), (1.0 + case.clip.high).ln());
        let near = 4.0 * STEP;
        for shift in [2.0 * low, low - near, low + near, 0.0, high - near, high + near, 2.0 * high] {
            let log_prob = OLD + shift;
            let term = case.at(log_prob);
            let central =
                (loss_at(log_prob, 1.0, &case) - loss_at(log_prob, -1.0, &case)) / (2.0 * f64::from(STEP));
            let error = (central - f64::from(term.slope)).abs();
            assert!(error < 1e-6, "{case:?} at {shift}: the slope is {}, not {central}", term.slope);
            let held = (case.advantage > 0.0 && shift > high) || (case.advantage < 0.0 && shift < low);
            assert_eq!(term.clipped, held, "{case:?} at {shift}");
            clipped += usize::from(held);
        }
    }
    assert_eq!(clipped, 4 * 2 * 4 * 2, "two places beyond the clip for each case with an advantage");
}

/// At a clip the loss is continuous, its slopes from inside and outside are those of the formula, and the term's own is
/// that of the inside.
#[test]
fn at_a_clip_the_inside_counts() {
    for Case { advantage, start, kl, .. } in cases() {
        for shift in [-0.25_f32, 0.25] {
            let log_prob = OLD + shift;
            let ratio = shift.exp();
            // A clip at exactly this ratio: within a factor of two of 1 the difference is not rounded.
            let clip = match shift > 0.0 {
                true => Clip { low: 0.5, high: ratio - 1.0, dual: None },
                false => Clip { low: 1.0 - ratio, high: 0.5, dual: None },
            };
            let case = Case { advantage, clip, start, kl };
            let term = case.at(log_prob);
            assert!(!term.clipped, "{case:?}: clipped at the clip itself");

            let pull = start.map_or(0.0, |start| f64::from(kl) * (1.0 - f64::from(start - log_prob).exp()));
            let inside = -f64::from(advantage) * f64::from(ratio) + pull;
            assert!((f64::from(term.slope) - inside).abs() < 1e-6, "{case:?}: {} at the clip", term.slope);
            let divergence = start.map_or(0.0, |start| {
                let d = f64::from(start - log_prob);
                f64::from(kl) * (d.exp() - d - 1.0)
            });
            let value = -f64::from(advantage) * f64::from(ratio) + divergence;
            assert!((term.loss - value).abs() < 1e-6, "{case:?}: {} at the clip", term.loss);

            // One-sided, of second order: their error is that of the third derivative.
            let sided = |side: f32| {
                let [one, two] = [1.0, 2.0].map(|steps| loss_at(log_prob, side * steps, &case));
                f64::from(side) * (4.0 * one - two - 3.0 * term.loss) / (2.0 * f64::from(STEP))
            };
            let outward = shift.signum();
            // Only good tokens are held back above, and bad ones below.
            let binds = advantage * outward > 0.0;
            let outside = if binds { pull } else { inside };
            // The value at the clip is known to the rounding of an exponential in f32, which the step divides.
            assert!((sided(-outward) - inside).abs() < 1e-3, "{case:?}: from inside {}", sided(-outward));
            assert!((sided(outward) - outside).abs() < 1e-3, "{case:?}: from outside {}", sided(outward));
        }
    }
}

#[test]
fn values_are_those_of_the_formula() {
    let clip = Clip { low: 0.2, high: 0.3, dual: None };
    let term = |log_prob, advantage| policy_term(log_prob, -1.0, None, advantage, clip, 0.0);
    assert_eq!(term(-1.0, 2.0), PolicyTerm { loss: -2.0, slope: -2.0, clipped: false, divergence: None });
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    // Likelier by e^½: a good token counts 1.3 and stops, a bad one counts in full.
    let (good, bad) = (term(-0.5, 2.0), term(-0.5, -2.0));
    near(good.loss, -2.6);
    assert_eq!((good.slope, good.clipped, bad.clipped), (0.0, true, false));
    near(bad.loss, 2.0 * 0.5_f64.exp());
    // The other way round.
    let (good, bad) = (term(-1.5, 2.0), term(-1.5, -2.0));
    near(bad.loss, 1.6);
    assert_eq!((bad.slope, bad.clipped, good.clipped), (0.0, true, false));
    near(good.loss, -2.0 * (-0.5_f64).exp());
    // The divergence, unweighted: 0 where the policy is its start, positive elsewhere.
    let pulled = |start| policy_term(-1.0, -1.0, Some(start), 0.0, clip, 0.1);
    assert_eq!((pulled(-1.0).loss, pulled(-1.0).slope, pulled(-1.0).divergence), (0.0, 0.0, Some(0.0)));
    near(pulled(-2.0).divergence.unwrap(), (-1.0_f64).exp());
    near(pulled(-2.0).loss, 0.1 * (-1.0_f64).exp());
    assert!(pulled(-2.0).slope > 0.0 && pulled(-0.5).slope < 0.0, "the pull leads away from the start");
}

/// With clips of 0 the first pass, in which every ratio is 1, learns all the same.
#[test]
fn clips_of_zero_still_learn() {
    for advantage in [1.0, -1.0] {
        let term = policy_term(-2.0, -2.0, None, advantage, Clip { low: 0.0, high: 0.0, dual: None }, 0.0);
        assert_eq!((term.slope, term.clipped), (-advantage, false));
    }
}

/// A divergence far smaller than what `f32` can tell from 1 is not lost.
#[test]
fn a_small_divergence_is_not_rounded_away() {
    let (log_prob, start) = (-1.0_f32, -1.0_f32 + 1.0 / 8192.0);
    let found = policy_term(log_prob, -1.0, Some(start), 0.0, Clip { low: 0.2, high: 0.2, dual: None }, 1.0);
    let d = 1.0 / 8192.0_f64;
    let expected = d * d / 2.0 + d * d * d / 6.0;
    assert!((found.loss / expected - 1.0).abs() < 1e-6, "{} instead of {expected}", found.loss);
}

#[test]
fn importance_is_the_ratio_up_to_the_cap() {
    for (trainer, sampler, cap, weight, capped) in [
        (-1.0, -1.0, 2.0, 1.0, false),
        (-2.0, -1.0, 2.0, (-1.0_f32).exp(), false),
        (-1.0, -1.5, 2.0, 0.5_f32.exp(), false),
        (-1.0, -2.0, 2.0, 2.0, true),
        // Beyond what `f32` holds.
        (-1.0, -200.0, 3.0, 3.0, true),
        (-200.0, -1.0, 3.0, 0.0, false),
        // A cap below 1 holds all tokens back.
        (-1.0, -1.0, 0.5, 0.5, true),
    ] {
        assert_eq!(
            importance(trainer, sampler, cap),
            Importance { weight, capped },
            "{trainer} and {sampler}"
        );
    }
}

/// Weighing the advantage weighs the clipped term and leaves the divergence alone.
#[test]
fn a_weight_goes_through_the_minimum() {
    for case in cases() {
        for shift in [-0.5, 0.0, 0.5] {
            for weight in [0.0, 0.25, 1.0, 3.0] {
                let whole = case.at(OLD + shift);
                let alone = Case { start: None, kl: 0.0, ..case }.at(OLD + shift);
                let weighed = Case { advantage: weight * case.advantage, ..case }.at(OLD + shift);
                let near = |found: f64, expected: f64| {
                    assert!((found - expected).abs() < 1e-5, "{case:?}, {weight}: {found}, not {expected}");
                };
                let weight = f64::from(weight);
                near(weighed.loss, weight * alone.loss + (whole.loss - alone.loss));
                let (slope, policy) = (f64::from(whole.slope), f64::from(alone.slope));
                near(f64::from(weighed.slope), weight * policy + (slope - policy));
            }
        }
    }
}

/// A bad token that has become likely is held back from the dual clip on, a good one is not its matter.
#[test]
fn the_dual_clip_bounds_what_a_bad_token_adds() {
    let term = |advantage: f32, ratio: f32, dual| {
        let clip = Clip { low: 0.2, high: 0.3, dual };
        policy_term(-2.0 + ratio.ln(), -2.0, None, advantage, clip, 0.0)
    };
    let free = term(-2.0, 5.0, None);
    assert!((free.loss - 10.0).abs() < 1e-5 && !free.clipped);
    let held = term(-2.0, 5.0, Some(3.0));
    assert_eq!((held.loss, held.slope, held.clipped), (6.0, 0.0, true));
    for (advantage, ratio) in [(-2.0, 2.0), (-2.0, 0.9), (-2.0, 0.5), (2.0, 5.0), (2.0, 0.1), (0.0, 9.0)] {
        assert_eq!(term(advantage, ratio, Some(3.0)), term(advantage, ratio, None), "{advantage}, {ratio}");
    }
}

/// The three estimates, and their derivatives by central differences.
#[test]
fn divergences_are_estimated_as_named() {
    let at = |divergence, log_prob: f32, start: f32| {
        let clip = Clip { low: 0.2, high: 0.2, dual: None };
        super::policy_term(log_prob, 0.0, Some(start), 0.0, &Objective { clip, kl: 0.5, divergence })
    };
    for (divergence, value) in [
        (Divergence::K1, Box::new(|d: f64| -d) as Box<dyn Fn(f64) -> f64>),
        (Divergence::K2, Box::new(|d| d * d / 2.0)),
        (Divergence::K3, Box::new(|d| d.exp() - d - 1.0)),
    ] {
        for (log_prob, start) in [(-1.5, -1.25), (-1.5, -1.75), (-1.5, -1.5)] {
            let found = at(divergence, log_prob, start);
            let expected = value(f64::from(start - log_prob));
            assert!((found.divergence.unwrap() - expected).abs() < 1e-12, "{divergence:?}");
            assert_eq!(found.loss, 0.5 * found.divergence.unwrap());
            let [up, down] = [STEP, -STEP].map(|step| at(divergence, log_prob + step, start).loss);
            let central = (up - down) / (2.0 * f64::from(STEP));
            assert!((central - f64::from(found.slope)).abs() < 1e-6, "{divergence:?}: {central}");
        }
    }
}
