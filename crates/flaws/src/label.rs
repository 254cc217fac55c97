//! Rubric labels by construction: a rule knows what it broke, so the labels follow from the flaw.
//!
//! # What a flaw costs
//!
//! A trace starts with the best label (4) in every dimension and loses what the flaw's kind costs there:
//!
//! | math, steps | understanding | strategy | coherence | calculation | answer support |
//! |---|---|---|---|---|---|
//! | `arithmetic_slip` | 0 | 0 | 1 | 3 | 1 |
//! | `wrong_operation` | 1 | 3 | 0 | 1 | 1 |
//! | `dropped_step` | 0 | 2 | 3 | 0 | 1 |
//! | `misread_quantity` | 3 | 1 | 0 | 1 | 1 |
//! | `swapped_entities` | 2 | 1 | 1 | 0 | 1 |
//! | `unit_or_rate_error` | 2 | 1 | 0 | 2 | 1 |
//! | `premature_conclusion` | 0 | 1 | 2 | 0 | 2 |
//!
//! | code | understanding | plan | coherence | action support | non-leakage |
//! |---|---|---|---|---|---|
//! | `wrong_algorithm_choice` | 1 | 3 | 1 | 1 | 0 |
//! | `missing_edge_case` | 2 | 2 | 0 | 1 | 0 |
//! | `off_by_one` | 1 | 1 | 1 | 2 | 0 |
//! | `incorrect_logic` | 0 | 3 | 1 | 1 | 0 |
//! | `ignored_constraint` | 3 | 1 | 0 | 1 | 0 |
//! | `wrong_io_format` | 2 | 0 | 1 | 2 | 0 |
//! | `missing_type_guard` | 1 | 2 | 0 | 2 | 0 |
//!
//! No rule makes a trace leak, so `non_leakage` is never touched. Two things modulate the table:
//!
//! - a **spoiling** flaw costs two labels more in answer (action) support, because what follows from the trace is
//!   wrong; a benign one keeps the table's cost there;
//! - an **early** flaw (in the first third of the steps) costs one label more in coherence, because all that follows
//!   is built on it.
//!
//! # The total
//!
//! `total = worth · Σ_d label_d / 20`, `worth` = 0.8 for a benign flaw and 0.5 for a spoiling one: a trace that is
//! wrong somewhere is worth less than the mean of its labels, and one that leads astray much less. That puts benign
//! flaws between 0.52 and 0.60 and spoiling ones between 0.27 and 0.33, far below the 1.0 of a flawless trace, and no
//! spoiling flaw above a benign one. Totals are rounded to four digits.

use tracelift_domain::{DIMENSIONS, Effect, Flaw, FlawKind, Label, Rubric};

/// Where `step_coherence` stands in both families of dimensions.
const COHERENCE: usize = 2;
/// Where `answer_support` stands among the dimensions of math and steps.
const ANSWER_SUPPORT: usize = 4;
/// Where `action_support` stands among the dimensions of code.
const ACTION_SUPPORT: usize = 3;

/// What a spoiling flaw costs beyond the table, in answer or action support.
const SPOILING: u8 = 2;
/// What an early flaw costs beyond the table, in coherence.
const EARLY: u8 = 1;
/// What the second and every further flaw takes from the total.
const FURTHER_FLAW: f64 = 0.05;

/// The table: labels lost in each dimension, and which of them is the support dimension.
fn cost(kind: FlawKind) -> ([u8; DIMENSIONS], usize) {
    use FlawKind::*;
    match kind {
        ArithmeticSlip => ([0, 0, 1, 3, 1], ANSWER_SUPPORT),
        WrongOperation => ([1, 3, 0, 1, 1], ANSWER_SUPPORT),
        DroppedStep => ([0, 2, 3, 0, 1], ANSWER_SUPPORT),
        MisreadQuantity => ([3, 1, 0, 1, 1], ANSWER_SUPPORT),
        SwappedEntities => ([2, 1, 1, 0, 1], ANSWER_SUPPORT),
        UnitOrRateError => ([2, 1, 0, 2, 1], ANSWER_SUPPORT),
        PrematureConclusion => ([0, 1, 2, 0, 2], ANSWER_SUPPORT),
        WrongAlgorithmChoice => ([1, 3, 1, 1, 0], ACTION_SUPPORT),
        MissingEdgeCase => ([2, 2, 0, 1, 0], ACTION_SUPPORT),
        OffByOne => ([1, 1, 1, 2, 0], ACTION_SUPPORT),
        IncorrectLogic => ([0, 3, 1, 1, 0], ACTION_SUPPORT),
        IgnoredConstraint => ([3, 1, 0, 1, 0], ACTION_SUPPORT),
        WrongIoFormat => ([2, 0, 1, 2, 0], ACTION_SUPPORT),
        MissingTypeGuard => ([1, 2, 0, 2, 0], ACTION_SUPPORT),
    }
}

/// The share of its labels' mean that a trace with such a flaw is worth.
fn worth(effect: Effect) -> f64 {
    match effect {
        Effect::Benign => 0.8,
        Effect::Spoiling => 0.5,
    }
}

/// The rubric of a trace without flaws: every label 4, total 1.
#[must_use]
pub fn flawless() -> Rubric {
    Rubric::from_labels([Label::BEST; DIMENSIONS])
}

/// The rubric of a trace with one flaw, of a problem that needs `steps` steps. The labels stand in the order of
/// [`dimension_names`](tracelift_domain::rubric::dimension_names) of a domain that has the flaw's kind.
#[must_use]
pub fn label(flaw: &Flaw, steps: usize) -> Rubric {
    let (mut lost, support) = cost(flaw.kind);
    if flaw.effect == Effect::Spoiling {
        lost[support] += SPOILING;
    }
    if flaw.step.saturating_mul(3) < steps {
        lost[COHERENCE] += EARLY;
    }
    let mut rubric = flawless();
    for (label, lost) in rubric.labels.iter_mut().zip(lost) {
        *label = lower(*label, lost);
    }
    let total = worth(flaw.effect) * Rubric::from_labels(rubric.labels).total;
    Rubric { total: rounded(total), ..rubric }
}

/// The rubric of a trace with any number of flaws, of a problem that needs `steps` steps: in each dimension the worst
/// label that any of them leaves; of the totals the worst, less 0.05 for each flaw beyond the first, never below 0.
/// No flaw at all is worth every label.
#[must_use]
pub fn noisy_rubric(flaws: &[Flaw], steps: usize) -> Rubric {
    let worst = flaws.iter().map(|flaw| label(flaw, steps)).fold(flawless(), |worst, one| Rubric {
        labels: std::array::from_fn(|d| worst.labels[d].min(one.labels[d])),
        total: worst.total.min(one.total),
    });
    let further = flaws.len().saturating_sub(1) as f64;
    Rubric { total: rounded((worst.total - FURTHER_FLAW * further).max(0.0)), ..worst }
}

/// The label `lost` below this one, or the lowest there is.
fn lower(label: Label, lost: u8) -> Label {
    // A label never grows by losing, so this is one; were it not, it would stay as it is.
    Label::new(label.get().saturating_sub(lost)).unwrap_or(label)
}

fn rounded(total: f64) -> f64 {
    (total * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;
    use tracelift_domain::{TaskDomain, rubric::dimension_names};

    const DOMAINS: [TaskDomain; 2] = [TaskDomain::Math, TaskDomain::Code];

    fn flaw(kind: FlawKind, effect: Effect, step: usize) -> Flaw {
        Flaw { kind, effect, step }
    }

    #[test]
    fn the_modulated_dimensions_are_the_ones_meant() {
        for domain in [TaskDomain::Math, TaskDomain::Steps, TaskDomain::Code] {
            let names = dimension_names(domain);
            assert_eq!(names[COHERENCE], "step_coherence");
            for &kind in FlawKind::of(domain) {
                let support = if domain == TaskDomain::Code { "action_support" } else { "answer_support" };
                assert_eq!(names[cost(kind).1], support, "{kind:?}");
            }
        }
        assert_eq!(dimension_names(TaskDomain::Code)[4], "non_leakage");
    }

    #[test]
    fn each_kind_has_its_own_profile() {
        for domain in DOMAINS {
            let profiles: HashSet<_> = FlawKind::of(domain).iter().map(|&kind| cost(kind).0).collect();
            assert_eq!(profiles.len(), 7);
        }
    }

    #[test]
    fn the_documented_table_is_the_one_in_use() {
        let source = include_str!("label.rs");
        for kind in DOMAINS.into_iter().flat_map(FlawKind::of) {
            let (costs, _) = cost(*kind);
            let cells: Vec<String> = costs.iter().map(ToString::to_string).collect();
            let row = format!("//! | `{}` | {} |\n", kind.name(), cells.join(" | "));
            assert!(source.contains(&row), "the documentation lacks {row}");
        }
    }

    #[test]
    fn totals_lie_where_the_documentation_says() {
        for kind in DOMAINS.into_iter().flat_map(FlawKind::of) {
            for step in 0..9 {
                let benign = label(&flaw(*kind, Effect::Benign, step), 9);
                let spoiling = label(&flaw(*kind, Effect::Spoiling, step), 9);
                assert!((0.52..=0.60).contains(&benign.total), "{kind:?} {step}: {}", benign.total);
                assert!((0.27..=0.33).contains(&spoiling.total), "{kind:?} {step}: {}", spoiling.total);
                assert!(
                    benign.labels != flawless().labels && spoiling.labels < benign.labels,
                    "{kind:?} {step}"
                );
            }
        }
    }

    #[test]
    fn an_early_flaw_costs_a_little_more() {
        for kind in DOMAINS.into_iter().flat_map(FlawKind::of) {
            for effect in [Effect::Benign, Effect::Spoiling] {
                let totals: Vec<f64> =
                    (0..6).map(|step| label(&flaw(*kind, effect, step), 6).total).collect();
                let difference = totals[2] - totals[0];
                assert!((0.02..=0.05).contains(&difference), "{kind:?} {effect:?}: {totals:?}");
                assert_eq!(totals[..2], [totals[0]; 2]);
                assert_eq!(totals[2..], [totals[2]; 4]);
            }
        }
    }

    fn flaws() -> impl Strategy<Value = Vec<Flaw>> {
        let one = (0..7_usize, any::<bool>(), 0..12_usize).prop_map(|(kind, spoils, step)| {
            let effect = if spoils { Effect::Spoiling } else { Effect::Benign };
            flaw(FlawKind::of(TaskDomain::Math)[kind], effect, step)
        });
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn another_flaw_never_helps(flaws in flaws(), steps in 0..12_usize) {
            for count in 1..=flaws.len() {
                let [fewer, more] = [count - 1, count].map(|count| noisy_rubric(&flaws[..count], steps));
                prop_assert!(more.labels.iter().zip(fewer.labels).all(|(more, fewer)| *more <= fewer));
                prop_assert!(more.total < fewer.total || more.total == 0.0);
                prop_assert!((0.0..=1.0).contains(&more.total));
            }
        }

        #[test]
        fn the_order_of_flaws_does_not_matter(mut flaws in flaws(), steps in 0..12_usize) {
            let rubric = noisy_rubric(&flaws, steps);
            flaws.reverse();
            prop_assert_eq!(noisy_rubric(&flaws, steps), rubric);
        }
    }

    #[test]
    fn one_flaw_is_labelled_as_one_and_none_as_flawless() {
        let one = flaw(FlawKind::OffByOne, Effect::Spoiling, 2);
        assert_eq!(noisy_rubric(&[one], 4), label(&one, 4));
        assert_eq!(noisy_rubric(&[], 4), flawless());
        assert_eq!(flawless().total, 1.0);
    }
}
