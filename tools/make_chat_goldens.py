"""Makes the golden conversations that the engine's tests render, with transformers' `apply_chat_template`.

    python tools/make_chat_goldens.py [--out crates/engine/tests/golden/chat]
    python tools/make_chat_goldens.py --out published && TRACELIFT_CHAT_GOLDENS=$PWD/published cargo test -p tracelift-engine chat

The templates beside the goldens are our own, compact ones for the documented formats of Qwen2.5, Qwen3 and Llama 3. Every
template is given every conversation, and once more with each option; where it refuses a conversation, the golden says so.

The second form is for published templates: every `.jinja` of a folder is rendered, and the tests look into the folder that the
variable names.
"""

import argparse
import datetime
import json
from pathlib import Path

import jinja2
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

NOW = datetime.datetime(2024, 7, 26)
TOKENS = {
    "qwen2.5": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    "qwen3": {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
    "llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
}
PUBLISHED = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
SYSTEM = {"role": "system", "content": "  Answer in one word.\n"}
ASK = {"role": "user", "content": "What is 2 < 3 && \"4\" > '1'?"}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a place: <b>now</b> & soon, in °C",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "days": {"type": "integer", "minimum": 0, "default": 1.5}},
            "required": ["place"],
        },
    },
}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {"type": "function", "function": {"name": "weather", "arguments": {"place": "Zürich", "days": 2, "x": None}}}
    ],
}
CONVERSATIONS = {
    "question": [ASK],
    "system": [SYSTEM, ASK],
    "turns": [
        SYSTEM,
        ASK,
        {"role": "assistant", "content": "<think>\nTwo, three.\n</think>\n\nTrue."},
        {"role": "user", "content": "  Sure?\n\n"},
    ],
    "thought": [ASK, {"role": "assistant", "content": "Yes.", "reasoning_content": "Compare\nboth.\n"}],
    "tools": [
        {"role": "user", "content": "Umbrella?"},
        CALL,
        {"role": "tool", "content": "rain"},
        {"role": "tool", "content": "\u2028more 🌧"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Thanks"},
    ],
    "no question": [{"role": "assistant", "content": "I begin."}],
    "odd role": [{"role": "narrator", "content": "Once upon a time"}, ASK],
}


def render(name: str, template: str, messages: list, **options: object) -> dict:
    """A golden: what goes in, and the text or the refusal that comes out."""
    tokens = TOKENS.get(name, PUBLISHED)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **tokens)
    case = {"template": name, "tokens": tokens, "messages": messages, "options": options}
    try:
        text = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **options)
    except (jinja2.exceptions.TemplateError, TypeError, ValueError, KeyError) as error:
        return case | {"refused": str(error)}
    return case | {"text": text}


def main() -> None:
    default = Path(__file__).resolve().parent.parent / "crates/engine/tests/golden/chat"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=default, help="a folder of templates, for the goldens as well (default: %(default)s)")
    out = parser.parse_args().out
    if not any(out.glob("*.jinja")):
        parser.error(f"{out} holds no `.jinja`")

    class Clock(datetime.datetime):
        """A clock that stands still."""

        @classmethod
        def now(cls, tz=None):
            return NOW

    chat_template_utils.datetime = Clock
    cases = []
    names = sorted(path.stem for path in out.glob("*.jinja"))
    for name in sorted(names, key=lambda name: list(TOKENS).index(name) if name in TOKENS else len(TOKENS)):
        template = (out / f"{name}.jinja").read_text()
        for messages in CONVERSATIONS.values():
            for options in (
                {"add_generation_prompt": True},
                {"add_generation_prompt": False},
                {"add_generation_prompt": True, "enable_thinking": False},
                {"add_generation_prompt": True, "enable_thinking": True, "tools": [WEATHER]},
            ):
                cases.append(render(name, template, messages, **options))
    text = json.dumps(cases, ensure_ascii=False, indent=1)
    (out / "cases.json").write_text(text + "\n")
    refused = sum("refused" in case for case in cases)
    print(f"{out / 'cases.json'}: {len(cases)} conversations, {refused} of them refused")


if __name__ == "__main__":
    main()
