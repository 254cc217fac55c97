use super::*;
use crate::math::{Change, revise};
use proptest::prelude::*;

const PROBLEM: &str = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. \
                       How many clips did Natalia sell altogether in April and May?";
const SOLUTION: &str = "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nNatalia sold 48+24 = <<48+24=72>>72 clips \
                        altogether in April and May.\n#### 72";

#[test]
fn a_solution_is_cleaned_and_understood() {
    let derivation = Derivation::read(PROBLEM, SOLUTION, "72").unwrap();
    assert_eq!(
        derivation.text,
        "Natalia sold 48/2 = 24 clips in May.\nNatalia sold 48+24 = 72 clips altogether in April and May."
    );
    assert_eq!(derivation.equations.len(), 2);
    assert_eq!(derivation.answer, 1);
    let numbers: Vec<(&str, Link)> = derivation
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.number().is_some())
        .map(|(at, _)| (derivation.word(at), derivation.links[at]))
        .collect();
    let link = |result, given| Link { result, given };
    assert_eq!(
        numbers,
        [
            ("48", link(None, true)),
            ("2", link(None, true)),
            ("24", link(Some(0), false)),
            ("48", link(None, true)),
            ("24", link(Some(0), false)),
            ("72", link(Some(1), false)),
        ]
    );
}

/// The equations of a solution: how many are shown, how many are behind a number.
#[test]
fn what_is_stated_in_percent_follows_too() {
    let problem =
        "One spray kills 50% of germs, another 25%, and 5% are the same ones. What percentage is left?";
    let solution =
        "The first leaves 100 - 50 = 50%.\nThe second kills 25 - 5 = 20%.\nThat leaves 50 - 20 = 30%";
    let derivation = Derivation::read(problem, solution, "30").unwrap();
    let slip = Change { results: [(1, Rational::whole(40))].into(), ..Change::default() };
    let revision = revise(&derivation, &slip).unwrap();
    assert!(revision.text.ends_with("25 - 5 = 40%.\nThat leaves 50 - 40 = 10%"), "{}", revision.text);
    assert_eq!(revision.answer, Some(Rational::whole(10)));
    assert_eq!(false_equations(&revision.text), [1]);
    // Fewer than none cannot be left, and nobody would write that.
    let slip = Change { results: [(1, Rational::whole(60))].into(), ..Change::default() };
    assert!(revise(&derivation, &slip).is_err());
}

fn count(solution: &str, gold: &str) -> Result<(usize, usize), Unusable> {
    let derivation = Derivation::read("", solution, gold)?;
    let shown = derivation.equations.iter().filter(|equation| equation.shown.is_some()).count();
    Ok((shown, derivation.equations.len() - shown))
}

#[test]
fn equations_are_found_in_prose() {
    for (solution, gold, expected) in [
        ("7 stickers/page * 6 pages= <<7*6=42>>42 stickers", "42", (1, 0)),
        ("He gets $20 - $10 = $<<20-10=10>>10", "10", (1, 0)),
        ("20% of $50 = $10 and 10+5=15", "15", (2, 0)),
        ("3/8 x $200 = $75", "75", (1, 0)),
        ("(2+3)*4 = 20", "20", (1, 0)),
        ("5/20*100 = 25%", "25", (1, 0)),
        ("1 - .2 = 80% so 80% * 50 = 40", "40", (2, 0)),
        ("Half of 10 is <<10/2=5>>5, so 5+1=6", "6", (1, 1)),
        ("2 + 3 = 4 + 1 = 5", "5", (2, 0)),
        ("x = 5 and 5*2=10", "10", (1, 0)),
    ] {
        assert_eq!(count(solution, gold), Ok(expected), "{solution}");
    }
}

#[test]
fn what_makes_no_reference_is_named() {
    for (solution, gold, expected) in [
        ("", "1", Unusable::Size),
        ("10 x 1,248 = 11,480", "11480", Unusable::FalseEquation),
        ("5x3=15+2=17", "17", Unusable::FalseEquation),
        ("100/3 = 33.33", "33.33", Unusable::FalseEquation),
        ("She has 5.", "5", Unusable::NoEquation),
        ("2+3=5", "6", Unusable::MissesAnswer),
        ("2+3=<<2+3=6>>5", "5", Unusable::FalseEquation),
    ] {
        assert_eq!(count(solution, gold), Err(expected), "{solution}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(solution in "[0-9a-c =+*/x%$()<>.,\n-]{0,60}", problem in "\\PC{0,30}") {
        let _ = Derivation::read(&problem, &solution, "1");
    }
}
