"""``await`` in a cell: handles are there at once, and nothing else is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from nodetool_jupyter.errors import CellError
from tests.unit.authoring.cells import build, fail, outputs_of


class Forever:
    """Real waiting, without a loop that it would need."""

    def __await__(self) -> Iterator[None]:
        yield


def test_top_level_await_is_allowed() -> None:
    """In expressions, in comprehensions, in functions of the cell."""
    assert outputs_of("await shout('a')") == {"result": ["A"]}
    assert outputs_of("[await shout(t) for t in 'ab']") == {"result": [["A", "B"]]}
    text = "async def f(t):\n    return await shout(t)\nx = await f('a')\nx"
    assert outputs_of(text) == {"result": ["A"]}
    assert build("async def f():\n    return 1\nawait f()").value == 1


@pytest.mark.parametrize("wait", ["asyncio.sleep(1)", "asyncio.gather(shout('a'), shout('b'))", "forever"])
def test_real_waiting_is_refused(wait: str) -> None:
    """Nothing has run while the graph is built: there is nothing to wait for."""

    async def kernel() -> CellError:
        return fail(f"import asyncio\n\nawait {wait}", forever=Forever())

    error = asyncio.run(kernel())
    assert (error.line, error.text) == (3, f"await {wait}")
    assert "waits for something that is no node" in error.message
    assert "run at the same time" in (error.hint or "")


def test_without_a_loop_the_hint_is_the_same() -> None:
    """In a terminal asyncio itself refuses first."""
    assert "run at the same time" in (fail("import asyncio\nawait asyncio.sleep(1)").hint or "")


def test_a_body_that_does_not_want_to_end_is_left() -> None:
    """It awaits again while it is being closed; that is not our problem."""
    text = "try:\n    await forever\nfinally:\n    await forever"

    error = fail(text, forever=Forever())
    assert error.line == 2
    assert "waits for something that is no node" in error.message


def test_a_mistake_after_an_await_has_its_line() -> None:
    """The body is a coroutine then; its lines are the same."""
    error = fail("x = await shout('a')\n\nif x: pass")
    assert error.line == 3
    assert fail("x = await shout('a')\n1 / 0").line == 2
