//! What is wrong with a training, from what was seen of it, and which key to turn.

use super::Seen;
use super::memory::gibibytes;
use super::seen::list;
use crate::config::RunConfig;
use std::fmt;
use tracelift_domain::TraceDefect;

/// A bad sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// How bad it is.
    pub weight: Weight,
    /// What was seen.
    what: String,
    /// What to do about it.
    advice: String,
}

/// How bad a sign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Such a run teaches nothing.
    Hopeless,
    /// Such a run wastes much.
    Bad,
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Weight::Hopeless => "hopeless",
            Weight::Bad => "bad",
        })
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.advice)
    }
}

/// Shares below which there is a sign.
const USABLE: f64 = 0.5;
const FOUND: f64 = 0.9;
const UNEVEN: f64 = 0.25;
/// And above which there is one.
const LEAKED: f64 = 0.5;
const UNKNOWN: f64 = 0.1;
const MEMORY: f64 = 0.9;

/// The bad signs in what was seen, the worst first.
#[must_use]
pub fn signs(seen: &Seen, config: &RunConfig) -> Vec<Sign> {
    let mut signs = Signs(Vec::new());
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let section = if config.executor.openai.is_some() { "executor.openai" } else { "executor.in_process" };
    signs.of_traces(seen);

    let (without, with) = (&seen.without, &seen.with);
    for (arm, which) in [(without, "without a trace"), (with, "with a trace")] {
        if arm.runs == 0 {
            continue;
        }
        if arm.known == 0 {
            let failure =
                seen.failure.as_ref().map(|failure| format!(", last: {failure}")).unwrap_or_default();
            signs.hopeless(
                format!("nothing is known of the executor {which} ({}{failure})", list(&arm.unknown)),
                format!("look at `{section}` and `verifier`"),
            );
            continue;
        }
        let unknown = arm.runs - arm.known;
        if share(unknown, arm.runs) > UNKNOWN {
            signs.bad(
                format!(
                    "{unknown} of {} runs of the executor {which} are unknown ({})",
                    arm.runs,
                    list(&arm.unknown)
                ),
                format!("look at `{section}`; what is unknown teaches nothing"),
            );
        }
        let cut = arm.cut.is_some_and(|cut| share(cut, arm.replies) > 1.0 - FOUND);
        let advice = if cut {
            format!(
                "many replies are cut off; raise `{section}.sampling.max_tokens`, or ask for shorter ones (`{section}.prompt`)"
            )
        } else {
            format!(
                "`tracelift prompt show` prints what the executor is asked; choose a preset that asks for what the verifier \
                 looks for (`{section}.prompt`)"
            )
        };
        let what = format!(
            "the verifier finds an answer in {} of {} replies of the executor {which}",
            arm.found, arm.replies
        );
        if arm.found == 0 {
            signs.hopeless(what, advice);
        } else if share(arm.found, arm.replies) < FOUND {
            signs.bad(what, advice);
        }
    }

    if without.range.is_some_and(|(least, _)| least >= 1.0) {
        signs.of_difficulty(
            config,
            "the executor solves every problem without a trace (b = 1)".to_owned(),
            "no trace can lift that; take harder problems (`data`) or a weaker executor".to_owned(),
        );
    }
    if seen.usable > 0 && with.known > 0 && with.range.is_some_and(|(_, most)| most <= 0.0) {
        signs.of_difficulty(
            config,
            "no trace leads the executor to a right answer (w = 0)".to_owned(),
            "take easier problems (`data`), a stronger executor, or more traces a problem (`grpo.group`); look at more problems \
             by `tracelift doctor --problems 32`"
                .to_owned(),
        );
    }
    let (uneven, groups) = seen.uneven;
    if seen.usable > 0 && seen.rewarded > 0 && share(uneven, groups) < UNEVEN {
        signs.bad(
            format!("rewards differ in {uneven} of {groups} rollout groups, and only those teach"),
            "raise `grpo.group` or `planner.sampling.temperature`, let a step draw others in their place (`grpo.resample`), or take \
             problems that are solved now and then (`grpo.filter`)"
                .to_owned(),
        );
    }
    let (leaked, looked) = seen.leaked;
    if share(leaked, looked) > LEAKED {
        signs.bad(
            format!("{leaked} of {looked} usable traces state the answer"),
            "uplift then measures copying; ask for reasoning that stops before it (`planner.prompt`)"
                .to_owned(),
        );
    }
    if let Some((peak, memory)) = seen.peak.zip(seen.memory)
        && peak as f64 > MEMORY * memory as f64
    {
        signs.bad(
            format!("{} of {} of memory were taken", gibibytes(peak), gibibytes(memory)),
            "lower `grpo.problems`, `grpo.group` or `planner.sampling.max_tokens`, or train adapters (`planner.lora`)".to_owned(),
        );
    }
    signs.0.sort_by_key(|sign| sign.weight != Weight::Hopeless);
    signs.0
}

struct Signs(Vec<Sign>);

impl Signs {
    fn hopeless(&mut self, what: String, advice: String) {
        self.0.push(Sign { weight: Weight::Hopeless, what, advice });
    }

    /// What only says that these problems are the wrong ones: where a filter is to find others, that is not the end.
    fn of_difficulty(&mut self, config: &RunConfig, what: String, advice: String) {
        match config.grpo.filter {
            None => self.hopeless(what, advice),
            Some(_) => self.bad(what, format!("`grpo.filter` has to find others; {advice}")),
        }
    }

    fn bad(&mut self, what: String, advice: String) {
        self.0.push(Sign { weight: Weight::Bad, what, advice });
    }

    fn of_traces(&mut self, seen: &Seen) {
        let worst = seen.worst_defect();
        let (name, count) = worst.unwrap_or_default();
        let what = format!(
            "{} of {} traces are usable (most often: {name}, {count})",
            seen.usable, seen.completions
        );
        let advice = TraceDefect::ALL.into_iter().find(|defect| defect.code() == name).map_or("", advice_on);
        if seen.usable == 0 {
            self.hopeless(what, advice.to_owned());
        } else if (seen.usable as f64) < USABLE * seen.completions as f64 {
            self.bad(what, advice.to_owned());
        }
    }
}

/// What to do where most completions have this defect.
fn advice_on(defect: TraceDefect) -> &'static str {
    match defect {
        TraceDefect::NoTags => {
            "the planner does not write the tags; begin its reply for it (`planner.prompt.prefill = \"<reasoning>\"`), or show it a \
             worked example (`planner.prompt.examples`)"
        }
        TraceDefect::Unclosed => {
            "the planner ends without closing its tag; count that as closed (`planner.prompt.end = \"closes\"`)"
        }
        TraceDefect::Truncated => {
            "raise `planner.sampling.max_tokens`, or ask for shorter reasoning (`planner.prompt`)"
        }
        TraceDefect::TextOutside => {
            "the planner goes on after its tag; stop it there (`planner.prompt.stop = [\"</reasoning>\"]`)"
        }
        TraceDefect::Several => {
            "the planner writes several traces; stop it after the first (`planner.prompt.stop = [\"</reasoning>\"]`)"
        }
        TraceDefect::Empty => {
            "the planner says nothing; show it a worked example (`planner.prompt.examples`)"
        }
        TraceDefect::ThinkingOnly => {
            "the planner thinks and never writes the trace; switch its thinking off, or raise `planner.sampling.max_tokens`"
        }
    }
}

#[cfg(test)]
mod tests;
