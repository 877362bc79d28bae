"""Shows sheets and texts below the cell that asked for them."""

from __future__ import annotations

import sys

from nodetool_jupyter.views.markup import clean
from nodetool_jupyter.views.sheet import Sheet


def put(sheet: Sheet) -> None:
    """Show a sheet below the cell."""
    from IPython.display import display

    display(sheet)  # type: ignore[no-untyped-call]  # untyped in IPython


def tell(text: str) -> None:
    """Write a text below the cell; the caller is the thread that runs the cell."""
    sys.stdout.write(f"{clean(text)}\n")
    sys.stdout.flush()
