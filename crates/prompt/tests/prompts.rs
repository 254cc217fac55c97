//! What planners and executors are given, and what a section of a configuration may say.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use serde::Deserialize;
use std::fs;
use tracelift_domain::prompt::{Prompt, Thinking};
use tracelift_domain::{AnswerForm, Question, TaskDomain, Trace};
use tracelift_prompt::{
    End, ExecutorPrompt, ExecutorPromptConfig, Layout, PlannerPrompt, PlannerPromptConfig, preset,
};

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    planner: PlannerPromptConfig,
    #[serde(default)]
    executor: ExecutorPromptConfig,
}

fn planner(toml: &str) -> Result<PlannerPrompt, String> {
    let file: File = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
    PlannerPrompt::new("planner.prompt", &file.planner, Layout::Plain).map_err(|error| error.to_string())
}

fn executor(toml: &str) -> Result<ExecutorPrompt, String> {
    let file: File = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
    ExecutorPrompt::new("executor.prompt", &file.executor, Layout::Plain).map_err(|error| error.to_string())
}

fn answer() -> Question {
    Question { form: AnswerForm::Number, ..Question::new("gsm8k", TaskDomain::Math, "What is 1 + 1?") }
}

fn function() -> Question {
    Question {
        entry: Some("add".into()),
        tests_shown: vec!["assert add(1, 2) == 3".into()],
        ..Question::new("mbpp", TaskDomain::Code, "Write a function to add two numbers.")
    }
}

fn program() -> Question {
    Question::new("taco", TaskDomain::Code, "Read two numbers and print their sum.")
}

fn trace() -> Trace {
    Trace::new("Add one and one.").unwrap()
}

fn said(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => text.to_string(),
        Prompt::Conversation { messages, prefill, .. } => {
            let turns: String = messages
                .iter()
                .map(|message| format!("[{:?}]\n{}\n", message.role, message.content))
                .collect();
            format!("{turns}[reply]\n{prefill}")
        }
    }
}

#[test]
fn presets_are_as_written() {
    let mut text = String::new();
    for preset in preset::all() {
        text.push_str(&format!("==== {} {}: {}\n", preset.name, preset.version, preset.about));
        let section = |side| format!("{side} = {:?}", preset.name);
        let question = match preset.name {
            "function" => function(),
            "program" => program(),
            _ => answer(),
        };
        let planner = planner(&section("planner")).unwrap().prompt(&question).unwrap();
        let executor = executor(&section("executor")).unwrap();
        let with = executor.prompt(&question, Some(&trace())).unwrap();
        let without = executor.prompt(&question, None).unwrap();
        for (whose, prompt) in
            [("planner", planner), ("executor, no trace", without), ("executor, trace", with)]
        {
            text.push_str(&format!("---- {whose}\n{}\n", said(&prompt)));
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_preset_follows_from_what_is_asked_for() {
    let planner = planner("").unwrap();
    for (question, says) in
        [(answer(), "solve a problem"), (function(), "Python function"), (program(), "Python program")]
    {
        let text = said(&planner.prompt(&question).unwrap());
        assert!(text.contains(says), "{text}");
        assert!(text.contains(&question.statement), "{text}");
    }
    let executor = executor("").unwrap();
    for (question, says) in
        [(answer(), "\\boxed{}"), (function(), "`add`"), (program(), "reads standard input")]
    {
        let text = said(&executor.prompt(&question, None).unwrap());
        assert!(text.contains(says), "{text}");
    }
    let expression = Question { form: AnswerForm::Expression, ..answer() };
    let text = |question: &Question| said(&executor.prompt(question, None).unwrap());
    assert!(text(&answer()).contains("a number without its unit"));
    assert!(!text(&expression).contains("a number without its unit"));
}

#[test]
fn the_worlds_prompts_are_exact() {
    let executor = executor("executor = 'world'").unwrap();
    let text = |trace: Option<&Trace>| said(&executor.prompt(&answer(), trace).unwrap());
    assert_eq!(
        text(Some(&trace())),
        "<problem> What is 1 + 1? </problem> <reasoning> Add one and one. </reasoning> <answer>"
    );
    assert_eq!(text(None), "<problem> What is 1 + 1? </problem> <answer>");
    let planner = planner("planner = 'world'").unwrap();
    assert_eq!(said(&planner.prompt(&answer()).unwrap()), "<problem> What is 1 + 1? </problem>");
}

#[test]
fn layouts_lay_out_the_same_words() {
    let layout = |name: &str| planner(&format!("planner = {name:?}")).unwrap().prompt(&answer()).unwrap();
    let Prompt::Text(plain) = layout("plain") else { panic!("a text") };
    let Prompt::Text(chatml) = layout("chatml") else { panic!("a text") };
    assert!(plain.ends_with("Problem:\nWhat is 1 + 1?\n\n"), "{plain}");
    assert!(chatml.ends_with("Problem:\nWhat is 1 + 1?<|im_end|>\n<|im_start|>assistant\n"), "{chatml}");
    for (name, wanted) in [("chat", Thinking::Default), ("chat-without-thinking", Thinking::Off)] {
        let Prompt::Conversation { messages, thinking, prefill } = layout(name) else {
            panic!("a conversation")
        };
        assert_eq!((messages.len(), thinking, prefill.as_str()), (4, wanted, ""));
        assert!(messages.iter().all(|message| plain.contains(&message.content)));
    }
}

#[test]
fn a_section_says_what_it_wants_otherwise() {
    let prompt = planner(
        "[planner]\npreset = 'hashes'\nlayout = 'chat'\nsystem = 'Plan for {{ domain }} of {{ source }}.'\nexamples = []\n\
         prefill = \"<reasoning>\\n\"\nstop = ['</reasoning>']\nend = 'says'",
    )
    .unwrap();
    let question = answer();
    assert_eq!(
        said(&prompt.prompt(&question).unwrap()),
        "[System]\nPlan for math of gsm8k.\n[User]\nProblem:\nWhat is 1 + 1?\n[reply]\n<reasoning>\n"
    );
    assert_eq!(prompt.prefill(&question), "<reasoning>\n");
    assert_eq!(prompt.stop(&question), ["</reasoning>"]);
    assert_eq!(prompt.end(&question), End::Says);
    let prompt = executor("[executor]\nsystem = ''\nuser = \"Q: {{ question }}{{ reasoning }}\\nA:\"\nreasoning = ' ({{ trace }})'\nprefill = ' '").unwrap();
    assert_eq!(
        said(&prompt.prompt(&question, Some(&trace())).unwrap()),
        "Q: What is 1 + 1? (Add one and one.)\nA:\n\n "
    );
    let conversation = prompt.conversation(&question, None).unwrap();
    assert_eq!(said(&conversation), "[User]\nQ: What is 1 + 1?\nA:\n[reply]\n ");
}

#[test]
fn examples_are_asked_as_questions_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("examples.jsonl");
    let example =
        r#"{"question": "Negate.", "entry": "negate", "tests": ["assert negate(1) == -1"], "reply": "`f`"}"#;
    fs::write(&path, format!("{example}\n\n{{\"user\": \"word for {{{{ word }}}}\", \"reply\": \"yes\"}}\n"))
        .unwrap();
    let prompt = executor(&format!("[executor]\nlayout = 'chat'\nsystem = ''\nexamples = {path:?}")).unwrap();
    assert_eq!(
        said(&prompt.prompt(&function(), Some(&trace())).unwrap()),
        "[User]\nTask:\nNegate.\n\nTest:\nassert negate(1) == -1\n[Assistant]\n`f`\n[User]\nword for {{ word }}\n[Assistant]\nyes\n\
         [User]\nTask:\nWrite a function to add two numbers.\n\nTest:\nassert add(1, 2) == 3\n\nFollow this reasoning:\n\
         Add one and one.\n[reply]\n"
    );
    for (line, wrong) in [
        ("{}", "missing field `reply`"),
        ("{\"reply\": \"x\"}", "needs exactly one of `question` and `user`"),
        (
            "{\"question\": \"x\", \"user\": \"x\", \"reply\": \"x\"}",
            "needs exactly one of `question` and `user`",
        ),
        ("{\"user\": \"x\", \"entry\": \"f\", \"reply\": \"x\"}", "`entry` or `tests` beside `user`"),
        ("{\"question\": \"x\", \"reply\": \" \"}", "empty `reply`"),
        ("{\"question\": \"x\", \"answer\": \"x\"}", "unknown field `answer`"),
    ] {
        fs::write(&path, format!("{example}\n{line}\n")).unwrap();
        let message = executor(&format!("[executor]\nexamples = {path:?}")).unwrap_err();
        assert!(
            message.starts_with(&format!("{}:2: ", path.display())) && message.contains(wrong),
            "{message}"
        );
    }
    let message = executor("[executor]\nexamples = 'nowhere.jsonl'").unwrap_err();
    assert!(
        message.starts_with("failed to read the examples of `executor.prompt` from nowhere.jsonl: "),
        "{message}"
    );
}

#[test]
fn what_cannot_be_said_is_refused_by_key() {
    for (toml, wrong) in [
        ("planner = 'boxd'", "`planner.prompt` names \"boxd\", expected a preset (`boxed`,"),
        ("planner.preset = 'boxd'", "`planner.prompt` names \"boxd\", expected a preset (`boxed`,"),
        ("planner.reasoning = '{{ trace }}'", "`reasoning` belongs to an executor's prompt"),
        ("planner.usr = 'x'", "unknown field `usr`"),
        ("planner.user = '{{ gold }}'", "`planner.prompt.user`: undefined value"),
        ("planner.user = '{{ question'", "`planner.prompt.user`: syntax error"),
        ("planner.system = '{% for i in range(9999999) %}{% endfor %}'", "`planner.prompt.system`: "),
        (
            "planner.layout = 'text'\nplanner.system = 'x'",
            "`planner.prompt.system` cannot be said in the layout `text`",
        ),
        (
            "planner.layout = 'text'\nplanner.system = ''",
            "`planner.prompt.examples` cannot be said in the layout `text`",
        ),
        ("planner.stop = ['']", "`planner.prompt.stop` holds an empty text"),
        ("planner = 5", "expected a table, or the name of a preset or a layout"),
    ] {
        let message = planner(toml).unwrap_err();
        assert!(message.contains(wrong), "{toml}: {message}");
    }
    for (toml, wrong) in [
        ("executor.end = 'closes'", "`end` belongs to a planner's prompt"),
        ("executor.user = '{{ question }}'", "`executor.prompt.user` holds `{{ reasoning }}` 0 times"),
        ("executor.user = '{{ reasoning }}{{ question }}{{ reasoning }}'", "2 times"),
        ("executor.user = '{{ question }}{{ reasoning|upper }}'", "0 times"),
        ("executor.user = '{% if artifact == \"answer\" %}{{ reasoning }}{% endif %}'", "0 times"),
        (
            "executor.user = '{{ question }}{{ reasoning }}{{ trace }}'",
            "`executor.prompt.user`: undefined value",
        ),
        ("executor.system = '{{ reasoning }}'", "`executor.prompt.system`: undefined value"),
        ("executor.reasoning = '{{ thoughts }}'", "`executor.prompt.reasoning`: undefined value"),
    ] {
        let message = executor(toml).unwrap_err();
        assert!(message.contains(wrong), "{toml}: {message}");
    }
}

proptest! {
    /// Whatever the user's text asks of its variables, it cannot ask whether there is a trace.
    #[test]
    fn both_arms_differ_by_the_trace_alone(
        before in "[a-z\\n ]{0,12}",
        condition in proptest::sample::select(vec!["reasoning", "not reasoning", "reasoning|length > 20", "reasoning == ''", "tests"]),
        layout in proptest::sample::select(vec!["plain", "chatml", "chat", "chat-without-thinking"]),
        trace in "[^<]{1,40}",
        statement in "[^<]{0,40}",
    ) {
        let user = format!("{before}{{% if {condition} %}}Think hard.{{% else %}}Answer.{{% endif %}} {{{{ question }}}}{{{{ reasoning }}}} end");
        let toml = format!("[executor]\nlayout = {layout:?}\nuser = {user:?}\nreasoning = '<<{{{{ trace }}}}>>'");
        let Some(trace) = Trace::new(&trace) else { return Ok(()) };
        let executor = executor(&toml).unwrap();
        for question in [answer(), function(), program()] {
            let question = Question { statement: statement.clone(), ..question };
            let with = said(&executor.prompt(&question, Some(&trace)).unwrap());
            let without = said(&executor.prompt(&question, None).unwrap());
            let block = format!("<<{}>>", trace.as_str());
            prop_assert_eq!(with.matches(&block).count(), 1);
            prop_assert_eq!(with.replacen(&block, "", 1), without);
        }
    }

    /// A question that holds the mark's own characters is put as it is.
    #[test]
    fn any_statement_stands_in_the_prompt(statement in "(\u{1}|reasoning|[a-z{}%]|\\PC){0,60}") {
        let question = Question { statement: statement.clone(), ..answer() };
        let executor = executor("").unwrap();
        let with = said(&executor.prompt(&question, Some(&trace())).unwrap());
        let asked = format!("Problem:\n{statement}\n\nFollow this reasoning:\nAdd one and one.");
        prop_assert!(with.contains(&asked), "{}", with);
        let planner = said(&planner("").unwrap().prompt(&question).unwrap());
        let asked = format!("Problem:\n{statement}");
        prop_assert!(planner.contains(&asked));
    }
}
