use super::*;
use tracelift_domain::Seed;

fn one(value: f64) -> Cluster {
    Cluster { sum: value, count: 1 }
}

/// Pairs whose differences are these.
fn pairs(differences: &[f64]) -> Vec<Pair> {
    differences.iter().map(|&d| (one(d), one(0.0))).collect()
}

fn compare(seeds: &[Vec<Pair>], problems: Problems) -> SeedDifference {
    over_seeds(seeds, problems, &mut Seed(3).rng(), 4000).unwrap()
}

#[test]
fn one_seed_says_how_sure_it_is_on_other_problems_alone() {
    let only = vec![pairs(&[1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0])];
    let found = compare(&only, Problems::OfEachSeed);
    assert_eq!((found.difference.mean, found.difference.between, found.problems), (0.6, None, 10));
    // A bootstrap has n where the textbook has n − 1.
    let textbook = paired_error(&only[0]).unwrap() * 0.9_f64.sqrt();
    let error = found.standard_error.unwrap();
    assert!((error / textbook - 1.0).abs() < 0.05, "{error} {textbook}");
}

#[test]
fn seeds_that_agree_on_everything_leave_the_error_of_the_problems() {
    let same = pairs(&[1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    let textbook = paired_error(&same).unwrap() * 0.9_f64.sqrt();
    let shared = compare(&vec![same.clone(); 4], Problems::Shared).standard_error.unwrap();
    assert!((shared / textbook - 1.0).abs() < 0.05, "{shared} {textbook}");
    // Were they other problems each time, four times as many would have been seen.
    let own = compare(&vec![same; 4], Problems::OfEachSeed).standard_error.unwrap();
    assert!((2.0 * own / textbook - 1.0).abs() < 0.05, "{own} {textbook}");
}

#[test]
fn seeds_that_differ_and_problems_that_do_not_leave_the_error_of_the_seeds() {
    let seeds = [0.1, 0.2, 0.6].map(|d| pairs(&[d; 20])).to_vec();
    for problems in [Problems::Shared, Problems::OfEachSeed] {
        let found = compare(&seeds, problems);
        let (error, between) = (found.standard_error.unwrap(), found.difference.between.unwrap());
        assert!((error / between - 1.0).abs() < 0.05, "{error} {between}");
        let (low, high) = found.interval.unwrap();
        assert!((high - low) / (2.0 * error) > 4.2, "three seeds have two degrees of freedom");
    }
}

#[test]
fn nothing_known_is_no_difference() {
    let empty = (Cluster::default(), Cluster::default());
    assert_eq!(over_seeds(&[vec![empty; 3]], Problems::Shared, &mut Seed(1).rng(), 10), None);
    assert_eq!(over_seeds(&[], Problems::Shared, &mut Seed(1).rng(), 10), None);
    let zero = compare(&[pairs(&[0.0; 5]), pairs(&[0.0; 5])], Problems::Shared);
    assert_eq!((zero.p, zero.interval), (Some(1.0), Some((0.0, 0.0))));
}

#[test]
fn the_same_seed_draws_the_same() {
    let seeds = [pairs(&[0.1, 0.5, -0.2]), pairs(&[0.3, 0.1, 0.0])];
    assert_eq!(compare(&seeds, Problems::Shared), compare(&seeds, Problems::Shared));
}

/// A number from a normal distribution by the central limit theorem: near enough here.
fn normal(rng: &mut impl Rng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// How many of so many intervals hold the true difference, which is 0.
fn coverage(seeds: usize, of_seed: f64, of_problem: f64, problems: Problems) -> f64 {
    const TRIALS: usize = 400;
    const COUNT: usize = 40;
    let mut rng = Seed(11).child("coverage", seeds as u64).rng();
    let held = (0..TRIALS).filter(|_| {
        let peculiar: Vec<f64> = (0..COUNT).map(|_| of_problem * normal(&mut rng)).collect();
        let drawn: Vec<Vec<Pair>> = (0..seeds)
            .map(|_| {
                let seed = of_seed * normal(&mut rng);
                let of = |at: usize, rng: &mut _| match problems {
                    Problems::Shared => peculiar[at],
                    Problems::OfEachSeed => of_problem * normal(rng),
                };
                let differences: Vec<f64> =
                    (0..COUNT).map(|at| seed + of(at, &mut rng) + 0.5 * normal(&mut rng)).collect();
                pairs(&differences)
            })
            .collect();
        let found = over_seeds(&drawn, problems, &mut rng, 200).unwrap();
        found.interval.is_some_and(|(low, high)| low <= 0.0 && 0.0 <= high)
    });
    held.count() as f64 / TRIALS as f64
}

/// Of 95 in a hundred: with 400 trials the standard error of a share is 1.1 points. That an interval may be too wide where
/// problems decide is the price of degrees of freedom that seeds alone give.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    for problems in [Problems::Shared, Problems::OfEachSeed] {
        for seeds in [2, 3, 5] {
            for (of_seed, of_problem) in [(0.3, 0.1), (0.05, 0.5), (0.0, 0.5)] {
                let share = coverage(seeds, of_seed, of_problem, problems);
                println!("{problems:?} {seeds} seeds, {of_seed} {of_problem}: {share:.3}");
                assert!(share >= 0.925, "{problems:?} {seeds} seeds, {of_seed} {of_problem}: {share:.3}");
            }
        }
    }
}

#[test]
fn the_interval_covers_and_the_error_agrees() {
    let (trials, problems, truth) = (300, 60, 0.15);
    let (mut covered, mut mean_width, mut mean_error) = (0, 0.0, 0.0);
    for trial in 0..trials {
        let mut rng = Seed(11).child("trial", trial).rng();
        let mut draw = |p: f64| Cluster { sum: f64::from(u8::from(rng.random_bool(p))), count: 1 };
        let pairs: Vec<(Cluster, Cluster)> = (0..problems)
            .map(|problem| {
                let difficulty = 0.1 + 0.7 * f64::from(problem) / f64::from(problems - 1);
                (draw(difficulty + truth), draw(difficulty))
            })
            .collect();
        let (low, high) =
            bootstrap_interval(&pairs, &mut Seed(trial).child("paired bootstrap", 0).rng(), 400).unwrap();
        covered += usize::from(low <= truth && truth <= high);
        mean_width += (high - low) / trials as f64;
        mean_error += paired_error(&pairs).unwrap() / trials as f64;
    }
    let coverage = covered as f64 / trials as f64;
    assert!((0.90..=0.98).contains(&coverage), "coverage {coverage}");
    let ratio = mean_width / (2.0 * 1.96 * mean_error);
    assert!((0.95..=1.05).contains(&ratio), "interval over normal interval {ratio}");
}

#[test]
fn mcnemar_is_the_exact_binomial_test() {
    // SciPy 1.14, binomtest(k, n).pvalue.
    for (ahead, behind, p) in [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (5, 0, 0.0625),
        (10, 2, 0.03857421875),
        (2, 10, 0.03857421875),
        (7, 7, 1.0),
        (60, 40, 0.05688793364098078),
    ] {
        let found = mcnemar(ahead, behind);
        assert!((found - p).abs() < 1e-9, "{ahead} to {behind}: {found}, expected {p}");
    }
    assert!(mcnemar(900, 700) < 1e-5 && mcnemar(100_000, 100_000) > 0.99);
}

#[test]
fn what_is_detectable_is_two_point_eight_errors() {
    assert!((detectable(1.0, 100_000) - 2.8016).abs() < 1e-3);
    assert!(detectable(1.0, 2) > 5.0, "few seeds find large differences alone");
}
