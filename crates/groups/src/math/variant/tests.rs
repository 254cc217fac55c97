use super::*;

const STATEMENT: &str = "Anna has 48 apples. Half of them are green, and she sells 13 of the others for $1.50 each at 8:30. \
                         How much does she get if 20% of that is tax?";

fn told(statement: &str, worked: &str, gold: &str) -> Vec<Variant> {
    variants(statement, worked, gold, Seed(3), 5)
}

#[test]
fn numbers_change_together_and_equations_hold() {
    let statement = "Anna has 48 apples. She gives half of them to Ben and sells 13 of the others for $1.50 each. \
                     How much does she get for those that she sells, less 4 dollars of rent?";
    let worked = "She keeps 48/2=<<48/2=24>>24 apples.\nFor 13 of them she gets <<13*1.5=19.5>>19.50 dollars.\n\
                  That leaves 19.50 - 4 = <<19.5-4=15.5>>15.50 dollars.\n#### 15.5";
    let found = told(statement, worked, "15.5");
    assert_eq!(found.len(), 5);
    for variant in &found {
        let again = Derivation::read(&variant.statement, &variant.solution, &variant.answer).unwrap();
        assert_eq!(again.equations.len(), 3, "{variant:?}");
        assert!(variant.solution.ends_with(&format!("#### {}", variant.answer)));
        assert_ne!(variant.statement, statement);
        assert!(variant.statement.contains("half"), "{variant:?}");
    }
    insta::assert_snapshot!(format!("{}\n\n{}", found[0].statement, found[0].solution));
    assert_eq!(found, told(statement, worked, "15.5"), "another call, other variants");
}

#[test]
fn a_number_known_silently_leaves_no_variants() {
    // Three friends and Anna are four, which no equation says.
    let statement = "Anna and her 6 friends share 35 sweets. How many does each of them get?";
    let worked = "There are 7 people.\nEach gets 35/7=<<35/7=5>>5 sweets.\n#### 5";
    for variant in told(statement, worked, "5") {
        assert!(variant.statement.contains("6 friends"), "{variant:?}");
    }
    let worked = "There are 11 people.\nEach gets 55/11=<<55/11=5>>5 sweets.\n#### 5";
    let statement = "Anna and her 10 friends share 55 sweets. How many does each of them get?";
    assert_eq!(told(statement, worked, "5"), []);
}

#[test]
fn only_clear_numbers_change() {
    let worked = "Of 48 apples 48/2=24 are not green.\n13*1.50=19.50 dollars come in.\nTax is 20% of 19.50=3.90.\n\
                  She gets 19.50-3.90=15.60.\n#### 15.6";
    for variant in told(STATEMENT, worked, "15.6") {
        assert!(variant.statement.contains("8:30"), "{variant:?}");
        assert!(variant.statement.contains("Half"), "{variant:?}");
    }
    // The same number twice may be two things.
    let twice = "Anna has 13 apples and 13 pears. How many fruits?";
    assert_eq!(told(twice, "She has 13+13=<<13+13=26>>26 fruits.\n#### 26", "26"), []);
}

#[test]
fn drawn_numbers_are_of_the_same_make() {
    let mut rng = Seed(1).rng();
    for (old, percent) in [("40", false), ("1.25", false), ("7", false), ("25", true), ("1200", false)] {
        let old = Rational::parse(old).unwrap();
        for _ in 0..50 {
            let Some(new) = drawn(old, percent, &mut rng) else { continue };
            assert!(new.is_positive() && new.decimals() <= old.decimals(), "{old} → {new}");
            assert!(new.trailing_zeros() >= old.trailing_zeros(), "{old} → {new}");
            assert!(!percent || new < Rational::whole(100), "{old} → {new}");
        }
    }
}
