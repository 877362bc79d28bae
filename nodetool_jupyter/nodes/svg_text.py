"""SVG elements as XML, and SVG texts checked: no scripts, no events, nothing that is loaded from elsewhere.

A drawing comes with a workflow and is shown in notebooks and drawn in this process.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from nodetool_jupyter.nodes.matching import shortened

NAMESPACE = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
MAX_ELEMENTS = 100_000
MAX_DEPTH = 100
MAX_LENGTH = 10_000_000
NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}")
REFUSED = frozenset({"script", "foreignobject", "iframe", "object", "embed", "handler", "style", "use"})
"""``style`` may load fonts and pages; ``use`` may make a picture of exponential size."""
INSIDE = re.compile(r"\s*(#|data:image/(png|jpeg|gif|webp)[;,])", re.IGNORECASE)
OUTSIDE_URL = re.compile(r"url\(\s*['\"]?\s*(?!#)|@import|javascript:|expression\(", re.IGNORECASE)


def element(
    name: str,
    attributes: Mapping[str, object],
    *,
    content: str | None = None,
    children: list[Any] | None = None,
) -> dict[str, Any]:
    """An element as NodeTool's dict; numbers become texts."""
    return {
        "type": "svg_element",
        "name": name,
        "attributes": {key: str(value) for key, value in attributes.items()},
        "content": content,
        "children": children or [],
    }


def number(value: float) -> str:
    """A number as SVG has it; ValueError for one that isn't finite."""
    if not math.isfinite(value):
        raise ValueError(f"expected a number, found {value}")
    return f"{value:g}"


def document_text(content: Any, width: int, height: int, view_box: str) -> str:
    """The SVG document of elements, an element or a text; ValueError for what must not be in one."""
    parts = re.split(r"[\s,]+", view_box.strip())
    if len(parts) != 4 or not all(re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", part) for part in parts):
        raise ValueError(f"viewBox must be four numbers, such as 0 0 800 600; found {shortened(view_box)}")
    root = ET.Element("svg", {"xmlns": NAMESPACE, "width": str(width), "height": str(height)})
    root.set("viewBox", " ".join(parts))
    count = _Count()
    for item in content if isinstance(content, (list, tuple)) else [content]:
        if isinstance(item, str):
            root.extend(_parsed(item, count))
        else:
            root.append(_built(item, count, 0))
    return ET.tostring(root, encoding="unicode")


class _Count:
    """How many elements a document has so far."""

    def __init__(self) -> None:
        self.elements = 0

    def add(self, depth: int) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS or depth > MAX_DEPTH:
            raise ValueError(
                f"the drawing has more than {MAX_ELEMENTS:,} elements, or is nested deeper than {MAX_DEPTH}"
            )


def _built(item: Any, count: _Count, depth: int) -> ET.Element:
    count.add(depth)
    if not (isinstance(item, Mapping) and item.get("type") == "svg_element"):
        raise ValueError(f"expected elements of SVG, found {type(item).__name__}")
    made = ET.Element(checked_name(str(item.get("name") or "")))
    for key, value in (item.get("attributes") or {}).items():
        made.set(*checked_attribute(str(key), str(value)))
    if item.get("content") is not None:
        made.text = _characters(str(item["content"]))
    made.extend([_built(child, count, depth + 1) for child in item.get("children") or []])
    return made


def _parsed(text: str, count: _Count) -> list[ET.Element]:
    """The elements of a text: of a whole document, what is in its svg element."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the SVG has more than {MAX_LENGTH:,} characters")
    body = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    if "<!" in re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL):
        raise ValueError("the SVG has a document type or sections of data, which are not read")
    wrapped = f'<g xmlns="{NAMESPACE}" xmlns:xlink="{XLINK[1:-5]}">{body}</g>'
    try:
        root = ET.fromstring(wrapped)  # noqa: S314 - entities need a document type, which is refused
    except ET.ParseError as error:
        raise ValueError(f"the SVG can't be read: {error}") from None
    children = list(root)
    if len(children) == 1 and _local(children[0].tag) == "svg":
        children = list(children[0])
    return [_copied(child, count, 0) for child in children]


def _copied(item: ET.Element, count: _Count, depth: int) -> ET.Element:
    count.add(depth)
    made = ET.Element(checked_name(_local(item.tag)))
    for key, value in item.attrib.items():
        made.set(*checked_attribute("href" if key == XLINK else _local(key), value))
    made.text, made.tail = item.text, item.tail
    made.extend([_copied(child, count, depth + 1) for child in item])
    return made


def checked_name(name: str) -> str:
    """The name of an element; ValueError for one that is none, or that a drawing must not have."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{shortened(name)} is no name of an element of SVG")
    if name.lower() in REFUSED:
        raise ValueError(f"a drawing must not have an element {name!r}")
    return name


def checked_attribute(name: str, value: str) -> tuple[str, str]:
    """Name and value of an attribute; ValueError for events, and for addresses outside of the document."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{shortened(name)} is no name of an attribute of SVG")
    if name.lower().startswith("on"):
        raise ValueError(f"a drawing must not have an attribute {name!r}")
    if (name.lower() in ("href", "src") and not INSIDE.match(value)) or OUTSIDE_URL.search(value):
        raise ValueError(f"a drawing must not refer to {shortened(value)}, which is outside of it")
    return name, _characters(value)


def _characters(text: str) -> str:
    """The text without the characters that XML can't hold."""
    return re.sub(
        r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text
    )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
