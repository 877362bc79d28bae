"""``%config NodeToolMagics.…``: what this notebook's cells use where their options don't say.

IPython only logs a value that a trait refuses and runs on, so the traits take anything: a value is read by
the table of options when a cell needs it, and one that is wrong stops that cell.
"""

from __future__ import annotations

from traitlets import Any
from traitlets.config.configurable import Configurable


class NodeToolMagics(Configurable):
    """Defaults for ``%%nodetool``; one that is None is left to the environment and pyproject.toml."""

    strategy = Any(None, help="where jobs run: threaded, or another strategy").tag(config=True)
    timeout = Any(None, help="seconds after which a job is ended").tag(config=True)
    progress = Any(None, help="how a running job is shown: auto, widget, text or none").tag(config=True)
    quiet = Any(None, help="True: show neither progress nor result").tag(config=True)

    def given(self) -> dict[str, object]:
        """What has been set, by name."""
        values = {name: getattr(self, name) for name in sorted(self.class_own_traits(config=True))}
        return {name: value for name, value in values.items() if value is not None}
