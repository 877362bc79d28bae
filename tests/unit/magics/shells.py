"""Support for the tests of magics: a real IPython shell in this process, with the extension loaded."""

from __future__ import annotations

import atexit
import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

from IPython.core.completer import provisionalcompleter
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nodetool_jupyter.session import close_session

NODES = """
from nodetool_jupyter import node

@node
def shout(text: str, times: int = 1) -> str:
    print(f"shouting {text}")
    return text.upper() * times

@node
def fail(text: str) -> str:
    raise ValueError(f"no {text}")
"""


@dataclass(frozen=True)
class Ran:
    """What became of a cell: its value, its error, what it printed, and what it displayed by MIME type."""

    value: Any
    error: BaseException | None
    text: str
    shown: list[dict[str, Any]]

    @property
    def plain(self) -> str:
        """The text of all that was displayed."""
        return "\n".join(data.get("text/plain", "") for data in self.shown)

    @property
    def html(self) -> str:
        """The HTML of all that was displayed."""
        return "\n".join(data.get("text/html", "") for data in self.shown)


class Shell:
    """IPython's shell and short ways to use it."""

    def __init__(self, ip: InteractiveShell) -> None:
        self.ip = ip

    @property
    def names(self) -> dict[str, Any]:
        """The user's variables."""
        names: dict[str, Any] = self.ip.user_ns
        return names

    def run(self, code: str) -> Ran:
        """Run a cell; an error is not raised but returned."""
        publisher = self.ip.display_pub = CapturingDisplayPublisher()
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(out):
            result = self.ip.run_cell(code, store_history=True)
        error = result.error_in_exec or result.error_before_exec
        return Ran(result.result, error, out.getvalue(), [output["data"] for output in publisher.outputs])

    def complete(self, code: str, end: str = "") -> list[str]:
        """What is offered at the end of ``code``; ``end`` is the text behind the cursor."""
        with provisionalcompleter():
            found = list(self.ip.Completer.completions(code + end, len(code)))
        return [code[: item.start] + item.text for item in found]


@contextmanager
def open_shell() -> Iterator[Shell]:
    """A shell with the extension loaded, and a session that is closed with it."""
    InteractiveShell.clear_instance()
    ip = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), colors="nocolor")
    try:
        ip.run_line_magic("load_ext", "nodetool_jupyter")
        yield Shell(ip)
    finally:
        close_session()
        ip.run_line_magic("unload_ext", "nodetool_jupyter")
        atexit.unregister(ip.atexit_operations)
        InteractiveShell.clear_instance()
