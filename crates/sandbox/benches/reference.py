# The usual way to run a program: a folder, a file, an interpreter started anew, limits set before it runs.
# Asked over standard input: lines of JSON with a source and an input; answers a line with the time that it took.
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time


def limit():
    seconds = math.ceil(5) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))


for line in sys.stdin:
    job = json.loads(line)
    started = time.perf_counter()
    for _ in range(job["times"]):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "main.py")
            with open(path, "w") as file:
                file.write(job["source"])
            run = subprocess.run(
                [sys.executable, path], input=job["stdin"], capture_output=True, text=True, timeout=60, cwd=folder, preexec_fn=limit
            )
            assert run.returncode == 0 and run.stdout == job["want"], run
    print(json.dumps((time.perf_counter() - started) / job["times"]), flush=True)
