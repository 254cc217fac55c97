//! Reading and writing group files.

use super::*;
use proptest::prelude::*;
use std::fs;
use tempfile::TempDir;
use tracelift_domain::{Label, Rubric};

fn group() -> Group {
    let rubric = |label| Rubric::from_labels([Label::new(label).unwrap(); 5]).to_map(TaskDomain::Math);
    Group {
        problem_id: "p/1".into(),
        source: "gsm8k".into(),
        task_type: TaskDomain::Math,
        problem: "how many ?".into(),
        reference_solution: "7".into(),
        positive_pool: vec![Positive {
            reasoning: "a = 3 + 4 .".into(),
            rubric: rubric(4),
            extra: Map::new(),
        }],
        negative_bank: vec![Negative {
            reasoning: "a = 3 - 4 .".into(),
            negative_kind: "wrong_operation".into(),
            rubric: rubric(2),
            extra: Map::new(),
        }],
        metadata: Map::new(),
    }
}

fn json_line(group: &Group) -> String {
    serde_json::to_string(group).unwrap()
}

/// Reads a file of these bytes: its groups, or its errors as a person sees them, without the folder.
fn read(bytes: &[u8]) -> Vec<Result<Group, String>> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("g.jsonl");
    fs::write(&path, bytes).unwrap();
    let prefix = format!("{}/", folder.path().display());
    GroupReader::open(&path).unwrap().map(|row| row.map_err(|e| e.to_string().replace(&prefix, ""))).collect()
}

fn only_error(bytes: &[u8]) -> String {
    let mut errors: Vec<String> = read(bytes).into_iter().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

#[test]
fn line_ends_and_blank_lines_do_not_matter() {
    let line = json_line(&group());
    for text in [
        format!("{line}\n{line}\n"),
        format!("{line}\n{line}"),
        format!("{line}\r\n{line}\r\n"),
        format!("{line}\n{line}\n\n \r\n\n"),
        format!("\n{line}\n\r\n{line}"),
    ] {
        assert_eq!(read(text.as_bytes()), vec![Ok(group()), Ok(group())], "{text:?}");
    }
    assert!(read(b"").is_empty());
    assert!(read(b"\n\r\n").is_empty());
}

#[test]
fn an_error_names_the_line_and_reading_goes_on() {
    let line = json_line(&group());
    let rows = read(format!("{line}\n\nnonsense\r\n{line}").as_bytes());
    assert_eq!(
        rows,
        vec![
            Ok(group()),
            Err("g.jsonl:3:2: not JSON: expected ident; a group file has one JSON object a line".into()),
            Ok(group()),
        ]
    );
}

#[test]
fn each_way_to_be_wrong_has_its_message() {
    let line = json_line(&group());
    let cut = &line[..20];
    assert_eq!(
        only_error(cut.as_bytes()),
        "g.jsonl:1:20: not JSON: EOF while parsing a value; a group file has one JSON object a line"
    );
    assert_eq!(
        only_error(line.replace("\"problem\":", "\"question\":").as_bytes()),
        format!("g.jsonl:1:{}: not a group: missing field `problem`", line.len() + 1)
    );
    assert_eq!(
        only_error(line.replace("\"math\"", "\"maths\"").as_bytes()),
        "g.jsonl:1: group `p/1`: `task_type` is maths, expected math, code or steps"
    );
    assert_eq!(
        only_error(line.replace("\"answer_support\":2", "\"answer_support\":2.5").as_bytes()),
        "g.jsonl:1: group `p/1`: `negative_bank[0]`: rubric label `answer_support` is 2.5, expected 0, 1, 2, 3 or 4"
    );
    assert_eq!(
        only_error(line.replace("a = 3 - 4 .", "<reasoning>").as_bytes()),
        "g.jsonl:1: group `p/1`: `negative_bank[0]`: `reasoning` is empty or contains reasoning tags"
    );
    assert!(only_error(b"{\"problem_id\": \"\xff\"}").starts_with("g.jsonl:1:"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = GroupReader::open("no/such/file.jsonl").unwrap_err().to_string();
    assert!(error.starts_with("open the group file no/such/file.jsonl: "), "{error}");
}

#[test]
fn a_folder_is_refused_when_it_is_opened() {
    let folder = TempDir::new().unwrap();
    assert!(matches!(GroupReader::open(folder.path()), Err(GroupsError::Open { .. })));
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("zeros");
    // A sparse file: a gigabyte of zero bytes that takes no room.
    File::create(&path).unwrap().set_len(1 << 30).unwrap();
    let mut reader = GroupReader::open(&path).unwrap();
    assert!(matches!(reader.next(), Some(Err(GroupsError::Long { line: 1, .. }))));
    assert!(reader.buffer.capacity() as u64 <= 4 * LONGEST_LINE);
    assert!(reader.next().is_none());
}

#[test]
fn unknown_fields_are_kept() {
    let line = json_line(&group());
    let more = line.replacen('{', "{\"difficulty\":3,", 1).replacen(
        "\"reasoning\":",
        "\"by\":\"hand\",\"reasoning\":",
        1,
    );
    let rows = read(more.as_bytes());
    let read_group = rows[0].as_ref().unwrap();
    assert_eq!(read_group.metadata["difficulty"], 3);
    assert_eq!(read_group.positive_pool[0].extra["by"], "hand");

    let twice = more.replace("\"metadata\":{", "\"metadata\":{\"difficulty\":4");
    assert_eq!(
        only_error(twice.as_bytes()),
        "g.jsonl:1: group `p/1`: `difficulty` is a field of the group and of its `metadata`; rename one of them"
    );
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("g.jsonl");
    assert_eq!(write_groups(&path, [group(), group()]).unwrap(), 2);
    let before = fs::read(&path).unwrap();

    let wrong = |change: fn(&mut Group)| {
        let mut wrong = group();
        change(&mut wrong);
        let error = write_groups(&path, [group(), wrong]).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file was left behind");
        error.to_string().replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(
        wrong(|group| group.negative_bank.clear()),
        "write the group file g.jsonl: group `p/1`: `negative_bank` is empty; a group needs flawed traces to rank"
    );
    assert_eq!(
        wrong(|group| {
            group.positive_pool[0].extra.insert("reasoning".into(), Value::Null);
        }),
        "write the group file g.jsonl: group `p/1`: would not be read back: duplicate field `reasoning`"
    );
    assert_eq!(
        wrong(|group| {
            group.positive_pool[0].rubric.insert("more".into(), f64::NAN);
        }),
        "write the group file g.jsonl: group `p/1`: would not be read back: invalid type: null, expected f64"
    );
    let nowhere = folder.path().join("no/such/folder/g.jsonl");
    assert!(matches!(write_groups(nowhere, [group()]), Err(GroupsError::Write(_))));
}

fn free_form() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    // The prefix keeps clear of the names of fields.
    prop::collection::btree_map("x[^\0]{0,6}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

prop_compose! {
    fn any_trace()(text in any::<String>()) -> String {
        tracelift_domain::Trace::new(&text).map_or_else(|| "a .".to_owned(), |_| text)
    }
}

prop_compose! {
    fn any_rubric(domain: TaskDomain)(
        labels in prop::array::uniform5(0..5_u8), total in 0.0..=1.0, more in prop::num::f64::NORMAL,
    ) -> std::collections::BTreeMap<String, f64> {
        let mut map = Rubric { labels: labels.map(|label| Label::new(label).unwrap()), total }.to_map(domain);
        map.insert("more".into(), more);
        map
    }
}

fn any_group() -> impl Strategy<Value = Group> {
    let domain = prop::sample::select(vec![TaskDomain::Math, TaskDomain::Code, TaskDomain::Steps]);
    domain.prop_flat_map(|task_type| {
        let positive = (any_trace(), any_rubric(task_type), free_form())
            .prop_map(|(reasoning, rubric, extra)| Positive { reasoning, rubric, extra });
        let negative = (any_trace(), any::<String>(), any_rubric(task_type), free_form()).prop_map(
            |(reasoning, negative_kind, rubric, extra)| Negative { reasoning, negative_kind, rubric, extra },
        );
        (
            any::<[String; 4]>(),
            prop::collection::vec(positive, 1..3),
            prop::collection::vec(negative, 1..4),
            free_form(),
        )
            .prop_map(
                move |([problem_id, source, problem, solution], positive_pool, negative_bank, metadata)| {
                    Group {
                        problem_id,
                        source,
                        task_type,
                        problem,
                        reference_solution: solution,
                        positive_pool,
                        negative_bank,
                        metadata,
                    }
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(groups in prop::collection::vec(any_group(), 0..4)) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("g.jsonl");
        prop_assert_eq!(write_groups(&path, groups.clone()).unwrap(), groups.len() as u64);
        let read: Vec<Group> = GroupReader::open(&path).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(read, groups);
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let rows = read(&bytes);
        prop_assert!(rows.iter().all(Result::is_err));
    }

    #[test]
    fn a_damaged_line_never_panics_nor_harms_its_neighbours(
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let good = json_line(&group());
        let mut bad = good.clone().into_bytes();
        let at = at.index(bad.len());
        if cut { bad.truncate(at) } else { bad[at] = if byte == b'\n' { b' ' } else { byte } }
        let rows = read(&[good.as_bytes(), b"\n", &bad, b"\n", good.as_bytes()].concat());
        prop_assert_eq!(rows.first(), Some(&Ok(group())));
        prop_assert_eq!(rows.last(), Some(&Ok(group())));
    }
}

/// A file as others publish it: its minimal example, and a group with every field of its pipeline.
#[test]
fn published_groups_are_read() {
    let rubric = |names: [&str; 5], label: u8, total: f64| {
        let mut map: Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), label.into())).collect();
        map.insert("total".into(), total.into());
        map
    };
    let code = ["task_understanding", "plan_quality", "step_coherence", "action_support", "non_leakage"];
    let math = [
        "problem_understanding",
        "solution_strategy",
        "step_coherence",
        "calculation_correctness",
        "answer_support",
    ];
    let minimal = serde_json::json!({
        "problem_id": "example_000001", "source": "code", "task_type": "algorithm", "problem": "Statement.",
        "reference_solution": "print(1)",
        "positive_pool": [{"reasoning": "A correct trace.", "rubric": rubric(code, 4, 1.0)}],
        "negative_bank": [{"reasoning": "A flawed trace.", "negative_kind": "wrong_algorithm_choice",
                           "rubric": rubric(code, 1, 0.35)}],
    });
    let full = serde_json::json!({
        "problem_id": "code_000007", "source": "code", "problem": "Statement.", "reference_solution": "print(1)",
        "positive_pool": [{"reasoning": "A trace.", "label": "positive", "rubric": rubric(code, 4, 1.0),
                           "rubric_label": null, "rubric_score_raw": 10.0, "raw_reason_length": 9,
                           "clean_reason_length": 8}],
        "negative_bank": [{"reasoning": "A flaw.", "negative_kind": "off_by_one", "negative_index": 0,
                           "label": "negative", "rubric": rubric(code, 2, 0.5), "rubric_reason": "why",
                           "metadata": {"judge_meta": {}, "source_row_index": 3}}],
        "metadata": {"task_type": "code", "source_dataset": "x", "source_row_index": 7},
    });
    let gsm8k = serde_json::json!({
        "problem_id": "gsm8k_1", "source": "gsm8k", "task_type": "math", "problem": "Q?", "reference_solution": "72",
        "positive_pool": [{"reasoning": "A trace.", "rubric": rubric(math, 4, 1.0)}],
        "negative_bank": [{"reasoning": "A flaw.", "negative_kind": "dropped_step", "rubric": rubric(math, 2, 0.5)}],
        "metadata": {"answer": "72", "math_dimension_names": math},
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("published.jsonl");
    std::fs::write(&path, format!("{minimal}\n{full}\n{gsm8k}\n")).unwrap();
    let groups: Vec<Group> = GroupReader::open(&path).unwrap().collect::<Result<_, _>>().unwrap();
    let domains: Vec<TaskDomain> = groups.iter().map(|group| group.task_type).collect();
    assert_eq!(domains, [TaskDomain::Code, TaskDomain::Code, TaskDomain::Math]);
    assert_eq!(groups[0].metadata["task_type"], "algorithm");
    assert_eq!(groups[1].negative_bank[0].extra["rubric_reason"], "why");
    let again = folder.path().join("again.jsonl");
    write_groups(&again, groups.clone()).unwrap();
    assert_eq!(GroupReader::open(&again).unwrap().collect::<Result<Vec<_>, _>>().unwrap(), groups);
}

/// Python's `splitlines`, with which published readers split a file, knows more line breaks than JSONL does; and published
/// labels are integers.
#[test]
fn other_readers_see_one_group_a_line() {
    let mut odd = group();
    odd.problem = "one\u{2028}two\u{85}three\u{2029}four".into();
    let line = String::from_utf8(crate::file::line(&odd).unwrap()).unwrap();
    assert!(line.contains(r"one\u2028two\u0085three\u2029four"), "{line}");
    assert!(line.trim_end().chars().all(|c| !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')));
    let row: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(row["problem"], odd.problem.as_str());
    let rubric = row["positive_pool"][0]["rubric"].as_object().unwrap();
    assert!(rubric.iter().all(|(name, value)| value.is_u64() == (name != "total")), "{rubric:?}");
}

#[test]
fn a_group_is_read_again_by_its_position() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("g.jsonl");
    let lines: Vec<String> =
        (0..4).map(|at| json_line(&Group { problem_id: format!("p/{at}"), ..group() })).collect();
    // A mark, a blank line, a line that is no group, and the end without a line break.
    let text = format!("\u{feff}{}\r\n\n{}\nnonsense\n{}\n{}", lines[0], lines[1], lines[2], lines[3]);
    fs::write(&path, text).unwrap();
    let mut reader = GroupReader::open(&path).unwrap();
    let mut seen = Vec::new();
    while let Some(found) = reader.next() {
        seen.extend(found.ok().map(|group| (group.problem_id, reader.position())));
    }
    assert_eq!(seen.len(), 4);
    for (problem_id, position) in seen {
        let again = GroupReader::open_at(&path, position).unwrap().next().unwrap().unwrap();
        assert_eq!(again.problem_id, problem_id);
    }
}
