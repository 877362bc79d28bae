"""What a node type becomes for one node of a graph: with outputs and a policy that only this node has.

Decided once, when the plan is made; a node that has neither shares its type's spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

from nodetool_jupyter.engine.annotations import annotation_of, make_result_check
from nodetool_jupyter.engine.spec import Bound, NodeSpec
from nodetool_jupyter.errors import OptionError, Problem
from nodetool_jupyter.model.graph import POLICY_FIELDS, Node
from nodetool_jupyter.model.types import TypeMetadata


class _Declares(Bound, Protocol):
    """The runnable of a node type that has dynamic outputs."""

    def declare(self, outputs: Mapping[str, TypeMetadata]) -> None: ...


def own_spec(node: Node, spec: NodeSpec, problems: list[Problem]) -> NodeSpec:
    """The spec of one node, which is that of its type where nothing else is said."""
    if not node.dynamic_outputs.keys() <= spec.outputs.keys():
        spec = _with_outputs(node, spec, problems)
    extra = node.model_extra or {}
    given = {name: extra[name] for name in POLICY_FIELDS if name in extra}
    if not given:
        return spec
    try:
        return replace(spec, policy=replace(spec.policy, **given))
    except OptionError as error:
        problems.append(Problem(error.message, node.id))
        return spec


def _with_outputs(node: Node, spec: NodeSpec, problems: list[Problem]) -> NodeSpec:
    """The declared outputs and the node's own; each value has the type that is declared for it."""
    if not (spec.dynamic_outputs or (spec.dynamic and spec.routes)):
        names = ", ".join(sorted(node.dynamic_outputs))
        problems.append(Problem(f"{spec.type} has no dynamic outputs, found {names}", node.id))
        return spec
    own = {name: kind for name, kind in node.dynamic_outputs.items() if name not in spec.outputs}

    def bind(properties: Mapping[str, Any], dynamic: Mapping[str, Any]) -> Bound:
        bound = cast(_Declares, spec.bind(properties, dynamic))
        bound.declare(own)
        return bound

    found = ((name, make_result_check(annotation_of(kind))) for name, kind in own.items())
    checks = {name: check for name, check in found if check is not None}
    return replace(
        spec,
        outputs={**spec.outputs, **own},
        result_checks={**(spec.result_checks or {}), **checks} or None,
        bind=bind,
        routes=True,
    )
