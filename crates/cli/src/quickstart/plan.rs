//! How much of everything fits into the time given. Decided once, written down, and kept when the run is gone on with.

use super::Quickstart;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;
use tracelift_train::rubric::{RubricTraining, WatchConfig};
use tracelift_worlds::WorldName;

/// The file.
const FILE: &str = "plan.json";

/// More steps than these bring every rule to the ceiling of its world, where nothing can be told apart.
const MOST_STEPS: u64 = 150;

/// Seconds of one step.
pub struct Timings {
    /// Of exec-only.
    pub exec_only: f64,
    /// Of TraceLift.
    pub tracelift: f64,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    world: WorldName,
    seed: u64,
    minutes: f64,
    /// Groups that the reward model is trained on.
    pub groups: u64,
    /// Its steps.
    pub rubric_steps: u64,
    /// Steps of each planner; settled once the machine's speed is known.
    pub steps: Option<u64>,
    /// Problems of the evaluation.
    pub test_problems: u64,
    /// Where the steps were settled: when, in seconds from the start.
    settled_after: Option<f64>,
}

/// Problems of an eight-minute run's evaluation: programs are judged by running Python, which takes its time.
fn most_test_problems(world: WorldName) -> f64 {
    match world {
        WorldName::Steps | WorldName::Words => 300.0,
        WorldName::Programs => 90.0,
    }
}

impl Plan {
    /// The plan that is in the folder, if it was made with the same arguments; otherwise a new one.
    pub fn read_or_new(out: &Path, args: &Quickstart) -> Result<Plan> {
        let path = out.join(FILE);
        let scale = args.minutes / 8.0;
        let new = Plan {
            world: args.world,
            seed: args.seed,
            minutes: args.minutes,
            groups: 2000,
            rubric_steps: ((1200.0 * scale) as u64).clamp(20, 5000),
            steps: args.steps,
            test_problems: ((most_test_problems(args.world) * scale) as u64).clamp(40, 1000),
            settled_after: None,
        };
        if !path.exists() {
            new.write(out)?;
            return Ok(new);
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        let old: Plan =
            serde_json::from_str(&text).with_context(|| format!("failed to read {}", path.display()))?;
        let same = (old.world, old.seed, old.minutes) == (new.world, new.seed, new.minutes)
            && (args.steps.is_none() || args.steps == old.steps);
        ensure!(
            same,
            "{} holds a quickstart with other arguments ({}, seed {}, {} minutes); choose another --out or remove it",
            out.display(),
            old.world,
            old.seed,
            old.minutes
        );
        Ok(old)
    }

    /// Settles how many steps each planner gets, unless it is settled.
    pub fn settle_steps(
        &mut self,
        args: &Quickstart,
        measure: impl FnOnce() -> Result<Timings>,
        out: &Path,
        elapsed: Duration,
    ) -> Result<()> {
        if self.steps.is_none() {
            let timings = measure()?;
            // A seventh of the time is kept for the evaluation and the report.
            let left = (args.minutes * 60.0 * 6.0 / 7.0 - elapsed.as_secs_f64()).max(0.0);
            self.steps = Some(((left / (timings.exec_only + timings.tracelift)) as u64).clamp(4, MOST_STEPS));
            self.settled_after = Some(elapsed.as_secs_f64());
            self.write(out)?;
        }
        println!("each planner gets {} steps of 16 problems × 8 traces", self.steps.unwrap_or_default());
        Ok(())
    }

    /// The reward model's settings.
    pub fn rubric_config(&self) -> RubricTraining {
        RubricTraining {
            groups: 8,
            negatives: 10,
            warmup: 50.min(self.rubric_steps / 2),
            // Held-out groups only tell how good it is in the end.
            evaluation: WatchConfig { every: 0, ..WatchConfig::default() },
            ..RubricTraining::default()
        }
    }

    fn write(&self, out: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        Ok(tracelift_files::write(out.join(FILE), text)?)
    }
}
