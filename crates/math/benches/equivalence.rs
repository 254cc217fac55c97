//! How many answers are compared in a second, and how long the worst inputs take: `cargo bench -p tracelift-math`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tracelift_math::{Gold, Options, compare};

/// Comparisons per second over the pairs, measured for about a second.
fn rate(name: &str, pairs: &[(String, String)], reuse_gold: bool) {
    let options = Options::default();
    let golds: Vec<Gold> = pairs.iter().map(|(gold, _)| Gold::parse(gold, &options)).collect();
    let mut done = 0u64;
    let mut equal = 0u64;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        for (i, (gold, pred)) in pairs.iter().enumerate() {
            let comparison = if reuse_gold { golds[i].compare(pred) } else { compare(gold, pred, &options) };
            equal += u64::from(black_box(comparison).verdict.equal() == Some(true));
            done += 1;
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{name}: {:.0} answers/s ({:.2} µs each; {} % equal)",
        done as f64 / seconds,
        seconds * 1e6 / done as f64,
        equal * 100 / done
    );
}

fn pair(gold: &str, pred: &str) -> (String, String) {
    (gold.to_owned(), pred.to_owned())
}

fn plain_numbers() -> Vec<(String, String)> {
    (0..1000i32)
        .map(|i| {
            let n = i * 37 - 5000;
            match i % 4 {
                0 => (n.to_string(), n.to_string()),
                1 => (n.to_string(), (n + 1).to_string()),
                2 => (format!("{n}.50"), format!("{n}.5")),
                _ => (
                    format!("{}", 1000 + n.abs()),
                    format!("{},{:03}", (1000 + n.abs()) / 1000, (1000 + n.abs()) % 1000),
                ),
            }
        })
        .collect()
}

/// Answers in the shapes that competition problems have.
fn latex() -> Vec<(String, String)> {
    vec![
        pair("\\frac{14}{3}", "$\\boxed{\\frac{14}{3}}$"),
        pair("\\left( 3, \\frac{\\pi}{2} \\right)", "$\\boxed{\\left(3, \\frac{\\pi}{2}\\right)}$"),
        pair("3\\sqrt{13}", "The answer is $\\boxed{\\sqrt{117}}$."),
        pair("3\\sqrt{13}", "The answer is $\\boxed{\\sqrt{119}}$."),
        pair("p - q", "$\\boxed{p-q}$"),
        pair("6 - 5i", "$\\boxed{6-5i}$"),
        pair("1,-2", "$\\boxed{-2} \\quad \\text{and} \\quad \\boxed{1}$"),
        pair("x^5 - x^4 + x^3 - x^2 + x - 1", "$\\boxed{(x-1)(x^4+x^2+1)}$"),
        pair(
            "\\begin{pmatrix} -1/3 \\\\ 2/3 \\\\ 5/3 \\end{pmatrix}",
            "$\\boxed{\\begin{pmatrix} -\\frac13 \\\\ \\frac23 \\\\ \\frac53 \\end{pmatrix}}$",
        ),
        pair("(0,9) \\cup (9,36)", "$\\boxed{(0,9)\\cup(9,36)}$"),
        pair("90^\\circ", "$\\boxed{90^\\circ}$"),
        pair("\\frac{9}{256}", "$\\boxed{\\frac{8}{256}}$"),
        pair("\\text{(C)}", "$\\boxed{\\text{C}}$"),
        pair("5x - 7y + 11z + 4 = 0", "$\\boxed{10x-14y+22z+8=0}$"),
        pair("1 \\pm \\sqrt{19}", "$x = \\boxed{1 \\pm \\sqrt{19}}$"),
        pair("\\frac{11+9a}{20}", "$\\boxed{\\frac{9a+11}{20}}$"),
    ]
}

fn transcendental() -> Vec<(String, String)> {
    vec![
        pair("\\sin^2 x + \\cos^2 x", "$1$"),
        pair("\\cos 2x", "$1-2\\sin^2 x$"),
        pair("e^{i\\pi}", "$-1$"),
        pair("\\ln 6", "$\\ln 2+\\ln 3$"),
        pair("2^{n+1}", "$2\\cdot 2^n$"),
    ]
}

/// Inputs of about 10 kB that are meant to hurt.
fn adversarial() -> Vec<(&'static str, String)> {
    let limit = 10_000;
    let fill = |part: &str| part.repeat(limit / part.len());
    let rows = "1&2&3&4&5&6&7&8&9&10\\\\".repeat(400);
    vec![
        ("open brackets", fill("(")),
        ("braces", format!("{}1{}", "{".repeat(4000), "}".repeat(4000))),
        ("nested fractions", format!("{}1{}", "\\frac{1}{".repeat(1000), "}".repeat(1000))),
        ("nested roots", format!("{}2{}", "\\sqrt{".repeat(1300), "}".repeat(1300))),
        ("shallow nested roots", format!("{}2{}", "\\sqrt{1+".repeat(25), "}".repeat(25))),
        ("digits", fill("7")),
        ("digits over digits", format!("{}/{}", "7".repeat(5000), "9".repeat(4999))),
        ("decimal digits", format!("0.{}", "3".repeat(9_990))),
        ("powers of nine", "9^{9^{9^{9}}}".to_owned()),
        ("power chain", vec!["9"; 60].join("^")),
        ("power product", fill("9^{9999}\\cdot")),
        ("factorials", "1000000000!".to_owned()),
        ("factorial product", fill("4000!\\cdot ").trim_end_matches("\\cdot ").to_owned()),
        ("factorial marks", format!("3{}", "!".repeat(9000))),
        ("double factorials", "((((5!)!)!)!)!".to_owned()),
        ("commas", fill(",")),
        ("long list", fill("1,")),
        ("list of letters", fill("x_1, ")),
        ("list of sines", fill("\\sin 3, ")),
        ("unions", format!("[0,1]{}", "\\cup[2,3]".repeat(1000))),
        (
            "unions of roots",
            (0..600).map(|i| format!("(\\sqrt{{{i}}},{i})")).collect::<Vec<_>>().join("\\cup"),
        ),
        ("set differences", format!("[0,1]{}", "\\setminus[2,3]".repeat(650))),
        ("matrix", format!("\\begin{{pmatrix}}{rows}\\end{{pmatrix}}")),
        ("matrix product", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}".repeat(250)),
        ("symbolic matrix product", "\\begin{pmatrix}a&b\\\\c&d\\end{pmatrix}".repeat(250)),
        ("determinant", format!("\\begin{{vmatrix}}{}\\end{{vmatrix}}", ["a&b&c&d&e"; 5].join("\\\\"))),
        ("bars", fill("|")),
        ("bars and letters", fill("|x")),
        ("plus minus", fill("\\pm 1")),
        ("minus signs", format!("{}1", "-".repeat(9_900))),
        ("long sum", fill("x+1/3+").trim_end_matches('+').to_owned()),
        ("sum of fractions", (2..1500).map(|i| format!("1/{i}")).collect::<Vec<_>>().join("+")),
        ("sum of roots", (2..900).map(|i| format!("\\sqrt{{{i}}}")).collect::<Vec<_>>().join("+")),
        ("sum of sines", fill("\\sin x+").trim_end_matches('+').to_owned()),
        ("sine tower", format!("{}x", "\\sin".repeat(60))),
        ("exponential tower", format!("{}x{}", "e^{".repeat(30), "}".repeat(30))),
        ("series", "\\sum_{k=1}^{1000000000}k".to_owned()),
        ("nested series", "\\sum_{i=1}^{1000}\\sum_{j=1}^{1000}\\sum_{k=1}^{1000}ijk".to_owned()),
        ("binomials", "\\binom{1000000000}{500000000}".to_owned()),
        ("modulus", fill("7\\mod ").trim_end_matches("\\mod ").to_owned()),
        ("slashes", fill("1/").trim_end_matches('/').to_owned()),
        ("percent signs", format!("1{}", "%".repeat(9000))),
        ("boxes", fill("\\boxed{")),
        ("many boxes", fill("\\boxed{1},")),
        ("dollars", fill("$")),
        ("dollar pairs", fill("$1$,")),
        ("answers", fill("answer is ")),
        ("final answers", fill("final answer is ")),
        ("prose with numbers", fill("so 5 apples ")),
        ("bare words", fill("word ")),
        ("backslashes", fill("\\")),
        ("text commands", fill("\\text{a}")),
        ("chain", fill("x=").trim_end_matches('=').to_owned()),
        ("inequality chain", fill("1<").trim_end_matches('<').to_owned()),
        ("equation", format!("x^{{50}}+{}=0", fill("3x^2y+").trim_end_matches('+'))),
        ("large exponents", fill("x^{999999}+").trim_end_matches('+').to_owned()),
        ("imaginary powers", fill("i^{i}+").trim_end_matches('+').to_owned()),
        ("repeating decimal", format!("0.\\overline{{{}}}", "142857".repeat(160))),
    ]
}

fn main() {
    rate("plain numbers", &plain_numbers(), false);
    rate("plain numbers, gold read once", &plain_numbers(), true);
    rate("LaTeX answers", &latex(), false);
    rate("LaTeX answers, gold read once", &latex(), true);
    rate("transcendental identities", &transcendental(), false);
    let options = Options::default();
    let mut worst: Vec<(Duration, String)> = Vec::new();
    let inputs = adversarial();
    for (name, text) in &inputs {
        // Alone on either side, against itself in other words, and against a neighbour.
        let longer = format!("{text}+0");
        let formula = format!("${text}$");
        for (gold, pred) in [
            ("5", text),
            (text.as_str(), text),
            (text.as_str(), &longer),
            (text.as_str(), &formula),
            ("x", &formula),
        ] {
            // The least of three: what another process did meanwhile is not the comparison's time.
            let mut least = Duration::MAX;
            let mut verdict = "";
            for _ in 0..3 {
                let start = Instant::now();
                verdict = black_box(compare(gold, pred, &options)).verdict.name();
                least = least.min(start.elapsed());
            }
            worst.push((least, format!("{name}: {verdict}")));
            if least > Duration::from_millis(200) {
                println!("slow: {name}: {verdict}: {least:?}");
            }
        }
    }
    worst.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    println!("worst of {} adversarial comparisons:", worst.len());
    for (time, name) in worst.iter().take(12) {
        println!("  {:>9.3} ms  {name}", time.as_secs_f64() * 1e3);
    }
}
