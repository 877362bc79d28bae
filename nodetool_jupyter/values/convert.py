"""From NodeTool's typed values to the Python values that nodes work with, and from the other natural forms.

A ValueError says in one sentence what is wrong; whoever validates the node's inputs adds node and field.
Content is taken from the value itself: what a reference points to is read only by the resolver that the job's
owner has set.
"""

from __future__ import annotations

import base64
import importlib
import io
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from nodetool_jupyter.values.base import is_marker, type_name
from nodetool_jupyter.values.codec import decode

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from PIL.Image import Image

Resolve = Callable[[str], bytes]
RESOLVE: ContextVar[Resolve | None] = ContextVar("resolve", default=None)
NEXT_STEP = {
    "http": "load it with an http node and connect that",
    "https": "load it with an http node and connect that",
    "asset": "connect a node that loads the file, or put its content in as a data: URI",
    "file": "connect a node that reads the file from the workspace folder",
}
# Formats that PIL reads by itself; others start programs (EPS) or are decoders that few have looked at.
IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "ICO", "PPM", "TGA", "AVIF")


def read_uri(uri: str) -> bytes:
    """The content of a URI: ``data:`` by itself, others by the resolver of the running job."""
    scheme = uri.partition(":")[0].lower()
    if scheme == "data":
        return _read_data_uri(uri)
    if scheme == "memory":
        raise ValueError(f"{uri[:80]} was only known to the process that made it: export the workflow again")
    resolve = RESOLVE.get()
    if resolve is None:
        raise ValueError(f"{uri[:80]} isn't loaded here: {NEXT_STEP.get(scheme, 'use a data: URI')}")
    return resolve(uri)


def _read_data_uri(uri: str) -> bytes:
    head, comma, body = uri[5:].partition(",")
    if not comma:
        raise ValueError("a data: URI without a comma has no content")
    return _from_base64(unquote(body)) if head.endswith(";base64") else unquote_to_bytes(body)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise ValueError("the content isn't base64") from None


def _content(reference: dict[str, Any], *, text: bool = False) -> bytes | None:
    """The bytes of a NodeTool reference, None if not set. A str in ``data`` is base64, unless ``text``."""
    data = reference.get("data")
    if isinstance(data, str):
        if data.startswith("data:"):
            return _read_data_uri(data)
        return data.encode() if text else _from_base64(data)
    if data is not None:
        return _bytes(data)
    if reference.get("uri"):
        return read_uri(str(reference["uri"]))
    return read_uri(f"asset://{reference['asset_id']}") if reference.get("asset_id") else None


def _bytes(data: Any) -> bytes:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if isinstance(data, list) and len(data) == 1 and isinstance(data[0], bytes):
        return data[0]
    if not isinstance(data, list):
        raise _unexpected("bytes", data)
    try:
        return bytes(data)
    except (TypeError, ValueError):
        raise ValueError("the content is a list that isn't one of bytes, 0 to 255") from None


def _unexpected(expected: str, value: Any) -> ValueError:
    found = type_name(type(value))
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        found = f"a dict of type {value['type'][:40]!r}"
    return ValueError(f"expected {expected}, found {found}")


def _is_a(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a library's class; no library is imported to find out."""
    return any(
        cls.__name__ == name and str(cls.__module__).partition(".")[0] == module
        for cls in type(value).__mro__
    )


def _library(name: str, package: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(f"this needs {package}, which isn't installed: pip install {package}") from None


def _typed(value: Any, *names: str) -> dict[str, Any] | None:
    """A NodeTool value as its dict, if it is one of these types."""
    return value if isinstance(value, dict) and value.get("type") in names else None


def to_dataframe(value: Any) -> pd.DataFrame:
    """From NodeTool's dataframe, a list of dicts, a dict of columns or a Series; what isn't set is empty."""
    value = decode(value) if is_marker(value) else value
    frame: pd.DataFrame = value if _is_a(value, "pandas", "DataFrame") else _dataframe(value)
    return frame


def _dataframe(value: Any) -> Any:
    pandas = _library("pandas", "pandas")
    if _is_a(value, "pandas", "Series"):
        return pandas.DataFrame(value)
    if value is None:
        return pandas.DataFrame()
    reference = _typed(value, "dataframe")
    if reference is not None:
        return _from_reference(pandas, reference)
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return pandas.DataFrame(value)
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        return _from_columns(pandas, value)
    raise _unexpected("a dataframe", value)


def _from_columns(pandas: Any, columns: dict[str, list[Any]]) -> Any:
    lengths = {str(name): len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name}: {length}" for name, length in list(lengths.items())[:8])
        raise ValueError(f"the columns of a dataframe must have one length (found {shown})")
    return pandas.DataFrame(columns)


def _from_reference(pandas: Any, reference: dict[str, Any]) -> Any:
    columns = [
        str(column.get("name", "")) if isinstance(column, dict) else str(column)
        for column in reference.get("columns") or []
    ]
    rows = reference.get("data")
    if isinstance(rows, list):
        return _from_rows(pandas, rows, columns)
    uri = str(reference.get("uri") or "")
    content = _content(reference)
    if content is None:
        return pandas.DataFrame(columns=columns or None)
    kind = uri[5:60] if uri.startswith("data:") else (urlsplit(uri).path or urlsplit(uri).netloc).lower()
    if "." not in kind.rpartition("/")[2] and not uri.startswith("data:"):  # an asset is named by its id
        kind = ".json" if content.lstrip()[:1] in (b"[", b"{") else ".csv"
    if kind.endswith(".csv") or kind.startswith("text/csv"):
        return pandas.read_csv(io.BytesIO(content))
    if kind.endswith(".json") or kind.startswith("application/json"):
        return pandas.read_json(io.BytesIO(content), orient="records")
    raise ValueError(f"the table at {uri[:80]} is neither CSV nor JSON")


def _from_rows(pandas: Any, rows: list[Any], columns: list[str]) -> Any:
    for number, row in enumerate(rows):
        if columns and isinstance(row, list) and len(row) != len(columns):
            found = f"{len(row)} values for {len(columns)} columns"
            raise ValueError(f"row {number} of the dataframe has {found}")
        if not isinstance(row, (list, dict)):
            found = type_name(type(row))
            raise ValueError(f"row {number} of the dataframe is no list (found {found})")  # noqa: TRY004
    return pandas.DataFrame(rows, columns=columns or None)


def to_image(value: Any) -> Image:
    """From NodeTool's image, the bytes of a file, a URI, a path or an array of uint8."""
    value = decode(value) if is_marker(value) else value
    image: Image = value if _is_a(value, "PIL", "Image") else _image(value)
    return image


def _image(value: Any) -> Any:
    if _is_a(value, "numpy", "ndarray"):
        return _image_from_array(value)
    content = _image_content(value)
    if content is None:
        raise ValueError("no image is connected")
    pillow = _library("PIL.Image", "pillow")
    pillow.init()
    try:
        opened = pillow.open(
            io.BytesIO(content), formats=[name for name in IMAGE_FORMATS if name in pillow.OPEN]
        )
        opened.load()
    except (OSError, SyntaxError, pillow.DecompressionBombError) as error:
        raise ValueError(f"the image can't be read: {str(error)[:200]}") from None
    return opened


def _image_content(value: Any) -> bytes | None:
    if value is None or value == "":
        return None
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, Path):
        return read_uri(value.absolute().as_uri())
    if isinstance(value, str) and (value.startswith("data:") or "://" in value):
        return read_uri(value)
    reference = _typed(value, "image", "asset")
    if reference is None:
        raise _unexpected("an image", value)
    return _content(reference)


def _image_from_array(array: Any) -> Any:
    pillow = _library("PIL.Image", "pillow")
    if array.dtype.name not in ("uint8", "bool"):
        raise ValueError(f"an image is made of an array of uint8, found {array.dtype}: scale and convert it")
    try:
        return pillow.fromarray(array)
    except (TypeError, ValueError):
        shape = tuple(array.shape)
        raise ValueError(
            f"an array of the shape {shape} is no image: rows, columns, and 1 to 4 channels"
        ) from None


def to_array(value: Any) -> np.ndarray[Any, Any]:
    """From NodeTool's np_array, a number, nested lists of numbers, or an image."""
    value = decode(value) if is_marker(value) else value
    array: np.ndarray[Any, Any] = value if _is_a(value, "numpy", "ndarray") else _array(value)
    return array


def _array(value: Any) -> Any:
    numpy = _library("numpy", "numpy")
    reference = _typed(value, "np_array")
    if reference is not None:
        return _array_from_reference(numpy, reference)
    if value is None:
        raise ValueError("no array is connected")
    if isinstance(value, (dict, str, bytes)):
        raise _unexpected("an array", value)
    try:
        made = numpy.asarray(value)
    except ValueError as error:
        raise ValueError(f"no array can be made of the list: {error}") from None
    if made.dtype.hasobject:
        raise _unexpected("an array", value)
    return made


def _array_from_reference(numpy: Any, reference: dict[str, Any]) -> Any:
    data = reference.get("value")
    if data is None:
        raise ValueError("no array is connected")
    content = _from_base64(data) if isinstance(data, str) else _bytes(data)
    try:
        dtype = numpy.dtype(str(reference.get("dtype", "<i8")))
        array = numpy.frombuffer(content, dtype=dtype).reshape(reference.get("shape", (-1,)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"the array can't be read: {error}") from None
    return array.copy()


def to_number_or_array(value: Any) -> Any:
    """An int or float as it is, anything else as an array."""
    return value if isinstance(value, (int, float)) else to_array(value)


def to_color(value: Any) -> str:
    """A color as text (``#rrggbb`` or a name, empty where none is set), from a dict, a text or a tuple."""
    reference = _typed(value, "color")
    color = reference.get("value") if reference is not None else value
    if color is None:
        return ""
    if isinstance(color, str):
        return color
    parts = color if isinstance(color, (list, tuple)) and len(color) in (3, 4) else [None]
    if all(isinstance(part, int) and 0 <= part <= 255 for part in parts):
        return "#" + "".join(f"{part:02x}" for part in parts)
    raise _unexpected("a color", value)


def to_date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if is_marker(value):
        return to_date(decode(value))
    if isinstance(value, str):
        return date.fromisoformat(value.strip()[:10])
    reference = _typed(value, "date", "datetime")
    if reference is None:
        raise _unexpected("a date", value)
    if not reference.get("year"):
        raise ValueError("no date is given")
    return date(int(reference["year"]), int(reference.get("month", 1)), int(reference.get("day", 1)))


def to_datetime(value: Any) -> datetime:
    """NodeTool's datetimes always have a zone; a bare date is its first moment in UTC."""
    if isinstance(value, datetime):
        return value
    if is_marker(value):
        return to_datetime(decode(value))
    if isinstance(value, str):
        return datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    day = to_date(value)
    names = ("hour", "minute", "second", "microsecond")
    hour, minute, second, microsecond = (int(value.get(name) or 0) for name in names)
    clock = time(hour, minute, second, microsecond)
    offset = value.get("utc_offset") or 0
    zone = timezone(timedelta(seconds=offset), str(value.get("tzinfo", "UTC"))) if offset else UTC
    return datetime.combine(day, clock, tzinfo=zone)


def to_bytes(value: Any, word: str = "file", *, text: bool = False) -> bytes:
    """The content of any reference (audio, video, document, …), of bytes, a text or a data: URI."""
    if is_marker(value):
        return to_bytes(decode(value), word, text=text)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str) and value:
        return _read_data_uri(value) if value.startswith("data:") else value.encode()
    if isinstance(value, Path):
        return read_uri(value.absolute().as_uri())
    content = _content(value, text=text) if isinstance(value, dict) and "type" in value else None
    if content is None:
        if value is None or value == "" or isinstance(value, dict):
            raise ValueError(f"no {word} is connected")
        raise _unexpected(word, value)
    return content


def to_text(value: Any) -> str:
    """A text, also as a reference of type text, or as bytes in UTF-8."""
    if isinstance(value, str):
        return value
    return to_bytes(value, "text", text=True).decode("utf-8", "replace")


def to_path(value: Any) -> Path:
    """A file or folder by NodeTool's path types, a file: URI, or text. Whether it may be used isn't asked."""
    if isinstance(value, Path):
        return value
    if is_marker(value):
        return to_path(decode(value))
    reference = _typed(value, "file_path", "folder_path", "folder")
    if reference is not None:
        value = reference.get("path") or reference.get("uri") or ""
    if not isinstance(value, str):
        raise _unexpected("a path", value)
    if not value:
        raise ValueError("no file or folder is chosen")
    return Path(unquote(urlsplit(value).path)) if value.startswith("file://") else Path(value)
