"""What the command line writes: results to standard output, the rest to standard error, all of it harmless.

A terminal obeys control characters, so none that came from a workflow is written as itself: text is cleaned,
or it is written as JSON, which has escapes for them and loses nothing.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from nodetool_jupyter.cli.commands import BY_NAME, PROGRAM
from nodetool_jupyter.views.markup import clean

MAGIC = re.compile(r"%nodetool (\w+)")
OPTION_HELP = "%%nodetool? lists"
OBEYED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\U000e0000-\U000e007f]")
"""What JSON may hold as itself, and no terminal should get."""


def tell(text: str) -> None:
    """Write a text to standard output."""
    sys.stdout.write(f"{clean(text)}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a text to standard error."""
    sys.stderr.write(f"{clean(for_shell(text))}\n")
    sys.stderr.flush()


def for_shell(text: str) -> str:
    """A text of ours that names the next command, with the command that there is in a shell."""
    text = text.replace(OPTION_HELP, f"{PROGRAM} run --help lists")
    return MAGIC.sub(lambda found: f"{PROGRAM} {found[1]}" if found[1] in BY_NAME else found[0], text)


def harmless(json: str) -> str:
    """The same JSON, with escapes for what a terminal would obey."""
    return OBEYED.sub(_escaped, json) if OBEYED.search(json) else json


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def tell_result(value: Any, *, as_json: bool = False) -> None:
    """Write the result of a job, or nothing where there is none.

    Text is written as it is, if it holds nothing that a terminal would obey; what isn't plain JSON, such as a
    picture, is described in a terminal and written as NodeTool's typed JSON everywhere else.
    """
    if value is None and not as_json:
        return
    if not as_json and isinstance(value, str) and clean(value) == value:
        sys.stdout.write(f"{value}\n")
    else:
        sys.stdout.write(f"{_described(value) if not as_json and sys.stdout.isatty() else _json(value)}\n")
    sys.stdout.flush()


def _described(value: Any) -> str:
    """A value for people: plain JSON as that, all else in words."""
    from nodetool_jupyter.values.base import KIND
    from nodetool_jupyter.values.codec import encode
    from nodetool_jupyter.views.values import as_text

    if isinstance(value, Mapping):
        return "\n".join(f"{clean(str(name))}: {_described(item)}" for name, item in value.items())
    coded = encode(value)
    return clean(as_text(value)) if isinstance(coded, dict) and KIND in coded else _json(value)


def _json(value: Any) -> str:
    """A value as typed JSON; raises ValueCrossingError for what has none."""
    import json

    from nodetool_jupyter.job import Result
    from nodetool_jupyter.values.codec import encode

    coded = encode(dict(value) if isinstance(value, Result) else value, name="the result")
    return harmless(json.dumps(coded, ensure_ascii=False))


def silence() -> None:
    """Nobody reads any more: what is still written, at exit too, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
