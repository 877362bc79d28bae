"""lib.svg: drawings made of elements, as SVG documents and as images.

An element is NodeTool's dict of type ``svg_element``: name, attributes, content and children.
"""

from __future__ import annotations

import io
from typing import Annotated, Any, Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata, parse_type
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.nodes.packages import need
from nodetool_jupyter.nodes.svg_text import document_text, element, number
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import Image

NO_ELEMENT: dict[str, Any] = {
    "type": "svg_element",
    "name": "",
    "attributes": {},
    "content": None,
    "children": [],
}
BLACK = {"type": "color", "value": "#000000"}
WHITE = {"type": "color", "value": "#FFFFFF"}
NO_COLOR = {"type": "color", "value": "none"}
MAX_PIXELS = 50_000_000

Element = Annotated[Any, TypeMetadata(type="svg_element"), fields.typed_object("svg_element")]
Content = Annotated[Any, parse_type("union[str, svg_element, list[svg_element]]")]
Svg = Annotated[Any, TypeMetadata(type="svg")]
Color = fields.Color


class SVGNode(BaseNode, prefix="lib.svg", abstract=True):
    """Base of the family."""


class ShapeNode(SVGNode, abstract=True):
    """Base of those that draw a shape with an inside and an outline."""

    fill: Color = Field(default=BLACK, description="The color inside; none for no color.")
    stroke: Color = Field(default=NO_COLOR, description="The color of the outline; none for none.")
    stroke_width: int = 1

    def _shape(self, name: str, **attributes: object) -> dict[str, Any]:
        paint = {"fill": color(self.fill), "stroke": color(self.stroke), "stroke-width": self.stroke_width}
        return element(name, {**attributes, **paint})


class Rect(ShapeNode):
    """A rectangle."""

    x: int = 0
    y: int = 0
    width: int = 100
    height: int = 100

    async def process(self, context: ProcessingContext) -> Element:
        return self._shape("rect", x=self.x, y=self.y, width=self.width, height=self.height)


class Circle(ShapeNode):
    """A circle around a point."""

    cx: int = 0
    cy: int = 0
    radius: int = 50

    async def process(self, context: ProcessingContext) -> Element:
        return self._shape("circle", cx=self.cx, cy=self.cy, r=self.radius)


class Ellipse(ShapeNode):
    """An ellipse around a point."""

    cx: int = 0
    cy: int = 0
    rx: int = 100
    ry: int = 50

    async def process(self, context: ProcessingContext) -> Element:
        return self._shape("ellipse", cx=self.cx, cy=self.cy, rx=self.rx, ry=self.ry)


class Polygon(ShapeNode):
    """A shape of straight lines between points."""

    points: str = Field(default="", description="x,y of each point, with blanks between.")

    async def process(self, context: ProcessingContext) -> Element:
        return self._shape("polygon", points=self.points)


class Path(ShapeNode):
    """A shape of lines and curves."""

    path_data: str = Field(default="", description="In SVG's commands, such as M 0 0 L 10 10 Z")

    async def process(self, context: ProcessingContext) -> Element:
        return self._shape("path", d=self.path_data)


class Line(SVGNode):
    """A line between two points."""

    x1: int = 0
    y1: int = 0
    x2: int = 100
    y2: int = 100
    stroke: Color = BLACK
    stroke_width: int = 1

    async def process(self, context: ProcessingContext) -> Element:
        ends = {"x1": self.x1, "y1": self.y1, "x2": self.x2, "y2": self.y2}
        return element("line", {**ends, "stroke": color(self.stroke), "stroke-width": self.stroke_width})


class Text(SVGNode):
    """A line of text that begins, ends or has its middle at a point."""

    text: str = ""
    x: int = 0
    y: int = 0
    font_family: str = "Arial"
    font_size: int = 16
    fill: Color = BLACK
    text_anchor: Literal["start", "middle", "end"] = "start"

    async def process(self, context: ProcessingContext) -> Element:
        font = {"font-family": self.font_family, "font-size": self.font_size, "text-anchor": self.text_anchor}
        place = {"x": self.x, "y": self.y, "fill": color(self.fill)}
        return element("text", {**place, **font}, content=self.text)


class Gradient(SVGNode):
    """A change from one color to another, by the name ``gradient-`` and this node's id; use it as a fill."""

    gradient_type: Literal["linearGradient", "radialGradient"] = "linearGradient"
    x1: float = Field(default=0, description="In percent, as all of these.")
    y1: float = 0
    x2: float = 100
    y2: float = 100
    color1: Color = BLACK
    color2: Color = WHITE

    async def process(self, context: ProcessingContext) -> Element:
        stops = [
            element("stop", {"offset": "0%", "stop-color": color(self.color1)}),
            element("stop", {"offset": "100%", "stop-color": color(self.color2)}),
        ]
        ends = {name: f"{number(getattr(self, name))}%" for name in ("x1", "y1", "x2", "y2")}
        if self.gradient_type == "radialGradient":
            ends = {"cx": ends["x1"], "cy": ends["y1"], "r": ends["x2"]}
        return element(self.gradient_type, {"id": named("gradient", context), **ends}, children=stops)


class GaussianBlur(SVGNode):
    """A filter that blurs, by the name ``blur-`` and this node's id."""

    std_deviation: float = Field(default=3.0, description="How far, in pixels.")

    async def process(self, context: ProcessingContext) -> Element:
        blur = element("feGaussianBlur", {"stdDeviation": number(self.std_deviation)})
        return element("filter", {"id": named("blur", context)}, children=[blur])


class DropShadow(SVGNode):
    """A filter that gives a shadow, by the name ``shadow-`` and this node's id."""

    std_deviation: float = Field(default=3.0, description="How soft, in pixels.")
    dx: int = Field(default=2, description="How far to the right.")
    dy: int = Field(default=2, description="How far down.")
    color: Color = BLACK

    async def process(self, context: ProcessingContext) -> Element:
        shadow = {"stdDeviation": number(self.std_deviation), "flood-color": color(self.color)}
        drop = element("feDropShadow", {"dx": self.dx, "dy": self.dy, **shadow})
        return element("filter", {"id": named("shadow", context)}, children=[drop])


class ClipPath(SVGNode):
    """What of an element lies within another one."""

    clip_content: Element = Field(default=NO_ELEMENT, description="The shape to cut out.")
    content: Element = Field(default=NO_ELEMENT, description="What is cut.")

    async def process(self, context: ProcessingContext) -> Element:
        name = named("clip", context)
        clip = element("clipPath", {"id": name}, children=[given(self.clip_content, "clip_content")])
        cut = element("g", {"clip-path": f"url(#{name})"}, children=[given(self.content, "content")])
        return element("g", {}, children=[element("defs", {}, children=[clip]), cut])


class Transform(SVGNode):
    """An element moved, then turned, then stretched."""

    content: Element = NO_ELEMENT
    translate_x: float = 0
    translate_y: float = 0
    rotate: float = Field(default=0, description="In degrees, clockwise.")
    scale_x: float = 1
    scale_y: float = 1

    async def process(self, context: ProcessingContext) -> Element:
        x, y, turn, width, height = map(
            number, (self.translate_x, self.translate_y, self.rotate, self.scale_x, self.scale_y)
        )
        transform = f"translate({x} {y}) rotate({turn}) scale({width} {height})"
        return element("g", {"transform": transform}, children=[given(self.content, "content")])


class PageNode(SVGNode, abstract=True):
    """Base of those that make a whole of elements."""

    content: Content = Field(default=[], description="Elements, one element, or SVG as text.")
    width: int = Field(default=800, ge=1, le=4096)
    height: int = Field(default=600, ge=1, le=4096)
    viewBox: str = Field(  # noqa: N815 - SVG's and NodeTool's name
        default="0 0 800 600", description="x, y, width and height of what is seen."
    )

    def _document(self) -> str:
        return document_text(self.content, self.width, self.height, self.viewBox)


class Document(PageNode):
    """An SVG document of elements."""

    def process(self, context: ProcessingContext) -> Svg:
        return {**fields.asset("svg"), "data": self._document().encode()}


class SVGToImage(PageNode):
    """An image of elements."""

    scale: int = Field(default=1, ge=1, le=10, description="How many times as large the image is.")

    def process(self, context: ProcessingContext) -> Image:
        width, height = self.width * self.scale, self.height * self.scale
        if width * height > MAX_PIXELS:
            raise ValueError(f"an image of {width} by {height} pixels is too large; at most {MAX_PIXELS:,}")
        resvg = need("resvg_py", "resvg-py", "svg")
        try:
            content = resvg.svg_to_bytes(svg_string=self._document(), width=width, height=height)
        except ValueError as error:
            raise ValueError(f"the SVG can't be drawn: {error}") from None
        return convert.to_image(io.BytesIO(bytes(content)).getvalue())


def color(value: Any) -> str:
    """A color as SVG has it; none where none is set."""
    return convert.to_color(value) or "none"


def named(word: str, context: ProcessingContext) -> str:
    """An id that is this node's own, so that several can be in one document."""
    return f"{word}-{context.node_id}" if context.node_id else word


def given(content: Any, name: str) -> Any:
    if not content.get("name"):
        raise ValueError(f"no element is connected to {name}")
    return content
