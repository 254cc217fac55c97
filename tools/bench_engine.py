"""Measures the engine beside its peers on random models, in turns on the same machine, and prints ratios.

    cargo build --release
    python tools/bench_engine.py [--only train-5m,sample-5m] [--rounds 5] [--steps 3] [--threads 2] [--cpu-time]

Rows (`--list` prints them): training steps and sampling in PyTorch, transformers and PEFT at 5.0 M and 25 M parameters,
sampling in llama.cpp at 25 M and at the shape of a 0.5 B model, and the peak memory of a training step. Everything is
float32 on the CPU unless a row's name says bf16. Every round runs a row first in the peer, then in `tracelift bench`, so
that a machine whose speed drifts slows both sides. One run before the rounds is not timed on either side. Ratios are of
medians; for memory, of peaks (`VmHWM` of a process per side, the peer's libraries included).

- A training step is forward, backward, norm clipping and AdamW. PyTorch runs eagerly with its default attention kernel.
- Sampling is 64 new tokens for each prompt of 64 at temperature 1 from the full softmax; only new tokens are counted.
- The ragged rows sample from 128 prompts of 16 to 112 tokens; each ends after a number of its own between 16 and 256 new
  tokens, which neither side knows beforehand (a stopping criterion in `generate`, a predicate in ours). `generate` gets
  the prompts in their order, padded on the left, in batches of 32 or all 128 at once; TraceLift gets all of them.
- llama.cpp rows need `llama-cpp-python` and `gguf`; they write the same random weights to a GGUF file and decode all
  sequences in one batch a step.

On a machine that is not at rest wall times are worthless. `--cpu-time` counts CPU seconds instead, to be used with
`--threads 1`, where nobody waits for anybody; on our side they include starting the process and loading the model.

Simplifications: random weights and tokens (speed does not depend on them), and no end token.
"""

import argparse
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent
PROMPT, NEW_TOKENS, LORA_RANK = 64, 64, 16
LINEAR_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# vocabulary, width, feed-forward, blocks, heads, key/value heads
SHAPES = {
    "5m": (512, 256, 704, 6, 4, 4),
    "25m": (512, 512, 1408, 8, 8, 8),
    "0.5b": (151_936, 896, 4864, 24, 14, 2),
}
TRAINING = {"5m": (32, 128), "25m": (16, 256)}
# Prompts of 16 to 112 tokens, and ends after 16 to 256 new ones, in orders that are neither rising nor falling.
RAGGED = 128
PROMPTS = [16 + (i * 45 % RAGGED) * 96 // 127 for i in range(RAGGED)]
ENDS = [16 + (i * 77 % RAGGED) * 240 // 127 for i in range(RAGGED)]

Measure = Callable[[], float]
clock = time.perf_counter


@dataclass(frozen=True)
class Row:
    """One comparison: what it is called, whom it is with, and how each side is run."""

    name: str
    title: str
    peer: str
    shape: str
    kind: str
    batch: int
    bf16: bool = False

    def tokens(self) -> int:
        if self.kind in ("train", "lora", "memory"):
            batch, length = TRAINING[self.shape]
            return batch * length
        return sum(ENDS) if self.kind == "ragged" else self.batch * NEW_TOKENS

    def engine_arguments(self, steps: int) -> list[str]:
        """Of `tracelift bench`."""
        if self.kind in ("train", "lora", "memory"):
            batch, length = TRAINING[self.shape]
            shared = ["train", "--batch", str(batch), "--length", str(length), "--steps", str(steps)]
            extra = {"train": [], "lora": ["--lora", str(LORA_RANK)], "memory": ["--recompute"]}[self.kind]
            return shared + extra
        numbers = ["--numbers", "bf16"] if self.bf16 else []
        if self.kind == "ragged":
            prompts, ends = (",".join(map(str, lengths)) for lengths in (PROMPTS, ENDS))
            lengths = ["--batch", str(RAGGED), "--prompt", prompts, "--new", str(max(ENDS)), "--ends", ends]
        else:
            lengths = ["--batch", str(self.batch), "--prompt", str(PROMPT), "--new", str(NEW_TOKENS)]
        return ["generate", *lengths, "--rounds", str(steps), *numbers]


ROWS = [
    Row("train-5m", "full step, 5.0 M, 32 x 128", "PyTorch", "5m", "train", 32),
    Row("lora-5m", "LoRA r 16 step, 5.0 M, 32 x 128", "PEFT", "5m", "lora", 32),
    Row("train-25m", "full step, 25 M, 16 x 256", "PyTorch", "25m", "train", 16),
    Row("lora-25m", "LoRA r 16 step, 25 M, 16 x 256", "PEFT", "25m", "lora", 16),
    Row("sample-5m", "sampling, 5.0 M, 32 x (64 + 64)", "transformers", "5m", "sample", 32),
    Row("sample-5m-bf16", "same, ours in bf16", "transformers (f32)", "5m", "sample", 32, True),
    Row("ragged-5m", "sampling, 5.0 M, 128 x (16..112 + 16..256)", "transformers, 4 x 32", "5m", "ragged", 32),
    Row("ragged-5m-once", "same", "transformers, 1 x 128", "5m", "ragged", 128),
    Row("ragged-5m-bf16", "same, ours in bf16", "transformers (f32), 4 x 32", "5m", "ragged", 32, True),
    Row("llama-25m", "sampling, 25 M, 8 x (64 + 64)", "llama.cpp f32", "25m", "llama", 8),
    Row("llama-25m-bf16", "same, both in bf16", "llama.cpp bf16", "25m", "llama", 8, True),
    Row("llama-0.5b", "sampling, 0.5 B shape, 8 x (64 + 64)", "llama.cpp f32", "0.5b", "llama", 8),
    Row("llama-0.5b-bf16", "same, both in bf16", "llama.cpp bf16", "0.5b", "llama", 8, True),
    Row("memory-25m", "peak MiB of a step, 25 M, 16 x 256, recompute", "PyTorch, checkpointing", "25m", "memory", 16),
]


def make_checkpoint(shape: str, directory: Path) -> int:
    """Saves the random model that both sides load, once; returns its number of parameters."""
    vocabulary, width, feed_forward, layers, heads, kv_heads = SHAPES[shape]
    if not (directory / "model.safetensors").exists():
        config = transformers.Qwen2Config(
            vocab_size=vocabulary,
            hidden_size=width,
            intermediate_size=feed_forward,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=kv_heads,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
            dtype=torch.float32,
        )
        torch.manual_seed(1)
        transformers.Qwen2ForCausalLM(config).save_pretrained(directory)
    return sum(tensor.numel() for tensor in safetensors_of(directory).values())


def safetensors_of(directory: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(directory / "model.safetensors")


def load(directory: Path) -> transformers.Qwen2ForCausalLM:
    return transformers.Qwen2ForCausalLM.from_pretrained(directory, dtype=torch.float32)


def torch_step(model: torch.nn.Module, shape: str) -> Callable[[], None]:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1e-4)
    generator = torch.Generator().manual_seed(2)
    model.train()

    def step() -> None:
        input_ids = torch.randint(0, SHAPES[shape][0], TRAINING[shape], generator=generator)
        optimizer.zero_grad(set_to_none=True)
        model(input_ids=input_ids, labels=input_ids, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimizer.step()

    return step


def torch_trainer(row: Row, directory: Path, steps: int) -> Measure:
    """A function that takes `steps` optimizer steps and returns the seconds that one took."""
    model = load(directory)
    if row.kind == "lora":
        import peft

        config = peft.LoraConfig(
            r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=LINEAR_LAYERS, lora_dropout=0.0, task_type="CAUSAL_LM"
        )
        model = peft.get_peft_model(model, config)
    step = torch_step(model, row.shape)

    def measure() -> float:
        start = clock()
        for _ in range(steps):
            step()
        return (clock() - start) / steps

    step()
    return measure


class Ends(transformers.StoppingCriteria):
    """Ends each sequence of a batch after its own number of new tokens."""

    def __init__(self, prompt: int, ends: list[int]) -> None:
        self.ends = prompt + torch.tensor(ends)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **kwargs: object) -> torch.Tensor:
        return input_ids.shape[1] >= self.ends


def generated(model: torch.nn.Module, prompts: list[torch.Tensor], ends: list[int]) -> None:
    """Samples one batch; a sequence is padded on the left before its prompt and on the right after its end."""
    longest = max(map(len, prompts))
    pads = [longest - len(prompt) for prompt in prompts]
    padded = [torch.nn.functional.pad(prompt, (pad, 0)) for prompt, pad in zip(prompts, pads, strict=True)]
    mask = torch.arange(longest)[None] >= torch.tensor(pads)[:, None]
    early = len(set(ends)) > 1
    settings = transformers.GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=max(ENDS) if early else ends[0],
        pad_token_id=0,
    )
    with torch.inference_mode():
        output = model.generate(
            input_ids=torch.stack(padded),
            attention_mask=mask.long(),
            generation_config=settings,
            stopping_criteria=transformers.StoppingCriteriaList([Ends(longest, ends)] if early else []),
        )
    if output.shape != (len(prompts), longest + max(ends)):
        raise SystemExit(f"generate returned the shape {tuple(output.shape)}; the comparison would be unfair")


def torch_generator(row: Row, directory: Path) -> Measure:
    """A function that samples all prompts once, `row.batch` at a time, and returns the seconds that took."""
    model = load(directory).eval()
    generator = torch.Generator().manual_seed(3)
    lengths, ends = (PROMPTS, ENDS) if row.kind == "ragged" else ([PROMPT] * row.batch, [NEW_TOKENS] * row.batch)
    prompts = [torch.randint(0, SHAPES[row.shape][0], (length,), generator=generator) for length in lengths]

    def measure() -> float:
        start = clock()
        for first in range(0, len(prompts), row.batch):
            generated(model, prompts[first : first + row.batch], ends[first : first + row.batch])
        return clock() - start

    measure()
    return measure


def write_gguf(row: Row, directory: Path) -> Path:
    """The checkpoint as llama.cpp reads it: matrices in f32 or bf16, vectors in f32, no vocabulary."""
    import gguf

    path = directory / ("model-bf16.gguf" if row.bf16 else "model-f32.gguf")
    if path.exists():
        return path
    vocabulary, width, feed_forward, layers, heads, kv_heads = SHAPES[row.shape]
    kind = gguf.GGMLQuantizationType.BF16 if row.bf16 else gguf.GGMLQuantizationType.F32
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16 if row.bf16 else gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(1024)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(vocabulary)
    writer.add_tokenizer_model("no_vocab")
    places = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    for name, tensor in safetensors_of(directory).items():
        stem, suffix = name.removeprefix("model.").rsplit(".", 1)
        if stem.startswith("layers."):
            _, layer, place = stem.split(".", 2)
            stem = f"blk.{layer}.{places[place]}"
        else:
            stem = {"embed_tokens": "token_embd", "norm": "output_norm"}[stem]
        values = tensor.numpy()
        if values.ndim == 2 and row.bf16:
            writer.add_tensor(f"{stem}.{suffix}", gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(f"{stem}.{suffix}", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def llama_generator(row: Row, directory: Path, threads: int) -> Measure:
    """A function that samples the batch once in llama.cpp and returns the seconds that took."""
    import ctypes

    import llama_cpp as llama

    path = write_gguf(row, directory)
    silent = llama.llama_log_callback(lambda level, text, data: None)
    llama.llama_log_set(silent, ctypes.c_void_p(0))
    llama.llama_backend_init()
    model = llama.llama_model_load_from_file(str(path).encode(), llama.llama_model_default_params())
    settings = llama.llama_context_default_params()
    settings.n_ctx = row.batch * (PROMPT + NEW_TOKENS)
    settings.n_batch = settings.n_ubatch = row.batch * PROMPT
    settings.n_seq_max = row.batch
    settings.n_threads = settings.n_threads_batch = threads
    settings.type_k = settings.type_v = llama.GGML_TYPE_F32
    context = llama.llama_init_from_model(model, settings)
    if not context:
        raise SystemExit("llama.cpp made no context")
    samplers = []
    for seed in range(row.batch):
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_temp(1.0))
        llama.llama_sampler_chain_add(chain, llama.llama_sampler_init_dist(seed))
        samplers.append(chain)
    batch = llama.llama_batch_init(row.batch * PROMPT, 0, 1)
    prompts = torch.randint(0, SHAPES[row.shape][0], (row.batch, PROMPT), generator=torch.Generator().manual_seed(3))

    def put(index: int, token: int, position: int, sequence: int, wanted: bool) -> None:
        batch.token[index], batch.pos[index] = token, position
        batch.n_seq_id[index], batch.seq_id[index][0] = 1, sequence
        batch.logits[index] = wanted

    def decode(count: int) -> None:
        batch.n_tokens = count
        if llama.llama_decode(context, batch) != 0:
            raise SystemExit("llama.cpp failed to decode")

    def measure() -> float:
        llama.llama_memory_clear(llama.llama_get_memory(context), True)
        start = clock()
        rows = [(s, p) for s in range(row.batch) for p in range(PROMPT)]
        for index, (sequence, position) in enumerate(rows):
            put(index, int(prompts[sequence, position]), position, sequence, position == PROMPT - 1)
        decode(len(rows))
        places = [(sequence + 1) * PROMPT - 1 for sequence in range(row.batch)]
        for new in range(NEW_TOKENS):
            tokens = [llama.llama_sampler_sample(samplers[s], context, places[s]) for s in range(row.batch)]
            if new + 1 == NEW_TOKENS:
                break
            for sequence, token in enumerate(tokens):
                put(sequence, token, PROMPT + new, sequence, True)
            decode(row.batch)
            places = list(range(row.batch))
        return clock() - start

    measure()
    return measure


def torch_memory(shape: str, directory: Path) -> None:
    """The peer's side of a memory row, in a process of its own: prints its peak in MiB."""
    model = load(directory)
    model.gradient_checkpointing_enable()
    step = torch_step(model, shape)
    for _ in range(2):
        step()
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) / 1024)


def peer_of(row: Row, directory: Path, steps: int, threads: int) -> Measure:
    if row.kind in ("train", "lora"):
        return torch_trainer(row, directory, steps)
    if row.kind == "llama":
        return llama_generator(row, directory, threads)
    if row.kind == "memory":
        command = [sys.executable, __file__, "--memory-of", row.shape, str(directory), "--threads", str(threads)]
        return lambda: float(run(command, os.environ).splitlines()[-1])
    return torch_generator(row, directory)


def run(command: list[str], environment: dict[str, str] | os._Environ[str]) -> str:
    finished = subprocess.run(command, env=environment, capture_output=True, text=True)
    if finished.returncode != 0:
        raise SystemExit(f"`{' '.join(command)}` failed ({finished.returncode}):\n{finished.stderr}")
    return finished.stdout.strip()


def engine_of(row: Row, binary: Path, directory: Path, steps: int, threads: int) -> Measure:
    """The same work through `tracelift bench`, which prints one JSON object on its last line."""
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    command = [str(binary), "bench", *row.engine_arguments(steps), "--model-dir", str(directory), "--json"]

    def measure() -> float:
        before = child_seconds()
        result = json.loads(run(command, environment).splitlines()[-1])
        if clock is time.process_time and row.kind != "memory":
            # The step that `tracelift bench` does not time is among them.
            return (child_seconds() - before) / (steps + 1)
        return float(result["peak_mib"] if row.kind == "memory" else result["seconds_per_step"])

    return measure


def child_seconds() -> float:
    """CPU time of all processes that were started here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def describe(threads: int) -> None:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"cpu: {cpu_model()}, {usable} cores usable, {threads} threads on either side")
    print(f"load before the start: {os.getloadavg()[0]:.1f}; anything much above 0 makes these numbers worthless")
    print(f"system: {platform.system()} {platform.release()}, Python {platform.python_version()}")
    print(f"libraries: torch {torch.__version__}, transformers {transformers.__version__}")


def measured(row: Row, arguments: argparse.Namespace, models: Path) -> tuple[list[float], list[float]]:
    """Both sides of a row, in turns."""
    directory = models / row.shape
    parameters = make_checkpoint(row.shape, directory)
    print(f"\n{row.name}: {row.title}; {parameters:,} parameters")
    peer = peer_of(row, directory, arguments.steps, arguments.threads)
    engine = engine_of(row, arguments.binary.resolve(), directory, arguments.steps, arguments.threads)
    rounds = 1 if row.kind == "memory" else arguments.rounds
    theirs, ours = [], []
    for turn in range(1, rounds + 1):
        theirs.append(peer())
        ours.append(engine())
        print(f"round {turn}: {row.peer} {theirs[-1]:.3f}, TraceLift {ours[-1]:.3f}", flush=True)
    return theirs, ours


def print_table(results: dict[Row, tuple[list[float], list[float]]]) -> None:
    print("\n| row | work | stack | s per step or batch (or MiB), median (least to most) | tokens/s | ratio |")
    print("|---|---|---|---|---|---|")
    for row, (theirs, ours) in results.items():
        base = statistics.median(theirs)
        for stack, values in ((row.peer, theirs), ("TraceLift", ours)):
            median = statistics.median(values)
            memory = row.kind == "memory"
            rate = "" if memory else f"{row.tokens() / median:,.0f}"
            ratio = median / base if memory else base / median
            print(
                f"| {row.name} | {row.title} | {stack} | {median:.3f} ({min(values):.3f} to {max(values):.3f}) "
                f"| {rate} | {ratio:.2f} |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of rows, with commas between them (default: all)")
    parser.add_argument("--list", action="store_true", help="print the rows and end")
    parser.add_argument("--rounds", type=int, default=5, help="times each side is measured (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=3, help="steps or batches in a round (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="threads on either side (default: %(default)s)")
    parser.add_argument("--cpu-time", action="store_true", help="CPU seconds in place of wall time, for busy machines")
    parser.add_argument("--models", type=Path, help="keep the random models in this folder (default: a temporary one)")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tracelift", help="default: %(default)s")
    parser.add_argument("--memory-of", nargs=2, metavar=("SHAPE", "DIR"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if min(arguments.rounds, arguments.steps, arguments.threads) < 1:
        parser.error("--rounds, --steps and --threads must be at least 1")
    torch.set_num_threads(arguments.threads)
    if arguments.cpu_time:
        global clock
        clock = time.process_time
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if arguments.memory_of:
        return torch_memory(arguments.memory_of[0], Path(arguments.memory_of[1]))
    if arguments.list:
        for row in ROWS:
            print(f"{row.name:<16} {row.title}, beside {row.peer}")
        return None
    names = [name for name in arguments.only.split(",") if name] or [row.name for row in ROWS]
    unknown = set(names) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; --list prints them")
    if not arguments.binary.is_file():
        parser.error(f"{arguments.binary} does not exist; run `cargo build --release` first")
    describe(arguments.threads)
    results = {}
    with tempfile.TemporaryDirectory(prefix="tracelift-bench-") as temporary:
        models = arguments.models or Path(temporary)
        for row in ROWS:
            if row.name in names:
                results[row] = measured(row, arguments, models)
                gc.collect()
    print_table(results)
    return None


if __name__ == "__main__":
    main()
