//! A folder to run the binary in, small models made on the spot, and what a run left behind.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

pub mod rollouts;

use rollouts::Rollout;
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use tracelift_domain::{Gold, Problem, Question, TaskDomain, Trace};
use tracelift_engine::{Checkpoint, Device, Learner, Memory, Precision, Start};
use tracelift_prompt::{Layout, PlannerPrompt, PlannerPromptConfig};
use tracelift_testing::words;
use tracelift_train::metrics::{StepMetrics, read_metrics};
use tracelift_train::run::RunLayout;
use tracelift_train::sft::{self, Example, SftConfig};

/// A folder in which commands run; it goes with the value.
pub struct Desk(tracelift_testing::Desk);

impl Deref for Desk {
    type Target = tracelift_testing::Desk;

    fn deref(&self) -> &tracelift_testing::Desk {
        &self.0
    }
}

/// How a warm planner is asked: in few tokens.
pub const PROMPT: &str =
    r#"{ layout = "text", system = "", examples = [], user = "Problem:\n{{ question }}\n\n", end = "says" }"#;

#[derive(serde::Deserialize)]
struct Section {
    prompt: PlannerPromptConfig,
}

impl Desk {
    pub fn new() -> Desk {
        Desk(tracelift_testing::Desk::of(env!("CARGO_BIN_EXE_tracelift")))
    }

    pub fn run(&self, folder: &str) -> Run {
        Run { layout: RunLayout::of(self.path(folder)) }
    }

    /// A byte-level checkpoint with random weights.
    pub fn small_model(&self, name: &str, seed: u64) -> PathBuf {
        self.good(&words(&format!("model init {name} --hidden 32 --layers 2 --seed {seed}")));
        self.path(name)
    }

    /// A byte-level planner that has seen enough to write `<reasoning>D</reasoning>` with a D of 1, 2 or 3: a random
    /// one hardly ever closes what it opens, and then no executor is asked.
    /// It is asked as [`PROMPT`] says.
    pub fn warm_planner(&self, name: &str, problems: &[Problem]) {
        let section: Section = toml::from_str(&format!("prompt = {PROMPT}")).unwrap();
        let asked = PlannerPrompt::new("planner.prompt", &section.prompt, Layout::Plain).unwrap();
        let folder = self.small_model(name, 1);
        let Checkpoint { model, tokenizer } = Checkpoint::load(&folder).unwrap();
        let examples: Vec<Example> = problems
            .iter()
            .flat_map(|problem| ["1", "2", "3"].map(|trace| (problem, trace)))
            .map(|(problem, trace)| {
                let prompt = tokenizer.prompt(&asked.prompt(&problem.question).unwrap()).unwrap();
                let trace = Trace::new(trace).unwrap().tagged().replace(' ', "");
                let mut tokens = [prompt.as_slice(), &tokenizer.encode(&trace).unwrap()].concat();
                tokens.extend(tokenizer.eos());
                Example { tokens, supervised_from: prompt.len() }
            })
            .collect();
        let config = SftConfig { steps: 60, learning_rate: 1e-2, warmup: 5, ..SftConfig::default() };
        let mut learner = Learner::on(Device::Cpu, model, Memory::Keep, config.optimizer, Start::Forgotten);
        for _ in 0..config.steps {
            sft::step(&mut learner, &config, &examples).unwrap();
        }
        Checkpoint { model: learner.into_model(), tokenizer }.save(&folder, Precision::F32).unwrap();
    }

    /// A reward model on a byte-level backbone, hardly trained.
    pub fn reward_model(&self, name: &str) {
        self.good(&words("world groups --world words --count 16 --out groups.jsonl"));
        self.small_model("backbone", 3);
        let rm = format!("rm train --groups groups.jsonl --backbone backbone --out {name}");
        self.good(&words(&format!("{rm} --set train.steps=2 --set train.groups=2 --set dev.share=0.2")));
    }
}

/// What a run left behind.
pub struct Run {
    pub layout: RunLayout,
}

impl Run {
    pub fn metrics(&self) -> Vec<StepMetrics> {
        read_metrics(&self.layout.metrics()).unwrap()
    }

    /// The rollouts of all steps.
    pub fn rollouts(&self) -> Vec<Rollout> {
        let steps = self.layout.rollout_steps().unwrap();
        steps.into_iter().flat_map(|step| rollouts::read(&self.layout.rollouts(step))).collect()
    }

    pub fn file(&self, relative: &str) -> Vec<u8> {
        fs::read(self.layout.root().join(relative)).unwrap()
    }
}

/// The samples of an evaluation, without the time that they took.
pub fn samples(file: &std::path::Path) -> Vec<tracelift_eval::SampleRecord> {
    let read = |line: &str| serde_json::from_str::<tracelift_eval::SampleRecord>(line).unwrap();
    let samples = fs::read_to_string(file).unwrap();
    let timeless = |sample| tracelift_eval::SampleRecord { seconds: None, ..sample };
    samples.lines().map(read).map(timeless).collect()
}

/// What `model inspect` says, without the fingerprint, which hangs on the machine's mathematical library.
pub fn without_fingerprint(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("fingerprint   ") {
        Some(digits) => {
            assert!(digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "{digits}");
            "fingerprint   [64 digits]\n".to_owned()
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Problems whose answer is 1, 2 or 3.
pub fn problems(count: usize) -> Vec<Problem> {
    (0..count)
        .map(|i| Problem {
            id: format!("pick/{i}"),
            question: Question::new("pick", TaskDomain::Math, "Pick 1, 2 or 3."),
            gold: Gold::Answer((1 + i % 3).to_string()),
        })
        .collect()
}

/// Problems as a JSONL file.
pub fn lines(problems: &[Problem]) -> String {
    problems.iter().map(|problem| serde_json::to_string(problem).unwrap() + "\n").collect()
}
