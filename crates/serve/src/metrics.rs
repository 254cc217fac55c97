//! Counters, gauges and histograms in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Seconds, from a tenth of a millisecond to a minute.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Tokens of an input.
const TOKENS: &[f64] = &[64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0];

/// What a server counts. A family is made by its first value; labels are few by construction: routes, statuses and
/// outcomes, never anything that a client chooses.
#[derive(Default)]
pub struct Metrics {
    families: Mutex<BTreeMap<&'static str, Family>>,
    gauges: Mutex<Vec<Gauge>>,
}

struct Gauge {
    name: &'static str,
    help: &'static str,
    labels: String,
    read: Box<dyn Fn() -> f64 + Send>,
}

enum Family {
    Counter { help: &'static str, values: BTreeMap<String, f64> },
    Histogram { help: &'static str, bounds: &'static [f64], values: BTreeMap<String, Histogram> },
}

#[derive(Clone)]
struct Histogram {
    /// One a bound, and one above all of them.
    counts: Vec<u64>,
    sum: f64,
}

/// What a histogram measures, which decides its buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A duration.
    Seconds,
    /// Tokens of an input.
    Tokens,
}

impl Unit {
    fn bounds(self) -> &'static [f64] {
        match self {
            Unit::Seconds => SECONDS,
            Unit::Tokens => TOKENS,
        }
    }
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a counter.
    pub fn count(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)], by: u64) {
        let mut families = self.lock();
        let family =
            families.entry(name).or_insert_with(|| Family::Counter { help, values: BTreeMap::new() });
        if let Family::Counter { values, .. } = family {
            *values.entry(written(labels)).or_default() += by as f64;
        }
    }

    /// Adds a value to a histogram.
    pub fn observe(
        &self,
        name: &'static str,
        help: &'static str,
        unit: Unit,
        labels: &[(&str, &str)],
        value: f64,
    ) {
        let mut families = self.lock();
        let bounds = unit.bounds();
        let family = families.entry(name).or_insert_with(|| Family::Histogram {
            help,
            bounds,
            values: BTreeMap::new(),
        });
        if let Family::Histogram { bounds, values, .. } = family {
            let fresh = || Histogram { counts: vec![0; bounds.len() + 1], sum: 0.0 };
            let histogram = values.entry(written(labels)).or_insert_with(fresh);
            let bucket = bounds.partition_point(|bound| *bound < value);
            histogram.counts[bucket] += 1;
            histogram.sum += value;
        }
    }

    /// A gauge that is read whenever somebody asks.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        read: impl Fn() -> f64 + Send + 'static,
    ) {
        let mut gauges = self.gauges.lock().unwrap_or_else(PoisonError::into_inner);
        // Samples of one name stand together.
        let place = gauges.iter().rposition(|gauge| gauge.name == name).map_or(gauges.len(), |last| last + 1);
        gauges.insert(place, Gauge { name, help, labels: written(labels), read: Box::new(read) });
    }

    /// Everything, in the text format 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut before = "";
        for gauge in self.gauges.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if gauge.name != before {
                head(&mut text, gauge.name, gauge.help, "gauge");
            }
            before = gauge.name;
            sample(&mut text, gauge.name, &gauge.labels, (gauge.read)());
        }
        for (name, family) in &*self.lock() {
            match family {
                Family::Counter { help, values } => {
                    head(&mut text, name, help, "counter");
                    for (labels, value) in values {
                        sample(&mut text, name, labels, *value);
                    }
                }
                Family::Histogram { help, bounds, values } => {
                    head(&mut text, name, help, "histogram");
                    for (labels, histogram) in values {
                        histogram.write(&mut text, name, bounds, labels);
                    }
                }
            }
        }
        text
    }
}

impl Histogram {
    fn write(&self, text: &mut String, name: &str, bounds: &[f64], labels: &str) {
        let separator = if labels.is_empty() { "" } else { "," };
        let bounds = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut up_to = 0;
        for (bound, count) in bounds.zip(&self.counts) {
            up_to += count;
            let labels = format!("{labels}{separator}le=\"{bound}\"");
            sample(text, &format!("{name}_bucket"), &labels, up_to as f64);
        }
        sample(text, &format!("{name}_sum"), labels, self.sum);
        sample(text, &format!("{name}_count"), labels, up_to as f64);
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: &str, value: f64) {
    let _ = match labels {
        "" => writeln!(text, "{name} {value}"),
        _ => writeln!(text, "{name}{{{labels}}} {value}"),
    };
}

fn written(labels: &[(&str, &str)]) -> String {
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    pairs.join(",")
}

/// Memory that the process holds, where the system says.
#[must_use]
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_text_format() {
        let metrics = Metrics::default();
        metrics.gauge("room", "Free places.", &[], || 3.0);
        metrics.count("asked_total", "Requests.", &[("route", "/a"), ("status", "200")], 2);
        metrics.count("asked_total", "Requests.", &[("route", "/a"), ("status", "200")], 1);
        metrics.observe("tokens", "Per input.", Unit::Tokens, &[], 3.0);
        metrics.observe("tokens", "Per input.", Unit::Tokens, &[], 100.0);
        metrics.observe("tokens", "Per input.", Unit::Tokens, &[], 100000.0);
        let text = metrics.text();
        for line in [
            "# HELP room Free places.",
            "# TYPE room gauge",
            "room 3",
            "# TYPE asked_total counter",
            "asked_total{route=\"/a\",status=\"200\"} 3",
            "tokens_bucket{le=\"64\"} 1",
            "tokens_bucket{le=\"128\"} 2",
            "tokens_bucket{le=\"32768\"} 2",
            "tokens_bucket{le=\"+Inf\"} 3",
            "tokens_sum 100103",
            "tokens_count 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(written(&[("a", "x\"\\\n")]), "a=\"x\\\"\\\\\\n\"");
    }
}
