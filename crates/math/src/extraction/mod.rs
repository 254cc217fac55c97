//! From a text to the answer in it: one ladder, and the rung that held is part of the result.

mod atoms;
mod bases;
mod bounds;
mod boxes;
mod choices;
mod claims;
mod clauses;
mod comparatives;
mod continuations;
mod corrections;
mod dress;
mod emphasis;
mod formulas;
mod hashes;
mod hearsay;
mod money;
mod phrases;
mod prose;
mod results;
mod sentences;
mod shares;
mod tags;
mod turns;
mod vocabulary;

pub(crate) use choices::{anchored as anchored_choice, anywhere as any_choice};
pub(crate) use dress::undressed;
pub(crate) use prose::{is_phrase, is_prose};
pub(crate) use turns::relevant;

pub(crate) use clauses::begins_predicate;

use clauses::Lead;

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
    /// The piece is words and not a value: a name, a denial, a guess.
    pub(crate) words: bool,
    /// The clause that the value was taken from, where it was one.
    pub(crate) clause: String,
}

impl Extract {
    fn formula(rung: Rung, pieces: Vec<String>) -> Extract {
        Extract { rung, pieces, percent: false, plain: false, words: false, clause: String::new() }
    }

    fn plain(rung: Rung, piece: String) -> Extract {
        Extract {
            rung,
            pieces: vec![piece],
            percent: false,
            plain: true,
            words: false,
            clause: String::new(),
        }
    }

    /// The pieces as one text.
    pub(crate) fn text(&self) -> String {
        self.pieces.join(", ")
    }
}

/// A box that holds nothing, or is not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenBox;

/// Whose text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A box that is cut off still holds the answer, and a short text is an answer as it stands.
    Gold,
    Prediction,
}

/// Gold longer than this is a worked solution, not an answer.
const GOLD_ANSWER_LIMIT: usize = 160;

/// Finds the answer in an undressed text.
pub(crate) fn extract(text: &str, options: &Options, side: Side) -> Result<Option<Extract>, BrokenBox> {
    // What tags hold is read like a text of its own.
    let tagged = tags::tagged(text).and_then(|(end, inside)| {
        let found = ladder(inside, options, side, None).ok().flatten()?;
        Some((end, Extract { rung: Rung::Tag, ..found }))
    });
    ladder(text, options, side, tagged)
}

fn ladder(
    text: &str,
    options: &Options,
    side: Side,
    tagged: Option<(usize, Extract)>,
) -> Result<Option<Extract>, BrokenBox> {
    let spans = formulas::spans(text);
    let boxed = boxes::last_group(text, &spans, side)?.map(|(end, extract)| (end, spoken(extract)));
    // "According to Bob, the answer is \boxed{73}".
    let boxed = boxed.map(|(end, extract)| match text[..end].rfind("box") {
        Some(opening)
            if side == Side::Prediction
                && !extract.words
                && hearsay::is_told(text, opening, sentences::sentence_end(text, end, &spans)) =>
        {
            (end, claims::in_words(extract))
        }
        _ => (end, extract),
    });
    let hashes = hashes::hashes(text, &spans);
    let phrases = phrases::answers(text, &spans);
    // The latest explicit statement wins; a box inside "final answer is $\boxed{…}$" is that statement.
    let mut best: Option<(usize, Extract)> = None;
    let last_statement = phrases.last_final.map(|(_, end, extract)| (end, extract));
    for (end, extract) in [boxed, hashes, tagged, last_statement].into_iter().flatten() {
        if best.as_ref().is_none_or(|(other, _)| end > *other) {
            best = Some((end, extract));
        }
    }
    let any = phrases.last;
    if let Some((end, extract)) = best {
        // "The answer is 12." behind a box is the result; without a value in it, it is a remark.
        return Ok(Some(match any {
            Some((start, stop, later)) if start >= end && !later.words => {
                corrections::corrected(text, stop, &spans, later)
            }
            _ => corrections::corrected(text, end, &spans, extract),
        }));
    }
    if let Some((_, end, extract)) = any {
        return Ok(Some(corrections::corrected(text, end, &spans, extract)));
    }
    if side == Side::Gold
        && let Some(extract) = gold_in_words(text, &spans)
    {
        return Ok(Some(extract));
    }
    let whole = prose::without_label(prose::cleaned(text));
    if crate::syntax::measures::is_time_in_words(whole) {
        return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
    }
    if options.match_types.latex
        && let Some((pieces, percent)) = formulas::only_group(text, &spans)
    {
        return Ok(Some(Extract { percent, ..Extract::formula(Rung::Formula, pieces) }));
    }
    if side == Side::Prediction
        && let Some(share) = shares::share(whole)
    {
        return Ok(Some(Extract::plain(Rung::Whole, share)));
    }
    // "146的一半是73": what comes out is said behind what is done.
    if side == Side::Prediction
        && spans.is_empty()
        && let Some(result) = results::result(whole)
    {
        return Ok(Some(Extract::plain(Rung::LastNumber, result.to_owned())));
    }
    let has_command = whole.contains('\\');
    let wanted = options.match_types.expr || (options.match_types.latex && has_command);
    let prose = prose::is_prose(whole);
    if spans.is_empty() {
        if wanted && !whole.is_empty() && whole.len() <= crate::syntax::LENGTH_LIMIT && !prose {
            return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
        }
        if !prose && !has_command && whole.len() > crate::syntax::LENGTH_LIMIT {
            return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
        }
        if has_command && side == Side::Gold {
            return Ok(Some(Extract::plain(Rung::Whole, whole.to_owned())));
        }
    }
    let numbers = options.match_types.expr && options.last_number;
    let formulas = options.match_types.latex && (!spans.is_empty() || has_command);
    if numbers || formulas {
        let rung = |formula: bool| if formula { Rung::Formula } else { Rung::LastNumber };
        if let Some(extract) = sentences::last_sentence(text, &spans, rung) {
            let allowed = if extract.words {
                numbers || formulas
            } else if extract.plain && !has_command {
                numbers
            } else {
                formulas
            };
            if allowed {
                return Ok(Some(extract));
            }
            if formulas && let Some((pieces, percent)) = formulas::last_group(text, &spans) {
                return Ok(Some(Extract { percent, ..Extract::formula(Rung::Formula, pieces) }));
            }
        }
    }
    // "… so there is no solution.", "k is positive".
    if side == Side::Prediction
        && prose
        && let Some(sentence) = sentences::last_said(text, &spans)
        && (crate::set_names::named_set(sentence).is_some() || wanted && prose::is_short_text(sentence))
    {
        if let Some(relation) = comparatives::relation(sentence, (0, sentence.len()), &[]) {
            return Ok(Some(Extract::plain(Rung::Whole, relation)));
        }
        if let Some(name) = sentences::named_answer(sentence) {
            return Ok(Some(Extract::plain(Rung::Whole, name.to_owned())));
        }
        let clause = sentence.to_owned();
        return Ok(Some(Extract { words: true, clause, ..Extract::plain(Rung::Whole, sentence.to_owned()) }));
    }
    // Gold is an answer and nothing else, however it is worded.
    if !whole.is_empty() && (side == Side::Gold || wanted && prose::is_short_text(whole)) {
        // "Monday?" claims nothing.
        if side == Side::Prediction && prose && whole.ends_with(['?', '？']) {
            return Ok(Some(claims::in_words(Extract::plain(Rung::Whole, whole.to_owned()))));
        }
        return Ok(Some(Extract {
            words: prose,
            clause: whole.to_owned(),
            ..Extract::plain(Rung::Whole, whole.to_owned())
        }));
    }
    Ok(None)
}

/// A box that holds words as well: what they say.
fn spoken(extract: Extract) -> Extract {
    let [piece] = extract.pieces.as_slice() else { return extract };
    if extract.words {
        return extract;
    }
    // `73\\text{-ish}`: a suffix makes another word.
    let suffixed = ["\\text{-", "\\mbox{-", "\\textrm{-"].iter().any(|open| {
        piece.find(open).is_some_and(|at| at > 0 && piece[at + open.len()..].starts_with(char::is_alphabetic))
    });
    if suffixed {
        return claims::in_words(extract);
    }
    if !piece.contains("\\text") && !piece.contains("\\mbox") && !prose::is_prose(piece) {
        return extract;
    }
    let Some(plain) = prose::spoken_words(piece) else { return extract };
    let words =
        |extract: Extract| Extract { words: true, plain: true, pieces: vec![plain.clone()], ..extract };
    match phrases::from_clause(&plain, (0, plain.len()), &[], extract.rung, Lead::Box) {
        Some(found) => Extract { percent: extract.percent || found.percent, ..found },
        None => words(extract),
    }
}

/// Whether a word in lower case denies or doubts what is said beside it.
pub(crate) fn doubts(word: &str) -> bool {
    use vocabulary::Role;
    matches!(vocabulary::role(word), Role::Hedge | Role::Negation | Role::Wrong | Role::Case)
}

/// Whether a word behind a number makes it another number, or another statement.
pub(crate) fn changes_number(word: &str) -> bool {
    use vocabulary::Role;
    !matches!(
        vocabulary::role(word),
        Role::Other | Role::Filler | Role::Copula | Role::Condition | Role::Main | Role::Minus
    ) || crate::syntax::units::multiplier(word).is_some()
}

/// Gold that is a short text with words in it: all of it is the answer, not its last number.
fn gold_in_words(text: &str, spans: &[formulas::Span]) -> Option<Extract> {
    let whole = prose::cleaned(text);
    if whole.is_empty() || whole.len() > GOLD_ANSWER_LIMIT || whole.contains('\n') {
        return None;
    }
    let outside: String = if spans.is_empty() {
        whole.to_owned()
    } else {
        let mut outside = String::new();
        let mut from = 0;
        for span in spans {
            outside.push_str(&text[from..span.start]);
            outside.push(' ');
            from = span.end;
        }
        outside.push_str(&text[from..]);
        outside
    };
    let worded = prose::is_prose(&outside) && !outside.contains('\\');
    worded.then(|| Extract { words: true, ..Extract::plain(Rung::Whole, whole.to_owned()) })
}
