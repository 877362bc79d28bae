"""The built-in node library: NodeTool's node types that run offline, one family a module.

This package imports none of its families. ``FAMILIES`` says which modules hold the types of a prefix, so that
a family is imported when a workflow first uses it.
"""

from __future__ import annotations

_HERE = "nodetool_jupyter.nodes"

FAMILIES: dict[str, tuple[str, ...]] = {
    "lib.beautifulsoup": (f"{_HERE}.beautifulsoup",),
    "lib.date": (f"{_HERE}.date",),
    "lib.excel": (f"{_HERE}.excel",),
    "lib.grid": (f"{_HERE}.grid",),
    "lib.http": (f"{_HERE}.http",),
    "lib.json": (f"{_HERE}.json",),
    "lib.markdown": (f"{_HERE}.markdown",),
    "lib.math": (f"{_HERE}.math",),
    "lib.numpy.arithmetic": (f"{_HERE}.numpy_arithmetic",),
    "lib.numpy.conversion": (f"{_HERE}.numpy_conversion",),
    "lib.numpy.io": (f"{_HERE}.numpy_io",),
    "lib.numpy.manipulation": (f"{_HERE}.numpy_manipulation",),
    "lib.numpy.math": (f"{_HERE}.numpy_math",),
    "lib.numpy.reshaping": (f"{_HERE}.numpy_reshaping",),
    "lib.numpy.statistics": (f"{_HERE}.numpy_statistics",),
    "lib.os": (f"{_HERE}.os", f"{_HERE}.os_paths"),
    "lib.pillow.__init__": (f"{_HERE}.pillow_mix",),
    "lib.pillow.color_grading": (f"{_HERE}.pillow_color_grading",),
    "lib.pillow.draw": (f"{_HERE}.pillow_draw",),
    "lib.pillow.enhance": (f"{_HERE}.pillow_enhance",),
    "lib.pillow.filter": (f"{_HERE}.pillow_filter",),
    "lib.rss": (f"{_HERE}.rss",),
    "lib.seaborn": (f"{_HERE}.seaborn",),
    "lib.sqlite": (f"{_HERE}.sqlite",),
    "lib.svg": (f"{_HERE}.svg",),
    "lib.uuid": (f"{_HERE}.uuid",),
    "nodetool.boolean": (f"{_HERE}.boolean",),
    "nodetool.compare": (f"{_HERE}.compare",),
    "nodetool.constant": (f"{_HERE}.constant",),
    "nodetool.control": (f"{_HERE}.control",),
    "nodetool.data": (f"{_HERE}.data", f"{_HERE}.data_files"),
    "nodetool.dictionary": tuple(f"{_HERE}.dictionary{part}" for part in ("", "_filter", "_files")),
    "nodetool.document": (f"{_HERE}.document",),
    "nodetool.image": (f"{_HERE}.image", f"{_HERE}.image_files"),
    "nodetool.input": (f"{_HERE}.input",),
    "nodetool.list": (f"{_HERE}.list",),
    "nodetool.numbers": (f"{_HERE}.numbers",),
    "nodetool.output": (f"{_HERE}.output",),
    "nodetool.text": tuple(
        f"{_HERE}.text.{part}"
        for part in ("combine", "change", "check", "files", "regex", "template", "parse", "stream", "tokens")
    ),
    "nodetool.workspace": (f"{_HERE}.workspace",),
    "nodetool.workflows.base_node": (f"{_HERE}.workflow",),
    "nodetool.workflows.workflow_node": (f"{_HERE}.subworkflow",),
}
"""First part of the type strings → the modules that define them."""

INSTALL = {
    module: f"pip install 'nodetool-jupyter[{extra}]'"
    for module, extra in {"PIL": "image", "numpy": "image", "pandas": "data"}.items()
}
"""What a family may not find when it is imported → how to get it."""
