"""Answers compared by the Math-Verify library: one JSON request a line in, one JSON reply a line out.

The process that started this one bounds every request by killing it, so the library's own alarms stay off.
"""

import json
import sys

replies = sys.stdout
# Whatever the libraries print must not look like a reply.
sys.stdout = sys.stderr


def reply(message):
    replies.write(json.dumps(message) + "\n")
    replies.flush()


try:
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify
except ImportError as error:
    reply({"missing": str(error)})
    sys.exit(1)

EXTRACTION = {
    "latex": LatexExtractionConfig,
    "expr": ExprExtractionConfig,
    "string": StringExtractionConfig,
}


def judge(request):
    extraction = [EXTRACTION[kind]() for kind in request["match_types"]]
    gold = parse(request["gold"], extraction, parsing_timeout=None)
    if not gold:
        return {"verdict": "gold-unparsable"}
    found = parse(request["pred"], extraction, parsing_timeout=None)
    if not found:
        return {"verdict": "no-answer", "gold": str(gold[0])}
    equal = verify(
        gold,
        found,
        float_rounding=request["precision"],
        strict=request["strict"],
        allow_set_relation_comp=request["allow_set_relation_comp"],
        timeout_seconds=None,
    )
    return {"verdict": "equal" if equal else "different", "gold": str(gold[0]), "pred": str(found[0])}


reply({"ready": True})
for line in sys.stdin:
    try:
        reply(judge(json.loads(line)))
    except Exception as error:  # an answer that breaks the library is not judged, and the next one still is
        reply({"verdict": "undecided", "why": f"{type(error).__name__}: {error}"[:300]})
