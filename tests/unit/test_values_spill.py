"""Large values go by file: what is in the event stream stays small, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values import walk
from nodetool_jupyter.values.codec import decode, encode

LIMIT = 10_000


class Folder:
    """A folder that values go to, as a run directory is one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name_hint: str, suffix: str, data: bytes | Callable[[BinaryIO], None]) -> str:
        reference = f"{name_hint}-{len(self.names())}{suffix}"
        with (self.path / reference).open("xb") as file:
            if isinstance(data, bytes):
                file.write(data)
            else:
                data(file)
        return reference

    def load(self, reference: str) -> Path:
        return self.path / reference

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def cross(value: Any, folder: Folder, **options: Any) -> Any:
    data = to_json(encode(value, folder, LIMIT))
    assert len(data) < 2 * LIMIT, "what is sent is small, whatever the value is"
    return decode(from_json(data), folder.load, **options)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("x" * 20_000, ["str-0.txt"]),
        ("ü\ud800" * 20_000, ["str-0.txt"]),
        (b"x" * 20_000, ["bytes-0.bin"]),
        ({"a": [bytearray(20_000), "y" * 30_000]}, ["bytes-0.bin", "str-1.txt"]),
        (list(range(20_000)), ["list-0.json"]),
        ([{"k": str(number), "t": (number, None)} for number in range(2_000)], ["list-0.json"]),
        (dict.fromkeys(range(500), "x" * 100), ["dict-0.json"]),
        (["x" * 9_000] * 100, ["list-0.json"]),
        (10**3000, []),
        ("x" * 9_000, []),
    ],
    ids=lambda value: None if isinstance(value, (list, dict)) else repr(value)[:12],
)
def test_large_values_go_to_files(value: Any, names: list[str], folder: Folder) -> None:
    """Each large part in a file of its own, many small ones in one file of JSON."""
    assert cross(value, folder) == value
    assert folder.names() == names


def test_a_reference_can_be_shown(folder: Folder) -> None:
    """What refers to a file has a type, a size and a preview: a view needs no file."""
    json = encode(["x" * 100] * 1_000, folder, LIMIT)
    assert (json["type"], json["size"]) == ("list", 103_001)
    assert json["preview"][0] == "x" * 100
    text = encode("long " * 5_000, folder, LIMIT)
    assert text["preview"].startswith("long long")


def test_arrays_are_mapped_copy_on_write(folder: Folder) -> None:
    """A large array isn't read before it is used; changing it changes no file."""
    array = np.arange(5_000.0).reshape(50, 100)
    back = cross(array, folder)
    assert folder.names() == ["np_array-0.npy"]
    assert type(back) is np.ndarray
    assert isinstance(back.base, np.memmap)
    back[0, 0] = 7
    assert np.load(folder.load("np_array-0.npy"), allow_pickle=False)[0, 0] == 0
    copied = cross(array, folder, mapped=False)
    assert copied.base is None or not isinstance(copied.base, np.memmap)
    np.testing.assert_array_equal(copied, array)


def test_an_array_survives_its_file(folder: Folder) -> None:
    """Pruning a job while its result is in use takes nothing away."""
    back = cross(np.arange(5_000.0), folder)
    folder.load("np_array-0.npy").unlink()
    assert back.sum() == 5_000 * 4_999 / 2


def test_tables_keep_their_columns_by_file(folder: Folder) -> None:
    """Numbers as .npy, text with the rest; dtypes and missing values as they were."""
    rows = 3_000
    table = pd.DataFrame(
        {
            "number": np.arange(rows, dtype="f8"),
            "when": pd.date_range("2024", periods=rows, freq="h", tz="Europe/Berlin"),
            "text": [f"text {row}" if row % 3 else None for row in range(rows)],
        }
    )
    pd.testing.assert_frame_equal(cross(table, folder), table)
    assert [name for name in folder.names() if name.endswith(".npy")] == ["np_array-0.npy", "np_array-1.npy"]
    assert "dataframe-2.json" in folder.names()


TEXTS = ["", "a", "\ud800 ü", None, "long " * 20, "😀"]


@pytest.mark.parametrize("dtype", [object, "string", "str"])
def test_very_many_texts_go_as_one(dtype: Any, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, surrogates and missing ones among them: no list of JSON, no bound."""
    monkeypatch.setattr(walk, "MAX_ITEMS", 10_000)
    texts = TEXTS if dtype is object else [text for text in TEXTS if text != TEXTS[2]]
    column = pd.Series(texts * 2_000, dtype=dtype, name="t")
    pd.testing.assert_series_equal(cross(column, folder), column)
    assert [name.rpartition(".")[2] for name in folder.names()] == ["npy", "txt"]
    if dtype is object:
        assert cross(column.to_numpy(), folder).tolist() == column.tolist()


@pytest.mark.parametrize(
    "lengths",
    [
        np.array([1, 1]),
        np.array([4]),
        np.array([-3, 2, 2]),
        np.array([1.0, 2]),
        np.array([2**62] * 4),
        np.array(3),
    ],
    ids=str,
)
def test_lengths_that_are_none(lengths: np.ndarray[Any, Any]) -> None:
    """They have to add up to the text, and count."""
    json = {"type": "list", "python": "numpy.texts", "lengths": encode(lengths), "text": "abc"}
    with pytest.raises(ValueCrossingError, match="lengths of texts"):
        decode(json)


def test_images_are_files_that_others_open(folder: Folder) -> None:
    """A PNG as it is, so that a browser can be given it."""
    image = Image.effect_noise((200, 200), 50).convert("RGB")
    assert cross(image, folder) == image
    assert folder.names() == ["image-0.png"]
    with Image.open(folder.load("image-0.png")) as opened:
        assert opened.size == (200, 200)


def test_without_a_place_all_of_it_is_inline() -> None:
    """Where there are no files, the limit has nothing to send there."""
    value = {"a": b"x" * 100_000, "b": np.arange(50_000)}
    back = decode(encode(value, None, 10))
    assert back["a"] == value["a"]
    np.testing.assert_array_equal(back["b"], value["b"])


def test_a_file_that_is_gone_or_out_of_reach(folder: Folder) -> None:
    """The error says so, and what to do."""
    json = encode("x" * 20_000, folder, LIMIT)
    with pytest.raises(ValueCrossingError, match="can't be reached from here"):
        decode(json)
    folder.load(json["file"]).unlink()
    with pytest.raises(ValueCrossingError, match="is gone") as caught:
        decode(json, folder.load)
    assert caught.value.hint == "run the job again"
    with pytest.raises(ValueCrossingError, match="can't be reached"):
        decode({**json, "file": 5}, folder.load)


def test_a_full_disk_is_the_systems_error(folder: Folder) -> None:
    """Only whoever owns the folder can say what a failed write means."""

    def full(name_hint: str, suffix: str, data: object) -> str:
        raise OSError(28, "No space left on device")

    folder.write = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="No space left"):
        encode("x" * 20_000, folder, LIMIT)


@pytest.mark.parametrize("mapped", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip, as npz is",
        b"\x80\x04\x95 a pickle",
        b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(127)
        + b"\ngASVBQ==",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,), }".ljust(
            127
        )
        + b"\n12345678",
        b"\x93NUMPY\x01\x00v\x00{'descr': __import__('os').system('id'), 'shape': (1,)}".ljust(127) + b"\n",
    ],
    ids=["empty", "zip", "pickle", "objects", "huge", "code"],
)
def test_hostile_arrays_are_refused(content: bytes, mapped: bool, folder: Folder) -> None:
    """A file from a container is data: no pickle, no memory for a shape it only claims."""
    reference = folder.write("np_array", ".npy", content)
    json = {"type": "np_array", "python": "numpy.ndarray", "file": reference}
    with pytest.raises(ValueCrossingError, match="can't be read"):
        decode(json, folder.load, mapped=mapped)
