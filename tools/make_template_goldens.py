"""Makes the goldens of expressions in chat templates, with jinja2 set up as transformers does for `apply_chat_template`.

    python tools/make_template_goldens.py [--folder crates/engine/tests/golden/chat]

A case is a template of `expressions_in.json`, what transformers renders it to with the values of `VALUES`, or that it refuses
it. The templates are of the kinds that published chat templates use and that Python programmers reach for: methods of strings, lists and dicts, filters
with their arguments, tests, operators, slices, loops, macros, what is printed of values that are no strings, and `tojson`.
"""

import argparse
import copy
import json
import re
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

VALUES = {
    "s": "  Hello, World  ",
    "t": "<think>\nOne.\n</think>\n\nTwo. Two.",
    "u": "straße É Ωmega ß",
    "w": "the quick brown fox",
    "lines": "a\nb\r\nc\n",
    "empty": "",
    "n": 7,
    "m": -3,
    "f": 2.5,
    "big": 1e20,
    "small": 0.00001,
    "whole": 3.0,
    "yes": True,
    "no": False,
    "nothing": None,
    "xs": [3, 1, 2],
    "words": ["pear", "Apple", "fig"],
    "nested": [[1, 2], [3]],
    "d": {"b": 1, "a": "x", "c": None},
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image"}]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.0, "y": "é<"}}}]},
        {"role": "tool", "content": "42"},
    ],
}

def render(template: str) -> dict:
    """A case: the text, or that it is refused. What a template changes in the values is its own affair."""
    try:
        text = _compile_jinja_template(template).render(**copy.deepcopy(VALUES))
        # Where an object lies is another place in every run.
        return {"template": template, "text": re.sub(r"\bat 0x[0-9a-f]+", "at 0x0", text)}
    except Exception as error:  # whatever a template of strangers may raise
        return {"template": template, "refused": f"{type(error).__name__}: {error}"}


def main() -> None:
    folder = Path(__file__).resolve().parent.parent / "crates/engine/tests/golden/chat"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=folder, help="where the templates are and the goldens go (default: %(default)s)")
    folder = parser.parse_args().folder
    templates = json.loads((folder / "expressions_in.json").read_text())
    cases = [render(template) for template in templates]
    (folder / "expressions.json").write_text(json.dumps({"values": VALUES, "cases": cases}, ensure_ascii=False, indent=1) + "\n")
    refused = sum("refused" in case for case in cases)
    print(f"{folder / 'expressions.json'}: {len(cases)} templates, {refused} of them refused")


if __name__ == "__main__":
    main()
