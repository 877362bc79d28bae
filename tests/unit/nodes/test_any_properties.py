"""Whatever a node is given that fits its types, it gives a result or says in a sentence why it can't."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import InputSpec, NodeSpec
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes import FAMILIES, text
from tests.unit.nodes.support import run_spec

PREFIXES = (
    "lib.math",
    "nodetool.boolean",
    "nodetool.dictionary",
    "nodetool.list",
    "nodetool.numbers",
    "nodetool.text",
)
ENDLESS = {"nodetool.list.GenerateSequence"}
"""A sequence may be as long as one likes."""
SPECS = [
    spec
    for spec in Registry(FAMILIES).all()
    if spec.type.startswith(PREFIXES) and spec.type not in ENDLESS and not spec.reads_stream
]

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["a,b", "{{ a }}", "(", r"\1", "$.a", '{"a": 1}', "<p>&lt;", "é\u0301"]
)
INTEGERS = st.integers(-5, 60) | st.sampled_from([-(10**20), 10**20, 10**4000])
FLOATS = st.floats()
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "any": ANYTHING,
    "bool": st.booleans(),
    "int": INTEGERS,
    "float": INTEGERS | FLOATS,
    "str": TEXTS,
}


def values(kind: TypeMetadata) -> st.SearchStrategy[Any]:
    """Values of a type."""
    if kind.type == "enum":
        return st.sampled_from(kind.values or ())
    if kind.type == "union":
        return st.one_of(*map(values, kind.type_args))
    if kind.type == "list":
        return st.lists(values(kind.type_args[0]), max_size=4)
    if kind.type == "dict":
        return st.dictionaries(TEXTS, values(kind.type_args[1]) if kind.type_args else ANYTHING, max_size=4)
    return PLAIN[kind.type]


def bounded(handle: InputSpec) -> st.SearchStrategy[Any]:
    """Values that a handle takes."""
    low, high = handle.minimum, handle.maximum
    fits = values(handle.type)
    if low is not None:
        fits = fits.filter(lambda value: value >= low)
    return fits if high is None else fits.filter(lambda value: value <= high)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_a_result_or_a_sentence(spec: NodeSpec, data: st.DataObject) -> None:
    """No other exception than ValueError, and what was given is left as it was."""
    properties = {name: data.draw(bounded(handle), name) for name, handle in spec.inputs.items()}
    before = copy.deepcopy(properties)
    assert refusal(spec, properties) != ""
    assert repr(properties) == repr(before)


@given(template=st.text("{}%#ab |.()[]'1*\n", max_size=30))
@example("{{ a.__class__.__mro__ }}")
def test_templates(template: str) -> None:
    """Of whatever a template is made up."""
    for node, name in ((text.FormatText, "template"), (text.Template, "string")):
        sentence = refusal(node.spec(), {name: template}, a="x", b=2)
        assert sentence is None or sentence.startswith("the template ")


def refusal(spec: NodeSpec, properties: dict[str, Any], **dynamic: Any) -> str | None:
    """The sentence with which a node refuses; None where it gives a result."""
    try:
        run_spec(spec, properties, dynamic=dynamic)
    except ValueError as error:
        return str(error)
    return None
