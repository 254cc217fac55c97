#!/usr/bin/env python3
"""Runs the console blocks of README and docs as a newcomer would: from a clean clone, in the order of each page.

    cargo build --release
    python3 tools/check_documents.py                         # every page
    python3 tools/check_documents.py README.md docs/worlds.md
    python3 tools/check_documents.py --list                  # what is not run here, and when somebody ran it last

Every page gets a clone of its own, of what is committed, with `target/release/tracelift` of this tree first on the PATH and,
where `--data FOLDER` names one (default: ../shared/data, if it is there), its data sets under `data/`. A block runs by
`bash -e`, so the first command that fails fails the page, and is named with its line.

A comment directly above a block says what is special about it; readers of the page do not see it:

    <!-- by hand: 2026-11-29, eight minutes -->   not run here; listed with the day on which it last ran
    <!-- by hand: never, needs the hub -->        nobody could run it where this project is made
    <!-- server: http://127.0.0.1:8001/health --> runs until the page ends; the next block waits until that address answers
    <!-- needs: data/gsm8k/train.jsonl -->        run where that file is there, counted as skipped where it is not
    <!-- needs: python torch -->                  run where that module can be imported
    <!-- status: 1 -->                            what the page shows ends with this status, and must
    <!-- writes: cases.jsonl -->                  above a block of another language: the page's text becomes that file

A block that is run by hand and says no day is an error. Exit status: 0 if every command that ran succeeded, 1 if one failed, 2 if
nothing could be run at all.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHELL = ("console", "sh")
FENCE = re.compile(r"^(?P<indent>\s*)```(?P<language>\S*)\s*$")
BY_HAND = re.compile(r"^(?P<day>\d{4}-\d{2}-\d{2}|never), \S")
NOTE = re.compile(r"^\s*<!-- (?P<kind>by hand|server|needs|writes|status): (?P<value>.+?) -->\s*$")


@dataclass
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    notes: dict = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, each with the comments above it."""
    found, notes, lines = [], {}, page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        if note := NOTE.match(lines[at]):
            notes[note["kind"]] = note["value"]
        elif fence := FENCE.match(lines[at]):
            indent, first = fence["indent"], at + 1
            end = next((i for i in range(first, len(lines)) if lines[i].strip() == "```"), None)
            if end is None:
                sys.exit(f"{page}:{first}: the block is never closed")
            text = "\n".join(line.removeprefix(indent) for line in lines[first:end]) + "\n"
            found.append(Block(page, first, fence["language"], text, notes))
            at, notes = end, {}
        elif lines[at].strip():
            if notes:
                sys.exit(f"{page}:{at + 1}: {' and '.join(notes)} stands above no block")
        at += 1
    return found


def by_hand(pages: list[Path]) -> list[tuple[str, Block]]:
    """The blocks that are not run here, each with the day on which somebody ran it."""
    found = []
    for block in (block for page in pages for block in blocks(page) if block.language in SHELL and "by hand" in block.notes):
        said = BY_HAND.match(block.notes["by hand"])
        try:
            day = said and said["day"]
            if day is None or (day != "never" and date.fromisoformat(day) > date.today()):
                raise ValueError
        except ValueError:
            sys.exit(f"{block.place}: `by hand` needs the day on which it last ran, and why it is not run here: 2026-11-29, an hour")
        found.append((day, block))
    return found


def missing(need: str, clone: Path) -> bool:
    """Whether what a block needs is not there."""
    kind, _, name = need.partition(" ")
    if kind == "python":
        return subprocess.run(["python3", "-c", f"import {name}"], capture_output=True).returncode != 0
    return not (clone / need).exists()


def wait_for(url: str, server: subprocess.Popen, seconds: float = 60.0) -> str | None:
    """Waits until `url` answers; why it never will, otherwise."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.poll() is not None:
            return f"the server ended with status {server.returncode}"
        try:
            urllib.request.urlopen(url, timeout=5)
            return None
        except urllib.error.HTTPError:
            return None
        except OSError:
            time.sleep(0.1)
    return f"{url} did not answer within {seconds:.0f} s"


def failing_line(block: Block, trace: str) -> str:
    """The command that failed: the last one that `bash -v` echoed."""
    return f"{block.place}: this block failed:\n" + "\n".join("  | " + line for line in trace.strip().splitlines()[-25:])


class Page:
    """A page being run in a clone of its own."""

    def __init__(self, page: Path, data: Path | None, binary: Path, budget: float):
        self.page, self.budget = page, budget
        self.folder = Path(tempfile.mkdtemp(prefix="documents-"))
        self.clone = self.folder / "clone"
        self.servers: list[subprocess.Popen] = []
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(self.clone)], check=True)
        if data:
            (self.clone / "data").mkdir(exist_ok=True)
            for folder in sorted(data.iterdir()):
                if folder.is_dir() and not (self.clone / "data" / folder.name).exists():
                    (self.clone / "data" / folder.name).symlink_to(folder)
        self.environment = {**os.environ, "PATH": f"{binary.parent}:{os.environ['PATH']}"}

    def run(self, block: Block) -> str | None:
        """Runs one block; what went wrong, if something did."""
        script = self.folder / "block.sh"
        script.write_text(block.text, encoding="utf-8")
        command = ["bash", "-e", "-o", "pipefail", "-v", str(script)]
        options = {"cwd": self.clone, "env": self.environment, "stdin": subprocess.DEVNULL, "start_new_session": True}
        if url := block.notes.get("server"):
            log = (self.folder / f"server-{block.line}.log").open("w+")
            server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)
            self.servers.append(server)
            if why := wait_for(url, server):
                log.seek(0)
                return failing_line(block, log.read() + f"\n{why}")
            return None
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        try:
            output, _ = child.communicate(timeout=self.budget)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            return failing_line(block, f"{output}\nnot done after {self.budget:.0f} s: mark the block `by hand`")
        wanted = int(block.notes.get("status", 0))
        if child.returncode != wanted:
            return failing_line(block, f"{output}\nstatus {child.returncode}, expected {wanted}")
        return None

    def close(self) -> None:
        for server in self.servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
                try:
                    server.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    os.killpg(server.pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, help="pages to run (default: README.md and docs/*.md)")
    parser.add_argument("--list", action="store_true", help="only name what is not run here")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of data sets")
    parser.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "tracelift")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds that a block may take")
    arguments = parser.parse_args()
    pages = [page.resolve() for page in arguments.pages] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

    hand = by_hand(pages)
    if arguments.list:
        for _, block in sorted(hand, key=lambda entry: entry[0]):
            print(f"{block.place}: {block.notes['by hand']}")
        return
    if not arguments.binary.exists():
        sys.exit(f"{arguments.binary} does not exist; `cargo build --release` makes it")
    data = arguments.data.resolve() if arguments.data.is_dir() else None

    ran, skipped, failed = 0, 0, []
    for path in pages:
        todo = [block for block in blocks(path) if block.language in SHELL or "writes" in block.notes]
        if not any(block.language in SHELL and "by hand" not in block.notes for block in todo):
            continue
        page = Page(path, data, arguments.binary.resolve(), arguments.budget)
        try:
            for block in todo:
                if target := block.notes.get("writes"):
                    (page.clone / target).parent.mkdir(parents=True, exist_ok=True)
                    (page.clone / target).write_text(block.text, encoding="utf-8")
                    continue
                need = block.notes.get("needs")
                if "by hand" in block.notes:
                    continue
                if need and missing(need, page.clone):
                    skipped += 1
                    print(f"{block.place}: skipped, {need} is not here")
                    continue
                start = time.monotonic()
                problem = page.run(block)
                ran += 1
                if problem:
                    failed.append(block.place)
                    print(problem)
                    break  # what comes after it builds on it
                print(f"{block.place}: {time.monotonic() - start:.1f} s")
        finally:
            page.close()
    print(f"{ran} blocks ran, {len(failed)} failed, {skipped} skipped" + "".join(f"\n  {place}" for place in failed))
    if hand:
        print(f"{len(hand)} more are run by hand; the oldest ran on {min(day for day, _ in hand)} (`--list` names them)")
    if ran == 0:
        sys.exit(2)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
