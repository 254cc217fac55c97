//! Rollout files as a reader sees them that knows nothing of the house but its documents.

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::path::Path;

/// What tests look at of a row.
#[derive(Clone, Debug, Deserialize)]
pub struct Rollout {
    pub step: u64,
    pub problem_id: String,
    pub group_index: u64,
    pub replaced: bool,
    pub trace_tokens: u64,
    pub truncated: bool,
    pub question: String,
    pub gold: String,
    pub planner_prompt_sha256: String,
    pub executor_prompt_sha256: Option<String>,
    pub completion: String,
    pub trace: Option<String>,
    pub defect: Option<String>,
    pub executor_completions: Vec<Option<String>>,
    pub artifacts: Vec<Option<String>>,
    pub verdicts: Vec<Option<String>>,
    pub e: Option<f64>,
    pub w: Option<f64>,
    pub b: Option<f64>,
    pub u: Option<f64>,
    pub s: Option<f64>,
    pub rubric_total: Option<f64>,
    pub rubric_step_coherence: Option<f64>,
    pub rubric_plan_quality: Option<f64>,
    pub reward: Option<f64>,
    pub reward_format: Option<f64>,
    pub reward_overlong: Option<f64>,
    pub advantage: Option<f64>,
    pub unknown_because: Vec<String>,
}

pub fn read(path: &Path) -> Vec<Rollout> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    let row = |columns: Vec<(String, Field)>| -> Map<String, Value> {
        columns.into_iter().map(|(name, field)| (name, value(&field))).collect()
    };
    rows.map(|found| serde_json::from_value(row(found.unwrap().into_columns()).into()).unwrap()).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => json!(flag),
        Field::Long(count) => json!(count),
        Field::Double(number) => json!(number),
        Field::Str(text) => json!(text),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        other => panic!("{other} is no field of rollouts"),
    }
}
