//! Test sets, known by their names: no group may grow from a problem on which models are evaluated.

use super::{SeedFormat, SeedRow};
use std::path::Path;

/// The test set that a row belongs to, if it is known to belong to one.
#[must_use]
pub fn held_out(path: &Path, format: SeedFormat, row: &SeedRow) -> Option<&'static str> {
    let tail: Vec<String> = path
        .components()
        .rev()
        .take(2)
        .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
        .collect();
    let (file, folder) = (tail.first().map_or("", String::as_str), tail.get(1).map_or("", String::as_str));
    let named = |name: &str| file.contains(name) || folder.contains(name);
    let test = file.split(['.', '_', '-']).any(|word| word == "test" || word == "tests");
    let unique = row.origin.get("unique_id").and_then(|id| id.as_str()).unwrap_or_default();
    match format {
        SeedFormat::HumanEval => Some("HumanEval"),
        SeedFormat::Mbpp => {
            let task = row.origin.get("task_id").and_then(serde_json::Value::as_u64);
            task.filter(|task| (11..=510).contains(task)).map(|_| "MBPP 11-510 (test)")
        }
        _ if named("humaneval") => Some("HumanEval"),
        _ if named("aime") => Some("AIME"),
        _ if named("math500") || named("math-500") || named("math_500") => Some("MATH-500"),
        SeedFormat::Math if unique.starts_with("test/") => Some("MATH test"),
        SeedFormat::Gsm8k if test => Some("GSM8K test"),
        SeedFormat::Svamp if test => Some("SVAMP test"),
        _ if named("gsm8k") && test => Some("GSM8K test"),
        _ if test => Some("a file named as a test set"),
        _ => None,
    }
}
