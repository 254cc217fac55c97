//! A planner learns from traces and conversations, and goes on exactly after a kill.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod support;

use std::process::Stdio;
use support::{Desk, PROMPT, lines, problems};
use tracelift_domain::{Gold, Problem, Question, TaskDomain};
use tracelift_testing::{Server, files_of, until, words};

/// Problems that differ in their statements, so that some can be held out.
fn sums(count: usize) -> Vec<Problem> {
    (0..count)
        .map(|i| Problem {
            id: format!("sum/{i}"),
            question: Question::new("sum", TaskDomain::Math, format!("What is {i} + 1?")),
            gold: Gold::Answer((i + 1).to_string()),
        })
        .collect()
}

/// Groups as their published format has them: a reference that says what has to be done, and a flawed trace.
fn groups(count: usize) -> String {
    let group = |i: usize| {
        let label = r#"{"problem_understanding": 4, "solution_strategy": 4, "step_coherence": 4, "calculation_correctness": 4, "answer_support": 4, "total": 1.0}"#;
        format!(
            r#"{{"problem_id": "sum/{i}", "source": "sum", "task_type": "math", "problem": "What is {i} + 1?", "reference_solution": "{}",
                "positive_pool": [{{"reasoning": "Add 1.", "rubric": {label}}}],
                "negative_bank": [{{"negative_kind": "wrong_operation", "reasoning": "Take 1.", "rubric": {label}}}], "metadata": {{}}}}"#,
            i + 1
        )
        .replace('\n', " ")
            + "\n"
    };
    (0..count).map(group).collect()
}

fn desk(examples: &str) -> Desk {
    let desk = Desk::new();
    desk.small_model("base", 1);
    desk.write("groups.jsonl", &groups(40));
    desk.write(
        "sft.toml",
        &format!(
            r#"
            out = "run"
            seed = 5
            [planner]
            model = "base"
            prompt = {PROMPT}
            sampling = {{ max_tokens = 40 }}
            {examples}
            [held_out]
            share = 0.2
            [sft]
            steps = 30
            batch = 8
            learning_rate = 1e-2
            warmup = 2
            every = 10
            checkpoint_every = 5
            "#
        ),
    );
    desk
}

const GROUPS: &str = "[[examples]]\ngroups = \"groups.jsonl\"";

/// What a planner writes to the question of a problem that it has not seen.
fn writes(desk: &Desk, model: &str) -> String {
    desk.write("prompts.jsonl", "{\"prompt\": \"Problem:\\nWhat is 77 + 1?\\n\\n\"}\n");
    desk.good(&words(&format!("generate {model} --prompts prompts.jsonl --max-tokens 40 --temperature 0")))
}

#[test]
fn a_planner_learns_to_write_references() {
    let desk = desk(GROUPS);
    let said = desk.well(&words("sft --config sft.toml"));
    assert!(said.out.contains("examples: ") && said.out.contains("planner: run/planner"), "{}", said.out);
    let run = desk.run("run");
    let metrics = run.metrics();
    assert_eq!(metrics.len(), 30);
    let loss = |at: usize| metrics[at].get("sft/loss").unwrap();
    assert!(loss(29) < 0.2 * loss(0), "{} to {}", loss(0), loss(29));
    let looks: Vec<(u64, f64)> =
        metrics.iter().filter_map(|step| Some((step.step, step.get("held_out/loss")?))).collect();
    assert_eq!(looks.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [10, 20, 30]);
    assert!(looks[2].1 < 0.5 * looks[0].1, "{looks:?}");
    assert!(!writes(&desk, "base").contains("<reasoning> Add 1. </reasoning>"));
    assert!(
        writes(&desk, "run/planner").contains("<reasoning> Add 1. </reasoning>"),
        "{}",
        writes(&desk, "run/planner")
    );
    let best: serde_json::Value = serde_json::from_slice(&run.file("best/best.json")).unwrap();
    assert_eq!(best["step"], 30);
    assert_eq!(run.file("best/model.safetensors"), run.file("planner/model.safetensors"));
    // A step holds no example twice, however many are wanted.
    let all = "sft --config sft.toml --set out=all --set sft.steps=1 --set sft.batch=500 --set sft.warmup=0";
    let said = desk.well(&words(all));
    let tokens: f64 = said.out.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(desk.run("all").metrics()[0].get("sft/tokens"), Some(tokens), "{}", said.out);
    // It is a planner like others: trained on from here.
    assert!(desk.good(&words("model inspect run/planner")).contains("language model"));
}

#[test]
fn a_killed_course_ends_as_if_nothing_had_happened() {
    let desk = desk(GROUPS);
    for lora in ["", " --set planner.lora.rank=4 --set planner.lora.alpha=8"] {
        let out = |name: &str| format!("sft --config sft.toml --set out={name}{lora}");
        let (whole, cut) = if lora.is_empty() { ("whole", "cut") } else { ("whole-lora", "cut-lora") };
        desk.good(&words(&out(whole)));
        let mut child =
            desk.command(&words(&out(cut))).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let checkpoint = desk.run(cut).layout.checkpoint(5);
        until("the first checkpoint", || checkpoint.exists() || child.try_wait().unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        desk.good(&words(&(out(cut) + " --resume")));
        let planners = [whole, cut].map(|run| files_of(&desk.path(run).join("planner")));
        assert_eq!(planners[0], planners[1], "{lora}");
        let losses = [whole, cut].map(|run| {
            let metrics = desk.run(run).metrics();
            metrics
                .iter()
                .map(|step| (step.step, step.get("sft/loss"), step.get("held_out/loss")))
                .collect::<Vec<_>>()
        });
        assert_eq!(losses[0], losses[1], "{lora}");
        assert_eq!(desk.path(whole).join("adapter").exists(), !lora.is_empty());
    }
}

#[test]
fn a_run_s_own_good_traces_are_learned() {
    let server = Server::start(&[]);
    let desk = Desk::new();
    let all = problems(24);
    desk.write("problems.jsonl", &lines(&all));
    desk.warm_planner("planner", &all[..1]);
    let sections = format!(
        r#"
        seed = 5
        [planner]
        model = "planner"
        prompt = {PROMPT}
        sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = 12 }}
        "#
    );
    desk.write(
        "train.toml",
        &format!(
            "out = \"run\"\n{sections}\n[data]\npath = \"problems.jsonl\"\n[executor.openai]\nbase_urls = [\"{}\"]\n\
             model = \"silly\"\napi = \"completions\"\nprompt = \"world\"\n[reward]\nrule = \"exec_only\"\n\
             [grpo]\nsteps = 2\nproblems = 12\ngroup = 4\n[eval]\ndata.path = \"problems.jsonl\"\nseeds = 2\nruns = 1\n",
            server.url()
        ),
    );
    desk.good(&words("train --config train.toml"));
    desk.good(&words("eval --config train.toml"));
    let good =
        desk.run("run").rollouts().into_iter().filter(|r| r.e == Some(1.0) && r.trace.is_some()).count();
    assert!(good > 10, "{good}");
    for (name, from) in [("own", "run = \"run\""), ("samples", "samples = \"run/evaluation/samples.jsonl\"")]
    {
        let course = format!(
            "out = \"{name}\"\n{sections}\n[[examples]]\n{from}\n[sft]\nsteps = 2\n[held_out]\nshare = 0.0\n"
        );
        desk.write("sft.toml", &course);
        let said = desk.good(&words("sft --config sft.toml"));
        let count: usize = said.split_whitespace().nth(1).unwrap().parse().unwrap();
        // Of a problem whose answer is 2 the trace "2" is the one that leads there, however often it was written.
        assert!((8..=24).contains(&count), "{name}: {said}");
        assert!(said.contains("0 held out"), "{said}");
    }
    desk.write("sft.toml", &format!("out = \"none\"\n{sections}\n[[examples]]\nrun = \"planner\"\n"));
    assert!(desk.refused(&words("sft --config sft.toml")).contains("planner holds no rollouts"));
}

#[test]
fn conversations_and_texts_are_learned_as_they_stand() {
    let desk = desk("[[examples]]\npath = \"said.jsonl\"\n[[examples]]\npath = \"texts.jsonl\"\nlimit = 20");
    let turns = |i: usize| {
        format!(
            r#"{{"messages": [{{"role": "user", "content": "Say {i}."}}, {{"role": "assistant", "content": "No {i}."}}]}}"#
        ) + "\n"
    };
    desk.write(
        "texts.jsonl",
        &(0..40)
            .map(|i| format!("{{\"prompt\": \"{i}, \", \"completion\": \"next\"}}\n"))
            .collect::<String>(),
    );
    desk.write("said.jsonl", &(0..20).map(turns).collect::<String>());
    // A byte-level model has no template by which a conversation could be laid out.
    let message = desk.refused(&words("sft --config sft.toml"));
    assert!(message.contains("chat template"), "{message}");
    std::fs::write(
        desk.path("base/chat_template.jinja"),
        "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}",
    )
    .unwrap();
    let said = desk.good(&words("sft --config sft.toml --set planner.prompt.layout=chat"));
    let numbers: Vec<usize> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers[0] + numbers[2], 40, "{said}");
    desk.write("prompts.jsonl", "{\"prompt\": \"99, \"}\n");
    let next =
        desk.good(&words("generate run/planner --prompts prompts.jsonl --max-tokens 8 --temperature 0"));
    assert!(next.contains("next"), "{next}");
}

#[test]
fn what_is_wrong_is_named_before_anything_is_made() {
    let desk = desk(GROUPS);
    desk.write("bad.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\"}\n");
    desk.write("solved.jsonl", "{\"problem\": 3}\n");
    for (sets, says) in [
        ("--set examples=[]", "`examples` is missing"),
        ("--set examples=[{}]", "exactly one of `groups`, `run`, `samples` and `path`"),
        ("--set examples=[{groups=\"groups.jsonl\",path=\"bad.jsonl\"}]", "exactly one of"),
        ("--set examples=[{path=\"bad.jsonl\"}]", "bad.jsonl:2"),
        ("--set examples=[{path=\"bad.jsonl\",leaks=true}]", "`examples[0].leaks`"),
        ("--set examples=[{groups=\"groups.jsonl\",at_most=0}]", "`examples[0].at_most`"),
        ("--set examples=[{samples=\"solved.jsonl\"}]", "solved.jsonl:1: `correct` is missing"),
        ("--set examples=[{groups=\"nowhere.jsonl\"}]", "nowhere.jsonl"),
        ("--set held_out.share=1.0", "`held_out.share`"),
        ("--set held_out.share=0.9999999", "no example is left"),
        ("--set sft.learning_rate=inf", "`sft.learning_rate`"),
        ("--set sft.stepz=3", "stepz"),
        ("--set planner.prompt.prefill=Sure!", "`planner.prompt.prefill`"),
        ("--set planner.model=nowhere", "nowhere"),
        ("--resume", "holds no run to go on with"),
    ] {
        let message = desk.bad(&words(&format!("sft --config sft.toml {sets}")));
        assert!(message.contains(says), "{sets}: {message}");
    }
    assert!(!desk.path("run").exists(), "a refused course left something");
    desk.good(&words("sft --config sft.toml --set sft.steps=3"));
    assert!(desk.refused(&words("sft --config sft.toml --set sft.steps=3")).contains("already holds a run"));
    let other = "sft --config sft.toml --set sft.steps=3 --set sft.batch=3 --resume";
    assert!(desk.refused(&words(other)).contains("`sft.batch` (8)"));
}

#[test]
fn problems_of_test_sets_are_left_out() {
    let Some(test) = tracelift_testing::shared("data/gsm8k/test.jsonl") else {
        return tracelift_testing::skipped("GSM8K's test set is not there");
    };
    let text = std::fs::read_to_string(test).unwrap();
    let row: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let desk = desk(GROUPS);
    let mut all = groups(40);
    all += &groups(1)
        .replace("\"What is 0 + 1?\"", &row["question"].to_string())
        .replace("sum/0", "gsm8k/test/0");
    desk.write("groups.jsonl", &all);
    // Its variant, in other numbers, is of the set as well; so is what a user asks in a conversation or a text.
    let variant = groups(1).replace("sum/0", "gsm8k/test/0/1");
    all += &variant.replace("\"metadata\": {}", "\"metadata\": {\"variant_of\": \"gsm8k/test/0\"}");
    desk.write("groups.jsonl", &all);
    let asked = [
        serde_json::json!({ "prompt": row["question"], "completion": "So." }),
        serde_json::json!({ "prompt": [{ "role": "user", "content": row["question"] }], "completion": "So." }),
        serde_json::json!({ "prompt": "What is 1 + 1?", "completion": "Two." }),
    ];
    desk.write("asked.jsonl", &asked.map(|line| line.to_string() + "\n").concat());
    let texts = "sft --config sft.toml --set sft.steps=1 --set out=texts --set held_out.share=0.0 --set examples=[{path=\"asked.jsonl\"}]";
    let said = desk.well(&words(texts));
    assert!(
        said.err.contains("left out examples of problems on which models are evaluated: 2 of"),
        "{}",
        said.err
    );
    assert!(said.out.starts_with("examples: 1 "), "{}", said.out);
    let said = desk.well(&words("sft --config sft.toml --set sft.steps=1")).err;
    assert!(said.contains("left out examples of problems on which models are evaluated: 2 of"), "{said}");
    let forced = desk
        .well(&words("sft --config sft.toml --set sft.steps=1 --set out=forced --set force_test_sets=true"));
    assert!(!forced.err.contains("left out"), "{}", forced.err);
    // Questions may be looked up among problems; what is left out need not be there.
    desk.write("sums.jsonl", &lines(&sums(40)));
    desk.good(&words("sft --config sft.toml --set sft.steps=1 --set out=known --set data.path=sums.jsonl"));
    desk.write("sums.jsonl", &lines(&sums(9)));
    let message = desk
        .failing(&words("sft --config sft.toml --set sft.steps=1 --set out=more --set data.path=sums.jsonl"));
    assert!(message.contains("`data` holds no problem `sum/9`"), "{message}");
}
