"""The client against a server that misbehaves, and the adapters on what frameworks hand them."""

import asyncio
import json
import math
import pickle
import threading
import time
import types
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import tracelift_rl as rl
from tracelift_rl.rows import Columns, gold_of
from tracelift_rl.scalar import shared_client


def told(items, reward=0.5):
    """An answer as the server gives it."""
    results = [
        {"index": i, "reward": reward, "e": 1.0, "w": 1.0, "b": 0.5, "u": 0.5, "s": None, "defect": None, "leaked": False}
        for i, _ in enumerate(items)
    ]
    if reward is None:
        for result in results:
            result["unknown"] = {"cause": "timeout", "where": "executor", "message": "no answer"}
    return {
        "rewards": [reward] * len(items),
        "results": results,
        "usage": {"calls": len(items), "prompt_tokens": 1, "completion_tokens": 2, "cached": 0},
        "fingerprints": {"executor": "e"},
    }


class Desk:
    """A server that answers each request by the next of `script`, and by an honest answer when that has ended."""

    def __init__(self, *script):
        self.script = list(script)
        self.asked = []
        self.lock = threading.Lock()
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.reply(200, {"status": "ready", "checks": {}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with desk.lock:
                    desk.asked.append((self.path, dict(self.headers), body))
                    step = desk.script.pop(0) if desk.script else None
                if step == "hang up":
                    self.close_connection = True
                    return
                if step == "hang":
                    time.sleep(1.0)
                    self.close_connection = True
                    return
                if step == "garbage":
                    self.reply(200, None, b"<html>")
                elif isinstance(step, tuple):
                    status, answer, *headers = step
                    self.reply(status, answer, headers=headers[0] if headers else {})
                elif callable(step):
                    self.reply(200, step(body["items"]))
                else:
                    self.reply(200, told(body["items"]))

            do_PUT = do_POST

            def reply(self, status, answer, raw=None, headers=None):
                data = json.dumps(answer).encode() if raw is None else raw
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def client(self, **settings):
        return rl.RewardClient(self.url, **({"backoff": 0.01} | settings))


def awaited(client, call):
    """Waits for a call in an event loop of its own, and closes what the client opened there."""

    async def closing():
        try:
            return await call
        finally:
            await client.aclose()

    return asyncio.run(closing())


ITEM = {"problem_id": "p", "completion": "<reasoning> a </reasoning>"}


class Client(unittest.TestCase):
    def both(self, desk, items, **settings):
        """The same by a synchronous and by an asynchronous call."""
        with desk.client(**settings) as client:
            yield lambda: client.reward(items)
            yield lambda: awaited(client, client.areward(items))

    def test_rewards_come_with_their_parts(self):
        with Desk() as desk:
            for ask in self.both(desk, [ITEM] * 3):
                rewards = ask()
                self.assertEqual(rewards.rewards, [0.5] * 3)
                self.assertEqual((rewards[0].b, rewards[0].s, rewards[0].unknown), (0.5, None, None))
                self.assertEqual((rewards.usage.calls, rewards.unknown), (3, 0))
                self.assertEqual(rewards.fingerprints, {"executor": "e"})
            self.assertEqual(desk.client().reward([]).rewards, [])

    def test_what_passes_is_tried_again_under_one_key(self):
        steps = ["hang up", (503, {"error": {"code": "shutting_down", "message": "m"}}), "garbage", (429, {})]
        for name in ["reward", "areward"]:
            with Desk(*steps) as desk:
                with desk.client() as client:
                    call = getattr(client, name)([ITEM])
                    rewards = awaited(client, call) if asyncio.iscoroutine(call) else call
                self.assertEqual(rewards.rewards, [0.5])
                self.assertEqual(len(desk.asked), len(steps) + 1)
                self.assertEqual(len({headers["Idempotency-Key"] for _, headers, _ in desk.asked}), 1)

    def test_what_stays_away_is_unknown_with_its_cause(self):
        for step, cause in [("hang up", "unreachable"), ((504, {}), "status_504"), ("garbage", "malformed"), ("hang", "timeout")]:
            with Desk(*[step] * 10) as desk:
                for ask in self.both(desk, [ITEM, ITEM], retries=1, timeout=0.3):
                    rewards = ask()
                    self.assertEqual(rewards.rewards, [None, None])
                    self.assertEqual({result.unknown.cause for result in rewards}, {cause})
        gone = rl.RewardClient("http://127.0.0.1:9", retries=0)
        self.assertEqual(gone.reward([ITEM])[0].unknown.cause, "unreachable")
        with self.assertRaises(rl.Unreachable):
            gone.ready()

    def test_what_is_refused_raises(self):
        error = {"error": {"code": "unauthorized", "message": "no key"}}
        for status in [400, 401, 404, 413, 422]:
            with Desk(*[(status, error)] * 2) as desk:
                for ask in self.both(desk, [ITEM]):
                    with self.assertRaisesRegex(rl.RequestRefused, f"no key.*{status}"):
                        ask()

    def test_items_that_are_all_wrong_are_unknown_each(self):
        answer = told([ITEM], None)
        answer["results"][0]["unknown"] = {"cause": "invalid_item", "where": "item", "message": "what"}
        with Desk((422, answer)) as desk:
            self.assertEqual(desk.client().reward([ITEM])[0].unknown.cause, "invalid_item")

    def test_an_answer_to_other_items_is_refused(self):
        for count in [0, 1, 3]:
            with Desk(lambda items, count=count: told([ITEM] * count)) as desk:
                with self.assertRaisesRegex(rl.RequestRefused, f"{count} `results` to 2 items"):
                    desk.client().reward([ITEM, ITEM])

    def test_many_items_go_out_in_parts_and_come_back_in_order(self):
        def answer(items):
            said = told(items)
            for result, item in zip(said["results"], items, strict=True):
                result["reward"] = float(item["problem_id"])
            return said

        items = [{"problem_id": str(i), "completion": "x" * 50_000} for i in range(300)]
        with Desk(*[answer] * 100) as desk:
            for ask in self.both(desk, items, batch=64):
                self.assertEqual(ask().rewards, [float(i) for i in range(300)])
            # By number, and by bytes.
            self.assertTrue(all(len(body["items"]) <= 64 for _, _, body in desk.asked))
        with Desk(*[answer] * 100) as desk:
            desk.client(batch=300).reward(items)
            self.assertEqual(len(desk.asked), 3)

    def test_terms_and_key_are_sent(self):
        with Desk() as desk:
            desk.client(api_key="k").reward([ITEM], rule="no_uplift", lam=0.25, runs=5)
            path, headers, body = desk.asked[0]
            self.assertEqual((path, headers["Authorization"]), ("/v1/reward", "Bearer k"))
            self.assertEqual({key: body[key] for key in body if key != "items"}, {"rule": "no_uplift", "lambda": 0.25, "runs": 5})

    def test_pauses_heed_the_server(self):
        with Desk((429, {}, {"Retry-After": "1"})) as desk:
            start = time.monotonic()
            self.assertEqual(desk.client().reward([ITEM]).rewards, [0.5])
            self.assertGreaterEqual(time.monotonic() - start, 1.0)

    def test_a_client_is_pickled_and_shared_by_loops_and_threads(self):
        with Desk() as desk:
            client = pickle.loads(pickle.dumps(desk.client(api_key="k")))
            for _ in range(3):
                self.assertEqual(awaited(client, client.areward([ITEM])).rewards, [0.5])
            found = []
            threads = [threading.Thread(target=lambda: found.append(client.reward([ITEM]).rewards)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(found, [[0.5]] * 8)

    def test_settings_that_make_no_sense_are_named(self):
        for settings in [{"batch": 0}, {"concurrency": 0}, {"retries": -1}]:
            with self.assertRaisesRegex(ValueError, next(iter(settings))):
                rl.RewardClient("http://a", **settings)
        with self.assertRaisesRegex(ValueError, "http://"):
            rl.RewardClient("127.0.0.1:8010")

    def test_numbers_that_json_lacks_are_refused(self):
        with self.assertRaises(ValueError):
            rl.RewardClient("http://127.0.0.1:9").reward([{"problem_id": math.nan}])


class Rows(unittest.TestCase):
    def test_usual_columns_make_a_problem(self):
        self.assertEqual(Columns().problem({"problem_id": 7}), {"problem_id": "7"})
        gsm8k = {"question": "1 + 2?", "answer": "1 + 2 = 3\n#### 3"}
        self.assertEqual(Columns().problem(gsm8k), {"problem": {"statement": "1 + 2?", "gold": {"answer": "1 + 2 = 3\n#### 3"}}})
        named = Columns(statement="q", gold="a").problem({"q": "1 + 2?", "a": 3, "problem_id": "x", "source": "s"})
        self.assertEqual(named, {"problem": {"id": "x", "source": "s", "statement": "1 + 2?", "gold": {"answer": "3"}}})
        self.assertEqual(Columns(problem_id="uid").problem(gsm8k | {"uid": "u"}), {"problem_id": "u"})
        # Columns of a name that the server knows, with what it does not.
        self.assertNotIn("domain", Columns().problem(gsm8k | {"domain": "algebra"})["problem"])

    def test_golds_of_every_form(self):
        for value, gold in [
            ("3", {"answer": "3"}),
            (3.0, {"answer": "3"}),
            (0.5, {"answer": "0.5"}),
            ('{"answer": "3"}', {"answer": "3"}),
            ("{1, 2}", {"answer": "{1, 2}"}),
            ([{"stdin": "1", "stdout": "2"}], {"tests": [{"stdin": "1", "stdout": "2"}]}),
            ({"answer": None, "tests": None, "function": {"entry": "f", "check": None, "asserts": ["a"]}}, {"function": {"entry": "f", "asserts": ["a"]}}),
            ({"entry": "f", "asserts": ["a"]}, {"function": {"entry": "f", "asserts": ["a"]}}),
        ]:
            self.assertEqual(gold_of(value), gold)
        for value in [None, {}, {"answer": "1", "tests": []}]:
            with self.assertRaises(KeyError):
                gold_of(value)

    def test_columns_that_are_missing_are_named_with_those_there(self):
        with self.assertRaisesRegex(KeyError, "`statement` or `question` or `problem`.*there are: prompt"):
            Columns().problem({"prompt": "a"})
        with self.assertRaisesRegex(KeyError, "`q`"):
            Columns(statement="q").problem({"question": "a", "answer": "b"})
        with self.assertRaisesRegex(KeyError, "`uid`"):
            Columns(problem_id="uid").problem({"problem_id": "a"})


class Adapters(unittest.TestCase):
    def test_trl_is_given_a_reward_or_none(self):
        import inspect

        from tracelift_rl.trl import TraceLiftReward

        metrics, extra = {}, {}
        with Desk(lambda items: told(items), lambda items: told(items, None)) as desk:
            reward = pickle.loads(pickle.dumps(TraceLiftReward(desk.url, max_completion_length=2, backoff=0.01)))
            self.assertTrue(inspect.iscoroutinefunction(reward))
            self.assertTrue(inspect.iscoroutinefunction(reward.__call__))
            self.assertEqual(reward.__name__, "tracelift")

            def ask():
                return awaited(
                    reward.client,
                    reward(
                        prompts=["p", "p"],
                        completions=["<reasoning> a </reasoning>", [{"role": "assistant", "content": "b", "tool_calls": None}]],
                        completion_ids=[[1], [1, 2]],
                        question=["q", "q"],
                        answer=["1", "2"],
                        trainer_state=types.SimpleNamespace(),
                        log_extra=extra.__setitem__,
                        log_metric=metrics.__setitem__,
                    ),
                )

            self.assertEqual(ask(), [0.5, 0.5])
            items = desk.asked[0][2]["items"]
            self.assertEqual([item["finish_reason"] for item in items], ["stop", "length"])
            self.assertEqual(items[1]["completion"], [{"role": "assistant", "content": "b"}])
            self.assertEqual((metrics["tracelift/b"], metrics["tracelift/unknown"]), (0.5, 0.0))
            self.assertTrue(math.isnan(metrics["tracelift/s"]))
            self.assertEqual(ask(), [None, None])
            self.assertEqual((metrics["tracelift/unknown"], extra["unknown"]), (1.0, ["timeout"] * 2))
        with self.assertRaisesRegex(rl.Unreachable, "tracelift serve"):
            asyncio.run(TraceLiftReward("http://127.0.0.1:9")(prompts=["p"], completions=["c"], problem_id=["p"]))

    def test_verl_is_given_numbers_and_never_a_silent_zero(self):
        from tracelift_rl.verl import compute_score

        def ask(desk, **settings):
            call = compute_score("gsm8k", "<reasoning> a </reasoning>", "3", {"question": "1 + 2?"}, url=desk.url, **settings)
            return awaited(shared_client(desk.url), call)

        shared_client.cache_clear()
        with Desk(*[lambda items: told(items), *[lambda items: told(items, None)] * 3]) as desk:
            score = ask(desk)
            self.assertEqual((score["score"], score["u"], score["unknown"]), (0.5, 0.5, 0.0))
            self.assertEqual(desk.asked[0][2]["items"][0]["problem"], {"source": "gsm8k", "statement": "1 + 2?", "gold": {"answer": "3"}})
            with self.assertRaisesRegex(rl.UnknownReward, "timeout at the executor"):
                ask(desk, patience_s=0)
            chosen = ask(desk, patience_s=0, on_unknown=-1.0)
            self.assertEqual((chosen["score"], chosen["unknown"]), (-1.0, 1.0))
            self.assertEqual(set(chosen), set(score))
            # The last unknown one passes while it is waited for.
            self.assertEqual(ask(desk, patience_s=30)["score"], 0.5)

    def test_slime_takes_unknown_samples_out_of_the_loss(self):
        import os
        from tracelift_rl import slime

        def answer(items):
            said = told(items)
            for result, reward in zip(said["results"], [1.0, None, 0.0, 0.5], strict=True):
                result["reward"] = reward
            said["results"][1]["unknown"] = {"cause": "unfinished", "where": "completion", "message": "aborted"}
            return said

        samples = [
            types.SimpleNamespace(response="r", label="3", metadata={"question": "q"}, status=types.SimpleNamespace(value=status), remove_sample=False)
            for status in ["completed", "aborted", "truncated", "completed"]
        ]
        shared_client.cache_clear()
        with Desk(answer) as desk:
            os.environ["TRACELIFT_URL"] = desk.url
            self.addCleanup(os.environ.pop, "TRACELIFT_URL", None)
            self.assertEqual(awaited(shared_client(None), slime.rewards(None, samples)), [1.0, 0.5, 0.0, 0.5])
            self.assertEqual([sample.remove_sample for sample in samples], [False, True, False, False])
            reasons = [item.get("finish_reason") for item in desk.asked[0][2]["items"]]
            self.assertEqual(reasons, ["stop", "abort", "length", "stop"])


if __name__ == "__main__":
    unittest.main()
