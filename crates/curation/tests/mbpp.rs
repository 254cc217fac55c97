//! Groups of MBPP's training and validation tasks.

use tracelift_curation::{BuildConfig, SeedConfig, build};
use tracelift_datasets::Format;
use tracelift_groups::{GroupReader, survey::Surveyor};
use tracelift_testing::shared;

#[test]
fn mbpp_gives_groups_and_its_test_tasks_give_none() {
    let Some(path) = shared("data/mbpp/mbpp.jsonl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let seeds = SeedConfig { path: Some(path), format: Some(Format::Mbpp), ..SeedConfig::default() };
    let out = folder.path().join("mbpp.jsonl");
    let config: BuildConfig =
        serde_json::from_value(serde_json::json!({"out": out, "seeds": [seeds]})).unwrap();
    let report = build(&config, &mut |_| {}).unwrap();
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert_eq!(report.skipped["test set: MBPP 11-510 (test)"], 500);
    assert!(report.groups >= 300, "{report:?}");
    let trials = |what: &str| report.trials.get(what).copied().unwrap_or(0);
    assert_eq!(trials("references that pass"), report.groups + report.skipped["too_few_negatives"]);
    assert_eq!(trials("flawed programs that pass"), report.refused["changes_nothing"]);
    assert!(trials("flawed programs that fail") > 2 * report.groups, "{report:?}");
    if let Ok(keep) = std::env::var("KEEP_GROUPS") {
        std::fs::copy(&config.out, keep).unwrap();
    }
    let mut surveyor = Surveyor::default();
    for group in GroupReader::open(&config.out).unwrap() {
        let group = group.unwrap();
        let task: u32 = group.problem_id.strip_prefix("mbpp/").unwrap().parse().unwrap();
        assert!((511..=974).contains(&task), "{task}");
        let reference = &group.positive_pool[0].reasoning;
        assert!(!reference.contains("==") && !reference.contains("def "), "{task} holds code:\n{reference}");
        for negative in &group.negative_bank {
            let sort = &negative.extra["flaw_sort"];
            assert!(sort.is_null() || sort == "spoiling", "{task}: what was run spoils the program");
        }
        surveyor.see(&group);
    }
    println!("{}", surveyor.finish());
}
