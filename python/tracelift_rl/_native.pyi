"""What the Rust side offers. Nothing of it needs a server, and all of it lets go of the interpreter's lock."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal

__version__: str

class Verdict:
    """What a comparison says. `bool()` of it raises where `equal` is None."""

    equal: bool | None
    verdict: Literal["Equal", "Different", "Undecided", "NoAnswer", "GoldUnparsable"]
    gold: str | None
    prediction: str | None
    extracted: str | None
    by: str | None
    rule: str
    def __bool__(self) -> bool: ...

class Trace:
    """What a completion holds: `text`, or a `defect` and a `message` for people."""

    text: str | None
    defect: Literal["no_tags", "unclosed", "empty", "several", "text_outside", "thinking_only", "truncated"] | None
    message: str | None
    def __bool__(self) -> bool: ...

class Run:
    """How a program's run ended. Times in seconds, memory in bytes."""

    ending: Literal["exited", "signalled", "cpu_limit", "wall_limit", "memory_limit", "output_limit"]
    returncode: int | None
    stdout: bytes
    stderr: bytes
    cpu_s: float
    wall_s: float
    peak_memory: int

class Judgement:
    """What tests say of a completion. `bool()` of it raises where `passed` is None."""

    passed: bool | None
    score: float | None
    verdict: str
    why: str | None
    program: str | None
    def __bool__(self) -> bool: ...

class Sandbox:
    """Runs Python programs that models wrote, apart from this machine. Raises RuntimeError where that cannot be had."""

    def __init__(
        self,
        *,
        level: Literal["L0", "L1", "L2", "L3"] | None = None,
        require: Literal["L0", "L1", "L2", "L3"] = "L2",
        jobs: int | None = None,
        python: str = "python3",
        time_limit_s: float = 10.0,
        wall_limit_s: float | None = None,
        memory_limit_mib: int = 1024,
        all_tests: bool = False,
        accept_no_sandbox: bool = False,
    ) -> None: ...
    def observed(self) -> str: ...
    def run(self, program: str, stdin: str | bytes | None = None) -> Run: ...
    def judge(self, completion: str, gold: Mapping[str, Any]) -> Judgement: ...
    def judge_all(self, completions: Sequence[str], golds: Sequence[Mapping[str, Any]]) -> list[Judgement]: ...

class Score:
    """What the rubric says of a trace: `score` from 0 to 1, `dimensions` from 0 to 4; or an `error`."""

    score: float | None
    derived: float | None
    total: float | None
    defect: str | None
    error: str | None
    tokens: int | None
    shortened: bool | None
    @property
    def dimensions(self) -> dict[str, float] | None: ...

class RewardModel:
    """A reward model of a directory, or of the Hugging Face cache by its name. Raises OSError where there is none."""

    def __init__(self, directory: str | PathLike[str], *, task_name: str | None = None, lanes: int | None = None) -> None: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dimensions(self) -> list[str]: ...
    def score(self, items: Sequence[Mapping[str, Any]]) -> list[Score]: ...

class Table:
    """A table for `pyarrow.table`, `polars.DataFrame` and whatever else reads Arrow's C streams."""

    @property
    def column_names(self) -> list[str]: ...
    @property
    def num_rows(self) -> int: ...
    def __len__(self) -> int: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def verify_answer(
    gold: str,
    prediction: str,
    *,
    strict: bool = True,
    precision: int = 6,
    match_types: Sequence[Literal["latex", "expr", "string", "default"]] | None = None,
    allow_set_relation_comp: bool = False,
    last_number: bool = True,
    tail: int | None = None,
) -> Verdict: ...
def verify_answers(
    golds: Sequence[str],
    predictions: Sequence[str],
    *,
    strict: bool = True,
    precision: int = 6,
    match_types: Sequence[Literal["latex", "expr", "string", "default"]] | None = None,
    allow_set_relation_comp: bool = False,
    last_number: bool = True,
    tail: int | None = None,
) -> list[Verdict]: ...
def extract_answer(text: str, *, last_number: bool = True) -> str | None: ...
def parse_trace(
    completion: str,
    *,
    finish_reason: Literal["stop", "length"] | None = None,
    end: Literal["says", "closes"] = "says",
    tags: Literal["required", "optional"] = "required",
) -> Trace: ...
def read_groups(path: str | PathLike[str]) -> Table: ...
def read_rollouts(path: str | PathLike[str]) -> Table: ...
