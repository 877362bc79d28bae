"""Recorded NodeTool workflows give their recorded results, run as a user runs them.

The recordings are data that lies outside of the project: ``NODETOOL_CONFORMANCE_DIR`` names their folder.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import nodetool_jupyter
from nodetool_jupyter.session import close_session

VARIABLE = "NODETOOL_CONFORMANCE_DIR"
FOLDER = Path(os.environ.get(VARIABLE, ""))

Json = Any


def recorded(name: str) -> list[Any]:
    """A file's recordings, one a line, as test parameters; one empty parameter where there is no folder."""
    if not os.environ.get(VARIABLE):
        return [pytest.param({}, id="unset")]
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    cases = [json.loads(line) for line in lines if line.strip()]
    assert cases, f"{name} has no recordings"
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    """The process's session, which each test begins anew in its own home."""
    yield
    close_session()


@pytest.mark.needs_variable(VARIABLE)
@pytest.mark.parametrize("case", recorded("cases.jsonl"))
def test_recorded_graph(case: Json) -> None:
    """A bare graph with its params."""
    job = nodetool_jupyter.run(case["graph"], case["params"])
    assert not list(differences(case["outputs"], job.outputs))


@pytest.mark.needs_variable(VARIABLE)
@pytest.mark.parametrize("case", recorded("files.jsonl"))
def test_recorded_file(case: Json) -> None:
    """An exported workflow file with params."""
    job = nodetool_jupyter.run(FOLDER / case["file"], case["params"])
    assert not list(differences(case["outputs"], job.outputs))


def differences(expected: Mapping[str, list[Json]], found: Mapping[str, list[Any]]) -> list[str]:
    """What is not as recorded, by output name; an output without a value may be missing, [] or [None]."""
    return [
        f"{name}: expected {expected.get(name)!r}, found {found.get(name)!r}"
        for name in sorted({*expected, *found})
        if not is_same(without_nothing(expected.get(name, [])), without_nothing(found.get(name, [])))
    ]


def without_nothing(values: list[Any]) -> list[Any]:
    return [] if len(values) == 1 and values[0] is None else values


def is_same(expected: Json, found: Any) -> bool:
    """Numbers within 1e-9 of each other; tables by content, images by mode and size; all else equal."""
    if isinstance(expected, dict):
        return is_same_dict(expected, found)
    if isinstance(expected, list):
        return isinstance(found, list | tuple) and same_items(expected, list(found))
    if isinstance(expected, bool) or not isinstance(expected, int | float):
        return type(expected) is type(found) and bool(expected == found)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return math.isclose(expected, found, rel_tol=1e-9) or (math.isnan(expected) and math.isnan(found))


def same_items(expected: list[Json], found: list[Any]) -> bool:
    return len(expected) == len(found) and all(map(is_same, expected, found))


def is_same_dict(expected: Mapping[str, Json], found: Any) -> bool:
    if expected.keys() == {"dataframe"}:
        table = expected["dataframe"]
        return same_items(table["columns"], list(found.columns)) and same_items(table["data"], rows(found))
    if expected.get("type") == "image" and "asset" in expected:
        asset = expected["asset"]
        return same_items([asset["mode"], asset["size"]], [found.mode, found.size])
    return (
        isinstance(found, Mapping)
        and expected.keys() == found.keys()
        and all(is_same(value, found[key]) for key, value in expected.items())
    )


def rows(table: Any) -> list[list[Any]]:
    """A DataFrame's cells as Python values; None where one is missing."""
    cells = table.astype(object)
    values: list[list[Any]] = cells.where(table.notna(), None).to_numpy().tolist()
    return values


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"a": [1]}, {"a": [True]}),
        ({"a": [1.0]}, {"a": [1.00000001]}),
        ({"a": ["1"]}, {"a": [1]}),
        ({"a": [1, 1]}, {"a": [1]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}),
        ({}, {"a": [1]}),
        ({"a": [1]}, {}),
    ],
)
def test_a_difference_is_seen(expected: Json, found: Json) -> None:
    """The comparison itself: neither a type nor a missing value slips through."""
    assert differences(expected, found)


def test_no_value_in_three_forms() -> None:
    """Whichever way an output says that it got nothing, it is the same."""
    forms: list[Json] = [{}, {"a": []}, {"a": [None]}]
    assert not [(one, other) for one in forms for other in forms if differences(one, other)]


DEFAULTS = (None, {}, "", "data", "on_any", "private")
"""What a field that a file leaves out may be written as."""


@pytest.mark.needs_variable(VARIABLE)
def test_files_are_saved_as_they_were_read(tmp_path: Path) -> None:
    """Every exported file, loaded and saved, has all that it had, and beside that nothing but defaults and
    places for nodes that had none.
    """
    files = sorted((FOLDER / "files").rglob("*.json"))
    assert files
    for file in files:
        saved = nodetool_jupyter.save_workflow(nodetool_jupyter.load_workflow(file), tmp_path / file.name)
        old, new = (json.loads(path.read_text("utf-8")) for path in (file, saved))
        forget_new_places(old.get("graph", old), new["graph"])
        assert not list(changed(old, new)), file.name


def forget_new_places(old: Json, new: Json) -> None:
    for before, after in zip(old["nodes"], new["nodes"], strict=True):
        place = after["ui_properties"].pop("position")
        if "position" in before.get("ui_properties", {}):
            after["ui_properties"]["position"] = place


def changed(read: Json, saved: Json, place: str = "") -> Iterator[str]:
    """Where two JSON values differ in more than a default."""
    if isinstance(read, dict) and isinstance(saved, dict):
        yield from (f"{place}.{name} is lost" for name in read.keys() - saved.keys())
        new = {name: saved[name] for name in saved.keys() - read.keys()}
        yield from (f"{place}.{name} is new" for name, value in new.items() if value not in DEFAULTS)
        for name in read.keys() & saved.keys():
            yield from changed(read[name], saved[name], f"{place}.{name}")
    elif isinstance(read, list) and isinstance(saved, list) and len(read) == len(saved):
        for number, (old, new) in enumerate(zip(read, saved, strict=True)):
            yield from changed(old, new, f"{place}[{number}]")
    elif (type(read), read) != (type(saved), saved):
        yield f"{place}: {read!r} became {saved!r}"
