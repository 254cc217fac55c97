//! How an executor samples.

use serde::{Deserialize, Serialize};

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

/// A sampling setting that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`sampling.{}` is {}, expected {}", .0.key, .0.value, .0.expected)]
pub struct SamplingError(#[from] tracelift_engine::sampling::SamplingError);

impl Sampling {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn validate(&self) -> Result<(), SamplingError> {
        tracelift_engine::Sampling::check(self.temperature, self.top_p, u64::from(self.max_tokens))?;
        let refuse = |key, value: &str, expected| {
            let value = value.to_owned();
            Err(SamplingError(tracelift_engine::sampling::SamplingError { key, value, expected }))
        };
        if self.top_k == Some(0) {
            return refuse("top_k", "0", "at least 1, or nothing to switch it off");
        }
        if self.stop.iter().any(String::is_empty) {
            return refuse("stop", "a list with an empty text", "texts that are not empty");
        }
        Ok(())
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
