"""Makes the golden values of one whole GRPO update, from PyTorch, transformers and PEFT.

    python tools/make_grpo_goldens.py [--out crates/train/tests/golden]

The policy is a tiny random checkpoint of the engine's golden values, once whole and once with an adapter of PEFT. A step
has two prompts with three rollouts each; their log-probabilities "when they were sampled" are those of the policy with
noise, so that some tokens are beyond each clip from the beginning, and three epochs carry others there. With the formula

    -min(r * A, clip(r, 1 - low, 1 + high) * A) + kl * (exp(d) - d - 1),   r = exp(log p - log p_old),
    d = log p_start - log p,   a mean over all tokens,

in a third file with the correction between sampler and trainer, by which the first term is weighed and log p_old is another,

    min(exp(log p_first - log p_sampler), cap),   log p_old = log p_first, that of the first epoch, both detached,

and in the last two with other losses: the ratio of a whole sequence (the geometric mean of its tokens', GSPO), means over sequences or
over sequences of a token budget (Dr. GRPO), other estimates of the divergence, a dual clip,
differentiated by autograd, the file says what is reported and what becomes of every parameter and of the optimizer's
means: of each tensor its norm and its product with cos(0), cos(1), …, which no wrong element leaves as they are.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

GOLDEN = Path(__file__).resolve().parent.parent / "crates/engine/tests/golden"
SETTINGS = {
    "clip_low": 0.2,
    "clip_high": 0.28,
    "kl": 0.3,
    "temperature": 1.6,
    "epochs": 3,
    "learning_rate": 2e-3,
    "beta1": 0.9,
    "beta2": 0.999,
    # Far above the usual 1e-8: otherwise a first step is the sign of each gradient, rounding's where it is near 0.
    "eps": 1e-3,
    "weight_decay": 0.1,
    "max_norm": 0.5,
}
# Of the third file. Between the largest ratio of a sampler that is off by the noise, and the mean one.
IMPORTANCE_CAP = 1.2
# Of the last files. A sequence's ratio stays nearer 1 than a token's, and so do its clips.
SEQUENCE = {"ratio": "sequence", "aggregate": "sequence", "divergence": "k2"}
BUDGET = {"ratio": "token", "aggregate": "budget", "divergence": "k1"}
# Normalised rewards of two groups; a rollout of advantage 0 still is held to the start.
ADVANTAGES = [1.2, -0.9, -0.3, 1.0, 0.0, -1.0]


def log_probs(model: torch.nn.Module, lesson: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a rollout's tokens, and the entropies of the distributions that they are drawn from."""
    whole = torch.tensor([lesson["prompt"] + lesson["tokens"]])
    logits = model(input_ids=whole, use_cache=False).logits[0, len(lesson["prompt"]) - 1 : -1]
    every = (logits / SETTINGS["temperature"]).log_softmax(-1)
    found = every.gather(-1, torch.tensor(lesson["tokens"])[:, None])[:, 0]
    return found, -(every.exp() * every).sum(-1)


def sketch(tensor: torch.Tensor) -> list[float]:
    """The norm, and the product with cosines."""
    flat = tensor.detach().double().flatten()
    return [flat.norm().item(), (flat * torch.arange(flat.numel()).double().cos()).sum().item()]


def golden(model: torch.nn.Module, start: list[torch.Tensor], lessons: list[dict], settings: dict, variant: dict) -> dict:
    """One update."""
    low, high, kl, cap = settings["clip_low"], settings["clip_high"], settings["kl"], settings.get("importance_cap")
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    groups = [
        {"params": [p for p in parameters.values() if p.ndim > 1], "weight_decay": SETTINGS["weight_decay"]},
        {"params": [p for p in parameters.values() if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=SETTINGS["learning_rate"], betas=(SETTINGS["beta1"], SETTINGS["beta2"]), eps=SETTINGS["eps"]
    )
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    tokens = sum(len(lesson["tokens"]) for lesson in lessons)
    means = dict.fromkeys(("loss", "clipped", "entropy", "gap", "divergence"), 0.0)
    if cap is not None:
        means |= {"importance": 0.0, "capped": 0.0}
    trainer: list[torch.Tensor] = []
    active: dict[str, int] = {}
    for epoch in range(SETTINGS["epochs"]):
        optimizer.zero_grad()
        loss, beyond = torch.zeros(()), {"low": 0, "high": 0}
        for at, (lesson, first) in enumerate(zip(lessons, start)):
            found, entropy = log_probs(model, lesson)
            sampler, advantage = torch.tensor(lesson["log_probs"]), lesson["advantage"]
            old, weight = sampler, torch.ones(())
            if cap is not None:
                if epoch == 0:
                    trainer.append(found.detach())
                old = trainer[at]
                weight = (old - sampler).exp().clamp(max=cap)
                means["importance"] += weight.sum().item() / (tokens * SETTINGS["epochs"])
                means["capped"] += ((old - sampler).exp() > cap).sum().item() / (tokens * SETTINGS["epochs"])
            ratio = (found - old).exp()
            if variant.get("ratio") == "sequence":
                ratio = (found - old).mean().exp().expand(len(found))
            kept = torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
            if "dual_clip" in settings and advantage < 0:
                kept = torch.maximum(kept, torch.tensor(settings["dual_clip"] * advantage))
                beyond["dual"] = beyond.get("dual", 0) + int((ratio > settings["dual_clip"]).sum())
            policy, d = -kept, first - found
            divergence = {"k1": -d, "k2": d * d / 2, "k3": d.exp() - d - 1}[variant.get("divergence", "k3")]
            among = {"token": tokens, "sequence": len(lessons) * len(found), "budget": len(lessons) * settings.get("budget", 0)}
            loss = loss + (weight * policy + kl * divergence).sum() / among[variant.get("aggregate", "token")]
            beyond["high"] += int((ratio > 1 + high).sum()) if advantage > 0 else 0
            beyond["low"] += int((ratio < 1 - low).sum()) if advantage < 0 else 0
            for name, value in (("entropy", entropy), ("gap", (found - sampler).abs()), ("divergence", divergence)):
                means[name] += value.sum().item() / (tokens * SETTINGS["epochs"])
        print(f"  epoch {epoch + 1}: loss {loss.item():.6f}, {beyond} of {tokens} tokens clipped")
        for clip, count in beyond.items():
            active[clip] = active.get(clip, 0) + count
        means["loss"] += loss.item() / SETTINGS["epochs"]
        means["clipped"] += sum(beyond.values()) / (tokens * SETTINGS["epochs"])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), SETTINGS["max_norm"]).item()
        assert norm > SETTINGS["max_norm"], "the gradient's norm is not clipped"
        optimizer.step()
    tensors = {
        name.replace(".default", ""): {
            "change": sketch(parameter - before[name]),
            "mean": sketch(optimizer.state[parameter]["exp_avg"]),
            "square": sketch(optimizer.state[parameter]["exp_avg_sq"]),
        }
        for name, parameter in parameters.items()
    }
    assert cap is None or 0 < means["capped"] < 1, "the cap is not active"
    assert all(active.values()), f"a clip is not active: {active}"
    return means | {"gradient_norm": norm, "tensors": tensors}


def lessons_of(model: torch.nn.Module) -> list[dict]:
    """Two groups of three rollouts of different lengths, drawn from the policy."""
    generator = torch.Generator().manual_seed(7)
    prompts = [torch.randint(0, model.config.vocab_size, (n,), generator=generator).tolist() for n in (5, 3)]
    lessons = []
    for i, advantage in enumerate(ADVANTAGES):
        prompt = whole = prompts[i // 3]
        for _ in range(4 + 2 * i % 5):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([whole]), use_cache=False).logits[0, -1]
            chances = (logits / SETTINGS["temperature"]).softmax(-1)
            whole = whole + torch.multinomial(chances, 1, generator=generator).tolist()
        lesson = {"prompt": prompt, "tokens": whole[len(prompt) :], "advantage": advantage}
        with torch.no_grad():
            found, _ = log_probs(model, lesson)
        noise = 0.25 * torch.randn(found.shape, generator=generator)
        lesson["log_probs"] = [round(value, 6) for value in (found + noise).tolist()]
        lessons.append(lesson)
    return lessons


def main() -> None:
    default = GOLDEN.parents[2] / "train/tests/golden"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=default, help="where the files go (default: %(default)s)")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    cases = (
        ("whole", None, {}, {}),
        ("adapters", "qwen2-peft", {}, {}),
        ("corrected", None, {"importance_cap": IMPORTANCE_CAP}, {}),
        ("sequence", None, {"clip_low": 0.01, "clip_high": 0.02}, SEQUENCE),
        ("budget", "qwen2-peft", {"dual_clip": 1.35, "budget": 16}, BUDGET),
    )
    for name, adapter, others, variant in cases:
        print(name)
        base = GOLDEN / "qwen2-gqa-tied"
        model = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager", dtype=torch.float32)
        start_policy = AutoModelForCausalLM.from_pretrained(base, attn_implementation="eager", dtype=torch.float32)
        if adapter:
            model = PeftModel.from_pretrained(model, GOLDEN / adapter, is_trainable=True)
        model.eval()
        lessons = lessons_of(model)
        with torch.no_grad():
            start = [log_probs(start_policy, lesson)[0] for lesson in lessons]
        settings = SETTINGS | others
        found = golden(model, start, lessons, settings, variant)
        path = out / f"grpo_{name}.json"
        said = {"settings": settings} | ({"variant": variant} if variant else {})
        text = json.dumps(said | {"lessons": lessons, "expected": found}, indent=1)
        assert math.isfinite(found["loss"])
        path.write_text(text + "\n")
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
