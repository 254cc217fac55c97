"""Turns a random model of the `steps` world into one that writes traces: short, well-formed, and without meaning.

    tracelift model init DIR --tokenizer steps [--hidden …]
    python tools/make_scribbler.py DIR

A random model never closes a tag, so nobody reads what it writes, and a benchmark of a training step leaves half of the
step out. Here the last block's feed-forward layer becomes a table: one unit for each token of a few, which looks for the
token's embedding and writes the sum of those that may follow. What all blocks add to the residual stream is made small, so
that the token is still to be seen. The shape, and so the work, stays what it was.
"""

import argparse
import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

NAMES = ["a", "b", "c"]
FOLLOWING = {
    "</problem>": ["<reasoning>"],
    "<reasoning>": NAMES,
    **dict.fromkeys(NAMES, ["=", "+", "."]),
    "=": NAMES,
    "+": NAMES,
    ".": ["a", "b", "</reasoning>"],
    "</reasoning>": ["<eos>"],
    "<answer>": ["1", "2", "3"],
    **dict.fromkeys(["1", "2", "3"], ["<eos>"]),
}
QUIET = 1e-3
# What gate and up see of their own token after the norm: enough to drown what they see of others.
SEEN = 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="the checkpoint, which is changed in place")
    directory = parser.parse_args().directory
    config = json.loads((directory / "config.json").read_text())
    ids = json.loads((directory / "tokenizer.json").read_text())["model"]["vocab"]
    tensors = load_file(directory / "model.safetensors")
    for name, tensor in tensors.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            tensor *= QUIET
    directions = torch.nn.functional.normalize(tensors["model.embed_tokens.weight"][: len(ids)].float(), dim=-1)
    mlp = f"model.layers.{config['num_hidden_layers'] - 1}.mlp"
    for unit, (token, following) in enumerate(FOLLOWING.items()):
        look = directions[ids[token]] * SEEN / config["hidden_size"] ** 0.5
        tensors[f"{mlp}.gate_proj.weight"][unit] = look
        tensors[f"{mlp}.up_proj.weight"][unit] = look
        tensors[f"{mlp}.down_proj.weight"][:, unit] = directions[[ids[name] for name in following]].sum(0)
    temporary = directory / "model.safetensors.tmp"
    save_file(tensors, temporary, metadata={"format": "pt"})
    os.replace(temporary, directory / "model.safetensors")


if __name__ == "__main__":
    main()
