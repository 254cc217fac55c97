"""Times `tracelift rm serve` beside a reward model of the published layout behind a plain Python HTTP server.

Both servers load the same checkpoint, run on the same machine, and are asked the same questions by the same clients,
one item a call, one server after the other. Every score of one is compared with the other's. Needs PyTorch,
transformers and safetensors (see requirements.txt); the Python server is `ThreadingHTTPServer` around one forward pass
per request, which is what a minimal server for the published class looks like.

    tracelift world groups --world words --count 64 --out groups.jsonl
    tracelift rm train --groups groups.jsonl --backbone checkpoints/words/planner --out rm --set train.steps=2
    python tools/bench_rm_server.py --binary target/release/tracelift --model rm --groups groups.jsonl

Beside items per second stands the processor time that the server's process took for an item: on a machine that others
use too, the former depends on them and the latter hardly.

Simplifications: the clients are threads of this script, so their cost falls on both servers alike and, as they share
the machine, makes the difference look smaller than it is.
"""

import argparse
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = "apples pens boxes trains books coins friends tickets shelves liters minutes pages cups chairs marbles".split()


def questions(count, sentences, seed):
    """Word problems with traces of varied lengths; the same for the same seed."""
    draw = random.Random(seed)
    items = []
    for _ in range(count):
        thing, a, b = draw.choice(WORDS), draw.randint(2, 90), draw.randint(2, 90)
        problem = f"There are {a} {thing} on the table. Then {b} more are put there. How many {thing} are there?"
        steps = [
            f"Take the {draw.choice(WORDS)} first: {draw.randint(1, 99)} and {draw.randint(1, 99)} make a group."
            for _ in range(draw.randint(1, sentences))
        ]
        reasoning = " ".join([f"Begin with the {a} {thing}.", *steps, f"Add the {b} that were put there."])
        items.append({"problem": problem, "reasoning": reasoning, "task_name": "math", "task_type": "math"})
    return items


def from_groups(path, count):
    """The traces of a group file, reference and flawed, in the order of the file."""
    items = []
    with open(path, encoding="utf-8") as lines:
        for group in map(json.loads, lines):
            for trace in group["positive_pool"] + group["negative_bank"]:
                items.append({
                    "problem": group["problem"], "reasoning": trace["reasoning"],
                    "task_name": group["source"], "task_type": group["task_type"],
                })
    return items[:count]


def rendered(item):
    return (
        f"<task>{item['task_name']}</task>\n<type>{item['task_type']}</type>\n"
        f"<problem>\n{item['problem']}\n</problem>\n<reasoning>\n{item['reasoning']}\n</reasoning>"
    )


def serve_python(directory, threads):
    """The peer: prints its port, then serves POST /score until it is killed."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, PreTrainedTokenizerFast, Qwen2Model

    torch.set_num_threads(threads)
    tensors = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".safetensors"):
            tensors.update(load_file(os.path.join(directory, name)))
    config = AutoConfig.from_pretrained(directory)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=os.path.join(directory, "tokenizer.json"))

    class RewardModel(torch.nn.Module):
        """A decoder, and on the hidden state of the last token one 5-way head a dimension and a scalar head."""

        def __init__(self):
            super().__init__()
            self.model = Qwen2Model(config)
            count = len(config.rm_dimension_names)
            self.dimension_heads = torch.nn.ModuleList(torch.nn.Linear(config.hidden_size, 5) for _ in range(count))
            self.total_head = torch.nn.Linear(config.hidden_size, 1)

        def forward(self, input_ids, attention_mask):
            hidden = self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
            last = hidden[torch.arange(hidden.shape[0]), attention_mask.sum(-1) - 1]
            labels = torch.stack([head(last).softmax(-1) @ torch.arange(5.0) for head in self.dimension_heads], -1)
            weights = torch.tensor(config.rm_dimension_weights)
            return 0.5 * ((labels * weights).sum(-1) / 4 + self.total_head(last).squeeze(-1).sigmoid())

    model = RewardModel().eval()
    missing, unexpected = model.load_state_dict({k: v.float() for k, v in tensors.items()}, strict=False)
    assert not missing, missing
    assert all(name == "lm_head.weight" for name in unexpected), unexpected

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            tokens = tokenizer([rendered(item) for item in asked["items"]], return_tensors="pt", padding=False)
            with torch.inference_mode():
                scores = model(tokens["input_ids"], tokens["attention_mask"]).tolist()
            body = json.dumps({"scores": scores}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    print(f"at http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


class Caller:
    """A connection that is kept, with as little work of its own as Python allows."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def score(self, request):
        self.socket.sendall(request)
        answer = b""
        while True:
            part = self.socket.recv(65536)
            assert part, "the server hung up"
            answer += part
            head, end, body = answer.partition(b"\r\n\r\n")
            if end:
                length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
                if len(body) == length:
                    assert b" 200 " in head.split(b"\r\n", 1)[0], answer
                    return body


def framed(item):
    body = json.dumps({"items": [item], "max_length": 2048, "batch_size": 1}).encode()
    head = "POST /score HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def drive(port, requests, clients, seconds):
    """Closed loop: every client asks again as soon as it is answered. Returns items per second and latencies."""
    stop, done, lock = time.monotonic() + seconds, [], threading.Lock()

    def client(number):
        caller, mine, turn = Caller(port), [], number
        while time.monotonic() < stop:
            began = time.monotonic()
            caller.score(requests[turn % len(requests)])
            mine.append(time.monotonic() - began)
            turn += clients
        with lock:
            done.extend(mine)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    done.sort()
    return len(done), took, done[len(done) // 2], done[int(len(done) * 0.99)]


class Server:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "http://127.0.0.1:" in line, line
        self.port = int(line.rsplit(":", 1)[1])

    def resident_kb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--model", required=True, help="a reward model's directory")
    arguments.add_argument("--binary", default="target/release/tracelift")
    arguments.add_argument("--clients", type=int, default=32)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--rounds", type=int, default=3, help="how often the servers take turns")
    arguments.add_argument("--groups", help="ask about the traces of this group file instead of made-up ones")
    arguments.add_argument("--sentences", type=int, default=8, help="of a trace at most")
    arguments.add_argument("--threads", type=int, nargs="+", default=[1, os.cpu_count() or 1], help="PyTorch's")
    arguments.add_argument("--serve-python", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    settings = arguments.parse_args()
    if settings.serve_python:
        return serve_python(settings.model, settings.serve_python)
    items = from_groups(settings.groups, 256) if settings.groups else questions(256, settings.sentences, 7)
    requests = [framed(item) for item in items]
    peers = {
        f"python, {threads} threads": [
            sys.executable, os.path.abspath(__file__), "--model", settings.model, "--serve-python", str(threads),
        ]
        for threads in dict.fromkeys(settings.threads)
    }
    ours = [settings.binary, "rm", "serve", settings.model, "--port", "0", "--log-level", "warn"]
    commands = {"tracelift": ours, **peers}
    scores, rates, costs = {}, {name: [] for name in commands}, {name: [] for name in commands}
    for turn in range(settings.rounds):
        for name, command in commands.items():
            server = Server(command)
            try:
                caller = Caller(server.port)
                found = [json.loads(caller.score(request))["scores"][0] for request in requests]
                assert scores.setdefault(name, found) == found, f"{name} answers differently on another day"
                before = server.cpu_seconds()
                count, took, median, late = drive(server.port, requests, settings.clients, settings.seconds)
                cost = (server.cpu_seconds() - before) / count
                rates[name].append(count / took)
                costs[name].append(cost)
                print(
                    f"round {turn}  {name:<18} {count / took:9.1f} items/s  p50 {1e3 * median:8.2f} ms  "
                    f"p99 {1e3 * late:8.2f} ms  {1e3 * cost:6.2f} CPU ms/item  "
                    f"RSS {server.resident_kb() / 1024:7.1f} MB",
                    flush=True,
                )
            finally:
                server.end()
    for name in peers:
        speed = statistics.median(rates["tracelift"]) / statistics.median(rates[name])
        thrift = statistics.median(costs[name]) / statistics.median(costs["tracelift"])
        difference = max(abs(a - b) for a, b in zip(scores["tracelift"], scores[name]))
        print(
            f"tracelift beside {name}: {speed:.2f} times the items/s, {thrift:.2f} times the items per CPU second "
            f"(medians); greatest difference of a score {difference:.1e}"
        )


if __name__ == "__main__":
    main()
