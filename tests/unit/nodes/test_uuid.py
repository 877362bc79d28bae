"""lib.uuid: identifiers are made, read and written."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from nodetool_jupyter.nodes import uuid as nodes
from tests.unit.nodes.support import assert_refused, cases, run_node

ONE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


@cases(
    (nodes.GenerateUUID3, {"name": "python.org"}, "6fa459ea-ee8a-3ca4-894e-db77e160355e"),
    (nodes.GenerateUUID5, {"name": "python.org"}, "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
    (
        nodes.GenerateUUID5,
        {"namespace": "DNS ", "name": "python.org"},
        "886313e1-3b8a-5372-9b90-0c9aee199e5d",
    ),
    (nodes.GenerateUUID5, {"namespace": ONE, "name": "python.org"}, "886313e1-3b8a-5372-9b90-0c9aee199e5d"),
    (nodes.FormatUUID, {"uuid_string": f"urn:uuid:{ONE.upper()}"}, ONE),
    (nodes.FormatUUID, {"uuid_string": ONE, "format": "hex"}, ONE.replace("-", "")),
    (nodes.FormatUUID, {"uuid_string": ONE, "format": "bytes_hex"}, ONE.replace("-", "")),
    (nodes.FormatUUID, {"uuid_string": ONE, "format": "urn"}, f"urn:uuid:{ONE}"),
    (nodes.FormatUUID, {"uuid_string": ONE, "format": "int"}, str(uuid.UUID(ONE).int)),
    (nodes.IsValidUUID, {"uuid_string": f" {{{ONE}}}"}, True),
    (nodes.IsValidUUID, {"uuid_string": ONE[:-1]}, False),
    (nodes.IsValidUUID, {"uuid_string": ""}, False),
)
def test_known_identifiers(node: Any, properties: dict[str, Any], expected: Any) -> None:
    assert run_node(node, properties) == expected


@pytest.mark.parametrize(("node", "version"), [(nodes.GenerateUUID1, 1), (nodes.GenerateUUID4, 4)])
def test_each_is_another_one(node: Any, version: int) -> None:
    made = [uuid.UUID(run_node(node)) for _ in range(5)]
    assert len(set(made)) == 5
    assert {value.version for value in made} == {version}


def test_no_machine_is_given_away() -> None:
    """What stands for the address of a machine is random, and marked as being none."""
    made = [uuid.UUID(run_node(nodes.GenerateUUID1)).node for _ in range(3)]
    assert len(set(made)) == 3
    assert all(node >> 40 & 1 for node in made)


def test_the_parts() -> None:
    found = run_node(nodes.ParseUUID, {"uuid_string": ONE})
    value = uuid.UUID(ONE)
    assert found == {
        "uuid": ONE,
        "version": 1,
        "variant": "specified in RFC 4122",
        "hex": value.hex,
        "int": value.int,
        "urn": value.urn,
    }


def test_what_is_none_is_refused() -> None:
    assert_refused(nodes.ParseUUID, {"uuid_string": "no"}, "'no' is no UUID")
    assert_refused(nodes.GenerateUUID3, {"namespace": "www"}, "'www' is no namespace: choose dns, ")
