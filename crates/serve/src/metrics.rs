//! Counters, gauges and histograms, by Prometheus' own client, in its text format.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::EncodeMetric;
use prometheus_client::encoding::{DescriptorEncoder, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What [`Metrics::text`] writes.
pub(crate) const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// Seconds, from a tenth of a millisecond to a minute.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// Tokens of an input.
const TOKENS: &[f64] = &[64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0, 32768.0];

/// What a server counts. A family is made by its first value; labels are few by construction: routes, statuses and
/// outcomes, never anything that a client chooses.
#[derive(Default)]
pub struct Metrics {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    registry: Registry,
    counters: BTreeMap<&'static str, Family<Labels, Counter>>,
    histograms: BTreeMap<&'static str, Histograms>,
    gauges: BTreeMap<&'static str, Arc<Gauges>>,
}

type Labels = Vec<(String, String)>;

/// Histograms of one name, by their labels; the function makes one with the name's buckets.
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Gauges of one name that are read whenever somebody asks.
struct Gauges {
    name: &'static str,
    help: &'static str,
    all: Mutex<Vec<(Labels, Read)>>,
}

type Read = Box<dyn Fn() -> f64 + Send>;

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gauges({})", self.name)
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let kind = ConstGauge::new(0.0).metric_type();
        let mut family = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for (labels, read) in &*self.all.lock().unwrap_or_else(PoisonError::into_inner) {
            family.encode_family(labels)?.encode_gauge(&read())?;
        }
        Ok(())
    }
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
    fn histogram(self) -> fn() -> Histogram {
        match self {
            Unit::Seconds => || Histogram::new(SECONDS.iter().copied()),
            Unit::Tokens => || Histogram::new(TOKENS.iter().copied()),
        }
    }
}

/// A family under its name; registered when it is new. The client puts the full stop behind what a metric is, and `_total` behind a
/// counter's name.
fn family<M: Metric + Clone>(
    registry: &mut Registry,
    all: &mut BTreeMap<&'static str, M>,
    (name, help): (&'static str, &'static str),
    make: impl FnOnce() -> M,
) -> M {
    let known = all.entry(name).or_insert_with(|| {
        let made = make();
        let name = name.strip_suffix("_total").unwrap_or(name);
        registry.register(name, help.trim_end_matches('.'), made.clone());
        made
    });
    known.clone()
}

fn owned(labels: &[(&str, &str)]) -> Labels {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to a counter.
    pub fn count(&self, name: &'static str, help: &'static str, labels: &[(&str, &str)], by: u64) {
        let State { registry, counters, .. } = &mut *self.lock();
        let counter = family(registry, counters, (name, help), Family::default);
        counter.get_or_create(&owned(labels)).inc_by(by);
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
        let State { registry, histograms, .. } = &mut *self.lock();
        let make = || Family::new_with_constructor(unit.histogram());
        let histogram = family(registry, histograms, (name, help), make);
        histogram.get_or_create(&owned(labels)).observe(value);
    }

    /// A gauge that is read whenever somebody asks.
    pub fn gauge(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &[(&str, &str)],
        read: impl Fn() -> f64 + Send + 'static,
    ) {
        let State { registry, gauges, .. } = &mut *self.lock();
        let family = gauges.entry(name).or_insert_with(|| {
            let made = Arc::new(Gauges { name, help, all: Mutex::default() });
            registry.register_collector(Box::new(Arc::clone(&made)));
            made
        });
        let mut all = family.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((owned(labels), Box::new(read)));
    }

    /// Everything, in the text format 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A string takes all that is written to it.
        let _ = prometheus_text::encode(&mut text, &self.lock().registry);
        text
    }
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
    use prometheus_parse::{Scrape, Value};

    #[test]
    fn a_parser_reads_what_was_counted() {
        let metrics = Metrics::default();
        let odd = "x\"\\\n}";
        metrics.gauge("room", "Free places.", &[("section", "a")], || 3.0);
        metrics.count("asked_total", "Requests.", &[("route", "/a"), ("status", "200")], 2);
        metrics.gauge("room", "Free places.", &[("section", "b")], || 4.5);
        metrics.count("asked_total", "Requests.", &[("route", "/a"), ("status", "200")], 1);
        metrics.count("asked_total", "Requests.", &[("route", odd), ("status", "200")], 7);
        for tokens in [3.0, 100.0, 100_000.0] {
            metrics.observe("tokens", "Per input.", Unit::Tokens, &[], tokens);
        }
        let text = metrics.text();
        let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap();
        assert_eq!(scrape.docs["asked_total"], "Requests.");
        let of = |name: &str, label: &str, value: &str| {
            let found: Vec<&Value> = scrape
                .samples
                .iter()
                .filter(|sample| {
                    sample.metric == name && (label.is_empty() || sample.labels.get(label) == Some(value))
                })
                .map(|sample| &sample.value)
                .collect();
            assert_eq!(found.len(), 1, "{name} {value}: {text}");
            found[0].clone()
        };
        assert_eq!(of("room", "section", "b"), Value::Gauge(4.5));
        assert_eq!(of("asked_total", "route", "/a"), Value::Counter(3.0));
        let Value::Histogram(buckets) = of("tokens", "", "") else { panic!("a histogram: {text}") };
        let counted = |bound: f64| buckets.iter().find(|bucket| bucket.less_than == bound).unwrap().count;
        assert_eq!([64.0, 128.0, 32_768.0, f64::INFINITY].map(counted), [1.0, 2.0, 2.0, 3.0]);
        assert_eq!(of("tokens_sum", "", ""), Value::Untyped(100_103.0));
        // This parser takes no escapes out of labels; that they are whole lines is what counts.
        assert!(text.contains(r#"asked_total{route="x\"\\\n}",status="200"} 7"#), "{text}");
    }
}
