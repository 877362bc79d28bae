"""lib.http and lib.rss: what is sent, what comes back, and what becomes of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nodetool_jupyter.nodes import data, http, rss
from tests.unit.nodes.servers import Server, serving
from tests.unit.nodes.support import Notes, inside, run_node

RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>News</title><link>http://a.example/</link>
<description>All of it</description><language>en</language>
<item><title>One &amp; two</title><link>http://a.example/1</link><author>Ada</author>
<pubDate>Thu, 29 Feb 2024 13:05:09 +0200</pubDate><description>&lt;b&gt;Text&lt;/b&gt;</description></item>
<item><title>No date</title></item></channel></rss>"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        image = io.BytesIO()
        Image.new("RGB", (3, 2), "red").save(image, "PNG")
        server.pages |= {"/red.png": ("image/png", image.getvalue()), "/feed": ("application/rss+xml", RSS)}
        server.pages |= {"/table.tsv": ("text/plain", "ä;b\tc\n1\t2\n".encode("latin-1"))}
        server.pages |= {"/table.json": ("application/json", b'[{"a": 1, "b": 2}]')}
        yield server


@pytest.fixture
def context(server: Server, tmp_path: Path) -> Notes:
    return inside(tmp_path, server.host)


class TestRequests:
    def test_what_is_there(self, server: Server, context: Notes) -> None:
        """A text is read in the encoding that the server names."""
        text = {"url": server.url("/text")}
        assert run_node(http.GetRequest, text, context=context) == "Grüße"
        assert run_node(http.GetRequestBinary, text, context=context) == "Grüße".encode("latin-1")
        document = run_node(http.GetRequestDocument, text, context=context)
        assert (document["type"], document["uri"], document["data"]) == (
            "document",
            text["url"],
            b"Gr\xfc\xdfe",
        )
        assert run_node(http.HeadRequest, text, context=context)["content-length"] == "5"
        assert run_node(http.FetchPage, text, context=context) == {
            "html": "Grüße",
            "success": True,
            "error_message": "",
        }

    @pytest.mark.parametrize(
        ("node", "method", "data"),
        [
            (http.PostRequest, "POST", "é"),
            (http.PutRequest, "PUT", "é"),
            (http.PostRequestBinary, "POST", "é"),
            (http.PostRequestBinary, "POST", "é".encode()),
            (http.DeleteRequest, "DELETE", None),
        ],
    )
    def test_what_is_sent(self, server: Server, context: Notes, node: Any, method: str, data: Any) -> None:
        given = {"url": server.url("/echo?a=b"), **({} if data is None else {"data": data})}
        told = json.loads(run_node(node, given, context=context))
        assert (told["method"], told["path"], told["host"]) == (method, "/echo?a=b", server.host)
        assert told["body"] == ("" if data is None else "é")

    @pytest.mark.parametrize(
        ("node", "method"),
        [(http.JSONPostRequest, "POST"), (http.JSONPutRequest, "PUT"), (http.JSONPatchRequest, "PATCH")],
    )
    def test_objects(self, server: Server, context: Notes, node: Any, method: str) -> None:
        told = run_node(node, {"url": server.url("/echo"), "data": {"a": [1]}}, context=context)
        assert (told["method"], told["body"], told["type"]) == (method, '{"a": [1]}', "application/json")
        with pytest.raises(ValueError, match="data can't be written as JSON"):
            run_node(node, {"url": server.url("/echo"), "data": {"a": {1}}}, context=context)

    def test_only_objects(self, server: Server, context: Notes) -> None:
        assert run_node(http.JSONGetRequest, {"url": server.url("/object")}, context=context) == {
            "a": [1, None]
        }
        for path, message in (
            ("/list", "found a list; use GetRequest and ParseJSON"),
            ("/broken", "is no JSON"),
        ):
            with pytest.raises(ValueError, match=message):
                run_node(http.JSONGetRequest, {"url": server.url(path)}, context=context)


class TestTables:
    @pytest.mark.parametrize(
        ("path", "properties", "expected"),
        [
            ("/table.csv", {}, {"a": [1, 2], "b": ["x", "y"]}),
            ("/table.tsv", {"file_format": "tsv", "encoding": "latin-1"}, {"ä;b": [1], "c": [2]}),
            ("/table.tsv", {"delimiter": ";", "encoding": "latin-1"}, {"ä": ["1\t2"], "b\tc": [None]}),
            (
                "/table.json",
                {"file_format": "json", "columns": {"type": "record_type", "columns": [{"name": "b"}]}},
                {"b": [2]},
            ),
        ],
    )
    def test_formats(self, server: Server, context: Notes, path: str, properties: Any, expected: Any) -> None:
        table = run_node(http.DownloadDataframe, {"url": server.url(path), **properties}, context=context)
        assert table.astype(object).where(table.notna(), None).to_dict("list") == expected

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ({"delimiter": ", "}, "delimiter must be one character"),
            ({"encoding": "klingon"}, "can't be read as text"),
            ({"file_format": "json"}, "the text is not JSON"),
            ({"columns": {"type": "record_type", "columns": [{"name": "z"}]}}, "the table has no column 'z'"),
        ],
    )
    def test_what_is_no_table(self, server: Server, context: Notes, properties: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            run_node(http.DownloadDataframe, {"url": server.url("/table.csv"), **properties}, context=context)

    def test_of_the_data_nodes(self, server: Server, context: Notes) -> None:
        found = run_node(data.LoadCSVURL, {"url": server.url("/table.csv")}, context=context)
        assert found.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


class TestMany:
    def test_files(self, server: Server, context: Notes, tmp_path: Path) -> None:
        """In the order of the addresses; names that are taken are numbered, and what failed is told."""
        urls = [server.url(path) for path in ("/text", "/nothing", "/text", "/files/page%20one.html")]
        found = run_node(http.DownloadFiles, {"urls": [*urls, "http://10.0.0.1/"]}, context=context)
        assert sorted(found["success"]) == ["downloads/page_20one.html", "downloads/text", "downloads/text_1"]
        assert found["failed"] == [urls[1], "http://10.0.0.1/"]
        assert (tmp_path / "downloads" / "text_1").read_bytes() == b"Gr\xfc\xdfe"
        assert len(context.lines) == 2

    def test_files_stay_in_the_workspace(self, server: Server, context: Notes) -> None:
        with pytest.raises(ValueError, match="may lead out of the workspace"):
            run_node(http.DownloadFiles, {"urls": [], "output_folder": "../out"}, context=context)

    def test_images(self, server: Server, context: Notes) -> None:
        given = {"images": ["/red.png", "/text", "red.png"], "base_url": server.url("/")}
        found = run_node(http.ImageDownloader, given, context=context)
        assert [image.size for image in found["images"]] == [(3, 2), (3, 2)]
        assert found["failed_urls"] == ["/text"]

    def test_addresses_that_have_something(self, server: Server, context: Notes) -> None:
        """A server that doesn't know the short question is asked the long one."""
        urls = ["/text", "/nothing", "/nohead", "/status?code=500", "http://127.0.0.1:1/", "ftp://x/"]
        given = {"url": server.url("/"), "urls": urls, "max_concurrent_requests": 2}
        assert run_node(http.FilterValidURLs, given, context=context) == ["/text", "/nohead"]


class TestFeeds:
    def test_entries(self, server: Server, context: Notes) -> None:
        first, second = run_node(rss.FetchRSSFeed, {"url": server.url("/feed")}, context=context)
        assert first == {
            "title": "One & two",
            "link": "http://a.example/1",
            "published": datetime(2024, 2, 29, 11, 5, 9, tzinfo=UTC),
            "summary": "<b>Text</b>",
            "author": "Ada",
        }
        assert second == {"title": "No date", "link": "", "published": None, "summary": "", "author": ""}

    def test_what_a_feed_says_of_itself(self) -> None:
        """A feed that is given as such needs no network."""
        found = run_node(
            rss.ExtractFeedMetadata, {"url": "data:text/xml," + RSS.decode().replace("%", "%25")}
        )
        assert (found["title"], found["description"], found["language"]) == ("News", "All of it", "en")
        assert (found["link"], found["entry_count"]) == ("http://a.example/", 2)

    @pytest.mark.parametrize(
        "content", ["", "no feed", "http://127.0.0.1/feed", "<html><body>x</body></html>"]
    )
    def test_what_is_no_feed(self, content: str) -> None:
        """Least of all does a text that is an address lead there."""
        with pytest.raises(ValueError, match="there is no feed at"):
            run_node(rss.ExtractFeedMetadata, {"url": f"data:text/xml,{content}"})

    @pytest.mark.parametrize("entity", ['"lol&lol;"', 'SYSTEM "file:///etc/hostname"'])
    def test_entities_are_not_expanded(self, entity: str) -> None:
        """Neither from files nor without end."""
        feed = f"<!DOCTYPE r [<!ENTITY lol {entity}>]><rss><channel><title>&lol;</title></channel></rss>"
        with pytest.raises(ValueError, match="defines entities, which are not read"):
            run_node(rss.ExtractFeedMetadata, {"url": f"data:text/xml,{feed}"})
