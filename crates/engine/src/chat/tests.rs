use super::*;
use serde::Deserialize;
use std::fs;
use std::path::Path;
use tracelift_domain::Role;
use tracelift_testing::skipped;

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
    let (rendered, refused) = compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chat"));
    assert!(rendered > 60 && refused > 5, "{rendered} rendered, {refused} refused");
}

#[test]
fn published_templates_are_rendered_as_transformers_renders_them() {
    let Some(folder) = std::env::var_os("TRACELIFT_CHAT_GOLDENS") else {
        skipped("TRACELIFT_CHAT_GOLDENS names no folder of published templates with their goldens");
        return;
    };
    let (rendered, refused) = compare(Path::new(&folder));
    eprintln!("{rendered} rendered, {refused} refused");
}

/// Renders the cases of a folder; how many were rendered and how many refused, by both sides.
fn compare(folder: &Path) -> (usize, usize) {
    let cases: Vec<Case> =
        serde_json::from_str(&fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
    let (mut rendered, mut refused) = (0, 0);
    let mut different = Vec::new();
    for case in cases {
        let text = fs::read_to_string(folder.join(format!("{}.jinja", case.template))).unwrap();
        let template = match ChatTemplate::new(&text, case.tokens) {
            Ok(template) => template,
            Err(error) => {
                different.push(format!("{}: {error}", case.template));
                continue;
            }
        };
        let options = ChatOptions {
            add_generation_prompt: case.options.add_generation_prompt,
            enable_thinking: case.options.enable_thinking,
            ..ChatOptions::default()
        };
        let conversation = Conversation::new(case.messages, case.options.tools);
        match (template.render(&conversation, &options), case.text, case.refused) {
            (Ok(found), Some(expected), _) if found == expected => rendered += 1,
            // Other faults than the template's own words are worded otherwise.
            (Err(ChatError::Template(found)), _, Some(expected))
                if found == expected || found.contains("(line ") =>
            {
                refused += 1;
            }
            (found, text, refused) => different.push(format!(
                "{}: {found:?}\n  instead of {text:?} or a refusal {refused:?}",
                case.template
            )),
        }
    }
    different.dedup();
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    (rendered, refused)
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

/// What `tools/make_template_goldens.py` makes: templates with what jinja2 renders them to.
#[derive(Deserialize)]
struct Expressions {
    values: BTreeMap<String, Value>,
    cases: Vec<Expression>,
}

#[derive(Deserialize)]
struct Expression {
    template: String,
    text: Option<String>,
    refused: Option<String>,
}

/// What comes out otherwise, and is left so: nothing of it stands in templates of conversations.
const OTHERWISE: [&str; 61] = [
    "{{ '{!r}'.format('x') }}",
    "{{ '{:.1%}'.format(0.256) }}",
    "{{ '%r'%'x' }}",
    "{{ w.encode() }}",
    "{{ 'abc'.translate({97:'x'}) }}",
    "{{ 'a'.maketrans('a','b') }}",
    "{{ w['upper']() }}",
    "{{ d.items }}",
    "{{ '<a>\"&\\''|e }}",
    "{{ 'a b&c'|urlencode }}",
    "{{ d|urlencode }}",
    "{{ {'a':1,'b':2}|xmlattr }}",
    "{{ xs|pprint }}",
    "{{ d|pprint }}",
    "{{ w|attr('upper') }}",
    "{{ messages[0]|attr('role') }}",
    "{{ xs|random|string|length }}",
    "{{ {1:2,none:3,true:4}|tojson }}",
    "{{ range(3) }}",
    "{{ lipsum is defined }}",
    "{{ '{0[0]} {1[a]} {2.real}'.format(xs, d, n) }}",
    "{{ '{!s} {!r}'.format('a', 'b') }}",
    "{{ dict([('a', 1)]) }}",
    "{{ n.real }}",
    "{{ f.imag }}",
    "{% macro f(a, b='B') %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1) }}|{{ f(1, 2) }}|{{ f(b=3, a=4) }}|{{ f(1, 2, 3, x=4) }}",
    "{{ '\\N{BULLET}' }}",
    "{{ d.items() }}",
    "{{ d.keys() }}",
    "{{ d.values() }}",
    "{{ {'items': 1}.items is callable }}",
    "{{ namespace({'a': 1}, b=2).b }}|{{ namespace({'a': 1}).a }}",
    "{% for x in xs %}{{ loop }}{% break %}{% endfor %}",
    "{% macro f() %}{{ n }}{% endmacro %}{% set g = f %}{{ g() }}{{ f is callable }}{{ f.name }}",
    "{{ '%*d' % (5, 3) }}",
    "{{ xs[1.0] is defined }}|{{ xs[true] }}",
    "{{ range(3) is iterable }}|{{ range(3) is sequence }}|{{ xs|map('abs') is iterable }}|{{ xs|map('abs') is sequence }}|{{ xs|map('abs') is string }}",
    "{{ d is sequence }}|{{ d.items() is sequence }}|{{ d is string }}|{{ n is sequence }}",
    "{% autoescape true %}{{ '<a>' }}{% endautoescape %}",
    "{{ xs|random in xs }}",
    "{{ 'http://a.b/c d?e=é&f'|urlencode }}|{{ [('a', 1), ('b c', '/')]|urlencode }}",
    "{{ {'class': 'a', 'x': none, 'id': 3}|xmlattr }}",
    "{% set c = cycler('a', 'b') %}{% for x in xs %}{{ c.next() }}{% endfor %}{{ c.current }}",
    "{{ ['a', 'B', 'A', 'b']|unique|list }}|{{ [1, 1.0, true]|unique|list }}",
    "{% macro f(a) %}{{ varargs }}{% endmacro %}{{ f(1, 2, 3) }}",
    "{% macro f(a) %}{{ kwargs }}{% endmacro %}{{ f(1, b=2) }}",
    "{% macro f(a, b) %}{{ a }}{% endmacro %}{{ f.arguments }}",
    "{% for x in xs %}{% block b %}{{ x }}{% endblock %}{% endfor %}",
    "{{ namespace(a=1) }}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.current }}",
    "{{ w|attr('upper') is defined }}",
    "{{ self is defined }}",
    "{{ true + 1 }}|{{ true * 'x' }}|{{ yes|int }}|{{ no|string|lower }}|{{ -true }}",
    "{{ '%s' % xs }}|{{ '%s' % (xs,) }}|{{ '%s %s' % ('a', xs) }}|{{ '%d' % 3.9 }}|{{ '%s' % 1.0 }}|{{ '%r' % 3 }}",
    "{% macro f(x, y=x) %}{{ varargs }}{{ y }}{% endmacro %}{{ f(1, 2, 3) }}",
    "{{ 'x'.join(w.split()) }}{{ ''.join(xs|map('string')) }}{{ ''.join(reversed) }}",
    "{{ f is callable }}{{ range is callable }}{{ 'a'.upper is callable }}{{ namespace is callable }}{{ dict is callable }}",
    "{{ [{'a': 'x', 'n': 1}, {'a': 'y', 'n': 2}, {'a': 'x', 'n': 3}]|groupby('a') }}",
    "{% macro f() %}{% block z %}in{{ q }}{% endblock %}{% endmacro %}{{ f() }}",
    "{% with q = 5 %}{% block y %}{{ q is defined }}{% endblock %}{% endwith %}",
    "{% set s2 = namespace(v=xs[0]) %}{% for x in xs if x < s2.v %}{% set s2.v = x %}{% endfor %}{{ s2.v }}",
];

#[test]
fn expressions_are_rendered_as_jinja2_renders_them() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chat/expressions.json");
    let Expressions { values, cases } = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut different = Vec::new();
    for Expression { template, text, refused } in &cases {
        let found =
            ChatTemplate::new(template, BTreeMap::new()).and_then(|ready| ready.render_with(values.clone()));
        let same = match (&found, text) {
            (Ok(found), Some(text)) => found == text,
            // Being more lenient than Python does no harm.
            (_, None) => true,
            (Err(_), Some(_)) => false,
        };
        if same == OTHERWISE.contains(&template.as_str()) {
            different.push(format!("{template}\n  here:   {found:?}\n  jinja2: {text:?} {refused:?}"));
        }
    }
    assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), cases.len(), different.join("\n"));
}
