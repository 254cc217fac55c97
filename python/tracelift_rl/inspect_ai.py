"""Inspect: scorers that use TraceLift's verifier.

    from tracelift_rl.inspect_ai import equivalent, passes

    Task(dataset=…, solver=generate(), scorer=equivalent())
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState

from ._native import Sandbox, verify_answer
from .lm_eval import final_answer
from .rows import gold_of


@scorer(metrics=[accuracy(), stderr()])
def equivalent() -> Scorer:
    """Whether the answer in the completion equals the target, as mathematics. What cannot be decided is unscored, and counts in no
    metric."""

    async def score(state: TaskState, target: Target) -> Score:
        verdict = verify_answer(final_answer(target.text), state.output.completion)
        said = {"answer": verdict.extracted, "explanation": f"{verdict.verdict} ({verdict.rule})"}
        if verdict.equal is None:
            return Score.unscored(reason="grader_failed", **said)
        return Score(value=CORRECT if verdict.equal else INCORRECT, **said)

    return score


@scorer(metrics=[accuracy(), stderr()])
def passes(gold: str = "gold", **sandbox: Any) -> Scorer:
    """Whether the program in the completion passes its tests, in the sandbox. `gold` names the sample's metadata that hold them
    (`{"tests": […]}` or `{"function": {…}}`); `sandbox` are settings of [`tracelift_rl.Sandbox`]. What cannot be judged is unscored."""
    box = Sandbox(**sandbox)

    async def score(state: TaskState, target: Target) -> Score:
        tests: Mapping[str, Any] = gold_of(state.metadata[gold] if gold in state.metadata else json.loads(target.text))
        judged = await asyncio.to_thread(box.judge, state.output.completion, tests)
        said = {"answer": judged.program, "explanation": judged.why or judged.verdict}
        if judged.passed is None:
            return Score.unscored(reason="grader_failed", **said)
        return Score(value=CORRECT if judged.passed else INCORRECT, **said)

    return score
