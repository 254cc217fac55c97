//! The settings of a verifier.

use crate::{answers::math_verify::MathVerifyConfig, programs::Comparison};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};
use tracelift_domain::{Fingerprint, SettingError, fingerprint::canonical};
use tracelift_sandbox::{Level, Limits};

/// How answers and programs are judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifierConfig {
    /// How an answer is compared with the gold answer. Default: `native`.
    pub answers: AnswerMode,
    /// What becomes of a pair that `native` cannot decide. Default: `unknown`.
    pub undecided: Undecided,
    /// The Python library behind the mode `math-verify` and behind `undecided = "math-verify"`.
    pub math_verify: MathVerifyConfig,
    /// How many programs run at the same time. Default: one for each available core.
    pub jobs: Option<NonZeroUsize>,
    /// How programs run.
    pub programs: ProgramConfig,
}

/// How an answer is compared with the gold answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerMode {
    /// Mathematical equivalence: [`crate::answers::native`].
    #[default]
    Native,
    /// The last number of the completion, as the published Python code reads it: [`crate::answers::gsm8k`].
    Gsm8kCompat,
    /// Normalised strings, as the MATH data set's own grader compares them.
    Hendrycks,
    /// The Python library Math-Verify in a process of its own: [`crate::answers::math_verify`].
    MathVerify,
    /// The whole completion, up to white space: [`crate::answers::exact`].
    Exact,
}

impl AnswerMode {
    /// The name used in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            AnswerMode::Native => "native",
            AnswerMode::Gsm8kCompat => "gsm8k-compat",
            AnswerMode::Hendrycks => "hendrycks",
            AnswerMode::MathVerify => "math-verify",
            AnswerMode::Exact => "exact",
        }
    }
}

/// What becomes of a pair that the native comparison cannot decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// It stays unknown: the reward is unknown, and nothing is learned from it.
    #[default]
    Unknown,
    /// The Python library is asked.
    MathVerify,
}

/// How programs run. Every limit holds for one test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProgramConfig {
    /// The interpreter: a path, or a name to be looked up in `PATH`. Default: `python3`.
    pub python: PathBuf,
    /// CPU time in seconds, of all processes of a program together. Default: 10. The slowest of the solutions that come
    /// with HumanEval and MBPP takes 3.3 to 4.0 here (MBPP/123, the next one 0.2), and a right program must not fail on a
    /// machine half as fast.
    pub time_limit_s: f64,
    /// Wall time in seconds: the backstop for programs that wait. Default: three times the CPU time and five seconds
    /// more, which leaves a program its CPU time on a loaded machine.
    pub wall_limit_s: Option<f64>,
    /// Memory in MiB: the address space of a process and the resident memory of all of them. Default: 1024.
    pub memory_limit_mib: u64,
    /// Standard output, in KiB, or four times the expected output where that is more. Default: 1024.
    pub output_limit_kib: u64,
    /// Size of a file that the program writes, in MiB (`RLIMIT_FSIZE`). Default: 64.
    pub file_limit_mib: u64,
    /// Processes and threads. Default: 64.
    pub processes: u64,
    /// Open files of a process (`RLIMIT_NOFILE`). Default: 256.
    pub open_files: u64,
    /// Run every test and score the share that passed, instead of stopping at the first failure and scoring 0.
    /// Default: false.
    pub all_tests: bool,
    /// When an output is right. Default: `tokens`.
    pub compare: Comparison,
    /// Go no higher than this level, to see how a run would do on a machine that offers no more. Default: the highest
    /// that can be had.
    pub sandbox_level: Option<Level>,
    /// Refuse to run programs in a sandbox weaker than this. Default: L2.
    pub require_sandbox: Level,
    /// Run programs even where nothing but resource limits protects this machine from them (level L0). Default: false.
    pub accept_no_sandbox: bool,
}

impl Default for ProgramConfig {
    fn default() -> Self {
        ProgramConfig {
            python: PathBuf::from("python3"),
            time_limit_s: 10.0,
            wall_limit_s: None,
            memory_limit_mib: 1024,
            output_limit_kib: 1024,
            file_limit_mib: 64,
            processes: 64,
            open_files: 256,
            all_tests: false,
            compare: Comparison::default(),
            sandbox_level: None,
            require_sandbox: Level::L2,
            accept_no_sandbox: false,
        }
    }
}

impl VerifierConfig {
    /// A hash of all that decides verdicts: these settings, but for how many programs run at a time, the version of the program, and
    /// the revision of the judges, which is another one as soon as their code is.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.judged_by(env!("TRACELIFT_JUDGES"))
    }

    /// The same for judges of a revision.
    fn judged_by(&self, judges: &str) -> Fingerprint {
        let settings = json!({
            "answers": self.answers, "undecided": self.undecided, "math_verify": self.math_verify, "programs": self.programs,
        });
        let version = env!("CARGO_PKG_VERSION");
        Fingerprint::of([
            ("verifier", canonical(&settings).as_bytes()),
            ("version", version.as_bytes()),
            ("judges", judges.as_bytes()),
        ])
    }

    /// Checks what the types do not say.
    ///
    /// # Errors
    /// The first setting that is out of range, counted from the section of the verifier.
    pub fn validate(&self) -> Result<(), SettingError> {
        let (jobs, timeout) = (self.jobs.map_or(1, NonZeroUsize::get), self.math_verify.timeout_s);
        SettingError::first([
            ("jobs", jobs <= MOST_JOBS, jobs.to_string(), "from 1 to 4096"),
            (
                "math_verify.timeout_s",
                (0.05..=3600.0).contains(&timeout),
                timeout.to_string(),
                "seconds from 0.05 to 3600",
            ),
            (
                "math_verify.python",
                !self.math_verify.python.as_os_str().is_empty(),
                "empty".to_owned(),
                "a path or a name such as python3",
            ),
        ])?;
        self.programs.validate().map_err(|error| error.under("programs"))
    }
}

/// More programs at a time than any machine runs.
const MOST_JOBS: usize = 4096;

impl ProgramConfig {
    /// Checks what the types do not say.
    ///
    /// # Errors
    /// The first setting that is out of range, counted from the section of the programs.
    pub fn validate(&self) -> Result<(), SettingError> {
        let python = self.python.as_os_str().is_empty();
        let wall = self.wall_limit_s;
        let count = |key, value: u64, least: u64, expected| {
            (key, (least..=1 << 20).contains(&value), value.to_string(), expected)
        };
        SettingError::first([
            ("python", !python, "empty".to_owned(), "a path or a name such as python3"),
            (
                "time_limit_s",
                (0.05..=3600.0).contains(&self.time_limit_s),
                self.time_limit_s.to_string(),
                "seconds from 0.05 to 3600",
            ),
            (
                "wall_limit_s",
                wall.is_none_or(|wall| (0.05..=36000.0).contains(&wall)),
                wall.map_or_else(String::new, |wall| wall.to_string()),
                "seconds from 0.05 to 36000",
            ),
            count("memory_limit_mib", self.memory_limit_mib, 64, "MiB from 64 to 1048576"),
            count("output_limit_kib", self.output_limit_kib, 1, "KiB from 1 to 1048576"),
            count("file_limit_mib", self.file_limit_mib, 1, "MiB from 1 to 1048576"),
            count("processes", self.processes, 1, "a count from 1 to 1048576"),
            count("open_files", self.open_files, 16, "a count from 16 to 1048576"),
        ])?;
        self.compare.validate().map_err(|error| error.under("compare"))
    }
}

/// Limits of one case that differ from the configured ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitOverrides {
    /// CPU time in seconds.
    pub time_s: Option<f64>,
    /// Wall time in seconds.
    pub wall_s: Option<f64>,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// Standard output in KiB.
    pub output_kib: Option<u64>,
    /// Size of a file in MiB.
    pub file_mib: Option<u64>,
    /// Processes and threads.
    pub processes: Option<u64>,
    /// Open files.
    pub open_files: Option<u64>,
}

impl LimitOverrides {
    /// The configuration with these in place of its own limits.
    ///
    /// # Errors
    /// The first that is out of range, by its name here.
    pub fn applied_to(&self, config: &ProgramConfig) -> Result<ProgramConfig, SettingError> {
        let config = ProgramConfig {
            time_limit_s: self.time_s.unwrap_or(config.time_limit_s),
            // A wall limit was chosen for its CPU limit: another CPU limit does not inherit it.
            wall_limit_s: self.wall_s.or(config.wall_limit_s.filter(|_| self.time_s.is_none())),
            memory_limit_mib: self.memory_mib.unwrap_or(config.memory_limit_mib),
            output_limit_kib: self.output_kib.unwrap_or(config.output_limit_kib),
            file_limit_mib: self.file_mib.unwrap_or(config.file_limit_mib),
            processes: self.processes.unwrap_or(config.processes),
            open_files: self.open_files.unwrap_or(config.open_files),
            ..config.clone()
        };
        config.validate().map_err(|error| {
            let (_, name) = LIMITS.into_iter().find(|(key, _)| *key == error.key()).unwrap_or_default();
            if name.is_empty() { error } else { error.renamed(name) }
        })?;
        Ok(config)
    }
}

/// What limits are called in a configuration, and what in a case.
const LIMITS: [(&str, &str); 7] = [
    ("time_limit_s", "time_s"),
    ("wall_limit_s", "wall_s"),
    ("memory_limit_mib", "memory_mib"),
    ("output_limit_kib", "output_kib"),
    ("file_limit_mib", "file_mib"),
    ("processes", "processes"),
    ("open_files", "open_files"),
];

impl ProgramConfig {
    /// The limits of one run that is expected to print this many bytes.
    #[must_use]
    pub fn limits(&self, expected_bytes: u64) -> Limits {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        let wall = self.wall_limit_s.unwrap_or(3.0 * self.time_limit_s + 5.0);
        Limits {
            cpu: Duration::from_secs_f64(self.time_limit_s),
            wall: Duration::from_secs_f64(wall),
            memory_bytes: self.memory_limit_mib * MIB,
            output_bytes: (self.output_limit_kib * KIB).max(4 * expected_bytes),
            file_bytes: self.file_limit_mib * MIB,
            processes: self.processes,
            open_files: self.open_files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_of_another_revision_are_another_verifier() {
        let config = VerifierConfig::default();
        assert_eq!(config.judged_by("1"), config.judged_by("1"));
        assert_ne!(config.judged_by("1"), config.judged_by("2"));
        assert_eq!(config.fingerprint(), config.judged_by(env!("TRACELIFT_JUDGES")));
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        let config: VerifierConfig = toml::from_str("").unwrap();
        assert_eq!(config, VerifierConfig::default());
        assert_eq!(config.programs.validate(), Ok(()));
    }

    #[test]
    fn modes_have_the_names_of_the_documentation() {
        for mode in [
            AnswerMode::Native,
            AnswerMode::Gsm8kCompat,
            AnswerMode::Hendrycks,
            AnswerMode::MathVerify,
            AnswerMode::Exact,
        ] {
            let name = mode.name();
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
            "`memory_limit_mib` is 8, expected MiB from 64 to 1048576"
        );
    }
}
