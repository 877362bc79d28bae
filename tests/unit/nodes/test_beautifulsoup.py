"""lib.beautifulsoup: what a page has in it."""

from __future__ import annotations

from typing import Any

import pytest

from nodetool_jupyter.nodes import beautifulsoup as nodes
from tests.unit.nodes.support import assert_refused, cases, run_node

PAGE = """\
<!DOCTYPE html><html><head><title> A &amp; B </title>
<meta name="Description" content="What it is"><meta property="og:title" content="other">
<style>p { color: red }</style></head>
<body><header><nav><a href="/">Home</a></nav></header>
<main><h1>Hello</h1><p>One <b>two</b>
three<br>four</p><ul><li>x</li><li>y</li></ul><!-- unseen -->
<script>alert("no")</script>
<a href="https://other.example/p?q=1">Away
 now</a> <a href="mailto:a@b.example">Mail</a> <a name="x">none</a>
<img src="a.png"><img src="a.png"><img alt="no source"><img src="data:image/png;base64,AA==">
<audio src="s.mp3"></audio><audio><source src="/t.ogg"></audio>
<video><source src="v.mp4"><source src="v.webm"></video></main>
<footer>Legal</footer></body></html>
"""
BASE = "https://here.example/dir/page.html"


@cases(
    (nodes.BaseUrl, {"url": "https://a.example:8000/b?c#d"}, "https://a.example:8000"),
    (nodes.ExtractMetadata, {"html": PAGE}, {"title": "A & B", "description": "What it is", "keywords": ""}),
    (nodes.ExtractMetadata, {"html": PAGE.replace("<title>", "<x>")},
     {"title": "other", "description": "What it is", "keywords": ""}),
    (nodes.HTMLToText, {"text": "<p>a<i>b</i> c</p>d &lt;e&gt;<div>f<br>g</div>"}, "ab c\nd <e>\nf\ng"),
    (nodes.HTMLToText, {"text": "<p>a</p><p>b</p>", "preserve_linebreaks": False}, "a b"),
    (nodes.HTMLToText, {"text": ""}, ""),
    (nodes.WebsiteContentExtractor, {"html_content": PAGE},
     "Hello\nOne two three\nfour\nx\ny\nAway now Mail none"),
    (nodes.WebsiteContentExtractor, {"html_content": "<p>a</p><nav>b</nav>c"}, "a\nc"),
    (nodes.WebsiteContentExtractor, {"html_content": "<main> </main><article>a</article>"}, "a"),
)  # fmt: skip
def test_what_nodes_give(node: Any, properties: dict[str, Any], expected: Any) -> None:
    assert run_node(node, properties) == expected


def test_links() -> None:
    """Relative ones are joined to the base; other schemes than the web's lead outside."""
    assert run_node(nodes.ExtractLinks, {"html": PAGE, "base_url": BASE}) == [
        {"href": "https://here.example/", "text": "Home", "type": "internal"},
        {"href": "https://other.example/p?q=1", "text": "Away now", "type": "external"},
        {"href": "mailto:a@b.example", "text": "Mail", "type": "external"},
    ]
    assert [(link["href"], link["type"]) for link in run_node(nodes.ExtractLinks, {"html": PAGE})] == [
        ("/", "internal"),
        ("https://other.example/p?q=1", "external"),
        ("mailto:a@b.example", "external"),
    ]


@pytest.mark.parametrize(
    ("node", "handle", "expected"),
    [
        (nodes.ExtractImages, "image", ["https://here.example/dir/a.png", "data:image/png;base64,AA=="]),
        (nodes.ExtractAudio, "audio", ["https://here.example/dir/s.mp3", "https://here.example/t.ogg"]),
        (nodes.ExtractVideos, "video", ["https://here.example/dir/v.mp4", "https://here.example/dir/v.webm"]),
    ],
)
def test_media_are_references(node: Any, handle: str, expected: list[str]) -> None:
    """Each once, and nothing is loaded."""
    found = [item[handle] for item in run_node(node, {"html": PAGE, "base_url": BASE})]
    assert [(item["type"], item["uri"]) for item in found] == [(handle, uri) for uri in expected]


@pytest.mark.parametrize("url", ["", "here.example", "/a", "http://", "http://[x"])
def test_what_is_no_address(url: str) -> None:
    assert_refused(nodes.BaseUrl, {"url": url}, "is no address")


def test_a_broken_address_is_left_as_it_is() -> None:
    """One page's mistake doesn't end the whole list."""
    found = run_node(
        nodes.ExtractLinks, {"html": '<a href="http://[x">a</a><a href="b">b</a>', "base_url": BASE}
    )
    assert [link["href"] for link in found] == ["http://[x", "https://here.example/dir/b"]


def test_a_page_may_be_nested_deep_or_too_large() -> None:
    """Deeper than Python recurses."""
    deep = "<div>" * 5000 + "x"
    assert run_node(nodes.HTMLToText, {"text": deep}) == "x"
    assert run_node(nodes.WebsiteContentExtractor, {"html_content": deep}) == "x"
    assert_refused(nodes.HTMLToText, {"text": "<b>" * 200_001}, "or 200,000 tags")
    assert_refused(
        nodes.HTMLToText, {"text": "x" * 10_000_001}, "the page has more than 10,000,000 characters"
    )
