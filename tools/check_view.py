#!/usr/bin/env python3
"""Looks at `tracelift view` in a real browser: opens each view, filters, follows links, watches a training, and takes pictures.

    pip install playwright                                # the driver; the browser is the system's (Debian: apt install chromium)
    npm install axe-core                                  # its rules of accessibility; named by --axe, else looked for in node_modules
    python tools/check_view.py                            # all of it, in a folder of its own
    python tools/check_view.py --pictures docs/view       # pictures for the document as well
    python tools/check_view.py --folder FOLDER            # where an earlier run left its quickstart

Needs the command `tracelift` (or what TRACELIFT names). Prints what each check found; the exit status is 1 if one does not hold, and 0 with
SKIPPED in capitals where there is no browser.
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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRACELIFT = os.environ.get("TRACELIFT", "tracelift")
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
# What axe finds of these degrees is a fault.
SERIOUS = {"serious", "critical"}
EXPERIMENT = """
out = "{folder}/rules"
seeds = [18, 7]
[grid]
reward.rule = ["exec_only", "uplift_only"]
[budget]
executor_calls = 120
[tests.unseen]
world = "words"
limit = 12
[run.data]
world = "words"
[run.planner]
model = "{root}/checkpoints/words/planner"
prompt = "world"
sampling = {{ temperature = 1.0, top_p = 1.0, max_tokens = 96 }}
[run.executor.in_process]
model = "{root}/checkpoints/words/executor"
prompt = "world"
sampling = {{ temperature = 0.5, max_tokens = 4 }}
[run.verifier]
answers = "exact"
[run.reward]
runs = 2
[run.grpo]
problems = 4
group = 4
warmup = 1
[run.preflight]
problems = 0
[run.eval]
seeds = 1
runs = 1
[run.eval.data]
world = "words"
limit = 12
"""
LIVE = [
    "train", "--config", str(ROOT / "configs/steps.toml"), "--set", "out={folder}/live",
    "--set", "planner.model={folder}/quickstart/base/planner", "--set", "executor.in_process.model={folder}/quickstart/base/executor",
    "--set", "rubric.model={folder}/quickstart/reward-model/model", "--set", "grpo.steps=20000", "--set", "grpo.problems=4",
    "--set", "grpo.group=4", "--set", "grpo.warmup=1", "--set", "preflight.problems=0",
]


class Checks:
    """What was found."""

    def __init__(self):
        self.failed = []

    def hold(self, what, holds, found=""):
        print(f"{'ok    ' if holds else 'FAILED'} {what}{f': {found}' if found else ''}", flush=True)
        if not holds:
            self.failed.append(what)


def tracelift(*arguments):
    command = [TRACELIFT, *map(str, arguments)]
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}")
    print(f"       {' '.join(command[1:3])}: {time.monotonic() - begun:.1f} s", flush=True)


def furnish(folder):
    """A quickstart, an experiment, groups, a report on the reward model: what a user of some days has."""
    if not (folder / "quickstart/report.html").exists():
        tracelift("quickstart", "--world", "steps", "--minutes", "1", "--steps", "6", "--out", folder / "quickstart")
    if not (folder / "groups.jsonl").exists():
        tracelift("world", "groups", "--world", "steps", "--count", "60", "--out", folder / "groups.jsonl")
    if not (folder / "scorers.json").exists():
        tracelift("rm", "eval", folder / "quickstart/reward-model/model", folder / "groups.jsonl", "--json", folder / "scorers.json")
    if not (folder / "rules/experiment.json").exists():
        (folder / "rules.toml").write_text(EXPERIMENT.format(folder=folder, root=ROOT))
        tracelift("experiment", "--config", folder / "rules.toml")


class View:
    """A served folder."""

    def __init__(self, folder):
        command = [TRACELIFT, "view", str(folder), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", line).group(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def status(url, host=None, method="GET"):
    request = urllib.request.Request(url, method=method, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def refusals(checks, url):
    checks.hold("another name is refused", status(url, host="evil.example") == 421)
    checks.hold("a write is refused", status(url + "/run?run=quickstart/tracelift", method="POST") == 405)
    for place in ["..", "../..", "/etc", "%2e%2e", "quickstart/../.."]:
        checks.hold(f"`{place}` is refused", status(f"{url}/run?run={place}") == 404)


class Looker:
    """A browser, and what it complained of."""

    def __init__(self, browser, checks, axe):
        self.checks, self.axe, self.complaints = checks, axe, []
        self.context = browser.new_context(viewport={"width": 1400, "height": 1000})
        # The page's own policy forbids scripts of others; this one is the check's.
        self.page = self.watched(self.context)

    def watched(self, context):
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))
        return page

    def open(self, what, url, has):
        begun = time.monotonic()
        self.page.goto(url)
        text = self.page.inner_text("main")
        self.checks.hold(f"{what} opens", has in text, f"{1000 * (time.monotonic() - begun):.0f} ms")
        self.accessible(what)

    def accessible(self, what):
        if not self.axe:
            return
        # Evaluated by the driver, not by the page, so no policy is in its way.
        self.page.evaluate(self.axe)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        bad = [f"{v['id']} ({len(v['nodes'])}: {v['nodes'][0]['html'][:120]})" for v in found if v["impact"] in SERIOUS]
        self.checks.hold(f"{what} has no serious fault of accessibility", not bad, "; ".join(bad))


def views(checks, look, url):
    page = look.page
    look.open("the folder", url, "quickstart/tracelift")
    page.fill("input[name=q]", "exec_only")
    page.press("input[name=q]", "Enter")
    page.wait_for_url("**q=exec_only**")
    checks.hold("runs are searched", page.locator("#runs tbody tr").count() >= 1, page.url)
    look.open("a run", url + "/run?run=quickstart/tracelift", "Mean reward")
    checks.hold("charts have names", page.locator("svg[role=img][aria-label]").count() > 5)
    page.select_option("select[name=y]", "log")
    page.wait_for_url("**y=log**")
    checks.hold("a scale is chosen and stands in the address", "logarithmic" in page.inner_text("main"))
    look.open("several runs", url + "/curves?run=quickstart/tracelift&run=quickstart/exec_only&x=calls", "executor calls")
    look.open("an experiment", url + "/compare?at=rules", "What quality costs")
    page.click("text=Curves of all cells")
    page.wait_for_url("**seeds=band**")
    checks.hold("seeds are bands", page.locator("path.band").count() > 0)
    look.open("a step", url + "/step?run=quickstart/tracelift&step=3", "rollout groups")
    page.keyboard.press("j")
    checks.hold("j chooses", page.locator(".at").count() == 1)
    page.keyboard.press("n")
    page.wait_for_url("**step=4")
    page.keyboard.press("?")
    checks.hold("? shows the keys", page.locator("dialog[open]").count() == 1)
    look.accessible("the keys")
    page.keyboard.press("Escape")
    page.click(".attempt h3 a >> nth=0")
    page.wait_for_url("**/trace**")
    look.open("a trace", page.url, "What the executor did")
    look.open("rollouts", url + "/rollouts?run=quickstart/tracelift&trace=flawed", "Rollouts")
    flawed = page.locator("tbody tr").count()
    checks.hold("rollouts are filtered", flawed > 0 and page.locator("tbody >> text=verified").count() == 0, str(flawed))
    page.click("tbody tr >> nth=0 >> a")
    page.wait_for_url("**/trace**")
    checks.hold("a flawed trace is marked, with what it should be", page.locator(".flaw .expected").count() >= 1)
    look.open("groups", url + "/groups?at=groups.jsonl", "What is in the file")
    page.click("tbody tr >> nth=0 >> a")
    page.wait_for_url("**/group?**")
    look.open("a group", page.url, "reference")
    look.open("reward models", url + "/scorers?at=scorers.json", "Reliability")
    page.goto(url)
    page.keyboard.press("/")
    checks.hold("/ searches", page.evaluate("document.activeElement.name") == "q")


def question(checks, look, url):
    """From the folder to "which line of this trace is wrong, and did TraceLift stop writing it?", as a new user would."""
    page, begun = look.page, time.monotonic()
    page.goto(url)
    page.click("#evaluations a >> text=quickstart/evaluation")
    page.wait_for_url("**/evaluation?**")
    look.open("an evaluation", page.url, "Paired differences")
    # Right for wrong reasons, of the base planner.
    row = page.locator("tbody tr", has=page.locator("th >> text=base planner")).first
    row.locator("a[href*='show=reasons']").first.click()
    page.wait_for_url("**show=reasons**")
    look.open("samples", page.url, "Samples")
    page.click("tbody tr >> nth=0 >> a")
    page.wait_for_url("**/sample?**")
    look.open("a sample", page.url, "first flaw")
    base = page.locator(".attempt", has=page.locator("h2 >> text=base planner"))
    ours = page.locator(".attempt", has=page.locator("h2 >> text=TraceLift"))
    wrong = base.locator(".flaw").first.inner_text()
    stopped = ours.locator(".flaw").count() == 0
    checks.hold("the wrong line is marked", "first flaw" in wrong, wrong.replace("\n", " "))
    checks.hold("what TraceLift wrote stands beside it", ours.count() == 1, "no flaw" if stopped else "still a flaw")
    print(f"       five pages in {time.monotonic() - begun:.1f} s")
    return page.url


def live(checks, look, url, folder):
    """A real training: a step must appear on an open page within two seconds of its line."""
    shutil.rmtree(folder / "live", ignore_errors=True)
    command = [TRACELIFT, *(part.format(folder=folder) for part in LIVE)]
    training = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    try:
        metrics = folder / "live/metrics.jsonl"
        wait(lambda: metrics.exists() and metrics.read_text().count("\n") >= 1, 120)
        page = look.page
        page.goto(url + "/run?run=live")
        checks.hold("a run that goes on is said to", "running" in page.inner_text("h1"))
        delays = []
        for _ in range(3):
            before = metrics.read_text().count("\n")
            wait(lambda: metrics.read_text().count("\n") > before, 120)
            begun, now = time.monotonic(), before + 1
            page.wait_for_function(
                "(step) => [...document.querySelectorAll('#steps tbody th')].some((th) => Number(th.textContent) >= step)",
                arg=now, timeout=20_000,
            )
            delays.append(time.monotonic() - begun)
        checks.hold("a step appears within 2 s", max(delays) < 2, " ".join(f"{delay:.2f}" for delay in delays))
        look.accessible("a live page")
        picture = (page.screenshot(), page.url)
    finally:
        training.kill()
        training.wait()
    page.locator("h1 >> text=stopped").wait_for(timeout=20_000)
    checks.hold("a run whose process was killed is said to be stopped", True)
    return picture


def wait(holds, seconds):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"nothing came in {seconds} s")
        time.sleep(0.02)


def pictures(browser, look, out, urls):
    """The views at 1,400 and 390 px, light and dark: to look at, and that nothing sticks out."""
    out.mkdir(parents=True, exist_ok=True)
    for width, height in [(1400, 1000), (390, 844)]:
        for scheme in ["light", "dark"]:
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            page = look.watched(context)
            for name, url in urls.items():
                page.goto(url)
                wide = page.evaluate("document.documentElement.scrollWidth")
                look.checks.hold(f"{name} fits into {width} px, {scheme}", wide <= width, "" if wide <= width else f"{wide} px")
                page.screenshot(path=out / f"{name}-{width}-{scheme}.png")
            context.close()


def document(browser, out, urls):
    """Small pictures for the document: what the views show, and no more."""
    out.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": 1100, "height": 720}, color_scheme="light")
    page = context.new_page()
    for name, url in urls.items():
        page.goto(url)
        path = out / f"{name}.png"
        page.screenshot(path=path)
        print(f"       {path}: {path.stat().st_size / 1000:.0f} kB")
    context.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="where runs are made, and stay")
    parser.add_argument("--pictures", type=Path, help="where pictures for the document go")
    parser.add_argument("--shots", type=Path, help="where all pictures go")
    parser.add_argument("--axe", type=Path, default=ROOT / "node_modules/axe-core/axe.min.js")
    parser.add_argument("--browser", default=next(filter(None, map(shutil.which, BROWSERS)), None))
    arguments = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return print("SKIPPED: there is no playwright (pip install playwright)")
    if not arguments.browser:
        return print("SKIPPED: there is no browser (apt install chromium)")
    axe = arguments.axe.read_text() if arguments.axe.exists() else None
    if not axe:
        print("SKIPPED: accessibility, as there is no axe-core (npm install axe-core)")
    folder = (arguments.folder or Path(tempfile.mkdtemp(prefix="tracelift-view-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    checks = Checks()
    furnish(folder)
    tracelift("report", folder / "quickstart", "--out", folder / "report.html")
    with View(folder) as view, sync_playwright() as driver:
        # As root, as in containers, the browser has no sandbox of its own.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=arguments.browser, args=options)
        look = Looker(browser, checks, axe)
        refusals(checks, view.url)
        sample = question(checks, look, view.url)
        views(checks, look, view.url)
        live(checks, look, view.url, folder)
        look.open("the report as a file", (folder / "report.html").as_uri(), "Sample traces")
        flawed = view.url + "/rollouts?run=quickstart/tracelift&trace=flawed"
        look.page.goto(flawed)
        trace = look.page.get_attribute("tbody tr >> nth=0 >> a", "href")
        urls = {
            "folder": view.url,
            "run": view.url + "/run?run=quickstart/tracelift",
            "step": view.url + "/step?run=quickstart/tracelift&step=3",
            "trace": view.url + trace,
            "evaluation": view.url + "/evaluation?at=quickstart/evaluation",
            "sample": sample,
            "experiment": view.url + "/compare?at=rules",
            "group": view.url + "/group?at=groups.jsonl&n=1",
            "report": (folder / "report.html").as_uri(),
        }
        if arguments.shots:
            pictures(browser, look, arguments.shots, urls)
        if arguments.pictures:
            document(browser, arguments.pictures, {name: urls[name] for name in ["folder", "step", "evaluation", "sample"]})
        checks.hold("the browser complains of nothing", not look.complaints, "; ".join(look.complaints[:5]))
        browser.close()
    if checks.failed:
        sys.exit(f"{len(checks.failed)} checks do not hold")
    print("all checks hold")


if __name__ == "__main__":
    main()
