use super::*;
use crate::lora::LoraConfig;
use proptest::prelude::*;
use tracelift_domain::Seed;
use tracelift_testing::TinyModel;

fn shape(tied: bool) -> Config {
    let shape = TinyModel {
        family: "llama",
        vocabulary: 20,
        hidden: 8,
        intermediate: 12,
        layers: 3,
        head_dim: 4,
        tied,
        positions: 32,
        end: &[],
        ..TinyModel::BYTES
    };
    Config::from_json(&shape.config()).unwrap()
}

fn base() -> Value {
    json!({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"]})
}

fn read(changes: &[(&str, Value)]) -> Result<config::AdapterConfig, String> {
    let mut config = base();
    for (key, value) in changes {
        config[*key] = value.clone();
    }
    config::read(&config.to_string(), &shape(false))
}

/// The adapted layers, as `layer.module`.
fn adapted(config: &config::AdapterConfig) -> Vec<String> {
    let each = |(layer, row): (usize, &[Option<Adaptation>; 7])| {
        Projection::ALL
            .into_iter()
            .filter(|projection| row[*projection as usize].is_some())
            .map(|projection| format!("{layer}.{}", projection.module()))
            .collect::<Vec<_>>()
    };
    config.plan.iter().enumerate().flat_map(each).collect()
}

#[test]
fn what_is_not_supported_is_named() {
    for (key, value) in [
        ("use_dora", json!(true)),
        ("bias", json!("all")),
        ("r", json!(0)),
        ("r", json!(1_u64 << 40)),
        ("lora_alpha", json!("8")),
        ("target_modules", json!(["c_attn"])),
        ("target_modules", json!(["q_proj", "lm_head"])),
        ("target_modules", json!(".*(q_proj|lm_head)")),
        ("target_modules", json!("(")),
        ("target_modules", json!("(a{1000}){1000}")),
        ("target_modules", json!("nothing")),
        ("target_modules", json!(7)),
        ("init_lora_weights", json!("pissa")),
        ("layer_replication", json!([[0, 2]])),
        ("trainable_token_indices", json!([1])),
        ("rank_pattern", json!({"q_proj": 0})),
        ("rank_pattern", json!({"q_proj": 2, "layers.0.self_attn.q_proj": 3})),
        ("alpha_pattern", json!([1])),
        ("layers_to_transform", json!("all")),
        ("something_new", json!(1)),
        ("modules_to_save", json!("lm_head")),
    ] {
        let message = read(&[(key, value.clone())]).map(|_| ()).unwrap_err();
        assert!(message.contains(key), "{value}: {message}");
    }
    assert!(config::read("[]", &shape(false)).is_err());
}

#[test]
fn targets_are_those_of_peft() {
    let of = |target: Value| adapted(&read(&[("target_modules", target)]).unwrap());
    assert_eq!(of(json!(["q_proj"])), ["0.q_proj", "1.q_proj", "2.q_proj"]);
    assert_eq!(of(json!(["layers.1.self_attn.v_proj"])), ["1.v_proj"]);
    assert_eq!(of(json!("all-linear")).len(), 21);
    assert_eq!(
        of(json!(r".*\.[02]\..*(up|down)_proj")),
        ["0.up_proj", "0.down_proj", "2.up_proj", "2.down_proj"]
    );
    // A pattern is for the whole path.
    assert!(read(&[("target_modules", json!("q_proj"))]).is_err());
    let some = [("layers_to_transform", json!([1])), ("target_modules", json!(["q_proj", "k_proj"]))];
    assert_eq!(adapted(&read(&some).unwrap()), ["1.q_proj", "1.k_proj"]);
    let but = [("exclude_modules", json!(["layers.0.self_attn.q_proj"]))];
    assert_eq!(adapted(&read(&but).unwrap()), ["1.q_proj", "2.q_proj"]);
}

#[test]
fn ranks_and_alphas_follow_their_patterns() {
    let patterns = [
        ("rank_pattern", json!({r"layers\.1\.self_attn\.q_proj": 2, "k_proj": 3})),
        ("alpha_pattern", json!({"self_attn.k_proj": 5.0})),
        ("target_modules", json!(["q_proj", "k_proj"])),
    ];
    let config = read(&patterns).unwrap();
    let at = |layer: usize, projection: Projection| config.plan[layer][projection as usize].unwrap();
    assert_eq!(at(0, Projection::QProj), Adaptation { rank: 4, alpha: 8.0 });
    assert_eq!(at(1, Projection::QProj), Adaptation { rank: 2, alpha: 8.0 });
    assert_eq!(at(1, Projection::KProj), Adaptation { rank: 3, alpha: 5.0 });
}

#[test]
fn an_adapter_of_many_ranks_with_weights_of_its_own_survives_saving() {
    let patterns = [
        ("rank_pattern", json!({r"layers\.1\.self_attn\.q_proj": 2})),
        ("alpha_pattern", json!({"k_proj": 5.0})),
        ("target_modules", json!(r".*\.[01]\.self_attn\.[qk]_proj")),
        ("use_rslora", json!(true)),
    ];
    let config = read(&patterns).unwrap();
    let mut model = Model::random(shape(false), Seed(1));
    let mut lora = Lora::empty(&model.config, config.common, &config.plan);
    for (i, value) in lora.values.iter_mut().enumerate() {
        *value = i as f32 * 0.01;
    }
    lora.saved = vec!["lm_head".to_owned()];
    lora.brought = vec!["lm_head.weight".to_owned()];
    model.lora = Some(lora);
    let scratch = tempfile::tempdir().unwrap();
    save(&model, scratch.path(), "base").unwrap();

    let mut again = Model::random(shape(false), Seed(2));
    load(&mut again, scratch.path()).unwrap();
    assert_eq!(again.weights[again.layout.head.clone()], model.weights[model.layout.head.clone()]);
    again.weights.clone_from(&model.weights);
    assert_eq!(again.trainable(), model.trainable());
    assert_eq!(again.fingerprint(), model.fingerprint());
    // The fingerprint tells adapters of other strength apart.
    let other = scratch.path().join("adapter_config.json");
    let text = fs::read_to_string(&other).unwrap();
    fs::write(&other, text.replace("5.0", "6.0")).unwrap();
    load(&mut again, scratch.path()).unwrap();
    assert_ne!(again.fingerprint(), model.fingerprint());

    let mut tied = Model::random(shape(true), Seed(1));
    let before = tied.weights.clone();
    assert!(load(&mut tied, scratch.path()).is_err());
    assert!(tied.weights == before && tied.lora.is_none(), "a refused adapter changed the model");
}

#[test]
fn a_fresh_adapter_names_its_modules_alone() {
    let targets = vec![Projection::QProj, Projection::DownProj];
    let config = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets };
    let model = Model::random(shape(true), Seed(1)).with_lora(config, Seed(2));
    let named = Named::of(model.lora.as_ref().unwrap());
    assert_eq!(named.targets, ["q_proj", "down_proj"]);
    assert!(named.ranks.is_empty() && named.alphas.is_empty());
}

proptest! {
    #[test]
    fn any_file_is_refused_or_usable(
        key in proptest::sample::select(vec![
            "r", "lora_alpha", "target_modules", "exclude_modules", "modules_to_save", "rank_pattern",
            "alpha_pattern", "layers_to_transform", "use_rslora", "bias", "init_lora_weights",
        ]),
        value in prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,16}".prop_map(Value::from),
            proptest::collection::vec(".{0,8}", 0..3).prop_map(Value::from),
            (".{0,8}", any::<u8>()).prop_map(|(key, value)| json!({key: value})),
        ],
    ) {
        if let Ok(config) = read(&[(key, value)]) {
            prop_assert!(!adapted(&config).is_empty());
            let lora = Lora::empty(&shape(false), config.common, &config.plan);
            prop_assert!(lora.values.len() < 1 << 26);
        }
    }
}

#[test]
fn an_adapters_directory_stands_for_its_base_with_the_adapter_merged() {
    let desk = tempfile::tempdir().unwrap();
    let (base, adapter) = (desk.path().join("base"), desk.path().join("adapter"));
    let model = Model::random(Config::from_json(&TinyModel::BYTES.config()).unwrap(), Seed(1));
    let tokenizer = crate::Tokenizer::byte_level().unwrap();
    Checkpoint { model: model.clone(), tokenizer }.save(&base, Precision::F32).unwrap();
    let config = LoraConfig { rank: 2, alpha: 4.0, rslora: false, targets: Projection::ALL.to_vec() };
    let mut adapted = model.clone().with_lora(config, Seed(2));
    adapted.trainable_mut().iter_mut().enumerate().for_each(|(i, value)| *value = (i % 7) as f32 * 0.01);
    save(&adapted, &adapter, base.to_str().unwrap()).unwrap();
    adapted.merge_lora();
    let merged = open_merged(&adapter).unwrap();
    assert!(merged.model.lora.is_none() && merged.model.weights == adapted.weights);
    assert_eq!(open_merged(&base).unwrap().model.weights, model.weights, "a model is itself");

    // TRL saves a tokenizer with its adapters, perhaps with a template that the base has not.
    fs::copy(base.join("tokenizer.json"), adapter.join("tokenizer.json")).unwrap();
    fs::write(adapter.join("chat_template.jinja"), "{{ messages[0].content }}").unwrap();
    assert!(open_merged(&base).unwrap().tokenizer.chat_template().is_none());
    assert!(open_merged(&adapter).unwrap().tokenizer.chat_template().is_some());

    for (name, wanted) in
        [(json!("nowhere/at/all"), "nowhere/at/all"), (Value::Null, "base_model_name_or_path")]
    {
        let path = adapter.join("adapter_config.json");
        let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        config["base_model_name_or_path"] = name;
        fs::write(&path, config.to_string()).unwrap();
        let message = open_merged(&adapter).unwrap_err().to_string();
        assert!(message.contains(wanted) && message.contains("tracelift model merge"), "{message}");
    }
}
