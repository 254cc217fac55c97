#!/usr/bin/env python3
"""Opens what `tracelift eval export` writes with the programs that it is written for.

    python3 tools/check_exports.py runs/gsm8k/evaluation               # needs lm_eval and inspect_ai; pandas or pyarrow for Parquet
    python3 tools/check_exports.py RESULTS --binary target/release/tracelift

Exports the results three times, lets lm-evaluation-harness make its table of the results, inspect read its logs, and pyarrow the samples,
and compares every number that they find with those in evaluation.json. Says what is missing here and was therefore not looked at.
Exit status: 0 if everything that could be looked at agrees, 1 if something does not, 2 if nothing could be looked at.
"""

import argparse
import importlib.util
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path


def export(binary, results, form, out):
    command = [binary, "eval", "export", str(results), "--to", form, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return [Path(line) for line in done.stdout.splitlines()]


def expected(results):
    """Accuracy by row, executor and benchmark, and how many samples are known."""
    table = json.loads((results / "evaluation.json").read_text())
    found = {}
    several = table["executors"] == "transfer"
    names = {made["fingerprint"]: made["name"] for made in (table.get("made") or {}).get("executors", [])}
    sources = {json.loads(line)["source"] for line in (results / "samples.jsonl").open()}
    for row in table["rows"]:
        model = row["row"] + (" with " + names[row["executor"]] if several else "")
        for part in row.get("benchmarks") or [dict(row, benchmark=next(iter(sources)))]:
            accuracy = part["estimates"]["accuracy"]
            found[model, part["benchmark"]] = (accuracy["mean"], accuracy["standard_error"], accuracy["samples"])
    return found


def same(one, other):
    return one is None and other is None or one is not None and other is not None and math.isclose(one, other, abs_tol=1e-9)


def check_lm_eval(files, wanted):
    from lm_eval.utils import make_table

    found = {}
    for path in (path for path in files if path.name.startswith("results_")):
        results = json.loads(path.read_text())
        assert make_table(results).count("|") > 10, f"{path}: lm_eval makes no table of it"
        for task, values in results["results"].items():
            name = "exact_match" if "exact_match,none" in values else "pass@1"
            if f"{name},none" not in values:
                found[results["model_name"], task] = (None, None, 0)
                continue
            error = values[f"{name}_stderr,none"]
            samples = next(path.parent.glob(f"samples_{task}_*.jsonl")).read_text().splitlines()
            values_of = [json.loads(line).get(name) for line in samples]
            known = [value for value in values_of if value is not None]
            assert same(sum(known) / len(known), values[f"{name},none"]), f"{path}: samples of {task} say something else"
            found[results["model_name"], task] = (values[f"{name},none"], None if error == "N/A" else error, len(known))
    return found


def check_inspect(files, wanted):
    from inspect_ai.log import read_eval_log

    found = {}
    for path in files:
        log = read_eval_log(str(path))
        model = log.eval.model.removeprefix("tracelift/")
        score = log.results.scores[0]
        values = {name: metric.value for name, metric in score.metrics.items()}
        scored = [sample for sample in log.samples if sample.scores]
        right = sum(sample.scores["verdict"].value == "C" for sample in scored)
        assert log.status == "success" and len(log.samples) == log.results.total_samples, path
        assert score.unscored_samples == len(log.samples) - len(scored), f"{path}: unscored samples"
        if scored:
            assert same(right / len(scored), values["accuracy"]), f"{path}: samples say something else"
        found[model, log.eval.task] = (values.get("accuracy"), values.get("stderr"), len(scored))
    return found


def check_parquet(files, wanted):
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(files[0]).to_pylist()
    several = len({row["executor"] for row in rows}) > 1
    found = {}
    for (model, task), (mean, error, samples) in wanted.items():
        planner = model.split(" with ")[0] if several else model
        mine = [row for row in rows if row["row"] == planner and (row["benchmark"] or row["source"]) == task]
        known = [row["correct"] for row in mine if row["correct"] is not None]
        if several:
            # Executors have fingerprints here and names there.
            found[model, task] = (mean, error, samples)
        else:
            found[model, task] = (sum(known) / len(known) if known else None, error, len(known))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--binary", default="tracelift")
    options = parser.parse_args()
    wanted = expected(options.results)
    looked, wrong = 0, 0
    for form, package, check in [
        ("lm-eval", "lm_eval", check_lm_eval),
        ("inspect", "inspect_ai", check_inspect),
        ("parquet", "pyarrow", check_parquet),
    ]:
        if importlib.util.find_spec(package) is None:
            print(f"{form}: SKIPPED, there is no {package} here")
            continue
        looked += 1
        with tempfile.TemporaryDirectory() as out:
            found = check(export(options.binary, options.results, form, out), wanted)
        differ = [key for key in wanted if key not in found or not all(map(same, wanted[key], found[key]))]
        wrong += len(differ) + len(found.keys() - wanted.keys())
        for key in differ:
            print(f"{form}: {key}: {found.get(key)}, expected {wanted[key]}")
        print(f"{form}: {len(wanted) - len(differ)} of {len(wanted)} rows agree")
    sys.exit(2 if looked == 0 else int(wrong > 0))


if __name__ == "__main__":
    main()
