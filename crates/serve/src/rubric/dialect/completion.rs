//! From what a framework for reinforcement learning holds (a prompt and a planner's completion) to an item.
//!
//! Such a framework knows prompts, not problems. The sure way is to give the problem beside: as the label, an object with
//! `problem` and, if wanted, `task_name`, `task_type` and `tests`. Without that the statement is looked for in the
//! prompt, in the forms in which the house and the published scripts write prompts.

use super::{Entry, House, Tags, check_size, kind, text, turns};
use crate::fault::ItemFault;
use crate::rubric::Item;
use serde_json::{Map, Value};
use tracelift_domain::trace::OPEN;
use tracelift_domain::{Ending, Field, completion};

/// What a sample is, for the rubric: an item, or a completion that is worth nothing.
pub(crate) fn entry(prompt: Option<&str>, completion: &str, label: Option<Value>, house: &House) -> Entry {
    read(prompt, completion, label, house).unwrap_or_else(Entry::Invalid)
}

fn read(
    prompt: Option<&str>,
    completion: &str,
    label: Option<Value>,
    house: &House,
) -> Result<Entry, ItemFault> {
    let mut label = described(label);
    let given = text(&mut label, "problem")?;
    let problem = match (given, prompt) {
        (Some(problem), _) => problem,
        (None, Some(prompt)) => statement(prompt).to_owned(),
        (None, None) => {
            let message = "there is neither a prompt nor a label with a `problem`";
            return Err(ItemFault::Invalid(message.into()));
        }
    };
    let (task_name, task_type) = (text(&mut label, "task_name")?, text(&mut label, "task_type")?);
    let tests = text(&mut label, "tests")?;
    check_size(house, &[Some(&problem), Some(completion), tests.as_deref()])?;
    let field = match house.tags {
        Tags::Required => Field::Completion,
        Tags::Optional => Field::Reasoning,
    };
    Ok(match completion::read(completion, field, Ending::Stopped) {
        Ok(trace) => Entry::Score(Item { problem, trace, task_name, task_type, tests, max_tokens: None }),
        Err(defect) => Entry::Defect(defect),
    })
}

/// A label that describes the problem: an object, or an object written as a string. Any other label is an answer, which
/// the rubric must not see.
fn described(label: Option<Value>) -> Map<String, Value> {
    match label {
        Some(Value::Object(map)) => map,
        Some(Value::String(text)) if text.trim_start().starts_with('{') => {
            match serde_json::from_str(&text) {
                Ok(Value::Object(map)) => map,
                _ => Map::new(),
            }
        }
        _ => Map::new(),
    }
}

/// A prompt, and what a planner wrote to it.
#[derive(Debug, PartialEq)]
pub(crate) struct Said<'t> {
    pub prompt: &'t str,
    pub completion: &'t str,
}

/// A query, divided where its prompt ends. Without the prompt it must be a conversation.
pub(crate) fn said<'q>(query: &'q str, prompt: Option<&'q str>) -> Result<Said<'q>, ItemFault> {
    if let Some(prompt) = prompt
        && let Some(completion) = query.strip_prefix(prompt)
    {
        return Ok(Said { prompt, completion });
    }
    if let Some(said) = turns::divided(query) {
        return Ok(Said { prompt: prompt.unwrap_or(said.prompt), ..said });
    }
    let message = match prompt {
        Some(_) => "the query does not begin with its prompt, and has no assistant turn",
        None => "there is no prompt, and the query has no assistant turn; send `prompts` as well",
    };
    Err(ItemFault::Invalid(message.into()))
}

/// The problem's statement in a prompt: the last user turn of a conversation; in it, what stands in `<problem>` tags, or
/// after the last line `Problem:` and before a last line `Reasoning:`; else all of it.
fn statement(prompt: &str) -> &str {
    let turn = turns::asked(prompt).unwrap_or(prompt);
    if let Some((_, rest)) = turn.split_once("<problem>")
        && let Some((inside, _)) = rest.split_once("</problem>")
    {
        return inside.trim();
    }
    // Worked examples stand before the question.
    let after = match turn.rsplit_once("\nProblem:\n") {
        Some((_, rest)) => rest,
        None => turn.strip_prefix("Problem:\n").unwrap_or(turn),
    };
    let after = after.trim();
    let after = after.strip_suffix(OPEN).map_or(after, str::trim_end);
    after.strip_suffix("\nReasoning:").map_or(after, str::trim_end)
}

/// The problem's statement in a conversation: its last user message, read as above.
pub(crate) fn conversation(messages: &[Value]) -> Result<String, ItemFault> {
    let said = |message: &Value, role: &str| {
        (message.get("role").and_then(Value::as_str) == Some(role))
            .then(|| message.get("content").and_then(Value::as_str).map(str::to_owned))
            .flatten()
    };
    let last = messages.iter().rev().find_map(|message| said(message, "user"));
    let last = last.ok_or_else(|| {
        ItemFault::Invalid("the conversation has no user message whose `content` is a string".into())
    })?;
    Ok(statement(&last).to_owned())
}

/// A prompt as a framework holds it: a text, or a conversation.
pub(crate) fn prompt_text(prompt: Option<Value>) -> Result<Option<String>, ItemFault> {
    match prompt {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(Value::Array(messages)) => conversation(&messages).map(Some),
        Some(other) => {
            Err(ItemFault::Invalid(format!("the prompt is {}, not a text or a conversation", kind(&other))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracelift_domain::{Prompt, Question, TaskDomain};
    use tracelift_prompt::{Layout, PlannerPrompt, PlannerPromptConfig};

    #[test]
    fn finds_the_statement_in_the_prompts_of_the_house() {
        let question = Question::new("test", TaskDomain::Math, "Ann has 3 pens.\nHow many after she buys 2?");
        for name in ["world", "plain", "chatml"] {
            let section = PlannerPromptConfig::named(name);
            let prompt = PlannerPrompt::new("planner.prompt", &section, Layout::Plain).unwrap();
            let Prompt::Text(prompt) = prompt.prompt(&question).unwrap() else { panic!("{name} is a text") };
            assert_eq!(statement(&prompt), question.statement, "{name}");
        }
        let published =
            "You are solving a problem.\nUse this format.\n\nProblem:\nAnn has 3 pens.\n\nReasoning:\n";
        assert_eq!(statement(published), "Ann has 3 pens.");
        assert_eq!(statement(" Just the question? "), "Just the question?");
    }

    #[test]
    fn a_query_loses_its_prompt() {
        let completion = |query, prompt| said(query, prompt).map(|said| said.completion);
        assert_eq!(completion("ab", Some("a")), Ok("b"));
        let query = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nr";
        assert_eq!(completion(query, None), Ok("r"));
        assert_eq!(completion(query, Some("other")), Ok("r"));
        assert!(completion("ab", Some("x")).is_err() && completion("ab", None).is_err());
    }
}
