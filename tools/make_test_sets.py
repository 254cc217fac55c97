#!/usr/bin/env python3
"""Makes crates/datasets/src/test_sets.txt: fingerprints of the statements of published test sets.

    python3 tools/make_test_sets.py ../shared/data

Reads the sets in the folders and formats in which they are published (GSM8K test, MATH-500, SVAMP test, AIME, HumanEval,
MBPP 11-510). A fingerprint is FNV-1a (64 bits) over the statement's words: ASCII letters in lower case and digits, a
space between words. Nothing of the sets can be read from it.
"""

import gzip
import json
import re
import sys
from pathlib import Path


def fingerprint(statement):
    value = 0xCBF29CE484222325
    for byte in " ".join(re.findall("[a-z0-9]+", ascii_lower(statement))).encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def ascii_lower(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def lines(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def sentence(text):
    text = text.strip()
    return text if text.endswith((".", "!", "?", ",")) else text + "."


def sets(data):
    yield "GSM8K test", [row["question"] for row in lines(data / "gsm8k/test.jsonl")]
    yield "MATH-500", [row["problem"] for row in lines(data / "math500/test.jsonl")]
    yield "SVAMP test", [f"{sentence(r['Body'])} {r['Question']}" for r in lines(data / "svamp/test.jsonl")]
    yield "AIME", [row["problem"] for row in lines(data / "aime24/test.jsonl")]
    yield "HumanEval", [row["prompt"] for row in lines(data / "humaneval/HumanEval.jsonl.gz")]
    tasks = [row for row in lines(data / "mbpp/mbpp.jsonl") if 11 <= row["task_id"] <= 510]
    yield "MBPP 11-510 (test)", [row["text"] for row in tasks]


def main():
    data = Path(sys.argv[1])
    out = Path(__file__).parent.parent / "crates/datasets/src/test_sets.txt"
    text = []
    for name, statements in sets(data):
        known = sorted({fingerprint(statement) for statement in statements})
        print(f"{name}: {len(known)} of {len(statements)} problems")
        text += [f"# {name}", *(f"{value:016x}" for value in known)]
    out.write_text("\n".join(text) + "\n")


main()
