"""nodetool.data: tables. The nodes here name what goes in and out; ``data_frames`` and others compute it.

Tables are pandas data frames. They run in the thread pool, so that a large one doesn't hold up its job.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, Any, TypedDict

import pandas as pd
from pydantic import BeforeValidator, Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import ANY, TypeMetadata
from nodetool_jupyter.nodes import data_frames as frames
from nodetool_jupyter.nodes.data_condition import matching_rows
from nodetool_jupyter.nodes.data_files import (
    LoadCSVAssets,
    LoadCSVFile,
    LoadCSVURL,
    SaveCSVDataframeFile,
    SaveDataframe,
)
from nodetool_jupyter.nodes.fields import DATAFRAME, PlainDict
from nodetool_jupyter.values.fields import DataFrame, RecordType

__all__ = [
    "AddColumn",
    "Aggregate",
    "Append",
    "DropDuplicates",
    "DropNA",
    "ExtractColumn",
    "FillNA",
    "Filter",
    "FilterNone",
    "FindRow",
    "ForEachRow",
    "FromList",
    "ImportCSV",
    "JSONToDataframe",
    "Join",
    "LoadCSVAssets",
    "LoadCSVFile",
    "LoadCSVURL",
    "Merge",
    "Pivot",
    "Rename",
    "RowIterator",
    "SaveCSVDataframeFile",
    "SaveDataframe",
    "Schema",
    "SelectColumn",
    "Slice",
    "SortByColumn",
    "ToList",
]

BATCH = 256
Records = Annotated[Any, TypeMetadata(type="list", type_args=(TypeMetadata(type="dict"),))]
Values = Annotated[Any, TypeMetadata(type="list", type_args=(ANY,))]
Table = Annotated[DataFrame, BeforeValidator(frames.refuse_unset)]


class DataNode(BaseNode, prefix="nodetool.data", abstract=True):
    """Base of the family."""


class FrameNode(DataNode, abstract=True):
    """Base of the nodes whose table is called ``df``."""

    df: Table = Field(default=DATAFRAME, description="The table.")

    @property
    def table(self) -> pd.DataFrame:
        return frames.connected(self.df, "df")


class TableNode(DataNode, abstract=True):
    """Base of the nodes whose table is called ``dataframe``."""

    dataframe: Table = Field(default=DATAFRAME, description="The table.")

    @property
    def table(self) -> pd.DataFrame:
        return frames.connected(self.dataframe, "dataframe")


class PairNode(DataNode, abstract=True):
    """Base of the nodes that make one table of two."""

    dataframe_a: Table = Field(default=DATAFRAME, description="The first table.")
    dataframe_b: Table = Field(default=DATAFRAME, description="The second table.")

    @property
    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        first = frames.connected(self.dataframe_a, "dataframe_a")
        return first, frames.connected(self.dataframe_b, "dataframe_b")


class Schema(DataNode):
    """Describe the columns of a table by name and type."""

    columns: RecordType = Field(default={"type": "record_type", "columns": []}, description="The columns.")

    async def process(self, context: ProcessingContext) -> RecordType:
        return self.columns


class ImportCSV(DataNode):
    """Read a table from a CSV text, whose first line names the columns."""

    csv_data: str = Field(default="", description="The text.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.table_from_csv(self.csv_data)


class FromList(DataNode):
    """Make a table of a list of dicts, a row of each."""

    values: list[Any] = Field(default=[], description="Dicts whose keys are the columns.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.table_from_records(self.values)


class JSONToDataframe(DataNode):
    """Make a table of a JSON text, which holds a list of objects."""

    text: str = Field(default="", description="The JSON.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.table_from_json(self.text)


class ToList(TableNode):
    """Make a list of dicts of a table, one of each row."""

    def process(self, context: ProcessingContext) -> Records:
        if not self.table.columns.is_unique:
            context.log("columns of the same name: a dict holds the last of them", "warning")
        return frames.records(self.table)


class SelectColumn(TableNode):
    """Keep some columns of a table, in the order in which they are named."""

    columns: str = Field(default="", description="Their names, with commas between.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return self.table[frames.find_columns(self.table, self.columns)]


class ExtractColumn(TableNode):
    """Make a list of the values in a column."""

    column_name: str = Field(default="", description="The column.")

    def process(self, context: ProcessingContext) -> Values:
        return self.table[frames.find_column(self.table, self.column_name)].tolist()


class AddColumn(TableNode):
    """Add a list of values to a table as its last column, or in place of the column of that name."""

    column_name: str = Field(default="", description="The name of the new column.")
    values: list[Any] = Field(default=[], description="A value for each row.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.add_column(self.table, self.column_name, self.values)


class Rename(TableNode):
    """Give columns of a table new names."""

    rename_map: str = Field(default="", description="Old and new names: old1:new1,old2:new2")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.rename(self.table, self.rename_map)


class Filter(FrameNode):
    """Keep the rows of a table that meet a condition."""

    condition: str = Field(
        default="",
        description="Over the columns, e.g. age > 30 and status in ['open', 'new']",
    )

    def process(self, context: ProcessingContext) -> DataFrame:
        return self.table[matching_rows(self.table, self.condition).to_numpy()]


class FindRow(FrameNode):
    """Keep the first row of a table that meets a condition; none, if no row does."""

    condition: str = Field(default="", description="Over the columns, e.g. name == 'Ada'")

    def process(self, context: ProcessingContext) -> DataFrame:
        return self.table[matching_rows(self.table, self.condition).to_numpy()].head(1)


class Slice(TableNode):
    """Keep a range of rows of a table."""

    start_index: int = Field(
        default=0, description="The first row, from 0; negative ones count from the end."
    )
    end_index: int = Field(default=-1, description="The row after the last one; -1 means to the end.")

    def process(self, context: ProcessingContext) -> DataFrame:
        end = None if self.end_index == -1 else self.end_index
        return self.table.iloc[self.start_index : end]


class SortByColumn(FrameNode):
    """Sort the rows of a table by a column, in ascending order; missing values come last."""

    column: str = Field(default="", description="The column.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.sort(self.table, self.column)


class DropDuplicates(FrameNode):
    """Remove the rows of a table that repeat an earlier one."""

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.drop_duplicates(self.table)


class DropNA(FrameNode):
    """Remove the rows of a table in which a value is missing."""

    def process(self, context: ProcessingContext) -> DataFrame:
        return self.table.dropna()


class FillNA(TableNode):
    """Fill in the missing values of a table."""

    value: Any = Field(default=0, description="For the method value; a dict has a value for each column.")
    method: str = Field(
        default="value",
        description="value; forward or backward, from the row before or after; mean or median of numbers.",
    )
    columns: str = Field(default="", description="Columns to fill, with commas between; all if empty.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.fill_missing(self.table, self.method, self.value, self.columns)


class Append(PairNode):
    """Put the rows of the second table below those of the first; both need the same columns."""

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.append(*self.tables)


class Merge(PairNode):
    """Put the columns of two tables side by side; rows are matched by their row labels."""

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.merge(*self.tables)


class Join(PairNode):
    """Join the rows of two tables that have the same value in a column; others are left out."""

    join_on: str = Field(default="", description="The column, which both tables have.")

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.join(*self.tables, self.join_on)


class Aggregate(TableNode):
    """Group the rows of a table by the values of some columns, and make one row of each group."""

    columns: str = Field(default="", description="Columns to group by, with commas between.")
    aggregation: str = Field(default="sum", description=", ".join(frames.AGGREGATIONS))

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.aggregate(self.table, self.columns, self.aggregation)


class Pivot(TableNode):
    """Turn the values of a column into columns of their own."""

    index: str = Field(default="", description="Column with a row for each of its values.")
    columns: str = Field(default="", description="Column with a column for each of its values.")
    values: str = Field(default="", description="Column whose values fill the table.")
    aggfunc: str = Field(
        default="sum", description=f"How several values become one: {', '.join(frames.PIVOT_AGGREGATIONS)}"
    )

    def process(self, context: ProcessingContext) -> DataFrame:
        return frames.pivot(self.table, self.index, self.columns, self.values, self.aggfunc)


class ForEachRow(TableNode):
    """Give out the rows of a table one by one."""

    class OutputType(TypedDict):
        row: PlainDict
        index: Any

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for index, row in _rows(self.table):
            yield {"row": row, "index": index}


class RowIterator(TableNode):
    """Give out the rows of a table one by one, with the names that outputs once had."""

    class OutputType(TypedDict):
        dict: PlainDict
        index: Any

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for index, row in _rows(self.table):
            yield {"dict": row, "index": index}


def _rows(table: pd.DataFrame) -> Iterator[tuple[Any, dict[Any, Any]]]:
    """(row label, row) in batches, so that a long table isn't held twice."""
    for start in range(0, len(table), BATCH):
        batch = table.iloc[start : start + BATCH]
        yield from zip(batch.index.tolist(), frames.records(batch), strict=True)


class FilterNone(DataNode, streaming_input=True):
    """Pass on the values of a stream that aren't None."""

    value: Any = Field(default=[], description="The stream.")

    class OutputType(TypedDict):
        output: Any

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        async for value in self.iter_input("value"):
            if value is not None:
                yield {"output": value}
