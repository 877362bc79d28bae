"""lib.excel: workbooks are made, filled, read, formatted and saved."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from nodetool_jupyter.nodes import excel as nodes
from nodetool_jupyter.nodes import excel_file
from tests.unit.nodes.support import assert_refused, inside, run_node

PEOPLE = pd.DataFrame({"name": ["Ada", "Bob"], "age": [36, 17], "height": [1.7, None]})


def new(**properties: Any) -> Any:
    return run_node(nodes.CreateWorkbook, properties)


def filled(table: pd.DataFrame = PEOPLE, **properties: Any) -> Any:
    return run_node(nodes.DataFrameToExcel, {"workbook": new(), "dataframe": table, **properties})


def opened(workbook: Any) -> Any:
    assert workbook["type"] == "excel"
    return openpyxl.load_workbook(io.BytesIO(workbook["data"]))


def table_of(workbook: Any, **properties: Any) -> pd.DataFrame:
    found = run_node(nodes.ExcelToDataFrame, {"workbook": workbook, **properties})
    assert isinstance(found, pd.DataFrame)
    return found


class TestTables:
    def test_there_and_back(self) -> None:
        found = table_of(filled())
        assert found.columns.tolist() == ["name", "age", "height"]
        assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
            ["Ada", 36, 1.7],
            ["Bob", 17, None],
        ]

    def test_a_sheet_is_made_where_it_is_missing(self) -> None:
        """The others stay."""
        book = opened(filled(sheet_name="New"))
        assert book.sheetnames == ["Sheet1", "New"]

    def test_from_a_cell_on(self) -> None:
        page = opened(filled(start_cell="c2", include_header=False)).active
        assert [cell.value for cell in page[2]] == [None, None, "Ada", 36, 1.7]
        assert page["C1"].value is None

    def test_without_a_header(self) -> None:
        found = table_of(filled(), has_header=False)
        assert (found.columns.tolist(), found.iloc[0].tolist()) == ([0, 1, 2], ["name", "age", "height"])

    def test_columns_without_a_name(self) -> None:
        book = openpyxl.Workbook()
        for row in ([None, "b"], [1, 2]):
            book.active.append(row)  # type: ignore[union-attr]
        content = io.BytesIO()
        book.save(content)
        assert table_of(content.getvalue(), sheet_name="Sheet").columns.tolist() == ["A", "b"]

    def test_an_empty_sheet_is_an_empty_table(self) -> None:
        assert table_of(new()).empty

    def test_texts_stay_texts(self) -> None:
        """A text that looks like a formula would run when someone opens the file."""
        frame = pd.DataFrame({"=1+1": ["=HYPERLINK(1)", "\x00odd\x0b"]})
        page = opened(filled(frame)).active
        assert [(cell.value, cell.data_type) for (cell,) in page] == [
            ("=1+1", "s"),
            ("=HYPERLINK(1)", "s"),
            ("odd", "s"),
        ]

    def test_times(self) -> None:
        """A sheet knows no time zones."""
        moment = datetime(2024, 1, 2, 3, tzinfo=UTC)
        page = opened(filled(pd.DataFrame({"a": [moment], "b": [datetime(2024, 1, 2)], "c": [[1]]}))).active  # noqa: DTZ001
        assert [cell.value for cell in page[2]] == ["2024-01-02T03:00:00+00:00", datetime(2024, 1, 2), "[1]"]  # noqa: DTZ001


class TestLook:
    def test_a_range_is_formatted(self) -> None:
        given = {"workbook": filled(), "cell_range": "B2:A1", "bold": True, "text_color": "#ff0000"}
        page = opened(run_node(nodes.FormatCells, given)).active
        for place, bold in (("A1", True), ("B2", True), ("C1", False), ("A3", False)):
            assert page[place].font.bold is bold
            assert (page[place].fill.fill_type == "solid") is bold
        assert (page["A1"].font.color.rgb, page["A1"].fill.start_color.rgb) == ("00FF0000", "00FFFF00")
        assert page["A2"].value == "Ada"

    def test_columns_fit_their_texts(self) -> None:
        long = filled(pd.DataFrame({"a": ["x" * 30, "y"], "b": ["z" * 500, "one\ntwo"]}))
        page = opened(run_node(nodes.AutoFitColumns, {"workbook": long})).active
        assert [page.column_dimensions[letter].width for letter in "AB"] == [32, 82]

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ({"cell_range": "A1:B2:C3"}, "'A1:B2:C3' is no range of cells"),
            ({"cell_range": "all"}, "'all' is no cell, such as B2"),
            ({"cell_range": "A1:ZZZZ1"}, "is no cell"),
            ({"cell_range": "A1:XFD1048576"}, "has more than 2,000,000 cells"),
            ({"background_color": "red"}, "'red' is no color of six hexadecimal digits"),
            ({"sheet_name": "No"}, "the workbook has no sheet 'No'; it has 'Sheet1'"),
        ],
    )
    def test_what_can_not_be_formatted(self, properties: Any, message: str) -> None:
        assert_refused(nodes.FormatCells, {"workbook": new(), **properties}, message)


class TestFiles:
    def test_a_workbook_is_saved(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        for folder in ({"type": "file_path", "path": "out"}, Path("out"), "out"):
            save = {"workbook": filled(), "folder": folder, "filename": "a.xlsx"}
            assert run_node(nodes.SaveWorkbook, save, context=inside(tmp_path)) == {}
        again = {"workbook": {"type": "excel", "uri": (tmp_path / "out" / "a.xlsx").as_uri()}}
        assert run_node(nodes.ExcelToDataFrame, again, context=inside(tmp_path))["name"].tolist() == [
            "Ada",
            "Bob",
        ]

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ({"filename": "a.exe"}, "must end with .xlsx, found 'a.exe'"),
            ({"filename": "../a.xlsx"}, "may lead out of the workspace"),
            ({"folder": "/etc"}, "outside of the workspace"),
            ({"workbook": {"type": "excel", "uri": "file:///etc/passwd"}}, "outside of the workspace"),
            ({"workbook": b"no workbook"}, "no workbook in the format xlsx"),
        ],
    )
    def test_nothing_else_is_written(self, tmp_path: Path, properties: Any, message: str) -> None:
        save = {"workbook": new(), "folder": ".", "filename": "a.xlsx", **properties}
        with pytest.raises(ValueError, match=message):
            run_node(nodes.SaveWorkbook, save, context=inside(tmp_path))
        assert not [*tmp_path.iterdir()]


class TestBounds:
    def test_a_bomb_is_not_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(excel_file, "MAX_UNPACKED", 2**20)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr("xl/workbook.xml", b" " * (2**20 + 1))
        assert content.tell() < 3000
        assert_refused(nodes.ExcelToDataFrame, {"workbook": content.getvalue()}, "unpacks to more than 1 MiB")

    def test_an_archive_of_other_things(self) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as parts:
            parts.writestr("a.txt", "x")
        assert_refused(nodes.ExcelToDataFrame, {"workbook": content.getvalue()}, "the workbook can't be read")

    def test_cells(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One cell far away makes a sheet that is almost all empty."""
        workbook = filled(start_cell="XFD1000", table=pd.DataFrame({"a": [1]}))
        assert_refused(
            nodes.ExcelToDataFrame, {"workbook": workbook}, "the sheet has more than 2,000,000 cells"
        )
        monkeypatch.setattr(excel_file, "MAX_CELLS", 5)
        assert_refused(nodes.DataFrameToExcel, {"workbook": new(), "dataframe": PEOPLE}, "more than 5 cells")

    @pytest.mark.parametrize("name", ["", "a/b", "x" * 32, "[a]"])
    def test_names_of_sheets(self, name: str) -> None:
        assert_refused(nodes.CreateWorkbook, {"sheet_name": name}, "is no name of a sheet")
        assert_refused(
            nodes.DataFrameToExcel, {"workbook": new(), "dataframe": PEOPLE, "sheet_name": name}, "is no name"
        )

    def test_something_must_be_connected(self) -> None:
        assert_refused(nodes.AutoFitColumns, {}, "no workbook is connected")
        assert_refused(nodes.DataFrameToExcel, {"workbook": new()}, "no table is connected")
