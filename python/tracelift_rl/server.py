"""The command `tracelift`, and a server of it as a child of this process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .client import RewardClient
from .errors import ServerFailed, Unreachable


def binary() -> Path:
    """The command `tracelift`: what `TRACELIFT` names, else the one installed with this package, else the first in `PATH`."""
    named = os.environ.get("TRACELIFT")
    if named:
        return Path(named)
    suffix = ".exe" if os.name == "nt" else ""
    for folder in (sysconfig.get_path("scripts"), os.path.dirname(sys.executable)):
        installed = Path(folder, "tracelift" + suffix)
        if installed.is_file():
            return installed
    found = shutil.which("tracelift")
    if found is None:
        raise FileNotFoundError(
            "there is no command `tracelift`: `pip install tracelift-rl` brings it, `cargo install` makes it, or name one in "
            "the environment variable TRACELIFT"
        )
    return Path(found)


class Served:
    """A server that [`serve`] started. `url` is its address, `client()` asks it."""

    def __init__(self, child: subprocess.Popen[bytes], url: str, log: deque[str]) -> None:
        self.child = child
        self.url = url
        self._log = log

    def client(self, **settings: Any) -> RewardClient:
        """A client of it; settings are those of [`RewardClient`]."""
        return RewardClient(self.url, **settings)

    def log(self) -> str:
        """The last lines that it wrote to standard error."""
        return "\n".join(self._log)

    def stop(self, grace: float = 30.0) -> int:
        """Lets it answer what it has accepted, then ends it. Its exit status."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                return self.child.wait(grace)
            except subprocess.TimeoutExpired:
                self.child.kill()
        return self.child.wait()

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(
    config: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    *,
    cwd: str | os.PathLike[str] | None = None,
    ready_within: float = 300.0,
) -> Served:
    """Starts `tracelift serve --config CONFIG` and waits until it is ready; use it in a `with`.

    `overrides` replaces keys of the file (`{"reward.runs": 1}`). The server listens where the file says; `{"listen":
    "127.0.0.1:0"}` takes a free port. It ends with the `with`, and with this process where that ends in order.

    Raises [`ServerFailed`] with what the server said, when it ends or is not ready within `ready_within` seconds.
    """
    command = [str(binary()), "serve", "--config", os.fspath(config)]
    for key, value in (overrides or {}).items():
        command += ["--set", f"{key}={_toml(value)}"]
    child = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log: deque[str] = deque(maxlen=200)
    # Both are read to their ends, whoever looks: a server whose log nobody takes would stand still.
    errors = threading.Thread(target=_read, args=(child.stderr, log.append), daemon=True)
    errors.start()
    address: list[str] = []
    told = threading.Event()

    def listen(line: str) -> None:
        found = re.search(r" at (http://\S+)", line)
        if found and not address:
            address.append(found.group(1))
            told.set()

    def announced() -> None:
        _read(child.stdout, listen)
        told.set()

    threading.Thread(target=announced, daemon=True).start()
    end = time.monotonic() + ready_within
    try:
        told.wait(ready_within)
        if not address:
            errors.join(2.0)
            raise ServerFailed(_failure(child, log, "did not say where it listens"))
        served = Served(child, address[0], log)
        with served.client() as client:
            while True:
                if child.poll() is not None:
                    errors.join(2.0)
                    raise ServerFailed(_failure(child, log, "ended"))
                try:
                    client.ready()
                    return served
                except Unreachable as error:
                    if time.monotonic() > end:
                        raise ServerFailed(f"the server is not ready after {ready_within:g} s: {error}") from error
                time.sleep(0.2)
    except BaseException:
        child.kill()
        child.wait()
        raise


def _read(stream, take) -> None:
    with stream:
        for line in stream:
            take(line.decode(errors="replace").rstrip("\n"))


def _failure(child: subprocess.Popen[bytes], log: deque[str], what: str) -> str:
    status = child.poll()
    said = "\n".join(log) or "(nothing was said)"
    return f"`tracelift serve` {what}{'' if status is None else f' with status {status}'}:\n{said}"


def _toml(value: Any) -> str:
    """A value of `--set`: JSON's spelling of a text, number or flag is TOML's too; lists as well."""
    import json

    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, (str, bool, int, float, list, tuple)):
        raise TypeError(f"an override is a text, a number, a flag or a list, not a {type(value).__name__}")
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def main() -> None:
    """`python -m tracelift_rl …` is `tracelift …`."""
    command = [str(binary()), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)
    sys.exit(subprocess.call(command))
