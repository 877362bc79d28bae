"""What commands show, as text and as HTML."""

from __future__ import annotations

from nodetool_jupyter.views.sheet import Grid, Heading, Sheet, Words


def test_columns_are_aligned() -> None:
    """Short rows too; nothing trails."""
    grid = Grid([("1", "one"), ("22",), ("3", "three", "x")], ("n", "name"))
    assert grid.text().split("\n") == ["n   name", "1   one", "22", "3   three  x"]


def test_markup_and_control_characters_are_text() -> None:
    """Names of jobs and messages of errors come from workflows."""
    sheet = Sheet([Heading("<b>&"), Grid([("<script>", "a\x1b[31mred\nline")]), Words("<i>", is_code=True)])
    bundle = sheet._repr_mimebundle_()
    assert "<script>" not in bundle["text/html"]
    assert "<b>" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert bundle["text/plain"].split("\n") == ["<b>&", "<script>  ared line", "<i>"]


def test_row_heads_are_marked_for_screen_readers() -> None:
    """Columns where there is a head, rows in a list of facts."""
    assert 'scope="col"' in Grid([("a",)], ("x",)).html()
    assert 'scope="row"' in Grid([("a", "b")]).html()


def test_empty_grid_is_empty() -> None:
    """No rows and no head."""
    assert Grid([]).text() == ""
