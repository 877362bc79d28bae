"""Types for the fields of the node library's classes.

Each carries NodeTool's type for graph checks, and converts what arrives before the node sees it: a node with
the field ``image: Image`` is given a PIL image, from whatever form of one its input has.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator

from nodetool_jupyter.model.types import TypeMetadata, parse_type
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.base import Content

CONTENT = Content()

DataFrame = Annotated[Any, TypeMetadata(type="dataframe"), CONTENT, BeforeValidator(convert.to_dataframe)]
Image = Annotated[Any, TypeMetadata(type="image"), CONTENT, BeforeValidator(convert.to_image)]
Array = Annotated[Any, TypeMetadata(type="np_array"), BeforeValidator(convert.to_array)]
NumberOrArray = Annotated[
    Any, parse_type("union[int, float, np_array]"), BeforeValidator(convert.to_number_or_array)
]
Color = Annotated[Any, TypeMetadata(type="color"), BeforeValidator(convert.to_color)]
Date = Annotated[Any, TypeMetadata(type="date"), BeforeValidator(convert.to_date)]
Datetime = Annotated[Any, TypeMetadata(type="datetime"), BeforeValidator(convert.to_datetime)]
Bytes = Annotated[Any, TypeMetadata(type="bytes"), CONTENT, BeforeValidator(convert.to_bytes)]
Text = Annotated[Any, TypeMetadata(type="text"), CONTENT, BeforeValidator(convert.to_text)]
FilePath = Annotated[Any, TypeMetadata(type="file_path"), BeforeValidator(convert.to_path)]
FolderPath = Annotated[Any, TypeMetadata(type="folder_path"), BeforeValidator(convert.to_path)]
Folder = Annotated[Any, TypeMetadata(type="folder"), BeforeValidator(convert.to_path)]


def _content(word: str) -> BeforeValidator:
    return BeforeValidator(partial(convert.to_bytes, word=word))


Audio = Annotated[Any, TypeMetadata(type="audio"), CONTENT, _content("audio")]
Video = Annotated[Any, TypeMetadata(type="video"), CONTENT, _content("video")]
Document = Annotated[Any, TypeMetadata(type="document"), CONTENT, _content("document")]
Excel = Annotated[Any, TypeMetadata(type="excel"), CONTENT, _content("Excel file")]
Model3D = Annotated[Any, TypeMetadata(type="model_3d"), CONTENT, _content("3D model")]
RecordType = Annotated[dict[str, Any], TypeMetadata(type="record_type")]
ImageSize = Annotated[dict[str, Any], TypeMetadata(type="image_size")]
Font = Annotated[dict[str, Any], TypeMetadata(type="font")]
