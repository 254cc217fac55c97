//! Whether a sentence gives an answer as somebody else's: "according to Bob, the answer is 73", "the answer is 73, says Bob".
//! What a problem, a theorem or a calculation says is the writer's own.

mod english;
mod languages;
mod unspaced;

use super::sentences::sentence_start;
use crate::syntax::words::Fnv;
use std::collections::HashSet;
use std::sync::LazyLock;

/// Whether the sentence of `text` around `claim..end`, the statement of an answer, tells what others say.
pub(super) fn is_told(text: &str, claim: usize, end: usize) -> bool {
    let start = sentence_start(text, claim);
    let (before, said) = (&text[start..claim], &text[claim..end]);
    // Most sentences have no word that could tell anything of anybody.
    let ascii = before.is_ascii() && said.is_ascii();
    let may = may_tell(before) || may_tell(said);
    may && (english::is_told(before, said) || languages::is_told(before, said))
        || !ascii && unspaced::is_told(before, said)
}

/// Whether a text has a word, or a mark of speech, without which nobody is quoted in the languages that write spaces.
fn may_tell(text: &str) -> bool {
    static TELLING: LazyLock<HashSet<&str, Fnv>> =
        LazyLock::new(|| english::telling().chain(languages::telling()).collect());
    text.contains(['"', '“', '«'])
        || text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’'))).any(|word| {
            let owned =
                word.ends_with("'s") || word.ends_with("’s") || word.ends_with("s'") || word.ends_with("s’");
            let lower = word.bytes().all(|b| b.is_ascii_lowercase());
            owned
                || if lower { TELLING.contains(word) } else { TELLING.contains(word.to_lowercase().as_str()) }
        })
}

#[cfg(test)]
mod tests {
    use super::is_told;

    fn told(sentence: &str) -> bool {
        is_told(sentence, sentence.find("73").unwrap(), sentence.len())
    }

    #[test]
    fn what_others_say_is_told_apart_from_what_follows() {
        for sentence in [
            "According to Bob, it is 73",
            "It is 73 according to the teacher",
            "In Bob's opinion, it is 73",
            "Per the forum, it is 73",
            "It is said that it is 73",
            "It is 73, says Bob",
            "It is 73, they say",
            "According to Bob's calculations, it is 73",
            "根据鲍勃的计算, 是73",
            "ボブによると73",
            "밥에 따르면 73",
            "По словам Боба, 73",
            "Según Bob, 73",
            "Selon mon prof, 73",
            "Laut Bob 73",
            "Segundo Bob, 73",
            "Secondo Bob, 73",
            "Volgens Bob, 73",
        ] {
            assert!(told(sentence), "{sentence}");
        }
        for sentence in [
            "According to the Pythagorean theorem, it is 73",
            "According to the problem, it is 73",
            "According to Vieta's formulas, it is 73",
            "According to our calculations, it is 73",
            "In other words, it is 73",
            "In the second case, it is 73",
            "Bob has 73",
            "That is to say, it is 73",
            "Mr. Bob said no. It is 73",
            "根据题意, 是73",
            "也就是说, 答案是73",
            "問題文によると73",
            "문제에 따르면 73",
            "Согласно условию, 73",
            "Según el enunciado, 73",
            "El segundo número es 73",
            "D'après l'énoncé, 73",
            "Laut Aufgabe 73",
            "De acordo com o enunciado, 73",
            "O segundo número é 73",
        ] {
            assert!(!told(sentence), "{sentence}");
        }
    }
}
