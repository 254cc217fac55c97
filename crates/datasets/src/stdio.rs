//! Problems for programs that read and print, as their data sets publish them.
//!
//! The statement is `problem`, `description`, `question`, `question_content` or `prompt`; the solution `solution`, `code`,
//! `canonical_solution`, or the first Python program of `solutions`. Tests, in the first of these forms that is there:
//!
//! | data set | tests that judge | tests that are shown |
//! |---|---|---|
//! | ours and plain ones | `tests` or `test_cases`: `[{"stdin" or "input", "stdout" or "output"}]`; `inputs` beside `outputs` | |
//! | APPS, TACO | `input_output`: `{"inputs": […], "outputs": […]}`, often as text | |
//! | CodeContests | `public_tests`, `private_tests`, `generated_tests`: `{"input": […], "output": […]}` | `public_tests` |
//! | LiveCodeBench | `public_test_cases` and `private_test_cases`: `[{"input", "output", "testtype"}]`, as text; private ones also packed | `public_test_cases` |
//! | any | the examples that the statement prints ([`crate::statement`]) | |
//!
//! What is shown is added to the question where the statement does not print it already. Tests may call a function instead (APPS's `fn_name`,
//! LiveCodeBench's `testtype` of `functional` with `func_name` in `metadata`): then that is what the question asks for, a method of `Solution`
//! where the row's `starter_code` says so. A file may hold both kinds.

use crate::{
    Row,
    published::{first, made},
    statement,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::read::ZlibDecoder;
use serde_json::Value;
use std::{borrow::Cow, io::Read};

mod functions;
use tracelift_domain::{Gold, IoTest, Problem, Question, TaskDomain};

/// The most bytes of packed tests, unpacked.
const LARGEST: u64 = 256 << 20;
/// How CodeContests numbers Python 3 among the languages of its solutions.
const PYTHON3: u64 = 3;

/// A row of such a data set.
pub(crate) fn row(row: &Value, stem: &str, line: usize) -> Result<Row, String> {
    let statement = first(row, &["problem", "description", "question", "question_content", "prompt"])?;
    if let Some(calls) = functions::calls(row)? {
        return functions::row(row, calls, statement, stem, line);
    }
    let Found { tests, shown } = found(row, &statement)?;
    let id = first(row, &["id", "problem_id", "question_id", "task_id", "name"]);
    let id = id.unwrap_or_else(|_| format!("{line:05}"));
    let not_printed = |test: &&IoTest| !statement.contains(test.stdout.trim());
    let question = Question {
        tests_shown: shown.iter().filter(not_printed).map(printed).collect(),
        ..Question::new(stem, TaskDomain::Code, statement.as_str())
    };
    let problem = Problem { id: format!("{stem}/{id}"), question, gold: Gold::Tests(tests) };
    Ok(made(line, problem, solution(row)?))
}

/// A test as statements print them.
fn printed(test: &IoTest) -> String {
    format!("Input:\n{}\nOutput:\n{}", test.stdin.trim_end(), test.stdout.trim_end())
}

#[derive(Default)]
struct Found {
    tests: Vec<IoTest>,
    shown: Vec<IoTest>,
}

fn found(row: &Value, statement: &str) -> Result<Found, String> {
    let there = |key: &str| row.get(key).filter(|value| !value.is_null());
    let mut found = Found::default();
    if let Some(tests) = there("tests").or_else(|| there("test_cases")) {
        found.tests = cases("tests", tests)?;
    } else if let (Some(inputs), Some(outputs)) = (there("inputs"), there("outputs")) {
        found.tests = pairs("inputs", inputs, outputs)?;
    } else if let Some(packed) = there("input_output") {
        found.tests = cases("input_output", packed)?;
    } else if there("public_test_cases").is_some() || there("private_test_cases").is_some() {
        for key in ["public_test_cases", "private_test_cases"] {
            found.tests.extend(there(key).map_or(Ok(Vec::new()), |tests| cases(key, tests))?);
            if key == "public_test_cases" {
                found.shown.clone_from(&found.tests);
            }
        }
    } else {
        for key in ["public_tests", "private_tests", "generated_tests"] {
            found.tests.extend(there(key).map_or(Ok(Vec::new()), |tests| cases(key, tests))?);
            if key == "public_tests" {
                found.shown.clone_from(&found.tests);
            }
        }
    }
    if found.tests.is_empty() {
        found.tests = statement::examples(statement);
    }
    Ok(found)
}

/// Tests in a field: a list of objects, or an object of lists; as text, they are unpacked first.
fn cases(key: &str, value: &Value) -> Result<Vec<IoTest>, String> {
    match unpacked(key, value)?.as_ref() {
        Value::Array(tests) => tests.iter().map(|test| case(key, test)).collect(),
        Value::Object(lists) => {
            if lists.get("fn_name").is_some_and(|name| !name.is_null()) {
                return Err(functional(key));
            }
            let list = |names: [&str; 2]| names.iter().find_map(|name| lists.get(*name));
            match (list(["inputs", "input"]), list(["outputs", "output"])) {
                (Some(inputs), Some(outputs)) => pairs(key, inputs, outputs),
                (None, None) if lists.is_empty() => Ok(Vec::new()),
                _ => Err(format!("`{key}` has no `inputs` and `outputs`")),
            }
        }
        _ => Err(format!("`{key}` is neither a list of tests nor lists of inputs and outputs")),
    }
}

fn functional(key: &str) -> String {
    format!("`{key}` calls a function; format `stdio` is for programs that read and print")
}

fn case(key: &str, test: &Value) -> Result<IoTest, String> {
    if test.get("testtype").and_then(Value::as_str) == Some("functional") {
        return Err(functional(key));
    }
    let either = |names: &[&str]| names.iter().find_map(|name| test.get(*name));
    match (either(&["stdin", "input"]), either(&["stdout", "output", "expected_output"])) {
        (Some(stdin), Some(stdout)) => Ok(IoTest { stdin: told(key, stdin)?, stdout: told(key, stdout)? }),
        _ => Err(format!("a test of `{key}` has no `input` and `output`")),
    }
}

fn pairs(key: &str, inputs: &Value, outputs: &Value) -> Result<Vec<IoTest>, String> {
    let (Some(inputs), Some(outputs)) = (inputs.as_array(), outputs.as_array()) else {
        return Err(format!("the inputs and outputs of `{key}` are no lists"));
    };
    if inputs.len() != outputs.len() {
        return Err(format!("`{key}` has {} inputs and {} outputs", inputs.len(), outputs.len()));
    }
    let test = |(stdin, stdout)| Ok(IoTest { stdin: told(key, stdin)?, stdout: told(key, stdout)? });
    inputs.iter().zip(outputs).map(test).collect()
}

/// What a program reads or prints: text, lines of it, or a number.
fn told(key: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(lines) => {
            let lines: Result<Vec<String>, String> = lines.iter().map(|line| told(key, line)).collect();
            Ok(lines?.join("\n"))
        }
        other => Err(format!("a test of `{key}` has {other} where text should be")),
    }
}

/// JSON that stands in a text, packed or not; other values as they are.
fn unpacked<'v>(key: &str, value: &'v Value) -> Result<Cow<'v, Value>, String> {
    let Value::String(text) = value else { return Ok(Cow::Borrowed(value)) };
    if text.trim().is_empty() {
        return Ok(Cow::Owned(Value::Array(Vec::new())));
    }
    let plain = serde_json::from_str(text).map_err(|error| error.to_string());
    plain
        .or_else(|error| packed(text).ok_or(error))
        .map(Cow::Owned)
        .map_err(|error| format!("`{key}`: not JSON: {error}"))
}

/// Base64 of a zlib stream of a pickled text of JSON, as LiveCodeBench packs its private tests.
fn packed(text: &str) -> Option<Value> {
    let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
    let mut pickled = Vec::new();
    ZlibDecoder::new(&bytes[..]).take(LARGEST).read_to_end(&mut pickled).ok()?;
    serde_json::from_slice(pickled_text(&pickled)?).ok()
}

/// The text in a pickle of one text: opcodes `X` (length in four bytes), `0x8c` (one) and `0x8d` (eight), little endian,
/// behind the protocol and the frame. Nothing is run.
fn pickled_text(mut pickle: &[u8]) -> Option<&[u8]> {
    if let [0x80, _, rest @ ..] = pickle {
        pickle = rest;
    }
    if let [0x95, rest @ ..] = pickle {
        pickle = rest.get(8..)?;
    }
    let (opcode, rest) = pickle.split_first()?;
    let width = match opcode {
        b'X' => 4,
        0x8c => 1,
        0x8d => 8,
        _ => return None,
    };
    let (length, rest) = rest.split_at_checked(width)?;
    let length = length.iter().rev().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    rest.get(..usize::try_from(length).ok()?)
}

/// A program of the set's authors, where there is one in Python.
fn solution(row: &Value) -> Result<Option<String>, String> {
    if let Ok(text) = first(row, &["solution", "code", "canonical_solution"]) {
        return Ok(Some(text));
    }
    let Some(solutions) = row.get("solutions").filter(|solutions| !solutions.is_null()) else {
        return Ok(None);
    };
    Ok(match unpacked("solutions", solutions)?.as_ref() {
        Value::Array(all) => all.first().and_then(Value::as_str).map(str::to_owned),
        Value::Object(columns) => {
            let list = |name: &str| columns.get(name).and_then(Value::as_array);
            let texts = list("solution").map(Vec::as_slice).unwrap_or_default();
            let languages = list("language").map(Vec::as_slice).unwrap_or_default();
            let python = languages.iter().position(|language| language.as_u64() == Some(PYTHON3));
            python.and_then(|at| texts.get(at)).and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    })
}
