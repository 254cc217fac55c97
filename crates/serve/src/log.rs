//! Structured logs on standard error.

use std::str::FromStr;
use tracing::level_filters::LevelFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One line of text an event.
    Text,
    /// One JSON object an event.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(format!("`{text}` is no log format; choose text or json")),
        }
    }
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLevel(LevelFilter);

impl Default for LogLevel {
    /// Every request.
    fn default() -> LogLevel {
        LogLevel(LevelFilter::INFO)
    }
}

impl FromStr for LogLevel {
    type Err = String;
    fn from_str(text: &str) -> Result<LogLevel, String> {
        text.parse()
            .map(LogLevel)
            .map_err(|_| format!("`{text}` is no log level; choose off, error, warn, info or debug"))
    }
}

/// Sends the process's logs to standard error from now on. Does nothing if they go somewhere already.
pub fn start_log(format: LogFormat, level: LogLevel) {
    let log =
        tracing_subscriber::fmt().with_max_level(level.0).with_writer(std::io::stderr).with_target(false);
    // Only the first subscriber of a process counts; a second start is not an error.
    let _ = match format {
        LogFormat::Text => log.with_ansi(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
