"""TRL: the reward as an entry of `reward_funcs`.

    reward = TraceLiftReward("http://127.0.0.1:8010")
    trainer = GRPOTrainer(model=..., reward_funcs=[reward], train_dataset=dataset, args=...)
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

from .client import RewardClient
from .errors import Unreachable
from .results import PARTS, Rewards
from .rows import Columns, message_text

log = logging.getLogger("tracelift_rl")


class TraceLiftReward:
    """A reward function for TRL's `GRPOTrainer` (and `AsyncGRPOTrainer`: it can be pickled).

    `url` is the address of a `tracelift serve`, or a [`RewardClient`]. Rows of the data set carry `problem_id`, or the question
    and its gold; `statement`, `gold` and `problem_id` name columns of other names (see [`Columns`]). `rule`, `lam` and `runs`
    replace the server's. `max_completion_length` is the trainer's: with it a completion of that length is known to have been cut.

    An unknown reward is `None`, which TRL leaves out of the group; a completion without a usable trace has the known reward 0.
    Logged are the means of what is known (`tracelift/e`, `/w`, `/b`, `/u`, `/s`), the shares `tracelift/unknown`, `/defect` and
    `/leaked`, and the parts of each completion as columns of the table of completions.

    The first call raises [`Unreachable`] where there is no server that is ready: a wrong address must not train. Afterwards an
    outage is unknown, and the training goes on.
    """

    def __init__(
        self,
        url: str | RewardClient,
        *,
        statement: str | None = None,
        gold: str | None = None,
        problem_id: str | None = None,
        rule: str | None = None,
        lam: float | None = None,
        runs: int | None = None,
        max_completion_length: int | None = None,
        name: str = "tracelift",
        **client: Any,
    ) -> None:
        if isinstance(url, RewardClient):
            if client:
                raise TypeError(f"give {', '.join(sorted(client))} to the client, which is there already")
            self.client = url
        else:
            self.client = RewardClient(url, **client)
        self.columns = Columns(statement, gold, problem_id)
        self.terms = {"rule": rule, "lam": lam, "runs": runs}
        self.max_completion_length = max_completion_length
        # TRL calls the column and the metrics so.
        self.__name__ = name
        # Versions of TRL that ask `inspect.iscoroutinefunction` of the object itself, not of its `__call__`, are told by what
        # that looks at in a function.
        call = type(self).__call__
        self.__code__ = call.__code__
        self.__defaults__ = call.__defaults__
        self.__kwdefaults__ = call.__kwdefaults__
        self._seen = False

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "__code__"} | {"_seen": False}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__code__ = type(self).__call__.__code__

    async def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        log_extra: Any = None,
        log_metric: Any = None,
        **columns: Any,
    ) -> list[float | None]:
        items = self.items(completions, completion_ids, columns)
        if not self._seen:
            await self._first()
        rewards = await self.client.areward(items, **self.terms)
        _log(rewards, log_extra, log_metric)
        return rewards.rewards

    def items(
        self, completions: Sequence[Any], completion_ids: Sequence[Sequence[int]] | None, columns: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """What is asked for each completion."""
        count = len(completions)
        # Other things come by keyword too: the trainer's state, environments.
        lists = {name: values for name, values in columns.items() if isinstance(values, (list, tuple)) and len(values) == count}
        items = []
        for index, completion in enumerate(completions):
            item = self.columns.problem({name: values[index] for name, values in lists.items()})
            item["completion"] = message_text(completion)
            if self.max_completion_length is not None and completion_ids is not None:
                cut = len(completion_ids[index]) >= self.max_completion_length
                item["finish_reason"] = "length" if cut else "stop"
            items.append(item)
        return items

    async def _first(self) -> None:
        try:
            await self.client.aready()
        except Unreachable as error:
            raise Unreachable(
                error.cause, f"{error.message}. Start `tracelift serve --config serve.toml`, or give its address"
            ) from error
        self._seen = True


def _log(rewards: Rewards, log_extra: Any, log_metric: Any) -> None:
    if log_extra is not None:
        for part in PARTS:
            log_extra(part, [getattr(result, part) for result in rewards])
        log_extra("leaked", [result.leaked for result in rewards])
        log_extra("defect", [result.defect for result in rewards])
        log_extra("unknown", [result.unknown.cause if result.unknown else None for result in rewards])
    if log_metric is not None:
        # The same names in every call, since processes gather them in turn; NaN where nothing was known.
        for part in PARTS:
            log_metric(f"tracelift/{part}", _mean([getattr(result, part) for result in rewards]))
        log_metric("tracelift/leaked", _mean([result.leaked for result in rewards]))
        log_metric("tracelift/defect", _mean([result.defect is not None for result in rewards if result.reward is not None]))
        log_metric("tracelift/unknown", _mean([result.reward is None for result in rewards]))


def _mean(values: Sequence[float | bool | None]) -> float:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan
