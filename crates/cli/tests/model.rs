//! The commands that make and inspect models, run as a person runs them.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::fs;
use support::{Desk, without_fingerprint};
use tracelift_domain::Seed;
use tracelift_engine::{Checkpoint, LoraConfig, Projection, peft};
use tracelift_groups::GroupReader;
use tracelift_testing::words;

#[test]
fn a_new_model_is_what_was_asked_for() {
    let desk = Desk::new();
    let made = desk.good(&words("model init made --hidden 96 --layers 2 --max-positions 2048"));
    insta::assert_snapshot!(without_fingerprint(&made));
    assert_eq!(desk.good(&words("model inspect made")), made);
    // The same seed makes the same weights, another seed others.
    assert_eq!(desk.good(&words("model init again --hidden 96 --layers 2 --max-positions 2048")), made);
    assert_ne!(
        desk.good(&words("model init other --hidden 96 --layers 2 --max-positions 2048 --seed 19")),
        made
    );
    let checkpoint = Checkpoint::load(&desk.path("made")).unwrap();
    let text = "“Any text”, even \u{0}.";
    let tokens = checkpoint.tokenizer.encode(text).unwrap();
    assert_eq!(checkpoint.tokenizer.decode(&tokens).unwrap(), text);
}

#[test]
fn a_model_takes_the_tokenizer_of_another() {
    let desk = Desk::new();
    let world = desk.good(&words("model init world --hidden 32 --layers 1 --tokenizer words"));
    let copy = desk.good(&words("model init copy --hidden 32 --layers 1 --tokenizer world/tokenizer.json"));
    assert_eq!(copy, world);
    fs::remove_file(desk.path("world/tokenizer_config.json")).unwrap();
    let message = desk.refused(&words("model init third --tokenizer world/tokenizer.json"));
    assert!(message.contains("eos_token") && message.contains("world/tokenizer_config.json"), "{message}");
    assert_eq!(desk.good(&words("model init folder --hidden 32 --layers 1 --tokenizer copy")), world);
    let message = desk.refused(&words("model init third --tokenizer nowhere.json"));
    assert!(message.contains("nowhere.json"), "{message}");
}

#[test]
fn an_adapter_is_shown_with_its_base() {
    let desk = Desk::new();
    desk.good(&words("model init base --hidden 32 --layers 1"));
    let model = Checkpoint::load(&desk.path("base")).unwrap().model;
    let targets = vec![Projection::QProj, Projection::DownProj];
    let model = model.with_lora(LoraConfig { rank: 4, alpha: 8.0, rslora: false, targets }, Seed(1));
    peft::save(&model, &desk.path("adapter"), "base").unwrap();
    insta::assert_snapshot!(without_fingerprint(&desk.good(&words("model inspect adapter"))));
    fs::rename(desk.path("base"), desk.path("moved")).unwrap();
    let message = desk.refused(&words("model inspect adapter"));
    assert!(message.contains("the base model `base`, which is no directory here"), "{message}");
}

#[test]
fn what_cannot_be_made_or_read_is_refused() {
    let desk = Desk::new();
    fs::create_dir(desk.path("empty")).unwrap();
    desk.good(&words("model init empty --hidden 16 --layers 1"));
    let before = fs::read(desk.path("empty/model.safetensors")).unwrap();
    let message = desk.refused(&words("model init empty --hidden 32"));
    assert!(message.contains("empty already holds `"), "{message}");
    assert_eq!(fs::read(desk.path("empty/model.safetensors")).unwrap(), before);
    let message = desk.refused(&words("model init other --hidden 100000"));
    assert!(message.contains("hidden is 100000; it must be from 2 to 65536"), "{message}");
    let message = desk.refused(&words("model init other --hidden 100 --heads 3"));
    assert!(message.contains("`hidden_size` 100 is not a multiple of 3 heads"), "{message}");
    assert!(!desk.path("other").exists());
    let message = desk.refused(&words("model inspect nowhere"));
    assert!(message.contains("nowhere does not exist; correct the path, or name a model"), "{message}");
    fs::write(desk.path("empty/config.json"), "{").unwrap();
    let message = desk.refused(&words("model inspect empty"));
    assert!(message.contains("empty/config.json"), "{message}");
}

#[test]
fn groups_of_a_world_are_written_and_counted() {
    let desk = Desk::new();
    let said =
        desk.good(&words("world groups --world words --out new/folder/groups.jsonl --count 12 --first 5"));
    insta::assert_snapshot!(said);
    let groups: Vec<_> =
        GroupReader::open(desk.path("new/folder/groups.jsonl")).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(said.starts_with(&format!("{} groups of 12 problems", groups.len())), "{said}");
    assert!(groups.iter().all(|group| group.problem_id.starts_with("words/train/")));
    let noisy = groups.iter().flat_map(|group| &group.negative_bank);
    assert!(noisy.filter(|negative| negative.extra.contains_key("flaws")).count() > 0);

    desk.good(&words("world groups --world words --out test.jsonl --count 3 --test --noise 0"));
    for group in GroupReader::open(desk.path("test.jsonl")).unwrap() {
        let group = group.unwrap();
        assert!(group.problem_id.starts_with("words/test/"), "{}", group.problem_id);
        assert!(group.negative_bank.iter().all(|negative| !negative.extra.contains_key("flaws")));
    }
    for (line, says) in [
        ("world groups --world words --out x.jsonl --noise 1.5", "a chance is a number from 0 to 1"),
        ("world groups --world words --out x.jsonl --first 18446744073709551615", "--first"),
    ] {
        let message = desk.refused(&words(line));
        assert!(message.contains(says), "{message}");
        assert!(!desk.path("x.jsonl").exists());
    }
}

#[test]
fn a_tokenizer_is_trained_and_taken() {
    let desk = Desk::new();
    desk.good(&words("world groups --world words --out groups.jsonl --count 20"));
    fs::write(desk.path("notes.txt"), "Twelve apples.\nTwelve apples, and 12 more.\n").unwrap();
    let train = "tokenizer train --vocab-size 400 --special <step>";
    let fields = "--field problem --field positive_pool.reasoning";
    let said = desk.good(&words(&format!("{train} --out tok {fields} groups.jsonl notes.txt")));
    assert!(said.contains("tokens     400\ntokenizer  tok\n"), "{said}");
    desk.good(&words(&format!("{train} --out again {fields} groups.jsonl notes.txt")));
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        let read = |folder: &str| fs::read(desk.path(folder).join(file)).unwrap();
        assert!(read("tok") == read("again"), "{file} differs");
    }
    desk.good(&words("model init made --hidden 16 --layers 1 --tokenizer tok"));
    let tokenizer = Checkpoint::load(&desk.path("made")).unwrap().tokenizer;
    let text = "<step>There are 37 apples.</reasoning>";
    let tokens = tokenizer.encode(text).unwrap();
    assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
    let digits = tokens.iter().filter(|id| ["3", "7"].contains(&tokenizer.token(**id).unwrap().as_str()));
    assert_eq!(digits.count(), 2);

    fs::write(desk.path("torn.jsonl"), "{\"problem\": \"P\"}\n{\"problem\"\n").unwrap();
    for (arguments, says) in [
        ("--out tok notes.txt", "tok already holds `"),
        ("--out x groups.jsonl", "groups.jsonl is JSONL; say by --field which keys hold texts"),
        ("--out x --field question groups.jsonl", "groups.jsonl: no line has a text at `question`"),
        ("--out x --field problem torn.jsonl", "torn.jsonl:2 is not JSON"),
        ("--out x nowhere.txt", "failed to read nowhere.txt"),
        ("--out x --special <eos> notes.txt", "the special token `<eos>` is empty or there already"),
    ] {
        let message = desk.refused(&words(&format!("{train} {arguments}")));
        assert!(message.contains(says), "{message}");
        assert!(!desk.path("x").exists());
    }
}
