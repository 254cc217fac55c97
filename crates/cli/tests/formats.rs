//! Families, adapters, chat templates and the hub's cache, through the binary.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use support::Desk;
use tracelift_domain::Seed;
use tracelift_engine::{
    Batch, Checkpoint, LoraConfig, Memory, Model, Pass, Precision, Projection, Target, peft,
};
use tracelift_testing::words;

/// Prompts through `generate`, from standard input.
fn generate(desk: &Desk, line: &str, input: &str) -> Result<Vec<Value>, String> {
    let mut arguments = vec!["generate"];
    arguments.extend(words(line));
    let mut command = desk.command(&arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("panicked"), "{error}");
    if !output.status.success() {
        return Err(error);
    }
    let text = String::from_utf8(output.stdout).unwrap();
    Ok(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn numbers<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

/// Scores of a few tokens under a model: what two models can be compared by.
fn scores(model: &Model) -> Vec<f32> {
    let tokens: Vec<u32> = (0..24).map(|i| (i * 37 + 5) % 250).collect();
    let targets: Vec<Target> = (1..24).map(|i| Target { row: i - 1, token: tokens[i as usize] }).collect();
    let mut pass = Pass::new(Memory::Keep);
    pass.forward(model, &Batch::of([tokens]));
    pass.score(model, &targets, 1.0).iter().map(|score| score.log_prob).collect()
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_family_is_made_inspected_and_sampled() {
    let desk = Desk::new();
    for (family, title, dtype, stored) in [
        ("qwen2", "Qwen2", "f32", "F32"),
        ("qwen3", "Qwen3", "bf16", "BF16"),
        ("llama", "Llama", "f16", "F16"),
    ] {
        let init = format!(
            "model init {family} --family {family} --hidden 64 --layers 2 --head-dim 16 --dtype {dtype}"
        );
        let said = desk.good(&words(&init));
        for part in
            [format!("family        {title}\n"), format!("weights       {stored}\n"), "heads 2 of 16".into()]
        {
            assert!(said.contains(&part), "{part} is missing in\n{said}");
        }
        let lines =
            generate(&desk, &format!("{family} --max-tokens 5 --temperature 1 --samples 2"), "one\n\ntwo\n")
                .unwrap();
        let places: Vec<_> =
            lines.iter().map(|line| (line["index"].as_u64(), line["sample"].as_u64())).collect();
        assert_eq!(places, [(Some(0), Some(0)), (Some(0), Some(1)), (Some(1), Some(0)), (Some(1), Some(1))]);
        for line in &lines {
            let tokens: Vec<u32> = numbers(&line["tokens"]);
            assert_eq!(tokens.len(), numbers::<f32>(&line["log_probs"]).len());
            assert!(line["finish"] == "stop" || tokens.len() == 5, "{line}");
        }
        // The same seed writes the same, whatever the prompts beside it.
        let again = generate(&desk, &format!("{family} --max-tokens 5 --temperature 1 --samples 2"), "one\n")
            .unwrap();
        assert_eq!(again, lines[..2]);
    }
}

#[test]
fn a_stop_text_ends_a_continuation_with_its_tokens() {
    let desk = Desk::new();
    desk.small_model("base", 1);
    let whole = &generate(&desk, "base --max-tokens 12 --temperature 1", "abc\n").unwrap()[0];
    let tokens: Vec<u32> = numbers(&whole["tokens"]);
    let checkpoint = Checkpoint::load(&desk.path("base")).unwrap();
    // Single bytes may not be text; the fourth to the sixth token may be, and if not there is nothing to stop at.
    let Some(byte) = tokens[3..6].iter().find(|id| (33..127).contains(*id)) else { return };
    let stop = checkpoint.tokenizer.decode(&[*byte]).unwrap();
    let cut =
        &generate(&desk, &format!("base --max-tokens 12 --temperature 1 --stop {stop}"), "abc\n").unwrap()[0];
    let until = tokens.iter().position(|id| id == byte).unwrap();
    assert_eq!(numbers::<u32>(&cut["tokens"]), tokens[..=until]);
    assert_eq!(cut["finish"], "stop");
    assert!(!cut["text"].as_str().unwrap().contains(&stop));
}

#[test]
fn bad_prompts_are_named_by_their_lines() {
    let desk = Desk::new();
    desk.good(&words("model init base --hidden 32 --layers 1 --max-positions 64"));
    for (options, input, expected) in [
        ("", "{\"prompt\": \"a\"}\n{\"prompt\": 1}\n", "standard input:2"),
        ("", "{\"prompt\": \"a\", \"messages\": []}\n", "exactly one of `prompt` and `messages`"),
        ("", "{\"promt\": \"a\"}\n", "`promt`"),
        ("", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]}\n", "no chat template"),
        ("--chat", "a\n", "no chat template"),
        ("--max-tokens 64", "a\n", "exceeds the model's context of 64"),
        ("--temperature=-1", "a\n", "temperature"),
    ] {
        let message = generate(
            &desk,
            &format!("base --max-tokens 4 {options}").replace("--max-tokens 4 --max", "--max"),
            input,
        )
        .unwrap_err();
        assert!(message.contains(expected), "{input}: {message}");
    }
    assert!(generate(&desk, "base", "").unwrap().is_empty());
}

#[test]
fn conversations_go_through_the_chat_template() {
    let desk = Desk::new();
    desk.small_model("base", 1);
    let template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]\
                    {% if enable_thinking is false %}!{% endif %}{% endif %}";
    desk.write("base/chat_template.jinja", template);
    assert!(desk.good(&words("model inspect base")).contains("chat          template\n"));
    let plain = generate(&desk, "base --max-tokens 3", "[user]hi[assistant]\n").unwrap();
    let chat = generate(&desk, "base --max-tokens 3 --chat", "hi\n").unwrap();
    assert_eq!(chat, plain);
    let input = json!({"id": "x", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let mut object = generate(&desk, "base --max-tokens 3", &input).unwrap();
    assert_eq!(object[0].as_object_mut().unwrap().remove("id"), Some(json!("x")));
    assert_eq!(object, plain);
    let without = generate(&desk, "base --max-tokens 3 --chat --no-thinking", "hi\n").unwrap();
    assert_eq!(
        without[0]["prompt_tokens"].as_u64(),
        plain[0]["prompt_tokens"].as_u64().map(|tokens| tokens + 1)
    );
    // A checkpoint keeps its template when it is written again.
    Checkpoint::load(&desk.path("base")).unwrap().save(&desk.path("copy"), Precision::F32).unwrap();
    assert_eq!(fs::read_to_string(desk.path("copy/chat_template.jinja")).unwrap(), template);
}

#[test]
fn a_merged_adapter_computes_what_the_adapter_did() {
    let desk = Desk::new();
    desk.good(&words("model init base --family qwen3 --hidden 64 --layers 2"));
    let config = LoraConfig { rank: 4, alpha: 16.0, rslora: true, targets: Projection::ALL.to_vec() };
    let mut model = Checkpoint::load(&desk.path("base")).unwrap().model.with_lora(config, Seed(2));
    for (i, value) in model.trainable_mut().iter_mut().enumerate() {
        *value += ((i % 13) as f32 - 6.0) * 0.005;
    }
    peft::save(&model, &desk.path("adapter"), "base").unwrap();
    let adapted = scores(&model);
    let base = scores(&Checkpoint::load(&desk.path("base")).unwrap().model);
    assert!(farthest(&adapted, &base) > 0.1, "the adapter changes nothing");
    // f32: rounding of sums alone. 16 bits: weights keep 8 (bf16) or 11 (f16) binary digits.
    for (dtype, bound) in [("f32", 1e-4), ("bf16", 0.1), ("f16", 0.01)] {
        desk.good(&words(&format!(
            "model merge adapter --base base merged-{dtype} --dtype {dtype} --shard-bytes 50000"
        )));
        let folder = desk.path(format!("merged-{dtype}"));
        assert!(
            folder.join("model.safetensors.index.json").exists()
                && !folder.join("model.safetensors").exists()
        );
        let merged = scores(&Checkpoint::load(&folder).unwrap().model);
        assert!(farthest(&merged, &adapted) < bound, "{dtype}: {}", farthest(&merged, &adapted));
    }
    // Without --base it is the one that the adapter names, and without --dtype the base's own type.
    assert!(desk.good(&words("model merge adapter merged")).contains("weights       F32\n"));
    assert!(desk.refused(&words("model merge adapter merged")).contains("merged already holds"));
    assert!(desk.refused(&words("model merge base other")).contains("base holds no adapter"));
    desk.small_model("other", 3);
    let message = desk.refused(&words("model merge adapter --base other broken"));
    assert!(message.contains("config.json asks for"), "{message}");
}

/// Puts a checkpoint into a cache as the Hugging Face tools lay it out.
fn publish(from: &Path, cache: &Path, repository: &str) {
    let folder = cache.join(format!("models--{}", repository.replace('/', "--")));
    let snapshot = folder.join("snapshots/0123");
    fs::create_dir_all(&snapshot).unwrap();
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/main"), "0123").unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), snapshot.join(entry.file_name())).unwrap();
    }
}

#[test]
fn names_are_looked_up_in_the_cache_of_the_hub() {
    let desk = Desk::new();
    let said = desk.good(&words("model init base --hidden 32 --layers 1"));
    publish(&desk.path("base"), &desk.path("cache"), "org/tiny");
    let run =
        |line: &str| desk.command(&words(line)).env("HF_HUB_CACHE", desk.path("cache")).output().unwrap();
    for name in ["org/tiny", "org/tiny@main", "org/tiny@0123"] {
        let output = run(&format!("model inspect {name}"));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), said, "{name}");
    }
    let output = run("model inspect org/other@v1");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("`hf download org/other --revision v1`"), "{message}");
    assert_eq!(output.status.code(), Some(1));
    let output = run("rm train --groups none.jsonl --backbone org/other --out rubric");
    assert!(String::from_utf8(output.stderr).unwrap().contains("`hf download org/other`"));
    // An adapter of a model in the cache finds its base there.
    let checkpoint = Checkpoint::load(&desk.path("base")).unwrap();
    let config = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets: vec![Projection::QProj] };
    peft::save(&checkpoint.model.with_lora(config, Seed(1)), &desk.path("adapter"), "org/tiny").unwrap();
    let output = run("model inspect adapter");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
