//! Gates: what keeps a proposed trace out of a group. Each refusal is counted under its name.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use tracelift_domain::{Effect, FlawKind, Gold, TaskDomain, Trace};
use tracelift_flaws::{FlawSource, Proposal, SeedProblem, math::Derivation};

/// How strict the gates are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateLimits {
    /// Fewest words (numbers count) of a trace. Default: 5.
    pub words: usize,
    /// Fewest flawed traces of a group. Default: 4.
    pub negatives: usize,
    /// Fewest kinds among them. Default: 4.
    pub kinds: usize,
}

impl Default for GateLimits {
    fn default() -> GateLimits {
        GateLimits { words: 5, negatives: 4, kinds: 4 }
    }
}

/// Why something is kept out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum GateReason {
    /// Tags inside, or nothing at all.
    #[error("the text is empty or holds reasoning tags")]
    NotATrace,
    /// A placeholder stands where reasoning should.
    #[error("the trace holds a placeholder")]
    Placeholder,
    /// Too few words.
    #[error("the trace is too short")]
    TooShort,
    /// Word for word the reference.
    #[error("the trace is the reference")]
    Identical,
    /// The reference but for case, punctuation and spaces.
    #[error("the trace differs from the reference in case, punctuation or spaces only")]
    NearIdentical,
    /// The trace announces the answer.
    #[error("the trace announces the final answer")]
    LeakedAnswer,
    /// The trace holds program text.
    #[error("the trace holds a program")]
    LeakedCode,
    /// Whoever follows the trace still does the same.
    #[error("the flaw changes nothing")]
    ChangesNothing,
    /// Its rubric's total is not below the reference's.
    #[error("the rubric of the flawed trace is not below the reference's")]
    NotBelowReference,
    /// A kind that the problem's domain does not have.
    #[error("the kind is one of another domain")]
    ForeignKind,
    /// The group holds this trace already.
    #[error("the group holds this trace already")]
    DuplicateInGroup,
    /// Another group has the same problem.
    #[error("another group has the same problem")]
    DuplicateProblem,
    /// Not enough flawed traces, or kinds, are left.
    #[error("too few flawed traces or kinds are left")]
    TooFewNegatives,
}

impl GateReason {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        use GateReason::*;
        match self {
            NotATrace => "not_a_trace",
            Placeholder => "placeholder",
            TooShort => "too_short",
            Identical => "identical",
            NearIdentical => "near_identical",
            LeakedAnswer => "leaked_answer",
            LeakedCode => "leaked_code",
            ChangesNothing => "changes_nothing",
            NotBelowReference => "not_below_reference",
            ForeignKind => "foreign_kind",
            DuplicateInGroup => "duplicate_in_group",
            DuplicateProblem => "duplicate_problem",
            TooFewNegatives => "too_few_negatives",
        }
    }
}

/// What every trace must meet, reference or flawed.
///
/// # Errors
/// The first gate that is shut.
pub fn gate_trace(seed: &SeedProblem, text: &str, limits: &GateLimits) -> Result<(), GateReason> {
    if Trace::new(text).is_none() {
        return Err(GateReason::NotATrace);
    }
    if placeholder(text) {
        return Err(GateReason::Placeholder);
    }
    if text.split_whitespace().count() < limits.words {
        return Err(GateReason::TooShort);
    }
    if leaks_code(text) {
        return Err(GateReason::LeakedCode);
    }
    if seed.problem.question.domain != TaskDomain::Code && announces(text) {
        return Err(GateReason::LeakedAnswer);
    }
    Ok(())
}

/// Whether a proposal may stand beside the reference trace `positive`.
///
/// # Errors
/// The first gate that is shut.
pub fn gate(
    seed: &SeedProblem,
    positive: &str,
    proposal: &Proposal,
    limits: &GateLimits,
) -> Result<(), GateReason> {
    if !FlawKind::of(seed.problem.question.domain).contains(&proposal.flaw.kind) {
        return Err(GateReason::ForeignKind);
    }
    if proposal.reasoning.trim() == positive.trim() {
        return Err(GateReason::Identical);
    }
    gate_trace(seed, &proposal.reasoning, limits)?;
    let (reference, flawed) = (words(positive), words(&proposal.reasoning));
    if reference == flawed {
        return Err(GateReason::NearIdentical);
    }
    if changes_nothing(seed, &reference, &flawed, proposal) {
        return Err(GateReason::ChangesNothing);
    }
    if proposal.rubric().total >= 1.0 {
        return Err(GateReason::NotBelowReference);
    }
    Ok(())
}

/// The words of a text in lower case, numbers with their signs of operation; what is left when case, punctuation and
/// spaces are not looked at. Two texts with the same key are the same trace.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside = c.is_alphanumeric()
            || (matches!(c, '.' | ',')
                && word.chars().next_back().is_some_and(|c| c.is_ascii_digit())
                && rest.peek().is_some_and(char::is_ascii_digit));
        if inside {
            if c != ',' {
                word.extend(c.to_lowercase());
            }
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if matches!(c, '+' | '-' | '*' | '/' | '=' | '<' | '>' | '%' | '×' | '÷') {
            words.push(c.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Words that carry none of the reasoning: a rewording by these alone is no flaw.
const IDLE: [&str; 28] = [
    "a",
    "an",
    "the",
    "so",
    "then",
    "thus",
    "therefore",
    "hence",
    "now",
    "and",
    "this",
    "that",
    "is",
    "are",
    "was",
    "were",
    "will",
    "be",
    "also",
    "first",
    "next",
    "finally",
    "we",
    "means",
    "there",
    "it",
    "in",
    "of",
];

/// A flaw changes nothing where only idle words differ, or where it is said to spoil the answer (or to be a slip in a
/// calculation) and whoever follows the trace still arrives at gold: because the maker's own word says so, or because all
/// equations that the trace shows hold and lead there.
fn changes_nothing(seed: &SeedProblem, reference: &[String], flawed: &[String], proposal: &Proposal) -> bool {
    let idle: HashSet<&str> = IDLE.into_iter().collect();
    let weight = |words: &[String]| -> Vec<String> {
        words.iter().filter(|word| !idle.contains(word.as_str())).cloned().collect()
    };
    if weight(reference) == weight(flawed) {
        return true;
    }
    let Gold::Answer(gold) = &seed.problem.gold else { return false };
    let spoils = proposal.flaw.effect == Some(Effect::Spoiling);
    let plain = |text: &str| text.trim().trim_start_matches('$').replace(',', "");
    if spoils && proposal.flaw.implied.as_ref().is_some_and(|implied| plain(gold) == plain(implied)) {
        return true;
    }
    // A model's word is not taken for it: the trace's own equations tell.
    let by_model = matches!(proposal.flaw.source, FlawSource::Llm { .. });
    by_model
        && (spoils || proposal.flaw.kind == FlawKind::ArithmeticSlip)
        && Derivation::read(&seed.problem.question.statement, &proposal.reasoning, gold).is_ok()
}

/// Text that stands for text.
fn placeholder(text: &str) -> bool {
    const MARKS: [&str; 12] = [
        "todo",
        "tbd",
        "lorem ipsum",
        "<insert",
        "[insert",
        "[your",
        "<your",
        "placeholder",
        "...reasoning",
        "[reasoning",
        "{reasoning",
        "as an ai",
    ];
    let lower = text.to_lowercase();
    MARKS.iter().any(|mark| match lower.find(mark) {
        None => false,
        Some(at) if mark.chars().all(char::is_alphabetic) => {
            let edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
            edge(lower[..at].chars().next_back()) && edge(lower[at + mark.len()..].chars().next())
        }
        Some(_) => true,
    })
}

/// Whether the text hands in an answer, which is the executor's work.
fn announces(text: &str) -> bool {
    const MARKS: [&str; 7] =
        ["####", "\\boxed", "the answer is", "final answer", "answer:", "the correct answer", "<answer>"];
    let lower = text.to_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
}

/// Whether a line of the text is one of a program.
fn leaks_code(text: &str) -> bool {
    text.contains("```")
        || text.lines().map(str::trim).any(|line| {
            let opens = |start: &str, end: char| line.starts_with(start) && line.ends_with(end);
            opens("def ", ':')
                || opens("class ", ':') && !line.contains(' ')
                || opens("for ", ':') && line.contains(" in ")
                || opens("while ", ':')
                || opens("if ", ':') && (line.contains("==") || line.contains('('))
                || opens("print(", ')')
                || line.starts_with("#include")
                || line.starts_with("import ") && line.split(' ').count() == 2
                || line.starts_with("from ") && line.contains(" import ")
        })
}

#[cfg(test)]
mod tests;
