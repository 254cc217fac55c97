//! The settings of a planner's training.

use crate::advantage::Normalize;
use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;
use tracelift_engine::{AdamWConfig, Schedule};

/// How the planner is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Problems a step.
    pub problems: usize,
    /// `G`: traces per problem.
    pub group: usize,
    /// What advantages are divided by.
    pub normalize: Normalize,
    /// How far the probability ratio may fall below 1 before its gradient stops.
    pub clip_low: f32,
    /// How far it may rise above 1 (clip-higher where it is more than `clip_low`).
    pub clip_high: f32,
    /// Weight of the divergence from the start policy; 0 leaves it out.
    pub kl: f32,
    /// Passes over each step's rollouts.
    pub epochs: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// What becomes of the rate after them.
    #[serde(skip_serializing_if = "Decay::is_default")]
    pub schedule: Decay,
    /// Steps in a row that may teach nothing, because no trace is usable or no reward is known, before the run stops.
    pub patience: u64,
    /// Steps between checkpoints.
    pub checkpoint_every: u64,
    /// Checkpoints that are kept, the newest ones.
    pub keep_last: usize,
    /// The optimizer's constants.
    pub optimizer: AdamWConfig,
}

/// What becomes of the learning rate after warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// It falls along a cosine to a tenth of the peak in the last of `steps`, so a longer run has other rates from the first
    /// step after warm-up.
    #[default]
    Cosine,
    /// It stays at the peak, whatever `steps` is: a run that is prolonged is the longer run.
    Constant,
}

impl Decay {
    // Left out of what is written, so that runs that are older than the choice have the same configuration.
    fn is_default(&self) -> bool {
        *self == Decay::default()
    }
}

impl Default for GrpoConfig {
    fn default() -> GrpoConfig {
        GrpoConfig {
            steps: 600,
            problems: 16,
            group: 4,
            normalize: Normalize::GroupStd,
            clip_low: 0.2,
            clip_high: 0.2,
            kl: 0.0,
            epochs: 1,
            learning_rate: 5e-6,
            warmup: 0,
            schedule: Decay::Cosine,
            patience: 5,
            checkpoint_every: 20,
            keep_last: 2,
            optimizer: AdamWConfig::default(),
        }
    }
}

/// More problems a step, or traces a problem, than any machine holds.
const MOST: usize = 1_000_000;

/// The most steps of a run: with a million a day, three years.
const MOST_STEPS: u64 = 1_000_000_000;

impl GrpoConfig {
    /// # Errors
    /// Names the first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SettingError> {
        let within = |key, value: f32, most: f32, expected| {
            (key, (0.0..=most).contains(&value), value.to_string(), expected)
        };
        let above = |key, value: f32, most: f32, expected| {
            (key, value > 0.0 && value <= most, value.to_string(), expected)
        };
        let whole = |key, value: u64| (key, value >= 1, value.to_string(), "at least 1");
        let traces = self.problems.saturating_mul(self.group);
        let checks = SettingError::first([
            (
                "steps",
                (1..=MOST_STEPS).contains(&self.steps),
                self.steps.to_string(),
                "from 1 to a thousand million",
            ),
            (
                "problems",
                (1..=MOST).contains(&self.problems),
                self.problems.to_string(),
                "from 1 to a million",
            ),
            (
                "group",
                (2..=MOST).contains(&self.group),
                self.group.to_string(),
                "at least 2, or no rollout has a sibling, and at most a million",
            ),
            (
                "group",
                traces <= MOST,
                self.group.to_string(),
                "at most a million traces a step, `grpo.problems` times `grpo.group`",
            ),
            ("epochs", (1..=1000).contains(&self.epochs), self.epochs.to_string(), "from 1 to 1000"),
            (
                "clip_low",
                self.clip_low > 0.0 && self.clip_low < 1.0,
                self.clip_low.to_string(),
                "above 0, or nothing is learned, and below 1",
            ),
            above("clip_high", self.clip_high, 1000.0, "above 0, or nothing is learned, and at most 1000"),
            within("kl", self.kl, 1000.0, "from 0 to 1000"),
            whole("patience", self.patience),
            whole("checkpoint_every", self.checkpoint_every),
            ("keep_last", self.keep_last >= 1, self.keep_last.to_string(), "at least 1, to go on from"),
        ]);
        checks.and_then(|()| self.optimizer.validate(self.learning_rate)).map_err(|error| error.under("grpo"))
    }

    /// The learning rate of a step, counted from 1.
    #[must_use]
    pub fn rate(&self, step: u64) -> f32 {
        // A cosine that falls to the whole of the peak does not fall.
        let floor = match self.schedule {
            Decay::Cosine => 0.1,
            Decay::Constant => 1.0,
        };
        let schedule = Schedule { peak: self.learning_rate, warmup: self.warmup, total: self.steps, floor };
        schedule.rate(step.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was refused, by key; `None` where it was taken.
    fn refused(key: &str, value: &str) -> Option<String> {
        let (table, last) =
            key.rsplit_once('.').map_or((String::new(), key), |(t, k)| (format!("[{t}]\n"), k));
        let config = toml::from_str::<GrpoConfig>(&format!("{table}{last} = {value}"));
        match config {
            Ok(config) => config.validate().err().map(|error| error.to_string()),
            // A whole number is wanted, and none was given: the reader says so and names the key.
            Err(error) => Some(format!("`grpo.{key}` is {value}, {}", error.message())),
        }
    }

    #[test]
    fn every_number_that_would_ruin_a_run_is_refused_by_key() {
        let (nan, inf, one_less, zero, huge) = ("nan", "inf", "-1.0", "0.0", "1e30");
        for (key, bad) in [
            ("learning_rate", &[nan, inf, "-inf", one_less, zero, huge][..]),
            ("clip_low", &[nan, inf, one_less, huge, "1.0", zero]),
            ("clip_high", &[nan, inf, one_less, huge, zero]),
            ("kl", &[nan, inf, one_less, huge]),
            ("optimizer.beta1", &[nan, inf, one_less, huge, "1.0"]),
            ("optimizer.beta2", &[nan, inf, one_less, huge, "1.0"]),
            ("optimizer.eps", &[nan, inf, one_less, zero, huge]),
            ("optimizer.weight_decay", &[nan, inf, one_less, huge]),
            ("optimizer.max_norm", &[nan, inf, one_less, zero]),
            ("steps", &[nan, inf, "-1", "0", huge, "1000000001"]),
            ("problems", &[nan, inf, "-1", "0", "9223372036854775807"]),
            ("group", &[nan, inf, "-1", "0", "1", "9223372036854775807"]),
            ("epochs", &[nan, inf, "-1", "0", "9223372036854775807"]),
            ("patience", &[nan, inf, "-1", "0"]),
            ("checkpoint_every", &[nan, inf, "-1", "0"]),
            ("keep_last", &[nan, inf, "-1", "0"]),
            ("schedule", &["\"linear\"", "1"]),
            ("warmup", &[nan, inf, "-1"]),
        ] {
            for value in bad {
                let message = refused(key, value).unwrap_or_else(|| panic!("`{key}` = {value} is taken"));
                assert!(message.starts_with(&format!("`grpo.{key}` is ")), "{key} = {value}: {message}");
            }
        }
        assert_eq!(GrpoConfig::default().validate().map_err(|error| error.to_string()), Ok(()));
    }

    #[test]
    fn a_constant_rate_knows_nothing_of_the_number_of_steps() {
        let config = GrpoConfig { warmup: 2, learning_rate: 0.3, ..GrpoConfig::default() };
        let rates = |schedule, steps| {
            let config = GrpoConfig { schedule, steps, ..config.clone() };
            (1..=6).map(|step| config.rate(step)).collect::<Vec<_>>()
        };
        assert_eq!(rates(Decay::Constant, 6), [0.15, 0.3, 0.3, 0.3, 0.3, 0.3]);
        assert_eq!(rates(Decay::Constant, 6), rates(Decay::Constant, 600));
        assert_ne!(rates(Decay::Cosine, 6)[2..], rates(Decay::Cosine, 600)[2..]);
        // What is not said is not written, and is the cosine.
        assert!(!toml::to_string(&config).unwrap().contains("schedule"));
    }
}
