"""A client of `tracelift serve`: batches, retries, and unknown as `None`."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import threading
import time
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from .errors import RequestRefused, Unreachable
from .results import RewardResult, Rewards, Usage

log = logging.getLogger("tracelift_rl")

#: Statuses after which the same request may succeed: too much at once, shutting down, out of time, a proxy's own.
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Bytes of one request's body: the server takes 8 MB unless it is told otherwise.
MOST_BYTES = 6 << 20

Item = Mapping[str, Any]


class RewardClient:
    """Asks a `tracelift serve` for rewards.

    `url` is the server's address (`http://127.0.0.1:8010`), `api_key` its key, if it has one. Every method exists twice, as
    itself and with an `a` before it (`areward`) to be awaited. A client may be shared by threads and event loops, and pickled.

    Items go out in requests of at most `batch` items, `concurrency` of them at a time. A request is retried `retries` times on
    transport errors, time-outs, 429 and 5xx, after pauses that begin at `backoff` seconds, double, and heed `Retry-After`; all
    attempts carry one idempotency key, so nothing is measured or paid twice. What is still unanswered then has the reward
    `None`, with its cause in `result.unknown`; nothing raises, for a training goes on without it. A request that the server
    *refuses* (a wrong key, a field that it does not know) raises [`RequestRefused`]: no retry would mend it.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 660.0,
        retries: int = 6,
        backoff: float = 0.5,
        batch: int = 256,
        concurrency: int = 8,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"the server's address {url!r} does not begin with http:// or https://")
        for name, value, least in (("batch", batch, 1), ("concurrency", concurrency, 1), ("retries", retries, 0)):
            if value < least:
                raise ValueError(f"`{name}` is {value}; it must be at least {least}")
        self.url = url.rstrip("/")
        self.api_key = api_key
        self.timeout = timeout
        self.retries = retries
        self.backoff = backoff
        self.batch = batch
        self.concurrency = concurrency
        self._open()

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._sync: httpx.Client | None = None
        # An asynchronous client belongs to the event loop that made its connections.
        self._async: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = weakref.WeakKeyDictionary()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if not name.startswith("_")}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __repr__(self) -> str:
        return f"RewardClient({self.url!r})"

    def __enter__(self) -> RewardClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections of synchronous calls. Those of an event loop end with it, or by `aclose`."""
        with self._lock:
            client, self._sync = self._sync, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Closes the connections of this event loop."""
        client = self._async.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    # Rewards.

    def reward(self, items: Iterable[Item], *, rule: str | None = None, lam: float | None = None, runs: int | None = None) -> Rewards:
        """Rewards of completions, in their order.

        An item is `{"problem": {"statement", "gold": {"answer"} | {"tests"} | {"function"}}}` or `{"problem_id"}`, with
        `completion` (a text, or messages) or `reasoning` (a bare trace), and `finish_reason` where it is known. `rule`, `lam`
        (λ, from 0 to 1) and `runs` (K) replace the server's own for this call.
        """
        parts = self._divided(items, rule, lam, runs)
        return _joined(self._every(lambda part: self._asked("/v1/reward", part), parts))

    async def areward(
        self, items: Iterable[Item], *, rule: str | None = None, lam: float | None = None, runs: int | None = None
    ) -> Rewards:
        """As [`reward`], awaited."""
        parts = self._divided(items, rule, lam, runs)
        slots = asyncio.Semaphore(self.concurrency)

        async def one(part: _Part) -> Mapping[str, Any] | Unreachable:
            async with slots:
                return await self._aasked("/v1/reward", part)

        answers = await asyncio.gather(*(one(part) for part in parts))
        return _joined(zip(parts, answers, strict=True))

    # Parts of it.

    def score(self, items: Iterable[Item]) -> list[float | None]:
        """Rubric scores of traces alone, where the server has a `[rubric]`. Items as those of `POST /v1/score`."""
        return self._scores("/v1/score", items)

    def verify_answers(self, items: Iterable[Item]) -> list[float | None]:
        """1 or 0 for each `{"gold", "completion"}`; `None` where it cannot be decided. Needs `[answers]` on the server."""
        return self._scores("/v1/verify/answers", items)

    def verify_programs(self, items: Iterable[Item]) -> list[float | None]:
        """Scores of `{"tests" | "function", "completion"}`. Needs `[programs]` on the server."""
        return self._scores("/v1/verify/programs", items)

    def _scores(self, route: str, items: Iterable[Item]) -> list[float | None]:
        parts = self._divided(items)
        scores: list[float | None] = []
        for part, answer in self._every(lambda part: self._asked(route, part), parts):
            if isinstance(answer, Unreachable):
                scores.extend([None] * part.count)
            else:
                scores.extend(_whole(answer, "scores", part.count))
        return scores

    def put_problems(self, problems: Iterable[Mapping[str, Any]]) -> int:
        """Registers problems (`id`, `statement`, `gold`, …), so that items need only a `problem_id`. How many there were."""
        count = 0
        for part in self._divided(problems, key="problems"):
            answer = self._asked("/v1/problems", part, method="PUT")
            if isinstance(answer, Unreachable):
                raise answer
            count += part.count
        return count

    def ready(self) -> Mapping[str, Any]:
        """What `GET /ready` says.

        Raises [`Unreachable`] when nobody answers, or when the server says that it cannot do its work now.
        """
        try:
            answer = self._client().get(f"{self.url}/ready", timeout=30.0)
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        return self._whether_ready(answer)

    async def aready(self) -> Mapping[str, Any]:
        """As [`ready`], awaited."""
        try:
            answer = await self._aclient().get(f"{self.url}/ready", timeout=30.0)
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        return self._whether_ready(answer)

    def _whether_ready(self, answer: httpx.Response) -> Mapping[str, Any]:
        if answer.status_code == 200:
            return _object(answer)
        if answer.status_code in TRANSIENT:
            raise Unreachable("not_ready", f"{self.url} is not ready: {answer.text[:400]}")
        raise _refused(answer)

    # How a request is sent.

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._sync is None:
                self._sync = httpx.Client(**self._settings())
            return self._sync

    def _aclient(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._async.get(loop)
        if client is None:
            client = self._async[loop] = httpx.AsyncClient(**self._settings())
        return client

    def _settings(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self.concurrency)
        # A server that is gone shows at once; an answer may take as long as its executor does.
        timeout = httpx.Timeout(self.timeout, connect=10.0)
        return {"headers": headers, "limits": limits, "timeout": timeout}

    def _divided(
        self,
        items: Iterable[Item],
        rule: str | None = None,
        lam: float | None = None,
        runs: int | None = None,
        key: str = "items",
    ) -> list[_Part]:
        terms = {"rule": rule, "lambda": lam, "runs": runs}
        head = {name: value for name, value in terms.items() if value is not None}
        parts: list[_Part] = []
        texts: list[str] = []
        size = 0

        def close() -> None:
            nonlocal texts, size
            if texts:
                # The items are spelled once already, and may be large.
                spelled = json.dumps({**head, key: None})[: -len("null}")] + "[" + ",".join(texts) + "]}"
                parts.append(_Part(len(texts), spelled.encode(), str(uuid.uuid4())))
            texts, size = [], 0

        for item in items:
            text = json.dumps(item, ensure_ascii=False, allow_nan=False, default=_plain)
            if len(texts) == self.batch or size + len(text) > MOST_BYTES:
                close()
            texts.append(text)
            size += len(text)
        close()
        return parts

    def _every(self, ask, parts: Sequence[_Part]):
        if len(parts) <= 1 or self.concurrency == 1:
            return [(part, ask(part)) for part in parts]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(self.concurrency, len(parts))) as pool:
            return list(zip(parts, pool.map(ask, parts), strict=True))

    def _asked(self, route: str, part: _Part, method: str = "POST") -> Mapping[str, Any] | Unreachable:
        fault: Unreachable | None = None
        for attempt in range(self.retries + 1):
            if fault is not None:
                time.sleep(self._pause(attempt, fault))
            try:
                answer = self._client().request(method, self.url + route, content=part.body, headers=part.headers)
            except httpx.HTTPError as error:
                fault = _unreachable(self.url, error)
                continue
            told = self._heard(answer)
            if not isinstance(told, Unreachable):
                return told
            fault = told
        return _given_up(fault, self.retries)

    async def _aasked(self, route: str, part: _Part) -> Mapping[str, Any] | Unreachable:
        fault: Unreachable | None = None
        for attempt in range(self.retries + 1):
            if fault is not None:
                await asyncio.sleep(self._pause(attempt, fault))
            try:
                answer = await self._aclient().post(self.url + route, content=part.body, headers=part.headers)
            except httpx.HTTPError as error:
                fault = _unreachable(self.url, error)
                continue
            told = self._heard(answer)
            if not isinstance(told, Unreachable):
                return told
            fault = told
        return _given_up(fault, self.retries)

    def _pause(self, attempt: int, fault: Unreachable) -> float:
        pause = min(self.backoff * 2 ** (attempt - 1), 30.0)
        # Many workers that were refused together do not come back together.
        pause *= 0.75 + random.random() / 2
        return max(pause, fault.after)

    def _heard(self, answer: httpx.Response) -> Mapping[str, Any] | Unreachable:
        """The body; what may be tried again; or an exception where that would not help."""
        if answer.status_code in TRANSIENT:
            said = f"{self.url} answered {answer.status_code}: {answer.text[:200]}"
            return Unreachable(f"status_{answer.status_code}", said, _seconds(answer.headers.get("retry-after")))
        # 422 with results: each item says what is wrong with it.
        if answer.status_code == 200 or answer.status_code == 422:
            try:
                told = _object(answer)
            except ValueError as error:
                return Unreachable("malformed", f"{self.url} answered what is not JSON: {error}")
            if answer.status_code == 200 or "results" in told:
                return told
        raise _refused(answer)


class _Part:
    """A request: how many items, its body, and the headers of every attempt."""

    def __init__(self, count: int, body: bytes, key: str) -> None:
        self.count = count
        self.body = body
        self.headers = {"Content-Type": "application/json", "Idempotency-Key": key}


def _joined(answers) -> Rewards:
    results: list[RewardResult] = []
    usage = Usage()
    fingerprints: Mapping[str, str | None] = {}
    for part, answer in answers:
        if isinstance(answer, Unreachable):
            results.extend([RewardResult.missing(answer.cause, answer.message)] * part.count)
            continue
        results.extend(RewardResult.from_json(told) for told in _whole(answer, "results", part.count))
        usage += Usage.from_json(answer.get("usage") or {})
        told = answer.get("fingerprints") or {}
        if fingerprints and told != fingerprints:
            log.warning("the server's fingerprints changed within one call: rewards of two kinds are mixed")
        fingerprints = told
    return Rewards(tuple(results), usage, fingerprints)


def _whole(answer: Mapping[str, Any], key: str, count: int) -> list[Any]:
    """A list with one entry an item: fewer or more would be given to the wrong completions."""
    told = answer.get(key)
    if not isinstance(told, list) or len(told) != count:
        found = len(told) if isinstance(told, list) else "no"
        raise RequestRefused(200, "miscounted", f"the server answered {found} `{key}` to {count} items")
    return told


def _plain(value: Any) -> Any:
    """Arrays and scalars of NumPy and PyTorch, which data sets put into rows."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"an item holds a {type(value).__name__}, which JSON has no form for")


def _object(answer: httpx.Response) -> Mapping[str, Any]:
    told = answer.json()
    if not isinstance(told, dict):
        raise ValueError(f"a {type(told).__name__} where an object was expected")
    return told


def _refused(answer: httpx.Response) -> RequestRefused:
    try:
        error = _object(answer).get("error")
    except ValueError:
        error = None
    if not isinstance(error, dict):
        error = {"code": "refused", "message": answer.text[:400]}
    return RequestRefused(answer.status_code, str(error.get("code")), str(error.get("message")))


def _unreachable(url: str, error: httpx.HTTPError) -> Unreachable:
    cause = "timeout" if isinstance(error, httpx.TimeoutException) else "unreachable"
    said = str(error) or type(error).__name__
    return Unreachable(cause, f"no answer from {url}: {said}")


def _given_up(fault: Unreachable | None, retries: int) -> Unreachable:
    assert fault is not None  # There is at least one attempt, and it did not succeed.
    log.warning("given up after %d attempts: %s", retries + 1, fault.message)
    return fault


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 0), 0.0), 60.0)
    except ValueError:
        return 0.0  # A date; the pause of our own will do.
