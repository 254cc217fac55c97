use super::*;
use crate::write_groups;
use ::parquet::file::{reader::FileReader, serialized_reader::SerializedFileReader};
use serde_json::{Map, Value};
use std::fs;
use tracelift_domain::{Label, Negative, Positive, Rubric, TaskDomain};

fn file(folder: &Path) -> (PathBuf, Vec<Group>) {
    let rubric = |label| Rubric::from_labels([Label::new(label).unwrap(); 5]).to_map(TaskDomain::Math);
    let negative = |kind: &str, label, reasoning: String| Negative {
        reasoning,
        negative_kind: kind.into(),
        rubric: rubric(label),
        extra: Map::from_iter([("source".to_owned(), "rule".into())]),
    };
    let groups: Vec<Group> = (1..=12)
        .map(|i| Group {
            problem_id: format!("p/{i}"),
            source: "gsm8k".into(),
            task_type: TaskDomain::Math,
            problem: format!("Ann has {i} pens and buys \u{2028}3 more. How many has she?"),
            reference_solution: format!("{i} + 3 = {}", i + 3),
            positive_pool: vec![Positive {
                reasoning: format!("{i} + 3 = {} pens.", i + 3),
                rubric: rubric(4),
                extra: Map::new(),
            }],
            negative_bank: vec![
                negative("arithmetic_slip", 2, format!("{i} + 3 = {} pens.", i + 4)),
                negative("wrong_operation", 1, format!("{} - 3 = {i} pens.", i + 3)),
            ],
            metadata: Map::from_iter([("answer".to_owned(), (i + 3).to_string().into())]),
        })
        .collect();
    let path = folder.join("groups.jsonl");
    write_groups(&path, groups.clone()).unwrap();
    (path, groups)
}

#[test]
fn pairs_hold_every_flawed_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (path, groups) = file(folder.path());
    let wanted: usize = groups.iter().map(|group| group.negative_bank.len()).sum();
    for (shape, keys) in [
        (Shape::TrlPreference, ["prompt", "chosen", "rejected", "margin"].as_slice()),
        (
            Shape::Rewardbench,
            &["prompt", "chosen", "chosen_model", "rejected", "rejected_model", "subset", "id"],
        ),
    ] {
        let out = folder.path().join("deep/out.jsonl");
        assert_eq!(export(&path, shape, None, &out).unwrap(), wanted as u64);
        let text = fs::read_to_string(&out).unwrap();
        for line in text.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(keys.iter().all(|key| row.get(key).is_some()), "{row}");
            assert!(row.get("margin").is_none_or(|margin| margin.as_f64().unwrap() > 0.0));
        }
    }
}

#[test]
fn parquet_rows_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, groups) = file(folder.path());
    let out = folder.path().join("train.parquet");
    assert_eq!(export(&path, Shape::VerlParquet, None, &out).unwrap(), groups.len() as u64);
    let reader = SerializedFileReader::new(fs::File::open(&out).unwrap()).unwrap();
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap().to_string();
    assert!(row.contains("role: \"user\"") && row.contains("style: \"rule\""), "{row}");

    let out = folder.path().join("hub");
    assert_eq!(export(&path, Shape::Hf, None, &out).unwrap(), groups.len() as u64);
    let shard = out.join("data/train-00000-of-00001.parquet");
    let reader = SerializedFileReader::new(fs::File::open(shard).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), groups.len() as i64);
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(card.starts_with("---\nlanguage:") && card.contains("## Known limits"), "{card}");
}

#[test]
fn rows_for_training_carry_what_a_reward_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (path, groups) = file(folder.path());
    let out = folder.path().join("rows.jsonl");
    let rows = |shape, prompt| -> Vec<Value> {
        assert_eq!(export(&path, shape, prompt, &out).unwrap(), groups.len() as u64);
        fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let row = &rows(Shape::TrlGrpo, None)[0];
    assert_eq!(row["prompt"][0]["role"], "system", "{row}");
    assert_eq!(row["gold"], r#"{"answer":"4"}"#);
    assert_eq!((&row["problem_id"], &row["domain"]), (&"p/1".into(), &"math".into()));
    let row = &rows(Shape::TrlGrpo, Some("world"))[0];
    assert_eq!(row["prompt"], format!("<problem> {} </problem>", groups[0].problem), "{row}");
    let row = &rows(Shape::Sft, None)[0];
    assert_eq!(row["completion"][0]["content"], "<reasoning> 1 + 3 = 4 pens. </reasoning>", "{row}");
    let row = &rows(Shape::Sft, Some("plain"))[0];
    assert!(row["prompt"].is_string() && row["completion"].is_string(), "{row}");
    let row = &rows(Shape::Openrlhf, None)[0];
    let label: Value = serde_json::from_str(row["label"].as_str().unwrap()).unwrap();
    assert_eq!(label["problem"]["gold"], json!({"answer": "4"}), "{label}");

    let mut empty = groups[0].clone();
    empty.metadata.clear();
    empty.reference_solution.clear();
    write_groups(&path, [empty]).unwrap();
    let error = export(&path, Shape::TrlGrpo, None, &out).unwrap_err().to_string();
    assert!(error.contains("groups.jsonl") && error.contains("p/1") && error.contains("gold"), "{error}");
    assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), groups.len(), "the file before stays");
}
