"""lib.numpy: arrays are made, computed with, reshaped, taken apart, and turned into other things."""

from __future__ import annotations

import io
import math
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nodetool_jupyter.nodes import numpy_arithmetic as arithmetic
from nodetool_jupyter.nodes import numpy_arrays
from nodetool_jupyter.nodes import numpy_conversion as conversion
from nodetool_jupyter.nodes import numpy_manipulation as manipulation
from nodetool_jupyter.nodes import numpy_math as functions
from nodetool_jupyter.nodes import numpy_reshaping as reshaping
from nodetool_jupyter.nodes import numpy_statistics as statistics
from nodetool_jupyter.nodes.numpy_io import SaveArray
from tests.unit.nodes.support import assert_refused, cases, inside, run_node

SIX = np.arange(6).reshape(2, 3)


def same(found: Any, expected: Any) -> bool:
    """Equal, number for number and array for array."""
    if isinstance(expected, list):
        return isinstance(found, np.ndarray) and bool(np.allclose(found, expected, equal_nan=True))
    return type(found) is type(expected) and (found == expected or math.isclose(found, expected))


@cases(
    (arithmetic.AddArray, {"a": SIX, "b": 1}, [[1, 2, 3], [4, 5, 6]]),
    (arithmetic.AddArray, {"a": 1, "b": 2.5}, 3.5),
    (arithmetic.AddArray, {"a": 2**70, "b": 1}, float(2**70)),
    (arithmetic.SubtractArray, {"a": SIX, "b": np.array([0, 1, 2])}, [[0, 0, 0], [3, 3, 3]]),
    (arithmetic.MultiplyArray, {"a": np.array([[1], [2]]), "b": np.array([3, 4])}, [[3, 4], [6, 8]]),
    (arithmetic.DivideArray, {"a": np.array([1, -1]), "b": 0}, [math.inf, -math.inf]),
    (arithmetic.DivideArray, {"a": 7, "b": 2}, 3.5),
    (arithmetic.ModulusArray, {"a": -7, "b": 3}, 2),
    (functions.AbsArray, {"values": np.array([-1, 2])}, [1, 2]),
    (functions.SqrtArray, {"values": np.array([4.0, -1.0])}, [2, math.nan]),
    (functions.SqrtArray, {"values": np.array(9)}, 3.0),
    (functions.ExpArray, {"values": np.array([0, 1])}, [1, math.e]),
    (functions.LogArray, {"values": np.array([1, 0])}, [0, -math.inf]),
    (functions.SineArray, {"angle_rad": math.pi / 2}, 1.0),
    (functions.CosineArray, {"angle_rad": np.array([0, math.pi])}, [1, -1]),
    (functions.PowerArray, {"base": 2, "exponent": 3}, 8),
    (functions.PowerArray, {"base": np.array([1, 2]), "exponent": -1}, [1, 0.5]),
    (functions.PowerArray, {"base": 10, "exponent": 30}, 1e30),
    (statistics.SumArray, {"values": SIX}, [3, 5, 7]),
    (statistics.SumArray, {"values": SIX, "axis": -1}, [3, 12]),
    (statistics.SumArray, {"values": np.array([])}, 0.0),
    (statistics.MeanArray, {"values": np.array([1, 2])}, 1.5),
    (statistics.MinArray, {"values": np.array([3, 1, 2])}, 1),
    (statistics.MaxArray, {"values": np.array(3)}, 3),
    (statistics.ArgMinArray, {"values": np.array([3, 1, 1])}, 1),
    (statistics.ArgMaxArray, {"values": SIX}, [1, 1, 1]),
    (reshaping.Reshape1D, {"values": SIX}, [0, 1, 2, 3, 4, 5]),
    (reshaping.Reshape1D, {"values": SIX, "num_elements": 6}, [0, 1, 2, 3, 4, 5]),
    (reshaping.Reshape2D, {"values": SIX, "num_rows": 3}, [[0, 1], [2, 3], [4, 5]]),
    (reshaping.Reshape3D, {"values": SIX, "num_rows": 1, "num_cols": -1, "num_depths": 2},
     [[[0, 1], [2, 3], [4, 5]]]),
    (reshaping.Reshape4D, {"values": SIX, "num_rows": 1, "num_cols": 1, "num_depths": 1},
     [[[[0, 1, 2, 3, 4, 5]]]]),
    (manipulation.SliceArray, {"values": SIX, "start": 1}, [[3, 4, 5]]),
    (manipulation.SliceArray, {"values": SIX, "stop": 2, "axis": 1}, [[0, 1], [3, 4]]),
    (manipulation.SliceArray, {"values": np.arange(4), "step": -2}, [3, 1]),
    (manipulation.IndexArray, {"values": SIX, "indices": "2, 0,-1", "axis": 1}, [[2, 0, 2], [5, 3, 5]]),
    (manipulation.TransposeArray, {"values": SIX}, [[0, 3], [1, 4], [2, 5]]),
    (manipulation.Stack, {"arrays": [np.array([1, 2]), np.array([3, 4])], "axis": 1}, [[1, 3], [2, 4]]),
    (manipulation.MatMul, {"a": SIX, "b": np.array([[1], [0], [2]])}, [[4], [13]]),
    (conversion.ListToArray, {"values": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]),
    (conversion.ScalarToArray, {"value": 2.5}, [2.5]),
    (conversion.ArrayToScalar, {"values": np.array([[7]])}, 7),
)  # fmt: skip
def test_what_nodes_give(node: Any, properties: dict[str, Any], expected: Any) -> None:
    """Of numbers alone a number of Python; shapes that fit are repeated; what is no number is nan or inf."""
    found = run_node(node, properties)
    assert same(found, expected), found


def test_lists_and_parts() -> None:
    assert run_node(conversion.ArrayToList, {"values": SIX}) == [[0, 1, 2], [3, 4, 5]]
    assert run_node(conversion.ArrayToList, {"values": np.array(3)}) == [3]
    parts = run_node(manipulation.SplitArray, {"values": np.arange(5), "num_splits": 2})
    assert [part.tolist() for part in parts] == [[0, 1, 2], [3, 4]]


def test_an_array_of_a_workflow_file() -> None:
    """NodeTool writes arrays as bytes with their type and shape."""
    reference = {
        "type": "np_array",
        "value": np.arange(4, dtype="<i8").tobytes(),
        "dtype": "<i8",
        "shape": (2, 2),
    }
    assert same(run_node(arithmetic.AddArray, {"a": reference, "b": 1}), [[1, 2], [3, 4]])


class TestImages:
    @pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 4), ("P", 3)])
    def test_there_and_back(self, mode: str, channels: int) -> None:
        image = Image.new("RGB", (3, 2), (255, 0, 51)).convert(mode)
        array = run_node(conversion.ConvertToArray, {"image": image})
        assert (array.shape, array.max()) == ((2, 3, channels), 1.0 if channels > 1 else array.max())
        again = run_node(conversion.ConvertToImage, {"values": array})
        assert again.tobytes() == (image.convert("RGB") if mode == "P" else image).tobytes()

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (np.array([[0.5, 7.0, -1.0, math.nan]]), [128, 255, 0, 0]),
            (np.array([[1, 300, -4, 0]]), [1, 255, 0, 0]),
            (np.array([[True, False, True, False]]), [255, 0, 255, 0]),
            (np.array([[1, 2, 3, 4]], np.uint8), [1, 2, 3, 4]),
        ],
    )
    def test_pixels(self, values: Any, expected: list[int]) -> None:
        """Fractions are shares of white, and integers are bytes; what lies beyond is cut."""
        assert [*run_node(conversion.ConvertToImage, {"values": values}).tobytes()] == expected

    @pytest.mark.parametrize("shape", [(4,), (2, 2, 5), (1, 1, 1, 1), (0, 2)])
    def test_what_is_no_image(self, shape: tuple[int, ...]) -> None:
        assert_refused(
            conversion.ConvertToImage, {"values": np.zeros(shape)}, f"the shape {shape} is no image"
        )


class TestSounds:
    @pytest.mark.parametrize(
        ("samples", "channels"), [([0.0, 1.0, -2.0], 1), ([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]], 2)]
    )
    def test_wav(self, samples: Any, channels: int) -> None:
        sound = run_node(conversion.ConvertToAudio, {"values": np.array(samples), "sample_rate": 8000})
        assert sound["type"] == "audio"
        with wave.open(io.BytesIO(sound["data"])) as file:
            assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (channels, 8000, 3)
            frames = np.frombuffer(file.readframes(3), "<i2").reshape(3, channels)
        assert frames[:, 0].tolist() == [0, 32767, -32767]

    def test_what_is_no_sound(self) -> None:
        assert_refused(conversion.ConvertToAudio, {"values": np.zeros((2, 2, 2))}, "is no sound")
        assert_refused(
            conversion.ConvertToAudio, {"values": np.zeros(2), "sample_rate": 0}, "at least one sample"
        )
        assert_refused(
            conversion.ConvertToAudio, {"values": np.zeros(2, complex)}, "complex numbers are no samples"
        )


def test_an_array_is_saved(tmp_path: Path) -> None:
    assert run_node(SaveArray, {"values": SIX, "name": "a.npy"}, context=inside(tmp_path)) is SIX
    assert np.load(tmp_path / "a.npy").tolist() == SIX.tolist()
    with pytest.raises(ValueError, match="may lead out of the workspace"):
        run_node(SaveArray, {"values": SIX, "name": "../a.npy"}, context=inside(tmp_path))


def test_what_can_not_be_done() -> None:
    """Each says what does not fit."""
    for node, properties, message in (
        (arithmetic.AddArray, {"a": np.zeros(2), "b": np.zeros(3)}, "shape mismatch"),
        (arithmetic.SubtractArray, {"a": np.array([True]), "b": np.array([True])}, "boolean subtract"),
        (functions.AbsArray, {}, "no array is connected"),
        (statistics.MaxArray, {"values": np.array([])}, "an empty array has no largest value"),
        (statistics.SumArray, {"values": SIX, "axis": 2}, "axis 2 is out of bounds"),
        (reshaping.Reshape2D, {"values": SIX, "num_rows": 4}, "6 values don't fit the shape 4 by 0"),
        (reshaping.Reshape2D, {"values": SIX}, "6 values don't fit the shape 0 by 0"),
        (manipulation.SliceArray, {"values": SIX, "step": 0}, "step must not be 0"),
        (manipulation.SliceArray, {"values": SIX, "axis": 2}, "an array of the shape (2, 3) has no axis 2"),
        (
            manipulation.IndexArray,
            {"values": SIX, "indices": "1,b"},
            "whole numbers with commas between, found '1,b'",
        ),
        (manipulation.IndexArray, {"values": SIX, "indices": "9"}, "index 9 is out of bounds"),
        (manipulation.SplitArray, {"values": SIX}, "num_splits must be from 1 to 100,000, found 0"),
        (manipulation.Stack, {}, "there are no arrays to stack"),
        (
            manipulation.Stack,
            {"arrays": [np.zeros(1), np.zeros(2)]},
            "all input arrays must have the same shape",
        ),
        (manipulation.MatMul, {"a": SIX, "b": SIX}, "mismatch in its core dimension"),
        (
            conversion.ArrayToScalar,
            {"values": SIX},
            "expected an array of one number, found one of the shape (2, 3)",
        ),
        (conversion.ListToArray, {"values": ["a"]}, "expected an array of numbers, found one of str"),
        (conversion.ListToArray, {"values": [[1], [1, 2]]}, "no array can be made of the list"),
    ):
        assert_refused(node, properties, message)


def test_a_small_workflow_makes_no_giant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows of numbers are enough to fill the memory, unless it is looked at first."""
    monkeypatch.setattr(numpy_arrays, "MAX_ELEMENTS", 1000)
    row = np.zeros((1, 100))
    for node, properties in (
        (arithmetic.AddArray, {"a": row, "b": row.T}),
        (functions.PowerArray, {"base": row, "exponent": row.T}),
        (manipulation.MatMul, {"a": row.T, "b": row}),
        (manipulation.IndexArray, {"values": row, "indices": "0," * 10 + "0"}),
        (manipulation.Stack, {"arrays": [row] * 11}),
        (conversion.ListToArray, {"values": [0] * 1001}),
    ):
        assert_refused(node, properties, "elements is too large; at most 1,000")
