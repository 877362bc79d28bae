"""Private folders and files: what a value is written to, for this user alone."""

from __future__ import annotations

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make ``folder``, and those above it that are missing, for this user only; raises OSError."""
    try:
        folder.mkdir(0o700)
    except FileNotFoundError:
        if folder.parent.exists():  # there is nothing to make above it: no folder can be made here
            raise
        make_private(folder.parent)
        make_private(folder)
    except FileExistsError:
        if not folder.is_dir():
            raise
