"""For frameworks that take a number for every sample and have no word for unknown."""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .client import RewardClient
from .errors import UnknownReward
from .results import PARTS, RewardResult

log = logging.getLogger("tracelift_rl")

#: Where unknown rewards arise that another request may know.
PASSING = frozenset({"executor", "baseline", "verifier", "rubric", "server"})


@functools.lru_cache(maxsize=8)
def shared_client(url: str | None) -> RewardClient:
    """The one client of this process for an address, or for that in `TRACELIFT_URL`; its key is in `TRACELIFT_API_KEY`."""
    address = url or os.environ.get("TRACELIFT_URL")
    if not address:
        raise ValueError("say where `tracelift serve` is: `url=…`, or the environment variable TRACELIFT_URL")
    return RewardClient(address, api_key=os.environ.get("TRACELIFT_API_KEY"))


async def patiently(
    client: RewardClient, items: Sequence[Mapping[str, Any]], patience: float, **terms: Any
) -> list[RewardResult]:
    """Results of items; what is unknown for a passing reason is asked for again until `patience` seconds have gone by."""
    end = time.monotonic() + patience
    results: list[RewardResult | None] = [None] * len(items)
    open_items = list(range(len(items)))
    pause = 1.0
    while True:
        rewards = await client.areward([items[index] for index in open_items], **terms)
        for index, result in zip(open_items, rewards, strict=True):
            results[index] = result
        open_items = [index for index in open_items if _may_pass(results[index])]
        left = end - time.monotonic()
        if not open_items or left <= 0:
            return [result for result in results if result is not None]
        log.warning("%d rewards are unknown (%s); asking again in %.0f s", len(open_items), _causes(results, open_items), min(pause, left))
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, 30.0)


def _may_pass(result: RewardResult | None) -> bool:
    return result is not None and result.unknown is not None and result.unknown.where in PASSING


def _causes(results: Sequence[RewardResult | None], indices: Sequence[int]) -> str:
    causes = {result.unknown.cause for index in indices if (result := results[index]) and result.unknown}
    return ", ".join(sorted(causes))


def settled(result: RewardResult, on_unknown: float | str) -> float:
    """The reward as a number.

    Raises [`UnknownReward`] where it is unknown and `on_unknown` is `"raise"`: the training stops, and can be resumed. A number
    for `on_unknown` is that number, which its user has chosen.
    """
    if result.reward is not None:
        return result.reward
    if isinstance(on_unknown, str):
        if on_unknown != "raise":
            raise ValueError(f'`on_unknown` is {on_unknown!r}; it must be "raise" or a number')
        cause = result.unknown
        said = f"{cause.cause} at the {cause.where}: {cause.message}" if cause else "no cause was said"
        raise UnknownReward(
            f"a reward is unknown ({said}). Resume the training when the cause is mended, or choose a number by `on_unknown`"
        )
    return float(on_unknown)


def logged(result: RewardResult) -> dict[str, float]:
    """The parts as numbers under the same names for every sample; NaN is unknown."""
    told = {name: math.nan if (value := getattr(result, name)) is None else float(value) for name in PARTS}
    told["leaked"] = math.nan if result.leaked is None else float(result.leaked)
    told["no_trace"] = float(result.defect is not None)
    told["unknown"] = float(result.reward is None)
    return told
