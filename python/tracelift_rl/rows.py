"""From the columns of a data set to the items of a request, in one way for every framework."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

#: Where the parts of a problem are looked for, first to last, unless they are named.
STATEMENT = ("statement", "question", "problem")
GOLD = ("gold", "answer", "solution", "ground_truth", "tests", "function")
#: Further parts that are taken along where a row has them in a form that the server takes: columns of such names are common.
BESIDE = {
    "id": lambda value: isinstance(value, str),
    "source": lambda value: isinstance(value, str),
    "domain": lambda value: value in ("math", "code", "steps"),
    "form": lambda value: value in ("number", "expression"),
    "entry": lambda value: isinstance(value, str),
    "tests_shown": lambda value: isinstance(value, list) and all(isinstance(test, str) for test in value),
}


class Columns:
    """Which columns of a row make its problem.

    `statement` and `gold` name the columns of the question and of what its answers are judged by; unless named, they are the
    first of [`STATEMENT`] and of [`GOLD`] that the row has. A gold column holds an answer as text or number, a list of tests,
    or an object of the server's own form, as such or as JSON. A row without them names a problem that the server knows, in
    `problem_id`; where that column is named, it is what counts.
    """

    def __init__(self, statement: str | None = None, gold: str | None = None, problem_id: str | None = None) -> None:
        self.statement = statement
        self.gold = gold
        self.problem_id = problem_id

    def problem(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """`{"problem_id": …}` or `{"problem": {…}}` of a row.

        Raises `KeyError` that names the columns which were looked for.
        """
        if self.problem_id:
            if row.get(self.problem_id) is None:
                raise KeyError(f"no column `{self.problem_id}` with a problem's id; there are: {', '.join(sorted(row))}")
            return {"problem_id": str(row[self.problem_id])}
        whole = row.get("problem")
        if isinstance(whole, Mapping) and not (self.statement or self.gold):
            return {"problem": _without_nulls(whole)}
        named = row.get("problem_id")
        if named is not None and not (self.statement or self.gold):
            whole_row = any(row.get(name) is not None for name in STATEMENT) and any(row.get(name) is not None for name in GOLD)
            if not whole_row:
                return {"problem_id": str(named)}
        statement = _column(row, self.statement, STATEMENT, "the question", "statement")
        gold_name = _column(row, self.gold, GOLD, "what answers are judged by", "gold")
        problem: dict[str, Any] = {}
        for name, fits in BESIDE.items():
            value = _plain(row.get(name))
            if value is not None and fits(value):
                problem[name] = value
        if named is not None:
            problem.setdefault("id", str(named))
        problem["statement"] = str(row[statement])
        problem["gold"] = gold_of(row[gold_name], gold_name)
        return {"problem": problem}


def gold_of(value: Any, name: str = "") -> dict[str, Any]:
    """A gold of the server's form, of what a column or a label holds."""
    value = _plain(value)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        # Columns of one type hold objects as text.
        try:
            read = json.loads(value)
        except ValueError:
            read = None
        if isinstance(read, Mapping) and ({"answer", "tests", "function"} & read.keys()):
            value = read
    if isinstance(value, Mapping):
        known = {key: value[key] for key in ("answer", "tests", "function") if value.get(key) is not None}
        if len(known) == 1:
            return _without_nulls(known)
        if name == "function" or "asserts" in value or "check" in value:
            return {"function": _without_nulls(value)}
        raise KeyError(f"a gold must have one of `answer`, `tests` and `function`, not {sorted(value)}")
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return {"tests": [_without_nulls(test) for test in value]}
    if value is None:
        raise KeyError("the gold of a row is empty")
    return {"answer": _spelled(value)}


def _spelled(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _column(row: Mapping[str, Any], named: str | None, usual: Sequence[str], what: str, option: str) -> str:
    for name in (named,) if named else usual:
        if row.get(name) is not None:
            return name
    wanted = f"`{named}`" if named else " or ".join(f"`{name}`" for name in usual)
    have = ", ".join(sorted(row)) or "none"
    raise KeyError(f"no column {wanted} with {what}; there are: {have}. Name it with `{option}=…`")


def _without_nulls(value: Any) -> Any:
    """Arrow fills what a row of a struct column lacks with nulls, and the server wants such fields absent."""
    value = _plain(value)
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(inner) for inner in value]
    return value


def _plain(value: Any) -> Any:
    """Arrays and scalars of NumPy as lists and numbers: so Parquet's come through pandas."""
    return value.tolist() if hasattr(value, "tolist") else value


def message_text(completion: Any) -> Any:
    """A completion as the server takes it: a text, or messages with their roles and texts alone."""
    if isinstance(completion, str):
        return completion
    return [{"role": message.get("role"), "content": message.get("content") or ""} for message in completion]
