"""Programs and a package that need nodetool-core; test_installed_nodes.py runs them beside it."""

from __future__ import annotations

PACKAGE = """
from nodetool.metadata.types import ImageRef
from nodetool.workflows.base_node import BaseNode

class Louder(BaseNode):
    text: str = ""
    async def process(self, context) -> str:
        return self.text + "!"

class Ask(BaseNode):
    method: str = ""
    async def process(self, context) -> str:
        return str(await getattr(context, self.method)("NAME"))

class Named(BaseNode):
    image: ImageRef = ImageRef()
    async def process(self, context) -> ImageRef:
        return await context.image_from_pil(await context.image_to_pil(self.image), name="kept.png")
"""
START = """
import sys
from pathlib import Path
from typing import AsyncGenerator, TypedDict
from pydantic import Field
import pandas
from PIL import Image, ImageOps
from nodetool_jupyter import run
from nodetool_jupyter.session import get_session

def graph(kind, data, handle="output", extra=()):
    nodes = [{"id": "a", "type": kind, "data": data}, *extra]
    nodes.append({"id": "o", "type": "nodetool.output.Output", "data": {"name": "r"}})
    ways = [("a", handle), *((each["id"], "output") for each in extra), ("o", "value")]
    edges = [
        {"source": source[0], "sourceHandle": source[1], "target": target[0],
         "targetHandle": "text" if target[0] != "o" else "value"}
        for source, target in zip(ways, ways[1:])
    ]
    return {"nodes": nodes, "edges": edges}
"""
CLASSES = """
from nodetool.metadata.types import DataframeRef, ImageRef
from nodetool.workflows.base_node import BaseNode

class Repeat(BaseNode):
    text: str = "x"
    times: int = Field(2, ge=1, le=5)
    async def process(self, context) -> str:
        return self.text * self.times

class Invert(BaseNode):
    image: ImageRef = ImageRef()
    async def process(self, context) -> ImageRef:
        return await context.image_from_pil(ImageOps.invert(await context.image_to_pil(self.image)))

class Words(BaseNode):
    text: str = ""
    class OutputType(TypedDict):
        word: str
        table: DataframeRef
    async def gen_process(self, context) -> AsyncGenerator[OutputType, None]:
        for word in self.text.split():
            yield {"word": word, "table": None}
        yield {"word": None, "table": await context.dataframe_from_pandas(pandas.DataFrame({"a": [1, 2]}))}

class Upper(BaseNode):
    text: str = ""
    @classmethod
    def is_streaming_input(cls):
        return True
    async def gen_process(self, context) -> AsyncGenerator[str, None]:
        async for text in self.iter_input("text"):
            yield {"output": text.upper()}
"""
