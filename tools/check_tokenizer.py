"""Checks that transformers reads the tokenizers that `tracelift tokenizer train` makes, and that both agree.

    python tools/check_tokenizer.py [--binary target/debug/tracelift]

Trains tokenizers on a group file of a world and on this script. transformers' `PreTrainedTokenizerFast` and `AutoTokenizer`
load them; texts must survive encoding and decoding, digits must stand alone, special tokens must be one token, and TraceLift
must cut every text into as many tokens and decode the same tokens to the same text.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast

TEXTS = [
    "Mara has 12 apples; 1,305 more make 1317.",
    "<task>gsm8k</task>\n<problem>\nHow many?\n</problem>\n<reasoning>\n3 × 4 = 12\n</reasoning>",
    "“漢字” 🙂 \t\r\n  \u00a0ａ e\u0301",
    "def f(x):\n    return [y**2 for y in x if y % 7 == 0]\n",
]


def run(binary: Path, folder: Path, *arguments: object, text: str = "") -> str:
    """What a command prints."""
    command = [str(binary), *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=folder).stdout


def check(binary: Path, folder: Path, name: str, digits: bool) -> None:
    """One tokenizer, by both."""
    path = folder / name
    tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
    again = AutoTokenizer.from_pretrained(path)
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<eos>", "<pad>")
    for text in TEXTS:
        ids = tokenizer(text)["input_ids"]
        assert ids == again(text)["input_ids"], "AutoTokenizer encodes otherwise"
        assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text, text
        assert not digits or all(sum(c.isdigit() for c in tokenizer.decode([i])) <= 1 for i in ids), ids
    assert len(tokenizer("<reasoning></reasoning><step>")["input_ids"]) == 3

    # TraceLift's side: a model with this tokenizer counts the tokens of prompts, and decodes what it samples.
    run(binary, folder, "model", "init", f"model-{name}", "--hidden", 16, "--layers", 1, "--tokenizer", path)
    prompts = "".join(json.dumps({"prompt": text}) + "\n" for text in TEXTS)
    lines = run(binary, folder, "generate", f"model-{name}", "--max-tokens", 40, "--temperature", 1, text=prompts)
    for text, line in zip(TEXTS, map(json.loads, lines.splitlines()), strict=True):
        assert line["prompt_tokens"] == len(tokenizer(text)["input_ids"]), text
        tokens = line["tokens"][:-1] if line["finish"] == "stop" else line["tokens"]
        assert tokenizer.decode(tokens, clean_up_tokenization_spaces=False) == line["text"], line
    print(f"{name:<16} {len(tokenizer)} tokens: ok")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", type=Path, default=Path("target/debug/tracelift"))
    binary = arguments.parse_args().binary.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(binary, folder, "world", "groups", "--world", "words", "--count", 60, "--out", "groups.jsonl")
        fields = ["--field", "problem", "--field", "positive_pool.reasoning", "--field", "negative_bank.reasoning"]
        train = ["tokenizer", "train", "--special", "<step>"]
        run(binary, folder, *train, "--vocab-size", 600, "--out", "groups", *fields, "groups.jsonl")
        run(binary, folder, *train, "--vocab-size", 900, "--out", "script", "--join-digits", Path(__file__).resolve())
        run(binary, folder, *train, "--vocab-size", 261, "--out", "bytes", Path(__file__).resolve())
        check(binary, folder, "groups", digits=True)
        check(binary, folder, "script", digits=False)
        check(binary, folder, "bytes", digits=True)
        # The same files make the same tokenizer.
        run(binary, folder, *train, "--vocab-size", 600, "--out", "again", *fields, "groups.jsonl")
        for file in ["tokenizer.json", "tokenizer_config.json"]:
            assert (folder / "again" / file).read_bytes() == (folder / "groups" / file).read_bytes(), file


if __name__ == "__main__":
    main()
