use super::*;
use crate::sample::tests::sample;
use crate::{Executors, Table, sample_lines, summarise};
use serde_json::Value;
use std::io::Read;

/// Results of two rows on two problems, one sample of which is unknown.
fn results(folder: &Path) -> Vec<SampleRecord> {
    let mut samples = Vec::new();
    for row in ["no trace", "TraceLift / x"] {
        for problem in 0..2 {
            for seed in 0..2 {
                samples.push(SampleRecord {
                    benchmark: Some("gsm8k".into()),
                    correct: (problem + seed as usize > 0).then_some(seed == 0),
                    executor_completions: vec![Some("so \\boxed{7}".into()), None],
                    artifacts: vec![Some("7".into()), None],
                    verdicts: vec![Some("passed".into()), None],
                    executor_calls: Some(2),
                    unknown_because: vec!["timeout".into()],
                    ..sample(row, problem, seed)
                });
            }
        }
    }
    fs::write(folder.join("samples.jsonl"), sample_lines(&samples).unwrap()).unwrap();
    let table = Table::new(summarise(&samples).unwrap(), Executors::Same).unwrap();
    fs::write(folder.join("evaluation.json"), table.json().unwrap()).unwrap();
    samples
}

#[test]
fn lm_evals_files_have_its_names() {
    let desk = tempfile::tempdir().unwrap();
    results(desk.path());
    let out = desk.path().join("out");
    let written = export(desk.path(), Export::LmEval, &out).unwrap();
    let names: Vec<String> =
        written.iter().map(|path| path.strip_prefix(&out).unwrap().display().to_string()).collect();
    assert_eq!(
        names,
        [
            "no_trace/results_1970-01-01T00-00-00.json",
            "no_trace/samples_gsm8k_1970-01-01T00-00-00.jsonl",
            "TraceLift___x/results_1970-01-01T00-00-00.json",
            "TraceLift___x/samples_gsm8k_1970-01-01T00-00-00.jsonl",
        ]
    );
    let found: Value = serde_json::from_slice(&fs::read(&written[2]).unwrap()).unwrap();
    let values = &found["results"]["gsm8k"];
    assert!((values["exact_match,none"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-12);
    assert!(values["exact_match_stderr,none"].as_f64().is_some());
    assert_eq!(found["n-samples"]["gsm8k"], serde_json::json!({ "original": 4, "effective": 3 }));
    let lines = fs::read_to_string(&written[3]).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[3]["doc_id"], &lines[3]["repeat"]),
        (4, &Value::from(1), &Value::from(1))
    );
    assert_eq!((lines[0].get("exact_match"), &lines[2]["exact_match"]), (None, &Value::from(1.0)));
}

#[test]
fn inspects_logs_are_zip_files_of_json() {
    let desk = tempfile::tempdir().unwrap();
    results(desk.path());
    let written = export(desk.path(), Export::Inspect, &desk.path().join("out")).unwrap();
    assert_eq!(written.len(), 2);
    let mut archive = zip::ZipArchive::new(fs::File::open(&written[1]).unwrap()).unwrap();
    let mut read = |name: &str| -> Value {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let header = read("header.json");
    assert_eq!((&header["version"], &header["eval"]["task"]), (&Value::from(2), &Value::from("gsm8k")));
    assert_eq!(header["eval"]["model"], "tracelift/TraceLift / x");
    let scores = &header["results"]["scores"][0];
    assert_eq!((&scores["scored_samples"], &scores["unscored_samples"]), (&Value::from(3), &Value::from(1)));
    assert_eq!(read("summaries.json").as_array().unwrap().len(), 4);
    assert_eq!(read("_journal/start.json")["eval"], header["eval"]);
    let sample = read("samples/p1_epoch_2.json");
    assert_eq!(
        (&sample["scores"]["verdict"]["value"], &sample["target"]),
        (&Value::from("I"), &Value::from("7"))
    );
    assert_eq!(
        read("samples/p0_epoch_1.json")["scores"],
        serde_json::json!({}),
        "an unknown outcome has a score"
    );
}

#[test]
fn parquet_has_a_column_a_field() {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::RowAccessor;
    let desk = tempfile::tempdir().unwrap();
    let samples = results(desk.path());
    let written = export(desk.path(), Export::Parquet, &desk.path().join("out")).unwrap();
    let reader = SerializedFileReader::new(fs::File::open(&written[0]).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let columns: Vec<String> =
        schema.root_schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    let fields = serde_json::to_value(&samples[0]).unwrap();
    let mut fields: Vec<String> = fields.as_object().unwrap().keys().cloned().collect();
    let mut sorted = columns.clone();
    fields.sort();
    sorted.sort();
    assert_eq!(sorted, fields, "a field has no column, or a column no field");
    let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), samples.len());
    assert_eq!(rows[0].get_string(at("question")).unwrap(), &samples[0].question);
    assert!(rows[0].get_bool(at("correct")).is_err() && rows[1].get_bool(at("correct")).is_ok());
    let verdicts = rows[0].get_list(at("verdicts")).unwrap();
    assert_eq!(verdicts.len(), 2);
}

#[test]
fn what_are_no_results_is_refused() {
    let desk = tempfile::tempdir().unwrap();
    let message = export(desk.path(), Export::Parquet, desk.path()).unwrap_err().to_string();
    assert!(message.contains("holds no results"), "{message}");
    fs::write(desk.path().join("samples.jsonl"), "{}\n").unwrap();
    let message = export(desk.path(), Export::Parquet, desk.path()).unwrap_err().to_string();
    assert!(message.contains("samples.jsonl") && message.contains("line 1"), "{message}");
}
