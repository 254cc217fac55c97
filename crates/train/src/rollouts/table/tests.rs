use super::*;
use crate::rollouts::{RubricReading, write_rollouts};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use tracelift_domain::{TaskDomain, rubric};
use tracelift_reward::RubricScore;

/// A record of which everything is known.
fn known() -> RolloutRecord {
    let score =
        RubricScore { dimensions: [0.5, 1.5, 2.5, 3.5, 4.0], derived: 0.6, total: 0.75, score: 0.675 };
    RolloutRecord {
        step: 3,
        problem_id: "steps/17".into(),
        source: "steps".into(),
        domain: "steps".into(),
        question: "S1 = 3 ∘ 2".into(),
        gold: "6".into(),
        group_index: 1,
        sample_index: 2,
        replaced: true,
        planner_prompt: "ab".into(),
        executor_prompt: Some("cd".into()),
        completion: "<reasoning> a = 1 ∘ 2 </reasoning>".into(),
        trace: Some("a = 1 ∘ 2".into()),
        trace_tokens: 9,
        truncated: true,
        defect: Some("no tags".into()),
        executor_completions: vec![Some("#### 3".into()), None, Some(String::new())],
        artifacts: vec![Some("3".into()), None, None],
        verdicts: vec![Some("passed".into()), None, Some("no_artifact".into())],
        e: Some(1.0),
        w: Some(2.0 / 3.0),
        b: Some(0.0),
        u: Some(2.0 / 3.0),
        s: Some(0.875),
        rubric: Some(RubricReading { names: rubric::dimension_names(TaskDomain::Steps), score }),
        reward: Some(0.1 + 0.2),
        format: Some(0.1),
        overlong: Some(-0.25),
        advantage: Some(-1.25),
        unknown_because: vec!["timeout".into()],
        leaked: Some(false),
        verified: Some(true),
    }
}

fn written(records: &[RolloutRecord], path: &Path) -> SerializedFileReader<File> {
    write_rollouts(path, records).unwrap();
    SerializedFileReader::new(File::open(path).unwrap()).unwrap()
}

/// A file's rows, as a reader sees them that knows nothing of us.
fn rows(reader: &SerializedFileReader<File>) -> Vec<Vec<(String, Field)>> {
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().into_columns()).collect()
}

/// A list as the library shows it.
fn texts(list: &[Option<&str>]) -> String {
    let elements = list.iter().map(|text| text.map_or("null".to_owned(), |text| format!("{text:?}")));
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}

#[test]
fn what_is_known_is_written_and_what_is_unknown_is_null() {
    let dir = tempfile::tempdir().unwrap();
    let code = RubricReading { names: rubric::dimension_names(TaskDomain::Code), ..known().rubric.unwrap() };
    let records = [
        known(),
        RolloutRecord { step: 4, completion: String::new(), ..Default::default() },
        // What is not finite is no measurement.
        RolloutRecord { s: Some(f64::NAN), reward: Some(f64::INFINITY), rubric: Some(code), ..known() },
    ];
    let reader = written(&records, &dir.path().join("r.parquet"));
    let rows = rows(&reader);
    let get = |row: usize, name: &str| {
        let found = rows[row].iter().find(|(column, _)| column == name);
        found.unwrap_or_else(|| panic!("no column {name}")).1.to_string()
    };
    let text = |text: &str| Field::Str(text.to_owned()).to_string();
    let double = |number| Field::Double(number).to_string();
    for (name, value) in [
        ("step", "3".to_owned()),
        ("question", text("S1 = 3 ∘ 2")),
        ("completion", text("<reasoning> a = 1 ∘ 2 </reasoning>")),
        ("trace", text("a = 1 ∘ 2")),
        ("truncated", "true".to_owned()),
        ("executor_completions", texts(&[Some("#### 3"), None, Some("")])),
        ("artifacts", texts(&[Some("3"), None, None])),
        ("verdicts", texts(&[Some("passed"), None, Some("no_artifact")])),
        ("w", double(2.0 / 3.0)),
        ("reward", double(0.1 + 0.2)),
        ("rubric_total", double(0.75)),
        ("rubric_problem_understanding", double(0.5)),
        ("rubric_answer_support", double(4.0)),
        ("rubric_plan_quality", "null".to_owned()),
        ("unknown_because", texts(&[Some("timeout")])),
        ("verified", "true".to_owned()),
    ] {
        assert_eq!(get(0, name), value, "{name}");
    }
    for column in columns() {
        let value = get(1, column.name);
        assert_eq!(value == "null", column.nullable, "{}", column.name);
        if column.kind == "list<string>" {
            assert_eq!(value, texts(&[]), "{}", column.name);
        }
    }
    assert_eq!([get(2, "s"), get(2, "reward")], ["null", "null"]);
    assert_eq!(get(2, "rubric_plan_quality"), double(1.5));
    assert_eq!(get(2, "rubric_step_coherence"), double(2.5));
    assert_eq!(get(2, "rubric_solution_strategy"), "null");
}

#[test]
fn every_dimension_of_every_domain_has_a_column() {
    let found: BTreeSet<String> =
        columns().filter_map(|column| Some(column.name.strip_prefix("rubric_")?.to_owned())).collect();
    let domains = [TaskDomain::Math, TaskDomain::Steps, TaskDomain::Code];
    let dimensions = domains.iter().flat_map(|domain| rubric::dimension_names(*domain));
    let expected = dimensions.copied().chain(["total"]).map(str::to_owned).collect();
    assert_eq!(found, expected);
}

#[test]
fn no_rollouts_are_a_file_too() {
    let dir = tempfile::tempdir().unwrap();
    let reader = written(&[], &dir.path().join("r.parquet"));
    assert!(rows(&reader).is_empty());
}

#[test]
fn what_a_groups_rollouts_share_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    // Noise, which no compression makes small.
    let noise: String = (0..3_000_000_u64)
        .map(|i| char::from(b'!' + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as u8))
        .collect();
    let record = RolloutRecord { gold: noise, ..known() };
    let sizes = [1, 8].map(|count| {
        let path = dir.path().join(format!("{count}.parquet"));
        write_rollouts(&path, &vec![record.clone(); count]).unwrap();
        std::fs::metadata(path).unwrap().len()
    });
    assert!(sizes[1] < sizes[0] + sizes[0] / 10, "{sizes:?}");
}

/// The table of columns in the document on run folders: name, type, and whether it may be null.
fn documented() -> Vec<(String, String, bool)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/runs.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split("## Rollouts").nth(1).expect("the document has a section on rollouts");
    let rows = table.lines().skip_while(|line| !line.starts_with("| column")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [name, kind, meaning, null] = cells[..] else { panic!("not four cells: {line}") };
            assert!(!meaning.is_empty() && !null.is_empty(), "{line}");
            (name.trim_matches('`').to_owned(), kind.to_owned(), null != "never")
        })
        .collect()
}

#[test]
fn the_document_says_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let reader = written(&[known()], &dir.path().join("r.parquet"));
    let fields = reader.metadata().file_metadata().schema().get_fields().to_vec();
    let written: Vec<(String, String, bool)> = fields
        .iter()
        .map(|field| {
            let kind = match (field.is_group(), field.get_basic_info().converted_type()) {
                (true, ConvertedType::LIST) => "list<string>",
                (false, ConvertedType::UTF8) => "string",
                (false, _) => match field.get_physical_type() {
                    Physical::INT64 => "int64",
                    Physical::DOUBLE => "double",
                    Physical::BOOLEAN => "bool",
                    other => panic!("{other} is not in the document"),
                },
                other => panic!("{other:?} is not in the document"),
            };
            let optional = field.get_basic_info().repetition() == Repetition::OPTIONAL;
            (field.name().to_owned(), kind.to_owned(), optional)
        })
        .collect();
    assert_eq!(written, documented());
}
