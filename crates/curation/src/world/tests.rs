//! Groups of every world, level and split.

use super::*;
use std::collections::BTreeMap;
use tracelift_domain::TaskDomain;
use tracelift_worlds::WorldName;

const INSTANCES: u64 = 200;
const SEED: Seed = Seed(11);

fn with_noise() -> WorldGroupConfig {
    WorldGroupConfig { noisy: Some(Noise { spoiling: 0.2, benign: 0.2 }), ..WorldGroupConfig::default() }
}

/// The instances that the tests look at: every world, level and split.
fn instances(name: WorldName) -> impl Iterator<Item = Instance> {
    let world = World::new(name);
    let strata = world.levels().flat_map(|level| [(level, Split::Train), (level, Split::Test)]);
    strata.flat_map(move |(level, split)| {
        let world = world.clone();
        (0..INSTANCES).map(move |index| world.instance_at(level, SEED, split, index))
    })
}

fn rubric(domain: TaskDomain, map: &BTreeMap<String, f64>) -> Rubric {
    Rubric::from_map(domain, map).unwrap()
}

/// Holds a group to everything that is promised of it.
fn hold(instance: &Instance, group: &Group, noisy: usize) {
    let id = &group.problem_id;
    group.validate().unwrap_or_else(|what| panic!("{id}: {what}"));
    let domain = group.task_type;
    let positive = rubric(domain, &group.positive_pool[0].rubric);
    assert_eq!(positive.total, 1.0);
    assert!(instance.check(&group.positive_pool[0].reasoning).verified(), "{id}");

    let single = group.negative_bank.len() - noisy;
    let kinds: HashSet<&str> =
        group.negative_bank[..single].iter().map(|n| n.negative_kind.as_str()).collect();
    assert!((FEWEST..=MOST).contains(&single) && kinds.len() >= FEWEST_KINDS, "{id}: {kinds:?}");

    let mut texts = HashSet::from([group.positive_pool[0].reasoning.as_str()]);
    for (i, negative) in group.negative_bank.iter().enumerate() {
        let text = negative.reasoning.as_str();
        assert!(texts.insert(text), "{id}: twice: {text}");
        assert!(FlawKind::of(domain).iter().any(|kind| kind.name() == negative.negative_kind));
        let label = rubric(domain, &negative.rubric);
        assert!(label.total <= 0.6 && label.labels != positive.labels, "{id}: {label:?}");
        let report = instance.check(text);
        assert!(!report.verified(), "{id}: {text}");
        let step = negative.extra["flaw_step"].as_u64();
        assert_eq!(step, report.first_flaw.map(|step| step as u64), "{id}: {text}");
        let effect = &negative.extra["flaw_sort"];
        assert!([json!(Effect::Spoiling), json!(Effect::Benign)].contains(effect), "{id}: {effect}");
        if i < single {
            // A benign program prints what gold prints, in other words; answers are compared as they stand.
            let gold = negative.extra["implied"] == json!(group.reference_solution);
            let survives = *effect == json!(Effect::Benign) && domain != TaskDomain::Code;
            assert_eq!(gold, survives, "{id}: {:?}: {text}", negative.extra);
            assert!(!negative.extra.contains_key("flaws"));
        } else {
            assert!(!negative.extra["flaws"].as_array().unwrap().is_empty());
        }
    }
}

fn hold_world(name: WorldName) {
    let config = with_noise();
    let (mut made, mut all, mut effects) = (0, 0, [0_usize; 2]);
    for instance in instances(name) {
        all += 1;
        let Some(group) = config.group(&instance, SEED) else { continue };
        made += 1;
        let noisy =
            group.negative_bank.iter().filter(|negative| negative.extra.contains_key("flaws")).count();
        hold(&instance, &group, noisy);
        for negative in &group.negative_bank {
            effects[usize::from(negative.extra["flaw_sort"] == json!(Effect::Benign))] += 1;
        }
    }
    assert!(made * 10 >= all * 9, "{name}: only {made} of {all} instances make groups");
    let [spoiling, benign] = effects;
    assert!(spoiling.min(benign) * 4 >= spoiling + benign, "{name}: {spoiling} spoiling, {benign} benign");
}

#[test]
fn groups_of_steps_hold_what_they_promise() {
    hold_world(WorldName::Steps);
}

#[test]
fn groups_of_words_hold_what_they_promise() {
    hold_world(WorldName::Words);
}

#[test]
fn groups_of_programs_hold_what_they_promise() {
    hold_world(WorldName::Programs);
}

#[test]
fn an_instance_with_too_few_flaws_makes_no_group() {
    // Problems of one step, easier than the worlds' own mix, leave little to break.
    for name in [WorldName::Steps, WorldName::Words] {
        let world = World::new(name).with_levels(1..=1);
        let mut none = 0;
        for index in 0..INSTANCES {
            let instance = world.instance(SEED, Split::Train, index);
            match WorldGroupConfig::default().group(&instance, SEED) {
                Some(group) => hold(&instance, &group, 0),
                None => none += 1,
            }
        }
        assert!((1..INSTANCES).contains(&none), "{name}: {none} of {INSTANCES} make no group");
        let all =
            world_groups(&world, &WorldGroupConfig::default(), SEED, Split::Train, 0..INSTANCES).unwrap();
        assert_eq!(all.count() as u64, INSTANCES - none, "{name}");
    }
}

fn bytes(name: WorldName, config: &WorldGroupConfig, seed: u64, indices: Range<u64>) -> Vec<String> {
    let groups = world_groups(&World::new(name), config, Seed(seed), Split::Train, indices).unwrap();
    groups.map(|group| serde_json::to_string(&group).unwrap()).collect()
}

#[test]
fn one_seed_makes_the_same_bytes_whatever_the_range() {
    let config = with_noise();
    for name in WorldName::ALL {
        let whole = bytes(name, &config, 5, 0..60);
        let parts = [bytes(name, &config, 5, 0..23), bytes(name, &config, 5, 23..60)].concat();
        assert_eq!(whole, parts);
        assert_ne!(whole, bytes(name, &config, 6, 0..60));
    }
}

#[test]
fn noise_adds_negatives_and_changes_nothing_else() {
    let config = with_noise();
    for name in WorldName::ALL {
        let world = World::new(name);
        let full = (0..40).filter(|&index| {
            let instance = world.instance(SEED, Split::Train, index);
            let (Some(plain), Some(mut rich)) =
                (WorldGroupConfig::default().group(&instance, SEED), config.group(&instance, SEED))
            else {
                return false;
            };
            let added = rich.negative_bank.split_off(plain.negative_bank.len());
            assert_eq!(plain, rich);
            assert!(added.len() <= 2);
            added.len() == 2
        });
        assert!(full.count() > 30, "{name}");
    }
}

#[test]
fn noisy_negatives_are_flawed_and_different() {
    let noise = Noise { spoiling: 0.3, benign: 0.1 };
    for name in WorldName::ALL {
        let instance = World::new(name).instance(SEED, Split::Train, 3);
        let negatives = noisy_negatives(&instance, &noise, SEED, 5);
        let texts: HashSet<&str> = negatives.iter().map(|negative| negative.reasoning.as_str()).collect();
        assert_eq!(texts.len(), 5);
        assert!(!texts.contains(instance.gold_trace().as_str()));
        assert!(noisy_negatives(&instance, &Noise::NONE, SEED, 5).is_empty());
    }
}

#[test]
fn a_group_may_hold_noisy_negatives_only() {
    let config = WorldGroupConfig { single: false, noisy_negatives: 4, ..with_noise() };
    let world = World::new(WorldName::Steps);
    for group in world_groups(&world, &config, SEED, Split::Test, 0..20).unwrap() {
        assert!(
            group.validate().is_ok() && group.negative_bank.iter().all(|n| n.extra.contains_key("flaws"))
        );
    }
}

#[test]
fn settings_that_make_no_groups_are_refused() {
    let noise =
        |spoiling, benign| WorldGroupConfig { noisy: Some(Noise { spoiling, benign }), ..Default::default() };
    for (config, message) in [
        (noise(1.5, 0.0), "`noisy.spoiling` is 1.5; a chance is a number from 0 to 1"),
        (noise(0.0, f64::NAN), "`noisy.benign` is NaN; a chance is a number from 0 to 1"),
        (
            noise(0.0, 0.0),
            "`noisy` is without any flaws; raise `noisy.spoiling` or `noisy.benign`, or leave it out",
        ),
        (
            WorldGroupConfig { noisy_negatives: 0, ..noise(0.1, 0.1) },
            "`noisy_negatives` is 0; ask for at least 1, or leave `noisy` out",
        ),
        (
            WorldGroupConfig { single: false, ..Default::default() },
            "`single` is false; set it to true or give `noisy`; a group needs flawed traces",
        ),
    ] {
        assert_eq!(config.validate().unwrap_err().to_string(), message);
        let groups = world_groups(&World::new(WorldName::Steps), &config, SEED, Split::Train, 0..1);
        assert!(groups.is_err());
    }
    assert!(WorldGroupConfig::default().validate().is_ok() && with_noise().validate().is_ok());
}

#[test]
fn settings_have_defaults_and_unknown_keys_are_refused() {
    let read = serde_json::from_str::<WorldGroupConfig>;
    assert_eq!(read("{}").unwrap(), WorldGroupConfig::default());
    let noisy = read(r#"{"noisy": {"spoiling": 0.2, "benign": 0.2}}"#).unwrap();
    assert_eq!(noisy, with_noise());
    assert!(read(r#"{"nosy": null}"#).unwrap_err().to_string().contains("expected one of `single`, `noisy`"));
}
