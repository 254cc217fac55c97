"""Checks that the published Python code reads our group files, and that we read what it publishes and writes.

    git clone https://github.com/MasaiahHan/TraceLift reference
    python tools/check_groups_interop.py reference data/groups.jsonl [--binary target/release/tracelift]

All is done by the code in the checkout, none of which is kept here. Its data set class and its collator load every group of
the file, batch by batch; fields, shapes, label ranges and the order of totals are asserted on what comes out. Its filter
must keep every flawed trace, and its trainer's loss over a batch, with a small random model of its own class, must be a
number. The other way round, the example of its README and the groups that its preparation scripts make must pass
`groups validate`, and must serve as seeds of `groups build`; its example parser and ours must take the same tests from
statements. The script ends with an error at the first thing that does not hold.
"""

import argparse
import json
import math
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

DIMENSIONS = {
    "code": ["task_understanding", "plan_quality", "step_coherence", "action_support", "non_leakage"],
    "math": [
        "problem_understanding",
        "solution_strategy",
        "step_coherence",
        "calculation_correctness",
        "answer_support",
    ],
}
NEGATIVES = 4
BATCH = 64
# Headings as the published parser knows them: alone on their lines, after one that announces examples.
STATEMENTS = [
    "Add.\n\nInput\n\nTwo numbers.\n\nOutput\n\nTheir sum.\n\nExamples\n\nInput\n\n3 4\n\nOutput\n\n7\n\nInput\n\n1 1\n\nOutput\n\n2\n\nNote\n\nEasy.",
    "Add.\nExample\nInput\n1\n2\nOutput\n3\nExplanation: one and two.",
    "Add.\nSample Input\n\n5\n1 2\n\nSample Output\n\n3\n",
    "Add.\nSample Tests\nInput\n1\nOutput\nyes\n\nno\nInput\n2\nOutput\n0\nNote that 2 is even.",
    "Add.\nexamples\ninput\n1\noutput\n1\n",
    "Say hello. Nothing is read.",
]


def require(holds: bool, what: str) -> None:
    """Ends the script where something does not hold."""
    if not holds:
        raise SystemExit(f"DOES NOT HOLD: {what}")


def read(path: Path) -> list[dict]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write(path: Path, rows: list[dict]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


class Desk:
    """The binary, the checkout, and a folder for what they make."""

    def __init__(self, binary: Path, checkout: Path, folder: Path) -> None:
        self.binary, self.checkout, self.folder = binary, checkout, folder

    def tracelift(self, *arguments: object) -> str:
        """What a command of ours prints."""
        return self.run(str(self.binary), *map(str, arguments))

    def reference(self, script: str, *arguments: object) -> str:
        """What a script of the checkout prints."""
        return self.run(sys.executable, str(self.checkout / script), *map(str, arguments))

    def run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=self.folder)
        require(done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def valid(self, path: Path, what: str) -> None:
        """A file must pass `groups validate`."""
        print(f"{what:<52} {self.tracelift('groups', 'validate', path).strip().split(': ', 1)[1]}")

    def build(self, name: str, seeds: str) -> list[dict]:
        """The groups that `groups build` makes of a source."""
        out = self.folder / f"{name}.jsonl"
        config = self.folder / f"{name}.toml"
        config.write_text(f'out = "{out}"\n[[seeds]]\n{seeds}\n', encoding="utf-8")
        self.tracelift("groups", "build", "--config", config)
        return read(out)


def domain_of(group: dict) -> str:
    """Which rubric a group has."""
    return "code" if "task_understanding" in group["positive_pool"][0]["rubric"] else "math"


def check_batch(batch, groups: list[dict], texts: list[str], domain: str) -> None:
    """What their collator made of some groups."""
    size = 1 + NEGATIVES
    require(batch["group_sizes"].tolist() == [size] * len(groups), "one positive and four negatives a group")
    require(tuple(batch["dimension_labels"].shape) == (size * len(groups), 5), "five labels a trace")
    labels, totals = batch["dimension_labels"], batch["gold_total"]
    require(0 <= labels.min().item() and labels.max().item() <= 4, "labels from 0 to 4")
    require(0.0 <= totals.min().item() and totals.max().item() <= 1.0, "totals from 0 to 1")
    require(batch["input_ids"].shape == batch["attention_mask"].shape, "a mask for the tokens")
    for index, group in enumerate(groups):
        first = index * size
        require(bool(batch["candidate_is_positive"][first]), f"{group['problem_id']}: the positive comes first")
        positive, negatives = totals[first].item(), totals[first + 1 : first + size]
        require(positive > negatives.max().item(), f"{group['problem_id']}: every negative's total is lower")
        kinds = {negative["negative_kind"] for negative in group["negative_bank"]}
        require(len(kinds) >= NEGATIVES, f"{group['problem_id']}: at least {NEGATIVES} kinds")
        text = texts[first]
        require(
            text.startswith(f"<task>{domain}</task>\n<type>{group['task_type']}</type>\n<problem>\n"),
            f"{group['problem_id']}: its text begins with task, type and problem",
        )
        require(group["positive_pool"][0]["reasoning"] in text, f"{group['problem_id']}: its text has the trace")


def check_loading(file: Path, tokenizer) -> dict[str, list[dict]]:
    """Their data set and collator on our file; returns the groups by domain."""
    from reasonrm.data import ProblemGroupDataset, ReasonRewardDataCollator
    from reasonrm.split_code_rm_groups import filter_group

    class Recorder:
        """Keeps the texts that are handed to the tokenizer."""

        def __call__(self, texts, **settings):
            self.texts = texts
            return tokenizer(texts, **settings)

    dataset = ProblemGroupDataset(str(file))
    by_domain: dict[str, list[dict]] = {}
    for index in range(len(dataset)):
        by_domain.setdefault(domain_of(dataset[index]), []).append(dataset[index])
    for domain, groups in by_domain.items():
        recorder = Recorder()
        collator = ReasonRewardDataCollator(recorder, 256, NEGATIVES, domain, DIMENSIONS[domain])
        for start in range(0, len(groups), BATCH):
            some = groups[start : start + BATCH]
            check_batch(collator(some), some, recorder.texts, domain)
        for group in groups:
            kept, reason = filter_group(group, NEGATIVES, True)
            require(
                kept is not None and len(kept["negative_bank"]) == len(group["negative_bank"]),
                f"{group['problem_id']}: its filter keeps all of it ({reason})",
            )
        print(f"{'their data set, collator and filter take':<52} {len(groups)} groups of {domain}")
    return by_domain


def check_loss(model_folder: Path, tokenizer, groups: list[dict], domain: str) -> None:
    """Their trainer's loss over a batch of ours."""
    import torch
    from reasonrm.data import ReasonRewardDataCollator
    from reasonrm.modeling_reward import Qwen2ForReasonRewardModel
    from reasonrm.train_reward_model import ReasonRewardTrainer
    from transformers import AutoConfig

    torch.manual_seed(18)
    config = AutoConfig.from_pretrained(model_folder)
    config.rm_dimension_names = DIMENSIONS[domain]
    config.pad_token_id = tokenizer.pad_token_id
    model = Qwen2ForReasonRewardModel(config)
    settings = SimpleNamespace(
        dimension_loss_type="ce",
        huber_delta=1.0,
        loss_dim_weight=1.0,
        loss_total_weight=0.5,
        loss_posneg_weight=0.7,
        loss_negneg_weight=0.1,
        negneg_margin=0.15,
    )
    trainer = SimpleNamespace(args=settings)
    trainer._compute_group_losses = lambda *given: ReasonRewardTrainer._compute_group_losses(trainer, *given)
    batch = ReasonRewardDataCollator(tokenizer, 512, NEGATIVES, domain, DIMENSIONS[domain])(groups[:8])
    loss = ReasonRewardTrainer.compute_loss(trainer, model, batch)
    loss.backward()
    require(math.isfinite(loss.item()), "a finite loss")
    print(f"{'their loss over a batch, with a random model':<52} {loss.item():.3f}")


def check_example(desk: Desk) -> None:
    """The example of their README, to the letter."""
    readme = (desk.checkout / "README.md").read_text(encoding="utf-8")
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", readme, re.S)]
    examples = [block for block in blocks if "positive_pool" in block]
    require(len(examples) == 1, "their README has one example of a group")
    desk.valid(write(desk.folder / "readme.jsonl", examples), "the example of their README:")


def judged(negative: dict, domain: str) -> dict:
    """A flawed trace as their judge leaves it: scores from 0 to 10, of which they make our labels again."""
    scores = {name: 2 * negative["rubric"][name] + 0.5 for name in DIMENSIONS[domain]}
    return {"rubric_scores": scores, "rubric_score": 10 * negative["rubric"]["total"], "rubric_label": "negative"}


def their_math_groups(desk: Desk, groups: list[dict]) -> Path:
    """Groups that their script makes of judged flawed traces."""
    rows = [
        {
            "source": "gsm8k",
            "problem": group["problem"],
            "action_gt": group["metadata"]["answer"],
            "raw_reason": f"{group['positive_pool'][0]['reasoning']}\n#### {group['metadata']['answer']}",
            "source_row_index": index,
            "parent_source_row_index": index,
            "negative_kind": negative["negative_kind"],
            "negative_index": at,
            "label": "negative",
            "raw_negative_clean": negative["reasoning"],
            "rubric_reason": "made for a check",
            **judged(negative, "math"),
        }
        for index, group in enumerate(groups)
        for at, negative in enumerate(group["negative_bank"])
    ]
    judged_rows = write(desk.folder / "judged-math.jsonl", rows)
    desk.reference("scripts/build_math_rm_groups.py", "--input", judged_rows, "--output_dir", desk.folder / "math")
    return desk.folder / "math" / "all_groups_min4.jsonl"


def their_code_groups(desk: Desk, groups: list[dict]) -> Path:
    """As [`their_math_groups`], of programs."""
    positives, verdicts, negatives = [], [], []
    for index, group in enumerate(groups):
        own = {"source_row_index": index, "source": "code", "problem": group["problem"]}
        reasoning = group["positive_pool"][0]["reasoning"]
        program = group["reference_solution"]
        meta = {"task_type": "algorithm", "source_dataset": "made for a check"}
        positives.append({**own, "reason_clean": reasoning, "action_gt": program, "judge_meta": meta, "label": "positive"})
        scores = dict.fromkeys(DIMENSIONS["code"], 10.0)
        verdicts.append({**own, "rubric_scores": scores, "rubric_score": 10.0, "rubric_label": "positive"})
        negatives += [
            {
                **own,
                "parent_source_row_index": index,
                "negative_kind": negative["negative_kind"],
                "negative_index": at,
                "label": "negative",
                "raw_negative_clean": negative["reasoning"],
                "rubric_reason": "made for a check",
                **judged(negative, "code"),
            }
            for at, negative in enumerate(group["negative_bank"])
        ]
    names = ["positives", "verdicts", "negatives"]
    files = [write(desk.folder / f"{name}.jsonl", rows) for name, rows in zip(names, [positives, verdicts, negatives])]
    out = desk.folder / "their-code.jsonl"
    desk.reference(
        "src/reasonrm/prepare_code_rm_data.py",
        *("--positive-file", files[0], "--judge-files", files[1], "--negative-files", files[2]),
        *("--min-negative-words", 5, "--proto-output", desk.folder / "proto.jsonl", "--train-output", out),
        *("--summary-output", desk.folder / "summary.json"),
    )
    return out


def check_theirs(desk: Desk, domain: str, groups: list[dict]) -> None:
    """Groups that their scripts make: valid, with every field kept, and good as seeds."""
    theirs = (their_math_groups if domain == "math" else their_code_groups)(desk, groups)
    rows = read(theirs)
    require(len(rows) == len(groups), f"their script makes a group of each of {len(groups)} ({len(rows)})")
    desk.valid(theirs, f"groups of {domain} that their script makes:")
    built = desk.build(f"again-{domain}", f'groups = "{theirs}"')
    # Their groups of programs keep no tests, of which outlines learn what goes in and comes out.
    least = {"math": 0.9, "code": 0.7}[domain]
    require(len(built) >= least * len(rows), f"their groups serve as seeds ({len(built)} of {len(rows)})")
    print(f"{f'as seeds of groups build, of {len(rows)} of theirs':<52} {len(built)} groups")


def check_examples(desk: Desk) -> None:
    """Their example parser and ours on statements in their formats."""
    from reasonrm.code_oracle import extract_statement_examples

    program = "def total(a, b):\n    if a < 0:\n        return 0\n    c = a + b\n    return c\nprint(total(1, 2))\n"
    rows = [
        {"id": f"s{index}", "problem": statement, "solution": program} for index, statement in enumerate(STATEMENTS)
    ]
    file = write(desk.folder / "statements.jsonl", rows)
    built = {group["problem_id"]: group for group in desk.build("stdio", f'path = "{file}"\nformat = "stdio"')}
    for index, statement in enumerate(STATEMENTS):
        theirs = [(test["input"], test["output"]) for test in extract_statement_examples(statement)]
        group = built.get(f"statements/s{index}")
        require(group is not None, f"statement {index} makes a group")
        ours = [(test["stdin"], test["stdout"]) for test in group["metadata"].get("tests", [])]
        require(ours == theirs, f"the same examples of statement {index}:\n{ours}\n{theirs}")
    print(f"{'the same examples as their parser takes':<52} {len(STATEMENTS)} statements")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, help="a checkout of the published code")
    parser.add_argument("file", type=Path, help="a group file that `tracelift groups build` made")
    parser.add_argument("--binary", type=Path, default=Path("target/release/tracelift"))
    parser.add_argument("--theirs", type=int, default=200, help="how many groups their scripts make")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.checkout.resolve() / "src"))
    random.seed(18)

    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(arguments.binary.resolve(), arguments.checkout.resolve(), Path(folder))
        model = desk.folder / "model"
        desk.tracelift("model", "init", model, "--hidden", 32, "--layers", 1, "--seed", 18)
        tokenizer = AutoTokenizer.from_pretrained(model)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        for domain, groups in check_loading(arguments.file.resolve(), tokenizer).items():
            check_loss(model, tokenizer, groups, domain)
            check_theirs(desk, domain, groups[: arguments.theirs])
        check_example(desk)
        check_examples(desk)
    print("all holds")


if __name__ == "__main__":
    main()
