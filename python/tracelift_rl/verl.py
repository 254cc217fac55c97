"""verl: `reward.custom_reward_function.path=pkg://tracelift_rl.verl reward.custom_reward_function.name=compute_score`.

Keyword arguments come from `reward.custom_reward_function.reward_kwargs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .scalar import logged, patiently, settled, shared_client
from .rows import Columns


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    url: str | None = None,
    statement: str | None = None,
    gold: str | None = None,
    problem_id: str | None = None,
    rule: str | None = None,
    lam: float | None = None,
    runs: int | None = None,
    patience_s: float = 600.0,
    on_unknown: float | str = "raise",
    **_: Any,
) -> dict[str, float]:
    """`score`, which is the reward, and its parts as numbers of `reward_extra_info`, the same for every sample (NaN: unknown).

    `extra_info` holds `problem_id`, or `problem`, or the question in one of its fields; the gold is one of its fields, or
    `ground_truth`. `url` is the server's address, else `TRACELIFT_URL` is. verl takes a number for every sample: what is still
    unknown after `patience_s` seconds of asking raises `UnknownReward`, so that the training stops and can be resumed, unless
    `on_unknown` is a number.
    """
    row = dict(extra_info or {})
    # Sets keep worked solutions as `answer` beside the answer that rewards are meant to use.
    if not any(row.get(name) is not None for name in ("gold", "tests", "function", gold)) and ground_truth not in (None, ""):
        row["gold"] = ground_truth
    columns = Columns(statement, gold, problem_id)
    row.setdefault("source", data_source)
    item = columns.problem(row) | {"completion": solution_str}
    [result] = await patiently(shared_client(url), [item], patience_s, rule=rule, lam=lam, runs=runs)
    return {"score": settled(result, on_unknown), **logged(result)}
