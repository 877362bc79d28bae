"""Cells of the notebooks that are tested. Nodes run until a file is there, so that a test says when."""

from __future__ import annotations

GO = "go"
"""The file that lets nodes end, in the notebook's folder."""
SETUP = """
%load_ext nodetool_jupyter
import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from nodetool_jupyter import node
from nodetool_jupyter.nodes import workflow

@node
async def read_rows(until: str, context) -> AsyncIterator[int]:
    number = 0
    while not Path(until).exists():
        number += 1
        context.progress(min(number, 900), 1000)
        if number % 10 == 0:
            context.log(f"row {number} read")
        yield number
        await asyncio.sleep(0.02)

@node
async def square(value: int) -> int:
    return value * value

@node
async def add_up(values: AsyncIterator[int], context) -> int:
    total = count = 0
    async for value in values:
        total += value
        count += 1
        context.progress(count, chunk=f"The first {count} squares sum up to {total}. ")
    return total

@node
def tell(value: int) -> str:
    return "some" if value else "none"

@node
def check(value: str) -> str:
    print("looking at", value)
    raise ValueError(f"{value!r} is not what was expected")

@node
def table(rows: int) -> list[dict]:
    return [{"row": row, "square": row * row} for row in range(rows)]

@node
def frame(rows: list[dict]):
    import pandas
    return pandas.DataFrame(rows)

@node
def picture(width: int):
    from PIL import Image
    return Image.linear_gradient("L").resize((width, 60))

@node
def plot(points: int):
    from matplotlib.figure import Figure
    figure = Figure(figsize=(5, 2))
    figure.subplots().plot(range(points), [point * point for point in range(points)])
    return figure
"""
STREAM = """
rows = read_rows(until="go")
tell(value=add_up(values=square(value=rows)))
"""
SHOWCASE = """
squares = frame(rows=table(rows=3))
workflow.Preview(value=squares, name="the table")
workflow.Preview(value=picture(width=300))
workflow.Preview(value=plot(points=30), name="the plot")
output(rows=3, table=squares, words=tell(value=1))
"""
SAY = """
from nodetool_jupyter import Panel

@node
async def count(word: str, times: int, until: str, context) -> str:
    if word == "bad":
        raise ValueError("a bad word")
    while not Path(until).exists():
        context.progress(1, 2)
        await asyncio.sleep(0.02)
    return " ".join([word] * times)

def param(kind, name, **data):
    return {"id": name, "type": f"nodetool.input.{kind}", "data": {"name": name, **data}}

say = {"name": "Say it", "description": "Says a word some times.", "graph": {
    "nodes": [
        param("StringInput", "word", description="what to say"),
        param("IntegerInput", "times", value=2, min=1, max=9),
        param("SelectInput", "tone", value="soft", options=["soft", "loud"]),
        param("BooleanInput", "twice", value=False),
        param("StringListInput", "words", value=["one", "two"]),
        param("ImageInput", "picture", value={"type": "image", "uri": ""}),
        param("DataframeInput", "table", value={"type": "dataframe"}),
        {"id": "day", "type": "nodetool_jupyter.authoring.ValueInput",
         "data": {"name": "day", "type_name": "date", "value": "2026-03-01"}},
        {"id": "count", "type": "notebook.count", "data": {"until": "go"}},
        {"id": "said", "type": "nodetool.output.Output", "data": {"name": "said"}},
    ],
    "edges": [
        {"source": "word", "target": "count", "targetHandle": "word"},
        {"source": "times", "target": "count", "targetHandle": "times"},
        {"source": "count", "target": "said", "targetHandle": "value"},
    ],
}}
"""
"""A workflow with an input of each kind; it says the word when it may go, and fails for a bad one."""
