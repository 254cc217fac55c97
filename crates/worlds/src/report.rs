//! What an exact process checker says of a trace.

use serde::{Deserialize, Serialize};
use tracelift_domain::Probability;

/// How far a trace goes ("When LLMs Stop Following Steps", arXiv 2605.00817).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// As many steps as the problem asks for.
    Exact,
    /// It stops early.
    Under,
    /// It goes on past the question.
    Over,
}

/// The judgement of every step of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessReport {
    /// Steps that the problem needs.
    pub expected: usize,
    /// Steps found in the text, right or wrong.
    pub found: usize,
    /// Needed steps that are there and right.
    pub confirmed: usize,
    /// Whether the trace states the final answer (or contains code), which is the executor's job.
    pub leaks: bool,
    /// How far it goes.
    pub extent: Extent,
    /// The first step (from 0, in the order of the text) that is wrong, missing or superfluous.
    pub first_flaw: Option<usize>,
}

/// Where a trace first goes wrong, and what would be right there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The first flawed step, from 0: [`ProcessReport::first_flaw`]. It lies behind the last one where something is missing at the end.
    pub step: usize,
    /// The step that belongs there; `None` where nothing does, since the trace should have ended.
    pub expected: Option<String>,
}

impl ProcessReport {
    /// Whether every needed step is there and right, nothing else is, and nothing leaks.
    #[must_use]
    pub fn verified(&self) -> bool {
        self.first_flaw.is_none() && self.confirmed == self.expected && !self.leaks
    }

    /// The share `p` of steps that are confirmed, of those needed or found, whichever are more.
    #[must_use]
    pub fn share(&self) -> Probability {
        Probability::share(self.confirmed, self.expected.max(self.found)).unwrap_or(Probability::ZERO)
    }
}

/// A trace as its steps, as the checkers count them: words up to a full stop that stands by itself. What follows the last full
/// stop is a step, though it was never finished.
#[must_use]
pub fn steps(trace: &str) -> Vec<String> {
    let words: Vec<&str> = trace.split_whitespace().collect();
    let mut steps: Vec<String> = words.split(|word| *word == ".").map(|words| words.join(" ")).collect();
    if steps.last().is_some_and(String::is_empty) {
        steps.pop();
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Noise, Split, World, WorldName};
    use tracelift_domain::Seed;

    /// What is said to belong at the first flaw does: with it there, the trace goes wrong later or nowhere.
    #[test]
    fn a_correction_mends_the_first_flaw() {
        let noise = Noise { spoiling: 0.3, benign: 0.2 };
        for name in WorldName::ALL {
            let (mut wrong, mut ended) = (0, 0);
            for index in 0..150 {
                let instance = World::new(name).instance(Seed(7), Split::Train, index);
                let noisy = instance.noisy_trace(&noise, Seed(index));
                let gold = instance.gold_trace();
                assert_eq!(instance.correction(gold.as_str()), None);
                let too_long = format!("{} {}", gold.as_str(), steps(gold.as_str())[0]);
                for trace in [noisy.trace.as_str(), "nonsense . ", too_long.trim_end_matches(" .")] {
                    let report = instance.check(trace);
                    let correction = instance.correction(trace);
                    assert_eq!(correction.as_ref().map(|it| it.step), report.first_flaw, "{trace}");
                    let Some(Correction { step, expected }) = correction else { continue };
                    let mut mended = steps(trace);
                    mended.truncate(step);
                    ended += usize::from(expected.is_none());
                    mended.extend(expected);
                    let text: String = mended.iter().map(|step| format!("{step} . ")).collect();
                    let after = instance.check(text.trim_end());
                    assert!(
                        after.first_flaw.is_none_or(|later| later >= mended.len()),
                        "{trace:?}\n{text:?}\n{after:?}"
                    );
                    wrong += 1;
                }
            }
            assert!(wrong > 200 && ended > 0, "{name}: {wrong} {ended}");
        }
    }

    #[test]
    fn a_problem_is_drawn_again_by_its_name() {
        for name in WorldName::ALL {
            for split in [Split::Train, Split::Test] {
                let drawn = World::new(name).instance(Seed(3), split, 41);
                let again = World::recall(&drawn.problem().id, Seed(3)).unwrap();
                assert_eq!(again.problem(), drawn.problem());
                let other = World::recall(&drawn.problem().id, Seed(4)).unwrap();
                assert_ne!(other.problem().question, drawn.problem().question);
            }
        }
        for other in
            ["gsm8k/train/3/1", "steps/dev/3/1", "steps/train/0/1", "steps/train/3", "steps/train/3/1/2", ""]
        {
            assert!(World::recall(other, Seed(3)).is_none(), "{other}");
        }
        assert!(World::recall("steps/train/4000000000/1", Seed(3)).is_none());
    }
}
