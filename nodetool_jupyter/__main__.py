"""``python -m nodetool_jupyter``: the command line, as the script ``nodetool-jupyter`` starts it."""

from __future__ import annotations

from nodetool_jupyter.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
