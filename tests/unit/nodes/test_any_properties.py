"""Whatever a node is given that fits its types, it gives a result or says in a sentence why it can't."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.engine.spec import InputSpec, NodeSpec
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes import FAMILIES, text
from nodetool_jupyter.nodes.svg_text import element
from tests.unit.nodes.support import Notes, inside, run_spec

PREFIXES = (
    *("lib.beautifulsoup", "lib.date", "lib.excel", "lib.grid", "lib.json", "lib.markdown", "lib.math"),
    *("lib.numpy", "lib.os", "lib.rss", "lib.sqlite", "lib.svg", "lib.uuid"),
    *("nodetool.boolean", "nodetool.dictionary", "nodetool.document", "nodetool.image", "nodetool.list"),
    *("nodetool.numbers", "nodetool.text", "nodetool.workspace"),
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


def reference(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """References of a type, with content, to a file or to nothing."""
    contents = st.none() | st.binary(max_size=30) | TEXTS.map(str.encode)
    return st.fixed_dictionaries({"type": st.just(kind), "uri": st.just("") | TEXTS, "data": contents})


PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "any": ANYTHING,
    "bool": st.booleans(),
    "int": INTEGERS,
    "float": INTEGERS | FLOATS,
    "str": TEXTS,
    "date": st.dates(),
    "datetime": st.datetimes(timezones=st.timezones() | st.none()),
    "dataframe": st.builds(
        pd.DataFrame, st.dictionaries(TEXTS, st.lists(SCALARS, min_size=2, max_size=2), max_size=3)
    ),
    "image": st.builds(Image.new, st.sampled_from(["1", "L", "P", "RGBA", "F"]), st.just((3, 2))),
    "np_array": st.sampled_from([[], [1, 2], [[0.5, -1]], [[[True]]], [math.nan, 1e300]]).map(np.array),
    "bytes": st.binary(max_size=9),
    "none": st.none(),
    "color": TEXTS.map(lambda text: {"type": "color", "value": text}),
    "file_path": TEXTS,
    "record_type": st.lists(st.fixed_dictionaries({"name": TEXTS, "data_type": TEXTS}), max_size=3).map(
        lambda columns: {"type": "record_type", "columns": columns}
    ),
    "svg_element": st.builds(
        element, TEXTS | st.just("rect"), st.dictionaries(TEXTS, TEXTS, max_size=2), content=st.none() | TEXTS
    ),
    **{kind: reference(kind) for kind in ("audio", "document", "excel", "folder", "text", "video")},
}


def values(kind: TypeMetadata) -> st.SearchStrategy[Any]:
    """Values of a type."""
    if kind.type == "enum":
        return st.sampled_from(kind.values or ())
    if kind.type == "union":
        return st.one_of(*map(values, kind.type_args))
    if kind.type == "list":
        return st.lists(values(kind.type_args[0]) if kind.type_args else ANYTHING, max_size=4)
    if kind.type == "tuple":
        return st.tuples(*map(values, kind.type_args)).map(list)
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
def test_a_result_or_a_sentence(
    spec: NodeSpec, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No exception but a ValueError, or that an address can't be read here. What was given stays as it was;
    files are in the workspace.
    """
    properties = {name: data.draw(bounded(handle), name) for name, handle in spec.inputs.items()}
    before = copy.deepcopy(properties)
    assert refusal(spec, properties, inside(tmp_path_factory.mktemp("place"))) != ""
    assert shown(properties) == shown(before)


@given(template=st.text("{}%#ab |.()[]'1*\n", max_size=30))
@example("{{ a.__class__.__mro__ }}")
def test_templates(template: str) -> None:
    """Of whatever a template is made up."""
    for node, name in ((text.FormatText, "template"), (text.Template, "string")):
        sentence = refusal(node.spec(), {name: template}, Notes(), a="x", b=2)
        assert sentence is None or sentence.startswith("the template ")


def shown(value: Any) -> str:
    """All of a value, images by their pixels."""
    if isinstance(value, Image.Image):
        return f"{value.mode} {value.size} {value.tobytes()!r}"
    if isinstance(value, (list, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return "; ".join(f"{key!r}: {shown(item)}" for key, item in items)
    return repr(value)


def refusal(spec: NodeSpec, properties: dict[str, Any], context: Notes, **dynamic: Any) -> str | None:
    """The sentence with which a node refuses; None where it gives a result."""
    try:
        run_spec(spec, properties, dynamic=dynamic, context=context)
    except (ValueError, NodeToolError) as error:
        return str(error)
    return None
