//! Settings and models that ruin a run: settings are refused by key, and what a broken model says is unknown.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use support::{Desk, PROMPT, lines, problems};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};
use tracelift_engine::{Checkpoint, Precision};
use tracelift_testing::words;

const CONFIG: &str = r#"
    out = "run"
    preflight.problems = 0
    seed = 5
    [data]
    path = "problems.jsonl"
    [planner]
    model = "planner"
    prompt = PROMPT
    sampling = { temperature = 1.0, top_p = 1.0, max_tokens = 12 }
    [executor.in_process]
    model = "executor"
    sampling = { max_tokens = 8 }
    [reward]
    rule = "exec_only"
    runs = 1
    [grpo]
    steps = 9
    problems = 4
    group = 4
    patience = 2
    [eval]
    data = { path = "problems.jsonl", limit = 2 }
"#;

fn desk() -> Desk {
    let desk = Desk::new();
    let problems = problems(8);
    desk.write("problems.jsonl", &lines(&problems));
    desk.write("tracelift.toml", &CONFIG.replace("PROMPT", PROMPT));
    desk.warm_planner("planner", &problems[..1]);
    desk.small_model("executor", 2);
    desk
}

/// A model every weight of which is a number, and whose logits are none.
fn overflowing(desk: &Desk, from: &str, name: &str) {
    let mut checkpoint = Checkpoint::load(&desk.path(from)).unwrap();
    checkpoint.model.weights.iter_mut().for_each(|weight| *weight = weight.signum() * 1e30);
    checkpoint.save(&desk.path(name), Precision::F32).unwrap();
}

#[test]
fn an_executor_whose_logits_overflow_is_unknown() {
    let desk = desk();
    overflowing(&desk, "executor", "broken");
    let errors = desk.failing(&words("train --config tracelift.toml --set executor.in_process.model=broken"));
    assert!(errors.contains("stopped after step 2") && errors.contains("non_finite"), "{errors}");
    for rollout in desk.run("run").rollouts().iter().filter(|rollout| rollout.defect.is_none()) {
        assert_eq!((rollout.e, rollout.reward), (None, None));
        assert_eq!(rollout.unknown_because, ["non_finite"]);
    }
    let errors = desk
        .failing(&words("eval --config tracelift.toml --rows start --set executor.in_process.model=broken"));
    assert!(errors.contains("nothing is known") && errors.contains("logits are not finite"), "{errors}");
}

#[test]
fn a_planner_whose_logits_overflow_is_an_error() {
    let desk = desk();
    overflowing(&desk, "planner", "broken");
    desk.write("prompts.jsonl", "{\"prompt\": \"Pick 1, 2 or 3.\"}\n");
    for line in [
        "train --config tracelift.toml --set planner.model=broken",
        "eval --config tracelift.toml --rows start --set planner.model=broken",
        "generate broken --prompts prompts.jsonl --max-tokens 4",
    ] {
        let errors = desk.failing(&words(line));
        assert!(errors.contains("logits after prompt 0 are not finite"), "{line}: {errors}");
    }
}

#[test]
fn numbers_that_ruin_a_run_are_refused_by_key() {
    let desk = desk();
    for (key, values) in [
        ("grpo.learning_rate", &["inf", "nan", "-1.0", "0.0", "1e30"][..]),
        ("grpo.optimizer.beta1", &["1.0", "nan", "-1.0"]),
        ("grpo.optimizer.weight_decay", &["nan", "-1.0", "inf"]),
        ("grpo.optimizer.max_norm", &["-1.0", "nan", "0.0"]),
        ("grpo.clip_high", &["nan", "inf", "-1.0"]),
        ("grpo.patience", &["0"]),
        ("planner.sampling.temperature", &["nan", "inf", "-1.0", "1e-40"]),
        ("planner.sampling.top_p", &["nan", "0.0", "1.5"]),
        ("planner.sampling.max_tokens", &["0", "9000000"]),
        ("executor.in_process.sampling.temperature", &["nan", "-1.0"]),
        ("executor.in_process.sampling.max_tokens", &["0", "9000000"]),
        ("reward.runs", &["0"]),
        ("reward.lambda", &["nan", "2.0", "-1.0"]),
    ] {
        for value in values {
            for command in ["train", "eval --rows start"] {
                let errors =
                    desk.failing(&words(&format!("{command} --config tracelift.toml --set {key}={value}")));
                let last = key.rsplit('.').next().unwrap();
                assert!(errors.contains(last), "{command}, {key} = {value}: {errors}");
            }
        }
    }
    assert!(!desk.path("run").exists(), "a run was begun");
}

#[test]
fn a_warm_up_that_outlasts_its_training_is_refused_where_it_stands() {
    let desk = desk();
    desk.good(&words("world groups --world steps --out groups.jsonl --count 24"));
    desk.write(
        "sft.toml",
        &format!(
            "out = \"taught\"\n[planner]\nmodel = \"planner\"\nprompt = {PROMPT}\n[[examples]]\ngroups = \"groups.jsonl\"\n\
             [held_out]\nshare = 0.2\n[sft]\nepochs = 1.0\nbatch = 8\nwarmup = 2\n"
        ),
    );
    desk.write(
        "rm.toml",
        "groups = [\"groups.jsonl\"]\nout = \"rubric\"\n[backbone]\nmodel = \"planner\"\n[train]\nsteps = 9\nwarmup = 91\n",
    );
    let noise = "{ spoiling = 0.06, benign = 0.08 }";
    desk.write(
        "pretraining.toml",
        &format!(
            "hidden = 32\nlayers = 1\nwithout_trace = 0.3\nflawed = 0.5\nfollow = 0.7\nplanner_noise = {noise}\n\
             executor_noise = {noise}\nplanner = {{ steps = 5, warmup = 0 }}\nexecutor = {{ steps = 5, warmup = 1000000000 }}\n"
        ),
    );
    for (line, place) in [
        (
            "train --config tracelift.toml --set grpo.warmup=1000000000",
            "--set grpo.warmup=1000000000: `grpo.warmup`",
        ),
        ("train --config tracelift.toml --set grpo.warmup=900", "--set grpo.warmup=900: `grpo.warmup`"),
        // How many steps an epoch is, is counted first.
        ("sft --config sft.toml --set sft.warmup=4000", "--set sft.warmup=4000: `sft.warmup`"),
        ("sft --config sft.toml --set sft.warmup=21 --set sft.steps=2", "--set sft.warmup=21: `sft.warmup`"),
        ("rm train --config rm.toml", "rm.toml:7: `train.warmup`"),
        (
            "world pretrain --world steps --out models --config pretraining.toml",
            "pretraining.toml:9: `executor.warmup`",
        ),
    ] {
        let errors = desk.failing(&words(line));
        assert!(errors.contains(place) && errors.contains("rate"), "{line}: {errors}");
    }
    for begun in ["run", "taught", "rubric", "runs", "models"] {
        assert!(!desk.path(begun).exists(), "{begun} was begun");
    }
    // A few steps for a trial are no mistake; it is said what they are.
    let said = desk.well(&words(
        "rm train --config rm.toml --set train.warmup=9 --set backbone.model=planner --set out=trial",
    ));
    assert!(said.err.contains("warning: --set train.warmup=9: `train.warmup` is 9, and"), "{}", said.err);
    // One that nobody wrote stands in nobody's way.
    let said =
        desk.well(&words("rm train --config rm.toml --set train.warmup=3 --set backbone.model=planner"));
    assert!(!said.err.contains("warning"), "{}", said.err);
}

/// A problem that takes so many bytes to say, which are as many tokens of a byte-level model.
fn long(id: &str, bytes: usize) -> Problem {
    let statement = "Pick 1, 2 or 3. ".repeat(bytes / 16);
    Problem {
        id: id.into(),
        question: Question::new("pick", TaskDomain::Math, statement),
        gold: Gold::Answer("1".into()),
    }
}

#[test]
fn prompts_that_do_not_fit_are_said_before_the_first_step() {
    let desk = desk();
    // A byte a token, and a context of 4,096: of these the first is too long for both models, the second for the executor
    // with a budget of its own.
    let mut all = problems(8);
    all.extend([long("long/1", 6000), long("long/2", 3000)]);
    desk.write("problems.jsonl", &lines(&all));
    let told = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        let output =
            desk.command(&[&["train", "--config", "tracelift.toml"][..], &sets].concat()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let tight = ["grpo.steps=1", "executor.in_process.sampling.max_tokens=1100"];
    let (code, errors) = told(&tight);
    assert_eq!(code, Some(0), "{errors}");
    for says in [
        "the prompts of 1 of 10 problems leave less than `planner.sampling.max_tokens` of the planner's context (`long/1` lacks ",
        "the prompts of 1 of 9 problems leave less than `executor.in_process.sampling.max_tokens` of the executor's context \
         (`long/2` lacks ",
        "those are left out",
    ] {
        assert!(errors.contains(says), "{says:?} is not in\n{errors}");
    }
    assert!(desk.run("run").rollouts().iter().all(|rollout| rollout.problem_id.starts_with("pick/")));

    // A trace may make a prompt too long that fits without.
    desk.write("short.jsonl", &lines(&all[..8]));
    let (executor, planner) =
        ("executor.in_process.sampling.max_tokens=700", "planner.sampling.max_tokens=3500");
    let (_, errors) = told(&["data.path=short.jsonl", "out=traced", "grpo.steps=1", executor, planner]);
    assert!(
        errors.contains("with a trace of `planner.sampling.max_tokens` (3500), the prompts of 8 of 8"),
        "{errors}"
    );

    // Where nothing fits there is no run; and what is measured is not chosen by its length.
    desk.write("long.jsonl", &lines(&all[8..]));
    for (sets, says) in [
        (
            &["data.path=long.jsonl", "planner.sampling.max_tokens=3000"][..],
            "`[data]`: the prompts of 2 of 2 problems",
        ),
        (&["dev.data.path=problems.jsonl"], "`[dev.data]`: the prompts of 1 of 10 problems"),
    ] {
        let (code, errors) = told(&[sets, &["out=none"]].concat());
        assert_eq!(code, Some(1), "{errors}");
        assert!(errors.contains(says) && errors.contains("`planner.sampling.max_tokens`"), "{errors}");
        assert!(!desk.path("none").exists(), "a run was begun");
    }
    let errors = desk.failing(&words("eval --config tracelift.toml --rows start --set eval.data.limit=10"));
    assert!(errors.contains("the planner of row `base planner`"), "{errors}");
    assert!(errors.contains("`[eval.data]`: the prompts of 1 of 10 problems"), "{errors}");
}

/// A file with one setting more, in a section of its own at the end, and the line on which it stands.
fn with(text: &str, key: &str, value: &str) -> (String, usize) {
    let (section, last) = key.rsplit_once('.').unwrap();
    let text = format!("{}\n[{section}]\n{last} = {value}\n", text.trim_end());
    let line = text.lines().count();
    (text, line)
}

#[test]
fn what_is_refused_is_refused_by_line_and_before_any_work() {
    let desk = desk();
    let config = CONFIG.replace("PROMPT", PROMPT);
    for (key, value) in [
        ("grpo.optimizer.beta2", "1.0"),
        ("grpo.optimizer.weight_decay", "100000.0"),
        ("planner.lora", "{ rank = 8, alpha = nan }"),
        ("planner.lora", "{ rank = 4000, alpha = 8.0 }"),
        ("planner.lora", "{ rank = 8, alpha = 8.0, targets = [\"q_proj\", \"q_proj\"] }"),
        ("dev.data", "{ world = \"steps\", limit = 0 }"),
        ("dev.data", "{ world = \"steps\", path = \"problems.jsonl\" }"),
        ("dev.data", "{ world = \"steps\" }\nruns = 1000000"),
        ("verifier.programs", "{ time_limit_s = inf }"),
        ("verifier.programs", "{ compare = { float = { absolute = -1.0, relative = 0.0 } } }"),
        ("verifier.math_verify", "{ timeout_s = nan }"),
        ("rubric.judge", "{ samples = 3, oracle = { base_urls = [\"http://a\"], model = \"m\" } }"),
        ("rubric.judge", "{ oracle = { base_urls = [\"http://a\"], model = \"m\", top_p = 0.0 } }"),
        ("rubric.url", "\"a:1\""),
        ("rubric.url", "\"http://a:1\"\ntimeout_s = nan"),
    ] {
        // A section that the file has already gets its setting there.
        let (text, line) = match key {
            "planner.lora" => {
                let text = config.replace("    prompt = ", &format!("    lora = {value}\n    prompt = "));
                let line = text.lines().position(|line| line.contains("lora = ")).unwrap();
                (text, line + 1)
            }
            _ => with(&config, key, value),
        };
        desk.write("tracelift.toml", &text);
        let errors = desk.failing(&words("train --config tracelift.toml"));
        assert!(errors.starts_with(&format!("error: tracelift.toml:{line}: `")), "{key} = {value}: {errors}");
        let section = key.split('.').next().unwrap();
        assert!(errors.contains(&format!("`{section}.")), "{key} = {value}: {errors}");
        assert!(!desk.path("run").exists(), "a run was begun: {key} = {value}");
    }
    desk.write("tracelift.toml", &config);
    for (set, says) in [
        ("out=", "--set out=: `out` is empty"),
        ("out=problems.jsonl", "--set out=problems.jsonl: `out`: "),
        ("out=/dev/null/run", "`out`: "),
        ("grpo.clip_low=0.0", "`grpo.clip_low` is 0, expected above 0"),
        ("grpo.steps=9000000000000", "`grpo.steps` is 9000000000000"),
        ("grpo.group=1000000", "`grpo.group` is 1000000"),
        ("reward.runs=1000000000000", "`reward.runs` is 1000000000000, expected from 1 to 1000"),
        ("planner.model=nowhere", "--set planner.model=nowhere: `planner.model`: failed to load the planner"),
        ("executor.in_process.model=/dev/zero", "`executor.in_process.model`: failed to load the executor"),
        ("data.path=/dev/null", "--set data.path=/dev/null: `data.path` is a folder or a device"),
    ] {
        let errors = desk.failing(&["train", "--config", "tracelift.toml", "--set", set]);
        assert!(errors.contains(says), "{set}: {errors}");
        assert!(!desk.path("run").exists(), "a run was begun: {set}");
    }
    for (set, says) in [
        ("eval.seeds=1000000000000", "`eval.seeds` is 1000000000000, expected from 1 to 10000"),
        ("eval.runs=1000000000000", "`eval.runs` is 1000000000000"),
        ("eval.data.limit=0", "`eval.data.limit` is 0"),
        ("eval.rows={ \" \" = \"planner\" }", "`eval.rows` has a row \" \""),
        ("eval.rows={ a = \"nowhere\" }", "the planner of row `a`"),
    ] {
        let errors = desk.failing(&["eval", "--config", "tracelift.toml", "--rows", "start", "--set", set]);
        assert!(errors.contains(says) && errors.starts_with("error: "), "{set}: {errors}");
    }
}

#[test]
fn an_executor_behind_a_server_is_refused_by_its_whole_key() {
    let desk = desk();
    let openai = "[executor.openai]\nbase_urls = [\"http://a\"]\nmodel = \"m\"\n";
    let (before, rest) = CONFIG.split_once("    [executor.in_process]").unwrap();
    let (_, after) = rest.split_once("    [reward]").unwrap();
    let config = format!("{before}{openai}    [reward]{after}").replace("PROMPT", PROMPT);
    for (key, value) in [
        ("timeout_s", "nan"),
        ("sampling", "{ temperature = -1.0 }"),
        ("price", "{ input = nan, output = 1.0 }"),
        ("budget", "{ calls = 0 }"),
        ("budget", "{ money = 1.0 }"),
        ("finished", "[]"),
        ("served_as", "[\"\"]"),
        ("extra", "{ n = 2 }"),
        ("extra", "{ min_p = nan }"),
        ("prompt", "\"nothing\""),
    ] {
        let text = config.replace("model = \"m\"\n", &format!("model = \"m\"\n{key} = {value}\n"));
        let line = 1 + text.lines().position(|line| line == format!("{key} = {value}")).unwrap();
        desk.write("tracelift.toml", &text);
        let errors = desk.failing(&words("train --config tracelift.toml"));
        let says = format!("error: tracelift.toml:{line}: `executor.openai.{key}");
        assert!(errors.starts_with(&says), "{key} = {value}: {errors}");
    }
}

#[test]
fn a_build_of_groups_is_refused_by_line() {
    let desk = Desk::new();
    let text = "out = \"groups.jsonl\"\nwanted = 6\n\n[gates]\nwords = 5\n\n[[seeds]]\nworld = \"words\"\nlimit = 2\n";
    let oracle = "oracle = { base_urls = [\"http://a\"], model = \"m\" }";
    for (old, new, says) in [
        ("wanted = 6", "wanted = 1000000000", "build.toml:2: `wanted`"),
        ("words = 5", "words = 1000000000", "build.toml:5: `gates.words`"),
        ("limit = 2", "limit = 0", "build.toml:9: `seeds[0].limit`"),
        ("limit = 2", "variants = 2", "build.toml:9: `seeds[0].variants`"),
        ("[gates]", "[programs]\ntime_limit_s = nan\n\n[gates]", "build.toml:5: `programs.time_limit_s`"),
        ("[gates]", "[llm]\ncloseness = nan\nORACLE\n\n[gates]", "build.toml:5: `llm.closeness`"),
        ("[gates]", "[judge]\nsamples = 3\nORACLE\n\n[gates]", "build.toml:5: `judge.samples`"),
    ] {
        desk.write("build.toml", &text.replace(old, new).replace("ORACLE", oracle));
        let errors = desk.failing(&words("groups build --config build.toml"));
        assert!(errors.starts_with(&format!("error: {says}")), "{new}: {errors}");
    }
    assert!(!desk.path("groups.jsonl").exists() && !desk.path("groups.jsonl.partial").exists());
}
