"""Measures the engine beside PyTorch, transformers and PEFT on one small Qwen2, in turns on the same machine.

    cargo build --release
    python tools/bench_engine.py [--rounds 5] [--steps 5] [--threads 2] [--torch-only]

Three workloads, all in float32 on the CPU, on the 5.0 M-parameter model of docs/performance.md (6 layers, width 256,
4 heads, feed-forward 704, vocabulary 512, tied head):

- train:    one full fine-tuning step on 32 x 128 tokens: forward, backward, norm clipping, AdamW;
- lora:     the same step with rank-16 adapters on every linear layer and the base weights frozen;
- generate: 64 new tokens for each of 32 prompts of 64 tokens, sampled at temperature 1 from the full softmax.

PyTorch runs eagerly (no compilation) with its default attention kernel. Every round runs each workload first in
PyTorch and then in `tracelift bench`, so that a machine whose speed drifts slows both sides. One warm-up step before
the rounds is not timed on PyTorch's side; what `tracelift bench` warms up is its own affair. Ratios are of medians.

Simplifications: random weights and random tokens (speed does not depend on them), and no end token, so that every
sequence has its full length and neither side gains from early ends.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import peft
import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent
BATCH, LENGTH, PROMPT, NEW_TOKENS, LORA_RANK = 32, 128, 64, 64, 16
VOCAB = 512
LINEAR_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def make_checkpoint(directory: Path) -> int:
    """Saves the random model that both sides load; returns its number of parameters."""
    config = transformers.Qwen2Config(
        vocab_size=VOCAB,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
        dtype=torch.float32,
    )
    torch.manual_seed(1)
    model = transformers.Qwen2ForCausalLM(config)
    model.save_pretrained(directory)
    return model.num_parameters()


def load(directory: Path) -> transformers.Qwen2ForCausalLM:
    return transformers.Qwen2ForCausalLM.from_pretrained(directory, dtype=torch.float32)


def torch_trainer(model: torch.nn.Module, steps: int) -> Callable[[], float]:
    """A function that takes `steps` optimizer steps and returns the seconds that one took."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1e-4)
    generator = torch.Generator().manual_seed(2)
    model.train()

    def step() -> None:
        input_ids = torch.randint(0, VOCAB, (BATCH, LENGTH), generator=generator)
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=input_ids, labels=input_ids, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(steps):
            step()
        return (time.perf_counter() - start) / steps

    step()
    return measure


def torch_generator(model: transformers.Qwen2ForCausalLM) -> Callable[[], float]:
    """A function that samples the batch once and returns the seconds that took."""
    model.eval()
    settings = transformers.GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=NEW_TOKENS,
        min_new_tokens=NEW_TOKENS,
        pad_token_id=0,
    )
    prompts = torch.randint(0, VOCAB, (BATCH, PROMPT), generator=torch.Generator().manual_seed(3))
    mask = torch.ones_like(prompts)

    def measure() -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            output = model.generate(input_ids=prompts, attention_mask=mask, generation_config=settings)
        seconds = time.perf_counter() - start
        if output.shape != (BATCH, PROMPT + NEW_TOKENS):
            raise SystemExit(f"generate returned the shape {tuple(output.shape)}; the comparison would be unfair")
        return seconds

    measure()
    return measure


def torch_workloads(directory: Path, steps: int) -> dict[str, Callable[[], float]]:
    lora = peft.LoraConfig(
        r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=LINEAR_LAYERS, lora_dropout=0.0, task_type="CAUSAL_LM"
    )
    return {
        "train": torch_trainer(load(directory), steps),
        "lora": torch_trainer(peft.get_peft_model(load(directory), lora), steps),
        "generate": torch_generator(load(directory)),
    }


def engine_workloads(binary: Path, directory: Path, steps: int, threads: int) -> dict[str, Callable[[], float]]:
    """The same workloads through `tracelift bench`, each of which prints one JSON object on its last line."""
    if not binary.is_file():
        raise SystemExit(f"{binary} does not exist; run `cargo build --release` first, or pass --torch-only")
    shared = ["--model-dir", str(directory), "--batch", str(BATCH), "--json"]
    train = ["train", *shared, "--length", str(LENGTH), "--steps", str(steps)]
    commands = {
        "train": train,
        "lora": [*train, "--lora", str(LORA_RANK)],
        "generate": ["generate", *shared, "--prompt", str(PROMPT), "--new", str(NEW_TOKENS)],
    }
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}

    def runner(workload: str, arguments: list[str]) -> Callable[[], float]:
        def measure() -> float:
            command = [str(binary), "bench", *arguments]
            finished = subprocess.run(command, env=environment, capture_output=True, text=True)
            if finished.returncode != 0:
                raise SystemExit(f"`{' '.join(command)}` failed ({finished.returncode}):\n{finished.stderr}")
            result = json.loads(finished.stdout.strip().splitlines()[-1])
            return tokens_of(workload) / result["tokens_per_second"]

        return measure

    return {name: runner(name, arguments) for name, arguments in commands.items()}


def tokens_of(workload: str) -> int:
    """Tokens that one measured unit handles; for generation only the new ones count."""
    return BATCH * (NEW_TOKENS if workload == "generate" else LENGTH)


def cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe(parameters: int, threads: int) -> None:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"cpu: {cpu_model()}, {usable} cores usable, {threads} threads on either side")
    print(f"load before the start: {os.getloadavg()[0]:.1f}; anything much above 0 makes these numbers worthless")
    print(f"system: {platform.system()} {platform.release()}, Python {platform.python_version()}")
    print(f"libraries: torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}")
    print(f"model: {parameters:,} parameters, float32; {BATCH} x {LENGTH} tokens, {PROMPT} + {NEW_TOKENS} to generate")


def print_table(seconds: dict[tuple[str, str], list[float]], torch_only: bool) -> None:
    print("\n| workload | stack | s per step or batch, median (least to most) | tokens/s | times PyTorch |")
    print("|---|---|---|---|---|")
    names = {
        "train": ("full fine-tuning", "PyTorch, transformers"),
        "lora": (f"LoRA r {LORA_RANK}", "PyTorch, PEFT"),
        "generate": ("sampling", "transformers generate"),
    }
    for workload, (title, peer) in names.items():
        base = statistics.median(seconds[workload, "torch"])
        for stack in ("torch",) if torch_only else ("torch", "tracelift"):
            values = seconds[workload, stack]
            median = statistics.median(values)
            print(
                f"| {title} | {peer if stack == 'torch' else 'TraceLift'} "
                f"| {median:.3f} ({min(values):.3f} to {max(values):.3f}) "
                f"| {tokens_of(workload) / median:,.0f} | {base / median:.2f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="times each workload is measured (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=5, help="training steps in a round (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads on either side (default: %(default)s)")
    parser.add_argument("--torch-only", action="store_true", help="measure PyTorch's side alone")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tracelift", help="default: %(default)s")
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.steps, arguments.threads) < 1:
        parser.error("--rounds, --steps and --threads must be at least 1")

    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory(prefix="tracelift-bench-") as temporary:
        directory = Path(temporary)
        describe(make_checkpoint(directory), arguments.threads)
        stacks = {}
        if not arguments.torch_only:
            binary = arguments.binary.resolve()
            stacks["tracelift"] = engine_workloads(binary, directory, arguments.steps, arguments.threads)
        stacks = {"torch": torch_workloads(directory, arguments.steps)} | stacks

        seconds: dict[tuple[str, str], list[float]] = {}
        for turn in range(1, arguments.rounds + 1):
            for workload in ("train", "lora", "generate"):
                for stack, workloads in stacks.items():
                    value = workloads[workload]()
                    seconds.setdefault((workload, stack), []).append(value)
                    rate = tokens_of(workload) / value
                    print(f"round {turn} {workload:<8} {stack:<9} {value:8.3f} s {rate:10,.0f} tokens/s")
                    sys.stdout.flush()
    print_table(seconds, arguments.torch_only)


if __name__ == "__main__":
    main()
