//! Training a byte-level BPE vocabulary.

use super::{BYTE_LEVEL_MARKS, BYTE_LEVEL_SPECIAL, Tokenizer, TokenizerError};
use serde_json::{Value, json};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::{AddedToken, PreTokenizerWrapper};

/// What vocabulary is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BpeTraining {
    /// Tokens in all; fewer come out where no pair is left that occurs twice.
    pub vocabulary: usize,
    /// One token a digit: numbers are then read place by place, not as words of chance lengths.
    pub split_digits: bool,
    /// Special tokens beside [`BYTE_LEVEL_MARKS`].
    pub special: Vec<String>,
}

impl BpeTraining {
    /// Trains on texts. Every text can be encoded, since every byte is a token; `<eos>` ends a text. The same texts in the
    /// same order make the same tokenizer.
    ///
    /// # Errors
    /// When the vocabulary has no room for the bytes and special tokens, a special token is empty or named twice, or the
    /// `tokenizers` crate fails.
    pub fn train<S: AsRef<str>>(
        &self,
        texts: impl Iterator<Item = S> + Send,
    ) -> Result<Tokenizer, TokenizerError> {
        let special = self.special()?;
        let failed = |error: tokenizers::Error| TokenizerError::Code(error.to_string());
        let bytes = ByteLevel::new(false, false, true);
        let mut steps = vec![PreTokenizerWrapper::ByteLevel(bytes)];
        if self.split_digits {
            steps.insert(0, PreTokenizerWrapper::Digits(Digits::new(true)));
        }
        let mut inner = tokenizers::Tokenizer::new(BPE::default());
        inner.with_pre_tokenizer(Some(PreTokenizerWrapper::Sequence(Sequence::new(steps))));
        inner.with_decoder(Some(bytes));
        let trainer = BpeTrainer::builder()
            .vocab_size(self.vocabulary)
            .min_frequency(2)
            .show_progress(false)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(special.iter().map(|token| AddedToken::from(token.clone(), true)).collect())
            .build();
        // Special tokens never go through the vocabulary, so it must not spend entries on their spelling.
        let pieces = texts.flat_map(|text| pieces(text.as_ref(), &special));
        inner.train(&mut TrainerWrapper::BpeTrainer(trainer), pieces).map_err(failed)?;
        let mut tokenizer = with_tags_as_text(&Tokenizer::of(inner))?;
        tokenizer.eos = tokenizer.id("<eos>").into_iter().collect();
        Ok(tokenizer)
    }

    fn special(&self) -> Result<Vec<String>, TokenizerError> {
        let mut all: Vec<String> = BYTE_LEVEL_MARKS.map(str::to_owned).into();
        for token in &self.special {
            if token.is_empty() || all.contains(token) {
                return Err(TokenizerError::Special(token.clone()));
            }
            all.push(token.clone());
        }
        let least = 256 + all.len();
        if self.vocabulary < least {
            return Err(TokenizerError::Vocabulary { asked: self.vocabulary, least });
        }
        Ok(all)
    }
}

/// The tags of a trace are tokens of their own like the special ones, but not special. The trainer of the `tokenizers` crate
/// knows no such tokens, so the finished file says it.
fn with_tags_as_text(trained: &Tokenizer) -> Result<Tokenizer, TokenizerError> {
    let failed = |error: serde_json::Error| TokenizerError::Code(error.to_string());
    let mut file: Value = serde_json::from_str(&trained.to_json()?).map_err(failed)?;
    let tag = |token: &str| BYTE_LEVEL_MARKS.contains(&token) && !BYTE_LEVEL_SPECIAL.contains(&token);
    for token in file["added_tokens"].as_array_mut().into_iter().flatten() {
        if token["content"].as_str().is_some_and(tag) {
            token["special"] = json!(false);
        }
    }
    Tokenizer::from_json(&file.to_string())
}

/// A text without the special tokens in it.
fn pieces(text: &str, special: &[String]) -> Vec<String> {
    let mut pieces = vec![text.to_owned()];
    for token in special {
        pieces = pieces.iter().flat_map(|piece| piece.split(token.as_str()).map(str::to_owned)).collect();
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 3] = [
        "<reasoning>\nMara has 12 apples, and 30 apples more are 42 apples.\n</reasoning>",
        "Mara sells apples at 12 coins each; 42 apples are 504 coins.",
        "Twelve apples, twelve coins. <step> Mara counts apples.",
    ];

    fn training() -> BpeTraining {
        BpeTraining { vocabulary: 300, split_digits: true, special: vec!["<step>".into()] }
    }

    #[test]
    fn any_text_survives_and_what_is_frequent_is_short() {
        let tokenizer = training().train(TEXTS.iter()).unwrap();
        assert!((270..=300).contains(&tokenizer.vocabulary()), "{}", tokenizer.vocabulary());
        for text in TEXTS.into_iter().chain(["", "\u{0}“漢字” 🙂\r\n\t", "  two  spaces "]) {
            let tokens = tokenizer.encode(text).unwrap();
            assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
        }
        assert_eq!(tokenizer.encode(" apples").unwrap().len(), 1);
        assert_eq!(tokenizer.eos(), [tokenizer.id("<eos>").unwrap()]);
        assert_eq!(tokenizer.encode("<step><reasoning>").unwrap().len(), 2);
    }

    #[test]
    fn digits_stand_alone_unless_told_otherwise() {
        let split = training().train(TEXTS.iter()).unwrap();
        let twelve: Vec<_> = split.encode("12").unwrap().iter().filter_map(|id| split.token(*id)).collect();
        assert_eq!(twelve, ["1", "2"]);
        let joined = BpeTraining { split_digits: false, ..training() }.train(TEXTS.iter()).unwrap();
        assert_eq!(joined.encode(" 12").unwrap().len(), 1);
    }

    #[test]
    fn the_same_texts_make_the_same_tokenizer() {
        let once = training().train(TEXTS.iter()).unwrap().to_json().unwrap();
        for _ in 0..5 {
            assert_eq!(training().train(TEXTS.iter()).unwrap().to_json().unwrap(), once);
        }
    }

    #[test]
    fn what_makes_no_vocabulary_is_refused() {
        let message = |training: BpeTraining| training.train(TEXTS.iter()).unwrap_err().to_string();
        let small = message(BpeTraining { vocabulary: 260, ..training() });
        assert_eq!(
            small,
            "a vocabulary of 260 has no room for 256 bytes and the special tokens; it takes at least 261"
        );
        let twice = message(BpeTraining { special: vec!["<eos>".into()], ..training() });
        assert_eq!(twice, "the special token `<eos>` is empty or there already");
    }
}
