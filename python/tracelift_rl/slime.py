"""slime: `--custom-rm-path tracelift_rl.slime.rewards --group-rm`, or `--custom-rm-path tracelift_rl.slime.reward`.

The address of the server is in `TRACELIFT_URL`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .scalar import logged, patiently, settled, shared_client
from .rows import Columns, gold_of, message_text


async def rewards(args: Any, samples: Sequence[Any], **_: Any) -> list[float]:
    """The rewards of a group.

    An unknown reward counts for nothing: its sample is taken out of the loss (`remove_sample`) and given the mean of the rewards of
    its group that are known, so that it moves no mean. The parts are in each sample's `metadata["tracelift"]`.
    """
    results = await patiently(shared_client(None), [item(sample) for sample in samples], _patience())
    known = [result.reward for result in results if result.reward is not None]
    mean = sum(known) / len(known) if known else 0.0
    for sample, result in zip(samples, results, strict=True):
        sample.metadata = {**(sample.metadata or {}), "tracelift": logged(result)}
        if result.reward is None:
            sample.remove_sample = True
    return [mean if result.reward is None else result.reward for result in results]


async def reward(args: Any, sample: Any, **_: Any) -> float:
    """The reward of a sample. Raises `UnknownReward` where it is still unknown after `TRACELIFT_PATIENCE_S` (600) seconds: only
    `rewards` sees the group that an unknown one must not move."""
    [result] = await patiently(shared_client(None), [item(sample)], _patience())
    sample.metadata = {**(sample.metadata or {}), "tracelift": logged(result)}
    return settled(result, "raise")


def item(sample: Any) -> dict[str, Any]:
    """What is asked for a sample: its metadata hold `problem_id`, `problem`, or the question; its label is the gold otherwise."""
    row = dict(sample.metadata or {})
    if sample.label is not None:
        row.setdefault("gold", gold_of(sample.label))
    asked = Columns().problem(row) | {"completion": message_text(sample.response)}
    status = getattr(sample.status, "value", sample.status)
    ended = {"completed": "stop", "truncated": "length", "aborted": "abort", "failed": "error"}.get(str(status))
    if ended:
        asked["finish_reason"] = ended
    return asked


def _patience() -> float:
    return float(os.environ.get("TRACELIFT_PATIENCE_S", "600"))
