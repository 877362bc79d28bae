"""Finding node types, and the example that is shown for one."""

from __future__ import annotations

import json

import pytest

from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.magics.library import described, example, search
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.views.sheet import Sheet


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(FAMILIES)


def test_every_type_has_an_example_that_can_be_made(registry: Registry) -> None:
    """Its imports are right; it is Python or JSON."""
    for spec in registry.all():
        text = example(spec)
        if text.startswith("{"):
            assert json.loads(text)["type"] == spec.type
            continue
        setup, call = text.split("\n")
        names: dict[str, object] = {}
        exec(setup, names)
        assert eval(call.partition("(")[0], names).node_type() == spec.type
        compile(call, "example", "eval")


def test_every_type_can_be_shown(registry: Registry) -> None:
    """With each of its fields."""
    for spec in registry.all():
        text = repr(Sheet(described(spec)))
        assert all(name in text for name in (*spec.inputs, *spec.outputs))


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("nodetool.text.Concat", ["nodetool.text.Concat"]),
        ("NODETOOL.TEXT.concat", ["nodetool.text.Concat"]),
        ("FormatText", ["nodetool.text.FormatText"]),
        ("no such thing at all", []),
    ],
)
def test_types_are_found(registry: Registry, query: str, types: list[str]) -> None:
    """A full type, or a last part that only one has, finds it alone."""
    assert [spec.type for spec in search(registry, query)] == types


def test_words_narrow_the_search(registry: Registry) -> None:
    """Each word is in the type, the title or the description; no words find all."""
    everything = search(registry, "")
    texts = search(registry, "text")
    both = search(registry, "text regex")
    assert len(everything) > len(texts) > len(both) > 0
