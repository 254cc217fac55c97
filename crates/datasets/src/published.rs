//! Rows in the published formats.

use crate::{Format, Row, evalplus, statement, stdio};
use serde_json::{Map, Value, json};
use tracelift_domain::{AnswerForm, FunctionTests, Gold, Group, Problem, Question, TaskDomain, VARIANT_OF};

/// The text of a field; numbers are written out.
pub(crate) fn text(row: &Value, key: &str) -> Option<String> {
    match row.get(key)? {
        Value::String(text) => Some(text.replace("\r\n", "\n").trim().to_owned()),
        Value::Number(number) => {
            let text = number.to_string();
            Some(text.strip_suffix(".0").unwrap_or(&text).to_owned())
        }
        _ => None,
    }
}

/// The first of several fields that is there.
pub(crate) fn first(row: &Value, keys: &[&str]) -> Result<String, String> {
    keys.iter().find_map(|key| text(row, key)).filter(|text| !text.is_empty()).ok_or_else(|| {
        let names: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        format!("has no text in {}", names.join(" or "))
    })
}

/// What a row has beside its line, from its parts.
pub(crate) fn made(line: usize, problem: Problem, solution: Option<String>) -> Row {
    let origin = Map::from_iter([("line".to_owned(), line.into())]);
    let solution = solution.filter(|solution| !solution.trim().is_empty());
    Row { problem, solution, trace: None, opening: None, origin }
}

/// A row in a published format, or in one of ours.
pub(crate) fn row(format: Format, row: &Value, stem: &str, line: usize) -> Result<Row, String> {
    if !row.is_object() {
        return Err("is no JSON object".into());
    }
    match format {
        Format::Gsm8k => gsm8k(row, stem, line),
        Format::Math => math(row, stem, line),
        Format::Svamp => svamp(row, stem, line),
        Format::Aime => aime(row, stem, line),
        Format::Mbpp if evalplus::has_inputs(row) => evalplus::row(row, "mbpp", line),
        Format::HumanEval if evalplus::has_inputs(row) => evalplus::row(row, "humaneval", line),
        Format::Mbpp => mbpp(row, line),
        Format::HumanEval => humaneval(row, line),
        Format::Stdio => stdio::row(row, stem, line),
        Format::Problems => {
            let problem: Problem = serde_json::from_value(row.clone()).map_err(|error| error.to_string())?;
            let solution = text(row, "solution").or_else(|| text(row, "reference_solution"));
            Ok(made(line, problem, solution))
        }
        Format::Groups => group(row, line),
        Format::Columns => Err("needs a table `columns`".into()),
    }
}

fn answered(id: String, source: &str, statement: String, answer: String, form: AnswerForm) -> Problem {
    let question = Question { form, ..Question::new(source, TaskDomain::Math, statement) };
    Problem { id, question, gold: Gold::Answer(answer) }
}

fn gsm8k(row: &Value, stem: &str, line: usize) -> Result<Row, String> {
    let (question, answer) = (first(row, &["question"])?, first(row, &["answer"])?);
    let gold = answer.rsplit_once("####").ok_or("`answer` has no final answer after `####`")?.1.trim();
    let problem =
        answered(format!("gsm8k/{stem}/{line:05}"), "gsm8k", question, gold.to_owned(), AnswerForm::Number);
    Ok(made(line, problem, Some(answer)))
}

fn math(row: &Value, stem: &str, line: usize) -> Result<Row, String> {
    let (problem, solution) = (first(row, &["problem"])?, text(row, "solution"));
    let answer = text(row, "answer").or_else(|| boxed(solution.as_deref()?));
    let gold = answer.ok_or("has no `answer`, and no `solution` with \\boxed{…}")?;
    let unique = text(row, "unique_id");
    let id = unique.clone().unwrap_or_else(|| format!("{stem}/{line:05}"));
    let mut made =
        made(line, answered(format!("math/{id}"), "math", problem, gold, AnswerForm::Expression), solution);
    made.origin.extend(unique.map(|id| ("unique_id".to_owned(), id.into())));
    Ok(made)
}

fn svamp(row: &Value, stem: &str, line: usize) -> Result<Row, String> {
    let statement = format!("{} {}", sentence(&first(row, &["Body"])?), first(row, &["Question"])?);
    let answer = first(row, &["Answer"])?;
    let solution = text(row, "Equation").map(|equation| {
        let equation = equation.replace(".0 ", " ");
        let plain = equation.replace(['(', ')'], "");
        let words: Vec<&str> = plain.split_whitespace().collect();
        match words.len() {
            3 => format!("{} = {answer}", words.join(" ")),
            _ => format!("{equation} = {answer}"),
        }
    });
    let id = text(row, "ID").unwrap_or_else(|| format!("{line:05}"));
    Ok(made(
        line,
        answered(format!("svamp/{stem}/{id}"), "svamp", statement, answer, AnswerForm::Number),
        solution,
    ))
}

/// The files of the years and of those who publish them agree on nothing but the words.
fn aime(row: &Value, stem: &str, line: usize) -> Result<Row, String> {
    let statement = first(row, &["problem", "Problem", "question", "Question"])?;
    let answer = first(row, &["answer", "Answer"])?;
    if !answer.chars().all(|c| c.is_ascii_digit()) {
        return Err(format!("`answer` is {answer:?}, where AIME has a whole number from 0 to 999"));
    }
    let solution = text(row, "solution").or_else(|| text(row, "Solution"));
    let id = first(row, &["id", "ID", "problem_idx"]).unwrap_or_else(|_| format!("{line:05}"));
    Ok(made(
        line,
        answered(format!("aime/{stem}/{id}"), "aime", statement, answer, AnswerForm::Number),
        solution,
    ))
}

fn mbpp(row: &Value, line: usize) -> Result<Row, String> {
    let task = first(row, &["task_id"])?;
    let (statement, code) = (first(row, &["text", "prompt"])?, first(row, &["code"])?);
    let listed = row.get("test_list").and_then(Value::as_array).ok_or("has no list in `test_list`")?;
    let asserts: Vec<String> = listed.iter().filter_map(|test| test.as_str().map(str::to_owned)).collect();
    if asserts.is_empty() {
        return Err("has no test in `test_list`".into());
    }
    let imports = row.get("test_imports").and_then(Value::as_array).into_iter().flatten();
    let imports: Vec<&str> = imports.filter_map(Value::as_str).collect();
    let setup = text(row, "test_setup_code").unwrap_or_default();
    let setup = if imports.is_empty() { setup } else { format!("{}\n{setup}", imports.join("\n")) };
    let entry = called(&asserts, &code);
    let question = Question {
        entry: entry.clone(),
        // How the function is called cannot be known without one; the others stay unseen.
        tests_shown: asserts[..1].to_vec(),
        ..Question::new("mbpp", TaskDomain::Code, statement)
    };
    let gold = Gold::Function(FunctionTests {
        entry,
        setup: setup.trim().to_owned(),
        asserts,
        ..FunctionTests::default()
    });
    let mut made = made(line, Problem { id: format!("mbpp/{task}"), question, gold }, Some(code));
    made.origin.insert("task_id".to_owned(), row["task_id"].clone());
    Ok(made)
}

/// The function or class of a program that every one of its tests names: the tests call what is asked for.
fn called(asserts: &[String], code: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let defined = code.lines().rev().filter_map(|line| {
        let name = line.strip_prefix("def ").or_else(|| line.strip_prefix("class "))?.trim_start();
        let end = name.find(|c| !is_part(c)).unwrap_or(name.len());
        Some(&name[..end])
    });
    let names = |test: &str, name: &str| test.split(|c| !is_part(c)).any(|word| word == name);
    let mut common = defined.filter(|name| asserts.iter().all(|test| names(test, name)));
    common.next().map(str::to_owned)
}

fn humaneval(row: &Value, line: usize) -> Result<Row, String> {
    let task = first(row, &["task_id"])?;
    let raw = |key: &str| row[key].as_str().map(str::to_owned).ok_or(format!("has no text in `{key}`"));
    let (prompt, body) = (raw("prompt")?, raw("canonical_solution")?);
    let (entry, check) = (first(row, &["entry_point"])?, raw("test")?);
    let question = Question {
        entry: Some(entry.clone()),
        ..Question::new("humaneval", TaskDomain::Code, prompt.trim())
    };
    let gold = Gold::Function(FunctionTests {
        given: FunctionTests::given_by(&prompt, &entry),
        entry: Some(entry),
        check: Some(check),
        ..FunctionTests::default()
    });
    let problem = Problem { id: task, question, gold };
    let mut made = made(line, problem, Some(format!("{prompt}{body}")));
    made.origin.insert("task_id".to_owned(), row["task_id"].clone());
    made.opening = Some(prompt);
    Ok(made)
}

/// A line of a group file: what others leave out or call otherwise does not matter to its problem.
fn group(row: &Value, line: usize) -> Result<Row, String> {
    first(row, &["problem"])?;
    let mut row = row.clone();
    let known = [TaskDomain::Math, TaskDomain::Code, TaskDomain::Steps];
    let told = row["task_type"].as_str().unwrap_or_default();
    if !known.into_iter().any(|domain| domain.name() == told) {
        let rubric = row.pointer("/positive_pool/0/rubric");
        let code = rubric.is_some_and(|rubric| rubric.get("task_understanding").is_some());
        row["task_type"] = if code { TaskDomain::Code.name() } else { TaskDomain::Math.name() }.into();
    }
    if row["source"].is_null() {
        row["source"] = "groups".into();
    }
    let group: Group = serde_json::from_value(row).map_err(|error| error.to_string())?;
    let mut row = of_group(&group)?;
    row.origin.insert("line".to_owned(), line.into());
    Ok(row)
}

/// A group as a problem: its first reference trace stands. The gold answer is the metadata's `answer`, or what the
/// reference solution ends with; of code, the tests among the metadata, or the examples of the statement.
///
/// # Errors
/// When it has no usable gold.
pub fn of_group(group: &Group) -> Result<Row, String> {
    let gold = match group.task_type {
        TaskDomain::Code => tests_of(group.metadata.get("tests"), &group.problem)?,
        TaskDomain::Math | TaskDomain::Steps => {
            let told = group.metadata.get("answer").map(|answer| match answer {
                Value::String(answer) => answer.clone(),
                other => other.to_string(),
            });
            let solution = group.reference_solution.trim();
            let end = solution.rsplit_once("####").map_or(solution, |(_, answer)| answer).trim();
            Gold::Answer(told.unwrap_or_else(|| end.to_owned()))
        }
    };
    let mut question = group.question();
    match &gold {
        Gold::Answer(answer) if answer.is_empty() => {
            return Err(format!("group `{}` has no usable gold", group.problem_id));
        }
        Gold::Function(tests) => question.entry.clone_from(&tests.entry),
        Gold::Answer(_) | Gold::Tests(_) => {}
    }
    let solution = group.reference_solution.as_str();
    let mut origin = Map::from_iter([("source_group".to_owned(), json!(group.problem_id))]);
    if group.is_variant() {
        origin.insert(VARIANT_OF.to_owned(), json!(group.family()));
    }
    Ok(Row {
        problem: Problem { id: group.problem_id.clone(), question, gold },
        solution: (!solution.trim().is_empty()).then(|| solution.to_owned()),
        trace: group.positive_pool.first().map(|positive| positive.reasoning.clone()),
        opening: None,
        origin,
    })
}

fn tests_of(told: Option<&Value>, statement: &str) -> Result<Gold, String> {
    let wrong = |error: serde_json::Error| format!("`metadata.tests`: {error}");
    match told {
        Some(tests @ Value::Array(_)) => {
            serde_json::from_value(tests.clone()).map(Gold::Tests).map_err(wrong)
        }
        Some(tests @ Value::Object(_)) => {
            serde_json::from_value(tests.clone()).map(Gold::Function).map_err(wrong)
        }
        _ => Ok(Gold::Tests(statement::examples(statement))),
    }
}

/// With a full stop, where the data set left it out.
fn sentence(text: &str) -> String {
    if text.ends_with(['.', '!', '?', ',']) { text.to_owned() } else { format!("{text}.") }
}

/// What stands in the last `\boxed{…}`.
fn boxed(solution: &str) -> Option<String> {
    let start = solution.rfind("\\boxed{")? + "\\boxed{".len();
    let mut depth = 1;
    for (at, c) in solution[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(solution[start..start + at].to_owned());
        }
    }
    None
}
