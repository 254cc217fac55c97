use super::*;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tracelift_domain::Seed;

fn description() -> RunDescription {
    let mut fingerprints = Map::new();
    fingerprints.insert("executor".into(), Value::from("abc"));
    RunDescription {
        kind: "grpo".into(),
        started: 1_700_000_000,
        seed: Seed(7),
        scheme: SCHEME,
        fingerprints,
    }
}

fn create(path: &Path) -> RunFolder {
    RunFolder::create(path, &description(), "steps = 6\n").unwrap()
}

/// What a training loop does in a step, as far as the folder is concerned.
fn train_step(run: &mut RunFolder, step: u64) {
    let rollout = RolloutRecord { step, reward: Some(step as f64), ..Default::default() };
    run.record_rollouts(step, &[rollout]).unwrap();
    let mut metrics = StepMetrics::at(step, 100.0 + step as f64);
    metrics.set("reward/mean", step as f64 / 3.0).set("reason/s", None);
    run.record_metrics(&metrics).unwrap();
    if step.is_multiple_of(2) {
        let saved = run.save_checkpoint(step, |dir| {
            fs::create_dir(dir.join("adapter"))?;
            fs::write(dir.join("adapter/weights"), step.to_le_bytes())
        });
        assert_eq!(saved.unwrap(), run.layout().checkpoint(step));
    }
}

/// Every file of a folder with its content.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_resumed_run_leaves_what_an_uninterrupted_one_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let straight = dir.path().join("straight");
    let mut run = create(&straight);
    (1..=6).for_each(|step| train_step(&mut run, step));

    for killed_after in 0..=6 {
        let broken = dir.path().join(format!("killed_{killed_after}"));
        let mut run = create(&broken);
        (1..=killed_after).for_each(|step| train_step(&mut run, step));
        drop(run);
        // What a kill may leave behind: drafts, and torn tails of the files that grow.
        fs::create_dir_all(broken.join("checkpoints/.tmp-step_000008/adapter")).unwrap();
        fs::write(broken.join("checkpoints/.tmp-step_000008/adapter/weights"), "half").unwrap();
        fs::write(broken.join("rollouts/.tmp-1-1-step_000007.parquet"), "half").unwrap();
        fs::write(broken.join(".tmp-1-2-metrics.jsonl"), "half").unwrap();
        for (file, torn) in [("metrics.jsonl", "{\"step\":"), ("events/events.out.tfevents.run", "\x09\0")] {
            let mut text = fs::read(broken.join(file)).unwrap();
            text.extend(torn.as_bytes());
            fs::write(broken.join(file), text).unwrap();
        }

        let (mut run, latest) = RunFolder::resume(&broken).unwrap();
        let step = latest.as_ref().map_or(0, |(step, _)| *step);
        assert_eq!(step, killed_after / 2 * 2);
        if let Some((step, path)) = latest {
            assert_eq!(fs::read(path.join("adapter/weights")).unwrap(), step.to_le_bytes());
        }
        (step + 1..=6).for_each(|step| train_step(&mut run, step));
        assert_eq!(contents(&broken), contents(&straight), "killed after step {killed_after}");
    }
}

#[test]
fn the_folder_looks_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = create(dir.path());
    (1..=6).for_each(|step| train_step(&mut run, step));
    let files: Vec<String> = contents(dir.path()).keys().map(|p| p.display().to_string()).collect();
    assert_eq!(
        files,
        [
            "checkpoints/step_000004/adapter/weights",
            "checkpoints/step_000006/adapter/weights",
            "config.toml",
            "events/events.out.tfevents.run",
            "metrics.jsonl",
            "rollouts/step_000001.parquet",
            "rollouts/step_000002.parquet",
            "rollouts/step_000003.parquet",
            "rollouts/step_000004.parquet",
            "rollouts/step_000005.parquet",
            "rollouts/step_000006.parquet",
            "run.json",
            "run.lock",
        ]
    );
    let layout = RunLayout::of(dir.path());
    assert_eq!(layout.read_description().unwrap(), description());
    assert_eq!(layout.rollout_steps().unwrap(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn rewinding_goes_back_to_any_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = create(dir.path()).keeping(5);
    (1..=3).for_each(|step| train_step(&mut run, step));
    let then = contents(dir.path());
    (4..=6).for_each(|step| train_step(&mut run, step));
    run.rewind(3).unwrap();
    assert_eq!(contents(dir.path()), then);
    assert_eq!(run.latest_checkpoint().unwrap().unwrap().0, 2);
    train_step(&mut run, 4);
}

#[test]
fn a_new_run_wants_its_own_folder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    drop(create(&path));
    let message = RunFolder::create(&path, &description(), "").unwrap_err().to_string();
    assert!(message.ends_with("already holds a run; resume it, or choose another folder"), "{message}");

    let message = RunFolder::create(dir.path(), &description(), "").unwrap_err().to_string();
    assert!(message.contains("already holds `run`, which is not part of a run"), "{message}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was left in a refused folder");

    let message = RunFolder::open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("holds no run: it has no run.json"), "{message}");
}

#[test]
fn creation_that_was_cut_short_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    for leftover in ["run.lock", "config.toml", ".tmp-9-0-run.json"] {
        fs::write(dir.path().join(leftover), "").unwrap();
    }
    fs::create_dir(dir.path().join("events")).unwrap();
    let run = create(dir.path());
    assert_eq!(fs::read_to_string(run.layout().config()).unwrap(), "steps = 6\n");
}

#[test]
fn two_writers_are_one_too_many() {
    let dir = tempfile::tempdir().unwrap();
    let run = create(dir.path());
    assert!(matches!(RunFolder::open(dir.path()), Err(RunError::Locked { .. })));
    drop(run);
    RunFolder::open(dir.path()).unwrap();
}

#[test]
fn a_checkpoint_that_fails_leaves_the_earlier_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = create(dir.path()).keeping(1);
    run.save_checkpoint(1, |_| Ok::<_, io::Error>(())).unwrap();
    let failure = run.save_checkpoint(2, |dir| {
        fs::write(dir.join("half"), "")?;
        Err::<(), _>(io::Error::other("disk full"))
    });
    assert_eq!(failure.unwrap_err().to_string(), "cannot save the checkpoint of step 2: disk full");
    assert_eq!(run.layout().checkpoint_steps().unwrap(), [1]);
    assert_eq!(fs::read_dir(dir.path().join("checkpoints")).unwrap().count(), 1);
    let again = run.save_checkpoint(1, |_| Ok::<_, io::Error>(()));
    assert!(matches!(again, Err(RunError::CheckpointExists { .. })));
}

#[test]
fn a_run_of_an_earlier_version_is_read_and_not_compared() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let layout = RunLayout::of(dir.path());
    assert_eq!(layout.read_comparable().unwrap(), description());
    // As such a version wrote it.
    let text = fs::read_to_string(layout.description()).unwrap().replace("  \"scheme\": 2,\n", "");
    fs::write(layout.description(), text).unwrap();
    assert_eq!(layout.read_description().unwrap().scheme, 1);
    let message = layout.read_comparable().unwrap_err().to_string();
    assert!(message.contains("holds a run of another version of tracelift"), "{message}");
}

#[test]
fn a_run_says_how_it_ended_until_it_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let run = create(&path);
    let layout = RunLayout::of(&path);
    assert_eq!((layout.read_end().unwrap(), layout.is_written().unwrap()), (None, true));
    let failed = RunEnd::Failed { cause: "the disk is full".into() };
    for end in [failed, RunEnd::Finished] {
        layout.record_end(&end).unwrap();
        assert_eq!(layout.read_end().unwrap(), Some(end));
    }
    drop(run);
    assert!(!layout.is_written().unwrap());
    let run = RunFolder::open(&path).unwrap();
    assert_eq!((layout.read_end().unwrap(), layout.is_written().unwrap()), (None, true));
    drop(run);
    fs::write(layout.end(), "{\"state\":\"asleep\"}").unwrap();
    assert!(layout.read_end().unwrap_err().to_string().contains("end.json"));
}

#[test]
fn whoever_looks_at_a_run_keeps_nobody_from_writing_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    drop(create(&path));
    let (layout, done) = (RunLayout::of(&path), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    layout.is_written().unwrap();
                }
            });
        }
        let opened: Vec<bool> = (0..20).map(|_| RunFolder::open(&path).is_ok()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(opened.iter().all(|opened| *opened), "{opened:?}");
    });
}
