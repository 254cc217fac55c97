//! The work on an experiment: several cells at a time, each trained and then evaluated, and what becomes of it written down at once.

use super::child::Program;
use super::plan::Plan;
use super::record::State;
use super::watch::Watch;
use anyhow::{Result, bail};
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Work under way.
pub struct Work {
    plan: Mutex<Plan>,
    queue: Mutex<VecDeque<Task>>,
    program: Program,
    jobs: usize,
    watch: Watch,
}

/// What a worker does from beginning to end.
#[derive(Clone, Debug)]
enum Task {
    /// Evaluates what cells begin with.
    Start(String),
    /// Trains a cell and evaluates it.
    Cell(String),
}

impl Work {
    /// What is left of a plan, for so many workers.
    ///
    /// # Errors
    /// When this program cannot be found.
    pub fn new(plan: Plan, jobs: usize) -> Result<Work> {
        let left = |state: State| state != State::Finished;
        let starts = plan.record.starts.iter().filter(|start| left(start.state));
        let cells = plan.record.cells.iter().filter(|cell| left(cell.state));
        // What cells begin with comes first: it is short, and shows a fault of the evaluation before hours of training.
        let queue: VecDeque<Task> = starts
            .map(|start| Task::Start(start.name.clone()))
            .chain(cells.map(|cell| Task::Cell(cell.name.clone())))
            .collect();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let jobs = jobs.min(queue.len()).max(1);
        let program = Program::this((cores / jobs).max(1))?;
        let watch = Watch::of(&plan);
        Ok(Work { plan: Mutex::new(plan), queue: Mutex::new(queue), program, jobs, watch })
    }

    /// Does it.
    ///
    /// # Errors
    /// Names the cells that failed, each with its cause, once all others are done.
    pub fn run(self) -> Result<()> {
        let waiting = self.locked(&self.queue).len();
        let (cells, finished) = {
            let plan = self.locked(&self.plan);
            let finished = plan.record.cells.iter().filter(|cell| cell.state == State::Finished).count();
            (plan.record.cells.len(), finished)
        };
        if finished > 0 {
            self.watch.say(&format!("{finished} of {cells} cells are finished"));
        }
        if waiting > 0 {
            self.watch.begin(self.jobs);
        }
        let at_work = AtomicUsize::new(self.jobs);
        let broken: Result<Vec<()>> = thread::scope(|scope| {
            let worker = || {
                let done = self.work();
                at_work.fetch_sub(1, Ordering::SeqCst);
                done
            };
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(worker)).collect();
            while at_work.load(Ordering::SeqCst) > 0 {
                self.watch.look();
            }
            let ended = workers.into_iter().map(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ended.collect()
        });
        self.watch.end();
        broken?;
        self.failures()
    }

    /// Takes one task after another.
    fn work(&self) -> Result<()> {
        loop {
            // The lock is not held while the task is done.
            let next = self.locked(&self.queue).pop_front();
            match next {
                None => return Ok(()),
                Some(Task::Start(name)) => self.start(&name)?,
                Some(Task::Cell(name)) => self.cell(&name)?,
            }
        }
    }

    fn start(&self, name: &str) -> Result<()> {
        let (folder, tests, done) = {
            let plan = self.locked(&self.plan);
            let start = plan.record.starts.iter().find(|start| start.name == name);
            let done = start.map(|start| start.evaluated.clone()).unwrap_or_default();
            (plan.places.starts(), plan.tests.clone(), done)
        };
        for (test, set) in tests.iter().filter(|(test, _)| !done.contains(*test)) {
            let arguments = evaluation(&folder, name, "start", test, set.as_deref());
            match self.program.run(&arguments, &folder.join(format!("{name}.log")))? {
                Ok(()) => self.note_start(name, |start| {
                    start.evaluated.insert(test.clone());
                })?,
                Err(cause) => {
                    self.watch.say(&format!("start {name} failed: {cause}"));
                    return self.note_start(name, |start| {
                        (start.state, start.cause) = (State::Failed, Some(cause.clone()));
                    });
                }
            }
        }
        self.note_start(name, |start| start.state = State::Finished)
    }

    fn cell(&self, name: &str) -> Result<()> {
        let begun = Instant::now();
        let (folder, tests, trained, done): (PathBuf, _, bool, BTreeSet<String>) = {
            let plan = self.locked(&self.plan);
            let cell = plan.record.cells.iter().find(|cell| cell.name == name);
            let (trained, done) = cell.map(|cell| (cell.trained, cell.evaluated.clone())).unwrap_or_default();
            (plan.places.cells(), plan.tests.clone(), trained, done)
        };
        let log = folder.join(format!("{name}.log"));
        self.watch.say(&format!("cell {name}: {}", if trained { "evaluating" } else { "training" }));
        self.watch.enter(name);
        let failed = |cause: String| -> Result<()> {
            self.watch.leave(name);
            self.watch.say(&format!("cell {name} failed: {cause}"));
            self.note(name, |cell| (cell.state, cell.cause) = (State::Failed, Some(cause.clone())))
        };
        if !trained {
            self.note(name, |cell| cell.state = State::Training)?;
            let mut arguments = vec!["train".to_owned(), "--config".to_owned(), file(&folder, name)];
            if folder.join(name).join("run.json").exists() {
                arguments.push("--resume".to_owned());
            }
            if let Err(cause) = self.program.run(&arguments, &log)? {
                return failed(cause);
            }
            self.note(name, |cell| cell.trained = true)?;
        }
        self.note(name, |cell| cell.state = State::Evaluating)?;
        for (test, set) in tests.iter().filter(|(test, _)| !done.contains(*test)) {
            let arguments = evaluation(&folder, name, "trained", test, set.as_deref());
            if let Err(cause) = self.program.run(&arguments, &log)? {
                return failed(cause);
            }
            self.note(name, |cell| {
                cell.evaluated.insert(test.clone());
            })?;
        }
        self.note(name, |cell| cell.state = State::Finished)?;
        self.watch.leave(name);
        self.watch.finished(name, begun.elapsed());
        Ok(())
    }

    fn note(&self, name: &str, change: impl Fn(&mut super::Cell)) -> Result<()> {
        let mut plan = self.locked(&self.plan);
        plan.record.cells.iter_mut().filter(|cell| cell.name == name).for_each(change);
        plan.record.write(&plan.places)
    }

    fn note_start(&self, name: &str, change: impl Fn(&mut super::record::Start)) -> Result<()> {
        let mut plan = self.locked(&self.plan);
        plan.record.starts.iter_mut().filter(|start| start.name == name).for_each(change);
        plan.record.write(&plan.places)
    }

    fn failures(&self) -> Result<()> {
        let plan = self.locked(&self.plan);
        let cells = plan.record.cells.iter().filter_map(|cell| {
            let cause = cell.cause.as_ref()?;
            Some(format!("{} ({cause}; see {})", cell.name, log(&plan.places.cells(), &cell.name)))
        });
        let starts = plan.record.starts.iter().filter_map(|start| {
            let cause = start.cause.as_ref()?;
            Some(format!("start {} ({cause}; see {})", start.name, log(&plan.places.starts(), &start.name)))
        });
        let failed: Vec<String> = cells.chain(starts).collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!(
            "{} of {} failed: {}; all others are finished, and the same command tries these again",
            failed.len(),
            plan.record.cells.len() + plan.record.starts.len(),
            failed.join(", ")
        )
    }

    /// What is behind a lock is in order whenever nobody holds it: each change is one assignment.
    fn locked<'l, T>(&self, lock: &'l Mutex<T>) -> MutexGuard<'l, T> {
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn log(folder: &Path, name: &str) -> String {
    folder.join(format!("{name}.log")).display().to_string()
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(format!("{name}.toml")).display().to_string()
}

/// The arguments of an evaluation.
fn evaluation(folder: &Path, name: &str, rows: &str, test: &str, set: Option<&str>) -> Vec<String> {
    let out = folder.join(name).join("evaluation").join(test);
    let mut arguments = ["eval", "--config"].map(str::to_owned).to_vec();
    arguments.push(file(folder, name));
    arguments.extend(["--rows", rows, "--out"].map(str::to_owned));
    arguments.push(out.display().to_string());
    if let Some(set) = set {
        arguments.extend(["--set".to_owned(), set.to_owned()]);
    }
    arguments
}
