//! How an executor samples.

use serde::{Deserialize, Serialize};
use tracelift_domain::SettingError;

/// Sampling settings; part of an executor's fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// 0 is greedy. Default: 0.5.
    pub temperature: f64,
    /// Sample from the smallest set of tokens with at least this probability. Default: 1 (off).
    pub top_p: f64,
    /// Sample from this many most likely tokens. Default: absent (off).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// The longest completion. Default: 512.
    pub max_tokens: u32,
    /// A completion ends before any of these.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 0.5, top_p: 1.0, top_k: None, max_tokens: 512, stop: Vec::new() }
    }
}

impl Sampling {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// The first setting that makes no sense, counted from the section of the sampling.
    pub fn validate(&self) -> Result<(), SettingError> {
        tracelift_engine::Sampling::check(self.temperature, self.top_p, u64::from(self.max_tokens))?;
        SettingError::first([
            ("top_k", self.top_k != Some(0), "0".to_owned(), "at least 1, or nothing to switch it off"),
            (
                "stop",
                !self.stop.iter().any(String::is_empty),
                "a list with an empty text".to_owned(),
                "texts that are not empty",
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_nonsense_is_named() {
        assert_eq!(Sampling::default().validate(), Ok(()));
        for (toml, key) in [
            ("temperature = -1.0", "temperature"),
            ("temperature = nan", "temperature"),
            ("temperature = inf", "temperature"),
            ("temperature = 1e-30", "temperature"),
            ("top_p = nan", "top_p"),
            ("top_p = inf", "top_p"),
            ("top_p = -1.0", "top_p"),
            ("top_p = 1.5", "top_p"),
            ("top_p = 0.0", "top_p"),
            ("top_k = 0", "top_k"),
            ("max_tokens = 0", "max_tokens"),
            ("stop = ['']", "stop"),
        ] {
            let sampling: Sampling = toml::from_str(toml).unwrap();
            assert!(sampling.validate().unwrap_err().to_string().contains(key), "{toml}");
        }
        assert!(toml::from_str::<Sampling>("temprature = 1.0").is_err());
    }
}
