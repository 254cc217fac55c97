use super::*;
use proptest::prelude::*;
use serde_json::Map;
use tracelift_domain::{Problem, Question, Rubric};
use tracelift_flaws::Erratum;

const REFERENCE: &str = "Natalia sold 48/2 = 24 clips in May.\nNatalia sold 48+24 = 72 clips altogether.";

fn seed(domain: TaskDomain) -> SeedProblem {
    let problem = Problem {
        id: "p".into(),
        question: Question::new("test", domain, "How many clips?"),
        gold: Gold::Answer("72".into()),
    };
    SeedProblem { problem, reference_solution: String::new(), trace: None, origin: Map::new() }
}

fn proposal(kind: FlawKind, reasoning: &str) -> Proposal {
    let flaw = Erratum {
        kind,
        source: FlawSource::Rule { rule: "test".into() },
        effect: Some(Effect::Spoiling),
        span: None,
        step: Some(0),
        steps: 2,
        downstream: Vec::new(),
        implied: None,
    };
    Proposal { reasoning: reasoning.into(), flaw, rubric: None, program: None }
}

fn verdict(reasoning: &str) -> Result<(), GateReason> {
    let proposal = proposal(FlawKind::ArithmeticSlip, reasoning);
    gate(&seed(TaskDomain::Math), REFERENCE, &proposal, &GateLimits::default())
}

#[test]
fn each_gate_shuts() {
    use GateReason::*;
    let slip = REFERENCE.replace("24", "26").replace("72", "74");
    assert_eq!(verdict(&slip), Ok(()));
    for (text, reason) in [
        ("  ", NotATrace),
        ("A <reasoning> in a trace of words.", NotATrace),
        (REFERENCE, Identical),
        (&REFERENCE.to_uppercase().replace('.', " !"), NearIdentical),
        (&format!("So, the {REFERENCE}"), ChangesNothing),
        ("24 in May.", TooShort),
        ("TODO: write five or more words.", Placeholder),
        ("In May she sold 26, so the answer is 74.", LeakedAnswer),
        ("Then she sold\n#### 74 and five more", LeakedAnswer),
        ("def clips(n):\n  return n // 2 and so on", LeakedCode),
        ("Use this:\n```\nprint(74) and nothing else\n```", LeakedCode),
    ] {
        assert_eq!(verdict(text), Err(reason), "{text}");
    }
}

#[test]
fn a_spoiling_flaw_that_leads_to_gold_changes_nothing() {
    let mut proposal = proposal(FlawKind::ArithmeticSlip, &REFERENCE.replace("24", "26"));
    proposal.flaw.implied = Some("72".into());
    let verdict = gate(&seed(TaskDomain::Math), REFERENCE, &proposal, &GateLimits::default());
    assert_eq!(verdict, Err(GateReason::ChangesNothing));
}

#[test]
fn a_flawed_trace_is_worth_less_than_its_reference() {
    let mut proposal = proposal(FlawKind::ArithmeticSlip, &REFERENCE.replace("24", "26"));
    proposal.rubric = Some(Rubric { total: 1.0, ..proposal.rubric() });
    let verdict = gate(&seed(TaskDomain::Math), REFERENCE, &proposal, &GateLimits::default());
    assert_eq!(verdict, Err(GateReason::NotBelowReference));
}

#[test]
fn a_kind_belongs_to_its_domain() {
    let proposal = proposal(FlawKind::OffByOne, &REFERENCE.replace("24", "26"));
    let verdict = gate(&seed(TaskDomain::Math), REFERENCE, &proposal, &GateLimits::default());
    assert_eq!(verdict, Err(GateReason::ForeignKind));
}

#[test]
fn a_word_that_holds_a_mark_is_no_placeholder() {
    assert!(!placeholder("Photodo is a shop, and mastodon a beast."));
    assert!(placeholder("The rest is TBD."));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}") {
        let _ = verdict(&text);
        let _ = words(&text);
    }
}

#[test]
fn a_models_word_for_a_flaw_is_not_taken_where_the_equations_lead_to_gold() {
    let by_model = |kind, reasoning: &str| {
        let mut proposal = proposal(kind, reasoning);
        proposal.flaw.source = FlawSource::Llm {
            model: "m".into(),
            temperature: None,
            template: "t@1".into(),
            why: "Told to be wrong.".into(),
        };
        proposal.flaw.implied = Some("74".into());
        gate(&seed(TaskDomain::Math), REFERENCE, &proposal, &GateLimits::default())
    };
    let harmless = REFERENCE.replace("clips", "cups");
    assert_eq!(by_model(FlawKind::SwappedEntities, &harmless), Err(GateReason::ChangesNothing));
    let slip = REFERENCE.replace("24", "26").replace("72", "74");
    assert_eq!(by_model(FlawKind::ArithmeticSlip, &slip), Ok(()));
}
