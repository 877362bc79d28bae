"""Resource hints: how they are written, and when they can't be met."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.model.resources import Provision, Resources, lack, of_this_machine, read_resources


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Resources()),
        ({"cpu": 2}, Resources(cpu=2.0)),
        ({"memory": "1g"}, Resources(memory=2**30)),
        ({"memory": 1024}, Resources(memory=1024)),
        ({"gpu": 1, "cpu": 0.5}, Resources(cpu=0.5, gpu=1)),
        ({"gpu": True}, Resources(gpu=1)),
        ({"gpu": "device=0,1"}, Resources(gpu=2, devices=("0", "1"))),
        ({"gpu": "cuda:1"}, Resources(gpu=1, devices=("1",))),
        (Resources(gpu=3), Resources(gpu=3)),
    ],
)
def test_hints_are_read(given: Any, expected: Resources) -> None:
    """As the decorator has them."""
    assert read_resources(given) == expected


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("gpu", "found str"),
        ({"gpus": 1}, "found 'gpus'"),
        ({"cpu": 0}, "cpu is a number of cores above 0, not 0"),
        ({"cpu": True}, "not True"),
        ({"cpu": float("nan")}, "not nan"),
        ({"memory": "much"}, "'much' is not a size"),
        ({"memory": -1}, "not -1"),
        ({"memory": 1.5}, "not 1.5"),
        ({"gpu": 0}, "not 0"),
        ({"gpu": False}, "not False"),
        ({"gpu": "a b"}, "not 'a b'"),
        ({"gpu": [0]}, "not [0]"),
    ],
)
def test_what_cannot_be_read_is_refused(given: Any, found: str) -> None:
    """Where the node is written, by function or class."""
    with pytest.raises(OptionError) as caught:
        node(resources=given)
    assert found in caught.value.message
    with pytest.raises(OptionError):

        class Needy(BaseNode, prefix="test", resources=given):
            """Never made."""


THERE = Provision(cpus=4, memory=2 * 2**30, gpus=("0", "1"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, None),
        ({"cpu": 4, "memory": "2g", "gpu": 2}, None),
        ({"gpu": "0,1"}, None),
        ({"cpu": 4.5}, "needs 4.5 cpus, there are 4"),
        ({"memory": "3g"}, "needs 3.0 GiB of memory, there are 2.0 GiB"),
        ({"gpu": 3}, "needs 3 GPUs, there are 2"),
        ({"gpu": "device=2"}, "needs GPU 2, there are 0, 1"),
    ],
)
def test_what_is_missing_is_said(given: Any, sentence: str | None) -> None:
    """With what there is."""
    assert lack(read_resources(given), THERE) == sentence


def test_what_is_not_known_is_not_missed() -> None:
    """An engine elsewhere may have it."""
    assert lack(read_resources({"cpu": 1000, "memory": "1t", "gpu": 8}), Provision()) is None


def test_a_machine_has_something() -> None:
    """And no more GPUs than it was told of."""
    there = of_this_machine(())
    assert lack(Resources(cpu=0.1, memory=2**20), there) is None
    assert lack(Resources(gpu=1), there) == "needs 1 GPU, there are none"
