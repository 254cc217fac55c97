use super::*;
use crate::output::BuildFiles;
use std::fs;
use tracelift_datasets::Format;

/// Problems with two steps, each of its own.
fn problems(count: usize) -> String {
    (0..count)
        .map(|i| {
            let (a, b, c) = (100 + i, 13 + i % 70, 3 + i % 5);
            let (sum, product) = (a + b, (a + b) * c);
            let question = format!(
                "Anna has {a} red apples and Ben has {b} green pears number {i}. They sell all of them for {c} dollars \
                 each. How many dollars do Anna and Ben earn?"
            );
            let answer = format!(
                "Anna and Ben have {a} + {b} = <<{a}+{b}={sum}>>{sum} apples and pears.\nAnna and Ben earn {sum} * {c} = \
                 $<<{sum}*{c}={product}>>{product} for the apples and pears.\n#### {product}"
            );
            serde_json::json!({"question": question, "answer": answer}).to_string() + "\n"
        })
        .collect()
}

fn config(folder: &Path, count: usize) -> BuildConfig {
    let path = folder.join("train.jsonl");
    fs::write(&path, problems(count)).unwrap();
    let seeds = SeedConfig { path: Some(path), format: Some(Format::Gsm8k), ..SeedConfig::default() };
    let text = serde_json::json!({"out": folder.join("groups.jsonl"), "seeds": [seeds]});
    serde_json::from_value(text).unwrap()
}

#[test]
fn groups_are_built_and_do_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 300);
    let mut files = Vec::new();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let report = pool.install(|| build(&config, &mut |_| {})).unwrap();
        assert_eq!((report.seeds, report.groups), (300, 300), "{report:?}");
        assert!(report.negatives >= 4 * report.groups);
        files.push(fs::read(&config.out).unwrap());
    }
    assert_eq!(files[0], files[1]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn variants_follow_their_seed_and_are_of_its_family() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 50);
    build(&config, &mut |_| {}).unwrap();
    let plain = fs::read_to_string(&config.out).unwrap();
    config.seeds[0].variants = 3;
    let report = build(&config, &mut |_| {}).unwrap();
    assert_eq!((report.seeds, report.groups, report.variants), (50, 200, 150), "{report:?}");
    let text = fs::read_to_string(&config.out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let own: String = lines.iter().step_by(4).map(|line| format!("{line}\n")).collect();
    assert_eq!(own, plain, "variants change the groups of the seeds themselves");
    let groups: Vec<Group> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    for family in groups.chunks(4) {
        let first = &family[0].problem_id;
        let ids: Vec<&str> = family.iter().map(|group| group.problem_id.as_str()).collect();
        assert_eq!(ids[1..], [1, 2, 3].map(|n| format!("{first}/{n}")), "{ids:?}");
        assert!(family.iter().all(|group| group.family() == first), "{family:?}");
        let statements: HashSet<&str> = family.iter().map(|group| group.problem.as_str()).collect();
        assert_eq!(statements.len(), 4, "{statements:?}");
    }
}

#[test]
fn an_interrupted_build_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), 10 * CHUNK);
    build(&config, &mut |_| {}).unwrap();
    let whole = fs::read(&config.out).unwrap();
    fs::remove_file(&config.out).unwrap();
    let mut chunks = 0;
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        build(&config, &mut |_| {
            chunks += 1;
            assert!(chunks < 9, "stop here");
        })
    }));
    assert!(stopped.is_err());
    let place = BuildFiles::of(&config.out);
    assert!(place.progress.exists() && !place.out.exists());
    let other = BuildConfig { wanted: 5, ..config.clone() };
    assert!(matches!(build(&other, &mut |_| {}), Err(BuildError::OtherSettings { .. })));
    let mut heard = Vec::new();
    build(&config, &mut |report| heard.push(report.seeds)).unwrap();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(fs::read(&config.out).unwrap(), whole);
}

#[test]
fn duplicates_test_sets_and_bad_rows_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), 5);
    let train = config.seeds[0].path.clone().unwrap();
    let text = fs::read_to_string(&train).unwrap();
    fs::write(&train, format!("{text}{text}not json\n")).unwrap();
    let test = folder.path().join("test.jsonl");
    fs::write(&test, &text).unwrap();
    config.seeds.push(SeedConfig { path: Some(test), ..config.seeds[0].clone() });
    let report = build(&config, &mut |_| {}).unwrap();
    assert_eq!((report.groups, report.unreadable), (5, 1));
    assert_eq!(report.skipped["duplicate_problem"], 5);
    assert_eq!(report.skipped["test set: GSM8K test"], 5);
    assert!(report.messages[0].contains("train.jsonl:11: not JSON"), "{:?}", report.messages);
}
