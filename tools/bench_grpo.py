"""Times a GRPO step of a real checkpoint beside TRL's, in turns on the same machine, and prints ratios.

    cargo build --release
    python tools/bench_grpo.py --model MODEL --data GSM8K.jsonl [--rounds 3] [--threads 2] [--numbers int8]

MODEL is a checkpoint directory that both sides read, GSM8K.jsonl has a `question` a line. A step is 4 problems with 8 traces of up to
128 tokens each, LoRA of rank 16 in all linear layers, a divergence from the start policy of weight 0.04, constant rewards. Each side
takes two steps a round, of which the second is timed: TRL's by its trainer's callbacks, ours by the clocks of `metrics.jsonl` for
sampling and updating (an executor that says one token stands in; its clock is left out). Peaks are those of the process (`VmHWM`,
for TRL with the libraries that it loads). Needs torch, transformers, peft, trl and datasets.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROBLEMS, GROUP, TOKENS, RANK, KL = 4, 8, 128, 16, 0.04
LINEAR_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

CONFIG = """
out = "run"
seed = 18
[data]
path = "{data}"
[planner]
model = "{model}"
numbers = "{numbers}"
prompt = {{ system = "", user = "{{{{ question }}}}", prefill = "<reasoning>", stop = [], end = "closes", examples = [] }}
lora = {{ rank = {rank}, alpha = {alpha} }}
sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = {tokens} }}
[executor.in_process]
model = "{model}"
sampling = {{ temperature = 0, max_tokens = 1 }}
[verifier]
answers = "native"
[reward]
rule = "exec_only"
runs = 1
[preflight]
problems = 0
[grpo]
steps = 2
problems = {problems}
group = {group}
kl = {kl}
importance_cap = 2.0
learning_rate = 5e-6
"""


def trl_step(arguments: argparse.Namespace) -> None:
    """Two steps of TRL in this process; prints seconds of the second and the peak in MiB as a JSON line."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(arguments.threads)
    rows = [json.loads(line) for line in Path(arguments.data).read_text().splitlines()[: 2 * PROBLEMS]]
    prompts = [{"prompt": [{"role": "user", "content": row["question"]}]} for row in rows]

    class Clock(TrainerCallback):
        """Seconds of each step."""

        def __init__(self) -> None:
            self.seconds: list[float] = []

        def on_step_begin(self, *_: object, **__: object) -> None:
            self.start = time.perf_counter()

        def on_step_end(self, *_: object, **__: object) -> None:
            self.seconds.append(time.perf_counter() - self.start)

    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder, use_cpu=True, bf16=False, fp16=False, max_steps=2, report_to=[], logging_steps=100, save_strategy="no",
            per_device_train_batch_size=GROUP, gradient_accumulation_steps=PROBLEMS, num_generations=GROUP, max_completion_length=TOKENS, beta=KL,
            temperature=1.0, top_p=1.0, learning_rate=5e-6, gradient_checkpointing=False, disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32),
            processing_class=AutoTokenizer.from_pretrained(arguments.model, padding_side="left"),
            reward_funcs=lambda completions, **_: [0.0] * len(completions), args=config,
            train_dataset=Dataset.from_list(prompts), callbacks=[clock],
            peft_config=LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=LINEAR_LAYERS, task_type="CAUSAL_LM"),
        )
        trainer.train()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": clock.seconds[1], "peak": peak}), flush=True)


def our_step(arguments: argparse.Namespace) -> dict[str, float]:
    """Two steps of `tracelift train`: seconds of sampling and updating in the second, and the peak in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        config = CONFIG.format(
            data=Path(arguments.data).resolve(), model=Path(arguments.model).resolve(), numbers=arguments.numbers, rank=RANK,
            alpha=2 * RANK, tokens=TOKENS, problems=PROBLEMS, group=GROUP, kl=KL,
        )
        (Path(folder) / "tracelift.toml").write_text(config)
        command = ["/usr/bin/env", "time", "-f", "%M", arguments.binary, "train", "--config", "tracelift.toml"]
        threads = {"RAYON_NUM_THREADS": str(arguments.threads)}
        done = subprocess.run(command, cwd=folder, env={**os.environ, **threads}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"tracelift failed:\n{done.stderr}")
        step = json.loads((Path(folder) / "run/metrics.jsonl").read_text().splitlines()[1])
        sample, update = step["seconds/sample"], step["seconds/update"]
        return {"seconds": sample + update, "sample": sample, "update": update, "peak": int(done.stderr.split()[-1]) / 1024}


def main() -> None:
    """Runs the rounds and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--numbers", default="int8", help="of the planner's products when it writes")
    parser.add_argument("--binary", default=str(ROOT / "target/release/tracelift"))
    parser.add_argument("--trl-step", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.trl_step:
        return trl_step(arguments)
    theirs, ours = [], []
    for number in range(arguments.rounds):
        done = subprocess.run([sys.executable, *sys.argv, "--trl-step"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"TRL failed with status {done.returncode}:\n{done.stderr}")
        theirs.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"round {number + 1}: TRL {theirs[-1]}", flush=True)
        ours.append(our_step(arguments))
        print(f"round {number + 1}: ours {ours[-1]}", flush=True)
    for name, unit in [("seconds", "s a step"), ("peak", "MiB at most")]:
        medians = [statistics.median(side[name] for side in sides) for sides in (theirs, ours)]
        print(f"TRL {medians[0]:.1f} {unit}, ours {medians[1]:.1f}: TRL takes {medians[0] / medians[1]:.2f} times as much")


if __name__ == "__main__":
    main()
