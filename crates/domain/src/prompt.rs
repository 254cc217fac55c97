//! Prompts: how a question is put to a planner and to an executor. Nothing here can see gold: it is no part of a [`Question`].
//!
//! Both arms of the executor go through [`executor_prompt`]; the only difference between them is whether a trace
//! is there. A reward model reads [`reward_model_input`].

use crate::{problem::Question, problem::TaskDomain, trace::CLOSE, trace::OPEN, trace::Trace};
use serde::{Deserialize, Serialize};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// The problem.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// How a prompt is put to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptStyle {
    /// The embedded worlds' tags, no instructions: `<problem> X </problem>`.
    World,
    /// Instructions and problem as plain text, for base models.
    Plain,
    /// Instructions and problem as a ChatML conversation (`<|im_start|>…<|im_end|>`), the Qwen2 family's format.
    Chatml,
}

/// How a prompt is put to a model whose tokenizer is at hand: in a style of [`PromptStyle`], or as the checkpoint's own
/// chat template says, which only its tokenizer can render.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptFormat {
    /// [`PromptStyle::World`]
    World,
    /// [`PromptStyle::Plain`]
    Plain,
    /// [`PromptStyle::Chatml`]
    Chatml,
    /// The chat template.
    Chat,
    /// The chat template with `enable_thinking` off: for models that would otherwise think aloud before they answer.
    ChatWithoutThinking,
}

impl PromptFormat {
    /// The style, if it is not the chat template's.
    #[must_use]
    pub fn style(self) -> Option<PromptStyle> {
        match self {
            PromptFormat::World => Some(PromptStyle::World),
            PromptFormat::Plain => Some(PromptStyle::Plain),
            PromptFormat::Chatml => Some(PromptStyle::Chatml),
            PromptFormat::Chat | PromptFormat::ChatWithoutThinking => None,
        }
    }
}

impl From<PromptStyle> for PromptFormat {
    fn from(style: PromptStyle) -> PromptFormat {
        match style {
            PromptStyle::World => PromptFormat::World,
            PromptStyle::Plain => PromptFormat::Plain,
            PromptStyle::Chatml => PromptFormat::Chatml,
        }
    }
}

/// The prompt of the planner for a problem.
#[must_use]
pub fn planner_prompt(style: PromptStyle, question: &Question) -> String {
    match style {
        PromptStyle::World => format!("<problem> {} </problem>", question.statement),
        PromptStyle::Plain => plain(&planner_messages(question)),
        PromptStyle::Chatml => chatml(&planner_messages(question)),
    }
}

/// The conversation behind [`planner_prompt`].
#[must_use]
pub fn planner_messages(question: &Question) -> Vec<Message> {
    let artifact = match question.domain {
        TaskDomain::Math | TaskDomain::Steps => "the final answer",
        TaskDomain::Code => "any code",
    };
    let system = format!(
        "You write reasoning that another model will follow to solve a problem. Put the reasoning between {OPEN} \
         and {CLOSE}: what is asked, the approach, and each step in order. Do not state {artifact}. Write nothing \
         outside the tags."
    );
    vec![
        Message { role: Role::System, content: system },
        Message { role: Role::User, content: format!("Problem:\n{}", question.statement) },
    ]
}

/// The prompt of the executor: with a trace, or without.
#[must_use]
pub fn executor_prompt(style: PromptStyle, question: &Question, trace: Option<&Trace>) -> String {
    match style {
        PromptStyle::World => {
            let trace = trace.map(|trace| format!("{} ", trace.tagged())).unwrap_or_default();
            format!("<problem> {} </problem> {trace}<answer>", question.statement)
        }
        PromptStyle::Plain => plain(&executor_messages(question, trace)),
        PromptStyle::Chatml => chatml(&executor_messages(question, trace)),
    }
}

/// The conversation behind [`executor_prompt`], for chat endpoints.
#[must_use]
pub fn executor_messages(question: &Question, trace: Option<&Trace>) -> Vec<Message> {
    let wanted = match question.domain {
        TaskDomain::Math | TaskDomain::Steps => {
            "Solve the problem. End with one line of the form `#### ANSWER`, where ANSWER is a number."
        }
        TaskDomain::Code => {
            "Write a complete Python 3 program that reads standard input and prints to standard output. Answer \
             with one fenced code block and nothing else."
        }
    };
    let mut user = format!("Problem:\n{}", question.statement);
    if let Some(trace) = trace {
        user.push_str("\n\nReasoning to follow:\n");
        user.push_str(trace.as_str());
    }
    vec![
        Message { role: Role::System, content: wanted.to_owned() },
        Message { role: Role::User, content: user },
    ]
}

/// What a reward model reads: `<task>T</task>\n<type>Y</type>\n<problem>\nX\n</problem>\n<reasoning>\nZ\n</reasoning>`.
#[must_use]
pub fn reward_model_input(task: &str, domain: TaskDomain, statement: &str, trace: &str) -> String {
    reward_model_text(task, domain.name(), statement, None, trace)
}

/// [`reward_model_input`] for callers with names of their own for the type of a task, and with tests, which then stand in
/// `<tests>` after the problem.
#[must_use]
pub fn reward_model_text(
    task: &str,
    kind: &str,
    statement: &str,
    tests: Option<&str>,
    trace: &str,
) -> String {
    let tests = tests.map(|tests| format!("\n<tests>\n{tests}\n</tests>")).unwrap_or_default();
    format!(
        "<task>{task}</task>\n<type>{kind}</type>\n<problem>\n{statement}\n</problem>{tests}\n{OPEN}\n{trace}\n{CLOSE}"
    )
}

fn plain(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        text.push_str(&message.content);
        text.push_str("\n\n");
    }
    text
}

fn chatml(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        text.push_str(&format!("<|im_start|>{role}\n{}<|im_end|>\n", message.content));
    }
    text.push_str("<|im_start|>assistant\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question::new("test", TaskDomain::Math, "What is 1 + 1?")
    }

    #[test]
    fn both_arms_differ_by_the_trace_alone() {
        let trace = Trace::new("Add one and one.").unwrap();
        for style in [PromptStyle::World, PromptStyle::Plain, PromptStyle::Chatml] {
            let with = executor_prompt(style, &question(), Some(&trace));
            let without = executor_prompt(style, &question(), None);
            assert!(with.contains("Add one and one.") && !without.contains("Add one and one."));
        }
    }

    #[test]
    fn world_prompts_are_exact() {
        let trace = Trace::new("1 + 1").unwrap();
        assert_eq!(
            executor_prompt(PromptStyle::World, &question(), Some(&trace)),
            "<problem> What is 1 + 1? </problem> <reasoning> 1 + 1 </reasoning> <answer>"
        );
        assert_eq!(
            executor_prompt(PromptStyle::World, &question(), None),
            "<problem> What is 1 + 1? </problem> <answer>"
        );
    }

    #[test]
    fn reward_model_input_is_the_reference_format() {
        assert_eq!(
            reward_model_input("gsm8k", TaskDomain::Math, "X", "Z"),
            "<task>gsm8k</task>\n<type>math</type>\n<problem>\nX\n</problem>\n<reasoning>\nZ\n</reasoning>"
        );
        assert_eq!(
            reward_model_text("code", "taco", "X", Some("S"), "Z"),
            "<task>code</task>\n<type>taco</type>\n<problem>\nX\n</problem>\n<tests>\nS\n</tests>\n<reasoning>\nZ\n</reasoning>"
        );
    }
}
