//! Programs: told in outlines, and broken by rule in the seven ways of the code domain.
//!
//! An outline is made from the canonical solution's structure. A flawed outline is the outline of a [`Mutant`], a program
//! with one thing wrong, so that what it leads to can be tried out; or it says of the plan, the input or the result what no
//! statement of the program shows, and then nobody can.

mod forms;
pub mod mutants;
mod outline;
mod shape;
pub mod syntax;
mod words;

pub use mutants::{Mutant, mutants};
pub use outline::{Outline, Sentence, Unreadable, Variant};

use crate::proposal::{Erratum, FlawSource, Proposal, SeedProblem, Span};
use rand::seq::SliceRandom;
use tracelift_domain::FlawKind;
use tracelift_domain::{Gold, Seed};

/// A program, told and broken.
#[derive(Debug)]
pub struct Broken<'s> {
    seed: &'s SeedProblem,
    /// The outline of the canonical solution.
    pub outline: Outline,
    mutants: Vec<Mutant>,
}

/// What makes a flawed outline.
enum Source<'b> {
    Mutant(&'b Mutant),
    Variant(usize, &'b Variant),
}

impl<'s> Broken<'s> {
    /// A seed's program in every way in which rules break it.
    ///
    /// # Errors
    /// Why it makes no outline.
    pub fn read(seed: &'s SeedProblem) -> Result<Broken<'s>, Unreadable> {
        let outline = Outline::of(&seed.reference_solution, test(seed))?;
        Ok(Broken { seed, outline, mutants: mutants(&seed.reference_solution) })
    }

    /// The flawed outlines of a kind, in a seeded order: at most `most`.
    #[must_use]
    pub fn proposals(&self, kind: FlawKind, random: Seed, most: usize) -> Vec<Proposal> {
        let reference = self.outline.text();
        let variants = self.outline.sentences.iter().enumerate().flat_map(|(at, sentence)| {
            sentence
                .variants
                .iter()
                .filter(|variant| variant.kind == kind)
                .map(move |one| Source::Variant(at, one))
        });
        let mutants = self.mutants.iter().filter(|mutant| mutant.kind == kind).map(Source::Mutant);
        let mut sources: Vec<Source<'_>> = variants.chain(mutants).collect();
        sources.shuffle(&mut random.child("drafts", 0).rng());
        let mut proposals: Vec<Proposal> = Vec::new();
        for source in sources {
            if proposals.len() == most {
                break;
            }
            let Some((rule, text, program)) = self.told(&source) else { continue };
            if proposals.iter().any(|known| known.reasoning == text) {
                continue;
            }
            let Some(span) = Span::between(&reference, &text) else { continue };
            let step = reference.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
            let steps = self.outline.sentences.len();
            let flaw = Erratum {
                kind,
                source: FlawSource::Rule { rule: rule.to_owned() },
                effect: None,
                span: Some(span),
                step: Some(step.min(steps - 1)),
                steps,
                downstream: Vec::new(),
                implied: None,
            };
            proposals.push(Proposal { reasoning: text, flaw, rubric: None, program });
        }
        proposals
    }

    /// The rule, the text and the program of a flawed outline; nothing where the mutant has none.
    fn told(&self, source: &Source<'_>) -> Option<(&'static str, String, Option<String>)> {
        match source {
            Source::Mutant(mutant) => {
                let outline = Outline::of(&mutant.program, test(self.seed)).ok()?;
                Some((mutant.rule, outline.text(), Some(mutant.program.clone())))
            }
            Source::Variant(at, variant) => {
                let mut lines: Vec<&str> =
                    self.outline.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
                lines[*at] = &variant.text;
                Some((variant.rule, lines.join("\n"), None))
            }
        }
    }
}

/// The test that shows what goes in and comes out.
fn test(seed: &SeedProblem) -> Option<&str> {
    match &seed.problem.gold {
        Gold::Function(tests) => tests.asserts.first().map(String::as_str),
        Gold::Answer(_) | Gold::Tests(_) => None,
    }
}

#[cfg(test)]
mod tests;
