# Tests of EvalPlus (HumanEval+, MBPP+): what a program returns is compared with what the set's own solution returns, input by input.
# The set's solution runs here, beside the tests, and never where the program is. `TASK` stands before this: a JSON object with `entry`,
# `reference`, `base`, `plus`, `assertion` and `atol`.
import ast
import copy
import math

SETS = {
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
    "intersection_array", "find_dissimilar", "Diff",
}
TRUTHS = {"check_str", "text_match_three", "text_starta_endb"}


def example():
    """The arguments of the first call in the set's asserts: JSON has neither tuples nor sets nor complex numbers."""
    try:
        tree = ast.parse(TASK["assertion"] or "")
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == TASK["entry"]:
            try:
                return [ast.literal_eval(argument) for argument in node.args]
            except ValueError:
                return None
    return None


def like(value, shown):
    """A value of JSON with the types of one that the set shows."""
    if isinstance(shown, tuple) and isinstance(value, list):
        parts = [like(part, shown[min(at, len(shown) - 1)] if shown else None) for at, part in enumerate(value)]
        return tuple(parts)
    if isinstance(shown, (set, frozenset)) and isinstance(value, list):
        return set(value)
    if isinstance(shown, list) and isinstance(value, list):
        return [like(part, shown[min(at, len(shown) - 1)] if shown else None) for at, part in enumerate(value)]
    if isinstance(shown, dict) and isinstance(value, dict):
        first = next(iter(shown.values()), None)
        return {key: like(part, shown.get(key, first)) for key, part in value.items()}
    if isinstance(shown, complex) and isinstance(value, str):
        return complex(value)
    return value


def is_float(value):
    return isinstance(value, float) or isinstance(value, (list, tuple)) and value and all(map(is_float, value))


def close(found, expected, tolerance):
    if isinstance(expected, (list, tuple)):
        same = isinstance(found, (list, tuple)) and len(found) == len(expected)
        return same and all(close(a, b, tolerance) for a, b in zip(found, expected))
    if isinstance(expected, bool) or not isinstance(expected, (int, float)) or not isinstance(found, (int, float)):
        return found == expected
    return math.isclose(found, expected, rel_tol=1e-7, abs_tol=tolerance) or found == expected


def accepts(found, expected, arguments):
    entry, tolerance = TASK["entry"], TASK["atol"] or 0
    if entry == "find_zero" and isinstance(arguments[0], list):
        # Any root will do.
        return abs(sum(c * found**power for power, c in enumerate(arguments[0]))) <= max(tolerance, 1e-4)
    if entry == "are_equivalent":
        return True
    if entry == "sum_div" and found == 0:
        return True
    if entry in SETS:
        return set(found) == set(expected)
    if entry in TRUTHS:
        return found == expected if isinstance(found, bool) else (found is not None) == expected
    if tolerance == 0 and is_float(expected):
        tolerance = 1e-6
    return found == expected or tolerance != 0 and close(found, expected, tolerance)


SPACE = {"__name__": "reference"}
exec(TASK["reference"], SPACE)
SHOWN = example()


def check(candidate):
    reference = SPACE[TASK["entry"]]
    for given in TASK["base"] + TASK["plus"]:
        if SHOWN is not None and len(SHOWN) == len(given):
            given = [like(value, shown) for value, shown in zip(given, SHOWN)]
        expected = reference(*copy.deepcopy(given))
        found = candidate(*copy.deepcopy(given))
        assert accepts(found, expected, given), "another result"
