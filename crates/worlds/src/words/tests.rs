//! What this world promises, over many instances.

use super::*;
use crate::corpus::{executor_text, planner_text};
use crate::report::Extent;
use crate::world::{Instance, World, WorldName};
use crate::{guess, tokenizer};
use proptest::prelude::*;
use std::collections::HashSet;
use tokenizers::Tokenizer;
use tracelift_domain::prompt::reward_model_text;
use tracelift_domain::{Problem, Question};

const SPLITS: [Split; 2] = [Split::Train, Split::Test];

fn world() -> World {
    World::new(WorldName::Words)
}

/// Instances of all levels and both splits.
fn instances(each: u64) -> impl Iterator<Item = Instance> {
    LEVELS.flat_map(move |level| {
        SPLITS.into_iter().flat_map(move |split| {
            (0..each).map(move |index| world().instance_at(level, Seed(11), split, index))
        })
    })
}

fn noise() -> Noise {
    Noise { spoiling: 0.2, benign: 0.3 }
}

#[test]
fn gold_is_verified_implies_gold_and_never_leaks() {
    for instance in instances(500) {
        let trace = instance.gold_trace();
        let report = instance.check(trace.as_str());
        assert!(report.verified() && !report.leaks, "{trace:?} {report:?}");
        assert_eq!((report.extent, report.found), (Extent::Exact, instance.level() as usize));
        assert_eq!(instance.implied(trace.as_str()), Some(instance.gold_artifact()));
        assert_eq!(instance.problem().gold, Gold::Answer(instance.gold_artifact()));
    }
}

#[test]
fn levels_beyond_the_usual_work_too() {
    for level in [1, 6, 7, 8, 100] {
        for index in 0..300 {
            let instance = world().instance_at(level, Seed(5), Split::Train, index);
            assert!(instance.check(instance.gold_trace().as_str()).verified());
            let noisy = instance.noisy_trace(&noise(), Seed(index));
            assert_eq!(instance.check(noisy.trace.as_str()).verified(), noisy.flaws.is_empty());
        }
    }
}

#[test]
fn each_flaw_is_found_where_it_is_and_does_what_its_sort_says() {
    let mut seen = HashSet::new();
    for (index, instance) in instances(400).enumerate() {
        let gold = instance.gold_artifact();
        for kind in FlawKind::of(TaskDomain::Math) {
            let Some(FlawedTrace { trace, flaw, implied }) = instance.flaw(*kind, Seed(index as u64)) else {
                // Some have no step of which the next makes use, or no number that could be misread.
                continue;
            };
            assert_eq!(flaw.kind, *kind);
            let report = instance.check(trace.as_str());
            let context =
                || format!("{}\n{trace:?}\n{flaw:?} {report:?}", instance.problem().question.statement);
            assert!(!report.verified(), "{}", context());
            assert_eq!(report.first_flaw, Some(flaw.step), "{}", context());
            assert_ne!(trace, instance.gold_trace());
            assert_eq!(implied, instance.implied(trace.as_str()));
            assert_eq!(implied.as_ref() == Some(&gold), flaw.effect == Effect::Benign, "{}", context());
            assert!(!report.leaks, "{}", context());
            seen.insert((flaw.kind, flaw.effect));
        }
    }
    // A trace that stops early never has the answer.
    assert_eq!(seen.len(), 2 * 7 - 1, "{seen:?}");
}

/// Those whose trace has more than the one line that states no result.
fn longer_instances(count: u64) -> impl Iterator<Item = Instance> {
    instances(count).filter(|instance| instance.level() > 1)
}

#[test]
fn most_kinds_of_flaws_apply_to_most_problems() {
    for kind in FlawKind::of(TaskDomain::Math) {
        let (mut applies, mut all) = (0, 0);
        for instance in longer_instances(100) {
            applies += usize::from(instance.flaw(*kind, Seed(2)).is_some());
            all += 1;
        }
        assert!(applies * 10 >= all * 9, "{kind:?}: {applies} of {all}");
    }
}

#[test]
fn noise_is_truthful_independent_and_as_frequent_as_asked() {
    let (mut steps, mut spoiling, mut benign, mut both) = (0.0, 0.0, 0.0, 0.0);
    for (index, instance) in instances(1_500).enumerate() {
        let NoisyTrace { trace, flaws, implied } = instance.noisy_trace(&noise(), Seed(index as u64));
        let report = instance.check(trace.as_str());
        let context =
            || format!("{}\n{trace:?}\n{flaws:?} {report:?}", instance.problem().question.statement);
        assert_eq!(report.verified(), flaws.is_empty(), "{}", context());
        assert_eq!(report.first_flaw, flaws.iter().map(|flaw| flaw.step).min(), "{}", context());
        let spoilt = flaws.iter().any(|flaw| flaw.effect == Effect::Spoiling);
        assert_eq!(
            implied.is_none_or(|implied| implied != instance.gold_artifact()),
            spoilt,
            "{}",
            context()
        );
        if flaws.is_empty() {
            assert_eq!(trace, instance.gold_trace());
        }
        // Where a trace stops, no step follows.
        if flaws.iter().any(|flaw| flaw.kind == FlawKind::PrematureConclusion) {
            continue;
        }
        let harmless = flaws.iter().filter(|flaw| flaw.effect == Effect::Benign).count() as f64;
        steps += f64::from(instance.level());
        spoiling += flaws.len() as f64 - harmless;
        benign += harmless;
        both += f64::from(u8::from(spoilt && harmless > 0.0));
    }
    assert!((spoiling / steps - 0.2f64).abs() < 0.04, "{}", spoiling / steps);
    assert!((benign / steps - 0.3f64).abs() < 0.02, "{}", benign / steps);
    assert!(both > 0.0);
}

#[test]
fn no_noise_gives_gold_and_odd_noise_does_no_harm() {
    for instance in instances(50) {
        let clean = instance.noisy_trace(&Noise::NONE, Seed(1));
        assert_eq!(clean.trace, instance.gold_trace());
        assert!(clean.flaws.is_empty());
        for odd in [f64::NAN, -1.0, 7.0, f64::INFINITY] {
            let noisy = instance.noisy_trace(&Noise { spoiling: odd, benign: odd }, Seed(1));
            assert_eq!(instance.check(noisy.trace.as_str()).verified(), noisy.flaws.is_empty());
        }
    }
}

#[test]
fn lines_may_come_in_any_order_that_has_what_they_use_before_them() {
    let mut reordered = 0;
    for instance in longer_instances(300) {
        let gold = instance.gold_trace();
        let lines: Vec<&str> = gold.as_str().split_inclusive(" .").map(str::trim).collect();
        for at in 1..lines.len() {
            let mut swapped = lines.clone();
            swapped.swap(at - 1, at);
            let report = instance.check(&swapped.join(" "));
            assert_eq!(report.confirmed, report.expected);
            reordered += u32::from(report.verified());
        }
        let mut last_first = lines.clone();
        last_first.rotate_right(1);
        let report = instance.check(&last_first.join(" "));
        assert_eq!((report.first_flaw, report.extent), (Some(0), Extent::Over));
    }
    assert!(reordered > 20, "{reordered}");
}

#[test]
fn answers_given_away_are_leaks() {
    for instance in instances(200) {
        let (gold, answer) = (instance.gold_trace(), instance.gold_artifact());
        let words: Vec<&str> = gold.as_str().split(' ').collect();
        let (body, unit) = (words[..words.len() - 2].join(" "), words[words.len() - 2]);
        let last = words[..words.len() - 1].rsplit(|&word| word == ".").next().unwrap();
        let (subject, operation) = (last[0], last[2..5].join(" "));
        let before = words[..words.len() - last.len() - 1].join(" ");
        for leaking in [
            format!("{body} = {answer} {unit} ."),
            format!("{gold} {subject} has {answer} {unit} .", gold = gold.as_str()),
            format!("{gold} the answer is {answer} .", gold = gold.as_str()),
            format!("{before} zoe has {operation} = {answer} {unit} ."),
        ] {
            let report = instance.check(&leaking);
            assert!(report.leaks && !report.verified(), "{leaking}");
        }
    }
}

#[test]
fn a_trace_may_go_too_far_or_not_far_enough() {
    for instance in longer_instances(50) {
        let gold = instance.gold_trace();
        let first = gold.as_str().split_inclusive(" .").next().unwrap();
        let under = instance.check(first);
        assert_eq!((under.extent, under.first_flaw, under.confirmed), (Extent::Under, Some(1), 1));
        let over = instance.check(&format!("{} {first}", gold.as_str()));
        assert_eq!((over.extent, over.first_flaw), (Extent::Over, Some(instance.level() as usize)));
        let nothing = instance.check("");
        assert_eq!((nothing.extent, nothing.first_flaw, nothing.found), (Extent::Under, Some(0), 0));
        assert_eq!(instance.implied(""), None);
    }
}

#[test]
fn guessing_earns_next_to_nothing() {
    for split in SPLITS {
        for best in guess::best_constant_guess(&world(), split, Seed(8), 3_000) {
            assert!(best.share <= 1.5 / best.distinct as f64, "{best:?}");
            assert_eq!(best.distinct, growth::ANSWERS.count());
        }
    }
}

#[test]
fn every_text_is_made_of_known_words() {
    let json = tokenizer::tokenizer_json(&world()).to_string();
    let tokenizer = Tokenizer::from_bytes(json.as_bytes()).unwrap();
    let round_trip = |text: &str| {
        let encoding = tokenizer.encode(text, false).unwrap();
        assert!(!encoding.get_tokens().iter().any(|token| token == "<unk>"), "{text}");
        assert_eq!(tokenizer.decode(encoding.get_ids(), false).unwrap(), text);
        encoding.len()
    };
    let (mut statement, mut trace, mut count) = (0, 0, 0);
    for (index, instance) in instances(150).enumerate() {
        statement += round_trip(&instance.problem().question.statement);
        trace += round_trip(instance.gold_trace().as_str());
        count += 1;
        let seed = Seed(index as u64);
        let mut traces = vec![instance.noisy_trace(&noise(), seed).trace];
        let flawed = FlawKind::of(TaskDomain::Math).iter().filter_map(|kind| instance.flaw(*kind, seed));
        for FlawedTrace { trace, implied, .. } in flawed {
            traces.push(trace);
            round_trip(&implied.unwrap());
        }
        for trace in &traces {
            round_trip(trace.as_str());
            round_trip(&planner_text(&instance, trace));
            round_trip(&executor_text(&instance, Some(trace), &instance.gold_artifact()));
            let question = &instance.problem().question;
            let (source, domain) = (&question.source, question.domain.name());
            let input = reward_model_text(source, domain, &question.statement, None, trace.as_str());
            let encoding = tokenizer.encode(input.as_str(), false).unwrap();
            assert!(!encoding.get_tokens().iter().any(|token| token == "<unk>"), "{input}");
        }
    }
    let (statement, trace) = (statement as f64 / f64::from(count), trace as f64 / f64::from(count));
    assert!((40.0..120.0).contains(&(statement + trace)), "{statement} + {trace}");
}

#[test]
fn instances_are_the_same_on_every_machine() {
    let samples: Vec<String> = LEVELS
        .map(|level| {
            let instance = world().instance_at(level, Seed(0), Split::Train, 0);
            let noisy = instance.noisy_trace(&Noise { spoiling: 0.3, benign: 0.3 }, Seed(0));
            let Problem { id, question: Question { statement, .. }, .. } = instance.problem();
            format!(
                "{id}: {statement}\ngold: {}\nnoisy: {}\n",
                instance.gold_trace().as_str(),
                noisy.trace.as_str()
            )
        })
        .collect();
    insta::assert_snapshot!(samples.join("\n"));
}

/// Words that an edit may put in the place of another.
fn words_of_traces() -> Vec<String> {
    let symbols = ["+", "-", "*", "/", "=", ".", "has", "is", "total", "boxes", "bags"];
    let words = graph::NAMES.into_iter().chain(graph::ITEMS).chain(symbols);
    words.map(str::to_owned).chain((0..=99).map(|number: u32| number.to_string())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_judged(text in ".{0,60}", index in 0u64..50, level in 2u32..=5) {
        let instance = world().instance_at(level, Seed(1), Split::Train, index);
        prop_assert!(!instance.check(&text).verified());
        let _ = instance.implied(&text);
    }

    #[test]
    fn any_words_are_judged(
        words in proptest::collection::vec(proptest::sample::select(words_of_traces()), 0..40),
        index in 0u64..50,
    ) {
        let instance = world().instance_at(2, Seed(1), Split::Train, index);
        let text = words.join(" ");
        let report = instance.check(&text);
        prop_assert!(report.confirmed <= report.expected);
        prop_assert!(!report.verified());
        let _ = instance.implied(&text);
    }

    #[test]
    fn an_edit_of_one_word_is_never_verified(
        index in 0u64..400,
        level in 2u32..=5,
        at in any::<proptest::sample::Index>(),
        word in proptest::sample::select(words_of_traces()),
        removes in any::<bool>(),
    ) {
        let instance = world().instance_at(level, Seed(2), Split::Test, index);
        let gold = instance.gold_trace();
        let mut words: Vec<&str> = gold.as_str().split(' ').collect();
        let at = at.index(words.len());
        // The last full stop may be missing.
        prop_assume!(words[at] != word && at + 1 < words.len());
        if removes {
            words.remove(at);
        } else {
            words[at] = &word;
        }
        let report = instance.check(&words.join(" "));
        prop_assert!(!report.verified(), "{:?} {report:?}", words);
    }
}
