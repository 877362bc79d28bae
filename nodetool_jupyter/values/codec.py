"""``encode`` makes typed JSON of a value, ``decode`` brings the value back.

The one invariant: ``decode(encode(x))`` is ``x`` again, of the same type, or ``encode`` says which part of it
can't cross. Instances of a user's subclass of list, dict, str and the like keep their class by a pickle only,
and arrive as their base class where there is none. Nothing here unpickles unless the caller gives what does,
and nothing imports a module or takes a class by a name that stands in the data and isn't here already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nodetool_jupyter.errors import NodeToolError, ValueCrossingError
from nodetool_jupyter.values.base import JSON, KIND, LIMIT, SHORT, WORD, Refused, Spill, is_unicode
from nodetool_jupyter.values.walk import Decoder, Encoder

FEW = 32
KEYS = 2048
_TEXT = frozenset({str})


def encode(
    value: Any,
    spill: Spill | None = None,
    limit: int = LIMIT,
    *,
    name: str = "value",
    pickle: Callable[[Any], bytes] | None = None,
    is_exact: bool = True,
) -> JSON:
    """Typed JSON of ``value``, a copy that later changes of ``value`` don't reach.

    Parts of more than ``limit`` bytes go to files of ``spill``; without one, all of it is inline. Small
    values, up to 8 KiB, are always inline. ``pickle`` dumps what has no form of its own, such as an object of
    any class, a function, or a figure as itself; unless it ``is_exact``, only what has no other form at all,
    for a reader who may refuse pickles. Raises ValueCrossingError with the path of the part that
    can't cross, from ``name`` on; without ``pickle`` also for a cycle, more than 150 levels of JSON, or more
    than ten million items.
    """
    kind = type(value)
    if kind is list:
        if len(value) <= FEW and _is_flat(value):
            return value.copy()
    elif kind is dict:
        if len(value) <= FEW and KIND not in value and _has_plain_keys(value) and _is_flat(value.values()):
            return value.copy()
    elif _is_flat((value,)):
        return value
    return _encode(value, Encoder(spill, limit, pickle, is_exact=is_exact), name)


def _encode(value: Any, encoder: Encoder, name: str) -> JSON:
    try:
        return encoder.whole(value)
    except Refused as refusal:
        raise refusal.error(name) from None
    except RecursionError:
        raise ValueCrossingError(f"{name} is nested too deeply for this call stack") from None
    except (NodeToolError, OSError, MemoryError):
        raise
    except Exception as error:  # from a property or an iterator of the user's class
        reason = f"{type(error).__name__}: {error}"[:300]
        raise ValueCrossingError(f"{name} can't be written ({reason})") from error


def decode(
    json: JSON,
    load: Callable[[str], Path] | None = None,
    classes: Callable[[str, str], type | None] | None = None,
    *,
    mapped: bool = True,
    unpickle: Callable[[bytes], Any] | None = None,
) -> Any:
    """The value of what ``encode`` wrote; hostile JSON gives a ValueCrossingError, never code that runs.

    ``load`` gives the file of a reference. ``classes`` finds a class by module and qualified name; without
    it, or where it gives None, classes of modules that are already loaded are found. ``mapped`` maps large
    arrays copy on write instead of reading them; switch it off where others may still change the files.
    ``unpickle`` loads a pickle, which may run any code: give it only for values of this user's own process
    that isn't sandboxed, or of one that the user trusts.
    """
    if type(json) not in (dict, list):
        return json
    try:
        return Decoder(load, classes, mapped, unpickle).value(json)
    except NodeToolError:
        raise
    except FileNotFoundError as error:
        message = f"a file of the value is gone: {error.filename}"
        raise ValueCrossingError(message, hint="run the job again") from error
    except ImportError as error:
        message = f"the value needs {error.name}, which isn't installed here"
        raise ValueCrossingError(message, hint=f"pip install {error.name}") from error
    except Exception as error:
        reason = "too deep" if isinstance(error, RecursionError) else f"{type(error).__name__}: {error}"
        raise ValueCrossingError(f"the stored value can't be read ({reason[:300]})") from error


def _is_flat(items: Iterable[Any]) -> bool:
    """Whether all items are short plain values, which are their own JSON."""
    for item in items:
        kind = type(item)
        if kind is str:
            plain = len(item) <= SHORT and (item.isascii() or is_unicode(item))
        elif kind is int:
            plain = -WORD < item < WORD
        elif kind is float:
            plain = item - item == 0.0  # neither infinite nor NaN
        else:
            plain = item is None or kind is bool
        if not plain:
            return False
    return True


def _has_plain_keys(value: dict[Any, Any]) -> bool:
    return _TEXT.issuperset(map(type, value)) and (keys := "".join(value)).isascii() and len(keys) <= KEYS
