"""``python -m nodetool_jupyter.server.catalog`` writes all node types as JSON, with NodeTool's names."""

from __future__ import annotations

import sys
from typing import Any

from pydantic_core import to_json

from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import REQUIRED, InputSpec, NodeSpec
from nodetool_jupyter.nodes import FAMILIES


def catalog() -> list[dict[str, Any]]:
    """The types of the library and of installed packages, in their order."""
    return [described(spec) for spec in Registry(FAMILIES).all()]


def described(spec: NodeSpec) -> dict[str, Any]:
    """A node type as clients know it."""
    return {
        "node_type": spec.type,
        "title": spec.title,
        "description": spec.description,
        "namespace": spec.type.rpartition(".")[0],
        "is_dynamic": spec.dynamic,
        "properties": [_property(field) for field in spec.inputs.values()],
        "outputs": [{"name": name, "type": str(kind)} for name, kind in spec.outputs.items()],
    }


def _property(field: InputSpec) -> dict[str, Any]:
    is_required = field.default is REQUIRED
    return {
        "name": field.name,
        "type": str(field.type),
        "values": list(field.type.values or ()),
        "required": is_required,
        "default": None if is_required else field.default,
        "description": field.description,
        "min": field.minimum,
        "max": field.maximum,
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(to_json(catalog(), fallback=str, inf_nan_mode="null"))
