use super::*;
use tracelift_domain::Probability;
use tracelift_reward::{Evidence, Rule};

fn config(rule: Rule) -> RewardConfig {
    RewardConfig { rule, ..RewardConfig::default() }
}

/// Rollouts of one group under a rule: e, w, b and s each, rewarded and compared as training does it (without a deviation).
fn group(rule: Rule, step: u64, group_index: u64, traces: &[(f64, f64, f64, f64)]) -> Vec<RolloutNumbers> {
    let p = |value: f64| Probability::new(value).ok();
    let mut rollouts: Vec<RolloutNumbers> = traces
        .iter()
        .map(|&(e, w, b, s)| {
            let evidence = Evidence { outcome: p(e), with_trace: p(w), without: p(b), rubric: p(s) };
            RolloutNumbers {
                step,
                group_index,
                e: Some(e),
                w: Some(w),
                b: Some(b),
                u: Some(w - b),
                s: Some(s),
                reward: config(rule).reward(&evidence),
                verified: Some(s > 0.5),
                ..RolloutNumbers::default()
            }
        })
        .collect();
    let middle = rollouts.iter().filter_map(|r| r.reward).sum::<f64>() / rollouts.len() as f64;
    for rollout in &mut rollouts {
        rollout.advantage = rollout.reward.map(|reward| reward - middle);
    }
    rollouts
}

const MIXED: [(f64, f64, f64, f64); 4] =
    [(1.0, 1.0, 0.25, 0.9), (1.0, 0.5, 0.25, 0.2), (0.0, 0.25, 0.25, 0.8), (0.0, 0.0, 0.25, 0.1)];

#[test]
fn shares_add_up_to_all_whatever_the_rule() {
    for rule in Rule::ALL {
        let found = diagnose(&group(rule, 1, 0, &MIXED), &config(rule)).credit.unwrap();
        let Credit { outcome, rubric, uplift, joint, format, length } = found;
        assert!(
            (outcome + rubric + uplift + joint + format + length - 1.0).abs() < 1e-9,
            "{rule:?}: {found:?}"
        );
        let linear = ![Rule::Tracelift, Rule::RmUpliftOnly, Rule::TraceliftSign].contains(&rule);
        assert!(!linear || joint.abs() < 1e-9, "{rule:?}: {found:?}");
    }
}

#[test]
fn a_rule_of_one_part_gives_it_everything() {
    let found = diagnose(&group(Rule::ExecOnly, 1, 0, &MIXED), &config(Rule::ExecOnly));
    assert_eq!(found.credit, Some(Credit { outcome: 1.0, ..Credit::default() }));
    assert_eq!(found.decided, Some(Decided { by_outcome: 1.0, between_equals: 0.0, against_outcome: 0.0 }));
}

#[test]
fn credit_by_hand() {
    // No uplift, λ = ½: r = e/2 + s/2. e = 1, 0 and s = 0.2, 0.6: deviations ±¼ and ∓0.1, of r ±0.15.
    let rule = Rule::NoUplift;
    let found = diagnose(&group(rule, 1, 0, &[(1.0, 1.0, 0.0, 0.2), (0.0, 0.0, 0.0, 0.6)]), &config(rule));
    let credit = found.credit.unwrap();
    assert!((credit.outcome - 0.25 / 0.15).abs() < 1e-9 && (credit.rubric + 0.1 / 0.15).abs() < 1e-9);
}

#[test]
fn a_saturated_rubric_is_seen_and_leaves_the_outcome_s_order() {
    let rule = Rule::NoUplift;
    let saturated = MIXED.map(|(e, w, b, _)| (e, w, b, 0.97));
    let found = diagnose(&group(rule, 1, 0, &saturated), &config(rule));
    assert_eq!(found.rubric, Some(RubricUse { flat: 1.0, spread: 0.0, at_top: 1.0 }));
    assert!((found.credit.unwrap().outcome - 1.0).abs() < 1e-9);
    assert_eq!(found.decided.map(|d| d.by_outcome), Some(1.0));
    assert_eq!(found.correlation, None, "what does not vary is correlated with nothing");
}

#[test]
fn a_rubric_that_decides_against_the_outcome_is_seen() {
    let rule = Rule::NoUplift;
    let reward = RewardConfig { lambda: Probability::new(0.9).unwrap(), ..config(rule) };
    let mut rollouts = group(rule, 1, 0, &[(1.0, 1.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 0.0, 0.5)]);
    for rollout in &mut rollouts {
        rollout.reward = Some(0.1 * rollout.e.unwrap() + 0.9 * rollout.s.unwrap());
    }
    let found = diagnose(&rollouts, &reward).decided.unwrap();
    let third = 1.0 / 3.0;
    assert_eq!((found.by_outcome, found.between_equals, found.against_outcome), (0.0, third, 2.0 * third));
}

#[test]
fn groups_without_spread_and_replaced_ones_are_told_apart() {
    let rule = Rule::ExecOnly;
    let mut rollouts = group(rule, 1, 0, &MIXED);
    rollouts.extend(group(rule, 1, 1, &[MIXED[0], MIXED[1]]));
    rollouts.extend(
        group(rule, 1, 2, &[MIXED[2], MIXED[3]]).into_iter().map(|r| RolloutNumbers { replaced: true, ..r }),
    );
    let found = diagnose(&rollouts, &config(rule));
    assert_eq!((found.groups, found.without_spread), (2, Some(0.5)));
}

#[test]
fn agreement_is_with_the_exact_checker() {
    let rule = Rule::NoUplift;
    let mut rollouts = group(rule, 1, 0, &MIXED);
    assert_eq!(diagnose(&rollouts, &config(rule)).agreement.unwrap().auc, Some(1.0));
    for rollout in &mut rollouts {
        rollout.verified = rollout.verified.map(|verified| !verified);
    }
    let found = diagnose(&rollouts, &config(rule)).agreement.unwrap();
    assert_eq!((found.auc, found.auc_if_right), (Some(0.0), Some(0.0)));
    rollouts.iter_mut().for_each(|rollout| rollout.verified = None);
    assert_eq!(diagnose(&rollouts, &config(rule)).agreement, None);
}

/// Eight steps in which the score and the share of sound traces move evenly.
fn course(score_by: f64, verified_falls: bool) -> Vec<RolloutNumbers> {
    let mut rollouts = Vec::new();
    for step in 0..8_u64 {
        let score = 0.4 + score_by * step as f64 / 8.0;
        for (at, jitter) in [(0_u64, -0.01), (1, 0.01)] {
            for mut rollout in group(Rule::NoUplift, step, at, &[(1.0, 1.0, 0.0, score + jitter); 4]) {
                rollout.verified = Some(!(verified_falls && step + at >= 4));
                rollouts.push(rollout);
            }
        }
    }
    rollouts
}

#[test]
fn a_score_that_rises_while_sound_traces_get_fewer_is_reported() {
    let watch = |rollouts: &[RolloutNumbers]| diagnose(rollouts, &config(Rule::NoUplift)).drift;
    assert_eq!(watch(&course(0.4, true)).pleases_the_reader(), Some(true));
    assert_eq!(watch(&course(0.4, false)).pleases_the_reader(), Some(false));
    assert_eq!(watch(&course(-0.4, true)).pleases_the_reader(), Some(false));
    let mut unread = course(0.4, true);
    unread.iter_mut().for_each(|rollout| rollout.s = None);
    assert_eq!(watch(&unread).pleases_the_reader(), None);
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(diagnose(&[], &config(Rule::Tracelift)), Diagnosis::default());
}
