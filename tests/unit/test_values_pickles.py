"""The last resort: what is pickled where pickles may be, what is said where they may not, what is shown."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder
from nodetool_jupyter.values.objects import classes_of
from nodetool_jupyter.views.values import as_html, as_text
from tests.unit.values_kinds import Bad, Box, Color, Item, Page, Plain, Point, Rows, Slotted, Table

MINE = "tests.unit.values_kinds"


def dump(value: Any, folder: ValueFolder | None = None, limit: int = 10_000) -> Any:
    return encode(value, folder, limit, pickle=cloudpickle.dumps)


def test_this_package_knows_no_pickle_module() -> None:
    """Reading and writing values brings none in: the owner decides."""
    code = """
import sys
from nodetool_jupyter.values import codec, files, pickles
before = set(sys.modules)
assert codec.decode(codec.encode([1, (2,)], pickle=repr), unpickle=repr) == [1, (2,)]
assert "cloudpickle" not in sys.modules
assert not {"pickle", "cloudpickle"} & (set(vars(codec)) | set(vars(pickles)))
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_the_owners_functions_it_is_refused() -> None:
    """A value that needs a pickle says so when it is written; a pickle says so when it is read."""
    with pytest.raises(ValueCrossingError, match=r'^result\["a"\]\[1\] is a tests.*Plain, which can'):
        encode({"a": [1, Plain()]}, name="result")
    with pytest.raises(ValueCrossingError, match=r"pickle of tests.*Plain.*a sandbox, a container") as caught:
        decode(dump({"a": [1, Plain()]}))
    assert "--trust" in str(caught.value.hint)


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [threading.Lock()]}, r'^result\["a"\]\[0\] is a _thread\.lock, .*\(TypeError: cannot pickle'),
        (
            Box(Plain(lock=threading.Lock())),
            r"^result\.item is a tests.*Plain, .*cannot pickle",
        ),
        (
            pd.DataFrame({"c": [1], "b": [generator()]}),
            r'^result\["b"\]\[0\] is a generator, .*cannot pickle',
        ),
    ],
    ids=["list", "dataclass", "table"],
)
def test_what_cannot_be_pickled_is_named(value: Any, message: str) -> None:
    """By its path, with what the pickle said; the hint is the same as without pickles."""
    with pytest.raises(ValueCrossingError, match=message) as caught:
        encode(value, name="result", pickle=cloudpickle.dumps)
    assert caught.value.hint


def test_a_loop_that_cannot_be_pickled_is_named() -> None:
    """As without pickles: that it contains itself is what is wrong."""
    loop: list[Any] = []
    loop.append({"k": loop})

    def refuse(value: Any) -> bytes:
        raise TypeError("no")

    with pytest.raises(ValueCrossingError, match=r'^value\[0\]\["k"\] contains itself'):
        encode(loop, pickle=refuse)


def test_what_cannot_be_unpickled_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that isn't here is named, and any other failure told in one line."""
    (tmp_path / "only_there.py").write_text("class Thing:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_there  # type: ignore[import-not-found]

    json = dump([only_there.Thing()])
    monkeypatch.delitem(sys.modules, "only_there")
    (tmp_path / "only_there.py").unlink()
    with pytest.raises(ValueCrossingError, match=r"Thing needs the module only_there, which isn't"):
        decode(json, unpickle=pickle.loads)
    with pytest.raises(ValueCrossingError, match=r"Bad can't be read \(ValueError: invalid literal"):
        decode(dump(Bad()), unpickle=pickle.loads)
    with pytest.raises(ValueCrossingError, match=r"can't be read \("):
        decode({**dump(Plain()), "pickle": "AAAA"}, unpickle=pickle.loads)


def test_large_pickles_go_by_file(tmp_path: Path) -> None:
    """By the usual limit; the marker keeps what is shown."""
    folder = ValueFolder(tmp_path)
    json = from_json(to_json(dump(Plain(data="x" * 20_000), folder)))
    assert (json["type"], json["python"], json["python_type"]) == ("object", "pickle", f"{MINE}.Plain")
    assert json["file"].startswith("object-")
    assert json["file"].endswith(".pkl")
    assert decode(json, folder.find, unpickle=pickle.loads).data == "x" * 20_000
    assert "Plain" in as_text(json)


def test_what_is_shown_of_a_pickle() -> None:
    """A view needs no pickle: the object's repr, the table's rows, the list's items, a figure's image."""
    assert "Plain object" in as_text(dump(Plain(a=1)))
    assert "{'a': 1}" in as_text(dump(Table(a=1)))
    frame = type("Frame", (pd.DataFrame,), {})({"a": [1, 2]})
    assert as_text(dump(frame)) == "a\n1\n2"
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([1, 2])
    assert "data:image/png" in as_html(dump(figure))
    large = Figure(figsize=(20, 20), dpi=100)
    large.subplots().imshow(np.random.default_rng(1).random((500, 500)))
    assert "data:image/" in as_html(dump(large))
    assert len(to_json({**dump(large), "pickle": ""})) < 70_000


def test_a_figure_that_cannot_be_pickled_is_an_image() -> None:
    """A callback that holds a lock doesn't cost the picture."""
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.lock = threading.Lock()  # type: ignore[attr-defined]
    json = dump(figure)
    assert json["python"] == "matplotlib.Figure"
    assert decode(json).size == (100, 50)


def test_a_dataclass_with_content_of_its_own() -> None:
    """Fields alone would lose the list that it is: a pickle holds both, and without one it is refused."""
    rows = Rows(title="t")
    rows.extend([1, 2])
    back = decode(dump(rows), unpickle=pickle.loads)
    assert (list(back), back.title) == ([1, 2], "t")
    with pytest.raises(ValueCrossingError, match="Rows, a dataclass with content of its own"):
        encode(rows)


VALUE = {"a": [Color.RED, (Point(1, Slotted("x")),)], "b": {1: Page[Item](items=[Item(name="n")])}}
NAMES = {(MINE, name) for name in ("Color", "Point", "Slotted", "Page", "Item")}


def test_the_classes_that_a_value_needs(tmp_path: Path) -> None:
    """However deep they are, as a parameter too, and in a file; a dict that only looks like one has none."""
    assert classes_of(encode(VALUE)) == NAMES
    assert classes_of(encode([VALUE] * 200, ValueFolder(tmp_path), 10_000)) == NAMES
    assert classes_of(encode(Page[Item](items=[]))) == {(MINE, "Page"), (MINE, "Item")}
    lookalike = {"type": "object", "python": "enum", "module": "os", "class": "system"}
    assert classes_of(encode([1, "x", lookalike, {"module": "a", "class": "b"}])) == set()
    assert classes_of(5) == set()


def test_looking_for_classes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value from elsewhere may be of any size and depth."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert classes_of(deep) == set()
    monkeypatch.setattr("nodetool_jupyter.values.objects.MAX_ITEMS", 1_000)
    with pytest.raises(ValueCrossingError, match="more than 1,000 parts"):
        classes_of(deep)
