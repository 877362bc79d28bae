"""Params of a plan: which input node takes which, and what a stream begins with.

Each is checked by its node before anything runs; one that no node takes is a problem.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.engine.depth import refuse_depth
from nodetool_jupyter.engine.spec import REQUIRED, Role
from nodetool_jupyter.errors import Problem
from nodetool_jupyter.model.graph import Node

if TYPE_CHECKING:
    from nodetool_jupyter.engine.plan import PlanNode

STREAM = "stream"
"""The property by which an input of any type says that values are pushed to it."""


class Params:
    """What was given, and the nodes that may take it."""

    def __init__(self, given: Mapping[str, Any], *, are_promised: bool = False) -> None:
        self.given = given
        self.are_promised = are_promised
        """Whether all that nodes need will be given when it runs."""
        self.inputs: list[tuple[str, PlanNode]] = []
        """Nodes that may take a param, by its name."""

    def name(self, planned: PlanNode) -> None:
        """An input or output node is known by its property ``name``, which has a default."""
        handle = planned.spec.inputs.get("name")
        if handle is not None and "name" not in planned.properties:
            planned.properties = {**planned.properties, "name": handle.default}
        if planned.spec.role is Role.INPUT:
            self.inputs.append((planned.param, planned))

    def gives(self, planned: PlanNode) -> bool:
        """Whether a node need not have a value of its own."""
        is_given = self.are_promised or planned.param in self.given
        return planned.is_fed or (planned.spec.role is Role.INPUT and is_given)

    def problems(self) -> Iterator[Problem]:
        """Names that are there twice or not at all, and values that aren't accepted."""
        inputs: dict[str, PlanNode] = {}
        for name, planned in self.inputs:
            if name and name in inputs:
                yield Problem(f"two input nodes have the name {name!r}", node_id=planned.id)
            inputs[name] = planned
            yield from self._accept(name, planned)
        for name in self.given:
            if name not in inputs:
                near = difflib.get_close_matches(name, inputs, n=1)
                known_names = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else f"there are {sorted(filter(None, inputs)) or 'none'}"
                )
                yield Problem(
                    f"no input node has the name {name!r} that a param was given for; {known_names}"
                )

    def _accept(self, name: str, planned: PlanNode) -> Iterator[Problem]:
        """An input node's value is the param of its name, else its own; both must be acceptable."""
        value_spec = planned.spec.inputs.get("value")
        if value_spec is None or planned.spec.accept is None:
            return
        value = planned.properties.get("value", value_spec.default)
        try:
            if name in self.given:
                value = value_spec.check(self.given[name])
                refuse_depth(value)
            if value is not REQUIRED:
                accepted = planned.spec.accept(planned.properties, value)
                planned.properties = {**planned.properties, "value": accepted}
                if planned.is_fed and name in self.given:
                    planned.first_items = (accepted,)
        except ValueError as error:
            source = f"param {name!r}" if name in self.given else "its value"
            yield Problem(f"{source}: {error}", planned.id, "value")


def plan_stream(node: Node, planned: PlanNode, problems: list[Problem]) -> Node:
    """An input of any type is a stream where its property ``stream`` says so."""
    data = {**node.data}
    stream = data.pop(STREAM)
    if not isinstance(stream, bool):
        problems.append(Problem(f"expected true or false, found {describe(stream)}", node.id, STREAM))
    elif stream and "value" not in planned.spec.inputs:
        problems.append(Problem(f"{planned.spec.type} can't be a stream: it has no value", node.id, STREAM))
    else:
        planned.is_fed = stream
    return node.model_copy(update={"data": data})
