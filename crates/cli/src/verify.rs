//! `tracelift verify …`: the verifiers by themselves, on files of cases.

mod run_code;

use crate::progress;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use rayon::prelude::*;
pub use run_code::Programs;
use run_code::ServeCode;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use tracelift_datasets::Format;
use tracelift_sandbox::Level;
use tracelift_verify::{
    AnswerMode, ProgramConfig, VerifierConfig,
    answers::{AnswerJudge, math_verify::MathVerifyConfig},
    cases::{
        PassAtK, Times,
        code::{self, CodeCase, Task},
        math::{self, MathOutcome, MathSummary},
        pass_at_k,
    },
    config::Undecided,
    programs::{Extent, ProgramReport, ProgramVerdict, Runner},
};

/// What to verify.
#[derive(Subcommand)]
pub enum VerifyCommand {
    /// Compare answers with gold answers.
    Math(Math),
    /// Run programs on tests, in the sandbox.
    Code(Code),
    /// Run programs for others, in the sandbox, as SandboxFusion's POST /run_code does.
    Serve(ServeCode),
}

/// Settings of `verify math`.
#[derive(Args)]
pub struct Math {
    /// Cases, JSONL: `{"id", "gold", "pred", "expected"?, "strict"?, "precision"?, "match_types"?,
    /// "allow_set_relation_comp"?}`.
    #[arg(long)]
    cases: PathBuf,
    /// How answers are compared.
    #[arg(long, value_enum, default_value_t = Mode::Native)]
    mode: Mode,
    /// Ask the Python library Math-Verify where `native` cannot decide.
    #[arg(long)]
    fallback: bool,
    /// The interpreter that can import math_verify.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Where the verdicts go, one JSON object a line [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// How answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Mathematical equivalence.
    Native,
    /// The last number, as the published Python code reads it.
    Gsm8kCompat,
    /// Normalised strings, as MATH's own grader compares them.
    Hendrycks,
    /// The Python library Math-Verify.
    MathVerify,
    /// The whole text, up to white space.
    Exact,
}

impl Mode {
    fn meant(self) -> AnswerMode {
        match self {
            Mode::Native => AnswerMode::Native,
            Mode::Gsm8kCompat => AnswerMode::Gsm8kCompat,
            Mode::Hendrycks => AnswerMode::Hendrycks,
            Mode::MathVerify => AnswerMode::MathVerify,
            Mode::Exact => AnswerMode::Exact,
        }
    }
}

/// Settings of `verify code`.
#[derive(Args)]
pub struct Code {
    #[command(flatten)]
    source: CodeSource,
    /// Programs of a model for the tasks of `--humaneval` or `--mbpp`, JSONL: `{"task_id", "completion" | "solution"}`;
    /// prints pass@k.
    #[arg(long, conflicts_with = "cases")]
    samples: Option<PathBuf>,
    /// Programs at the same time [default: one for each core].
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
    /// Stop a program's tests at the first that fails.
    #[arg(long)]
    first_failure: bool,
    /// Refuse a sandbox weaker than this: L0, L1, L2 or L3.
    #[arg(long, default_value = "L2")]
    require_sandbox: Level,
    /// Go no higher than this level, to see how programs would do on a machine that offers no more.
    #[arg(long)]
    sandbox_level: Option<Level>,
    /// Run programs even where nothing but resource limits protects this machine from them.
    #[arg(long)]
    accept_no_sandbox: bool,
    /// CPU time of a test in seconds.
    #[arg(long, default_value_t = ProgramConfig::default().time_limit_s)]
    time_limit: f64,
    /// Memory of a test in MiB.
    #[arg(long, default_value_t = ProgramConfig::default().memory_limit_mib)]
    memory_limit: u64,
    /// The interpreter that runs the programs.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Where the verdicts go, one JSON object a line [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Where programs come from.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct CodeSource {
    /// Cases, JSONL: `{"id", "code" | "completion", "tests": [{"stdin", "stdout"}] | {"entry", "asserts", "setup"?},
    /// "limits"?, "compare"?, "checker"?}`.
    #[arg(long)]
    cases: Option<PathBuf>,
    /// HumanEval as published (JSONL, gzip or plain); without `--samples`, its own solutions are judged.
    #[arg(long)]
    humaneval: Option<PathBuf>,
    /// MBPP as published (JSONL); without `--samples`, its own solutions are judged.
    #[arg(long)]
    mbpp: Option<PathBuf>,
}

/// Runs a verification command.
pub fn run(command: &VerifyCommand) -> Result<()> {
    match command {
        VerifyCommand::Math(settings) => verify_math(settings),
        VerifyCommand::Code(settings) => verify_code(settings),
        VerifyCommand::Serve(settings) => run_code::serve(settings),
    }
}

fn verify_math(settings: &Math) -> Result<()> {
    settings.out.as_ref().map(tracelift_files::kind).transpose()?;
    let cases = math::read(&settings.cases)?;
    let judge = AnswerJudge::new(&VerifierConfig {
        answers: settings.mode.meant(),
        undecided: if settings.fallback { Undecided::MathVerify } else { Undecided::Unknown },
        math_verify: MathVerifyConfig { python: settings.python.clone(), ..MathVerifyConfig::default() },
        ..VerifierConfig::default()
    });
    judge.probe()?;
    let bar = progress::steps("verify math", cases.len() as u64, 0);
    let mut outcomes = Vec::with_capacity(cases.len());
    for case in &cases {
        outcomes.push(MathOutcome::of(case, &judge)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    write_lines(settings.out.as_deref(), &outcomes)?;
    eprint!("{}", MathSummary::of(&cases, &outcomes));
    Ok(())
}

/// One line of `verify code`'s output.
#[derive(Serialize)]
struct CodeLine<'a> {
    id: String,
    #[serde(flatten)]
    report: &'a ProgramReport,
    sandbox: String,
}

fn verify_code(settings: &Code) -> Result<()> {
    settings.out.as_ref().map(tracelift_files::kind).transpose()?;
    let work = Work::read(settings)?;
    let config = ProgramConfig {
        python: settings.python.clone(),
        time_limit_s: settings.time_limit,
        memory_limit_mib: settings.memory_limit,
        sandbox_level: settings.sandbox_level,
        require_sandbox: settings.require_sandbox,
        accept_no_sandbox: settings.accept_no_sandbox,
        ..ProgramConfig::default()
    };
    config.validate()?;
    for case in &work.cases {
        case.limits.applied_to(&config).with_context(|| format!("case {}", case.id))?;
    }
    let jobs = settings.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let runner = Runner::new(config, jobs);
    let observed = runner.start().map_err(|error| anyhow::anyhow!("{error}"))?;
    eprintln!("{observed}");
    let level = observed.level.to_string();

    let extent = if settings.first_failure { Extent::ToFirstFailure } else { Extent::All };
    let bar = progress::steps("verify code", work.cases.len() as u64, 0);
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build().context("cannot start threads")?;
    let start = Instant::now();
    let judged: Vec<(ProgramReport, Duration)> = pool.install(|| {
        work.cases
            .par_iter()
            .map(|case| {
                let start = Instant::now();
                let report = match &case.source {
                    Some(source) => runner.run(source, &case.tests, &case.limits, extent),
                    None => ProgramReport::nothing_to_run(&case.tests),
                };
                bar.inc(1);
                (report, start.elapsed())
            })
            .collect()
    });
    let wall = start.elapsed();
    bar.finish_and_clear();

    let lines: Vec<CodeLine<'_>> = work
        .cases
        .iter()
        .zip(&judged)
        .map(|(case, (report, _))| CodeLine { id: case.id.to_string(), report, sandbox: level.clone() })
        .collect();
    write_lines(settings.out.as_deref(), &lines)?;
    eprint!("{}", work.summary(&judged, wall));
    Ok(())
}

/// What is to be judged.
struct Work {
    cases: Vec<CodeCase>,
    /// The task of each case, and how many tasks there are, where cases are samples for tasks.
    samples: Option<(Vec<usize>, usize)>,
}

impl Work {
    fn read(settings: &Code) -> Result<Work> {
        let CodeSource { cases, humaneval, mbpp } = &settings.source;
        let tasks: Vec<Task> = match (cases, humaneval, mbpp) {
            (Some(cases), ..) => return Ok(Work { cases: code::read(cases)?, samples: None }),
            (None, Some(file), _) => code::read_tasks(file, Format::HumanEval)?,
            (None, None, Some(file)) => code::read_tasks(file, Format::Mbpp)?,
            (None, None, None) => bail!("expected one of --cases, --humaneval and --mbpp"),
        };
        let Some(samples) = &settings.samples else {
            return Ok(Work { cases: tasks.iter().map(Task::canonical_case).collect(), samples: None });
        };
        let samples = code::read_samples(samples, &tasks)?;
        Ok(Work {
            cases: samples
                .iter()
                .map(|(task, sample)| tasks[*task].case(tasks[*task].program(sample)))
                .collect(),
            samples: Some((samples.iter().map(|(task, _)| *task).collect(), tasks.len())),
        })
    }

    fn summary(&self, judged: &[(ProgramReport, Duration)], wall: Duration) -> String {
        let mut counts: BTreeMap<ProgramVerdict, usize> = BTreeMap::new();
        for (report, _) in judged {
            *counts.entry(report.verdict).or_default() += 1;
        }
        let verdicts: Vec<String> =
            counts.iter().map(|(verdict, count)| format!("{} {count}", verdict.name())).collect();
        let weak = judged.iter().filter(|(report, _)| report.weak).count();
        let times = Times::of(judged.iter().map(|(_, time)| *time).collect());
        let mut text = format!("programs     {}: {}\n", judged.len(), verdicts.join(", "));
        if weak > 0 {
            text += &format!("weak         {weak} were compared by code of their own\n");
        }
        text += &format!(
            "time         {:.2} s, {:.1} programs/s; a program: median {:.1} ms, p95 {:.1} ms, max {:.1} ms\n",
            wall.as_secs_f64(),
            judged.len() as f64 / wall.as_secs_f64().max(1e-9),
            times.median_ms,
            times.p95_ms,
            times.max_ms
        );
        for pass in self.pass_at_k(judged) {
            text += &format!("pass@{:<8}{:.2} % over {} tasks\n", pass.k, 100.0 * pass.value, pass.tasks);
        }
        text
    }

    /// pass@1, pass@10 and pass@100, where every task has as many judged samples.
    fn pass_at_k(&self, judged: &[(ProgramReport, Duration)]) -> Vec<PassAtK> {
        let Some((places, tasks)) = &self.samples else { return Vec::new() };
        let mut counts = vec![(0, 0); *tasks];
        for (place, (report, _)) in places.iter().zip(judged) {
            let (judged, passed) = &mut counts[*place];
            // What our side broke says nothing of the model.
            *judged += usize::from(report.verdict != ProgramVerdict::Infrastructure);
            *passed += usize::from(report.verdict == ProgramVerdict::Accepted);
        }
        [1, 10, 100].into_iter().filter_map(|k| pass_at_k(&counts, k)).collect()
    }
}

/// Writes one JSON object a line: to standard output, or to where a path leads.
fn write_lines<T: Serialize>(path: Option<&Path>, lines: &[T]) -> Result<()> {
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    match path {
        None => io::stdout().lock().write_all(&text).context("cannot write to standard output"),
        Some(path) => Ok(tracelift_files::write(path, &text)?),
    }
}
