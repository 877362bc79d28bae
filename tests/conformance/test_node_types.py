"""The library's node types have NodeTool's names, properties, defaults, bounds and outputs.

The facts are data outside of the project, beside the folder that ``NODETOOL_CONFORMANCE_DIR`` names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import InputSpec, NodeSpec
from nodetool_jupyter.nodes import FAMILIES

VARIABLE = "NODETOOL_CONFORMANCE_DIR"
OURS = {
    "nodetool.workflows.base_node.Comment",
    "nodetool.workflows.base_node.Group",
    "nodetool.workflows.base_node.Preview",
    "nodetool.workflows.workflow_node.Workflow",
}
"""Types of NodeTool's core, which the facts leave out."""
PASS_ON = {"nodetool.control.Reroute", "nodetool.output.Output"}
"""They stream what is streamed to them; NodeTool marks them as streaming always."""

Facts = dict[str, Any]


@pytest.mark.needs_variable(VARIABLE)
def test_types_are_as_in_nodetool() -> None:
    """Every implemented type is compared with its recorded facts; there is none that NodeTool lacks."""
    facts = json.loads((Path(os.environ[VARIABLE]).parent / "nodes.json").read_text("utf-8"))
    specs = [spec for spec in Registry(FAMILIES).all() if spec.type not in OURS]
    assert len(specs) > 100
    assert not [spec.type for spec in specs if spec.type not in facts]
    assert not [text for spec in specs for text in differences(spec, facts[spec.type])]


def differences(spec: NodeSpec, facts: Facts) -> Iterator[str]:
    properties: dict[str, list[Any]] = facts["properties"]
    if spec.inputs.keys() != properties.keys():
        yield f"{spec.type}: properties {sorted(spec.inputs)}, recorded {sorted(properties)}"
    for name in spec.inputs.keys() & properties.keys():
        for found, recorded in of_property(spec.inputs[name], properties[name]):
            if found != recorded:
                yield f"{spec.type}.{name}: {found!r}, recorded {recorded!r}"
    outputs = {name: str(kind) for name, kind in spec.outputs.items()}
    if outputs != facts["outputs"]:
        yield f"{spec.type}: outputs {outputs}, recorded {facts['outputs']}"
    if spec.dynamic != facts.get("dynamic", False):
        yield f"{spec.type}: dynamic is {spec.dynamic}"
    if spec.type not in PASS_ON and spec.shape.streams != facts.get("streaming_output", False):
        yield f"{spec.type}: streaming is {spec.shape.streams}"


def of_property(spec: InputSpec, recorded: list[Any]) -> Iterator[tuple[object, object]]:
    """(found, recorded) of type, default and bounds; a recorded default of None was made at run time."""
    yield str(spec.type), recorded[0]
    if recorded[1] is not None:
        yield spec.default, recorded[1]
    bounds = recorded[2] if len(recorded) > 2 else {}
    yield (spec.minimum, spec.maximum), (bounds.get("min"), bounds.get("max"))
