"""Which output fits which input, and how types are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.model.graph import Node
from nodetool_jupyter.model.types import ANY, TypeMetadata, fits, gathers, parse_type, type_of_value

NAMES = ["any", "none", "bool", "int", "float", "str", "dict", "image", "dataframe"]
FITTING = [
    ("any", "int"),
    ("int", "any"),
    ("int", "int"),
    ("int", "float"),
    ("float", "int"),
    ("image", "image"),
    ("none", "none"),
    ("none", "any"),
    ("list", "list[int]"),
    ("list[int]", "list"),
    ("list[any]", "list[int]"),
    ("list[int]", "list[float]"),
    ("dict[str, int]", "dict[str, float]"),
    ("int", "list[int]"),
    ("int", "list[float]"),
    ("int", "list"),
    ("image", "list[image]"),
    ("list[int]", "list[list[int]]"),
    ("int", "union[int, str]"),
    ("union[int, str]", "str"),
    ("union[int, str]", "union[str, bool]"),
    ("int", "union[str, list[int]]"),
    ("enum(a|b)", "enum(a|b|c)"),
    ("enum(a)", "str"),
    ("str", "enum(a|b)"),
    ("enum(a)", "list[str]"),
    ("tuple[int, str]", "tuple[float, str]"),
    ("tuple", "tuple[int]"),
]
NOT_FITTING = [
    ("str", "int"),
    ("int", "str"),
    ("int", "bool"),
    ("bool", "int"),
    ("str", "list[int]"),
    ("list[str]", "list[int]"),
    ("list[int]", "int"),
    ("none", "int"),
    ("none", "list[int]"),
    ("dict[str, str]", "dict[str, int]"),
    ("image", "dataframe"),
    ("int", "union[str, image]"),
    ("union[image, str]", "int"),
    ("enum(a|z)", "enum(a|b)"),
    ("int", "enum(a|b)"),
    ("enum(a)", "int"),
    ("tuple[int]", "tuple[int, int]"),
]


@pytest.mark.parametrize(("source", "target"), FITTING)
def test_what_fits(source: str, target: str) -> None:
    """An edge between them is drawn without a complaint."""
    assert fits(parse_type(source), parse_type(target))


@pytest.mark.parametrize(("source", "target"), NOT_FITTING)
def test_what_does_not_fit(source: str, target: str) -> None:
    """It is refused before anything runs."""
    assert not fits(parse_type(source), parse_type(target))


def test_none_fits_what_is_optional() -> None:
    """And nothing else but any."""
    none = TypeMetadata(type="none")
    assert fits(none, TypeMetadata(type="int", optional=True))
    assert fits(none, parse_type("union[int, none]"))
    assert fits(none, TypeMetadata(type="union", type_args=(TypeMetadata(type="int"),), optional=True))
    assert not fits(none, TypeMetadata(type="int"))


def test_objects_of_any_class_fit_one_another() -> None:
    """Their class is looked at when they arrive."""
    assert fits(TypeMetadata(type="object", type_name="a.A"), TypeMetadata(type="object", type_name="b.B"))


def types(depth: int = 2) -> st.SearchStrategy[TypeMetadata]:
    plain = st.sampled_from(NAMES).map(lambda name: TypeMetadata(type=name))
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            inner.map(lambda arg: TypeMetadata(type="list", type_args=(arg,))),
            st.lists(inner, min_size=2, max_size=3).map(
                lambda args: TypeMetadata(type="union", type_args=tuple(args))
            ),
            st.tuples(inner, inner).map(lambda args: TypeMetadata(type="dict", type_args=args)),
        ),
        max_leaves=6,
    )


@given(types())
def test_every_type_fits_itself_and_any(kind: TypeMetadata) -> None:
    """Whatever it is made of."""
    assert fits(kind, kind)
    assert fits(kind, ANY)
    assert fits(ANY, kind)


@given(types())
def test_a_type_is_read_as_it_is_written(kind: TypeMetadata) -> None:
    """The short form loses nothing of it."""
    assert parse_type(str(kind)) == kind


def test_single_values_are_gathered_for_a_list() -> None:
    """But not lists, nor what may be one, nor what doesn't fit the items."""
    whole = parse_type("list[int]")
    assert gathers(parse_type("int"), whole)
    assert gathers(parse_type("float"), whole)
    for other in ("list[int]", "list", "any", "none", "str"):
        assert not gathers(parse_type(other), whole)
    assert not gathers(parse_type("int"), parse_type("int"))


@pytest.mark.parametrize("text", ["list[int", "list[int]]", "list[int] x", "a]"])
def test_what_cannot_be_read(text: str) -> None:
    """A typo is an error, with the text in it."""
    with pytest.raises(ValueError, match="in type"):
        parse_type(text)


def test_nodetool_s_json_is_read() -> None:
    """As it stands in a file's dynamic_outputs; what is unknown doesn't hurt."""
    node = Node.model_validate(
        {
            "id": "a",
            "type": "x",
            "dynamic_outputs": {
                "o": {"type": "list", "optional": True, "type_args": [{"type": "str"}], "values": None},
                "e": {"type": "enum", "values": ["a", 1], "type_name": "E"},
            },
        }
    )
    assert str(node.dynamic_outputs["o"]) == "list[str] | none"
    assert str(node.dynamic_outputs["e"]) == "enum(a|1)"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "none"),
        (True, "bool"),
        (1, "int"),
        (1.5, "float"),
        ("a", "str"),
        ([], "list"),
        ({}, "dict"),
        ({"type": "image", "uri": ""}, "image"),
        ({"type": 5}, "dict"),
        (object(), "any"),
    ],
)
def test_types_of_json_values(value: object, name: str) -> None:
    """A dict with a type is what it says."""
    assert type_of_value(value).type == name
