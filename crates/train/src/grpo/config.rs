//! The settings of a planner's training.

use super::{Budget, Divergence, Spent};
use crate::advantage::Normalize;
use crate::difficulty::FilterConfig;
use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;
use tracelift_engine::{AdamWConfig, Schedule};

/// How the planner is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpoConfig {
    /// Optimizer steps; where there is a budget, at most.
    pub steps: u64,
    /// What the training may spend. Without it, it has `steps` steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Problems a step.
    pub problems: usize,
    /// `G`: traces per problem.
    pub group: usize,
    /// How many times further groups are drawn in the place of those whose rewards are all known and equal; 0 for never.
    #[serde(skip_serializing_if = "is_never")]
    pub resample: u64,
    /// What advantages are divided by.
    pub normalize: Normalize,
    /// How far the probability ratio may fall below 1 before its gradient stops.
    pub clip_low: f32,
    /// How far it may rise above 1 (clip-higher where it is more than `clip_low`).
    pub clip_high: f32,
    /// The ratio from which on bad tokens are held back, too, above `1 + clip_high`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dual_clip: Option<f32>,
    /// Whose probability ratio is clipped.
    #[serde(skip_serializing_if = "Ratio::is_default")]
    pub ratio: Ratio,
    /// What the loss is a mean over.
    #[serde(skip_serializing_if = "Aggregate::is_default")]
    pub aggregate: Aggregate,
    /// Weight of the divergence from the start policy; 0 leaves it out.
    pub kl: f32,
    /// How the divergence is estimated.
    #[serde(skip_serializing_if = "Divergence::is_default")]
    pub divergence: Divergence,
    /// Passes over each step's rollouts.
    pub epochs: usize,
    /// Corrects for a sampler whose numbers are not the trainer's: each token's term is weighed by the ratio of its probability by
    /// the trainer to that by the sampler, this much at most. Without it sampler and trainer are taken for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance_cap: Option<f32>,
    /// What becomes of completions that the token budget cuts off or nearly does.
    #[serde(skip_serializing_if = "Overlong::is_default")]
    pub overlong: Overlong,
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
    /// Which problems are trained on, by how difficult they are. Without it all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterConfig>,
    /// The optimizer's constants.
    pub optimizer: AdamWConfig,
}

/// Whose probability ratio is clipped and weighs the advantage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ratio {
    /// Each token's own (GRPO).
    #[default]
    Token,
    /// The geometric mean of its sequence's (GSPO, Zheng et al., 2025, "Group sequence policy optimization"). It stays much nearer 1 than a
    /// token's, and its clips are a thousandth of those.
    Sequence,
}

/// What the loss is a mean over, of the terms of all tokens of rollouts with known rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// All tokens of the step: a long rollout weighs as much per token as a short one (DAPO).
    #[default]
    Token,
    /// Rollouts, each the mean over its tokens: a long rollout weighs as much as a short one (GRPO as published).
    Sequence,
    /// Rollouts, each the sum over its tokens divided by the token budget, which is no one's length (Dr. GRPO, Liu et al., 2025).
    Budget,
}

impl Ratio {
    // Left out of what is written, as `Decay::is_default` says.
    fn is_default(&self) -> bool {
        *self == Ratio::default()
    }
}

impl Aggregate {
    // As above.
    fn is_default(&self) -> bool {
        *self == Aggregate::default()
    }
}

/// What becomes of completions that the token budget (`planner.sampling.max_tokens`) cuts off or nearly does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlong {
    /// They are learned from as all others are.
    #[default]
    Learn,
    /// Those that are cut off are left out of the loss; in their group's mean and deviation they count.
    Mask,
    /// The longer they are, the less reward they get, added to what the rule makes of them.
    Punish(Punishment),
}

/// The soft punishment of DAPO (Yu et al., 2025, equation 13).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Punishment {
    /// The last tokens of the budget, over which the punishment rises from nothing to `penalty`; at least 1.
    pub cache: usize,
    /// The reward that a completion of the whole budget loses.
    #[serde(default = "one")]
    pub penalty: f64,
}

fn one() -> f64 {
    1.0
}

impl Overlong {
    // Left out of what is written, as `Decay::is_default` says.
    fn is_default(&self) -> bool {
        *self == Overlong::default()
    }

    /// What is added to the reward of a completion of `tokens` tokens, its end token among them, where `budget` is the most: 0 up
    /// to `budget − cache`, then `−penalty·(tokens − (budget − cache)) / cache`; `None` where nothing is punished.
    #[must_use]
    pub fn punishment(&self, tokens: usize, budget: usize) -> Option<f64> {
        let Overlong::Punish(Punishment { cache, penalty }) = *self else { return None };
        let over = tokens.saturating_sub(budget.saturating_sub(cache)).min(cache);
        // Not −0 where nothing is over.
        Some(0.0 - penalty * over as f64 / cache.max(1) as f64)
    }
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

// As above.
fn is_never(rounds: &u64) -> bool {
    *rounds == 0
}

impl Default for GrpoConfig {
    fn default() -> GrpoConfig {
        GrpoConfig {
            steps: 600,
            budget: None,
            problems: 16,
            group: 4,
            resample: 0,
            normalize: Normalize::GroupStd,
            clip_low: 0.2,
            clip_high: 0.2,
            dual_clip: None,
            ratio: Ratio::Token,
            aggregate: Aggregate::Token,
            kl: 0.0,
            divergence: Divergence::K3,
            epochs: 1,
            importance_cap: None,
            overlong: Overlong::Learn,
            learning_rate: 5e-6,
            warmup: 0,
            schedule: Decay::Cosine,
            patience: 5,
            checkpoint_every: 20,
            keep_last: 2,
            filter: None,
            optimizer: AdamWConfig::default(),
        }
    }
}

/// More rounds than any step needs.
const MOST_ROUNDS: u64 = 1000;

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
        let cap = self.importance_cap.unwrap_or(1.0);
        let punished = match self.overlong {
            Overlong::Punish(punishment) => punishment,
            Overlong::Learn | Overlong::Mask => Punishment { cache: 1, penalty: 1.0 },
        };
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
            (
                "resample",
                self.resample <= MOST_ROUNDS,
                self.resample.to_string(),
                "at most 1000 rounds; 0 for none",
            ),
            ("epochs", (1..=1000).contains(&self.epochs), self.epochs.to_string(), "from 1 to 1000"),
            (
                "clip_low",
                self.clip_low > 0.0 && self.clip_low < 1.0,
                self.clip_low.to_string(),
                "above 0, or nothing is learned, and below 1",
            ),
            above("clip_high", self.clip_high, 1000.0, "above 0, or nothing is learned, and at most 1000"),
            (
                "dual_clip",
                self.dual_clip.is_none_or(|dual| dual > 1.0 + self.clip_high && dual <= 1e6),
                self.dual_clip.unwrap_or(0.0).to_string(),
                "above `1 + grpo.clip_high`, 3 is usual, and at most a million",
            ),
            within("kl", self.kl, 1000.0, "from 0 to 1000"),
            (
                "importance_cap",
                (0.01..=1000.0).contains(&cap),
                cap.to_string(),
                "from 0.01, below which nothing is learned, to 1000; 2 is usual",
            ),
            ("overlong.punish.cache", punished.cache >= 1, punished.cache.to_string(), "at least 1"),
            (
                "overlong.punish.penalty",
                punished.penalty > 0.0 && punished.penalty <= 1000.0,
                punished.penalty.to_string(),
                "above 0, or nothing is punished, and at most 1000",
            ),
            whole("patience", self.patience),
            whole("checkpoint_every", self.checkpoint_every),
            ("keep_last", self.keep_last >= 1, self.keep_last.to_string(), "at least 1, to go on from"),
        ]);
        let filter = || {
            self.filter.as_ref().map_or(Ok(()), FilterConfig::validate).map_err(|error| error.under("filter"))
        };
        checks
            .and_then(|()| self.budget.map_or(Ok(()), Budget::validate))
            .and_then(|()| filter())
            .and_then(|()| self.optimizer.validate(self.learning_rate))
            .map_err(|error| error.under("grpo"))
    }

    /// The schedule of the rate by steps.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        // A cosine that falls to the whole of the peak does not fall.
        let floor = match self.schedule {
            Decay::Cosine => 0.1,
            Decay::Constant => 1.0,
        };
        Schedule { peak: self.learning_rate, warmup: self.warmup, total: self.steps, floor }
    }

    /// The learning rate of a step, counted from 1, before which so much of the budget was spent. Where there is a budget, the cosine
    /// runs over that: how many steps it pays for is known afterwards.
    #[must_use]
    pub fn rate(&self, step: u64, spent: Spent) -> f32 {
        let before = step.saturating_sub(1);
        match self.budget {
            Some(budget) if before >= self.warmup => {
                // Fine enough for any number of steps.
                const PARTS: u64 = 1_000_000;
                let share = (spent.total / budget.limit()).clamp(0.0, 1.0);
                let schedule = Schedule { warmup: 0, total: PARTS, ..self.schedule() };
                schedule.rate((share * PARTS as f64) as u64)
            }
            _ => self.schedule().rate(before),
        }
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
            ("learning_rate", &[nan, inf, "-inf", one_less, zero, huge, "1e-30"][..]),
            ("clip_low", &[nan, inf, one_less, huge, "1.0", zero]),
            ("clip_high", &[nan, inf, one_less, huge, zero]),
            ("kl", &[nan, inf, one_less, huge]),
            ("dual_clip", &[nan, inf, one_less, zero, "1.2", huge]),
            ("ratio", &["\"group\"", "1"]),
            ("aggregate", &["\"mean\"", "1"]),
            ("divergence", &["\"k4\"", "1"]),
            ("optimizer.beta1", &[nan, inf, one_less, huge, "1.0"]),
            ("optimizer.beta2", &[nan, inf, one_less, huge, "1.0"]),
            ("optimizer.eps", &[nan, inf, one_less, zero, huge]),
            ("optimizer.weight_decay", &[nan, inf, one_less, huge]),
            ("optimizer.max_norm", &[nan, inf, one_less, zero, "1e-20"]),
            ("steps", &[nan, inf, "-1", "0", huge, "1000000001"]),
            ("problems", &[nan, inf, "-1", "0", "9223372036854775807"]),
            ("group", &[nan, inf, "-1", "0", "1", "9223372036854775807"]),
            ("epochs", &[nan, inf, "-1", "0", "9223372036854775807"]),
            ("resample", &[nan, inf, "-1", "1001"]),
            ("importance_cap", &[nan, inf, one_less, zero, huge, "1e-30"]),
            ("overlong", &["\"punish\"", "\"none\"", "1"]),
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
    fn a_punishment_rises_in_the_last_tokens_of_the_budget() {
        let punish = Overlong::Punish(Punishment { cache: 20, penalty: 0.5 });
        let found = [0, 79, 80, 81, 90, 99, 100].map(|tokens| punish.punishment(tokens, 100).unwrap());
        assert_eq!(found, [0.0, 0.0, 0.0, -0.025, -0.25, -0.475, -0.5]);
        assert!(found[0].is_sign_positive());
        for other in [Overlong::Learn, Overlong::Mask] {
            assert_eq!(other.punishment(100, 100), None);
        }
    }

    #[test]
    fn what_is_overlong_is_read_and_what_makes_no_sense_refused() {
        let read = |text: &str| toml::from_str::<GrpoConfig>(text).map(|config| config.overlong);
        let punish = |cache, penalty| Overlong::Punish(Punishment { cache, penalty });
        assert_eq!(read("overlong = \"mask\""), Ok(Overlong::Mask));
        assert_eq!(read("overlong = { punish = { cache = 64 } }"), Ok(punish(64, 1.0)));
        assert_eq!(read("[overlong.punish]\ncache = 8\npenalty = 0.25"), Ok(punish(8, 0.25)));
        assert!(read("overlong = { punish = { cache = 64, factor = 1.0 } }").is_err());
        for (overlong, key) in [
            (punish(0, 1.0), "cache"),
            (punish(8, 0.0), "penalty"),
            (punish(8, f64::NAN), "penalty"),
            (punish(8, f64::INFINITY), "penalty"),
        ] {
            let error = GrpoConfig { overlong, ..GrpoConfig::default() }.validate().unwrap_err();
            assert_eq!(error.key(), format!("grpo.overlong.punish.{key}"));
        }
        // What is not said is not written.
        let text = toml::to_string(&GrpoConfig::default()).unwrap();
        for key in [
            "overlong",
            "importance_cap",
            "resample",
            "filter",
            "dual_clip",
            "ratio",
            "aggregate",
            "divergence",
        ] {
            assert!(!text.contains(key), "{text}");
        }
    }

    #[test]
    fn a_constant_rate_knows_nothing_of_the_number_of_steps() {
        let config = GrpoConfig { warmup: 2, learning_rate: 0.3, ..GrpoConfig::default() };
        let rates = |schedule, steps| {
            let config = GrpoConfig { schedule, steps, ..config.clone() };
            (1..=6).map(|step| config.rate(step, Spent::default())).collect::<Vec<_>>()
        };
        assert_eq!(rates(Decay::Constant, 6), [0.15, 0.3, 0.3, 0.3, 0.3, 0.3]);
        assert_eq!(rates(Decay::Constant, 6), rates(Decay::Constant, 600));
        assert_ne!(rates(Decay::Cosine, 6)[2..], rates(Decay::Cosine, 600)[2..]);
        // What is not said is not written, and is the cosine.
        assert!(!toml::to_string(&config).unwrap().contains("schedule"));
    }
}
