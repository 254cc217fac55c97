//! Axes: ranges that end on round numbers, and those numbers as text.

/// An axis from `low` to `high` with a tick every `step`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    step: f64,
}

impl Axis {
    /// An axis that holds `low..=high` and begins and ends with a tick, with about `ticks` of them.
    pub(crate) fn rounded(low: f64, high: f64, ticks: usize) -> Axis {
        let (low, high) = widened(low, high);
        let step = round_step((high - low) / ticks as f64);
        // A hair's breadth beyond a tick is rounding, not a reason for another one.
        let low = ((low / step + 1e-9).floor()) * step;
        let high = ((high / step - 1e-9).ceil()) * step;
        Axis { low, high, step }
    }

    /// An axis of whole numbers that ends where the data end.
    pub(crate) fn whole(low: f64, high: f64, ticks: usize) -> Axis {
        let (low, high) = if high > low { (low, high) } else { (low - 1.0, high + 1.0) };
        Axis { low, high, step: round_step((high - low) / ticks as f64).max(1.0).round() }
    }

    /// The numbers with ticks.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-9).ceil();
        let last = (self.high / self.step + 1e-9).floor();
        let count = (last - first).max(0.0) as usize;
        (0..=count).map(|i| (first + i as f64) * self.step).collect()
    }

    /// A tick as text, with as many decimals as neighbours need to differ.
    pub(crate) fn label(&self, value: f64) -> String {
        if value == 0.0 && self.step < 1e-4 {
            return "0".to_owned();
        }
        let largest = self.low.abs().max(self.high.abs());
        if largest > 0.0 && !(1e-4..1e7).contains(&largest) {
            return minus(format!("{value:.1e}"));
        }
        if self.step >= 1000.0 {
            return minus(format!("{}k", value / 1000.0));
        }
        let needs = |decimals: usize| {
            let scaled = self.step * 10f64.powi(decimals as i32);
            (scaled - scaled.round()).abs() > 1e-6 * scaled
        };
        let decimals = (0..8).find(|decimals| !needs(*decimals)).unwrap_or(8);
        minus(format!("{value:.decimals$}"))
    }

    /// Where a value lies, from 0 at `low` to 1 at `high`.
    pub(crate) fn position(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// A value as text for a legend: three significant digits or so.
pub(crate) fn readable(value: f64) -> String {
    let size = value.abs();
    minus(match size {
        _ if size == 0.0 => "0".to_owned(),
        _ if !(1e-3..1e7).contains(&size) => format!("{value:.2e}"),
        _ if size < 1.0 => format!("{value:.3}"),
        _ if size < 10.0 => format!("{value:.2}"),
        _ if size < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    })
}

fn minus(text: String) -> String {
    let text = text.replace("e-", "e−");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    match text.strip_prefix('-') {
        Some(digits) if is_zero => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// A range that is not a point: flat data sit in the middle, zeros at the bottom.
fn widened(low: f64, high: f64) -> (f64, f64) {
    if high - low > 1e-12 * high.abs().max(low.abs()) {
        (low, high)
    } else if low == 0.0 {
        (0.0, 1.0)
    } else {
        (low - low.abs() / 2.0, low + low.abs() / 2.0)
    }
}

/// The round number (1, 2 or 5 times a power of ten) at or above a step.
fn round_step(step: f64) -> f64 {
    let magnitude = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * magnitude >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(Axis::rounded(0.03, 0.97, 5)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Axis::rounded(-0.12, 0.31, 4)), ["−0.2", "0.0", "0.2", "0.4"]);
        assert_eq!(labels(Axis::rounded(0.0, 1.0, 4)), ["0.0", "0.5", "1.0"]);
        assert_eq!(labels(Axis::rounded(1800.0, 52_000.0, 4)), ["0k", "20k", "40k", "60k"]);
        assert_eq!(labels(Axis::rounded(1e-6, 5e-6, 4)), ["1.0e−6", "2.0e−6", "3.0e−6", "4.0e−6", "5.0e−6"]);
        assert_eq!(labels(Axis::rounded(0.0, 5e-5, 2)), ["0", "5.0e−5"]);
        assert_eq!(labels(Axis::whole(1.0, 60.0, 4)), ["20", "40", "60"]);
        assert_eq!(labels(Axis::whole(2.0, 6.0, 4)), ["2", "3", "4", "5", "6"]);
    }

    #[test]
    fn flat_data_have_an_axis() {
        for value in [0.0, 0.25, -3.0, 1e9] {
            let axis = Axis::rounded(value, value, 4);
            assert!(axis.low <= value && value <= axis.high && axis.high > axis.low, "{axis:?}");
            assert!((2..10).contains(&axis.ticks().len()), "{axis:?}");
        }
        assert_eq!(Axis::whole(1.0, 1.0, 4).ticks(), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn values_are_readable() {
        let values = [0.0, 0.12345, -1.2345, 45.678, 1234.5, 5e-6];
        let expected = ["0", "0.123", "−1.23", "45.7", "1234", "5.00e−6"];
        assert_eq!(values.map(readable), expected.map(String::from));
    }
}
