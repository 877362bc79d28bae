"""What several families ask of a text: a regular expression, a length, the JSON in it.

A regular expression may backtrack without end. Python's own engine can't be stopped, and no other thread
runs meanwhile; that of the package regex lets them run and has a time limit. It gets only what Python would
read, and reads it likewise, but for single characters: marks that are combined with letters belong to words.
Nodes that use one run in the thread pool, except for filters of streams, which read their inputs on the loop.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from nodetool_jupyter.errors import NodeToolError

if TYPE_CHECKING:
    import regex

T = TypeVar("T")
SECONDS = 4.0
"""What a regular expression may take: less than a cancelled node gets to end."""
CHARACTERS = 2_000_000
"""A second more for every so many: an ordinary expression is through more of them."""
OWN_SYNTAX = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?!\d*,?\d*\})", re.DOTALL)
"""Where regex has a syntax of its own, as in ``{e<=1}`` and ``[[:alpha:]]``."""
LENGTH_TESTS = {"length_greater": operator.gt, "length_less": operator.lt, "exact_length": operator.eq}


@lru_cache(maxsize=256)
def compiled(pattern: str, flags: int = 0) -> regex.Pattern[str]:
    """The regular expression, with flags of ``re``; ValueError with the place of a mistake."""
    import regex

    try:
        checked = re.compile(pattern, flags)
        is_spaced = bool(checked.flags & re.VERBOSE)  # its comments may hold half a class
        return regex.compile(pattern if is_spaced else OWN_SYNTAX.sub(_plain, pattern), flags)
    except re.error as error:
        place = "" if error.pos is None else f" at position {error.pos}"
        raise ValueError(f"{shortened(pattern)} is no regular expression: {error.msg}{place}") from None
    except regex.error as error:
        raise ValueError(f"{shortened(pattern)} is no regular expression: {error}") from None
    except (OverflowError, RecursionError):
        raise ValueError(f"{shortened(pattern)} is too large for a regular expression") from None


def _plain(found: re.Match[str]) -> str:
    """A piece of a pattern that regex would read in its own way, as it reads what Python does."""
    piece = found[0]
    if piece[0] != "[":
        return r"\{" if piece == "{" else piece
    return piece[0] + re.sub(r"(\\.)|\[", lambda part: part[1] or r"\[", piece[1:], flags=re.DOTALL)


def in_time(text: str, match: Callable[[float], T]) -> T:
    """What ``match`` finds in the text within the seconds that it is given; else NodeToolError."""
    limit = SECONDS + len(text) / CHARACTERS
    try:
        return match(limit)
    except TimeoutError:
        raise NodeToolError(
            f"the regular expression has not come to an end within {limit:.3g} s",
            hint="it tries too many ways to match: let no repeated part begin as it goes on, as in (a+)+",
        ) from None


def has_match(pattern: str, text: str, full: bool) -> bool:
    """Whether the pattern matches a part of the text, or all of it."""
    expression = compiled(pattern)
    find = expression.fullmatch if full else expression.search
    return in_time(text, lambda limit: find(text, timeout=limit)) is not None


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
