"""What a reward consists of, as `POST /v1/reward` tells it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: The parts of a reward that are numbers, by the names of the paper and of the server.
PARTS = ("e", "w", "b", "u", "s")


@dataclass(frozen=True)
class Unknown:
    """Why a reward is unknown: a `cause` in one word, `where` it arose, and a `message` for people."""

    cause: str
    where: str
    message: str = ""


@dataclass(frozen=True)
class RewardResult:
    """The reward of one completion, with its parts. `None` is unknown, never zero."""

    reward: float | None
    #: Outcome of the first executor run with the trace, from 0 to 1.
    e: float | None = None
    #: Success of the executor with the trace, over all runs, from 0 to 1.
    w: float | None = None
    #: Success of the same executor without any trace, from 0 to 1.
    b: float | None = None
    #: Uplift, `w - b`, from -1 to 1.
    u: float | None = None
    #: Rubric score of the trace, from 0 to 1; `None` too where no rubric is asked.
    s: float | None = None
    #: Why the completion holds no usable trace; its reward is known then.
    defect: str | None = None
    #: Whether the trace states the final answer.
    leaked: bool | None = None
    #: Why the reward is unknown, where it is.
    unknown: Unknown | None = None
    #: Everything that the server said of it: runs, artifacts, verdicts, dimensions.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> RewardResult:
        cause = told.get("unknown")
        unknown = None
        if cause is not None:
            unknown = Unknown(cause.get("cause", "unsaid"), cause.get("where", "server"), cause.get("message", ""))
        parts = {name: told.get(name) for name in PARTS}
        return cls(told.get("reward"), **parts, defect=told.get("defect"), leaked=told.get("leaked"), unknown=unknown, raw=told)

    @classmethod
    def missing(cls, cause: str, message: str) -> RewardResult:
        """Of an item for which no answer came."""
        return cls(None, unknown=Unknown(cause, "server", message))


@dataclass(frozen=True)
class Usage:
    """What a request cost: executor calls and their tokens, and baseline runs that were there already."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached: int = 0

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Usage:
        return cls(*(int(told.get(name) or 0) for name in ("calls", "prompt_tokens", "completion_tokens", "cached")))

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached + other.cached,
        )


@dataclass(frozen=True)
class Rewards(Sequence):
    """Results in the order of the items, and what they cost. A sequence of [`RewardResult`]."""

    results: tuple[RewardResult, ...]
    usage: Usage = Usage()
    #: Hashes of executor, rubric, verifier, prompts and reading. Rewards under different ones are of different kinds.
    fingerprints: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def rewards(self) -> list[float | None]:
        return [result.reward for result in self.results]

    @property
    def unknown(self) -> int:
        """How many rewards are unknown."""
        return sum(result.reward is None for result in self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index):
        return self.results[index]

    def __iter__(self) -> Iterator[RewardResult]:
        return iter(self.results)
