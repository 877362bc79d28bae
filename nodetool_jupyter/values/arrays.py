"""Codecs of numpy arrays and scalars: the ``.npy`` format, inline or as a file, never with pickled objects.

Imported when a value comes from numpy, which is then loaded, or when a stored array is read.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from nodetool_jupyter.values.base import JSON, MAX_ITEMS, Reader, Refused, Writer, marker

if TYPE_CHECKING:
    from nodetool_jupyter.values.walk import Decoder, Encoder

# Read as a Python literal, which is why numpy bounds it; enough for records of a thousand fields.
MAX_HEADER = 65_536
MANY = 10_000
TEXTS = frozenset({str, type(None)})
# Subclasses of numpy's own: the same data, seen in another way.
VIEWS: dict[str, type[np.ndarray[Any, Any]]] = {"matrix": np.matrix, "recarray": np.recarray}
HINT = "turn it into a plain array of numbers, text, dates or records, for example with astype"


def find_writer(kind: type) -> Writer | None:
    if issubclass(kind, np.ma.MaskedArray):
        return None
    if issubclass(kind, np.ndarray):
        return write_array
    return write_scalar if issubclass(kind, np.generic) else None


def write_array(encoder: Encoder, value: np.ndarray[Any, Any], depth: int) -> JSON:
    """``dtype`` and ``shape`` are there to be shown; the data says them itself."""
    array = np.asarray(value)
    shape = list(array.shape)
    if array.dtype == object:
        items = write_items(encoder, array.ravel().tolist(), depth + 1, value)
        return marker("np_array", "numpy.objects", dtype="|O", shape=shape, items=items)
    check(array.dtype)
    data = write_file(array) if encoder.is_large(array.nbytes) else npy_bytes(array)
    fields = {"dtype": array.dtype.str, "shape": shape}
    if type(value) in VIEWS.values():
        fields["view"] = type(value).__name__
    return encoder.blob("np_array", "numpy.ndarray", ".npy", data, array, **fields)


def write_items(encoder: Encoder, items: list[Any], depth: int, owner: object) -> JSON:
    """The items of a column. Very many texts go as one text and their lengths; a missing one has -1."""
    if not encoder.is_large(8 * len(items)) or len(items) < MANY or not TEXTS.issuperset(map(type, items)):
        return encoder.items(items, depth, owner)
    lengths = np.fromiter((-1 if item is None else len(item) for item in items), np.int64, len(items))
    text = "".join(item for item in items if item is not None)
    return marker(
        "list",
        "numpy.texts",
        lengths=encoder.value(lengths, depth + 1),
        text=encoder.value(text, depth + 1),
    )


def read_texts(decoder: Decoder, json: dict[str, Any]) -> list[str | None]:
    lengths, text = decoder.value(json["lengths"]), decoder.value(json["text"])
    sizes = np.maximum(lengths, 0)
    if lengths.dtype != np.int64 or lengths.ndim != 1 or sizes.max(initial=0) > len(text):
        raise ValueError("the lengths of texts are none")
    ends = sizes.cumsum()
    if len(ends) and ends[-1] != len(text):
        raise ValueError("the lengths of texts aren't those of their text")
    decoder.take(60 * len(lengths) + len(text))
    parts = zip((ends - sizes).tolist(), ends.tolist(), lengths.tolist(), strict=True)
    return [None if length < 0 else text[start:end] for start, end, length in parts]


def check(dtype: np.dtype[Any]) -> None:
    """Refuse a type that ``.npy`` can't hold as it is."""
    known = dtype.kind in "biufcmMSUV" and not dtype.hasobject
    if not known or npy.descr_to_dtype(npy.dtype_to_descr(dtype)) != dtype:
        raise Refused(f"is an array of dtype {str(dtype)[:100]}, which can't be written", HINT)


def write_file(array: np.ndarray[Any, Any]) -> Callable[[BinaryIO], None]:
    return partial(_save, array=array)


def npy_bytes(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    _save(buffer, array)
    return buffer.getvalue()


def _save(file: BinaryIO, array: np.ndarray[Any, Any]) -> None:
    """In the version of the format that has room for any record; numpy warns if it may choose itself."""
    if not array.flags.forc:  # element by element it would take ten times as long as a copy
        array = np.ascontiguousarray(array)
    npy.write_array(file, array, version=(3, 0), allow_pickle=False)


def read_array(decoder: Decoder, json: dict[str, Any]) -> np.ndarray[Any, Any]:
    array = _read(decoder, json)
    if array.itemsize == 0 and array.size > MAX_ITEMS:
        raise ValueError(f"an array of {array.size:,} items without content")
    return array.view(VIEWS[json["view"]]) if "view" in json else array


def _read(decoder: Decoder, json: dict[str, Any]) -> np.ndarray[Any, Any]:
    if "file" not in json:
        return _load(io.BytesIO(decoder.blob(json)))
    path = decoder.path(json)
    if decoder.mapped:
        # Copy on write: as writable as the array was, and the file stays as it is.
        return np.asarray(npy.open_memmap(path, mode="c", max_header_size=MAX_HEADER))
    decoder.take(path.stat().st_size)
    with path.open("rb") as file:
        return _load(file)


def _load(file: BinaryIO) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER)
    return array


def read_objects(decoder: Decoder, json: dict[str, Any]) -> np.ndarray[Any, Any]:
    items = decoder.value(json["items"])
    array = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):  # at once, numpy would take lists among them for dimensions
        array[position] = item
    return array.reshape(json["shape"])


def write_scalar(encoder: Encoder, value: np.generic, _depth: int) -> JSON:
    """Numbers that JSON holds exactly stay readable; others are arrays without dimensions."""
    dtype = value.dtype
    encoder.size += 80
    view = {"view": "recarray"} if isinstance(value, np.record) else {}
    exact = dtype.kind == "f" and dtype.itemsize <= 8 and np.isfinite(value)
    if exact or dtype.kind in "biu":
        word = {"b": "bool", "f": "float"}.get(dtype.kind, "int")
        return marker(word, "numpy.number", dtype=dtype.str, value=value.item())
    if dtype.kind == "O":
        raise Refused("is a numpy object scalar, which can't be written", HINT)
    check(dtype)
    data = npy_bytes(np.asarray(value))
    return encoder.blob("np_array", "numpy.generic", ".npy", data, value, dtype=dtype.str, **view)


def read_number(_decoder: Decoder, json: dict[str, Any]) -> Any:
    name, value = json["dtype"], json["value"]
    dtype = np.dtype(name if isinstance(name, str) and len(name) <= 8 else object)
    if dtype.kind not in "biuf" or not isinstance(value, (bool, int, float)):
        raise ValueError(f"dtype {str(name)[:20]} of a number")
    return dtype.type(value)


def read_scalar(decoder: Decoder, json: dict[str, Any]) -> Any:
    return read_array(decoder, json)[()]


READERS: dict[str, Reader] = {
    "numpy.texts": read_texts,
    "numpy.ndarray": read_array,
    "numpy.objects": read_objects,
    "numpy.number": read_number,
    "numpy.generic": read_scalar,
}
