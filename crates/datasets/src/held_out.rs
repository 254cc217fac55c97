//! Test sets, known by what is in them and by their names: nothing is trained on a problem on which models are evaluated.

use crate::{Format, Row};
use std::{collections::HashMap, path::Path, sync::LazyLock};

/// Fingerprints of the statements of published test sets, one a line below the name of the set. `tools/make_test_sets.py`
/// makes them.
const KNOWN: &str = include_str!("test_sets.txt");

static SETS: LazyLock<HashMap<u64, &'static str>> = LazyLock::new(|| {
    let mut sets = HashMap::new();
    let mut name = "";
    for line in KNOWN.lines() {
        match (line.strip_prefix("# "), u64::from_str_radix(line, 16)) {
            (Some(heading), _) => name = heading,
            (None, Ok(fingerprint)) => drop(sets.insert(fingerprint, name)),
            (None, Err(_)) => {}
        }
    }
    sets
});

/// The words of a statement as one number (FNV-1a over ASCII letters in lower case and digits, a space between words), so
/// that neither case nor punctuation nor line breaks nor markup hide it.
fn fingerprint(statement: &str) -> u64 {
    let words = statement.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    for (index, word) in words.enumerate() {
        if index > 0 {
            eat(b' ');
        }
        word.bytes().for_each(|byte| eat(byte.to_ascii_lowercase()));
    }
    hash
}

/// The test set that a statement belongs to, whatever file it lies in.
#[must_use]
pub fn held_out_statement(statement: &str) -> Option<&'static str> {
    SETS.get(&fingerprint(statement)).copied()
}

/// The test set that a row belongs to, if it is known to belong to one: by its statement, or by what its file, its folder
/// and its identifiers are called.
#[must_use]
pub fn held_out(path: &Path, format: Format, row: &Row) -> Option<&'static str> {
    if format == Format::Mbpp {
        let task = row.origin.get("task_id").and_then(serde_json::Value::as_u64);
        match task {
            Some(11..=510) => return Some("MBPP 11-510 (test)"),
            // Three of its training tasks have the words of a test task; the set's own numbers tell them apart.
            Some(511..=974) => return None,
            _ => {}
        }
    }
    held_out_statement(&row.problem.question.statement).or_else(|| named(path, format, row))
}

/// Families of problems (a problem and its variants with other numbers) of which one is known to belong to a test set: all of
/// such a family is held out, since a variant teaches what its first problem asks.
#[derive(Clone, Debug, Default)]
pub struct HeldOutFamilies(HashMap<String, &'static str>);

impl HeldOutFamilies {
    /// Takes notice of a problem: of the name of its family, unique among all sources, its own, and its statement.
    pub fn see(&mut self, family: &str, id: &str, statement: &str) {
        // The names that worlds and published sets give: `steps/test/…`, `gsm8k/test/…`.
        let named = [id, family].iter().any(|id| id.split('/').rev().skip(1).any(|part| part == "test"));
        let known = held_out_statement(statement).or(named.then_some("problems named as of a test set"));
        if let Some(name) = known {
            self.0.entry(family.to_owned()).or_insert(name);
        }
    }

    /// The test set that a family belongs to.
    #[must_use]
    pub fn of(&self, family: &str) -> Option<&'static str> {
        self.0.get(family).copied()
    }
}

fn named(path: &Path, format: Format, row: &Row) -> Option<&'static str> {
    let tail: Vec<String> = path
        .components()
        .rev()
        .take(2)
        .map(|part| part.as_os_str().to_string_lossy().to_lowercase())
        .collect();
    let (file, folder) = (tail.first().map_or("", String::as_str), tail.get(1).map_or("", String::as_str));
    let named = |name: &str| file.contains(name) || folder.contains(name);
    let test = file.split(['.', '_', '-']).any(|word| word == "test" || word == "tests");
    let unique = row.origin.get("unique_id").and_then(|id| id.as_str()).unwrap_or_default();
    match format {
        Format::HumanEval => Some("HumanEval"),
        Format::Aime => Some("AIME"),
        _ if named("humaneval") => Some("HumanEval"),
        _ if named("aime") => Some("AIME"),
        _ if named("math500") || named("math-500") || named("math_500") => Some("MATH-500"),
        Format::Math if unique.starts_with("test/") => Some("MATH test"),
        Format::Gsm8k if test => Some("GSM8K test"),
        Format::Svamp if test => Some("SVAMP test"),
        _ if named("gsm8k") && test => Some("GSM8K test"),
        _ if test => Some("a file named as a test set"),
        _ => None,
    }
}
