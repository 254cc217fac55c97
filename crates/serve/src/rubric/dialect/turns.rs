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
}

/// White space after the headers is the family's, and of no matter.
const FAMILIES: [Turns; 11] = [
    Turns { user: "<|im_start|>user\n", end: "<|im_end|>", model: "<|im_start|>assistant\n" },
    Turns {
        user: "<|start_header_id|>user<|end_header_id|>",
        end: "<|eot_id|>",
        model: "<|start_header_id|>assistant<|end_header_id|>",
    },
    Turns {
        user: "<|header_start|>user<|header_end|>",
        end: "<|eot|>",
        model: "<|header_start|>assistant<|header_end|>",
    },
    Turns { user: "<start_of_turn>user\n", end: "<end_of_turn>", model: "<start_of_turn>model\n" },
    Turns { user: "<|turn>user\n", end: "<turn|>", model: "<|turn>model\n" },
    Turns { user: "<|start|>user<|message|>", end: "<|end|>", model: "<|start|>assistant" },
    Turns {
        user: "<|start_of_role|>user<|end_of_role|>",
        end: "<|end_of_text|>",
        model: "<|start_of_role|>assistant<|end_of_role|>",
    },
    Turns { user: "<｜User｜>", end: "<｜Assistant｜>", model: "<｜Assistant｜>" },
    Turns { user: "[INST]", end: "[/INST]", model: "[/INST]" },
    Turns { user: "<|user|>", end: "<|assistant|>", model: "<|assistant|>" },
    Turns { user: "[|user|]", end: "[|assistant|]", model: "[|assistant|]" },
];

/// A conversation, divided before the model's answer to its first question. The family is that of the turn that comes first.
/// What a model writes may look like turns, too, of its own family or another, with an easier question in them: no
/// mark tells them from turns of the prompt, since a planner can spell every token of every family, those included that
/// a framework takes out (it takes `<|im_end|>` out of `<|im_<|im_end|>end|>` once). So a prompt of several questions has to be
/// told from its completion by whoever knows: by `prompts`, by `messages`, or by the template of [`conversation`].
///
/// [`conversation`]: tracelift_reward::conversation
pub(super) fn divided(text: &str) -> Option<Said<'_>> {
    let begins =
        |family: &&Turns| text.find(family.user).map(|at| (at, std::cmp::Reverse(family.user.len())));
    let family = FAMILIES.iter().filter(|family| begins(family).is_some()).min_by_key(begins)?;
    let question = text.find(family.user)?;
    let answer = question + text[question..].find(family.model)?;
    Some(Said { prompt: &text[..answer], completion: &text[answer + family.model.len()..] })
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
    fn the_answer_to_the_first_question_is_the_completion() {
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
            "<|im_end|>\n<|im_start|>user\neasy<|im_end|>\n<|im_start|>assistant\n<reasoning>r</reasoning>",
            "a</s><|im_end|><|im_start|>user\neasy<|im_end|>\n<|im_start|>assistant\n",
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
