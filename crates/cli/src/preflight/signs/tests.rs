use super::*;
use crate::preflight::seen::Arm;
use std::collections::BTreeMap;

fn config(executor: &str) -> RunConfig {
    toml::from_str(&format!("out = \"r\"\n[planner]\nmodel = \"p\"\n[executor.{executor}")).unwrap()
}

fn local() -> RunConfig {
    config("in_process]\nmodel = \"e\"")
}

/// An arm all of whose runs are known.
fn arm(runs: usize, found: usize, range: (f64, f64)) -> Arm {
    let score = Some((range.0 + range.1) / 2.0);
    Arm { runs, known: runs, replies: runs, found, cut: Some(0), score, range: Some(range), ..Arm::default() }
}

/// A training with which nothing is wrong.
fn sound() -> Seen {
    Seen {
        problems: 8,
        completions: 32,
        usable: 30,
        defects: BTreeMap::from([("unclosed".into(), 2)]),
        leaked: (3, 30),
        without: arm(24, 24, (0.0, 1.0)),
        with: arm(90, 88, (0.0, 1.0)),
        uneven: (5, 8),
        rewarded: 32,
        peak: Some(1 << 30),
        memory: Some(8 << 30),
        ..Seen::default()
    }
}

fn told(seen: &Seen) -> String {
    let lines = signs(seen, &local()).into_iter().map(|sign| format!("{}: {sign}", sign.weight));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sound_training_has_no_bad_signs() {
    assert_eq!(told(&sound()), "");
}

#[test]
fn what_teaches_nothing_is_hopeless_and_names_the_key() {
    for defect in TraceDefect::ALL {
        let defects = BTreeMap::from([(defect.code().to_owned(), 32)]);
        let said = told(&Seen { usable: 0, defects, with: Arm::default(), leaked: (0, 0), ..sound() });
        assert!(said.starts_with("hopeless: 0 of 32 traces are usable"), "{said}");
        assert!(said.contains(defect.code()) && said.contains("`planner."), "{said}");
    }
    let dead = Arm { runs: 24, unknown: BTreeMap::from([("refused".into(), 24)]), ..Arm::default() };
    let failure = Some("cannot connect to http://x".to_owned());
    let said = told(&Seen { without: dead.clone(), with: dead, failure, rewarded: 0, ..sound() });
    assert!(said.contains(
        "hopeless: nothing is known of the executor without a trace (refused 24, last: cannot connect"
    ));
    let said = told(&Seen { without: arm(24, 0, (0.0, 0.0)), ..sound() });
    assert!(
        said.contains("hopeless: the verifier finds an answer in 0 of 24") && said.contains("prompt show"),
        "{said}"
    );
    let said = told(&Seen { without: arm(24, 24, (1.0, 1.0)), ..sound() });
    assert!(said.contains("hopeless: the executor solves every problem without a trace (b = 1)"), "{said}");
    let said = told(&Seen { with: arm(90, 90, (0.0, 0.0)), uneven: (0, 8), ..sound() });
    assert!(said.contains("hopeless: no trace leads the executor to a right answer (w = 0)"), "{said}");
}

#[test]
fn what_wastes_much_is_bad() {
    let cut = Arm { cut: Some(12), ..arm(24, 12, (0.0, 1.0)) };
    let some = BTreeMap::from([("timeout".to_owned(), 6)]);
    for (seen, says) in [
        (Seen { usable: 15, ..sound() }, "15 of 32 traces are usable"),
        (Seen { without: cut, ..sound() }, "`executor.in_process.sampling.max_tokens`"),
        (Seen { with: Arm { known: 84, unknown: some, ..arm(90, 84, (0.0, 1.0)) }, ..sound() }, ""),
        (Seen { with: arm(90, 80, (0.0, 1.0)), ..sound() }, "finds an answer in 80 of 90"),
        (Seen { uneven: (1, 8), ..sound() }, "`grpo.group`"),
        (Seen { leaked: (16, 30), ..sound() }, "16 of 30 usable traces state the answer"),
        (Seen { peak: Some(15 << 29), ..sound() }, "`grpo.problems`"),
    ] {
        let said = told(&seen);
        assert!(says.is_empty() || said.starts_with("bad: "), "{says}: {said}");
        assert!(said.contains(says), "{says}: {said}");
        assert!(!said.contains("hopeless"), "{said}");
    }
}

#[test]
fn the_executor_s_section_is_the_one_that_is_there() {
    let served = config("openai]\nbase_urls = [\"http://x\"]\nmodel = \"m\"\napi = \"chat\"");
    let said = signs(&Seen { with: arm(9, 0, (0.0, 0.0)), ..sound() }, &served);
    assert!(said.iter().any(|sign| sign.to_string().contains("`executor.openai.prompt`")), "{said:?}");
}

#[test]
fn the_worst_sign_comes_first() {
    let seen = Seen { leaked: (30, 30), without: arm(24, 24, (1.0, 1.0)), ..sound() };
    assert_eq!(signs(&seen, &local())[0].weight, Weight::Hopeless);
}

#[test]
fn problems_that_a_filter_is_to_choose_among_do_not_doom_a_run() {
    let easy = Seen { without: arm(24, 24, (1.0, 1.0)), ..sound() };
    let filtered: RunConfig = toml::from_str(
        "out = \"r\"\n[planner]\nmodel = \"p\"\n[executor.in_process]\nmodel = \"e\"\n[grpo.filter]\nb = [0.0, 0.9]\n",
    )
    .unwrap();
    for (config, weight) in [(local(), Weight::Hopeless), (filtered, Weight::Bad)] {
        let found = signs(&easy, &config);
        assert_eq!(found.iter().map(|sign| sign.weight).collect::<Vec<_>>(), [weight]);
        assert_eq!(found[0].to_string().contains("`grpo.filter` has to find others"), weight == Weight::Bad);
    }
}
