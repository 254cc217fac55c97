use super::*;
use proptest::prelude::*;
use std::io::Write;

fn rows(text: &str, name: &str, format: SeedFormat, map: Option<&ColumnMap>) -> Vec<Result<SeedRow, String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    read(&path, format, map).unwrap().map(|row| row.map_err(|error| error.to_string())).collect()
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn one(text: &str, format: SeedFormat) -> SeedRow {
    rows(text, "train.jsonl", format, None).remove(0).unwrap()
}

#[test]
fn each_published_format_is_read() {
    let row = one(r#"{"question": "Q? ", "answer": "1+1 = <<1+1=2>>2\n#### 2"}"#, SeedFormat::Gsm8k);
    assert_eq!((row.problem.id.as_str(), row.problem.gold), ("gsm8k/train/00001", Gold::Answer("2".into())));
    let row = one(r#"{"problem": "P", "solution": "So \\boxed{\\frac{1}{2}}."}"#, SeedFormat::Math);
    assert_eq!(row.problem.gold, Gold::Answer("\\frac{1}{2}".into()));
    let svamp = r#"{"Answer":145.0,"Question":"How big?","Equation":"( 290.0 / 2.0 )","Body":"There are 290","ID":"c"}"#;
    let row = one(svamp, SeedFormat::Svamp);
    assert_eq!(
        (row.problem.question.statement.as_str(), row.solution.as_str()),
        ("There are 290. How big?", "290 / 2 = 145")
    );
    let mbpp = r#"{"task_id": 601, "text": "T", "code": "def f():\r\n  pass", "test_list": ["assert f()"]}"#;
    let row = one(mbpp, SeedFormat::Mbpp);
    assert_eq!((row.problem.id.as_str(), row.solution.as_str()), ("mbpp/601", "def f():\n  pass"));
    assert!(matches!(row.problem.gold, Gold::Function(tests) if tests.asserts == ["assert f()"]));
    let human = concat!(
        r#"{"task_id": "H/0", "prompt": "def f():\n", "canonical_solution": "    pass\n", "#,
        r#""entry_point": "f", "test": "def check(f): f()"}"#
    );
    let row = one(human, SeedFormat::HumanEval);
    assert_eq!(row.solution, "def f():\n    pass\n");
    assert!(
        matches!(row.problem.gold, Gold::Function(tests) if tests.check.is_some() && tests.entry.as_deref() == Some("f"))
    );
    let stdio = r#"{"problem": "Add.\nInput: 1\nOutput: 2", "solutions": ["print(2)"], "id": 7}"#;
    let row = one(stdio, SeedFormat::Stdio);
    assert!(matches!(row.problem.gold, Gold::Tests(tests) if tests.len() == 1));
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
    let rows = |path: &Path| -> Vec<SeedRow> {
        read(path, SeedFormat::Gsm8k, None).unwrap().collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(rows(&gzip), rows(&plain), "identifiers, too");
    assert_eq!((count(&plain).unwrap(), count(&gzip).unwrap()), (2, 2));
    assert_eq!(
        held_out(Path::new("d/test.jsonl.gz"), SeedFormat::Gsm8k, &rows(&gzip)[0]),
        Some("GSM8K test")
    );

    let torn = packed(text);
    std::fs::write(&gzip, &torn[..torn.len() - 12]).unwrap();
    let message = read(&gzip, SeedFormat::Gsm8k, None).unwrap().find_map(Result::err).unwrap().to_string();
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
    let rows = rows(text, "mine.jsonl", SeedFormat::Columns, Some(&map()));
    assert_eq!(rows[0].as_ref().unwrap().problem.gold, Gold::Answer("5".into()));
    let message = rows[1].as_ref().unwrap_err();
    assert!(message.ends_with("mine.jsonl:2: has no column `s`; it has q"), "{message}");
    assert!(rows[2].as_ref().unwrap_err().contains("mine.jsonl:3: not JSON"));
}

#[test]
fn parquet_is_read_by_columns() {
    use parquet::{
        data_type::{ByteArray, ByteArrayType, Int64Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.parquet");
    let schema = "message m { required binary q (UTF8); required binary s (UTF8); required int64 a; }";
    let schema = std::sync::Arc::new(parse_message_type(schema).unwrap());
    let file = std::fs::File::create(&path).unwrap();
    let mut writer =
        SerializedFileWriter::new(file, schema, WriterProperties::builder().build().into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for texts in [["Q1", "Q2"], ["S1", "S2"]] {
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = texts.iter().map(|text| (*text).into()).collect();
        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1, 2], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let rows: Vec<SeedRow> =
        read(&path, SeedFormat::Columns, Some(&map())).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[1].solution.as_str(), &rows[1].problem.gold), ("S2", &Gold::Answer("2".into())));
    assert_eq!(count(&path).unwrap(), 2);
}

#[test]
fn test_sets_are_known() {
    let gsm8k = "{\"question\": \"Q\", \"answer\": \"#### 2\"}";
    let row = one(gsm8k, SeedFormat::Gsm8k);
    for (path, held) in [
        ("data/gsm8k/test.jsonl", Some("GSM8K test")),
        ("data/gsm8k/train.jsonl", None),
        ("aime24/data.jsonl", Some("AIME")),
        ("math500/data.jsonl", Some("MATH-500")),
        ("latest/train.jsonl", None),
    ] {
        assert_eq!(held_out(Path::new(path), SeedFormat::Gsm8k, &row), held, "{path}");
    }
    let mbpp = |task: u32| {
        let row = one(&format!(r#"{{"task_id": {task}, "text": "T", "code": "c"}}"#), SeedFormat::Mbpp);
        held_out(Path::new("mbpp.jsonl"), SeedFormat::Mbpp, &row).is_some()
    };
    assert_eq!([10, 11, 510, 511, 974].map(mbpp), [false, true, true, false, false]);
}

#[test]
fn the_real_files_are_read_where_they_are_at_hand() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    for (file, format, count) in [
        ("gsm8k/train.jsonl", SeedFormat::Gsm8k, 7473),
        ("svamp/test.jsonl", SeedFormat::Svamp, 1000),
        ("mbpp/mbpp.jsonl", SeedFormat::Mbpp, 964),
        ("math500/test.jsonl", SeedFormat::Math, 500),
        ("humaneval/HumanEval.jsonl.gz", SeedFormat::HumanEval, 164),
    ] {
        let path = data.join(file);
        if !path.exists() {
            eprintln!("skipped: {} is not there", path.display());
            continue;
        }
        let rows: Vec<SeedRow> = read(&path, format, None).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), count, "{file}");
    }
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(line in "[^\n]{0,120}") {
        for format in [SeedFormat::Gsm8k, SeedFormat::Math, SeedFormat::Svamp, SeedFormat::Mbpp, SeedFormat::Stdio] {
            let _ = rows(&line, "x.jsonl", format, None);
        }
        let _ = rows(&line, "x.jsonl", SeedFormat::Columns, Some(&map()));
    }
}
