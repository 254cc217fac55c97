//! Problems: as items give them, and those that were registered, so that items need only name them.

use super::desk::Desk;
use crate::fault::{Fault, ItemFault};
use crate::rubric::dialect::{kind, object};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use tracelift_domain::{AnswerForm, Fingerprint, Gold, Problem, Question, TaskDomain};
use tracelift_reward::baselines::question_id;

/// Whose an item is.
#[derive(Clone, Debug)]
pub(super) enum Whose {
    /// The item says it.
    Given(Arc<Problem>),
    /// One that was registered under this name.
    Registered(String),
    /// One that was registered with this statement.
    Stated(String),
}

/// A problem as an item gives it: all but statement and gold may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    id: Option<String>,
    source: Option<String>,
    domain: Option<TaskDomain>,
    statement: String,
    #[serde(default)]
    form: AnswerForm,
    entry: Option<String>,
    #[serde(default)]
    tests_shown: Vec<String>,
    gold: Gold,
}

/// Reads a problem.
pub(super) fn problem(value: Value) -> Result<Problem, ItemFault> {
    if !value.is_object() {
        return Err(ItemFault::Invalid(format!("`problem` is {}, not an object", kind(&value))));
    }
    let given: Given =
        serde_json::from_value(value).map_err(|error| ItemFault::Invalid(format!("`problem`: {error}")))?;
    let Given { id, source, domain, statement, form, entry, tests_shown, gold } = given;
    let domain = domain.unwrap_or(match gold {
        Gold::Answer(_) => TaskDomain::Math,
        Gold::Tests(_) | Gold::Function(_) => TaskDomain::Code,
    });
    // What a file of problems would be refused for.
    let fault = match &gold {
        _ if statement.trim().is_empty() => Some("its `statement` is empty"),
        Gold::Answer(answer) if answer.trim().is_empty() => Some("its gold answer is empty"),
        Gold::Tests(tests) if tests.is_empty() => Some("it has no tests, so no program can be judged by it"),
        Gold::Function(tests) if tests.asserts.is_empty() && tests.check.is_none() => {
            Some("it has no asserts and no check, so no program can be judged by it")
        }
        _ => None,
    };
    if let Some(fault) = fault {
        return Err(ItemFault::Invalid(format!("`problem`: {fault}")));
    }
    let entry = entry.or_else(|| match &gold {
        Gold::Function(tests) => tests.entry.clone(),
        _ => None,
    });
    let source = source.unwrap_or_else(|| domain.name().to_owned());
    let question = Question { source, domain, statement, form, entry, tests_shown };
    let id = id.unwrap_or_else(|| question_id(&question).short().to_owned());
    Ok(Problem { id, question, gold })
}

/// Problems to register: a list, or `{"problems": [...]}`. All of them, or none.
pub(super) fn registered(body: Value) -> Result<Vec<Problem>, Fault> {
    let list = match body {
        Value::Array(list) => list,
        other => match object(other)?.remove("problems") {
            Some(Value::Array(list)) => list,
            Some(other) => return Err(Fault::Invalid(format!("`problems` is {}, not a list", kind(&other)))),
            None => return Err(Fault::Invalid("`problems` is missing".into())),
        },
    };
    let read = |(index, value): (usize, Value)| {
        let named = value.get("id").is_some_and(Value::is_string);
        let problem = problem(value)
            .and_then(|problem| match named {
                true => Ok(problem),
                false => Err(ItemFault::Invalid("`id` is missing, by which items name it".into())),
            })
            .map_err(|fault| Fault::Invalid(format!("problem {index}: {fault}")))?;
        Ok(problem)
    };
    list.into_iter().enumerate().map(read).collect()
}

/// Problems that were registered.
pub(super) struct Problems {
    known: RwLock<Known>,
    desk: Desk,
}

#[derive(Default)]
struct Known {
    by_id: HashMap<String, Arc<Problem>>,
    /// Of statements, by their hash; where two have one, the one that came first.
    by_statement: HashMap<Fingerprint, String>,
}

impl Known {
    fn add(&mut self, problem: Problem) -> bool {
        let problem = Arc::new(problem);
        let statement = Fingerprint::of_text(problem.question.statement.trim());
        self.by_statement.entry(statement).or_insert_with(|| problem.id.clone());
        self.by_id.insert(problem.id.clone(), problem).is_none()
    }
}

/// The most problems that are held.
const MOST: usize = 1_000_000;

impl Problems {
    /// Those of a data file, and beside them those that the store has.
    pub fn new(given: Vec<Problem>, desk: Desk) -> Problems {
        let mut known = Known::default();
        for problem in given {
            known.add(problem);
        }
        Problems { known: RwLock::new(known), desk }
    }

    pub fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    /// Registers problems; one whose name is known takes its place. Returns how many are new.
    ///
    /// They are in the store before this returns, so they outlive the process and are known to other servers of the same file.
    pub async fn register(&self, problems: Vec<Problem>) -> Result<usize, Fault> {
        if self.len() + problems.len() > MOST {
            return Err(Fault::TooManyItems { items: self.len() + problems.len(), limit: MOST });
        }
        let kept = problems.clone();
        let kept = self.desk.keep(move |store| store.register(&kept)).await.ok_or(Fault::ShuttingDown)?;
        kept.map_err(|error| Fault::Internal(error.to_string()))?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        Ok(problems.into_iter().map(|problem| known.add(problem)).filter(|new| *new).count())
    }

    fn known(&self, whose: &Whose) -> Option<Arc<Problem>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        match whose {
            Whose::Given(problem) => Some(Arc::clone(problem)),
            Whose::Registered(id) => known.by_id.get(id).cloned(),
            Whose::Stated(statement) => {
                let id = known.by_statement.get(&Fingerprint::of_text(statement.trim()))?;
                // Another problem may have taken its name since.
                let same = |problem: &&Arc<Problem>| problem.question.statement.trim() == statement.trim();
                known.by_id.get(id).filter(same).cloned()
            }
        }
    }

    /// The problem that an item is of.
    pub async fn find(&self, whose: &Whose) -> Result<Arc<Problem>, String> {
        if let Some(problem) = self.known(whose) {
            return Ok(problem);
        }
        let (id, unknown) = match whose {
            Whose::Given(problem) => return Ok(Arc::clone(problem)),
            Whose::Stated(_) => {
                let message = "no problem with the statement in the prompt is registered, and the label holds none: register it by \
                               PUT /v1/problems, name it in the label (`problem_id`), or give the gold answer as the label";
                return Err(message.to_owned());
            }
            Whose::Registered(id) => {
                let shown: String = id.chars().take(80).collect();
                (
                    id.clone(),
                    format!(
                        "no problem {shown:?} is registered; PUT it to /v1/problems, or send it as `problem`"
                    ),
                )
            }
        };
        // Another server of the same store may know it, or this one before it was started again.
        match self.desk.keep(move |store| store.problem(&id)).await {
            Some(Ok(Some(problem))) => {
                let found = Arc::new(problem.clone());
                self.known.write().unwrap_or_else(PoisonError::into_inner).add(problem);
                Ok(found)
            }
            Some(Ok(None)) | None => Err(unknown),
            Some(Err(error)) => Err(error.to_string()),
        }
    }
}
