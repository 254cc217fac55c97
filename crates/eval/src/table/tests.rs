use super::*;
use crate::{SampleRecord, paired_difference, sample::tests::sample, summarise};
use insta::assert_snapshot;
use tracelift_domain::{Fingerprint, Seed};

/// Four rows on 40 problems of two levels, three seeds each; better rows are right where worse ones are.
fn samples() -> Vec<SampleRecord> {
    let mut samples = Vec::new();
    for (rank, row) in ["no trace", "base planner", "exec-only", "TraceLift"].into_iter().enumerate() {
        for problem in 0..40 {
            for seed in 0..3 {
                let difficulty = (problem * 7 + seed as usize * 3) % 10;
                let correct = difficulty < 3 + 2 * rank;
                let mut record = sample(row, problem, seed);
                record.level = Some(if problem % 2 == 0 { 4 } else { 8 });
                record.correct = Some(correct);
                if rank == 0 {
                    (record.completion, record.trace) = (None, None);
                } else {
                    record.verified = Some(difficulty < 1 + 2 * rank);
                    record.trace_tokens = Some(40 + (difficulty * rank) as u32);
                    record.baseline_success = Some(0.3);
                    record.with_success = Some(if correct { 1.0 } else { 1.0 / 3.0 });
                    record.leaked = Some(false);
                }
                samples.push(record);
            }
        }
    }
    samples
}

fn table() -> Table {
    let samples = samples();
    let mut table = Table::new(summarise(&samples).unwrap(), Executors::Same).unwrap();
    for metric in [Metric::Accuracy, Metric::VerifiedAccuracy] {
        let difference = paired_difference(&samples, metric, "TraceLift", "exec-only", Seed(3)).unwrap();
        table.add_difference(difference).unwrap();
    }
    table
}

fn on_executor(weights: &[u8], mut samples: Vec<SampleRecord>) -> Vec<SampleRecord> {
    for sample in &mut samples {
        sample.executor = Fingerprint::of([("weights", weights)]);
    }
    samples
}

#[test]
fn a_terminal_shows() {
    assert_snapshot!(table().text(), @r"
    planner         accuracy    verified  wrong reasons  wrong if right       uplift  trace tokens     leaked
    no trace      30.0 ± 1.6           –              –               –            –             –          –
    base planner  50.0 ± 2.7  30.0 ± 1.6     20.0 ± 2.6      40.0 ± 3.7  +36.7 ± 1.8    44.5 ± 0.2  0.0 ± 0.0
    exec-only     70.0 ± 1.6  50.0 ± 2.7     20.0 ± 2.6      28.6 ± 3.6  +50.0 ± 1.1    49.0 ± 0.3  0.0 ± 0.0
    TraceLift     90.0 ± 2.4  70.0 ± 1.6     20.0 ± 2.6      22.2 ± 2.4  +63.3 ± 1.6    53.5 ± 0.5  0.0 ± 0.0
      Means ± standard errors clustered by problem. Shares in per cent, uplift in percentage points.
      verified: answer and trace right. wrong reasons: answer right, trace not; wrong if right: the same as a share of right answers.
      Executor 967e39e10da5, the same in every row.
      40 problems, 120 samples, 0 unscored in each row.

    several samples a problem
    planner        average@3      pass@1       pass@2       pass@3   majority@3
    no trace      30.0 ± 1.6  30.0 ± 1.6   60.0 ± 3.2   90.0 ± 4.8   90.0 ± 4.8
    base planner  50.0 ± 2.7  50.0 ± 2.7   83.3 ± 2.7  100.0 ± 0.0  100.0 ± 0.0
    exec-only     70.0 ± 1.6  70.0 ± 1.6  100.0 ± 0.0  100.0 ± 0.0  100.0 ± 0.0
    TraceLift     90.0 ± 2.4  90.0 ± 2.4  100.0 ± 0.0  100.0 ± 0.0  100.0 ± 0.0

    accuracy by level
    planner          level 4     level 8
    no trace      33.3 ± 0.0  26.7 ± 3.1
    base planner  53.3 ± 3.7  46.7 ± 3.7
    exec-only     73.3 ± 3.1  66.7 ± 0.0
    TraceLift     93.3 ± 3.1  86.7 ± 3.7

    verified by level
    planner          level 4     level 8
    no trace               –           –
    base planner  33.3 ± 0.0  26.7 ± 3.1
    exec-only     53.3 ± 3.7  46.7 ± 3.7
    TraceLift     73.3 ± 3.1  66.7 ± 0.0

    differences
    comparison               metric   difference  95 % interval  problems  unpaired
    TraceLift − exec-only  accuracy  +20.0 ± 2.6  +15.0 … +25.0        40         0
    TraceLift − exec-only  verified  +20.0 ± 2.6  +15.0 … +25.0        40         0
    ");
}

#[test]
fn markdown_shows() {
    assert_snapshot!(table().markdown(), @r"
    | planner | accuracy | verified | wrong reasons | wrong if right | uplift | trace tokens | leaked |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | no trace | 30.0 ± 1.6 | – | – | – | – | – | – |
    | base planner | 50.0 ± 2.7 | 30.0 ± 1.6 | 20.0 ± 2.6 | 40.0 ± 3.7 | +36.7 ± 1.8 | 44.5 ± 0.2 | 0.0 ± 0.0 |
    | exec-only | 70.0 ± 1.6 | 50.0 ± 2.7 | 20.0 ± 2.6 | 28.6 ± 3.6 | +50.0 ± 1.1 | 49.0 ± 0.3 | 0.0 ± 0.0 |
    | TraceLift | 90.0 ± 2.4 | 70.0 ± 1.6 | 20.0 ± 2.6 | 22.2 ± 2.4 | +63.3 ± 1.6 | 53.5 ± 0.5 | 0.0 ± 0.0 |

    - Means ± standard errors clustered by problem. Shares in per cent, uplift in percentage points.
    - verified: answer and trace right. wrong reasons: answer right, trace not; wrong if right: the same as a share of right answers.
    - Executor 967e39e10da5, the same in every row.
    - 40 problems, 120 samples, 0 unscored in each row.

    **several samples a problem**

    | planner | average@3 | pass@1 | pass@2 | pass@3 | majority@3 |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | no trace | 30.0 ± 1.6 | 30.0 ± 1.6 | 60.0 ± 3.2 | 90.0 ± 4.8 | 90.0 ± 4.8 |
    | base planner | 50.0 ± 2.7 | 50.0 ± 2.7 | 83.3 ± 2.7 | 100.0 ± 0.0 | 100.0 ± 0.0 |
    | exec-only | 70.0 ± 1.6 | 70.0 ± 1.6 | 100.0 ± 0.0 | 100.0 ± 0.0 | 100.0 ± 0.0 |
    | TraceLift | 90.0 ± 2.4 | 90.0 ± 2.4 | 100.0 ± 0.0 | 100.0 ± 0.0 | 100.0 ± 0.0 |

    **accuracy by level**

    | planner | level 4 | level 8 |
    | --- | ---: | ---: |
    | no trace | 33.3 ± 0.0 | 26.7 ± 3.1 |
    | base planner | 53.3 ± 3.7 | 46.7 ± 3.7 |
    | exec-only | 73.3 ± 3.1 | 66.7 ± 0.0 |
    | TraceLift | 93.3 ± 3.1 | 86.7 ± 3.7 |

    **verified by level**

    | planner | level 4 | level 8 |
    | --- | ---: | ---: |
    | no trace | – | – |
    | base planner | 33.3 ± 0.0 | 26.7 ± 3.1 |
    | exec-only | 53.3 ± 3.7 | 46.7 ± 3.7 |
    | TraceLift | 73.3 ± 3.1 | 66.7 ± 0.0 |

    **differences**

    | comparison | metric | difference | 95 % interval | problems | unpaired |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | TraceLift − exec-only | accuracy | +20.0 ± 2.6 | +15.0 … +25.0 | 40 | 0 |
    | TraceLift − exec-only | verified | +20.0 ± 2.6 | +15.0 … +25.0 | 40 | 0 |
    ");
}

#[test]
fn what_is_unknown_shows() {
    let mut samples = samples();
    samples[130].correct = None;
    samples.iter_mut().for_each(|sample| {
        sample.verified = None;
        sample.level = None;
    });
    samples[140].with_success = None;
    let table = Table::new(summarise(&samples).unwrap(), Executors::Same).unwrap();
    assert_snapshot!(table.text(), @r"
    planner         accuracy       uplift  trace tokens     leaked  problems  samples  unscored
    no trace      30.0 ± 1.6            –             –          –        40      120         0
    base planner  49.6 ± 2.7  +36.9 ± 1.8    44.5 ± 0.2  0.0 ± 0.0        40      120         1
    exec-only     70.0 ± 1.6  +50.0 ± 1.1    49.0 ± 0.3  0.0 ± 0.0        40      120         0
    TraceLift     90.0 ± 2.4  +63.3 ± 1.6    53.5 ± 0.5  0.0 ± 0.0        40      120         0
      Means ± standard errors clustered by problem. Shares in per cent, uplift in percentage points.
      Executor 967e39e10da5, the same in every row.
      Unknown and left out: 1 of 120 samples for uplift (base planner).
      Not measured: verified, wrong reasons, wrong if right.

    several samples a problem
    planner        average@3      pass@1       pass@2       pass@3   majority@3
    no trace      30.0 ± 1.6  30.0 ± 1.6   60.0 ± 3.2   90.0 ± 4.8   90.0 ± 4.8
    base planner  49.6 ± 2.7  49.6 ± 2.6   83.3 ± 2.7  100.0 ± 0.0  100.0 ± 0.0
    exec-only     70.0 ± 1.6  70.0 ± 1.6  100.0 ± 0.0  100.0 ± 0.0  100.0 ± 0.0
    TraceLift     90.0 ± 2.4  90.0 ± 2.4  100.0 ± 0.0  100.0 ± 0.0  100.0 ± 0.0
    ");
}

#[test]
fn a_transfer_table_names_its_executors() {
    let mut both = samples();
    both.extend(on_executor(b"2", samples()));
    both.retain(|sample| sample.row == "TraceLift" || sample.row == "exec-only");
    let rows = summarise(&both).unwrap();
    let mixed = Table::new(rows.clone(), Executors::Same).unwrap_err();
    assert_snapshot!(mixed, @r"row `exec-only` was measured with executor 5fd1156b72ce, but row `exec-only` with executor 967e39e10da5: their difference is not the planner's alone; evaluate both with one executor, or ask for a transfer table");
    assert_snapshot!(Table::new(rows, Executors::Transfer).unwrap().grid().text(), @r"
    planner        executor    accuracy    verified  wrong reasons  wrong if right       uplift  trace tokens     leaked
    exec-only  967e39e10da5  70.0 ± 1.6  50.0 ± 2.7     20.0 ± 2.6      28.6 ± 3.6  +50.0 ± 1.1    49.0 ± 0.3  0.0 ± 0.0
    TraceLift  967e39e10da5  90.0 ± 2.4  70.0 ± 1.6     20.0 ± 2.6      22.2 ± 2.4  +63.3 ± 1.6    53.5 ± 0.5  0.0 ± 0.0
    exec-only  5fd1156b72ce  70.0 ± 1.6  50.0 ± 2.7     20.0 ± 2.6      28.6 ± 3.6  +50.0 ± 1.1    49.0 ± 0.3  0.0 ± 0.0
    TraceLift  5fd1156b72ce  90.0 ± 2.4  70.0 ± 1.6     20.0 ± 2.6      22.2 ± 2.4  +63.3 ± 1.6    53.5 ± 0.5  0.0 ± 0.0
    ");
}

#[test]
fn a_table_is_written_with_all_that_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evaluation.json");
    tracelift_files::write(&path, table().json().unwrap()).unwrap();
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written, serde_json::to_value(table()).unwrap());
    assert_eq!(written["rows"].as_array().unwrap().len(), table().rows().len());
    assert_eq!(written["rows"][0]["executor"], table().rows()[0].executor.as_str());
}

#[test]
fn rows_have_names_of_their_own() {
    let row = summarise(&samples()).unwrap().swap_remove(0);
    let twice = Table::new(vec![row.clone(), row], Executors::Transfer);
    assert!(matches!(twice, Err(EvalError::DuplicateRow { .. })));
}

#[test]
fn a_difference_belongs_to_its_rows() {
    let elsewhere = on_executor(b"2", samples());
    let difference =
        paired_difference(&elsewhere, Metric::Accuracy, "TraceLift", "exec-only", Seed(3)).unwrap();
    assert!(matches!(table().add_difference(difference), Err(EvalError::UnknownRow { .. })));
}
