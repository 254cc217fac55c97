"""Holds `tracelift serve` to libraries of others: SandboxFusion's client, Prometheus' parser, a validator of JSON Schema, pyarrow.

    pip install -r tools/requirements-clients.txt
    python tools/check_reward_clients.py [--binary target/debug/tracelift]

The executor is the scripted one of the tests. Programs are run by SandboxFusion's own client and must come back as its types say;
`/metrics` is read by Prometheus' parser; every answer is held against its schema in `/openapi.json`; the log of a server
that was killed is read by pyarrow, row for row what was answered. Fails where one of them has something to say.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import jsonschema
import pyarrow.dataset
import pyarrow.parquet
from prometheus_client.parser import text_string_to_metric_families
from sandbox_fusion import RunCodeRequest, RunStatus, run_code, set_sandbox_endpoint

ROOT = Path(__file__).resolve().parent.parent
RIGHT, WRONG = "<reasoning> he has 12 . </reasoning>", "<reasoning> he has 7 . </reasoning>"
STATEMENT = "cal has 12 pears and 4 apples . how many pears ?"


def started(command: list, folder: Path, pattern: str) -> tuple[subprocess.Popen, str]:
    """A server, and what its first line says of it."""
    with open(folder / "log", "a", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    found = re.match(pattern, line)
    if not found:
        raise SystemExit(f"{command}: {line}{(folder / 'log').read_text()}")
    return process, found[1]


def ask(url: str, body: object = None) -> tuple[int, str]:
    """Status and body of a request."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def item(completion: str) -> dict:
    problem = {"id": "p", "statement": STATEMENT, "gold": {"answer": "12"}}
    return {"problem": problem, "completion": completion, "finish_reason": "stop"}


def check_schemas(url: str) -> None:
    """Every example is a request as described, and its answer one."""
    document = json.loads(ask(f"{url}/openapi.json")[1])
    jsonschema.Draft202012Validator.check_schema({"components": document["components"]})
    count = 0

    def hold(schema: dict, value: object, what: str) -> None:
        nonlocal count
        count += 1
        whole = {**schema, "components": document["components"]}
        for error in jsonschema.Draft202012Validator(whole).iter_errors(value):
            raise SystemExit(f"{what}: {error.message} at {list(error.path)}")

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method == "put":
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                hold(content["schema"], content["example"], f"the example of {path}")
            status, text = ask(url + path, content and content["example"])
            if status != 200:
                raise SystemExit(f"{method} {path}: {status} {text}")
            told = operation["responses"]["200"]["content"].get("application/json")
            if told:
                hold(told["schema"], json.loads(text), f"the answer of {path}")
    lines = ask(f"{url}/v1/reward", {"items": [item(RIGHT), {"no": "item"}], "stream": True})[1].splitlines()
    schema = document["paths"]["/v1/reward"]["post"]["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
    for line in lines:
        hold(schema, json.loads(line), "a line of a stream")
    print(f"openapi: {len(document['paths'])} paths, {count} requests and answers as described")


def check_metrics(url: str) -> None:
    families = {family.name: family for family in text_string_to_metric_families(ask(f"{url}/metrics")[1])}
    rewarded = [s.value for s in families["tracelift_rewards"].samples if s.labels["outcome"] == "rewarded"]
    assert families["tracelift_rewards"].type == "counter" and rewarded[0] > 0, families["tracelift_rewards"]
    assert families["tracelift_reward_seconds"].type == "histogram"
    print(f"metrics: {len(families)} families, {sum(len(f.samples) for f in families.values())} samples")


def check_programs(url: str) -> None:
    set_sandbox_endpoint(url)
    done = run_code(RunCodeRequest(code="print(int(input()) + 1)", language="python", stdin="41"), max_attempts=1)
    assert done.status == RunStatus.Success and done.run_result.stdout == "42\n", done
    failed = run_code(RunCodeRequest(code="raise SystemExit(3)", language="python"), max_attempts=1)
    assert failed.status == RunStatus.Failed and failed.run_result.return_code == 3, failed
    endless = run_code(RunCodeRequest(code="while True: pass", language="python", run_timeout=1), max_attempts=1)
    assert endless.status == RunStatus.Failed and "TimeLimit" in endless.run_result.status, endless
    print("sandbox_fusion: 3 programs")


def check_log(folder: Path, expected: int) -> None:
    parts = sorted(folder.glob("rewards.*.parquet"))
    rows = pyarrow.dataset.dataset([str(part) for part in parts]).to_table().to_pylist()
    assert len(rows) == expected, f"{len(rows)} rows, {expected} answered"
    for row in rows:
        assert row["question"] == STATEMENT and row["reward"] is not None and len(row["verdicts"]) in (0, 3), row
    print(f"pyarrow: {len(parts)} parts, {len(rows)} rows, {len(rows[0])} columns")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/debug/tracelift")
    binary = parser.parse_args().binary.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = ROOT / "crates/testing/servers/openai.py"
        executor, port = started([sys.executable, "-I", "-S", script, "--until-stdin-closes"], folder, r"(\d+)")
        (folder / "serve.toml").write_text(
            f"""listen = "127.0.0.1:0"
[reward]
rule = "uplift_only"
log = "rewards.parquet"
[reward.executor.openai]
base_urls = ["http://127.0.0.1:{port}"]
model = "silly"
api = "completions"
prompt = "world"
[answers]
[programs]
accept_no_sandbox = true
"""
        )
        command = [binary, "serve", "--config", "serve.toml"]
        server, url = started(command, folder, r"tracelift at (\S+)")
        answered = 0
        for count in (3, 40):
            told = json.loads(ask(f"{url}/v1/reward", {"items": [item(RIGHT), item(WRONG)] * count})[1])
            assert told["rewards"] == [1.0, 0.0] * count, told
            answered += 2 * count
        server.kill()
        server.wait()
        server, url = started(command, folder, r"tracelift at (\S+)")
        answered += len(json.loads(ask(f"{url}/v1/reward", {"items": [item(RIGHT)]})[1])["rewards"])
        server.terminate()
        server.wait(60)
        check_log(folder, answered)
        server, url = started(command, folder, r"tracelift at (\S+)")
        check_schemas(url)
        check_metrics(url)
        check_programs(url)
        for process in (server, executor):
            process.kill()
            process.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
