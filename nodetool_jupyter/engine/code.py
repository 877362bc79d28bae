"""What code does, in bytes that are the same in each process: for results that hold as long as it does."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from pydantic_core import to_json


def add_code(update: Callable[[bytes], object], code: CodeType) -> None:
    """Give code to a digest, without its place: a cell may move."""
    update(code.co_code)
    update(to_json([*code.co_names, "|", *code.co_varnames]))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            add_code(update, constant)
        else:
            update(to_json(in_words(constant)))


def in_words(constant: Any) -> str:
    """A constant as text. Sets have an order of their own in each process, so they get one here."""
    if isinstance(constant, (frozenset, set)):
        return f"{{{', '.join(sorted(map(in_words, constant)))}}}"
    if isinstance(constant, tuple):
        return f"({', '.join(map(in_words, constant))})"
    return ascii(constant)
