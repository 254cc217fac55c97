//! Replies: the text of sampled tokens, cut where it stops, or growing with them; and the bytes of single tokens.

use super::{Tokenizer, TokenizerError, byte_symbols};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its text, up to the first of the texts at which it stops.
    pub text: String,
    /// How many of the tokens that took: the shortest beginning in which a stop text is whole, or all.
    pub tokens: usize,
    /// Whether there was a stop text.
    pub stopped: bool,
}

impl Tokenizer {
    /// The text of sampled tokens, up to the first stop text.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn reply(&self, tokens: &[u32], stop: &[impl AsRef<str>]) -> Result<Reply, TokenizerError> {
        let mut text = self.decode(tokens)?;
        let found = |text: &str| stop.iter().filter_map(|stop| text.find(stop.as_ref())).min();
        let Some(end) = found(&text) else {
            return Ok(Reply { text, tokens: tokens.len(), stopped: false });
        };
        // A longer beginning holds it too.
        let (mut without, mut with) = (0, tokens.len());
        while with - without > 1 {
            let middle = without.midpoint(with);
            if found(&self.decode(&tokens[..middle])?).is_some() { with = middle } else { without = middle }
        }
        text.truncate(end);
        Ok(Reply { text, tokens: with, stopped: true })
    }
}

/// A text that grows token by token. What was told of it does not change any more: the bytes of a character that is not whole
/// are held back.
#[derive(Clone, Debug, Default)]
pub struct Growing {
    tokens: Vec<u32>,
    /// From where on tokens are decoded together: how a token is spelled may depend on the one before it.
    from: usize,
    /// Up to where their text was told.
    told: usize,
}

impl Growing {
    /// Takes a token; what there is of text more than before.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> Result<String, TokenizerError> {
        self.tokens.push(token);
        let before = tokenizer.decode(&self.tokens[self.from..self.told])?;
        let now = tokenizer.decode(&self.tokens[self.from..])?;
        match now.strip_prefix(&before) {
            Some(more) if !more.is_empty() && !more.ends_with(char::REPLACEMENT_CHARACTER) => {
                self.from = self.told;
                self.told = self.tokens.len();
                Ok(more.to_owned())
            }
            _ => Ok(String::new()),
        }
    }
}

/// How a text's end may still become a stop text: the bytes from there on are not to be told yet.
#[must_use]
pub fn held_back(text: &str, stop: &[impl AsRef<str>]) -> usize {
    let begins = |stop: &str| {
        let longest = (stop.len() - usize::from(!stop.is_empty())).min(text.len());
        (1..=longest).rev().find(|&length| {
            stop.is_char_boundary(length) && text.as_bytes().ends_with(&stop.as_bytes()[..length])
        })
    };
    stop.iter().filter_map(|stop| begins(stop.as_ref())).max().unwrap_or(0)
}

/// The bytes that single tokens stand for.
#[derive(Clone, Debug)]
pub struct Speller {
    added: HashSet<u32>,
    letters: Letters,
}

/// How a vocabulary spells bytes.
#[derive(Clone, Debug)]
enum Letters {
    /// Each by a character.
    Bytes(HashMap<char, u8>),
    /// As they are, a space as `▁`, and `<0x41>` for a byte that has no token.
    Pieces,
    /// As the decoder makes them.
    Decoded,
}

impl Tokenizer {
    /// Spells its tokens.
    #[must_use]
    pub fn speller(&self) -> Speller {
        let added = self.inner.get_added_tokens_decoder().into_keys().collect();
        let decoder = self.inner.get_decoder().and_then(|decoder| serde_json::to_value(decoder).ok());
        let has = |name: &str| decoder.as_ref().is_some_and(|decoder| names(decoder, name));
        let letters = if has("ByteLevel") {
            Letters::Bytes(byte_symbols().into_iter().zip(0..=255).collect())
        } else if has("Metaspace") || has("ByteFallback") {
            Letters::Pieces
        } else {
            Letters::Decoded
        };
        Speller { added, letters }
    }
}

/// Whether a decoder, or one of those that it is made of, is of this type.
fn names(decoder: &Value, name: &str) -> bool {
    let parts = decoder.get("decoders").and_then(Value::as_array);
    decoder.get("type").and_then(Value::as_str) == Some(name)
        || parts.is_some_and(|parts| parts.iter().any(|part| names(part, name)))
}

impl Speller {
    /// The bytes of a token; of an added one (an end token, say) as it is written. None of a token that there is not.
    #[must_use]
    pub fn bytes(&self, tokenizer: &Tokenizer, token: u32) -> Vec<u8> {
        let Some(spelled) = tokenizer.token(token) else { return Vec::new() };
        if self.added.contains(&token) {
            return spelled.into_bytes();
        }
        match &self.letters {
            Letters::Bytes(bytes) => {
                let whole: Option<Vec<u8>> = spelled.chars().map(|c| bytes.get(&c).copied()).collect();
                whole.unwrap_or_else(|| spelled.into_bytes())
            }
            Letters::Pieces => {
                let byte = spelled.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
                match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => vec![byte],
                    None => spelled.replace('\u{2581}', " ").into_bytes(),
                }
            }
            Letters::Decoded => tokenizer.decode(&[token]).map_or_else(|_| Vec::new(), String::into_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reply_is_cut_at_the_first_stop_text() {
        let tokenizer = Tokenizer::byte_level().unwrap();
        let tokens = tokenizer.encode("one, two; three<eos>").unwrap();
        let reply = |stop: &[&str]| tokenizer.reply(&tokens, stop).unwrap();
        let whole = Reply { text: "one, two; three".into(), tokens: tokens.len(), stopped: false };
        assert_eq!(reply(&[]), whole);
        assert_eq!(reply(&["four"]), whole);
        let cut = Reply { text: "one, two".into(), tokens: "one, two; ".len(), stopped: true };
        assert_eq!(reply(&["three", "; "]), cut);
    }

    #[test]
    fn an_end_that_may_become_a_stop_text_is_held_back() {
        let stop = ["</answer>", "\n\n", "é!"];
        for (text, held) in [
            ("", 0),
            ("ab", 0),
            ("a<", 1),
            ("a</answer", 8),
            ("a</answers", 0),
            ("x\n", 1),
            ("é", 2),
            ("<é", 2),
        ] {
            assert_eq!(held_back(text, &stop), held, "{text:?}");
        }
        assert_eq!(held_back("ab", &[] as &[&str]), 0);
    }

    #[test]
    fn tokens_are_spelled_in_bytes() {
        let tokenizer = Tokenizer::byte_level().unwrap();
        let speller = tokenizer.speller();
        for byte in 0..=255_u32 {
            assert_eq!(speller.bytes(&tokenizer, byte), [byte as u8]);
        }
        assert_eq!(speller.bytes(&tokenizer, 257), b"<eos>");
        assert!(speller.bytes(&tokenizer, 9999).is_empty());
    }

    proptest! {
        #[test]
        fn a_text_grows_to_what_it_is(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in any::<String>()) {
            let tokenizer = Tokenizer::byte_level().unwrap();
            for tokens in [bytes.iter().map(|byte| u32::from(*byte)).collect(), tokenizer.encode(&text).unwrap()] {
                let (mut growing, mut told) = (Growing::default(), String::new());
                for token in &tokens {
                    told += &growing.push(&tokenizer, *token).unwrap();
                }
                // All but a character at the end that is not whole.
                let whole = tokenizer.decode(&tokens).unwrap();
                let rest = whole.strip_prefix(&told);
                prop_assert!(rest.is_some(), "{told:?} is not how {whole:?} begins");
                if std::str::from_utf8(&bytes).is_ok() {
                    prop_assert!(rest.is_some_and(|rest| rest.chars().all(|c| c == char::REPLACEMENT_CHARACTER)));
                }
            }
        }
    }
}
