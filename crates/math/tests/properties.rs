//! What must hold for every text and every number.

use proptest::prelude::*;
use tracelift_math::{Gold, MatchTypes, Options, Verdict, compare, hendrycks};

fn verdict(gold: &str, pred: &str) -> Verdict {
    compare(gold, pred, &Options::default()).verdict
}

/// Pieces of LaTeX that come together into formulas, whole and broken.
fn latexish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "\\frac",
        "{",
        "}",
        "1",
        "2",
        "x",
        "y",
        "+",
        "-",
        "=",
        "<",
        "(",
        ")",
        "[",
        "]",
        ",",
        "\\sqrt",
        "^",
        "_",
        "|",
        "\\left",
        "\\right",
        "\\{",
        "\\}",
        "\\cup",
        "\\pm",
        "\\text{ and }",
        "\\pi",
        "e",
        "i",
        "!",
        "%",
        "\\%",
        "$",
        "\\boxed{",
        "\\sin",
        "\\log",
        "\\begin{pmatrix}",
        "\\end{pmatrix}",
        "&",
        "\\\\",
        ".",
        "0.5",
        " ",
        ":",
        ";",
        "\\infty",
        "\\le",
        "\\in",
        "\\circ",
        "answer is ",
        "\\sum_{k=1}^{3}",
        "\\mod",
        "\\overline{3}",
        "\\ldots",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_panics(gold in ".{0,60}", pred in ".{0,60}") {
        let _ = compare(&gold, &pred, &Options::default());
        let strings = MatchTypes { latex: true, expr: true, string: true };
        let _ = compare(&gold, &pred, &Options { strict: false, match_types: strings, tail: Some(20), ..Options::default() });
        let _ = hendrycks::is_equiv(&gold, &pred);
    }

    #[test]
    fn no_formula_panics_and_what_is_read_equals_itself(text in latexish(), other in latexish()) {
        let gold = Gold::parse(&text, &Options::default());
        let _ = gold.compare(&other);
        let own = gold.compare(&text);
        if gold.normal_form().is_some() {
            let trusted = matches!(own.verdict, Verdict::Equal)
                // A box that is cut off is an answer in gold only; turn tokens and thoughts are cut from predictions.
                || matches!(own.verdict, Verdict::NoAnswer)
                || own.extracted.as_ref().map(|(_, text)| text.clone()) != Some(text.clone());
            prop_assert!(trusted, "{:?}: {:?}", text, own);
        }
    }

    #[test]
    fn fractions_equal_their_decimals(n in -9999i64..9999, power in 0u32..6) {
        let d = 10i64.pow(power);
        let decimal = format!("{}{}.{:0width$}", if n < 0 { "-" } else { "" }, n.abs() / d, n.abs() % d, width = power as usize);
        let decimal = if power == 0 { n.to_string() } else { decimal };
        prop_assert_eq!(verdict(&format!("{n}/{d}"), &decimal), Verdict::Equal);
        prop_assert_eq!(verdict(&format!("$\\frac{{{n}}}{{{d}}}$"), &decimal), Verdict::Equal);
    }

    #[test]
    fn fractions_equal_their_multiples_only(n in -999i64..999, d in 1i64..999, k in 1i64..99) {
        let gold = format!("$\\frac{{{n}}}{{{d}}}$");
        let multiple = format!("${}/{}$", n * k, d * k);
        let next = format!("${}/{}$", n * k + 1, d * k);
        prop_assert_eq!(verdict(&gold, &multiple), Verdict::Equal);
        prop_assert_eq!(verdict(&gold, &next), Verdict::Different);
    }

    #[test]
    fn negation_is_never_equal(n in 1i64..1_000_000, d in 1i64..1000) {
        prop_assert_eq!(verdict(&format!("{n}"), &format!("{}", -n)), Verdict::Different);
        prop_assert_eq!(verdict(&format!("$\\frac{{{n}}}{{{d}}}$"), &format!("$-\\frac{{{n}}}{{{d}}}$")), Verdict::Different);
        prop_assert_eq!(verdict(&format!("$\\sqrt{{{n}}}$"), &format!("$-\\sqrt{{{n}}}$")), Verdict::Different);
    }

    #[test]
    fn roots_are_exact(n in 2i64..100_000, k in 2i64..50) {
        let scaled = format!("${k}\\sqrt{{{n}}}$");
        prop_assert_eq!(verdict(&scaled, &format!("$\\sqrt{{{}}}$", n * k * k)), Verdict::Equal);
        prop_assert_eq!(verdict(&scaled, &format!("$\\sqrt{{{}}}$", n * k * k + 1)), Verdict::Different);
    }

    #[test]
    fn products_equal_their_expansions(a in -20i64..20, b in -20i64..20) {
        let product = format!("$(x+{a})(x+{b})$");
        let expansion = format!("$x^2+{}x+{}$", a + b, a * b);
        let near = format!("$x^2+{}x+{}$", a + b, a * b + 1);
        prop_assert_eq!(verdict(&product, &expansion), Verdict::Equal);
        prop_assert_eq!(verdict(&product, &near), Verdict::Different);
    }

    #[test]
    fn sets_have_no_order_and_tuples_do(mut items in prop::collection::vec(-99i64..99, 2..8)) {
        items.sort_unstable();
        items.dedup();
        prop_assume!(items.len() > 1);
        let list = |items: &[i64]| items.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let mut reversed = items.clone();
        reversed.reverse();
        prop_assert_eq!(verdict(&format!("$\\{{{}\\}}$", list(&items)), &format!("${}$", list(&reversed))), Verdict::Equal);
        prop_assert_eq!(verdict(&format!("$({})$", list(&items)), &format!("$({})$", list(&reversed))), Verdict::Different);
        prop_assert_eq!(verdict(&format!("$\\{{{}\\}}$", list(&items)), &format!("$\\{{{}\\}}$", list(&items[1..]))), Verdict::Different);
    }

    #[test]
    fn the_box_holds_the_answer(n in -100_000i64..100_000, noise in "[a-z ]{0,20}") {
        let pred = format!("{noise} \\boxed{{{n}}}");
        prop_assert_eq!(verdict(&n.to_string(), &pred), Verdict::Equal);
        prop_assert_eq!(verdict(&(n + 1).to_string(), &pred), Verdict::Different);
    }

    #[test]
    fn lines_equal_their_multiples(a in 1i64..50, b in -50i64..50, c in -50i64..50, k in prop::sample::select(vec![-3i64, -1, 2, 5])) {
        let line = |s: i64, shift: i64| format!("${}x+({})y+({})=0$", a * s, b * s, c * s + shift);
        prop_assert_eq!(verdict(&line(1, 0), &line(k, 0)), Verdict::Equal);
        prop_assert_eq!(verdict(&line(1, 0), &line(k, 1)), Verdict::Different);
    }
}
