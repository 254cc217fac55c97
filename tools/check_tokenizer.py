"""Checks that transformers reads every tokenizer that TraceLift makes as TraceLift reads it.

    python tools/check_tokenizer.py [--binary target/debug/tracelift] [--checkpoints checkpoints]

The tokenizers are those of the three worlds, of `model init`, and of `tokenizer train` with every option, each in a model of every
family and alone, and those of the checkpoints that come along. `AutoTokenizer` loads them with and without `trust_remote_code`,
and once more after it has saved them. What must be the same: the ids of every text as `tokenizer.json` gives them, the number
of tokens that TraceLift counts, the text of the tokens that TraceLift samples, the end token. The tags of a trace must survive
`skip_special_tokens=True`, end tokens must not. Every difference is a line, and the exit status is then 1.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

FAMILIES = ["qwen2", "qwen3", "llama"]
WORLDS = ["steps", "words", "programs"]
TEXTS = [
    "Mara has 12 apples; 1,305 more make 1317.",
    "<task>gsm8k</task>\n<problem>\nHow many?\n</problem>\n<reasoning>\n3 × 4 = 12\n</reasoning>",
    "“漢字” 🙂 \t\r\n  \u00a0ａ e\u0301 İ ﬁ",
    "def f(x):\n    return [y**2 for y in x if y % 7 == 0]\n",
    "they're HERE'S  \n\n\n x1y22zzz333 <step> <eos> <pad>",
    "<problem> start 7 ; double ; add 3 ; </problem> <reasoning> double 7 gives 14 ; </reasoning> <answer> 17",
]
TRACE = "<reasoning> 3 </reasoning>"


class Check:
    """The binary, and the differences so far."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary, self.folder, self.failures, self.checked = binary, folder, 0, 0

    def run(self, *arguments: object, text: str = "") -> str:
        """What a command prints."""
        command = [str(self.binary), *map(str, arguments)]
        done = subprocess.run(command, input=text, capture_output=True, text=True, cwd=self.folder)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def same(self, what: str, found: object, expected: object) -> None:
        """A line if two things differ."""
        self.checked += 1
        if found != expected:
            self.failures += 1
            print(f"DIFFERENT {what}: {found!r} instead of {expected!r}")

    def transformers(self, name: str, path: Path, trust: bool) -> None:
        """AutoTokenizer against the file itself, and again after saving."""
        raw = Tokenizer.from_file(str(path / "tokenizer.json"))
        settings = json.loads((path / "tokenizer_config.json").read_text())
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=trust)
        saved = self.folder / "saved"
        shutil.rmtree(saved, ignore_errors=True)
        tokenizer.save_pretrained(saved)
        if (path / "config.json").exists():
            shutil.copy(path / "config.json", saved)
        again = AutoTokenizer.from_pretrained(saved, trust_remote_code=trust)
        for kind, one in (("", tokenizer), (", saved again", again)):
            where = f"{name}{', trusted' if trust else ''}{kind}"
            self.same(f"{where}: end token", one.eos_token, settings["eos_token"])
            self.same(f"{where}: tokens", len(one), raw.get_vocab_size())
            for text in TEXTS:
                ids = raw.encode(text, add_special_tokens=False).ids
                self.same(f"{where}: ids of {text!r}", one(text, add_special_tokens=False)["input_ids"], ids)
                self.same(f"{where}: text of {ids}", one.decode(ids), raw.decode(ids, skip_special_tokens=False))
            ids = raw.encode(TRACE).ids + [one.eos_token_id]
            kept = one.decode(ids, skip_special_tokens=True)
            self.same(f"{where}: tags without special tokens", kept, raw.decode(ids[:-1], skip_special_tokens=False))

    def tracelift(self, name: str, path: Path) -> None:
        """TraceLift's own counts and texts against AutoTokenizer's."""
        tokenizer = AutoTokenizer.from_pretrained(path)
        prompts = "".join(json.dumps({"prompt": text}) + "\n" for text in TEXTS)
        lines = self.run("generate", path, "--max-tokens", 24, "--temperature", 1, text=prompts)
        for text, line in zip(TEXTS, map(json.loads, lines.splitlines()), strict=True):
            self.same(f"{name}: tokens of {text!r}", line["prompt_tokens"], len(tokenizer(text)["input_ids"]))
            tokens = line["tokens"][:-1] if line["finish"] == "stop" else line["tokens"]
            self.same(f"{name}: text of {tokens}", tokenizer.decode(tokens), line["text"])

    def model(self, name: str, path: Path) -> None:
        """A checkpoint, every way."""
        before = self.failures
        for trust in (False, True):
            self.transformers(name, path, trust)
        self.tracelift(name, path)
        print(f"{name:<24} {'ok' if self.failures == before else 'DIFFERENT'}")


def trained(check: Check) -> dict[str, Path]:
    """`tokenizer train` with every option."""
    check.run("world", "groups", "--world", "words", "--count", 60, "--out", "groups.jsonl")
    fields = ["--field", "problem", "--field", "positive_pool.reasoning", "--field", "negative_bank.reasoning"]
    script = Path(__file__).resolve()
    options = {
        "plain": ["--vocab-size", 600, script],
        "fields": ["--vocab-size", 600, *fields, "groups.jsonl"],
        "special": ["--vocab-size", 700, "--special", "<step>", "--special", "<plan>", script],
        "joined-digits": ["--vocab-size", 900, "--join-digits", script],
        "joined-special": ["--vocab-size", 900, "--join-digits", "--special", "<step>", *fields, "groups.jsonl"],
        "bytes": ["--vocab-size", 260, script],
    }
    for name, arguments in options.items():
        check.run("tokenizer", "train", "--out", f"tokenizer-{name}", *arguments)
    # The same files make the same tokenizer.
    check.run("tokenizer", "train", "--out", "again", *options["fields"])
    for file in ["tokenizer.json", "tokenizer_config.json"]:
        twice = [(check.folder / folder / file).read_bytes() for folder in ("again", "tokenizer-fields")]
        check.same(f"the same files twice, {file}", twice[0] == twice[1], True)
    return {name: check.folder / f"tokenizer-{name}" for name in options}


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=root / "target/debug/tracelift", help="default: %(default)s")
    parser.add_argument("--checkpoints", type=Path, default=root / "checkpoints", help="default: %(default)s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        check = Check(arguments.binary.resolve(), Path(name))
        tokenizers = trained(check)
        for name, path in tokenizers.items():
            check.transformers(f"{name} alone", path, trust=False)
            check.transformers(f"{name} alone", path, trust=True)
        sources = {"init": None, **{world: world for world in WORLDS}, **tokenizers}
        for name, source in sources.items():
            for family in FAMILIES:
                path = check.folder / f"{name}-{family}"
                choice = [] if source is None else ["--tokenizer", source]
                check.run("model", "init", path, "--family", family, "--hidden", 16, "--layers", 1, *choice)
                check.model(f"{name}, {family}", path)
        for world in WORLDS:
            for part in ("planner", "executor"):
                check.model(f"checkpoints/{world}/{part}", arguments.checkpoints.resolve() / world / part)
        print(f"{check.checked} comparisons, {check.failures} differences")
    if check.failures:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
