//! Directories that people have: what is read although it is not as we would write it, what is refused and how it is said, and
//! what is still there after reading and writing.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tracelift_domain::Seed;
use tracelift_engine::checkpoint::{self, Outgoing, load_tensors, save_tensors};
use tracelift_engine::{
    ChatOptions, Checkpoint, Config, Conversation, Family, LoraConfig, Model, Precision, Projection,
    Tokenizer, peft,
};

/// A small model; its embedding has as many rows as the byte-level tokenizer has tokens, unless told otherwise.
fn small(family: Family, rows: usize) -> Model {
    let config = json!({
        "model_type": family.name(), "vocab_size": rows, "hidden_size": 16, "intermediate_size": 24,
        "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
        "max_position_embeddings": 64, "tie_word_embeddings": true,
    });
    Model::random(Config::from_json(&config.to_string()).unwrap(), Seed(3))
}

/// A directory with such a model in it.
fn desk(precision: Precision) -> TempDir {
    let desk = tempfile::tempdir().unwrap();
    let tokenizer = Tokenizer::byte_level().unwrap();
    Checkpoint { model: small(Family::Qwen2, 260), tokenizer }.save(desk.path(), precision).unwrap();
    desk
}

fn refusal(dir: &Path) -> String {
    Checkpoint::load(dir).map(|_| ()).unwrap_err().to_string()
}

/// Reads a JSON file, changes it and writes it.
fn change(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, value.to_string()).unwrap();
}

/// Rewrites the tensors of a file: each by name, with its shape and values.
fn rewrite(file: &Path, precision: Precision, change: impl Fn(&mut Vec<(String, Vec<usize>, Vec<f32>)>)) {
    let read = load_tensors(file).unwrap();
    let mut tensors = read.into_iter().map(|(name, (shape, values))| (name, shape, values)).collect();
    change(&mut tensors);
    let outgoing = |(name, shape, values): &'_ (String, Vec<usize>, Vec<f32>)| Outgoing {
        name: name.clone(),
        shape: shape.clone(),
        values: (&*values.clone().leak()).into(),
        precision,
    };
    save_tensors(file, tensors.iter().map(outgoing).collect()).unwrap();
}

#[test]
fn a_weight_that_is_no_number_is_named_with_its_place() {
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        for (bad, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
            for (name, position) in [
                ("model.embed_tokens.weight", 4159),
                ("model.norm.weight", 0),
                ("model.layers.1.mlp.up_proj.weight", 17),
            ] {
                let desk = desk(precision);
                rewrite(&desk.path().join("model.safetensors"), precision, |tensors| {
                    let tensor = tensors.iter_mut().find(|(other, _, _)| other == name).unwrap();
                    tensor.2[position] = bad;
                });
                let message = refusal(desk.path());
                let told = format!("tensor `{name}` holds {shown} at position {position};");
                assert!(message.contains(&told), "{precision:?}: {message}");
            }
        }
    }
}

#[test]
fn an_adapters_weight_that_is_no_number_is_named() {
    let desk = tempfile::tempdir().unwrap();
    let lora = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets: Projection::ALL.to_vec() };
    let model = small(Family::Qwen2, 260).with_lora(lora, Seed(1));
    peft::save(&model, desk.path(), "base").unwrap();
    rewrite(&desk.path().join("adapter_model.safetensors"), Precision::F32, |tensors| {
        tensors[1].2[3] = f32::NAN
    });
    let message = peft::load(&mut small(Family::Qwen2, 260), desk.path()).unwrap_err().to_string();
    assert!(message.contains("holds NaN at position 3"), "{message}");
}

#[test]
fn what_pytorch_computed_from_the_configuration_is_passed_over() {
    let desk = desk(Precision::F32);
    let before = checkpoint::load_model(desk.path()).unwrap();
    rewrite(&desk.path().join("model.safetensors"), Precision::F32, |tensors| {
        for name in [
            "rotary_emb.inv_freq",
            "model.rotary_emb.inv_freq",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
            "model.layers.1.self_attn.rotary_emb.cos_cached",
            "model.layers.1.self_attn.rotary_emb.sin_cached",
            "model.layers.1.self_attn.masked_bias",
            "model.embed_positions.position_ids",
        ] {
            // Not even a mask of infinities is read.
            tensors.push((name.to_owned(), vec![2], vec![f32::NEG_INFINITY, 1.0]));
        }
    });
    assert_eq!(checkpoint::load_model(desk.path()).unwrap().weights, before.weights);
}

#[test]
fn a_weight_is_not_passed_over_for_a_part_of_its_name() {
    for name in [
        "model.layers.0.self_attn.xinv_freq",
        "model.layers.0.rotary_emb.inv_freq_scale",
        "causal_mask.weight",
    ] {
        let desk = desk(Precision::F32);
        rewrite(&desk.path().join("model.safetensors"), Precision::F32, |tensors| {
            tensors.push((name.to_owned(), vec![1], vec![1.0]));
        });
        assert!(refusal(desk.path()).contains(&format!("tensor `{name}` belongs to no part of the model")));
    }
}

#[test]
fn names_without_the_prefix_are_those_of_a_decoder_saved_by_itself() {
    let desk = desk(Precision::F32);
    let file = desk.path().join("model.safetensors");
    let before = checkpoint::load_model(desk.path()).unwrap();
    rewrite(&file, Precision::F32, |tensors| {
        for (name, _, _) in tensors.iter_mut() {
            *name = name.strip_prefix("model.").unwrap().to_owned();
        }
    });
    assert_eq!(checkpoint::load_model(desk.path()).unwrap().weights, before.weights);
    // One tensor under both names is one too many.
    rewrite(&file, Precision::F32, |tensors| {
        tensors.push(("model.norm.weight".into(), vec![16], vec![1.0; 16]))
    });
    assert!(refusal(desk.path()).contains("belongs to no part of the model"));
}

#[test]
fn tokens_without_a_row_in_the_embedding_are_refused() {
    let desk = tempfile::tempdir().unwrap();
    let save = |rows: usize, file: &Value| {
        let model = small(Family::Llama, rows);
        checkpoint::save_model(&model, desk.path(), Precision::F32, &serde_json::Map::new(), Vec::new())
            .unwrap();
        fs::write(desk.path().join("tokenizer.json"), file.to_string()).unwrap();
    };
    let bytes: Value = serde_json::from_str(&Tokenizer::byte_level().unwrap().to_json().unwrap()).unwrap();
    save(260, &bytes);
    Checkpoint::load(desk.path()).unwrap();
    save(259, &bytes);
    let told = "the tokenizer makes tokens up to 259, but the model's embedding has rows up to 258";
    assert!(refusal(desk.path()).contains(told));
    // A token that was added later, with an id far away.
    let mut added = bytes.clone();
    let token = json!({"id": 9000, "content": "<far>", "single_word": false, "lstrip": false, "rstrip": false,
                       "normalized": false, "special": true});
    added["model"]["vocab"]["<far>"] = json!(9000);
    added["added_tokens"].as_array_mut().unwrap().push(token);
    save(300, &added);
    assert!(refusal(desk.path()).contains("makes tokens up to 9000"), "{}", refusal(desk.path()));
    // One that only the post-processor puts there, alone or in a sequence.
    let special = json!({"[B]": {"id": "[B]", "ids": [700], "tokens": ["[B]"]}});
    let single =
        json!([{"SpecialToken": {"id": "[B]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]);
    let template =
        json!({"type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": special});
    let roberta = json!({"type": "RobertaProcessing", "sep": ["</s>", 700], "cls": ["<s>", 1], "trim_offsets": true,
                         "add_prefix_space": false});
    let bert = json!({"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 700]});
    for processor in [json!({"type": "Sequence", "processors": [template.clone()]}), template, roberta, bert]
    {
        let mut file = bytes.clone();
        file["post_processor"] = processor.clone();
        save(300, &file);
        assert!(
            refusal(desk.path()).contains("makes tokens up to 700"),
            "{processor}: {}",
            refusal(desk.path())
        );
        save(701, &file);
        Checkpoint::load(desk.path()).unwrap();
    }
}

#[test]
fn an_end_token_that_the_model_cannot_make_is_refused() {
    let desk = desk(Precision::F32);
    let generation = desk.path().join("generation_config.json");
    for named in [json!(257), json!([257, 3]), json!(null)] {
        fs::write(&generation, json!({"eos_token_id": named}).to_string()).unwrap();
        Checkpoint::load(desk.path()).unwrap();
    }
    for (named, told) in [
        (json!([257, 99_999]), "names token 99999, but the model's embedding has rows up to"),
        (json!("257"), "generation_config.json"),
        (json!([257, "x"]), "generation_config.json"),
        (json!(-1), "generation_config.json"),
    ] {
        fs::write(&generation, json!({"eos_token_id": named}).to_string()).unwrap();
        assert!(refusal(desk.path()).contains(told), "{named}: {}", refusal(desk.path()));
    }
    fs::remove_file(&generation).unwrap();
    change(&desk.path().join("config.json"), |config| config["eos_token_id"] = json!([257, 9000]));
    assert!(refusal(desk.path()).contains("names token 9000"), "{}", refusal(desk.path()));
}

/// `transformers` does not tie a head that differs, whatever `config.json` says: to pass it over would be another model.
#[test]
fn a_head_beside_a_tied_embedding_must_be_its_copy() {
    let desk = desk(Precision::F32);
    let file = desk.path().join("model.safetensors");
    let embedding = |tensors: &Vec<(String, Vec<usize>, Vec<f32>)>| {
        tensors.iter().find(|(name, ..)| name == "model.embed_tokens.weight").unwrap().clone()
    };
    rewrite(&file, Precision::F32, |tensors| {
        let (_, shape, values) = embedding(tensors);
        tensors.push(("lm_head.weight".to_owned(), shape, values));
    });
    assert!(Checkpoint::load(desk.path()).unwrap().model.config.tied);
    rewrite(&file, Precision::F32, |tensors| {
        let head = tensors.iter_mut().find(|(name, ..)| name == "lm_head.weight").unwrap();
        head.2[7] += 1.0;
    });
    assert!(refusal(desk.path()).contains("`tie_word_embeddings`"), "{}", refusal(desk.path()));
}

/// Every prefix of a file, and every file in which one part is of another kind, is read or refused, and nothing else.
#[test]
fn a_damaged_tokenizer_is_an_error() {
    let desk = desk(Precision::F32);
    let path = desk.path().join("tokenizer.json");
    let text = fs::read_to_string(&path).unwrap();
    for length in (0..text.len()).step_by(97) {
        fs::write(&path, &text.as_bytes()[..length]).unwrap();
        assert!(refusal(desk.path()).contains("tokenizer.json: "), "{length}");
    }
    let whole: Value = serde_json::from_str(&text).unwrap();
    let wrong = [
        json!(7),
        json!("x"),
        json!([1]),
        json!({"type": "Nothing"}),
        json!({"type": "Sequence"}),
        json!({}),
    ];
    for part in ["added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"] {
        for wrong in &wrong {
            let mut file = whole.clone();
            file[part] = wrong.clone();
            fs::write(&path, file.to_string()).unwrap();
            assert!(refusal(desk.path()).contains("tokenizer.json: "), "{part}: {wrong}");
        }
    }
    let processors = [
        (
            json!({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}], "pair": [],
                "special_tokens": {}}),
            "`x` is not among",
        ),
        (
            json!({"type": "TemplateProcessing", "single": [], "pair": [],
                "special_tokens": {"x": {"id": "x", "ids": [1, 2], "tokens": ["x"]}}}),
            "`x` has 2 ids for 1 tokens",
        ),
    ];
    for (processor, told) in processors {
        let mut file = whole.clone();
        file["post_processor"] = processor;
        fs::write(&path, file.to_string()).unwrap();
        assert!(refusal(desk.path()).contains(told), "{}", refusal(desk.path()));
    }
    let mut file = whole.clone();
    file["model"]["dropout"] = json!(0.1);
    fs::write(&path, file.to_string()).unwrap();
    assert!(refusal(desk.path()).contains("`model.dropout` cuts the same text into other tokens every time"));
    let replace = |pattern: Value| json!({"type": "Replace", "pattern": pattern, "content": "x"});
    let parts = [
        ("normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAECAw=="}), "`normalizer`"),
        ("normalizer", replace(json!({"String": ""})), "where there is nothing"),
        ("normalizer", replace(json!({"Regex": ""})), "where there is nothing"),
        (
            "normalizer",
            json!({"type": "Sequence", "normalizers": [replace(json!({"Regex": "(?<=a)b*"}))]}),
            "where there is nothing",
        ),
        (
            "pre_tokenizer",
            json!({"type": "Sequence", "pretokenizers": [{"type": "FixedLength", "length": 0}]}),
            "a `length` of 0",
        ),
        (
            "post_processor",
            json!({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}], "pair": [],
                "special_tokens": {}}),
            "a second text",
        ),
    ];
    for (part, value, told) in parts {
        let mut file = whole.clone();
        file[part] = value;
        fs::write(&path, file.to_string()).unwrap();
        assert!(refusal(desk.path()).contains(told), "{}", refusal(desk.path()));
    }
}

#[test]
fn what_is_no_checkpoint_is_named_with_the_next_step() {
    let desk = desk(Precision::F32);
    let at = |name: &str| desk.path().join(name);
    let folder = |name: &str, files: &[(&str, &str)]| {
        let folder = at(name);
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
        folder
    };
    let config = fs::read_to_string(at("config.json")).unwrap();
    let weights = fs::read(at("model.safetensors")).unwrap();
    let adapter = r#"{"peft_type": "LORA", "base_model_name_or_path": "org/base"}"#;
    let tokenless = folder("tokenless", &[("config.json", &config), ("vocab.json", "{}")]);
    fs::write(tokenless.join("model.safetensors"), &weights).unwrap();
    fs::write(at("m.gguf"), b"GGUF\x03\0\0\0").unwrap();
    // A GGUF file under another name is known by its first bytes.
    fs::write(at("blob"), b"GGUF\x03\0\0\0").unwrap();
    fs::write(at("notes.txt"), "x").unwrap();
    let cases = [
        (at("absent"), vec!["does not exist", "org/name"]),
        (at("m.gguf"), vec!["is a GGUF file", "Hugging Face directory", "[executor.openai]"]),
        (at("blob"), vec!["is a GGUF file"]),
        (folder("ggufs", &[("a-Q4_K_M.gguf", "GGUF")]), vec!["holds `a-Q4_K_M.gguf`", "GGUF file"]),
        (
            folder("half", &[("config.json", &config), ("a.gguf", "GGUF")]),
            vec!["holds no model.safetensors", "a.gguf"],
        ),
        (
            folder("adapter", &[("adapter_config.json", adapter), ("adapter_model.safetensors", "")]),
            vec!["holds an adapter", "tracelift model merge ", "--base org/base"],
        ),
        (
            folder("baseless", &[("adapter_config.json", r#"{"base_model_name_or_path": null}"#)]),
            vec!["holds an adapter", "--base BASE"],
        ),
        (
            folder("both", &[("config.json", &config), ("adapter_config.json", adapter)]),
            vec!["holds an adapter and no weights", "tracelift model merge "],
        ),
        (
            folder("pickled", &[("config.json", &config), ("pytorch_model.bin", "x")]),
            vec!["`pytorch_model.bin`", "can run code", "save_pretrained("],
        ),
        (
            folder("shards", &[("config.json", &config), ("pytorch_model-00001-of-00002.bin", "x")]),
            vec!["`pytorch_model-00001-of-00002.bin`", "save_pretrained("],
        ),
        (
            folder("original", &[("config.json", &config), ("consolidated.00.pth", "x")]),
            vec!["`consolidated.00.pth`"],
        ),
        (
            folder("bare", &[("config.json", &config)]),
            vec!["holds no model.safetensors", "fetch the weights"],
        ),
        (folder("empty", &[]), vec!["holds no config.json"]),
        (
            folder(
                "pointers",
                &[
                    ("config.json", &config),
                    (
                        "model.safetensors",
                        "version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 9\n",
                    ),
                ],
            ),
            vec!["in place of `model.safetensors`", "Git LFS", "git lfs pull"],
        ),
        (at("model.safetensors"), vec!["is a file of weights", "name the directory instead"]),
        (at("notes.txt"), vec!["is a file, not a model's directory"]),
        (tokenless, vec!["holds its tokenizer as `vocab.json` only", "AutoTokenizer"]),
    ];
    for (path, told) in &cases {
        let message = refusal(path);
        for part in told {
            assert!(message.contains(part), "{}: {message}", path.display());
        }
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    let run = folder("run", &[("metrics.jsonl", "")]);
    fs::create_dir(run.join("planner")).unwrap();
    fs::write(run.join("planner/config.json"), &config).unwrap();
    let message = refusal(&run);
    assert!(message.contains(&format!("there is a model in {}", run.join("planner").display())), "{message}");
}

#[test]
fn a_model_keeps_what_its_upload_said() {
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        let (desk, again) = (desk(precision), tempfile::tempdir().unwrap());
        let at = |name: &str| desk.path().join(name);
        change(&at("config.json"), |config| {
            config["bos_token_id"] = json!(256);
            config["pad_token_id"] = json!(256);
            config["eos_token_id"] = json!([257, 256]);
            config["initializer_range"] = json!(0.041_666);
            config["_name_or_path"] = json!("someone/else");
        });
        let generation =
            json!({"do_sample": true, "top_p": 0.8, "eos_token_id": [257, 10], "repetition_penalty": 1.1});
        fs::write(at("generation_config.json"), generation.to_string()).unwrap();
        change(&at("tokenizer_config.json"), |settings| {
            settings["bos_token"] = json!({"content": "<pad>", "lstrip": false});
            settings["model_max_length"] = json!(64);
        });
        fs::write(at("special_tokens_map.json"), r#"{"unk_token": "<pad>", "eos_token": "<eos>"}"#).unwrap();
        fs::write(at("added_tokens.json"), r#"{"<reasoning>": 258}"#).unwrap();
        fs::write(at("chat_template.jinja"), "{{ messages[0].content }}").unwrap();
        fs::create_dir(at("additional_chat_templates")).unwrap();
        fs::write(at("additional_chat_templates/tool_use.jinja"), "T{{ tools | length }}").unwrap();
        let read = Checkpoint::load(desk.path()).unwrap();
        assert_eq!(read.model.notes.precision, Some(precision));
        assert!(
            [257, 256, 10].iter().all(|id| read.tokenizer.eos().contains(id)),
            "{:?}",
            read.tokenizer.eos()
        );
        read.save(again.path(), precision).unwrap();
        let json = |folder: &Path, name: &str| -> Value {
            serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
        };
        assert_eq!(json(again.path(), "generation_config.json"), generation);
        let config = json(again.path(), "config.json");
        for (field, value) in [
            ("bos_token_id", json!(256)),
            ("pad_token_id", json!(256)),
            ("initializer_range", json!(0.041_666)),
        ] {
            assert_eq!(config[field], value, "{field}");
        }
        assert_eq!(config["torch_dtype"], precision.name());
        // It is no longer what was uploaded.
        assert_eq!(config.get("_name_or_path"), None);
        let settings = json(again.path(), "tokenizer_config.json");
        assert_eq!(settings["bos_token"]["content"], "<pad>");
        assert_eq!((&settings["model_max_length"], &settings["eos_token"]), (&json!(64), &json!("<eos>")));
        for name in [
            "model.safetensors",
            "tokenizer.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "chat_template.jinja",
            "additional_chat_templates/tool_use.jinja",
        ] {
            assert_eq!(
                fs::read(desk.path().join(name)).unwrap(),
                fs::read(again.path().join(name)).unwrap(),
                "{name}"
            );
        }
    }
}

#[test]
fn templates_are_found_where_transformers_looks() {
    let desk = desk(Precision::F32);
    let at = |name: &str| desk.path().join(name);
    let render = || {
        let tokenizer = Tokenizer::load(desk.path()).unwrap();
        let messages = r#"[{"role": "user", "content": "hi"}]"#;
        let plain: Conversation = serde_json::from_str(&format!(r#"{{"messages": {messages}}}"#)).unwrap();
        let tools: Conversation =
            serde_json::from_str(&format!(r#"{{"messages": {messages}, "tools": [{{"name": "f"}}]}}"#))
                .unwrap();
        let empty: Conversation =
            serde_json::from_str(&format!(r#"{{"messages": {messages}, "tools": null}}"#)).unwrap();
        [plain, tools, empty].map(|one| tokenizer.chat(&one, &ChatOptions::default()).unwrap())
    };
    let set = |template: Value| {
        change(&at("tokenizer_config.json"), |settings| settings["chat_template"] = template)
    };
    set(json!("inline {{ eos_token }}"));
    assert_eq!(render(), ["inline <eos>"; 3]);
    set(
        json!([{"name": "default", "template": "usual"}, {"name": "tool_use", "template": "tools"}, {"name": "rag", "template": "r"}]),
    );
    assert_eq!(render(), ["usual", "tools", "usual"]);
    set(json!({"tool_use": "tools", "default": "usual"}));
    assert_eq!(render(), ["usual", "tools", "usual"]);
    // The only one is meant, whatever it is called.
    set(json!([{"name": "tool_use", "template": "only"}]));
    assert_eq!(render(), ["only"; 3]);
    // Files of their own come before what the settings say.
    fs::write(at("chat_template.jinja"), "file").unwrap();
    assert_eq!(render(), ["file"; 3]);
    fs::create_dir(at("additional_chat_templates")).unwrap();
    fs::write(at("additional_chat_templates/tool_use.jinja"), "more").unwrap();
    fs::write(at("additional_chat_templates/README"), "{% no template").unwrap();
    assert_eq!(render(), ["file", "more", "file"]);
    fs::write(at("additional_chat_templates/tool_use.jinja"), "{% if %}").unwrap();
    // A template that cannot be read keeps nobody from the model, and is what it was when the model is saved.
    let tokenizer = Tokenizer::load(desk.path()).unwrap();
    let with_tools: Conversation = serde_json::from_str(
        r#"{"messages": [{"role": "user", "content": "hi"}], "tools": [{"name": "f"}]}"#,
    )
    .unwrap();
    assert_eq!(tokenizer.chat(&Conversation::of_user("hi"), &ChatOptions::default()).unwrap(), "file");
    let message = tokenizer.chat(&with_tools, &ChatOptions::default()).unwrap_err().to_string();
    assert!(message.contains("tool_use.jinja") && message.contains("syntax error"), "{message}");
    let again = tempfile::tempdir().unwrap();
    tokenizer.save(again.path()).unwrap();
    let kept = fs::read_to_string(again.path().join("additional_chat_templates/tool_use.jinja")).unwrap();
    assert_eq!(kept, "{% if %}");
}

#[test]
fn a_tokenizer_beside_qwen2_names_a_class_of_its_own() {
    let class = |family: Option<Family>| {
        let folder = tempfile::tempdir().unwrap();
        let tokenizer = Tokenizer::byte_level().unwrap();
        match family {
            Some(family) => tokenizer.save_with(folder.path(), family).unwrap(),
            None => tokenizer.save(folder.path()).unwrap(),
        }
        let settings = fs::read_to_string(folder.path().join("tokenizer_config.json")).unwrap();
        let settings: Value = serde_json::from_str(&settings).unwrap();
        let stub = folder.path().join("tokenizer_as_written.py").exists();
        assert_eq!(settings.get("auto_map").is_some(), stub, "{family:?}");
        stub
    };
    assert!(class(Some(Family::Qwen2)) && class(None));
    assert!(!class(Some(Family::Qwen3)) && !class(Some(Family::Llama)));
}

#[test]
fn files_that_begin_with_a_byte_order_mark_are_read() {
    let desk = desk(Precision::F32);
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
        let path = desk.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("\u{feff}{text}")).unwrap();
    }
    Checkpoint::load(desk.path()).unwrap();
}
