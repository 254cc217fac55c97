"""Makes the golden values that the engine's tests compare with, from PyTorch, transformers and PEFT.

    python tools/make_goldens.py [--out crates/engine/tests/golden] [--only qwen3 llama]

Everything is tiny, random, float32, on the CPU, with eager attention and fixed seeds. Running the script again with
the versions of tools/requirements.txt on the same kind of machine gives the same files; other versions or other
vector units may differ in the last digits, which the tests' tolerances allow for.

Checkpoints are what `save_pretrained` writes, so the tests also show that the engine reads those files as they are.
Two simplifications: weights are drawn wide (deviation about 0.2) so that no gradient is tiny, and the seed of each
causal model is the first for which every greedy choice has a clear margin and no continuation merely repeats itself,
so that a token-for-token comparison cannot hinge on rounding and still compares something.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2Model,
    Qwen3Config,
)

VOCAB = 64
GREEDY_MARGIN = 1e-2
GREEDY_TOKENS = 16
PROMPT_LENGTHS = (3, 7, 12)
MATH_DIMENSIONS = [
    "problem_understanding",
    "solution_strategy",
    "step_coherence",
    "calculation_correctness",
    "answer_support",
]
LABELS = 5


def tiny_config(family: type[PreTrainedConfig] = Qwen2Config, **different: object) -> PreTrainedConfig:
    """Two layers with grouped-query attention: four query heads share two key-value heads of eight dimensions."""
    settings = {
        "vocab_size": VOCAB,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
        "attn_implementation": "eager",
        "dtype": torch.float32,
    }
    return family(**settings | different)


# The checkpoints: every family, and between them both ties of the head, two head dimensions (one of them apart from
# width over heads), each scaling of the rotary embedding, and biases where a family may have them. The original
# length of the Llama 3 scaling is short, so that positions of the tiny sequences tell its three zones apart.
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
# Turns of few and of many within the original length, so that YaRN's ramp lies inside of a head's few pairs.
YARN = {
    "rope_type": "yarn",
    "rope_theta": 500.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
    "beta_fast": 4.0,
    "beta_slow": 1.0,
}
CAUSAL = {
    "qwen2-gqa-tied": tiny_config(),
    "qwen2-gqa-untied": tiny_config(
        tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 1e6}
    ),
    "qwen3-tied": tiny_config(Qwen3Config, head_dim=16),
    "qwen3-untied": tiny_config(
        Qwen3Config,
        head_dim=8,
        tie_word_embeddings=False,
        attention_bias=True,
        rope_parameters={"rope_type": "linear", "rope_theta": 1e6, "factor": 2.0},
    ),
    "llama3-untied": tiny_config(LlamaConfig, tie_word_embeddings=False, rope_parameters=LLAMA3),
    "qwen3-yarn": tiny_config(Qwen3Config, head_dim=16, rope_parameters=YARN),
    "llama-biases": tiny_config(LlamaConfig, head_dim=16, attention_bias=True, mlp_bias=True),
}


def randomise(module: torch.nn.Module) -> None:
    """Draws every parameter, the norms' weights and the biases too: defaults of one and zero hide mistakes."""
    for name, parameter in module.named_parameters():
        with torch.no_grad():
            if name.endswith("norm.weight"):
                parameter.copy_(1.0 + 0.3 * torch.randn_like(parameter))
            elif name.endswith("embed_tokens.weight"):
                parameter.copy_(0.7 * torch.randn_like(parameter))
            else:
                parameter.copy_(0.2 * torch.randn_like(parameter))


def greedy(model: PreTrainedModel, prompt: torch.Tensor) -> tuple[torch.Tensor, float]:
    """Sixteen greedy tokens, each from a full forward pass (no cache, no pads), and the smallest margin."""
    tokens, margin = prompt.clone(), float("inf")
    for _ in range(GREEDY_TOKENS):
        with torch.no_grad():
            logits = model(input_ids=tokens[None], use_cache=False).logits[0, -1]
        best = logits.topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        tokens = torch.cat([tokens, best.indices[:1]])
    return tokens[prompt.numel() :], margin


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three sequences of ten tokens and their labels, some masked: a prefix, a hole and a suffix."""
    generator = torch.Generator().manual_seed(seed)
    input_ids = torch.randint(0, VOCAB, (3, 10), generator=generator)
    labels = input_ids.clone()
    labels[0, :4] = -100
    labels[1, 5] = -100
    labels[2, 8:] = -100
    return input_ids, labels


def gradients(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The gradient of every trainable parameter as `grad.<name>`."""
    found = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, f"{name} has no gradient"
            found[f"grad.{name}"] = parameter.grad.detach().clone()
    return found


def save(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Writes contiguous copies and says what was written."""
    copies = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    save_file(copies, path, metadata={"format": "pt"})
    print(f"{path}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def fresh_directory(path: Path) -> Path:
    """An empty directory at `path`."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def save_checkpoint(model: PreTrainedModel, directory: Path) -> None:
    """`config.json` and `model.safetensors`, and nothing else."""
    model.save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)


def causal_golden(directory: Path, config: PreTrainedConfig) -> None:
    """A random causal model with its logits, loss, gradients and greedy continuations."""
    fresh_directory(directory)
    for seed in range(1, 1000):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
        randomise(model)
        prompts = [torch.randint(0, VOCAB, (length,)) for length in PROMPT_LENGTHS]
        continuations = [greedy(model, prompt) for prompt in prompts]
        margin = min(margin for _, margin in continuations)
        varied = all(tokens.unique().numel() >= 5 for tokens, _ in continuations)
        if margin > GREEDY_MARGIN and varied:
            break
    else:
        raise SystemExit("no seed below 1000 gives greedy continuations with a clear margin")
    print(f"{directory.name}: seed {seed}, smallest greedy margin {margin:.4f}")

    save_checkpoint(model, directory)
    input_ids, labels = batch(seed=17)
    output = model(input_ids=input_ids, labels=labels, use_cache=False)
    output.loss.backward()
    golden = {"input_ids": input_ids, "labels": labels, "logits": output.logits, "loss": output.loss}
    golden |= gradients(model)
    for i, (prompt, (tokens, _)) in enumerate(zip(prompts, continuations)):
        golden |= {f"prompt.{i}": prompt, f"greedy.{i}": tokens}
    save(golden, directory / "golden.safetensors")


def peft_golden(directory: Path, base: Path) -> None:
    """A PEFT LoRA adapter on a saved checkpoint, and what the adapted model computes."""
    fresh_directory(directory)
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager", dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=targets, lora_dropout=0.0, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, lora).eval()
    for name, parameter in adapted.named_parameters():
        if "lora_" in name:
            with torch.no_grad():
                parameter.copy_(0.2 * torch.randn_like(parameter))
    adapted.peft_config["default"].base_model_name_or_path = f"../{base.name}"
    adapted.save_pretrained(directory)
    (directory / "README.md").unlink(missing_ok=True)
    # PEFT writes the target modules from a set, in an order that changes from run to run.
    settings = json.loads((directory / "adapter_config.json").read_text())
    settings["target_modules"] = sorted(settings["target_modules"])
    (directory / "adapter_config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")

    input_ids, labels = batch(seed=17)
    output = adapted(input_ids=input_ids, labels=labels, use_cache=False)
    output.loss.backward()
    golden = {"input_ids": input_ids, "labels": labels, "logits": output.logits, "loss": output.loss}
    saved = {name.replace(".default", ""): tensor for name, tensor in gradients(adapted).items()}
    in_file = set(load_file(directory / "adapter_model.safetensors"))
    assert {name.removeprefix("grad.") for name in saved} == in_file, "gradient names differ from the adapter file's"
    save(golden | saved, directory / "golden.safetensors")


class RewardModel(torch.nn.Module):
    """Rubric heads on a Qwen2 backbone: five 5-way heads and one scalar head on the last token's hidden state."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.model = Qwen2Model(config)
        heads = [torch.nn.Linear(config.hidden_size, LABELS) for _ in MATH_DIMENSIONS]
        self.dimension_heads = torch.nn.ModuleList(heads)
        self.total_head = torch.nn.Linear(config.hidden_size, 1)

    def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One sequence to its dimension logits `[5, 5]` and its total logit."""
        last = self.model(input_ids=input_ids[None], use_cache=False).last_hidden_state[0, -1]
        return torch.stack([head(last) for head in self.dimension_heads]), self.total_head(last)[0]


def reward_model_golden(directory: Path) -> None:
    """A reward model in the Hugging Face layout, its scores of one group, the four-term loss and all gradients."""
    fresh_directory(directory)
    torch.manual_seed(11)
    config = tiny_config()
    model = RewardModel(config).eval()
    randomise(model)

    config.architectures = ["Qwen2ForReasonRewardModel"]
    config.rm_dimension_names = MATH_DIMENSIONS
    config.rm_dimension_weights = [0.2] * len(MATH_DIMENSIONS)
    config.rm_num_labels = LABELS
    config.rm_use_total_head = True
    config.save_pretrained(directory)
    save(dict(model.named_parameters()), directory / "model.safetensors")

    # One group: the first trace is the reference, the other two are flawed.
    sequences = [torch.randint(0, VOCAB, (length,)) for length in (6, 11, 9)]
    labels = torch.tensor([[4, 4, 4, 4, 4], [4, 2, 1, 0, 2], [3, 3, 2, 4, 1]])
    gold_totals = torch.tensor([1.0, 0.35, 0.6])
    pairs = [model(sequence) for sequence in sequences]
    dimension_logits = torch.stack([dimensions for dimensions, _ in pairs])
    total_logit = torch.stack([total for _, total in pairs])

    values = torch.arange(LABELS, dtype=torch.float32)
    expected = (dimension_logits.softmax(-1) * values).sum(-1)
    derived = (0.2 * expected / (LABELS - 1)).sum(-1)
    score = 0.5 * derived + 0.5 * total_logit.sigmoid()

    cross_entropy = F.cross_entropy(dimension_logits.reshape(-1, LABELS), labels.reshape(-1), reduction="none")
    cross_entropy = cross_entropy.reshape(labels.shape).sum(-1).mean()
    huber = F.huber_loss(total_logit.sigmoid(), gold_totals, delta=1.0)
    ranking = -F.logsigmoid(score[0] - score[1:]).mean()
    loss = 1.0 * cross_entropy + 0.5 * huber + 0.7 * ranking
    loss.backward()

    golden = {f"input_ids.{i}": sequence for i, sequence in enumerate(sequences)}
    golden |= {
        "labels": labels,
        "gold_totals": gold_totals,
        "dimension_logits": dimension_logits,
        "total_logit": total_logit,
        "derived": derived,
        "score": score,
        "loss.cross_entropy": cross_entropy,
        "loss.huber": huber,
        "loss.ranking": ranking,
        "loss": loss,
    }
    save(golden | gradients(model), directory / "golden.safetensors")


def adamw_golden(path: Path) -> None:
    """Five AdamW steps with the gradient's norm clipped to one, which leaves only the last gradient as it is."""
    torch.manual_seed(23)
    parameter = torch.nn.Parameter(torch.randn(64))
    golden = {"parameter.0": parameter.detach().clone()}
    settings = {"lr": 1e-2, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.1}
    optimizer = torch.optim.AdamW([parameter], **settings)
    for step, scale in enumerate((1.0, 0.5, 2.0, 0.3, 0.05), start=1):
        gradient = scale * torch.randn(64)
        golden[f"gradient.{step}"] = gradient.clone()
        parameter.grad = gradient.clone()
        golden[f"norm.{step}"] = torch.nn.utils.clip_grad_norm_([parameter], 1.0)
        optimizer.step()
        golden[f"parameter.{step}"] = parameter.detach().clone()
    save(golden, path)


def main() -> None:
    default = Path(__file__).resolve().parent.parent / "crates/engine/tests/golden"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=default, help="where the files go (default: %(default)s)")
    parser.add_argument("--only", nargs="*", default=[""], help="only what begins with one of these (default: all)")
    arguments = parser.parse_args()
    out = arguments.out
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    work = {name: lambda path, config=config: causal_golden(path, config) for name, config in CAUSAL.items()}
    work |= {
        "qwen2-peft": lambda path: peft_golden(path, out / "qwen2-gqa-tied"),
        "qwen3-peft": lambda path: peft_golden(path, out / "qwen3-tied"),
        "qwen2-rm": reward_model_golden,
        "adamw.safetensors": adamw_golden,
    }
    for name, make in work.items():
        if name.startswith(tuple(arguments.only)):
            make(out / name)


if __name__ == "__main__":
    main()
