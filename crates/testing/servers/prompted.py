"""A minimal OpenAI-compatible chat server on Python's standard library, for tests of whoever prompts a model.

It is a real server with a silly model that understands the prompts of this project far enough to answer them: it grades
a trace by recomputing its equations, breaks a reference trace by changing one number, and writes a trace for a problem.
It prints its port on the first line and serves until it is killed.

What goes wrong is asked for in the prompt, so that each question of a test can have its own fault:

    @@refuse @@refuse_field @@filter       the model says no: in words, in the field `refusal`, by finish reason
    @@garbage @@garbage_once               no JSON, always or until the mistake is pointed out
    @@truncate @@truncate_once             cut off, with finish reason `length`
    @@fence @@prose @@comma @@think @@latex  JSON in a fence, amid prose, with a spare comma, after thoughts, with \\(
    @@score_once                           a number out of range until the mistake is pointed out
    @@silent                               no text at all
    @@400 @@500 @@500_once @@429_once @@drop_once @@half_once @@hang   faults of the transport, always or at the first attempt

    POST /v1/chat/completions    {"model": ..., "messages": [...], ...}
    GET  /stats                  counts, times, and how often each body was asked and answered
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

MATERIAL = re.compile(r"([A-Z][A-Za-z ]*), between two lines that say (\w+):\n\2\n(.*?)\n\2(?=\n|$)", re.S)
EQUATION = re.compile(r"(\d+)\s*([-+*/])\s*(\d+)\s*=\s*(\d+)")
NUMBER = re.compile(r"\d+")
APPLY = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b if b else 0}


class State:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.asked = Counter()
        self.answered = Counter()
        self.times = []
        self.concurrent = 0
        self.max_concurrent = 0
        self.last_body = None
        self.log = open(options.log, "a") if options.log else None

    def enter(self, body):
        key = hashlib.sha256(body).hexdigest()
        with self.lock:
            self.times.append(time.monotonic())
            self.asked[key] += 1
            self.concurrent += 1
            self.max_concurrent = max(self.max_concurrent, self.concurrent)
            self.last_body = body
            return key, self.asked[key] - 1

    def leave(self):
        with self.lock:
            self.concurrent -= 1

    def answer(self, key):
        """Counts an answer; whether the server may still give it."""
        with self.lock:
            limit = self.options.die_after
            if limit is not None and sum(self.answered.values()) >= limit:
                return False
            self.answered[key] += 1
            if self.log:
                self.log.write(key + "\n")
                self.log.flush()
            return True

    def stats(self):
        with self.lock:
            return {
                "requests": len(self.times),
                "answers": sum(self.answered.values()),
                "bodies": len(self.answered),
                "answered_twice": sum(1 for count in self.answered.values() if count > 1),
                "times": self.times,
                "concurrent": self.concurrent,
                "max_concurrent": self.max_concurrent,
                "last_body": json.loads(self.last_body) if self.last_body else None,
            }


def grade(names, trace):
    """A verdict: the share of the trace's equations that hold, and 2 where there are none."""
    equations = EQUATION.findall(trace)
    right = sum(1 for a, sign, b, c in equations if APPLY[sign](int(a), int(b)) == int(c))
    score = round(10 * right / len(equations)) if equations else 2
    mark = {"evidence": "%d of %d equations hold" % (right, len(equations)), "score": score}
    return {"dimensions": {name: dict(mark) for name in names}, "overall": dict(mark)}


def break_trace(kind, trace):
    """A flawed trace: the last number of a line that depends on the kind is changed, or a line is dropped."""
    lines = trace.split("\n")
    place = sum(kind.encode()) % len(lines)
    if kind in ("dropped_step", "missing_edge_case", "premature_conclusion") and len(lines) > 2:
        place = len(lines) - 1 if kind == "premature_conclusion" else 1
        before, after = lines.pop(place), ""
    else:
        numbers = list(NUMBER.finditer(lines[place])) or list(NUMBER.finditer(lines[0]))
        if not numbers:
            return {"applies": False, "reason": "the trace has no numbers"}
        place = place if NUMBER.search(lines[place]) else 0
        match = numbers[-1]
        before, after = match.group(), str(int(match.group()) + 1 + sum(kind.encode()) % 7)
        lines[place] = lines[place][: match.start()] + after + lines[place][match.end() :]
    return {
        "applies": True,
        "reason": "",
        "flawed_trace": "\n".join(lines),
        "before": before,
        "after": after,
        "why_wrong": "it is not what the problem says",
        "implied_answer": "",
    }


def write_trace(problem):
    numbers = [int(number) for number in NUMBER.findall(problem)][:2] or [1, 2]
    a, b = (numbers + numbers)[:2]
    text = "The problem gives %d and %d.\nTogether they are %d + %d = %d." % (a, b, a, b, a + b)
    return {"reasoning": text, "implied_answer": str(a + b)}


def model(request):
    """Text, refusal and finish reason."""
    messages = request["messages"]
    system = "\n".join(m["content"] for m in messages if m["role"] == "system")
    user = next(m["content"] for m in messages if m["role"] == "user")
    pointed_out = len(messages) > 2
    material = {name: text for name, _, text in MATERIAL.findall(user)}
    faults = set(re.findall(r"@@(\w+)", user))
    names = re.findall(r"^- (\w+): ", system, re.M)
    if "grade reasoning traces" in system:
        value = grade(names, material["Trace"])
    elif "Kind" in user and "Reference trace" in material:
        value = break_trace(re.search(r"^Kind: (\w+)$", user, re.M).group(1), material["Reference trace"])
    elif "Problem" in material:
        value = write_trace(material["Problem"])
    else:
        value = {"echo": user}
    text = json.dumps(value)
    if "refuse" in faults:
        return "I'm sorry, but I can't help with that.", None, "stop"
    if "refuse_field" in faults:
        return None, "I will not.", "stop"
    if "filter" in faults:
        return "", None, "content_filter"
    if "silent" in faults:
        return None, None, "stop"
    if "garbage" in faults or ("garbage_once" in faults and not pointed_out):
        return "Here is the thing: it depends.", None, "stop"
    if "truncate" in faults or ("truncate_once" in faults and not pointed_out):
        return text[: len(text) // 2], None, "length"
    if "score_once" in faults and not pointed_out:
        return re.sub(r'"score": \d+', '"score": 11', text), None, "stop"
    if "comma" in faults:
        text = text[:-1] + ",}"
    if "latex" in faults:
        text = text[:-1] + r', "note": "\(x\)"}'
    if "fence" in faults:
        text = "```json\n%s\n```" % text
    if "prose" in faults:
        text = "Certainly {as you wish}:\n\n%s\n\nAnything else?" % text
    if "think" in faults:
        text = '<think>perhaps {"applies": false}?</think>\n' + text
    return text, None, "stop"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        if self.path == "/stats":
            self.reply(200, self.server.state.stats())
        else:
            self.refuse(404, "no such path: " + self.path)

    def do_POST(self):
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key, attempt = state.enter(body)
        try:
            time.sleep(state.options.latency_ms / 1000)
            self.serve(body, key, attempt)
        finally:
            state.leave()

    def serve(self, body, key, attempt):
        options = self.server.state.options
        text = body.decode("utf-8", "replace")
        fault = lambda name: "@@" + name in text and not re.search("@@" + name + r"_once", text)
        once = lambda name: "@@%s_once" % name in text and attempt == 0
        if options.api_key is not None and self.headers.get("Authorization") != "Bearer " + options.api_key:
            return self.refuse(401, "wrong API key")
        if fault("hang"):
            time.sleep(30)
        if fault("500") or once("500"):
            return self.refuse(500, "injected fault")
        if fault("400"):
            return self.refuse(400, "the prompt is too long")
        if once("429") or options.always_429:
            return self.refuse(429, "slow down", {"Retry-After": "%g" % options.retry_after})
        if once("drop"):
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if once("half"):
            return self.send(200, b'{"choices": [{"mess')
        request = json.loads(body)
        if request["model"] != options.model:
            return self.refuse(404, "no such model: %s" % request["model"])
        wanted = request.get("response_format", {}).get("type")
        if wanted in options.refuse_format.split(","):
            return self.refuse(400, "response_format %s is not supported" % wanted)
        if not self.server.state.answer(key):
            os._exit(0)
        said, refusal, reason = model(request)
        message = {"role": "assistant", "content": said}
        if refusal is not None:
            message["refusal"] = refusal
        answer = {"model": options.model + "-0613", "choices": [{"message": message, "finish_reason": reason}]}
        if not options.no_usage:
            prompt = sum(len(m["content"].split()) for m in request["messages"])
            answer["usage"] = {"prompt_tokens": prompt, "completion_tokens": len((said or "").split())}
        return self.reply(200, answer)

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
    parser = argparse.ArgumentParser(description="a minimal OpenAI-compatible chat server for tests")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model", default="silly")
    parser.add_argument("--api-key", help="refuse requests without this key")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--retry-after", type=float, default=0.3, help="seconds, sent with status 429")
    parser.add_argument("--always-429", action="store_true")
    parser.add_argument("--refuse-format", default="", help="response formats to refuse, with commas between")
    parser.add_argument("--no-usage", action="store_true", help="say nothing of tokens")
    parser.add_argument("--die-after", type=int, help="end the process instead of answer N + 1")
    parser.add_argument("--log", help="a file that gets a line for each answer: a hash of the request")
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
