//! Grades numbered traces through a ledger, so that a test can kill it and start it again.
//!
//! `grade_traces URL LEDGER COUNT` prints one line for each trace: its number and its total.

use std::{error::Error, num::NonZeroUsize, path::PathBuf};
use tracelift_domain::TaskDomain;
use tracelift_oracle::{
    OracleConfig,
    rubric::{JudgeConfig, RubricJudge},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, ledger, count] = arguments.as_slice() else {
        return Err("expected URL LEDGER COUNT".into());
    };
    let concurrency = NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN);
    let oracle = OracleConfig {
        ledger: Some(PathBuf::from(ledger)),
        concurrency,
        retries: 2,
        backoff_s: 0.01,
        ..OracleConfig::at(url, "silly")
    };
    let judge = RubricJudge::new(JudgeConfig { samples: std::num::NonZeroU32::MIN, oracle })?;
    let numbers: Vec<u32> = (0..count.parse()?).collect();
    let totals = judge.oracle().each(&numbers, |_, number| {
        let trace = format!("First {number} + 1 = {}.", number + 1 + number % 2);
        judge.judge(TaskDomain::Math, &format!("What follows {number}?"), &trace)
    });
    for (number, answer) in numbers.iter().zip(totals) {
        println!("{number} {}", answer?.value.overall);
    }
    Ok(())
}
