//! Memory and speed of long group files: writes, checks and surveys so many synthetic groups (default 1,000,000).
//!
//! ```sh
//! cargo bench -p tracelift-curation --bench stream -- 1000000
//! ```

#![allow(clippy::unwrap_used, reason = "a measurement may stop")]

use std::time::Instant;
use tracelift_curation::{GateLimits, Recipe, grow};
use tracelift_domain::{Gold, Group, Problem, Question, Seed, TaskDomain};
use tracelift_flaws::SeedProblem;
use tracelift_groups::{GroupReader, survey::Surveyor, write_groups};

fn group(index: u64) -> Option<Group> {
    let (a, b, c) = (100 + index % 800, 13 + index % 70, 3 + index % 5);
    let (sum, product) = (a + b, (a + b) * c);
    let problem = Problem {
        id: format!("synthetic/{index:07}"),
        question: Question::new(
            "synthetic",
            TaskDomain::Math,
            format!(
                "Anna has {a} red apples and Ben has {b} green pears, basket {index}. They sell all of them for {c} dollars \
             each. How many dollars do Anna and Ben earn?"
            ),
        ),
        gold: Gold::Answer(product.to_string()),
    };
    let solution = format!(
        "Anna and Ben have {a} + {b} = {sum} apples and pears.\nAnna and Ben earn {sum} * {c} = ${product} for them."
    );
    let seed =
        SeedProblem { problem, reference_solution: solution, trace: None, origin: serde_json::Map::new() };
    grow(&seed, &Recipe { wanted: 6, limits: GateLimits::default() }, Seed(18), None).group
}

/// The most memory that this process has held, in MB, as Linux tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok())
        .map_or_else(|| "unknown".to_owned(), |kilobytes| format!("{} MB", kilobytes / 1024))
}

fn main() {
    let count = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(1_000_000_u64);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("groups.jsonl");
    let started = Instant::now();
    let written = write_groups(&path, (0..count).filter_map(group)).unwrap();
    let size = std::fs::metadata(&path).unwrap().len() >> 20;
    println!("made and wrote {written} groups ({size} MB) in {:.1?}; peak {}", started.elapsed(), peak());
    let started = Instant::now();
    let valid = GroupReader::open(&path).unwrap().filter(Result::is_ok).count();
    println!("read and checked {valid} in {:.1?}; peak {}", started.elapsed(), peak());
    let started = Instant::now();
    let mut surveyor = Surveyor::default();
    for group in GroupReader::open(&path).unwrap() {
        surveyor.see(&group.unwrap());
    }
    let survey = surveyor.finish();
    println!("surveyed {} in {:.1?}; peak {}", survey.groups, started.elapsed(), peak());
}
