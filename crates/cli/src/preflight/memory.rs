//! How much memory there is, and what the weights of a run take of it at least.

use crate::config::RunConfig;
use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;
use tracelift_engine::checkpoint::weight_types;
use tracelift_engine::{Numbers, hub};

/// The memory of this machine, or of the control group that this process may not leave, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// All of it.
    pub total: u64,
    /// What is not taken.
    pub available: u64,
}

impl Machine {
    /// As the kernel says; `None` where it does not.
    #[must_use]
    pub fn observe() -> Option<Machine> {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let of = |name: &str| kilobytes(&text, name);
        let machine = Machine { total: of("MemTotal:")?, available: of("MemAvailable:")? };
        let number = |file: &str| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
        let group = number("/sys/fs/cgroup/memory.max").zip(number("/sys/fs/cgroup/memory.current"));
        Some(group.map_or(machine, |(most, taken)| Machine {
            total: machine.total.min(most),
            available: machine.available.min(most.saturating_sub(taken)),
        }))
    }
}

/// The most that this process has held at once so far, in bytes.
#[must_use]
pub fn peak() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The number of a line `Name:   1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// For people.
#[must_use]
pub fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// What the weights of a training take at least, in bytes.
#[must_use]
pub fn weights_of(config: &RunConfig) -> u64 {
    least(config, if config.planner.lora.is_some() { Trained::Adapters } else { Trained::Whole })
}

/// Refuses a run whose weights alone do not fit, before they are loaded: the kernel ends what takes too much without a word.
///
/// # Errors
/// Says what they take and what there is.
pub fn require(config: &RunConfig) -> Result<()> {
    let planner = if config.planner.lora.is_some() { Trained::Adapters } else { Trained::Whole };
    Machine::observe().map_or(Ok(()), |machine| fits(least(config, planner), machine, planner))
}

/// What of the planner is trained.
#[derive(Clone, Copy)]
enum Trained {
    Whole,
    Adapters,
}

fn fits(least: u64, machine: Machine, planner: Trained) -> Result<()> {
    let (beside, instead) = match planner {
        Trained::Whole => (
            ", with a gradient and two moments of each of the planner's",
            ", or train adapters (`planner.lora`)",
        ),
        Trained::Adapters => ("", ", or an executor behind a server (`executor.openai`)"),
    };
    ensure!(
        least <= machine.available,
        "the weights of this run take {} at least (planner, executor and reward model{beside}), and {} of {} are \
         free; take smaller models{instead}",
        gibibytes(least),
        gibibytes(machine.available),
        gibibytes(machine.total),
    );
    Ok(())
}

/// What the weights of a run take, in bytes; activations and caches come on top. What cannot be counted counts nothing: whoever
/// loads it says what is wrong with it.
fn least(config: &RunConfig, planner: Trained) -> u64 {
    let rubric = config.rubric.as_ref().and_then(|rubric| rubric.model.as_deref());
    let own = Weights::of(&config.planner.model);
    let planners = match planner {
        // Each with a gradient and two moments, and as they are packed to be sampled.
        Trained::Whole => (16 + 4) * own.numbers,
        // As they learn, and as adapters merged into them are packed; of bf16 one copy serves both.
        Trained::Adapters if own.frozen() => own.least(),
        Trained::Adapters => (4 + 4) * own.numbers,
    };
    let shares = own.frozen() && matches!(planner, Trained::Adapters);
    let executor = config.executor.in_process.as_ref();
    let its_own = executor.filter(|executor| !(shares && executor.is_of(&config.planner.model)));
    let executors = its_own.map_or(0, |executor| match executor.numbers {
        Numbers::Int8 => Weights::of(&executor.model).numbers,
        Numbers::F32 | Numbers::Bf16 => Weights::of(&executor.model).least(),
    });
    // Beside those that learn: once for the planner that writes and an executor that shares its weights.
    let writing = config.planner.numbers == Numbers::Int8;
    let reading = its_own.is_none() && executor.is_some_and(|executor| executor.numbers == Numbers::Int8);
    let rounded = if writing || reading { own.numbers } else { 0 };
    let kept = planners + rounded + executors + rubric.map_or(0, |rubric| Weights::of(rubric).least());
    // What is kept in 16 bits is packed from 32.
    kept.max((4 + 2) * own.narrow)
}

/// The weights of a checkpoint.
struct Weights {
    numbers: u64,
    /// Those in bf16.
    narrow: u64,
}

impl Weights {
    fn of(model: &Path) -> Weights {
        let types = hub::resolve(model).ok().and_then(|dir| weight_types(&dir).ok()).unwrap_or_default();
        let count = |counted: &dyn Fn(&str) -> bool| {
            types.iter().filter(|(name, _)| counted(name.as_ref())).map(|(_, count)| *count as u64).sum()
        };
        Weights { numbers: count(&|_| true), narrow: count(&|name| name == "BF16") }
    }

    /// Whether all of them are kept in 16 bits where they do not learn.
    fn frozen(&self) -> bool {
        self.narrow == self.numbers
    }

    /// Bytes where they do not learn.
    fn least(&self) -> u64 {
        if self.frozen() { 2 * self.numbers } else { 4 * self.numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let text = "MemTotal:       24562088 kB\nMemAvailable:   1 kB\nOdd: 3\n";
        assert_eq!(kilobytes(text, "MemTotal:"), Some(24_562_088 * 1024));
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(1024));
        assert_eq!(kilobytes(text, "Odd:"), None);
        assert_eq!(kilobytes(text, "None:"), None);
    }

    #[test]
    fn this_machine_has_memory_and_this_process_takes_some() {
        let machine = Machine::observe().unwrap();
        assert!(0 < machine.available && machine.available <= machine.total, "{machine:?}");
        assert!(peak().is_some_and(|peak| 0 < peak), "{:?}", peak());
    }

    #[test]
    fn weights_that_do_not_fit_are_refused_with_what_helps() {
        let machine = Machine { total: 24 << 30, available: 20 << 30 };
        assert!(fits(20 << 30, machine, Trained::Whole).is_ok());
        let told = |planner| fits((20 << 30) + 1, machine, planner).unwrap_err().to_string();
        assert!(told(Trained::Whole).contains("`planner.lora`"), "{}", told(Trained::Whole));
        assert!(told(Trained::Adapters).contains("`executor.openai`"), "{}", told(Trained::Adapters));
        assert!(
            told(Trained::Whole).contains("take 20.0 GiB at least")
                && told(Trained::Whole).contains("of 24.0 GiB")
        );
    }
}
