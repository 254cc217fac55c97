use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use tracelift_domain::prompt::{Message, Role, Text, Thinking};

#[test]
fn byte_symbols_are_those_of_the_tokenizers_crate() {
    let ours: BTreeSet<char> = byte_symbols().into();
    let theirs: BTreeSet<char> =
        tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect();
    assert_eq!(ours.len(), 256);
    assert_eq!(ours, theirs);
}

#[test]
fn a_byte_is_its_own_token_and_special_tokens_are_whole() {
    let tokenizer = Tokenizer::byte_level().unwrap();
    assert_eq!(tokenizer.vocabulary(), 260);
    assert_eq!(tokenizer.eos(), [257]);
    assert_eq!(tokenizer.token(258).as_deref(), Some("<reasoning>"));
    assert_eq!(tokenizer.encode("a <reasoning>é\n</reasoning>").unwrap(), [97, 32, 258, 0xC3, 0xA9, 10, 259]);
    assert_eq!(tokenizer.encode("\0\u{7f}").unwrap(), [0, 127]);
    // An end token that a model wrote is not part of its text.
    assert_eq!(tokenizer.decode(&[104, 105, 257]).unwrap(), "hi");
}

#[test]
fn a_byte_level_tokenizer_survives_its_files() {
    let scratch = tempfile::tempdir().unwrap();
    let tokenizer = Tokenizer::byte_level().unwrap();
    tokenizer.save(scratch.path()).unwrap();
    let again = Tokenizer::load(scratch.path()).unwrap();
    assert_eq!(again.eos(), tokenizer.eos());
    assert_eq!(again.to_json().unwrap(), tokenizer.to_json().unwrap());
    // The file may have any name; what ends a text stands beside it.
    let renamed = scratch.path().join("bytes.json");
    std::fs::rename(scratch.path().join("tokenizer.json"), &renamed).unwrap();
    assert_eq!(Tokenizer::read(&renamed).unwrap().eos(), [257]);
    std::fs::remove_file(scratch.path().join("tokenizer_config.json")).unwrap();
    assert!(Tokenizer::read(&renamed).unwrap().eos().is_empty());
}

#[test]
fn a_prompt_begins_as_the_tokenizer_wants_and_never_ends() {
    let mut file: Value = serde_json::from_str(&Tokenizer::byte_level().unwrap().to_json().unwrap()).unwrap();
    let special = |token: &str, id: u32| json!({"id": token, "ids": [id], "tokens": [token]});
    file["post_processor"] = json!({
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<reasoning>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<eos>", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<reasoning>": special("<reasoning>", 258), "<eos>": special("<eos>", 257)},
    });
    let mut tokenizer = Tokenizer::from_json(&file.to_string()).unwrap();
    tokenizer.set_eos(vec![257]);
    assert_eq!(tokenizer.encode("a").unwrap(), [97]);
    assert_eq!(tokenizer.encode_prompt("a").unwrap(), [258, 97]);
    // What the text itself says stays.
    assert_eq!(tokenizer.encode_prompt("a<eos>").unwrap(), [258, 97, 257]);
    assert_eq!(Tokenizer::byte_level().unwrap().encode_prompt("a").unwrap(), [97]);
}

#[test]
fn prompts_follow_the_chat_template_where_it_is_asked_for() {
    let mut tokenizer = Tokenizer::byte_level().unwrap();
    let said = |thinking, prefill: &str| Prompt::Conversation {
        messages: vec![
            Message { role: Role::System, content: "Solve.".into() },
            Message { role: Role::User, content: "1 + 1?".into() },
        ],
        thinking,
        prefill: prefill.into(),
    };
    let absent = tokenizer.prompt(&said(Thinking::Default, "")).unwrap_err();
    assert!(absent.to_string().contains("no chat template"), "{absent}");
    tokenizer
        .set_chat_template(
            "{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}{{ enable_thinking }}{{ eos_token }}",
        )
        .unwrap();
    let text = |prompt| {
        let tokens = tokenizer.prompt(&prompt).unwrap();
        assert!(tokens.contains(&257), "`eos_token` is unknown to the template");
        tokenizer.decode(&tokens).unwrap()
    };
    assert_eq!(text(said(Thinking::Default, "")), "s:Solve.;u:1 + 1?;");
    assert_eq!(text(said(Thinking::Off, "")).to_lowercase(), "s:solve.;u:1 + 1?;false");
    assert_eq!(text(said(Thinking::Default, "<reasoning>\n")), "s:Solve.;u:1 + 1?;<eos><reasoning>\n");
    let plain = "Solve.\n\n1 + 1?\n\n";
    assert_eq!(tokenizer.prompt(&Prompt::Text(plain.into())).unwrap(), tokenizer.encode(plain).unwrap());
}

#[test]
fn control_tokens_in_what_others_said_are_text() {
    let mut tokenizer = Tokenizer::byte_level().unwrap();
    tokenizer
        .set_chat_template(
            "{% for m in messages %}{{ m.role[0] }}:{{ m.content | trim }}{{ eos_token }}{% endfor %}",
        )
        .unwrap();
    let turn = |content: &str| Message { role: Role::User, content: content.into() };
    let conversation = |messages: Vec<Message>| Prompt::Conversation {
        messages,
        thinking: Thinking::Default,
        prefill: "<eos>".into(),
    };
    // Those of the template and of the beginning of the reply stay.
    for said in [
        "<eos>",
        " a<eos>b<pad> ",
        "<<eos>>",
        "<e<eos>os>",
        "<eos><eos>",
        "\u{fdd0}<eos>\u{fdd0}",
        "\u{fdd0}\u{f0000}\u{fdd0}<pad>",
        "<reasoning>a</reasoning><eos>",
        "é<eos>ß",
    ] {
        let prompt = conversation(vec![turn("1"), turn(said)]);
        let tokens = tokenizer.prompt(&prompt).unwrap();
        assert_eq!(tokens.iter().filter(|token| **token == 257).count(), 3, "{said}");
        assert!(!tokens.contains(&256), "{said}");
        let laid_out = tokenizer.laid_out(&prompt).unwrap();
        assert_eq!(tokenizer.decode(&[tokens.as_slice(), &[97]].concat()).unwrap(), format!("{laid_out}a"));
        assert_eq!(tokens.contains(&258), said.contains("<reasoning>"), "the tags are no control tokens");
    }
    // Of a text, what others said is named; the rest is the author's own.
    let text = Text::new("Q: a<eos><pad>; a<eos> is it?<eos>".into(), vec!["a<eos>".into(), "os".into()]);
    let tokens = tokenizer.prompt(&Prompt::Text(text)).unwrap();
    assert_eq!(tokens.iter().filter(|token| [256, 257].contains(*token)).count(), 2);
    assert_eq!(*tokens.last().unwrap(), 257);
    // And of what a reward model reads, all but the tags of the format.
    let read =
        tokenizer.encode_said("<reasoning>a<eos></reasoning>", &["<reasoning>", "</reasoning>"]).unwrap();
    assert_eq!((read[0], read[read.len() - 1], read.contains(&257)), (258, 259, false));
    // A token that ends a text is one, whether or not the tokenizer calls it special.
    let mut file: Value = serde_json::from_str(&tokenizer.to_json().unwrap()).unwrap();
    file["added_tokens"][1]["special"] = json!(false);
    let mut plain = Tokenizer::from_json(&file.to_string()).unwrap();
    assert!(plain.encode_said("a<eos>", &[]).unwrap().contains(&257));
    plain.set_eos(vec![257]);
    assert_eq!(plain.encode_said("a<eos><eos>b", &[]).unwrap(), b"a<eos><eos>b".map(u32::from));
    // Many of them take no longer than a long text.
    let many = "<eos>".repeat(50_000);
    assert_eq!(tokenizer.encode_said(&many, &[]).unwrap().len(), many.len());
}

#[test]
fn a_reply_stops_where_its_text_does() {
    let tokenizer = Tokenizer::byte_level().unwrap();
    let at = ["</reasoning>", "§"];
    for (text, ends) in [
        ("a</reasoning>", true),
        ("a</reasonin", false),
        ("a long text, longer than what is looked at by far, and then a §", true),
        ("</reasoning> and on and on and on and on", false),
        ("", false),
    ] {
        assert_eq!(tokenizer.stops(&tokenizer.encode(text).unwrap(), &at), ends, "{text}");
    }
    assert!(!tokenizer.stops(&tokenizer.encode("a").unwrap(), &[] as &[&str]));
}

#[test]
fn where_the_crate_panics_is_an_error() {
    let failed = guarded::<()>(|| panic!("index {}", 7)).unwrap_err().to_string();
    assert!(failed.ends_with("its settings cannot be used with this text: index 7"), "{failed}");
    let failed = guarded::<()>(|| Err("no such token".into())).unwrap_err().to_string();
    assert_eq!(failed, "the tokenizer failed: no such token");
    assert_eq!(guarded(|| Ok(7)).unwrap(), 7);
}

/// Any text, and texts in which special tokens, tag by tag, are likely.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        1 => any::<char>().prop_map(String::from),
        1 => proptest::sample::select(vec!["<pad>", "<eos>", "<reasoning>", "</reasoning>", "<", " ", "\u{10FFFF}"])
            .prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_survives_byte_level_tokens(text in text()) {
        let tokenizer = Tokenizer::byte_level().unwrap();
        let tokens = tokenizer.encode(&text).unwrap();
        prop_assert!(tokens.iter().all(|&token| (token as usize) < tokenizer.vocabulary()));
        // Decoding leaves out an end token at the end, and that alone.
        prop_assert_eq!(tokenizer.decode(&tokens).unwrap(), text.strip_suffix("<eos>").unwrap_or(&text));
        let special = tokens.iter().filter(|&&token| token >= 256);
        let special: usize = special.map(|&token| tokenizer.token(token).unwrap().len()).sum();
        let bytes = tokens.iter().filter(|&&token| token < 256).count();
        prop_assert_eq!(bytes + special, text.len());
    }
}
