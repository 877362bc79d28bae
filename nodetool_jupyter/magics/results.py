"""What a run leaves in the notebook: ``_``, the variable of ``-o``, and what IPython shows as the value.

The end state that the views show has a line about each output, so a value that went into a variable, or one
too large to be read, is not shown a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nodetool_jupyter.authoring.options import CellOptions

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SHOWN_SIZE = 20_000
"""Characters, or so, up to which a value is shown in full."""


def deliver(shell: InteractiveShell, value: Any, options: CellOptions) -> Any:
    """Set what the options name; gives the value if IPython is to show it, else None with ``_`` set."""
    if options.out is not None:
        shell.user_ns[options.out] = value
    if options.out is None and not options.quiet and is_readable(value):
        return value
    if value is not None:
        shell.displayhook.update_user_ns(value)  # type: ignore[no-untyped-call]  # untyped in IPython
    return None


def hand_back(shell: InteractiveShell, value: Any, options: CellOptions) -> Any:
    """The same for a line: without ``-o`` the value is the line's own, whatever its size."""
    return value if options.out is None else deliver(shell, value, options)


def is_readable(value: Any) -> bool:
    """Whether a value's text is of a size that belongs into a notebook; what shows itself in short, is."""
    left = SHOWN_SIZE
    waiting: list[Any] = [value]
    while waiting and left > 0:
        item = waiting.pop()
        left -= len(item) if isinstance(item, (str, bytes, bytearray)) else 4
        if isinstance(item, dict) and len(item) <= left:
            waiting.extend((*item.keys(), *item.values()))
        elif isinstance(item, (list, tuple, set, frozenset, dict)):
            waiting.extend(item if len(item) <= left else ())
            left -= len(item)
    return left > 0
