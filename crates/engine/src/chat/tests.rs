use super::*;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use tracelift_domain::Role;

/// A conversation that `tools/make_chat_goldens.py` had `transformers` render.
#[derive(Deserialize)]
struct Case {
    template: String,
    tokens: BTreeMap<String, String>,
    messages: Value,
    options: Options,
    text: Option<String>,
    refused: Option<String>,
}

#[derive(Deserialize)]
struct Options {
    add_generation_prompt: bool,
    enable_thinking: Option<bool>,
    tools: Option<Value>,
}

#[test]
fn conversations_are_rendered_as_transformers_renders_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chat");
    let cases: Vec<Case> =
        serde_json::from_str(&fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
    let (mut rendered, mut refused) = (0, 0);
    for case in cases {
        let text = fs::read_to_string(folder.join(format!("{}.jinja", case.template))).unwrap();
        let template = ChatTemplate::new(&text, case.tokens).unwrap();
        let options = ChatOptions {
            add_generation_prompt: case.options.add_generation_prompt,
            enable_thinking: case.options.enable_thinking,
            ..ChatOptions::default()
        };
        let conversation = Conversation::new(case.messages, case.options.tools);
        match (template.render(&conversation, &options), case.text, case.refused) {
            (Ok(found), Some(expected), _) => {
                assert_eq!(found, expected, "{}", case.template);
                rendered += 1;
            }
            (Err(ChatError::Template(found)), _, Some(expected)) => {
                assert_eq!(found, expected, "{}", case.template);
                refused += 1;
            }
            (found, text, refused) => {
                panic!("{}: {found:?} instead of {text:?} or a refusal {refused:?}", case.template)
            }
        }
    }
    assert!(rendered > 60 && refused > 5, "{rendered} rendered, {refused} refused");
}

fn render(template: &str, messages: &str) -> Result<String, ChatError> {
    let tokens = BTreeMap::from([("bos_token".to_owned(), "<s>".to_owned())]);
    ChatTemplate::new(template, tokens)?
        .render(&Conversation::from_json(messages).unwrap(), &ChatOptions::default())
}

#[test]
fn python_methods_and_json_are_at_hand() {
    for (template, expected) in [
        ("{{ bos_token }}{{ messages[0].content.upper().strip('HO') }}", "<s>ELL"),
        ("{{ messages[0] | tojson }}", r#"{"role": "user", "content": "hello"}"#),
        ("{{ messages[0] | tojson(sort_keys=true) }}", r#"{"content": "hello", "role": "user"}"#),
        ("{{ [1, 2.5, none, true, 'é<'] | tojson }}", r#"[1, 2.5, null, true, "é<"]"#),
        ("{{ ['é', '🌧'] | tojson(ensure_ascii=true) }}", r#"["\u00e9", "\ud83c\udf27"]"#),
        ("{{ [1, 2] | tojson(separators=[',', ':']) }}", "[1,2]"),
        ("{{ {'a': [], 'b': {}} | tojson(indent=1) }}", "{\n \"a\": [],\n \"b\": {}\n}"),
        ("{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}", "role=user;content=hello;"),
        ("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024"),
        ("{% generation %}\n  a\n  {%- endgeneration %}\nb\n", "  ab"),
        ("{% if tools is none and enable_thinking is not defined %}yes{% endif %}", "yes"),
    ] {
        assert_eq!(
            render(template, r#"[{"role": "user", "content": "hello"}]"#).unwrap(),
            expected,
            "{template}"
        );
    }
}

#[test]
fn a_template_can_neither_run_for_ever_nor_go_unexplained() {
    for (template, expected) in [
        ("{{ raise_exception('no: ' ~ messages[0].role) }}", "the chat template failed: no: user"),
        ("{% for i in range(9999) %}{% for j in range(9999) %}{{ j }}{% endfor %}{% endfor %}", "fuel"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{{ nothing.at.all }}", "undefined"),
        ("{{ strftime_now('%Q') }}", "`%Q` is not supported"),
        ("{{ 1 | tojson(pretty=true) }}", "pretty"),
        ("{% include 'other' %}", "other"),
    ] {
        let message = render(template, r#"[{"role": "user"}]"#).unwrap_err().to_string();
        assert!(message.contains(expected), "{template}: {message}");
    }
    assert!(ChatTemplate::new("{% if %}", BTreeMap::new()).is_err());
    assert!(matches!(
        ChatTemplate::new(&" ".repeat(LONGEST + 1), BTreeMap::new()),
        Err(ChatError::TooLong(_))
    ));
}

#[test]
fn messages_of_the_house_are_messages() {
    let messages = [
        Message { role: Role::System, content: "s".into() },
        Message { role: Role::User, content: "u".into() },
    ];
    let template = ChatTemplate::new("{{ messages | tojson }}", BTreeMap::new()).unwrap();
    let text = template.render(&Conversation::from(messages.as_slice()), &ChatOptions::default()).unwrap();
    assert_eq!(text, r#"[{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]"#);
}
