//! A line of a file with named columns: a row comes with a statement and an answer, or not at all.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_datasets::{ColumnMap, row_of};
use tracelift_domain::{Gold, TaskDomain};

fuzz_target!(|input: (&str, bool)| {
    let (line, code) = input;
    let Ok(row) = serde_json::from_str::<serde_json::Value>(line) else { return };
    let map = ColumnMap {
        problem: "q".into(),
        solution: Some("s".into()),
        answer: None,
        id: None,
        trace: None,
        domain: if code { TaskDomain::Code } else { TaskDomain::Math },
        source: None,
    };
    if let Ok(row) = row_of(&row, &map, "fuzz", 1) {
        assert!(!row.problem.question.statement.is_empty());
        assert_eq!(matches!(row.problem.gold, Gold::Tests(_)), code);
    }
});
