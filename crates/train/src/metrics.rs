//! Step metrics: one line of `metrics.jsonl` per training step.
//!
//! A line is a flat JSON object: `step`, `wall_time` (seconds since 1970), then metrics by name. A metric that is
//! unknown is `null`, never zero. A line counts once its newline is on disk: what a crash left behind after the
//! last newline is not a line, readers pass over it and writers remove it.

mod follow;

pub use follow::{MetricsFollower, last_step};

use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

const STEP: &str = "step";
const WALL_TIME: &str = "wall_time";

/// The names of the metrics that several rooms speak of; the part before the slash groups them for a reader.
pub mod name {
    /// Mean of what the rule makes of the step's rollouts.
    pub const REWARD: &str = "reward/mean";
    /// Mean format term, which stands beside the rule, where there is one.
    pub const FORMAT: &str = "reward/format";
    /// Mean punishment of length, which stands beside the rule, where there is one.
    pub const OVERLONG: &str = "reward/overlong";
    /// Mean over rollout groups of the standard deviation of rewards within a group.
    pub const REWARD_SPREAD: &str = "reward/spread";
    /// Mean outcome of the primary artifact, `e`.
    pub const OUTCOME: &str = "executor/e";
    /// Mean success with the trace, `w`.
    pub const WITH_TRACE: &str = "uplift/w";
    /// Mean success without any trace, `b`.
    pub const WITHOUT_TRACE: &str = "uplift/b";
    /// Mean uplift, `u = w − b`.
    pub const UPLIFT: &str = "uplift/u";
    /// Mean rubric score, `s`.
    pub const RUBRIC: &str = "reason/s";
    /// Mean reason reward, `s·u`.
    pub const REASON_REWARD: &str = "reason/reward";
    /// Share of traces that an exact checker confirms throughout.
    pub const VERIFIED: &str = "trace/verified";
    /// Mean length of a trace in tokens.
    pub const TRACE_TOKENS: &str = "trace/tokens";
    /// Share of traces that state the answer or contain a program.
    pub const LEAKED: &str = "trace/leaked";
    /// Share of completions that hold no usable trace.
    pub const DEFECTIVE: &str = "trace/defective";
    /// Share of completions that the token budget cut off.
    pub const TRUNCATED: &str = "trace/truncated";
    /// Share of rollout groups whose rewards are all equal: they teach nothing.
    pub const ZERO_SPREAD: &str = "groups/zero_spread";
    /// Rollout groups that the step drew, where others may be drawn in the place of those.
    pub const GROUPS_DRAWN: &str = "groups/drawn";
    /// How many of them others were drawn in the place of.
    pub const GROUPS_REPLACED: &str = "groups/replaced";
    /// How often training has gone through its problems by the end of the step; problems that were drawn in the place of others are
    /// not counted.
    pub const EPOCH: &str = "data/epoch";
    /// Problems that are trained on: so many has an epoch.
    pub const PROBLEMS: &str = "data/problems";
    /// Share of rollouts whose reward is unknown.
    pub const UNKNOWN: &str = "reward/unknown";
    /// What the names of shares of rollouts begin with of which something is unknown, by cause: `unknown/refused`, … A
    /// rollout may have several causes.
    pub const UNKNOWN_BY: &str = "unknown/";
    /// What the names of shares of completions begin with that hold no usable trace, by kind: `defect/unclosed`, …
    pub const DEFECTIVE_BY: &str = "defect/";
    /// Share of rollouts whose trace is usable and whose reward is known.
    pub const TEACHING: &str = "reward/teaching";
    /// What the names of counts of executor calls begin with that failed for good, by cause: `executor/failed/timeout`, …
    pub const FAILED_BY: &str = "executor/failed/";
    /// Executor calls made in the step.
    pub const CALLS: &str = "executor/calls";
    /// Executor calls that failed for good, after retries.
    pub const FAILED_CALLS: &str = "executor/failed_calls";
    /// Tokens that the executor read and wrote in the step.
    pub const EXECUTOR_TOKENS: &str = "executor/tokens";
    /// Tokens that the planner wrote in the step.
    pub const PLANNER_TOKENS: &str = "planner/tokens";
    /// Executor calls that were or may have been billed, over the life of the run.
    pub const SPENT_CALLS: &str = "spent/calls";
    /// Tokens of them, read and written.
    pub const SPENT_TOKENS: &str = "spent/tokens";
    /// What they cost, in the currency of `executor.openai.price`.
    pub const SPENT_MONEY: &str = "spent/money";
    /// The loss whose gradient is taken, divergence included: a mean over tokens, and over epochs where there are several.
    pub const LOSS: &str = "policy/loss";
    /// Estimated divergence from the start policy, in nats per token.
    pub const KL: &str = "policy/kl";
    /// Share of tokens at which the clipped ratio held the gradient back.
    pub const CLIPPED: &str = "policy/clipped";
    /// Mean entropy of the policy, in nats per token.
    pub const ENTROPY: &str = "policy/entropy";
    /// Global norm of the gradient before clipping.
    pub const GRADIENT_NORM: &str = "policy/gradient_norm";
    /// Learning rate.
    pub const LEARNING_RATE: &str = "policy/learning_rate";
    /// Mean absolute difference between the sampler's and the trainer's log-probabilities, in nats.
    pub const LOGPROB_GAP: &str = "policy/logprob_gap";
    /// Share of rollouts that are left out of the loss because the token budget cut them off, where those are.
    pub const MASKED: &str = "policy/masked";
    /// Mean truncated importance ratio between trainer and sampler, where those are corrected for.
    pub const IMPORTANCE: &str = "policy/importance";
    /// Share of tokens whose importance ratio the cap holds back.
    pub const IMPORTANCE_CAPPED: &str = "policy/importance_capped";
    /// What the names of measurements on development problems begin with: `dev/accuracy`, …
    pub const DEV: &str = "dev/";
    /// Samples of development problems whose answer could not be judged, as a share.
    pub const DEV_UNSCORED: &str = "dev/unscored";
    /// Completions about development problems that hold no usable trace, as a share.
    pub const DEV_DEFECTIVE: &str = "dev/defective";
    /// Executor calls made for development problems.
    pub const DEV_CALLS: &str = "dev/executor_calls";
    /// What the names of wall times begin with: `seconds/sample`, `seconds/execute`, …
    pub const SECONDS: &str = "seconds/";
    /// The stage in which the planner is looked at on development problems.
    pub const DEV_STAGE: &str = "dev";
}

/// Why metrics could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not a metrics line.
    #[error("{}:{line}: {reason}; remove the line or restore the file", path.display())]
    BadLine {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Steps must increase from line to line.
    #[error(
        "step {step} comes after step {last} in {}; rewind the run to the step that it resumes from",
        path.display()
    )]
    OutOfOrder {
        /// Which file.
        path: PathBuf,
        /// The step that was to be written.
        step: u64,
        /// The step that the file ends with.
        last: u64,
    },
    /// A metric has the name of a field of the line.
    #[error("a metric cannot be called `{name}`; that is a field of every line")]
    ReservedName {
        /// The name.
        name: String,
    },
}

/// What was measured in one training step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepMetrics {
    /// Which step, from 1.
    pub step: u64,
    /// When it ended, in seconds since 1970.
    pub wall_time: f64,
    values: BTreeMap<String, Option<f64>>,
}

impl StepMetrics {
    /// A step that ended at `wall_time` (seconds since 1970), nothing measured yet.
    #[must_use]
    pub fn at(step: u64, wall_time: f64) -> StepMetrics {
        StepMetrics { step, wall_time, values: BTreeMap::new() }
    }

    /// A step that ends now, nothing measured yet.
    #[must_use]
    pub fn now(step: u64) -> StepMetrics {
        // A clock before 1970 is a wrong clock, not a reason to stop training.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        StepMetrics::at(step, since.as_secs_f64())
    }

    /// Notes a measurement; `None` and numbers that are not finite are noted as unknown.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Option<f64>>) -> &mut Self {
        self.values.insert(name.into(), value.into().filter(|v| v.is_finite()));
        self
    }

    /// The value, if the metric was measured and is known.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied().flatten()
    }

    /// Every metric in order of name; `None` is unknown.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.values.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The JSON object of this step, without newline.
    ///
    /// # Errors
    /// When a metric has a reserved name.
    pub fn to_line(&self) -> Result<String, MetricsError> {
        let mut line = format!("{{\"{STEP}\":{},\"{WALL_TIME}\":{}", self.step, Value::from(self.wall_time));
        for (name, value) in &self.values {
            if name == STEP || name == WALL_TIME {
                return Err(MetricsError::ReservedName { name: name.clone() });
            }
            // `Value`'s display is JSON: it quotes and escapes the name, and `None` becomes `null`.
            line.push_str(&format!(",{}:{}", Value::from(name.as_str()), Value::from(*value)));
        }
        line.push('}');
        Ok(line)
    }

    /// Reads the JSON object of a step.
    fn from_line(line: &str) -> Result<StepMetrics, String> {
        let fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|e| format!("not a JSON object: {e}"))?;
        let step = fields
            .get(STEP)
            .and_then(Value::as_u64)
            .ok_or_else(|| format!("`{STEP}` is missing or not a whole number"))?;
        let wall_time = fields
            .get(WALL_TIME)
            .and_then(Value::as_f64)
            .ok_or_else(|| format!("`{WALL_TIME}` is missing or not a number"))?;
        let mut metrics = StepMetrics::at(step, wall_time);
        for (name, value) in &fields {
            match value {
                _ if name == STEP || name == WALL_TIME => {}
                Value::Null => {
                    metrics.set(name, None);
                }
                Value::Number(number) => {
                    metrics.set(name, number.as_f64());
                }
                other => return Err(format!("`{name}` is {other}, expected a number or null")),
            }
        }
        Ok(metrics)
    }
}

/// Reads a `metrics.jsonl`; what a crash left after the last newline is passed over.
///
/// # Errors
/// When the file cannot be read, or a line is not a metrics line, or steps do not increase.
pub fn read_metrics(path: &Path) -> Result<Vec<StepMetrics>, MetricsError> {
    let text = std::fs::read(path).map_err(|source| MetricsError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let mut steps: Vec<StepMetrics> = Vec::new();
    read_lines(path, &text, 0, &mut steps)?;
    Ok(steps)
}

/// Adds the steps of complete lines, before which there are `above` others in the file.
fn read_lines(
    path: &Path,
    text: &[u8],
    above: usize,
    steps: &mut Vec<StepMetrics>,
) -> Result<(), MetricsError> {
    for (index, line) in complete_lines(text).enumerate() {
        let line_number = above + index + 1;
        let bad = |reason: String| MetricsError::BadLine { path: path.to_owned(), line: line_number, reason };
        let line = std::str::from_utf8(line).map_err(|e| bad(format!("not UTF-8: {e}")))?;
        let metrics = StepMetrics::from_line(line).map_err(bad)?;
        if let Some(last) = steps.last().filter(|last| last.step >= metrics.step) {
            return Err(bad(format!("step {} comes after step {}", metrics.step, last.step)));
        }
        steps.push(metrics);
    }
    Ok(())
}

fn complete_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let lines = text[..end].split(|byte| *byte == b'\n');
    // Splitting nothing yields one empty line.
    lines.skip(usize::from(!text.contains(&b'\n')))
}

/// The writing end of a `metrics.jsonl`. Every line is on disk when [`MetricsLog::append`] returns.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    last: Option<u64>,
}

impl MetricsLog {
    /// Opens a log, new or old, for appending; what a crash left after the last newline is removed.
    ///
    /// # Errors
    /// When the file cannot be opened, or what it holds is not metrics.
    pub fn open(path: &Path) -> Result<MetricsLog, MetricsError> {
        let failed = |action| move |source| MetricsError::Io { action, path: path.to_owned(), source };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(failed("open"))?;
        let last = read_metrics(path)?.last().map(|metrics| metrics.step);
        let text = std::fs::read(path).map_err(failed("read"))?;
        let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(complete as u64).map_err(failed("truncate"))?;
        Ok(MetricsLog { path: path.to_owned(), file, last })
    }

    /// Writes one line and waits until it is on disk.
    ///
    /// # Errors
    /// When the step does not come after the last one, a metric has a reserved name, or the disk refuses.
    pub fn append(&mut self, metrics: &StepMetrics) -> Result<(), MetricsError> {
        if let Some(last) = self.last.filter(|last| *last >= metrics.step) {
            return Err(MetricsError::OutOfOrder { path: self.path.clone(), step: metrics.step, last });
        }
        let line = metrics.to_line()? + "\n";
        let failed = |source| MetricsError::Io { action: "write", path: self.path.clone(), source };
        self.file.write_all(line.as_bytes()).map_err(failed)?;
        self.file.sync_data().map_err(failed)?;
        self.last = Some(metrics.step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64) -> StepMetrics {
        let mut metrics = StepMetrics::at(step, 1_700_000_000.5);
        metrics.set(name::REWARD, 0.1 + 0.2).set(name::UPLIFT, f64::NAN).set(name::RUBRIC, None);
        metrics
    }

    #[test]
    fn unknown_is_null_and_numbers_survive_exactly() {
        let line = step(3).to_line().unwrap();
        assert_eq!(
            line,
            r#"{"step":3,"wall_time":1700000000.5,"reason/s":null,"reward/mean":0.30000000000000004,"uplift/u":null}"#
        );
        assert_eq!(StepMetrics::from_line(&line).unwrap(), step(3));
        assert_eq!(step(3).get(name::UPLIFT), None);
    }

    #[test]
    fn reserved_names_are_refused() {
        let mut metrics = StepMetrics::at(1, 0.0);
        metrics.set("step", 2.0);
        assert!(matches!(metrics.to_line(), Err(MetricsError::ReservedName { .. })));
    }

    #[test]
    fn a_torn_last_line_is_passed_over_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        assert_eq!(read_metrics(&path).unwrap(), []);
        log.append(&step(1)).unwrap();
        drop(log);
        let whole = std::fs::read(&path).unwrap();
        // Even a line that lacks nothing but its newline is torn: nobody promised that it was on disk.
        for torn in ["{\"step\":2,\"wal", "{\"step\":2,\"wall_time\":1.0}", "\u{e9}"] {
            let mut text = whole.clone();
            text.extend(torn.as_bytes());
            std::fs::write(&path, &text).unwrap();
            assert_eq!(read_metrics(&path).unwrap(), [step(1)]);
            let mut log = MetricsLog::open(&path).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), whole);
            log.append(&step(2)).unwrap();
            assert_eq!(read_metrics(&path).unwrap(), [step(1), step(2)]);
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        let good = step(1).to_line().unwrap();
        for (bad, says) in [
            ("nonsense", "not a JSON object"),
            ("{\"wall_time\":1}", "`step` is missing"),
            ("{\"step\":2}", "`wall_time` is missing"),
            ("{\"step\":2,\"wall_time\":1,\"x\":\"y\"}", "`x` is \"y\", expected a number or null"),
            (good.as_str(), "step 1 comes after step 1"),
        ] {
            std::fs::write(&path, format!("{good}\n{bad}\n")).unwrap();
            let message = read_metrics(&path).unwrap_err().to_string();
            assert!(message.contains("metrics.jsonl:2: ") && message.contains(says), "{message}");
        }
    }

    #[test]
    fn a_step_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("metrics.jsonl");
        MetricsLog::open(&path).unwrap().append(&step(5)).unwrap();
        let mut log = MetricsLog::open(&path).unwrap();
        assert!(matches!(log.append(&step(5)), Err(MetricsError::OutOfOrder { step: 5, last: 5, .. })));
        log.append(&step(6)).unwrap();
    }
}
