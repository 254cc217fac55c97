//! `POST /get_reward`: OpenRLHF's remote reward model, with the whole reward.
//!
//! It sends `{"query": [text], "prompts": [text], "labels": [any]}`, where a query is the prompt and the completion. It reads
//! `rewards`, `scores` (from 0 to 1, by which it filters groups: here `e`) and the lists of `extra_logs`. What is unknown is null.
//!
//! What it does with a null, of whatever list, is to fail at it: tensors hold none. It sends one sample a request, so a sample whose
//! reward is unknown is answered as by the routes that answer one number, and it asks again; and `extra_logs` has the same
//! names for every sample whose reward is known, and a number under each.

use super::{sample, unanswerable, whose};
use crate::fault::{Fault, ItemFault};
use crate::reward::appraise::Appraised;
use crate::reward::asked::{self, Entry};
use crate::reward::service::{Heard, House, Said, Speech};
use crate::reward::told;
use crate::rubric::dialect::{completion, object, openrlhf::list};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tracelift_domain::Probability;
use tracelift_domain::rubric::dimension_names;

pub(in crate::reward) struct OpenRlhf;

impl Speech for OpenRlhf {
    const PATH: &'static str = "/get_reward";
    type Context = ();

    fn read(body: Value, _query: &str, house: &House) -> Result<Heard<()>, Fault> {
        let mut map = object(body)?;
        let terms = asked::terms(&mut map, house)?;
        let Some(queries) = list(&mut map, "query")? else {
            return Err(Fault::Invalid("`query` is missing".into()));
        };
        if queries.len() > house.items {
            return Err(Fault::TooManyItems { items: queries.len(), limit: house.items });
        }
        let mut beside = |field: &str| match list(&mut map, field)? {
            // Older versions send no prompts, and labels may be left out.
            Some(values) if !values.is_empty() && values.len() != queries.len() => Err(Fault::Invalid(
                format!("`{field}` has {} entries, but `query` has {}", values.len(), queries.len()),
            )),
            values => Ok(values.unwrap_or_default()),
        };
        let (prompts, labels) = (beside("prompts")?, beside("labels")?);
        let (mut prompts, mut labels) = (prompts.into_iter(), labels.into_iter());
        let entries = queries
            .into_iter()
            .map(|query| entry(&query, prompts.next(), labels.next(), house).unwrap_or_else(Entry::from))
            .collect();
        Ok(Heard { entries, terms, context: () })
    }

    fn write((): &(), appraised: &[Appraised], house: &House) -> Said {
        if let [one] = appraised
            && let Some(unknown) = &one.appraisal.unknown
        {
            return unanswerable(unknown);
        }
        let rewards: Vec<Option<f64>> = appraised.iter().map(|one| one.appraisal.reward).collect();
        let scores: Vec<Option<f64>> = appraised
            .iter()
            .map(|one| one.appraisal.reward.and(one.appraisal.evidence.outcome).map(Probability::get))
            .collect();
        let needs = house.config.rule.needs(house.config.runs);
        let mut logs = BTreeMap::new();
        let mut log = |name: &str, value: &dyn Fn(&Appraised) -> Option<f64>| {
            let values: Vec<Option<f64>> = appraised.iter().map(value).collect();
            logs.insert(name.to_owned(), values);
        };
        log("e", &|one| one.appraisal.evidence.outcome.map(Probability::get));
        log("w", &|one| one.appraisal.evidence.with_trace.map(Probability::get));
        if needs.baseline {
            log("b", &|one| one.appraisal.evidence.without.map(Probability::get));
            log("u", &|one| Some(one.appraisal.evidence.uplift()?.get()));
        }
        if needs.rubric {
            log("s", &|one| one.appraisal.evidence.rubric.map(Probability::get));
            let labels: Vec<_> = appraised.iter().map(labels).collect();
            let names: BTreeSet<&str> = labels.iter().flatten().flat_map(BTreeMap::keys).copied().collect();
            for name in names {
                let values: Vec<Option<f64>> =
                    labels.iter().map(|labels| labels.as_ref()?.get(name).copied()).collect();
                logs.insert(name.to_owned(), values);
            }
        }
        let mut log = |name: &str, value: &dyn Fn(&Appraised) -> bool| {
            logs.insert(
                name.to_owned(),
                appraised.iter().map(|one| Some(f64::from(u8::from(value(one))))).collect(),
            );
        };
        log("leaked", &|one| one.appraisal.leaked == Some(true));
        log("no_trace", &|one| one.appraisal.defect.is_some());
        log("unknown", &|one| one.appraisal.unknown.is_some());
        if let [_] = appraised {
            // Of a sample without a trace the baseline may be unknown, where its reward is not.
            logs.retain(|_, values| values.iter().all(Option::is_some));
        }
        let error = |(index, one): (usize, &Appraised)| {
            let cause = told::Cause::from(one.appraisal.unknown.as_ref()?);
            Some(IndexedCause { index, cause })
        };
        let told = Told {
            rewards,
            scores,
            extra_logs: logs,
            defects: appraised.iter().map(|one| one.appraisal.defect.map(|defect| defect.code())).collect(),
            errors: appraised.iter().enumerate().filter_map(error).collect(),
        };
        let body = told::value(&told);
        Said { status: StatusCode::OK, body }
    }
}

/// The labels of a sample by name. Without a usable trace nothing was read, and each is worth 0, as its score is.
fn labels(one: &Appraised) -> Option<BTreeMap<&'static str, f64>> {
    let worthless = || {
        let problem = one.problem.as_ref().filter(|_| one.appraisal.defect.is_some())?;
        Some(dimension_names(problem.question.domain).iter().map(|name| (*name, 0.0)).collect())
    };
    told::dimensions(one).or_else(worthless)
}

/// What OpenRLHF reads. Null is unknown.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RewardOpenRlhfResponse")]
pub(in crate::reward) struct Told {
    rewards: Vec<Option<f64>>,
    /// e of each, by which groups are filtered.
    scores: Vec<Option<f64>>,
    /// The parts of each.
    extra_logs: BTreeMap<String, Vec<Option<f64>>>,
    defects: Vec<Option<&'static str>>,
    errors: Vec<IndexedCause>,
}

/// Why a reward is unknown, and whose.
#[derive(Serialize, JsonSchema)]
struct IndexedCause {
    index: usize,
    #[serde(flatten)]
    cause: told::Cause,
}

fn entry(
    query: &Value,
    prompt: Option<Value>,
    label: Option<Value>,
    house: &House,
) -> Result<Entry, ItemFault> {
    let query = completion::query(query)?;
    let prompt = completion::prompt_text(prompt)?;
    let said = completion::said(query, prompt.as_deref())?;
    let whose = whose(label, Some(said.prompt))?;
    sample(whose, said.completion, None, house)
}
