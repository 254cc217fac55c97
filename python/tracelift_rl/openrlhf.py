"""OpenRLHF: `--reward.remote_url $(python -m tracelift_rl.openrlhf)`, a file with a function `reward_func`.

The address of the server is in `TRACELIFT_URL`. Labels of the data set are what the route `/get_reward` takes: the gold answer, or
an object (as text) with `problem_id`, or with `problem` and `gold`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from tracelift_rl.errors import UnknownReward
from tracelift_rl.scalar import logged, patiently, settled, shared_client
from tracelift_rl.rows import gold_of


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """`rewards`, `scores` (the outcomes `e`, by which OpenRLHF filters groups) and `extra_logs`, as tensors.

    Raises [`UnknownReward`] where a reward is still unknown after `TRACELIFT_PATIENCE_S` (600) seconds; OpenRLHF logs that, has
    no reward for the sample, and stops.
    """
    import torch

    items = [item(query, prompt, label) for query, prompt, label in zip(queries, prompts, labels, strict=True)]
    patience = float(os.environ.get("TRACELIFT_PATIENCE_S", "600"))
    results = asyncio.run(_asked(items, patience))
    rewards = [settled(result, "raise") for result in results]
    logs = [logged(result) for result in results]
    return {
        "rewards": torch.tensor(rewards),
        "scores": torch.tensor([log["e"] for log in logs]),
        "extra_logs": {name: torch.tensor([log[name] for log in logs]) for name in logs[0]} if logs else {},
    }


async def _asked(items: list[dict[str, Any]], patience: float):
    client = shared_client(None)
    try:
        return await patiently(client, items, patience)
    finally:
        # The event loop of this call ends with it.
        await client.aclose()


def item(query: str, prompt: str, label: Any) -> dict[str, Any]:
    """What is asked for one sample: a query is the prompt and the completion, decoded."""
    completion = query[len(prompt) :] if query.startswith(prompt) else query
    named = _object(label)
    if named is not None and named.get("problem_id") is not None:
        return {"problem_id": str(named["problem_id"]), "completion": completion}
    if named is not None and "problem" in named:
        problem = named["problem"]
        if not isinstance(problem, dict):
            gold = {key: named[key] for key in ("gold", "answer", "tests", "function") if named.get(key) is not None}
            problem = {"statement": str(problem), "gold": gold_of(gold.get("gold", gold))}
        return {"problem": problem, "completion": completion}
    raise KeyError("a label must be an object with `problem_id`, or with `problem` and `gold`; `groups export openrlhf` writes such")


def _object(label: Any) -> dict[str, Any] | None:
    import json

    if isinstance(label, str) and label.lstrip().startswith("{"):
        try:
            label = json.loads(label)
        except ValueError:
            return None
    return label if isinstance(label, dict) else None


if __name__ == "__main__":
    print(os.path.abspath(__file__))
