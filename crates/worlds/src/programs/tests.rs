//! What holds of every task of this world.

use super::*;
use crate::corpus;
use crate::guess::best_constant_guess;
use crate::tokenizer::tokenizer_json;
use crate::world::{Instance, World, WorldName};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::process::{Command, Stdio};
use tokenizers::Tokenizer;
use tracelift_domain::prompt::reward_model_text;

const SPLITS: [Split; 2] = [Split::Train, Split::Test];
const NOISE: Noise = Noise { spoiling: 0.25, benign: 0.25 };

fn tasks(per_level: u64) -> impl Iterator<Item = ListTask> {
    LEVELS.flat_map(move |level| {
        SPLITS.into_iter().flat_map(move |split| {
            (0..per_level).map(move |i| generate(level, split, Seed(5).child(split.name(), i)))
        })
    })
}

fn effect_by_tests(task: &ListTask, trace: &str) -> Effect {
    let steps = plan::parse(trace).unwrap();
    let passes =
        |(input, printed): &(Input, Vec<i64>)| plan::run(&steps, input) == Outcome::Prints(printed.clone());
    if task.tests.iter().all(passes) { Effect::Benign } else { Effect::Spoiling }
}

#[test]
fn gold_is_verified_and_implies_the_gold_artifact() {
    for task in tasks(200) {
        let trace = task.gold_trace();
        let report = task.check(&trace);
        assert!(report.verified() && !report.leaks, "{trace}: {report:?}");
        assert_eq!(task.implied(&trace), Some(task.gold_artifact()));
        assert_eq!(effect_by_tests(&task, &trace), Effect::Benign);
        assert_eq!(task.tests.len(), 4);
        assert!(task.check(&task.gold_artifact()).leaks);
    }
}

#[test]
fn levels_are_operations_at_any_length() {
    for level in [1, 2, 3, 4, 5, 6, 11, 40] {
        for split in SPLITS {
            let task = generate(level, split, Seed(u64::from(level)));
            assert_eq!(task.steps.len(), level as usize + 2);
            assert!(task.check(&task.gold_trace()).verified());
            assert!(!task.statement.contains(['{', '}']), "{}", task.statement);
            assert_eq!(task.tests.len(), 4);
        }
    }
}

#[test]
fn flaws_are_rejected_at_their_step_and_are_of_their_sort() {
    let mut seen: HashMap<(FlawKind, Effect), u32> = HashMap::new();
    for (i, task) in tasks(60).enumerate() {
        for &kind in FlawKind::of(TaskDomain::Code) {
            let Some(flawed) = task.flaw(kind, &mut Seed(8).child(kind.name(), i as u64).rng()) else {
                continue;
            };
            let text = flawed.trace.as_str();
            let report = task.check(text);
            assert_eq!(flawed.flaw.kind, kind);
            assert!(!report.verified() && !report.leaks, "{text}");
            assert_eq!(report.first_flaw, Some(flawed.flaw.step), "{text}\ngold {}", task.gold_trace());
            assert_eq!(
                flawed.flaw.effect,
                effect_by_tests(&task, text),
                "{text}\ngold {}",
                task.gold_trace()
            );
            assert_eq!(flawed.implied, task.implied(text));
            assert_ne!(flawed.implied, Some(task.gold_artifact()));
            *seen.entry((kind, flawed.flaw.effect)).or_default() += 1;
        }
    }
    for &kind in FlawKind::of(TaskDomain::Code) {
        for effect in [Effect::Spoiling, Effect::Benign] {
            assert!(seen.contains_key(&(kind, effect)), "no {effect:?} {kind:?} in {seen:?}");
        }
    }
}

#[test]
fn noise_shows_where_it_says_and_spoils_what_it_says() {
    let mut several = 0;
    for (i, task) in tasks(150).enumerate() {
        let noisy = task.noisy_trace(&NOISE, &mut Seed(9).child("noise", i as u64).rng());
        let text = noisy.trace.as_str();
        let report = task.check(text);
        assert_eq!(report.verified(), noisy.flaws.is_empty());
        assert_eq!(report.first_flaw, noisy.flaws.iter().map(|flaw| flaw.step).min(), "{text}");
        let spoiled = noisy.flaws.iter().any(|flaw| flaw.effect == Effect::Spoiling);
        assert_eq!(
            effect_by_tests(&task, text) == Effect::Spoiling,
            spoiled,
            "{text}\n{}",
            task.gold_trace()
        );
        assert_eq!(noisy.implied, task.implied(text));
        several += usize::from(noisy.flaws.len() > 1);

        let clean = task.noisy_trace(&Noise::NONE, &mut Seed(9).child("clean", i as u64).rng());
        assert_eq!((clean.trace.as_str(), clean.flaws.len()), (task.gold_trace().as_str(), 0));
    }
    assert!(several > 100, "only {several} traces have several flaws");
}

#[test]
fn the_two_sorts_are_drawn_independently() {
    let (mut spoiled, mut benign, mut both, mut all) = (0.0, 0.0, 0.0, 0.0);
    for (i, task) in tasks(300).enumerate() {
        let noise = Noise { spoiling: 0.2, benign: 0.2 };
        let noisy = task.noisy_trace(&noise, &mut Seed(4).child("noise", i as u64).rng());
        let has = |effect| noisy.flaws.iter().any(|flaw| flaw.effect == effect);
        all += 1.0;
        spoiled += f64::from(has(Effect::Spoiling));
        benign += f64::from(has(Effect::Benign));
        both += f64::from(has(Effect::Spoiling) && has(Effect::Benign));
    }
    // Longer plans have more of both, which alone makes for a ratio a little above 1.
    let ratio = both * all / (spoiled * benign);
    assert!((0.85..1.2).contains(&ratio), "{spoiled} spoiled, {benign} benign, {both} both of {all}");
    assert!(spoiled / all > 0.4 && benign / all > 0.4, "{spoiled} spoiled, {benign} benign of {all}");
}

#[test]
fn no_flawed_step_is_foreign_to_gold_plans() {
    // Else a reader could tell flawed plans without reading the statement.
    let mut gold: HashSet<String> = HashSet::new();
    for task in tasks(1500) {
        gold.extend(task.steps.iter().map(|step| step.line()));
    }
    for (i, task) in tasks(100).enumerate() {
        let noisy = task.noisy_trace(&NOISE, &mut Seed(6).child("noise", i as u64).rng());
        for step in plan::parse(noisy.trace.as_str()).unwrap() {
            assert!(gold.contains(&step.line()), "{:?} is in no gold plan", step.line());
        }
    }
}

#[test]
fn every_text_is_made_of_known_words() {
    let world = World::new(WorldName::Programs);
    assert!(world.words().len() <= 250, "{} words", world.words().len());
    let tokenizer: Tokenizer = serde_json::from_value(tokenizer_json(&world)).unwrap();
    let known = |text: &str| {
        let encoding = tokenizer.encode(text, false).unwrap();
        assert!(!encoding.get_tokens().contains(&"<unk>".to_owned()), "{text:?}");
        assert_eq!(
            tokenizer.decode(encoding.get_ids(), false).unwrap(),
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        );
    };
    for index in 0..400 {
        for split in SPLITS {
            let instance = world.instance(Seed(2), split, index);
            let noisy = instance.noisy_trace(&NOISE, Seed(index));
            for text in [
                corpus::planner_text(&instance, &instance.gold_trace()),
                corpus::planner_text(&instance, &noisy.trace),
                corpus::executor_text(&instance, None, &instance.gold_artifact()),
                corpus::executor_text(&instance, Some(&noisy.trace), &noisy.implied.unwrap()),
            ] {
                known(&text);
                assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), text);
                assert_eq!(text.to_lowercase(), text);
            }
            // Tags touch each other in this text; special tokens are split off all the same.
            let question = &instance.problem().question;
            let (source, domain) = (&question.source, question.domain.name());
            let read = reward_model_text(source, domain, &question.statement, None, noisy.trace.as_str());
            assert!(!tokenizer.encode(read, false).unwrap().get_tokens().contains(&"<unk>".to_owned()));
        }
    }
}

#[test]
fn guessing_earns_little() {
    for guess in best_constant_guess(&World::new(WorldName::Programs), Split::Train, Seed(1), 3000) {
        assert!(guess.share < 0.08 && guess.distinct > 300, "{guess:?}");
    }
}

/// Runs `(program, stdin)` pairs in one Python process and returns what each prints; `None` if it stops with an error.
fn python(runs: &[(String, String)]) -> Vec<Option<String>> {
    const DRIVER: &str = "
import builtins, contextlib, io, json, sys
results = []
for program, stdin in json.load(sys.stdin):
    out, stream = io.StringIO(), io.StringIO(stdin)
    names = {'input': lambda: stream.readline().rstrip('\\n'), 'open': lambda fd: stream}
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(program, 'artifact', 'exec'), names)
        results.append(out.getvalue())
    except (ValueError, TypeError, NameError):
        results.append(None)
print(json.dumps(results))
";
    let mut child = Command::new("python3")
        .args(["-I", "-S", "-c", DRIVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs this world's artifacts and must be on the PATH");
    child.stdin.take().unwrap().write_all(serde_json::to_string(runs).unwrap().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn tokens(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn python_agrees_with_us_on_gold_and_flawed_programs() {
    let mut runs = Vec::new();
    let mut expected = Vec::new();
    for (i, task) in tasks(30).enumerate() {
        let noisy = task.noisy_trace(&NOISE, &mut Seed(7).child("noise", i as u64).rng());
        for text in [task.gold_trace(), noisy.trace.as_str().to_owned()] {
            let steps = plan::parse(&text).unwrap();
            for (input, _) in task.tests.iter().chain(task.further()) {
                runs.push((plan::program(&steps), input.stdin()));
                expected.push(plan::run(&steps, input));
            }
        }
    }
    for (((program, stdin), printed), expected) in runs.iter().zip(python(&runs)).zip(expected) {
        match (expected, printed) {
            (Outcome::Crashes, None) | (Outcome::TooLarge, _) => {}
            (Outcome::Prints(numbers), Some(text)) => {
                let ours: Vec<String> = numbers.iter().map(i64::to_string).collect();
                assert_eq!(tokens(&text), ours, "{program}\n{stdin}");
            }
            (ours, theirs) => panic!("{program}\n{stdin}\nours {ours:?}, python's {theirs:?}"),
        }
    }
}

#[test]
fn gold_artifacts_pass_their_tests_as_processes() {
    for task in tasks(3) {
        let Gold::Tests(tests) = task.gold() else { panic!("programs are judged by tests") };
        for test in tests {
            let mut child = Command::new("python3")
                .args(["-I", "-S", "-c", &task.gold_artifact()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(test.stdin.as_bytes()).unwrap();
            let printed = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            assert_eq!(tokens(&printed), tokens(&test.stdout), "{}", task.gold_artifact());
        }
    }
}

#[test]
fn sample_instances() {
    let world = World::new(WorldName::Programs);
    let show = |instance: &Instance| {
        let noisy = instance.noisy_trace(&NOISE, Seed(3));
        let flaws: Vec<String> = noisy
            .flaws
            .iter()
            .map(|flaw| format!("{} {:?} at {}", flaw.kind.name(), flaw.effect, flaw.step))
            .collect();
        format!(
            "{}\n{}\n{}\n{}\n[{}]\n{}\n",
            instance.problem().id,
            instance.problem().question.statement,
            instance.gold_trace().as_str(),
            noisy.trace.as_str(),
            flaws.join(", "),
            instance.gold_artifact()
        )
    };
    let samples: Vec<String> = LEVELS
        .flat_map(|level| SPLITS.map(|split| show(&world.instance_at(level, Seed(11), split, 0))))
        .collect();
    insta::assert_snapshot!(samples.join("\n"));
}

proptest! {
    #[test]
    fn any_text_is_judged(level in 1u32..=4, seed: u64, text in ".{0,200}") {
        let task = generate(level, Split::Train, Seed(seed));
        let report = task.check(&text);
        prop_assert!(!report.verified() && report.confirmed <= report.expected.min(report.found));
        let _ = task.implied(&text);
    }

    #[test]
    fn no_edited_word_is_verified(level in 1u32..=4, seed: u64, at: prop::sample::Index, by: prop::sample::Index) {
        let task = generate(level, Split::Test, Seed(seed));
        let gold = task.gold_trace();
        let words = vocabulary();
        let mut edited: Vec<&str> = gold.split(' ').collect();
        let place = at.index(edited.len());
        edited[place] = &words[by.index(words.len())];
        let edited = edited.join(" ");
        let report = task.check(&edited);
        prop_assert_eq!(report.verified(), edited == gold);
        prop_assert!(report.verified() || report.confirmed < report.expected || report.found > report.expected);
        if let Some(program) = task.implied(&edited) {
            prop_assert_eq!(program == task.gold_artifact(), edited == gold);
        }
    }

    #[test]
    fn any_noise_is_bearable(seed: u64, spoiling in 0.0f64..=1.0, benign in 0.0f64..=1.0, level in 1u32..=6) {
        let task = generate(level, Split::Train, Seed(seed));
        let noisy = task.noisy_trace(&Noise { spoiling, benign }, &mut Seed(seed).rng());
        prop_assert_eq!(task.check(noisy.trace.as_str()).verified(), noisy.flaws.is_empty());
    }
}
