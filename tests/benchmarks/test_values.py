"""Large values through a job's folder, against a plain copy to a file in the same run: printed as ratios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic_core import from_json, to_json

from nodetool_jupyter.values.codec import decode, encode
from nodetool_jupyter.values.files import ValueFolder
from tests.benchmarks.compare import compare

pytestmark = pytest.mark.benchmark

SIZE = 100_000_000
PAIRS = 9


def crossing(folder: Path, value: Any, look: Callable[[Any], object] = id) -> Callable[[], None]:
    """There, through the line of the event log, and back; the files go, as they would with the job."""
    files = ValueFolder(folder)

    def cross() -> None:
        look(decode(from_json(to_json(encode(value, files))), files.find))
        for path in folder.iterdir():
            path.unlink()

    return cross


def mapping(folder: Path, value: Any, look: Callable[[Any], object] = id) -> Callable[[], None]:
    """What numpy itself takes to save an array and to map it."""
    path = folder / "floor.npy"

    def save() -> None:
        np.save(path, value)
        look(np.load(path, mmap_mode="c"))
        path.unlink()

    return save


def copying(folder: Path, content: bytes) -> Callable[[], None]:
    """Bytes to a file and back."""
    path = folder / "floor.bin"

    def copy() -> None:
        path.write_bytes(content)
        path.read_bytes()
        path.unlink()

    return copy


def test_arrays(tmp_path: Path) -> None:
    """100 MB of numbers: the goal of the issue, and what it costs to use them all."""
    array = np.random.default_rng(1).random(SIZE // 8)
    compare("an array", crossing(tmp_path, array), mapping(tmp_path, array), 2.0, pairs=PAIRS)
    used = crossing(tmp_path, array, np.sum), mapping(tmp_path, array, np.sum)
    compare("an array, all of it used", *used, 2.0, pairs=PAIRS)
    strided = np.repeat(array, 2)[::2]
    compare(
        "every second number", crossing(tmp_path, strided), mapping(tmp_path, strided.copy()), pairs=PAIRS
    )


def test_tables(tmp_path: Path) -> None:
    """100 MB of numbers as ten columns, and a million texts, which no array holds."""
    array = np.random.default_rng(1).random((10, SIZE // 80))
    table = pd.DataFrame({f"c{number}": column for number, column in enumerate(array)})
    compare("a table of numbers", crossing(tmp_path, table), mapping(tmp_path, array), pairs=PAIRS)
    texts = [f"text {number}" for number in range(1_000_000)]
    content = "\n".join(texts).encode()
    compare("a million texts", crossing(tmp_path, pd.Series(texts)), copying(tmp_path, content), pairs=3)


def test_bytes_texts_and_images(tmp_path: Path) -> None:
    """What is read back into memory, to the bytes alone."""
    content = np.random.default_rng(1).bytes(SIZE)
    compare("bytes", crossing(tmp_path, content), copying(tmp_path, content), pairs=PAIRS)
    text = content.hex()[:SIZE]
    compare("a text", crossing(tmp_path, text), copying(tmp_path, text.encode()), pairs=PAIRS)
    image = Image.frombytes("RGB", (SIZE // 15_000, 5_000), content[: SIZE // 15_000 * 15_000])
    compare("an image", crossing(tmp_path, image), copying(tmp_path, content), pairs=PAIRS)
