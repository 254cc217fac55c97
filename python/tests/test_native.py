"""The Rust side: answers, completions, programs, reward models, tables."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
from pathlib import Path

import tracelift_rl as rl


class Answers(unittest.TestCase):
    def test_verdicts_say_how_they_came_about(self):
        verdict = rl.verify_answer("\\frac{1}{2}", "So it is \\boxed{0.5}.")
        self.assertIs(verdict.equal, True)
        self.assertEqual((verdict.verdict, verdict.extracted, verdict.by), ("Equal", "0.5", "boxed"))
        self.assertTrue(verdict)
        self.assertFalse(rl.verify_answer("73", "The answer is not 73."))
        nothing = rl.verify_answer("73", "")
        self.assertEqual((nothing.equal, nothing.verdict), (False, "NoAnswer"))

    def test_unknown_is_neither_true_nor_false(self):
        verdict = rl.verify_answer("", "12")
        self.assertIsNone(verdict.equal)
        with self.assertRaisesRegex(TypeError, "neither equal nor different"):
            bool(verdict)

    def test_what_was_only_thought_is_no_answer(self):
        self.assertFalse(rl.verify_answer("73", "<think>The answer is 73.</think>"))
        self.assertTrue(rl.verify_answer("73", "<think>Perhaps 74?</think>The answer is 73."))
        self.assertIsNone(rl.extract_answer("<think>73"))

    def test_batches_agree_with_single_calls(self):
        golds = ["12", "12", "\\sqrt{2}", "June 20", "x"]
        predictions = ["12.0", "13", "1.41421356", "July 20", "\\boxed{x}"]
        batch = rl.verify_answers(golds, predictions)
        self.assertEqual(
            [(one.equal, one.rule) for one in batch],
            [(one.equal, one.rule) for one in map(rl.verify_answer, golds, predictions)],
        )
        with self.assertRaisesRegex(ValueError, "5 gold answers and 4 predictions"):
            rl.verify_answers(golds, predictions[1:])

    def test_options_are_named_when_they_are_wrong(self):
        self.assertFalse(rl.verify_answer("7", "There are 7 of them.", last_number=False))
        with self.assertRaisesRegex(ValueError, "match_types.*words"):
            rl.verify_answer("7", "7", match_types=["words"])
        with self.assertRaisesRegex(ValueError, "precision"):
            rl.verify_answer("7", "7", precision=4_000_000)
        with self.assertRaises(TypeError):
            rl.verify_answer(7, "7")

    def test_texts_of_every_kind_are_taken(self):
        for text in ["", "\0", "答案：12", "\u202e12", "(" * 10_000, "1" * 100_000, "\\frac{" * 2_000]:
            rl.verify_answer("12", text)
            rl.extract_answer(text)
        self.assertTrue(rl.verify_answer("12", "答案：12"))

    def test_threads_compare_side_by_side(self):
        wrong = []

        def work():
            for number in range(200):
                if not rl.verify_answer(str(number), f"The answer is {number}."):
                    wrong.append(number)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Completions(unittest.TestCase):
    def test_a_trace_or_its_defect(self):
        trace = rl.parse_trace("<think>hm</think><reasoning> 2 + 2 = 4 </reasoning><|im_end|>")
        self.assertEqual((trace.text, trace.defect), ("2 + 2 = 4", None))
        self.assertTrue(trace)
        for completion, words, defect in [
            ("2 + 2 = 4", {}, "no_tags"),
            ("<reasoning> 2 + 2", {}, "unclosed"),
            ("<reasoning> 2 + 2", {"finish_reason": "length"}, "truncated"),
            ("<reasoning> a </reasoning> 4", {}, "text_outside"),
            ("", {}, "empty"),
        ]:
            trace = rl.parse_trace(completion, **words)
            self.assertEqual((trace.text, trace.defect), (None, defect), completion)
            self.assertFalse(trace)
            self.assertTrue(trace.message)
        self.assertEqual(rl.parse_trace("<reasoning> a", end="closes").text, "a")
        self.assertEqual(rl.parse_trace("a", tags="optional").text, "a")

    def test_words_that_do_not_exist_are_named(self):
        for words in [{"end": "open"}, {"tags": "maybe"}, {"finish_reason": "abort"}]:
            with self.assertRaisesRegex(ValueError, next(iter(words))):
                rl.parse_trace("a", **words)


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = rl.Sandbox(jobs=2, require=os.environ.get("TRACELIFT_TEST_LEVEL", "L1"), time_limit_s=2.0)
        try:
            print(cls.sandbox.observed(), file=sys.stderr)
        except RuntimeError as error:
            raise unittest.SkipTest(f"SKIPPED: programs cannot be run here: {error}") from error

    def test_a_run_says_how_it_ended(self):
        run = self.sandbox.run("import sys; print(input()[::-1]); print('x', file=sys.stderr); sys.exit(3)", "abc")
        self.assertEqual((run.ending, run.returncode, run.stdout, run.stderr), ("exited", 3, b"cba\n", b"x\n"))
        self.assertEqual(self.sandbox.run("import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())", b"\xff\0").stdout, b"\xff\0")
        self.assertEqual(self.sandbox.run("while True: pass").ending, "cpu_limit")
        self.assertEqual(self.sandbox.run("import os; os.kill(os.getpid(), 11)").returncode, -11)

    def test_completions_are_judged(self):
        io = {"tests": [{"stdin": "1", "stdout": "2"}]}
        function = {"function": {"entry": "f", "asserts": ["assert f(1) == 2"]}}
        right = "Here it is:\n```python\nprint(int(input()) + 1)\n```"
        judged = self.sandbox.judge_all(
            [right, "```python\nprint(0)\n```", "def f(x): return x + 1", ""], [io, io, function, function]
        )
        self.assertEqual([one.passed for one in judged], [True, False, True, False])
        self.assertEqual([one.verdict for one in judged][1::2], ["wrong_answer", "no_artifact"])
        self.assertTrue(self.sandbox.judge(right, io))
        self.assertEqual(self.sandbox.judge(right, io).program, "print(int(input()) + 1)\n")

    def test_a_program_that_is_equal_to_everything_is_not_accepted(self):
        liar = "class Any:\n    def __eq__(self, other): return True\ndef f(x): return Any()"
        judgement = self.sandbox.judge(liar, {"function": {"entry": "f", "asserts": ["assert f(1) == 2"]}})
        self.assertIs(judgement.passed, False)

    def test_golds_that_cannot_judge_are_named(self):
        for gold, words in [({"answer": "2"}, "verify_answer"), ({"test": []}, "unknown variant"), (3, "gold 0")]:
            with self.assertRaisesRegex(ValueError, words):
                self.sandbox.judge("print(1)", gold)
        with self.assertRaisesRegex(ValueError, "1 completions and 0 golds"):
            self.sandbox.judge_all(["print(1)"], [])

    def test_settings_are_checked(self):
        for settings, words in [({"level": "L9"}, "L9"), ({"jobs": 0}, "jobs"), ({"time_limit_s": 0}, "time_limit_s")]:
            with self.assertRaisesRegex(ValueError, words):
                rl.Sandbox(**settings)
        with self.assertRaisesRegex(RuntimeError, "no-such-python"):
            rl.Sandbox(python="no-such-python").observed()

    def test_control_c_ends_a_wait(self):
        program = textwrap.dedent(
            """
            import signal, sys, tracelift_rl as rl
            # Whoever runs the tests in the background may have it ignored, and children inherit that.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sandbox = rl.Sandbox(jobs=1, require=sys.argv[1], time_limit_s=60.0)
            sandbox.observed()
            print("ready", flush=True)
            try:
                sandbox.run("import time; time.sleep(4)")
            except KeyboardInterrupt:
                print("interrupted", flush=True)
            """
        )
        level = os.environ.get("TRACELIFT_TEST_LEVEL", "L1")
        child = subprocess.Popen([sys.executable, "-c", program, level], stdout=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.readline(), "ready\n")
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        said, _ = child.communicate(timeout=60)
        self.assertEqual(said, "interrupted\n")


class Tables(unittest.TestCase):
    GROUP = {
        "problem_id": "p/1",
        "source": "gsm8k",
        "task_type": "math",
        "problem": "1 + 2?",
        "reference_solution": "1 + 2 = 3",
        "positive_pool": [{"reasoning": "1 + 2 = 3.", "rubric": None}],
        "negative_bank": [{"reasoning": "1 + 2 = 4.", "negative_kind": "arithmetic_slip", "rubric": None}],
        "metadata": {"answer": "3"},
    }
    NAMES = ["problem_understanding", "solution_strategy", "step_coherence", "calculation_correctness", "answer_support"]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        group = json.loads(json.dumps(self.GROUP))
        group["positive_pool"][0]["rubric"] = {name: 4 for name in self.NAMES} | {"total": 1.0}
        group["negative_bank"][0]["rubric"] = {name: 2 for name in self.NAMES} | {"total": 0.5}
        self.file = Path(self.folder.name, "groups.jsonl")
        self.file.write_text(json.dumps(group) + "\n", encoding="utf-8")

    def test_groups_are_a_row_a_trace(self):
        table = rl.read_groups(self.file)
        self.assertEqual((len(table), table.num_rows), (2, 2))
        self.assertEqual(table.column_names[:2] + table.column_names[-1:], ["problem_id", "family", "total"])
        try:
            import pyarrow
        except ImportError:
            self.skipTest("SKIPPED: pyarrow is not installed")
        rows = pyarrow.table(table).to_pylist()
        self.assertEqual([row["negative_kind"] for row in rows], [None, "arithmetic_slip"])
        self.assertEqual([row["total"] for row in rows], [1.0, 0.5])
        # A stream is read once; the table may be read again.
        self.assertEqual(pyarrow.table(table).num_rows, 2)

    def test_what_cannot_be_read_is_named_with_its_line(self):
        with self.file.open("a", encoding="utf-8") as file:
            file.write("{}\n")
        with self.assertRaisesRegex(ValueError, r"groups\.jsonl.*2"):
            rl.read_groups(self.file)
        with self.assertRaisesRegex(OSError, "nowhere"):
            rl.read_groups(Path(self.folder.name, "nowhere"))
        with self.assertRaisesRegex(OSError, "no rollouts"):
            rl.read_rollouts(self.folder.name)
        Path(self.folder.name, "step_000001.parquet").write_bytes(b"PAR1")
        with self.assertRaisesRegex(OSError, "step_000001"):
            rl.read_rollouts(self.folder.name)

    def test_a_directory_without_a_reward_model_is_named(self):
        with self.assertRaisesRegex(OSError, "config.json"):
            rl.RewardModel(self.folder.name)


if __name__ == "__main__":
    unittest.main()
