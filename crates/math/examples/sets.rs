//! Compares the answers of published sets, to see what a comparison costs and whether a change moved a verdict:
//! `cargo run --release -p tracelift-math --example sets -- SET [ROUNDS]` compares a set's pairs so many times, and
//! `… -- verdicts` writes the verdict of every pair of every set, a line each. Without an argument the sets are named.
//!
//! The sets are those of `../shared` that are there, and those written here.

#![allow(clippy::unwrap_used, reason = "an example fails where its inputs are not as they should be")]

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use tracelift_math::{Gold, MatchTypes, Options, compare};

struct Pair {
    gold: String,
    pred: String,
    options: Options,
}

/// A set's name and how its pairs are made.
type Set = (&'static str, fn() -> Vec<Pair>);

const SETS: &[Set] = &[
    ("plain-numbers", plain_numbers),
    ("latex", latex),
    ("math500-golds", || math500(|row, _| text(row, "answer"))),
    ("math500-boxed", || math500(|row, _| format!("$\\boxed{{{}}}$", text(row, "answer")))),
    ("math500-other", || math500(|_, next| format!("$\\boxed{{{}}}$", text(next, "answer")))),
    ("math500-sentence", || math500(|row, _| format!("The answer is ${}$.", text(row, "answer")))),
    ("math500-solutions", || math500(|row, _| text(row, "solution"))),
    ("math500-unboxed", || math500(|row, _| text(row, "solution").replace("\\boxed", ""))),
    ("gsm8k-sentence", || gsm8k(|_, gold| format!("The answer is {gold}."))),
    ("gsm8k-solutions", || gsm8k(|solution, _| solution.to_owned())),
    ("gsm8k-unmarked", || gsm8k(|solution, _| solution.split("####").next().unwrap_or_default().to_owned())),
    ("aime-solutions", aime),
    ("near-miss", || cases("conformance/math/near_miss_negatives_dev.jsonl")),
    ("hand-judged", || cases("conformance/math/hand_judged_dev.jsonl")),
    ("math-verify", || cases("conformance/math/math_verify_dev.jsonl")),
    ("field", || cases("conformance/field/math.jsonl")),
    ("false-accepts", || cases("conformance/exploits/m_false_accepts.jsonl")),
    ("latex-values", latex_values),
    ("own-cases", own_cases),
];

fn rows(path: &Path) -> Vec<Value> {
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("{} is not here", path.display());
        return Vec::new();
    };
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn shared(path: &str) -> Vec<Value> {
    rows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path))
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned)
}

fn pair(gold: impl Into<String>, pred: impl Into<String>) -> Pair {
    Pair { gold: gold.into(), pred: pred.into(), options: Options::default() }
}

fn plain_numbers() -> Vec<Pair> {
    (0..1000i32)
        .map(|i| {
            let n = i * 37 - 5000;
            let thousands = 1000 + n.abs();
            match i % 4 {
                0 => pair(n.to_string(), n.to_string()),
                1 => pair(n.to_string(), (n + 1).to_string()),
                2 => pair(format!("{n}.50"), format!("{n}.5")),
                _ => pair(thousands.to_string(), format!("{},{:03}", thousands / 1000, thousands % 1000)),
            }
        })
        .collect()
}

/// Answers in the shapes that competition problems have.
fn latex() -> Vec<Pair> {
    let shapes = [
        ("\\frac{14}{3}", "$\\boxed{\\frac{14}{3}}$"),
        ("\\left( 3, \\frac{\\pi}{2} \\right)", "$\\boxed{\\left(3, \\frac{\\pi}{2}\\right)}$"),
        ("3\\sqrt{13}", "The answer is $\\boxed{\\sqrt{117}}$."),
        ("3\\sqrt{13}", "The answer is $\\boxed{\\sqrt{119}}$."),
        ("p - q", "$\\boxed{p-q}$"),
        ("6 - 5i", "$\\boxed{6-5i}$"),
        ("1,-2", "$\\boxed{-2} \\quad \\text{and} \\quad \\boxed{1}$"),
        ("x^5 - x^4 + x^3 - x^2 + x - 1", "$\\boxed{(x-1)(x^4+x^2+1)}$"),
        (
            "\\begin{pmatrix} -1/3 \\\\ 2/3 \\\\ 5/3 \\end{pmatrix}",
            "$\\boxed{\\begin{pmatrix} -\\frac13 \\\\ \\frac23 \\\\ \\frac53 \\end{pmatrix}}$",
        ),
        ("(0,9) \\cup (9,36)", "$\\boxed{(0,9)\\cup(9,36)}$"),
        ("90^\\circ", "$\\boxed{90^\\circ}$"),
        ("\\frac{9}{256}", "$\\boxed{\\frac{8}{256}}$"),
        ("\\text{(C)}", "$\\boxed{\\text{C}}$"),
        ("5x - 7y + 11z + 4 = 0", "$\\boxed{10x-14y+22z+8=0}$"),
        ("1 \\pm \\sqrt{19}", "$x = \\boxed{1 \\pm \\sqrt{19}}$"),
        ("\\frac{11+9a}{20}", "$\\boxed{\\frac{9a+11}{20}}$"),
    ];
    shapes.iter().map(|(gold, pred)| pair(*gold, *pred)).collect()
}

/// A prediction from each row and the one that follows it.
fn math500(pred: fn(&Value, &Value) -> String) -> Vec<Pair> {
    let rows = shared("data/math500/test.jsonl");
    let next = |i: usize| &rows[(i + 1) % rows.len()];
    rows.iter().enumerate().map(|(i, row)| pair(text(row, "answer"), pred(row, next(i)))).collect()
}

/// A prediction from each solution and its answer.
fn gsm8k(pred: fn(&str, &str) -> String) -> Vec<Pair> {
    let rows = shared("data/gsm8k/test.jsonl");
    let solutions = rows.iter().map(|row| text(row, "answer"));
    solutions
        .map(|solution| {
            let gold = solution.rsplit("####").next().unwrap_or_default().trim();
            pair(gold, pred(&solution, gold))
        })
        .collect()
}

fn aime() -> Vec<Pair> {
    let rows = shared("data/aime24/test.jsonl");
    rows.iter().map(|row| pair(text(row, "answer"), text(row, "solution"))).collect()
}

/// Expressions beside their values computed elsewhere.
fn latex_values() -> Vec<Pair> {
    let rows = shared("conformance/math/latex_values.jsonl");
    let valued = rows.iter().filter(|row| row["value"].is_string());
    valued
        .map(|row| pair(format!("${}$", text(row, "latex").trim_matches('$')), text(row, "value")))
        .collect()
}

fn cases(path: &str) -> Vec<Pair> {
    shared(path).iter().map(case).collect()
}

fn own_cases() -> Vec<Pair> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| rows(path)).map(|row| case(&row)).collect()
}

fn case(row: &Value) -> Pair {
    let mut options = Options::default();
    options.strict = row["strict"].as_bool().unwrap_or(options.strict);
    options.precision = row["precision"].as_u64().map_or(options.precision, |digits| digits as u32);
    options.allow_set_relation_comp = row["allow_set_relation_comp"].as_bool().unwrap_or(false);
    if let Some(names) = row["match_types"].as_array() {
        options.match_types = MatchTypes::from_names(names.iter().filter_map(Value::as_str)).unwrap();
    }
    Pair { gold: text(row, "gold"), pred: text(row, "pred"), options }
}

/// What `perf stat` and `callgrind` count by its name: the comparisons, and not the making of the pairs.
#[inline(never)]
fn compared(pairs: &[Pair]) -> usize {
    let equal = |pair: &&Pair| compare(&pair.gold, &pair.pred, &pair.options).verdict.equal() == Some(true);
    pairs.iter().filter(|pair| black_box(equal(pair))).count()
}

fn write_verdicts() {
    for (name, pairs) in SETS {
        for (i, pair) in pairs().iter().enumerate() {
            let comparison = compare(&pair.gold, &pair.pred, &pair.options);
            let again = Gold::parse(&pair.gold, &pair.options).compare(&pair.pred);
            assert_eq!(comparison.verdict, again.verdict, "{} | {}", pair.gold, pair.pred);
            println!("{name}\t{i}\t{:?}\t{:?}\t{:?}", comparison.verdict, pair.gold, comparison.extracted);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(wanted) = arguments.next() else {
        SETS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    };
    if wanted == "verdicts" {
        write_verdicts();
        return Ok(());
    }
    let rounds: u32 = arguments.next().map_or(Ok(1), |rounds| rounds.parse())?;
    let (name, pairs) = SETS.iter().find(|(name, _)| *name == wanted).ok_or("no set has this name")?;
    let pairs = pairs();
    let start = Instant::now();
    let equal: usize = (0..rounds).map(|_| compared(&pairs)).sum();
    let each = start.elapsed().as_secs_f64() * 1e6 / (f64::from(rounds) * pairs.len() as f64);
    println!("{name}: {} pairs {rounds} times, {equal} equal, {each:.2} µs each", pairs.len());
    Ok(())
}
