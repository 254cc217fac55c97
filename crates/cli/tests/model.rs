//! The commands that make, inspect and train models, run as a person runs them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tracelift_domain::{Seed, TaskDomain};
use tracelift_engine::{Checkpoint, LoraConfig, Projection, peft};
use tracelift_groups::GroupReader;
use tracelift_reward::RewardModel;

/// A folder in which commands run, removed at the end.
struct Desk {
    folder: TempDir,
}

/// What a command said and whether it succeeded.
struct Said {
    ok: bool,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tracelift"));
        command.args(line.split_whitespace()).current_dir(self.folder.path());
        command
    }

    fn run(&self, line: &str) -> Said {
        let output = self.command(line).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs what must succeed; returns what it printed.
    fn good(&self, line: &str) -> String {
        let said = self.run(line);
        assert!(said.ok, "`{line}` failed: {}", said.err);
        said.out
    }

    /// Runs what must fail; returns the message, which is one line and no panic.
    fn bad(&self, line: &str) -> String {
        let said = self.run(line);
        assert!(!said.ok, "`{line}` succeeded: {}", said.out);
        assert!(said.err.starts_with("error: ") && said.err.lines().count() == 1, "{}", said.err);
        said.err
    }

    /// A tiny model and some groups that fit it.
    fn with_model_and_groups() -> Desk {
        let desk = Desk::new();
        desk.good("model init base --hidden 16 --layers 1 --max-positions 256 --world steps");
        desk.good("world groups --world steps --out groups.jsonl --count 24");
        desk
    }
}

const TRAIN: &str = "rm train --groups groups.jsonl --backbone base --batch-groups 2 --negatives 2 --dev 0.3";

/// Fingerprints hang on the machine's mathematical library.
fn without_fingerprint(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("fingerprint   ") {
        Some(digits) => {
            assert!(digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{digits}");
            "fingerprint   [64 digits]\n".to_owned()
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn a_new_model_is_what_was_asked_for() {
    let desk = Desk::new();
    let made = desk.good("model init made --hidden 96 --layers 2 --max-positions 2048");
    insta::assert_snapshot!(without_fingerprint(&made));
    assert_eq!(desk.good("model inspect made"), made);
    // The same seed makes the same weights, another seed others.
    assert_eq!(desk.good("model init again --hidden 96 --layers 2 --max-positions 2048"), made);
    assert_ne!(desk.good("model init other --hidden 96 --layers 2 --max-positions 2048 --seed 19"), made);
    let checkpoint = Checkpoint::load(&desk.path("made")).unwrap();
    let text = "“Any text”, even \u{0}.";
    let tokens = checkpoint.tokenizer.encode(text).unwrap();
    assert_eq!(checkpoint.tokenizer.decode(&tokens).unwrap(), text);
}

#[test]
fn a_model_takes_the_tokenizer_of_another() {
    let desk = Desk::new();
    let world = desk.good("model init world --hidden 32 --layers 1 --world words");
    let copy = desk.good("model init copy --hidden 32 --layers 1 --tokenizer world/tokenizer.json");
    assert_eq!(copy, world);
    fs::remove_file(desk.path("world/tokenizer_config.json")).unwrap();
    let message = desk.bad("model init third --tokenizer world/tokenizer.json");
    assert!(message.contains("eos_token") && message.contains("world/tokenizer_config.json"), "{message}");
    let message = desk.bad("model init third --tokenizer nowhere.json");
    assert!(message.contains("nowhere.json"), "{message}");
}

#[test]
fn an_adapter_is_shown_with_its_base() {
    let desk = Desk::new();
    desk.good("model init base --hidden 32 --layers 1");
    let model = Checkpoint::load(&desk.path("base")).unwrap().model;
    let targets = vec![Projection::QProj, Projection::DownProj];
    let model = model.with_lora(LoraConfig { rank: 4, alpha: 8.0, rslora: false, targets }, Seed(1));
    peft::save(&model, &desk.path("adapter"), "base").unwrap();
    insta::assert_snapshot!(without_fingerprint(&desk.good("model inspect adapter")));
    fs::rename(desk.path("base"), desk.path("moved")).unwrap();
    let message = desk.bad("model inspect adapter");
    assert!(message.contains("the base model `base` is no directory"), "{message}");
}

#[test]
fn what_cannot_be_made_or_read_is_refused() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    desk.good("model init empty --hidden 16 --layers 1");
    let before = fs::read(desk.path("empty/model.safetensors")).unwrap();
    let message = desk.bad("model init empty --hidden 32");
    assert!(message.contains("empty already holds `"), "{message}");
    assert_eq!(fs::read(desk.path("empty/model.safetensors")).unwrap(), before);
    let message = desk.bad("model init other --hidden 100 --heads 3");
    assert!(message.contains("`hidden_size` 100 is not a multiple of 3 heads"), "{message}");
    assert!(!desk.path("other").exists());
    let message = desk.bad("model inspect nowhere");
    assert!(message.contains("nowhere/config.json"), "{message}");
    fs::write(desk.path("empty/config.json"), "{").unwrap();
    let message = desk.bad("model inspect empty");
    assert!(message.contains("empty/config.json"), "{message}");
}

#[test]
fn groups_of_a_world_are_written_and_counted() {
    let desk = Desk::new();
    let said = desk.good("world groups --world words --out new/folder/groups.jsonl --count 12 --first 5");
    insta::assert_snapshot!(said);
    let groups: Vec<_> =
        GroupReader::open(desk.path("new/folder/groups.jsonl")).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(said.starts_with(&format!("{} groups of 12 problems", groups.len())), "{said}");
    assert!(groups.iter().all(|group| group.problem_id.starts_with("words/train/")));
    let noisy = groups.iter().flat_map(|group| &group.negative_bank);
    assert!(noisy.filter(|negative| negative.extra.contains_key("flaws")).count() > 0);

    desk.good("world groups --world words --out test.jsonl --count 3 --test --noise 0");
    for group in GroupReader::open(desk.path("test.jsonl")).unwrap() {
        let group = group.unwrap();
        assert!(group.problem_id.starts_with("words/test/"), "{}", group.problem_id);
        assert!(group.negative_bank.iter().all(|negative| !negative.extra.contains_key("flaws")));
    }
    for (line, says) in [
        ("world groups --world words --out x.jsonl --noise 1.5", "a chance is a number from 0 to 1"),
        ("world groups --world words --out x.jsonl --first 18446744073709551615", "--first"),
    ] {
        let message = desk.bad(line);
        assert!(message.contains(says), "{message}");
        assert!(!desk.path("x.jsonl").exists());
    }
}

#[test]
fn a_reward_model_is_trained_measured_and_saved() {
    let desk = Desk::with_model_and_groups();
    let line = format!("{TRAIN} --out models/rubric --steps 12");
    let said = desk.good(&line);
    for part in
        ["groups: ", " held out\n", "trained  untrained", "pairs in the right order", "  wrong_operation"]
    {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
    let model = RewardModel::load(&desk.path("models/rubric")).unwrap();
    assert_eq!(model.domain, TaskDomain::Math);
    insta::assert_snapshot!(without_fingerprint(&desk.good("model inspect models/rubric")));
    let metrics = fs::read_to_string(desk.path("runs/rm/rubric/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 2, "{metrics}");

    // A finished run is not trained again, and says the same.
    fs::remove_dir_all(desk.path("models/rubric")).unwrap();
    let again = desk.run(&line);
    assert!(again.ok && again.err.contains("runs/rm/rubric is finished: all 12 steps"), "{}", again.err);
    assert_eq!(again.out, said);
    assert_eq!(RewardModel::load(&desk.path("models/rubric")).unwrap().fingerprint(), model.fingerprint());

    // Nor is it mistaken for another. The seed also decides which groups are held out.
    for (old, new, what) in [
        ("--steps 12", "--steps 13", "settings"),
        ("--steps 12", "--steps 12 --seed 19", "seed, groups"),
        ("--dev 0.3", "--dev 0.5", "groups"),
    ] {
        let message = desk.bad(&line.replace(old, new));
        let says = format!("runs/rm/rubric holds a run with other {what};");
        assert!(message.contains(&says), "{message}");
    }
}

#[test]
fn bad_groups_are_named() {
    let desk = Desk::with_model_and_groups();
    let train = |groups: &str| desk.bad(&format!("rm train --groups {groups} --backbone base --out rubric"));
    assert!(train("nowhere.jsonl").contains("nowhere.jsonl"));

    let mut lines: Vec<String> =
        fs::read_to_string(desk.path("groups.jsonl")).unwrap().lines().map(str::to_owned).collect();
    lines[2].truncate(40);
    fs::write(desk.path("torn.jsonl"), lines.join("\n")).unwrap();
    let message = train("torn.jsonl");
    assert!(message.contains("torn.jsonl:3:") && message.contains("not JSON"), "{message}");

    fs::write(desk.path("empty.jsonl"), "\n").unwrap();
    let message = train("empty.jsonl");
    assert!(message.contains("empty.jsonl: there are no groups"), "{message}");

    desk.good("world groups --world programs --out code.jsonl --count 1");
    let code = fs::read_to_string(desk.path("code.jsonl")).unwrap();
    let steps = fs::read_to_string(desk.path("groups.jsonl")).unwrap();
    fs::write(desk.path("both.jsonl"), steps + &code).unwrap();
    let message = train("both.jsonl");
    for part in ["both.jsonl: group `steps/train/", "` is of `steps`, but group `programs/train/", "`code`"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn models_are_not_overwritten_or_confused() {
    let desk = Desk::with_model_and_groups();
    let message = desk.bad(&format!("{TRAIN} --out base"));
    assert!(message.contains("base holds another model"), "{message}");
    let message = desk.bad(&format!("{TRAIN} --out rubric").replace("--backbone base", "--backbone nowhere"));
    assert!(message.contains("nowhere/config.json"), "{message}");
    let message = desk.bad(&format!("{TRAIN} --out rubric").replace("--dev 0.3", "--dev 0"));
    assert!(message.contains("none is left to hold out at --dev 0"), "{message}");
    desk.good(&format!("{TRAIN} --out rubric --steps 1"));
    let message = desk.bad(&format!("{TRAIN} --out other").replace("--backbone base", "--backbone rubric"));
    assert!(message.contains("rubric is a reward model already"), "{message}");
}

/// Waits until a running command has brought about what is waited for, then kills it as a power cut would.
fn kill_when(mut child: Child, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened() {
        assert!(child.try_wait().unwrap().is_none(), "the command ended before it could be killed");
        assert!(Instant::now() < deadline, "nothing happened for a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn has_metrics(run: &Path) -> bool {
    fs::metadata(run.join("metrics.jsonl")).is_ok_and(|file| file.len() > 0)
}

#[test]
fn a_killed_training_ends_as_if_nothing_had_happened() {
    let desk = Desk::with_model_and_groups();
    let line = |out: &str| format!("{TRAIN} --out {out} --steps 400");
    desk.good(&line("whole"));

    let run = desk.path("runs/rm/torn");
    let start = || desk.command(&line("torn")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Once before there is any checkpoint, once after the first.
    kill_when(start(), || has_metrics(&run));
    kill_when(start(), || run.join("checkpoints/step_000100").exists());
    assert!(!desk.path("torn").exists());
    let last = desk.run(&line("torn"));
    assert!(last.ok && last.err.contains("resumed runs/rm/torn after step "), "{}", last.err);
    for file in ["model.safetensors", "config.json", "tokenizer.json"] {
        let read = |folder: &str| fs::read(desk.path(folder).join(file)).unwrap();
        assert!(read("torn") == read("whole"), "{file} differs");
    }
    let steps = |run: &str| {
        let text = fs::read_to_string(desk.path(&format!("runs/rm/{run}/metrics.jsonl"))).unwrap();
        text.lines().count()
    };
    assert_eq!((steps("torn"), steps("whole")), (40, 40));
}
