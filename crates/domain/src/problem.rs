//! Problems: a question, which models read, and gold, by which what they hand in is judged.

use serde::{Deserialize, Serialize};

/// Which rubric and which kind of artifact a problem calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskDomain {
    /// A final answer is wanted.
    Math,
    /// A complete program is wanted.
    Code,
    /// A final answer of a procedure that is spelled out step by step.
    Steps,
}

impl TaskDomain {
    /// The name used in files and prompts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TaskDomain::Math => "math",
            TaskDomain::Code => "code",
            TaskDomain::Steps => "steps",
        }
    }
}

/// What an answer looks like, as far as its data set says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerForm {
    /// A number.
    Number,
    /// Anything that can be written down, in LaTeX where it needs to be.
    #[default]
    Expression,
}

impl AnswerForm {
    fn is_default(&self) -> bool {
        *self == AnswerForm::default()
    }
}

/// One stdin/stdout test of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoTest {
    /// What the program reads.
    pub stdin: String,
    /// What it must print (compared token by token).
    pub stdout: String,
}

/// Tests that call what a program defines.
///
/// The tests run in a process of their own, so that a program can neither read nor change them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionTests {
    /// What the program has to define: a function, a class, or a path such as `Solution().solve`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Source that the problem gives to program and tests alike: it runs before the program, and before the tests where
    /// they use a name that it defines. What it defines is the problem's there, never the program's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub given: String,
    /// Source of the tests alone, which runs before them; the program never sees it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub setup: String,
    /// Tests, each a few statements that raise where the program is wrong (usually one `assert`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asserts: Vec<String>,
    /// Source that defines `check(candidate)`, which is called with `entry` and raises where the program is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
}

impl FunctionTests {
    /// What a prompt that ends in an open function gives: all before that function. Where tests call helpers of the
    /// prompt's, as three of HumanEval do, they are the prompt's own and not what a program made of them.
    #[must_use]
    pub fn given_by(prompt: &str, entry: &str) -> String {
        let start = prompt.rfind(&format!("def {entry}(")).unwrap_or(0);
        prompt[..start].to_owned()
    }
}

/// What an artifact is judged against. It never reaches a planner or an executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gold {
    /// The expected final answer, as printed in the data set.
    Answer(String),
    /// Tests that a program must pass.
    Tests(Vec<IoTest>),
    /// Tests that what a program defines must pass.
    Function(FunctionTests),
}

impl Gold {
    /// As tables of runs show it: the answer, or the tests as in files of problems, in JSON.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Gold::Answer(answer) => answer.clone(),
            // Maps of texts: nothing in them has no form in JSON.
            Gold::Tests(_) | Gold::Function(_) => serde_json::to_string(self).unwrap_or_default(),
        }
    }

    /// The name that a program has to define. It is asked for, so it is no secret.
    fn entry(&self) -> Option<&str> {
        match self {
            Gold::Function(tests) => tests.entry.as_deref(),
            Gold::Answer(_) | Gold::Tests(_) => None,
        }
    }
}

/// A problem as far as a model may see it. Whatever makes a prompt takes this, and nothing in it says how an artifact is
/// judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where it comes from: `gsm8k`, `steps`, …
    pub source: String,
    /// Which rubric and artifact it calls for.
    pub domain: TaskDomain,
    /// What is to be solved.
    pub statement: String,
    /// Of answers: what they look like.
    pub form: AnswerForm,
    /// The function or class that the program has to define, where one is wanted by name.
    pub entry: Option<String>,
    /// Tests that the data set shows with the problem, each as it prints it. Those that judge may be others.
    pub tests_shown: Vec<String>,
}

impl Question {
    /// A question that is its statement alone: no name to define, no tests shown.
    #[must_use]
    pub fn new(source: impl Into<String>, domain: TaskDomain, statement: impl Into<String>) -> Question {
        let (source, statement) = (source.into(), statement.into());
        Question {
            source,
            domain,
            statement,
            form: AnswerForm::default(),
            entry: None,
            tests_shown: Vec::new(),
        }
    }
}

/// A problem `x`: a question, and gold by which what is handed in is judged.
///
/// In files it is flat: `{"id", "source", "domain", "statement", "gold"}`, and `form`, `entry` and `tests_shown` where there are
/// any. The name that a `function` gold gives as its own `entry` need not be said twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ProblemLine", into = "ProblemLine")]
pub struct Problem {
    /// Unique within its source; groups, baselines and standard errors are keyed by it.
    pub id: String,
    /// What models read.
    pub question: Question,
    /// What the artifact is judged against.
    pub gold: Gold,
}

/// A problem as it stands in files.
#[derive(Clone, Serialize, Deserialize)]
struct ProblemLine {
    id: String,
    source: String,
    domain: TaskDomain,
    statement: String,
    #[serde(default, skip_serializing_if = "AnswerForm::is_default")]
    form: AnswerForm,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tests_shown: Vec<String>,
    gold: Gold,
}

impl From<ProblemLine> for Problem {
    fn from(line: ProblemLine) -> Problem {
        let ProblemLine { id, source, domain, statement, form, entry, tests_shown, gold } = line;
        let entry = entry.or_else(|| gold.entry().map(str::to_owned));
        Problem { id, question: Question { source, domain, statement, form, entry, tests_shown }, gold }
    }
}

impl From<Problem> for ProblemLine {
    fn from(problem: Problem) -> ProblemLine {
        let Problem { id, question, gold } = problem;
        let Question { source, domain, statement, form, entry, tests_shown } = question;
        let entry = entry.filter(|entry| gold.entry() != Some(entry.as_str()));
        ProblemLine { id, source, domain, statement, form, entry, tests_shown, gold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_flat_in_files() {
        for line in [
            r#"{"id":"a/1","source":"a","domain":"math","statement":"1 + 1?","gold":{"answer":"2"}}"#,
            r#"{"id":"b/1","source":"b","domain":"code","statement":"Add.","gold":{"function":{"entry":"add","asserts":["assert add(1, 1) == 2"]}}}"#,
            r#"{"id":"c/1","source":"c","domain":"code","statement":"Add.","entry":"add","tests_shown":["add(1, 2) is 3"],"gold":{"function":{"asserts":["assert add(1, 1) == 2"]}}}"#,
        ] {
            let problem: Problem = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&problem).unwrap(), line);
            let named = problem.question.entry.as_deref();
            assert_eq!(named, (problem.question.domain == TaskDomain::Code).then_some("add"), "{line}");
        }
    }

    #[test]
    fn a_line_without_gold_is_no_problem() {
        let line = r#"{"id":"1","source":"a","domain":"math","statement":"?"}"#;
        assert!(
            serde_json::from_str::<Problem>(line).unwrap_err().to_string().contains("missing field `gold`")
        );
    }
}
