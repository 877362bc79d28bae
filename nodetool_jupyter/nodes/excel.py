"""lib.excel: workbooks. A workbook between nodes is a reference of type excel that brings the file along."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes import excel_file as book
from nodetool_jupyter.nodes import fields, files
from nodetool_jupyter.nodes.data_frames import connected, refuse_unset
from nodetool_jupyter.nodes.packages import need
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import DataFrame

NO_WORKBOOK = fields.asset("excel")
NO_PATH = {"type": "file_path", "path": ""}
MAX_WIDTH = 80
Excel = Annotated[Any, TypeMetadata(type="excel"), fields.asset_object("excel")]
FilePath = Annotated[Any, TypeMetadata(type="file_path")]


class ExcelNode(BaseNode, prefix="lib.excel", abstract=True):
    """Base of the family."""


class WorkbookNode(ExcelNode, abstract=True):
    """Base of those that are given a workbook, and a sheet of it."""

    workbook: Excel = Field(default=NO_WORKBOOK, description="The workbook.")
    sheet_name: str = "Sheet1"

    def _opened(self, context: ProcessingContext) -> Any:
        return book.opened(files.content_of(context, self.workbook, "workbook"))


class CreateWorkbook(ExcelNode):
    """Make a workbook with one empty sheet."""

    sheet_name: str = "Sheet1"

    def process(self, context: ProcessingContext) -> Excel:
        made = need("openpyxl", "openpyxl", "excel").Workbook()
        made.active.title = book.sheet_title(self.sheet_name)
        return book.reference(made)


class DataFrameToExcel(WorkbookNode):
    """Write a table to a sheet of a workbook, which is made if it isn't there; give out the workbook."""

    dataframe: DataFrame = Field(default=fields.DATAFRAME, description="The table.")
    start_cell: str = Field(default="A1", description="Where its upper left corner goes.")
    include_header: bool = Field(default=True, description="Whether to write the names of the columns too.")

    def process(self, context: ProcessingContext) -> Any:
        table = connected(refuse_unset(self.dataframe), "dataframe")
        workbook = self._opened(context)
        book.write_table(
            book.sheet(workbook, self.sheet_name, make=True),
            table,
            self.start_cell,
            header=self.include_header,
        )
        return book.reference(workbook)


class ExcelToDataFrame(WorkbookNode):
    """The table on a sheet of a workbook; of a formula, the value that was saved with it."""

    has_header: bool = Field(default=True, description="Whether the first row has the names of the columns.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return book.read_table(book.sheet(self._opened(context), self.sheet_name), header=self.has_header)


class FormatCells(WorkbookNode):
    """Set the look of a range of cells; give out the workbook."""

    cell_range: str = "A1:B10"
    bold: bool = False
    background_color: str = Field(default="FFFF00", description="Six hexadecimal digits; empty for none.")
    text_color: str = Field(default="000000", description="Six hexadecimal digits; empty leaves it.")

    def process(self, context: ProcessingContext) -> Any:
        workbook = self._opened(context)
        look = book.Look(self.bold, self.background_color, self.text_color)
        book.format_cells(book.sheet(workbook, self.sheet_name), self.cell_range, look)
        return book.reference(workbook)


class AutoFitColumns(WorkbookNode):
    """Make the columns of a sheet as wide as what is in them; give out the workbook."""

    def process(self, context: ProcessingContext) -> Any:
        workbook = self._opened(context)
        book.fit_columns(book.sheet(workbook, self.sheet_name), MAX_WIDTH)
        return book.reference(workbook)


class SaveWorkbook(ExcelNode):
    """Write a workbook to a file in the workspace, in place of what is there."""

    workbook: Excel = Field(default=NO_WORKBOOK, description="The workbook.")
    folder: FilePath = Field(default=NO_PATH, description="An existing folder; . is the workspace.")
    filename: str = Field(default="", description="Ends with .xlsx; may hold date codes, such as %Y-%m-%d.")

    def process(self, context: ProcessingContext) -> fields.Nothing:
        if not self.filename.lower().endswith(".xlsx"):
            raise ValueError(f"the file's name must end with .xlsx, found {self.filename!r}")
        path = files.target(context, convert.to_path(self.folder), self.filename)
        content = files.content_of(context, self.workbook, "workbook")
        book.opened(content)
        files.write_bytes(path, content)
        context.log(f"saved {path}")
        return {}
