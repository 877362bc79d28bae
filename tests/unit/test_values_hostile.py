"""Data from a container claims what it likes: it is refused in bounded time and memory, and runs nothing."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import NodeToolError, ValueCrossingError
from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder
from tests.architecture.tree import ROOT
from tests.unit.test_values_crossing import OBJECTS, PLAIN
from tests.unit.test_values_libraries import COLUMNS, INDEXES


def npy(descr: str, shape: str, data: bytes = b"12345678") -> dict[str, Any]:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    content = b"\x93NUMPY\x03\x00" + struct.pack("<I", len(header)) + header + data
    return {"type": "np_array", "python": "numpy.ndarray", "data": base64.b64encode(content).decode()}


def png(width: int, height: int) -> dict[str, Any]:
    """An image of that many gray pixels, in a thousandth of their size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = zlib.compress(bytes(width + 1) * min(height, 100), 1)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    uri = "data:image/png;base64," + base64.b64encode(data).decode()
    return {"type": "image", "python": "PIL.Image", "uri": uri, "info": {}}


def rows(stop: int) -> dict[str, Any]:
    return {"type": "list", "python": "pandas.RangeIndex", "names": [None], "parts": [0, stop, 1]}


def table(**fields: Any) -> dict[str, Any]:
    usual = {"labels": rows(1), "index": rows(10**10), "values": [5], "attrs": {}}
    return {"type": "dataframe", "python": "pandas.DataFrame", **usual, **fields}


CODES = encode(np.zeros(3, "i1"))
NUMBER = encode(np.int64(1))
ANY = {"type": "object", "module": "builtins", "class": "int", "fields": {}}
HOSTILE: dict[str, Any] = {
    "10 GB": npy("'<f8'", "(1250000000,)"),
    "no content": npy("'|V0'", "(1000000000000,)"),
    "negative": npy("'<f8'", "(-1, -1)"),
    "wide": npy("[('a', '<f8', (100000, 100000))]", "(1,)"),
    "objects": npy("'|O'", "(1,)", b"gASVBQ=="),
    "object in a record": npy("[('a', '|O')]", "(1,)"),
    "code": npy("__import__('os').system('id')", "(1,)"),
    "nested header": npy("(" * 3_000 + ")" * 3_000, "(1,)"),
    "view": {**npy("'<f8'", "(1,)"), "view": "ndarray"},
    "number list": {**NUMBER, "value": [[1, 2]]},
    "number dtype": {**NUMBER, "dtype": "f8," * 100_000},
    "number object": {**NUMBER, "dtype": "O"},
    "repeated number": table(),
    "repeated numpy number": table(values=[NUMBER]),
    "repeated text": table(values=["x"]),
    "repeated series": {"type": "series", "python": "pandas.Series", "name": None, "values": NUMBER}
    | {"index": rows(10**10), "attrs": {}},
    "two dimensions": table(values=[encode(np.zeros((2, 2)))], index=rows(2)),
    "categories": {"type": "list", "python": "pandas.categories", "codes": CODES}
    | {"categories": rows(10**13), "ordered": False},
    "levels": {"type": "list", "python": "pandas.MultiIndex", "names": [None]}
    | {"levels": [rows(10**13)], "codes": [CODES]},
    "image rows": {"type": "image", "python": "PIL.pixels", "mode": "L", "size": [0, 10**9]}
    | {"data": "", "info": {}},
    "image mode": {"type": "image", "python": "PIL.pixels", "mode": "zip", "size": [1, 1]}
    | {"data": "AAAA", "info": {}},
    "bomb": png(60_000, 60_000),
    "bomb without a warning": png(9_400, 9_400),
    "cut image": {**png(90, 90), "uri": png(90, 90)["uri"][:80]},
    "fraction": {"type": "fraction", "python": "fraction", "parts": [{"value": "0x" + "f" * 10**7}, 3]},
    "zone": {**encode(pd.Timestamp("2024").to_pydatetime()), "zone": "../../../etc/passwd"},
    "zone folder": {**encode(pd.Timestamp("2024").to_pydatetime()), "zone": "Europe"},
    "parameter": {**ANY, "python": "pydantic", "args": [{"module": "os", "class": "system"}]},
    "class of a list": {**ANY, "python": "dataclass", "module": ["os"]},
    "abstract": {**ANY, "python": "pydantic", "module": "pydantic.main", "class": "BaseModel", "args": [ANY]},
    "pickle": {"type": "object", "python": "pickle", "pickle": "Y29zCnN5c3RlbQooUydpZCcKdFIu"},
    "pickle by file": {"type": "object", "python": "pickle", "file": "x.pkl"},
}

PROGRAM = """
import json, resource, sys, warnings
from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values.codec import decode
import numpy, pandas, pandas.api, PIL.Image, PIL.PngImagePlugin
warnings.simplefilter("ignore")

def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

def run(event, args):
    if event.startswith(("os.exec", "os.fork", "os.posix", "os.system", "pickle.", "socket.", "subprocess.")):
        raise SystemExit(f"{event} {args}")

told = json.loads(sys.stdin.read())
before, taken = used(), {}
sys.addaudithook(run)
for name, value in told.items():
    try:
        decode(value)
    except ValueCrossingError:
        taken[name] = used() - before
        before = used()
print(json.dumps(taken))
"""


def test_hostile_values_are_refused() -> None:
    """Each is an error of ours, nothing is run for it, and none takes more than some megabytes."""
    command = [sys.executable, "-c", PROGRAM]
    text = json.dumps(HOSTILE)
    result = subprocess.run(command, input=text, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert result.returncode == 0, result.stderr
    taken = json.loads(result.stdout)
    assert set(taken) == set(HOSTILE)
    assert not {name: size for name, size in taken.items() if size > 150}


@pytest.fixture
def folder(tmp_path: Path) -> ValueFolder:
    return ValueFolder(tmp_path / "values")


KINDS = ["bytes", "bytearray", "str", "json", "numpy.ndarray", "PIL.Image", "PIL.pixels"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_larger_than_memory(kind: str, folder: ValueFolder) -> None:
    """A sparse file costs its maker nothing; it is refused before it is read."""
    reference = folder.write("x", "bin", lambda file: file.truncate(1 << 42))  # type: ignore[arg-type, return-value]
    json = {
        "type": "x",
        "python": kind,
        "file": reference,
        "mode": "L",
        "size": [1 << 21, 1 << 21],
        "info": {},
    }
    with pytest.raises(ValueCrossingError, match=r"bytes of memory, and .* are free"):
        decode(json, folder.find, mapped=False)


def test_files_do_not_unfold_without_end(folder: ValueFolder) -> None:
    """A file of JSON that refers to files of JSON, itself at last, is none of ours."""
    inner = {"type": "list", "python": "json", "file": folder.write("x", "json", b"[1]")}
    outer = {"type": "list", "python": "json", "file": folder.write("x", "json", to_json([inner] * 10))}
    with pytest.raises(ValueCrossingError, match="refers to another file of JSON"):
        decode(outer, folder.find)
    assert decode([inner, inner], folder.find) == [[1], [1]]


def test_a_fraction_of_too_many_digits() -> None:
    """What couldn't be read isn't written."""
    with pytest.raises(ValueCrossingError, match="300,000 digits"):
        encode([Fraction(1 << 2_000_000, 3)])


MARKERS = [from_json(to_json(encode(value))) for value in [*PLAIN, *OBJECTS, *INDEXES, pd.Interval(0, 1)]]
MARKERS += [encode(pd.DataFrame({name: COLUMNS[name]})) for name in COLUMNS]
MARKERS += [encode(Image.new(mode, (3, 2))) for mode in ("RGB", "P", "F")]
ODD = st.sampled_from([None, -1, 0, 10**6, 1.5, "", "x", "<f8", [], [1], {}, {"a": 1}, *MARKERS[:3]])


def parts(value: Any) -> list[Any]:
    """All dicts and lists of a piece of JSON."""
    found = [value]
    for each in found:
        inner = each.values() if isinstance(each, dict) else each
        found.extend(item for item in inner if isinstance(item, (dict, list)) and item)
    return found


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_any_change_gives_a_value_or_an_error_of_ours(data: st.DataObject) -> None:
    """One or two fields of a true value are missing or something else."""
    value = deepcopy(data.draw(st.sampled_from(MARKERS)))
    for _ in range(data.draw(st.integers(1, 2))):
        part = data.draw(st.sampled_from(parts(value))) if isinstance(value, (dict, list)) else [value]
        key = data.draw(st.sampled_from(list(part) if isinstance(part, dict) else range(len(part) or 1)))
        if isinstance(part, dict) and data.draw(st.booleans()):
            part.pop(key)
        elif part:
            part[key] = deepcopy(data.draw(ODD))
    with suppress(NodeToolError):
        decode(value)
