//! Problems of such data sets that ask for a function.

use super::{solution, unpacked};
use crate::Row;
use crate::published::{first, made};
use serde_json::{Value, json};
use tracelift_domain::{FunctionTests, Gold, Problem, Question, TaskDomain};

/// What compares: outputs in JSON know lists alone, so a tuple is one.
const HARNESS: &str = "\
def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return value


def same(found, expected):
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, float) or isinstance(expected, float):
        numbers = all(isinstance(value, (int, float)) for value in (found, expected))
        return numbers and math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-6)
    return found == expected


def check(candidate):
    for arguments, expected in CALLS:
        found, expected = plain(candidate(*copy.deepcopy(arguments))), plain(expected)
        # APPS packs what a function returns into a list of one.
        packed = isinstance(expected, list) and len(expected) == 1
        assert same(found, expected) or packed and same(found, expected[0]), 'another result'
";

/// Calls with what they return, and the name of the function.
pub(super) struct Calls {
    name: String,
    calls: Vec<(Vec<Value>, Value)>,
}

/// The calls by which a row is judged; `None` where it is judged by what programs print.
pub(super) fn calls(row: &Value) -> Result<Option<Calls>, String> {
    if let Some(packed) = row.get("input_output").filter(|value| !value.is_null()) {
        let packed = unpacked("input_output", packed)?;
        let Some(name) = packed.get("fn_name").and_then(Value::as_str) else { return Ok(None) };
        let list = |key: &str| {
            packed.get(key).and_then(Value::as_array).ok_or(format!("`input_output` has no `{key}`"))
        };
        let (inputs, outputs) = (list("inputs")?, list("outputs")?);
        if inputs.len() != outputs.len() {
            return Err(format!("`input_output` has {} inputs and {} outputs", inputs.len(), outputs.len()));
        }
        let arguments = |input: &Value| {
            input.as_array().cloned().ok_or("an input of `input_output` is no list of arguments")
        };
        let calls: Result<Vec<_>, &str> = inputs
            .iter()
            .zip(outputs)
            .map(|(input, output)| Ok((arguments(input)?, output.clone())))
            .collect();
        return Ok(Some(Calls { name: name.to_owned(), calls: calls? }));
    }
    let mut calls = Vec::new();
    for key in ["public_test_cases", "private_test_cases"] {
        let Some(tests) = row.get(key).filter(|value| !value.is_null()) else { continue };
        let tests = unpacked(key, tests)?;
        for test in tests.as_array().map(Vec::as_slice).unwrap_or_default() {
            if test.get("testtype").and_then(Value::as_str) != Some("functional") {
                return if calls.is_empty() {
                    Ok(None)
                } else {
                    Err(format!("`{key}` mixes two kinds of tests"))
                };
            }
            let text = |name: &str| {
                test.get(name).and_then(Value::as_str).ok_or(format!("a test of `{key}` has no `{name}`"))
            };
            // An argument a line.
            let value = |line: &str| {
                serde_json::from_str::<Value>(line)
                    .map_err(|error| format!("a test of `{key}`: not JSON: {error}"))
            };
            let arguments: Result<Vec<Value>, String> =
                text("input")?.lines().filter(|line| !line.trim().is_empty()).map(value).collect();
            calls.push((arguments?, value(text("output")?)?));
        }
    }
    if calls.is_empty() {
        return Ok(None);
    }
    let metadata = row.get("metadata").map(|metadata| unpacked("metadata", metadata)).transpose()?;
    let name = metadata.as_ref().and_then(|metadata| metadata.get("func_name")?.as_str());
    let name = name.ok_or("its tests call a function, and `metadata` has no `func_name`")?;
    Ok(Some(Calls { name: name.to_owned(), calls }))
}

/// Such a row.
pub(super) fn row(
    row: &Value,
    calls: Calls,
    statement: String,
    stem: &str,
    line: usize,
) -> Result<Row, String> {
    let Calls { name, calls } = calls;
    let starter = row.get("starter_code").and_then(Value::as_str).unwrap_or_default();
    let entry = if starter.contains("class Solution") { format!("Solution().{name}") } else { name };
    let told = serde_json::to_string(&json!(calls).to_string()).map_err(|error| error.to_string())?;
    let check = format!("import copy\nimport json\nimport math\nCALLS = json.loads({told})\n{HARNESS}");
    let statement = match starter.trim() {
        "" => statement,
        starter => format!("{statement}\n\nStart from:\n\n```python\n{starter}\n```"),
    };
    let id = first(row, &["id", "problem_id", "question_id", "task_id", "name"]);
    let id = id.unwrap_or_else(|_| format!("{line:05}"));
    let question =
        Question { entry: Some(entry.clone()), ..Question::new(stem, TaskDomain::Code, statement) };
    let gold =
        Gold::Function(FunctionTests { entry: Some(entry), check: Some(check), ..FunctionTests::default() });
    let problem = Problem { id: format!("{stem}/{id}"), question, gold };
    Ok(made(line, problem, solution(row)?))
}
