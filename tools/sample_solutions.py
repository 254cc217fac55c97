"""Solutions of GSM8K problems with natural errors, written by what a reward model has learned to read.

    python tools/sample_solutions.py RM GSM8K.jsonl --out solutions.jsonl [--binary target/release/tracelift]

A reward model that is trained with `[train.reading] language` is a language model of reference traces on the way. Without
its heads it goes on from a problem; a solution counts as right if its last number is the gold answer. The file is one for
`tracelift rm eval --solutions`. Nothing but Python's own library is needed.
"""

import argparse
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?|\.\d+")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rm", type=Path, help="the reward model's directory, trained from GSM8K's groups")
    parser.add_argument("problems", type=Path, help="GSM8K's file of problems")
    parser.add_argument("--out", type=Path, required=True, help="where the solutions go (JSONL)")
    parser.add_argument("--binary", default="target/release/tracelift")
    parser.add_argument("--count", type=int, default=600, help="the first so many problems")
    parser.add_argument("--samples", type=int, default=8, help="solutions of each")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--below", type=int, default=0, help="what `train.reading.below` was")
    parser.add_argument("--seed", type=int, default=18)
    arguments = parser.parse_args()

    lines = arguments.problems.read_text(encoding="utf-8").splitlines()[: arguments.count]
    problems = [json.loads(line) for line in lines if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        model, prompts = Path(folder, "model"), Path(folder, "prompts.jsonl")
        behead(arguments.rm, model, arguments.below)
        prompts.write_text("".join(json.dumps({"prompt": prompt(row["question"])}) + "\n" for row in problems))
        command = [arguments.binary, "generate", model, "--prompts", prompts, "--stop", "</reasoning>"]
        command += ["--samples", arguments.samples, "--temperature", arguments.temperature]
        command += ["--seed", arguments.seed, "--max-tokens", 200]
        told = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=True, text=True)
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    if not rows:
        sys.exit("error: nothing was generated")

    written = right = unfinished = 0
    with arguments.out.open("w", encoding="utf-8") as out:
        for row in rows:
            text = row["text"].split("</reasoning>")[0].strip()
            if row["finish"] == "length" or not text or "<reasoning>" in text:
                unfinished += 1
                continue
            problem = problems[row["index"]]
            found = NUMBER.findall(text)
            correct = bool(found) and value(found[-1]) == value(problem["answer"].rsplit("####", 1)[1].strip())
            written, right = written + 1, right + correct
            solution = {"problem": problem["question"], "reasoning": text, "is_correct": correct}
            out.write(json.dumps({**solution, "task_name": "gsm8k", "task_type": "math"}) + "\n")
    print(f"{written} solutions of {len(problems)} problems, {right} right: {arguments.out}")
    print(f"left out: {unfinished} without an end, or with a second beginning")


def prompt(question: str) -> str:
    """What the reward model reads, up to the trace."""
    return f"<task>gsm8k</task>\n<type>math</type>\n<problem>\n{question.strip()}\n</problem>\n<reasoning>\n"


def value(number: str) -> float:
    return float(number.replace(",", ""))


def behead(rm: Path, model: Path, below: int) -> None:
    """Writes a reward model's backbone, up to where it predicts next tokens, as a language model."""
    model.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(rm / name, model / name)
    config = json.loads((rm / "config.json").read_text())
    config = {key: what for key, what in config.items() if not key.startswith("rm_")}
    config["architectures"] = [config["architectures"][0].replace("ForReasonRewardModel", "ForCausalLM")]
    layers = config["num_hidden_layers"] = config["num_hidden_layers"] - below
    (model / "config.json").write_text(json.dumps(config))
    raw = (rm / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    kept, body = {}, bytearray()
    for name, tensor in header.items():
        block = re.match(r"model\.layers\.(\d+)\.", name)
        if name.startswith(("model.", "lm_head.")) and (block is None or int(block[1]) < layers):
            start, end = tensor["data_offsets"]
            kept[name] = {**tensor, "data_offsets": [len(body), len(body) + end - start]}
            body += data[start:end]
    head = json.dumps(kept).encode()
    head += b" " * (-len(head) % 8)
    (model / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(body))


if __name__ == "__main__":
    main()
