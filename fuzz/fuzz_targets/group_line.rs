//! One line of a group file: reading and checking it never panics, and a valid group survives being written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tracelift_domain::{Group, Rubric};

fuzz_target!(|line: &str| {
    let Ok(group) = serde_json::from_str::<Group>(line) else { return };
    if group.validate().is_err() {
        return;
    }
    let domain = group.task_type;
    let rubrics = group.positive_pool.iter().map(|trace| &trace.rubric);
    for map in rubrics.chain(group.negative_bank.iter().map(|trace| &trace.rubric)) {
        let rubric = Rubric::from_map(domain, map).expect("a valid group has rubrics that fit its domain");
        assert_eq!(Rubric::from_map(domain, &rubric.to_map(domain)), Ok(rubric));
    }
    let written = serde_json::to_string(&group).expect("a group can be written");
    assert!(!written.contains('\n'), "a group is one line");
    assert_eq!(serde_json::from_str::<Group>(&written).expect("what was written is readable"), group);
});
