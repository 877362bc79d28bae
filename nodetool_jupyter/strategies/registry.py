"""Strategy name → class, imported when it is first asked for.

"Unknown" and "known, but not usable here" are two different answers.
"""

from __future__ import annotations

import difflib
import importlib
from typing import cast

from nodetool_jupyter.errors import StrategyUnavailable, UnknownStrategy
from nodetool_jupyter.strategies.base import Strategy

BUILT_IN = {
    "threaded": "nodetool_jupyter.strategies.threaded:ThreadedStrategy",
    "subprocess": "nodetool_jupyter.strategies.subprocess:SubprocessStrategy",
    "docker": "nodetool_jupyter.strategies.docker:DockerStrategy",
}
ENTRY_POINTS = "nodetool_jupyter.strategies"


def strategy_names() -> list[str]:
    """All names that can be chosen, the built-in ones first."""
    from importlib.metadata import entry_points

    return [*BUILT_IN, *sorted(point.name for point in entry_points(group=ENTRY_POINTS))]


def load_strategy(name: str) -> type[Strategy]:
    """The class of a strategy; raises UnknownStrategy or, where its module can't be imported,
    StrategyUnavailable.
    """
    target = BUILT_IN.get(name) or _installed(name)
    if target is None:
        raise _unknown(name)
    module, _, attribute = target.partition(":")
    try:
        return cast(type[Strategy], getattr(importlib.import_module(module), attribute))
    except ImportError as error:
        raise StrategyUnavailable(
            f"the {name} strategy is not available here: {error}",
            hint="install what it needs, or use --strategy threaded",
        ) from error


def _installed(name: str) -> str | None:
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS, name=name):
        return point.value
    return None


def _unknown(name: str) -> UnknownStrategy:
    names = strategy_names()
    near = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return UnknownStrategy(f"there is no strategy {name!r}", hint=f"{guess}choose {' or '.join(names)}")
