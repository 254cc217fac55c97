//! lm-evaluation-harness: a folder a model with `results_TIME.json` and `samples_TASK_TIME.jsonl`.
//!
//! Metrics are named as there: `exact_match` of answers, `pass@1` of programs, with `_stderr`, under the filter `none`. The standard errors
//! are ours, clustered by problem. A sample whose outcome is unknown has no value of the metric and says why.

use super::{Results, Task, file_name};
use crate::{Estimate, EvalError, Metric};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use tracelift_domain::{Fingerprint, TaskDomain};

/// The filter that is none.
const FILTER: &str = "none";

pub(super) fn write(results: &Results, out: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let time = results.time();
    let tasks = results.tasks();
    let mut models: Vec<&str> = Vec::new();
    for task in &tasks {
        if !models.contains(&task.model.as_str()) {
            models.push(&task.model);
        }
    }
    let mut written = Vec::new();
    for model in models {
        let own: Vec<&Task<'_>> = tasks.iter().filter(|task| task.model == model).collect();
        let folder = out.join(file_name(model));
        tracelift_files::make_folder(&folder)?;
        let path = folder.join(format!("results_{time}.json"));
        let text = serde_json::to_string_pretty(&result(results, model, &own))
            .map_err(|source| EvalError::Encode { what: "results", source })?;
        tracelift_files::write(&path, text + "\n")?;
        written.push(path);
        for task in own {
            let path = folder.join(format!("samples_{}_{time}.jsonl", file_name(&task.name)));
            let mut lines = String::new();
            for line in samples(task) {
                lines.push_str(&line.to_string());
                lines.push('\n');
            }
            tracelift_files::write(&path, lines)?;
            written.push(path);
        }
    }
    Ok(written)
}

/// What the metric of a task is called there.
fn metric(task: &Task<'_>) -> &'static str {
    match task.samples.first().map(|sample| sample.domain) {
        Some(TaskDomain::Code) => "pass@1",
        _ => "exact_match",
    }
}

fn result(results: &Results, model: &str, tasks: &[&Task<'_>]) -> Value {
    let each = |of: &dyn Fn(&Task<'_>) -> Value| -> Value {
        tasks.iter().map(|task| (task.name.clone(), of(task))).collect::<Map<String, Value>>().into()
    };
    let values = |task: &Task<'_>| {
        let mut values = Map::from_iter([("alias".to_owned(), json!(task.name))]);
        let mut add = |name: &str, of: Metric| {
            let estimate = Estimate::clustered(
                task.samples.iter().map(|sample| (sample.problem_id.as_str(), of.of(sample))),
            );
            let Some(mean) = estimate.mean else { return };
            values.insert(format!("{name},{FILTER}"), json!(mean));
            let error = estimate.standard_error.map_or(json!("N/A"), |error| json!(error));
            values.insert(format!("{name}_stderr,{FILTER}"), error);
        };
        add(metric(task), Metric::Accuracy);
        for own in [Metric::VerifiedAccuracy, Metric::Uplift, Metric::Usable, Metric::TraceTokens] {
            add(own.name(), own);
        }
        Value::Object(values)
    };
    let counted = |task: &Task<'_>| {
        let known = task.samples.iter().filter(|sample| sample.correct.is_some()).count();
        json!({ "original": task.samples.len(), "effective": known })
    };
    let made = results.made.as_ref();
    let seed = made.map(|made| made.seed);
    let seconds: f64 = tasks.iter().flat_map(|task| &task.samples).filter_map(|sample| sample.seconds).sum();
    json!({
        "results": each(&values),
        "group_subtasks": each(&|_| json!([])),
        "configs": each(&|task| json!({
            "task": task.name, "output_type": "generate_until", "num_fewshot": 0,
            "repeats": made.map_or(1, |made| made.seeds),
            "metric_list": [{ "metric": metric(task), "aggregation": "mean", "higher_is_better": true }],
            "metadata": { "version": 1 },
        })),
        "versions": each(&|_| json!(1)),
        "n-shot": each(&|_| json!(0)),
        "higher_is_better": each(&|task| json!({ metric(task): true })),
        "n-samples": each(&counted),
        "config": {
            "model": "tracelift",
            "model_args": model,
            "batch_size": null,
            "limit": null,
            "bootstrap_iters": 0,
            "gen_kwargs": made.map(|made| &made.planner),
            "random_seed": seed, "numpy_seed": seed, "torch_seed": seed, "fewshot_seed": seed,
        },
        "git_hash": null,
        "date": made.and_then(|made| chrono::DateTime::parse_from_rfc3339(&made.time).ok()).map(|time| time.timestamp()),
        "model_source": "tracelift",
        "model_name": model,
        "model_name_sanitized": file_name(model),
        "task_hashes": {},
        "total_evaluation_time_seconds": seconds.to_string(),
        "tracelift": made,
    })
}

fn samples(task: &Task<'_>) -> Vec<Value> {
    let (places, metric) = (task.places(), metric(task));
    let hash = |text: &str| Fingerprint::of_text(text).as_str().to_owned();
    let line = |sample: &&crate::SampleRecord| {
        let first = |texts: &[Option<String>]| texts.first().cloned().flatten().unwrap_or_default();
        let mut line = json!({
            "doc_id": places.get(sample.problem_id.as_str()),
            "repeat": sample.seed,
            "doc": {
                "id": sample.problem_id, "question": sample.question, "answer": sample.gold, "source": sample.source,
            },
            "target": sample.gold,
            "arguments": { "gen_args_0": { "arg_0": sample.question, "arg_1": {} } },
            "resps": [[first(&sample.executor_completions)]],
            "filtered_resps": [first(&sample.artifacts)],
            "filter": FILTER,
            "metrics": [metric],
            "doc_hash": hash(&format!("{}\n{}", sample.question, sample.gold)),
            "prompt_hash": sample.executor_prompt_sha256,
            "target_hash": hash(&sample.gold),
            "completion": sample.completion,
            "trace": sample.trace,
            "defect": sample.defect,
            "uplift": sample.with_success.zip(sample.baseline_success).map(|(w, b)| w - b),
            "unknown_because": sample.unknown_because,
        });
        if let Some(correct) = sample.correct {
            line[metric] = json!(f64::from(u8::from(correct)));
        }
        line
    };
    task.samples.iter().map(line).collect()
}
