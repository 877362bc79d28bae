"""Workbooks as openpyxl has them: read within bounds, since a small file may unpack to a very large one."""

from __future__ import annotations

import io
import re
import zipfile
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.nodes.fields import asset
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.nodes.packages import need

if TYPE_CHECKING:
    import pandas as pd

MAX_UNPACKED = 200 * 2**20
MAX_PARTS = 10_000
MAX_CELLS = 2_000_000
WIDTH_AROUND = 2
COLOR = re.compile(r"#?([0-9A-Fa-f]{6})")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Look:
    """How cells look; colors are six hexadecimal digits, or empty."""

    bold: bool
    background: str
    text: str


def opened(content: bytes) -> Any:
    """The workbook in a file's content; ValueError where there is none, or a bomb."""
    openpyxl = need("openpyxl", "openpyxl", "excel")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            infos = parts.infolist()
        if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED:
            raise ValueError(f"the workbook unpacks to more than {MAX_UNPACKED // 2**20} MiB")
        return openpyxl.load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    except zipfile.BadZipFile:
        raise ValueError("the content is no workbook in the format xlsx") from None
    except (KeyError, TypeError, AttributeError, SyntaxError, OSError, IndexError) as error:
        raise ValueError(f"the workbook can't be read: {str(error)[:200]}") from None


def reference(workbook: Any) -> dict[str, Any]:
    """A workbook as it goes from node to node."""
    content = io.BytesIO()
    workbook.save(content)
    return {**asset("excel"), "data": content.getvalue()}


def sheet_title(name: str) -> str:
    """The name of a sheet; ValueError for one that Excel doesn't take."""
    if not name.strip() or len(name) > 31 or re.search(r"[\\*?:/\[\]]", name):
        raise ValueError(
            f"{shortened(name)} is no name of a sheet: 1 to 31 characters, none of \\ * ? : / [ ]"
        )
    return name


def sheet(workbook: Any, name: str, *, make: bool = False) -> Any:
    """The sheet of that name; ValueError that names those that are there."""
    if name in workbook.sheetnames:
        return workbook[name]
    if make:
        return workbook.create_sheet(sheet_title(name))
    known = ", ".join(map(repr, workbook.sheetnames[:20]))
    raise ValueError(f"the workbook has no sheet {shortened(name)}; it has {known}")


def write_table(page: Any, table: pd.DataFrame, start: str, *, header: bool) -> None:
    """Write a table from a cell on, whatever is there."""
    column, row = _cell(start)
    if (len(table) + 1) * len(table.columns) > MAX_CELLS or row + len(table) > 1_048_576:
        raise ValueError(f"the table has more than {MAX_CELLS:,} cells, or more rows than a sheet")
    rows = [[str(name) for name in table.columns]] if header else []
    rows += table.astype(object).where(table.notna(), None).to_numpy().tolist()
    for down, values in enumerate(rows):
        for across, value in enumerate(values):
            _set(page.cell(row + down, column + across), value)


def read_table(page: Any, *, header: bool) -> pd.DataFrame:
    """The cells of a sheet as a table; columns without a name are called by their letters."""
    pandas = need("pandas", "pandas", "data")
    if page.max_row * page.max_column > MAX_CELLS:
        raise ValueError(f"the sheet has more than {MAX_CELLS:,} cells")
    rows = [list(row) for row in page.iter_rows(values_only=True)]
    if not any(value is not None for row in rows for value in row):
        return pandas.DataFrame()  # type: ignore[no-any-return]
    if not header:
        return pandas.DataFrame(rows)  # type: ignore[no-any-return]
    letters = need("openpyxl.utils", "openpyxl", "excel").get_column_letter
    names = [
        letters(number) if name is None else str(name) for number, name in enumerate(rows[0], page.min_column)
    ]
    return pandas.DataFrame(rows[1:], columns=names)  # type: ignore[no-any-return]


def format_cells(page: Any, cells: str, look: Look) -> None:
    """Set the look of a range such as ``A1:B10``."""
    styles = need("openpyxl.styles", "openpyxl", "excel")
    color, fill = _color(look.text), _color(look.background)
    for row in _range(page, cells):
        for cell in row:
            font = copy(cell.font)
            font.bold = look.bold
            if color:
                font.color = styles.colors.Color(rgb=color)
            cell.font = font
            if fill:
                cell.fill = styles.PatternFill(start_color=fill, end_color=fill, fill_type="solid")


def fit_columns(page: Any, most: int) -> None:
    """Make each column as wide as its longest text, up to a number of characters."""
    letters = need("openpyxl.utils", "openpyxl", "excel").get_column_letter
    widths: dict[int, int] = {}
    for row in page.iter_rows():
        for cell in row:
            if cell.value is not None:
                longest = max(map(len, str(cell.value).split("\n")))
                widths[cell.column] = max(widths.get(cell.column, 0), longest)
    for column, width in widths.items():
        page.column_dimensions[letters(column)].width = min(width, most) + WIDTH_AROUND


def _set(cell: Any, value: Any) -> None:
    """A value as itself, else as text; a text stays one, so that it doesn't become a formula."""
    illegal = need("openpyxl.cell.cell", "openpyxl", "excel").ILLEGAL_CHARACTERS_RE
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = value.isoformat()
    if value is not None and not isinstance(value, (bool, int, float, datetime)):
        value = illegal.sub("", str(value))[:32_767]
    cell.value = value
    if isinstance(value, str) and value.startswith(FORMULA):
        cell.data_type = "s"


def _cell(place: str) -> tuple[int, int]:
    """(column, row) of a place such as ``B2``, from 1."""
    cells = need("openpyxl.utils.cell", "openpyxl", "excel")
    try:
        letters, row = cells.coordinate_from_string(place.strip().upper())
        return cells.column_index_from_string(letters), row
    except (ValueError, cells.CellCoordinatesException):
        raise ValueError(f"{shortened(place)} is no cell, such as B2") from None


def _range(page: Any, cells: str) -> Any:
    parts = [_cell(part) for part in cells.split(":")]
    if len(parts) > 2:
        raise ValueError(f"{shortened(cells)} is no range of cells, such as A1:B10")
    columns, rows = zip(*parts, strict=True)
    if (max(columns) - min(columns) + 1) * (max(rows) - min(rows) + 1) > MAX_CELLS:
        raise ValueError(f"{shortened(cells)} has more than {MAX_CELLS:,} cells")
    return page.iter_rows(min(rows), max(rows), min(columns), max(columns))


def _color(text: str) -> str:
    if not text.strip():
        return ""
    match = COLOR.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{shortened(text)} is no color of six hexadecimal digits, such as FFFF00")
    return match[1].upper()
