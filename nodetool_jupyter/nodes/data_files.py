"""Files of a workflow's data nodes: only inside of the workspace, by no symlink and no way out."""

from __future__ import annotations

from pathlib import Path


def inside_workspace(workspace: Path, given: str | Path) -> Path:
    """The path of a file or folder in the workspace, which need not exist; ValueError for any other place."""
    root = workspace.resolve()
    path = Path(given)
    if not str(given).strip() or "\0" in str(given):
        raise ValueError("no path is given")
    if path.is_absolute():
        base = next((base for base in (root, workspace.absolute()) if path.is_relative_to(base)), None)
        if base is None:
            raise ValueError(f"{str(given)!r} is outside of the workspace {workspace}")
        path = path.relative_to(base)
    if ".." in path.parts:
        raise ValueError(f"{str(given)!r} may lead out of the workspace; use a path without ..")
    place = root
    for part in path.parts:
        place /= part
        if place.is_symlink():
            raise ValueError(f"{str(given)!r} goes by a symlink, {place}, which is not followed")
    return place
