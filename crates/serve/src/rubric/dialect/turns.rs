//! Where a conversation that was put into one text has its turns.

use super::completion::Said;

/// How a family of models writes turns.
struct Turns {
    /// Before what the user says.
    user: &'static str,
    /// After it.
    end: &'static str,
    /// Before what the model says.
    model: &'static str,
    /// After what the model said, where a tokenizer's end token is just that: frameworks take it out of completions, so
    /// only a prompt can hold it. Nothing for families of which that does not hold.
    answered: &'static [&'static str],
}

/// White space after the headers is the family's, and of no matter.
const FAMILIES: [Turns; 11] = [
    Turns {
        user: "<|im_start|>user\n",
        end: "<|im_end|>",
        model: "<|im_start|>assistant\n",
        answered: &["<|im_end|>"],
    },
    Turns {
        user: "<|start_header_id|>user<|end_header_id|>",
        end: "<|eot_id|>",
        model: "<|start_header_id|>assistant<|end_header_id|>",
        answered: &["<|eot_id|>"],
    },
    Turns {
        user: "<|header_start|>user<|header_end|>",
        end: "<|eot|>",
        model: "<|header_start|>assistant<|header_end|>",
        answered: &["<|eot|>"],
    },
    Turns {
        user: "<start_of_turn>user\n",
        end: "<end_of_turn>",
        model: "<start_of_turn>model\n",
        answered: &[],
    },
    Turns { user: "<|turn>user\n", end: "<turn|>", model: "<|turn>model\n", answered: &[] },
    Turns { user: "<|start|>user<|message|>", end: "<|end|>", model: "<|start|>assistant", answered: &[] },
    Turns {
        user: "<|start_of_role|>user<|end_of_role|>",
        end: "<|end_of_text|>",
        model: "<|start_of_role|>assistant<|end_of_role|>",
        answered: &["<|end_of_text|>"],
    },
    Turns {
        user: "<｜User｜>",
        end: "<｜Assistant｜>",
        model: "<｜Assistant｜>",
        answered: &["<｜end▁of▁sentence｜>"],
    },
    Turns { user: "[INST]", end: "[/INST]", model: "[/INST]", answered: &["</s>"] },
    Turns { user: "<|user|>", end: "<|assistant|>", model: "<|assistant|>", answered: &["</s>"] },
    Turns { user: "[|user|]", end: "[|assistant|]", model: "[|assistant|]", answered: &["[|endofturn|]"] },
];

/// A conversation, divided before the model's answer to the last question of its prompt. What a model writes may look like
/// turns, too, of its own family or another, with an easier question in them; it is part of its completion. So the family is
/// that of the turn that comes first, and a further question is one only behind what ended the answer to the one before.
pub(super) fn divided(text: &str) -> Option<Said<'_>> {
    let begins =
        |family: &&Turns| text.find(family.user).map(|at| (at, std::cmp::Reverse(family.user.len())));
    let family = FAMILIES.iter().filter(|family| begins(family).is_some()).min_by_key(begins)?;
    // Where the answer to the first question after a place begins: with its header, and behind that.
    let answer_after = |place: usize| {
        let at = place + text[place..].find(family.model)?;
        Some((at, at + family.model.len()))
    };
    let (mut at, mut completion) = answer_after(text.find(family.user)?)?;
    let mut searched = completion;
    while let Some(found) = text[searched..].find(family.user) {
        let user = searched + found;
        let before = text[..user].trim_end();
        let is_asked = family.answered.iter().any(|end| before.ends_with(end));
        searched = user + family.user.len();
        if is_asked && let Some(answer) = answer_after(searched) {
            (at, completion) = answer;
            searched = completion;
        }
    }
    Some(Said { prompt: &text[..at], completion: &text[completion..] })
}

/// The last user turn of a conversation.
pub(super) fn asked(text: &str) -> Option<&str> {
    FAMILIES.iter().find_map(|family| {
        let (_, rest) = text.rsplit_once(family.user)?;
        let turn = rest.split_once(family.end).map_or(rest, |(turn, _)| turn);
        // Some families end turns by another token than they begin the next one with.
        let ended = ["<|end|>", "<|endoftext|>", "</s>", "[|endofturn|]"];
        let turn = turn.trim();
        Some(ended.iter().find_map(|end| turn.strip_suffix(end)).unwrap_or(turn).trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_the_last_question_is_the_completion() {
        for (text, question, completion) in [
            ("<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nr<|im_end|>", "q", "r<|im_end|>"),
            (
                "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nr<|im_end|>\n<|im_start|>assistant\ns",
                "q",
                "r<|im_end|>\n<|im_start|>assistant\ns",
            ),
            (
                "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nr<|im_end|>\n<|im_start|>user\nt",
                "q",
                "r<|im_end|>\n<|im_start|>user\nt",
            ),
            (
                "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nr",
                "q",
                "r",
            ),
            (
                "<|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nr",
                "q",
                "\n\nr",
            ),
            ("<bos><start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\nr", "q", "r"),
            ("<s>[INST] q [/INST]r</s>", "q", "r</s>"),
            ("<｜begin▁of▁sentence｜><｜User｜>q<｜Assistant｜>r", "q", "r"),
            ("<|user|>\nq<|end|>\n<|assistant|>\nr<|end|>", "q", "\nr<|end|>"),
            ("<|user|>\nq</s>\n<|assistant|>\nr", "q", "\nr"),
            (
                "<|start|>user<|message|>q<|end|><|start|>assistant<|channel|>final<|message|>r",
                "q",
                "<|channel|>final<|message|>r",
            ),
        ] {
            let said = divided(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((asked(said.prompt), said.completion), (Some(question), completion), "{text}");
        }
        // What a model wrote itself asks nobody anything, in whatever family's turns.
        let mine = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n";
        for wrote in [
            "<|im_start|>user\neasy<|im_start|>assistant\n<reasoning>r</reasoning>",
            "a\n<|im_start|>user\neasy\n<|im_start|>assistant\nr<|im_end|>",
            "<|start_header_id|>user<|end_header_id|>e<|eot_id|><|start_header_id|>assistant<|end_header_id|>r",
            "<｜User｜>easy<｜Assistant｜>r",
            "[INST] easy [/INST]r",
            "<|im_start|>assistant\nr",
        ] {
            let text = format!("{mine}{wrote}");
            let said = divided(&text).unwrap();
            assert_eq!((asked(said.prompt), said.completion), (Some("q"), wrote), "{text}");
        }
        let gemma = "<start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\n";
        let wrote = "r<end_of_turn>\n<start_of_turn>user\neasy<end_of_turn>\n<start_of_turn>model\ns";
        assert_eq!(divided(&format!("{gemma}{wrote}")).unwrap().completion, wrote);
        assert_eq!(divided("no turns"), None);
        assert_eq!(divided("<|im_start|>user\nq"), None);
    }
}
