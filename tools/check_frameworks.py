#!/usr/bin/env python3
"""Trains and scores through the served reward with the frameworks themselves, on a CPU.

    pip install -r tools/requirements-frameworks.txt
    pip install target/wheels/tracelift_rl-*.whl          # or PYTHONPATH=python with a module that was built there
    python tools/check_frameworks.py                      # all of it
    python tools/check_frameworks.py trl verl             # parts: export, trl, outage, lora, verl, openrlhf, verifiers, harnesses

Needs the command `tracelift` (of the package, or what TRACELIFT names). Executor, planner and problems are those of the world
`words`. Prints what each check found; the exit status is 1 if one does not hold.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLANNER = ROOT / "checkpoints/words/planner"
EXECUTOR = ROOT / "checkpoints/words/executor"
SERVE = """
listen = "127.0.0.1:0"
[reward]
rule = "exec_only_matched"
runs = 3
problems = "groups.jsonl"
baselines = "baselines.sqlite"
[reward.executor.in_process]
model = {executor}
prompt = "world"
sampling = {{ max_tokens = 8 }}
"""

os.environ.setdefault("HF_HUB_OFFLINE", "1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which (default: all)")
    parts = parser.parse_args().parts or list(PARTS)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder)
        tracelift(desk, "world", "groups", "--world", "words", "--count", "200", "--out", "groups.jsonl")
        (desk / "serve.toml").write_text(SERVE.format(executor=json.dumps(str(EXECUTOR))), encoding="utf-8")
        for part in parts:
            start = time.monotonic()
            print(f"== {part}", flush=True)
            try:
                PARTS[part](desk)
            except Exception as error:  # One framework that fails does not hide the others.
                failed.append(part)
                print(f"   FAILED: {type(error).__name__}: {error}", flush=True)
            print(f"   {time.monotonic() - start:.0f} s", flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def holds(what: str, true: bool) -> None:
    print(f"   {'ok' if true else 'NOT'}: {what}", flush=True)
    if not true:
        raise AssertionError(what)


def tracelift(desk: Path, *arguments: str) -> str:
    from tracelift_rl.server import binary

    run = subprocess.run([str(binary()), *arguments], cwd=desk, capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(f"tracelift {' '.join(arguments)}: {run.stderr.strip()}")
    return run.stdout


def serving(desk: Path, **overrides):
    from tracelift_rl import serve

    return serve("serve.toml", overrides, cwd=desk)


def exported(desk: Path, to: str, name: str, *more: str) -> Path:
    out = desk / name
    tracelift(desk, "groups", "export", "groups.jsonl", "--to", to, "--out", str(out), *more)
    return out


def check_export(desk: Path) -> None:
    """What `groups export` writes is read by `datasets`, and holds what a reward needs."""
    from datasets import load_dataset

    for to, columns in [
        ("sft", {"prompt", "completion", "problem_id"}),
        ("trl-grpo", {"prompt", "problem_id", "statement", "source", "domain", "gold"}),
        ("openrlhf", {"input", "label"}),
    ]:
        data = load_dataset("json", data_files=str(exported(desk, to, f"{to}.jsonl")), split="train", cache_dir=str(desk / "cache"))
        holds(f"{to}: {len(data)} rows with {', '.join(sorted(columns))}", set(data.column_names) == columns and len(data) > 100)
    data = load_dataset("parquet", data_files=str(exported(desk, "verl-parquet", "verl.parquet")), split="train", cache_dir=str(desk / "cache"))
    row = data[0]
    holds("verl-parquet: a conversation, and the gold in extra_info", row["prompt"][0]["role"] == "system" and "answer" in json.loads(row["extra_info"]["gold"]))


def trainer(desk: Path, url: str, steps: int, name: str, peft=None, callbacks=(), **reward):
    """TRL's GRPOTrainer on the planner of `words`: the same eight problems with eight traces each in every step, seed 18."""
    from datasets import load_dataset
    from tracelift_rl.trl import TraceLiftReward
    from transformers import AutoTokenizer, PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    rows = exported(desk, "trl-grpo", "world.jsonl", "--prompt", "world")
    data = load_dataset("json", data_files=str(rows), split="train", cache_dir=str(desk / "cache")).select(range(8))
    settings = GRPOConfig(
        output_dir=str(desk / name),
        per_device_train_batch_size=64,
        num_generations=8,
        max_completion_length=64,
        max_steps=steps,
        learning_rate=2e-4 if peft is None else 2e-3,
        lr_scheduler_type="constant",
        logging_steps=1,
        beta=0.0,
        seed=18,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    made = GRPOTrainer(
        model=str(PLANNER),
        reward_funcs=[TraceLiftReward(url, max_completion_length=64, **reward)],
        train_dataset=data,
        args=settings,
        processing_class=AutoTokenizer.from_pretrained(str(PLANNER)),
        peft_config=peft,
        callbacks=list(callbacks),
    )
    made.remove_callback(PrinterCallback)
    return made


def logs(trained) -> list:
    return [entry for entry in trained.state.log_history if "reward" in entry]


def check_trl(desk: Path) -> None:
    """Thirty steps raise the reward, and the parts are logged."""
    with serving(desk) as server:
        trained = trainer(desk, server.url, 30, "trl")
        trained.train()
        counted = server.client()._client().get(f"{server.url}/metrics").text
    entries = logs(trained)
    first = sum(entry["reward"] for entry in entries[:10]) / 10
    last = sum(entry["reward"] for entry in entries[-10:]) / 10
    holds(f"mean reward of the first ten steps {first:.3f}, of the last ten {last:.3f}: 0.05 more at least", last > first + 0.05)
    holds("every part that the rule has is logged", all(f"tracelift/{part}" in entries[0] for part in ["e", "w", "unknown", "defect", "leaked"]))
    holds("nothing was unknown", all(entry["tracelift/unknown"] == 0.0 for entry in entries))
    holds("the server counted the rewards", "tracelift_rewards_total" in counted)


def check_outage(desk: Path) -> None:
    """The server goes away after the third step and comes back after the fifth; the training goes on."""
    from transformers import TrainerCallback

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    servers = [serving(desk, listen=address)]

    class Outage(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 3:
                servers.pop().stop()
            if state.global_step == 5:
                servers.append(serving(desk, listen=address))

    try:
        trained = trainer(desk, f"http://{address}", 8, "outage", callbacks=[Outage()], retries=1, backoff=0.1)
        trained.train()
    finally:
        for server in servers:
            server.stop()
    unknown = [entry["tracelift/unknown"] for entry in logs(trained)]
    holds(f"unknown, by step: {unknown}", unknown == [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0])


def check_lora(desk: Path) -> None:
    """A LoRA run of TRL, whose adapter `tracelift model merge` makes a planner of."""
    from peft import LoraConfig

    with serving(desk) as server:
        trained = trainer(desk, server.url, 3, "lora", peft=LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
        trained.train()
        trained.save_model(str(desk / "adapter"))
    tracelift(desk, "model", "merge", "adapter", "merged", "--base", str(PLANNER))
    holds("the merged planner is a checkpoint", (desk / "merged/model.safetensors").exists())


def check_verl(desk: Path) -> None:
    """Four of verl's reward loop workers in a local Ray, on its own data set's rows."""
    import numpy
    import ray
    import torch
    from omegaconf import OmegaConf
    from transformers import AutoTokenizer
    from verl import DataProto
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker

    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(exported(desk, "verl-parquet", "verl.parquet", "--prompt", "world")).to_pylist()[:4]
    groups = [json.loads(line) for line in (desk / "groups.jsonl").read_text(encoding="utf-8").splitlines()[:4]]
    samples = []
    for row, group in zip(rows, groups, strict=True):
        traces = [group["positive_pool"][0]["reasoning"], *[flawed["reasoning"] for flawed in group["negative_bank"][:3]]]
        samples += [(row, f"<reasoning> {trace} </reasoning>") for trace in traces]
    tokenizer = AutoTokenizer.from_pretrained(str(PLANNER))
    length = 96
    ids = torch.zeros(len(samples), length, dtype=torch.long)
    mask = torch.zeros(len(samples), length, dtype=torch.long)
    for index, (_, completion) in enumerate(samples):
        tokens = tokenizer(completion, add_special_tokens=False)["input_ids"]
        ids[index, : len(tokens)] = torch.tensor(tokens)
        mask[index, : len(tokens)] = 1
    objects = lambda values: numpy.array([*values, None], dtype=object)[:-1]  # noqa: E731
    data = DataProto.from_dict(
        tensors={"prompts": ids[:, :4], "responses": ids, "attention_mask": torch.cat([torch.ones(len(samples), 4, dtype=torch.long), mask], 1)},
        non_tensors={name: objects(row[name] for row, _ in samples) for name in ["data_source", "reward_model", "extra_info"]},
    )
    with serving(desk, **{"reward.rule": "uplift_only", "reward.baselines": "verl.sqlite"}) as server:
        settings = OmegaConf.create(
            {
                "actor_rollout_ref": {"model": {"path": str(PLANNER), "tokenizer_path": None}},
                "reward": {
                    "num_workers": 4,
                    "reward_model": {"enable": False},
                    "reward_manager": {"source": "register", "name": "naive", "module": None},
                    "custom_reward_function": {
                        "path": "pkg://tracelift_rl.verl",
                        "name": "compute_score",
                        "reward_kwargs": {"url": server.url},
                    },
                    "sandbox_fusion": {"url": None, "max_concurrent": 64, "memory_limit_mb": 1024},
                },
            }
        )
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        try:
            worker = ray.remote(num_cpus=0)(RewardLoopWorker)
            workers = [worker.remote(settings) for _ in range(4)]
            share = len(samples) // 4
            asked = [one.compute_score_batch.remote(data[index * share : (index + 1) * share]) for index, one in enumerate(workers)]
            scores = [score for part in ray.get(asked) for score in part]
        finally:
            ray.shutdown()
        with server.client() as client:
            direct = client.reward(
                {"problem": {"statement": row["extra_info"]["statement"], "source": row["data_source"], "gold": json.loads(row["extra_info"]["gold"])}, "completion": completion}
                for row, completion in samples
            )
            counted = client._client().get(f"{server.url}/metrics").text
    told = [score["reward_score"] for score in scores]
    holds(f"4 workers, {len(told)} rewards, each what the server says directly", told == direct.rewards and None not in told)
    holds("every sample has the same names of parts", len({frozenset(score["reward_extra_info"]) for score in scores}) == 1)
    calls = sum(float(line.split()[-1]) for line in counted.splitlines() if line.startswith("tracelift_executor_calls_total"))
    # Three runs with each trace, twice; three without a trace for each of four problems, once.
    holds(f"{calls:.0f} executor calls: each baseline was measured once", calls == 2 * 3 * len(samples) + 3 * 4)


def check_openrlhf(desk: Path) -> None:
    """OpenRLHF's own executor of single turns, by a file with `reward_func` and by URL."""
    try:
        from openrlhf.utils.agent import SingleTurnAgentExecutor as Executor
    except ImportError as error:
        print(f"   SKIPPED: openrlhf cannot be imported here: {error}", flush=True)
        return
    file = subprocess.run([sys.executable, "-m", "tracelift_rl.openrlhf"], capture_output=True, text=True, check=True).stdout.strip()
    rows = [json.loads(line) for line in exported(desk, "openrlhf", "openrlhf.jsonl", "--prompt", "world").read_text(encoding="utf-8").splitlines()[:4]]
    with serving(desk, **{"reward.rule": "uplift_only"}) as server:
        os.environ["TRACELIFT_URL"] = server.url
        found = {}
        for endpoint in [file, f"{server.url}/get_reward"]:
            executor = Executor(endpoint)
            ask = executor._fetch_rewards_via_func if endpoint.endswith(".py") else executor._fetch_rewards_via_http
            told = []
            for row in rows:
                query = f"{row['input']}<reasoning> none of it . </reasoning><eos>"
                [info] = asyncio.run(ask([query], [row["input"]], [row["label"]]))
                told.append(float(info["rewards"][0]))
            found["func" if endpoint == file else "http"] = told
    # The function's are tensors of 32 bits.
    alike = all(abs(one - other) < 1e-6 for one, other in zip(found["func"], found["http"], strict=True))
    holds(f"rewards by function and by URL: {found}", alike)


def check_verifiers(desk: Path) -> None:
    """verifiers' own evaluation, with our model server as the planner: every rollout's reward is that of a direct call."""
    rows = exported(desk, "trl-grpo", "verifiers.jsonl", "--prompt", "world")
    few = rows.read_text(encoding="utf-8").splitlines()[:6]
    rows.write_text("".join(f"{line}\n" for line in few), encoding="utf-8")
    # verifiers speaks in messages alone, and this planner's prompts are texts as they stand.
    shutil.copytree(PLANNER, desk / "planner")
    (desk / "planner/chat_template.jinja").write_text("{{ messages[-1].content }}", encoding="utf-8")
    (desk / "planner.toml").write_text('listen = "127.0.0.1:0"\n[model.planner]\nmodel = "planner"\n', encoding="utf-8")
    from tracelift_rl import RewardClient, serve

    with serving(desk) as server, serve("planner.toml", cwd=desk) as planner:
        command = [
            str(Path(sys.executable).with_name("vf-eval")), "tracelift-planner",
            "--env.taskset.data", str(rows), "--env.taskset.url", server.url, "-m", "planner", "-r", "4",
            "--client.base-url", f"{planner.url}/v1", "--client.api-key-var", "TRACELIFT_NO_KEY",
            "--sampling.temperature", "1.0", "--sampling.max-tokens", "64",
            "--no-push", "--no-rich", "-o", str(desk / "verifiers"), "--run.dir", "run",
        ]  # fmt: skip
        environment = os.environ | {"TRACELIFT_NO_KEY": "none", "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(command, cwd=desk, capture_output=True, text=True, env=environment)
        if run.returncode != 0:
            raise RuntimeError(f"vf-eval: {run.stderr[-3000:]} {run.stdout[-1000:]}")
        episodes = [json.loads(line) for line in (desk / "verifiers/run/traces.jsonl").read_text(encoding="utf-8").splitlines()]
        traces = [trace for episode in episodes for trace in episode.get("traces", [episode])]
        broken = [trace["errors"] for trace in traces if trace["errors"]]
        if broken:
            raise RuntimeError(f"a rollout failed: {broken[0]}")
        rewards = [trace["rewards"]["tracelift"] for trace in traces]
        told = [reward["score"] for reward in rewards]
        items = []
        for trace in traces:
            last = [node["message"] for node in trace["nodes"] if node["message"]["role"] == "assistant"][-1]
            items.append(trace["task"]["data"]["asked"] | {"completion": last["content"], "finish_reason": "stop"})
        again = RewardClient(server.url).reward(items).rewards
    holds(f"{len(traces)} rollouts of {len(few)} problems, rewards {sorted(set(told))}", len(traces) == 4 * len(few) and len(set(told)) > 1)
    holds("each is the reward of a direct call", all(abs(one - other) < 1e-6 for one, other in zip(told, again, strict=True)))
    names = set(traces[0]["metrics"])
    holds(f"metrics {', '.join(sorted(names))}", {"e", "w", "leaked", "no_trace"} <= names)


def check_harnesses(desk: Path) -> None:
    """lm-eval and Inspect, with a model of ours behind OpenAI's routes, and answers judged by our verifier."""
    from tracelift_rl import serve, verify_answer

    shutil.copytree(EXECUTOR, desk / "executor")
    (desk / "executor/chat_template.jinja").write_text("{{ messages[-1].content }}", encoding="utf-8")
    (desk / "executor.toml").write_text('listen = "127.0.0.1:0"\n[model.executor]\nmodel = "executor"\n', encoding="utf-8")
    rows = [json.loads(line) for line in exported(desk, "trl-grpo", "harnesses.jsonl", "--prompt", "world").read_text(encoding="utf-8").splitlines()[:12]]
    # What the executor is told, with a trace that says the answer.
    golds = [answer_of(row["gold"]) for row in rows]
    documents = [
        {"question": f"<problem> {row['statement']} </problem> <reasoning> so it is {gold} </reasoning> #### ", "answer": f"so: #### {gold}"}
        for row, gold in zip(rows, golds, strict=True)
    ]
    (desk / "documents.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    with serve("executor.toml", cwd=desk) as model:
        judged = lm_eval_of(desk, model.url) | {"inspect": inspect_of(desk, model.url, documents)}
    for harness, samples in judged.items():
        direct = [verify_answer(gold, text).equal for gold, text, _ in samples]
        holds(f"{harness}: {len(samples)} answers, {sum(bool(equal) for equal in direct)} right; its scores are the verifier's", direct == [equal for _, _, equal in samples] and len(samples) == len(documents))


def answer_of(gold) -> str:
    """Of a column of one type, an object is text."""
    gold = json.loads(gold) if isinstance(gold, str) and gold.startswith("{") else gold
    return gold["answer"] if isinstance(gold, dict) else str(gold)


def lm_eval_of(desk: Path, url: str) -> dict:
    import lm_eval
    from lm_eval.tasks import TaskManager

    tasks = desk / "tasks"
    tasks.mkdir()
    (tasks / "tracelift.py").write_text("from tracelift_rl.lm_eval import mean_of_known, process_results, share\n", encoding="utf-8")
    (tasks / "words.yaml").write_text(
        f"""task: words
dataset_path: json
dataset_kwargs: {{data_files: {{test: {json.dumps(str(desk / "documents.jsonl"))}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
process_results: !function tracelift.process_results
metric_list:
  - {{metric: equal, aggregation: !function tracelift.mean_of_known, higher_is_better: true}}
  - {{metric: undecided, aggregation: !function tracelift.share, higher_is_better: false}}
generation_kwargs: {{until: ["\\n"], do_sample: false, max_gen_toks: 8}}
""",
        encoding="utf-8",
    )
    found = lm_eval.simple_evaluate(
        model="local-completions",
        model_args={"base_url": f"{url}/v1/completions", "model": "executor", "tokenizer_backend": "none", "tokenized_requests": False},
        tasks=["words"],
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        bootstrap_iters=0,
    )
    samples = [(s["doc"]["answer"].rpartition("#### ")[2], s["resps"][0][0], {1.0: True, 0.0: False, None: None}[s["equal"]]) for s in found["samples"]["words"]]
    holds(f"lm-eval's table: {found['results']['words']['equal,none']:.3f}", abs(found["results"]["words"]["equal,none"] - sum(bool(equal) for _, _, equal in samples) / len(samples)) < 1e-9)
    return {"lm-eval": samples}


def inspect_of(desk: Path, url: str, documents: list) -> list:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.solver import generate
    from tracelift_rl.inspect_ai import equivalent

    os.environ |= {"LOCAL_API_KEY": "none", "LOCAL_BASE_URL": f"{url}/v1"}
    samples = [Sample(input=document["question"], target=document["answer"]) for document in documents]
    task = Task(dataset=MemoryDataset(samples), solver=generate(max_tokens=8, temperature=0.0), scorer=equivalent())
    [log] = eval(task, model="openai-api/local/executor", log_dir=str(desk / "logs"), display="none")
    holds(f"Inspect's log: {log.status}", log.status == "success")
    told = []
    for sample in log.samples:
        score = sample.scores["equivalent"]
        told.append((str(sample.target).rpartition("#### ")[2], sample.output.completion, {"C": True, "I": False}.get(score.value)))
    return told


PARTS = {
    "export": check_export,
    "trl": check_trl,
    "outage": check_outage,
    "lora": check_lora,
    "verl": check_verl,
    "openrlhf": check_openrlhf,
    "verifiers": check_verifiers,
    "harnesses": check_harnesses,
}

if __name__ == "__main__":
    main()
