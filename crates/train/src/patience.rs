//! How long a training may go on while its steps teach nothing.
//!
//! A step teaches by traces that can be used and whose rewards are known. Where there are none, because the executor is
//! gone or because the planner writes no traces, going on costs hours and changes nothing; and a planner that comes out of
//! such a run looks trained. Everything is read from the steps' metrics, so a run that is resumed is judged by the same
//! numbers.

use crate::metrics::{StepMetrics, name};
use std::collections::BTreeMap;
use std::fmt;

/// Counts the steps in a row that taught nothing.
#[derive(Clone, Debug)]
pub struct Patience {
    limit: u64,
    /// Whether any step of the run taught something.
    taught: bool,
    fruitless: Fruitless,
}

/// Steps in a row that taught nothing, and why.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fruitless {
    /// How many.
    pub steps: u64,
    /// The last of them in which no reward was known at all: nothing moved in these.
    pub dark: u64,
    /// The executor's last error.
    pub last_error: Option<String>,
    /// Shares of rollouts, added up over the steps, by the cause of what is unknown.
    causes: BTreeMap<String, f64>,
    /// The same by the kind of a trace's defect.
    defects: BTreeMap<String, f64>,
}

impl Patience {
    /// With a run of which these steps are done, so many fruitless ones in a row are borne.
    #[must_use]
    pub fn new(limit: u64, done: &[StepMetrics]) -> Patience {
        let mut patience = Patience { limit, taught: false, fruitless: Fruitless::default() };
        for metrics in done {
            patience.see(metrics, None);
        }
        // Whoever resumes has mended something.
        patience.fruitless = Fruitless::default();
        patience
    }

    /// Takes in a step, and the executor's last error in it.
    pub fn see(&mut self, metrics: &StepMetrics, last_error: Option<String>) {
        if metrics.get(name::TEACHING) != Some(0.0) {
            self.taught = true;
            self.fruitless = Fruitless::default();
            return;
        }
        let fruitless = &mut self.fruitless;
        fruitless.steps += 1;
        fruitless.dark = if metrics.get(name::UNKNOWN) == Some(1.0) { fruitless.dark + 1 } else { 0 };
        fruitless.last_error = last_error.or(fruitless.last_error.take());
        for (metric, share) in metrics.iter() {
            for (prefix, sums) in
                [(name::UNKNOWN_BY, &mut fruitless.causes), (name::DEFECTIVE_BY, &mut fruitless.defects)]
            {
                if let (Some(kind), Some(share)) = (metric.strip_prefix(prefix), share) {
                    *sums.entry(kind.to_owned()).or_default() += share;
                }
            }
        }
    }

    /// The fruitless steps up to now.
    #[must_use]
    pub fn fruitless(&self) -> &Fruitless {
        &self.fruitless
    }

    /// Whether no more are to be borne.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.fruitless.steps >= self.limit
    }

    /// Whether no step of the run, from its first, taught anything.
    #[must_use]
    pub fn is_in_vain(&self) -> bool {
        !self.taught
    }
}

/// What was missing, why, and what to do: the middle of a sentence and what follows it.
impl fmt::Display for Fruitless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing_known = self.causes.values().sum::<f64>() > 0.0;
        let no_traces = self.defects.values().sum::<f64>() > 0.0;
        f.write_str(match (nothing_known, no_traces) {
            (true, false) => "no reward is known",
            (true, true) => "no trace is usable and has a known reward",
            _ => "no trace is usable",
        })?;
        let mut separator = ": ";
        for (what, sums) in [("unknown because of ", &self.causes), ("", &self.defects)] {
            let mut kinds: Vec<(&String, &f64)> = sums.iter().collect();
            kinds.sort_by(|a, b| b.1.total_cmp(a.1));
            for (at, (kind, share)) in kinds.into_iter().enumerate() {
                let what = if at == 0 { what } else { "" };
                write!(f, "{separator}{what}{kind} {:.0} %", 100.0 * share / self.steps as f64)?;
                separator = ", ";
            }
        }
        if let Some(error) = &self.last_error {
            write!(f, "; the executor's last error: {error}")?;
        }
        f.write_str(". ")?;
        f.write_str(self.advice())
    }
}

impl Fruitless {
    /// The next step to take, by what is most frequent.
    fn advice(&self) -> &'static str {
        let most = |sums: &BTreeMap<String, f64>| {
            sums.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(kind, share)| (kind.clone(), *share))
        };
        let defect = most(&self.defects).unwrap_or_default();
        let cause = most(&self.causes).unwrap_or_default();
        if cause.1 >= defect.1 {
            return match cause.0.as_str() {
                "unscorable" => {
                    "Look at the problems' gold answers: what the verifier cannot judge is unknown"
                }
                "non_finite" | "engine" | "too_long" => {
                    "Look at the executor's checkpoint and `executor.in_process.sampling`"
                }
                cause if cause.starts_with("rubric") || cause == "no_rubric_score" => {
                    "Look at what reads the traces against the rubric"
                }
                _ => "See that the executor's server runs and answers as `[executor.openai]` says",
            };
        }
        match defect.0.as_str() {
            "truncated" => {
                "Raise `planner.sampling.max_tokens`, or take a planner that writes shorter traces"
            }
            _ => {
                "Take a planner that writes traces as its prompt asks for them, try another `planner.prompt`, or teach it \
                 the form first"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u64, teaching: f64, unknown: f64, kinds: &[(&str, f64)]) -> StepMetrics {
        let mut metrics = StepMetrics::at(number, 0.0);
        metrics.set(name::TEACHING, teaching).set(name::UNKNOWN, unknown);
        for (kind, share) in kinds {
            metrics.set(*kind, *share);
        }
        metrics
    }

    #[test]
    fn fruitless_steps_in_a_row_are_counted() {
        let mut patience = Patience::new(2, &[]);
        assert!(patience.is_in_vain() && !patience.is_exhausted());
        patience.see(&step(1, 0.0, 1.0, &[]), None);
        patience.see(&step(2, 0.5, 0.5, &[]), None);
        patience.see(&step(3, 0.0, 0.0, &[]), None);
        assert!(!patience.is_exhausted() && !patience.is_in_vain());
        patience.see(&step(4, 0.0, 1.0, &[]), None);
        assert!(patience.is_exhausted());
        assert_eq!((patience.fruitless().steps, patience.fruitless().dark), (2, 1));
        // A run of before, without the number, is not in vain for that.
        let old = StepMetrics::at(1, 0.0);
        assert!(!Patience::new(1, &[old]).is_in_vain());
    }

    #[test]
    fn who_resumes_gets_new_patience_and_is_in_vain_still() {
        let done = [step(1, 0.0, 1.0, &[]), step(2, 0.0, 1.0, &[])];
        let patience = Patience::new(2, &done);
        assert!(patience.is_in_vain() && !patience.is_exhausted());
    }

    #[test]
    fn the_message_says_why_and_what_to_do() {
        let mut patience = Patience::new(9, &[]);
        let dead = [("unknown/refused", 0.75), ("unknown/no_baseline", 1.0), ("defect/no_tags", 0.25)];
        patience.see(&step(1, 0.0, 1.0, &dead), Some("cannot connect to http://e".into()));
        assert_eq!(
            patience.fruitless().to_string(),
            "no trace is usable and has a known reward: unknown because of no_baseline 100 %, refused 75 %, no_tags 25 %; \
             the executor's last error: cannot connect to http://e. See that the executor's server runs and answers as \
             `[executor.openai]` says"
        );
        let mut patience = Patience::new(9, &[]);
        for share in [1.0, 0.5] {
            let kinds = [("defect/truncated", share), ("defect/unclosed", 1.0 - share)];
            patience.see(&step(1, 0.0, 0.0, &kinds), None);
        }
        assert_eq!(
            patience.fruitless().to_string(),
            "no trace is usable: truncated 75 %, unclosed 25 %. Raise `planner.sampling.max_tokens`, or take a planner that \
             writes shorter traces"
        );
    }
}
