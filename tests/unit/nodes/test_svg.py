"""lib.svg: drawings of elements, and what must not be in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from nodetool_jupyter.nodes import svg as nodes
from nodetool_jupyter.nodes.svg_text import NAMESPACE, element
from tests.unit.nodes.support import assert_refused, run_node

RED, BLUE, CLEAR = (255, 0, 0, 255), (0, 0, 255, 255), (0, 0, 0, 0)


def color(value: str) -> dict[str, str]:
    return {"type": "color", "value": value}


def rect(fill: str = "red", **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = run_node(nodes.Rect, {"fill": color(fill), **properties})
    return found


def draw(*content: Any, **properties: Any) -> Image.Image:
    """An image of 20 by 20 pixels."""
    size = {"width": 20, "height": 20, "viewBox": "0 0 20 20", **properties}
    image = run_node(nodes.SVGToImage, {"content": [*content], **size})
    assert isinstance(image, Image.Image)
    return image.convert("RGBA")


def document(content: Any, **properties: Any) -> ET.Element:
    found = run_node(nodes.Document, {"content": content, **properties})
    assert found["type"] == "svg"
    return ET.fromstring(found["data"])


class TestElements:
    @pytest.mark.parametrize(
        ("node", "properties", "name", "attributes"),
        [
            (nodes.Rect, {"x": 1, "width": 3}, "rect", {"x": "1", "y": "0", "width": "3", "height": "100"}),
            (nodes.Circle, {"cx": 2}, "circle", {"cx": "2", "cy": "0", "r": "50"}),
            (nodes.Ellipse, {"ry": 7}, "ellipse", {"cx": "0", "cy": "0", "rx": "100", "ry": "7"}),
            (nodes.Polygon, {"points": "0,0 1,1"}, "polygon", {"points": "0,0 1,1"}),
            (nodes.Path, {"path_data": "M 0 0 Z"}, "path", {"d": "M 0 0 Z"}),
        ],
    )
    def test_shapes(self, node: Any, properties: Any, name: str, attributes: Any) -> None:
        paint = {"fill": "#0000ff", "stroke": "none", "stroke-width": "2"}
        found = run_node(node, {**properties, "fill": (0, 0, 255), "stroke_width": 2})
        assert found == element(name, {**attributes, **paint})

    def test_lines_and_texts(self) -> None:
        line = run_node(nodes.Line, {"x2": 5})
        ends = {"x1": "0", "y1": "0", "x2": "5", "y2": "100"}
        assert line == element("line", {**ends, "stroke": "#000000", "stroke-width": "1"})
        text = run_node(nodes.Text, {"text": "a < b", "x": 3, "text_anchor": "middle"})
        assert (text["name"], text["content"], text["attributes"]["text-anchor"]) == (
            "text",
            "a < b",
            "middle",
        )

    def test_gradients_and_filters_have_names(self) -> None:
        gradient = run_node(nodes.Gradient, {"x2": 50})
        assert gradient["attributes"] == {"id": "gradient", "x1": "0%", "y1": "0%", "x2": "50%", "y2": "100%"}
        assert [stop["attributes"]["stop-color"] for stop in gradient["children"]] == ["#000000", "#FFFFFF"]
        radial = run_node(nodes.Gradient, {"gradient_type": "radialGradient", "x1": 50, "y1": 50})
        assert radial["attributes"] == {"id": "gradient", "cx": "50%", "cy": "50%", "r": "100%"}
        blur = run_node(nodes.GaussianBlur, {"std_deviation": 2})
        assert (blur["attributes"], blur["children"][0]["attributes"]) == (
            {"id": "blur"},
            {"stdDeviation": "2"},
        )
        shadow = run_node(nodes.DropShadow)
        assert shadow["children"][0]["attributes"] == {
            "dx": "2",
            "dy": "2",
            "stdDeviation": "3",
            "flood-color": "#000000",
        }

    @pytest.mark.parametrize(
        ("node", "name"), [(nodes.Transform, "content"), (nodes.ClipPath, "clip_content")]
    )
    def test_something_must_be_connected(self, node: Any, name: str) -> None:
        assert_refused(node, {}, f"no element is connected to {name}")
        assert_refused(
            nodes.Transform, {"content": rect(), "rotate": float("inf")}, "expected a number, found inf"
        )


class TestDrawing:
    def test_elements_lie_on_one_another(self) -> None:
        image = draw(rect(width=20, height=20), rect("blue", x=10, y=10, width=5, height=5))
        assert [image.getpixel(point) for point in ((0, 0), (12, 12), (19, 19))] == [RED, BLUE, RED]

    def test_scale_and_size(self) -> None:
        image = draw(rect(width=10, height=20), scale=3)
        assert image.size == (60, 60)
        assert [image.getpixel((x, 30)) for x in (28, 32)] == [RED, CLEAR]

    def test_moved_turned_and_stretched(self) -> None:
        """In this order, seen from the element's own place."""
        moved = run_node(
            nodes.Transform,
            {
                "content": rect(width=2, height=1),
                "translate_x": 10,
                "translate_y": 5,
                "rotate": 90,
                "scale_x": 3,
            },
        )
        assert draw(moved).getbbox() == (9, 5, 10, 11)

    def test_clipped(self) -> None:
        clip = {
            "clip_content": rect(x=5, y=5, width=4, height=4),
            "content": rect("blue", width=20, height=20),
        }
        assert draw(run_node(nodes.ClipPath, clip)).getbbox() == (5, 5, 9, 9)

    def test_filled_with_a_gradient(self) -> None:
        gradient = run_node(nodes.Gradient, {"color1": color("red"), "color2": color("blue"), "y2": 0})
        image = draw(gradient, rect("url(#gradient)", width=20, height=20))
        assert image.getpixel((0, 10))[0] > 200 > image.getpixel((19, 10))[0]  # type: ignore[index]

    def test_svg_as_text(self) -> None:
        inside = '<!-- a --><rect width="4" height="4" fill="blue"/>'
        text = f'<?xml version="1.0"?><svg xmlns="{NAMESPACE}">{inside}</svg>'
        assert draw(text).getbbox() == (0, 0, 4, 4)
        assert draw('<rect width="3" height="4"/>', rect(x=5, width=1, height=1)).getbbox() == (0, 0, 6, 4)


class TestDocument:
    def test_its_size_and_content(self) -> None:
        """What looks like markup in a text is a text."""
        root = document(
            run_node(nodes.Text, {"text": "<script>"}), width=10, height=5, viewBox="0,0 , 1.5 -2"
        )
        assert (root.tag, root.get("width"), root.get("viewBox")) == (
            f"{{{NAMESPACE}}}svg",
            "10",
            "0 0 1.5 -2",
        )
        assert [item.text for item in root] == ["<script>"]

    def test_characters_that_xml_can_not_hold(self) -> None:
        root = document(element("text", {"x": "\x01"}, content="a\0b\ud800"))
        assert (root[0].get("x"), root[0].text) == ("\ufffd", "a\ufffdb\ufffd")

    @pytest.mark.parametrize("box", ["", "0 0 1", "a b c d", '0 0 1 1" onload="x'])
    def test_another_view_box(self, box: str) -> None:
        assert_refused(nodes.Document, {"viewBox": box}, "viewBox must be four numbers")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (element("script", {}, content="alert(1)"), "must not have an element 'script'"),
            (element("rect", {"onclick": "alert(1)"}), "must not have an attribute 'onclick'"),
            (element("image", {"href": "file:///etc/passwd"}), "must not refer to 'file:///etc/passwd'"),
            (element("image", {"href": "data:image/svg+xml,<svg/>"}), "must not refer to"),
            (element("rect", {"fill": "url(http://a.example/x)"}), "must not refer to"),
            (element("g", {}, children=[element("a b", {})]), "'a b' is no name of an element"),
            (element("rect", {"x='1' y": "1"}), "is no name of an attribute"),
            (element("", {}), "'' is no name of an element"),
            ([7], "expected elements of SVG, found int"),
            ("<style>@import 'x'</style>", "must not have an element 'style'"),
            ("<g><use href='#a'/></g>", "must not have an element 'use'"),
            ('<image xlink:href="/etc/passwd"/>', "must not refer to '/etc/passwd'"),
            (
                '<h:script xmlns:h="http://www.w3.org/1999/xhtml">x</h:script>',
                "must not have an element 'script'",
            ),
            ('<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>', "a document type or sections of data"),
            ("<!-- <! --><!ENTITY x>", "a document type or sections of data"),
            ("<g>&undefined;</g>", "the SVG can't be read: undefined entity"),
            ("<rect", "the SVG can't be read"),
            ("</g><script/><g>", "must not have an element 'script'|the SVG can't be read"),
            ("<g>" * 200 + "</g>" * 200, "is nested deeper than 100"),
            (["<a/>" * 100_001], "more than 100,000 elements"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_what_must_not_be_in_one(self, content: Any, message: str) -> None:
        """It would run, load or grow where the drawing is shown."""
        with pytest.raises(ValueError, match=message):
            run_node(nodes.Document, {"content": content})

    def test_an_image_of_the_document_itself(self, tmp_path: Path) -> None:
        Image.new("RGB", (1, 1), "blue").save(tmp_path / "a.png")
        from base64 import b64encode

        data = b64encode((tmp_path / "a.png").read_bytes()).decode()
        inside = element("image", {"href": f"data:image/png;base64,{data}", "width": "8", "height": "8"})
        assert draw(inside).getpixel((4, 4)) == BLUE

    def test_an_image_can_be_too_large(self) -> None:
        assert_refused(nodes.SVGToImage, {"width": 4096, "height": 4096, "scale": 10}, "is too large")
