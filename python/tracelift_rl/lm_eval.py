"""lm-evaluation-harness: answers judged by TraceLift's verifier.

`!function` of a task's YAML looks for a file beside it, so put this into `tracelift.py` there:

    from tracelift_rl.lm_eval import mean_of_known, process_results, share

and into the task:

    process_results: !function tracelift.process_results
    metric_list:
      - {metric: equal, aggregation: !function tracelift.mean_of_known, higher_is_better: true}
      - {metric: undecided, aggregation: !function tracelift.share, higher_is_better: false}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._native import verify_answer
from .rows import GOLD

#: Where a document's gold answer is looked for, first to last.
ANSWERS = ("target", *(name for name in GOLD if name not in ("tests", "function")))


def final_answer(gold: str) -> str:
    """The answer of a worked solution that ends in `#### 42`; else all of it."""
    _, mark, answer = gold.rpartition("####")
    return answer.strip() if mark and answer.strip() else gold


def gold_of(document: Mapping[str, Any]) -> str:
    """The gold answer of a document. Raises `KeyError` that names the columns which were looked for."""
    for name in ANSWERS:
        value = document.get(name)
        if value is not None:
            return final_answer(str(value))
    raise KeyError(f"no column {' or '.join(f'`{name}`' for name in ANSWERS)}; there are: {', '.join(sorted(document))}")


def process_results(document: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float | None]:
    """`equal`: 1 or 0 of the (first) completion, None where it cannot be decided; and `undecided`: 1 where it cannot."""
    first = results[0]
    text = first[0] if isinstance(first, (list, tuple)) else first
    equal = verify_answer(gold_of(document), str(text)).equal
    return {"equal": None if equal is None else float(equal), "undecided": float(equal is None)}


def mean_of_known(values: Sequence[float | None]) -> float:
    """The mean of what was decided; NaN where nothing was. What was not is no 0."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")


def share(values: Sequence[float]) -> float:
    """The mean."""
    return sum(values) / len(values) if values else float("nan")
