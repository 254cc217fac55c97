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

/// A query, divided where its prompt ends. Without the prompt it must be a conversation. A framework may have padded the query,
/// and cut its prompt from the left to so many tokens: then the query begins with what was left of the prompt.
pub(crate) fn said<'q>(query: &'q str, prompt: Option<&'q str>) -> Result<Said<'q>, ItemFault> {
    if let Some(prompt) = prompt {
        for query in [query, completion::without_padding(query)] {
            if let Some(completion) = query.strip_prefix(prompt) {
                return Ok(Said { prompt, completion });
            }
            let kept = kept_end(query, prompt);
            if kept >= SHORTEST_KEPT {
                return Ok(Said { prompt, completion: &query[kept..] });
            }
        }
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

/// The least that must be left of a prompt, in bytes: as much as the header of a turn. Less may agree by chance.
const SHORTEST_KEPT: usize = 16;

/// The length of the longest end of `prompt` that `query` begins with: what was left of a prompt that was cut from the left.
/// It is the search of Knuth, Morris and Pratt for the query in the prompt, so that its time grows with their lengths alone.
fn kept_end(query: &str, prompt: &str) -> usize {
    let wanted = &query.as_bytes()[..query.len().min(prompt.len())];
    if wanted.is_empty() {
        return 0;
    }
    // For each beginning of what is wanted, the longest shorter one that it ends with.
    let mut shorter = vec![0; wanted.len()];
    let next = |shorter: &[usize], mut length: usize, byte: u8| {
        while length > 0 && (length == wanted.len() || wanted[length] != byte) {
            length = shorter[length - 1];
        }
        if wanted[length] == byte { length + 1 } else { 0 }
    };
    for at in 1..wanted.len() {
        shorter[at] = next(&shorter, shorter[at - 1], wanted[at]);
    }
    let tail = &prompt.as_bytes()[prompt.len() - wanted.len()..];
    // It begins where a character does and ends where the prompt does, so no character of the query is cut.
    tail.iter().fold(0, |length, byte| next(&shorter, length, *byte))
}

/// The problem's statement in a prompt: the last user turn of a conversation; in it, what stands in `<problem>` tags, or
/// after the last line `Problem:` and before a last line `Reasoning:`; else all of it.
pub(crate) fn statement(prompt: &str) -> &str {
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

/// The `response` of slime's samples.
pub(crate) fn response(map: &mut Map<String, Value>) -> Result<String, ItemFault> {
    match map.remove("response") {
        Some(Value::String(response)) => Ok(response),
        Some(other) => Err(ItemFault::Invalid(format!("`response` is {}, not a string", kind(&other)))),
        None => Err(ItemFault::Invalid("`response` is missing".into())),
    }
}

/// A query of OpenRLHF's, which is prompt and completion.
pub(crate) fn query(query: &Value) -> Result<&str, ItemFault> {
    query.as_str().ok_or_else(|| ItemFault::Invalid(format!("the query is {}, not a string", kind(query))))
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
    fn a_query_loses_what_was_left_of_its_prompt() {
        let prompt =
            "<|im_start|>user\nÄpfel: a long question with many words<|im_end|>\n<|im_start|>assistant\n";
        let completion = "<reasoning>\nr\n</reasoning><|im_end|>";
        for cut in (0..prompt.len() - SHORTEST_KEPT).filter(|cut| prompt.is_char_boundary(*cut)) {
            for before in ["", "<pad><pad>", "<|endoftext|><|endoftext|>", "<s> ", "\u{fffd}"] {
                let query = format!("{before}{}{completion}", &prompt[cut..]);
                let said = said(&query, Some(prompt));
                assert_eq!(said.map(|said| said.completion), Ok(completion), "{query}");
            }
        }
        // A completion that repeats its prompt loses no more than the prompt, and one that asks itself gains nothing.
        let again = format!("{prompt}{completion}");
        assert_eq!(said(&format!("{}{again}", &prompt[20..]), Some(prompt)).unwrap().completion, again);
        let easier = format!("r<|im_start|>user\neasy<|im_end|>\n<|im_start|>assistant\n{completion}");
        assert_eq!(said(&format!("{}{easier}", &prompt[20..]), Some(prompt)).unwrap().completion, easier);
    }

    #[test]
    fn the_end_that_was_kept_is_the_longest() {
        for (query, prompt, kept) in [
            ("", "abc", 0),
            ("abc", "", 0),
            ("cd", "abc", 1),
            ("abcd", "abc", 3),
            ("bcbcx", "abcbc", 4),
            ("aaaab", "aaa", 3),
            ("xyz", "abc", 0),
            ("é1", "aé", 2),
        ] {
            assert_eq!(kept_end(query, prompt), kept, "{query} {prompt}");
        }
        // As long as bodies may be, and as repetitive.
        let text = "ab".repeat(1 << 20);
        assert_eq!(kept_end(&format!("{text}c"), &text), text.len());
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
