"""The last resort: a value that no codec can write, as a pickle.

This package knows no pickle module. Whoever owns both ends of a boundary supplies what dumps and what loads;
without the first, a value is refused when it is written, without the second, when it is read.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.base import JSON, KIND, Refused, Writer, is_marker, marker, type_name
from nodetool_jupyter.values.preview import preview, safe_repr

if TYPE_CHECKING:
    from nodetool_jupyter.values.walk import Decoder, Encoder

SHOWN = 1024


def write_pickle(encoder: Encoder, value: Any, refusal: Refused, shown: JSON = None) -> JSON:
    """A marker with the pickle of ``value``, which otherwise is refused by ``refusal``.

    ``shown`` is a marker for those who only show it: without it, the value's preview. The inline pickle isn't
    called ``data``, where they would look for a table or an image.
    """
    if encoder.dump is None:
        raise refusal
    try:
        data = encoder.dump(value)
    except MemoryError:
        raise
    except Exception as error:
        refusal.reason += f" ({type(error).__name__}: {error})"[:300]
        raise refusal from error
    shown = shown or preview(value, SHOWN)
    if not is_marker(shown):
        shown = marker(type_name(type(shown)), "preview", repr=safe_repr(value))
    name = type_name(type(value))
    if encoder.is_large(len(data)):
        return encoder.file(shown["type"], "pickle", ".pkl", data, value, shown=shown, python_type=name)
    encoder.size += len(data) * 4 // 3 + 2 * SHOWN + len(shown.get("uri", ""))
    return {**shown, KIND: "pickle", "python_type": name, "pickle": base64.b64encode(data).decode("ascii")}


def keep_class(writer: Writer) -> Writer:
    """The writer of a subclass whose class ``writer`` would lose: by a pickle, or else without the class."""

    def write(encoder: Encoder, value: Any, depth: int) -> JSON:
        try:
            return write_pickle(encoder, value, Refused("can't be pickled"))
        except Refused:
            return writer(encoder, value, depth)

    return write


def read_pickle(decoder: Decoder, json: dict[str, Any]) -> Any:
    name = str(json.get("python_type"))[:200]
    if decoder.unpickle is None:
        raise ValueCrossingError(
            f"the value is a pickle of {name}, which could run any code when it is read; "
            "it comes from a sandbox, a container or another machine",
            hint="return JSON values, arrays, tables, images or dataclasses, or run it again with --trust",
        )
    data = decoder.bytes_of(json) if "file" in json else base64.b64decode(json["pickle"], validate=True)
    try:
        return decoder.unpickle(data)
    except MemoryError:
        raise
    except ImportError as error:
        where = f"the module {error.name}, which isn't here" if error.name else str(error)[:300]
        message, hint = f"the pickled value of {name} needs {where}", "install it where the value is read"
        raise ValueCrossingError(message, hint=hint) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"[:300]
        raise ValueCrossingError(f"the pickled value of {name} can't be read ({reason})") from error
