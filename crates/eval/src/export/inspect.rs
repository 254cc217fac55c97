//! inspect: a log `TIME_TASK_ID.eval` a row and benchmark: a zip file of JSON.
//!
//! An epoch is a seed. Values of the scorer `verdict` are `C` and `I`; a sample whose outcome is unknown has no score, and inspect counts
//! it as unscored.

use super::{Results, Task, file_name};
use crate::{Estimate, EvalError, Metric, SampleRecord};
use serde_json::{Map, Value, json};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tracelift_domain::Fingerprint;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The scorer.
const SCORER: &str = "verdict";

pub(super) fn write(results: &Results, out: &Path) -> Result<Vec<PathBuf>, EvalError> {
    tracelift_files::make_folder(out)?;
    let mut written = Vec::new();
    for task in results.tasks() {
        let id = Fingerprint::of([
            ("model", task.model.as_bytes()),
            ("task", task.name.as_bytes()),
            ("time", results.time().as_bytes()),
        ]);
        let id = &id.as_str()[..22];
        let name = format!("{}+00-00_{}_{id}.eval", results.time(), file_name(&task.name));
        let path = out.join(name);
        let bytes = log(results, &task, id)
            .map_err(|error| EvalError::Zip { path: path.clone(), reason: error.to_string() })?;
        tracelift_files::write(&path, bytes)?;
        written.push(path);
    }
    Ok(written)
}

fn log(results: &Results, task: &Task<'_>, id: &str) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, value: &Value| -> Result<(), zip::result::ZipError> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        file.start_file(name, options)?;
        file.write_all(value.to_string().as_bytes())?;
        Ok(())
    };
    let spec = spec(results, task, id);
    let plan = json!({ "name": "plan", "steps": [], "config": {} });
    add("_journal/start.json", &json!({ "version": 2, "eval": spec, "plan": plan }))?;
    let mut summaries = Vec::new();
    for sample in &task.samples {
        let sample = told(results, sample);
        let name =
            format!("samples/{}_epoch_{}.json", sample["id"].as_str().unwrap_or_default(), sample["epoch"]);
        add(&name, &sample)?;
        let kept = ["id", "epoch", "input", "target", "scores", "metadata", "total_time"];
        let summary: Map<String, Value> =
            kept.iter().filter_map(|key| Some(((*key).to_owned(), sample.get(key)?.clone()))).collect();
        summaries.push(Value::Object(summary));
    }
    add("summaries.json", &Value::Array(summaries))?;
    let header = json!({
        "version": 2,
        "status": "success",
        "eval": spec,
        "plan": plan,
        "results": sums(task),
        "stats": { "started_at": results.moment(), "completed_at": results.moment(), "model_usage": {} },
        "reductions": null,
    });
    add("header.json", &header)?;
    Ok(file.finish()?.into_inner())
}

fn spec(results: &Results, task: &Task<'_>, id: &str) -> Value {
    let problems: Vec<&str> = {
        let mut placed: Vec<(usize, &str)> = task.places().into_iter().map(|(id, at)| (at, id)).collect();
        placed.sort_unstable();
        placed.into_iter().map(|(_, id)| id).collect()
    };
    let epochs = task.samples.iter().map(|sample| sample.seed + 1).max().unwrap_or(1);
    json!({
        "eval_id": id,
        "run_id": results.time(),
        "task_id": format!("{}_{id}", task.name),
        "created": results.moment(),
        "task": task.name,
        "task_version": 1,
        "dataset": { "name": task.name, "samples": problems.len(), "sample_ids": problems, "shuffled": false },
        "model": format!("tracelift/{}", task.model),
        "model_args": {},
        "config": { "epochs": epochs, "epochs_reducer": ["mean"] },
        "packages": { "tracelift": results.made.as_ref().map_or(env!("CARGO_PKG_VERSION"), |made| &made.version) },
        "metadata": { "tracelift": results.made },
        "scorers": [{ "name": SCORER, "options": {}, "metrics": [{ "name": "accuracy", "options": {} }, { "name": "stderr", "options": {} }] }],
    })
}

fn sums(task: &Task<'_>) -> Value {
    let estimate = Estimate::clustered(
        task.samples.iter().map(|sample| (sample.problem_id.as_str(), Metric::Accuracy.of(sample))),
    );
    let mut metrics = Map::new();
    for (name, value) in [("accuracy", estimate.mean), ("stderr", estimate.standard_error)] {
        if let Some(value) = value {
            metrics.insert(name.to_owned(), json!({ "name": name, "value": value, "params": {} }));
        }
    }
    json!({
        "total_samples": task.samples.len(),
        "completed_samples": task.samples.len(),
        "scores": [{
            "name": SCORER, "scorer": SCORER, "reducer": "mean", "params": {}, "metrics": metrics,
            "scored_samples": estimate.samples, "unscored_samples": estimate.unscored,
        }],
    })
}

/// A sample as it is written there.
fn told(results: &Results, sample: &SampleRecord) -> Value {
    let completion = sample.executor_completions.first().cloned().flatten().unwrap_or_default();
    let mut messages = vec![json!({ "role": "user", "content": sample.question, "source": "input" })];
    if let Some(written) = &sample.completion {
        messages.push(
            json!({ "role": "assistant", "content": written, "source": "generate", "model": "planner" }),
        );
    }
    if !sample.executor_completions.is_empty() {
        messages.push(
            json!({ "role": "assistant", "content": completion, "source": "generate", "model": "executor" }),
        );
    }
    let scores = sample.correct.map(|correct| {
        let why = sample.verdicts.first().cloned().flatten().or_else(|| sample.defect.clone());
        json!({ SCORER: {
            "value": if correct { "C" } else { "I" },
            "answer": sample.artifacts.first().cloned().flatten(),
            "explanation": why,
            "metadata": { "verdicts": sample.verdicts },
        } })
    });
    json!({
        "id": sample.problem_id,
        "epoch": sample.seed + 1,
        "input": sample.question,
        "target": sample.gold,
        "messages": messages,
        "output": {
            "model": results.executor(sample),
            "choices": [{ "message": { "role": "assistant", "content": completion, "source": "generate" }, "stop_reason": "stop" }],
            "completion": completion,
        },
        "scores": scores.unwrap_or_else(|| json!({})),
        "metadata": {
            "row": sample.row, "domain": sample.domain, "level": sample.level,
            "trace": sample.trace, "defect": sample.defect, "truncated": sample.truncated, "leaked": sample.leaked,
            "verified": sample.verified, "trace_tokens": sample.trace_tokens,
            "w": sample.with_success, "b": sample.baseline_success,
            "rubric": sample.rubric, "unknown_because": sample.unknown_because,
            "executor_completions": sample.executor_completions, "artifacts": sample.artifacts,
        },
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
        "total_time": sample.seconds,
    })
}
