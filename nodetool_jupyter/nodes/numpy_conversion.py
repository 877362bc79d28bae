"""lib.numpy.conversion: arrays from lists, numbers and images, and back; sounds from arrays."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.nodes.numpy_arrays import NO_ARRAY, Scalar, Values, connected
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import Array, Image

MAX_LIST = 10_000_000
MAX_CHANNELS = 16


class ConversionNode(BaseNode, prefix="lib.numpy.conversion", abstract=True):
    """Base of the family."""


class ArrayNode(ConversionNode, abstract=True):
    """Base of those that are given an array."""

    values: Array = NO_ARRAY


class ArrayToList(ArrayNode):
    """An array as nested lists of numbers."""

    def process(self, context: ProcessingContext) -> list[Any]:
        values = np.atleast_1d(connected(self.values))
        if values.size > MAX_LIST:
            raise ValueError(f"a list of {values.size:,} numbers is too long; at most {MAX_LIST:,}")
        found: list[Any] = values.tolist()
        return found


class ArrayToScalar(ArrayNode):
    """The one number of an array."""

    def process(self, context: ProcessingContext) -> Scalar:
        values = connected(self.values)
        if values.size != 1:
            raise ValueError(f"expected an array of one number, found one of the shape {values.shape}")
        return values.item()


class ListToArray(ConversionNode):
    """A list of numbers, or of lists of one length, as an array."""

    values: list[Any] = []

    def process(self, context: ProcessingContext) -> Array:
        return connected(self.values)


class ScalarToArray(ConversionNode):
    """A number as an array of one element."""

    value: Scalar = 0

    def process(self, context: ProcessingContext) -> Array:
        return connected([self.value])


class ConvertToArray(ConversionNode):
    """An image as an array of height, width and channels, with values from 0 to 1."""

    image: Image = fields.IMAGE

    def process(self, context: ProcessingContext) -> Array:
        image = convert.to_image(self.image)
        if image.mode not in ("L", "LA", "RGB", "RGBA"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        values = np.asarray(image) / 255.0
        return values[:, :, np.newaxis] if values.ndim == 2 else values


class ConvertToImage(ArrayNode):
    """An array of height, width and 1 to 4 channels as an image; fractions go from 0 to 1, bytes to 255."""

    def process(self, context: ProcessingContext) -> Image:
        values = connected(self.values)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[:, :, 0]
        channels = values.shape[2] if values.ndim == 3 else 1
        if values.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or not values.size:
            raise ValueError(f"an array of the shape {values.shape} is no image: height, width, channels")
        return convert.to_image(as_bytes(values))


class ConvertToAudio(ArrayNode):
    """Samples from -1 to 1 as a sound in WAV: an array of samples, or of samples and channels."""

    sample_rate: int = Field(default=44100, ge=0, le=44100, description="Samples a second.")

    def process(self, context: ProcessingContext) -> fields.Audio:
        samples = connected(self.values)
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and not 1 <= samples.shape[1] <= MAX_CHANNELS):
            raise ValueError(f"an array of the shape {samples.shape} is no sound: samples, channels")
        if self.sample_rate < 1:
            raise ValueError("a sound has at least one sample a second")
        return {**fields.asset("audio"), "data": wav(samples, self.sample_rate)}


def as_bytes(values: Values) -> Values:
    """Values of pixels as bytes; what lies beyond black or white is cut."""
    if values.dtype == np.bool_:
        return np.where(values, 255, 0).astype(np.uint8)
    if np.issubdtype(values.dtype, np.integer):
        return np.clip(values, 0, 255).astype(np.uint8)
    if np.issubdtype(values.dtype, np.complexfloating):
        raise ValueError("complex numbers are no pixels")
    pixels: Values = np.rint(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8)
    return pixels


def wav(samples: Values, rate: int) -> bytes:
    """A WAV file of 16 bits a sample; integers of 16 bits are taken as they are."""
    if samples.dtype != np.int16:
        if np.issubdtype(samples.dtype, np.complexfloating):
            raise ValueError("complex numbers are no samples")
        samples = np.rint(np.clip(np.nan_to_num(samples), -1, 1) * 32767).astype(np.int16)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()
