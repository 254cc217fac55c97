//! The sandbox: workers, and the runs that they do.

use crate::{
    Ending, Fault, FunctionRun, FunctionTest, Level, Limits, Observed, Run, SandboxConfig, SandboxError,
    exchange::{Drain, Keep, exchange},
    function,
    home::Home,
    interpreter::Interpreter,
    machine, probe,
    protocol::{End, JobKind},
    worker::{Plan, Worker, sealed_file},
};
use std::sync::{
    Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// How much of standard error is kept: its end, where the reason is.
const STDERR_KEPT: usize = 16 << 10;
/// The longest program and the longest input.
const LONGEST_SOURCE: usize = 16 << 20;
const LONGEST_STDIN: usize = 256 << 20;

/// Runs programs, each in a fresh process of its own, apart from the machine and from each other.
///
/// May be used from many threads: a call takes a worker that is free, waiting for one if need be, and runs in the
/// calling thread. Dropping the sandbox ends all workers.
#[derive(Debug)]
pub struct Sandbox {
    plan: Plan,
    level: Level,
    runs_per_worker: u32,
    observed: Observed,
    posts: Mutex<Vec<Post>>,
    freed: Condvar,
    numbers: AtomicU64,
    /// Holds the workers' folders; removed last.
    home: Home,
}

/// A worker's post; the worker itself may be missing, and is then started by whoever takes the post.
#[derive(Debug)]
struct Post {
    index: usize,
    worker: Option<Worker>,
}

impl Sandbox {
    /// Starts the workers at the strongest level that the machine gives, and attacks it from inside to see what holds.
    ///
    /// # Errors
    /// No interpreter, no worker, or a level below the one required.
    pub fn start(config: SandboxConfig) -> Result<Self, SandboxError> {
        let defects = machine::defects();
        if !defects.is_empty() {
            return Err(SandboxError::Machine(defects));
        }
        let interpreter = Interpreter::ask(&config.python)?;
        let home = Home::new(&interpreter)?;
        let plan = Plan {
            interpreter,
            read_only: config.read_only.clone(),
            in_memory: machine::in_memory(home.path()),
            folder: home.path().to_owned(),
        };
        let default_files = Limits::default().file_bytes;
        let mut reasons = Vec::new();
        for level in Level::STRONGEST_FIRST {
            if config.level.is_some_and(|most| level > most) {
                continue;
            }
            if level < config.require {
                break;
            }
            if level == Level::L0 && !config.accept_no_sandbox {
                return Err(SandboxError::NotAccepted { reason: reasons.join("; ") });
            }
            let worker = match Worker::start(&plan, level, 0, default_files) {
                Ok(worker) => worker,
                Err(Fault::Refused { reason, .. }) => {
                    let advice = machine::advice(&reason).map(|advice| format!(" ({advice})"));
                    reasons.push(format!("{level}: {reason}{}", advice.unwrap_or_default()));
                    continue;
                }
                Err(fault) => return Err(SandboxError::Worker(fault)),
            };
            let mut posts = vec![Post { index: 0, worker: Some(worker) }];
            posts.extend((1..config.workers.get()).map(|index| Post { index, worker: None }));
            let mut sandbox = Self {
                plan,
                level,
                runs_per_worker: config.runs_per_worker.max(1),
                observed: Observed::nothing(level),
                posts: Mutex::new(posts),
                freed: Condvar::new(),
                numbers: AtomicU64::new(1),
                home,
            };
            sandbox.observed = probe::observe(&sandbox, reasons.join("; ")).map_err(SandboxError::Worker)?;
            let broken = sandbox.observed.broken_promises();
            if !broken.is_empty() {
                return Err(SandboxError::TooWeak {
                    observed: sandbox.observed.to_string(),
                    required: config.require,
                    reason: format!("{level} was set up, but {}", broken.join(", ")),
                });
            }
            sandbox.start_rest()?;
            return Ok(sandbox);
        }
        Err(SandboxError::TooWeak {
            observed: config
                .level
                .filter(|&most| most < config.require)
                .map_or("less".into(), |most| most.to_string()),
            required: config.require,
            reason: if reasons.is_empty() {
                "a lower level was asked for".into()
            } else {
                reasons.join("; ")
            },
        })
    }

    fn start_rest(&mut self) -> Result<(), SandboxError> {
        let posts = self.posts.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (plan, level, files) = (&self.plan, self.level, Limits::default().file_bytes);
        std::thread::scope(|scope| {
            let started: Vec<_> = posts
                .iter_mut()
                .filter(|post| post.worker.is_none())
                .map(|post| {
                    scope.spawn(move || {
                        post.worker = Some(Worker::start(plan, level, post.index, files)?);
                        Ok(())
                    })
                })
                .collect();
            let gone = |_| Err(Fault::Protocol("a worker's starter panicked".into()));
            started.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(gone))
        })
        .map_err(SandboxError::Worker)
    }

    /// The level and what holds at it, as found by attacking it.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Runs a program with this standard input to its end, or to the end of its limits.
    ///
    /// # Errors
    /// The sandbox broke, twice: once more with a fresh worker. Nothing is known about the program then.
    pub fn run(&self, source: &str, stdin: &[u8], limits: &Limits) -> Result<Run, Fault> {
        if source.len() > LONGEST_SOURCE {
            return Err(Fault::Request(format!(
                "a program of {} bytes: at most {LONGEST_SOURCE} can be run",
                source.len()
            )));
        }
        if stdin.len() > LONGEST_STDIN {
            return Err(Fault::Request(format!(
                "an input of {} bytes: at most {LONGEST_STDIN} can be given",
                stdin.len()
            )));
        }
        self.with_worker(limits, |worker, number| {
            let (mut stdout, stdout_end) =
                Drain::new(Keep::All(usize::try_from(limits.output_bytes).unwrap_or(usize::MAX)))?;
            let (mut stderr, stderr_end) = Drain::new(Keep::Tail(STDERR_KEPT))?;
            let descriptors = vec![
                sealed_file("program", source.as_bytes())?,
                sealed_file("stdin", stdin)?,
                stdout_end,
                stderr_end,
            ];
            let reply = exchange(
                worker,
                JobKind::Script,
                number,
                limits,
                descriptors,
                &mut [&mut stdout, &mut stderr],
            )?;
            let ending = match reply.end {
                _ if stdout.over => Ending::OutputLimit,
                End::Exited(status) => Ending::Exited(status),
                End::Signalled(signal) => Ending::Signalled(signal),
                End::Cpu => Ending::CpuLimit,
                End::Wall => Ending::WallLimit,
                End::Memory => Ending::MemoryLimit,
                End::Killed => Ending::OutputLimit,
                End::Fault(message) => return Err(Fault::Worker(message)),
            };
            Ok(Run {
                ending,
                stdout: stdout.finish(),
                stderr: stderr.finish(),
                cpu: reply.cpu,
                wall: reply.wall,
                peak_memory: reply.peak_memory,
            })
        })
    }

    /// Runs the tests of a function against a candidate: each in a process of its own, so that the candidate sees no
    /// more of its tests than the arguments of its calls.
    ///
    /// # Errors
    /// As [`Sandbox::run`].
    pub fn test_function(&self, test: &FunctionTest<'_>, limits: &Limits) -> Result<FunctionRun, Fault> {
        self.with_worker(limits, |worker, number| function::run(worker, number, test, limits))
    }

    /// Process numbers of the workers that are up and free now: for those who look for what a run left behind.
    pub fn idle_workers(&self) -> Vec<u32> {
        self.lock().iter().filter_map(|post| post.worker.as_ref().map(Worker::process_id)).collect()
    }

    /// The folder that goes away with the sandbox, for what it attacks of its own.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    pub(crate) fn greeting(&self) -> Option<crate::protocol::Greeting> {
        self.lock().iter().find_map(|post| post.worker.as_ref().map(|worker| worker.greeting.clone()))
    }

    pub(crate) fn with_worker<T>(
        &self,
        limits: &Limits,
        job: impl Fn(&mut Worker, u64) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut post = Taken { sandbox: self, post: Some(self.take()) };
        let done = self.attempt(&mut post, limits, &job);
        match done {
            Err(fault) if !matches!(fault, Fault::Request(_)) => self.attempt(&mut post, limits, &job),
            done => done,
        }
    }

    fn attempt<T>(
        &self,
        taken: &mut Taken<'_>,
        limits: &Limits,
        job: &impl Fn(&mut Worker, u64) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Some(post) = taken.post.as_mut() else {
            return Err(Fault::Protocol("no worker was taken".into()));
        };
        let mut worker = match post.worker.take() {
            Some(worker) if worker.runs < self.runs_per_worker && worker.file_bytes >= limits.file_bytes => {
                worker
            }
            worn => {
                let files =
                    worn.as_ref().map_or(0, |worker| worker.file_bytes).max(Limits::default().file_bytes);
                drop(worn);
                Worker::start(&self.plan, self.level, post.index, files.max(limits.file_bytes.min(1 << 40)))?
            }
        };
        worker.runs += 1;
        let done = job(&mut worker, self.numbers.fetch_add(1, Ordering::Relaxed))?;
        // A worker at which something failed is not used again: it was dropped on the way out.
        post.worker = Some(worker);
        Ok(done)
    }

    fn take(&self) -> Post {
        let mut posts = self.lock();
        loop {
            // Those with a worker first.
            let best = posts.iter().rposition(|post| post.worker.is_some()).or(posts.len().checked_sub(1));
            match best {
                Some(at) => return posts.swap_remove(at),
                None => posts = self.freed.wait(posts).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Post>> {
        // No code panics between taking a post and putting it back; the list is whole in any case.
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A post that goes back when it is dropped, also by a panic of the caller's.
struct Taken<'a> {
    sandbox: &'a Sandbox,
    post: Option<Post>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(post) = self.post.take() {
            self.sandbox.lock().push(post);
            self.sandbox.freed.notify_one();
        }
    }
}
