//! What this world promises, on many drawn problems.

use super::chain::{Chain, NAMES, Op};
use super::*;
use crate::guess;
use crate::report::Extent;
use crate::tokenizer::tokenizer_json;
use crate::world::{Instance, World, WorldName};
use proptest::prelude::*;
use std::collections::HashSet;
use std::str::FromStr;
use tokenizers::Tokenizer;
use tracelift_domain::prompt::reward_model_text;
use tracelift_domain::{Effect, FlawKind};

const NOISE: Noise = Noise { spoiling: 0.15, benign: 0.15 };

fn split() -> impl Strategy<Value = Split> {
    prop_oneof![Just(Split::Train), Just(Split::Test)]
}

/// Levels beyond the default ones included: names run out at 14 steps.
fn task() -> impl Strategy<Value = StepsTask> {
    (1..=24_u32, split(), any::<u64>()).prop_map(|(level, split, seed)| generate(level, split, Seed(seed)))
}

fn kind() -> impl Strategy<Value = FlawKind> {
    (0..7_usize).prop_map(|index| FlawKind::of(TaskDomain::Steps)[index])
}

fn instances(count: u64) -> impl Iterator<Item = Instance> {
    let world = World::new(WorldName::Steps);
    (0..count).map(move |index| {
        world.instance(Seed(11), if index % 2 == 0 { Split::Train } else { Split::Test }, index)
    })
}

/// The answer, by reading the statement alone: an independent road to gold.
fn answer_of(statement: &str) -> u32 {
    let words: Vec<&str> = statement.split(' ').collect();
    let clauses: Vec<&[&str]> = words.split(|word| [".", "?"].contains(word)).collect();
    let mut known: Vec<(&str, u32)> = Vec::new();
    for clause in &clauses[1..] {
        let names: Vec<&str> = clause.iter().copied().filter(|word| NAMES.contains(word)).collect();
        let value = |name: &str| known.iter().rev().find(|(known, _)| *known == name).unwrap().1;
        let has = |words: &[&str]| clause.iter().any(|word| words.contains(word));
        match names[..] {
            [name] => match clause.iter().find_map(|word| u32::from_str(word).ok()) {
                Some(number) => known.push((name, number)),
                None => return value(name),
            },
            [first, second, third] => {
                let target_first = clause[0] == first && has(&["is", "equals"]) || has(&["let", "set"]);
                let (target, left, right) =
                    if target_first { (first, second, third) } else { (third, first, second) };
                let (left, right) = (i64::from(value(left)), i64::from(value(right)));
                let exact = if has(&["add", "plus", "sum"]) {
                    left + right
                } else if has(&["multiply", "times", "product"]) {
                    left * right
                } else if has(&["from"]) {
                    right - left
                } else {
                    assert!(has(&["minus", "less"]), "{clause:?}");
                    left - right
                };
                known.push((target, exact.rem_euclid(i64::from(MODULUS)) as u32));
            }
            _ => assert!(clause.is_empty(), "{clause:?}"),
        }
    }
    panic!("no question in {statement:?}");
}

proptest! {
    #[test]
    fn gold_is_verified_and_implies_the_answer(task in task()) {
        let (trace, report) = (task.gold_trace(), task.check(&task.gold_trace()));
        prop_assert!(report.verified() && report.first_flaw.is_none() && !report.leaks, "{trace}");
        prop_assert_eq!((report.found, report.confirmed), (report.expected, report.expected));
        prop_assert_eq!(report.extent, Extent::Exact);
        prop_assert_eq!(task.implied(&trace), Some(task.gold_artifact()));
        prop_assert_eq!(task.gold(), Gold::Answer(task.gold_artifact()));
    }

    #[test]
    fn the_statement_alone_determines_the_answer(task in task()) {
        prop_assert_eq!(answer_of(&task.statement()).to_string(), task.gold_artifact(), "{}", task.statement());
    }

    #[test]
    fn a_single_flaw_is_found_at_its_step_and_its_sort_is_true(task in task(), kind in kind(), seed: u64) {
        if let Some(flawed) = task.flaw(kind, &mut Seed(seed).rng()) {
            let text = flawed.trace.as_str();
            let report = task.check(text);
            prop_assert!(!report.verified() && !report.leaks, "{kind:?} {text}");
            prop_assert_eq!(report.first_flaw, Some(flawed.flaw.step), "{:?} {}", kind, text);
            prop_assert_eq!(flawed.flaw.kind, kind);
            prop_assert_eq!(&flawed.implied, &task.implied(text));
            let right = flawed.implied == Some(task.gold_artifact());
            prop_assert_eq!(right, flawed.flaw.effect == Effect::Benign, "{:?} {}", kind, text);
            prop_assert!(text.split(' ').all(|word| word != "0"));
        }
    }

    #[test]
    fn noise_is_listed_and_its_sorts_are_true(task in task(), seed: u64) {
        let noisy = task.noisy_trace(&NOISE, &mut Seed(seed).rng());
        let text = noisy.trace.as_str();
        let report = task.check(text);
        prop_assert_eq!(report.verified(), noisy.flaws.is_empty());
        prop_assert_eq!(report.first_flaw, noisy.flaws.iter().map(|flaw| flaw.step).min(), "{:?}", noisy);
        prop_assert!(!report.leaks, "{text}");
        prop_assert_eq!(&noisy.implied, &task.implied(text));
        let spoiled = noisy.flaws.iter().any(|flaw| flaw.effect == Effect::Spoiling);
        prop_assert_eq!(noisy.implied != Some(task.gold_artifact()), spoiled, "{:?}", noisy);
        prop_assert!(text.split(' ').all(|word| word != "0"));
    }

    #[test]
    fn without_noise_a_trace_is_gold(task in task(), seed: u64) {
        let noisy = task.noisy_trace(&Noise::NONE, &mut Seed(seed).rng());
        prop_assert_eq!(noisy.trace.as_str(), task.gold_trace());
        prop_assert!(noisy.flaws.is_empty());
    }

    #[test]
    fn no_edit_of_a_word_is_verified(task in task(), at: prop::sample::Index, other: prop::sample::Index) {
        let gold = task.gold_trace();
        let mut words: Vec<&str> = gold.split(' ').collect();
        let vocabulary = vocabulary();
        let (at, other) = (at.index(words.len() - 1), other.get(&vocabulary).as_str());
        prop_assume!(words[at] != other);
        words[at] = other;
        prop_assert!(!task.check(&words.join(" ")).verified(), "{}", words.join(" "));
        words.remove(at);
        prop_assert!(!task.check(&words.join(" ")).verified(), "{}", words.join(" "));
    }

    #[test]
    fn any_string_can_be_judged(task in task(), text in ".{0,80}", cut: prop::sample::Index) {
        let gold = task.gold_trace();
        for text in [text.clone(), format!("{gold} {text}"), format!("{} {text}", &gold[..cut.index(gold.len())])] {
            let report = task.check(&text);
            prop_assert!(report.confirmed <= report.expected.min(report.found));
            task.implied(&text);
        }
    }

    #[test]
    fn any_row_of_words_can_be_judged(task in task(), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let vocabulary = vocabulary();
        let text: Vec<&str> = picks.iter().map(|pick| pick.get(&vocabulary).as_str()).collect();
        let report = task.check(&text.join(" "));
        prop_assert!(!report.verified() && report.confirmed <= report.expected.min(report.found));
        task.implied(&text.join(" "));
    }

    #[test]
    fn chains_are_generic_in_the_modulus(steps in 1..12_usize, seed: u64, modulus in prop::sample::select(vec![3, 5, 7, 11, 13, 17, 101])) {
        let chain = Chain::draw(steps, modulus, &mut Seed(seed).rng());
        prop_assert!(chain.values.iter().all(|value| (1..modulus).contains(value)));
        let gold = line::text(&line::gold(&chain));
        prop_assert!(check::judge(&chain, &gold).verified());
        prop_assert_eq!(check::implied(&chain, &gold), Some(chain.answer()));
    }
}

/// `g = 5 + 7 = 12`, `k = g - a = 12 - 5 = 7`, `w = k * g = 7 * 12 = 84 = 6`.
fn fixed() -> StepsTask {
    let mut chain = Chain::draw(3, 13, &mut Seed(0).rng());
    let step = |op, operands| chain::Step { op, operands };
    chain.steps = vec![step(Op::Add, [0, 1]), step(Op::Subtract, [2, 0]), step(Op::Multiply, [3, 2])];
    chain.values = vec![5, 7, 12, 7, 6];
    chain.names = vec!["a", "b", "g", "k", "w"];
    let statement = statement::write(&chain, Split::Train, &mut Seed(0).rng());
    StepsTask { chain, statement }
}

#[test]
fn the_checker_judges_each_step() {
    let (first, second, third) = ("g = a + b = 5 + 7 = 12", "k = g - a = 12 - 5 = 7", "w = k * g = 7 * 12");
    let task = fixed();
    assert_eq!(task.gold_trace(), format!("{first} . {second} . {third} ."));
    let judge = |trace: String| {
        let report = task.check(&trace);
        (report.first_flaw, report.confirmed, report.found, report.extent, report.leaks)
    };
    use Extent::{Exact, Over, Under};
    for (trace, expected) in [
        (String::new(), (Some(0), 0, 0, Under, false)),
        (format!("{first} . {second} . {third}"), (None, 3, 3, Exact, false)),
        (format!("g = b + a = 7 + 5 = 12 . {second} . w = g * k = 12 * 7 ."), (None, 3, 3, Exact, false)),
        (format!("g = b + a = 5 + 7 = 12 . {second} . {third} ."), (Some(0), 2, 3, Exact, false)),
        (format!("{first} . k = a - g = 5 - 12 = 6 . w = k * g = 6 * 12 ."), (Some(1), 1, 3, Exact, false)),
        (format!("{first} . {second} ."), (Some(2), 2, 2, Under, false)),
        (format!("{first} . {third} ."), (Some(1), 2, 2, Exact, false)),
        (format!("{second} . {first} . {third} ."), (Some(0), 2, 3, Exact, false)),
        (format!("{first} . {first} . {second} . {third} ."), (Some(1), 3, 4, Exact, false)),
        (format!("{first} . . {second} . {third} ."), (Some(1), 3, 4, Exact, false)),
        (format!("{first} . {second} . {third} . c = g + k = 12 + 7 = 6 ."), (Some(3), 3, 4, Over, false)),
        (format!("{first} . {second} . {third} . c = w + k = 6 + 7 ."), (Some(3), 3, 4, Over, true)),
        (format!("{first} . {second} . {third} = 6 ."), (Some(2), 2, 3, Exact, true)),
        (format!("{first} . {second} . {third} . = 6 ."), (Some(3), 3, 4, Over, true)),
        (format!("{first} . {second} . {third} . w = 6 ."), (Some(3), 3, 4, Exact, true)),
        (format!("w is 6 . {first} . {second} ."), (Some(0), 2, 3, Over, true)),
    ] {
        assert_eq!(judge(trace.clone()), expected, "{trace:?}");
    }
}

#[test]
fn a_literal_reader_takes_the_target_or_the_last_value() {
    let task = fixed();
    for (trace, implied) in [
        ("", None),
        (".", None),
        ("w", None),
        ("w =", None),
        ("g = a + b = 5 + 7 = 12 .", Some("12")),
        ("w = k * g = 7 * 11 .", Some("12")),
        ("w = k + g = 7 * 12 .", Some("6")),
        ("w = 9 . g = a + b = 5 + 7 = 12 .", Some("9")),
        ("g = a + b = 5 + 7 = 12 . k = g - a", None),
        ("w = 65535 * 65535 .", Some("4")),
        ("w = 65536 * 1 .", None),
        ("w = 007", None),
    ] {
        assert_eq!(task.implied(trace).as_deref(), implied, "{trace:?}");
    }
}

#[test]
fn every_kind_applies_in_the_sorts_it_can_have() {
    for &kind in FlawKind::of(TaskDomain::Steps) {
        let effects: Vec<Effect> = instances(400)
            .zip(0..)
            .filter_map(|(instance, index)| instance.flaw(kind, Seed(index)))
            .map(|flawed| flawed.flaw.effect)
            .collect();
        // A sum that is below both its modulus and the wrong one shows no wrong modulus.
        let least = if kind == FlawKind::UnitOrRateError { 260 } else { 300 };
        assert!(effects.len() >= least, "{kind:?} applies to {} of 400", effects.len());
        let benign = effects.iter().filter(|&&effect| effect == Effect::Benign).count();
        match kind {
            FlawKind::PrematureConclusion => assert_eq!(benign, 0),
            _ => assert!(
                benign >= 60 && benign + 60 <= effects.len(),
                "{kind:?}: {benign} of {}",
                effects.len()
            ),
        }
    }
    for &kind in FlawKind::of(TaskDomain::Code) {
        assert!(instances(20).all(|instance| instance.flaw(kind, Seed(5)).is_none()));
    }
}

#[test]
fn both_sorts_of_noise_come_as_often_as_asked() {
    let (mut steps, mut spoiling, mut benign) = (0.0, 0.0, 0.0);
    for instance in instances(2000) {
        let noisy = instance.noisy_trace(
            &Noise { spoiling: 0.1, benign: 0.2 },
            Seed(instance.level().into()).child(&instance.problem().id, 0),
        );
        steps += f64::from(instance.level());
        for flaw in noisy.flaws {
            match flaw.effect {
                Effect::Spoiling => spoiling += 1.0,
                Effect::Benign => benign += 1.0,
            }
        }
    }
    // Somewhat less than asked: a spoiling flaw needs a step on the path, and a trace may end early.
    let (spoiling, benign) = (spoiling / steps, benign / steps);
    assert!((0.06..=0.105).contains(&spoiling) && (0.16..=0.21).contains(&benign), "{spoiling} {benign}");
}

#[test]
fn most_steps_are_on_the_path_and_some_are_not() {
    let (mut needed, mut all) = (0, 0);
    for seed in 0..2000 {
        let chain = generate(3 + seed as u32 % 6, Split::Train, Seed(seed)).chain;
        let mut on_path = vec![false; chain.values.len()];
        on_path[chain.values.len() - 1] = true;
        for (index, step) in (2..chain.values.len()).zip(&chain.steps).rev() {
            step.operands.into_iter().for_each(|operand| on_path[operand] |= on_path[index]);
        }
        needed += on_path[2..].iter().filter(|&&on_path| on_path).count();
        all += chain.steps.len();
    }
    let share = f64::from(needed as u32) / all as f64;
    assert!((0.75..0.9).contains(&share), "{share}");
}

#[test]
fn guessing_earns_nothing() {
    for split in [Split::Train, Split::Test] {
        for best in guess::best_constant_guess(&World::new(WorldName::Steps), split, Seed(3), 3000) {
            let values = f64::from(MODULUS - 1);
            assert!(best.share <= 1.5 / values && best.distinct as f64 == values, "{best:?}");
        }
    }
}

#[test]
fn test_templates_are_new_sentences_of_known_words() {
    let words_of = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let train: HashSet<&str> = statement::ALL.iter().flat_map(|templates| templates.train).copied().collect();
    let known: HashSet<String> = train.iter().flat_map(|template| words_of(template)).collect();
    for templates in statement::ALL {
        assert!(templates.train.len() >= 6 && templates.test.len() >= 2);
        for template in templates.test {
            assert!(!train.contains(template), "{template}");
            assert!(words_of(template).iter().all(|word| known.contains(word)), "{template}");
        }
    }
    for word in statement::words() {
        assert!(word == word.to_lowercase() && !NAMES.contains(&word.as_str()), "{word}");
    }
}

#[test]
fn every_text_survives_the_tokenizer() {
    let world = World::new(WorldName::Steps);
    let tokenizer = Tokenizer::from_str(&tokenizer_json(&world).to_string()).unwrap();
    let unknown = tokenizer.token_to_id("<unk>").unwrap();
    let encode = |text: &str| {
        let ids = tokenizer.encode(text, false).unwrap().get_ids().to_vec();
        assert!(!ids.contains(&unknown), "{text}");
        ids
    };
    let exact = |text: &str| {
        let ids = encode(text);
        assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
        ids.len()
    };
    for instance in instances(500) {
        let (problem, gold) = (instance.problem(), instance.gold_trace());
        assert!(exact(&problem.question.statement) + exact(gold.as_str()) < 220);
        exact(&instance.gold_artifact());
        exact(instance.noisy_trace(&NOISE, Seed(1)).trace.as_str());
        for &kind in FlawKind::of(TaskDomain::Steps) {
            if let Some(flawed) = instance.flaw(kind, Seed(2)) {
                exact(flawed.trace.as_str());
                exact(&flawed.implied.unwrap());
            }
        }
        // Tags without spaces around them are tokens all the same.
        let question = &problem.question;
        let (source, domain) = (&question.source, question.domain.name());
        let ids = encode(&reward_model_text(source, domain, &question.statement, None, gold.as_str()));
        assert_eq!(encode(&tokenizer.decode(&ids, false).unwrap()), ids);
    }
    assert!(world.words().len() <= 250);
}
