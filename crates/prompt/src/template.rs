//! Texts with places for what belongs to a question.
//!
//! | variable | what it is |
//! |---|---|
//! | `question` | the statement, as the data set prints it |
//! | `domain` | `math`, `code` or `steps` |
//! | `source` | the data set: `gsm8k`, … |
//! | `artifact` | what is wanted: `answer`, `function`, `program` |
//! | `answer_form` | of answers: `number`, or `expression` (LaTeX) |
//! | `entry` | of functions: the name to define; otherwise none |
//! | `tests` | of functions: the tests that the data set shows, a list; it may be empty |
//! | `reasoning` | in an executor's `user`: where the trace stands, or nothing |
//! | `trace` | in an executor's `reasoning`: the trace |
//!
//! An unknown variable is an error. Line breaks stay as they are written, except the one after a block tag
//! (`{% … %}`), as in chat templates.

use crate::PromptError;
use crate::preset::Artifact;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use std::sync::LazyLock;
use tracelift_domain::{AnswerForm, Question, Trace};

/// Steps of the interpreter for one text; a preset takes some dozens.
const FUEL: u64 = 1_000_000;

/// What a question shows a template.
#[must_use]
pub(crate) fn variables(question: &Question) -> Value {
    let artifact = Artifact::of(question);
    context! {
        question => question.statement.clone(),
        domain => question.domain.name(),
        source => question.source.clone(),
        artifact => artifact.name(),
        answer_form => match question.form {
            AnswerForm::Number => "number",
            AnswerForm::Expression => "expression",
        },
        entry => question.entry.clone(),
        tests => question.tests_shown.clone(),
    }
}

/// The variables, and the mark where the reasoning belongs.
pub(crate) fn with_reasoning(variables: &Value, mark: &str) -> Value {
    context! { reasoning => mark, ..variables.clone() }
}

/// The variables, and a trace.
pub(crate) fn with_trace(variables: &Value, trace: &Trace) -> Value {
    context! { trace => trace.as_str(), ..variables.clone() }
}

/// What all texts are filled in by. It is made once: a start looks at the prompts of every problem.
#[allow(clippy::expect_used, reason = "the delimiters are Jinja's own")]
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    let syntax = SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("a valid syntax"));
    environment
});

/// A text with its variables filled in.
pub(crate) fn render(key: &str, text: &str, variables: &Value) -> Result<String, PromptError> {
    // Most texts say nothing about the question.
    if !text.contains("{{") && !text.contains("{%") && !text.contains("{#") {
        return Ok(text.to_owned());
    }
    let rendered = ENVIRONMENT.render_named_str(key, text, variables);
    rendered.map_err(|error| PromptError::Template {
        key: key.to_owned(),
        detail: match (error.detail(), error.line()) {
            (Some(detail), Some(line)) => format!("{}: {detail} (line {line} of the text)", error.kind()),
            (None, Some(line)) => {
                format!("{} (line {line} of the text); there are {VARIABLES}", error.kind())
            }
            _ => error.to_string(),
        },
    })
}

const VARIABLES: &str = "`question`, `domain`, `source`, `artifact`, `answer_form`, `entry`, `tests`, and of an executor `reasoning` and `trace`";
