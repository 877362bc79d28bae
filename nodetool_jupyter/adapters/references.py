"""NodeTool's references and the Python values that they stand for.

Between nodes and at the notebook's edge there are Python values only: a reference is made for the node that
takes one, and read when the node gives it. One whose content lies elsewhere stays a reference, as JSON.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodetool.metadata import types

from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.base import is_marker
from nodetool_jupyter.values.codec import decode

if TYPE_CHECKING:
    from nodetool_jupyter.adapters.context import InstalledContext

CONTENT = ("image", "audio", "video", "document", "model_3d", "excel", "text", "asset")


def to_nodetool(value: Any, wanted: TypeMetadata) -> Any:
    """What a node of NodeTool's kind takes in place of a Python value."""
    if is_marker(value):
        value = decode(value)
    if isinstance(value, (list, tuple)):
        item = (
            wanted.type_args[0] if wanted.type in ("list", "tuple") and wanted.type_args else TypeMetadata()
        )
        return type(value)(to_nodetool(each, item) for each in value)
    if isinstance(value, dict):
        return _from_dict(value)
    names = {wanted.type, *(each.type for each in wanted.type_args if wanted.type == "union")}
    return _reference(value, names)


def _from_dict(value: dict[str, Any]) -> Any:
    """References of JSON have their bytes as numbers."""
    if value.get("type") in CONTENT and isinstance(value.get("data"), list):
        data = value["data"]
        if data and all(isinstance(each, int) for each in data):
            return {**value, "data": bytes(data)}
        return value
    return {key: to_nodetool(each, TypeMetadata()) for key, each in value.items()}


def _reference(value: Any, names: set[str]) -> Any:
    if _is_a(value, "PIL.Image", "Image"):
        return types.ImageRef(data=value)
    if _is_a(value, "pandas", "DataFrame"):
        return types.DataframeRef.from_pandas(value)
    if _is_a(value, "numpy", "ndarray"):
        return _of_array(value, names)
    if isinstance(value, datetime.datetime):
        return types.Datetime.from_datetime(value)
    if isinstance(value, datetime.date):
        return types.Date.from_date(value)
    if isinstance(value, Path):
        return types.FilePath(path=str(value)) if "file_path" in names else str(value)
    if isinstance(value, (bytes, bytearray)) or (isinstance(value, str) and names == {"text"}):
        return _of_content(value, names)
    return value


def _of_array(value: Any, names: set[str]) -> Any:
    for name in ("image", "audio", "video"):
        if name in names:
            return types.NameToType[name](data=value)
    return types.NPArray.from_numpy(value)


def _of_content(value: Any, names: set[str]) -> Any:
    wanted = next((name for name in CONTENT if name in names), None)
    data = bytes(value) if isinstance(value, bytearray) else value
    return data if wanted is None else types.NameToType[wanted](data=data)


async def to_python(value: Any, context: InstalledContext) -> Any:
    """What a node has given as Python values, through lists and dicts."""
    if isinstance(value, types.BaseType):
        return await _value_of(value, context)
    if isinstance(value, dict):
        return {key: await to_python(each, context) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)([await to_python(each, context) for each in value])
    return value


async def _value_of(reference: Any, context: InstalledContext) -> Any:
    if isinstance(reference, types.DataframeRef):
        return await _table_of(reference, context)
    if isinstance(reference, types.NPArray):
        return None if reference.is_empty() else reference.to_numpy().copy()
    if isinstance(reference, types.Date):
        return reference.to_date() if reference.year else None
    if isinstance(reference, types.Datetime):
        return reference.to_datetime() if reference.year else None
    if isinstance(reference, types.AssetRef) and reference.is_empty():
        return None
    if not isinstance(reference, types.AssetRef) or not context.has_content(reference):
        return reference.model_dump()
    if isinstance(reference.data, list):
        parts = [reference.model_copy(update={"data": each, "uri": ""}) for each in reference.data]
        return [await _content_of(part, context) for part in parts]
    return await _content_of(reference, context)


async def _content_of(reference: Any, context: InstalledContext) -> Any:
    held = context.held(reference)
    if isinstance(reference, types.ImageRef):
        if _is_a(held, "PIL.Image", "Image"):
            return held
        return convert.to_image(await context.asset_to_bytes(reference))
    content = await context.asset_to_bytes(reference)
    return content.decode("utf-8") if isinstance(reference, types.TextRef) else content


async def _table_of(reference: Any, context: InstalledContext) -> Any:
    is_elsewhere = reference.is_set() and not context.has_content(reference)
    if is_elsewhere and not reference.columns:
        return reference.model_dump()
    if reference.is_empty():
        return convert.to_dataframe(reference.model_dump())
    return await context.dataframe_to_pandas(reference)


def _is_a(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a library's class; no library is imported to find out."""
    cls = getattr(sys.modules.get(module), name, None)
    return isinstance(cls, type) and isinstance(value, cls)
