use super::*;
use proptest::prelude::*;

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
    // Six friends and Anna are seven, which no equation says; seven alone may be known, so the friends stay six.
    let statement = "Anna and her 6 friends share 35 sweets. How many does each of them get?";
    let worked = "There are 7 people.\nEach gets 35/7=<<35/7=5>>5 sweets.\n#### 5";
    let found = told(statement, worked, "5");
    assert!(!found.is_empty() && found.iter().all(|v| v.statement.contains("6 friends")), "{found:?}");
    // Nobody knows eleven by itself.
    let worked = "There are 11 people.\nEach gets 55/11=<<55/11=5>>5 sweets.\n#### 5";
    let statement = "Anna and her 10 friends share 55 sweets. How many does each of them get?";
    assert_eq!(told(statement, worked, "5"), []);
}

#[test]
fn only_clear_numbers_change() {
    let worked = "Of 48 apples 48/2=24 are not green.\n13*1.50=19.50 dollars come in.\nTax is 20% of 19.50=3.90.\n\
                  She gets 19.50-3.90=15.60.\n#### 15.6";
    let found = told(STATEMENT, worked, "15.6");
    assert!(!found.is_empty(), "nothing to look at");
    for variant in found {
        assert!(variant.statement.contains("8:30"), "{variant:?}");
        assert!(variant.statement.contains("Half"), "{variant:?}");
    }
    // The same number twice may be two things.
    let twice = "Anna has 13 apples and 13 pears. How many fruits?";
    assert_eq!(told(twice, "She has 13+13=<<13+13=26>>26 fruits.\n#### 26", "26"), []);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(statement in "[0-9a-c %$.,:/]{0,30}", worked in "[0-9a-c =+*/x%$()<>.,\n-]{0,60}") {
        let _ = told(&statement, &worked, "1");
    }

    #[test]
    fn what_it_tells_is_read_again(a in 3_i64..900, b in 3_i64..90, c in 2_i64..9) {
        let statement = format!("Anna has {a} apples, Ben has {b}. Cal has {c} times as many as both. How many has Cal?");
        let (sum, all) = (a + b, (a + b) * c);
        let worked = format!("Both have {a}+{b}=<<{a}+{b}={sum}>>{sum}.\nCal has {sum}*{c}={all}.\n#### {all}");
        for variant in told(&statement, &worked, &all.to_string()) {
            let again = Derivation::read(&variant.statement, &variant.solution, &variant.answer).unwrap();
            prop_assert_eq!(again.equations.len(), 2);
            // What the solution calculates with is what the statement says.
            let sums = again.equations[0].left.clone();
            sums.each_number(&mut |token| assert!(again.given.contains(&again.number(token)), "{variant:?}"));
        }
    }
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
