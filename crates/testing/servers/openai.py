"""A minimal OpenAI-compatible server on Python's standard library, for tests.

It is a real server, independent of the client under test, with a silly model: the completion is the last number of
the prompt, as `#### n`, or what --reply says. It prints its port on the first line and serves until it is killed.

Faults are injected on request. Whether an attempt fails depends on --seed, on the request's body and on how often that
body has been sent, never on the order in which requests arrive; so a retry may succeed, and a run can be repeated.

    GET  /v1/models              the one model
    POST /v1/completions         {"prompt": ..., "max_tokens": ..., "stop": [...]}
    POST /v1/chat/completions    {"messages": [...], ...}
    GET  /stats                  {"requests", "served", "held", "faults", "max_concurrent", "last_body"}
    POST /hold                   {"after": n}: completions after the next n wait; {"after": null}: none does any more
"""

import argparse
import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class State:
    """What the server counts, and which faults it injects."""

    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.attempts = Counter()
        self.requests = 0
        self.served = 0
        self.faults = Counter()
        self.concurrent = 0
        self.max_concurrent = 0
        self.last_body = None
        self.held = 0
        self.hold_at = None
        self.released = threading.Condition(self.lock)

    def enter(self, body):
        """Counts a request; returns how often its body came before."""
        with self.lock:
            self.requests += 1
            self.concurrent += 1
            self.max_concurrent = max(self.max_concurrent, self.concurrent)
            self.last_body = body
            key = hashlib.sha256(body).digest()
            self.attempts[key] += 1
            return self.attempts[key] - 1

    def leave(self):
        with self.lock:
            self.concurrent -= 1

    def fault(self, body, attempt):
        """The fault of this attempt, or None: one uniform number against the rates, laid end to end."""
        text = b"%d/%d/" % (self.options.seed, attempt) + body
        draw = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") / 2**64
        for name in ("fail", "malformed", "empty", "drop"):
            draw -= getattr(self.options, name + "_rate")
            if draw < 0:
                with self.lock:
                    self.faults[name] += 1
                return name
        return None

    def hold(self, after):
        """Lets so many more completions go out, or all."""
        with self.lock:
            self.hold_at = None if after is None else self.served + after
            self.released.notify_all()

    def serve(self):
        """Counts a completion, when none is held back any more; whether the server may still give it."""
        with self.lock:
            self.held += 1
            self.released.wait_for(lambda: self.hold_at is None or self.served < self.hold_at)
            self.held -= 1
            if self.options.die_after is not None and self.served >= self.options.die_after:
                return False
            self.served += 1
            return True

    def stats(self):
        with self.lock:
            return {
                "requests": self.requests,
                "served": self.served,
                "held": self.held,
                "faults": dict(self.faults),
                "max_concurrent": self.max_concurrent,
                "last_body": json.loads(self.last_body) if self.last_body else None,
            }


def complete(prompt, request, options):
    """The model: text and finish reason. Tokens are words."""
    numbers = NUMBER.findall(prompt)
    text = "#### " + (numbers[-1] if numbers else "0")
    if options.echo:
        text = prompt
    if options.reply is not None:
        text = options.reply
    stops = request.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.split(stop, 1)[0]
    words = re.findall(r"\s*\S+", text)
    budget = request.get("max_tokens", 16)
    if len(words) > budget:
        return "".join(words[:budget]), "length"
    return text, "stop"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        if self.path == "/stats":
            self.reply(200, self.server.state.stats())
        elif self.path == "/v1/models":
            model = {"id": self.server.state.options.model, "object": "model", "owned_by": "tests"}
            self.reply(200, {"object": "list", "data": [model]})
        else:
            self.refuse(404, "no such path: " + self.path)

    def do_POST(self):
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/hold":
            state.hold(json.loads(body)["after"])
            return self.reply(200, {})
        attempt = state.enter(body)
        try:
            time.sleep(state.options.latency_ms / 1000)
            fault = state.fault(body, attempt)
        finally:
            state.leave()
        if fault == "fail":
            wait = state.options.retry_after
            headers = {} if wait is None else {"Retry-After": "%g" % wait}
            return self.refuse(state.options.fail_status, "injected fault", headers)
        if fault == "malformed":
            return self.send(200, b'{"choices": [{"te')
        if fault == "empty":
            return self.reply(200, {"object": "text_completion", "choices": []})
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return None
        key = state.options.api_key
        if key is not None and self.headers.get("Authorization") != "Bearer " + key:
            return self.refuse(401, "wrong API key")
        return self.answer(body)

    def answer(self, body):
        state = self.server.state
        try:
            request = json.loads(body)
            if request["model"] != state.options.model:
                return self.refuse(404, "no such model: %s" % request["model"])
            if self.path == "/v1/completions":
                prompt = request["prompt"]
            elif self.path == "/v1/chat/completions":
                prompt = "\n".join(message["content"] for message in request["messages"])
            else:
                return self.refuse(404, "no such path: " + self.path)
        except (ValueError, KeyError, TypeError) as error:
            return self.refuse(400, "bad request: %r" % error)
        if not state.serve():
            os._exit(0)
        text, reason = complete(prompt, request, state.options)
        if self.path == "/v1/completions":
            choice = {"index": 0, "text": text, "finish_reason": reason}
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": reason}
        used = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split())}
        used["total_tokens"] = sum(used.values())
        return self.reply(200, {"model": request["model"], "choices": [choice], "usage": used})

    def refuse(self, status, message, headers=None):
        self.reply(status, {"error": {"message": message, "code": status}}, headers)

    def reply(self, status, value, headers=None):
        self.send(status, json.dumps(value).encode(), headers)

    def send(self, status, body, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        # A client that gave up is no news; anything else is.
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description="a minimal OpenAI-compatible server for tests")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model", default="silly")
    parser.add_argument("--api-key", help="refuse requests without this key")
    parser.add_argument("--echo", action="store_true", help="answer with the prompt itself")
    parser.add_argument("--reply", help="answer with this text, whatever is asked")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--fail-rate", type=float, default=0, help="share of attempts that get --fail-status")
    parser.add_argument("--fail-status", type=int, default=500)
    parser.add_argument("--retry-after", type=float, help="seconds, sent with --fail-status")
    parser.add_argument("--malformed-rate", type=float, default=0, help="share of attempts that get half a JSON")
    parser.add_argument("--empty-rate", type=float, default=0, help="share of attempts that get no choices")
    parser.add_argument("--drop-rate", type=float, default=0, help="share of attempts whose connection is cut")
    parser.add_argument("--die-after", type=int, help="end the process instead of completion N + 1")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when the parent process does")
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    server.state = State(options)
    print(server.server_address[1], flush=True)
    if options.until_stdin_closes:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
