//! How a file of problems is laid out, and how that is recognised.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, path::Path};

/// How a file of problems is laid out. In JSONL (also packed by gzip) and in Parquet alike, a problem is a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// GSM8K.
    Gsm8k,
    /// MATH and its kin.
    Math,
    /// SVAMP.
    Svamp,
    /// AIME.
    Aime,
    /// MBPP.
    Mbpp,
    /// HumanEval and its kin.
    HumanEval,
    /// Problems for programs that read and print: APPS, CodeContests, LiveCodeBench and their kin.
    Stdio,
    /// Problems of ours.
    Problems,
    /// TraceLift groups, of which the problem and its reference are read.
    Groups,
    /// Columns that a [`crate::ColumnMap`] names.
    #[serde(alias = "jsonl", alias = "parquet")]
    Columns,
}

impl Format {
    /// Every format, in the order in which messages list them.
    pub const ALL: [Format; 10] = [
        Format::Gsm8k,
        Format::Math,
        Format::Svamp,
        Format::Aime,
        Format::Mbpp,
        Format::HumanEval,
        Format::Stdio,
        Format::Problems,
        Format::Groups,
        Format::Columns,
    ];

    /// As configurations name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Gsm8k => "gsm8k",
            Format::Math => "math",
            Format::Svamp => "svamp",
            Format::Aime => "aime",
            Format::Mbpp => "mbpp",
            Format::HumanEval => "humaneval",
            Format::Stdio => "stdio",
            Format::Problems => "problems",
            Format::Groups => "groups",
            Format::Columns => "columns",
        }
    }

    /// Which fields it reads.
    #[must_use]
    pub fn fields(self) -> &'static str {
        match self {
            Format::Gsm8k => "`question`, `answer` (worked solution, then `#### n`)",
            Format::Math => "`problem`, `answer` or `solution` with \\boxed{…}",
            Format::Svamp => "`Body`, `Question`, `Answer`, `Equation`",
            Format::Aime => "`problem`, `answer` (a whole number)",
            Format::Mbpp => "`task_id`, `text` or `prompt`, `code`, `test_list`",
            Format::HumanEval => "`task_id`, `prompt`, `entry_point`, `canonical_solution`, `test`",
            Format::Stdio => {
                "`problem`, `question` or `description`, and `input_output`, `public_tests`, `tests` or examples in the text"
            }
            Format::Problems => "`id`, `source`, `domain`, `statement`, `gold`",
            Format::Groups => "`problem_id`, `problem`, `reference_solution`, `positive_pool`",
            Format::Columns => "what the table `columns` names, `problem` at least",
        }
    }

    /// Whether its problems call for programs.
    #[must_use]
    pub fn is_code(self) -> bool {
        matches!(self, Format::Mbpp | Format::HumanEval | Format::Stdio)
    }

    /// The formats, for messages.
    #[must_use]
    pub fn all() -> String {
        format!("the formats are {}", Format::ALL.map(Format::name).join(", "))
    }

    /// The formats with their fields, for messages.
    #[must_use]
    pub fn all_with_fields() -> String {
        let told = Format::ALL.map(|format| format!("{format} ({})", format.fields()));
        format!("the formats are {}", told.join("; "))
    }

    /// The format of a file whose first row is this; `None` where it is of none, or could be of several.
    #[must_use]
    pub fn of_row(row: &Value, path: &Path) -> Option<Format> {
        let has = |keys: &[&str]| keys.iter().all(|key| row.get(key).is_some());
        let any = |keys: &[&str]| keys.iter().any(|key| row.get(key).is_some());
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        if has(&["problem_id", "problem", "positive_pool"]) {
            return Some(Format::Groups);
        }
        if has(&["id", "statement", "gold"]) {
            return Some(Format::Problems);
        }
        if has(&["task_id", "prompt", "entry_point", "plus_input"]) {
            let mbpp = text("task_id").to_ascii_lowercase().starts_with("mbpp");
            return Some(if mbpp { Format::Mbpp } else { Format::HumanEval });
        }
        if has(&["task_id", "prompt", "entry_point", "test"]) {
            return Some(Format::HumanEval);
        }
        if has(&["task_id", "code", "test_list"]) {
            return Some(Format::Mbpp);
        }
        if has(&["Body", "Question", "Answer"]) {
            return Some(Format::Svamp);
        }
        let tests = ["input_output", "public_tests", "public_test_cases", "tests", "test_cases", "examples"];
        let statement = ["problem", "description", "question", "question_content", "prompt"];
        if any(&statement) && (any(&tests) || has(&["inputs", "outputs"])) {
            return Some(Format::Stdio);
        }
        if has(&["question", "answer"]) && text("answer").contains("####") {
            return Some(Format::Gsm8k);
        }
        if any(&["problem", "Problem"]) && any(&["answer", "Answer", "solution", "Solution"]) {
            let mentions = |text: &str| text.to_ascii_lowercase().contains("aime");
            let named = path.components().any(|part| mentions(&part.as_os_str().to_string_lossy()));
            let aime = named || mentions(text("url")) || mentions(text("ID")) || mentions(text("id"));
            let boxed = any(&["answer"]) || text("solution").contains("\\boxed{");
            return match (aime, boxed) {
                (true, _) => Some(Format::Aime),
                (false, true) => Some(Format::Math),
                (false, false) => None,
            };
        }
        None
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
