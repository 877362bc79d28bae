"""Notebook: what the magics know of the shell they belong to, and the one way from them to the session.

It remembers of each job the lines of the cell that made it, so that an error can show them later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from warnings import warn

from nodetool_jupyter.magics.defaults import NodeToolMagics
from nodetool_jupyter.model.peers import VersionWarning
from nodetool_jupyter.session import Session, get_session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

REMEMBERED = 200
"""Jobs whose cells are remembered."""


@dataclass(frozen=True, slots=True)
class CellSource:
    """The text of a cell, line by line, and the line (from 1) that made each node."""

    lines: Sequence[str] = ()
    line_of_node: Mapping[str, int] = field(default_factory=dict)

    def line_text(self, node_id: str) -> str:
        """``line 3: shout(text=title)``, or nothing."""
        number = self.line_of_node.get(node_id)
        if number is None or number > len(self.lines):
            return ""
        return f"line {number}: {self.lines[number - 1].strip()}"


class Notebook:
    """One shell's notebook. Used by the thread that runs cells alone."""

    def __init__(self, shell: InteractiveShell, defaults: NodeToolMagics) -> None:
        self.shell = shell
        self.defaults = defaults
        self.failure: BaseException | None = None
        """What the last cell of ours raised."""
        self._sources: dict[str, CellSource] = {}
        self._is_compared = False

    @property
    def namespace(self) -> dict[str, Any]:
        """The user's variables."""
        names: dict[str, Any] = self.shell.user_ns
        return names

    def session(self) -> Session:
        """The session, with the node types of the notebook as they are now."""
        session = get_session()
        session.registry.add_namespace(self.namespace)
        self._compare_versions(session)
        return session

    def _compare_versions(self, session: Session) -> None:
        """Say once that the server is of another release; ``doctor`` says it each time."""
        mismatch = None if self._is_compared else session.server_mismatch()
        self._is_compared = True
        if mismatch is not None:
            warn(mismatch, VersionWarning, stacklevel=2)

    def remember(self, job_id: str, source: CellSource) -> None:
        """Keep the cell that a job came from."""
        self._sources[job_id] = source
        while len(self._sources) > REMEMBERED:
            del self._sources[next(iter(self._sources))]

    def source_of(self, job_id: str | None) -> CellSource:
        """The cell that a job came from; an empty one if it came from a file or another kernel."""
        return self._sources.get(job_id or "", CellSource())
