"""``config``: each value that counts here, and where it came from."""

from __future__ import annotations

from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import put
from nodetool_jupyter.session import get_session
from nodetool_jupyter.views.sheet import Grid, Sheet, Words

NOTE = "%config NodeToolMagics.strategy = 'threaded' sets it for this notebook; an option does for one cell"


def show_config(notebook: Notebook, _given: Arguments) -> None:
    """``config``: the notebook's defaults first, then the settings with their variables."""
    settings = get_session().settings
    mine = notebook.defaults.given()
    rows = [(name, str(value), f"%config NodeToolMagics.{name}", "") for name, value in mine.items()]
    for name, value, origin, variable in settings.listed():
        rows.append(
            (name, value, origin + (" (not used in this notebook)" if name in mine else ""), variable)
        )
    put(Sheet([Grid(rows, ("setting", "value", "from", "variable")), Words(NOTE)]))
