//! From a text to the answer in it: one ladder, and the rung that held is part of the result.

mod boxes;
mod choices;
mod formulas;
mod numbers;
mod phrases;

pub(crate) use choices::{anchored as anchored_choice, anywhere as any_choice};

pub(crate) use phrases::is_phrase;

use crate::options::Options;
use crate::verdict::Rung;

/// What was found: pieces of text that together are the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extract {
    pub(crate) rung: Rung,
    pub(crate) pieces: Vec<String>,
    /// A percent sign or word stood behind the last piece.
    pub(crate) percent: bool,
    /// Found outside of any formula: commas may be decimal commas.
    pub(crate) plain: bool,
}

impl Extract {
    fn formula(rung: Rung, pieces: Vec<String>, percent: bool) -> Extract {
        Extract { rung, pieces, percent, plain: false }
    }

    fn plain(rung: Rung, piece: String) -> Extract {
        Extract { rung, pieces: vec![piece], percent: false, plain: true }
    }

    /// The pieces as one text.
    pub(crate) fn text(&self) -> String {
        self.pieces.join(", ")
    }
}

/// A box that holds nothing, or is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenBox;

/// Tokens of chat templates: what follows them was not written as this answer.
const TURN_ENDS: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end|>",
    "<|user|>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
];

/// The part of a prediction that is its answer's text: after the thinking, before the next turn, the tail if asked.
pub(crate) fn relevant<'t>(text: &'t str, options: &Options) -> &'t str {
    let mut text = text;
    if let Some(limit) = options.tail {
        let skip = text.chars().count().saturating_sub(limit);
        let start = text.char_indices().nth(skip).map_or(text.len(), |(i, _)| i);
        text = &text[start..];
    }
    if let Some(at) = text.rfind("</think>") {
        let after = &text[at + "</think>".len()..];
        if !after.trim().is_empty() {
            text = after;
        }
    }
    let end = TURN_ENDS
        .iter()
        .filter_map(|token| text.find(token))
        .filter(|at| !text[..*at].trim().is_empty())
        .min()
        .unwrap_or(text.len());
    &text[..end]
}

/// Finds the answer in a text. `trusted` is set for gold: a box that is cut off there still holds the answer.
pub(crate) fn extract(text: &str, options: &Options, trusted: bool) -> Result<Option<Extract>, BrokenBox> {
    let spans = formulas::spans(text);
    let boxed = boxes::last_group(text, trusted)?;
    let hashes = phrases::hashes(text);
    let last_statement = phrases::last_final_answer(text, &spans);
    // The latest explicit statement wins; a box inside "final answer is $\boxed{…}$" is that statement.
    let mut best: Option<(usize, Extract)> = None;
    for (end, extract) in [boxed, hashes, last_statement].into_iter().flatten() {
        if best.as_ref().is_none_or(|(other, _)| end > *other) {
            best = Some((end, extract));
        }
    }
    if let Some((_, extract)) = best {
        return Ok(Some(extract));
    }
    if let Some(extract) = phrases::last_answer(text, &spans) {
        return Ok(Some(extract));
    }
    if options.match_types.latex
        && let Some((pieces, percent)) = formulas::last_group(text, &spans)
    {
        return Ok(Some(Extract::formula(Rung::Formula, pieces, percent)));
    }
    let whole = phrases::cleaned(text);
    let has_command = whole.contains('\\');
    let wanted = options.match_types.expr || (options.match_types.latex && has_command);
    if wanted && !whole.is_empty() && whole.len() <= crate::syntax::LENGTH_LIMIT && !phrases::is_prose(whole)
    {
        return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
    }
    if has_command && phrases::has_formula_outside(whole) {
        // A formula without delimiters among words: only a lone fraction is safe to cut out.
        let fraction = formulas::bare_fraction(whole).filter(|_| options.match_types.latex);
        if fraction.is_none() && trusted {
            return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
        }
        return Ok(fraction.map(|piece| Extract::formula(Rung::Formula, vec![piece], false)));
    }
    if options.match_types.expr
        && options.last_number
        && let Some((piece, percent)) = numbers::last(text)
    {
        return Ok(Some(Extract { percent, ..Extract::plain(Rung::LastNumber, piece) }));
    }
    // Gold is an answer and nothing else, however it is worded.
    if !whole.is_empty() && (trusted || wanted && phrases::is_short_text(whole)) {
        return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
    }
    Ok(None)
}
