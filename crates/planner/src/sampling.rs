//! How a planner is sampled.

use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;

/// Sampling settings of a planner: in training and in evaluation alike, so that what is evaluated is what was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// 0 is greedy, and makes all traces of a question one. Default: 0.7.
    pub temperature: f32,
    /// Sample from the smallest set of tokens with at least this probability. Default: 0.95.
    pub top_p: f32,
    /// The longest completion in tokens. Default: 512.
    pub max_tokens: usize,
}

/// Below this temperature or this share of the probability, what is drawn is the most probable token, whatever is random.
const LEAST_SPREAD: f32 = 0.01;

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { temperature: 0.7, top_p: 0.95, max_tokens: 512 }
    }
}

impl Sampling {
    /// # Errors
    /// Names the first setting that makes no sense, counted from the section of the sampling.
    pub fn validate(&self) -> Result<(), SettingError> {
        self.until(Vec::new()).validate()
    }

    /// [`Sampling::validate`] for training, where a question's traces are compared with each other.
    ///
    /// # Errors
    /// Names the first setting that makes no sense, counted from the section of the sampling.
    pub fn validate_for_training(&self) -> Result<(), SettingError> {
        if self.temperature == 0.0 {
            let expected = "above 0 in training, or all traces of a question are one";
            return Err(SettingError::value("temperature", 0, expected));
        }
        self.validate()?;
        let apart = |key, value: f32| {
            (
                key,
                value >= LEAST_SPREAD,
                value.to_string(),
                "at least 0.01 in training, or all traces of a question are one",
            )
        };
        SettingError::first([apart("temperature", self.temperature), apart("top_p", self.top_p)])
    }

    /// The same for the engine, with the tokens that end a completion.
    pub(crate) fn until(&self, stop: Vec<u32>) -> tracelift_engine::Sampling {
        let Sampling { temperature, top_p, max_tokens } = *self;
        tracelift_engine::Sampling { temperature, top_k: 0, top_p, min_p: 0.0, max_tokens, stop }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_nonsense_is_named() {
        assert_eq!(Sampling::default().validate_for_training(), Ok(()));
        for (toml, key) in [
            ("temperature = -1.0", "temperature"),
            ("temperature = nan", "temperature"),
            ("temperature = inf", "temperature"),
            ("temperature = 1e-40", "temperature"),
            ("top_p = 0.0", "top_p"),
            ("top_p = nan", "top_p"),
            ("top_p = 1.5", "top_p"),
            ("max_tokens = 0", "max_tokens"),
        ] {
            let sampling: Sampling = toml::from_str(toml).unwrap();
            let message = sampling.validate().unwrap_err().to_string();
            assert!(message.contains(&format!("`{key}`")), "{toml}: {message}");
        }
        for (toml, key) in [("temperature = 1e-4", "temperature"), ("top_p = 1e-9", "top_p")] {
            let sampling: Sampling = toml::from_str(toml).unwrap();
            assert_eq!(sampling.validate(), Ok(()), "all the same it can be evaluated");
            assert_eq!(sampling.validate_for_training().unwrap_err().key(), key);
        }
        let greedy = Sampling { temperature: 0.0, ..Sampling::default() };
        assert_eq!(greedy.validate(), Ok(()));
        assert!(
            greedy
                .validate_for_training()
                .unwrap_err()
                .to_string()
                .contains("all traces of a question are one")
        );
    }
}
