"""Addresses as inputs of nodes: read when a node fires, in its thread, by the rules of files and hosts."""

from __future__ import annotations

import base64
import io
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nodetool_jupyter import run
from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import NodeError, NodeToolError
from nodetool_jupyter.job import Job
from nodetool_jupyter.nodes.references import read_uri
from nodetool_jupyter.session import get_session
from tests.unit.nodes.servers import Server, serving

NOWHERE = {"asset_id": None, "data": None, "metadata": None}
OUT = {"id": "out", "type": "nodetool.output.Output", "data": {"name": "result"}}


def png(color: str = "red", size: tuple[int, int] = (4, 2)) -> bytes:
    """A small image as a file."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "PNG")
    return file.getvalue()


def of(kind: str, uri: str, **more: Any) -> dict[str, Any]:
    """NodeTool's reference to what is at an address."""
    return {**NOWHERE, "type": kind, "uri": uri, **more}


def give(kind: str, type_name: str, handle: str, reference: Any, **data: Any) -> Any:
    """What a node gives for a reference that comes along an edge."""
    nodes = [
        {"id": "in", "type": f"nodetool.constant.{kind}", "data": {"value": reference}},
        {"id": "node", "type": type_name, "data": data},
        OUT,
    ]
    edges = [
        {"source": "in", "sourceHandle": "output", "target": "node", "targetHandle": handle},
        {"source": "node", "sourceHandle": "output", "target": "out", "targetHandle": "value"},
    ]
    return run({"nodes": nodes, "edges": edges}).result()


def run_one(type_name: str, **data: Any) -> Job:
    """A job of one node, whose properties these are."""
    edges = [{"source": "node", "sourceHandle": "output", "target": "out", "targetHandle": "value"}]
    return run({"nodes": [{"id": "node", "type": type_name, "data": data}, OUT], "edges": edges})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notebook's folder, which is the workspace."""
    folder = tmp_path / "notebook"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def addresses(here: Path, server: Server, content: bytes, ending: str) -> list[str]:
    """One of each kind for the same content."""
    (here / f"file{ending}").write_bytes(content)
    asset_id = get_session().manager.assets.of("").save(content, ending)
    server.pages[f"/file{ending}"] = ("application/octet-stream", content)
    kind = "image/png" if ending == ".png" else "text/csv"
    return [
        f"data:{kind};base64,{base64.b64encode(content).decode()}",
        (here / f"file{ending}").as_uri(),
        f"asset://{asset_id}{ending}",
        f"/api/storage/{asset_id}{ending}",
        server.url(f"/file{ending}"),
    ]


class TestKinds:
    """All kinds of address, as a property and along an edge."""

    @pytest.fixture(autouse=True)
    def server(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        with serving() as server:
            monkeypatch.setenv("NODETOOL_HTTP_ALLOWED_HOSTS", server.host)
            yield server

    def test_images(self, here: Path, server: Server) -> None:
        """A node that changes images is given one, however it is referred to."""
        for uri in addresses(here, server, png(), ".png"):
            reference = of("image", uri)
            found = give("Image", "nodetool.image.Scale", "image", reference, scale=2.0)
            assert found.size == (8, 4), uri
            found = run_one("nodetool.image.Scale", image=reference, scale=3.0).result()
            assert found.getpixel((0, 0)) == (255, 0, 0), uri

    def test_tables(self, here: Path, server: Server) -> None:
        """Likewise tables; also for a node that streams rows on the job's loop."""
        for uri in addresses(here, server, b"a,b\n1,x\n2,y\n", ".csv"):
            reference = of("dataframe", uri, columns=None)
            found = give("DataFrame", "nodetool.data.ExtractColumn", "dataframe", reference, column_name="a")
            assert found == [1, 2], uri

    def test_documents(self, here: Path, server: Server) -> None:
        """A node that streams parts of a document, from a thread."""
        for uri in addresses(here, server, b"a\n\nb", ".md"):
            job = run(
                {
                    "nodes": [
                        {
                            "id": "node",
                            "type": "nodetool.document.SplitMarkdown",
                            "data": {"document": of("document", uri), "chunk_size": 100},
                        },
                        OUT,
                    ],
                    "edges": [
                        {"source": "node", "sourceHandle": "text", "target": "out", "targetHandle": "value"}
                    ],
                }
            )
            assert job.result() == ["a\n\nb"], uri

    def test_an_id_alone(self, here: Path) -> None:
        """NodeTool's references may have the id of an asset and no address; lists are read item by item."""
        ids = [get_session().manager.assets.of("").save(png(color), ".png") for color in ("red", "lime")]
        tiles = [of("image", "", asset_id=each) for each in ids]
        found = run_one("lib.grid.CombineImageGrid", tiles=tiles, columns=2).result()
        assert (found.size, found.getpixel((4, 0))) == ((8, 2), (0, 255, 0))


class TestRefused:
    """What is not there, or not to be read."""

    @pytest.mark.parametrize(
        ("uri", "message"),
        [
            ("asset://" + "0" * 32, "there is no asset 0000"),
            ("asset://../../etc/passwd%00", "is no id of an asset"),
            ("/api/storage/..%2f..%2fsecret.png", "is no id of an asset"),
            ("file:///etc/passwd", "is outside of the workspace"),
            ("file://../notebook/x.png", "is outside of the workspace"),
            ("file:///missing.png", "is outside of the workspace"),
            ("http://127.0.0.1:9/x.png", "127.0.0.1"),
            ("ftp://example.org/x.png", "is no address that is read here"),
            ("memory://7", "was only known to the process that made it"),
        ],
    )
    def test_message(self, here: Path, uri: str, message: str) -> None:
        """The job fails at the node, with a sentence that has the address."""
        with pytest.raises(NodeError, match=message) as raised:
            run_one("nodetool.image.Scale", image=of("image", uri), scale=2.0)
        assert raised.value.node_id == "node"

    def test_what_it_refers_to_is_checked(self, here: Path) -> None:
        """As what comes by itself is."""
        (here / "x.png").write_bytes(b"no image")
        with pytest.raises(NodeError, match="the image can't be read"):
            run_one("nodetool.image.Scale", image=of("image", (here / "x.png").as_uri()), scale=2.0)

    def test_nothing_is_read_while_a_graph_is_checked(self, here: Path) -> None:
        """Only when the node fires."""
        asked: list[str] = []
        services = Services(read_uri=lambda _context, uri: asked.append(uri) or png())  # type: ignore[func-returns-value]
        graph = {
            "nodes": [
                {"id": "n", "type": "nodetool.image.Scale", "data": {"image": of("image", "asset://7")}},
                OUT,
            ],
            "edges": [{"source": "n", "target": "out", "targetHandle": "value"}],
        }
        from nodetool_jupyter.model.request import RunJobRequest
        from nodetool_jupyter.session import as_workflow

        session = get_session()
        request = RunJobRequest(graph=as_workflow(graph).graph)
        session.check(request)
        assert asked == []
        managed = session.manager.submit(request, ProcessingContext(services=services))
        assert Job(session.manager, managed.record, managed).result().size == (4, 2)
        assert asked == ["asset://7"]


class TestContext:
    """The same for nodes of the notebook."""

    def test_a_node_reads_and_keeps(self, here: Path) -> None:
        """What one job keeps, a later one reads."""

        @node
        def keep(context: ProcessingContext) -> str:
            return context.save_asset(b"for later", ".txt")

        @node
        def read(context: ProcessingContext, uri: str) -> bytes:
            return context.read_uri(uri)

        for each in (keep, read):
            get_session().registry.add(each.spec)
        uri = run_one(keep.spec.type).result()
        assert uri.startswith("asset://")
        assert uri.endswith(".txt")
        assert run_one(read.spec.type, uri=uri).result() == b"for later"

    def test_a_page_is_read_from_a_loop_too(self, here: Path) -> None:
        """A thread whose loop runs can't run another one: it is read beside it."""
        with serving() as server:
            context = ProcessingContext(services=Services(allowed_hosts=frozenset([server.host])))

            async def on_loop() -> bytes:
                return read_uri(context, server.url("/table.csv"))

            import asyncio

            assert asyncio.run(on_loop()) == b"a,b\n1,x\n2,y\n"
        assert not [thread for thread in threading.enumerate() if thread.name == "nodetool-read"]

    def test_without_a_job_it_says_so(self) -> None:
        """A context that nobody has given services."""
        with pytest.raises(NodeToolError, match="can't be read here"):
            read_uri(ProcessingContext(), "asset://7")
