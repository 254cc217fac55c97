"""TraceLift from Python: rewards of `tracelift serve`, and its verifier, sandbox and reward models in this process.

    from tracelift_rl import RewardClient, serve, verify_answer
    from tracelift_rl.trl import TraceLiftReward
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = [
    "Judgement",
    "RequestRefused",
    "RewardClient",
    "RewardModel",
    "RewardResult",
    "Rewards",
    "Run",
    "Sandbox",
    "Score",
    "ServerFailed",
    "Table",
    "Trace",
    "TraceLiftError",
    "Unknown",
    "UnknownReward",
    "Unreachable",
    "Usage",
    "Verdict",
    "extract_answer",
    "parse_trace",
    "read_groups",
    "read_rollouts",
    "serve",
    "verify_answer",
    "verify_answers",
]

#: Where each name is: nothing is imported before it is asked for, so `import tracelift_rl` costs next to nothing.
_PLACES = {
    ".client": ["RewardClient"],
    ".errors": ["RequestRefused", "ServerFailed", "TraceLiftError", "UnknownReward", "Unreachable"],
    ".results": ["RewardResult", "Rewards", "Unknown", "Usage"],
    ".server": ["serve"],
    "._native": [
        "Judgement",
        "RewardModel",
        "Run",
        "Sandbox",
        "Score",
        "Table",
        "Trace",
        "Verdict",
        "extract_answer",
        "parse_trace",
        "read_groups",
        "read_rollouts",
        "verify_answer",
        "verify_answers",
        "__version__",
    ],
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}

if TYPE_CHECKING:
    from ._native import (
        Judgement,
        RewardModel,
        Run,
        Sandbox,
        Score,
        Table,
        Trace,
        Verdict,
        __version__,
        extract_answer,
        parse_trace,
        read_groups,
        read_rollouts,
        verify_answer,
        verify_answers,
    )
    from .client import RewardClient
    from .errors import RequestRefused, ServerFailed, TraceLiftError, UnknownReward, Unreachable
    from .results import RewardResult, Rewards, Unknown, Usage
    from .server import serve


def __getattr__(name: str):
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
