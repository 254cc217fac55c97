//! How far an experiment has come, for whoever waits: a live line on a terminal, plain lines elsewhere.

use super::plan::Plan;
use super::record::State;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tracelift_train::grpo::Budget;
use tracelift_train::metrics::read_metrics;

/// How often cells are looked at.
const EVERY: Duration = Duration::from_millis(200);
/// Cells read their own metrics this seldom.
const READ: Duration = Duration::from_secs(2);
/// How often a plain line says how far everything is.
const SAID: Duration = Duration::from_secs(60);
/// Parts of the bar that a cell is.
const PARTS: f64 = 1000.0;

/// Who watches.
pub struct Watch {
    cells: BTreeMap<String, Extent>,
    bar: ProgressBar,
    seen: Mutex<Seen>,
    begun: Instant,
}

/// By what the training of a cell is measured.
struct Extent {
    metrics: PathBuf,
    steps: u64,
    budget: Option<Budget>,
}

/// What was seen last.
struct Seen {
    /// The share of each cell that is done.
    shares: BTreeMap<String, f64>,
    at_work: BTreeSet<String>,
    /// What was done before.
    before: f64,
    read: Instant,
    said: Instant,
}

impl Watch {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Watch {
        let extent = |name: &String| {
            let config = &plan.cells[name].config;
            let metrics = plan.places.cells().join(name).join("metrics.jsonl");
            (name.clone(), Extent { metrics, steps: config.grpo.steps, budget: config.grpo.budget })
        };
        let cells: BTreeMap<String, Extent> = plan.cells.keys().map(extent).collect();
        let finished = |name: &String| {
            let found = plan.record.cells.iter().find(|cell| cell.name == *name);
            found.is_some_and(|cell| cell.state == State::Finished)
        };
        let share = |(name, extent): (&String, &Extent)| {
            (name.clone(), if finished(name) { 1.0 } else { extent.share() })
        };
        let shares: BTreeMap<String, f64> = cells.iter().map(share).collect();
        let before = shares.values().sum();
        let bar = ProgressBar::new((PARTS * cells.len() as f64) as u64);
        let style = ProgressStyle::with_template("{prefix} {wide_bar:.cyan/dim} {percent} % {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─"));
        bar.set_prefix("experiment");
        let now = Instant::now();
        let seen = Seen { shares, at_work: BTreeSet::new(), before, read: now, said: now };
        Watch { cells, bar, seen: Mutex::new(seen), begun: now }
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Says what begins.
    pub fn begin(&self, jobs: usize) {
        let cells = self.cells.len();
        self.say(&format!("{cells} cells, {jobs} at a time"));
        self.draw();
    }

    /// A cell is worked on.
    pub fn enter(&self, name: &str) {
        self.seen().at_work.insert(name.to_owned());
    }

    /// Nobody works on it any more.
    pub fn leave(&self, name: &str) {
        self.seen().at_work.remove(name);
    }

    /// A cell is done.
    pub fn finished(&self, name: &str, took: Duration) {
        self.seen().shares.insert(name.to_owned(), 1.0);
        let (done, left) = {
            let seen = self.seen();
            (seen.shares.values().filter(|share| **share >= 1.0).count(), self.left(&seen))
        };
        self.say(&format!("cell {name}: finished in {} ({done} of {}{left})", told(took), self.cells.len()));
    }

    /// Waits a little, and looks.
    pub fn look(&self) {
        thread::sleep(EVERY);
        let due = {
            let mut seen = self.seen();
            let due = seen.read.elapsed() >= READ;
            if due {
                seen.read = Instant::now();
                for name in seen.at_work.clone() {
                    // Until it is evaluated there is a little left of it.
                    let share = self.cells[&name].share().min(1.0);
                    seen.shares.insert(name, share * TRAINING);
                }
            }
            due
        };
        if due {
            self.draw();
        }
        let told = {
            let mut seen = self.seen();
            let due = self.bar.is_hidden() && seen.said.elapsed() >= SAID;
            due.then(|| {
                seen.said = Instant::now();
                let done: f64 = seen.shares.values().sum::<f64>() / self.cells.len().max(1) as f64;
                format!("{:.0} % done{}", 100.0 * done, self.left(&seen))
            })
        };
        if let Some(told) = told {
            self.say(&told);
        }
    }

    /// Takes the live line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn draw(&self) {
        let seen = self.seen();
        self.bar.set_position((PARTS * seen.shares.values().sum::<f64>()) as u64);
        let at_work: Vec<&str> = seen.at_work.iter().map(String::as_str).collect();
        self.bar.set_message(format!("{}{}", at_work.join(" "), self.left(&seen)));
    }

    /// The time that is left, for the end of a line; nothing where nothing is known of it.
    fn left(&self, seen: &Seen) -> String {
        let done: f64 = seen.shares.values().sum();
        let (now, left) = (done - seen.before, self.cells.len() as f64 - done);
        if now < 0.02 || left <= 0.0 {
            return String::new();
        }
        let seconds = self.begun.elapsed().as_secs_f64() * left / now;
        format!(", about {} left", told(Duration::from_secs_f64(seconds)))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The share of a cell that its training is taken to be, beside its evaluation.
const TRAINING: f64 = 0.9;

impl Extent {
    /// The share of its training that is done, by what it has written down.
    fn share(&self) -> f64 {
        // A run that has not begun, or is just being rewound, has nothing to be read.
        let Ok(steps) = read_metrics(&self.metrics) else { return 0.0 };
        let share = match self.budget {
            Some(budget) => steps.iter().map(|step| budget.of(step)).sum::<f64>() / budget.limit(),
            None => steps.last().map_or(0.0, |step| step.step as f64 / self.steps.max(1) as f64),
        };
        share.min(1.0)
    }
}

/// `34 seconds`, `2 minutes`.
fn told(time: Duration) -> String {
    HumanDuration(Duration::from_secs(time.as_secs().max(1))).to_string()
}
