//! How far an evaluation is: a bar on a terminal; elsewhere lines, one whenever a row is through with a benchmark, and every so often.

use crate::progress;
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Without a terminal, a line at least so often.
const EVERY: Duration = Duration::from_secs(30);

/// Work that is told of while it goes on.
pub struct Told {
    state: Mutex<State>,
}

struct State {
    bar: Option<ProgressBar>,
    /// Units in all, and those that are done, of which some were before.
    total: f64,
    done: f64,
    before: f64,
    begun: Instant,
    last: Instant,
    /// How far the last line said it is.
    told: f64,
    what: String,
    unit: &'static str,
}

impl Told {
    /// So many units of this name, of which some were done before.
    pub fn new(unit: &'static str, total: usize, before: usize) -> Told {
        let bar = std::io::stderr()
            .is_terminal()
            .then(|| progress::steps("evaluation", total as u64, before as u64));
        let (now, before) = (Instant::now(), before as f64);
        let state = State {
            bar,
            total: total as f64,
            done: before,
            before,
            begun: now,
            last: now,
            told: -1.0,
            what: String::new(),
            unit,
        };
        Told { state: Mutex::new(state) }
    }

    /// What is worked on now.
    pub fn begin(&self, what: &str) {
        let mut state = self.locked();
        what.clone_into(&mut state.what);
        if let Some(bar) = &state.bar {
            bar.set_message(what.to_owned());
        }
    }

    /// So many units more are done.
    pub fn add(&self, units: usize) {
        let mut state = self.locked();
        state.done += units as f64;
        state.show(0.0);
    }

    /// A share of so many units under way is done.
    pub fn under_way(&self, units: usize, share: f64) {
        self.locked().show(units as f64 * share);
    }

    /// A row is through with a benchmark.
    pub fn through(&self) {
        let mut state = self.locked();
        // What was just told is not told again.
        if state.bar.is_none() && state.told < state.done {
            state.line(0.0);
        }
    }

    /// All is done.
    pub fn end(&self) {
        if let Some(bar) = &self.locked().bar {
            bar.finish();
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn show(&mut self, under_way: f64) {
        match &self.bar {
            Some(bar) => bar.set_position((self.done + under_way) as u64),
            None if self.last.elapsed() >= EVERY => self.line(under_way),
            None => {}
        }
    }

    fn line(&mut self, under_way: f64) {
        let done = self.done + under_way;
        let left = match (done - self.before, self.total - done) {
            (_, rest) if rest <= 0.0 => String::new(),
            (new, rest) if new > 0.0 => {
                format!(", {} left", duration(self.begun.elapsed().mul_f64(rest / new)))
            }
            _ => String::new(),
        };
        let share = 100.0 * done / self.total.max(1.0);
        let State { total, unit, what, .. } = self;
        eprintln!("evaluation: {done:.0} of {total:.0} {unit} ({share:.0} %), {what}{left}");
        self.last = Instant::now();
        self.told = done;
    }
}

/// Hours, minutes and seconds, the two largest of them.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let told =
            [0.2, 59.0, 61.0, 3600.0, 7384.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(told, ["1 s", "59 s", "1 min 1 s", "1 h 0 min", "2 h 3 min"]);
    }
}
