"""What several families ask of a text: a regular expression, a length, the JSON in it.

Python can't stop a regular expression that backtracks without end: nodes that use one run in the thread pool,
except for filters of streams, which read their inputs on the loop.
"""

from __future__ import annotations

import json
import operator
import re
from typing import Any

LENGTH_TESTS = {"length_greater": operator.gt, "length_less": operator.lt, "exact_length": operator.eq}


def compiled(
    pattern: str, *, dotall: bool = False, ignorecase: bool = False, multiline: bool = False
) -> re.Pattern[str]:
    """The regular expression; ValueError with the place of a mistake."""
    flags = re.DOTALL * dotall | re.IGNORECASE * ignorecase | re.MULTILINE * multiline
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        place = "" if error.pos is None else f" at position {error.pos}"
        raise ValueError(f"{shortened(pattern)} is no regular expression: {error.msg}{place}") from None
    except (OverflowError, RecursionError):
        raise ValueError(f"{shortened(pattern)} is too large for a regular expression") from None


def has_match(pattern: str, text: str, full: bool) -> bool:
    """Whether the pattern matches a part of the text, or all of it."""
    expression = compiled(pattern)
    return bool(expression.fullmatch(text) if full else expression.search(text))


def length_test(name: str, length: int, criteria: str) -> bool:
    """Whether a length compares with the number that ``criteria`` names."""
    try:
        number = int(criteria)
    except ValueError:
        raise ValueError(f"{name} needs a whole number as criteria, found {shortened(criteria)}") from None
    return bool(LENGTH_TESTS[name](length, number))


def read_json(text: str) -> Any:
    """What a JSON text describes; ValueError with the place of a mistake."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def shortened(text: str) -> str:
    """The text quoted, for a message."""
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"
