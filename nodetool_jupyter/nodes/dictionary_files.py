"""nodetool.dictionary: dictionaries from files of the workspace, and back to files."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import files
from nodetool_jupyter.nodes.fields import Nothing, PlainDict


class DictionaryFileNode(BaseNode, prefix="nodetool.dictionary", abstract=True):
    """Base of the nodes here."""


class LoadCSVFile(DictionaryFileNode):
    """A dictionary of texts for each row of a CSV file in the workspace, whose first line has the keys."""

    path: str = Field(default="", description="Its path, absolute or from the workspace.")

    def process(self, context: ProcessingContext) -> list[PlainDict]:
        text = files.read_text(files.existing_file(context.workspace, self.path))
        reader = csv.DictReader(io.StringIO(text), strict=True)
        try:
            return [_row(row, reader.line_num) for row in reader]
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num} of {self.path!r} can't be read: {error}") from None


class SaveCSVFile(DictionaryFileNode):
    """Write dictionaries to a CSV file in the workspace, a row of each; their keys are the columns."""

    data: list[PlainDict] = []
    folder: str = Field(default="", description="An existing folder; . is the workspace.")
    filename: str = Field(default="", description="May hold date codes, such as %Y-%m-%d.")

    def process(self, context: ProcessingContext) -> Nothing:
        path = files.target(context, self.folder, self.filename)
        columns = list(dict.fromkeys(key for row in self.data for key in row))
        if not columns:
            raise ValueError("there is nothing to save: no dictionary has a key")
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.data)
        files.write_bytes(path, files.encoded(text.getvalue()))
        context.log(f"saved {len(self.data)} rows to {path}")
        return {}


class SaveJSON(DictionaryFileNode):
    """Write a value to a JSON file in the workspace, and give out the file's path."""

    data: Any = Field(default={}, description="What JSON can hold.")
    folder: str = Field(default="", description="An existing folder; . is the workspace.")
    name: str = Field(default="%Y-%m-%d-%H-%M-%S.json", description="May hold date codes.")
    indent: int = Field(default=2, description="Spaces for each level; with 0 there are new lines alone.")

    def process(self, context: ProcessingContext) -> str:
        path = files.target(context, self.folder, self.name)
        files.write_bytes(path, files.encoded(json_text(self.data, self.indent)))
        return files.named_by(context.workspace, self.folder, path)


def json_text(value: Any, indent: int) -> str:
    """The value as JSON; ValueError where JSON can't hold it."""
    if not 0 <= indent <= 16:
        raise ValueError(f"indent must be from 0 to 16, found {indent}")
    try:
        return json.dumps(value, indent=indent)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"this can't be written as JSON: {error}") from None


def _row(row: dict[Any, Any], line: int) -> dict[str, str]:
    if None in row:
        raise ValueError(f"line {line} has more values than the first line has keys")
    return {key: value or "" for key, value in row.items()}
