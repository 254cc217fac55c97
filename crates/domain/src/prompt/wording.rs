//! What is said to a planner and to an executor, whatever it is laid out as. Every instruction that the house gives a model
//! about a question stands in this file and nowhere else.

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

/// What a planner is told.
#[must_use]
pub fn planner(question: &Question) -> Vec<Message> {
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

/// What an executor is told: with a trace, or without.
#[must_use]
pub fn executor(question: &Question, trace: Option<&Trace>) -> Vec<Message> {
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
