//! A model that writes and judges groups, against a real server process, healthy and broken.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use serde_json::{Map, json};
use std::{num::NonZeroU32, path::Path};
use tracelift_curation::{
    GateLimits, GateReason, gate,
    llm::{
        FlawAnswer, FlawUse, Flaws, Goal, GroupJudge, Help, JudgeSection, LabelSource, LlmConfig, LlmCounts,
        Seedling, Writer, gold_check,
    },
};
use tracelift_domain::{FlawKind, Gold, Group, Label, Positive, Problem, Question, Rubric, Seed, TaskDomain};
use tracelift_flaws::{Erratum, FlawSource, Proposal, SeedProblem};
use tracelift_oracle::OracleConfig;
use tracelift_testing::Server;

const REFERENCE: &str = "Ann has 3 + 4 = 7 pens in her two boxes.\n\
                         She gives away half of 4 pens, which is 4 / 2 = 2 pens.\n\
                         That leaves her with 7 - 2 = 5 pens.";

fn oracle(server: &Server) -> OracleConfig {
    OracleConfig { retries: 1, backoff_s: 0.01, timeout_s: 20.0, ..OracleConfig::at(&server.url(), "silly") }
}

fn writer(server: &Server) -> Writer {
    Writer::new(LlmConfig::with(oracle(server))).unwrap()
}

fn judge(server: &Server, labels: LabelSource) -> GroupJudge {
    GroupJudge::new(JudgeSection { labels, samples: NonZeroU32::MIN, oracle: oracle(server) }).unwrap()
}

fn seed(domain: TaskDomain, note: &str) -> SeedProblem {
    let problem = Problem {
        id: "p".into(),
        question: Question::new(
            "test",
            domain,
            format!("Ann has 3 and 4 pens in two boxes and gives 2 away. How many are left? {note}"),
        ),
        gold: Gold::Answer("7".into()),
    };
    SeedProblem { problem, reference_solution: String::new(), trace: None, origin: Map::new() }
}

fn flaws(writer: &Writer, seed: &SeedProblem) -> Flaws {
    writer.flaws(seed, REFERENCE, seed.kinds(), &GateLimits::default()).unwrap()
}

#[test]
fn every_kind_of_both_domains_is_written() {
    let server = Server::prompted(&[]);
    let writer = writer(&server);
    for domain in [TaskDomain::Math, TaskDomain::Steps, TaskDomain::Code] {
        let seed = seed(domain, "");
        let flaws = flaws(&writer, &seed);
        let kinds: Vec<FlawKind> = flaws.proposals.iter().map(|proposal| proposal.flaw.kind).collect();
        assert_eq!(kinds, FlawKind::of(domain), "{flaws:?}");
        for proposal in flaws.proposals {
            assert_eq!(gate(&seed, REFERENCE, &proposal, &GateLimits::default()), Ok(()));
            let span = proposal.flaw.span.clone().unwrap();
            assert!(REFERENCE[span.start..].starts_with(&span.before), "{span:?}");
            assert_eq!(REFERENCE[..span.start].matches('\n').count(), proposal.flaw.step.unwrap());
            // The silly writer names no answer; then nobody knows whether the flaw spoils it.
            assert_eq!((proposal.flaw.steps, proposal.flaw.effect), (3, None));
            let FlawSource::Llm { model, temperature, template, why } = &proposal.flaw.source else {
                panic!()
            };
            assert_eq!((model.as_str(), *temperature), ("silly", Some(0.7)));
            let name = if domain == TaskDomain::Code { "flaw-code@" } else { "flaw-math@" };
            assert!(template.starts_with(name) && template.len() == name.len() + 12, "{template}");
            assert_eq!(why, "it is not what the problem says");
            let negative = proposal.into_negative(domain);
            assert_eq!(
                (&negative.extra["source"], &negative.extra["model"]),
                (&json!("llm"), &json!("silly"))
            );
            assert!(Rubric::from_map(domain, &negative.rubric).unwrap().total < 1.0);
        }
    }
}

#[test]
fn what_the_model_does_not_deliver_is_counted() {
    let server = Server::prompted(&[]);
    let writer = writer(&server);
    let of = |note| {
        let flaws = flaws(&writer, &seed(TaskDomain::Math, note));
        (flaws.proposals.len(), flaws.failures)
    };
    for (note, cause) in [("@@refuse", "refusal"), ("@@garbage", "unusable"), ("@@truncate", "truncated")] {
        let (proposals, failures) = of(note);
        assert_eq!((proposals, failures[cause]), (0, 14), "seven kinds, two attempts each: {note}");
    }
    for note in
        ["@@garbage_once", "@@truncate_once", "@@fence", "@@prose", "@@comma", "@@think", "@@500_once"]
    {
        let (proposals, failures) = of(note);
        assert_eq!((proposals, failures.len()), (7, 0), "{note}");
    }
}

#[test]
fn a_failure_that_may_pass_leaves_the_group_unfinished() {
    let server = Server::prompted(&[]);
    let writer = writer(&server);
    let seed = seed(TaskDomain::Math, "@@500");
    let failure = writer.flaws(&seed, REFERENCE, seed.kinds(), &GateLimits::default()).unwrap_err();
    assert_eq!((failure.cause(), failure.is_final()), ("status_5xx", false));
}

#[test]
fn a_kind_without_a_place_says_so() {
    let server = Server::prompted(&[]);
    let writer = writer(&server);
    let words = "First look at what is there.\nThen count all of it.";
    let answer = writer.flaw(&seed(TaskDomain::Math, ""), words, FlawKind::ArithmeticSlip, 0).unwrap();
    assert_eq!(answer, FlawAnswer::DoesNotApply("the trace has no numbers".into()));
}

#[test]
fn references_are_confirmed_by_gold() {
    let server = Server::prompted(&[]);
    let writer = writer(&server);
    let limits = GateLimits::default();
    let good = writer.reference(&seed(TaskDomain::Math, ""), &limits, &gold_check).unwrap();
    let reference = good.confirmed.unwrap();
    assert!(reference.trace.as_str().contains("3 + 4 = 7"), "{reference:?}");
    assert!(reference.provenance.template.starts_with("reference-math@"));
    let mut wrong = seed(TaskDomain::Math, "");
    wrong.problem.gold = Gold::Answer("8".into());
    let refuted = writer.reference(&wrong, &limits, &gold_check).unwrap();
    assert_eq!((refuted.confirmed, refuted.refuted), (None, 2));
    let strict = GateLimits { words: 100, ..limits };
    let gated = writer.reference(&seed(TaskDomain::Math, ""), &strict, &gold_check).unwrap();
    assert_eq!(gated.gated[&GateReason::TooShort], 2);
    let refused = writer.reference(&seed(TaskDomain::Math, "@@refuse"), &limits, &gold_check).unwrap();
    assert_eq!((refused.confirmed, refused.failures["refusal"]), (None, 2));
}

/// A group as a builder makes it from what a writer proposes.
fn group(writer: &Writer) -> Group {
    let seed = seed(TaskDomain::Math, "");
    let positive = Positive {
        reasoning: REFERENCE.into(),
        rubric: Rubric::from_labels([Label::BEST; 5]).to_map(TaskDomain::Math),
        extra: Map::new(),
    };
    let proposals = flaws(writer, &seed).proposals;
    Group {
        problem_id: "p".into(),
        source: "test".into(),
        task_type: TaskDomain::Math,
        problem: seed.problem.question.statement,
        reference_solution: String::new(),
        positive_pool: vec![positive],
        negative_bank: proposals.into_iter().map(|p| p.into_negative(TaskDomain::Math)).collect(),
        metadata: Map::new(),
    }
}

#[test]
fn both_labels_stand_in_the_file_and_are_compared() {
    let server = Server::prompted(&[]);
    let before = group(&writer(&server));
    let judged = judge(&server, LabelSource::Both).label(before.clone(), &GateLimits::default()).unwrap();
    let group = judged.group.unwrap();
    assert_eq!(group.validate(), Ok(()));
    for (now, then) in group.negative_bank.iter().zip(&before.negative_bank) {
        assert_eq!(now.rubric, then.rubric, "the label by construction stands");
        assert!(now.extra["judge_rubric"]["total"].as_f64().is_some());
        assert!(now.extra["judge"]["template"].as_str().unwrap().starts_with("rubric-math@"));
    }
    assert_eq!(judged.agreement.traces(), 8);
    assert!(judged.agreement.spearman().is_some());
    let report = judged.saturation.report().unwrap();
    assert_eq!((report.traces, report.groups), (8, 1));
    assert!(report.spread.unwrap() > 0.2, "{report}");
}

#[test]
fn a_judge_takes_out_what_it_does_not_put_below_the_reference() {
    let server = Server::prompted(&[]);
    let group = group(&writer(&server));
    let count = group.negative_bank.len() as u64;
    let limits = GateLimits { negatives: 2, kinds: 2, ..GateLimits::default() };
    let judged = judge(&server, LabelSource::Judge).label(group, &limits).unwrap();
    let group = judged.group.unwrap();
    assert_eq!(group.positive_pool[0].rubric["total"], 1.0);
    assert_eq!(group.positive_pool[0].extra["construction_rubric"]["total"], 1.0);
    assert!(group.negative_bank.iter().all(|negative| negative.rubric["total"] < 1.0));
    // The silly judge recomputes equations: a step that was left out does not trouble it.
    let kinds: Vec<&str> =
        group.negative_bank.iter().map(|negative| negative.negative_kind.as_str()).collect();
    assert!(!kinds.contains(&"dropped_step"), "{kinds:?}");
    assert_eq!(judged.not_below, judged.gated[&GateReason::NotBelowReference]);
    assert_eq!(group.negative_bank.len() as u64 + judged.not_below, count);
}

#[test]
fn a_trace_without_a_verdict_has_no_default_label() {
    let server = Server::prompted(&[]);
    let mut group = group(&writer(&server));
    group.problem.push_str(" @@garbage");
    let count = group.negative_bank.len() as u64 + 1;
    let judged = judge(&server, LabelSource::Judge).label(group.clone(), &GateLimits::default()).unwrap();
    assert_eq!((judged.group, judged.failures["unusable"]), (None, count));
    assert_eq!(judged.gated[&GateReason::TooFewNegatives], 1);
    let both = judge(&server, LabelSource::Both).label(group.clone(), &GateLimits::default()).unwrap();
    assert_eq!(both.group.as_ref(), Some(&group), "labels by construction stand as they were");
    assert_eq!((both.agreement.traces(), both.saturation.report()), (0, None));
    group.problem = group.problem.replace("@@garbage", "@@500");
    let failure = judge(&server, LabelSource::Both).label(group, &GateLimits::default()).unwrap_err();
    assert!(!failure.is_final());
}

/// Models that a build names, with their ledgers in a folder.
fn help(server: &Server, folder: &Path, flaws: FlawUse) -> Help {
    let llm = LlmConfig { flaws, ..LlmConfig::with(oracle(server)) };
    let judge = JudgeSection { labels: LabelSource::Both, samples: NonZeroU32::MIN, oracle: oracle(server) };
    Help::new(Some(&llm), Some(&judge), &folder.join("groups.jsonl")).unwrap().unwrap()
}

fn goal() -> Goal {
    Goal { wanted: 6, limits: GateLimits::default(), seed: Seed(18) }
}

/// What rules might have drafted: two flawed traces.
fn seedling(writer: &Writer) -> Seedling {
    let mut blocks: Vec<Vec<Proposal>> = Vec::new();
    for proposal in flaws(writer, &seed(TaskDomain::Math, "")).proposals.into_iter().take(2) {
        let source = FlawSource::Rule { rule: "test".into() };
        blocks.push(vec![Proposal { flaw: Erratum { source, ..proposal.flaw }, ..proposal }]);
    }
    Seedling { positive: REFERENCE.into(), blocks }
}

#[test]
fn models_add_what_the_settings_want() {
    let server = Server::prompted(&[]);
    let drafted = seedling(&writer(&server));
    let rules = |seedling: &Seedling| {
        let all = seedling.blocks.iter().flatten();
        all.filter(|proposal| matches!(proposal.flaw.source, FlawSource::Rule { .. })).count()
    };
    for (wish, total, by_rule) in
        [(FlawUse::Fill, 7, 2), (FlawUse::Mixed, 9, 2), (FlawUse::Instead, 7, 0), (FlawUse::Nowhere, 2, 2)]
    {
        let folder = tempfile::tempdir().unwrap();
        let help = help(&server, folder.path(), wish);
        let mut counts = LlmCounts::default();
        let seed = seed(TaskDomain::Math, "");
        let made = help.complete(&seed, Ok::<_, ()>(drafted.clone()), &goal(), &mut counts).unwrap().unwrap();
        assert_eq!((made.blocks.len(), rules(&made)), (total, by_rule), "{wish:?}");
        assert_eq!(counts.flaws as usize, total - by_rule, "{wish:?}");
        assert!(folder.path().join("groups.jsonl.llm.ledger").exists());
    }
}

#[test]
fn a_full_draft_asks_nothing_and_a_missing_reference_is_written() {
    let server = Server::prompted(&[]);
    let writer = writer(&server);
    let blocks = flaws(&writer, &seed(TaskDomain::Math, "")).proposals.into_iter().map(|p| vec![p]).collect();
    let full = Seedling { positive: REFERENCE.into(), blocks };
    let folder = tempfile::tempdir().unwrap();
    let help = help(&server, folder.path(), FlawUse::Fill);
    let (mut counts, before) = (LlmCounts::default(), server.count("requests"));
    let plain = seed(TaskDomain::Math, "");
    let made = help.complete(&plain, Ok::<_, &str>(full.clone()), &goal(), &mut counts).unwrap();
    assert_eq!((made, server.count("requests")), (Ok(full), before));
    let made = help.complete(&plain, Err("no_solution"), &goal(), &mut counts).unwrap().unwrap();
    assert!(made.positive.contains("3 + 4 = 7"));
    assert_eq!((counts.references, counts.flaws), (1, made.blocks.len() as u64));
    let mut wrong = plain.clone();
    wrong.problem.gold = Gold::Answer("8".into());
    assert_eq!(help.complete(&wrong, Err("no_solution"), &goal(), &mut counts).unwrap(), Err("no_solution"));
    assert_eq!(counts.refuted, 2);
    // Of tests nobody can say without an executor, so nothing is asked.
    let before = server.count("requests");
    wrong.problem.gold = Gold::Tests(Vec::new());
    assert_eq!(help.complete(&wrong, Err("no_solution"), &goal(), &mut counts).unwrap(), Err("no_solution"));
    assert_eq!(server.count("requests"), before);
}
