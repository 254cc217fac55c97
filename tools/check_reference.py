"""Checks that the published reward-model class reads what TraceLift trains, and the other way round.

    python tools/check_reference.py CHECKOUT [--binary target/debug/tracelift] [--golden DIR]

CHECKOUT is a copy of the published repository (github.com/MasaiahHan/TraceLift); its `Qwen2ForReasonRewardModel` and its
`render_reasoning_text` are used as they are. Small reward models are trained by `tracelift rm train` (all weights, adapters,
another rubric in bfloat16) and loaded by the class; random ones are saved by the class and loaded by `tracelift rm serve`.
Scores of the same traces, with every dimension, must not differ by more than 1e-4: one by one, padded on the right, and
padded on the left. `--golden` writes a random checkpoint of the class and its scores for the test in `crates/reward`.

The class was written for transformers 4 (`transformers==4.57.6` and what pip brings with it will do). Transformers 5 does
not fill the two buffers that the class does not save, and its scores are then wrong as they stand; the script says so and
fills them. The class finds the last token by counting tokens from the left, so it misreads batches that are padded on the
left. The script prints how far off it is then, and compares the same network read at the last position.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import torch
import transformers
from transformers import AutoTokenizer, Qwen2Config

BOUND = 1e-4
MATH = ["problem_understanding", "solution_strategy", "step_coherence", "calculation_correctness", "answer_support"]


class Reference:
    """The published class and its rendering of inputs."""

    def __init__(self, checkout: Path) -> None:
        sys.path.insert(0, str(checkout / "src"))
        from reasonrm.data import render_reasoning_text
        from reasonrm.modeling_reward import Qwen2ForReasonRewardModel

        class PaddedLeft(Qwen2ForReasonRewardModel):
            """The same network, read at the last position."""

            def _pool_last_token(self, hidden_states, attention_mask):
                return hidden_states[:, -1]

        self.render, self.model, self.padded_left = render_reasoning_text, Qwen2ForReasonRewardModel, PaddedLeft

    def load(self, path: Path, left: bool = False):
        """A checkpoint, in float32; every tensor of it must have found its place."""
        kind = self.padded_left if left else self.model
        model, info = kind.from_pretrained(path, torch_dtype=torch.float32, output_loading_info=True)
        wrong = {name: list(keys) for name, keys in info.items() if keys}
        assert not wrong, f"{path}: {wrong}"
        labels, weights = torch.arange(5.0), torch.tensor(model.config.rm_dimension_weights)
        if not (torch.equal(model.label_values, labels) and torch.equal(model.dimension_weights, weights)):
            print(f"note: transformers {transformers.__version__} left the class's buffers unset; they are set here")
            model.label_values, model.dimension_weights = labels, weights
        return model.eval()


def numbers(model, batch) -> torch.Tensor:
    """Score, derived, total and the five dimensions, a row an input."""
    with torch.no_grad():
        out = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], return_dict=True)
    parts = [out.total_scores, out.derived_total_scores, out.total_head_scores]
    return torch.cat([torch.stack(parts, -1), out.expected_dimension_scores], -1)


class Ours:
    """`tracelift rm serve` of a checkpoint."""

    def __init__(self, binary: Path, path: Path) -> None:
        command = [str(binary), "rm", "serve", str(path), "--port", "0", "--log-level", "warn"]
        self.names = json.loads((path / "config.json").read_text())["rm_dimension_names"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[-1]

    def numbers(self, items: list[dict]) -> torch.Tensor:
        body = json.dumps({"items": items}).encode()
        request = urllib.request.Request(f"{self.address}/score", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            results = json.load(answer)["results"]
        rows = [[r["score"], r["derived"], r["total"], *(r["dimensions"][name] for name in self.names)] for r in results]
        return torch.tensor(rows)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def inputs(groups: Path, most: int) -> list[dict]:
    """Traces of a group file as items of `/score`, of unlike lengths."""
    items = []
    for group in map(json.loads, groups.read_text().splitlines()):
        for candidate in group["positive_pool"] + group["negative_bank"]:
            items.append({
                "problem": group["problem"],
                "reasoning": candidate["reasoning"],
                "task_name": group["source"],
                "task_type": group["task_type"],
                "tests": group.get("tests_or_constraints", ""),
            })
    return items[:: max(1, len(items) // most)][:most]


def rendered(reference: Reference, item: dict) -> str:
    """An item as the published code writes it for its model."""
    group = {"problem": item["problem"], "task_type": item["task_type"], "tests": item["tests"]}
    return reference.render(group, {"reasoning": item["reasoning"]}, task_name=item["task_name"])


class Comparison:
    """Prints differences, and counts what lies above the bound."""

    def __init__(self) -> None:
        self.failures = 0

    def report(self, what: str, difference: float) -> None:
        far = difference > BOUND
        self.failures += far
        print(f"{what:<72} {difference:9.2e}  (bound {BOUND:.0e})  {'TOO FAR' if far else 'ok'}")

    def compare(self, reference: Reference, binary: Path, path: Path, items: list[dict], what: str) -> None:
        """Scores of a checkpoint by both."""
        tokenizer = AutoTokenizer.from_pretrained(path)
        texts = [rendered(reference, item) for item in items]
        with Ours(binary, path) as server:
            ours = server.numbers(items)
        assert ours[:, 0].max() - ours[:, 0].min() > 1e-3, "the scores do not differ, so agreement says nothing"
        model, left = reference.load(path), reference.load(path, left=True)
        single = torch.cat([numbers(model, tokenizer(text, return_tensors="pt")) for text in texts])
        self.report(f"{what}: one by one", (single - ours).abs().max().item())
        tokenizer.padding_side = "right"
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        assert batch["attention_mask"].min() == 0, "nothing was padded"
        self.report(f"{what}: padded on the right", (numbers(model, batch) - ours).abs().max().item())
        tokenizer.padding_side = "left"
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        self.report(f"{what}: padded on the left", (numbers(left, batch) - ours).abs().max().item())
        off = (numbers(model, batch) - ours).abs().max().item()
        print(f"{what}: padded on the left, read by the class as it is: {off:.2e} off")


def ours(comparison: Comparison, reference: Reference, binary: Path, folder: Path) -> None:
    """What TraceLift trains, read by the class."""

    def run(*arguments: object) -> None:
        subprocess.run([str(binary), *map(str, arguments)], check=True, capture_output=True, cwd=folder)

    run("model", "init", "base", "--hidden", 32, "--layers", 2, "--tokenizer", "words")
    for world, name, extra in [
        ("words", "all weights", ["--set", "backbone.scratch={hidden=64,layers=2,tokenizer='words'}"]),
        ("words", "adapters, merged", ["--backbone", "base", "--set", "backbone.lora={rank=4,alpha=8}"]),
        ("programs", "the rubric of code, bf16", ["--set", "backbone.scratch.tokenizer=programs", "--set", "precision=bf16"]),
    ]:
        groups = folder / f"{world}.jsonl"
        run("world", "groups", "--world", world, "--count", 40, "--out", groups)
        out = folder / name.replace(" ", "-").replace(",", "")
        common = ["--groups", groups, "--out", out, "--set", "train.steps=30", "--set", "train.warmup=2"]
        run("rm", "train", *common, *extra)
        comparison.compare(reference, binary, out, inputs(groups, 24), f"ours, {name}")


def random_checkpoint(reference: Reference, tokenizer, path: Path) -> None:
    """Saved by the class, with weights that tell every tensor's place."""
    config = Qwen2Config(
        vocab_size=264, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=1024, rope_theta=10000.0, bos_token_id=None, eos_token_id=257,
        pad_token_id=256, tie_word_embeddings=False,
    )
    config.rm_dimension_names, config.rm_dimension_weights = MATH, [0.2] * 5
    torch.manual_seed(23)
    model = reference.model(config).eval()
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            parameter.copy_(0.3 * torch.randn_like(parameter) + name.endswith("norm.weight"))
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


def theirs(comparison: Comparison, reference: Reference, binary: Path, folder: Path, golden: Path | None) -> None:
    """What the class saves, read by TraceLift."""
    subprocess.run([str(binary), "model", "init", "bytes", "--hidden", "16"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    tokenizer, path = AutoTokenizer.from_pretrained(folder / "bytes"), folder / "theirs"
    random_checkpoint(reference, tokenizer, path)
    items = inputs(folder / "words.jsonl", 24)
    for item in items[::3]:
        item["tests"] = "assert total([1, 2]) == 3"
    if golden:
        write_golden(reference, path, items[:6], golden)
    comparison.compare(reference, binary, path, items, "theirs, random weights")


def write_golden(reference: Reference, path: Path, items: list[dict], golden: Path) -> None:
    """The checkpoint, and what the class says of some inputs."""
    shutil.rmtree(golden, ignore_errors=True)
    golden.mkdir(parents=True)
    for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(path / file, golden / file)
    tokenizer, model = AutoTokenizer.from_pretrained(path), reference.load(path)
    lines = []
    for item in items:
        text = rendered(reference, item)
        batch = tokenizer(text, return_tensors="pt")
        score, derived, total, *dimensions = numbers(model, batch)[0].tolist()
        tokens = batch["input_ids"].shape[1]
        item = {key: value for key, value in item.items() if value}
        lines.append({**item, "text": text, "tokens": tokens, "score": score, "derived": derived, "total": total, "dimensions": dimensions})
    (golden / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("checkout", type=Path)
    arguments.add_argument("--binary", type=Path, default=Path("target/debug/tracelift"))
    arguments.add_argument("--golden", type=Path, help="a folder to write, whatever is in it")
    settings = arguments.parse_args()
    transformers.logging.set_verbosity_error()
    reference, comparison = Reference(settings.checkout.resolve()), Comparison()
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        ours(comparison, reference, settings.binary.resolve(), Path(folder))
        golden = settings.golden.resolve() if settings.golden else None
        theirs(comparison, reference, settings.binary.resolve(), Path(folder), golden)
    raise SystemExit(1 if comparison.failures else 0)


if __name__ == "__main__":
    main()
