use super::*;
use proptest::prelude::*;
use serde_json::json;

fn mended(text: &str) -> (Value, Vec<Repair>) {
    let (value, repairs) = repair(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    (value, repairs.into_iter().collect())
}

#[test]
fn each_repair_by_itself() {
    use Repair::*;
    for (text, value, repairs) in [
        (r#"{"a": 1,}"#, json!({"a": 1}), vec![SpareComma]),
        (r#"{"a": [1,, 2,]}"#, json!({"a": [1, 2]}), vec![SpareComma]),
        ("{\"a\": 1 \"b\": 2}", json!({"a": 1, "b": 2}), vec![MissingComma]),
        ("{\"a\": \"x\"\n\"b\": 2}", json!({"a": "x", "b": 2}), vec![MissingComma]),
        (r#"{'a': 'it'}"#, json!({"a": "it"}), vec![Quotes]),
        (r#"{“a”: “x”}"#, json!({"a": "x"}), vec![Quotes]),
        (r#"{"a": "she said "no" to it"}"#, json!({"a": "she said \"no\" to it"}), vec![InnerQuote]),
        (r#"{a: 1, b_2: 3}"#, json!({"a": 1, "b_2": 3}), vec![BareKey]),
        (r#"{"a": True, "b": None}"#, json!({"a": true, "b": null}), vec![PythonWord]),
        ("{\"a\": 1, // one\n /* two */ \"b\": 2}", json!({"a": 1, "b": 2}), vec![Comment]),
        ("{\"a\": \"x\ny\"}", json!({"a": "x\ny"}), vec![RawControl]),
        (r#"{"a": "\(x\)"}"#, json!({"a": "\\(x\\)"}), vec![Backslash]),
        (r#"{"a": +1, "b": .5, "c": 007}"#, json!({"a": 1, "b": 0.5, "c": 7}), vec![Number]),
    ] {
        assert_eq!(mended(text), (value, repairs), "{text}");
    }
}

#[test]
fn what_was_cut_off_is_dropped_and_not_guessed() {
    let whole = r#"{"a": "first", "b": [1, 23], "c": {"d": true, "e": 45}, "f": "last"}"#;
    let value: Value = serde_json::from_str(whole).unwrap();
    let is_part = |part: &Value| -> bool { part_of(part, &value) };
    for end in 1..whole.len() {
        let (part, repairs) = mended(&whole[..end]);
        assert_eq!(repairs, [Repair::CutOff], "{}", &whole[..end]);
        assert!(is_part(&part), "{} became {part}", &whole[..end]);
    }
    assert_eq!(mended(r#"{"a": "first", "b": "sec"#).0, json!({"a": "first"}));
    assert_eq!(mended(r#"{"a": 1, "score": 1"#).0, json!({"a": 1}));
}

/// Whether every value in `part` stands at the same place in `whole`.
fn part_of(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|other| part_of(value, other)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len() && part.iter().zip(whole).all(|(part, whole)| part_of(part, whole))
        }
        _ => part == whole,
    }
}

#[test]
fn what_is_not_clear_is_refused() {
    for text in [
        "",
        "x",
        "{:1}",
        "{\"a\" 1}",
        "{\"a\": nonsense}",
        "{\"a\": 1-2}",
        "{\"a\": 1.2.3, \"b\": 1}",
        "{\"a\": NaN}",
    ] {
        assert!(repair(text).is_err(), "{text:?}: {:?}", repair(text));
    }
    assert!(repair(&"[".repeat(MAX_DEPTH + 2)).is_err());
    assert!(repair(&"[".repeat(1 << 20)).is_err());
}

/// The seeds of the fuzz target, by its rules.
#[test]
fn seeds_of_the_fuzz_target_hold() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/json_repair");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        if let Ok((value, _)) = repair(&text) {
            assert_eq!(repair(&value.to_string()), Ok((value, BTreeSet::new())), "{text}");
        }
        assert!(super::super::candidates(&text).iter().all(|found| found.value.is_object()), "{text}");
        count += 1;
    }
    assert!(count >= 10);
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has no NaN", |x| x.is_finite().then(|| Value::from(x))),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Text that looks like JSON gone wrong.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"", "'", "“", "”", "\\", "\\u", "\\ud83d", "\\ude00", "\\n", "a",
        "\"a\"", "\"é\"", "1", "-", "0.5", "1e9", "true", "None", " ", "\n", "//", "/*", "*/", "#", "\u{0}",
        "😀", "```", "json",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn valid_json_is_read_as_a_strict_reader_reads_it(value in document(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let strict: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(repair(&text), Ok((strict, BTreeSet::new())));
    }

    #[test]
    fn nothing_makes_it_panic(text in prop_oneof![any::<String>(), nearly()]) {
        let _ = repair(&text);
        let _ = super::super::candidates(&text);
    }

    #[test]
    fn what_was_repaired_is_valid(text in nearly()) {
        if let Ok((value, _)) = repair(&text) {
            let written = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(repair(&written), Ok((value, BTreeSet::new())));
        }
    }

    #[test]
    fn cutting_never_changes_a_value(value in document(), at in any::<prop::sample::Index>()) {
        let text = serde_json::to_string(&json!({ "only": value })).unwrap();
        let mut end = at.index(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if let Ok((part, _)) = repair(&text[..end]) {
            let whole: Value = serde_json::from_str(&text).unwrap();
            prop_assert!(part_of(&part, &whole), "{} became {}", &text[..end], part);
        }
    }
}
