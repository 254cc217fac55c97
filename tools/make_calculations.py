"""Exercises in calculating, after the calculations of a group file's reference traces.

    python tools/make_calculations.py data/groups.train.jsonl --out calculations.jsonl [--count 30000]

Each exercise asks for four to six calculations in a row, some of which go on with the result before. A calculation has the
operation of one that a reference trace shows, and other numbers: as long, with as many decimal places and zeros at the end,
and drawn so that the result is exact. The file is one of seeds in GSM8K's format (`tracelift groups build`). Nothing but
Python's own library is needed; the same arguments write the same bytes.
"""

import argparse
import json
import random
import re
from fractions import Fraction
from pathlib import Path

NUMBER = r"(\d+(?:\.\d+)?)"
SHOWN = re.compile(rf"(?<![\d.+*/x-]){NUMBER} ?([-+*/x]) ?{NUMBER} ?= ?\$?{NUMBER}(?![\d%])")
WORDS = {
    "+": ["{a} + {b}", "{a}+{b}", "the sum of {a} and {b}", "{b} more than {a}"],
    "-": ["{a} - {b}", "{a}-{b}", "{b} less than {a}"],
    "*": ["{a} x {b}", "{a}*{b}", "{a} * {b}", "{a} times {b}"],
    "/": ["{a} / {b}", "{a}/{b}", "{a} divided by {b}"],
}
LONGEST = 6  # characters of a result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", type=Path, help="the group file whose calculations are varied")
    parser.add_argument("--out", type=Path, required=True, help="where the exercises go (JSONL)")
    parser.add_argument("--count", type=int, default=30_000, help="how many")
    parser.add_argument("--seed", type=int, default=18)
    arguments = parser.parse_args()

    models = shown(arguments.groups)
    if not models:
        parser.error(f"{arguments.groups}: no reference trace shows a calculation")
    rng = random.Random(arguments.seed)
    with arguments.out.open("w", encoding="utf-8") as out:
        for _ in range(arguments.count):
            out.write(json.dumps(exercise(models, rng)) + "\n")
    print(f"{arguments.count} exercises after {len(models)} calculations: {arguments.out}")


def shown(groups: Path) -> list[tuple[str, str, str, str]]:
    """The calculations of two numbers in reference traces."""
    found = []
    for line in groups.read_text(encoding="utf-8").splitlines():
        for trace in json.loads(line)["positive_pool"]:
            text = trace["reasoning"].replace(",", "").replace("$", "")
            found += [(a, op.replace("x", "*"), b, c) for a, op, b, c in SHOWN.findall(text)]
    return found


def exercise(models: list[tuple[str, str, str, str]], rng: random.Random) -> dict[str, str]:
    """One seed: what is asked for, and how it is worked out."""
    unit = "$" if rng.random() < 0.3 else ""
    tasks, lines, result = [], [], None
    for index in range(rng.choice([4, 5, 6])):
        goes_on = index > 0 and rng.random() < 0.5
        a, op, b, c = calculation(models, result if goes_on else None, rng)
        task = rng.choice(WORDS[op]).format(a="that" if goes_on else a, b=b)
        tasks.append(("then " if index and rng.random() < 0.5 else "") + task)
        sign = rng.choice("**x") if op == "*" else op
        space, before = rng.choice(["", " "]), unit if rng.random() < 0.5 else ""
        shown = f"{before}{a}{space}{sign}{space}{b}"
        annotated = f"{unit}<<{a}{op}{b}={c}>>{c}"
        form = rng.choice(["{} = {}", "{}={}", "That is {} = {}.", "{} = {}."])
        lines.append(form.format(shown, annotated))
        result = c
    return {"question": f"Work out {'; '.join(tasks)}.", "answer": "\n".join([*lines, f"#### {result}"])}


def calculation(
    models: list[tuple[str, str, str, str]], first: str | None, rng: random.Random
) -> tuple[str, str, str, str]:
    """A calculation like one of the models, of the number that is first, if one is."""
    while True:
        a, op, b, c = rng.choice(models)
        b = like(b, rng)
        if op in "*/" and Fraction(b) == 1:
            continue
        if op == "/" and first is None:
            a = written(Fraction(b) * Fraction(like(c, rng)))
        else:
            a = first or like(a, rng)
        if a is None:
            continue
        if op in "+*" and first is None and rng.random() < 0.3:
            a, b = b, a
        x, y = Fraction(a), Fraction(b)
        c = written(x + y if op == "+" else x - y if op == "-" else x * y if op == "*" else x / y)
        if c is not None and len(c) <= LONGEST:
            return a, op, b, c


def like(number: str, rng: random.Random) -> str:
    """Another number of the same look."""
    whole, _, places = number.partition(".")
    if places:
        head = "0" if whole == "0" else digits(len(whole), rng)
        return f"{head}.{''.join(rng.choice('0123456789') for _ in places[1:])}{rng.choice('123456789')}"
    head = whole.rstrip("0")
    return digits(len(head), rng) + "0" * (len(whole) - len(head)) if head else "1"


def digits(count: int, rng: random.Random) -> str:
    """So many digits, neither the first nor the last a zero."""
    return "".join(rng.choice("123456789" if at in (0, count - 1) else "0123456789") for at in range(count))


def written(value: Fraction) -> str | None:
    """In digits, with at most two decimal places; nothing of what is not above zero."""
    if value <= 0:
        return None
    for places in range(3):
        scaled = value * 10**places
        if scaled.denominator == 1:
            text = str(scaled.numerator).rjust(places + 1, "0")
            return text if places == 0 else f"{text[:-places]}.{text[-places:]}"
    return None


if __name__ == "__main__":
    main()
