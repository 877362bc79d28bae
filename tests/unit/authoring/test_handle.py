"""Handle: a value that isn't there yet refuses what would need it, and says what to do instead."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from nodetool_jupyter.authoring.builder import GraphBuilder
from nodetool_jupyter.authoring.handle import Handle
from nodetool_jupyter.errors import CellError
from tests.unit.authoring import cells
from tests.unit.authoring.cells import build, edges_of, fail, outputs_of

USES = {
    "if h: pass": "neither true nor false",
    "while h: pass": "neither true nor false",
    "not h": "neither true nor false",
    "h and 1": "neither true nor false",
    "1 if h else 2": "neither true nor false",
    "for x in h: pass": "can't be iterated",
    "list(h)": "can't be iterated",
    "[*h]": "can't be iterated",
    "print(*h)": "can't be iterated",
    "[x for x in h]": "can't be iterated",
    "next(h)": "can't be iterated",
    "reversed(h)": "can't be iterated",
    "sum(h)": "can't be iterated",
    "len(h)": "its length isn't known",
    "h == 1": "can't be compared",
    "h != 1": "can't be compared",
    "h < 1": "can't be compared",
    "1 >= h": "can't be compared",
    "max(h, 1)": "can't be compared",
    "1 in h": "can't be compared",
    "h in ['a']": "can't be compared",
    "h + 1": "can't be computed with",
    "1 + h": "can't be computed with",
    "'a' + h": "can't be computed with",
    "[1] + h": "can't be computed with",
    "h @ h": "can't be computed with",
    "h // 2": "can't be computed with",
    "2 ** h": "can't be computed with",
    "h | h": "can't be computed with",
    "-h": "can't be computed with",
    "abs(h)": "can't be computed with",
    "round(h)": "can't be computed with",
    "int(h)": "can't be computed with",
    "float(h)": "can't be computed with",
    "range(h)": "can't be computed with",
    "[1, 2][h]": "can't be computed with",
    "h += 1": "can't be computed with",
    "str(h)": "can't be made into text",
    "f'{h}'": "can't be made into text",
    "f'{h:>5}'": "can't be made into text",
    "'%s' % h": "can't be made into text",
    "'{}'.format(h)": "can't be made into text",
    "print(h)": "can't be made into text",
    "open(h)": "can't be made into text",
    "h[0]": "has no items",
    "h['a']": "has no items",
    "h[1:2]": "has no items",
    "h[0] = 1": "can't be changed",
    "del h[0]": "can't be changed",
    "h.x = 1": "can't be changed",
    "del h.x": "can't be changed",
    "h()": "can't be called",
    "with h: pass": "can't be entered",
    "h.upper()": "no output 'upper'",
    "hasattr(h, 'items')": "no output 'items'",
}


@pytest.mark.parametrize(("use", "message"), USES.items(), ids=USES)
def test_what_needs_the_value_is_refused(use: str, message: str) -> None:
    """With the line of the cell and a way to do it: nothing computes with a stand-in."""
    error = fail(f"h = shout('a')\n\n{use}\n")
    assert message in error.message
    assert error.message.startswith("shout_1 ")
    assert (error.line, error.text) == (3, use)
    assert error.hint


@pytest.mark.parametrize(
    ("use", "node"),
    [
        ("if h: pass", "control.If"),
        ("for x in h: pass", "control.ForEach"),
        ("f'{h}'", "text.FormatText"),
        ("h < 3", "boolean.Compare"),
        ("h + 3", "@node"),
    ],
)
def test_the_hint_names_the_node_that_does_it(use: str, node: str) -> None:
    """The next step is concrete."""
    assert node in (fail(f"h = shout('a')\n{use}").hint or "")


def test_async_uses_are_refused() -> None:
    """``async for`` and ``async with`` need the value as much as their plain forms."""
    assert "can't be iterated" in fail("async for x in shout('a'): pass").message
    assert "can't be entered" in fail("async with shout('a'): pass").message


def test_the_line_is_the_cell_s_though_a_helper_did_it() -> None:
    """A function of the notebook that uses a handle wrongly was called from a line of this cell."""

    def helper(value: Any) -> str:
        return f"<{value}>"

    assert fail("h = shout('a')\nx = 1\nhelper(h)", helper=helper).line == 3


class TestOutputs:
    def test_declared_outputs_are_attributes(self) -> None:
        """The keys of a TypedDict."""
        text = "h = halve('ab')\nshout(h.left, h.right)"
        assert edges_of(text)[:2] == ["halve_1.left → shout_1.text", "halve_1.right → shout_1.times"]

    def test_unpacking_gives_them_in_their_order(self) -> None:
        """All of them, by any way of unpacking."""
        expected = {"result": ["AA"]}
        assert outputs_of("left, right = halve('ab')\nshout(left, right)") == expected
        assert outputs_of("[left, right] = halve('ab')\nshout(left, right)") == expected
        assert outputs_of("left, *rest = halve('ab')\nshout(left, rest[0])") == expected
        assert outputs_of("for left, right in [halve('ab')]: pass\nshout(left, right)") == expected

    def test_a_single_output_has_its_name_and_unpacks_to_itself(self) -> None:
        """``output`` is the name of the one output."""
        assert outputs_of("shout(shout('a').output)") == {"result": ["A"]}
        assert outputs_of("(h,) = shout('a')\nshout(h)") == {"result": ["A"]}

    @pytest.mark.parametrize(
        ("use", "message"),
        [
            ("a, b, c = h", "halve_1 can't be unpacked into 3 names"),
            ("(a,) = h", "halve_1 can't be unpacked into 1 name;"),
            ("a, b = h.left", "halve_1.left can't be unpacked into 2 names"),
            ("a, *b = h.left", "halve_1.left can't be unpacked into several names"),
            ("shout(h)", "halve_1 can't be used as one value"),
            ("keep([h])", "halve_1 can't be used as one value"),
            ("output(x=h)", "halve_1 can't be used as one value"),
            ("h.middle", "halve_1 has no output 'middle'; its outputs are left (str), right (int)"),
            ("h.left.upper", "halve_1.left has no value yet, so .upper of it isn't known"),
            ("shout(n)", "silent_1 can't be used as one value; it has no outputs"),
        ],
    )
    def test_other_uses_say_which_outputs_there_are(self, use: str, message: str) -> None:
        """Several outputs are never taken for one."""
        error = fail(f"h = halve('ab')\nn = silent()\n{use}", silent=cells.silent)
        assert message in error.message
        assert error.line == 3

    def test_awaiting_a_handle_gives_it(self) -> None:
        """A cell may be written as the program that it looks like."""
        assert outputs_of("t = await shout('a')\nawait shout(t)") == {"result": ["A"]}
        assert outputs_of("left, _ = await halve('ab')\nleft") == {"result": ["a"]}


class TestProtocols:
    @pytest.fixture
    def handle(self) -> Any:
        with GraphBuilder().activate():
            return cells.halve("ab")

    def test_repr_shows_what_it_is(self, handle: Any) -> None:
        """The one text it gives: for whoever debugs."""
        assert repr(handle) == "<handle of halve_1 (left: str, right: int)>"
        assert repr(handle.left) == "<handle of halve_1 (left: str)>"
        assert f"{handle!r}" == repr(handle)

    def test_dir_lists_the_outputs(self, handle: Any) -> None:
        """Completion offers what there is."""
        assert dir(handle) == ["left", "right"]
        assert dir(handle.left) == []

    def test_protocols_get_the_answer_they_expect(self, handle: Any) -> None:
        """Display and inspection ask for private names: they must not blow up."""
        for name in ("_repr_html_", "_ipython_display_", "__array__", "__wrapped__"):
            assert not hasattr(handle, name)

    def test_it_can_stand_in_sets_and_dicts(self, handle: Any) -> None:
        """Identity is all that a handle has to compare."""
        left = handle.left
        assert left in {left}
        assert {left: 1}[left] == 1
        assert handle in [handle]

    @pytest.mark.parametrize("use", [copy.copy, copy.deepcopy, pickle.dumps])
    def test_it_is_not_copied_or_pickled(self, handle: Any, use: Any) -> None:
        """A copy would belong to no graph."""
        with pytest.raises(CellError, match="can't be copied or pickled"):
            use(handle)

    def test_it_has_no_public_attribute(self) -> None:
        """Any name may be the name of an output."""
        assert not [name for name in vars(Handle) if not name.startswith("_")]

    def test_outside_of_the_cell_it_still_refuses(self, handle: Any) -> None:
        """Without a line, since no cell runs."""
        with pytest.raises(CellError) as caught:
            bool(handle)
        assert caught.value.line is None


def test_a_handle_inside_of_another_object_is_found_at_the_latest_in_the_run() -> None:
    """What can't be looked into is kept; the node that uses it gets the same refusal."""
    kept: list[Any] = []
    build("kept.append(Point(shout('a')))\nkeep(kept[0])", kept=kept)
    with pytest.raises(CellError, match="can't be computed with"):
        kept[0].x + 1
