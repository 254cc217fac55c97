//! Files of every format, read as they are published.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use proptest::prelude::*;
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use tracelift_datasets::{ColumnMap, DataSet, DatasetError, Format, Row, TestSets, held_out};
use tracelift_domain::{AnswerForm, Gold, TaskDomain};
use tracelift_testing::shared;

fn rows(text: &str, name: &str, format: Format, map: Option<&ColumnMap>) -> Vec<Result<Row, String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let data = DataSet::open(&path, Some(format), map).unwrap();
    data.rows().unwrap().map(|row| row.map_err(|error| error.to_string())).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn one(text: &str, format: Format) -> Row {
    rows(text, "train.jsonl", format, None).remove(0).unwrap()
}

fn tests(row: &Row) -> &[tracelift_domain::IoTest] {
    match &row.problem.gold {
        Gold::Tests(tests) => tests,
        other => panic!("{other:?}"),
    }
}

/// Rows of every format, each of its own, worded for these tests.
const SAMPLES: [(Format, &str); 9] = [
    (Format::Gsm8k, r#"{"question": "Q? ", "answer": "1+1 = <<1+1=2>>2\n#### 2"}"#),
    (Format::Math, r#"{"problem": "P", "solution": "So \\boxed{\\frac{1}{2}}."}"#),
    (
        Format::Svamp,
        r#"{"Answer":145.0,"Question":"How big?","Equation":"( 290.0 / 2.0 )","Body":"There are 290","ID":"c"}"#,
    ),
    (Format::Aime, r#"{"ID": "2031-I-1", "Problem": "P", "Solution": "S", "Answer": 33, "url": "x/AIME"}"#),
    (
        Format::Mbpp,
        r#"{"task_id": 601, "text": "T", "code": "def g(x):\r\n  pass\r\ndef f(x):\r\n  g(x)", "test_list": ["assert f(1)", "assert f(2)"]}"#,
    ),
    (
        Format::HumanEval,
        r#"{"task_id": "H/0", "prompt": "\ndef f():\n", "canonical_solution": "    pass\n", "entry_point": "f", "test": "def check(f): f()"}"#,
    ),
    (
        Format::Stdio,
        r#"{"problem": "Add.", "tests": [{"input": "1", "output": "2"}], "solutions": ["print(2)"], "id": 7}"#,
    ),
    (
        Format::Problems,
        r#"{"id": "a", "source": "mine", "domain": "math", "statement": "S", "gold": {"answer": "2"}}"#,
    ),
    (
        Format::Groups,
        r#"{"problem_id": "p", "task_type": "maths", "problem": "S", "reference_solution": "so #### 7", "positive_pool": [{"reasoning": "R", "rubric": {"total": 1.0}}], "negative_bank": []}"#,
    ),
];

#[test]
fn each_format_is_read() {
    let [gsm8k, math, svamp, aime, mbpp, human, stdio, problems, groups] =
        SAMPLES.map(|(format, text)| one(text, format));
    let answer = |row: &Row| match &row.problem.gold {
        Gold::Answer(answer) => answer.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((gsm8k.problem.id.as_str(), answer(&gsm8k).as_str()), ("gsm8k/train/00001", "2"));
    assert_eq!(gsm8k.problem.question.statement, "Q?");
    for (row, form) in [
        (&gsm8k, AnswerForm::Number),
        (&math, AnswerForm::Expression),
        (&svamp, AnswerForm::Number),
        (&aime, AnswerForm::Number),
        (&problems, AnswerForm::Expression),
    ] {
        assert_eq!(row.problem.question.form, form, "{}", row.problem.id);
    }
    assert_eq!(answer(&math), "\\frac{1}{2}");
    assert_eq!(svamp.problem.question.statement, "There are 290. How big?");
    assert_eq!(svamp.solution.as_deref(), Some("290 / 2 = 145"));
    assert_eq!((aime.problem.id.as_str(), answer(&aime).as_str()), ("aime/train/2031-I-1", "33"));
    assert_eq!(mbpp.problem.id, "mbpp/601");
    assert_eq!(mbpp.problem.question.entry.as_deref(), Some("f"), "what the tests call");
    assert_eq!(mbpp.problem.question.tests_shown, ["assert f(1)"]);
    assert!(matches!(mbpp.problem.gold, Gold::Function(tests) if tests.asserts.len() == 2));
    assert_eq!(human.opening.as_deref(), Some("\ndef f():\n"));
    assert_eq!(human.solution.as_deref(), Some("\ndef f():\n    pass\n"));
    assert_eq!(human.problem.question.entry.as_deref(), Some("f"));
    assert!(
        matches!(human.problem.gold, Gold::Function(tests) if tests.check.is_some() && tests.entry.as_deref() == Some("f"))
    );
    assert_eq!((tests(&stdio).len(), stdio.solution.as_deref()), (1, Some("print(2)")));
    assert_eq!((problems.problem.id.as_str(), answer(&problems).as_str()), ("a", "2"));
    assert_eq!((groups.trace.as_deref(), answer(&groups).as_str()), (Some("R"), "7"));
}

#[test]
fn a_format_is_seen_in_the_first_row() {
    let folder = tempfile::tempdir().unwrap();
    for (format, text) in SAMPLES {
        let path = folder.path().join("mine.jsonl");
        std::fs::write(&path, format!("\n{text}\n")).unwrap();
        assert_eq!(DataSet::open(&path, None, None).unwrap().format(), format, "{text}");
    }
    let path = folder.path().join("other.jsonl");
    std::fs::write(&path, "{\"instruction\": \"x\", \"output\": \"y\"}\n").unwrap();
    let message = DataSet::open(&path, None, None).unwrap_err().to_string();
    assert!(message.contains("other.jsonl:1: it is not plain how the file is laid out"), "{message}");
    assert!(
        message.contains("`instruction`, `output`") && message.contains("; svamp (`Body`, "),
        "{message}"
    );
    std::fs::write(&path, "\n\n").unwrap();
    assert!(matches!(DataSet::open(&path, None, None), Err(DatasetError::Empty { .. })));
    let map = map();
    assert_eq!(DataSet::open(&path, None, Some(&map)).unwrap().format(), Format::Columns);
    assert!(DataSet::open(&path, Some(Format::Math), Some(&map)).is_err());
    assert!(DataSet::open(&path, Some(Format::Columns), None).is_err());
}

#[test]
fn a_row_of_another_shape_is_named_with_line_key_and_formats() {
    let text = "{\"question\": \"Q\", \"answer\": \"#### 1\"}\n{\"text\": \"Q\"}\n[1]\n";
    let rows = rows(text, "mixed.jsonl", Format::Gsm8k, None);
    let message = rows[1].as_ref().unwrap_err();
    assert!(
        message.contains("mixed.jsonl:2: has no text in `question`; format gsm8k reads `question`, "),
        "{message}"
    );
    assert!(rows[2].as_ref().unwrap_err().contains(":3: is no JSON object"));
}

#[test]
fn programs_that_read_and_print_come_with_their_tests() {
    let apps = r#"{"question": "Sum.", "input_output": "{\"inputs\": [\"1 2\\n\", [\"3\", \"4\"]], \"outputs\": [\"3\\n\", 7]}", "solutions": "[\"print(1)\"]", "problem_id": 5}"#;
    let row = one(apps, Format::Stdio);
    assert_eq!((row.problem.id.as_str(), row.solution.as_deref()), ("train/5", Some("print(1)")));
    assert_eq!((tests(&row)[1].stdin.as_str(), tests(&row)[1].stdout.as_str()), ("3\n4", "7"));

    let contests = r#"{"name": "c", "description": "Sum of 1 2 is 3.", "public_tests": {"input": ["1 2", "5 6"], "output": ["3", "11"]}, "private_tests": {"input": ["9 9"], "output": ["18"]}, "generated_tests": {"input": [], "output": []}, "solutions": {"language": [2, 3], "solution": ["int main", "print(3)"]}}"#;
    let row = one(contests, Format::Stdio);
    assert_eq!((tests(&row).len(), row.solution.as_deref()), (3, Some("print(3)")));
    assert_eq!(
        row.problem.question.tests_shown,
        ["Input:\n5 6\nOutput:\n11"],
        "the statement prints the other"
    );

    // `pickle.dumps('[{"input": "1", "output": "2", "testtype": "stdin"}]')`, packed by zlib and base64.
    let private = r#"[{"input": "1", "output": "2", "testtype": "stdin"}]"#;
    let mut pickle = vec![0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0, 0x8c, u8::try_from(private.len()).unwrap()];
    pickle.extend(private.as_bytes());
    pickle.extend([0x94, b'.']);
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(&pickle).unwrap();
    let private = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, packer.finish().unwrap());
    let bench = serde_json::json!({
        "question_content": "Q", "question_id": "1_A",
        "public_test_cases": r#"[{"input": "0", "output": "1", "testtype": "stdin"}]"#,
        "private_test_cases": private,
    });
    let row = one(&bench.to_string(), Format::Stdio);
    let stdin: Vec<&str> = tests(&row).iter().map(|test| test.stdin.as_str()).collect();
    assert_eq!((stdin, row.problem.question.tests_shown.len()), (vec!["0", "1"], 1));

    let printed = r#"{"problem": "Add.\nInput: 1\nOutput: 2", "solution": "print(2)"}"#;
    assert_eq!(tests(&one(printed, Format::Stdio)).len(), 1);

    let called = r#"{"question": "Q", "input_output": {"fn_name": "f", "inputs": [[1]], "outputs": [2]}}"#;
    let called = one(called, Format::Stdio).problem.gold;
    assert!(
        matches!(&called, Gold::Function(function) if function.entry.as_deref() == Some("f")),
        "{called:?}"
    );

    for (wrong, told) in [
        (r#"{"question": "Q", "input_output": {"inputs": ["1"], "outputs": []}}"#, "1 inputs and 0 outputs"),
        (r#"{"question": "Q", "tests": "not json"}"#, "`tests`: not JSON"),
        (r#"{"question": "Q", "tests": [{"input": "1"}]}"#, "has no `input` and `output`"),
    ] {
        let message = rows(wrong, "x.jsonl", Format::Stdio, None).remove(0).unwrap_err();
        assert!(message.contains(told), "{message}");
    }
}

#[test]
fn a_program_that_nothing_tests_is_no_problem_to_train_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.jsonl");
    std::fs::write(&path, "{\"problem\": \"Say hello.\", \"solution\": \"print()\"}\n").unwrap();
    let data = DataSet::open(&path, Some(Format::Stdio), None).unwrap();
    assert!(data.rows().unwrap().all(|row| row.is_ok()), "it may still be the seed of a group");
    for message in [data.problems(None).err(), data.training(None, TestSets::LeftOut).err()] {
        let message = message.unwrap().to_string();
        assert!(message.contains("mine.jsonl:1: problem `mine/00001` has no tests"), "{message}");
    }
}

#[test]
fn a_packed_file_is_its_content() {
    let text = concat!(
        "{\"question\": \"Q?\", \"answer\": \"1+1 = <<1+1=2>>2\\n#### 2\"}\n\n",
        "{\"question\": \"R?\", \"answer\": \"#### 3\"}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let (plain, gzip) = (folder.path().join("train.jsonl"), folder.path().join("train.jsonl.gz"));
    std::fs::write(&plain, text).unwrap();
    // Two members one after the other are one text, as parallel packers write it.
    std::fs::write(&gzip, [packed(&text[..20]), packed(&text[20..])].concat()).unwrap();
    let open = |path: &Path| DataSet::open(path, None, None).unwrap();
    let rows = |path: &Path| -> Vec<Row> { open(path).rows().unwrap().collect::<Result<_, _>>().unwrap() };
    assert_eq!(rows(&gzip), rows(&plain), "identifiers, too");
    assert_eq!((open(&plain).count().unwrap(), open(&gzip).count().unwrap()), (2, 2));
    assert_eq!(held_out(Path::new("d/test.jsonl.gz"), Format::Gsm8k, &rows(&gzip)[0]), Some("GSM8K test"));

    let torn = packed(text);
    std::fs::write(&gzip, &torn[..torn.len() - 12]).unwrap();
    let data = DataSet::open(&gzip, Some(Format::Gsm8k), None).unwrap();
    let message = data.rows().unwrap().find_map(Result::err).unwrap().to_string();
    assert!(message.starts_with("cannot read ") && message.contains("train.jsonl.gz"), "{message}");
}

fn map() -> ColumnMap {
    ColumnMap {
        problem: "q".into(),
        solution: Some("s".into()),
        answer: Some("a".into()),
        id: None,
        trace: None,
        domain: TaskDomain::Math,
        source: None,
    }
}

#[test]
fn columns_are_mapped_and_what_is_wrong_is_named() {
    let text = "{\"q\": \"Q\", \"s\": \"S\", \"a\": 5}\n{\"q\": \"Q\"}\nnot json\n";
    let rows = rows(text, "mine.jsonl", Format::Columns, Some(&map()));
    assert_eq!(rows[0].as_ref().unwrap().problem.gold, Gold::Answer("5".into()));
    let message = rows[1].as_ref().unwrap_err();
    assert!(message.ends_with("mine.jsonl:2: has no column `s`; it has q"), "{message}");
    assert!(rows[2].as_ref().unwrap_err().contains("mine.jsonl:3: not JSON"));
}

#[test]
fn parquet_is_read_by_columns_and_by_format() {
    use parquet::{
        data_type::{ByteArray, ByteArrayType},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.parquet");
    let schema = "message m { required binary question (UTF8); required binary answer (UTF8); }";
    let schema = std::sync::Arc::new(parse_message_type(schema).unwrap());
    let file = std::fs::File::create(&path).unwrap();
    let mut writer =
        SerializedFileWriter::new(file, schema, WriterProperties::builder().build().into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for texts in [["Q1", "Q2"], ["so #### 1", "so #### 2"]] {
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = texts.iter().map(|text| (*text).into()).collect();
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    let data = DataSet::open(&path, None, None).unwrap();
    assert_eq!((data.format(), data.count().unwrap()), (Format::Gsm8k, 2));
    assert_eq!(data.problems(None).unwrap()[1].gold, Gold::Answer("2".into()));
    let map =
        ColumnMap { problem: "question".into(), solution: Some("answer".into()), answer: None, ..map() };
    let by_columns = DataSet::open(&path, None, Some(&map)).unwrap().problems(None).unwrap();
    assert_eq!(by_columns[1].gold, Gold::Answer("2".into()));
    std::fs::write(&path, "not parquet").unwrap();
    assert!(matches!(DataSet::open(&path, None, None), Err(DatasetError::Parquet { .. })));
}

#[test]
fn test_sets_are_known_by_their_names() {
    let row = one("{\"question\": \"Q\", \"answer\": \"#### 2\"}", Format::Gsm8k);
    for (path, held) in [
        ("data/gsm8k/test.jsonl", Some("GSM8K test")),
        ("data/gsm8k/train.jsonl", None),
        ("aime24/data.jsonl", Some("AIME")),
        ("math500/data.jsonl", Some("MATH-500")),
        ("latest/train.jsonl", None),
    ] {
        assert_eq!(held_out(Path::new(path), Format::Gsm8k, &row), held, "{path}");
    }
    let mbpp = |task: u32| {
        let text = format!(
            r#"{{"task_id": {task}, "text": "T", "code": "def f(): 1", "test_list": ["assert f()"]}}"#
        );
        held_out(Path::new("mbpp.jsonl"), Format::Mbpp, &one(&text, Format::Mbpp)).is_some()
    };
    assert_eq!([10, 11, 510, 511, 974].map(mbpp), [false, true, true, false, false]);
}

/// Published files where they are at hand, with their formats, how many rows they have, and how many belong to a test set.
const PUBLISHED: [(&str, Format, usize, u64); 7] = [
    ("gsm8k/train.jsonl", Format::Gsm8k, 7473, 0),
    ("gsm8k/test.jsonl", Format::Gsm8k, 1319, 1319),
    ("math500/test.jsonl", Format::Math, 500, 500),
    ("svamp/test.jsonl", Format::Svamp, 1000, 1000),
    ("aime24/test.jsonl", Format::Aime, 30, 30),
    ("mbpp/mbpp.jsonl", Format::Mbpp, 964, 500),
    ("humaneval/HumanEval.jsonl.gz", Format::HumanEval, 164, 164),
];

fn published() -> impl Iterator<Item = (PathBuf, Format, usize, u64)> {
    PUBLISHED.into_iter().filter_map(|(file, format, count, held)| {
        Some((shared(&format!("data/{file}"))?, format, count, held))
    })
}

#[test]
fn published_files_are_recognised_and_read() {
    for (path, format, count, _) in published() {
        let data = DataSet::open(&path, None, None).unwrap();
        assert_eq!(data.format(), format, "{}", path.display());
        let problems = data.problems(None).unwrap();
        let ids: std::collections::HashSet<&str> =
            problems.iter().map(|problem| problem.id.as_str()).collect();
        assert_eq!((problems.len(), ids.len()), (count, count), "{}", path.display());
        let code = problems.iter().filter(|problem| problem.question.domain == TaskDomain::Code);
        assert!(code.into_iter().all(|problem| problem.question.entry.is_some()), "{}", path.display());
    }
}

#[test]
fn published_test_sets_are_not_trained_on_whatever_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    let mixed = folder.path().join("mine.jsonl");
    for (path, format, count, held) in published() {
        let renamed = folder.path().join("mine.bin");
        std::fs::copy(&path, &renamed).unwrap();
        for path in [&path, &renamed] {
            let data = DataSet::open(path, Some(format), None).unwrap();
            match data.training(None, TestSets::LeftOut) {
                Ok(training) => {
                    let left = training.left_out.values().sum::<u64>();
                    assert_eq!(
                        (training.problems.len(), left),
                        (count - held as usize, held),
                        "{}",
                        path.display()
                    );
                    assert_eq!(training.warning().is_some(), held > 0);
                }
                Err(error @ DatasetError::TestSets { .. }) => {
                    assert_eq!(held as usize, count, "{error}");
                    assert!(error.to_string().contains("set `force_test_sets = true`"), "{error}");
                }
                Err(error) => panic!("{error}"),
            }
            assert_eq!(data.training(None, TestSets::Forced).unwrap().problems.len(), count);
        }
        // Retold in another layout among problems that are nobody's, in other case.
        let rows = DataSet::open(&path, Some(format), None).unwrap().rows().unwrap();
        let mut text = String::new();
        for (index, row) in rows.enumerate() {
            let statement = row.unwrap().problem.question.statement.to_ascii_uppercase();
            for statement in [statement, format!("How much is {index} and 1?")] {
                text += &serde_json::json!({"problem": statement, "answer": "1"}).to_string();
                text.push('\n');
            }
        }
        std::fs::write(&mixed, text).unwrap();
        let training = DataSet::open(&mixed, None, None).unwrap().training(None, TestSets::LeftOut).unwrap();
        let left = training.left_out.values().sum::<u64>();
        // Three training tasks of MBPP have the words of test tasks.
        let alike = if format == Format::Mbpp { 3 } else { 0 };
        assert_eq!((left, training.problems.len() as u64), (held + alike, 2 * count as u64 - held - alike));
    }
}

/// A variant of a test set's problem teaches what the problem asks, wherever in a file of groups it stands.
#[test]
fn variants_of_problems_of_test_sets_are_left_out_with_them() {
    let Some(set) = shared("data/gsm8k/test.jsonl") else { return };
    let known = DataSet::open(&set, None, None).unwrap().rows().unwrap().next().unwrap().unwrap();
    let group = |id: &str, of: Option<&str>, problem: &str| {
        let metadata = of.map_or(serde_json::json!({}), |of| serde_json::json!({"variant_of": of}));
        serde_json::json!({"problem_id": id, "source": "mine", "task_type": "math", "problem": problem,
            "reference_solution": "#### 1", "positive_pool": [], "negative_bank": [], "metadata": metadata})
        .to_string()
    };
    let statement = known.problem.question.statement.as_str();
    let text = [
        group("a/1", Some("a"), "A variant."),
        group("b", None, "Nobody's."),
        group("a", None, statement),
        group("a/2", Some("a"), "Another variant."),
        group("c/1", Some("c"), statement),
        group("c", None, "Its first problem."),
        group("b/1", Some("b"), "A variant of nobody's."),
        group("x/test/00003", None, "Named as of a test set."),
        group("y", Some("x/test/00003"), "And its variant."),
    ]
    .join("\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("groups.jsonl");
    std::fs::write(&file, text).unwrap();
    let data = DataSet::open(&file, None, None).unwrap();
    assert_eq!(data.format(), Format::Groups);
    let training = data.training(None, TestSets::LeftOut).unwrap();
    let left: Vec<&str> = training.problems.iter().map(|problem| problem.id.as_str()).collect();
    assert_eq!(left, ["b", "b/1"]);
    assert_eq!(training.left_out.values().sum::<u64>(), 7);
    assert_eq!(data.training(None, TestSets::Forced).unwrap().problems.len(), 9);
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(line in "[^\n]{0,120}") {
        for format in Format::ALL.into_iter().filter(|format| *format != Format::Columns) {
            let _ = rows(&line, "x.jsonl", format, None);
        }
        let _ = rows(&line, "x.jsonl", Format::Columns, Some(&map()));
    }

    #[test]
    fn no_value_of_a_known_field_makes_it_panic(field in 0..12_usize, value in "[0-9a-zA-Z\"{}:,\\[\\] #=]{0,60}") {
        let keys = ["problem", "question", "answer", "tests", "input_output", "public_tests", "solutions",
            "private_test_cases", "test_list", "code", "metadata", "task_type"];
        let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
        let mut row = serde_json::json!({"problem": "P", "question": "Q", "task_id": 1, "text": "T", "code": "def f(): 1",
            "test_list": ["assert f()"], "problem_id": "p", "positive_pool": [], "negative_bank": [], "answer": "#### 1"});
        row[keys[field]] = value;
        for format in Format::ALL.into_iter().filter(|format| *format != Format::Columns) {
            let _ = rows(&row.to_string(), "x.jsonl", format, None);
        }
    }
}
