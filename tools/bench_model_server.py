"""Times `tracelift model serve` beside llama-cpp-python's server: the same weights, the same clients, one server after the other.

Needs llama-cpp-python with its server (`pip install "llama-cpp-python[server]"`), gguf, numpy and aiohttp.

    python tools/bench_model_server.py --binary target/release/tracelift --model models/smollm2-135m

The weights are a checkpoint of the Llama family in bf16, which this script writes as a GGUF file of bf16 matrices: nothing is
rounded. Every client asks at the same moment for a greedy continuation of a text of its own, as a stream, of a fixed number of
tokens that no end token may cut. Told are tokens per second (of all clients, from the first request to the last token), the time
to the first token (median and worst over clients), and the processor time of the server's process for a token.

`--ours`/`--theirs` add arguments to either server's command line.
"""

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import aiohttp
import gguf
import numpy as np

WORDS = "apples pens boxes trains books coins friends tickets shelves liters minutes pages cups chairs marbles".split()


def prompts(count: int) -> list[str]:
    """Texts of about forty tokens that begin differently."""
    draw = random.Random(18)
    texts = []
    for _ in range(count):
        parts = [f"{draw.randint(2, 99)} {draw.choice(WORDS)}" for _ in range(10)]
        texts.append(f"On the table are {', '.join(parts)}. Counting all of them one after another, we see that")
    return texts


def tensors(path: Path):
    """Names and bf16 values (as 16-bit whole numbers) of a safetensors file, which numpy has no type for."""
    with open(path, "rb") as file:
        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        begin = file.tell()
        for name, what in head.items():
            if name == "__metadata__":
                continue
            if what["dtype"] != "BF16":
                raise SystemExit(f"{path}: {name} is {what['dtype']}, not BF16")
            first, end = what["data_offsets"]
            file.seek(begin + first)
            yield name, np.frombuffer(file.read(end - first), dtype=np.uint16).reshape(what["shape"])


def as_gguf(model: Path, out: Path) -> None:
    """Writes a Llama checkpoint as llama.cpp's converter does: queries and keys in its order of channels."""
    config = json.loads((model / "config.json").read_text())
    if config["model_type"] != "llama":
        raise SystemExit(f"{model} is of the family {config['model_type']}; this script writes llama alone")
    heads, keys = config["num_attention_heads"], config["num_key_value_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    theta = config.get("rope_theta") or config["rope_parameters"]["rope_theta"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(keys)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(theta)
    writer.add_rope_dimension_count(width)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    added = {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    names = {number: token for token, number in tokenizer["model"]["vocab"].items()} | added
    tokens = [names.get(number, f"[PAD{number}]") for number in range(config["vocab_size"])]
    kinds = [gguf.TokenType.CONTROL if number in added else gguf.TokenType.NORMAL for number in range(len(tokens))]
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)

    def in_order(value: np.ndarray, count: int) -> np.ndarray:
        rows, columns = value.shape
        return value.reshape(count, 2, rows // count // 2, columns).swapaxes(1, 2).reshape(rows, columns)

    places = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    }
    for name, value in tensors(model / "model.safetensors"):
        if name == "model.embed_tokens.weight":
            put = "token_embd"
        elif name == "model.norm.weight":
            put = "output_norm"
        elif name == "lm_head.weight":
            put = "output"
        else:
            _, _, layer, place = name.removesuffix(".weight").split(".", 3)
            put = f"blk.{layer}.{places[place]}"
            if put.endswith("attn_q"):
                value = in_order(value, heads)
            elif put.endswith("attn_k"):
                value = in_order(value, keys)
        if value.ndim == 1:
            wide = (value.astype(np.uint32) << 16).view(np.float32)
            writer.add_tensor(f"{put}.weight", wide)
        else:
            raw = np.ascontiguousarray(value).view(np.uint8)
            writer.add_tensor(f"{put}.weight", raw, raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def processor_seconds(process: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Megabytes that a process holds."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


async def ask(session: aiohttp.ClientSession, url: str, body: dict, begun: float) -> tuple[float, int, str]:
    """A stream: when its first token came, how many pieces it had, and its text."""
    first, pieces, text = 0.0, 0, ""
    async with session.post(f"{url}/v1/completions", json=body) as response:
        if response.status != 200:
            raise SystemExit(f"{url}: {response.status} {await response.text()}")
        async for line in response.content:
            if not line.startswith(b"data: {"):
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0].get("text"):
                first = first or time.perf_counter() - begun
                pieces += 1
                text += choices[0]["text"]
    return first, pieces, text


async def round_of(url: str, bodies: list[dict]) -> tuple[float, list[tuple[float, int, str]]]:
    """All clients at once; how long it took, and what each met."""
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=3600)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        begun = time.perf_counter()
        met = await asyncio.gather(*(ask(session, url, body, begun) for body in bodies))
        return time.perf_counter() - begun, met


def wait_for(url: str, process: subprocess.Popen) -> None:
    """Until a server answers."""
    for _ in range(1200):
        if process.poll() is not None:
            raise SystemExit(f"the server at {url} ended with {process.returncode}")
        try:
            urllib.request.urlopen(f"{url}/v1/models", timeout=5).read()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server at {url} does not answer")


def main() -> None:
    """Runs both servers in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=Path("target/release/tracelift"))
    parser.add_argument("--model", type=Path, required=True, help="a Llama checkpoint in bf16")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--ours", default="", help="more arguments of `tracelift model serve`")
    parser.add_argument("--theirs", default="", help="more arguments of `python -m llama_cpp.server`")
    parser.add_argument("--without-peer", action="store_true", help="time `tracelift model serve` alone")
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "model.gguf"
        as_gguf(settings.model, weights)
        ports = [free_port(), free_port()]
        commands = {
            "tracelift": [
                str(settings.binary), "model", "serve", str(settings.model), "--name", "m", "--port", str(ports[0]),
                "--threads", str(settings.threads), "--log-level", "warn", *settings.ours.split(),
            ],
            "llama-cpp-python": [
                sys.executable, "-m", "llama_cpp.server", "--model", str(weights), "--model_alias", "m", "--port", str(ports[1]),
                "--n_threads", str(settings.threads), "--n_threads_batch", str(settings.threads), "--n_ctx", "2048",
                "--interrupt_requests", "false", "--verbose", "false", *settings.theirs.split(),
            ],
        }
        if settings.without_peer:
            del commands["llama-cpp-python"]
        end = json.loads((settings.model / "config.json").read_text())["eos_token_id"]
        texts = prompts(settings.clients)
        base = {"model": "m", "max_tokens": settings.tokens, "temperature": 0, "stream": True}
        # How each is told not to end a text.
        never_ends = {"tracelift": {"ignore_eos": True}, "llama-cpp-python": {"logit_bias": {str(end): -100}}}
        found: dict[str, list[dict]] = {name: [] for name in commands}
        written: dict[str, list[str]] = {}
        for _ in range(settings.rounds):
            for (name, command), port in zip(commands.items(), ports):
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                try:
                    url = f"http://127.0.0.1:{port}"
                    wait_for(url, process)
                    bodies = [base | never_ends[name] | {"prompt": text} for text in texts]
                    asyncio.run(round_of(url, [bodies[0] | {"prompt": "A first text to warm up with", "max_tokens": 4}]))
                    before = processor_seconds(process.pid)
                    seconds, met = asyncio.run(round_of(url, bodies))
                    used = processor_seconds(process.pid) - before
                    tokens = settings.clients * settings.tokens
                    firsts = [first for first, _, _ in met]
                    written[name] = [text for _, _, text in met]
                    found[name].append({
                        "tokens/s": tokens / seconds, "first median": statistics.median(firsts), "first worst": max(firsts),
                        "CPU ms/token": 1000 * used / tokens, "MB": resident(process.pid),
                    })
                    print(name, {key: round(value, 3) for key, value in found[name][-1].items()}, flush=True)
                finally:
                    process.terminate()
                    process.wait(timeout=60)
        if len(commands) == 2:
            same = sum(one == other for one, other in zip(*written.values()))
            ours, theirs = (statistics.mean(round_["tokens/s"] for round_ in rounds) for rounds in found.values())
            first, their_first = (statistics.mean(round_["first median"] for round_ in rounds) for rounds in found.values())
            print(f"{ours / theirs:.2f} times the tokens per second; first token after {first:.2f} s, theirs after {their_first:.2f} s")
            print(f"{same} of {settings.clients} greedy texts are the same")


if __name__ == "__main__":
    main()
