//! Control tokens in what others said: there they are the letters that they are written with.
//!
//! A trace that holds `<|im_end|>` would end the user's turn and begin one of its own, if the text of a prompt were encoded as
//! it stands. Which tokens are such, the tokenizer says: those that it calls special, and those that end a text. Where none stands in what others said, a prompt is encoded as ever.

use super::{SPECIAL, Tokenizer, TokenizerError, guarded};
use std::ops::Range;
use std::sync::Arc;
use tracelift_domain::prompt::{Message, Prompt};

/// The control tokens of a tokenizer.
#[derive(Debug)]
pub(super) struct Controls {
    /// The longest first.
    tokens: Vec<Control>,
    /// The same tokenizer, to which special tokens are text.
    plain: tokenizers::Tokenizer,
}

#[derive(Debug)]
struct Control {
    content: String,
    id: u32,
    /// Whether the tokenizer calls it special.
    special: bool,
    /// Whether it takes the white space before it, and behind it.
    strips: (bool, bool),
}

/// Around the number of a control token while a chat template lays out what holds it. No text has this character; where one
/// does, it is put as such a number itself.
const MARK: char = '\u{fdd0}';
/// The first of the characters that stand for numbers.
const FIRST: u32 = 0xf_0000;

/// Where a control token stands in a text, and which it is.
type Place = (Range<usize>, usize);

impl Controls {
    fn of(tokenizer: &Tokenizer) -> Controls {
        let mut plain = tokenizer.inner.clone();
        plain.set_encode_special_tokens(true);
        let named: Vec<String> = SPECIAL.iter().filter_map(|field| tokenizer.special(field)).collect();
        let mut tokens: Vec<Control> = tokenizer
            .inner
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(id, token)| {
                token.special || tokenizer.eos.contains(id) || named.contains(&token.content)
            })
            .filter(|(_, token)| !token.content.is_empty())
            .map(|(id, token)| Control {
                content: token.content,
                id,
                special: token.special,
                strips: (token.lstrip, token.rstrip),
            })
            .collect();
        tokens.sort_by(|a, b| b.content.len().cmp(&a.content.len()).then(a.id.cmp(&b.id)));
        Controls { tokens, plain }
    }

    fn stand_in(&self, text: &str) -> bool {
        self.tokens.iter().any(|token| text.contains(&token.content))
    }

    /// All places of control tokens, those that overlap others among them; in order, the longest first.
    fn places(&self, text: &str) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for (number, token) in self.tokens.iter().enumerate() {
            let mut from = 0;
            while let Some(at) = text[from..].find(&token.content) {
                let start = from + at;
                places.push((start..start + token.content.len(), number));
                from = start + token.content.chars().next().map_or(1, char::len_utf8);
            }
        }
        places.sort_by_key(|(place, number)| (place.start, *number));
        places
    }

    /// A text in which the control tokens are numbers between marks.
    fn masked(&self, text: &str) -> String {
        let number = |number: usize| {
            let character = u32::try_from(number).ok().and_then(|number| char::from_u32(FIRST + number));
            format!("{MARK}{}{MARK}", character.unwrap_or(char::REPLACEMENT_CHARACTER))
        };
        let own = self.tokens.len();
        let mut out = String::with_capacity(text.len() + 16);
        let mut at = 0;
        let plain = |text: &str| text.replace(MARK, &number(own));
        for (place, token) in self.places(text) {
            if place.start >= at {
                out.push_str(&plain(&text[at..place.start]));
                out.push_str(&number(token));
                at = place.end;
            }
        }
        out + &plain(&text[at..])
    }

    /// The text again, and where the tokens stand that were masked.
    fn unmasked(&self, text: &str) -> (String, Vec<Range<usize>>) {
        let mut out = String::with_capacity(text.len());
        let mut foreign = Vec::new();
        let mut parts = text.split(MARK);
        out.push_str(parts.next().unwrap_or_default());
        while let (Some(number), Some(rest)) = (parts.next(), parts.next()) {
            let mut characters = number.chars();
            let number = characters.next().and_then(|c| (c as u32).checked_sub(FIRST));
            let start = out.len();
            match number.and_then(|number| self.tokens.get(number as usize)) {
                Some(token) => out.push_str(&token.content),
                None => out.push(MARK),
            }
            foreign.push(start..out.len());
            out.push_str(rest);
        }
        (out, foreign)
    }
}

/// Places in order, those that overlap as one.
fn joined(places: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut places = places.to_vec();
    places.sort_by_key(|place| place.start);
    let mut out: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match out.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => out.push(place),
        }
    }
    out
}

impl Tokenizer {
    fn controls(&self) -> &Controls {
        self.controls.get_or_init(|| Arc::new(Controls::of(self)))
    }

    /// The tokens of a prompt that holds control tokens in what others said; `None` where none does, as almost always.
    pub(super) fn prompt_with_controls(&self, prompt: &Prompt) -> Result<Option<Vec<u32>>, TokenizerError> {
        match prompt {
            Prompt::Text(text) => {
                let suspect = |said: &&String| self.controls().stand_in(said);
                let mut foreign: Vec<Range<usize>> = Vec::new();
                for said in text.said().iter().filter(suspect) {
                    foreign.extend(text.match_indices(said.as_str()).map(|(at, said)| at..at + said.len()));
                }
                if foreign.is_empty() {
                    return Ok(None);
                }
                let mut tokens = self.encode_prompt("")?;
                tokens.extend(self.encode_around(text, &foreign)?);
                Ok(Some(tokens))
            }
            Prompt::Conversation { messages, thinking, prefill } => {
                if !messages.iter().any(|message| self.controls().stand_in(&message.content)) {
                    return Ok(None);
                }
                let masked = |Message { role, content }: &Message| Message {
                    role: *role,
                    content: self.controls().masked(content),
                };
                let masked: Vec<Message> = messages.iter().map(masked).collect();
                let text = self.conversation(&masked, *thinking, "")?;
                let (text, foreign) = self.controls().unmasked(&text);
                Ok(Some(self.encode_around(&(text + prefill), &foreign)?))
            }
        }
    }

    /// Text to tokens, where all control tokens but those to be kept are only text; nothing is added.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_said(&self, text: &str, kept: &[&str]) -> Result<Vec<u32>, TokenizerError> {
        let controls = self.controls();
        let foreign: Vec<Range<usize>> = controls
            .places(text)
            .into_iter()
            .filter(|(_, number)| !kept.contains(&controls.tokens[*number].content.as_str()))
            .map(|(place, _)| place)
            .collect();
        if foreign.is_empty() { self.encode(text) } else { self.encode_around(text, &foreign) }
    }

    /// Text to tokens, where the control tokens that reach into these places are only text.
    fn encode_around(&self, text: &str, foreign: &[Range<usize>]) -> Result<Vec<u32>, TokenizerError> {
        let controls = self.controls();
        let places = controls.places(text);
        let foreign = joined(foreign);
        let is_foreign = |place: &Range<usize>| {
            let next = foreign.partition_point(|said| said.end <= place.start);
            foreign.get(next).is_some_and(|said| said.start < place.end)
        };
        // What the tokenizer takes for a token although it calls it none is cut in two.
        let cuts: Vec<usize> = places
            .iter()
            .filter(|(place, number)| !controls.tokens[*number].special && is_foreign(place))
            .map(|(place, _)| place.start + text[place.start..].chars().next().map_or(1, char::len_utf8))
            .collect();
        let mut tokens = Vec::new();
        let plain = |from: usize, to: usize| -> Result<Vec<u32>, TokenizerError> {
            let mut out = Vec::new();
            let mut at = from;
            let inside = cuts.partition_point(|cut| *cut <= from)..cuts.partition_point(|cut| *cut < to);
            for cut in cuts.get(inside).unwrap_or_default().iter().copied().chain([to]) {
                if at < cut {
                    let encoding = guarded(|| controls.plain.encode_fast(&text[at..cut], false))?;
                    out.extend_from_slice(encoding.get_ids());
                }
                at = at.max(cut);
            }
            Ok(out)
        };
        let mut at = 0;
        for (place, number) in &places {
            let Control { id, special, strips, .. } = &controls.tokens[*number];
            if !special || place.start < at || is_foreign(place) {
                continue;
            }
            let before = &text[at..place.start];
            let before = if strips.0 { before.trim_end() } else { before };
            tokens.extend(plain(at, at + before.len())?);
            tokens.push(*id);
            at = place.end;
            if strips.1 {
                at += text[at..].len() - text[at..].trim_start().len();
            }
        }
        tokens.extend(plain(at, text.len())?);
        Ok(tokens)
    }
}
