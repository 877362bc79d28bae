"""What every store promises of params: who runs a job again has them with their types, or is told so."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.model.job import JobRecord
from nodetool_jupyter.store import Store, new_job_id
from tests.contract.stores import REQUEST
from tests.integration.conftest import gates, open_session  # noqa: F401 - fixtures
from tests.integration.gates import DEADLINE, Open
from tests.unit.engine.support import Input, Out, graph


@dataclass
class Price:
    amount: float


class Odd:
    """Has no JSON."""

    def __eq__(self, other: object) -> bool:
        raise TypeError("not to be compared")

    __hash__ = None  # type: ignore[assignment]


VALUES = [
    datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC),
    datetime.date(2026, 1, 2),
    datetime.timedelta(seconds=5),
    b"bytes\xff",
    (1, ("a", 2)),
    {1, 2},
    {1: "a", "b": (2,)},
    Path("folder/file"),
    decimal.Decimal("1.10"),
    uuid.UUID(int=5),
    2**80,
    -math.inf,
    Price(2.5),
    {"python": "3.11", "type": "a dict of the user's"},
    [{"python": 1}],
    ["plain", 1, 1.0, True, None],
]


def kept(store: Store, value: Any) -> Any:
    record = JobRecord(id=new_job_id(), created_at=1, params={"x": value})
    store.add(record, REQUEST.model_copy(update={"params": {"x": value}}))
    return store.request(record.id).params["x"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_param_has_its_type_again(store: Store, value: Any) -> None:
    found = kept(store, value)
    assert (type(found), found) == (type(value), value)


def test_an_array(store: Store) -> None:
    """As it was, if it is not large."""
    array = numpy.arange(12, dtype="float32").reshape(3, 4)
    found = kept(store, array)
    assert found.dtype == array.dtype
    assert (found == array).all()
    assert not isinstance(kept(store, numpy.zeros(2_000_000)), numpy.ndarray)


Retry = Callable[[Any], Any]


@pytest.fixture
def retry(open_session: Open) -> Retry:  # noqa: F811 - the fixture
    """The result of a job with a param, retried by a kernel that knows of it by the store alone."""

    def retry(value: Any) -> Any:
        session = open_session()
        job = session.submit(graph({"i": (Input, {"name": "x"}), "o": Out}, "i > o.value"), {"x": value})
        job.result(DEADLINE)
        job_id = job.id
        session.close()
        return open_session().retry(job_id).result(DEADLINE)

    return retry


@pytest.mark.parametrize("value", [VALUES[0], VALUES[3], VALUES[5], VALUES[13]], ids=repr)
def test_a_threaded_job_is_retried_with_them(retry: Retry, value: Any) -> None:
    assert retry(value) == value


@pytest.mark.parametrize("value", [Odd(), [Odd()], numpy.zeros(2_000_000)], ids=["odd", "list", "large"])
def test_what_was_not_kept_is_said_so(retry: Retry, value: Any) -> None:
    """Never run with something else in its place."""
    with pytest.raises(NodeToolError, match="its params were values in memory"):
        retry(value)
