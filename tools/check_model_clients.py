"""Drives `tracelift model serve` with the clients that others use, and compares what they get with transformers.

    pip install openai "lm_eval[api]"
    python tools/check_model_clients.py [--binary target/debug/tracelift] [--model DIR]

Without `--model` a small random checkpoint with a chat template is made. Checked are:

- the `openai` package: models, conversations, streams with usage, choices, seeds, stop texts, log-probabilities, errors by class;
  many requests at the same time, each answered as it is alone;
- transformers: greedy tokens are the same, log-probabilities of prompts within 1e-3 (in bf16 checkpoints products are of the same
  weights, which transformers computes here in float32);
- lm-eval: `local-completions` (log-likelihoods and generation) and `local-chat-completions` on two small tasks, of which the
  log-likelihoods are those of lm-eval's own `hf` model.

It fails where one of these does not hold.
"""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import lm_eval  # noqa: E402
import openai  # noqa: E402
import torch  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402

TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}<eos>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
CHOICES = """task: tiny_choices
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/choices.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_target: "{{label}}"
doc_to_choice: "{{choices}}"
metric_list: [{metric: acc}]
"""
WRITES = """task: tiny_writes
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/choices.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{choices[label]}}"
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 12, temperature: 0, do_sample: false}
metric_list: [{metric: exact_match}]
"""


def check(what: str, holds: bool, more: object = "") -> None:
    """Says that something holds, or ends with what does not."""
    if not holds:
        raise SystemExit(f"FAILED: {what} {more}")
    print(f"ok  {what} {more}", flush=True)


class Server:
    """The binary, until the block ends."""

    def __init__(self, binary: Path, model: Path, *arguments: str) -> None:
        command = [str(binary), "model", "serve", str(model), "--name", "org/tiny", "--port", "0", "--log-level", "warn", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip().split(" at ")[1] + "/v1"

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        check("the server drains and ends with 0", self.process.wait(timeout=60) == 0)


def openai_client(url: str) -> None:
    """All that the official client is used for."""
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    check("models", [model.id for model in client.models.list()] == ["org/tiny"])
    check("one model", client.models.retrieve("org/tiny").id == "org/tiny")
    ask = {"model": "org/tiny", "messages": [{"role": "user", "content": "Why is 2 + 3 five?"}], "temperature": 0.9, "seed": 5}
    whole = client.chat.completions.create(**ask, max_completion_tokens=24, n=2, logprobs=True, top_logprobs=3)
    check("two choices", len(whole.choices) == 2 and whole.usage.completion_tokens <= 48, whole.usage.total_tokens)
    again = client.chat.completions.create(**ask, max_completion_tokens=24, n=2)
    check("the same seed, the same texts", [c.message.content for c in again.choices] == [c.message.content for c in whole.choices])
    entries = whole.choices[0].logprobs.content
    check("log-probabilities", all(len(entry.top_logprobs) == 3 and entry.logprob <= 0 for entry in entries))
    said = b"".join(bytes(entry.bytes) for entry in entries).decode(errors="replace")
    check("tokens spell the text", said.startswith(whole.choices[0].message.content))
    stream = client.chat.completions.create(**ask, max_completion_tokens=24, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    check("a stream says the same", text == whole.choices[0].message.content)
    check("and ends with its usage", chunks[-1].usage is not None and not chunks[-1].choices)
    letter = next(letter for letter in whole.choices[0].message.content if letter.isascii() and letter.isalpha())
    cut = client.chat.completions.create(**ask, max_completion_tokens=24, stop=[letter]).choices[0]
    before = whole.choices[0].message.content.split(letter)[0]
    check("a stop text ends it", (cut.message.content, cut.finish_reason) == (before, "stop"))
    scored = client.completions.create(model="org/tiny", prompt=["One", "Two"], max_tokens=0, echo=True, logprobs=2)
    lists = scored.choices[1].logprobs
    check("prompts are scored", scored.choices[1].text == "Two" and lists.token_logprobs[0] is None and len(lists.tokens) >= 1)
    for error, body in [
        (openai.NotFoundError, {"model": "other"}),
        (openai.BadRequestError, {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        (openai.BadRequestError, {"max_completion_tokens": 10_000_000}),
    ]:
        try:
            client.chat.completions.create(**(ask | body))
            check(f"{error.__name__} for {list(body)}", False)
        except error as raised:
            check(f"{error.__name__}", raised.param is not None, raised.param)

    async def together() -> list[str]:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as many:
            bodies = [ask | {"seed": seed, "max_tokens": 8 + seed} for seed in range(24)]
            replies = await asyncio.gather(*(many.chat.completions.create(**body) for body in bodies))
            return [reply.choices[0].message.content for reply in replies]

    alone = [
        client.chat.completions.create(**(ask | {"seed": seed, "max_tokens": 8 + seed})).choices[0].message.content
        for seed in range(24)
    ]
    check("24 at the same time are answered as each alone", asyncio.run(together()) == alone)


def beside_transformers(url: str, folder: Path) -> None:
    """Greedy tokens and log-probabilities."""
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    worst = 0.0
    for prompt in ["Two and two", "In the beginning there was a tokenizer", "1 + 1 ="]:
        ids = tokenizer(prompt)["input_ids"]
        body = {"model": "org/tiny", "prompt": ids, "max_tokens": 12, "temperature": 0, "echo": True, "logprobs": 1}
        choice = client.completions.create(**body, extra_body={"ignore_eos": True, "return_token_ids": True}).choices[0]
        with torch.no_grad():
            wanted = model.generate(torch.tensor([ids]), max_new_tokens=12, min_new_tokens=12, do_sample=False)[0].tolist()
            # `min_new_tokens` bars end tokens instead of going on behind them, so only what comes before one is compared.
            logits = torch.log_softmax(model(torch.tensor([ids + choice.model_extra["token_ids"]])).logits[0].double(), -1)
        ends = set(model.generation_config.eos_token_id if isinstance(model.generation_config.eos_token_id, list)
                   else [model.generation_config.eos_token_id])
        found, wanted = choice.model_extra["token_ids"], wanted[len(ids):]
        until = next((at for at, token in enumerate(found) if token in ends), len(found))
        check("greedy tokens are transformers'", found[:until] == wanted[:until], f"{until} tokens")
        sequence = ids + found
        for at in range(1, len(sequence)):
            worst = max(worst, abs(choice.logprobs.token_logprobs[at] - logits[at - 1, sequence[at]].item()))
    check("log-probabilities are transformers'", worst < 1e-3, f"within {worst:.1e}")


def lm_evaluation(url: str, folder: Path, desk: Path) -> None:
    """lm-eval's three ways to ask."""
    things = ["apples", "pens", "boxes", "trains", "books", "coins"]
    with open(desk / "choices.jsonl", "w", encoding="utf-8") as file:
        for index, thing in enumerate(things):
            question = f"Ann has {index + 2} {thing} and buys 3 more. How many are there?"
            choices = [f" {index + 5}", f" {index + 2} {thing}", " 3, or ten"]
            file.write(json.dumps({"question": question, "choices": choices, "label": index % 3}) + "\n")
    tasks = desk / "tasks"
    tasks.mkdir()
    for name, text in [("choices", CHOICES), ("writes", WRITES)]:
        (tasks / f"{name}.yaml").write_text(text.replace("FOLDER", str(desk)))
    manager = TaskManager(include_path=str(tasks))

    def run(model: str, arguments: str, names: list[str], **more: object) -> dict:
        return lm_eval.simple_evaluate(
            model=model, model_args=arguments, tasks=names, task_manager=manager, log_samples=True, bootstrap_iters=0, **more
        )

    local = f"model=org/tiny,base_url={url}/completions,tokenizer={folder},tokenizer_backend=huggingface,max_length=512"
    names = ["tiny_choices", "tiny_writes"]
    ours = run("local-completions", f"{local},num_concurrent=4", names, batch_size=3)
    theirs = run("hf", f"pretrained={folder},dtype=float32,max_length=512", names, batch_size=1, device="cpu")

    def likelihoods(results: dict) -> list[tuple[float, bool]]:
        samples = sorted(results["samples"]["tiny_choices"], key=lambda sample: sample["doc_id"])
        return [tuple(response) for sample in samples for response in sample["filtered_resps"]]

    pairs = list(zip(likelihoods(ours), likelihoods(theirs), strict=True))
    worst = max(abs(float(one[0]) - float(other[0])) for one, other in pairs)
    check("log-likelihoods are those of `hf`", worst < 1e-2 and len(pairs) == 18, f"within {worst:.1e}")
    check("and so is whether each is the greedy text", all(str(one[1]) == str(other[1]) for one, other in pairs))
    wrote = [
        [sample["resps"][0][0] for sample in sorted(results["samples"]["tiny_writes"], key=lambda sample: sample["doc_id"])]
        for results in (ours, theirs)
    ]
    check("greedy texts are those of `hf`", wrote[0] == wrote[1], wrote if wrote[0] != wrote[1] else "")
    chat = run(
        "local-chat-completions", f"model=org/tiny,base_url={url}/chat/completions,num_concurrent=4", ["tiny_writes"],
        apply_chat_template=True,
    )
    check("`local-chat-completions` evaluates", len(chat["samples"]["tiny_writes"]) == len(things))


def main() -> None:
    """Makes a model where none is named, and checks all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=Path("target/debug/tracelift"))
    parser.add_argument("--model", type=Path, help="a checkpoint with a chat template")
    settings = parser.parse_args()
    binary = settings.binary.resolve()
    with tempfile.TemporaryDirectory() as name:
        desk = Path(name)
        folder = settings.model.resolve() if settings.model else desk / "tiny"
        if not settings.model:
            made = [str(binary), "model", "init", str(folder), "--hidden", "64", "--layers", "2", "--max-positions", "1024"]
            subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
            (folder / "chat_template.jinja").write_text(TEMPLATE)
        with Server(binary, folder) as server:
            openai_client(server.url)
            beside_transformers(server.url, folder)
            lm_evaluation(server.url, folder, desk)
    print("all is well")


if __name__ == "__main__":
    main()
