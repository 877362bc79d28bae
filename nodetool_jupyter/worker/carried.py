"""What of the user's own modules goes along with a job that can't import them: those that lie beside the
notebook are in no image and no sandbox, so functions and classes of theirs travel by value, as the notebook's
own do.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib")
OURS = "nodetool_jupyter"

_lock = threading.Lock()


@contextmanager
def carried(importable: Iterable[str] = ()) -> Iterator[None]:
    """While this lasts, what is pickled takes the code of local modules with it: of those that lie neither in
    an installation nor in one of these folders.
    """
    import cloudpickle

    with _lock:
        known = cloudpickle.list_registry_pickle_by_value()
        modules = [module for module in local_modules(importable) if module.__name__ not in known]
        for module in modules:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in modules:
                cloudpickle.unregister_pickle_by_value(module)


def local_modules(importable: Iterable[str] = ()) -> list[ModuleType]:
    """The imported modules that no installation has: files of the user's."""
    installed = (*_installed(tuple(sys.path)), *(f"{folder}/" for folder in importable))
    found = []
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or name.partition(".")[0] == OURS or not isinstance(file, str):
            continue
        if module.__name__ == name and _is_local(file, installed):
            found.append(module)
    return found


@cache
def _is_local(file: str, installed: tuple[str, ...]) -> bool:
    return not (file.startswith(installed) or os.path.realpath(file).startswith(installed))


@cache
def _installed(path: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of installations, as they are called and as they are; also one of ``path`` that pip has
    filled, by ``--target``.
    """
    folders = {sysconfig.get_path(name) for name in INSTALLED}
    folders |= {entry for entry in path if entry and any(Path(entry).glob("*.dist-info"))}
    return tuple({f"{name}/" for folder in folders for name in (folder, os.path.realpath(folder))})
