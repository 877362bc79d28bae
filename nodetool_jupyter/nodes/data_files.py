"""nodetool.data: tables from files of the workspace and from the web, and back to files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pandas as pd
from pydantic import BeforeValidator, Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import data_frames as frames
from nodetool_jupyter.nodes import fields, files, web
from nodetool_jupyter.values.fields import DataFrame

Table = Annotated[DataFrame, BeforeValidator(frames.refuse_unset)]


class TableFileNode(BaseNode, prefix="nodetool.data", abstract=True):
    """Base of the nodes here."""


class LoadCSVFile(TableFileNode):
    """Read a table from a CSV file in the workspace."""

    file_path: str = Field(default="", description="Its path, absolute or from the workspace.")

    def process(self, context: ProcessingContext) -> DataFrame:
        path = files.existing_file(context.workspace, self.file_path)
        return _table(path, f"the file {self.file_path!r}")


class LoadCSVURL(TableFileNode):
    """Load a table from a CSV file on the web."""

    url: str = Field(default="", description="Its address.")

    async def process(self, context: ProcessingContext) -> DataFrame:
        answer = await web.read(context, self.url)
        return await asyncio.to_thread(frames.table_from_csv, answer.text())


class LoadCSVAssets(TableFileNode):
    """Give out the tables of all CSV files in a folder of the workspace, one by one."""

    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")

    class OutputType(TypedDict):
        dataframe: DataFrame
        name: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        folder = files.folder_of(context, self.folder)
        for path in await files.listed(folder, endings=(".csv",)):
            table = await asyncio.to_thread(_table, path, f"the file {path.name!r}")
            yield {"dataframe": table, "name": path.name}


class SaveCSVDataframeFile(TableFileNode):
    """Write a table to a CSV file in the workspace, in place of what is there, and pass the table on."""

    dataframe: Table = Field(default=fields.DATAFRAME, description="The table.")
    folder: str = Field(
        default="", description="An existing folder, by its path from the workspace; . is the workspace."
    )
    filename: str = Field(default="", description="May hold date codes, such as %Y-%m-%d.")

    def process(self, context: ProcessingContext) -> DataFrame:
        path = files.target(context, self.folder, self.filename)
        return _save(context, frames.connected(self.dataframe, "dataframe"), path)


class SaveDataframe(TableFileNode):
    """Write a table to a CSV file in a folder of the workspace, and pass the table on."""

    df: Table = Field(default=fields.DATAFRAME, description="The table.")
    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")
    name: str = Field(default="output.csv", description="May hold date codes, such as %Y-%m-%d.")

    def process(self, context: ProcessingContext) -> DataFrame:
        path = files.target(context, files.folder_of(context, self.folder), self.name)
        return _save(context, frames.connected(self.df, "df"), path)


def _table(path: Path, name: str) -> pd.DataFrame:
    with files.told(f"{name} can't be read"), path.open(encoding="utf-8", newline="") as file:
        return frames.read_csv(file, name)


def _save(context: ProcessingContext, table: pd.DataFrame, path: Path) -> Any:
    with files.told(f"{path.name!r} can't be written"):
        table.to_csv(path, index=False)
    context.log(f"saved {len(table)} rows to {path}")
    return table
