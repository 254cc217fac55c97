//! What the quickstart tells at its end: the report, and where everything is.

use super::Overview;
use super::plan::Plan;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;
use tracelift_domain::{Gold, Seed};
use tracelift_eval::{SampleRecord, Table};
use tracelift_report::{Attempt, Example, Report, Run};
use tracelift_reward::Rule;
use tracelift_train::metrics::read_metrics;
use tracelift_train::rubric::RubricAccuracy;
use tracelift_train::run::RunLayout;
use tracelift_train::source::Exercise;
use tracelift_worlds::WorldName;

/// Everything there is to tell.
pub struct Told<'a> {
    pub stage_world: WorldName,
    pub out: &'a Path,
    pub plan: &'a Plan,
    pub overview: &'a Overview,
    pub accuracy: &'a RubricAccuracy,
    pub executor: String,
    pub table: Table,
    pub samples: &'a [SampleRecord],
    pub items: &'a [Exercise],
    pub elapsed: Duration,
    pub seed: Seed,
}

impl Told<'_> {
    /// Writes `report.html`.
    pub fn write_report(&self) -> Result<()> {
        let mut runs = Vec::new();
        for rule in [Rule::ExecOnly, Rule::Tracelift] {
            let metrics = read_metrics(&RunLayout::of(self.out.join(rule.name())).metrics())?;
            runs.push(Run { name: rule.title().to_owned(), metrics, ..Run::default() });
        }
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let report = Report {
            title: format!("TraceLift quickstart: {}", self.stage_world),
            subtitle: format!(
                "seed {}, {} steps for each planner, {} minutes in all",
                self.seed.0,
                self.plan.steps.unwrap_or_default(),
                (self.elapsed.as_secs_f64() / 60.0).round()
            ),
            notes: vec![
                "Both planners start from the same base planner and see the same problems, the same number of steps and \
                 the same frozen executor. exec-only is paid for right answers; TraceLift is paid half for that and \
                 half for traces that the reward model finds sound and that make the executor do better than without \
                 any. exec-only looks at one executor run per trace, TraceLift at three, so part of a difference may be \
                 less noise; the rule exec_only_matched tells the two apart. One seed of training: differences between training runs are not in the standard errors."
                    .to_owned(),
            ],
            evaluation: Some(self.table.clone()),
            runs,
            examples: self.examples(),
            facts: vec![
                ("Executor".into(), self.executor.clone()),
                ("Executor without a trace, in distribution (b)".into(), percent(self.overview.without)),
                ("Executor with the base planner's traces".into(), percent(self.overview.with_base)),
                ("Executor with gold traces".into(), percent(self.overview.with_gold)),
                ("Base planner, answer and trace right".into(), percent(self.overview.base_verified)),
                ("Reward model, pairs told apart".into(), percent(self.accuracy.pairs)),
                ("Reward model, whole groups told apart".into(), percent(self.accuracy.whole_groups)),
                ("Steps of the reward model".into(), self.plan.rubric_steps.to_string()),
                ("Cores".into(), std::thread::available_parallelism().map_or(0, usize::from).to_string()),
                ("Version".into(), env!("CARGO_PKG_VERSION").to_owned()),
            ],
        };
        let path = self.out.join("report.html");
        Ok(report.write(&path)?)
    }

    /// Problems on which the rows differ first, then others: five in all.
    fn examples(&self) -> Vec<Example> {
        let differs = |item: &&Exercise| {
            let mut outcomes =
                self.first(item).filter(|s| s.completion.is_some()).map(|s| (s.correct, s.verified));
            let one = outcomes.next();
            outcomes.any(|other| Some(other) != one)
        };
        let chosen =
            self.items.iter().filter(differs).chain(self.items.iter().filter(|item| !differs(item))).take(5);
        chosen
            .map(|item| Example {
                problem_id: item.problem.id.clone(),
                level: item.instance.as_ref().map(|instance| instance.level()),
                statement: item.problem.question.statement.clone(),
                // Tests are nothing that one reads beside a trace.
                gold: matches!(item.problem.gold, Gold::Answer(_)).then(|| item.problem.gold.text()),
                attempts: self.first(item).map(|sample| attempt(item, sample)).collect(),
            })
            .collect()
    }

    /// What each row did with a problem, first seed.
    fn first<'s>(&'s self, item: &'s Exercise) -> impl Iterator<Item = &'s SampleRecord> {
        self.samples.iter().filter(|sample| sample.problem_id == item.problem.id && sample.seed == 0)
    }

    /// Says where everything is.
    pub fn say_where(&self) {
        let out = self.out.display();
        println!("report        {out}/report.html");
        println!("evaluation    {out}/evaluation/evaluation.md, evaluation.json, samples.jsonl");
        println!("planners      {out}/exec_only/planner, {out}/tracelift/planner");
        println!("reward model  {out}/reward-model/model");
        println!("curves        tensorboard --logdir {out}");
        println!("rollouts      {out}/tracelift/rollouts/*.parquet");
        println!("time          {:.1} minutes", self.elapsed.as_secs_f64() / 60.0);
    }
}

fn attempt(item: &Exercise, sample: &SampleRecord) -> Attempt {
    // A completion without a usable trace is shown as it is.
    let trace = sample.trace.as_ref().or(sample.completion.as_ref());
    let report = item.instance.as_ref().zip(trace).map(|(instance, trace)| instance.check(trace));
    Attempt {
        row: sample.row.clone(),
        steps: trace
            .map(String::as_str)
            .unwrap_or_default()
            .split(" . ")
            .map(|step| step.trim_end_matches(" .").to_owned())
            .filter(|s| !s.is_empty())
            .collect(),
        completion: sample.executor_completions.first().cloned().flatten(),
        artifact: sample.artifacts.first().cloned().flatten(),
        verdict: sample.verdicts.first().cloned().flatten(),
        unknown_because: sample.unknown_because.clone(),
        correct: sample.correct,
        verified: sample.verified,
        leaked: sample.leaked,
        first_flaw: report.and_then(|report| report.first_flaw),
    }
}
