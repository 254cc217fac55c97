use super::*;
use std::collections::BTreeMap;
use tracelift_domain::{DIMENSIONS, Label, Rubric};
use tracelift_reward::assessment::{Contest, ScoredGroup, ScoredSolution, ScoredTrace};
use tracelift_reward::{RubricScore, ScoreFailure};

fn said(label: f64, total: f64) -> RubricScore {
    let derived = label / 4.0;
    RubricScore { dimensions: [label; DIMENSIONS], derived, total, score: (derived + total) / 2.0 }
}

fn trace(kind: Option<&str>, label: u8, score: Result<RubricScore, ScoreFailure>) -> ScoredTrace {
    let mut labels = [Label::BEST; DIMENSIONS];
    labels[3] = Label::new(label).unwrap();
    ScoredTrace { kind: kind.map(str::to_owned), gold: Rubric::from_labels(labels), score }
}

/// Eight groups that a model reads well but for slips, and a judge that gives nearly everything the top.
fn groups(judge: bool) -> Vec<ScoredGroup> {
    let scores = |problem: u32, flawed: bool, slip: bool| {
        let wobble = 0.01 * f64::from(problem);
        match (judge, flawed) {
            (true, false) => Ok(said(4.0, 1.0)),
            (true, true) if problem == 5 => Err(ScoreFailure::NotAScore),
            (true, true) => Ok(if problem < 6 { said(4.0, 1.0) } else { said(3.0, 0.5) }),
            (false, false) => Ok(said(3.8, 0.9 + wobble)),
            (false, true) if slip && problem.is_multiple_of(3) => Ok(said(3.9, 0.95 + wobble / 2.0)),
            (false, true) => Ok(said(2.5, 0.6 + wobble)),
        }
    };
    (0..8)
        .map(|problem| ScoredGroup {
            problem: format!("p{problem}"),
            traces: vec![
                trace(None, 4, scores(problem, false, false)),
                trace(Some("arithmetic_slip"), 0, scores(problem, true, true)),
                trace(Some("dropped_step"), 2, scores(problem, true, false)),
            ],
        })
        .collect()
}

fn table() -> ScorerTable {
    let probe = (0..8).map(|i| Contest {
        problem: ["a", "b", "c", "d", "e", "f", "g", "h"][i],
        references: vec![f64::from(i as u32 % 2)],
        flawed: vec![("arithmetic_slip", 0.3), ("dropped_step", 0.0)],
    });
    ScorerTable {
        domain: TaskDomain::Math,
        scorers: vec![
            ("model".into(), Assessment::of(&groups(false))),
            ("judge".into(), Assessment::of(&groups(true))),
        ],
        constant: Constant::of(&groups(false)),
        probe: Some(Ranking::of(probe)),
    }
}

#[test]
fn scorers_stand_side_by_side() {
    insta::assert_snapshot!(table().overview().text());
}

#[test]
fn one_scorer_in_detail() {
    let table = table();
    let assessment = &table.scorers[0].1;
    let text = [table.aspects(assessment), table.by_kind(assessment), table.reliability(assessment)]
        .map(|grid| grid.text());
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn solutions() {
    let solution = |problem: usize, at: usize| ScoredSolution {
        problem: format!("p{problem}"),
        correct: (problem + at).is_multiple_of(3),
        score: match (problem, at) {
            (4, 3) => Err(ScoreFailure::NotAScore),
            _ => Ok(0.1 * at as f64 + if (problem * at).is_multiple_of(4) { 0.2 } else { 0.0 }),
        },
    };
    let all: Vec<ScoredSolution> = (0..6).flat_map(|p| (0..4).map(move |at| solution(p, at))).collect();
    let table = SolutionTable {
        scorers: vec![("model".into(), SolutionAssessment::of(&all, &[1, 2, 4, 8]))],
        first_errors: vec![],
    };
    let text = [table.discrimination(), table.best_of(&table.scorers[0].1)].map(|grid| grid.text());
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn nothing_known_is_a_dash() {
    let empty = SolutionAssessment::of(&[], &[1]);
    assert_eq!((empty.area, empty.unscored.clone()), (None, BTreeMap::new()));
    let table = SolutionTable { scorers: vec![("m".into(), empty)], first_errors: vec![] };
    assert!(
        table.discrimination().text().contains('–') && table.best_of(&table.scorers[0].1).rows.is_empty()
    );
    let nothing = ScorerTable { domain: TaskDomain::Code, scorers: vec![], constant: None, probe: None };
    assert!(!nothing.overview().text().contains("NaN"));
}
