//! What a planner wrote, as evaluations keep it: several executors may read one and the same trace.

use serde::{Deserialize, Serialize};
use tracelift_domain::{Fingerprint, Trace, TraceDefect};
use tracelift_planner::Written;

/// A completion of a planner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Plan {
    /// All that it wrote.
    pub completion: String,
    /// The trace in it, or what keeps it from being one.
    pub trace: Result<Trace, TraceDefect>,
    /// How many tokens it wrote.
    pub tokens: u32,
    /// Whether the token budget ended it.
    pub truncated: bool,
    /// The hash of what was asked.
    pub prompt: Fingerprint,
}

impl From<Written> for Plan {
    fn from(written: Written) -> Plan {
        Plan {
            tokens: u32::try_from(written.tokens.len()).unwrap_or(u32::MAX),
            completion: written.completion,
            trace: written.trace,
            truncated: written.truncated,
            prompt: written.prompt,
        }
    }
}

/// The same in a file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    completion: String,
    trace: Option<String>,
    defect: Option<String>,
    tokens: u32,
    truncated: bool,
    prompt: Fingerprint,
}

impl From<Plan> for Kept {
    fn from(plan: Plan) -> Kept {
        Kept {
            trace: plan.trace.as_ref().ok().map(|trace| trace.as_str().to_owned()),
            defect: plan.trace.as_ref().err().map(|defect| defect.code().to_owned()),
            completion: plan.completion,
            tokens: plan.tokens,
            truncated: plan.truncated,
            prompt: plan.prompt,
        }
    }
}

impl TryFrom<Kept> for Plan {
    type Error = String;

    fn try_from(kept: Kept) -> Result<Plan, String> {
        let trace = match (&kept.trace, &kept.defect) {
            (Some(text), None) => Ok(Trace::new(text).ok_or("`trace` is none")?),
            (None, Some(code)) => {
                let known = TraceDefect::ALL.into_iter().find(|defect| defect.code() == code);
                Err(known.ok_or_else(|| format!("`defect` is {code:?}, which there is not"))?)
            }
            _ => return Err("it has either a `trace` or a `defect`".to_owned()),
        };
        let Kept { completion, tokens, truncated, prompt, .. } = kept;
        Ok(Plan { completion, trace, tokens, truncated, prompt })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A plan with this trace, or with this defect.
    pub(crate) fn plan(trace: Result<&str, TraceDefect>) -> Plan {
        Plan {
            completion: "it said something".into(),
            trace: trace.map(|text| Trace::new(text).unwrap()),
            tokens: 4,
            truncated: trace.is_err(),
            prompt: Fingerprint::of_text("asked"),
        }
    }

    #[test]
    fn plans_survive_their_file() {
        for trace in [Ok("2 + 3 = 5 ."), Err(TraceDefect::Unclosed)] {
            let plan = plan(trace);
            let text = serde_json::to_string(&plan).unwrap();
            assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "{text}");
        }
        let wrong = serde_json::to_string(&plan(Err(TraceDefect::Empty))).unwrap().replace("empty", "full");
        assert!(serde_json::from_str::<Plan>(&wrong).unwrap_err().to_string().contains("\"full\""));
    }
}
