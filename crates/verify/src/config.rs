//! The settings of a verifier.

use serde::{Deserialize, Serialize};
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// How answers and programs are judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifierConfig {
    /// How an answer is compared with the gold answer. Default: `gsm8k-compat`.
    pub answers: AnswerMode,
    /// How many programs run at the same time. Default: one for each available core.
    pub jobs: Option<NonZeroUsize>,
    /// How programs run.
    pub programs: ProgramConfig,
}

/// How an answer is compared with the gold answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerMode {
    /// The last number of the completion, as the published Python code reads it: [`crate::answers::gsm8k`].
    #[default]
    Gsm8kCompat,
    /// The whole completion, up to white space: [`crate::answers::exact`].
    Exact,
}

/// How programs run. Every limit holds for one test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramConfig {
    /// The interpreter: a path, or a name to be looked up in `PATH`. Default: `python3`.
    pub python: PathBuf,
    /// Wall time in seconds; CPU time is limited to the next whole second above it. Default: 4.
    pub time_limit_s: f64,
    /// Address space of a process, in MiB (`RLIMIT_AS`). Default: 1024.
    pub memory_limit_mib: u64,
    /// Standard output, in KiB, or four times the expected output where that is more. Default: 1024.
    pub output_limit_kib: u64,
    /// Size of a file that the program writes, in MiB (`RLIMIT_FSIZE`). Default: 64.
    pub file_limit_mib: u64,
    /// Processes and threads beyond those that the user already has (`RLIMIT_NPROC`; the kernel does not apply it
    /// to root). Default: 64.
    pub processes: u64,
    /// Open files of a process (`RLIMIT_NOFILE`). Default: 256.
    pub open_files: u64,
    /// Run every test and score the share that passed, instead of stopping at the first failure and scoring 0.
    /// Default: false.
    pub all_tests: bool,
}

impl Default for ProgramConfig {
    fn default() -> Self {
        ProgramConfig {
            python: PathBuf::from("python3"),
            time_limit_s: 4.0,
            memory_limit_mib: 1024,
            output_limit_kib: 1024,
            file_limit_mib: 64,
            processes: 64,
            open_files: 256,
            all_tests: false,
        }
    }
}

/// A setting that cannot be honoured.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("verifier setting `programs.{key}` is {value}, expected {expected}")]
pub struct ConfigError {
    key: &'static str,
    value: String,
    expected: &'static str,
}

impl ProgramConfig {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |key, value: String, expected| Err(ConfigError { key, value, expected });
        if self.python.as_os_str().is_empty() {
            return refuse("python", "empty".into(), "a path or a name such as python3");
        }
        if !(0.05..=3600.0).contains(&self.time_limit_s) {
            return refuse("time_limit_s", self.time_limit_s.to_string(), "seconds from 0.05 to 3600");
        }
        for (key, value, least, most, expected) in [
            ("memory_limit_mib", self.memory_limit_mib, 64, 1 << 20, "MiB from 64 to 1048576"),
            ("output_limit_kib", self.output_limit_kib, 1, 1 << 20, "KiB from 1 to 1048576"),
            ("file_limit_mib", self.file_limit_mib, 1, 1 << 20, "MiB from 1 to 1048576"),
            ("processes", self.processes, 1, 1 << 20, "a count from 1 to 1048576"),
            ("open_files", self.open_files, 16, 1 << 20, "a count from 16 to 1048576"),
        ] {
            if !(least..=most).contains(&value) {
                return refuse(key, value.to_string(), expected);
            }
        }
        Ok(())
    }

    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_secs_f64(self.time_limit_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config: VerifierConfig = toml::from_str("").unwrap();
        assert_eq!(config, VerifierConfig::default());
        assert_eq!(config.programs.validate(), Ok(()));
    }

    #[test]
    fn modes_have_the_names_of_the_documentation() {
        for (mode, name) in [(AnswerMode::Gsm8kCompat, "gsm8k-compat"), (AnswerMode::Exact, "exact")] {
            let config: VerifierConfig = toml::from_str(&format!("answers = \"{name}\"")).unwrap();
            assert_eq!(config.answers, mode);
        }
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let error = toml::from_str::<VerifierConfig>("[programs]\ntimelimit = 3").unwrap_err().to_string();
        assert!(error.contains("timelimit") && error.contains("time_limit_s"), "{error}");
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            let config = ProgramConfig { time_limit_s: bad, ..ProgramConfig::default() };
            assert!(config.validate().unwrap_err().to_string().contains("time_limit_s"), "{bad}");
        }
        let config = ProgramConfig { memory_limit_mib: 8, ..ProgramConfig::default() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "verifier setting `programs.memory_limit_mib` is 8, expected MiB from 64 to 1048576"
        );
    }
}
