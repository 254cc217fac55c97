"""verifiers and prime-rl: problems as a taskset, whose planner is the agent and whose reward comes of a `tracelift serve`.

    vf-eval tracelift-planner --env.taskset.data problems.jsonl --env.taskset.url http://127.0.0.1:8010 …

`tracelift_planner` is the name under which verifiers finds what stands here. The frozen executor is not an agent of the
environment: it is the server's, so that its baselines are measured once, whichever process asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import verifiers.v1 as vf

from .results import PARTS
from .rows import Columns
from .scalar import patiently, settled, shared_client


class PlannerConfig(vf.TasksetConfig):
    """Where the problems are and who rewards."""

    data: Path | None = None
    """JSON lines: each a statement with its gold, or a `problem_id` that the server knows; and `prompt` (a text or messages), as
    `tracelift groups export --to trl-grpo --prompt` writes it. Without one the statement is what the planner is told."""
    url: str | None = None
    """The address of a `tracelift serve`; unless given, the environment variable `TRACELIFT_URL`."""
    statement: str | None = None
    """The column of the question, where it has another name."""
    gold: str | None = None
    """The column of what answers are judged by, where it has another name."""
    problem_id: str | None = None
    """The column of a problem's id at the server, where it has another name."""
    rule: str | None = None
    """The reward rule, instead of the server's."""
    lam: float | None = None
    """λ, instead of the server's."""
    runs: int | None = None
    """K, instead of the server's."""
    patience_s: float = 600.0
    """For how long a reward that is unknown is asked for again. Then the rollout fails, and verifiers leaves it out: it is
    never a 0."""


class PlannerData(vf.TaskData):
    """A row."""

    asked: dict[str, Any]
    """The problem, as the server takes it."""
    url: str | None
    terms: dict[str, Any]
    patience_s: float


class PlannerTask(vf.Task[PlannerData]):
    """A problem to be planned."""

    @property
    def key(self) -> str:
        return self.data.id or self.hash

    @vf.reward
    async def tracelift(self, trace: vf.Trace) -> float:
        """The reward of what the planner wrote. Raises where it is unknown."""
        data = self.data
        item = data.asked | {"completion": completion(trace), "finish_reason": "length" if trace.is_truncated else "stop"}
        [result] = await patiently(shared_client(data.url), [item], data.patience_s, **data.terms)
        reward = settled(result, "raise")
        for part in PARTS:
            value = getattr(result, part)
            if value is not None:
                trace.record_metric(part, float(value))
        trace.record_metric("leaked", float(bool(result.leaked)))
        trace.record_metric("no_trace", float(result.defect is not None))
        trace.info["tracelift"] = {"defect": result.defect}
        return reward


class PlannerTaskset(vf.Taskset[PlannerTask, PlannerConfig]):
    """Problems of a file."""

    def load(self) -> Iterator[PlannerTask]:
        config = self.config
        if config.data is None:
            raise ValueError("name a file of problems: --env.taskset.data FILE")
        columns = Columns(config.statement, config.gold, config.problem_id)
        terms = {name: value for name in ("rule", "lam", "runs") if (value := getattr(config, name)) is not None}
        with open(config.data, encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                    asked = columns.problem(row)
                except (ValueError, KeyError) as error:
                    raise ValueError(f"{config.data}, line {number}: {error}") from error
                known = asked.get("problem") or {}
                prompt = row.get("prompt") or known.get("statement")
                if not prompt:
                    raise ValueError(f"{config.data}, line {number}: there is neither `prompt` nor a statement to tell the planner")
                name = asked.get("problem_id") or known.get("id")
                data = PlannerData(
                    id=name, prompt=prompt, asked=asked, url=config.url, terms=terms, patience_s=config.patience_s
                )
                yield PlannerTask(data, config.task)


class OneMessageConfig(vf.HarnessConfig):
    """A planner has nothing to set: it says one thing."""


class OneMessage(vf.Harness[OneMessageConfig]):
    """Asks the model once, in this process. verifiers' own loops are programs with tools, one process a rollout; a planner has no
    tools, and writes one message."""

    APPENDS_SYSTEM_PROMPT = True
    EXECUTES_CODE = False
    NEEDS_CONTAINER = False

    async def launch(
        self,
        ctx: vf.ModelContext,
        trace: vf.Trace,
        runtime: vf.Runtime,
        endpoint: str,
        secret: str,
        mcp_urls: dict[str, str],
        data: vf.TaskData,
        tool_interception_url: str | None = None,
    ) -> vf.ProgramResult:
        system, prompt = self.resolve_prompt(data)
        said = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else [plain(message) for message in prompt or []]
        messages = [{"role": "system", "content": system}, *said] if system else said
        asked = {"model": ctx.model, "messages": messages}
        # The endpoint is verifiers' own, which has its time-outs; the model behind it may take long.
        async with httpx.AsyncClient(timeout=None) as client:
            answer = await client.post(
                f"{endpoint.rstrip('/')}/chat/completions", json=asked, headers={"Authorization": f"Bearer {secret}"}
            )
        failed = "" if answer.is_success else f"status {answer.status_code}: {answer.text[:2000]}"
        return vf.ProgramResult(exit_code=0 if answer.is_success else 1, stdout="", stderr=failed)


def plain(message: Any) -> dict[str, Any]:
    """A message of a prompt as it is sent."""
    return {"role": message.role, "content": message.content}


def completion(trace: vf.Trace) -> Any:
    """What the planner wrote: its last message, with its parts put together."""
    messages = trace.assistant_messages
    if not messages:
        return ""
    last = messages[-1]
    content = last.content if isinstance(last.content, str) else "".join(getattr(part, "text", "") for part in last.content or [])
    return content or ""


class PlannerEnvConfig(vf.SingleAgentEnvConfig):
    """A planner runs nothing, so its rollouts need no machine of their own."""

    agent: vf.AgentConfig = vf.AgentConfig(runtime=vf.SubprocessConfig())


class PlannerEnv(vf.SingleAgentEnv, vf.Env[PlannerEnvConfig]):
    """One planner and the problems of a file."""


def load_environment(
    data: str | Path | None = None, url: str | None = None, **settings: Any
) -> vf.Env:
    """The environment of a planner and the problems of a file. `settings` are those of [`PlannerConfig`]."""
    given = {"data": data, "url": url} | settings
    taskset = {"id": "tracelift-planner"} | {name: value for name, value in given.items() if value is not None}
    from verifiers.v1.utils.loaders import load_environment as load
    from verifiers.v1.utils.loaders import resolve_env_config

    return load(resolve_env_config({"taskset": taskset}))
