"""Tables for a view: the first cells of a pandas object or of NodeTool's typed dict of a dataframe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from nodetool_jupyter.views.markup import TIMES, Html, el, join, one_line

ROWS = 10
COLUMNS = 12
CELL_CHARS = 80


@dataclass(frozen=True, slots=True)
class Table:
    """The first rows and columns as text; ``height`` and ``width`` are those of the whole table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    height: int
    width: int

    @property
    def size(self) -> str:
        return f"{self.height:,} {TIMES} {self.width:,}"


def is_table(value: Any) -> bool:
    """Whether a value is a pandas DataFrame or Series, or the typed dict of a dataframe."""
    if isinstance(value, dict):
        return value.get("type") == "dataframe" and isinstance(value.get("data"), (list, tuple))
    kind = type(value)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in ("DataFrame", "Series")


def table(value: Any) -> Table:
    """The first cells of a value that ``is_table``."""
    return _typed(value) if isinstance(value, dict) else _pandas(value)


def table_html(shown: Table) -> Html:
    """A small table, with a line on its size where not all of it is there."""
    head = el("tr", *(el("th", el("bdi", column), scope="col") for column in shown.columns))
    body = [el("tr", *(el("td", el("bdi", cell)) for cell in row)) for row in shown.rows]
    grid = el("table", el("thead", head), el("tbody", join(body)), class_="ntj-table")
    missing = len(shown.rows) < shown.height or len(shown.columns) < shown.width
    note = el("div", f"{shown.size} in all", class_="ntj-meta") if missing else None
    return el(
        "div", grid, note, class_="ntj-scroll", tabindex=0, role="region", aria_label=f"table {shown.size}"
    )


def table_text(shown: Table) -> str:
    """The table in aligned columns."""
    lines = [shown.columns, *shown.rows]
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(shown.columns))]
    text = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip()
        for line in lines
    ]
    if len(shown.rows) < shown.height or len(shown.columns) < shown.width:
        text.append(f"({shown.size} in all)")
    return "\n".join(text)


def _typed(value: dict[str, Any]) -> Table:
    rows = value["data"]
    columns = value.get("columns")
    names = (
        [_column_name(column) for column in columns[:COLUMNS]] if isinstance(columns, (list, tuple)) else []
    )
    width = _whole(value, "width", len(columns) if isinstance(columns, (list, tuple)) else len(names))
    shown = tuple(_cells(row, names) for row in islice(rows, ROWS))
    return Table(tuple(names), shown, _whole(value, "rows", len(rows)), width)


def _whole(value: dict[str, Any], field: str, found: int) -> int:
    """A preview holds fewer rows and columns than its table, and says how many there are."""
    said = value.get(field)
    return max(said, found) if isinstance(said, int) else found


def _cells(row: Any, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(row, dict):
        return tuple(_cell(row.get(name)) for name in names)
    return (
        tuple(_cell(cell) for cell in row[: len(names)]) if isinstance(row, (list, tuple)) else (_cell(row),)
    )


def _column_name(column: Any) -> str:
    """NodeTool's column definitions are dicts with a name."""
    name = column.get("name", "") if isinstance(column, dict) else column
    return one_line(str(name), CELL_CHARS)


def _pandas(value: Any) -> Table:
    frame = value.to_frame() if type(value).__name__ == "Series" else value
    part = frame.iloc[:ROWS, :COLUMNS]
    columns = ("", *(one_line(str(column), CELL_CHARS) for column in part.columns))
    rows: Iterable[tuple[Any, ...]] = part.itertuples(index=True, name=None)
    cells = tuple(tuple(_cell(cell) for cell in row) for row in rows)
    return Table(columns, cells, len(frame), len(frame.columns))


def _cell(value: Any) -> str:
    from nodetool_jupyter.views.values import inline

    return inline(value, CELL_CHARS)
