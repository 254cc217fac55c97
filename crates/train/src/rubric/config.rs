//! How a reward model is trained.

use super::ReadingWeights;
use serde::{Deserialize, Deserializer, Serialize};
use tracelift_domain::SettingError;
use tracelift_engine::{AdamWConfig, Schedule};
use tracelift_reward::loss::LossWeights;

/// How a reward model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RubricTraining {
    /// Optimizer steps.
    pub steps: u64,
    /// Groups a step.
    pub groups: usize,
    /// Flawed traces drawn per group and step.
    pub negatives: usize,
    /// Which share of a group's rarer words are exchanged for others, drawn anew at every step; 0 for none.
    pub renaming: f64,
    /// Tokens that go through the model at a time: a step with more goes through in parts, whose gradients add up. A
    /// group stays together, however long it is.
    pub token_budget: usize,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of warm-up.
    pub warmup: u64,
    /// How much of the running mean of the weights stays at each step; that mean is what is looked at and kept. 0 for
    /// none: the weights as they are.
    pub ema: f32,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: u64,
    /// The weights of the loss.
    pub loss: LossWeights,
    /// The weights of what is learned while reading, beside that loss.
    pub reading: ReadingWeights,
    /// The optimizer's constants.
    #[serde(deserialize_with = "optimizer")]
    pub optimizer: AdamWConfig,
    /// How it is watched on held-out groups.
    pub evaluation: WatchConfig,
}

fn optimizer<'de, D: Deserializer<'de>>(settings: D) -> Result<AdamWConfig, D::Error> {
    RubricTraining::default().optimizer.read_over(settings)
}

/// How a training is watched on groups that were held out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// Steps from one look to the next; 0 for none, and then it is the last step that is kept.
    pub every: u64,
    /// The first so many held-out groups are looked at; 0 for all.
    pub groups: usize,
    /// Looks without a gain after which training stops; 0 for never.
    pub patience: u64,
}

impl Default for RubricTraining {
    fn default() -> RubricTraining {
        RubricTraining {
            steps: 300,
            groups: 16,
            negatives: 4,
            renaming: 0.0,
            token_budget: 8192,
            learning_rate: 1e-3,
            warmup: 20,
            ema: 0.0,
            checkpoint_every: 100,
            loss: LossWeights::default(),
            reading: ReadingWeights::default(),
            optimizer: AdamWConfig { beta2: 0.98, weight_decay: 0.01, ..AdamWConfig::default() },
            evaluation: WatchConfig::default(),
        }
    }
}

impl Default for WatchConfig {
    fn default() -> WatchConfig {
        WatchConfig { every: 100, groups: 200, patience: 0 }
    }
}

/// More traces a step, or steps, than any machine makes.
const MOST_TRACES: usize = 1_000_000;
const MOST_STEPS: u64 = 1_000_000_000;

impl RubricTraining {
    /// # Errors
    /// Names the first setting that makes no sense, counted from the section of the training.
    pub fn validate(&self) -> Result<(), SettingError> {
        let traces = self.groups.saturating_mul(self.negatives.saturating_add(1));
        let most = "at most a million traces a step, `groups` times one more than `negatives`";
        let whole = |key, value: u64| (key, value >= 1, value.to_string(), "at least 1");
        let loss = &self.loss;
        let weight =
            |key, value: f64| (key, (0.0..=1e6).contains(&value), value.to_string(), "from 0 to a million");
        let checks = [
            (
                "steps",
                (1..=MOST_STEPS).contains(&self.steps),
                self.steps.to_string(),
                "from 1 to a thousand million",
            ),
            whole("groups", self.groups as u64),
            whole("negatives", self.negatives as u64),
            ("groups", traces <= MOST_TRACES, self.groups.to_string(), most),
            whole("token_budget", self.token_budget as u64),
            whole("checkpoint_every", self.checkpoint_every),
            ("renaming", (0.0..=1.0).contains(&self.renaming), self.renaming.to_string(), "from 0 to 1"),
            ("ema", (0.0..1.0).contains(&self.ema), self.ema.to_string(), "0 or more and below 1"),
            weight("loss.cross_entropy", loss.cross_entropy),
            weight("loss.huber", loss.huber),
            weight("loss.ranking", loss.ranking),
            weight("loss.margin_ranking", loss.margin_ranking),
            weight("loss.margin", loss.margin),
            (
                "loss",
                [loss.cross_entropy, loss.huber, loss.ranking, loss.margin_ranking]
                    .iter()
                    .any(|&weight| weight > 0.0),
                "nothing but weights of 0".to_owned(),
                "one of `cross_entropy`, `huber`, `ranking` and `margin_ranking` above 0, or the heads learn nothing",
            ),
            weight("reading.problem", self.reading.problem),
            weight("reading.language", self.reading.language),
            weight("reading.numbers", self.reading.numbers),
            weight("reading.flawed", self.reading.flawed),
            weight("reading.contrast", self.reading.contrast),
            (
                "evaluation.patience",
                self.evaluation.patience == 0 || self.evaluation.every > 0,
                self.evaluation.patience.to_string(),
                "0 where `evaluation.every` is 0: without a look there is no gain to wait for",
            ),
        ];
        SettingError::first(checks)?;
        self.optimizer.validate(self.learning_rate)
    }

    /// How much of the running mean stays after so many steps: less in the beginning, so that it isn't about weights from
    /// before anything was learned.
    pub(super) fn ema_after(&self, steps: u64) -> f32 {
        let steps = steps as f32;
        self.ema.min((1.0 + steps) / (10.0 + steps))
    }

    /// Warm-up, then a cosine to a fiftieth of the peak.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        Schedule { peak: self.learning_rate, warmup: self.warmup, total: self.steps, floor: 0.02 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_of_the_optimizer_is_the_default() {
        let read = |text: &str| serde_json::from_str::<RubricTraining>(text);
        let config = read(r#"{"optimizer": {"weight_decay": 0.1}}"#).unwrap();
        let expected = AdamWConfig { weight_decay: 0.1, ..RubricTraining::default().optimizer };
        assert_eq!(config.optimizer, expected);
        assert!(read(r#"{"optimizer": {"beta3": 0.1}}"#).unwrap_err().to_string().contains("`beta3`"));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let default = RubricTraining::default();
        assert_eq!(default.validate(), Ok(()));
        let watch = WatchConfig { every: 0, patience: 3, ..default.evaluation };
        let ranking = LossWeights { ranking: -1.0, ..default.loss };
        let nothing =
            LossWeights { cross_entropy: 0.0, huber: 0.0, ranking: 0.0, margin_ranking: 0.0, ..default.loss };
        for (config, says) in [
            (RubricTraining { steps: 0, ..default }, "`steps` is 0, expected from 1 to a thousand million"),
            (
                RubricTraining { learning_rate: f32::NAN, ..default },
                "`learning_rate` is NaN, expected above 0 and at most 10",
            ),
            (
                RubricTraining { loss: ranking, ..default },
                "`loss.ranking` is -1, expected from 0 to a million",
            ),
            (
                RubricTraining { loss: nothing, ..default },
                "`loss` is nothing but weights of 0, expected one of",
            ),
            (RubricTraining { evaluation: watch, ..default }, "`evaluation.patience` is 3, expected 0 where"),
        ] {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.starts_with(says), "{message}");
        }
    }

    #[test]
    fn every_number_that_would_ruin_a_training_is_refused_by_key() {
        let numbers = [
            ("learning_rate", &["nan", "inf", "-1.0", "0.0", "1e30"][..]),
            ("renaming", &["nan", "inf", "-1.0", "1e30"]),
            ("ema", &["nan", "inf", "-1.0", "1.0", "1e30"]),
            ("steps", &["-1", "0", "nan"]),
            ("groups", &["-1", "0", "nan"]),
            ("negatives", &["-1", "0", "nan"]),
            ("token_budget", &["-1", "0", "nan"]),
            ("checkpoint_every", &["-1", "0", "nan"]),
            ("optimizer.beta1", &["nan", "inf", "-1.0", "1.0"]),
            ("optimizer.beta2", &["nan", "inf", "-1.0", "1.0"]),
            ("optimizer.eps", &["nan", "inf", "-1.0", "0.0"]),
            ("optimizer.weight_decay", &["nan", "inf", "-1.0", "1e30"]),
            ("optimizer.max_norm", &["nan", "inf", "-1.0", "0.0"]),
        ];
        let weights = ["cross_entropy", "huber", "ranking", "margin_ranking", "margin"]
            .map(|key| format!("loss.{key}"));
        let reading =
            ["problem", "language", "numbers", "flawed", "contrast"].map(|key| format!("reading.{key}"));
        let bad: &[&str] = &["nan", "inf", "-inf", "-1.0", "1e30"];
        let weights = weights.iter().chain(&reading).map(|key| (key.as_str(), bad));
        for (key, bad) in numbers.into_iter().chain(weights) {
            for value in bad {
                let (table, last) = key
                    .rsplit_once('.')
                    .map_or((String::new(), key), |(table, last)| (format!("[{table}]\n"), last));
                let read = toml::from_str::<RubricTraining>(&format!("{table}{last} = {value}"));
                // A number of the wrong kind is the reader's to refuse.
                let Ok(config) = read else { continue };
                let message =
                    config.validate().map_or_else(|error| error.to_string(), |()| "it is taken".into());
                assert!(message.starts_with(&format!("`{key}` is ")), "{key} = {value}: {message}");
            }
        }
    }
}
